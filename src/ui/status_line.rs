//! Read time, cache use, frame time: on demand, for those who ask why they wait.

use egui::{RichText, Ui};

use super::{Facts, tokens::palette};

/// One line of figures, each of a fixed width.
pub(super) fn ui(ui: &mut Ui, facts: &Facts) {
    let megabytes = |bytes: usize| bytes as f64 / 1e6;
    let (used, bound) = facts.cache_bytes;
    let millis =
        |time: Option<f32>| time.map_or_else(|| "     –".into(), |time| format!("{time:6.1}"));
    let text = format!(
        "read {} ms   frame {} ms   cache {:5.0} of {:.0} MB   textures {:4.0} MB",
        millis(facts.read_ms),
        millis(facts.frame_ms),
        megabytes(used),
        megabytes(bound),
        megabytes(facts.texture_bytes)
    );
    ui.label(
        RichText::new(text)
            .monospace()
            .small()
            .color(palette(facts.theme).quiet),
    );
}
