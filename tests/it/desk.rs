//! The real app in a window that is not on any screen, driven by label as a person would.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use eframe::{App as _, wgpu};
use egui_kittest::{Harness, kittest::Queryable as _};
use egui_system_font_provider::SystemFontProvider;
use image::{Rgba, RgbaImage};
use squidview::{
    app::{App, Options, Starting, Timing},
    live::Status,
    loader::ReadTiles,
    model::Theme,
    session::Session,
    settings::Settings,
    store::Store,
    ui::tokens::palette,
};

/// Reading a tile of the test data takes milliseconds; a machine that is busy elsewhere gets this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The app under test.
pub(crate) struct Desk {
    pub(crate) harness: Harness<'static, App>,
}

/// How the window is made.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) size_pt: [f32; 2],
    pub(crate) pixels_per_point: f32,
    pub(crate) settings: Settings,
    pub(crate) options: Options,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            size_pt: [1280.0, 800.0],
            pixels_per_point: 1.0,
            settings: Settings::default(),
            options: Options::default(),
        }
    }
}

/// False, with words, where nothing can draw; `SQUIDVIEW_REQUIRE_ADAPTER` makes that a failure.
fn has_adapter() -> bool {
    static HAS_ADAPTER: OnceLock<bool> = OnceLock::new();
    *HAS_ADAPTER.get_or_init(|| {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let options = wgpu::RequestAdapterOptions::default();
        let has_adapter = pollster::block_on(instance.request_adapter(&options)).is_ok();
        let is_required = std::env::var_os("SQUIDVIEW_REQUIRE_ADAPTER").is_some();
        assert!(
            has_adapter || !is_required,
            "no adapter can draw, and SQUIDVIEW_REQUIRE_ADAPTER is set"
        );
        if !has_adapter {
            eprintln!("skipped: no adapter can draw");
        }
        has_adapter
    })
}

impl Desk {
    /// The window; `None` where nothing can draw.
    pub(crate) fn new(setup: Setup) -> Option<Self> {
        if !has_adapter() {
            return None;
        }
        let starting = App::start(setup.options, setup.settings, Timing::start()).unwrap();
        Some(Self::of(starting, setup.size_pt, setup.pixels_per_point))
    }

    /// The window with a dataset whose tiles are read as `tiles` does; opening has begun.
    pub(crate) fn reading(path: &Path, tiles: Arc<dyn ReadTiles>, setup: Setup) -> Option<Self> {
        if !has_adapter() {
            return None;
        }
        let options = Options {
            path: Some(path.to_owned()),
            ..setup.options
        };
        let (store, timing) = (Arc::new(Store::new()), Timing::start());
        let starting = App::start_reading(store, tiles, options, setup.settings, timing).unwrap();
        Some(Self::of(starting, setup.size_pt, setup.pixels_per_point))
    }

    fn of(starting: Starting, size_pt: [f32; 2], pixels_per_point: f32) -> Self {
        let harness = Harness::builder()
            .with_size(size_pt)
            .with_pixels_per_point(pixels_per_point)
            .with_step_dt(1.0 / 60.0)
            .with_max_steps(200)
            // As eframe does for a real window.
            .with_context_setup(|ctx| {
                ctx.add_font_provider(Arc::new(SystemFontProvider::new()));
            })
            .wgpu()
            .build_eframe(|cc| starting.in_window(cc).unwrap());
        Self { harness }
    }

    /// The window with a dataset, once its first picture is whole.
    pub(crate) fn with(path: &Path, setup: Setup) -> Option<Self> {
        let options = Options {
            path: Some(path.to_owned()),
            ..setup.options
        };
        let mut desk = Self::new(Setup { options, ..setup })?;
        desk.settle();
        Some(desk)
    }

    /// Frames until the wished picture is on the screen.
    pub(crate) fn settle(&mut self) {
        self.until("the wished picture is whole", |app| {
            app.is_settled() && app.session().is_some()
        });
        self.harness.run_steps(2);
    }

    /// Frames until something holds of the app.
    pub(crate) fn until(&mut self, what: &str, holds: impl Fn(&App) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.harness.step();
            if holds(self.harness.state()) {
                return;
            }
            assert!(Instant::now() < deadline, "waited in vain until {what}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// What is looked at.
    pub(crate) fn session(&self) -> &Session {
        self.harness.state().session().unwrap()
    }

    /// What clients are told of the frame that was drawn last.
    pub(crate) fn status(&self) -> Arc<Status> {
        // A real window does so after each frame.
        self.harness.state().auto_save_interval();
        self.harness.state().push_handle().status()
    }

    /// Frames for that long.
    pub(crate) fn frames(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.harness.step();
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Frames until everything that was sent before is taken.
    pub(crate) fn take_sent(&mut self) {
        let fence = self.harness.state().push_handle().fence().unwrap();
        self.until("what was sent is taken", |app| {
            app.auto_save_interval();
            app.push_handle().status().fence >= fence
        });
    }

    /// A click on what has that label.
    pub(crate) fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.harness.run_steps(2);
    }

    /// A key, with modifiers.
    pub(crate) fn press(&mut self, modifiers: egui::Modifiers, key: egui::Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run_steps(2);
    }

    /// True where something has that label.
    pub(crate) fn has(&self, label: &str) -> bool {
        self.harness.query_by_label(label).is_some()
    }

    /// True where some label holds that text.
    pub(crate) fn says(&self, text: &str) -> bool {
        self.harness
            .query_all_by_label_contains(text)
            .next()
            .is_some()
    }

    /// The window as a picture, on the colour that a real window is cleared with.
    pub(crate) fn picture(&mut self) -> RgbaImage {
        let mut picture = self.harness.render().unwrap();
        let clear = self.harness.state().clear_color(&egui::Visuals::dark());
        for pixel in picture.pixels_mut() {
            let behind = 1.0 - f32::from(pixel[3]) / 255.0;
            for (part, clear) in pixel.0.iter_mut().zip(clear) {
                *part = part.saturating_add((clear * 255.0 * behind).round() as u8);
            }
        }
        picture
    }

    /// The canvas in the picture, in pixels: left, top, width, height.
    pub(crate) fn canvas_px(&self) -> [u32; 4] {
        let rect = self.harness.get_by_label("Canvas").rect();
        let scale = self.harness.ctx.pixels_per_point();
        [rect.left(), rect.top(), rect.width(), rect.height()]
            .map(|length| (length * scale).round() as u32)
    }

    /// Which steps of a bar are filled as acquired; those under the handle are seen beside it.
    pub(crate) fn filled(&mut self, slider: &str, length: u32) -> Vec<bool> {
        let rect = self.harness.get_by_label(slider).rect();
        let scale = self.harness.ctx.pixels_per_point();
        let colors = palette(Theme::Dark);
        let picture = self.picture();
        let is_filled = |step: u32| {
            let part = (step as f32 + 0.15) / length as f32;
            let at = egui::pos2(rect.left() + part * rect.width(), rect.center().y) * scale;
            let found = picture.get_pixel(at.x as u32, at.y as u32);
            let is = |color: egui::Color32| found.0[..3] == color.to_array()[..3];
            assert!(
                is(colors.acquired()) || is(colors.raised),
                "{slider} {step}: {found:?}"
            );
            is(colors.acquired())
        };
        (0..length).map(is_filled).collect()
    }

    /// The colour in the middle of the canvas' part, (0, 0) its upper left corner and (1, 1) its lower right one.
    pub(crate) fn color_at(&mut self, x: f32, y: f32) -> Rgba<u8> {
        let [left, top, width, height] = self.canvas_px();
        let picture = self.picture();
        let at = |start: u32, size: u32, part: f32| start + ((size - 1) as f32 * part) as u32;
        *picture.get_pixel(at(left, width, x), at(top, height, y))
    }
}
