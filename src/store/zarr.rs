//! Tiles of Zarr arrays, v2 and v3.
//!
//! A tile keeps the order that its chunks have: Squid's are stored x-major, so nothing is transposed. A tile that is
//! exactly one chunk is decoded straight into its memory; others are decoded chunk by chunk into scratch memory and
//! copied line by line, in parallel over bands of chunks that are contiguous in the tile. Long lines that are not compressed
//! are read straight to their places. Of chunks that are larger than a tile, uncompressed ones are read in part, and others
//! decoded once for all tiles.

use std::{collections::HashMap, ops::Range, sync::Arc};

use rayon::prelude::*;

use super::{
    ReadError,
    array::{Chunks, OpenedArray},
    copy::{self, Rectangle},
    encoded::Encoded,
    fill::filled,
    locate::Slab,
    scratch::with_scratch,
    shard::{self, Shard},
    taking::Taking,
};
use crate::{
    model::{Activity, Code, Gap, MemoryOrder, Pixels, Samples, WorkStage, limits},
    source::{OpenFile, in_parallel, kept, open_samples},
};

/// Shards that a read keeps open at once; further ones are opened again for each line of chunks.
const OPEN_SHARDS: usize = 64;
/// Gaps of a tile that are told; a writer goes through its chunks in order, so that they are few.
const MAX_GAPS: usize = 128;
/// Lines below so many bytes are no faster read one by one than with what lies between them.
const MIN_LINE_BYTES: usize = 1 << 10;

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
    /// Pixels of the plane.
    plane: u64,
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

    /// Pixels that chunk and plane share.
    fn of_plane(&self, chunk: u64) -> u64 {
        let start = chunk * self.chunk;
        (start + self.chunk).min(self.plane).saturating_sub(start)
    }

    /// True where other tiles need parts of the same chunks.
    fn cuts_chunks(&self) -> bool {
        let end = self.pixels.end;
        !self.pixels.start.is_multiple_of(self.chunk)
            || (!end.is_multiple_of(self.chunk) && end < self.plane)
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

/// How the chunks of a tile become its samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The only chunk, as it is decoded, is the tile.
    Direct,
    /// What is wanted of them is read from where it lies.
    Lines,
    /// They are decoded for this tile, or read to where they go.
    Alone,
    /// They are decoded for all tiles of the plane.
    Shared,
}

/// A read in progress.
struct Reader<'a> {
    array: &'a OpenedArray,
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

/// The shard that a line of chunks was found in last, opened again.
type Reopened = Option<(Vec<u64>, Arc<OpenFile>)>;

/// Reads a tile; absent chunks are filled and counted. `None`: there is no room to decode it now.
pub(super) fn read(
    array: &OpenedArray,
    slab: &Slab,
    rect: TileRect,
    taking: Taking,
) -> Result<Option<Tile>, ReadError> {
    let mut reader = Reader::of_tile(array, slab, rect);
    let num_chunks = reader.num_chunks();
    let num_samples = check_budget(array, rect, num_chunks)?;
    let Some(_room) = taking.room(reader.needed_bytes(num_samples)) else {
        return Ok(None);
    };
    reader.open_shards()?;
    let mut samples = Samples::unwritten(array.sample_type, num_samples);
    let found = match reader.way() {
        Way::Direct => reader.read_direct(&mut samples)?,
        way => reader.read_bands(&mut samples, way)?,
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
    slab: &Slab,
    rect: TileRect,
) -> Result<u64, ReadError> {
    let mut reader = Reader::of_tile(array, slab, rect);
    reader.open_shards()?;
    let across: Vec<u64> = reader.across.chunks().collect();
    let decode_band = |across: u64| {
        let (mut num_bytes, mut reopened) = (0, None);
        for along in reader.along.chunks() {
            if let Some(encoded) = reader.find(across, along, &mut reopened)? {
                with_scratch(array.chunks.chunk_bytes, |decoded| {
                    encoded.decode(&array.chunks, decoded, None, reader.activity.as_deref())
                })?;
                num_bytes += array.chunks.chunk_bytes as u64;
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
fn plane_start(chunks: &Chunks, slab: &Slab) -> usize {
    let axes = slab.index.iter().zip(&chunks.chunk).zip(&chunks.strides);
    // Along y and x the index is 0.
    axes.map(|((&index, &chunk), &stride)| (index % chunk) as usize * stride)
        .sum()
}

impl<'a> Reader<'a> {
    fn of_tile(array: &'a OpenedArray, slab: &'a Slab, rect: TileRect) -> Self {
        let side = |axis: usize, start: u32, len: u32| Side {
            axis,
            pixels: u64::from(start)..u64::from(start) + u64::from(len),
            plane: array.shape[axis],
            chunk: array.chunks.chunk[axis],
            stride: array.chunks.strides[axis],
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
            slab,
            order,
            along,
            across,
            plane_start: plane_start(&array.chunks, slab),
            size: array.sample_type.num_bytes(),
            shards: HashMap::new(),
            activity: Activity::of_thread(),
        }
    }

    /// What reading holds at once: the tile, and a chunk with its encoded bytes on each thread.
    fn needed_bytes(&self, num_samples: usize) -> u64 {
        let bands = self.across.chunks();
        let threads = (bands.end - bands.start).min(rayon::current_num_threads() as u64);
        let way = self.way();
        let decoded = u64::from(matches!(way, Way::Alone | Way::Shared));
        let others = self.array.chunks.chain.num_blocks();
        let of_thread = (self.array.chunks.chunk_bytes as u64).saturating_mul(decoded + others);
        (num_samples as u64)
            .saturating_mul(self.size as u64)
            .saturating_add(of_thread.saturating_mul(threads))
    }

    fn way(&self) -> Way {
        let of_tile = |side: &Side| side.chunk.min(side.len() as u64) as usize;
        let (line, num_lines) = (of_tile(&self.along), of_tile(&self.across));
        let is_half = 2 * line * num_lines * self.size <= self.array.chunks.chunk_bytes;
        let has_lines = self.along.stride == 1 && line * self.size >= MIN_LINE_BYTES;
        if self.num_chunks() == 1 && self.is_direct() {
            Way::Direct
        } else if self.array.chunks.chain.is_empty() && is_half && has_lines {
            Way::Lines
        } else if self.along.cuts_chunks() || self.across.cuts_chunks() {
            Way::Shared
        } else {
            Way::Alone
        }
    }

    fn num_chunks(&self) -> u64 {
        let len = |chunks: Range<u64>| chunks.end - chunks.start;
        len(self.along.chunks()).saturating_mul(len(self.across.chunks()))
    }

    /// Reads the indices of all shards of the tile, and keeps the first ones open.
    fn open_shards(&mut self) -> Result<(), ReadError> {
        let Some(index) = self.array.chunks.index else {
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
        self.array.chunks.per_file.iter().product()
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
                index / self.array.chunks.chunk[axis]
            };
            let per_file = self.array.chunks.per_file[axis];
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
        let Some(index) = self.array.chunks.index else {
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
        let is_plane =
            self.array.chunks.chunk_bytes == self.along.len() * self.across.len() * self.size;
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
        let activity = self.activity.as_deref();
        encoded.decode(
            &self.array.chunks,
            samples.as_bytes_mut(),
            Some(reading),
            activity,
        )?;
        if self.array.chunks.is_swapped {
            copy::swap_bytes(samples.as_bytes_mut(), self.size);
        }
        Ok(Found {
            present: 1,
            absent: Vec::new(),
        })
    }

    /// Decodes bands of chunks in parallel, each into its own part of the tile; which chunks are on disk.
    fn read_bands(&self, samples: &mut Samples, way: Way) -> Result<Found, ReadError> {
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
                .map(|(chunk, band)| self.read_band(chunk, band, way))
                .try_fold(Found::default(), |found, band| Ok(found.joined(band?)));
        }
        in_parallel(|| {
            bands
                .into_par_iter()
                .map(|(chunk, band)| self.read_band(chunk, band, way))
                .try_reduce(Found::default, |found, band| Ok(found.joined(band)))
        })
    }

    fn read_band(&self, across: u64, band: &mut [u8], way: Way) -> Result<Found, ReadError> {
        let (mut found, lines) = (Found::default(), self.across.shared(across));
        let mut reopened = None;
        // Small chunks are told of together.
        let is_told = WorkStage::tells_of(self.array.chunks.chunk_bytes);
        let _all = (!is_told).then(|| WorkStage::Read.enter());
        for along in self.along.chunks() {
            let rectangle = self.rectangle(across, along);
            let reading = is_told.then(|| WorkStage::Read.enter());
            let Some(encoded) = self.find(across, along, &mut reopened)? else {
                found.lacks(&lines, self.along.shared(along));
                copy::fill(band, self.array.fill.as_bytes(), &rectangle);
                continue;
            };
            found.present += 1;
            let activity = self.activity.as_deref();
            match way {
                Way::Lines => {
                    encoded.read_lines(&self.array.chunks, self.size, &rectangle, band)?;
                }
                Way::Shared => {
                    let num_wanted = self.across.of_plane(across) * self.along.of_plane(along);
                    let num_wanted = num_wanted as usize * self.size;
                    let (key, decoded) =
                        encoded.shared(self.array, num_wanted, reading, activity)?;
                    self.copy(&decoded, band, &rectangle);
                    let (first, line) = (self.across.pixels.start, self.along.pixels.start);
                    let part = (first, line, self.plane_start);
                    let num_taken = rectangle.num_lines * rectangle.line_len * self.size;
                    kept::taken(&key, part, num_taken);
                }
                Way::Alone
                    if self.has_lines(&rectangle) && encoded.is_decoded(&self.array.chunks) =>
                {
                    encoded.read_lines(&self.array.chunks, self.size, &rectangle, band)?;
                }
                Way::Alone | Way::Direct => {
                    with_scratch(self.array.chunks.chunk_bytes, |decoded| {
                        encoded.decode(&self.array.chunks, decoded, reading, activity)?;
                        self.copy(decoded, band, &rectangle);
                        Ok::<_, ReadError>(())
                    })?;
                }
            }
            if self.array.chunks.is_swapped {
                self.swap(band, &rectangle);
            }
        }
        Ok(found)
    }

    /// True where what is wanted of a chunk lies in it as lines that are worth being read each to its place.
    fn has_lines(&self, rectangle: &Rectangle) -> bool {
        let is_long = rectangle.line_len * self.size >= MIN_LINE_BYTES;
        rectangle.is_row_of_lines() && (is_long || rectangle.is_gapless())
    }

    fn copy(&self, decoded: &[u8], band: &mut [u8], rectangle: &Rectangle) {
        let is_turned = rectangle.source_step != 1;
        let _turning = is_turned.then(|| WorkStage::Transpose.enter_for(decoded.len()));
        copy::copy(decoded, band, self.size, rectangle);
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
