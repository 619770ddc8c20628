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

    /// The map from the world of an image onto a canvas, with the camera [`Self::within`] its bounds.
    ///
    /// The origin is put on a whole physical pixel, so that at whole magnifications every texel is equally wide.
    #[must_use]
    pub fn projection(&self, image: &Image, canvas: CanvasSize) -> Projection {
        let exact = self.exact(image, canvas);
        let (x, y) = exact.origin_px;
        Projection {
            origin_px: (x.round(), y.round()),
            ..exact
        }
    }

    /// The projection before its origin is rounded. Movements start from this one: each would otherwise lose its part
    /// of a pixel, and slow ones would never add up.
    fn exact(&self, image: &Image, canvas: CanvasSize) -> Projection {
        let bounds = bounds_of(image);
        let camera = self.within(image, canvas);
        let (px_per_um, center) = match camera.zoom {
            Zoom::Fit => (fit_px_per_um(&bounds, canvas), bounds.center()),
            Zoom::Fixed(px_per_um) => (px_per_um, camera.center),
        };
        let origin = |half: f64, center: f64| half - center * px_per_um;
        let (half_width, half_height) = middle_of(canvas);
        Projection {
            px_per_um,
            origin_px: (origin(half_width, center.x), origin(half_height, center.y)),
        }
    }

    /// One level-0 texel on one physical pixel; the world point in the middle stays.
    #[must_use]
    pub fn one_to_one(&self, image: &Image, canvas: CanvasSize) -> Self {
        let (x_px, y_px) = middle_of(canvas);
        let center = self.exact(image, canvas).um_from_px(x_px, y_px);
        self.moved_to(center, 1.0 / pixel_um(image).x, image, canvas)
    }

    /// Moves the picture by physical pixels. Numbers that are none move nothing.
    #[must_use]
    pub fn panned(&self, dx_px: f64, dy_px: f64, image: &Image, canvas: CanvasSize) -> Self {
        let now = self.exact(image, canvas);
        let (x_px, y_px) = middle_of(canvas);
        let center = now.um_from_px(x_px - dx_px, y_px - dy_px);
        self.moved_to(center, now.px_per_um, image, canvas)
    }

    /// Magnifies by `factor`; the world point under (x, y) stays. Factors that are not above 0 and finite, and places
    /// that are none, change nothing.
    #[must_use]
    pub fn zoomed(
        &self,
        factor: f64,
        x_px: f64,
        y_px: f64,
        image: &Image,
        canvas: CanvasSize,
    ) -> Self {
        if !(factor.is_finite() && factor > 0.0) {
            return *self;
        }
        let now = self.exact(image, canvas);
        let (low, high) = zoom_bounds(image, canvas);
        let px_per_um = (now.px_per_um * factor).clamp(low, high);
        let fixed = now.um_from_px(x_px, y_px);
        let (half_width, half_height) = middle_of(canvas);
        let center = PointUm {
            x: fixed.x + (half_width - x_px) / px_per_um,
            y: fixed.y + (half_height - y_px) / px_per_um,
        };
        self.moved_to(center, px_per_um, image, canvas)
    }

    /// Shows a part of the canvas as large as fits. A part without an extent changes nothing.
    #[must_use]
    pub fn on_part(&self, part: RectPx, image: &Image, canvas: CanvasSize) -> Self {
        let now = self.exact(image, canvas);
        let wanted = RectUm {
            min: now.um_from_px(part.x0.min(part.x1), part.y0.min(part.y1)),
            max: now.um_from_px(part.x0.max(part.x1), part.y0.max(part.y1)),
        };
        let px_per_um = fitting_px_per_um(&wanted, canvas);
        self.moved_to(wanted.center(), px_per_um, image, canvas)
    }

    /// A camera there, inside its bounds; the same camera where one of the numbers is none.
    fn moved_to(&self, center: PointUm, px_per_um: f64, image: &Image, canvas: CanvasSize) -> Self {
        if !(center.x.is_finite() && center.y.is_finite() && px_per_um.is_finite()) {
            return *self;
        }
        Self {
            center,
            zoom: Zoom::Fixed(px_per_um),
        }
        .within(image, canvas)
    }

    /// The same camera with magnification and centre inside their bounds on that image: a camera that looked at the
    /// corner of a larger one does not lose it.
    #[must_use]
    pub fn within(self, image: &Image, canvas: CanvasSize) -> Self {
        let Zoom::Fixed(px_per_um) = self.zoom else {
            return self;
        };
        let bounds = bounds_of(image);
        let (low, high) = zoom_bounds(image, canvas);
        let px_per_um = px_per_um.clamp(low, high);
        let clamp = |center: f64, min: f64, max: f64, half: f64| {
            let reach = (half - MIN_ON_CANVAS_PX).max(0.0) / px_per_um;
            center.clamp(min - reach, max + reach)
        };
        let (half_width, half_height) = middle_of(canvas);
        let center = PointUm {
            x: clamp(self.center.x, bounds.min.x, bounds.max.x, half_width),
            y: clamp(self.center.y, bounds.min.y, bounds.max.y, half_height),
        };
        Self {
            center,
            zoom: Zoom::Fixed(px_per_um),
        }
    }
}

/// The world of a single FOV.
fn bounds_of(image: &Image) -> RectUm {
    Scene::single(FovId(0), image).bounds()
}

/// The middle of a canvas in physical pixels.
fn middle_of(canvas: CanvasSize) -> (f64, f64) {
    (
        f64::from(canvas.width_px) / 2.0,
        f64::from(canvas.height_px) / 2.0,
    )
}

/// The magnification at which a rectangle just fits; infinite where it has no extent.
fn fitting_px_per_um(rect: &RectUm, canvas: CanvasSize) -> f64 {
    let x = f64::from(canvas.width_px.max(1)) / rect.width();
    let y = f64::from(canvas.height_px.max(1)) / rect.height();
    x.min(y)
}

/// The magnification at which the whole scene just fits; 1 where it has no extent.
fn fit_px_per_um(bounds: &RectUm, canvas: CanvasSize) -> f64 {
    let fitted = fitting_px_per_um(bounds, canvas);
    if fitted.is_finite() && fitted > 0.0 {
        fitted
    } else {
        1.0
    }
}

/// Smallest and largest magnification; both hold the fitted one and one texel per pixel.
fn zoom_bounds(image: &Image, canvas: CanvasSize) -> (f64, f64) {
    let fit = fit_px_per_um(&bounds_of(image), canvas);
    let one_to_one = 1.0 / pixel_um(image).x;
    (
        (fit * MIN_OF_FIT).min(one_to_one),
        (MAX_PX_PER_TEXEL * one_to_one).max(fit),
    )
}
