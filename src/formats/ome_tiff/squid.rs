//! Squid's acquisitions in OME-TIFF: `ome_tiff/{region}_{fov}.ome.tiff`, each a whole series, or such files in the folders
//! of timepoints.
//!
//! Squid `control/core/job_processing.py` (`SaveOMETiffJob`) makes a file for all planes of a FOV at its first plane and
//! fills it through a memory map; positions of planes are added to the document when the last one is written. So a file
//! whose document has them is whole. Before, [`Notes`] tell which planes are written, else holes of the file, else zeros.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use lru::LruCache;
use parking_lot::Mutex;

use super::{Described, document_of, has_page, sampling_of, written::Notes};
use crate::{
    dataset::{
        DatasetKind, FilePlane, Files, Fov, Image, OpenFovError, PlaneAt, PlaneFiles, Sampling,
    },
    formats::{
        OpenError, individual,
        listing::{Listing, Opening},
        probe::below,
        side_files::{self, SideFiles},
    },
    image_file::{self, Ground, Pages},
    metadata::ome_xml::OmeImage,
    model::{Channel, Code, Problem, limits},
    source::{self, Entry, Kind},
};

/// Files that are tried for the image that all FOVs share: the first ones may be half-written.
const TRIED_FILES: usize = 8;
/// Timepoints that are searched for the first file.
const TRIED_TIMEPOINTS: usize = 4;
/// Documents of files that are kept.
const KEPT_FILES: NonZeroUsize = NonZeroUsize::new(256).expect("above 0");

/// Squid replaces the document of a file within moments.
const REPLACED_WITHIN: Duration = Duration::from_secs(2);

/// Where the files lie.
#[derive(Clone, Debug)]
enum Place {
    /// All in one folder, each with all timepoints.
    Series(PathBuf),
    /// In the folders of timepoints, by number.
    Timepoints(BTreeMap<u32, PathBuf>),
}

/// The files of an acquisition as they were found.
#[derive(Debug)]
pub(in crate::formats) struct OmeFolder {
    /// The acquisition folder.
    acquisition: PathBuf,
    place: Place,
    /// Names in the (first) folder.
    names: Vec<String>,
}

impl OmeFolder {
    /// Looks for files in the folder of an acquisition, or in the folder of a timepoint or of all files; `None` where
    /// there are none, or nothing says that they are Squid's.
    pub(in crate::formats) fn find(root: &Path, entries: &[Entry]) -> Option<Self> {
        let inside = root.join("ome_tiff");
        let names = file_names(&source::list(&inside).unwrap_or_default());
        if !names.is_empty() {
            return Some(Self::series(root, inside, names));
        }
        let names = file_names(entries);
        if names.is_empty() {
            return Self::in_timepoints(root, entries);
        }
        let around = root.parent()?;
        let name = root.file_name()?.to_string_lossy();
        let has_side_files =
            |folder: &Path| source::list(folder).is_ok_and(|entries| side_files::are_in(&entries));
        if name == "ome_tiff" {
            return Some(Self::series(around, root.to_path_buf(), names));
        }
        if name.bytes().all(|byte| byte.is_ascii_digit()) && has_side_files(around) {
            return Some(Self {
                acquisition: around.to_path_buf(),
                place: Place::Timepoints([(0, root.to_path_buf())].into()),
                names,
            });
        }
        side_files::are_in(entries).then(|| Self::series(root, root.to_path_buf(), names))
    }

    fn series(acquisition: &Path, folder: PathBuf, names: Vec<String>) -> Self {
        Self {
            acquisition: acquisition.to_path_buf(),
            place: Place::Series(folder),
            names,
        }
    }

    fn in_timepoints(root: &Path, entries: &[Entry]) -> Option<Self> {
        let folders = entries.iter().filter(|entry| entry.kind == Kind::Folder);
        let folders: BTreeMap<u32, PathBuf> = folders
            .filter_map(|entry| {
                let is_digits = entry.name.bytes().all(|byte| byte.is_ascii_digit());
                let number: u32 = is_digits.then(|| entry.name.parse().ok())??;
                (number < limits::TIMEPOINTS).then(|| (number, root.join(&entry.name)))
            })
            .collect();
        let mut first = folders.values().take(TRIED_TIMEPOINTS);
        let names = first.find_map(|folder| {
            let names = file_names(&source::list(folder).unwrap_or_default());
            (!names.is_empty()).then_some(names)
        })?;
        Some(Self {
            acquisition: root.to_path_buf(),
            place: Place::Timepoints(folders),
            names,
        })
    }

    /// The acquisition folder.
    pub(in crate::formats) fn acquisition(&self) -> &Path {
        &self.acquisition
    }

    /// The folder in which unplanned FOVs appear.
    pub(in crate::formats) fn newest_folder(&self) -> PathBuf {
        let newest = match &self.place {
            Place::Series(folder) => Some(folder),
            Place::Timepoints(folders) => folders.values().next_back(),
        };
        newest.unwrap_or(&self.acquisition).clone()
    }
}

fn file_names(entries: &[Entry]) -> Vec<String> {
    let files = entries.iter().filter(|entry| entry.kind == Kind::File);
    files
        .filter(|entry| parse_name(&entry.name).is_some())
        .map(|entry| entry.name.clone())
        .collect()
}

/// Region, number of the FOV as written, and ending of a file name. The last underscore parts them, whatever the region.
fn parse_name(name: &str) -> Option<(&str, &str, &str)> {
    const ENDINGS: [&str; 2] = [".ome.tiff", ".ome.tif"];
    let at = ENDINGS.iter().find_map(|ending| {
        let at = name.len().checked_sub(ending.len())?;
        let found = name.get(at..)?;
        found.eq_ignore_ascii_case(ending).then_some(at)
    })?;
    let (region, fov) = name[..at].rsplit_once('_')?;
    let is_number = (1..=9).contains(&fov.len()) && fov.bytes().all(|byte| byte.is_ascii_digit());
    (!region.is_empty() && is_number).then_some((region, fov, &name[at..]))
}

/// A file of a FOV: its document, as long as its pages are the same.
#[derive(Debug)]
struct OmeFile {
    pages: Arc<Pages>,
    image: OmeImage,
    described: Described,
}

impl OmeFile {
    /// `None` where it is absent or empty: a file is empty before anything is written to it.
    fn read(path: &Path) -> Result<Option<Self>, OpenError> {
        let found = source::stat(path)?;
        if found.is_none_or(|found| found.num_bytes == 0) {
            return Ok(None);
        }
        let no_document = || {
            let message = "expected OME-XML in the first page of an OME-TIFF, found none";
            OpenError::at(path, Code::BadMetadata, message)
        };
        let (pages, document) = document_of(path)?.ok_or_else(no_document)?;
        let problem = document.problems.first().cloned();
        let Some(image) = document.images.into_iter().next() else {
            let problem = problem
                .unwrap_or_else(|| Problem::new(Code::BadMetadata, "", "OME-XML without an image"));
            return Err(OpenError::at(path, problem.code, problem.message));
        };
        let described = Described::of(&image, document.uuid.as_deref(), path, 0)?;
        Ok(Some(Self {
            pages,
            image,
            described,
        }))
    }
}

/// Finds the planes of an acquisition.
#[derive(Debug)]
struct SquidPlanes {
    acquisition: PathBuf,
    place: Place,
    /// Only what one folder of a timepoint holds is shown.
    is_one: bool,
    /// Timepoints in each file.
    num_inner: u32,
    /// File names by region and FOV, as they were listed; others are expected with so many digits.
    names: HashMap<(String, u32), String>,
    digits: usize,
    ending: String,
    is_done: AtomicBool,
    notes: Notes,
    files: Mutex<LruCache<PathBuf, Arc<OmeFile>>>,
}

impl SquidPlanes {
    fn name_of(&self, fov: &Fov) -> Option<String> {
        let (region, number) = (fov.region.as_ref()?, fov.fov_in_region?);
        let known = self.names.get(&(region.clone(), number)).cloned();
        let digits = self.digits;
        Some(known.unwrap_or_else(|| format!("{region}_{number:0digits$}{}", self.ending)))
    }

    /// The file of a FOV, and the timepoint in it.
    fn path_of(&self, fov: &Fov, t: u32) -> Option<(PathBuf, u32)> {
        let name = self.name_of(fov)?;
        match &self.place {
            Place::Series(folder) => Some((folder.join(name), t)),
            Place::Timepoints(folders) => {
                let (number, inner) = (t / self.num_inner, t % self.num_inner);
                let expected = || self.acquisition.join(number.to_string());
                let folder = match folders.get(&number) {
                    Some(folder) => folder.clone(),
                    None if self.is_one => return None,
                    None => expected(),
                };
                Some((folder.join(name), inner))
            }
        }
    }

    /// A file's document, read again where the file changed.
    fn file(&self, path: &Path) -> Result<Option<Arc<OmeFile>>, OpenFovError> {
        let Some(pages) = pages_of(path)? else {
            return Ok(None);
        };
        let known = self.files.lock().get(path).cloned();
        if let Some(known) = &known
            && Arc::ptr_eq(&known.pages, &pages)
        {
            return Ok(Some(Arc::clone(known)));
        }
        let found = match (OmeFile::read(path), known) {
            // Its document is being replaced, which takes more than one write.
            (Err(error), Some(known)) if is_recent(path) => {
                tracing::debug!("{error}");
                return Ok(Some(known));
            }
            (outcome, _) => outcome.map_err(|error| OpenFovError {
                code: error.code,
                message: error.message,
                location: error.location,
            })?,
        };
        let Some(file) = found.map(Arc::new) else {
            return Ok(None);
        };
        self.files.lock().put(path.to_path_buf(), Arc::clone(&file));
        Ok(Some(file))
    }

    /// True where the run is over; it may end while the dataset is open.
    fn is_done(&self) -> bool {
        let is_done =
            self.is_done.load(Ordering::Relaxed) || side_files::is_done(&self.acquisition);
        self.is_done.store(is_done, Ordering::Relaxed);
        is_done
    }

    /// The plane, if it is written as far as that can be known without reading it.
    fn if_written(
        &self,
        file: &OmeFile,
        base_name: &str,
        t: u32,
        at: PlaneAt,
        plane: FilePlane,
    ) -> Result<Option<FilePlane>, OpenFovError> {
        if file.image.has_planes || matches!(self.place, Place::Timepoints(_)) {
            return Ok(Some(plane));
        }
        if let Some(written) = self.notes.written(base_name) {
            return Ok(written
                .contains(&(t, u32::from(at.c), at.z))
                .then_some(plane));
        }
        let zeros_are_room = match image_file::ground(&plane.path, plane.page_idx)? {
            None | Some(Ground::Hole) => return Ok(None),
            // It is being filled; after the end the zeros of a file system that leaves them out.
            Some(Ground::PartlyHole) if !self.is_done() => return Ok(None),
            Some(Ground::PartlyHole | Ground::Solid) => true,
            Some(Ground::Compressed) => false,
        };
        Ok(Some(FilePlane {
            zeros_are_room,
            ..plane
        }))
    }
}

/// True where a file was written to a moment ago.
fn is_recent(path: &Path) -> bool {
    let modified = source::stat(path)
        .ok()
        .flatten()
        .and_then(|found| found.modified);
    let age = modified.and_then(|modified| SystemTime::now().duration_since(modified).ok());
    age.is_none_or(|age| age < REPLACED_WITHIN)
}

/// The pages of a file; `None` where it is absent or still empty.
fn pages_of(path: &Path) -> Result<Option<Arc<Pages>>, OpenFovError> {
    let found = source::stat(path).map_err(|error| crate::formats::probe::fov_error_of(&error))?;
    if found.is_none_or(|found| found.num_bytes == 0) {
        return Ok(None);
    }
    Ok(image_file::pages(path)?)
}

impl PlaneFiles for SquidPlanes {
    fn find(&self, fov: &Fov, at: PlaneAt) -> Result<Option<FilePlane>, OpenFovError> {
        let Some((path, t)) = self.path_of(fov, at.t) else {
            return Ok(None);
        };
        let Some(file) = self.file(&path)? else {
            return Ok(None);
        };
        let Some(plane) = file.described.planes.plane(t, at.c, at.z) else {
            return Ok(None);
        };
        let is_there = if plane.path == path {
            (plane.page_idx as usize) < file.pages.len()
        } else {
            has_page(&plane)?
        };
        if !is_there {
            return Ok(None);
        }
        let name = super::file_name(&path);
        let base_name = name
            .get(..name.len() - self.ending.len())
            .unwrap_or_default();
        self.if_written(&file, base_name, t, at, plane)
    }

    fn expected(&self, fov: &Fov, at: PlaneAt) -> Option<PathBuf> {
        self.path_of(fov, at.t).map(|(path, _)| path)
    }

    fn are_shared(&self) -> bool {
        true
    }
}

/// An opened acquisition: its planes, and the image that all FOVs share.
#[derive(Debug)]
pub(in crate::formats) struct SquidOme {
    planes: Arc<SquidPlanes>,
    image: Arc<Image>,
}

impl SquidOme {
    /// The image of every FOV.
    pub(in crate::formats) fn image(&self) -> Arc<Image> {
        Arc::clone(&self.image)
    }

    /// True where the file of a FOV is there: at the first timepoint, or in the newest folder of one.
    pub(in crate::formats) fn has_any(&self, fov: &Fov) -> bool {
        let newest = match &self.planes.place {
            Place::Series(_) => 0,
            Place::Timepoints(folders) => folders.keys().next_back().copied().unwrap_or(0),
        };
        [0, newest].iter().any(|&number| {
            let path = self.planes.path_of(fov, number * self.planes.num_inner);
            path.is_some_and(|(path, _)| matches!(pages_of(&path), Ok(Some(_))))
        })
    }
}

/// Makes the FOV table and the image of what was found.
///
/// # Errors
/// When none of the first files can be read, or there are too many FOVs.
pub(in crate::formats) fn open(
    found: &OmeFolder,
    opening: &Opening<'_>,
    words: &str,
) -> Result<(Listing, SquidOme), OpenError> {
    let nothing = SideFiles::default();
    let side = opening.side.as_ref().unwrap_or(&nothing);
    let parsed = || found.names.iter().filter_map(|name| parse_name(name));
    let numbered = || parsed().filter_map(|(region, fov, _)| Some((region, fov.parse().ok()?)));
    let first = first_file(found, side)?;
    let mut listing = Listing::new(DatasetKind::Squid, words);
    listing
        .problems
        .extend(first.described.problems.iter().cloned());
    let taken: BTreeSet<(&str, u32)> = numbered().collect();
    listing.fovs = individual::rows_of(taken, side, opening)?;
    listing.plate = individual::plate_of(&listing.fovs, side);
    let names = found.names.iter().filter_map(|name| {
        let (region, fov, _) = parse_name(name)?;
        Some(((region.to_owned(), fov.parse().ok()?), name.clone()))
    });
    let widths = parsed().map(|(_, fov, _)| if fov.starts_with('0') { fov.len() } else { 1 });
    let num_inner = first.image.size_t;
    let is_one = found.acquisition != opening.root;
    let planes = Arc::new(SquidPlanes {
        acquisition: found.acquisition.clone(),
        place: found.place.clone(),
        is_one,
        num_inner,
        names: names.collect(),
        digits: widths.max().unwrap_or(1),
        ending: parsed()
            .next()
            .map_or(".ome.tiff", |(_, _, ending)| ending)
            .to_owned(),
        is_done: AtomicBool::new(side.is_done),
        notes: Notes::of(&found.acquisition),
        files: Mutex::new(LruCache::new(KEPT_FILES)),
    });
    let num_timepoints = num_timepoints(found, side, num_inner, is_one);
    let location = below(&opening.root, &found.newest_folder());
    let described = Described {
        channels: channels_of(
            &first.described.channels,
            side,
            &location,
            &mut listing.problems,
        ),
        ..first.described
    };
    let files = || -> Files { Files(Arc::clone(&planes) as _) };
    let image = described.image(
        &first.image,
        num_timepoints,
        sampling(side.sampling, sampling_of(&first.image)),
        // Squid writes no levels, and those of others are not looked for in each of its files.
        |_| files(),
    );
    let image = Arc::new(without_levels(image));
    Ok((listing, SquidOme { planes, image }))
}

fn without_levels(mut image: Image) -> Image {
    image.levels.truncate(1);
    image.computed = crate::formats::levels::computed_after(&image.levels);
    image
}

/// The first file that can be read.
fn first_file(found: &OmeFolder, side: &SideFiles) -> Result<OmeFile, OpenError> {
    let folders: Vec<&PathBuf> = match &found.place {
        Place::Series(folder) => vec![folder],
        Place::Timepoints(folders) => folders.values().take(TRIED_TIMEPOINTS).collect(),
    };
    let mut first_error: Option<OpenError> = None;
    for name in found.names.iter().take(TRIED_FILES) {
        for folder in &folders {
            match OmeFile::read(&folder.join(name)) {
                Ok(Some(file)) => return Ok(file),
                Ok(None) => {}
                Err(error) => drop(first_error.get_or_insert(error)),
            }
        }
    }
    // A running acquisition makes its first file right now.
    let is_being_made = first_error
        .as_ref()
        .is_none_or(|error| error.code == Code::CorruptData);
    if is_being_made && !side.is_done {
        let message = "an acquisition whose first file is not whole yet";
        return Err(OpenError::at(&found.acquisition, Code::NotWritten, message));
    }
    let absent = || OpenError::at(&found.acquisition, Code::NotFound, "no file can be read");
    Err(first_error.unwrap_or_else(absent))
}

fn num_timepoints(found: &OmeFolder, side: &SideFiles, num_inner: u32, is_one: bool) -> u64 {
    let folders = match &found.place {
        Place::Series(_) => return num_inner.into(),
        Place::Timepoints(folders) => folders,
    };
    if is_one {
        return num_inner.into();
    }
    let last = folders.keys().next_back().copied().unwrap_or(0);
    let planned = side.num_timepoints.filter(|_| !side.is_done).unwrap_or(0);
    let count = u64::from((last + 1).max(planned.min(limits::TIMEPOINTS)));
    count
        .saturating_mul(num_inner.into())
        .min(limits::TIMEPOINTS.into())
}

/// Channels as the document names them, with colour and exposure of the side file's channel of that name; one without a
/// name is the side file's of that place.
fn channels_of(
    found: &[Channel],
    side: &SideFiles,
    location: &str,
    problems: &mut Vec<Problem>,
) -> Vec<Channel> {
    let is_same_count = found.len() == side.channels.len();
    let by_name = |name: &str| {
        let mut listed = side.channels.iter();
        listed.find(|channel| channel.name.as_deref() == Some(name))
    };
    let mut channels = Vec::with_capacity(found.len());
    for (at, channel) in found.iter().enumerate() {
        let listed = match channel.name.as_deref() {
            Some(name) => by_name(name),
            None => side.channels.get(at).filter(|_| is_same_count),
        };
        channels.push(match listed {
            Some(listed) => Channel {
                emission_nm: listed.emission_nm.or(channel.emission_nm),
                color: listed.color.or(channel.color),
                ..listed.clone()
            },
            None => channel.clone(),
        });
    }
    let is_unlisted = |channel: &Channel| {
        channel
            .name
            .as_deref()
            .is_some_and(|it| by_name(it).is_none())
    };
    if !side.channels.is_empty() && found.iter().any(is_unlisted) {
        let message = "channels of the OME-XML that acquisition_channels.yaml does not list";
        problems.push(Problem::new(Code::Ignored, location, message));
    }
    channels
}

/// The side files come first: the document has what they had, if at all.
fn sampling(first: Sampling, second: Sampling) -> Sampling {
    Sampling {
        y_um: first.y_um.or(second.y_um),
        x_um: first.x_um.or(second.x_um),
        z_um: first.z_um.or(second.z_um),
        t_secs: first.t_secs.or(second.t_secs),
    }
}
