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
    OpenError, Progress,
    collection::{self, Cut},
    file_images::{FileImages, FovImage},
    listing::{Listing, Opening, check_length},
    lone_file,
    ome_tiff::lone::{self, Lone, OmeFiles},
    plate,
    probe::below,
};
use crate::{
    dataset::{DatasetKind, Fov, Image, OpenFovError},
    image_file::{self, is_image_name, is_tiff_name},
    model::{Code, Plate, Problem, limits},
    source::{self, Entry, Kind},
};

/// TIFF files of which the first directory is read when a folder is opened, because it may hold OME-XML: so many with the
/// name of an OME-TIFF, and so many others. Those that such a document names are not counted.
const READ_DOCUMENTS: usize = 64;

/// Image files as they were found.
#[derive(Clone, Debug, Default)]
pub(super) struct ImageFiles {
    /// Their paths, those of a folder before those of the folders in it.
    pub(super) paths: Vec<PathBuf>,
    /// Where the search for them ended early.
    pub(super) cuts: Vec<Cut>,
}

impl From<Vec<PathBuf>> for ImageFiles {
    fn from(mut paths: Vec<PathBuf>) -> Self {
        let is_full = paths.len() > limits::FOVS;
        paths.truncate(limits::FOVS);
        Self {
            paths,
            cuts: is_full.then_some(Cut::Images).into_iter().collect(),
        }
    }
}

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
pub(super) fn search(root: &Path, progress: Progress<'_>) -> Result<ImageFiles, OpenError> {
    let mut paths = Vec::new();
    let cuts = collection::walk(root, progress, |folder| {
        if paths.len() > limits::FOVS {
            return Vec::new();
        }
        let entries = source::list(folder).unwrap_or_default();
        paths.extend(in_folder(folder, &entries));
        entries
    })?;
    let mut found = ImageFiles::from(paths);
    found.cuts.extend(cuts);
    Ok(found)
}

/// True for a file in the folder itself, and for an OME-TIFF below it.
pub(super) fn is_beside_or_ome(folder: &Path, path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.parent() == Some(folder) || is_ome_name(&name)
}

/// True for names that an OME-TIFF has.
fn is_ome_name(name: &str) -> bool {
    let stem = name.rsplit_once('.').map_or("", |(stem, _)| stem);
    is_tiff_name(name) && stem.to_ascii_lowercase().ends_with(".ome")
}

/// The FOV table while it is being made.
struct Table<'a> {
    root: &'a Path,
    listing: Listing,
    images: Vec<FovImage>,
    /// Files whose planes belong to images that are listed already.
    claimed: HashSet<PathBuf>,
    documents: Documents,
}

/// Makes the FOV table of files, and says where the image of each comes from.
///
/// # Errors
/// When it is too long, or opening was cancelled.
pub(super) fn list(
    files: &ImageFiles,
    opening: &mut Opening<'_>,
    words: &str,
) -> Result<(Listing, FileImages), OpenError> {
    let root = opening.root.clone();
    let mut table = Table {
        root: &root,
        listing: Listing::new(DatasetKind::Collection, words),
        images: Vec::new(),
        claimed: HashSet::new(),
        documents: Documents::default(),
    };
    let cuts = files.cuts.iter();
    table.listing.problems.extend(cuts.map(|cut| cut.problem()));
    for path in &files.paths {
        if !table.claimed.contains(path) {
            table.add(path, opening)?;
            check_length(table.images.len(), &root)?;
        }
    }
    table.listing.plate = table.plate();
    table.listing.problems.extend(table.documents.problem());
    let images = FileImages::Folder(table.images, table.claimed);
    Ok((table.listing, images))
}

/// How many documents were read, and how many files may have one that was not.
#[derive(Clone, Copy, Debug, Default)]
struct Documents {
    /// Of files without the name of an OME-TIFF, and with it.
    read: [usize; 2],
    num_ome: usize,
    num_unread: usize,
}

impl Documents {
    /// Of files that are no OME-TIFF nothing is left out.
    fn problem(self) -> Option<Problem> {
        let num_unread = self.num_unread;
        let message = format!(
            "OME-XML was read of the first {READ_DOCUMENTS} TIFF files only; {num_unread} further ones are shown one by one, whatever belongs together"
        );
        let is_told = self.num_ome > 0 && num_unread > 0;
        is_told.then(|| Problem::new(Code::Ignored, ".", message))
    }
}

impl Table<'_> {
    /// The images of a file: those of its document, where it is one of those that are read.
    fn add(&mut self, path: &Path, opening: &mut Opening<'_>) -> Result<(), OpenError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (is_tiff, is_named_ome) = (is_tiff_name(&name), is_ome_name(&name));
        let documents = &mut self.documents;
        let num_read = &mut documents.read[usize::from(is_named_ome)];
        if !is_tiff || *num_read >= READ_DOCUMENTS {
            documents.num_ome += usize::from(is_named_ome);
            documents.num_unread += usize::from(is_tiff);
            self.add_file(path);
            return Ok(());
        }
        *num_read += 1;
        opening.report(&format!("Reading {name}"))?;
        // What is wrong with a file is said when it is shown.
        let is_ome = || image_file::is_ome_tiff(path).is_ok_and(|found| found == Some(true));
        if is_named_ome || is_ome() {
            self.documents.num_ome += 1;
            self.add_ome(path);
        } else {
            self.add_file(path);
        }
        Ok(())
    }

    /// A file of which nothing is known; whatever is wrong with it is said when it is shown.
    fn add_file(&mut self, path: &Path) {
        self.listing.fovs.push(row_of(path, self.root));
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

/// The row of a file that is an image by itself.
pub(super) fn row_of(path: &Path, root: &Path) -> Fov {
    let path_below = below(root, path);
    Fov {
        label: path_below.clone(),
        path: path_below,
        folder: path.to_path_buf(),
        present: true,
        ..Fov::default()
    }
}

/// The image of a row's file as it is now, and what had to be assumed: of several the one that the row names.
///
/// # Errors
/// When it cannot be read as an image.
pub(super) fn open(row: &Fov, root: &Path) -> Result<(Arc<Image>, Vec<Problem>), OpenFovError> {
    let path = &row.folder;
    let mut problems = match lone::open(path, "OME-TIFF")? {
        Lone::Ome(found) => {
            let mut problems = found.listing.problems;
            let id = row.path.strip_prefix(below(root, path).as_str());
            let id = id.unwrap_or(&row.path);
            let is_named = |other: &Fov| other.path.starts_with('#') && other.path == id;
            let named = found.listing.fovs.iter().position(is_named);
            if found.images.len() > 1 && named.is_none() {
                let message =
                    "several images in one file, one is shown here; open the file by itself";
                problems.push(Problem::new(Code::Ignored, below(root, path), message));
            }
            let at = named.unwrap_or(found.own);
            let row = found.listing.fovs.get(at);
            if let Some((image, row)) = found.images.get(at).zip(row) {
                let (image, further) = image.open_listed(row, root)?;
                problems.extend(further);
                return Ok((image, problems));
            }
            problems
        }
        Lone::Plain(problems) => problems,
    };
    let (image, further) = lone_file::image_of(path, root)?;
    problems.extend(further);
    Ok((Arc::new(image), problems))
}
