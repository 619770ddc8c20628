//! Planes that are registered one by one: arrays in memory and pages of image files are drawn, late ones too.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use eframe::App as _;
use squidview::{
    dataset::AnnouncedSizes,
    live::PushHandle,
    model::{MemoryOrder, NavAxis, Pixels, PlaneState, Samples},
    simulate::{Plan, Structure, simulate},
};

use tiff::encoder::{TiffEncoder, colortype};

use crate::{
    desk::{Desk, Setup},
    pushed::go,
};

const WIDTH: u32 = 64;
const HEIGHT: u32 = 48;
const CHANNEL: &str = "Fluorescence 488 nm Ex";

fn sizes() -> AnnouncedSizes {
    AnnouncedSizes {
        channels: vec![CHANNEL.into()],
        num_z: 1,
        height: HEIGHT.into(),
        width: WIDTH.into(),
    }
}

/// From 0 on the left to the given value on the right.
fn ramp(top: u16) -> Pixels {
    let row = (0..WIDTH).map(|x| (u32::from(top) * x / (WIDTH - 1)) as u16);
    let samples: Vec<u16> = (0..HEIGHT).flat_map(|_| row.clone()).collect();
    Pixels::new(WIDTH, HEIGHT, MemoryOrder::RowMajor, Samples::U16(samples)).unwrap()
}

fn started(num_fovs: usize) -> Option<(Desk, PushHandle)> {
    let mut desk = Desk::new(Setup::default())?;
    let handle = desk.harness.state().push_handle();
    let labels = (0..num_fovs).map(|fov| format!("A1:{fov}")).collect();
    handle.start_acquisition(sizes(), labels).unwrap();
    desk.settle();
    assert!(!desk.harness.state().has_picture(), "nothing is registered");
    Some((desk, handle))
}

#[test]
fn an_array_in_memory_is_drawn_and_lengthens_the_time_axis() {
    let Some((mut desk, handle)) = started(2) else {
        return;
    };
    handle.register_array(0, 0, 0, CHANNEL, ramp(4000)).unwrap();
    desk.until("the array is drawn", |app| {
        app.is_settled() && app.has_picture()
    });
    desk.harness.run_steps(2);
    let (left, right) = (desk.color_at(0.4, 0.5), desk.color_at(0.6, 0.5));
    assert!(right[1] > left[1] + 10, "{left:?} {right:?}");
    assert!(!desk.has("T slider"), "one timepoint so far");
    handle.register_array(3, 1, 0, CHANNEL, ramp(4000)).unwrap();
    desk.take_sent();
    let dataset = desk.status().dataset.clone().unwrap();
    assert_eq!(dataset.len_along(NavAxis::Time), 4);
    desk.harness.run_steps(3);
    assert!(desk.has("T slider"));
    let at = desk.session().position;
    assert_eq!((at.t, at.fov.0), (0, 0), "the view stays");
    assert!(desk.harness.state().has_picture());
}

/// A TIFF file of these pages.
fn tiff_of(pages: &[Pixels]) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
    for page in pages {
        let Samples::U16(samples) = page.samples() else {
            panic!("pages are uint16");
        };
        let image = encoder.new_image::<colortype::Gray16>(WIDTH, HEIGHT);
        image.unwrap().write_data(samples).unwrap();
    }
    bytes.into_inner()
}

#[test]
fn a_registered_page_is_drawn_also_when_its_file_comes_late() {
    let Some((mut desk, handle)) = started(1) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("A1_0_stack.tiff");
    handle.register_image(0, 0, 0, CHANNEL, &path, 1).unwrap();
    desk.until("the plane is known to be absent", |app| {
        let states = app.shown_states();
        !states.is_empty() && states.iter().all(|state| *state == PlaneState::Planned)
    });
    std::fs::write(&path, tiff_of(&[ramp(0), ramp(4000)])).unwrap();
    desk.until("the page is drawn", |app| {
        app.is_settled() && app.has_picture() && app.shown_states() == [PlaneState::Written]
    });
}

#[test]
fn pixels_that_had_to_make_room_are_missing_with_that_reason() {
    const SIDE: u32 = 8192;
    let Some(mut desk) = Desk::new(Setup::default()) else {
        return;
    };
    let handle = desk.harness.state().push_handle();
    let sizes = AnnouncedSizes {
        height: SIDE.into(),
        width: SIDE.into(),
        ..sizes()
    };
    let labels = vec!["A1:0".into(), "A1:1".into()];
    handle.start_acquisition(sizes, labels).unwrap();
    desk.settle();
    // 128 MB each, four fit. Nobody looks at their FOV yet.
    for t in 0..5 {
        let samples = Samples::U16(vec![0; (SIDE * SIDE) as usize]);
        let pixels = Pixels::new(SIDE, SIDE, MemoryOrder::RowMajor, samples).unwrap();
        handle.register_array(t, 1, 0, CHANNEL, pixels).unwrap();
    }
    desk.take_sent();
    desk.harness.run_steps(2);
    let found = desk.status().counts;
    assert_eq!((found.written, found.missing, found.failed), (4, 1, 0));
    go(&mut desk, &handle, 1, 0, 0);
    desk.harness.run_steps(2);
    let states = desk.harness.state().shown_states();
    assert_eq!(states, [PlaneState::Missing]);
    assert!(desk.has("No longer in memory"));
    assert!(desk.says("made room for newer ones"));
    desk.press(egui::Modifiers::NONE, egui::Key::F5);
    desk.settle();
    let found = desk.status().counts;
    assert_eq!((found.missing, found.failed), (1, 0), "after another look");
}

#[test]
fn side_files_around_registered_planes_say_what_they_are_like() {
    let names = [CHANNEL, "Fluorescence 561 nm Ex"];
    let plan = Plan {
        structure: Structure::Tiff,
        regions: vec![("A1".into(), 2)],
        num_timepoints: 3,
        num_z: 1,
        channels: names.map(str::to_owned).into(),
        width: WIDTH,
        height: HEIGHT,
        ..Plan::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("run");
    simulate(&plan, &root, &mut |_| true, Duration::ZERO).unwrap();
    let Some(mut desk) = Desk::new(Setup::default()) else {
        return;
    };
    let handle = desk.harness.state().push_handle();
    let sizes = AnnouncedSizes {
        channels: plan.channels.clone(),
        ..sizes()
    };
    let labels = vec!["A1:0".into(), "A1:1".into()];
    handle.start_acquisition(sizes, labels).unwrap();
    desk.settle();
    // By hand: the first channel is hidden.
    desk.press(egui::Modifiers::ALT, egui::Key::Num1);
    let entries = std::fs::read_dir(root.join("0")).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "tiff"));
    files.sort();
    handle
        .register_image(0, 0, 0, names[1], &files[1], 0)
        .unwrap();
    desk.until("side files are read", |app| {
        app.auto_save_interval();
        app.is_settled() && app.push_handle().status().counts.planned == Some(12)
    });
    desk.harness.run_steps(2);
    let dataset = desk.status().dataset.clone().unwrap();
    let (channels, sampling) = (&dataset.template.channels, dataset.template.sampling);
    let found: Vec<_> = channels.iter().map(|it| it.name.as_deref()).collect();
    assert_eq!(found, names.map(Some));
    assert!(
        channels
            .iter()
            .all(|it| it.exposure_ms.is_some() && it.color.is_some())
    );
    assert_eq!(sampling.x_um, Some(0.325));
    assert!(dataset.fovs.iter().all(|fov| fov.stage_um.is_some()));
    assert!(dataset.acquisition.as_ref().unwrap().objective.is_some());
    assert_eq!(dataset.name, "run");
    assert_eq!(dataset.len_along(NavAxis::Time), 3);
    assert_eq!(desk.session().drawn_channels(), [1], "set by hand");
    assert!(desk.harness.state().has_picture());
    let revision = dataset.revision;
    desk.frames(Duration::from_millis(100));
    let later = desk.status().dataset.clone().unwrap();
    assert_eq!(later.revision, revision, "it is looked around once");
}

#[test]
fn where_nobody_said_how_many_timepoints_there_will_be_no_end_is_expected() {
    let Some((mut desk, handle)) = started(2) else {
        return;
    };
    for (t, fov) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        handle
            .register_array(t, fov, 0, CHANNEL, ramp(4000))
            .unwrap();
    }
    desk.take_sent();
    desk.harness.run_steps(3);
    let counts = desk.status().counts;
    assert_eq!((counts.planned, counts.written), (None, 4));
    assert!(desk.says("live 4 planes"));
    assert!(!desk.says("live 100"));
    assert!(!desk.says(" left"));
}

#[test]
fn a_page_or_a_fov_that_cannot_be_is_refused() {
    let Some((_desk, handle)) = started(1) else {
        return;
    };
    let path = Path::new("/data/run/0/A1_0_0_488.tiff");
    let error = handle
        .register_image(0, 0, 0, CHANNEL, path, -1)
        .unwrap_err();
    assert!(error.to_string().contains("page_idx -1"), "{error}");
    let error = handle
        .register_image(0, 1, 0, CHANNEL, path, 0)
        .unwrap_err();
    assert_eq!(error.to_string(), "fov_idx 1, expected 0 to 0");
}

/// A run of two FOVs in image files, written before it is announced: a folder, and its mark taken away.
fn written_run(num_timepoints: u32, skipped: &[u32]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan {
        structure: Structure::Tiff,
        regions: vec![("A1".into(), 2)],
        num_timepoints,
        skipped_timepoints: skipped.iter().copied().collect(),
        num_z: 1,
        channels: vec![CHANNEL.into()],
        width: WIDTH,
        height: HEIGHT,
        ..Plan::default()
    };
    let root = folder.path().join("run");
    simulate(&plan, &root, &mut |_| true, Duration::ZERO).unwrap();
    std::fs::remove_file(root.join(".done")).unwrap();
    (folder, root)
}

fn image(root: &Path, fov: u32, t: u32) -> PathBuf {
    let name = format!("A1_{fov}_0_{}.tiff", CHANNEL.replace(' ', "_"));
    root.join(t.to_string()).join(name)
}

fn register(handle: &PushHandle, root: &Path, planes: &[(u32, u32)]) {
    for &(fov, t) in planes {
        handle
            .register_image(t.into(), fov.into(), 0, CHANNEL, &image(root, fov, t), 0)
            .unwrap();
    }
}

/// Frames until the side files said how many planes there will be.
fn until_planned(desk: &mut Desk, num_planes: u64) {
    desk.take_sent();
    desk.until("the side files are read", |app| {
        app.auto_save_interval();
        app.push_handle().status().counts.planned == Some(num_planes)
    });
}

fn complete(app: &squidview::app::App) -> Option<bool> {
    app.auto_save_interval();
    let status = app.push_handle().status();
    status.dataset.as_ref()?.acquisition.as_ref()?.complete
}

/// That run, announced, with the given planes registered and its side files read.
fn registered_run(
    (num_timepoints, skipped): (u32, &[u32]),
    planes: &[(u32, u32)],
) -> Option<((tempfile::TempDir, PathBuf), Desk, PushHandle)> {
    let (folder, root) = written_run(num_timepoints, skipped);
    let (mut desk, handle) = started(2)?;
    register(&handle, &root, planes);
    until_planned(&mut desk, 2 * u64::from(num_timepoints));
    Some(((folder, root), desk, handle))
}

#[test]
fn a_whole_run_is_finished_also_where_its_last_plane_and_its_end_come_together() {
    let run = registered_run((2, &[]), &[(0, 0), (1, 0), (0, 1)]);
    let Some(((_folder, root), mut desk, handle)) = run else {
        return;
    };
    register(&handle, &root, &[(1, 1)]);
    handle.end_acquisition().unwrap();
    desk.take_sent();
    assert!(desk.says("finished") && !desk.says("ended"));
}

#[test]
fn a_plane_that_comes_after_the_end_makes_a_run_whole() {
    let run = registered_run((2, &[]), &[(0, 0), (1, 0), (0, 1)]);
    let Some(((_folder, root), mut desk, handle)) = run else {
        return;
    };
    handle.end_acquisition().unwrap();
    desk.take_sent();
    assert!(desk.says("ended") && !desk.says("finished"));
    register(&handle, &root, &[(1, 1)]);
    desk.take_sent();
    assert!(desk.says("finished") && !desk.says("ended"));
}

#[test]
fn the_mark_of_a_registered_run_tells_how_it_ended_also_a_moment_later() {
    let check = |skipped: &[u32], complete_as: bool, words: &str, is_late: bool| {
        let run = registered_run((2, skipped), &[(0, 0), (1, 0)]);
        let Some(((_folder, root), mut desk, handle)) = run else {
            return;
        };
        if !is_late {
            std::fs::write(root.join(".done"), "").unwrap();
            desk.frames(Duration::from_millis(200));
            assert_eq!(complete(desk.harness.state()), None, "it has not ended");
        }
        handle.end_acquisition().unwrap();
        desk.take_sent();
        if is_late {
            assert!(desk.says("ended"));
            std::fs::write(root.join(".done"), "").unwrap();
        }
        desk.until("the mark was seen", |app| complete(app).is_some());
        desk.harness.run_steps(2);
        assert_eq!(complete(desk.harness.state()), Some(complete_as));
        assert!(desk.says(words) && !desk.says("ended"));
        assert!(desk.has("Complete"));
        let told = desk.status().counts;
        assert_eq!((told.written, told.missing), (2, 2));
    };
    check(&[], true, "finished", false);
    check(&[], true, "finished", true);
    // The last timepoint was never begun.
    check(&[1], false, "stopped", false);
}

#[test]
fn what_nobody_registered_is_missing_after_the_end() {
    let run = registered_run((3, &[1]), &[(0, 0), (1, 0), (0, 2), (1, 2)]);
    let Some(((_folder, root), mut desk, handle)) = run else {
        return;
    };
    let told = desk.status().counts;
    assert_eq!((told.written, told.missing), (4, 0), "it may still come");
    handle.end_acquisition().unwrap();
    desk.take_sent();
    let told = desk.status().counts;
    assert_eq!((told.written, told.missing), (4, 2));
    go(&mut desk, &handle, 0, 1, 0);
    assert!(desk.says("Not on disk") && !desk.says("later planes are"));
    assert!(desk.says("ended") && !desk.says("finished"));
    // A late one still applies.
    handle
        .register_image(1, 0, 0, CHANNEL, &image(&root, 0, 2), 0)
        .unwrap();
    desk.until("the late one is drawn", squidview::app::App::has_picture);
    let told = desk.status().counts;
    assert_eq!((told.written, told.missing), (5, 1));
}

#[test]
fn displaced_acquisitions_are_offered_by_the_folder_of_their_files() {
    let Some(mut desk) = Desk::new(Setup::default()) else {
        return;
    };
    let clients: Vec<PushHandle> = (0..4).map(|_| desk.harness.state().push_handle()).collect();
    let files = [
        "/data/monday/0/A1_0_0_488.tiff",
        "/data/tuesday/ome_tiff/A1_0.ome.tiff",
        "/data/wednesday/A1_0_0_488.tiff",
    ];
    for (client, file) in clients.iter().zip(files) {
        client
            .start_acquisition(sizes(), vec!["A1:0".into()])
            .unwrap();
        client
            .register_image(0, 0, 0, CHANNEL, Path::new(file), 0)
            .unwrap();
        desk.take_sent();
    }
    clients[3]
        .start_acquisition(sizes(), vec!["A1:0".into()])
        .unwrap();
    desk.take_sent();
    desk.harness.run_steps(2);
    for name in ["monday", "tuesday", "wednesday"] {
        assert!(desk.says(&format!("Another acquisition: {name}")), "{name}");
    }
}
