//! An announced acquisition in the real app: started before anything is on disk, written plane by plane, ended.

use eframe::App as _;
use image::Rgba;
use squidview::{
    live::PushHandle,
    simulate::{Plan, Structure},
};

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

/// Bars of z, FOV and t, each with its steps; an axis of one step has none.
fn filled(desk: &mut Desk, num_fovs: u32) -> [Vec<bool>; 3] {
    let fov = match num_fovs {
        1 => Vec::new(),
        _ => desk.filled("FOV slider", num_fovs),
    };
    [desk.filled("Z slider", 3), fov, desk.filled("T slider", 2)]
}

/// So many of the first steps, of so many.
fn first(num_filled: u32, length: u32) -> Vec<bool> {
    (0..length).map(|step| step < num_filled).collect()
}

fn check_structure(structure: Structure, regions: &[(&str, u32)]) {
    let mut microscope = Microscope::new(plan(structure, regions));
    let Some(mut desk) = Desk::new(Setup::default()) else {
        return;
    };
    let handle = desk.harness.state().push_handle();
    let num_fovs = regions.iter().map(|(_, count)| count).sum::<u32>();
    let of_fovs = |num_filled| match num_fovs {
        1 => Vec::new(),
        _ => first(num_filled, num_fovs),
    };
    microscope.announce(&handle);
    desk.settle();
    assert!(!desk.harness.state().has_picture(), "nothing is on disk");
    assert!(desk.has("Not acquired yet"), "{structure:?}");
    assert!(desk.says("0 planes"), "{structure:?}");
    // How many timepoints there will be, nobody has said yet.
    assert!(!desk.has("T slider"));
    assert_eq!(desk.filled("Z slider", 3), first(0, 3));
    // The first look is at the middle z-slice, the second plane of the first FOV.
    desk.press(egui::Modifiers::NONE, egui::Key::ArrowDown);
    let written = microscope.write();
    microscope.notify(&handle, written);
    desk.until("the first plane is drawn", |app| {
        app.is_settled() && app.has_picture()
    });
    desk.harness.run_steps(2);
    assert!(is_picture(desk.color_at(0.5, 0.5)), "{structure:?}");
    assert!(!desk.has("Not acquired yet"), "{structure:?}");
    let bars = filled(&mut desk, num_fovs);
    assert_eq!(
        bars,
        [first(1, 3), of_fovs(1), first(1, 2)],
        "{structure:?}"
    );
    desk.press(egui::Modifiers::NONE, egui::Key::ArrowUp);
    desk.settle();
    assert!(!desk.harness.state().has_picture(), "the next slice");
    assert!(desk.has("Not acquired yet"), "the next slice");
    let second = microscope.write();
    microscope.notify(&handle, second);
    desk.until("the second plane is drawn", |app| {
        app.is_settled() && app.has_picture()
    });
    desk.harness.run_steps(2);
    assert_eq!(filled(&mut desk, num_fovs)[0], first(2, 3), "{structure:?}");
    check_end(&mut desk, &handle, microscope, num_fovs);
}

/// The run goes on to its end: the last plane is drawn, and everything is filled.
fn check_end(desk: &mut Desk, handle: &PushHandle, mut microscope: Microscope, num_fovs: u32) {
    microscope.finish();
    handle.end_zarr_acquisition().unwrap();
    let last_fov = num_fovs - 1;
    handle.load_fov(last_fov.into(), Some(1), Some(2)).unwrap();
    desk.until("the last plane is drawn", |app| {
        let at = app.session().map(|session| session.position);
        at.is_some_and(|at| (at.fov.0, at.t, at.z) == (last_fov, 1, 2))
            && app.is_settled()
            && app.has_picture()
    });
    let num_planes = u64::from(6 * num_fovs);
    desk.until("every plane is in the book", |app| {
        app.auto_save_interval();
        app.push_handle().status().counts.written == num_planes
    });
    desk.harness.run_steps(2);
    assert!(is_picture(desk.color_at(0.5, 0.5)));
    let of_fovs = match num_fovs {
        1 => Vec::new(),
        _ => first(num_fovs, num_fovs),
    };
    assert_eq!(filled(desk, num_fovs), [first(3, 3), of_fovs, first(2, 2)]);
    let (region, fov) = microscope.plan.regions.last().unwrap();
    assert!(desk.says(&format!("{region}:{}", fov - 1)), "its label");
    assert!(!desk.has("Not acquired yet"));
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
