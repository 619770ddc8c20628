//! The blend on the CPU: judge of the shader, engine of `render`.
//!
//! The same formulas as `shader.wgsl`, in the same order, in `f32`. Rows in parallel.

use rayon::prelude::*;

use super::{
    DrawItem, DrawList, Hatch,
    label_composite::draw_labels,
    look::{
        BACKGROUND, CLIP_COLORS, HATCH_COLORS, HATCH_LINE_PX, HATCH_PERIOD_PX, HATCH_SPARSE_PX,
        LUT_ENTRIES, Numbers, lut_table,
    },
};
use crate::model::{Lut, Samples};

/// The canvas as 8-bit RGBA, rows from the top, opaque.
#[must_use]
pub fn composite(list: &DrawList) -> Vec<u8> {
    let (width, height) = (
        list.canvas.width_px as usize,
        list.canvas.height_px as usize,
    );
    let [r, g, b] = BACKGROUND;
    let mut picture = [r, g, b, u8::MAX].repeat(width * height);
    for item in &list.items {
        let Some(prepared) = Prepared::of(list, item) else {
            continue;
        };
        let rows = picture.par_chunks_exact_mut(width.max(1) * 4).enumerate();
        rows.filter(|(y, _)| prepared.rows.contains(y))
            .for_each(|(y, row)| prepared.draw_row(y, row));
    }
    draw_labels(list, &mut picture);
    picture
}

/// An item ready to be drawn row by row.
struct Prepared<'a> {
    layers: Vec<Layer<'a>>,
    hatch: Option<Hatch>,
    marks_clipped: bool,
    /// Canvas rows and columns whose pixel centres lie inside.
    rows: std::ops::Range<usize>,
    cols: std::ops::Range<usize>,
    origin: [f32; 2],
}

/// One channel of an item.
struct Layer<'a> {
    samples: &'a Samples,
    numbers: Numbers,
    /// Distance of neighbouring samples along x and y.
    strides: [usize; 2],
    /// Texel column of each canvas column in [`Prepared::cols`].
    texel_cols: Vec<usize>,
    color: [f32; 3],
    table: Option<Vec<[f32; 4]>>,
}

impl<'a> Prepared<'a> {
    fn of(list: &DrawList, item: &'a DrawItem) -> Option<Self> {
        let span = |start: f64, end: f64, size: u32| {
            let first = (start - 0.5).ceil().clamp(0.0, f64::from(size)) as usize;
            let last = (end - 0.5).ceil().clamp(0.0, f64::from(size)) as usize;
            (first < last).then_some(first..last)
        };
        let cols = span(item.rect.x0, item.rect.x1, list.canvas.width_px)?;
        let rows = span(item.rect.y0, item.rect.y1, list.canvas.height_px)?;
        let origin = [item.rect.x0 as f32, item.rect.y0 as f32];
        let layer = |drawn: &'a super::DrawnTile| {
            let numbers = Numbers::of(list, item, drawn)?;
            let pixels = drawn.pixels.as_ref();
            let (width, height) = (pixels.width() as usize, pixels.height() as usize);
            Some(Layer {
                samples: pixels.samples(),
                numbers,
                strides: if numbers.is_column_major {
                    [height, 1]
                } else {
                    [1, width]
                },
                texel_cols: cols
                    .clone()
                    .map(|x| texel(x, origin[0], numbers.scale[0], numbers.size[0]))
                    .collect(),
                color: numbers.lut.at(1.0),
                table: matches!(numbers.lut, Lut::Map(_)).then(|| lut_table(numbers.lut)),
            })
        };
        let layers = item.tiles.iter().filter_map(layer).collect();
        Some(Self {
            layers,
            hatch: item.hatch,
            marks_clipped: list.mark_clipped,
            rows,
            cols,
            origin,
        })
    }

    fn draw_row(&self, y: usize, row: &mut [u8]) {
        let width = self.cols.len();
        let mut sums = vec![[0.0_f32; 3]; width];
        let mut values = vec![0.0_f32; width];
        let (mut any_high, mut all_low) =
            (vec![false; width], vec![!self.layers.is_empty(); width]);
        for layer in &self.layers {
            layer.values(y, self.origin[1], &mut values);
            for (column, &value) in values.iter().enumerate() {
                any_high[column] |= value >= 1.0;
                all_low[column] &= value <= 0.0;
                let color = layer.colored(value);
                for (sum, part) in sums[column].iter_mut().zip(color) {
                    *sum += part;
                }
            }
        }
        for (column, x) in self.cols.clone().enumerate() {
            let mut color = sums[column];
            if self.marks_clipped && any_high[column] {
                color = unit(CLIP_COLORS[0]);
            } else if self.marks_clipped && all_low[column] {
                color = unit(CLIP_COLORS[1]);
            }
            if let Some(hatch) = self.hatch {
                color = hatched(hatch, self.layers.is_empty(), x, y).unwrap_or(color);
            }
            for (out, part) in row[x * 4..x * 4 + 3].iter_mut().zip(color) {
                *out = (part.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
            }
        }
    }
}

impl Layer<'_> {
    /// Normalised values (before gamma and clamping to colour) of one canvas row.
    fn values(&self, y: usize, origin_y: f32, values: &mut [f32]) {
        let texel_row = texel(y, origin_y, self.numbers.scale[1], self.numbers.size[1]);
        let base = texel_row * self.strides[1];
        let at = |column: usize| base + self.texel_cols[column] * self.strides[0];
        let numbers = &self.numbers;
        /// One loop per sample type, so that the type is decided once per row.
        macro_rules! each {
            ($samples:expr, $difference:expr) => {
                for (column, value) in values.iter_mut().enumerate() {
                    *value = numbers.normalised($difference($samples[at(column)]));
                }
            };
        }
        match self.samples {
            Samples::Bool(v) | Samples::U8(v) => {
                each!(v, |s: u8| numbers.uint_difference(u32::from(s)))
            }
            Samples::U16(v) => each!(v, |s: u16| numbers.uint_difference(u32::from(s))),
            Samples::U32(v) => each!(v, |s: u32| numbers.uint_difference(s)),
            Samples::I8(v) => each!(v, |s: i8| numbers.sint_difference(i32::from(s))),
            Samples::I16(v) => each!(v, |s: i16| numbers.sint_difference(i32::from(s))),
            Samples::I32(v) => each!(v, |s: i32| numbers.sint_difference(s)),
            Samples::U64(v) => each!(v, |s: u64| s as f32 - numbers.low_rest),
            Samples::I64(v) => each!(v, |s: i64| s as f32 - numbers.low_rest),
            Samples::F16(v) => each!(v, |s: half::f16| f32::from(s) - numbers.low_rest),
            Samples::F32(v) => each!(v, |s: f32| s - numbers.low_rest),
            Samples::F64(v) => each!(v, |s: f64| s as f32 - numbers.low_rest),
        }
    }

    /// Gamma, direction and colour of a normalised value.
    fn colored(&self, value: f32) -> [f32; 3] {
        let clamped = value.clamp(0.0, 1.0);
        let value = if self.numbers.gamma == 1.0 {
            clamped
        } else {
            clamped.powf(self.numbers.gamma)
        };
        let value = if self.numbers.is_inverted {
            1.0 - value
        } else {
            value
        };
        let Some(table) = &self.table else {
            return self.color.map(|part| part * value);
        };
        let at = value * (LUT_ENTRIES - 1) as f32;
        let low = (at as usize).min(LUT_ENTRIES - 2);
        let part = at - low as f32;
        std::array::from_fn(|i| table[low][i] + (table[low + 1][i] - table[low][i]) * part)
    }
}

impl Numbers {
    /// Sample minus lower limit; whole numbers are subtracted as such.
    fn uint_difference(&self, sample: u32) -> f32 {
        let whole = if sample < self.low_whole {
            -((self.low_whole - sample) as f32)
        } else {
            (sample - self.low_whole) as f32
        };
        whole - self.low_rest
    }

    /// As [`Self::uint_difference`]; the wrapped difference of the bits is the exact distance.
    fn sint_difference(&self, sample: i32) -> f32 {
        let (low, bits) = (self.low_whole.cast_signed(), sample.cast_unsigned());
        let whole = if sample < low {
            -(self.low_whole.wrapping_sub(bits) as f32)
        } else {
            bits.wrapping_sub(self.low_whole) as f32
        };
        whole - self.low_rest
    }

    /// The difference over the range; equal limits are a step; NaN is 0.
    fn normalised(&self, difference: f32) -> f32 {
        if difference.is_nan() {
            0.0
        } else {
            difference * self.inverse_range + self.offset
        }
    }
}

/// The texel under the centre of a canvas pixel.
fn texel(pixel: usize, origin: f32, scale: f32, size: u32) -> usize {
    texel_at(pixel as f32 + 0.5, origin, scale, size)
}

/// The texel under a position of the canvas; the nearest one outside of the tile.
pub(super) fn texel_at(position: f32, origin: f32, scale: f32, size: u32) -> usize {
    let at = ((position - origin) * scale).floor();
    at.clamp(0.0, size as f32 - 1.0) as usize
}

/// The hatching at a canvas pixel; `None` where the picture shows through.
fn hatched(hatch: Hatch, is_alone: bool, x: usize, y: usize) -> Option<[f32; 3]> {
    let [stripe, ground] = match hatch {
        Hatch::Planned => [HATCH_COLORS[0], HATCH_COLORS[1]],
        Hatch::Failed => [HATCH_COLORS[2], HATCH_COLORS[3]],
    };
    let at = (x + y) as u32;
    if is_alone {
        let in_stripe = at % HATCH_PERIOD_PX < HATCH_PERIOD_PX / 2;
        return Some(unit(if in_stripe { stripe } else { ground }));
    }
    (at % HATCH_SPARSE_PX < HATCH_LINE_PX).then(|| unit(stripe))
}

fn unit(color: [u8; 3]) -> [f32; 3] {
    color.map(|part| f32::from(part) / 255.0)
}
