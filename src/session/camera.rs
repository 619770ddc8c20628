//! Where the canvas looks: the world point in its middle, and the magnification.
//!
//! Maps are named target first, source second. All of them are pure; a property test holds the round trip.

use super::scene::pixel_um;
use crate::{
    dataset::Image,
    model::{CanvasSize, FovId, PointUm, RectPx, RectUm},
};

use super::Scene;

/// Largest magnification: physical pixels per level-0 texel.
const MAX_PX_PER_TEXEL: f64 = 64.0;
/// Smallest magnification, as a fraction of the fitted one.
const MIN_OF_FIT: f64 = 1.0 / 64.0;
/// Part of the canvas that the scene always covers, so that it cannot be lost.
const MIN_ON_CANVAS_PX: f64 = 32.0;

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

/// A camera on a canvas: the map between world and physical pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Projection {
    /// Physical pixels per µm.
    pub px_per_um: f64,
    /// Where the scene's origin lies on the canvas, in physical pixels.
    pub origin_px: (f64, f64),
}

impl Projection {
    /// Physical pixels of a world point.
    #[must_use]
    pub fn px_from_um(&self, point: PointUm) -> (f64, f64) {
        (
            self.origin_px.0 + point.x * self.px_per_um,
            self.origin_px.1 + point.y * self.px_per_um,
        )
    }

    /// World point under a physical pixel position.
    #[must_use]
    pub fn um_from_px(&self, x_px: f64, y_px: f64) -> PointUm {
        PointUm {
            x: (x_px - self.origin_px.0) / self.px_per_um,
            y: (y_px - self.origin_px.1) / self.px_per_um,
        }
    }

    /// Where a world rectangle lies on the canvas.
    #[must_use]
    pub fn rect_px(&self, rect: &RectUm) -> RectPx {
        let (x0, y0) = self.px_from_um(rect.min);
        let (x1, y1) = self.px_from_um(rect.max);
        RectPx { x0, y0, x1, y1 }
    }
}

impl Camera {
    /// The whole scene.
    pub const FIT: Self = Self {
        center: PointUm { x: 0.0, y: 0.0 },
        zoom: Zoom::Fit,
    };

    /// The map from the world onto a canvas.
    ///
    /// The origin is put on a whole physical pixel, so that at whole magnifications every texel is equally wide.
    #[must_use]
    pub fn projection(&self, bounds: &RectUm, canvas: CanvasSize) -> Projection {
        let (px_per_um, center) = match self.zoom {
            Zoom::Fit => (fit_px_per_um(bounds, canvas), bounds.center()),
            Zoom::Fixed(px_per_um) => (px_per_um, self.center),
        };
        let origin = |size: u32, center: f64| (f64::from(size) / 2.0 - center * px_per_um).round();
        Projection {
            px_per_um,
            origin_px: (
                origin(canvas.width_px, center.x),
                origin(canvas.height_px, center.y),
            ),
        }
    }

    /// One level-0 texel on one physical pixel; the world point in the middle stays.
    #[must_use]
    pub fn one_to_one(&self, image: &Image, canvas: CanvasSize) -> Self {
        let bounds = Scene::single(FovId(0), image).bounds();
        let center = self.middle(&bounds, canvas);
        Self {
            center,
            zoom: Zoom::Fixed(1.0 / pixel_um(image).x),
        }
        .within(image, canvas)
    }

    /// Moves the picture by physical pixels.
    #[must_use]
    pub fn panned(&self, dx_px: f64, dy_px: f64, image: &Image, canvas: CanvasSize) -> Self {
        let bounds = Scene::single(FovId(0), image).bounds();
        let projection = self.projection(&bounds, canvas);
        let (half_width, half_height) = (
            f64::from(canvas.width_px) / 2.0,
            f64::from(canvas.height_px) / 2.0,
        );
        let center = projection.um_from_px(half_width - dx_px, half_height - dy_px);
        Self {
            center,
            zoom: Zoom::Fixed(projection.px_per_um),
        }
        .within(image, canvas)
    }

    /// Magnifies by `factor`; the world point under (x, y) stays.
    #[must_use]
    pub fn zoomed(
        &self,
        factor: f64,
        x_px: f64,
        y_px: f64,
        image: &Image,
        canvas: CanvasSize,
    ) -> Self {
        let bounds = Scene::single(FovId(0), image).bounds();
        let projection = self.projection(&bounds, canvas);
        let (low, high) = zoom_bounds(image, &bounds, canvas);
        let px_per_um = (projection.px_per_um * factor).clamp(low, high);
        let fixed = projection.um_from_px(x_px, y_px);
        let (half_width, half_height) = (
            f64::from(canvas.width_px) / 2.0,
            f64::from(canvas.height_px) / 2.0,
        );
        let center = PointUm {
            x: fixed.x + (half_width - x_px) / px_per_um,
            y: fixed.y + (half_height - y_px) / px_per_um,
        };
        Self {
            center,
            zoom: Zoom::Fixed(px_per_um),
        }
        .within(image, canvas)
    }

    /// Shows a part of the canvas as large as fits.
    #[must_use]
    pub fn on_part(&self, part: RectPx, image: &Image, canvas: CanvasSize) -> Self {
        let bounds = Scene::single(FovId(0), image).bounds();
        let projection = self.projection(&bounds, canvas);
        let min = projection.um_from_px(part.x0.min(part.x1), part.y0.min(part.y1));
        let max = projection.um_from_px(part.x0.max(part.x1), part.y0.max(part.y1));
        let wanted = RectUm { min, max };
        Self {
            center: wanted.center(),
            zoom: Zoom::Fixed(fit_px_per_um(&wanted, canvas)),
        }
        .within(image, canvas)
    }

    /// The world point in the middle of the canvas.
    fn middle(&self, bounds: &RectUm, canvas: CanvasSize) -> PointUm {
        let projection = self.projection(bounds, canvas);
        projection.um_from_px(
            f64::from(canvas.width_px) / 2.0,
            f64::from(canvas.height_px) / 2.0,
        )
    }

    /// The same camera with magnification and centre inside their bounds.
    #[must_use]
    pub fn within(self, image: &Image, canvas: CanvasSize) -> Self {
        let Zoom::Fixed(px_per_um) = self.zoom else {
            return self;
        };
        let bounds = Scene::single(FovId(0), image).bounds();
        let (low, high) = zoom_bounds(image, &bounds, canvas);
        let px_per_um = if px_per_um.is_finite() {
            px_per_um.clamp(low, high)
        } else {
            low
        };
        let clamp = |center: f64, min: f64, max: f64, size: u32| {
            let reach = ((f64::from(size) / 2.0 - MIN_ON_CANVAS_PX).max(0.0)) / px_per_um;
            if center.is_finite() {
                center.clamp(min - reach, max + reach)
            } else {
                f64::midpoint(min, max)
            }
        };
        let center = PointUm {
            x: clamp(self.center.x, bounds.min.x, bounds.max.x, canvas.width_px),
            y: clamp(self.center.y, bounds.min.y, bounds.max.y, canvas.height_px),
        };
        Self {
            center,
            zoom: Zoom::Fixed(px_per_um),
        }
    }
}

/// The magnification at which a rectangle just fits.
fn fit_px_per_um(rect: &RectUm, canvas: CanvasSize) -> f64 {
    let x = f64::from(canvas.width_px.max(1)) / rect.width();
    let y = f64::from(canvas.height_px.max(1)) / rect.height();
    let fitted = x.min(y);
    if fitted.is_finite() && fitted > 0.0 {
        fitted
    } else {
        1.0
    }
}

/// Smallest and largest magnification; both hold the fitted one.
fn zoom_bounds(image: &Image, bounds: &RectUm, canvas: CanvasSize) -> (f64, f64) {
    let fit = fit_px_per_um(bounds, canvas);
    (
        fit * MIN_OF_FIT,
        (MAX_PX_PER_TEXEL / pixel_um(image).x).max(fit),
    )
}
