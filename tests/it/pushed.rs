//! An announced acquisition of uniform planes in the real app.

use std::path::{Path, PathBuf};

use squidview::{
    app::App,
    dataset::AnnouncedSizes,
    live::{AcquisitionId, PlaneCounts, PushHandle},
    model::PlaneState,
};

use crate::{
    desk::{Desk, Setup},
    uniform::{PLANE, Uniform, values},
};

/// The names of the channels.
pub(crate) const CHANNELS: [&str; 2] = ["Fluorescence 405 nm Ex", "Fluorescence 488 nm Ex"];

/// What an acquisition will be, and where.
pub(crate) struct Run {
    pub(crate) stores: Vec<Uniform>,
    _folder: tempfile::TempDir,
}

impl Run {
    /// Nothing of it is on disk. Timepoints, channels, z-slices.
    pub(crate) fn new(num_fovs: u32, sizes: [u64; 3]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = |fov| Uniform::new(&store_at(&folder.path().join("run"), fov), sizes);
        Self {
            stores: (0..num_fovs).map(store).collect(),
            _folder: folder,
        }
    }

    /// The acquisition folder.
    pub(crate) fn root(&self) -> PathBuf {
        self.stores[0].folder.ancestors().nth(3).unwrap().to_owned()
    }

    pub(crate) fn sizes(&self) -> AnnouncedSizes {
        let [_, c, z] = self.stores[0].sizes;
        AnnouncedSizes {
            channels: CHANNELS[..c as usize]
                .iter()
                .map(|&name| name.into())
                .collect(),
            num_z: z as i64,
            width: PLANE[0] as i64,
            height: PLANE[1] as i64,
        }
    }

    /// Announces it; FOVs are called `R0:0`, `R0:1`, …
    pub(crate) fn announce(&self, handle: &PushHandle) -> AcquisitionId {
        let paths = self.stores.iter().map(|store| store.folder.clone());
        let labels = (0..self.stores.len()).map(|fov| format!("R0:{fov}"));
        let started =
            handle.start_zarr_acquisition(paths.collect(), self.sizes(), labels.collect());
        started.unwrap()
    }

    pub(crate) fn create(&self) {
        for store in &self.stores {
            store.create();
        }
    }

    /// Every plane: FOV, then (t, c, z).
    pub(crate) fn planes(&self) -> Vec<(u32, [u32; 3])> {
        let [t, c, z] = self.stores[0].sizes.map(|len| len as u32);
        let fovs = 0..self.stores.len() as u32;
        let slices =
            move |(t, fov)| (0..z).flat_map(move |z| (0..c).map(move |c| (fov, [t, c, z])));
        (0..t)
            .flat_map(|t| fovs.clone().map(move |fov| (t, fov)))
            .flat_map(slices)
            .collect()
    }

    /// Writes a plane with a value that no other one has.
    pub(crate) fn write(&self, fov: u32, at: [u32; 3]) {
        self.stores[fov as usize].write(at, self.value(fov, at));
    }

    /// The value of a plane.
    pub(crate) fn value(&self, fov: u32, [t, c, z]: [u32; 3]) -> u16 {
        let [_, num_c, num_z] = self.stores[0].sizes.map(|len| len as u32);
        let page = t * self.stores.len() as u32 + fov;
        (100 + 10 * ((page * num_z + z) * num_c + c)) as u16
    }
}

fn store_at(root: &Path, fov: u32) -> PathBuf {
    root.join("zarr")
        .join("R0")
        .join(format!("fov_{fov}.ome.zarr"))
}

/// Says that a plane was written: FOV, then (t, c, z).
pub(crate) fn notify(handle: &PushHandle, fov: u32, [t, c, z]: [u32; 3]) {
    let channel = CHANNELS[c as usize];
    handle
        .notify_zarr_frame(t.into(), fov.into(), z.into(), channel, 0)
        .unwrap();
}

/// The app with an acquisition that was just announced.
pub(crate) fn announced(run: &Run) -> Option<(Desk, PushHandle)> {
    let mut desk = Desk::new(Setup::default())?;
    let handle = desk.harness.state().push_handle();
    run.announce(&handle);
    desk.settle();
    Some((desk, handle))
}

/// Frames until the wished picture is there and has these values, one per drawn channel.
pub(crate) fn until_drawn(desk: &mut Desk, expected: &[u16]) {
    desk.until(&format!("{expected:?} is drawn"), |app| {
        app.is_settled() && values(app) == expected
    });
    desk.harness.run_steps(2);
}

/// Goes to a FOV, timepoint and z-slice, and waits for its picture.
pub(crate) fn go(desk: &mut Desk, handle: &PushHandle, fov: u32, t: u32, z: u32) {
    handle
        .load_fov(fov.into(), Some(t.into()), Some(z.into()))
        .unwrap();
    desk.until("the position is shown", |app| {
        let at = app.session().map(|session| session.position);
        at.is_some_and(|at| (at.fov.0, at.t, at.z) == (fov, t, z)) && app.is_settled()
    });
}

/// True where every drawn plane is one that is not acquired yet.
pub(crate) fn is_planned(app: &App) -> bool {
    let states = app.shown_states();
    !states.is_empty() && states.iter().all(|state| *state == PlaneState::Planned)
}

/// What clients are told of planes.
pub(crate) fn counts(desk: &Desk) -> PlaneCounts {
    desk.status().counts
}
