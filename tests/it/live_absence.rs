//! What it means that nothing, or only a part, of an announced plane is on disk.

use std::{
    fs,
    time::{Duration, Instant},
};

use eframe::App as _;
use squidview::{
    canvas::{DrawItem, Hatch},
    model::PlaneState,
    session::LimitsSource,
};

use crate::{
    pushed::{Run, announced, counts, go, is_planned, notify, until_drawn},
    uniform::values,
};

#[test]
fn an_announced_plane_that_stays_absent_counts_as_zero_and_a_later_file_replaces_it() {
    let run = Run::new(1, [1, 1, 2]);
    let Some((mut desk, handle)) = announced(&run) else {
        return;
    };
    run.create();
    run.write(0, [0, 0, 0]);
    notify(&handle, 0, [0, 0, 0]);
    go(&mut desk, &handle, 0, 0, 0);
    until_drawn(&mut desk, &[run.value(0, [0, 0, 0])]);
    go(&mut desk, &handle, 0, 0, 1);
    let announced = Instant::now();
    notify(&handle, 0, [0, 0, 1]);
    desk.take_sent();
    desk.settle();
    assert!(is_planned(desk.harness.state()));
    // Notices of other planes put nothing off.
    while announced.elapsed() < Duration::from_secs(3) {
        notify(&handle, 0, [0, 0, 0]);
        desk.frames(Duration::from_millis(10));
    }
    assert!(is_planned(desk.harness.state()));
    desk.until("it counts as zero", |app| {
        values(app) == [0] && app.is_settled()
    });
    assert!(announced.elapsed() >= Duration::from_millis(4500));
    assert_eq!(desk.harness.state().shown_states(), [PlaneState::Written]);
    desk.harness.run_steps(2);
    assert_eq!(counts(&desk).written, 2);
    run.write(0, [0, 0, 1]);
    until_drawn(&mut desk, &[run.value(0, [0, 0, 1])]);
}

#[test]
fn a_plane_that_counted_as_zero_leaves_no_limits_to_the_one_that_comes_for_it() {
    let mut run = Run::new(1, [1, 1, 1]);
    run.stores[0].chunk = [48, 64];
    let Some((mut desk, handle)) = announced(&run) else {
        return;
    };
    run.create();
    notify(&handle, 0, [0, 0, 0]);
    desk.until("it counts as zero", |app| {
        values(app) == [0] && app.is_settled()
    });
    desk.harness.run_steps(2);
    assert_eq!(desk.color_at(0.5, 0.5).0[..3], [0, 0, 0]);
    let dataset = desk.status().dataset.clone().unwrap();
    let kept = desk.session().saved(&dataset);
    assert_eq!(kept.channels[0].limits, None);
    let store = &run.stores[0];
    store.write_chunk([0, 0, 0], [0, 0], 1000);
    store.write_chunk([0, 0, 0], [0, 1], 3000);
    desk.until("the file gives the limits", |app| {
        let session = app.session().unwrap();
        app.is_settled() && session.channels[0].limits_source == LimitsSource::Auto
    });
    desk.harness.run_steps(2);
    let found = desk.session().limits_of(0);
    assert_eq!(
        found.map(|found| (found.low, found.high)),
        Some((1000.0, 3000.0))
    );
    assert_ne!(desk.color_at(0.4, 0.5), desk.color_at(0.6, 0.5));
}

#[test]
fn zeros_that_were_never_announced_are_not_acquired_yet_unless_their_store_is_complete() {
    let run = Run::new(2, [1, 1, 1]);
    run.create();
    for store in &run.stores {
        store.write([0, 0, 0], 0);
    }
    let Some((mut desk, handle)) = announced(&run) else {
        return;
    };
    // Long enough for the watch to find the file, and for a second look.
    desk.frames(Duration::from_millis(1500));
    assert!(is_planned(desk.harness.state()));
    notify(&handle, 0, [0, 0, 0]);
    desk.take_sent();
    until_drawn(&mut desk, &[0]);
    desk.until("its state is known", |app| {
        app.shown_states() == [PlaneState::Written]
    });
    go(&mut desk, &handle, 1, 0, 0);
    assert!(is_planned(desk.harness.state()));
    run.stores[1].describe(true);
    until_drawn(&mut desk, &[0]);
}

#[test]
fn a_plane_with_some_chunks_is_partly_written_until_the_last_one_comes() {
    let mut run = Run::new(1, [1, 1, 1]);
    run.stores[0].chunk = [48, 32];
    run.create();
    let (store, value) = (&run.stores[0], run.value(0, [0, 0, 0]));
    for chunk in [[0, 0], [0, 1], [1, 0]] {
        store.write_chunk([0, 0, 0], chunk, value);
    }
    let Some((mut desk, handle)) = announced(&run) else {
        return;
    };
    notify(&handle, 0, [0, 0, 0]);
    desk.take_sent();
    let partly = |present| PlaneState::Partial { present, total: 4 };
    desk.until("it is partly written", |app| {
        app.is_settled() && app.shown_states() == [partly(3)]
    });
    desk.until("it is counted", |app| {
        app.auto_save_interval();
        app.push_handle().status().counts.partial == 1
    });
    // The chunk that is absent is hatched, at the lower right; the others are drawn.
    let hatched: Vec<_> = {
        let items = &desk.harness.state().drawn().unwrap().items;
        let is_hatched = |item: &&DrawItem| item.hatch == Some(Hatch::Planned);
        items.iter().filter(is_hatched).cloned().collect()
    };
    assert_eq!(hatched.len(), 1);
    assert!(hatched[0].tiles.is_empty(), "instead of zeros");
    let (drawn, absent) = (desk.color_at(0.4, 0.6), desk.color_at(0.55, 0.6));
    assert_ne!(drawn, absent);
    assert_ne!(absent.0[..3], [0, 0, 0], "unknown is never black");
    // A chunk goes and comes again: the writer replaces it.
    fs::remove_file(store.chunk_path([0, 0, 0], [1, 0])).unwrap();
    notify(&handle, 0, [0, 0, 0]);
    desk.until("one chunk less", |app| app.shown_states() == [partly(2)]);
    store.write_chunk([0, 0, 0], [1, 0], value);
    store.write_chunk([0, 0, 0], [1, 1], value);
    desk.until("it is written", |app| {
        app.is_settled() && app.shown_states() == [PlaneState::Written]
    });
    until_drawn(&mut desk, &[value]);
    assert_eq!((counts(&desk).partial, counts(&desk).written), (0, 1));
}
