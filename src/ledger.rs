//! The book of plane states: what the disk says of every plane, and how often it was written.
//!
//! One page per FOV and timepoint, allocated on first use, eight bytes a plane. Owned by `app`, fed by live events and
//! read results, lent read-only to `resolve`, `loader` and `ui`. A plane is booked at level 0, slice by slice: levels and
//! projections are views of it. Nothing from outside sizes a page: what lies beyond a FOV's [`PageSize`] is not booked.

use std::collections::{BTreeMap, HashMap};

use crate::{
    dataset::Image,
    model::{FovId, PlaneId, PlaneState, ZPick},
};

/// Planes of one page; an image that claims more has no book, every state stays unknown.
const MAX_PLANES_PER_PAGE: u64 = 1 << 22;
/// Planes of all pages: 512 MB. What comes after them stays unknown.
const MAX_PLANES: u64 = 1 << 26;

/// Lengths of one timepoint of a FOV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize {
    /// Positions along all other axes together.
    pub num_extra: u32,
    /// Channels.
    pub num_channels: u32,
    /// z-slices.
    pub num_z_slices: u32,
}

impl PageSize {
    /// The lengths of an image.
    #[must_use]
    pub fn of(image: &Image) -> Self {
        Self {
            num_extra: image.num_extra(),
            num_channels: image.num_channels(),
            num_z_slices: image.num_z_slices(),
        }
    }

    /// Planes of a page.
    #[must_use]
    pub fn num_planes(self) -> u64 {
        u64::from(self.num_extra)
            .saturating_mul(u64::from(self.num_channels))
            .saturating_mul(u64::from(self.num_z_slices))
    }

    fn index(self, plane: PlaneId, z: u32) -> Option<usize> {
        let c = u32::from(plane.c);
        let is_inside =
            plane.extra < self.num_extra && c < self.num_channels && z < self.num_z_slices;
        let row = plane.extra as usize * self.num_channels as usize + c as usize;
        is_inside.then(|| row * self.num_z_slices as usize + z as usize)
    }
}

/// State and revision of every plane that somebody has looked at or announced.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pages: HashMap<FovId, BTreeMap<u32, Page>>,
    num_planes: u64,
    total: Counts,
    /// Sums over all FOVs, by timepoint.
    by_timepoint: BTreeMap<u32, Counts>,
    by_fov: HashMap<FovId, Counts>,
}

/// The planes of one FOV and timepoint in the order extra, c, z.
#[derive(Clone, Debug)]
struct Page {
    size: PageSize,
    entries: Box<[Entry]>,
    /// The words of states that have more to say than their mark.
    details: HashMap<usize, PlaneState>,
    counts: Counts,
}

/// One plane.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    revision: u32,
    /// How many of the revisions, the latest ones, are further looks at the same writing.
    num_looks: u16,
    mark: Mark,
    notice: Notice,
}

/// A state without its details.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mark {
    #[default]
    Unknown,
    Planned,
    Written,
    Partial,
    Missing,
    Failed,
}

/// What was announced of a plane, which decides what it means that nothing is on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notice {
    /// Nothing.
    #[default]
    None,
    /// It was written: what is absent is late.
    Written,
    /// It was written, and has been absent for so long that it counts as all zero: the writer leaves out chunks that
    /// hold nothing but the fill value.
    AllZero,
}

/// How many planes are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// On disk, whole.
    pub written: u64,
    /// On disk in part.
    pub partial: u64,
    /// Announced as written, and nobody has looked yet.
    pub announced: u64,
    /// Looked for, and not on disk yet.
    pub planned: u64,
    /// Not on disk, and nobody will write them; or in memory, and dropped.
    pub missing: u64,
    /// Not readable.
    pub failed: u64,
}

impl Counts {
    /// Planes that are acquired as far as anybody knows: on disk, whole or in part, or announced.
    #[must_use]
    pub fn acquired(self) -> u64 {
        self.written + self.partial + self.announced
    }

    fn of(&mut self, entry: Entry) -> Option<&mut u64> {
        match entry.mark {
            Mark::Unknown if entry.notice == Notice::None => None,
            Mark::Unknown => Some(&mut self.announced),
            Mark::Planned => Some(&mut self.planned),
            Mark::Written => Some(&mut self.written),
            Mark::Partial => Some(&mut self.partial),
            Mark::Missing => Some(&mut self.missing),
            Mark::Failed => Some(&mut self.failed),
        }
    }

    fn moved(&mut self, from: Entry, to: Entry) {
        if let Some(count) = self.of(from) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = self.of(to) {
            *count += 1;
        }
    }
}

impl Ledger {
    /// What the disk says of a plane; of a projection, the worst of its slices.
    #[must_use]
    pub fn state(&self, plane: PlaneId) -> PlaneState {
        let Some((page, indices)) = self.places(plane) else {
            return PlaneState::Unknown;
        };
        let worst = indices.max_by_key(|&at| badness(page.entries[at].mark));
        worst.map(|at| page.state(at)).unwrap_or_default()
    }

    /// How often the plane was announced as written; 0 at first. Of a projection, the sum over its slices.
    #[must_use]
    pub fn revision(&self, plane: PlaneId) -> u64 {
        let Some((page, indices)) = self.places(plane) else {
            return 0;
        };
        indices.map(|at| u64::from(page.entries[at].revision)).sum()
    }

    /// What was announced of a plane; of a projection nothing as long as one slice was not.
    #[must_use]
    pub fn notice(&self, plane: PlaneId) -> Notice {
        let Some((page, indices)) = self.places(plane) else {
            return Notice::None;
        };
        let mut found = Notice::Written;
        for at in indices {
            match page.entries[at].notice {
                Notice::None => return Notice::None,
                Notice::AllZero => found = Notice::AllZero,
                Notice::Written => {}
            }
        }
        found
    }

    /// States of the planes that somebody has looked at or announced.
    #[must_use]
    pub fn total(&self) -> Counts {
        self.total
    }

    /// States of the planes of a FOV.
    #[must_use]
    pub fn counts(&self, fov: FovId) -> Counts {
        self.by_fov.get(&fov).copied().unwrap_or_default()
    }

    /// States of the planes of a FOV at one timepoint.
    #[must_use]
    pub fn counts_at(&self, fov: FovId, t: u32) -> Counts {
        let page = self.pages.get(&fov).and_then(|pages| pages.get(&t));
        page.map(|page| page.counts).unwrap_or_default()
    }

    /// States of the planes of one timepoint, all FOVs together.
    #[must_use]
    pub fn counts_of_timepoint(&self, t: u32) -> Counts {
        self.by_timepoint.get(&t).copied().unwrap_or_default()
    }

    /// Books what the disk says; the first call for a FOV and timepoint allocates its page. Projections are not booked.
    pub fn book(&mut self, size: PageSize, plane: PlaneId, state: PlaneState) {
        self.change(size, plane, |entry| (state, *entry));
    }

    /// Books that a plane was written `times` (again): its revision rises, its state becomes unknown until read.
    pub fn announce(&mut self, size: PageSize, plane: PlaneId, times: u32) {
        self.change(size, plane, |entry| {
            let raised = Entry {
                revision: entry.revision.saturating_add(times),
                num_looks: 0,
                notice: Notice::Written,
                ..*entry
            };
            (PlaneState::Unknown, raised)
        });
    }

    /// Books that what is on disk is another thing than before, without a notice: a file came, or was replaced.
    pub fn renew(&mut self, size: PageSize, plane: PlaneId) {
        self.change(size, plane, |entry| {
            let raised = Entry {
                revision: entry.revision.saturating_add(1),
                num_looks: 0,
                ..*entry
            };
            (PlaneState::Unknown, raised)
        });
    }

    /// A plane that is not (wholly) there is to be read once more; what is known of it stays meanwhile.
    pub fn read_again(&mut self, size: PageSize, plane: PlaneId) {
        let state = self.state(plane);
        self.change(size, plane, |entry| {
            let raised = Entry {
                revision: entry.revision.saturating_add(1),
                num_looks: entry.num_looks.saturating_add(1),
                ..*entry
            };
            (state, raised)
        });
    }

    /// True where a read of that revision tells of the latest writing of the plane, be it an earlier look at it.
    #[must_use]
    pub fn is_current(&self, plane: PlaneId, revision: u64) -> bool {
        let Some((page, indices)) = self.places(plane) else {
            return revision == 0;
        };
        let looks = indices
            .map(|at| u64::from(page.entries[at].num_looks))
            .sum();
        let latest = self.revision(plane);
        (latest.saturating_sub(looks)..=latest).contains(&revision)
    }

    /// An announced plane that stays absent counts as all zero from now on.
    pub fn count_as_zero(&mut self, size: PageSize, plane: PlaneId) {
        self.change(size, plane, |entry| {
            let raised = Entry {
                revision: entry.revision.saturating_add(1),
                num_looks: 0,
                notice: Notice::AllZero,
                ..*entry
            };
            (PlaneState::Unknown, raised)
        });
    }

    /// A FOV turned out to be no larger than this: what was booked beyond it is forgotten. The timepoints of that.
    pub fn drop_beyond(&mut self, fov: FovId, size: PageSize, num_timepoints: u32) -> Vec<u32> {
        let Some(pages) = self.pages.get_mut(&fov) else {
            return Vec::new();
        };
        let beyond = pages.split_off(&num_timepoints);
        let mut dropped = Vec::new();
        for (&t, page) in &mut *pages {
            let before = page.size.num_planes();
            dropped.extend(page.shrink(size).into_iter().map(|entry| (t, entry)));
            self.num_planes -= before - page.size.num_planes();
        }
        for (&t, page) in &beyond {
            self.num_planes -= page.size.num_planes();
            dropped.extend(page.entries.iter().map(|&entry| (t, entry)));
        }
        for (t, entry) in dropped {
            for counts in [
                &mut self.total,
                self.by_timepoint.entry(t).or_default(),
                self.by_fov.entry(fov).or_default(),
            ] {
                counts.moved(entry, Entry::default());
            }
        }
        beyond.into_keys().collect()
    }

    /// Notices of a FOV may have been lost: everything that is booked of it is to be looked at again.
    pub fn renew_fov(&mut self, fov: FovId) {
        self.renew_where(fov, |_| true);
    }

    /// What was absent may mean something else now (the acquisition ended): it is to be looked at again.
    pub fn renew_absent(&mut self) {
        let fovs: Vec<FovId> = self.pages.keys().copied().collect();
        for fov in fovs {
            self.renew_absent_of(fov);
        }
    }

    /// The same of one FOV, whose store is complete now.
    pub fn renew_absent_of(&mut self, fov: FovId) {
        let is_absent = |mark| matches!(mark, Mark::Planned | Mark::Partial | Mark::Missing);
        self.renew_where(fov, is_absent);
    }

    fn renew_where(&mut self, fov: FovId, is_meant: impl Fn(Mark) -> bool + Copy) {
        for (&t, page) in self.pages.get_mut(&fov).into_iter().flatten() {
            let of_timepoint = self.by_timepoint.entry(t).or_default();
            let of_fov = self.by_fov.entry(fov).or_default();
            page.renew_where(is_meant, [&mut self.total, of_timepoint, of_fov]);
        }
    }

    /// The page of a plane, and where its slices stand in it: one, or all of a projection.
    fn places(&self, plane: PlaneId) -> Option<(&Page, impl Iterator<Item = usize> + use<>)> {
        let pages = self.pages.get(&plane.fov).filter(|_| plane.layer == 0)?;
        let page = pages.get(&plane.t)?;
        let (z, count) = match plane.z {
            ZPick::Slice(z) => (z, 1),
            ZPick::Max => (0, page.size.num_z_slices as usize),
        };
        let first = page.size.index(plane, z)?;
        Some((page, first..first + count))
    }

    fn change(
        &mut self,
        size: PageSize,
        plane: PlaneId,
        change: impl FnOnce(&Entry) -> (PlaneState, Entry),
    ) {
        let ZPick::Slice(z) = plane.z else { return };
        if plane.layer != 0 {
            return;
        }
        let Some(page) = self.page_mut(size, plane.fov, plane.t) else {
            return;
        };
        let Some(at) = page.size.index(plane, z) else {
            return;
        };
        let before = page.entries[at];
        let (state, changed) = change(&before);
        let after = Entry {
            mark: mark_of(&state),
            ..changed
        };
        page.entries[at] = after;
        if matches!(after.mark, Mark::Partial | Mark::Failed) {
            page.details.insert(at, state);
        } else if matches!(before.mark, Mark::Partial | Mark::Failed) {
            page.details.remove(&at);
        }
        page.counts.moved(before, after);
        self.total.moved(before, after);
        let of_timepoint = self.by_timepoint.entry(plane.t).or_default();
        of_timepoint.moved(before, after);
        let of_fov = self.by_fov.entry(plane.fov).or_default();
        of_fov.moved(before, after);
    }

    /// The page, made or enlarged if need be; `None` beyond the budgets.
    fn page_mut(&mut self, size: PageSize, fov: FovId, t: u32) -> Option<&mut Page> {
        let pages = self.pages.entry(fov).or_default();
        let known = pages.get(&t).map(|page| page.size);
        let needed = match known {
            // A store may turn out to hold more than was announced; what is booked stays.
            Some(known) => PageSize {
                num_extra: known.num_extra.max(size.num_extra),
                num_channels: known.num_channels.max(size.num_channels),
                num_z_slices: known.num_z_slices.max(size.num_z_slices),
            },
            None => size,
        };
        if known != Some(needed) {
            let old = known.map_or(0, PageSize::num_planes);
            let all = self.num_planes - old + needed.num_planes();
            if needed.num_planes() > MAX_PLANES_PER_PAGE || all > MAX_PLANES {
                return pages.get_mut(&t);
            }
            self.num_planes = all;
            let page = Page::enlarged(pages.remove(&t), needed);
            pages.insert(t, page);
        }
        pages.get_mut(&t)
    }
}

impl Page {
    /// An empty page of that size, with what stood in a smaller one.
    fn enlarged(old: Option<Self>, size: PageSize) -> Self {
        let num_planes = usize::try_from(size.num_planes()).unwrap_or(0);
        let mut page = Self {
            size,
            entries: vec![Entry::default(); num_planes].into(),
            details: HashMap::new(),
            counts: Counts::default(),
        };
        let Some(old) = old else { return page };
        page.counts = old.counts;
        let (slices, channels) = (
            old.size.num_z_slices as usize,
            old.size.num_channels as usize,
        );
        for (at, entry) in old.entries.iter().enumerate() {
            let (row, z) = (at / slices, at % slices);
            let (extra, c) = (row / channels, row % channels);
            let new_row = extra * size.num_channels as usize + c;
            let to = new_row * size.num_z_slices as usize + z;
            page.entries[to] = *entry;
            if let Some(state) = old.details.get(&at) {
                page.details.insert(to, state.clone());
            }
        }
        page
    }

    /// Makes the page no larger than `size`; what stood beyond it.
    fn shrink(&mut self, size: PageSize) -> Vec<Entry> {
        let known = self.size;
        let smaller = PageSize {
            num_extra: known.num_extra.min(size.num_extra),
            num_channels: known.num_channels.min(size.num_channels),
            num_z_slices: known.num_z_slices.min(size.num_z_slices),
        };
        if smaller == known {
            return Vec::new();
        }
        let (slices, channels) = (known.num_z_slices, known.num_channels);
        let mut kept = Self::enlarged(None, smaller);
        kept.counts = self.counts;
        let mut dropped = Vec::new();
        for (at, &entry) in self.entries.iter().enumerate() {
            let (row, z) = (at as u32 / slices, at as u32 % slices);
            let (extra, c) = (row / channels, row % channels);
            let is_inside =
                extra < smaller.num_extra && c < smaller.num_channels && z < smaller.num_z_slices;
            if !is_inside {
                kept.counts.moved(entry, Entry::default());
                dropped.push(entry);
                continue;
            }
            let row = extra * smaller.num_channels + c;
            let to = (row * smaller.num_z_slices + z) as usize;
            kept.entries[to] = entry;
            if let Some(state) = self.details.remove(&at) {
                kept.details.insert(to, state);
            }
        }
        *self = kept;
        dropped
    }

    /// Planes of these marks are to be looked at again; also counts in `sums`.
    fn renew_where(&mut self, is_meant: impl Fn(Mark) -> bool, mut sums: [&mut Counts; 3]) {
        for (at, entry) in self.entries.iter_mut().enumerate() {
            if !is_meant(entry.mark) {
                continue;
            }
            self.details.remove(&at);
            let before = *entry;
            entry.revision = before.revision.saturating_add(1);
            entry.num_looks = 0;
            entry.mark = Mark::Unknown;
            self.counts.moved(before, *entry);
            for sum in &mut sums {
                sum.moved(before, *entry);
            }
        }
    }

    fn state(&self, at: usize) -> PlaneState {
        match self.entries[at].mark {
            Mark::Unknown => PlaneState::Unknown,
            Mark::Planned => PlaneState::Planned,
            Mark::Written => PlaneState::Written,
            Mark::Missing => PlaneState::Missing,
            Mark::Partial | Mark::Failed => self.details.get(&at).cloned().unwrap_or_default(),
        }
    }
}

fn mark_of(state: &PlaneState) -> Mark {
    match state {
        PlaneState::Unknown => Mark::Unknown,
        PlaneState::Planned => Mark::Planned,
        PlaneState::Written => Mark::Written,
        PlaneState::Partial { .. } => Mark::Partial,
        PlaneState::Missing => Mark::Missing,
        PlaneState::Failed(_) => Mark::Failed,
    }
}

/// How much a state spoils a projection that needs it.
fn badness(mark: Mark) -> u8 {
    match mark {
        Mark::Written => 0,
        Mark::Unknown => 1,
        Mark::Partial => 2,
        Mark::Planned => 3,
        Mark::Missing => 4,
        Mark::Failed => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: PageSize = PageSize {
        num_extra: 1,
        num_channels: 2,
        num_z_slices: 3,
    };

    fn plane(fov: u32, t: u32, c: u16, z: u32) -> PlaneId {
        PlaneId {
            fov: FovId(fov),
            layer: 0,
            t,
            c,
            z: ZPick::Slice(z),
            extra: 0,
            level: 0,
        }
    }

    #[test]
    fn what_was_booked_beyond_a_fov_is_forgotten_and_not_counted() {
        let mut ledger = Ledger::default();
        let failed = PlaneState::Failed("torn".into());
        ledger.book(SIZE, plane(0, 0, 1, 1), failed.clone());
        ledger.announce(SIZE, plane(0, 0, 1, 2), 1);
        ledger.announce(SIZE, plane(0, 7, 0, 0), 2);
        ledger.announce(SIZE, plane(1, 7, 0, 0), 1);
        let smaller = PageSize {
            num_z_slices: 2,
            ..SIZE
        };
        assert_eq!(ledger.drop_beyond(FovId(0), smaller, 2), [7]);
        assert_eq!(ledger.state(plane(0, 0, 1, 1)), failed);
        assert_eq!(ledger.revision(plane(0, 7, 0, 0)), 0);
        let (total, of_fov) = (ledger.total(), ledger.counts(FovId(0)));
        assert_eq!((total.announced, total.failed), (1, 1));
        assert_eq!((of_fov.announced, of_fov.failed), (0, 1));
        assert_eq!(ledger.counts_at(FovId(0), 0), of_fov);
        assert_eq!(ledger.counts_of_timepoint(7).announced, 1);
        // The page is as small as its FOV now.
        ledger.announce(smaller, plane(0, 0, 1, 2), 1);
        assert_eq!(ledger.total(), total);
        assert!(ledger.drop_beyond(FovId(5), SIZE, 1).is_empty());
    }

    #[test]
    fn states_are_counted_by_fov_timepoint_and_in_all() {
        let mut ledger = Ledger::default();
        let partial = PlaneState::Partial {
            present: 1,
            total: 4,
        };
        ledger.book(SIZE, plane(0, 0, 0, 0), PlaneState::Written);
        ledger.book(SIZE, plane(0, 1, 1, 2), partial.clone());
        ledger.book(SIZE, plane(1, 1, 0, 0), PlaneState::Planned);
        ledger.book(SIZE, plane(1, 1, 0, 0), PlaneState::Written);
        let (written, partial_count) = (
            |counts: Counts| counts.written,
            |counts: Counts| counts.partial,
        );
        assert_eq!(ledger.state(plane(0, 1, 1, 2)), partial);
        assert_eq!(written(ledger.total()), 2);
        assert_eq!(ledger.total().planned, 0);
        assert_eq!(partial_count(ledger.counts(FovId(0))), 1);
        assert_eq!(written(ledger.counts_at(FovId(1), 1)), 1);
        assert_eq!(ledger.counts_of_timepoint(1).acquired(), 2);
    }

    #[test]
    fn a_notice_raises_the_revision_and_forgets_the_state() {
        let mut ledger = Ledger::default();
        let at = plane(0, 5, 1, 1);
        ledger.book(SIZE, at, PlaneState::Failed("torn".into()));
        ledger.announce(SIZE, at, 2);
        assert_eq!(
            (ledger.revision(at), ledger.state(at)),
            (2, PlaneState::Unknown)
        );
        assert_eq!(ledger.notice(at), Notice::Written);
        ledger.count_as_zero(SIZE, at);
        assert_eq!(
            (ledger.revision(at), ledger.notice(at)),
            (3, Notice::AllZero)
        );
        let all_slices = PlaneId {
            z: ZPick::Max,
            ..at
        };
        assert_eq!(ledger.revision(all_slices), 3);
    }

    #[test]
    fn a_second_look_keeps_what_is_known_until_it_ends() {
        let (mut ledger, at) = (Ledger::default(), plane(0, 0, 0, 0));
        let partial = PlaneState::Partial {
            present: 1,
            total: 4,
        };
        ledger.announce(SIZE, at, 1);
        ledger.book(SIZE, at, partial.clone());
        ledger.read_again(SIZE, at);
        assert_eq!((ledger.revision(at), ledger.state(at)), (2, partial));
        assert_eq!((ledger.total().partial, ledger.total().announced), (1, 0));
        assert!(ledger.is_current(at, 1), "the earlier look");
        ledger.announce(SIZE, at, 1);
        let current = [1, 2, 3].map(|revision| ledger.is_current(at, revision));
        assert_eq!(current, [false, false, true]);
    }

    #[test]
    fn a_page_grows_with_what_is_booked() {
        let mut ledger = Ledger::default();
        for (c, z) in [(0, 0), (1, 2)] {
            ledger.announce(SIZE, plane(0, 0, c, z), 1);
        }
        ledger.book(SIZE, plane(0, 0, 1, 2), PlaneState::Failed("torn".into()));
        let larger = PageSize {
            num_channels: 3,
            num_z_slices: 5,
            ..SIZE
        };
        ledger.book(larger, plane(0, 0, 2, 4), PlaneState::Written);
        assert_eq!(
            ledger.state(plane(0, 0, 1, 2)),
            PlaneState::Failed("torn".into())
        );
        assert_eq!(ledger.revision(plane(0, 0, 0, 0)), 1);
        assert_eq!(ledger.state(plane(0, 0, 2, 4)), PlaneState::Written);
        let total = ledger.total();
        assert_eq!((total.failed, total.written, total.announced), (1, 1, 1));
    }

    #[test]
    fn what_lies_beyond_the_size_is_not_booked() {
        let mut ledger = Ledger::default();
        ledger.announce(SIZE, plane(0, 0, 2, 0), 1);
        ledger.announce(SIZE, plane(0, 0, 0, 3), 1);
        assert_eq!(ledger.revision(plane(0, 0, 2, 0)), 0);
        let endless = PageSize {
            num_z_slices: u32::MAX,
            ..SIZE
        };
        ledger.book(endless, plane(0, 1, 0, 0), PlaneState::Written);
        assert_eq!(ledger.state(plane(0, 1, 0, 0)), PlaneState::Unknown);
    }

    #[test]
    fn the_end_of_a_run_asks_again_for_what_was_absent() {
        let mut ledger = Ledger::default();
        ledger.book(SIZE, plane(0, 0, 0, 0), PlaneState::Planned);
        ledger.book(SIZE, plane(0, 0, 0, 1), PlaneState::Written);
        ledger.renew_absent();
        let revisions = [0, 1].map(|z| ledger.revision(plane(0, 0, 0, z)));
        assert_eq!(revisions, [1, 0]);
        assert_eq!(ledger.state(plane(0, 0, 0, 0)), PlaneState::Unknown);
        assert_eq!(ledger.total().planned, 0);
        ledger.renew_fov(FovId(0));
        assert_eq!(ledger.revision(plane(0, 0, 0, 1)), 1);
    }
}
