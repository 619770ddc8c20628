//! What is on the screen: published after each frame, so that scripts are answered from it.

use std::time::Instant;

use super::{FovId, PlaneState};

/// One channel on the screen.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownChannel {
    /// Channel index.
    pub c: u16,
    /// Its name.
    pub channel: String,
    /// The latest revision of its plane; 0: never announced.
    pub revision: u64,
    /// True where the pixels on the screen are those of that revision.
    pub is_latest: bool,
    /// True where pixels of it are on the screen.
    pub has_pixels: bool,
    /// What the disk says of it.
    pub state: PlaneState,
}

/// What the last presented frame showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Timepoint index.
    pub t: u32,
    /// The FOV.
    pub fov: FovId,
    /// Its flat number in display order.
    pub flat: u32,
    /// z-slice index; the current one also where the maximum is shown.
    pub z: u32,
    /// The maximum over z is shown.
    pub is_max: bool,
    /// Every drawn channel.
    pub planes: Vec<ShownChannel>,
    /// When the frame that first showed this was handed to the screen.
    pub presented: Instant,
}

impl Shown {
    /// True where both show the same, whenever they were presented.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        let at = |shown: &Self| (shown.t, shown.fov, shown.flat, shown.z, shown.is_max);
        at(self) == at(other) && self.planes == other.planes
    }
}
