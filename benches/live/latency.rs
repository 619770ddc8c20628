//! From notice, or from file, to pixels.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    acquisition::{Acquisition, CHANNELS},
    figures::{Book, Figures},
    window::{Window, go_to, shown_at},
};

/// Timepoints of four planes each; the first one is the warm-up.
const NUM_PUSHED: u32 = 61;
const NUM_FOUND: u32 = 26;

/// From a notice over the socket to the present of the frame that holds the plane.
pub(crate) fn notice_to_pixels(book: &mut Book) {
    let Some(window) = Window::open(&[]) else {
        return;
    };
    let acquisition = Acquisition::begin(NUM_PUSHED);
    let mut client = window.client();
    let start = json!({
        "acquisition": "latency", "fov_paths": [acquisition.store()], "channels": CHANNELS,
        "num_z": 1, "fov_labels": ["R0:0"], "height": 2048, "width": 2048,
    });
    client
        .request("start_zarr_acquisition", start)
        .expect("starts");
    let mut pauses = Pauses(7);
    let mut times = Vec::new();
    for t in 0..NUM_PUSHED {
        go_to(&mut client, t);
        for (c, channel) in CHANNELS.iter().enumerate() {
            pauses.next();
            acquisition.write(t, c);
            let notice = json!({
                "acquisition": "latency", "t": t, "fov_idx": 0, "z": 0, "channel": channel,
            });
            let sent = Instant::now();
            client.send("notify_zarr_frame", notice).expect("is sent");
            let shown = shown_at(&mut client, t, channel);
            if t > 0 {
                times.push(shown - sent);
            }
        }
    }
    let figures = Figures::new(&times);
    book.times("from notice to pixels", &figures);
    figures.print_histogram();
}

/// From the file's rename to the present of the frame that holds the plane; nobody tells the window.
pub(crate) fn file_to_pixels(book: &mut Book) {
    let acquisition = Acquisition::begin(NUM_FOUND);
    let Some(window) = Window::open(&[acquisition.path().as_os_str()]) else {
        return;
    };
    let mut client = window.client();
    let mut pauses = Pauses(7);
    let mut times = Vec::new();
    for t in 0..NUM_FOUND {
        go_to(&mut client, t);
        for (c, channel) in CHANNELS.iter().enumerate() {
            pauses.next();
            let written = acquisition.write(t, c);
            let shown = shown_at(&mut client, t, channel);
            if t > 0 {
                times.push(shown - written);
            }
        }
    }
    let figures = Figures::new(&times);
    book.times("from file to pixels", &figures);
    figures.print_histogram();
}

/// Pauses of 40 to 240 ms, the same ones in every run: in no rhythm with frames or looks at the disk.
struct Pauses(u32);

impl Pauses {
    fn next(&mut self) {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        thread::sleep(Duration::from_millis(u64::from(40 + (self.0 >> 16) % 200)));
    }
}
