//! What a start call says of an acquisition before anything of it is on disk, checked.
//!
//! The calls are those of the viewer that Squid embeds (Cephla-Lab/ndviewer_light `core.py`): `start_acquisition`,
//! `start_zarr_acquisition`, `start_zarr_acquisition_6d`. A FOV has a flat number over all regions; 6-D notices name a
//! region and a number inside of it. Shape and sample type stay unknown until a store exists.

use std::{collections::HashSet, path::PathBuf, time::SystemTime};

use crate::model::limits;

/// Where the planes of an announced acquisition will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnnouncedLayout {
    /// One store per FOV, (T, C, Z, Y, X), its array at `0`.
    PerFov {
        /// Folder of each FOV's image group, by flat number.
        paths: Vec<PathBuf>,
    },
    /// One store per region that holds all of its FOVs, (FOV, T, C, Z, Y, X), or (T, C, Z, Y, X) where it holds one.
    PerRegion {
        /// Folder of each region's store.
        paths: Vec<PathBuf>,
    },
    /// Image files, or arrays in memory, registered one by one.
    Registered,
}

/// One region of an announced acquisition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnouncedRegion {
    /// Its name.
    pub name: String,
    /// Its FOVs.
    pub num_fovs: u32,
    /// Flat number of its first FOV.
    pub first: u32,
}

/// What a start call announced.
#[derive(Clone, Debug, PartialEq)]
pub struct Announcement {
    /// When it was announced: what lies on disk may be of an earlier run.
    pub at: SystemTime,
    /// Where planes will be.
    pub layout: AnnouncedLayout,
    /// Names of the channels, by index; at least one, none twice.
    pub channels: Vec<String>,
    /// z-slices; at least 1.
    pub num_z: u32,
    /// Columns of a plane in pixels; at least 1.
    pub width: u32,
    /// Rows of a plane in pixels; at least 1.
    pub height: u32,
    /// Pixel size in µm, above 0.
    pub pixel_size_um: Option<f64>,
    /// Distance of z-slices in µm, above 0.
    pub z_step_um: Option<f64>,
    /// Label of each FOV by flat number: `A1:0`.
    pub labels: Vec<String>,
    /// What region a notice's `region_idx` means; one without name where FOVs are counted flat.
    regions: Vec<AnnouncedRegion>,
    /// What had to be assumed, for the list of problems.
    pub warnings: Vec<String>,
}

/// Sizes that every start call has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnnouncedSizes {
    /// Names of the channels.
    pub channels: Vec<String>,
    /// z-slices.
    pub num_z: i64,
    /// Rows of a plane.
    pub height: i64,
    /// Columns of a plane.
    pub width: i64,
}

/// A start call makes no sense; nothing was started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnnounceError {
    /// No store or no FOV.
    #[error("no {what}, expected at least one")]
    Nothing {
        /// What there is none of.
        what: &'static str,
    },
    /// An empty path.
    #[error("path {index} is empty")]
    EmptyPath {
        /// Its place in the list.
        index: usize,
    },
    /// Lists that belong together have different lengths.
    #[error("{found} {what}, expected {expected}, one per region")]
    Mismatch {
        /// The list.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The number of regions.
        expected: usize,
    },
    /// Labels of FOVs that are not one per FOV.
    #[error("{found} labels of FOVs, expected {expected}, one per FOV")]
    Labels {
        /// Labels given.
        found: usize,
        /// FOVs of all regions.
        expected: usize,
    },
    /// A size is below 1 or beyond the budget.
    #[error("{what} is {found}, expected 1 to {limit}")]
    Size {
        /// What is counted.
        what: &'static str,
        /// The value.
        found: i64,
        /// The budget.
        limit: i64,
    },
    /// Two channels have one name, so notices could not tell them apart.
    #[error("channel {name:?} is named twice")]
    ChannelTwice {
        /// The name.
        name: String,
    },
}

/// A notice names a plane that the acquisition does not have; it was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// An index is below 0 or beyond the plan.
    #[error("{what} {found}, expected 0 to {last}")]
    OutOfRange {
        /// Which index.
        what: &'static str,
        /// The value.
        found: i64,
        /// The last one that there is.
        last: i64,
    },
    /// No channel of that name.
    #[error("channel {name:?}, expected one of {known:?}")]
    UnknownChannel {
        /// The name.
        name: String,
        /// The channels of the acquisition.
        known: Vec<String>,
    },
    /// An image file is registered without a path.
    #[error("a registered image has an empty path")]
    EmptyPath,
    /// A region that is not in the dataset.
    #[error("region {name:?} is not in the dataset")]
    UnknownRegion {
        /// Name given.
        name: String,
    },
    /// No acquisition was started with this handle.
    #[error("no acquisition was started")]
    NotStarted,
    /// A notice for stores where image files and arrays were announced.
    #[error(
        "the planes of this acquisition are registered one by one, expected an image file or an array"
    )]
    IsRegistered,
    /// An image file or array where stores were announced.
    #[error("the planes of this acquisition lie in stores, expected a notice")]
    IsStored,
    /// Pixels that do not fit the announced plane.
    #[error("{found_width} x {found_height} pixels, expected {width} x {height}")]
    Pixels {
        /// Columns given.
        found_width: u32,
        /// Rows given.
        found_height: u32,
        /// Columns announced.
        width: u32,
        /// Rows announced.
        height: u32,
    },
}

/// A plane as a notice names it: FOV by flat number, channel by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlaneAt {
    /// Flat number of the FOV.
    pub fov: u32,
    /// Timepoint index.
    pub t: u32,
    /// Channel index.
    pub c: u16,
    /// z-slice index.
    pub z: u32,
}

/// A plane as a caller names it, unchecked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticeAt<'a> {
    /// Timepoint index.
    pub t: i64,
    /// Number of the FOV: flat, or inside of its region where the layout has regions.
    pub fov_idx: i64,
    /// z-slice index.
    pub z: i64,
    /// Name of the channel.
    pub channel: &'a str,
    /// Index of the region; 0 where FOVs are counted flat.
    pub region_idx: i64,
}

impl Announcement {
    /// One store per FOV. Where the lists have different lengths the longer one is cut, which is listed.
    ///
    /// # Errors
    /// When there is no path, one is empty, a size is out of its range, or a channel is named twice.
    pub fn per_fov(
        fov_paths: Vec<PathBuf>,
        sizes: AnnouncedSizes,
        mut fov_labels: Vec<String>,
    ) -> Result<Self, AnnounceError> {
        let mut paths = fov_paths;
        check_paths(&paths, "stores of FOVs")?;
        let mut warnings = Vec::new();
        if paths.len() != fov_labels.len() {
            warnings.push(format!(
                "{} stores were announced with {} labels; the longer list is cut",
                paths.len(),
                fov_labels.len()
            ));
            paths.truncate(fov_labels.len());
            fov_labels.truncate(paths.len());
        }
        Self::flat(
            AnnouncedLayout::PerFov { paths },
            sizes,
            fov_labels,
            warnings,
        )
    }

    /// One store per region. Labels are `{region}:{fov}`; regions without a name are `region_0`, `region_1`, …
    ///
    /// # Errors
    /// When there is no path, one is empty, lists have different lengths, a region has fewer than 1 FOV, a size is out
    /// of its range, or a channel is named twice.
    pub fn per_region(
        region_paths: Vec<PathBuf>,
        sizes: AnnouncedSizes,
        fovs_per_region: &[i64],
        region_labels: Option<Vec<String>>,
    ) -> Result<Self, AnnounceError> {
        let expected = region_paths.len();
        check_paths(&region_paths, "stores of regions")?;
        let same_length = |what, found| {
            let is_same = found == expected;
            is_same.then_some(()).ok_or(AnnounceError::Mismatch {
                what,
                found,
                expected,
            })
        };
        same_length("numbers of FOVs", fovs_per_region.len())?;
        let names = region_labels
            .unwrap_or_else(|| (0..expected).map(|at| format!("region_{at}")).collect());
        same_length("labels of regions", names.len())?;
        let mut regions: Vec<AnnouncedRegion> = Vec::with_capacity(expected);
        let mut labels = Vec::new();
        for (name, &count) in names.into_iter().zip(fovs_per_region) {
            let num_fovs = size("FOVs of a region", count, limits::FOVS as i64)?;
            let first = labels.len() as u32;
            size(
                "FOVs",
                i64::from(first) + i64::from(num_fovs),
                limits::FOVS as i64,
            )?;
            labels.extend((0..num_fovs).map(|fov| format!("{name}:{fov}")));
            regions.push(AnnouncedRegion {
                name,
                num_fovs,
                first,
            });
        }
        let layout = AnnouncedLayout::PerRegion {
            paths: region_paths,
        };
        Self::checked(layout, sizes, labels, regions, Vec::new())
    }

    /// The same with other labels of its FOVs, by flat number.
    ///
    /// # Errors
    /// When there is not one label per FOV.
    pub fn with_labels(mut self, labels: Vec<String>) -> Result<Self, AnnounceError> {
        let (found, expected) = (labels.len(), self.labels.len());
        if found != expected {
            return Err(AnnounceError::Labels { found, expected });
        }
        self.labels = labels;
        Ok(self)
    }

    /// Image files or arrays that will be registered one by one.
    ///
    /// # Errors
    /// When there is no FOV, a size is out of its range, or a channel is named twice.
    pub fn registered(
        sizes: AnnouncedSizes,
        fov_labels: Vec<String>,
    ) -> Result<Self, AnnounceError> {
        Self::flat(AnnouncedLayout::Registered, sizes, fov_labels, Vec::new())
    }

    /// FOVs counted flat: one region without a name.
    fn flat(
        layout: AnnouncedLayout,
        sizes: AnnouncedSizes,
        labels: Vec<String>,
        warnings: Vec<String>,
    ) -> Result<Self, AnnounceError> {
        if labels.is_empty() {
            return Err(AnnounceError::Nothing { what: "FOVs" });
        }
        let num_fovs = size("FOVs", labels.len() as i64, limits::FOVS as i64)?;
        let regions = vec![AnnouncedRegion {
            name: String::new(),
            num_fovs,
            first: 0,
        }];
        Self::checked(layout, sizes, labels, regions, warnings)
    }

    fn checked(
        layout: AnnouncedLayout,
        sizes: AnnouncedSizes,
        labels: Vec<String>,
        regions: Vec<AnnouncedRegion>,
        warnings: Vec<String>,
    ) -> Result<Self, AnnounceError> {
        let num_channels = sizes.channels.len() as i64;
        size("number of channels", num_channels, limits::CHANNELS as i64)?;
        let mut seen = HashSet::new();
        for name in &sizes.channels {
            if !seen.insert(name) {
                return Err(AnnounceError::ChannelTwice { name: name.clone() });
            }
        }
        let side = i64::from(limits::ANNOUNCED_SIDE_PX);
        Ok(Self {
            at: SystemTime::now(),
            num_z: size(
                "number of z-slices",
                sizes.num_z,
                i64::from(limits::Z_SLICES),
            )?,
            width: size("width", sizes.width, side)?,
            height: size("height", sizes.height, side)?,
            layout,
            channels: sizes.channels,
            pixel_size_um: None,
            z_step_um: None,
            labels,
            regions,
            warnings,
        })
    }

    /// FOVs; at least 1.
    #[must_use]
    pub fn num_fovs(&self) -> u32 {
        self.labels.len() as u32
    }

    /// The regions that `region_idx` counts; a single one without a name where FOVs are counted flat.
    #[must_use]
    pub fn regions(&self) -> &[AnnouncedRegion] {
        &self.regions
    }

    /// The flat number of a FOV of a region.
    ///
    /// # Errors
    /// When there is no such region, or no such FOV in it.
    pub fn flat_of(&self, region_idx: i64, fov_idx: i64) -> Result<u32, NoticeError> {
        let region = index("region_idx", region_idx, self.regions.len() as i64)?;
        let region = &self.regions[region as usize];
        let fov = index("fov_idx", fov_idx, i64::from(region.num_fovs))?;
        Ok(region.first + fov)
    }

    /// Region index and number inside of it of a flat FOV number; the inverse of [`Self::flat_of`].
    #[must_use]
    pub fn local_of(&self, flat: u32) -> Option<(u32, u32)> {
        let after = self.regions.partition_point(|region| region.first <= flat);
        let at = after.checked_sub(1)?;
        let region = &self.regions[at];
        let fov = flat - region.first;
        (fov < region.num_fovs).then_some((at as u32, fov))
    }

    /// Checks a notice against the plan; t against [`limits::TIMEPOINTS`], because no start call says how many there are.
    ///
    /// # Errors
    /// When an index is below 0 or beyond the plan, or the channel is unknown.
    pub fn check(&self, notice: NoticeAt<'_>) -> Result<PlaneAt, NoticeError> {
        let c = self.channels.iter().position(|name| name == notice.channel);
        let c = c.ok_or_else(|| NoticeError::UnknownChannel {
            name: notice.channel.to_owned(),
            known: self.channels.clone(),
        })?;
        Ok(PlaneAt {
            fov: self.flat_of(notice.region_idx, notice.fov_idx)?,
            t: index("t", notice.t, i64::from(limits::TIMEPOINTS))?,
            c: c as u16,
            z: index("z", notice.z, i64::from(self.num_z))?,
        })
    }
}

fn check_paths(paths: &[PathBuf], what: &'static str) -> Result<(), AnnounceError> {
    if paths.is_empty() {
        return Err(AnnounceError::Nothing { what });
    }
    let empty = paths.iter().position(|path| path.as_os_str().is_empty());
    empty.map_or(Ok(()), |index| Err(AnnounceError::EmptyPath { index }))
}

fn size(what: &'static str, found: i64, limit: i64) -> Result<u32, AnnounceError> {
    let value = u32::try_from(found).ok();
    let inside = value.filter(|_| (1..=limit).contains(&found));
    inside.ok_or(AnnounceError::Size { what, found, limit })
}

fn index(what: &'static str, found: i64, length: i64) -> Result<u32, NoticeError> {
    let value = u32::try_from(found).ok().filter(|_| found < length);
    value.ok_or(NoticeError::OutOfRange {
        what,
        found,
        last: length - 1,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sizes() -> AnnouncedSizes {
        AnnouncedSizes {
            channels: vec!["DAPI".into(), "GFP".into()],
            num_z: 3,
            height: 48,
            width: 64,
        }
    }

    fn regions(counts: &[i64]) -> Announcement {
        let paths = counts.iter().map(|_| PathBuf::from("/r")).collect();
        Announcement::per_region(paths, sizes(), counts, None).unwrap()
    }

    proptest! {
        #[test]
        fn region_and_number_are_the_flat_number_and_back(
            counts in prop::collection::vec(1_i64..40, 1..12),
        ) {
            let announced = regions(&counts);
            let mut flat = 0;
            for (region, &count) in counts.iter().enumerate() {
                for fov in 0..count {
                    prop_assert_eq!(announced.flat_of(region as i64, fov), Ok(flat));
                    prop_assert_eq!(announced.local_of(flat), Some((region as u32, fov as u32)));
                    flat += 1;
                }
                prop_assert!(announced.flat_of(region as i64, count).is_err());
            }
            prop_assert_eq!(announced.num_fovs(), flat);
            prop_assert_eq!(announced.local_of(flat), None);
        }
    }

    #[test]
    fn a_start_that_makes_no_sense_is_refused_with_its_values() {
        let path = || vec![PathBuf::from("/a")];
        let text = |outcome: Result<Announcement, AnnounceError>| outcome.unwrap_err().to_string();
        let check = |outcome, expected: &str| assert_eq!(text(outcome), expected);
        check(
            Announcement::per_fov(vec![], sizes(), vec![]),
            "no stores of FOVs, expected at least one",
        );
        check(
            Announcement::per_fov(vec!["/a".into(), "".into()], sizes(), vec![]),
            "path 1 is empty",
        );
        check(
            Announcement::per_region(path(), sizes(), &[0], None),
            "FOVs of a region is 0, expected 1 to 262144",
        );
        check(
            Announcement::per_region(path(), sizes(), &[1, 2], None),
            "2 numbers of FOVs, expected 1, one per region",
        );
        let twice = AnnouncedSizes {
            channels: vec!["GFP".into(), "GFP".into()],
            ..sizes()
        };
        check(
            Announcement::registered(twice, vec!["A1:0".into()]),
            "channel \"GFP\" is named twice",
        );
        let none = AnnouncedSizes {
            num_z: -1,
            ..sizes()
        };
        check(
            Announcement::registered(none, vec!["A1:0".into()]),
            "number of z-slices is -1, expected 1 to 65536",
        );
    }

    #[test]
    fn unequal_lists_are_cut_and_that_is_said() {
        let paths = vec!["/a".into(), "/b".into(), "/c".into()];
        let labels = vec!["A1:0".into(), "A1:1".into()];
        let announced = Announcement::per_fov(paths, sizes(), labels).unwrap();
        assert_eq!(announced.num_fovs(), 2);
        assert_eq!(
            announced.warnings,
            ["3 stores were announced with 2 labels; the longer list is cut"]
        );
    }

    #[test]
    fn a_notice_beyond_the_plan_is_refused() {
        let announced = regions(&[4, 6]);
        let good = NoticeAt {
            t: 0,
            fov_idx: 5,
            z: 2,
            channel: "GFP",
            region_idx: 1,
        };
        let expected = PlaneAt {
            fov: 9,
            t: 0,
            c: 1,
            z: 2,
        };
        assert_eq!(announced.check(good), Ok(expected));
        let check = |notice: NoticeAt<'_>, text: &str| {
            assert_eq!(announced.check(notice).unwrap_err().to_string(), text);
        };
        check(NoticeAt { t: -1, ..good }, "t -1, expected 0 to 65535");
        check(NoticeAt { z: 3, ..good }, "z 3, expected 0 to 2");
        check(
            NoticeAt { fov_idx: 6, ..good },
            "fov_idx 6, expected 0 to 5",
        );
        check(
            NoticeAt {
                region_idx: 2,
                ..good
            },
            "region_idx 2, expected 0 to 1",
        );
        check(
            NoticeAt {
                channel: "RFP",
                ..good
            },
            "channel \"RFP\", expected one of [\"DAPI\", \"GFP\"]",
        );
    }
}
