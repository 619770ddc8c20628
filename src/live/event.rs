//! News, the same from every source: what began, what was written, what ended, where to look.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    dataset::{AnnouncedLayout, Announcement, RegisteredPlanes},
    model::{DatasetId, FovId, NavAxis},
};

/// One announced acquisition; unique in the process. A later one has a higher id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AcquisitionId(u64);

impl AcquisitionId {
    /// An id that no other acquisition of this process has.
    #[must_use]
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Its number in this process.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

/// One client: the clones of one handle, or one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientId(u64);

impl ClientId {
    /// An id that no other client of this process has.
    #[must_use]
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// An acquisition as it was started.
#[derive(Clone, Debug)]
pub struct Started {
    /// Its id.
    pub id: AcquisitionId,
    /// Who started it.
    pub client: ClientId,
    /// What the start call said.
    pub announcement: Arc<Announcement>,
    /// Planes that are registered one by one.
    pub registered: Arc<RegisteredPlanes>,
}

impl Started {
    /// True where its stores lie in that folder.
    #[must_use]
    pub fn lies_in(&self, folder: &Path) -> bool {
        match &self.announcement.layout {
            AnnouncedLayout::PerFov { paths } | AnnouncedLayout::PerRegion { paths } => {
                paths.first().is_some_and(|path| path.starts_with(folder))
            }
            AnnouncedLayout::Registered => {
                let file = self.registered.first_file();
                file.is_some_and(|file| file.starts_with(folder))
            }
        }
    }
}

/// Where a client wishes the view to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// An index along an axis (FOVs by flat number).
    Index(NavAxis, u32),
    /// A channel.
    Channel(usize),
    /// A FOV by its label, `A1:0`.
    Label(String),
}

/// News that are taken one by one, in order.
#[derive(Clone, Debug)]
pub enum LiveEvent {
    /// An acquisition was announced; it replaces whatever is shown.
    Started(Started),
    /// An acquisition ended; late notices of it still count.
    Ended(AcquisitionId),
    /// A start of another client was shown in place of this one, which goes on.
    Displaced(Started),
    /// Open a dataset in place of what is shown.
    Open(PathBuf),
    /// Read the folder of the shown dataset again.
    Refresh,
    /// Bring the window to the front.
    ShowWindow,
    /// Change the view.
    Go(Vec<Destination>),
    /// A plane of a dataset was written (a notice without an acquisition of its own).
    Written {
        /// The dataset that was open when the client said so.
        dataset: DatasetId,
        /// The FOV: flat numbers change where FOVs appear.
        fov: FovId,
        /// Timepoint index.
        t: u32,
        /// z-slice index.
        z: u32,
        /// Channel index.
        c: u16,
    },
    /// Something that a client was told, or should have been, in words.
    Warning(String),
}
