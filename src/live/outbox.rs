//! What waits to be sent to one client: replies in order, waits until they are due, and the latest status.
//!
//! One thread fills it (it reads the client's messages), one empties it (it writes to the client). Replies are bounded:
//! where too many wait, the client's next messages are not read until it has read some. Of events only the latest counts.

use std::{
    collections::VecDeque,
    io::Write,
    net::{Shutdown, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};

use super::{
    PushError, PushHandle, Status,
    answers::{self, Facts, Refusal, ShownAnswer},
    hub::StatusListener,
    protocol::{Code, Id},
};
use crate::{
    dataset::{Dataset, NoticeError},
    model::{NavAxis, Shown},
};

/// Replies that may wait.
const MAX_REPLIES: usize = 256;
/// Their bytes, where more than one waits.
const MAX_BYTES: usize = 64 << 20;
/// `wait_shown` that may wait.
const MAX_WAITS: usize = 256;
/// Events come no faster than this: 30 a second.
const EVENT_PERIOD: Duration = Duration::from_nanos(1_000_000_000 / 30);

/// The position that a client waits for; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish {
    pub(super) t: Option<i64>,
    pub(super) fov: Option<i64>,
    pub(super) z: Option<i64>,
    pub(super) channel: Option<String>,
}

/// An unanswered `wait_shown`.
pub(super) struct Wait {
    pub(super) id: Id,
    pub(super) wish: Wish,
    /// What the client sent before is in every status with this fence or a later one.
    pub(super) fence: u64,
    pub(super) deadline: Instant,
}

/// What waits to be sent to one client.
pub(super) struct Outbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    replies: VecDeque<String>,
    num_bytes: usize,
    waits: Vec<Wait>,
    /// The status that a subscriber was told last.
    told: Option<Arc<Status>>,
    next_event: Option<Instant>,
    end: End,
}

/// How far the end of the connection is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    /// What waits is sent, nothing comes after it.
    Finishing,
    /// Nobody takes anything any more.
    Closed,
}

/// What is to be sent next.
enum Due {
    Replies(VecDeque<String>),
    Waits(Vec<Wait>, Arc<Status>),
    Event(Arc<Status>),
}

impl Outbox {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Adds a reply behind the others; waits while too many wait. False where the connection is at its end.
    pub(super) fn put(&self, reply: String) -> bool {
        let mut state = self.state.lock();
        while state.end == End::Open && state.is_full(reply.len()) {
            self.changed.wait(&mut state);
        }
        state.put(reply);
        self.changed.notify_all();
        state.end == End::Open
    }

    /// Adds the reply to a subscription, and events for what comes after `told`.
    pub(super) fn subscribe(&self, told: Arc<Status>, reply: Option<String>) {
        if let Some(reply) = reply {
            self.put(reply);
        }
        self.state.lock().told.get_or_insert(told);
        self.changed.notify_all();
    }

    /// Adds a wait.
    pub(super) fn wait(&self, wait: Wait) -> Result<(), Refusal> {
        let mut state = self.state.lock();
        if state.waits.len() >= MAX_WAITS {
            let message = format!("{MAX_WAITS} wait_shown wait already");
            return Err(Refusal::new(Code::Invalid, message));
        }
        state.waits.push(wait);
        self.changed.notify_all();
        Ok(())
    }

    /// The replies that wait, which nobody is to be sent.
    pub(super) fn take_replies(&self) -> VecDeque<String> {
        let mut state = self.state.lock();
        state.num_bytes = 0;
        std::mem::take(&mut state.replies)
    }

    /// Sends what waits and then ends.
    pub(super) fn finish(&self) {
        let mut state = self.state.lock();
        if state.end == End::Open {
            state.end = End::Finishing;
        }
        self.changed.notify_all();
    }

    /// Sends until the end; on the client's writing thread. A client that takes nothing for the write timeout of the
    /// stream is let go.
    pub(super) fn send(&self, mut stream: &TcpStream, handle: &PushHandle, facts: &Facts) {
        let mut how = Shutdown::Write;
        while let Some(due) = self.due(handle) {
            let sent = match due {
                Due::Replies(replies) => replies
                    .iter()
                    .try_for_each(|reply| stream.write_all(reply.as_bytes())),
                Due::Waits(waits, status) => waits
                    .iter()
                    .try_for_each(|wait| stream.write_all(wait.answer(&status).as_bytes())),
                Due::Event(status) => {
                    let event = answers::event(&facts.status(&status, handle));
                    stream.write_all(event.as_bytes())
                }
            };
            if let Err(error) = sent {
                tracing::debug!("a client takes nothing more: {error}");
                how = Shutdown::Both;
                break;
            }
        }
        self.state.lock().end = End::Closed;
        self.changed.notify_all();
        // It may be gone already.
        if let Err(error) = stream.shutdown(how) {
            tracing::debug!("a client was gone: {error}");
        }
    }

    /// Waits for something to send; `None`: the end.
    fn due(&self, handle: &PushHandle) -> Option<Due> {
        let mut state = self.state.lock();
        loop {
            if !state.replies.is_empty() {
                state.num_bytes = 0;
                self.changed.notify_all();
                return Some(Due::Replies(std::mem::take(&mut state.replies)));
            }
            if state.end != End::Open {
                return None;
            }
            // A status that comes after this line calls `status_changed`, which waits for this lock.
            let (status, now) = (handle.status(), Instant::now());
            let is_due = |wait: &mut Wait| wait.is_due(&status, now);
            let waits: Vec<Wait> = state.waits.extract_if(.., is_due).collect();
            if !waits.is_empty() {
                return Some(Due::Waits(waits, status));
            }
            let has_news = state
                .told
                .as_ref()
                .is_some_and(|told| !Arc::ptr_eq(told, &status));
            if has_news && state.next_event.is_none_or(|next| next <= now) {
                state.told = Some(Arc::clone(&status));
                state.next_event = Some(now + EVENT_PERIOD);
                return Some(Due::Event(status));
            }
            let deadlines = state.waits.iter().map(|wait| wait.deadline);
            let next_event = state.next_event.filter(|_| has_news);
            match deadlines.chain(next_event).min() {
                Some(next) => {
                    self.changed.wait_until(&mut state, next);
                }
                None => self.changed.wait(&mut state),
            }
        }
    }
}

impl StatusListener for Outbox {
    fn status_changed(&self) {
        // Held for moments only: nothing is sent or put into words under this lock.
        drop(self.state.lock());
        self.changed.notify_all();
    }
}

impl State {
    fn is_full(&self, num_bytes: usize) -> bool {
        let is_over = self.num_bytes + num_bytes > MAX_BYTES;
        self.replies.len() >= MAX_REPLIES || (is_over && !self.replies.is_empty())
    }

    fn put(&mut self, reply: String) {
        if self.end != End::Closed {
            self.num_bytes += reply.len();
            self.replies.push_back(reply);
        }
    }
}

impl Wait {
    /// True where it is met, cannot be any more, or its time is over.
    fn is_due(&self, status: &Status, now: Instant) -> bool {
        let dataset = status.dataset.as_deref();
        let is_out =
            || dataset.is_some_and(|it| self.is_fixed(it)) && self.beyond(status).is_some();
        self.is_met_by(status) || self.deadline <= now || is_out()
    }

    /// False for what may still come to have what is waited for: it runs, or was not opened yet.
    fn is_fixed(&self, dataset: &Dataset) -> bool {
        let flat = self.wish.fov.and_then(|fov| u32::try_from(fov).ok());
        let fov = flat.and_then(|flat| dataset.fov_at(flat));
        let is_opened = match (fov, self.wish.fov) {
            (Some(fov), _) => dataset.image(fov).is_some(),
            (None, Some(_)) => true,
            (None, None) => (dataset.order.iter()).all(|&fov| dataset.image(fov).is_some()),
        };
        !dataset.is_running() && is_opened
    }

    /// The index that is beyond what is open, once that is what the client means.
    fn beyond(&self, status: &Status) -> Option<NoticeError> {
        let dataset = status.dataset.as_ref()?;
        let wishes = [
            (NavAxis::Time, "t", self.wish.t),
            (NavAxis::Fov, "fov", self.wish.fov),
            (NavAxis::Z, "z", self.wish.z),
        ];
        let mut wishes = wishes.into_iter().filter(|_| status.fence >= self.fence);
        wishes.find_map(|(axis, what, wish)| {
            let last = i64::from(dataset.len_along(axis)) - 1;
            let found = wish.filter(|wish| *wish > last)?;
            Some(NoticeError::OutOfRange { what, found, last })
        })
    }

    fn is_met_by(&self, status: &Status) -> bool {
        let is_shown = |shown: &Shown| self.wish.is_met_by(shown);
        status.fence >= self.fence && status.shown.as_deref().is_some_and(is_shown)
    }

    fn answer(&self, status: &Status) -> String {
        #[derive(serde::Serialize)]
        struct Answer {
            age_s: f64,
            shown: ShownAnswer,
        }
        match &status.shown {
            Some(shown) if self.is_met_by(status) => {
                let shown = ShownAnswer::of(shown);
                let age_s = shown.age_s;
                answers::ok(&self.id, Answer { age_s, shown })
            }
            _ => {
                let in_time = || Refusal::new(Code::Timeout, "this was not shown in time");
                let beyond = self.beyond(status).map(PushError::from);
                let refusal = beyond.map_or_else(in_time, Refusal::from);
                refusal.line(Some(&self.id))
            }
        }
    }
}

impl Wish {
    fn is_met_by(&self, shown: &Shown) -> bool {
        let is_there = |wish: Option<i64>, found: u32| wish.is_none_or(|at| at == i64::from(found));
        // A maximum shows no z-slice.
        let is_at_z = is_there(self.z, shown.z) && !(self.z.is_some() && shown.is_max);
        let mut drawn = shown
            .planes
            .iter()
            .filter(|plane| (self.channel.as_ref()).is_none_or(|name| *name == plane.channel))
            .peekable();
        is_there(self.t, shown.t)
            && is_there(self.fov, shown.flat)
            && is_at_z
            && drawn.peek().is_some()
            && drawn.all(|plane| plane.has_pixels && plane.is_latest)
    }
}
