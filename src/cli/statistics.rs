//! What `squidview plane` says of a plane: CRC, first samples, extremes, mean.
//!
//! One pass over samples of the plane's own type, part by part: a plane of 30 000 x 30 000 pixels is looked at in seconds.

use std::borrow::Cow;

use serde_json::{Value as Json, json};

use super::{
    output::{number, sample},
    stripes::Stripes,
};
use crate::model::{Samples, Value};

/// What is known of the samples so far, row by row from above.
#[derive(Debug, Default)]
pub(super) struct Statistics {
    checksum: crc32fast::Hasher,
    first: Vec<Value>,
    num_samples: u64,
    summary: Summary,
}

impl Statistics {
    /// Of no samples.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Looks at the samples that follow.
    pub(super) fn add(&mut self, samples: &Samples) {
        self.checksum.update(&little_endian(samples));
        let lacks = 4 - self.first.len();
        let next = (0..lacks).filter_map(|index| samples.value(index));
        self.first.extend(next);
        self.num_samples += samples.len() as u64;
        self.summary.add(samples);
    }

    /// Shape, CRC, first samples, extremes and mean of a plane that was looked at from its first to its last row.
    pub(super) fn finish(self, stripes: &Stripes<'_>) -> Json {
        let (width, height) = stripes.size();
        self.told((height, width), stripes.sample_type().name())
    }

    fn told(self, shape: (u32, u32), sample_type: &str) -> Json {
        let Summary {
            extremes,
            whole,
            fraction,
            num_nan,
        } = self.summary;
        let count = self.num_samples - num_nan;
        let mean = (whole as f64 + fraction) / count as f64;
        json!({
            "shape": [shape.0, shape.1],
            "dtype": sample_type,
            "crc32": format!("{:08x}", self.checksum.finalize()),
            "first4": self.first.into_iter().map(sample).collect::<Vec<_>>(),
            "min": extremes.map(|(min, _)| sample(min)),
            "max": extremes.map(|(_, max)| sample(max)),
            "mean": (count > 0).then(|| number(mean)),
            "nan": num_nan,
        })
    }
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
#[derive(Debug, Default)]
struct Summary {
    extremes: Option<(Value, Value)>,
    /// The sum of whole numbers. Exact: no plane has 2^63 samples.
    whole: i128,
    /// The sum of others.
    fraction: f64,
    num_nan: u64,
}

impl Summary {
    fn add(&mut self, samples: &Samples) {
        match samples {
            Samples::Bool(v) | Samples::U8(v) => self.add_whole(v, |it| Value::Unsigned(it.into())),
            Samples::U16(v) => self.add_whole(v, |it| Value::Unsigned(it.into())),
            Samples::U32(v) => self.add_whole(v, |it| Value::Unsigned(it.into())),
            Samples::U64(v) => self.add_whole(v, Value::Unsigned),
            Samples::I8(v) => self.add_whole(v, |it| Value::Signed(it.into())),
            Samples::I16(v) => self.add_whole(v, |it| Value::Signed(it.into())),
            Samples::I32(v) => self.add_whole(v, |it| Value::Signed(it.into())),
            Samples::I64(v) => self.add_whole(v, Value::Signed),
            Samples::F16(v) => self.add_floats(v),
            Samples::F32(v) => self.add_floats(v),
            Samples::F64(v) => self.add_floats(v),
        }
    }

    fn add_whole<T: Copy + Ord + Into<i128>>(&mut self, values: &[T], of: impl Fn(T) -> Value) {
        let sum = |sum: i128, &value: &T| sum + value.into();
        self.whole = values.iter().fold(self.whole, sum);
        if let Some((&min, &max)) = values.iter().min().zip(values.iter().max()) {
            self.reach(of(min));
            self.reach(of(max));
        }
    }

    fn add_floats<T: Copy + Into<f64>>(&mut self, values: &[T]) {
        let mut bounds: Option<(f64, f64)> = None;
        for &value in values {
            let value: f64 = value.into();
            if value.is_nan() {
                self.num_nan += 1;
                continue;
            }
            self.fraction += value;
            let (min, max) = bounds.unwrap_or((value, value));
            bounds = Some((min.min(value), max.max(value)));
        }
        if let Some((min, max)) = bounds {
            self.reach(Value::Float(min));
            self.reach(Value::Float(max));
        }
    }

    /// Widens the extremes to a value of the plane's type.
    fn reach(&mut self, value: Value) {
        let (min, max) = self.extremes.unwrap_or((value, value));
        let min = if is_less(value, min) { value } else { min };
        let max = if is_less(max, value) { value } else { max };
        self.extremes = Some((min, max));
    }
}

/// Of two values of one type, exact.
fn is_less(a: Value, b: Value) -> bool {
    match (a, b) {
        (Value::Unsigned(a), Value::Unsigned(b)) => a < b,
        (Value::Signed(a), Value::Signed(b)) => a < b,
        (a, b) => a.as_f64() < b.as_f64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(samples: Samples) -> Json {
        check_parts(&[samples])
    }

    fn check_parts(parts: &[Samples]) -> Json {
        let mut statistics = Statistics::new();
        for samples in parts {
            statistics.add(samples);
        }
        statistics.told((1, 1), "any")
    }

    #[test]
    fn parts_of_a_plane_have_the_statistics_of_the_whole() {
        let whole = check(Samples::I64(vec![3, -1, i64::MAX, i64::MIN, 7, 2]));
        let parts = [vec![3, -1], vec![], vec![i64::MAX, i64::MIN], vec![7, 2]];
        assert_eq!(check_parts(&parts.map(Samples::I64)), whole);
        assert_eq!(whole["first4"], json!([3, -1, i64::MAX, i64::MIN]));
        assert_eq!(whole["min"], json!(i64::MIN));
        let whole = check(Samples::F32(vec![0.1, f32::NAN, 1e9, -0.3]));
        let parts = [vec![0.1, f32::NAN], vec![1e9, -0.3]];
        assert_eq!(check_parts(&parts.map(Samples::F32)), whole);
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
