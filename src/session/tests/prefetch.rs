//! What is read ahead: in the direction of the last move, never beyond the ends, nothing that is known to be absent.

use super::*;
use crate::{
    ledger::PageSize,
    model::{PlaneState, Tier, ZPick},
};
use NavAxis::{Fov, Time, Z};

/// Positions (t, FOV, z) that are read ahead after commands on 12 FOVs, 12 timepoints, 12 slices, in their order.
fn check(commands: &[Command], expected: &[(u32, u32, u32)]) {
    check_with(&Ledger::default(), commands, expected);
}

fn check_with(ledger: &Ledger, commands: &[Command], expected: &[(u32, u32, u32)]) {
    let dataset = twelve();
    let session = after(commands, &dataset);
    let visible = super::super::resolve(&session, &session.selection(), &dataset, ledger, CANVAS);
    let mut found = Vec::new();
    for wish in visible.wishes.iter().filter(|w| w.tier == Tier::Prefetch) {
        let plane = wish.tile.plane;
        let ZPick::Slice(z) = plane.z else {
            panic!("projections are not read ahead")
        };
        if found.last() != Some(&(plane.t, plane.fov.0, z)) {
            found.push((plane.t, plane.fov.0, z));
        }
    }
    assert_eq!(found, expected, "after {commands:?}");
}

fn twelve() -> Dataset {
    dataset(Sizes {
        num_fovs: 12,
        t: 12,
        z: 12,
        ..Sizes::default()
    })
}

/// To timepoint, FOV and slice 5, forward along z.
fn to_middle() -> Vec<Command> {
    let to = Command::SetIndex;
    vec![to(Fov, 5), to(Time, 5), to(Z, 4), to(Z, 5)]
}

fn then(commands: &[Command]) -> Vec<Command> {
    [&to_middle()[..], commands].concat()
}

#[test]
fn the_next_steps_in_the_direction_of_the_last_move_are_read_ahead() {
    check(
        &then(&[Command::Step(Time, 1)]),
        &[
            (7, 5, 5),
            (8, 5, 5),
            (9, 5, 5),
            (5, 5, 5),
            (6, 5, 6),
            (6, 5, 4),
        ],
    );
    check(
        &then(&[Command::Step(Fov, -1)]),
        &[
            (5, 3, 5),
            (5, 2, 5),
            (5, 1, 5),
            (5, 5, 5),
            (5, 4, 6),
            (5, 4, 4),
        ],
    );
    check(
        &then(&[Command::Step(Z, -1)]),
        &[(5, 5, 3), (5, 5, 2), (5, 5, 1), (5, 5, 5)],
    );
}

#[test]
fn what_moves_nothing_leaves_the_direction_as_it_was() {
    for nothing in [
        Command::GoToText("nonsense".into()),
        Command::GoToFov(FovId(99)),
        Command::SetExtra(0),
        Command::Step(Z, 0),
    ] {
        check(
            &then(&[Command::Step(Z, -1), nothing]),
            &[(5, 5, 3), (5, 5, 2), (5, 5, 1), (5, 5, 5)],
        );
    }
}

/// Steps that are read ahead along time, once reads have taken so long.
fn check_pace(read_ms: u64, commands: &[Command], expected: usize) {
    let dataset = dataset(Sizes {
        t: 100,
        z: 1,
        ..Sizes::default()
    });
    let mut session = after(
        &[Command::SetIndex(Time, 10), Command::Step(Time, 1)],
        &dataset,
    );
    for command in commands {
        session.apply(command, &dataset);
    }
    for _ in 0..40 {
        let took = std::time::Duration::from_millis(read_ms);
        session.apply(&Command::TileRead(took), &dataset);
    }
    let ledger = Ledger::default();
    let visible = super::super::resolve(&session, &session.selection(), &dataset, &ledger, CANVAS);
    let ahead = visible
        .wishes
        .iter()
        .filter(|wish| wish.tier == Tier::Prefetch);
    let later: std::collections::HashSet<u32> = ahead
        .map(|wish| wish.tile.plane.t)
        .filter(|&t| t > 11)
        .collect();
    assert_eq!(later.len(), expected, "{read_ms} ms");
}

#[test]
fn the_slower_the_disk_the_further_is_read_ahead_up_to_a_bound() {
    // 2 channels, ten steps a second.
    check_pace(1, &[], 3);
    check_pace(60, &[], 5);
    check_pace(10_000, &[], 12);
    check_pace(1, &[Command::TogglePlay(None)], 8);
    check_pace(60, &[Command::TogglePlay(None)], 10);
}

#[test]
fn nothing_is_read_ahead_beyond_the_ends() {
    let last = Command::SetIndex(Time, 11);
    check(&then(&[last]), &[(10, 5, 5), (11, 5, 6), (11, 5, 4)]);
    let first = Command::SetIndex(Time, 0);
    check(&then(&[first]), &[(1, 5, 5), (0, 5, 6), (0, 5, 4)]);
    let near_the_end = Command::SetIndex(Z, 10);
    check(&then(&[near_the_end]), &[(5, 5, 11), (5, 5, 9)]);
}

#[test]
fn playback_reads_further_ahead_and_nothing_beside() {
    let play = [Command::SetLoop(false), Command::TogglePlay(Some(Time))];
    let expected: Vec<_> = (6..12).map(|t| (t, 5, 5)).collect();
    check(&then(&play), &expected);
}

#[test]
fn playback_that_loops_reads_ahead_round_the_end() {
    let play = [Command::SetLoop(true), Command::TogglePlay(Some(Time))];
    let expected: Vec<_> = (6..14).map(|t| (t % 12, 5, 5)).collect();
    check(&then(&play), &expected);
}

#[test]
fn a_loop_that_is_shorter_than_what_is_read_ahead_is_read_once() {
    let dataset = dataset(Sizes::default());
    let session = after(&[Command::TogglePlay(Some(Time))], &dataset);
    let wishes = shown(&session, &dataset, CANVAS).wishes;
    let t: Vec<u32> = wishes.iter().map(|wish| wish.tile.plane.t).collect();
    assert_eq!(t, [0, 0, 1, 1, 2, 2, 3, 3], "two channels each");
}

#[test]
fn nothing_is_read_ahead_for_a_maximum_projection() {
    check(&then(&[Command::ToggleMaxProjection]), &[]);
}

#[test]
fn planes_that_are_known_to_be_absent_are_not_read_ahead() {
    let mut ledger = Ledger::default();
    let dataset = twelve();
    let session = after(&to_middle(), &dataset);
    let next = shown(&session, &dataset, CANVAS).wishes[0].tile.plane;
    let states = [
        (6, PlaneState::Planned),
        (7, PlaneState::Missing),
        (8, PlaneState::Failed("damaged".into())),
        (4, PlaneState::Written),
    ];
    for (z, state) in states {
        for c in 0..2 {
            let plane = crate::model::PlaneId {
                z: ZPick::Slice(z),
                c,
                ..next
            };
            ledger.book(PageSize::of(&dataset.template), plane, state.clone());
        }
    }
    check_with(&ledger, &to_middle(), &[(5, 5, 4)]);
}

#[test]
fn nothing_is_read_ahead_before_the_first_move() {
    let dataset = twelve();
    let wishes = shown(&Session::new(&dataset), &dataset, CANVAS).wishes;
    assert!(!wishes.is_empty());
    assert!(wishes.iter().all(|wish| wish.tier == Tier::Visible));
}

#[test]
fn only_drawn_channels_are_read_ahead() {
    let dataset = twelve();
    let moved = Command::Step(NavAxis::Z, 1);
    let session = after(&[Command::Solo(1), moved], &dataset);
    let wishes = shown(&session, &dataset, CANVAS).wishes;
    assert!(wishes.len() > 1);
    assert!(wishes.iter().all(|wish| wish.tile.plane.c == 1));
}
