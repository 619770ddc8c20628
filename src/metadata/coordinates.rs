//! `coordinates.csv`: planned positions in the root (z in mm), executed ones per timepoint (z in µm).
//!
//! Squid `control/core/multi_point_controller.py` (planned, no FOV column: its index is the order of rows within the
//! region) and `multi_point_worker.py` (executed, a row per FOV and z).

use crate::model::Problem;

/// One row of either table; all lengths in µm.
#[derive(Clone, Debug, PartialEq)]
pub struct StagePosition {
    /// Name of the region.
    pub region: String,
    /// Index of the FOV inside the region.
    pub fov: u32,
    /// z-slice index; executed tables only.
    pub z_level: Option<u32>,
    /// Centre along x in µm.
    pub x_um: f64,
    /// Centre along y in µm.
    pub y_um: f64,
    /// z of the stage in µm.
    pub z_um: Option<f64>,
    /// Time as written; executed tables only.
    pub time: Option<String>,
}

/// Reads either table; rows that cannot be used are left out and listed.
#[must_use]
pub fn parse(text: &str) -> (Vec<StagePosition>, Vec<Problem>) {
    unimplemented!("{text}")
}
