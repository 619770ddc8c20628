//! Round lengths for scale bars.

/// Units of lengths, and how many µm they are; from 1 of one on it is used.
const UNITS: [(&str, f64); 6] = [
    ("m", 1e6),
    ("mm", 1e3),
    ("µm", 1.0),
    ("nm", 1e-3),
    ("pm", 1e-6),
    ("fm", 1e-9),
];

/// The longest round length (1, 2 or 5 times a power of ten) that is at most `most_um`, in µm, and how it reads.
///
/// `None` where `most_um` is not a positive number, or is below 1 fm.
#[must_use]
pub fn round_length(most_um: f64) -> Option<(f64, String)> {
    let length = round(most_um)?;
    // Powers of ten are not exact.
    let (unit, unit_um) = UNITS.into_iter().find(|(_, um)| length >= um * 0.999)?;
    Some((length, format!("{:.0} {unit}", length / unit_um)))
}

/// The longest round number of whole pixels that is at most `most_px`, and how it reads; `None` where that is below 1.
#[must_use]
pub fn round_pixels(most_px: f64) -> Option<(f64, String)> {
    let length = round(most_px).filter(|&length| length > 0.999)?;
    Some((length, format!("{length:.0} px")))
}

/// 1, 2 or 5 times a power of ten.
fn round(most: f64) -> Option<f64> {
    if !most.is_finite() || most <= 0.0 {
        return None;
    }
    let power = 10_f64.powf(most.log10().floor());
    let digits = [5.0, 2.0, 1.0].into_iter();
    digits
        .map(|digit| digit * power)
        .find(|&length| length <= most)
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
            (3e8, 2e8, "200 m"),
            (1.1e6, 1e6, "1 m"),
            (6e-4, 5e-4, "500 pm"),
            (2.5e-6, 2e-6, "2 pm"),
            (3e-7, 2e-7, "200 fm"),
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
        assert_eq!(round_length(1e-300), None);
        assert_eq!(round_pixels(31.0), Some((20.0, "20 px".to_owned())));
        assert_eq!(round_pixels(0.9), None);
    }
}
