//! Strips and tiles of a page, of which all or a part is wanted.
//!
//! Of those without compression only the rows are read that the part touches: `ImageJ` writes a plane of any size as one
//! strip. Of others, those that further parts or colours will need are decoded once ([`kept`]).

use std::{
    io::{Read as _, Seek as _, SeekFrom},
    sync::Arc,
};

use tiff::{
    decoder::ChunkType,
    tags::{CompressionMethod, Predictor, Tag},
};

use super::{
    Opened,
    decode::{Encoding, to_native},
};
use crate::{
    image_file::{Block, Refusal, check_ratio, copy_block},
    model::{Code, SampleType, limits},
    source::{
        self,
        kept::{self, Key},
    },
};

/// `FillOrder` of bytes whose bits are turned over.
const LOWEST_BIT_FIRST: u16 = 2;

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
    /// Samples of a pixel in the file, those included that are not shown, and colours of these.
    num_samples: usize,
    num_colors: usize,
    encoding: Encoding,
    /// Offset and bytes of each in the file, where they were needed.
    places: Option<Vec<(u64, u64)>>,
}

impl<'a> Chunks<'a> {
    /// Of a page; checks what one of them is said to become against the budgets.
    pub(super) fn of(opened: &'a mut Opened) -> Result<Self, Refusal> {
        let decoder = &mut opened.decoder;
        let (width, height) = decoder.chunk_dimensions();
        if width == 0 || height == 0 {
            return Err(Refusal::new(Code::CorruptData, "strips without pixels"));
        }
        let (num_samples, num_colors) = if opened.is_planar {
            (1, 1)
        } else {
            let num_samples: Option<u16> = decoder.find_tag_unsigned(Tag::SamplesPerPixel)?;
            let num_samples = usize::from(num_samples.unwrap_or(1));
            (
                num_samples.max(opened.samples_per_pixel),
                opened.page.num_colors.into(),
            )
        };
        let encoding = encoding_of(opened, num_samples)?;
        let mut chunks = Self {
            width,
            height,
            size: encoding.size,
            num_samples,
            num_colors,
            encoding,
            places: None,
            opened,
        };
        if chunks.is_compressed() {
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
        self.encoding.method != CompressionMethod::None
    }

    /// Bytes of a row of a strip or tile.
    fn row_bytes(&self) -> u64 {
        u64::from(self.width) * (self.num_samples * self.size) as u64
    }

    /// A large strip or tile needs encoded bytes for what it is said to become, its padding included.
    fn check(&mut self) -> Result<(), Refusal> {
        let height = match self.opened.decoder.get_chunk_type() {
            ChunkType::Tile => self.height,
            ChunkType::Strip => self.height.min(self.opened.page.height),
        };
        let row_bytes = self.row_bytes();
        if row_bytes > limits::FREE_DECODED_BYTES {
            let most = limits::FREE_DECODED_BYTES;
            let message = format!("rows of {row_bytes} bytes where at most {most} are read");
            return Err(Refusal::new(Code::TooLarge, message));
        }
        let bytes = row_bytes.saturating_mul(u64::from(height));
        if self.encoding.is_plain() || bytes <= limits::FREE_DECODED_BYTES {
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
        let needed = self.row_bytes() * u64::from(num_rows);
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
        // The decoder reads these straight to where they belong.
        if is_whole && self.opened.samples_per_pixel == 1 && self.encoding.is_plain() {
            for number in 0..across * down {
                let top = number / across * self.height;
                self.rows_at(number, self.height.min(page.height - top))?;
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
                if self.encoding.is_plain() {
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
        let row_bytes = self.row_bytes() as usize;
        let num_bytes = row_bytes * rect.3 as usize;
        if !is_shared && (rect.0, self.width) == (part.0, part.2) {
            let from = (rect.1 - part.1) as usize * row_bytes;
            let rows = target.get_mut(from..from + num_bytes);
            let short = || Refusal::new(Code::CorruptData, "fewer samples than its size says");
            return self.decode_rows(number, rect, rows.ok_or_else(short)?);
        }
        let num_wanted = rect.2 as usize * rect.3 as usize * self.num_colors * self.size;
        let mut decode = || {
            // Small ones are of no account, and many.
            let is_large = num_bytes > SMALL_BYTES;
            let _room = is_large.then(|| source::room(2 * num_bytes as u64));
            let mut bytes = vec![0; num_bytes];
            self.decode_rows(number, rect, &mut bytes)?;
            Ok::<_, Refusal>(bytes)
        };
        let bytes = match &key {
            Some(key) => kept::decoded(key, num_bytes, num_wanted, decode)?,
            None => Arc::new(decode()?),
        };
        let block = Block {
            bytes: &bytes,
            rect: (rect.0, rect.1, self.width, rect.3),
            samples_per_pixel: self.num_samples,
        };
        copy_block(&block, sample, part, self.size, target)?;
        if let Some(key) = &key {
            let (x, y, width, height) = common_of(rect, part);
            let num_taken = width as usize * height as usize * self.size;
            kept::taken(key, (x.into(), y.into(), sample), num_taken);
        }
        Ok(())
    }

    /// Decodes the rows of a strip or tile that the page has, of its full width.
    fn decode_rows(&mut self, number: u32, rect: Rect, target: &mut [u8]) -> Result<(), Refusal> {
        let (offset, length) = self.place(number)?;
        let num_rows = match self.opened.decoder.get_chunk_type() {
            // One strip for all rows says any number of them.
            ChunkType::Strip if self.height >= self.opened.page.height => rect.3,
            ChunkType::Strip | ChunkType::Tile => self.height,
        };
        let num_spare = self.row_bytes() * u64::from(num_rows - rect.3);
        let row_bytes = self.row_bytes() as usize;
        let reader = self.opened.decoder.inner();
        reader.seek(SeekFrom::Start(offset))?;
        let encoded = reader.take(length);
        self.encoding.decode(encoded, row_bytes, num_spare, target)
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

/// How the samples of a page are encoded.
fn encoding_of(opened: &mut Opened, num_samples: usize) -> Result<Encoding, Refusal> {
    let decoder = &mut opened.decoder;
    let method: Option<u16> = decoder.find_tag_unsigned(Tag::Compression)?;
    let predictor: Option<u16> = decoder.find_tag_unsigned(Tag::Predictor)?;
    let fill_order: Option<u16> = decoder.find_tag_unsigned(Tag::FillOrder)?;
    let sample_type = opened.page.sample_type;
    Ok(Encoding {
        method: method.map_or(
            CompressionMethod::None,
            CompressionMethod::from_u16_exhaustive,
        ),
        // The decoder knows no others.
        predictor: predictor
            .and_then(Predictor::from_u16)
            .unwrap_or(Predictor::None),
        is_reversed: fill_order == Some(LOWEST_BIT_FIRST),
        order: decoder.byte_order(),
        size: sample_type.num_bytes(),
        is_float: matches!(
            sample_type,
            SampleType::F16 | SampleType::F32 | SampleType::F64
        ),
        num_samples,
    })
}
