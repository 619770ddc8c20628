//! The stored levels of one image: which arrays they are, and how their planes are cut into tiles.
//!
//! In every layout the array is `datasets[0].path` if that exists, else `0`, else the store's root.

use std::path::Path;

use super::{
    axes,
    probe::{FoundArray, Node, below},
};
use crate::{
    dataset::{Arrays, Level, OpenFovError},
    metadata::{ngff::LevelEntry, zarr_array::ArrayDocument},
    model::{Axis, AxisRole, Code, Problem, SampleType, TileGrid, limits},
    source,
};

/// The levels of an image with what all of them share.
pub(super) struct Levels {
    /// Axes in the order of the arrays.
    pub(super) axes: Vec<Axis>,
    /// Finest first; at least one.
    pub(super) stored: Vec<Level>,
    /// Sample type of all levels.
    pub(super) sample_type: SampleType,
    /// Chunks and codecs of the finest, in words.
    pub(super) storage: String,
    /// What was left aside or assumed.
    pub(super) problems: Vec<Problem>,
}

/// An entry of the metadata, or one of our own where it names nothing that exists, with its array.
type Found = (LevelEntry, FoundArray);

/// Finds the levels of the group or array at `node`.
///
/// # Errors
/// When no array can be used: the reason of the first.
pub(super) fn of_node(node: &Node, root: &Path) -> Result<Levels, OpenFovError> {
    let mut search = Search {
        node,
        root,
        problems: Vec::new(),
        first_error: None,
    };
    let found = search.arrays();
    let Search {
        mut problems,
        first_error,
        ..
    } = search;
    let Some((_, first)) = found.first() else {
        return Err(first_error.unwrap_or_else(|| nothing_at(node)));
    };
    let location = below(root, &node.folder);
    let multiscale = node.attributes.multiscale.as_ref();
    let from_metadata = multiscale.and_then(|multiscale| multiscale.axes.as_deref());
    let Some((axes, assumed)) = axes::of_array(from_metadata, &first.document, &location) else {
        let rank = first.document.shape.len();
        let message =
            format!("array of {rank} dimensions without known axes, expected 2 to 6 with y and x");
        return Err(error_at(&first.locator.folder, Code::Unsupported, message));
    };
    problems.extend(assumed);
    let sample_type = first.document.sample_type;
    let storage = storage_words(&first.document);
    let stored = usable(found, &axes, root, &mut problems)?;
    Ok(Levels {
        axes,
        stored,
        sample_type,
        storage,
        problems,
    })
}

/// True where an array lies in the folder itself or in its member `0`, with or without OME metadata.
pub(super) fn has_plain_array(node: &Node, root: &Path) -> bool {
    node.is_array() || Node::read(&node.folder.join("0"), root).is_array()
}

/// Looks for arrays; keeps why one was left aside.
struct Search<'a> {
    node: &'a Node,
    root: &'a Path,
    problems: Vec<Problem>,
    first_error: Option<OpenFovError>,
}

impl Search<'_> {
    fn arrays(&mut self) -> Vec<Found> {
        let multiscale = self.node.attributes.multiscale.as_ref();
        let entries = multiscale.map_or(&[][..], |multiscale| &multiscale.levels);
        if entries.len() > limits::LEVELS {
            self.list(
                Code::TooLarge,
                &self.node.folder,
                format!(
                    "{} levels, at most {} are used",
                    entries.len(),
                    limits::LEVELS
                ),
            );
        }
        let mut found = Vec::new();
        for (at, entry) in entries.iter().take(limits::LEVELS).enumerate() {
            match self.array_at(&entry.path) {
                Some(array) => found.push((entry.clone(), array)),
                None if at == 0 => {
                    if let Some(array) = self.unnamed(entries) {
                        return vec![array];
                    }
                }
                None => {}
            }
        }
        if entries.is_empty() {
            found.extend(self.unnamed(entries));
        }
        found
    }

    /// The array that a level's path leads to; otherwise lists why not.
    fn array_at(&mut self, path: &str) -> Option<FoundArray> {
        let folder = match source::follow_inside(&self.node.folder, path, self.root) {
            Ok(folder) => folder,
            Err(error) => {
                self.fail(error_at(&self.node.folder, error.code(), error.message()));
                return None;
            }
        };
        if folder == self.node.folder {
            let found = self.node.array();
            return self.keep(found, &folder);
        }
        let member = Node::read(&folder, self.root);
        let found = member.array();
        if matches!(found, Ok(None))
            && let Some(problem) = member.problems.first()
        {
            let place = member.place_of(problem);
            self.fail(error_at(&place, problem.code, problem.message.clone()));
            return None;
        }
        self.keep(found, &folder)
    }

    fn keep(
        &mut self,
        found: Result<Option<FoundArray>, OpenFovError>,
        folder: &Path,
    ) -> Option<FoundArray> {
        match found {
            Ok(Some(array)) => Some(array),
            Ok(None) => {
                let message = "named in the metadata, but no array is there".to_owned();
                self.fail(error_at(folder, Code::MissingArray, message));
                None
            }
            Err(error) => {
                self.fail(error);
                None
            }
        }
    }

    /// Member `0`, else the folder itself, where no entry of the metadata names them.
    fn unnamed(&mut self, entries: &[LevelEntry]) -> Option<Found> {
        for path in ["0", "."] {
            if entries.iter().any(|entry| entry.path == path) {
                continue;
            }
            let member;
            let node = if path == "." {
                self.node
            } else {
                member = Node::read(&self.node.folder.join(path), self.root);
                &member
            };
            match node.array() {
                Ok(Some(array)) => {
                    let entry = LevelEntry {
                        path: path.to_owned(),
                        scale: entries.first().and_then(|first| first.scale.clone()),
                        translation: entries.first().and_then(|first| first.translation.clone()),
                    };
                    return Some((entry, array));
                }
                Ok(None) => {}
                Err(error) => self.fail(error),
            }
        }
        None
    }

    fn fail(&mut self, error: OpenFovError) {
        self.list(
            error.code,
            Path::new(&error.location),
            error.message.clone(),
        );
        self.first_error.get_or_insert(error);
    }

    fn list(&mut self, code: Code, at: &Path, message: String) {
        self.problems
            .push(Problem::new(code, below(self.root, at), message));
    }
}

/// Levels whose rank and sample type are those of the first.
fn usable(
    found: Vec<Found>,
    axes: &[Axis],
    root: &Path,
    problems: &mut Vec<Problem>,
) -> Result<Vec<Level>, OpenFovError> {
    let mut levels: Vec<Level> = Vec::with_capacity(found.len());
    let mut sample_type = None;
    for (entry, array) in found {
        let folder = array.locator.folder.clone();
        let first_type = *sample_type.get_or_insert(array.document.sample_type);
        let rank = array.document.shape.len();
        let misfit = if rank != axes.len() {
            Some(format!(
                "level of {rank} dimensions, the first has {}",
                axes.len()
            ))
        } else if array.document.sample_type == first_type {
            None
        } else {
            let name = array.document.sample_type.name();
            Some(format!(
                "level of type {name}, the first is {}",
                first_type.name()
            ))
        };
        if let Some(message) = misfit {
            problems.push(Problem::new(
                Code::BadMetadata,
                below(root, &folder),
                message,
            ));
            continue;
        }
        match level_of(entry, array, axes) {
            Ok(level) => levels.push(level),
            Err(error) if levels.is_empty() => return Err(error),
            Err(error) => {
                let location = below(root, &folder);
                problems.push(Problem::new(error.code, location, error.message));
            }
        }
    }
    Ok(levels)
}

fn level_of(entry: LevelEntry, array: FoundArray, axes: &[Axis]) -> Result<Level, OpenFovError> {
    let grid = grid_of(&array.document, axes)
        .map_err(|(code, message)| error_at(&array.locator.folder, code, message))?;
    let fits = |values: Vec<f64>| (values.len() == axes.len()).then_some(values);
    Ok(Level {
        path: entry.path,
        shape: array.document.shape,
        arrays: Arrays::One(array.locator),
        scale: entry.scale.and_then(fits),
        translation: entry.translation.and_then(fits),
        grid,
    })
}

/// How the planes of an array are cut into tiles.
fn grid_of(array: &ArrayDocument, axes: &[Axis]) -> Result<TileGrid, (Code, String)> {
    let along = |role: AxisRole| {
        let at = axes.iter().position(|axis| axis.role == role);
        let length = at.and_then(|at| array.shape.get(at)).copied();
        let chunk = at.and_then(|at| array.chunk_shape.get(at)).copied();
        (length.unwrap_or(1), chunk.unwrap_or(1))
    };
    let ((height, chunk_height), (width, chunk_width)) = (along(AxisRole::Y), along(AxisRole::X));
    let too_large = || {
        let limit = limits::PLANE_PIXELS;
        (
            Code::TooLarge,
            format!("plane of {width} x {height} pixels, at most {limit} are shown"),
        )
    };
    if let Some(at) = array.shape.iter().position(|&length| length == 0) {
        let name = axes.get(at).map_or("?", |axis| axis.name.as_str());
        return Err((Code::Empty, format!("axis {name} has length 0")));
    }
    let pixels = width.checked_mul(height).ok_or_else(too_large)?;
    let (Ok(width_px), Ok(height_px)) = (u32::try_from(width), u32::try_from(height)) else {
        return Err(too_large());
    };
    if pixels > limits::PLANE_PIXELS {
        return Err(too_large());
    }
    let chunk = |length: u64| u32::try_from(length).unwrap_or(u32::MAX);
    Ok(TileGrid::of_stored(
        width_px,
        height_px,
        chunk(chunk_width),
        chunk(chunk_height),
    ))
}

/// Computed levels that follow a stored one: halves until both sides fit a thumbnail.
pub(super) fn computed_after(levels: &[Level]) -> Vec<TileGrid> {
    /// An overview of many FOVs needs no finer steps below this.
    const THUMBNAIL_PX: u32 = 256;
    let mut grids = Vec::new();
    let mut last = levels.last().map(|level| level.grid);
    while let Some(grid) = last {
        let is_small = grid.width <= THUMBNAIL_PX && grid.height <= THUMBNAIL_PX;
        if is_small || levels.len() + grids.len() >= limits::LEVELS {
            break;
        }
        last = grid.halved();
        grids.extend(last);
    }
    grids
}

/// "chunks 1×1×1×2048×2048 · blosc lz4, shuffle · transposed".
fn storage_words(array: &ArrayDocument) -> String {
    let chunk: Vec<String> = array.chunk_shape.iter().map(u64::to_string).collect();
    let chunk = chunk.join("\u{d7}");
    if array.codecs.is_empty() {
        format!("chunks {chunk}")
    } else {
        format!("chunks {chunk} \u{b7} {}", array.codecs)
    }
}

/// Why a folder without any array is none: its own document is broken, or nothing is there.
fn nothing_at(node: &Node) -> OpenFovError {
    let Some(problem) = node.problems.first() else {
        let message = "expected an image, found no array".to_owned();
        return error_at(&node.folder, Code::MissingArray, message);
    };
    let path = node.place_of(problem);
    error_at(&path, problem.code, problem.message.clone())
}

/// An error at a folder or document.
pub(super) fn error_at(path: &Path, code: Code, message: String) -> OpenFovError {
    OpenFovError {
        code,
        message,
        location: path.display().to_string(),
    }
}
