//! The watching thread: what is due when.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use crossbeam_channel::Receiver;

use super::{
    Shared,
    ending::Ending,
    folders::Folders,
    growth::{self, Growth},
    hints::{Hints, MAX_FOLDERS},
    pace::Pace,
    survey::Survey,
};
use crate::{
    dataset::{Dataset, ImageSlot},
    formats::Surroundings,
    model::{FileStamp, FovId},
    source::stamp_of,
};

/// Between two looks at documents, containers and marks.
const DOCUMENTS_PERIOD: Duration = Duration::from_secs(1);
/// The same while nothing happens to what is no acquisition.
const IDLE_DOCUMENTS_PERIOD: Duration = Duration::from_secs(5);
/// The same after a hint.
const HINTED_PERIOD: Duration = Duration::from_millis(100);
/// One slice of going through pages; then what is newest has its turn.
const SLICE: Duration = Duration::from_millis(4);
/// Pause between slices: half a core at most.
const SLICE_PAUSE: Duration = Duration::from_millis(4);
/// News of pages that nobody asked for, and of what is announced, may wait so long.
const QUIET: Duration = Duration::from_millis(100);
/// Between two choices of the folders that are watched.
const FOLDERS_PERIOD: Duration = Duration::from_millis(50);
/// While the dataset is gone, or nobody takes the news.
const PATIENCE: Duration = Duration::from_secs(1);
/// Containers that are watched; all of them are looked at in turn.
const WATCHED_CONTAINERS: usize = 64;

/// What the watching thread owns.
pub(super) struct Watch {
    shared: Arc<Shared>,
    kicked: Receiver<()>,
    /// The revision that was handed over last.
    dataset: Arc<Dataset>,
    survey: Survey,
    surroundings: Surroundings,
    growth: Growth,
    folders: Folders,
    ending: Ending,
    hints: Hints,
    pace: Pace,
    next_documents: Instant,
    last_documents: Instant,
    next_folders: Instant,
    acquisition_stamp: Option<FileStamp>,
}

impl Watch {
    pub(super) fn new(
        shared: Arc<Shared>,
        kicked: Receiver<()>,
        dataset: Arc<Dataset>,
        survey: Survey,
        hints: Hints,
    ) -> Self {
        let now = Instant::now();
        Self {
            shared,
            kicked,
            dataset,
            survey,
            surroundings: Surroundings::default(),
            growth: Growth::new(Vec::new()),
            folders: Folders::default(),
            ending: Ending::new(),
            hints,
            pace: Pace::new(now),
            next_documents: now,
            last_documents: now,
            next_folders: now,
            acquisition_stamp: None,
        }
    }

    /// Watches until it is stopped. Blocks on I/O.
    pub(super) fn run(mut self) {
        self.look_around();
        if self.dataset.was_stopped() {
            self.ending = Ending::of_stopped();
            self.survey.set_over();
        }
        let folders = self.surroundings.containers.clone();
        self.growth = Growth::new(folders);
        self.folders = Folders::of(&self.surroundings);
        while !self.shared.stop.load(Ordering::Relaxed) {
            self.take_asks();
            let next = self.step();
            let wait = next.saturating_duration_since(Instant::now());
            // Kicked, or the time has come; a channel that closes says that nobody is there to ask.
            if self
                .kicked
                .recv_timeout(wait)
                .is_ok_and(|()| self.shared.hinted.swap(false, Ordering::Relaxed))
            {
                let now = Instant::now();
                self.pace.hint(now);
                let soon = now.max(self.last_documents + HINTED_PERIOD);
                self.next_documents = self.next_documents.min(soon);
            }
        }
    }

    /// Does what is due; when something is due next.
    fn step(&mut self) -> Instant {
        let now = Instant::now();
        if self.shared.outbox.is_full() {
            return now + PATIENCE;
        }
        if now >= self.pace.next() {
            if stamp_of(&self.survey.stores.dataset().root).is_none() {
                return now + PATIENCE;
            }
            self.look();
        }
        let mut has_more = self.survey.go_through(Instant::now() + SLICE);
        self.survey.tell(QUIET);
        if now >= self.next_documents {
            self.look_at_documents();
        }
        if std::mem::take(&mut self.survey.has_begun_anew) {
            self.ending.begin_anew(&self.surroundings);
        }
        has_more |= self.ending.go_on(
            &mut self.survey,
            &self.shared.outbox,
            Instant::now() + SLICE,
        );
        let mut next = self.pace.next().min(self.next_documents);
        if let Some(due) = self.shared.outbox.wake_when_due(Instant::now()) {
            next = next.min(due);
        }
        if has_more {
            next.min(Instant::now() + SLICE_PAUSE)
        } else {
            next
        }
    }

    /// Looks at what is expected next.
    fn look(&mut self) {
        let is_brief = self.pace.is_burst();
        let mut has_found = self.survey.look(is_brief);
        if !is_brief {
            let is_idle = self.pace.is_idle(Instant::now());
            has_found |= self.survey.look_at_gaps(is_idle);
        }
        // Of what is announced the notice comes in a moment, and brings the picture at once: one frame instead of two.
        let is_announced = self.dataset.announcement.is_some();
        self.survey
            .tell(if is_announced { QUIET } else { Duration::ZERO });
        let now = Instant::now();
        self.pace.looked(now, has_found);
        if has_found {
            // A writer that is faster than our looks is followed at once.
            self.pace.follow(now);
        }
        if now >= self.next_folders {
            self.next_folders = now + FOLDERS_PERIOD;
            let folders = self.folders();
            if self.hints.watch(folders) {
                // What was created before it was watched.
                self.pace.hurry(Instant::now());
            }
        }
    }

    /// The folders that are worth a hint, the most telling ones first.
    fn folders(&self) -> HashSet<PathBuf> {
        let mut folders = self.survey.expected_folders();
        folders.insert(self.survey.stores.dataset().root.clone());
        folders.extend(self.surroundings.acquisition.clone());
        let rows = self.survey.first_fovs();
        let frontier = self.survey.frontier().map(|(fov, _)| fov);
        for fov in rows.into_iter().chain(frontier) {
            let row = self.survey.stores.dataset().fov(fov);
            folders.extend(row.map(|row| row.folder.clone()));
        }
        let containers = self.growth.folders().chain(self.folders.paths());
        folders.extend(containers.take(WATCHED_CONTAINERS).cloned());
        debug_assert!(folders.len() <= MAX_FOLDERS);
        folders
    }

    fn take_asks(&mut self) {
        let asks = std::mem::take(&mut *self.shared.asks.lock());
        if let Some(dataset) = asks.dataset {
            let num_before = self.survey.stores.dataset().fovs.len();
            let end_of = |dataset: &Dataset| {
                let run = dataset.acquisition.as_ref();
                run.map(|run| (run.complete, run.aborted))
            };
            let means_other = end_of(&self.dataset) != end_of(&dataset);
            self.survey.stores.adopt(&dataset);
            self.dataset = dataset;
            if means_other && self.dataset.was_stopped() {
                self.survey.set_over();
            } else if means_other {
                self.survey.begin_pass();
            }
            if self.survey.stores.dataset().fovs.len() != num_before {
                self.look_around();
            }
        }
        if !asks.rescan.is_empty() {
            let fovs: Vec<_> = asks.rescan.into_iter().collect();
            self.survey.rescan(&fovs);
        }
        if let Some(planes) = asks.first {
            self.survey.look_first(&planes);
            self.pace.hurry(Instant::now());
        }
    }

    /// Finds the acquisition around the dataset and the order of its FOVs.
    fn look_around(&mut self) {
        self.surroundings = Surroundings::of(self.survey.stores.dataset());
        self.survey.begun = self.surroundings.begun_timepoints();
        self.survey.set_scan(self.surroundings.scan.clone());
        self.growth
            .set_folders(self.surroundings.containers.clone());
    }

    fn look_at_documents(&mut self) {
        let now = Instant::now();
        self.last_documents = now;
        let is_acquisition =
            self.dataset.acquisition.is_some() || self.dataset.announcement.is_some();
        self.next_documents = if is_acquisition || !self.pace.is_idle(now) {
            now + DOCUMENTS_PERIOD
        } else {
            now + IDLE_DOCUMENTS_PERIOD
        };
        let root = &self.survey.stores.dataset().root;
        if stamp_of(root).is_none() {
            return;
        }
        // Of an announced acquisition the folder may come later than its announcement.
        if self.surroundings.acquisition.is_none() && self.dataset.announcement.is_some() {
            self.look_around();
        }
        let fovs = self.survey.first_fovs();
        let frontier = self.survey.frontier().map(|(fov, _)| fov);
        for fov in fovs.into_iter().chain(frontier) {
            self.survey.stores.check_documents(fov, &self.shared.outbox);
        }
        self.survey.stores.check_complete_ones(&self.shared.outbox);
        self.survey.check_latest_files();
        // An acquisition may be announced before anything of it is on disk.
        if self.surroundings.acquisition.is_none() && self.dataset.announcement.is_some() {
            let found = Surroundings::of(self.survey.stores.dataset());
            if found.acquisition.is_some() {
                self.survey.set_scan(found.scan.clone());
                self.surroundings = found;
            }
        }
        let folder = self.surroundings.acquisition.as_deref();
        let stamp = folder.and_then(stamp_of);
        if stamp != self.acquisition_stamp {
            self.acquisition_stamp = stamp;
            let begun = self.surroundings.begun_timepoints();
            // FOVs that nobody planned appear in the folder of the newest timepoint.
            if begun != self.survey.begun && !self.surroundings.containers.is_empty() {
                self.look_around();
                self.growth.ask();
            }
            self.survey.begun = begun;
        }
        self.look_for_growth();
        self.look_for_files();
        if self.survey.stores.dataset().acquisition.is_some() {
            self.ending.look(&self.surroundings, &self.survey);
        }
    }

    fn look_for_growth(&mut self) {
        // What was announced names all of its FOVs, whatever else an array holds.
        let has_more = std::mem::take(&mut self.survey.stores.has_more_fovs);
        if has_more && self.dataset.announcement.is_none() {
            self.growth.ask();
        }
        self.growth.look();
        if !self.growth.is_due() {
            return;
        }
        let is_stopped = || self.shared.stop.load(Ordering::Relaxed);
        if let Some(grown) = growth::relist(&self.dataset, is_stopped) {
            let num_before = self.survey.stores.dataset().fovs.len();
            self.survey.stores.adopt(&grown);
            if self.survey.stores.dataset().fovs.len() != num_before {
                self.shared.outbox.grown(grown);
            }
        }
        // A folder without a store yet is no row, and what comes into it is news.
        self.look_around();
    }

    /// Looks for image files that came or are gone, where each is a FOV.
    fn look_for_files(&mut self) {
        let (stores, handed) = (&self.survey.stores, &self.dataset);
        let Some(grown) = self.folders.look(|| stores.rows_on(handed)) else {
            return;
        };
        self.pace.hint(Instant::now());
        self.survey.stores.adopt(&grown);
        self.survey.set_scan(grown.order.to_vec());
        let gone = grown
            .fovs
            .iter()
            .enumerate()
            .filter(|(_, row)| !row.present);
        let gone: Vec<FovId> = gone.map(|(row, _)| FovId(row as u32)).collect();
        // What was read of images meanwhile is known better by whoever is told.
        self.shared.outbox.grown(Dataset {
            images: vec![ImageSlot::Unopened; grown.fovs.len()],
            ..grown
        });
        for fov in gone {
            self.survey.stores.check_file(fov, &self.shared.outbox);
        }
    }
}
