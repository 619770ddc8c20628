//! From what lies at a path to a `Dataset`; and opening the stores of further FOVs when they are first needed.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use lru::LruCache;
use parking_lot::Mutex;

use super::{
    OpenError, Progress, assembly, collection,
    file_images::{FileImages, FovImage},
    frames,
    image::{self, Context},
    image_folder, individual, labels,
    layout::{Found, What},
    left_aside,
    listing::{Listing, Opening, row_of, siblings},
    lone_file,
    ome_tiff::{
        lone::{self, Lone},
        squid,
    },
    plate, probe, regions,
    side_files::{self, FovKey, SideFiles},
    side_reading::SideReading,
    stacks,
    timepoints::{FileKind, SharedImage},
};
use crate::{
    dataset::{
        Dataset, DatasetKind, Executed, Fov, FovOpener, Image, ImageSlot, OpenFovError, OpenedFov,
        OpenedLabel,
    },
    metadata::squid::SquidKeys,
    model::{AxisRole, Code, FovId, Problem, WorkStage},
    source,
};

/// Tables of executed positions that are kept: people step back and forth between a few timepoints.
const EXECUTED_TABLES: NonZeroUsize = NonZeroUsize::new(8).expect("above 0");

/// Executed positions of one timepoint.
type ExecutedTable = Arc<std::collections::HashMap<FovKey, Executed>>;

/// Opens FOVs of one dataset; shared by the reader threads.
struct Opener {
    context: Context,
    /// `.done` was there when somebody looked last.
    is_done: AtomicBool,
    acquisition: Option<PathBuf>,
    /// Regions in the order of tables that do not name them.
    scan_order: Vec<String>,
    executed: Mutex<LruCache<u32, ExecutedTable>>,
    files: Option<FileImages>,
}

impl FovOpener for Opener {
    fn open_fov(&self, dataset: &Dataset, fov: FovId) -> Result<OpenedFov, OpenFovError> {
        let _opening = WorkStage::Open.enter();
        let row = row_of(dataset, fov)?;
        match &self.files {
            Some(FileImages::Timepoints(shared)) => {
                return self.open_shared(shared, dataset, fov, row);
            }
            Some(files @ FileImages::OmeTiffs(squid)) => {
                let is_there = row.present || squid.has_any(row);
                let image = files.image(fov).filter(|_| is_there);
                return self.open_given(image, fov, row);
            }
            Some(FileImages::PerFov(_) | FileImages::Folder(..)) | None => {}
        }
        let (image, problems) = self
            .open_row(fov, row)
            .map_err(|error| self.later(error, row))?;
        let images = siblings(&dataset.fovs, fov, |other| other.present)
            .into_iter()
            .map(|sibling| (sibling, Arc::clone(&image)))
            .collect();
        Ok(OpenedFov {
            images,
            problems,
            around: None,
        })
    }

    fn open_label(
        &self,
        dataset: &Dataset,
        fov: FovId,
        name: &str,
    ) -> Result<OpenedLabel, OpenFovError> {
        let _opening = WorkStage::Open.enter();
        labels::of_fov(dataset, fov, name)
    }

    fn is_claimed(&self, file: &Path) -> bool {
        matches!(&self.files, Some(FileImages::Folder(_, claimed)) if claimed.contains(file))
    }

    fn executed(&self, dataset: &Dataset, fov: FovId, t: u32) -> Option<Executed> {
        let row = dataset.fov(fov)?;
        let key = (row.region.clone()?, row.fov_in_region?);
        let folder = self.acquisition.as_ref()?;
        let known = self.executed.lock().get(&t).cloned();
        let table = known.unwrap_or_else(|| {
            let table: ExecutedTable = Arc::new(side_files::executed(folder, t, &self.scan_order));
            // The table is written when the timepoint ends: an empty one is asked for again.
            if !table.is_empty() {
                self.executed.lock().put(t, Arc::clone(&table));
            }
            table
        });
        table.get(&key).cloned()
    }
}

impl Opener {
    /// What it means that a FOV is not on disk.
    fn absence(&self) -> (Code, &'static str) {
        if self.is_done() || self.acquisition.is_none() {
            (Code::MissingArray, "named in the metadata, not on disk")
        } else {
            (Code::NotWritten, "planned, not on disk yet")
        }
    }

    /// True where the run is over; it may end while the dataset is open.
    fn is_done(&self) -> bool {
        if self.is_done.load(Ordering::Relaxed) {
            return true;
        }
        let folder = self.acquisition.as_deref();
        let is_there = folder.is_some_and(side_files::is_done);
        self.is_done.store(is_there, Ordering::Relaxed);
        is_there
    }

    /// A file in a folder of image files that is cut off and changed a moment ago: it is being written, and asked again.
    fn later(&self, error: OpenFovError, row: &Fov) -> OpenFovError {
        let is_in_folder = matches!(self.files, Some(FileImages::Folder(..)));
        let is_torn = error.code == Code::CorruptData;
        if is_in_folder && is_torn && source::is_recent(&row.folder) {
            return OpenFovError {
                code: Code::NotWritten,
                ..error
            };
        }
        error
    }

    fn absent(&self, row: &Fov) -> OpenFovError {
        let (code, message) = self.absence();
        OpenFovError {
            code,
            message: message.to_owned(),
            location: row.path.clone(),
        }
    }

    /// An image that was made when the dataset was opened; `None` where nothing of its FOV is there.
    fn open_given(
        &self,
        image: Option<Arc<Image>>,
        fov: FovId,
        row: &Fov,
    ) -> Result<OpenedFov, OpenFovError> {
        let image = image.ok_or_else(|| self.absent(row))?;
        Ok(OpenedFov {
            images: vec![(fov, image)],
            ..OpenedFov::default()
        })
    }

    /// The image of a FOV in files, and of the others where it grew.
    fn open_shared(
        &self,
        shared: &SharedImage,
        dataset: &Dataset,
        fov: FovId,
        row: &Fov,
    ) -> Result<OpenedFov, OpenFovError> {
        let image = shared.image_now();
        if !row.present && !shared.has_any(row) {
            return Err(self.absent(row));
        }
        let mut images = vec![(fov, Arc::clone(&image))];
        for (at, other) in dataset.fovs.iter().enumerate() {
            let id = FovId(at as u32);
            let is_shorter = dataset
                .image(id)
                .is_some_and(|known| known.num_timepoints() < image.num_timepoints());
            if id != fov && other.present && is_shorter {
                images.push((id, Arc::clone(&image)));
            }
        }
        Ok(OpenedFov {
            images,
            ..OpenedFov::default()
        })
    }

    fn open_row(&self, fov: FovId, row: &Fov) -> Result<(Arc<Image>, Vec<Problem>), OpenFovError> {
        let _opening = WorkStage::Open.enter();
        if let Some(FileImages::PerFov(images) | FileImages::Folder(images, _)) = &self.files {
            let image = images.get(fov.row()).unwrap_or(&FovImage::File);
            return image.open(row, &self.context.root);
        }
        let is_there = row.present || matches!(source::stat(&row.folder), Ok(Some(_)));
        if !is_there {
            let (code, message) = self.absence();
            return Err(OpenFovError {
                code,
                message: message.to_owned(),
                location: row.folder.display().to_string(),
            });
        }
        let context = Context {
            is_done: self.is_done(),
            multiscale_idx: row.multiscale_idx,
            ..self.context.clone()
        };
        let (image, mut problems) = image::open(&row.folder, &context)?;
        let num_fovs = image.len_of(AxisRole::Fov);
        if row.array_index.is_none() && num_fovs > 1 {
            let message = format!("{num_fovs} FOVs in one array, only the first is shown here");
            let location = probe::below(&self.context.root, &row.folder);
            problems.push(Problem::new(Code::Ignored, location, message));
        }
        Ok((Arc::new(image), problems))
    }
}

/// Makes the dataset of what was found; opens the first readable FOV.
///
/// # Errors
/// When nothing can be shown, or opening was cancelled.
pub(super) fn open(found: &Found, progress: Progress<'_>) -> Result<Dataset, OpenError> {
    let acquisition = found.acquisition.as_ref();
    let side = acquisition.map(|folder| SideReading::begin(folder, &found.root));
    let mut opening = Opening {
        root: found.root.clone(),
        side,
        progress,
    };
    let (mut listing, files) = match &found.what {
        What::Files(timepoints) => {
            opening.report("Listing image files")?;
            let open = match timepoints.kind {
                FileKind::Planes => individual::open,
                FileKind::Stacks => stacks::open,
            };
            let (listing, shared) = open(timepoints, &opening, found.words())?;
            (listing, Some(FileImages::Timepoints(shared)))
        }
        What::OmeTiffs(folder) => {
            opening.report("Reading OME-TIFF files")?;
            let (listing, files) = squid::open(folder, &opening, found.words())?;
            (listing, Some(files))
        }
        What::Frames(found) => {
            opening.report("Listing frames")?;
            let (listing, recording) = frames::open(found)?;
            let images = vec![FovImage::Frames(recording)];
            (listing, Some(FileImages::PerFov(images)))
        }
        What::LoneFile => {
            let (listing, files) = open_lone_file(found)?;
            (listing, Some(files))
        }
        What::ImageFiles(files) => {
            let (listing, images) = image_folder::list(files, &mut opening, found.words())?;
            (listing, Some(images))
        }
        _ => (list(found, &mut opening)?, None),
    };
    if found.is_acquisition() && !matches!(found.what, What::Store(_)) {
        listing.kind = DatasetKind::Squid;
    }
    if listing.fovs.is_empty() {
        let is_absent = |problem: &&Problem| problem.code == Code::MissingArray;
        let is_reason = |problem: &&Problem| problem.code != Code::Ignored;
        let mut problems = listing.problems.iter();
        let absent = problems.clone().find(is_absent);
        if let Some(reason) = absent.or_else(|| problems.find(is_reason)) {
            let place = found.root.join(&reason.location);
            let message = format!("no image is there: {}", reason.message);
            return Err(OpenError::at(&place, reason.code, message));
        }
        let message = "expected images, found none";
        return Err(OpenError::at(&found.root, Code::NotZarr, message));
    }
    let mut side = opening.side.take().map(SideReading::finish);
    if let Some(side) = &mut side {
        side.name_regions(&listing.fovs, &found.root);
        listing.fovs.iter_mut().for_each(|fov| side.place(fov));
        listing.problems.extend(side.problems.iter().cloned());
    }
    listing.problems.extend(left_aside::problems(found));
    let opener = opener_of(found, side.as_ref(), files);
    let given = opener.files.as_ref();
    let first = given.and_then(|files| FirstImage::of_files(files, listing.fovs.len()));
    let first = match first {
        Some(first) => first,
        None => FirstImage::find(&listing.fovs, &opener, &mut opening)?,
    };
    let opener = Arc::new(opener);
    Ok(assembly::dataset(found, listing, side, opener, first))
}

/// An image file, by its OME-XML if it has some.
fn open_lone_file(found: &Found) -> Result<(Listing, FileImages), OpenError> {
    let problems = match lone::open(&found.root, "OME-TIFF")? {
        Lone::Ome(found) => return Ok((found.listing, FileImages::PerFov(found.images))),
        Lone::Plain(problems) => problems,
    };
    let (mut listing, image) = lone_file::open(&found.root, found.words())?;
    listing.problems.extend(problems);
    Ok((listing, FileImages::PerFov(vec![FovImage::Given(image)])))
}

fn list(found: &Found, opening: &mut Opening<'_>) -> Result<Listing, OpenError> {
    let words = found.words();
    match &found.what {
        What::Store(kind) => {
            let mut listing = collection::list_store(opening, *kind, words);
            let is_squid = opening.side.is_some();
            plate::place_store(&mut listing.fovs, found.place.as_ref(), is_squid);
            Ok(listing)
        }
        What::Plate { folder, only_row } => {
            let mut listing = plate::list(opening, folder, only_row.as_deref(), words)?;
            plate::name_old_stores(&mut listing.fovs);
            Ok(listing)
        }
        What::Well => {
            let mut listing = plate::list_well(opening, found.place.as_ref(), words)?;
            plate::name_old_stores(&mut listing.fovs);
            Ok(listing)
        }
        What::Regions { folder, regions } => regions::list(opening, folder, regions, words),
        What::Images(kind, images) => collection::list(opening, *kind, images, words),
        What::Files(_)
        | What::OmeTiffs(_)
        | What::Frames(_)
        | What::LoneFile
        | What::ImageFiles(_) => Ok(Listing::new(DatasetKind::Image, words)),
    }
}

fn opener_of(found: &Found, side: Option<&SideFiles>, files: Option<FileImages>) -> Opener {
    let is_done = side.is_some_and(|side| side.is_done);
    let planned = side.and_then(|side| side.num_timepoints);
    Opener {
        context: Context {
            root: found.root.clone(),
            side_channels: side.map_or_else(Vec::new, |side| side.channels.clone()),
            planned_timepoints: planned.filter(|_| !is_done),
            is_done,
            multiscale_idx: None,
        },
        is_done: AtomicBool::new(is_done),
        acquisition: found.acquisition.clone(),
        scan_order: side.map_or_else(Vec::new, |side| side.scan_order.clone()),
        executed: Mutex::new(LruCache::new(EXECUTED_TABLES)),
        files,
    }
}

/// The first readable image and what came before it.
pub(super) struct FirstImage {
    pub(super) image: Arc<Image>,
    /// Squid's keys of its store.
    pub(super) squid: Option<SquidKeys>,
    pub(super) slots: Vec<ImageSlot>,
    pub(super) problems: Vec<Problem>,
}

impl FirstImage {
    /// FOVs have their images from the start; `None` where the first is opened when it is shown.
    fn of_files(files: &FileImages, num_fovs: usize) -> Option<Self> {
        let images = (0..num_fovs).map(|row| files.image(FovId(row as u32)));
        let slots = images.map(|image| image.map_or(ImageSlot::Unopened, ImageSlot::Opened));
        Some(Self {
            slots: slots.collect(),
            image: files.image(FovId(0))?,
            squid: None,
            problems: Vec::new(),
        })
    }

    /// Tries the FOVs in display order; those on disk only.
    fn find(fovs: &[Fov], opener: &Opener, opening: &mut Opening<'_>) -> Result<Self, OpenError> {
        let mut slots = vec![ImageSlot::Unopened; fovs.len()];
        let mut problems = Vec::new();
        let mut first_error: Option<OpenFovError> = None;
        for (at, row) in fovs.iter().enumerate().filter(|(_, row)| row.present) {
            opening.report(&format!("Opening {}", row.label))?;
            if matches!(slots.get(at), Some(ImageSlot::Failed(_))) {
                continue;
            }
            let fov = FovId(at as u32);
            let opened = opener.open_row(fov, row);
            let slot = match &opened {
                Ok((image, _)) => ImageSlot::Opened(Arc::clone(image)),
                Err(error) => ImageSlot::Failed(Arc::new(error.clone())),
            };
            fill(
                &mut slots,
                &siblings(fovs, fov, |other| other.present),
                &slot,
            );
            match opened {
                Ok((image, listed)) => {
                    problems.extend(listed);
                    let node = probe::Node::read(&row.folder, &opening.root);
                    return Ok(Self {
                        image,
                        squid: node.attributes.squid,
                        slots,
                        problems,
                    });
                }
                Err(error) => {
                    let location = probe::below(&opening.root, error.location.as_ref());
                    problems.push(Problem::new(error.code, location, error.message.clone()));
                    first_error.get_or_insert(error);
                }
            }
        }
        let (code, message) = opener.absence();
        let absent = || OpenError::at(&opening.root, code, format!("all images are {message}"));
        Err(first_error.map_or_else(absent, OpenError::from))
    }
}

/// Puts what opening found into the slots of all FOVs that it holds for.
fn fill(slots: &mut [ImageSlot], fovs: &[FovId], found: &ImageSlot) {
    for fov in fovs {
        if let Some(slot) = slots.get_mut(fov.row()) {
            slot.clone_from(found);
        }
    }
}
