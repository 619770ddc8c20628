//! What clients are told: what is open, what is on the screen, how far the acquisition is.
//!
//! `app` publishes one [`Status`] after each frame that changed it; handles and socket clients are answered from the
//! last one and never wait for the interface.

use std::sync::Arc;

use super::AcquisitionId;
use crate::{dataset::Dataset, model::Shown};

/// How many planes are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaneCounts {
    /// Planes that there will be, where that is known.
    pub planned: Option<u64>,
    /// On disk or announced.
    pub written: u64,
    /// On disk in part.
    pub partial: u64,
    /// Not there, and nobody will write them.
    pub missing: u64,
    /// Not readable.
    pub failed: u64,
}

/// What is open and shown.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// What is open; its FOV table answers `get_fov_list`.
    pub dataset: Option<Arc<Dataset>>,
    /// The acquisition that was announced for it.
    pub acquisition: Option<AcquisitionId>,
    /// What is on the screen, once the wished picture is whole.
    pub shown: Option<Arc<Shown>>,
    /// The planes of the dataset.
    pub counts: PlaneCounts,
    /// True while an announced acquisition is open, ended or not.
    pub is_push_active: bool,
    /// True while an announced acquisition in Zarr stores is open and has not ended.
    pub is_zarr_push_active: bool,
    /// Every fence up to this one stood before news that this frame showed.
    pub fence: u64,
}
