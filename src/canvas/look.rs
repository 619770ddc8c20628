//! Numbers of one drawn tile, prepared once for shader and CPU composite alike.
//!
//! `shader.wgsl` and `composite.rs` compute from exactly these, in the same order, in `f32`; a test compares them for
//! every sample type.

use super::{DrawItem, DrawList, DrawnTile};
use crate::model::{ChannelLook, Lut, MemoryOrder, SampleType};

/// Entries of a colormap's table.
pub(super) const LUT_ENTRIES: usize = 256;
/// Background of the canvas, and of what is hatched: sRGB, 0 to 255.
pub(super) const BACKGROUND: [u8; 3] = [0x0B, 0x0C, 0x0E];
/// Hatched tiles without pixels: stripes of half this period, in physical pixels.
pub(super) const HATCH_PERIOD_PX: u32 = 16;
/// Hatched tiles with pixels: thin lines this far apart, in physical pixels.
pub(super) const HATCH_SPARSE_PX: u32 = 32;
/// Width of a thin line.
pub(super) const HATCH_LINE_PX: u32 = 2;
/// Stripe and ground of planned tiles, stripe and ground of missing and failed ones.
pub(super) const HATCH_COLORS: [[u8; 3]; 4] = [
    [0x24, 0x28, 0x2E],
    [0x16, 0x18, 0x1C],
    [0x5A, 0x40, 0x16],
    [0x24, 0x1B, 0x0C],
];
/// Marks of samples at or beyond the upper limit, and at or below the lower one.
pub(super) const CLIP_COLORS: [[u8; 3]; 2] = [[0xFF, 0x30, 0x30], [0x30, 0x50, 0xFF]];

/// How samples of a type reach the shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Unsigned integers up to 32 bit, bool.
    Uint,
    /// Signed integers up to 32 bit.
    Sint,
    /// Floating point; 64-bit samples are narrowed to f32.
    Float,
}

impl Kind {
    pub(super) fn of(sample_type: SampleType) -> Self {
        match sample_type {
            SampleType::Bool | SampleType::U8 | SampleType::U16 | SampleType::U32 => Self::Uint,
            SampleType::I8 | SampleType::I16 | SampleType::I32 => Self::Sint,
            SampleType::U64
            | SampleType::I64
            | SampleType::F16
            | SampleType::F32
            | SampleType::F64 => Self::Float,
        }
    }
}

/// One channel of an item, in numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Numbers {
    /// Texels per physical pixel, along x and y.
    pub(super) scale: [f32; 2],
    /// Texels, along x and y.
    pub(super) size: [u32; 2],
    /// The lower limit's whole part, as the bits of an integer of the sample's signedness.
    pub(super) low_whole: u32,
    /// The lower limit, without its whole part for integers.
    pub(super) low_rest: f32,
    /// 1 / (high - low); where the limits are equal, so steep that the value is a step.
    pub(super) inverse_range: f32,
    /// What is added to the quotient: 0; where the limits are equal 1, so that the step lies at the limit itself.
    pub(super) offset: f32,
    pub(super) gamma: f32,
    pub(super) lut: Lut,
    /// The LUT is read from its other end, after gamma.
    pub(super) is_inverted: bool,
    pub(super) is_column_major: bool,
}

impl Numbers {
    /// The numbers of a tile at the place of its item; `None` where its channel has no limits.
    pub(super) fn of(list: &DrawList, item: &DrawItem, drawn: &DrawnTile) -> Option<Self> {
        let look = list.looks.get(drawn.look)?;
        let pixels = &drawn.pixels;
        let size = [pixels.width(), pixels.height()];
        let extent = [item.rect.x1 - item.rect.x0, item.rect.y1 - item.rect.y0];
        let (low_whole, low_rest, range) = limits(look, pixels.sample_type())?;
        let is_step = range == 0.0;
        Some(Self {
            scale: [
                (f64::from(size[0]) / extent[0]) as f32,
                (f64::from(size[1]) / extent[1]) as f32,
            ],
            size,
            low_whole,
            low_rest,
            inverse_range: if is_step {
                f32::MAX
            } else {
                // Of a range next to nothing it would be infinite, and 0 times that no number.
                ((1.0 / range) as f32).min(f32::MAX)
            },
            offset: if is_step { 1.0 } else { 0.0 },
            gamma: look.gamma,
            lut: look.lut,
            is_inverted: look.inverted,
            is_column_major: pixels.order() == MemoryOrder::ColumnMajor,
        })
    }
}

/// Whole part of the lower limit, its rest, and the range.
///
/// 32-bit integers subtract the whole part as integers first, so that they keep their last digits; smaller ones are
/// exact in `f32`.
fn limits(look: &ChannelLook, sample_type: SampleType) -> Option<(u32, f32, f64)> {
    /// Limits beyond this count as this: the range would be so wide that its inverse is no normal `f32`, and GPUs take
    /// such numbers for 0. Samples beyond it keep their side: their difference to a limit may be infinite, never NaN.
    const MOST: f64 = f32::MAX as f64 / 8.0;
    let limits = look.limits?;
    let (low, high) = (
        limits.low.clamp(-MOST, MOST),
        limits.high.clamp(-MOST, MOST),
    );
    let (low_whole, low_rest) = match sample_type {
        SampleType::U32 => (low.floor() as u32, low - f64::from(low.floor() as u32)),
        SampleType::I32 => (
            (low.floor() as i32).cast_unsigned(),
            low - f64::from(low.floor() as i32),
        ),
        _ => (0, low),
    };
    Some((low_whole, low_rest as f32, high - low))
}

/// A colormap as a table, linear between its entries; pure colours need none.
pub(super) fn lut_table(lut: Lut) -> Vec<[f32; 4]> {
    (0..LUT_ENTRIES)
        .map(|entry| {
            let [r, g, b] = lut.at(entry as f32 / (LUT_ENTRIES - 1) as f32);
            [r, g, b, 1.0]
        })
        .collect()
}
