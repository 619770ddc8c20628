//! Side files that are read beside the listing of what they lie next to: a plate of thousands of FOVs has long tables.

use std::{
    path::Path,
    sync::OnceLock,
    thread::{self, JoinHandle},
};

use parking_lot::Mutex;

use super::side_files::SideFiles;
use crate::source;

/// Side files that are asked for when they are needed.
pub(super) struct SideReading {
    reader: Mutex<Option<JoinHandle<SideFiles>>>,
    read: OnceLock<SideFiles>,
}

impl SideReading {
    /// Begins to read those in `folder`; locations of problems are below `root`.
    pub(super) fn begin(folder: &Path, root: &Path) -> Self {
        let (folder, root) = (folder.to_path_buf(), root.to_path_buf());
        let read = {
            let (folder, root) = (folder.clone(), root.clone());
            move || read(&folder, &root)
        };
        let reader = thread::Builder::new()
            .name("squidview-side-files".into())
            .spawn(read);
        match reader {
            Ok(reader) => Self {
                reader: Mutex::new(Some(reader)),
                read: OnceLock::new(),
            },
            Err(error) => {
                tracing::warn!("cannot start a thread for side files: {error}");
                Self::from(self::read(&folder, &root))
            }
        }
    }

    /// What they say, once they are read.
    pub(super) fn get(&self) -> &SideFiles {
        self.read.get_or_init(|| {
            let reader = self.reader.lock().take();
            let read = reader.map(JoinHandle::join).transpose();
            let read = read.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            read.unwrap_or_default()
        })
    }

    /// The same, to be changed and kept.
    pub(super) fn finish(self) -> SideFiles {
        self.get();
        self.read.into_inner().unwrap_or_default()
    }
}

impl From<SideFiles> for SideReading {
    fn from(side: SideFiles) -> Self {
        Self {
            reader: Mutex::new(None),
            read: OnceLock::from(side),
        }
    }
}

fn read(folder: &Path, root: &Path) -> SideFiles {
    let entries = source::list(folder).unwrap_or_default();
    SideFiles::read(folder, &entries, root)
}
