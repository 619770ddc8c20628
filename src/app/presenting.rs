//! A frame before and after it is handed to the screen.

use std::{sync::Arc, time::Instant};

use eframe::egui;
use tracing::span::EnteredSpan;

use super::{App, Stage, Timing, Viewing};
use crate::{
    canvas::{self, DrawList},
    model::{Shown, WorkStage},
    ui::Action,
};

/// What is noted right after a frame was handed to the screen.
pub(super) struct Presented {
    pub(super) timing: Timing,
    pub(super) has_image: bool,
    pub(super) is_printed: bool,
    pub(super) shown: Option<Arc<Shown>>,
    /// From laying out a frame until it is handed to the screen.
    pub(super) drawing: Option<EnteredSpan>,
}

impl App {
    /// What was wished of the picture in laying out the window is laid out once more in the same frame: what is at hand is
    /// on the screen a frame sooner, and what is not begins to be read while the frame is drawn.
    pub(super) fn draw_again(&mut self, ctx: &egui::Context, actions: &[Action]) {
        /// egui takes more in a row for a mistake; who drags has the next frame soon.
        const MAX_IN_ROW: u32 = 2;
        if ctx.current_pass_index() > 0 {
            return;
        }
        let is_of_picture = |action: &Action| matches!(action, Action::View(_));
        if actions.iter().any(is_of_picture) && self.num_drawn_again < MAX_IN_ROW {
            self.num_drawn_again += 1;
            ctx.request_discard("a wish");
        } else {
            self.num_drawn_again = 0;
        }
    }

    /// Notes what the frame shows; the present is noted when it has returned.
    pub(super) fn note_frame(&mut self) {
        let has_pixels =
            |list: &Arc<DrawList>| list.items.iter().any(|item| !item.tiles.is_empty());
        let is_current = self.viewing.as_ref().is_some_and(Viewing::is_current);
        self.presented.borrow_mut().has_image =
            is_current && self.drawn.as_ref().is_some_and(has_pixels);
    }

    /// Closes the window when the first picture was shown, or when there will be none.
    pub(super) fn exit_after_first_image(&self, ctx: &egui::Context) {
        let has_image = self.presented.borrow().is_printed;
        let is_whole = self.viewing.as_ref().is_some_and(Viewing::is_current);
        let is_empty = |list: &Arc<DrawList>| list.items.iter().all(|item| item.tiles.is_empty());
        let why = match &self.error {
            Some(error) => Some(error.as_str()),
            None if is_whole && self.drawn.as_ref().is_some_and(is_empty) => {
                Some("nothing of the first picture can be read")
            }
            None => None,
        };
        if let (false, Some(why)) = (has_image, why) {
            self.failure.get_or_init(|| why.to_owned());
        }
        if has_image || why.is_some() {
            ctx.send_viewport_cmd(egui::ViewportCommand::Close);
        }
    }

    /// Drops the textures of closed datasets, unless the picture on the screen is still theirs.
    pub(super) fn forget_textures(&mut self) {
        let drawn = self.drawn.as_ref().map(|list| list.dataset);
        let state = &self.render_state;
        self.forgotten.retain(|&dataset| {
            let is_drawn = drawn == Some(dataset);
            if !is_drawn {
                canvas::forget(state, dataset);
            }
            is_drawn
        });
    }

    /// egui may lay a frame out twice.
    pub(super) fn begin_drawing(&self) {
        let mut presented = self.presented.borrow_mut();
        presented
            .drawing
            .get_or_insert_with(|| WorkStage::Draw.enter());
    }

    /// Called by eframe right after a frame was handed to the screen.
    pub(super) fn after_present(&self) {
        let mut presented = self.presented.borrow_mut();
        presented.drawing = None;
        canvas::finish_uploads(&self.render_state);
        presented.timing.reach(Stage::FirstFrame);
        let now = Instant::now();
        let drawn = self.viewing.as_ref().zip(self.drawn.as_ref());
        let shown = drawn.and_then(|(viewing, drawn)| viewing.shown(drawn, now));
        presented.shown = match (presented.shown.take(), shown) {
            (Some(before), Some(shown)) if before.is_same_as(&shown) => Some(before),
            (_, shown) => shown.map(Arc::new),
        };
        self.publish(presented.shown.clone());
        if presented.has_image {
            presented.timing.reach(Stage::FirstImage);
        }
        if presented.timing.has_first_image() && !presented.is_printed {
            presented.is_printed = true;
            if self.options.timing {
                eprintln!("{}", presented.timing.to_json());
            }
        }
    }
}
