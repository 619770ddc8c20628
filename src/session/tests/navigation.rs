//! Where navigation leads: clamping, flat numbers, typed texts.

use super::*;
use crate::dataset::{
    ImageSlot,
    testing::{dataset_of, failed, image, with_extra, with_levels},
};
use Direction::{Backward, Forward};
use NavAxis::{Fov, Time, Z};

/// Commands on 3 FOVs, 4 timepoints and 5 slices lead to (t, flat number, z).
fn check(commands: &[Command], expected: (u32, u32, u32)) {
    let dataset = dataset(Sizes::default());
    let at = after(commands, &dataset).position;
    let found = (at.t, at.index(Fov, &dataset), at.z);
    assert_eq!(found, expected, "after {commands:?}");
}

#[test]
fn the_first_look_is_the_first_timepoint_and_the_middle_slice() {
    check(&[], (0, 0, 2));
}

#[test]
fn an_index_beyond_an_end_is_the_end() {
    check(&[Command::SetIndex(Time, 3)], (3, 0, 2));
    check(&[Command::SetIndex(Time, 4)], (3, 0, 2));
    check(&[Command::SetIndex(Time, u32::MAX)], (3, 0, 2));
    check(&[Command::SetIndex(Fov, u32::MAX)], (0, 2, 2));
    check(&[Command::SetIndex(Z, u32::MAX)], (0, 0, 4));
    check(&[Command::SetIndex(Z, 0)], (0, 0, 0));
}

#[test]
fn steps_stop_at_both_ends() {
    for (axis, last) in [(Time, (3, 0, 2)), (Fov, (0, 2, 2)), (Z, (0, 0, 4))] {
        for far in [10, i64::MAX] {
            check(&[Command::Step(axis, far)], last);
        }
    }
    for (axis, first) in [(Time, (0, 2, 4)), (Fov, (3, 0, 4)), (Z, (3, 2, 0))] {
        let to_ends = [Time, Fov, Z].map(|axis| Command::SetIndex(axis, u32::MAX));
        for far in [-10, i64::MIN] {
            check(&[&to_ends[..], &[Command::Step(axis, far)]].concat(), first);
        }
    }
    check(&[Command::Step(Z, 1), Command::Step(Z, -2)], (0, 0, 1));
    check(&[Command::Step(Z, 0)], (0, 0, 2));
}

#[test]
fn the_ends_are_those_of_the_axis_moved_last() {
    check(&[Command::GoToEnd(Forward)], (0, 0, 4));
    check(&[Command::GoToEnd(Backward)], (0, 0, 0));
    check(
        &[Command::Step(Time, 1), Command::GoToEnd(Forward)],
        (3, 0, 2),
    );
    check(
        &[Command::Step(Fov, 1), Command::GoToEnd(Forward)],
        (0, 2, 2),
    );
    check(
        &[Command::SetIndex(Fov, 2), Command::GoToEnd(Backward)],
        (0, 0, 2),
    );
}

#[test]
fn a_fov_that_there_is_not_leads_nowhere() {
    let to_second = Command::GoToFov(FovId(1));
    check(std::slice::from_ref(&to_second), (0, 1, 2));
    for hostile in [3, u32::MAX] {
        check(
            &[to_second.clone(), Command::GoToFov(FovId(hostile))],
            (0, 1, 2),
        );
    }
}

#[test]
fn the_position_along_other_axes_stays_inside_the_fov() {
    let dataset = dataset(Sizes::default());
    for hostile in [1, u32::MAX] {
        let session = after(&[Command::SetExtra(hostile)], &dataset);
        assert_eq!(session.position.extra, 0);
    }
}

#[test]
fn a_fov_keeps_its_id_whatever_its_place_in_the_display_order() {
    let mut dataset = dataset(Sizes::default());
    dataset.order = [2, 0, 1].map(FovId).into();
    let session = Session::new(&dataset);
    assert_eq!(session.position.fov, FovId(2), "first of the order");
    for flat in 0..dataset.num_fovs() {
        let at = after(&[Command::SetIndex(Fov, flat)], &dataset).position;
        assert_eq!(dataset.flat_of(at.fov), Some(flat));
        let back = after(&[Command::GoToFov(at.fov)], &dataset).position;
        assert_eq!(back.index(Fov, &dataset), flat);
    }
    let mut grown = dataset.clone();
    grown.order = [0, 1, 2].map(FovId).into();
    let mut session = after(&[Command::SetIndex(Fov, 2)], &dataset);
    session.apply(&Command::DatasetChanged, &grown);
    assert_eq!(
        session.position.fov,
        FovId(1),
        "growth never moves the view"
    );
}

#[test]
fn the_first_look_prefers_a_fov_that_can_be_shown() {
    let opened = ImageSlot::Opened(image(Sizes::default()).into());
    let template = Arc::new(image(Sizes::default()));
    for (slots, expected) in [
        (vec![failed(), ImageSlot::Unopened, opened], 2),
        (vec![failed(), ImageSlot::Unopened], 0),
    ] {
        let dataset = dataset_of(Arc::clone(&template), slots);
        assert_eq!(Session::new(&dataset).position.fov, FovId(expected));
    }
}

#[test]
fn a_newer_revision_with_longer_axes_moves_nothing_and_can_be_walked() {
    let short = dataset(Sizes::default());
    let long = dataset(Sizes {
        t: 9,
        c: 3,
        ..Sizes::default()
    });
    let mut session = after(&[Command::GoToText("t3 z4".into())], &short);
    session.apply(&Command::SetVisible(0, false), &short);
    session.apply(&Command::DatasetChanged, &long);
    assert_eq!((session.position.t, session.position.z), (3, 4));
    let visible: Vec<bool> = session.channels.iter().map(|view| view.visible).collect();
    assert_eq!(visible, [false, true, true]);
    session.apply(&Command::Step(Time, 100), &long);
    assert_eq!(session.position.t, 8);
    session.apply(&Command::DatasetChanged, &short);
    assert_eq!(session.position.t, 3, "shorter ones clamp");
}

#[test]
fn axes_are_as_long_as_those_of_the_longest_fov() {
    let sizes = Sizes::default();
    let deep = image(Sizes { z: 30, ..sizes });
    let slots = [image(sizes), with_levels(deep, &[(15, 24, 32)])]
        .map(|image| ImageSlot::Opened(image.into()));
    let dataset = dataset_of(Arc::new(image(sizes)), slots.into());
    let session = after(&[Command::SetIndex(Z, u32::MAX)], &dataset);
    assert_eq!(session.position.z, 29);
}

/// Two FOVs of `B3`, one of region `t7`, one of `Left Lung`, one of `12`; 9 timepoints, 5 slices.
fn named_regions() -> Dataset {
    let mut dataset = dataset(Sizes {
        num_fovs: 5,
        t: 9,
        ..Sizes::default()
    });
    let names = [
        ("B3", "B3:1"),
        ("B3", "B3:2"),
        ("t7", "t7:0"),
        ("Left Lung", "Left Lung:0"),
        ("12", "12:0"),
    ];
    let rows = dataset.fovs.iter().zip(names);
    let rows = rows.map(|(row, (region, label))| crate::dataset::Fov {
        region: Some(region.into()),
        label: label.into(),
        ..row.clone()
    });
    dataset.fovs = rows.collect();
    dataset
}

/// A typed text leads to (t, flat number, z), from (0, 0, 2).
fn check_text(text: &str, expected: (u32, u32, u32)) {
    let dataset = named_regions();
    let at = after(&[Command::GoToText(text.to_owned())], &dataset).position;
    assert_eq!((at.t, at.index(Fov, &dataset), at.z), expected, "{text:?}");
}

#[test]
fn typed_labels_and_regions_lead_to_their_fov_in_any_case() {
    check_text("B3:2", (0, 1, 2));
    check_text("b3:2", (0, 1, 2));
    check_text("B3", (0, 0, 2));
    check_text(" b3:2 ", (0, 1, 2));
    check_text("B3:2, z4", (0, 1, 4));
}

#[test]
fn typed_names_with_spaces_are_found_as_a_whole() {
    check_text("left lung", (0, 3, 2));
    check_text("Left Lung:0", (0, 3, 2));
}

#[test]
fn typed_indices_lead_along_their_axis() {
    check_text("t3", (3, 0, 2));
    check_text("T3 Z4", (3, 0, 4));
    check_text("z4;t3", (3, 0, 4));
    check_text("fov 3", (0, 3, 2));
    check_text("FOV3", (0, 3, 2));
    check_text("3", (0, 3, 2));
    check_text("t999 z999", (8, 0, 4));
}

#[test]
fn typed_names_of_further_axes_lead_along_them() {
    let short = Sizes::default();
    let image = with_extra(image(short), &[("Angle", 3), ("phase", 5)]);
    let dataset = dataset_of(
        Arc::new(image.clone()),
        vec![ImageSlot::Opened(image.into())],
    );
    for (text, extra, z) in [
        ("angle 2", 10, 2),
        ("Angle2, phase=3, z4", 13, 4),
        ("phase 99", 4, 2),
        ("angle", 0, 2),
        ("angle -1", 0, 2),
    ] {
        let session = after(&[Command::GoToText(text.into())], &dataset);
        let at = session.position;
        assert_eq!((at.extra, at.z), (extra, z), "{text}");
    }
}

#[test]
fn a_name_comes_before_what_it_could_mean_otherwise() {
    check_text("t7", (0, 2, 2));
    check_text("12", (0, 4, 2));
    check_text("t6", (6, 0, 2));
}

#[test]
fn typed_nonsense_leads_nowhere_and_spoils_nothing() {
    for text in [
        "", " ", ",;", "t", "z-1", "fov", "B9", "t1.5", "\u{0}", "ẞ", "t٣",
    ] {
        check_text(text, (0, 0, 2));
    }
    check_text("t3 nonsense z1", (3, 0, 1));
    let dataset = named_regions();
    let (before, after) = (
        Session::new(&dataset),
        after(&[Command::GoToText("nonsense".into())], &dataset),
    );
    assert_eq!(after.position, before.position);
    assert_eq!(after.last_move.0, before.last_move.0);
}
