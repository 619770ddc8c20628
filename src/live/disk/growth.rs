//! FOVs that nobody planned: folders that appear beside those of the dataset, more FOVs along the axis of an array.

use std::{
    collections::HashSet,
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};

use crate::{
    dataset::Dataset,
    formats,
    model::{Code, FileStamp},
    source::{self, Entry, stamp_of},
};

/// Folders that are looked at each time; the others take turns.
const FOLDERS_PER_LOOK: usize = 64;
/// A folder that changed so lately may have changed once more within the resolution of its time.
pub(super) const SETTLED_AFTER: Duration = Duration::from_secs(2);
/// Listing a plate reads a document per well: not more often than this.
const RELIST_PERIOD: Duration = Duration::from_secs(1);
/// Pauses before listing once more: a folder appears before what is in it.
const PAUSES_SECS: [u64; 4] = [1, 1, 2, 4];

/// Listing a folder takes at most one part in so many of the time.
const REST: u32 = 10;

/// A folder in which FOVs appear.
pub(super) struct Container {
    pub(super) path: PathBuf,
    /// `None`: not settled, it is listed again.
    stamp: Option<FileStamp>,
    /// What lay in it when it was listed last.
    pub(super) entries: Vec<Entry>,
    /// A folder of many files that changes all the time is not listed before.
    next: Instant,
}

/// Notices when a dataset is worth listing again.
pub(super) struct Growth {
    containers: Vec<Container>,
    turn: usize,
    /// When to list next, and how often it was done since something changed.
    relist: Option<(Instant, usize)>,
    last_listed: Option<Instant>,
}

impl Growth {
    /// Watches these folders. What appeared in them since the dataset was listed is found by listing it once more.
    pub(super) fn new(folders: Vec<PathBuf>) -> Self {
        let relist = (!folders.is_empty()).then(|| (Instant::now(), PAUSES_SECS.len() - 1));
        let mut growth = Self {
            containers: Vec::new(),
            turn: 0,
            relist,
            last_listed: None,
        };
        growth.set_folders(folders);
        growth
    }

    /// Watches these folders from now on; those that are new here are taken as changed.
    pub(super) fn set_folders(&mut self, folders: Vec<PathBuf>) {
        let mut known = std::mem::take(&mut self.containers);
        for path in folders {
            let at = known.iter().position(|container| container.path == path);
            let container = at.map_or_else(
                || {
                    let entries = source::list(&path).unwrap_or_default();
                    Container::new(path, entries)
                },
                |at| known.swap_remove(at),
            );
            self.containers.push(container);
        }
    }

    /// The folders, the outer ones first.
    pub(super) fn folders(&self) -> impl Iterator<Item = &PathBuf> {
        self.containers.iter().map(|container| &container.path)
    }

    /// The dataset is to be listed again, soon.
    pub(super) fn ask(&mut self) {
        self.relist = Some((Instant::now(), 0));
    }

    /// Looks at the folders.
    pub(super) fn look(&mut self) {
        let count = self.containers.len();
        let mut has_changed = false;
        for at in 0..count.min(FOLDERS_PER_LOOK) {
            let at = (self.turn + at) % count;
            has_changed |= self.containers[at].look();
        }
        self.turn = (self.turn + FOLDERS_PER_LOOK) % count.max(1);
        if has_changed {
            self.ask();
        }
    }

    /// True where it is time to list the dataset again.
    pub(super) fn is_due(&mut self) -> bool {
        let Some((due, tries)) = self.relist else {
            return false;
        };
        let now = Instant::now();
        let is_early = |last: Instant| now < last + RELIST_PERIOD;
        if now < due || self.last_listed.is_some_and(is_early) {
            return false;
        }
        self.last_listed = Some(now);
        let pause = PAUSES_SECS.get(tries);
        self.relist = pause.map(|&secs| (now + Duration::from_secs(secs), tries + 1));
        true
    }
}

impl Container {
    /// A folder in which this is known.
    pub(super) fn new(path: PathBuf, entries: Vec<Entry>) -> Self {
        Self {
            path,
            stamp: None,
            entries,
            next: Instant::now(),
        }
    }

    /// Lists the folder where it changed; true where something else lies in it than before.
    pub(super) fn look(&mut self) -> bool {
        let began = Instant::now();
        let stamp = stamp_of(&self.path);
        if began < self.next || self.stamp.is_some() && stamp == self.stamp {
            return false;
        }
        let modified = stamp.and_then(|(_, modified)| modified);
        let age = modified.and_then(|modified| SystemTime::now().duration_since(modified).ok());
        let is_settled = age.is_some_and(|age| age > SETTLED_AFTER);
        let entries = match source::list(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.code() == Code::NotFound => Vec::new(),
            // Nothing is known of it now.
            Err(error) => {
                tracing::trace!("{error}");
                return false;
            }
        };
        self.next = began + began.elapsed() * REST;
        self.stamp = stamp.filter(|_| is_settled);
        let has_changed = entries != self.entries;
        self.entries = entries;
        has_changed
    }
}

/// Lists the dataset again; the grown one where FOVs were found that `base` does not have. Blocks on I/O.
pub(super) fn relist(base: &Dataset, is_stopped: impl Fn() -> bool) -> Option<Dataset> {
    let fresh = match formats::open(&base.root, &mut |_| !is_stopped()) {
        Ok(fresh) => fresh,
        Err(error) => {
            tracing::debug!("listed again in vain: {error}");
            return None;
        }
    };
    let known: HashSet<&str> = base.fovs.iter().map(|fov| fov.path.as_str()).collect();
    let has_more = fresh
        .fovs
        .iter()
        .any(|fov| !known.contains(fov.path.as_str()));
    has_more.then(|| base.grown(fresh))
}
