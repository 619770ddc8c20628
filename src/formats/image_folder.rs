//! A folder of image files that are no microscope's planes: each file is an image of its own, in natural order.
//!
//! The folder is listed once. The first readable file is opened, the others when they are shown; sizes may differ.

use std::{path::Path, sync::Arc};

use super::{
    OpenError,
    listing::{Listing, check_length},
    lone_file,
    ome_tiff::lone::{self, Lone},
    probe::below,
};
use crate::{
    dataset::{DatasetKind, Fov, Image, OpenFovError},
    image_file::is_image_name,
    model::{Code, Problem},
    source::{Entry, Kind},
};

/// True for image files, those that a system hides left out.
pub(super) fn is_image(entry: &Entry) -> bool {
    entry.kind == Kind::File && is_image_name(&entry.name) && !entry.name.starts_with('.')
}

/// Makes the FOV table of the files in a folder.
///
/// # Errors
/// When it is too long.
pub(super) fn list(root: &Path, files: &[Entry], words: &str) -> Result<Listing, OpenError> {
    check_length(files.len(), root)?;
    let mut listing = Listing::new(DatasetKind::Collection, words);
    let rows = files.iter().map(|entry| Fov {
        path: entry.name.clone(),
        label: entry.name.clone(),
        folder: root.join(&entry.name),
        present: true,
        ..Fov::default()
    });
    listing.fovs = rows.collect();
    Ok(listing)
}

/// The image of one file, and what had to be assumed.
///
/// # Errors
/// When it cannot be read as an image.
pub(super) fn open(path: &Path, root: &Path) -> Result<(Arc<Image>, Vec<Problem>), OpenFovError> {
    let mut problems = match lone::open(path, "OME-TIFF")? {
        Lone::Ome(listing, images) => {
            let mut problems = listing.problems;
            if images.len() > 1 {
                let message = "several images in one file, only the first is shown here";
                problems.push(Problem::new(Code::Ignored, below(root, path), message));
            }
            if let Some(image) = images.into_iter().next() {
                return Ok((image, problems));
            }
            problems
        }
        Lone::Plain(problem) => problem.into_iter().collect(),
    };
    let (image, further) = lone_file::image_of(path, root)?;
    problems.extend(further);
    Ok((Arc::new(image), problems))
}
