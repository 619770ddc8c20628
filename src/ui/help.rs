//! All keys, from the same table that handles them.

use egui::{Context, Grid, RichText, Window};

/// Draws the page while it is open.
pub(super) fn ui(ctx: &Context, is_open: &mut bool) {
    let window = Window::new("Keys")
        .open(is_open)
        .collapsible(false)
        .resizable(false);
    window
        .anchor(egui::Align2::CENTER_CENTER, [0.0, 0.0])
        .show(ctx, |ui| {
            let lines: Vec<_> = super::help_lines().collect();
            Grid::new("keys")
                .num_columns(4)
                .spacing([16.0, 4.0])
                .show(ui, |ui| {
                    let half = lines.len().div_ceil(2);
                    for row in 0..half {
                        for (key, words) in [lines.get(row), lines.get(row + half)]
                            .into_iter()
                            .flatten()
                        {
                            ui.label(RichText::new(*key).monospace());
                            ui.label(*words);
                        }
                        ui.end_row();
                    }
                });
        });
}
