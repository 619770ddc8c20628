//! What the writer of an acquisition pays for a window that follows it.

use std::time::{Duration, Instant};

use squidview::simulate::{Compression, Plan, Structure, Written, simulate};

use crate::{
    figures::{Book, Figures},
    window::{Window, until},
};

/// As a fast microscope: 25 planes of 1024 x 1024 a second.
const INTERVAL: Duration = Duration::from_millis(40);
const NUM_PLANES: u32 = 240;
const ROUNDS: usize = 3;

/// The same acquisition, in turns with and without a window that follows it.
pub(crate) fn writer(book: &mut Book) {
    let (mut alone, mut watched) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        write(None, &mut alone);
        let Some(window) = Window::open(&["--follow".as_ref()]) else {
            return;
        };
        window.instance();
        write(Some(&window), &mut watched);
    }
    report("writer alone", &alone, book);
    report("writer with a window that follows", &watched, book);
}

/// One run: the time of each plane's writing, and planes a second.
struct Run {
    times: Vec<Duration>,
    planes_per_sec: f64,
}

fn write(window: Option<&Window>, runs: &mut Vec<Run>) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    let run_folder = window.map_or_else(|| folder.path().join("state"), Window::state_folder);
    let plan = Plan {
        structure: Structure::PerFov,
        regions: vec![("R0".into(), 2)],
        num_timepoints: NUM_PLANES / 24,
        num_z: 3,
        compression: Compression::Fast,
        run_folder: Some(run_folder),
        ..Plan::default()
    };
    let (mut times, mut began) = (Vec::new(), None);
    let mut on_plane = |written: Written| {
        began.get_or_insert_with(Instant::now);
        times.push(written.took);
        true
    };
    let out = folder.path().join("acquisition");
    simulate(&plan, &out, &mut on_plane, INTERVAL).expect("is written");
    let secs = began.expect("planes were written").elapsed().as_secs_f64();
    if let Some(window) = window {
        let mut client = window.client();
        until("the window has heard of every plane", || {
            let status = client.request("status", serde_json::Value::Null);
            let written = status.expect("answers")["counts"]["written"].as_u64();
            (written == Some(u64::from(NUM_PLANES))).then_some(())
        });
    }
    runs.push(Run {
        planes_per_sec: (times.len() - 1) as f64 / secs,
        times,
    });
}

fn report(name: &str, runs: &[Run], book: &mut Book) {
    let times: Vec<Duration> = runs.iter().flat_map(|run| run.times.clone()).collect();
    book.times(&format!("{name}, a plane's writing"), &Figures::new(&times));
    for (round, run) in runs.iter().enumerate() {
        let name = format!("{name}, round {round}");
        book.figure(&name, run.planes_per_sec, "planes a second");
    }
}
