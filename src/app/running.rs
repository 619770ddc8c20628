//! The acquisition that the microscope's software says is running: offered, opened by itself, and its end shown.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use eframe::egui;

use super::{App, Viewing, pace::EndTeller};
use crate::{
    formats,
    live::{RunNews, RunWatch},
    metadata::run_state::{EndReason, Run},
    model::{Code, NavAxis},
    session::Command,
    ui::{LiveFacts, Offer, OfferKind},
};

/// A running acquisition without an image yet is tried again after this time.
const TRY_AGAIN: Duration = Duration::from_millis(500);
/// The longest pause between two tries where nothing says that it runs.
const TRY_AGAIN_AT_LAST: Duration = Duration::from_secs(5);
/// A first store that cannot be opened for so long is not only being begun.
const BEGUN_WITHIN: Duration = Duration::from_secs(10);

/// What is known of the microscope's run.
#[derive(Default)]
pub(super) struct Running {
    watch: Option<RunWatch>,
    /// The run, as long as it has not ended.
    run: Option<Run>,
    /// Its heartbeat stopped.
    is_lost: bool,
    /// An acquisition that is to be opened as soon as it has an image.
    wanted: Option<PathBuf>,
    /// It is to be followed then.
    follows_wanted: bool,
    /// Since when it is tried.
    wanted_since: Option<Instant>,
    /// When it is tried again, because it had no image yet.
    try_at: Option<Instant>,
}

impl Running {
    /// The acquisition of that folder is to be followed once it is open.
    pub(super) fn wish(&mut self, path: PathBuf) {
        (self.wanted, self.follows_wanted) = (Some(path), true);
    }

    /// Something else is opened: the running acquisition is not waited for any more.
    pub(super) fn wish_no_more(&mut self) {
        (self.wanted, self.wanted_since, self.try_at) = (None, None, None);
        self.follows_wanted = false;
    }

    /// When an acquisition without an image is tried again.
    pub(super) fn next_try(&self) -> Option<Instant> {
        self.try_at
    }

    fn path(&self) -> Option<&Path> {
        self.run.as_ref()?.output_path.as_deref()
    }

    fn is_of(&self, path: &Path) -> bool {
        self.path() == Some(path)
    }
}

impl App {
    /// Begins to hear of running acquisitions. The window works without.
    pub(super) fn hear_runs(&mut self) {
        let Some(folder) = &self.options.state_folder else {
            return;
        };
        match RunWatch::start(folder, Arc::clone(&self.wake)) {
            Ok(watch) => self.running.watch = Some(watch),
            Err(error) => tracing::warn!("running acquisitions are not heard of: {error}"),
        }
    }

    /// Takes what the microscope's software says, and opens what was waited for.
    pub(super) fn take_runs(&mut self, now: Instant) {
        while let Some(news) = self.running.watch.as_ref().and_then(RunWatch::take) {
            match news {
                RunNews::Running(run) => self.take_running(run),
                RunNews::Lost(_) => self.running.is_lost = true,
                RunNews::Ended(run) => self.take_end(&run),
                RunNews::Gone => self.running.run = None,
            }
        }
        if self.running.try_at.is_some_and(|at| now >= at) {
            self.running.try_at = None;
            if let Some(path) = self.running.wanted.clone() {
                self.start_opening(&path);
            }
        }
    }

    fn take_running(&mut self, run: Run) {
        let known = self.running.run.as_ref();
        let is_new = known.is_none_or(|known| !known.is_same_run(&run));
        self.running.run = Some(run);
        self.running.is_lost = false;
        let path = self.running.path().map(Path::to_owned);
        let Some(path) = path.filter(|_| is_new && self.follows_runs()) else {
            return;
        };
        if !self.shows(&path) {
            self.open_running(&path);
        } else if let Some(viewing) = &mut self.viewing {
            viewing.apply(&Command::SetFollow(true));
        }
    }

    /// True where acquisitions that run are opened by themselves and followed. A path that was asked for is what is
    /// followed.
    pub(super) fn follows_runs(&self) -> bool {
        let is_asked = self.options.follow && self.options.path.is_none();
        self.settings.follows_running || is_asked
    }

    fn take_end(&mut self, run: &Run) {
        self.running.run = None;
        let words = match &run.end {
            Some(EndReason::Completed) | None => "finished".into(),
            Some(EndReason::CompletedWithErrors) => "finished with errors".into(),
            Some(EndReason::UserAbort) => "stopped: user abort".into(),
            Some(EndReason::Error) => "stopped: error".into(),
            Some(other @ (EndReason::Other(_) | EndReason::Unknown)) => other.to_string(),
        };
        let Some(path) = run.output_path.as_deref() else {
            return;
        };
        if self.running.wanted.as_deref() == Some(path) {
            self.running.wish_no_more();
            let name = run.name();
            self.notice = Some(format!("{name} ended before its first image: {words}"));
        }
        if let Some(viewing) = self.viewing.as_mut().filter(|it| lies_in(it, path)) {
            let is_stopped = matches!(run.end, Some(EndReason::UserAbort | EndReason::Error));
            if viewing.dataset.is_running() {
                // Which timepoints it has begun, the disk tells a moment later.
                viewing.end(is_stopped, BTreeSet::new());
            }
            self.pace.end(EndTeller::Microscope, &words);
        }
    }

    /// True where the acquisition of that folder is open, by itself or announced.
    fn shows(&self, folder: &Path) -> bool {
        let viewing = self.viewing.as_ref();
        viewing.is_some_and(|viewing| lies_in(viewing, folder))
    }

    /// Opens a running acquisition and follows it; one without an image yet as soon as it has one.
    pub(super) fn open_running(&mut self, path: &Path) {
        self.open(path);
        self.running.wish(path.to_owned());
    }

    /// An acquisition that was begun and has no image yet is no error; true where it is waited for.
    pub(super) fn waits_for_first_image(&mut self, path: &Path, code: Code) -> bool {
        let is_wanted = self.running.wanted.as_deref() == Some(path);
        let is_run = is_wanted && self.running.is_of(path);
        if !is_run && code != Code::NotWritten {
            return false;
        }
        if !is_wanted {
            // Opened by a person: shown when there is something to show, and not followed.
            self.running.wanted = Some(path.to_owned());
        }
        let since = *self.running.wanted_since.get_or_insert_with(Instant::now);
        let is_early = match code {
            Code::NotZarr | Code::NotFound | Code::NotWritten => true,
            // A folder comes before its documents, and those before what they name.
            Code::MissingArray | Code::BadJson | Code::BadMetadata | Code::IoError => {
                since.elapsed() < BEGUN_WITHIN
            }
            _ => false,
        };
        if !is_early {
            self.running.wish_no_more();
            return false;
        }
        let of_run = self.running.run.as_ref().filter(|_| is_run).map(Run::name);
        let of_path = || {
            path.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into()
        };
        let name: String = of_run.unwrap_or_else(of_path);
        self.notice = Some(format!("Waiting for the first image of {name}…"));
        let pause = if is_run {
            TRY_AGAIN
        } else {
            // Nothing says that it still runs.
            (since.elapsed() / 10).clamp(TRY_AGAIN, TRY_AGAIN_AT_LAST)
        };
        self.running.try_at = Some(Instant::now() + pause);
        true
    }

    /// A running acquisition that was opened by itself is followed.
    pub(super) fn follow_opened(&mut self, path: &Path) {
        let is_wanted = self.running.wanted.as_deref() == Some(path) && self.running.follows_wanted;
        self.running.wish_no_more();
        if let Some(viewing) = self.viewing.as_mut().filter(|_| is_wanted) {
            viewing.apply(&Command::SetFollow(true));
        }
    }

    /// What the window says of the acquisition that is open; `None` where it never ran here.
    pub(super) fn live_facts(&self, now: Instant) -> Option<LiveFacts> {
        let viewing = self.viewing.as_ref()?;
        let (dataset, counts) = (&viewing.dataset, viewing.counts());
        let is_run = self.running.path().is_some_and(|it| lies_in(viewing, it));
        let step = dataset.template.sampling.t_secs;
        let run = is_run.then_some(self.running.is_lost);
        let state = if let Some(ended) = self.pace.end_state() {
            ended
        } else if !dataset.is_running() {
            return None;
        } else {
            self.pace.state(
                viewing.acquisition.is_some() && viewing.is_announcing,
                run,
                step,
                now,
            )
        };
        let planned = counts.planned;
        Some(LiveFacts {
            state,
            acquired: counts.written + counts.partial,
            planned,
            planes_per_sec: self.pace.planes_per_sec(now),
            remaining: planned.and_then(|planned| self.pace.remaining(planned, now)),
            failed: counts.failed,
            missing: counts.missing,
            num_late: self.live.num_late,
        })
    }

    /// Acquisitions that could be shown instead of what is open.
    pub(super) fn offers(&self) -> Vec<Offer> {
        let mut offers = Vec::new();
        let run = self.running.run.as_ref().filter(|_| !self.running.is_lost);
        if let Some(run) = run
            && let Some(path) = run.output_path.clone()
            && !self.shows(&path)
            && !self
                .live
                .displaced
                .iter()
                .any(|started| started.lies_in(&path))
            && self.running.wanted.is_none()
        {
            offers.push(Offer {
                name: run.name(),
                detail: path.display().to_string(),
                kind: OfferKind::RunningAcquisition { path },
            });
        }
        // The latest first, and those that still run before those that ended.
        let mut displaced: Vec<_> = self.live.displaced.iter().rev().collect();
        displaced.sort_by_key(|started| self.live.ended.contains(&started.id));
        offers.extend(displaced.into_iter().map(|started| Offer {
            kind: OfferKind::OtherClient {
                number: started.id.number(),
            },
            name: formats::announced_name(&started.announcement, &started.registered),
            detail: format!(
                "{} FOVs, {} channels{}",
                started.announcement.num_fovs(),
                started.announcement.channels.len(),
                if self.live.ended.contains(&started.id) {
                    ", ended"
                } else {
                    ""
                }
            ),
        }));
        offers
    }

    /// Wakes the interface while the words about the pace change by themselves.
    pub(super) fn schedule_pace(&self, ctx: &egui::Context, now: Instant) {
        const REFRESH: Duration = Duration::from_secs(1);
        let viewing = self.viewing.as_ref();
        let has_rate = !self.pace.is_over() && self.pace.planes_per_sec(now).is_some();
        if has_rate && viewing.is_some_and(|it| it.dataset.len_along(NavAxis::Fov) > 0) {
            ctx.request_repaint_after(REFRESH);
        }
        if !self.pace.is_over()
            && let Some(viewing) = viewing
        {
            let step = viewing.dataset.template.sampling.t_secs;
            if let Some(change) = self.pace.next_change(step, now) {
                ctx.request_repaint_after(change.saturating_duration_since(now));
            }
        }
        if let Some(at) = self.running.next_try() {
            ctx.request_repaint_after(at.saturating_duration_since(now));
        }
    }
}

/// True where what is viewed lies in that folder, or is written there. Of planes that are registered one by one nobody
/// says where before the first file; until then whoever announces them is taken to be whoever says that it runs.
fn lies_in(viewing: &Viewing, folder: &Path) -> bool {
    match viewing.dataset.template.registered() {
        Some(planes) => match planes.first_file() {
            Some(file) => file.starts_with(folder),
            None => viewing.is_announcing,
        },
        None => viewing.dataset.root.starts_with(folder),
    }
}
