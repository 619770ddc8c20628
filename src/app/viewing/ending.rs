//! How the acquisition of one view comes to its end, and what that changes: what is absent means something else then.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use super::Viewing;
use crate::{dataset::Dataset, model::FovId};

/// The mark of a registered acquisition may be left after its end was announced: it is looked for again after this time,
/// which doubles.
const FIRST_MARK_PAUSE: Duration = Duration::from_secs(1);
/// Such looks: for half a minute.
const MARK_LOOKS: u32 = 5;

/// The next look for the mark of the end.
pub(super) struct MarkLook {
    at: Instant,
    pause: Duration,
    num_left: u32,
}

impl Viewing {
    /// The acquisition, which began these timepoints, came to its end: what was absent may mean something else now.
    pub(in crate::app) fn end(&mut self, is_aborted: bool, begun: BTreeSet<u32>) {
        self.change(self.dataset.with_end(is_aborted, begun));
        self.ledger.renew_absent();
        self.book_dropped();
        self.is_dirty = true;
    }

    /// The announcements ended; the stores, or the mark beside registered files, may say by now that they are complete.
    pub(in crate::app) fn stop_announcing(&mut self) {
        self.is_announcing = false;
        self.change(self.dataset.with_announced_end());
        if self.dataset.is_registered() {
            self.ledger.renew_absent();
            self.book_dropped();
            self.mark_look = Some(MarkLook {
                at: Instant::now() + FIRST_MARK_PAUSE,
                pause: FIRST_MARK_PAUSE,
                num_left: MARK_LOOKS,
            });
        }
        self.is_dirty = true;
    }

    /// When the mark of a registered acquisition is looked for next.
    pub(super) fn next_mark_look(&self) -> Option<Instant> {
        self.mark_look.as_ref().map(|look| look.at)
    }

    /// Looks for the mark of a registered acquisition, where that is due: opening a FOV does.
    pub(super) fn look_for_mark(&mut self, now: Instant) {
        let Some(mut look) = self.mark_look.take_if(|look| now >= look.at) else {
            return;
        };
        let run = self.dataset.acquisition.as_ref();
        let is_told = run.is_some_and(|run| run.complete.is_some());
        if is_told || look.num_left == 0 {
            return;
        }
        look.num_left -= 1;
        look.pause *= 2;
        look.at = now + look.pause;
        self.mark_look = Some(look);
        let fov = self.session.position.fov;
        self.change(self.dataset.with_reopening(|other| other == fov));
    }

    /// In stores that are complete since they were opened again, what is absent means the fill value: it is looked at
    /// once more. In those that were and are not any more, it was taken for that until now: nothing of it holds.
    pub(super) fn renew_turned(&mut self, before: &Dataset, opened: &[FovId]) {
        for &fov in opened {
            let is_complete = self.dataset.is_store_complete(fov);
            if is_complete == before.is_store_complete(fov) {
                continue;
            }
            if is_complete {
                self.ledger.renew_absent_of(fov);
            } else {
                self.renew_fovs(std::iter::once(fov));
            }
            self.turned.push(fov);
            self.is_dirty = true;
        }
    }

    /// FOVs whose stores turned out to be complete, or not to be any more, since this was asked last.
    pub(in crate::app) fn take_turned(&mut self) -> Vec<FovId> {
        std::mem::take(&mut self.turned)
    }
}
