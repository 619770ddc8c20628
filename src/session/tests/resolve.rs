//! What a session shows and wishes: pure, in order of urgency, honest about what is not there.

use std::collections::HashSet;

use super::*;
use crate::{
    dataset::{
        ImageSlot,
        testing::{dataset_of, failed, image, with_levels, with_tiles},
    },
    model::{Tier, TileId, Wish, ZPick},
};

/// Three FOVs: one of the default size, one that cannot be opened, one that nobody has looked at.
fn one_of_each() -> Dataset {
    let template = Arc::new(image(Sizes::default()));
    let opened = ImageSlot::Opened(Arc::clone(&template));
    dataset_of(template, vec![opened, failed(), ImageSlot::Unopened])
}

fn tiles_of(visible: &Visible) -> Vec<TileId> {
    let tiles = visible.placed.iter().flat_map(|placed| &placed.tiles);
    tiles.copied().collect()
}

fn wished(visible: &Visible, tier: Tier) -> Vec<TileId> {
    let wishes = visible.wishes.iter().filter(|wish| wish.tier == tier);
    wishes.map(|wish| wish.tile).collect()
}

/// What FOV `flat` of `one_of_each` shows: placed tiles, visible wishes, FOVs to open.
fn check(flat: u32, num_placed: usize, num_wishes: usize, unopened: &[u32]) {
    let dataset = one_of_each();
    // Along z, so that prefetch stays in the FOV.
    let session = after(
        &[
            Command::SetIndex(NavAxis::Fov, flat),
            Command::Step(NavAxis::Z, 1),
        ],
        &dataset,
    );
    let visible = shown(&session, &dataset, CANVAS);
    assert_eq!(tiles_of(&visible).len(), num_placed);
    assert_eq!(wished(&visible, Tier::Visible).len(), num_wishes);
    let unopened: Vec<FovId> = unopened.iter().copied().map(FovId).collect();
    assert_eq!(visible.unopened, unopened);
    assert!(!visible.outside);
}

#[test]
fn an_opened_fov_is_placed_and_wished_once_per_channel() {
    check(0, 2, 2, &[]);
}

#[test]
fn a_fov_that_cannot_be_opened_has_the_tiles_of_the_template_and_no_wishes() {
    check(1, 2, 0, &[]);
}

#[test]
fn an_unopened_fov_is_listed_and_not_read() {
    check(2, 0, 0, &[2]);
}

#[test]
fn of_an_unopened_fov_what_is_likely_is_what_it_wishes_for_when_it_is_open() {
    let mut dataset = one_of_each();
    let session = after(&[Command::SetIndex(NavAxis::Fov, 2)], &dataset);
    let before = shown(&session, &dataset, CANVAS);
    dataset.images[2] = ImageSlot::Opened(Arc::clone(&dataset.template));
    let opened = shown(&session, &dataset, CANVAS);
    assert_eq!(before.likely, wished(&opened, Tier::Visible));
    assert_eq!((before.likely.len(), opened.likely.len()), (2, 0));
}

#[test]
fn unopened_neighbours_are_listed_after_the_shown_fov_and_once() {
    let template = Arc::new(image(Sizes::default()));
    let dataset = dataset_of(template, vec![ImageSlot::Unopened; 6]);
    let session = after(&[Command::Step(NavAxis::Fov, 2)], &dataset);
    let visible = shown(&session, &dataset, CANVAS);
    assert_eq!(visible.unopened, [2, 3, 4, 5, 1].map(FovId));
    assert_eq!(visible.wishes, []);
}

#[test]
fn the_same_input_gives_the_same_value() {
    let dataset = dataset(Sizes::default());
    let session = after(&[Command::Step(NavAxis::Time, 1)], &dataset);
    assert_eq!(
        shown(&session, &dataset, CANVAS),
        shown(&session.clone(), &dataset.clone(), CANVAS)
    );
}

#[test]
fn visible_wishes_come_before_prefetch() {
    let dataset = dataset(Sizes::default());
    let session = after(&[Command::Step(NavAxis::Time, 1)], &dataset);
    let visible = shown(&session, &dataset, CANVAS);
    let tiers: Vec<Tier> = visible.wishes.iter().map(|wish| wish.tier).collect();
    assert!(tiers.is_sorted(), "{tiers:?}");
    assert!(tiers.contains(&Tier::Visible) && tiers.contains(&Tier::Prefetch));
}

/// A plane of 16 x 16 tiles of 512, magnified about its middle.
fn large() -> (Dataset, Session) {
    let sizes = Sizes {
        c: 3,
        width: 8192,
        height: 8192,
        ..Sizes::default()
    };
    let image = Arc::new(with_tiles(image(sizes), 512));
    let dataset = dataset_of(Arc::clone(&image), vec![ImageSlot::Opened(image)]);
    let zoom = Command::ZoomAbout {
        factor: 6.0,
        x_px: 320.0,
        y_px: 240.0,
        canvas: CANVAS,
    };
    let session = after(&[zoom, Command::SelectChannel(1)], &dataset);
    (dataset, session)
}

#[test]
fn the_selected_channel_comes_first_then_the_others_one_by_one_each_from_the_middle() {
    let (dataset, session) = large();
    let visible = shown(&session, &dataset, CANVAS);
    let distance = |tile: TileId| {
        let placed = visible.placed.iter().find(|p| p.tiles.contains(&tile));
        let rect = placed.expect("wished tiles are placed").rect;
        let (x, y) = (
            f64::midpoint(rect.x0, rect.x1),
            f64::midpoint(rect.y0, rect.y1),
        );
        (x - 320.0).hypot(y - 240.0)
    };
    let wishes = wished(&visible, Tier::Visible);
    assert!(wishes.len() > 8, "{}", wishes.len());
    let key = |&tile: &TileId| (tile.plane.c != 1, tile.plane.c, distance(tile));
    let keys: Vec<(bool, u16, f64)> = wishes.iter().map(key).collect();
    assert!(keys.iter().any(|(_, c, _)| *c == 2), "{keys:?}");
    assert!(keys.is_sorted(), "{keys:?}");
}

#[test]
fn what_is_wished_is_what_is_placed() {
    let (dataset, session) = large();
    let visible = shown(&session, &dataset, CANVAS);
    let placed: HashSet<TileId> = tiles_of(&visible).into_iter().collect();
    let wishes: HashSet<TileId> = wished(&visible, Tier::Visible).into_iter().collect();
    assert_eq!(placed, wishes);
}

/// A stack of 10 slices whose second level has 5.
fn thinned() -> Dataset {
    let sizes = Sizes {
        z: 10,
        width: 2560,
        height: 1920,
        ..Sizes::default()
    };
    let image = Arc::new(with_levels(image(sizes), &[(5, 960, 1280)]));
    let slot = ImageSlot::Opened(Arc::clone(&image));
    dataset_of(image, vec![slot; 2])
}

#[test]
fn z_of_a_thinned_level_is_mapped_into_its_index_space() {
    let dataset = thinned();
    for (z, one_to_one, fitted) in [(0, 0, 0), (1, 1, 0), (4, 4, 2), (8, 8, 4), (9, 9, 4)] {
        let mut session = after(&[Command::SetIndex(NavAxis::Z, z)], &dataset);
        let picked = |session: &Session| {
            let tile = tiles_of(&shown(session, &dataset, CANVAS))[0];
            (tile.plane.z, tile.plane.level)
        };
        // Fitted: the first computed level, which is made of the thinned one.
        assert_eq!(picked(&session), (ZPick::Slice(fitted), 2), "z {z}");
        session.apply(&Command::OneToOne(CANVAS), &dataset);
        assert_eq!(picked(&session), (ZPick::Slice(one_to_one), 0), "z {z}");
    }
}

#[test]
fn nothing_is_wished_twice() {
    let (large, magnified) = large();
    let thinned = thinned();
    let in_stack = |z| after(&[Command::SetIndex(NavAxis::Z, z)], &thinned);
    let mut cases = vec![(&large, magnified)];
    cases.extend((0..10).map(|z| (&thinned, in_stack(z))));
    for (dataset, session) in cases {
        let wishes = shown(&session, dataset, CANVAS).wishes;
        let tiles: HashSet<TileId> = wishes.iter().map(|wish: &Wish| wish.tile).collect();
        assert_eq!(tiles.len(), wishes.len(), "at {:?}", session.position);
    }
}

/// A FOV of 2 timepoints, 1 channel and 3 slices beside one of the default sizes: is the position outside of the
/// small one, and how many tiles does it have there?
fn check_small(text: &str, max: bool, outside: bool, num_placed: usize) {
    let small = Sizes {
        t: 2,
        c: 1,
        z: 3,
        ..Sizes::default()
    };
    let slots = [Sizes::default(), small].map(|sizes| ImageSlot::Opened(image(sizes).into()));
    let dataset = dataset_of(Arc::new(image(Sizes::default())), slots.into());
    let mut session = after(&[Command::GoToText(format!("{text} fov1"))], &dataset);
    session.max_projection = max;
    let visible = shown(&session, &dataset, CANVAS);
    let found = (visible.outside, tiles_of(&visible).len());
    assert_eq!(found, (outside, num_placed), "{text}");
    assert_eq!(wished(&visible, Tier::Visible).len(), num_placed);
}

#[test]
fn a_position_beyond_a_smaller_fov_is_outside_with_nothing_placed() {
    check_small("t1 z2", false, false, 1);
    check_small("t2 z2", false, true, 0);
    check_small("t1 z3", false, true, 0);
    check_small("t1 z4", true, false, 1);
    check_small("t3 z4", true, true, 0);
}

#[test]
fn a_maximum_projection_is_one_plane_of_all_slices() {
    let dataset = dataset(Sizes::default());
    let session = after(&[Command::ToggleMaxProjection], &dataset);
    let tiles = tiles_of(&shown(&session, &dataset, CANVAS));
    assert!(tiles.iter().all(|tile| tile.plane.z == ZPick::Max));
    let flat = self::dataset(Sizes {
        z: 1,
        ..Sizes::default()
    });
    let session = after(&[Command::ToggleMaxProjection], &flat);
    let tiles = tiles_of(&shown(&session, &flat, CANVAS));
    assert!(tiles.iter().all(|tile| tile.plane.z == ZPick::Slice(0)));
}

#[test]
fn every_drawn_channel_has_its_look() {
    let dataset = dataset(Sizes::default());
    let limits = ContrastLimits {
        low: 1.0,
        high: 2.0,
    };
    let commands = [
        Command::SetVisible(0, false),
        Command::SetLimits(1, limits),
        Command::SetGamma(1, 2.0),
        Command::ToggleClipped,
    ];
    let visible = shown(&after(&commands, &dataset), &dataset, CANVAS);
    let looks: Vec<_> = visible
        .looks
        .iter()
        .map(|look| (look.c, look.limits, look.gamma))
        .collect();
    assert_eq!(looks, [(1, Some(limits), 2.0)]);
    assert!(visible.mark_clipped);
}

#[test]
fn an_empty_canvas_shows_and_reads_nothing_of_the_picture() {
    let dataset = dataset(Sizes::default());
    let visible = shown(&Session::new(&dataset), &dataset, CanvasSize::default());
    assert_eq!((visible.placed, visible.wishes), (vec![], vec![]));
}
