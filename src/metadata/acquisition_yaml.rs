//! `acquisition.yaml`: full parameters of a run (Squid since 2026; `control/core/multi_point_controller.py`).

use serde_json::Value;

use super::{
    json::{as_count, as_positive, as_text, at, member, shown, step},
    yaml,
};
use crate::model::{CivilTime, Step};

/// What the file says; every key optional.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AcquisitionYaml {
    /// `acquisition.start_time`; seconds since 1970 as a date in UTC (ISO 8601).
    pub start_time: Option<String>,
    /// `objective.name`.
    pub objective: Option<String>,
    /// `objective.magnification`.
    pub magnification: Option<f64>,
    /// `objective.NA`.
    pub numerical_aperture: Option<f64>,
    /// `objective.pixel_size_um`.
    pub pixel_size_um: Option<f64>,
    /// `sample.wellplate_format`.
    pub wellplate_format: Option<String>,
    /// `z_stack.nz`.
    pub num_z: Option<u32>,
    /// `z_stack.delta_z_mm`, in µm.
    pub z_step_um: Option<f64>,
    /// `time_series.nt`.
    pub num_t: Option<u32>,
    /// `time_series.delta_t_s`.
    pub time_step_s: Option<f64>,
    /// Names of regions, in scan order (`wellplate_scan.regions`, `flexible_scan.positions`).
    pub regions: Vec<String>,
    /// Steps that cannot be, taken as missing, in words.
    pub unusable: Vec<String>,
}

/// Reads the file.
///
/// # Errors
/// When it is not a YAML mapping.
pub fn parse(text: &str) -> Result<AcquisitionYaml, String> {
    let document = yaml::to_json(text)?;
    if !document.is_object() {
        return Err(format!("found {}, expected a mapping", shown(&document)));
    }
    let text = |path: &[&str]| at(&document, path).and_then(as_text);
    let positive = |path: &[&str]| at(&document, path).and_then(as_positive);
    let count = |path: &[&str]| at(&document, path).and_then(as_count);
    let mut unusable = Vec::new();
    let pixel_size = (Step::Length, &["objective", "pixel_size_um"][..], 1.0);
    let pixel_size_um = step(&document, pixel_size, true, &mut unusable);
    // From the top, z goes down: the step is negative then, the distance of slices is not.
    let z_step = (Step::Length, &["z_stack", "delta_z_mm"][..], 1e3);
    let z_step_um = step(&document, z_step, false, &mut unusable);
    let time_step = (Step::Time, &["time_series", "delta_t_s"][..], 1.0);
    let time_step_s = step(&document, time_step, false, &mut unusable);
    Ok(AcquisitionYaml {
        start_time: at(&document, &["acquisition", "start_time"]).and_then(start_time),
        objective: text(&["objective", "name"]),
        magnification: positive(&["objective", "magnification"]),
        numerical_aperture: positive(&["objective", "NA"]),
        pixel_size_um,
        wellplate_format: text(&["sample", "wellplate_format"]),
        num_z: count(&["z_stack", "nz"]),
        z_step_um,
        num_t: count(&["time_series", "nt"]),
        time_step_s,
        regions: regions(&document),
        unusable,
    })
}

/// Names of the regions of whichever scan there is; one without a name is left out.
fn regions(document: &Value) -> Vec<String> {
    let lists = [
        at(document, &["wellplate_scan", "regions"]),
        at(document, &["flexible_scan", "positions"]),
    ];
    let entries = lists.into_iter().flatten().filter_map(Value::as_array);
    entries
        .flatten()
        .filter_map(|entry| member(entry, "name").and_then(as_text))
        .collect()
}

/// A text as written; a number is seconds since 1970, which nobody can read, and becomes a date in UTC.
fn start_time(value: &Value) -> Option<String> {
    let Some(seconds) = value.as_f64() else {
        return as_text(value);
    };
    CivilTime::of_unix_secs(seconds).map_or_else(|| as_text(value), |time| Some(time.iso()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn squids_file_is_read() {
        let text = include_str!("../../tests/data/metadata/acquisition.yaml");
        let expected = AcquisitionYaml {
            start_time: Some("2026-01-15T09:30:00Z".to_owned()),
            objective: Some("20x".to_owned()),
            magnification: Some(20.0),
            numerical_aperture: Some(0.8),
            pixel_size_um: Some(0.325),
            wellplate_format: Some("96 well plate".to_owned()),
            num_z: Some(2),
            z_step_um: Some(1.5),
            num_t: Some(1),
            time_step_s: Some(60.0),
            regions: vec!["A1".to_owned()],
            unusable: Vec::new(),
        };
        assert_eq!(parse(text), Ok(expected));
    }

    #[test]
    fn keys_that_cannot_be_used_are_left_out() {
        let text = "objective: 20x\nz_stack: {nz: -1, delta_z_mm: -0.002}\ntime_series: {nt: 3, delta_t_s: 0}\n\
                    flexible_scan: {positions: [{name: R0}, {center_mm: [1, 2]}, {name: 7}]}\n\
                    acquisition: {start_time: 2026-01-15 09:30:00.5}\n";
        let expected = AcquisitionYaml {
            start_time: Some("2026-01-15 09:30:00.5".to_owned()),
            z_step_um: Some(2.0),
            num_t: Some(3),
            regions: vec!["R0".to_owned(), "7".to_owned()],
            ..AcquisitionYaml::default()
        };
        assert_eq!(parse(text), Ok(expected));
        for text in ["", "- a\n", "just text", "a: [", "{"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn steps_that_cannot_be_are_told_with_key_and_value() {
        let check = |text: &str, expected: &[&str]| {
            let found = parse(text).expect("a mapping");
            let steps = (found.pixel_size_um, found.z_step_um, found.time_step_s);
            assert_eq!(steps, (None, None, None), "{text}");
            assert_eq!(found.unusable.len(), expected.len(), "{text}");
            for (told, expected) in found.unusable.iter().zip(expected) {
                assert!(told.starts_with(expected), "{told}");
            }
        };
        for (value, shown) in [
            ("0", "0"),
            ("-1", "-1"),
            (".nan", "\".nan\""),
            (".inf", "\".inf\""),
            ("x", "\"x\""),
            ("1e308", "1e+308"),
            ("5e-324", "5e-324"),
            ("[1]", "a list of 1"),
        ] {
            let expected = format!("objective.pixel_size_um is {shown}, expected a number from");
            check(
                &format!("objective: {{pixel_size_um: {value}}}"),
                &[&expected],
            );
        }
        check(
            "z_stack: {delta_z_mm: 1e308}\ntime_series: {delta_t_s: -2}\nobjective: {pixel_size_um: }",
            &[
                "z_stack.delta_z_mm is 1e+308, expected",
                "time_series.delta_t_s is -2, expected",
            ],
        );
        check("z_stack: {delta_z_mm: 0}\ntime_series: {delta_t_s: 0}", &[]);
    }

    #[test]
    fn seconds_since_1970_become_a_date() {
        let check = |seconds: Value, expected: &str| {
            assert_eq!(start_time(&seconds).as_deref(), Some(expected), "{seconds}");
        };
        check(951_782_400.into(), "2000-02-29T00:00:00Z");
        check(1_735_689_599.9.into(), "2024-12-31T23:59:59Z");
        check((-1).into(), "-1");
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,40}(\n *[a-z_]{1,10}: ?\\PC{0,8}){0,8}") {
            parse(&text).ok();
        }
    }
}
