//! The single owner of view state.
//!
//! [`Session::apply`] is the only mutation, and clamps against the dataset; [`resolve`] turns a session into the frozen
//! [`Visible`](crate::model::Visible) that loader, canvas and `render` take.

mod camera;
mod channels;
mod command;
mod playback;
mod position;
mod resolve;
mod scene;

pub use camera::{Camera, Zoom};
pub use channels::{ChannelMode, ChannelView, LimitsSource};
pub use command::{Command, Direction};
pub use playback::Playback;
pub use position::Position;
pub use resolve::resolve;
pub use scene::{PlacedFov, Scene};

use std::collections::HashMap;

use crate::{
    dataset::Dataset,
    model::{ContrastLimits, FovId, NavAxis},
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
        unimplemented!("{dataset:?}")
    }

    /// Applies one intention, clamped against the dataset. The only mutation.
    pub fn apply(&mut self, command: &Command, dataset: &Dataset) {
        unimplemented!("{command:?} {dataset:?}")
    }
}
