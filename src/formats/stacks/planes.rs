//! From a plane to its page: the table of pages of a stack, read when it is first needed and on when the file has grown.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use lru::LruCache;
use parking_lot::Mutex;

use super::pages::Pages;
use crate::{
    dataset::{FilePlane, Fov, OpenFovError, PlaneAt, PlaneFiles, Sharing},
    formats::{
        probe::fov_error_of,
        timepoints::{Folders, TimepointFiles},
    },
    model::{FileStamp, PageAt},
    source::{self, Kind},
};

/// Tables that are kept: people step between FOVs, and the disk watch goes through them.
const KEPT_TABLES: NonZeroUsize = NonZeroUsize::new(1024).expect("above 0");
/// Pages of all tables that are kept, about 100 bytes each.
const KEPT_PAGES: usize = 1 << 20;
/// A file that was written to lately is not read again sooner than this, for planes are asked for one after the other.
const REREAD_PERIOD: Duration = Duration::from_millis(20);

/// A channel of the image: the name that its pages have, and which colour of them.
#[derive(Clone, Debug)]
pub(super) struct StackChannel {
    pub(super) name: Arc<str>,
    pub(super) color_idx: Option<u8>,
}

/// Finds the planes of an acquisition in stacks.
#[derive(Debug)]
pub(super) struct PagesByTag {
    folders: Folders,
    fov_digits: usize,
    ending: String,
    /// By channel of the image.
    channels: Vec<StackChannel>,
    tables: Mutex<Tables>,
}

/// The pages of a file as they were.
#[derive(Debug)]
struct Table {
    pages: Pages,
    stamp: FileStamp,
    /// Nobody wrote to it for a while.
    is_settled: bool,
    read: Instant,
}

impl Table {
    fn is_current(&self, stamp: FileStamp) -> bool {
        self.stamp == stamp && (self.is_settled || self.read.elapsed() < REREAD_PERIOD)
    }
}

/// Tables by file, the latest ones.
#[derive(Debug)]
struct Tables {
    by_path: LruCache<PathBuf, Arc<Table>>,
    num_pages: usize,
}

impl Tables {
    fn put(&mut self, path: &Path, table: Arc<Table>) {
        self.num_pages += table.pages.len();
        if let Some((_, before)) = self.by_path.push(path.to_path_buf(), table) {
            self.num_pages -= before.pages.len();
        }
        while self.num_pages > KEPT_PAGES && self.by_path.len() > 1 {
            let Some((_, oldest)) = self.by_path.pop_lru() else {
                break;
            };
            self.num_pages -= oldest.pages.len();
        }
    }
}

impl PagesByTag {
    /// Nothing is read yet.
    pub(super) fn new(
        folders: Folders,
        fov_digits: usize,
        ending: &str,
        channels: Vec<StackChannel>,
    ) -> Self {
        Self {
            folders,
            fov_digits,
            ending: ending.to_owned(),
            channels,
            tables: Mutex::new(Tables {
                by_path: LruCache::new(KEPT_TABLES),
                num_pages: 0,
            }),
        }
    }

    fn stack_of(&self, fov: &Fov, t: u32) -> Option<PathBuf> {
        let (region, number) = (fov.region.as_deref()?, fov.fov_in_region?);
        let (digits, ending) = (self.fov_digits, &self.ending);
        let name = format!("{region}_{number:0digits$}_stack.{ending}");
        source::join_name(&self.folders.of(t)?, &name)
    }

    /// The pages of a stack by now; `None` where it is not there (yet).
    fn table(&self, path: &Path) -> Result<Option<Arc<Table>>, OpenFovError> {
        let found = source::stat(path).map_err(|error| fov_error_of(&error))?;
        // A file is empty before anything is written to it.
        let found = found.filter(|found| found.kind == Kind::File && found.num_bytes > 0);
        let Some(found) = found else {
            return Ok(None);
        };
        let stamp = (found.num_bytes, found.modified);
        let known = self.tables.lock().by_path.get(path).cloned();
        if let Some(known) = known.as_ref().filter(|known| known.is_current(stamp)) {
            return Ok(Some(Arc::clone(known)));
        }
        // Before it is read: what comes later has another time.
        let is_settled = source::is_settled(found.modified);
        let before = known.as_deref().map(|known| &known.pages);
        let table = Pages::read(path, before)?.map(|pages| {
            Arc::new(Table {
                pages,
                stamp,
                is_settled,
                read: Instant::now(),
            })
        });
        if let Some(table) = &table {
            self.tables.lock().put(path, Arc::clone(table));
        }
        Ok(table)
    }
}

impl TimepointFiles for PagesByTag {
    fn folders(&self) -> &Folders {
        &self.folders
    }

    fn has_any(&self, fov: &Fov, t: u32) -> bool {
        let table = self.stack_of(fov, t).map(|path| self.table(&path));
        matches!(table, Some(Ok(Some(table))) if table.pages.len() > 0)
    }
}

impl PlaneFiles for PagesByTag {
    fn find(&self, fov: &Fov, at: PlaneAt) -> Result<Option<FilePlane>, OpenFovError> {
        let channel = self.channels.get(usize::from(at.c));
        let (Some(channel), Some(path)) = (channel, self.stack_of(fov, at.t)) else {
            return Ok(None);
        };
        let Some(table) = self.table(&path)? else {
            return Ok(None);
        };
        let offset = table.pages.offset(at.z, &channel.name);
        Ok(offset.map(|offset| FilePlane {
            path,
            page: PageAt::Offset(offset),
            color_idx: channel.color_idx,
            ..FilePlane::default()
        }))
    }

    fn expected(&self, fov: &Fov, at: PlaneAt) -> Option<PathBuf> {
        self.stack_of(fov, at.t)
    }

    fn sharing(&self) -> Sharing {
        Sharing::Appended
    }
}
