//! Hints of the system that something happens in a few folders. They only say when to look; what is there, looking says.
//!
//! Folders are watched one by one, never what lies below: a large acquisition has more folders than the system watches,
//! and setting them all takes longer than looking. Where the system refuses, nothing but latency is lost.

use std::{collections::HashSet, path::PathBuf};

use notify::{
    EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};

/// Folders watched at once.
pub(super) const MAX_FOLDERS: usize = 256;

/// Ends of names that writers use until a file is whole (TensorStore's, and those of copying programs), and of the log
/// that grows all the time.
const NO_NEWS: [&str; 5] = [".__lock", ".tmp", ".part", "~", ".log"];

/// Watches folders; calls back from a thread of the `notify` crate.
pub(super) struct Hints {
    /// `None`: the system does not watch, or not any more.
    watcher: Option<RecommendedWatcher>,
    folders: HashSet<PathBuf>,
}

impl Hints {
    pub(super) fn none() -> Self {
        Self {
            watcher: None,
            folders: HashSet::new(),
        }
    }

    pub(super) fn start(on_hint: impl Fn() + Send + 'static) -> Self {
        let handler = move |event: notify::Result<notify::Event>| match event {
            Ok(event) if !is_news(&event) => {}
            // What was lost is found by looking.
            Ok(_) | Err(_) => on_hint(),
        };
        let watcher = notify::recommended_watcher(handler);
        if let Err(error) = &watcher {
            tracing::debug!("folders are not watched, only looked at: {error}");
        }
        Self {
            watcher: watcher.ok(),
            folders: HashSet::new(),
        }
    }

    /// Watches these folders and no others. True where one is watched now that was not before: look at it once more.
    pub(super) fn watch(&mut self, wanted: HashSet<PathBuf>) -> bool {
        let Some(watcher) = &mut self.watcher else {
            return false;
        };
        for old in self.folders.difference(&wanted) {
            // A folder that is gone is not watched any more.
            if let Err(error) = watcher.unwatch(old) {
                tracing::trace!("{error}");
            }
        }
        self.folders.retain(|folder| wanted.contains(folder));
        let mut is_new = false;
        for folder in wanted.into_iter().take(MAX_FOLDERS) {
            if self.folders.contains(&folder) {
                continue;
            }
            match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    is_new = true;
                    self.folders.insert(folder);
                }
                Err(error) if matches!(error.kind, notify::ErrorKind::MaxFilesWatch) => {
                    tracing::debug!("folders are only looked at from now on: {error}");
                    *self = Self::none();
                    return false;
                }
                // It is gone again, or it is not ours to watch; looking at it says so.
                Err(error) => tracing::trace!("{error}"),
            }
        }
        is_new
    }
}

/// False for reading (our own too), and for files that are not whole yet.
fn is_news(event: &notify::Event) -> bool {
    let is_reading = match event.kind {
        EventKind::Access(kind) => kind != AccessKind::Close(AccessMode::Write),
        _ => false,
    };
    let is_temporary = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        NO_NEWS.iter().any(|end| name.ends_with(end))
    };
    let only_temporary = !event.paths.is_empty() && event.paths.iter().all(is_temporary);
    event.need_rescan() || !(is_reading || only_temporary)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use notify::event::CreateKind;

    use super::*;

    #[test]
    fn reading_and_temporary_files_are_no_news() {
        let check = |kind, path: &str, expected| {
            let event = notify::Event::new(kind).add_path(Path::new(path).to_path_buf());
            assert_eq!(is_news(&event), expected, "{path}");
        };
        let created = EventKind::Create(CreateKind::File);
        check(created, "c/0/0", true);
        check(created, "c/0/0.__lock", false);
        let opened = EventKind::Access(AccessKind::Open(AccessMode::Any));
        check(opened, "c/0/0", false);
        let closed = EventKind::Access(AccessKind::Close(AccessMode::Write));
        check(closed, "zarr.json", true);
    }
}
