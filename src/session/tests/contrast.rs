//! Limits: who sets them, and for which FOVs and timepoints they hold.

use super::*;
use crate::model::{Histogram, MemoryOrder, Pixels, SampleType, Samples};
use LimitsSource::{Auto, File, Pending, User};

fn limits(low: f64, high: f64) -> ContrastLimits {
    ContrastLimits { low, high }
}

/// Statistics of a plane with the samples `0..=last`, from channel 0.
fn statistics(last: u16, fov: u32, t: u32) -> Command {
    let samples: Vec<u16> = (0..=last).collect();
    let pixels = Pixels::new(
        samples.len() as u32,
        1,
        MemoryOrder::RowMajor,
        Samples::U16(samples),
    );
    Command::Statistics {
        channel: 0,
        fov: FovId(fov),
        t,
        histogram: Histogram::of(&pixels.expect("fits"))
            .expect("finite")
            .into(),
    }
}

/// A dataset whose first channel has that window in its files.
fn with_window(window: Option<ContrastLimits>) -> Dataset {
    let mut dataset = dataset(Sizes::default());
    Arc::make_mut(&mut dataset.template).channels[0].window = window;
    dataset
}

/// Commands without a window in the files lead to limits of channel 0 at the position, and to their source.
fn check(commands: &[Command], expected: Option<(f64, f64)>, source: LimitsSource) {
    check_in(&with_window(None), commands, expected, source);
}

/// The same where the files give the window 10 to 20.
fn check_window(commands: &[Command], expected: Option<(f64, f64)>, source: LimitsSource) {
    let dataset = with_window(Some(limits(10.0, 20.0)));
    check_in(&dataset, commands, expected, source);
}

fn check_in(
    dataset: &Dataset,
    commands: &[Command],
    expected: Option<(f64, f64)>,
    source: LimitsSource,
) {
    let session = after(commands, dataset);
    let found = session.limits_of(0).map(|found| (found.low, found.high));
    let found = (found, session.channels[0].limits_source);
    assert_eq!(found, (expected, source), "after {commands:?}");
}

#[test]
fn limits_are_pending_until_the_first_statistics_of_their_channel() {
    check(&[], None, Pending);
    check(&[statistics(999, 0, 0)], Some((0.0, 998.0)), Auto);
    check(&[statistics(999, 2, 3)], Some((0.0, 998.0)), Auto);
    let later = [statistics(999, 0, 0), statistics(99, 0, 0)];
    check(&later, Some((0.0, 998.0)), Auto);
    let session = after(&[statistics(999, 0, 0)], &with_window(None));
    assert_eq!(session.limits_of(1), None, "the other channel still waits");
}

#[test]
fn limits_from_the_files_are_kept() {
    check_window(&[], Some((10.0, 20.0)), File);
    check_window(&[statistics(999, 0, 0)], Some((10.0, 20.0)), File);
}

#[test]
fn limits_by_hand_hold_whatever_is_read_later() {
    let by_hand = Command::SetLimits(0, limits(5.0, 6.0));
    check(std::slice::from_ref(&by_hand), Some((5.0, 6.0)), User);
    check(
        &[by_hand.clone(), statistics(999, 0, 0)],
        Some((5.0, 6.0)),
        User,
    );
    check_window(&[by_hand, statistics(999, 0, 0)], Some((5.0, 6.0)), User);
}

#[test]
fn inverted_and_equal_limits_are_allowed_and_numbers_that_are_none_are_refused() {
    check(
        &[Command::SetLimits(0, limits(9.0, 3.0))],
        Some((9.0, 3.0)),
        User,
    );
    check(
        &[Command::SetLimits(0, limits(3.0, 3.0))],
        Some((3.0, 3.0)),
        User,
    );
    check(
        &[Command::SetLimits(0, limits(-1e300, 1e300))],
        Some((-1e300, 1e300)),
        User,
    );
    for hostile in [
        limits(f64::NAN, 1.0),
        limits(0.0, f64::NAN),
        limits(f64::NEG_INFINITY, 0.0),
        limits(0.0, f64::INFINITY),
    ] {
        check(&[Command::SetLimits(0, hostile)], None, Pending);
    }
}

#[test]
fn auto_and_min_max_take_the_statistics_of_the_shown_plane() {
    let shown = [
        Command::SetLimits(0, limits(5.0, 6.0)),
        statistics(999, 0, 0),
    ];
    let then = |command| [&shown[..], &[command]].concat();
    check(&then(Command::AutoContrast), Some((0.0, 998.0)), Auto);
    check(&then(Command::AutoChannel(0)), Some((0.0, 998.0)), Auto);
    check(&then(Command::MinMaxChannel(0)), Some((0.0, 999.0)), Auto);
}

#[test]
fn auto_without_statistics_changes_nothing() {
    for command in [
        Command::AutoContrast,
        Command::AutoChannel(0),
        Command::MinMaxChannel(0),
    ] {
        check(std::slice::from_ref(&command), None, Pending);
        check_window(&[command], Some((10.0, 20.0)), File);
    }
}

#[test]
fn auto_contrast_leaves_channels_alone_that_are_not_drawn() {
    let by_hand = Command::SetLimits(0, limits(5.0, 6.0));
    let hidden = [
        by_hand,
        statistics(999, 0, 0),
        Command::SetVisible(0, false),
        Command::AutoContrast,
    ];
    check(&hidden, Some((5.0, 6.0)), User);
}

/// Statistics of a plane of FOV 0 in which no sample was a number.
fn no_statistics() -> Command {
    Command::Statistics {
        channel: 0,
        fov: FovId(0),
        t: 0,
        histogram: Histogram::empty().into(),
    }
}

#[test]
fn a_flat_plane_and_one_without_numbers_still_have_two_limits() {
    for flat in [statistics(0, 0, 0), no_statistics()] {
        check(std::slice::from_ref(&flat), Some((0.0, 1.0)), Pending);
        for command in [
            Command::AutoChannel(0),
            Command::MinMaxChannel(0),
            Command::ResetLimits(0),
        ] {
            check(&[flat.clone(), command], Some((0.0, 1.0)), Pending);
        }
    }
}

#[test]
fn limits_of_a_flat_plane_hold_until_a_plane_has_more_than_one_value() {
    for flat in [statistics(0, 0, 0), no_statistics()] {
        for then in [
            Command::SetFollow(true),
            Command::AutoContrast,
            Command::ResetLimits(0),
            Command::SetAutoEveryChange(true),
        ] {
            let commands = [flat.clone(), then, flat.clone(), statistics(999, 0, 0)];
            check(&commands, Some((0.0, 998.0)), Auto);
        }
    }
}

#[test]
fn a_flat_plane_replaces_no_limits_that_are_known() {
    let known = [
        statistics(999, 0, 0),
        Command::SetAutoEveryChange(true),
        statistics(0, 0, 0),
    ];
    check(&known, Some((0.0, 998.0)), Auto);
    let by_hand = [
        Command::SetLimits(0, limits(5.0, 6.0)),
        statistics(0, 0, 0),
        statistics(999, 0, 0),
    ];
    check(&by_hand, Some((5.0, 6.0)), User);
    check_window(&[statistics(0, 0, 0)], Some((10.0, 20.0)), File);
}

#[test]
fn a_flat_plane_has_no_limits_of_its_own() {
    let own = [
        Command::SetLimitsShared(false),
        statistics(0, 0, 0),
        Command::AutoChannel(0),
    ];
    let session = after(&own, &with_window(None));
    assert_eq!(session.limits_of(0), Some(limits(0.0, 1.0)));
    assert!(session.own_limits.is_empty());
    let then = [&own[..], &[statistics(999, 0, 0)]].concat();
    check(&then, Some((0.0, 998.0)), Auto);
}

#[test]
fn auto_on_every_change_follows_the_shown_plane_and_no_other() {
    let every = Command::SetAutoEveryChange(true);
    let first = [every, statistics(999, 0, 0)];
    let then = |command| [&first[..], &[command]].concat();
    check(&then(statistics(99, 0, 0)), Some((0.0, 99.0)), Auto);
    check(&then(statistics(99, 1, 0)), Some((0.0, 998.0)), Auto);
    check(&then(statistics(99, 0, 1)), Some((0.0, 998.0)), Auto);
    let off = [
        then(Command::SetAutoEveryChange(false)),
        vec![statistics(99, 0, 0)],
    ];
    check(&off.concat(), Some((0.0, 998.0)), Auto);
}

#[test]
fn shared_limits_hold_for_every_fov_and_timepoint() {
    let by_hand = Command::SetLimits(0, limits(5.0, 6.0));
    let moved = [by_hand, Command::GoToText("t2 fov1".into())];
    check(&moved, Some((5.0, 6.0)), User);
}

#[test]
fn own_limits_hold_for_their_fov_and_timepoint_alone() {
    let own = [
        statistics(999, 0, 0),
        Command::SetLimitsShared(false),
        Command::SetLimits(0, limits(5.0, 6.0)),
        Command::SetIndex(NavAxis::Fov, 1),
    ];
    let then = |more: &[Command]| [&own[..], more].concat();
    let back = Command::SetIndex(NavAxis::Fov, 0);
    check(&then(&[]), Some((0.0, 998.0)), User);
    check(&then(&[statistics(99, 1, 0)]), Some((0.0, 99.0)), Auto);
    check(
        &then(&[statistics(99, 1, 0), back.clone()]),
        Some((5.0, 6.0)),
        Auto,
    );
    check(
        &then(&[back.clone(), Command::SetIndex(NavAxis::Time, 1)]),
        Some((0.0, 998.0)),
        User,
    );
    check(
        &then(&[back, Command::SetLimitsShared(true)]),
        Some((0.0, 998.0)),
        User,
    );
}

#[test]
fn limits_that_become_own_stay_on_the_shown_plane() {
    let commands = [
        statistics(999, 0, 0),
        Command::SetLimits(0, limits(5.0, 6.0)),
        Command::SetLimitsShared(false),
        statistics(999, 0, 0),
    ];
    check(&commands, Some((5.0, 6.0)), User);
}

#[test]
fn a_channel_whose_own_limits_came_first_still_gets_shared_ones() {
    let commands = [
        Command::SetLimitsShared(false),
        Command::SetLimits(0, limits(5.0, 6.0)),
        statistics(999, 0, 0),
    ];
    check(&commands, Some((5.0, 6.0)), User);
    let shared = [&commands[..], &[Command::SetLimitsShared(true)]].concat();
    check(&shared, Some((0.0, 998.0)), User);
}

#[test]
fn resetting_limits_brings_back_the_files_window_or_what_the_shown_plane_gives() {
    for reset in [Command::ResetLimits(0), Command::ResetChannel(0)] {
        let by_hand = Command::SetLimits(0, limits(5.0, 6.0));
        check_window(&[by_hand.clone(), reset.clone()], Some((10.0, 20.0)), File);
        check(&[by_hand.clone(), reset.clone()], None, Pending);
        check(
            &[by_hand, statistics(999, 0, 0), reset],
            Some((0.0, 998.0)),
            Auto,
        );
    }
}

#[test]
fn resetting_limits_forgets_own_ones_everywhere() {
    let dataset = with_window(Some(limits(10.0, 20.0)));
    let own = |fov| {
        [
            Command::SetIndex(NavAxis::Fov, fov),
            Command::SetLimits(0, limits(5.0, 6.0)),
            Command::SetLimits(1, limits(7.0, 8.0)),
        ]
    };
    let commands = [
        vec![Command::SetLimitsShared(false)],
        own(0).into(),
        own(1).into(),
        vec![Command::ResetLimits(0)],
    ];
    let session = after(&commands.concat(), &dataset);
    for fov in [0, 1].map(FovId) {
        assert_eq!(session.limits_at(0, fov, 0), Some(limits(10.0, 20.0)));
        assert_eq!(session.limits_at(1, fov, 0), Some(limits(7.0, 8.0)));
    }
}

#[test]
fn the_histogram_is_that_of_the_shown_plane() {
    let dataset = with_window(None);
    let commands = [statistics(999, 0, 0), statistics(99, 1, 0)];
    let session = after(&commands, &dataset);
    let histogram = session.channels[0].histogram.as_ref().expect("arrived");
    assert_eq!(histogram.max, 999.0);
}

/// A dataset with a colour image of three channels.
fn with_colors(sample_type: SampleType) -> Dataset {
    let mut dataset = dataset(Sizes {
        c: 3,
        ..Sizes::default()
    });
    let image = Arc::make_mut(&mut dataset.template);
    image.sample_type = sample_type;
    for (channel, part) in image.channels.iter_mut().zip(0..) {
        channel.color_part = Some(part);
        channel.window = None;
    }
    dataset
}

/// Statistics of a colour whose samples lie between two values.
fn color_statistics(channel: usize, low: u16, high: u16) -> Command {
    let samples: Vec<u16> = (low..=high).collect();
    let pixels = Pixels::new(
        samples.len() as u32,
        1,
        MemoryOrder::RowMajor,
        Samples::U16(samples),
    );
    Command::Statistics {
        channel,
        fov: FovId(0),
        t: 0,
        histogram: Histogram::of(&pixels.expect("fits"))
            .expect("finite")
            .into(),
    }
}

/// The limits of all channels.
fn all_limits(session: &Session) -> Vec<Option<(f64, f64)>> {
    let limits = (0..session.channels.len()).map(|channel| session.limits_of(channel));
    limits
        .map(|limits| limits.map(|it| (it.low, it.high)))
        .collect()
}

#[test]
fn colours_of_8_bits_are_shown_as_they_are() {
    let dataset = with_colors(SampleType::U8);
    let brown = [
        color_statistics(0, 180, 199),
        color_statistics(1, 120, 129),
        color_statistics(2, 60, 64),
    ];
    let mut session = after(&brown, &dataset);
    assert_eq!(all_limits(&session), [Some((0.0, 255.0)); 3]);
    session.apply(&Command::AutoChannel(1), &dataset);
    assert_eq!(all_limits(&session), [Some((60.0, 199.0)); 3]);
    session.apply(&Command::ResetLimits(1), &dataset);
    assert_eq!(session.limits_of(1), Some(limits(0.0, 255.0)));
}

#[test]
fn colours_of_an_image_share_their_first_limits_in_whatever_order_they_come() {
    let dataset = with_colors(SampleType::U16);
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let colors = [(1800, 1999), (1200, 1299), (600, 600)];
        let commands = order.map(|at: usize| color_statistics(at, colors[at].0, colors[at].1));
        let mut session = after(&commands, &dataset);
        assert_eq!(all_limits(&session), [Some((0.0, 1999.0)); 3], "{order:?}");
        let sources = session.channels.iter().map(|view| view.limits_source);
        assert_eq!(sources.collect::<Vec<_>>(), [Auto; 3]);
        session.apply(&Command::SetLimits(0, limits(5.0, 6.0)), &dataset);
        let by_hand = [Some((5.0, 6.0)), Some((0.0, 1999.0)), Some((0.0, 1999.0))];
        assert_eq!(all_limits(&session), by_hand);
        session.apply(&Command::AutoContrast, &dataset);
        assert_eq!(all_limits(&session), [Some((600.0, 1999.0)); 3]);
    }
}

#[test]
fn colours_share_limits_of_their_own_fov_too() {
    let dataset = with_colors(SampleType::U16);
    let commands = [
        Command::SetLimitsShared(false),
        color_statistics(0, 10, 20),
        color_statistics(1, 30, 50),
        color_statistics(2, 1, 2),
    ];
    let session = after(&commands, &dataset);
    assert_eq!(all_limits(&session), [Some((0.0, 50.0)); 3]);
}
