//! Position on each axis.

use crate::model::FovId;

/// Where on the axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// Timepoint index.
    pub t: u32,
    /// The FOV, by id: growth never moves it.
    pub fov: FovId,
    /// z-slice index.
    pub z: u32,
    /// Position along all other axes, flattened.
    pub extra: u32,
}
