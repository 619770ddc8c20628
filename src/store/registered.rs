//! Planes that were registered one by one: pixels in memory, and files.

use std::{path::PathBuf, sync::Arc};

use super::{ReadError, plane_file};
use crate::{
    dataset::{Dataset, FilePlane, Image, PlaneAt, Registered, RegisteredPlanes},
    image_file::{self, Wanted},
    model::{Code, PageAt, Pixels, PlaneId, PlaneState, ZPick},
    source,
};

/// What registered pixels that are no longer kept say.
const DROPPED: &str = "its pixels were handed over in memory and made room for newer ones";

/// The pixels of a registered plane; `None`: nothing was registered for it (yet).
///
/// # Errors
/// When a file was registered that cannot be read, or the pixels are no longer kept.
pub(super) fn read(
    planes: &RegisteredPlanes,
    dataset: &Dataset,
    image: &Image,
    plane: PlaneId,
) -> Result<Option<(Pixels, PlaneState)>, ReadError> {
    match at(plane).and_then(|at| planes.get(at)) {
        None => Ok(None),
        Some(Registered::Pixels(pixels)) => {
            let pixels = Arc::unwrap_or_clone(pixels);
            Ok(Some((pixels, PlaneState::Written)))
        }
        Some(Registered::File { path, page_idx }) => {
            let wanted = Wanted {
                page: PageAt::Idx(page_idx),
                ..Wanted::default()
            };
            // A notice may overtake its file on a network disk: absent is not an error.
            let pixels = match image_file::read(&path, wanted) {
                Ok(Some(pixels)) => pixels,
                Ok(None) => return Ok(None),
                // Of a file that grows page by page.
                Err(error) if error.code == Code::OutOfRange => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let plane = FilePlane {
                path,
                page: PageAt::Idx(page_idx),
                color_idx: None,
            };
            let found = (pixels.width(), pixels.height());
            plane_file::check_size(found, image.plane_size(), &plane)?;
            Ok(Some((pixels, PlaneState::Written)))
        }
        Some(Registered::Dropped) => Err(ReadError::new(Code::NotFound, DROPPED, &dataset.root)),
    }
}

/// What is known of a registered plane without reading it.
pub(super) fn presence(planes: &RegisteredPlanes, plane: PlaneId) -> PlaneState {
    match at(plane).and_then(|at| planes.get(at)) {
        None => PlaneState::Planned,
        Some(Registered::Dropped) => PlaneState::Failed(DROPPED.into()),
        Some(Registered::File { path, .. }) if !matches!(source::stat(&path), Ok(Some(_))) => {
            PlaneState::Planned
        }
        Some(Registered::Pixels(_) | Registered::File { .. }) => PlaneState::Written,
    }
}

/// The file that was registered for a plane.
///
/// # Errors
/// When none was.
pub(super) fn file_of(
    planes: &RegisteredPlanes,
    dataset: &Dataset,
    plane: PlaneId,
) -> Result<PathBuf, ReadError> {
    if let Some(Registered::File { path, .. }) = at(plane).and_then(|at| planes.get(at)) {
        return Ok(path);
    }
    let message = "no file was registered for this plane";
    Err(ReadError::new(Code::NotFound, message, &dataset.root))
}

/// The plane as it was registered: rows of the FOV table are flat numbers there.
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
