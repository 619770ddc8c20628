//! What lies under the pointer, in the files' own numbers, and the scale bar.

use egui::{
    Align2, Color32, FontId, Rect, TextFormat, Ui, pos2,
    text::{LayoutJob, TextWrapping},
    vec2,
};

use super::{
    Facts, Stage, View,
    tokens::{ON_CANVAS, SMALL_PT, SPACE_12, palette},
};
use crate::{
    dataset::Image,
    model::{
        CanvasSize, PlaneState, Value, readable_to, round_length, round_pixels, short_channel_name,
    },
    session::pixel_um,
};

/// Part of the canvas that the scale bar takes at most, in points.
const MAX_BAR_PT: f32 = 160.0;
/// Channels whose values stand beside each other; more go into further lines.
const VALUES_PER_LINE: usize = 8;

/// Position and raw values of a level-0 pixel, at the right.
pub(super) fn ui(ui: &Ui, rect: Rect, view: &View<'_>, (x, y): (u32, u32), stage: &Stage<'_>) {
    let format = |color: Color32| TextFormat {
        font_id: FontId::monospace(SMALL_PT + 1.0),
        color,
        ..TextFormat::default()
    };
    // Whatever the numbers and names are, they stay on the canvas.
    let mut text = LayoutJob {
        wrap: TextWrapping {
            max_width: rect.width() - 2.0 * SPACE_12,
            break_anywhere: true,
            ..TextWrapping::default()
        },
        ..LayoutJob::default()
    };
    let place = format!("{}\n", place_text(x, y, view));
    text.append(&place, 0.0, format(ON_CANVAS));
    let all = (stage.values_at)(x, y);
    for (at, (c, value)) in values(view, &all).enumerate() {
        if at > 0 && at % VALUES_PER_LINE == 0 {
            text.append("\n", 0.0, format(ON_CANVAS));
        }
        let channel = &view.session.channels[c];
        let swatch = channel.lut.swatch();
        let name = format!("{} ", short_channel_name(&channel.name));
        text.append(
            &name,
            0.0,
            format(Color32::from_rgb(swatch.r, swatch.g, swatch.b)),
        );
        text.append(&format!("{value:>5}  "), 0.0, format(ON_CANVAS));
    }
    for (name, label) in (stage.labels_at)(x, y) {
        let words = format!("\n{name} {}", label_words(label));
        text.append(&words, 0.0, format(ON_CANVAS));
    }
    if let Some(words) = zero_words(view, stage.facts, &all) {
        text.append(&format!("\n{words}"), 0.0, format(ON_CANVAS));
    }
    let galley = ui.painter().layout_job(text);
    let at = rect.right_bottom() - vec2(SPACE_12, SPACE_12);
    let place = Align2::RIGHT_BOTTOM.anchor_size(at, galley.size());
    let ground = palette(stage.facts.theme).canvas;
    ui.painter().rect_filled(place.expand(4.0), 2.0, ground);
    ui.painter().galley(place.min, galley, ON_CANVAS);
}

/// A bar of a round length at the left; in pixels of the image where their size is not known.
pub(super) fn scale_bar_ui(ui: &Ui, rect: Rect, view: &View<'_>, canvas: CanvasSize) {
    let image = view.session.image(view.dataset);
    let px_per_um = view.session.projection(view.dataset, canvas).px_per_um;
    let pt_per_um = px_per_um / f64::from(ui.ctx().pixels_per_point());
    let most_um = f64::from(MAX_BAR_PT) / pt_per_um;
    let Some((length_um, text)) = bar_length(image, most_um) else {
        return;
    };
    let length = (length_um * pt_per_um) as f32;
    let left = rect.left_bottom() + vec2(SPACE_12, -SPACE_12);
    let bar = Rect::from_min_size(left - vec2(0.0, 3.0), vec2(length, 3.0));
    let painter = ui.painter();
    painter.rect_filled(bar.expand(1.0), 0.0, Color32::BLACK);
    painter.rect_filled(bar, 0.0, ON_CANVAS);
    let font = FontId::proportional(SMALL_PT + 1.0);
    let at = pos2(bar.center().x, bar.top() - 4.0);
    for (place, color) in [(at + vec2(1.0, 1.0), Color32::BLACK), (at, ON_CANVAS)] {
        painter.text(place, Align2::CENTER_BOTTOM, &text, font.clone(), color);
    }
}

/// Length of the bar in µm, and what stands at it.
fn bar_length(image: &Image, most_um: f64) -> Option<(f64, String)> {
    if image.sampling.x_um.is_some() {
        return round_length(most_um);
    }
    let width_um = pixel_um(image).x;
    let (length_px, text) = round_pixels(most_um / width_um)?;
    Some((length_px * width_um, text))
}

/// Pixel, and where that is in µm: on the stage where it is known, else in the image.
pub(super) fn place_text(x: u32, y: u32, view: &View<'_>) -> String {
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
        let (x_um, y_um) = (readable_to(1, in_x), readable_to(1, in_y));
        return format!("{pixel}  {x_um}, {y_um}\u{2009}µm");
    };
    let stage_x = center.x + in_x - f64::from(width) * size.x / 2.0;
    let stage_y = center.y + in_y - f64::from(height) * size.y / 2.0;
    let region = row
        .and_then(|row| row.region.as_deref())
        .map(|region| format!("{region}  "))
        .unwrap_or_default();
    let (x_um, y_um) = (readable_to(1, stage_x), readable_to(1, stage_y));
    format!("{region}{pixel}  stage {x_um}, {y_um}\u{2009}µm")
}

/// Raw values of the drawn channels as one text, exact.
pub(super) fn values_text(view: &View<'_>, all: &[Option<Value>]) -> String {
    let named = values_of(view, all, |value| value.to_string())
        .map(|(c, value)| format!("{} {value}", view.session.channels[c].name))
        .collect::<Vec<_>>();
    named.join("\n")
}

/// The number of a label; background is none, and what is not known a dash.
fn label_words(label: Option<Value>) -> String {
    match label {
        Some(value) if value.as_f64() == 0.0 => "none".to_owned(),
        Some(value) => value.readable(),
        None => "–".to_owned(),
    }
}

/// Which of the drawn channels are black because their plane was written with nothing but zeros.
fn zero_words(view: &View<'_>, facts: &Facts, all: &[Option<Value>]) -> Option<String> {
    let is_written = |c: usize| {
        let mut shown = facts.shown.iter();
        shown.any(|(other, state)| usize::from(*other) == c && *state == PlaneState::Written)
    };
    // The statistics may still be those of the plane before: the value under the pointer must agree.
    let is_zero = |c: &usize| {
        let histogram = view.session.channels[*c].histogram.as_ref();
        let value = all.get(*c).copied().flatten();
        histogram.is_some_and(|found| found.num_samples > 0 && (found.min, found.max) == (0.0, 0.0))
            && value.is_some_and(|value| value.as_f64() == 0.0)
            && is_written(*c)
    };
    let drawn = view.session.drawn_channels();
    let zero: Vec<usize> = drawn.iter().copied().filter(is_zero).collect();
    if zero.is_empty() {
        return None;
    }
    if zero.len() == drawn.len() {
        return Some("all zero as written".into());
    }
    let names: Vec<String> = zero
        .iter()
        .map(|&c| short_channel_name(&view.session.channels[c].name))
        .collect();
    Some(format!("{}: all zero as written", names.join(", ")))
}

/// Drawn channels with their values as people read them; a dash where a channel has none there.
fn values(view: &View<'_>, all: &[Option<Value>]) -> impl Iterator<Item = (usize, String)> {
    values_of(view, all, Value::readable)
}

fn values_of(
    view: &View<'_>,
    all: &[Option<Value>],
    words: impl Fn(Value) -> String,
) -> impl Iterator<Item = (usize, String)> {
    let drawn = view.session.drawn_channels().into_iter();
    drawn.map(move |c| {
        let value = all.get(c).copied().flatten();
        (c, value.map_or_else(|| "–".to_owned(), &words))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        dataset::testing::{Sizes, dataset},
        ledger::Ledger,
        model::{Histogram, MemoryOrder, Pixels, Samples},
        session::Session,
    };

    /// What is said of channel 0, black and with 0 under the pointer, and of channel 1, where a sample is 7.
    fn check(states: [PlaneState; 2], largest: [u16; 2], value: u64, expected: Option<&str>) {
        let dataset = dataset(Sizes::default());
        let (mut session, ledger) = (Session::new(&dataset), Ledger::default());
        for (channel, max) in session.channels.iter_mut().zip(largest) {
            let samples = Samples::U16(vec![0, max]);
            let pixels = Pixels::new(2, 1, MemoryOrder::RowMajor, samples).unwrap();
            channel.histogram = Histogram::of(&pixels).map(Arc::new);
        }
        let view = View {
            session: &session,
            dataset: &dataset,
            ledger: &ledger,
        };
        let facts = Facts {
            shown: (0..).zip(states).collect(),
            ..Facts::default()
        };
        let values = [0, value].map(|value| Some(Value::Unsigned(value)));
        let said = zero_words(&view, &facts, &values);
        assert_eq!(said.as_deref(), expected);
    }

    #[test]
    fn without_a_pixel_size_the_bar_is_in_pixels() {
        let mut image = dataset(Sizes::default()).template.as_ref().clone();
        image.sampling.x_um = Some(0.5);
        assert_eq!(bar_length(&image, 25.0).unwrap().1, "20 µm");
        (image.sampling.x_um, image.sampling.y_um) = (None, None);
        assert_eq!(bar_length(&image, 25.0), Some((20.0, "20 px".to_owned())));
        assert_eq!(bar_length(&image, 0.5), None);
    }

    #[test]
    fn values_of_any_size_are_short_under_the_pointer_and_exact_when_they_are_copied() {
        let dataset = dataset(Sizes::default());
        let (session, ledger) = (Session::new(&dataset), Ledger::default());
        let view = View {
            session: &session,
            dataset: &dataset,
            ledger: &ledger,
        };
        let all = [
            Value::Float(-1.234_567_890_12e300),
            Value::Unsigned(u64::MAX),
        ]
        .map(Some);
        let words: Vec<String> = values(&view, &all).map(|(_, words)| words).collect();
        assert_eq!(words, ["-1.235e300", "18446744073709551615"]);
        let copied = values_text(&view, &all);
        assert!(copied.contains("-1.23456789012e300"), "{copied}");
        assert!(copied.contains("18446744073709551615"), "{copied}");
    }

    #[test]
    fn a_written_plane_of_nothing_but_zeros_says_so() {
        use PlaneState::{Unknown, Written};
        let both = [Written, Written];
        check(both.clone(), [0, 7], 0, Some("Dye 0: all zero as written"));
        check(both.clone(), [0, 0], 0, Some("all zero as written"));
        check(both.clone(), [9, 7], 0, None);
        // The statistics of the plane before are not those of the value under the pointer.
        check(both, [9, 0], 7, None);
        check([Unknown, Written], [0, 7], 0, None);
    }
}
