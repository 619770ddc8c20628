//! Several images below a folder or group: a folder of stores, a `bioformats2raw` series, label images.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use super::{
    OpenError, Progress, layout, levels,
    listing::{Listing, Opening, check_length},
    probe::{Node, below, problem_of},
    regions,
};
use crate::{
    dataset::{DatasetKind, Fov},
    model::{Code, Problem, limits},
    source::{self, Kind, SourceError},
};

/// Folders between two reports.
const REPORT_EVERY: usize = 64;

/// Images of a collection, as they were found.
#[derive(Clone, Debug, Default)]
pub(super) struct Images {
    /// Their folders, in natural order.
    pub(super) folders: Vec<PathBuf>,
    /// The search for them ended at [`limits::SEARCH_FOLDERS`].
    pub(super) is_cut: bool,
}

impl From<Vec<PathBuf>> for Images {
    fn from(folders: Vec<PathBuf>) -> Self {
        Self {
            folders,
            is_cut: false,
        }
    }
}

/// The images of a series: as its group `OME` lists them, else members by number, in order.
pub(super) fn series(folder: &Path) -> Vec<PathBuf> {
    let (listed, _) = inside(folder, &series_names(folder));
    if !listed.is_empty() {
        return listed;
    }
    let entries = source::list(folder).unwrap_or_default();
    let members = entries
        .iter()
        .filter(|entry| entry.kind == Kind::Folder && entry.name.parse::<u32>().is_ok());
    members.map(|entry| folder.join(&entry.name)).collect()
}

fn series_names(folder: &Path) -> Vec<String> {
    Node::read(&folder.join("OME"), folder).attributes.series
}

/// The folders of named members; what leaves the folder is an error.
pub(super) fn inside(folder: &Path, names: &[String]) -> (Vec<PathBuf>, Vec<SourceError>) {
    let (mut folders, mut errors) = (Vec::new(), Vec::new());
    for name in names {
        match source::follow_inside(folder, name, folder) {
            Ok(member) => folders.push(member),
            Err(error) => errors.push(error),
        }
    }
    (folders, errors)
}

/// Searches for images below a folder, in natural order; what lies inside of an image is its own affair. A folder that
/// links lead to a second time, or in a circle, counts once.
///
/// # Errors
/// When the search was cancelled.
pub(super) fn search(root: &Path, progress: Progress<'_>) -> Result<Images, OpenError> {
    let mut images = Images::default();
    let mut num_visited = 0;
    let mut seen = HashSet::new();
    // Last in, first out: pushed in reverse, folders come in natural order.
    let mut waiting = vec![(root.to_path_buf(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        if !seen.insert(source::resolved(&folder)) {
            continue;
        }
        num_visited += 1;
        if num_visited > limits::SEARCH_FOLDERS || images.folders.len() >= limits::FOVS {
            images.is_cut = true;
            break;
        }
        if num_visited % REPORT_EVERY == 0
            && !progress(&format!(
                "Searching for images\u{2026} {num_visited} folders"
            ))
        {
            return Err(OpenError::cancelled(root));
        }
        if depth > 0 && is_image(&folder, root) {
            images.folders.push(folder);
            continue;
        }
        if depth >= limits::SEARCH_DEPTH {
            continue;
        }
        let entries = source::list(&folder).unwrap_or_default();
        let inside = entries
            .into_iter()
            .rev()
            .filter(|entry| entry.kind == Kind::Folder && !entry.name.starts_with('.'));
        waiting.extend(inside.map(|entry| (folder.join(entry.name), depth + 1)));
    }
    Ok(images)
}

/// True for a multiscale image, an array, or a group whose member `0` is an array.
fn is_image(folder: &Path, root: &Path) -> bool {
    let node = Node::read(folder, root);
    let is_group = node.is_node() && levels::has_plain_array(&node, root);
    node.attributes.multiscale.is_some() || node.is_array() || is_group
}

/// Makes the FOV table of images at known folders.
///
/// # Errors
/// When it is too long.
pub(super) fn list(
    opening: &mut Opening<'_>,
    kind: DatasetKind,
    images: &Images,
    words: &str,
) -> Result<Listing, OpenError> {
    let mut listing = Listing::new(kind, words);
    let node = Node::read(&opening.root, &opening.root);
    listing.ngff = node.attributes.ngff;
    listing.zarr_format = node.format;
    listing.problems = node.problems;
    if images.is_cut {
        let limit = limits::SEARCH_FOLDERS;
        let message = format!("only {limit} folders were searched for images");
        listing
            .problems
            .push(Problem::new(Code::TooLarge, ".", message));
    }
    let names = match kind {
        DatasetKind::Labels => node.attributes.labels,
        DatasetKind::Series => series_names(&opening.root),
        _ => Vec::new(),
    };
    let (_, errors) = inside(&opening.root, &names);
    let unsafe_names = errors.iter().map(|error| problem_of(error, &opening.root));
    listing.problems.extend(unsafe_names);
    for image in &images.folders {
        let path = below(&opening.root, image);
        let name = image.file_name().unwrap_or_default().to_string_lossy();
        if layout::is_acquisition_store(&name) {
            let (fovs, problems) = regions::fovs_in_array(image, None, &opening.root);
            let named = fovs.into_iter().map(|fov| Fov {
                label: fov.path.clone(),
                ..fov
            });
            listing.fovs.extend(named);
            listing.problems.extend(problems);
        } else {
            listing.fovs.push(Fov {
                label: path.clone(),
                path,
                folder: image.clone(),
                present: matches!(source::stat(image), Ok(Some(_))),
                ..Fov::default()
            });
        }
        check_length(listing.fovs.len(), &opening.root)?;
    }
    Ok(listing)
}

/// Makes the FOV table of one store: one row, or one per FOV inside of its array.
pub(super) fn list_store(opening: &Opening<'_>, kind: DatasetKind, words: &str) -> Listing {
    let mut listing = Listing::new(kind, words);
    let root = &opening.root;
    let name = |folder: Option<&Path>| {
        let name = folder.and_then(Path::file_name).unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    let (own, parent) = (name(Some(root)), name(root.parent()));
    let region = regions::is_store_name(&own).then_some(parent.as_str());
    let (mut fovs, problems) = regions::fovs_in_array(root, region, root);
    if let ([fov], Some(number)) = (fovs.as_mut_slice(), regions::fov_number(&own)) {
        fov.fov_in_region = Some(number);
        fov.label = format!("{parent}:{number}");
    }
    listing.fovs = fovs;
    listing.problems = problems;
    listing
}
