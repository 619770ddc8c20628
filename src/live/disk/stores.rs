//! A copy of the dataset that belongs to the watching thread: it opens every store by itself, so that the book of an
//! acquisition does not depend on which FOVs somebody looked at.
//!
//! Here no image counts as complete, so that presence says what lies on disk; what a store says of its completeness is
//! kept beside it.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use super::{growth::SETTLED_AFTER, news::Outbox, place::PageShape};
use crate::{
    dataset::{Arrays, Dataset, Image, ImageSlot},
    formats,
    model::{AxisRole, Code, FileStamp, FovId, NavAxis, PlaneId, PlaneState, limits},
    source::stamp_of,
    store::Store,
};

/// Between two tries to open a store that is there and cannot be opened (yet).
const RETRY_PERIOD: Duration = Duration::from_millis(100);
/// A store without the flag of its completeness is taken to be described only in part for so long: Squid writes the
/// array first.
const DESCRIBED_WITHIN: Duration = Duration::from_secs(1);
/// Between two looks for the store of a timepoint that has none.
const JOINED_PERIOD: Duration = Duration::from_millis(200);

/// Complete stores that are looked at in one look at documents.
const COMPLETE_PER_LOOK: usize = 64;

/// What the dataset that was handed over has of a FOV.
#[derive(Clone, Debug)]
enum Handed {
    Unopened,
    Opened(Arc<Image>),
    Failed,
}

/// Tries to open a store.
#[derive(Clone, Copy, Debug)]
struct Tries {
    first: Instant,
    last: Instant,
}

/// The dataset as the watching thread knows it.
pub(super) struct Stores {
    dataset: Dataset,
    /// What each store says of itself, by row.
    complete: Vec<Option<bool>>,
    handed: Vec<Handed>,
    /// Documents by folder, as they were when they were read last.
    stamps: HashMap<PathBuf, Vec<Option<FileStamp>>>,
    tries: HashMap<FovId, Tries>,
    /// FOVs in image files that were told to be there.
    appeared: HashSet<FovId>,
    /// Images whose file was told to be gone or damaged, and the file as it was then.
    failed_files: HashMap<FovId, Option<FileStamp>>,
    num_timepoints: u32,
    /// Stores that were opened here for the first time.
    pub(super) num_opened: usize,
    /// An array has more FOVs along its axis than there are rows.
    pub(super) has_more_fovs: bool,
    /// Stores that were complete and are not any more, since they were asked for.
    begun_anew: HashSet<FovId>,
    /// Complete stores are looked at in turn; the row of the next one.
    next_complete: usize,
}

impl Stores {
    pub(super) fn new(dataset: &Dataset) -> Self {
        let mut stores = Self {
            dataset: Dataset {
                images: Vec::new(),
                ..dataset.clone()
            },
            complete: Vec::new(),
            handed: Vec::new(),
            stamps: HashMap::new(),
            tries: HashMap::new(),
            appeared: HashSet::new(),
            failed_files: HashMap::new(),
            num_timepoints: dataset.len_along(NavAxis::Time),
            num_opened: 0,
            has_more_fovs: false,
            begun_anew: HashSet::new(),
            next_complete: 0,
        };
        stores.adopt(dataset);
        stores
    }

    /// Takes over a newer revision: its rows, and images that it did not have before. Rows beyond it stay, because they
    /// were found here and it is going to have them.
    pub(super) fn adopt(&mut self, newer: &Dataset) {
        let images = std::mem::take(&mut self.dataset.images);
        let known = std::mem::replace(
            &mut self.dataset,
            Dataset {
                images: Vec::new(),
                ..newer.clone()
            },
        );
        if known.fovs.len() > newer.fovs.len() {
            self.dataset.fovs = known.fovs;
            self.dataset.order = known.order;
        }
        self.dataset.images = images;
        let num_fovs = self.dataset.fovs.len();
        self.dataset.images.resize(num_fovs, ImageSlot::Unopened);
        self.complete.resize(num_fovs, None);
        self.handed.resize(num_fovs, Handed::Unopened);
        // FOVs of one array share their image; so do they here.
        let mut made: HashMap<*const Image, Arc<Image>> = HashMap::new();
        for (row, slot) in newer.images.iter().enumerate() {
            let ImageSlot::Opened(image) = slot else {
                self.handed[row] = match slot {
                    ImageSlot::Failed(_) => Handed::Failed,
                    _ => Handed::Unopened,
                };
                continue;
            };
            // What was read here since then may be newer than what is handed over again.
            if matches!(&self.handed[row], Handed::Opened(known) if Arc::ptr_eq(known, image)) {
                continue;
            }
            self.handed[row] = Handed::Opened(Arc::clone(image));
            let raw = made
                .entry(Arc::as_ptr(image))
                .or_insert_with(|| incomplete(image));
            self.dataset.images[row] = ImageSlot::Opened(Arc::clone(raw));
            if self.complete[row].is_some() && self.complete[row] != image.complete {
                // It may have been read before it was read here: it is read once more.
                let folder = &self.dataset.fovs[row].folder;
                self.stamps.remove(folder);
            }
            self.set_complete(FovId(row as u32), image.complete);
            self.num_timepoints = self.num_timepoints.max(image.num_timepoints());
        }
    }

    pub(super) fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    pub(super) fn num_timepoints(&self) -> u32 {
        self.num_timepoints.min(limits::TIMEPOINTS)
    }

    /// Pages of a FOV: of its own image, else as the template has them.
    pub(super) fn shape(&self, fov: FovId) -> PageShape {
        let image = self.dataset.image(fov);
        PageShape::of(image.unwrap_or(&self.dataset.template))
    }

    /// True where an absent chunk of a FOV means the fill value: nobody is going to write it.
    pub(super) fn is_complete(&self, fov: FovId) -> bool {
        if self.has_plane_files(fov) {
            return false;
        }
        let own = self.complete.get(fov.row()).copied().flatten();
        own.unwrap_or_else(|| self.dataset.is_finished())
    }

    /// False where a store was described before the run was announced: whatever it says is of an earlier one.
    pub(super) fn are_of_this_run(&self) -> bool {
        let Some(moment) = self.dataset.ends_after() else {
            return true;
        };
        self.dataset.order.iter().all(|&fov| {
            // As they were when they were read: what they say now may be another thing.
            let folder = self.dataset.fov(fov).map(|row| &row.folder);
            let read = folder.and_then(|folder| self.stamps.get(folder));
            read.is_some_and(|stamps| {
                let times = stamps.iter().flatten().map(|(_, modified)| *modified);
                formats::is_after(times.max().flatten(), moment)
            })
        })
    }

    /// True where each plane is a file, and no fill value stands for one that is absent.
    fn has_plane_files(&self, fov: FovId) -> bool {
        let image = self.dataset.image(fov);
        let level = image.and_then(|image| image.levels.first());
        matches!(level.map(|level| &level.arrays), Some(Arrays::Files(_)))
    }

    /// True where the planes of the dataset are files.
    pub(super) fn is_of_files(&self) -> bool {
        let level = self.dataset.template.levels.first();
        matches!(level.map(|level| &level.arrays), Some(Arrays::Files(_)))
    }

    /// A plane of a FOV was found: a row that was only planned has files now, and is told once.
    pub(super) fn note_found(&mut self, fov: FovId, outbox: &Outbox) {
        let is_planned = self.dataset.fov(fov).is_some_and(|row| !row.present);
        if is_planned && self.has_plane_files(fov) && self.appeared.insert(fov) {
            outbox.store_changed(fov);
        }
    }

    /// What lies on disk of a plane; `None` where that cannot be said now.
    pub(super) fn presence(&self, store: &Store, plane: PlaneId) -> Option<PlaneState> {
        match store.presence(&self.dataset, plane) {
            Ok(state) => Some(state),
            Err(error) => {
                // The index of a shard that is just being written; it is looked at again.
                tracing::trace!("{error}");
                None
            }
        }
    }

    /// The page of a FOV at a timepoint, its store opened if it is there; `None` where there is nothing to look at.
    pub(super) fn page(&mut self, fov: FovId, t: u32, outbox: &Outbox) -> Option<PageShape> {
        if !self.open(fov, outbox) {
            return None;
        }
        if self.lacks_timepoint(fov, t) && self.is_due(fov, JOINED_PERIOD) {
            self.check_documents(fov, outbox);
        }
        let image = self.dataset.image(fov)?;
        let is_inside = t < image.num_timepoints() && t < limits::TIMEPOINTS;
        is_inside.then(|| PageShape::of(image))
    }

    /// True where each timepoint has a store of its own and this one has none yet.
    fn lacks_timepoint(&self, fov: FovId, t: u32) -> bool {
        let level = self
            .dataset
            .image(fov)
            .and_then(|image| image.levels.first());
        match level.map(|level| &level.arrays) {
            Some(Arrays::PerTimepoint(stores)) => {
                stores.get(t as usize).is_none_or(Option::is_none)
            }
            _ => false,
        }
    }

    /// True at most once per `period` for each FOV.
    fn is_due(&mut self, fov: FovId, period: Duration) -> bool {
        let now = Instant::now();
        let tries = self.tries.entry(fov).or_insert(Tries {
            first: now,
            last: now.checked_sub(period).unwrap_or(now),
        });
        let is_due = now.duration_since(tries.last) >= period;
        if is_due {
            tries.last = now;
        }
        is_due
    }

    /// Opens the store of a FOV if it is there and not open. True where it is open.
    fn open(&mut self, fov: FovId, outbox: &Outbox) -> bool {
        if self.dataset.image(fov).is_some() {
            return true;
        }
        let Some(row) = self.dataset.fov(fov) else {
            return false;
        };
        if stamp_of(&row.folder).is_none() || !self.is_due(fov, RETRY_PERIOD) {
            return false;
        }
        self.read(fov, false, outbox).is_some()
    }

    /// Opens a store (again) as it is now: the run is over, and nobody is going to describe it better.
    pub(super) fn check_last(&mut self, fov: FovId, outbox: &Outbox) -> bool {
        if self.dataset.image(fov).is_some() {
            return self.check_documents(fov, outbox);
        }
        let row = self.dataset.fov(fov);
        row.is_some_and(|row| stamp_of(&row.folder).is_some())
            && self.read(fov, true, outbox).is_some()
    }

    /// Opens a store again if its documents are others than they were. True where it was opened.
    pub(super) fn check_documents(&mut self, fov: FovId, outbox: &Outbox) -> bool {
        let Some(image) = self.dataset.image(fov) else {
            return self.open(fov, outbox);
        };
        if image.described().is_some() {
            return self.check_file(fov, outbox);
        }
        let Some(row) = self.dataset.fov(fov) else {
            return false;
        };
        let folder = row.folder.clone();
        let now = self.stamps_of(fov);
        let known = self.stamps.get(&folder);
        let is_same = known == Some(&now);
        if is_same && !self.may_have_grown(fov) {
            return false;
        }
        let was_known = known.is_some() && !is_same;
        let before = self.dataset.image(fov).cloned();
        let was_complete = self.complete[fov.row()];
        let Some(is_partial) = self.read(fov, false, outbox) else {
            return false;
        };
        let is_other =
            self.dataset.image(fov) != before.as_ref() || self.complete[fov.row()] != was_complete;
        if is_other || was_known && !is_partial {
            self.tell_change(fov, outbox);
        }
        true
    }

    /// The rows that are known here, on a revision that was handed over and may have fewer.
    pub(super) fn rows_on(&self, handed: &Dataset) -> Dataset {
        let mut images = handed.images.clone();
        images.resize(self.dataset.fovs.len(), ImageSlot::Unopened);
        Dataset {
            fovs: Arc::clone(&self.dataset.fovs),
            order: Arc::clone(&self.dataset.order),
            images,
            ..handed.clone()
        }
    }

    /// True for the file that the image of a FOV was described by: [`Self::check_file`] looks after it.
    pub(super) fn is_described_by(&self, fov: FovId, path: &Path) -> bool {
        let image = self.dataset.image(fov);
        image.is_some_and(|image| image.described().is_some())
            && self.dataset.fov(fov).is_some_and(|row| row.folder == path)
    }

    /// Opens an image anew whose file is another one than it was, or gone. True where that was told.
    pub(super) fn check_file(&mut self, fov: FovId, outbox: &Outbox) -> bool {
        let image = self.dataset.image(fov);
        let (Some(described), Some(row)) = (
            image.and_then(|image| image.described()),
            self.dataset.fov(fov),
        ) else {
            return false;
        };
        let now = stamp_of(&row.folder);
        let known = self.failed_files.get(&fov).copied();
        if now == known.unwrap_or(Some(described)) {
            return false;
        }
        let opener = Arc::clone(&self.dataset.opener);
        let opened = opener.open_fov(&self.dataset, fov);
        match &opened {
            Ok(opened) => {
                self.failed_files.remove(&fov);
                for (id, image) in &opened.images {
                    self.take_image(*id, &incomplete(image), image.complete, outbox);
                }
            }
            // It is being written: until it is whole, or stays as it is, what was there before is shown.
            Err(error) if error.code == Code::NotWritten => return false,
            Err(_) => {
                self.failed_files.insert(fov, now);
            }
        }
        outbox.replaced(fov, opened);
        true
    }

    /// True where a folder that further planes come into changed so lately that its time may not tell.
    fn may_have_grown(&self, fov: FovId) -> bool {
        let level = self.dataset.image(fov).and_then(|it| it.levels.first());
        let Some(Arrays::Files(files)) = level.map(|level| &level.arrays) else {
            return false;
        };
        let stamp = files.0.grows_in().and_then(|folder| stamp_of(&folder));
        let modified = stamp.and_then(|(_, modified)| modified);
        // On a server whose clock is ahead it is always so.
        modified.is_some_and(|modified| {
            let age = SystemTime::now().duration_since(modified);
            age.map_or(true, |age| age <= SETTLED_AFTER)
        })
    }

    /// A FOV that is opened again brings those of its array that were listed as present; others are told one by one.
    fn tell_change(&self, fov: FovId, outbox: &Outbox) {
        let Some(folder) = self.dataset.fov(fov).map(|row| &row.folder) else {
            return;
        };
        if !matches!(self.handed[fov.row()], Handed::Unopened) {
            outbox.store_changed(fov);
        }
        for (at, row) in self.dataset.fovs.iter().enumerate() {
            let is_told = row.array_index.is_some() && !row.present && row.folder == *folder;
            if is_told && matches!(self.handed[at], Handed::Opened(_)) {
                outbox.store_changed(FovId(at as u32));
            }
        }
    }

    fn stamps_of(&self, fov: FovId) -> Vec<Option<FileStamp>> {
        let Some(row) = self.dataset.fov(fov) else {
            return Vec::new();
        };
        let image = self.dataset.image(fov).map(Arc::as_ref);
        let paths = formats::documents_of(&row.folder, image);
        paths.iter().map(|path| stamp_of(path)).collect()
    }

    /// Opens a store (again) and takes what it says. `None` where it cannot be opened now; else whether it seems to be
    /// described only in part, which a new one may not be unless it `is_final`.
    fn read(&mut self, fov: FovId, is_final: bool, outbox: &Outbox) -> Option<bool> {
        // A change while it is read is seen the next time.
        let stamps = self.stamps_of(fov);
        let folder = self.dataset.fov(fov)?.folder.clone();
        let opener = Arc::clone(&self.dataset.opener);
        let opened = match opener.open_fov(&self.dataset, fov) {
            Ok(opened) => opened,
            Err(error) => {
                tracing::trace!("{error}");
                return None;
            }
        };
        let is_first = self.dataset.image(fov).is_none();
        let (_, image) = opened.images.first()?;
        let is_partial = image.complete.is_none() && self.dataset.acquisition.is_some();
        let is_young = self
            .tries
            .get(&fov)
            .is_some_and(|tries| tries.first.elapsed() < DESCRIBED_WITHIN);
        if is_first && is_partial && is_young && !is_final {
            return None;
        }
        self.num_opened += usize::from(is_first);
        let raw = incomplete(image);
        self.num_timepoints = self.num_timepoints.max(raw.num_timepoints());
        let num_fovs = raw.len_of(AxisRole::Fov);
        let complete = image.complete;
        for (id, _) in &opened.images {
            self.take_image(*id, &raw, complete, outbox);
        }
        if self
            .dataset
            .fov(fov)
            .is_some_and(|row| row.array_index.is_some())
        {
            let rows = self.dataset.fovs.iter();
            let num_rows = rows.filter(|row| row.folder == folder).count() as u64;
            self.has_more_fovs |= num_fovs > num_rows;
        }
        // What is looked at depends on what was found.
        let stamps = if is_first {
            self.stamps_of(fov)
        } else {
            stamps
        };
        self.stamps.insert(folder, stamps);
        Some(is_partial)
    }

    fn take_image(
        &mut self,
        fov: FovId,
        raw: &Arc<Image>,
        complete: Option<bool>,
        outbox: &Outbox,
    ) {
        let (Some(slot), Some(row)) = (
            self.dataset.images.get_mut(fov.row()),
            self.dataset.fovs.get(fov.row()),
        ) else {
            return;
        };
        let is_first = !matches!(slot, ImageSlot::Opened(_));
        let is_listed = row.present;
        *slot = ImageSlot::Opened(Arc::clone(raw));
        self.set_complete(fov, complete);
        let has_appeared = match self.handed[fov.row()] {
            Handed::Opened(_) => false,
            Handed::Failed => true,
            Handed::Unopened => !is_listed,
        };
        if is_first && has_appeared {
            outbox.store_changed(fov);
        }
    }

    /// Takes what a store says of itself. One that was complete and is not any more is written anew by another run.
    fn set_complete(&mut self, fov: FovId, complete: Option<bool>) {
        let known = std::mem::replace(&mut self.complete[fov.row()], complete);
        if known == Some(true) && complete != Some(true) {
            self.begun_anew.insert(fov);
        }
    }

    /// FOVs whose stores were complete and are not any more, since this was asked last.
    pub(super) fn take_begun_anew(&mut self) -> HashSet<FovId> {
        std::mem::take(&mut self.begun_anew)
    }

    /// Looks at stores that were complete before an announced run came to its end, some in turn: an earlier run may have
    /// left them, and this one writes them anew.
    pub(super) fn check_complete_ones(&mut self, outbox: &Outbox) {
        if self.dataset.ends_after().is_none() {
            return;
        }
        let num_rows = self.complete.len();
        for _ in 0..num_rows.min(COMPLETE_PER_LOOK) {
            let row = self.next_complete % num_rows;
            self.next_complete = row + 1;
            if self.complete[row] == Some(true) {
                self.check_documents(FovId(row as u32), outbox);
            }
        }
    }
}

/// The image as one that is still being written.
fn incomplete(image: &Arc<Image>) -> Arc<Image> {
    if image.complete == Some(false) {
        return Arc::clone(image);
    }
    Arc::new(Image {
        complete: Some(false),
        ..(**image).clone()
    })
}
