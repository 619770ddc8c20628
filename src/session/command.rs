//! Intentions of a person or a script: keyboard, menus, panels, live events and tests all speak these.

use super::FollowLock;
use crate::model::{CanvasSize, ContrastLimits, FovId, Histogram, Lut, NavAxis, RectPx};

/// Which way along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To higher indices.
    Forward,
    /// To lower indices.
    Backward,
}

/// One intention towards the view. Positions beyond an end are clamped to it.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Go to an index of an axis (`Fov`: flat number of the display order).
    SetIndex(NavAxis, u32),
    /// Go to a FOV; nowhere where the dataset has no such FOV.
    GoToFov(FovId),
    /// So many steps along an axis; stops at the ends.
    Step(NavAxis, i64),
    /// First or last index of the axis moved last.
    GoToEnd(Direction),
    /// Go to what was typed: a name, else `B3:2`, `t7`, `z3`, separated by spaces. Unknown parts are ignored.
    GoToText(String),
    /// Position along all other axes, flattened.
    SetExtra(u32),
    /// So many steps along the n-th of the other axes; stops at the ends.
    StepExtra(usize, i64),

    /// Start or stop playing; `None`: the axis moved last.
    TogglePlay(Option<NavAxis>),
    /// One step of playback: forward, and round at the end if it loops (else playback stops there). `steps` > 1 skips.
    PlayStep {
        /// Steps to go.
        steps: u32,
    },
    /// Steps per second.
    SetFps(f32),
    /// Start again at the end.
    SetLoop(bool),

    /// Go with the newest plane of a running acquisition, or stop doing so. Every way to go elsewhere by hand stops it.
    SetFollow(bool),
    /// Keep the channel, z-slice or FOV while following, or let it go.
    SetLock(FollowLock, bool),
    /// A plane was written (from live news): the view goes there while following, unless something else is held.
    Newest {
        /// Its FOV.
        fov: FovId,
        /// Its timepoint.
        t: u32,
        /// Its z-slice.
        z: u32,
        /// Its channel.
        c: u16,
    },

    /// Show or hide a channel.
    SetVisible(usize, bool),
    /// Show only this channel, or all again where it is the only one.
    Solo(usize),
    /// Open a channel in the panel (in single mode: show it).
    SelectChannel(usize),
    /// Next or previous channel.
    StepChannel(Direction),
    /// Composite or single.
    ToggleMode,
    /// Colour or colormap of a channel.
    SetLut(usize, Lut),
    /// The LUT of a channel from its other end, or not.
    SetInverted(usize, bool),
    /// Limits of a channel, by hand.
    SetLimits(usize, ContrastLimits),
    /// Gamma of a channel, 0.1 to 10.
    SetGamma(usize, f32),
    /// Limits of a channel back to the files' window, else to what its shown plane gives.
    ResetLimits(usize),
    /// Back to the files' window (else pending), colour, direction of the LUT, and gamma 1.
    ResetChannel(usize),
    /// Limits of every visible channel from the shown planes' statistics, by percentiles.
    AutoContrast,
    /// Limits of one channel by percentiles.
    AutoChannel(usize),
    /// Limits of one channel from its smallest to its largest sample.
    MinMaxChannel(usize),
    /// Auto on every change.
    SetAutoEveryChange(bool),
    /// Limits shared by all FOVs and timepoints, or each its own.
    SetLimitsShared(bool),
    /// Statistics of a shown plane arrived (from the loader): gives limits to a channel that waits for them.
    Statistics {
        /// Channel index.
        channel: usize,
        /// FOV of the plane.
        fov: FovId,
        /// Timepoint of the plane.
        t: u32,
        /// The statistics.
        histogram: std::sync::Arc<Histogram>,
    },

    /// A tile was read (by the loader), and how long that took: the slower, the further is read ahead.
    TileRead(std::time::Duration),

    /// Draw the label image of that name over the image, or not.
    ShowLabel(String, bool),
    /// Opacity of a label image, 0 to 1.
    SetLabelOpacity(String, f32),
    /// Only the edges of a label image, or all of it.
    SetLabelOutline(String, bool),

    /// Maximum projection over z on or off.
    ToggleMaxProjection,
    /// Marks of clipped pixels on or off.
    ToggleClipped,

    /// The whole scene fits.
    Fit,
    /// One texel of level 0 on one physical pixel, about the middle.
    OneToOne(CanvasSize),
    /// Move the picture by physical pixels.
    Pan {
        /// To the right.
        dx_px: f64,
        /// Down.
        dy_px: f64,
        /// The canvas.
        canvas: CanvasSize,
    },
    /// Magnify by a factor; the world point under (x, y) stays.
    ZoomAbout {
        /// Above 1 magnifies.
        factor: f64,
        /// Physical pixels from the left of the canvas.
        x_px: f64,
        /// Physical pixels from the top of the canvas.
        y_px: f64,
        /// The canvas.
        canvas: CanvasSize,
    },
    /// Show this part of the canvas as large as fits.
    ZoomTo(RectPx, CanvasSize),

    /// The dataset has a newer revision: more channels, longer axes, another template.
    DatasetChanged,
    /// Open or close panels.
    SetPanels(super::Panels),
}
