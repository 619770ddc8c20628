//! What a read does where there is no room to decode.

use crate::source::{Room, room, room_now};

/// Whether a read waits for its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taking {
    /// It does.
    Waits,
    /// It gives up.
    IfFree,
}

impl Taking {
    /// Room for so many bytes; `None`: none now.
    pub(super) fn room(self, num_bytes: u64) -> Option<Room> {
        match self {
            Self::Waits => Some(room(num_bytes)),
            Self::IfFree => room_now(num_bytes),
        }
    }
}
