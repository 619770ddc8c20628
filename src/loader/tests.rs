//! The loader against a scripted source: slow, failing and panicking reads, without a clock.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

use super::*;
use crate::{
    cache::CacheKey,
    dataset::{
        Fov, FovOpener, Image, ImageSlot,
        testing::{Sizes, dataset, dataset_of, image, with_levels},
    },
    ledger::PageSize,
    model::{
        CanvasSize, Code, MemoryOrder, Pixels, PlacedTile, RectPx, Samples, Tier, Wish, ZPick,
        while_waiting,
    },
    store::TileRead,
};

/// More than any read here takes; a test that waits that long has failed.
const SOON: Duration = Duration::from_secs(20);

/// What a scripted read of a z-slice does.
#[derive(Clone)]
enum Script {
    Value(u16),
    /// A computed level with level 0, which was decoded for it.
    WithLevel0(u16),
    /// Says that it has begun, then waits to be let go.
    Held(Sender<()>, Receiver<()>),
    /// The same, and works meanwhile.
    Works(Sender<()>, Receiver<()>),
    Absent,
    Fails,
    Panics,
}

/// A source whose reads follow a script by z-slice; unscripted ones give their index.
#[derive(Default)]
struct Scripted {
    scripts: HashMap<u32, Script>,
    num_reads: AtomicUsize,
    reads: Mutex<Vec<TileId>>,
    absences: Mutex<Vec<Absence>>,
    /// Slices that there is no room to decode for.
    without_room: Mutex<HashSet<u32>>,
    num_without_room: AtomicUsize,
    num_rests: AtomicUsize,
}

impl ReadTiles for Scripted {
    fn read_tile(
        &self,
        dataset: &Dataset,
        tile: TileId,
        absence: Absence,
    ) -> Result<ReadOutcome, ReadError> {
        self.absences.lock().push(absence);
        self.num_reads.fetch_add(1, Ordering::Relaxed);
        self.reads.lock().push(tile);
        let ZPick::Slice(z) = tile.plane.z else {
            panic!("the loader makes projections")
        };
        let value = match self.scripts.get(&z) {
            Some(Script::Value(value) | Script::WithLevel0(value)) => *value,
            Some(Script::Held(begun, let_go)) => {
                begun.send(()).expect("the test waits");
                while_waiting(|| let_go.recv()).expect("the test lets go");
                z as u16
            }
            Some(Script::Works(begun, let_go)) => {
                begun.send(()).expect("the test waits");
                let_go.recv().expect("the test lets go");
                z as u16
            }
            Some(Script::Absent) => return Ok(ReadOutcome::Absent(PlaneState::Planned)),
            Some(Script::Fails) => {
                let (message, location) = ("chunk is damaged".into(), "c/0".into());
                return Err(ReadError {
                    code: Code::CorruptData,
                    message,
                    location,
                });
            }
            Some(Script::Panics) => panic!("scripted"),
            None => z as u16,
        };
        let image = dataset.image(tile.plane.fov).expect("opened");
        let filled = |level: u8| {
            let grid = image.grid(level).expect("described");
            let samples = Samples::U16(vec![value; (grid.width * grid.height) as usize]);
            let pixels = Pixels::new(grid.width, grid.height, MemoryOrder::RowMajor, samples);
            let plane = tile.plane.at_level(level);
            TileRead {
                tile: TileId { plane, ..tile },
                pixels: Arc::new(pixels.expect("fits")),
            }
        };
        let mut tiles = vec![filled(tile.plane.level)];
        if matches!(self.scripts.get(&z), Some(Script::WithLevel0(_))) {
            tiles.push(filled(0));
        }
        Ok(ReadOutcome::Pixels {
            tiles,
            state: PlaneState::Written,
        })
    }

    fn try_read_tile(
        &self,
        dataset: &Dataset,
        tile: TileId,
        absence: Absence,
    ) -> Result<Option<ReadOutcome>, ReadError> {
        let without_room = self.without_room.lock();
        if matches!(tile.plane.z, ZPick::Slice(z) if without_room.contains(&z)) {
            self.num_without_room.fetch_add(1, Ordering::SeqCst);
            return Ok(None);
        }
        drop(without_room);
        self.read_tile(dataset, tile, absence).map(Some)
    }

    fn rest(&self) {
        self.num_rests.fetch_add(1, Ordering::SeqCst);
    }
}

struct Bench {
    loader: Loader,
    source: Arc<Scripted>,
    cache: Arc<Cache>,
    num_wakes: Arc<AtomicUsize>,
}

fn bench(num_readers: usize, scripts: impl IntoIterator<Item = (u32, Script)>) -> Bench {
    let source = Arc::new(Scripted {
        scripts: scripts.into_iter().collect(),
        ..Scripted::default()
    });
    let cache = Arc::new(Cache::new(64 << 20));
    let num_wakes = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&num_wakes);
    let wake = move || {
        counted.fetch_add(1, Ordering::SeqCst);
    };
    let options = LoaderOptions {
        num_readers,
        wake: Arc::new(wake),
    };
    let loader = Loader::new(
        Arc::clone(&source) as Arc<dyn ReadTiles>,
        Arc::clone(&cache),
        options,
    );
    Bench {
        loader,
        source,
        cache,
        num_wakes,
    }
}

fn tile(z: ZPick) -> TileId {
    TileId::whole(PlaneId {
        fov: FovId(0),
        layer: 0,
        t: 0,
        c: 0,
        z,
        extra: 0,
        level: 0,
    })
}

fn slice(z: u32) -> TileId {
    tile(ZPick::Slice(z))
}

/// Wishes for tiles of one tier.
fn visible(dataset: &Dataset, tiles: &[TileId], tier: Tier) -> Visible {
    Visible {
        dataset: dataset.id,
        canvas: CanvasSize {
            width_px: 64,
            height_px: 48,
        },
        looks: Vec::new(),
        placed: vec![PlacedTile {
            rect: RectPx::default(),
            tiles: tiles.to_vec(),
        }],
        labels: Vec::new(),
        wishes: tiles.iter().map(|&tile| Wish { tile, tier }).collect(),
        unopened: Vec::new(),
        likely: Vec::new(),
        unopened_labels: Vec::new(),
        outside: false,
        mark_clipped: false,
    }
}

impl Bench {
    fn want(&self, dataset: &Arc<Dataset>, tiles: &[TileId], tier: Tier) {
        self.loader
            .want(dataset, &Ledger::default(), &visible(dataset, tiles, tier));
    }

    fn next(&self) -> Loaded {
        self.loader.wait(SOON).expect("news")
    }

    /// The next tile, statistics passed over.
    fn next_tile(&self) -> (TileId, PlaneState, Option<u16>) {
        loop {
            if let Loaded::Tile {
                tile,
                state,
                pixels,
                ..
            } = self.next()
            {
                let value = pixels
                    .and_then(|pixels| pixels.value(0, 0))
                    .map(|value| value.as_f64() as u16);
                return (tile, state, value);
            }
        }
    }

    fn reads(&self) -> Vec<TileId> {
        self.source.reads.lock().clone()
    }
}

fn held() -> (Script, Receiver<()>, Sender<()>) {
    let (begun_sender, begun) = bounded(1);
    let (let_go, let_go_receiver) = bounded(1);
    (Script::Held(begun_sender, let_go_receiver), begun, let_go)
}

#[test]
fn a_wish_becomes_a_cached_tile_and_its_statistics() {
    let (bench, dataset) = (bench(1, []), Arc::new(dataset(Sizes::default())));
    bench.want(&dataset, &[slice(3)], Tier::Visible);
    assert_eq!(bench.next_tile(), (slice(3), PlaneState::Written, Some(3)));
    let Loaded::Statistics {
        plane, histogram, ..
    } = bench.next()
    else {
        panic!("statistics follow the picture")
    };
    assert_eq!((plane, histogram.max), (slice(3).plane, 3.0));
    assert_eq!(
        bench.source.num_reads.load(Ordering::Relaxed),
        1,
        "statistics use the cached tile"
    );
}

#[test]
fn whoever_waits_until_all_is_read_is_not_held_up_by_a_disk_that_does_not_answer() {
    let (script, begun, let_go) = held();
    let (bench, dataset) = (bench(1, [(0, script)]), Arc::new(dataset(Sizes::default())));
    bench.loader.wait_until_idle(SOON);
    bench.want(&dataset, &[slice(1)], Tier::Visible);
    bench.loader.wait_until_idle(SOON);
    assert_eq!(bench.loader.workload(), Workload::default());
    assert_eq!(bench.reads(), [slice(1)]);
    bench.want(&dataset, &[slice(0)], Tier::Visible);
    begun.recv_timeout(SOON).expect("the read begins");
    bench.loader.wait_until_idle(Duration::from_millis(1));
    assert_eq!(bench.loader.workload().num_in_flight, 1);
    let_go.send(()).expect("held");
}

#[test]
fn a_visible_tile_that_is_cached_is_handed_over_with_its_pixels() {
    let bench = bench(1, []);
    let dataset = Arc::new(dataset(Sizes::default()));
    bench.want(&dataset, &[slice(1)], Tier::Prefetch);
    assert_eq!(bench.next_tile().2, Some(1));
    bench.want(&dataset, &[slice(1)], Tier::Visible);
    assert_eq!(bench.next_tile(), (slice(1), PlaneState::Written, Some(1)));
    assert_eq!(bench.reads().len(), 1);
}

#[test]
fn a_wish_that_is_gone_is_never_read() {
    let (script, begun, let_go) = held();
    let (bench, dataset) = (bench(1, [(0, script)]), Arc::new(dataset(Sizes::default())));
    bench.want(&dataset, &[slice(0), slice(1)], Tier::Prefetch);
    begun.recv_timeout(SOON).expect("the first read begins");
    bench.want(&dataset, &[slice(2)], Tier::Prefetch);
    let_go.send(()).expect("held");
    let found = [bench.next_tile().0, bench.next_tile().0];
    assert_eq!(found, [slice(0), slice(2)]);
    assert_eq!(bench.reads(), [slice(0), slice(2)]);
}

#[test]
fn nothing_is_read_twice_at_the_same_time() {
    let (script, begun, let_go) = held();
    let (bench, dataset) = (bench(2, [(0, script)]), Arc::new(dataset(Sizes::default())));
    bench.want(&dataset, &[slice(0)], Tier::Visible);
    begun.recv_timeout(SOON).expect("the read begins");
    for _ in 0..5 {
        bench.want(&dataset, &[slice(0)], Tier::Visible);
    }
    bench.want(&dataset, &[slice(0), slice(1)], Tier::Visible);
    assert_eq!(bench.next_tile().0, slice(1), "the other reader goes on");
    let_go.send(()).expect("held");
    assert_eq!(bench.next_tile().0, slice(0));
    assert_eq!(
        bench
            .reads()
            .iter()
            .filter(|&&tile| tile == slice(0))
            .count(),
        1
    );
}

#[test]
fn a_read_that_ends_after_another_dataset_was_opened_is_dropped() {
    let (script, begun, let_go) = held();
    let bench = bench(1, [(0, script)]);
    let (a, b) = (
        Arc::new(dataset(Sizes::default())),
        Arc::new(dataset(Sizes::default())),
    );
    bench.want(&a, &[slice(0)], Tier::Visible);
    begun.recv_timeout(SOON).expect("the read of A begins");
    bench.want(&b, &[slice(1)], Tier::Visible);
    let_go.send(()).expect("held");
    let Loaded::Tile { dataset, tile, .. } = bench.next() else {
        panic!("a tile")
    };
    assert_eq!((dataset, tile), (b.id, slice(1)));
    let key = |dataset: &Dataset, tile| CacheKey {
        dataset: dataset.id,
        tile,
        revision: 0,
    };
    assert!(
        !bench.cache.contains(&key(&a, slice(0))),
        "nothing of A is kept"
    );
    assert!(bench.cache.contains(&key(&b, slice(1))));
}

#[test]
fn a_late_read_of_an_older_revision_is_not_taken_for_the_new_one() {
    let (script, begun, let_go) = held();
    let (bench, dataset) = (bench(2, [(0, script)]), Arc::new(dataset(Sizes::default())));
    let mut ledger = Ledger::default();
    bench.loader.want(
        &dataset,
        &ledger,
        &visible(&dataset, &[slice(0)], Tier::Prefetch),
    );
    begun.recv_timeout(SOON).expect("the read begins");
    ledger.announce(PageSize::of(&dataset.template), slice(0).plane, 1);
    let_go.send(()).expect("held");
    let Loaded::Tile { revision, .. } = bench.next() else {
        panic!("a tile")
    };
    assert_eq!((revision, ledger.revision(slice(0).plane)), (0, 1));
    assert!(!bench.cache.contains(&CacheKey {
        dataset: dataset.id,
        tile: slice(0),
        revision: 1
    }));
}

#[test]
fn a_failed_or_panicking_read_is_a_failed_plane_and_is_not_read_again() {
    for script in [Script::Fails, Script::Panics] {
        let (bench, dataset) = (bench(1, [(0, script)]), Arc::new(dataset(Sizes::default())));
        for _ in 0..3 {
            bench.want(&dataset, &[slice(0)], Tier::Prefetch);
            let (_, state, value) = bench.next_tile();
            assert!(matches!(state, PlaneState::Failed(_)), "{state:?}");
            assert_eq!(value, None);
        }
        assert_eq!(bench.reads().len(), 1);
        bench.loader.retry();
        bench.want(&dataset, &[slice(0)], Tier::Prefetch);
        bench.next_tile();
        assert_eq!(bench.reads().len(), 2);
    }
}

#[test]
fn what_absence_means_follows_from_what_was_announced() {
    let mut ledger = Ledger::default();
    let announced = crate::dataset::Announcement::registered(
        crate::dataset::AnnouncedSizes {
            channels: vec!["GFP".into()],
            num_z: 5,
            height: 48,
            width: 64,
        },
        vec!["A1:0".into()],
    );
    let mut described = dataset(Sizes::default());
    let size = PageSize::of(&described.template);
    ledger.announce(size, slice(1).plane, 1);
    ledger.count_as_zero(size, slice(2).plane);
    let check = |described: &Dataset, expected: [Absence; 3]| {
        let bench = bench(1, []);
        let tiles = [0, 1, 2].map(slice);
        let wished = visible(described, &tiles, Tier::Prefetch);
        bench
            .loader
            .want(&Arc::new(described.clone()), &ledger, &wished);
        (0..3).for_each(|_| {
            bench.next_tile();
        });
        assert_eq!(*bench.source.absences.lock(), expected);
    };
    let (as_stored, zero) = (Absence::AsStored, Absence::Zero);
    check(&described, [as_stored, as_stored, zero]);
    described.announcement = Some(Arc::new(announced.expect("sound")));
    check(&described, [Absence::Unannounced, as_stored, zero]);
}

#[test]
fn a_notice_of_a_wished_plane_is_read_before_anybody_wishes_again() {
    let (bench, dataset) = (bench(1, []), Arc::new(dataset(Sizes::default())));
    bench.want(&dataset, &[slice(0)], Tier::Visible);
    bench.next_tile();
    assert!(bench.loader.anticipate(dataset.id, slice(0).plane));
    bench.next_tile();
    let mut ledger = Ledger::default();
    ledger.announce(PageSize::of(&dataset.template), slice(0).plane, 1);
    let wished = visible(&dataset, &[slice(0)], Tier::Visible);
    bench.loader.want(&dataset, &ledger, &wished);
    bench.next_tile();
    assert_eq!(
        bench.reads().len(),
        2,
        "the wish is answered from the cache"
    );
    assert!(!bench.loader.anticipate(dataset.id, slice(1).plane));
}

#[test]
fn the_interface_is_woken_where_its_wish_drops_a_read_for_a_notice_that_it_has_not_taken() {
    let (script, begun, let_go) = held();
    let (bench, dataset) = (bench(1, [(1, script)]), Arc::new(dataset(Sizes::default())));
    bench.want(&dataset, &[slice(0)], Tier::Visible);
    bench.next_tile();
    bench.want(&dataset, &[slice(1), slice(0)], Tier::Visible);
    begun.recv_timeout(SOON).expect("the only reader is busy");
    let before = bench.num_wakes.load(Ordering::SeqCst);
    assert!(bench.loader.anticipate(dataset.id, slice(0).plane));
    // A frame that took its news just before the notice.
    bench.want(&dataset, &[slice(1), slice(0)], Tier::Visible);
    assert_eq!(bench.num_wakes.load(Ordering::SeqCst), before + 1);
    bench.want(&dataset, &[slice(1), slice(0)], Tier::Visible);
    assert_eq!(bench.num_wakes.load(Ordering::SeqCst), before + 1);
    let_go.send(()).expect("held");
}

#[test]
fn a_newer_name_never_has_older_samples() {
    let (script, begun, let_go) = held();
    let (bench, dataset) = (bench(2, [(0, script)]), Arc::new(dataset(Sizes::default())));
    bench.want(&dataset, &[slice(0)], Tier::Visible);
    begun.recv_timeout(SOON).expect("revision 0 is being read");
    assert!(bench.loader.anticipate(dataset.id, slice(0).plane));
    let is_early = begun.recv_timeout(Duration::from_millis(50)).is_ok();
    assert!(!is_early, "revision 1 waits for its end");
    let_go.send(()).expect("held");
    assert_eq!(bench.next_tile().0, slice(0));
    begun.recv_timeout(SOON).expect("revision 1 is being read");
    // Wished just before the notice, when the cache had let go of it.
    bench.cache.forget(dataset.id);
    bench.want(&dataset, &[slice(0)], Tier::Visible);
    let is_late = begun.recv_timeout(Duration::from_millis(50)).is_ok();
    assert!(!is_late, "revision 0 is not read any more");
    let_go.send(()).expect("held");
    assert_eq!(bench.next_tile().0, slice(0));
    // Where the notice was for nothing, what is wished is read all the same.
    bench.want(&dataset, &[slice(0)], Tier::Visible);
    begun.recv_timeout(SOON).expect("revision 0 is being read");
    let_go.send(()).expect("held");
}

#[test]
fn a_finer_level_waits_for_the_coarser_one_that_is_made_of_it() {
    let (script, begun, let_go) = held();
    let (bench, dataset) = (bench(2, [(0, script)]), Arc::new(dataset(Sizes::default())));
    let coarse = TileId {
        plane: slice(0).plane.at_level(1),
        ..slice(0)
    };
    let wished = [coarse, slice(0), slice(1)];
    bench.want(&dataset, &wished, Tier::Visible);
    begun.recv_timeout(SOON).expect("the coarse read begins");
    assert_eq!(bench.next_tile().0, slice(1), "the other reader goes on");
    let mut reads = bench.reads();
    reads.sort_by_key(|tile| *tile != coarse);
    assert_eq!(reads, [coarse, slice(1)]);
    // It comes with the coarser one.
    let key = CacheKey {
        dataset: dataset.id,
        tile: slice(0),
        revision: 0,
    };
    let samples = Samples::U16(vec![9]);
    let pixels = Pixels::new(1, 1, MemoryOrder::RowMajor, samples).expect("fits");
    bench.cache.insert(key, Arc::new(pixels));
    let_go.send(()).expect("held");
    // Two readers tell of them: either message may be first.
    let mut found = [bench.next_tile(), bench.next_tile()];
    found.sort_by_key(|(tile, ..)| tile.plane.level);
    let (finer, coarser) = (&found[0], &found[1]);
    assert_eq!(finer, &(slice(0), PlaneState::Written, Some(9)), "cached");
    assert_eq!(coarser.0, coarse);
    assert_eq!(bench.reads(), [coarse, slice(1)]);
}

#[test]
fn of_planes_that_are_read_ahead_the_statistics_stay_in_place_of_their_samples() {
    let bench = bench(1, (0..2).map(|z| (z, Script::WithLevel0(z as u16))));
    let dataset = Arc::new(dataset(Sizes::default()));
    let [shown, ahead] = [0, 1].map(|z| TileId {
        plane: slice(z).plane.at_level(1),
        ..slice(z)
    });
    let mut wished = visible(&dataset, &[shown], Tier::Visible);
    let tier = Tier::Prefetch;
    wished.wishes.push(Wish { tile: ahead, tier });
    bench.loader.want(&dataset, &Ledger::default(), &wished);
    // Two tiles, and the statistics of the first.
    (0..3).for_each(|_| drop(bench.next()));
    let is_cached = |tile| {
        let (dataset, revision) = (dataset.id, 0);
        bench.cache.contains(&CacheKey {
            dataset,
            tile,
            revision,
        })
    };
    assert_eq!(
        [shown, slice(0), ahead, slice(1)].map(is_cached),
        [true, true, true, false]
    );
    // Who goes on has both at once.
    bench.want(&dataset, &[ahead], Tier::Visible);
    let news = bench.loader.drain();
    let told = news.iter().map(|news| match news {
        Loaded::Tile { tile, .. } => (*tile, 1.0),
        Loaded::Statistics {
            plane, histogram, ..
        } => (TileId::whole(*plane), histogram.max),
        other => panic!("{other:?}"),
    });
    assert_eq!(told.collect::<Vec<_>>(), [(ahead, 1.0), (slice(1), 1.0)]);
    assert_eq!(bench.reads(), [shown, ahead]);
}

#[test]
fn statistics_of_planes_of_many_values_make_room_for_each_other() {
    let dataset = DatasetId::unique();
    let shared = Shared::new(1);
    let samples: Vec<u16> = (0..=u16::MAX).collect();
    let pixels = Pixels::new(256, 256, MemoryOrder::RowMajor, Samples::U16(samples));
    let histogram = Histogram::of(&pixels.expect("fits")).expect("samples");
    assert!(histogram.num_bytes() > 1 << 20);
    let histogram = Arc::new(histogram);
    // One of them again and again, which counts once.
    for z in (0..300).chain([299; 300]) {
        let plane = slice(z).plane;
        shared.remember_histogram(dataset, plane, 0, Arc::clone(&histogram));
    }
    let num_held = || Arc::strong_count(&histogram) - 1;
    assert!((60..64).contains(&num_held()), "{}", num_held());
    // Those of a dataset go when another one is shown.
    let (next, cache) = (Arc::new(self::dataset(Sizes::default())), Cache::new(1));
    let wished = visible(&next, &[], Tier::Visible);
    shared.replace(&next, &Ledger::default(), &wished, &cache);
    assert_eq!(num_held(), 0);
}

#[test]
fn of_a_plane_that_is_not_there_no_statistics_are_looked_for_again() {
    let (bench, dataset) = (
        bench(1, [(0, Script::Absent)]),
        Arc::new(dataset(Sizes::default())),
    );
    bench.want(&dataset, &[slice(0)], Tier::Visible);
    assert_eq!(bench.next_tile().1, PlaneState::Planned);
    assert!(matches!(bench.next(), Loaded::Statistics { .. }));
    let num_reads = bench.reads().len();
    bench.want(&dataset, &[slice(0), slice(1)], Tier::Visible);
    assert_eq!(bench.next_tile().0, slice(0));
    assert_eq!(bench.next_tile().0, slice(1));
    let Loaded::Statistics { plane, .. } = bench.next() else {
        panic!("statistics follow the picture")
    };
    assert_eq!(plane, slice(1).plane);
    assert_eq!(bench.reads().len(), num_reads + 1);
}

/// Five slices, of which a stored level below has two: its second one stands for the slices from 3 on.
fn shorter_along_z() -> (Arc<Dataset>, TileId) {
    let image = with_levels(image(Sizes::default()), &[(2, 24, 32)]);
    let image = Arc::new(image);
    let slots = vec![ImageSlot::Opened(Arc::clone(&image))];
    let coarse = TileId {
        plane: slice(1).plane.at_level(1),
        ..slice(1)
    };
    (Arc::new(dataset_of(image, slots)), coarse)
}

#[test]
fn statistics_wait_for_a_level_that_is_shorter_along_z() {
    let (script, begun, let_go) = held();
    let bench = bench(2, [(1, script)]);
    let (dataset, coarse) = shorter_along_z();
    bench.want(&dataset, &[coarse], Tier::Visible);
    begun.recv_timeout(SOON).expect("the coarse read begins");
    // Two readers that begin together have no order.
    bench.want(&dataset, &[coarse, slice(0)], Tier::Visible);
    assert_eq!(bench.next_tile().0, slice(0));
    let of = |news| match news {
        Loaded::Statistics { plane, .. } => plane,
        _ => panic!("statistics follow the picture"),
    };
    assert_eq!(of(bench.next()), slice(0).plane, "those of 3 have to wait");
    assert_eq!(bench.reads(), [coarse, slice(0)]);
    let_go.send(()).expect("held");
    // The other reader may be done with the statistics before this one has told of the tile.
    let (tiles, statistics): (Vec<_>, Vec<_>) = [bench.next(), bench.next()]
        .into_iter()
        .partition(|news| matches!(news, Loaded::Tile { .. }));
    assert!(matches!(tiles[..], [Loaded::Tile { tile, .. }] if tile == coarse));
    assert_eq!(
        statistics.into_iter().map(of).collect::<Vec<_>>(),
        [slice(3).plane]
    );
}

#[test]
fn notices_and_absence_of_a_level_that_is_shorter_along_z_are_those_of_its_slices() {
    let bench = bench(1, [(1, Script::Absent)]);
    let (dataset, coarse) = shorter_along_z();
    bench.want(&dataset, &[coarse], Tier::Visible);
    assert_eq!(bench.next_tile().1, PlaneState::Planned);
    assert!(matches!(bench.next(), Loaded::Statistics { .. }));
    bench.want(&dataset, &[coarse, slice(0)], Tier::Visible);
    assert_eq!(bench.next_tile().0, coarse);
    assert_eq!(bench.next_tile().0, slice(0));
    let Loaded::Statistics { plane, .. } = bench.next() else {
        panic!("statistics follow the picture")
    };
    assert_eq!(
        plane,
        slice(0).plane,
        "of what is not there none are looked for"
    );
    assert!(!bench.loader.anticipate(dataset.id, slice(1).plane));
    assert!(bench.loader.anticipate(dataset.id, slice(3).plane));
}

#[test]
fn a_projection_takes_the_largest_sample_of_all_slices_that_are_there() {
    let scripts = [(1, Script::Value(900)), (3, Script::Absent)];
    let (bench, dataset) = (bench(1, scripts), Arc::new(dataset(Sizes::default())));
    bench.want(&dataset, &[tile(ZPick::Max)], Tier::Visible);
    let (_, state, value) = bench.next_tile();
    assert_eq!(
        (state, value),
        (
            PlaneState::Partial {
                present: 4,
                total: 5
            },
            Some(900)
        )
    );
}

#[test]
fn a_reader_without_work_rests_once_and_reads_on() {
    let (bench, dataset) = (bench(1, []), Arc::new(dataset(Sizes::default())));
    let num_rests = || bench.source.num_rests.load(Ordering::SeqCst);
    for z in 1..3 {
        bench.want(&dataset, &[slice(z)], Tier::Visible);
        assert_eq!(bench.next_tile().0, slice(z));
        let begun = Instant::now();
        while num_rests() < z as usize {
            assert!(begun.elapsed() < SOON, "a rest after slice {z}");
            thread::sleep(Duration::from_millis(5));
        }
    }
    thread::sleep(2 * REST_AFTER);
    assert_eq!(num_rests(), 2);
}

#[test]
fn a_projection_that_nobody_wishes_any_more_stops_between_slices() {
    let (script, begun, let_go) = held();
    let bench = bench(1, [(1, script)]);
    let (a, b) = (
        Arc::new(dataset(Sizes::default())),
        Arc::new(dataset(Sizes::default())),
    );
    bench.want(&a, &[tile(ZPick::Max)], Tier::Visible);
    begun.recv_timeout(SOON).expect("the second slice is read");
    bench.want(&b, &[slice(0)], Tier::Visible);
    let_go.send(()).expect("held");
    assert_eq!(bench.next_tile().0, slice(0));
    assert_eq!(bench.reads(), [slice(0), slice(1), slice(0)]);
}

#[test]
fn stores_are_opened_before_tiles_are_read() {
    let (bench, mut described) = (bench(1, []), dataset(Sizes::default()));
    described.images[2] = crate::dataset::ImageSlot::Unopened;
    let dataset = Arc::new(described);
    let mut wished = visible(&dataset, &[slice(0)], Tier::Prefetch);
    wished.unopened = vec![FovId(2), FovId(0)];
    bench.loader.want(&dataset, &Ledger::default(), &wished);
    let Loaded::Fov { fov, outcome, .. } = bench.next() else {
        panic!("the store comes first")
    };
    assert_eq!((fov, outcome.expect("opened").images.len()), (FovId(2), 1));
    assert_eq!(bench.next_tile().0, slice(0));
}

/// The tile and statistics of a FOV that is yet to be opened, as its template has it, are read without a further wish
/// where the FOV is like the template.
#[test]
fn the_picture_of_a_fov_is_read_when_its_store_is_open() {
    let other = Sizes {
        height: 40,
        ..Sizes::default()
    };
    for (template, is_read) in [(Sizes::default(), true), (other, false)] {
        let (bench, mut described) = (bench(1, []), dataset(Sizes::default()));
        described.images[2] = ImageSlot::Unopened;
        described.template = Arc::new(image(template));
        let dataset = Arc::new(described);
        let mut likely = slice(4);
        likely.plane.fov = FovId(2);
        let wished = Visible {
            placed: Vec::new(),
            unopened: vec![FovId(2)],
            likely: vec![likely],
            ..visible(&dataset, &[], Tier::Visible)
        };
        bench.loader.want(&dataset, &Ledger::default(), &wished);
        assert!(matches!(bench.next(), Loaded::Fov { .. }));
        if is_read {
            assert_eq!(bench.next_tile().0, likely);
            assert!(matches!(bench.next(), Loaded::Statistics { .. }));
        }
        bench.loader.wait_until_idle(SOON);
        assert_eq!(bench.reads().len(), usize::from(is_read));
    }
}

#[test]
fn dropping_the_loader_does_not_wait_for_a_stuck_reader() {
    let (script, begun, let_go) = held();
    let (bench, dataset) = (bench(1, [(0, script)]), Arc::new(dataset(Sizes::default())));
    bench.want(&dataset, &[slice(0)], Tier::Visible);
    begun.recv_timeout(SOON).expect("the read begins");
    let started = Instant::now();
    drop(bench.loader);
    assert!(started.elapsed() < SOON / 2);
    let_go.send(()).expect("the reader is still there");
}

#[test]
fn a_disk_that_never_answers_keeps_few_readers_and_leaves_the_rest_to_others() {
    let (begun_sender, begun) = bounded(64);
    let (let_go, held) = bounded(64);
    let scripts = (0..20).map(|z| (z, Script::Held(begun_sender.clone(), held.clone())));
    let bench = bench(limits::STUCK_READS, scripts);
    let sizes = Sizes {
        z: 200,
        ..Sizes::default()
    };
    let (dead, other) = (Arc::new(dataset(sizes)), Arc::new(dataset(sizes)));
    let tiles: Vec<TileId> = (0..20).map(slice).collect();
    bench.want(&dead, &tiles, Tier::Visible);
    for _ in 0..limits::STUCK_READS {
        begun.recv_timeout(SOON).expect("each reader begins");
    }
    thread::sleep(STUCK_AFTER + Duration::from_millis(100));
    // Others take over, and begin nothing more on that disk.
    bench.want(&dead, &tiles, Tier::Visible);
    assert!(begun.recv_timeout(Duration::from_millis(200)).is_err());
    assert_eq!(bench.reads().len(), limits::STUCK_READS);
    let workload = bench.loader.workload();
    let stuck = (workload.num_in_flight, workload.num_stuck);
    assert_eq!(stuck, (limits::STUCK_READS, limits::STUCK_READS));
    assert!(workload.num_queued >= tiles.len() - limits::STUCK_READS);
    bench.want(&other, &[slice(30)], Tier::Visible);
    assert_eq!(bench.next_tile().0, slice(30));
    // It answers again: what is still wished for is read.
    bench.want(&dead, &tiles, Tier::Visible);
    for _ in 0..tiles.len() {
        let_go.send(()).expect("held");
    }
    let mut found: Vec<TileId> = (0..tiles.len()).map(|_| bench.next_tile().0).collect();
    found.sort_by_key(|tile| tiles.iter().position(|other| other == tile));
    assert_eq!(found, tiles);
    assert!(bench.loader.shared.num_readers() <= limits::READERS);
}

#[test]
fn a_read_that_works_for_long_is_no_disk_that_does_not_answer() {
    let (Script::Held(begun_sender, held), begun, let_go) = held() else {
        panic!("a held script")
    };
    let script = Script::Works(begun_sender, held);
    let (bench, dataset) = (bench(1, [(0, script)]), Arc::new(dataset(Sizes::default())));
    bench.want(&dataset, &[slice(0), slice(1)], Tier::Visible);
    begun.recv_timeout(SOON).expect("the read begins");
    thread::sleep(STUCK_AFTER + Duration::from_millis(100));
    bench.want(&dataset, &[slice(0), slice(1)], Tier::Visible);
    // Nobody takes over.
    assert_eq!(bench.loader.workload().num_stuck, 0);
    assert_eq!(bench.loader.shared.num_readers(), 1);
    assert_eq!(bench.reads(), [slice(0)]);
    let_go.send(()).expect("the reader is still there");
    assert_eq!(bench.next_tile().0, slice(0));
    assert_eq!(bench.next_tile().0, slice(1));
}

#[test]
fn a_read_without_room_to_decode_in_lets_others_go_first() {
    let (script, begun, let_go) = held();
    let (bench, dataset) = (bench(2, [(0, script)]), Arc::new(dataset(Sizes::default())));
    bench.source.without_room.lock().insert(1);
    let wishes = [slice(0), slice(1), slice(2)];
    bench.want(&dataset, &wishes, Tier::Visible);
    begun.recv_timeout(SOON).expect("the read begins");
    assert_eq!(bench.next_tile().0, slice(2));
    assert_eq!(bench.reads().len(), 2);
    // Where nobody else is at work, it waits for its room instead of being put back.
    let_go.send(()).expect("the reader is still there");
    let mut found = [bench.next_tile().0, bench.next_tile().0];
    found.sort_by_key(|tile| wishes.iter().position(|other| other == tile));
    assert_eq!(found, [slice(0), slice(1)]);
    // A projection that cannot begin is put back as well.
    let highest = TileId::whole(PlaneId {
        z: ZPick::Max,
        ..slice(0).plane
    });
    bench.want(&dataset, &[highest], Tier::Visible);
    assert_eq!(bench.next_tile().0, highest);
}

#[test]
fn reads_that_found_no_room_are_made_one_by_one_in_the_order_of_their_wishes() {
    let (script, begun, let_go) = held();
    let (bench, dataset) = (bench(4, [(0, script)]), Arc::new(dataset(Sizes::default())));
    bench.source.without_room.lock().extend(1..5);
    let wishes: Vec<TileId> = (0..5).map(slice).collect();
    bench.want(&dataset, &wishes, Tier::Visible);
    begun.recv_timeout(SOON).expect("the first read begins");
    // Meanwhile the others find no room for any of them, nor for their statistics.
    let deadline = Instant::now() + SOON;
    while bench.source.num_without_room.load(Ordering::SeqCst) < 8 {
        assert!(Instant::now() < deadline, "all are tried");
        thread::sleep(Duration::from_millis(1));
    }
    bench.source.without_room.lock().clear();
    let_go.send(()).expect("the reader is still there");
    bench.loader.wait_until_idle(SOON);
    assert_eq!(bench.reads(), wishes);
    assert_eq!(bench.source.num_without_room.load(Ordering::SeqCst), 8);
}

#[test]
fn the_reason_of_a_panic_is_that_of_its_plane() {
    let (bench, dataset) = (
        bench(1, [(0, Script::Panics)]),
        Arc::new(dataset(Sizes::default())),
    );
    bench.want(&dataset, &[slice(0), slice(1)], Tier::Visible);
    let (_, state, _) = bench.next_tile();
    let PlaneState::Failed(reason) = &state else {
        panic!("{state:?}")
    };
    assert!(
        reason.contains("internal error while decoding (scripted)"),
        "{reason}"
    );
    assert_eq!(bench.next_tile().0, slice(1), "the reader goes on");
}

#[test]
fn what_becomes_visible_is_read_before_any_prefetch_that_waits() {
    let (script, begun, let_go) = held();
    let described = dataset(Sizes {
        z: 200,
        ..Sizes::default()
    });
    let (bench, dataset) = (bench(1, [(0, script)]), Arc::new(described));
    let prefetch: Vec<TileId> = (0..100).map(slice).collect();
    bench.want(&dataset, &prefetch, Tier::Prefetch);
    begun.recv_timeout(SOON).expect("the first read begins");
    // However often the view moves meanwhile, and wherever in the list the visible tile stands.
    for z in 100..150 {
        let mut wished = visible(&dataset, &prefetch[1..], Tier::Prefetch);
        wished.wishes.push(Wish {
            tile: slice(z),
            tier: Tier::Visible,
        });
        bench.loader.want(&dataset, &Ledger::default(), &wished);
    }
    let_go.send(()).expect("held");
    while bench.reads().len() < 4 {
        bench.next();
    }
    let expected = [slice(0), slice(149), slice(1), slice(2)];
    assert_eq!(bench.reads()[..4], expected);
}

#[test]
fn no_more_is_read_ahead_than_half_of_the_cache_holds() {
    let sizes = Sizes {
        z: 40,
        ..Sizes::default()
    };
    let (bench, dataset) = (bench(1, []), Arc::new(dataset(sizes)));
    let plane_bytes = (sizes.width * sizes.height) as usize * 2;
    let cache = Arc::new(Cache::new(20 * plane_bytes));
    let options = LoaderOptions {
        num_readers: 1,
        wake: Arc::new(|| {}),
    };
    let source = Arc::clone(&bench.source) as Arc<dyn ReadTiles>;
    let loader = Loader::new(source, cache, options);
    let mut wished = visible(&dataset, &[slice(0)], Tier::Visible);
    let tier = Tier::Prefetch;
    wished.wishes.extend((1..40).map(|z| Wish {
        tile: slice(z),
        tier,
    }));
    loader.want(&dataset, &Ledger::default(), &wished);
    loader.wait_until_idle(SOON);
    assert_eq!(bench.reads(), (0..=10).map(slice).collect::<Vec<_>>());
}

#[test]
fn reading_ahead_leaves_a_reader_for_what_becomes_visible() {
    let (script, begun, let_go) = held();
    // Of two readers one may read ahead, on any machine.
    let (bench, dataset) = (bench(2, [(0, script)]), Arc::new(dataset(Sizes::default())));
    let ahead = [0, 1, 2].map(slice);
    bench.want(&dataset, &ahead, Tier::Prefetch);
    begun.recv_timeout(SOON).expect("the first read begins");
    let mut wished = visible(&dataset, &ahead, Tier::Prefetch);
    wished.wishes.push(Wish {
        tile: slice(4),
        tier: Tier::Visible,
    });
    bench.loader.want(&dataset, &Ledger::default(), &wished);
    assert_eq!(bench.next_tile(), (slice(4), PlaneState::Written, Some(4)));
    assert_eq!(bench.reads(), [slice(0), slice(4)]);
    let_go.send(()).expect("held");
}

/// Opens all FOVs of one array at once, slowly; counts how often, and how many at the same time.
struct OneArray {
    image: Arc<Image>,
    num_opened: AtomicUsize,
    num_now: AtomicUsize,
    most: AtomicUsize,
}

impl FovOpener for OneArray {
    fn open_fov(&self, dataset: &Dataset, _fov: FovId) -> Result<OpenedFov, OpenFovError> {
        self.num_opened.fetch_add(1, Ordering::SeqCst);
        let now = self.num_now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(50));
        self.num_now.fetch_sub(1, Ordering::SeqCst);
        let all = dataset.order.iter();
        Ok(OpenedFov {
            images: all.map(|&fov| (fov, Arc::clone(&self.image))).collect(),
            ..OpenedFov::default()
        })
    }
}

#[test]
fn an_array_of_several_fovs_is_opened_once_at_a_time() {
    let image = Arc::new(image(Sizes::default()));
    let opener = Arc::new(OneArray {
        image: Arc::clone(&image),
        num_opened: AtomicUsize::new(0),
        num_now: AtomicUsize::new(0),
        most: AtomicUsize::new(0),
    });
    let mut dataset = dataset_of(image, vec![ImageSlot::Unopened; 3]);
    let rows = dataset.fovs.iter().cloned().map(|row| Fov {
        folder: "/nowhere/acquisition.zarr".into(),
        ..row
    });
    dataset.fovs = rows.collect();
    dataset.opener = Arc::clone(&opener) as Arc<dyn FovOpener>;
    let (bench, dataset) = (bench(4, []), Arc::new(dataset));
    let wish = |unopened: [u32; 3]| Visible {
        placed: Vec::new(),
        unopened: unopened.map(FovId).to_vec(),
        ..visible(&dataset, &[], Tier::Visible)
    };
    bench
        .loader
        .want(&dataset, &Ledger::default(), &wish([0, 1, 2]));
    // The person goes on while the store is being opened.
    thread::sleep(Duration::from_millis(10));
    bench
        .loader
        .want(&dataset, &Ledger::default(), &wish([1, 2, 0]));
    let Loaded::Fov { fov, outcome, .. } = bench.next() else {
        panic!("a store was wished")
    };
    assert_eq!((fov, outcome.unwrap().images.len()), (FovId(0), 3));
    let Loaded::Fov { fov, .. } = bench.next() else {
        panic!("the second wish was its own")
    };
    assert_eq!(fov, FovId(1));
    assert_eq!(opener.most.load(Ordering::SeqCst), 1);
    assert_eq!(opener.num_opened.load(Ordering::SeqCst), 2);
}
