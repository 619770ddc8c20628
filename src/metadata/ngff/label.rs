//! `image-label`: the colours that the files give to labels (OME-NGFF "labels", 0.1 to 0.6).

use serde_json::Value;

use super::super::json::member;
use crate::model::{LabelColors, label_key, limits};

/// Reads `image-label.colors`; entries without a whole number and a colour are left out (`conformance` lists them).
pub(super) fn colors(label: &Value) -> LabelColors {
    let entries = member(label, "colors").and_then(Value::as_array);
    let entries = entries.map_or(&[][..], Vec::as_slice);
    let color = |entry: &Value| Some((label_key(label_value(entry)?), rgba(entry)?));
    let colors = entries.iter().take(limits::LABEL_COLORS).filter_map(color);
    LabelColors::new(colors.collect())
}

/// `label-value` of an entry.
pub(super) fn label_value(entry: &Value) -> Option<i128> {
    let value = member(entry, "label-value")?;
    let whole = value.as_f64().filter(|number| number.fract() == 0.0);
    value
        .as_i64()
        .map(i128::from)
        .or_else(|| value.as_u64().map(i128::from))
        // Python writes 1.0 where it had a float array.
        .or_else(|| whole.map(|number| number as i128))
}

/// `rgba` of an entry: four numbers of 0 to 255.
pub(super) fn rgba(entry: &Value) -> Option<[u8; 4]> {
    let parts = member(entry, "rgba")?.as_array()?;
    let parts: Option<Vec<u8>> = parts
        .iter()
        .map(|part| part.as_u64().and_then(|part| u8::try_from(part).ok()))
        .collect();
    parts?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn colours_are_read_and_odd_entries_left_out() {
        let label = json!({"colors": [
            {"label-value": 1, "rgba": [255, 0, 0, 255]}, {"label-value": 2.0, "rgba": [0, 0, 0, 0]},
            {"label-value": 3, "rgba": [0, 0, 0]}, {"label-value": 1.5, "rgba": [1, 1, 1, 1]}, {"label-value": 5}, 7,
        ]});
        let found = colors(&label);
        assert_eq!(found.entries(), [(1, [255, 0, 0, 255]), (2, [0; 4])]);
        assert!(colors(&json!({})).entries().is_empty());
    }
}
