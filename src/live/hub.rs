//! The one live thread: merges notices into a set, keeps which acquisition is shown, and wakes whoever listens.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, select};
use parking_lot::Mutex;

use super::{AcquisitionId, LiveEvent, PushHandle, Started, Status};
use crate::dataset::PlaneAt;

/// Notices that may wait for the live thread.
const MAX_NOTICES: usize = 1 << 16;
/// Starts, ends and wishes that may wait for it.
const MAX_CONTROLS: usize = 1 << 10;
/// A start or a wish waits no longer than this for a place.
const CONTROL_WITHIN: Duration = Duration::from_secs(1);
/// Written planes that are merged before the FOVs' rescan flags are used instead: what one frame can take in 20 ms.
const MAX_PENDING: usize = 1 << 16;
/// Wishes and warnings that nobody takes (the window is closed) are kept up to here, the oldest go first.
const MAX_EVENTS: usize = 1 << 10;
/// Planes that are not on the screen change only counts and bars: they wait so long for a frame that is drawn anyway.
pub(super) const QUIET_PERIOD: Duration = Duration::from_millis(100);

/// What is on the screen, as far as notices can concern it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// The acquisition that is open.
    pub acquisition: Option<AcquisitionId>,
    /// Flat number of its FOV.
    pub fov: u32,
    /// Timepoint index.
    pub t: u32,
    /// z-slice; `None`: all of them.
    pub z: Option<u32>,
    /// Drawn channels.
    pub channels: Vec<u16>,
    /// The view goes with the newest plane, so every notice concerns it.
    pub follows: bool,
}

impl Watched {
    fn shows(&self, id: AcquisitionId, at: PlaneAt) -> bool {
        self.acquisition == Some(id)
            && (self.fov, self.t) == (at.fov, at.t)
            && self.z.is_none_or(|z| z == at.z)
            && self.channels.contains(&at.c)
    }
}

/// Who is told of news; called from the live thread, must not block.
pub trait Audience: Send + Sync {
    /// There are news to be taken.
    fn wake(&self);

    /// A plane that is on the screen was written. True where reading it was begun, whose end wakes the interface.
    fn anticipate(&self, id: AcquisitionId, at: PlaneAt) -> bool;
}

/// What `app` takes once per frame.
#[derive(Debug, Default)]
pub struct News {
    /// One by one, in order.
    pub events: VecDeque<LiveEvent>,
    /// The acquisition that `written` and `rescan` belong to.
    pub acquisition: Option<AcquisitionId>,
    /// Planes that were written since the last call, and how often.
    pub written: HashMap<PlaneAt, u32>,
    /// The one that was announced last.
    pub newest: Option<PlaneAt>,
    /// Flat numbers of FOVs of which notices may have been lost: look at all of their planes again.
    pub rescan: HashSet<u32>,
    /// Notices of acquisitions that are no longer shown, since the start.
    pub num_late: u64,
    /// Fences that were passed.
    pub fence: u64,
}

/// A start, an end or a wish.
pub(super) enum Control {
    Event(LiveEvent),
    /// Show an acquisition that another one displaced.
    Resume(AcquisitionId),
}

/// A plane was written, or a fence.
#[derive(Clone, Copy, Debug)]
pub(super) enum Notice {
    Written(AcquisitionId, PlaneAt),
    Fence(u64),
}

/// What handles, the live thread and `app` share.
pub(super) struct Shared {
    pending: Mutex<News>,
    /// Something came in since news were taken last.
    is_fresh: AtomicBool,
    watched: Mutex<Watched>,
    status: Mutex<Arc<Status>>,
    listeners: Mutex<Vec<Weak<dyn StatusListener>>>,
    /// Acquisitions that are on their way to the live thread, or that it keeps.
    known: Mutex<HashSet<AcquisitionId>>,
    audience: Arc<dyn Audience>,
    next_fence: AtomicU64,
}

/// Who is told of each published status; called from the interface thread, must not block.
pub(super) trait StatusListener: Send + Sync {
    fn status_changed(&self);
}

/// Both ends that a handle sends into.
#[derive(Clone)]
pub(super) struct Sends {
    pub(super) controls: Sender<Control>,
    pub(super) notices: Sender<Notice>,
    pub(super) shared: Arc<Shared>,
}

/// Owner of the live thread; ends it when it and all handles are gone, or when it drops.
pub struct Live {
    // Field order is shutdown order: the thread ends when `stop` closes.
    stop: Option<Sender<()>>,
    sends: Sends,
    thread: Option<JoinHandle<()>>,
}

impl Live {
    /// Starts the live thread.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub fn start(audience: Arc<dyn Audience>) -> std::io::Result<Self> {
        let (controls, control_receiver) = bounded(MAX_CONTROLS);
        let (notices, notice_receiver) = bounded(MAX_NOTICES);
        let (stop, stopped) = bounded::<()>(0);
        let shared = Arc::new(Shared {
            pending: Mutex::default(),
            is_fresh: AtomicBool::new(false),
            watched: Mutex::default(),
            status: Mutex::default(),
            listeners: Mutex::default(),
            known: Mutex::default(),
            audience,
            next_fence: AtomicU64::new(0),
        });
        let merger = Merger {
            shared: Arc::clone(&shared),
            controls: control_receiver,
            notices: notice_receiver,
            stopped,
            acquisitions: Vec::new(),
            shown: None,
            wake_at: None,
        };
        let thread = thread::Builder::new()
            .name("squidview-live".into())
            .spawn(move || merger.run())?;
        let sends = Sends {
            controls,
            notices,
            shared,
        };
        Ok(Self {
            stop: Some(stop),
            sends,
            thread: Some(thread),
        })
    }

    /// A handle of its own: the acquisitions that it starts are those of one client.
    #[must_use]
    pub fn handle(&self) -> PushHandle {
        PushHandle::new(self.sends.clone())
    }

    /// What came since the last call; never blocks for long.
    #[must_use]
    pub fn take(&self) -> News {
        let mut pending = self.sends.shared.pending.lock();
        self.sends.shared.is_fresh.store(false, Ordering::Relaxed);
        let kept = News {
            acquisition: pending.acquisition,
            num_late: pending.num_late,
            fence: pending.fence,
            ..News::default()
        };
        std::mem::replace(&mut pending, kept)
    }

    /// Counts notices of an acquisition that is not open any more.
    pub fn count_late(&self, num_notices: u64) {
        self.sends.shared.count_late(num_notices);
    }

    /// Says what is on the screen, so that notices of it are acted upon at once.
    pub fn watch(&self, watched: Watched) {
        *self.sends.shared.watched.lock() = watched;
    }

    /// Says what clients are to be told.
    pub fn publish(&self, status: Arc<Status>) {
        *self.sends.shared.status.lock() = status;
        // After the new status is there: who is told now finds it.
        self.sends.shared.listeners.lock().retain(|listener| {
            let listener = listener.upgrade();
            listener.is_some_and(|listener| {
                listener.status_changed();
                true
            })
        });
    }

    /// Shows an acquisition again that another client's start displaced.
    pub fn resume(&self, id: AcquisitionId) {
        // Full means that starts wait already; the newest of them will be shown, as always.
        if self.sends.controls.try_send(Control::Resume(id)).is_err() {
            tracing::warn!("too many starts and wishes wait, {id:?} is not shown again");
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the live thread panicked");
        }
    }
}

impl Sends {
    /// Sends a start, which is known from then on.
    pub(super) fn start(&self, started: Started) -> bool {
        let id = started.id;
        self.shared.known.lock().insert(id);
        let is_sent = self.control(LiveEvent::Started(started));
        if !is_sent {
            self.shared.known.lock().remove(&id);
        }
        is_sent
    }

    /// Sends a start, an end or a wish; waits briefly where too many wait.
    pub(super) fn control(&self, event: LiveEvent) -> bool {
        let control = Control::Event(event);
        self.controls.send_timeout(control, CONTROL_WITHIN).is_ok()
    }

    /// Sends a notice, or sets the rescan flag of its FOV; never waits.
    pub(super) fn written(&self, id: AcquisitionId, at: PlaneAt) {
        match self.notices.try_send(Notice::Written(id, at)) {
            Err(TrySendError::Full(_)) => self.shared.rescan(id, at),
            // Where the window is gone, nobody needs to know.
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
        }
    }

    /// Puts a fence behind all notices that were sent before; its number comes back in [`Status::fence`].
    pub(super) fn fence(&self) -> Option<u64> {
        let number = self.shared.next_fence.fetch_add(1, Ordering::SeqCst) + 1;
        let fence = Notice::Fence(number);
        let sent = self.notices.send_timeout(fence, CONTROL_WITHIN);
        sent.is_ok().then_some(number)
    }
}

impl Shared {
    fn rescan(&self, id: AcquisitionId, at: PlaneAt) {
        let mut pending = self.pending.lock();
        self.is_fresh.store(true, Ordering::Relaxed);
        // An acquisition that the live thread does not know of yet looks at the disk from its start.
        if pending.acquisition == Some(id) {
            pending.rescan.insert(at.fov);
        } else {
            pending.num_late += 1;
        }
    }

    /// Sets rescan flags of an acquisition, for notices that were lost before they came here.
    pub(super) fn rescan_all(&self, id: AcquisitionId, fovs: impl Iterator<Item = u32>) {
        {
            let mut pending = self.pending.lock();
            if pending.acquisition != Some(id) {
                return;
            }
            pending.rescan.extend(fovs);
        }
        self.is_fresh.store(true, Ordering::Relaxed);
        self.audience.wake();
    }

    /// True while the acquisition is shown, offered, or on its way.
    pub(super) fn knows(&self, id: AcquisitionId) -> bool {
        self.known.lock().contains(&id)
    }

    /// Counts notices of an acquisition that nobody keeps any more.
    pub(super) fn count_late(&self, num_notices: u64) {
        self.pending.lock().num_late += num_notices;
    }

    pub(super) fn num_late(&self) -> u64 {
        self.pending.lock().num_late
    }

    /// Tells `listener` of each status that is published from now on, for as long as it lives.
    pub(super) fn listen(&self, listener: Weak<dyn StatusListener>) {
        let mut listeners = self.listeners.lock();
        // Those of clients that came and went while nothing was published.
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(listener);
    }

    /// The last published status.
    pub(super) fn status(&self) -> Arc<Status> {
        Arc::clone(&self.status.lock())
    }
}

/// The live thread.
struct Merger {
    shared: Arc<Shared>,
    controls: Receiver<Control>,
    notices: Receiver<Notice>,
    stopped: Receiver<()>,
    /// Started and not replaced by the same client, the oldest first; few.
    acquisitions: Vec<Started>,
    shown: Option<AcquisitionId>,
    /// When the interface is woken for news that are not on the screen, unless it took them with a frame before.
    wake_at: Option<Instant>,
}

/// Acquisitions that are kept to be offered again.
const MAX_ACQUISITIONS: usize = 16;

impl Merger {
    fn run(mut self) {
        loop {
            let wait = self.wake_at.map_or(Duration::MAX, |at| {
                at.saturating_duration_since(Instant::now())
            });
            select! {
                recv(self.stopped) -> _ => return,
                recv(self.controls) -> control => match control {
                    Ok(control) => self.take_control(control),
                    Err(_) => return,
                },
                recv(self.notices) -> notice => match notice {
                    Ok(notice) => self.take_notices(notice),
                    Err(_) => return,
                },
                default(wait) => self.wake_for_the_rest(),
            }
        }
    }

    fn take_control(&mut self, control: Control) {
        match control {
            Control::Event(LiveEvent::Started(started)) => self.show(started),
            Control::Resume(id) => {
                let known = self.acquisitions.iter().find(|known| known.id == id);
                if let Some(started) = known.cloned() {
                    self.show(started);
                }
            }
            Control::Event(event) => self.shared.pending.lock().push(event),
        }
        self.wake();
    }

    /// The latest start is shown; what was merged for another acquisition is for nobody.
    fn show(&mut self, started: Started) {
        let id = started.id;
        // A client that starts anew is done with what it started before.
        let is_done = |known: &mut Started| known.client == started.client;
        let mut done: Vec<Started> = self.acquisitions.extract_if(.., is_done).collect();
        if self.acquisitions.len() >= MAX_ACQUISITIONS {
            done.push(self.acquisitions.remove(0));
        }
        {
            let mut known = self.shared.known.lock();
            // One that is shown again is done with and kept.
            for gone in done.iter().filter(|gone| gone.id != id) {
                known.remove(&gone.id);
            }
        }
        let displaced = self.shown.and_then(|shown| {
            let mut known = self.acquisitions.iter();
            known.find(|known| known.id == shown).cloned()
        });
        self.acquisitions.push(started.clone());
        self.shown = Some(id);
        let mut pending = self.shared.pending.lock();
        pending.acquisition = Some(id);
        pending.written.clear();
        pending.rescan.clear();
        pending.newest = None;
        if let Some(displaced) = displaced {
            pending.push(LiveEvent::Displaced(displaced));
        }
        pending.push(LiveEvent::Started(started));
    }

    fn take_notices(&mut self, first: Notice) {
        // A start is sent before the notices of its acquisition, over the other channel.
        while let Ok(control) = self.controls.try_recv() {
            self.take_control(control);
        }
        let mut visible = Vec::new();
        let (mut num_quiet, watched) = (0_usize, self.shared.watched.lock().clone());
        let was_fresh = {
            let mut pending = self.shared.pending.lock();
            let batch = std::iter::once(first).chain(self.notices.try_iter());
            for notice in batch.take(MAX_NOTICES) {
                let (id, at) = match notice {
                    Notice::Fence(number) => {
                        pending.fence = pending.fence.max(number);
                        num_quiet += 1;
                        continue;
                    }
                    Notice::Written(id, at) => (id, at),
                };
                if Some(id) != self.shown {
                    pending.num_late += 1;
                    continue;
                }
                let is_new = pending.merge(at);
                if is_new && watched.shows(id, at) {
                    visible.push((id, at));
                } else {
                    num_quiet += 1;
                }
            }
            // With the news, or whoever takes them leaves a mark behind that is of none.
            self.shared.is_fresh.swap(true, Ordering::Relaxed)
        };
        let mut is_urgent = watched.follows && num_quiet > 0;
        for (id, at) in visible {
            // The read's end wakes the interface: one frame instead of two.
            is_urgent |= !self.shared.audience.anticipate(id, at);
        }
        // A frame that took what was merged before leaves nothing to wake for.
        if !was_fresh {
            self.wake_at = None;
        }
        if is_urgent {
            self.wake();
        } else {
            let due = Instant::now() + QUIET_PERIOD;
            self.wake_at.get_or_insert(due);
            // A flood leaves no pause in which the time could be looked at.
            self.wake_for_the_rest();
        }
    }

    fn wake(&mut self) {
        self.shared.is_fresh.store(true, Ordering::Relaxed);
        self.wake_at = None;
        self.shared.audience.wake();
    }

    /// The time may have come; news that a frame took along need none of their own.
    fn wake_for_the_rest(&mut self) {
        if self.wake_at.is_some_and(|at| at <= Instant::now()) {
            self.wake_at = None;
            if self.shared.is_fresh.load(Ordering::Relaxed) {
                self.shared.audience.wake();
            }
        }
    }
}

impl News {
    fn push(&mut self, event: LiveEvent) {
        if self.events.len() >= MAX_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// Adds a written plane; true where it is the first notice of it since the last frame.
    fn merge(&mut self, at: PlaneAt) -> bool {
        self.newest = Some(at);
        if let Some(times) = self.written.get_mut(&at) {
            *times += 1;
            return false;
        }
        if self.written.len() >= MAX_PENDING {
            self.rescan.insert(at.fov);
            return false;
        }
        self.written.insert(at, 1);
        true
    }
}
