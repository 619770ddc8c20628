//! Puts a dataset together of its FOV table, its side files and its first image.

use std::sync::Arc;

use super::{
    cut_short,
    layout::{Found, What},
    listing::Listing,
    opener::FirstImage,
    side_files::SideFiles,
};
use crate::{
    dataset::{Acquisition, Arrays, Dataset, DatasetKind, FovOpener, Image, Labels, ZarrFormat},
    model::{DatasetId, FovId},
};

/// The dataset of what was found and opened.
pub(super) fn dataset(
    found: &Found,
    listing: Listing,
    side: Option<SideFiles>,
    opener: Arc<dyn FovOpener>,
    first: FirstImage,
) -> Dataset {
    let num_fovs = listing.fovs.len();
    let named = found
        .acquisition
        .as_ref()
        .filter(|_| listing.kind == DatasetKind::Squid)
        .unwrap_or(&found.root);
    let name = named.file_name().unwrap_or(named.as_os_str());
    let acquisition = acquisition_of(found, &listing, side, &first);
    let mut dataset = Dataset {
        id: DatasetId::unique(),
        revision: 0,
        root: found.root.clone(),
        name: name.to_string_lossy().into_owned(),
        kind: listing.kind,
        layout: listing.layout,
        ngff: listing.ngff.or_else(|| first.image.ngff.clone()),
        zarr_format: listing.zarr_format.or_else(|| format_of(&first.image)),
        fovs: listing.fovs.into(),
        order: (0..num_fovs).map(|row| FovId(row as u32)).collect(),
        images: first.slots,
        template: first.image,
        labels: Labels::default(),
        announcement: None,
        is_announced_to_end: false,
        is_template_read: true,
        known_timepoints: 0,
        acquisition,
        plate: listing.plate,
        problems: Vec::new(),
        opener,
    };
    dataset.add_problems(listing.problems);
    dataset.add_problems(first.problems);
    dataset
}

/// `None` for datasets that have neither side files nor Squid's keys.
fn acquisition_of(
    found: &Found,
    listing: &Listing,
    side: Option<SideFiles>,
    first: &FirstImage,
) -> Option<Acquisition> {
    let image = &first.image;
    let is_squid = listing.kind == DatasetKind::Squid
        || first.squid.is_some()
        || image.complete.is_some()
        || side.as_ref().is_some_and(|side| side.is_known);
    if !is_squid {
        return None;
    }
    let side = side.unwrap_or_default();
    // An aborted run has fewer FOVs than it planned; a part of a run has no plan of its own.
    let planned_fovs = match listing.kind {
        DatasetKind::Squid => side
            .planned
            .iter()
            .map(|(_, count)| u64::from(*count))
            .sum(),
        _ => 0,
    };
    let num_fovs = planned_fovs.max(listing.fovs.len() as u64);
    let is_of_files = matches!(found.what, What::Files(_) | What::OmeTiffs(_));
    let is_short = is_of_files && found.is_acquisition() && cut_short::was_cut_short(&side);
    let aborted = is_short || first.squid.as_ref().is_some_and(|squid| squid.aborted);
    let by_store = image
        .complete
        .filter(|complete| !complete || has_one_store(listing));
    let by_mark = side.is_done.then_some(image.complete.unwrap_or(true));
    Some(Acquisition {
        // `.done` ends an aborted run too, whose planes that were never taken are not the fill value.
        complete: by_mark.or(by_store).map(|complete| complete && !aborted),
        aborted,
        planned_planes: Some(
            planned_planes(image, is_short.then_some(&side)).saturating_mul(num_fovs),
        ),
        ..side.acquisition.clone()
    })
}

/// True where all FOVs lie in one store. Of several a complete one says nothing of the others, which are looked at later.
fn has_one_store(listing: &Listing) -> bool {
    let mut folders = listing.fovs.iter().map(|fov| &fov.folder);
    let first = folders.next();
    folders.all(|folder| Some(folder) == first)
}

/// Planes of a FOV: those of its image, and those that a run which was cut short had planned.
fn planned_planes(image: &Image, plan: Option<&SideFiles>) -> u64 {
    let Some(plan) = plan else {
        return image.num_planes();
    };
    let num_timepoints = image.num_timepoints().max(plan.num_timepoints.unwrap_or(0));
    let num_z = image.num_z_slices().max(plan.num_z.unwrap_or(0));
    let of_slice = u64::from(num_timepoints).saturating_mul(image.num_channels().into());
    of_slice.saturating_mul(num_z.into())
}

/// Version of the Zarr format of an image.
fn format_of(image: &Image) -> Option<ZarrFormat> {
    match &image.levels.first()?.arrays {
        Arrays::One(locator) => Some(locator.format),
        Arrays::PerTimepoint(locators) => {
            locators.iter().flatten().next().map(|found| found.format)
        }
        Arrays::Registered(_) | Arrays::Files(_) => None,
    }
}
