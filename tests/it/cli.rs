//! `inspect` and `plane` of the real program: documents, statistics, files, errors and wrong calls.
//!
//! Expected values come from the manifests that the writer of the data made, and from documents in `tests/data/expected`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use squidview::store::Store;

use crate::{
    expected, fixture,
    planes::{crc, data_folder, open_whole, plane_at, plane_rows},
    program::{on, squidview},
    squid_data::{self, index, manifest},
};

/// Close enough for numbers that went through another unit.
fn is_near(found: &Value, expected: &Value) -> bool {
    let (Some(found), Some(expected)) = (found.as_f64(), expected.as_f64()) else {
        return false;
    };
    (found - expected).abs() <= 1e-6 * expected.abs().max(1.0)
}

fn are_near(found: &Value, expected: &Value) -> bool {
    let (Some(found), Some(expected)) = (found.as_array(), expected.as_array()) else {
        return false;
    };
    found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| is_near(a, b))
}

// Inspect.

#[test]
fn inspect_prints_the_whole_document() {
    let check = |name: &str, arguments: &str| {
        let ran = on(
            &data_folder().join(name),
            &format!("inspect PATH --json {arguments}"),
        );
        assert_eq!(ran.stdout.lines().count(), 1, "{ran:?}");
        // Keys sorted, whatever order the program and the parser keep.
        let sorted = format!("{:#}\n", sorted(ran.answer()));
        expected::check(&format!("inspect_{name}.json"), &sorted);
    };
    check("6d", "--fov 3");
    check("incomplete", "");
    check("old_hcs_time", "");
    check("single.ome.zarr", "");
    check("zarr_v2_levels", "");
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(keys) => {
            let mut keys: Vec<_> = keys.into_iter().collect();
            keys.sort_by(|a, b| a.0.cmp(&b.0));
            keys.into_iter()
                .map(|(key, value)| (key, sorted(value)))
                .collect()
        }
        Value::Array(values) => values.into_iter().map(sorted).collect(),
        Value::Number(number) => rounded(&number),
        other => other,
    }
}

/// Numbers that went through another unit, to a millionth.
fn rounded(number: &serde_json::Number) -> Value {
    match number.as_f64().filter(|_| number.is_f64()) {
        Some(value) => json!((value * 1e6).round() / 1e6),
        None => Value::Number(number.clone()),
    }
}

/// What inspect says of a dataset against what its manifest says.
fn check_against_manifest(name: &str) {
    let manifest = manifest(name);
    let found = on(&data_folder().join(name), "inspect PATH --json").answer();
    let sizes = |axis: &str| manifest["sizes"].get(axis).cloned();
    let image = &found["image"];
    for (at, axis) in image["axes"].as_array().unwrap().iter().enumerate() {
        let expected = sizes(&axis.as_str().unwrap().to_uppercase());
        assert_eq!(
            Some(&image["shape"][at]),
            expected.as_ref(),
            "{name}: {axis}"
        );
    }
    assert_eq!(image["dtype"], manifest["dtype"], "{name}");
    assert_eq!(
        image["levels"].as_array().map(Vec::len),
        Some(index(&manifest, "levels") as usize)
    );
    assert_eq!(found["zarr_format"], manifest["zarr_format"], "{name}");
    assert!(
        is_near(&image["pixel_size_um"]["y"], &manifest["pixel_size_um"]),
        "{name}"
    );
    assert!(
        is_near(&image["pixel_size_um"]["x"], &manifest["pixel_size_um"]),
        "{name}"
    );
    // Where Squid knows no step, its transforms still say 1 second.
    let step = manifest["time_step_s"].as_f64().unwrap_or(1.0);
    assert!(is_near(&image["time_step_s"], &json!(step)), "{name}");
    let channels = manifest["channels"].as_array().unwrap();
    assert_eq!(
        image["channels"].as_array().map(Vec::len),
        Some(channels.len()),
        "{name}"
    );
    for (found, expected) in image["channels"].as_array().unwrap().iter().zip(channels) {
        let color = expected["color"].as_str().unwrap().trim_start_matches('#');
        assert_eq!(
            (&found["name"], &found["color"]),
            (&expected["name"], &json!(color)),
            "{name}"
        );
    }
    let acquisition = json!({
        "complete": manifest["acquisition_complete"],
        "planned_planes": manifest["planes_planned"],
        "written_planes": manifest["planes_written"],
    });
    assert_eq!(found["acquisition"], acquisition, "{name}");
    if manifest["side_files"] == true {
        check_positions(name, &found, &manifest);
    }
}

fn check_positions(name: &str, found: &Value, manifest: &Value) {
    assert_eq!(found["kind"], "squid", "{name}");
    let positions = manifest["positions"].as_array().unwrap();
    assert_eq!(
        found["fields"].as_array().map(Vec::len),
        Some(positions.len()),
        "{name}"
    );
    for position in positions {
        let field = &found["fields"][field_of(found, position)];
        assert!(
            are_near(&field["stage_um"], &position["stage_um"]),
            "{name}: {field} {position}"
        );
    }
}

/// `index` of the field that an entry of the manifest means.
fn field_of(found: &Value, entry: &Value) -> usize {
    let fields = found["fields"].as_array().unwrap();
    let is_meant =
        |field: &Value| field["region"] == entry["region"] && field["fov"] == entry["fov"];
    match fields.iter().position(is_meant) {
        Some(at) => {
            assert_eq!(fields[at]["index"], json!(at));
            at
        }
        None if fields.len() == 1 => 0,
        None => panic!("no field for {entry}"),
    }
}

#[test]
fn inspect_agrees_with_the_manifest_of_every_dataset() {
    for name in squid_data::names() {
        check_against_manifest(&name);
    }
}

#[test]
fn inspect_without_json_is_text_for_people() {
    let ran = on(&data_folder().join("hcs_fast"), "inspect PATH");
    assert_eq!(ran.status, Some(0));
    assert!(
        ran.stdout.contains("A10:0 = plate.ome.zarr/A/10/0"),
        "{}",
        ran.stdout
    );
    assert!(serde_json::from_str::<Value>(&ran.stdout).is_err());
}

/// What a path is, and the ids of its fields.
fn check_fields(path: &Path, kind: &str, ids: &[&str]) {
    let found = on(path, "inspect PATH --json").answer();
    let fields = found["fields"].as_array().unwrap();
    let found_ids: Vec<_> = fields
        .iter()
        .map(|field| field["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        (found["kind"].as_str(), &found_ids[..]),
        (Some(kind), ids),
        "{}",
        path.display()
    );
}

#[test]
fn any_path_into_a_dataset_opens_what_lies_there() {
    let check =
        |path: &str, kind: &str, ids: &[&str]| check_fields(&data_folder().join(path), kind, ids);
    check(
        "hcs_fast",
        "squid",
        &[
            "plate.ome.zarr/A/2/0",
            "plate.ome.zarr/A/2/1",
            "plate.ome.zarr/A/10/0",
            "plate.ome.zarr/B/1/0",
        ],
    );
    check(
        "hcs_fast/plate.ome.zarr",
        "plate",
        &["A/2/0", "A/2/1", "A/10/0", "B/1/0"],
    );
    check("hcs_fast/plate.ome.zarr/A/2", "well", &["0", "1"]);
    check("hcs_fast/plate.ome.zarr/A/2/1", "image", &["."]);
    check("hcs_fast/plate.ome.zarr/A/2/1/0", "array", &["."]);
    check(
        "6d/zarr/B2",
        "collection",
        &["acquisition.zarr#0", "acquisition.zarr#1"],
    );
    check("single.ome.zarr", "image", &["."]);
    check("single.ome.zarr/zarr.json", "image", &["."]);
}

#[test]
fn a_first_field_that_cannot_be_read_hides_nothing() {
    let check = |spoil: &dyn Fn(&Path), code: &str| {
        let folder = tempfile::tempdir().unwrap();
        fixture::copy(&data_folder().join("incomplete"), folder.path());
        spoil(&folder.path().join("plate.ome.zarr/A/1/0"));
        let found = on(folder.path(), "inspect PATH --json").answer();
        assert_eq!(
            (
                found["fov"].as_u64(),
                found["fields"].as_array().map(Vec::len)
            ),
            (Some(1), Some(4))
        );
        assert_eq!(found["image"]["shape"], json!([2, 2, 3, 16, 24]));
        assert_eq!(found["acquisition"]["planned_planes"], 48);
        let text = on(folder.path(), "inspect PATH");
        assert!(text.stdout.contains("A1:1 = "), "{text:?}");
        let stats = on(folder.path(), "plane PATH --stats --fov 1").answer();
        assert_eq!(stats["shape"], json!([16, 24]));
        for line in [
            "inspect PATH --json --fov 0",
            "plane PATH --stats",
            "render PATH -o x.png",
        ] {
            check_error(folder.path(), line, code);
        }
    };
    check(&|fov| fs::remove_dir_all(fov).unwrap(), "not_written");
    check(
        &|fov| fs::write(fov.join("0/zarr.json"), "{").unwrap(),
        "bad_json",
    );
}

#[test]
fn series_labels_and_folders_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let image = |name: &str| fixture::write_v2(&at(name), &["y", "x"], &[3, 4]);
    let attributes = |name: &str, text: &str| {
        fs::write(at(name).join(".zgroup"), r#"{"zarr_format": 2}"#).unwrap();
        fs::write(at(name).join(".zattrs"), text).unwrap();
    };
    for name in [
        "series/1",
        "series/0",
        "folder/b2",
        "folder/b10",
        "folder/labels/cells",
        "folder/labels/nuclei",
    ] {
        image(name);
    }
    attributes("series", r#"{"bioformats2raw.layout": 3}"#);
    attributes("folder/labels", r#"{"labels": ["cells", "nuclei"]}"#);
    let check = |name: &str, kind: &str, ids: &[&str]| check_fields(&at(name), kind, ids);
    check("series", "series", &["0", "1"]);
    check("series/0", "image", &["."]);
    check("series/0/0", "array", &["."]);
    check("folder/labels", "labels", &["cells", "nuclei"]);
    fs::remove_dir_all(at("folder/labels")).unwrap();
    check("folder", "collection", &["b2", "b10"]);
}

// Plane.

/// `plane --stats` of the first, the middle and the last plane that a manifest names.
fn check_statistics(name: &str) {
    let (manifest, path) = (manifest(name), data_folder().join(name));
    let found = on(&path, "inspect PATH --json").answer();
    let samples = manifest["samples"].as_array().unwrap();
    for entry in [
        &samples[0],
        &samples[samples.len() / 2],
        &samples[samples.len() - 1],
    ] {
        let at = |key| index(entry, key);
        let (fov, level) = (field_of(&found, entry), at("level"));
        let line = format!(
            "plane PATH --stats --fov {fov} --t {} --c {} --z {} --level {level}",
            at("t"),
            at("c"),
            at("z")
        );
        let stats = on(&path, &line).answer();
        let shape = |axis: &str| index(&manifest["sizes"], axis).div_ceil(1 << level);
        let expected = json!({
            "shape": [shape("Y"), shape("X")], "dtype": manifest["dtype"], "crc32": entry["crc32"],
            "first4": stats["first4"], "min": stats["min"], "max": stats["max"], "mean": stats["mean"], "nan": 0,
        });
        assert_eq!(stats, expected, "{name}: {line}");
        for key in ["min", "max", "mean"] {
            assert!(
                is_near(&stats[key], &entry[key]),
                "{name}: {line}: {key} {stats} {entry}"
            );
        }
    }
}

#[test]
fn plane_statistics_are_those_of_the_manifest() {
    for name in squid_data::names() {
        check_statistics(&name);
    }
}

#[test]
fn an_axis_that_is_none_of_ours_is_addressed_by_name() {
    let folder = tempfile::tempdir().unwrap();
    fixture::write_v2(folder.path(), &["angle", "z", "y", "x"], &[3, 2, 2, 4]);
    let first4 = |line: &str| {
        let stats = on(folder.path(), &format!("plane PATH --stats {line}")).answer();
        stats["first4"].clone()
    };
    assert_eq!(first4(""), json!([0, 1, 2, 3]));
    assert_eq!(first4("--at angle=2"), json!([32, 33, 34, 35]));
    assert_eq!(first4("--at angle=1 --z 1"), json!([24, 25, 26, 27]));
    assert_eq!(
        first4("--at phase=0 --t 0 --c 0"),
        json!([0, 1, 2, 3]),
        "an index 0 of an absent axis"
    );
}

/// A plane and the same one from the library, as rows.
fn written_plane(ending: &str) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join(format!("plane.{ending}"));
    let path = data_folder().join("per_fov");
    let ran = squidview(&[
        "plane",
        path.to_str().unwrap(),
        "--fov",
        "1",
        "--t",
        "1",
        "--c",
        "1",
        "--z",
        "2",
        "-o",
        out.to_str().unwrap(),
    ]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("uint16"), "{ran:?}");
    let dataset = open_whole(&path);
    let plane = plane_at(dataset.fov_at(1).unwrap(), 1, 1, 2);
    let rows = plane_rows(&Store::new(), &dataset, plane).unwrap();
    (folder, out, rows)
}

#[test]
fn a_numpy_file_holds_the_plane() {
    let (_folder, path, rows) = written_plane("npy");
    let file = fs::read(path).unwrap();
    let (magic, rest) = file.split_at(8);
    assert_eq!(magic, b"\x93NUMPY\x01\x00");
    let header_len = usize::from(u16::from_le_bytes([rest[0], rest[1]]));
    let (header, samples) = rest[2..].split_at(header_len);
    let header = std::str::from_utf8(header).unwrap();
    assert!(
        header.starts_with("{'descr': '<u2', 'fortran_order': False, 'shape': (16, 24), }"),
        "{header}"
    );
    assert_eq!(crc(samples), crc(&rows));
}

#[test]
fn a_tiff_file_holds_the_plane() {
    let (_folder, path, rows) = written_plane("tiff");
    let mut decoder = tiff::decoder::Decoder::new(fs::File::open(path).unwrap()).unwrap();
    assert_eq!(decoder.dimensions().unwrap(), (24, 16));
    let tiff::decoder::DecodingResult::U16(samples) = decoder.read_image().unwrap() else {
        panic!("expected 16-bit samples");
    };
    let bytes: Vec<u8> = samples
        .iter()
        .flat_map(|sample| sample.to_le_bytes())
        .collect();
    assert_eq!(crc(&bytes), crc(&rows));
}

#[test]
fn a_png_file_spans_black_to_white_between_the_percentiles() {
    let (_folder, path, rows) = written_plane("png");
    let picture = image::open(path).unwrap();
    assert_eq!(picture.color(), image::ColorType::L8);
    let picture = picture.into_luma8();
    assert_eq!(picture.dimensions(), (24, 16));
    let samples: Vec<u16> = rows
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    let mut pairs: Vec<_> = samples.into_iter().zip(picture.into_raw()).collect();
    pairs.sort_unstable();
    assert!(
        pairs.is_sorted_by_key(|&(_, gray)| gray),
        "brighter samples are not darker"
    );
    assert_eq!((pairs[0].1, pairs[pairs.len() - 1].1), (0, 255));
}

/// A file of a plane of several rows of tiles, and its samples.
fn tall_plane(folder: &Path) -> (PathBuf, Vec<u16>) {
    let (width, height) = (400, 5000);
    let samples: Vec<u16> = (0..width * height)
        .map(|at| (at * 7 / 300) as u16)
        .collect();
    let path = folder.join("tall.tif");
    let mut encoder = tiff::encoder::TiffEncoder::new(fs::File::create(&path).unwrap()).unwrap();
    encoder
        .write_image::<tiff::encoder::colortype::Gray16>(width, height, &samples)
        .unwrap();
    (path, samples)
}

#[test]
fn a_plane_of_several_rows_of_tiles_is_written_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let (path, samples) = tall_plane(folder.path());
    let rows: Vec<u8> = samples.iter().flat_map(|it| it.to_le_bytes()).collect();
    let written = |ending: &str| {
        let other = folder.path().join("out");
        fs::create_dir_all(&other).unwrap();
        let out = other.join(format!("plane.{ending}"));
        let call = format!("plane PATH --stats -o {}", out.display());
        let stats = on(&path, &call).answer();
        assert_eq!(stats["crc32"], json!(crc(&rows)), "{stats}");
        assert_eq!(stats["shape"], json!([5000, 400]));
        assert_eq!(stats["max"], json!(samples.iter().max().unwrap()));
        out
    };
    let numpy = fs::read(written("npy")).unwrap();
    assert_eq!(crc(&numpy[numpy.len() - rows.len()..]), crc(&rows));
    let file = fs::File::open(written("tiff")).unwrap();
    let mut decoder = tiff::decoder::Decoder::new(file).unwrap();
    assert_eq!(decoder.dimensions().unwrap(), (400, 5000));
    // 1,250 rows of the usual strip, but no strip in two rows of tiles.
    assert_eq!(decoder.chunk_dimensions(), (400, 1024));
    let tiff::decoder::DecodingResult::U16(found) = decoder.read_image().unwrap() else {
        panic!("expected 16-bit samples");
    };
    assert_eq!(found, samples);
    let picture = image::open(written("png")).unwrap().into_luma8();
    assert_eq!(picture.dimensions(), (400, 5000));
    let mut pairs: Vec<_> = samples.iter().zip(picture.into_raw()).collect();
    pairs.sort_unstable();
    assert!(pairs.is_sorted_by_key(|&(_, gray)| gray));
    assert_eq!((pairs[0].1, pairs[pairs.len() - 1].1), (0, 255));
}

#[test]
fn what_cannot_be_read_to_its_end_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = tall_plane(folder.path());
    // The last strips are holes beyond the end; the directory lies behind them.
    let file = fs::read(&path).unwrap();
    let mut decoder = tiff::decoder::Decoder::new(fs::File::open(&path).unwrap()).unwrap();
    let offsets = decoder
        .get_tag_u64_vec(tiff::tags::Tag::StripOffsets)
        .unwrap();
    let last = (offsets.last().unwrap().to_le_bytes()[..4]).to_vec();
    let at = file.windows(4).rposition(|bytes| bytes == last).unwrap();
    let mut damaged = file;
    damaged[at..at + 4].copy_from_slice(&[0xff; 4]);
    fs::write(&path, damaged).unwrap();
    let out = folder.path().join("out");
    fs::create_dir_all(&out).unwrap();
    for ending in ["npy", "tiff", "png"] {
        let call = format!("plane PATH -o {}/plane.{ending}", out.display());
        check_error(&path, &call, "corrupt_data");
    }
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
}

#[test]
fn a_png_file_uses_the_window_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (out, path) = (
        folder.path().join("plane.png"),
        data_folder().join("single_float.ome.zarr"),
    );
    let ran = squidview(&[
        "plane",
        path.to_str().unwrap(),
        "--c",
        "1",
        "-o",
        out.to_str().unwrap(),
    ]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let dataset = open_whole(&path);
    let plane = plane_at(dataset.order[0], 0, 1, 0);
    let rows = plane_rows(&Store::new(), &dataset, plane).unwrap();
    let picture = image::open(out).unwrap().into_luma8().into_raw();
    // The window of its omero metadata is 0 to 1.
    for (sample, gray) in rows.chunks_exact(4).zip(picture) {
        let sample = f32::from_le_bytes(sample.try_into().unwrap());
        let expected = sample.clamp(0.0, 1.0) * 255.0;
        assert!(
            (expected - f32::from(gray)).abs() <= 0.51,
            "{sample} is drawn as {gray}"
        );
    }
}

// Errors.

/// Exit status 1 and nothing but the error on stdout.
fn check_error(path: &Path, line: &str, code: &str) {
    let ran = on(path, line);
    assert_eq!(ran.status, Some(1), "{line}: {ran:?}");
    let document = ran.json();
    assert_eq!(document["error"]["code"], code, "{line}: {document}");
    let message = document["error"]["message"].as_str().unwrap();
    assert!(!message.is_empty());
    let keys = |value: &Value| value.as_object().map(serde_json::Map::len);
    assert_eq!(
        (keys(&document), keys(&document["error"])),
        (Some(1), Some(2)),
        "{document}"
    );
}

#[test]
fn a_path_that_shows_nothing_is_a_clean_error() {
    let data = data_folder();
    for line in [
        "inspect PATH --json",
        "inspect PATH",
        "plane PATH --stats",
        "render PATH -o x.png",
    ] {
        check_error(&data.join("nothing here"), line, "not_found");
        check_error(&data.join("../README.md"), line, "not_zarr");
        check_error(&data.join("6d/0"), line, "not_zarr");
        check_error(&data.join("6d/acquisition.yaml"), line, "not_zarr");
    }
}

#[test]
fn an_index_beyond_its_axis_is_out_of_range() {
    let (path, many) = (data_folder().join("per_fov"), 4_000_000_000_u32);
    for line in [
        "inspect PATH --json --fov 5",
        "plane PATH --stats --fov 5",
        "plane PATH --stats --t 2",
        "plane PATH --stats --c 2",
        "plane PATH --stats --z 3",
        "plane PATH --stats --level 1",
        "plane PATH --stats --at angle=1",
        "render PATH -o x.png --fov 5",
        "render PATH -o x.png --t 2",
        "render PATH -o x.png --z 3",
        "render PATH -o x.png --channels 2",
        "render PATH -o x.png --limits nobody=1:2",
    ] {
        check_error(&path, line, "out_of_range");
    }
    for option in ["fov", "t", "c", "z", "level"] {
        check_error(
            &path,
            &format!("plane PATH --stats --{option} {many}"),
            "out_of_range",
        );
    }
}

#[test]
fn a_plane_that_is_planned_is_not_written() {
    for name in ["incomplete", "incomplete_sharded"] {
        let (path, manifest) = (data_folder().join(name), manifest(name));
        let found = on(&path, "inspect PATH --json").answer();
        for entry in manifest["unwritten"].as_array().unwrap() {
            let at = |key| index(entry, key);
            let line = format!(
                "plane PATH --stats --fov {} --t {} --c {} --z {}",
                field_of(&found, entry),
                at("t"),
                at("c"),
                at("z")
            );
            check_error(&path, &line, "not_written");
        }
    }
}

/// A copy of a committed dataset with one file written over.
fn damaged(file: &str, content: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fixture::copy(&data_folder().join("single.ome.zarr"), folder.path());
    fs::write(folder.path().join(file), content).unwrap();
    folder
}

#[test]
fn damage_is_named_by_its_kind() {
    let check = |file: &str, content: &str, code: &str| {
        let folder = damaged(file, content);
        check_error(folder.path(), "plane PATH --stats --t 1 --c 1 --z 2", code);
    };
    check("0/c/1/1/2/0/0", "cut off", "corrupt_data");
    let array = |rest: &str| format!(r#"{{"zarr_format": 3, "node_type": "array"{rest}"#);
    for level in ["0", "1", "2"] {
        let folder = damaged(&format!("{level}/zarr.json"), &array(", "));
        let found = on(folder.path(), "inspect PATH --json").answer();
        let warning = &found["warnings"][0];
        assert_eq!(
            (&warning["code"], &warning["path"]),
            (&json!("bad_json"), &json!(format!("{level}/zarr.json"))),
            "{warning}"
        );
    }
    let grid = r#", "shape": [8, 8], "data_type": "uint16", "fill_value": 0, "chunk_grid": {"name": "regular",
        "configuration": {"chunk_shape": [8, 8]}}, "chunk_key_encoding": {"name": "default"}"#;
    let plain = |document: &str, code: &str| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("zarr.json"), document).unwrap();
        check_error(folder.path(), "plane PATH --stats", code);
    };
    plain(&array(", "), "bad_json");
    plain(&array("}"), "bad_metadata");
    plain(
        &array(&format!(r#"{grid}, "codecs": [{{"name": "wavelet"}}]}}"#)),
        "unsupported",
    );
    let bytes = r#""codecs": [{"name": "bytes", "configuration": {"endian": "little"}}]}"#;
    plain(
        &array(&format!("{grid}, {bytes}").replace("shape\": [8, 8]}", "shape\": [0, 8]}")),
        "bad_metadata",
    );
    plain(
        &array(&format!("{grid}, {bytes}").replace("\"shape\": [8, 8]", "\"shape\": [0, 8]")),
        "empty",
    );
    let large = "[4000000000, 4000000000]";
    plain(
        &array(&format!("{grid}, {bytes}").replace("[8, 8]", large)),
        "too_large",
    );
}

#[test]
fn a_group_whose_document_does_not_parse_opens_with_a_warning() {
    let folder = damaged("zarr.json", r#"{"zarr_format": 3,"#);
    let found = on(folder.path(), "inspect PATH --json").answer();
    assert_eq!(found["image"]["shape"], json!([2, 2, 3, 64, 96]));
    assert_eq!(
        found["warnings"][0]["code"], "bad_json",
        "{}",
        found["warnings"]
    );
}

#[test]
fn other_things_that_cannot_be_answered_are_clean_errors() {
    let path = data_folder().join("single.ome.zarr");
    check_error(&path, "plane PATH --stats --label nobody", "missing_array");
    check_error(&path, "plane PATH -o plane.bmp", "unsupported");
    check_error(&path, "plane PATH -o /nowhere/at/all/plane.npy", "io_error");
    check_error(&path, "render PATH -o /nowhere/at/all/view.png", "io_error");
}

// Wrong calls.

/// Exit status 2, text on stderr, nothing on stdout.
fn check_usage(path: &Path, line: &str) {
    let ran = on(path, line);
    assert_eq!(
        (ran.status, ran.stdout.as_str()),
        (Some(2), ""),
        "{line}: {ran:?}"
    );
    assert!(!ran.stderr.trim().is_empty(), "{line}");
}

#[test]
fn a_wrong_call_ends_with_status_2() {
    let path = data_folder().join("single.ome.zarr");
    for line in [
        "inspect",
        "inspect PATH --json --field 0",
        "inspect PATH --json --fov -1",
        "inspect PATH --json --fov one",
        "plane PATH --stats --t 1.5",
        "plane PATH --stats --at angle",
        "plane PATH --stats --at angle=-1",
        "render PATH",
        "render PATH -o x.png --size 640",
        "render PATH -o x.png --size 0x10",
        "render PATH -o x.png --limits 0=1",
        "render PATH -o x.png --limits 0=a:b",
        "render PATH -o x.png --color 0=red",
        "render PATH -o x.png --gamma 0=0",
        "PATH --no-such-option",
        "PATH --cache-mb 0",
        "PATH --exit-after never",
    ] {
        check_usage(&path, line);
    }
}

#[test]
fn simulate_refuses_counts_that_contradict_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new");
    for line in [
        "simulate PATH",
        "simulate PATH --structure flat",
        "simulate PATH --structure per_fov --t 0",
        "simulate PATH --structure per_fov --n-z 0",
        "simulate PATH --structure per_fov --n-regions 0",
        "simulate PATH --structure per_fov --n-fov 0",
        "simulate PATH --structure per_fov --n-t -1",
        "simulate PATH --structure per_fov --size 0x64",
        "simulate PATH --structure per_fov --fovs-per-region 4 0 3",
        "simulate PATH --structure per_fov --n-regions 2 --fovs-per-region 4 6 3",
        "simulate PATH --structure per_fov --n-fov 2 --fovs-per-region 4 6 3",
        "simulate PATH --structure per_fov --wells A1",
        "simulate PATH --structure 6d --fov-per-well 2",
        "simulate PATH --structure hcs --n-regions 3 --wells A1 A2",
        "simulate PATH --structure hcs --wells A1 A2 --fovs-per-region 1 2 3",
        "simulate PATH --structure hcs --wells A1 A1",
        "simulate PATH --structure hcs --wells A1 nowhere",
        "simulate PATH --structure single --n-fov 2",
        "simulate PATH --structure single --n-regions 2",
        "simulate PATH --structure per_fov --compression much",
        "simulate PATH --structure per_fov --chunk tiled_100",
        "simulate PATH --structure per_fov --chunk tiled_256 --compression best --size 300x256",
    ] {
        check_usage(&out, line);
        assert!(!out.exists(), "{line} wrote something");
    }
}
