//! From a plane to its file: one listing per timepoint, made when it is first needed.
//!
//! A running acquisition adds files to a folder that was listed. What a listing lacks is looked for under the name that it
//! will have, which costs one question to the file system however many files there are; only where other names may be in
//! use is the folder listed again, and not more often than [`RELIST_PERIOD`].

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use lru::LruCache;
use parking_lot::Mutex;

use super::{
    FileChannel,
    names::{FileName, Names},
};
use crate::{
    dataset::{FilePlane, Fov, OpenFovError, PlaneAt, PlaneFiles},
    formats::{
        probe::fov_error_of,
        timepoints::{Folders, TimepointFiles},
        twins::{self, Fit, LeftOut},
    },
    model::Code,
    source::{self, Entry, Kind},
};

/// Listings that are kept; people step between a few timepoints.
const KEPT_LISTINGS: NonZeroUsize = NonZeroUsize::new(16).expect("above 0");
/// A folder is not listed again sooner than this.
const RELIST_PERIOD: Duration = Duration::from_millis(100);
/// Nor sooner than so many times what listing it took: a tenth of one core at most.
const RELIST_FACTOR: u32 = 10;

/// A plane in the listing of a timepoint: numbers of region and channel name, FOV in the region, z-slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    region: u32,
    fov: u32,
    z: u32,
    channel: u16,
}

/// The planes of one timepoint's folder.
#[derive(Debug)]
struct Planes {
    names: HashMap<Key, Box<str>>,
    left_out: LeftOut,
    stamp: Option<SystemTime>,
    listed: Instant,
    took: Duration,
}

/// With how many digits, at least, numbers are written.
#[derive(Clone, Debug, Default)]
pub(super) struct Digits {
    pub(super) fov: usize,
    pub(super) z: usize,
}

impl Digits {
    /// True where the numbers of a name are written so.
    pub(super) fn fit(&self, name: &FileName<'_>) -> bool {
        name.place.is_as_wide(self.fov) && twins::is_as_wide(name.z, self.z)
    }
}

/// What files of an acquisition are called, and where they lie.
#[derive(Debug)]
pub(super) struct Catalogue {
    /// Folders of timepoints.
    pub(super) folders: Folders,
    pub(super) names: Names,
    pub(super) digits: Digits,
    /// Regions by name, numbered.
    pub(super) regions: HashMap<String, u32>,
    /// Sanitised channel names, numbered by their place, with the ending of their files.
    pub(super) keys: Vec<(String, String)>,
    /// By channel of the image.
    pub(super) channels: Vec<FileChannel>,
}

/// Finds the planes of an acquisition.
#[derive(Debug)]
pub(super) struct PlanesByName {
    catalogue: Catalogue,
    key_numbers: HashMap<String, u16>,
    listings: Mutex<LruCache<u32, Arc<Planes>>>,
}

impl PlanesByName {
    /// Nothing is listed yet.
    pub(super) fn new(catalogue: Catalogue) -> Self {
        let numbered = catalogue.keys.iter().enumerate();
        Self {
            key_numbers: numbered
                .map(|(at, (key, _))| (key.clone(), at as u16))
                .collect(),
            catalogue,
            listings: Mutex::new(LruCache::new(KEPT_LISTINGS)),
        }
    }

    /// Takes the entries of a timepoint's folder as its listing; which files are left out for others of the same planes.
    pub(super) fn take_listing(&self, t: u32, entries: &[Entry]) -> LeftOut {
        let stamp = self
            .catalogue
            .folders
            .of(t)
            .and_then(|path| modified(&path));
        let planes = self.listed(entries, stamp, Instant::now());
        let left_out = planes.left_out.clone();
        self.listings.lock().put(t, Arc::new(planes));
        left_out
    }

    /// How well the name of a file with that channel fits in.
    fn fit<'a>(&self, name: &'a str, parts: &FileName<'_>, channel: u16) -> Fit<'a> {
        let digits = &self.catalogue.digits;
        let usual = self.catalogue.keys.get(usize::from(channel));
        let usual = usual.map_or("", |(_, ending)| ending.as_str());
        twins::fit(name, digits.fit(parts), parts.ending, usual)
    }

    fn listed(&self, entries: &[Entry], stamp: Option<SystemTime>, began: Instant) -> Planes {
        let mut names: HashMap<Key, Box<str>> = HashMap::with_capacity(entries.len());
        let mut left_out = LeftOut::default();
        for entry in entries.iter().filter(|entry| entry.kind == Kind::File) {
            let Some(found) = self.catalogue.names.parse(&entry.name) else {
                continue;
            };
            let region = self.catalogue.regions.get(found.region);
            let channel = self.key_numbers.get(&*found.channel);
            if let (Some(&region), Some(&channel), Some((fov, z))) =
                (region, channel, self.catalogue.names.numbers(&found))
            {
                let key = Key {
                    region,
                    fov,
                    z,
                    channel,
                };
                let other = names.get(&key).filter(|other| {
                    let parts = self.catalogue.names.parse(other);
                    let other = parts.map(|parts| self.fit(other, &parts, channel));
                    other > Some(self.fit(&entry.name, &found, channel))
                });
                if other.is_some() {
                    left_out.add(&entry.name);
                } else if let Some(other) = names.insert(key, entry.name.as_str().into()) {
                    left_out.add(&other);
                }
            }
        }
        Planes {
            names,
            left_out,
            stamp,
            listed: Instant::now(),
            took: began.elapsed(),
        }
    }

    /// Lists a timepoint's folder; one that is not there (yet) is an empty listing that is not kept.
    fn list(&self, t: u32, path: &Path) -> Result<Arc<Planes>, OpenFovError> {
        let began = Instant::now();
        let stamp = modified(path);
        let entries = match source::list(path) {
            Ok(entries) => entries,
            Err(error) if error.code() == Code::NotFound => {
                return Ok(Arc::new(self.listed(&[], None, began)));
            }
            Err(error) => return Err(fov_error_of(&error)),
        };
        let planes = Arc::new(self.listed(&entries, stamp, began));
        self.listings.lock().put(t, Arc::clone(&planes));
        Ok(planes)
    }

    fn key_of(&self, fov: &Fov, at: PlaneAt) -> Option<(Key, &FileChannel)> {
        let channel = self.catalogue.channels.get(usize::from(at.c))?;
        let key = Key {
            region: *self.catalogue.regions.get(fov.region.as_deref()?)?,
            fov: fov.fov_in_region?,
            z: at.z,
            channel: channel.key,
        };
        Some((key, channel))
    }
}

impl TimepointFiles for PlanesByName {
    fn folders(&self) -> &Folders {
        &self.catalogue.folders
    }

    /// By the listing of the timepoint, or the name of the first file.
    fn has_any(&self, fov: &Fov, t: u32) -> bool {
        let channels = 0..self.catalogue.channels.len() as u16;
        let mut planes = channels.map(|c| PlaneAt { fov: 0, t, c, z: 0 });
        planes.any(|at| matches!(self.find(fov, at), Ok(Some(_))))
    }
}

impl PlaneFiles for PlanesByName {
    fn find(&self, fov: &Fov, at: PlaneAt) -> Result<Option<FilePlane>, OpenFovError> {
        let Some((key, channel)) = self.key_of(fov, at) else {
            return Ok(None);
        };
        let Some(folder) = self.catalogue.folders.of(at.t) else {
            return Ok(None);
        };
        let plane = |path| FilePlane {
            path,
            color_idx: channel.color_idx,
            ..FilePlane::default()
        };
        let known = self.listings.lock().get(&at.t).cloned();
        let planes = match known {
            Some(planes) => planes,
            None => self.list(at.t, &folder)?,
        };
        if let Some(name) = planes.names.get(&key) {
            return Ok(Some(plane(folder.join(&**name))));
        }
        if let Some(path) = self.expected(fov, at) {
            let found = source::stat(&path).map_err(|error| fov_error_of(&error))?;
            // A file is empty before anything is written to it.
            if found.is_some_and(|found| found.kind == Kind::File && found.num_bytes > 0) {
                return Ok(Some(plane(path)));
            }
        }
        if !planes.is_worth_listing_again(&folder) {
            return Ok(None);
        }
        let planes = self.list(at.t, &folder)?;
        let name = planes.names.get(&key);
        Ok(name.map(|name| plane(folder.join(&**name))))
    }

    fn expected(&self, fov: &Fov, at: PlaneAt) -> Option<PathBuf> {
        // Old acquisitions are finished: what is not in the listing does not come.
        if !self.catalogue.names.grids.is_empty() {
            return None;
        }
        let (key, _) = self.key_of(fov, at)?;
        let (channel, ending) = self.catalogue.keys.get(usize::from(key.channel))?;
        let (fov_digits, z_digits) = (self.catalogue.digits.fov, self.catalogue.digits.z);
        let name = format!(
            "{}_{:0fov_digits$}_{:0z_digits$}_{channel}.{ending}",
            fov.region.as_deref()?,
            key.fov,
            key.z,
        );
        source::join_name(&self.catalogue.folders.of(at.t)?, &name)
    }
}

impl Planes {
    fn is_worth_listing_again(&self, folder: &Path) -> bool {
        let pause = RELIST_PERIOD.max(self.took * RELIST_FACTOR);
        if self.listed.elapsed() < pause {
            return false;
        }
        let now = modified(folder);
        now != self.stamp || !source::is_settled(now)
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    source::stat(path).ok().flatten()?.modified
}
