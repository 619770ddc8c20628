//! A slider as wide as its bar: one stop per index, the part that is on disk filled.

use egui::{Key, Rect, Response, Sense, Ui, WidgetInfo, pos2, vec2};

use super::tokens::{Palette, ROUNDING};

/// Draws the slider; the index that the person moved to, if any.
pub(super) fn ui(
    ui: &mut Ui,
    label: &str,
    index: u32,
    length: u32,
    colors: Palette,
) -> Option<u32> {
    let size = vec2(ui.available_width().max(40.0), 16.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    let last = length.saturating_sub(1);
    response.widget_info(|| WidgetInfo::slider(true, f64::from(index), label));
    let moved = pointed(&response, rect, length).or_else(|| stepped(ui, &response, index, last));
    paint(ui, &response, rect, moved.unwrap_or(index), length, colors);
    moved.filter(|&to| to != index)
}

/// The index under the pointer while it is held.
fn pointed(response: &Response, rect: Rect, length: u32) -> Option<u32> {
    if !response.is_pointer_button_down_on() && !response.clicked() {
        return None;
    }
    response.request_focus();
    let part = (response.interact_pointer_pos()?.x - rect.left()) / rect.width();
    Some((part.clamp(0.0, 1.0) * length as f32) as u32)
        .map(|index| index.min(length.saturating_sub(1)))
}

/// Arrow keys belong to a focused slider.
fn stepped(ui: &Ui, response: &Response, index: u32, last: u32) -> Option<u32> {
    if !response.has_focus() {
        return None;
    }
    ui.memory_mut(|memory| {
        let arrows = egui::EventFilter {
            horizontal_arrows: true,
            ..egui::EventFilter::default()
        };
        memory.set_focus_lock_filter(response.id, arrows);
    });
    ui.input_mut(|input| {
        let step = if input.modifiers.shift { 10 } else { 1 };
        let mut take = |key| input.consume_key(input.modifiers, key);
        if take(Key::ArrowRight) {
            Some(index.saturating_add(step).min(last))
        } else if take(Key::ArrowLeft) {
            Some(index.saturating_sub(step))
        } else {
            None
        }
    })
}

fn paint(ui: &Ui, response: &Response, rect: Rect, index: u32, length: u32, colors: Palette) {
    let track = Rect::from_center_size(rect.center(), vec2(rect.width(), 6.0));
    let painter = ui.painter();
    painter.rect_filled(track, ROUNDING, colors.raised);
    let cell = rect.width() / length.max(1) as f32;
    let left = rect.left() + index as f32 * cell;
    painter.rect_filled(
        Rect::from_min_max(track.min, pos2(left + cell / 2.0, track.max.y)),
        ROUNDING,
        colors.line,
    );
    let handle_width = cell.clamp(8.0, rect.width());
    let center = (left + cell / 2.0).clamp(
        rect.left() + handle_width / 2.0,
        rect.right() - handle_width / 2.0,
    );
    let handle = Rect::from_center_size(pos2(center, rect.center().y), vec2(handle_width, 12.0));
    let color = if response.hovered() || response.dragged() {
        colors.text
    } else {
        colors.accent
    };
    painter.rect_filled(handle, ROUNDING, color);
    if response.has_focus() {
        let ring = egui::Stroke::new(1.0, colors.text);
        painter.rect_stroke(
            handle.expand(2.0),
            ROUNDING,
            ring,
            egui::StrokeKind::Outside,
        );
    }
}
