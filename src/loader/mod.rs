//! What to read next: one queue by urgency, named reader threads for the I/O, a rayon pool for decoding and means.
//!
//! [`Loader::want`] replaces all wishes at once; a wish that is no longer in the list is dropped before its read
//! starts. Nothing is read twice at the same time. Results go into the cache, then as a message to whoever asked; a read
//! that finishes after its plane's revision rose, or for a dataset that is no longer shown, is dropped.

use std::{sync::Arc, time::Duration};

use crate::{
    cache::Cache,
    dataset::{Dataset, OpenFovError, OpenedFov},
    ledger::Ledger,
    model::{DatasetId, FovId, Histogram, PlaneId, PlaneState, TileId, TileState, Visible},
    store::{ReadError, Store},
};

/// News from the readers.
#[derive(Clone, Debug)]
pub enum Loaded {
    /// A tile is in the cache (or was not there to be read).
    Tile {
        /// Its dataset.
        dataset: DatasetId,
        /// The asked tile.
        tile: TileId,
        /// The revision of its plane when the read was asked for.
        revision: u64,
        /// What the disk says of its plane: `Written`, `Partial`, `Planned`, `Missing` or `Failed`.
        state: PlaneState,
        /// The samples, where there are any; also when they are too large for the cache.
        pixels: Option<Arc<crate::model::Pixels>>,
        /// Reading and decoding.
        elapsed: Duration,
    },
    /// Statistics of a plane's level-0 samples (of the coarsest level with enough samples where planes are huge).
    Statistics {
        /// Its dataset.
        dataset: DatasetId,
        /// The plane.
        plane: PlaneId,
        /// The statistics.
        histogram: Arc<Histogram>,
    },
    /// A FOV's store was opened.
    Fov {
        /// Its dataset.
        dataset: DatasetId,
        /// The FOV.
        fov: FovId,
        /// What that revealed.
        outcome: Result<OpenedFov, OpenFovError>,
    },
}

/// How the loader is set up.
pub struct LoaderOptions {
    /// Reader threads; at least 1, 4 by default.
    pub num_readers: usize,
    /// Called from a reader after each message; wakes the interface.
    pub wake: Arc<dyn Fn() + Send + Sync>,
}

/// Owner of the reader threads; joins them when it drops.
pub struct Loader {}

impl Loader {
    /// Starts the readers.
    #[must_use]
    pub fn new(store: Arc<Store>, cache: Arc<Cache>, options: LoaderOptions) -> Self {
        drop((store, cache, options));
        unimplemented!()
    }

    /// Replaces all wishes by those of `visible`: FOVs to open, tiles to read, most urgent first.
    ///
    /// The statistics of every visible channel's plane are made as well. Tiles that are cached are not read again.
    pub fn want(&self, dataset: &Arc<Dataset>, ledger: &Ledger, visible: &Visible) {
        unimplemented!("{dataset:?} {ledger:?} {visible:?}")
    }

    /// News since the last call, oldest first; never blocks.
    pub fn drain(&self) -> Vec<Loaded> {
        unimplemented!()
    }

    /// Waits for news up to `timeout`; for `render` and scripts, never on the interface thread.
    pub fn wait(&self, timeout: Duration) -> Option<Loaded> {
        unimplemented!("{timeout:?}")
    }

    /// What the readers do with a tile.
    #[must_use]
    pub fn state(&self, dataset: DatasetId, tile: TileId) -> TileState {
        unimplemented!("{dataset:?} {tile:?}")
    }

    /// Wishes that are queued or being read.
    #[must_use]
    pub fn num_pending(&self) -> usize {
        unimplemented!()
    }
}

/// A read that failed, as a state of its plane.
#[must_use]
pub fn failed(error: &ReadError) -> PlaneState {
    PlaneState::Failed(error.to_string().into())
}
