//! Whether a run that is over took all that it had planned.
//!
//! Squid leaves `.done` also after a run that was stopped, and image files have no mark of their own. What tells is the table
//! of executed positions of the newest timepoint, a row per FOV and z-slice, which is written when the timepoint ends or is
//! stopped, between two slices (`control/core/multi_point_worker.py`), and the number of timepoints.

use super::{
    side_files::{SideFiles, executed_slices},
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
    let read;
    let slices = if *newest == 0 {
        side.executed_first.as_ref()
    } else {
        read = executed_slices(&side.folder.join(name));
        read.as_ref()
    };
    // Squid writes a row before it looks whether to stop: a table without any says nothing.
    let Some(slices) = slices.filter(|slices| !slices.is_empty()) else {
        return false;
    };
    let most = slices.values().max().copied().unwrap_or(0);
    // Older tables have one row per FOV, whatever its slices.
    let has_slices = side.num_z.is_some_and(|num_z| most == num_z);
    let is_short_in_z = has_slices && slices.values().any(|&count| count < most);
    (slices.len() as u64) < planned || is_short_in_z
}
