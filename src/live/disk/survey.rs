//! Which planes are on disk: looked at one by one, those that are expected next most often.
//!
//! Three things take turns: the planes that were asked for and those at the frontier (behind the newest one found), at
//! every look; gaps, that is pages behind the frontier that are not full, with growing pauses; and every page behind the
//! frontier once, the newest timepoint first, in slices of a few milliseconds.

mod ahead;
mod asked;

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    book::{Book, Told},
    gaps::{FIRST_PAUSE, Gaps},
    news::Outbox,
    place::{PageKey, Place},
    stamps::PlaneFiles,
    stores::Stores,
};
use crate::{
    dataset::Dataset,
    model::{FovId, PlaneId, PlaneState, limits},
    store::Store,
};

/// One look is no longer than this; the next one follows at once.
const LOOK_WITHIN: Duration = Duration::from_millis(5);

/// The survey of one dataset.
pub(super) struct Survey {
    store: Arc<Store>,
    outbox: Arc<Outbox>,
    stop: Arc<AtomicBool>,
    pub(super) stores: Stores,
    /// FOVs in the order of the plan; the rank of a FOV is its place here.
    scan: Vec<FovId>,
    ranks: Vec<u32>,
    book: Book,
    files: PlaneFiles,
    newest: Option<Place>,
    is_newest_told: bool,
    /// Timepoints that were begun, by the folders of the acquisition.
    pub(super) begun: BTreeSet<u32>,
    first: Vec<PlaneId>,
    /// By timepoint: pages below this rank were looked at since they were behind the frontier.
    visited: Vec<u32>,
    /// Timepoints with pages that were not.
    todo: BTreeSet<u32>,
    rescans: VecDeque<(FovId, u32)>,
    gaps: Gaps,
    /// The newest timepoint was looked at as a whole: what is found in an empty page of it is new.
    is_caught_up: bool,
    /// What is told was told before: nothing of it is the newest.
    is_retelling: bool,
    is_over: bool,
    /// Stores that were complete are written anew, since this was asked last.
    pub(super) has_begun_anew: bool,
    /// Stores that had been opened when the pass over all pages began.
    num_opened: usize,
    /// Planes that were looked at in going through pages, since the dataset was opened.
    num_gone_through: u64,
    turn: u32,
    found: Vec<(PlaneId, PlaneState)>,
}

impl Survey {
    pub(super) fn new(
        dataset: &Dataset,
        store: Arc<Store>,
        outbox: Arc<Outbox>,
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self {
            store,
            outbox,
            stop,
            stores: Stores::new(dataset),
            scan: Vec::new(),
            ranks: Vec::new(),
            book: Book::default(),
            files: PlaneFiles::default(),
            newest: None,
            is_newest_told: true,
            begun: BTreeSet::new(),
            first: Vec::new(),
            visited: Vec::new(),
            todo: BTreeSet::new(),
            rescans: VecDeque::new(),
            gaps: Gaps::default(),
            is_caught_up: false,
            is_retelling: false,
            is_over: false,
            has_begun_anew: false,
            num_opened: 0,
            num_gone_through: 0,
            turn: 0,
            found: Vec::new(),
        }
    }

    /// Takes the order of FOVs; all pages behind the frontier are gone through once more, full ones cost nothing.
    pub(super) fn set_scan(&mut self, scan: Vec<FovId>) {
        let newest_fov = self.newest.and_then(|newest| self.fov_at(newest.rank));
        let num_rows = self.stores.dataset().fovs.len();
        self.ranks = vec![0; num_rows];
        self.scan = scan;
        self.scan.retain(|fov| fov.row() < num_rows);
        for (rank, fov) in self.scan.iter().enumerate() {
            self.ranks[fov.row()] = rank as u32;
        }
        if let (Some(newest), Some(fov)) = (&mut self.newest, newest_fov) {
            newest.rank = self.ranks.get(fov.row()).copied().unwrap_or(0);
        }
        self.begin_pass();
    }

    /// Planes are looked for only in acquisitions: elsewhere what is absent is the fill value.
    fn is_surveyed(&self) -> bool {
        self.stores.dataset().acquisition.is_some()
    }

    /// Goes through all pages that are not full once more.
    pub(super) fn begin_pass(&mut self) {
        self.visited.clear();
        self.todo.clear();
        self.num_opened = self.stores.num_opened;
        if !self.is_surveyed() {
            return;
        }
        let all = self.stores.num_timepoints();
        let last = match (self.newest, self.newest_begun()) {
            _ if self.is_over => all,
            (Some(newest), _) => newest.t + 1,
            // Nothing was found yet: the frontier is anywhere up to the timepoint that was begun last.
            (None, Some(begun)) => begun.saturating_add(1).min(all),
            (None, None) => all,
        };
        self.todo.extend(0..last);
    }

    fn fov_at(&self, rank: u32) -> Option<FovId> {
        self.scan.get(rank as usize).copied()
    }

    fn rank_of(&self, fov: FovId) -> u32 {
        self.ranks.get(fov.row()).copied().unwrap_or(u32::MAX)
    }

    fn num_ranks(&self) -> u32 {
        self.scan.len() as u32
    }

    fn newest_begun(&self) -> Option<u32> {
        self.begun.last().copied()
    }

    /// True where the acquisition has begun other timepoints, and has not (yet) begun this one.
    fn is_unbegun(&self, t: u32) -> bool {
        !self.begun.is_empty() && !self.begun.contains(&t)
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The FOV and timepoint with the newest plane.
    pub(super) fn frontier(&self) -> Option<(FovId, u32)> {
        let newest = self.newest?;
        Some((self.fov_at(newest.rank)?, newest.t))
    }

    /// True where the newest plane is the last of the plan.
    pub(super) fn is_at_end(&self) -> bool {
        let Some((newest, (fov, _))) = self.newest.zip(self.frontier()) else {
            return false;
        };
        newest.t + 1 >= self.stores.num_timepoints()
            && newest.rank + 1 >= self.num_ranks()
            && newest.idx + 1 >= self.stores.shape(fov).len()
    }

    /// All planes of FOVs are told once more.
    pub(super) fn rescan(&mut self, fovs: &[FovId]) {
        let last = self
            .newest
            .map(|newest| newest.t)
            .or_else(|| self.newest_begun());
        let last = last.unwrap_or_else(|| self.stores.num_timepoints().saturating_sub(1));
        for &fov in fovs {
            self.book.forget(fov);
            self.rescans.retain(|(other, _)| *other != fov);
            self.is_retelling = true;
            self.visit(PageKey { t: last, fov }, FIRST_PAUSE);
            self.is_retelling = false;
            let before = last.checked_sub(1);
            self.rescans.extend(before.map(|before| (fov, before)));
        }
    }

    /// Looks at what was asked for and at the frontier. True where something was found; `is_brief`: only at what is
    /// expected next.
    pub(super) fn look(&mut self, is_brief: bool) -> bool {
        let until = Instant::now() + LOOK_WITHIN;
        let mut has_found = self.look_at_first();
        if !self.is_surveyed() {
            return has_found;
        }
        while !self.is_stopped() {
            let found = self.look_ahead(is_brief);
            has_found |= found;
            if !found || Instant::now() >= until {
                break;
            }
        }
        self.turn = self.turn.wrapping_add(1);
        has_found
    }

    /// Looks at up to `count` planes of a page from `from` on that are not written yet.
    fn probe_some(&mut self, t: u32, rank: u32, from: u32, count: u32) -> bool {
        let Some(fov) = self.fov_at(rank) else {
            return false;
        };
        let key = PageKey { t, fov };
        if t >= self.stores.num_timepoints() || self.book.is_full(key) {
            return false;
        }
        let Some(shape) = self.stores.page(fov, t, &self.outbox) else {
            return false;
        };
        let mut has_found = false;
        for idx in from..from.saturating_add(count).min(shape.len()) {
            if self.book.told(key, idx) != Told::Written {
                has_found |= self.probe(key, idx);
            }
        }
        has_found
    }

    /// Looks at one plane and tells what is new. True where more is on disk than was told.
    fn probe(&mut self, key: PageKey, idx: u32) -> bool {
        let Some(shape) = self.stores.page(key.fov, key.t, &self.outbox) else {
            return false;
        };
        if idx >= shape.len() {
            return false;
        }
        let plane = shape.plane(key, idx);
        let Some(found) = self.stores.presence(&self.store, plane) else {
            return false;
        };
        let is_there = matches!(found, PlaneState::Written | PlaneState::Partial { .. });
        let is_written = found == PlaneState::Written;
        let is_complete = self.stores.is_complete(key.fov);
        let is_unbegun = !is_there && self.is_unbegun(key.t);
        let is_left_out = is_complete && is_unbegun && self.is_over;
        let state = if is_left_out {
            PlaneState::Missing
        } else if is_complete && !is_unbegun {
            PlaneState::Written
        } else {
            found
        };
        let place = Place {
            t: key.t,
            rank: self.rank_of(key.fov),
            idx,
        };
        let is_final = matches!(state, PlaneState::Missing | PlaneState::Failed(_));
        let is_due = is_there || is_final || self.is_behind(key, place);
        if state != PlaneState::Written && !is_due {
            return false;
        }
        let Some(told) = Told::of(&state) else {
            return false;
        };
        let was_empty = self.book.has_nothing_written(key);
        if !self.book.tell(key, shape.len(), idx, told) {
            return false;
        }
        self.found.push((plane, state));
        if is_there {
            self.stores.note_found(key.fov, &self.outbox);
        }
        if is_written && !self.is_retelling && self.is_surveyed() {
            self.note_newest(place, was_empty);
            if self.newest.is_some_and(|newest| place.t >= newest.t) {
                self.note_file(plane);
            }
        }
        is_there
    }

    /// True where a plane should be there by now: it comes before the newest one, or its page was begun and left.
    fn is_behind(&self, key: PageKey, place: Place) -> bool {
        self.newest.is_some_and(|newest| {
            let is_left = place.t == newest.t
                && place.rank != newest.rank
                && !self.book.has_nothing_written(key);
            place < newest || is_left
        })
    }

    fn note_newest(&mut self, place: Place, was_empty: bool) {
        let is_newer = self.newest.is_none_or(|newest| {
            if place.t != newest.t {
                place.t > newest.t
            } else if place.rank == newest.rank {
                place.idx > newest.idx
            } else if self.is_caught_up {
                // In whatever order FOVs are taken, the one that was begun last is the newest.
                was_empty
            } else {
                place.rank > newest.rank
            }
        });
        if !is_newer {
            return;
        }
        let before = self.newest.replace(place);
        self.is_newest_told = false;
        match before {
            None => {
                // What was looked at in search of it was not behind it then.
                self.visited.truncate(place.t as usize);
                self.todo.retain(|&t| t <= place.t);
                self.todo.extend(0..=place.t);
            }
            Some(before) if (before.t, before.rank) != (place.t, place.rank) => {
                self.todo.extend(before.t..=place.t);
            }
            Some(_) => {}
        }
    }

    /// Goes through pages that are behind the frontier now, the newest timepoint first. True where there are more.
    pub(super) fn go_through(&mut self, until: Instant) -> bool {
        if self.is_over && self.num_opened != self.stores.num_opened {
            self.begin_pass();
        }
        while Instant::now() < until && !self.is_stopped() {
            if let Some((fov, t)) = self.rescans.pop_front() {
                if let Some(before) = t.checked_sub(1) {
                    self.rescans.push_front((fov, before));
                }
                self.visit(PageKey { t, fov }, FIRST_PAUSE);
                continue;
            }
            let Some(&t) = self.todo.last() else {
                return false;
            };
            if self.num_gone_through > limits::SURVEYED_PLANES {
                tracing::warn!("too many planes are planned to look for all of them");
                self.todo.clear();
                return false;
            }
            if self.is_vast() && self.is_unbegun(t) {
                self.todo.remove(&t);
                continue;
            }
            if self.visited.len() <= t as usize {
                self.visited.resize(t as usize + 1, 0);
            }
            let rank = self.visited[t as usize];
            if rank >= self.limit(t) {
                self.todo.remove(&t);
                self.is_caught_up |= self.newest.is_none_or(|newest| newest.t == t);
                continue;
            }
            self.visited[t as usize] += 1;
            if let Some(fov) = self.fov_at(rank) {
                let (num_looks, _) = self.visit(PageKey { t, fov }, FIRST_PAUSE);
                self.num_gone_through += u64::from(num_looks);
            }
        }
        true
    }

    /// True where more planes are planned than are looked for: two names of files with large numbers plan billions. Of
    /// timepoints that were not begun there is nothing then.
    fn is_vast(&self) -> bool {
        let page = self.fov_at(0).map_or(0, |fov| self.stores.shape(fov).len());
        let pages = u64::from(self.stores.num_timepoints()) * u64::from(self.num_ranks());
        pages.saturating_mul(page.into()) > limits::SURVEYED_PLANES
    }

    /// Ranks of a timepoint that are behind the frontier, the active page included.
    fn limit(&self, t: u32) -> u32 {
        match self.newest {
            Some(newest) if newest.t == t && !self.is_over => newest.rank + 1,
            Some(newest) if newest.t < t && !self.is_over => 0,
            _ => self.num_ranks(),
        }
    }

    /// Looks at all planes of a page that are not written; what is still missing is looked at again after `pause`, or
    /// sooner where something came. How many were looked at, and whether something was found.
    fn visit(&mut self, key: PageKey, pause: Duration) -> (u32, bool) {
        if self.book.is_full(key) {
            return (0, false);
        }
        let (mut num_looks, mut has_found) = (0, false);
        if let Some(shape) = self.stores.page(key.fov, key.t, &self.outbox) {
            for idx in 0..shape.len() {
                if self.is_stopped() {
                    break;
                }
                if self.book.told(key, idx) != Told::Written {
                    num_looks += 1;
                    has_found |= self.probe(key, idx);
                }
            }
        } else {
            self.tell_without_store(key);
        }
        let is_awaited = self.newest.is_some_and(|newest| {
            let is_due = || {
                let rank = self.rank_of(key.fov);
                // What was gone through is not gone through again, wherever the frontier goes.
                let visited = self.visited.get(key.t as usize).copied().unwrap_or(0);
                rank <= newest.rank || rank < visited || !self.book.has_nothing_written(key)
            };
            key.t < newest.t || key.t == newest.t && is_due()
        });
        if is_awaited && !self.is_over && !self.book.is_full(key) {
            self.gaps
                .put(key, if has_found { FIRST_PAUSE } else { pause });
        }
        (num_looks, has_found)
    }

    /// A page whose store is not there: the plan says that it will have the template's planes, or would have had them.
    fn tell_without_store(&mut self, key: PageKey) {
        let dataset = self.stores.dataset();
        if dataset.image(key.fov).is_some() {
            return;
        }
        let place = Place {
            t: key.t,
            rank: self.rank_of(key.fov),
            idx: 0,
        };
        let (told, state) = match self.is_over {
            true if dataset.was_stopped() => (Told::Missing, PlaneState::Missing),
            false if self.is_behind(key, place) => (Told::Planned, PlaneState::Planned),
            _ => return,
        };
        let shape = self.stores.shape(key.fov);
        for idx in 0..shape.len() {
            if self.book.tell(key, shape.len(), idx, told) {
                self.found.push((shape.plane(key, idx), state.clone()));
            }
        }
    }

    /// True where every page that should be looked at was.
    pub(super) fn is_gone_through(&self) -> bool {
        self.todo.is_empty() && self.rescans.is_empty()
    }

    /// The run is over: every page that is not full is looked at once more, nothing is waited for any longer.
    pub(super) fn set_over(&mut self) {
        self.is_over = true;
        self.gaps.clear();
        self.begin_pass();
    }

    /// Hands over what was found.
    pub(super) fn tell(&mut self, after: Duration) {
        let anew = self.stores.take_begun_anew();
        if !anew.is_empty() {
            self.found.retain(|(plane, _)| !anew.contains(&plane.fov));
            self.outbox.begun_anew(&anew);
            self.has_begun_anew = true;
            (self.is_over, self.newest, self.is_caught_up) = (false, None, false);
            self.begin_pass();
            self.rescan(&anew.into_iter().collect::<Vec<_>>());
        }
        self.outbox.planes(std::mem::take(&mut self.found), after);
        if self.is_newest_told {
            return;
        }
        self.is_newest_told = true;
        if let Some((newest, (fov, t))) = self.newest.zip(self.frontier()) {
            let shape = self.stores.shape(fov);
            let plane = shape.plane(PageKey { t, fov }, newest.idx);
            self.outbox.newest(plane, after);
        }
    }

    /// Looks at gaps that are due, as many as the rate allows.
    pub(super) fn look_at_gaps(&mut self, is_idle: bool) -> bool {
        if !self.is_surveyed() {
            return false;
        }
        let now = Instant::now();
        self.gaps.earn(is_idle, now);
        let mut has_found = false;
        while self.gaps.has_credit()
            && !self.is_stopped()
            && let Some((key, pause)) = self.gaps.take_due(now)
        {
            let (num_looks, found) = self.visit(key, pause);
            has_found |= found;
            self.gaps.spend(num_looks + 1);
        }
        has_found | self.look_at_page_ahead()
    }
}
