//! Playback: the next step when it is due, and a wake for it.

use std::time::{Duration, Instant};

use eframe::egui;

use super::App;
use crate::session::Command;

/// A step of playback.
#[derive(Clone, Copy)]
pub(super) struct Step {
    /// When it was due: a frame that comes late does not put off the next step.
    due: Instant,
    /// When it was made.
    made: Instant,
}

impl App {
    /// Plays: as many steps as are due, but only from a picture that is on the screen, and to one that is at hand.
    pub(super) fn play(&mut self, now: Instant) {
        let Some(viewing) = &mut self.viewing else {
            return;
        };
        if viewing.session.playback.axis.is_none() {
            self.last_step = None;
            self.play_fps = None;
            return;
        }
        let first = Step {
            due: now,
            made: now,
        };
        let last = *self.last_step.get_or_insert(first);
        let elapsed = now.saturating_duration_since(last.due);
        let due = viewing.session.playback.steps_due(elapsed);
        if due > 0 && viewing.is_current() {
            let steps = viewing.steps_to_play(due, &self.cache);
            viewing.apply(&Command::PlayStep { steps });
            let period = viewing.session.playback.period();
            // What is later than half a step stays so: steps would be skipped for it.
            let half = now.checked_sub(period / 2).unwrap_or(now);
            self.last_step = Some(Step {
                due: (last.due + period * steps).max(half),
                made: now,
            });
            let since = now.saturating_duration_since(last.made);
            self.play_fps = Some(smoothed(self.play_fps, since));
        }
    }

    /// Wakes the interface for the next step of playback. While its picture is read, the readers do so.
    pub(super) fn schedule_step(&self, ctx: &egui::Context) {
        let (Some(viewing), Some(last)) = (&self.viewing, self.last_step) else {
            return;
        };
        if viewing.is_current() {
            let period = viewing.session.playback.period();
            ctx.request_repaint_after(period.saturating_sub(last.due.elapsed()));
        }
    }
}

/// Steps a second after one more of them. It is the time of steps that is smoothed: of rates a short step beside a long
/// one would count for more than its share.
fn smoothed(before: Option<f32>, step: Duration) -> f32 {
    const LATEST: f32 = 0.2;
    let secs = step.as_secs_f32();
    let smooth = before.map_or(secs, |fps| {
        let before = 1.0 / fps;
        before + LATEST * (secs - before)
    });
    1.0 / smooth.max(1e-3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_playing_reaches_is_pictures_over_time_also_where_steps_are_uneven() {
        let steps = [20, 180].into_iter().cycle().map(Duration::from_millis);
        let fps = steps
            .take(100)
            .fold(None, |fps, step| Some(smoothed(fps, step)));
        let fps = fps.unwrap();
        assert!((7.0..13.0).contains(&fps), "{fps} of 10");
    }
}
