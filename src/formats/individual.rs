//! Squid's acquisitions in one image file per plane: `{t}/{region}_{fov}_{z}_{channel}.{ending}`, and one such folder.
//!
//! Squid `control/core/multi_point_worker.py` (`INDIVIDUAL_IMAGES`, the default). The first timepoint's folder is listed
//! once, and one file per channel is asked for size, sample type and colours; no other file is opened before it is shown.
//! What the side files plan (FOVs, channels, z-slices, timepoints) is there from the start.

mod names;
mod planes;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use self::{
    names::{FileName, Names, sanitised},
    planes::{Catalogue, Digits, PlanesByName},
};
use super::{
    OpenError, levels,
    listing::{Listing, Opening, check_length},
    plate,
    probe::below,
    side_files::SideFiles,
};
use crate::{
    dataset::{Arrays, DatasetKind, Files, Fov, Image, Level, Sampling},
    image_file::{self, ImageFileError, Page},
    model::{
        Axis, AxisRole, Channel, Code, Plate, Problem, Rgb, TileGrid, WellName, limits, natural_cmp,
    },
    source::{self, Entry, Kind},
};

/// Files of a channel that are tried for size and type: the first ones may be half-written.
const TRIED_FILES: usize = 4;
/// Timepoints that are searched for the first plane.
const TRIED_TIMEPOINTS: usize = 4;

/// Colours of a colour image, and what their channels are called.
pub(super) const COLORS: [(&str, Rgb); 3] = [
    ("Red", Rgb { r: 255, g: 0, b: 0 }),
    ("Green", Rgb { r: 0, g: 255, b: 0 }),
    ("Blue", Rgb { r: 0, g: 0, b: 255 }),
];

/// Folders of timepoints, and what lies in the first that holds planes.
#[derive(Debug)]
pub(super) struct Timepoints {
    /// The folder that they lie in.
    folder: PathBuf,
    /// Their names by number.
    folders: HashMap<u32, String>,
    /// Only this one was opened.
    pub(super) is_one: bool,
    first: u32,
    entries: Vec<Entry>,
}

impl Timepoints {
    /// Looks for planes in a folder, or in the folders of timepoints in it; `None` where there are none.
    pub(super) fn find(root: &Path, entries: &[Entry]) -> Option<Self> {
        let folders = timepoint_folders(entries);
        let mut numbers: Vec<u32> = folders.keys().copied().collect();
        numbers.sort_unstable();
        for &first in numbers.iter().take(TRIED_TIMEPOINTS) {
            let entries = source::list(&root.join(&folders[&first])).unwrap_or_default();
            if holds_planes(&entries) {
                return Some(Self {
                    folder: root.to_path_buf(),
                    folders,
                    is_one: false,
                    first,
                    entries,
                });
            }
        }
        if !holds_planes(entries) {
            return None;
        }
        let name = root.file_name()?.to_str()?.to_owned();
        Some(Self {
            folder: root.parent()?.to_path_buf(),
            folders: [(0, name)].into(),
            is_one: true,
            first: 0,
            entries: entries.to_vec(),
        })
    }

    /// The folder that holds the timepoints.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of the newest timepoint, in which unplanned FOVs appear.
    pub(super) fn newest_folder(&self) -> Option<PathBuf> {
        let (_, name) = self.folders.iter().max_by_key(|(number, _)| **number)?;
        Some(self.folder.join(name))
    }
}

fn timepoint_folders(entries: &[Entry]) -> HashMap<u32, String> {
    let folders = entries.iter().filter(|entry| entry.kind == Kind::Folder);
    let numbered = folders.filter_map(|entry| {
        let is_digits = entry.name.bytes().all(|byte| byte.is_ascii_digit());
        let number = is_digits.then(|| entry.name.parse().ok())??;
        (number < limits::TIMEPOINTS).then(|| (number, entry.name.clone()))
    });
    numbered.collect()
}

fn holds_planes(entries: &[Entry]) -> bool {
    let names = Names::default();
    let mut files = entries.iter().filter(|entry| entry.kind == Kind::File);
    files.any(|entry| names.parse(&entry.name).is_some())
}

/// A channel of the image: which file name, and which colour of the file.
#[derive(Clone, Copy, Debug)]
struct FileChannel {
    key: u16,
    color_idx: Option<u8>,
}

/// An opened acquisition: its planes, and the image that all FOVs share.
#[derive(Debug)]
pub(super) struct Individual {
    planes: Arc<PlanesByName>,
    first: u32,
    image: Mutex<Arc<Image>>,
}

impl Individual {
    /// The image of every FOV.
    pub(super) fn image(&self) -> Arc<Image> {
        Arc::clone(&self.image.lock())
    }

    /// The image as it is now: timepoints that nobody planned make it longer.
    pub(super) fn image_now(&self) -> Arc<Image> {
        let image = self.image();
        if self.planes.catalogue.is_one {
            return image;
        }
        let Ok(entries) = source::list(&self.planes.catalogue.folder) else {
            return image;
        };
        let folders = timepoint_folders(&entries);
        let num_found = folders.keys().max().map_or(0, |last| last + 1);
        self.planes.catalogue.folders.lock().extend(folders);
        if num_found <= image.num_timepoints() {
            return image;
        }
        let mut longer = image.as_ref().clone();
        for level in &mut longer.levels {
            level.shape[0] = num_found.into();
        }
        let longer = Arc::new(longer);
        *self.image.lock() = Arc::clone(&longer);
        longer
    }

    /// True where any plane of a FOV is there, in the first timepoint or in the newest one.
    pub(super) fn has_any(&self, fov: &Fov) -> bool {
        let newest = self.planes.catalogue.folders.lock().keys().max().copied();
        self.planes.has_any(fov, self.first)
            || newest.is_some_and(|newest| self.planes.has_any(fov, newest))
    }
}

/// A plane of the first timepoint.
struct Found<'a> {
    name: FileName<'a>,
    fov: u32,
    z: u32,
    entry: &'a Entry,
}

/// Makes the FOV table and the image of what was found.
///
/// # Errors
/// When no file of the first timepoint can be read, or there are too many FOVs or channels.
pub(super) fn open(
    found: &Timepoints,
    opening: &Opening<'_>,
    words: &str,
) -> Result<(Listing, Individual), OpenError> {
    let nothing = SideFiles::default();
    let side = opening.side.as_ref().unwrap_or(&nothing);
    let names = names_of(side);
    let files = found
        .entries
        .iter()
        .filter(|entry| entry.kind == Kind::File);
    let planes: Vec<Found<'_>> = files
        .filter_map(|entry| {
            let name = names.parse(&entry.name)?;
            let (fov, z) = name.numbers()?;
            Some(Found {
                name,
                fov,
                z,
                entry,
            })
        })
        .collect();
    let mut listing = Listing::new(DatasetKind::Squid, words);
    let described = Described::of(&planes, side, found, opening, &mut listing.problems)?;
    let taken = planes.iter().map(|plane| (plane.name.region, plane.fov));
    listing.fovs = rows_of(taken.collect(), side, opening)?;
    listing.plate = plate_of(&listing.fovs, side);
    let sizes = sizes_of(&planes, side, found, described.channels.len());
    let mut regions = HashMap::new();
    for region in listing.fovs.iter().filter_map(|fov| fov.region.as_ref()) {
        let number = regions.len() as u32;
        regions.entry(region.clone()).or_insert(number);
    }
    let by_name = Arc::new(PlanesByName::new(Catalogue {
        folder: found.folder.clone(),
        folders: Mutex::new(found.folders.clone()),
        is_one: found.is_one,
        digits: digits_of(&planes, found),
        names: names.clone(),
        regions,
        keys: described.keys,
        channels: described.file_channels,
    }));
    by_name.take_listing(found.first, &found.entries);
    let image = image_of(
        Files(Arc::clone(&by_name) as _),
        described.page,
        sizes,
        described.channels,
        side.sampling,
    );
    let individual = Individual {
        planes: by_name,
        first: found.first,
        image: Mutex::new(Arc::new(image)),
    };
    Ok((listing, individual))
}

fn names_of(side: &SideFiles) -> Names {
    let planned = side.planned.iter().map(|(region, _)| region);
    let channels = side.channels.iter().filter_map(|it| it.name.as_deref());
    Names {
        regions: planned.chain(&side.regions).cloned().collect(),
        channels: channels.map(sanitised).collect(),
    }
}

/// Channels, and what the files of the first timepoint say of them.
struct Described {
    page: Page,
    /// Sanitised name and ending of the files.
    keys: Vec<(String, String)>,
    file_channels: Vec<FileChannel>,
    channels: Vec<Channel>,
}

impl Described {
    fn of(
        planes: &[Found<'_>],
        side: &SideFiles,
        found: &Timepoints,
        opening: &Opening<'_>,
        problems: &mut Vec<Problem>,
    ) -> Result<Self, OpenError> {
        let folder = found.folder.join(&found.folders[&found.first]);
        let mut by_key: BTreeMap<&str, Vec<&Found<'_>>> = BTreeMap::new();
        for plane in planes {
            let files = by_key.entry(plane.name.channel).or_default();
            if files.len() < TRIED_FILES {
                files.push(plane);
            }
        }
        let listed = listed_channels(side, &by_key, &below(&opening.root, &folder), problems);
        let ending = planes.first().map_or("tiff", |plane| plane.name.ending);
        let mut first_page: Option<Page> = None;
        let mut first_error: Option<ImageFileError> = None;
        let mut pages = Vec::with_capacity(listed.len());
        for (key, _) in &listed {
            let files = by_key.get(key.as_str()).map_or(&[][..], Vec::as_slice);
            let mut page = None;
            for file in files {
                match image_file::describe(&folder.join(&file.entry.name), 0) {
                    Ok(described) => page = described,
                    Err(error) => drop(first_error.get_or_insert(error)),
                }
                if page.is_some() {
                    break;
                }
            }
            first_page = first_page.or(page);
            pages.push(page);
        }
        let Some(first_page) = first_page else {
            let absent = || OpenError::at(&folder, Code::NotFound, "no image can be read");
            return Err(first_error.map_or_else(absent, OpenError::from));
        };
        let mut described = Self {
            page: first_page,
            keys: Vec::new(),
            file_channels: Vec::new(),
            channels: Vec::new(),
        };
        let is_only = listed.len() == 1;
        for ((key, channel), page) in listed.into_iter().zip(pages) {
            let ending = by_key
                .get(key.as_str())
                .and_then(|files| files.first())
                .map_or(ending, |file| file.name.ending);
            let number = described.keys.len() as u16;
            described.keys.push((key, ending.to_owned()));
            let is_color = page.unwrap_or(first_page).num_colors == 3;
            described.add(number, channel, is_color, is_only);
        }
        let (count, limit) = (described.channels.len(), limits::CHANNELS);
        if count > limit {
            let message = format!("{count} channels where at most {limit} are shown");
            return Err(OpenError::at(&folder, Code::TooLarge, message));
        }
        Ok(described)
    }

    /// Adds a channel, of colour images as three.
    fn add(&mut self, key: u16, channel: Channel, is_color: bool, is_only: bool) {
        if !is_color {
            self.file_channels.push(FileChannel {
                key,
                color_idx: None,
            });
            self.channels.push(channel);
            return;
        }
        for (at, (color_name, color)) in COLORS.iter().enumerate() {
            let name = match &channel.name {
                Some(name) if !is_only => format!("{name} {color_name}"),
                _ => (*color_name).to_owned(),
            };
            self.file_channels.push(FileChannel {
                key,
                color_idx: Some(at as u8),
            });
            self.channels.push(Channel {
                name: Some(name),
                color: Some(*color),
                ..channel.clone()
            });
        }
    }
}

/// Sanitised names and channels: those of the side file in its order, then those of other files in natural order.
fn listed_channels(
    side: &SideFiles,
    found: &BTreeMap<&str, Vec<&Found<'_>>>,
    location: &str,
    problems: &mut Vec<Problem>,
) -> Vec<(String, Channel)> {
    let mut listed: Vec<(String, Channel)> = Vec::new();
    let mut known = HashSet::new();
    for channel in &side.channels {
        let Some(name) = &channel.name else { continue };
        let key = sanitised(name);
        // What a finished run did not take will not come.
        if side.is_done && !found.contains_key(key.as_str()) {
            continue;
        }
        if known.insert(key.clone()) {
            listed.push((key, channel.clone()));
        } else {
            let message = format!("channel {name:?} shares its file names with another one");
            problems.push(Problem::new(Code::Ignored, location, message));
        }
    }
    let mut others: Vec<&str> = found.keys().copied().collect();
    others.retain(|key| !known.contains(*key));
    others.sort_by(|a, b| natural_cmp(a, b));
    listed.extend(others.into_iter().map(|key| {
        let channel = Channel {
            name: Some(key.to_owned()),
            ..Channel::default()
        };
        (key.to_owned(), channel)
    }));
    listed
}

/// Planned FOVs in the order of the plan, then the others of those that were `found` (region and number in it); a run
/// that is over has only those.
///
/// # Errors
/// When there are too many.
pub(super) fn rows_of<'a>(
    mut found: BTreeSet<(&'a str, u32)>,
    side: &'a SideFiles,
    opening: &Opening<'_>,
) -> Result<Vec<Fov>, OpenError> {
    let mut fovs = Vec::new();
    for (region, count) in &side.planned {
        for number in 0..(*count).min(limits::FOVS as u32) {
            let present = found.remove(&(region.as_str(), number));
            if present || !side.is_done {
                fovs.push(row_of(region, number, present, opening));
            }
        }
        check_length(fovs.len(), &opening.root)?;
    }
    let mut others: Vec<(&str, u32)> = found.into_iter().collect();
    others.sort_by(|a, b| natural_cmp(a.0, b.0).then(a.1.cmp(&b.1)));
    fovs.extend(
        others
            .into_iter()
            .map(|(region, number)| row_of(region, number, true, opening)),
    );
    check_length(fovs.len(), &opening.root)?;
    Ok(fovs)
}

fn row_of(region: &str, number: u32, present: bool, opening: &Opening<'_>) -> Fov {
    let well = WellName::parse(region);
    Fov {
        path: format!("{region}:{number}"),
        label: format!("{region}:{number}"),
        folder: opening.root.clone(),
        region: Some(region.to_owned()),
        fov_in_region: Some(number),
        row: well.as_ref().map(|well| well.row.clone()),
        column: well.map(|well| well.column),
        present,
        ..Fov::default()
    }
}

/// The plate of FOVs whose regions are all wells.
pub(super) fn plate_of(fovs: &[Fov], side: &SideFiles) -> Option<Plate> {
    fovs.iter().all(|fov| fov.row.is_some()).then(|| Plate {
        format_name: side.wellplate_format.clone(),
        ..plate::plate_of_rows(&[], &[], fovs)
    })
}

/// Timepoints, channels and z-slices: those found, and those that a running acquisition plans.
fn sizes_of(
    planes: &[Found<'_>],
    side: &SideFiles,
    found: &Timepoints,
    num_channels: usize,
) -> [u64; 3] {
    let planned = |count: Option<u32>| count.filter(|_| !side.is_done).unwrap_or(0);
    let last = found.folders.keys().max().copied().unwrap_or(0);
    let planned_t = if found.is_one {
        0
    } else {
        planned(side.num_timepoints)
    };
    let num_z = planes.iter().map(|plane| plane.z + 1).max().unwrap_or(1);
    [
        u64::from((last + 1).max(planned_t.min(limits::TIMEPOINTS))),
        num_channels as u64,
        u64::from(num_z.max(planned(side.num_z)).min(limits::Z_SLICES)),
    ]
}

/// Digits of numbers, by those that begin with a zero.
fn digits_of(planes: &[Found<'_>], found: &Timepoints) -> Digits {
    let digits = |text: &str| {
        if text.len() > 1 && text.starts_with('0') {
            text.len()
        } else {
            1
        }
    };
    let widest = |widths: &mut dyn Iterator<Item = usize>| widths.max().unwrap_or(1);
    Digits {
        t: widest(&mut found.folders.values().map(|name| digits(name))),
        fov: widest(&mut planes.iter().map(|it| digits(it.name.fov))),
        z: widest(&mut planes.iter().map(|it| digits(it.name.z))),
    }
}

/// The image of one file per plane: t, c, z, y, x.
fn image_of(
    files: Files,
    page: Page,
    [num_t, num_c, num_z]: [u64; 3],
    channels: Vec<Channel>,
    sampling: Sampling,
) -> Image {
    let axes = [
        ("t", AxisRole::Time, num_t),
        ("c", AxisRole::Channel, num_c),
        ("z", AxisRole::Z, num_z),
    ];
    image_of_files(files, page, &axes, channels, sampling, "one file per plane")
}

/// An image whose planes lie in files, with these axes before y and x.
pub(super) fn image_of_files(
    files: Files,
    page: Page,
    outer: &[(&str, AxisRole, u64)],
    channels: Vec<Channel>,
    sampling: Sampling,
    storage: &str,
) -> Image {
    let (height, width) = (u64::from(page.height), u64::from(page.width));
    let inner = [("y", AxisRole::Y, height), ("x", AxisRole::X, width)];
    let all = || outer.iter().chain(&inner);
    let level = Level {
        path: ".".into(),
        arrays: Arrays::Files(files),
        shape: all().map(|(_, _, length)| *length).collect(),
        scale: None,
        translation: None,
        // Of a large page the decoder reads the strips or tiles that a tile of ours touches.
        grid: TileGrid::of_stored(page.width, page.height, limits::TILE_PX, limits::TILE_PX),
    };
    let levels = vec![level];
    Image {
        axes: all()
            .map(|(name, role, _)| Axis {
                name: (*name).to_owned(),
                role: *role,
                unit: None,
            })
            .collect(),
        sample_type: page.sample_type,
        computed: levels::computed_after(&levels),
        levels,
        channels,
        sampling,
        labels: Vec::new(),
        storage: storage.to_owned(),
        ngff: None,
        complete: None,
    }
}

impl From<ImageFileError> for OpenError {
    fn from(error: ImageFileError) -> Self {
        Self {
            code: error.code,
            message: error.message,
            location: error.location,
        }
    }
}
