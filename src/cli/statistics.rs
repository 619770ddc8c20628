//! What `squidview plane` says of a plane: CRC, first samples, extremes, mean.
//!
//! One pass over samples of the plane's own type: a plane of 30 000 x 30 000 pixels is looked at in seconds.

use std::borrow::Cow;

use serde_json::{Value as Json, json};

use super::output::{number, sample};
use crate::model::{Pixels, Samples, Value};

/// Shape, CRC, first samples, extremes and mean of a plane that is stored row by row.
pub(super) fn statistics(pixels: &Pixels) -> Json {
    let samples = pixels.samples();
    let summary = Summary::of(samples);
    let count = samples.len() as u64 - summary.num_nan;
    let first = (0..4).filter_map(|index| samples.value(index)).map(sample);
    json!({
        "shape": [pixels.height(), pixels.width()],
        "dtype": pixels.sample_type().name(),
        "crc32": format!("{:08x}", crc32fast::hash(&little_endian(samples))),
        "first4": first.collect::<Vec<_>>(),
        "min": summary.extremes.map(|(min, _)| sample(min)),
        "max": summary.extremes.map(|(_, max)| sample(max)),
        "mean": (count > 0).then(|| number(summary.sum / count as f64)),
        "nan": summary.num_nan,
    })
}

/// A line for each of the statistics.
pub(super) fn table(statistics: &Json) -> String {
    let members = statistics.as_object().into_iter().flatten();
    let lines: Vec<String> = members
        .map(|(name, value)| format!("{name:7} {value}"))
        .collect();
    lines.join("\n")
}

/// The samples as little-endian bytes, whatever this machine's order is.
pub(super) fn little_endian(samples: &Samples) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        return Cow::Borrowed(samples.as_bytes());
    }
    let mut bytes = samples.as_bytes().to_vec();
    bytes
        .chunks_exact_mut(samples.sample_type().num_bytes())
        .for_each(<[u8]>::reverse);
    Cow::Owned(bytes)
}

/// Extremes and sum of all samples that are numbers.
struct Summary {
    extremes: Option<(Value, Value)>,
    sum: f64,
    num_nan: u64,
}

impl Summary {
    fn of(samples: &Samples) -> Self {
        match samples {
            Samples::Bool(v) | Samples::U8(v) => Self::of_unsigned(v),
            Samples::U16(v) => Self::of_unsigned(v),
            Samples::U32(v) => Self::of_unsigned(v),
            Samples::U64(v) => Self::of_unsigned(v),
            Samples::I8(v) => Self::of_signed(v),
            Samples::I16(v) => Self::of_signed(v),
            Samples::I32(v) => Self::of_signed(v),
            Samples::I64(v) => Self::of_signed(v),
            Samples::F16(v) => Self::of_floats(v),
            Samples::F32(v) => Self::of_floats(v),
            Samples::F64(v) => Self::of_floats(v),
        }
    }

    fn of_unsigned<T: Copy + Ord + Into<u64>>(values: &[T]) -> Self {
        // Exact: no plane has 2^64 samples.
        let sum = values
            .iter()
            .fold(0_u128, |sum, &value| sum + u128::from(value.into()));
        let bounds = values.iter().min().zip(values.iter().max());
        Self {
            extremes: bounds
                .map(|(&min, &max)| (Value::Unsigned(min.into()), Value::Unsigned(max.into()))),
            sum: sum as f64,
            num_nan: 0,
        }
    }

    fn of_signed<T: Copy + Ord + Into<i64>>(values: &[T]) -> Self {
        let sum = values
            .iter()
            .fold(0_i128, |sum, &value| sum + i128::from(value.into()));
        let bounds = values.iter().min().zip(values.iter().max());
        Self {
            extremes: bounds
                .map(|(&min, &max)| (Value::Signed(min.into()), Value::Signed(max.into()))),
            sum: sum as f64,
            num_nan: 0,
        }
    }

    fn of_floats<T: Copy + Into<f64>>(values: &[T]) -> Self {
        let (mut sum, mut num_nan) = (0.0, 0);
        let mut bounds: Option<(f64, f64)> = None;
        for &value in values {
            let value: f64 = value.into();
            if value.is_nan() {
                num_nan += 1;
                continue;
            }
            sum += value;
            let (min, max) = bounds.unwrap_or((value, value));
            bounds = Some((min.min(value), max.max(value)));
        }
        Self {
            extremes: bounds.map(|(min, max)| (Value::Float(min), Value::Float(max))),
            sum,
            num_nan,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MemoryOrder;

    fn check(samples: Samples) -> Json {
        let width = samples.len() as u32;
        statistics(&Pixels::new(width, 1, MemoryOrder::RowMajor, samples).expect("fits"))
    }

    #[test]
    fn statistics_keep_every_digit_and_leave_nan_out() {
        let big = check(Samples::U64(vec![u64::MAX, 1, 2, 3, 4]));
        assert_eq!(
            (&big["max"], &big["first4"]),
            (&json!(u64::MAX), &json!([u64::MAX, 1, 2, 3]))
        );
        let odd = check(Samples::F32(vec![f32::NAN, f32::INFINITY, -1.5]));
        assert_eq!(odd["nan"], json!(1));
        assert_eq!(
            (&odd["min"], &odd["max"], &odd["mean"]),
            (&json!(-1.5), &json!("Infinity"), &json!("Infinity"))
        );
        assert_eq!(odd["first4"], json!(["NaN", "Infinity", -1.5]));
    }

    #[test]
    fn a_mean_of_integers_is_exact_where_they_cancel_out() {
        let near = i64::MAX - 1;
        let mean = check(Samples::I64(vec![i64::MAX, 3, -near, 0]))["mean"].clone();
        assert_eq!(mean, json!(1.0));
        let none = check(Samples::F64(vec![f64::NAN]));
        assert_eq!((&none["min"], &none["mean"]), (&Json::Null, &Json::Null));
    }
}
