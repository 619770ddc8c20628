//! Planes in image files: one file, or a page or a colour of one.

use std::path::{Path, PathBuf};

use super::{ReadError, is_all_zero, locate};
use crate::{
    dataset::{Dataset, FilePlane, Files, Image, OpenFovError, PlaneAt, Sharing},
    image_file::{self, ImageFileError, Wanted},
    model::{Code, Pixels, PlaneId, PlaneState, TileId, ZPick},
    source::{self, Kind},
};

impl From<ImageFileError> for ReadError {
    fn from(error: ImageFileError) -> Self {
        Self {
            code: error.code,
            message: error.message,
            location: error.location,
        }
    }
}

impl From<OpenFovError> for ReadError {
    fn from(error: OpenFovError) -> Self {
        Self {
            code: error.code,
            message: error.message,
            location: error.location,
        }
    }
}

/// The samples of a tile; `None`: its file is not there (yet), or has only room for it.
///
/// # Errors
/// When the file cannot be decoded, or is of another size or sample type than the image.
pub(super) fn read(
    files: &Files,
    dataset: &Dataset,
    image: &Image,
    tile: TileId,
    level: usize,
) -> Result<Option<(Pixels, PlaneState)>, ReadError> {
    let Some(plane) = find(files, dataset, image, tile.plane)? else {
        return match stayed_empty(files, dataset, tile.plane)? {
            Some(error) => Err(error),
            None => Ok(None),
        };
    };
    let found = read_found(&plane, image, tile, level);
    // What has samples is not empty: its length is not asked for.
    if !matches!(found, Ok(Some(_))) && length(&plane.path)? == Some(0) {
        return empty(dataset, &plane.path).map_or(Ok(None), Err);
    }
    found
}

/// The same of a file that is there.
fn read_found(
    plane: &FilePlane,
    image: &Image,
    tile: TileId,
    level: usize,
) -> Result<Option<(Pixels, PlaneState)>, ReadError> {
    let grid = image.levels.get(level).map(|level| level.grid);
    let part = grid.and_then(|grid| grid.tile_rect(tile.row, tile.col));
    let (Some(grid), Some(part)) = (grid, part) else {
        let message = format!("tile {}, {} is outside of its plane", tile.row, tile.col);
        return Err(ReadError::new(Code::OutOfRange, message, &plane.path));
    };
    let is_whole = (part.2, part.3) == (grid.width, grid.height);
    if !is_whole {
        // A file of another size would give a part of something else.
        let Some(page) = image_file::describe_level(&plane.path, plane.page, plane.sub_idx)? else {
            return Ok(None);
        };
        check_size((page.width, page.height), (grid.width, grid.height), plane)?;
    }
    let wanted = Wanted {
        page: plane.page,
        sub_idx: plane.sub_idx,
        color_idx: plane.color_idx,
        part: (!is_whole).then_some(part),
    };
    let Some(pixels) = image_file::read(&plane.path, wanted)? else {
        return Ok(None);
    };
    check_size((pixels.width(), pixels.height()), (part.2, part.3), plane)?;
    if pixels.sample_type() != image.sample_type {
        let message = format!(
            "samples are {}, {} expected",
            pixels.sample_type().name(),
            image.sample_type.name()
        );
        return Err(ReadError::new(Code::BadMetadata, message, &plane.path));
    }
    // A dark tile of a large plane says nothing: the rest of it may be written.
    let is_room = plane.zeros_are_room
        && is_all_zero(&pixels)
        && (is_whole || image_file::looks_blank(&plane.path, plane.page)? == Some(true));
    Ok((!is_room).then_some((pixels, PlaneState::Written)))
}

/// What is on disk of a plane, without reading all of it; `None`: nothing (yet).
///
/// # Errors
/// As [`find`], and when an unfinished run left the file cut off, or is writing it.
pub(super) fn presence(
    files: &Files,
    dataset: &Dataset,
    image: &Image,
    plane: PlaneId,
) -> Result<Option<PlaneState>, ReadError> {
    let failed = |error: ReadError| PlaneState::Failed(error.to_string().into());
    let Some(found) = find(files, dataset, image, plane)? else {
        return Ok(stayed_empty(files, dataset, plane)?.map(failed));
    };
    let length = length(&found.path)?;
    if length == Some(0) {
        return Ok(empty(dataset, &found.path).map(failed));
    }
    let may_be_short = !dataset.is_finished() && files.0.sharing() == Sharing::None;
    if may_be_short && is_cut_off(&found, length, image)? {
        let message = "the file is cut off, or being written";
        return Err(ReadError::new(Code::CorruptData, message, &found.path));
    }
    let is_room =
        found.zeros_are_room && image_file::looks_blank(&found.path, found.page)? != Some(false);
    Ok((!is_room).then_some(PlaneState::Written))
}

/// Bytes of a file; `None` where there is none.
fn length(path: &Path) -> Result<Option<u64>, ReadError> {
    let found = source::stat(path)?.filter(|it| it.kind == Kind::File);
    Ok(found.map(|it| it.num_bytes))
}

/// What an empty file means: nothing (yet) while somebody may write to it, and else that nothing was written.
fn empty(dataset: &Dataset, path: &Path) -> Option<ReadError> {
    let message = "the file is empty, nothing was written to it";
    let error = || ReadError::new(Code::CorruptData, message, path);
    (!dataset.is_running()).then(error)
}

/// The same of a plane without a place, by the file that it would have.
fn stayed_empty(
    files: &Files,
    dataset: &Dataset,
    plane: PlaneId,
) -> Result<Option<ReadError>, ReadError> {
    if dataset.is_running() {
        return Ok(None);
    }
    Ok(match expected(files, dataset, plane) {
        Some(path) if length(&path)? == Some(0) => empty(dataset, &path),
        _ => None,
    })
}

/// True where a file of one plane ends before its samples do. One that has room for them is not opened for it.
fn is_cut_off(plane: &FilePlane, length: Option<u64>, image: &Image) -> Result<bool, ReadError> {
    let (width, height) = image.plane_size();
    let num_colors = if plane.color_idx.is_some() { 3 } else { 1 };
    let pixels = u64::from(width) * u64::from(height) * num_colors;
    let needed = pixels.saturating_mul(image.sample_type.num_bytes() as u64);
    let is_short = length.is_some_and(|length| length < needed);
    Ok(is_short && image_file::is_cut_off(&plane.path)? == Some(true))
}

/// A file of another size than the rest is not drawn as if it were one of them.
pub(super) fn check_size(
    found: (u32, u32),
    expected: (u32, u32),
    plane: &FilePlane,
) -> Result<(), ReadError> {
    if found == expected {
        return Ok(());
    }
    let message = format!(
        "{} x {} pixels, {} x {} expected",
        found.0, found.1, expected.0, expected.1
    );
    Err(ReadError::new(Code::BadMetadata, message, &plane.path))
}

/// Where a plane lies now; `None`: not there (yet).
///
/// # Errors
/// When an index is beyond its axis, or the folder cannot be listed.
pub(super) fn find(
    files: &Files,
    dataset: &Dataset,
    image: &Image,
    plane: PlaneId,
) -> Result<Option<FilePlane>, ReadError> {
    locate::place(dataset, image, plane, 0)?;
    let (Some(fov), Some(at)) = (dataset.fov(plane.fov), at(plane)) else {
        return Ok(None);
    };
    Ok(files.0.find(fov, at)?)
}

/// The file that holds a plane, or is going to.
///
/// # Errors
/// As [`find`], and for planes that have no file.
pub(super) fn file_of(
    files: &Files,
    dataset: &Dataset,
    image: &Image,
    plane: PlaneId,
) -> Result<PathBuf, ReadError> {
    if let Some(found) = find(files, dataset, image, plane)? {
        return Ok(found.path);
    }
    expected(files, dataset, plane)
        .ok_or_else(|| ReadError::new(Code::NotFound, "this plane has no file", &dataset.root))
}

/// The file that a plane is going to have.
fn expected(files: &Files, dataset: &Dataset, plane: PlaneId) -> Option<PathBuf> {
    files.0.expected(dataset.fov(plane.fov)?, at(plane)?)
}

/// What it means that a file is not there: no fill value stands for it, only the end of the run tells.
pub(super) fn absent_state(dataset: &Dataset) -> PlaneState {
    if dataset.is_running() {
        PlaneState::Planned
    } else {
        PlaneState::Missing
    }
}

fn at(plane: PlaneId) -> Option<PlaneAt> {
    let ZPick::Slice(z) = plane.z else {
        return None;
    };
    Some(PlaneAt {
        fov: plane.fov.0,
        t: plane.t,
        c: plane.c,
        z,
    })
}
