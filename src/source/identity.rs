//! What tells an open file from every other one at its path, and from itself once it was changed.

use std::fs::Metadata;

use super::{OpenFile, is_settled};
use crate::model::FileStamp;

/// A file as it was when it was opened: stamp, and what the system knows it by.
///
/// Two that are equal have the same bytes, if the file was settled when the first one was taken: then each later write has
/// another time. A file that is renamed over another one differs from it even where length and time are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileIdentity {
    stamp: FileStamp,
    node: Node,
}

impl FileIdentity {
    pub(super) fn of(found: &Metadata) -> Self {
        Self {
            stamp: (found.len(), found.modified().ok()),
            node: node(found),
        }
    }

    /// Length and time.
    #[must_use]
    pub fn stamp(&self) -> FileStamp {
        self.stamp
    }

    /// True where nobody wrote to the file just now ([`is_settled`]). Asked before it is read: what is written after the
    /// answer has another time.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        is_settled(self.stamp.1)
    }
}

impl OpenFile {
    /// What it was when it was opened.
    #[must_use]
    pub fn identity(&self) -> FileIdentity {
        self.identity
    }
}

/// Device and number of the file, and when anything of it changed (seconds, nanoseconds), which no program can set.
#[cfg(unix)]
type Node = (u64, u64, i64, i64);

#[cfg(unix)]
fn node(found: &Metadata) -> Node {
    use std::os::unix::fs::MetadataExt as _;
    (found.dev(), found.ino(), found.ctime(), found.ctime_nsec())
}

/// When it was made: std does not tell the number of a file there.
#[cfg(not(unix))]
type Node = Option<std::time::SystemTime>;

#[cfg(not(unix))]
fn node(found: &Metadata) -> Node {
    found.created().ok()
}
