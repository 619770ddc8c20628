//! The program with its window: the only place where session, loader, cache, ledger and canvas meet.
//!
//! [`App::logic`](eframe::App::logic) takes news off the channels, applies commands and asks the loader;
//! [`App::ui`](eframe::App::ui) draws. Nothing on this thread reads, decodes or waits, and a frame is only drawn when
//! something changed.

mod acting;
mod counts;
mod demo;
mod desktop;
mod disk;
mod driving;
mod facts;
mod icon;
mod live;
mod machine_memory;
mod opening;
mod pace;
mod playing;
mod presenting;
mod running;
mod stage_meter;
mod starting;
mod timing;
mod viewing;
mod waking;

pub use driving::{Drive, Driver};
pub use stage_meter::StageMeter;
pub use starting::Starting;
pub use timing::{Stage, Timing};

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use eframe::{egui, egui_wgpu::RenderState};

use crate::{
    cache::Cache,
    canvas::{self, DrawList, Staged},
    live::Listen,
    loader::Loader,
    model::{CanvasSize, DatasetId, PlaneState, Shown, printable},
    session::Session,
    settings::Settings,
    store::Store,
    ui::{self, Action, Facts, Stage as UiStage, View},
};
use demo::Demo;
use desktop::{Desktop, DesktopNews};
use disk::Watching;
use live::LiveSide;
use opening::{Opened, Opening};
use pace::Pace;
use presenting::Presented;
use running::Running;
use starting::{first_look, first_session};
use viewing::Viewing;

/// Smallest window, in points.
const MIN_SIZE_PT: [f32; 2] = [480.0, 360.0];

/// How the program is started.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What to open; `None`: the start page.
    pub path: Option<PathBuf>,
    /// Bytes of samples that are kept in memory; `None`: a quarter of the machine's memory, 256 MB to 4 GB.
    pub cache_bytes: Option<usize>,
    /// Print when each stage of the first picture was reached.
    pub timing: bool,
    /// Close the window after the first picture.
    pub exit_after_first_image: bool,
    /// Open a simulated acquisition that is being written.
    pub demo: bool,
    /// Where settings are read and kept; `None`: nowhere (tests).
    pub settings_path: Option<PathBuf>,
    /// Follow the newest plane: of the path, or of the acquisition that runs, which is opened by itself.
    pub follow: bool,
    /// Where the microscope's software says what it runs; `None`: nobody is listened to (tests).
    pub state_folder: Option<PathBuf>,
    /// Where other programs may push to.
    pub listen: Listen,
    /// Counts the stages of the work that is done, where its layer belongs to the program's subscriber.
    pub stages: StageMeter,
}

/// The program in its window could not do what it was started for.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// There is no display, or no driver that can draw.
    #[error(
        "no window can be opened: {reason}\nsquidview draws with Vulkan, Metal, DirectX 12 or OpenGL; without a graphics \
         card install a software driver (Debian, Ubuntu: mesa-vulkan-drivers libegl1; Fedora: mesa-vulkan-drivers)"
    )]
    NoWindow {
        /// What the window system or the driver said.
        reason: String,
    },
    /// It was to end after its first picture, and there is none.
    #[error("there is no first picture: {reason}")]
    NoPicture {
        /// Why.
        reason: String,
    },
}

/// Opens the window and runs until it is closed.
///
/// # Errors
/// When there is no display, no driver that can draw, or no first picture to end after.
pub fn run(options: Options, timing: Timing) -> Result<(), AppError> {
    let settings = load_settings(options.settings_path.as_deref());
    run_with(options, settings, timing, None)
}

/// Opens the window and runs until `drive` or a person closes it.
///
/// # Errors
/// As [`run`].
pub fn run_driven(
    options: Options,
    settings: Settings,
    timing: Timing,
    drive: Drive,
) -> Result<(), AppError> {
    run_with(options, settings, timing, Some(drive))
}

fn run_with(
    options: Options,
    settings: Settings,
    timing: Timing,
    drive: Option<Drive>,
) -> Result<(), AppError> {
    let viewport = egui::ViewportBuilder::default()
        .with_app_id("squidview")
        .with_title("squidview")
        .with_icon(icon::icon())
        .with_inner_size(settings.window_size_pt)
        .with_maximized(settings.maximized)
        .with_min_inner_size(MIN_SIZE_PT)
        .with_drag_and_drop(true);
    let native = eframe::NativeOptions {
        viewport,
        persist_window: false,
        ..Default::default()
    };
    let starting = App::start(options, settings, timing)?;
    let failure = starting.failure();
    eframe::run_native(
        "squidview",
        native,
        Box::new(move |cc| {
            let app = starting.in_window(cc)?;
            if let Some(drive) = drive {
                Driver::start(drive, &app, cc)?;
            }
            Ok(Box::new(app))
        }),
    )
    .map_err(|error| {
        let error = AppError::NoWindow {
            reason: error.to_string(),
        };
        desktop::tell(&error.to_string());
        error
    })?;
    match failure.get() {
        Some(reason) => Err(AppError::NoPicture {
            reason: reason.clone(),
        }),
        None => Ok(()),
    }
}

/// Settings, or the defaults where they cannot be read; that is worth a warning, not a stop.
fn load_settings(path: Option<&Path>) -> Settings {
    let loaded = path.map_or_else(|| Ok(Settings::default()), Settings::load);
    loaded.unwrap_or_else(|error| {
        tracing::warn!("{error}");
        Settings::default()
    })
}

/// The program with its window.
pub struct App {
    // Field order is shutdown order: views stop asking before the readers are joined.
    viewing: Option<Viewing>,
    opening: Opening,
    desktop: Desktop,
    demo: Option<Demo>,
    waits_for_demo: bool,
    live: LiveSide,
    disk: Option<Watching>,
    running: Running,
    pace: Pace,
    /// The dataset that the window's title names.
    titled: Option<String>,
    context: Arc<OnceLock<egui::Context>>,
    wake: Arc<dyn Fn() + Send + Sync>,
    loader: Arc<Loader>,
    store: Arc<Store>,
    cache: Arc<Cache>,
    window: ui::Window,
    options: Options,
    settings: Settings,
    render_state: RenderState,
    error: Option<String>,
    notice: Option<String>,
    drawn: Option<Arc<DrawList>>,
    /// Datasets that are closed and whose textures are dropped with the next frame that does not draw them.
    forgotten: Vec<DatasetId>,
    /// Set when the program was to end after its first picture, and there is none.
    failure: Arc<OnceLock<String>>,
    last_step: Option<playing::Step>,
    /// Steps per second that playback reached, smoothed.
    play_fps: Option<f32>,
    frame_secs: Option<f32>,
    /// Frames in a row that were laid out once more for a wish.
    num_drawn_again: u32,
    presented: RefCell<Presented>,
}

impl App {
    /// What the last presented frame showed.
    #[must_use]
    pub fn shown(&self) -> Option<Arc<Shown>> {
        self.presented.borrow().shown.clone()
    }

    /// True once the picture on the screen is the wished one.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.opening.underway().is_none() && self.viewing.as_ref().is_none_or(Viewing::is_current)
    }

    /// What the disk says of the planes of the picture, one per drawn channel.
    #[must_use]
    pub fn shown_states(&self) -> Vec<PlaneState> {
        let planes = self.viewing.as_ref().map(Viewing::shown_planes);
        let planes = planes.unwrap_or_default().into_iter();
        planes.map(|(_, state)| state).collect()
    }

    /// The picture that is drawn, where there is one.
    #[must_use]
    pub fn drawn(&self) -> Option<&DrawList> {
        self.drawn.as_deref()
    }

    /// True where something of the picture that is drawn has pixels.
    #[must_use]
    pub fn has_picture(&self) -> bool {
        let has_pixels = |list: &Arc<DrawList>| {
            let mut items = list.items.iter();
            items.any(|item| !item.tiles.is_empty() && item.hatch.is_none())
        };
        self.drawn.as_ref().is_some_and(has_pixels)
    }

    /// The session, where a dataset is open.
    #[must_use]
    pub fn session(&self) -> Option<&Session> {
        self.viewing.as_ref().map(|viewing| &viewing.session)
    }

    /// Opens a path, in place of what is open.
    pub fn open(&mut self, path: &Path) {
        self.error = None;
        self.waits_for_demo = false;
        self.running.wish_no_more();
        self.start_opening(path);
    }

    fn start_opening(&mut self, path: &Path) {
        let look = first_look(Arc::clone(&self.loader), self.settings.clone());
        self.opening.start(path, look);
    }
}

impl App {
    fn take_news(&mut self, ctx: &egui::Context) {
        while let Some(opened) = self.opening.take() {
            self.take_opened(opened);
        }
        while let Some(news) = self.desktop.take() {
            self.take_desktop_news(ctx, news);
        }
        match self.demo.as_mut().and_then(Demo::take) {
            // Whatever was opened since then is what the person wants.
            Some(Ok(path)) if std::mem::take(&mut self.waits_for_demo) => self.open(&path),
            Some(Err(error)) => self.error = Some(error),
            Some(Ok(_)) | None => {}
        }
        // Before what was read: a read that a notice began is of the revision that the notice gives.
        self.take_live(ctx);
        for news in self.loader.drain() {
            if let Some(viewing) = &mut self.viewing {
                viewing.take(news);
            }
        }
    }

    fn take_opened(&mut self, opened: Opened) {
        let dataset = match opened.outcome {
            Ok(dataset) => dataset,
            Err(error) => {
                if !self.waits_for_first_image(&opened.path, error.code) {
                    tracing::warn!("{error}");
                    self.error = Some(error.to_string());
                }
                return;
            }
        };
        self.presented
            .borrow_mut()
            .timing
            .reach_at(Stage::Dataset, opened.at);
        (self.error, self.notice) = (None, None);
        if !self.is_demo(&opened.path) {
            self.settings
                .remember_opened(facts::recent_entry(&opened.path, &dataset));
        }
        let kept = self.viewing.take();
        if let Some(kept) = &kept {
            self.leave(kept);
            self.put_announced_aside(kept);
            self.loader.retry();
        }
        self.viewing = Some(match kept {
            Some(kept) if opened.is_reload => {
                let picture = self.drawn.as_deref().cloned();
                kept.reopened(dataset, picture)
            }
            _ => {
                let session = first_session(&dataset, &self.settings);
                Viewing::new(dataset, session)
            }
        });
        if !opened.is_reload {
            self.pace = Pace::default();
        }
        self.watch_disk();
        self.follow_opened(&opened.path);
        self.save_settings();
    }

    /// Keeps what is worth keeping of a view that is left, and frees what it held.
    fn leave(&mut self, viewing: &Viewing) {
        let session = &viewing.session;
        if !self.is_demo(&viewing.dataset.root) {
            self.settings
                .remember_view(&viewing.dataset.root, session.saved(&viewing.dataset));
        }
        // A small window closes panels by itself.
        if self.settings.window_size_pt[0] >= ui::NARROW_PT {
            self.settings.panels = session.panels;
        }
        self.settings.fps = session.playback.fps;
        self.settings.loops = session.playback.loops;
        self.loader.stop();
        self.cache.forget(viewing.dataset.id);
        self.forgotten.push(viewing.dataset.id);
    }

    /// Names what is open in the window's title.
    fn title_window(&mut self, ctx: &egui::Context) {
        let name = self.viewing.as_ref().map(|viewing| &viewing.dataset.name);
        if self.titled.as_ref() != name {
            self.titled = name.cloned();
            let title = name.map_or_else(
                || "squidview".into(),
                |name| format!("{} — squidview", printable(name)),
            );
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title));
        }
    }

    /// True for the demo's folder, which is gone after it.
    fn is_demo(&self, path: &Path) -> bool {
        self.demo.as_ref().is_some_and(|demo| demo.holds(path))
    }

    fn take_desktop_news(&mut self, ctx: &egui::Context, news: DesktopNews) {
        match news {
            DesktopNews::Picked(path) => self.open(&path),
            DesktopNews::Picture(size, rgba) => {
                ctx.copy_image(egui::ColorImage::from_rgba_unmultiplied(size, &rgba));
                self.notice = Some("Copied the view".into());
            }
            DesktopNews::Text(text) => ctx.copy_text(text),
            DesktopNews::Done(text) => self.notice = Some(text),
            DesktopNews::Failed(text) => self.error = Some(text),
        }
    }

    fn save_settings(&mut self) {
        if let Some(path) = &self.options.settings_path {
            self.desktop.keep(self.settings.clone(), path.clone());
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        let now = Instant::now();
        // Of a frame that was not presented.
        self.presented.borrow_mut().drawing = None;
        self.frame_secs = frame.info().cpu_usage;
        self.forget_textures();
        self.take_runs(now);
        self.take_news(ctx);
        self.take_disk(now);
        self.play(now);
        if let Some(viewing) = &mut self.viewing {
            let dataset = viewing.dataset.id;
            let stage = |tiles: &[Staged]| canvas::stage(&self.render_state, dataset, tiles);
            viewing.plan(&self.loader, &self.cache, &stage, now);
            if viewing.is_staging() {
                ctx.request_repaint_after(waking::AT_ONCE);
            }
            if let Some(at) = viewing.next_recheck() {
                ctx.request_repaint_after(at.saturating_duration_since(now));
            }
            let turned = viewing.take_turned();
            self.rescan_disk(&turned);
        }
        self.tell_announced_end();
        self.live.watch(self.viewing.as_ref());
        self.direct_disk();
        self.title_window(ctx);
        self.schedule_pace(ctx, now);
        self.schedule_step(ctx);
        if self.options.exit_after_first_image {
            self.exit_after_first_image(ctx);
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let facts = self.facts();
        self.begin_drawing();
        let Self {
            viewing,
            window,
            cache,
            drawn,
            ..
        } = self;
        let (actions, list) = draw_window(window, ui, viewing.as_ref(), &facts, cache);
        let ctx = ui.ctx().clone();
        if let (Some(viewing), Some(list)) = (viewing, &list)
            && (viewing.resize(list.canvas) | viewing.hovers_anew())
        {
            ctx.request_repaint();
        }
        *drawn = list;
        self.draw_again(&ctx, &actions);
        for action in actions {
            self.act(&ctx, action);
        }
        self.note_frame();
        self.note_window(&ctx);
    }

    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        ui::tokens::palette(self.settings.theme)
            .panel
            .to_normalized_gamma_f32()
    }

    /// eframe has no other hook after presentation; it calls this right after painting.
    fn auto_save_interval(&self) -> Duration {
        self.after_present();
        Duration::MAX
    }

    fn persist_egui_memory(&self) -> bool {
        false
    }

    fn on_exit(&mut self) {
        if let Some(viewing) = self.viewing.take() {
            self.leave(&viewing);
        }
        self.save_settings();
    }
}

/// Draws the panels, and the canvas from what is at hand for exactly the size it got.
fn draw_window(
    window: &mut ui::Window,
    ui: &mut egui::Ui,
    viewing: Option<&Viewing>,
    facts: &Facts,
    cache: &Cache,
) -> (Vec<Action>, Option<Arc<DrawList>>) {
    let mut drawn = None;
    let mut paint = |rect, size: CanvasSize| {
        let Some(viewing) = viewing else {
            return egui::Shape::Noop;
        };
        let list = Arc::new(viewing.draw(size, cache));
        drawn = Some(Arc::clone(&list));
        canvas::shape(rect, list)
    };
    let values_at = |x, y| viewing.map_or_else(Vec::new, |viewing| viewing.values_at(x, y, cache));
    let labels_at = |x, y| viewing.map_or_else(Vec::new, |viewing| viewing.labels_at(x, y, cache));
    let view = viewing.map(|viewing| View {
        session: &viewing.session,
        dataset: &viewing.dataset,
        ledger: &viewing.ledger,
    });
    let actions = window.show(
        ui,
        &mut UiStage {
            view,
            facts,
            paint: &mut paint,
            values_at: &values_at,
            labels_at: &labels_at,
        },
    );
    (actions, drawn)
}
