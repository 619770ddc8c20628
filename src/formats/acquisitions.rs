//! Acquisitions in image files below a folder: their files are planes, and no images of their own.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::{
    OpenError, image_folder::ImageFiles, ome_tiff::squid::OmeFolder, side_files,
    timepoints::Timepoints,
};
use crate::{model::Code, source};

/// Names of acquisitions in an error.
const NAMED: usize = 5;

/// True for the folder of an acquisition in image files, stacks or OME-TIFF.
pub(super) fn is_of_files(folder: &Path) -> bool {
    let entries = source::list(folder).unwrap_or_default();
    side_files::are_in(&entries)
        && (Timepoints::find(folder, &entries).is_some()
            || OmeFolder::find(folder, &entries).is_some()
            || OmeFolder::in_timepoints(folder, &entries).is_some())
}

/// Takes the files of acquisitions below a folder out of the image files that were found there; the folders of those
/// acquisitions, in the order of their files.
pub(super) fn take_out(root: &Path, files: &mut ImageFiles) -> Vec<PathBuf> {
    let mut known: HashMap<PathBuf, bool> = HashMap::new();
    let mut acquisitions: Vec<PathBuf> = Vec::new();
    files.paths.retain(|path| {
        // Planes lie in the folder itself, in those of timepoints, or in that of all OME-TIFF files.
        let around = path.ancestors().skip(1).take(2);
        let mut around = around.filter(|folder| *folder != root && folder.starts_with(root));
        let found = around.find(|folder| {
            let is_one = known.get(*folder).copied();
            is_one.unwrap_or_else(|| {
                let is_one = is_of_files(folder);
                known.insert(folder.to_path_buf(), is_one);
                is_one
            })
        });
        if let Some(found) = found
            && acquisitions.iter().all(|known| known != found)
        {
            acquisitions.push(found.to_path_buf());
        }
        found.is_none()
    });
    acquisitions
}

/// Why a folder of several acquisitions is not opened.
pub(super) fn one_of(root: &Path, acquisitions: &[PathBuf]) -> OpenError {
    let names = acquisitions.iter().take(NAMED);
    let names: Vec<_> = names
        .map(|folder| super::probe::below(root, folder))
        .collect();
    let dots = if acquisitions.len() > NAMED {
        ", \u{2026}"
    } else {
        ""
    };
    let message = format!(
        "a folder of {} acquisitions, open one of them ({}{dots})",
        acquisitions.len(),
        names.join(", ")
    );
    OpenError::at(root, Code::NotZarr, message)
}
