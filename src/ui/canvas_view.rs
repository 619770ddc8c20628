//! The canvas: the picture, pan and zoom, what lies under the pointer, and words where there is no picture.

use std::time::Duration;

use egui::{
    Align2, Event, FontId, Modifiers, MouseWheelUnit, Pos2, Rect, Response, Sense, Ui, pos2, vec2,
};

use super::{
    Action, Facts, Stage, View,
    tokens::{ON_CANVAS, SMALL_PT, SPACE_12, palette},
};
use crate::{
    model::{CanvasSize, NavAxis, PlaneState},
    session::{Command, pixel_um},
};

/// A picture that is waited for is mentioned only after this time.
const MENTION_AFTER: Duration = Duration::from_millis(150);
/// Part of the canvas that the scale bar takes at most, in points.
const MAX_BAR_PT: f32 = 160.0;

/// Where the canvas was in the last frame.
#[derive(Default)]
pub(super) struct CanvasView {
    size: CanvasSize,
    rect: Option<Rect>,
    pixels_per_point: f32,
    pointer: Option<Pos2>,
    /// Wheel turns that are not yet a whole step.
    wheel: f32,
}

impl CanvasView {
    /// Physical size of the canvas.
    pub(super) fn size(&self) -> CanvasSize {
        self.size
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
        words_ui(ui, rect, stage.facts, &response, out);
        self.readout_ui(ui, rect, view, stage);
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
        if response.dragged() {
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
        let line = Rect::from_min_size(rect.min, vec2(rect.width(), 2.0));
        ui.painter()
            .rect_filled(line, 0.0, palette(facts.theme).accent);
    }

    /// Scale bar at the left, position and raw values at the right.
    fn readout_ui(&self, ui: &Ui, rect: Rect, view: &View<'_>, stage: &Stage<'_>) {
        self.scale_bar_ui(ui, rect, view);
        let Some((x_px, y_px)) = self.pointer.and_then(|at| self.px(at)) else {
            return;
        };
        let Some((x, y)) = view.session.pixel_at(x_px, y_px, view.dataset, self.size) else {
            return;
        };
        let font = FontId::monospace(SMALL_PT + 1.0);
        let at = rect.right_bottom() - vec2(SPACE_12, SPACE_12);
        let lines = [
            place_text(x, y, view),
            values_text(view, &(stage.values_at)(x, y)),
        ]
        .join("\n");
        let galley = ui.painter().layout_no_wrap(lines, font, ON_CANVAS);
        let place = Align2::RIGHT_BOTTOM.anchor_size(at, galley.size());
        ui.painter()
            .rect_filled(place.expand(4.0), 2.0, palette(stage.facts.theme).canvas);
        ui.painter().galley(place.min, galley, ON_CANVAS);
    }

    fn scale_bar_ui(&self, ui: &Ui, rect: Rect, view: &View<'_>) {
        if view.session.image(view.dataset).sampling.x_um.is_none() {
            return;
        }
        let px_per_um = view.session.projection(view.dataset, self.size).px_per_um;
        let pt_per_um = px_per_um / f64::from(self.pixels_per_point);
        let Some((length_um, text)) = crate::model::round_length(f64::from(MAX_BAR_PT) / pt_per_um)
        else {
            return;
        };
        let length = (length_um * pt_per_um) as f32;
        let left = rect.left_bottom() + vec2(SPACE_12, -SPACE_12);
        let bar = Rect::from_min_size(left - vec2(0.0, 3.0), vec2(length, 3.0));
        ui.painter()
            .rect_filled(bar.expand(1.0), 0.0, egui::Color32::BLACK);
        ui.painter().rect_filled(bar, 0.0, ON_CANVAS);
        let font = FontId::proportional(SMALL_PT + 1.0);
        let at = pos2(bar.center().x, bar.top() - 4.0);
        let shadow = at + vec2(1.0, 1.0);
        ui.painter().text(
            shadow,
            Align2::CENTER_BOTTOM,
            &text,
            font.clone(),
            egui::Color32::BLACK,
        );
        ui.painter()
            .text(at, Align2::CENTER_BOTTOM, &text, font, ON_CANVAS);
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

/// Words in the middle where the canvas is hatched; the reason under the pointer.
fn words_ui(ui: &Ui, rect: Rect, facts: &Facts, response: &Response, out: &mut Vec<Action>) {
    let Some((words, reason)) = words(facts) else {
        return;
    };
    let painter = ui.painter();
    let galley = painter.layout_no_wrap(words.into(), FontId::proportional(16.0), ON_CANVAS);
    let place = Align2::CENTER_CENTER.anchor_size(rect.center(), galley.size());
    painter.rect_filled(
        place.expand2(vec2(12.0, 8.0)),
        4.0,
        palette(facts.theme).canvas,
    );
    painter.galley(place.min, galley, ON_CANVAS);
    let Some(reason) = reason else { return };
    if response.hovered()
        && response
            .hover_pos()
            .is_some_and(|at| place.expand(40.0).contains(at))
    {
        response
            .clone()
            .on_hover_text_at_pointer(format!("{reason}\n\nRight click copies this."));
    }
    if response.secondary_clicked() {
        out.push(Action::CopyText(reason));
    }
}

/// What to say of planes that are not drawn; the worst counts.
fn words(facts: &Facts) -> Option<(&'static str, Option<String>)> {
    if facts.outside {
        return Some(("Not in this FOV", None));
    }
    let failed = facts.shown.iter().find_map(|(c, state)| match state {
        PlaneState::Failed(reason) => Some(format!("channel {c}: {reason}")),
        _ => None,
    });
    if failed.is_some() {
        return Some(("Chunk is damaged", failed));
    }
    let has = |wanted: &PlaneState| facts.shown.iter().any(|(_, state)| state == wanted);
    if has(&PlaneState::Missing) {
        return Some(("Not on disk", None));
    }
    has(&PlaneState::Planned).then_some(("Not acquired yet", None))
}

/// Pixel, and where that is in µm: on the stage where it is known, else in the image.
fn place_text(x: u32, y: u32, view: &View<'_>) -> String {
    let image = view.session.image(view.dataset);
    let row = view.dataset.fov(view.session.position.fov);
    let pixel = format!("x {x:5}  y {y:5}");
    if image.sampling.x_um.is_none() {
        return pixel;
    }
    let size = pixel_um(image);
    let (width, height) = image.plane_size();
    let (in_x, in_y) = ((f64::from(x) + 0.5) * size.x, (f64::from(y) + 0.5) * size.y);
    let Some(center) = row.and_then(|row| row.stage_um) else {
        return format!("{pixel}  {in_x:.1}, {in_y:.1}\u{2009}µm");
    };
    let stage_x = center.x + in_x - f64::from(width) * size.x / 2.0;
    let stage_y = center.y + in_y - f64::from(height) * size.y / 2.0;
    let region = row
        .and_then(|row| row.region.as_deref())
        .map(|region| format!("{region}  "))
        .unwrap_or_default();
    format!("{region}{pixel}  stage {stage_x:.1}, {stage_y:.1}\u{2009}µm")
}

/// Raw values of the drawn channels; a dash where a channel has none there.
fn values_text(view: &View<'_>, values: &[Option<crate::model::Value>]) -> String {
    const MOST: usize = 8;
    let drawn = view.session.drawn_channels();
    let value = |&c: &usize| {
        let value = values
            .get(c)
            .copied()
            .flatten()
            .map_or_else(|| "–".into(), |value| value.to_string());
        format!("{c}: {value:>5}")
    };
    let mut text = drawn
        .iter()
        .take(MOST)
        .map(value)
        .collect::<Vec<_>>()
        .join("  ");
    if drawn.len() > MOST {
        text.push_str("  …");
    }
    text
}
