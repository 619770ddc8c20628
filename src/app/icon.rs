//! The window's icon: three channels added.

use eframe::egui::IconData;

/// Side in pixels.
const SIZE_PX: u32 = 64;
/// Centre and colour of each channel's disc; lengths are parts of the side.
const DISCS: [([f32; 2], [f32; 3]); 3] = [
    ([0.40, 0.38], [0.10, 0.55, 1.0]),
    ([0.62, 0.46], [0.15, 0.90, 0.25]),
    ([0.44, 0.62], [1.0, 0.20, 0.25]),
];
const RADIUS: f32 = 0.24;

/// RGBA rows from the top, transparent around a dark square with round corners.
pub(super) fn icon() -> IconData {
    let places = (0..SIZE_PX).flat_map(|y| (0..SIZE_PX).map(move |x| (x, y)));
    let at = |pixel: u32| (pixel as f32 + 0.5) / SIZE_PX as f32;
    IconData {
        rgba: places.flat_map(|(x, y)| color(at(x), at(y))).collect(),
        width: SIZE_PX,
        height: SIZE_PX,
    }
}

fn color(x: f32, y: f32) -> [u8; 4] {
    /// Part of a pixel that lies inside an edge at distance 0.
    fn inside(distance: f32) -> f32 {
        (0.5 - distance * SIZE_PX as f32).clamp(0.0, 1.0)
    }
    let corner = 0.2;
    let from_middle = |at: f32| ((at - 0.5).abs() - (0.5 - corner)).max(0.0);
    let square = inside(from_middle(x).hypot(from_middle(y)) - corner);
    let mut sum = [0.06_f32, 0.065, 0.08];
    for ([center_x, center_y], color) in DISCS {
        let disc = inside((x - center_x).hypot(y - center_y) - RADIUS);
        for (part, channel) in sum.iter_mut().zip(color) {
            *part += disc * channel;
        }
    }
    let byte = |part: f32| (part.min(1.0) * 255.0) as u8;
    [byte(sum[0]), byte(sum[1]), byte(sum[2]), byte(square)]
}
