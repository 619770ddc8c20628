//! Intention against data: what to draw and what to read. Pure; same input, same value.

mod labels;

use std::{collections::HashSet, ops::Range};

use super::{Position, Projection, Scene, Selection, Session, prefetch::next_positions};
use crate::{
    dataset::{Dataset, Image, ImageSlot},
    ledger::Ledger,
    model::{
        AxisRole, CanvasSize, ChannelLook, FovId, PlacedTile, PlaneId, PlaneState, RectPx, RectUm,
        Tier, TileGrid, TileId, Visible, Wish, ZPick,
    },
};

/// What a session shows of a selection (its own, or the one still on the screen while the next loads).
///
/// `wishes` holds the visible tiles first (selected channel and centre first), then prefetch in the direction of the
/// last move. A FOV whose store has not been opened stands in `unopened` and has no tiles; one that cannot be opened has
/// the tiles of the template, and no wishes.
#[must_use]
pub fn resolve(
    session: &Session,
    selection: &Selection,
    dataset: &Dataset,
    ledger: &Ledger,
    canvas: CanvasSize,
) -> Visible {
    let position = selection.position;
    let (mut visible, mut ahead) = (
        nothing_placed(session, selection, dataset, canvas),
        Vec::new(),
    );
    let channels: Vec<u16> = visible.looks.iter().map(|look| look.c).collect();
    let first = u16::try_from(session.selected_channel).unwrap_or(u16::MAX);
    match View::of(session, selection, position, dataset, canvas) {
        Ok(view) => {
            visible.outside = !view.is_inside(position);
            if dataset.wants_opening(position.fov) {
                visible.unopened.push(position.fov);
            }
            visible.placed = view.placed(&channels);
            if view.is_readable {
                visible.wishes = view.coarse(&channels);
                let shown = by_urgency(&visible.placed, first, canvas);
                visible.wishes.extend(shown);
            }
            labels::place(session, selection, &view, dataset, &mut visible);
        }
        Err(fov) => {
            visible.unopened.push(fov);
            let template = View::over(&dataset.template, session, selection, position, canvas);
            let likely = by_urgency(&template.placed(&channels), first, canvas);
            visible.likely = likely.into_iter().map(|wish| wish.tile).collect();
        }
    }
    for next in next_positions(session, position, dataset) {
        match View::of(session, selection, next, dataset, canvas) {
            Ok(view) if view.is_readable => {
                ahead.extend(prefetched(&view, &channels, ledger));
                ahead.extend(labels::prefetched(session, selection, &view, dataset));
            }
            Err(fov) if !visible.unopened.contains(&fov) => visible.unopened.push(fov),
            Ok(_) | Err(_) => {}
        }
    }
    // Neighbouring z-slices may be the same plane of a level that is shorter along z.
    let mut wished: HashSet<TileId> = visible.wishes.iter().map(|wish| wish.tile).collect();
    ahead.retain(|wish| wished.insert(wish.tile));
    visible.wishes.append(&mut ahead);
    visible
}

/// How it would look, with nothing to draw and nothing to read.
fn nothing_placed(
    session: &Session,
    selection: &Selection,
    dataset: &Dataset,
    canvas: CanvasSize,
) -> Visible {
    Visible {
        dataset: dataset.id,
        canvas,
        looks: looks(session, selection),
        placed: Vec::new(),
        labels: Vec::new(),
        wishes: Vec::new(),
        unopened: Vec::new(),
        likely: Vec::new(),
        unopened_labels: Vec::new(),
        outside: false,
        mark_clipped: session.mark_clipped,
    }
}

/// How each channel of a selection looks.
fn looks(session: &Session, selection: &Selection) -> Vec<ChannelLook> {
    let position = selection.position;
    let look = |&channel: &usize| {
        let view = session.channels.get(channel)?;
        Some(ChannelLook {
            c: u16::try_from(channel).ok()?,
            limits: session.limits_at(channel, position.fov, position.t),
            gamma: view.gamma,
            lut: view.lut,
            inverted: view.inverted,
        })
    };
    selection.channels.iter().filter_map(look).collect()
}

/// Tiles of the picture at the other levels, those that cover the others last: what is at hand of them is drawn until
/// the picture's own tiles are there. Coarser levels from the coarsest on, then the next finer one.
#[must_use]
pub fn other_levels(
    session: &Session,
    selection: &Selection,
    dataset: &Dataset,
    canvas: CanvasSize,
) -> Vec<PlacedTile> {
    let Ok(view) = View::of(session, selection, selection.position, dataset, canvas) else {
        return Vec::new();
    };
    let channels: Vec<u16> = looks(session, selection)
        .iter()
        .map(|look| look.c)
        .collect();
    let last = u8::try_from(view.image.num_levels() - 1).unwrap_or(u8::MAX);
    let coarser = (view.level + 1..=last).rev();
    let levels = coarser.chain(view.level.checked_sub(1));
    levels
        .flat_map(|level| view.at_level(level).placed(&channels))
        .collect()
}

/// One FOV on the canvas, at the level that the zoom needs.
#[derive(Clone, Copy)]
struct View<'a> {
    image: &'a Image,
    /// False: its tiles are placed, and cannot be read.
    is_readable: bool,
    fov: FovId,
    position: Position,
    is_max: bool,
    level: u8,
    projection: Projection,
    rect: RectUm,
    canvas: CanvasSize,
}

impl<'a> View<'a> {
    /// The FOV of a position, where it cannot be opened as the template; `Err` with the FOV where its store must be
    /// opened first.
    fn of(
        session: &Session,
        selection: &Selection,
        position: Position,
        dataset: &'a Dataset,
        canvas: CanvasSize,
    ) -> Result<Self, FovId> {
        let (image, is_readable) = match dataset.images.get(position.fov.row()) {
            Some(ImageSlot::Opened(image) | ImageSlot::Stale(image)) => (image.as_ref(), true),
            Some(ImageSlot::Failed(_) | ImageSlot::Retried(_)) | None => {
                (dataset.template.as_ref(), false)
            }
            Some(ImageSlot::Unopened) => return Err(position.fov),
        };
        let view = Self::over(image, session, selection, position, canvas);
        Ok(Self {
            is_readable,
            ..view
        })
    }

    /// An image in the place of a position's FOV.
    fn over(
        image: &'a Image,
        session: &Session,
        selection: &Selection,
        position: Position,
        canvas: CanvasSize,
    ) -> Self {
        let bounds = Scene::single(position.fov, image).bounds();
        let projection = session.camera.projection(image, canvas);
        let level = level_for(image, &projection.rect_px(&bounds));
        let is_max = selection.is_max && image.num_z_slices() > 1;
        Self {
            image,
            is_readable: true,
            fov: position.fov,
            position,
            is_max,
            level,
            projection,
            rect: bounds,
            canvas,
        }
    }

    /// False where the position is beyond this FOV's own sizes.
    fn is_inside(&self, position: Position) -> bool {
        let z_inside = self.is_max || position.z < self.image.num_z_slices();
        position.t < self.image.num_timepoints()
            && z_inside
            && position.extra < self.image.num_extra()
    }

    /// The name of a channel's plane at this view's level; `None` beyond this FOV's sizes.
    fn plane(&self, c: u16) -> Option<PlaneId> {
        let at = self.position;
        let is_known = self.is_inside(at) && u32::from(c) < self.image.num_channels();
        is_known.then(|| PlaneId {
            fov: self.fov,
            layer: 0,
            t: at.t,
            c,
            z: if self.is_max {
                ZPick::Max
            } else {
                ZPick::Slice(z_at_level(self.image, at.z, self.level))
            },
            extra: at.extra,
            level: self.level,
        })
    }

    /// The same at another level.
    fn at_level(self, level: u8) -> Self {
        Self { level, ..self }
    }

    /// Wishes for the coarsest stored level, where a plane is many tiles and that level is not the view's own: it is
    /// shown until those are there.
    fn coarse(self, channels: &[u16]) -> Vec<Wish> {
        let coarsest = u8::try_from(self.image.levels.len() - 1).unwrap_or(u8::MAX);
        let grid = self.image.grid(self.level);
        let is_one_tile = grid.is_none_or(|grid| grid.num_rows() * grid.num_cols() <= 1);
        if is_one_tile || coarsest <= self.level {
            return Vec::new();
        }
        let placed = self.at_level(coarsest).placed(channels);
        let tiles = placed.into_iter().flat_map(|placed| placed.tiles);
        plane_by_plane(tiles, Tier::Coarse)
    }

    /// Tiles that touch the canvas, with their places; channels that this FOV does not have are left out.
    fn placed(&self, channels: &[u16]) -> Vec<PlacedTile> {
        let Some(grid) = self.image.grid(self.level) else {
            return Vec::new();
        };
        let planes: Vec<_> = channels.iter().filter_map(|&c| self.plane(c)).collect();
        if planes.is_empty() {
            return Vec::new();
        }
        let whole = self.projection.rect_px(&self.rect);
        let cells = cells_on_canvas(&grid, &whole, self.canvas);
        let placed = cells.filter_map(|(row, col)| {
            let tile = |&plane| TileId { plane, row, col };
            Some(PlacedTile {
                rect: cell_px(&grid, &whole, row, col)?,
                tiles: planes.iter().map(tile).collect(),
            })
        });
        placed.collect()
    }
}

/// A z-slice of level 0 in the index space of another level: stored levels may be shorter along z.
fn z_at_level(image: &Image, z: u32, level: u8) -> u32 {
    let stored = usize::from(level).min(image.levels.len() - 1);
    let (own, full) = (
        image.len_at(AxisRole::Z, stored),
        image.len_of(AxisRole::Z).max(1),
    );
    let z = u64::from(z) * own / full;
    u32::try_from(z.min(own.saturating_sub(1))).unwrap_or(0)
}

/// Physical pixels of a texel, along x and y, where the plane lies on `whole`.
fn px_per_texel(grid: &TileGrid, whole: &RectPx) -> (f64, f64) {
    (
        (whole.x1 - whole.x0) / f64::from(grid.width),
        (whole.y1 - whole.y0) / f64::from(grid.height),
    )
}

/// (row, column) of the tiles that touch the canvas, row by row.
fn cells_on_canvas(
    grid: &TileGrid,
    whole: &RectPx,
    canvas: CanvasSize,
) -> impl Iterator<Item = (u32, u32)> + use<> {
    let (x, y) = px_per_texel(grid, whole);
    let (width_px, height_px) = (
        x * f64::from(grid.tile_width),
        y * f64::from(grid.tile_height),
    );
    let cols = span(whole.x0, width_px, canvas.width_px, grid.num_cols());
    let rows = span(whole.y0, height_px, canvas.height_px, grid.num_rows());
    rows.flat_map(move |row| cols.clone().map(move |col| (row, col)))
}

/// Where a tile lies on the canvas.
fn cell_px(grid: &TileGrid, whole: &RectPx, row: u32, col: u32) -> Option<RectPx> {
    let (x, y, width, height) = grid.tile_rect(row, col)?;
    let (x_px, y_px) = px_per_texel(grid, whole);
    Some(RectPx {
        x0: whole.x0 + f64::from(x) * x_px,
        y0: whole.y0 + f64::from(y) * y_px,
        x1: whole.x0 + f64::from(x + width) * x_px,
        y1: whole.y0 + f64::from(y + height) * y_px,
    })
}

/// Those of `count` tiles of `step_px` from `start_px` that touch `0..size_px`.
fn span(start_px: f64, step_px: f64, size_px: u32, count: u32) -> Range<u32> {
    let index = |px: f64| ((px - start_px) / step_px).clamp(0.0, f64::from(count));
    index(0.0).floor() as u32..index(f64::from(size_px)).ceil() as u32
}

/// The coarsest level whose texel is no larger than a physical pixel; level 0 when zoomed in.
fn level_for(image: &Image, whole: &RectPx) -> u8 {
    let width_px = (whole.x1 - whole.x0).abs();
    let height_px = (whole.y1 - whole.y0).abs();
    let is_fine = |level: &u8| {
        image.grid(*level).is_some_and(|grid| {
            f64::from(grid.width) >= width_px.floor() && f64::from(grid.height) >= height_px.floor()
        })
    };
    let last = u8::try_from(image.num_levels().saturating_sub(1)).unwrap_or(u8::MAX);
    (0..=last)
        .take_while(|level| *level == 0 || is_fine(level))
        .last()
        .unwrap_or(0)
}

/// Wishes for the tiles on the canvas: the selected channel first, then the others; of each what is near the middle first.
fn by_urgency(placed: &[PlacedTile], selected: u16, canvas: CanvasSize) -> Vec<Wish> {
    let (x, y) = (
        f64::from(canvas.width_px) / 2.0,
        f64::from(canvas.height_px) / 2.0,
    );
    let distance = |rect: &RectPx| {
        let dx = f64::midpoint(rect.x0, rect.x1) - x;
        let dy = f64::midpoint(rect.y0, rect.y1) - y;
        dx * dx + dy * dy
    };
    let mut near_first: Vec<_> = placed.iter().collect();
    near_first.sort_by(|a, b| distance(&a.rect).total_cmp(&distance(&b.rect)));
    let tiles = near_first.iter().flat_map(|placed| &placed.tiles).copied();
    let mut wishes = plane_by_plane(tiles, Tier::Visible);
    wishes.sort_by_key(|wish| wish.tile.plane.c != selected);
    wishes
}

/// Wishes in the order of the tiles, channel after channel: where a plane is one chunk of many tiles, it is decoded once
/// while they are read one after the other, and anew for each of them where those of another such plane come between.
fn plane_by_plane(tiles: impl Iterator<Item = TileId>, tier: Tier) -> Vec<Wish> {
    let mut wishes: Vec<Wish> = tiles.map(|tile| Wish { tile, tier }).collect();
    wishes.sort_by_key(|wish| wish.tile.plane.c);
    wishes
}

/// Wishes for a position that is likely next; planes that are known to be absent are left alone.
fn prefetched(view: &View<'_>, channels: &[u16], ledger: &Ledger) -> Vec<Wish> {
    let placed = view.placed(channels);
    let tiles = placed
        .iter()
        .flat_map(|placed| placed.tiles.iter().copied());
    let may_be_there = |tile: &TileId| {
        matches!(
            ledger.state(view.image.at_level_0(tile.plane)),
            PlaneState::Unknown | PlaneState::Written | PlaneState::Partial { .. }
        )
    };
    plane_by_plane(tiles.filter(may_be_there), Tier::Prefetch)
}
