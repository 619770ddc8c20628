//! Label images over the picture, on the GPU: a draw call of their own after the items, so that nothing is paid where
//! none is shown. The hardware mixes them with what is drawn; where the frame stores linear light, it mixes that.

use std::sync::{Arc, Weak};

use bytemuck::{Pod, Zeroable};
use eframe::wgpu;

use super::{DrawList, DrawnLabel, look::Kind, textures::texture};
use crate::model::{LabelColors, MemoryOrder, SampleType};

/// How far an outline reaches into its label, in physical pixels.
pub(super) const OUTLINE_PX: f32 = 2.0;
/// Colours in a row of their texture: no texture may be wider than 8192.
const ROW: u32 = 4096;

/// What the shader of labels is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct LabelBlend {
    /// Whole numbers; those of 64 bits are folded into 32.
    pub(super) kind: Kind,
    /// Only the edges are drawn.
    is_outline: bool,
    /// The files give colours.
    has_colors: bool,
}

impl LabelBlend {
    pub(super) fn of(drawn: &DrawnLabel) -> Self {
        let is_signed = matches!(
            drawn.pixels.sample_type(),
            SampleType::I8 | SampleType::I16 | SampleType::I32
        );
        Self {
            kind: if is_signed { Kind::Sint } else { Kind::Uint },
            is_outline: drawn.look.is_outline,
            has_colors: !drawn.look.colors.entries().is_empty(),
        }
    }
}

/// A tile in numbers, the same for shader and CPU.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LabelNumbers {
    /// Top left corner, in physical pixels of the canvas.
    pub(super) origin: [f32; 2],
    /// Texels per physical pixel, along x and y.
    pub(super) scale: [f32; 2],
    /// Texels, along x and y.
    pub(super) size: [u32; 2],
}

impl LabelNumbers {
    pub(super) fn of(drawn: &DrawnLabel) -> Self {
        let rect = &drawn.rect;
        let size = [drawn.pixels.width(), drawn.pixels.height()];
        let extent = [rect.x1 - rect.x0, rect.y1 - rect.y0];
        let scale = |i: usize| (f64::from(size[i]) / extent[i]) as f32;
        Self {
            origin: [rect.x0 as f32, rect.y0 as f32],
            scale: [scale(0), scale(1)],
            size,
        }
    }
}

/// `Label` of the shader.
#[derive(Clone, Copy, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct LabelUniforms {
    clipped: [f32; 4],
    origin: [f32; 2],
    canvas_origin: [f32; 2],
    canvas_size: [f32; 2],
    scale: [f32; 2],
    size: [u32; 2],
    flags: u32,
    num_colors: u32,
    opacity: f32,
    padding: [u32; 3],
}

impl LabelUniforms {
    /// A tile; `None` where it lies outside of the canvas. `origin`: the canvas' corner in the frame.
    pub(super) fn of(list: &DrawList, drawn: &DrawnLabel, origin: [f32; 2]) -> Option<Self> {
        let canvas_size = [list.canvas.width_px as f32, list.canvas.height_px as f32];
        let edge = |at: f64, end: f32| (at as f32).clamp(0.0, end);
        let (rect, numbers) = (&drawn.rect, LabelNumbers::of(drawn));
        let clipped = [
            edge(rect.x0, canvas_size[0]),
            edge(rect.y0, canvas_size[1]),
            edge(rect.x1, canvas_size[0]),
            edge(rect.y1, canvas_size[1]),
        ];
        let uniforms = Self {
            clipped,
            origin: numbers.origin,
            canvas_origin: origin,
            canvas_size,
            scale: numbers.scale,
            size: numbers.size,
            flags: u32::from(drawn.pixels.order() == MemoryOrder::ColumnMajor),
            num_colors: drawn.look.colors.entries().len() as u32,
            opacity: drawn.look.opacity,
            padding: [0; 3],
        };
        (clipped[0] < clipped[2] && clipped[1] < clipped[3]).then_some(uniforms)
    }
}

/// Textures of the colours that files give, one per label image that is drawn.
#[derive(Default)]
pub(super) struct ColorTextures(Vec<(Weak<LabelColors>, wgpu::TextureView)>);

impl ColorTextures {
    /// The texture of some colours; one texel where there are none.
    pub(super) fn view(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        colors: &Arc<LabelColors>,
    ) -> wgpu::TextureView {
        self.0.retain(|(known, _)| known.strong_count() > 0);
        let known = self
            .0
            .iter()
            .find(|(known, _)| known.as_ptr() == Arc::as_ptr(colors));
        if let Some((_, view)) = known {
            return view.clone();
        }
        let view = upload(device, queue, colors);
        self.0.push((Arc::downgrade(colors), view.clone()));
        view
    }
}

fn upload(device: &wgpu::Device, queue: &wgpu::Queue, colors: &LabelColors) -> wgpu::TextureView {
    let entries = colors.entries().iter();
    let mut texels: Vec<[u32; 2]> = entries
        .map(|&(key, rgba)| [key, u32::from_le_bytes(rgba)])
        .collect();
    let width = (texels.len() as u32).clamp(1, ROW);
    let height = (texels.len() as u32).div_ceil(ROW).max(1);
    texels.resize((width * height) as usize, [0; 2]);
    let usage = wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST;
    let format = wgpu::TextureFormat::Rg32Uint;
    let texture = texture(
        device,
        "squidview label colours",
        format,
        (width, height),
        usage,
    );
    let layout = wgpu::TexelCopyBufferLayout {
        offset: 0,
        bytes_per_row: Some(width * size_of::<[u32; 2]>() as u32),
        rows_per_image: None,
    };
    let bytes = bytemuck::cast_slice(&texels);
    queue.write_texture(texture.as_image_copy(), bytes, layout, texture.size());
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}

/// The shader of a blend.
pub(super) fn source(blend: LabelBlend, is_srgb: bool) -> String {
    let sample = if blend.kind == Kind::Sint {
        "i32"
    } else {
        "u32"
    };
    let constants = [
        ("OUTLINE", blend.is_outline.to_string()),
        ("OUTLINE_PX", format!("{OUTLINE_PX:?}")),
        ("GIVEN", blend.has_colors.to_string()),
        ("ROW", format!("{ROW}u")),
        ("SRGB", is_srgb.to_string()),
    ];
    let constants = constants.map(|(name, value)| format!("const {name} = {value};\n"));
    constants.concat() + &include_str!("label.wgsl").replace("SAMPLE", sample)
}
