//! Playback: the next step when it is due, and a wake for it.

use std::time::Instant;

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
    /// Plays: as many steps as are due, but only from a picture that is on the screen, so that slow reading skips.
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
            viewing.apply(&Command::PlayStep { steps: due });
            let period = viewing.session.playback.period();
            // What is later than half a step stays so: steps would be skipped for it.
            let half = now.checked_sub(period / 2).unwrap_or(now);
            self.last_step = Some(Step {
                due: (last.due + period * due).max(half),
                made: now,
            });
            let since = now.saturating_duration_since(last.made);
            let fps = 1.0 / since.as_secs_f32().max(1e-3);
            self.play_fps = Some(
                self.play_fps
                    .map_or(fps, |smooth| smooth + 0.2 * (fps - smooth)),
            );
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
