//! Statistics of planes that were made, within a bound in bytes: those asked for longest ago make room.

use std::sync::Arc;

use lru::LruCache;

use crate::model::{DatasetId, Histogram, PlaneId};

/// Bytes of statistics kept: those of a thousand planes of a camera of 12 bits.
const MAX_BYTES: usize = 64 << 20;

/// A plane (named at level 0) of a revision.
pub(super) type Key = (DatasetId, PlaneId, u64);

/// Statistics by plane and revision.
pub(super) struct KnownStatistics {
    held: LruCache<Key, Arc<Histogram>>,
    num_bytes: usize,
}

impl Default for KnownStatistics {
    fn default() -> Self {
        Self {
            held: LruCache::unbounded(),
            num_bytes: 0,
        }
    }
}

impl KnownStatistics {
    pub(super) fn get(&mut self, key: &Key) -> Option<Arc<Histogram>> {
        self.held.get(key).map(Arc::clone)
    }

    /// Keeps them in place of those before; the last ones stay, however large.
    pub(super) fn put(&mut self, key: Key, histogram: Arc<Histogram>) {
        self.num_bytes += histogram.num_bytes();
        let before = self.held.put(key, histogram);
        self.num_bytes -= before.map_or(0, |before| before.num_bytes());
        while self.num_bytes > MAX_BYTES && self.held.len() > 1 {
            let oldest = self.held.pop_lru();
            self.num_bytes -= oldest.map_or(0, |(_, oldest)| oldest.num_bytes());
        }
    }

    /// Drops those of all datasets but one.
    pub(super) fn keep_only(&mut self, dataset: DatasetId) {
        let keys = self.held.iter().map(|(key, _)| *key);
        let others: Vec<Key> = keys.filter(|(other, ..)| *other != dataset).collect();
        for key in others {
            let gone = self.held.pop(&key);
            self.num_bytes -= gone.map_or(0, |gone| gone.num_bytes());
        }
    }
}
