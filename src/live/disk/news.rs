//! News on their way from the watching thread to whoever takes them: merged, bounded, with a wake when it is worth one.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::{
    dataset::{Dataset, OpenFovError, OpenedFov},
    model::{FovId, PlaneId, PlaneState},
};

/// Planes that wait to be taken; beyond it the watching thread looks no further.
const MAX_PLANES: usize = 1 << 18;

/// What the disk told.
#[expect(
    clippy::large_enum_variant,
    reason = "a handful are taken per frame, and growth is the rarest"
)]
#[derive(Clone, Debug)]
pub enum DiskNews {
    /// What the disk says of planes, where it changed since it was told last: `Written`, `Partial`, and `Planned` (in an
    /// aborted run `Missing`) for planes behind the newest one that are absent.
    Planes(Vec<(PlaneId, PlaneState)>),
    /// The file of a plane that was written before was replaced (another size or time): read it again.
    Rewritten(Vec<PlaneId>),
    /// The newest plane in the order of the acquisition, for a view that follows it.
    Newest(PlaneId),
    /// Documents of a FOV's store changed, or it is there now: open it again.
    StoreChanged(FovId),
    /// Stores that were complete are not any more: another run writes them anew, and nothing that was told of their planes
    /// before holds.
    BegunAnew(HashSet<FovId>),
    /// The file that an image was described by is another one, or gone: what it is now. Nothing that was read of that FOV
    /// holds any more.
    Replaced(FovId, Result<OpenedFov, OpenFovError>),
    /// FOVs appeared that the dataset did not list, or their files are gone: [`Dataset::grown`] of the one handed over last.
    Grown(Dataset),
    /// The acquisition is over, by its mark or because all stores are complete.
    Ended {
        /// A store says that it was aborted.
        aborted: bool,
        /// Timepoints that have a folder.
        begun: BTreeSet<u32>,
    },
    /// All stores were complete when the watch began, though no mark says so: there was nothing to wait for.
    WasOver {
        /// Timepoints that have a folder.
        begun: BTreeSet<u32>,
    },
}

#[derive(Default)]
struct Pending {
    planes: HashMap<PlaneId, PlaneState>,
    rewritten: HashSet<PlaneId>,
    newest: Option<PlaneId>,
    stores: BTreeSet<FovId>,
    anew: HashSet<FovId>,
    /// At most one per FOV.
    replaced: BTreeMap<FovId, Result<OpenedFov, OpenFovError>>,
    grown: Option<Dataset>,
    ended: Option<(bool, BTreeSet<u32>)>,
    was_over: Option<BTreeSet<u32>>,
    /// When whoever takes is to be woken, unless it comes by itself before.
    due: Option<Instant>,
    is_woken: bool,
}

/// The place where news wait.
pub(super) struct Outbox {
    pending: Mutex<Pending>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Outbox {
    pub(super) fn new(wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self {
            pending: Mutex::default(),
            wake,
        }
    }

    /// All that waits: growth first, because what follows may name rows of it.
    pub(super) fn take(&self) -> Vec<DiskNews> {
        let pending = std::mem::take(&mut *self.pending.lock());
        let mut news = Vec::new();
        news.extend(pending.grown.map(DiskNews::Grown));
        news.extend(pending.stores.into_iter().map(DiskNews::StoreChanged));
        if !pending.anew.is_empty() {
            news.push(DiskNews::BegunAnew(pending.anew));
        }
        let replaced = pending.replaced.into_iter();
        news.extend(replaced.map(|(fov, opened)| DiskNews::Replaced(fov, opened)));
        if !pending.planes.is_empty() {
            news.push(DiskNews::Planes(pending.planes.into_iter().collect()));
        }
        if !pending.rewritten.is_empty() {
            let planes = pending.rewritten.into_iter().collect();
            news.push(DiskNews::Rewritten(planes));
        }
        news.extend(pending.newest.map(DiskNews::Newest));
        let ended = pending.ended;
        news.extend(ended.map(|(aborted, begun)| DiskNews::Ended { aborted, begun }));
        let was_over = pending.was_over;
        news.extend(was_over.map(|begun| DiskNews::WasOver { begun }));
        news
    }

    /// True where nobody took for so long that there is no room for more planes.
    pub(super) fn is_full(&self) -> bool {
        self.pending.lock().planes.len() >= MAX_PLANES
    }

    pub(super) fn planes(&self, planes: Vec<(PlaneId, PlaneState)>, after: Duration) {
        if !planes.is_empty() {
            self.put(after, |pending| pending.planes.extend(planes));
        }
    }

    pub(super) fn rewritten(&self, planes: Vec<PlaneId>) {
        if !planes.is_empty() {
            self.put(Duration::ZERO, |pending| {
                // As bounded as the planes whose files are remembered.
                pending.rewritten.extend(planes);
            });
        }
    }

    pub(super) fn newest(&self, plane: PlaneId, after: Duration) {
        self.put(after, |pending| pending.newest = Some(plane));
    }

    pub(super) fn store_changed(&self, fov: FovId) {
        self.put(Duration::ZERO, |pending| {
            pending.stores.insert(fov);
        });
    }

    /// What was told of their planes before is forgotten, and so is an end.
    pub(super) fn begun_anew(&self, fovs: &HashSet<FovId>) {
        self.put(Duration::ZERO, |pending| {
            pending.planes.retain(|plane, _| !fovs.contains(&plane.fov));
            pending.rewritten.retain(|plane| !fovs.contains(&plane.fov));
            pending.anew.extend(fovs);
            pending.ended = None;
        });
    }

    pub(super) fn replaced(&self, fov: FovId, opened: Result<OpenedFov, OpenFovError>) {
        self.put(Duration::ZERO, |pending| {
            pending.replaced.insert(fov, opened);
        });
    }

    pub(super) fn grown(&self, dataset: Dataset) {
        self.put(Duration::ZERO, |pending| pending.grown = Some(dataset));
    }

    pub(super) fn ended(&self, aborted: bool, begun: BTreeSet<u32>) {
        self.put(Duration::ZERO, |pending| {
            pending.ended = Some((aborted, begun));
        });
    }

    pub(super) fn was_over(&self, begun: BTreeSet<u32>) {
        self.put(Duration::ZERO, |pending| pending.was_over = Some(begun));
    }

    /// Puts news in; at the latest after that time somebody is woken for them.
    fn put(&self, after: Duration, change: impl FnOnce(&mut Pending)) {
        let now = Instant::now();
        {
            let mut pending = self.pending.lock();
            change(&mut pending);
            let due = now + after;
            pending.due = Some(pending.due.map_or(due, |known| known.min(due)));
        }
        self.wake_when_due(now);
    }

    /// Wakes whoever takes the news if they have waited for long enough; else when that will be. A frame that is drawn
    /// for something else takes them along, and none is drawn for them alone.
    pub(super) fn wake_when_due(&self, now: Instant) -> Option<Instant> {
        {
            let mut pending = self.pending.lock();
            let due = pending.due.filter(|_| !pending.is_woken)?;
            if due > now {
                return Some(due);
            }
            pending.is_woken = true;
        }
        (self.wake)();
        None
    }
}
