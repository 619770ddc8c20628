//! Label images over the picture: their tiles where they lie, at the level that the zoom needs.

use std::sync::Arc;

use super::{View, cell_px, cells_on_canvas, level_for, z_at_level};
use crate::{
    dataset::{Dataset, LabelImage, layers},
    model::{FovId, LabelLook, PlacedLabel, PlaneId, RectPx, Tier, TileId, Visible, Wish, ZPick},
    session::{Selection, Session},
};

/// Places the label images of a view and wishes for them after the image; those that are not opened are to be.
pub(super) fn place(
    session: &Session,
    selection: &Selection,
    view: &View<'_>,
    dataset: &Dataset,
    visible: &mut Visible,
) {
    let shown = shown(session, selection, view, dataset);
    visible.unopened_labels = shown.unopened;
    visible.labels = shown.placed;
    let tiles = visible.labels.iter().map(|placed| placed.tile);
    visible.wishes.extend(tiles.map(|tile| Wish {
        tile,
        tier: Tier::Visible,
    }));
}

/// Label tiles of a position that is likely next.
pub(super) fn prefetched(
    session: &Session,
    selection: &Selection,
    view: &View<'_>,
    dataset: &Dataset,
) -> impl Iterator<Item = Wish> + use<> {
    let placed = shown(session, selection, view, dataset).placed.into_iter();
    placed.map(|placed| Wish {
        tile: placed.tile,
        tier: Tier::Prefetch,
    })
}

#[derive(Default)]
struct Shown {
    placed: Vec<PlacedLabel>,
    unopened: Vec<(FovId, u16)>,
}

fn shown(session: &Session, selection: &Selection, view: &View<'_>, dataset: &Dataset) -> Shown {
    let mut shown = Shown::default();
    if selection.labels.is_empty() || !view.is_readable || !view.is_inside(view.position) {
        return shown;
    }
    let is_shown = |(_, name): &(u16, &str)| selection.labels.iter().any(|shown| shown == name);
    for (layer, name) in layers(view.image).filter(is_shown) {
        match dataset.labels.get(view.fov, layer) {
            None => shown.unopened.push((view.fov, layer)),
            Some(Err(_)) => {}
            Some(Ok(label)) => {
                let how = session.labels.of(name);
                let look = LabelLook {
                    opacity: how.opacity,
                    is_outline: how.is_outline,
                    colors: Arc::clone(&label.colors),
                };
                let tiles = tiles(session, view, label, layer);
                shown.placed.extend(tiles.map(|(tile, rect)| PlacedLabel {
                    rect,
                    tile,
                    look: look.clone(),
                }));
            }
        }
    }
    shown
}

/// Tiles of a label image that touch the canvas, with their places.
fn tiles(
    session: &Session,
    view: &View<'_>,
    label: &LabelImage,
    layer: u16,
) -> impl Iterator<Item = (TileId, RectPx)> + use<> {
    let position = view.position;
    let channel = u16::try_from(session.selected_channel).unwrap_or(u16::MAX);
    let over = PlaneId {
        fov: view.fov,
        layer: 0,
        t: position.t,
        c: channel,
        // The maximum of labels says nothing: they are those of the present slice.
        z: ZPick::Slice(position.z),
        extra: position.extra,
        level: 0,
    };
    let whole = rect_px(view, label);
    let level = level_for(&label.image, &whole);
    let plane = label.plane_over(over, layer).map(|plane| match plane.z {
        ZPick::Slice(z) => PlaneId {
            z: ZPick::Slice(z_at_level(&label.image, z, level)),
            ..plane.at_level(level)
        },
        ZPick::Max => plane,
    });
    let grid = label.image.grid(level);
    let canvas = view.canvas;
    let placed = plane.zip(grid).map(move |(plane, grid)| {
        cells_on_canvas(&grid, &whole, canvas).filter_map(move |(row, col)| {
            Some((
                TileId { plane, row, col },
                cell_px(&grid, &whole, row, col)?,
            ))
        })
    });
    placed.into_iter().flatten()
}

/// Where a label image lies on the canvas.
fn rect_px(view: &View<'_>, label: &LabelImage) -> RectPx {
    let image = view.projection.rect_px(&view.rect);
    let (width, height) = view.image.plane_size();
    let (x_px, y_px) = (
        (image.x1 - image.x0) / f64::from(width.max(1)),
        (image.y1 - image.y0) / f64::from(height.max(1)),
    );
    let (place, (columns, rows)) = (&label.placement, label.image.plane_size());
    let (x0, y0) = (image.x0 + place.x * x_px, image.y0 + place.y * y_px);
    RectPx {
        x0,
        y0,
        x1: x0 + f64::from(columns) * place.pixel_width * x_px,
        y1: y0 + f64::from(rows) * place.pixel_height * y_px,
    }
}
