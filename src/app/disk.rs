//! What the disk tells of the dataset that is open: found planes, changed stores, growth and the end.

use std::{collections::HashSet, sync::Arc, time::Instant};

use super::{App, Viewing, pace::EndTeller, waking};
use crate::{
    dataset::Dataset,
    ledger::Notice,
    live::{DiskNews, DiskWatch},
    model::{FovId, PlaneId, PlaneState, ZPick},
    session::Command,
};

/// A watch over the dataset that is open, and what it was told last.
pub(super) struct Watching {
    watch: DiskWatch,
    revision: u64,
    first: Vec<PlaneId>,
}

/// True where files of a dataset may still come or change: it is not complete, or does not say. In an acquisition that was
/// stopped the disk tells what is there and what is missing.
fn may_change(dataset: &Dataset) -> bool {
    let run = dataset.acquisition.as_ref();
    let is_complete = run.is_some_and(|it| it.complete == Some(true));
    !is_complete && !dataset.is_registered()
}

impl App {
    /// Watches the dataset that was opened, where there is something to wait for.
    pub(super) fn watch_disk(&mut self) {
        self.disk = None;
        let Some(viewing) = &self.viewing else { return };
        let dataset = &viewing.dataset;
        if !may_change(dataset) {
            return;
        }
        let wake = waking::waker(&self.context);
        let started = DiskWatch::start(Arc::clone(dataset), Arc::clone(&self.store), wake);
        self.disk = match started {
            Ok(watch) => Some(Watching {
                watch,
                revision: dataset.revision,
                first: Vec::new(),
            }),
            Err(error) => {
                self.notice = Some(format!("New planes are not looked for ({error})"));
                None
            }
        };
    }

    /// Takes what the disk told since the last frame.
    pub(super) fn take_disk(&mut self, now: Instant) {
        let (Some(watching), Some(viewing)) = (&self.disk, &mut self.viewing) else {
            return;
        };
        let (mut changed, mut newest, mut written) = (HashSet::new(), None, Vec::new());
        let (mut ended, mut was_over) = (None, None);
        for news in watching.watch.take() {
            match news {
                DiskNews::Planes(planes) => {
                    let on_disk = planes.iter().filter(|(_, state)| is_on_disk(state));
                    written.extend(on_disk.map(|(plane, _)| *plane));
                    viewing.take_found(planes);
                }
                DiskNews::Rewritten(planes) => viewing.take_rewritten(&planes),
                DiskNews::Replaced(fov, opened) => viewing.take_replaced(fov, opened),
                DiskNews::Newest(plane) => newest = Some(plane),
                DiskNews::StoreChanged(fov) => {
                    changed.insert(fov);
                }
                DiskNews::BegunAnew(fovs) => {
                    viewing.begin_anew(&fovs);
                    self.pace.begin_anew();
                }
                // Growth of an older revision: it is found once more.
                DiskNews::Grown(dataset) if dataset.id == viewing.dataset.id => {
                    viewing.grow(dataset);
                }
                DiskNews::Grown(_) => {}
                DiskNews::Ended { aborted, begun } => ended = Some((aborted, begun)),
                DiskNews::WasOver { begun } => was_over = Some(begun),
            }
        }
        if !changed.is_empty() {
            viewing.reopen(&changed);
        }
        if viewing.session.follow.is_on {
            written.sort_by_cached_key(|plane| in_scan_order(viewing, *plane));
            viewing.follow(written.into_iter());
        }
        viewing.follow(newest.into_iter());
        if let Some(plane) = newest {
            self.pace.newest(plane, &viewing.dataset, now);
        }
        if let Some((is_aborted, begun)) = ended {
            tracing::debug!("the acquisition is over, aborted: {is_aborted}");
            viewing.end(is_aborted, begun);
            let words = if is_aborted { "stopped" } else { "finished" };
            self.pace.end(EndTeller::Disk, words);
        }
        if let Some(begun) = was_over {
            // It did not end here and now, and nothing is to come any more.
            viewing.end(false, begun);
            self.disk = None;
        }
    }

    /// Tells the watch what is on the screen, and what is known of the dataset by now.
    pub(super) fn direct_disk(&mut self) {
        let (Some(watching), Some(viewing)) = (&mut self.disk, &self.viewing) else {
            return;
        };
        if watching.revision != viewing.dataset.revision {
            watching.revision = viewing.dataset.revision;
            watching.watch.update(Arc::clone(&viewing.dataset));
        }
        let first = viewing.wished_planes();
        if watching.first != first {
            watching.watch.look_first(first.clone());
            watching.first = first;
        }
    }

    /// Notices of these FOVs may have been lost: all of their planes are looked up.
    pub(super) fn rescan_disk(&self, fovs: &[FovId]) {
        if let Some(watching) = self.disk.as_ref().filter(|_| !fovs.is_empty()) {
            watching.watch.rescan(fovs);
        }
    }
}

fn is_on_disk(state: &PlaneState) -> bool {
    matches!(state, PlaneState::Written | PlaneState::Partial { .. })
}

/// Squid's order: timepoints, FOVs, z-slices, channels.
fn in_scan_order(viewing: &Viewing, plane: PlaneId) -> (u32, u32, u32, u16) {
    let flat = viewing.dataset.flat_of(plane.fov).unwrap_or(u32::MAX);
    let ZPick::Slice(z) = plane.z else {
        return (plane.t, flat, 0, plane.c);
    };
    (plane.t, flat, z, plane.c)
}

impl Viewing {
    /// Goes with planes that were written, in their order, as far as the session follows; what lies before the present
    /// position was only found late.
    pub(super) fn follow(&mut self, planes: impl Iterator<Item = PlaneId>) {
        for plane in planes {
            self.newest = Some(plane);
            if self.session.follow.is_on && self.is_ahead(plane) {
                self.apply(&newest_command(plane));
            }
        }
    }

    /// Goes to the newest plane: following was just begun.
    pub(super) fn follow_now(&mut self) {
        if let Some(plane) = self.newest {
            self.apply(&newest_command(plane));
        }
    }

    fn is_ahead(&self, plane: PlaneId) -> bool {
        let at = self.session.position;
        let flat = |fov| self.dataset.flat_of(fov).unwrap_or(u32::MAX);
        let is_unread = self.ledger.notice(plane) == Notice::Written;
        is_unread || (plane.t, flat(plane.fov)) >= (at.t, flat(at.fov))
    }
}

fn newest_command(plane: PlaneId) -> Command {
    let z = match plane.z {
        ZPick::Slice(z) => z,
        ZPick::Max => 0,
    };
    Command::Newest {
        fov: plane.fov,
        t: plane.t,
        z,
        c: plane.c,
    }
}
