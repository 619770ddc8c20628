//! A scale bar in a rendered picture: a white bar of a round length, and that length in a small bitmap font.

use crate::render::Rendered;

/// Distance from the corner, and height of the bar, in pixels.
const MARGIN_PX: usize = 16;
const BAR_PX: usize = 4;
/// Part of the picture's width that the bar takes at most.
const MAX_PART: f64 = 0.25;
/// Pixels of the picture per pixel of the font.
const FONT_SCALE: usize = 2;

/// A glyph: 7 rows of 5 pixels, the leftmost in bit 4.
type Glyph = [u8; 7];

fn glyph(ch: char) -> Option<Glyph> {
    Some(match ch {
        '0' => [0x0E, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0E],
        '1' => [0x04, 0x0C, 0x04, 0x04, 0x04, 0x04, 0x0E],
        '2' => [0x0E, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1F],
        '5' => [0x1F, 0x10, 0x1E, 0x01, 0x01, 0x11, 0x0E],
        'n' => [0x00, 0x00, 0x1E, 0x11, 0x11, 0x11, 0x11],
        'm' => [0x00, 0x00, 0x1A, 0x15, 0x15, 0x15, 0x15],
        'µ' => [0x00, 0x00, 0x11, 0x11, 0x13, 0x1D, 0x10],
        ' ' => [0; 7],
        _ => return None,
    })
}

/// A round length (1, 2 or 5 times a power of ten, in µm) whose bar is at most `max_px` long, and its text.
fn round_length(px_per_um: f64, max_px: f64) -> Option<(f64, String)> {
    let most_um = max_px / px_per_um;
    if !most_um.is_finite() || most_um <= 0.0 {
        return None;
    }
    let power = 10_f64.powf(most_um.log10().floor());
    let length = [5.0, 2.0, 1.0].into_iter().map(|digit| digit * power).find(|&length| length <= most_um)?;
    let (value, unit) = match length {
        length if length >= 999.0 => (length / 1000.0, "mm"),
        length if length >= 0.999 => (length, "µm"),
        length => (length * 1000.0, "nm"),
    };
    Some((length, format!("{value:.0} {unit}")))
}

/// Draws the bar into the lower left corner; nothing where the pixel size is not known or the picture too small.
pub(super) fn draw(picture: &mut Rendered) {
    let (width, height) = (picture.size.width_px as usize, picture.size.height_px as usize);
    let Some(px_per_um) = picture.px_per_um else { return };
    let Some((length_um, text)) = round_length(px_per_um, width as f64 * MAX_PART) else { return };
    let length_px = (length_um * px_per_um).round() as usize;
    if height < MARGIN_PX * 3 || length_px == 0 {
        return;
    }
    let bar_top = height - MARGIN_PX - BAR_PX;
    let mut set = |x: usize, y: usize| {
        if x < width && y < height {
            picture.rgba[(y * width + x) * 4..][..3].fill(u8::MAX);
        }
    };
    for y in bar_top..bar_top + BAR_PX {
        (MARGIN_PX..MARGIN_PX + length_px).for_each(|x| set(x, y));
    }
    let text_top = bar_top.saturating_sub(9 * FONT_SCALE);
    for (index, rows) in text.chars().filter_map(glyph).enumerate() {
        let left = MARGIN_PX + index * 6 * FONT_SCALE;
        for (y, x) in (0..7 * FONT_SCALE).flat_map(|y| (0..5 * FONT_SCALE).map(move |x| (y, x))) {
            if rows[y / FONT_SCALE] >> (4 - x / FONT_SCALE) & 1 == 1 {
                set(left + x, text_top + y);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_round_and_the_bar_not_too_long() {
        let check = |px_per_um: f64, max_px: f64, length: f64, text: &str| {
            let (found, found_text) = round_length(px_per_um, max_px).expect("a length");
            assert!((found / length - 1.0).abs() < 1e-9, "{found} is not {length}");
            assert_eq!(found_text, text);
        };
        check(1.0, 250.0, 200.0, "200 µm");
        check(0.1, 199.0, 1000.0, "1 mm");
        check(1000.0, 60.0, 0.05, "50 nm");
        check(3.0, 30.0, 10.0, "10 µm");
        assert_eq!(round_length(0.0, 10.0), None);
    }
}
