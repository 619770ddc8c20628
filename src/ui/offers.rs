//! Acquisitions that could be shown: above the recent list of the start page, and as slim lines over a view.

use egui::{Align, Layout, Panel, Role, TextFormat, TextStyle, Ui, WidgetInfo, text::LayoutJob};

use super::{
    Action, Facts, Offer, OfferKind, bar_frame,
    tokens::{SPACE_8, palette},
};

/// Lines over a view; what is offered beyond them stands on the start page.
const MAX_LINES: usize = 3;
/// What the setting is called.
const SETTING: &str = "Open running acquisitions by themselves";

/// The slim lines, with the offers that a person has put away.
#[derive(Default)]
pub(super) struct OfferLines {
    dismissed: Vec<OfferKind>,
}

impl OfferLines {
    /// A line for each offer that nobody has put away, below the top bar.
    pub(super) fn ui(&mut self, ui: &mut Ui, facts: &Facts, out: &mut Vec<Action>) {
        // An offer that went and came back is a new one.
        let is_offered = |kind: &OfferKind| facts.offers.iter().any(|offer| offer.kind == *kind);
        self.dismissed.retain(is_offered);
        let is_new = |offer: &&Offer| !self.dismissed.contains(&offer.kind);
        let offers: Vec<&Offer> = facts.offers.iter().filter(is_new).take(MAX_LINES).collect();
        if offers.is_empty() {
            return;
        }
        let dismissed = &mut self.dismissed;
        Panel::top("offers").frame(bar_frame()).show(ui, |ui| {
            for offer in offers {
                ui.horizontal(|ui| {
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        if dismiss_ui(ui, offer) {
                            dismissed.push(offer.kind.clone());
                        }
                        offer_ui(ui, offer, facts, out);
                    });
                });
            }
        });
    }
}

/// True where the line of an offer is put away.
fn dismiss_ui(ui: &mut Ui, offer: &Offer) -> bool {
    let label = format!("Dismiss {}", offer.name);
    let response = ui.button("Dismiss").on_hover_text("Put this line away");
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
    response.clicked()
}

/// The offers of the start page, and the setting that makes them needless.
pub(super) fn start_ui(ui: &mut Ui, facts: &Facts, out: &mut Vec<Action>) {
    ui.with_layout(Layout::top_down(Align::Min), |ui| {
        for offer in &facts.offers {
            ui.horizontal(|ui| {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    offer_ui(ui, offer, facts, out);
                });
            });
        }
        setting_ui(ui, facts, out);
    });
}

/// The remembered setting.
pub(super) fn setting_ui(ui: &mut Ui, facts: &Facts, out: &mut Vec<Action>) {
    let mut follows = facts.follows_running;
    let hint = "When the microscope's software on this computer starts one";
    if ui
        .checkbox(&mut follows, SETTING)
        .on_hover_text(hint)
        .changed()
    {
        out.push(Action::SetFollowRunning(follows));
    }
}

/// From the right: the button, then the words with what room is left.
fn offer_ui(ui: &mut Ui, offer: &Offer, facts: &Facts, out: &mut Vec<Action>) {
    let colors = palette(facts.theme);
    let (verb, action) = offer.action();
    let label = format!("{verb} {}", offer.name);
    let response = ui.button(verb).on_hover_text(&label);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
    if response.clicked() {
        out.push(action);
    }
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        let mut text = LayoutJob::default();
        let font = |style: TextStyle| style.resolve(ui.style());
        let words = TextFormat::simple(font(TextStyle::Body), colors.live);
        text.append(&offer.words(), 0.0, words);
        let detail = TextFormat::simple(font(TextStyle::Small), colors.quiet);
        text.append(&offer.detail, SPACE_8, detail);
        ui.add(egui::Label::new(text).truncate())
            .on_hover_text(format!("{}\n{}", offer.words(), offer.detail));
    });
}
