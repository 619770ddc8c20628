//! The picture of a view: what of it is at hand, how that is drawn, and what is said to be shown.

use std::{collections::HashMap, sync::Arc, time::Instant};

use super::Viewing;
use crate::{
    cache::{Cache, CacheKey},
    canvas::{AtHand, DrawItem, DrawList, Hatch, draw_list, items_of},
    dataset::ImageSlot,
    model::{CanvasSize, Code, FovId, Pixels, PlaneState, Shown, ShownChannel, TileId, Visible},
    session::{Selection, other_levels, resolve},
};

impl Viewing {
    /// What is drawn now, on a canvas of that size.
    pub(in crate::app) fn draw(&self, canvas: CanvasSize, cache: &Cache) -> DrawList {
        if let Some(previous) = self.previous.as_ref().filter(|list| list.canvas == canvas) {
            return previous.clone();
        }
        let selection = self.shown_selection();
        let visible = resolve(
            &self.session,
            &selection,
            &self.dataset,
            &self.ledger,
            canvas,
        );
        let mut list = draw_list(&visible, &mut |tile| self.at_hand(tile, cache));
        let under = self.other_levels(&selection, &visible, cache);
        list.items.splice(0..0, under);
        if self.session.follow.is_on {
            // The other channels of the newest plane are always about to come: hatching them would blink.
            let is_begun =
                |item: &&mut DrawItem| item.hatch == Some(Hatch::Planned) && !item.tiles.is_empty();
            for item in list.items.iter_mut().filter(is_begun) {
                item.hatch = None;
            }
        }
        list
    }

    /// What is at hand at other levels of the places whose own tiles are not there yet: drawn below them.
    fn other_levels(
        &self,
        selection: &Selection,
        visible: &Visible,
        cache: &Cache,
    ) -> Vec<DrawItem> {
        let is_awaited =
            |tile| self.without_of(tile).is_none() && self.drawable(tile, cache).is_none();
        let mut tiles = visible.placed.iter().flat_map(|placed| &placed.tiles);
        if !tiles.any(|tile| is_awaited(*tile)) {
            return Vec::new();
        }
        let places = other_levels(&self.session, selection, &self.dataset, visible.canvas);
        let mut at_hand = |tile| match self.drawable(tile, cache) {
            Some((revision, pixels)) => AtHand::Pixels {
                tile,
                revision,
                pixels,
            },
            None => AtHand::Without(PlaneState::Unknown),
        };
        let items = places.iter();
        items
            .flat_map(|placed| items_of(placed, &visible.looks, &mut at_hand))
            .collect()
    }

    /// The tile's pixels, else those of the same place at another level, else why there are none.
    fn at_hand(&self, tile: TileId, cache: &Cache) -> AtHand {
        if let Some((revision, pixels)) = self.drawable(tile, cache) {
            return AtHand::Pixels {
                tile,
                revision,
                pixels,
            };
        }
        if let Some(state) = self.without_of(tile) {
            return AtHand::Without(state);
        }
        // The plane was written again, or is looked for again: what is known of it so far stays until it is read.
        if let Some(state) = self.outdated_without(tile) {
            return AtHand::Without(state);
        }
        let held = self
            .held
            .get(&tile)
            .map(|(revision, pixels)| AtHand::Pixels {
                tile,
                revision: *revision,
                pixels: Arc::clone(pixels),
            });
        let held = match held {
            Some(held) if !self.unstaged.contains(&tile) => return held,
            held => held,
        };
        let other_level = self
            .same_place_at_other_levels(tile)
            .into_iter()
            .find_map(|other| {
                self.drawable(other, cache)
                    .map(|(revision, pixels)| AtHand::Pixels {
                        tile: other,
                        revision,
                        pixels,
                    })
            });
        // Rather a long frame than none of the place.
        other_level
            .or(held)
            .unwrap_or(AtHand::Without(PlaneState::Unknown))
    }

    /// Tiles of other levels that cover the same place: those of levels with the same tile grid, coarser first.
    fn same_place_at_other_levels(&self, tile: TileId) -> Vec<TileId> {
        let Some(image) = self.dataset.image_of(tile.plane) else {
            return Vec::new();
        };
        let Some(grid) = image.grid(tile.plane.level) else {
            return Vec::new();
        };
        let num_levels = u8::try_from(image.num_levels()).unwrap_or(u8::MAX);
        let coarser = tile.plane.level + 1..num_levels;
        let finer = (0..tile.plane.level).rev();
        let tiles = coarser.chain(finer).filter(|&level| {
            let other = image.grid(level);
            other.is_some_and(|other| {
                (other.num_rows(), other.num_cols()) == (grid.num_rows(), grid.num_cols())
            })
        });
        tiles
            .map(|level| TileId {
                plane: tile.plane.at_level(level),
                ..tile
            })
            .collect()
    }

    /// The latest revision of the plane that a tile is of.
    fn revision_of(&self, tile: TileId) -> u64 {
        self.ledger.revision(self.dataset.at_level_0(tile.plane))
    }

    /// The latest pixels of a tile of the picture, as the last plan took them: what comes into the cache between plan and
    /// drawing is for the next frame. One read for a notice may have been heard of before the notice.
    pub(super) fn held_of(&self, tile: TileId) -> Option<(u64, Arc<Pixels>)> {
        let revision = self.revision_of(tile);
        let held = self.held.get(&tile).filter(|(held, _)| *held >= revision);
        held.map(|(held, pixels)| (*held, Arc::clone(pixels)))
    }

    /// The latest pixels of any tile.
    pub(super) fn pixels_of(&self, tile: TileId, cache: &Cache) -> Option<(u64, Arc<Pixels>)> {
        self.held_of(tile).or_else(|| {
            let key = self.cache_key(tile);
            Some((key.revision, cache.get(&key)?))
        })
    }

    /// What the latest pixels of a tile are cached by.
    pub(super) fn cache_key(&self, tile: TileId) -> CacheKey {
        CacheKey {
            dataset: self.dataset.id,
            tile,
            revision: self.revision_of(tile),
        }
    }

    /// The latest pixels of a tile that is to be drawn; none where they come to the GPU with the next frame.
    fn drawable(&self, tile: TileId, cache: &Cache) -> Option<(u64, Arc<Pixels>)> {
        if self.unstaged.contains(&tile) {
            None
        } else if self.planned.contains(&tile) {
            self.held_of(tile)
        } else {
            self.pixels_of(tile, cache)
        }
    }

    /// Why nothing of a FOV can be drawn, where its store could not be opened.
    pub(super) fn unreadable(&self, fov: FovId) -> Option<PlaneState> {
        match self.dataset.images.get(fov.row())? {
            ImageSlot::Failed(error) | ImageSlot::Retried(error) => {
                let is_planned = error.code == Code::NotWritten;
                Some(if is_planned {
                    PlaneState::Planned
                } else {
                    PlaneState::Failed(error.to_string().into())
                })
            }
            ImageSlot::Unopened | ImageSlot::Opened(_) | ImageSlot::Stale(_) => None,
        }
    }

    pub(super) fn without_of(&self, tile: TileId) -> Option<PlaneState> {
        if let Some(state) = self.unreadable(tile.plane.fov) {
            return Some(state);
        }
        let revision = self.revision_of(tile);
        self.without
            .get(&tile)
            .filter(|(at, _)| *at == revision)
            .map(|(_, state)| state.clone())
    }

    /// Why a tile had no pixels when it was read last, of whatever revision.
    fn outdated_without(&self, tile: TileId) -> Option<PlaneState> {
        let (revision, state) = self.without.get(&tile)?;
        let held = self.held.get(&tile);
        let is_last = held.is_none_or(|(held, _)| held < revision);
        is_last.then(|| state.clone())
    }

    /// The planes of the picture on the screen, one per visible channel, with what the disk says of each.
    pub(in crate::app) fn shown_planes(&self) -> Vec<(TileId, PlaneState)> {
        self.planes_of(&self.resolve_of(&self.shown_selection()))
    }

    fn planes_of(&self, visible: &Visible) -> Vec<(TileId, PlaneState)> {
        let Some(placed) = visible.placed.first() else {
            return Vec::new();
        };
        let state = |tile: &TileId| {
            let known = self
                .without_of(*tile)
                .unwrap_or_else(|| self.ledger.state(self.dataset.at_level_0(tile.plane)));
            match known {
                // What made room is on the screen still.
                PlaneState::Missing if self.held_of(*tile).is_some() => PlaneState::Written,
                PlaneState::Unknown => self.outdated_without(*tile).unwrap_or(known),
                known => known,
            }
        };
        placed
            .tiles
            .iter()
            .map(|tile| (*tile, state(tile)))
            .collect()
    }

    /// What a frame showed that drew this list.
    pub(in crate::app) fn shown(&self, drawn: &DrawList, presented: Instant) -> Option<Shown> {
        let selection = self.settled.as_ref()?.0.clone();
        let position = selection.position;
        let visible = self.resolve_of(&selection);
        let drawn_tiles = self.drawn_tiles(drawn);
        let planes = self.planes_of(&visible).into_iter().map(|(tile, state)| {
            let c = tile.plane.c;
            let view = self.session.channels.get(usize::from(c));
            let revision = self.revision_of(tile);
            let is_of_channel = |tile: &TileId| (tile.plane.layer, tile.plane.c) == (0, c);
            let has_pixels = drawn_tiles.keys().any(is_of_channel);
            let mut tiles = visible.tiles().filter(is_of_channel);
            ShownChannel {
                c,
                channel: view.map(|view| view.name.clone()).unwrap_or_default(),
                revision,
                is_latest: has_pixels
                    && tiles.all(|tile| {
                        drawn_tiles
                            .get(&tile)
                            .is_some_and(|&drawn| drawn >= revision)
                            || self.without_of(tile).is_some()
                    }),
                has_pixels,
                state,
            }
        });
        Some(Shown {
            t: position.t,
            fov: position.fov,
            flat: self.dataset.flat_of(position.fov).unwrap_or(0),
            z: position.z,
            is_max: selection.is_max,
            planes: planes.collect(),
            presented,
        })
    }

    /// Tiles of this dataset that a list draws, and their revisions.
    fn drawn_tiles(&self, drawn: &DrawList) -> HashMap<TileId, u64> {
        let is_own = drawn.dataset == self.dataset.id;
        let items = drawn.items.iter().filter(|_| is_own);
        let tiles = items.flat_map(|item| &item.tiles);
        tiles.map(|drawn| (drawn.tile, drawn.revision)).collect()
    }
}
