//! Playback: the next step when it is due, and a wake for it.

use std::time::{Duration, Instant};

use eframe::egui;

use super::App;
use crate::session::Command;

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
        let last = *self.last_step.get_or_insert(now);
        let elapsed = now.saturating_duration_since(last);
        let due = viewing.session.playback.steps_due(elapsed);
        if due > 0 && viewing.is_current() {
            viewing.apply(&Command::PlayStep { steps: due });
            self.last_step = Some(now);
            let fps = 1.0 / elapsed.as_secs_f32().max(1e-3);
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
            let period = Duration::from_secs_f32(1.0 / viewing.session.playback.fps.max(0.1));
            ctx.request_repaint_after(period.saturating_sub(last.elapsed()));
        }
    }
}
