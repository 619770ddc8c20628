//! Where the canvas looks: the world point in its middle, and the magnification.

use crate::model::PointUm;

/// How magnification behaves when the canvas or the picture changes its size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Zoom {
    /// The whole scene fits; follows the size of the canvas.
    Fit,
    /// Physical pixels per µm.
    Fixed(f64),
}

/// Where the canvas looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// World point in the middle of the canvas, relative to the scene's origin. Ignored while fitted.
    pub center: PointUm,
    /// Magnification.
    pub zoom: Zoom,
}
