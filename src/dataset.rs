//! What can be shown: the dataset, its FOV table, and the image that each FOV points to.
//!
//! Immutable behind an `Arc`. What a store reveals only when it is first opened gives a newer revision
//! ([`Dataset::with_opened`]); the id stays, so caches keep what they have. Opening a FOV's store belongs to
//! `formats`, which leaves a [`FovOpener`] here, so that `loader` can open stores without knowing any layout.

mod announcement;
mod extra;
mod growth;
mod image;
mod labels;
mod names;
mod plane_files;
mod registered;
mod revisions;
#[cfg(test)]
pub(crate) mod testing;

pub use announcement::{
    AnnounceError, AnnouncedLayout, AnnouncedRegion, AnnouncedSizes, Announcement, NoticeAt,
    NoticeError, PlaneAt,
};
pub use image::{Arrays, Image, Level, Registry, Sampling, ZarrFormat, ZarrLocator};
pub use labels::{LabelImage, LabelPlacement, LabelSlot, Labels, OpenedLabel, layers};
pub use plane_files::{FilePlane, Files, PlaneFiles, Sharing};
pub use registered::{Registered, RegisteredPlanes};

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use image::clamp_u32;

use crate::model::{Channel, Code, DatasetId, FovId, NavAxis, PlaneId, Plate, PointUm, Problem};

/// What the opened path is; the spelling in JSON is that of `docs/formats.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatasetKind {
    /// One multiscale image.
    Image,
    /// A high-content screening plate.
    Plate,
    /// One well of a plate.
    Well,
    /// A `bioformats2raw.layout` series.
    Series,
    /// Several images below a folder or group.
    Collection,
    /// Label images only.
    Labels,
    /// A Zarr array without OME metadata.
    Array,
    /// A Squid acquisition folder.
    Squid,
}

impl DatasetKind {
    /// The spelling in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Plate => "plate",
            Self::Well => "well",
            Self::Series => "series",
            Self::Collection => "collection",
            Self::Labels => "labels",
            Self::Array => "array",
            Self::Squid => "squid",
        }
    }
}

/// A row of the FOV table: everything known before its store is opened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fov {
    /// Path of the image group below the opened path, "." for that path itself, `dir/array#3` for the 4th FOV inside an
    /// array with a FOV axis.
    pub path: String,
    /// What the FOV bar shows: `B3:2`, or the path.
    pub label: String,
    /// Folder of the image group, or of the array.
    pub folder: PathBuf,
    /// Index along the FOV axis of a 6-D array.
    pub array_index: Option<u32>,
    /// Which of several multiscale images of its group; `None` where that holds one.
    pub multiscale_idx: Option<usize>,
    /// Squid's region (a well or a scan area).
    pub region: Option<String>,
    /// Index inside the region, as the files number it.
    pub fov_in_region: Option<u32>,
    /// Row of the plate, as the metadata or folder names it.
    pub row: Option<String>,
    /// Column of the plate, as the metadata or folder names it.
    pub column: Option<String>,
    /// Id of the acquisition in the plate metadata.
    pub acquisition: Option<i64>,
    /// Centre of the FOV on the stage in µm.
    pub stage_um: Option<PointUm>,
    /// z of the stage in µm.
    pub stage_z_um: Option<f64>,
    /// False: named in metadata, not on disk.
    pub present: bool,
}

impl Fov {
    /// The region or well that it lies in, where one is known.
    #[must_use]
    pub fn place_name(&self) -> Option<String> {
        let well = || Some(format!("{}{}", self.row.as_ref()?, self.column.as_ref()?));
        self.region.clone().or_else(well)
    }
}

/// Whether a FOV's store has been opened.
#[derive(Clone, Debug, Default)]
pub enum ImageSlot {
    /// Nobody has looked at it yet.
    #[default]
    Unopened,
    /// Its image.
    Opened(Arc<Image>),
    /// Its image, shown until it is opened again: its documents have changed.
    Stale(Arc<Image>),
    /// It cannot be opened.
    Failed(Arc<OpenFovError>),
    /// It could not be opened and is tried again; shown as such until then.
    Retried(Arc<OpenFovError>),
}

/// A FOV's store cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}: {location}")]
pub struct OpenFovError {
    /// What kind of thing is wrong.
    pub code: Code,
    /// What was found and what was expected.
    pub message: String,
    /// The file or folder.
    pub location: String,
}

/// What opening the store of one FOV revealed.
#[derive(Clone, Debug, Default)]
pub struct OpenedFov {
    /// The asked FOV's image, and those of siblings in the same array.
    pub images: Vec<(FovId, Arc<Image>)>,
    /// Problems found on the way.
    pub problems: Vec<Problem>,
    /// What is around an announced acquisition, where that has come to be known.
    pub around: Option<Arc<SideFacts>>,
}

/// What the side files around an announced acquisition say; they may appear after its start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SideFacts {
    /// What people call the acquisition: its folder.
    pub name: String,
    /// How it is made.
    pub acquisition: Acquisition,
    /// Planned timepoints.
    pub num_timepoints: Option<u32>,
    /// Centre on the stage in µm, and z of the stage in µm.
    pub stage: Vec<(FovId, PointUm, Option<f64>)>,
    /// One per announced channel: for planes that are registered one by one, which no store describes.
    pub channels: Vec<Channel>,
    /// Pixel size and steps, for the same.
    pub sampling: Sampling,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// Opens the store of a FOV; left in the dataset by `formats`.
pub trait FovOpener: Send + Sync {
    /// Reads the metadata of the FOV's store. Blocks on I/O; reads no pixels.
    ///
    /// # Errors
    /// When the store is absent, or its metadata does not describe an image that we can show.
    fn open_fov(&self, dataset: &Dataset, fov: FovId) -> Result<OpenedFov, OpenFovError>;

    /// Opens the label image of that name of a FOV whose store has been opened. Blocks on I/O; reads no pixels.
    ///
    /// # Errors
    /// When it is absent, or cannot be shown.
    fn open_label(
        &self,
        dataset: &Dataset,
        fov: FovId,
        name: &str,
    ) -> Result<OpenedLabel, OpenFovError> {
        let row = dataset.fov(fov).map_or("", |row| row.path.as_str());
        Err(OpenFovError {
            code: Code::MissingArray,
            message: format!("expected a label image {name:?}, this dataset has none"),
            location: row.to_owned(),
        })
    }

    /// True for a file with planes of images that are listed already: it is no image by itself.
    fn is_claimed(&self, _file: &Path) -> bool {
        false
    }

    /// Where and when a timepoint of a FOV was taken, from the side file that is written when the timepoint ends;
    /// `None` where there is none. Blocks on I/O at the first call for a timepoint.
    fn executed(&self, _dataset: &Dataset, _fov: FovId, _t: u32) -> Option<Executed> {
        None
    }
}

/// How the acquisition was made, from side files and `_squid` keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Acquisition {
    /// Finished by `.done`, or because every store says so, and not aborted; `None` where nothing says so yet. Of several
    /// stores the flag of one says nothing of the acquisition.
    pub complete: Option<bool>,
    /// The run was aborted.
    pub aborted: bool,
    /// Planes that will have been written at the end, where it is known.
    pub planned_planes: Option<u64>,
    /// Timepoints that were begun when somebody looked last, by their folders; empty where there are none.
    pub begun_timepoints: Arc<BTreeSet<u32>>,
    /// Start, as the files write it.
    pub start_time: Option<String>,
    /// Name of the objective.
    pub objective: Option<String>,
    /// Magnification of the objective.
    pub magnification: Option<f64>,
    /// Numerical aperture of the objective.
    pub numerical_aperture: Option<f64>,
}

/// Where and when a timepoint of a FOV was taken, as executed.
#[derive(Clone, Debug, PartialEq)]
pub struct Executed {
    /// Centre on the stage in µm.
    pub stage_um: PointUm,
    /// z of the stage in µm.
    pub z_um: Option<f64>,
    /// Time as the file writes it.
    pub time: String,
}

/// What can be shown.
#[derive(Clone)]
pub struct Dataset {
    /// Unique in the process.
    pub id: DatasetId,
    /// Counts the states of this dataset.
    pub revision: u64,
    /// The path that was opened.
    pub root: PathBuf,
    /// What people call it: the name of the acquisition folder or of the store.
    pub name: String,
    /// What the opened path is.
    pub kind: DatasetKind,
    /// The layout in words: "Squid plate, one store per FOV".
    pub layout: String,
    /// NGFF version, of the plate or of the first readable image.
    pub ngff: Option<String>,
    /// Version of the Zarr format, of the plate or of the first readable image.
    pub zarr_format: Option<ZarrFormat>,
    /// The FOV table; its rows never move.
    pub fovs: Arc<[Fov]>,
    /// Display order: flat number to FOV.
    pub order: Arc<[FovId]>,
    /// One per row of the FOV table.
    pub images: Vec<ImageSlot>,
    /// The first readable image: what unopened FOVs are taken to be until they are opened.
    pub template: Arc<Image>,
    /// Label images that were opened.
    pub labels: Labels,
    /// What was announced, where the acquisition is pushed: row and flat number of a FOV are the same then.
    pub announcement: Option<Arc<Announcement>>,
    /// The end of its announcements came: whatever marks an end on disk is taken for its own.
    pub is_announced_to_end: bool,
    /// False while the template is only what was announced: no store is there yet, the sample type is unknown.
    pub is_template_read: bool,
    /// Timepoints that the plan or notices name, where no image says so yet.
    pub known_timepoints: u32,
    /// Squid's side files and keys; `None` for other datasets.
    pub acquisition: Option<Acquisition>,
    /// The plate, where there is one.
    pub plate: Option<Plate>,
    /// Problems found, and assumptions made.
    pub problems: Vec<Problem>,
    /// Opens stores when they are first needed.
    pub opener: Arc<dyn FovOpener>,
}

impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dataset")
            .field("id", &self.id)
            .field("revision", &self.revision)
            .field("root", &self.root)
            .field("num_fovs", &self.fovs.len())
            .finish_non_exhaustive()
    }
}

impl Dataset {
    /// FOVs; at least 1.
    #[must_use]
    pub fn num_fovs(&self) -> u32 {
        clamp_u32(self.fovs.len() as u64)
    }

    /// True for an acquisition that nothing calls finished: what is absent may still be written.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.acquisition
            .as_ref()
            .is_some_and(|run| run.complete != Some(true) && !run.aborted)
    }

    /// True for an acquisition that came to no end of its own: what is absent is missing, and nothing is waited for.
    #[must_use]
    pub fn was_stopped(&self) -> bool {
        self.acquisition.as_ref().is_some_and(|run| run.aborted)
    }

    /// True where nobody is going to write to it: what is absent is the fill value, or missing.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        let run = self.acquisition.as_ref();
        run.is_none_or(|run| run.complete == Some(true))
    }

    /// True for a timepoint that a finished acquisition left out: others have a folder, and it has none. Squid skips
    /// timepoints when it is late (`control/core/multi_point_worker.py`), and its Zarr stores have room for them.
    #[must_use]
    pub fn is_skipped(&self, t: u32) -> bool {
        let finished = self.acquisition.as_ref().filter(|_| self.is_finished());
        let begun = finished.map(|run| &run.begun_timepoints);
        begun.is_some_and(|begun| !begun.is_empty() && !begun.contains(&t))
    }

    /// Those timepoints.
    pub fn skipped_timepoints(&self) -> impl Iterator<Item = u32> {
        let run = self.acquisition.as_ref();
        let has_folders = run.is_some_and(|run| !run.begun_timepoints.is_empty());
        let all = if has_folders && self.is_finished() {
            self.len_along(NavAxis::Time)
        } else {
            0
        };
        (0..all).filter(|&t| self.is_skipped(t))
    }

    /// The moment before which nothing can have ended the acquisition; `None` where any mark of an end is its own.
    #[must_use]
    pub fn ends_after(&self) -> Option<SystemTime> {
        let announced = self.announcement.as_ref();
        announced
            .filter(|_| !self.is_announced_to_end)
            .map(|announced| announced.at)
    }

    /// True where the store of a FOV was opened and says that it is finished.
    #[must_use]
    pub fn is_store_complete(&self, fov: FovId) -> bool {
        let image = self.image(fov);
        image.is_some_and(|image| image.complete == Some(true))
    }

    /// True where the store of every FOV was opened and says that it is finished.
    #[must_use]
    pub fn are_all_stores_complete(&self) -> bool {
        self.order.iter().all(|&fov| self.is_store_complete(fov))
    }

    /// The row of a FOV.
    #[must_use]
    pub fn fov(&self, fov: FovId) -> Option<&Fov> {
        self.fovs.get(fov.row())
    }

    /// The FOV at a flat number of the display order.
    #[must_use]
    pub fn fov_at(&self, flat: u32) -> Option<FovId> {
        self.order.get(flat as usize).copied()
    }

    /// The flat number of a FOV in the display order.
    #[must_use]
    pub fn flat_of(&self, fov: FovId) -> Option<u32> {
        let at = if self.order.get(fov.row()) == Some(&fov) {
            Some(fov.row())
        } else {
            self.order.iter().position(|&other| other == fov)
        };
        at.and_then(|at| u32::try_from(at).ok())
    }

    /// The image of a FOV, if its store has been opened.
    #[must_use]
    pub fn image(&self, fov: FovId) -> Option<&Arc<Image>> {
        match self.images.get(fov.row()) {
            Some(ImageSlot::Opened(image) | ImageSlot::Stale(image)) => Some(image),
            Some(ImageSlot::Unopened | ImageSlot::Failed(_) | ImageSlot::Retried(_)) | None => None,
        }
    }

    /// The image that a plane is of: that of its FOV, or a label image that has been opened.
    #[must_use]
    pub fn image_of(&self, plane: PlaneId) -> Option<&Arc<Image>> {
        if plane.layer == 0 {
            return self.image(plane.fov);
        }
        let label = self.labels.get(plane.fov, plane.layer)?.as_ref().ok()?;
        Some(&label.image)
    }

    /// The name at level 0 of a plane of any level, as far as its image is known: the name that states, notices and
    /// statistics go by.
    #[must_use]
    pub fn at_level_0(&self, plane: PlaneId) -> PlaneId {
        self.image_of(plane)
            .map_or(plane.at_level(0), |image| image.at_level_0(plane))
    }

    /// The images known so far.
    fn opened_images(&self) -> impl Iterator<Item = &Arc<Image>> {
        self.images.iter().filter_map(|slot| match slot {
            ImageSlot::Opened(image) | ImageSlot::Stale(image) => Some(image),
            ImageSlot::Unopened | ImageSlot::Failed(_) | ImageSlot::Retried(_) => None,
        })
    }

    /// True where the store of a FOV is to be opened before or while it is shown.
    #[must_use]
    pub fn wants_opening(&self, fov: FovId) -> bool {
        let slot = self.images.get(fov.row());
        matches!(
            slot,
            Some(ImageSlot::Unopened | ImageSlot::Stale(_) | ImageSlot::Retried(_))
        )
    }

    /// Steps along an axis: the maximum over the images known so far (of all FOVs: their number).
    #[must_use]
    pub fn len_along(&self, axis: NavAxis) -> u32 {
        let length = |image: &Arc<Image>| match axis {
            NavAxis::Time => image.num_timepoints(),
            NavAxis::Z => image.num_z_slices(),
            NavAxis::Fov => 1,
        };
        if axis == NavAxis::Fov {
            return self.num_fovs();
        }
        let opened = self.opened_images().map(length).max().unwrap_or(0);
        let known = match axis {
            NavAxis::Time => self.known_timepoints,
            NavAxis::Fov | NavAxis::Z => 0,
        };
        opened.max(length(&self.template)).max(known).max(1)
    }

    /// Channels: the maximum over the images known so far.
    #[must_use]
    pub fn num_channels(&self) -> u32 {
        let opened = self.opened_images().map(|image| image.num_channels()).max();
        let template = self.template.num_channels();
        opened.unwrap_or(0).max(template).max(1)
    }
}
