//! Folders of timepoints, `{t}/`, and the one image that all FOVs of an acquisition in image files share.
//!
//! Squid makes a numbered folder per timepoint in every format (`control/core/multi_point_worker.py`); in two of them the
//! planes lie there: one file each, or pages of one stack per FOV.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use super::{
    individual, side_files, stacks,
    twins::{self, LeftOut},
};
use crate::{
    dataset::{Fov, Image},
    model::{AxisRole, limits},
    source::{self, Entry, Kind},
};

/// Timepoints that are searched for the first plane.
pub(super) const TRIED_TIMEPOINTS: usize = 4;
/// Digits that a number in a file name has at most.
pub(super) const MAX_DIGITS: usize = 9;

/// What files of a timepoint hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    /// One plane each.
    Planes,
    /// All planes of a FOV each.
    Stacks,
}

impl FileKind {
    /// By the names in a folder; `None` where none is of an image of Squid's. Some old names are Squid's only where side
    /// files are.
    fn of(entries: &[Entry], has_side_files: bool) -> Option<Self> {
        if stacks::are_in(entries) {
            return Some(Self::Stacks);
        }
        let is_old = || has_side_files && individual::are_joined_in(entries);
        (individual::are_in(entries) || is_old()).then_some(Self::Planes)
    }
}

/// Folders of timepoints, and what lies in the first that holds planes.
#[derive(Debug)]
pub(super) struct Timepoints {
    /// The folder that they lie in.
    pub(super) folder: PathBuf,
    /// Their names by number.
    pub(super) folders: HashMap<u32, String>,
    /// Only this one was opened.
    pub(super) is_one: bool,
    /// The first that holds planes.
    pub(super) first: u32,
    /// What lies in that one.
    pub(super) entries: Vec<Entry>,
    /// What its files hold.
    pub(super) kind: FileKind,
}

impl Timepoints {
    /// Looks for planes in a folder, or in the folders of timepoints in it; `None` where there are none.
    pub(super) fn find(root: &Path, entries: &[Entry]) -> Option<Self> {
        let folders = numbered(entries);
        let has_side_files = side_files::are_in(entries);
        let mut numbers: Vec<u32> = folders.keys().copied().collect();
        numbers.sort_unstable();
        for &first in numbers.iter().take(TRIED_TIMEPOINTS) {
            let entries = source::list(&root.join(&folders[&first])).unwrap_or_default();
            if let Some(kind) = FileKind::of(&entries, has_side_files) {
                return Some(Self {
                    folder: root.to_path_buf(),
                    folders,
                    is_one: false,
                    first,
                    entries,
                    kind,
                });
            }
        }
        let kind = FileKind::of(entries, false)?;
        let name = root.file_name()?.to_str()?.to_owned();
        Some(Self {
            folder: root.parent()?.to_path_buf(),
            folders: [(0, name)].into(),
            is_one: true,
            first: 0,
            entries: entries.to_vec(),
            kind,
        })
    }

    /// The folder of the first timepoint that holds planes.
    pub(super) fn first_folder(&self) -> PathBuf {
        let name = self.folders.get(&self.first);
        self.folder.join(name.map_or("", String::as_str))
    }

    /// The folder of the newest timepoint, in which unplanned FOVs appear.
    pub(super) fn newest_folder(&self) -> Option<PathBuf> {
        let (_, name) = self.folders.iter().max_by_key(|(number, _)| **number)?;
        Some(self.folder.join(name))
    }

    /// Timepoints up to the last folder.
    pub(super) fn num_found(&self) -> u32 {
        self.folders.keys().max().map_or(1, |last| last + 1)
    }

    /// True for a file that would be of a plane or stack if its numbers were smaller.
    pub(super) fn is_beyond(&self, entry: &Entry) -> bool {
        entry.kind == Kind::File
            && match self.kind {
                FileKind::Planes => individual::is_beyond(&entry.name),
                FileKind::Stacks => stacks::is_beyond(&entry.name),
            }
    }

    /// The folders as those who look for planes know them.
    pub(super) fn known(&self) -> Folders {
        Folders::new(self.folder.clone(), self.folders.clone(), self.is_one)
    }
}

/// Folders with a number for a name; of several with the same number the one that is called as most.
pub(super) fn numbered(entries: &[Entry]) -> HashMap<u32, String> {
    let width = twins::usual_width(all_numbered(entries).map(|(_, name)| name));
    let fit = |name: &str| (twins::is_as_wide(name, width), Reverse(name.len()));
    let mut numbered: HashMap<u32, &str> = HashMap::new();
    for (number, name) in all_numbered(entries) {
        let known = numbered.entry(number).or_insert(name);
        if fit(name) > fit(known) {
            *known = name;
        }
    }
    let owned = numbered.into_iter();
    owned
        .map(|(number, name)| (number, name.to_owned()))
        .collect()
}

fn all_numbered(entries: &[Entry]) -> impl Iterator<Item = (u32, &str)> {
    let folders = entries.iter().filter(|entry| entry.kind == Kind::Folder);
    folders.filter_map(|entry| {
        let number = is_number(&entry.name).then(|| entry.name.parse().ok())??;
        (number < limits::TIMEPOINTS).then_some((number, entry.name.as_str()))
    })
}

/// Folders that are left out because another one has the same number.
pub(super) fn left_out(entries: &[Entry]) -> LeftOut {
    let taken = numbered(entries);
    let mut left_out = LeftOut::default();
    for (number, name) in all_numbered(entries) {
        if taken.get(&number).is_some_and(|taken| taken != name) {
            left_out.add(name);
        }
    }
    left_out
}

/// True for a folder whose name is a number beyond all timepoints that are shown.
pub(super) fn is_beyond(entry: &Entry) -> bool {
    let number = || entry.name.parse::<u32>();
    entry.kind == Kind::Folder
        && is_number(&entry.name)
        && number().map_or(true, |it| it >= limits::TIMEPOINTS)
}

/// True for a name that is nothing but digits.
pub(super) fn is_number(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Timepoints that were begun, by the folders among what lies in an acquisition folder.
pub(super) fn begun(entries: &[Entry]) -> BTreeSet<u32> {
    numbered(entries).into_keys().collect()
}

/// The name with numbers of more digits than are read as 0; `None` where it has none.
pub(super) fn with_short_numbers(name: &str) -> Option<String> {
    let (mut short, mut rest) = (String::with_capacity(name.len()), name);
    while let Some(at) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        let num_digits = from.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = from.split_at(num_digits);
        short.push_str(before);
        short.push_str(if num_digits > MAX_DIGITS { "0" } else { number });
        rest = after;
    }
    short.push_str(rest);
    (short != name).then_some(short)
}

/// Folders of timepoints as far as they are known; a running acquisition makes more.
#[derive(Debug)]
pub(super) struct Folders {
    folder: PathBuf,
    known: Mutex<HashMap<u32, String>>,
    /// Only one timepoint is shown.
    is_one: bool,
    num_digits: usize,
}

impl Folders {
    /// Those in `folder` by number; others belong to them too, unless there `is_one` only.
    pub(super) fn new(folder: PathBuf, known: HashMap<u32, String>, is_one: bool) -> Self {
        Self {
            folder,
            num_digits: twins::usual_width(known.values().map(String::as_str)),
            known: Mutex::new(known),
            is_one,
        }
    }

    /// Only one timepoint is shown.
    pub(super) fn is_one(&self) -> bool {
        self.is_one
    }

    /// The folder that a timepoint has or is going to have; `None` for those that are not shown.
    pub(super) fn of(&self, t: u32) -> Option<PathBuf> {
        let known = self.known.lock().get(&t).cloned();
        let digits = self.num_digits;
        let expected = || (!self.is_one).then(|| format!("{t:0digits$}"));
        Some(self.folder.join(known.or_else(expected)?))
    }

    /// Looks for further ones; how many timepoints there are by now.
    fn look(&self) -> u32 {
        if !self.is_one
            && let Ok(entries) = source::list(&self.folder)
        {
            self.known.lock().extend(numbered(&entries));
        }
        self.num_known()
    }

    /// Timepoints up to the last folder that is known.
    pub(super) fn num_known(&self) -> u32 {
        self.newest().map_or(0, |newest| newest + 1)
    }

    fn newest(&self) -> Option<u32> {
        self.known.lock().keys().max().copied()
    }
}

/// Tells where planes are in folders of timepoints.
pub(super) trait TimepointFiles: std::fmt::Debug + Send + Sync {
    /// The folders.
    fn folders(&self) -> &Folders;

    /// True where any plane of a FOV is there in the folder of that number.
    fn has_any(&self, fov: &Fov, number: u32) -> bool;

    /// Timepoints that each folder holds.
    fn num_inner(&self) -> u32 {
        1
    }
}

/// An opened acquisition in image files: its planes, and the image that all FOVs share.
#[derive(Debug)]
pub(super) struct SharedImage {
    files: Arc<dyn TimepointFiles>,
    /// The first timepoint that held planes.
    first: u32,
    image: Mutex<Arc<Image>>,
}

impl SharedImage {
    pub(super) fn new(files: Arc<dyn TimepointFiles>, first: u32, image: Image) -> Self {
        Self {
            files,
            first,
            image: Mutex::new(Arc::new(image)),
        }
    }

    /// The image of every FOV.
    pub(super) fn image(&self) -> Arc<Image> {
        Arc::clone(&self.image.lock())
    }

    /// The image as it is now: timepoints that nobody planned make it longer.
    pub(super) fn image_now(&self) -> Arc<Image> {
        let image = self.image();
        let num_found = self.files.folders().look();
        let num_found = num_found.saturating_mul(self.files.num_inner());
        let num_found = num_found.min(limits::TIMEPOINTS);
        if num_found <= image.num_timepoints() {
            return image;
        }
        let mut axes = image.axes.iter();
        let Some(time) = axes.position(|axis| axis.role == AxisRole::Time) else {
            return image;
        };
        let mut longer = image.as_ref().clone();
        for level in &mut longer.levels {
            if let Some(length) = level.shape.get_mut(time) {
                *length = num_found.into();
            }
        }
        let longer = Arc::new(longer);
        *self.image.lock() = Arc::clone(&longer);
        longer
    }

    /// True where any plane of a FOV is there, in the first timepoint or in the newest one.
    pub(super) fn has_any(&self, fov: &Fov) -> bool {
        let newest = self.files.folders().newest();
        self.files.has_any(fov, self.first)
            || newest.is_some_and(|newest| self.files.has_any(fov, newest))
    }
}
