//! Opening: a plate of 1536 wells x 4 FOVs, and a folder of 100,000 TIFF files, metadata only, page cache warm. Data:
//! `datasets.rs`.

use criterion::{Criterion, criterion_group, criterion_main};

mod datasets;

fn opening(criterion: &mut Criterion) {
    let path = datasets::plate_1536();
    let mut group = criterion.benchmark_group("opening");
    group.sample_size(20);
    group.bench_function("plate of 1536 wells", |bencher| {
        bencher.iter(|| {
            let dataset = squidview::formats::open(&path, &mut |_| true).expect("opens");
            assert_eq!(dataset.num_fovs(), 6144);
            dataset
        });
    });
    let path = datasets::files_100_000();
    group.bench_function("folder of 100,000 TIFF files", |bencher| {
        bencher.iter(|| {
            let dataset = squidview::formats::open(&path, &mut |_| true).expect("opens");
            assert_eq!(
                (dataset.num_fovs(), dataset.template.num_planes()),
                (1000, 100)
            );
            dataset
        });
    });
    group.finish();
}

criterion_group!(benches, opening);
criterion_main!(benches);
