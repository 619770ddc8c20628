//! A window over data that is deleted, replaced, damaged or never answers while it is open: it says so at the place it
//! concerns, once in the log, and goes on.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use egui::{Key, Modifiers};
use parking_lot::{Condvar, Mutex};
use serde_json::json;
use squidview::{
    dataset::Dataset,
    loader::ReadTiles,
    model::{Absence, PlaneState, TileId, WorkStage, while_waiting},
    store::{ReadError, ReadOutcome, Store},
};

use crate::{
    desk::{Desk, PATIENCE, Setup},
    fixture,
    planes::data_folder,
    window::plate,
};

/// What is logged while `body` runs on this thread.
fn logged(body: impl FnOnce()) -> String {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let log = Log::default();
    let theirs = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_ansi(false)
        .with_writer(move || theirs.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, body);
    let bytes = log.0.lock().clone();
    String::from_utf8(bytes).unwrap()
}

/// Chunk of a plane of FOV 0 of well B2, which a window that starts has not read.
fn chunk(path: &Path, t: u32, c: u32, z: u32) -> PathBuf {
    path.join(format!("plate.ome.zarr/B/2/0/0/c/{t}/{c}/{z}/0/0"))
}

/// A window on the plate, on the FOV whose chunks a test may damage, `damage` done before it was looked at.
fn on_damaged(damage: impl FnOnce(&Path)) -> Option<(Desk, tempfile::TempDir, PathBuf)> {
    let folder = tempfile::tempdir().unwrap();
    let path = plate(folder.path());
    let mut desk = Desk::with(&path, Setup::default())?;
    damage(&path);
    for _ in 0..2 {
        desk.press(Modifiers::NONE, Key::PageDown);
    }
    desk.settle();
    assert!(desk.says("B2:0"));
    Some((desk, folder, path))
}

/// The failed states of the picture.
fn failures(desk: &Desk) -> Vec<String> {
    let states = desk.harness.state().shown_states().into_iter();
    let failed = states.filter_map(|state| match state {
        PlaneState::Failed(reason) => Some(reason.to_string()),
        _ => None,
    });
    failed.collect()
}

/// Damages both channels of the plane that is shown first, and looks at what the window says.
fn check_damaged(damage: impl Fn(&Path), reason: &str) {
    let log = logged(|| {
        let damage = |path: &Path| (0..2).for_each(|c| damage(&chunk(path, 0, c, 1)));
        let Some((mut desk, _folder, _)) = on_damaged(damage) else {
            return;
        };
        let found = failures(&desk);
        assert_eq!(found.len(), 2, "{reason}: {found:?}");
        assert!(found.iter().all(|it| it.contains(reason)), "{found:?}");
        assert!(desk.says("Cannot be read") && desk.says(reason));
        assert!(!desk.has("Dismiss"), "no banner beside it");
        // Back and forth: the same failures.
        for key in [Key::ArrowUp, Key::ArrowDown, Key::F5] {
            desk.press(Modifiers::NONE, key);
            desk.settle();
        }
        desk.press(Modifiers::NONE, Key::ArrowUp);
        desk.settle();
        assert!(!desk.says("Cannot be read"), "the next slice is whole");
    });
    let lines = log.lines().filter(|line| line.contains(reason)).count();
    // Read again after F5, which starts anew.
    assert!(matches!(lines, 0 | 2 | 4), "{lines} of {log}");
}

#[test]
fn a_chunk_that_was_cut_off_is_told_with_its_reason() {
    check_damaged(
        |chunk| {
            let bytes = fs::read(chunk).unwrap();
            fs::write(chunk, &bytes[..bytes.len() - 1]).unwrap();
        },
        "container of",
    );
}

#[test]
fn a_folder_in_place_of_a_chunk_is_told_with_its_reason() {
    check_damaged(
        |chunk| {
            fs::remove_file(chunk).unwrap();
            fs::create_dir(chunk).unwrap();
        },
        "not a regular file",
    );
}

#[cfg(unix)]
#[test]
fn a_pipe_in_place_of_a_chunk_is_told_and_hangs_nobody() {
    check_damaged(
        |chunk| {
            fs::remove_file(chunk).unwrap();
            let made = std::process::Command::new("mkfifo").arg(chunk).status();
            assert!(made.unwrap().success());
        },
        "not a regular file",
    );
}

#[cfg(unix)]
#[test]
fn a_chunk_that_may_not_be_read_is_told_with_its_reason() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&file).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    check_damaged(
        |chunk| fs::set_permissions(chunk, fs::Permissions::from_mode(0o000)).unwrap(),
        "ermission denied",
    );
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_in_place_of_a_chunk_are_told_with_their_reason() {
    check_damaged(
        |chunk| {
            fs::remove_file(chunk).unwrap();
            std::os::unix::fs::symlink(chunk.file_name().unwrap(), chunk).unwrap();
        },
        "symbolic links",
    );
}

#[test]
fn what_was_deleted_is_not_taken_for_black() {
    let Some((mut desk, _folder, path)) =
        on_damaged(|path| fs::remove_dir_all(path.join("plate.ome.zarr/B/2/0/0")).unwrap())
    else {
        return;
    };
    // Its store had not been opened.
    assert!(desk.says("This FOV cannot be opened"));
    for _ in 0..2 {
        desk.press(Modifiers::NONE, Key::PageUp);
    }
    desk.settle();
    assert_eq!(failures(&desk), [""; 0]);
    // The store of the first FOV is open, and this plane was not read yet.
    fs::remove_dir_all(&path).unwrap();
    desk.press(Modifiers::NONE, Key::ArrowRight);
    desk.press(Modifiers::NONE, Key::ArrowUp);
    desk.settle();
    let found = failures(&desk);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("is gone"), "{found:?}");
    // Reading again what is not there any more says so and leaves the window as it is.
    desk.press(Modifiers::NONE, Key::F5);
    desk.until("the refusal is told", squidview::app::App::is_settled);
    desk.harness.run_steps(2);
    assert!(desk.has("Dismiss") && desk.has("Canvas"));
}

#[test]
fn a_dataset_that_is_replaced_by_another_is_told_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ome.zarr");
    fixture::copy(&data_folder().join("single.ome.zarr"), &path);
    let Some(mut desk) = Desk::with(&path, Setup::default()) else {
        return;
    };
    fs::remove_dir_all(&path).unwrap();
    fixture::write_v2(&path, &["z", "y", "x"], &[2, 32, 40]);
    let mut found = Vec::new();
    for key in [Key::ArrowRight, Key::Home, Key::ArrowUp, Key::ArrowUp] {
        desk.press(Modifiers::NONE, key);
        desk.settle();
        found.extend(failures(&desk));
    }
    assert!(!found.is_empty(), "the old description does not fit");
    desk.press(Modifiers::NONE, Key::F5);
    desk.until("it is read again", squidview::app::App::is_settled);
    desk.harness.run_steps(3);
    desk.settle();
    assert_eq!(failures(&desk), [""; 0]);
    assert!(desk.says("40 × 32"));
}

/// A source that answers, until the disk of one dataset goes away.
pub(crate) struct Disk {
    store: Store,
    root: PathBuf,
    is_gone: AtomicBool,
    is_back: Mutex<bool>,
    comes_back: Condvar,
}

impl Disk {
    pub(crate) fn of(root: &Path) -> Arc<Self> {
        Arc::new(Self {
            store: Store::new(),
            root: root.to_owned(),
            is_gone: AtomicBool::new(false),
            is_back: Mutex::new(false),
            comes_back: Condvar::new(),
        })
    }

    pub(crate) fn go_away(&self) {
        self.is_gone.store(true, Ordering::SeqCst);
    }

    pub(crate) fn come_back(&self) {
        *self.is_back.lock() = true;
        self.comes_back.notify_all();
    }
}

impl ReadTiles for Disk {
    fn read_tile(
        &self,
        dataset: &Dataset,
        tile: TileId,
        absence: Absence,
    ) -> Result<ReadOutcome, ReadError> {
        let is_on_it = dataset.root.file_name() == self.root.file_name();
        if is_on_it && self.is_gone.load(Ordering::SeqCst) {
            let _reading = WorkStage::Read.enter();
            let mut is_back = self.is_back.lock();
            while_waiting(|| {
                while !*is_back {
                    self.comes_back.wait(&mut is_back);
                }
            });
        }
        self.store.read_tile(dataset, tile, absence)
    }
}

#[test]
fn a_disk_that_stops_answering_is_waited_for_and_holds_nothing_else_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = plate(folder.path());
    let disk = Disk::of(&path);
    let tiles = Arc::clone(&disk) as Arc<dyn ReadTiles>;
    let Some(mut desk) = Desk::reading(&path, tiles, Setup::default()) else {
        return;
    };
    desk.settle();
    disk.go_away();
    desk.press(Modifiers::NONE, Key::PageDown);
    desk.press(Modifiers::NONE, Key::PageDown);
    let began = Instant::now();
    let mut longest = Duration::ZERO;
    while !desk.says("Still reading") {
        let frame = Instant::now();
        desk.harness.step();
        longest = longest.max(frame.elapsed());
        assert!(began.elapsed() < PATIENCE, "it is shown as waiting");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(longest < Duration::from_secs(2), "a frame took {longest:?}");
    assert!(!desk.harness.state().is_settled());
    assert!(desk.has("Canvas"), "the picture before stays");

    // A dataset on another disk is read, although the readers of this one are occupied.
    let other = data_folder().join("single.ome.zarr");
    desk.harness.state_mut().open(&other);
    desk.until("opening has begun", |app| !app.is_settled());
    desk.settle();
    assert!(desk.says("single.ome.zarr") && desk.harness.state().has_picture());

    // Back on the first one, which answers again.
    desk.harness.state_mut().open(&path);
    desk.until("opening has begun", |app| !app.is_settled());
    disk.come_back();
    desk.settle();
    assert!(desk.says("plate run") && desk.harness.state().has_picture());
}

#[test]
fn a_window_over_a_disk_that_does_not_answer_closes() {
    let folder = tempfile::tempdir().unwrap();
    let path = plate(folder.path());
    let disk = Disk::of(&path);
    disk.go_away();
    let tiles = Arc::clone(&disk) as Arc<dyn ReadTiles>;
    let Some(mut desk) = Desk::reading(&path, tiles, Setup::default()) else {
        return;
    };
    desk.until("the dataset is open", |app| app.session().is_some());
    desk.frames(Duration::from_millis(100));
    let began = Instant::now();
    drop(desk);
    assert!(began.elapsed() < Duration::from_secs(5));
    disk.come_back();
}

/// Timepoints, and chunks of a plane along y and x.
const TIMEPOINTS: u64 = 200;
const CHUNKS: [u64; 2] = [10, 5];

/// An image of 10,000 chunks, all of them cut off.
fn broken(folder: &Path) -> PathBuf {
    let path = folder.join("broken.ome.zarr");
    fixture::write_v2(&path, &["t", "y", "x"], &[1, 1, 1]);
    let array = path.join("0");
    fs::remove_file(array.join("0.0.0")).unwrap();
    let [rows, cols] = CHUNKS;
    let document = json!({
        "zarr_format": 2, "shape": [TIMEPOINTS, rows * 8, cols * 8], "chunks": [1, 8, 8], "dtype": "|u1",
        "compressor": null, "order": "C", "fill_value": 0, "filters": null, "dimension_separator": ".",
    });
    fs::write(array.join(".zarray"), document.to_string()).unwrap();
    for t in 0..TIMEPOINTS {
        for (y, x) in (0..rows).flat_map(|y| (0..cols).map(move |x| (y, x))) {
            fs::write(array.join(format!("{t}.{y}.{x}")), [1; 63]).unwrap();
        }
    }
    path
}

#[test]
fn ten_thousand_broken_chunks_are_counted_while_they_are_played() {
    let folder = tempfile::tempdir().unwrap();
    let path = broken(folder.path());
    let mut num_failed = 0;
    let log = logged(|| {
        let mut setup = Setup::default();
        setup.settings.fps = 100.0;
        let Some(mut desk) = Desk::with(&path, setup) else {
            return;
        };
        desk.press(Modifiers::NONE, Key::Space);
        let began = Instant::now();
        let mut seen = std::collections::BTreeSet::new();
        while num_failed < 120 && began.elapsed() < PATIENCE {
            desk.harness.step();
            seen.insert(desk.session().position.t);
            num_failed = desk.status().counts.failed;
            assert!(!desk.has("Dismiss"), "no banner");
        }
        assert!(num_failed >= 120 && seen.len() > 20, "playing goes on");
        desk.press(Modifiers::NONE, Key::Space);
        desk.settle();
        assert!(desk.says("Cannot be read") && desk.has("Copy details"));
        let label = desk.status().counts.failed.to_string();
        assert!(desk.has("Failed") && desk.has(&label), "{label}");
    });
    if num_failed == 0 {
        return;
    }
    let lines = log.lines().filter(|line| line.contains("63 bytes"));
    let (count, limit) = (lines.count(), squidview::model::limits::LOGGED_FAILURES);
    assert_eq!(count, limit, "{num_failed} failed");
    assert_eq!(log.lines().count(), limit + 1, "{log}");
}
