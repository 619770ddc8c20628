//! The single owner of view state.
//!
//! [`Session::apply`] is the only mutation, and clamps against the dataset; [`resolve()`] turns a session into the frozen
//! [`Visible`](crate::model::Visible) that loader, canvas and `render` take.

mod camera;
mod channels;
mod colors;
mod command;
mod contrast;
mod follow;
mod labels;
mod playback;
mod position;
mod prefetch;
mod resolve;
mod saved;
mod scene;
mod selection;
#[cfg(test)]
mod tests;

pub use camera::{Camera, Projection, Zoom};
pub use channels::{ChannelMode, ChannelView, LimitsSource};
pub use command::{Command, Direction};
pub use follow::{Follow, FollowLock, FollowLocks};
pub use labels::{LabelView, LabelViews};
pub use playback::Playback;
pub use position::Position;
pub use resolve::{other_levels, resolve};
pub use saved::{OwnLimits, SavedChannel, SavedView};
pub use scene::{PlacedFov, Scene, pixel_um};
pub use selection::Selection;

use std::{cmp::Ordering, collections::HashMap, sync::Arc};

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
    /// False until the first move: nothing is read ahead before it.
    pub has_moved: bool,
    /// How long reading takes lately.
    read_pace: prefetch::ReadPace,
    /// One per channel of the dataset.
    pub channels: Vec<ChannelView>,
    /// The same as the files said it last.
    described: Vec<ChannelView>,
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
    /// Label images over the image.
    pub labels: LabelViews,
    /// Where the canvas looks.
    pub camera: Camera,
    /// What plays, and how fast.
    pub playback: Playback,
    /// Whether the view goes with the newest plane of a running acquisition.
    pub follow: Follow,
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
        let described = channels::of_dataset(dataset);
        Self {
            position: Position::first(dataset),
            last_move: (longest.unwrap_or(NavAxis::Z), Direction::Forward),
            has_moved: false,
            read_pace: prefetch::ReadPace::default(),
            channels: described.clone(),
            described,
            mode: ChannelMode::Composite,
            selected_channel: 0,
            limits_shared: true,
            own_limits: HashMap::new(),
            auto_every_change: false,
            auto_percentiles: (0.1, 99.9),
            max_projection: false,
            mark_clipped: false,
            labels: LabelViews::default(),
            camera: Camera::FIT,
            playback: Playback::default(),
            follow: Follow::default(),
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
        self.camera.projection(self.image(dataset), canvas)
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
            | Command::StepExtra(..) => self.navigate(command, dataset),
            Command::TogglePlay(axis) => self.toggle_play(*axis),
            Command::PlayStep { steps } => self.play_step(*steps, dataset),
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
            Command::DatasetChanged => self.take_over(dataset),
            Command::SetPanels(panels) => self.panels = *panels,
            Command::SetFollow(_) | Command::SetLock(..) | Command::Newest { .. } => {
                self.set_follow(command, dataset);
            }
            Command::SetVisible(..)
            | Command::Solo(_)
            | Command::SelectChannel(_)
            | Command::StepChannel(_)
            | Command::ToggleMode
            | Command::SetLut(..)
            | Command::SetInverted(..)
            | Command::SetGamma(..) => self.set_channels(command),
            Command::TileRead(took) => self.read_pace.add(*took),
            Command::ShowLabel(..)
            | Command::SetLabelOpacity(..)
            | Command::SetLabelOutline(..) => self.set_label(command),
            _ => self.set_contrast(command, dataset),
        }
    }

    fn navigate(&mut self, command: &Command, dataset: &Dataset) {
        let before = self.position;
        let (after, axis) = self.led_to(command, dataset);
        let moved = after.index(axis, dataset).cmp(&before.index(axis, dataset));
        let direction = match moved {
            Ordering::Less => Direction::Backward,
            Ordering::Equal => self.last_move.1,
            Ordering::Greater => Direction::Forward,
        };
        (self.position, self.last_move) = (after, (axis, direction));
        self.has_moved = true;
        self.follow.is_on = false;
    }

    /// Where a command leads, and along which axis; where it leads nowhere, the present position.
    fn led_to(&self, command: &Command, dataset: &Dataset) -> (Position, NavAxis) {
        let (at, axis) = (self.position, self.last_move.0);
        match command {
            Command::SetIndex(axis, index) => (at.with_index(*axis, *index, dataset), *axis),
            Command::GoToFov(fov) if dataset.fov(*fov).is_some() => {
                (Position { fov: *fov, ..at }, NavAxis::Fov)
            }
            Command::Step(axis, steps) => (at.stepped(*axis, *steps, false, dataset), *axis),
            Command::GoToEnd(Direction::Backward) => (at.with_index(axis, 0, dataset), axis),
            Command::GoToEnd(Direction::Forward) => (at.with_index(axis, u32::MAX, dataset), axis),
            Command::GoToText(text) => {
                let (to, along) = at.going_to(text, dataset).unwrap_or((at, None));
                (to, along.unwrap_or(axis))
            }
            Command::SetExtra(extra) => {
                let last = self.image(dataset).num_extra().saturating_sub(1);
                let extra = (*extra).min(last);
                (Position { extra, ..at }, axis)
            }
            Command::StepExtra(nth, steps) => {
                let image = self.image(dataset);
                let index = i64::from(image.extra_index(at.extra, *nth));
                let index = index.saturating_add(*steps).max(0);
                let index = u32::try_from(index).unwrap_or(u32::MAX);
                let extra = image.extra_with(at.extra, *nth, index);
                (Position { extra, ..at }, axis)
            }
            _ => (at, axis),
        }
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
    fn take_over(&mut self, dataset: &Dataset) {
        let described = channels::of_dataset(dataset);
        self.channels.truncate(described.len());
        let views = self.channels.iter_mut().zip(&self.described);
        for ((view, before), now) in views.zip(&described) {
            view.update(before, now);
        }
        let known = self.channels.len();
        self.channels.extend(described.iter().skip(known).cloned());
        self.described = described;
        self.selected_channel = self
            .selected_channel
            .min(self.channels.len().saturating_sub(1));
        self.position = self.position.clamped(dataset);
    }
}
