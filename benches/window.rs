//! The whole window off screen, drawn on the machine's driver (a CPU driver where there is no graphics card), 1480 x 1000
//! points: 4 channels of 2048 x 2048 u16 in `fast`, page cache warm. Data: `datasets.rs`.
//!
//! Each figure is from the wish to the finished picture, read back from the driver; "nothing but the slider moved" is a
//! frame in which no tile is new.
//!
//! Throughput: of a step bytes of the slice's samples at full resolution, whatever of them is read or uploaded; of what
//! shows the same samples again frames.

use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use egui::{Key, Modifiers};
use squidview::{
    app::Options,
    simulate::{ChunkMode, Compression},
};

mod datasets;

/// The samples of four channels at one z-slice.
const SLICE_BYTES: u64 = 4 * 2048 * 2048 * 2;

#[path = "../tests/it/desk.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "shared with the tests, which use more of it"
)]
mod desk;

use desk::{Desk, Setup};

fn window(path: &Path, cache_mb: usize) -> Option<Desk> {
    let options = Options {
        cache_bytes: Some(cache_mb << 20),
        ..Options::default()
    };
    let setup = Setup {
        size_pt: [1480.0, 1000.0],
        options,
        ..Setup::default()
    };
    Desk::with(path, setup)
}

/// A key, then frames until its picture is whole, then the picture.
fn step(desk: &mut Desk, key: Key) {
    desk.harness.key_press_modifiers(Modifiers::NONE, key);
    desk.until("the picture is whole", squidview::app::App::is_settled);
    desk.harness.render().expect("draws");
}

fn frames(criterion: &mut Criterion) {
    let path = datasets::planes(Compression::Fast, ChunkMode::FullFrame);
    let Some(mut desk) = window(&path, 2048) else {
        return;
    };
    // All slices into the cache.
    for key in [[Key::ArrowUp; 8], [Key::ArrowDown; 8]].as_flattened() {
        step(&mut desk, *key);
    }
    let mut group = criterion.benchmark_group("window");
    group.sample_size(30);
    group.throughput(Throughput::Elements(1));
    group.bench_function("frame, nothing new", |bencher| {
        bencher.iter(|| {
            desk.harness.step();
            desk.harness.render().expect("draws")
        });
    });
    let mut keys = [Key::ArrowUp, Key::ArrowDown].into_iter().cycle();
    group.throughput(Throughput::Bytes(SLICE_BYTES));
    group.bench_function("step along z, cached", |bencher| {
        bencher.iter(|| step(&mut desk, keys.next().expect("goes round")));
    });
    group.throughput(Throughput::Elements(2));
    group.bench_function("channel off and on", |bencher| {
        bencher.iter(|| {
            for _ in 0..2 {
                desk.harness.key_press_modifiers(Modifiers::ALT, Key::Num2);
                desk.until("the picture is whole", squidview::app::App::is_settled);
                desk.harness.render().expect("draws");
            }
        });
    });
    // Two pictures fit, none of the next.
    let Some(mut desk) = window(&path, 16) else {
        return;
    };
    let mut keys = [[Key::ArrowUp; 4], [Key::ArrowDown; 4]]
        .as_flattened()
        .to_vec()
        .into_iter()
        .cycle();
    group.throughput(Throughput::Bytes(SLICE_BYTES));
    group.bench_function("step along z, from disk", |bencher| {
        bencher.iter(|| step(&mut desk, keys.next().expect("goes round")));
    });
    group.finish();
}

/// Frames while a plane of 50,000 x 50,000 is dragged back and forth at one to one, with a cache that keeps little of it.
fn panning(criterion: &mut Criterion) {
    let Some(mut desk) = window(&datasets::pyramid_50_000(), 4) else {
        return;
    };
    let middle = egui::pos2(600.0, 450.0);
    step(&mut desk, Key::Num1);
    desk.harness.drag_at(middle);
    let strides = (0..80).chain((0..80).rev()).cycle();
    let mut offsets = strides.map(|stride| egui::vec2(24.0, 9.0) * stride as f32);
    let mut group = criterion.benchmark_group("window");
    group.throughput(Throughput::Elements(1));
    group.bench_function("a frame while a gigapixel is dragged", |bencher| {
        bencher.iter(|| {
            let offset = offsets.next().expect("goes round");
            desk.harness.hover_at(middle - offset);
            desk.harness.step();
            desk.harness.render().expect("draws")
        });
    });
    group.finish();
}

criterion_group!(benches, frames, panning);
criterion_main!(benches);
