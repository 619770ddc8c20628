//! Pipelines: made when they are first needed, because each costs the driver milliseconds.

use std::collections::HashMap;

use eframe::wgpu;

use super::{DrawItem, DrawList};
use super::{
    labels::{self, LabelBlend, LabelUniforms},
    look::{
        BACKGROUND, CLIP_COLORS, HATCH_COLORS, HATCH_LINE_PX, HATCH_PERIOD_PX, HATCH_SPARSE_PX,
        Kind, Numbers,
    },
    uniforms::{MAX_CHANNELS, Uniforms},
};
use crate::model::{Lut, SampleType};

/// Format of the target that more than eight channels are accumulated in.
pub(super) const ACCUMULATOR_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba16Float;

/// What a shader is compiled for: it does nothing for channels that are not there, and nothing that none of them needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Blend {
    pub(super) kind: Kind,
    pub(super) num_channels: usize,
    /// `f32` holds every sample exactly.
    is_exact: bool,
    /// Every channel has a pure colour, not inverted, and gamma 1.
    is_plain: bool,
    /// All channels have the same texels in the same order.
    is_aligned: bool,
    /// Samples at or beyond the limits are marked.
    is_marked: bool,
    /// The item is hatched over.
    is_hatched: bool,
}

impl Blend {
    /// For channels of samples of one kind.
    pub(super) fn of(list: &DrawList, item: &DrawItem, channels: &[Numbers]) -> Self {
        let sample_type = item.tiles.first().map(|drawn| drawn.pixels.sample_type());
        let is_plain = |numbers: &Numbers| {
            matches!(numbers.lut, Lut::Color(_)) && numbers.gamma == 1.0 && !numbers.is_inverted
        };
        let grid = |numbers: &Numbers| (numbers.scale, numbers.size, numbers.is_column_major);
        Self {
            kind: sample_type.map_or(Kind::Uint, Kind::of),
            num_channels: channels.len(),
            is_exact: !matches!(sample_type, Some(SampleType::U32 | SampleType::I32)),
            is_plain: channels.iter().all(is_plain),
            is_aligned: channels
                .windows(2)
                .all(|pair| grid(&pair[0]) == grid(&pair[1])),
            is_marked: list.mark_clipped,
            is_hatched: item.hatch.is_some(),
        }
    }

    /// No channel at all.
    fn none(is_marked: bool, is_hatched: bool) -> Self {
        Self {
            kind: Kind::Uint,
            num_channels: 0,
            is_exact: true,
            is_plain: true,
            is_aligned: true,
            is_marked,
            is_hatched,
        }
    }
}

/// What a pipeline does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Pass {
    /// Fills the canvas with its background.
    Background,
    /// Blends up to eight channels straight into the frame.
    Direct(Blend),
    /// The first eight channels of many into the accumulator.
    First(Blend),
    /// Further channels, added to the accumulator.
    Further(Blend),
    /// A tile of a label image over the frame.
    Label(LabelBlend),
    /// The accumulator into the frame.
    Resolve {
        /// Samples at or beyond the limits are marked.
        is_marked: bool,
        /// The item is hatched over.
        is_hatched: bool,
    },
}

/// Layouts, and the pipelines made so far.
pub(super) struct Pipelines {
    target: wgpu::TextureFormat,
    item_layouts: HashMap<Kind, wgpu::BindGroupLayout>,
    label_layouts: HashMap<Kind, wgpu::BindGroupLayout>,
    accumulator_layout: wgpu::BindGroupLayout,
    made: HashMap<Pass, wgpu::RenderPipeline>,
}

impl Pipelines {
    pub(super) fn new(device: &wgpu::Device, target: wgpu::TextureFormat) -> Self {
        let layouts =
            [Kind::Uint, Kind::Sint, Kind::Float].map(|kind| (kind, item_layout(device, kind)));
        let accumulator = texture_entry(0, wgpu::TextureSampleType::Float { filterable: false });
        Self {
            target,
            item_layouts: layouts.into_iter().collect(),
            label_layouts: HashMap::new(),
            accumulator_layout: layout(device, &[accumulator]),
            made: HashMap::new(),
        }
    }

    /// True where the frame stores linear light.
    pub(super) fn is_srgb(&self) -> bool {
        self.target.is_srgb()
    }

    /// The layout of an item's bind group.
    pub(super) fn item_layout(&self, kind: Kind) -> &wgpu::BindGroupLayout {
        &self.item_layouts[&kind]
    }

    /// The layout of a label tile's bind group, once its pipeline was prepared.
    pub(super) fn label_layout(&self, kind: Kind) -> Option<&wgpu::BindGroupLayout> {
        self.label_layouts.get(&kind)
    }

    /// The layout of the accumulator's bind group.
    pub(super) fn accumulator_layout(&self) -> &wgpu::BindGroupLayout {
        &self.accumulator_layout
    }

    /// Makes a pipeline where it does not exist yet.
    pub(super) fn prepare(&mut self, device: &wgpu::Device, pass: Pass) {
        if !self.made.contains_key(&pass) {
            if let Pass::Label(blend) = pass {
                let layouts = self.label_layouts.entry(blend.kind);
                layouts.or_insert_with(|| label_layout(device, blend.kind));
            }
            let pipeline = self.make(device, pass);
            self.made.insert(pass, pipeline);
        }
    }

    /// A pipeline that was prepared.
    pub(super) fn get(&self, pass: Pass) -> Option<&wgpu::RenderPipeline> {
        self.made.get(&pass)
    }

    fn make(&self, device: &wgpu::Device, pass: Pass) -> wgpu::RenderPipeline {
        let add = wgpu::BlendComponent {
            src_factor: wgpu::BlendFactor::One,
            dst_factor: wgpu::BlendFactor::One,
            operation: wgpu::BlendOperation::Add,
        };
        let (compiled, entry, format, blend) = match pass {
            Pass::Background => (Blend::none(false, false), "background", self.target, None),
            Pass::Direct(compiled) => (compiled, "direct", self.target, None),
            Pass::First(compiled) => (compiled, "accumulate", ACCUMULATOR_FORMAT, None),
            Pass::Further(compiled) => (
                compiled,
                "accumulate",
                ACCUMULATOR_FORMAT,
                Some(wgpu::BlendState {
                    color: add,
                    alpha: add,
                }),
            ),
            Pass::Resolve {
                is_marked,
                is_hatched,
            } => (
                Blend::none(is_marked, is_hatched),
                "resolve",
                self.target,
                None,
            ),
            Pass::Label(_) => (
                Blend::none(false, false),
                "label",
                self.target,
                Some(wgpu::BlendState {
                    color: wgpu::BlendState::ALPHA_BLENDING.color,
                    // The frame stays opaque.
                    alpha: wgpu::BlendComponent {
                        src_factor: wgpu::BlendFactor::Zero,
                        dst_factor: wgpu::BlendFactor::One,
                        operation: wgpu::BlendOperation::Add,
                    },
                }),
            ),
        };
        let mut layouts = match pass {
            Pass::Label(blend) => vec![self.label_layouts.get(&blend.kind)],
            _ => vec![Some(&self.item_layouts[&compiled.kind])],
        };
        let resolves = matches!(pass, Pass::Resolve { .. });
        if resolves {
            layouts.push(Some(&self.accumulator_layout));
        }
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("squidview canvas"),
            bind_group_layouts: &layouts,
            immediate_size: 0,
        });
        let text = match pass {
            Pass::Label(blend) => labels::source(blend, self.is_srgb()),
            _ => source(compiled, resolves, self.is_srgb()),
        };
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("squidview canvas"),
            source: wgpu::ShaderSource::Wgsl(text.into()),
        });
        device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some(entry),
            layout: Some(&pipeline_layout),
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("vertex"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                buffers: &[],
            },
            primitive: wgpu::PrimitiveState {
                topology: wgpu::PrimitiveTopology::TriangleStrip,
                ..wgpu::PrimitiveState::default()
            },
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some(entry),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                targets: &[Some(wgpu::ColorTargetState {
                    format,
                    blend,
                    write_mask: wgpu::ColorWrites::ALL,
                })],
            }),
            multiview_mask: None,
            cache: None,
        })
    }
}

/// The shader of a blend, with the constants that it shares with `composite.rs`.
fn source(blend: Blend, resolves: bool, is_srgb: bool) -> String {
    let (sample, difference) = match blend.kind {
        Kind::Uint => ("u32", "uint_difference"),
        Kind::Sint => ("i32", "sint_difference"),
        Kind::Float => ("f32", "exact_difference"),
    };
    let difference = if blend.is_exact {
        "exact_difference"
    } else {
        difference
    };
    let color = |[r, g, b]: [u8; 3]| format!("vec3<f32>({r}.0, {g}.0, {b}.0) / 255.0");
    let constants = [
        ("BACKGROUND", color(BACKGROUND)),
        ("HATCH_PLANNED_STRIPE", color(HATCH_COLORS[0])),
        ("HATCH_PLANNED_GROUND", color(HATCH_COLORS[1])),
        ("HATCH_FAILED_STRIPE", color(HATCH_COLORS[2])),
        ("HATCH_FAILED_GROUND", color(HATCH_COLORS[3])),
        ("CLIP_HIGH", color(CLIP_COLORS[0])),
        ("CLIP_LOW", color(CLIP_COLORS[1])),
        ("HATCH_PERIOD", format!("{HATCH_PERIOD_PX}u")),
        ("HATCH_SPARSE", format!("{HATCH_SPARSE_PX}u")),
        ("HATCH_LINE", format!("{HATCH_LINE_PX}u")),
        ("PLAIN", blend.is_plain.to_string()),
        ("MARKED", blend.is_marked.to_string()),
        ("HATCHED", blend.is_hatched.to_string()),
        ("SRGB", is_srgb.to_string()),
        ("MAY_BE_NAN", (blend.kind == Kind::Float).to_string()),
    ];
    let channels = (0..blend.num_channels).map(|i| {
        let texel = if blend.is_aligned && i > 0 {
            String::new()
        } else {
            format!("let at{i} = texel(position, item.channels[{i}]);\n")
        };
        let at = if blend.is_aligned { 0 } else { i };
        format!(
            "{texel}blend = added(blend, textureLoad(tile{i}, at{at}, 0).r, item.channels[{i}]);\n"
        )
    });
    let mut text = constants
        .map(|(name, value)| format!("const {name} = {value};"))
        .join("\n");
    text.push('\n');
    text += &include_str!("shader.wgsl")
        .replace("CHANNELS\n", &channels.collect::<String>())
        .replace("SAMPLE", sample)
        .replace("DIFFERENCE", difference);
    if resolves {
        text += include_str!("resolve.wgsl");
    }
    text
}

fn label_layout(device: &wgpu::Device, kind: Kind) -> wgpu::BindGroupLayout {
    let entries = [
        uniforms_entry(size_of::<LabelUniforms>()),
        texture_entry(1, sample_type_of(kind)),
        texture_entry(2, wgpu::TextureSampleType::Uint),
    ];
    layout(device, &entries)
}

fn sample_type_of(kind: Kind) -> wgpu::TextureSampleType {
    match kind {
        Kind::Uint => wgpu::TextureSampleType::Uint,
        Kind::Sint => wgpu::TextureSampleType::Sint,
        Kind::Float => wgpu::TextureSampleType::Float { filterable: false },
    }
}

fn uniforms_entry(num_bytes: usize) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding: 0,
        visibility: wgpu::ShaderStages::VERTEX_FRAGMENT,
        ty: wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: false,
            min_binding_size: wgpu::BufferSize::new(num_bytes as u64),
        },
        count: None,
    }
}

fn item_layout(device: &wgpu::Device, kind: Kind) -> wgpu::BindGroupLayout {
    let sample_type = sample_type_of(kind);
    let uniforms = uniforms_entry(size_of::<Uniforms>());
    let luts = texture_entry(1, wgpu::TextureSampleType::Float { filterable: false });
    let tiles = (0..MAX_CHANNELS as u32).map(|tile| texture_entry(2 + tile, sample_type));
    layout(
        device,
        &[uniforms, luts]
            .into_iter()
            .chain(tiles)
            .collect::<Vec<_>>(),
    )
}

fn texture_entry(binding: u32, sample_type: wgpu::TextureSampleType) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::FRAGMENT,
        ty: wgpu::BindingType::Texture {
            sample_type,
            view_dimension: wgpu::TextureViewDimension::D2,
            multisampled: false,
        },
        count: None,
    }
}

fn layout(device: &wgpu::Device, entries: &[wgpu::BindGroupLayoutEntry]) -> wgpu::BindGroupLayout {
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("squidview canvas"),
        entries,
    })
}
