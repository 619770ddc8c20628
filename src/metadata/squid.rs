//! Squid's own keys: `_squid`, in older stores `_squid_metadata` (Squid `control/core/zarr_writer.py`, `_build_metadata`).
//!
//! `shape`, `dtype`, `chunk_mode` and `compression` are there too; the array document says the same and is right.

use serde_json::Value;

use super::json::{as_number, as_text, member, shown};
use crate::model::{Code, Problem, Step};

/// `_squid` or `_squid_metadata`; every key optional.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SquidKeys {
    /// `structure` ("5D-TCZYX", "6D-FTCZYX").
    pub structure: Option<String>,
    /// Pixel size in µm; above 0 and finite.
    pub pixel_size_um: Option<f64>,
    /// z-step in µm; above 0 and finite.
    pub z_step_um: Option<f64>,
    /// Time step in s; above 0 and finite.
    pub time_increment_s: Option<f64>,
    /// The store is finished.
    pub acquisition_complete: Option<bool>,
    /// The run was aborted.
    pub aborted: bool,
}

impl SquidKeys {
    /// Takes from `other` what is missing here; aborted is what either says.
    #[must_use]
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            structure: self.structure.or(other.structure),
            pixel_size_um: self.pixel_size_um.or(other.pixel_size_um),
            z_step_um: self.z_step_um.or(other.z_step_um),
            time_increment_s: self.time_increment_s.or(other.time_increment_s),
            acquisition_complete: self.acquisition_complete.or(other.acquisition_complete),
            aborted: self.aborted || other.aborted,
        }
    }
}

/// Reads the value of `_squid` or `_squid_metadata`; what cannot be used is left out.
#[must_use]
pub fn parse(value: &Value) -> SquidKeys {
    parse_listing(value, &mut Vec::new())
}

/// [`parse`], with a problem for each key that is there and cannot be used.
pub(super) fn parse_listing(value: &Value, problems: &mut Vec<Problem>) -> SquidKeys {
    SquidKeys {
        structure: member(value, "structure").and_then(as_text),
        pixel_size_um: step(Step::Length, value, "pixel_size_um", problems),
        z_step_um: step(Step::Length, value, "z_step_um", problems),
        time_increment_s: step(Step::Time, value, "time_increment_s", problems),
        acquisition_complete: member(value, "acquisition_complete").and_then(Value::as_bool),
        aborted: member(value, "aborted").and_then(Value::as_bool) == Some(true),
    }
}

/// A step that can be.
fn step(step: Step, of: &Value, key: &str, problems: &mut Vec<Problem>) -> Option<f64> {
    let value = member(of, key)?;
    let number = as_number(value).filter(|&number| step.can_be(number));
    if number.is_none() {
        let (found, expected) = (shown(value), step.expected());
        let message = format!("_squid {key} is {found}, expected {expected}; taken as missing");
        problems.push(Problem::new(Code::BadMetadata, ".", message));
    }
    number
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn usable_keys_are_kept_and_others_are_listed() {
        let value = json!({
            "structure": "5D-TCZYX", "pixel_size_um": 0.325, "z_step_um": 0, "time_increment_s": null,
            "shape": [1, 4, 2, 32, 48], "dtype": "uint16", "acquisition_complete": false, "aborted": true,
        });
        let mut problems = Vec::new();
        let keys = parse_listing(&value, &mut problems);
        let expected = SquidKeys {
            structure: Some("5D-TCZYX".to_owned()),
            pixel_size_um: Some(0.325),
            acquisition_complete: Some(false),
            aborted: true,
            ..SquidKeys::default()
        };
        assert_eq!(keys, expected);
        assert_eq!(keys, parse(&value));
        let messages: Vec<_> = problems
            .iter()
            .map(|problem| problem.message.as_str())
            .collect();
        assert_eq!(
            messages,
            ["_squid z_step_um is 0, expected a number from 1e-6 to 1000000 µm; taken as missing"]
        );
    }

    #[test]
    fn anything_that_is_no_object_says_nothing() {
        for value in [json!(null), json!([1]), json!("x"), json!({})] {
            assert_eq!(parse(&value), SquidKeys::default());
        }
    }
}
