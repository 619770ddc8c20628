//! Notices and starts that make no sense are refused with their values, and nothing grows from them.

use squidview::{
    dataset::AnnouncedSizes,
    live::PushHandle,
    model::{NavAxis, limits},
};

use crate::{
    desk::{Desk, Setup},
    planes::data_folder,
    pushed::{CHANNELS, Run, announced, counts, is_planned, notify, until_drawn},
};

/// What a notice is refused with.
fn refusal(handle: &PushHandle, t: i64, fov: i64, z: i64, channel: &str, region: i64) -> String {
    let refused = handle.notify_zarr_frame(t, fov, z, channel, region);
    refused.unwrap_err().to_string()
}

#[test]
fn a_notice_beyond_the_plan_is_refused_with_its_values() {
    let run = Run::new(2, [1, 2, 3]);
    let Some((mut desk, handle)) = announced(&run) else {
        return;
    };
    let [c0, _] = CHANNELS;
    let beyond = i64::from(limits::TIMEPOINTS);
    for (found, expected) in [
        (
            refusal(&handle, -1, 0, 0, c0, 0),
            format!("t -1, expected 0 to {}", beyond - 1),
        ),
        (
            refusal(&handle, beyond, 0, 0, c0, 0),
            format!("t {beyond}, expected 0 to {}", beyond - 1),
        ),
        (
            refusal(&handle, 0, -1, 0, c0, 0),
            "fov_idx -1, expected 0 to 1".into(),
        ),
        (
            refusal(&handle, 0, 2, 0, c0, 0),
            "fov_idx 2, expected 0 to 1".into(),
        ),
        (
            refusal(&handle, 0, 0, -1, c0, 0),
            "z -1, expected 0 to 2".into(),
        ),
        (
            refusal(&handle, 0, 0, i64::MAX, c0, 0),
            format!("z {}, expected 0 to 2", i64::MAX),
        ),
    ] {
        assert_eq!(found, expected);
    }
    let unknown = refusal(&handle, 0, 0, 0, "Cy5", 0);
    assert!(unknown.contains("Cy5") && unknown.contains(c0), "{unknown}");
    desk.take_sent();
    assert_eq!(counts(&desk).written, 0);
    let dataset = desk.status().dataset.clone().unwrap();
    assert_eq!(dataset.len_along(NavAxis::Time), 1);
    assert_eq!(dataset.len_along(NavAxis::Z), 3);
}

#[test]
fn a_region_beyond_the_plan_is_refused_and_nothing_moves_to_region_0() {
    let run = Run::new(2, [1, 1, 1]);
    let Some(mut desk) = Desk::new(Setup::default()) else {
        return;
    };
    let handle = desk.harness.state().push_handle();
    let paths = run.stores.iter().map(|store| store.folder.clone());
    let started = handle.start_zarr_acquisition_6d(paths.collect(), run.sizes(), &[1, 3], None);
    started.unwrap();
    let [c0, _] = CHANNELS;
    let region = |region| refusal(&handle, 0, 0, 0, c0, region);
    assert_eq!(region(-1), "region_idx -1, expected 0 to 1");
    assert_eq!(region(2), "region_idx 2, expected 0 to 1");
    assert_eq!(
        refusal(&handle, 0, 1, 0, c0, 0),
        "fov_idx 1, expected 0 to 0"
    );
    assert_eq!(
        refusal(&handle, 0, 3, 0, c0, 1),
        "fov_idx 3, expected 0 to 2"
    );
    handle.notify_zarr_frame(0, 2, 0, c0, 1).unwrap();
    desk.settle();
    desk.take_sent();
    let dataset = desk.status().dataset.clone().unwrap();
    assert_eq!((counts(&desk).written, dataset.num_fovs()), (1, 4));
}

/// The problems of what is open, as text.
fn problems(desk: &Desk) -> Vec<String> {
    let dataset = desk.status().dataset.clone().unwrap();
    dataset
        .problems
        .iter()
        .map(|problem| problem.message.clone())
        .collect()
}

#[test]
fn a_timepoint_above_the_arrays_is_listed_and_lengthens_no_slider() {
    let run = Run::new(1, [2, 1, 1]);
    run.create();
    run.write(0, [0, 0, 0]);
    let Some((mut desk, handle)) = announced(&run) else {
        return;
    };
    until_drawn(&mut desk, &[run.value(0, [0, 0, 0])]);
    notify(&handle, 0, [60_000, 0, 0]);
    let expected = "timepoint 60000 was announced, the store has 0 to 1";
    desk.take_sent();
    desk.frames(std::time::Duration::from_millis(300));
    assert_eq!(problems(&desk), [expected]);
    let dataset = desk.status().dataset.clone().unwrap();
    assert_eq!(dataset.len_along(NavAxis::Time), 2);
    assert_eq!(counts(&desk).written, 1);
    until_drawn(&mut desk, &[run.value(0, [0, 0, 0])]);
}

#[test]
fn a_timepoint_that_was_announced_before_there_was_a_store_is_refused_when_the_store_is_shorter() {
    let run = Run::new(1, [2, 1, 1]);
    let Some((mut desk, handle)) = announced(&run) else {
        return;
    };
    notify(&handle, 0, [0, 0, 0]);
    notify(&handle, 0, [40, 0, 0]);
    desk.take_sent();
    let length = |desk: &Desk| {
        desk.status()
            .dataset
            .as_ref()
            .unwrap()
            .len_along(NavAxis::Time)
    };
    assert_eq!(length(&desk), 41, "until there is a store, notices say");
    handle.load_fov(0, Some(30), None).unwrap();
    desk.take_sent();
    desk.settle();
    assert!(
        is_planned(desk.harness.state()),
        "not outside, and no image without a store"
    );
    handle.load_fov(0, Some(0), None).unwrap();
    desk.take_sent();
    run.create();
    run.write(0, [0, 0, 0]);
    until_drawn(&mut desk, &[run.value(0, [0, 0, 0])]);
    assert_eq!(length(&desk), 2, "the store wins");
    assert_eq!(
        problems(&desk),
        ["timepoint 40 was announced, the store has 0 to 1"]
    );
    assert_eq!(counts(&desk).written, 1);
}

#[test]
fn sizes_that_differ_from_the_store_are_listed_and_the_store_is_shown() {
    let run = Run::new(1, [1, 1, 2]);
    run.create();
    run.write(0, [0, 0, 0]);
    let Some(mut desk) = Desk::new(Setup::default()) else {
        return;
    };
    let handle = desk.harness.state().push_handle();
    let mut sizes = run.sizes();
    (sizes.num_z, sizes.width) = (5, 2048);
    let paths = vec![run.stores[0].folder.clone()];
    handle
        .start_zarr_acquisition(paths, sizes, vec!["R0:0".into()])
        .unwrap();
    handle.load_fov(0, None, Some(0)).unwrap();
    until_drawn(&mut desk, &[run.value(0, [0, 0, 0])]);
    let listed = problems(&desk);
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert!(
        listed
            .iter()
            .all(|text| text.contains("the store is shown")),
        "{listed:?}"
    );
    // A slice of the plan that the store does not have.
    notify(&handle, 0, [0, 0, 4]);
    desk.take_sent();
    assert_eq!(counts(&desk).written, 1);
    let dataset = desk.status().dataset.clone().unwrap();
    assert_eq!(dataset.len_along(NavAxis::Z), 2);
}

#[test]
fn another_number_of_fovs_in_a_store_than_announced_is_listed() {
    let store = data_folder().join("6d/zarr/A1/acquisition.zarr");
    let Some(mut desk) = Desk::new(Setup::default()) else {
        return;
    };
    let handle = desk.harness.state().push_handle();
    let sizes = AnnouncedSizes {
        channels: vec![
            "Fluorescence 405 nm Ex".into(),
            "Fluorescence 488 nm Ex".into(),
        ],
        num_z: 3,
        height: 16,
        width: 24,
    };
    handle
        .start_zarr_acquisition_6d(vec![store], sizes, &[2], None)
        .unwrap();
    desk.until("a picture", |app| app.is_settled() && app.has_picture());
    let listed = problems(&desk);
    let expected = "3 FOVs in the store, 2 were announced";
    assert!(
        listed.len() == 1 && listed[0].contains(expected),
        "{listed:?}"
    );
    assert_eq!(handle.get_fov_list().len(), 2);
}

#[test]
fn a_written_plane_beyond_the_open_dataset_is_refused_with_its_values() {
    let Some(desk) = Desk::with(&data_folder().join("hcs_balanced"), Setup::default()) else {
        return;
    };
    let handle = desk.harness.state().push_handle();
    let dataset = desk.status().dataset.clone().unwrap();
    let channel = dataset.template.channels[0].display_name(0);
    let refused = |fov, z| handle.notify_written(0, fov, z, &channel, None);
    let (last_z, last_fov) = (
        i64::from(dataset.len_along(NavAxis::Z)) - 1,
        i64::from(dataset.num_fovs()) - 1,
    );
    refused(0, last_z).unwrap();
    assert_eq!(
        refused(0, 9).unwrap_err().to_string(),
        format!("z 9, expected 0 to {last_z}")
    );
    assert_eq!(
        refused(99, 0).unwrap_err().to_string(),
        format!("fov 99, expected 0 to {last_fov}")
    );
}
