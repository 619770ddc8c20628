//! What is drawn now: a `Visible` with the pixels that are at hand, shared by the GPU and the CPU composite.

use std::sync::Arc;

use crate::model::{
    CanvasSize, ChannelLook, DatasetId, Gap, LabelLook, Pixels, PlacedLabel, PlacedTile,
    PlaneState, RectPx, TileId, Visible,
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

/// A tile of a label image, over the picture.
#[derive(Clone, Debug)]
pub struct DrawnLabel {
    /// Where; may reach outside of the canvas.
    pub rect: RectPx,
    /// Which tile: the key of its texture, with the revision.
    pub tile: TileId,
    /// The revision of its plane.
    pub revision: u64,
    /// Its labels: whole numbers.
    pub pixels: Arc<Pixels>,
    /// How they are drawn.
    pub look: LabelLook,
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
    /// Over all items, in painter's order.
    pub labels: Vec<DrawnLabel>,
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
    let placed = visible.placed.iter();
    let items = placed.flat_map(|placed| items_of(placed, &visible.looks, at_hand));
    let items = items.collect();
    let label = |placed: &PlacedLabel| match at_hand(placed.tile) {
        AtHand::Pixels {
            tile,
            revision,
            pixels,
        } if !pixels.sample_type().is_float() => Some(DrawnLabel {
            rect: placed.rect,
            tile,
            revision,
            pixels,
            look: placed.look.clone(),
        }),
        AtHand::Pixels { .. } | AtHand::Without(_) => None,
    };
    let labels = visible.labels.iter().filter_map(label).collect();
    DrawList {
        dataset: visible.dataset,
        canvas: visible.canvas,
        items,
        labels,
        looks: visible.looks.clone(),
        mark_clipped: visible.mark_clipped,
    }
}

/// The item of a place with what is at hand of it, and its gaps; nothing where nothing is known.
pub fn items_of(
    placed: &PlacedTile,
    looks: &[ChannelLook],
    at_hand: &mut dyn FnMut(TileId) -> AtHand,
) -> impl Iterator<Item = DrawItem> + use<> {
    let mut item = DrawItem {
        rect: placed.rect,
        tiles: Vec::new(),
        hatch: None,
    };
    for &tile in &placed.tiles {
        let Some(look) = looks.iter().position(|look| look.c == tile.plane.c) else {
            continue;
        };
        match at_hand(tile) {
            AtHand::Pixels {
                tile,
                revision,
                pixels,
            } if looks[look].limits.is_some() => {
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
    let gaps = gaps(&item);
    let is_drawn = item.hatch.is_some() || !item.tiles.is_empty();
    is_drawn.then_some(item).into_iter().chain(gaps)
}

/// Parts of an item of which no channel has anything: hatched instead of the fill value that stands for them.
fn gaps(item: &DrawItem) -> Vec<DrawItem> {
    let mut common: Option<Vec<Part>> = None;
    for drawn in &item.tiles {
        let own = parts(&drawn.pixels);
        common = Some(match common {
            None => own,
            Some(common) => shared(&common, &own),
        });
    }
    let hatched = |[x0, y0, x1, y1]: Part| {
        let rect = &item.rect;
        let (width, height) = (rect.x1 - rect.x0, rect.y1 - rect.y0);
        DrawItem {
            rect: RectPx {
                x0: rect.x0 + x0 * width,
                y0: rect.y0 + y0 * height,
                x1: rect.x0 + x1 * width,
                y1: rect.y0 + y1 * height,
            },
            tiles: Vec::new(),
            hatch: Some(Hatch::Planned),
        }
    };
    let common = common.unwrap_or_default();
    common.into_iter().map(hatched).collect()
}

/// Left, top, right and bottom of a part of a tile, 0 to 1: the same at every level.
type Part = [f64; 4];

fn parts(pixels: &Pixels) -> Vec<Part> {
    let (width, height) = (f64::from(pixels.width()), f64::from(pixels.height()));
    let part = |gap: &Gap| {
        [
            f64::from(gap.x) / width,
            f64::from(gap.y) / height,
            f64::from(gap.x + gap.width) / width,
            f64::from(gap.y + gap.height) / height,
        ]
    };
    pixels.gaps().iter().map(part).collect()
}

/// What two channels both lack.
fn shared(a: &[Part], b: &[Part]) -> Vec<Part> {
    let pairs = a.iter().flat_map(|a| b.iter().map(move |b| (a, b)));
    let both = pairs.map(|(a, b)| {
        [
            a[0].max(b[0]),
            a[1].max(b[1]),
            a[2].min(b[2]),
            a[3].min(b[3]),
        ]
    });
    both.filter(|[x0, y0, x1, y1]| x0 < x1 && y0 < y1).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MemoryOrder, Samples};

    fn with_gaps(width: u32, gaps: &[[u32; 4]]) -> Pixels {
        let samples = Samples::U8(vec![0; (width * width) as usize]);
        let gap = |&[x, y, width, height]: &[u32; 4]| Gap {
            x,
            y,
            width,
            height,
        };
        Pixels::new(width, width, MemoryOrder::RowMajor, samples)
            .expect("fits")
            .with_gaps(gaps.iter().map(gap).collect())
    }

    #[test]
    fn only_what_all_channels_lack_is_hatched_instead() {
        let one = parts(&with_gaps(8, &[[0, 0, 4, 8], [6, 0, 2, 2]]));
        // The same place at half the size.
        let other = parts(&with_gaps(4, &[[1, 0, 2, 2]]));
        assert_eq!(shared(&one, &other), [[0.25, 0.0, 0.5, 0.5]]);
        assert!(shared(&one, &parts(&with_gaps(4, &[]))).is_empty());
    }
}
