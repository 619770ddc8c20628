//! What the disk says of a plane. Absence is a value.

use std::sync::Arc;

/// What the disk says of one plane. Each is drawn differently; unknown is never black.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PlaneState {
    /// Nobody has looked yet.
    #[default]
    Unknown,
    /// The acquisition is going to write it and has not yet.
    Planned,
    /// All of it is on disk.
    Written,
    /// Some of its chunks are on disk.
    Partial {
        /// Chunks on disk.
        present: u32,
        /// Chunks of the plane.
        total: u32,
    },
    /// It should be there and is not.
    Missing,
    /// It is there and cannot be read; the reason in words, ending with the path.
    Failed(Arc<str>),
}
