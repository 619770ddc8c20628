//! Read tiles.
//!
//! A read returns the asked tile and any siblings that were decoded on the way. The fast path of [`zarr`] reads a chunk
//! once and decodes it straight into the tile; everything unusual goes through `zarrs`. All calls block on I/O: they
//! belong on a reader thread.

mod codec;
mod zarr;

use std::sync::Arc;

use crate::{
    dataset::Dataset,
    model::{Code, Pixels, PlaneId, PlaneState, TileId},
};

/// A tile that was read.
#[derive(Clone, Debug)]
pub struct TileRead {
    /// Which.
    pub tile: TileId,
    /// Its samples.
    pub pixels: Arc<Pixels>,
}

/// What a read found.
#[derive(Clone, Debug)]
pub enum ReadOutcome {
    /// The asked tile first, then siblings (the finer level that a mean was made of).
    Pixels {
        /// The tiles.
        tiles: Vec<TileRead>,
        /// `Written`, or `Partial` where absent chunks were filled with the fill value.
        state: PlaneState,
    },
    /// No chunk of the tile is on disk, in a dataset where that does not mean the fill value.
    Absent,
}

/// A tile cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}: {location}")]
pub struct ReadError {
    /// What kind of thing is wrong.
    pub code: Code,
    /// What was found and what was expected.
    pub message: String,
    /// The file.
    pub location: String,
}

/// Reads tiles of any dataset; keeps what opening an array revealed, never pixels. Shared by the reader threads.
#[derive(Debug, Default)]
pub struct Store {}

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one tile of a stored or computed level. `ZPick::Max` is not for here: the loader makes projections.
    ///
    /// # Errors
    /// When the FOV is not opened, an index is beyond its axis, a chunk cannot be read or decoded, or it would not fit
    /// the budgets.
    pub fn read_tile(&self, dataset: &Dataset, tile: TileId) -> Result<ReadOutcome, ReadError> {
        unimplemented!("{dataset:?} {tile:?}")
    }

    /// What the disk says of a plane (at a stored level), without reading pixels.
    ///
    /// # Errors
    /// As [`Self::read_tile`].
    pub fn presence(&self, dataset: &Dataset, plane: PlaneId) -> Result<PlaneState, ReadError> {
        unimplemented!("{dataset:?} {plane:?}")
    }

    /// The file that holds (the first chunk of) a plane, for "copy path" and "show in the file manager".
    ///
    /// # Errors
    /// As [`Self::read_tile`].
    pub fn file_of(
        &self,
        dataset: &Dataset,
        plane: PlaneId,
    ) -> Result<std::path::PathBuf, ReadError> {
        unimplemented!("{dataset:?} {plane:?}")
    }
}
