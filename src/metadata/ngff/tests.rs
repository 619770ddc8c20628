//! Whole documents: Squid's, those of other writers, and arbitrary ones.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    metadata::{json::arbitrary::any_json, zarr_array},
    model::{AxisRole, Rgb},
};

fn document(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn axis_names(found: &Attributes) -> String {
    let axes = found
        .multiscale
        .as_ref()
        .and_then(|multiscale| multiscale.axes.as_ref());
    let names = axes.map(|axes| {
        axes.iter()
            .map(|axis| axis.name.as_str())
            .collect::<Vec<_>>()
    });
    names.unwrap_or_default().join(" ")
}

#[test]
fn squids_image_is_read_without_a_problem() {
    let image = document(include_str!(
        "../../../tests/data/metadata/squid_image.zarr.json"
    ));
    let found = parse(Some(&image), None);
    assert_eq!(found.problems, []);
    assert_eq!(found.ngff.as_deref(), Some("0.5"));
    assert_eq!(axis_names(&found), "t c z y x");
    let level = LevelEntry {
        path: "0".to_owned(),
        scale: Some(vec![1.0, 1.0, 1.5, 0.325, 0.325]),
        translation: None,
    };
    assert_eq!(
        found.multiscale.map(|multiscale| multiscale.levels),
        Some(vec![level])
    );
    let first = &found.channels[0];
    assert_eq!(first.name.as_deref(), Some("Fluorescence 405 nm Ex"));
    assert_eq!(first.color.map(Rgb::to_hex).as_deref(), Some("20ADF8"));
    assert_eq!(first.emission_nm, Some(405.0));
    let squid = found.squid.expect("squid keys");
    assert_eq!(
        (squid.pixel_size_um, squid.acquisition_complete),
        (Some(0.325), Some(true))
    );
}

#[test]
fn squids_plate_and_well_are_read() {
    let plate = document(include_str!(
        "../../../tests/data/metadata/squid_plate.zarr.json"
    ));
    let found = parse(Some(&plate), None);
    assert_eq!(found.problems, []);
    let plate = found.plate.expect("a plate");
    assert_eq!(
        (plate.rows, plate.columns),
        (vec!["A".to_owned()], vec!["1".to_owned()])
    );
    assert_eq!(plate.wells[0].row.as_deref(), Some("A"));
    let well = document(include_str!(
        "../../../tests/data/metadata/squid_well.zarr.json"
    ));
    let fields = parse(Some(&well), None).fields.expect("fields");
    let paths: Vec<_> = fields.iter().map(|field| field.path.as_str()).collect();
    assert_eq!(paths, ["0", "1"]);
}

#[test]
fn squids_older_6d_array_is_read() {
    let array = document(include_str!(
        "../../../tests/data/metadata/squid_old_6d.zarr.json"
    ));
    let found = parse(Some(&array), None);
    assert_eq!(found.problems, []);
    assert_eq!(found.ngff.as_deref(), Some("0.4"));
    assert_eq!(axis_names(&found), "t fov c z y x");
    let multiscale = found.multiscale.expect("a multiscale");
    assert_eq!(multiscale.levels[0].path, ".");
    assert_eq!(
        multiscale.axes.map(|axes| axes[1].role),
        Some(AxisRole::Fov)
    );
    assert_eq!(
        found.squid.and_then(|squid| squid.structure).as_deref(),
        Some("6D-TFCZYX")
    );
    let array = zarr_array::parse_v3(&array).expect("an array");
    assert_eq!(array.chunk_shape, [1, 1, 1, 1, 32, 48]);
}

#[test]
fn keys_are_sought_one_by_one_in_order_of_precedence() {
    let multiscales = |path: &str| json!([{"datasets": [{"path": path}]}]);
    let zarr_json = json!({"attributes": {
        "ome": {"version": "0.5", "multiscales": multiscales("ome"), "_squid": {"z_step_um": 2}},
        "multiscales": multiscales("attributes"),
        "omero": {"channels": [{"label": "a"}]},
        "_squid_metadata": {"z_step_um": 3, "pixel_size_um": 0.5},
    }});
    let zattrs = json!({"multiscales": multiscales("zattrs"), "omero": {"channels": []}, "labels": ["cells"]});
    let found = parse(Some(&zarr_json), Some(&zattrs));
    assert_eq!(
        found
            .multiscale
            .map(|multiscale| multiscale.levels[0].path.clone())
            .as_deref(),
        Some("ome")
    );
    assert_eq!(found.channels.len(), 1);
    assert_eq!(found.labels, ["cells"]);
    let squid = found.squid.expect("squid keys");
    assert_eq!(
        (squid.z_step_um, squid.pixel_size_um),
        (Some(2.0), Some(0.5))
    );
    let found = parse(
        Some(&json!({"attributes": {"multiscales": []}})),
        Some(&zattrs),
    );
    assert_eq!(
        found
            .multiscale
            .map(|multiscale| multiscale.levels[0].path.clone())
            .as_deref(),
        Some("zattrs")
    );
    assert_eq!(found.problems.len(), 1);
    let moved = json!({"ome": {"version": "0.5", "multiscales": multiscales("moved")}});
    assert_eq!(
        parse(Some(&json!({"attributes": {}})), Some(&moved))
            .ngff
            .as_deref(),
        Some("0.5")
    );
}

#[test]
fn the_version_is_found_wherever_it_stands_or_guessed() {
    let check = |attributes: Value, expected: Option<&str>| {
        let found = parse(None, Some(&attributes));
        assert_eq!(found.ngff.as_deref(), expected, "{attributes}");
    };
    check(json!({}), None);
    check(json!({"_squid": {}, "other": 1}), None);
    check(json!({"multiscales": [{"version": "0.1"}]}), Some("0.1"));
    check(json!({"multiscales": [{"version": 0.3}]}), Some("0.3"));
    check(json!({"plate": {"version": "0.2"}}), Some("0.2"));
    check(json!({"well": {}}), Some("0.4"));
    check(
        json!({"ome": {"version": "0.5", "multiscales": [{"version": "0.4"}]}}),
        Some("0.5"),
    );
    check(json!({"ome": {"multiscales": [{}]}}), Some("0.5"));
    check(json!({"multiscales": [{"axes": ["y", "x"]}]}), Some("0.3"));
    check(
        json!({"multiscales": [{"axes": [{"name": "y"}]}]}),
        Some("0.4"),
    );
    check(json!({"multiscales": [{}]}), Some("0.2"));
    check(json!({"bioformats2raw.layout": 3}), Some("0.4"));
}

#[test]
fn label_images_and_series_are_recognised() {
    let found = parse(
        None,
        Some(&json!({"image-label": {}, "bioformats2raw.layout": 3, "labels": ["a", 1, {}]})),
    );
    assert!(found.is_label && found.is_bioformats2raw);
    assert_eq!(found.labels, ["a", "1"]);
    assert_eq!(found.problems.len(), 1);
}

#[test]
fn several_multiscales_are_all_read_and_one_is_chosen() {
    let entry = |path: &str| json!({"axes": ["y", "x"], "datasets": [{"path": path}]});
    let found = parse(
        None,
        Some(&json!({"multiscales": [entry("a"), entry("b"), 7]})),
    );
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    let chosen = |idx| {
        let mut found = found.clone();
        found.choose(idx);
        found.multiscale.expect("a multiscale").levels[0]
            .path
            .clone()
    };
    let paths = [None, Some(0), Some(1), Some(2)].map(chosen);
    assert_eq!(paths, ["a", "a", "b", "a"]);
}

/// Messages of what is listed of an image of version 0.4 with these scales, and what else its attributes say.
fn listed(scales: &[Value], mut more: Value) -> Vec<String> {
    let datasets: Vec<Value> = (0..)
        .zip(scales)
        .map(|(at, scale)| {
            let transforms = json!([{"type": "scale", "scale": scale}]);
            json!({"path": at.to_string(), "coordinateTransformations": transforms})
        })
        .collect();
    let axes = ["z", "y", "x"].map(|name| json!({"name": name, "type": "space"}));
    more["multiscales"] = json!([{"version": "0.4", "axes": axes, "datasets": datasets}]);
    let found = parse(None, Some(&more));
    found.problems.into_iter().map(|it| it.message).collect()
}

#[test]
fn what_is_not_as_the_specification_asks_is_listed() {
    let check = |scales: &[Value], more: Value, expected: &[&str]| {
        assert_eq!(listed(scales, more), expected);
    };
    let fine = [json!([1, 1, 1]), json!([1, 2, 2]), json!([2, 2, 2])];
    check(&fine, json!({}), &[]);
    check(
        &[json!([1, 2, 2]), json!([1, 1, 1])],
        json!({}),
        &["datasets has a finer level after a coarser one, expected the finest first"],
    );
    check(
        &[json!(["1", 2, 2])],
        json!({}),
        &["level \"0\" has numbers written as texts"],
    );
    let omero = json!({
        "rdefs": {"model": "greyscale", "defaultZ": 3},
        "channels": [{"inverted": true}, {"inverted": false, "color": "FF0000"}],
    });
    check(
        &fine,
        json!({"omero": omero}),
        &[
            "omero.rdefs.model is greyscale: channels are drawn in gray, their colours are left aside",
        ],
    );
}

#[test]
fn an_identity_of_0_6_leads_to_pixels_of_1() {
    let level = |transform: Value| {
        let axes =
            ["y", "x"].map(|name| json!({"name": name, "type": "space", "unit": "micrometer"}));
        let multiscale = json!({
            "coordinateSystems": [{"name": "world", "axes": axes}],
            "datasets": [{"path": "0", "coordinateTransformations": [transform]}],
        });
        let document =
            json!({"attributes": {"ome": {"version": "0.6", "multiscales": [multiscale]}}});
        let found = parse(Some(&document), None);
        found
            .multiscale
            .and_then(|it| it.levels.first().cloned())
            .and_then(|it| it.scale)
    };
    let to_world =
        |kind: &str| json!({"type": kind, "input": {"path": "0"}, "output": {"name": "world"}});
    assert_eq!(level(to_world("identity")), Some(vec![1.0, 1.0]));
    assert_eq!(level(to_world("displacements")), None);
}

#[test]
fn wrong_types_are_problems_and_the_rest_is_kept() {
    let attributes = json!({
        "multiscales": [{"axes": "yx", "datasets": [{"path": "0", "coordinateTransformations": 3}, 4]}],
        "omero": [], "plate": 7, "well": "w", "labels": {}, "_squid": 5,
    });
    let found = parse(None, Some(&attributes));
    let multiscale = found.multiscale.expect("a multiscale");
    assert_eq!((multiscale.axes, multiscale.levels.len()), (None, 1));
    assert_eq!(found.problems.len(), 7);
    assert!(
        found
            .problems
            .iter()
            .all(|problem| problem.code == Code::BadMetadata)
    );
}

proptest! {
    #[test]
    fn arbitrary_documents_never_panic(
        value in any_json(&[
            "attributes", "ome", "multiscales", "axes", "name", "type", "unit", "datasets", "path", "omero", "channels",
            "coordinateTransformations", "scale", "translation", "color", "window", "start", "end", "plate", "wells", "well",
            "rows", "columns", "images", "labels", "_squid", "version", "t", "x", "y", "space",
        ]),
        inner in any_json(&["axes", "name", "type", "datasets", "path", "coordinateTransformations", "scale", "channels", "wells", "rows", "y", "x"]),
    ) {
        let mut found = vec![parse(Some(&value), Some(&inner))];
        let keyed = json!({"multiscales": [inner], "omero": inner, "plate": inner, "well": inner, "_squid": inner});
        found.push(parse(None, Some(&keyed)));
        let listed = json!({"attributes": {"multiscales": [{"axes": inner, "datasets": [{"path": "0", "coordinateTransformations": inner}]}]}});
        found.push(parse(Some(&listed), None));
        // Axes that are given can always be shown.
        for axes in found.into_iter().filter_map(|found| found.multiscale?.axes) {
            prop_assert!(axes.iter().any(|axis| axis.role == AxisRole::X));
        }
    }
}

#[test]
fn versions_without_axes_know_five_of_them() {
    let check = |multiscale: Value, expected: &str| {
        let found = parse(None, Some(&json!({"multiscales": [multiscale]})));
        assert_eq!(axis_names(&found), expected);
    };
    check(json!({"version": "0.1", "datasets": []}), "t c z y x");
    check(json!({"version": "0.2", "datasets": []}), "t c z y x");
    check(json!({"version": "0.4", "datasets": []}), "");
    check(json!({"datasets": []}), "");
}
