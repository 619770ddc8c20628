//! Tiles of Zarr arrays, v2 and v3: the fast path.
//!
//! A tile keeps the order that its chunks have: Squid's are stored x-major, so nothing is transposed. A tile that is
//! exactly one chunk is decoded straight into its memory; others are decoded chunk by chunk into a thread's scratch and
//! copied line by line, in parallel over bands of chunks that are contiguous in the tile.

use std::{cell::Cell, collections::HashMap, ops::Range, path::Path, sync::Arc};

use rayon::prelude::*;
use tracing::span::EnteredSpan;

use super::{
    ReadError,
    array::{Fast, OpenedArray},
    codec::{DecodeError, decode_chain},
    copy::{self, Rectangle},
    fill::{filled, is_zero},
    locate::Slab,
    shard::{self, Shard},
    taking::Taking,
};
use crate::{
    model::{Activity, Code, Gap, MemoryOrder, Pixels, Samples, WorkStage, limits},
    source::{OpenFile, in_parallel, open_samples},
};

/// Shards that a read keeps open at once; further ones are opened again for each line of chunks.
const OPEN_SHARDS: usize = 64;
/// Gaps of a tile that are told; a writer goes through its chunks in order, so that they are few.
const MAX_GAPS: usize = 128;
/// Scratch above this size is given back after use.
const KEPT_SCRATCH_BYTES: usize = 64 << 20;

/// A rectangle of a plane in pixels; inside of the plane.
#[derive(Clone, Copy, Debug)]
pub(super) struct TileRect {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// A tile, and how many of its chunks are on disk; absent ones hold the fill value.
#[derive(Debug)]
pub(super) struct Tile {
    pub(super) pixels: Pixels,
    pub(super) present: u32,
    pub(super) total: u32,
    /// Where chunks are absent, at most [`MAX_GAPS`].
    pub(super) gaps: Vec<Gap>,
}

/// Chunks of one band, or of several.
#[derive(Debug, Default)]
struct Found {
    present: u32,
    /// Pixels across and along the lines that absent chunks would hold.
    absent: Vec<(Range<u64>, Range<u64>)>,
}

impl Found {
    /// A chunk is not there; one that follows another in the same band makes one gap with it.
    fn lacks(&mut self, across: &Range<u64>, along: Range<u64>) {
        match self.absent.last_mut() {
            Some((known, last)) if known == across && last.end == along.start => {
                last.end = along.end;
            }
            _ => self.absent.push((across.clone(), along)),
        }
    }

    fn joined(mut self, other: Self) -> Self {
        self.present += other.present;
        self.absent.extend(other.absent);
        self
    }
}

/// One direction of a tile: along its lines, or across them.
#[derive(Clone, Debug)]
struct Side {
    axis: usize,
    /// Pixels of the tile in the plane.
    pixels: Range<u64>,
    /// Extent of a chunk.
    chunk: u64,
    /// Samples from one pixel to the next in a chunk.
    stride: usize,
}

impl Side {
    /// Chunks that hold pixels of the tile.
    fn chunks(&self) -> Range<u64> {
        self.pixels.start / self.chunk..self.pixels.end.div_ceil(self.chunk)
    }

    /// Pixels that chunk and tile share.
    fn shared(&self, chunk: u64) -> Range<u64> {
        let start = chunk * self.chunk;
        start.max(self.pixels.start)..(start + self.chunk).min(self.pixels.end)
    }

    fn len(&self) -> usize {
        (self.pixels.end - self.pixels.start) as usize
    }

    /// A stride that says nothing counts as the longest.
    fn rank(&self) -> usize {
        if self.chunk == 1 {
            usize::MAX
        } else {
            self.stride
        }
    }

    fn is_one_whole_chunk(&self) -> bool {
        self.pixels.start.is_multiple_of(self.chunk) && self.len() as u64 == self.chunk
    }
}

/// A read in progress.
struct Reader<'a> {
    array: &'a OpenedArray,
    fast: &'a Fast,
    slab: &'a Slab,
    order: MemoryOrder,
    along: Side,
    across: Side,
    /// Samples before the plane in a decoded chunk.
    plane_start: usize,
    size: usize,
    /// All shards of the tile; `None`: absent.
    shards: HashMap<Vec<u64>, Option<Shard>>,
    /// Told by the threads that decode.
    activity: Option<Arc<Activity>>,
}

/// Where the bytes of a chunk are.
enum Encoded {
    File(OpenFile),
    Inner(Arc<OpenFile>, u64, u64),
}

/// The shard that a line of chunks was found in last, opened again.
type Reopened = Option<(Vec<u64>, Arc<OpenFile>)>;

/// Reads a tile through the fast path; absent chunks are filled and counted. `None`: there is no room to decode it now.
pub(super) fn read(
    array: &OpenedArray,
    fast: &Fast,
    slab: &Slab,
    rect: TileRect,
    taking: Taking,
) -> Result<Option<Tile>, ReadError> {
    let mut reader = Reader::of_tile(array, fast, slab, rect);
    let num_chunks = reader.num_chunks();
    let num_samples = check_budget(array, rect, num_chunks)?;
    let Some(_room) = taking.room(reader.needed_bytes(num_samples)) else {
        return Ok(None);
    };
    reader.open_shards()?;
    let mut samples = Samples::zeros(array.sample_type, num_samples);
    let found = if num_chunks == 1 && reader.is_direct() {
        reader.read_direct(&mut samples)?
    } else {
        reader.read_bands(&mut samples)?
    };
    if let Samples::Bool(bools) = &mut samples {
        for sample in bools {
            *sample = u8::from(*sample != 0);
        }
    }
    let pixels = Pixels::new(rect.width, rect.height, reader.order, samples)
        .map_err(|error| ReadError::new(Code::BadMetadata, error.to_string(), &array.folder))?;
    Ok(Some(Tile {
        pixels,
        present: found.present,
        total: num_chunks as u32,
        gaps: reader.gaps(&found),
    }))
}

/// Reads and decompresses the chunks of a tile and drops them: what reading it costs at least. Their decoded bytes.
pub(super) fn decode_only(
    array: &OpenedArray,
    fast: &Fast,
    slab: &Slab,
    rect: TileRect,
) -> Result<u64, ReadError> {
    let mut reader = Reader::of_tile(array, fast, slab, rect);
    reader.open_shards()?;
    let across: Vec<u64> = reader.across.chunks().collect();
    let decode_band = |across: u64| {
        let (mut num_bytes, mut reopened) = (0, None);
        for along in reader.along.chunks() {
            if let Some(encoded) = reader.find(across, along, &mut reopened)? {
                with_scratch(fast.chunk_bytes, |decoded| {
                    reader.decode(&encoded, decoded, None)
                })?;
                num_bytes += fast.chunk_bytes as u64;
            }
        }
        Ok(num_bytes)
    };
    if let [only] = across[..] {
        return decode_band(only);
    }
    in_parallel(|| {
        across
            .into_par_iter()
            .map(decode_band)
            .try_reduce(|| 0, |sum, band| Ok(sum + band))
    })
}

/// Samples of the tile, if it and its chunks fit the budgets.
pub(super) fn check_budget(
    array: &OpenedArray,
    rect: TileRect,
    num_chunks: u64,
) -> Result<usize, ReadError> {
    let num_samples = u64::from(rect.width) * u64::from(rect.height);
    let num_bytes = num_samples.saturating_mul(array.sample_type.num_bytes() as u64);
    if num_bytes > limits::DECODED_BYTES || num_chunks > limits::TILE_CHUNKS {
        let message = format!(
            "tile of {num_bytes} bytes in {num_chunks} chunks, at most {} and {} are read",
            limits::DECODED_BYTES,
            limits::TILE_CHUNKS
        );
        return Err(ReadError::new(Code::TooLarge, message, &array.folder));
    }
    Ok(num_samples as usize)
}

/// Where the plane begins in a decoded chunk that holds more than one.
fn plane_start(fast: &Fast, slab: &Slab) -> usize {
    let axes = slab.index.iter().zip(&fast.chunk).zip(&fast.strides);
    // Along y and x the index is 0.
    axes.map(|((&index, &chunk), &stride)| (index % chunk) as usize * stride)
        .sum()
}

impl<'a> Reader<'a> {
    fn of_tile(array: &'a OpenedArray, fast: &'a Fast, slab: &'a Slab, rect: TileRect) -> Self {
        let side = |axis: usize, start: u32, len: u32| Side {
            axis,
            pixels: u64::from(start)..u64::from(start) + u64::from(len),
            chunk: fast.chunk[axis],
            stride: fast.strides[axis],
        };
        let y = side(slab.y_axis, rect.y, rect.height);
        let x = side(slab.x_axis, rect.x, rect.width);
        let (order, along, across) = if y.rank() < x.rank() {
            (MemoryOrder::ColumnMajor, y, x)
        } else {
            (MemoryOrder::RowMajor, x, y)
        };
        Self {
            array,
            fast,
            slab,
            order,
            along,
            across,
            plane_start: plane_start(fast, slab),
            size: array.sample_type.num_bytes(),
            shards: HashMap::new(),
            activity: Activity::of_thread(),
        }
    }

    /// What reading holds at once: the tile, and a chunk with its encoded bytes on each thread.
    fn needed_bytes(&self, num_samples: usize) -> u64 {
        let bands = self.across.chunks();
        let threads = (bands.end - bands.start).min(rayon::current_num_threads() as u64);
        let is_direct = self.num_chunks() == 1 && self.is_direct();
        let decoded = u64::from(!is_direct);
        let encoded = u64::from(!self.fast.codecs.is_empty());
        let of_thread = (self.fast.chunk_bytes as u64).saturating_mul(decoded + encoded);
        (num_samples as u64)
            .saturating_mul(self.size as u64)
            .saturating_add(of_thread.saturating_mul(threads))
    }

    fn num_chunks(&self) -> u64 {
        let len = |chunks: Range<u64>| chunks.end - chunks.start;
        len(self.along.chunks()).saturating_mul(len(self.across.chunks()))
    }

    /// Reads the indices of all shards of the tile, and keeps the first ones open.
    fn open_shards(&mut self) -> Result<(), ReadError> {
        let Some(index) = self.fast.index else {
            return Ok(());
        };
        let _reading = WorkStage::Read.enter();
        let mut wanted: HashMap<Vec<u64>, Vec<usize>> = HashMap::new();
        for across in self.across.chunks() {
            for along in self.along.chunks() {
                let (file, number) = self.file_of(across, along);
                wanted.entry(file).or_default().push(number);
            }
        }
        let (mut num_open, mut num_bytes) = (0, 0);
        for (file, mut numbers) in wanted {
            numbers.sort_unstable();
            let path = self.array.file_path(&file);
            let shard = Shard::open(path, index, self.chunks_per_file(), &numbers)?;
            if shard.is_some() {
                num_open += 1;
                num_bytes += shard::read_bytes(index, self.chunks_per_file(), &numbers);
            }
            if num_bytes > limits::SHARD_INDEX_BYTES {
                let most = limits::SHARD_INDEX_BYTES;
                let message = format!("a tile of shards with more than {most} bytes of indices");
                return Err(ReadError::new(Code::TooLarge, message, &self.array.folder));
            }
            let shard = if num_open > OPEN_SHARDS {
                shard.map(Shard::closed)
            } else {
                shard
            };
            self.shards.insert(file, shard);
        }
        Ok(())
    }

    fn chunks_per_file(&self) -> u64 {
        self.fast.per_file.iter().product()
    }

    /// The file of a chunk, and the number of the chunk in it.
    fn file_of(&self, across: u64, along: u64) -> (Vec<u64>, usize) {
        let mut file = Vec::with_capacity(self.slab.index.len());
        let mut number = 0;
        for (axis, &index) in self.slab.index.iter().enumerate() {
            let chunk = if axis == self.along.axis {
                along
            } else if axis == self.across.axis {
                across
            } else {
                index / self.fast.chunk[axis]
            };
            let per_file = self.fast.per_file[axis];
            file.push(chunk / per_file);
            number = number * per_file + chunk % per_file;
        }
        (file, number as usize)
    }

    /// Where the bytes of a chunk are; `None` where it is absent.
    fn find(
        &self,
        across: u64,
        along: u64,
        reopened: &mut Reopened,
    ) -> Result<Option<Encoded>, ReadError> {
        let (file, number) = self.file_of(across, along);
        let Some(index) = self.fast.index else {
            let found = open_samples(&self.array.file_path(&file))?;
            return Ok(found.map(Encoded::File));
        };
        let Some(shard) = self.shards.get(&file).and_then(Option::as_ref) else {
            return Ok(None);
        };
        let Some((offset, len)) = shard.range(number)? else {
            return Ok(None);
        };
        if let Some((of, open)) = reopened
            && *of == file
        {
            return Ok(Some(Encoded::Inner(Arc::clone(open), offset, len)));
        }
        if let Some(open) = shard.file()? {
            *reopened = Some((file, Arc::clone(&open)));
            return Ok(Some(Encoded::Inner(open, offset, len)));
        }
        // A writer put another shard in its place, with an index of its own.
        let path = self.array.file_path(&file);
        let Some(shard) = Shard::open(path, index, self.chunks_per_file(), &[number])? else {
            return Ok(None);
        };
        let (range, open) = (shard.range(number)?, shard.file()?);
        let found = range.zip(open);
        Ok(found.map(|((offset, len), open)| Encoded::Inner(open, offset, len)))
    }

    /// True where a decoded chunk, as it is, is the tile.
    fn is_direct(&self) -> bool {
        let is_contiguous = (self.along.chunk == 1 || self.along.stride == 1)
            && (self.across.chunk == 1 || self.across.stride == self.along.len());
        let is_plane = self.fast.chunk_bytes == self.along.len() * self.across.len() * self.size;
        is_plane
            && is_contiguous
            && self.along.is_one_whole_chunk()
            && self.across.is_one_whole_chunk()
    }

    /// Where chunks are absent, in pixels of the tile.
    fn gaps(&self, found: &Found) -> Vec<Gap> {
        let within = |range: &Range<u64>, side: &Side| {
            let start = range.start - side.pixels.start;
            (start as u32, (range.end - range.start) as u32)
        };
        let is_by_rows = self.along.axis == self.slab.x_axis;
        let gap = |(across, along): &(Range<u64>, Range<u64>)| {
            let (across, along) = (within(across, &self.across), within(along, &self.along));
            let ((x, width), (y, height)) = if is_by_rows {
                (along, across)
            } else {
                (across, along)
            };
            Gap {
                x,
                y,
                width,
                height,
            }
        };
        found.absent.iter().take(MAX_GAPS).map(gap).collect()
    }

    fn read_direct(&self, samples: &mut Samples) -> Result<Found, ReadError> {
        let reading = WorkStage::Read.enter();
        let (across, along) = (self.across.chunks().start, self.along.chunks().start);
        let Some(encoded) = self.find(across, along, &mut None)? else {
            *samples = filled(&self.array.fill, samples.len());
            // Nothing of the tile is there, which its state says.
            return Ok(Found::default());
        };
        self.decode(&encoded, samples.as_bytes_mut(), Some(reading))?;
        if self.fast.is_swapped {
            copy::swap_bytes(samples.as_bytes_mut(), self.size);
        }
        Ok(Found {
            present: 1,
            absent: Vec::new(),
        })
    }

    /// Decodes bands of chunks in parallel, each into its own part of the tile; which chunks are on disk.
    fn read_bands(&self, samples: &mut Samples) -> Result<Found, ReadError> {
        let line_bytes = self.along.len() * self.size;
        let mut rest = samples.as_bytes_mut();
        let mut bands = Vec::new();
        for chunk in self.across.chunks() {
            let shared = self.across.shared(chunk);
            let len = (shared.end - shared.start) as usize * line_bytes;
            let (band, after) = std::mem::take(&mut rest).split_at_mut(len);
            bands.push((chunk, band));
            rest = after;
        }
        if bands.len() == 1 {
            return bands
                .into_iter()
                .map(|(chunk, band)| self.read_band(chunk, band))
                .try_fold(Found::default(), |found, band| Ok(found.joined(band?)));
        }
        in_parallel(|| {
            bands
                .into_par_iter()
                .map(|(chunk, band)| self.read_band(chunk, band))
                .try_reduce(Found::default, |found, band| Ok(found.joined(band)))
        })
    }

    fn read_band(&self, across: u64, band: &mut [u8]) -> Result<Found, ReadError> {
        let (mut found, lines) = (Found::default(), self.across.shared(across));
        let mut reopened = None;
        // Small chunks are told of together.
        let is_told = WorkStage::tells_of(self.fast.chunk_bytes);
        let _all = (!is_told).then(|| WorkStage::Read.enter());
        for along in self.along.chunks() {
            let rectangle = self.rectangle(across, along);
            let reading = is_told.then(|| WorkStage::Read.enter());
            let Some(encoded) = self.find(across, along, &mut reopened)? else {
                found.lacks(&lines, self.along.shared(along));
                if !is_zero(&self.array.fill) {
                    copy::fill(band, self.array.fill.as_bytes(), &rectangle);
                }
                continue;
            };
            found.present += 1;
            with_scratch(self.fast.chunk_bytes, |decoded| {
                self.decode(&encoded, decoded, reading)?;
                let is_turned = is_told && rectangle.source_step != 1;
                let _turning = is_turned.then(|| WorkStage::Transpose.enter());
                copy::copy(decoded, band, self.size, &rectangle);
                Ok::<_, ReadError>(())
            })?;
            if self.fast.is_swapped {
                self.swap(band, &rectangle);
            }
        }
        Ok(found)
    }

    fn swap(&self, band: &mut [u8], rectangle: &Rectangle) {
        for line in 0..rectangle.num_lines {
            let start = (rectangle.target_start + line * rectangle.target_line) * self.size;
            copy::swap_bytes(
                &mut band[start..start + rectangle.line_len * self.size],
                self.size,
            );
        }
    }

    /// Reads and decodes a chunk into `target`, which has its decoded length. `reading` ends when its bytes are there;
    /// `None`: the chunk is not told of by itself.
    fn decode(
        &self,
        encoded: &Encoded,
        target: &mut [u8],
        reading: Option<EnteredSpan>,
    ) -> Result<(), ReadError> {
        let (file, offset, len) = match encoded {
            Encoded::File(file) => (file, 0, file.num_bytes()),
            Encoded::Inner(file, offset, len) => (&**file, *offset, *len),
        };
        // No compressor makes data longer than this; a sparse file of terabytes must not be read.
        let bound = (target.len() as u64)
            .saturating_add(target.len() as u64 / 8)
            .saturating_add(1 << 20);
        if len > bound.min(limits::FILE_BYTES) {
            let message = format!("{len} bytes for a chunk of {}", target.len());
            return Err(ReadError::corrupt(message, file.path()));
        }
        if self.fast.codecs.is_empty() && len == target.len() as u64 {
            return Ok(file.read_range(offset, target)?);
        }
        let is_told = reading.is_some();
        with_scratch(len as usize, |bytes| {
            file.read_range(offset, bytes)?;
            drop(reading);
            let _decoding = is_told.then(|| WorkStage::Decompress.enter());
            let _working = self.activity.as_ref().map(|activity| activity.work());
            decode_chain(&self.fast.codecs, bytes, target)
                .map_err(|error| decode_error(error, file.path()))
        })
    }

    /// What chunk and tile share, from chunk to band.
    fn rectangle(&self, across: u64, along: u64) -> Rectangle {
        let (lines, line) = (self.across.shared(across), self.along.shared(along));
        let inside = |pixel: u64, side: &Side| (pixel % side.chunk) as usize * side.stride;
        Rectangle {
            source_start: self.plane_start
                + inside(lines.start, &self.across)
                + inside(line.start, &self.along),
            source_line: self.across.stride,
            source_step: self.along.stride,
            target_start: (line.start - self.along.pixels.start) as usize,
            target_line: self.along.len(),
            num_lines: (lines.end - lines.start) as usize,
            line_len: (line.end - line.start) as usize,
        }
    }
}

fn decode_error(error: DecodeError, path: &Path) -> ReadError {
    match error {
        DecodeError::Corrupt(message) => ReadError::corrupt(message, path),
        DecodeError::Unsupported(message) => ReadError::new(Code::Unsupported, message, path),
    }
}

/// Lends `len` bytes of what the thread keeps between chunks; a nested call gets another block.
fn with_scratch<R>(len: usize, body: impl FnOnce(&mut [u8]) -> R) -> R {
    thread_local! {
        static BLOCKS: Cell<Vec<Vec<u8>>> = const { Cell::new(Vec::new()) };
    }
    let mut blocks = BLOCKS.take();
    let kept = blocks.pop().unwrap_or_default();
    BLOCKS.set(blocks);
    let mut block = if kept.len() >= len {
        kept
    } else {
        // Zeroed pages from the system cost nothing until they are written, growing would touch them.
        vec![0; len]
    };
    let result = body(&mut block[..len]);
    if block.len() <= KEPT_SCRATCH_BYTES {
        let mut blocks = BLOCKS.take();
        blocks.push(block);
        BLOCKS.set(blocks);
    }
    result
}
