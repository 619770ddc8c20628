//! One image: a multiscale group, a plain array, or a field of Squid's older plates.
//!
//! Older plates keep a field's store in `{field}/acquisition.zarr`, or one per timepoint in
//! `{field}/{time}/acquisition.zarr`; the latter are joined along t by number.

use std::path::{Path, PathBuf};

use super::{
    channels, labels, levels,
    levels::{Levels, error_at},
    probe::{Node, below, fov_error_of},
    sampling,
};
use crate::{
    dataset::{Arrays, Image, Level, OpenFovError, ZarrLocator},
    metadata::squid::SquidKeys,
    model::{AxisRole, Channel, Code, Problem, limits},
    source::{self, Kind},
};

/// Name of the store inside a field of the older plates, and of a region's 6-D array.
pub(super) const ACQUISITION_STORE: &str = "acquisition.zarr";

/// Timepoint folders of one field; a folder named by a larger number is left aside.
const TIMEPOINT_FOLDERS: u32 = 1 << 18;

/// What opening an image takes from outside of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    /// The opened path; locations of problems are below it.
    pub(super) root: PathBuf,
    /// Channels of the side file, for their exposures.
    pub(super) side_channels: Vec<Channel>,
    /// Timepoints that a running acquisition will have.
    pub(super) planned_timepoints: Option<u32>,
    /// The run is over: `.done` is there.
    pub(super) is_done: bool,
    /// Which of several multiscale images of the group.
    pub(super) multiscale_idx: Option<usize>,
}

/// Opens the image at a folder: reads metadata, no pixels.
///
/// # Errors
/// When no array there can be shown.
pub(super) fn open(
    folder: &Path,
    context: &Context,
) -> Result<(Image, Vec<Problem>), OpenFovError> {
    let mut node = Node::read(folder, &context.root);
    node.attributes.choose(context.multiscale_idx);
    if node.is_array() || node.attributes.multiscale.is_some() {
        return of_node(node, context);
    }
    if !levels::has_plain_array(&node, &context.root)
        && let Some(field) = OldField::find(folder)?
    {
        return match field {
            OldField::Store(store) => of_node(Node::read(&store, &context.root), context),
            OldField::Timepoints(stores) => joined(&stores, context),
        };
    }
    of_node(node, context)
}

/// What a field of the older plates holds.
pub(super) enum OldField {
    /// One store.
    Store(PathBuf),
    /// Number and store of each timepoint, by number; not empty.
    Timepoints(Vec<(u32, PathBuf)>),
}

impl OldField {
    /// Looks for stores in a field's folder; `None` where there are none.
    ///
    /// # Errors
    /// When the folder is absent or cannot be listed.
    pub(super) fn find(folder: &Path) -> Result<Option<Self>, OpenFovError> {
        let entries = source::list(folder).map_err(|error| fov_error_of(&error))?;
        let folders = entries.iter().filter(|entry| entry.kind == Kind::Folder);
        let mut timepoints = Vec::new();
        for entry in folders {
            if entry.name == ACQUISITION_STORE {
                return Ok(Some(Self::Store(folder.join(&entry.name))));
            }
            let store = folder.join(&entry.name).join(ACQUISITION_STORE);
            if let Ok(number) = entry.name.parse::<u32>()
                && number < TIMEPOINT_FOLDERS
                && matches!(source::stat(&store), Ok(Some(_)))
            {
                timepoints.push((number, store));
            }
        }
        timepoints.sort();
        timepoints.dedup_by_key(|(number, _)| *number);
        Ok((!timepoints.is_empty()).then_some(Self::Timepoints(timepoints)))
    }
}

/// The image that a node describes.
fn of_node(node: Node, context: &Context) -> Result<(Image, Vec<Problem>), OpenFovError> {
    let location = below(&context.root, &node.folder);
    let Levels {
        axes,
        stored: levels,
        sample_type,
        storage,
        problems: level_problems,
    } = levels::of_node(&node, &context.root)?;
    let mut problems = node.problems;
    problems.extend(level_problems);
    let attributes = node.attributes;
    if !attributes.further.is_empty() && context.multiscale_idx.is_none() {
        let count = attributes.further.len() + 1;
        let message = format!(
            "multiscales has {count} entries, the first is shown here; open the group by itself"
        );
        problems.push(Problem::new(Code::Ignored, &location, message));
    }
    let scale = levels.first().and_then(|level| level.scale.as_deref());
    let squid = attributes.squid.as_ref();
    let (sampling, listed) = sampling::of_level(&axes, scale, squid, &location);
    problems.extend(listed);
    let (labels, listed) = labels::names(&node.folder, context);
    problems.extend(listed);
    let mut image = Image {
        computed: levels::computed_after(&levels),
        axes,
        sample_type,
        levels,
        channels: Vec::new(),
        sampling,
        labels,
        storage,
        ngff: attributes.ngff,
        complete: complete_of_store(squid, context),
    };
    check_channels(&image, &node.folder)?;
    let (channels, listed) = channels::of_image(
        &attributes.channels,
        image.num_channels() as usize,
        sample_type,
        &context.side_channels,
        &location,
    );
    image.channels = channels;
    problems.extend(listed);
    Ok((image, problems))
}

/// Finished by its own flag or by `.done`, which says that the run is over, not that it came to its end.
fn complete_of_store(squid: Option<&SquidKeys>, context: &Context) -> Option<bool> {
    if squid.is_some_and(|squid| squid.aborted) {
        return Some(false);
    }
    let flag = squid.and_then(|squid| squid.acquisition_complete);
    context.is_done.then_some(true).or(flag)
}

/// A channel axis of any length would make us allocate that many channels.
fn check_channels(image: &Image, folder: &Path) -> Result<(), OpenFovError> {
    let (found, limit) = (image.len_of(AxisRole::Channel), limits::CHANNELS);
    if found <= limit as u64 {
        return Ok(());
    }
    let message = format!("{found} channels where at most {limit} are shown");
    Err(error_at(folder, Code::TooLarge, message))
}

/// One image of many stores with one timepoint each: the first that can be read says what all are, one whose documents
/// are whole before others.
fn joined(
    stores: &[(u32, PathBuf)],
    context: &Context,
) -> Result<(Image, Vec<Problem>), OpenFovError> {
    let mut problems = Vec::new();
    let mut first_error = None;
    let mut readable = None;
    for (_, store) in stores {
        match of_node(Node::read(store, &context.root), context) {
            Ok((image, listed)) => {
                let mut codes = listed.iter().map(|problem| problem.code);
                let is_whole = !codes.any(|code| matches!(code, Code::BadJson | Code::IoError));
                problems.extend(listed);
                if is_whole || readable.is_none() {
                    readable = Some((image, store));
                }
                if is_whole {
                    break;
                }
            }
            Err(error) => {
                let location = below(&context.root, store);
                problems.push(Problem::new(error.code, location, error.message.clone()));
                first_error.get_or_insert(error);
            }
        }
    }
    let Some((mut image, store)) = readable else {
        let empty = || error_at(&context.root, Code::MissingArray, "no timepoint".to_owned());
        return Err(first_error.unwrap_or_else(empty));
    };
    let Some(time_at) = image.axis_of(AxisRole::Time) else {
        let message = "expected a time axis in the store of a timepoint, found none".to_owned();
        return Err(error_at(store, Code::Unsupported, message));
    };
    let last = stores.last().map_or(0, |(number, _)| *number);
    let planned = context.planned_timepoints.unwrap_or(0);
    let num_timepoints = (last + 1).max(planned.min(TIMEPOINT_FOLDERS));
    for level in &mut image.levels {
        join_level(level, store, stores, num_timepoints, time_at);
    }
    image.complete = complete_of(stores, num_timepoints, context).or(image.complete);
    Ok((image, problems))
}

/// Makes a level of one store the same level of all stores.
fn join_level(
    level: &mut Level,
    store: &Path,
    stores: &[(u32, PathBuf)],
    num_timepoints: u32,
    time_at: usize,
) {
    let Arrays::One(locator) = &level.arrays else {
        return;
    };
    let Ok(inside) = locator.folder.strip_prefix(store) else {
        return;
    };
    let mut locators = vec![None; num_timepoints as usize];
    for (number, other) in stores {
        let found = if other == store {
            locator.clone()
        } else {
            ZarrLocator {
                // Joining an empty path would leave a separator at the end.
                folder: other.components().chain(inside.components()).collect(),
                format: locator.format,
                document: None,
            }
        };
        if let Some(slot) = locators.get_mut(*number as usize) {
            *slot = Some(found);
        }
    }
    if let Some(length) = level.shape.get_mut(time_at) {
        *length = u64::from(num_timepoints);
    }
    level.arrays = Arrays::PerTimepoint(locators);
}

/// Each timepoint's store is marked when it is finished, so the last one tells.
fn complete_of(stores: &[(u32, PathBuf)], num_timepoints: u32, context: &Context) -> Option<bool> {
    let (number, store) = stores.last()?;
    if number + 1 < num_timepoints {
        return Some(false);
    }
    let keys = Node::read(store, &context.root).attributes.squid;
    complete_of_store(keys.as_ref(), context)
}
