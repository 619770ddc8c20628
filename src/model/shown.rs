//! What is on the screen: published after each frame, so that scripts are answered from it.

use std::time::Instant;

use super::{DatasetId, FovId, PlaneState, TileId};

/// One channel on the screen.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownChannel {
    /// Channel index.
    pub c: u16,
    /// The first tile that was drawn.
    pub tile: TileId,
    /// The revision of its plane at the time of reading.
    pub revision: u64,
    /// What the disk says of its plane.
    pub state: PlaneState,
}

/// What the last presented frame showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The dataset.
    pub dataset: DatasetId,
    /// The FOV.
    pub fov: FovId,
    /// Timepoint index.
    pub t: u32,
    /// z-slice index; the current one also where the maximum is shown.
    pub z: u32,
    /// Every visible channel.
    pub channels: Vec<ShownChannel>,
    /// When the frame was handed to the screen.
    pub presented: Instant,
}
