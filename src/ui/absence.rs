//! Words in the middle of the canvas where there is no picture: why, and whom to tell.

use egui::{Align2, FontId, Rect, Ui, UiBuilder, vec2};

use super::{
    Action, Facts,
    tokens::{ON_CANVAS, SMALL_PT, SPACE_8, SPACE_12, palette},
};
use crate::model::PlaneState;

/// Size of the words in points.
const WORDS_PT: f32 = 16.0;
/// The reason is cut to this part of the canvas.
const REASON_PART: f32 = 0.8;

/// Draws the words over the hatching; a reason stands below them and can be copied.
pub(super) fn ui(ui: &mut Ui, rect: Rect, facts: &Facts, out: &mut Vec<Action>) {
    let Some((words, reason)) = words(facts) else {
        return;
    };
    let ground = palette(facts.theme).canvas;
    let font = FontId::proportional(WORDS_PT);
    let galley = ui.painter().layout_no_wrap(words.into(), font, ON_CANVAS);
    let place = Align2::CENTER_CENTER.anchor_size(rect.center(), galley.size());
    ui.painter()
        .rect_filled(place.expand2(vec2(SPACE_12, SPACE_8)), 4.0, ground);
    ui.painter().galley(place.min, galley, ON_CANVAS);
    let Some(reason) = reason else { return };
    let below = rect.center_top() + vec2(0.0, place.bottom() - rect.top() + SPACE_12);
    let size = vec2(rect.width() * REASON_PART, rect.bottom() - below.y);
    let area = Rect::from_center_size(below + vec2(0.0, size.y / 2.0), size);
    ui.scope_builder(UiBuilder::new().max_rect(area), |ui| {
        ui.vertical_centered(|ui| {
            let text = egui::RichText::new(&reason).size(SMALL_PT + 1.0);
            let text = text.color(ON_CANVAS).background_color(ground);
            ui.add(egui::Label::new(text).truncate())
                .on_hover_text(&reason);
            ui.add_space(SPACE_8);
            if ui.button("Copy details").clicked() {
                out.push(Action::CopyText(reason.clone()));
            }
        });
    });
}

/// What to say of planes that are not drawn; the worst counts.
fn words(facts: &Facts) -> Option<(&'static str, Option<String>)> {
    if facts.outside {
        return Some(("Not in this FOV", None));
    }
    let failed = facts.shown.iter().find_map(|(c, state)| match state {
        PlaneState::Failed(reason) => Some((c, reason)),
        _ => None,
    });
    if let Some((c, reason)) = failed {
        return Some(if facts.is_readable {
            ("Chunk is damaged", Some(format!("channel {c}: {reason}")))
        } else {
            ("This FOV cannot be opened", Some(reason.to_string()))
        });
    }
    let has = |wanted: &PlaneState| facts.shown.iter().any(|(_, state)| state == wanted);
    if has(&PlaneState::Missing) {
        return Some(("Not on disk", None));
    }
    has(&PlaneState::Planned).then_some(("Not acquired yet", None))
}
