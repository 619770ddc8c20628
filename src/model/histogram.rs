//! Statistics of a plane's samples: extremes, counts, percentiles. From level-0 samples, never from means.

mod wide;

use std::borrow::Cow;

use super::{ContrastLimits, MemoryOrder, Pixels, Samples, Span, Value};
use wide::{Keyed, rank};

/// Intervals that a person sees.
const NUM_BINS: usize = 256;
/// All samples are seen, except where they reach so many times as far as the limits: these would be one line.
const MOST_SPREADS: f64 = 4096.0;

/// The counts of samples of up to 16 bit without those of gaps, which all hold the fill value.
fn without_gaps(mut values: Vec<(f64, u32)>, pixels: &Pixels) -> Vec<(f64, u32)> {
    let Some(first) = pixels.gaps().first() else {
        return values;
    };
    let fill = pixels.value(first.x, first.y).map(Value::as_f64);
    let Some(fill) = fill.filter(|fill| fill.is_finite()) else {
        return values;
    };
    let areas = pixels.gaps().iter();
    let areas = areas.map(|gap| u64::from(gap.width) * u64::from(gap.height));
    let num_absent = u32::try_from(areas.sum::<u64>()).unwrap_or(u32::MAX);
    if let Some((_, count)) = values.iter_mut().find(|(value, _)| *value == fill) {
        *count = count.saturating_sub(num_absent);
    }
    values.retain(|&(_, count)| count > 0);
    values
}

/// Counts of wider samples without those of gaps.
fn counted_wide<T: Keyed>(samples: &[T], pixels: &Pixels) -> Vec<(f64, u32)> {
    wide::counted(&present(samples, pixels))
}

/// The samples outside of gaps.
fn present<'a, T: Copy>(samples: &'a [T], pixels: &Pixels) -> Cow<'a, [T]> {
    if pixels.gaps().is_empty() {
        return samples.into();
    }
    let is_column_major = pixels.order() == MemoryOrder::ColumnMajor;
    let line = if is_column_major {
        pixels.height()
    } else {
        pixels.width()
    };
    let mut are_absent = vec![false; samples.len()];
    for gap in pixels.gaps() {
        let (along, across) = if is_column_major {
            (
                gap.y..gap.y.saturating_add(gap.height),
                gap.x..gap.x.saturating_add(gap.width),
            )
        } else {
            (
                gap.x..gap.x.saturating_add(gap.width),
                gap.y..gap.y.saturating_add(gap.height),
            )
        };
        for at in across {
            let start = at as usize * line as usize;
            let of_line = start + along.start as usize..start + along.end.min(line) as usize;
            if let Some(of_line) = are_absent.get_mut(of_line) {
                of_line.fill(true);
            }
        }
    }
    let present = samples
        .iter()
        .zip(are_absent)
        .filter(|(_, is_absent)| !is_absent);
    present.map(|(&sample, _)| sample).collect()
}

/// Statistics of the samples of one plane or tile.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Smallest finite sample.
    pub min: f64,
    /// Largest finite sample.
    pub max: f64,
    /// Samples counted (NaN and infinities are left out).
    pub num_samples: u64,
    /// Counts of `bins.len()` equal intervals of `shown`, at most 256; the outer ones count what lies beyond as well.
    pub bins: Vec<u32>,
    /// What a person sees: from `min` to `max`, or where a few samples lie thousands of times as far away as the rest
    /// the auto limits with as much on both sides.
    pub shown: Span,
    /// Default auto limits: 0.1 % to 99.9 % of the samples.
    pub auto: ContrastLimits,
    /// Values that occur, ascending, with their counts; a value of more than 16 bit stands for its interval (`wide`).
    values: Vec<(f64, u32)>,
}

impl Histogram {
    /// Bytes that it takes in memory: a megabyte where a plane has all values of 16 bits, and some where they are wider.
    #[must_use]
    pub fn num_bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.bins) + size_of_val(&*self.values)
    }

    /// Counts the samples of `pixels`, those of gaps left out; `None` where no sample is finite.
    ///
    /// Under 5 ms for 2048 x 2048 u16 (`benches/picture.rs`). The same samples give the same statistics in any memory
    /// order.
    #[must_use]
    pub fn of(pixels: &Pixels) -> Option<Self> {
        let values = match pixels.samples() {
            Samples::Bool(v) | Samples::U8(v) => {
                counted(v.iter().map(|&s| usize::from(s)), 1 << 8, 0.0)
            }
            Samples::I8(v) => counted(
                v.iter().map(|&s| usize::from(s.cast_unsigned() ^ 0x80)),
                1 << 8,
                -128.0,
            ),
            Samples::U16(v) => counted(v.iter().map(|&s| usize::from(s)), 1 << 16, 0.0),
            Samples::I16(v) => counted(
                v.iter().map(|&s| usize::from(s.cast_unsigned() ^ 0x8000)),
                1 << 16,
                -32768.0,
            ),
            Samples::U32(v) => counted_wide(v, pixels),
            Samples::U64(v) => counted_wide(v, pixels),
            Samples::I32(v) => counted_wide(v, pixels),
            Samples::I64(v) => counted_wide(v, pixels),
            Samples::F16(v) => counted_wide(v, pixels),
            Samples::F32(v) => counted_wide(v, pixels),
            Samples::F64(v) => counted_wide(v, pixels),
        };
        let values = if pixels.sample_type().num_bytes() > 2 || pixels.sample_type().is_float() {
            values
        } else {
            without_gaps(values, pixels)
        };
        Self::of_values(values, !pixels.sample_type().is_float())
    }

    /// Statistics where no sample is finite: nothing counted, limits 0 and 1.
    #[must_use]
    pub fn empty() -> Self {
        let auto = ContrastLimits {
            low: 0.0,
            high: 1.0,
        };
        Self {
            min: 0.0,
            max: 1.0,
            num_samples: 0,
            bins: vec![0],
            shown: Span { from: 0.0, to: 1.0 },
            auto,
            values: Vec::new(),
        }
    }

    /// True where all samples are equal, or there are none: nothing that limits could be made of.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.num_samples == 0 || self.min == self.max
    }

    /// Statistics of several tiles together; `None` where there are none.
    #[must_use]
    pub fn merged(tiles: &[Self]) -> Option<Self> {
        if let [only] = tiles {
            return Some(only.clone());
        }
        let mut values: Vec<(f64, u32)> = tiles
            .iter()
            .flat_map(|tile| tile.values.iter().copied())
            .collect();
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        values.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            if is_same {
                kept.1 = kept.1.saturating_add(next.1);
            }
            is_same
        });
        let are_whole = values.iter().all(|(value, _)| value.fract() == 0.0);
        Self::of_values(values, are_whole)
    }

    fn of_values(values: Vec<(f64, u32)>, are_whole: bool) -> Option<Self> {
        let (min, max) = (values.first()?.0, values.last()?.0);
        let num_samples = values.iter().map(|&(_, count)| u64::from(count)).sum();
        let auto = ContrastLimits {
            low: min,
            high: max,
        };
        let mut histogram = Self {
            min,
            max,
            num_samples,
            bins: Vec::new(),
            shown: Span { from: min, to: max },
            auto,
            values,
        };
        histogram.auto = histogram.percentiles(0.1, 99.9);
        histogram.shown = histogram.around_limits();
        histogram.bins = histogram.counts_of_bins(are_whole);
        Some(histogram)
    }

    /// All samples, or what lies around the limits.
    fn around_limits(&self) -> Span {
        let all = Span {
            from: self.min,
            to: self.max,
        };
        let limits = Span {
            from: self.auto.low,
            to: self.auto.high,
        };
        if all.width() / MOST_SPREADS <= limits.width() {
            return all;
        }
        Span {
            from: limits.at(-1.0).max(self.min),
            to: limits.at(2.0).min(self.max),
        }
    }

    fn counts_of_bins(&self, are_whole: bool) -> Vec<u32> {
        let num_bins = if are_whole {
            (self.shown.width() + 1.0).min(NUM_BINS as f64) as usize
        } else {
            NUM_BINS
        };
        let mut bins = vec![0_u32; num_bins.max(1)];
        let last = bins.len() - 1;
        for &(value, count) in &self.values {
            let bin = (self.shown.part_of(value) * bins.len() as f64) as usize;
            let bin = &mut bins[bin.min(last)];
            *bin = bin.saturating_add(count);
        }
        bins
    }

    /// Limits that leave `low` percent of the samples at or below the lower one, and `high` percent at or below the
    /// upper one (0 to 100). Exact for samples up to 16 bit, and for others whose extremes are at most 65,535 apart; else
    /// a limit is off by at most a 2,000th of the distance between the 0.1 and the 99.9 percentile, where the percentage
    /// has one decimal place.
    ///
    /// The limits always differ: of a flat plane the upper one is a little above its value. Where nothing was counted
    /// they are 0 and 1.
    #[must_use]
    pub fn percentiles(&self, low: f64, high: f64) -> ContrastLimits {
        if self.values.is_empty() {
            return self.auto;
        }
        let (low, high) = (self.value_at(low), self.value_at(high));
        if low < high {
            return ContrastLimits { low, high };
        }
        // At least what tells neighbouring numbers of that size apart.
        let step = if self.min.fract() == 0.0 && self.max.fract() == 0.0 {
            (low.abs() * 1e-15).max(1.0)
        } else {
            (low.abs() * 1e-6).max(1e-9)
        };
        let (below, above) = (low - step, low + step);
        if above.is_finite() {
            ContrastLimits { low, high: above }
        } else {
            ContrastLimits {
                low: below,
                high: low,
            }
        }
    }

    /// The smallest value with at least `percent` of the samples at or below it.
    fn value_at(&self, percent: f64) -> f64 {
        let wanted = rank(self.num_samples, percent);
        let mut below = 0.0;
        for &(value, count) in &self.values {
            below += f64::from(count);
            if below >= wanted {
                return value;
            }
        }
        self.max
    }
}

/// Counts of samples of up to 16 bit; index `i` stands for the value `i + offset`.
fn counted(
    indices: impl Iterator<Item = usize>,
    num_values: usize,
    offset: f64,
) -> Vec<(f64, u32)> {
    // Neighbouring pixels are alike: two tables in turn keep one increment from waiting for the one before.
    let (mut even, mut odd) = (vec![0_u32; num_values], vec![0_u32; num_values]);
    let mut is_odd = false;
    for index in indices {
        let table = if is_odd { &mut odd } else { &mut even };
        table[index & (num_values - 1)] += 1;
        is_odd = !is_odd;
    }
    let both = even.iter().zip(&odd).map(|(a, b)| a + b).enumerate();
    both.filter(|&(_, count)| count > 0)
        .map(|(index, count)| (index as f64 + offset, count))
        .collect()
}

#[cfg(test)]
mod tests;
