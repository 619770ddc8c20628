//! When an acquisition counts as complete, and what is watched and counted until then.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use eframe::App as _;
use squidview::app::App;

use crate::{
    desk::{Desk, Setup},
    fixture,
    planes::data_folder,
    program::on,
    pushed::{Run, announced, counts, go, is_planned, notify, until_drawn},
};

/// What clients are told now.
fn complete(app: &App) -> Option<bool> {
    app.auto_save_interval();
    let status = app.push_handle().status();
    let dataset = status.dataset.as_ref()?;
    dataset.acquisition.as_ref()?.complete
}

fn num_written(app: &App) -> u64 {
    app.auto_save_interval();
    app.push_handle().status().counts.written
}

#[test]
fn one_store_that_is_complete_leaves_the_others_watched_until_all_are() {
    let run = Run::new(3, [2, 1, 2]);
    run.create();
    let planes = run.planes();
    for &(fov, at) in planes.iter().filter(|(fov, _)| *fov == 0) {
        run.write(fov, at);
    }
    run.write(1, [0, 0, 0]);
    run.stores[0].describe(true);
    let Some(mut desk) = Desk::with(&run.root(), Setup::default()) else {
        return;
    };
    assert_eq!(complete(desk.harness.state()), None);
    desk.until("what is there is found", |app| num_written(app) == 5);
    assert!(desk.says("unfinished"));
    // Nobody goes to the other FOVs.
    for &(fov, at) in planes.iter().filter(|(fov, _)| *fov > 0) {
        run.write(fov, at);
    }
    desk.until("the other planes are found", |app| num_written(app) == 12);
    assert_eq!(complete(desk.harness.state()), None);
    run.stores[1].describe(true);
    run.stores[2].describe(true);
    desk.until("it is complete", |app| complete(app) == Some(true));
    desk.settle();
    assert!(desk.says("finished") && !desk.says("unfinished"));
}

#[test]
fn an_acquisition_that_was_complete_is_known_as_such_without_its_mark() {
    let run = Run::new(3, [1, 1, 2]);
    run.create();
    for (fov, at) in run.planes() {
        run.write(fov, at);
    }
    run.stores.iter().for_each(|store| store.describe(true));
    assert!(fs::metadata(run.root().join(".done")).is_err());
    let Some(mut desk) = Desk::with(&run.root(), Setup::default()) else {
        return;
    };
    desk.until("it is complete", |app| complete(app) == Some(true));
    desk.settle();
    // It did not end while somebody watched.
    assert!(!desk.says("finished") && !desk.has("Follow"));
    let told = counts(&desk);
    assert_eq!((told.planned, told.written, told.missing), (Some(6), 6, 0));
}

#[test]
fn the_mark_of_an_earlier_run_does_not_end_a_new_one_in_its_folder() {
    let run = Run::new(2, [1, 2, 3]);
    run.create();
    let written = &run.planes()[..5];
    for &(fov, at) in written {
        run.write(fov, at);
    }
    fs::write(run.root().join("coordinates.csv"), "").unwrap();
    let mark = run.root().join(".done");
    let file = fs::File::create(&mark).unwrap();
    let weeks_ago = SystemTime::now() - Duration::from_hours(500);
    file.set_modified(weeks_ago).unwrap();
    let Some((mut desk, handle)) = announced(&run) else {
        return;
    };
    for &(fov, at) in written {
        notify(&handle, fov, at);
    }
    desk.take_sent();
    desk.frames(Duration::from_millis(4500));
    assert_eq!(complete(desk.harness.state()), None);
    assert_eq!(num_written(desk.harness.state()), 5);
    assert!(!desk.says("finished"));
    go(&mut desk, &handle, 1, 0, 2);
    assert!(is_planned(desk.harness.state()), "not black");
    fs::write(&mark, "").unwrap();
    desk.until("it is complete", |app| complete(app) == Some(true));
}

#[test]
fn of_a_finished_acquisition_all_planes_are_counted_whoever_looked_at_them() {
    let folder = tempfile::tempdir().unwrap();
    fixture::copy(&data_folder().join("hcs_balanced"), folder.path());
    let check = |expected: [u64; 3]| {
        let Some(desk) = Desk::with(folder.path(), Setup::default()) else {
            return;
        };
        let told = counts(&desk);
        let [planned, written, missing] = expected;
        assert_eq!(
            (told.planned, told.written, told.missing),
            (Some(planned), written, missing)
        );
        // The same without a window.
        let found = on(folder.path(), "inspect PATH --json").answer();
        let found = &found["acquisition"];
        assert_eq!(
            (&found["planned_planes"], &found["written_planes"]),
            (&planned.into(), &written.into())
        );
    };
    check([32, 32, 0]);
    let plate = folder.path().join("plate.ome.zarr");
    fs::remove_dir_all(plate.join("A/2/1")).unwrap();
    check([32, 24, 8]);
}

#[test]
fn planes_that_were_read_ahead_are_written_once_their_store_is_complete() {
    let run = Run::new(2, [1, 1, 3]);
    run.create();
    let Some((mut desk, handle)) = announced(&run) else {
        return;
    };
    run.write(0, [0, 0, 1]);
    notify(&handle, 0, [0, 0, 1]);
    go(&mut desk, &handle, 0, 0, 1);
    until_drawn(&mut desk, &[run.value(0, [0, 0, 1])]);
    // A step lets the next slices be read ahead, which are not there.
    go(&mut desk, &handle, 0, 0, 2);
    go(&mut desk, &handle, 0, 0, 1);
    desk.frames(Duration::from_millis(200));
    run.stores[0].describe(true);
    desk.until("all planes of the store are written", |app| {
        num_written(app) == 3
    });
    desk.frames(Duration::from_millis(500));
    assert_eq!(num_written(desk.harness.state()), 3);
}

/// How the stores of an earlier run make room for those of a later one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Removal {
    /// Their chunks, at once.
    Chunks,
    /// All of them, some seconds after the start.
    StoresLate,
}

#[test]
fn a_run_that_writes_the_stores_of_a_finished_one_anew_runs() {
    check_begun_anew(Removal::Chunks);
}

#[test]
fn a_run_that_removes_the_stores_of_a_finished_one_and_writes_them_anew_runs() {
    for _ in 0..2 {
        check_begun_anew(Removal::StoresLate);
    }
}

fn check_begun_anew(removal: Removal) {
    let run = Run::new(2, [2, 1, 2]);
    run.create();
    for (fov, at) in run.planes() {
        run.write(fov, at);
    }
    run.stores.iter().for_each(|store| store.describe(true));
    fs::write(run.root().join("coordinates.csv"), "").unwrap();
    fs::write(run.root().join(".done"), "").unwrap();
    // At once: the mark may be of this run.
    let Some((mut desk, handle)) = announced(&run) else {
        return;
    };
    desk.until("what is there counts", |app| num_written(app) == 8);
    go(&mut desk, &handle, 0, 1, 0);
    if removal == Removal::StoresLate {
        desk.frames(Duration::from_secs(2));
        for store in &run.stores {
            fs::remove_dir_all(&store.folder).unwrap();
        }
        desk.frames(Duration::from_millis(300));
    }
    for store in &run.stores {
        if removal == Removal::Chunks {
            fs::remove_dir_all(store.folder.join("0/c")).unwrap();
        }
        store.create();
    }
    run.write(0, [0, 0, 0]);
    notify(&handle, 0, [0, 0, 0]);
    desk.until("only what is there counts", |app| num_written(app) == 1);
    desk.until("nothing calls it complete", |app| complete(app).is_none());
    desk.frames(Duration::from_secs(3));
    assert_eq!(
        (
            complete(desk.harness.state()),
            num_written(desk.harness.state())
        ),
        (None, 1)
    );
    assert!(!desk.says("finished"));
    for (fov, t, z) in [(0, 1, 1), (0, 0, 1), (1, 1, 0), (1, 0, 0)] {
        go(&mut desk, &handle, fov, t, z);
        assert!(is_planned(desk.harness.state()), "FOV {fov}, {t}, {z}");
    }
    assert_eq!(num_written(desk.harness.state()), 1);
}
