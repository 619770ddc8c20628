//! FOVs of old acquisitions, which have a row and a column of the scan, or a place of the stage, in place of an index.
//!
//! Squid `control/core.py` of 2020 to 2024. Its tables of positions name no regions but in software for plates since July
//! 2024: there they go through one region after the other, in the order in which wells were visited.

use std::collections::{BTreeSet, HashMap};

use crate::model::WellName;

/// Row and column of a scan; of places of the stage y and x in µm.
pub(super) type Cell = (i64, i64);

/// Indices of the FOVs of a region by where they lie.
pub(super) type Grid = HashMap<Cell, u32>;

/// Which FOV lies where.
#[derive(Clone, Debug, Default)]
pub(super) struct Grids {
    /// Of regions that a table names.
    pub(super) by_region: HashMap<String, Grid>,
    /// Of all regions: nothing names them but the files.
    pub(super) of_any: Option<Grid>,
    /// z-slices that a table has; 0 where nothing says it.
    pub(super) num_z: u32,
    /// Places are those of the stage.
    pub(super) are_on_stage: bool,
}

impl Grids {
    /// True where FOVs have indices.
    pub(super) fn is_empty(&self) -> bool {
        self.by_region.is_empty() && self.of_any.is_none()
    }

    /// Index of the FOV at a place of a region.
    pub(super) fn fov_at(&self, region: &str, cell: Cell) -> Option<u32> {
        let grid = self.by_region.get(region).or(self.of_any.as_ref())?;
        grid.get(&cell).copied()
    }

    /// The place of a FOV on the stage (y, x in µm), where that is what FOVs are named by.
    pub(super) fn stage_of(&self, region: &str, fov: u32) -> Option<Cell> {
        let grid = self.by_region.get(region).filter(|_| self.are_on_stage)?;
        let mut cells = grid.iter();
        cells.find_map(|(cell, &number)| (number == fov).then_some(*cell))
    }

    /// Takes a row of a table; an empty name is that of any region.
    pub(super) fn add(&mut self, region: &str, cell: Cell, fov: u32, z: Option<u32>) {
        if let Some(z) = z {
            self.num_z = self.num_z.max(z.saturating_add(1));
        }
        let grid = match region {
            "" => self.of_any.get_or_insert_default(),
            _ => self.by_region.entry(region.to_owned()).or_default(),
        };
        grid.insert(cell, fov);
    }
}

/// Numbers places row by row.
pub(super) fn numbered(cells: BTreeSet<Cell>) -> Grid {
    cells.into_iter().zip(0..).collect()
}

/// Regions in the order in which they were scanned, by where the scan of each began (x, y in µm): `None` where there is
/// another number of them, or wells would not lie as on a plate.
pub(super) fn scan_order(regions: &[String], starts: &[(f64, f64)]) -> Option<Vec<String>> {
    if regions.len() != starts.len() {
        return None;
    }
    let wells: Option<Vec<Well<'_>>> = regions.iter().map(|name| Well::parse(name)).collect();
    // Flexible regions are numbered as they were visited, which is their natural order.
    let Some(mut wells) = wells else {
        return Some(regions.to_vec());
    };
    wells.sort_unstable_by_key(|well| (well.row, well.column));
    let orders = [serpentine(&wells), wells];
    let found = orders
        .iter()
        .find(|order| lie_as_on_a_plate(order, starts))?;
    Some(found.iter().map(|well| well.name.to_owned()).collect())
}

#[derive(Clone, Copy, Debug)]
struct Well<'a> {
    name: &'a str,
    row: u32,
    column: u32,
}

impl<'a> Well<'a> {
    fn parse(name: &'a str) -> Option<Self> {
        let well = WellName::parse(name)?;
        Some(Self {
            name,
            row: well.row_index()?,
            column: well.column_index()?,
        })
    }
}

/// Every second row of those with wells backwards (`ScanCoordinates.get_selected_wells`).
fn serpentine<'a>(sorted: &[Well<'a>]) -> Vec<Well<'a>> {
    let rows = sorted.chunk_by(|one, other| one.row == other.row);
    let mut order = Vec::with_capacity(sorted.len());
    for (at, row) in rows.enumerate() {
        if at % 2 == 0 {
            order.extend_from_slice(row);
        } else {
            order.extend(row.iter().rev());
        }
    }
    order
}

/// True where x never falls as columns grow, nor y as rows do.
fn lie_as_on_a_plate(wells: &[Well<'_>], starts: &[(f64, f64)]) -> bool {
    let placed = || wells.iter().zip(starts);
    let grows = |key: fn(&Well<'_>) -> u32, along: fn(&(f64, f64)) -> f64| {
        let mut places: Vec<(u32, f64)> = placed()
            .map(|(well, start)| (key(well), along(start)))
            .collect();
        places.sort_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
        places
            .windows(2)
            .all(|pair| pair[0].0 == pair[1].0 || pair[0].1 <= pair[1].1)
    };
    grows(|well| well.column, |start| start.0) && grows(|well| well.row, |start| start.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(regions: &[&str], starts: &[(f64, f64)], expected: Option<&[&str]>) {
        let regions: Vec<String> = regions.iter().map(|&name| name.to_owned()).collect();
        let found = scan_order(&regions, starts);
        let found: Option<Vec<&str>> = found
            .as_ref()
            .map(|order| order.iter().map(String::as_str).collect());
        assert_eq!(found.as_deref(), expected, "{regions:?}");
    }

    #[test]
    fn wells_are_visited_as_a_serpentine() {
        let starts = [(0.0, 0.0), (9.0, 0.0), (9.1, 9.0), (0.1, 9.0)];
        let wells = ["A1", "A2", "B1", "B2"];
        check(&wells, &starts, Some(&["A1", "A2", "B2", "B1"]));
    }

    #[test]
    fn places_of_the_stage_tell_whether_an_order_can_be() {
        let wells = ["A1", "A2", "B1", "B2"];
        let rows = [(0.0, 0.0), (9.0, 0.0), (0.0, 9.0), (9.0, 9.0)];
        check(&wells, &rows, Some(&wells));
        let columns = [(0.0, 0.0), (0.0, 9.0), (9.0, 0.0), (9.0, 9.0)];
        check(&wells, &columns, None);
        check(&wells, &rows[..3], None);
    }

    #[test]
    fn other_regions_are_visited_as_they_are_numbered() {
        let starts = [(5.0, 5.0), (0.0, 0.0)];
        check(&["0", "1"], &starts, Some(&["0", "1"]));
        check(&["A10"], &starts[..1], Some(&["A10"]));
    }
}
