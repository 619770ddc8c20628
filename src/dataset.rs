//! What can be shown: the dataset, its FOV table, and the image that each FOV points to.
//!
//! Immutable behind an `Arc`. What a store reveals only when it is first opened gives a newer revision
//! ([`Dataset::with_opened`]); the id stays, so caches keep what they have. Opening a FOV's store belongs to
//! `formats`, which leaves a [`FovOpener`] here, so that `loader` can open stores without knowing any layout.

mod announcement;
mod extra;
mod growth;
mod labels;
mod plane_files;
mod registered;
#[cfg(test)]
pub(crate) mod testing;

pub use announcement::{
    AnnounceError, AnnouncedLayout, AnnouncedRegion, AnnouncedSizes, Announcement, NoticeAt,
    NoticeError, PlaneAt,
};
pub use labels::{LabelImage, LabelPlacement, LabelSlot, Labels, OpenedLabel, layers};
pub use plane_files::{FilePlane, FileStamp, Files, PlaneFiles, Sharing};
pub use registered::{Registered, RegisteredPlanes};

use std::{
    collections::HashSet,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::model::{
    Axis, AxisRole, Channel, Code, DatasetId, FovId, NavAxis, PlaneId, Plate, PointUm, Problem,
    SampleType, TileGrid, ZPick,
};

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

/// Version of the Zarr format of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ZarrFormat {
    /// `.zarray`, `.zattrs`.
    V2,
    /// `zarr.json`.
    V3,
}

/// Where an array lies, with the document that describes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ZarrLocator {
    /// The folder of the array.
    pub folder: PathBuf,
    /// Version of its format.
    pub format: ZarrFormat,
    /// `zarr.json` or `.zarray` as it was read; `None`: not read yet, the store reads it when it needs it.
    pub document: Option<Arc<str>>,
}

/// Where the samples of a level are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrays {
    /// One array for all timepoints.
    One(ZarrLocator),
    /// One array of a single timepoint each, joined along t; `None`: that timepoint has no store (yet).
    PerTimepoint(Vec<Option<ZarrLocator>>),
    /// Image files and pixels in memory that are registered one by one.
    Registered(Registry),
    /// Image files that are found by name.
    Files(Files),
}

/// The registered planes of an acquisition; two are equal where they are the same one.
#[derive(Clone, Debug)]
pub struct Registry(pub Arc<RegisteredPlanes>);

impl PartialEq for Registry {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Registry {}

/// One stored level of a pyramid.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// `datasets[].path` as the metadata names it.
    pub path: String,
    /// Where its samples are.
    pub arrays: Arrays,
    /// Lengths along [`Image::axes`].
    pub shape: Vec<u64>,
    /// Scale along [`Image::axes`] in the axis' unit, both transforms combined; `None` where not given.
    pub scale: Option<Vec<f64>>,
    /// Translation along [`Image::axes`] in the axis' unit; `None` where not given.
    pub translation: Option<Vec<f64>>,
    /// How a plane of this level is cut into tiles.
    pub grid: TileGrid,
}

/// Physical sampling at level 0; `None` where no unit is given.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sampling {
    /// Pixel height in µm; above 0 and finite.
    pub y_um: Option<f64>,
    /// Pixel width in µm; above 0 and finite.
    pub x_um: Option<f64>,
    /// Distance of z-slices in µm; above 0 and finite.
    pub z_um: Option<f64>,
    /// Time between timepoints in s.
    pub t_secs: Option<f64>,
}

/// What a FOV row points to.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// Axes in the order of the array; the FOV axis of a 6-D array included.
    pub axes: Vec<Axis>,
    /// Sample type of all levels.
    pub sample_type: SampleType,
    /// Stored levels, finest first; at least one.
    pub levels: Vec<Level>,
    /// Computed levels that follow the stored ones: the tile grids, each half of the one before.
    pub computed: Vec<TileGrid>,
    /// One per index of c, or one.
    pub channels: Vec<Channel>,
    /// Physical sampling.
    pub sampling: Sampling,
    /// Names of label images.
    pub labels: Vec<String>,
    /// Chunk shape and codec chain in words, for the dataset panel.
    pub storage: String,
    /// NGFF version of its metadata ("0.4"); `None` where there is none.
    pub ngff: Option<String>,
    /// `acquisition_complete` of the store; `None` where it does not say.
    pub complete: Option<bool>,
}

impl Image {
    /// Place of the first axis with that role, in the order of the array.
    #[must_use]
    pub fn axis_of(&self, role: AxisRole) -> Option<usize> {
        self.axes.iter().position(|axis| axis.role == role)
    }

    /// Length along the axis of that role at `level` (a stored one); 1 where the axis is absent.
    #[must_use]
    pub fn len_at(&self, role: AxisRole, level: usize) -> u64 {
        let length = self
            .axis_of(role)
            .and_then(|at| self.levels.get(level)?.shape.get(at).copied());
        length.unwrap_or(1)
    }

    /// Length along the axis of that role at level 0; 1 where the axis is absent.
    #[must_use]
    pub fn len_of(&self, role: AxisRole) -> u64 {
        self.len_at(role, 0)
    }

    /// Timepoints.
    #[must_use]
    pub fn num_timepoints(&self) -> u32 {
        clamp_u32(self.len_of(AxisRole::Time))
    }

    /// Channels.
    #[must_use]
    pub fn num_channels(&self) -> u32 {
        clamp_u32(self.len_of(AxisRole::Channel))
    }

    /// z-slices at level 0.
    #[must_use]
    pub fn num_z_slices(&self) -> u32 {
        clamp_u32(self.len_of(AxisRole::Z))
    }

    /// Positions along all other axes together (1 where there is none).
    #[must_use]
    pub fn num_extra(&self) -> u32 {
        let lengths = self
            .axes
            .iter()
            .zip(&self.levels[0].shape)
            .filter(|(axis, _)| axis.role == AxisRole::Other);
        clamp_u32(lengths.fold(1_u64, |product, (_, &length)| {
            product.saturating_mul(length)
        }))
    }

    /// Planes at level 0, all axes together.
    #[must_use]
    pub fn num_planes(&self) -> u64 {
        let lengths = [
            self.num_timepoints(),
            self.num_extra(),
            self.num_channels(),
            self.num_z_slices(),
        ];
        let product = |planes: u64, length| planes.saturating_mul(u64::from(length));
        lengths.into_iter().fold(1, product)
    }

    /// The file that the image was described by, as it was then; `None` where that is no single file.
    #[must_use]
    pub fn described(&self) -> Option<FileStamp> {
        match &self.levels.first()?.arrays {
            Arrays::Files(files) => files.0.described(),
            Arrays::One(_) | Arrays::PerTimepoint(_) | Arrays::Registered(_) => None,
        }
    }

    /// Stored and computed levels.
    #[must_use]
    pub fn num_levels(&self) -> usize {
        self.levels.len() + self.computed.len()
    }

    /// The tile grid of a stored or computed level.
    #[must_use]
    pub fn grid(&self, level: u8) -> Option<TileGrid> {
        let level = usize::from(level);
        match self.levels.get(level) {
            Some(stored) => Some(stored.grid),
            None => self.computed.get(level - self.levels.len()).copied(),
        }
    }

    /// The name at level 0 of a plane of any level: where that is shorter along z, the first slice that it stands for.
    #[must_use]
    pub fn at_level_0(&self, plane: PlaneId) -> PlaneId {
        let stored = usize::from(plane.level).min(self.levels.len() - 1);
        let (own, full) = (self.len_at(AxisRole::Z, stored), self.len_of(AxisRole::Z));
        let z = match plane.z {
            ZPick::Slice(z) if own != full => {
                let first = (u64::from(z) * full).div_ceil(own.max(1));
                ZPick::Slice(clamp_u32(first))
            }
            same => same,
        };
        PlaneId {
            z,
            ..plane.at_level(0)
        }
    }

    /// Columns and rows of a plane at level 0.
    #[must_use]
    pub fn plane_size(&self) -> (u32, u32) {
        let grid = self.levels[0].grid;
        (grid.width, grid.height)
    }

    /// The level whose samples statistics are taken from: level 0, for planes above 4096² the coarsest stored one with
    /// at least a million samples, so that contrast does not change with the zoom.
    #[must_use]
    pub fn statistics_level(&self) -> u8 {
        const ENOUGH: u64 = 1_000_000;
        let pixels = |level: &Level| u64::from(level.grid.width) * u64::from(level.grid.height);
        let is_one_tile = self.levels[0].grid.num_rows() * self.levels[0].grid.num_cols() == 1;
        let coarsest = self
            .levels
            .iter()
            .rposition(|level| pixels(level) >= ENOUGH)
            .unwrap_or(0);
        if is_one_tile {
            0
        } else {
            u8::try_from(coarsest).unwrap_or(0)
        }
    }
}

/// Lengths of navigable axes beyond `u32` are beyond every budget and are cut.
fn clamp_u32(length: u64) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
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
    /// How it is made.
    pub acquisition: Acquisition,
    /// Planned timepoints.
    pub num_timepoints: Option<u32>,
    /// Centre on the stage in µm, and z of the stage in µm.
    pub stage: Vec<(FovId, PointUm, Option<f64>)>,
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
    /// Finished by flag or `.done`, and not aborted; `None` where nothing says so.
    pub complete: Option<bool>,
    /// The run was aborted.
    pub aborted: bool,
    /// Planes that will have been written at the end, where it is known.
    pub planned_planes: Option<u64>,
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

    /// The next revision, with what opening stores revealed.
    #[must_use]
    pub fn with_opened(&self, opened: Vec<(FovId, Result<OpenedFov, OpenFovError>)>) -> Self {
        let mut next = self.clone();
        next.revision += 1;
        for (fov, outcome) in opened {
            match outcome {
                Ok(opened) => {
                    if !next.is_template_read {
                        // Until there was a store, notices said how many timepoints there are.
                        next.known_timepoints = 0;
                    }
                    if let Some(around) = opened.around {
                        next.surround(&around);
                    }
                    next.note_present(opened.images.iter().map(|(fov, _)| *fov));
                    for (fov, image) in opened.images {
                        if !next.is_template_read {
                            next.is_template_read = true;
                            next.template = Arc::clone(&image);
                        }
                        if let Some(slot) = next.images.get_mut(fov.row()) {
                            *slot = ImageSlot::Opened(image);
                        }
                    }
                    next.add_problems(opened.problems);
                }
                Err(error) => {
                    // Planned and not there yet is a state, not a problem.
                    if error.code != Code::NotWritten {
                        let problem = Problem::new(error.code, &error.location, &error.message);
                        next.add_problems(vec![problem]);
                    }
                    if let Some(slot) = next.images.get_mut(fov.row()) {
                        *slot = match std::mem::take(slot) {
                            // What was read of it before still holds: its documents may be half-written.
                            ImageSlot::Stale(image) => ImageSlot::Opened(image),
                            _ => ImageSlot::Failed(Arc::new(error)),
                        };
                    }
                }
            }
        }
        next
    }

    /// The next revision, with a label image that was opened, or could not be.
    #[must_use]
    pub fn with_label(
        &self,
        fov: FovId,
        layer: u16,
        outcome: Result<OpenedLabel, OpenFovError>,
    ) -> Self {
        let mut next = self.clone();
        next.revision += 1;
        let found = match outcome {
            Ok(opened) => {
                next.add_problems(opened.problems);
                Ok(opened.label)
            }
            Err(error) => {
                let problem = Problem::new(error.code, &error.location, &error.message);
                next.add_problems(vec![problem]);
                Err(error)
            }
        };
        next.labels.insert(fov, layer, found);
        next
    }

    /// Stores of FOVs that were only planned are there now.
    fn note_present(&mut self, fovs: impl Iterator<Item = FovId>) {
        let is_absent = |fov: &FovId| self.fov(*fov).is_some_and(|row| !row.present);
        let appeared: Vec<FovId> = fovs.filter(is_absent).collect();
        if appeared.is_empty() {
            return;
        }
        let mut rows = self.fovs.to_vec();
        for fov in appeared {
            rows[fov.row()].present = true;
        }
        self.fovs = rows.into();
    }

    /// The next revision, in which the stores of these FOVs are known to be there and are to be opened (again).
    #[must_use]
    pub fn with_changed_stores(&self, fovs: &HashSet<FovId>) -> Self {
        let mut next = self.with_reopening(|fov| fovs.contains(&fov));
        next.note_present(fovs.iter().copied());
        next
    }

    /// Takes over what the side files around an announced acquisition say.
    fn surround(&mut self, around: &SideFacts) {
        let complete = self.acquisition.as_ref().and_then(|known| known.complete);
        let mut acquisition = around.acquisition.clone();
        acquisition.complete = acquisition.complete.or(complete);
        self.acquisition = Some(acquisition);
        self.known_timepoints = around
            .num_timepoints
            .unwrap_or(0)
            .max(self.known_timepoints);
        let mut fovs = self.fovs.to_vec();
        for &(fov, centre, z_um) in &around.stage {
            if let Some(row) = fovs.get_mut(fov.row()) {
                (row.stage_um, row.stage_z_um) = (Some(centre), z_um);
            }
        }
        self.fovs = fovs.into();
        self.add_problems(around.problems.clone());
    }

    /// The next revision, in which these FOVs are to be opened again: their documents changed, or they may have come to
    /// be. Images that are known are shown until then.
    #[must_use]
    pub fn with_reopening(&self, is_meant: impl Fn(FovId) -> bool) -> Self {
        let mut next = self.clone();
        next.revision += 1;
        for (row, slot) in next.images.iter_mut().enumerate() {
            if is_meant(FovId(row as u32)) {
                *slot = match std::mem::take(slot) {
                    ImageSlot::Opened(image) | ImageSlot::Stale(image) => ImageSlot::Stale(image),
                    ImageSlot::Failed(error) | ImageSlot::Retried(error) => {
                        ImageSlot::Retried(error)
                    }
                    ImageSlot::Unopened => ImageSlot::Unopened,
                };
            }
        }
        next
    }

    /// The next revision, after the acquisition came to its end: stores that did not say so are asked again.
    #[must_use]
    pub fn with_end(&self, is_aborted: bool) -> Self {
        let mut next = self.with_reopening(|fov| {
            let image = self.image(fov);
            image.is_none_or(|image| image.complete != Some(true))
        });
        let acquisition = next.acquisition.get_or_insert_default();
        acquisition.complete = Some(!is_aborted);
        acquisition.aborted |= is_aborted;
        next
    }

    /// The next revision, with at least so many timepoints; itself where it has them.
    #[must_use]
    pub fn with_timepoints(&self, num_timepoints: u32) -> Option<Self> {
        (num_timepoints > self.len_along(NavAxis::Time)).then(|| {
            let mut next = self.clone();
            next.revision += 1;
            next.known_timepoints = num_timepoints;
            next.lengthen_announced(num_timepoints);
            next
        })
    }

    /// Registered planes have no store that says how many timepoints there are, and stores that are not there yet do not
    /// say it either.
    fn lengthen_announced(&mut self, num_timepoints: u32) {
        let mut image = self.template.as_ref().clone();
        let Some(time_at) = image.axis_of(AxisRole::Time) else {
            return;
        };
        for level in &mut image.levels {
            match (&level.arrays, level.shape.get_mut(time_at)) {
                (Arrays::Registered(_), Some(length)) => *length = num_timepoints.into(),
                _ => return,
            }
        }
        let image = Arc::new(image);
        let announced = self.announcement.as_ref().map(|it| &it.layout);
        if announced == Some(&AnnouncedLayout::Registered) {
            self.images.fill(ImageSlot::Opened(Arc::clone(&image)));
        }
        self.template = image;
    }

    /// Lists problems that are not listed yet, within the budget; the last place says that there are more.
    pub fn add_problems(&mut self, problems: Vec<Problem>) {
        for problem in problems {
            let num_free = crate::model::limits::PROBLEMS.saturating_sub(self.problems.len());
            if num_free == 0 || self.problems.contains(&problem) {
                continue;
            }
            self.problems.push(match num_free {
                1 => Problem::new(Code::TooLarge, ".", "further problems are not listed"),
                _ => problem,
            });
        }
    }
}
