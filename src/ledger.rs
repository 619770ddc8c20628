//! The book of plane states: what the disk says of every plane, and how often it was written.
//!
//! Dense, allocated per FOV on first use. Owned by `app`, fed by live events and read results, lent read-only to
//! `resolve`, `loader` and `ui`. A plane is booked at level 0, slice by slice: levels and projections are views of it.

use std::collections::HashMap;

use crate::{
    dataset::Image,
    model::{FovId, PlaneId, PlaneState, ZPick},
};

/// Planes of one FOV that are booked densely; a dataset that claims more has no book, every state stays unknown.
const MAX_PLANES_PER_FOV: u64 = 1 << 24;

/// State and revision of every plane that somebody has looked at.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    fovs: HashMap<FovId, FovBook>,
}

/// The planes of one FOV in the order t, extra, c, z.
#[derive(Clone, Debug)]
struct FovBook {
    num_timepoints: u32,
    num_extra: u32,
    num_channels: u32,
    num_z_slices: u32,
    entries: Vec<Entry>,
}

/// One plane.
#[derive(Clone, Debug, Default)]
struct Entry {
    state: PlaneState,
    revision: u64,
}

/// How many planes of a FOV are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// On disk, whole.
    pub written: u32,
    /// Not on disk, or only in part.
    pub unwritten: u32,
    /// Not readable.
    pub failed: u32,
}

impl Ledger {
    /// What the disk says of a plane; of a projection, the worst of its slices.
    #[must_use]
    pub fn state(&self, plane: PlaneId) -> PlaneState {
        let states = self.entries(plane).iter().map(|entry| &entry.state);
        states
            .max_by_key(|state| badness(state))
            .cloned()
            .unwrap_or_default()
    }

    /// How often the plane was announced as written; 0 at first. Of a projection, the sum over its slices.
    #[must_use]
    pub fn revision(&self, plane: PlaneId) -> u64 {
        self.entries(plane).iter().map(|entry| entry.revision).sum()
    }

    /// States of the planes of a FOV that somebody has looked at.
    #[must_use]
    pub fn counts(&self, fov: FovId) -> Counts {
        let mut counts = Counts::default();
        for entry in self.fovs.get(&fov).map_or(&[][..], |book| &book.entries) {
            match entry.state {
                PlaneState::Unknown => {}
                PlaneState::Written => counts.written += 1,
                PlaneState::Planned | PlaneState::Missing | PlaneState::Partial { .. } => {
                    counts.unwritten += 1;
                }
                PlaneState::Failed(_) => counts.failed += 1,
            }
        }
        counts
    }

    /// Books what a read found; the first call for a FOV allocates its planes. Projections are not booked.
    pub fn book(&mut self, image: &Image, plane: PlaneId, state: PlaneState) {
        if let Some(entry) = self.entry_mut(image, plane) {
            entry.state = state;
        }
    }

    /// Books that a plane was written (again): its revision rises, its state becomes unknown until read.
    pub fn announce(&mut self, image: &Image, plane: PlaneId) {
        if let Some(entry) = self.entry_mut(image, plane) {
            entry.revision += 1;
            entry.state = PlaneState::Unknown;
        }
    }

    /// Forgets everything (another dataset, or `F5`).
    pub fn clear(&mut self) {
        self.fovs.clear();
    }

    /// The entries behind a plane: one for a slice, all slices for a projection, none where nothing is booked.
    fn entries(&self, plane: PlaneId) -> &[Entry] {
        let Some(book) = self.fovs.get(&plane.fov).filter(|_| plane.layer == 0) else {
            return &[];
        };
        let (z, count) = match plane.z {
            ZPick::Slice(z) => (z, 1),
            ZPick::Max => (0, book.num_z_slices as usize),
        };
        let first = book.index(plane, z);
        first
            .and_then(|first| book.entries.get(first..first + count))
            .unwrap_or(&[])
    }

    fn entry_mut(&mut self, image: &Image, plane: PlaneId) -> Option<&mut Entry> {
        let ZPick::Slice(z) = plane.z else {
            return None;
        };
        if plane.layer != 0 {
            return None;
        }
        let book = match self.fovs.entry(plane.fov) {
            std::collections::hash_map::Entry::Occupied(book) => book.into_mut(),
            std::collections::hash_map::Entry::Vacant(vacant) => vacant.insert(FovBook::of(image)?),
        };
        let index = book.index(plane, z)?;
        book.entries.get_mut(index)
    }
}

impl FovBook {
    fn of(image: &Image) -> Option<Self> {
        let (num_timepoints, num_extra) = (image.num_timepoints(), image.num_extra());
        let (num_channels, num_z_slices) = (image.num_channels(), image.num_z_slices());
        let sizes = [num_timepoints, num_extra, num_channels, num_z_slices];
        let planes = sizes
            .iter()
            .try_fold(1_u64, |product, &size| product.checked_mul(u64::from(size)))?;
        let entries = vec![
            Entry::default();
            usize::try_from(planes)
                .ok()
                .filter(|_| planes <= MAX_PLANES_PER_FOV)?
        ];
        Some(Self {
            num_timepoints,
            num_extra,
            num_channels,
            num_z_slices,
            entries,
        })
    }

    fn index(&self, plane: PlaneId, z: u32) -> Option<usize> {
        let c = u32::from(plane.c);
        let is_known = plane.t < self.num_timepoints
            && plane.extra < self.num_extra
            && c < self.num_channels
            && z < self.num_z_slices;
        let at = |outer: usize, size: u32, index: u32| outer * size as usize + index as usize;
        let (t, extra) = (plane.t as usize, plane.extra);
        is_known.then(|| {
            at(
                at(at(t, self.num_extra, extra), self.num_channels, c),
                self.num_z_slices,
                z,
            )
        })
    }
}

/// How much a state spoils a projection that needs it.
fn badness(state: &PlaneState) -> u8 {
    match state {
        PlaneState::Written => 0,
        PlaneState::Unknown => 1,
        PlaneState::Partial { .. } => 2,
        PlaneState::Planned => 3,
        PlaneState::Missing => 4,
        PlaneState::Failed(_) => 5,
    }
}
