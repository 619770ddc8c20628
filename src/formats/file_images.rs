//! The images of a dataset whose planes are files: no store is opened for them.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    frames::Recording,
    image_folder,
    ome_tiff::{lone::NamedImage, squid::SquidOme},
    timepoints::SharedImage,
};
use crate::{
    dataset::{Fov, Image, OpenFovError},
    model::{FileStamp, FovId, Problem},
    source,
};

/// Where the images of FOVs come from.
pub(super) enum FileImages {
    /// All FOVs share one, in folders of timepoints.
    Timepoints(SharedImage),
    /// All FOVs share one, each in an OME-TIFF of its own in one folder.
    OmeTiffs(SquidOme),
    /// Each has its own, by row. Rows that came later have no place here: theirs is what their file holds.
    PerFov(Vec<FovImage>),
    /// The same in a folder, with the files whose planes belong to images that are listed.
    Folder(Vec<FovImage>, HashSet<PathBuf>),
}

/// The image of one FOV.
pub(super) enum FovImage {
    /// Described when the dataset was opened.
    Given(Arc<Image>),
    /// One of those that the document of an OME-TIFF names.
    Named(NamedImage),
    /// A recording, which may grow.
    Frames(Recording),
    /// What its file holds, looked at when it is shown.
    File,
}

impl FileImages {
    /// The image as it was when the dataset was opened; `None` for one that nobody has looked at.
    pub(super) fn image(&self, fov: FovId) -> Option<Arc<Image>> {
        match self {
            Self::Timepoints(shared) => Some(shared.image()),
            Self::OmeTiffs(files) => Some(files.image()),
            Self::PerFov(images) | Self::Folder(images, _) => match images.get(fov.row())? {
                FovImage::Given(image) => Some(Arc::clone(image)),
                FovImage::Frames(recording) => Some(recording.image()),
                FovImage::Named(_) | FovImage::File => None,
            },
        }
    }
}

impl FovImage {
    /// Describes the image; reads no pixels. Locations of problems are below `root`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn open(
        &self,
        row: &Fov,
        root: &Path,
    ) -> Result<(Arc<Image>, Vec<Problem>), OpenFovError> {
        let is_replaced = match self {
            Self::Given(image) => is_replaced(&row.folder, image.described()),
            Self::Named(named) => named.is_replaced(),
            Self::Frames(_) | Self::File => false,
        };
        if is_replaced {
            return image_folder::open(row, root);
        }
        self.open_listed(row, root)
    }

    /// The same of a file that was looked at just now.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(super) fn open_listed(
        &self,
        row: &Fov,
        root: &Path,
    ) -> Result<(Arc<Image>, Vec<Problem>), OpenFovError> {
        match self {
            Self::Given(image) => Ok((Arc::clone(image), Vec::new())),
            Self::Frames(recording) => Ok(recording.image_now()),
            Self::Named(named) => Ok(named.open()?),
            Self::File => image_folder::open(row, root),
        }
    }
}

/// True where a file that was looked at is another one by now, or gone.
pub(super) fn is_replaced(file: &Path, looked_at: Option<FileStamp>) -> bool {
    looked_at.is_some() && source::stamp_of(file) != looked_at
}
