//! Following the newest plane: where it leads, what is held, what ends it.

use super::*;
use NavAxis::{Fov, Time, Z};

const ON: Command = Command::SetFollow(true);

/// News of a plane of a dataset with 3 FOVs, 4 timepoints, 2 channels, 5 slices.
fn newest(fov: u32, t: u32, z: u32, c: u16) -> Command {
    Command::Newest {
        fov: FovId(fov),
        t,
        z,
        c,
    }
}

fn hold(lock: FollowLock) -> Command {
    Command::SetLock(lock, true)
}

/// Commands lead to (t, flat number, z) and a selected channel, from (0, 0, 2) and channel 0.
fn check(commands: &[Command], expected: ((u32, u32, u32), usize)) {
    let dataset = dataset(Sizes::default());
    let session = after(commands, &dataset);
    let at = session.position;
    let found = (at.t, at.index(Fov, &dataset), at.z);
    assert_eq!(
        (found, session.selected_channel),
        expected,
        "after {commands:?}"
    );
}

#[test]
fn the_view_goes_with_the_newest_plane_only_while_following() {
    check(&[newest(1, 2, 3, 0)], ((0, 0, 2), 0));
    check(&[ON, newest(1, 2, 3, 0)], ((2, 1, 3), 0));
    check(
        &[ON, newest(1, 2, 3, 0), newest(2, 2, 0, 1)],
        ((2, 2, 0), 0),
    );
    check(
        &[ON, Command::SetFollow(false), newest(1, 2, 3, 0)],
        ((0, 0, 2), 0),
    );
}

#[test]
fn planes_off_a_held_axis_move_nothing_and_those_on_it_the_other_axes() {
    for (lock, off, on) in [
        (FollowLock::Z, newest(1, 2, 3, 0), newest(1, 2, 2, 0)),
        (FollowLock::Fov, newest(1, 2, 3, 0), newest(0, 2, 3, 0)),
        (FollowLock::Channel, newest(1, 2, 3, 1), newest(1, 2, 3, 0)),
    ] {
        check(&[ON, hold(lock), off.clone()], ((0, 0, 2), 0));
        let expected = match lock {
            FollowLock::Z => (2, 1, 2),
            FollowLock::Fov => (2, 0, 3),
            FollowLock::Channel => (2, 1, 3),
        };
        check(&[ON, hold(lock), on], (expected, 0));
        let let_go = Command::SetLock(lock, false);
        check(&[ON, hold(lock), let_go, off], ((2, 1, 3), 0));
    }
    let all = [FollowLock::Z, FollowLock::Fov, FollowLock::Channel].map(hold);
    let commands = [&[ON], &all[..], &[newest(0, 3, 2, 0)]].concat();
    check(&commands, ((3, 0, 2), 0));
}

#[test]
fn in_single_mode_the_channel_of_the_newest_plane_is_shown_unless_it_is_held() {
    let single = Command::ToggleMode;
    check(&[single.clone(), ON, newest(0, 1, 2, 1)], ((1, 0, 2), 1));
    let held = hold(FollowLock::Channel);
    check(&[single, held, ON, newest(0, 1, 2, 1)], ((0, 0, 2), 0));
}

#[test]
fn planes_of_a_hidden_channel_move_nothing_but_where_it_is_the_one_shown() {
    let hide = |c| Command::SetVisible(c, false);
    check(&[hide(1), ON, newest(1, 1, 1, 1)], ((0, 0, 2), 0));
    let single = Command::ToggleMode;
    check(
        &[single.clone(), hide(1), ON, newest(1, 1, 1, 1)],
        ((0, 0, 2), 0),
    );
    check(&[single, hide(0), ON, newest(1, 1, 1, 0)], ((1, 1, 1), 0));
}

#[test]
fn planes_that_the_dataset_does_not_have_move_nothing() {
    for hostile in [
        newest(3, 0, 0, 0),
        newest(u32::MAX, 0, 0, 0),
        newest(0, 4, 0, 0),
        newest(0, 0, 5, 0),
        newest(0, 1, 0, 2),
        newest(0, u32::MAX, u32::MAX, u16::MAX),
    ] {
        check(&[ON, hostile], ((0, 0, 2), 0));
    }
}

#[test]
fn going_elsewhere_by_hand_ends_following_and_news_does_not() {
    let dataset = dataset(Sizes::default());
    let is_on = |commands: &[Command]| {
        let commands = [&[ON], commands].concat();
        after(&commands, &dataset).follow.is_on
    };
    for by_hand in [
        Command::SetIndex(Z, 1),
        Command::GoToFov(FovId(2)),
        Command::Step(Time, 1),
        Command::GoToEnd(Direction::Forward),
        Command::GoToText("t1".into()),
        Command::SetExtra(0),
        Command::TogglePlay(None),
    ] {
        assert!(!is_on(std::slice::from_ref(&by_hand)), "{by_hand:?}");
        assert!(is_on(&[by_hand, ON]), "one command resumes it");
    }
    for other in [
        newest(1, 1, 1, 1),
        Command::Fit,
        Command::AutoContrast,
        Command::SetVisible(0, false),
        Command::ToggleMode,
        Command::SelectChannel(1),
        Command::DatasetChanged,
        Command::PlayStep { steps: 1 },
        hold(FollowLock::Z),
    ] {
        assert!(is_on(std::slice::from_ref(&other)), "{other:?}");
    }
}

#[test]
fn another_channel_in_single_mode_ends_following_unless_the_channel_is_held() {
    let dataset = dataset(Sizes::default());
    for choice in [
        Command::SelectChannel(1),
        Command::StepChannel(Direction::Forward),
    ] {
        let free = [Command::ToggleMode, ON, choice.clone()];
        assert!(!after(&free, &dataset).follow.is_on, "{choice:?}");
        let held = [
            Command::ToggleMode,
            hold(FollowLock::Channel),
            ON,
            choice.clone(),
        ];
        assert!(after(&held, &dataset).follow.is_on, "{choice:?}, held");
    }
}

#[test]
fn following_stops_playback() {
    let dataset = dataset(Sizes::default());
    let session = after(&[Command::TogglePlay(Some(Time)), ON], &dataset);
    assert_eq!(session.playback.axis, None);
    assert!(session.follow.is_on);
}

#[test]
fn following_changes_nothing_but_the_position() {
    let dataset = dataset(Sizes::default());
    let before = after(&[Command::Step(Time, 1), ON], &dataset);
    let mut moved = before.clone();
    moved.apply(&newest(2, 3, 4, 1), &dataset);
    assert_ne!(moved.position, before.position);
    let back = Session {
        position: before.position,
        ..moved
    };
    assert_eq!(back, before);
}

#[test]
fn nothing_is_read_ahead_of_what_has_not_been_written() {
    let dataset = dataset(Sizes::default());
    let by_hand = after(&[Command::Step(Time, 1)], &dataset);
    let following = after(&[Command::Step(Time, 1), ON], &dataset);
    let num_wishes = |session: &Session| shown(session, &dataset, CANVAS).wishes.len();
    assert!(num_wishes(&by_hand) > num_wishes(&following));
}

#[test]
fn following_and_what_is_held_survive_a_newer_revision() {
    let short = dataset(Sizes::default());
    let long = dataset(Sizes {
        t: 9,
        ..Sizes::default()
    });
    let mut session = after(&[ON, hold(FollowLock::Z)], &short);
    let follow = session.follow;
    session.apply(&Command::DatasetChanged, &long);
    assert_eq!(session.follow, follow);
    assert!(session.follow.locks.holds(FollowLock::Z));
    session.apply(&newest(0, 8, 2, 0), &long);
    assert_eq!(session.position.t, 8);
}
