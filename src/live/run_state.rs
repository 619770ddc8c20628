//! Watches `run.json`: which acquisition the microscope software runs now, and how it ended.
//!
//! Nothing needs to be enabled in the microscope software. The system tells of changes where it can; every
//! [`Timing::poll`] the file's date and length are looked at besides (network disks tell nothing), which costs one call.
//!
//! A heartbeat is as old as its own time or the file's date say, whichever is older: a restored file has a fresh date, a
//! clock that runs ahead writes a time that never ages. One that changed before our eyes is as fresh as that moment,
//! whatever the clocks say.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crossbeam_channel::{Receiver, Sender, bounded, select};
use notify::{
    EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};
use parking_lot::Mutex;

use crate::{
    metadata::run_state::{self, Run},
    source,
};

/// The file's name in the state folder.
pub const RUN_FILE: &str = "run.json";
/// A run file has under 2 KB; what is larger than this is something else.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// Ends that wait to be taken; the oldest go first.
const MAX_ENDS: usize = 16;
/// A half-written file is tried again so often before the next look is waited for.
const RETRIES: u32 = 5;
/// Pause before each further try.
const RETRY_PAUSE: Duration = Duration::from_millis(20);
/// A watch that is stuck in the system (its home is a network disk) is not waited for any longer.
const JOIN_WITHIN: Duration = Duration::from_millis(500);

/// What became of the acquisition that the microscope software runs.
#[derive(Clone, Debug, PartialEq)]
pub enum RunNews {
    /// It runs; told again whenever the file is renewed.
    Running(Run),
    /// It ran, and the microscope software has stopped answering. It may come back as running.
    Lost(Run),
    /// It ended while we watched; the reason is in [`Run::end`].
    Ended(Run),
    /// The file of a run that had not ended is gone: nothing is known to run.
    Gone,
}

/// How patient a watch is.
#[derive(Clone, Copy, Debug)]
struct Timing {
    /// A heartbeat older than this is missed.
    fresh: Duration,
    /// Between two looks at an unchanged file.
    poll: Duration,
}

impl Default for Timing {
    /// Squid beats every 5 s: one that is 20 s old is the fourth that failed to come.
    fn default() -> Self {
        Self {
            fresh: Duration::from_secs(20),
            poll: Duration::from_millis(1500),
        }
    }
}

/// A watch over one state folder, on a thread of its own; ended when it drops.
pub struct RunWatch {
    news: Arc<Mutex<Waiting>>,
    /// Dropped to end the thread.
    stop: Option<Sender<()>>,
    /// Nothing is ever sent: it closes when the thread has ended.
    alive: Receiver<()>,
    num_reads: Arc<AtomicU32>,
}

impl RunWatch {
    /// Begins to watch `folder`, which need not exist yet; `wake` is called from its thread when there are news.
    ///
    /// An end and a lost run that are found at the start are history and not told.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(folder: &Path, wake: Arc<dyn Fn() + Send + Sync>) -> std::io::Result<Self> {
        Self::start_with(folder, wake, Timing::default())
    }

    fn start_with(
        folder: &Path,
        wake: Arc<dyn Fn() + Send + Sync>,
        timing: Timing,
    ) -> std::io::Result<Self> {
        let news = Arc::new(Mutex::new(Waiting::default()));
        let num_reads = Arc::new(AtomicU32::new(0));
        let (stop, stopped) = bounded(0);
        let (alive_sender, alive) = bounded::<()>(0);
        let mut watch = Watch {
            file: folder.join(RUN_FILE),
            timing,
            hints: Hints::new(folder),
            known: None,
            has_looked: false,
            seen: Seen::default(),
            news: Arc::clone(&news),
            num_reads: Arc::clone(&num_reads),
            wake,
        };
        thread::Builder::new()
            .name("squidview-run-state".into())
            .spawn(move || {
                watch.run(&stopped);
                drop(alive_sender);
            })?;
        Ok(Self {
            news,
            stop: Some(stop),
            alive,
            num_reads,
        })
    }

    /// The next news, oldest first; `None` where there are none. Of a run that goes on only the latest are kept, an end is
    /// not replaced by what came after it. Never blocks.
    #[must_use]
    pub fn take(&self) -> Option<RunNews> {
        self.news.lock().take()
    }

    /// How often the file was read; for tests and measurements.
    #[must_use]
    pub fn num_reads(&self) -> u32 {
        self.num_reads.load(Ordering::Relaxed)
    }
}

impl Drop for RunWatch {
    fn drop(&mut self) {
        self.stop = None;
        if self
            .alive
            .recv_timeout(JOIN_WITHIN)
            .is_err_and(|error| error.is_timeout())
        {
            tracing::warn!("the watch of run.json is stuck in the system and is left behind");
        }
    }
}

/// News that nobody took yet.
#[derive(Debug, Default)]
struct Waiting {
    ends: VecDeque<Run>,
    latest: Option<RunNews>,
}

impl Waiting {
    fn put(&mut self, news: RunNews) {
        if let RunNews::Ended(run) = news {
            self.latest = None;
            if self.ends.len() == MAX_ENDS {
                self.ends.pop_front();
            }
            self.ends.push_back(run);
        } else {
            self.latest = Some(news);
        }
    }

    fn take(&mut self) -> Option<RunNews> {
        let end = self.ends.pop_front().map(RunNews::Ended);
        end.or_else(|| self.latest.take())
    }
}

/// How we know a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Running,
    Lost,
    Ended,
}

/// The run that the file told of last.
#[derive(Debug)]
struct Known {
    run: Run,
    standing: Standing,
    /// Date of the file.
    modified: Option<SystemTime>,
    /// When its heartbeat changed before our eyes.
    beat: Option<Instant>,
}

impl Known {
    /// How old the heartbeat is; `None` where neither clock says.
    fn age(&self) -> Option<Duration> {
        let now = SystemTime::now();
        let unix_now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        // A time without a zone may be hours off.
        let heartbeat = self.run.heartbeat_at.filter(|time| time.has_zone);
        let by_heartbeat = heartbeat.map(|time| {
            let secs = (unix_now.as_secs_f64() - time.unix_secs).max(0.0);
            Duration::try_from_secs_f64(secs).unwrap_or(Duration::MAX)
        });
        // A date in the future is fresh, as far as it says anything.
        let by_date = self
            .modified
            .map(|modified| now.duration_since(modified).unwrap_or_default());
        let by_clocks = by_heartbeat.max(by_date);
        let by_eye = self.beat.map(|beat| beat.elapsed());
        match (by_clocks, by_eye) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        }
    }
}

/// What the last look at the file was about.
#[derive(Debug, Default)]
struct Seen {
    /// Date and length.
    stamp: Option<(Option<SystemTime>, u64)>,
    /// Tries in a row that could not be understood.
    failures: u32,
}

/// The watch on its thread.
struct Watch {
    file: PathBuf,
    timing: Timing,
    hints: Hints,
    known: Option<Known>,
    /// False before the first look: what is found then is history.
    has_looked: bool,
    seen: Seen,
    news: Arc<Mutex<Waiting>>,
    num_reads: Arc<AtomicU32>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Watch {
    fn run(&mut self, stopped: &Receiver<()>) {
        let mut is_told = false;
        loop {
            self.hints.keep();
            self.look(is_told);
            self.check_age();
            let pause = if (1..=RETRIES).contains(&self.seen.failures) {
                RETRY_PAUSE
            } else {
                self.timing.poll
            };
            select! {
                recv(stopped) -> _ => return,
                recv(self.hints.receiver) -> _ => is_told = true,
                default(pause) => is_told = false,
            }
        }
    }

    /// Reads the file where it changed, or where the system says so.
    fn look(&mut self, is_told: bool) {
        let found = match source::stat(&self.file) {
            Ok(found) => found,
            Err(error) => return self.fail(&error.to_string()),
        };
        let Some(found) = found else {
            return self.miss();
        };
        let stamp = Some((found.modified, found.num_bytes));
        let is_unread = (1..=RETRIES).contains(&self.seen.failures);
        if !is_told && !is_unread && stamp == self.seen.stamp {
            return;
        }
        self.seen.stamp = stamp;
        if found.num_bytes > MAX_FILE_BYTES {
            return self.fail(&format!(
                "{} bytes where a few are expected",
                found.num_bytes
            ));
        }
        match source::read_document(&self.file) {
            Ok(Some(text)) => match run_state::parse(&text) {
                Ok(run) => self.meet(run, found.modified),
                Err(error) => self.fail(&error),
            },
            Ok(None) => self.miss(),
            Err(error) => self.fail(&error.to_string()),
        }
        self.num_reads.fetch_add(1, Ordering::Relaxed);
    }

    /// The file cannot be understood: half-written, or not Squid's. What was known stays known, and ages.
    fn fail(&mut self, error: &str) {
        self.has_looked = true;
        self.seen.failures = self.seen.failures.saturating_add(1);
        // Once, after the last try: the file may lie there for weeks.
        if self.seen.failures == RETRIES + 1 {
            tracing::debug!("run file is left aside ({error}): {}", self.file.display());
        }
    }

    fn miss(&mut self) {
        self.has_looked = true;
        self.seen = Seen::default();
        let known = self.known.take();
        if known.is_some_and(|known| known.standing == Standing::Running) {
            self.tell(RunNews::Gone);
        }
    }

    fn meet(&mut self, run: Run, modified: Option<SystemTime>) {
        self.seen.failures = 0;
        let is_history = !std::mem::replace(&mut self.has_looked, true);
        let before = self.known.take();
        if let Some(before) = before.as_ref().filter(|before| before.run == run) {
            let (standing, beat) = (before.standing, before.beat);
            self.known = Some(Known {
                run,
                standing,
                modified,
                beat,
            });
            return;
        }
        let before = before.filter(|before| before.run.is_same_run(&run));
        let has_beaten = before
            .as_ref()
            .is_some_and(|before| before.run.heartbeat_at != run.heartbeat_at);
        let mut known = Known {
            standing: Standing::Ended,
            beat: if has_beaten {
                Some(Instant::now())
            } else {
                before.as_ref().and_then(|before| before.beat)
            },
            run,
            modified,
        };
        let was = before.map(|before| before.standing);
        if known.run.end.is_some() {
            if !is_history && was != Some(Standing::Ended) {
                self.tell(RunNews::Ended(known.run.clone()));
            }
        } else if self.is_fresh(&known) {
            known.standing = Standing::Running;
            self.tell(RunNews::Running(known.run.clone()));
        } else {
            known.standing = Standing::Lost;
            if was == Some(Standing::Running) {
                self.tell(RunNews::Lost(known.run.clone()));
            }
        }
        self.known = Some(known);
    }

    /// A run whose heartbeat has not come for too long is lost.
    fn check_age(&mut self) {
        let is_lost = self
            .known
            .as_ref()
            .is_some_and(|known| known.standing == Standing::Running && !self.is_fresh(known));
        if let Some(known) = self.known.as_mut().filter(|_| is_lost) {
            known.standing = Standing::Lost;
            let run = known.run.clone();
            self.tell(RunNews::Lost(run));
        }
    }

    fn is_fresh(&self, known: &Known) -> bool {
        known.age().is_some_and(|age| age <= self.timing.fresh)
    }

    fn tell(&self, news: RunNews) {
        self.news.lock().put(news);
        (self.wake)();
    }
}

/// What the system tells of the folder, or of the nearest one above that exists.
struct Hints {
    folder: PathBuf,
    receiver: Receiver<()>,
    sender: Sender<()>,
    /// The folder that is watched, with its watcher; `None` for the latter: the system cannot, we poll.
    watched: Option<(PathBuf, Option<RecommendedWatcher>)>,
}

impl Hints {
    fn new(folder: &Path) -> Self {
        // One hint that waits says it all: look.
        let (sender, receiver) = bounded(1);
        Self {
            folder: folder.to_path_buf(),
            receiver,
            sender,
            watched: None,
        }
    }

    /// Watches the folder, or what exists of the way to it.
    fn keep(&mut self) {
        let existing = self.folder.ancestors().find(|folder| folder.is_dir());
        let Some(existing) = existing else {
            self.watched = None;
            return;
        };
        let is_kept = self
            .watched
            .as_ref()
            .is_some_and(|(folder, _)| folder == existing);
        if is_kept {
            return;
        }
        let existing = existing.to_path_buf();
        let watcher = self.watch(&existing).map_err(|error| {
            tracing::debug!("run file is polled ({error}): {}", existing.display());
        });
        self.watched = Some((existing, watcher.ok()));
        // What happened before the watch was set is seen by the look that follows.
    }

    fn watch(&self, existing: &Path) -> notify::Result<RecommendedWatcher> {
        // The file, or the next folder on the way to it: a home folder sees many other events.
        let file = self.folder.join(RUN_FILE);
        let below = file.strip_prefix(existing).ok();
        let name = below.and_then(|below| below.iter().next().map(ToOwned::to_owned));
        let folder = existing.to_path_buf();
        let sender = self.sender.clone();
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                let concerns_us = event.is_ok_and(|event| {
                    let is_ours =
                        |path: &PathBuf| path.file_name() == name.as_deref() || *path == folder;
                    is_change(event.kind)
                        && (event.need_rescan() || event.paths.iter().any(is_ours))
                });
                // Full: a look is due anyway. Closed: the watch ends.
                if concerns_us && sender.try_send(()).is_err() {
                    tracing::trace!("a look at the run file is due already");
                }
            })?;
        watcher.watch(existing, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    }
}

/// False for events that our own reading causes.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests;
