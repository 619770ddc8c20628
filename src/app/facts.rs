//! What the panels are told beside session, dataset and ledger: plain facts, gathered once per frame.

use std::{
    path::Path,
    sync::Arc,
    time::{Instant, SystemTime},
};

use eframe::egui;

use super::{App, Viewing, desktop::FindPath};
use crate::{
    canvas,
    dataset::Dataset,
    model::{PlaneState, TileId},
    settings::RecentEntry,
    ui::{Facts, Opening, Recent, WorkFacts},
};

/// The entry of the recent list for a dataset that was just opened.
pub(super) fn recent_entry(path: &Path, dataset: &Dataset) -> RecentEntry {
    let image = &dataset.template;
    let (width, height) = image.plane_size();
    let fovs = if dataset.num_fovs() == 1 {
        "1 FOV".into()
    } else {
        format!("{} FOVs", dataset.num_fovs())
    };
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    RecentEntry {
        path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
        name: dataset.name.clone(),
        layout: dataset.layout.clone(),
        size: format!(
            "{fovs} · {width} × {height} · {} channels",
            image.num_channels()
        ),
        opened_unix_secs: now.as_secs(),
    }
}

impl App {
    /// What the panels are told this frame.
    pub(super) fn facts(&self) -> Facts {
        let now = Instant::now();
        let viewing = self.viewing.as_ref();
        let shown = viewing.map(Viewing::shown_planes).unwrap_or_default();
        Facts {
            recents: self.settings.recents.iter().map(recent).collect(),
            opening: self.opening.underway().map(|(underway, message)| Opening {
                path: underway.path.clone(),
                message,
                since: now.saturating_duration_since(underway.since),
            }),
            error: self.error.clone(),
            notice: self.notice.clone(),
            theme: self.settings.theme,
            text_scale: self.settings.text_scale,
            read_ms: viewing
                .and_then(Viewing::last_read)
                .map(|time| time.as_secs_f32() * 1e3),
            frame_ms: self.frame_secs.map(|secs| secs * 1e3),
            cache_bytes: self.cache.usage(),
            texture_bytes: canvas::texture_bytes(&self.render_state),
            play_fps: self.play_fps,
            loading: viewing.and_then(|viewing| viewing.waiting(now)),
            made_room: viewing.is_some_and(|viewing| made_room(viewing, &shown)),
            shown: shown
                .into_iter()
                .map(|(tile, state)| (tile.plane.c, state))
                .collect(),
            executed: viewing.and_then(Viewing::executed).cloned(),
            outside: viewing.is_some_and(Viewing::is_outside),
            is_passed: viewing.is_some_and(Viewing::is_passed),
            is_readable: viewing.is_none_or(Viewing::is_readable),
            live: self.live_facts(now),
            offers: self.offers(),
            follows_running: self.settings.follows_running,
            work: self.work(),
        }
    }

    /// What is done between disk and screen.
    fn work(&self) -> WorkFacts {
        let workload = self.loader.workload();
        WorkFacts {
            stages: self.options.stages.figures(),
            num_queued: workload.num_queued,
            num_in_flight: workload.num_in_flight,
            num_stuck: workload.num_stuck,
            longest_wait: workload.longest_wait,
        }
    }

    /// Finds the file of the first visible channel's plane; to be called off the interface thread.
    pub(super) fn find_shown_file(&self) -> Option<FindPath> {
        let viewing = self.viewing.as_ref()?;
        let (tile, _) = *viewing.shown_planes().first()?;
        let (store, dataset) = (Arc::clone(&self.store), Arc::clone(&viewing.dataset));
        Some(Box::new(move || {
            let found = store.file_of(&dataset, tile.plane);
            found.map_err(|error| error.to_string())
        }))
    }

    /// Keeps the window's size for the next start.
    pub(super) fn note_window(&mut self, ctx: &egui::Context) {
        ctx.input(|input| {
            let viewport = input.viewport();
            self.settings.maximized = viewport.maximized.unwrap_or(false);
            if let (false, Some(rect)) = (self.settings.maximized, viewport.inner_rect) {
                self.settings.window_size_pt = [rect.width(), rect.height()];
            }
        });
    }
}

fn recent(entry: &RecentEntry) -> Recent {
    Recent {
        path: entry.path.clone(),
        name: entry.name.clone(),
        size: entry.size.clone(),
        layout: entry.layout.clone(),
        opened_unix_secs: entry.opened_unix_secs,
    }
}

/// True where one of these planes is missing because its pixels were in memory and made room for newer ones.
fn made_room(viewing: &Viewing, shown: &[(TileId, PlaneState)]) -> bool {
    let mut missing = shown
        .iter()
        .filter(|(_, state)| *state == PlaneState::Missing);
    missing.any(|(tile, _)| viewing.dataset.has_dropped(tile.plane))
}
