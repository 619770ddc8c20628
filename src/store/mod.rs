//! Read tiles.
//!
//! A read returns the asked tile and any siblings that were decoded on the way. `zarr` reads a chunk once and
//! decodes it straight into the tile, where its chain of codecs is one that Squid and most others write; unusual ones are
//! decoded by `zarrs`. All calls block on I/O: they belong on a reader thread.

mod array;
mod chain;
mod codec;
mod copy;
mod encoded;
mod fill;
mod for_zarrs;
mod foreign;
mod locate;
mod opened;
mod plane_file;
mod presence;
mod register;
mod registered;
mod scaled;
mod scratch;
mod shard;
mod shard_index;
mod taking;
mod turned;
mod zarr;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use crate::{
    dataset::{Arrays, Dataset, DatasetKind, Image, Sharing},
    model::{
        Absence, Code, Pixels, PlaneId, PlaneState, TileId, free_unused_samples, mean, repeated,
    },
    source::{self, SourceError},
};

use self::{
    array::OpenedArray,
    locate::Slab,
    opened::OpenedArrays,
    taking::Taking,
    zarr::{Tile, TileRect},
};

/// Pauses before a chunk of a running acquisition that does not decode is read again: it may just be half-written. What
/// is still broken then is told; a watch over the file sees when it is replaced.
const HALF_WRITTEN_PAUSES: [Duration; 3] = [
    Duration::from_millis(20),
    Duration::from_millis(60),
    Duration::from_millis(180),
];

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
    /// No chunk of the tile is on disk, where that does not mean the fill value: `Planned` or `Missing`.
    Absent(PlaneState),
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

impl ReadError {
    pub(super) fn new(code: Code, message: impl Into<String>, path: &Path) -> Self {
        Self {
            code,
            message: repeated(message.into()),
            location: path.display().to_string(),
        }
    }

    pub(super) fn corrupt(message: impl Into<String>, path: &Path) -> Self {
        Self::new(Code::CorruptData, message, path)
    }
}

impl From<SourceError> for ReadError {
    fn from(error: SourceError) -> Self {
        Self {
            code: error.code(),
            message: error.message(),
            location: error.location(),
        }
    }
}

/// What was found of a tile at a stored level.
enum Stored {
    Pixels(Pixels, PlaneState),
    /// Nothing, where that does not mean the fill value.
    Absent,
    /// Nobody looked: others decode too much at the moment.
    NoRoom,
}

impl From<Option<(Pixels, PlaneState)>> for Stored {
    fn from(found: Option<(Pixels, PlaneState)>) -> Self {
        found.map_or(Self::Absent, |(pixels, state)| Self::Pixels(pixels, state))
    }
}

/// Reads tiles of any dataset; keeps what opening an array revealed, never pixels. Shared by the reader threads.
#[derive(Debug, Default)]
pub struct Store {
    arrays: OpenedArrays,
}

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one tile of a stored or computed level. `ZPick::Max` is not for here: the loader makes projections.
    ///
    /// t, c, z and the position along other axes are indices of the plane's own level; a computed level has those of
    /// the last stored one. `absence` says what it means where nothing of the plane is on disk. Waits where other threads
    /// decode as much as [`crate::model::limits::DECODING_BYTES`] allows.
    ///
    /// # Errors
    /// When the FOV is not opened, an index is beyond its axis, a chunk cannot be read or decoded, or it would not fit
    /// the budgets.
    pub fn read_tile(
        &self,
        dataset: &Dataset,
        tile: TileId,
        absence: Absence,
    ) -> Result<ReadOutcome, ReadError> {
        loop {
            // Whoever waits is let in.
            if let Some(read) = self.read(dataset, tile, absence, Taking::Waits)? {
                return Ok(read);
            }
        }
    }

    /// Gives back the memory that reading works in; the next read takes new one.
    pub fn rest(&self) {
        scratch::free();
        free_unused_samples();
    }

    /// The same without waiting for others; `None` where they decode too much.
    ///
    /// # Errors
    /// As [`Self::read_tile`].
    pub fn try_read_tile(
        &self,
        dataset: &Dataset,
        tile: TileId,
        absence: Absence,
    ) -> Result<Option<ReadOutcome>, ReadError> {
        self.read(dataset, tile, absence, Taking::IfFree)
    }

    fn read(
        &self,
        dataset: &Dataset,
        tile: TileId,
        absence: Absence,
        taking: Taking,
    ) -> Result<Option<ReadOutcome>, ReadError> {
        let image = locate::image_of(dataset, tile.plane)?;
        let level = usize::from(tile.plane.level);
        if level >= image.num_levels() {
            let message = format!("level {level} of {}", image.num_levels());
            return Err(ReadError::new(Code::OutOfRange, message, &dataset.root));
        }
        let stored = level.min(image.levels.len().saturating_sub(1));
        let mut read = self.read_stored(dataset, image, tile, stored, (absence, taking));
        for pause in HALF_WRITTEN_PAUSES {
            let is_torn = matches!(&read, Err(error) if error.code == Code::CorruptData);
            if !is_torn || is_finished(dataset, image) {
                break;
            }
            thread::sleep(pause);
            read = self.read_stored(dataset, image, tile, stored, (absence, taking));
        }
        if let Err(error) = &read
            && self.is_being_written(dataset, image, tile.plane, error)
        {
            return Ok(Some(ReadOutcome::Absent(PlaneState::Planned)));
        }
        Ok(match read? {
            Stored::Pixels(pixels, state) => {
                let tiles = with_computed(dataset, tile, stored, level, pixels);
                Some(ReadOutcome::Pixels { tiles, state })
            }
            Stored::Absent if dataset.has_dropped(tile.plane) => {
                Some(ReadOutcome::Absent(PlaneState::Missing))
            }
            Stored::Absent => Some(ReadOutcome::Absent(absent_state(dataset, image))),
            Stored::NoRoom => None,
        })
    }

    /// True for a file in a folder of image files that is cut off and changed a moment ago.
    fn is_being_written(
        &self,
        dataset: &Dataset,
        image: &Image,
        plane: PlaneId,
        error: &ReadError,
    ) -> bool {
        let is_in_folder = dataset.kind == DatasetKind::Collection && image.described().is_some();
        is_in_folder
            && error.code == Code::CorruptData
            && self
                .file_of(dataset, plane)
                .is_ok_and(|path| source::is_recent(&path))
    }

    /// The tile of that row and column at a stored level.
    fn read_stored(
        &self,
        dataset: &Dataset,
        image: &Image,
        tile: TileId,
        level: usize,
        (absence, taking): (Absence, Taking),
    ) -> Result<Stored, ReadError> {
        if let Some(Arrays::Registered(registry)) = image.levels.get(level).map(|it| &it.arrays) {
            return Ok(registered::read(&registry.0, image, tile.plane, absence)?.into());
        }
        if let Some(Arrays::Files(files)) = image.levels.get(level).map(|it| &it.arrays) {
            return Ok(plane_file::read(files, dataset, image, tile, level)?.into());
        }
        let place = locate::place(dataset, image, tile.plane, level)?;
        let rect = image
            .levels
            .get(level)
            .and_then(|level| level.grid.tile_rect(tile.row, tile.col));
        let Some((x, y, width, height)) = rect else {
            let message = format!("tile {}, {} is outside of its plane", tile.row, tile.col);
            return Err(ReadError::new(Code::OutOfRange, message, &dataset.root));
        };
        let Some(array) = self.array_at(dataset, image, &place)? else {
            return Ok(Stored::Absent);
        };
        let slab = place.in_array(&array, image, level)?;
        let rect = TileRect {
            x,
            y,
            width,
            height,
        };
        let Some(Tile {
            pixels,
            present,
            total,
            gaps,
        }) = zarr::read(&array, &slab, rect, taking)?
        else {
            return Ok(Stored::NoRoom);
        };
        if present < total && !array.is_there()? {
            // What was deleted or unmounted while it was open is not the fill value.
            let message = "the array was there when the dataset was opened, and is gone";
            return Err(ReadError::new(Code::MissingArray, message, &array.folder));
        }
        let is_finished = is_finished(dataset, image);
        let is_room = absence == Absence::Unannounced && !is_finished && is_all_zero(&pixels);
        let is_left_out =
            present == 0 && absence != Absence::Zero && dataset.is_skipped(tile.plane.t);
        Ok(if is_room || is_left_out {
            Stored::Absent
        } else if present == total || is_finished || absence == Absence::Zero {
            Stored::Pixels(pixels, PlaneState::Written)
        } else if present == 0 {
            Stored::Absent
        } else {
            let pixels = pixels.with_gaps(gaps);
            Stored::Pixels(pixels, PlaneState::Partial { present, total })
        })
    }

    /// The opened array of a place; `None` where its timepoint has no store (yet).
    fn array_at(
        &self,
        dataset: &Dataset,
        image: &Image,
        place: &locate::Place<'_>,
    ) -> Result<Option<Arc<OpenedArray>>, ReadError> {
        let Some(locator) = place.locator else {
            return Ok(None);
        };
        match self.arrays.open(locator)? {
            Some(array) => Ok(Some(array)),
            // The folder of a timepoint exists before its document.
            None if !is_finished(dataset, image) => Ok(None),
            None => Err(ReadError::new(
                Code::MissingArray,
                "array without its document",
                &locator.folder,
            )),
        }
    }

    /// What the disk says of a plane (at a stored level; of a computed one, at the last stored), without reading pixels.
    ///
    /// # Errors
    /// As [`Self::read_tile`].
    pub fn presence(&self, dataset: &Dataset, plane: PlaneId) -> Result<PlaneState, ReadError> {
        let image = locate::image_of(dataset, plane)?;
        if let Some(planes) = image.registered() {
            return Ok(registered::presence(planes, plane));
        }
        if let Some(Arrays::Files(files)) = image.levels.first().map(|it| &it.arrays) {
            let found = plane_file::presence(files, dataset, image, plane)?;
            return Ok(found.unwrap_or_else(|| absent_state(dataset, image)));
        }
        let Some((array, slab)) = self.plane_in_array(dataset, image, plane)? else {
            return Ok(absent_state(dataset, image));
        };
        if is_finished(dataset, image) && !dataset.is_skipped(plane.t) {
            return Ok(PlaneState::Written);
        }
        let (present, total) = presence::presence(&array, &slab)?;
        let is_whole = present == total || present > 0 && is_finished(dataset, image);
        Ok(if is_whole {
            PlaneState::Written
        } else if present == 0 {
            absent_state(dataset, image)
        } else {
            PlaneState::Partial { present, total }
        })
    }

    /// Reads and decompresses the chunks of a plane at a stored level, and drops them: the least that reading it costs on
    /// this machine. Their decoded bytes; `None` where an image decoder reads.
    ///
    /// # Errors
    /// As [`Self::read_tile`].
    pub fn decode_only(&self, dataset: &Dataset, plane: PlaneId) -> Result<Option<u64>, ReadError> {
        let image = locate::image_of(dataset, plane)?;
        let level = image.levels.get(usize::from(plane.level));
        let Some(level) =
            level.filter(|it| !matches!(it.arrays, Arrays::Registered(_) | Arrays::Files(_)))
        else {
            return Ok(None);
        };
        let Some((array, slab)) = self.plane_in_array(dataset, image, plane)? else {
            return Ok(None);
        };
        let mut num_bytes = 0;
        for row in 0..level.grid.num_rows() {
            for col in 0..level.grid.num_cols() {
                let rect = level.grid.tile_rect(row, col);
                if let Some((x, y, width, height)) = rect {
                    let rect = TileRect {
                        x,
                        y,
                        width,
                        height,
                    };
                    num_bytes += zarr::decode_only(&array, &slab, rect)?;
                }
            }
        }
        Ok(Some(num_bytes))
    }

    /// The file that holds (the first chunk of) a plane, for "copy path" and "show in the file manager".
    ///
    /// The file need not exist (yet).
    ///
    /// # Errors
    /// As [`Self::read_tile`], and when its timepoint has no store.
    pub fn file_of(&self, dataset: &Dataset, plane: PlaneId) -> Result<PathBuf, ReadError> {
        let image = locate::image_of(dataset, plane)?;
        if let Some(planes) = image.registered() {
            return registered::file_of(planes, dataset, plane);
        }
        if let Some(Arrays::Files(files)) = image.levels.first().map(|it| &it.arrays) {
            return plane_file::file_of(files, dataset, image, plane);
        }
        let Some((array, slab)) = self.plane_in_array(dataset, image, plane)? else {
            let message = format!("timepoint {} has no store", plane.t);
            return Err(ReadError::new(Code::NotWritten, message, &dataset.root));
        };
        let file = slab.index.iter().zip(&array.file_shape);
        let file: Vec<u64> = file.map(|(&index, &extent)| index / extent).collect();
        Ok(array.file_path(&file))
    }

    /// Whether the file of a plane holds many others too.
    #[must_use]
    pub fn sharing(&self, dataset: &Dataset, plane: PlaneId) -> Sharing {
        let image = locate::image_of(dataset, plane).ok();
        let level = image.and_then(|image| image.levels.first());
        match level.map(|level| &level.arrays) {
            Some(Arrays::Files(files)) => files.0.sharing(),
            Some(Arrays::Registered(registry)) => registered::sharing(&registry.0, plane),
            _ => Sharing::None,
        }
    }

    /// The array and the place in it of a plane at its stored level, or the last stored one.
    fn plane_in_array(
        &self,
        dataset: &Dataset,
        image: &Image,
        plane: PlaneId,
    ) -> Result<Option<(Arc<OpenedArray>, Slab)>, ReadError> {
        let level = usize::from(plane.level).min(image.levels.len().saturating_sub(1));
        let place = locate::place(dataset, image, plane, level)?;
        let Some(array) = self.array_at(dataset, image, &place)? else {
            return Ok(None);
        };
        let slab = place.in_array(&array, image, level)?;
        Ok(Some((array, slab)))
    }
}

/// True where no sample is anything but zero.
fn is_all_zero(pixels: &Pixels) -> bool {
    pixels.samples().as_bytes().iter().all(|&byte| byte == 0)
}

/// True where an absent chunk means the fill value: nobody is going to write it.
fn is_finished(dataset: &Dataset, image: &Image) -> bool {
    image.complete.unwrap_or_else(|| dataset.is_finished())
}

/// What nothing on disk means.
fn absent_state(dataset: &Dataset, image: &Image) -> PlaneState {
    if let Some(Arrays::Files(_)) = image.levels.first().map(|it| &it.arrays) {
        return plane_file::absent_state(dataset);
    }
    // Nobody else is going to register planes.
    let is_ended = dataset.is_registered() && dataset.is_announced_to_end;
    if is_finished(dataset, image) || dataset.was_stopped() || is_ended {
        PlaneState::Missing
    } else {
        PlaneState::Planned
    }
}

/// The tile of the asked level first, then those that it was made of, the stored one next.
fn with_computed(
    dataset: &Dataset,
    tile: TileId,
    stored: usize,
    level: usize,
    pixels: Pixels,
) -> Vec<TileRead> {
    let is_label = tile.plane.layer != 0 || dataset.kind == DatasetKind::Labels;
    let halved = if is_label {
        mean::halved_nearest
    } else {
        mean::halved
    };
    let mut tiles = Vec::with_capacity(level - stored + 1);
    let mut finest = Arc::new(pixels);
    for step in stored..level {
        let coarser = Arc::new(halved(&finest));
        tiles.push(tile_read(tile, step, finest));
        finest = coarser;
    }
    let last = tile_read(tile, level, finest);
    tiles.insert(0, last);
    tiles
}

fn tile_read(tile: TileId, level: usize, pixels: Arc<Pixels>) -> TileRead {
    // The level of a plane is a u8, and this one is no coarser.
    let level = u8::try_from(level).unwrap_or(tile.plane.level);
    TileRead {
        tile: TileId {
            plane: tile.plane.at_level(level),
            ..tile
        },
        pixels,
    }
}

#[cfg(test)]
mod tests;
