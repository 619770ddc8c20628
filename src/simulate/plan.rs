//! What will be written: counts, layout, storage; and why a plan is refused before anything is written.

use std::{
    collections::{BTreeSet, HashSet},
    path::PathBuf,
};

use crate::model::{WellName, limits};

/// Where Squid puts its stores (`control/core/zarr_writer.py`) or image files (`control/core/job_processing.py`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Structure {
    /// `zarr/{region}/fov_{n}.ome.zarr/0`, (T, C, Z, Y, X).
    PerFov,
    /// `plate.ome.zarr/{row}/{column}/{fov}/0`, (T, C, Z, Y, X); regions are wells.
    Hcs,
    /// `zarr/{region}/acquisition.zarr`, (FOV, T, C, Z, Y, X), the store is the array itself.
    SixD,
    /// The output folder is one image group, without side files.
    Single,
    /// `{t}/{region}_{fov}_{z}_{channel}.tiff`, a file per plane.
    Tiff,
    /// `{t}/{region}_{fov}_stack.tiff`, a page per plane.
    MultiPage,
    /// `ome_tiff/{region}_{fov}.ome.tiff`, all planes of a FOV.
    OmeTiff,
}

impl Structure {
    /// True where planes lie in TIFF files.
    pub(super) fn has_images(self) -> bool {
        matches!(self, Self::Tiff | Self::MultiPage | Self::OmeTiff)
    }
}

/// Codec chain of the chunks, by Squid's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Transposed bytes.
    None,
    /// Blosc, LZ4 level 1, byte shuffle.
    Fast,
    /// Blosc, Zstandard level 3, bit shuffle; one shard per timepoint and z-slice.
    Balanced,
    /// Blosc, Zstandard level 9, bit shuffle; one shard per timepoint and z-slice.
    Best,
}

impl Compression {
    /// Squid's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Fast => "fast",
            Self::Balanced => "balanced",
            Self::Best => "best",
        }
    }

    /// Squid shards what it compresses slowly.
    pub(super) fn is_sharded(self) -> bool {
        matches!(self, Self::Balanced | Self::Best)
    }
}

/// How a plane is cut into chunks, by Squid's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChunkMode {
    /// One chunk.
    FullFrame,
    /// 512 x 512 pixels.
    Tiled512,
    /// 256 x 256 pixels.
    Tiled256,
}

impl ChunkMode {
    /// Squid's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FullFrame => "full_frame",
            Self::Tiled512 => "tiled_512",
            Self::Tiled256 => "tiled_256",
        }
    }

    /// Pixels a side of a chunk; `None`: the whole plane.
    pub(super) fn side_px(self) -> Option<u32> {
        match self {
            Self::FullFrame => None,
            Self::Tiled512 => Some(512),
            Self::Tiled256 => Some(256),
        }
    }
}

/// How an acquisition ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// After its last plane.
    #[default]
    Completes,
    /// A user stops it after so many planes: stores are marked as aborted, what was executed is written down.
    AbortsAfter(u64),
    /// The program dies after so many planes: nothing is marked, and half of the next chunk may lie at its place.
    CrashesAfter(u64),
}

/// An acquisition that will be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Where the stores lie.
    pub structure: Structure,
    /// Name and number of FOVs of each region, in scan order; of a plate, its wells.
    pub regions: Vec<(String, u32)>,
    /// Timepoints.
    pub num_timepoints: u32,
    /// z-slices.
    pub num_z: u32,
    /// Names of the channels; wavelength or dye decides what they show.
    pub channels: Vec<String>,
    /// Columns of a plane.
    pub width: u32,
    /// Rows of a plane.
    pub height: u32,
    /// Codec chain.
    pub compression: Compression,
    /// Chunks of a plane.
    pub chunks: ChunkMode,
    /// Pixel size in µm, above 0.
    pub pixel_size_um: f64,
    /// Distance of z-slices in µm, above 0.
    pub z_step_um: f64,
    /// Time between timepoints as the metadata states it, in s.
    pub time_step_secs: f64,
    /// Equal seeds give equal pixels.
    pub seed: u64,
    /// Timepoints without planes and without a folder: the microscope leaves them out where it is slower than planned.
    pub skipped_timepoints: BTreeSet<u32>,
    /// How it ends.
    pub ending: Ending,
    /// Where `run.json` is kept up to date, as Squid does for its watchdog; `None`: nowhere.
    pub run_folder: Option<PathBuf>,
}

impl Default for Plan {
    /// One region with one FOV, four fluorescence channels, 1024 x 1024 pixels, as Squid saves by default.
    fn default() -> Self {
        let channels = [405, 488, 561, 638].map(|nm| format!("Fluorescence {nm} nm Ex"));
        Self {
            structure: Structure::PerFov,
            regions: vec![("R0".into(), 1)],
            num_timepoints: 1,
            num_z: 5,
            channels: channels.into(),
            width: 1024,
            height: 1024,
            compression: Compression::Fast,
            chunks: ChunkMode::FullFrame,
            pixel_size_um: 0.325,
            z_step_um: 1.5,
            time_step_secs: 60.0,
            seed: 0,
            skipped_timepoints: BTreeSet::new(),
            ending: Ending::Completes,
            run_folder: None,
        }
    }
}

/// A plan cannot be written.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// A count is 0, or there is no region or channel.
    #[error("{what} is 0, expected at least 1")]
    Zero {
        /// What is counted.
        what: &'static str,
    },
    /// More than the viewer would open.
    #[error("{found} {what}, expected at most {limit}")]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// How many were asked for.
        found: u64,
        /// How many there may be.
        limit: u64,
    },
    /// A region cannot be a folder.
    #[error("region {name:?} cannot be the name of a folder")]
    RegionName {
        /// Its name.
        name: String,
    },
    /// Two regions would share a folder.
    #[error("region {name:?} is named twice")]
    RegionTwice {
        /// Its name.
        name: String,
    },
    /// A region of a plate is not a well of a plate that Squid knows.
    #[error("region {name:?} is not a well, expected A1 to AF48")]
    NotAWell {
        /// Its name.
        name: String,
    },
    /// A single image has one FOV.
    #[error("a single image has 1 FOV, found {found}")]
    NotSingle {
        /// FOVs of all regions.
        found: u64,
    },
    /// Squid cannot write shards whose chunks do not fill the plane.
    #[error(
        "planes of {width} x {height} in shards of {side} x {side} chunks, expected multiples of {side}"
    )]
    ShardedTiles {
        /// Columns of a plane.
        width: u32,
        /// Rows of a plane.
        height: u32,
        /// Pixels a side of a chunk.
        side: u32,
    },
    /// A timepoint that is to be skipped is none of the acquisition's.
    #[error("timepoint {found} is skipped, expected 0 to {last}")]
    NoSuchTimepoint {
        /// Its index.
        found: u32,
        /// Index of the last one.
        last: u32,
    },
    /// Every timepoint is skipped.
    #[error("all {found} timepoints are skipped, expected at least 1 that is not")]
    AllSkipped {
        /// How many.
        found: u32,
    },
    /// The end would come after more planes than there are.
    #[error("it ends after {found} planes, expected at most {limit}")]
    EndsTooLate {
        /// Planes before the end.
        found: u64,
        /// Planes that are written.
        limit: u64,
    },
    /// A length in µm or s is not above 0.
    #[error("{what} is {found}, expected a number above 0")]
    NotPositive {
        /// What is measured.
        what: &'static str,
        /// Its value.
        found: f64,
    },
}

impl Plan {
    /// Refuses what Squid could not write or the viewer would not open.
    ///
    /// # Errors
    /// When a count is 0 or beyond the budgets, a region cannot be a folder or a well, or chunks do not fit the plane.
    pub fn check(&self) -> Result<(), PlanError> {
        self.check_counts()?;
        self.check_lengths()?;
        self.check_regions()?;
        self.check_end()?;
        let side = self
            .chunks
            .side_px()
            .filter(|_| self.compression.is_sharded());
        match side {
            Some(side) if !self.width.is_multiple_of(side) || !self.height.is_multiple_of(side) => {
                Err(PlanError::ShardedTiles {
                    width: self.width,
                    height: self.height,
                    side,
                })
            }
            _ => Ok(()),
        }
    }

    fn check_counts(&self) -> Result<(), PlanError> {
        let pixels = u64::from(self.width) * u64::from(self.height);
        let counts = [
            (
                "number of regions",
                self.regions.len() as u64,
                limits::FOVS as u64,
            ),
            ("number of FOVs", self.num_fovs(), limits::FOVS as u64),
            (
                "number of timepoints",
                u64::from(self.num_timepoints),
                1 << 20,
            ),
            ("number of z-slices", u64::from(self.num_z), 1 << 20),
            (
                "number of channels",
                self.channels.len() as u64,
                limits::CHANNELS as u64,
            ),
            ("width", u64::from(self.width), 1 << 16),
            ("height", u64::from(self.height), 1 << 16),
            // A Blosc container counts its bytes in 31 bits.
            ("number of pixels", pixels, limits::CHUNK_SAMPLES),
            (
                "planes of a FOV in one file",
                self.num_pages(),
                limits::PAGES as u64,
            ),
        ];
        for (what, found, limit) in counts {
            if found == 0 {
                return Err(PlanError::Zero { what });
            }
            if found > limit {
                return Err(PlanError::TooMany { what, found, limit });
            }
        }
        if self.regions.iter().any(|&(_, fovs)| fovs == 0) {
            Err(PlanError::Zero {
                what: "number of FOVs of a region",
            })
        } else {
            Ok(())
        }
    }

    fn check_lengths(&self) -> Result<(), PlanError> {
        let lengths = [
            ("pixel size", self.pixel_size_um),
            ("z-step", self.z_step_um),
            ("time step", self.time_step_secs),
        ];
        let wrong = lengths
            .into_iter()
            .find(|&(_, length)| !(length.is_finite() && length > 0.0));
        wrong.map_or(Ok(()), |(what, found)| {
            Err(PlanError::NotPositive { what, found })
        })
    }

    fn check_regions(&self) -> Result<(), PlanError> {
        if self.structure == Structure::Single && self.num_fovs() != 1 {
            return Err(PlanError::NotSingle {
                found: self.num_fovs(),
            });
        }
        let mut seen = HashSet::new();
        for (name, _) in &self.regions {
            if !is_folder_name(name) {
                return Err(PlanError::RegionName { name: name.clone() });
            }
            if self.structure == Structure::Hcs && well(name).is_none() {
                return Err(PlanError::NotAWell { name: name.clone() });
            }
            // Case apart: on many disks `a1` and `A1` are one folder, and Squid writes wells in capitals.
            if !seen.insert(name.to_lowercase()) {
                return Err(PlanError::RegionTwice { name: name.clone() });
            }
        }
        Ok(())
    }

    fn check_end(&self) -> Result<(), PlanError> {
        let (found, last) = (self.skipped_timepoints.last(), self.num_timepoints - 1);
        if let Some(&found) = found.filter(|&&found| found > last) {
            return Err(PlanError::NoSuchTimepoint { found, last });
        }
        if self.skipped_timepoints.len() == self.num_timepoints as usize {
            let found = self.num_timepoints;
            return Err(PlanError::AllSkipped { found });
        }
        let limit = self.num_acquired_planes();
        match self.ending {
            Ending::AbortsAfter(found) | Ending::CrashesAfter(found) if found > limit => {
                Err(PlanError::EndsTooLate { found, limit })
            }
            _ => Ok(()),
        }
    }

    /// Planes in the largest file; 1 where files hold none together.
    fn num_pages(&self) -> u64 {
        let per_timepoint = u64::from(self.num_z).saturating_mul(self.channels.len() as u64);
        match self.structure {
            Structure::MultiPage => per_timepoint,
            Structure::OmeTiff => per_timepoint.saturating_mul(u64::from(self.num_timepoints)),
            _ => 1,
        }
    }

    /// FOVs of all regions.
    #[must_use]
    pub fn num_fovs(&self) -> u64 {
        self.regions.iter().map(|&(_, fovs)| u64::from(fovs)).sum()
    }

    /// Planes of one timepoint.
    #[must_use]
    pub fn num_planes_per_timepoint(&self) -> u64 {
        let per_fov = u64::from(self.num_z).saturating_mul(self.channels.len() as u64);
        self.num_fovs().saturating_mul(per_fov)
    }

    /// Planes in all, those of skipped timepoints included: what the stores have room for.
    #[must_use]
    pub fn num_planes(&self) -> u64 {
        self.num_planes_per_timepoint()
            .saturating_mul(u64::from(self.num_timepoints))
    }

    /// Planes of the timepoints that are not skipped.
    #[must_use]
    pub fn num_acquired_planes(&self) -> u64 {
        let num_skipped = self.skipped_timepoints.len() as u64;
        let num_timepoints = u64::from(self.num_timepoints).saturating_sub(num_skipped);
        self.num_planes_per_timepoint()
            .saturating_mul(num_timepoints)
    }
}

/// A well of the largest plate that Squid knows: its name without leading zeros, row and column index.
pub(super) fn well(name: &str) -> Option<(WellName, u32, u32)> {
    let mut well = WellName::parse(name)?;
    let (row_idx, column_idx) = (well.row_index()?, well.column_index()?);
    if row_idx >= 32 || column_idx >= 48 {
        return None;
    }
    well.column = (column_idx + 1).to_string();
    Some((well, row_idx, column_idx))
}

/// Whether every system takes the name as that of one folder.
fn is_folder_name(name: &str) -> bool {
    let is_odd = |c: char| {
        c.is_control() || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
    };
    let is_trimmed = name.trim() == name && !name.ends_with('.');
    !name.is_empty() && name.len() <= 128 && is_trimmed && !name.contains(is_odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut Plan), expected: Option<&str>) {
        let mut plan = Plan::default();
        change(&mut plan);
        let found = plan.check().err().map(|error| error.to_string());
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn a_plan_of_defaults_can_be_written() {
        check(|_| (), None);
        assert_eq!(Plan::default().num_planes(), 20);
    }

    #[test]
    fn counts_of_nothing_are_refused() {
        check(
            |plan| plan.num_z = 0,
            Some("number of z-slices is 0, expected at least 1"),
        );
        check(
            |plan| plan.channels.clear(),
            Some("number of channels is 0, expected at least 1"),
        );
        check(
            |plan| plan.regions.clear(),
            Some("number of regions is 0, expected at least 1"),
        );
        check(
            |plan| plan.regions.push(("R1".into(), 0)),
            Some("number of FOVs of a region is 0, expected at least 1"),
        );
    }

    #[test]
    fn counts_beyond_the_budgets_are_refused() {
        check(
            |plan| plan.width = 70_000,
            Some("70000 width, expected at most 65536"),
        );
        check(
            |plan| (plan.width, plan.height) = (65_536, 65_536),
            Some("4294967296 number of pixels, expected at most 536870912"),
        );
    }

    #[test]
    fn regions_that_leave_their_folder_are_refused() {
        for name in ["", ".", "..", "a/b", "a\\b", "x ", "a\n"] {
            let text = format!("region {name:?} cannot be the name of a folder");
            check(|plan| plan.regions = vec![(name.into(), 1)], Some(&text));
        }
        check(|plan| plan.regions = vec![("区域 µ_1".into(), 1)], None);
    }

    #[test]
    fn wells_are_named_once_and_exist() {
        let plate = |names: &[&str]| {
            let regions = names.iter().map(|&name| (name.to_owned(), 1)).collect();
            move |plan: &mut Plan| (plan.structure, plan.regions) = (Structure::Hcs, regions)
        };
        check(plate(&["A1", "AF48"]), None);
        check(
            plate(&["R0"]),
            Some("region \"R0\" is not a well, expected A1 to AF48"),
        );
        check(
            plate(&["AG1"]),
            Some("region \"AG1\" is not a well, expected A1 to AF48"),
        );
        check(plate(&["B2", "b2"]), Some("region \"b2\" is named twice"));
    }

    #[test]
    fn what_is_left_out_is_part_of_the_acquisition() {
        let skips = |timepoints: &[u32]| {
            let skipped_timepoints = timepoints.iter().copied().collect();
            move |plan: &mut Plan| {
                (plan.num_timepoints, plan.skipped_timepoints) = (3, skipped_timepoints);
            }
        };
        check(skips(&[1]), None);
        check(
            skips(&[1, 3]),
            Some("timepoint 3 is skipped, expected 0 to 2"),
        );
        check(
            skips(&[0, 1, 2]),
            Some("all 3 timepoints are skipped, expected at least 1 that is not"),
        );
        check(|plan| plan.ending = Ending::AbortsAfter(20), None);
        check(
            |plan| plan.ending = Ending::CrashesAfter(21),
            Some("it ends after 21 planes, expected at most 20"),
        );
    }

    #[test]
    fn shards_are_filled_by_their_chunks() {
        let tiled = |width, compression| {
            move |plan: &mut Plan| {
                (plan.width, plan.compression) = (width, compression);
                plan.chunks = ChunkMode::Tiled512;
            }
        };
        check(tiled(1000, Compression::Fast), None);
        check(tiled(1024, Compression::Best), None);
        check(
            tiled(1000, Compression::Best),
            Some("planes of 1000 x 1024 in shards of 512 x 512 chunks, expected multiples of 512"),
        );
    }
}
