//! Codec chains that the fast path does not know, through `zarrs`.
//!
//! `zarrs` believes what files declare, so it sees them through [`Snapshot`]: a new one for each read, with one open file
//! per key, so that a writer's rename never mixes two states, and every range checked before memory is taken.

use std::{
    collections::HashMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
};

use parking_lot::Mutex;
use zarrs::{
    array::{Array, ArrayBytes, ArrayCreateError, ArraySubset, CodecOptions},
    metadata::ArrayMetadata,
    storage::{
        Bytes, MaybeBytesIterator, ReadableStorageTraits, StorageError, StoreKey,
        byte_range::ByteRangeIterator,
    },
};

use super::{
    ReadError,
    array::OpenedArray,
    locate::Slab,
    presence::count_files,
    register::register_codecs,
    taking::Taking,
    zarr::{Tile, TileRect, check_budget},
};
use crate::{
    model::{Code, MemoryOrder, Pixels, Samples, WorkStage, limits},
    source::{OpenFile, open_samples},
};

/// Reads a tile through `zarrs`; absent files are filled with the fill value and counted. `None`: there is no room to
/// decode it now.
pub(super) fn read(
    array: &OpenedArray,
    metadata: &ArrayMetadata,
    slab: &Slab,
    rect: TileRect,
    taking: Taking,
) -> Result<Option<Tile>, ReadError> {
    let _reading = WorkStage::Read.enter();
    let files = tile_files(array, slab, rect);
    let num_samples = check_budget(array, rect, files.len() as u64)?;
    let Some(_room) = taking.room(needed_bytes(array, num_samples)) else {
        return Ok(None);
    };
    let (present, total) = count_files(array, &files)?;
    let samples = if present == 0 {
        super::fill::filled(&array.fill, num_samples)
    } else {
        // The codecs are not ours, and scripts read without a thread that would catch it.
        let read = || retrieve(array, metadata, slab, rect, num_samples);
        catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
            let message = "cannot be decoded (its codec did not expect what it found)";
            Err(ReadError::corrupt(message, &array.folder))
        })?
    };
    let order = if slab.y_axis < slab.x_axis {
        MemoryOrder::RowMajor
    } else {
        MemoryOrder::ColumnMajor
    };
    let pixels = Pixels::new(rect.width, rect.height, order, samples)
        .map_err(|error| ReadError::new(Code::CorruptData, error.to_string(), &array.folder))?;
    Ok(Some(Tile {
        pixels,
        present,
        total,
        gaps: Vec::new(),
    }))
}

/// What reading holds at once: the tile twice, and a file with its encoded bytes.
fn needed_bytes(array: &OpenedArray, num_samples: usize) -> u64 {
    let of_file = array
        .file_shape
        .iter()
        .fold(1, |product: u64, &length| product.saturating_mul(length));
    let num_samples = (num_samples as u64).saturating_add(of_file);
    num_samples.saturating_mul(2 * array.sample_type.num_bytes() as u64)
}

fn retrieve(
    array: &OpenedArray,
    metadata: &ArrayMetadata,
    slab: &Slab,
    rect: TileRect,
    num_samples: usize,
) -> Result<Samples, ReadError> {
    register_codecs();
    let located = |code, message: String| ReadError::new(code, message, &array.folder);
    let storage = Arc::new(Snapshot::new(array.folder.clone()));
    let opened = Array::new_with_metadata(storage, "/", metadata.clone())
        .map_err(|error: ArrayCreateError| located(Code::Unsupported, error.to_string()))?;
    let ranges = (0..slab.index.len()).map(|axis| {
        let (start, len) = if axis == slab.y_axis {
            (u64::from(rect.y), u64::from(rect.height))
        } else if axis == slab.x_axis {
            (u64::from(rect.x), u64::from(rect.width))
        } else {
            (slab.index[axis], 1)
        };
        start..start + len
    });
    let subset = ArraySubset::new_with_ranges(&ranges.collect::<Vec<_>>());
    // Parallel are planes, not the chunks of one.
    let options = CodecOptions::default().with_concurrent_target(1);
    let decoding = WorkStage::Decompress.enter();
    let bytes: ArrayBytes<'_> = opened
        .retrieve_array_subset_opt(&subset, &options)
        .map_err(|error| located(Code::CorruptData, error.to_string()))?;
    let bytes = bytes
        .into_fixed()
        .map_err(|error| located(Code::Unsupported, error.to_string()))?;
    drop(decoding);
    let mut samples = Samples::zeros(array.sample_type, num_samples);
    if bytes.len() != samples.as_bytes().len() {
        let message = format!("{} bytes for a tile of {num_samples} samples", bytes.len());
        return Err(located(Code::CorruptData, message));
    }
    samples.as_bytes_mut().copy_from_slice(&bytes);
    Ok(samples)
}

/// The files that hold pixels of the tile.
fn tile_files(array: &OpenedArray, slab: &Slab, rect: TileRect) -> Vec<Vec<u64>> {
    let files = |axis: usize, start: u32, len: u32| {
        let extent = array.file_shape[axis];
        u64::from(start) / extent..(u64::from(start) + u64::from(len)).div_ceil(extent)
    };
    let first = slab.index.iter().zip(&array.file_shape);
    let first: Vec<u64> = first.map(|(&index, &extent)| index / extent).collect();
    let mut found = Vec::new();
    for row in files(slab.y_axis, rect.y, rect.height) {
        for col in files(slab.x_axis, rect.x, rect.width) {
            let mut file = first.clone();
            file[slab.y_axis] = row;
            file[slab.x_axis] = col;
            found.push(file);
            // One more than allowed is refused by the budget.
            if found.len() as u64 > limits::TILE_CHUNKS {
                return found;
            }
        }
    }
    found
}

/// The files of an array during one read.
struct Snapshot {
    folder: PathBuf,
    files: Mutex<HashMap<StoreKey, Option<Arc<OpenFile>>>>,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

fn storage_error(error: impl fmt::Display) -> StorageError {
    StorageError::Other(error.to_string())
}

impl Snapshot {
    /// Files kept open; an array of thousands of small files opens the others again.
    const OPEN_FILES: usize = 64;

    fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            files: Mutex::new(HashMap::new()),
        }
    }

    fn file(&self, key: &StoreKey) -> Result<Option<Arc<OpenFile>>, StorageError> {
        if let Some(file) = self.files.lock().get(key) {
            return Ok(file.clone());
        }
        let path = self.folder.join(key.as_str());
        let opened = open_samples(&path).map_err(storage_error)?.map(Arc::new);
        let mut files = self.files.lock();
        // Another thread may have opened it meanwhile; all must see the same file.
        if files.len() < Self::OPEN_FILES || files.contains_key(key) {
            return Ok(files.entry(key.clone()).or_insert(opened).clone());
        }
        Ok(opened)
    }
}

impl ReadableStorageTraits for Snapshot {
    fn get_partial_many<'a>(
        &'a self,
        key: &StoreKey,
        byte_ranges: ByteRangeIterator<'a>,
    ) -> Result<MaybeBytesIterator<'a>, StorageError> {
        let Some(file) = self.file(key)? else {
            return Ok(None);
        };
        let read = move |range: zarrs::storage::byte_range::ByteRange| {
            let size = file.num_bytes();
            let (start, end) = checked_range(range, size)
                .ok_or_else(|| storage_error(format!("{range} of a file of {size} bytes")))?;
            if end - start > limits::FILE_BYTES {
                return Err(storage_error(format!(
                    "{range} is more than is read at once"
                )));
            }
            let mut bytes = vec![0; (end - start) as usize];
            let _reading = WorkStage::Read.enter_for(bytes.len());
            file.read_range(start, &mut bytes).map_err(storage_error)?;
            Ok(Bytes::from(bytes))
        };
        Ok(Some(Box::new(byte_ranges.map(read))))
    }

    fn size_key(&self, key: &StoreKey) -> Result<Option<u64>, StorageError> {
        Ok(self.file(key)?.map(|file| file.num_bytes()))
    }

    fn supports_get_partial(&self) -> bool {
        true
    }
}

/// Start and end of a range inside a file of `size` bytes.
fn checked_range(range: zarrs::storage::byte_range::ByteRange, size: u64) -> Option<(u64, u64)> {
    use zarrs::storage::byte_range::ByteRange;

    let (start, end) = match range {
        ByteRange::FromStart(offset, None) => (offset, size),
        ByteRange::FromStart(offset, Some(len)) => (offset, offset.checked_add(len)?),
        ByteRange::Suffix(len) => (size.checked_sub(len)?, size),
    };
    (start <= end && end <= size).then_some((start, end))
}
