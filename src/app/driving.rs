//! A window that a thread of the program itself drives, and closes: `squidview bench step`.

use std::thread;

use eframe::egui;

use super::{App, AppError};
use crate::live::PushHandle;

/// What drives a window: called on a thread of its own as soon as there is one.
pub type Drive = Box<dyn FnOnce(Driver) + Send>;

/// Its hands and eyes.
pub struct Driver {
    handle: PushHandle,
    context: egui::Context,
    adapter: String,
}

impl Driver {
    /// Starts the thread that drives the window.
    pub(super) fn start(
        drive: Drive,
        app: &App,
        cc: &eframe::CreationContext<'_>,
    ) -> Result<(), AppError> {
        let adapter = cc.wgpu_render_state.as_ref();
        let driver = Self {
            handle: app.push_handle(),
            context: cc.egui_ctx.clone(),
            adapter: adapter.map_or_else(String::new, |state| state.adapter.get_info().name),
        };
        let spawned = thread::Builder::new()
            .name("squidview-driver".into())
            .spawn(move || drive(driver));
        spawned.map(drop).map_err(|error| AppError::NoWindow {
            reason: format!("cannot start a thread ({error})"),
        })
    }

    /// Moves the view, and knows what is on the screen.
    #[must_use]
    pub fn handle(&self) -> &PushHandle {
        &self.handle
    }

    /// Name of what draws.
    #[must_use]
    pub fn adapter(&self) -> &str {
        &self.adapter
    }

    /// Resident memory of the program, in bytes; `None` where the system does not say.
    #[must_use]
    pub fn rss_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kilobytes * 1024)
    }

    /// Closes the window.
    pub fn close(&self) {
        self.context.send_viewport_cmd(egui::ViewportCommand::Close);
        self.context.request_repaint();
    }
}
