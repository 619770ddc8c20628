//! The queue: what is wished, what is being worked on, and what is known already.
//!
//! One lock protects these lists; nothing is opened, read or decoded under it.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use lru::LruCache;
use parking_lot::{Condvar, Mutex, MutexGuard};

use super::{
    Loaded, REST_AFTER, STUCK_AFTER, Task, Workload,
    job::{Job, Version, jobs, pictures},
    known_statistics::KnownStatistics,
    turns::Anticipated,
};
use crate::{
    cache::{Cache, CacheKey},
    dataset::{Dataset, Executed},
    ledger::Ledger,
    model::{
        Absence, Activity, DatasetId, FovId, Histogram, Pixels, PlaneId, PlaneState, Tier, TileId,
        Visible, limits,
    },
};

/// Outcomes without pixels kept.
const MAX_OUTCOMES: NonZeroUsize = NonZeroUsize::new(1 << 16).expect("not zero");
/// A plane that was not there may be looked for again after this time.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(900);

/// A job of a dataset.
type JobKey = (DatasetId, Job);

/// What a tile is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It is on the screen.
    Picture,
    /// It is likely to be there next: of the level that is drawn.
    Ahead,
    /// Its samples are wanted, at the pointer or for statistics.
    Samples,
}

/// What became of the queue that was replaced.
pub(super) struct Replaced {
    /// Readers that are newly found stuck.
    pub(super) num_stuck: usize,
    /// Reads whose end was to wake the interface will not begin.
    pub(super) has_dropped_anticipated: bool,
}

/// What the loader and its readers share.
pub(super) struct Shared {
    state: Mutex<State>,
    wakes_readers: Condvar,
}

pub(super) struct State {
    pub(super) dataset: Option<Arc<Dataset>>,
    /// What the last `want` asked for, and its place in the order; what is read for notices comes before all.
    pub(super) wanted: HashMap<Job, usize>,
    /// What of it nobody works on yet, most urgent first.
    pub(super) queue: VecDeque<Job>,
    /// What is being worked on, and since when.
    pub(super) in_flight: HashMap<JobKey, Instant>,
    /// Planes (named at level 0) that are read for notices that the interface has not taken yet.
    pub(super) anticipated: HashMap<PlaneId, Anticipated>,
    /// Tiles that the last `want` shows; the others are read ahead.
    pub(super) visible: HashSet<TileId>,
    /// What is likely to be wished of the first FOV that is to be opened, most urgent first.
    pub(super) likely: Vec<Job>,
    /// Tiles that may be read ahead at the same time: the picture and its drawing come first.
    pub(super) max_ahead: usize,
    /// Tiles without pixels, why, and when that was found.
    outcomes: LruCache<(DatasetId, TileId, u64), (PlaneState, Instant)>,
    statistics: KnownStatistics,
    /// Where and when timepoints of FOVs were taken, and when that was looked up.
    executed: LruCache<(DatasetId, FovId, u32), (Option<Executed>, Instant)>,
    /// Messages whose answer is known without a reader.
    known: VecDeque<Loaded>,
    /// Readers, what each does for its job, and of which dataset that is.
    readers: HashMap<usize, Option<(Arc<Activity>, DatasetId)>>,
    /// Jobs that found no room to decode in, and how many had ended then; until they are done.
    without_room: HashMap<JobKey, u64>,
    num_ended: u64,
    num_given_up: usize,
    wanted_readers: usize,
    next_reader: usize,
    is_shutting_down: bool,
}

impl Shared {
    pub(super) fn new(wanted_readers: usize) -> Self {
        let state = State {
            dataset: None,
            wanted: HashMap::new(),
            queue: VecDeque::new(),
            in_flight: HashMap::new(),
            anticipated: HashMap::new(),
            visible: HashSet::new(),
            likely: Vec::new(),
            max_ahead: max_ahead(wanted_readers),
            outcomes: LruCache::new(MAX_OUTCOMES),
            statistics: KnownStatistics::default(),
            executed: LruCache::new(MAX_OUTCOMES),
            known: VecDeque::new(),
            readers: HashMap::new(),
            without_room: HashMap::new(),
            num_ended: 0,
            num_given_up: 0,
            wanted_readers,
            next_reader: 0,
            is_shutting_down: false,
        };
        Self {
            state: Mutex::new(state),
            wakes_readers: Condvar::new(),
        }
    }

    /// Replaces the queue.
    pub(super) fn replace(
        &self,
        dataset: &Arc<Dataset>,
        ledger: &Ledger,
        visible: &Visible,
        cache: &Cache,
    ) -> Replaced {
        let mut state = self.state.lock();
        if !state.is_current(dataset.id) {
            state.anticipated.clear();
            // Datasets that were shown before have other names when they are opened again.
            state.statistics.keep_only(dataset.id);
        }
        state.dataset = Some(Arc::clone(dataset));
        state.known.clear();
        // Some may have room by now that a silent disk held.
        state.without_room.clear();
        // What is read ahead must not push itself out of the cache, nor what is on the screen.
        let max_ahead_bytes = cache.usage().1 / 2;
        let wished = jobs(dataset, ledger, visible, max_ahead_bytes);
        state.wanted = wished.iter().copied().zip(1..).collect();
        let has_dropped_anticipated = state.drop_anticipated();
        // A wish for what is being worked on joins it.
        let is_new = |job: &Job| !state.in_flight.contains_key(&(dataset.id, *job));
        state.queue = wished.into_iter().filter(is_new).collect();
        let shown = visible
            .wishes
            .iter()
            .filter(|wish| wish.tier <= Tier::Visible);
        state.visible = shown.map(|wish| wish.tile).collect();
        state.likely = pictures(dataset, ledger, visible.likely.iter().copied());
        state.answer_known(dataset.id, cache);
        let num_stuck = state.newly_stuck();
        drop(state);
        self.wakes_readers.notify_all();
        Replaced {
            num_stuck,
            has_dropped_anticipated,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// The next job, waiting for one; `None` when the reader is to end. Calls `rest` once where there is none for
    /// [`REST_AFTER`].
    pub(super) fn next(&self, reader: usize, rest: impl Fn()) -> Option<(Task, Arc<Activity>)> {
        let mut state = self.state.lock();
        let mut is_resting = false;
        state.readers.insert(reader, None);
        loop {
            if state.is_shutting_down || state.has_too_many_readers() {
                state.readers.remove(&reader);
                return None;
            }
            if let Some(task) = state.take() {
                let activity = Activity::begin();
                let works = (Arc::clone(&activity), task.dataset.id);
                state.readers.insert(reader, Some(works));
                return Some((task, activity));
            }
            if is_resting {
                self.wakes_readers.wait(&mut state);
            } else {
                let waited = self.wakes_readers.wait_for(&mut state, REST_AFTER);
                is_resting = waited.timed_out();
                if is_resting {
                    MutexGuard::unlocked(&mut state, &rest);
                }
            }
        }
    }

    /// The wished tiles of a plane (named at level 0) are to be read once more, first of all, as of the revision that
    /// the ledger is about to give it. True where there are any.
    pub(super) fn anticipate(&self, dataset: DatasetId, plane: PlaneId) -> bool {
        let mut state = self.state.lock();
        if !state.is_current(dataset) {
            return false;
        }
        let is_of_plane = |job: &&Job| {
            state
                .versioned(job)
                .is_some_and(|(other, _)| other == plane)
        };
        let jobs: Vec<Job> = state.wanted.keys().filter(is_of_plane).copied().collect();
        let versions = jobs.iter().filter_map(|job| state.versioned(job));
        let Some(newest) = versions.map(|(_, version)| version.revision).max() else {
            return false;
        };
        let next = Version {
            revision: newest + 1,
            absence: Absence::AsStored,
        };
        let renewed = |job: &Job| match *job {
            Job::Tile(tile, version) if version.revision == newest => Some(Job::Tile(tile, next)),
            Job::Statistics(plane, version) if version.revision == newest => {
                Some(Job::Statistics(plane, next))
            }
            _ => None,
        };
        let mut jobs: Vec<Job> = jobs.iter().filter_map(renewed).collect();
        jobs.retain(|job| !state.in_flight.contains_key(&(dataset, *job)));
        // Each goes to the front, so the picture comes last.
        jobs.sort_by_key(|job| match job {
            Job::Tile(tile, _) => (true, state.visible.contains(tile)),
            _ => (false, false),
        });
        let begins = jobs.iter().any(|job| matches!(job, Job::Tile(..)));
        for job in jobs {
            state.wanted.insert(job, 0);
            state.queue.push_front(job);
        }
        if begins {
            let anticipated = Anticipated {
                revision: next.revision,
                has_begun: false,
                is_old: false,
            };
            state.anticipated.insert(plane, anticipated);
        }
        drop(state);
        self.wakes_readers.notify_all();
        begins
    }

    /// The job found no room to decode in: it is looked at again, at its place in the order, when another one has ended.
    pub(super) fn put_back(&self, task: &Task) {
        let mut state = self.state.lock();
        let key = (task.dataset.id, task.job);
        state.in_flight.remove(&key);
        if state.is_current(task.dataset.id)
            && let Some(&place) = state.wanted.get(&task.job)
        {
            let num_ended = state.num_ended;
            state.without_room.insert(key, num_ended);
            let is_after = |job: &Job| state.wanted.get(job).is_some_and(|&its| its >= place);
            let next = state.queue.iter().position(is_after);
            let at = next.unwrap_or(state.queue.len());
            if state.queue.get(at) != Some(&task.job) {
                state.queue.insert(at, task.job);
            }
        }
        drop(state);
        self.wakes_readers.notify_all();
    }

    /// The job is done. True where its dataset is still the one that is shown.
    pub(super) fn finish(&self, task: &Task) -> bool {
        let mut state = self.state.lock();
        let key = (task.dataset.id, task.job);
        state.in_flight.remove(&key);
        state.without_room.remove(&key);
        state.num_ended += 1;
        let is_current = state.is_current(task.dataset.id);
        drop(state);
        // Statistics wait for the tiles of their plane, FOVs of an array for each other.
        self.wakes_readers.notify_all();
        is_current
    }

    /// True while the last `want` still asks for the job.
    pub(super) fn is_wanted(&self, task: &Task) -> bool {
        let state = self.state.lock();
        state.is_current(task.dataset.id) && state.wanted.contains_key(&task.job)
    }

    /// True while the dataset is the one that is shown.
    pub(super) fn is_current(&self, dataset: DatasetId) -> bool {
        self.state.lock().is_current(dataset)
    }

    /// What a tile is read for.
    pub(super) fn purpose(&self, tile: TileId) -> Purpose {
        let state = self.state.lock();
        let is_drawn_like = |other: &TileId| {
            (other.plane.level, other.plane.layer) == (tile.plane.level, tile.plane.layer)
        };
        if state.visible.contains(&tile) {
            Purpose::Picture
        } else if state.visible.iter().any(is_drawn_like) {
            Purpose::Ahead
        } else {
            Purpose::Samples
        }
    }

    pub(super) fn remember_outcome(
        &self,
        dataset: DatasetId,
        tile: TileId,
        revision: u64,
        state: PlaneState,
    ) {
        self.state
            .lock()
            .outcomes
            .put((dataset, tile, revision), (state, Instant::now()));
    }

    pub(super) fn remember_histogram(
        &self,
        dataset: DatasetId,
        plane: PlaneId,
        revision: u64,
        histogram: Arc<Histogram>,
    ) {
        self.state
            .lock()
            .statistics
            .put((dataset, plane, revision), histogram);
    }

    pub(super) fn remember_executed(
        &self,
        dataset: DatasetId,
        fov: FovId,
        t: u32,
        executed: Option<Executed>,
    ) {
        self.state
            .lock()
            .executed
            .put((dataset, fov, t), (executed, Instant::now()));
    }

    pub(super) fn forget_outcomes(&self) {
        self.state.lock().outcomes.clear();
    }

    pub(super) fn take_known(&self) -> VecDeque<Loaded> {
        std::mem::take(&mut self.state.lock().known)
    }

    pub(super) fn take_one_known(&self) -> Option<Loaded> {
        self.state.lock().known.pop_front()
    }

    /// Waits until nothing is to do, or the time is over.
    pub(super) fn wait_until_idle(&self, within: Duration) {
        let deadline = Instant::now() + within;
        let mut state = self.state.lock();
        while !(state.queue.is_empty() && state.in_flight.is_empty()) {
            if self
                .wakes_readers
                .wait_until(&mut state, deadline)
                .timed_out()
            {
                return;
            }
        }
    }

    pub(super) fn workload(&self) -> Workload {
        let state = self.state.lock();
        Workload {
            num_queued: state.queue.len(),
            num_in_flight: state.in_flight.len(),
            num_stuck: state.num_stuck(None),
            longest_wait: state.longest_wait(),
        }
    }

    pub(super) fn num_readers(&self) -> usize {
        self.state.lock().readers.len()
    }

    pub(super) fn add_reader(&self) -> usize {
        let mut state = self.state.lock();
        let number = state.next_reader;
        state.next_reader += 1;
        state.readers.insert(number, None);
        number
    }

    pub(super) fn remove_reader(&self, number: usize) {
        self.state.lock().readers.remove(&number);
    }

    pub(super) fn stop(&self) {
        let mut state = self.state.lock();
        state.dataset = None;
        state.wanted.clear();
        state.queue.clear();
        state.known.clear();
    }

    pub(super) fn shut_down(&self) {
        let mut state = self.state.lock();
        state.is_shutting_down = true;
        state.wanted.clear();
        state.queue.clear();
        drop(state);
        self.wakes_readers.notify_all();
    }
}

impl State {
    fn is_current(&self, dataset: DatasetId) -> bool {
        self.dataset
            .as_ref()
            .is_some_and(|current| current.id == dataset)
    }

    /// The name at level 0 of the plane that a tile is of.
    pub(super) fn at_level_0(&self, tile: TileId) -> PlaneId {
        let dataset = self.dataset.as_ref();
        dataset.map_or(tile.plane.at_level(0), |it| it.at_level_0(tile.plane))
    }

    /// Takes jobs off the queue whose answer is cached or known, and answers the known ones. A visible tile is handed
    /// over with its pixels: the cache may drop it before anybody looks.
    fn answer_known(&mut self, dataset: DatasetId, cache: &Cache) {
        let mut rest = VecDeque::with_capacity(self.queue.len());
        // Planes of which nothing is there have no statistics to look for. The picture comes before its statistics.
        let mut is_absent: HashMap<PlaneId, bool> = HashMap::new();
        for job in std::mem::take(&mut self.queue) {
            match job {
                Job::Tile(tile, version) => {
                    let plane = self.at_level_0(tile);
                    let key = CacheKey {
                        dataset,
                        tile,
                        revision: version.revision,
                    };
                    if self.visible.contains(&tile)
                        && let Some(pixels) = cache.get(&key)
                    {
                        is_absent.insert(plane, false);
                        self.known
                            .push_back(found(key, PlaneState::Written, Some(pixels)));
                    } else if cache.contains(&key) {
                        // Read ahead already.
                    } else if let Some(state) = self.outcome(&key) {
                        let nothing = matches!(state, PlaneState::Planned | PlaneState::Missing);
                        *is_absent.entry(plane).or_insert(true) &= nothing;
                        self.known.push_back(found(key, state, None));
                    } else {
                        is_absent.insert(plane, false);
                        rest.push_back(job);
                    }
                }
                Job::Statistics(plane, _)
                    if is_absent.get(&plane) == Some(&true)
                        && !self.is_being_read(dataset, plane) => {}
                _ => match self.answer(dataset, job) {
                    Some(news) => self.known.push_back(news),
                    None => rest.push_back(job),
                },
            }
        }
        self.queue = rest;
    }

    /// Why a tile has no pixels, where that is known and not worth another look.
    fn outcome(&mut self, key: &CacheKey) -> Option<PlaneState> {
        let (state, at) = self.outcomes.get(&(key.dataset, key.tile, key.revision))?;
        (!may_look_again(state, *at)).then(|| state.clone())
    }

    /// The answer to a job other than a tile, where it is known.
    fn answer(&mut self, dataset: DatasetId, job: Job) -> Option<Loaded> {
        match job {
            Job::Statistics(plane, version) => {
                let key = (dataset, plane, version.revision);
                let histogram = self.statistics.get(&key)?;
                Some(Loaded::Statistics {
                    dataset,
                    plane,
                    histogram,
                })
            }
            Job::Executed(fov, t) => {
                let (executed, at) = self.executed.get(&(dataset, fov, t))?;
                let is_known = executed.is_some() || at.elapsed() < LOOK_AGAIN_AFTER;
                is_known.then(|| Loaded::Executed {
                    dataset,
                    fov,
                    t,
                    executed: executed.clone(),
                })
            }
            Job::Fov(_) | Job::Label(..) | Job::Tile(..) => None,
        }
    }

    /// The most urgent job that nobody works on and that can be worked on now. Of a dataset whose disk has left
    /// [`limits::STUCK_READS`] without an answer none can, until one of them returns.
    fn take(&mut self) -> Option<Task> {
        let dataset = Arc::clone(self.dataset.as_ref()?);
        if self.num_stuck(Some(dataset.id)) >= limits::STUCK_READS {
            return None;
        }
        let at = self
            .queue
            .iter()
            .position(|job| self.can_start(&dataset, job))?;
        let job = self.queue.remove(at)?;
        if let Some((plane, version)) = self.versioned(&job)
            && let Some(anticipated) = self.anticipated.get_mut(&plane)
        {
            anticipated.has_begun |= anticipated.revision == version.revision;
        }
        let waits = self.in_flight.is_empty();
        self.in_flight.insert((dataset.id, job), Instant::now());
        Some(Task {
            job,
            dataset,
            waits,
        })
    }

    /// More readers than wanted, because stuck ones came back.
    fn has_too_many_readers(&self) -> bool {
        self.readers.len() > self.wanted_readers + self.num_given_up
    }

    /// Readers that have had no answer for too long, as far as they have not been replaced yet.
    fn newly_stuck(&mut self) -> usize {
        let num_stuck = self.num_stuck(None);
        let newly = num_stuck.saturating_sub(self.num_given_up);
        self.num_given_up = num_stuck;
        newly
    }

    /// True for a job that found no room to decode in, while nothing has ended since, or another such one is at work: one
    /// after the other they find their chunk decoded, if they are of the same one.
    pub(super) fn has_no_room(&self, dataset: DatasetId, job: Job) -> bool {
        let is_such = |key: &JobKey| self.without_room.contains_key(key);
        let then = self.without_room.get(&(dataset, job));
        then.is_some_and(|then| {
            let has_ended = *then != self.num_ended || self.in_flight.is_empty();
            !has_ended || self.in_flight.keys().any(is_such)
        })
    }

    fn longest_wait(&self) -> Option<Duration> {
        let jobs = self.readers.values().flatten();
        jobs.filter_map(|(activity, _)| activity.waits_for()).max()
    }

    /// Readers that have waited for the system for [`STUCK_AFTER`], those of one dataset or all.
    fn num_stuck(&self, of: Option<DatasetId>) -> usize {
        let is_stuck = |(activity, dataset): &(Arc<Activity>, DatasetId)| {
            let waits_for = activity.waits_for();
            waits_for.is_some_and(|time| time > STUCK_AFTER) && of.is_none_or(|of| of == *dataset)
        };
        self.readers
            .values()
            .flatten()
            .filter(|it| is_stuck(it))
            .count()
    }
}

/// Half of the cores, and never the last reader: a new wish finds one free.
fn max_ahead(num_readers: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    (cores / 2).min(num_readers.saturating_sub(1)).max(1)
}

/// News of a tile that needed no reader.
fn found(key: CacheKey, state: PlaneState, pixels: Option<Arc<Pixels>>) -> Loaded {
    Loaded::Tile {
        dataset: key.dataset,
        tile: key.tile,
        revision: key.revision,
        state,
        pixels,
        elapsed: Duration::ZERO,
    }
}

/// A plane that was not there may have been written since; one that failed stays failed until somebody asks again.
fn may_look_again(state: &PlaneState, found: Instant) -> bool {
    matches!(state, PlaneState::Planned | PlaneState::Partial { .. })
        && found.elapsed() >= LOOK_AGAIN_AFTER
}
