//! The side files of a Squid acquisition: plan, executed positions, objective, exposures, `.done`.
//!
//! Squid `control/core/multi_point_controller.py` writes them before the first image, the executed `{t}/coordinates.csv`
//! when a timepoint ends, and an empty `.done` when the run ends or is aborted.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    end_mark::{DONE, EndMark},
    probe::{below, problem_of},
    scan_grid::{self, Grids},
    timepoints,
};
use crate::{
    dataset::{Acquisition, Executed, Fov, Sampling},
    metadata::{
        acquisition_channels, acquisition_parameters, acquisition_yaml, configurations_xml,
        coordinates::{self, StagePosition},
    },
    model::{Channel, Code, PointUm, Problem},
    source::{self, Entry},
};

/// Names of side files that only an acquisition folder has.
const NAMES: [&str; 6] = [
    "acquisition.yaml",
    "acquisition parameters.json",
    "acquisition_parameters.json",
    "acquisition_channels.yaml",
    "coordinates.csv",
    "configurations.xml",
];

/// The first of them are Squid's alone; people keep tables of coordinates, too.
const NUM_OWN_NAMES: usize = 4;

/// What the region of a table without regions is called, as Squid calls the one around the stage's position.
pub(super) const ONLY_REGION: &str = "current";

/// Region and index of a FOV inside it.
pub(super) type FovKey = (String, u32);

/// How many slices of each FOV a table of executed positions has.
pub(super) type Slices = HashMap<FovKey, u32>;

/// What the side files of one acquisition say.
#[derive(Debug, Default)]
pub(super) struct SideFiles {
    /// The acquisition folder.
    pub(super) folder: PathBuf,
    /// At least one side file is there.
    pub(super) is_known: bool,
    /// `.done` is there.
    pub(super) is_done: bool,
    /// What the dataset panel shows.
    pub(super) acquisition: Acquisition,
    /// Planned FOVs per region, in the order of the file.
    pub(super) planned: Vec<(String, u32)>,
    /// Centre and z of every FOV: as executed in the first timepoint, else as planned.
    pub(super) positions: HashMap<FovKey, (PointUm, Option<f64>)>,
    /// Of old acquisitions: which FOV lies in which row and column.
    pub(super) grids: Grids,
    /// Rows of the first timepoint whose table names no regions; they wait for [`Self::name_regions`].
    unnamed: Vec<StagePosition>,
    /// Regions in the order of such tables; empty where it is not known.
    pub(super) scan_order: Vec<String>,
    /// Enabled channels in the order of indices.
    pub(super) channels: Vec<Channel>,
    /// Each of them is, or is going to be taken; of old acquisitions nothing says so.
    pub(super) are_channels_planned: bool,
    /// Planned timepoints.
    pub(super) num_timepoints: Option<u32>,
    /// Planned z-slices.
    pub(super) num_z: Option<u32>,
    /// Pixel size and steps.
    pub(super) sampling: Sampling,
    /// Names of planned regions that `acquisition.yaml` lists.
    pub(super) regions: Vec<String>,
    /// `sample.wellplate_format`.
    pub(super) wellplate_format: Option<String>,
    /// Rows of each FOV in the executed table of the first timepoint; `None` where there is no such table.
    pub(super) executed_first: Option<Slices>,
    /// What could not be read.
    pub(super) problems: Vec<Problem>,
}

/// True where the names in a folder are those of an acquisition's side files.
pub(super) fn are_in(entries: &[Entry]) -> bool {
    entries
        .iter()
        .any(|entry| NAMES.contains(&entry.name.as_str()))
}

/// True where a folder is an acquisition's by a side file that nobody but Squid writes.
pub(super) fn mark(folder: &Path) -> bool {
    let (own, _) = NAMES.split_at(NUM_OWN_NAMES);
    own.iter()
        .any(|name| matches!(source::stat(&folder.join(name)), Ok(Some(_))))
}

/// True where the mark of the end is in an acquisition folder by now.
pub(super) fn is_done(folder: &Path) -> bool {
    EndMark::find(folder).is_some()
}

impl SideFiles {
    /// Reads the side files in `folder`; locations of problems are below `root`.
    pub(super) fn read(folder: &Path, entries: &[Entry], root: &Path) -> Self {
        let mut files = Self {
            folder: folder.to_path_buf(),
            is_known: are_in(entries),
            is_done: entries.iter().any(|entry| entry.name == DONE),
            ..Self::default()
        };
        files.acquisition.begun_timepoints = Arc::new(timepoints::begun(entries));
        let has = |name: &str| entries.iter().any(|entry| entry.name == name);
        for name in ["acquisition parameters.json", "acquisition_parameters.json"] {
            if has(name) {
                files.parameters(name, root);
                break;
            }
        }
        if has("acquisition.yaml") {
            files.yaml("acquisition.yaml", root);
        }
        if has("acquisition_channels.yaml")
            && let Some(channels) = files.parsed(
                "acquisition_channels.yaml",
                root,
                acquisition_channels::parse,
            )
        {
            files.channels = channels;
            files.are_channels_planned = true;
        }
        if files.channels.is_empty()
            && has("configurations.xml")
            && let Some(channels) =
                files.parsed("configurations.xml", root, configurations_xml::parse)
        {
            files.channels = channels;
        }
        if has("coordinates.csv") {
            files.plan(root);
        }
        if let Some(first) = timepoint_folder(entries, 0) {
            files.executed_first(&first, root);
        }
        files
    }

    fn parsed<T>(
        &mut self,
        name: &str,
        root: &Path,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let path = self.folder.join(name);
        let text = match source::read_document(&path) {
            Ok(text) => text?,
            Err(error) => {
                self.problems.push(problem_of(&error, root));
                return None;
            }
        };
        match parse(&text) {
            Ok(found) => Some(found),
            Err(message) => {
                let code = if path.extension().is_some_and(|ending| ending == "json") {
                    Code::BadJson
                } else {
                    Code::BadMetadata
                };
                self.problems
                    .push(Problem::new(code, below(root, &path), message));
                None
            }
        }
    }

    fn parameters(&mut self, name: &str, root: &Path) {
        let Some(found) = self.parsed(name, root, acquisition_parameters::parse) else {
            return;
        };
        self.list_unusable(name, root, found.unusable);
        self.num_timepoints = found.num_t;
        self.num_z = found.num_z;
        self.sampling = Sampling {
            y_um: found.pixel_size_um,
            x_um: found.pixel_size_um,
            z_um: found.z_step_um,
            t_secs: found.time_step_s,
        };
        self.acquisition.objective = found.objective;
        self.acquisition.magnification = found.magnification;
        self.acquisition.numerical_aperture = found.numerical_aperture;
    }

    /// Keys of a side file that hold what cannot be.
    fn list_unusable(&mut self, name: &str, root: &Path, unusable: Vec<String>) {
        let location = below(root, &self.folder.join(name));
        let problem = |message| Problem::new(Code::BadMetadata, &*location, message);
        self.problems.extend(unusable.into_iter().map(problem));
    }

    /// `acquisition.yaml` is the fuller and the later file, so it comes first.
    fn yaml(&mut self, name: &str, root: &Path) {
        let Some(found) = self.parsed(name, root, acquisition_yaml::parse) else {
            return;
        };
        self.list_unusable(name, root, found.unusable);
        let known = &mut self.acquisition;
        known.start_time = found.start_time;
        known.objective = found.objective.or(known.objective.take());
        known.magnification = found.magnification.or(known.magnification);
        known.numerical_aperture = found.numerical_aperture.or(known.numerical_aperture);
        self.num_timepoints = found.num_t.or(self.num_timepoints);
        self.wellplate_format = found.wellplate_format;
        self.num_z = found.num_z.or(self.num_z);
        self.regions = found.regions;
        let location = below(root, &self.folder.join(name));
        if let Some(problem) = paths_among(self.regions.iter().map(String::as_str), &location) {
            self.problems.push(problem);
            self.regions.retain(|region| !is_path(region));
        }
        let before = self.sampling;
        self.sampling = Sampling {
            y_um: found.pixel_size_um.or(before.y_um),
            x_um: found.pixel_size_um.or(before.x_um),
            z_um: found.z_step_um.or(before.z_um),
            t_secs: found.time_step_s.or(before.t_secs),
        };
    }

    fn table(&mut self, path: &Path, root: &Path) -> Vec<StagePosition> {
        match source::read_document(path) {
            Ok(Some(text)) => {
                let (mut rows, problems) = coordinates::parse(&text);
                let location = below(root, path);
                self.problems
                    .extend(problems.into_iter().map(|problem| Problem {
                        location: location.clone(),
                        ..problem
                    }));
                let named = rows.iter().map(|row| row.region.as_str());
                if let Some(problem) = paths_among(named, &location) {
                    self.problems.push(problem);
                    rows.retain(|row| !is_path(&row.region));
                }
                for row in &rows {
                    if let Some(cell) = row.grid {
                        self.grids.add(&row.region, cell, row.fov, row.z_level);
                    }
                }
                rows
            }
            Ok(None) => Vec::new(),
            Err(error) => {
                self.problems.push(problem_of(&error, root));
                Vec::new()
            }
        }
    }

    fn plan(&mut self, root: &Path) {
        let path = self.folder.join("coordinates.csv");
        let mut at: HashMap<String, usize> = HashMap::new();
        for mut row in self.table(&path, root) {
            name_region(&mut row);
            let slot = *at.entry(row.region.clone()).or_insert_with(|| {
                self.planned.push((row.region.clone(), 0));
                self.planned.len() - 1
            });
            let needed = row.fov.saturating_add(1);
            self.planned[slot].1 = self.planned[slot].1.max(needed);
            let place = (
                PointUm {
                    x: row.x_um,
                    y: row.y_um,
                },
                row.z_um,
            );
            self.positions.entry((row.region, row.fov)).or_insert(place);
        }
    }

    /// The executed table has offsets and autofocus applied, so it comes before the plan.
    fn executed_first(&mut self, folder: &str, root: &Path) {
        let path = self.folder.join(folder).join("coordinates.csv");
        if !matches!(source::stat(&path), Ok(Some(_))) {
            return;
        }
        let rows = self.table(&path, root);
        if rows.iter().any(|row| row.region.is_empty()) {
            self.unnamed = rows;
        } else {
            self.take_executed(rows);
        }
    }

    fn take_executed(&mut self, rows: Vec<StagePosition>) {
        let mut seen: HashMap<FovKey, Option<u32>> = HashMap::new();
        let mut slices = Slices::new();
        for row in rows {
            let key = (row.region, row.fov);
            *slices.entry(key.clone()).or_insert(0) += 1;
            let is_lower = seen.get(&key).is_none_or(|&lowest| row.z_level < lowest);
            if !is_lower {
                continue;
            }
            seen.insert(key.clone(), row.z_level);
            let planned_z = self.positions.get(&key).and_then(|(_, z)| *z);
            let place = PointUm {
                x: row.x_um,
                y: row.y_um,
            };
            self.positions.insert(key, (place, row.z_um.or(planned_z)));
        }
        self.executed_first = Some(slices);
    }

    /// Gives the rows of a table without regions to those that were found, in the order in which they were scanned.
    pub(super) fn name_regions(&mut self, fovs: &[Fov], root: &Path) {
        let rows = std::mem::take(&mut self.unnamed);
        if rows.is_empty() {
            return;
        }
        let mut regions: Vec<String> = fovs.iter().filter_map(|fov| fov.region.clone()).collect();
        regions.dedup();
        let mut starts = Vec::new();
        for row in &rows {
            if usize::try_from(row.pass).is_ok_and(|pass| pass == starts.len()) {
                starts.push((row.x_um, row.y_um));
            }
        }
        if let Some(order) = scan_grid::scan_order(&regions, &starts) {
            self.scan_order = order;
            self.take_executed(named(rows, &self.scan_order));
            return;
        }
        let message = format!(
            "the table names no regions, and its {} scans do not tell which of {} regions they are; no stage positions",
            starts.len(),
            regions.len()
        );
        let location = below(root, &self.folder);
        self.problems
            .push(Problem::new(Code::Ignored, location, message));
    }

    /// True where channels without any plane will not come.
    pub(super) fn leaves_channels_out(&self) -> bool {
        self.is_done || !self.are_channels_planned
    }

    /// True where `.done` is there by now.
    pub(super) fn is_done_now(&self) -> bool {
        self.is_done || is_done(&self.folder)
    }

    /// Puts the stage position of a FOV into its row, unless its files had it.
    pub(super) fn place(&self, fov: &mut Fov) {
        if fov.stage_um.is_some() {
            return;
        }
        let (Some(region), Some(index)) = (&fov.region, fov.fov_in_region) else {
            return;
        };
        if let Some(&(place, z_um)) = self.positions.get(&(region.clone(), index)) {
            fov.stage_um = Some(place);
            fov.stage_z_um = z_um;
        }
    }

    /// FOVs that a running acquisition will still create; none in a finished one.
    pub(super) fn expected(&self) -> impl Iterator<Item = (&str, u32)> {
        let planned = if self.is_done { &[][..] } else { &self.planned };
        let limit = crate::model::limits::FOVS;
        planned
            .iter()
            .flat_map(|(region, count)| (0..*count).map(move |fov| (region.as_str(), fov)))
            .take(limit)
    }
}

/// Rows of a table without regions, each with the region that was scanned; of further ones none is kept.
fn named(rows: Vec<StagePosition>, scan_order: &[String]) -> Vec<StagePosition> {
    let rows = rows.into_iter().filter_map(|row| {
        let region = scan_order.get(usize::try_from(row.pass).ok()?)?;
        Some(StagePosition {
            region: region.clone(),
            ..row
        })
    });
    rows.collect()
}

/// True for the name of a region that is no name of a file or folder. Empty names are given one later.
fn is_path(region: &str) -> bool {
    !region.is_empty() && source::join_name(Path::new(""), region).is_none()
}

/// Of regions that are named by paths, how many there are: their files would lie elsewhere.
fn paths_among<'a>(regions: impl Iterator<Item = &'a str>, location: &str) -> Option<Problem> {
    let mut paths = regions.filter(|region| is_path(region));
    let first = paths.next()?;
    let message = format!(
        "{first:?} is no name of a region; left out, with {} further rows like it",
        paths.count()
    );
    Some(Problem::new(Code::UnsafePath, location, message))
}

fn name_region(row: &mut StagePosition) {
    if row.region.is_empty() {
        ONLY_REGION.clone_into(&mut row.region);
    }
}

/// The folder of a timepoint; Squid pads the number by a setting of the machine.
fn timepoint_folder(entries: &[Entry], timepoint: u32) -> Option<String> {
    let mut names = entries.iter().map(|entry| &entry.name);
    names.find(|name| name.parse() == Ok(timepoint)).cloned()
}

/// The slices of each FOV in the executed table of a timepoint's folder; `None` where it is not there.
pub(super) fn executed_slices(folder: &Path) -> Option<Slices> {
    let mut slices = Slices::new();
    for row in executed_rows(folder, &[])? {
        *slices.entry((row.region, row.fov)).or_insert(0) += 1;
    }
    Some(slices)
}

/// The rows of the executed table in the folder of a timepoint; `None` where it is not there or cannot be read.
fn executed_rows(folder: &Path, scan_order: &[String]) -> Option<Vec<StagePosition>> {
    let text = source::read_document(&folder.join("coordinates.csv")).ok()??;
    let rows = coordinates::parse(&text).0;
    if rows.iter().any(|row| row.region.is_empty()) {
        return Some(named(rows, scan_order));
    }
    Some(rows)
}

/// Where and when one timepoint was taken, per FOV; empty where the table is not there (yet). Tables without regions have
/// those of `scan_order`, one after the other.
pub(super) fn executed(
    folder: &Path,
    timepoint: u32,
    scan_order: &[String],
) -> HashMap<FovKey, Executed> {
    let entries = source::list(folder).unwrap_or_default();
    let rows = timepoint_folder(&entries, timepoint)
        .and_then(|name| executed_rows(&folder.join(name), scan_order))
        .unwrap_or_default();
    let mut found = HashMap::new();
    for row in rows {
        let executed = Executed {
            stage_um: PointUm {
                x: row.x_um,
                y: row.y_um,
            },
            z_um: row.z_um,
            time: row.time.unwrap_or_default(),
        };
        found.entry((row.region, row.fov)).or_insert(executed);
    }
    found
}
