//! The field that goes to what is typed: `B3:2`, `t7`, `z3`.

use egui::{Context, Key, TextEdit, Window};

use super::{Action, View, tokens::Palette};
use crate::session::Command;

/// The field, while it is open.
#[derive(Default)]
pub(super) struct GoTo {
    is_open: bool,
    text: String,
}

impl GoTo {
    pub(super) fn close(&mut self) {
        self.is_open = false;
    }

    pub(super) fn open(&mut self) {
        self.is_open = true;
        self.text.clear();
    }

    pub(super) fn ui(
        &mut self,
        ctx: &Context,
        view: &View<'_>,
        colors: Palette,
        out: &mut Vec<Action>,
    ) {
        if !self.is_open {
            return;
        }
        let leads = view
            .session
            .position
            .going_to(&self.text, view.dataset)
            .is_some();
        let window = Window::new("Go to")
            .collapsible(false)
            .resizable(false)
            .title_bar(false);
        window
            .anchor(egui::Align2::CENTER_TOP, [0.0, 80.0])
            .show(ctx, |ui| {
                let color = if leads || self.text.is_empty() {
                    colors.text
                } else {
                    colors.warning
                };
                let field = TextEdit::singleline(&mut self.text)
                    .hint_text("B3:2  t7  z3")
                    .text_color(color);
                let response = ui.add(field.desired_width(220.0));
                response.widget_info(|| {
                    egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Go to")
                });
                if ui.input(|input| input.key_pressed(Key::Enter)) {
                    out.push(Action::View(Command::GoToText(std::mem::take(
                        &mut self.text,
                    ))));
                    self.is_open = false;
                } else {
                    response.request_focus();
                }
            });
    }
}
