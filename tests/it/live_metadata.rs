//! What an announced acquisition is like comes from its stores and side files as soon as they are there; what a person set
//! stays; what a person closed stays closed.

use std::time::Duration;

use eframe::App as _;
use egui::{Key, Modifiers};
use serde_json::json;
use squidview::{
    model::{Lut, Rgb},
    simulate::{Plan, Structure},
};

use crate::{
    desk::{Desk, Setup},
    microscope::Microscope,
    pushed::{CHANNELS, Run, announced, notify, until_drawn},
};

/// The colours of all channels.
fn luts(desk: &Desk) -> Vec<Lut> {
    desk.session()
        .channels
        .iter()
        .map(|view| view.lut)
        .collect()
}

#[test]
fn colours_come_from_wavelengths_until_a_store_says_its_own() {
    let mut run = Run::new(1, [1, 2, 1]);
    let of_file = ["FF8000", "00FFFF"];
    run.stores[0].channels = CHANNELS
        .iter()
        .zip(of_file)
        .map(|(name, color)| json!({"label": name, "color": color, "active": true}))
        .collect();
    let Some((mut desk, handle)) = announced(&run) else {
        return;
    };
    let before = luts(&desk);
    assert_ne!(before[0], before[1], "by wavelength");
    let own = of_file.map(|color| Lut::Color(Rgb::from_hex(color).unwrap()));
    assert!(before.iter().all(|lut| !own.contains(lut)));
    // By hand: the first channel is hidden.
    desk.press(Modifiers::ALT, Key::Num1);
    let drawn = desk.session().drawn_channels();
    assert_eq!(drawn, [1]);
    run.create();
    run.write(0, [0, 0, 0]);
    run.write(0, [0, 1, 0]);
    notify(&handle, 0, [0, 0, 0]);
    notify(&handle, 0, [0, 1, 0]);
    desk.until("a picture", |app| app.is_settled() && app.has_picture());
    assert_eq!(luts(&desk), own);
    assert_eq!(
        desk.session().drawn_channels(),
        drawn,
        "what was set by hand stays"
    );
    let dataset = desk.status().dataset.clone().unwrap();
    assert_eq!(dataset.template.sampling.x_um, Some(0.5));
    assert_eq!(dataset.template.sampling.z_um, Some(1.5));
}

#[test]
fn stage_positions_and_the_plan_come_from_side_files() {
    let plan = Plan {
        structure: Structure::PerFov,
        regions: vec![("R0".into(), 2)],
        num_timepoints: 3,
        num_z: 1,
        channels: vec![CHANNELS[0].into()],
        width: 96,
        height: 64,
        ..Plan::default()
    };
    let mut microscope = Microscope::new(plan);
    let Some(mut desk) = Desk::new(Setup::default()) else {
        return;
    };
    let handle = desk.harness.state().push_handle();
    microscope.announce(&handle);
    desk.settle();
    let dataset = desk.status().dataset.clone().unwrap();
    assert!(dataset.fovs.iter().all(|fov| fov.stage_um.is_none()));
    let first = microscope.write();
    microscope.notify(&handle, first);
    desk.until("a picture", |app| app.is_settled() && app.has_picture());
    let dataset = desk.status().dataset.clone().unwrap();
    assert!(dataset.fovs.iter().all(|fov| fov.stage_um.is_some()));
    assert_eq!(dataset.template.sampling.x_um, Some(0.325));
    assert_eq!(desk.status().counts.planned, Some(6));
    microscope.finish();
}

#[test]
fn what_was_closed_stays_closed_until_the_next_start_or_load() {
    let run = Run::new(1, [1, 1, 1]);
    let Some((mut desk, handle)) = announced(&run) else {
        return;
    };
    run.create();
    desk.press(Modifiers::COMMAND, Key::W);
    assert!(desk.harness.state().session().is_none());
    run.write(0, [0, 0, 0]);
    notify(&handle, 0, [0, 0, 0]);
    handle.end_zarr_acquisition().unwrap();
    notify(&handle, 0, [0, 0, 0]);
    desk.take_sent();
    desk.frames(Duration::from_millis(200));
    assert!(desk.harness.state().session().is_none());
    assert!(!handle.is_push_mode_active());
    run.announce(&handle);
    until_drawn(&mut desk, &[run.value(0, [0, 0, 0])]);
    desk.press(Modifiers::COMMAND, Key::W);
    assert!(desk.harness.state().session().is_none());
    handle.load_dataset(&run.root()).unwrap();
    desk.until("it is open", |app| {
        app.auto_save_interval();
        app.session().is_some() && app.is_settled() && app.has_picture()
    });
    assert!(desk.status().acquisition.is_none());
}
