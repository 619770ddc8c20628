//! The triangles of one frame, in one list.

use std::ops::Range;

use eframe::egui::{
    Rect, TextureId,
    epaint::{Mesh, Vertex},
};

/// All triangles of a frame, and in which order they are drawn.
#[derive(Default)]
pub(super) struct Frame {
    pub(super) vertices: Vec<Vertex>,
    pub(super) indices: Vec<u32>,
    pub(super) draws: Vec<Draw>,
}

/// Triangles with one texture and one clip rectangle.
pub(super) struct Draw {
    /// In points.
    pub(super) clip_rect: Rect,
    pub(super) texture: TextureId,
    pub(super) indices: Range<u32>,
    /// What its indices count from.
    pub(super) base_vertex: i32,
}

impl Frame {
    /// Adds a mesh. One that would not fit the numbers of a draw call is left out: it would be of gigabytes.
    pub(super) fn push(&mut self, clip_rect: Rect, mesh: &Mesh) {
        let begin = self.indices.len();
        let numbers = (
            u32::try_from(begin),
            u32::try_from(begin + mesh.indices.len()),
            i32::try_from(self.vertices.len()),
        );
        let (Ok(begin), Ok(end), Ok(base_vertex)) = numbers else {
            tracing::error!("the interface has too many triangles, some are not drawn");
            return;
        };
        self.vertices.extend_from_slice(&mesh.vertices);
        self.indices.extend_from_slice(&mesh.indices);
        self.draws.push(Draw {
            clip_rect,
            texture: mesh.texture_id,
            indices: begin..end,
            base_vertex,
        });
    }
}
