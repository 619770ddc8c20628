//! Where the canvas looks: maps between world and canvas, zoom, pan, and what hostile numbers do.

use proptest::prelude::*;

use super::*;
use crate::{
    dataset::testing::{dataset_of, image},
    model::{PointUm, RectPx},
};

/// One FOV of a plane with pixels of that size.
fn one_fov(width: u32, height: u32, pixel_um: (f64, f64)) -> Dataset {
    let mut image = image(Sizes {
        height,
        width,
        ..Sizes::default()
    });
    (image.sampling.x_um, image.sampling.y_um) = (Some(pixel_um.0), Some(pixel_um.1));
    let image = Arc::new(image);
    dataset_of(
        Arc::clone(&image),
        vec![crate::dataset::ImageSlot::Opened(image)],
    )
}

fn zoom(factor: f64, x_px: f64, y_px: f64) -> Command {
    Command::ZoomAbout {
        factor,
        x_px,
        y_px,
        canvas: CANVAS,
    }
}

fn pan(dx_px: f64, dy_px: f64) -> Command {
    Command::Pan {
        dx_px,
        dy_px,
        canvas: CANVAS,
    }
}

/// Where the picture lies on the canvas.
fn picture(session: &Session, dataset: &Dataset, canvas: CanvasSize) -> RectPx {
    let bounds = Scene::single(session.position.fov, session.image(dataset)).bounds();
    session.projection(dataset, canvas).rect_px(&bounds)
}

/// After commands the picture of 64 x 48 texels lies so on the canvas, within a pixel.
fn check(commands: &[Command], canvas: CanvasSize, expected: [f64; 4]) {
    let dataset = dataset(Sizes::default());
    let rect = picture(&after(commands, &dataset), &dataset, canvas);
    let found = [rect.x0, rect.y0, rect.x1, rect.y1];
    let is_near = found
        .iter()
        .zip(expected)
        .all(|(a, b)| (a - b).abs() <= 1.0);
    assert!(
        is_near,
        "{found:?}, expected {expected:?} after {commands:?}"
    );
}

#[test]
fn a_fitted_picture_follows_the_size_of_the_canvas() {
    check(&[], CANVAS, [0.0, 0.0, 640.0, 480.0]);
    let wide = CanvasSize {
        width_px: 1000,
        height_px: 240,
    };
    check(&[], wide, [340.0, 0.0, 660.0, 240.0]);
    check(
        &[zoom(3.0, 0.0, 0.0), Command::Fit],
        wide,
        [340.0, 0.0, 660.0, 240.0],
    );
}

#[test]
fn a_magnification_by_hand_stays_when_the_canvas_changes() {
    let wide = CanvasSize {
        width_px: 1000,
        height_px: 600,
    };
    check(
        &[zoom(2.0, 320.0, 240.0)],
        wide,
        [-140.0, -180.0, 1140.0, 780.0],
    );
}

#[test]
fn zooming_keeps_what_is_under_the_pointer() {
    check(&[zoom(2.0, 0.0, 0.0)], CANVAS, [0.0, 0.0, 1280.0, 960.0]);
    check(
        &[zoom(2.0, 640.0, 480.0)],
        CANVAS,
        [-640.0, -480.0, 640.0, 480.0],
    );
    check(
        &[zoom(0.5, 320.0, 240.0)],
        CANVAS,
        [160.0, 120.0, 480.0, 360.0],
    );
}

#[test]
fn a_part_of_the_canvas_is_shown_as_large_as_fits_whatever_corner_came_first() {
    let part = |x0, y0, x1, y1| Command::ZoomTo(RectPx { x0, y0, x1, y1 }, CANVAS);
    let expected = [-640.0, -480.0, 640.0, 480.0];
    check(&[part(320.0, 240.0, 640.0, 480.0)], CANVAS, expected);
    check(&[part(640.0, 480.0, 320.0, 240.0)], CANVAS, expected);
}

#[test]
fn small_movements_add_up() {
    let steps = vec![pan(0.3, -0.2); 100];
    check(&steps, CANVAS, [30.0, -20.0, 670.0, 460.0]);
    let steps = vec![zoom(2_f64.powf(0.001), 500.0, 100.0); 1000];
    check(&steps, CANVAS, [-500.0, -100.0, 780.0, 860.0]);
}

#[test]
fn one_to_one_is_one_texel_on_one_pixel_also_of_the_tiniest_picture() {
    for (width, height) in [(64, 48), (2, 2), (4000, 3000)] {
        let dataset = one_fov(width, height, (0.5, 0.5));
        let session = after(&[Command::OneToOne(CANVAS)], &dataset);
        let rect = picture(&session, &dataset, CANVAS);
        let found = (rect.x1 - rect.x0, rect.y1 - rect.y0);
        assert_eq!(found, (f64::from(width), f64::from(height)));
        assert_eq!((rect.x0.fract(), rect.y0.fract()), (0.0, 0.0));
    }
}

#[test]
fn one_to_one_twice_is_the_same_as_once() {
    let dataset = one_fov(4001, 3001, (0.5, 0.5));
    let once = after(&[zoom(1.7, 3.0, 77.0), Command::OneToOne(CANVAS)], &dataset);
    let mut twice = once.clone();
    twice.apply(&Command::OneToOne(CANVAS), &dataset);
    assert_eq!(
        picture(&once, &dataset, CANVAS),
        picture(&twice, &dataset, CANVAS)
    );
}

#[test]
fn the_pixel_under_the_pointer_is_named_and_none_beside_the_picture() {
    let dataset = dataset(Sizes::default());
    let session = Session::new(&dataset);
    let wide = CanvasSize {
        width_px: 1000,
        height_px: 480,
    };
    for (x, y, expected) in [
        (180.0, 0.0, Some((0, 0))),
        (189.9, 9.9, Some((0, 0))),
        (190.0, 10.0, Some((1, 1))),
        (819.9, 479.9, Some((63, 47))),
        (179.0, 0.0, None),
        (820.0, 0.0, None),
        (500.0, 480.0, None),
        (500.0, -0.1, None),
        (f64::NAN, 0.0, None),
        (f64::INFINITY, 0.0, None),
    ] {
        assert_eq!(
            session.pixel_at(x, y, &dataset, wide),
            expected,
            "({x}, {y})"
        );
    }
}

#[test]
fn what_is_no_number_moves_nothing() {
    let dataset = dataset(Sizes::default());
    let before = [zoom(2.0, 320.0, 240.0), pan(30.0, 40.0)];
    let expected = picture(&after(&before, &dataset), &dataset, CANVAS);
    for hostile in [
        zoom(f64::NAN, 320.0, 240.0),
        zoom(2.0, f64::NAN, 240.0),
        zoom(2.0, 320.0, f64::INFINITY),
        pan(f64::NAN, 0.0),
        pan(0.0, f64::INFINITY),
    ] {
        let commands = [&before[..], std::slice::from_ref(&hostile)].concat();
        let found = picture(&after(&commands, &dataset), &dataset, CANVAS);
        assert_eq!(found, expected, "{hostile:?}");
    }
}

#[test]
fn a_smaller_fov_is_not_lost_where_the_camera_looked_at_the_corner_of_a_larger_one() {
    let sizes = Sizes::default();
    let large = Sizes {
        width: 640,
        height: 480,
        ..sizes
    };
    let slots = [large, sizes].map(|sizes| crate::dataset::ImageSlot::Opened(image(sizes).into()));
    let dataset = dataset_of(Arc::new(image(large)), slots.into());
    let mut session = after(&[zoom(8.0, 640.0, 480.0)], &dataset);
    let at_corner = picture(&session, &dataset, CANVAS);
    session.apply(&Command::SetIndex(NavAxis::Fov, 1), &dataset);
    let rect = picture(&session, &dataset, CANVAS);
    assert!(rect.x1 >= 31.0 && rect.y1 >= 31.0, "{rect:?}");
    assert!(!shown(&session, &dataset, CANVAS).placed.is_empty());
    session.apply(&Command::SetIndex(NavAxis::Fov, 0), &dataset);
    assert_eq!(
        picture(&session, &dataset, CANVAS),
        at_corner,
        "coming back"
    );
}

/// Numbers of every magnitude, and none at all.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        -1e4..1e4,
        proptest::num::f64::ANY,
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(0.0),
    ]
}

fn any_canvas() -> impl Strategy<Value = CanvasSize> {
    let side = || prop_oneof![0..4_u32, 4..4000_u32, Just(u32::MAX)];
    (side(), side()).prop_map(|(width_px, height_px)| CanvasSize {
        width_px,
        height_px,
    })
}

/// Any finite size above 0: what the files' reading lets through.
fn any_pixel_um() -> impl Strategy<Value = f64> {
    let any = proptest::num::f64::POSITIVE | proptest::num::f64::SUBNORMAL;
    prop_oneof![1e-2..1e2, any]
}

fn any_look() -> impl Strategy<Value = Command> {
    let number = any_number;
    prop_oneof![
        Just(Command::Fit),
        any_canvas().prop_map(Command::OneToOne),
        (number(), number(), any_canvas()).prop_map(|(dx_px, dy_px, canvas)| Command::Pan {
            dx_px,
            dy_px,
            canvas
        }),
        (number(), number(), number(), any_canvas()).prop_map(|(factor, x_px, y_px, canvas)| {
            Command::ZoomAbout {
                factor,
                x_px,
                y_px,
                canvas,
            }
        }),
        (number(), number(), number(), number(), any_canvas()).prop_map(
            |(x0, y0, x1, y1, canvas)| Command::ZoomTo(RectPx { x0, y0, x1, y1 }, canvas)
        ),
    ]
}

proptest! {
    #[test]
    fn world_and_canvas_map_to_each_other(
        (factor, x_px, y_px) in (0.1..20.0, 0.0..640.0, 0.0..480.0),
        (x, y) in (-1e3..1e3, -1e3..1e3),
        pixel in (0.01..100.0, 0.01..100.0),
    ) {
        let dataset = one_fov(640, 480, pixel);
        let session = after(&[zoom(factor, x_px, y_px)], &dataset);
        let projection = session.projection(&dataset, CANVAS);
        let at = projection.um_from_px(x, y);
        let (back_x, back_y) = projection.px_from_um(at);
        prop_assert!((back_x - x).abs() < 1e-6 && (back_y - y).abs() < 1e-6);
        let (x_px, y_px) = projection.px_from_um(PointUm { x, y });
        let back = projection.um_from_px(x_px, y_px);
        prop_assert!((back.x - x).abs() < 1e-6 && (back.y - y).abs() < 1e-6);
    }

    #[test]
    fn the_world_point_under_the_pointer_stays(
        factors in proptest::collection::vec(0.8..1.3, 1..40),
        (x_px, y_px) in (32.0..608.0, 32.0..448.0),
    ) {
        let dataset = one_fov(3000, 2000, (0.3, 0.3));
        let mut session = after(&[zoom(4.0, 320.0, 240.0)], &dataset);
        let first = session.projection(&dataset, CANVAS);
        let before = first.um_from_px(x_px, y_px);
        for factor in factors {
            session.apply(&zoom(factor, x_px, y_px), &dataset);
            let rect = picture(&session, &dataset, CANVAS);
            prop_assume!((rect.x0..rect.x1).contains(&x_px) && (rect.y0..rect.y1).contains(&y_px));
        }
        let projection = session.projection(&dataset, CANVAS);
        let (x, y) = projection.px_from_um(before);
        // Half a pixel for each of the two roundings, the first one magnified since.
        let tolerance = 0.501 + 0.5 * projection.px_per_um / first.px_per_um;
        prop_assert!((x - x_px).abs() <= tolerance && (y - y_px).abs() <= tolerance, "({x}, {y})");
    }

    #[test]
    fn the_picture_cannot_be_lost(
        looks in proptest::collection::vec(any_look(), 0..6),
        pixel in (1e-2..1e2, 1e-2..1e2),
    ) {
        let dataset = one_fov(640, 480, pixel);
        let session = after(&looks, &dataset);
        let rect = picture(&session, &dataset, CANVAS);
        prop_assert!(rect.x1 >= 31.0 && rect.x0 <= 609.0, "{rect:?}");
        prop_assert!(rect.y1 >= 31.0 && rect.y0 <= 449.0, "{rect:?}");
    }

    #[test]
    fn no_number_is_lost_whatever_comes_in(
        looks in proptest::collection::vec(any_look(), 0..6),
        canvas in any_canvas(),
        pixel in (any_pixel_um(), any_pixel_um()),
    ) {
        let dataset = one_fov(640, 480, pixel);
        let session = after(&looks, &dataset);
        let projection = session.projection(&dataset, canvas);
        let rect = picture(&session, &dataset, canvas);
        for number in [projection.px_per_um, rect.x0, rect.y0, rect.x1, rect.y1] {
            prop_assert!(number.is_finite(), "{projection:?} {rect:?}");
        }
        prop_assert!(projection.px_per_um > 0.0);
        for placed in shown(&session, &dataset, canvas).placed {
            let rect = placed.rect;
            prop_assert!([rect.x0, rect.y0, rect.x1, rect.y1].iter().all(|edge| edge.is_finite()));
        }
    }
}
