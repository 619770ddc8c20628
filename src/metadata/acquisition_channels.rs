//! `acquisition_channels.yaml`: names, colours and exposures (Squid `control/models/acquisition_config.py`).

use serde_json::Value;

use super::{
    json::{as_positive, as_text, at, member, shown},
    yaml,
};
use crate::model::{Channel, Rgb, limits};

/// Reads the enabled channels in file order, which is the order of channel indices everywhere.
///
/// An entry that says nothing usable still takes its place.
///
/// # Errors
/// When it is not a YAML mapping with `channels`, or has more than `limits::CHANNELS`: those of the images are no part of
/// what is left of so many.
pub fn parse(text: &str) -> Result<Vec<Channel>, String> {
    let document = yaml::to_json(text)?;
    let Some(entries) = member(&document, "channels").and_then(Value::as_array) else {
        return Err(format!(
            "found {}, expected a mapping with a list of channels",
            shown(&document)
        ));
    };
    let is_enabled = |entry: &&Value| member(entry, "enabled") != Some(&Value::Bool(false));
    let enabled: Vec<&Value> = entries.iter().filter(is_enabled).collect();
    let (found, limit) = (enabled.len(), limits::CHANNELS);
    if found > limit {
        return Err(format!(
            "{found} channels, expected at most {limit}; all are left aside"
        ));
    }
    Ok(enabled.into_iter().map(channel).collect())
}

fn channel(entry: &Value) -> Channel {
    let settings = camera_settings(entry);
    // The first files had the colour among the settings of the camera.
    let color = member(entry, "display_color").or_else(|| member(settings?, "display_color"));
    Channel {
        name: member(entry, "name").and_then(as_text),
        color: color
            .and_then(Value::as_str)
            .and_then(|text| Rgb::from_hex(text.trim()).ok()),
        exposure_ms: settings
            .and_then(|settings| member(settings, "exposure_time_ms"))
            .and_then(as_positive),
        ..Channel::default()
    }
}

/// `camera_settings`, or of several cameras the first one's.
fn camera_settings(entry: &Value) -> Option<&Value> {
    let settings = at(entry, &["camera_settings"])?;
    if settings.get("exposure_time_ms").is_some() {
        return Some(settings);
    }
    let first = settings
        .as_object()?
        .values()
        .find(|value| value.is_object());
    Some(first.unwrap_or(settings))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Name, colour and exposure of every channel.
    fn check(text: &str, expected: &[(&str, &str, f64)]) {
        let channels = parse(text).expect("channels");
        let found: Vec<_> = channels
            .iter()
            .map(|channel| {
                let color = channel.color.map(Rgb::to_hex).unwrap_or_default();
                let name = channel.name.clone().unwrap_or_default();
                (name, color, channel.exposure_ms.unwrap_or_default())
            })
            .collect();
        let found: Vec<_> = found
            .iter()
            .map(|(name, color, exposure_ms)| (name.as_str(), color.as_str(), *exposure_ms))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn squids_file_is_read() {
        check(
            include_str!("../../tests/data/metadata/acquisition_channels.yaml"),
            &[
                ("Fluorescence 405 nm Ex", "20ADF8", 20.0),
                ("Fluorescence 488 nm Ex", "1FFF00", 35.0),
                ("Fluorescence 561 nm Ex", "FFCF00", 50.0),
                ("Fluorescence 638 nm Ex", "FF0000", 65.0),
            ],
        );
    }

    #[test]
    fn odd_entries_keep_their_places_and_disabled_ones_do_not() {
        check(
            "channels:\n- 7\n- {name: a, enabled: false}\n- {name: b, display_color: blue}\n\
             - name: c\n  camera_settings: {main: {exposure_time_ms: 5, display_color: '#00FF00'}}\n",
            &[("", "", 0.0), ("b", "", 0.0), ("c", "00FF00", 5.0)],
        );
        check("channels: []\n", &[]);
        for text in ["", "channels: 7\n", "- a\n", "channels: ["] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "channels:(\n *-? ?[a-z_]{0,10}: ?\\PC{0,8}){0,8}") {
            parse(&text).ok();
        }
    }
}
