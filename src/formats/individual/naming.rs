//! What side files say of the file names of an acquisition, and what file names say of its FOVs.

use super::names::Names;
use crate::{
    dataset::Fov,
    formats::{OpenError, side_files::SideFiles, timepoints::Timepoints},
    image_file::is_image_name,
    metadata::file_names::sanitised,
    model::{Code, PointUm},
    source::{Entry, Kind},
};

/// Of what names consist: by the side files, else by the names of a timepoint.
pub(super) fn names_of(side: &SideFiles, entries: &[Entry]) -> Names {
    let planned = side.planned.iter().map(|(region, _)| region);
    let channels = side.channels.iter().filter_map(|it| it.name.as_deref());
    let names = Names {
        regions: planned.chain(&side.regions).cloned().collect(),
        channels: channels.map(sanitised).collect(),
        grids: side.grids.clone(),
    };
    let files = entries.iter().filter(|entry| entry.kind == Kind::File);
    let files = files.map(|entry| entry.name.as_str());
    let has_no_plan = side.is_known && side.planned.is_empty() && !side.are_channels_planned;
    names.with_found_grids(&files, has_no_plan)
}

/// Why no file of a folder is a plane: the side files say that names consist of other parts.
pub(super) fn none_fits(found: &Timepoints) -> OpenError {
    let mut names = found.entries.iter().filter(|it| is_image_name(&it.name));
    let name = names.next().map_or("", |entry| entry.name.as_str());
    let message = format!("no file name fits coordinates.csv, found {name:?}");
    OpenError::at(&found.first_folder(), Code::BadMetadata, message)
}

/// Puts the place of the stage into a row whose file names have it; the table's z where it has the same place.
pub(super) fn place_by_name(fov: &mut Fov, names: &Names, side: &SideFiles) {
    /// Names are cut to whole micrometers, and the stage is read again for the table.
    const NEAR_UM: f64 = 5.0;
    let (Some(region), Some(index)) = (&fov.region, fov.fov_in_region) else {
        return;
    };
    let Some((y, x)) = names.grids.stage_of(region, index) else {
        return;
    };
    let place = PointUm {
        x: x as f64,
        y: y as f64,
    };
    fov.stage_um = Some(place);
    let known = side.positions.get(&(region.clone(), index));
    let is_near = |known: &PointUm| (known.x - place.x).hypot(known.y - place.y) < NEAR_UM;
    fov.stage_z_um = known
        .filter(|(known, _)| is_near(known))
        .and_then(|(_, z_um)| *z_um);
}
