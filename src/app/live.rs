//! Live news in the window: acquisitions that are announced, and what becomes of notices.
//!
//! The live thread tells an [`Ear`], which lets the loader begin with a plane that is on the screen before the interface
//! wakes. The interface takes what was merged once per frame, and publishes what it shows after the present.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    sync::{Arc, OnceLock},
    time::Instant,
};

use eframe::egui;
use parking_lot::Mutex;

use super::{
    App, Viewing,
    pace::{EndTeller, Pace},
    starting::first_session,
    viewing::plane_of,
    waking,
};
use crate::{
    dataset::PlaneAt,
    formats,
    live::{
        AcquisitionId, Audience, Destination, InstanceFolder, Listen, Live, LiveEvent, News,
        Server, ServerError, Started, Status, Watched,
    },
    loader::Loader,
    model::{Code, DatasetId, FovId, NavAxis, Problem, Shown},
    session::Command,
};

/// Who is told of news, on the live thread.
pub(super) struct Ear {
    context: Arc<OnceLock<egui::Context>>,
    loader: Arc<Loader>,
    /// The announced acquisition that is open, and the dataset that it is.
    open: Mutex<Option<(AcquisitionId, DatasetId)>>,
}

impl Ear {
    pub(super) fn new(context: Arc<OnceLock<egui::Context>>, loader: Arc<Loader>) -> Self {
        Self {
            context,
            loader,
            open: Mutex::default(),
        }
    }
}

impl Audience for Ear {
    fn wake(&self) {
        waking::wake(&self.context);
    }

    fn anticipate(&self, id: AcquisitionId, at: PlaneAt) -> bool {
        let open = *self.open.lock();
        // Rows of an announced dataset are flat numbers.
        open.is_some_and(|(open, dataset)| {
            open == id && self.loader.anticipate(dataset, plane_of(FovId(at.fov), at))
        })
    }
}

/// What the window keeps of live sources.
pub(super) struct LiveSide {
    // Field order is shutdown order: no client is served by a hub that is gone.
    server: Option<Server>,
    live: Live,
    ear: Arc<Ear>,
    /// The announced acquisition that is shown, or was shown last.
    announced: Option<Started>,
    /// Acquisitions that are announced and not shown, because another client's start displaced them or something else was
    /// opened; the latest last.
    pub(super) displaced: Vec<Started>,
    /// Acquisitions that ended, of those that are shown or displaced.
    pub(super) ended: HashSet<AcquisitionId>,
    /// The timepoint to go to once a store has it, as notices say.
    awaited_t: Option<u32>,
    watched: Watched,
    status: RefCell<Arc<Status>>,
    fence: u64,
    pub(super) num_late: u64,
}

impl LiveSide {
    pub(super) fn new(live: Live, ear: Arc<Ear>) -> Self {
        Self {
            server: None,
            live,
            ear,
            announced: None,
            displaced: Vec::new(),
            ended: HashSet::new(),
            awaited_t: None,
            watched: Watched::default(),
            status: RefCell::default(),
            fence: 0,
            num_late: 0,
        }
    }

    /// Lets other programs connect. The window works without.
    ///
    /// # Errors
    /// Why nobody can, in words.
    pub(super) fn listen(&mut self, listen: &Listen) -> Result<(), String> {
        if *listen == Listen::Off {
            return Ok(());
        }
        let started = InstanceFolder::of_user()
            .map_err(ServerError::from)
            .and_then(|folder| Server::start(&self.live, listen, &folder));
        self.server =
            started.map_err(|error| format!("Other programs cannot connect ({error})"))?;
        Ok(())
    }

    /// Says to the live thread what is wished for the screen.
    pub(super) fn watch(&mut self, viewing: Option<&Viewing>) {
        let watched = viewing.map(watched).unwrap_or_default();
        if self.watched != watched {
            self.live.watch(watched.clone());
            self.watched = watched;
        }
    }

    /// Says to clients what is on the screen.
    fn publish(&self, status: Status) {
        let mut last = self.status.borrow_mut();
        if !is_same(&last, &status) {
            *last = Arc::new(status);
            self.live.publish(Arc::clone(&last));
        }
    }
}

/// True where clients would be told the same.
fn is_same(a: &Status, b: &Status) -> bool {
    let dataset = |status: &Status| {
        let open = status.dataset.as_ref();
        open.map(|dataset| (dataset.id, dataset.revision))
    };
    let shown = match (&a.shown, &b.shown) {
        (Some(a), Some(b)) => a.is_same_as(b),
        (None, None) => true,
        _ => false,
    };
    let rest = |status: &Status| {
        (
            status.acquisition,
            status.counts,
            status.is_push_active,
            status.is_zarr_push_active,
            status.fence,
        )
    };
    shown && dataset(a) == dataset(b) && rest(a) == rest(b)
}

impl App {
    /// A handle to this window, for a program that announces what it acquires.
    #[must_use]
    pub fn push_handle(&self) -> crate::live::PushHandle {
        self.live.live.handle()
    }

    /// Takes what came from live sources since the last frame.
    pub(super) fn take_live(&mut self, ctx: &egui::Context) {
        let mut news = self.live.live.take();
        let mut ended = Vec::new();
        (self.live.fence, self.live.num_late) = (news.fence, news.num_late);
        // Who goes to a timepoint that was announced just before finds it.
        let (mut destinations, mut others) = (Vec::new(), Vec::new());
        for event in std::mem::take(&mut news.events) {
            match event {
                LiveEvent::Go(to) => destinations.extend(to),
                LiveEvent::Started(_) | LiveEvent::Open(_) => {
                    self.live.awaited_t = None;
                    destinations.clear();
                    others.push(event);
                }
                other => others.push(other),
            }
        }
        for event in others {
            if let LiveEvent::Ended(id) = &event {
                ended.push(*id);
            }
            self.take_event(ctx, event);
        }
        self.take_notices(news);
        // Notices that came with its end are of what was announced.
        for id in ended {
            self.end_announced(id);
        }
        let awaited = self.live.awaited_t.take();
        let awaited = awaited.map(|t| Destination::Index(NavAxis::Time, t));
        self.go(awaited.into_iter().chain(destinations));
    }

    /// Takes planes that were written, as far as they are of the acquisition that is open.
    fn take_notices(&mut self, news: News) {
        let is_open = |viewing: &&mut Viewing| {
            viewing.acquisition.is_some() && viewing.acquisition == news.acquisition
        };
        let Some(viewing) = self.viewing.as_mut().filter(is_open) else {
            // Something else was opened in its place, or it was closed.
            let num_late = news.written.values().map(|&times| u64::from(times)).sum();
            self.live.live.count_late(num_late);
            self.live.num_late += num_late;
            return;
        };
        viewing.announce(&news.written);
        let rescan: Vec<FovId> = news.rescan.iter().map(|&flat| FovId(flat)).collect();
        viewing.renew_fovs(rescan.iter().copied());
        let plane = |at: PlaneAt| plane_of(FovId(at.fov), at);
        if viewing.session.follow.is_on {
            let mut planes: Vec<PlaneAt> = news.written.into_keys().collect();
            planes.sort_by_key(|at| (at.t, at.fov, at.z, at.c));
            viewing.follow(planes.into_iter().map(plane));
        }
        viewing.follow(news.newest.into_iter().map(plane));
        if let Some(plane) = viewing.newest {
            self.pace.newest(plane, &viewing.dataset, Instant::now());
        }
        self.rescan_disk(&rescan);
    }

    fn take_event(&mut self, ctx: &egui::Context, event: LiveEvent) {
        match event {
            LiveEvent::Started(started) => self.show_announced(&started),
            LiveEvent::Ended(id) => {
                self.live.ended.insert(id);
            }
            LiveEvent::Displaced(started) => {
                let client = started.client;
                self.live.displaced.retain(|other| other.client != client);
                if !self.live.ended.contains(&started.id) {
                    self.live.displaced.push(started);
                }
                let displaced = &self.live.displaced;
                let is_kept = |id: &AcquisitionId| displaced.iter().any(|other| other.id == *id);
                self.live.ended.retain(is_kept);
            }
            LiveEvent::Open(path) => self.open(&path),
            LiveEvent::Refresh => self.reload(),
            LiveEvent::ShowWindow => {
                ctx.send_viewport_cmd(egui::ViewportCommand::Minimized(false));
                ctx.send_viewport_cmd(egui::ViewportCommand::Focus);
            }
            LiveEvent::Go(to) => self.go(to.into_iter()),
            LiveEvent::Written {
                dataset,
                fov,
                t,
                z,
                c,
            } => {
                let viewing = self.viewing.as_mut();
                if let Some(viewing) = viewing.filter(|it| it.dataset.id == dataset)
                    && let Some(flat) = viewing.dataset.flat_of(fov)
                {
                    let at = PlaneAt { fov: flat, t, c, z };
                    viewing.announce(&HashMap::from([(at, 1)]));
                }
            }
            LiveEvent::Warning(text) => {
                tracing::warn!("{text}");
                if let Some(viewing) = &mut self.viewing {
                    viewing.list_problem(Problem::new(Code::Ignored, ".", text));
                }
            }
        }
    }

    /// Opens an announced acquisition in place of whatever is shown; nothing on disk is touched here.
    fn show_announced(&mut self, started: &Started) {
        self.opening.cancel();
        self.running.wish_no_more();
        self.waits_for_demo = false;
        (self.error, self.notice) = (None, None);
        if let Some(viewing) = self.viewing.take() {
            self.leave(&viewing);
            self.loader.retry();
        }
        let dataset = formats::announced(&started.announcement, &started.registered);
        *self.live.ear.open.lock() = Some((started.id, dataset.id));
        let num_displaced = self.live.displaced.len();
        self.live.displaced.retain(|other| other.id != started.id);
        let is_shown_again = self.live.displaced.len() < num_displaced;
        let session = first_session(&dataset, &self.settings);
        let mut viewing = Viewing::new(dataset, session);
        viewing.acquisition = Some(started.id);
        self.pace = Pace::default();
        if is_shown_again {
            // Of these no disk tells.
            let planes = started.registered.planes().into_iter();
            viewing.announce(&planes.map(|at| (at, 1)).collect());
        }
        let has_ended = self.live.ended.contains(&started.id);
        if !has_ended && self.follows_runs() {
            viewing.apply(&Command::SetFollow(true));
        }
        self.viewing = Some(viewing);
        self.live.announced = Some(started.clone());
        if has_ended {
            self.end_announced(started.id);
        }
        self.watch_disk();
    }

    /// The announcements of an acquisition came to their end. What is on disk may say more.
    fn end_announced(&mut self, id: AcquisitionId) {
        let viewing = self.viewing.as_mut();
        let Some(viewing) = viewing.filter(|it| it.acquisition == Some(id)) else {
            return;
        };
        viewing.stop_announcing();
    }

    /// Says how an acquisition ended whose announcements came to their end: notices that come after it still count, and
    /// of registered planes the mark in their folder tells.
    pub(super) fn tell_announced_end(&mut self) {
        let Some(viewing) = self.viewing.as_ref() else {
            return;
        };
        let dataset = &viewing.dataset;
        if !dataset.is_announced_to_end {
            return;
        }
        let run = dataset.acquisition.as_ref();
        let by_mark = run.filter(|run| dataset.is_registered() && run.complete.is_some());
        if let Some(run) = by_mark {
            let words = if run.aborted { "stopped" } else { "finished" };
            self.pace.end(EndTeller::Disk, words);
            return;
        }
        let counts = viewing.counts();
        let is_whole = counts.planned.is_none_or(|all| counts.written >= all);
        let words = if is_whole { "finished" } else { "ended" };
        self.pace.end(EndTeller::Announcer, words);
    }

    /// Something else was opened in place of an acquisition that is still announced: it is offered.
    pub(super) fn put_announced_aside(&mut self, kept: &Viewing) {
        let announced = self.live.announced.take();
        let is_left = |started: &Started| {
            kept.acquisition == Some(started.id) && !self.live.ended.contains(&started.id)
        };
        self.live.displaced.extend(announced.filter(is_left));
    }

    fn go(&mut self, destinations: impl Iterator<Item = Destination>) {
        let Some(viewing) = &mut self.viewing else {
            return;
        };
        for destination in destinations {
            if let Destination::Index(NavAxis::Time, t) = destination
                && t >= viewing.dataset.len_along(NavAxis::Time)
                && viewing.awaits_timepoint(t)
            {
                self.live.awaited_t = Some(t);
                continue;
            }
            viewing.apply(&match destination {
                Destination::Index(axis, index) => Command::SetIndex(axis, index),
                Destination::Channel(channel) => Command::SelectChannel(channel),
                Destination::Label(label) => Command::GoToText(label),
            });
        }
    }

    /// Shows an acquisition again that another client's start displaced.
    pub(super) fn show_displaced(&mut self, number: u64) {
        let mut displaced = self.live.displaced.iter();
        if let Some(started) = displaced.find(|it| it.id.number() == number) {
            self.live.live.resume(started.id);
        }
    }

    /// Tells clients what the frame showed that was just presented; the moment is that of the first such frame.
    pub(super) fn publish(&self, shown: Option<Arc<Shown>>) {
        let viewing = self.viewing.as_ref();
        let acquisition = viewing.and_then(|viewing| viewing.acquisition);
        let dataset = viewing.map(|viewing| &viewing.dataset);
        let announced = dataset.and_then(|dataset| dataset.announcement.as_ref());
        // A wish to open something is fulfilled when that is open, or cannot be.
        let fence = match self.opening.underway() {
            Some(_) => self.live.status.borrow().fence,
            None => self.live.fence,
        };
        let is_zarr = announced.is_some() && dataset.is_some_and(|it| !it.is_registered());
        let status = Status {
            dataset: dataset.cloned(),
            acquisition,
            shown,
            counts: viewing.map(Viewing::counts).unwrap_or_default(),
            is_push_active: announced.is_some(),
            is_zarr_push_active: is_zarr && viewing.is_some_and(|it| it.is_announcing),
            fence,
        };
        self.live.publish(status);
    }
}

/// What of a view notices can concern.
fn watched(viewing: &Viewing) -> Watched {
    let session = &viewing.session;
    let selection = session.selection();
    let at = selection.position;
    Watched {
        acquisition: viewing.acquisition,
        fov: at.fov.0,
        t: at.t,
        z: (!selection.is_max).then_some(at.z),
        channels: selection.channels.iter().map(|&c| c as u16).collect(),
        follows: session.follow.is_on,
    }
}
