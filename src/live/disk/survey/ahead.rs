//! What is looked at because it is expected next: planes behind the newest one, and wherever else a writer may go on.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use super::Survey;
use crate::{
    live::disk::{gaps::FIRST_PAUSE, place::PageKey},
    source::stamp_of,
};

/// Planes behind the newest one in its page that are looked at every time.
const AHEAD_IN_PAGE: u32 = 64;
/// Pages behind that one of which the first planes are looked at every time.
const AHEAD_PAGES: u32 = 4;
/// First planes of a page that is expected next: an all-zero plane leaves no file.
const FIRST_PLANES: u32 = 8;
/// Pages that might be begun next by a writer with another order, in turn.
const OTHER_PAGES: u32 = 16;
/// Timepoints ahead that are looked at every time: Squid skips some when it is late.
const AHEAD_TIMEPOINTS: u32 = 8;

impl Survey {
    /// One round at the frontier. True where something was found.
    pub(super) fn look_ahead(&mut self, is_brief: bool) -> bool {
        let (t, rank, next) = match self.newest {
            Some(newest) => (newest.t, newest.rank, newest.idx + 1),
            None => (self.newest_begun().unwrap_or(0), 0, 0),
        };
        let mut has_found = self.probe_some(t, rank, next, AHEAD_IN_PAGE);
        let num_ranks = self.num_ranks().max(1);
        for step in 1..=AHEAD_PAGES {
            let at = u64::from(rank) + u64::from(step);
            let later = (at / u64::from(num_ranks)) as u32;
            let rank = (at % u64::from(num_ranks)) as u32;
            has_found |= self.probe_some(t.saturating_add(later), rank, 0, FIRST_PLANES);
        }
        if has_found || is_brief {
            return has_found;
        }
        let turn = self.turn;
        let in_turn = |count: u32, at: u32| turn.wrapping_mul(count).wrapping_add(at) % num_ranks;
        for at in 0..OTHER_PAGES.min(num_ranks) {
            has_found |= self.probe_unbegun(t, in_turn(OTHER_PAGES, at));
        }
        for ahead in 1..=AHEAD_TIMEPOINTS {
            has_found |= self.probe_unbegun(t.saturating_add(ahead), 0);
        }
        for at in 0..AHEAD_PAGES.min(num_ranks) {
            has_found |= self.probe_unbegun(t.saturating_add(1), in_turn(AHEAD_PAGES, at));
            if let Some(begun) = self.newest_begun().filter(|&begun| begun > t) {
                has_found |= self.probe_unbegun(begun, in_turn(AHEAD_PAGES, at));
            }
        }
        // Without folders of timepoints nothing tells where a writer goes on; far ahead is looked at in turn.
        let far = self.stores.num_timepoints().saturating_sub(t).max(1);
        for at in 0..AHEAD_TIMEPOINTS {
            let ahead = turn.wrapping_mul(AHEAD_TIMEPOINTS).wrapping_add(at) % far;
            has_found |= self.probe_unbegun(t.saturating_add(ahead), 0);
        }
        has_found
    }

    pub(super) fn probe_unbegun(&mut self, t: u32, rank: u32) -> bool {
        let key = self.fov_at(rank).map(|fov| PageKey { t, fov });
        key.is_some_and(|key| self.book.has_nothing_written(key)) && self.probe_some(t, rank, 0, 2)
    }

    /// Looks at one page of the newest timepoint that should not be begun yet, in turn: looking at first planes misses
    /// what a writer begins in the middle.
    pub(super) fn look_at_page_ahead(&mut self) -> bool {
        let Some(newest) = self.newest.filter(|_| self.gaps.has_credit()) else {
            return false;
        };
        let num_ahead = self.num_ranks().saturating_sub(newest.rank + 1);
        let Some(step) = self.turn.checked_rem(num_ahead) else {
            return false;
        };
        let Some(fov) = self.fov_at(newest.rank + 1 + step) else {
            return false;
        };
        let (num_looks, has_found) = self.visit(PageKey { t: newest.t, fov }, FIRST_PAUSE);
        self.gaps.spend(num_looks);
        has_found
    }

    /// Folders in which the planes that are expected next appear: theirs, or the deepest above that is there.
    pub(in crate::live::disk) fn expected_folders(&self) -> HashSet<PathBuf> {
        const PLANES: u32 = 16;
        let root = &self.stores.dataset().root;
        let (t, rank, next) = match self.newest {
            Some(newest) => (newest.t, newest.rank, newest.idx + 1),
            None => (self.newest_begun().unwrap_or(0), 0, 0),
        };
        let num_ranks = self.num_ranks().max(1);
        let following = (t, rank.saturating_add(1));
        let following = if following.1 < num_ranks {
            following
        } else {
            (t.saturating_add(1), 0)
        };
        let mut paths = Vec::new();
        for ((t, rank), from) in [((t, rank), next), (following, 0)] {
            let Some(fov) = self.fov_at(rank) else {
                continue;
            };
            let shape = self.stores.shape(fov);
            for idx in from..(from + PLANES).min(shape.len()) {
                let plane = shape.plane(PageKey { t, fov }, idx);
                let file = self.store.file_of(self.stores.dataset(), plane);
                let folder = self.stores.dataset().fov(fov).map(|row| &row.folder);
                paths.extend(file.ok().or_else(|| folder.cloned()));
            }
        }
        let first = self.first.iter().take(PLANES as usize);
        paths.extend(
            first.filter_map(|&plane| self.store.file_of(self.stores.dataset(), plane).ok()),
        );
        let deepest = |path: &PathBuf| {
            let above = path.ancestors().skip(1);
            above
                .take_while(|folder| folder.starts_with(root))
                .find(|folder| stamp_of(folder).is_some())
                .map(Path::to_path_buf)
        };
        paths.iter().filter_map(deepest).collect()
    }
}
