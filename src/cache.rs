//! Tiles by (dataset, tile, revision), bounded in bytes, least recently used out first.
//!
//! One `parking_lot` lock protects the map and nothing else: no read, decode or drawing happens under it.

use std::sync::Arc;

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
pub struct Cache {}

impl Cache {
    /// A cache of at most `max_bytes` of samples.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        unimplemented!("{max_bytes}")
    }

    /// The tile, marked as just used.
    #[must_use]
    pub fn get(&self, key: &CacheKey) -> Option<Arc<Pixels>> {
        unimplemented!("{key:?}")
    }

    /// True where the tile is held; does not mark it as used.
    #[must_use]
    pub fn contains(&self, key: &CacheKey) -> bool {
        unimplemented!("{key:?}")
    }

    /// Keeps a tile; others leave to make room. One that is larger than the bound is not kept.
    pub fn insert(&self, key: CacheKey, pixels: Arc<Pixels>) {
        unimplemented!("{key:?} {pixels:?}")
    }

    /// Drops every tile of a dataset.
    pub fn forget(&self, dataset: DatasetId) {
        unimplemented!("{dataset:?}")
    }

    /// Bytes of samples held, and the bound.
    #[must_use]
    pub fn usage(&self) -> (usize, usize) {
        unimplemented!()
    }
}
