//! What a picture costs beside reading: area means, statistics, the CPU composite of four channels, and `resolve`.
//! Data: `datasets.rs`, and for `resolve` the plate of 1536 wells.
//!
//! Throughput: of what goes through a plane bytes of its samples, of the composite bytes of the picture (8-bit RGBA), of
//! `resolve` tiles that it names.

use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use squidview::{
    canvas::{AtHand, DrawList, composite, draw_list},
    dataset::Dataset,
    ledger::Ledger,
    model::{Absence, CanvasSize, FovId, Histogram, Pixels, PlaneId, TileId, ZPick, mean},
    session::{Command, Session, resolve},
    simulate::{ChunkMode, Compression},
    store::{ReadOutcome, Store},
};

mod datasets;

const PLANE_BYTES: u64 = 2048 * 2048 * 2;
const CANVAS: CanvasSize = CanvasSize {
    width_px: 1268,
    height_px: 750,
};

fn dataset() -> Dataset {
    let path = datasets::planes(Compression::Fast, ChunkMode::FullFrame);
    squidview::formats::open(&path, &mut |_| true).expect("opens")
}

fn read(dataset: &Dataset, tile: TileId) -> Arc<Pixels> {
    match Store::new()
        .read_tile(dataset, tile, Absence::AsStored)
        .expect("reads")
    {
        ReadOutcome::Pixels { mut tiles, .. } => tiles.swap_remove(0).pixels,
        ReadOutcome::Absent(_) => panic!("the plane is there"),
    }
}

fn plane(dataset: &Dataset) -> Arc<Pixels> {
    let plane = PlaneId {
        fov: FovId(0),
        layer: 0,
        t: 0,
        c: 1,
        z: ZPick::Slice(4),
        extra: 0,
        level: 0,
    };
    read(dataset, TileId::whole(plane))
}

/// The fitted view of four channels with limits from their own planes.
fn list(dataset: &Dataset) -> DrawList {
    let mut session = Session::new(dataset);
    let ledger = Ledger::default();
    let tiles = resolve(&session, &session.selection(), dataset, &ledger, CANVAS);
    for tile in tiles.placed.iter().flat_map(|placed| &placed.tiles) {
        let histogram = Histogram::of(&read(dataset, *tile)).expect("finite samples");
        let command = Command::Statistics {
            channel: usize::from(tile.plane.c),
            fov: tile.plane.fov,
            t: tile.plane.t,
            histogram: Arc::new(histogram),
        };
        session.apply(&command, dataset);
    }
    let visible = resolve(&session, &session.selection(), dataset, &ledger, CANVAS);
    draw_list(&visible, &mut |tile| AtHand::Pixels {
        tile,
        revision: 0,
        pixels: read(dataset, tile),
    })
}

fn samples(criterion: &mut Criterion) {
    let dataset = dataset();
    let pixels = plane(&dataset);
    let mut group = criterion.benchmark_group("plane of 2048 x 2048 u16");
    group.throughput(Throughput::Bytes(PLANE_BYTES));
    group.bench_function("area mean", |bencher| {
        bencher.iter(|| mean::halved(&pixels));
    });
    group.bench_function("histogram", |bencher| {
        bencher.iter(|| Histogram::of(&pixels));
    });
    group.bench_function("transpose", |bencher| {
        bencher.iter(|| pixels.to_rows().num_bytes());
    });
    group.finish();
}

fn pictures(criterion: &mut Criterion) {
    let dataset = dataset();
    let list = list(&dataset);
    let mut group = criterion.benchmark_group("picture");
    group.throughput(Throughput::Bytes(composite(&list).len() as u64));
    group.bench_function("composite of 4 channels, 1268 x 750", |bencher| {
        bencher.iter(|| composite(&list));
    });
    let plate = squidview::formats::open(&datasets::plate_1536(), &mut |_| true).expect("opens");
    for (name, dataset) in [("4 channels, 8 z-slices", &dataset), ("1536 wells", &plate)] {
        let (session, ledger) = (Session::new(dataset), Ledger::default());
        let visible = resolve(&session, &session.selection(), dataset, &ledger, CANVAS);
        let num_tiles = visible.wishes.len() + visible.likely.len();
        group.throughput(Throughput::Elements(num_tiles as u64));
        group.bench_function(format!("resolve, {name}"), |bencher| {
            bencher.iter(|| resolve(&session, &session.selection(), dataset, &ledger, CANVAS));
        });
    }
    group.finish();
}

criterion_group!(benches, samples, pictures);
criterion_main!(benches);
