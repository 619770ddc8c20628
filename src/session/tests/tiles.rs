//! Level and tiles against their definitions, at any magnification.

use proptest::prelude::*;

use super::*;
use crate::{
    dataset::{
        ImageSlot,
        testing::{dataset_of, image, with_levels, with_tiles},
    },
    model::RectPx,
};

fn one_fov(image: Image) -> Dataset {
    let image = Arc::new(image);
    dataset_of(Arc::clone(&image), vec![ImageSlot::Opened(image)])
}

/// A session somewhere on the picture: magnified by a factor about a point, then moved.
fn looking(factor: f64, (x_px, y_px): (f64, f64), pan: (f64, f64), dataset: &Dataset) -> Session {
    let zoom = Command::ZoomAbout {
        factor,
        x_px,
        y_px,
        canvas: CANVAS,
    };
    let pan = Command::Pan {
        dx_px: pan.0,
        dy_px: pan.1,
        canvas: CANVAS,
    };
    after(&[zoom, pan], dataset)
}

fn large(sizes: Sizes) -> Image {
    with_tiles(image(sizes), 512)
}

proptest! {
    #[test]
    fn the_level_is_the_coarsest_whose_texel_is_no_larger_than_a_pixel(
        (width, height) in (500_u32..5000, 500_u32..5000),
        factor in 0.02_f64..40.0,
        has_stored_levels: bool,
    ) {
        let mut image = image(Sizes { height, width, ..Sizes::default() });
        if has_stored_levels {
            let at = |by: u32| (5, height.div_ceil(by), width.div_ceil(by));
            image = with_levels(image, &[at(3), at(9)]);
        }
        let dataset = one_fov(image);
        let session = looking(factor, (320.0, 240.0), (0.0, 0.0), &dataset);
        let visible = shown(&session, &dataset, CANVAS);
        let level = visible.placed[0].tiles[0].plane.level;
        let image = session.image(&dataset);
        let px_per_um = session.projection(&dataset, CANVAS).px_per_um;
        let (width_px, height_px) = (
            f64::from(width) * 0.5 * px_per_um,
            f64::from(height) * 0.5 * px_per_um,
        );
        // A picture covers whole pixels: less than one more over its whole width does not ask for a finer level.
        let is_fine = |level: u8, more_px: f64| image.grid(level).is_some_and(|grid| {
            f64::from(grid.width) + more_px >= width_px && f64::from(grid.height) + more_px >= height_px
        });
        prop_assert!(level == 0 || is_fine(level, 1.0), "level {level} is too coarse");
        prop_assert!(!is_fine(level + 1, 0.0), "level {level} is too fine");
    }

    #[test]
    fn the_tiles_are_those_that_touch_the_canvas(
        (width, height) in (4500_u32..9000, 4500_u32..9000),
        factor in 0.3_f64..60.0,
        about in (0.0..640.0, 0.0..480.0),
        pan in (-3000.0..3000.0, -3000.0..3000.0),
    ) {
        let dataset = one_fov(large(Sizes { height, width, ..Sizes::default() }));
        let session = looking(factor, about, pan, &dataset);
        let visible = shown(&session, &dataset, CANVAS);
        let image = session.image(&dataset);
        let level = visible.placed[0].tiles[0].plane.level;
        let grid = image.grid(level).expect("chosen");
        let projection = session.projection(&dataset, CANVAS);
        let whole = projection.rect_px(&Scene::single(FovId(0), image).bounds());
        let edge = |start: f64, end: f64, texel: u32, size: u32| {
            start + (end - start) * f64::from(texel) / f64::from(size)
        };
        let mut expected = Vec::new();
        for (row, col) in (0..grid.num_rows()).flat_map(|row| (0..grid.num_cols()).map(move |col| (row, col))) {
            let (x, y, tile_width, tile_height) = grid.tile_rect(row, col).expect("inside");
            let rect = RectPx {
                x0: edge(whole.x0, whole.x1, x, grid.width),
                y0: edge(whole.y0, whole.y1, y, grid.height),
                x1: edge(whole.x0, whole.x1, x + tile_width, grid.width),
                y1: edge(whole.y0, whole.y1, y + tile_height, grid.height),
            };
            let seen = (rect.x1.min(640.0) - rect.x0.max(0.0)).min(rect.y1.min(480.0) - rect.y0.max(0.0));
            // Whether an edge that lies on the edge of the canvas counts is left to rounding.
            prop_assume!(seen.abs() > 1e-6);
            if seen > 0.0 {
                expected.push((row, col));
            }
        }
        let found: Vec<_> = visible.placed.iter().map(|placed| (placed.tiles[0].row, placed.tiles[0].col)).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn neighbouring_tiles_share_their_edge(factor in 0.3_f64..60.0, about in (0.0..640.0, 0.0..480.0)) {
        let dataset = one_fov(large(Sizes { width: 5001, height: 4999, ..Sizes::default() }));
        let session = looking(factor, about, (0.0, 0.0), &dataset);
        let placed = shown(&session, &dataset, CANVAS).placed;
        for pair in placed.windows(2) {
            let (a, b) = (&pair[0], &pair[1]);
            if a.tiles[0].row == b.tiles[0].row {
                prop_assert_eq!((a.rect.x1, a.rect.y0, a.rect.y1), (b.rect.x0, b.rect.y0, b.rect.y1));
            } else {
                prop_assert_eq!(a.rect.y1, b.rect.y0);
            }
        }
    }
}
