//! One view against a source whose reads follow a script: what is drawn while some planes are slow.

use std::{sync::Arc, thread};

use super::*;
use crate::{
    dataset::{
        PlaneAt,
        testing::{Sizes, dataset},
    },
    loader::{LoaderOptions, ReadTiles},
    model::{Absence, MemoryOrder, NavAxis, Samples},
    store::{ReadError, ReadOutcome, TileRead},
};

const CANVAS: CanvasSize = CanvasSize {
    width_px: 200,
    height_px: 150,
};
/// The slice whose read takes a second.
const SLOW_Z: u32 = 3;

/// Planes that hold their own z.
struct OneSlow;

impl ReadTiles for OneSlow {
    fn read_tile(
        &self,
        dataset: &Dataset,
        tile: TileId,
        _absence: Absence,
    ) -> Result<ReadOutcome, ReadError> {
        let ZPick::Slice(z) = tile.plane.z else {
            panic!("no projection is wished")
        };
        if z == SLOW_Z {
            thread::sleep(Duration::from_secs(1));
        }
        let grid = dataset
            .image(tile.plane.fov)
            .and_then(|image| image.grid(tile.plane.level))
            .expect("described");
        let samples = Samples::U16(vec![z as u16; (grid.width * grid.height) as usize]);
        let pixels = Pixels::new(grid.width, grid.height, MemoryOrder::RowMajor, samples);
        let tiles = vec![TileRead {
            tile,
            pixels: Arc::new(pixels.expect("fits")),
        }];
        Ok(ReadOutcome::Pixels {
            tiles,
            state: PlaneState::Written,
        })
    }
}

/// A view of a dataset, with its readers.
struct Bench {
    viewing: Viewing,
    loader: Loader,
    cache: Arc<Cache>,
}

impl Bench {
    fn new(sizes: Sizes, cache_bytes: usize) -> Self {
        let dataset = dataset(sizes);
        let session = Session::new(&dataset);
        let cache = Arc::new(Cache::new(cache_bytes));
        let options = LoaderOptions {
            num_readers: 4,
            wake: Arc::new(|| {}),
        };
        let loader = Loader::new(Arc::new(OneSlow), Arc::clone(&cache), options);
        Self {
            viewing: Viewing::new(dataset, session),
            loader,
            cache,
        }
    }

    fn go_to(&mut self, z: u32) {
        self.viewing.apply(&Command::SetIndex(NavAxis::Z, z));
    }

    /// Frames for that long; which slices were drawn, each once in a row.
    fn frames(&mut self, time: Duration) -> Vec<u32> {
        let (started, mut drawn) = (Instant::now(), Vec::new());
        while started.elapsed() < time {
            for news in self.loader.drain() {
                self.viewing.take(news);
            }
            self.viewing.plan(&self.loader, &self.cache, Instant::now());
            drawn.extend(self.drawn());
            thread::sleep(Duration::from_millis(1));
        }
        drawn.dedup();
        drawn
    }

    /// The slice on the canvas by its name and by its samples, which must agree.
    fn drawn(&self) -> Option<u32> {
        let list = self.viewing.draw(CANVAS, &self.cache);
        let tiles = list.items.iter().flat_map(|item| &item.tiles);
        let slices: Vec<u32> = tiles
            .map(|drawn| {
                let value = drawn.pixels.value(0, 0).map(|value| value.as_f64() as u32);
                assert_eq!(drawn.tile.plane.z, ZPick::Slice(value.expect("inside")));
                value.expect("inside")
            })
            .collect();
        assert!(
            slices.windows(2).all(|pair| pair[0] == pair[1]),
            "{slices:?}"
        );
        slices.first().copied()
    }
}

#[test]
fn a_slow_read_of_an_earlier_wish_never_overwrites_a_later_one() {
    for cache_bytes in [64 << 20, 1] {
        let mut bench = Bench::new(Sizes::default(), cache_bytes);
        bench.go_to(1);
        assert_eq!(bench.frames(Duration::from_millis(300)), [1]);
        bench.go_to(SLOW_Z);
        // The previous picture stays while the slow one is read.
        assert_eq!(bench.frames(Duration::from_millis(300)), [1]);
        assert!(!bench.viewing.is_current());
        bench.go_to(2);
        assert_eq!(bench.frames(Duration::from_millis(1500)).last(), Some(&2));
        assert_eq!(bench.drawn(), Some(2));
        assert!(bench.viewing.is_current());
    }
}

#[test]
fn raw_values_under_the_pointer_are_read_where_level_0_is_not_at_hand() {
    // Fitted, this is drawn from halved planes.
    let large = Sizes {
        width: 2048,
        height: 1536,
        ..Sizes::default()
    };
    let mut bench = Bench::new(large, 256 << 20);
    bench.go_to(1);
    bench.frames(Duration::from_millis(300));
    bench.cache.forget(bench.viewing.dataset.id);
    let values = |bench: &Bench| bench.viewing.values_at(5, 6, &bench.cache);
    let before = values(&bench);
    assert!(before.iter().all(Option::is_none), "{before:?}");
    assert!(bench.viewing.hovers_anew());
    bench.frames(Duration::from_millis(500));
    assert!(!bench.viewing.hovers_anew());
    let after = values(&bench);
    assert!(
        !after.is_empty() && after.iter().all(Option::is_some),
        "{after:?}"
    );
}

#[test]
fn an_older_read_that_ends_after_a_newer_one_is_never_drawn() {
    let mut bench = Bench::new(Sizes::default(), 64 << 20);
    bench.go_to(1);
    assert_eq!(bench.frames(Duration::from_millis(300)), [1]);
    let at = PlaneAt {
        fov: 0,
        t: 0,
        c: 0,
        z: 1,
    };
    let written = HashMap::from([(at, 1)]);
    bench.viewing.announce(&written);
    assert_eq!(bench.frames(Duration::from_millis(300)), [1]);
    let image = bench.viewing.dataset.template.plane_size();
    let samples = Samples::U16(vec![7; (image.0 * image.1) as usize]);
    let pixels = Pixels::new(image.0, image.1, MemoryOrder::RowMajor, samples).expect("fits");
    bench.viewing.take(Loaded::Tile {
        dataset: bench.viewing.dataset.id,
        tile: TileId::whole(plane_of(FovId(0), at)),
        revision: 0,
        state: PlaneState::Written,
        pixels: Some(Arc::new(pixels)),
        elapsed: Duration::from_secs(1),
    });
    assert_eq!(bench.drawn(), Some(1));
    // Until the plane is read again, what was read last stays.
    bench.viewing.announce(&written);
    assert_eq!(bench.drawn(), Some(1));
}
