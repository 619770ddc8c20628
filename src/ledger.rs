//! The book of plane states: what the disk says of every plane, and how often it was written.
//!
//! Dense, allocated per FOV on first use. Owned by `app`, fed by live events and read results, lent read-only to
//! `resolve`, `loader` and `ui`. A plane is booked at level 0, slice by slice: levels and projections are views of it.

use std::collections::HashMap;

use crate::{
    dataset::Image,
    model::{FovId, PlaneId, PlaneState},
};

/// State and revision of every plane that somebody has looked at.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    fovs: HashMap<FovId, ()>,
}

impl Ledger {
    /// What the disk says of a plane; of a projection, the worst of its slices.
    #[must_use]
    pub fn state(&self, plane: PlaneId) -> PlaneState {
        unimplemented!("{plane:?} {:?}", self.fovs)
    }

    /// How often the plane was announced as written; 0 at first. Of a projection, the sum over its slices.
    #[must_use]
    pub fn revision(&self, plane: PlaneId) -> u64 {
        unimplemented!("{plane:?}")
    }

    /// Books what a read found; the first call for a FOV allocates its planes.
    pub fn book(&mut self, image: &Image, plane: PlaneId, state: PlaneState) {
        unimplemented!("{image:?} {plane:?} {state:?}")
    }

    /// Books that a plane was written (again): its revision rises, its state becomes unknown until read.
    pub fn announce(&mut self, image: &Image, plane: PlaneId) {
        unimplemented!("{image:?} {plane:?}")
    }

    /// Forgets everything (another dataset, or `F5`).
    pub fn clear(&mut self) {
        unimplemented!()
    }
}
