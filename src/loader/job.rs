//! What there is to do: the wishes of a `Visible` as jobs, in the order of their urgency.

use std::collections::{HashSet, VecDeque};

use crate::{
    dataset::Dataset,
    ledger::{Ledger, Notice},
    model::{Absence, FovId, PlaneId, Tier, TileId, Visible},
};

/// Which writing of a plane is meant, and what it means where nothing of it is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Version {
    pub(super) revision: u64,
    pub(super) absence: Absence,
}

impl Version {
    pub(super) fn of(plane: PlaneId, dataset: &Dataset, ledger: &Ledger) -> Self {
        let plane = dataset.at_level_0(plane);
        let absence = match ledger.notice(plane) {
            Notice::AllZero => Absence::Zero,
            Notice::None if dataset.announcement.is_some() => Absence::Unannounced,
            Notice::None | Notice::Written => Absence::AsStored,
        };
        Self {
            revision: ledger.revision(plane),
            absence,
        }
    }
}

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Job {
    /// Open a FOV's store.
    Fov(FovId),
    /// Read a tile of a version.
    Tile(TileId, Version),
    /// Make the statistics of a plane (its name at level 0) of a version.
    Statistics(PlaneId, Version),
    /// Look up where and when a timepoint of a FOV was taken.
    Executed(FovId, u32),
    /// Open a label image of a FOV.
    Label(FovId, u16),
}

/// What a `Visible` asks for, most urgent first: stores, visible tiles, their statistics, then what is likely next, up to
/// so many bytes of samples.
pub(super) fn jobs(
    dataset: &Dataset,
    ledger: &Ledger,
    visible: &Visible,
    max_ahead_bytes: usize,
) -> VecDeque<Job> {
    // Opening one FOV of an array reveals the others in it.
    let mut folders = HashSet::new();
    let unopened = |fov: &&FovId| {
        let row = dataset.fov(**fov);
        dataset.wants_opening(**fov) && row.is_none_or(|row| folders.insert(row.folder.as_path()))
    };
    // The store of the shown FOV comes first; those of FOVs that are only likely next come after the picture.
    let is_shown_unopened = visible.placed.is_empty();
    let mut stores = visible
        .unopened
        .iter()
        .filter(unopened)
        .map(|&fov| Job::Fov(fov));
    let mut jobs = VecDeque::new();
    if is_shown_unopened {
        jobs.extend(stores.next());
    }
    let tiles = |tier: fn(Tier) -> bool| {
        let wishes = visible.wishes.iter().filter(move |wish| tier(wish.tier));
        wishes.map(|wish| (wish.tile, Version::of(wish.tile.plane, dataset, ledger)))
    };
    let coarse = tiles(|tier| tier == Tier::Coarse);
    jobs.extend(coarse.map(|(tile, version)| Job::Tile(tile, version)));
    let shown = tiles(|tier| tier == Tier::Visible).map(|(tile, _)| tile);
    let (pictures, statistics): (Vec<_>, Vec<_>) = pictures(dataset, ledger, shown)
        .into_iter()
        .partition(|job| matches!(job, Job::Tile(..)));
    jobs.extend(pictures);
    let labels = visible.unopened_labels.iter();
    jobs.extend(labels.map(|&(fov, layer)| Job::Label(fov, layer)));
    jobs.extend(statistics);
    if dataset.acquisition.is_some() {
        let shown = tiles(|tier| tier == Tier::Visible).next();
        jobs.extend(shown.map(|(tile, _)| Job::Executed(tile.plane.fov, tile.plane.t)));
    }
    jobs.extend(stores);
    let mut ahead_bytes = 0;
    let ahead = tiles(|tier| tier == Tier::Prefetch).take_while(|(tile, _)| {
        ahead_bytes += bytes_of(*tile, dataset);
        ahead_bytes <= max_ahead_bytes
    });
    jobs.extend(ahead.map(|(tile, version)| Job::Tile(tile, version)));
    let recent = tiles(|tier| tier == Tier::Recent);
    jobs.extend(recent.map(|(tile, version)| Job::Tile(tile, version)));
    jobs
}

/// What the samples of a tile take in memory.
pub(super) fn bytes_of(tile: TileId, dataset: &Dataset) -> usize {
    let image = dataset.image_of(tile.plane);
    let bytes = image.and_then(|image| {
        let grid = image.grid(tile.plane.level)?;
        let num_samples = grid.tile_width as usize * grid.tile_height as usize;
        Some(num_samples * image.sample_type.num_bytes())
    });
    bytes.unwrap_or(0)
}

/// What is decoded on the way to a tile and is none itself: the finest samples below a level that is computed.
pub(super) fn bytes_on_the_way(tile: TileId, dataset: &Dataset) -> usize {
    let image = dataset.image_of(tile.plane);
    let num_stored = image.map_or(usize::MAX, |image| image.levels.len());
    match (usize::from(tile.plane.level) + 1).checked_sub(num_stored) {
        None | Some(0) => 0,
        Some(num_halvings) => bytes_of(tile, dataset) << (2 * num_halvings).min(32),
    }
}

/// To read tiles, then to make the statistics of their planes.
pub(super) fn pictures(
    dataset: &Dataset,
    ledger: &Ledger,
    tiles: impl Iterator<Item = TileId>,
) -> Vec<Job> {
    let (mut jobs, mut planes) = (Vec::new(), Vec::new());
    for tile in tiles {
        let version = Version::of(tile.plane, dataset, ledger);
        jobs.push(Job::Tile(tile, version));
        if tile.plane.layer != 0 {
            continue;
        }
        let statistics = Job::Statistics(dataset.at_level_0(tile.plane), version);
        if !planes.contains(&statistics) {
            planes.push(statistics);
        }
    }
    jobs.append(&mut planes);
    jobs
}
