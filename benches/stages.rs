//! What the spans of the stages cost: one by itself, and planes of 2048 x 2048 u16 read with and without somebody who
//! counts them as the program does. Data: `datasets.rs`. Throughput: spans, and of planes bytes of samples.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use squidview::{
    app::StageMeter,
    dataset::Dataset,
    model::{Absence, FovId, PlaneId, TileId, WorkStage, ZPick},
    simulate::{ChunkMode, Compression},
    store::{ReadOutcome, Store},
};
use tracing_subscriber::{Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _};

mod datasets;

const PLANE_BYTES: u64 = 2048 * 2048 * 2;

fn read(store: &Store, dataset: &Dataset, c: u16) -> usize {
    let tile = TileId::whole(PlaneId {
        fov: FovId(0),
        layer: 0,
        t: 0,
        c,
        z: ZPick::Slice(0),
        extra: 0,
        level: 0,
    });
    match store.read_tile(dataset, tile, Absence::AsStored) {
        Ok(ReadOutcome::Pixels { tiles, .. }) => tiles.len(),
        other => panic!("the plane is there: {other:?}"),
    }
}

fn measure(criterion: &mut Criterion, who: &str) {
    let mut group = criterion.benchmark_group(format!("a span, {who}"));
    group.throughput(Throughput::Elements(1));
    group.bench_function("read", |bencher| {
        bencher.iter(|| WorkStage::Read.enter());
    });
    group.finish();
    let mut group = criterion.benchmark_group(format!("a plane, {who}"));
    group.throughput(Throughput::Bytes(PLANE_BYTES));
    let paths = [
        (
            "none, tiles of 512",
            datasets::planes(Compression::None, ChunkMode::Tiled512),
        ),
        (
            "fast, tiles of 512",
            datasets::planes(Compression::Fast, ChunkMode::Tiled512),
        ),
        ("TIFF", datasets::image_files()),
    ];
    for (name, path) in paths {
        let dataset = squidview::formats::open(&path, &mut |_| true).expect("opens");
        let (store, mut next) = (Store::new(), 0);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                next = (next + 1) % 4;
                read(&store, &dataset, next)
            });
        });
    }
    group.finish();
}

fn stages(criterion: &mut Criterion) {
    measure(criterion, "nobody counts");
    // As `main` does; for good, so it comes second.
    let log =
        tracing_subscriber::fmt::layer().with_filter(tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::registry()
        .with(log)
        .with(StageMeter::default().layer())
        .init();
    measure(criterion, "counted");
}

criterion_group!(benches, stages);
criterion_main!(benches);
