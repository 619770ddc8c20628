//! BMP, PNG and JPEG files, through the crate `image`.

use image::{
    ColorType, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, codecs::bmp::BmpDecoder,
};

use super::{
    Block, Page, Reader, Refusal, Wanted, check_size, copy_block, part_of, pixels_of, sample_of,
};
use crate::model::{Code, PageAt, Pixels, SampleType, Samples, WorkStage, limits};

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

/// A decoder of any of the formats, its page, and samples of a pixel.
struct Opened {
    decoder: Box<dyn ImageDecoder>,
    page: Page,
    samples_per_pixel: usize,
}

fn open(reader: Reader, format: ImageFormat, page: PageAt) -> Result<Opened, Refusal> {
    if page != PageAt::default() {
        let message = "a further page of a file with a single image";
        return Err(Refusal::new(Code::OutOfRange, message));
    }
    let mut bounds = Limits::default();
    bounds.max_alloc = Some(limits::DECODED_BYTES);
    let decoder: Box<dyn ImageDecoder> = if format == ImageFormat::Bmp {
        let mut decoder = BmpDecoder::new(reader)?;
        decoder.set_limits(bounds)?;
        // 8-bit cameras: each of 256 palette entries is its own gray, and the indices are the samples.
        if decoder.get_palette().is_some_and(is_gray) {
            decoder.set_indexed_color(true);
        }
        Box::new(decoder)
    } else {
        let mut reader = ImageReader::with_format(reader, format);
        reader.limits(bounds);
        Box::new(reader.into_decoder()?)
    };
    let (width, height) = decoder.dimensions();
    let (num_colors, samples_per_pixel, sample_type) = match decoder.color_type() {
        ColorType::L8 => (1, 1, SampleType::U8),
        ColorType::La8 => (1, 2, SampleType::U8),
        ColorType::Rgb8 => (3, 3, SampleType::U8),
        ColorType::Rgba8 => (3, 4, SampleType::U8),
        ColorType::L16 => (1, 1, SampleType::U16),
        ColorType::La16 => (1, 2, SampleType::U16),
        ColorType::Rgb16 => (3, 3, SampleType::U16),
        ColorType::Rgba16 => (3, 4, SampleType::U16),
        other => {
            let message = format!("image in the colours {other:?}, gray and RGB are read");
            return Err(Refusal::new(Code::Unsupported, message));
        }
    };
    let page = Page {
        width,
        height,
        sample_type,
        num_colors,
    };
    check_size(&page, samples_per_pixel)?;
    Ok(Opened {
        decoder,
        page,
        samples_per_pixel,
    })
}

/// True for the palette from black to white that writers of gray images put into a BMP.
fn is_gray(palette: &[[u8; 3]]) -> bool {
    palette.len() == 256
        && palette
            .iter()
            .enumerate()
            .all(|(at, entry)| *entry == [at as u8; 3])
}

pub(super) fn describe(reader: Reader, format: ImageFormat, page: PageAt) -> Result<Page, Refusal> {
    open(reader, format, page).map(|opened| opened.page)
}

pub(super) fn read(
    mut reader: Reader,
    format: ImageFormat,
    wanted: Wanted,
) -> Result<Pixels, Refusal> {
    reader.get_mut().decodes_from_now_on();
    let _decoding = WorkStage::Decompress.enter();
    let Opened {
        decoder,
        page,
        samples_per_pixel,
    } = open(reader, format, wanted.page)?;
    let sample = sample_of(&page, wanted.color_idx)?;
    let part = part_of(&page, wanted)?;
    let (_, _, width, height) = part;
    let mut samples = Samples::zeros(page.sample_type, width as usize * height as usize);
    if samples_per_pixel == 1 && (width, height) == (page.width, page.height) {
        decoder.read_image_boxed(samples.as_bytes_mut())?;
        return pixels_of(width, height, samples);
    }
    let mut bytes = vec![0; usize::try_from(decoder.total_bytes()).unwrap_or(usize::MAX)];
    decoder.read_image_boxed(&mut bytes)?;
    let block = Block {
        bytes: &bytes,
        rect: (0, 0, page.width, page.height),
        samples_per_pixel,
    };
    let size = page.sample_type.num_bytes();
    copy_block(&block, sample, part, size, samples.as_bytes_mut())?;
    pixels_of(width, height, samples)
}
