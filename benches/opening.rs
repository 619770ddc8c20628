//! Opening, page cache warm: a plate of 1536 wells x 4 FOVs, folders of 100,000 stores and of 100,000 TIFF files (metadata
//! only); a plane of 50,000 x 50,000 of which a few hundred chunks are written, and its first image (1480 x 1000). Data: `datasets.rs`.
//!
//! Throughput: names that are listed (FOVs of the plate, stores, files), levels of the pyramid that are described, and of
//! a first image bytes of the picture (8-bit RGBA).

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use squidview::{
    dataset::Dataset,
    formats,
    model::CanvasSize,
    render::render,
    session::{Command, Session},
};

mod datasets;

const WINDOW: CanvasSize = CanvasSize {
    width_px: 1480,
    height_px: 1000,
};

fn opening(criterion: &mut Criterion) {
    let path = datasets::plate_1536();
    let mut group = criterion.benchmark_group("opening");
    group.sample_size(20);
    group.throughput(Throughput::Elements(6144));
    group.bench_function("plate of 1536 wells", |bencher| {
        bencher.iter(|| {
            let dataset = formats::open(&path, &mut |_| true).expect("opens");
            assert_eq!(dataset.num_fovs(), 6144);
            dataset
        });
    });
    let path = datasets::stores_100_000();
    group.throughput(Throughput::Elements(100_000));
    group.bench_function("folder of 100,000 stores", |bencher| {
        bencher.iter(|| {
            let dataset = formats::open(&path, &mut |_| true).expect("opens");
            assert_eq!(dataset.num_fovs(), 100_000);
            dataset
        });
    });
    let path = datasets::files_100_000();
    group.bench_function("folder of 100,000 TIFF files", |bencher| {
        bencher.iter(|| {
            let dataset = formats::open(&path, &mut |_| true).expect("opens");
            assert_eq!(
                (dataset.num_fovs(), dataset.template.num_planes()),
                (1000, 100)
            );
            dataset
        });
    });
    group.finish();
}

/// Opens the pyramid.
fn pyramid(path: &std::path::Path) -> Dataset {
    let dataset = formats::open(path, &mut |_| true).expect("opens");
    assert_eq!(dataset.template.plane_size(), (50_000, 50_000));
    dataset
}

fn gigapixel(criterion: &mut Criterion) {
    let path = datasets::pyramid_50_000();
    let mut group = criterion.benchmark_group("pyramid of 50,000 x 50,000");
    group.sample_size(20);
    let num_levels = pyramid(&path).template.levels.len();
    group.throughput(Throughput::Elements(num_levels as u64));
    group.bench_function("opening", |bencher| bencher.iter(|| pyramid(&path)));
    let picture_bytes = u64::from(WINDOW.width_px * WINDOW.height_px) * 4;
    group.throughput(Throughput::Bytes(picture_bytes));
    group.bench_function("first image, fitted", |bencher| {
        bencher.iter(|| {
            let dataset = pyramid(&path);
            let session = Session::new(&dataset);
            render(dataset, session, WINDOW).expect("renders")
        });
    });
    group.bench_function("first image, one to one", |bencher| {
        bencher.iter(|| {
            let dataset = pyramid(&path);
            let mut session = Session::new(&dataset);
            session.apply(&Command::OneToOne(WINDOW), &dataset);
            render(dataset, session, WINDOW).expect("renders")
        });
    });
    group.finish();
}

criterion_group!(benches, opening, gigapixel);
criterion_main!(benches);
