//! Playing: which axis, how far, and what happens at the end.

use super::*;
use NavAxis::{Fov, Time, Z};

/// Playing along `axis` of 4 timepoints, 3 FOVs, 5 slices from `start`; steps lead to an index, playing on or not.
fn check(loops: bool, axis: NavAxis, start: u32, steps: &[u32], expected: (u32, bool)) {
    let dataset = dataset(Sizes::default());
    let mut commands = vec![
        Command::SetLoop(loops),
        Command::SetIndex(axis, start),
        Command::TogglePlay(Some(axis)),
    ];
    commands.extend(steps.iter().map(|&steps| Command::PlayStep { steps }));
    let session = after(&commands, &dataset);
    let found = (
        session.position.index(axis, &dataset),
        session.playback.axis == Some(axis),
    );
    assert_eq!(found, expected, "{axis:?} from {start}, steps {steps:?}");
}

#[test]
fn playback_that_loops_starts_again() {
    check(true, Time, 0, &[1, 1, 1], (3, true));
    check(true, Time, 0, &[1, 1, 1, 1], (0, true));
    check(true, Fov, 2, &[1], (0, true));
    check(true, Z, 4, &[1, 1], (1, true));
}

#[test]
fn playback_that_does_not_loop_stops_at_the_last_index() {
    check(false, Time, 0, &[1, 1, 1], (3, true));
    check(false, Time, 0, &[1, 1, 1, 1], (3, false));
    check(false, Time, 0, &[1, 1, 1, 1, 1], (3, false));
}

#[test]
fn playback_skips_what_could_not_be_shown() {
    check(true, Time, 0, &[3], (3, true));
    check(true, Time, 0, &[5], (1, true));
    check(true, Time, 1, &[u32::MAX], (0, true));
    check(false, Time, 0, &[50], (3, false));
    check(false, Time, 3, &[u32::MAX], (3, false));
    check(true, Time, 2, &[0], (2, true));
}

#[test]
fn an_axis_of_one_step_plays_on_the_spot() {
    let dataset = dataset(Sizes {
        t: 1,
        ..Sizes::default()
    });
    for loops in [true, false] {
        let commands = [
            Command::SetLoop(loops),
            Command::TogglePlay(Some(Time)),
            Command::PlayStep { steps: 1 },
        ];
        let session = after(&commands, &dataset);
        assert_eq!(session.position.t, 0);
        assert_eq!(session.playback.axis.is_some(), loops);
    }
}

#[test]
fn play_without_an_axis_plays_the_one_moved_last() {
    let dataset = dataset(Sizes::default());
    for (commands, expected) in [
        (vec![], Some(Z)),
        (vec![Command::Step(Fov, 1)], Some(Fov)),
        (vec![Command::GoToText("t2".into())], Some(Time)),
        (vec![Command::TogglePlay(Some(Z))], None),
        (vec![Command::TogglePlay(Some(Time))], None),
    ] {
        let commands = [commands, vec![Command::TogglePlay(None)]].concat();
        let session = after(&commands, &dataset);
        assert_eq!(session.playback.axis, expected, "after {commands:?}");
    }
}

#[test]
fn the_first_axis_to_play_is_one_with_several_steps() {
    for (sizes, expected) in [
        (
            Sizes {
                z: 1,
                ..Sizes::default()
            },
            Time,
        ),
        (
            Sizes {
                z: 1,
                t: 1,
                ..Sizes::default()
            },
            Fov,
        ),
        (
            Sizes {
                z: 1,
                t: 1,
                num_fovs: 1,
                ..Sizes::default()
            },
            Z,
        ),
    ] {
        assert_eq!(Session::new(&dataset(sizes)).last_move.0, expected);
    }
}

#[test]
fn a_step_of_playback_that_is_paused_moves_nothing() {
    let dataset = dataset(Sizes::default());
    let session = after(&[Command::PlayStep { steps: 1 }], &dataset);
    assert_eq!(session, Session::new(&dataset));
}

#[test]
fn the_speed_stays_inside_its_bounds() {
    let dataset = dataset(Sizes::default());
    let (slowest, fastest) = Playback::FPS;
    for (fps, expected) in [
        (25.0, 25.0),
        (0.0, slowest),
        (-5.0, slowest),
        (f32::NEG_INFINITY, slowest),
        (f32::NAN, slowest),
        (1e9, fastest),
        (f32::INFINITY, fastest),
    ] {
        let session = after(&[Command::SetFps(fps)], &dataset);
        assert_eq!(session.playback.fps, expected, "{fps}");
    }
}
