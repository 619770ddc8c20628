//! An announced acquisition in the real app: started before anything is on disk, written plane by plane, ended.

use image::Rgba;
use squidview::simulate::{Plan, Structure};

use crate::{
    desk::{Desk, Setup},
    microscope::Microscope,
};

/// 3 z-slices, 1 channel of 96 x 64 pixels, 2 timepoints.
fn plan(structure: Structure, regions: &[(&str, u32)]) -> Plan {
    let named = |&(name, count): &(&str, u32)| (name.to_owned(), count);
    Plan {
        structure,
        regions: regions.iter().map(named).collect(),
        num_timepoints: 2,
        num_z: 3,
        channels: vec!["Fluorescence 488 nm Ex".into()],
        width: 96,
        height: 64,
        ..Plan::default()
    }
}

/// True where the middle of the canvas shows a picture: the only channel is green.
fn is_picture(color: Rgba<u8>) -> bool {
    color[1] > color[0] && color[1] > color[2]
}

fn check_structure(structure: Structure, regions: &[(&str, u32)]) {
    let mut microscope = Microscope::new(plan(structure, regions));
    let Some(mut desk) = Desk::new(Setup::default()) else {
        return;
    };
    let handle = desk.harness.state().push_handle();
    microscope.announce(&handle);
    desk.settle();
    assert!(!desk.harness.state().has_picture(), "nothing is on disk");
    // The first look is at the middle z-slice, the second plane of the first FOV.
    desk.press(egui::Modifiers::NONE, egui::Key::ArrowDown);
    let first = microscope.write();
    microscope.notify(&handle, first);
    desk.until("the first plane is drawn", |app| {
        app.is_settled() && app.has_picture()
    });
    desk.harness.run_steps(2);
    assert!(is_picture(desk.color_at(0.5, 0.5)), "{structure:?}");
    desk.press(egui::Modifiers::NONE, egui::Key::ArrowUp);
    desk.settle();
    assert!(!desk.harness.state().has_picture(), "the next slice");
    let second = microscope.write();
    microscope.notify(&handle, second);
    desk.until("the second plane is drawn", |app| {
        app.is_settled() && app.has_picture()
    });
    microscope.finish();
    handle.end_zarr_acquisition().unwrap();
    let last_fov = regions.iter().map(|(_, count)| count).sum::<u32>() - 1;
    handle.load_fov(last_fov.into(), Some(1), Some(2)).unwrap();
    desk.until("the last plane is drawn", |app| {
        let at = app.session().map(|session| session.position);
        at.is_some_and(|at| (at.fov.0, at.t, at.z) == (last_fov, 1, 2))
            && app.is_settled()
            && app.has_picture()
    });
}

#[test]
fn planes_of_stores_per_fov_are_drawn_as_they_are_announced() {
    check_structure(Structure::PerFov, &[("R0", 2), ("R1", 1)]);
}

#[test]
fn planes_of_a_plate_are_drawn_as_they_are_announced() {
    check_structure(Structure::Hcs, &[("A1", 2), ("B2", 1)]);
}

#[test]
fn planes_of_several_6d_regions_are_drawn_as_they_are_announced() {
    check_structure(Structure::SixD, &[("R0", 1), ("R1", 3), ("R2", 2)]);
}

#[test]
fn planes_of_a_single_image_are_drawn_as_they_are_announced() {
    check_structure(Structure::Single, &[("R0", 1)]);
}
