//! Pages of a TIFF file (TIFF 6.0, `BigTIFF`), through the crate `tiff`: both byte orders, strips and tiles.
//!
//! Samples are those of the file, also where its zero means white (`PhotometricInterpretation` 0): the crate would turn
//! them over, so it is shown another tag.

mod chunks;
mod decode;

use tiff::{
    ColorType, TiffError,
    decoder::{Decoder, DecodingSampleType, Limits},
};

use self::chunks::Chunks;
use super::{
    Page, Reader, Refusal, Wanted, check_size,
    directories::{Directories, Directory, tags},
    pages::{offset_of, sub_directories},
    part_of, pixels_of,
    reader::Stream,
    sample_of,
};
use crate::{
    model::{Code, PageAt, Pixels, SampleType, Samples, WorkStage, limits},
    source::OpenFile,
};

/// `PhotometricInterpretation` of gray: 0 is white, 0 is black.
const WHITE_IS_ZERO: u64 = 0;
const BLACK_IS_ZERO: u64 = 1;
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
    let mut file = Directories::of(file)?;
    let offset = match sub_idx {
        None if page == PageAt::default() => file.first(),
        None => Some(offset_of(&mut file, page)?),
        Some(sub) => {
            let below = sub_directories(&mut file, page)?;
            let found = below.get(sub as usize).ok_or_else(|| {
                let message = format!("level {sub} of a page with {}", below.len());
                Refusal::new(Code::CorruptData, message)
            })?;
            Some(*found)
        }
    };
    let Some(offset) = offset else {
        return Err(Refusal::new(Code::CorruptData, "cut off"));
    };
    let mut patches = Vec::new();
    if let Some(directory) = file.read(offset)? {
        check_tables(&directory)?;
        patches = black_is_zero(&mut file, &directory)?;
    }
    if Some(offset) != file.first() {
        patches.push((0, file.head_with_first(offset)?));
    }
    Ok(Stream::patched(file.into_file(), patches))
}

/// The decoder keeps the places of all strips or tiles, and reads them for each part of a page.
fn check_tables(directory: &Directory) -> Result<(), Refusal> {
    let places = [
        tags::STRIP_OFFSETS,
        tags::STRIP_BYTES,
        tags::TILE_OFFSETS,
        tags::TILE_BYTES,
    ];
    for entry in places.into_iter().flat_map(|tag| directory.all(tag)) {
        let (found, most) = (entry.count(), limits::TIFF_VALUES);
        if found > most {
            let message =
                format!("a page of {found} strips or tiles where at most {most} are read");
            return Err(Refusal::new(Code::TooLarge, message));
        }
    }
    Ok(())
}

/// What has to stand in place of the tags that say that zero is white.
fn black_is_zero(
    file: &mut Directories,
    directory: &Directory,
) -> Result<Vec<(u64, Vec<u8>)>, Refusal> {
    let mut patches = Vec::new();
    for entry in directory.all(tags::PHOTOMETRIC) {
        if file.number(entry, 0)? == Some(WHITE_IS_ZERO) {
            patches.extend(file.patch(entry, BLACK_IS_ZERO));
        }
    }
    Ok(patches)
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
    let chunks = Chunks::of(&mut opened)?;
    let mut samples = Samples::zeros(page.sample_type, width as usize * height as usize);
    let _decoding = chunks
        .is_compressed()
        .then(|| WorkStage::Decompress.enter());
    chunks.read(sample, part, samples.as_bytes_mut())?;
    pixels_of(width, height, samples)
}
