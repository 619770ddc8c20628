//! The numbers of one item as the shader reads them: must agree with `Item` and `Channel` in `shader.wgsl`.
//!
//! A test in `tests.rs` compares what both halves draw.

use bytemuck::{Pod, Zeroable};

use super::{DrawItem, DrawList, Hatch, look::Numbers};
use crate::model::Lut;

/// Channels of one pass.
pub(super) const MAX_CHANNELS: usize = 8;

/// `Channel` of the shader.
#[derive(Clone, Copy, Default, Pod, Zeroable)]
#[repr(C)]
struct Channel {
    scale: [f32; 2],
    size: [u32; 2],
    color: [f32; 4],
    low_whole: u32,
    low_rest: f32,
    inverse_range: f32,
    gamma: f32,
    flags: u32,
    lut_row: u32,
    offset: f32,
    padding: u32,
}

/// `Item` of the shader.
#[derive(Clone, Copy, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Uniforms {
    clipped: [f32; 4],
    origin: [f32; 2],
    canvas_origin: [f32; 2],
    canvas_size: [f32; 2],
    hatch: u32,
    num_groups: u32,
    padding: [u32; 4],
    channels: [Channel; MAX_CHANNELS],
}

impl Uniforms {
    /// The whole canvas, without a channel. `origin`: its top left corner in the frame, in physical pixels.
    pub(super) fn background(list: &DrawList, origin: [f32; 2]) -> Self {
        let size = [list.canvas.width_px as f32, list.canvas.height_px as f32];
        Self {
            clipped: [0.0, 0.0, size[0], size[1]],
            canvas_origin: origin,
            canvas_size: size,
            ..Self::default()
        }
    }

    /// An item with some of its channels; `None` where it lies outside of the canvas.
    pub(super) fn of(
        list: &DrawList,
        item: &DrawItem,
        channels: &[Numbers],
        num_groups: usize,
        origin: [f32; 2],
    ) -> Option<Self> {
        let background = Self::background(list, origin);
        let [_, _, width, height] = background.clipped;
        let edge = |at: f64, end: f32| (at as f32).clamp(0.0, end);
        let clipped = [
            edge(item.rect.x0, width),
            edge(item.rect.y0, height),
            edge(item.rect.x1, width),
            edge(item.rect.y1, height),
        ];
        let mut uniforms = Self {
            clipped,
            origin: [item.rect.x0 as f32, item.rect.y0 as f32],
            hatch: match item.hatch {
                None => 0,
                Some(Hatch::Planned) => 1,
                Some(Hatch::Failed) => 2,
            },
            num_groups: num_groups as u32,
            ..background
        };
        for (slot, numbers) in uniforms.channels.iter_mut().zip(channels) {
            *slot = Channel::of(numbers);
        }
        (clipped[0] < clipped[2] && clipped[1] < clipped[3]).then_some(uniforms)
    }
}

impl Channel {
    fn of(numbers: &Numbers) -> Self {
        let [r, g, b] = numbers.lut.at(1.0);
        let lut_row = match numbers.lut {
            Lut::Color(_) => None,
            Lut::Map(map) => crate::model::Colormap::ALL
                .iter()
                .position(|other| *other == map),
        };
        Self {
            scale: numbers.scale,
            size: numbers.size,
            color: [r, g, b, 1.0],
            low_whole: numbers.low_whole,
            low_rest: numbers.low_rest,
            inverse_range: numbers.inverse_range,
            gamma: numbers.gamma,
            flags: u32::from(numbers.is_column_major)
                | (u32::from(lut_row.is_some()) << 1)
                | (u32::from(numbers.is_inverted) << 2),
            lut_row: lut_row.unwrap_or(0) as u32,
            offset: numbers.offset,
            padding: 0,
        }
    }
}
