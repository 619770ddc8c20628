//! Recordings of Squid that are no acquisitions: a file per frame, a thousand to a folder, along time.
//!
//! Squid `control/core/core.py`: "Simple Recording" (`ImageSaver`) leaves `frames.csv` and `{n / 1000}/{n % 1000}_{channel}`,
//! tracking (`ImageSaver_Tracking`) `track.csv` and `{n / 1000}/{n % 1000}_{n}_{channel}`. Neither has a mark of its end or a
//! plan, so what is there is what is shown, and more when more frames came.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use super::{
    OpenError,
    individual::{COLORS, TRIED_FILES, image_of_files, split_colors},
    listing::Listing,
    pixel_tags::sampled,
    probe::fov_error_of,
    side_files::SideFiles,
    timepoints::numbered,
};
use crate::{
    dataset::{
        DatasetKind, FilePlane, Files, Fov, Image, OpenFovError, PlaneAt, PlaneFiles, Sampling,
    },
    image_file::{self, ImageFileError, Page, is_image_name},
    metadata::file_names::sanitised,
    model::{AxisRole, Channel, Code, PageAt, Problem, limits, natural_cmp},
    source::{self, Entry, Kind},
};

/// `max_num_image_per_folder` of both writers.
const FRAMES_PER_FOLDER: u32 = 1000;

/// Which of the two writers names the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writer {
    Recording,
    Tracking,
}

/// A recording as it was found.
#[derive(Clone, Debug)]
pub(super) struct Frames {
    root: PathBuf,
    writer: Writer,
    /// Names of the folders by number.
    folders: BTreeMap<u32, String>,
}

/// A frame by the name of its file: number in its folder, channel, ending.
struct FrameName<'a> {
    number: u32,
    channel: &'a str,
    ending: &'a str,
}

impl Frames {
    /// Looks for the table that each writer leaves, and for folders of frames; `None` where they are not there.
    pub(super) fn find(root: &Path, entries: &[Entry]) -> Option<Self> {
        let has = |name: &str| entries.iter().any(|entry| entry.name == name);
        let writer = match (has("frames.csv"), has("track.csv")) {
            (true, _) => Writer::Recording,
            (false, true) => Writer::Tracking,
            (false, false) => return None,
        };
        let found = Self {
            root: root.to_path_buf(),
            writer,
            folders: numbered(entries).into_iter().collect(),
        };
        let first = found.folders.keys().next().copied()?;
        let has_frames = !found.listed(first).is_empty();
        has_frames.then_some(found)
    }

    /// The layout in words.
    pub(super) fn words(&self) -> &'static str {
        match self.writer {
            Writer::Recording => "Squid recording in one file per frame",
            Writer::Tracking => "Squid tracking in one file per frame",
        }
    }

    fn folder(&self, number: u32) -> Option<PathBuf> {
        Some(self.root.join(self.folders.get(&number)?))
    }

    /// The names of image files in a folder that are those of frames.
    fn listed(&self, number: u32) -> Vec<String> {
        let folder = self.folder(number).unwrap_or_default();
        let entries = source::list(&folder).unwrap_or_default();
        let names = entries
            .into_iter()
            .filter(|entry| entry.kind == Kind::File)
            .map(|entry| entry.name);
        names
            .filter(|name| self.parse(name, number).is_some())
            .collect()
    }

    fn parse<'a>(&self, name: &'a str, folder: u32) -> Option<FrameName<'a>> {
        let (stem, ending) = name.rsplit_once('.').filter(|_| is_image_name(name))?;
        let (number, rest) = stem.split_once('_')?;
        let number = number.parse().ok().filter(|&it| it < FRAMES_PER_FOLDER)?;
        let channel = match self.writer {
            Writer::Recording => rest,
            Writer::Tracking => {
                let (frame, channel) = rest.split_once('_')?;
                let expected = folder.checked_mul(FRAMES_PER_FOLDER)?.checked_add(number)?;
                (frame.parse() == Ok(expected)).then_some(channel)?
            }
        };
        (!channel.is_empty()).then_some(FrameName {
            number,
            channel,
            ending,
        })
    }
}

/// A channel of the image as file names have it: its name and ending there, and which colour.
type InFiles = (String, String, Option<u8>);

/// Finds frames by the names that they have.
#[derive(Debug)]
struct FrameFiles {
    frames: Mutex<Frames>,
    /// By channel of the image.
    channels: Mutex<Vec<InFiles>>,
}

impl FrameFiles {
    fn path_of(&self, at: PlaneAt) -> Option<(PathBuf, Option<u8>)> {
        let channels = self.channels.lock();
        let (channel, ending, color_idx) = channels.get(usize::from(at.c))?;
        let (folder, number) = (at.t / FRAMES_PER_FOLDER, at.t % FRAMES_PER_FOLDER);
        let frames = self.frames.lock();
        let name = match frames.writer {
            Writer::Recording => format!("{number}_{channel}.{ending}"),
            Writer::Tracking => format!("{number}_{}_{channel}.{ending}", at.t),
        };
        Some((frames.folder(folder)?.join(name), *color_idx))
    }
}

/// What a folder of frames holds.
#[derive(Debug, Default)]
struct Content {
    /// Up to the last one.
    num_frames: u32,
    /// Channels in file names, and their ending.
    endings: BTreeMap<String, String>,
}

impl Content {
    fn add(&mut self, frames: &Frames, folder: u32, names: &[String]) {
        for found in names.iter().filter_map(|name| frames.parse(name, folder)) {
            let frame = folder
                .saturating_mul(FRAMES_PER_FOLDER)
                .saturating_add(found.number);
            let count = frame.saturating_add(1).min(limits::TIMEPOINTS);
            self.num_frames = self.num_frames.max(count);
            let ending = found.ending.to_owned();
            self.endings
                .entry(found.channel.to_owned())
                .or_insert(ending);
        }
    }
}

/// An opened recording, which may grow.
pub(super) struct Recording {
    files: Arc<FrameFiles>,
    image: Mutex<Arc<Image>>,
    /// What its side files say of channels.
    known: Vec<Channel>,
}

impl Recording {
    /// The image as it was described last.
    pub(super) fn image(&self) -> Arc<Image> {
        Arc::clone(&self.image.lock())
    }

    /// The image as it is now: what came lies behind what was there, along time and among channels. Blocks on I/O: lists the
    /// newest folder.
    pub(super) fn image_now(&self) -> (Arc<Image>, Vec<Problem>) {
        let content = self.look();
        // What another thread found meanwhile stays: nothing becomes shorter, and no channel has two places.
        let mut image = self.image.lock();
        let mut in_files = self.files.channels.lock();
        let mut longer = image.as_ref().clone();
        let problems = self.add_channels(content.endings, &mut in_files, &mut longer.channels);
        let num_frames = longer.num_timepoints().max(content.num_frames);
        for level in &mut longer.levels {
            for (axis, length) in longer.axes.iter().zip(&mut level.shape) {
                match axis.role {
                    AxisRole::Time => *length = num_frames.into(),
                    AxisRole::Channel => *length = in_files.len() as u64,
                    _ => {}
                }
            }
        }
        if **image != longer {
            *image = Arc::new(longer);
        }
        (Arc::clone(&image), problems)
    }

    /// Lists the newest folder.
    fn look(&self) -> Content {
        let mut frames = self.files.frames.lock().clone();
        let entries = source::list(&frames.root).unwrap_or_default();
        let folders = numbered(&entries);
        frames.folders.extend(folders.clone());
        self.files.frames.lock().folders.extend(folders);
        let mut content = Content::default();
        if let Some(newest) = frames.folders.keys().last().copied() {
            content.add(&frames, newest, &frames.listed(newest));
        }
        content
    }

    /// Adds channels that were not there, behind those that were; what had to be left out.
    fn add_channels(
        &self,
        endings: BTreeMap<String, String>,
        in_files: &mut Vec<InFiles>,
        channels: &mut Vec<Channel>,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        let is_color = in_files.iter().any(|(.., color_idx)| color_idx.is_some());
        for (key, ending) in endings {
            if in_files.iter().any(|(known, ..)| *known == key) {
                continue;
            }
            if in_files.len() + COLORS.len() > limits::CHANNELS {
                let count = in_files.len();
                let message = format!("more than {count} channels, {key} is left out");
                problems.push(Problem::new(Code::TooLarge, ".", message));
                continue;
            }
            for (color_idx, channel) in split_colors(named(&key, &self.known), is_color, false) {
                in_files.push((key.clone(), ending.clone(), color_idx));
                channels.push(channel);
            }
        }
        problems
    }
}

impl PlaneFiles for FrameFiles {
    fn find(&self, _fov: &Fov, at: PlaneAt) -> Result<Option<FilePlane>, OpenFovError> {
        let Some((path, color_idx)) = self.path_of(at) else {
            return Ok(None);
        };
        let found = source::stat(&path).map_err(|error| fov_error_of(&error))?;
        Ok(found.is_some().then_some(FilePlane {
            path,
            color_idx,
            ..FilePlane::default()
        }))
    }

    fn expected(&self, _fov: &Fov, at: PlaneAt) -> Option<PathBuf> {
        Some(self.path_of(at)?.0)
    }

    fn grows_in(&self) -> Option<PathBuf> {
        let frames = self.frames.lock();
        let newest = frames.folders.keys().last().copied()?;
        frames.folder(newest)
    }
}

/// Describes the frames; reads no pixels. Only the first and the last folder are listed.
///
/// # Errors
/// When none of the first frames can be read, or there are too many channels.
pub(super) fn open(frames: &Frames) -> Result<(Listing, Recording), OpenError> {
    let mut listing = Listing::new(DatasetKind::Image, frames.words());
    let root = frames.root.clone();
    let entries = source::list(&root).unwrap_or_default();
    let side = SideFiles::read(&root, &entries, &root);
    listing.problems.extend(side.problems.iter().cloned());
    let numbers: BTreeSet<u32> = [frames.folders.keys().next(), frames.folders.keys().last()]
        .into_iter()
        .flatten()
        .copied()
        .collect();
    let listed: Vec<(u32, Vec<String>)> = numbers
        .into_iter()
        .map(|number| (number, frames.listed(number)))
        .collect();
    let (first, page) = first_frame(frames, &listed)?;
    let mut content = Content::default();
    for (folder, names) in &listed {
        content.add(frames, *folder, names);
    }
    let mut keys: Vec<(String, String)> = content.endings.into_iter().collect();
    keys.sort_by(|a, b| natural_cmp(&a.0, &b.0));
    let (mut in_files, mut channels) = (Vec::new(), Vec::new());
    let is_only = keys.len() == 1;
    for (key, ending) in keys {
        let channel = named(&key, &side.channels);
        for (color_idx, channel) in split_colors(channel, page.num_colors == 3, is_only) {
            in_files.push((key.clone(), ending.clone(), color_idx));
            channels.push(channel);
        }
    }
    let (count, limit) = (channels.len(), limits::CHANNELS);
    if count > limit {
        let message = format!("{count} channels where at most {limit} are shown");
        return Err(OpenError::at(&root, Code::TooLarge, message));
    }
    let sampling = Sampling {
        t_secs: None,
        z_um: None,
        ..side.sampling
    };
    let page_at = PageAt::default();
    let sampling = sampled(sampling, &first, page_at, &root, &mut listing.problems);
    let outer = [
        ("t", AxisRole::Time, content.num_frames.max(1).into()),
        ("c", AxisRole::Channel, count as u64),
    ];
    let files = Arc::new(FrameFiles {
        frames: Mutex::new(frames.clone()),
        channels: Mutex::new(in_files),
    });
    let image = image_of_files(
        Files(Arc::clone(&files) as Arc<dyn PlaneFiles>),
        page,
        &outer,
        channels,
        sampling,
        "one file per frame",
    );
    let name = root.file_name().unwrap_or_default().to_string_lossy();
    listing.fovs.push(Fov {
        path: ".".into(),
        label: name.into_owned(),
        folder: root.clone(),
        present: true,
        ..Fov::default()
    });
    let recording = Recording {
        files,
        image: Mutex::new(Arc::new(image)),
        known: side.channels,
    };
    Ok((listing, recording))
}

/// The channel of that name in file names, which are sanitised in recordings.
fn named(key: &str, known: &[Channel]) -> Channel {
    let is_it = |channel: &&Channel| {
        let name = channel.name.as_deref();
        name.is_some_and(|name| name == key || sanitised(name) == key)
    };
    known
        .iter()
        .find(is_it)
        .cloned()
        .unwrap_or_else(|| Channel {
            name: Some(key.to_owned()),
            ..Channel::default()
        })
}

/// The first frame that can be read: the newest ones may be half-written.
fn first_frame(
    frames: &Frames,
    listed: &[(u32, Vec<String>)],
) -> Result<(PathBuf, Page), OpenError> {
    let mut first_error: Option<ImageFileError> = None;
    let all = listed.iter().filter_map(|(number, names)| {
        let folder = frames.folder(*number)?;
        Some(names.iter().map(move |name| folder.join(name)))
    });
    for path in all.flatten().take(TRIED_FILES) {
        match image_file::describe(&path, PageAt::default()) {
            Ok(Some(page)) => return Ok((path, page)),
            Ok(None) => {}
            Err(error) => drop(first_error.get_or_insert(error)),
        }
    }
    let absent = || OpenError::at(&frames.root, Code::NotFound, "no frame can be read");
    Err(first_error.map_or_else(absent, OpenError::from))
}
