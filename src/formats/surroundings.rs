//! What of a dataset on disk can tell that it grew, changed or ended, for whoever watches it. Blocks on I/O.
//!
//! Squid creates a numbered folder per timepoint in every format, lists all planned FOVs in `coordinates.csv` before the
//! first image, and leaves an empty `.done` at the end (`control/core/multi_point_controller.py`).

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::{Path, PathBuf},
};

use super::{
    EndMark, cut_short,
    layout::{self, Found, What},
    probe::Node,
    regions,
    side_files::{self, SideFiles},
    timepoints,
};
use crate::{
    dataset::{Arrays, Dataset, DatasetKind, Image},
    model::FovId,
    source::{self, Kind},
};

/// Where a dataset lies, and in which order its FOVs are taken.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The acquisition folder, the opened path itself or one around it.
    pub acquisition: Option<PathBuf>,
    /// Folders in which further FOVs appear, the outer ones first; none where every planned FOV has its row already.
    pub containers: Vec<PathBuf>,
    /// Folders of image files, each a FOV, the outer ones first: what lies in them has or gets a row.
    pub image_folders: Vec<PathBuf>,
    /// Files in folders that appear in those belong to the dataset too.
    pub is_searched: bool,
    /// All FOVs in the order of the plan, those that it does not name behind them.
    pub scan: Vec<FovId>,
}

impl Surroundings {
    /// Looks around a dataset. What is not there (any more) leaves its part empty.
    #[must_use]
    pub fn of(dataset: &Dataset) -> Self {
        // What was announced names all of its FOVs, and may have no store yet that could be recognised.
        let is_announced = dataset.announcement.is_some();
        let found = (!is_announced)
            .then(|| layout::find(&dataset.root, &mut |_| true).ok())
            .flatten();
        let acquisition = match &found {
            Some(found) => found.acquisition.clone(),
            None => Some(dataset.root.clone()).filter(|root| {
                is_announced && source::list(root).is_ok_and(|entries| side_files::are_in(&entries))
            }),
        };
        let planned = acquisition.as_deref().map_or_else(Vec::new, |folder| {
            let entries = source::list(folder).unwrap_or_default();
            SideFiles::read(folder, &entries, &dataset.root).planned
        });
        let (scan, is_planned) = scan_order(dataset, &planned);
        let image_folders = found.as_ref().map_or_else(Vec::new, image_folders);
        let containers = match found {
            Some(found) if !is_planned => containers(&found.what, &found.root),
            _ => Vec::new(),
        };
        Self {
            acquisition,
            containers,
            is_searched: image_folders.len() > 1,
            image_folders,
            scan,
        }
    }

    /// The mark of the end, once it is in the acquisition folder.
    #[must_use]
    pub fn end_mark(&self) -> Option<EndMark> {
        self.acquisition.as_deref().and_then(EndMark::find)
    }

    /// True where an acquisition in image files is over and did not take all that it had planned.
    #[must_use]
    pub fn was_cut_short(&self) -> bool {
        self.acquisition.as_deref().is_some_and(|folder| {
            let entries = source::list(folder).unwrap_or_default();
            cut_short::was_cut_short(&SideFiles::read(folder, &entries, folder))
        })
    }

    /// Timepoints that were begun, by the folders of the acquisition; empty where it has none.
    #[must_use]
    pub fn begun_timepoints(&self) -> BTreeSet<u32> {
        let folder = self.acquisition.as_deref();
        let entries = folder.and_then(|folder| source::list(folder).ok());
        timepoints::begun(&entries.unwrap_or_default())
    }
}

/// The FOVs in the order of the plan, and whether the plan is there and all of it has rows.
fn scan_order(dataset: &Dataset, planned: &[(String, u32)]) -> (Vec<FovId>, bool) {
    let mut rows: HashMap<(&str, u32), FovId> = HashMap::new();
    for &fov in dataset.order.iter() {
        if let Some(row) = dataset.fov(fov)
            && let (Some(region), Some(number)) = (&row.region, row.fov_in_region)
        {
            rows.entry((region, number)).or_insert(fov);
        }
    }
    let mut scan = Vec::with_capacity(dataset.fovs.len());
    let mut seen = HashSet::new();
    let mut is_planned = !planned.is_empty();
    for (region, count) in planned {
        for number in 0..(*count).min(crate::model::limits::FOVS as u32) {
            match rows.get(&(region.as_str(), number)) {
                Some(&fov) if seen.insert(fov) => scan.push(fov),
                Some(_) => {}
                None => is_planned = false,
            }
        }
    }
    scan.extend(dataset.order.iter().filter(|fov| seen.insert(**fov)));
    (scan, is_planned)
}

/// Folders in which rows of the FOV table appear.
fn containers(what: &What, root: &Path) -> Vec<PathBuf> {
    match what {
        What::Plate { folder, only_row } => {
            let mut rows = folders_in(folder);
            if let Some(only) = only_row {
                rows.retain(|row| row.file_name().is_some_and(|name| *name == **only));
            }
            let wells: Vec<PathBuf> = rows.iter().flat_map(|row| folders_in(row)).collect();
            let mut all = vec![folder.clone()];
            all.extend(rows);
            all.extend(wells);
            all
        }
        What::Well => vec![root.to_path_buf()],
        What::Regions { folder, .. } => {
            let is_store = |path: &PathBuf| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                regions::is_zarr_name(&name)
            };
            let mut all = vec![folder.clone()];
            all.extend(
                folders_in(folder)
                    .into_iter()
                    .filter(|path| !is_store(path)),
            );
            all
        }
        What::Files(timepoints) => timepoints.newest_folder().into_iter().collect(),
        What::OmeTiffs(found) => vec![found.newest_folder()],
        What::Images(DatasetKind::Collection, images) => {
            let parents = images.folders.iter().filter_map(|image| image.parent());
            let all: BTreeSet<&Path> = parents.chain([root]).collect();
            all.into_iter().map(Path::to_path_buf).collect()
        }
        What::Store(_)
        | What::Images(..)
        | What::Frames(_)
        | What::LoneFile
        | What::ImageFiles(_) => Vec::new(),
    }
}

/// The folders of image files that are no acquisition's, and those around them: one where those below were not searched.
fn image_folders(found: &Found) -> Vec<PathBuf> {
    let What::ImageFiles(files) = &found.what else {
        return Vec::new();
    };
    // Beside side files what comes is an acquisition's.
    let entries = source::list(&found.root).unwrap_or_default();
    if side_files::are_in(&entries) {
        return Vec::new();
    }
    let mut all = BTreeSet::from([found.root.as_path()]);
    for file in &files.paths {
        let around = file.ancestors().skip(1);
        all.extend(around.take_while(|folder| folder.starts_with(&found.root)));
    }
    all.into_iter().map(Path::to_path_buf).collect()
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = source::list(folder).unwrap_or_default();
    let folders = entries
        .into_iter()
        .filter(|entry| entry.kind == Kind::Folder && !entry.name.starts_with('.'));
    folders.map(|entry| folder.join(entry.name)).collect()
}

/// Files and folders of a FOV's store whose length or time changes when the store is described anew.
#[must_use]
pub fn documents_of(folder: &Path, image: Option<&Image>) -> Vec<PathBuf> {
    const NAMES: [&str; 3] = ["zarr.json", ".zattrs", ".zarray"];
    let mut paths: Vec<PathBuf> = NAMES.iter().map(|name| folder.join(name)).collect();
    match image.and_then(|image| image.levels.first()) {
        Some(level) => match &level.arrays {
            Arrays::One(locator) if locator.folder != folder => {
                paths.extend(NAMES.iter().map(|name| locator.folder.join(name)));
            }
            Arrays::One(_) | Arrays::Registered(_) => {}
            // A further timepoint is a further folder here, or a further file.
            Arrays::Files(files) => {
                paths.push(folder.to_path_buf());
                paths.extend(files.0.grows_in());
            }
            // A further timepoint is a further folder here; its store lies in it a moment later.
            Arrays::PerTimepoint(_) => {
                paths.push(folder.to_path_buf());
                paths.extend(folders_in(folder).into_iter().rev().take(2));
            }
        },
        None => paths.push(folder.to_path_buf()),
    }
    paths
}

/// True where the store of a FOV says that its acquisition was aborted.
#[must_use]
pub fn is_aborted(folder: &Path) -> bool {
    let squid = Node::read(folder, folder).attributes.squid;
    squid.is_some_and(|squid| squid.aborted)
}
