//! What is drawn now: a `Visible` with the pixels that are at hand, shared by the GPU and the CPU composite.

use std::sync::Arc;

use crate::model::{
    CanvasSize, ChannelLook, DatasetId, Pixels, PlaneState, RectPx, TileId, Visible,
};

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
#[derive(Clone, Debug)]
pub struct DrawList {
    /// The dataset that the tiles belong to: part of their textures' keys.
    pub dataset: DatasetId,
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
    /// Pixels of its place.
    Pixels {
        /// Which tile they are: the asked one, or that of another level at the same place.
        tile: TileId,
        /// The revision of its plane.
        revision: u64,
        /// The samples.
        pixels: Arc<Pixels>,
    },
    /// None, and what the disk says.
    Without(PlaneState),
}

/// Joins a `Visible` with what is at hand; items of which nothing is known yet are left out.
#[must_use]
pub fn draw_list(visible: &Visible, at_hand: &mut dyn FnMut(TileId) -> AtHand) -> DrawList {
    let items = visible.placed.iter().filter_map(|placed| {
        let mut item = DrawItem {
            rect: placed.rect,
            tiles: Vec::new(),
            hatch: None,
        };
        for &tile in &placed.tiles {
            let Some(look) = visible.looks.iter().position(|look| look.c == tile.plane.c) else {
                continue;
            };
            match at_hand(tile) {
                AtHand::Pixels {
                    tile,
                    revision,
                    pixels,
                } if visible.looks[look].limits.is_some() => {
                    item.tiles.push(DrawnTile {
                        look,
                        tile,
                        revision,
                        pixels,
                    });
                }
                AtHand::Pixels { .. } => {}
                AtHand::Without(state) => item.hatch = worse(item.hatch, hatch_of(&state)),
            }
        }
        (item.hatch.is_some() || !item.tiles.is_empty()).then_some(item)
    });
    DrawList {
        dataset: visible.dataset,
        canvas: visible.canvas,
        items: items.collect(),
        looks: visible.looks.clone(),
        mark_clipped: visible.mark_clipped,
    }
}

fn hatch_of(state: &PlaneState) -> Option<Hatch> {
    match state {
        PlaneState::Planned | PlaneState::Partial { .. } => Some(Hatch::Planned),
        PlaneState::Missing | PlaneState::Failed(_) => Some(Hatch::Failed),
        PlaneState::Unknown | PlaneState::Written => None,
    }
}

fn worse(a: Option<Hatch>, b: Option<Hatch>) -> Option<Hatch> {
    if a == Some(Hatch::Failed) || b == Some(Hatch::Failed) {
        Some(Hatch::Failed)
    } else {
        a.or(b)
    }
}
