//! Strips and tiles of a page, of which all or a part is wanted.
//!
//! Of those without compression only the rows are read that the part touches: `ImageJ` writes a plane of any size as one
//! strip. Of others, those that further parts or colours will need are decoded once ([`kept`]).

use std::sync::Arc;

use tiff::{
    decoder::ChunkType,
    tags::{ByteOrder, Tag},
};

use super::Opened;
use crate::{
    image_file::{Block, Refusal, check_ratio, copy_block},
    model::{Code, limits},
    source::{
        self,
        kept::{self, Key},
    },
};

/// `Compression` of samples as they are (TIFF 6.0, section 3).
const UNCOMPRESSED: u16 = 1;
/// `Predictor` of samples as they are.
const NO_PREDICTOR: u16 = 1;

/// Strips and tiles up to this are decoded without asking for room.
const SMALL_BYTES: usize = 1 << 20;

/// Rows that follow each other are read in pieces of about so many bytes.
const READ_BYTES: u64 = 1 << 20;

/// First column, first row, columns and rows.
type Rect = (u32, u32, u32, u32);

/// How the strips or tiles of a page lie, and its samples in them.
pub(super) struct Chunks<'a> {
    opened: &'a mut Opened,
    width: u32,
    height: u32,
    /// Bytes of a sample.
    size: usize,
    /// Samples of a pixel in the file, those included that are not shown.
    num_samples: usize,
    /// Samples of a pixel when it is decoded, and colours of these.
    num_decoded: usize,
    num_colors: usize,
    is_compressed: bool,
    /// Their samples can be read without the decoder.
    is_raw: bool,
    /// Offset and bytes of each in the file, where they were needed.
    places: Option<Vec<(u64, u64)>>,
}

impl<'a> Chunks<'a> {
    /// Of a page; checks what one of them is said to become against the budgets.
    pub(super) fn of(opened: &'a mut Opened) -> Result<Self, Refusal> {
        let decoder = &mut opened.decoder;
        let compression: Option<u16> = decoder.find_tag_unsigned(Tag::Compression)?;
        let predictor: Option<u16> = decoder.find_tag_unsigned(Tag::Predictor)?;
        let num_samples: Option<u16> = decoder.find_tag_unsigned(Tag::SamplesPerPixel)?;
        let is_compressed = compression.is_some_and(|method| method != UNCOMPRESSED);
        let (width, height) = decoder.chunk_dimensions();
        if width == 0 || height == 0 {
            return Err(Refusal::new(Code::CorruptData, "strips without pixels"));
        }
        let (num_samples, num_decoded, num_colors) = if opened.is_planar {
            (1, 1, 1)
        } else {
            let num_decoded = opened.samples_per_pixel;
            let num_samples = usize::from(num_samples.unwrap_or(1)).max(num_decoded);
            (num_samples, num_decoded, opened.page.num_colors.into())
        };
        let mut chunks = Self {
            width,
            height,
            size: opened.page.sample_type.num_bytes(),
            num_samples,
            num_decoded,
            num_colors,
            is_compressed,
            is_raw: !is_compressed && predictor.is_none_or(|method| method == NO_PREDICTOR),
            places: None,
            opened,
        };
        if is_compressed {
            chunks
                .opened
                .decoder
                .inner()
                .get_mut()
                .decodes_from_now_on();
        }
        chunks.check()?;
        Ok(chunks)
    }

    pub(super) fn is_compressed(&self) -> bool {
        self.is_compressed
    }

    /// A large strip or tile needs encoded bytes for what it is said to become, its padding included.
    fn check(&mut self) -> Result<(), Refusal> {
        let height = match self.opened.decoder.get_chunk_type() {
            ChunkType::Tile => self.height,
            ChunkType::Strip => self.height.min(self.opened.page.height),
        };
        let row_bytes = u64::from(self.width) * (self.num_samples * self.size) as u64;
        if row_bytes > limits::FREE_DECODED_BYTES {
            let most = limits::FREE_DECODED_BYTES;
            let message = format!("rows of {row_bytes} bytes where at most {most} are read");
            return Err(Refusal::new(Code::TooLarge, message));
        }
        let bytes = row_bytes.saturating_mul(u64::from(height));
        if self.is_raw || bytes <= limits::FREE_DECODED_BYTES {
            return Ok(());
        }
        let file = self.opened.decoder.inner().get_ref().file();
        let (num_bytes, modified) = (file.num_bytes(), file.modified());
        // The last strip has fewer rows; the longest is taken for all.
        let lengths = self.places()?.iter().map(|(_, length)| *length);
        let longest = lengths.max().unwrap_or(0);
        check_ratio(bytes, longest.min(num_bytes), modified)
    }

    fn places(&mut self) -> Result<&[(u64, u64)], Refusal> {
        if self.places.is_none() {
            let decoder = &mut self.opened.decoder;
            let tags = match decoder.get_chunk_type() {
                ChunkType::Strip => [Tag::StripOffsets, Tag::StripByteCounts],
                ChunkType::Tile => [Tag::TileOffsets, Tag::TileByteCounts],
            };
            let [offsets, lengths] = tags.map(|tag| decoder.get_tag_u64_vec(tag));
            self.places = Some(offsets?.into_iter().zip(lengths?).collect());
        }
        Ok(self.places.as_deref().unwrap_or_default())
    }

    /// Offset and bytes of a strip or tile in the file.
    fn place(&mut self, number: u32) -> Result<(u64, u64), Refusal> {
        let place = self.places()?.get(number as usize).copied();
        let few = || Refusal::new(Code::CorruptData, "fewer strips than its size needs");
        match place.ok_or_else(few)? {
            (0, _) => {
                let message = format!("strip or tile {number} has no place in the file");
                Err(Refusal::new(Code::CorruptData, message))
            }
            // Some writers leave the length of a single strip out (libtiff takes it from the size, too).
            (offset, 0) if self.places()?.len() == 1 => {
                let file = self.opened.decoder.inner().get_ref().file();
                Ok((offset, file.num_bytes().saturating_sub(offset)))
            }
            place => Ok(place),
        }
    }

    /// Where so many rows of a strip or tile without compression begin.
    ///
    /// # Errors
    /// When the file says that it has fewer bytes: what lies behind them are other bytes of the file.
    fn rows_at(&mut self, number: u32, num_rows: u32) -> Result<u64, Refusal> {
        let line = u64::from(self.width) * (self.num_samples * self.size) as u64;
        let needed = line * u64::from(num_rows);
        let (offset, length) = self.place(number)?;
        if length >= needed {
            return Ok(offset);
        }
        let message = format!(
            "strip or tile {number} has {length} bytes where its {num_rows} rows need {needed}"
        );
        Err(Refusal::new(Code::CorruptData, message))
    }

    /// The wanted sample of every pixel of a part.
    pub(super) fn read(
        mut self,
        sample: usize,
        part: Rect,
        target: &mut [u8],
    ) -> Result<(), Refusal> {
        let page = self.opened.page;
        let across = page.width.div_ceil(self.width);
        let down = page.height.div_ceil(self.height);
        let is_whole = part == (0, 0, page.width, page.height);
        if is_whole && self.opened.samples_per_pixel == 1 {
            if !self.is_compressed {
                for number in 0..across * down {
                    let top = number / across * self.height;
                    self.rows_at(number, self.height.min(page.height - top))?;
                }
            }
            return Ok(self.opened.decoder.read_image_bytes(target)?);
        }
        let (first, sample) = if self.opened.is_planar {
            (sample as u32 * across * down, 0)
        } else {
            (0, sample)
        };
        let (x, y, width, height) = part;
        for row in y / self.height..=(y + height - 1) / self.height {
            for col in x / self.width..=(x + width - 1) / self.width {
                let (left, top) = (col * self.width, row * self.height);
                let rect = (
                    left,
                    top,
                    self.width.min(page.width - left),
                    self.height.min(page.height - top),
                );
                let number = first + row * across + col;
                let common = common_of(rect, part);
                if self.is_raw {
                    self.copy_rows(number, rect, common, sample, part, target)?;
                } else {
                    let is_shared = common != rect || self.num_samples > 1;
                    self.decode(number, rect, is_shared, sample, part, target)?;
                }
            }
        }
        Ok(())
    }

    /// Decodes a strip or tile, and takes what is wanted of it.
    fn decode(
        &mut self,
        number: u32,
        rect: Rect,
        is_shared: bool,
        sample: usize,
        part: Rect,
        target: &mut [u8],
    ) -> Result<(), Refusal> {
        // A length of 0 stands for one that nobody knows.
        let place = if is_shared {
            self.place(number)?
        } else {
            (0, 0)
        };
        let key = if place.1 > 0 {
            let decoder = &mut self.opened.decoder;
            let page = decoder.ifd_pointer().map_or(0, |pointer| pointer.0);
            let file = decoder.inner().get_ref().file();
            Some(Key::of(file, (page, number.into()), place)?)
        } else {
            None
        };
        let decoder = &mut self.opened.decoder;
        let num_bytes = decoder.image_chunk_buffer_layout(number)?.complete_len;
        let mut decode = || {
            // Small ones are of no account, and many.
            let is_large = num_bytes > SMALL_BYTES;
            let _room = is_large.then(|| source::room(2 * num_bytes as u64));
            let mut bytes = vec![0; num_bytes];
            decoder.read_chunk_bytes(number, &mut bytes)?;
            Ok::<_, Refusal>(bytes)
        };
        let num_pixels = rect.2 as usize * rect.3 as usize;
        let bytes = match &key {
            Some(key) => {
                let num_wanted = num_pixels * self.num_colors * self.size;
                kept::decoded(key, num_bytes, num_wanted, decode)?
            }
            None => Arc::new(decode()?),
        };
        let block = Block {
            bytes: &bytes,
            rect,
            samples_per_pixel: self.num_decoded,
        };
        copy_block(&block, sample, part, self.size, target)?;
        if let Some(key) = &key {
            let (x, y, width, height) = common_of(rect, part);
            let num_taken = width as usize * height as usize * self.size;
            kept::taken(key, (x.into(), y.into(), sample), num_taken);
        }
        Ok(())
    }

    /// Reads the rows that a part has in common with a strip or tile that is not compressed.
    fn copy_rows(
        &mut self,
        number: u32,
        rect: Rect,
        common: Rect,
        sample: usize,
        part: Rect,
        target: &mut [u8],
    ) -> Result<(), Refusal> {
        let (x, y, width, height) = common;
        let offset = self.rows_at(number, y + height - rect.1)?;
        let order = self.opened.decoder.byte_order();
        let file = self.opened.decoder.inner().get_ref().file();
        let pixel = (self.num_samples * self.size) as u64;
        let line = u64::from(self.width) * pixel;
        // Whole rows follow each other.
        let rows_at_once = if width == self.width {
            (READ_BYTES / line).clamp(1, height.into()) as u32
        } else {
            1
        };
        let mut bytes = vec![0; (u64::from(width) * u64::from(rows_at_once) * pixel) as usize];
        for row in (y..y + height).step_by(rows_at_once as usize) {
            let num_rows = rows_at_once.min(y + height - row);
            let length = (u64::from(width) * u64::from(num_rows) * pixel) as usize;
            let bytes = &mut bytes[..length];
            let from = u64::from(row - rect.1) * line + u64::from(x - rect.0) * pixel;
            file.read_range(offset.saturating_add(from), bytes)?;
            to_native(bytes, self.size, order);
            let block = Block {
                bytes,
                rect: (x, row, width, num_rows),
                samples_per_pixel: self.num_samples,
            };
            copy_block(&block, sample, part, self.size, target)?;
        }
        Ok(())
    }
}

/// What two rectangles have in common, which touch.
fn common_of((ax, ay, aw, ah): Rect, (bx, by, bw, bh): Rect) -> Rect {
    let (x, y) = (ax.max(bx), ay.max(by));
    let (right, bottom) = ((ax + aw).min(bx + bw), (ay + ah).min(by + bh));
    (x, y, right.saturating_sub(x), bottom.saturating_sub(y))
}

/// Samples of that size as the machine has them.
fn to_native(bytes: &mut [u8], size: usize, order: ByteOrder) {
    if order != ByteOrder::native() {
        for sample in bytes.chunks_exact_mut(size) {
            sample.reverse();
        }
    }
}
