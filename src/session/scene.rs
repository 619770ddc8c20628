//! FOVs placed in world space: one FOV is a scene with one rectangle; a well or a plate is the same with many.

use crate::model::{FovId, RectUm};

/// One FOV in the world.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlacedFov {
    /// The FOV.
    pub fov: FovId,
    /// Where its pixels lie.
    pub rect: RectUm,
}

/// FOVs placed in world space.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// In painter's order.
    pub fovs: Vec<PlacedFov>,
}
