//! PNG files (ISO/IEC 15948), through the crate `png`.
//!
//! Profiles and texts are passed over, and so is every chunk that `png` does not know: they are no pixels, and one that is
//! compressed may inflate to anything.

use std::io::Read as _;

use png::{BitDepth, ColorType, DecodingError, Info, Limits, Transformations};

use super::{Page, Reader, Refusal, check_size};
use crate::model::{Code, SampleType, limits};

impl From<DecodingError> for Refusal {
    fn from(error: DecodingError) -> Self {
        match &error {
            DecodingError::IoError(inner) => Self::of_io(inner),
            DecodingError::LimitsExceeded => Self::metadata(),
            _ => Self::new(Code::CorruptData, format!("cannot be decoded ({error})")),
        }
    }
}

/// A file of which the header is read.
pub(super) struct Opened {
    decoder: png::Decoder<Reader>,
    pub(super) page: Page,
}

/// Reads the header, and looks whether samples follow.
pub(super) fn open(mut reader: Reader) -> Result<Opened, Refusal> {
    look_for_samples(&mut reader)?;
    let bounds = Limits {
        bytes: limits::IMAGE_METADATA_BYTES as usize,
    };
    let mut decoder = png::Decoder::new_with_limits(reader, bounds);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    // The checksum of what is compressed, too.
    decoder.ignore_checksums(false);
    // Bits and palettes become whole samples, and the colour that stands for transparent an alpha.
    decoder.set_transformations(Transformations::EXPAND);
    let page = page_of(decoder.read_header_info()?);
    check_size(&page, 1)?;
    Ok(Opened { decoder, page })
}

/// Goes from chunk to chunk up to the first with samples, and back to the beginning.
fn look_for_samples(reader: &mut Reader) -> Result<(), Refusal> {
    let mut at = 8;
    reader.seek_relative(at)?;
    let mut head = [0; 8];
    loop {
        reader.read_exact(&mut head)?;
        let [a, b, c, d, kind @ ..] = head;
        if kind == *b"IDAT" {
            break;
        }
        // Length, kind and checksum are beside what the length counts.
        let length = i64::from(u32::from_be_bytes([a, b, c, d])) + 12;
        at += length;
        if at > limits::IMAGE_METADATA_BYTES as i64 {
            return Err(Refusal::metadata());
        }
        reader.seek_relative(length - head.len() as i64)?;
    }
    Ok(reader.seek_relative(-at - head.len() as i64)?)
}

fn page_of(info: &Info<'_>) -> Page {
    let num_colors = match info.color_type {
        ColorType::Grayscale | ColorType::GrayscaleAlpha => 1,
        ColorType::Rgb | ColorType::Rgba | ColorType::Indexed => 3,
    };
    let sample_type = match info.bit_depth {
        BitDepth::Sixteen => SampleType::U16,
        _ => SampleType::U8,
    };
    Page {
        width: info.width,
        height: info.height,
        sample_type,
        num_colors,
    }
}

/// A file of which the samples are next.
pub(super) struct Ready {
    reader: png::Reader<Reader>,
    sample_type: SampleType,
    pub(super) samples_per_pixel: usize,
}

impl Opened {
    /// Reads what lies before the samples.
    pub(super) fn ready(mut self) -> Result<Ready, Refusal> {
        // A row, of 8 bytes a pixel at most, counts beside the metadata.
        let bytes = limits::IMAGE_METADATA_BYTES + 8 * u64::from(self.page.width);
        self.decoder.set_limits(Limits {
            bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
        });
        let reader = self.decoder.read_info()?;
        let (color, _) = reader.output_color_type();
        Ok(Ready {
            reader,
            sample_type: self.page.sample_type,
            samples_per_pixel: color.samples(),
        })
    }
}

impl Ready {
    /// All samples, (y, x, sample of the pixel), in the byte order of the machine.
    pub(super) fn decode(mut self, target: &mut [u8]) -> Result<(), Refusal> {
        self.reader.next_frame(target)?;
        if self.sample_type == SampleType::U16 {
            for sample in target.as_chunks_mut::<2>().0 {
                *sample = u16::from_be_bytes(*sample).to_ne_bytes();
            }
        }
        Ok(())
    }
}
