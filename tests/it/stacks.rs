//! Squid's multi-page TIFF stacks: pages are found by what they say of themselves, also while they are appended.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use squidview::{
    app::{App, Options},
    dataset::{Dataset, DatasetKind},
    formats,
    model::{Code, FovId, PlaneState},
    simulate::{Ending, Plan, Structure, simulate},
    store::Store,
};

use crate::{
    desk::{Desk, Setup},
    expected,
    fixture::copy,
    microscope::Microscope,
    oracle::image_oracle,
    planes::{data_folder, open_whole, plane_at, plane_crc},
    program::on,
    squid_data::index,
};

const SIDE: &str = "channels:\n- {name: BF LED matrix full, display_color: '#FFFFFF'}\n\
                    - {name: Fluorescence 488 nm Ex, display_color: '#00FF00'}\n- {name: never taken}\n";

fn crc(dataset: &Dataset, fov: u32, [t, c, z]: [u32; 3]) -> Option<String> {
    plane_crc(&Store::new(), dataset, plane_at(FovId(fov), t, c, z))
}

fn presence(dataset: &Dataset, [t, c, z]: [u32; 3]) -> PlaneState {
    let plane = plane_at(FovId(0), t, c, z);
    Store::new().presence(dataset, plane).unwrap()
}

/// A finished acquisition of 2 FOVs, timepoints 0 and 2, written by another program; its planes.
fn written(root: &Path) -> Option<Vec<Value>> {
    let found = image_oracle(&["write", root.to_str().unwrap(), "stacks"])?;
    fs::write(root.join("acquisition_channels.yaml"), SIDE).unwrap();
    let csv = "region,x (mm),y (mm)\nmy_area,1.5,2\nmy_area,2.5,2\n";
    fs::write(root.join("coordinates.csv"), csv).unwrap();
    fs::write(root.join(".done"), "").unwrap();
    Some(found["planes"].as_array().unwrap().clone())
}

#[test]
fn pages_in_any_order_are_the_planes_that_they_say_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let Some(planes) = written(root) else { return };
    let dataset = open_whole(root);
    assert_eq!(dataset.kind, DatasetKind::Squid);
    assert_eq!(dataset.layout, "Squid acquisition in multi-page TIFF files");
    expected::check_text("stacks", &dataset);
    assert!(dataset.problems.is_empty(), "{:?}", dataset.problems);
    let labels: Vec<&str> = dataset.fovs.iter().map(|fov| fov.label.as_str()).collect();
    assert_eq!(labels, ["my_area:0", "my_area:1"]);
    assert_eq!(dataset.fovs[1].stage_um.map(|at| at.x), Some(2500.0));
    let image = &dataset.template;
    assert_eq!(image.levels[0].shape[..3], [3, 2, 3]);
    let names = image.channels.iter().filter_map(|it| it.name.as_deref());
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["BF LED matrix full", "Fluorescence 488 nm Ex"]
    );
    assert_eq!(planes.len(), 24);
    for plane in &planes {
        let at = |key| index(plane, key);
        // The side file lists the channels the other way round.
        let place = [at("t"), 1 - at("c"), at("z")];
        let found = crc(&dataset, at("fov"), place);
        assert_eq!(found.as_deref(), plane["crc32"].as_str(), "{plane}");
    }
    assert_eq!(presence(&dataset, [1, 0, 0]), PlaneState::Missing);
    let document = on(root, "inspect PATH --json").answer();
    assert_eq!(document["kind"], "squid");
    assert_eq!(document["acquisition"]["written_planes"], 24);
    // One timepoint of it.
    let one = open_whole(&root.join("2"));
    assert_eq!(one.template.num_timepoints(), 1);
    expected::check_text("stacks_timepoint", &one);
    let last = planes
        .iter()
        .find(|plane| plane["t"] == 2 && plane["fov"] == 1);
    let last = last.unwrap();
    let place = [0, 1 - index(last, "c"), index(last, "z")];
    assert_eq!(crc(&one, 1, place).as_deref(), last["crc32"].as_str());
}

#[test]
fn a_page_that_is_cut_off_is_not_there_yet_and_comes() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let Some(planes) = written(root) else { return };
    fs::remove_file(root.join(".done")).unwrap();
    let path = root.join("0/my_area_0_stack.tiff");
    let whole = fs::read(&path).unwrap();
    // The last page of the first FOV is z-slice 1 of the second channel in the side file.
    let last = planes[5].clone();
    let place = [0, 1 - index(&last, "c"), index(&last, "z")];
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let dataset = formats::open(root, &mut |_| true).unwrap();
    assert_eq!(presence(&dataset, place), PlaneState::Planned);
    assert_eq!(crc(&dataset, 0, place), None);
    assert!(crc(&dataset, 0, [0, 0, 0]).is_some());
    fs::write(&path, &whole).unwrap();
    assert_eq!(presence(&dataset, place), PlaneState::Written);
    assert_eq!(crc(&dataset, 0, place).as_deref(), last["crc32"].as_str());
    // Cut off anywhere it gives planes or none, never something else.
    for end in (0..whole.len()).step_by(97) {
        fs::write(&path, &whole[..end]).unwrap();
        let place = [0, 1, 0];
        let expected = planes[1]["crc32"].as_str();
        if let Ok(state) = Store::new().presence(&dataset, plane_at(FovId(0), 0, 1, 0))
            && state == PlaneState::Written
        {
            assert_eq!(crc(&dataset, 0, place).as_deref(), expected, "{end}");
        }
    }
}

#[test]
fn stacks_without_a_whole_page_are_waited_for_and_finished_ones_refused() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("0")).unwrap();
    fs::write(
        root.join("coordinates.csv"),
        "region,x (mm),y (mm)\nA1,1,2\n",
    )
    .unwrap();
    let code = || {
        let outcome = formats::open(root, &mut |_| true);
        outcome.map(|_| ()).map_err(|error| error.code)
    };
    assert_eq!(code(), Err(Code::NotWritten), "no image yet");
    let path = root.join("0/A1_0_stack.tiff");
    for bytes in [&b""[..], b"II*\0", b"II*\0\x08\0\0\0"] {
        fs::write(&path, bytes).unwrap();
        assert_eq!(code(), Err(Code::NotWritten), "{bytes:?}");
    }
    fs::write(root.join("0/A1_0_0_BF.tiff"), b"II*\0").unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(code(), Err(Code::NotWritten), "a file per plane");
    fs::write(root.join(".done"), "").unwrap();
    assert_eq!(code(), Err(Code::CorruptData));
}

fn plan(structure: Structure) -> Plan {
    Plan {
        structure,
        regions: vec![("A1".into(), 1), ("B2".into(), 1)],
        num_timepoints: 2,
        num_z: 1,
        channels: vec!["DAPI".into(), "GFP".into()],
        width: 96,
        height: 64,
        ..Plan::default()
    }
}

/// A window that is opened after the first plane shows the second one when it is there, then the end.
fn check_window(structure: Structure) {
    let mut microscope = Microscope::new(plan(structure));
    microscope.write();
    let root = microscope.root();
    let Some(mut desk) = Desk::with(&root, Setup::default()) else {
        return;
    };
    desk.until(
        "the first plane is there and the other one planned",
        |app| app.shown_states() == [PlaneState::Written, PlaneState::Planned],
    );
    microscope.write();
    desk.until("both channels are drawn", |app| {
        app.shown_states() == [PlaneState::Written, PlaneState::Written] && app.has_picture()
    });
    assert!(desk.has("FOV slider"), "planned FOVs are there");
    microscope.finish();
    let deadline = Instant::now() + crate::desk::PATIENCE;
    while !desk.says("finished") {
        assert!(Instant::now() < deadline, "its end is noticed");
        desk.harness.step();
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_an_aborted_run_did_not_take_is_missing() {
    for structure in [Structure::Tiff, Structure::MultiPage] {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("run");
        let plan = Plan {
            ending: Ending::AbortsAfter(3),
            ..plan(structure)
        };
        simulate(&plan, &root, &mut |_| true, Duration::ZERO).unwrap();
        let dataset = open_whole(&root);
        assert!(!dataset.is_running());
        let acquisition = dataset.acquisition.as_ref().unwrap();
        assert_eq!(
            (acquisition.complete, acquisition.aborted),
            (Some(false), true)
        );
        assert_eq!(acquisition.planned_planes, Some(8));
        assert_eq!(dataset.num_fovs(), 2);
        let state = |fov: u32, c: u32| {
            let plane = plane_at(FovId(fov), 0, c, 0);
            Store::new().presence(&dataset, plane).unwrap()
        };
        assert_eq!(state(1, 0), PlaneState::Written);
        assert_eq!(state(1, 1), PlaneState::Missing, "{structure:?}");
        let document = on(&root, "inspect PATH --json").answer();
        assert_eq!(
            document["acquisition"],
            json!({ "complete": false, "planned_planes": 8, "written_planes": 3 })
        );
    }
}

#[test]
fn a_run_that_took_all_it_planned_is_complete_and_one_that_was_stopped_is_not() {
    let complete = |structure, ending| {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("run");
        let plan = Plan {
            ending,
            num_z: 2,
            ..plan(structure)
        };
        simulate(&plan, &root, &mut |_| true, Duration::ZERO).unwrap();
        let acquisition = open_whole(&root).acquisition.clone().unwrap();
        (acquisition.complete, acquisition.aborted)
    };
    for structure in [Structure::Tiff, Structure::MultiPage, Structure::OmeTiff] {
        let all = complete(structure, Ending::Completes);
        assert_eq!(all, (Some(true), false), "{structure:?}");
        // Between timepoints, in the first FOV of one, and before the last slice: Squid stops between slices.
        for num_planes in [8, 10, 14] {
            let stopped = complete(structure, Ending::AbortsAfter(num_planes));
            assert_eq!(stopped, (Some(false), true), "{structure:?} {num_planes}");
        }
    }
}

#[test]
fn an_acquisition_that_was_just_begun_is_opened_by_hand_when_it_has_an_image() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("run");
    copy(&data_folder().join("tiff_folder"), &root);
    fs::remove_file(root.join(".done")).unwrap();
    let images = folder.path().join("images");
    fs::rename(root.join("0"), &images).unwrap();
    fs::create_dir(root.join("0")).unwrap();
    let setup = Setup {
        options: Options {
            path: Some(root.clone()),
            ..Options::default()
        },
        ..Setup::default()
    };
    let Some(mut desk) = Desk::new(setup) else {
        return;
    };
    desk.frames(Duration::from_millis(200));
    assert!(desk.says("Waiting for the first image of run"));
    assert!(desk.harness.state().session().is_none());
    fs::remove_dir(root.join("0")).unwrap();
    fs::rename(&images, root.join("0")).unwrap();
    desk.until("its first plane is shown", App::has_picture);
    assert!(!desk.says("Waiting for the first image of run"));
}

#[test]
fn the_window_shows_pages_as_they_are_appended() {
    check_window(Structure::MultiPage);
}

#[test]
fn the_window_shows_image_files_as_they_are_written() {
    check_window(Structure::Tiff);
}

#[test]
fn single_planes_beside_stacks_are_left_aside_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    if written(root).is_none() {
        return;
    }
    let before = open_whole(root);
    fs::write(root.join("0/my_area_0_0_BF.tiff"), b"II*\0").unwrap();
    let dataset = open_whole(root);
    assert_eq!(dataset.fovs, before.fovs);
    let further: Vec<_> = dataset
        .problems
        .iter()
        .filter(|problem| !before.problems.contains(problem))
        .map(|problem| (problem.code, &*problem.location, &*problem.message))
        .collect();
    let message = "files of single planes beside stacks are left aside";
    assert_eq!(further, [(Code::Ignored, "0", message)]);
}
