//! Where stores lie below the output folder, and where FOVs lie on the stage.
//!
//! Squid `control/core/zarr_writer.py` (paths), `control/core/scan_coordinates.py` (rows of y ascending, then x
//! ascending), `objective_and_sample_formats/sample_formats.csv` (plates).

use std::path::{Path, PathBuf};

use super::plan::{Plan, Structure, well};

/// Part of a FOV that its neighbour shows too.
pub(super) const OVERLAP_PERCENT: u32 = 5;

/// A plate as Squid's table has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PlateTable {
    pub(super) num_rows: u32,
    pub(super) num_columns: u32,
    spacing_mm: f64,
    a1_mm: (f64, f64),
}

const PLATES: [PlateTable; 3] = [
    PlateTable {
        num_rows: 8,
        num_columns: 12,
        spacing_mm: 9.0,
        a1_mm: (11.31, 10.75),
    },
    PlateTable {
        num_rows: 16,
        num_columns: 24,
        spacing_mm: 4.5,
        a1_mm: (12.05, 9.05),
    },
    PlateTable {
        num_rows: 32,
        num_columns: 48,
        spacing_mm: 2.25,
        a1_mm: (11.01, 7.87),
    },
];

/// Paths and stage positions of a plan.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    structure: Structure,
    regions: Vec<(String, u32)>,
    /// The plate that the regions are wells of.
    pub(super) plate: Option<PlateTable>,
    /// Distance of neighbouring FOVs in pixels, (x, y).
    pub(super) step_px: (u32, u32),
    /// The same in mm.
    pub(super) step_mm: (f64, f64),
}

impl Layout {
    pub(super) fn of(plan: &Plan) -> Self {
        let wells = plan.regions.iter().filter_map(|(name, _)| well(name));
        let (rows, columns) = wells.fold((0, 0), |(rows, columns), (_, row, column)| {
            (row.max(rows), column.max(columns))
        });
        let holds = |plate: &&PlateTable| rows < plate.num_rows && columns < plate.num_columns;
        let step = |pixels: u32| (pixels - pixels * OVERLAP_PERCENT / 100).max(1);
        let step_px = (step(plan.width), step(plan.height));
        let step_mm = |pixels: u32| rounded(f64::from(pixels) * plan.pixel_size_um / 1000.0);
        Self {
            structure: plan.structure,
            regions: plan.regions.clone(),
            plate: if is_plate(plan) {
                PLATES.iter().find(holds).copied()
            } else {
                None
            },
            step_px,
            step_mm: (step_mm(step_px.0), step_mm(step_px.1)),
        }
    }

    /// The group of an image (6-D: the array of a region), below `out`; image files have none (`images`).
    pub(super) fn store(&self, out: &Path, region_idx: usize, fov: u32) -> PathBuf {
        let region = &self.regions[region_idx].0;
        match self.structure {
            Structure::Single | Structure::Tiff | Structure::MultiPage | Structure::OmeTiff => {
                out.to_owned()
            }
            Structure::Hcs => self.well_folder(out, region_idx).join(fov.to_string()),
            Structure::PerFov => out
                .join("zarr")
                .join(region)
                .join(format!("fov_{fov}.ome.zarr")),
            Structure::SixD => out.join("zarr").join(region).join("acquisition.zarr"),
        }
    }

    /// The array of an image.
    pub(super) fn array(&self, out: &Path, region_idx: usize, fov: u32) -> PathBuf {
        let store = self.store(out, region_idx, fov);
        if self.structure == Structure::SixD {
            store
        } else {
            store.join("0")
        }
    }

    pub(super) fn plate_folder(out: &Path) -> PathBuf {
        out.join("plate.ome.zarr")
    }

    /// The group of a well; of regions that are none, a folder of their name.
    pub(super) fn well_folder(&self, out: &Path, region_idx: usize) -> PathBuf {
        let name = &self.regions[region_idx].0;
        let below = well(name).map_or_else(
            || PathBuf::from(name),
            |(well, ..)| Path::new(&well.row).join(well.column),
        );
        Self::plate_folder(out).join(below)
    }

    /// Name of a region as Squid writes it.
    pub(super) fn region_name(&self, region_idx: usize) -> String {
        let name = &self.regions[region_idx].0;
        match well(name).filter(|_| self.plate.is_some()) {
            Some((well, ..)) => format!("{}{}", well.row, well.column),
            None => name.clone(),
        }
    }

    /// Columns and rows of the raster that holds the FOVs of a region.
    pub(super) fn raster(&self, region_idx: usize) -> (u32, u32) {
        raster(self.regions[region_idx].1)
    }

    /// The largest raster of all regions.
    pub(super) fn largest_raster(&self) -> (u32, u32) {
        raster(
            self.regions
                .iter()
                .map(|&(_, fovs)| fovs)
                .max()
                .unwrap_or(1),
        )
    }

    /// Centre of a region on the stage in mm: that of its well, or a place in a row of regions.
    pub(super) fn center_mm(&self, region_idx: usize) -> (f64, f64) {
        let place = well(&self.regions[region_idx].0);
        if let (Some(plate), Some((_, row, column))) = (self.plate, place) {
            let along = |a1: f64, steps: u32| rounded(a1 + f64::from(steps) * plate.spacing_mm);
            return (along(plate.a1_mm.0, column), along(plate.a1_mm.1, row));
        }
        let width_mm = f64::from(self.largest_raster().0) * self.step_mm.0;
        (
            10.0 + region_idx as f64 * (width_mm.ceil() + 1.0).max(9.0),
            10.0,
        )
    }

    /// Centre of a FOV on the stage in mm.
    pub(super) fn position_mm(&self, region_idx: usize, fov: u32) -> (f64, f64) {
        let (columns, rows) = self.raster(region_idx);
        let center = self.center_mm(region_idx);
        let along = |center: f64, step: f64, at: u32, count: u32| {
            rounded(center + (f64::from(at) - f64::from(count - 1) / 2.0) * step)
        };
        (
            along(center.0, self.step_mm.0, fov % columns, columns),
            along(center.1, self.step_mm.1, fov / columns, rows),
        )
    }

    /// Pixels of the region that lie left of and above a FOV: what its neighbours show continues in it.
    pub(super) fn origin_px(&self, region_idx: usize, fov: u32) -> (i64, i64) {
        let columns = self.raster(region_idx).0;
        let along = |at: u32, step: u32| i64::from(at) * i64::from(step);
        (
            along(fov % columns, self.step_px.0),
            along(fov / columns, self.step_px.1),
        )
    }
}

/// Image files lie alike whether regions are wells or not; their names tell.
fn is_plate(plan: &Plan) -> bool {
    let are_wells = || plan.regions.iter().all(|(name, _)| well(name).is_some());
    plan.structure == Structure::Hcs || plan.structure.has_images() && are_wells()
}

/// Columns and rows of the most square raster.
fn raster(num_fovs: u32) -> (u32, u32) {
    let columns = f64::from(num_fovs).sqrt().ceil().max(1.0) as u32;
    (columns, num_fovs.div_ceil(columns).max(1))
}

/// To nm, as Squid rounds positions in mm.
pub(super) fn rounded(mm: f64) -> f64 {
    (mm * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(structure: Structure, regions: &[(&str, u32)]) -> Layout {
        let regions = regions
            .iter()
            .map(|&(name, fovs)| (name.to_owned(), fovs))
            .collect();
        Layout::of(&Plan {
            structure,
            regions,
            ..Plan::default()
        })
    }

    #[test]
    fn stores_lie_where_squid_puts_them() {
        let check = |structure, regions: &[(&str, u32)], expected: &str| {
            let layout = layout(structure, regions);
            assert_eq!(
                layout.array(Path::new("out"), regions.len() - 1, 2),
                Path::new(expected),
                "{structure:?}"
            );
        };
        check(
            Structure::PerFov,
            &[("R0", 3)],
            "out/zarr/R0/fov_2.ome.zarr/0",
        );
        check(
            Structure::Hcs,
            &[("A1", 1), ("b012", 3)],
            "out/plate.ome.zarr/B/12/2/0",
        );
        check(
            Structure::SixD,
            &[("R0", 1), ("R1", 3)],
            "out/zarr/R1/acquisition.zarr",
        );
        check(Structure::Single, &[("R0", 1)], "out/0");
    }

    #[test]
    fn wells_lie_at_the_pitch_of_the_smallest_plate_that_has_them() {
        let plate = layout(Structure::Hcs, &[("A1", 1), ("B12", 1)]);
        assert_eq!(
            (plate.center_mm(0), plate.center_mm(1)),
            ((11.31, 10.75), (110.31, 19.75))
        );
        let plate = layout(Structure::Hcs, &[("A1", 1), ("AF48", 1)]);
        assert_eq!(plate.center_mm(1), (116.76, 77.62));
    }

    #[test]
    fn fovs_fill_rows_around_the_centre_of_their_region() {
        let layout = layout(Structure::PerFov, &[("R0", 3)]);
        let ((x0, y0), (x1, _), (x2, y2)) = (
            layout.position_mm(0, 0),
            layout.position_mm(0, 1),
            layout.position_mm(0, 2),
        );
        assert!(x0 < x1 && x2 == x0 && y2 > y0);
        // Positions are whole nanometres, so the middle of two may be half of one off.
        assert!((f64::midpoint(x0, x1) - 10.0).abs() < 2e-6);
        assert_eq!(layout.origin_px(0, 1), (i64::from(layout.step_px.0), 0));
    }
}
