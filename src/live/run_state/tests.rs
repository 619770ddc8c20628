//! Run files as they come: in time, late, half, not at all.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::*;
use crate::metadata::run_state::EndReason;

/// Long enough for a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(20);

const TIMING: Timing = Timing {
    fresh: Duration::from_mins(10),
    poll: Duration::from_millis(20),
};

fn unix_now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs_f64()
}

fn document(run_id: &str, images: u64) -> Value {
    json!({
        "run_id": run_id, "output_path": "/data/exp", "started_at": 1.5, "heartbeat_at": unix_now(),
        "progress": {"timepoint": 0, "fov": 0, "images": images}, "status": "running", "reason": null,
    })
}

fn ended(run_id: &str, reason: &str) -> Value {
    let mut document = document(run_id, 9);
    document["status"] = "ended".into();
    document["reason"] = reason.into();
    document
}

/// As Squid does: written beside and renamed.
fn replace(folder: &Path, document: &Value) {
    let beside = folder.join(".run-x.tmp");
    fs::write(&beside, document.to_string()).unwrap();
    fs::rename(&beside, folder.join(RUN_FILE)).unwrap();
}

/// A watch and who it wakes.
struct Scene {
    folder: tempfile::TempDir,
    woken: Receiver<()>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Scene {
    fn new() -> Self {
        let (sender, woken) = bounded(1);
        let wake = move || {
            sender.try_send(()).ok();
        };
        Self {
            folder: tempfile::tempdir().unwrap(),
            woken,
            wake: Arc::new(wake),
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn watch(&self, timing: Timing) -> RunWatch {
        RunWatch::start_with(self.path(), Arc::clone(&self.wake), timing).unwrap()
    }

    /// The next news.
    fn next(&self, watch: &RunWatch) -> RunNews {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(news) = watch.take() {
                return news;
            }
            self.woken.recv_deadline(deadline).expect("news in time");
        }
    }

    /// Waits until the watch has looked at the file `num_reads` times.
    fn read(watch: &RunWatch, num_reads: u32) {
        let deadline = Instant::now() + PATIENCE;
        while watch.num_reads() < num_reads {
            assert!(Instant::now() < deadline, "reads in time");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

fn images(news: &RunNews) -> Option<u64> {
    match news {
        RunNews::Running(run) => run.progress.images,
        _ => None,
    }
}

#[test]
fn a_running_acquisition_is_told_with_its_progress_and_its_end() {
    let scene = Scene::new();
    replace(scene.path(), &document("a", 1));
    let watch = scene.watch(TIMING);
    assert_eq!(images(&scene.next(&watch)), Some(1));
    replace(scene.path(), &document("a", 2));
    assert_eq!(images(&scene.next(&watch)), Some(2));
    replace(scene.path(), &ended("a", "user_abort"));
    let RunNews::Ended(run) = scene.next(&watch) else {
        panic!("an end");
    };
    assert_eq!(run.end, Some(EndReason::UserAbort));
    assert_eq!(watch.take(), None);
}

#[test]
fn history_is_not_news() {
    let mut stale = document("a", 1);
    stale["heartbeat_at"] = (unix_now() - 3600.0).into();
    for before in [ended("a", "completed"), stale] {
        let scene = Scene::new();
        replace(scene.path(), &before);
        let watch = scene.watch(TIMING);
        Scene::read(&watch, 1);
        replace(scene.path(), &document("b", 1));
        let RunNews::Running(run) = scene.next(&watch) else {
            panic!("the new run");
        };
        assert_eq!(run.run_id.as_deref(), Some("b"));
    }
}

#[test]
fn a_heartbeat_that_stays_away_is_lost_and_found_again() {
    let scene = Scene::new();
    let timing = Timing {
        fresh: Duration::from_secs(2),
        ..TIMING
    };
    let watch = scene.watch(timing);
    replace(scene.path(), &document("a", 1));
    assert_eq!(images(&scene.next(&watch)), Some(1));
    assert!(matches!(scene.next(&watch), RunNews::Lost(_)));
    replace(scene.path(), &document("a", 2));
    assert_eq!(images(&scene.next(&watch)), Some(2));
}

#[test]
fn a_clock_that_is_wrong_does_not_hide_a_run_that_beats() {
    let scene = Scene::new();
    let mut document = document("a", 1);
    document["heartbeat_at"] = "2026-01-15T09:30:00Z".into();
    replace(scene.path(), &document);
    let watch = scene.watch(TIMING);
    Scene::read(&watch, 1);
    document["heartbeat_at"] = "2026-01-15T09:30:05Z".into();
    replace(scene.path(), &document);
    assert_eq!(images(&scene.next(&watch)), Some(1));
}

#[test]
fn without_a_zone_the_date_of_the_file_counts() {
    let scene = Scene::new();
    let mut document = document("a", 1);
    document["heartbeat_at"] = "2026-01-15T09:30:00".into();
    replace(scene.path(), &document);
    let watch = scene.watch(TIMING);
    assert_eq!(images(&scene.next(&watch)), Some(1));
}

#[test]
fn half_a_file_is_read_again() {
    let scene = Scene::new();
    let whole = document("a", 1).to_string();
    fs::write(scene.path().join(RUN_FILE), &whole[..whole.len() / 2]).unwrap();
    let watch = scene.watch(TIMING);
    Scene::read(&watch, 2);
    assert_eq!(watch.take(), None);
    fs::write(scene.path().join(RUN_FILE), &whole).unwrap();
    assert_eq!(images(&scene.next(&watch)), Some(1));
}

#[test]
fn a_folder_that_appears_later_is_watched() {
    let scene = Scene::new();
    let folder = scene.path().join("squid").join("watchdog");
    let watch = RunWatch::start_with(&folder, Arc::clone(&scene.wake), TIMING).unwrap();
    fs::create_dir_all(&folder).unwrap();
    replace(&folder, &document("a", 1));
    assert_eq!(images(&scene.next(&watch)), Some(1));
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(scene.next(&watch), RunNews::Gone);
    fs::create_dir_all(&folder).unwrap();
    replace(&folder, &document("b", 5));
    assert_eq!(images(&scene.next(&watch)), Some(5));
}

#[test]
fn garbage_and_giants_say_nothing_and_cost_nothing() {
    let scene = Scene::new();
    let path = scene.path().join(RUN_FILE);
    fs::write(&path, "\u{0}garbage").unwrap();
    let watch = scene.watch(TIMING);
    Scene::read(&watch, RETRIES);
    // 100 MB that take no room.
    fs::File::create(&path).unwrap().set_len(100 << 20).unwrap();
    thread::sleep(10 * TIMING.poll);
    let num_reads = watch.num_reads();
    thread::sleep(10 * TIMING.poll);
    assert_eq!((watch.take(), watch.num_reads()), (None, num_reads));
    replace(scene.path(), &document("a", 1));
    assert_eq!(images(&scene.next(&watch)), Some(1));
}

#[test]
fn an_unchanged_file_is_not_read_again() {
    let scene = Scene::new();
    replace(scene.path(), &document("a", 1));
    let watch = scene.watch(TIMING);
    assert_eq!(images(&scene.next(&watch)), Some(1));
    thread::sleep(10 * TIMING.poll);
    // Twice where the watch was set while the file was new.
    assert!(watch.num_reads() <= 2, "{}", watch.num_reads());
}

#[test]
fn an_end_is_kept_beside_what_follows() {
    let run = |document: &Value| run_state::parse(&document.to_string()).unwrap();
    let mut waiting = Waiting::default();
    waiting.put(RunNews::Running(run(&document("a", 1))));
    waiting.put(RunNews::Ended(run(&ended("a", "error"))));
    waiting.put(RunNews::Running(run(&document("b", 1))));
    waiting.put(RunNews::Running(run(&document("b", 2))));
    assert!(matches!(waiting.take(), Some(RunNews::Ended(_))));
    assert_eq!(waiting.take().as_ref().and_then(images), Some(2));
    assert_eq!(waiting.take(), None);
    for _ in 0..100 {
        waiting.put(RunNews::Ended(run(&ended("a", "error"))));
    }
    assert_eq!(waiting.ends.len(), MAX_ENDS);
}

#[test]
fn it_ends_at_once() {
    let scene = Scene::new();
    let timing = Timing {
        poll: Duration::from_hours(1),
        ..TIMING
    };
    let watch = scene.watch(timing);
    let began = Instant::now();
    drop(watch);
    // Below the time after which a stuck thread would be left behind.
    assert!(began.elapsed() < JOIN_WITHIN);
}
