//! `acquisition parameters.json` (older: `acquisition_parameters.json`): what was asked for before the first image.
//!
//! Squid `control/core/multi_point_controller.py`. Pixel size (µm) = `sensor_pixel_size_um` · `tube_lens_f_mm` /
//! `magnification` / `tube_lens_mm` (`objective_store.py`).

use serde_json::Value;

use super::json::{as_count, as_positive, as_text, at, member, shown, step};
use crate::model::{Step, parse_json, readable};

/// What the file says; every key optional.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AcquisitionParameters {
    /// From sensor pixel, magnification and tube lenses, in µm.
    pub pixel_size_um: Option<f64>,
    /// `dz(um)`.
    pub z_step_um: Option<f64>,
    /// `dt(s)`.
    pub time_step_s: Option<f64>,
    /// `Nz`.
    pub num_z: Option<u32>,
    /// `Nt`.
    pub num_t: Option<u32>,
    /// `objective.name`.
    pub objective: Option<String>,
    /// `objective.magnification`.
    pub magnification: Option<f64>,
    /// `objective.NA`.
    pub numerical_aperture: Option<f64>,
    /// Steps that cannot be, taken as missing, in words.
    pub unusable: Vec<String>,
}

/// Reads the file.
///
/// # Errors
/// When it is not a JSON object.
pub fn parse(text: &str) -> Result<AcquisitionParameters, String> {
    let document = parse_json(text).map_err(|error| error.to_string())?;
    if !document.is_object() {
        return Err(format!("found {}, expected an object", shown(&document)));
    }
    let positive = |path: &[&str]| at(&document, path).and_then(as_positive);
    let count = |key| member(&document, key).and_then(as_count);
    let mut unusable = Vec::new();
    let z_step = (Step::Length, &["dz(um)"][..], 1.0);
    let time_step = (Step::Time, &["dt(s)"][..], 1.0);
    Ok(AcquisitionParameters {
        pixel_size_um: pixel_size_um(&document, &mut unusable),
        z_step_um: step(&document, z_step, false, &mut unusable),
        time_step_s: step(&document, time_step, false, &mut unusable),
        num_z: count("Nz"),
        num_t: count("Nt"),
        objective: at(&document, &["objective", "name"]).and_then(as_text),
        magnification: positive(&["objective", "magnification"]),
        numerical_aperture: positive(&["objective", "NA"]),
        unusable,
    })
}

/// Sensor pixel over true magnification; the nominal one holds for the tube lens that the objective was made for.
fn pixel_size_um(document: &Value, unusable: &mut Vec<String>) -> Option<f64> {
    let positive = |path: &[&str]| at(document, path).and_then(as_positive);
    let sensor_um = positive(&["sensor_pixel_size_um"])?;
    let nominal_lens_mm = positive(&["objective", "tube_lens_f_mm"])?;
    let magnification = positive(&["objective", "magnification"])?;
    let lens_mm = positive(&["tube_lens_mm"])?;
    let size_um = sensor_um * nominal_lens_mm / magnification / lens_mm;
    if !Step::Length.can_be(size_um) {
        let (found, expected) = (readable(size_um), Step::Length.expected());
        unusable.push(format!(
            "pixel size by sensor_pixel_size_um, objective and tube_lens_mm is {found}, expected {expected}; taken as \
             missing"
        ));
        return None;
    }
    Some(size_um)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn squids_file_is_read() {
        let text = include_str!("../../tests/data/metadata/acquisition parameters.json");
        let found = parse(text).expect("an object");
        let pixel_size_um = found.pixel_size_um.expect("all ingredients");
        assert!((pixel_size_um - 0.325).abs() < 1e-12, "{pixel_size_um}");
        let expected = AcquisitionParameters {
            pixel_size_um: Some(pixel_size_um),
            z_step_um: Some(1.5),
            time_step_s: Some(60.0),
            num_z: Some(2),
            num_t: Some(1),
            objective: Some("20x".to_owned()),
            magnification: Some(20.0),
            numerical_aperture: Some(0.8),
            unusable: Vec::new(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn keys_that_cannot_be_used_are_left_out() {
        let text = r#"{"dz(um)": -2, "dt(s)": 0, "Nz": 1.5, "sensor_pixel_size_um": 3, "tube_lens_mm": 50,
                       "objective": {"magnification": 0, "tube_lens_f_mm": 180, "NA": "0.8"}}"#;
        let expected = AcquisitionParameters {
            z_step_um: Some(2.0),
            numerical_aperture: Some(0.8),
            ..AcquisitionParameters::default()
        };
        assert_eq!(parse(text), Ok(expected));
        let text = r#"{"dz(um)": 1e308, "dt(s)": "x", "sensor_pixel_size_um": 1e300, "tube_lens_mm": 1e-300,
                       "objective": {"magnification": 1, "tube_lens_f_mm": 180}}"#;
        let found = parse(text).expect("an object");
        assert_eq!(
            (found.pixel_size_um, found.z_step_um, found.time_step_s),
            (None, None, None)
        );
        assert_eq!(found.unusable.len(), 3, "{:?}", found.unusable);
        assert!(
            found
                .unusable
                .iter()
                .any(|told| told.starts_with("dz(um) is 1e+308, expected"))
        );
        for text in ["", "[]", "{\"a\":", "null"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,60}") {
            parse(&text).ok();
        }
    }
}
