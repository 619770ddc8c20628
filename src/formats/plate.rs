//! Plates: plate metadata first, folder listing where it is missing or wrong; wells are placed by name.
//!
//! OME-NGFF "plate" and "well" (0.1 to 0.5). Squid's `rowIndex` counts acquired rows only, so names decide
//! (`control/core/zarr_writer.py`). Opening reads one document per well, many wells at a time.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use rayon::prelude::*;

use super::{
    OpenError,
    image::{ACQUISITION_STORE, OldField},
    layout::{PlatePlace, is_column_name, is_row_name},
    listing::{Listing, Opening, check_length},
    probe::{Node, below, problem_of},
};
use crate::{
    dataset::{DatasetKind, Fov},
    metadata::ngff::{FieldEntry, PlateEntry},
    model::{Code, Plate, Problem, WellName, limits, natural_cmp},
    source::{self, Entry, Kind},
};

/// Wells that are read at once between two reports.
const BATCH: usize = 256;

/// A well that is to be read.
#[derive(Clone, Debug)]
struct Well {
    folder: PathBuf,
    row: String,
    column: String,
}

/// What was found in a well.
#[derive(Default)]
struct Fields {
    fovs: Vec<Fov>,
    problems: Vec<Problem>,
}

/// Makes the FOV table of a plate, or of one row of it.
///
/// # Errors
/// When it is too long, or opening was cancelled.
pub(super) fn list(
    opening: &mut Opening<'_>,
    folder: &Path,
    only_row: Option<&str>,
    layout: &str,
) -> Result<Listing, OpenError> {
    let node = Node::read(folder, &opening.root);
    let kind = only_row.map_or(DatasetKind::Plate, |_| DatasetKind::Collection);
    let mut listing = Listing::new(kind, layout);
    listing.ngff.clone_from(&node.attributes.ngff);
    listing.zarr_format = node.format;
    listing.problems.clone_from(&node.problems);
    let entry = node.attributes.plate.unwrap_or_default();
    let mut wells = wells_of(folder, &entry, opening, &mut listing.problems);
    wells.retain(|well| only_row.is_none_or(|row| row == well.row));
    read_fields(opening, &wells, &mut listing)?;
    add_expected(&mut listing, opening, folder, only_row);
    sort(&mut listing.fovs);
    listing.plate = Some(plate_of(&entry, &listing.fovs, opening));
    Ok(listing)
}

/// Makes the FOV table of one well.
///
/// # Errors
/// When it is too long.
pub(super) fn list_well(
    opening: &mut Opening<'_>,
    place: Option<&PlatePlace>,
    layout: &str,
) -> Result<Listing, OpenError> {
    let mut listing = Listing::new(DatasetKind::Well, layout);
    let (row, column) = names_of_well(&opening.root, place);
    let well = Well {
        folder: opening.root.clone(),
        row,
        column,
    };
    let node = Node::read(&well.folder, &opening.root);
    listing.ngff = node.attributes.ngff;
    listing.zarr_format = node.format;
    read_fields(opening, &[well], &mut listing)?;
    sort(&mut listing.fovs);
    Ok(listing)
}

/// Natural order by row, column and path.
fn sort(fovs: &mut [Fov]) {
    fovs.sort_by(|a, b| {
        let by = |name: fn(&Fov) -> &str| natural_cmp(name(a), name(b));
        by(|fov| fov.row.as_deref().unwrap_or_default())
            .then_with(|| by(|fov| fov.column.as_deref().unwrap_or_default()))
            .then_with(|| by(|fov| &fov.path))
    });
}

/// Row and column of a well by its place in a plate, else by the names of its folders.
fn names_of_well(root: &Path, place: Option<&PlatePlace>) -> (String, String) {
    if let Some([row, column, ..]) = place.map(|place| place.names.as_slice()) {
        return (row.clone(), column.clone());
    }
    let name = |folder: Option<&Path>| {
        let name = folder.and_then(Path::file_name).unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    let (own, parent) = (name(Some(root)), name(root.parent()));
    match WellName::parse(&own) {
        Some(well) => (well.row, well.column),
        None if is_row_name(&parent) => (parent, own),
        None => (String::new(), own),
    }
}

/// Wells of the metadata that are on disk; those of the folders where it names none of them.
fn wells_of(
    folder: &Path,
    entry: &PlateEntry,
    opening: &Opening<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Well> {
    let root = &opening.root;
    let (on_disk, plain) = wells_on_disk(folder);
    let paths: HashSet<&Path> = on_disk.iter().map(|well| well.folder.as_path()).collect();
    let named = named_wells(folder, entry, root, &plain, problems);
    let (wells, absent): (Vec<Well>, Vec<Well>) = named.into_iter().partition(|well| {
        paths.contains(well.folder.as_path()) || matches!(source::stat(&well.folder), Ok(Some(_)))
    });
    if wells.is_empty() && !on_disk.is_empty() {
        let message = "no plate metadata that fits the folders, wells taken from the folders";
        problems.push(Problem::new(Code::Ignored, below(root, folder), message));
        return on_disk;
    }
    let known: HashSet<&Path> = wells.iter().map(|well| well.folder.as_path()).collect();
    for well in on_disk
        .iter()
        .filter(|well| !known.contains(well.folder.as_path()))
    {
        let message = "well on disk that the plate metadata does not name, left aside";
        let location = below(root, &well.folder);
        problems.push(Problem::new(Code::Ignored, location, message));
    }
    if absent.is_empty() {
        return wells;
    }
    // In a running acquisition the plan says which wells are still to come.
    let has_plan = !opening.expected().is_empty();
    for well in &absent {
        match source::stat(&well.folder) {
            Err(error) => problems.push(problem_of(&error, root)),
            Ok(_) if has_plan => {}
            Ok(_) => {
                let message = "well named in the plate metadata, not on disk";
                let location = below(root, &well.folder);
                problems.push(Problem::new(Code::MissingArray, location, message));
            }
        }
    }
    wells
}

/// The wells that the metadata names, each once; paths that leave the plate are listed. What is `plain` needs no look.
fn named_wells(
    folder: &Path,
    entry: &PlateEntry,
    root: &Path,
    plain: &HashSet<PathBuf>,
    problems: &mut Vec<Problem>,
) -> Vec<Well> {
    let mut seen = HashSet::new();
    let mut wells = Vec::new();
    for well in &entry.wells {
        let found = match source::join_inside(folder, &well.path) {
            Ok(path) if !plain.contains(&path) => source::follow_inside(folder, &well.path, root),
            found => found,
        };
        match found {
            Ok(path) if seen.insert(path.clone()) => {
                wells.push(well_names(
                    &path,
                    well.row.as_deref(),
                    well.column.as_deref(),
                ));
            }
            Ok(_) => {}
            Err(error) => problems.push(problem_of(&error, root)),
        }
    }
    wells
}

/// A well with its names: from its path where that has them, else as the metadata gives them.
fn well_names(path: &Path, row: Option<&str>, column: Option<&str>) -> Well {
    let (by_path_row, by_path_column) = names_of_well(path, None);
    let row = if by_path_row.is_empty() {
        row.unwrap_or_default().to_owned()
    } else {
        by_path_row
    };
    let column = if row.is_empty() || is_column_name(&by_path_column) {
        by_path_column
    } else {
        column.unwrap_or(&by_path_column).to_owned()
    };
    Well {
        folder: path.to_path_buf(),
        row,
        column,
    }
}

/// `{row}/{column}` folders of a plate, in natural order, and those of them on whose way is no symbolic link.
fn wells_on_disk(folder: &Path) -> (Vec<Well>, HashSet<PathBuf>) {
    let (mut wells, mut plain) = (Vec::new(), HashSet::new());
    for row in folders_in(folder) {
        if !is_row_name(&row.name) {
            continue;
        }
        for column in folders_in(&folder.join(&row.name)) {
            if !is_column_name(&column.name) {
                continue;
            }
            let well = folder.join(&row.name).join(&column.name);
            if !row.is_link && !column.is_link {
                plain.insert(well.clone());
            }
            wells.push(Well {
                folder: well,
                row: row.name.clone(),
                column: column.name,
            });
        }
    }
    (wells, plain)
}

fn folders_in(folder: &Path) -> Vec<Entry> {
    let mut entries = source::list(folder).unwrap_or_default();
    entries.retain(|entry| entry.kind == Kind::Folder && !entry.name.starts_with('.'));
    entries
}

/// Reads the wells, many at a time, and adds their rows.
fn read_fields(
    opening: &mut Opening<'_>,
    wells: &[Well],
    listing: &mut Listing,
) -> Result<(), OpenError> {
    let is_squid = opening.side.is_some();
    let budget = Budget::default();
    for (at, batch) in wells.chunks(BATCH).enumerate() {
        let text = format!(
            "Reading plate\u{2026} {} of {} wells",
            at * BATCH,
            wells.len()
        );
        opening.report(&text)?;
        let root = &opening.root;
        let found: Vec<Fields> = source::in_parallel(|| {
            batch
                .par_iter()
                .map(|well| fields_of(well, root, is_squid, &budget))
                .collect()
        });
        budget.check(root)?;
        for fields in found {
            listing.fovs.extend(fields.fovs);
            listing.problems.extend(fields.problems);
        }
    }
    Ok(())
}

/// What wells that are read at the same time may hold together.
#[derive(Debug, Default)]
struct Budget {
    num_fields: AtomicUsize,
    path_bytes: AtomicUsize,
}

impl Budget {
    /// One more field; false where it is one too many.
    fn take(&self, folder: &Path, root: &Path) -> bool {
        let path_bytes =
            folder.as_os_str().len() - root.as_os_str().len().min(folder.as_os_str().len());
        self.num_fields.fetch_add(1, Ordering::Relaxed);
        self.path_bytes.fetch_add(path_bytes, Ordering::Relaxed);
        self.is_kept()
    }

    fn is_kept(&self) -> bool {
        self.num_fields.load(Ordering::Relaxed) <= limits::FOVS
            && self.path_bytes.load(Ordering::Relaxed) <= limits::FIELD_PATH_BYTES
    }

    fn check(&self, root: &Path) -> Result<(), OpenError> {
        check_length(self.num_fields.load(Ordering::Relaxed), root)?;
        if self.is_kept() {
            return Ok(());
        }
        let (found, limit) = (
            self.path_bytes.load(Ordering::Relaxed),
            limits::FIELD_PATH_BYTES,
        );
        let message = format!("{found} bytes of paths of fields where at most {limit} are kept");
        Err(OpenError::at(root, Code::TooLarge, message))
    }
}

/// The fields of one well: as its metadata names them, else by the folders; the first ones where they are too many.
fn fields_of(well: &Well, root: &Path, is_squid: bool, budget: &Budget) -> Fields {
    let node = Node::read(&well.folder, root);
    let on_disk = folders_in(&well.folder);
    let mut fields = Fields {
        problems: node.problems,
        ..Fields::default()
    };
    let entries = node.attributes.fields.unwrap_or_default();
    let by_name = on_disk.iter().map(|found| (found.name.as_str(), found));
    let by_name: HashMap<&str, &Entry> = by_name.collect();
    let mut seen = HashSet::new();
    for entry in &entries {
        let listed = by_name.get(entry.path.as_str());
        // What was listed and is no link needs no second look: a plate has thousands.
        let folder = match listed {
            Some(found) if !found.is_link => well.folder.join(&found.name),
            _ => match source::follow_inside(&well.folder, &entry.path, root) {
                Ok(folder) => folder,
                Err(error) => {
                    fields.problems.push(problem_of(&error, root));
                    continue;
                }
            },
        };
        if seen.insert(folder.clone()) {
            if !budget.take(&folder, root) {
                return fields;
            }
            let is_there = listed.is_some() || matches!(source::stat(&folder), Ok(Some(_)));
            fields.push(well, entry, folder, is_there, root, is_squid);
        }
    }
    if !fields.fovs.iter().any(|fov| fov.present) {
        fields.take_from_folders(well, &on_disk, root, is_squid, budget);
    }
    fields
}

/// A folder by number, or one that holds an image.
fn is_field(well: &Path, name: &str, root: &Path) -> bool {
    name.parse::<u32>().is_ok() || {
        let node = Node::read(&well.join(name), root);
        node.is_array() || node.attributes.multiscale.is_some()
    }
}

impl Fields {
    /// Replaces fields of which none is on disk by the folders that look like fields, if there are any.
    fn take_from_folders(
        &mut self,
        well: &Well,
        on_disk: &[Entry],
        root: &Path,
        is_squid: bool,
        budget: &Budget,
    ) {
        let planned = std::mem::take(&mut self.fovs);
        for name in on_disk
            .iter()
            .map(|entry| &entry.name)
            .filter(|name| is_field(&well.folder, name, root))
        {
            let entry = FieldEntry {
                path: name.clone(),
                acquisition: None,
            };
            let folder = well.folder.join(name);
            if !budget.take(&folder, root) {
                return;
            }
            self.push(well, &entry, folder, true, root, is_squid);
        }
        if self.fovs.is_empty() {
            self.fovs = planned;
            return;
        }
        let message = "no well metadata that fits the folders, fields taken from the folders";
        let location = below(root, &well.folder);
        self.problems
            .push(Problem::new(Code::Ignored, location, message));
    }

    fn push(
        &mut self,
        well: &Well,
        entry: &FieldEntry,
        folder: PathBuf,
        present: bool,
        root: &Path,
        is_squid: bool,
    ) {
        if !present {
            let message = "field named in the well metadata, not on disk";
            let problem = Problem::new(Code::MissingArray, below(root, &folder), message);
            self.problems.extend((!is_squid).then_some(problem));
        }
        let some = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        let name = format!("{}{}", well.row, well.column);
        // Not as written: that may be "./" a thousand times.
        let field = below(&well.folder, &folder);
        self.fovs.push(Fov {
            path: below(root, &folder),
            label: format!("{name}:{field}"),
            folder,
            region: is_squid.then_some(name),
            fov_in_region: field.parse().ok(),
            row: some(&well.row),
            column: some(&well.column),
            acquisition: entry.acquisition,
            present,
            ..Fov::default()
        });
    }
}

/// Older plates keep a field's store one folder further down; the first field tells for all.
pub(super) fn name_old_stores(fovs: &mut [Fov]) {
    let first = fovs.iter().find(|fov| fov.present);
    let is_old = first.is_some_and(|fov| {
        !Node::read(&fov.folder, &fov.folder).is_node()
            && matches!(OldField::find(&fov.folder), Ok(Some(OldField::Store(_))))
    });
    if !is_old {
        return;
    }
    for fov in fovs {
        fov.path = if fov.path == "." {
            ACQUISITION_STORE.to_owned()
        } else {
            format!("{}/{ACQUISITION_STORE}", fov.path)
        };
        fov.folder.push(ACQUISITION_STORE);
    }
}

/// Adds rows for FOVs that a running acquisition has planned and not created.
fn add_expected(
    listing: &mut Listing,
    opening: &Opening<'_>,
    folder: &Path,
    only_row: Option<&str>,
) {
    let known: HashSet<(String, u32)> = listing
        .fovs
        .iter()
        .filter_map(|fov| Some((fov.region.clone()?, fov.fov_in_region?)))
        .collect();
    for (region, number) in opening.expected() {
        let Some(name) = WellName::parse(&region) else {
            continue;
        };
        let is_other = only_row.is_some_and(|row| row != name.row);
        if is_other || known.contains(&(region.clone(), number)) {
            continue;
        }
        let field = folder
            .join(&name.row)
            .join(&name.column)
            .join(number.to_string());
        listing.fovs.push(Fov {
            path: below(&opening.root, &field),
            label: format!("{region}:{number}"),
            folder: field,
            region: Some(region),
            fov_in_region: Some(number),
            row: Some(name.row),
            column: Some(name.column),
            ..Fov::default()
        });
    }
}

/// Rows and columns that the metadata lists and those of the wells, in natural order.
fn plate_of(entry: &PlateEntry, fovs: &[Fov], opening: &Opening<'_>) -> Plate {
    let side = opening.side_files();
    Plate {
        acquisitions: entry.acquisitions.clone(),
        format_name: side.and_then(|side| side.wellplate_format.clone()),
        ..plate_of_rows(&entry.rows, &entry.columns, fovs)
    }
}

/// The plate of named rows and columns, and of those that FOVs lie in.
pub(super) fn plate_of_rows(rows: &[String], columns: &[String], fovs: &[Fov]) -> Plate {
    let names = |listed: &[String], of: fn(&Fov) -> &Option<String>| {
        let all: BTreeSet<&String> = listed
            .iter()
            .chain(fovs.iter().filter_map(|fov| of(fov).as_ref()))
            .collect();
        let mut names: Vec<String> = all.into_iter().cloned().collect();
        names.sort_by(|a, b| natural_cmp(a, b));
        names
    };
    Plate {
        rows: names(rows, |fov| &fov.row),
        columns: names(columns, |fov| &fov.column),
        ..Plate::default()
    }
}

/// Puts row, column and region into the row of a store that lies inside a plate.
pub(super) fn place_store(fovs: &mut [Fov], place: Option<&PlatePlace>, is_squid: bool) {
    let Some([row, column, field, ..]) = place.map(|place| place.names.as_slice()) else {
        return;
    };
    for fov in fovs {
        fov.row = Some(row.clone());
        fov.column = Some(column.clone());
        fov.label = format!("{row}{column}:{field}");
        fov.fov_in_region = field.parse().ok();
        fov.region = is_squid.then(|| format!("{row}{column}"));
    }
}
