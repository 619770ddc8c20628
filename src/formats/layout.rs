//! Decides what a path is: an acquisition, a plate, a well, a region, one store, or a folder of images.
//!
//! What lies at or below the path is shown; parents are read only for side files and plate metadata. Timepoint folders
//! and side files exist in every Squid format, so Zarr stores decide first, by their metadata and then by the names of
//! folders (Squid `control/core/zarr_writer.py`).

use std::path::{Path, PathBuf};

use super::{
    OpenError, Progress, acquisitions, collection, end_mark,
    frames::Frames,
    image::ACQUISITION_STORE,
    image_folder::{self, ImageFiles},
    levels,
    ome_tiff::{is_companion_name, squid::OmeFolder},
    probe::Node,
    regions::{self, Region},
    side_files,
    timepoints::{FileKind, Timepoints},
};
use crate::{
    dataset::DatasetKind,
    image_file::is_image_name,
    model::Code,
    source::{self, Entry, Kind},
};

/// What a path is.
#[derive(Debug)]
pub(super) enum What {
    /// One store; an image or a plain array.
    Store(DatasetKind),
    /// A plate, or one row of it.
    Plate {
        /// Folder of the plate.
        folder: PathBuf,
        /// Only this row of it.
        only_row: Option<String>,
    },
    /// One well.
    Well,
    /// Stores below regions, as Squid writes them outside of plates.
    Regions {
        /// Folder of the regions.
        folder: PathBuf,
        /// The regions in natural order.
        regions: Vec<Region>,
    },
    /// Images by path below the folder: a series, labels or a collection.
    Images(DatasetKind, collection::Images),
    /// Image files in folders of timepoints.
    Files(Timepoints),
    /// One OME-TIFF per FOV.
    OmeTiffs(OmeFolder),
    /// A recording, a file per frame.
    Frames(Frames),
    /// One image file.
    LoneFile,
    /// Image files that are no acquisition's.
    ImageFiles(ImageFiles),
}

/// Place inside a plate: the folder of the plate and the names from there down to a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PlatePlace {
    /// Folder of the plate.
    pub(super) plate: PathBuf,
    /// Row, column, field and so on, as far down as the path goes.
    pub(super) names: Vec<String>,
}

/// What lies at the opened path.
#[derive(Debug)]
pub(super) struct Found {
    /// The opened path.
    pub(super) root: PathBuf,
    /// What it is.
    pub(super) what: What,
    /// The path is inside of a plate.
    pub(super) place: Option<PlatePlace>,
    /// Folder of the acquisition around it, itself included.
    pub(super) acquisition: Option<PathBuf>,
}

impl Found {
    /// True where the path is the acquisition folder itself.
    pub(super) fn is_acquisition(&self) -> bool {
        self.acquisition.as_ref() == Some(&self.root)
    }

    /// The layout in words.
    pub(super) fn words(&self) -> &'static str {
        match &self.what {
            What::Store(DatasetKind::Array) => "Zarr array",
            What::Store(_) => "OME-Zarr image",
            What::Plate {
                only_row: Some(_), ..
            } => "row of a plate",
            What::Plate { .. } if self.acquisition.is_some() => "Squid plate",
            What::Plate { .. } => "OME-Zarr plate",
            What::Well => "well of a plate",
            What::Regions { regions, .. } if regions.iter().all(Region::is_6d) => {
                "Squid, one 6-D store per region"
            }
            What::Regions { .. } => "Squid, one store per FOV",
            What::Images(DatasetKind::Series, _) => "bioformats2raw series",
            What::Images(DatasetKind::Labels, _) => "label images",
            What::Images(..) => "folder of images",
            What::Files(timepoints) if timepoints.is_one => "timepoint of a Squid acquisition",
            What::Files(timepoints) => match timepoints.kind {
                FileKind::Planes => "Squid acquisition in one file per plane",
                FileKind::Stacks => "Squid acquisition in multi-page TIFF files",
            },
            What::OmeTiffs(_) => "Squid acquisition in one OME-TIFF per FOV",
            What::Frames(frames) => frames.words(),
            What::LoneFile => "image file",
            What::ImageFiles(_) => "folder of image files",
        }
    }
}

/// Finds out what `root` is.
///
/// # Errors
/// When nothing is there, or nothing that we know.
pub(super) fn find(root: &Path, progress: Progress<'_>) -> Result<Found, OpenError> {
    let root = match source::stat(root)? {
        None => return Err(OpenError::at(root, Code::NotFound, "nothing at this path")),
        Some(found) if found.kind == Kind::Folder => root.to_path_buf(),
        Some(_) => match folder_of_file(root)? {
            Some(folder) => folder,
            None => return Ok(lone_file(root)),
        },
    };
    let node = Node::read(&root, &root);
    let place = plate_place(&root);
    let what = match by_metadata(&node).or_else(|| by_place(place.as_ref())) {
        Some(what) => what,
        None => match by_names(&node, progress)? {
            Named::This(what) => what,
            Named::Inside(acquisition) => return find(&acquisition, progress),
        },
    };
    let acquisition = acquisition_of(&root, &what);
    Ok(Found {
        root,
        what,
        place,
        acquisition,
    })
}

/// An image file by itself; what lies around it is not looked at.
fn lone_file(file: &Path) -> Found {
    Found {
        root: file.to_path_buf(),
        what: What::LoneFile,
        place: None,
        acquisition: None,
    }
}

/// A metadata document stands for its folder; `None`: an image file stands for itself, and a companion file for its set.
fn folder_of_file(file: &Path) -> Result<Option<PathBuf>, OpenError> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let parent = file.parent().map(Path::to_path_buf);
    match (name.as_ref(), parent) {
        ("zarr.json" | ".zarray" | ".zgroup" | ".zattrs" | ".zmetadata", Some(folder)) => {
            Ok(Some(folder))
        }
        (name, _) if is_image_name(name) || is_companion_name(name) => Ok(None),
        _ => Err(OpenError::at(
            file,
            Code::NotZarr,
            "expected an image file, a folder with images or a Zarr store, found another file",
        )),
    }
}

fn by_metadata(node: &Node) -> Option<What> {
    let attributes = &node.attributes;
    let has_wells = || {
        let entries = source::list(&node.folder).unwrap_or_default();
        looks_like_a_plate(&node.folder, &entries)
    };
    if attributes.plate.is_some() && (attributes.multiscale.is_none() || has_wells()) {
        return Some(What::Plate {
            folder: node.folder.clone(),
            only_row: None,
        });
    }
    if attributes.fields.is_some() {
        return Some(What::Well);
    }
    if attributes.multiscale.is_some() {
        return Some(What::Store(DatasetKind::Image));
    }
    if node.is_array() {
        return Some(What::Store(DatasetKind::Array));
    }
    if attributes.is_bioformats2raw {
        let images = collection::series(&node.folder);
        return (!images.is_empty()).then(|| What::Images(DatasetKind::Series, images.into()));
    }
    let (labels, _) = collection::inside(&node.folder, &attributes.labels);
    (!labels.is_empty()).then(|| What::Images(DatasetKind::Labels, labels.into()))
}

/// What a folder without metadata of its own is by its place in a plate.
fn by_place(place: Option<&PlatePlace>) -> Option<What> {
    let place = place?;
    Some(match place.names.as_slice() {
        [row] => What::Plate {
            folder: place.plate.clone(),
            only_row: Some(row.clone()),
        },
        [_, _] => What::Well,
        _ => What::Store(DatasetKind::Image),
    })
}

/// What the names in a folder say.
enum Named {
    /// What it is.
    This(What),
    /// It holds this acquisition and nothing else.
    Inside(PathBuf),
}

/// What a folder is by the names in it.
fn by_names(node: &Node, progress: Progress<'_>) -> Result<Named, OpenError> {
    let root = &node.folder;
    let entries = source::list(root)?;
    if let Some(what) = by_own_names(node, &entries) {
        return Ok(Named::This(what));
    }
    let images = collection::search(root, progress)?;
    if !images.folders.is_empty() {
        return Ok(Named::This(What::Images(DatasetKind::Collection, images)));
    }
    let mut files = image_folder::search(root, progress)?;
    if nothing(&entries).0 == Code::NotWritten {
        // A run that was just begun may have images of its focus camera, and nothing else yet.
        let found = &mut files.paths;
        found.retain(|path| image_folder::is_beside_or_ome(root, path));
    }
    let acquisitions = acquisitions::take_out(root, &mut files);
    if !files.paths.is_empty() {
        return Ok(Named::This(What::ImageFiles(files)));
    }
    match acquisitions.as_slice() {
        [] => {}
        [only] => return Ok(Named::Inside(only.clone())),
        several => return Err(acquisitions::one_of(root, several)),
    }
    Err(match (node.problems.first(), unreadable(root, &entries)) {
        (Some(problem), _) => {
            let place = node.place_of(problem);
            OpenError::at(&place, problem.code, problem.message.clone())
        }
        (None, Some(error)) => error,
        (None, None) => {
            let (code, message) = nothing(&entries);
            let cut = files.cuts.iter().find(|cut| cut.is_of_search());
            let cut = cut.map_or_else(String::new, |cut| format!("; {}", cut.message()));
            OpenError::at(root, code, format!("{message}{cut}"))
        }
    })
}

/// What a folder is by the names in itself, and in those of a layout.
fn by_own_names(node: &Node, entries: &[Entry]) -> Option<What> {
    let root = &node.folder;
    if let Some(what) = by_squid_names(root, entries) {
        return Some(what);
    }
    if levels::has_plain_array(node, root) {
        return Some(What::Store(DatasetKind::Array));
    }
    // Old software left stitched stores in the acquisition folder itself.
    let may_be_files = !has_stores(entries) || side_files::are_in(entries);
    if may_be_files && let Some(found) = OmeFolder::find(root, entries) {
        return Some(What::OmeTiffs(found));
    }
    if may_be_files && let Some(timepoints) = Timepoints::find(root, entries) {
        return Some(What::Files(timepoints));
    }
    if may_be_files && let Some(found) = OmeFolder::in_timepoints(root, entries) {
        return Some(What::OmeTiffs(found));
    }
    if let Some(frames) = Frames::find(root, entries) {
        return Some(What::Frames(frames));
    }
    let files = image_folder::in_folder(root, entries);
    let are_images = !files.is_empty() && !has_stores(entries) && !side_files::are_in(entries);
    are_images.then(|| What::ImageFiles(files.into()))
}

/// Why a folder that should hold stores or files shows none: it cannot be listed.
fn unreadable(root: &Path, entries: &[Entry]) -> Option<OpenError> {
    let holds_images = |name: &str| {
        matches!(name, "zarr" | "ome_tiff") || is_plate_name(name) || name.parse::<u32>().is_ok()
    };
    let folders = entries.iter();
    let mut folders =
        folders.filter(|entry| entry.kind == Kind::Folder && holds_images(&entry.name));
    folders.find_map(|entry| {
        source::list(&root.join(&entry.name))
            .err()
            .map(OpenError::from)
    })
}

fn by_squid_names(root: &Path, entries: &[Entry]) -> Option<What> {
    let folders = || entries.iter().filter(|entry| entry.kind == Kind::Folder);
    for entry in folders().filter(|entry| is_plate_name(&entry.name)) {
        let folder = root.join(&entry.name);
        if is_plate(&folder) {
            return Some(What::Plate {
                folder,
                only_row: None,
            });
        }
    }
    if folders().any(|entry| entry.name == "zarr") {
        let folder = root.join("zarr");
        let regions = regions::scan(&folder);
        if !regions.is_empty() {
            return Some(What::Regions { folder, regions });
        }
    }
    let name = root.file_name().unwrap_or_default().to_string_lossy();
    if is_plate_name(&name) && is_plate(root) || looks_like_a_plate(root, entries) {
        return Some(What::Plate {
            folder: root.to_path_buf(),
            only_row: None,
        });
    }
    let has_known_stores = folders().any(|entry| regions::is_store_name(&entry.name));
    (name == "zarr" || has_known_stores)
        .then(|| regions::scan(root))
        .filter(|regions| !regions.is_empty())
        .map(|regions| What::Regions {
            folder: root.to_path_buf(),
            regions,
        })
}

/// `plate.ome.zarr`, `plate.zarr`, `plate_1.ome.zarr`.
pub(super) fn is_plate_name(name: &str) -> bool {
    name.starts_with("plate") && regions::is_zarr_name(name)
}

/// True for a folder that holds a row with a well; a plate that nothing was written to yet is none.
pub(super) fn is_plate(folder: &Path) -> bool {
    let entries = source::list(folder).unwrap_or_default();
    if looks_like_a_plate(folder, &entries) {
        return true;
    }
    let has_folder = entries.iter().any(|entry| entry.kind == Kind::Folder);
    has_folder && Node::read(folder, folder).attributes.plate.is_some()
}

/// Rows by letters that hold columns by number.
fn looks_like_a_plate(folder: &Path, entries: &[Entry]) -> bool {
    let mut rows = entries
        .iter()
        .filter(|entry| entry.kind == Kind::Folder && is_row_name(&entry.name));
    rows.any(|row| {
        let columns = source::list(&folder.join(&row.name)).unwrap_or_default();
        columns
            .iter()
            .any(|entry| entry.kind == Kind::Folder && is_column_name(&entry.name))
    })
}

/// `A` to `AF`.
pub(super) fn is_row_name(name: &str) -> bool {
    (1..=2).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// `1`, `01`, `48`.
pub(super) fn is_column_name(name: &str) -> bool {
    (1..=3).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// The plate around a path, by the name of a parent, else by the metadata of the nearest ones.
fn plate_place(root: &Path) -> Option<PlatePlace> {
    /// `plate.zarr/{row}/{column}/{field}/{time}/acquisition.zarr/0`.
    const DEEPEST: usize = 6;
    /// `{plate}/{row}/{column}/{field}`.
    const DEEPEST_BY_METADATA: usize = 3;
    let parents = || root.ancestors().skip(1);
    let by_name = parents().take(DEEPEST).find(|folder| {
        folder
            .file_name()
            .is_some_and(|name| is_plate_name(&name.to_string_lossy()))
    });
    let plate = by_name.or_else(|| {
        parents()
            .take(DEEPEST_BY_METADATA)
            .find(|folder| Node::read(folder, folder).attributes.plate.is_some())
    })?;
    let below = root.strip_prefix(plate).ok()?;
    let names = below.iter().map(|name| name.to_string_lossy().into_owned());
    Some(PlatePlace {
        plate: plate.to_path_buf(),
        names: names.collect(),
    })
}

/// The acquisition folder around a path: the parent of `zarr` or of a plate, or a folder that holds side files.
fn acquisition_of(root: &Path, what: &What) -> Option<PathBuf> {
    let has_side_files =
        |folder: &Path| source::list(folder).is_ok_and(|entries| side_files::are_in(&entries));
    let inside = match what {
        What::Plate { folder, .. } | What::Regions { folder, .. } => folder.as_path(),
        _ => root,
    };
    match what {
        What::Files(timepoints) => return Some(timepoints.folder.clone()),
        What::OmeTiffs(found) => return Some(found.acquisition().to_path_buf()),
        // Tracking leaves channels as an acquisition does, and neither plan nor mark of its end.
        What::Frames(_) | What::ImageFiles(_) => return None,
        _ => {}
    }
    if inside != root && inside.starts_with(root) {
        return Some(root.to_path_buf());
    }
    let container = inside.ancestors().find(|folder| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        name == "zarr" || is_plate_name(&name)
    });
    let around = container.and_then(Path::parent);
    let near = [Some(root), root.parent()].into_iter().flatten();
    let mut candidates = around.into_iter().chain(near);
    candidates
        .find(|folder| has_side_files(folder))
        .map(Path::to_path_buf)
}

fn has_stores(entries: &[Entry]) -> bool {
    entries
        .iter()
        .any(|entry| regions::is_zarr_name(&entry.name))
}

/// What to say where nothing can be shown.
fn nothing(entries: &[Entry]) -> (Code, &'static str) {
    if !side_files::are_in(entries) {
        let message = "expected an acquisition or a Zarr store, found neither";
        return (Code::NotZarr, message);
    }
    if entries.iter().any(|entry| entry.name == end_mark::DONE) {
        let message = "an acquisition that ended without any image, expected image files in 0, or stores in zarr or plate.ome.zarr";
        return (Code::NotZarr, message);
    }
    let message = "an acquisition without any image yet, expected image files in 0, or stores in zarr or plate.ome.zarr";
    (Code::NotWritten, message)
}

/// True for the name of Squid's store of a whole region or field.
pub(super) fn is_acquisition_store(name: &str) -> bool {
    name == ACQUISITION_STORE
}
