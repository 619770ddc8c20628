//! `render` of the real program: the picture is what the formula makes of the plane.
//!
//! At the size of the plane each pixel shows one sample: clamp((v - low) / (high - low)) times the colour, summed over
//! the channels. Ranges that are powers of two make that exact.

use std::path::{Path, PathBuf};

use squidview::store::Store;

use crate::{
    planes::{data_folder, open_whole, plane_at, plane_rows},
    program::squidview,
};

/// A dataset whose planes have 24 columns and 16 rows of 16-bit samples.
const DATASET: &str = "per_fov";
const SIZE: (u32, u32) = (24, 16);

/// RGB of a rendered picture.
fn rendered(dataset: &Path, options: &str) -> image::RgbImage {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("view.png");
    let mut arguments = vec![
        "render",
        dataset.to_str().unwrap(),
        "-o",
        out.to_str().unwrap(),
    ];
    arguments.extend(options.split(';').filter(|option| !option.is_empty()));
    let answer = squidview(&arguments).answer();
    let picture = image::open(&out).unwrap().into_rgb8();
    let (width, height) = picture.dimensions();
    assert_eq!(answer["size"], serde_json::json!([width, height]));
    picture
}

fn dataset() -> PathBuf {
    data_folder().join(DATASET)
}

/// Samples of a plane of the dataset as the library reads them.
fn samples(flat: u32, t: u32, c: u32, z: u32) -> Vec<u16> {
    let dataset = open_whole(&dataset());
    let plane = plane_at(dataset.fov_at(flat).unwrap(), t, c, z);
    let rows = plane_rows(&Store::new(), &dataset, plane).unwrap();
    rows.chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect()
}

/// The largest difference of any part of any pixel.
fn largest_difference(picture: &image::RgbImage, expected: &[[f64; 3]]) -> f64 {
    assert_eq!(picture.pixels().len(), expected.len());
    let pairs = picture.pixels().zip(expected);
    let parts = pairs.flat_map(|(pixel, expected)| {
        pixel
            .0
            .into_iter()
            .zip(expected)
            .map(|(found, &expected)| (f64::from(found) - expected).abs())
    });
    parts.fold(0.0, f64::max)
}

/// clamp((v - low) / (high - low)).
fn normalised(samples: &[u16], low: f64, high: f64) -> Vec<f64> {
    samples
        .iter()
        .map(|&v| ((f64::from(v) - low) / (high - low)).clamp(0.0, 1.0))
        .collect()
}

#[test]
fn one_channel_in_a_pure_colour_is_the_formula_exactly() {
    let check = |place: (u32, u32, u32, u32), options: &str, color: [f64; 3]| {
        let picture = rendered(&dataset(), options);
        assert_eq!(picture.dimensions(), SIZE);
        let (flat, t, c, z) = place;
        let values = normalised(&samples(flat, t, c, z), 120.0, 2168.0);
        let expected: Vec<_> = values
            .iter()
            .map(|v| color.map(|part| (part * v * 255.0 + 0.5).floor()))
            .collect();
        assert_eq!(largest_difference(&picture, &expected), 0.0, "{options}");
    };
    check(
        (0, 0, 0, 0),
        "--channels;0;--limits;0=120:2168;--color;0=FF0000",
        [1.0, 0.0, 0.0],
    );
    check(
        (0, 0, 1, 0),
        "--channels;1;--limits;1=120:2168;--color;1=#00ff00",
        [0.0, 1.0, 0.0],
    );
    check(
        (4, 1, 1, 2),
        "--fov;4;--t;1;--z;2;--channels;Fluorescence 488 nm Ex;--limits;Fluorescence 488 nm Ex=120:2168;\
         --color;Fluorescence 488 nm Ex=FFFFFF",
        [1.0, 1.0, 1.0],
    );
}

#[test]
fn channels_are_added_in_their_own_colours() {
    let picture = rendered(&dataset(), "--limits;0=0:2048;--limits;1=0:4096");
    let (first, second) = (
        normalised(&samples(0, 0, 0, 0), 0.0, 2048.0),
        normalised(&samples(0, 0, 1, 0), 0.0, 4096.0),
    );
    // The colours in the files: 20ADF8 and 1FFF00.
    let expected: Vec<_> = first
        .iter()
        .zip(&second)
        .map(|(a, b)| {
            let add = |x: f64, y: f64| (x * a + y * b).min(255.0);
            [add(32.0, 31.0), add(173.0, 255.0), add(248.0, 0.0)]
        })
        .collect();
    let largest = largest_difference(&picture, &expected);
    assert!(largest <= 0.51, "off by {largest}");
}

#[test]
fn gamma_is_a_power_of_the_normalised_value() {
    let picture = rendered(
        &dataset(),
        "--channels;0;--limits;0=120:2168;--color;0=FFFFFF;--gamma;0=2",
    );
    let values = normalised(&samples(0, 0, 0, 0), 120.0, 2168.0);
    let expected: Vec<_> = values.iter().map(|v| [v * v * 255.0; 3]).collect();
    let largest = largest_difference(&picture, &expected);
    assert!(largest <= 0.52, "off by {largest}");
}

#[test]
fn limits_that_nobody_gives_are_the_percentiles_of_the_plane() {
    let auto = rendered(&dataset(), "--channels;0;--color;0=FFFFFF");
    let mut sorted = samples(0, 0, 0, 0);
    sorted.sort_unstable();
    // 0.1 to 99.9 % of 384 samples leave none out at either end but the extremes themselves.
    let (low, high) = (f64::from(sorted[0]), f64::from(sorted[sorted.len() - 1]));
    let values = normalised(&samples(0, 0, 0, 0), low, high);
    let expected: Vec<_> = values.iter().map(|v| [v * 255.0; 3]).collect();
    let largest = largest_difference(&auto, &expected);
    assert!(largest <= 3.0, "off by {largest}");
}

#[test]
fn the_picture_has_the_size_that_was_asked_for() {
    let check = |options: &str, size: (u32, u32)| {
        assert_eq!(
            rendered(&dataset(), options).dimensions(),
            size,
            "{options}"
        );
    };
    check("", SIZE);
    check("--size;320x200", (320, 200));
    check("--size;7x5", (7, 5));
    check("--size;200x30", (200, 30));
}

#[test]
fn a_scale_bar_changes_the_lower_part_only() {
    let dataset = data_folder().join("single.ome.zarr");
    let without = rendered(&dataset, "--size;480x320");
    let with = rendered(&dataset, "--size;480x320;--scale-bar");
    let rows: Vec<u32> = without
        .enumerate_pixels()
        .filter(|(x, y, pixel)| with.get_pixel(*x, *y) != *pixel)
        .map(|(_, y, _)| y)
        .collect();
    assert!(!rows.is_empty(), "no scale bar");
    assert!(rows.iter().all(|&y| y >= 160), "{:?}", rows.iter().min());
}

#[test]
fn a_plane_that_is_not_written_is_hatched_and_not_black() {
    let path = data_folder().join("incomplete");
    let manifest = crate::squid_data::manifest("incomplete");
    let missing = manifest["unwritten"].as_array().unwrap().last().unwrap();
    let fov = manifest["positions"].as_array().unwrap().len() - 1;
    let picture = rendered(
        &path,
        &format!(
            "--size;240x160;--fov;{fov};--t;{};--z;{};--channels;{}",
            missing["t"], missing["z"], missing["c"]
        ),
    );
    let first = picture.get_pixel(120, 80);
    let differs = (0..40).any(|step| picture.get_pixel(120 + step, 80) != first);
    assert!(differs, "one colour all over: {first:?}");
}
