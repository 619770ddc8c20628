//! Views that are kept and looked at again.

use super::*;
use crate::model::{Colormap, Histogram, Lut, MemoryOrder, Pixels, Samples};

/// A view of two channels, everything set by hand.
fn by_hand(dataset: &Dataset) -> Session {
    let limits = ContrastLimits {
        low: 5.0,
        high: 6.0,
    };
    let commands = [
        Command::SetVisible(0, false),
        Command::SetLut(0, Lut::Map(Colormap::Magma)),
        Command::SetGamma(0, 2.0),
        Command::SetInverted(0, true),
        Command::SetLimits(0, limits),
        Command::ToggleMode,
        Command::SetLimitsShared(false),
        Command::SetAutoEveryChange(true),
        Command::GoToText("t3 z1".into()),
    ];
    after(&commands, dataset)
}

/// What is kept of a view set by hand, after `spoil`, changes a fresh session's first channel as `is_expected` says.
fn check(spoil: impl FnOnce(&mut SavedView), is_expected: impl FnOnce(&Session, &Session) -> bool) {
    let dataset = dataset(Sizes::default());
    let mut saved = by_hand(&dataset).saved(&dataset);
    spoil(&mut saved);
    let (fresh, mut restored) = (Session::new(&dataset), Session::new(&dataset));
    restored.restore(&saved, &dataset);
    assert!(is_expected(&fresh, &restored), "{restored:?}");
}

#[test]
fn a_restored_view_looks_as_it_was_left_and_starts_at_the_first_position() {
    let dataset = dataset(Sizes::default());
    let left = by_hand(&dataset);
    check(
        |_| {},
        |fresh, restored| {
            restored.channels == left.channels
                && restored.mode == left.mode
                && !restored.limits_shared
                && restored.auto_every_change
                && restored.position == fresh.position
                && restored.camera == fresh.camera
        },
    );
}

#[test]
fn a_view_survives_being_written() {
    let dataset = dataset(Sizes::default());
    let saved = by_hand(&dataset).saved(&dataset);
    let text = serde_json::to_string(&saved).expect("plain numbers");
    assert_eq!(
        serde_json::from_str::<SavedView>(&text).expect("ours"),
        saved
    );
}

#[test]
fn a_channel_of_another_name_is_not_restored() {
    check(
        |saved| saved.channels[0].name = "Other dye".into(),
        |fresh, restored| fresh.channels == restored.channels,
    );
}

#[test]
fn more_or_fewer_channels_than_were_saved_are_no_obstacle() {
    check(
        |saved| saved.channels.clear(),
        |fresh, restored| fresh.channels == restored.channels,
    );
    check(
        |saved| {
            let more = vec![saved.channels[1].clone(); 50];
            saved.channels.extend(more);
        },
        |_, restored| restored.channels.len() == 2 && restored.channels[0].gamma == 2.0,
    );
}

#[test]
fn insane_limits_are_left_aside_and_insane_gamma_is_bounded() {
    for (low, high) in [(f64::NAN, 1.0), (0.0, f64::INFINITY), (f64::NAN, f64::NAN)] {
        check(
            |saved| saved.channels[0].limits = Some(ContrastLimits { low, high }),
            |fresh, restored| {
                let (fresh, restored) = (&fresh.channels[0], &restored.channels[0]);
                restored.limits == fresh.limits && restored.limits_source == fresh.limits_source
            },
        );
    }
    for (gamma, expected) in [(f32::NAN, 1.0), (-3.0, 0.1), (1e30, 10.0)] {
        check(
            |saved| saved.channels[0].gamma = gamma,
            |_, restored| restored.channels[0].gamma == expected,
        );
    }
}

#[test]
fn limits_that_were_pending_are_pending_again() {
    check(
        |_| {},
        |_, restored| {
            let view = &restored.channels[1];
            view.limits.is_none() && view.limits_source == LimitsSource::Pending
        },
    );
}

#[test]
fn limits_of_a_plane_of_one_value_are_not_kept() {
    let dataset = dataset(Sizes::default());
    let samples = Samples::U16(vec![0; 4]);
    let pixels = Pixels::new(4, 1, MemoryOrder::RowMajor, samples).expect("fits");
    let statistics = Command::Statistics {
        channel: 0,
        fov: FovId(0),
        t: 0,
        histogram: Histogram::of(&pixels).expect("finite").into(),
    };
    for commands in [
        vec![statistics.clone()],
        vec![Command::SetLimitsShared(false), statistics.clone()],
        vec![statistics, Command::AutoContrast],
    ] {
        let saved = after(&commands, &dataset).saved(&dataset);
        let channel = &saved.channels[0];
        let kept = (channel.limits, channel.limits_source);
        assert_eq!(kept, (None, LimitsSource::Pending), "after {commands:?}");
        assert!(saved.own_limits.is_empty(), "after {commands:?}");
    }
}

#[test]
fn limits_of_single_fovs_come_back_to_their_fov_though_its_id_is_another() {
    let before = dataset(Sizes::default());
    let limits = ContrastLimits {
        low: 7.0,
        high: 9.0,
    };
    let commands = [
        Command::SetLimitsShared(false),
        Command::GoToFov(FovId(1)),
        Command::SetLimits(1, limits),
    ];
    let saved = after(&commands, &before).saved(&before);
    let mut later = before.clone();
    let mut rows = later.fovs.to_vec();
    rows.swap(1, 2);
    later.fovs = rows.into();
    let mut restored = Session::new(&later);
    restored.restore(&saved, &later);
    assert_eq!(restored.limits_at(1, FovId(2), 0), Some(limits));
    assert_ne!(restored.limits_at(1, FovId(1), 0), Some(limits));
}
