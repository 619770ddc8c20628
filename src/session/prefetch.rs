//! Which positions are likely next: ahead in the direction of the last move, and one behind.

use super::{Direction, Position, Session};
use crate::{dataset::Dataset, model::NavAxis};

/// Steps ahead while moving by hand, and while playing.
const AHEAD: i64 = 3;
const AHEAD_PLAYING: i64 = 8;

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
    let ahead = if is_playing { AHEAD_PLAYING } else { AHEAD };
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
