//! From a plane of Squid's OME-TIFFs to its file and page, if it is written.

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use lru::LruCache;
use parking_lot::Mutex;

use super::{Described, document_of, has_page, written::Notes};
use crate::{
    dataset::{FilePlane, Fov, OpenFovError, PlaneAt, PlaneFiles, Sharing},
    formats::{
        OpenError,
        probe::fov_error_of,
        side_files,
        timepoints::{Folders, TimepointFiles},
    },
    image_file::{self, Ground, Pages},
    metadata::ome_xml::OmeImage,
    model::{Code, Problem},
    source,
};

/// Documents of files that are kept.
const KEPT_FILES: NonZeroUsize = NonZeroUsize::new(256).expect("above 0");

/// Where the files lie.
#[derive(Debug)]
pub(super) enum Place {
    /// All in one folder, each with all timepoints.
    Series(PathBuf),
    /// In the folders of timepoints.
    Timepoints(Arc<Folders>),
}

/// A file of a FOV: its document, as long as its pages are the same.
#[derive(Debug)]
pub(super) struct OmeFile {
    pages: Arc<Pages>,
    pub(super) image: OmeImage,
    pub(super) described: Described,
}

impl OmeFile {
    /// `None` where it is absent or empty: a file is empty before anything is written to it.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, OpenError> {
        let found = source::stat(path)?;
        if found.is_none_or(|found| found.num_bytes == 0) {
            return Ok(None);
        }
        let no_document = || {
            let message = "expected OME-XML in the first page of an OME-TIFF, found none";
            OpenError::at(path, Code::BadMetadata, message)
        };
        let (pages, document) = document_of(path)?.ok_or_else(no_document)?;
        let problem = document.problems.first().cloned();
        let Some(image) = document.images.into_iter().next() else {
            let problem = problem
                .unwrap_or_else(|| Problem::new(Code::BadMetadata, "", "OME-XML without an image"));
            return Err(OpenError::at(path, problem.code, problem.message));
        };
        let described = Described::of(&image, document.uuid.as_deref(), path, 0)?;
        Ok(Some(Self {
            pages,
            image,
            described,
        }))
    }
}

/// What files of an acquisition are called, and where they lie.
#[derive(Debug)]
pub(super) struct Catalogue {
    pub(super) acquisition: PathBuf,
    pub(super) place: Place,
    /// Timepoints in each file; at least 1.
    pub(super) num_inner: u32,
    /// File names by region and FOV, as they were listed; others are expected with so many digits and this ending.
    pub(super) names: HashMap<(String, u32), String>,
    pub(super) digits: usize,
    pub(super) ending: String,
}

/// Finds the planes of an acquisition.
#[derive(Debug)]
pub(super) struct SquidPlanes {
    pub(super) catalogue: Catalogue,
    is_done: AtomicBool,
    notes: Notes,
    files: Mutex<LruCache<PathBuf, Arc<OmeFile>>>,
}

impl Catalogue {
    fn name_of(&self, fov: &Fov) -> Option<String> {
        let (region, number) = (fov.region.as_ref()?, fov.fov_in_region?);
        let known = self.names.get(&(region.clone(), number)).cloned();
        let digits = self.digits;
        Some(known.unwrap_or_else(|| format!("{region}_{number:0digits$}{}", self.ending)))
    }

    /// The file of a FOV, and the timepoint in it.
    fn path_of(&self, fov: &Fov, t: u32) -> Option<(PathBuf, u32)> {
        let name = self.name_of(fov)?;
        match &self.place {
            Place::Series(folder) => Some((source::join_name(folder, &name)?, t)),
            Place::Timepoints(folders) => {
                let (number, inner) = (t / self.num_inner, t % self.num_inner);
                let path = source::join_name(&folders.of(number)?, &name)?;
                Some((path, inner))
            }
        }
    }
}

impl SquidPlanes {
    /// No document is read yet.
    pub(super) fn new(catalogue: Catalogue, is_done: bool) -> Self {
        Self {
            is_done: AtomicBool::new(is_done),
            notes: Notes::of(&catalogue.acquisition),
            files: Mutex::new(LruCache::new(KEPT_FILES)),
            catalogue,
        }
    }

    /// True where the file of a FOV with a timepoint is there.
    pub(super) fn has_file(&self, fov: &Fov, t: u32) -> bool {
        let path = self.catalogue.path_of(fov, t);
        path.is_some_and(|(path, _)| matches!(pages_of(&path), Ok(Some(_))))
    }

    /// A file's document, read again where the file changed.
    fn file(&self, path: &Path) -> Result<Option<Arc<OmeFile>>, OpenFovError> {
        let Some(pages) = pages_of(path)? else {
            return Ok(None);
        };
        let known = self.files.lock().get(path).cloned();
        if let Some(known) = &known
            && Arc::ptr_eq(&known.pages, &pages)
        {
            return Ok(Some(Arc::clone(known)));
        }
        let found = match (OmeFile::read(path), known) {
            // Its document is being replaced, which takes more than one write.
            (Err(error), Some(known)) if is_recent(path) => {
                tracing::debug!("{error}");
                return Ok(Some(known));
            }
            (outcome, _) => outcome?,
        };
        let Some(file) = found.map(Arc::new) else {
            return Ok(None);
        };
        self.files.lock().put(path.to_path_buf(), Arc::clone(&file));
        Ok(Some(file))
    }

    /// True where the run is over; it may end while the dataset is open.
    fn is_done(&self) -> bool {
        let is_done = self.is_done.load(Ordering::Relaxed)
            || side_files::is_done(&self.catalogue.acquisition);
        self.is_done.store(is_done, Ordering::Relaxed);
        is_done
    }

    /// The plane, if it is written as far as that can be known without reading it.
    fn if_written(
        &self,
        file: &OmeFile,
        base_name: &str,
        t: u32,
        at: PlaneAt,
        plane: FilePlane,
    ) -> Result<Option<FilePlane>, OpenFovError> {
        if file.image.has_planes || matches!(self.catalogue.place, Place::Timepoints(_)) {
            return Ok(Some(plane));
        }
        if let Some(written) = self.notes.written(base_name) {
            return Ok(written
                .contains(&(t, u32::from(at.c), at.z))
                .then_some(plane));
        }
        let zeros_are_room = match image_file::ground(&plane.path, plane.page)? {
            None | Some(Ground::Hole) => return Ok(None),
            // It is being filled; after the end the zeros of a file system that leaves them out.
            Some(Ground::PartlyHole) if !self.is_done() => return Ok(None),
            Some(Ground::PartlyHole | Ground::Solid) => true,
            Some(Ground::Compressed) => false,
        };
        Ok(Some(FilePlane {
            zeros_are_room,
            ..plane
        }))
    }
}

/// True where a file was written to a moment ago.
fn is_recent(path: &Path) -> bool {
    let found = source::stat(path).ok().flatten();
    !source::is_settled(found.and_then(|found| found.modified))
}

/// The pages of a file; `None` where it is absent or still empty.
fn pages_of(path: &Path) -> Result<Option<Arc<Pages>>, OpenFovError> {
    let found = source::stat(path).map_err(|error| fov_error_of(&error))?;
    if found.is_none_or(|found| found.num_bytes == 0) {
        return Ok(None);
    }
    Ok(image_file::tiff_pages(path)?)
}

impl PlaneFiles for SquidPlanes {
    fn find(&self, fov: &Fov, at: PlaneAt) -> Result<Option<FilePlane>, OpenFovError> {
        let Some((path, t)) = self.catalogue.path_of(fov, at.t) else {
            return Ok(None);
        };
        let Some(file) = self.file(&path)? else {
            return Ok(None);
        };
        let Some(plane) = file.described.planes.plane(t, at.c, at.z) else {
            return Ok(None);
        };
        let is_there = if plane.path == path {
            file.pages.has(plane.page)
        } else {
            has_page(&plane)?
        };
        if !is_there {
            return Ok(None);
        }
        let name = super::file_name(&path);
        let base_name = name
            .get(..name.len() - self.catalogue.ending.len())
            .unwrap_or_default();
        self.if_written(&file, base_name, t, at, plane)
    }

    fn expected(&self, fov: &Fov, at: PlaneAt) -> Option<PathBuf> {
        let (path, _) = self.catalogue.path_of(fov, at.t)?;
        Some(path)
    }

    fn sharing(&self) -> Sharing {
        Sharing::InPlace
    }
}

/// The same planes as those who look for timepoints see them.
#[derive(Debug)]
pub(super) struct InTimepoints {
    pub(super) planes: Arc<SquidPlanes>,
    pub(super) folders: Arc<Folders>,
}

impl TimepointFiles for InTimepoints {
    fn folders(&self) -> &Folders {
        &self.folders
    }

    fn has_any(&self, fov: &Fov, number: u32) -> bool {
        let t = number.saturating_mul(self.num_inner());
        self.planes.has_file(fov, t)
    }

    fn num_inner(&self) -> u32 {
        self.planes.catalogue.num_inner
    }
}
