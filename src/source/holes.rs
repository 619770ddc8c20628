//! Holes of a sparse file: room that nobody has written to, as far as the file system tells.

use super::OpenFile;

/// Whether a range of a file has holes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holes {
    /// All of it is one; blocks that it shares with its neighbours are left out.
    All,
    /// A part of it.
    Some,
    /// None, or the file system does not say.
    None,
}

/// Blocks of most file systems.
const BLOCK_BYTES: u64 = 4096;

impl OpenFile {
    /// Whether a range has holes, which read as zeros; what lies beyond the end of the file is none.
    #[must_use]
    pub fn holes(&self, offset: u64, length: u64) -> Holes {
        let end = offset.saturating_add(length).min(self.num_bytes());
        let is_before = |at: Option<u64>| at.is_some_and(|at| at < end);
        if offset >= end || !is_before(self.next_hole(offset)) {
            return Holes::None;
        }
        let inner = offset.next_multiple_of(BLOCK_BYTES)..end / BLOCK_BYTES * BLOCK_BYTES;
        if inner.is_empty() {
            return Holes::Some;
        }
        match self.next_data(inner.start) {
            Some(at) if at >= inner.end => Holes::All,
            Some(_) | None => Holes::Some,
        }
    }

    /// Where the next hole begins; `None` where the system does not say.
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    fn next_hole(&self, offset: u64) -> Option<u64> {
        rustix::fs::seek(&self.file, rustix::fs::SeekFrom::Hole(offset)).ok()
    }

    /// Where the next data begin, beyond everything where none follow; `None` where the system does not say.
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    fn next_data(&self, offset: u64) -> Option<u64> {
        match rustix::fs::seek(&self.file, rustix::fs::SeekFrom::Data(offset)) {
            Ok(at) => Some(at),
            Err(rustix::io::Errno::NXIO) => Some(u64::MAX),
            Err(_) => None,
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    #[expect(clippy::unused_self, reason = "the same call on every system")]
    fn next_hole(&self, _offset: u64) -> Option<u64> {
        None
    }

    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    #[expect(clippy::unused_self, reason = "the same call on every system")]
    fn next_data(&self, _offset: u64) -> Option<u64> {
        None
    }
}
