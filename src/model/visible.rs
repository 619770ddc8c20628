//! What to draw and what to read: the pure result of session, dataset, ledger and canvas size.
//!
//! Loader, canvas and `render` take it as it is. Same input, same value; compare two to see whether anything changed.

use super::{CanvasSize, DatasetId, LabelLook, Lut, RectPx, TileId};

/// The two sample values that are mapped to black and to full colour; `low > high` inverts.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ContrastLimits {
    /// Mapped to black.
    pub low: f64,
    /// Mapped to full colour.
    pub high: f64,
}

impl ContrastLimits {
    /// The narrowest limits around both.
    #[must_use]
    pub fn around(self, other: Self) -> Self {
        Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
        }
    }

    /// The same, beginning at 0 where they began above: hues of colours would change otherwise.
    #[must_use]
    pub fn from_zero(self) -> Self {
        Self {
            low: self.low.min(0.0),
            ..self
        }
    }
}

/// How one channel is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelLook {
    /// Channel index.
    pub c: u16,
    /// `None` until the first plane's statistics are known; nothing of the channel is drawn before.
    pub limits: Option<ContrastLimits>,
    /// Exponent of the normalised value; 1 is linear.
    pub gamma: f32,
    /// From normalised value to colour.
    pub lut: Lut,
    /// The LUT is read from its other end.
    pub inverted: bool,
}

/// A tile's place on the canvas, with one tile per visible channel that its FOV has.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedTile {
    /// Where it lies; may reach outside of the canvas.
    pub rect: RectPx,
    /// At most one per entry of [`Visible::looks`], matched by channel; all of one FOV, position and level.
    pub tiles: Vec<TileId>,
}

/// A tile of a label image, with its place over the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedLabel {
    /// Where it lies; may reach outside of the canvas.
    pub rect: RectPx,
    /// The tile.
    pub tile: TileId,
    /// How it is drawn.
    pub look: LabelLook,
}

/// How urgent a read is. In order of urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// A coarser level of what is on the screen, shown until that is there.
    Coarse,
    /// On the screen.
    Visible,
    /// Likely next.
    Prefetch,
    /// Seen lately.
    Recent,
}

/// A tile that should be in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wish {
    /// The tile.
    pub tile: TileId,
    /// How urgent.
    pub tier: Tier,
}

/// What to draw and what to read.
#[derive(Clone, Debug, PartialEq)]
pub struct Visible {
    /// The dataset that the tiles belong to.
    pub dataset: DatasetId,
    /// The canvas that the places are computed for.
    pub canvas: CanvasSize,
    /// Visible channels in drawing order.
    pub looks: Vec<ChannelLook>,
    /// Tiles inside the canvas, in painter's order.
    pub placed: Vec<PlacedTile>,
    /// Tiles of label images inside the canvas, in painter's order, over everything else.
    pub labels: Vec<PlacedLabel>,
    /// Tiles to read, most urgent first, prefetch included.
    pub wishes: Vec<Wish>,
    /// FOVs that must be opened before their tiles can be placed, most urgent first.
    pub unopened: Vec<super::FovId>,
    /// Tiles of the shown FOV where it is to be opened first, should it be as the template; most urgent first.
    pub likely: Vec<TileId>,
    /// Label images that must be opened before their tiles can be placed.
    pub unopened_labels: Vec<(super::FovId, u16)>,
    /// The position is beyond the sizes of its FOV: "not in this FOV".
    pub outside: bool,
    /// Mark samples at or beyond the limits.
    pub mark_clipped: bool,
}

impl Visible {
    /// Every tile of the picture, those of label images included.
    pub fn tiles(&self) -> impl Iterator<Item = TileId> {
        let placed = self.placed.iter().flat_map(|placed| &placed.tiles);
        let labels = self.labels.iter().map(|placed| &placed.tile);
        placed.chain(labels).copied()
    }
}
