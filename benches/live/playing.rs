//! Playing along z: slices a second that are on the screen, those left out, and the longest gap between two pictures.
//!
//! A window of 1280 x 800 plays a stack of 4 channels and 32 slices, started by its key. What is on the screen is asked
//! 200 times a second over the socket, which answers without the interface; the time of a picture is that of its frame.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use squidview::live::Client;

use crate::{
    datasets,
    figures::Book,
    window::{Window, until},
};

const NUM_SLICES: u64 = 32;
const NUM_CHANNELS: usize = 4;
/// A step more is wished for only once the last one is shown, so the first second tells of the start.
const WARM_UP: Duration = Duration::from_secs(1);
const LENGTH: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// The most that can be asked for.
const FASTEST: u32 = 100;
/// All area means of the stack fit.
const ROOMY_MB: u32 = 2048;
/// Some slices fit, and none of them is there any more when it comes round again.
const NARROW_MB: u32 = 64;

/// From the cache at rates that are to be kept and at the highest, then from disk.
pub(crate) fn playing(book: &mut Book) {
    let path = datasets::stack();
    for fps in [25, 30] {
        play(&path, ("cached", ROOMY_MB), fps, book);
    }
    let drawing = play(&path, ("cached", ROOMY_MB), FASTEST, book);
    let played = play(&path, ("from disk", NARROW_MB), FASTEST, book);
    let (Some(drawing), Some(played)) = (drawing, played) else {
        return;
    };
    let reading = slices_read_per_sec(&path);
    book.figure(
        "reading alone (bench read, 2 threads)",
        reading,
        "slices a second",
    );
    // A driver that draws on the CPU takes the cores that read.
    let by_turns = 1.0 / (1.0 / reading + 1.0 / drawing);
    let part = 100.0 * played / by_turns;
    book.figure(
        "played from disk, of reading and drawing by turns",
        part,
        "%",
    );
}

/// Slices shown a second; `None` where there is no display.
fn play(path: &Path, (name, cache_mb): (&str, u32), fps: u32, book: &mut Book) -> Option<f64> {
    let settings = json!({"fps": fps, "loops": true, "window_size_pt": [1280, 800]});
    let cache_mb = cache_mb.to_string();
    let window = Window::with(
        &settings,
        &[path.as_ref(), "--cache-mb".as_ref(), cache_mb.as_ref()],
    )?;
    let mut client = window.client();
    // Every slice once, also where only the last ones stay: the axis that was moved last is what plays.
    for z in (1..NUM_SLICES).chain([0]) {
        go_to(&mut client, z);
    }
    window.press("space");
    until("it plays", || {
        slice_on_screen(&mut client).filter(|(z, _)| *z > 0)
    });
    watch(&mut client, WARM_UP);
    let pictures = watch(&mut client, LENGTH);
    Some(report(
        &pictures,
        &format!("played {name}, {fps} asked"),
        book,
    ))
}

fn go_to(client: &mut Client, z: u64) {
    client
        .request("set_index", json!({ "z": z }))
        .expect("goes");
    until("the slice is shown", || {
        slice_on_screen(client).filter(|(shown, _)| *shown == z)
    });
}

/// The slice whose channels are all on the screen, and when they were handed to it.
fn slice_on_screen(client: &mut Client) -> Option<(u64, Instant)> {
    let status = client.request("status", Value::Null).expect("answers");
    let shown = &status["shown"];
    let channels = shown["channels"].as_array()?;
    let is_whole = channels.iter().all(|channel| channel["pixels"] == true);
    let age = Duration::from_secs_f64(shown["age_s"].as_f64()?);
    let at = Instant::now().checked_sub(age)?;
    (is_whole && channels.len() == NUM_CHANNELS).then_some((shown["z"].as_u64()?, at))
}

/// The slices that come on the screen within that time, beginning with the one that is there.
fn watch(client: &mut Client, time: Duration) -> Vec<(u64, Instant)> {
    let (began, mut pictures) = (Instant::now(), Vec::<(u64, Instant)>::new());
    while began.elapsed() < time {
        if let Some((z, at)) = slice_on_screen(client)
            && pictures.last().is_none_or(|(last, _)| *last != z)
        {
            pictures.push((z, at));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    pictures
}

/// Slices shown a second.
fn report(pictures: &[(u64, Instant)], name: &str, book: &mut Book) -> f64 {
    let (mut skipped, mut longest) = (0, Duration::ZERO);
    for pair in pictures.windows(2) {
        let [(before, from), (after, to)] = [pair[0], pair[1]];
        skipped += (after + NUM_SLICES - before) % NUM_SLICES - 1;
        longest = longest.max(to - from);
    }
    let (first, last) = (pictures[0].1, pictures[pictures.len() - 1].1);
    let per_sec = (pictures.len() - 1) as f64 / (last - first).as_secs_f64();
    book.figure(name, per_sec, "slices shown a second");
    book.figure(name, skipped as f64, "slices left out in 10 s");
    let longest_ms = longest.as_secs_f64() * 1e3;
    book.figure(name, longest_ms, "ms between two pictures at most");
    per_sec
}

/// What reading alone reaches on two threads, by the program's own measure.
fn slices_read_per_sec(path: &Path) -> f64 {
    let output = Command::new(env!("CARGO_BIN_EXE_squidview"))
        .args([
            "bench",
            "read",
            "--planes",
            "128",
            "--threads",
            "2",
            "--json",
        ])
        .arg(path)
        .output()
        .expect("reads");
    let told: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let gb_per_s = told["gb_per_s"].as_f64().expect("a rate");
    gb_per_s * 1e9 / (NUM_CHANNELS as f64 * 2048.0 * 2048.0 * 2.0)
}
