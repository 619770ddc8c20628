//! What the microscope's software says in `run.json`: an acquisition that runs is offered, its end is told with the
//! reason, and decides what absence means.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime},
};

use serde_json::json;
use squidview::{
    app::Options,
    simulate::{Ending, Plan, Structure, simulate},
};

use crate::{
    desk::{Desk, PATIENCE, Setup},
    pushed::counts,
};

/// A microscope's folders: its state, and an acquisition of 2 FOVs, 2 channels and 3 z-slices.
struct Microscope {
    folder: tempfile::TempDir,
}

/// Planes that are written before the program dies.
const NUM_WRITTEN: u64 = 6;
/// With the next one, which is cut off.
const NUM_ON_DISK: u64 = 7;
const NUM_ABSENT: u64 = 5;

impl Microscope {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("state")).unwrap();
        Self { folder }
    }

    fn run(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// Writes half of the planes, as a program that then dies: nothing calls the acquisition finished.
    fn write(&self) {
        let plan = Plan {
            structure: Structure::PerFov,
            regions: vec![("R0".into(), 2)],
            num_timepoints: 1,
            num_z: 3,
            channels: vec!["DAPI".into(), "GFP".into()],
            width: 64,
            height: 48,
            ending: Ending::CrashesAfter(NUM_WRITTEN),
            ..Plan::default()
        };
        simulate(&plan, &self.run(), &mut |_| true, Duration::ZERO).unwrap();
    }

    fn say(&self, status: &str, reason: Option<&str>) {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap();
        let state = json!({
            "schema_version": 1, "run_id": "1", "experiment_id": "overnight", "output_path": self.run(),
            "started_at": now.as_secs_f64(), "heartbeat_at": now.as_secs_f64(), "status": status, "reason": reason,
        });
        let file = self.state().join("run.json");
        let beside = file.with_extension("new");
        fs::write(&beside, state.to_string()).unwrap();
        fs::rename(beside, file).unwrap();
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn desk(&self, path: Option<&Path>, follow: bool) -> Option<Desk> {
        Desk::new(Setup {
            options: Options {
                path: path.map(Path::to_owned),
                follow,
                state_folder: Some(self.state()),
                ..Options::default()
            },
            ..Setup::default()
        })
    }
}

/// Frames until something holds of the window.
#[track_caller]
fn until(desk: &mut Desk, what: &str, holds: impl Fn(&Desk) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds(desk) {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        desk.harness.step();
        thread::sleep(Duration::from_millis(2));
    }
}

#[track_caller]
fn until_said(desk: &mut Desk, text: &str) {
    until(desk, text, |desk| desk.says(text));
}

#[test]
fn an_end_is_told_with_its_reason_and_says_what_absence_means() {
    for (reason, words, num_missing) in [
        (Some("user_abort"), "stopped: user abort", NUM_ABSENT),
        (Some("error"), "stopped: error", NUM_ABSENT),
        (Some("lightning"), "ended (lightning)", 0),
        (None, "ended", 0),
    ] {
        let microscope = Microscope::new();
        microscope.write();
        microscope.say("running", None);
        let Some(mut desk) = microscope.desk(Some(&microscope.run()), false) else {
            return;
        };
        desk.settle();
        until(&mut desk, "what is there is found", |desk| {
            counts(desk).written == NUM_ON_DISK
        });
        assert_eq!(counts(&desk).missing, 0);
        assert!(!desk.says("Acquisition running"), "it is what is shown");
        microscope.say("ended", reason);
        until_said(&mut desk, words);
        desk.frames(Duration::from_millis(200));
        let counts = counts(&desk);
        assert_eq!(counts.missing, num_missing, "{reason:?}: {counts:?}");
    }
}

#[test]
fn what_runs_is_offered_until_it_is_shown_or_ends() {
    let microscope = Microscope::new();
    microscope.write();
    microscope.say("running", None);
    let Some(mut desk) = microscope.desk(None, false) else {
        return;
    };
    until_said(&mut desk, "Acquisition running: overnight");
    microscope.say("ended", Some("completed"));
    until(&mut desk, "it is not offered", |desk| {
        !desk.says("Acquisition running")
    });
    microscope.say("running", None);
    until_said(&mut desk, "Acquisition running: overnight");
    desk.click("Open overnight");
    desk.settle();
    assert!(!desk.says("Acquisition running"), "it is what is shown");
    assert!(desk.session().follow.is_on);
}

#[test]
fn an_end_before_the_first_image_ends_the_waiting() {
    let microscope = Microscope::new();
    fs::create_dir(microscope.run()).unwrap();
    let Some(mut desk) = microscope.desk(None, true) else {
        return;
    };
    microscope.say("running", None);
    until_said(&mut desk, "Waiting for the first image of overnight");
    microscope.say("ended", Some("error"));
    until_said(
        &mut desk,
        "overnight ended before its first image: stopped: error",
    );
    assert!(!desk.says("Waiting for the first image"));
}
