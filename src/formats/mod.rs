//! Recognise what lies at a path, describe its layout once, open it into a `Dataset`.
//!
//! The only place that knows folder names. `layout` decides what a path is, a listing (`plate`, `regions`,
//! `collection`) makes the FOV table, `image` opens one store; `opener` does so later for the others. Opening reads
//! the first readable FOV's metadata and no pixel.

mod acquisitions;
mod announced;
mod assembly;
mod axes;
mod channels;
mod collection;
mod cut_short;
mod end_mark;
mod file_images;
mod folder_growth;
mod frames;
mod image;
mod image_folder;
mod individual;
mod labels;
mod layout;
mod left_aside;
mod levels;
mod listing;
mod lone_file;
mod ome_tiff;
mod opener;
mod pixel_tags;
mod plate;
mod probe;
mod regions;
mod sampling;
mod scan_grid;
mod side_files;
mod side_reading;
mod stacks;
mod surroundings;
pub mod text;
mod timepoints;
mod twins;

pub use self::{
    announced::{announced, announced_name},
    end_mark::{EndMark, is_after},
    folder_growth::with_folders,
    labels::open_label,
    surroundings::{Surroundings, documents_of, is_aborted},
};

use std::path::{Path, PathBuf};

use crate::{
    dataset::{Dataset, OpenFovError},
    image_file::ImageFileError,
    model::{Code, WorkStage, repeated},
    source::{self, SourceError},
};

/// Progress of opening: "Reading plate… 312 of 1536 wells". Return false to cancel.
pub type Progress<'a> = &'a mut dyn FnMut(&str) -> bool;

/// What lies at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detected {
    /// The layout in words.
    pub layout: String,
}

/// A path cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}: {location}")]
pub struct OpenError {
    /// What kind of thing is wrong.
    pub code: Code,
    /// What was found and what was expected.
    pub message: String,
    /// The path.
    pub location: String,
}

/// What a cancelled opening says.
const CANCELLED: &str = "opening was cancelled";

impl OpenError {
    /// An error at a path.
    fn at(path: &Path, code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: repeated(message.into()),
            location: path.display().to_string(),
        }
    }

    fn cancelled(path: &Path) -> Self {
        Self::at(path, Code::IoError, CANCELLED)
    }

    /// True where the progress function asked to stop: nothing is wrong with the path.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.message == CANCELLED
    }
}

impl From<OpenFovError> for OpenError {
    fn from(error: OpenFovError) -> Self {
        Self {
            code: error.code,
            message: error.message,
            location: error.location,
        }
    }
}

impl From<OpenError> for OpenFovError {
    fn from(error: OpenError) -> Self {
        Self {
            code: error.code,
            message: error.message,
            location: error.location,
        }
    }
}

impl From<ImageFileError> for OpenFovError {
    fn from(error: ImageFileError) -> Self {
        Self {
            code: error.code,
            message: error.message,
            location: error.location,
        }
    }
}

impl From<ImageFileError> for OpenError {
    fn from(error: ImageFileError) -> Self {
        Self {
            code: error.code,
            message: error.message,
            location: error.location,
        }
    }
}

impl From<SourceError> for OpenError {
    fn from(error: SourceError) -> Self {
        Self {
            code: error.code(),
            message: error.message(),
            location: error.location(),
        }
    }
}

/// Recognises what lies at `path` without opening stores. Blocks on I/O.
///
/// # Errors
/// When nothing is there, or nothing that we know.
pub fn detect(path: &Path) -> Result<Detected, OpenError> {
    let found = layout::find(&plain_path(path), &mut |_| true)?;
    Ok(Detected {
        layout: found.words().to_owned(),
    })
}

/// The folder of an acquisition or Zarr store at or around a path, which need not exist. Blocks on I/O.
#[must_use]
pub fn dataset_around(path: &Path) -> Option<PathBuf> {
    let holds = |folder: &&Path| side_files::mark(folder) || probe::has_document(folder);
    path.ancestors().find(holds).map(Path::to_path_buf)
}

/// Opens what lies at `path`: the acquisition folder, the store, or any folder inside it. Blocks on I/O, reads no pixel.
///
/// # Errors
/// When nothing is there that we can show. Everything smaller is a problem in the dataset.
pub fn open(path: &Path, progress: Progress<'_>) -> Result<Dataset, OpenError> {
    let _listing = WorkStage::List.enter();
    let path = plain_path(path);
    let found = layout::find(&path, progress)?;
    opener::open(&found, progress).map(Dataset::with_short_names)
}

/// The path without `file://`, a slash at its end or `..`; relative ones from the working folder.
fn plain_path(path: &Path) -> PathBuf {
    let text = path.to_string_lossy();
    let local = match text.strip_prefix("file://") {
        Some(rest) => PathBuf::from(percent_decoded(
            rest.strip_prefix("localhost").unwrap_or(rest),
        )),
        None => path.to_path_buf(),
    };
    let absolute = std::path::absolute(&local).unwrap_or(local);
    // The names of parents count (a row of a plate), so `..` must not stand among them.
    let plain = source::without_parents(&absolute).unwrap_or(absolute);
    // Going through the components drops a slash at the end and dots in between.
    plain.components().collect()
}

/// File managers escape names in a URL; an escape that is none stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = after
            .get(..2)
            .filter(|digits| first == b'%' && digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() {
            &after[2..]
        } else {
            after
        };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests;
