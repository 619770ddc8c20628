//! Planes that lie in image files, found by name when they are needed: a file each, or pages of one.
//!
//! Which file holds which plane is the knowledge of `formats`, which leaves a [`PlaneFiles`] in the image, so that `store`
//! finds planes that are written after the dataset was opened without knowing any name.

use std::{fmt, path::PathBuf, sync::Arc};

use super::{Fov, OpenFovError, PlaneAt};
use crate::model::{FileStamp, PageAt};

/// Where in an image file a plane lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilePlane {
    /// The file.
    pub path: PathBuf,
    /// Page inside of it.
    pub page: PageAt,
    /// 0, 1, 2: red, green or blue of a colour image; `None`: gray.
    pub color_idx: Option<u8>,
    /// A smaller copy below the page; `None`: the page itself.
    pub sub_idx: Option<u32>,
    /// Room was made for it in advance: as long as it is all zero, nobody has written it.
    pub zeros_are_room: bool,
}

/// Whether a file holds many planes: that it changed says little of each then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// A plane has its file for itself, or with its channels.
    None,
    /// Planes are added to the end of a file; what was found in it stays.
    Appended,
    /// The file is made with room for all planes, which is filled one by one.
    InPlace,
}

/// Finds the files of planes; shared by all threads.
pub trait PlaneFiles: fmt::Debug + Send + Sync {
    /// The file of a plane; `None` where it is not there (yet). Blocks on I/O.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    fn find(&self, fov: &Fov, at: PlaneAt) -> Result<Option<FilePlane>, OpenFovError>;

    /// The path that its file has or will have; `None` for planes that the images do not have.
    fn expected(&self, fov: &Fov, at: PlaneAt) -> Option<PathBuf>;

    /// The folder in which further planes make the image longer than it was described; `None` where its length is known, or
    /// new folders tell.
    fn grows_in(&self) -> Option<PathBuf> {
        None
    }

    /// The file as it was just before the image was described, where it may be replaced as a whole: another one is
    /// described anew.
    fn described(&self) -> Option<FileStamp> {
        None
    }

    /// Whether files hold many planes.
    fn sharing(&self) -> Sharing {
        Sharing::None
    }
}

/// The files of an image; two are equal where they are the same ones.
#[derive(Clone, Debug)]
pub struct Files(pub Arc<dyn PlaneFiles>);

impl PartialEq for Files {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Files {}
