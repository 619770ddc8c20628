//! A plane, one row of tiles after the other: it is never in memory as a whole.

use std::sync::Arc;

use super::output::Failure;
use crate::{
    dataset::{Dataset, Image},
    model::{
        Absence, Code, MemoryOrder, Pixels, PlaneId, PlaneState, SampleType, Samples, TileGrid,
        TileId, limits,
    },
    store::{ReadOutcome, Store},
};

/// The tiles of a plane that can be read.
pub(super) struct Stripes<'a> {
    store: Store,
    dataset: &'a Dataset,
    plane: PlaneId,
    grid: TileGrid,
    sample_type: SampleType,
}

impl<'a> Stripes<'a> {
    /// Of a plane within the budgets.
    pub(super) fn of(dataset: &'a Dataset, image: &Image, plane: PlaneId) -> Result<Self, Failure> {
        let grid = image
            .grid(plane.level)
            .ok_or_else(|| Failure::new(Code::OutOfRange, "there is no such level"))?;
        let num_samples = u64::from(grid.width) * u64::from(grid.height);
        let num_bytes = num_samples.saturating_mul(image.sample_type.num_bytes() as u64);
        if num_bytes > limits::DECODED_BYTES {
            let most = limits::DECODED_BYTES;
            return Err(Failure::new(
                Code::TooLarge,
                format!("the plane takes {num_bytes} bytes, at most {most} are read"),
            ));
        }
        Ok(Self {
            store: Store::new(),
            dataset,
            plane,
            grid,
            sample_type: image.sample_type,
        })
    }

    /// Columns and rows of the plane.
    pub(super) fn size(&self) -> (u32, u32) {
        (self.grid.width, self.grid.height)
    }

    /// Rows of each stripe; the last one may have fewer.
    pub(super) fn stripe_height(&self) -> u32 {
        self.grid.tile_height
    }

    pub(super) fn plane(&self) -> PlaneId {
        self.plane
    }

    pub(super) fn sample_type(&self) -> SampleType {
        self.sample_type
    }

    /// Stripe by stripe from above, each as wide as the plane and row-major; read when it is asked for.
    pub(super) fn iter(&self) -> impl Iterator<Item = Result<Arc<Pixels>, Failure>> {
        (0..self.grid.num_rows()).map(|row| self.stripe(row))
    }

    fn stripe(&self, row: u32) -> Result<Arc<Pixels>, Failure> {
        if self.grid.num_cols() == 1 {
            let pixels = self.tile(row, 0)?;
            let is_by_rows = pixels.order() == MemoryOrder::RowMajor;
            return Ok(if is_by_rows {
                pixels
            } else {
                Arc::new(pixels.to_rows().into_owned())
            });
        }
        let height = self.grid.tile_rect(row, 0).map_or(0, |rect| rect.3);
        let (width, size) = (self.grid.width as usize, self.sample_type.num_bytes());
        let mut samples = Samples::zeros(self.sample_type, width * height as usize);
        for col in 0..self.grid.num_cols() {
            let Some((x, _, tile_width, _)) = self.grid.tile_rect(row, col) else {
                continue;
            };
            let pixels = self.tile(row, col)?;
            let rows = pixels.to_rows();
            let lines = rows.samples().as_bytes();
            let lines = lines.chunks_exact(tile_width as usize * size);
            let targets = samples.as_bytes_mut().chunks_exact_mut(width * size);
            for (line, target) in lines.zip(targets) {
                target[x as usize * size..][..line.len()].copy_from_slice(line);
            }
        }
        Pixels::new(self.grid.width, height, MemoryOrder::RowMajor, samples)
            .map(Arc::new)
            .map_err(|error| Failure::new(Code::CorruptData, error.to_string()))
    }

    /// One tile, whole: a part of it that cannot be read is an error, never a 0.
    fn tile(&self, row: u32, col: u32) -> Result<Arc<Pixels>, Failure> {
        let not_written = || {
            let message = if self.dataset.is_running() {
                "the plane is planned but not written yet"
            } else {
                "the plane is not on disk, and nothing says that it will be"
            };
            Failure::new(Code::NotWritten, message)
        };
        let tile = TileId {
            plane: self.plane,
            row,
            col,
        };
        match self
            .store
            .read_tile(self.dataset, tile, Absence::AsStored)?
        {
            ReadOutcome::Pixels {
                tiles,
                state: PlaneState::Written,
            } => tiles
                .into_iter()
                .next()
                .map(|read| read.pixels)
                .ok_or_else(not_written),
            ReadOutcome::Pixels { .. } | ReadOutcome::Absent(_) => Err(not_written()),
        }
    }
}
