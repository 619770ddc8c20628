//! Tiles by (dataset, tile, revision), bounded in bytes, least recently used out first.
//!
//! Reading a fitted view decodes whole planes to make area means of them. Those of the last pictures are kept as well, for
//! their statistics and for who zooms in, but not at the cost of the means, of which four take the room of one plane.
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
    /// What is drawn, or was.
    tiles: LruCache<CacheKey, Arc<Pixels>>,
    /// What was decoded on the way to that or for its samples, and not drawn since.
    spares: LruCache<CacheKey, Arc<Pixels>>,
    /// Of both.
    bytes: usize,
    spare_bytes: usize,
}

/// Spares take at most this part of the bound.
const SPARES_PART: usize = 8;

impl Cache {
    /// A cache of at most `max_bytes` of samples.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            held: Mutex::new(Held {
                tiles: LruCache::unbounded(),
                spares: LruCache::unbounded(),
                bytes: 0,
                spare_bytes: 0,
            }),
        }
    }

    /// The tile, marked as just used.
    #[must_use]
    pub fn get(&self, key: &CacheKey) -> Option<Arc<Pixels>> {
        let mut held = self.held.lock();
        if let Some(found) = held.tiles.get(key) {
            return Some(Arc::clone(found));
        }
        let found = held.spares.pop(key)?;
        held.spare_bytes -= found.num_bytes();
        held.tiles.put(*key, Arc::clone(&found));
        Some(found)
    }

    /// The tile, as it was used before: for who looks at all that pass by.
    #[must_use]
    pub fn peek(&self, key: &CacheKey) -> Option<Arc<Pixels>> {
        let held = self.held.lock();
        let found = held.tiles.peek(key).or_else(|| held.spares.peek(key));
        found.map(Arc::clone)
    }

    /// True where the tile is held; does not mark it as used.
    #[must_use]
    pub fn contains(&self, key: &CacheKey) -> bool {
        let held = self.held.lock();
        held.tiles.contains(key) || held.spares.contains(key)
    }

    /// Keeps a tile; others leave to make room. One that is larger than the bound is not kept.
    pub fn insert(&self, key: CacheKey, pixels: Arc<Pixels>) {
        self.keep(key, pixels, false);
    }

    /// The same for a tile that is not drawn, but was decoded on the way to one that is, or for its samples: it leaves before
    /// what is drawn.
    pub fn insert_spare(&self, key: CacheKey, pixels: Arc<Pixels>) {
        self.keep(key, pixels, true);
    }

    /// Lets go of spares that would leave for others of so many bytes: memory is free for these before they are decoded.
    pub fn make_room_for_spares(&self, bytes: usize) {
        // A large spare stays while none comes.
        if bytes == 0 {
            return;
        }
        let mut held = self.held.lock();
        let mut leaving = Vec::new();
        while held.spare_bytes.saturating_add(bytes) > self.max_bytes / SPARES_PART
            && let Some(oldest) = held.spares.peek_lru().map(|(key, _)| *key)
        {
            leaving.extend(held.remove(&oldest));
        }
        drop(held);
        drop(leaving);
    }

    fn keep(&self, key: CacheKey, pixels: Arc<Pixels>, is_spare: bool) {
        let bytes = pixels.num_bytes();
        if bytes > self.max_bytes {
            return;
        }
        let mut held = self.held.lock();
        let mut leaving: Vec<_> = held.remove(&key).into_iter().collect();
        held.bytes += bytes;
        if is_spare {
            held.spare_bytes += bytes;
            held.spares.put(key, pixels);
        } else {
            held.tiles.put(key, pixels);
        }
        while let Some(surplus) = held.pop_surplus(self.max_bytes) {
            leaving.push(surplus);
        }
        drop(held);
        drop(leaving);
    }

    /// Drops every tile of a dataset.
    pub fn forget(&self, dataset: DatasetId) {
        let mut held = self.held.lock();
        let keys = held.tiles.iter().chain(held.spares.iter());
        let keys = keys.map(|(key, _)| *key);
        let keys: Vec<_> = keys.filter(|key| key.dataset == dataset).collect();
        let leaving: Vec<_> = keys.iter().filter_map(|key| held.remove(key)).collect();
        drop(held);
        drop(leaving);
    }

    /// Bytes of samples held, and the bound.
    #[must_use]
    pub fn usage(&self) -> (usize, usize) {
        (self.held.lock().bytes, self.max_bytes)
    }
}

impl Held {
    fn remove(&mut self, key: &CacheKey) -> Option<Arc<Pixels>> {
        let spare = self.spares.pop(key);
        self.spare_bytes -= spare.as_ref().map_or(0, |spare| spare.num_bytes());
        let found = spare.or_else(|| self.tiles.pop(key))?;
        self.bytes -= found.num_bytes();
        Some(found)
    }

    /// Takes out what leaves next where that is too much: the oldest spare where they take more than their part, else the
    /// oldest of what is drawn. The last spare stays while there is room, however large.
    fn pop_surplus(&mut self, max_bytes: usize) -> Option<Arc<Pixels>> {
        let is_full = self.bytes > max_bytes;
        let has_surplus = self.spare_bytes > max_bytes / SPARES_PART;
        let from = if has_surplus && (is_full || self.spares.len() > 1) {
            &self.spares
        } else if is_full {
            &self.tiles
        } else {
            return None;
        };
        let oldest = *from.peek_lru()?.0;
        self.remove(&oldest)
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
    fn what_was_decoded_on_the_way_leaves_before_what_is_drawn() {
        // Two rounds through 8 planes of 8 bytes, of which a view draws means of 2.
        let (cache, dataset) = (Cache::new(192), DatasetId::unique());
        let mean = |z| {
            let mut key = key(dataset, z);
            key.tile.plane.level = 1;
            key
        };
        let mut num_reads = 0;
        for z in (0..8).chain(0..8) {
            if cache.get(&mean(z)).is_none() {
                num_reads += 1;
                cache.insert_spare(key(dataset, z), pixels(8));
                cache.insert(mean(z), pixels(2));
            }
        }
        assert_eq!(num_reads, 8);
        let planes = || (0..8).filter(|&z| cache.contains(&key(dataset, z)));
        assert_eq!(planes().collect::<Vec<_>>(), [5, 6, 7]);
        // One that somebody zooms into stays.
        assert!(cache.get(&key(dataset, 5)).is_some());
        cache.insert_spare(key(dataset, 0), pixels(8));
        assert_eq!(planes().collect::<Vec<_>>(), [0, 5, 6, 7]);
        assert!(cache.peek(&key(dataset, 6)).is_some());
        cache.insert_spare(key(dataset, 1), pixels(8));
        assert_eq!(planes().collect::<Vec<_>>(), [0, 1, 5, 7]);
    }

    #[test]
    fn a_spare_beyond_their_part_stays_alone_while_there_is_room() {
        let (cache, dataset) = (Cache::new(40), DatasetId::unique());
        cache.insert_spare(key(dataset, 0), pixels(8));
        cache.insert_spare(key(dataset, 1), pixels(20));
        cache.insert(key(dataset, 2), pixels(20));
        assert!(!cache.contains(&key(dataset, 0)));
        assert!(cache.contains(&key(dataset, 1)));
        cache.insert(key(dataset, 3), pixels(1));
        assert!(!cache.contains(&key(dataset, 1)));
        assert_eq!(cache.usage().0, 21);
    }

    #[test]
    fn room_for_spares_is_made_among_spares_alone_and_only_where_it_lacks() {
        let (cache, dataset) = (Cache::new(80), DatasetId::unique());
        cache.insert(key(dataset, 0), pixels(40));
        for z in 1..3 {
            cache.insert_spare(key(dataset, z), pixels(4));
        }
        cache.make_room_for_spares(2);
        assert_eq!(cache.usage().0, 48);
        cache.make_room_for_spares(4);
        assert!(!cache.contains(&key(dataset, 1)));
        assert!(cache.contains(&key(dataset, 2)));
        cache.make_room_for_spares(usize::MAX);
        assert_eq!(cache.usage().0, 40);
        cache.insert_spare(key(dataset, 3), pixels(20));
        cache.make_room_for_spares(0);
        assert!(cache.contains(&key(dataset, 3)));
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
                        let (key, bytes) = (key(dataset, step % 50), 1 + (step * 7 + worker) % 90);
                        if step % 3 == 0 {
                            cache.insert_spare(key, pixels(bytes));
                        } else {
                            cache.insert(key, pixels(bytes));
                        }
                        if step % 5 == 0 {
                            drop(cache.get(&key));
                        }
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
                .chain(held.spares.iter())
                .map(|(_, pixels)| pixels.num_bytes())
                .sum::<usize>()
        );
        assert!(held.bytes <= 1000);
    }

    proptest! {
        #[test]
        fn the_cache_is_never_above_its_bound(
            sizes in proptest::collection::vec((0_u32..8, 1_u32..60, any::<bool>()), 1..60)
        ) {
            let (cache, dataset) = (Cache::new(100), DatasetId::unique());
            for (z, bytes, is_spare) in sizes {
                if is_spare {
                    cache.insert_spare(key(dataset, z), pixels(bytes));
                } else {
                    cache.insert(key(dataset, z), pixels(bytes));
                }
                prop_assert!(cache.usage().0 <= 100);
            }
        }
    }
}
