//! Which job may begin now, and in which order the revisions of a plane are read.

use std::collections::HashSet;

use super::{
    STUCK_AFTER,
    job::{Job, Version},
    queue::State,
};
use crate::{
    dataset::Dataset,
    model::{DatasetId, FovId, PlaneId, TileId},
};

/// A plane that is read before the interface wishes for it.
pub(super) struct Anticipated {
    /// The one that the ledger is about to give.
    pub(super) revision: u64,
    /// A reader has taken a job of it.
    pub(super) has_begun: bool,
    /// A wish came since: the next one is made with the notice.
    pub(super) is_old: bool,
}

impl State {
    /// The plane (named at level 0) that a job reads, and the version.
    pub(super) fn versioned(&self, job: &Job) -> Option<(PlaneId, Version)> {
        match *job {
            Job::Tile(tile, version) => Some((self.at_level_0(tile), version)),
            Job::Statistics(plane, version) => Some((plane, version)),
            Job::Fov(_) | Job::Executed(..) | Job::Label(..) => None,
        }
    }

    /// Of another wish, which may have been made just before the notice, only those reads for notices stay that have
    /// begun. True where others were to begin: their end was to wake the interface.
    pub(super) fn drop_anticipated(&mut self) -> bool {
        let is_dropped =
            |job: &&Job| matches!(job, Job::Tile(..)) && !self.wanted.contains_key(*job);
        let dropped = self.queue.iter().filter(is_dropped);
        let dropped = dropped.filter_map(|job| self.versioned(job));
        let dropped: HashSet<_> = dropped.map(|(plane, its)| (plane, its.revision)).collect();
        let mut has_dropped = false;
        self.anticipated.retain(|&plane, anticipated| {
            has_dropped |= dropped.contains(&(plane, anticipated.revision));
            let was_old = std::mem::replace(&mut anticipated.is_old, true);
            anticipated.has_begun && !was_old
        });
        has_dropped
    }

    /// True where another read of the plane has to end first, or is newer: read one after the other, a newer name never
    /// has older samples, and the picture never goes back. One that is stuck is not waited for.
    fn is_out_of_turn(&self, dataset: DatasetId, job: &Job) -> bool {
        let Some((plane, version)) = self.versioned(job) else {
            return false;
        };
        let anticipated = self.anticipated.get(&plane);
        let is_overtaken = anticipated.is_some_and(|it| it.revision > version.revision);
        let is_older = |other: &Job| {
            let its = self.versioned(other);
            its.is_some_and(|(other, its)| other == plane && its.revision < version.revision)
        };
        let mut in_flight = self.in_flight.iter();
        is_overtaken
            || in_flight.any(|((id, other), since)| {
                *id == dataset && is_older(other) && since.elapsed() < STUCK_AFTER
            })
    }

    pub(super) fn can_start(&self, dataset: &Dataset, job: &Job) -> bool {
        if self.is_out_of_turn(dataset.id, job) || self.has_no_room(dataset.id, *job) {
            return false;
        }
        match job {
            // Statistics use the tile that is being read for the picture instead of reading it a second time.
            Job::Statistics(plane, _) => !self.is_being_read(dataset.id, *plane),
            // Computed levels are made of finer ones, which come into the cache on the way.
            Job::Tile(tile, version) if self.is_on_its_way(dataset, *tile, *version) => false,
            Job::Tile(tile, _) => self.visible.contains(tile) || self.num_ahead() < self.max_ahead,
            Job::Fov(fov) => !self.is_opening(dataset, *fov),
            Job::Executed(..) | Job::Label(..) => true,
        }
    }

    /// True while a tile of a plane (named at level 0) is being read.
    pub(super) fn is_being_read(&self, dataset: DatasetId, plane: PlaneId) -> bool {
        let is_of_plane =
            |job: &Job| matches!(job, Job::Tile(tile, _) if self.at_level_0(*tile) == plane);
        let mut in_flight = self.in_flight.keys();
        in_flight.any(|(id, job)| *id == dataset && is_of_plane(job))
    }

    /// True while the same place of a plane is being read at a coarser level that is computed.
    fn is_on_its_way(&self, dataset: &Dataset, tile: TileId, version: Version) -> bool {
        let image = dataset.image_of(tile.plane);
        let num_stored = image.map_or(0, |image| image.levels.len());
        let is_coarser = |other: &Job| {
            matches!(*other, Job::Tile(other, its) if its == version
                && other.plane.level > tile.plane.level
                && usize::from(other.plane.level) >= num_stored
                && TileId { plane: other.plane.at_level(tile.plane.level), ..other } == tile)
        };
        let mut in_flight = self.in_flight.keys();
        in_flight.any(|(id, other)| *id == dataset.id && is_coarser(other))
    }

    /// True while the store of a FOV is being opened, for it or for another FOV in the same array.
    fn is_opening(&self, dataset: &Dataset, fov: FovId) -> bool {
        let folder_of = |fov| dataset.fov(fov).map(|row| row.folder.as_path());
        let folder = folder_of(fov);
        let is_of_store =
            |other: &Job| matches!(other, Job::Fov(other) if folder_of(*other) == folder);
        let mut in_flight = self.in_flight.keys();
        in_flight.any(|(id, other)| *id == dataset.id && is_of_store(other))
    }

    /// Tiles that are being read ahead.
    fn num_ahead(&self) -> usize {
        let is_ahead =
            |job: &Job| matches!(job, Job::Tile(tile, _) if !self.visible.contains(tile));
        self.in_flight
            .keys()
            .filter(|(_, job)| is_ahead(job))
            .count()
    }
}
