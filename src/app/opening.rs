//! Opens datasets on a thread of its own, so that the interface never waits for a disk.
//!
//! Only the newest request counts: an older one is cancelled, and its dataset, should it still arrive, is dropped.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

use crate::{
    dataset::Dataset,
    formats::{self, OpenError},
    model::Code,
};

/// Nobody reads progress that changes faster, and each change costs a frame, which the opening would wait for.
const PROGRESS_PERIOD: Duration = Duration::from_millis(200);

/// What is done with a dataset as soon as it is open, on the thread that opened it.
pub(super) type FirstLook = Box<dyn FnOnce(&Dataset) + Send>;

/// What came of a request.
pub(super) struct Opened {
    /// The path that was asked for.
    pub(super) path: PathBuf,
    /// Keep view and settings (F5).
    pub(super) is_reload: bool,
    /// When it was known.
    pub(super) at: Instant,
    /// The dataset, or why there is none.
    pub(super) outcome: Result<Dataset, OpenError>,
}

/// A request under way.
pub(super) struct Underway {
    /// The path.
    pub(super) path: PathBuf,
    /// When it was asked for.
    pub(super) since: Instant,
}

/// Opens one path at a time; the newest wins.
pub(super) struct Opening {
    generation: Arc<AtomicU64>,
    underway: Option<Underway>,
    progress: Arc<Mutex<String>>,
    sender: Sender<(u64, Opened)>,
    receiver: Receiver<(u64, Opened)>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Opening {
    pub(super) fn new(wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        // One place per request that can be alive is plenty: a thread that finds it full belongs to an old request.
        let (sender, receiver) = bounded(16);
        Self {
            generation: Arc::default(),
            underway: None,
            progress: Arc::default(),
            sender,
            receiver,
            wake,
        }
    }

    /// Starts opening `path`; cancels what is under way.
    pub(super) fn start(&mut self, path: &Path, first_look: FirstLook) {
        self.begin(path, Some(first_look));
    }

    /// The same for what is shown already, whose view and settings are kept.
    pub(super) fn reload(&mut self, path: &Path) {
        self.begin(path, None);
    }

    fn begin(&mut self, path: &Path, first_look: Option<FirstLook>) {
        let generation = self.generation.fetch_add(1, Ordering::Relaxed) + 1;
        self.underway = Some(Underway {
            path: path.to_owned(),
            since: Instant::now(),
        });
        self.progress.lock().clear();
        let job = Job {
            path: path.to_owned(),
            first_look,
            generation,
            current: Arc::clone(&self.generation),
            progress: Arc::clone(&self.progress),
            sender: self.sender.clone(),
            wake: Arc::clone(&self.wake),
        };
        let spawned = thread::Builder::new()
            .name("squidview-opener".into())
            .spawn(move || job.run());
        if let Err(error) = spawned {
            tracing::error!("cannot start a thread to open {}: {error}", path.display());
            self.underway = None;
        }
    }

    /// Forgets what is under way.
    pub(super) fn cancel(&mut self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
        self.underway = None;
    }

    /// What is under way, with the last progress text.
    pub(super) fn underway(&self) -> Option<(&Underway, String)> {
        self.underway
            .as_ref()
            .map(|underway| (underway, self.progress.lock().clone()))
    }

    /// The newest request's outcome, once.
    pub(super) fn take(&mut self) -> Option<Opened> {
        let current = self.generation.load(Ordering::Relaxed);
        let newest = self
            .receiver
            .try_iter()
            .find(|(generation, _)| *generation == current);
        newest.map(|(_, opened)| {
            self.underway = None;
            opened
        })
    }
}

/// One request, on its thread.
struct Job {
    path: PathBuf,
    /// `None`: a reload, which keeps what is looked at.
    first_look: Option<FirstLook>,
    generation: u64,
    current: Arc<AtomicU64>,
    progress: Arc<Mutex<String>>,
    sender: Sender<(u64, Opened)>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Job {
    fn run(self) {
        let mut told = Instant::now();
        let mut report = |text: &str| {
            let is_current = self.current.load(Ordering::Relaxed) == self.generation;
            if is_current {
                text.clone_into(&mut self.progress.lock());
                if told.elapsed() >= PROGRESS_PERIOD {
                    told = Instant::now();
                    (self.wake)();
                }
            }
            is_current
        };
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            formats::open(&self.path, &mut report)
        }))
        .unwrap_or_else(|_| {
            Err(OpenError {
                code: Code::BadMetadata,
                message: "internal error while opening, please report it".into(),
                location: self.path.display().to_string(),
            })
        });
        let at = Instant::now();
        let is_reload = self.first_look.is_none();
        if let (Ok(dataset), Some(look)) = (&outcome, self.first_look)
            && self.current.load(Ordering::Relaxed) == self.generation
        {
            look(dataset);
        }
        let opened = Opened {
            path: self.path,
            is_reload,
            at,
            outcome,
        };
        // A full channel or a closed one means that nobody waits for this request any more.
        if self.sender.try_send((self.generation, opened)).is_ok() {
            (self.wake)();
        }
    }
}
