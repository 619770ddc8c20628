//! Draws the triangles of the interface in place of `egui_wgpu`.
//!
//! Its shader decides for every pixel whether it dithers and how it filters. A CPU driver computes all sides of that,
//! 192 integer divisions for eight pixels, and the panels cost as much as the picture: this one takes 4 ms off a frame of
//! 21 (lavapipe, two cores). Once `egui_wgpu` decides when it compiles, this folder can go.
//!
//! [`install`] registers a plugin that takes shapes and textures out of what egui hands to its backend. Each run of
//! shapes between two canvases comes back as one callback that draws it.

mod frame;
mod painter;
#[cfg(test)]
mod tests;

use std::{ops::Range, sync::Arc};

use eframe::{
    egui::{
        self,
        epaint::{ClippedShape, Primitive},
    },
    egui_wgpu::{self, RenderState},
    wgpu,
};
use parking_lot::Mutex;

use frame::Frame;
use painter::Painter;

/// Draws the interface of `ctx` from the next frame on; to be called once, when the window is made.
pub(crate) fn install(ctx: &egui::Context, render_state: &RenderState) {
    let painter = Painter::new(&render_state.device, render_state.target_format);
    let resources = &mut render_state.renderer.write().callback_resources;
    resources.insert(painter);
    ctx.add_plugin(Takeover::default());
}

/// Textures that egui made or changed and that are not on the GPU yet.
#[derive(Default)]
struct Pending(Mutex<egui::TexturesDelta>);

impl Drop for Pending {
    fn drop(&mut self) {
        // egui insists that this is meant.
        self.0.get_mut().clear();
    }
}

/// Takes over what egui hands to its backend.
#[derive(Default)]
struct Takeover {
    pending: Arc<Pending>,
}

impl egui::Plugin for Takeover {
    fn debug_name(&self) -> &'static str {
        "mesh_painter"
    }

    fn output_hook(&mut self, ctx: &egui::Context, output: &mut egui::FullOutput) {
        let textures = std::mem::take(&mut output.textures_delta);
        self.pending.0.lock().append(textures);
        let shapes = std::mem::take(&mut output.shapes);
        let primitives = ctx.tessellate(shapes, output.pixels_per_point);
        let mut frame = Frame::default();
        let (mut runs, mut begin) = (Vec::new(), 0);
        for primitive in primitives {
            match primitive.primitive {
                Primitive::Mesh(mesh) => frame.push(primitive.clip_rect, &mesh),
                Primitive::Callback(callback) => {
                    let end = frame.draws.len();
                    runs.push((begin..end, Some((primitive.clip_rect, callback))));
                    begin = end;
                }
            }
        }
        runs.push((begin..frame.draws.len(), None));
        let frame = Arc::new(frame);
        for (draws, callback) in runs {
            if !draws.is_empty() {
                let run = Run {
                    frame: Arc::clone(&frame),
                    draws,
                    pending: Arc::clone(&self.pending),
                };
                // Wherever the window ends: each draw is clipped by itself.
                let everywhere = egui::Rect::EVERYTHING;
                let shape = egui_wgpu::Callback::new_paint_callback(everywhere, run);
                output.shapes.push(ClippedShape::new(everywhere, shape));
            }
            let callback = callback.map(|(clip_rect, it)| ClippedShape::new(clip_rect, it));
            output.shapes.extend(callback);
        }
    }
}

/// Draws of a frame with nothing of others between them.
struct Run {
    frame: Arc<Frame>,
    draws: Range<usize>,
    pending: Arc<Pending>,
}

impl egui_wgpu::CallbackTrait for Run {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &egui_wgpu::ScreenDescriptor,
        _encoder: &mut wgpu::CommandEncoder,
        resources: &mut egui_wgpu::CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        if let Some(painter) = resources.get_mut::<Painter>() {
            let textures = std::mem::take(&mut *self.pending.0.lock());
            painter.update_textures(device, queue, textures);
            painter.upload(device, queue, screen, &self.frame);
        }
        Vec::new()
    }

    fn paint(
        &self,
        info: egui::PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        resources: &egui_wgpu::CallbackResources,
    ) {
        if let Some(painter) = resources.get::<Painter>() {
            let draws = &self.frame.draws[self.draws.clone()];
            painter.paint(pass, &info, draws);
        }
    }
}
