//! What a running acquisition writes, found by looking at its folder.
//!
//! One thread owns a copy of the dataset and asks the disk for the planes that are expected next, which is cheap and
//! exact also on network shares. Hints of the system only say when to look (a watch on every folder of a large
//! acquisition is slow, hits limits and loses events). Nothing outside of the dataset is looked at but the acquisition
//! folder around it, and nothing is ever written.

mod book;
mod ending;
mod folders;
mod gaps;
mod growth;
mod hints;
mod news;
mod pace;
mod place;
mod stamps;
mod stores;
mod survey;
#[cfg(test)]
mod tests;
mod watch;

pub use news::DiskNews;

use std::{
    collections::HashSet,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use parking_lot::Mutex;

use self::{hints::Hints, news::Outbox, survey::Survey, watch::Watch};
use crate::{
    dataset::Dataset,
    model::{FovId, PlaneId},
    store::Store,
};

/// A thread that hangs in the system for longer is left behind.
const STOP_WITHIN: Duration = Duration::from_millis(500);

/// What the watching thread is asked for.
#[derive(Default)]
struct Asks {
    dataset: Option<Arc<Dataset>>,
    first: Option<Vec<PlaneId>>,
    rescan: HashSet<FovId>,
}

/// What both sides see.
struct Shared {
    outbox: Arc<Outbox>,
    asks: Mutex<Asks>,
    stop: Arc<AtomicBool>,
    hinted: AtomicBool,
    /// Ends the pause of the thread; full means that it is going to end anyway.
    kick: Sender<()>,
}

impl Shared {
    fn kick(&self) {
        // Full: it is awake already. Closed: it is gone.
        if self.kick.try_send(()).is_err() {
            tracing::trace!("the watching thread is awake or gone");
        }
    }
}

/// Owner of the thread `squidview-disk`, which watches the folder of one dataset; ends it when dropped.
pub struct DiskWatch {
    shared: Arc<Shared>,
    /// Closes when the thread ends.
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl DiskWatch {
    /// Watches an open dataset that is not complete, or says nothing about completeness. `wake` is called from the
    /// thread where there are news to be taken; it must not block.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub fn start(
        dataset: Arc<Dataset>,
        store: Arc<Store>,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> io::Result<Self> {
        Self::start_with(dataset, store, wake, true)
    }

    /// With hints of the system, or by looking only.
    fn start_with(
        dataset: Arc<Dataset>,
        store: Arc<Store>,
        wake: Arc<dyn Fn() + Send + Sync>,
        has_hints: bool,
    ) -> io::Result<Self> {
        let (kick, kicked) = bounded(1);
        let (at_end, ended) = bounded::<()>(0);
        let shared = Arc::new(Shared {
            outbox: Arc::new(Outbox::new(wake)),
            asks: Mutex::default(),
            stop: Arc::new(AtomicBool::new(false)),
            hinted: AtomicBool::new(false),
            kick,
        });
        let inside = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("squidview-disk".into())
            .spawn(move || {
                let hints = if has_hints {
                    let hinted = Arc::clone(&inside);
                    Hints::start(move || {
                        hinted.hinted.store(true, Ordering::Relaxed);
                        hinted.kick();
                    })
                } else {
                    Hints::none()
                };
                let survey = Survey::new(
                    &dataset,
                    store,
                    Arc::clone(&inside.outbox),
                    Arc::clone(&inside.stop),
                );
                Watch::new(inside, kicked, dataset, survey, hints).run();
                drop(at_end);
            })?;
        Ok(Self {
            shared,
            ended,
            thread: Some(thread),
        })
    }

    /// A newer revision of the same dataset.
    pub fn update(&self, dataset: Arc<Dataset>) {
        self.shared.asks.lock().dataset = Some(dataset);
        self.shared.kick();
    }

    /// Planes to look at first (on the screen, or just announced), in place of earlier ones. What the disk says of those
    /// that were not among the earlier ones is told once more, even where it did not change.
    pub fn look_first(&self, planes: Vec<PlaneId>) {
        self.shared.asks.lock().first = Some(planes);
        self.shared.kick();
    }

    /// All planes of these FOVs are to be looked at again, and told again (notices may have been lost).
    pub fn rescan(&self, fovs: &[FovId]) {
        self.shared.asks.lock().rescan.extend(fovs);
        self.shared.kick();
    }

    /// News since the last call; bounded; never blocks on I/O.
    #[must_use]
    pub fn take(&self) -> Vec<DiskNews> {
        let was_full = self.shared.outbox.is_full();
        let news = self.shared.outbox.take();
        if was_full {
            self.shared.kick();
        }
        news
    }
}

impl Drop for DiskWatch {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.shared.kick();
        match self.ended.recv_timeout(STOP_WITHIN) {
            Err(RecvTimeoutError::Timeout) => {
                tracing::warn!("the disk does not answer, its watching thread is left behind");
            }
            _ => {
                if let Some(thread) = self.thread.take()
                    && thread.join().is_err()
                {
                    tracing::error!("the thread that watches the disk panicked");
                }
            }
        }
    }
}
