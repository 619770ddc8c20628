//! File names of single planes: `{region}_{fov}_{z}_{channel}.{ending}` (Squid `control/core/multi_point_worker.py`,
//! `control/utils_acquisition.py`), and those of 2020 to 2024, which have places of FOVs (`control/core.py`).
//!
//! Any part may hold underscores, and a channel's name comes out of the sanitiser with fewer characters than went in. So
//! names are not taken apart by themselves: a region that the side files list comes before one that only fits, then a
//! known channel, then the longer region. Where FOVs have rows and columns, a place counts that the scan has, then a known
//! channel.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
};

use crate::{
    formats::{
        scan_grid::{self, Cell, Grids},
        side_files::ONLY_REGION,
        timepoints::{MAX_DIGITS, with_short_numbers},
        twins,
    },
    image_file::is_image_name,
    metadata::file_names::{is_replaced, sanitised},
    model::limits,
};

/// What a file name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileName<'a> {
    pub(super) region: &'a str,
    pub(super) place: Place<'a>,
    pub(super) z: &'a str,
    /// The sanitised channel name.
    pub(super) channel: Cow<'a, str>,
    pub(super) ending: &'a str,
}

/// Which FOV of its region a file is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// Digits as written; machines pad them by a setting of their own.
    Index(&'a str),
    /// Old names: where it lies.
    Cell(Cell),
}

impl<'a> Place<'a> {
    /// An index as it is written.
    pub(super) fn index(self) -> Option<&'a str> {
        match self {
            Self::Index(number) => Some(number),
            Self::Cell(_) => None,
        }
    }

    /// True where an index is written with so many digits at least.
    pub(super) fn is_as_wide(self, width: usize) -> bool {
        self.index()
            .is_none_or(|number| twins::is_as_wide(number, width))
    }
}

/// What the side files say names consist of.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) regions: HashSet<String>,
    /// Sanitised.
    pub(super) channels: HashSet<String>,
    /// Names have places in place of indices where there are any.
    pub(super) grids: Grids,
}

/// Images of the autofocus cameras, which lie among the planes.
fn is_stray(channel: &str) -> bool {
    // A sanitised name has no space; "laser af camera" was never sanitised.
    channel.chars().any(is_replaced) || channel.ends_with("focus_camera")
}

/// True for a name of 2021: `{row}_{column}_{z}{channel}`.
pub(super) fn is_joined(name: &str) -> bool {
    let stem = name.rsplit_once('.').filter(|_| is_image_name(name));
    stem.and_then(|(stem, ending)| in_scan("", stem, ending))
        .is_some()
}

impl Names {
    /// Takes a file name apart; `None` where it names no plane.
    pub(super) fn parse<'a>(&self, name: &'a str) -> Option<FileName<'a>> {
        let (stem, ending) = name.rsplit_once('.')?;
        if !is_image_name(name) {
            return None;
        }
        if let Some(found) = on_stage(stem, ending) {
            return Some(found);
        }
        if !self.grids.is_empty() {
            return self.parse_in_scan(stem, ending, &|name| self.has(name));
        }
        let places = stem.match_indices('_').map(|(at, _)| at);
        places
            .filter_map(|at| split(stem, at, ending))
            .max_by_key(|found| {
                (
                    self.regions.contains(found.region),
                    self.channels.contains(&*found.channel),
                    found.region.len(),
                )
            })
    }

    /// A name of 2020 to 2024 among those that `is_meant`: `{row}_{column}_{z}_{channel}`, in front of it the region and
    /// an underscore; regions that a table names stand in front without one too.
    fn parse_in_scan<'a>(
        &self,
        stem: &'a str,
        ending: &'a str,
        is_meant: &dyn Fn(&FileName<'_>) -> bool,
    ) -> Option<FileName<'a>> {
        let ends = stem.char_indices().map(|(at, _)| at);
        let found = ends.filter_map(|at| {
            let (prefix, rest) = stem.split_at_checked(at)?;
            let is_listed = self.grids.by_region.contains_key(prefix);
            let rest = match rest.strip_prefix('_') {
                Some(rest) if !prefix.is_empty() => rest,
                _ if prefix.is_empty() || is_listed => rest,
                _ => return None,
            };
            let name = in_scan(prefix, rest, ending).filter(is_meant)?;
            let slice: u32 = name.z.parse().ok()?;
            let length = prefix.len() as i64;
            let rank = (
                self.channels.contains(&*name.channel),
                self.grids.num_z == 0 || slice < self.grids.num_z,
                !prefix.is_empty(),
                if is_listed { length } else { -length },
            );
            Some((rank, name))
        });
        found.max_by_key(|(rank, _)| *rank).map(|(_, name)| name)
    }

    fn has(&self, name: &FileName<'_>) -> bool {
        let Place::Cell(cell) = name.place else {
            return false;
        };
        self.grids.fov_at(name.region, cell).is_some()
    }

    /// Takes the places of FOVs from the files of a timepoint where only they tell: names with places of the stage, and
    /// where no table was written (`has_no_plan`) names that all have row and column.
    pub(super) fn with_found_grids<'a>(
        mut self,
        files: &(impl Iterator<Item = &'a str> + Clone),
        has_no_plan: bool,
    ) -> Self {
        let stems = |part: &'static str| {
            let names = files.clone().filter(move |name| name.contains(part));
            let images = names.filter(|name| is_image_name(name));
            images.filter_map(|name| name.rsplit_once('.'))
        };
        let mut on_stages: HashMap<&str, BTreeSet<Cell>> = HashMap::new();
        for name in stems("_x").filter_map(|(stem, ending)| on_stage(stem, ending)) {
            if let Place::Cell(cell) = name.place {
                on_stages.entry(name.region).or_default().insert(cell);
            }
        }
        if !on_stages.is_empty() {
            let grids = on_stages.into_iter();
            self.grids.by_region = grids
                .map(|(region, cells)| (region.to_owned(), scan_grid::numbered(cells)))
                .collect();
            self.grids.of_any = None;
            self.grids.are_on_stage = true;
        } else if has_no_plan && self.grids.is_empty() {
            self.grids.of_any = self.cells_of(stems("")).map(scan_grid::numbered);
        }
        self
    }

    /// Places of all planes in a folder; `None` where one of them has no row and column.
    fn cells_of<'a>(
        &self,
        stems: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Option<BTreeSet<Cell>> {
        let has_known_channel = |name: &FileName<'_>| {
            self.channels.is_empty() || self.channels.contains(&*name.channel)
        };
        let mut cells = BTreeSet::new();
        for (stem, ending) in stems {
            let mut places = stem.match_indices('_').map(|(at, _)| at);
            let is_plane = places.any(|at| split(stem, at, ending).is_some());
            match self.parse_in_scan(stem, ending, &has_known_channel) {
                Some(name) => {
                    if let Place::Cell(cell) = name.place {
                        cells.insert(cell);
                    }
                }
                None if is_plane => return None,
                None => {}
            }
        }
        (!cells.is_empty()).then_some(cells)
    }

    /// True for a name that would be of a plane if its numbers were smaller.
    pub(super) fn is_beyond(&self, name: &str) -> bool {
        if let Some(found) = self.parse(name) {
            return found.z.parse::<u32>().is_ok_and(|z| z >= limits::Z_SLICES);
        }
        with_short_numbers(name).is_some_and(|short| self.parse(&short).is_some())
    }

    /// Index of the FOV inside its region, and of the z-slice.
    pub(super) fn numbers(&self, name: &FileName<'_>) -> Option<(u32, u32)> {
        let z = name.z.parse().ok()?;
        let fov = match name.place {
            Place::Index(number) => number.parse().ok()?,
            Place::Cell(cell) => self.grids.fov_at(name.region, cell)?,
        };
        Some((fov, z))
    }
}

fn is_number(text: &str) -> bool {
    (1..=MAX_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The name with a region that ends at `at`.
fn split<'a>(stem: &'a str, at: usize, ending: &'a str) -> Option<FileName<'a>> {
    let (region, rest) = (stem.get(..at)?, stem.get(at + 1..)?);
    let (fov, rest) = rest.split_once('_')?;
    let (z, channel) = rest.split_once('_')?;
    let is_plane = !region.is_empty() && is_number(fov) && is_number(z) && !channel.is_empty();
    (is_plane && !is_stray(channel)).then_some(FileName {
        region,
        place: Place::Index(fov),
        z,
        channel: channel.into(),
        ending,
    })
}

/// `{row}_{column}_{z}_{channel}`; until January 2022 `{row}_{column}_{z}{channel}`, with the channel's name as it is.
fn in_scan<'a>(prefix: &'a str, rest: &'a str, ending: &'a str) -> Option<FileName<'a>> {
    let mut parts = rest.splitn(3, '_');
    let [row, column, rest] = [(); 3].map(|()| parts.next().unwrap_or_default());
    let num_digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (z, rest) = rest.split_at_checked(num_digits)?;
    let channel = match rest.strip_prefix('_') {
        Some(channel) => Cow::Borrowed(channel).into(),
        None => (prefix.is_empty() && rest.starts_with(char::is_alphabetic))
            .then(|| Cow::Owned(sanitised(rest))),
    };
    let channel = channel.filter(|channel: &Cow<'_, str>| !channel.is_empty())?;
    let is_plane = [row, column, z].into_iter().all(is_number) && !is_stray(&channel);
    is_plane.then_some(FileName {
        region: if prefix.is_empty() {
            ONLY_REGION
        } else {
            prefix
        },
        place: Place::Cell((row.parse().ok()?, column.parse().ok()?)),
        z,
        channel,
        ending,
    })
}

/// `{region}_x{mm}_y{mm}_z{z}_{channel}`, of a few weeks of 2024.
fn on_stage<'a>(stem: &'a str, ending: &'a str) -> Option<FileName<'a>> {
    let mut starts = stem.match_indices("_x").map(|(at, _)| at);
    starts.find_map(|at| {
        let (region, rest) = (stem.get(..at)?, stem.get(at + 2..)?);
        let (x, rest) = rest.split_once("_y")?;
        let (y, rest) = rest.split_once("_z")?;
        let (z, channel) = rest.split_once('_')?;
        let is_plane = !region.is_empty() && is_number(z) && !channel.is_empty();
        (is_plane && !is_stray(channel)).then_some(FileName {
            region,
            place: Place::Cell((um_of_mm(y)?, um_of_mm(x)?)),
            z,
            channel: channel.into(),
            ending,
        })
    })
}

/// A length in mm with three digits, in µm.
fn um_of_mm(text: &str) -> Option<i64> {
    let (whole, thousandths) = text.split_once('.')?;
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let is_length = is_number(digits) && thousandths.len() == 3 && is_number(thousandths);
    is_length.then(|| format!("{whole}{thousandths}").parse().ok())?
}

#[cfg(test)]
mod tests;
