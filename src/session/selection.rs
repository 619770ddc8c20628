//! The part of the view state that decides which planes are drawn.

use super::{Position, Session};

/// Which planes are drawn; the picture on the screen keeps its own while the next one is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Position on each axis.
    pub position: Position,
    /// The maximum over z instead of a slice.
    pub is_max: bool,
    /// Indices of the channels, in drawing order.
    pub channels: Vec<usize>,
    /// Names of the label images over them.
    pub labels: Vec<String>,
}

impl Session {
    /// Which planes this session wishes to see.
    #[must_use]
    pub fn selection(&self) -> Selection {
        Selection {
            position: self.position,
            is_max: self.max_projection,
            channels: self.drawn_channels(),
            labels: self.labels.shown(),
        }
    }
}
