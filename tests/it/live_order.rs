//! Notices late, repeated, out of order, before and after the data; starts that replace what is shown.

use std::time::Duration;

use eframe::App as _;
use squidview::{
    dataset::AnnouncedSizes,
    live::PushHandle,
    model::{MemoryOrder, NavAxis, Pixels, Samples},
};

use crate::{
    desk::{Desk, Setup},
    pushed::{CHANNELS, Run, announced, counts, go, is_planned, notify, until_drawn},
    uniform::{PLANE, values},
    window::plate,
};

#[test]
fn a_plane_that_was_announced_before_its_file_is_drawn_when_the_file_comes() {
    let run = Run::new(1, [2, 1, 1]);
    let Some((mut desk, handle)) = announced(&run) else {
        return;
    };
    notify(&handle, 0, [0, 0, 0]);
    desk.frames(Duration::from_millis(200));
    assert!(is_planned(desk.harness.state()), "not even a store");
    run.create();
    desk.frames(Duration::from_millis(200));
    assert!(is_planned(desk.harness.state()), "a store without a plane");
    run.write(0, [0, 0, 0]);
    until_drawn(&mut desk, &[run.value(0, [0, 0, 0])]);
}

#[test]
fn a_file_that_is_there_before_its_notice_is_counted_once() {
    let run = Run::new(1, [1, 1, 1]);
    run.create();
    run.write(0, [0, 0, 0]);
    let Some((mut desk, handle)) = announced(&run) else {
        return;
    };
    let value = run.value(0, [0, 0, 0]);
    until_drawn(&mut desk, &[value]);
    notify(&handle, 0, [0, 0, 0]);
    desk.take_sent();
    until_drawn(&mut desk, &[value]);
    assert_eq!(counts(&desk).written, 1);
    // What is announced again is read again.
    run.stores[0].write([0, 0, 0], 7);
    notify(&handle, 0, [0, 0, 0]);
    until_drawn(&mut desk, &[7]);
    assert_eq!(counts(&desk).written, 1);
}

#[test]
fn notices_in_any_order_repeated_and_after_the_end_give_the_same_book() {
    let run = Run::new(2, [3, 2, 2]);
    let Some((mut desk, handle)) = announced(&run) else {
        return;
    };
    run.create();
    let planes = run.planes();
    // 7 and 24 have no common divisor: each once, far from its neighbours.
    let scattered: Vec<_> = (0..planes.len())
        .map(|at| planes[at * 7 % planes.len()])
        .collect();
    for (at, &(fov, plane)) in scattered.iter().enumerate() {
        if at % 3 == 0 {
            notify(&handle, fov, plane);
        }
        run.write(fov, plane);
        if at % 3 == 1 {
            notify(&handle, fov, plane);
            notify(&handle, fov, plane);
        }
        desk.harness.step();
    }
    handle.end_zarr_acquisition().unwrap();
    for &(fov, plane) in scattered.iter().rev() {
        notify(&handle, fov, plane);
    }
    desk.take_sent();
    let all = planes.len() as u64;
    assert_eq!(counts(&desk).written, all);
    assert_eq!(
        desk.status()
            .dataset
            .as_ref()
            .unwrap()
            .len_along(NavAxis::Time),
        3
    );
    for fov in 0..2 {
        for t in 0..3 {
            for z in 0..2 {
                go(&mut desk, &handle, fov, t, z);
                let expected = [0, 1].map(|c| run.value(fov, [t, c, z]));
                until_drawn(&mut desk, &expected);
            }
        }
    }
    let counts = counts(&desk);
    assert_eq!((counts.written, counts.missing, counts.failed), (all, 0, 0));
    assert_eq!(handle.num_late(), 0);
}

#[test]
fn notices_of_an_older_acquisition_are_counted_and_change_nothing() {
    let (run, other) = (Run::new(1, [1, 1, 2]), Run::new(1, [1, 1, 2]));
    let Some((mut desk, handle)) = announced(&run) else {
        return;
    };
    let older = handle.other_client();
    other.announce(&older);
    run.announce(&handle);
    desk.settle();
    for _ in 0..5 {
        notify(&older, 0, [0, 0, 1]);
    }
    desk.take_sent();
    assert_eq!(handle.num_late(), 5);
    assert_eq!(counts(&desk).written, 0);
    older.end_zarr_acquisition().unwrap();
    desk.take_sent();
    desk.harness.run_steps(2);
    assert!(handle.is_zarr_push_mode_active() && desk.status().is_zarr_push_active);
}

/// Nothing of what was shown before is left.
fn assert_fresh(desk: &mut Desk, handle: &PushHandle, fovs: &[(&str, u32)]) {
    desk.settle();
    desk.take_sent();
    let fovs: Vec<(String, u32)> = fovs
        .iter()
        .map(|&(name, at)| (name.to_owned(), at))
        .collect();
    desk.status();
    assert_eq!(handle.get_fov_list(), fovs);
    assert_eq!(counts(desk).written, 0);
    assert!(values(desk.harness.state()).is_empty());
    assert_eq!(desk.session().position.t, 0);
    let dataset = desk.status().dataset.clone().unwrap();
    assert_eq!(dataset.len_along(NavAxis::Time), 1);
}

#[test]
fn a_start_replaces_whatever_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = plate(folder.path());
    let Some(mut desk) = Desk::with(&path, Setup::default()) else {
        return;
    };
    assert!(desk.says("A1"));
    let handle = desk.harness.state().push_handle();
    let run = Run::new(2, [2, 2, 1]);
    run.announce(&handle);
    assert_fresh(&mut desk, &handle, &[("R0", 0), ("R0", 1)]);
    assert!(!desk.says("A1"), "labels of the plate are gone");
    run.create();
    for (fov, plane) in run.planes() {
        run.write(fov, plane);
        notify(&handle, fov, plane);
    }
    until_drawn(&mut desk, &[0, 1].map(|c| run.value(0, [0, c, 0])));
    go(&mut desk, &handle, 1, 1, 0);
    // Registered planes in place of stores.
    let sizes = AnnouncedSizes {
        channels: vec![CHANNELS[1].into()],
        ..run.sizes()
    };
    handle
        .start_acquisition(sizes, vec!["C3:0".into()])
        .unwrap();
    assert_fresh(&mut desk, &handle, &[("C3", 0)]);
    let samples = Samples::U16(vec![9; (PLANE[0] * PLANE[1]) as usize]);
    let pixels = Pixels::new(
        PLANE[0] as u32,
        PLANE[1] as u32,
        MemoryOrder::RowMajor,
        samples,
    );
    handle
        .register_array(2, 0, 0, CHANNELS[1], pixels.unwrap())
        .unwrap();
    desk.take_sent();
    go(&mut desk, &handle, 0, 2, 0);
    until_drawn(&mut desk, &[9]);
    // And stores again; these have never been.
    let run = Run::new(1, [2, 1, 1]);
    run.announce(&handle);
    assert_fresh(&mut desk, &handle, &[("R0", 0)]);
    // A folder in place of an acquisition; notices do not bring that back.
    handle.load_dataset(&path).unwrap();
    desk.until("the plate is open again", |app| {
        let name = app.session().map(|session| session.channels.len());
        name == Some(2) && app.is_settled() && app.has_picture()
    });
    notify(&handle, 0, [0, 0, 0]);
    desk.take_sent();
    assert_eq!(handle.get_fov_list().len(), 4);
    assert!(desk.status().acquisition.is_none());
    // It still runs.
    desk.click("Show run");
    assert_fresh(&mut desk, &handle, &[("R0", 0)]);
}

#[test]
fn of_two_clients_the_latest_start_is_shown_and_the_other_offered() {
    let (first, second) = (Run::new(2, [1, 1, 1]), Run::new(1, [1, 1, 1]));
    let Some((mut desk, handle)) = announced(&first) else {
        return;
    };
    first.create();
    first.write(0, [0, 0, 0]);
    notify(&handle, 0, [0, 0, 0]);
    until_drawn(&mut desk, &[first.value(0, [0, 0, 0])]);
    let other = handle.other_client();
    let shown = second.announce(&other);
    desk.settle();
    desk.take_sent();
    assert_eq!(desk.status().acquisition, Some(shown));
    assert_eq!(other.get_fov_list().len(), 1);
    let (first_offer, second_offer) = ("2 FOVs, 1 channels", "1 FOVs, 1 channels");
    assert!(desk.says(first_offer), "the first is offered");
    // While it is not shown its planes come to the disk; their notices are for nobody.
    first.write(1, [0, 0, 0]);
    notify(&handle, 1, [0, 0, 0]);
    desk.take_sent();
    assert_eq!(handle.num_late(), 1);
    desk.click("Show run");
    desk.until("the first is shown", |app| {
        app.auto_save_interval();
        app.push_handle().get_fov_list().len() == 2 && app.is_settled()
    });
    until_drawn(&mut desk, &[first.value(0, [0, 0, 0])]);
    go(&mut desk, &handle, 1, 0, 0);
    until_drawn(&mut desk, &[first.value(1, [0, 0, 0])]);
    assert!(!desk.says(first_offer), "it is shown");
    assert!(desk.says(second_offer), "now the second is offered");
    // It goes on as before.
    first.stores[1].write([0, 0, 0], 5);
    notify(&handle, 1, [0, 0, 0]);
    until_drawn(&mut desk, &[5]);
    // One that ended before something else was shown is not offered.
    handle.end_zarr_acquisition().unwrap();
    desk.take_sent();
    second.announce(&other);
    desk.take_sent();
    desk.settle();
    assert!(!desk.says(first_offer), "it has ended");
}

#[test]
fn what_ended_while_another_was_shown_is_shown_again_as_ended_with_its_planes() {
    let run = Run::new(1, [1, 1, 1]);
    let Some((mut desk, handle)) = announced(&run) else {
        return;
    };
    let sizes = AnnouncedSizes {
        channels: vec![CHANNELS[0].into()],
        ..run.sizes()
    };
    let labels = vec!["C3:0".into(), "C3:1".into()];
    handle.start_acquisition(sizes, labels).unwrap();
    for fov in [0, 1] {
        let samples = Samples::U16(vec![7; (PLANE[0] * PLANE[1]) as usize]);
        let (width, height) = (PLANE[0] as u32, PLANE[1] as u32);
        let pixels = Pixels::new(width, height, MemoryOrder::RowMajor, samples).unwrap();
        handle
            .register_array(0, fov, 0, CHANNELS[0], pixels)
            .unwrap();
    }
    desk.take_sent();
    let other = handle.other_client();
    run.announce(&other);
    desk.settle();
    handle.end_acquisition().unwrap();
    desk.take_sent();
    assert!(desk.says("2 FOVs, 1 channels, ended"));
    desk.click("Show acquisition");
    desk.until("the first is shown again", |app| {
        app.auto_save_interval();
        app.push_handle().get_fov_list().len() == 2 && app.is_settled()
    });
    desk.harness.run_steps(2);
    assert_eq!(counts(&desk).written, 2);
    assert!(desk.says("finished"));
    assert!(!desk.status().is_zarr_push_active);
}

#[test]
fn notices_of_an_acquisition_that_is_not_open_any_more_count_as_late() {
    let run = Run::new(1, [1, 1, 3]);
    let folder = tempfile::tempdir().unwrap();
    let other = plate(folder.path());
    let check = |leave: &dyn Fn(&mut Desk, &PushHandle)| {
        let Some((mut desk, handle)) = announced(&run) else {
            return;
        };
        notify(&handle, 0, [0, 0, 0]);
        desk.take_sent();
        assert_eq!((counts(&desk).written, handle.num_late()), (1, 0));
        leave(&mut desk, &handle);
        for z in [1, 2, 2] {
            notify(&handle, 0, [0, 0, z]);
        }
        desk.take_sent();
        assert_eq!(handle.num_late(), 3);
    };
    check(&|desk, handle| {
        handle.load_dataset(&other).unwrap();
        desk.until("the other one is shown", |app| {
            app.auto_save_interval();
            let status = app.push_handle().status();
            app.is_settled() && status.acquisition.is_none() && status.dataset.is_some()
        });
    });
    check(&|desk, _| {
        desk.press(egui::Modifiers::COMMAND, egui::Key::W);
        desk.harness.run_steps(2);
        assert!(desk.status().dataset.is_none());
    });
}
