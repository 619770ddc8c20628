//! News of a running acquisition, applied to one view: notices, and what was found on disk.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{FIRST_RECHECK, RECHECK, Viewing};
use crate::{
    dataset::{Dataset, Image, ImageSlot, OpenFovError, OpenedFov, PlaneAt, RegisteredPlanes},
    ledger::{Notice, PageSize},
    loader::Loaded,
    model::{AxisRole, Code, FovId, NavAxis, PlaneId, PlaneState, Problem, TileId, Visible, ZPick},
};

/// An announced plane that stays absent for so long counts as all zero: the writer leaves out chunks of nothing else.
const ZERO_AFTER: Duration = Duration::from_secs(5);
/// The same on a network disk, where a file shows up later than its notice.
const ZERO_AFTER_ON_NETWORK: Duration = Duration::from_secs(30);
/// Notices beyond the store's timepoints that wait for its documents to be read again.
const MAX_BEYOND: usize = 4096;

/// Planes that were announced and are not there yet.
#[derive(Default)]
pub(super) struct Late {
    /// Those on the screen, and since when.
    since: HashMap<PlaneId, Instant>,
    /// Before they are looked for again.
    pause: Option<Duration>,
    /// Beyond the timepoints of their store: it is opened again to see whether it has grown.
    beyond: HashMap<PlaneId, u32>,
    /// The last timepoint with which side files around registered planes were looked for.
    looked_around: Option<u32>,
    /// Whether the acquisition lies on a network disk, once that was looked up.
    is_on_network: Option<bool>,
}

impl Viewing {
    /// Takes notices of an announced acquisition: planes that were written, and how often. FOVs by flat number.
    pub(in crate::app) fn announce(&mut self, written: &HashMap<PlaneAt, u32>) {
        let Some(last_t) = written.keys().map(|at| at.t).max() else {
            return;
        };
        let mut appeared = HashSet::new();
        for (&at, &times) in written {
            let Some(fov) = self.dataset.fov_at(at.fov) else {
                continue;
            };
            let plane = plane_of(fov, at);
            if self.is_beyond(plane) {
                if self.late.beyond.len() < MAX_BEYOND {
                    *self.late.beyond.entry(plane).or_default() += times;
                    appeared.insert(fov);
                }
                continue;
            }
            self.announce_plane(plane, times);
            if self.unreadable(fov) == Some(PlaneState::Planned) {
                appeared.insert(fov);
            }
        }
        self.book_newly_dropped(written);
        // A store's own shape says how many timepoints there are; before there is one, the notices do.
        let dataset = &self.dataset;
        let is_open_ended = !dataset.is_template_read || is_registered(&dataset.template);
        if is_open_ended && let Some(longer) = self.dataset.with_timepoints(last_t + 1) {
            self.change(longer);
        }
        self.look_around_registered(last_t);
        if !appeared.is_empty() {
            self.change(self.dataset.with_reopening(|fov| appeared.contains(&fov)));
        }
        self.late.pause = None;
        // Planes that are waited for may come any moment now.
        let soon = Instant::now() + FIRST_RECHECK;
        self.recheck_at = self.recheck_at.map(|at| at.min(soon));
    }

    /// The first registered file tells where side files are. Where none were there, they are looked for again with each
    /// further timepoint.
    fn look_around_registered(&mut self, last_t: u32) {
        let registered = self.dataset.template.registered();
        let has_file = registered.is_some_and(|planes| planes.first_file().is_some());
        if has_file && self.late.looked_around.is_none_or(|t| t < last_t) {
            self.late.looked_around = Some(last_t);
            self.change(self.dataset.with_reopening(|_| true));
        }
    }

    /// Pixels that had to make room since the last notices are missing; those announced just now may be among them.
    fn book_newly_dropped(&mut self, written: &HashMap<PlaneAt, u32>) {
        let dataset = Arc::clone(&self.dataset);
        if let Some(registered) = dataset.template.registered() {
            let mut dropped = registered.take_dropped();
            let is_dropped = |at: &&PlaneAt| registered.is_any_dropped([**at]);
            dropped.extend(written.keys().filter(is_dropped));
            self.book_missing(&dropped);
        }
    }

    /// Pixels that had to make room are missing, however often they are looked for.
    pub(super) fn book_dropped(&mut self) {
        let dropped = self.dataset.template.registered();
        let dropped = dropped.map(RegisteredPlanes::dropped);
        self.book_missing(&dropped.unwrap_or_default());
    }

    fn book_missing(&mut self, planes: &HashSet<PlaneAt>) {
        for &at in planes {
            if let Some(fov) = self.dataset.fov_at(at.fov) {
                let (size, plane) = (self.page_size(fov), plane_of(fov, at));
                self.ledger.book(size, plane, PlaneState::Missing);
            }
        }
    }

    /// Notices of these FOVs may have been lost: what is known of their planes is looked up again.
    pub(in crate::app) fn renew_fovs(&mut self, fovs: impl Iterator<Item = FovId>) {
        for fov in fovs {
            self.ledger.renew_fov(fov);
            self.is_dirty = true;
        }
        self.book_dropped();
    }

    /// Lists a problem of the dataset.
    pub(in crate::app) fn list_problem(&mut self, problem: Problem) {
        let mut dataset = self.dataset.as_ref().clone();
        dataset.revision += 1;
        dataset.add_problems(vec![problem]);
        self.change(dataset);
    }

    /// Everything is looked up again: stores are opened and planes are read anew (F5 on an announced acquisition).
    pub(in crate::app) fn refresh(&mut self) {
        self.change(self.dataset.with_reopening(|_| true));
        let fovs = self.dataset.order.to_vec();
        self.renew_fovs(fovs.into_iter());
    }

    /// Takes what the disk says of planes.
    pub(in crate::app) fn take_found(&mut self, found: Vec<(PlaneId, PlaneState)>) {
        for (plane, state) in found {
            tracing::trace!("found on disk: {plane:?} {state:?}");
            let size = self.page_size(plane.fov);
            let (known, notice) = (self.ledger.state(plane), self.ledger.notice(plane));
            match state {
                PlaneState::Written | PlaneState::Partial { .. } => {
                    // What was read is known better than what was looked up, unless it was made up of nothing.
                    let is_known = known == PlaneState::Written || known == state;
                    // Unless it was read before it was looked up, and nobody says when it was written.
                    let is_open = self.read_first.remove(&plane) && notice == Notice::None;
                    if is_known && notice != Notice::AllZero && !is_open {
                        continue;
                    }
                    if notice == Notice::AllZero {
                        self.ledger.announce(size, plane, 1);
                    } else if known != PlaneState::Unknown {
                        self.ledger.renew(size, plane);
                    }
                    self.ledger.book(size, plane, state);
                    self.is_dirty |= self.concerns(plane);
                }
                PlaneState::Planned | PlaneState::Missing | PlaneState::Failed(_) => {
                    if known == PlaneState::Unknown && notice == Notice::None {
                        self.ledger.book(size, plane, state);
                    }
                }
                PlaneState::Unknown => {}
            }
        }
    }

    /// Files of planes were replaced or written to: they are read again. What was there is there still.
    pub(in crate::app) fn take_rewritten(&mut self, planes: &[PlaneId]) {
        for &plane in planes {
            let (size, known) = (self.page_size(plane.fov), self.ledger.state(plane));
            self.ledger.renew(size, plane);
            if known == PlaneState::Written {
                self.ledger.book(size, plane, known);
            }
            self.is_dirty |= self.concerns(plane);
        }
    }

    /// The file of a FOV was replaced or is gone: all of it is read again, by what it says of itself now.
    pub(in crate::app) fn take_replaced(
        &mut self,
        fov: FovId,
        outcome: Result<OpenedFov, OpenFovError>,
    ) {
        self.renew_fovs(std::iter::once(fov));
        self.take(Loaded::Fov {
            dataset: self.dataset.id,
            fov,
            outcome,
        });
    }

    /// Documents of stores changed: they are opened again.
    pub(in crate::app) fn reopen(&mut self, fovs: &HashSet<FovId>) {
        self.change(self.dataset.with_changed_stores(fovs));
        self.is_dirty = true;
    }

    /// Stores that an earlier run had completed were begun anew: nothing that was read of them holds any more.
    pub(in crate::app) fn begin_anew(&mut self, fovs: &HashSet<FovId>) {
        self.renew_fovs(fovs.iter().copied());
        self.change(self.dataset.with_stores_begun_anew(fovs));
    }

    /// FOVs appeared; ids stay, also where the view has moved on since the folder was listed.
    pub(in crate::app) fn grow(&mut self, listed: Dataset) {
        self.change(self.dataset.grown(listed));
        self.is_dirty = true;
    }

    /// A notice that does not fit its store as it was opened last; of one that is to be opened (again), any store of the
    /// acquisition, which grow alike.
    fn is_beyond(&self, plane: PlaneId) -> bool {
        let dataset = &self.dataset;
        if dataset.is_registered() {
            return false;
        }
        match dataset.image(plane.fov) {
            Some(image) if !dataset.wants_opening(plane.fov) => plane.t >= image.num_timepoints(),
            _ => dataset.is_template_read && plane.t >= dataset.len_along(NavAxis::Time),
        }
    }

    /// True where a timepoint was announced that no store has yet.
    pub(in crate::app) fn awaits_timepoint(&self, t: u32) -> bool {
        self.late.beyond.keys().any(|plane| plane.t == t)
    }

    /// Stores were opened (again): notices that were beyond them are taken, or refused with their values.
    pub(super) fn announce_beyond(&mut self, opened: &[FovId]) {
        for &fov in opened {
            let image = self
                .dataset
                .image(fov)
                .filter(|image| !is_registered(image));
            let Some(image) = image else { continue };
            // Taken while nobody knew how large the store is.
            let (size, num_timepoints) = (PageSize::of(image), image.num_timepoints());
            for t in self.ledger.drop_beyond(fov, size, num_timepoints) {
                self.refuse(fov, t);
            }
        }
        for (plane, times) in std::mem::take(&mut self.late.beyond) {
            if !self.is_beyond(plane) {
                self.announce_plane(plane, times);
            } else if self.dataset.wants_opening(plane.fov) {
                self.late.beyond.insert(plane, times);
            } else {
                self.refuse(plane.fov, plane.t);
            }
        }
    }

    fn refuse(&mut self, fov: FovId, t: u32) {
        let image = self.dataset.image(fov).unwrap_or(&self.dataset.template);
        let last = image.num_timepoints().saturating_sub(1);
        let path = self.dataset.fov(fov).map(|row| row.path.clone());
        let text = format!("timepoint {t} was announced, the store has 0 to {last}");
        let problem = Problem::new(Code::OutOfRange, path.unwrap_or_default(), text);
        self.list_problem(problem);
    }

    fn announce_plane(&mut self, plane: PlaneId, times: u32) {
        self.ledger
            .announce(self.page_size(plane.fov), plane, times);
        self.is_dirty |= self.concerns(plane);
    }

    /// Lengths of a FOV's page in the ledger; as announced until its store was opened.
    fn page_size(&self, fov: FovId) -> PageSize {
        let image = self.dataset.image(fov);
        PageSize::of(image.unwrap_or(&self.dataset.template))
    }

    /// True where a plane may be on the screen.
    fn concerns(&self, plane: PlaneId) -> bool {
        let at = self.session.position;
        (plane.fov, plane.t) == (at.fov, at.t)
    }

    /// How long to wait before looking again for planes of the wished picture that are not (wholly) there; `None` where
    /// all are. Announced ones are due at any moment, so they are looked for sooner.
    pub(super) fn pause_before_recheck(
        &mut self,
        wished: &Visible,
        now: Instant,
    ) -> Option<Duration> {
        let tiles = || wished.placed.iter().flat_map(|placed| &placed.tiles);
        let is_absent = |tile: &&TileId| {
            matches!(self.without_of(**tile), Some(PlaneState::Planned))
                || matches!(
                    self.ledger.state(self.dataset.at_level_0(tile.plane)),
                    PlaneState::Partial { .. }
                )
        };
        let absent: Vec<PlaneId> = tiles()
            .filter(is_absent)
            .map(|tile| self.dataset.at_level_0(tile.plane))
            .collect();
        let late: HashSet<PlaneId> = absent
            .iter()
            .copied()
            .filter(|&plane| self.ledger.notice(plane) == Notice::Written)
            .collect();
        let wished: HashSet<PlaneId> = tiles()
            .map(|tile| self.dataset.at_level_0(tile.plane))
            .collect();
        let ledger = &self.ledger;
        // One that is being read again has been late all the while.
        let is_late = |plane: &PlaneId| {
            let is_open = matches!(
                ledger.state(*plane),
                PlaneState::Unknown | PlaneState::Planned | PlaneState::Partial { .. }
            );
            is_open && wished.contains(plane) && ledger.notice(*plane) == Notice::Written
        };
        self.late.since.retain(|plane, _| is_late(plane));
        for &plane in &late {
            self.late.since.entry(plane).or_insert(now);
        }
        if late.is_empty() {
            if self.late.since.is_empty() {
                self.late.pause = None;
            }
            return (!absent.is_empty()).then_some(RECHECK);
        }
        let next = self.late.pause.map_or(FIRST_RECHECK, |last| last * 2);
        Some(*self.late.pause.insert(next.min(RECHECK)))
    }

    /// Looks again for announced planes of the picture that were not there; what was late for too long counts as zero.
    pub(super) fn look_for_late_ones(&mut self, now: Instant) {
        let limit = if self.is_on_network() {
            ZERO_AFTER_ON_NETWORK
        } else {
            ZERO_AFTER
        };
        let late: Vec<(PlaneId, Instant)> = self.late.since.iter().map(|(&p, &s)| (p, s)).collect();
        for (plane, since) in late {
            if !matches!(plane.z, ZPick::Slice(_)) {
                continue;
            }
            let size = self.page_size(plane.fov);
            // Of a FOV without a store nothing can be made up: neither shape nor sample type is known.
            let has_store = matches!(
                self.dataset.images.get(plane.fov.row()),
                Some(ImageSlot::Opened(_) | ImageSlot::Stale(_))
            );
            let is_late = now.saturating_duration_since(since) >= limit;
            let is_registered = self
                .dataset
                .image(plane.fov)
                .is_some_and(|it| is_registered(it));
            if is_late && has_store && !is_registered {
                self.ledger.count_as_zero(size, plane);
                self.late.since.remove(&plane);
            } else if has_store {
                self.ledger.read_again(size, plane);
            }
        }
    }

    fn is_on_network(&mut self) -> bool {
        let root = &self.dataset.root;
        *self
            .late
            .is_on_network
            .get_or_insert_with(|| crate::source::is_on_network(root))
    }
}

fn is_registered(image: &Image) -> bool {
    image.registered().is_some() && image.axis_of(AxisRole::Time).is_some()
}

/// The level-0 plane of a notice.
pub(in crate::app) fn plane_of(fov: FovId, at: PlaneAt) -> PlaneId {
    PlaneId {
        fov,
        layer: 0,
        t: at.t,
        c: at.c,
        z: ZPick::Slice(at.z),
        extra: 0,
        level: 0,
    }
}
