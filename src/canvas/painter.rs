//! Draws a list on the GPU, inside egui's frame or any other render pass.

use std::sync::Arc;

use eframe::{
    egui,
    egui_wgpu::{self, RenderState},
    wgpu::{self, util::DeviceExt as _},
};

use super::{
    DrawItem, DrawList, DrawnLabel,
    labels::{ColorTextures, LabelBlend, LabelUniforms},
    look::{Kind, LUT_ENTRIES, Numbers, lut_table},
    pipelines::{ACCUMULATOR_FORMAT, Blend, Pass, Pipelines},
    textures::{TextureKey, Textures, format_of, texture},
    uniforms::{MAX_CHANNELS, Uniforms},
};
use crate::model::{Colormap, DatasetId, Lut, Pixels, SampleType, TileId};

/// Prepares drawing on a device; to be called once, when the window is made.
pub fn install(render_state: &RenderState) {
    let painter = Painter::new(
        &render_state.device,
        &render_state.queue,
        render_state.target_format,
    );
    render_state
        .renderer
        .write()
        .callback_resources
        .insert(painter);
}

/// The list as a shape for egui; `rect` must be the one whose size the list was made for, on whole physical pixels.
pub fn shape(rect: egui::Rect, list: Arc<DrawList>) -> egui::Shape {
    egui_wgpu::Callback::new_paint_callback(rect, Callback { rect, list }).into()
}

/// A tile that is about to be drawn: its name, the revision of its plane, its samples.
pub type Staged = (TileId, u64, Arc<Pixels>);

/// Brings tiles to the GPU before they are drawn, so many bytes for a frame; gives those that have to wait for the next one.
#[must_use]
pub fn stage(render_state: &RenderState, dataset: DatasetId, tiles: &[Staged]) -> Vec<TileId> {
    let mut renderer = render_state.renderer.write();
    let Some(painter) = renderer.callback_resources.get_mut::<Painter>() else {
        return Vec::new();
    };
    let keyed = tiles.iter().map(|(tile, revision, pixels)| {
        let key = TextureKey {
            dataset,
            tile: *tile,
            revision: *revision,
        };
        (key, Arc::clone(pixels))
    });
    let (device, queue) = (&render_state.device, &render_state.queue);
    let staged = painter.textures.stage(device, queue, keyed);
    let waiting = tiles.iter().zip(staged).filter(|(_, is_staged)| !is_staged);
    waiting.map(|((tile, ..), _)| *tile).collect()
}

/// Frees what the uploads of a presented frame went through: who looks at a picture for long may have no other frame.
pub fn finish_uploads(render_state: &RenderState) {
    // An error is the next frame's as well.
    drop(render_state.device.poll(wgpu::PollType::Poll));
}

/// Drops every texture of a dataset.
pub fn forget(render_state: &RenderState, dataset: DatasetId) {
    if let Some(painter) = render_state
        .renderer
        .write()
        .callback_resources
        .get_mut::<Painter>()
    {
        painter.textures.forget(dataset);
    }
}

/// Bytes of textures that hold tiles.
#[must_use]
pub fn texture_bytes(render_state: &RenderState) -> usize {
    let renderer = render_state.renderer.read();
    renderer
        .callback_resources
        .get::<Painter>()
        .map_or(0, |painter| painter.textures.bytes())
}

struct Callback {
    rect: egui::Rect,
    list: Arc<DrawList>,
}

impl egui_wgpu::CallbackTrait for Callback {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &egui_wgpu::ScreenDescriptor,
        encoder: &mut wgpu::CommandEncoder,
        resources: &mut egui_wgpu::CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        // As egui rounds the viewport of a callback.
        let origin =
            [self.rect.min.x, self.rect.min.y].map(|at| (at * screen.pixels_per_point).round());
        if let Some(painter) = resources.get_mut::<Painter>() {
            painter.prepare(device, queue, encoder, &self.list, origin);
        }
        Vec::new()
    }

    fn paint(
        &self,
        _info: egui::PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        resources: &egui_wgpu::CallbackResources,
    ) {
        if let Some(painter) = resources.get::<Painter>() {
            painter.paint(pass);
        }
    }
}

/// One draw call of the frame.
struct Draw {
    pass: Pass,
    bindings: wgpu::BindGroup,
}

/// What lives as long as the window, and the draw calls of the present frame.
pub(super) struct Painter {
    pipelines: Pipelines,
    textures: Textures,
    luts: wgpu::TextureView,
    /// Stands where an item has no further channel.
    blanks: [(Kind, wgpu::TextureView); 3],
    label_colors: ColorTextures,
    accumulator: Option<Accumulator>,
    draws: Vec<Draw>,
}

/// The floating point target for more than eight channels.
struct Accumulator {
    view: wgpu::TextureView,
    size: (u32, u32),
    bindings: wgpu::BindGroup,
}

impl Painter {
    pub(super) fn new(
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        target: wgpu::TextureFormat,
    ) -> Self {
        let blank = |kind, sample_type| (kind, blank_texture(device, format_of(sample_type)));
        Self {
            pipelines: Pipelines::new(device, target),
            textures: Textures::new(device),
            luts: lut_texture(device, queue),
            blanks: [
                blank(Kind::Uint, SampleType::U8),
                blank(Kind::Sint, SampleType::I8),
                blank(Kind::Float, SampleType::F32),
            ],
            label_colors: ColorTextures::default(),
            accumulator: None,
            draws: Vec::new(),
        }
    }

    /// Uploads what is new and lays out the draw calls. `origin`: the canvas' corner in the frame, physical pixels.
    pub(super) fn prepare(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        encoder: &mut wgpu::CommandEncoder,
        list: &DrawList,
        origin: [f32; 2],
    ) {
        self.textures.begin();
        self.draws.clear();
        let background = Uniforms::background(list, origin);
        self.push(device, Pass::Background, &background, Kind::Uint, &[]);
        for item in &list.items {
            if item.tiles.len() <= MAX_CHANNELS {
                self.direct(device, queue, list, item, origin);
            } else {
                self.accumulated(device, queue, encoder, list, item, origin);
            }
        }
        for drawn in &list.labels {
            self.label(device, queue, list, drawn, origin);
        }
        self.textures.end();
    }

    /// A tile of a label image over what is drawn.
    fn label(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        list: &DrawList,
        drawn: &DrawnLabel,
        origin: [f32; 2],
    ) {
        let Some(uniforms) = LabelUniforms::of(list, drawn, origin) else {
            return;
        };
        let key = TextureKey {
            dataset: list.dataset,
            tile: drawn.tile,
            revision: drawn.revision,
        };
        let labels = self.textures.view(device, queue, key, &drawn.pixels);
        let colors = self.label_colors.view(device, queue, &drawn.look.colors);
        let blend = LabelBlend::of(drawn);
        let pass = Pass::Label(blend);
        self.pipelines.prepare(device, pass);
        let Some(layout) = self.pipelines.label_layout(blend.kind) else {
            return;
        };
        let buffer = uniform_buffer(device, bytemuck::bytes_of(&uniforms));
        let texture = |binding: u32, view| wgpu::BindGroupEntry {
            binding,
            resource: wgpu::BindingResource::TextureView(view),
        };
        let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("squidview label"),
            layout,
            entries: &[
                wgpu::BindGroupEntry {
                    binding: 0,
                    resource: buffer.as_entire_binding(),
                },
                texture(1, &labels),
                texture(2, &colors),
            ],
        });
        self.draws.push(Draw { pass, bindings });
    }

    /// Draws the prepared frame; the viewport must be the canvas.
    pub(super) fn paint(&self, pass: &mut wgpu::RenderPass<'_>) {
        for draw in &self.draws {
            self.run(pass, draw);
        }
    }

    fn run(&self, pass: &mut wgpu::RenderPass<'_>, draw: &Draw) {
        let Some(pipeline) = self.pipelines.get(draw.pass) else {
            return;
        };
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, &draw.bindings, &[]);
        if let (Pass::Resolve { .. }, Some(accumulator)) = (draw.pass, &self.accumulator) {
            pass.set_bind_group(1, &accumulator.bindings, &[]);
        }
        pass.draw(0..4, 0..1);
    }

    /// Up to eight channels, straight into the frame.
    fn direct(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        list: &DrawList,
        item: &DrawItem,
        origin: [f32; 2],
    ) {
        let (kind, numbers, views) = self.channels(device, queue, list, item, 0..item.tiles.len());
        let num_groups = usize::from(!numbers.is_empty());
        if let Some(uniforms) = Uniforms::of(list, item, &numbers, num_groups, origin) {
            let pass = Pass::Direct(Blend::of(list, item, &numbers));
            self.push(device, pass, &uniforms, kind, &views);
        }
    }

    /// Groups of eight channels into the accumulator, then that into the frame.
    fn accumulated(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        encoder: &mut wgpu::CommandEncoder,
        list: &DrawList,
        item: &DrawItem,
        origin: [f32; 2],
    ) {
        // The accumulator is as large as the canvas.
        let offscreen = [0.0; 2];
        let num_groups = item.tiles.len().div_ceil(MAX_CHANNELS);
        let mut groups = Vec::new();
        for group in 0..num_groups {
            let range = group * MAX_CHANNELS..((group + 1) * MAX_CHANNELS).min(item.tiles.len());
            let (kind, numbers, views) = self.channels(device, queue, list, item, range);
            let Some(uniforms) = Uniforms::of(list, item, &numbers, num_groups, offscreen) else {
                return;
            };
            let pass = if group == 0 {
                Pass::First(Blend::of(list, item, &numbers))
            } else {
                Pass::Further(Blend::of(list, item, &numbers))
            };
            self.pipelines.prepare(device, pass);
            groups.push(Draw {
                pass,
                bindings: self.bindings(device, &uniforms, kind, &views),
            });
        }
        self.fit_accumulator(
            device,
            (list.canvas.width_px.max(1), list.canvas.height_px.max(1)),
        );
        if let Some(accumulator) = &self.accumulator {
            let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("squidview channels"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &accumulator.view,
                    resolve_target: None,
                    depth_slice: None,
                    ops: wgpu::Operations {
                        load: wgpu::LoadOp::Load,
                        store: wgpu::StoreOp::Store,
                    },
                })],
                ..wgpu::RenderPassDescriptor::default()
            });
            for draw in &groups {
                self.run(&mut pass, draw);
            }
        }
        if let Some(uniforms) = Uniforms::of(list, item, &[], num_groups, origin) {
            let pass = Pass::Resolve {
                is_marked: list.mark_clipped,
                is_hatched: item.hatch.is_some(),
            };
            self.push(device, pass, &uniforms, Kind::Uint, &[]);
        }
    }

    /// Numbers and textures of some channels of an item. All tiles of an item have one sample type.
    fn channels(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        list: &DrawList,
        item: &DrawItem,
        range: std::ops::Range<usize>,
    ) -> (Kind, Vec<Numbers>, Vec<wgpu::TextureView>) {
        let kind = item
            .tiles
            .first()
            .map_or(Kind::Uint, |drawn| Kind::of(drawn.pixels.sample_type()));
        let (mut numbers, mut views) = (Vec::new(), Vec::new());
        for drawn in item.tiles.get(range).unwrap_or(&[]) {
            let is_alike = Kind::of(drawn.pixels.sample_type()) == kind;
            if let Some(channel) = Numbers::of(list, item, drawn).filter(|_| is_alike) {
                numbers.push(channel);
                let key = TextureKey {
                    dataset: list.dataset,
                    tile: drawn.tile,
                    revision: drawn.revision,
                };
                views.push(self.textures.view(device, queue, key, &drawn.pixels));
            }
        }
        (kind, numbers, views)
    }

    fn push(
        &mut self,
        device: &wgpu::Device,
        pass: Pass,
        uniforms: &Uniforms,
        kind: Kind,
        views: &[wgpu::TextureView],
    ) {
        self.pipelines.prepare(device, pass);
        let bindings = self.bindings(device, uniforms, kind, views);
        self.draws.push(Draw { pass, bindings });
    }

    fn bindings(
        &self,
        device: &wgpu::Device,
        uniforms: &Uniforms,
        kind: Kind,
        views: &[wgpu::TextureView],
    ) -> wgpu::BindGroup {
        let buffer = uniform_buffer(device, bytemuck::bytes_of(uniforms));
        let blank = self
            .blanks
            .iter()
            .find(|(other, _)| *other == kind)
            .map_or(&self.blanks[0].1, |(_, view)| view);
        let tiles = (0..MAX_CHANNELS).map(|tile| wgpu::BindGroupEntry {
            binding: 2 + tile as u32,
            resource: wgpu::BindingResource::TextureView(views.get(tile).unwrap_or(blank)),
        });
        let first = [
            wgpu::BindGroupEntry {
                binding: 0,
                resource: buffer.as_entire_binding(),
            },
            wgpu::BindGroupEntry {
                binding: 1,
                resource: wgpu::BindingResource::TextureView(&self.luts),
            },
        ];
        device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("squidview item"),
            layout: self.pipelines.item_layout(kind),
            entries: &first.into_iter().chain(tiles).collect::<Vec<_>>(),
        })
    }

    /// An accumulator of the canvas' size.
    fn fit_accumulator(&mut self, device: &wgpu::Device, size: (u32, u32)) {
        if self
            .accumulator
            .as_ref()
            .is_some_and(|accumulator| accumulator.size == size)
        {
            return;
        }
        let usage = wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::TEXTURE_BINDING;
        let view = texture(
            device,
            "squidview channels",
            ACCUMULATOR_FORMAT,
            size,
            usage,
        )
        .create_view(&wgpu::TextureViewDescriptor::default());
        let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("squidview channels"),
            layout: self.pipelines.accumulator_layout(),
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::TextureView(&view),
            }],
        });
        self.accumulator = Some(Accumulator {
            view,
            size,
            bindings,
        });
    }
}

fn uniform_buffer(device: &wgpu::Device, contents: &[u8]) -> wgpu::Buffer {
    device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
        label: Some("squidview item"),
        contents,
        usage: wgpu::BufferUsages::UNIFORM,
    })
}

fn blank_texture(device: &wgpu::Device, format: wgpu::TextureFormat) -> wgpu::TextureView {
    let usage = wgpu::TextureUsages::TEXTURE_BINDING;
    let blank = texture(device, "squidview blank", format, (1, 1), usage);
    blank.create_view(&wgpu::TextureViewDescriptor::default())
}

/// One row per named colormap.
fn lut_texture(device: &wgpu::Device, queue: &wgpu::Queue) -> wgpu::TextureView {
    let size = (LUT_ENTRIES as u32, Colormap::ALL.len() as u32);
    let usage = wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST;
    let luts = texture(
        device,
        "squidview colormaps",
        wgpu::TextureFormat::Rgba32Float,
        size,
        usage,
    );
    let texels: Vec<[f32; 4]> = Colormap::ALL
        .into_iter()
        .flat_map(|map| lut_table(Lut::Map(map)))
        .collect();
    let layout = wgpu::TexelCopyBufferLayout {
        offset: 0,
        bytes_per_row: Some(size.0 * size_of::<[f32; 4]>() as u32),
        rows_per_image: None,
    };
    queue.write_texture(
        luts.as_image_copy(),
        bytemuck::cast_slice(&texels),
        layout,
        luts.size(),
    );
    luts.create_view(&wgpu::TextureViewDescriptor::default())
}
