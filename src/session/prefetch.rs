//! Which positions are likely next: ahead in the direction of the last move, and one behind.

use std::time::Duration;

use super::{Direction, Position, Session};
use crate::{dataset::Dataset, model::NavAxis};

/// Steps ahead while moving by hand, and while playing, where reading takes next to no time.
const AHEAD: i64 = 3;
const AHEAD_PLAYING: i64 = 8;
/// The most, however slow the disk: more would push itself out of a small cache.
const MAX_AHEAD: i64 = 12;
/// Seconds between steps while a key is held.
const SECS_BY_HAND: f32 = 0.1;
/// Weight of the latest read in the mean.
const LATEST: f32 = 0.2;

/// How long reading takes lately, in seconds per tile: what is to be there in time is begun that much earlier.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ReadPace(Option<f32>);

impl ReadPace {
    /// One more tile was read.
    pub(super) fn add(&mut self, took: Duration) {
        let secs = took.as_secs_f32();
        let before = self.0.unwrap_or(secs);
        self.0 = Some(before + LATEST * (secs - before));
    }

    /// Steps ahead: those that pass while one is read, twice, beside `least`.
    fn steps_ahead(self, least: i64, num_channels: usize, secs_between: f32) -> i64 {
        let step_secs = self.0.unwrap_or(0.0) * num_channels as f32;
        let passed = (2.0 * step_secs / secs_between).min(MAX_AHEAD as f32) as i64;
        (least + passed).min(MAX_AHEAD)
    }
}

/// Positions to read ahead, likeliest first; none of them is `position` itself, none occurs twice.
///
/// A maximum over z costs a whole stack, so nothing is read ahead for it; nor is anything before the first move: many
/// datasets are opened for one look, and nobody knows which way the next step goes. Nor while following: what comes next
/// has not been written.
pub(super) fn next_positions(
    session: &Session,
    position: Position,
    dataset: &Dataset,
) -> Vec<Position> {
    let (axis, direction) = session.last_move;
    let is_playing = session.playback.axis == Some(axis);
    if session.max_projection || session.follow.is_on || !(session.has_moved || is_playing) {
        return Vec::new();
    }
    let forward = if direction == Direction::Forward {
        1
    } else {
        -1
    };
    let (least, secs_between) = if is_playing {
        (AHEAD_PLAYING, session.playback.period().as_secs_f32())
    } else {
        (AHEAD, SECS_BY_HAND)
    };
    let num_channels = session.drawn_channels().len();
    let pace = session.read_pace;
    let ahead = pace.steps_ahead(least, num_channels, secs_between);
    let goes_round = is_playing && session.playback.loops;
    let mut next: Vec<Position> = Vec::new();
    let mut add = |candidate: Position| {
        if candidate != position && !next.contains(&candidate) {
            next.push(candidate);
        }
    };
    for steps in 1..=ahead {
        add(position.stepped(axis, forward * steps, goes_round, dataset));
    }
    if !is_playing {
        add(position.stepped(axis, -forward, false, dataset));
        for steps in [1, -1] {
            add(position.stepped(NavAxis::Z, steps, false, dataset));
        }
    }
    next
}
