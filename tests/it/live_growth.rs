//! Datasets that nobody planned, which grow while they are shown: view, cache and notices stay on their FOV.

use std::{fs, path::Path};

use squidview::model::{FovId, NavAxis};

use crate::{
    desk::{Desk, Setup},
    pushed::{Run, announced, counts, notify},
    uniform::{Uniform, values},
};

/// Where a test collects regions, and where stores are made before they appear.
struct Growing {
    folder: tempfile::TempDir,
}

impl Growing {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("run/zarr")).unwrap();
        Self { folder }
    }

    fn root(&self) -> std::path::PathBuf {
        self.folder.path().join("run")
    }

    /// A region with one FOV of 2 timepoints that appears at once, with these values.
    fn add(&self, region: &str, values: [u16; 2]) -> Uniform {
        let aside = self.folder.path().join("aside").join(region);
        let made = store(&aside, [2, 1, 1]);
        for (t, value) in values.into_iter().enumerate() {
            made.write([t as u32, 0, 0], value);
        }
        let there = self.root().join("zarr").join(region);
        fs::rename(&aside, &there).unwrap();
        Uniform {
            folder: there.join("fov_0.ome.zarr"),
            ..made
        }
    }
}

fn store(region: &Path, sizes: [u64; 3]) -> Uniform {
    let store = Uniform::new(&region.join("fov_0.ome.zarr"), sizes);
    store.create();
    store
}

#[test]
fn wells_that_sort_before_the_shown_one_move_neither_view_nor_notices() {
    let growing = Growing::new();
    let b1 = growing.add("B1", [21, 22]);
    let Some(mut desk) = Desk::with(&growing.root(), Setup::default()) else {
        return;
    };
    let handle = desk.harness.state().push_handle();
    assert_eq!(values(desk.harness.state()), [21]);
    let shown = desk.session().position;
    let camera = desk.session().camera;
    let order = |desk: &Desk| -> Vec<(String, u32)> {
        desk.status();
        desk.harness.state().push_handle().get_fov_list()
    };
    let mut expected = vec![("B1".to_owned(), 0)];
    for (region, at, marks) in [("A10", 0, [11, 12]), ("A2", 0, [31, 32])] {
        growing.add(region, marks);
        expected.insert(at, (region.to_owned(), 0));
        let count = expected.len();
        desk.until("the well is listed", |app| {
            use eframe::App as _;
            app.auto_save_interval();
            app.push_handle().get_fov_list().len() == count
        });
        desk.settle();
        assert_eq!(order(&desk), expected);
        assert_eq!(desk.session().position, shown, "{region}");
        assert_eq!(desk.session().camera, camera);
        assert_eq!(values(desk.harness.state()), [21], "{region}");
        assert!(desk.has("FOV slider"));
    }
    // A notice that was on its way while the order changed is about its FOV, which is the first row still.
    assert_eq!(shown.fov, FovId(0));
    let names = desk.status().dataset.as_ref().unwrap().template.channels[0].display_name(0);
    b1.write([0, 0, 0], 23);
    handle.notify_written(0, 2, 0, &names, None).unwrap();
    growing.add("A1", [41, 42]);
    desk.until("the plane is read again", |app| values(app) == [23]);
    desk.until("the last well is listed", |app| {
        use eframe::App as _;
        app.auto_save_interval();
        app.push_handle().get_fov_list().len() == 4
    });
    desk.settle();
    assert_eq!(values(desk.harness.state()), [23]);
    assert_eq!(desk.session().position, shown);
    // Every FOV shows its own planes.
    for (flat, value) in [41, 31, 11, 23].into_iter().enumerate() {
        handle.load_fov(flat as i64, Some(0), None).unwrap();
        desk.until("the FOV is shown", |app| {
            app.is_settled() && values(app) == [value]
        });
    }
}

#[test]
fn an_axis_that_grows_from_one_gets_its_bar_and_the_view_stays() {
    let growing = Growing::new();
    let region = growing.root().join("zarr/R0");
    let mut first = store(&region, [1, 1, 1]);
    first.write([0, 0, 0], 5);
    let Some(mut desk) = Desk::with(&growing.root(), Setup::default()) else {
        return;
    };
    let (position, camera) = (desk.session().position, desk.session().camera);
    assert!(!desk.has("T slider"));
    first.sizes[0] = 2;
    first.create();
    first.write([1, 0, 0], 6);
    desk.until("the array is longer", |app| {
        use eframe::App as _;
        app.auto_save_interval();
        let status = app.push_handle().status();
        status
            .dataset
            .as_ref()
            .is_some_and(|dataset| dataset.len_along(NavAxis::Time) == 2)
    });
    desk.settle();
    assert!(desk.has("T slider"));
    assert_eq!(
        (desk.session().position, desk.session().camera),
        (position, camera)
    );
    assert_eq!(values(desk.harness.state()), [5]);
    let handle = desk.harness.state().push_handle();
    handle.load_fov(0, Some(1), None).unwrap();
    desk.until("the new timepoint is drawn", |app| {
        app.is_settled() && values(app) == [6]
    });
}

#[test]
fn stores_that_grow_lengthen_the_plan_and_are_gone_to_as_soon_as_they_have() {
    let mut run = Run::new(3, [1, 1, 2]);
    run.create();
    let Some((mut desk, handle)) = announced(&run) else {
        return;
    };
    for (fov, at) in run.planes() {
        run.write(fov, at);
        notify(&handle, fov, at);
    }
    desk.settle();
    desk.take_sent();
    assert_eq!((counts(&desk).planned, counts(&desk).written), (Some(6), 6));
    for store in &mut run.stores {
        store.sizes[0] = 3;
        store.create();
    }
    for fov in 0..3 {
        for z in 0..2 {
            run.write(fov, [1, 0, z]);
            notify(&handle, fov, [1, 0, z]);
        }
    }
    handle.set_index(None, Some(1), None).unwrap();
    desk.until("the new timepoint is shown", |app| {
        let at = app.session().map(|session| session.position);
        at.is_some_and(|at| at.t == 1) && app.is_settled() && app.has_picture()
    });
    // FOVs that nobody has gone to count, too.
    let told = counts(&desk);
    assert_eq!((told.planned, told.written), (Some(18), 12), "{told:?}");
}
