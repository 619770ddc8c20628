//! What is drawn now: a `Visible` with the pixels that are at hand, shared by the GPU and the CPU composite.

use std::sync::Arc;

use crate::model::{CanvasSize, ChannelLook, Pixels, PlaneState, RectPx, TileId, Visible};

/// Why a tile is hatched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hatch {
    /// Planned, not on disk yet.
    Planned,
    /// Should be there and is not, or cannot be read.
    Failed,
}

/// The samples of one channel at one place.
#[derive(Clone, Debug)]
pub struct DrawnTile {
    /// Index into [`DrawList::looks`].
    pub look: usize,
    /// Which tile: the key of its texture, with the revision.
    pub tile: TileId,
    /// The revision of its plane.
    pub revision: u64,
    /// Its samples.
    pub pixels: Arc<Pixels>,
}

/// One rectangle of the canvas: channels blended, hatched where some have no pixels.
#[derive(Clone, Debug)]
pub struct DrawItem {
    /// Where; may reach outside of the canvas.
    pub rect: RectPx,
    /// Channels with pixels.
    pub tiles: Vec<DrawnTile>,
    /// Hatched over (with pixels) or instead (without).
    pub hatch: Option<Hatch>,
}

/// What is drawn now.
#[derive(Clone, Debug, Default)]
pub struct DrawList {
    /// The canvas.
    pub canvas: CanvasSize,
    /// Visible channels.
    pub looks: Vec<ChannelLook>,
    /// In painter's order.
    pub items: Vec<DrawItem>,
    /// Mark samples at or beyond the limits.
    pub mark_clipped: bool,
}

/// What is at hand of one tile.
pub enum AtHand {
    /// Its pixels, of that revision.
    Pixels(Arc<Pixels>, u64),
    /// None, and the disk says why.
    Without(PlaneState),
}

/// Joins a `Visible` with what is at hand; items whose tiles are all still to come are left out.
#[must_use]
pub fn draw_list(visible: &Visible, at_hand: &mut dyn FnMut(TileId) -> AtHand) -> DrawList {
    let _ = at_hand;
    unimplemented!("{visible:?}")
}
