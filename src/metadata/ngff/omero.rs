//! `omero.channels`: names, colours and windows, index by index (a transitional part of every NGFF version).

use serde_json::Value;

use super::{
    super::json::{as_number, as_positive, as_text, member, shown},
    units::unit_to_um,
};
use crate::model::{Channel, Code, ContrastLimits, Problem, Rgb, limits};

/// Colour names that writers use; other names of CSS have not been met.
const NAMED_COLORS: [(&str, &str); 11] = [
    ("red", "FF0000"),
    ("green", "00FF00"),
    ("lime", "00FF00"),
    ("blue", "0000FF"),
    ("cyan", "00FFFF"),
    ("magenta", "FF00FF"),
    ("yellow", "FFFF00"),
    ("orange", "FFA500"),
    ("white", "FFFFFF"),
    // As a channel's colour, gray is the map from black to white.
    ("gray", "FFFFFF"),
    ("grey", "FFFFFF"),
];

/// Reads `omero`; an entry that says nothing usable still takes its place, and so does the rendering model alone.
pub(super) fn parse(omero: &Value, problems: &mut Vec<Problem>) -> Vec<Channel> {
    let in_gray = is_greyscale(omero);
    let mut channels = entries(omero, problems);
    if in_gray && channels.is_empty() {
        channels.push(Channel::default());
    }
    for channel in &mut channels {
        channel.in_gray = in_gray;
    }
    channels
}

/// All channels are drawn in gray.
pub(super) fn is_greyscale(omero: &Value) -> bool {
    let model = member(omero, "rdefs").and_then(|rdefs| member(rdefs, "model")?.as_str());
    model.is_some_and(|model| {
        ["greyscale", "grayscale"]
            .iter()
            .any(|gray| model.eq_ignore_ascii_case(gray))
    })
}

fn entries(omero: &Value, problems: &mut Vec<Problem>) -> Vec<Channel> {
    let Some(value) = member(omero, "channels") else {
        return Vec::new();
    };
    let mut list = |message: String| problems.push(Problem::new(Code::BadMetadata, ".", message));
    let Some(entries) = value.as_array() else {
        list(format!(
            "omero.channels is {}, expected a list",
            shown(value)
        ));
        return Vec::new();
    };
    if entries.len() > limits::CHANNELS {
        list(format!(
            "omero.channels has {} entries, the first {} are used",
            entries.len(),
            limits::CHANNELS
        ));
    }
    let entries = entries.iter().take(limits::CHANNELS).enumerate();
    entries
        .map(|(at, entry)| channel(at, entry, &mut list))
        .collect()
}

fn channel(at: usize, entry: &Value, list: &mut impl FnMut(String)) -> Channel {
    if !entry.is_object() && !entry.is_null() {
        list(format!(
            "omero channel {at} is {}, expected an object",
            shown(entry)
        ));
    }
    let name = member(entry, "label").or_else(|| member(entry, "name"));
    Channel {
        name: name.and_then(as_text),
        color: color(at, entry, list),
        window: window(at, entry, list),
        active: member(entry, "active").and_then(Value::as_bool),
        inverted: member(entry, "inverted").and_then(Value::as_bool) == Some(true),
        emission_nm: member(entry, "emission_wavelength").and_then(emission_nm),
        ..Channel::default()
    }
}

/// Hex with three, six or eight digits, or a name.
fn color(at: usize, entry: &Value, list: &mut impl FnMut(String)) -> Option<Rgb> {
    let value = member(entry, "color")?;
    let color = value.as_str().and_then(parse_color);
    if color.is_none() {
        list(format!(
            "colour of omero channel {at} is {}, expected RRGGBB",
            shown(value)
        ));
    }
    color
}

fn parse_color(text: &str) -> Option<Rgb> {
    let text = text.trim();
    let named = NAMED_COLORS
        .iter()
        .find(|(name, _)| text.eq_ignore_ascii_case(name));
    if let Some((_, hex)) = named {
        return Rgb::from_hex(hex).ok();
    }
    let digits = text.strip_prefix('#').unwrap_or(text);
    let is_short = digits.len() == 3 && digits.is_ascii();
    if is_short {
        let doubled: String = digits.chars().flat_map(|digit| [digit, digit]).collect();
        return Rgb::from_hex(&doubled).ok();
    }
    Rgb::from_hex(text).ok()
}

/// `start` and `end` are the limits, `min` and `max` the range of the slider; the range serves where limits are missing.
fn window(at: usize, entry: &Value, list: &mut impl FnMut(String)) -> Option<ContrastLimits> {
    let window = member(entry, "window")?;
    let number = |key| member(window, key).and_then(as_number);
    let low = number("start").or_else(|| number("min"));
    let high = number("end").or_else(|| number("max"));
    match (low, high) {
        (Some(low), Some(high)) if low != high => Some(ContrastLimits { low, high }),
        (None, None) if window.is_object() => None,
        _ => {
            list(format!(
                "window of omero channel {at} is {window}, expected a start and another end",
                window = shown_window(window, low, high)
            ));
            None
        }
    }
}

fn shown_window(window: &Value, low: Option<f64>, high: Option<f64>) -> String {
    let part = |limit: Option<f64>| limit.map_or_else(|| "nothing".to_owned(), |v| v.to_string());
    if window.is_object() {
        format!("{} to {}", part(low), part(high))
    } else {
        shown(window)
    }
}

/// A number in nm, or `{value, unit}` as Squid writes it.
fn emission_nm(value: &Value) -> Option<f64> {
    let Some(inner) = member(value, "value") else {
        return as_positive(value);
    };
    let unit = member(value, "unit").and_then(as_text);
    let nm = match unit.as_deref().map(unit_to_um) {
        None => 1.0,
        Some(um) => um? * 1e3,
    };
    as_positive(inner).map(|number| number * nm)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(entry: impl Into<Value>) -> (Channel, usize) {
        let mut problems = Vec::new();
        let omero = json!({"channels": [entry.into()]});
        let channels = parse(&omero, &mut problems);
        assert_eq!(channels.len(), 1);
        (channels[0].clone(), problems.len())
    }

    #[test]
    fn colours_are_read_as_people_write_them() {
        let check = |color: Value, expected: Option<&str>, num_problems| {
            let (channel, found) = one(json!({"color": color}));
            assert_eq!(
                channel.color.map(Rgb::to_hex).as_deref(),
                expected,
                "{color}"
            );
            assert_eq!(found, num_problems, "{color}");
        };
        check(json!("20ADF8"), Some("20ADF8"), 0);
        check(json!("#20adf8"), Some("20ADF8"), 0);
        check(json!("20ADF8FF"), Some("20ADF8"), 0);
        check(json!("#0F8"), Some("00FF88"), 0);
        check(json!(" Magenta "), Some("FF00FF"), 0);
        check(json!("grey"), Some("FFFFFF"), 0);
        check(json!(null), None, 0);
        check(json!("µµµ"), None, 1);
        check(json!("chartreuse-ish"), None, 1);
        check(json!(255), None, 1);
    }

    #[test]
    fn a_window_is_start_and_end_or_else_the_range() {
        let check = |window: Value, expected: Option<(f64, f64)>, num_problems| {
            let (channel, found) = one(json!({"window": window}));
            let limits = channel.window.map(|limits| (limits.low, limits.high));
            assert_eq!(limits, expected, "{window}");
            assert_eq!(found, num_problems, "{window}");
        };
        check(
            json!({"start": 10, "end": 900, "min": 0, "max": 4095}),
            Some((10.0, 900.0)),
            0,
        );
        check(
            json!({"start": null, "end": null, "min": 0, "max": 4095}),
            Some((0.0, 4095.0)),
            0,
        );
        check(json!({"start": 900, "end": 10}), Some((900.0, 10.0)), 0);
        check(json!({"end": 900, "min": 1}), Some((1.0, 900.0)), 0);
        check(json!({}), None, 0);
        check(json!({"start": null}), None, 0);
        check(json!({"start": 5}), None, 1);
        check(json!({"start": 5, "end": 5}), None, 1);
        check(json!([0, 1]), None, 1);
    }

    #[test]
    fn emission_is_a_number_or_a_value_with_a_unit() {
        let check = |emission: Value, expected: Option<f64>| {
            let (channel, _) = one(json!({"emission_wavelength": emission}));
            assert_eq!(channel.emission_nm, expected, "{emission}");
        };
        check(json!(520), Some(520.0));
        check(json!({"value": 405, "unit": "nanometer"}), Some(405.0));
        check(json!({"value": 0.5, "unit": "µm"}), Some(500.0));
        check(json!({"value": 405}), Some(405.0));
        check(json!({"value": 405, "unit": "kelvin"}), None);
        check(json!(null), None);
        check(json!(-3), None);
    }

    #[test]
    fn a_channel_is_inverted_where_it_says_true() {
        for (inverted, expected) in [
            (json!(true), true),
            (json!(false), false),
            (json!(null), false),
            (json!("yes"), false),
        ] {
            let (channel, _) = one(json!({"inverted": inverted}));
            assert_eq!(channel.inverted, expected, "{inverted}");
        }
    }

    #[test]
    fn the_greyscale_model_holds_for_every_channel() {
        let in_gray = |omero: Value| -> Vec<bool> {
            let channels = parse(&omero, &mut Vec::new());
            channels.iter().map(|channel| channel.in_gray).collect()
        };
        let channels = json!([{"color": "FF0000"}, null]);
        for model in ["greyscale", "Grayscale"] {
            let omero = json!({"rdefs": {"model": model}, "channels": channels});
            assert_eq!(in_gray(omero), [true, true], "{model}");
        }
        let omero = json!({"rdefs": {"model": "color"}, "channels": channels});
        assert_eq!(in_gray(omero), [false, false]);
        assert_eq!(in_gray(json!({"rdefs": {"model": "greyscale"}})), [true]);
        assert!(in_gray(json!({"rdefs": {"model": 7}})).is_empty());
    }

    #[test]
    fn entries_keep_their_places() {
        let mut problems = Vec::new();
        let omero =
            json!({"channels": [null, 7, {"label": "DAPI", "active": false}, {"label": ""}]});
        let channels = parse(&omero, &mut problems);
        let names: Vec<_> = channels
            .iter()
            .map(|channel| channel.name.as_deref())
            .collect();
        assert_eq!(names, [None, None, Some("DAPI"), None]);
        assert_eq!(channels[2].active, Some(false));
        assert_eq!(problems.len(), 1);
        assert!(parse(&json!({"channels": {}}), &mut problems).is_empty());
    }
}
