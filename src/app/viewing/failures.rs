//! What could not be read: each plane, FOV and label image once in the log, and counted beyond a bound.
//!
//! The place that it concerns shows it as well; playing through 10,000 broken chunks must fill neither screen nor log.

use std::{collections::HashSet, fmt};

use crate::model::{FovId, PlaneId, limits};

/// What has a line of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    /// A plane, at whatever level.
    Plane(PlaneId),
    /// The store of a FOV.
    Fov(FovId),
    /// A label image of a FOV.
    Label(FovId, u16),
}

/// What was logged of one dataset.
#[derive(Debug, Default)]
pub(super) struct Failures {
    told: HashSet<Subject>,
}

impl Failures {
    /// Logs a failure, unless its subject has a line already or there are as many as may be. True where it did.
    pub(super) fn tell(&mut self, subject: Subject, error: &dyn fmt::Display) -> bool {
        if self.told.len() >= limits::LOGGED_FAILURES || !self.told.insert(subject) {
            return false;
        }
        tracing::warn!("{error}");
        if self.told.len() == limits::LOGGED_FAILURES {
            let limit = limits::LOGGED_FAILURES;
            tracing::warn!("{limit} failures so far; further ones are counted in the window only");
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ZPick;

    #[test]
    fn each_failure_has_one_line_and_many_are_counted() {
        let mut failures = Failures::default();
        let plane = |t| {
            Subject::Plane(PlaneId {
                fov: FovId(0),
                layer: 0,
                t,
                c: 0,
                z: ZPick::Slice(0),
                extra: 0,
                level: 0,
            })
        };
        assert!(failures.tell(plane(0), &"torn"));
        assert!(!failures.tell(plane(0), &"torn"));
        assert!(failures.tell(Subject::Fov(FovId(0)), &"no document"));
        let lines = (1..10_000).filter(|&t| failures.tell(plane(t), &"torn"));
        assert_eq!(lines.count(), limits::LOGGED_FAILURES - 2);
    }
}
