//! Raw values under the pointer: the level-0 tiles around it are wished for, also where a coarser level is drawn.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::Viewing;
use crate::{
    cache::Cache,
    dataset::{LabelImage, layers},
    model::{ChannelLook, Pixels, PlaneId, Tier, TileId, Value, Visible, Wish, ZPick},
    session::Selection,
};

/// Level 0 is read for its values where the same picture was wished for this long: who steps on has the next one sooner.
const STANDS_AFTER: Duration = Duration::from_millis(100);

/// The picture that is wished for.
pub(super) struct Standing {
    selection: Selection,
    since: Instant,
    /// When the values under the pointer will be read, where they are not at hand.
    read_at: Option<Instant>,
}

/// A pixel of a tile.
#[derive(Clone, Copy)]
struct PixelOf {
    tile: TileId,
    x: u32,
    y: u32,
}

/// The level-0 tiles under the pointer, as far as they are wished for.
pub(super) fn wished_tiles(wished: &Visible) -> impl Iterator<Item = TileId> {
    let wishes = wished.wishes.iter();
    wishes
        .filter(|wish| wish.tier == Tier::Recent)
        .map(|wish| wish.tile)
}

impl Viewing {
    /// Row and column of the level-0 tile around the pixel whose values were asked for last.
    pub(super) fn tile_under_pointer(&self) -> Option<(u32, u32)> {
        let (x, y) = self.hovered.get()?;
        let grid = self.dataset.image(self.session.position.fov)?.grid(0)?;
        Some((y / grid.tile_height, x / grid.tile_width))
    }

    /// The level-0 tiles under the pointer, once the picture stands or where they are at hand.
    pub(super) fn hover_wishes(
        &mut self,
        visible: &Visible,
        cache: &Cache,
        now: Instant,
    ) -> Vec<Wish> {
        let selection = self.session.selection();
        let standing = self.standing.take();
        let since = standing
            .filter(|standing| standing.selection == selection)
            .map_or(now, |standing| standing.since);
        let wishes = self.tiles_under_pointer(visible);
        let at = since + STANDS_AFTER;
        let is_early = now < at
            && wishes
                .iter()
                .any(|wish| self.raw_of(wish.tile, cache).is_none());
        self.standing = Some(Standing {
            selection,
            since,
            read_at: is_early.then_some(at),
        });
        if is_early { Vec::new() } else { wishes }
    }

    /// When the values under the pointer will be read.
    pub(super) fn next_hover_read(&self) -> Option<Instant> {
        self.standing.as_ref()?.read_at
    }

    /// The latest samples of a tile: looking at them does not keep others from it.
    fn raw_of(&self, tile: TileId, cache: &Cache) -> Option<Arc<Pixels>> {
        let held = self.held_of(tile).map(|(_, pixels)| pixels);
        held.or_else(|| cache.peek(&self.cache_key(tile)))
    }

    /// Read last: their raw values are shown also where a coarser level is drawn.
    fn tiles_under_pointer(&self, visible: &Visible) -> Vec<Wish> {
        let Some((row, col)) = self.hover_tile.filter(|_| !self.session.max_projection) else {
            return Vec::new();
        };
        let at = self.session.position;
        let tile = |look: &ChannelLook| TileId {
            plane: PlaneId {
                fov: at.fov,
                layer: 0,
                t: at.t,
                c: look.c,
                z: ZPick::Slice(at.z),
                extra: at.extra,
                level: 0,
            },
            row,
            col,
        };
        // Only what is placed can be read: this FOV may have fewer channels, or be smaller.
        let placed = |look: &&ChannelLook| {
            let mut tiles = visible.placed.iter().flat_map(|placed| &placed.tiles);
            tiles.any(|tile| tile.plane.c == look.c) && !visible.wishes.is_empty()
        };
        let drawn = visible.looks.iter().filter(placed);
        let labels = self.hovered_labels(&self.session.selection());
        let labels = labels
            .into_iter()
            .filter_map(|(_, found)| Some(found?.tile));
        let tiles = drawn.map(tile).chain(labels);
        let is_new = |tile: &TileId| visible.wishes.iter().all(|wish| wish.tile != *tile);
        let tier = Tier::Recent;
        tiles
            .filter(is_new)
            .map(|tile| Wish { tile, tier })
            .collect()
    }

    /// True where the pointer has come to a tile that the last plan did not know.
    pub(in crate::app) fn hovers_anew(&self) -> bool {
        self.tile_under_pointer() != self.hover_tile
    }

    /// The number under a level-0 pixel in every label image that is shown; `None` where it is not known.
    pub(in crate::app) fn labels_at(
        &self,
        x: u32,
        y: u32,
        cache: &Cache,
    ) -> Vec<(String, Option<Value>)> {
        self.hovered.set(Some((x, y)));
        let value = |at: PixelOf| {
            let pixels = self.raw_of(at.tile, cache)?;
            pixels.value(at.x, at.y)
        };
        let labels = self.hovered_labels(&self.shown_selection()).into_iter();
        labels
            .map(|(name, found)| (name, found.and_then(value)))
            .collect()
    }

    /// Every label image of a selection, with the level-0 tile and the pixel in it under the pointer.
    fn hovered_labels(&self, selection: &Selection) -> Vec<(String, Option<PixelOf>)> {
        let (Some((x, y)), Some(image)) = (
            self.hovered.get().filter(|_| !selection.labels.is_empty()),
            self.dataset.image(selection.position.fov),
        ) else {
            return Vec::new();
        };
        let at = selection.position;
        let over = PlaneId {
            fov: at.fov,
            layer: 0,
            t: at.t,
            c: u16::try_from(self.session.selected_channel).unwrap_or(u16::MAX),
            z: ZPick::Slice(at.z),
            extra: at.extra,
            level: 0,
        };
        let place = |label: &LabelImage, layer| {
            let plane = label.plane_over(over, layer)?;
            let ((x, y), grid) = (label.pixel_over(x, y)?, label.image.grid(0)?);
            let (col, row) = (x / grid.tile_width, y / grid.tile_height);
            let tile = TileId { plane, row, col };
            Some(PixelOf {
                tile,
                x: x % grid.tile_width,
                y: y % grid.tile_height,
            })
        };
        let shown = layers(image).filter(|(_, name)| selection.labels.iter().any(|it| it == name));
        let named = shown.map(|(layer, name)| {
            let slot = self.dataset.labels.get(at.fov, layer);
            let label = slot.and_then(|slot| slot.as_ref().ok());
            (name.to_owned(), label.and_then(|it| place(it, layer)))
        });
        named.collect()
    }

    /// Raw value of every channel at a level-0 pixel of the shown plane; `None` where a channel has none there.
    pub(in crate::app) fn values_at(&self, x: u32, y: u32, cache: &Cache) -> Vec<Option<Value>> {
        self.hovered.set(Some((x, y)));
        let position = self.shown_position();
        let Some(grid) = self
            .dataset
            .image(position.fov)
            .and_then(|image| image.grid(0))
        else {
            return Vec::new();
        };
        let (col, row) = (x / grid.tile_width, y / grid.tile_height);
        let (x, y) = (x % grid.tile_width, y % grid.tile_height);
        let z = if self.shown_selection().is_max {
            ZPick::Max
        } else {
            ZPick::Slice(position.z)
        };
        let channels = 0..self.session.channels.len();
        let tiles = channels.map(|c| {
            let c = u16::try_from(c).unwrap_or(u16::MAX);
            let plane = PlaneId {
                fov: position.fov,
                layer: 0,
                t: position.t,
                c,
                z,
                extra: position.extra,
                level: 0,
            };
            TileId { plane, row, col }
        });
        tiles
            .map(|tile| {
                let pixels = self.raw_of(tile, cache)?;
                let is_there = !pixels.gaps().iter().any(|gap| gap.holds(x, y));
                pixels.value(x, y).filter(|_| is_there)
            })
            .collect()
    }
}
