//! Every kind of OME-Zarr that opens, as the short text of `formats::text`, compared with a stored one; and what a person
//! does in the window with plates of several acquisitions and with further axes.

use std::{fs, path::Path};

use egui::{Key, Modifiers};
use serde_json::{Value, json};
use squidview::formats::{self, text};

use crate::{
    desk::{Desk, Setup},
    expected,
    fixture::write_v2,
};

fn write(path: &Path, document: &Value) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, document.to_string()).unwrap();
}

/// The attributes of a version 2 group, in place of those that it has.
fn attributes(folder: &Path, attributes: &Value) {
    write(&folder.join(".zgroup"), &json!({"zarr_format": 2}));
    write(&folder.join(".zattrs"), attributes);
}

fn image(folder: &Path) {
    write_v2(folder, &["c", "z", "y", "x"], &[2, 3, 4, 6]);
}

/// A version 3 image of one level with these attributes under `ome`.
fn image_v3(folder: &Path, rank: usize, ome: &Value) {
    let group = json!({"zarr_format": 3, "node_type": "group", "attributes": {"ome": ome}});
    write(&folder.join("zarr.json"), &group);
    let shape: Vec<usize> = (2..2 + rank).collect();
    let array = json!({
        "zarr_format": 3, "node_type": "array", "shape": shape, "data_type": "uint16", "fill_value": 0,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": shape}},
        "chunk_key_encoding": {"name": "default"},
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
    });
    write(&folder.join("0/zarr.json"), &array);
}

/// The text of what lies at a folder against `tests/data/expected/text_NAME.txt`.
fn check(name: &str, build: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    build(&path);
    let dataset = formats::open(&path, &mut |_| true).unwrap();
    expected::check(&format!("text_{name}.txt"), &text::describe(&dataset));
}

/// Wells A1 of two acquisitions, B2 that is only named, C3 without metadata, D4 with a field that is only named.
fn plate(folder: &Path) {
    let well = |path: &str, row: u8, column: u8| json!({"path": path, "rowIndex": row, "columnIndex": column});
    let named = |names: &[&str]| {
        names
            .iter()
            .map(|name| json!({"name": name}))
            .collect::<Vec<_>>()
    };
    let plate = json!({"plate": {
        "version": "0.4", "name": "several", "field_count": 3,
        "rows": named(&["A", "B", "C", "D"]), "columns": named(&["1", "2", "3", "4"]),
        "acquisitions": [{"id": 0, "name": "before"}, {"id": 7, "name": "after"}],
        "wells": [well("A/1", 0, 0), well("B/2", 1, 1), well("C/3", 2, 2), well("D/4", 3, 3)],
    }});
    attributes(folder, &plate);
    let field = |path: &str, acquisition: u8| json!({"path": path, "acquisition": acquisition});
    let images = [field("0", 0), field("second", 7), field("x y", 7)];
    attributes(
        &folder.join("A/1"),
        &json!({"well": {"version": "0.4", "images": images}}),
    );
    for name in ["0", "second", "x y"] {
        image(&folder.join("A/1").join(name));
    }
    image(&folder.join("C/3/0"));
    let images = [field("0", 0), field("1", 7)];
    attributes(
        &folder.join("D/4"),
        &json!({"well": {"version": "0.4", "images": images}}),
    );
    image(&folder.join("D/4/1"));
}

#[test]
fn images_of_every_version_open() {
    let datasets = json!([{"path": "0"}]);
    for version in ["0.1", "0.2"] {
        check(&format!("image_{version}"), |at| {
            write_v2(at, &["t", "c", "z", "y", "x"], &[1, 2, 3, 4, 6]);
            attributes(
                at,
                &json!({"multiscales": [{"version": version, "datasets": datasets}]}),
            );
        });
    }
    check("image_0.3", |at| {
        image(at);
        let axes = ["c", "z", "y", "x"];
        attributes(
            at,
            &json!({"multiscales": [{"version": "0.3", "axes": axes, "datasets": datasets}]}),
        );
    });
    check("image_0.4", image);
    let space = |name: &str| json!({"name": name, "type": "space", "unit": "nanometer"});
    check("image_0.5", |at| {
        let scale = json!([{"type": "scale", "scale": [500, 650, 650]}]);
        let multiscale = json!({
            "axes": [space("z"), space("y"), space("x")],
            "datasets": [{"path": "0", "coordinateTransformations": scale}],
        });
        image_v3(
            at,
            3,
            &json!({"version": "0.5", "multiscales": [multiscale]}),
        );
    });
    check("image_0.6", |at| {
        let transform = json!({
            "type": "sequence", "input": {"path": "0"}, "output": {"name": "physical"},
            "transformations": [
                {"type": "scale", "scale": [500, 650, 650]}, {"type": "translation", "translation": [0, 10, 20]},
            ],
        });
        let multiscale = json!({
            "coordinateSystems": [{"name": "physical", "axes": [space("z"), space("y"), space("x")]}],
            "datasets": [{"path": "0", "coordinateTransformations": [transform]}],
        });
        image_v3(
            at,
            3,
            &json!({"version": "0.6rc0", "multiscales": [multiscale]}),
        );
    });
}

#[test]
fn plates_wells_series_labels_collections_and_arrays_open() {
    check("plate_of_two_acquisitions", plate);
    check("well", |at| {
        attributes(
            at,
            &json!({"well": {"version": "0.4", "images": [{"path": "0"}, {"path": "b"}]}}),
        );
        image(&at.join("0"));
        image(&at.join("b"));
    });
    check("series", |at| {
        attributes(at, &json!({"bioformats2raw.layout": 3}));
        image(&at.join("0"));
        image(&at.join("1"));
        attributes(&at.join("OME"), &json!({"series": ["1", "0"]}));
    });
    check("labels", |at| {
        attributes(at, &json!({"labels": ["cells"]}));
        image(&at.join("cells"));
    });
    check("image_with_labels", |at| {
        image(at);
        attributes(
            &at.join("labels"),
            &json!({"labels": ["cells", "../../outside"]}),
        );
        image(&at.join("labels/cells"));
    });
    check("collection", |at| {
        image(&at.join("first.zarr"));
        image(&at.join("below/second.zarr"));
    });
    check("multiscales", |at| {
        image(at);
        image(&at.join("coarse"));
        let of = |name: &str, path: &str| {
            let axes = ["c", "z", "y", "x"].map(|name| json!({"name": name}));
            let scale = json!([{"type": "scale", "scale": [1, 1, 1, 1]}]);
            json!({
                "version": "0.4", "name": name, "axes": axes,
                "datasets": [{"path": path, "coordinateTransformations": scale}],
            })
        };
        attributes(
            at,
            &json!({"multiscales": [of("raw", "0"), of("mean", "coarse/0")]}),
        );
    });
    check("array", |at| {
        let whole = at.with_extension("whole");
        image(&whole);
        fs::rename(whole.join("0"), at).unwrap();
    });
    check("extra_axes", |at| {
        write_v2(at, &["angle", "phase", "z", "y", "x"], &[2, 3, 2, 4, 6]);
    });
}

#[test]
fn a_filter_that_is_not_supported_is_named() {
    let folder = tempfile::tempdir().unwrap();
    image(folder.path());
    let path = folder.path().join("0/.zarray");
    let mut document: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    document["filters"] = json!([{"id": "delta", "dtype": "|u1"}]);
    write(&path, &document);
    let error = formats::open(folder.path(), &mut |_| true).unwrap_err();
    assert_eq!(error.code.as_str(), "unsupported");
    assert!(error.message.contains("delta"), "{error}");
}

#[test]
fn a_plate_of_several_acquisitions_lists_the_chosen_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plate.zarr");
    plate(&path);
    let Some(mut desk) = Desk::with(&path, Setup::default()) else {
        return;
    };
    assert!(desk.has("FOV A1:0") && desk.has("FOV A1:second"));
    desk.click("Listed: All acquisitions");
    desk.click("Acquisition 7");
    desk.settle();
    assert!(
        !desk.has("FOV A1:0") && desk.has("FOV A1:x y"),
        "only those of it"
    );
    let shown = desk.session().position.fov;
    let dataset = formats::open(&path, &mut |_| true).unwrap();
    assert_eq!(dataset.fov(shown).unwrap().label, "A1:second");

    desk.click("Well A1");
    desk.click("D4");
    desk.settle();
    assert!(desk.has("Well D4") && desk.has("FOV D4:1"));
    desk.click("Listed: Acquisition 7");
    desk.click("All acquisitions");
    desk.settle();
    desk.click("Well D4");
    desk.click("C3");
    desk.settle();
    assert!(desk.has("FOV C3:0"), "a well without metadata");
}

#[test]
fn further_axes_have_bars_and_keys() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("angles.zarr");
    write_v2(&path, &["angle", "phase", "y", "x"], &[2, 3, 16, 24]);
    let Some(mut desk) = Desk::with(&path, Setup::default()) else {
        return;
    };
    let extra = |desk: &Desk| desk.session().position.extra;
    desk.click("Next angle (.)");
    assert_eq!(extra(&desk), 3);
    desk.click("Next phase");
    assert_eq!(extra(&desk), 4);
    desk.press(Modifiers::NONE, Key::Comma);
    assert_eq!(extra(&desk), 1);
    desk.press(Modifiers::NONE, Key::Comma);
    assert_eq!(extra(&desk), 1, "stops at the end");
    desk.settle();
    assert!(desk.has("angle slider") && desk.has("phase index"));
}
