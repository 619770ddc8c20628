//! The demo: an acquisition that is being written beside the window, into a temporary folder.
//!
//! The folder is removed when the demo ends.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::simulate::{Plan, SimulateError, Structure, Written, simulate};

/// Time between planes.
const INTERVAL: Duration = Duration::from_millis(60);

/// A simulated acquisition under way; stopped and removed when it drops.
pub(super) struct Demo {
    folder: PathBuf,
    is_cancelled: Arc<AtomicBool>,
    started: Receiver<Result<PathBuf, String>>,
    thread: Option<JoinHandle<()>>,
}

impl Demo {
    /// Begins writing; `wake` is called when there is something to open.
    pub(super) fn start(wake: Arc<dyn Fn() + Send + Sync>) -> Result<Self, String> {
        // A demo that is started again writes beside the one that it replaces.
        static STARTED: AtomicU64 = AtomicU64::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("squidview-demo-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let (sender, started) = bounded(2);
        let is_cancelled = Arc::new(AtomicBool::new(false));
        let writer = Writer {
            folder: folder.clone(),
            is_cancelled: Arc::clone(&is_cancelled),
            sender,
            wake,
        };
        let spawned = thread::Builder::new()
            .name("squidview-simulator".into())
            .spawn(move || writer.run());
        let thread =
            spawned.map_err(|error| format!("The demo cannot start a thread ({error})"))?;
        Ok(Self {
            folder,
            is_cancelled,
            started,
            thread: Some(thread),
        })
    }

    /// Stops and removes it on a thread of its own: the writer may be in the middle of a plane.
    pub(super) fn end(self) {
        let spawned = thread::Builder::new()
            .name("squidview-demo-end".into())
            .spawn(move || drop(self));
        if let Err(error) = spawned {
            tracing::warn!("cannot start a thread to end the demo: {error}");
        }
    }

    /// True for paths inside of the demo's folder.
    pub(super) fn holds(&self, path: &Path) -> bool {
        path.starts_with(&self.folder)
    }

    /// The acquisition's folder once its first planes are there, or why there is none.
    pub(super) fn take(&mut self) -> Option<Result<PathBuf, String>> {
        self.started.try_recv().ok()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the demo's writer panicked");
        }
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::debug!(
                "cannot remove the demo ({error}): {}",
                self.folder.display()
            );
        }
    }
}

/// What writes, on its thread.
struct Writer {
    folder: PathBuf,
    is_cancelled: Arc<AtomicBool>,
    sender: Sender<Result<PathBuf, String>>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Writer {
    fn run(&self) {
        let path = self.folder.join("demo acquisition");
        let outcome = self.write(&path);
        if let Err(error) = outcome {
            self.tell(Err(format!("The demo cannot be written ({error})")));
        }
    }

    fn write(&self, path: &Path) -> Result<(), SimulateError> {
        let wells = ["A1", "A2", "B1", "B2"].map(|well| (well.to_owned(), 2));
        let plan = Plan {
            structure: Structure::Hcs,
            regions: wells.into(),
            num_timepoints: 3,
            num_z: 7,
            ..Plan::default()
        };
        // The first FOV is whole before the window opens it: the first picture should be one.
        let opens_after = u64::from(plan.num_z) * plan.channels.len() as u64;
        let mut on_plane = |written: Written| {
            if written.num_written == opens_after {
                self.tell(Ok(path.to_owned()));
            }
            !self.is_cancelled.load(Ordering::Relaxed)
        };
        simulate(&plan, path, &mut on_plane, INTERVAL)
    }

    fn tell(&self, news: Result<PathBuf, String>) {
        // The window is gone where nobody listens.
        if self.sender.send(news).is_ok() {
            (self.wake)();
        }
    }
}
