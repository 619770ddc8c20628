//! `configurations.xml` of acquisitions before `acquisition_channels.yaml`: names, exposures and colours of channels.
//!
//! Squid `control/core/channel_configuration_manager.py`: a `mode` per channel with `Name`, `ExposureTime` (ms) and
//! `Selected`; its text is the colour as a decimal number of 24 bits. All channels of the microscope are listed, those of
//! the acquisition are selected; files of the first years have no such mark.

use roxmltree::Node;

use super::{json::shown_text, xml};
use crate::model::{Channel, Rgb, limits};

/// Reads the selected channels in the order of the file, or all where none is; at most `limits::CHANNELS`.
///
/// # Errors
/// When it is not XML, or has no `mode`.
pub fn parse(text: &str) -> Result<Vec<Channel>, String> {
    let document = xml::parse(text, limits::SIDE_XML_NODES).map_err(|(_, message)| message)?;
    let modes = || {
        let nodes = document.descendants();
        nodes.filter(|node| node.tag_name().name() == "mode")
    };
    let has_selected = modes().any(|mode| is_selected(&mode));
    let taken = modes().filter(|mode| !has_selected || is_selected(mode));
    let channels: Vec<Channel> = taken
        .take(limits::CHANNELS)
        .map(|mode| channel(&mode))
        .collect();
    if channels.is_empty() {
        let root = document.root_element().tag_name().name();
        let found = shown_text(root);
        return Err(format!("found {found} without any mode, expected channels"));
    }
    Ok(channels)
}

fn is_selected(mode: &Node<'_, '_>) -> bool {
    let selected = mode.attribute("Selected").unwrap_or_default();
    selected.eq_ignore_ascii_case("true") || selected == "1"
}

fn channel(mode: &Node<'_, '_>) -> Channel {
    let exposure = mode.attribute("ExposureTime");
    let exposure = exposure.and_then(|text| text.trim().parse::<f64>().ok());
    let color = mode.text().and_then(|text| text.trim().parse::<u32>().ok());
    let name = mode.attribute("Name").map(str::trim);
    Channel {
        name: name.filter(|name| !name.is_empty()).map(str::to_owned),
        exposure_ms: exposure.filter(|&ms| ms.is_finite() && ms > 0.0),
        // The first files have a running number there in place of a colour.
        color: color
            .filter(|&color| color > 0xff && color <= 0xff_ffff)
            .map(|color| Rgb {
                r: (color >> 16) as u8,
                g: (color >> 8) as u8,
                b: color as u8,
            }),
        ..Channel::default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &[(&str, Option<f64>, Option<&str>)]) {
        let found = parse(text).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|it| {
                (
                    it.name.as_deref().unwrap_or(""),
                    it.exposure_ms,
                    it.color.map(Rgb::to_hex),
                )
            })
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|&(name, ms, color)| (name, ms, color.map(str::to_owned)))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn selected_channels_have_names_exposures_and_colours() {
        check(
            r#"<?xml version="1.0" encoding="UTF-8"?><modes>
               <mode ID="1" Name="BF LED matrix full" ExposureTime="12.0" AnalogGain="0" Selected="false">16777215</mode>
               <mode ID="5" Name="Fluorescence 405 nm Ex" ExposureTime="50.5" Selected="true">2141688</mode>
               <mode ID="6" Name="Fluorescence 488 nm Ex" ExposureTime="x" Selected="1">2096896</mode></modes>"#,
            &[
                ("Fluorescence 405 nm Ex", Some(50.5), Some("20ADF8")),
                ("Fluorescence 488 nm Ex", None, Some("1FFF00")),
            ],
        );
        check(
            r#"<modes><mode ID="1" Name="BF" ExposureTime="-1"/><mode ID="2">7</mode></modes>"#,
            &[("BF", None, None), ("", None, None)],
        );
    }

    #[test]
    fn what_is_no_such_file_is_an_error() {
        for text in [
            "",
            "<modes>",
            "<modes/>",
            "{}",
            "<!DOCTYPE a [<!ENTITY b 'c'>]><mode/>",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let deep = "<a>".repeat(100_000) + &"</a>".repeat(100_000);
        assert!(parse(&deep).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "(<[/a-z ='\"]{0,12}>?|\\PC{0,4}){0,20}") {
            parse(&text).ok();
        }
    }
}
