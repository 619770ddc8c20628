//! 2 x 2 area means: the computed pyramid levels.
//!
//! Loops run along memory, whatever its order: both orders are "lines" of samples, and a mean takes two neighbours of
//! each of two lines.

use half::f16;

use super::{MemoryOrder, Pixels, Samples};

/// Half the width and height (rounded up), each sample the mean of up to 2 x 2; same sample type and memory order.
///
/// NaN left out (NaN only where all four are), integers rounded half up, bool takes the top left one.
#[must_use]
pub fn halved(pixels: &Pixels) -> Pixels {
    let line_len = line_len(pixels);
    rebuilt(
        pixels,
        match pixels.samples() {
            Samples::Bool(v) => Samples::Bool(nearest(v, line_len)),
            Samples::U8(v) => Samples::U8(means(v, line_len)),
            Samples::U16(v) => Samples::U16(means(v, line_len)),
            Samples::U32(v) => Samples::U32(means(v, line_len)),
            Samples::U64(v) => Samples::U64(means(v, line_len)),
            Samples::I8(v) => Samples::I8(means(v, line_len)),
            Samples::I16(v) => Samples::I16(means(v, line_len)),
            Samples::I32(v) => Samples::I32(means(v, line_len)),
            Samples::I64(v) => Samples::I64(means(v, line_len)),
            Samples::F16(v) => Samples::F16(means(v, line_len)),
            Samples::F32(v) => Samples::F32(means(v, line_len)),
            Samples::F64(v) => Samples::F64(means(v, line_len)),
        },
    )
}

/// As [`halved`], but each sample the top left one of its 2 x 2: for label images, whose numbers have no mean.
#[must_use]
pub fn halved_nearest(pixels: &Pixels) -> Pixels {
    let line_len = line_len(pixels);
    rebuilt(
        pixels,
        match pixels.samples() {
            Samples::Bool(v) => Samples::Bool(nearest(v, line_len)),
            Samples::U8(v) => Samples::U8(nearest(v, line_len)),
            Samples::U16(v) => Samples::U16(nearest(v, line_len)),
            Samples::U32(v) => Samples::U32(nearest(v, line_len)),
            Samples::U64(v) => Samples::U64(nearest(v, line_len)),
            Samples::I8(v) => Samples::I8(nearest(v, line_len)),
            Samples::I16(v) => Samples::I16(nearest(v, line_len)),
            Samples::I32(v) => Samples::I32(nearest(v, line_len)),
            Samples::I64(v) => Samples::I64(nearest(v, line_len)),
            Samples::F16(v) => Samples::F16(nearest(v, line_len)),
            Samples::F32(v) => Samples::F32(nearest(v, line_len)),
            Samples::F64(v) => Samples::F64(nearest(v, line_len)),
        },
    )
}

/// Samples that follow each other in memory before the next row (column) begins; at least 1.
fn line_len(pixels: &Pixels) -> usize {
    let len = match pixels.order() {
        MemoryOrder::RowMajor => pixels.width(),
        MemoryOrder::ColumnMajor => pixels.height(),
    };
    (len as usize).max(1)
}

fn rebuilt(pixels: &Pixels, samples: Samples) -> Pixels {
    let (width, height) = (pixels.width(), pixels.height());
    let gaps = pixels.gaps().iter().map(|gap| gap.halved(width, height));
    Pixels::new(
        pixels.width().div_ceil(2),
        pixels.height().div_ceil(2),
        pixels.order(),
        samples,
    )
    .expect("each pair of lines gives one line of half the length")
    .with_gaps(gaps.collect())
}

/// A sample that has a mean.
trait Mean: Copy {
    fn mean2(a: Self, b: Self) -> Self;
    fn mean4(a: Self, b: Self, c: Self, d: Self) -> Self;
}

/// Integers whose sum of four fits a wider type. An arithmetic shift rounds down, so half up with 2 added before.
macro_rules! integer_mean {
    ($($sample:ty, $wide:ty);*) => {$(
        impl Mean for $sample {
            fn mean2(a: Self, b: Self) -> Self {
                ((<$wide>::from(a) + <$wide>::from(b) + 1) >> 1) as Self
            }
            fn mean4(a: Self, b: Self, c: Self, d: Self) -> Self {
                ((<$wide>::from(a) + <$wide>::from(b) + <$wide>::from(c) + <$wide>::from(d) + 2) >> 2) as Self
            }
        }
    )*};
}
integer_mean!(u8, u16; u16, u32; u32, u64; u64, u128; i8, i16; i16, i32; i32, i64; i64, i128);

/// Mean of those that are numbers, NaN where none is.
fn mean_of_numbers(samples: &[f64]) -> f64 {
    let numbers = samples.iter().filter(|sample| !sample.is_nan());
    let (sum, count) = numbers.fold((0.0, 0.0), |(sum, count), sample| {
        (sum + sample, count + 1.0)
    });
    if count == 0.0 {
        return f64::NAN;
    }
    if sum.is_finite() {
        return sum / count;
    }
    // The sum of large numbers may be infinite where their mean is not.
    samples
        .iter()
        .filter(|sample| !sample.is_nan())
        .map(|sample| sample / count)
        .sum()
}

macro_rules! float_mean {
    ($($sample:ty, $narrow:expr);*) => {$(
        impl Mean for $sample {
            fn mean2(a: Self, b: Self) -> Self {
                $narrow(mean_of_numbers(&[f64::from(a), f64::from(b)]))
            }
            fn mean4(a: Self, b: Self, c: Self, d: Self) -> Self {
                let sum = f64::from(a) + f64::from(b) + f64::from(c) + f64::from(d);
                if sum.is_finite() {
                    return $narrow(sum * 0.25);
                }
                $narrow(mean_of_numbers(&[f64::from(a), f64::from(b), f64::from(c), f64::from(d)]))
            }
        }
    )*};
}
float_mean!(f16, f16::from_f64; f32, |mean: f64| mean as f32; f64, |mean: f64| mean);

fn means<T: Mean>(samples: &[T], line_len: usize) -> Vec<T> {
    let num_lines = samples.len() / line_len;
    let mut result = Vec::with_capacity(num_lines.div_ceil(2) * line_len.div_ceil(2));
    for lines in samples.chunks(2 * line_len) {
        let (first, second) = lines.split_at(line_len.min(lines.len()));
        if second.is_empty() {
            append_single(&mut result, first);
        } else {
            append_pair(&mut result, first, second);
        }
    }
    result
}

fn append_pair<T: Mean>(result: &mut Vec<T>, first: &[T], second: &[T]) {
    let (pairs, last) = first.as_chunks::<2>();
    let (pairs_below, last_below) = second.as_chunks::<2>();
    let both = pairs.iter().zip(pairs_below);
    result.extend(both.map(|(&[a, b], &[c, d])| T::mean4(a, b, c, d)));
    result.extend(last.iter().zip(last_below).map(|(&a, &b)| T::mean2(a, b)));
}

fn append_single<T: Mean>(result: &mut Vec<T>, line: &[T]) {
    let (pairs, last) = line.as_chunks::<2>();
    result.extend(pairs.iter().map(|&[a, b]| T::mean2(a, b)));
    result.extend_from_slice(last);
}

fn nearest<T: Copy>(samples: &[T], line_len: usize) -> Vec<T> {
    let lines = samples.chunks(line_len).step_by(2);
    lines
        .flat_map(|line| line.iter().step_by(2).copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean of 3 x 3 samples, row by row, in both memory orders.
    fn check(samples: &Samples, expected: &Samples) {
        for order in [MemoryOrder::RowMajor, MemoryOrder::ColumnMajor] {
            let pixels = Pixels::new(3, 3, order, samples.clone()).expect("nine");
            let half = halved(&pixels);
            assert_eq!((half.width(), half.height(), half.order()), (2, 2, order));
            // Debug, because NaN equals nothing.
            assert_eq!(format!("{:?}", half.samples()), format!("{expected:?}"));
        }
    }

    #[test]
    fn integers_round_half_up_and_never_overflow() {
        // Symmetric matrices, so that both memory orders expect the same.
        check(
            &Samples::U8(vec![255, 254, 1, 254, 255, 2, 1, 2, 9]),
            &Samples::U8(vec![255, 2, 2, 9]),
        );
        check(
            &Samples::I16(vec![-1, -2, -3, -2, -1, -4, -3, -4, -32768]),
            &Samples::I16(vec![-1, -3, -3, -32768]),
        );
        let max = u64::MAX;
        check(
            &Samples::U64(vec![max, max, max, max, max, max - 1, max, max - 1, 7]),
            &Samples::U64(vec![max, max, max, 7]),
        );
        let (low, high) = (i64::MIN, i64::MAX);
        check(
            &Samples::I64(vec![low, low, high, low, low, low, high, low, 7]),
            &Samples::I64(vec![low, 0, 0, 7]),
        );
    }

    #[test]
    fn nan_is_left_out_of_means() {
        let nan = f32::NAN;
        check(
            &Samples::F32(vec![nan, 2.0, nan, 2.0, 5.0, nan, nan, nan, f32::INFINITY]),
            &Samples::F32(vec![3.0, nan, nan, f32::INFINITY]),
        );
        check(
            &Samples::F64(vec![1e308, 1e308, 1.0, 1e308, 1e308, 2.0, 1.0, 2.0, 0.0]),
            &Samples::F64(vec![1e308, 1.5, 1.5, 0.0]),
        );
    }

    #[test]
    fn bools_and_labels_take_the_top_left_one() {
        check(
            &Samples::Bool(vec![0, 1, 1, 1, 1, 1, 1, 1, 0]),
            &Samples::Bool(vec![0, 1, 1, 0]),
        );
        let labels = Samples::U32((1..=15).collect());
        let pixels = Pixels::new(5, 3, MemoryOrder::RowMajor, labels).expect("fifteen");
        let half = halved_nearest(&pixels);
        assert_eq!(half.samples(), &Samples::U32(vec![1, 3, 5, 11, 13, 15]));
    }

    #[test]
    fn a_single_pixel_stays() {
        let pixels =
            Pixels::new(1, 1, MemoryOrder::ColumnMajor, Samples::F16(vec![f16::ONE])).expect("one");
        assert_eq!(halved(&pixels), pixels);
    }
}
