//! Reading: one 2048 x 2048 u16 plane from disk for each of Squid's compressions and chunk modes, page cache warm, and
//! the same plane from our cache. Data: `datasets.rs`.
//!
//! Throughput: bytes of samples as they are in memory; from our cache, where nothing moves, planes.

use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use squidview::{
    cache::{Cache, CacheKey},
    dataset::Dataset,
    model::{Absence, FovId, Pixels, PlaneId, TileId, ZPick},
    simulate::{ChunkMode, Compression},
    store::{ReadOutcome, Store},
};

mod datasets;

const PLANE_BYTES: u64 = 2048 * 2048 * 2;

fn tile(c: u16, z: u32) -> TileId {
    TileId::whole(PlaneId {
        fov: FovId(0),
        layer: 0,
        t: 0,
        c,
        z: ZPick::Slice(z),
        extra: 0,
        level: 0,
    })
}

fn read(store: &Store, dataset: &Dataset, tile: TileId) -> Arc<Pixels> {
    match store
        .read_tile(dataset, tile, Absence::AsStored)
        .expect("reads")
    {
        ReadOutcome::Pixels { mut tiles, .. } => tiles.swap_remove(0).pixels,
        ReadOutcome::Absent(_) => panic!("the plane is there"),
    }
}

fn reading(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reading");
    group.throughput(Throughput::Bytes(PLANE_BYTES));
    group.sample_size(30);
    let all = [
        Compression::None,
        Compression::Fast,
        Compression::Balanced,
        Compression::Best,
    ];
    for compression in all {
        for chunks in [ChunkMode::FullFrame, ChunkMode::Tiled512] {
            let path = datasets::planes(compression, chunks);
            let dataset = squidview::formats::open(&path, &mut |_| true).expect("opens");
            let (store, mut next) = (Store::new(), 0_u32);
            let name = format!("{} {}", compression.name(), chunks.name());
            group.bench_function(name, |bencher| {
                bencher.iter(|| {
                    next = (next + 1) % 32;
                    read(&store, &dataset, tile((next % 4) as u16, next / 4))
                });
            });
        }
    }
    cached(&mut group);
    group.finish();
}

fn cached(group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>) {
    let path = datasets::planes(Compression::Fast, ChunkMode::FullFrame);
    let dataset = squidview::formats::open(&path, &mut |_| true).expect("opens");
    let cache = Cache::new(64 << 20);
    let key = CacheKey {
        dataset: dataset.id,
        tile: tile(0, 0),
        revision: 0,
    };
    cache.insert(key, read(&Store::new(), &dataset, key.tile));
    group.throughput(Throughput::Elements(1));
    group.bench_function("cached", |bencher| {
        bencher.iter(|| cache.get(&key).expect("cached"));
    });
}

criterion_group!(benches, reading);
criterion_main!(benches);
