//! The window's panels, one per file: no logic beyond layout, no I/O, no locks.
//!
//! They draw `&Session`, `&Dataset`, `&Ledger` and plain [`Facts`], and return [`Action`]s. `app` decides what becomes
//! of them.

mod absence;
mod axis_bars;
mod canvas_view;
mod channels_panel;
mod dataset_panel;
mod fov_panel;
mod fov_state;
mod go_to;
mod help;
mod histogram;
mod icons;
mod keys;
mod labels_panel;
mod live;
mod live_bar;
mod offers;
mod readout;
mod shell;
mod slider;
mod start_page;
mod status_line;
#[cfg(test)]
mod tests;
pub mod tokens;
mod top_bar;
mod waiting_panel;

use std::{path::PathBuf, time::Duration};

use egui::{CentralPanel, Frame, Panel};

use crate::{
    dataset::{Dataset, Executed},
    ledger::Ledger,
    model::{CanvasSize, DatasetId, NavAxis, PlaneState, Theme, Value},
    session::{Command, Panels, Session},
};
pub use live::{LiveFacts, LiveState, Offer, OfferKind};
pub use tokens::apply_theme;
pub use waiting_panel::WorkFacts;

/// Width of the panel of FOVs at first, in points.
pub const LEFT_PT: f32 = 176.0;
/// Width of the panel of channels at first, in points.
pub const RIGHT_PT: f32 = 284.0;
/// Windows narrower than this start with closed side panels, in points.
pub const NARROW_PT: f32 = 800.0;

/// A wish that goes beyond the view.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A change of the view.
    View(Command),
    /// Open a path in place of what is open.
    Open(PathBuf),
    /// Ask for a folder to open.
    OpenDialog,
    /// Open a simulated acquisition.
    OpenDemo,
    /// Back to the start page.
    CloseDataset,
    /// Close the window.
    Quit,
    /// Read the folder again, keeping view and settings.
    Reload,
    /// Stop opening.
    CancelOpening,
    /// Save the view as PNG.
    SaveView,
    /// Copy the view as a picture.
    CopyView,
    /// Copy a text.
    CopyText(String),
    /// Copy the path of the shown plane's file.
    CopyFilePath,
    /// Show the shown plane's file in the file manager.
    ShowInFileManager,
    /// Dark or light.
    SetTheme(Theme),
    /// Factor of all text sizes.
    SetTextScale(f32),
    /// Take a dataset off the recent list.
    ForgetRecent(PathBuf),
    /// The error or notice was read.
    DismissError,
    /// Open a running acquisition that is offered, and follow it.
    OpenRunning(PathBuf),
    /// Show the acquisition of another client that is offered, by its number.
    ShowOther(u64),
    /// Open running acquisitions by themselves, or only offer them; remembered.
    SetFollowRunning(bool),
}

/// A dataset that was opened before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recent {
    /// Its path.
    pub path: PathBuf,
    /// What people call it.
    pub name: String,
    /// Its size in words.
    pub size: String,
    /// The layout in words.
    pub layout: String,
    /// Seconds since 1970 of the last opening.
    pub opened_unix_secs: u64,
}

/// A dataset that is being opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// Its path.
    pub path: PathBuf,
    /// How far it is, in words; may be empty.
    pub message: String,
    /// How long it has taken.
    pub since: Duration,
}

/// What panels show beside session, dataset and ledger; gathered by `app` once per frame.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Newest first.
    pub recents: Vec<Recent>,
    /// What is being opened.
    pub opening: Option<Opening>,
    /// Something the user asked for did not happen, in words.
    pub error: Option<String>,
    /// Something the user asked for happened, in words.
    pub notice: Option<String>,
    /// Dark or light.
    pub theme: Theme,
    /// Factor of all text sizes.
    pub text_scale: f32,
    /// Reading and decoding of the last tile.
    pub read_ms: Option<f32>,
    /// The last frame.
    pub frame_ms: Option<f32>,
    /// Samples in memory, and the bound.
    pub cache_bytes: (usize, usize),
    /// Textures that hold tiles.
    pub texture_bytes: usize,
    /// Steps per second that playback reaches.
    pub play_fps: Option<f32>,
    /// How long the wished picture has been waited for.
    pub loading: Option<Duration>,
    /// What the disk says of the planes on the canvas, by channel.
    pub shown: Vec<(u16, PlaneState)>,
    /// Some of them are missing because their pixels were in memory and made room for newer ones.
    pub made_room: bool,
    /// Where and when the shown plane was taken.
    pub executed: Option<Executed>,
    /// The position is beyond the sizes of its FOV.
    pub outside: bool,
    /// The acquisition has gone on to later planes: what is planned here is late, was skipped, or holds nothing but zeros.
    pub is_passed: bool,
    /// The FOV's store could be opened, or has not been tried.
    pub is_readable: bool,
    /// The acquisition that is shown, while it runs and after it ended; `None` for a dataset that never ran here.
    pub live: Option<LiveFacts>,
    /// Acquisitions that could be shown instead.
    pub offers: Vec<Offer>,
    /// Running acquisitions are opened by themselves.
    pub follows_running: bool,
    /// What is done between disk and screen.
    pub work: WorkFacts,
}

/// What is looked at.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// View state.
    pub session: &'a Session,
    /// What can be shown.
    pub dataset: &'a Dataset,
    /// What the disk says.
    pub ledger: &'a Ledger,
}

/// What the panels are lent for one frame.
pub struct Stage<'a> {
    /// `None`: the start page.
    pub view: Option<View<'a>>,
    /// Everything else that is shown.
    pub facts: &'a Facts,
    /// The canvas' shape for a rectangle (points) of a physical size; called once per frame.
    pub paint: &'a mut dyn FnMut(egui::Rect, CanvasSize) -> egui::Shape,
    /// Raw value of every channel at a level-0 pixel; `None` where a channel has none there.
    pub values_at: &'a dyn Fn(u32, u32) -> Vec<Option<Value>>,
    /// Name of every label image that is shown, and its number at a level-0 pixel; `None` where it is not known.
    pub labels_at: &'a dyn Fn(u32, u32) -> Vec<(String, Option<Value>)>,
}

/// What the page of keys lists: keys as written, and what they do.
pub fn help_lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    keys::help().chain(keys::POINTER.iter().copied())
}

/// What dies with the window: open sections, text being typed.
#[derive(Default)]
pub struct Window {
    /// The dataset that the panels were laid out for.
    placed: Option<DatasetId>,
    shows_help: bool,
    shows_status: bool,
    shows_waiting: bool,
    go_to: go_to::GoTo,
    canvas: canvas_view::CanvasView,
    fovs: fov_panel::FovPanel,
    channels: channels_panel::ChannelsPanel,
    start: start_page::StartPage,
    offers: offers::OfferLines,
}

impl Window {
    /// Draws everything; what the person wishes comes back.
    pub fn show(&mut self, ui: &mut egui::Ui, stage: &mut Stage<'_>) -> Vec<Action> {
        let mut out = Vec::new();
        shell::dropped_files(ui.ctx(), &mut out);
        self.take_keys(ui.ctx(), stage, &mut out);
        let palette = tokens::palette(stage.facts.theme);
        Panel::top("top").frame(bar_frame()).show(ui, |ui| {
            top_bar::ui(
                ui,
                stage.view.as_ref(),
                self.canvas.size(),
                stage.facts,
                &mut self.shows_help,
                &mut out,
            );
        });
        shell::banner_ui(ui, stage.facts, &mut out);
        if stage.view.is_some() {
            self.offers.ui(ui, stage.facts, &mut out);
        }
        if self.shows_status {
            Panel::bottom("status")
                .frame(bar_frame())
                .show(ui, |ui| status_line::ui(ui, stage.facts));
        }
        if self.shows_waiting {
            Panel::bottom("waiting").frame(bar_frame()).show(ui, |ui| {
                waiting_panel::ui(ui, stage.facts, &mut self.shows_waiting);
            });
        }
        match stage.view {
            None => {
                CentralPanel::default()
                    .frame(Frame::new())
                    .show(ui, |ui| self.start.ui(ui, stage.facts, &mut out));
            }
            Some(view) => self.view_ui(ui, view, stage, &mut out),
        }
        help::ui(ui.ctx(), &mut self.shows_help);
        if let Some(view) = stage.view {
            self.go_to.ui(ui.ctx(), &view, palette, &mut out);
        }
        out
    }

    fn view_ui(
        &mut self,
        ui: &mut egui::Ui,
        view: View<'_>,
        stage: &mut Stage<'_>,
        out: &mut Vec<Action>,
    ) {
        let mut panels = view.session.panels;
        if self.placed != Some(view.dataset.id) {
            self.placed = Some(view.dataset.id);
            if ui.available_width() < NARROW_PT {
                panels = Panels {
                    left: false,
                    right: false,
                    ..panels
                };
                out.push(Action::View(Command::SetPanels(panels)));
            }
        }
        if panels.bars && axis_bars::has_any(&view) {
            Panel::bottom("bars")
                .frame(bar_frame())
                .show(ui, |ui| axis_bars::ui(ui, &view, stage.facts, out));
        }
        if panels.left && view.dataset.len_along(NavAxis::Fov) > 1 {
            let left = Panel::left("fovs")
                .default_size(LEFT_PT)
                .size_range(140.0..=320.0)
                .frame(side_frame());
            left.show(ui, |ui| {
                ui.set_min_width(ui.available_width());
                self.fovs.ui(ui, &view, stage.facts, out);
            });
        }
        if panels.right {
            let right = Panel::right("channels")
                .default_size(RIGHT_PT)
                .size_range(220.0..=420.0)
                .frame(side_frame());
            right.show(ui, |ui| {
                egui::ScrollArea::vertical()
                    .auto_shrink(false)
                    .show(ui, |ui| {
                        self.channels.ui(ui, &view, stage.facts, out);
                        labels_panel::ui(ui, &view, stage.facts, out);
                        ui.separator();
                        dataset_panel::ui(ui, &view, stage.facts, out);
                    });
            });
        }
        CentralPanel::default()
            .frame(Frame::new())
            .show(ui, |ui| self.canvas.ui(ui, &view, stage, out));
    }

    /// Closes what stands over the window, else gives the keys of a focused widget back.
    fn leave(&mut self, ctx: &egui::Context) {
        self.go_to.close();
        self.shows_help = false;
        ctx.memory_mut(|memory| {
            if let Some(id) = memory.focused() {
                memory.surrender_focus(id);
            }
        });
    }

    /// Keys that no focused field wants.
    fn take_keys(&mut self, ctx: &egui::Context, stage: &Stage<'_>, out: &mut Vec<Action>) {
        for wish in keys::pressed(ctx, stage.view.as_ref(), stage.facts, &self.canvas) {
            match wish {
                keys::Wish::Act(action) => out.push(action),
                keys::Wish::Help => self.shows_help = !self.shows_help,
                keys::Wish::GoTo => self.go_to.open(),
                keys::Wish::Leave => self.leave(ctx),
                keys::Wish::Status => self.shows_status = !self.shows_status,
                keys::Wish::Waiting => self.shows_waiting = !self.shows_waiting,
            }
        }
    }
}

/// Bars at the top and bottom: no fill, because the frame's background is the panel colour already.
fn bar_frame() -> Frame {
    Frame::NONE.inner_margin(egui::Margin::symmetric(8, 4))
}

/// Panels at the sides.
fn side_frame() -> Frame {
    Frame::NONE.inner_margin(egui::Margin::symmetric(8, 8))
}
