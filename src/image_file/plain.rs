//! BMP, PNG and JPEG files: one image each, decoded as a whole.

use std::sync::Arc;

use image::{
    ColorType, ImageDecoder as _, ImageError, ImageFormat, Limits, codecs::bmp::BmpDecoder,
};

use super::{
    Block, Page, Reader, Refusal, Wanted, check_ratio, check_size, copy_block, jpeg_file, part_of,
    pixels_of, png_file, sample_of,
};
use crate::{
    model::{Code, PageAt, Pixels, SampleType, Samples, WorkStage, limits},
    source::{
        self, OpenFile,
        kept::{self, Key},
    },
};

impl From<ImageError> for Refusal {
    fn from(error: ImageError) -> Self {
        match &error {
            ImageError::Unsupported(_) => Self::new(Code::Unsupported, error.to_string()),
            ImageError::Limits(_) => Self::new(Code::TooLarge, error.to_string()),
            ImageError::IoError(inner) => Self::of_io(inner),
            _ => Self::new(Code::CorruptData, format!("cannot be decoded ({error})")),
        }
    }
}

/// A file of which the header is read.
enum Opened {
    Bmp(BmpDecoder<Reader>, Page),
    Png(Box<png_file::Opened>),
    Jpeg(OpenFile, jpeg_file::Frame),
}

/// A file of which the samples are next.
enum Ready {
    Bmp(BmpDecoder<Reader>),
    Png(Box<png_file::Ready>),
    Jpeg(OpenFile, jpeg_file::Frame),
}

fn open(reader: Reader, format: ImageFormat, page: PageAt) -> Result<Opened, Refusal> {
    if page != PageAt::default() {
        let message = "a further page of a file with a single image";
        return Err(Refusal::new(Code::OutOfRange, message));
    }
    match format {
        ImageFormat::Png => Ok(Opened::Png(png_file::open(reader)?.into())),
        ImageFormat::Jpeg => {
            let file = reader.into_inner().into_file();
            let frame = jpeg_file::frame(&file)?;
            Ok(Opened::Jpeg(file, frame))
        }
        _ => open_bmp(reader),
    }
}

fn open_bmp(reader: Reader) -> Result<Opened, Refusal> {
    let mut decoder = BmpDecoder::new(reader)?;
    let mut bounds = Limits::default();
    bounds.max_alloc = Some(limits::DECODED_BYTES);
    decoder.set_limits(bounds)?;
    // 8-bit cameras: each of 256 palette entries is its own gray, and the indices are the samples.
    if decoder.get_palette().is_some_and(is_gray) {
        decoder.set_indexed_color(true);
    }
    let num_colors = match decoder.color_type() {
        ColorType::L8 => 1,
        ColorType::Rgb8 | ColorType::Rgba8 => 3,
        other => {
            let message = format!("image in the colours {other:?}, gray and RGB are read");
            return Err(Refusal::new(Code::Unsupported, message));
        }
    };
    let (width, height) = decoder.dimensions();
    let page = Page {
        width,
        height,
        sample_type: SampleType::U8,
        num_colors,
    };
    check_size(&page, usize::from(decoder.color_type().channel_count()))?;
    Ok(Opened::Bmp(decoder, page))
}

/// True for the palette from black to white that writers of gray images put into a BMP.
fn is_gray(palette: &[[u8; 3]]) -> bool {
    palette.len() == 256
        && palette
            .iter()
            .enumerate()
            .all(|(at, entry)| *entry == [at as u8; 3])
}

impl Opened {
    fn page(&self) -> Page {
        match self {
            Self::Bmp(_, page) => *page,
            Self::Png(opened) => opened.page,
            Self::Jpeg(_, frame) => frame.page(),
        }
    }

    /// Reads what lies before the samples; gives the samples of a pixel, too.
    fn ready(self) -> Result<(Ready, usize), Refusal> {
        match self {
            Self::Bmp(decoder, _) => {
                let count = decoder.color_type().channel_count();
                Ok((Ready::Bmp(decoder), usize::from(count)))
            }
            Self::Png(opened) => {
                let ready = opened.ready()?;
                let count = ready.samples_per_pixel;
                Ok((Ready::Png(ready.into()), count))
            }
            Self::Jpeg(file, frame) => {
                let count = usize::from(frame.page().num_colors);
                Ok((Ready::Jpeg(file, frame), count))
            }
        }
    }
}

impl Ready {
    /// Bytes that decoding takes, where these are its samples.
    fn working_bytes(&self, sample_bytes: u64) -> u64 {
        match self {
            Self::Bmp(_) | Self::Png(_) => sample_bytes,
            Self::Jpeg(_, frame) => frame.working_bytes().max(sample_bytes),
        }
    }

    /// Encoded bytes that are in memory meanwhile.
    fn held_bytes(&self) -> u64 {
        match self {
            Self::Bmp(_) | Self::Png(_) => 0,
            Self::Jpeg(file, _) => file.num_bytes(),
        }
    }

    /// All samples, (y, x, sample of the pixel), in the byte order of the machine.
    fn decode(self, target: &mut [u8]) -> Result<(), Refusal> {
        match self {
            Self::Bmp(decoder) => Ok(decoder.read_image(target)?),
            Self::Png(ready) => ready.decode(target),
            Self::Jpeg(file, frame) => jpeg_file::decode(&file, &frame, target),
        }
    }
}

pub(super) fn describe(reader: Reader, format: ImageFormat, page: PageAt) -> Result<Page, Refusal> {
    Ok(open(reader, format, page)?.page())
}

pub(super) fn read(
    mut reader: Reader,
    format: ImageFormat,
    wanted: Wanted,
) -> Result<Pixels, Refusal> {
    reader.get_mut().decodes_from_now_on();
    let _decoding = WorkStage::Decompress.enter();
    let file = reader.get_ref().file();
    let (num_bytes, modified) = (file.num_bytes(), file.modified());
    // Of a gray image that is one tile, nobody wants anything else.
    let is_shared = wanted.part.is_some() || wanted.color_idx.is_some();
    let key = is_shared.then(|| Key::of(file, (0, 0), (0, num_bytes)));
    let opened = open(reader, format, wanted.page)?;
    let page = opened.page();
    let sample = sample_of(&page, wanted.color_idx)?;
    let part = part_of(&page, wanted)?;
    let (ready, samples_per_pixel) = opened.ready()?;
    check_size(&page, samples_per_pixel)?;
    let num_samples = page.width as usize * page.height as usize * samples_per_pixel;
    let num_decoded = num_samples * page.sample_type.num_bytes();
    let working = ready.working_bytes(num_decoded as u64);
    check_ratio(working, num_bytes, modified)?;
    let (_, _, width, height) = part;
    let mut samples = Samples::zeros(page.sample_type, width as usize * height as usize);
    let target = samples.as_bytes_mut();
    let needed = ready.held_bytes().saturating_add(working);
    if num_decoded == target.len() {
        let _room = source::room(needed);
        ready.decode(target)?;
    } else {
        let decode = || {
            let _room = source::room(needed);
            let mut bytes = vec![0; num_decoded];
            ready.decode(&mut bytes)?;
            Ok(bytes)
        };
        let shared = Shared {
            key: key.transpose()?,
            page,
            samples_per_pixel,
        };
        shared.copy(sample, part, target, num_decoded, decode)?;
    }
    pixels_of(width, height, samples)
}

/// A decoded image of which several parts or colours may be wanted.
struct Shared {
    /// `None`: only one of them is.
    key: Option<Key>,
    page: Page,
    samples_per_pixel: usize,
}

impl Shared {
    /// Copies the wanted sample of every pixel of a part.
    fn copy(
        &self,
        sample: usize,
        part: (u32, u32, u32, u32),
        target: &mut [u8],
        num_decoded: usize,
        decode: impl FnOnce() -> Result<Vec<u8>, Refusal>,
    ) -> Result<(), Refusal> {
        let page = self.page;
        let num_wanted = num_decoded / self.samples_per_pixel * usize::from(page.num_colors);
        let bytes = match &self.key {
            Some(key) => kept::decoded(key, num_decoded, num_wanted, decode)?,
            None => Arc::new(decode()?),
        };
        let block = Block {
            bytes: &bytes,
            rect: (0, 0, page.width, page.height),
            samples_per_pixel: self.samples_per_pixel,
        };
        copy_block(&block, sample, part, page.sample_type.num_bytes(), target)?;
        if let Some(key) = &self.key {
            kept::taken(key, (part.0.into(), part.1.into(), sample), target.len());
        }
        Ok(())
    }
}
