//! What to read next: one queue by urgency, worked off by named reader threads.
//!
//! [`Loader::want`] replaces all wishes at once; a wish that is no longer in the list is dropped before its read
//! starts. Nothing is read twice at the same time. Results go into the cache, then as a message to whoever asked; a read
//! that finishes for a dataset that is no longer shown is dropped, and one that began before its plane's revision rose
//! ends under a key that nobody asks for any more.

mod job;
mod known_statistics;
mod likely;
mod projection;
mod queue;
mod reader;
#[cfg(test)]
mod tests;
mod turns;

use std::{
    collections::VecDeque,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::{
    cache::Cache,
    dataset::{Dataset, Executed, OpenFovError, OpenedFov, OpenedLabel},
    ledger::Ledger,
    model::{
        Absence, Code, DatasetId, FovId, Histogram, PlaneId, PlaneState, TileId, Visible, limits,
    },
    store::{ReadError, ReadOutcome, Store},
};
use job::Job;
use queue::Shared;

/// Messages that may wait for the interface; a reader that finds them full waits.
const MAX_MESSAGES: usize = 1024;
/// A reader that has waited for the system for this time is given up: another one takes its place. One that decodes for
/// long is not: more readers would only decode more at once.
const STUCK_AFTER: Duration = Duration::from_secs(2);
/// What readers work in is given back when there was nothing to read for this time.
const REST_AFTER: Duration = Duration::from_millis(250);
/// Closing waits for readers no longer than this.
const JOIN_WITHIN: Duration = Duration::from_millis(500);

/// News from the readers.
#[derive(Clone, Debug)]
pub enum Loaded {
    /// A tile is in the cache (or was not there to be read).
    Tile {
        /// Its dataset.
        dataset: DatasetId,
        /// The asked tile.
        tile: TileId,
        /// The revision of its plane when the read was asked for.
        revision: u64,
        /// What the disk says of its plane: `Written`, `Partial`, `Planned`, `Missing` or `Failed`.
        state: PlaneState,
        /// The samples, where there are any; also when they are too large for the cache.
        pixels: Option<Arc<crate::model::Pixels>>,
        /// Reading and decoding.
        elapsed: Duration,
    },
    /// Statistics of a plane's level-0 samples (of the coarsest level with enough samples where planes are huge).
    Statistics {
        /// Its dataset.
        dataset: DatasetId,
        /// The plane.
        plane: PlaneId,
        /// The statistics.
        histogram: Arc<Histogram>,
    },
    /// Where and when the shown timepoint of a FOV was taken was looked up.
    Executed {
        /// Its dataset.
        dataset: DatasetId,
        /// The FOV.
        fov: FovId,
        /// The timepoint.
        t: u32,
        /// `None` where no side file says so (yet).
        executed: Option<Executed>,
    },
    /// A label image was opened.
    Label {
        /// Its dataset.
        dataset: DatasetId,
        /// The FOV.
        fov: FovId,
        /// Which of its label images.
        layer: u16,
        /// What that revealed.
        outcome: Result<OpenedLabel, OpenFovError>,
    },
    /// A FOV's store was opened.
    Fov {
        /// Its dataset.
        dataset: DatasetId,
        /// The FOV.
        fov: FovId,
        /// What that revealed.
        outcome: Result<OpenedFov, OpenFovError>,
    },
}

/// Where tiles are read from: the [`Store`], or a script in tests.
pub trait ReadTiles: Send + Sync {
    /// As [`Store::read_tile`].
    ///
    /// # Errors
    /// As [`Store::read_tile`].
    fn read_tile(
        &self,
        dataset: &Dataset,
        tile: TileId,
        absence: Absence,
    ) -> Result<ReadOutcome, ReadError>;

    /// As [`Store::try_read_tile`]; what has no bound on what it decodes never gives up.
    ///
    /// # Errors
    /// As [`Store::read_tile`].
    fn try_read_tile(
        &self,
        dataset: &Dataset,
        tile: TileId,
        absence: Absence,
    ) -> Result<Option<ReadOutcome>, ReadError> {
        self.read_tile(dataset, tile, absence).map(Some)
    }

    /// Nothing was to be read for a while: as [`Store::rest`].
    fn rest(&self) {}
}

impl ReadTiles for Store {
    fn read_tile(
        &self,
        dataset: &Dataset,
        tile: TileId,
        absence: Absence,
    ) -> Result<ReadOutcome, ReadError> {
        Self::read_tile(self, dataset, tile, absence)
    }

    fn try_read_tile(
        &self,
        dataset: &Dataset,
        tile: TileId,
        absence: Absence,
    ) -> Result<Option<ReadOutcome>, ReadError> {
        Self::try_read_tile(self, dataset, tile, absence)
    }

    fn rest(&self) {
        Self::rest(self);
    }
}

/// What the readers have before them: tiles, stores to open, statistics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Workload {
    /// Wished, and nobody works on it yet.
    pub num_queued: usize,
    /// Being worked on.
    pub num_in_flight: usize,
    /// Of those, without an answer for so long that another reader took over.
    pub num_stuck: usize,
    /// How long the one has waited for the disk that has done so longest; `None` where all that go on work.
    pub longest_wait: Option<Duration>,
}

/// How the loader is set up.
pub struct LoaderOptions {
    /// Reader threads; at least 1, 4 by default.
    pub num_readers: usize,
    /// Called from a reader after each message; wakes the interface.
    pub wake: Arc<dyn Fn() + Send + Sync>,
}

/// What every reader needs.
#[derive(Clone)]
struct Tools {
    source: Arc<dyn ReadTiles>,
    cache: Arc<Cache>,
    shared: Arc<Shared>,
    sender: Sender<Loaded>,
    wake: Arc<dyn Fn() + Send + Sync>,
    /// Dropped when the reader ends: the loader sees the channel close when all have.
    _alive: Sender<()>,
}

/// Owner of the reader threads; joins them when it drops.
pub struct Loader {
    shared: Arc<Shared>,
    cache: Arc<Cache>,
    tools: Option<Tools>,
    receiver: Option<Receiver<Loaded>>,
    alive: Receiver<()>,
}

impl Loader {
    /// Starts the readers.
    #[must_use]
    pub fn new(source: Arc<dyn ReadTiles>, cache: Arc<Cache>, options: LoaderOptions) -> Self {
        let (sender, receiver) = bounded(MAX_MESSAGES);
        let (alive_sender, alive) = bounded(0);
        let shared = Arc::new(Shared::new(options.num_readers.max(1)));
        let tools = Tools {
            source,
            cache: Arc::clone(&cache),
            shared: Arc::clone(&shared),
            sender,
            wake: options.wake,
            _alive: alive_sender,
        };
        for _ in 0..options.num_readers.max(1) {
            spawn_reader(&tools);
        }
        Self {
            shared,
            cache,
            tools: Some(tools),
            receiver: Some(receiver),
            alive,
        }
    }

    /// Replaces all wishes by those of `visible`: FOVs to open, tiles to read, most urgent first.
    ///
    /// The statistics of every visible channel's plane are made as well. Tiles that are cached are not read again.
    pub fn want(&self, dataset: &Arc<Dataset>, ledger: &Ledger, visible: &Visible) {
        let replaced = self.shared.replace(dataset, ledger, visible, &self.cache);
        let Some(tools) = &self.tools else { return };
        for _ in 0..replaced.num_stuck {
            if self.shared.num_readers() < limits::READERS {
                tracing::warn!(
                    "a read has had no answer for {STUCK_AFTER:?}; another reader takes over"
                );
                spawn_reader(tools);
            }
        }
        if replaced.has_dropped_anticipated {
            (tools.wake)();
        }
    }

    /// A plane (a z-slice, named at level 0) was written that may be on the screen: its wished tiles are read again at
    /// once, before the interface has taken the news. True where there are any; the end of the read wakes it.
    #[must_use]
    pub fn anticipate(&self, dataset: DatasetId, plane: PlaneId) -> bool {
        self.shared.anticipate(dataset, plane)
    }

    /// Wishes for nothing any more: what is queued is dropped, what is being read is not kept.
    pub fn stop(&self) {
        self.shared.stop();
    }

    /// Allows reads that failed or found nothing to be tried again (F5).
    pub fn retry(&self) {
        self.shared.forget_outcomes();
    }

    /// News since the last call, oldest first; never blocks.
    pub fn drain(&self) -> VecDeque<Loaded> {
        let mut news = self.shared.take_known();
        news.extend(self.receiver.iter().flat_map(Receiver::try_iter));
        news
    }

    /// Waits for news up to `timeout`; for `render` and scripts, never on the interface thread.
    #[must_use]
    pub fn wait(&self, timeout: Duration) -> Option<Loaded> {
        let known = self.shared.take_one_known();
        known.or_else(|| self.receiver.as_ref()?.recv_timeout(timeout).ok())
    }

    /// Waits until everything that is wished is read, up to `within`; never on the interface thread.
    pub fn wait_until_idle(&self, within: Duration) {
        self.shared.wait_until_idle(within);
    }

    /// How much is to do, and how much of it has no answer.
    #[must_use]
    pub fn workload(&self) -> Workload {
        self.shared.workload()
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.shared.shut_down();
        // Readers that wait for a place in the channel go on when it closes.
        self.receiver = None;
        self.tools = None;
        let deadline = Instant::now() + JOIN_WITHIN;
        // Nothing is ever sent: the channel closes when the last reader has ended.
        if self
            .alive
            .recv_deadline(deadline)
            .is_err_and(|error| error.is_timeout())
        {
            tracing::warn!("a reader is stuck in the system and is left behind");
        }
    }
}

fn spawn_reader(tools: &Tools) {
    let number = tools.shared.add_reader();
    let own = tools.clone();
    let spawned = thread::Builder::new()
        .name(format!("squidview-reader-{number}"))
        .spawn(move || reader::run(&own, number));
    if let Err(error) = spawned {
        tracing::error!("cannot start a reader thread: {error}");
        tools.shared.remove_reader(number);
    }
}

/// What a reader is to do next, taken off the queue.
struct Task {
    job: Job,
    dataset: Arc<Dataset>,
    /// It waits where others decode too much; else it is put back. Only where nobody else is at work.
    waits: bool,
}

impl Task {
    /// Reads a tile. `None`: there is no room to decode it now.
    fn read_tile(
        &self,
        source: &dyn ReadTiles,
        tile: TileId,
        absence: Absence,
        waits: bool,
    ) -> Option<Result<ReadOutcome, ReadError>> {
        if self.waits || waits {
            return Some(source.read_tile(&self.dataset, tile, absence));
        }
        source
            .try_read_tile(&self.dataset, tile, absence)
            .transpose()
    }
}

/// A read that failed, as a state of its plane.
fn failed(error: &ReadError) -> PlaneState {
    let reason = if error.code == Code::CorruptData {
        format!("damaged: {error}")
    } else {
        error.to_string()
    };
    PlaneState::Failed(reason.into())
}
