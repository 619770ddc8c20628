//! Playing along an axis.

use std::time::Duration;

use super::{Direction, Session};
use crate::{dataset::Dataset, model::NavAxis};

/// What plays, and how fast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Playback {
    /// The axis that plays; `None`: paused.
    pub axis: Option<NavAxis>,
    /// Steps per second, 0.5 to 100.
    pub fps: f32,
    /// Start again at the end.
    pub loops: bool,
}

impl Default for Playback {
    fn default() -> Self {
        Self {
            axis: None,
            fps: 10.0,
            loops: true,
        }
    }
}

impl Playback {
    /// Slowest and fastest speed, steps per second.
    pub const FPS: (f32, f32) = (0.5, 100.0);

    /// Time from one step to the next.
    #[must_use]
    pub fn period(&self) -> Duration {
        Duration::from_secs_f32(1.0 / self.fps.max(Self::FPS.0))
    }

    /// Steps to go `elapsed` after the last one: 0 before its time, more than 1 where the last picture came
    /// too late: pictures are skipped rather than queued.
    #[must_use]
    pub fn steps_due(&self, elapsed: Duration) -> u32 {
        // A timer may fire a little early; half a millisecond is not worth another frame.
        let steps = (elapsed.as_secs_f32() + 5e-4) * self.fps;
        if steps.is_finite() {
            steps.floor().clamp(0.0, 1e6) as u32
        } else {
            0
        }
    }
}

impl Session {
    pub(super) fn toggle_play(&mut self, axis: Option<NavAxis>) {
        let axis = axis.unwrap_or(self.last_move.0);
        let is_playing = self.playback.axis == Some(axis);
        self.playback.axis = if is_playing { None } else { Some(axis) };
        self.follow.is_on &= is_playing;
        self.last_move = (axis, Direction::Forward);
    }

    pub(super) fn play_step(&mut self, steps: u32, dataset: &Dataset) {
        let Some(axis) = self.playback.axis else {
            return;
        };
        let last = dataset.len_along(axis).saturating_sub(1);
        let reaches_end = self.position.index(axis, dataset).saturating_add(steps) > last;
        if reaches_end && !self.playback.loops {
            self.playback.axis = None;
        }
        self.position = self
            .position
            .stepped(axis, i64::from(steps), self.playback.loops, dataset);
        self.has_moved = true;
        self.last_move = (axis, Direction::Forward);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn playback_skips_steps_that_could_not_be_shown() {
        let playback = Playback {
            fps: 10.0,
            ..Playback::default()
        };
        for (millis, steps) in [(0, 0), (99, 0), (100, 1), (199, 1), (350, 3)] {
            assert_eq!(
                playback.steps_due(Duration::from_millis(millis)),
                steps,
                "after {millis} ms"
            );
        }
    }
}
