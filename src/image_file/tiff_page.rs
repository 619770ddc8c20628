//! Pages of a TIFF file (TIFF 6.0, `BigTIFF`), through the crate `tiff`: both byte orders, strips and tiles.

use tiff::{
    ColorType, TiffError,
    decoder::{Decoder, DecodingSampleType, Limits},
    tags::Tag,
};

use super::{
    Page, Reader, Refusal, Wanted, check_size,
    directories::Directories,
    pages::{offset_of, sub_directories},
    part::{Block, copy_block, part_of, sample_of},
    pixels_of,
    reader::Stream,
};
use crate::{
    model::{Code, PageAt, Pixels, SampleType, Samples, WorkStage, limits},
    source::OpenFile,
};

/// `Compression` of samples as they are (TIFF 6.0, section 3).
const UNCOMPRESSED: u16 = 1;
/// Bytes of one tag, each value of 8 bytes.
const TAG_BYTES: usize = 8 * limits::TIFF_VALUES as usize;

impl From<TiffError> for Refusal {
    fn from(error: TiffError) -> Self {
        match &error {
            TiffError::UnsupportedError(inner) => Self::new(
                Code::Unsupported,
                format!("TIFF of an unread kind ({inner})"),
            ),
            TiffError::LimitsExceeded => Self::new(Code::TooLarge, "TIFF beyond the budgets"),
            TiffError::IoError(inner) => Self::of_io(inner),
            _ => Self::new(Code::CorruptData, format!("cannot be decoded ({error})")),
        }
    }
}

/// An opened page and how its samples lie.
struct Opened {
    decoder: Decoder<Reader>,
    page: Page,
    samples_per_pixel: usize,
    /// Colours lie one after the other, each a whole plane.
    is_planar: bool,
}

fn open(reader: Reader) -> Result<Opened, Refusal> {
    let mut bounds = Limits::default();
    bounds.decoding_buffer_size = limits::DECODED_BYTES as usize;
    bounds.intermediate_buffer_size = limits::DECODED_BYTES as usize;
    bounds.ifd_value_size = TAG_BYTES;
    let mut decoder = Decoder::new(reader)?.with_limits(bounds);
    let (width, height) = decoder.dimensions()?;
    let (num_colors, samples_per_pixel, bits) = colors_of(decoder.colortype()?)?;
    let layout = decoder.image_buffer_layout()?;
    let sample_type = layout.sample_type.map(sample_type_of);
    let sample_type = sample_type.filter(|found| found.num_bytes() * 8 == usize::from(bits));
    let sample_type = sample_type.ok_or_else(|| {
        Refusal::new(
            Code::Unsupported,
            format!("TIFF with samples of {bits} bits"),
        )
    })?;
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
        is_planar: layout.planes > 1,
    })
}

/// Colours that are shown, samples of a pixel, and bits of a sample.
fn colors_of(found: ColorType) -> Result<(u8, usize, u8), Refusal> {
    match found {
        ColorType::Gray(bits) => Ok((1, 1, bits)),
        ColorType::GrayA(bits) => Ok((1, 2, bits)),
        ColorType::RGB(bits) => Ok((3, 3, bits)),
        ColorType::RGBA(bits) => Ok((3, 4, bits)),
        other => Err(Refusal::new(
            Code::Unsupported,
            format!("TIFF in the colours {other:?}, gray and RGB are read"),
        )),
    }
}

fn sample_type_of(found: DecodingSampleType) -> SampleType {
    match found {
        DecodingSampleType::U8 => SampleType::U8,
        DecodingSampleType::U16 => SampleType::U16,
        DecodingSampleType::U32 => SampleType::U32,
        DecodingSampleType::U64 => SampleType::U64,
        DecodingSampleType::F16 => SampleType::F16,
        DecodingSampleType::F32 => SampleType::F32,
        DecodingSampleType::F64 => SampleType::F64,
        DecodingSampleType::I8 => SampleType::I8,
        DecodingSampleType::I16 => SampleType::I16,
        DecodingSampleType::I32 => SampleType::I32,
        DecodingSampleType::I64 => SampleType::I64,
    }
}

/// A reader that begins at a page, or at a directory below it.
pub(super) fn reader_at(
    file: OpenFile,
    page: PageAt,
    sub_idx: Option<u32>,
) -> Result<Reader, Refusal> {
    if page == PageAt::default() && sub_idx.is_none() {
        return Ok(Stream::buffered(file));
    }
    let mut file = Directories::of(file)?;
    let offset = match sub_idx {
        None => offset_of(&mut file, page)?,
        Some(sub) => {
            let below = sub_directories(&mut file, page)?;
            *below.get(sub as usize).ok_or_else(|| {
                let message = format!("level {sub} of a page with {}", below.len());
                Refusal::new(Code::CorruptData, message)
            })?
        }
    };
    let head = file.head_with_first(offset)?;
    Ok(Stream::patched(file.into_file(), vec![(0, head)]))
}

pub(super) fn describe(reader: Reader) -> Result<Page, Refusal> {
    open(reader).map(|opened| opened.page)
}

pub(super) fn read(reader: Reader, wanted: Wanted) -> Result<Pixels, Refusal> {
    let mut opened = open(reader)?;
    let page = opened.page;
    let sample = sample_of(&page, wanted.color_idx)?;
    let part = part_of(&page, wanted)?;
    let (_, _, width, height) = part;
    let mut samples = Samples::zeros(page.sample_type, width as usize * height as usize);
    let is_whole = (width, height) == (page.width, page.height);
    let compression = opened.decoder.find_tag_unsigned(Tag::Compression)?;
    let is_compressed = compression.is_some_and(|method: u16| method != UNCOMPRESSED);
    let _decoding = is_compressed.then(|| {
        opened.decoder.inner().get_mut().decodes_from_now_on();
        WorkStage::Decompress.enter()
    });
    if is_whole && opened.samples_per_pixel == 1 {
        opened.decoder.read_image_bytes(samples.as_bytes_mut())?;
    } else if is_whole || opened.is_planar {
        read_whole(&mut opened, sample, part, samples.as_bytes_mut())?;
    } else {
        read_chunks(&mut opened, sample, part, samples.as_bytes_mut())?;
    }
    pixels_of(width, height, samples)
}

/// Decodes the page and takes what is wanted of it.
fn read_whole(
    opened: &mut Opened,
    sample: usize,
    part: (u32, u32, u32, u32),
    target: &mut [u8],
) -> Result<(), Refusal> {
    let layout = opened.decoder.image_buffer_layout()?;
    let mut bytes = vec![0; layout.complete_len];
    opened.decoder.read_image_bytes(&mut bytes)?;
    let page = opened.page;
    let start = match layout.plane_stride {
        Some(stride) if opened.is_planar => stride.get() * sample,
        _ => 0,
    };
    let (sample, samples_per_pixel) = if opened.is_planar {
        (0, 1)
    } else {
        (sample, opened.samples_per_pixel)
    };
    let block = Block {
        bytes: bytes.get(start..).unwrap_or_default(),
        rect: (0, 0, page.width, page.height),
        samples_per_pixel,
    };
    copy_block(&block, sample, part, page.sample_type.num_bytes(), target)
}

/// Decodes the strips or tiles that the part touches.
fn read_chunks(
    opened: &mut Opened,
    sample: usize,
    part: (u32, u32, u32, u32),
    target: &mut [u8],
) -> Result<(), Refusal> {
    let page = opened.page;
    let (chunk_width, chunk_height) = opened.decoder.chunk_dimensions();
    if chunk_width == 0 || chunk_height == 0 {
        return Err(Refusal::new(Code::CorruptData, "strips without pixels"));
    }
    let across = page.width.div_ceil(chunk_width);
    let (x, y, width, height) = part;
    for row in y / chunk_height..=(y + height - 1) / chunk_height {
        for col in x / chunk_width..=(x + width - 1) / chunk_width {
            let number = row * across + col;
            let (data_width, data_height) = opened.decoder.chunk_data_dimensions(number);
            let mut decoded = opened.decoder.read_chunk(number)?;
            let decoded = decoded.as_buffer(0);
            let block = Block {
                bytes: decoded.as_bytes(),
                rect: (
                    col * chunk_width,
                    row * chunk_height,
                    data_width,
                    data_height,
                ),
                samples_per_pixel: opened.samples_per_pixel,
            };
            copy_block(&block, sample, part, page.sample_type.num_bytes(), target)?;
        }
    }
    Ok(())
}
