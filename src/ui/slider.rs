//! A slider as wide as its bar: one stop per index, the acquired part filled.

use egui::{Key, Rect, Response, Sense, Ui, WidgetInfo, pos2, vec2};

use super::tokens::{Palette, ROUNDING};

/// Height of the track in points.
const TRACK_PT: f32 = 6.0;
/// Width of the handle in points: at least, and at most where there are few steps.
const HANDLE_PT: f32 = 8.0;
const MAX_HANDLE_PT: f32 = 56.0;

/// Draws the slider, filled where `is_acquired`; the index that the person moved to, if any.
pub(super) fn ui(
    ui: &mut Ui,
    label: &str,
    index: u32,
    length: u32,
    is_acquired: &dyn Fn(u32) -> bool,
    colors: Palette,
) -> Option<u32> {
    let size = vec2(ui.available_width().max(40.0), 16.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    let last = length.saturating_sub(1);
    response.widget_info(|| WidgetInfo::slider(true, f64::from(index), label));
    let moved = pointed(&response, rect, length).or_else(|| stepped(ui, &response, index, last));
    let marks = Marks {
        index: moved.unwrap_or(index),
        length,
        is_acquired,
    };
    paint(ui, &response, rect, &marks, colors);
    moved.filter(|&to| to != index)
}

/// The index under the pointer while it is held.
fn pointed(response: &Response, rect: Rect, length: u32) -> Option<u32> {
    if !response.is_pointer_button_down_on() && !response.clicked() {
        return None;
    }
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

/// What a slider shows.
struct Marks<'a> {
    index: u32,
    length: u32,
    is_acquired: &'a dyn Fn(u32) -> bool,
}

fn paint(ui: &Ui, response: &Response, rect: Rect, marks: &Marks<'_>, colors: Palette) {
    let track = Rect::from_center_size(rect.center(), vec2(rect.width(), TRACK_PT));
    let painter = ui.painter();
    painter.rect_filled(track, ROUNDING, colors.raised);
    for (left, right) in acquired(marks, rect.width()) {
        let x = track.x_range();
        let part = Rect::from_x_y_ranges(x.min + left..=x.min + right, track.y_range());
        painter.rect_filled(part, ROUNDING, colors.acquired());
    }
    let cell = rect.width() / marks.length.max(1) as f32;
    let width = cell.clamp(HANDLE_PT.min(rect.width()), MAX_HANDLE_PT);
    let middle = rect.left() + (marks.index as f32 + 0.5) * cell;
    let half = width / 2.0;
    let middle = middle.clamp(rect.left() + half, rect.right() - half);
    let handle = Rect::from_center_size(pos2(middle, rect.center().y), vec2(width, 12.0));
    let color = if response.hovered() || response.dragged() {
        colors.text
    } else {
        colors.accent
    };
    painter.rect_filled(handle, ROUNDING, color);
    if response.has_focus() {
        let ring = egui::Stroke::new(1.0, colors.text);
        let outside = egui::StrokeKind::Outside;
        painter.rect_stroke(handle.expand(2.0), ROUNDING, ring, outside);
    }
}

/// Stretches of the track that are acquired, from its left in points; no more of them than the track has points.
fn acquired(marks: &Marks<'_>, width: f32) -> Vec<(f32, f32)> {
    let num_cells = marks.length.min(width.max(1.0) as u32).max(1);
    let is_acquired = |cell: u32| {
        let index = u64::from(cell) * u64::from(marks.length) / u64::from(num_cells);
        (marks.is_acquired)(index as u32)
    };
    let at = |cell: u32| cell as f32 * width / num_cells as f32;
    let mut stretches: Vec<(f32, f32)> = Vec::new();
    for cell in (0..num_cells).filter(|&cell| is_acquired(cell)) {
        match stretches.last_mut() {
            Some(last) if last.1 == at(cell) => last.1 = at(cell + 1),
            _ => stretches.push((at(cell), at(cell + 1))),
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_acquired_steps_are_one_stretch() {
        let check = |length: u32, is_acquired: &dyn Fn(u32) -> bool, expected: &[(f32, f32)]| {
            let marks = Marks {
                index: 0,
                length,
                is_acquired,
            };
            assert_eq!(acquired(&marks, 100.0), expected);
        };
        check(4, &|_| true, &[(0.0, 100.0)]);
        check(4, &|_| false, &[]);
        check(4, &|index| index != 1, &[(0.0, 25.0), (50.0, 100.0)]);
        check(100_000, &|index| index < 50_000, &[(0.0, 50.0)]);
    }
}
