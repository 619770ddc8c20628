//! The single owner of view state.
//!
//! [`Session::apply`] is the only mutation, and clamps against the dataset; [`resolve`] turns a session into the frozen
//! [`Visible`](crate::model::Visible) that loader, canvas and `render` take.

mod camera;
mod channels;
mod command;
mod contrast;
mod playback;
mod position;
mod prefetch;
mod resolve;
mod saved;
mod scene;

pub use camera::{Camera, Projection, Zoom};
pub use channels::{ChannelMode, ChannelView, LimitsSource};
pub use command::{Command, Direction};
pub use playback::Playback;
pub use position::Position;
pub use resolve::resolve;
pub use saved::{SavedChannel, SavedView};
pub use scene::{PlacedFov, Scene, pixel_um};

use std::{collections::HashMap, sync::Arc};

use crate::{
    dataset::{Dataset, Image},
    model::{CanvasSize, ContrastLimits, FovId, NavAxis},
};

/// Which panels are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Panels {
    /// FOVs, left.
    pub left: bool,
    /// Channels and dataset, right.
    pub right: bool,
    /// Dimension bars, bottom.
    pub bars: bool,
}

/// What a person is looking at.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Position on each axis.
    pub position: Position,
    /// The axis moved last, and which way: where playback plays and prefetch looks.
    pub last_move: (NavAxis, Direction),
    /// False until the first move: a dataset that is only looked at is not read far ahead.
    pub has_moved: bool,
    /// One per channel of the dataset.
    pub channels: Vec<ChannelView>,
    /// All visible channels blended, or one.
    pub mode: ChannelMode,
    /// The channel that is open in the panel, and shown in single mode.
    pub selected_channel: usize,
    /// Limits are shared by all FOVs and timepoints; off: each (FOV, timepoint) keeps its own.
    pub limits_shared: bool,
    /// Limits of single FOVs and timepoints, by (FOV, t, channel), where they are not shared.
    pub own_limits: HashMap<(FovId, u32, usize), ContrastLimits>,
    /// Auto contrast on every change of the plane.
    pub auto_every_change: bool,
    /// Percentiles that auto contrast uses, 0 to 100.
    pub auto_percentiles: (f64, f64),
    /// Show the maximum over z.
    pub max_projection: bool,
    /// Mark samples at or beyond the limits.
    pub mark_clipped: bool,
    /// Where the canvas looks.
    pub camera: Camera,
    /// What plays, and how fast.
    pub playback: Playback,
    /// Which panels are open.
    pub panels: Panels,
}

impl Session {
    /// The first look at a dataset: first position, all active channels, fitted.
    #[must_use]
    pub fn new(dataset: &Dataset) -> Self {
        let longest = [NavAxis::Z, NavAxis::Time, NavAxis::Fov]
            .into_iter()
            .find(|&axis| dataset.len_along(axis) > 1);
        Self {
            position: Position::first(dataset),
            last_move: (longest.unwrap_or(NavAxis::Z), Direction::Forward),
            has_moved: false,
            channels: channels::of_dataset(dataset),
            mode: ChannelMode::Composite,
            selected_channel: 0,
            limits_shared: true,
            own_limits: HashMap::new(),
            auto_every_change: false,
            auto_percentiles: (0.1, 99.9),
            max_projection: false,
            mark_clipped: false,
            camera: Camera::FIT,
            playback: Playback::default(),
            panels: Panels {
                left: true,
                right: true,
                bars: true,
            },
        }
    }

    /// The image of the FOV at the present position; the template until its store is opened.
    #[must_use]
    pub fn image<'a>(&self, dataset: &'a Dataset) -> &'a Arc<Image> {
        dataset
            .image(self.position.fov)
            .unwrap_or(&dataset.template)
    }

    /// The map between world and canvas for the shown FOV.
    #[must_use]
    pub fn projection(&self, dataset: &Dataset, canvas: CanvasSize) -> Projection {
        let scene = Scene::single(self.position.fov, self.image(dataset));
        self.camera.projection(&scene.bounds(), canvas)
    }

    /// The level-0 pixel (column, row) of the shown FOV under a physical pixel position of the canvas.
    #[must_use]
    pub fn pixel_at(
        &self,
        x_px: f64,
        y_px: f64,
        dataset: &Dataset,
        canvas: CanvasSize,
    ) -> Option<(u32, u32)> {
        let image = self.image(dataset);
        let (width, height) = image.plane_size();
        let (at, pixel) = (
            self.projection(dataset, canvas).um_from_px(x_px, y_px),
            pixel_um(image),
        );
        let inside = |index: f64, size: u32| {
            (index >= 0.0 && index < f64::from(size)).then_some(index as u32)
        };
        Some((
            inside((at.x / pixel.x).floor(), width)?,
            inside((at.y / pixel.y).floor(), height)?,
        ))
    }

    /// Indices of the channels that are drawn, in drawing order.
    #[must_use]
    pub fn drawn_channels(&self) -> Vec<usize> {
        match self.mode {
            ChannelMode::Single => vec![self.selected_channel],
            ChannelMode::Composite => (0..self.channels.len())
                .filter(|&c| self.channels[c].visible)
                .collect(),
        }
    }

    /// Applies one intention, clamped against the dataset. The only mutation.
    pub fn apply(&mut self, command: &Command, dataset: &Dataset) {
        match command {
            Command::SetIndex(..)
            | Command::GoToFov(_)
            | Command::Step(..)
            | Command::GoToEnd(_)
            | Command::GoToText(_)
            | Command::SetExtra(_)
            | Command::PlayStep { .. } => self.navigate(command, dataset),
            Command::TogglePlay(axis) => self.toggle_play(*axis),
            Command::SetFps(fps) => {
                self.playback.fps = fps.max(Playback::FPS.0).min(Playback::FPS.1);
            }
            Command::SetLoop(loops) => self.playback.loops = *loops,
            Command::ToggleMaxProjection => self.max_projection = !self.max_projection,
            Command::ToggleClipped => self.mark_clipped = !self.mark_clipped,
            Command::Fit
            | Command::OneToOne(_)
            | Command::Pan { .. }
            | Command::ZoomAbout { .. }
            | Command::ZoomTo(..) => self.look(command, dataset),
            Command::DatasetChanged => self.follow(dataset),
            Command::SetPanels(panels) => self.panels = *panels,
            _ => self.set_channels(command, dataset),
        }
    }

    fn navigate(&mut self, command: &Command, dataset: &Dataset) {
        let before = self.position;
        let (axis, _) = self.last_move;
        let (after, axis) = match command {
            Command::SetIndex(axis, index) => (before.with_index(*axis, *index, dataset), *axis),
            Command::GoToFov(fov) => (
                Position {
                    fov: *fov,
                    ..before
                }
                .clamped(dataset),
                NavAxis::Fov,
            ),
            Command::Step(axis, steps) => (before.stepped(*axis, *steps, false, dataset), *axis),
            Command::GoToEnd(Direction::Backward) => (before.with_index(axis, 0, dataset), axis),
            Command::GoToEnd(Direction::Forward) => {
                (before.with_index(axis, u32::MAX, dataset), axis)
            }
            Command::GoToText(text) => before.going_to(text, dataset).unwrap_or((before, axis)),
            Command::SetExtra(extra) => {
                let last = self.image(dataset).num_extra().saturating_sub(1);
                (
                    Position {
                        extra: (*extra).min(last),
                        ..before
                    },
                    axis,
                )
            }
            Command::PlayStep { steps } => return self.play_step(*steps, dataset),
            _ => return,
        };
        let direction = if after.index(axis, dataset) < before.index(axis, dataset) {
            Direction::Backward
        } else {
            Direction::Forward
        };
        (self.position, self.last_move) = (after, (axis, direction));
        self.has_moved = true;
    }

    fn toggle_play(&mut self, axis: Option<NavAxis>) {
        let axis = axis.unwrap_or(self.last_move.0);
        let is_playing = self.playback.axis == Some(axis);
        self.playback.axis = if is_playing { None } else { Some(axis) };
        self.last_move = (axis, Direction::Forward);
    }

    fn play_step(&mut self, steps: u32, dataset: &Dataset) {
        let Some(axis) = self.playback.axis else {
            return;
        };
        let last = dataset.len_along(axis).saturating_sub(1);
        let reaches_end = self.position.index(axis, dataset).saturating_add(steps) > last;
        if reaches_end && !self.playback.loops {
            self.playback.axis = None;
        }
        self.position = self
            .position
            .stepped(axis, i64::from(steps), self.playback.loops, dataset);
        self.last_move = (axis, Direction::Forward);
        self.has_moved = true;
    }

    fn look(&mut self, command: &Command, dataset: &Dataset) {
        let image = Arc::clone(self.image(dataset));
        self.camera = match command {
            Command::OneToOne(canvas) => self.camera.one_to_one(&image, *canvas),
            Command::Pan {
                dx_px,
                dy_px,
                canvas,
            } => self.camera.panned(*dx_px, *dy_px, &image, *canvas),
            Command::ZoomAbout {
                factor,
                x_px,
                y_px,
                canvas,
            } => self.camera.zoomed(*factor, *x_px, *y_px, &image, *canvas),
            Command::ZoomTo(part, canvas) => self.camera.on_part(*part, &image, *canvas),
            _ => Camera::FIT,
        };
    }

    /// Takes over what a newer revision of the dataset brings; everything set by hand stays.
    fn follow(&mut self, dataset: &Dataset) {
        let described = channels::of_dataset(dataset);
        if self.channels.len() < described.len() {
            self.channels
                .extend(described.into_iter().skip(self.channels.len()));
        }
        self.position = self.position.clamped(dataset);
    }

    fn set_channels(&mut self, command: &Command, dataset: &Dataset) {
        let (low, high) = self.auto_percentiles;
        match command {
            Command::SetVisible(channel, visible) => {
                self.change(*channel, |view| view.visible = *visible);
            }
            Command::SetLut(channel, lut) => self.change(*channel, |view| view.lut = *lut),
            Command::SetGamma(channel, gamma) => {
                self.change(*channel, |view| view.set_gamma(*gamma));
            }
            Command::Solo(channel) => self.solo(*channel),
            Command::SelectChannel(channel) if *channel < self.channels.len() => {
                self.selected_channel = *channel;
            }
            Command::StepChannel(direction) => self.step_channel(*direction),
            Command::ToggleMode => {
                self.mode = match self.mode {
                    ChannelMode::Composite => ChannelMode::Single,
                    ChannelMode::Single => ChannelMode::Composite,
                };
            }
            Command::SetLimits(channel, limits) => self.set_limits(*channel, *limits),
            Command::ResetLimits(channel) => self.reset_limits(*channel, dataset),
            Command::ResetChannel(channel) => self.reset_channel(*channel, dataset),
            Command::AutoContrast => {
                for channel in self.drawn_channels() {
                    self.set_auto(channel, |histogram| histogram.percentiles(low, high));
                }
            }
            Command::AutoChannel(channel) => {
                self.set_auto(*channel, |histogram| histogram.percentiles(low, high));
            }
            Command::MinMaxChannel(channel) => {
                self.set_auto(*channel, |histogram| ContrastLimits {
                    low: histogram.min,
                    high: histogram.max,
                });
            }
            Command::SetAutoEveryChange(every) => self.auto_every_change = *every,
            Command::SetLimitsShared(shared) => self.limits_shared = *shared,
            Command::Statistics {
                channel,
                fov,
                t,
                histogram,
            } => self.take_statistics(*channel, *fov, *t, histogram),
            _ => {}
        }
    }

    fn change(&mut self, channel: usize, change: impl FnOnce(&mut ChannelView)) {
        if let Some(view) = self.channels.get_mut(channel) {
            change(view);
        }
    }

    /// Only this channel, or all again where it is the only one.
    fn solo(&mut self, channel: usize) {
        let is_alone = self
            .channels
            .iter()
            .enumerate()
            .all(|(other, view)| view.visible == (other == channel));
        for (other, view) in self.channels.iter_mut().enumerate() {
            view.visible = is_alone || other == channel;
        }
    }

    fn step_channel(&mut self, direction: Direction) {
        let count = self.channels.len().max(1);
        let step = if direction == Direction::Forward {
            1
        } else {
            count - 1
        };
        self.selected_channel = (self.selected_channel + step) % count;
    }
}
