//! Acquisitions of 2020 to 2024: file names with row and column, `configurations.xml`, no mark of the end.

use std::{fmt::Write as _, fs, io::Cursor, path::Path};

use squidview::{
    dataset::Dataset,
    model::{FovId, PlaneState, Rgb},
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

/// An acquisition of a 2 x 2 grid in each well, scanned as a serpentine, one FOV left out.
fn check(wells: &[&str], separator: &str, parameters: &str, labels: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    put(root, "configurations.xml", CHANNELS.as_bytes());
    put(root, parameters, PARAMETERS.as_bytes());
    let mut csv = String::from("region,i,j,z_level,x (mm),y (mm),z (um),time\n");
    if wells == [""] {
        csv = String::from("i,j,k,x (mm),y (mm),z (um),time\n");
    }
    for (at, well) in wells.iter().enumerate() {
        for [i, j] in [[0, 0], [0, 1], [1, 1]] {
            for z in 0..2 {
                let region = if well.is_empty() {
                    String::new()
                } else {
                    format!("{well},")
                };
                let _infallible = writeln!(
                    csv,
                    "{region}{i},{j},{z},{},{},{},now",
                    10 + j,
                    20 + i,
                    30 + z
                );
                for (c, key) in KEYS.iter().enumerate() {
                    let name = format!("0/{well}{separator}{i}_{j}_{z}_{key}.tiff");
                    put(root, &name, &tiff(value(at, [i, j], z, c)));
                }
            }
        }
    }
    put(root, "0/coordinates.csv", csv.as_bytes());
    let dataset = open_whole(root);
    let found: Vec<&str> = dataset.fovs.iter().map(|fov| fov.label.as_str()).collect();
    assert_eq!(found, labels);
    let kind = match (wells, separator) {
        ([""], _) => "old_grid",
        (_, "") => "old_wells",
        _ => "old_wells_apart",
    };
    expected::check_text(kind, &dataset);
    assert!(dataset.problems.is_empty(), "{:?}", dataset.problems);
    let image = &dataset.template;
    assert_eq!(image.levels[0].shape, [1, 2, 2, 3, 4]);
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
    for well in 0..wells.len() {
        for (number, place) in [[0, 0], [0, 1], [1, 1]].into_iter().enumerate() {
            let fov = (well * 3 + number) as u32;
            for (z, c) in [(0, 1), (1, 0)] {
                let expected = Some(value(well, place, z, c));
                assert_eq!(first_sample(&dataset, fov, c as u32, z as u32), expected);
            }
            let stage = dataset.fovs[fov as usize].stage_um.unwrap();
            let [i, j] = place;
            assert_eq!(
                (stage.x, stage.y),
                (10_000.0 + 1000.0 * j as f64, 20_000.0 + 1000.0 * i as f64)
            );
        }
    }
    let document = on(root, "inspect PATH --json").answer();
    let num_planes = wells.len() * 12;
    assert_eq!(document["acquisition"]["written_planes"], num_planes);
    // What was deleted since is not there.
    let name = format!("0/{}{separator}0_1_0_{}.tiff", wells[0], KEYS[0]);
    fs::remove_file(root.join(name)).unwrap();
    let fresh = open_whole(root);
    let state = Store::new()
        .presence(&fresh, plane_at(FovId(1), 0, 0, 0))
        .unwrap();
    assert_ne!(state, PlaneState::Written);
}

#[test]
fn a_grid_is_named_by_row_and_column() {
    let labels = ["current:0", "current:1", "current:2"];
    check(&[""], "", "acquisition parameters.json", &labels);
}

#[test]
fn wells_stand_in_front_of_row_and_column() {
    let labels = ["A1:0", "A1:1", "A1:2", "A10:0", "A10:1", "A10:2"];
    check(&["A1", "A10"], "", "acquisition_parameters.json", &labels);
    check(&["A1", "A10"], "_", "acquisition parameters.json", &labels);
}
