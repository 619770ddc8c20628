//! Round lengths for scale bars.

/// The longest round length (1, 2 or 5 times a power of ten) that is at most `most_um`, in µm, and how it reads.
///
/// `None` where `most_um` is not a positive number.
#[must_use]
pub fn round_length(most_um: f64) -> Option<(f64, String)> {
    if !most_um.is_finite() || most_um <= 0.0 {
        return None;
    }
    let power = 10_f64.powf(most_um.log10().floor());
    let length = [5.0, 2.0, 1.0]
        .into_iter()
        .map(|digit| digit * power)
        .find(|&length| length <= most_um)?;
    let (value, unit) = match length {
        length if length >= 999.0 => (length / 1000.0, "mm"),
        length if length >= 0.999 => (length, "µm"),
        length => (length * 1000.0, "nm"),
    };
    Some((length, format!("{value:.0} {unit}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_round_and_not_too_long() {
        for (most_um, length, text) in [
            (250.0, 200.0, "200 µm"),
            (1990.0, 1000.0, "1 mm"),
            (0.06, 0.05, "50 nm"),
            (10.0, 10.0, "10 µm"),
        ] {
            let (found, found_text) = round_length(most_um).expect("a length");
            assert!(
                (found / length - 1.0).abs() < 1e-9,
                "{found} is not {length}"
            );
            assert_eq!(found_text, text);
        }
        assert_eq!(round_length(0.0), None);
        assert_eq!(round_length(f64::NAN), None);
    }
}
