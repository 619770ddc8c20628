//! Playing along an axis.

use crate::model::NavAxis;

/// What plays, and how fast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Playback {
    /// The axis that plays; `None`: paused.
    pub axis: Option<NavAxis>,
    /// Steps per second, 0.5 to 100.
    pub fps: f32,
    /// Start again at the end.
    pub loops: bool,
}
