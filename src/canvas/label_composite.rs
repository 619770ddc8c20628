//! Label images over the picture, on the CPU: the same formulas as `label.wgsl`, in the same order, in `f32`.

use super::{
    DrawList, DrawnLabel,
    composite::texel_at,
    labels::{LabelNumbers, OUTLINE_PX},
};
use crate::model::{LabelColors, hashed_color, key_of_value};

/// Draws the label images of a list over its picture: 8-bit RGBA, rows from the top.
pub(super) fn draw_labels(list: &DrawList, picture: &mut [u8]) {
    let width = list.canvas.width_px as usize;
    for drawn in &list.labels {
        let layer = Layer {
            drawn,
            numbers: LabelNumbers::of(drawn),
        };
        for (y, row) in picture.chunks_exact_mut(width.max(1) * 4).enumerate() {
            for (x, pixel) in row.chunks_exact_mut(4).enumerate() {
                let position = [x as f32 + 0.5, y as f32 + 0.5];
                if let Some([r, g, b, alpha]) = layer.color_at(position) {
                    for (out, part) in pixel.iter_mut().zip([r, g, b]) {
                        let below = f32::from(*out) / 255.0;
                        let mixed = part * alpha + below * (1.0 - alpha);
                        *out = (mixed.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
                    }
                }
            }
        }
    }
}

struct Layer<'a> {
    drawn: &'a DrawnLabel,
    numbers: LabelNumbers,
}

impl Layer<'_> {
    /// Colour and opacity at a position of the canvas; `None` where there is no label.
    fn color_at(&self, position: [f32; 2]) -> Option<[f32; 4]> {
        let rect = &self.drawn.rect;
        let [x, y] = position.map(f64::from);
        if x < rect.x0 || y < rect.y0 || x >= rect.x1 || y >= rect.y1 {
            return None;
        }
        let key = self.key_at(position);
        if key == 0 {
            return None;
        }
        let look = &self.drawn.look;
        if look.is_outline {
            let [x, y] = position;
            let around = [
                [x + OUTLINE_PX, y],
                [x - OUTLINE_PX, y],
                [x, y + OUTLINE_PX],
                [x, y - OUTLINE_PX],
            ];
            if around.into_iter().all(|at| self.key_at(at) == key) {
                return None;
            }
        }
        let [r, g, b, alpha] = colored(key, &look.colors);
        Some([r, g, b, alpha * look.opacity])
    }

    fn key_at(&self, position: [f32; 2]) -> u32 {
        let numbers = &self.numbers;
        let at = |i: usize| {
            let texel = texel_at(
                position[i],
                numbers.origin[i],
                numbers.scale[i],
                numbers.size[i],
            );
            texel as u32
        };
        let value = self.drawn.pixels.value(at(0), at(1));
        value.and_then(key_of_value).unwrap_or(0)
    }
}

fn colored(key: u32, colors: &LabelColors) -> [f32; 4] {
    if let Some(rgba) = colors.get(key) {
        return rgba.map(|part| f32::from(part) / 255.0);
    }
    let [r, g, b] = hashed_color(key);
    [r, g, b, 1.0]
}
