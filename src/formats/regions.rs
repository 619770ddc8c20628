//! Squid outside of plates: `zarr/{region}/fov_{n}.ome.zarr`, or one 6-D `zarr/{region}/acquisition.zarr`.
//!
//! Squid `control/core/zarr_writer.py`. The 6-D array lists its FOVs along an axis; the older writer put T first.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use rayon::prelude::*;

use super::{
    OpenError, axes,
    layout::is_acquisition_store,
    listing::{Listing, Opening, check_length},
    probe::{Node, below, problem_of},
};
use crate::{
    dataset::{DatasetKind, Fov},
    model::{AxisRole, Code, Problem, limits, natural_cmp},
    source::{self, Kind},
};

/// Regions whose arrays are read at once between two reports.
const BATCH: usize = 32;

/// The stores of one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Region {
    /// Its name; `None` for stores directly in `zarr`.
    pub(super) name: Option<String>,
    /// Its stores in natural order.
    pub(super) stores: Vec<PathBuf>,
}

impl Region {
    /// True where one array holds all FOVs.
    pub(super) fn is_6d(&self) -> bool {
        self.stores
            .iter()
            .all(|store| is_acquisition_store(&name_of(store)))
    }
}

/// `x.zarr`, `x.ome.zarr`.
pub(super) fn is_zarr_name(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|ending| ending == "zarr")
}

/// True for names that Squid gives to a region's stores.
pub(super) fn is_store_name(name: &str) -> bool {
    is_acquisition_store(name) || fov_number(name).is_some()
}

/// The number in `fov_{n}.ome.zarr` or `fov_{n}.zarr`.
pub(super) fn fov_number(name: &str) -> Option<u32> {
    let rest = name.strip_prefix("fov_")?.strip_suffix(".zarr")?;
    rest.strip_suffix(".ome").unwrap_or(rest).parse().ok()
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The regions in `folder`, which is `zarr` or a region itself; empty where no store is there.
pub(super) fn scan(folder: &Path) -> Vec<Region> {
    let folder_name = name_of(folder);
    let own_name = (folder_name != "zarr").then_some(folder_name);
    let (mut regions, mut direct) = (Vec::new(), Vec::new());
    for name in folders_in(folder) {
        let path = folder.join(&name);
        if is_zarr_name(&name) {
            direct.push(path);
            continue;
        }
        let inside = folders_in(&path);
        let stores: Vec<PathBuf> = inside
            .iter()
            .filter(|name| is_zarr_name(name))
            .map(|name| path.join(name))
            .collect();
        if !stores.is_empty() {
            let name = Some(name);
            regions.push(Region { name, stores });
        }
    }
    if !direct.is_empty() {
        let name = own_name;
        let stores = direct;
        regions.insert(0, Region { name, stores });
    }
    regions
}

/// Names of the folders in a folder, in natural order.
fn folders_in(folder: &Path) -> Vec<String> {
    let entries = source::list(folder).unwrap_or_default();
    let folders = entries
        .into_iter()
        .filter(|entry| entry.kind == Kind::Folder && !entry.name.starts_with('.'));
    folders.map(|entry| entry.name).collect()
}

/// Folders beside the regions that hold no store because they cannot be listed.
fn unreadable(folder: &Path, regions: &[Region], root: &Path) -> Vec<Problem> {
    let names = regions.iter().filter_map(|region| region.name.as_deref());
    let names: HashSet<&str> = names.collect();
    folders_in(folder)
        .into_iter()
        .filter(|name| !is_zarr_name(name) && !names.contains(name.as_str()))
        .filter_map(|name| source::list(&folder.join(name)).err())
        .map(|error| problem_of(&error, root))
        .collect()
}

/// Makes the FOV table of regions below `folder`.
///
/// # Errors
/// When it is too long, or opening was cancelled.
pub(super) fn list(
    opening: &mut Opening<'_>,
    folder: &Path,
    regions: &[Region],
    layout: &str,
) -> Result<Listing, OpenError> {
    let mut listing = Listing::new(DatasetKind::Collection, layout);
    for (at, batch) in regions.chunks(BATCH).enumerate() {
        let text = format!(
            "Reading regions\u{2026} {} of {}",
            at * BATCH,
            regions.len()
        );
        opening.report(&text)?;
        let root = &opening.root;
        let found: Vec<_> = source::in_parallel(|| {
            batch
                .par_iter()
                .map(|region| fovs_of(region, root))
                .collect()
        });
        for (fovs, problems) in found {
            check_length(listing.fovs.len() + fovs.len(), root)?;
            listing.fovs.extend(fovs);
            listing.problems.extend(problems);
        }
    }
    listing
        .problems
        .extend(unreadable(folder, regions, &opening.root));
    name_single_region(&mut listing, opening);
    add_expected(&mut listing, opening, folder, regions);
    sort(&mut listing.fovs);
    Ok(listing)
}

/// Natural order by region, then by FOV, then by path.
fn sort(fovs: &mut [Fov]) {
    fovs.sort_by(|a, b| {
        let regions = [a, b].map(|fov| fov.region.as_deref().unwrap_or_default());
        let number = |fov: &Fov| fov.fov_in_region.unwrap_or(u32::MAX);
        natural_cmp(regions[0], regions[1])
            .then_with(|| number(a).cmp(&number(b)))
            .then_with(|| natural_cmp(&a.path, &b.path))
    });
}

fn fovs_of(region: &Region, root: &Path) -> (Vec<Fov>, Vec<Problem>) {
    let (mut fovs, mut problems) = (Vec::new(), Vec::new());
    for store in &region.stores {
        if is_acquisition_store(&name_of(store)) {
            let (found, listed) = fovs_in_array(store, region.name.as_deref(), root);
            fovs.extend(found);
            problems.extend(listed);
        } else {
            fovs.push(fov_of(store, region.name.as_deref(), root));
        }
    }
    (fovs, problems)
}

fn fov_of(store: &Path, region: Option<&str>, root: &Path) -> Fov {
    let name = name_of(store);
    let number = fov_number(&name);
    let own = number.map_or_else(|| stem_of(&name).to_owned(), |number| number.to_string());
    let label = match region {
        Some(region) => format!("{region}:{own}"),
        None => stem_of(&name).to_owned(),
    };
    Fov {
        path: below(root, store),
        label,
        folder: store.to_path_buf(),
        region: region.map(str::to_owned),
        fov_in_region: number,
        present: true,
        ..Fov::default()
    }
}

/// A store's name without its endings.
fn stem_of(name: &str) -> &str {
    let name = name.strip_suffix(".zarr").unwrap_or(name);
    name.strip_suffix(".ome").unwrap_or(name)
}

/// The FOVs of a store that may hold several in one array; one FOV where it has no such axis or cannot be read.
pub(super) fn fovs_in_array(
    store: &Path,
    region: Option<&str>,
    root: &Path,
) -> (Vec<Fov>, Vec<Problem>) {
    let node = Node::read(store, root);
    let Some(count) = num_fovs_in(&node, root) else {
        let mut fov = fov_of(store, region, root);
        if let Some(region) = region {
            fov.label = format!("{region}:0");
            fov.fov_in_region = Some(0);
        }
        return (vec![fov], Vec::new());
    };
    let limit = limits::ARRAY_FOVS;
    let mut problems = Vec::new();
    if count > limit {
        let message = format!("{count} FOVs in one array, the first {limit} are listed");
        problems.push(Problem::new(Code::TooLarge, below(root, store), message));
    }
    let count = u32::try_from(count.min(limit)).unwrap_or(u32::MAX);
    let path = below(root, store);
    let fovs = (0..count).map(|index| in_array(store, &path, region, index, true));
    (fovs.collect(), problems)
}

/// The row of one FOV inside of an array.
fn in_array(store: &Path, path: &str, region: Option<&str>, index: u32, present: bool) -> Fov {
    let name = name_of(store);
    let name = region.unwrap_or_else(|| stem_of(&name));
    Fov {
        path: format!("{path}#{index}"),
        label: format!("{name}:{index}"),
        folder: store.to_path_buf(),
        array_index: Some(index),
        region: region.map(str::to_owned),
        fov_in_region: Some(index),
        present,
        ..Fov::default()
    }
}

/// Length of the FOV axis; `None` where there is none, or no array can be read.
fn num_fovs_in(node: &Node, root: &Path) -> Option<u64> {
    let multiscale = node.attributes.multiscale.as_ref();
    let named = multiscale.and_then(|multiscale| multiscale.levels.first());
    let named = named.and_then(|level| source::follow_inside(&node.folder, &level.path, root).ok());
    let member = |folder: PathBuf| Node::read(&folder, root).array().ok().flatten();
    let array = named
        .filter(|folder| *folder != node.folder)
        .and_then(member)
        .or_else(|| node.array().ok().flatten())
        .or_else(|| member(node.folder.join("0")))?;
    let from_metadata = multiscale.and_then(|multiscale| multiscale.axes.as_deref());
    let (axes, _) = axes::of_array(from_metadata, &array.document, ".")?;
    let at = axes.iter().position(|axis| axis.role == AxisRole::Fov)?;
    array.document.shape.get(at).copied()
}

/// Stores directly in `zarr` belong to the only region that the side files plan, if there is just one.
fn name_single_region(listing: &mut Listing, opening: &Opening<'_>) {
    let Some([(region, _)]) = opening.side_files().map(|side| side.planned.as_slice()) else {
        return;
    };
    for fov in listing.fovs.iter_mut().filter(|fov| fov.region.is_none()) {
        if let Some(number) = fov.fov_in_region {
            fov.label = format!("{region}:{number}");
            fov.region = Some(region.clone());
        }
    }
}

/// Adds rows for FOVs that a running acquisition has planned and not created.
fn add_expected(listing: &mut Listing, opening: &Opening<'_>, folder: &Path, regions: &[Region]) {
    let known: HashSet<(String, u32)> = listing
        .fovs
        .iter()
        .filter_map(|fov| Some((fov.region.clone()?, fov.fov_in_region?)))
        .collect();
    let is_one_region = name_of(folder) != "zarr";
    let is_6d = regions.iter().all(Region::is_6d);
    let ending = if regions.iter().any(has_ome_ending) {
        ".ome.zarr"
    } else {
        ".zarr"
    };
    for (region, number) in opening.expected() {
        let is_other = is_one_region && name_of(folder) != region;
        if is_other || known.contains(&(region.clone(), number)) {
            continue;
        }
        let base = if is_one_region {
            folder.to_path_buf()
        } else {
            // A planned name comes from a file; one that is no plain name has no folder.
            match source::join_inside(folder, &region) {
                Ok(base) => base,
                Err(_) => continue,
            }
        };
        let fov = if is_6d {
            let store = base.join(super::image::ACQUISITION_STORE);
            let path = below(&opening.root, &store);
            in_array(&store, &path, Some(&region), number, false)
        } else {
            let store = base.join(format!("fov_{number}{ending}"));
            Fov {
                present: false,
                ..fov_of(&store, Some(&region), &opening.root)
            }
        };
        listing.fovs.push(fov);
    }
}

fn has_ome_ending(region: &Region) -> bool {
    region
        .stores
        .iter()
        .any(|store| name_of(store).ends_with(".ome.zarr"))
}
