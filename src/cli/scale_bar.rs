//! A scale bar in a rendered picture: a white bar of a round length, and that length in a small bitmap font.

use crate::{model::round_length, render::Rendered};

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
        'p' => [0x00, 0x00, 0x1E, 0x11, 0x1E, 0x10, 0x10],
        'f' => [0x06, 0x09, 0x08, 0x1C, 0x08, 0x08, 0x08],
        'm' => [0x00, 0x00, 0x1A, 0x15, 0x15, 0x15, 0x15],
        'µ' => [0x00, 0x00, 0x11, 0x11, 0x13, 0x1D, 0x10],
        ' ' => [0; 7],
        _ => return None,
    })
}

/// Draws the bar into the lower left corner; nothing where the pixel size is not known or the picture too small.
pub(super) fn draw(picture: &mut Rendered) {
    let (width, height) = (
        picture.size.width_px as usize,
        picture.size.height_px as usize,
    );
    let Some(px_per_um) = picture.px_per_um else {
        return;
    };
    let Some((length_um, text)) = round_length(width as f64 * MAX_PART / px_per_um) else {
        return;
    };
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
