//! The start: everything that does not need a window runs beside its creation.
//!
//! The dataset is opened, and the first picture read, while the window system and the driver answer.

use std::{
    cell::RefCell,
    sync::{Arc, OnceLock},
    time::Duration,
};

use eframe::egui;

use super::{
    App, AppError, Options, Presented, Stage, Timing,
    desktop::Desktop,
    live::{Ear, LiveSide},
    machine_memory,
    opening::{FirstLook, Opening},
    pace::Pace,
    running::Running,
    waking::waker,
};
use crate::{
    cache::Cache,
    canvas,
    dataset::Dataset,
    ledger::Ledger,
    live::{Audience, Live},
    loader::{Loader, LoaderOptions, ReadTiles},
    mesh_painter,
    model::{CanvasSize, NavAxis},
    session::{Session, resolve},
    settings::Settings,
    store::Store,
    ui,
};

/// The first frame of a dataset waits so long for its pixels: about as long as a frame without them would take.
const FIRST_READ_WITHIN: Duration = Duration::from_millis(20);

/// The program before its window exists: opening has begun.
pub struct Starting {
    options: Options,
    settings: Settings,
    timing: Timing,
    context: Arc<OnceLock<egui::Context>>,
    opening: Opening,
    store: Arc<Store>,
    cache: Arc<Cache>,
    loader: Arc<Loader>,
    failure: Arc<OnceLock<String>>,
    live: LiveSide,
}

impl App {
    /// Begins opening the dataset and reading its first picture, beside the window's creation.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(
        options: Options,
        settings: Settings,
        timing: Timing,
    ) -> Result<Starting, AppError> {
        let store = Arc::new(Store::new());
        let tiles = Arc::clone(&store) as Arc<dyn ReadTiles>;
        Self::start_reading(store, tiles, options, settings, timing)
    }

    /// The same with tiles from elsewhere than the store: a disk that does what a test says.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_reading(
        store: Arc<Store>,
        tiles: Arc<dyn ReadTiles>,
        options: Options,
        settings: Settings,
        timing: Timing,
    ) -> Result<Starting, AppError> {
        let context: Arc<OnceLock<egui::Context>> = Arc::default();
        let cache_bytes = options
            .cache_bytes
            .unwrap_or_else(machine_memory::default_cache_bytes);
        let cache = Arc::new(Cache::new(cache_bytes));
        let loader_options = LoaderOptions {
            num_readers: 4,
            wake: waker(&context),
        };
        let loader = Arc::new(Loader::new(tiles, Arc::clone(&cache), loader_options));
        let ear = Arc::new(Ear::new(Arc::clone(&context), Arc::clone(&loader)));
        let live = Live::start(Arc::clone(&ear) as Arc<dyn Audience>);
        let live = live.map_err(|error| AppError::NoWindow {
            reason: format!("cannot start a thread ({error})"),
        })?;
        let mut opening = Opening::new(waker(&context));
        if let Some(path) = &options.path {
            let look = first_look(Arc::clone(&loader), settings.clone());
            opening.start(path, look);
        }
        Ok(Starting {
            options,
            settings,
            timing,
            context,
            opening,
            store,
            cache,
            loader,
            failure: Arc::default(),
            live: LiveSide::new(live, ear),
        })
    }
}

/// Wishes for what the first frame will show, on the thread that opened the dataset.
pub(super) fn first_look(loader: Arc<Loader>, settings: Settings) -> FirstLook {
    Box::new(move |dataset| {
        let session = first_session(dataset, &settings);
        let (ledger, canvas) = (Ledger::default(), likely_canvas(dataset, &settings));
        let visible = resolve(&session, &session.selection(), dataset, &ledger, canvas);
        loader.want(&Arc::new(dataset.clone()), &ledger, &visible);
        loader.wait_until_idle(FIRST_READ_WITHIN);
    })
}

/// The canvas that the first frame will probably have: enough to choose the level. What differs is read again.
fn likely_canvas(dataset: &Dataset, settings: &Settings) -> CanvasSize {
    let [width, height] = settings.window_size_pt;
    let has_left = settings.panels.left && dataset.len_along(NavAxis::Fov) > 1;
    let left = if has_left { ui::LEFT_PT } else { 0.0 };
    let right = if settings.panels.right {
        ui::RIGHT_PT
    } else {
        0.0
    };
    CanvasSize {
        width_px: (width - left - right).max(1.0) as u32,
        height_px: height.max(1.0) as u32,
    }
}

/// The first look at a dataset: as it was left, else as the files say.
pub(super) fn first_session(dataset: &Dataset, settings: &Settings) -> Session {
    let mut session = Session::new(dataset);
    session.panels = settings.panels;
    session.playback.fps = settings.fps;
    session.playback.loops = settings.loops;
    if let Some(saved) = settings.view_of(&dataset.root) {
        session.restore(saved, dataset);
    }
    session
}

impl Starting {
    /// Where the program notes why there is no first picture, when it was to end after that.
    pub(super) fn failure(&self) -> Arc<OnceLock<String>> {
        Arc::clone(&self.failure)
    }

    /// The program in its window.
    ///
    /// # Errors
    /// When eframe has no wgpu device.
    pub fn in_window(mut self, cc: &eframe::CreationContext<'_>) -> Result<App, AppError> {
        self.timing.reach(Stage::Window);
        // The creator runs once per start, so the context is not set yet.
        self.context.get_or_init(|| cc.egui_ctx.clone());
        let render_state = cc
            .wgpu_render_state
            .clone()
            .ok_or_else(|| AppError::NoWindow {
                reason: "there is no wgpu device".into(),
            })?;
        canvas::install(&render_state);
        mesh_painter::install(&cc.egui_ctx, &render_state);
        ui::apply_theme(&cc.egui_ctx, self.settings.theme, self.settings.text_scale);
        let wake = waker(&self.context);
        let mut app = App {
            viewing: None,
            opening: self.opening,
            desktop: Desktop::new(Arc::clone(&wake)),
            demo: None,
            waits_for_demo: false,
            wake,
            loader: self.loader,
            store: self.store,
            cache: self.cache,
            window: ui::Window::default(),
            render_state,
            error: None,
            notice: None,
            drawn: None,
            forgotten: Vec::new(),
            failure: self.failure,
            live: self.live,
            disk: None,
            running: Running::default(),
            pace: Pace::default(),
            titled: None,
            context: Arc::clone(&self.context),
            last_step: None,
            play_fps: None,
            frame_secs: None,
            num_drawn_again: 0,
            presented: RefCell::new(Presented {
                timing: self.timing,
                has_image: false,
                is_printed: false,
                shown: None,
                drawing: None,
            }),
            settings: self.settings,
            options: self.options,
        };
        if let Err(text) = app.live.listen(&app.options.listen) {
            tracing::warn!("{text}");
            app.notice = Some(text);
        }
        if let Some(path) = app.options.path.clone().filter(|_| app.options.follow) {
            app.running.wish(path);
        }
        app.hear_runs();
        if app.options.demo {
            app.open_demo();
        }
        Ok(app)
    }
}
