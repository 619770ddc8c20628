//! Spaces: the world in µm, and the canvas in physical pixels.

/// A point of the world: µm, x to the right, y down.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PointUm {
    /// To the right.
    pub x: f64,
    /// Down.
    pub y: f64,
}

/// A rectangle of the world in µm.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RectUm {
    /// Top left corner.
    pub min: PointUm,
    /// Bottom right corner.
    pub max: PointUm,
}

impl RectUm {
    /// A rectangle from its corner and extents in µm.
    #[must_use]
    pub fn from_size(min: PointUm, width: f64, height: f64) -> Self {
        Self {
            min,
            max: PointUm {
                x: min.x + width,
                y: min.y + height,
            },
        }
    }

    /// Extent along x in µm.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.max.x - self.min.x
    }

    /// Extent along y in µm.
    #[must_use]
    pub fn height(&self) -> f64 {
        self.max.y - self.min.y
    }

    /// The point in the middle.
    #[must_use]
    pub fn center(&self) -> PointUm {
        PointUm {
            x: f64::midpoint(self.min.x, self.max.x),
            y: f64::midpoint(self.min.y, self.max.y),
        }
    }

    /// The smallest rectangle that holds both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            min: PointUm {
                x: self.min.x.min(other.min.x),
                y: self.min.y.min(other.min.y),
            },
            max: PointUm {
                x: self.max.x.max(other.max.x),
                y: self.max.y.max(other.max.y),
            },
        }
    }
}

/// A rectangle of the canvas: physical pixels, origin at the canvas' top left, y down. May reach outside of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RectPx {
    /// Left edge.
    pub x0: f64,
    /// Top edge.
    pub y0: f64,
    /// Right edge.
    pub x1: f64,
    /// Bottom edge.
    pub y1: f64,
}

/// The canvas in physical pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CanvasSize {
    /// Columns.
    pub width_px: u32,
    /// Rows.
    pub height_px: u32,
}
