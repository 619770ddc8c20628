//! Tiles by (dataset, tile, revision), bounded in bytes, least recently used out first.
//!
//! One `parking_lot` lock protects the map and nothing else: no read, decode or drawing happens under it, and pixels
//! that leave are freed after it is released.

use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;

use crate::model::{DatasetId, Pixels, TileId};

/// What a tile is cached by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey {
    /// The dataset.
    pub dataset: DatasetId,
    /// The tile.
    pub tile: TileId,
    /// The revision of its plane when the read was asked for.
    pub revision: u64,
}

/// Tiles in memory. Shared by readers, `app` and `render`.
#[derive(Debug)]
pub struct Cache {
    max_bytes: usize,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    tiles: LruCache<CacheKey, Arc<Pixels>>,
    bytes: usize,
}

impl Cache {
    /// A cache of at most `max_bytes` of samples.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            held: Mutex::new(Held {
                tiles: LruCache::unbounded(),
                bytes: 0,
            }),
        }
    }

    /// The tile, marked as just used.
    #[must_use]
    pub fn get(&self, key: &CacheKey) -> Option<Arc<Pixels>> {
        self.held.lock().tiles.get(key).map(Arc::clone)
    }

    /// True where the tile is held; does not mark it as used.
    #[must_use]
    pub fn contains(&self, key: &CacheKey) -> bool {
        self.held.lock().tiles.contains(key)
    }

    /// Keeps a tile; others leave to make room. One that is larger than the bound is not kept.
    pub fn insert(&self, key: CacheKey, pixels: Arc<Pixels>) {
        let bytes = pixels.num_bytes();
        if bytes > self.max_bytes {
            return;
        }
        let mut leaving = Vec::new();
        let mut held = self.held.lock();
        held.bytes += bytes;
        leaving.extend(held.tiles.put(key, pixels));
        held.bytes -= leaving.iter().map(|old| old.num_bytes()).sum::<usize>();
        while held.bytes > self.max_bytes {
            let Some((_, oldest)) = held.tiles.pop_lru() else {
                break;
            };
            held.bytes -= oldest.num_bytes();
            leaving.push(oldest);
        }
        drop(held);
        drop(leaving);
    }

    /// Drops every tile of a dataset.
    pub fn forget(&self, dataset: DatasetId) {
        let mut held = self.held.lock();
        let keys: Vec<_> = held
            .tiles
            .iter()
            .map(|(key, _)| *key)
            .filter(|key| key.dataset == dataset)
            .collect();
        let leaving: Vec<_> = keys.iter().filter_map(|key| held.tiles.pop(key)).collect();
        held.bytes -= leaving.iter().map(|old| old.num_bytes()).sum::<usize>();
        drop(held);
        drop(leaving);
    }

    /// Bytes of samples held, and the bound.
    #[must_use]
    pub fn usage(&self) -> (usize, usize) {
        (self.held.lock().bytes, self.max_bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use proptest::prelude::*;

    use super::*;
    use crate::model::{FovId, MemoryOrder, PlaneId, Samples, ZPick};

    fn key(dataset: DatasetId, z: u32) -> CacheKey {
        let plane = PlaneId {
            fov: FovId(0),
            layer: 0,
            t: 0,
            c: 0,
            z: ZPick::Slice(z),
            extra: 0,
            level: 0,
        };
        CacheKey {
            dataset,
            tile: TileId::whole(plane),
            revision: 0,
        }
    }

    fn pixels(bytes: u32) -> Arc<Pixels> {
        let samples = Samples::U8(vec![0; bytes as usize]);
        Arc::new(Pixels::new(bytes, 1, MemoryOrder::RowMajor, samples).expect("fits"))
    }

    #[test]
    fn the_least_recently_used_tile_leaves_first() {
        let (cache, dataset) = (Cache::new(30), DatasetId::unique());
        for z in 0..3 {
            cache.insert(key(dataset, z), pixels(10));
        }
        assert!(cache.get(&key(dataset, 0)).is_some());
        cache.insert(key(dataset, 3), pixels(10));
        let held: Vec<_> = (0..4)
            .filter(|&z| cache.contains(&key(dataset, z)))
            .collect();
        assert_eq!(held, [0, 2, 3]);
    }

    #[test]
    fn a_tile_larger_than_the_bound_is_not_kept_and_nothing_leaves_for_it() {
        let (cache, dataset) = (Cache::new(30), DatasetId::unique());
        cache.insert(key(dataset, 0), pixels(10));
        cache.insert(key(dataset, 1), pixels(31));
        assert!(cache.contains(&key(dataset, 0)));
        assert!(!cache.contains(&key(dataset, 1)));
        assert_eq!(cache.usage(), (10, 30));
    }

    #[test]
    fn forgetting_a_dataset_leaves_the_others() {
        let (cache, a, b) = (Cache::new(100), DatasetId::unique(), DatasetId::unique());
        cache.insert(key(a, 0), pixels(10));
        cache.insert(key(b, 0), pixels(20));
        cache.forget(a);
        assert_eq!(cache.usage().0, 20);
        assert!(cache.contains(&key(b, 0)));
    }

    #[test]
    fn the_byte_count_is_exact_under_concurrent_use() {
        let cache = Cache::new(1000);
        let datasets = [DatasetId::unique(), DatasetId::unique()];
        thread::scope(|scope| {
            for worker in 0..4_u32 {
                let cache = &cache;
                let dataset = datasets[worker as usize % 2];
                scope.spawn(move || {
                    for step in 0..2000 {
                        cache.insert(
                            key(dataset, step % 50),
                            pixels(1 + (step * 7 + worker) % 90),
                        );
                        if step % 97 == 0 {
                            cache.forget(dataset);
                        }
                    }
                });
            }
        });
        let held = cache.held.lock();
        assert_eq!(
            held.bytes,
            held.tiles
                .iter()
                .map(|(_, pixels)| pixels.num_bytes())
                .sum::<usize>()
        );
        assert!(held.bytes <= 1000);
    }

    proptest! {
        #[test]
        fn the_cache_is_never_above_its_bound(sizes in proptest::collection::vec((0_u32..8, 1_u32..60), 1..60)) {
            let (cache, dataset) = (Cache::new(100), DatasetId::unique());
            for (z, bytes) in sizes {
                cache.insert(key(dataset, z), pixels(bytes));
                prop_assert!(cache.usage().0 <= 100);
            }
        }
    }
}
