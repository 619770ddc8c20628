//! One view against a source whose reads follow a script: what is drawn while some planes are slow.

use std::{cell::RefCell, sync::Arc, thread};

use super::*;
use crate::{
    dataset::{
        Image, LabelImage, LabelPlacement, PlaneAt,
        testing::{Sizes, dataset, dataset_of, image, with_levels, with_tiles},
    },
    loader::{LoaderOptions, ReadTiles},
    model::{Absence, MemoryOrder, NavAxis, Samples},
    store::{ReadError, ReadOutcome, TileRead},
};

const CANVAS: CanvasSize = CanvasSize {
    width_px: 200,
    height_px: 150,
};
/// The slice whose read takes a second; a tile of many is slow as well.
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
        let grid = dataset
            .image_of(tile.plane)
            .and_then(|image| image.grid(tile.plane.level))
            .expect("described");
        let is_one_tile = grid.num_rows() * grid.num_cols() == 1;
        if z == SLOW_Z {
            thread::sleep(Duration::from_secs(1));
        } else if !is_one_tile {
            thread::sleep(Duration::from_millis(400));
        }
        let rect = grid.tile_rect(tile.row, tile.col);
        let (_, _, width, height) = rect.expect("inside the grid");
        let samples = Samples::U16(vec![z as u16; (width * height) as usize]);
        let pixels = Pixels::new(width, height, MemoryOrder::RowMajor, samples);
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

/// A GPU that takes whatever is drawn.
fn at_once(_: &[Staged]) -> Vec<TileId> {
    Vec::new()
}

/// A GPU that takes one tile a frame.
#[derive(Default)]
struct OneByOne(RefCell<HashSet<TileId>>);

impl OneByOne {
    fn stage(&self, tiles: &[Staged]) -> Vec<TileId> {
        let mut taken = self.0.borrow_mut();
        let tiles = tiles.iter().map(|(tile, ..)| *tile);
        let mut others: Vec<TileId> = tiles.filter(|tile| !taken.contains(tile)).collect();
        if !others.is_empty() {
            taken.insert(others.remove(0));
        }
        others
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
        Self::with(dataset(sizes), cache_bytes)
    }

    fn with(dataset: Dataset, cache_bytes: usize) -> Self {
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
            self.viewing
                .plan(&self.loader, &self.cache, &at_once, Instant::now());
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
fn the_picture_before_stays_until_the_next_one_is_on_the_gpu() {
    let mut bench = Bench::new(Sizes::default(), 64 << 20);
    for z in [2, 1] {
        bench.go_to(z);
        bench.frames(Duration::from_millis(200));
    }
    let num_tiles = bench.viewing.wanted.as_ref().expect("planned").1.tiles();
    let num_tiles = num_tiles.count();
    assert!(num_tiles > 1);
    let gpu = OneByOne::default();
    bench.go_to(2);
    for frame in 1..=num_tiles {
        bench.viewing.plan(
            &bench.loader,
            &bench.cache,
            &|tiles| gpu.stage(tiles),
            Instant::now(),
        );
        let is_last = frame == num_tiles;
        assert_eq!(bench.viewing.is_staging(), !is_last, "{frame}");
        assert_eq!(bench.viewing.is_current(), is_last, "{frame}");
        assert_eq!(bench.drawn(), Some(if is_last { 2 } else { 1 }), "{frame}");
    }
}

#[test]
fn until_a_tile_is_on_the_gpu_another_level_stands_for_it_and_else_nothing_waits() {
    let mut bench = fitted();
    bench.viewing.resize(CANVAS);
    bench.go_to(1);
    bench.frames(Duration::from_millis(300));
    bench.viewing.apply(&Command::OneToOne(CANVAS));
    let levels = |bench: &mut Bench, stage: &dyn Fn(&[Staged]) -> Vec<TileId>| {
        bench.frames(Duration::from_millis(200));
        bench
            .viewing
            .plan(&bench.loader, &bench.cache, stage, Instant::now());
        let list = bench.viewing.draw(CANVAS, &bench.cache);
        let tiles = list.items.into_iter().flat_map(|item| item.tiles);
        let levels: BTreeSet<u8> = tiles.map(|drawn| drawn.tile.plane.level).collect();
        levels
    };
    let none = |tiles: &[Staged]| tiles.iter().map(|(tile, ..)| *tile).collect();
    assert_eq!(levels(&mut bench, &at_once), BTreeSet::from([0]));
    assert!(!levels(&mut bench, &none).contains(&0));
    // Without any other level of it.
    bench.cache.forget(bench.viewing.dataset.id);
    assert_eq!(levels(&mut bench, &none), BTreeSet::from([0]));
}

/// Planes that are larger than the canvas: fitted, they are drawn from halved ones.
fn fitted() -> Bench {
    let large = Sizes {
        width: 2048,
        height: 1536,
        ..Sizes::default()
    };
    Bench::new(large, 256 << 20)
}

#[test]
fn raw_values_under_the_pointer_are_not_read_for_who_steps_on() {
    let mut bench = fitted();
    bench.viewing.values_at(5, 6, &bench.cache);
    let wishes_level_0 = |bench: &mut Bench, now| {
        bench
            .viewing
            .plan(&bench.loader, &bench.cache, &at_once, now);
        let (_, visible) = bench.viewing.wanted.as_ref().expect("planned");
        visible.wishes.iter().any(|wish| wish.tile.plane.level == 0)
    };
    let began = Instant::now();
    for step in 0..4 {
        bench.go_to(step);
        let now = began + Duration::from_millis(60) * step;
        assert!(!wishes_level_0(&mut bench, now), "step {step}");
    }
    let stands = bench.viewing.next_hover_read().expect("they will be read");
    assert!(wishes_level_0(&mut bench, stands));
    assert_eq!(bench.viewing.next_hover_read(), None);
}

#[test]
fn raw_values_under_the_pointer_are_read_where_level_0_is_not_at_hand() {
    let mut bench = fitted();
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
    // What others push out of the cache stays at hand while the picture stands.
    bench.cache.forget(bench.viewing.dataset.id);
    assert_eq!(values(&bench), after);
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

#[test]
fn labels_under_the_pointer_are_read_and_told() {
    let labelled = Arc::new(Image {
        labels: vec!["cells".into()],
        ..image(Sizes::default())
    });
    let opened = ImageSlot::Opened(Arc::clone(&labelled));
    let placement = LabelPlacement {
        x: 0.0,
        y: 0.0,
        pixel_width: 1.0,
        pixel_height: 1.0,
        z: 0.0,
        z_step: 1.0,
    };
    let label = OpenedLabel {
        label: LabelImage {
            image: Arc::new(image(Sizes::default())),
            placement,
            colors: Arc::default(),
        },
        problems: Vec::new(),
    };
    let dataset = dataset_of(labelled, vec![opened]).with_label(FovId(0), 1, Ok(label));
    let mut bench = Bench::with(dataset, 64 << 20);
    bench.go_to(1);
    bench.frames(Duration::from_millis(200));
    let labels = |bench: &Bench| bench.viewing.labels_at(5, 6, &bench.cache);
    assert_eq!(labels(&bench), []);
    bench
        .viewing
        .apply(&Command::ShowLabel("cells".into(), true));
    bench.frames(Duration::from_millis(300));
    let list = bench.viewing.draw(CANVAS, &bench.cache);
    assert_eq!(list.labels.len(), 1);
    let expected = ("cells".to_owned(), Some(crate::model::Value::Unsigned(1)));
    assert_eq!(labels(&bench), [expected]);
}

#[test]
fn a_coarser_level_is_drawn_until_the_tiles_of_a_large_plane_are_there() {
    let large = Sizes {
        num_fovs: 1,
        c: 1,
        width: 4000,
        height: 3000,
        ..Sizes::default()
    };
    let tiled = with_tiles(image(large), 512);
    let pyramid = Arc::new(with_levels(tiled, &[(5, 300, 400)]));
    let opened = ImageSlot::Opened(Arc::clone(&pyramid));
    let mut bench = Bench::with(dataset_of(pyramid, vec![opened]), 256 << 20);
    // Statistics take many tiles.
    let limits = crate::model::ContrastLimits {
        low: 0.0,
        high: 9.0,
    };
    bench.viewing.apply(&Command::SetLimits(0, limits));
    bench.viewing.resize(CANVAS);
    bench.go_to(1);
    bench.frames(Duration::from_millis(300));
    bench.viewing.apply(&Command::OneToOne(CANVAS));
    bench.frames(Duration::from_millis(200));
    let levels = |bench: &Bench| -> Vec<u8> {
        let list = bench.viewing.draw(CANVAS, &bench.cache);
        let tiles = list.items.iter().flat_map(|item| &item.tiles);
        tiles.map(|drawn| drawn.tile.plane.level).collect()
    };
    // Tile by tile: on a busy machine the first fine ones are there already.
    assert!(levels(&bench).contains(&1), "the fine tiles are slow");
    let deadline = Instant::now() + Duration::from_secs(30);
    while levels(&bench).iter().any(|level| *level > 0) {
        assert!(Instant::now() < deadline, "{:?}", levels(&bench));
        bench.frames(Duration::from_millis(100));
    }
    assert!(!levels(&bench).is_empty());
}

/// A bench whose first store says that it is complete, or not.
fn with_complete(is_complete: bool) -> (Bench, Arc<Image>) {
    let sized = |complete| {
        Arc::new(Image {
            complete: Some(complete),
            ..image(Sizes::default())
        })
    };
    let (before, after) = (sized(is_complete), sized(!is_complete));
    let opened = ImageSlot::Opened(Arc::clone(&before));
    let bench = Bench::with(dataset_of(before, vec![opened]), 64 << 20);
    (bench, after)
}

#[test]
fn what_was_read_of_a_store_while_it_was_taken_for_complete_does_not_hold() {
    let (mut bench, anew) = with_complete(true);
    let (fov, size) = (FovId(0), PageSize::of(&anew));
    // One that is not on the screen: nobody reads it anew in between.
    let z = (bench.viewing.session.position.z + 1) % 3;
    let at = PlaneAt {
        fov: 0,
        t: 0,
        c: 0,
        z,
    };
    let plane = plane_of(fov, at);
    bench.viewing.ledger.book(size, plane, PlaneState::Written);
    bench.viewing.begin_anew(&HashSet::from([fov]));
    // Between the news and the opening: nothing there, which is the fill value of the store as it was.
    let revision = bench.viewing.ledger.revision(plane);
    bench.viewing.take(Loaded::Tile {
        dataset: bench.viewing.dataset.id,
        tile: TileId::whole(plane),
        revision,
        state: PlaneState::Written,
        pixels: None,
        elapsed: Duration::from_millis(1),
    });
    assert_eq!(bench.viewing.ledger.state(plane), PlaneState::Written);
    bench.viewing.take(Loaded::Fov {
        dataset: bench.viewing.dataset.id,
        fov,
        outcome: Ok(OpenedFov {
            images: vec![(fov, anew)],
            ..OpenedFov::default()
        }),
    });
    bench
        .viewing
        .plan(&bench.loader, &bench.cache, &at_once, Instant::now());
    assert_eq!(bench.viewing.ledger.state(plane), PlaneState::Unknown);
    assert!(bench.viewing.ledger.revision(plane) > revision);
    assert_eq!(bench.viewing.take_turned(), [fov], "the disk tells again");
}

#[test]
fn planes_of_a_store_that_is_not_there_are_not_said_to_be_on_disk() {
    let described = dataset(Sizes::default());
    let later = PlaneAt {
        fov: 1,
        t: 2,
        c: 0,
        z: 0,
    };
    let check = |slot: ImageSlot, state: PlaneState, is_passed: bool| {
        let mut dataset = described.clone();
        dataset.images[1] = slot;
        let mut bench = Bench::with(dataset, 64 << 20);
        let (size, plane) = (PageSize::of(&described.template), plane_of(FovId(1), later));
        bench.viewing.ledger.book(size, plane, state);
        bench.viewing.follow(std::iter::once(plane));
        assert_eq!(bench.viewing.is_passed(), is_passed);
    };
    let opened = || ImageSlot::Opened(Arc::clone(&described.template));
    check(opened(), PlaneState::Written, true);
    check(opened(), PlaneState::Planned, false);
    check(ImageSlot::Unopened, PlaneState::Unknown, false);
}

#[test]
fn playback_skips_to_what_is_at_hand_and_goes_on_by_one_where_nothing_is() {
    let image = Arc::new(image(Sizes::default()));
    let opened = ImageSlot::Opened(Arc::clone(&image));
    let mut bench = Bench::with(dataset_of(image, vec![opened]), 64 << 20);
    assert_eq!(bench.viewing.steps_to_play(3, &bench.cache), 0, "paused");
    bench.go_to(0);
    let play = Command::TogglePlay(Some(NavAxis::Z));
    bench.viewing.apply(&play);
    let steps =
        |bench: &Bench| [1, 2, 3, 4].map(|due| bench.viewing.steps_to_play(due, &bench.cache));
    assert_eq!(steps(&bench), [1, 1, 1, 1]);
    let hold = |bench: &Bench, z: u32| {
        let mut selection = bench.viewing.session.selection();
        selection.position.z = z;
        for tile in bench.viewing.resolve_of(&selection).tiles() {
            let samples = Samples::U16(vec![0; 4]);
            let pixels = Pixels::new(2, 2, MemoryOrder::RowMajor, samples).expect("fits");
            let key = bench.viewing.cache_key(tile);
            bench.cache.insert(key, Arc::new(pixels));
        }
    };
    hold(&bench, 2);
    assert_eq!(steps(&bench), [1, 2, 2, 2]);
    hold(&bench, 4);
    assert_eq!(steps(&bench), [1, 2, 2, 4]);
}
