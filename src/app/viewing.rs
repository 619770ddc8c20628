//! One view of one dataset: where session, ledger, loader and cache meet.
//!
//! What is wished (`resolve` at the session's position) goes to the loader. What is drawn is the same at the last
//! position whose tiles all arrived, so that the previous picture stays until the next one is whole. Nothing here reads,
//! decodes or waits.

mod ahead;
mod ending;
mod failures;
mod hover;
mod news;
mod picture;

use std::{
    cell::Cell,
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use failures::{Failures, Subject};
pub(super) use news::plane_of;

use super::counts::Listed;
use crate::{
    cache::Cache,
    canvas::{DrawList, Staged},
    dataset::{Dataset, Executed, ImageSlot, OpenFovError, OpenedFov, OpenedLabel},
    ledger::{Ledger, Notice, PageSize},
    live::AcquisitionId,
    loader::{Loaded, Loader},
    model::{
        CanvasSize, Code, FovId, Histogram, Pixels, PlaneId, PlaneState, TileId, Visible, ZPick,
    },
    session::{Command, Position, Selection, Session, resolve},
};

/// Planes of a running acquisition that were not there are looked for again after this time.
const RECHECK: Duration = Duration::from_secs(1);
/// Announced planes that are not there yet are looked for again after this time at first; it doubles up to [`RECHECK`].
const FIRST_RECHECK: Duration = Duration::from_millis(25);
/// A picture that is not whole after this time is asked for again.
const ASK_AGAIN: Duration = Duration::from_millis(2500);
/// Tiles without pixels that are remembered; the loader knows them, too, and tells again when asked.
const MAX_OUTCOMES: usize = 4096;

/// One view of one dataset.
pub(super) struct Viewing {
    pub(super) dataset: Arc<Dataset>,
    pub(super) session: Session,
    pub(super) ledger: Ledger,
    /// The announced acquisition that this is.
    pub(super) acquisition: Option<AcquisitionId>,
    /// False once the end of its announcements came.
    pub(super) is_announcing: bool,
    /// The newest plane that was heard of.
    pub(super) newest: Option<PlaneId>,
    canvas: CanvasSize,
    /// The last selection whose tiles all arrived, and those tiles.
    settled: Option<(Selection, Vec<TileId>)>,
    /// The picture of the dataset before it was read again (F5), until the first one of this reading.
    previous: Option<DrawList>,
    /// What the loader was last asked for, and of which dataset revision.
    wanted: Option<(u64, Visible)>,
    /// Tiles of the last picture: they stay drawable when the cache drops them or is too small for them.
    held: HashMap<TileId, (u64, Arc<Pixels>)>,
    /// Tiles of the last picture and of the wished one.
    planned: HashSet<TileId>,
    /// Tiles of the wished picture that are at hand and not on the GPU yet, because others were before them.
    unstaged: HashSet<TileId>,
    /// Tiles that have no pixels, and why.
    without: HashMap<TileId, (u64, PlaneState)>,
    /// Planes that were read before the disk told of them: their files may have been replaced in between.
    read_first: HashSet<PlaneId>,
    /// Stores opened since the last plan.
    opened: Vec<(FovId, Result<OpenedFov, OpenFovError>)>,
    /// Label images opened since the last plan.
    opened_labels: Vec<(FovId, u16, Result<OpenedLabel, OpenFovError>)>,
    /// Since when the wished picture is waited for.
    waiting_since: Option<Instant>,
    /// When planes that were not there are looked for again.
    recheck_at: Option<Instant>,
    failures: Failures,
    /// News of the wished planes came: the loader is to be asked again.
    is_dirty: bool,
    late: news::Late,
    /// FOVs whose stores are complete since they were opened again, or not any more: the disk is to tell of them once more.
    turned: Vec<FovId>,
    /// After the end of registered planes: when their folder is asked for its mark.
    mark_look: Option<ending::MarkLook>,
    /// Reading and decoding of the last tile.
    last_read: Option<Duration>,
    /// The pixel whose values were asked for last, and the level-0 tile around it that the last plan wished for.
    hovered: Cell<Option<(u32, u32)>>,
    hover_tile: Option<(u32, u32)>,
    standing: Option<hover::Standing>,
    /// Planes that the FOV table lists, of which revision of the dataset.
    pub(super) listed: Cell<Option<(u64, Listed)>>,
    /// Where and when a timepoint of a FOV was taken: the one looked up last.
    executed: Option<((FovId, u32), Executed)>,
}

impl Viewing {
    pub(super) fn new(dataset: Dataset, session: Session) -> Self {
        Self {
            dataset: Arc::new(dataset),
            session,
            ledger: Ledger::default(),
            acquisition: None,
            is_announcing: true,
            newest: None,
            canvas: CanvasSize {
                width_px: 1268,
                height_px: 750,
            },
            settled: None,
            previous: None,
            wanted: None,
            held: HashMap::new(),
            planned: HashSet::new(),
            unstaged: HashSet::new(),
            without: HashMap::new(),
            read_first: HashSet::new(),
            opened: Vec::new(),
            opened_labels: Vec::new(),
            waiting_since: None,
            recheck_at: None,
            failures: Failures::default(),
            is_dirty: false,
            late: news::Late::default(),
            turned: Vec::new(),
            mark_look: None,
            last_read: None,
            hovered: Cell::new(None),
            hover_tile: None,
            standing: None,
            listed: Cell::new(None),
            executed: None,
        }
    }

    /// The same view of the dataset read again (F5): settings stay, everything read is forgotten. The picture that is on
    /// the screen stays until the next one is whole.
    pub(super) fn reopened(self, dataset: Dataset, picture: Option<DrawList>) -> Self {
        let mut session = self.session;
        // Rows may have moved: FOV ids hold within one opening of a dataset.
        let rows = dataset.fovs.iter().enumerate();
        let by_path: HashMap<&str, FovId> = rows
            .filter_map(|(row, fov)| Some((fov.path.as_str(), FovId(u32::try_from(row).ok()?))))
            .collect();
        let same = |fov: FovId| {
            let row = self.dataset.fov(fov)?;
            by_path.get(row.path.as_str()).copied()
        };
        session.position.fov = same(session.position.fov).unwrap_or(FovId(u32::MAX));
        let own = std::mem::take(&mut session.own_limits).into_iter();
        session.own_limits = own
            .filter_map(|((fov, t, c), limits)| Some(((same(fov)?, t, c), limits)))
            .collect();
        session.apply(&Command::DatasetChanged, &dataset);
        Self {
            canvas: self.canvas,
            previous: picture,
            ..Self::new(dataset, session)
        }
    }

    /// Applies one intention.
    pub(super) fn apply(&mut self, command: &Command) {
        self.session.apply(command, &self.dataset);
    }

    /// Takes what a reader sent; news of other datasets are dropped.
    pub(super) fn take(&mut self, news: Loaded) {
        let id = self.dataset.id;
        match news {
            Loaded::Tile {
                dataset,
                tile,
                revision,
                state,
                pixels,
                elapsed,
            } if dataset == id => {
                if !elapsed.is_zero() {
                    self.last_read = Some(elapsed);
                    self.session
                        .apply(&Command::TileRead(elapsed), &self.dataset);
                }
                self.take_tile(tile, revision, state, pixels);
            }
            Loaded::Statistics {
                dataset,
                plane,
                histogram,
            } if dataset == id => self.take_statistics(plane, histogram),
            Loaded::Fov {
                dataset,
                fov,
                outcome,
            } if dataset == id => {
                // One that is only planned is no failure.
                let failed = outcome.as_ref().err();
                if let Some(error) = failed.filter(|error| error.code != Code::NotWritten) {
                    self.failures.tell(Subject::Fov(fov), error);
                }
                self.opened.push((fov, outcome));
            }
            Loaded::Label {
                dataset,
                fov,
                layer,
                outcome,
            } if dataset == id => {
                if let Err(error) = &outcome {
                    self.failures.tell(Subject::Label(fov, layer), error);
                }
                self.opened_labels.push((fov, layer, outcome));
            }
            Loaded::Executed {
                dataset,
                fov,
                t,
                executed,
            } if dataset == id => self.take_executed(fov, t, executed),
            Loaded::Tile { .. }
            | Loaded::Statistics { .. }
            | Loaded::Executed { .. }
            | Loaded::Label { .. }
            | Loaded::Fov { .. } => {
                tracing::debug!("dropped news of a dataset that is no longer shown");
            }
        }
    }

    fn take_tile(
        &mut self,
        tile: TileId,
        revision: u64,
        state: PlaneState,
        pixels: Option<Arc<Pixels>>,
    ) {
        if let PlaneState::Failed(reason) = &state {
            let plane = self.dataset.at_level_0(tile.plane);
            self.failures.tell(Subject::Plane(plane), reason);
        }
        let image = self.dataset.image(tile.plane.fov);
        // Of label images nothing is booked.
        if let Some(image) = image.filter(|_| tile.plane.layer == 0) {
            let plane = tile.plane;
            let same_slices = image.len_at(
                crate::model::AxisRole::Z,
                usize::from(plane.level).min(image.levels.len() - 1),
            ) == u64::from(image.num_z_slices());
            // What an older revision was says nothing of the present one.
            let is_current = self.ledger.is_current(plane, revision);
            if same_slices
                && is_current
                && matches!(plane.z, ZPick::Slice(_))
                && !self.is_overtaken(plane, &state)
            {
                let is_told = is_on_disk(&self.ledger.state(plane));
                if is_on_disk(&state) && !is_told && self.read_first.len() < MAX_OUTCOMES {
                    self.read_first.insert(plane);
                }
                self.ledger.book(PageSize::of(image), plane, state.clone());
            }
        }
        // A slow read of an older revision may end after that of a newer one.
        let held = self.held.get(&tile).map(|(revision, _)| *revision);
        let known = self.without.get(&tile).map(|(revision, _)| *revision);
        if held.max(known).is_some_and(|newest| revision < newest) {
            return;
        }
        let is_wished = self
            .wanted
            .as_ref()
            .is_some_and(|(_, wished)| held_for(wished).any(|other| other == tile));
        if let Some(pixels) = pixels {
            self.without.remove(&tile);
            if is_wished {
                self.held.insert(tile, (revision, pixels));
            }
        } else {
            if self.without.len() >= MAX_OUTCOMES {
                self.without.clear();
            }
            self.without.insert(tile, (revision, state));
        }
    }

    /// True for a read that found nothing where the disk has told of the plane since then. An announced acquisition may
    /// have made room for planes that it has not announced, and drops pixels that were in memory: there the read knows
    /// better.
    fn is_overtaken(&self, plane: PlaneId, found: &PlaneState) -> bool {
        if *found == PlaneState::Planned && self.dataset.is_store_complete(plane.fov) {
            // It was read before the store was known to be complete.
            return true;
        }
        let is_room =
            self.dataset.announcement.is_some() && self.ledger.notice(plane) == Notice::None;
        matches!(found, PlaneState::Planned | PlaneState::Missing)
            && is_on_disk(&self.ledger.state(plane))
            && !is_room
            && !self.dataset.has_dropped(plane)
    }

    /// A late answer for another FOV or timepoint is not taken for the present one.
    fn take_executed(&mut self, fov: FovId, t: u32, executed: Option<Executed>) {
        let at = self.session.position;
        if (fov, t) == (at.fov, at.t) {
            self.executed = executed.map(|executed| ((fov, t), executed));
        }
    }

    /// Statistics of a plane that is wished; a late one of an earlier wish is dropped, the loader knows it.
    fn take_statistics(&mut self, plane: PlaneId, histogram: Arc<Histogram>) {
        let is_wished = self.wanted.as_ref().is_some_and(|(_, wished)| {
            let mut tiles = wished.placed.iter().flat_map(|placed| &placed.tiles);
            tiles.any(|tile| self.dataset.at_level_0(tile.plane) == plane)
        });
        if !is_wished {
            return;
        }
        let command = Command::Statistics {
            channel: usize::from(plane.c),
            fov: plane.fov,
            t: plane.t,
            histogram,
        };
        self.apply(&command);
    }

    /// Brings wish and picture up to date: to be called once per frame, after commands and news. `stage` brings tiles to the
    /// GPU and gives those that have to wait.
    pub(super) fn plan(
        &mut self,
        loader: &Loader,
        cache: &Cache,
        stage: &dyn Fn(&[Staged]) -> Vec<TileId>,
        now: Instant,
    ) {
        if !self.opened.is_empty() {
            let opened = std::mem::take(&mut self.opened);
            let fovs = opened.iter().flat_map(|(fov, outcome)| {
                let images = outcome.iter().flat_map(|opened| &opened.images);
                std::iter::once(*fov).chain(images.map(|(fov, _)| *fov))
            });
            let fovs: BTreeSet<FovId> = fovs.collect();
            let fovs: Vec<FovId> = fovs.into_iter().collect();
            let before = Arc::clone(&self.dataset);
            self.change(self.dataset.with_opened(opened));
            self.renew_turned(&before, &fovs);
            self.announce_beyond(&fovs);
        }
        for (fov, layer, outcome) in std::mem::take(&mut self.opened_labels) {
            self.change(self.dataset.with_label(fov, layer, outcome));
        }
        let is_recheck_due = self.recheck_at.is_some_and(|at| now >= at);
        let fov = self.session.position.fov;
        if is_recheck_due && self.unreadable(fov) == Some(PlaneState::Planned) {
            self.change(self.dataset.with_reopening(|other| other == fov));
        }
        if is_recheck_due {
            self.look_for_late_ones(now);
        }
        self.look_for_mark(now);
        let mut visible = self.resolve_of(&self.session.selection());
        self.hover_tile = self.tile_under_pointer();
        let under_pointer = self.hover_wishes(&visible, cache, now);
        visible.wishes.extend(under_pointer);
        let wished = (self.dataset.revision, visible);
        let is_dirty = std::mem::take(&mut self.is_dirty);
        let is_new = self.wanted.as_ref() != Some(&wished);
        if is_recheck_due || is_dirty || is_new {
            loader.want(&self.dataset, &self.ledger, &wished.1);
            // News of other planes, however many, put no recheck off.
            if is_recheck_due || is_new {
                self.recheck_at = None;
            }
            self.hold_only(&wished.1);
            self.wanted = Some(wished.clone());
            // What is cached is handed over at once.
            for news in loader.drain() {
                self.take(news);
            }
        }
        self.take_cached(&wished.1, cache);
        self.stage(&wished.1, stage);
        self.settle(&wished.1, now);
    }

    /// Notes whether the wished picture is whole, and when to look again for planes that were not there.
    fn settle(&mut self, wished: &Visible, now: Instant) {
        if self.is_settled(wished) {
            self.settled = Some((self.session.selection(), wished.tiles().collect()));
            self.waiting_since = None;
            self.previous = None;
            self.hold_only(wished);
        } else {
            self.waiting_since.get_or_insert(now);
            // Asking again lets the loader find readers that are stuck.
            self.recheck_at.get_or_insert(now + ASK_AGAIN);
        }
        if let Some(pause) = self.pause_before_recheck(wished, now) {
            self.recheck_at.get_or_insert(now + pause);
        }
    }

    /// Brings what is at hand of a picture to the GPU. What has no place in this frame counts as not there yet: pictures
    /// before it stay for one frame more.
    fn stage(&mut self, wished: &Visible, stage: &dyn Fn(&[Staged]) -> Vec<TileId>) {
        let tiles = wished.tiles();
        let at_hand = tiles.filter_map(|tile| {
            let (revision, pixels) = self.held_of(tile)?;
            Some((tile, revision, pixels))
        });
        let at_hand: Vec<Staged> = at_hand.collect();
        self.unstaged = stage(&at_hand).into_iter().collect();
    }

    /// True where the next frame is to bring more of the picture to the GPU.
    pub(super) fn is_staging(&self) -> bool {
        !self.unstaged.is_empty()
    }

    /// What is in the cache is taken as if it had been told of: the message may still be on its way when the next notice
    /// comes, and the picture does not go back to what was held before. Only planes that are wholly there are cached.
    fn take_cached(&mut self, wished: &Visible, cache: &Cache) {
        for tile in wished.tiles() {
            if self.held_of(tile).is_none()
                && let Some((revision, pixels)) = self.pixels_of(tile, cache)
            {
                self.take_tile(tile, revision, PlaneState::Written, Some(pixels));
            }
        }
        // Looking at these does not keep others from the cache.
        for tile in hover::wished_tiles(wished) {
            let key = self.cache_key(tile);
            if self.held_of(tile).is_none()
                && let Some(pixels) = cache.peek(&key)
            {
                self.take_tile(tile, key.revision, PlaneState::Written, Some(pixels));
            }
        }
    }

    /// Takes over a newer revision of the dataset.
    fn change(&mut self, dataset: Dataset) {
        self.dataset = Arc::new(dataset);
        self.session.apply(&Command::DatasetChanged, &self.dataset);
    }

    /// Lets go of tiles that are neither wished nor on the screen.
    fn hold_only(&mut self, wished: &Visible) {
        let shown = self.settled.iter().flat_map(|(_, tiles)| tiles);
        self.planned = wished.tiles().chain(shown.copied()).collect();
        let under_pointer: HashSet<TileId> = hover::wished_tiles(wished).collect();
        let planned = &self.planned;
        self.held
            .retain(|tile, _| planned.contains(tile) || under_pointer.contains(tile));
    }

    /// True where every tile is at hand, or known to have no pixels, and every channel with pixels has its limits.
    fn is_settled(&self, wished: &Visible) -> bool {
        if self.is_unopened(self.session.position.fov) {
            return false;
        }
        if self.is_staging() {
            return false;
        }
        let is_known = |tile| self.without_of(tile).is_some() || self.held_of(tile).is_some();
        let mut labels = wished.labels.iter().map(|placed| placed.tile);
        if !wished.unopened_labels.is_empty() || !labels.all(is_known) {
            return false;
        }
        wished.placed.iter().all(|placed| {
            placed.tiles.iter().all(|tile| {
                let look = wished.looks.iter().find(|look| look.c == tile.plane.c);
                let has_limits = look.is_some_and(|look| look.limits.is_some());
                self.without_of(*tile).is_some() || (has_limits && self.held_of(*tile).is_some())
            })
        })
    }

    /// True where nobody has looked into the store of a FOV yet.
    fn is_unopened(&self, fov: FovId) -> bool {
        let slot = self.dataset.images.get(fov.row());
        matches!(slot, Some(ImageSlot::Unopened))
    }

    /// Notes the size that the canvas got; true where it is another one than before.
    pub(super) fn resize(&mut self, canvas: CanvasSize) -> bool {
        std::mem::replace(&mut self.canvas, canvas) != canvas
    }

    fn resolve_of(&self, selection: &Selection) -> Visible {
        resolve(
            &self.session,
            selection,
            &self.dataset,
            &self.ledger,
            self.canvas,
        )
    }

    /// The level-0 planes of the wished picture.
    pub(super) fn wished_planes(&self) -> Vec<PlaneId> {
        let Some((_, wished)) = &self.wanted else {
            return Vec::new();
        };
        let tiles = wished.placed.first().into_iter().flat_map(|it| &it.tiles);
        tiles
            .map(|tile| self.dataset.at_level_0(tile.plane))
            .collect()
    }

    /// Where and when the picture on the screen was taken, where that is known.
    pub(super) fn executed(&self) -> Option<&Executed> {
        let position = self.shown_position();
        let (key, executed) = self.executed.as_ref()?;
        (*key == (position.fov, position.t)).then_some(executed)
    }

    /// True where the acquisition has gone on to a later timepoint, or to a later slice of the same stack. In which order it
    /// goes through FOVs nobody tells. What was announced and is not on disk says nothing.
    pub(super) fn is_passed(&self) -> bool {
        let at = self.shown_position();
        let is_there = |newest: &PlaneId| {
            let state = self.ledger.state(*newest);
            self.dataset.image(newest.fov).is_some()
                && !matches!(state, PlaneState::Planned | PlaneState::Missing)
        };
        self.newest.filter(is_there).is_some_and(|newest| {
            let is_same_stack = (newest.t, newest.fov) == (at.t, at.fov);
            let is_later_slice = matches!(newest.z, ZPick::Slice(z) if z > at.z);
            newest.t > at.t || (is_same_stack && is_later_slice)
        })
    }

    /// True where the picture on the screen is beyond the sizes of its FOV.
    pub(super) fn is_outside(&self) -> bool {
        self.resolve_of(&self.shown_selection()).outside
    }

    /// False where the shown FOV's store could not be opened.
    pub(super) fn is_readable(&self) -> bool {
        self.unreadable(self.shown_position().fov).is_none()
    }

    /// What is on the screen; what is wished as long as there is nothing.
    fn shown_selection(&self) -> Selection {
        let settled = self.settled.as_ref().map(|(selection, _)| selection);
        settled.cloned().unwrap_or_else(|| self.session.selection())
    }

    /// The position on the screen; the wished one as long as there is none.
    fn shown_position(&self) -> Position {
        let settled = self.settled.as_ref();
        settled.map_or(self.session.position, |(selection, _)| selection.position)
    }

    /// How long the wished picture has been waited for.
    pub(super) fn waiting(&self, now: Instant) -> Option<Duration> {
        self.waiting_since
            .map(|since| now.saturating_duration_since(since))
    }

    /// True where the picture on the screen is the wished one.
    pub(super) fn is_current(&self) -> bool {
        let settled = self.settled.as_ref();
        self.waiting_since.is_none()
            && settled.is_some_and(|(selection, _)| *selection == self.session.selection())
    }

    /// When the view wants to be planned again by itself.
    pub(super) fn next_recheck(&self) -> Option<Instant> {
        let wishes = [
            self.recheck_at,
            self.next_mark_look(),
            self.next_hover_read(),
        ];
        wishes.into_iter().flatten().min()
    }

    /// Reading and decoding of the last tile.
    pub(super) fn last_read(&self) -> Option<Duration> {
        self.last_read
    }
}

fn is_on_disk(state: &PlaneState) -> bool {
    matches!(state, PlaneState::Written | PlaneState::Partial { .. })
}

/// Tiles that stay at hand while they are wished: those on the canvas, and those whose values are shown.
fn held_for(wished: &Visible) -> impl Iterator<Item = TileId> {
    wished.tiles().chain(hover::wished_tiles(wished))
}

#[cfg(test)]
mod tests;
