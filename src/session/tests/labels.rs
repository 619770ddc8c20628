//! Label images: switches, and where their tiles are placed.

use super::*;
use crate::{
    dataset::{
        ImageSlot, LabelImage, LabelPlacement, OpenedLabel,
        testing::{dataset_of, image, with_levels, with_tiles},
    },
    model::{LabelLook, Tier, ZPick},
};

const OVER_ALL: LabelPlacement = LabelPlacement {
    x: 0.0,
    y: 0.0,
    pixel_width: 1.0,
    pixel_height: 1.0,
    z: 0.0,
    z_step: 1.0,
};

/// One FOV of 64 x 48 with label images `cells` and `nuclei`.
fn labelled() -> Dataset {
    let image = Arc::new(Image {
        labels: vec!["cells".into(), "nuclei".into()],
        ..image(Sizes::default())
    });
    dataset_of(Arc::clone(&image), vec![ImageSlot::Opened(image)])
}

fn opened(dataset: &Dataset, layer: u16, label: Image, placement: LabelPlacement) -> Dataset {
    let label = LabelImage {
        image: Arc::new(label),
        placement,
        colors: Arc::default(),
    };
    let opened = OpenedLabel {
        label,
        problems: Vec::new(),
    };
    dataset.with_label(FovId(0), layer, Ok(opened))
}

fn show(name: &str) -> Command {
    Command::ShowLabel(name.into(), true)
}

#[test]
fn a_label_image_is_opened_when_it_is_switched_on() {
    let dataset = labelled();
    let visible = shown(&after(&[], &dataset), &dataset, CANVAS);
    assert!(visible.unopened_labels.is_empty() && visible.labels.is_empty());
    let session = after(&[show("nuclei")], &dataset);
    let visible = shown(&session, &dataset, CANVAS);
    assert_eq!(visible.unopened_labels, [(FovId(0), 2)]);
    let off = Command::ShowLabel("nuclei".into(), false);
    let visible = shown(&after(&[show("nuclei"), off], &dataset), &dataset, CANVAS);
    assert!(visible.unopened_labels.is_empty());
    let visible = shown(&after(&[show("elsewhere")], &dataset), &dataset, CANVAS);
    assert!(
        visible.unopened_labels.is_empty(),
        "this FOV has none of that name"
    );
}

#[test]
fn opacity_is_clamped_and_kept_for_the_look() {
    let dataset = opened(&labelled(), 1, image(Sizes::default()), OVER_ALL);
    let commands = [
        show("cells"),
        Command::SetLabelOpacity("cells".into(), 7.0),
        Command::SetLabelOpacity("cells".into(), f32::NAN),
        Command::SetLabelOutline("cells".into(), true),
    ];
    let session = after(&commands, &dataset);
    let visible = shown(&session, &dataset, CANVAS);
    let look = LabelLook {
        opacity: 1.0,
        is_outline: true,
        colors: Arc::default(),
    };
    assert_eq!(visible.labels[0].look, look);
}

#[test]
fn labels_lie_over_the_picture_where_their_placement_says() {
    let half = Sizes {
        t: 1,
        c: 1,
        z: 1,
        width: 16,
        height: 12,
        ..Sizes::default()
    };
    let placement = LabelPlacement {
        x: 32.0,
        y: 24.0,
        pixel_width: 2.0,
        pixel_height: 2.0,
        ..OVER_ALL
    };
    let dataset = opened(&labelled(), 1, image(half), placement);
    let visible = shown(&after(&[show("cells")], &dataset), &dataset, CANVAS);
    let (whole, label) = (visible.placed[0].rect, &visible.labels[0]);
    let middle = |a: f64, b: f64| f64::midpoint(a, b);
    assert_eq!(label.rect.x0, middle(whole.x0, whole.x1));
    assert_eq!(label.rect.y0, middle(whole.y0, whole.y1));
    assert_eq!((label.rect.x1, label.rect.y1), (whole.x1, whole.y1));
    let plane = label.tile.plane;
    assert_eq!(
        (plane.layer, plane.t, plane.c, plane.z),
        (1, 0, 0, ZPick::Slice(0))
    );
    let wish = visible.wishes.last().unwrap();
    assert_eq!(
        (wish.tile, wish.tier),
        (label.tile, Tier::Visible),
        "after the image"
    );
}

#[test]
fn labels_beyond_their_own_sizes_are_not_drawn() {
    let short = Sizes {
        t: 2,
        ..Sizes::default()
    };
    let dataset = opened(&labelled(), 1, image(short), OVER_ALL);
    let at = |t| {
        let commands = [show("cells"), Command::SetIndex(NavAxis::Time, t)];
        shown(&after(&commands, &dataset), &dataset, CANVAS)
            .labels
            .len()
    };
    assert_eq!((at(1), at(3)), (1, 0));
}

#[test]
fn the_level_of_labels_follows_the_zoom_by_itself() {
    let fine = Sizes {
        width: 640,
        height: 480,
        ..Sizes::default()
    };
    let label = with_levels(image(fine), &[(5, 240, 320), (2, 120, 160)]);
    let placement = LabelPlacement {
        pixel_width: 0.1,
        pixel_height: 0.1,
        ..OVER_ALL
    };
    let dataset = opened(&labelled(), 1, label, placement);
    let level = |factor: f64| {
        let zoom = Command::ZoomAbout {
            factor,
            x_px: 320.0,
            y_px: 240.0,
            canvas: CANVAS,
        };
        let visible = shown(&after(&[show("cells"), zoom], &dataset), &dataset, CANVAS);
        let plane = visible.labels[0].tile.plane;
        (plane.level, plane.z)
    };
    assert_eq!(level(1.0), (0, ZPick::Slice(2)));
    assert_eq!(
        level(0.25),
        (2, ZPick::Slice(0)),
        "slices of the level's own"
    );
}

#[test]
fn a_plane_of_a_level_that_is_shorter_along_z_is_named_by_a_slice_that_it_stands_for() {
    let image = with_levels(image(Sizes::default()), &[(2, 24, 32)]);
    let dataset = dataset_of(
        Arc::new(image.clone()),
        vec![ImageSlot::Opened(Arc::new(image.clone()))],
    );
    for z in 0..5 {
        let commands = [Command::SetIndex(NavAxis::Z, z)];
        let small = CanvasSize {
            width_px: 32,
            height_px: 24,
        };
        let visible = shown(&after(&commands, &dataset), &dataset, small);
        let plane = visible.placed[0].tiles[0].plane;
        assert_eq!(plane.level, 1);
        let ZPick::Slice(named) = image.at_level_0(plane).z else {
            panic!("a slice")
        };
        assert_eq!(
            ZPick::Slice(named * 2 / 5),
            plane.z,
            "the same slice of the level"
        );
        assert!(named <= z && z < named + 3);
    }
}

#[test]
fn of_a_plane_of_many_tiles_the_coarsest_level_is_read_first() {
    let sizes = Sizes {
        width: 4000,
        height: 3000,
        ..Sizes::default()
    };
    let tiled = with_tiles(image(sizes), 512);
    let image = Arc::new(with_levels(tiled, &[(5, 1500, 2000), (5, 300, 400)]));
    let dataset = dataset_of(Arc::clone(&image), vec![ImageSlot::Opened(image)]);
    let one_to_one = after(&[Command::OneToOne(CANVAS)], &dataset);
    let visible = shown(&one_to_one, &dataset, CANVAS);
    let tiers: Vec<(Tier, u8)> = visible
        .wishes
        .iter()
        .map(|wish| (wish.tier, wish.tile.plane.level))
        .collect();
    assert_eq!(tiers[..2], [(Tier::Coarse, 2); 2], "both channels");
    assert_eq!(tiers[2], (Tier::Visible, 0));
    // Levels of one tile have nothing coarser to wait for.
    let fitted = shown(&after(&[], &dataset), &dataset, CANVAS);
    assert!(fitted.wishes.iter().all(|wish| wish.tier == Tier::Visible));
    let below = other_levels(&one_to_one, &one_to_one.selection(), &dataset, CANVAS);
    let levels: Vec<u8> = below
        .iter()
        .map(|placed| placed.tiles[0].plane.level)
        .collect();
    assert!(levels.is_sorted_by(|a, b| a >= b) && levels.contains(&2) && levels.contains(&1));
}
