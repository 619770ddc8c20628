//! Which positions are likely next: ahead in the direction of the last move, and one behind.

use super::{Direction, Position, Session};
use crate::{dataset::Dataset, model::NavAxis};

/// Steps ahead while moving by hand, and while playing.
const AHEAD: i64 = 3;
const AHEAD_PLAYING: i64 = 8;
/// Before anybody has moved.
const AHEAD_AT_FIRST: i64 = 1;

/// Positions to read ahead, likeliest first; none of them is `position` itself, none occurs twice.
///
/// A maximum over z costs a whole stack, so nothing is read ahead for it.
pub(super) fn next_positions(
    session: &Session,
    position: Position,
    dataset: &Dataset,
) -> Vec<Position> {
    if session.max_projection {
        return Vec::new();
    }
    let (axis, direction) = session.last_move;
    let is_playing = session.playback.axis == Some(axis);
    let forward = if direction == Direction::Forward {
        1
    } else {
        -1
    };
    let ahead = match (is_playing, session.has_moved) {
        (true, _) => AHEAD_PLAYING,
        (false, true) => AHEAD,
        (false, false) => AHEAD_AT_FIRST,
    };
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
