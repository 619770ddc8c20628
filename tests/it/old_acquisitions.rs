//! Acquisitions of 2021 to 2024 as their versions of Squid wrote them (Cephla-Lab/Squid, `software/control/core.py`): file
//! names with row and column, `configurations.xml`, no mark of the end.

use std::{fmt::Write as _, fs, io::Cursor, path::Path};

use squidview::{
    dataset::{Dataset, Image},
    formats,
    model::{Code, FovId, PlaneState, Rgb, WellName},
    store::Store,
};
use tiff::encoder::{TiffEncoder, colortype};

use crate::{
    expected,
    planes::{open_whole, plane_at, plane_rows},
    program::on,
};

const CHANNELS: &str = r#"<?xml version="1.0" encoding="UTF-8"?><modes>
    <mode ID="1" Name="BF LED matrix full" ExposureTime="12.0" Selected="true">16777215</mode>
    <mode ID="5" Name="Fluorescence 488 nm Ex" ExposureTime="50.0" Selected="true">2096896</mode>
    <mode ID="6" Name="Fluorescence 561 nm Ex" ExposureTime="50.0" Selected="true">16764416</mode>
    <mode ID="7" Name="never asked for" ExposureTime="50.0" Selected="false">255</mode></modes>"#;
const PARAMETERS: &str = r#"{"dx(mm)": 0.9, "Nx": 2, "dy(mm)": 0.9, "Ny": 2, "dz(um)": 1.5, "Nz": 2, "dt(s)": 0, "Nt": 1,
    "sensor_pixel_size_um": 3.76, "tube_lens_mm": 50,
    "objective": {"magnification": 20, "NA": 0.8, "tube_lens_f_mm": 180, "name": "20x"}}"#;
const KEYS: [&str; 2] = ["BF_LED_matrix_full", "Fluorescence_488_nm_Ex"];

fn put(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn tiff(value: u16) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
    encoder
        .write_image::<colortype::Gray16>(4, 3, &[value; 12])
        .unwrap();
    bytes.into_inner()
}

/// The value of a plane: well, row and column, z-slice, channel.
fn value(well: usize, [i, j]: [usize; 2], z: usize, c: usize) -> u16 {
    (well * 10_000 + i * 1000 + j * 100 + z * 10 + c) as u16
}

fn first_sample(dataset: &Dataset, fov: u32, c: u32, z: u32) -> Option<u16> {
    let plane = plane_at(FovId(fov), 0, c, z);
    let rows = plane_rows(&Store::new(), dataset, plane)?;
    Some(u16::from_le_bytes([rows[0], rows[1]]))
}

/// What a version of Squid's `control/core.py` wrote.
struct Case {
    /// The stored text.
    kind: &'static str,
    /// Regions in the order in which they were scanned; empty where names have none.
    regions: &'static [&'static str],
    /// In front of row and column.
    separator: &'static str,
    /// Columns of `0/coordinates.csv` in front of the place; none where there is no table.
    columns: Option<&'static str>,
    /// Between the z-slice and the channel, whose name is as it is where there is nothing.
    is_joined: bool,
    parameters: &'static str,
}

const CASE: Case = Case {
    kind: "",
    regions: &[""],
    separator: "_",
    columns: Some("i,j,k"),
    is_joined: false,
    parameters: "acquisition parameters.json",
};

/// Rows and columns in the order of a scan, with their numbers as FOVs.
const SCAN: [([usize; 2], u32); 4] = [([0, 0], 0), ([0, 1], 1), ([1, 1], 3), ([1, 0], 2)];

/// Where the FOV in a row and column lies, in mm: wells in the pitch of a plate, other regions anywhere.
fn place_mm(region: &str, at: usize, [i, j]: [usize; 2]) -> (f64, f64) {
    let well = WellName::parse(region).and_then(|it| it.column_index().zip(it.row_index()));
    let (x, y) = match well {
        Some((column, row)) => (9.0 * f64::from(column), 9.0 * f64::from(row)),
        None => (50.0 - 7.0 * at as f64, 3.0 * at as f64),
    };
    (10.0 + x + j as f64, 20.0 + y + i as f64)
}

/// An acquisition without regions.
pub(crate) fn write_plain(root: &Path) {
    CASE.write(root);
}

impl Case {
    fn name(&self, region: &str, [i, j]: [usize; 2], z: usize, c: usize) -> String {
        let separator = if region.is_empty() {
            ""
        } else {
            self.separator
        };
        let ending = if self.is_joined {
            KEYS[c].replace('_', " ")
        } else {
            format!("_{}", KEYS[c])
        };
        format!("0/{region}{separator}{i}_{j}_{z}{ending}.tiff")
    }

    /// An acquisition of a 2 x 2 grid in each region, scanned as a serpentine.
    fn write(&self, root: &Path) {
        put(root, "configurations.xml", CHANNELS.as_bytes());
        put(root, self.parameters, PARAMETERS.as_bytes());
        let columns = self.columns.unwrap_or_default();
        let mut csv = format!("{columns},x (mm),y (mm),z (um),time\n");
        for (at, region) in self.regions.iter().enumerate() {
            for (place, _) in SCAN {
                for z in 0..2 {
                    let ([i, j], (x, y)) = (place, place_mm(region, at, place));
                    let named = columns.split(',').map(|column| match column {
                        "region" => (*region).to_owned(),
                        "i" => i.to_string(),
                        "j" => j.to_string(),
                        _ => z.to_string(),
                    });
                    let named = named.collect::<Vec<_>>().join(",");
                    writeln!(csv, "{named},{x},{y},{},now", 30 + z).unwrap();
                    for c in 0..2 {
                        let name = self.name(region, place, z, c);
                        put(root, &name, &tiff(value(at, place, z, c)));
                    }
                }
            }
        }
        if self.columns.is_some() {
            put(root, "0/coordinates.csv", csv.as_bytes());
        }
    }

    /// Writes it and compares every plane.
    fn check(&self) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        self.write(root);
        let dataset = open_whole(root);
        expected::check_text(self.kind, &dataset);
        assert!(dataset.problems.is_empty(), "{:?}", dataset.problems);
        let image = &dataset.template;
        assert_eq!(image.levels[0].shape, [1, 2, 2, 3, 4]);
        check_side_files(image);
        assert_eq!(dataset.fovs.len(), self.regions.len() * 4);
        for (at, region) in self.regions.iter().enumerate() {
            let shown = if region.is_empty() { "current" } else { region };
            for (place, number) in SCAN {
                let label = format!("{shown}:{number}");
                let fov = dataset.fovs.iter().position(|fov| fov.label == label);
                let fov = fov.unwrap_or_else(|| panic!("{label} in {}", self.kind));
                for (z, c) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    let found = first_sample(&dataset, fov as u32, c as u32, z as u32);
                    let wanted = Some(value(at, place, z, c));
                    assert_eq!(found, wanted, "{label} z {z} c {c} of {}", self.kind);
                }
                let (x, y) = place_mm(region, at, place);
                let stage = dataset.fovs[fov].stage_um.map(|stage| (stage.x, stage.y));
                let wanted = self.columns.map(|_| (x * 1000.0, y * 1000.0));
                assert_eq!(stage, wanted, "{label} of {}", self.kind);
                let executed = dataset.opener.executed(&dataset, FovId(fov as u32), 0);
                assert_eq!(
                    executed.map(|it| (it.stage_um.x, it.stage_um.y)),
                    wanted,
                    "{label}"
                );
            }
        }
        let document = on(root, "inspect PATH --json").answer();
        let num_planes = self.regions.len() * 16;
        assert_eq!(document["acquisition"]["written_planes"], num_planes);
        // What was deleted since is not there.
        let name = self.name(self.regions[0], [0, 1], 0, 0);
        fs::remove_file(root.join(name)).unwrap();
        let fresh = open_whole(root);
        let state = Store::new()
            .presence(&fresh, plane_at(FovId(1), 0, 0, 0))
            .unwrap();
        assert_ne!(state, PlaneState::Written);
    }
}

fn check_side_files(image: &Image) {
    let names: Vec<_> = image.channels.iter().map(|it| it.name.as_deref()).collect();
    assert_eq!(
        names,
        [Some("BF LED matrix full"), Some("Fluorescence 488 nm Ex")]
    );
    assert_eq!(image.channels[1].exposure_ms, Some(50.0));
    assert_eq!(
        image.channels[1].color.map(Rgb::to_hex).as_deref(),
        Some("1FFF00")
    );
    assert_eq!(image.sampling.z_um, Some(1.5));
    let size_um = image.sampling.x_um.unwrap();
    assert!(
        (size_um - 3.76 * 180.0 / 20.0 / 50.0).abs() < 1e-9,
        "{size_um}"
    );
}

/// Of January 2022 (845907ab) to February 2023.
#[test]
fn a_grid_is_named_by_row_and_column() {
    Case {
        kind: "old_grid",
        ..CASE
    }
    .check();
}

/// Of June 2021 (8aa12a80), when no table was written.
#[test]
fn a_grid_of_2021_has_channels_as_they_are_called_and_no_table() {
    Case {
        kind: "old_grid_2021",
        columns: None,
        is_joined: true,
        ..CASE
    }
    .check();
}

/// Of September 2022 (ccac7e7f) to July 2024 (445e91d1): the table says nothing of wells.
#[test]
fn wells_stand_in_front_of_row_and_column() {
    Case {
        kind: "old_wells_unnamed",
        regions: &["A2", "A10", "B10", "B2"],
        ..CASE
    }
    .check();
}

/// The same, of a run that died before its table was written.
#[test]
fn wells_need_no_table() {
    Case {
        kind: "old_wells_no_table",
        regions: &["A2", "B10"],
        columns: None,
        ..CASE
    }
    .check();
}

/// Of March 2023 (0b4a8a3c) to July 2024: "flexible scan, use a sequencial ID".
#[test]
fn flexible_regions_are_numbers_in_front_of_row_and_column() {
    Case {
        kind: "old_flexible",
        regions: &["0", "1", "2"],
        ..CASE
    }
    .check();
}

/// Of August to November 2024 (c908812a, 6a1df3c3), software that is not for plates.
#[test]
fn flexible_regions_of_2024_have_letters() {
    Case {
        kind: "old_flexible_2024",
        regions: &["R0", "R1"],
        columns: Some("i,j,z_level"),
        ..CASE
    }
    .check();
}

/// Of July 2024 (d40b4f16) to December 2024, software for plates.
#[test]
fn tables_of_plates_name_wells() {
    let wells = Case {
        kind: "old_wells_apart",
        regions: &["A1", "A10"],
        columns: Some("region,i,j,z_level"),
        ..CASE
    };
    wells.check();
    Case {
        kind: "old_wells",
        separator: "",
        parameters: "acquisition_parameters.json",
        ..wells
    }
    .check();
}

/// A few weeks of 2024 (d40b4f16): places of the stage.
#[test]
fn names_may_have_places_of_the_stage() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    put(root, "configurations.xml", CHANNELS.as_bytes());
    let mut csv = String::from("region,z_level,x (mm),y (mm),z (um),time\n");
    for (at, region) in ["R0", "R1"].into_iter().enumerate() {
        for (place, _) in SCAN {
            for z in 0..2 {
                let (x, y) = place_mm(region, at, place);
                writeln!(csv, "{region},{z},{},{},{},now", x + 0.0001, y, 30 + z).unwrap();
                for (c, key) in KEYS.iter().enumerate() {
                    let name = format!("0/{region}_x{x:.3}_y{y:.3}_z{z}_{key}.tiff");
                    put(root, &name, &tiff(value(at, place, z, c)));
                }
            }
        }
    }
    put(root, "0/coordinates.csv", csv.as_bytes());
    let dataset = open_whole(root);
    assert!(dataset.problems.is_empty(), "{:?}", dataset.problems);
    assert_eq!(dataset.fovs.len(), 8);
    for (at, region) in ["R0", "R1"].into_iter().enumerate() {
        for (place, number) in SCAN {
            let fov = at as u32 * 4 + number;
            let row = &dataset.fovs[fov as usize];
            let stage = row.stage_um.map(|stage| (stage.x, stage.y));
            let (x, y) = place_mm(region, at, place);
            assert_eq!(
                (stage, row.stage_z_um),
                (Some((x * 1000.0, y * 1000.0)), Some(30.0))
            );
            let found = first_sample(&dataset, fov, 1, 1);
            assert_eq!(found, Some(value(at, place, 1, 1)), "{region}:{number}");
        }
    }
}

#[test]
fn scans_that_do_not_tell_their_regions_give_no_positions() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let case = Case {
        regions: &["A1", "B1"],
        ..CASE
    };
    case.write(root);
    fs::remove_file(root.join(case.name("B1", [0, 0], 0, 0))).unwrap();
    put(
        root,
        "0/coordinates.csv",
        b"i,j,k,x (mm),y (mm)\n0,0,0,1,1\n0,1,0,2,1\n1,0,0,1,2\n1,1,0,2,2\n0,0,1,1,1\n",
    );
    let dataset = open_whole(root);
    assert_eq!(dataset.fovs.len(), 8);
    assert!(dataset.fovs.iter().all(|fov| fov.stage_um.is_none()));
    let [problem] = &dataset.problems[..] else {
        panic!("{:?}", dataset.problems);
    };
    assert_eq!(problem.code, Code::Ignored);
    assert!(problem.message.contains("names no regions"), "{problem:?}");
}

#[test]
fn names_that_fit_nothing_are_no_acquisition_that_has_just_begun() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    put(root, "configurations.xml", CHANNELS.as_bytes());
    put(root, "0/A1_0_0_0_BF.tiff", &tiff(1));
    put(
        root,
        "0/coordinates.csv",
        b"region,i,j,x (mm),y (mm)\nB7,0,0,1,1\n",
    );
    let error = formats::open(root, &mut |_| true).unwrap_err();
    assert_eq!(error.code, Code::BadMetadata);
    assert!(error.message.contains("A1_0_0_0_BF.tiff"), "{error:?}");
}
