//! Indices of shards are read once, and anew as soon as their file is another one.

use std::{
    fs::File,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::SystemTime,
};

use super::*;
use crate::store::shard_index::NUM_READ;

/// Longer than the steps of a file system's clock.
const CLOCK_STEP: Duration = Duration::from_millis(20);
/// Bytes of the index of [`Series`]: six chunks and a checksum.
const INDEX_BYTES: usize = 6 * 16 + 4;

/// One shard of two channels of three slices.
struct Series {
    folder: tempfile::TempDir,
    recipe: Recipe,
    dataset: Dataset,
    store: Store,
    hour_ago: SystemTime,
    num_replaced: AtomicU64,
}

impl Series {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let recipe = Recipe {
            shape: vec![1, 2, 3, 20, 30],
            shard: Some(vec![1, 2, 3, 1, 1]),
            ..squid_recipe()
        };
        recipe.write(folder.path());
        let series = Self {
            dataset: recipe.dataset(folder.path()),
            store: Store::new(),
            hour_ago: SystemTime::now() - Duration::from_hours(1),
            num_replaced: AtomicU64::new(0),
            folder,
            recipe,
        };
        series.settle(&series.path(), 0);
        series
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("c/0/0/0/0/0")
    }

    /// As if nobody had written to it for an hour, but for some seconds.
    fn settle(&self, path: &Path, secs: u64) {
        let file = File::options().write(true).open(path).expect("written");
        let time = self.hour_ago + Duration::from_secs(secs);
        file.set_modified(time).expect("touched");
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).expect("written")
    }

    /// The same shard with the first slices of both channels in each other's place; as long as before.
    fn swapped(&self) -> Vec<u8> {
        let mut bytes = self.bytes();
        let start = bytes.len() - INDEX_BYTES;
        let (entries, sum) = bytes[start..].split_at_mut(INDEX_BYTES - 4);
        let (first, second) = entries.split_at_mut(3 * 16);
        first[..16].swap_with_slice(&mut second[..16]);
        sum.copy_from_slice(&crc32c::crc32c(entries).to_le_bytes());
        bytes
    }

    /// Puts another file in its place, of the same time where a file is told by more than that.
    fn replace(&self, bytes: &[u8]) {
        thread::sleep(CLOCK_STEP);
        let secs = self.num_replaced.fetch_add(1, Ordering::Relaxed) + 1;
        let secs = if cfg!(unix) { 0 } else { secs };
        let beside = self.folder.path().join("beside");
        fs::write(&beside, bytes).expect("writable");
        self.settle(&beside, secs);
        fs::rename(&beside, self.path()).expect("renamed");
    }

    fn read(&self, wanted: PlaneId) -> Result<crate::model::Value, ReadError> {
        let tile = TileId::whole(wanted);
        match self
            .store
            .read_tile(&self.dataset, tile, Absence::AsStored)?
        {
            ReadOutcome::Pixels { tiles, .. } => {
                Ok(tiles[0].pixels.value(7, 5).expect("a pixel of it"))
            }
            ReadOutcome::Absent(state) => panic!("{state:?}"),
        }
    }

    fn written(&self, wanted: PlaneId) -> crate::model::Value {
        self.recipe.expected(wanted, 7, 5).expect("a pixel of it")
    }

    /// Every plane is what was written.
    fn check(&self) {
        for (c, z) in (0..2).flat_map(|c| (0..3).map(move |z| (c, z))) {
            let wanted = plane(0, c, z);
            assert_eq!(self.read(wanted), Ok(self.written(wanted)), "{c} {z}");
        }
    }
}

/// The same shard with so many bytes before its chunks.
fn moved(shard: &[u8], by: u64) -> Vec<u8> {
    let mut bytes = vec![0; by as usize];
    bytes.extend(shard);
    let start = bytes.len() - INDEX_BYTES;
    let (entries, sum) = bytes[start..].split_at_mut(INDEX_BYTES - 4);
    for entry in entries.as_chunks_mut::<16>().0 {
        let offset = entry.first_chunk_mut::<8>().expect("8 of 16");
        *offset = (u64::from_le_bytes(*offset) + by).to_le_bytes();
    }
    sum.copy_from_slice(&crc32c::crc32c(entries).to_le_bytes());
    bytes
}

/// How often this thread read an index for that.
fn num_read(body: impl FnOnce()) -> u32 {
    let before = NUM_READ.get();
    body();
    NUM_READ.get() - before
}

#[test]
fn the_index_of_a_shard_is_read_once_for_all_of_its_planes() {
    let series = Series::new();
    assert_eq!(num_read(|| series.check()), 1);
    // For other threads and stores, too, and to see what is there.
    let other = thread::scope(|scope| {
        let other = scope.spawn(|| num_read(|| series.check()));
        other.join().expect("no panic")
    });
    assert_eq!(other, 0);
    let dataset = Dataset {
        acquisition: Some(Acquisition::default()),
        ..series.recipe.dataset(series.folder.path())
    };
    let presence = || {
        let state = Store::new().presence(&dataset, plane(0, 1, 2));
        assert_eq!(state, Ok(PlaneState::Written));
    };
    assert_eq!(num_read(presence), 0);
}

#[test]
fn that_of_a_shard_which_was_written_just_now_is_read_each_time() {
    let series = Series::new();
    let file = File::options().write(true).open(series.path());
    let touched = file.and_then(|file| file.set_modified(SystemTime::now()));
    touched.expect("touched");
    assert_eq!(num_read(|| series.check()), 6);
}

#[test]
fn a_shard_that_is_replaced_is_read_by_its_own_index_at_once() {
    let series = Series::new();
    let (first, second) = (plane(0, 0, 0), plane(0, 1, 0));
    let (original, swapped) = (series.bytes(), series.swapped());
    assert_eq!(original.len(), swapped.len());
    series.check();
    series.replace(&swapped);
    assert_eq!(series.read(first), Ok(series.written(second)));
    assert_eq!(series.read(second), Ok(series.written(first)));
    series.replace(&original);
    series.check();
    series.replace(&moved(&original, 100));
    series.check();
    fs::remove_file(series.path()).expect("there");
    // Absent chunks of a finished array are the fill value.
    assert_eq!(series.read(first), Ok(crate::model::Value::Unsigned(0)));
    series.replace(&original);
    series.check();
}

#[cfg(unix)]
#[test]
fn so_is_one_that_was_changed_in_its_place_and_given_its_time_back() {
    let series = Series::new();
    let swapped = series.swapped();
    series.check();
    thread::sleep(CLOCK_STEP);
    fs::write(series.path(), swapped).expect("writable");
    series.settle(&series.path(), 0);
    let found = series.read(plane(0, 0, 0));
    assert_eq!(found, Ok(series.written(plane(0, 1, 0))));
}

#[test]
fn a_corrupt_index_is_told_each_time_and_never_kept() {
    let series = Series::new();
    let original = series.bytes();
    let mut changed = original.clone();
    let start = changed.len() - INDEX_BYTES;
    changed[start] ^= 1;
    let cut = &original[original.len() - INDEX_BYTES + 1..];
    for (bytes, said) in [(&changed[..], "checksum"), (cut, "shorter")] {
        series.replace(bytes);
        let read_twice = || {
            for z in 0..2 {
                let error = series.read(plane(0, 0, z)).expect_err("corrupt");
                assert_eq!(error.code, Code::CorruptData);
                assert!(error.message.contains(said), "{error}");
            }
        };
        assert_eq!(num_read(read_twice), 2);
        series.replace(&original);
        assert_eq!(num_read(|| series.check()), 1);
    }
}

#[test]
fn ranges_of_a_kept_index_are_compared_with_the_file_each_time() {
    let series = Series::new();
    let mut bytes = series.bytes();
    let start = bytes.len() - INDEX_BYTES;
    bytes[start + 7] = 1;
    let sum = crc32c::crc32c(&bytes[start..start + INDEX_BYTES - 4]);
    bytes[start + INDEX_BYTES - 4..].copy_from_slice(&sum.to_le_bytes());
    series.replace(&bytes);
    let read_twice = || {
        for _ in 0..2 {
            let error = series.read(plane(0, 0, 0)).expect_err("outside");
            assert_eq!(error.code, Code::CorruptData);
            assert!(error.message.contains("in a shard of"), "{error}");
        }
    };
    assert_eq!(num_read(read_twice), 1);
}

#[test]
fn readers_never_mix_shards_that_are_renamed_over_each_other() {
    let series = Series::new();
    let (original, swapped) = (series.bytes(), series.swapped());
    let values = [0, 1].map(|c| series.written(plane(0, c, 0)));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|number| {
                let (series, is_over) = (&series, &is_over);
                scope.spawn(move || {
                    let mut num_reads = 0;
                    while !is_over.load(Ordering::Relaxed) {
                        let found = series.read(plane(0, number % 2, 0)).expect("readable");
                        assert!(values.contains(&found), "{found:?}");
                        let third = plane(0, number % 2, 1);
                        assert_eq!(series.read(third), Ok(series.written(third)));
                        num_reads += 1;
                    }
                    num_reads
                })
            })
            .collect();
        let replace = |number: usize| {
            let is_swapped = number.is_multiple_of(2);
            series.replace(if is_swapped { &swapped } else { &original });
            let found = series.read(plane(0, 0, 0));
            (found, Ok(values[usize::from(is_swapped)]))
        };
        let all: Vec<_> = (0..20).map(replace).collect();
        is_over.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().expect("no panic") > 0);
        }
        // Once the readers have ended: they would wait for that for ever.
        for (found, expected) in all {
            assert_eq!(found, expected);
        }
    });
}
