//! Channels of an image, index by index: what `omero` says, and exposures from the side file.

use std::collections::HashMap;

use crate::model::{Channel, Code, ContrastLimits, Problem, SampleType};

/// One entry per index of c; surplus entries and duplicate names are listed.
pub(super) fn of_image(
    from_metadata: &[Channel],
    num_channels: usize,
    sample_type: SampleType,
    side_file: &[Channel],
    location: &str,
) -> (Vec<Channel>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut list = |message: String| {
        problems.push(Problem::new(Code::Ignored, location, message));
    };
    if from_metadata.len() > num_channels {
        let surplus = from_metadata.len() - num_channels;
        list(format!(
            "{} channels described, the image has {num_channels}; the last {surplus} are left aside",
            from_metadata.len()
        ));
    }
    let mut channels: Vec<Channel> = from_metadata.iter().take(num_channels).cloned().collect();
    let others = Channel {
        in_gray: from_metadata.iter().any(|channel| channel.in_gray),
        ..Channel::default()
    };
    channels.resize(num_channels, others);
    for name in duplicates(&channels) {
        list(format!("several channels are named {name:?}"));
    }
    for (at, channel) in channels.iter_mut().enumerate() {
        channel.window = channel
            .window
            .filter(|window| tells_something(window, sample_type));
        let described = side_file
            .iter()
            .find(|other| other.name.is_some() && other.name == channel.name)
            .or_else(|| {
                side_file
                    .get(at)
                    .filter(|_| side_file.len() == num_channels)
            });
        channel.exposure_ms = channel
            .exposure_ms
            .or_else(|| described.and_then(|described| described.exposure_ms));
    }
    (channels, problems)
}

/// False for the whole range of the sample type: Squid writes that, and an image drawn so is nearly black.
fn tells_something(window: &ContrastLimits, sample_type: SampleType) -> bool {
    sample_type.value_range() != Some((window.low, window.high))
}

/// Names that occur more than once, in order of their first place.
fn duplicates(channels: &[Channel]) -> Vec<&str> {
    let mut count: HashMap<&str, usize> = HashMap::new();
    let mut repeated = Vec::new();
    for name in channels
        .iter()
        .filter_map(|channel| channel.name.as_deref())
    {
        let seen = count.entry(name).or_default();
        *seen += 1;
        if *seen == 2 {
            repeated.push(name);
        }
    }
    repeated
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(name: &str, window: Option<(f64, f64)>) -> Channel {
        Channel {
            name: Some(name.to_owned()),
            window: window.map(|(low, high)| ContrastLimits { low, high }),
            ..Channel::default()
        }
    }

    fn check(described: &[Channel], num_channels: usize, names: &[Option<&str>], problems: usize) {
        let (channels, listed) = of_image(described, num_channels, SampleType::U16, &[], "a.zarr");
        let found: Vec<_> = channels
            .iter()
            .map(|channel| channel.name.as_deref())
            .collect();
        assert_eq!(found, names);
        assert_eq!(listed.len(), problems, "{listed:?}");
    }

    #[test]
    fn entries_are_used_index_by_index() {
        let two = [channel("a", None), channel("b", None)];
        check(&two, 2, &[Some("a"), Some("b")], 0);
        check(&two, 3, &[Some("a"), Some("b"), None], 0);
        check(&[], 2, &[None, None], 0);
    }

    #[test]
    fn channels_that_are_not_described_are_gray_as_the_others() {
        let described = [Channel {
            in_gray: true,
            ..channel("a", None)
        }];
        let (channels, _) = of_image(&described, 2, SampleType::U16, &[], ".");
        let hex = |at: usize| channels[at].display_color(at, 2).to_hex();
        assert_eq!([hex(0), hex(1)], ["FFFFFF", "FFFFFF"]);
    }

    #[test]
    fn surplus_and_duplicate_names_are_listed() {
        let three = [channel("a", None), channel("a", None), channel("a", None)];
        check(&three, 2, &[Some("a"), Some("a")], 2);
    }

    #[test]
    fn a_window_over_the_whole_type_is_none() {
        let described = [
            channel("a", Some((0.0, 65535.0))),
            channel("b", Some((5.0, 65535.0))),
        ];
        let (channels, _) = of_image(&described, 2, SampleType::U16, &[], ".");
        assert_eq!(channels[0].window, None);
        assert!(channels[1].window.is_some());
        let (channels, _) = of_image(&described, 2, SampleType::F32, &[], ".");
        assert!(channels[0].window.is_some());
    }

    #[test]
    fn exposures_come_by_name_and_then_by_place() {
        let exposed = |name: &str, exposure_ms: f64| Channel {
            exposure_ms: Some(exposure_ms),
            ..channel(name, None)
        };
        let described = [channel("b", None), channel("z", None)];
        let side_file = [exposed("a", 1.0), exposed("b", 2.0)];
        let (channels, _) = of_image(&described, 2, SampleType::U16, &side_file, ".");
        let found: Vec<_> = channels.iter().map(|channel| channel.exposure_ms).collect();
        assert_eq!(found, [Some(2.0), Some(2.0)]);
    }
}
