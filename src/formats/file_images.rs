//! The images of a dataset whose planes are files: no store is opened for them.

use std::{path::Path, sync::Arc};

use super::{
    frames::Recording,
    image_folder,
    ome_tiff::{lone::NamedImage, squid::SquidOme},
    timepoints::SharedImage,
};
use crate::{
    dataset::{Fov, Image, OpenFovError},
    model::{FovId, Problem},
};

/// Where the images of FOVs come from.
pub(super) enum FileImages {
    /// All FOVs share one, in folders of timepoints.
    Timepoints(SharedImage),
    /// All FOVs share one, each in an OME-TIFF of its own.
    OmeTiffs(SquidOme),
    /// Each has its own.
    PerFov(Vec<FovImage>),
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
            Self::PerFov(images) => match images.get(fov.row())? {
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
        match self {
            Self::Given(image) => Ok((Arc::clone(image), Vec::new())),
            Self::Frames(recording) => Ok(recording.image_now()),
            Self::Named(named) => Ok(named.open()?),
            Self::File => image_folder::open(&row.folder, root),
        }
    }
}
