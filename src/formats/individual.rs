//! Squid's acquisitions in one image file per plane: `{t}/{region}_{fov}_{z}_{channel}.{ending}`, and one such folder.
//!
//! Squid `control/core/multi_point_worker.py` (`INDIVIDUAL_IMAGES`, the default). The first timepoint's folder is listed
//! once, and one file per channel is asked for size, sample type and colours; no other file is opened before it is shown.
//! What the side files plan (FOVs, channels, z-slices, timepoints) is there from the start.

mod channel_files;
mod names;
mod naming;
mod planes;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    path::Path,
    sync::Arc,
};

use self::{
    channel_files::OfChannel,
    names::{FileName, Names},
    naming::{names_of, none_fits, place_by_name},
    planes::{Catalogue, Digits, PlanesByName},
};
use super::{
    OpenError, levels,
    listing::{Listing, Opening, check_length},
    pixel_tags::sampled,
    plate,
    probe::below,
    side_files::SideFiles,
    timepoints::{SharedImage, Timepoints},
    twins,
};
use crate::{
    dataset::{Arrays, DatasetKind, Files, Fov, Image, Level, Sampling},
    image_file::{self, ImageFileError, Page},
    metadata::file_names::sanitised,
    model::{
        Axis, AxisRole, Channel, Code, PageAt, Plate, Problem, Rgb, TileGrid, WellName, limits,
        natural_cmp,
    },
    source::{Entry, Kind},
};

/// Files of a channel that are tried for size and type: the first ones may be half-written.
pub(super) const TRIED_FILES: usize = 4;

/// Colours of a colour image, and what their channels are called.
pub(super) const COLORS: [(&str, Rgb); 3] = [
    ("Red", Rgb { r: 255, g: 0, b: 0 }),
    ("Green", Rgb { r: 0, g: 255, b: 0 }),
    ("Blue", Rgb { r: 0, g: 0, b: 255 }),
];

/// True where files of a folder are called as in 2021, without anything between the z-slice and the channel.
pub(super) fn are_joined_in(entries: &[Entry]) -> bool {
    let mut files = entries.iter().filter(|entry| entry.kind == Kind::File);
    files.any(|entry| names::is_joined(&entry.name))
}

/// True where a file of one plane lies in a folder.
pub(super) fn are_in(entries: &[Entry]) -> bool {
    let names = Names::default();
    let mut files = entries.iter().filter(|entry| entry.kind == Kind::File);
    files.any(|entry| names.parse(&entry.name).is_some())
}

/// True for a name that would be of a plane if its numbers were smaller.
pub(super) fn is_beyond(name: &str) -> bool {
    Names::default().is_beyond(name)
}

/// A channel of the image: which file name, and which colour of the file.
#[derive(Clone, Copy, Debug)]
struct FileChannel {
    key: u16,
    color_idx: Option<u8>,
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
) -> Result<(Listing, SharedImage), OpenError> {
    let nothing = SideFiles::default();
    let side = opening.side_files().unwrap_or(&nothing);
    let names = names_of(side, &found.entries);
    let files = found
        .entries
        .iter()
        .filter(|entry| entry.kind == Kind::File);
    let planes: Vec<Found<'_>> = files
        .filter_map(|entry| {
            let name = names.parse(&entry.name)?;
            let (fov, z) = names.numbers(&name)?;
            Some(Found {
                name,
                fov,
                z,
                entry,
            })
        })
        .collect();
    if planes.is_empty() {
        return Err(none_fits(found));
    }
    let mut listing = Listing::new(DatasetKind::Squid, words);
    let digits = digits_of(&planes);
    let by_key = channel_files::of(&planes, &digits);
    let described = Described::of(&by_key, side, found, opening, &mut listing.problems)?;
    let found_fovs = planes.iter().map(|plane| (plane.name.region, plane.fov));
    listing.fovs = rows_of(found_fovs.collect(), side, opening)?;
    listing
        .fovs
        .iter_mut()
        .for_each(|fov| place_by_name(fov, &names, side));
    listing.plate = plate_of(&listing.fovs, side);
    let num_z = planes.iter().map(|plane| plane.z + 1).max().unwrap_or(1);
    let sizes = sizes_of(num_z, side, found, described.channels.len());
    let mut regions = HashMap::new();
    for region in listing.fovs.iter().filter_map(|fov| fov.region.as_ref()) {
        let number = regions.len() as u32;
        regions.entry(region.clone()).or_insert(number);
    }
    let by_name = Arc::new(PlanesByName::new(Catalogue {
        folders: found.known(),
        digits,
        names: names.clone(),
        regions,
        keys: described.keys,
        channels: described.file_channels,
    }));
    let left_out = by_name.take_listing(found.first, &found.entries);
    let location = below(&opening.root, &found.first_folder());
    listing
        .problems
        .extend(left_out.problem("files of planes", location));
    let image = image_of(
        Files(Arc::clone(&by_name) as _),
        described.page,
        sizes,
        described.channels,
        described.sampling,
        "one file per plane",
    );
    let shared = SharedImage::new(by_name, found.first, image);
    Ok((listing, shared))
}

/// Channels, and what the files of the first timepoint say of them.
struct Described {
    page: Page,
    sampling: Sampling,
    /// Sanitised name and ending of the files.
    keys: Vec<(String, String)>,
    file_channels: Vec<FileChannel>,
    channels: Vec<Channel>,
}

impl Described {
    fn of(
        by_key: &BTreeMap<&str, OfChannel<'_>>,
        side: &SideFiles,
        found: &Timepoints,
        opening: &Opening<'_>,
        problems: &mut Vec<Problem>,
    ) -> Result<Self, OpenError> {
        let folder = found.first_folder();
        let listed = listed_channels(side, by_key, &below(&opening.root, &folder), problems);
        let ending = twins::usual_ending(by_key.values().map(|of| of.ending)).unwrap_or("tiff");
        let mut first_page: Option<Page> = None;
        let mut sampling = side.sampling;
        let mut first_error: Option<ImageFileError> = None;
        let mut pages = Vec::with_capacity(listed.len());
        for (key, _) in &listed {
            let files = by_key.get(key.as_str());
            let files = files.map_or(&[][..], |of| of.tried.as_slice());
            let mut page = None;
            for file in files {
                match image_file::describe(&folder.join(&file.entry.name), PageAt::default()) {
                    Ok(described) => page = described,
                    Err(error) => drop(first_error.get_or_insert(error)),
                }
                if page.is_some() {
                    if first_page.is_none() {
                        let path = folder.join(&file.entry.name);
                        let first = PageAt::default();
                        sampling = sampled(sampling, &path, first, &opening.root, problems);
                    }
                    break;
                }
            }
            first_page = first_page.or(page);
            pages.push(page);
        }
        let Some(first_page) = first_page else {
            return Err(none_readable(&folder, first_error, side));
        };
        let mut described = Self {
            page: first_page,
            sampling,
            keys: Vec::new(),
            file_channels: Vec::new(),
            channels: Vec::new(),
        };
        let is_only = listed.len() == 1;
        for ((key, channel), page) in listed.into_iter().zip(pages) {
            let ending = by_key.get(key.as_str()).map_or(ending, |of| of.ending);
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
        for (color_idx, channel) in split_colors(channel, is_color, is_only) {
            self.file_channels.push(FileChannel { key, color_idx });
            self.channels.push(channel);
        }
    }
}

/// The channel itself, or the colours of its images; those of the only channel need no name before theirs.
pub(super) fn split_colors(
    channel: Channel,
    is_color: bool,
    is_only: bool,
) -> Vec<(Option<u8>, Channel)> {
    if !is_color {
        return vec![(None, channel)];
    }
    let colors = COLORS.iter().enumerate().map(|(at, (color_name, color))| {
        let name = match &channel.name {
            Some(name) if !is_only => format!("{name} {color_name}"),
            _ => (*color_name).to_owned(),
        };
        let channel = Channel {
            name: Some(name),
            color: Some(*color),
            color_part: Some(at as u8),
            ..channel.clone()
        };
        (Some(at as u8), channel)
    });
    colors.collect()
}

/// Why no file can be read: while a run goes on, the first ones may only be half-written.
pub(super) fn none_readable(
    folder: &Path,
    first: Option<ImageFileError>,
    side: &SideFiles,
) -> OpenError {
    match first {
        Some(error) if error.code != Code::CorruptData || side.is_done || !side.is_known => {
            error.into()
        }
        _ => OpenError::at(folder, Code::NotWritten, "no image is whole yet"),
    }
}

/// Sanitised names and channels: those of the side file in its order, then those of other files in natural order.
fn listed_channels(
    side: &SideFiles,
    found: &BTreeMap<&str, OfChannel<'_>>,
    location: &str,
    problems: &mut Vec<Problem>,
) -> Vec<(String, Channel)> {
    let mut listed: Vec<(String, Channel)> = Vec::new();
    let mut known = HashSet::new();
    for channel in &side.channels {
        let Some(name) = &channel.name else { continue };
        let key = sanitised(name);
        if side.leaves_channels_out() && !found.contains_key(key.as_str()) {
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
pub(super) fn sizes_of(
    num_z: u32,
    side: &SideFiles,
    found: &Timepoints,
    num_channels: usize,
) -> [u64; 3] {
    let planned = |count: Option<u32>| count.filter(|_| !side.is_done).unwrap_or(0);
    let planned_t = if found.is_one {
        0
    } else {
        planned(side.num_timepoints)
    };
    [
        u64::from(found.num_found().max(planned_t.min(limits::TIMEPOINTS))),
        num_channels as u64,
        u64::from(num_z.max(planned(side.num_z)).min(limits::Z_SLICES)),
    ]
}

/// Digits of numbers, as most are written.
fn digits_of(planes: &[Found<'_>]) -> Digits {
    Digits {
        fov: twins::usual_width(planes.iter().filter_map(|it| it.name.place.index())),
        z: twins::usual_width(planes.iter().map(|it| it.name.z)),
    }
}

/// The image of planes in folders of timepoints: t, c, z, y, x.
pub(super) fn image_of(
    files: Files,
    page: Page,
    [num_t, num_c, num_z]: [u64; 3],
    channels: Vec<Channel>,
    sampling: Sampling,
    storage: &str,
) -> Image {
    let axes = [
        ("t", AxisRole::Time, num_t),
        ("c", AxisRole::Channel, num_c),
        ("z", AxisRole::Z, num_z),
    ];
    image_of_files(files, page, &axes, channels, sampling, storage)
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
