//! What lies beside what is shown: an acquisition is shown as one plate, one set of regions or its image files, and a
//! folder of stores as its stores. Whatever else holds images there is listed.

use std::path::{Path, PathBuf};

use super::{
    acquisitions, image_folder, individual,
    layout::{Found, What, is_plate, is_plate_name},
    probe::below,
    regions,
    timepoints::{self, FileKind, Timepoints},
};
use crate::{
    dataset::DatasetKind,
    model::{Code, Problem, limits},
    source::{self, Entry, Kind},
};

/// Folders of a collection that may be acquisitions: each is listed.
const LOOKED_INTO: usize = 64;

/// A problem for each thing that is left aside.
pub(super) fn problems(found: &Found) -> Vec<Problem> {
    let root = &found.root;
    if matches!(
        found.what,
        What::Store(_) | What::Well | What::Frames(_) | What::LoneFile
    ) {
        return Vec::new();
    }
    let entries = source::list(root).unwrap_or_default();
    let ignored =
        |place: &Path, message: String| Problem::new(Code::Ignored, below(root, place), message);
    let folders = folders(found, &entries);
    let mut problems: Vec<Problem> = folders
        .iter()
        .map(|folder| {
            let message = "holds images too and is left aside; open it by itself";
            ignored(folder, message.to_owned())
        })
        .collect();
    problems.extend(beyond_budgets(found, &entries));
    let has_timepoints = match &found.what {
        What::Files(timepoints) => !timepoints.is_one,
        What::OmeTiffs(_) => found.is_acquisition(),
        _ => false,
    };
    if has_timepoints {
        let left_out = timepoints::left_out(&entries);
        problems.extend(left_out.problem("folders of timepoints", below(root, root)));
    }
    match &found.what {
        What::Images(DatasetKind::Collection, _) => {
            let files = image_folder::in_folder(root, &entries);
            if let Some(first) = files.first() {
                let (count, name) = (files.len(), below(root, first));
                let message = format!(
                    "{count} image files beside stores are left aside, {name:?} the first; open them by themselves"
                );
                problems.push(ignored(root, message));
            }
        }
        What::Files(timepoints)
            if timepoints.kind == FileKind::Stacks && individual::are_in(&timepoints.entries) =>
        {
            let message = "files of single planes beside stacks are left aside";
            problems.push(ignored(&timepoints.first_folder(), message.to_owned()));
        }
        _ => {}
    }
    problems
}

/// Folders of timepoints, and files of the first one, whose numbers are beyond the budgets: counted, not each told.
fn beyond_budgets(found: &Found, entries: &[Entry]) -> Vec<Problem> {
    let (in_root, in_first) = match &found.what {
        What::Files(timepoints) if timepoints.is_one => (&[][..], Some(timepoints)),
        What::Files(timepoints) => (entries, Some(timepoints)),
        What::OmeTiffs(_) if found.is_acquisition() => (entries, None),
        _ => return Vec::new(),
    };
    let mut problems = Vec::new();
    let mut tell = |beyond: &[&Entry], what: &str, place: &Path| {
        if let Some(first) = beyond.first() {
            let (count, name) = (beyond.len(), &first.name);
            let message = format!("{count} {what} are left aside, {name:?} the first");
            problems.push(Problem::new(
                Code::TooLarge,
                below(&found.root, place),
                message,
            ));
        }
    };
    let folders: Vec<&Entry> = in_root
        .iter()
        .filter(|entry| timepoints::is_beyond(entry))
        .collect();
    let what = format!(
        "folders of timepoints beyond the number {}",
        limits::TIMEPOINTS - 1
    );
    tell(&folders, &what, &found.root);
    if let Some(first) = in_first {
        let files = first.entries.iter().filter(|entry| first.is_beyond(entry));
        let what = format!(
            "files of z-slices beyond the number {}, or with numbers of more than {} digits,",
            limits::Z_SLICES - 1,
            timepoints::MAX_DIGITS
        );
        tell(&files.collect::<Vec<_>>(), &what, &first.first_folder());
    }
    problems
}

fn folders(found: &Found, entries: &[Entry]) -> Vec<PathBuf> {
    let folders = entries.iter().filter(|entry| entry.kind == Kind::Folder);
    let mut folders = folders.map(|entry| found.root.join(&entry.name));
    match &found.what {
        What::Plate { folder: taken, .. } | What::Regions { folder: taken, .. }
            if taken.parent() == Some(found.root.as_path()) =>
        {
            folders
                .filter(|folder| folder != taken && holds_images(folder))
                .collect()
        }
        What::Files(_) if found.is_acquisition() => {
            folders.filter(|folder| is_stitched(folder)).collect()
        }
        What::OmeTiffs(ome) if found.is_acquisition() => {
            let planes = Timepoints::find(&found.root, entries);
            let planes = planes.filter(|it| !it.is_one && !ome.lies_in(&it.first_folder()));
            let planes = planes.map(|it| it.first_folder());
            folders
                .filter(|folder| is_stitched(folder))
                .chain(planes)
                .collect()
        }
        What::Images(DatasetKind::Collection, _) | What::ImageFiles(_) => folders
            .by_ref()
            .take(LOOKED_INTO)
            .filter(|folder| acquisitions::is_of_files(folder))
            .collect(),
        _ => Vec::new(),
    }
}

fn holds_images(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    is_plate_name(&name) && is_plate(folder) || name == "zarr" && !regions::scan(folder).is_empty()
}

/// What Squid's old `control/stitcher.py` leaves in an acquisition folder: `{t}_stitched`, and stores.
fn is_stitched(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with("_stitched") || regions::is_zarr_name(&name)
}
