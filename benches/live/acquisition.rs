//! A running acquisition of 2048 x 2048 u16 in `fast`, whose planes come into place by a rename when the bench says so.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use squidview::simulate::{ChunkMode, Compression, Ending, Plan, Structure, simulate};
use tempfile::TempDir;

use crate::datasets;

pub(crate) const CHANNELS: [&str; 4] = ["405 nm", "488 nm", "561 nm", "638 nm"];

pub(crate) struct Acquisition {
    folder: TempDir,
    /// Folder of the finished acquisition that planes are taken from.
    source: PathBuf,
}

impl Acquisition {
    /// Documents of so many timepoints, and no plane.
    pub(crate) fn begin(num_timepoints: u32) -> Self {
        let source = datasets::planes(Compression::Fast, ChunkMode::FullFrame);
        let beside = source.parent().expect("in bench-data");
        let folder = tempfile::tempdir_in(beside).expect("a temporary folder");
        let plan = Plan {
            structure: Structure::PerFov,
            num_timepoints,
            num_z: 1,
            channels: CHANNELS.map(Into::into).to_vec(),
            width: 2048,
            height: 2048,
            compression: Compression::Fast,
            chunks: ChunkMode::FullFrame,
            // As if it had just begun.
            ending: Ending::CrashesAfter(1),
            ..Plan::default()
        };
        let acquisition = Self { folder, source };
        let path = acquisition.path();
        simulate(&plan, &path, &mut |_| true, Duration::ZERO).expect("it is begun");
        fs::remove_dir_all(acquisition.store().join("0/c")).expect("its first planes go");
        acquisition
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("acquisition")
    }

    pub(crate) fn store(&self) -> PathBuf {
        store_of(&self.path())
    }

    /// A plane comes into place; the moment before that.
    pub(crate) fn write(&self, t: u32, c: usize) -> Instant {
        let other_z = t % 8;
        let from = store_of(&self.source).join(format!("0/c/0/{c}/{other_z}/0/0"));
        let to = self.store().join(format!("0/c/{t}/{c}/0/0"));
        fs::create_dir_all(&to).expect("the plane's folder");
        let beside = to.join("0.__lock");
        fs::copy(from, &beside).expect("the plane is written");
        let before = Instant::now();
        fs::rename(&beside, to.join("0")).expect("the plane is there");
        before
    }
}

fn store_of(acquisition: &Path) -> PathBuf {
    acquisition.join("zarr/R0/fov_0.ome.zarr")
}
