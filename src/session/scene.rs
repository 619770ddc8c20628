//! FOVs placed in world space: one FOV is a scene with one rectangle; a well or a plate is the same with many.

use crate::{
    dataset::Image,
    model::{FovId, PointUm, RectUm, Step},
};

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

impl Scene {
    /// A single FOV with its top left corner at the origin, so that moving between FOVs never moves the picture.
    #[must_use]
    pub fn single(fov: FovId, image: &Image) -> Self {
        let (width, height) = image.plane_size();
        let pixel = pixel_um(image);
        let rect = RectUm::from_size(
            PointUm::default(),
            f64::from(width) * pixel.x,
            f64::from(height) * pixel.y,
        );
        Self {
            fovs: vec![PlacedFov { fov, rect }],
        }
    }

    /// The smallest rectangle that holds every FOV.
    #[must_use]
    pub fn bounds(&self) -> RectUm {
        let rects = self.fovs.iter().map(|placed| placed.rect);
        rects
            .reduce(|all, rect| all.union(&rect))
            .unwrap_or_default()
    }
}

/// Width and height of a level-0 pixel in µm. Where the files give none that can be, a pixel counts as 1 µm; where they
/// give one of them, it counts for both.
#[must_use]
pub fn pixel_um(image: &Image) -> PointUm {
    let possible = |size: Option<f64>| size.filter(|&size| Step::Length.can_be(size));
    let (x, y) = (possible(image.sampling.x_um), possible(image.sampling.y_um));
    PointUm {
        x: x.or(y).unwrap_or(1.0),
        y: y.or(x).unwrap_or(1.0),
    }
}
