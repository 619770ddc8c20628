//! Where am I, and the one menu.

use egui::{Align, Layout, RichText, Ui};

use super::{Action, Facts, View, icons, icons::Icon, live_bar, offers, tokens::palette};
use crate::{
    model::{CanvasSize, Theme},
    session::Command,
};

/// Text sizes on offer.
const TEXT_SCALES: [(f32, &str); 4] = [
    (0.85, "Small"),
    (1.0, "Normal"),
    (1.2, "Large"),
    (1.5, "Very large"),
];

/// The top bar.
pub(super) fn ui(
    ui: &mut Ui,
    view: Option<&View<'_>>,
    canvas: CanvasSize,
    facts: &Facts,
    shows_help: &mut bool,
    out: &mut Vec<Action>,
) {
    ui.horizontal(|ui| {
        ui.menu_button("squidview", |ui| menu_ui(ui, view, facts, shows_help, out));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.button("?").on_hover_text("All keys (F1)").clicked() {
                *shows_help = !*shows_help;
            }
            if let Some(view) = view {
                if ui
                    .button("1:1")
                    .on_hover_text("One texel on one pixel (1)")
                    .clicked()
                {
                    out.push(Action::View(Command::OneToOne(canvas)));
                }
                if icons::button(ui, Icon::Fit, "Fit (F)", false).clicked() {
                    out.push(Action::View(Command::Fit));
                }
                live_bar::ui(ui, view, facts, out);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                place_ui(ui, view, facts);
            });
        });
    });
}

/// Name, region and FOV.
fn place_ui(ui: &mut Ui, view: Option<&View<'_>>, facts: &Facts) {
    let Some(view) = view else { return };
    let colors = palette(facts.theme);
    let row = view.dataset.fov(view.session.position.fov);
    let place = row
        .map(|row| row.label.as_str())
        .filter(|label| *label != view.dataset.name && *label != ".");
    let mut text = egui::text::LayoutJob::default();
    let font = egui::TextStyle::Body.resolve(ui.style());
    let mut add = |words: &str, color| {
        text.append(
            words,
            0.0,
            egui::TextFormat {
                font_id: font.clone(),
                color,
                ..Default::default()
            },
        );
    };
    add(&view.dataset.name, colors.text);
    if let Some(place) = place {
        add("  ›  ", colors.quiet);
        add(place, colors.text);
    }
    ui.add(egui::Label::new(text).truncate())
        .on_hover_text(view.dataset.root.display().to_string());
}

fn menu_ui(
    ui: &mut Ui,
    view: Option<&View<'_>>,
    facts: &Facts,
    shows_help: &mut bool,
    out: &mut Vec<Action>,
) {
    item(ui, "Open folder…", "Ctrl O", Action::OpenDialog, out);
    item(ui, "Open the demo", "", Action::OpenDemo, out);
    if view.is_some() {
        item(ui, "Read the folder again", "F5", Action::Reload, out);
        item(ui, "Close", "Ctrl W", Action::CloseDataset, out);
        ui.separator();
        item(ui, "Save view…", "Ctrl S", Action::SaveView, out);
        item(ui, "Copy view", "Ctrl C", Action::CopyView, out);
    }
    ui.separator();
    recents_ui(ui, facts, out);
    ui.menu_button("Theme", |ui| {
        for (theme, name) in [(Theme::Dark, "Dark"), (Theme::Light, "Light")] {
            item(ui, name, "", Action::SetTheme(theme), out);
        }
    });
    ui.menu_button("Text size", |ui| {
        for (scale, name) in TEXT_SCALES {
            item(ui, name, "", Action::SetTextScale(scale), out);
        }
    });
    offers::setting_ui(ui, facts, out);
    ui.separator();
    item(ui, "Quit", "Ctrl Q", Action::Quit, out);
    if ui
        .add(egui::Button::new("All keys").shortcut_text("F1"))
        .clicked()
    {
        *shows_help = true;
        ui.close();
    }
    ui.label(
        RichText::new(concat!("squidview ", env!("CARGO_PKG_VERSION")))
            .color(palette(facts.theme).quiet)
            .small(),
    );
}

fn recents_ui(ui: &mut Ui, facts: &Facts, out: &mut Vec<Action>) {
    if facts.recents.is_empty() {
        return;
    }
    ui.menu_button("Recent", |ui| {
        for recent in &facts.recents {
            item(ui, &recent.name, "", Action::Open(recent.path.clone()), out);
        }
    });
}

/// A line of the menu, with its key.
fn item(ui: &mut Ui, text: &str, key: &str, action: Action, out: &mut Vec<Action>) {
    if ui.add(egui::Button::new(text).shortcut_text(key)).clicked() {
        out.push(action);
        ui.close();
    }
}
