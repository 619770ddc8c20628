//! Pixels as a client sends them: little-endian rows in base64.

use base64::{DecodeSliceError, Engine as _, engine::general_purpose::STANDARD};

use crate::model::{MemoryOrder, Pixels, SampleType, Samples, limits};

/// What was sent is not the pixels that it says.
#[derive(Debug, thiserror::Error)]
pub(super) enum SamplesError {
    /// No sample type of that name.
    #[error("dtype {name:?}, expected one of {}", names())]
    Type { name: String },
    /// A plane of no size, or beyond the budget.
    #[error("shape [{height}, {width}], expected 1 to {limit} each", limit = limits::ANNOUNCED_SIDE_PX)]
    Shape { height: i64, width: i64 },
    /// Too few or too many bytes.
    #[error("data of {found} bytes, expected {expected} for {height} x {width} of {dtype}")]
    Length {
        found: u64,
        expected: u64,
        height: i64,
        width: i64,
        dtype: &'static str,
    },
    /// Not base64.
    #[error("data is not base64: {0}")]
    Base64(DecodeSliceError),
}

fn names() -> String {
    SampleType::ALL.map(SampleType::name).join(", ")
}

/// Decodes samples; allocates only after the text is known to have their length.
pub(super) fn pixels(
    dtype: &str,
    (height, width): (i64, i64),
    data: &str,
) -> Result<Pixels, SamplesError> {
    let sample_type = SampleType::from_name(dtype).ok_or_else(|| SamplesError::Type {
        name: dtype.chars().take(40).collect(),
    })?;
    let side = |length: i64| {
        let length = u32::try_from(length).ok();
        length.filter(|length| (1..=limits::ANNOUNCED_SIDE_PX).contains(length))
    };
    let (Some(num_rows), Some(num_columns)) = (side(height), side(width)) else {
        return Err(SamplesError::Shape { height, width });
    };
    let num_samples = u64::from(num_rows) * u64::from(num_columns);
    let num_bytes = num_samples * sample_type.num_bytes() as u64;
    let padding = data.len() - data.trim_end_matches('=').len();
    let found = (data.len() as u64 / 4 * 3).saturating_sub(padding as u64);
    if found != num_bytes || !data.len().is_multiple_of(4) {
        return Err(SamplesError::Length {
            found,
            expected: num_bytes,
            height,
            width,
            dtype: sample_type.name(),
        });
    }
    let mut samples = Samples::zeros(sample_type, num_samples as usize);
    // As long as its text says, or not base64.
    STANDARD
        .decode_slice(data, samples.as_bytes_mut())
        .map_err(SamplesError::Base64)?;
    if cfg!(target_endian = "big") {
        for sample in samples
            .as_bytes_mut()
            .chunks_exact_mut(sample_type.num_bytes())
        {
            sample.reverse();
        }
    }
    if let Samples::Bool(flags) = &mut samples {
        // Whatever numpy would call true.
        for flag in flags {
            *flag = (*flag).min(1);
        }
    }
    Ok(
        Pixels::new(num_columns, num_rows, MemoryOrder::RowMajor, samples)
            .expect("as many samples as rows times columns were made"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Value;

    #[test]
    fn rows_of_little_endian_samples_are_decoded() {
        let sent: Vec<u8> = [1_u16, 2, 3, 4, 5, 60_000]
            .into_iter()
            .flat_map(u16::to_le_bytes)
            .collect();
        let decoded = pixels("uint16", (2, 3), &STANDARD.encode(&sent)).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (3, 2));
        assert_eq!(decoded.value(2, 1), Some(Value::Unsigned(60_000)));
        assert_eq!(decoded.value(0, 1), Some(Value::Unsigned(4)));
    }

    #[test]
    fn every_sample_type_is_taken() {
        for sample_type in SampleType::ALL {
            let sent = vec![1; sample_type.num_bytes() * 5];
            let decoded = pixels(sample_type.name(), (5, 1), &STANDARD.encode(sent)).unwrap();
            assert_eq!(decoded.sample_type(), sample_type);
        }
    }

    #[test]
    fn what_is_not_the_pixels_that_it_says_is_refused() {
        let check = |dtype: &str, shape, data: &str, text: &str| {
            let error = pixels(dtype, shape, data).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        };
        check("complex64", (1, 1), "AAAA", "dtype \"complex64\"");
        check("uint8", (0, 1), "", "shape [0, 1]");
        check("uint8", (1, i64::MAX), "", "expected 1 to 262144");
        check("uint8", (262_144, 262_144), "AAAA", "data of 3 bytes");
        check("uint8", (1, 3), "AA==", "data of 1 bytes, expected 3");
        check("uint8", (1, 2), "AAAA", "data of 3 bytes, expected 2");
        check("uint8", (1, 3), "AAA", "data of 0 bytes");
        check("uint8", (1, 3), "A*AA", "not base64");
        check("uint8", (2, 3), "AA==AAAA", "not base64");
    }
}
