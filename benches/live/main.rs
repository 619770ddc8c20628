//! A running acquisition: from notice to pixels, from file to pixels, floods of notices, and what the writer pays; and
//! playing, where what counts are pictures in real time as well.
//!
//! `cargo bench --bench live [PART...]`. Not criterion: what counts are single times at irregular moments, and their 99th
//! percentile. Windows are the real program on a virtual display (Xvfb) at 1480 x 1000, driven over its socket; planes
//! are those of `datasets.rs`, 2048 x 2048 u16 in `fast`, renamed into place. `datasets.rs` says where data is kept. The
//! figures of each part are written into `target/live-figures/new`, which `scripts/bench` compares with those saved.

#![allow(clippy::print_stdout, reason = "its figures are what a bench is for")]

use std::env;

mod acquisition;
#[path = "../datasets.rs"]
mod datasets;
#[path = "../../tests/it/desk.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "shared with the tests, which use more of it"
)]
mod desk;
mod figures;
mod flood;
mod latency;
mod playing;
mod window;
mod writer;

use figures::Book;

/// A part by its name.
type Part = (&'static str, fn(&mut Book));

const PARTS: [Part; 6] = [
    ("notice", latency::notice_to_pixels),
    ("file", latency::file_to_pixels),
    ("in-process", flood::in_process),
    ("socket", flood::over_the_socket),
    ("writer", writer::writer),
    ("playing", playing::playing),
];

fn main() {
    // Options are those of cargo and criterion.
    let wished: Vec<String> = env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    for (name, part) in PARTS {
        if wished.is_empty() || wished.iter().any(|wish| wish == name) {
            let mut book = Book::default();
            part(&mut book);
            let path = datasets::target().join(format!("live-figures/new/{name}.json"));
            book.write(&path).expect("the figures are written");
        }
    }
}
