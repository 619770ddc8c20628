//! The empty `.done` that Squid leaves when a run ends or is aborted (`control/core/multi_point_controller.py`), and
//! whether it is of the run that is meant: a folder may still hold that of an earlier one.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use crate::source;

/// The name of the mark.
pub(super) const DONE: &str = ".done";

/// File systems keep times as coarse as this (FAT: 2 s), and a moment passes between a start and its announcement.
const CLOCK_GRAIN: Duration = Duration::from_secs(3);

/// The mark in an acquisition folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndMark {
    modified: Option<SystemTime>,
}

impl EndMark {
    /// True where a file was written after the mark.
    pub(super) fn is_before(self, file: &Path) -> bool {
        let written = source::stamp_of(file).and_then(|(_, modified)| modified);
        written
            .zip(self.modified)
            .is_some_and(|(written, marked)| written > marked)
    }

    /// The mark that is in a folder now. Blocks on I/O.
    pub(super) fn find(folder: &Path) -> Option<Self> {
        let found = source::stat(&folder.join(DONE)).ok()??;
        Some(Self {
            modified: found.modified,
        })
    }

    /// True where it was left after a moment, if one is given.
    #[must_use]
    pub fn is_after(self, moment: Option<SystemTime>) -> bool {
        moment.is_none_or(|moment| is_after(self.modified, moment))
    }
}

/// True where a file was written after a moment, or may have been: its time is coarse, or not known.
#[must_use]
pub fn is_after(modified: Option<SystemTime>, moment: SystemTime) -> bool {
    modified.is_none_or(|modified| {
        moment
            .duration_since(modified)
            .map_or(true, |age| age <= CLOCK_GRAIN)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_counts_from_the_moment_on_as_exact_as_clocks_are() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(EndMark::find(folder.path()), None);
        let file = std::fs::File::create(folder.path().join(DONE)).expect("a file");
        let left = SystemTime::now();
        file.set_modified(left).expect("touched");
        let mark = EndMark::find(folder.path()).expect("the mark");
        let check = |secs_later: f64, is_after: bool| {
            let moment = left + Duration::from_secs_f64(secs_later);
            assert_eq!(mark.is_after(Some(moment)), is_after, "{secs_later}");
        };
        check(0.0, true);
        check(2.0, true);
        check(4.0, false);
        assert!(mark.is_after(Some(left - Duration::from_mins(1))));
        assert!(mark.is_after(None), "any is meant");
        assert!(is_after(None, left), "nobody knows when");
    }
}
