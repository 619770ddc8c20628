//! Tiles on the GPU: textures, pipeline and WGSL; and `composite.rs`, the same blend on the CPU.
//!
//! Receives tiles and numbers, never a session.

mod composite;
mod draw_list;
mod label_composite;
mod labels;
mod look;
mod painter;
mod pipelines;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod textures;
mod uniforms;

pub use composite::composite;
pub use draw_list::{
    AtHand, DrawItem, DrawList, DrawnLabel, DrawnTile, Hatch, draw_list, items_of,
};
pub use painter::{Staged, finish_uploads, forget, install, shape, stage, texture_bytes};
