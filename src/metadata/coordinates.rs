//! `coordinates.csv`: planned positions in the root (z in mm), executed ones per timepoint (z in µm).
//!
//! Squid `control/core/multi_point_controller.py` (planned, no FOV column: its index is the order of rows within the
//! region) and `multi_point_worker.py` (executed, a row per FOV and z). Files of 2021 to 2024 have `i`, `j` and `k` or
//! `z_level` (row and column of the scan, z-slice), most of them no region; those of a few weeks of 2024 only the region.

use std::collections::HashMap;

use csv::StringRecord;

use super::{json::shown_text, ngff::unit_to_um};
use crate::model::{Code, Problem, limits};

/// One row of either table; all lengths in µm.
#[derive(Clone, Debug, PartialEq)]
pub struct StagePosition {
    /// Name of the region; empty where the table has no such column.
    pub region: String,
    /// Index of the FOV inside the region; of grids in the order of rows, then columns.
    pub fov: u32,
    /// How many times the same row, column and z-slice came before: a table without regions has one after the other.
    pub pass: u32,
    /// Row and column of the scan, where the table has them in place of an index.
    pub grid: Option<(i64, i64)>,
    /// z-slice index; executed tables only.
    pub z_level: Option<u32>,
    /// Centre along x in µm.
    pub x_um: f64,
    /// Centre along y in µm.
    pub y_um: f64,
    /// z of the stage in µm.
    pub z_um: Option<f64>,
    /// Time as written; executed tables only.
    pub time: Option<String>,
}

/// Reads either table; rows that cannot be used are left out and listed.
///
/// Columns are found by name in any case and order, the unit in parentheses counts (mm where there is none).
/// Locations of problems are "."; the caller knows the path.
#[must_use]
pub fn parse(text: &str) -> (Vec<StagePosition>, Vec<Problem>) {
    let mut table = Table::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let columns = match reader.headers() {
        Ok(header) => Columns::find(header),
        Err(error) => Err(format!("not a table: {error}")),
    };
    let columns = match columns {
        Ok(columns) => columns,
        Err(message) => {
            table
                .problems
                .push(Problem::new(Code::BadMetadata, ".", message));
            return (table.positions, table.problems);
        }
    };
    let mut record = StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(true) if table.num_rows < limits::TABLE_ROWS => table.take(&columns, &record),
            Ok(true) => {
                let message = format!("the table has more than {} rows", limits::TABLE_ROWS);
                table
                    .problems
                    .push(Problem::new(Code::TooLarge, ".", message));
                break;
            }
            Ok(false) => break,
            Err(error) => table.list(format!("not a row: {error}")),
        }
    }
    table.finish()
}

/// Where the columns are.
struct Columns {
    region: Option<usize>,
    fov: Option<usize>,
    z_level: Option<usize>,
    /// `i` and `j` of old files.
    grid: Option<(usize, usize)>,
    x: Length,
    y: Length,
    z: Option<Length>,
    time: Option<usize>,
}

/// A column of lengths.
#[derive(Clone, Copy)]
struct Length {
    column: usize,
    um_per_unit: f64,
}

impl Columns {
    fn find(header: &StringRecord) -> Result<Self, String> {
        let names: Vec<(String, Option<f64>)> = header.iter().map(name_and_unit).collect();
        let place = |of: &[&str]| {
            of.iter()
                .find_map(|&name| names.iter().position(|(found, _)| found == name))
        };
        let length = |of: &[&str]| {
            let column = place(of)?;
            // Squid has always written stage positions in mm; other units are named.
            let um_per_unit = names.get(column)?.1.unwrap_or(1e3);
            Some(Length {
                column,
                um_per_unit,
            })
        };
        let missing = || {
            let found: String = header.iter().collect::<Vec<_>>().join(", ");
            format!(
                "the table has the columns {}, expected x (mm) and y (mm) among them",
                shown_text(&found)
            )
        };
        Ok(Self {
            region: place(&["region", "region_id", "well", "well_id"]),
            fov: place(&["fov", "fov_id"]),
            z_level: place(&["z_level", "k"]),
            grid: place(&["i"]).zip(place(&["j"])),
            x: length(&["x"]).ok_or_else(missing)?,
            y: length(&["y"]).ok_or_else(missing)?,
            z: length(&["z"]),
            time: place(&["time"]),
        })
    }

    fn slice(&self, record: &StringRecord) -> Option<u32> {
        let column = self.z_level?;
        index(record, column, "z level").ok()
    }

    /// True for rows of plain regions in software that was not for plates: row and column of the scan are left empty.
    fn is_placeless(&self, record: &StringRecord) -> bool {
        let is_empty = |column| field(record, column).is_none();
        let has_no_cell = self.grid.is_some_and(|(i, j)| is_empty(i) && is_empty(j));
        has_no_cell && self.region.is_none() && self.fov.is_none()
    }
}

/// `x (mm)` and `x_mm` are x with 1000 µm per unit.
fn name_and_unit(header: &str) -> (String, Option<f64>) {
    let header = header.trim().to_lowercase();
    if let Some((name, unit)) = header.split_once('(') {
        let unit = unit.trim_end().trim_end_matches(')');
        return (name.trim().replace(' ', "_"), unit_to_um(unit));
    }
    if let Some((name, unit)) = header.rsplit_once('_')
        && matches!(name, "x" | "y" | "z")
        && let Some(um) = unit_to_um(unit)
    {
        return (name.to_owned(), Some(um));
    }
    (header.replace(' ', "_"), None)
}

/// FOVs of one region so far.
#[derive(Default)]
struct Region {
    num_rows: u32,
    by_grid: HashMap<(i64, i64), u32>,
    /// How often each row, column and z-slice came.
    passes: HashMap<((i64, i64), Option<u32>), u32>,
}

/// What a row says of its FOV.
#[derive(Clone, Copy, Default)]
struct Place {
    fov: u32,
    pass: u32,
    grid: Option<(i64, i64)>,
    /// Place of the stage in µm (y, x), where nothing else tells FOVs apart.
    stage: Option<(i64, i64)>,
}

/// Rows read so far.
#[derive(Default)]
struct Table {
    positions: Vec<StagePosition>,
    problems: Vec<Problem>,
    regions: HashMap<String, Region>,
    num_rows: usize,
    num_unlisted: usize,
    /// Rows that say nothing of their FOV.
    num_placeless: usize,
    /// By position.
    stages: Vec<Option<(i64, i64)>>,
}

impl Table {
    fn take(&mut self, columns: &Columns, record: &StringRecord) {
        self.num_rows += 1;
        if record.iter().all(str::is_empty) {
            return;
        }
        let region = match columns.region {
            Some(column) => field(record, column).map(str::to_owned),
            None => Some(String::new()),
        };
        if columns.is_placeless(record) {
            self.num_placeless += 1;
            return;
        }
        // A planned row that cannot be used still counts: the ones below it keep their numbers.
        let place = match &region {
            Some(region) => self.place(columns, record, region),
            None => Err("no region".to_owned()),
        };
        let stage = place.as_ref().ok().and_then(|place| place.stage);
        let position = place.and_then(|place| position(columns, record, region, place));
        match position {
            Ok(position) => {
                self.positions.push(position);
                self.stages.push(stage);
            }
            Err(message) => self.list(format!("row {} has {message}; left out", self.num_rows)),
        }
    }

    /// Which FOV a row is of: as written, else by its place in the scan grid, else on the stage, else by the order of rows.
    fn place(
        &mut self,
        columns: &Columns,
        record: &StringRecord,
        region: &str,
    ) -> Result<Place, String> {
        if let Some(column) = columns.fov {
            return Ok(Place {
                fov: index(record, column, "FOV")?,
                ..Place::default()
            });
        }
        if !self.regions.contains_key(region) {
            self.regions.insert(region.to_owned(), Region::default());
        }
        let Some(state) = self.regions.get_mut(region) else {
            return Err("no region".to_owned());
        };
        if let Some((i, j)) = columns.grid {
            let at = |column| number(record, column, "scan index").map(|value| value as i64);
            let cell = (at(i)?, at(j)?);
            return Ok(state.in_grid(cell, columns.slice(record)));
        }
        if columns.z_level.is_some() {
            let um = |of: Length, name| length_um(record, of, name).map(|um| um.round() as i64);
            let stage = (um(columns.y, "y")?, um(columns.x, "x")?);
            state.number(stage);
            return Ok(Place {
                stage: Some(stage),
                ..Place::default()
            });
        }
        let fov = state.num_rows;
        state.num_rows = state.num_rows.saturating_add(1);
        Ok(Place {
            fov,
            ..Place::default()
        })
    }

    fn list(&mut self, message: String) {
        if self.problems.len() < limits::PROBLEMS {
            self.problems
                .push(Problem::new(Code::BadMetadata, ".", message));
        } else {
            self.num_unlisted += 1;
        }
    }

    /// Numbers the FOVs of grids by row and column, however they were scanned.
    fn number_grids(&mut self) {
        for state in self.regions.values_mut() {
            let mut places: Vec<_> = state.by_grid.iter_mut().collect();
            places.sort_unstable_by_key(|(place, _)| **place);
            for (number, (_, fov)) in (0..).zip(places) {
                *fov = number;
            }
        }
        for (position, stage) in self.positions.iter_mut().zip(&self.stages) {
            let place = position.grid.as_ref().or(stage.as_ref());
            let state = self.regions.get(&position.region);
            let number = place.and_then(|place| state?.by_grid.get(place));
            position.fov = number.copied().unwrap_or(position.fov);
        }
    }

    fn finish(mut self) -> (Vec<StagePosition>, Vec<Problem>) {
        self.number_grids();
        if self.num_placeless > 0 {
            let count = self.num_placeless;
            self.list(format!(
                "{count} rows have neither region nor scan index; left out"
            ));
        }
        if self.num_unlisted > 0 {
            let message = format!("{} more rows left out", self.num_unlisted);
            self.problems
                .push(Problem::new(Code::BadMetadata, ".", message));
        }
        (self.positions, self.problems)
    }
}

impl Region {
    /// The FOV in a row and column of the scan.
    fn in_grid(&mut self, cell: (i64, i64), slice: Option<u32>) -> Place {
        let count = self.passes.entry((cell, slice)).or_insert(0);
        let pass = *count;
        *count = count.saturating_add(1);
        Place {
            fov: self.number(cell),
            pass,
            grid: Some(cell),
            stage: None,
        }
    }

    fn number(&mut self, cell: (i64, i64)) -> u32 {
        let next = u32::try_from(self.by_grid.len()).unwrap_or(u32::MAX);
        *self.by_grid.entry(cell).or_insert(next)
    }
}

/// The row, once its region and FOV are known.
fn position(
    columns: &Columns,
    record: &StringRecord,
    region: Option<String>,
    place: Place,
) -> Result<StagePosition, String> {
    let z = columns.z.filter(|z| field(record, z.column).is_some());
    let z_level = columns
        .z_level
        .filter(|&column| field(record, column).is_some());
    Ok(StagePosition {
        region: region.unwrap_or_default(),
        fov: place.fov,
        pass: place.pass,
        grid: place.grid,
        z_level: z_level
            .map(|column| index(record, column, "z level"))
            .transpose()?,
        x_um: length_um(record, columns.x, "x")?,
        y_um: length_um(record, columns.y, "y")?,
        // Without autofocus z is often left empty; NaN says the same.
        z_um: z.and_then(|z| length_um(record, z, "z").ok()),
        time: columns
            .time
            .and_then(|column| field(record, column))
            .map(str::to_owned),
    })
}

fn length_um(record: &StringRecord, length: Length, name: &str) -> Result<f64, String> {
    // To a millionth of a µm: 20.313705 mm are 20313.705 µm, not 20313.704999999998.
    let value_um = number(record, length.column, name)? * length.um_per_unit;
    let value_um = (value_um * 1e6).round() / 1e6;
    let is_place = value_um.is_finite();
    is_place
        .then_some(value_um)
        .ok_or_else(|| format!("{name} beyond all numbers"))
}

/// A field that is there and not empty.
fn field(record: &StringRecord, column: usize) -> Option<&str> {
    record.get(column).filter(|text| !text.is_empty())
}

fn number(record: &StringRecord, column: usize, name: &str) -> Result<f64, String> {
    let text = field(record, column).ok_or_else(|| format!("no {name}"))?;
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| format!("{name} {}, expected a number", shown_text(text)))
}

/// A whole number of at least 0; pandas writes `3.0` where a column has gaps.
fn index(record: &StringRecord, column: usize, name: &str) -> Result<u32, String> {
    let number = number(record, column, name)?;
    let is_index = number >= 0.0 && number <= f64::from(u32::MAX) && number.fract() == 0.0;
    is_index
        .then_some(number as u32)
        .ok_or_else(|| format!("{name} {number}, expected a whole number"))
}

#[cfg(test)]
mod tests;
