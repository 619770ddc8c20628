//! Pipeline, buffers and textures on the GPU.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use bytemuck::{Pod, Zeroable};
use eframe::{
    egui::{
        PaintCallbackInfo, Rect, TextureId, TexturesDelta,
        epaint::{ImageData, ImageDelta, Vertex},
    },
    egui_wgpu::ScreenDescriptor,
    wgpu,
};

use super::frame::{Draw, Frame};

/// `Screen` of the shader.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Screen {
    size_pt: [f32; 2],
    padding: [f32; 2],
}

/// A texture of egui: its atlas of glyphs, or an image.
struct Texture {
    texture: wgpu::Texture,
    bindings: wgpu::BindGroup,
}

/// What lives as long as the window, and the triangles of the present frame.
pub(super) struct Painter {
    pipeline: wgpu::RenderPipeline,
    screen: wgpu::Buffer,
    screen_bindings: wgpu::BindGroup,
    texture_layout: wgpu::BindGroupLayout,
    sampler: wgpu::Sampler,
    textures: HashMap<TextureId, Texture>,
    /// Textures that the last frame may still have drawn.
    free: Vec<TextureId>,
    vertices: wgpu::Buffer,
    indices: wgpu::Buffer,
    /// The frame whose triangles the buffers hold.
    uploaded: Weak<Frame>,
}

impl Painter {
    pub(super) fn new(device: &wgpu::Device, target: wgpu::TextureFormat) -> Self {
        let screen_layout = layout(
            device,
            &[(
                wgpu::ShaderStages::VERTEX,
                wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Uniform,
                    has_dynamic_offset: false,
                    min_binding_size: None,
                },
            )],
        );
        let texture_layout = layout(
            device,
            &[
                (
                    wgpu::ShaderStages::FRAGMENT,
                    wgpu::BindingType::Texture {
                        sample_type: wgpu::TextureSampleType::Float { filterable: true },
                        view_dimension: wgpu::TextureViewDimension::D2,
                        multisampled: false,
                    },
                ),
                (
                    wgpu::ShaderStages::FRAGMENT,
                    wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering),
                ),
            ],
        );
        let screen = buffer(
            device,
            wgpu::BufferUsages::UNIFORM,
            size_of::<Screen>() as u64,
        );
        let screen_bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("squidview interface"),
            layout: &screen_layout,
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: screen.as_entire_binding(),
            }],
        });
        Self {
            pipeline: pipeline(device, target, &[&screen_layout, &texture_layout]),
            screen,
            screen_bindings,
            texture_layout,
            sampler: device.create_sampler(&wgpu::SamplerDescriptor {
                label: Some("squidview interface"),
                mag_filter: wgpu::FilterMode::Linear,
                min_filter: wgpu::FilterMode::Linear,
                ..wgpu::SamplerDescriptor::default()
            }),
            textures: HashMap::new(),
            free: Vec::new(),
            vertices: buffer(device, wgpu::BufferUsages::VERTEX, 1 << 16),
            indices: buffer(device, wgpu::BufferUsages::INDEX, 1 << 16),
            uploaded: Weak::new(),
        }
    }

    /// Makes, changes and drops textures as egui says.
    pub(super) fn update_textures(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        mut delta: TexturesDelta,
    ) {
        if delta.is_empty() {
            return;
        }
        for id in self.free.drain(..) {
            self.textures.remove(&id);
        }
        self.free.extend(delta.free.drain());
        for (id, changes) in delta.set.drain() {
            for change in changes {
                self.update_texture(device, queue, id, &change);
            }
        }
    }

    fn update_texture(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        id: TextureId,
        delta: &ImageDelta,
    ) {
        let ImageData::Color(image) = &delta.image;
        let size = wgpu::Extent3d {
            width: image.width() as u32,
            height: image.height() as u32,
            depth_or_array_layers: 1,
        };
        if delta.pos.is_none() {
            let texture = self.texture(device, size);
            self.textures.insert(id, texture);
        }
        let Some(Texture { texture, .. }) = self.textures.get(&id) else {
            tracing::error!("a texture of the interface changes that was never made: {id:?}");
            return;
        };
        let [x, y] = delta.pos.unwrap_or_default();
        queue.write_texture(
            wgpu::TexelCopyTextureInfo {
                texture,
                mip_level: 0,
                origin: wgpu::Origin3d {
                    x: x as u32,
                    y: y as u32,
                    z: 0,
                },
                aspect: wgpu::TextureAspect::All,
            },
            bytemuck::cast_slice(&image.pixels),
            wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(4 * size.width),
                rows_per_image: None,
            },
            size,
        );
    }

    fn texture(&self, device: &wgpu::Device, size: wgpu::Extent3d) -> Texture {
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("squidview interface"),
            size,
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            // Gamma-encoded: egui multiplies and blends so.
            format: wgpu::TextureFormat::Rgba8Unorm,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        });
        let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
        let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("squidview interface"),
            layout: &self.texture_layout,
            entries: &[
                wgpu::BindGroupEntry {
                    binding: 0,
                    resource: wgpu::BindingResource::TextureView(&view),
                },
                wgpu::BindGroupEntry {
                    binding: 1,
                    resource: wgpu::BindingResource::Sampler(&self.sampler),
                },
            ],
        });
        Texture { texture, bindings }
    }

    /// Uploads the triangles of a frame, once for all of its runs.
    pub(super) fn upload(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &ScreenDescriptor,
        frame: &Arc<Frame>,
    ) {
        if self.uploaded.as_ptr() == Arc::as_ptr(frame) {
            return;
        }
        self.uploaded = Arc::downgrade(frame);
        let size_pt = screen
            .size_in_pixels
            .map(|px| px as f32 / screen.pixels_per_point);
        let padding = [0.0; 2];
        let numbers = Screen { size_pt, padding };
        queue.write_buffer(&self.screen, 0, bytemuck::bytes_of(&numbers));
        let vertices: &[u8] = bytemuck::cast_slice(&frame.vertices);
        write(device, queue, &mut self.vertices, vertices);
        let indices: &[u8] = bytemuck::cast_slice(&frame.indices);
        write(device, queue, &mut self.indices, indices);
    }

    /// Draws some of the uploaded triangles.
    pub(super) fn paint(
        &self,
        pass: &mut wgpu::RenderPass<'_>,
        info: &PaintCallbackInfo,
        draws: &[Draw],
    ) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.screen_bindings, &[]);
        pass.set_vertex_buffer(0, self.vertices.slice(..));
        pass.set_index_buffer(self.indices.slice(..), wgpu::IndexFormat::Uint32);
        for draw in draws {
            let clipped = pixels_of(draw.clip_rect, info.pixels_per_point, info.screen_size_px);
            let (Some([x, y, width, height]), Some(texture)) =
                (clipped, self.textures.get(&draw.texture))
            else {
                continue;
            };
            pass.set_scissor_rect(x, y, width, height);
            pass.set_bind_group(1, &texture.bindings, &[]);
            pass.draw_indexed(draw.indices.clone(), draw.base_vertex, 0..1);
        }
    }
}

/// Left, top, width and height of a rectangle on the screen, in physical pixels; `None` where nothing of it is.
pub(super) fn pixels_of(
    rect: Rect,
    pixels_per_point: f32,
    [width_px, height_px]: [u32; 2],
) -> Option<[u32; 4]> {
    // Saturates: a clip rectangle may be endless.
    let px = |at: f32, end: u32| ((at * pixels_per_point).round() as u32).min(end);
    let [left, right] = [rect.min.x, rect.max.x].map(|x| px(x, width_px));
    let [top, bottom] = [rect.min.y, rect.max.y].map(|y| px(y, height_px));
    let is_positive = right > left && bottom > top;
    is_positive.then(|| [left, top, right - left, bottom - top])
}

/// Writes into a buffer, in place of a larger one where it is too small.
fn write(device: &wgpu::Device, queue: &wgpu::Queue, into: &mut wgpu::Buffer, bytes: &[u8]) {
    let needed = bytes.len() as u64;
    if needed > into.size() {
        let usage = into.usage() - wgpu::BufferUsages::COPY_DST;
        *into = buffer(device, usage, needed.next_power_of_two());
    }
    queue.write_buffer(into, 0, bytes);
}

fn buffer(device: &wgpu::Device, usage: wgpu::BufferUsages, size: u64) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("squidview interface"),
        size,
        usage: usage | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

fn layout(
    device: &wgpu::Device,
    bindings: &[(wgpu::ShaderStages, wgpu::BindingType)],
) -> wgpu::BindGroupLayout {
    let entries = bindings.iter().zip(0..);
    let entries: Vec<_> = entries
        .map(|(&(visibility, ty), binding)| wgpu::BindGroupLayoutEntry {
            binding,
            visibility,
            ty,
            count: None,
        })
        .collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("squidview interface"),
        entries: &entries,
    })
}

fn pipeline(
    device: &wgpu::Device,
    target: wgpu::TextureFormat,
    layouts: &[&wgpu::BindGroupLayout],
) -> wgpu::RenderPipeline {
    let module = device.create_shader_module(wgpu::include_wgsl!("shader.wgsl"));
    let layouts: Vec<_> = layouts.iter().map(|layout| Some(*layout)).collect();
    let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some("squidview interface"),
        bind_group_layouts: &layouts,
        immediate_size: 0,
    });
    let entry = if target.is_srgb() {
        "to_linear"
    } else {
        "to_gamma"
    };
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some("squidview interface"),
        layout: Some(&pipeline_layout),
        vertex: wgpu::VertexState {
            module: &module,
            entry_point: Some("vertex"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            buffers: &[Some(wgpu::VertexBufferLayout {
                array_stride: size_of::<Vertex>() as u64,
                step_mode: wgpu::VertexStepMode::Vertex,
                // Position, place in the texture, colour.
                attributes: &wgpu::vertex_attr_array![0 => Float32x2, 1 => Float32x2, 2 => Unorm8x4],
            })],
        },
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module: &module,
            entry_point: Some(entry),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            targets: &[Some(wgpu::ColorTargetState {
                format: target,
                blend: Some(wgpu::BlendState {
                    color: wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING.color,
                    alpha: wgpu::BlendComponent {
                        src_factor: wgpu::BlendFactor::OneMinusDstAlpha,
                        dst_factor: wgpu::BlendFactor::One,
                        operation: wgpu::BlendOperation::Add,
                    },
                }),
                write_mask: wgpu::ColorWrites::ALL,
            })],
        }),
        multiview_mask: None,
        cache: None,
    })
}
