//! An announced acquisition in the real app: started before anything is on disk, written plane by plane, ended.

use std::{
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, bounded};
use image::Rgba;
use squidview::{
    dataset::AnnouncedSizes,
    live::PushHandle,
    simulate::{Plan, Structure, Written, simulate},
};

use crate::desk::{Desk, Setup};

/// An acquisition that writes one plane each time it is told to.
struct Microscope {
    plan: Plan,
    folder: tempfile::TempDir,
    written: Receiver<Written>,
    go: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Microscope {
    fn new(plan: Plan) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (sender, written) = bounded(0);
        let (go, told) = bounded::<()>(0);
        let (path, own) = (folder.path().join("run"), plan.clone());
        let writer = move || {
            if told.recv().is_err() {
                return;
            }
            let mut on_plane = |plane| sender.send(plane).is_ok() && told.recv().is_ok();
            // Stopped in the middle where a test has seen enough.
            drop(simulate(&own, &path, &mut on_plane, Duration::ZERO));
        };
        let thread = thread::Builder::new().name("microscope".into());
        Self {
            plan,
            folder,
            written,
            go: Some(go),
            thread: Some(thread.spawn(writer).unwrap()),
        }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// Writes the next plane.
    fn write(&mut self) -> Written {
        self.go.as_ref().unwrap().send(()).unwrap();
        self.written.recv().unwrap()
    }

    /// Lets the run come to its end.
    fn finish(&mut self) {
        while self.go.as_ref().is_some_and(|go| go.send(()).is_ok()) && self.written.recv().is_ok()
        {
        }
        self.go = None;
        self.thread.take().unwrap().join().unwrap();
    }

    fn sizes(&self) -> AnnouncedSizes {
        AnnouncedSizes {
            channels: self.plan.channels.clone(),
            num_z: self.plan.num_z.into(),
            height: self.plan.height.into(),
            width: self.plan.width.into(),
        }
    }

    /// Announces the run as Squid does; nothing of it is on disk.
    fn announce(&self, handle: &PushHandle) {
        let (root, regions) = (self.root(), &self.plan.regions);
        if self.plan.structure == Structure::SixD {
            let store = |name: &String| root.join("zarr").join(name).join("acquisition.zarr");
            let paths = regions.iter().map(|(name, _)| store(name)).collect();
            let counts: Vec<i64> = regions.iter().map(|(_, count)| (*count).into()).collect();
            let names = regions.iter().map(|(name, _)| name.clone()).collect();
            let started =
                handle.start_zarr_acquisition_6d(paths, self.sizes(), &counts, Some(names));
            started.unwrap();
            return;
        }
        let fovs = regions
            .iter()
            .flat_map(|(name, count)| (0..*count).map(move |fov| (name, fov)));
        let (mut paths, mut labels) = (Vec::new(), Vec::new());
        for (name, fov) in fovs {
            labels.push(format!("{name}:{fov}"));
            paths.push(store_of(&root, self.plan.structure, name, fov));
        }
        handle
            .start_zarr_acquisition(paths, self.sizes(), labels)
            .unwrap();
    }

    /// Announces a written plane.
    fn notify(&self, handle: &PushHandle, plane: Written) {
        let channel = &self.plan.channels[plane.c as usize];
        let (region, fov) = match self.plan.structure {
            Structure::SixD => (plane.region_idx as i64, i64::from(plane.fov)),
            _ => (0, i64::from(self.flat(plane))),
        };
        handle
            .notify_zarr_frame(plane.t.into(), fov, plane.z.into(), channel, region)
            .unwrap();
    }

    fn flat(&self, plane: Written) -> u32 {
        let before = &self.plan.regions[..plane.region_idx];
        before.iter().map(|(_, count)| count).sum::<u32>() + plane.fov
    }
}

fn store_of(root: &Path, structure: Structure, region: &str, fov: u32) -> PathBuf {
    match structure {
        Structure::Hcs => {
            let (row, column) = region.split_at(1);
            let well = root.join("plate.ome.zarr").join(row).join(column);
            well.join(fov.to_string())
        }
        Structure::Single => root.to_owned(),
        _ => root
            .join("zarr")
            .join(region)
            .join(format!("fov_{fov}.ome.zarr")),
    }
}

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
