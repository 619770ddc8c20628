//! More notices than any microscope sends: how many are taken, and whether the window still answers.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use squidview::{
    app::Options,
    dataset::{AnnouncedSizes, Announcement},
};

use crate::{
    desk::{Desk, Setup},
    figures::{Book, Figures},
    window::{Window, until},
};

const NUM_FOVS: u32 = 96;
const NUM_Z: u32 = 10;
const CHANNELS: [&str; 4] = ["405 nm", "488 nm", "561 nm", "638 nm"];
/// How long notices are sent.
const FLOOD: Duration = Duration::from_secs(4);
/// Notices a second that must be absorbed, in process and over the socket.
const RATE_IN_PROCESS: f64 = 500_000.0;
const RATE_OVER_THE_SOCKET: f64 = 50_000.0;
/// Notices are sent in batches of so many.
const BATCH: u64 = 1000;
/// The window is to answer within this time meanwhile.
const ASK_EVERY: Duration = Duration::from_millis(10);

/// How fast notices are sent.
#[derive(Clone, Copy)]
enum Rate {
    PerSec(f64),
    WithoutPause,
}

impl Rate {
    /// Waits until the notice after `sent` ones is due.
    fn wait(self, began: Instant, sent: u64) {
        if let Self::PerSec(rate) = self {
            let due = Duration::from_secs_f64(sent as f64 / rate);
            thread::sleep(due.saturating_sub(began.elapsed()));
        }
    }

    fn words(self) -> String {
        match self {
            Self::PerSec(rate) => format!("at {rate:.0} a second"),
            Self::WithoutPause => "without a pause".into(),
        }
    }
}

/// Planes in Squid's order: timepoints, FOVs, z-slices, channels.
fn plane(n: u64) -> (u64, u64, u64, &'static str) {
    let (rest, c) = (n / 4, n % 4);
    let (rest, z) = (rest / u64::from(NUM_Z), rest % u64::from(NUM_Z));
    let (t, fov) = (rest / u64::from(NUM_FOVS), rest % u64::from(NUM_FOVS));
    (t % 100, fov, z, CHANNELS[c as usize])
}

fn labels() -> Vec<String> {
    (0..NUM_FOVS).map(|fov| format!("R0:{fov}")).collect()
}

fn paths() -> Vec<String> {
    let path = |fov| format!("/nonexistent/zarr/R0/fov_{fov}.ome.zarr");
    (0..NUM_FOVS).map(path).collect()
}

/// Through a handle of the same process, while the window draws frames of its own.
pub(crate) fn in_process(book: &mut Book) {
    for rate in [Rate::PerSec(RATE_IN_PROCESS), Rate::WithoutPause] {
        notify_a_desk(rate, book);
    }
}

fn notify_a_desk(rate: Rate, book: &mut Book) {
    let setup = Setup {
        size_pt: [1480.0, 1000.0],
        options: Options::default(),
        ..Setup::default()
    };
    let Some(mut desk) = Desk::new(setup) else {
        return;
    };
    let handle = desk.harness.state().push_handle();
    let sizes = AnnouncedSizes {
        channels: CHANNELS.map(Into::into).to_vec(),
        num_z: i64::from(NUM_Z),
        height: 2048,
        width: 2048,
    };
    let paths = paths().into_iter().map(Into::into).collect();
    let announcement = Announcement::per_fov(paths, sizes, labels()).expect("makes sense");
    handle.start(announcement).expect("starts");
    desk.until("the acquisition is open", |app| app.session().is_some());
    let is_over = Arc::new(AtomicBool::new(false));
    let told = Arc::new(AtomicU64::new(0));
    let (theirs, count) = (Arc::clone(&is_over), Arc::clone(&told));
    let pusher = thread::Builder::new()
        .name("pusher".into())
        .spawn(move || {
            let (mut n, began) = (0, Instant::now());
            while !theirs.load(Ordering::Relaxed) {
                let (t, fov, z, channel) = plane(n);
                let taken = handle.notify_zarr_frame(t as i64, fov as i64, z as i64, channel, 0);
                taken.expect("is in the plan");
                n += 1;
                count.store(n, Ordering::Relaxed);
                if n % BATCH == 0 {
                    rate.wait(began, n);
                }
            }
        })
        .expect("a thread");
    let (began, mut frames) = (Instant::now(), Vec::new());
    while began.elapsed() < FLOOD {
        let frame = Instant::now();
        desk.harness.step();
        frames.push(frame.elapsed());
        // As long as drawing would take.
        thread::sleep(Duration::from_millis(16));
    }
    is_over.store(true, Ordering::Relaxed);
    let reached = told.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64();
    pusher.join().expect("does not panic");
    let name = format!("notices in process, {}", rate.words());
    book.figure(&name, reached, "a second");
    let name = format!("{name}, a frame without its drawing meanwhile");
    book.times(&name, &Figures::new(&frames));
}

/// Over the socket into the real window, one message each and in lists, while another client asks.
pub(crate) fn over_the_socket(book: &mut Book) {
    let Some(window) = Window::open(&[]) else {
        return;
    };
    let mut client = window.client();
    let start = json!({
        "acquisition": "flood", "fov_paths": paths(), "channels": CHANNELS, "num_z": NUM_Z,
        "fov_labels": labels(), "height": 2048, "width": 2048,
    });
    client
        .request("start_zarr_acquisition", start)
        .expect("starts");
    for rate in [Rate::PerSec(RATE_OVER_THE_SOCKET), Rate::WithoutPause] {
        flood(&window, ("one by one", &one_by_one), rate, book);
        flood(&window, ("in lists of 1000", &in_a_list), rate, book);
    }
}

/// Messages of one notice each, from a notice on.
fn one_by_one(first: u64) -> String {
    let lines = (first..first + BATCH).map(|n| {
        let (t, fov_idx, z, channel) = plane(n);
        let message = json!({
            "do": "notify_zarr_frame", "acquisition": "flood", "t": t, "fov_idx": fov_idx, "z": z, "channel": channel,
        });
        format!("{message}\n")
    });
    lines.collect()
}

/// One message with all of the notices.
fn in_a_list(first: u64) -> String {
    let frames = (first..first + BATCH).map(|n| {
        let (t, fov_idx, z, channel) = plane(n);
        json!([t, fov_idx, z, channel])
    });
    let frames: Vec<Value> = frames.collect();
    let message = json!({"do": "notify_zarr_frames", "acquisition": "flood", "frames": frames});
    format!("{message}\n")
}

/// What batches are called, and how one is made from its first notice on.
type Batches<'a> = (&'a str, &'a dyn Fn(u64) -> String);

/// Sends batches at a rate; each is made before.
fn flood(window: &Window, (name, batch): Batches<'_>, rate: Rate, book: &mut Book) {
    let batches: Vec<String> = (0..400).map(|n| batch(n * BATCH)).collect();
    let is_over = AtomicBool::new(false);
    let (mut answers, mut steps) = (Vec::new(), Vec::new());
    let reached = thread::scope(|scope| {
        let (is_over, answers, steps) = (&is_over, &mut answers, &mut steps);
        let asking = move || {
            let mut client = window.client();
            while !is_over.load(Ordering::Relaxed) {
                let asked = Instant::now();
                client.request("status", Value::Null).expect("answers");
                answers.push(asked.elapsed());
                thread::sleep(ASK_EVERY);
            }
        };
        let moving = move || {
            let mut client = window.client();
            for fov in (1..NUM_FOVS).cycle() {
                let asked = Instant::now();
                client
                    .request("set_index", json!({ "fov": fov }))
                    .expect("goes");
                until("the FOV is shown", || {
                    let status = client.request("status", Value::Null).expect("answers");
                    (status["shown"]["fov"] == json!(fov)).then_some(())
                });
                steps.push(asked.elapsed());
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                thread::sleep(ASK_EVERY);
            }
        };
        let named = |name: &str| thread::Builder::new().name(name.into());
        named("asking")
            .spawn_scoped(scope, asking)
            .expect("a thread");
        named("moving")
            .spawn_scoped(scope, moving)
            .expect("a thread");
        let reached = send_all(window, &batches, rate);
        is_over.store(true, Ordering::Relaxed);
        reached
    });
    let name = format!("notices over the socket, {name} {}", rate.words());
    book.figure(&name, reached, "a second");
    book.times(
        &format!("{name}, a status meanwhile"),
        &Figures::new(&answers),
    );
    let name = format!("{name}, a step to another FOV meanwhile");
    book.times(&name, &Figures::new(&steps));
}

/// Notices a second, until the reply to a message after the last of them came.
fn send_all(window: &Window, batches: &[String], rate: Rate) -> f64 {
    let instance = window.instance();
    let mut stream = TcpStream::connect(instance.address).expect("connects");
    let mut replies = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut line = String::new();
    let hello = json!({"hello": {"protocol": 1, "token": instance.token, "client": "flood"}});
    writeln!(stream, "{hello}").expect("says hello");
    replies.read_line(&mut line).expect("is greeted");
    let (began, mut sent) = (Instant::now(), 0_u64);
    for batch in batches.iter().cycle() {
        stream.write_all(batch.as_bytes()).expect("sends");
        sent += BATCH;
        if began.elapsed() > FLOOD {
            break;
        }
        rate.wait(began, sent);
    }
    writeln!(stream, "{}", json!({"id": 1, "do": "status"})).expect("asks");
    line.clear();
    replies.read_line(&mut line).expect("is answered");
    assert!(line.contains("\"ok\""), "refused: {line}");
    sent as f64 / began.elapsed().as_secs_f64()
}
