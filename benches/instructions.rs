//! Instructions of the hot functions, for callgrind to count (`scripts/instructions`): a count does not depend on what
//! else the machine does, so that a regression shows where times do not.
//!
//! `instructions --list` names the parts; `instructions PART TIMES` works one of them off so many times, so that the
//! difference of two runs is what the part itself takes. Data: `datasets.rs`, planes of 2048 x 2048 u16.

use std::{hint::black_box, io::Write as _, process::ExitCode};

use squidview::{
    canvas::{AtHand, composite, draw_list},
    dataset::Dataset,
    ledger::Ledger,
    model::{Absence, CanvasSize, ContrastLimits, FovId, Histogram, PlaneId, TileId, ZPick, mean},
    session::{Command, Session, resolve},
    simulate::{ChunkMode, Compression},
    store::{ReadOutcome, Store},
};

mod datasets;

const CANVAS: CanvasSize = CanvasSize {
    width_px: 1268,
    height_px: 750,
};
const PARTS: [&str; 8] = [
    "decode-none",
    "decode-fast",
    "decode-balanced",
    "transpose",
    "area-mean",
    "histogram",
    "composite",
    "resolve-x1000",
];

fn open(compression: Compression) -> Dataset {
    let path = datasets::planes(compression, ChunkMode::FullFrame);
    squidview::formats::open(&path, &mut |_| true).expect("opens")
}

fn read(store: &Store, dataset: &Dataset, c: u16) -> std::sync::Arc<squidview::model::Pixels> {
    let tile = TileId::whole(PlaneId {
        fov: FovId(0),
        layer: 0,
        t: 0,
        c,
        z: ZPick::Slice(4),
        extra: 0,
        level: 0,
    });
    match store
        .read_tile(dataset, tile, Absence::AsStored)
        .expect("reads")
    {
        ReadOutcome::Pixels { mut tiles, .. } => tiles.swap_remove(0).pixels,
        ReadOutcome::Absent(_) => panic!("the plane is there"),
    }
}

/// Works a part off; false where there is none of that name.
fn work(part: &str, times: u32) -> bool {
    match part {
        "decode-none" => decode(Compression::None, times),
        "decode-fast" => decode(Compression::Fast, times),
        "decode-balanced" => decode(Compression::Balanced, times),
        "transpose" | "area-mean" | "histogram" => on_plane(part, times),
        "composite" => draw(times),
        "resolve-x1000" => plan(times),
        _ => return false,
    }
    true
}

fn decode(compression: Compression, times: u32) {
    let (dataset, store) = (open(compression), Store::new());
    for _ in 0..times {
        black_box(read(&store, &dataset, 1));
    }
}

fn on_plane(part: &str, times: u32) {
    let pixels = read(&Store::new(), &open(Compression::Fast), 1);
    for _ in 0..times {
        match part {
            "transpose" => {
                black_box(pixels.to_rows().num_bytes());
            }
            "area-mean" => {
                black_box(mean::halved(&pixels));
            }
            _ => {
                black_box(Histogram::of(&pixels));
            }
        }
    }
}

/// The fitted view of four channels.
fn draw(times: u32) {
    let (dataset, store, ledger) = (open(Compression::Fast), Store::new(), Ledger::default());
    let mut session = Session::new(&dataset);
    for channel in 0..4 {
        let limits = ContrastLimits {
            low: 100.0,
            high: 4000.0,
        };
        session.apply(&Command::SetLimits(channel, limits), &dataset);
    }
    let visible = resolve(&session, &session.selection(), &dataset, &ledger, CANVAS);
    let list = draw_list(&visible, &mut |tile| AtHand::Pixels {
        tile: TileId {
            plane: tile.plane.at_level(0),
            ..tile
        },
        revision: 0,
        pixels: read(&store, &dataset, tile.plane.c),
    });
    for _ in 0..times {
        black_box(composite(&list));
    }
}

/// A thousand times each: once is little beside what a process takes to begin and end.
fn plan(times: u32) {
    let dataset = squidview::formats::open(&datasets::plate_1536(), &mut |_| true).expect("opens");
    let (session, ledger) = (Session::new(&dataset), Ledger::default());
    for _ in 0..times.saturating_mul(1000) {
        black_box(resolve(
            &session,
            &session.selection(),
            &dataset,
            &ledger,
            CANVAS,
        ));
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo bench` adds a flag of its own.
    let arguments: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|argument| *argument != "--bench")
        .collect();
    let is_done = match arguments[..] {
        ["--list"] => writeln!(std::io::stdout(), "{}", PARTS.join("\n")).is_ok(),
        [part, times] => times.parse().is_ok_and(|times| work(part, times)),
        _ => false,
    };
    if is_done {
        return ExitCode::SUCCESS;
    }
    eprintln!("instructions --list, or instructions PART TIMES; scripts/instructions counts them");
    ExitCode::from(2)
}
