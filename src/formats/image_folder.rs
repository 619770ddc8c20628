//! A folder of image files that are no microscope's planes: each file is an image of its own, in natural order.
//!
//! The folder is listed once. Files are opened when they are shown, and their sizes may differ; only of the first OME-TIFF
//! files the documents are read, because a document may describe many images, in many of the files.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    OpenError, Progress, collection,
    file_images::FovImage,
    listing::{Listing, Opening, check_length},
    lone_file,
    ome_tiff::lone::{self, Lone, OmeFiles},
    plate,
    probe::below,
};
use crate::{
    dataset::{DatasetKind, Fov, Image, OpenFovError},
    image_file::is_image_name,
    model::{Code, Plate, Problem, limits},
    source::{self, Entry, Kind},
};

/// OME-TIFF files whose documents are read when a folder is opened, those that such a document names not counted.
const READ_DOCUMENTS: usize = 64;

/// True for image files, those that a system hides left out.
fn is_image(entry: &Entry) -> bool {
    entry.kind == Kind::File && is_image_name(&entry.name) && !entry.name.starts_with('.')
}

/// The image files in a folder that was listed.
pub(super) fn in_folder(folder: &Path, entries: &[Entry]) -> Vec<PathBuf> {
    let files = entries.iter().filter(|entry| is_image(entry));
    files.map(|entry| folder.join(&entry.name)).collect()
}

/// Searches for image files below a folder: those of a folder come before those of the folders in it.
///
/// # Errors
/// When the search was cancelled.
pub(super) fn search(root: &Path, progress: Progress<'_>) -> Result<Vec<PathBuf>, OpenError> {
    let mut files = Vec::new();
    collection::walk(root, progress, |folder| {
        if files.len() >= limits::FOVS {
            return Vec::new();
        }
        let entries = source::list(folder).unwrap_or_default();
        files.extend(in_folder(folder, &entries));
        entries
    })?;
    files.truncate(limits::FOVS);
    Ok(files)
}

/// True for a file in the folder itself, and for an OME-TIFF below it.
pub(super) fn is_beside_or_ome(folder: &Path, path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.parent() == Some(folder) || is_ome_name(&name)
}

/// True for names that an OME-TIFF has.
fn is_ome_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with(".ome.tif") || name.ends_with(".ome.tiff")
}

/// The FOV table while it is being made.
struct Table<'a> {
    root: &'a Path,
    listing: Listing,
    images: Vec<FovImage>,
    /// Files whose planes belong to images that are listed already.
    claimed: HashSet<PathBuf>,
}

/// Makes the FOV table of files, and says where the image of each comes from.
///
/// # Errors
/// When it is too long, or opening was cancelled.
pub(super) fn list(
    files: &[PathBuf],
    opening: &mut Opening<'_>,
    words: &str,
) -> Result<(Listing, Vec<FovImage>), OpenError> {
    let root = opening.root.clone();
    let mut table = Table {
        root: &root,
        listing: Listing::new(DatasetKind::Collection, words),
        images: Vec::new(),
        claimed: HashSet::new(),
    };
    let mut num_read = 0;
    for path in files {
        if table.claimed.contains(path) {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if num_read < READ_DOCUMENTS && is_ome_name(&name) {
            num_read += 1;
            opening.report(&format!("Reading {name}"))?;
            table.add_ome(path);
        } else {
            table.add_file(path);
        }
        check_length(table.images.len(), &root)?;
    }
    table.listing.plate = table.plate();
    Ok((table.listing, table.images))
}

impl Table<'_> {
    /// A file of which nothing is known; whatever is wrong with it is said when it is shown.
    fn add_file(&mut self, path: &Path) {
        let path_below = below(self.root, path);
        self.listing.fovs.push(Fov {
            label: path_below.clone(),
            path: path_below,
            folder: path.to_path_buf(),
            present: true,
            ..Fov::default()
        });
        self.images.push(FovImage::File);
    }

    /// The images of an OME-TIFF, and of the files that its document names.
    fn add_ome(&mut self, path: &Path) {
        let Ok(Lone::Ome(found)) = lone::open(path, "OME-TIFF") else {
            return self.add_file(path);
        };
        let OmeFiles {
            listing,
            images,
            others,
            ..
        } = *found;
        let is_only = images.len() == 1;
        let file = below(self.root, path);
        self.claimed.extend(others);
        self.listing.problems.extend(listing.problems);
        if let Some(plate) = listing.plate {
            let known = self.listing.plate.get_or_insert(plate.clone());
            known.acquisitions.extend(plate.acquisitions);
        }
        self.images.extend(images);
        self.listing
            .fovs
            .extend(listing.fovs.into_iter().map(|fov| Fov {
                label: match (is_only, &fov.row) {
                    (_, Some(_)) => fov.label,
                    (true, None) => file.clone(),
                    (false, None) => format!("{file}, {}", fov.label),
                },
                path: if is_only {
                    file.clone()
                } else {
                    format!("{file}{}", fov.path)
                },
                ..fov
            }));
    }

    /// The plate that all documents make together; `None` where none has wells.
    fn plate(&self) -> Option<Plate> {
        let known = self.listing.plate.as_ref()?;
        let mut acquisitions = known.acquisitions.clone();
        acquisitions.sort_unstable();
        acquisitions.dedup();
        Some(Plate {
            acquisitions,
            ..plate::plate_of_rows(&[], &[], &self.listing.fovs)
        })
    }
}

/// The image of one file, and what had to be assumed.
///
/// # Errors
/// When it cannot be read as an image.
pub(super) fn open(path: &Path, root: &Path) -> Result<(Arc<Image>, Vec<Problem>), OpenFovError> {
    let mut problems = match lone::open(path, "OME-TIFF")? {
        Lone::Ome(found) => {
            let mut problems = found.listing.problems;
            if found.images.len() > 1 {
                let message =
                    "several images in one file, one is shown here; open the file by itself";
                problems.push(Problem::new(Code::Ignored, below(root, path), message));
            }
            let row = found.listing.fovs.get(found.own);
            if let Some((image, row)) = found.images.get(found.own).zip(row) {
                let (image, further) = image.open(row, root)?;
                problems.extend(further);
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
