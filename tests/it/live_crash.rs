//! A writer that is killed at any moment: the book of planes is what lies on disk, and what lies on disk is shown.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use eframe::App as _;
use squidview::{
    model::PlaneState,
    simulate::{Ending, Plan, Structure, simulate},
};

use crate::{
    desk::{Desk, PATIENCE, Setup},
    planes::{open_whole, planes_of},
    program::on,
    pushed::{Run, announced, counts, notify, until_drawn},
};

/// A simulated microscope in a process of its own, without anything to announce to; 2 FOVs, 10 timepoints, 2 channels.
fn microscope(out: &Path, more: &[&str]) -> Child {
    let line = "simulate --structure per_fov --n-regions 1 --n-fov 2 --t 10 --z 2 --size 96x64 --interval-ms 20";
    Command::new(env!("CARGO_BIN_EXE_squidview"))
        .args(line.split(' '))
        .args(["--channels", "DAPI,Fluorescence 488 nm Ex"])
        .args(more)
        .arg(out)
        .env(
            "SQUIDVIEW_CONFIG_DIR",
            out.parent().unwrap().join("settings"),
        )
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Chunk files below a folder: each is a plane here.
fn num_chunks(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap();
    let paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    let count = |path: &PathBuf| {
        if path.is_dir() {
            return num_chunks(path);
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_chunk = path.components().any(|part| part.as_os_str() == "c");
        u64::from(is_chunk && name.parse::<u32>().is_ok())
    };
    paths.iter().map(count).sum()
}

/// When the writer is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// As soon as so many chunks are there.
    Chunks(u64),
    /// So long after the first chunk, in whatever it does then.
    After(Duration),
}

fn check(moment: Moment, more: &[&str]) {
    let Some(mut desk) = Desk::new(Setup::default()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("run");
    let mut child = microscope(&root, more);
    let store = root.join("zarr");
    let deadline = Instant::now() + PATIENCE;
    while !store.is_dir() || num_chunks(&store) == 0 {
        assert!(Instant::now() < deadline, "nothing is written");
        thread::sleep(Duration::from_millis(2));
    }
    // Watched while it is written.
    desk.harness.state_mut().open(&root);
    let began = Instant::now();
    let is_due = || match moment {
        Moment::Chunks(count) => num_chunks(&store) >= count,
        Moment::After(time) => began.elapsed() >= time,
    };
    while !is_due() {
        assert!(Instant::now() < deadline, "the writer does not go on");
        desk.harness.step();
    }
    if more.is_empty() {
        child.kill().unwrap();
    }
    child.wait().unwrap();
    let on_disk = num_chunks(&store);
    assert!(on_disk > 0 && on_disk < 80, "{moment:?}: {on_disk}");
    let is_known = |app: &squidview::app::App| {
        app.auto_save_interval();
        let counts = app.push_handle().status().counts;
        counts.written + counts.failed + counts.partial == on_disk
    };
    desk.until(&format!("{on_disk} planes are in the book"), is_known);
    // And it stays so.
    desk.frames(Duration::from_millis(300));
    assert!(is_known(desk.harness.state()), "{:?}", counts(&desk));
    assert!(!desk.status().dataset.as_ref().unwrap().fovs.is_empty());
    // Opened anew, the same planes are there: each is one file.
    let dataset = open_whole(&root);
    let reader = squidview::store::Store::new();
    let opened = dataset
        .order
        .iter()
        .filter(|fov| dataset.image(**fov).is_some());
    let planes = opened.flat_map(|&fov| planes_of(&dataset, fov));
    let is_there = |plane| reader.presence(&dataset, plane).unwrap() == PlaneState::Written;
    assert_eq!(
        planes.filter(|&plane| is_there(plane)).count() as u64,
        on_disk
    );
}

#[test]
fn the_book_agrees_with_the_disk_after_the_writer_was_killed_early() {
    check(Moment::Chunks(3), &[]);
}

#[test]
fn the_book_agrees_with_the_disk_after_the_writer_was_killed_in_the_middle() {
    check(Moment::Chunks(23), &[]);
}

#[test]
fn the_book_agrees_with_the_disk_after_the_writer_was_killed_near_its_end() {
    check(Moment::Chunks(55), &[]);
}

#[test]
fn the_book_agrees_with_the_disk_after_the_writer_was_killed_at_random_moments() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let mut random = now.subsec_nanos();
    for _ in 0..3 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // All planes take 1.6 s.
        let time = Duration::from_micros(u64::from(random >> 12));
        check(Moment::After(time), &[]);
    }
}

#[test]
fn the_book_agrees_with_the_disk_after_a_crash_that_left_half_a_chunk() {
    check(Moment::Chunks(21), &["--crash-after", "21"]);
}

#[test]
fn an_image_file_that_a_crash_cut_off_is_not_called_written() {
    const NUM_WRITTEN: u64 = 5;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("run");
    let plan = Plan {
        structure: Structure::Tiff,
        regions: vec![("A1".into(), 2)],
        num_timepoints: 2,
        num_z: 2,
        channels: vec!["DAPI".into()],
        width: 64,
        height: 48,
        ending: Ending::CrashesAfter(NUM_WRITTEN),
        ..Plan::default()
    };
    let mut paths = Vec::new();
    simulate(&plan, &root, &mut |_| true, Duration::ZERO).unwrap();
    for t in 0..2 {
        let entries = fs::read_dir(root.join(t.to_string()));
        let files = entries.into_iter().flatten().map(|entry| entry.unwrap());
        paths.extend(files.map(|entry| entry.path()).filter(|path| {
            let ending = path.extension();
            ending.is_some_and(|ending| ending == "tiff")
        }));
    }
    assert_eq!(paths.len() as u64, NUM_WRITTEN + 1, "{paths:?}");
    let found = on(&root, "inspect PATH --json").answer();
    assert_eq!(found["acquisition"]["written_planes"], NUM_WRITTEN);
    let Some(mut desk) = Desk::with(&root, Setup::default()) else {
        return;
    };
    let num_written = |app: &squidview::app::App| {
        app.auto_save_interval();
        app.push_handle().status().counts.written
    };
    desk.until("what is whole is found", |app| {
        num_written(app) == NUM_WRITTEN
    });
    desk.frames(Duration::from_secs(1));
    assert_eq!(counts(&desk).written, NUM_WRITTEN);
    // The next one, as it is once it is whole.
    let torn = paths
        .iter()
        .min_by_key(|path| fs::metadata(path).unwrap().len());
    let whole = paths
        .iter()
        .max_by_key(|path| fs::metadata(path).unwrap().len());
    fs::copy(whole.unwrap(), torn.unwrap()).unwrap();
    desk.until("the file is whole", |app| {
        num_written(app) == NUM_WRITTEN + 1
    });
}

#[test]
fn a_chunk_that_is_half_written_for_a_moment_is_never_called_damaged() {
    let run = Run::new(1, [1, 1, 1]);
    run.create();
    let (store, value) = (&run.stores[0], run.value(0, [0, 0, 0]));
    let whole = store.chunk_bytes(value);
    let path = store.chunk_path([0; 3], [0, 0]);
    let Some((mut desk, handle)) = announced(&run) else {
        return;
    };
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let late = thread::Builder::new().name("late".into());
    let writer = late.spawn(move || {
        thread::sleep(Duration::from_millis(40));
        fs::write(&path, &whole).unwrap();
    });
    notify(&handle, 0, [0, 0, 0]);
    desk.until("the whole chunk is drawn", |app| {
        let states = app.shown_states();
        assert!(
            !matches!(states.as_slice(), [PlaneState::Failed(_)]),
            "{states:?}"
        );
        app.is_settled() && crate::uniform::values(app) == [value]
    });
    writer.unwrap().join().unwrap();
}

#[test]
fn a_torn_chunk_is_shown_as_damaged_until_the_file_is_whole() {
    let run = Run::new(1, [1, 1, 1]);
    run.create();
    let (store, value) = (&run.stores[0], run.value(0, [0, 0, 0]));
    let whole = store.chunk_bytes(value);
    let path = store.chunk_path([0; 3], [0, 0]);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let Some((mut desk, handle)) = announced(&run) else {
        return;
    };
    notify(&handle, 0, [0, 0, 0]);
    desk.until("the chunk is damaged", |app| {
        matches!(app.shown_states().as_slice(), [PlaneState::Failed(_)])
    });
    desk.harness.run_steps(2);
    desk.until("it is counted", |app| {
        app.auto_save_interval();
        app.push_handle().status().counts.failed == 1
    });
    // Without a notice: the watch sees that the file is another one.
    desk.frames(Duration::from_millis(300));
    fs::write(&path, &whole).unwrap();
    until_drawn(&mut desk, &[value]);
    assert_eq!((counts(&desk).failed, counts(&desk).written), (0, 1));
}
