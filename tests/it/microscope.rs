//! A simulated microscope that writes when a test tells it to, and announces as Squid does.

use std::{
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, bounded};
use squidview::{
    dataset::AnnouncedSizes,
    live::PushHandle,
    simulate::{Plan, Structure, Written, simulate},
};

/// An acquisition that writes one plane each time it is told to.
pub(crate) struct Microscope {
    pub(crate) plan: Plan,
    folder: tempfile::TempDir,
    written: Receiver<Written>,
    go: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Microscope {
    pub(crate) fn new(plan: Plan) -> Self {
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

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// Writes the next plane.
    pub(crate) fn write(&mut self) -> Written {
        self.go.as_ref().unwrap().send(()).unwrap();
        self.written.recv().unwrap()
    }

    /// Lets the run come to its end.
    pub(crate) fn finish(&mut self) {
        while self.go.as_ref().is_some_and(|go| go.send(()).is_ok()) && self.written.recv().is_ok()
        {
        }
        self.go = None;
        self.thread.take().unwrap().join().unwrap();
    }

    pub(crate) fn sizes(&self) -> AnnouncedSizes {
        AnnouncedSizes {
            channels: self.plan.channels.clone(),
            num_z: self.plan.num_z.into(),
            height: self.plan.height.into(),
            width: self.plan.width.into(),
        }
    }

    /// Announces the run as Squid does; nothing of it is on disk.
    pub(crate) fn announce(&self, handle: &PushHandle) {
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
    pub(crate) fn notify(&self, handle: &PushHandle, plane: Written) {
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
