//! Several images below a folder or group: a folder of stores, a `bioformats2raw` series, label images.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    time::{Duration, Instant},
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
    source::{self, Entry, Kind, SourceError},
};

/// Folders between two reports.
const REPORT_EVERY: usize = 64;

/// Images of a collection, as they were found.
#[derive(Clone, Debug, Default)]
pub(super) struct Images {
    /// Their folders, in natural order.
    pub(super) folders: Vec<PathBuf>,
    /// Where the search for them ended early.
    pub(super) cuts: Vec<Cut>,
}

/// Why a search did not look at everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// It ended at [`limits::SEARCH_FOLDERS`].
    Folders,
    /// It ended at [`limits::SEARCH_ENTRIES`], after so many folders.
    Entries(usize),
    /// It ended after [`limits::SEARCH_SECS`], and so many folders.
    Time(usize),
    /// Folders lie deeper than [`limits::SEARCH_DEPTH`].
    Depth,
    /// It ended at [`limits::FOVS`].
    Images,
}

impl Cut {
    /// What the list of problems says of it.
    pub(super) fn problem(self) -> Problem {
        Problem::new(Code::TooLarge, ".", self.message())
    }

    /// True where folders were left aside that a person may know of.
    pub(super) fn is_of_search(self) -> bool {
        matches!(self, Self::Folders | Self::Entries(_) | Self::Time(_))
    }

    /// What it says.
    pub(super) fn message(self) -> String {
        match self {
            Self::Folders => {
                let limit = limits::SEARCH_FOLDERS;
                format!("only {limit} folders were searched for images")
            }
            Self::Entries(found) => {
                let limit = limits::SEARCH_ENTRIES;
                format!("only {found} folders with {limit} entries were searched for images")
            }
            Self::Time(found) => {
                let secs = limits::SEARCH_SECS;
                format!("only {found} folders were searched for images, within {secs} s")
            }
            Self::Depth => {
                let limit = limits::SEARCH_DEPTH;
                format!("folders more than {limit} below this one were not searched for images")
            }
            Self::Images => format!("only the first {} images are listed", limits::FOVS),
        }
    }
}

impl From<Vec<PathBuf>> for Images {
    fn from(folders: Vec<PathBuf>) -> Self {
        Self {
            folders,
            cuts: Vec::new(),
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
    let (mut folders, mut is_full) = (Vec::new(), false);
    let mut cuts = walk(root, progress, |folder| {
        is_full |= folders.len() >= limits::FOVS;
        if is_full {
            return Vec::new();
        }
        if folder != root && is_image(folder, root) {
            folders.push(folder.to_path_buf());
            return Vec::new();
        }
        source::list(folder).unwrap_or_default()
    })?;
    cuts.extend(is_full.then_some(Cut::Images));
    Ok(Images { folders, cuts })
}

/// Goes through the folders below one, in natural order: `visit` says what lies in each that is to be gone into. Returns
/// why it did not go into all of them.
///
/// # Errors
/// When it was cancelled.
pub(super) fn walk(
    root: &Path,
    progress: Progress<'_>,
    visit: impl FnMut(&Path) -> Vec<Entry>,
) -> Result<Vec<Cut>, OpenError> {
    let within = Duration::from_secs(limits::SEARCH_SECS);
    walk_within(root, progress, within, visit)
}

fn walk_within(
    root: &Path,
    progress: Progress<'_>,
    within: Duration,
    mut visit: impl FnMut(&Path) -> Vec<Entry>,
) -> Result<Vec<Cut>, OpenError> {
    let began = Instant::now();
    let mut num_entries = 0;
    let mut cuts = Vec::new();
    let mut seen = HashSet::new();
    // Last in, first out: pushed in reverse, folders come in natural order.
    let mut waiting = vec![(root.to_path_buf(), 0)];
    let mut num_visited = 0;
    while let Some((folder, depth)) = waiting.pop() {
        if !seen.insert(source::resolved(&folder)) {
            continue;
        }
        num_visited += 1;
        if num_visited > limits::SEARCH_FOLDERS {
            cuts.push(Cut::Folders);
            break;
        }
        // The folder itself is looked at however long that takes.
        if num_visited > 1 && began.elapsed() >= within {
            cuts.push(Cut::Time(num_visited - 1));
            break;
        }
        if num_visited % REPORT_EVERY == 0
            && !progress(&format!(
                "Searching for images\u{2026} {num_visited} folders"
            ))
        {
            return Err(OpenError::cancelled(root));
        }
        let entries = visit(&folder);
        num_entries += entries.len();
        if num_entries > limits::SEARCH_ENTRIES {
            cuts.push(Cut::Entries(num_visited));
            break;
        }
        let mut inside = entries
            .into_iter()
            .rev()
            .filter(|entry| entry.kind == Kind::Folder && !entry.name.starts_with('.'));
        if depth < limits::SEARCH_DEPTH {
            waiting.extend(inside.map(|entry| (folder.join(entry.name), depth + 1)));
        } else if inside.next().is_some() && !cuts.contains(&Cut::Depth) {
            cuts.push(Cut::Depth);
        }
    }
    Ok(cuts)
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
    let cuts = images.cuts.iter();
    listing.problems.extend(cuts.map(|cut| cut.problem()));
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
    listing.fovs = with_multiscales(fovs, root);
    if listing.fovs.iter().any(|fov| fov.multiscale_idx.is_some()) {
        listing.kind = DatasetKind::Collection;
    }
    listing.problems = problems;
    listing
}

/// A row for each multiscale image that a group holds, where it holds several.
fn with_multiscales(fovs: Vec<Fov>, root: &Path) -> Vec<Fov> {
    let [only] = fovs.as_slice() else {
        return fovs;
    };
    let attributes = Node::read(&only.folder, root).attributes;
    let all: Vec<_> = attributes
        .multiscale
        .iter()
        .chain(&attributes.further)
        .collect();
    if all.len() < 2 {
        return fovs;
    }
    let rows = all.iter().enumerate().map(|(at, multiscale)| Fov {
        path: format!("#{at}"),
        label: match &multiscale.name {
            Some(name) => format!("{at}: {name}"),
            None => format!("image {at}"),
        },
        multiscale_idx: Some(at),
        ..only.clone()
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_search_ends_after_its_time_and_its_number_of_entries() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["a", "b", "c"] {
            fs::create_dir_all(folder.path().join(name)).expect("a folder");
        }
        let mut seen = Vec::new();
        let list = |path: &Path| {
            seen.push(path.to_path_buf());
            source::list(path).expect("listed")
        };
        let cuts = walk_within(folder.path(), &mut |_| true, Duration::ZERO, list);
        assert_eq!(cuts.expect("not cancelled"), [Cut::Time(1)]);
        assert_eq!(seen, [folder.path()]);
        let entry = Entry {
            name: "a".into(),
            kind: Kind::Folder,
            is_link: false,
        };
        let many = |_: &Path| vec![entry.clone(); limits::SEARCH_ENTRIES / 2 + 1];
        let cuts = walk(folder.path(), &mut |_| true, many);
        assert_eq!(cuts.expect("not cancelled"), [Cut::Entries(2)]);
        assert!(Cut::Entries(2).message().contains("4194304 entries"));
        assert!(Cut::Time(7).message().contains("only 7 folders"));
    }
}
