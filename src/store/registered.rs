//! Planes that were registered one by one: pixels in memory, and files.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{ReadError, is_all_zero, plane_file};
use crate::{
    dataset::{Dataset, FilePlane, Image, PlaneAt, Registered, RegisteredPlanes, Sharing},
    image_file::{self, Ground, Wanted},
    model::{Absence, Code, PageAt, Pixels, PlaneId, PlaneState, ZPick},
    source,
};

/// The pixels of a registered plane; `None`: nothing was registered for it (yet), its file has only room for it, or its
/// pixels were in memory and had to make room ([`Dataset::has_dropped`]).
///
/// # Errors
/// When a file was registered that cannot be read.
pub(super) fn read(
    planes: &RegisteredPlanes,
    image: &Image,
    plane: PlaneId,
    absence: Absence,
) -> Result<Option<(Pixels, PlaneState)>, ReadError> {
    match at(plane).and_then(|at| planes.get(at)) {
        None | Some(Registered::Dropped) => Ok(None),
        Some(Registered::Pixels(pixels)) => {
            let pixels = Arc::unwrap_or_clone(pixels);
            Ok(Some((pixels, PlaneState::Written)))
        }
        Some(Registered::File { path, page_idx }) => {
            // It is announced before it is written, and its file may be made with room for it: late, not black.
            let room = ground_in_advance(&path, page_idx)?;
            let may_be_late = absence != Absence::Zero && room.is_some();
            if may_be_late && room != Some(Ground::Solid) {
                return Ok(None);
            }
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
                ..FilePlane::default()
            };
            let found = (pixels.width(), pixels.height());
            plane_file::check_size(found, image.plane_size(), &plane)?;
            let is_late = may_be_late && is_all_zero(&pixels);
            Ok((!is_late).then_some((pixels, PlaneState::Written)))
        }
    }
}

/// What is known of a registered plane without reading it.
pub(super) fn presence(planes: &RegisteredPlanes, plane: PlaneId) -> PlaneState {
    match at(plane).and_then(|at| planes.get(at)) {
        None => PlaneState::Planned,
        Some(Registered::Dropped) => PlaneState::Missing,
        Some(Registered::File { path, .. }) if !matches!(source::stat(&path), Ok(Some(_))) => {
            PlaneState::Planned
        }
        Some(Registered::File { path, page_idx }) => {
            let is_late = match ground_in_advance(&path, page_idx) {
                Ok(Some(Ground::Solid)) => {
                    matches!(
                        image_file::looks_blank(&path, PageAt::Idx(page_idx)),
                        Ok(Some(true))
                    )
                }
                Ok(Some(_)) => true,
                // Reading it says what is wrong.
                Ok(None) | Err(_) => false,
            };
            if is_late {
                PlaneState::Planned
            } else {
                PlaneState::Written
            }
        }
        Some(Registered::Pixels(_)) => PlaneState::Written,
    }
}

/// Whether a plane is a page of a file that is filled in place.
pub(super) fn sharing(planes: &RegisteredPlanes, plane: PlaneId) -> Sharing {
    match at(plane).and_then(|at| planes.get(at)) {
        Some(Registered::File { path, .. }) if is_ome(&path).unwrap_or(false) => Sharing::InPlace,
        _ => Sharing::None,
    }
}

fn is_ome(path: &Path) -> Result<bool, ReadError> {
    Ok(image_file::tiff_pages(path)?.is_some_and(|pages| pages.is_ome()))
}

/// What lies where a page goes, in files that are made before they are filled: OME-TIFF, not compressed. `None` for others.
fn ground_in_advance(path: &Path, page_idx: u32) -> Result<Option<Ground>, ReadError> {
    if !is_ome(path)? {
        return Ok(None);
    }
    let ground = image_file::ground(path, PageAt::Idx(page_idx))?;
    Ok(ground.filter(|&ground| ground != Ground::Compressed))
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
    // There is no folder: what the FOV is called says more than nothing.
    let label = dataset.fov(plane.fov).map_or("", |row| row.label.as_str());
    Err(ReadError::new(Code::NotFound, message, Path::new(label)))
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
