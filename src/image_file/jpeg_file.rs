//! JPEG files (ITU-T T.81), through the crate `zune-jpeg`.
//!
//! The decoder makes gray of what is missing and says nothing of it, with its strict mode too where an end of image stands
//! behind what was cut off. So the file is gone through first ([`walk`]): only where every block of every component is
//! there is it decoded. Profiles, previews and texts are left out of what the decoder sees.

mod bits;
mod blocks;
mod walk;

use zune_jpeg::{
    JpegDecoder,
    errors::DecodeErrors,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use self::walk::{Segment, needed};
use super::{Page, Refusal, check_size};
use crate::{
    model::{Code, SampleType, WorkStage, limits},
    source::OpenFile,
};

impl From<DecodeErrors> for Refusal {
    fn from(error: DecodeErrors) -> Self {
        let code = match error {
            DecodeErrors::Unsupported(_) => Code::Unsupported,
            _ => Code::CorruptData,
        };
        Self::new(code, format!("cannot be decoded ({error})"))
    }
}

/// A colour of a frame: red, or brightness.
#[derive(Clone, Copy, Debug)]
struct Component {
    id: u8,
    /// Blocks of a unit of several components, across and down.
    across: u32,
    down: u32,
}

/// What a frame header says (T.81, B.2.2).
#[derive(Clone, Debug)]
pub(super) struct Frame {
    width: u32,
    height: u32,
    is_progressive: bool,
    components: Vec<Component>,
}

impl Frame {
    /// Of a segment; `None`: it is no frame header.
    fn of(segment: &Segment<'_>) -> Result<Option<Self>, Refusal> {
        let is_progressive = match segment.marker {
            0xc0 | 0xc1 => false,
            0xc2 => true,
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let message = "JPEG of an unread kind (lossless, hierarchical or arithmetic)";
                return Err(Refusal::new(Code::Unsupported, message));
            }
            _ => return Ok(None),
        };
        let &[precision, h1, h0, w1, w0, count, ref rest @ ..] = segment.body else {
            return Err(walk::bad("frame header"));
        };
        if precision != 8 {
            let message = format!("JPEG with samples of {precision} bits");
            return Err(Refusal::new(Code::Unsupported, message));
        }
        let (found, _) = rest.as_chunks::<3>();
        let component = |&[id, sampling, _]: &[u8; 3]| Component {
            id,
            across: u32::from(sampling >> 4),
            down: u32::from(sampling & 15),
        };
        let components: Vec<_> = found.iter().map(component).collect();
        let is_sampled =
            |it: &Component| (1..=4).contains(&it.across) && (1..=4).contains(&it.down);
        if components.len() != usize::from(count) || !components.iter().all(is_sampled) {
            return Err(walk::bad("frame header"));
        }
        if !matches!(count, 1 | 3 | 4) {
            let message = format!("JPEG of {count} components, gray and colours are read");
            return Err(Refusal::new(Code::Unsupported, message));
        }
        Ok(Some(Self {
            width: u32::from(u16::from_be_bytes([w1, w0])),
            height: u32::from(u16::from_be_bytes([h1, h0])),
            is_progressive,
            components,
        }))
    }

    pub(super) fn page(&self) -> Page {
        Page {
            width: self.width,
            height: self.height,
            sample_type: SampleType::U8,
            num_colors: if self.components.len() == 1 { 1 } else { 3 },
        }
    }

    /// Bytes that decoding takes; a progressive image is decoded in two steps, with 2 bytes a sample between them.
    pub(super) fn working_bytes(&self) -> u64 {
        let pixels = u64::from(self.width) * u64::from(self.height);
        let between = if self.is_progressive { 2 } else { 1 };
        pixels * self.components.len() as u64 * between
    }
}

/// The frame header of a file.
pub(super) fn frame(file: &OpenFile) -> Result<Frame, Refusal> {
    const USUALLY: u64 = 64 << 10;
    for length in [USUALLY, limits::IMAGE_METADATA_BYTES] {
        let data = beginning(file, length)?;
        let mut at = 2;
        while let Some(segment) = Segment::next(&data, at) {
            if let Some(frame) = Frame::of(&segment)? {
                check_size(&frame.page(), usize::from(frame.page().num_colors))?;
                return Ok(frame);
            }
            if segment.is_end() {
                return Err(walk::bad("order of segments"));
            }
            at = segment.range.end;
        }
        if data.len() as u64 == file.num_bytes() {
            return Err(walk::cut_off());
        }
    }
    Err(Refusal::metadata())
}

fn beginning(file: &OpenFile, length: u64) -> Result<Vec<u8>, Refusal> {
    let _reading = WorkStage::Read.enter();
    let mut data = vec![0; file.num_bytes().min(length) as usize];
    file.read_range(0, &mut data)?;
    Ok(data)
}

/// All samples, (y, x, sample of the pixel).
pub(super) fn decode(file: &OpenFile, frame: &Frame, target: &mut [u8]) -> Result<(), Refusal> {
    // Samples of nothing but noise are encoded in little more than their own bytes.
    let most = limits::IMAGE_METADATA_BYTES + 2 * target.len() as u64;
    let mut data = beginning(file, most)?;
    let parts = needed(&data)?;
    let mut length = 0;
    for part in parts {
        let part_len = part.len();
        data.copy_within(part, length);
        length += part_len;
    }
    data.truncate(length);
    let colors = if frame.components.len() == 1 {
        ColorSpace::Luma
    } else {
        ColorSpace::RGB
    };
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_max_scans(limits::JPEG_SCANS)
        .jpeg_set_out_colorspace(colors);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(data.as_slice()), options);
    decoder.decode_headers()?;
    if decoder.output_buffer_size() != Some(target.len()) {
        return Err(Refusal::new(Code::CorruptData, "changed while it was read"));
    }
    Ok(decoder.decode_into(target)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_bytes_are_changed_the_walk_comes_to_an_end() {
        let mut state = 1_u64;
        let mut below = |end: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as usize % end
        };
        let seeds: [&[u8]; 3] = [
            include_bytes!("../../tests/data/fuzz/picture/progressive_rgb.jpg"),
            include_bytes!("../../tests/data/fuzz/picture/restarts.jpg"),
            include_bytes!("../../tests/data/fuzz/picture/gray.jpg"),
        ];
        let mut num_whole = 0;
        for round in 0..ROUNDS {
            let mut bytes = seeds[round % 3].to_vec();
            for _ in 0..=below(4) {
                let at = below(bytes.len());
                bytes[at] = below(256) as u8;
            }
            num_whole += usize::from(needed(&bytes).is_ok());
        }
        assert!(num_whole > 0 && num_whole < ROUNDS, "{num_whole}");
    }

    const ROUNDS: usize = 20_000;
}
