//! What a layout offers: the FOV table and what is known without opening stores.

use std::path::{Path, PathBuf};

use super::{OpenError, side_files::SideFiles, side_reading::SideReading};
use crate::{
    dataset::{Dataset, DatasetKind, Fov, OpenFovError, ZarrFormat},
    model::{Code, FovId, Plate, Problem, limits},
};

/// The FOV table in display order, with what the folders and group metadata say.
#[derive(Debug)]
pub(super) struct Listing {
    /// What the path is.
    pub(super) kind: DatasetKind,
    /// The layout in words.
    pub(super) layout: String,
    /// Rows in display order.
    pub(super) fovs: Vec<Fov>,
    /// The plate, where there is one.
    pub(super) plate: Option<Plate>,
    /// NGFF version of the plate or group.
    pub(super) ngff: Option<String>,
    /// Version of the Zarr format of the plate or group.
    pub(super) zarr_format: Option<ZarrFormat>,
    /// What was found on the way.
    pub(super) problems: Vec<Problem>,
}

impl Listing {
    /// An empty table.
    pub(super) fn new(kind: DatasetKind, layout: &str) -> Self {
        Self {
            kind,
            layout: layout.to_owned(),
            fovs: Vec::new(),
            plate: None,
            ngff: None,
            zarr_format: None,
            problems: Vec::new(),
        }
    }
}

/// What every listing needs: the opened path, side files, and whom to tell how far it is.
pub(super) struct Opening<'a> {
    /// The opened path.
    pub(super) root: PathBuf,
    /// The side files of the acquisition around it, if any.
    pub(super) side: Option<SideReading>,
    /// Told how far it is; false cancels.
    pub(super) progress: super::Progress<'a>,
}

impl Opening<'_> {
    /// Says how far it is.
    ///
    /// # Errors
    /// When the answer is to stop.
    pub(super) fn report(&mut self, text: &str) -> Result<(), OpenError> {
        if (self.progress)(text) {
            Ok(())
        } else {
            Err(OpenError::cancelled(&self.root))
        }
    }

    /// What the side files say; waits until they are read.
    pub(super) fn side_files(&self) -> Option<&SideFiles> {
        self.side.as_ref().map(SideReading::get)
    }

    /// FOVs that a running acquisition will still create; none in a finished one or where nothing is planned.
    pub(super) fn expected(&self) -> Vec<(String, u32)> {
        let side = self.side_files().into_iter();
        side.flat_map(SideFiles::expected)
            .map(|(region, fov)| (region.to_owned(), fov))
            .collect()
    }
}

/// The row of a FOV.
///
/// # Errors
/// When the dataset has no such FOV.
pub(super) fn row_of(dataset: &Dataset, fov: FovId) -> Result<&Fov, OpenFovError> {
    dataset.fov(fov).ok_or_else(|| OpenFovError {
        code: Code::OutOfRange,
        message: format!("FOV {} where there are {}", fov.0, dataset.fovs.len()),
        location: dataset.root.display().to_string(),
    })
}

/// The FOV itself, then the others in the same array that are meant.
pub(super) fn siblings(fovs: &[Fov], fov: FovId, is_meant: impl Fn(&Fov) -> bool) -> Vec<FovId> {
    let mut found = vec![fov];
    let Some(row) = fovs.get(fov.row()).filter(|row| row.array_index.is_some()) else {
        return found;
    };
    for (at, other) in fovs.iter().enumerate() {
        let id = FovId(at as u32);
        let is_same = other.array_index.is_some() && other.folder == row.folder;
        if is_same && id != fov && is_meant(other) {
            found.push(id);
        }
    }
    found
}

/// Checks the length of a table before it grows further.
///
/// # Errors
/// When it has more rows than the budget.
pub(super) fn check_length(num_fovs: usize, root: &Path) -> Result<(), OpenError> {
    if num_fovs <= limits::FOVS {
        return Ok(());
    }
    let limit = limits::FOVS;
    let message = format!("{num_fovs} FOVs where at most {limit} are listed");
    Err(OpenError::at(root, Code::TooLarge, message))
}
