//! Squid's acquisitions in OME-TIFF: `ome_tiff/{region}_{fov}.ome.tiff`, each a whole series, or such files in the folders
//! of timepoints.
//!
//! Squid `control/core/job_processing.py` (`SaveOMETiffJob`) makes a file for all planes of a FOV at its first plane and
//! fills it through a memory map; positions of planes are added to the document when the last one is written. So a file
//! whose document has them is whole. Before, [notes](super::written::Notes) tell which planes are written, else holes of the file, else zeros.

use std::{
    collections::{
        BTreeMap, HashMap, HashSet,
        hash_map::Entry::{Occupied, Vacant},
    },
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Described, FOLDER, sampling_of,
    squid_planes::{self, Catalogue, InTimepoints, OmeFile, SquidPlanes},
};
use crate::{
    dataset::{DatasetKind, Files, Fov, Image, Sampling},
    formats::{
        OpenError,
        file_images::FileImages,
        individual, levels,
        listing::{Listing, Opening},
        probe::below,
        side_files::{self, SideFiles},
        timepoints::{Folders, SharedImage, TRIED_TIMEPOINTS, numbered},
        twins::{self, Fit, LeftOut},
    },
    model::{Channel, Code, Problem, limits},
    source::{self, Entry, Kind},
};

/// Files that are tried for the image that all FOVs share: the first ones may be half-written.
const TRIED_FILES: usize = 8;

/// Where the files lie.
#[derive(Debug)]
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
    /// Names in the folder, of several in the first and the newest one.
    names: Vec<String>,
    /// The number of the first one.
    first: u32,
}

impl OmeFolder {
    /// Looks for files in the folder of an acquisition, or in the folder of a timepoint or of all files; `None` where
    /// there are none, or nothing says that they are Squid's.
    pub(in crate::formats) fn find(root: &Path, entries: &[Entry]) -> Option<Self> {
        let inside = root.join(FOLDER);
        let names = file_names(&source::list(&inside).unwrap_or_default());
        if !names.is_empty() {
            return Some(Self::series(root, inside, names));
        }
        let names = file_names(entries);
        if names.is_empty() {
            return None;
        }
        let around = root.parent()?;
        let name = root.file_name()?.to_string_lossy();
        let has_side_files =
            |folder: &Path| source::list(folder).is_ok_and(|entries| side_files::are_in(&entries));
        if name == FOLDER {
            return Some(Self::series(around, root.to_path_buf(), names));
        }
        if name.bytes().all(|byte| byte.is_ascii_digit()) && has_side_files(around) {
            return Some(Self {
                acquisition: around.to_path_buf(),
                place: Place::Timepoints([(0, root.to_path_buf())].into()),
                names,
                first: 0,
            });
        }
        side_files::are_in(entries).then(|| Self::series(root, root.to_path_buf(), names))
    }

    fn series(acquisition: &Path, folder: PathBuf, names: Vec<String>) -> Self {
        Self {
            acquisition: acquisition.to_path_buf(),
            place: Place::Series(folder),
            names,
            first: 0,
        }
    }

    /// Looks for files in the folders of timepoints, which may be long to list.
    pub(in crate::formats) fn in_timepoints(root: &Path, entries: &[Entry]) -> Option<Self> {
        let folders = numbered(entries).into_iter();
        let folders: BTreeMap<u32, PathBuf> = folders
            .map(|(number, name)| (number, root.join(name)))
            .collect();
        let mut tried = folders.iter().take(TRIED_TIMEPOINTS);
        let names_in = |folder: &Path| file_names(&source::list(folder).unwrap_or_default());
        let (first, mut names) = tried.find_map(|(&number, folder)| {
            let names = names_in(folder);
            (!names.is_empty()).then_some((number, names))
        })?;
        // FOVs that nobody planned may have begun later.
        if let Some((_, newest)) = folders.iter().next_back().filter(|it| *it.0 != first) {
            let known: HashSet<String> = names.iter().cloned().collect();
            names.extend(
                names_in(newest)
                    .into_iter()
                    .filter(|name| !known.contains(name)),
            );
        }
        Some(Self {
            acquisition: root.to_path_buf(),
            place: Place::Timepoints(folders),
            names,
            first,
        })
    }

    /// The acquisition folder.
    pub(in crate::formats) fn acquisition(&self) -> &Path {
        &self.acquisition
    }

    /// True where its files lie in that folder.
    pub(in crate::formats) fn lies_in(&self, folder: &Path) -> bool {
        match &self.place {
            Place::Series(own) => own == folder,
            Place::Timepoints(folders) => folders.values().any(|own| own == folder),
        }
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

impl OmeFolder {
    /// The folders of timepoints, of which only one may be shown; `None` where all lie in one folder.
    fn timepoints(&self, is_one: bool) -> Option<Folders> {
        let Place::Timepoints(folders) = &self.place else {
            return None;
        };
        let name = |path: &PathBuf| {
            path.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        };
        let known = folders.iter().map(|(&number, path)| (number, name(path)));
        Some(Folders::new(
            self.acquisition.clone(),
            known.collect(),
            is_one,
        ))
    }

    /// The name of the file of each FOV, and which are left out for others of the same; most have numbers of so many
    /// digits, and that ending.
    fn names_of_fovs(
        &self,
        digits: usize,
        ending: &str,
    ) -> (HashMap<(String, u32), String>, LeftOut) {
        let mut left_out = LeftOut::default();
        let mut names: HashMap<(String, u32), (Fit<'_>, &str)> = HashMap::new();
        for name in &self.names {
            let Some((region, number, own_ending)) = parse_name(name) else {
                continue;
            };
            let Ok(fov) = number.parse() else {
                continue;
            };
            let is_as_wide = twins::is_as_wide(number, digits);
            let fit = twins::fit(name, is_as_wide, own_ending, ending);
            match names.entry((region.to_owned(), fov)) {
                Vacant(place) => {
                    place.insert((fit, name));
                }
                Occupied(mut known) if fit > known.get().0 => {
                    left_out.add(known.insert((fit, name)).1);
                }
                Occupied(_) => left_out.add(name),
            }
        }
        let owned = names
            .into_iter()
            .map(|(fov, (_, name))| (fov, name.to_owned()));
        (owned.collect(), left_out)
    }

    /// What its files are called, and which are left out for others of the same FOVs.
    fn catalogue(&self, num_inner: u32, place: squid_planes::Place) -> (Catalogue, LeftOut) {
        let parsed = || self.names.iter().filter_map(|name| parse_name(name));
        let digits = twins::usual_width(parsed().map(|(_, fov, _)| fov));
        let ending = twins::usual_ending(parsed().map(|(_, _, ending)| ending));
        let ending = ending.unwrap_or(".ome.tiff");
        let (names, left_out) = self.names_of_fovs(digits, ending);
        let catalogue = Catalogue {
            acquisition: self.acquisition.clone(),
            place,
            num_inner,
            names,
            digits,
            ending: ending.to_owned(),
        };
        (catalogue, left_out)
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

/// An acquisition in one folder: its planes, and the image that all FOVs share.
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

    /// True where the file of a FOV is there.
    pub(in crate::formats) fn has_any(&self, fov: &Fov) -> bool {
        self.planes.has_file(fov, 0)
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
) -> Result<(Listing, FileImages), OpenError> {
    let nothing = SideFiles::default();
    let side = opening.side_files().unwrap_or(&nothing);
    let first = first_file(found, side)?;
    let mut listing = Listing::new(DatasetKind::Squid, words);
    let problems = first.described.problems.iter();
    listing.problems.extend(problems.cloned());
    let parsed = found.names.iter().filter_map(|name| parse_name(name));
    let taken = parsed.filter_map(|(region, fov, _)| Some((region, fov.parse().ok()?)));
    listing.fovs = individual::rows_of(taken.collect(), side, opening)?;
    listing.plate = individual::plate_of(&listing.fovs, side);
    let folders = found.timepoints(found.acquisition != opening.root);
    let folders = folders.map(Arc::new);
    let place = match &folders {
        Some(folders) => squid_planes::Place::Timepoints(Arc::clone(folders)),
        None => squid_planes::Place::Series(found.newest_folder()),
    };
    let (catalogue, left_out) = found.catalogue(first.image.size_t, place);
    let num_timepoints = num_timepoints(&catalogue, side);
    let location = below(&opening.root, &found.newest_folder());
    let left_out = left_out.problem("files of FOVs", location.as_str());
    listing.problems.extend(left_out);
    let described = Described {
        channels: channels_of(
            &first.described.channels,
            side,
            &location,
            &mut listing.problems,
        ),
        ..first.described
    };
    let planes = Arc::new(SquidPlanes::new(catalogue, side.is_done));
    let sampling = sampling(side.sampling, sampling_of(&first.image));
    // Squid writes no levels, and those of others are not looked for in each of its files.
    let files = |_| Files(Arc::clone(&planes) as _);
    let image = described.image(&first.image, num_timepoints, sampling, files);
    let image = without_levels(image);
    let images = match folders {
        Some(folders) => {
            let first = found.first;
            let files = Arc::new(InTimepoints { planes, folders });
            FileImages::Timepoints(SharedImage::new(files, first, image))
        }
        None => FileImages::OmeTiffs(SquidOme {
            planes,
            image: Arc::new(image),
        }),
    };
    Ok((listing, images))
}

fn without_levels(mut image: Image) -> Image {
    image.levels.truncate(1);
    image.computed = levels::computed_after(&image.levels);
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

fn num_timepoints(catalogue: &Catalogue, side: &SideFiles) -> u64 {
    let num_inner = u64::from(catalogue.num_inner);
    let folders = match &catalogue.place {
        squid_planes::Place::Timepoints(folders) if !folders.is_one() => folders,
        _ => return num_inner,
    };
    let planned = side.num_timepoints.filter(|_| !side.is_done).unwrap_or(0);
    let count = u64::from(folders.num_known().max(planned.min(limits::TIMEPOINTS)));
    (count * num_inner).min(limits::TIMEPOINTS.into())
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
