//! Recognise what lies at a path, describe its layout once, open it into a `Dataset`.
//!
//! The only place that knows folder names.

use std::path::Path;

use crate::{dataset::Dataset, model::Code};

/// Progress of opening: "Reading plate… 312 of 1536 wells". Return false to cancel.
pub type Progress<'a> = &'a mut dyn FnMut(&str) -> bool;

/// What lies at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detected {
    /// The layout in words.
    pub layout: String,
    /// False: recognised, but reading it comes later.
    pub readable: bool,
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

/// Recognises what lies at `path` without opening stores. Blocks on I/O.
///
/// # Errors
/// When nothing is there, or nothing that we know.
pub fn detect(path: &Path) -> Result<Detected, OpenError> {
    unimplemented!("{path:?}")
}

/// Opens what lies at `path`: the acquisition folder, the store, or any folder inside it. Blocks on I/O, reads no pixel.
///
/// # Errors
/// When nothing is there that we can show. Everything smaller is a problem in the dataset.
pub fn open(path: &Path, progress: Progress<'_>) -> Result<Dataset, OpenError> {
    let _ = progress(&format!("{path:?}"));
    unimplemented!()
}
