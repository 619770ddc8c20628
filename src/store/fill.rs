//! Fill values: what absent chunks consist of.
//!
//! Numbers, booleans, the names of non-finite numbers, and (v3) the bits of a float in hex; null of v2 counts as 0.

use half::f16;
use serde_json::Value;

use super::array::Refusal;
use crate::model::{SampleType, Samples};

/// One sample of that type.
pub(super) fn parse_fill(
    sample_type: SampleType,
    value: Option<&Value>,
) -> Result<Samples, Refusal> {
    let zero = Samples::zeros(sample_type, 1);
    let value = match value {
        None | Some(Value::Null) => return Ok(zero),
        // Writers give "" for types without a natural fill value.
        Some(Value::String(text)) if text.is_empty() => return Ok(zero),
        Some(value) => value,
    };
    let parsed = if sample_type.is_float() {
        float(sample_type, value)
    } else {
        integer(sample_type, value)
    };
    parsed.ok_or_else(|| {
        Refusal::bad(format!(
            "fill value {value} of an array of {}",
            sample_type.name()
        ))
    })
}

fn float(sample_type: SampleType, value: &Value) -> Option<Samples> {
    let bits = value
        .as_str()
        .and_then(|text| text.strip_prefix("0x"))
        .and_then(|digits| u64::from_str_radix(digits, 16).ok());
    if let Some(bits) = bits {
        return Some(match sample_type {
            SampleType::F16 => Samples::F16(vec![f16::from_bits(bits.try_into().ok()?)]),
            SampleType::F32 => Samples::F32(vec![f32::from_bits(bits.try_into().ok()?)]),
            _ => Samples::F64(vec![f64::from_bits(bits)]),
        });
    }
    let number = match value {
        Value::String(name) => match name.as_str() {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            other => other.parse().ok()?,
        },
        Value::Bool(is_one) => f64::from(u8::from(*is_one)),
        other => other.as_f64()?,
    };
    Some(match sample_type {
        SampleType::F16 => Samples::F16(vec![f16::from_f64(number)]),
        SampleType::F32 => Samples::F32(vec![number as f32]),
        _ => Samples::F64(vec![number]),
    })
}

fn integer(sample_type: SampleType, value: &Value) -> Option<Samples> {
    let number: i128 = match value {
        Value::Bool(is_one) => i128::from(*is_one),
        Value::Number(number) => number
            .as_u64()
            .map(i128::from)
            .or_else(|| number.as_i64().map(i128::from))
            // 0.0, as some writers put it.
            .or_else(|| {
                number
                    .as_f64()
                    .filter(|n| n.fract() == 0.0)
                    .map(|n| n as i128)
            })?,
        _ => return None,
    };
    Some(match sample_type {
        SampleType::Bool => Samples::Bool(vec![u8::from(number != 0)]),
        SampleType::U8 => Samples::U8(vec![number.try_into().ok()?]),
        SampleType::U16 => Samples::U16(vec![number.try_into().ok()?]),
        SampleType::U32 => Samples::U32(vec![number.try_into().ok()?]),
        SampleType::U64 => Samples::U64(vec![number.try_into().ok()?]),
        SampleType::I8 => Samples::I8(vec![number.try_into().ok()?]),
        SampleType::I16 => Samples::I16(vec![number.try_into().ok()?]),
        SampleType::I32 => Samples::I32(vec![number.try_into().ok()?]),
        SampleType::I64 => Samples::I64(vec![number.try_into().ok()?]),
        SampleType::F16 | SampleType::F32 | SampleType::F64 => return None,
    })
}

/// True where zeroed memory is the fill value.
fn is_zero(fill: &Samples) -> bool {
    fill.as_bytes().iter().all(|&byte| byte == 0)
}

/// `len` samples of the fill value.
pub(super) fn filled(fill: &Samples, len: usize) -> Samples {
    let mut samples = Samples::zeros(fill.sample_type(), len);
    if !is_zero(fill) {
        fill_bytes(samples.as_bytes_mut(), fill.as_bytes());
    }
    samples
}

/// Repeats one sample's bytes.
pub(super) fn fill_bytes(target: &mut [u8], sample: &[u8]) {
    if let Some((&first, others)) = sample.split_first()
        && others.iter().all(|&other| other == first)
    {
        return target.fill(first);
    }
    for place in target.chunks_exact_mut(sample.len().max(1)) {
        place.copy_from_slice(sample);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fill_values_keep_all_their_bits() {
        let max = u64::MAX;
        let cases = [
            (SampleType::U64, json!(max), Some(Samples::U64(vec![max]))),
            (SampleType::I8, json!(-128), Some(Samples::I8(vec![-128]))),
            (SampleType::U16, json!(7.0), Some(Samples::U16(vec![7]))),
            (SampleType::U16, json!(-1), None),
            (SampleType::U8, json!(256), None),
            (SampleType::Bool, json!(true), Some(Samples::Bool(vec![1]))),
            (
                SampleType::F32,
                json!("0x3f800000"),
                Some(Samples::F32(vec![1.0])),
            ),
            (
                SampleType::F64,
                json!("-Infinity"),
                Some(Samples::F64(vec![f64::NEG_INFINITY])),
            ),
            (SampleType::F16, json!("zero"), None),
            (SampleType::F32, json!(null), Some(Samples::F32(vec![0.0]))),
        ];
        for (sample_type, value, expected) in cases {
            let found = parse_fill(sample_type, Some(&value)).ok();
            assert_eq!(found, expected, "{sample_type:?} {value}");
        }
        let nan = parse_fill(SampleType::F32, Some(&json!("NaN"))).expect("a number");
        let many = filled(&nan, 3);
        assert!(matches!(many, Samples::F32(v) if v.len() == 3 && v.iter().all(|s| s.is_nan())));
    }
}
