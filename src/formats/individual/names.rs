//! File names of single planes: `{region}_{fov}_{z}_{channel}.{ending}` (Squid `control/core/multi_point_worker.py`,
//! `control/utils_acquisition.py`).
//!
//! Any part may hold underscores, and a channel's name comes out of the sanitiser with fewer characters than went in. So
//! names are not taken apart by themselves: a region that the side files list comes before one that only fits, then a
//! known channel, then the longer region.

use std::collections::HashSet;

use crate::{
    formats::side_files::{Grids, ONLY_REGION},
    image_file::is_image_name,
    metadata::file_names::is_replaced,
};

/// What a file name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileName<'a> {
    pub(super) region: &'a str,
    /// Digits as written; machines pad them by a setting of their own.
    pub(super) fov: &'a str,
    /// Old names: the column of the scan, where `fov` is the row.
    pub(super) column: Option<&'a str>,
    pub(super) z: &'a str,
    /// The sanitised channel name.
    pub(super) channel: &'a str,
    pub(super) ending: &'a str,
}

/// What the side files say names consist of.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) regions: HashSet<String>,
    /// Sanitised.
    pub(super) channels: HashSet<String>,
    /// Names have rows and columns in place of indices where there are any.
    pub(super) grids: Grids,
}

/// Images of the autofocus cameras, which lie among the planes.
fn is_stray(channel: &str) -> bool {
    // A sanitised name has no space; "laser af camera" was never sanitised.
    channel.chars().any(is_replaced) || channel.ends_with("focus_camera")
}

impl Names {
    /// Takes a file name apart; `None` where it names no plane.
    pub(super) fn parse<'a>(&self, name: &'a str) -> Option<FileName<'a>> {
        let (stem, ending) = name.rsplit_once('.')?;
        if !is_image_name(name) {
            return None;
        }
        if !self.grids.is_empty() {
            return self.parse_grid(stem, ending);
        }
        let places = stem.match_indices('_').map(|(at, _)| at);
        places
            .filter_map(|at| split(stem, at, ending))
            .max_by_key(|found| {
                (
                    self.regions.contains(found.region),
                    self.channels.contains(found.channel),
                    found.region.len(),
                )
            })
    }

    /// A name of 2020 to 2024: `{row}_{column}_{z}_{channel}`, in front of it the well, with an underscore or without.
    fn parse_grid<'a>(&self, stem: &'a str, ending: &'a str) -> Option<FileName<'a>> {
        let ends = stem.char_indices().map(|(at, _)| at);
        let longest_first = ends.rev().filter_map(|at| stem.split_at_checked(at));
        let mut found = longest_first.filter_map(|(well, rest)| {
            let region = if well.is_empty() { ONLY_REGION } else { well };
            let grid = self.grids.get(region)?;
            let rest = rest
                .strip_prefix('_')
                .filter(|_| !well.is_empty())
                .unwrap_or(rest);
            let mut parts = rest.splitn(4, '_');
            let [row, column, z, channel] = [(); 4].map(|()| parts.next().unwrap_or_default());
            let is_plane = [row, column, z].into_iter().all(is_number) && !channel.is_empty();
            let place = (row.parse().ok()?, column.parse().ok()?);
            let is_known = is_plane && !is_stray(channel) && grid.contains_key(&place);
            is_known.then_some(FileName {
                region,
                fov: row,
                column: Some(column),
                z,
                channel,
                ending,
            })
        });
        found.next()
    }

    /// Index of the FOV inside its region, and of the z-slice.
    pub(super) fn numbers(&self, name: &FileName<'_>) -> Option<(u32, u32)> {
        let z = name.z.parse().ok()?;
        let Some(column) = name.column else {
            return Some((name.fov.parse().ok()?, z));
        };
        let place = (name.fov.parse().ok()?, column.parse().ok()?);
        let fov = self.grids.get(name.region)?.get(&place)?;
        Some((*fov, z))
    }
}

fn is_number(text: &str) -> bool {
    (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The name with a region that ends at `at`.
fn split<'a>(stem: &'a str, at: usize, ending: &'a str) -> Option<FileName<'a>> {
    let (region, rest) = (stem.get(..at)?, stem.get(at + 1..)?);
    let (fov, rest) = rest.split_once('_')?;
    let (z, channel) = rest.split_once('_')?;
    let is_plane = !region.is_empty() && is_number(fov) && is_number(z) && !channel.is_empty();
    (is_plane && !is_stray(channel)).then_some(FileName {
        region,
        fov,
        column: None,
        z,
        channel,
        ending,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metadata::file_names::sanitised;

    fn check(regions: &[&str], channels: &[&str], name: &str, expected: Option<[&str; 4]>) {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let names = Names {
            regions: set(regions),
            channels: set(channels),
            ..Names::default()
        };
        let found = names.parse(name);
        let found = found.map(|name| [name.region, name.fov, name.z, name.channel]);
        assert_eq!(found, expected, "{name}");
    }

    #[test]
    fn plain_names_need_no_list() {
        let wells = Some(["A1", "0", "0", "Fluorescence_488_nm_Ex"]);
        check(&[], &[], "A1_0_0_Fluorescence_488_nm_Ex.tiff", wells);
        check(
            &[],
            &[],
            "B12_003_010_BF.bmp",
            Some(["B12", "003", "010", "BF"]),
        );
        check(&[], &[], "0_1_2_BF.PNG", Some(["0", "1", "2", "BF"]));
        let long = Some(["my_scan_area", "7", "0", "BF"]);
        check(&[], &[], "my_scan_area_7_0_BF.tif", long);
    }

    #[test]
    fn a_listed_region_comes_before_one_that_only_fits() {
        let name = "cell_0_0_0_BF.tiff";
        check(&["cell"], &[], name, Some(["cell", "0", "0", "0_BF"]));
        check(&["cell_0"], &[], name, Some(["cell_0", "0", "0", "BF"]));
        let both = ["cell", "cell_0"];
        check(&both, &["BF"], name, Some(["cell_0", "0", "0", "BF"]));
        check(&both, &["0_BF"], name, Some(["cell", "0", "0", "0_BF"]));
        check(&[], &["0_BF"], name, Some(["cell", "0", "0", "0_BF"]));
    }

    #[test]
    fn old_names_have_rows_and_columns() {
        let grid = || [((0, 0), 0), ((0, 1), 1), ((1, 0), 2)].into();
        let check = |regions: &[&str], name: &str, expected: Option<(&str, u32, u32, &str)>| {
            let grids = regions.iter().map(|&region| (region.to_owned(), grid()));
            let names = Names {
                grids: grids.collect(),
                ..Names::default()
            };
            let found = names.parse(name).map(|found| {
                let (fov, z) = names.numbers(&found).expect("numbers");
                (found.region, fov, z, found.channel)
            });
            assert_eq!(found, expected, "{name}");
        };
        let only = Some((ONLY_REGION, 2, 3, "Fluorescence_488_nm_Ex"));
        check(&[ONLY_REGION], "1_0_3_Fluorescence_488_nm_Ex.bmp", only);
        check(&[ONLY_REGION], "7_0_3_BF.bmp", None);
        check(&[ONLY_REGION], "A1_0_1_3_BF.bmp", None);
        let wells = ["A1", "A10"];
        check(&wells, "A10_1_2_BF.tiff", Some(("A1", 1, 2, "BF")));
        check(&wells, "A100_1_2_BF.tiff", Some(("A10", 1, 2, "BF")));
        check(&wells, "A10_0_1_2_BF.tiff", Some(("A10", 1, 2, "BF")));
        check(&wells, "A1_0_1_2_BF_0.tiff", Some(("A1", 1, 2, "BF_0")));
        check(&wells, "A1_focus_camera.bmp", None);
    }

    #[test]
    fn stray_files_name_no_plane() {
        for name in [
            "A1_focus_camera.bmp",
            "A1_0_0_laser af camera.bmp",
            "A1_0_0_focus_camera.bmp",
            "coordinates.csv",
            "A1_0_0_BF.txt",
            "A1_0_BF.tiff",
            "_0_0_BF.tiff",
            "A1_0_0_.tiff",
            "A1_-1_0_BF.tiff",
            "A1_0_99999999999_BF.tiff",
        ] {
            check(&["A1"], &[], name, None);
        }
    }

    proptest! {
        #[test]
        fn what_is_listed_is_found_again(
            region in "[A-Za-z0-9 _.-]{1,12}",
            fov in 0_u32..100_000,
            z in 0_u32..100_000,
            channel in "[A-Za-z0-9 _/:]{1,20}",
        ) {
            let key = sanitised(&channel);
            let names = Names {
                regions: [region.clone()].into(),
                channels: [key.clone()].into(),
                ..Names::default()
            };
            let name = format!("{region}_{fov:03}_{z}_{key}.tiff");
            let found = names.parse(&name);
            if !is_stray(&key) {
                let found = found.expect("a plane");
                prop_assert_eq!(found.region, region.as_str());
                prop_assert_eq!(found.channel, key.as_str());
                prop_assert_eq!(names.numbers(&found), Some((fov, z)));
            }
        }

        #[test]
        fn arbitrary_names_never_panic(name in "\\PC{0,30}\\.tiff") {
            Names::default().parse(&name);
        }
    }
}
