//! Whether a run that is over took all that it had planned.
//!
//! Squid leaves `.done` also after a run that was stopped, and image files have no mark of their own. What tells is the table
//! of executed positions of the newest timepoint, a row per FOV and z-slice, which is written when the timepoint ends or is
//! stopped, between two slices (`control/core/multi_point_worker.py`), and the number of timepoints.

use std::collections::HashMap;

use super::{
    side_files::{SideFiles, executed_rows},
    timepoints::numbered,
};
use crate::source;

/// True where a run is over and fewer timepoints, FOVs or z-slices were taken than planned; false where that cannot be
/// told. Blocks on I/O.
pub(super) fn was_cut_short(side: &SideFiles) -> bool {
    let planned: u64 = side
        .planned
        .iter()
        .map(|(_, count)| u64::from(*count))
        .sum();
    if planned == 0 || !side.is_done_now() {
        return false;
    }
    let entries = source::list(&side.folder).unwrap_or_default();
    let folders = numbered(&entries);
    let Some((newest, name)) = folders.iter().max_by_key(|(number, _)| **number) else {
        return false;
    };
    if side.num_timepoints.is_some_and(|count| newest + 1 < count) {
        return true;
    }
    let Some(rows) = executed_rows(&side.folder.join(name)) else {
        return false;
    };
    let mut slices: HashMap<(&str, u32), u64> = HashMap::new();
    for row in &rows {
        *slices.entry((row.region.as_str(), row.fov)).or_insert(0) += 1;
    }
    let most = slices.values().max().copied().unwrap_or(0);
    // Older tables have one row per FOV, whatever its slices.
    let has_slices = side.num_z.is_some_and(|num_z| most == u64::from(num_z));
    let is_short_in_z = has_slices && slices.values().any(|&count| count < most);
    (slices.len() as u64) < planned || is_short_in_z
}
