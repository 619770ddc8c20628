//! The canvas: the picture, pan and zoom, and its menu.

use std::time::Duration;

use egui::{Event, Key, Modifiers, MouseWheelUnit, Pos2, Rect, Response, Sense, Ui, pos2, vec2};

use super::{
    Action, Facts, Stage, View,
    absence::{self, LONG_WAIT},
    readout,
    tokens::palette,
};
use crate::{
    model::{CanvasSize, NavAxis},
    session::Command,
};

/// A picture that is waited for is mentioned only after this time.
const MENTION_AFTER: Duration = Duration::from_millis(150);

/// Where the canvas was in the last frame.
#[derive(Default)]
pub(super) struct CanvasView {
    size: CanvasSize,
    rect: Option<Rect>,
    pixels_per_point: f32,
    pointer: Option<Pos2>,
    /// Wheel turns that are not yet a whole step.
    wheel: f32,
    /// The picture was dragged since Space was pressed.
    space_drag: bool,
    /// The pixel that the menu was opened on.
    menu_at: Option<(u32, u32)>,
}

impl CanvasView {
    /// Physical size of the canvas.
    pub(super) fn size(&self) -> CanvasSize {
        self.size
    }

    /// True where the picture was dragged since Space was pressed.
    pub(super) fn was_dragged_with_space(&self) -> bool {
        self.space_drag
    }

    /// Zoom about the pointer, or about the middle where it is elsewhere.
    pub(super) fn zoom(&self, factor: f64) -> Command {
        let (x_px, y_px) = self.pointer.and_then(|at| self.px(at)).unwrap_or((
            f64::from(self.size.width_px) / 2.0,
            f64::from(self.size.height_px) / 2.0,
        ));
        Command::ZoomAbout {
            factor,
            x_px,
            y_px,
            canvas: self.size,
        }
    }

    /// Physical pixels of a point inside the canvas.
    fn px(&self, at: Pos2) -> Option<(f64, f64)> {
        let rect = self.rect.filter(|rect| rect.contains(at))?;
        let offset = (at - rect.min) * self.pixels_per_point;
        Some((f64::from(offset.x), f64::from(offset.y)))
    }

    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        view: &View<'_>,
        stage: &mut Stage<'_>,
        out: &mut Vec<Action>,
    ) {
        self.pixels_per_point = ui.ctx().pixels_per_point();
        let rect = on_whole_pixels(ui.available_rect_before_wrap(), self.pixels_per_point);
        let response = ui.allocate_rect(rect, Sense::click_and_drag());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, "Canvas"));
        let pixels = rect.size() * self.pixels_per_point;
        self.size = CanvasSize {
            width_px: pixels.x.round() as u32,
            height_px: pixels.y.round() as u32,
        };
        self.rect = Some(rect);
        if self.size.width_px == 0 || self.size.height_px == 0 {
            return;
        }
        self.take_pointer(ui, &response, out);
        ui.painter().add((stage.paint)(rect, self.size));
        Self::loading_ui(ui, rect, stage.facts);
        absence::ui(ui, rect, view, stage.facts, out);
        readout::scale_bar_ui(ui, rect, view, self.size);
        let hovered = self.pixel_under(self.pointer, view);
        if let Some((x, y)) = hovered {
            readout::ui(ui, rect, view, (x, y), stage);
        }
        if response.secondary_clicked() {
            self.menu_at = hovered;
        }
        let menu_at = self.menu_at;
        response.context_menu(|ui| menu_ui(ui, view, menu_at, stage, out));
    }

    /// The level-0 pixel under a point of the window.
    fn pixel_under(&self, at: Option<Pos2>, view: &View<'_>) -> Option<(u32, u32)> {
        let (x_px, y_px) = self.px(at?)?;
        view.session.pixel_at(x_px, y_px, view.dataset, self.size)
    }

    fn take_pointer(&mut self, ui: &Ui, response: &Response, out: &mut Vec<Action>) {
        self.pointer = response.hover_pos();
        if response.clicked() || response.drag_started() {
            // A click on the canvas gives the arrow keys back.
            ui.memory_mut(|memory| {
                if let Some(id) = memory.focused() {
                    memory.surrender_focus(id);
                }
            });
        }
        self.space_drag &= !ui.input(|input| input.key_pressed(Key::Space));
        if response.dragged() {
            self.space_drag |= ui.input(|input| input.key_down(Key::Space));
            let by = response.drag_delta() * self.pixels_per_point;
            if by != egui::Vec2::ZERO {
                let (dx_px, dy_px) = (f64::from(by.x), f64::from(by.y));
                out.push(Action::View(Command::Pan {
                    dx_px,
                    dy_px,
                    canvas: self.size,
                }));
            }
        }
        if response.double_clicked() {
            out.push(Action::View(Command::Fit));
        }
        if self.pointer.is_some() {
            self.take_wheel(ui, out);
        }
    }

    /// Wheel zooms, with Ctrl it steps z, with Shift t; a pinch zooms. Raw events: egui turns these into others.
    fn take_wheel(&mut self, ui: &Ui, out: &mut Vec<Action>) {
        let (turns, pinch) = ui.input(|input| {
            let turns: Vec<(f32, Modifiers)> = input
                .events
                .iter()
                .filter_map(|event| match event {
                    Event::MouseWheel {
                        unit,
                        delta,
                        modifiers,
                        ..
                    } => {
                        let lines = match unit {
                            MouseWheelUnit::Line => 1.0,
                            MouseWheelUnit::Page => 10.0,
                            MouseWheelUnit::Point => 1.0 / 40.0,
                        };
                        // Some systems turn Shift and wheel into a sideways wheel.
                        let turn = if delta.y == 0.0 { delta.x } else { delta.y };
                        Some((turn * lines, *modifiers))
                    }
                    _ => None,
                })
                .collect();
            let pinch: f32 = input
                .events
                .iter()
                .filter_map(|event| match event {
                    Event::Zoom(factor) => Some(*factor),
                    _ => None,
                })
                .product();
            (turns, pinch)
        });
        if pinch != 1.0 {
            out.push(Action::View(self.zoom(f64::from(pinch))));
        }
        for (turn, modifiers) in turns {
            let axis = if modifiers.ctrl || modifiers.command {
                NavAxis::Z
            } else if modifiers.shift {
                NavAxis::Time
            } else {
                out.push(Action::View(self.zoom(1.2_f64.powf(f64::from(turn)))));
                continue;
            };
            self.wheel += turn;
            let steps = self.wheel.trunc();
            self.wheel -= steps;
            if steps != 0.0 {
                out.push(Action::View(Command::Step(axis, steps as i64)));
            }
        }
    }

    /// A thin line along the top while the wished picture is waited for.
    fn loading_ui(ui: &Ui, rect: Rect, facts: &Facts) {
        let Some(waiting) = facts.loading else { return };
        if waiting < MENTION_AFTER {
            ui.ctx()
                .request_repaint_after(MENTION_AFTER.saturating_sub(waiting));
            return;
        }
        // The words about a long wait count seconds.
        let next = LONG_WAIT
            .saturating_sub(waiting)
            .max(Duration::from_secs(1));
        ui.ctx().request_repaint_after(next);
        let line = Rect::from_min_size(rect.min, vec2(rect.width(), 2.0));
        ui.painter()
            .rect_filled(line, 0.0, palette(facts.theme).accent);
    }
}

/// The rectangle on whole physical pixels, so that texels and pixels meet.
fn on_whole_pixels(rect: Rect, pixels_per_point: f32) -> Rect {
    let whole = |at: f32| (at * pixels_per_point).round() / pixels_per_point;
    Rect::from_min_max(
        pos2(whole(rect.min.x), whole(rect.min.y)),
        pos2(whole(rect.max.x), whole(rect.max.y)),
    )
}

/// What can be done with the pixel under the pointer and with the picture.
fn menu_ui(
    ui: &mut Ui,
    view: &View<'_>,
    at: Option<(u32, u32)>,
    stage: &Stage<'_>,
    out: &mut Vec<Action>,
) {
    let mut item = |ui: &mut Ui, text: &str, action: Action| {
        if ui.button(text).clicked() {
            out.push(action);
            ui.close();
        }
    };
    if let Some((x, y)) = at {
        let values = readout::values_text(view, &(stage.values_at)(x, y));
        item(ui, "Copy values", Action::CopyText(values));
        let place = readout::place_text(x, y, view);
        item(ui, "Copy position", Action::CopyText(place));
        ui.separator();
    }
    item(ui, "Copy view", Action::CopyView);
    item(ui, "Copy file path", Action::CopyFilePath);
    item(ui, "Show in folder", Action::ShowInFileManager);
}
