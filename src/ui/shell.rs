//! What belongs to the window as a whole: dropped folders, errors and notices, a dataset that is being opened.

use std::time::Duration;

use egui::{Context, Panel, RichText, Ui};

use super::{Action, Facts, bar_frame, tokens::palette};

/// Opening is mentioned only when it takes this long.
const MENTION_AFTER: Duration = Duration::from_millis(200);

/// A folder or store dropped on the window opens it.
pub(super) fn dropped_files(ctx: &Context, out: &mut Vec<Action>) {
    let dropped = ctx.input(|input| {
        input
            .raw
            .dropped_files
            .iter()
            .map(|file| file.path().to_path_buf())
            .next()
    });
    out.extend(dropped.map(Action::Open));
}

/// Errors, notices and progress, in a line below the top bar.
pub(super) fn banner_ui(ui: &mut Ui, facts: &Facts, out: &mut Vec<Action>) {
    let colors = palette(facts.theme);
    if let Some(error) = &facts.error {
        Panel::top("error").frame(bar_frame()).show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.label(RichText::new(error).color(colors.error));
                if ui.button("Copy details").clicked() {
                    out.push(Action::CopyText(error.clone()));
                }
                if ui.button("Dismiss").clicked() {
                    out.push(Action::DismissError);
                }
            });
        });
    } else if let Some(notice) = &facts.notice {
        Panel::top("notice").frame(bar_frame()).show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.label(RichText::new(notice).color(colors.quiet));
                if ui.button("Dismiss").clicked() {
                    out.push(Action::DismissError);
                }
            });
        });
    }
    let Some(opening) = &facts.opening else {
        return;
    };
    if opening.since < MENTION_AFTER {
        ui.ctx()
            .request_repaint_after(MENTION_AFTER.saturating_sub(opening.since));
        return;
    }
    let text = if opening.message.is_empty() {
        "Opening…"
    } else {
        &opening.message
    };
    Panel::top("opening").frame(bar_frame()).show(ui, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.label(text);
            ui.label(RichText::new(opening.path.display().to_string()).color(colors.quiet));
            if ui.button("Cancel").on_hover_text("Esc").clicked() {
                out.push(Action::CancelOpening);
            }
        });
    });
}
