//! What tensorstore, zarr-python and ome-zarr-py write, this program reads: layouts, codecs, types and axes that the
//! committed data lacks.
//!
//! `oracle.py` writes them into a temporary folder and notes the CRC of every plane. Each layout is one line of
//! `tests/data/expected/oracle_GROUP.txt`: how it is opened. Runs with the Python of `SQUIDVIEW_ORACLE`, which has
//! all three; `scripts/test` makes one.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Map, Value};
use squidview::{
    dataset::{Dataset, Image},
    model::{AxisRole, PlaneId},
    store::Store,
};

use crate::{
    expected,
    planes::{open_whole, plane_at, plane_crc},
    program::on,
    squid_data::index,
};

/// Runs `oracle.py`; `None`, said on stderr, where there is no Python with tensorstore and nobody requires one.
pub(crate) fn oracle(arguments: &[&str]) -> Option<Map<String, Value>> {
    let output = python_with("oracle.py")?.args(arguments).output().unwrap();
    Some(answer_of(&output))
}

/// Runs `image_oracle.py`, likewise.
pub(crate) fn image_oracle(arguments: &[&str]) -> Option<Map<String, Value>> {
    let output = python_with("image_oracle.py")?
        .args(arguments)
        .output()
        .unwrap();
    Some(answer_of(&output))
}

/// The Python of the oracle with a script beside this file; `None`, said on stderr, where there is none and nobody
/// requires one.
pub(crate) fn python_with(script: &str) -> Option<Command> {
    let Some(python) = std::env::var_os("SQUIDVIEW_ORACLE") else {
        let required = std::env::var_os("SQUIDVIEW_REQUIRE_ORACLE").is_some();
        assert!(
            !required,
            "SQUIDVIEW_ORACLE names no Python, one is required"
        );
        eprintln!("skipped: SQUIDVIEW_ORACLE names no Python with tensorstore");
        return None;
    };
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let mut command = Command::new(python);
    command.arg(folder.join(script));
    Some(command)
}

/// What a script printed.
pub(crate) fn answer_of(output: &Output) -> Map<String, Value> {
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the script failed: {complaint}");
    match serde_json::from_slice(&output.stdout).unwrap() {
        Value::Object(document) => document,
        other => panic!("the script printed {other}"),
    }
}

/// The plane that an entry of the script means.
fn plane_of(dataset: &Dataset, entry: &Value) -> PlaneId {
    let at = |key| index(entry, key);
    let fov = dataset.fov_at(at("fov")).unwrap();
    PlaneId {
        extra: at("a"),
        level: at("level").try_into().unwrap(),
        ..plane_at(fov, at("t"), at("c"), at("z"))
    }
}

/// Planes of one layout that are not read as they were written, as text.
fn differing(name: &str, layout: &Value, dataset: &Dataset) -> Vec<String> {
    let store = Store::new();
    let planes = layout["planes"].as_array().unwrap();
    assert!(!planes.is_empty(), "{name}");
    let mut differing = Vec::new();
    for entry in planes {
        let plane = plane_of(dataset, entry);
        let found = plane_crc(&store, dataset, plane);
        if found.as_deref() != entry["crc32"].as_str() {
            differing.push(format!("{name}: {entry} is read as {found:?}"));
        }
    }
    differing
}

/// Statistics of the real program that differ from what numpy found; only some planes come with them.
fn differing_statistics(name: &str, layout: &Value, path: &Path) -> Vec<String> {
    let planes = layout["planes"].as_array().unwrap().iter();
    let with_stats = planes.filter(|entry| entry.get("stats").is_some());
    let differing = with_stats.filter_map(|entry| {
        let at = |key| index(entry, key);
        let (fov, t, c, z) = (at("fov"), at("t"), at("c"), at("z"));
        let line = format!("plane PATH --stats --fov {fov} --t {t} --c {c} --z {z}");
        let found = on(path, &line).answer();
        let is_same = |(key, expected): (&String, &Value)| match (&found[key], expected) {
            // Sums of floating point numbers depend on their order.
            (Value::Number(found), Value::Number(expected)) if key == "mean" => {
                let (found, expected) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
                (found - expected).abs() <= 1e-9 * expected.abs()
            }
            (found, expected) => found == expected,
        };
        let expected = &entry["stats"];
        let is_same = expected.as_object().unwrap().iter().all(is_same);
        (!is_same).then(|| format!("{name}: {found}, expected {expected}"))
    });
    differing.collect()
}

/// One line: FOVs, and the distinct images among them.
fn summary(dataset: &Dataset) -> String {
    let mut line = format!("{}, {} FOVs", dataset.kind.as_str(), dataset.num_fovs());
    let mut images: Vec<String> = Vec::new();
    for &fov in dataset.order.iter() {
        let words = dataset
            .image(fov)
            .map_or("unreadable".to_owned(), |image| image_words(image));
        if !images.contains(&words) {
            images.push(words);
        }
    }
    let _infallible = write!(line, " | {}", images.join(" | "));
    if !dataset.problems.is_empty() {
        let codes: Vec<&str> = dataset.problems.iter().map(|p| p.code.as_str()).collect();
        let _infallible = write!(line, " | problems: {}", codes.join(", "));
    }
    line
}

fn image_words(image: &Image) -> String {
    let axes = image.axes.iter().map(|axis| match axis.role {
        AxisRole::Fov => "fov",
        _ => axis.name.as_str(),
    });
    let levels = image.levels.iter().map(|level| {
        let shape: Vec<String> = level.shape.iter().map(u64::to_string).collect();
        let (rows, cols) = (level.grid.num_rows(), level.grid.num_cols());
        format!("{} in {rows}x{cols} tiles", shape.join("x"))
    });
    let (axes, levels) = (axes.collect::<Vec<_>>(), levels.collect::<Vec<_>>());
    let (kind, levels) = (image.sample_type.name(), levels.join(", "));
    format!("{} {kind} {levels}, {}", axes.join(","), image.storage)
}

fn check(group: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let Some(layouts) = oracle(&["write", path, group]) else {
        return;
    };
    let (mut lines, mut wrong) = (Vec::new(), Vec::new());
    for (name, layout) in &layouts {
        let opened = Path::new(path)
            .join(name)
            .join(layout["open"].as_str().unwrap());
        let dataset = open_whole(&opened);
        assert_eq!(dataset.num_fovs(), index(layout, "fovs"), "{name}");
        wrong.extend(differing(name, layout, &dataset));
        wrong.extend(differing_statistics(name, layout, &opened));
        lines.push(format!("{name}: {}\n", summary(&dataset)));
    }
    lines.sort();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    expected::check(&format!("oracle_{group}.txt"), &lines.concat());
}

#[test]
fn every_codec_chain_gives_the_samples_that_were_written() {
    check("codecs");
}

#[test]
fn every_sample_type_and_fill_value_is_read_bit_by_bit() {
    check("dtypes");
}

#[test]
fn every_order_of_axes_gives_the_planes_that_were_written() {
    check("axes");
}

#[test]
fn every_writer_of_the_same_content_is_read_alike() {
    check("writers");
}

#[test]
fn layouts_and_large_planes_give_the_planes_that_were_written() {
    check("layouts");
}
