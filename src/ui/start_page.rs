//! Nothing open: drop a folder, open one, recent datasets, the demo.

use std::path::PathBuf;

use egui::{Align, Layout, RichText, TextEdit, Ui};

use super::{
    Action, Facts, Recent, icons,
    icons::Icon,
    offers,
    tokens::{SPACE_4, SPACE_8, SPACE_16, palette},
};
use crate::model::CivilTime;

/// Width of the column in points.
const COLUMN_PT: f32 = 440.0;

/// The page, with the path that is being typed.
#[derive(Default)]
pub(super) struct StartPage {
    path: String,
}

impl StartPage {
    pub(super) fn ui(&mut self, ui: &mut Ui, facts: &Facts, out: &mut Vec<Action>) {
        let colors = palette(facts.theme);
        let width = COLUMN_PT.min(ui.available_width() - 2.0 * SPACE_16);
        ui.vertical_centered(|ui| {
            ui.set_max_width(width);
            ui.add_space(ui.available_height() * 0.16);
            ui.heading("Drop an acquisition folder here");
            ui.add_space(SPACE_8);
            ui.label(RichText::new("Squid acquisitions and any OME-Zarr").color(colors.quiet));
            ui.add_space(SPACE_16);
            if ui.button("Open folder…").on_hover_text("Ctrl O").clicked() {
                out.push(Action::OpenDialog);
            }
            ui.add_space(SPACE_8);
            if ui
                .button("Try the demo")
                .on_hover_text("A simulated acquisition that is being written")
                .clicked()
            {
                out.push(Action::OpenDemo);
            }
            ui.add_space(SPACE_16);
            self.path_ui(ui, out);
            ui.add_space(SPACE_16);
            offers::start_ui(ui, facts, out);
            ui.add_space(SPACE_16);
            recents_ui(ui, facts, out);
        });
    }

    /// For where no dialog answers.
    fn path_ui(&mut self, ui: &mut Ui, out: &mut Vec<Action>) {
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let is_clicked = ui.button("Open").clicked();
                let field = TextEdit::singleline(&mut self.path).hint_text("or type a path");
                let response = ui.add(field.desired_width(f32::INFINITY));
                response
                    .widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Path"));
                let is_entered =
                    response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
                if (is_clicked || is_entered) && !self.path.trim().is_empty() {
                    out.push(Action::Open(PathBuf::from(self.path.trim())));
                }
            });
        });
    }
}

fn recents_ui(ui: &mut Ui, facts: &Facts, out: &mut Vec<Action>) {
    if facts.recents.is_empty() {
        return;
    }
    let colors = palette(facts.theme);
    ui.with_layout(Layout::top_down(Align::Min), |ui| {
        ui.label(RichText::new("Recent").color(colors.quiet));
        egui::ScrollArea::vertical()
            .auto_shrink([false, true])
            .show(ui, |ui| {
                for recent in &facts.recents {
                    recent_ui(ui, recent, facts, out);
                }
            });
    });
}

/// Name and date, below them layout and size.
fn recent_ui(ui: &mut Ui, recent: &Recent, facts: &Facts, out: &mut Vec<Action>) {
    let quiet = palette(facts.theme).quiet;
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let forget = format!("Forget {}", recent.name);
            if icons::button(ui, Icon::Close, &forget, false).clicked() {
                out.push(Action::ForgetRecent(recent.path.clone()));
            }
            let opened =
                CivilTime::of_unix_micros(recent.opened_unix_secs.saturating_mul(1_000_000));
            let date = opened.date();
            ui.label(RichText::new(date).monospace().color(quiet));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let name = egui::Button::selectable(false, &recent.name).truncate();
                let response = ui.add(name);
                if response
                    .on_hover_text(recent.path.display().to_string())
                    .clicked()
                {
                    out.push(Action::Open(recent.path.clone()));
                }
            });
        });
    });
    ui.horizontal(|ui| {
        ui.add_space(SPACE_8);
        let about = format!("{} · {}", recent.layout, recent.size);
        ui.add(egui::Label::new(RichText::new(about).small().color(quiet)).truncate());
    });
    ui.add_space(SPACE_4);
}
