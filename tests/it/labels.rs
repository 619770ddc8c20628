//! Label images in the window: switched on by label, drawn over the image; and as layers of their image for whoever reads planes.

use std::{fs, path::Path};

use serde_json::{Value, json};
use squidview::{
    dataset::OpenedLabel,
    formats,
    model::{Absence, FovId, PlaneId, TileId},
    store::{ReadOutcome, Store},
};

use crate::{
    desk::{Desk, Setup},
    planes::{crc, open_whole, plane_at, plane_crc},
};

/// A version 2 array of one chunk.
fn array(folder: &Path, shape: &[u64], dtype: &str, samples: &[u8]) {
    fs::create_dir_all(folder).unwrap();
    let document = json!({
        "zarr_format": 2, "shape": shape, "chunks": shape, "dtype": dtype, "compressor": null, "order": "C",
        "fill_value": 0, "filters": null, "dimension_separator": ".",
    });
    fs::write(folder.join(".zarray"), document.to_string()).unwrap();
    fs::write(folder.join(vec!["0"; shape.len()].join(".")), samples).unwrap();
}

/// A version 2 group of one level with these axes and scales, and what else its attributes say.
fn group(folder: &Path, axes: &[&str], scale: &[f64], mut more: Value) {
    fs::create_dir_all(folder).unwrap();
    fs::write(
        folder.join(".zgroup"),
        json!({"zarr_format": 2}).to_string(),
    )
    .unwrap();
    let kind = |name: &str| {
        if "zyx".contains(name) {
            "space"
        } else if name == "t" {
            "time"
        } else {
            "channel"
        }
    };
    let axes: Vec<_> = axes
        .iter()
        .map(|name| json!({"name": name, "type": kind(name)}))
        .collect();
    more["multiscales"] = json!([{
        "version": "0.4", "axes": axes,
        "datasets": [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": scale}]}],
    }]);
    fs::write(folder.join(".zattrs"), more.to_string()).unwrap();
}

/// An image of t 2, z 3, 40 x 60, all 50, with label images: `cells` of half its size without t and z, 32 bits, blocks of
/// 10 x 10 pixels that are labelled 1, 2, ..., but 0 in the first column of blocks; `odd`, of floating point numbers;
/// `gone`, that is named only.
fn store(folder: &Path) {
    group(
        folder,
        &["t", "z", "y", "x"],
        &[1.0, 1.0, 1.0, 1.0],
        json!({}),
    );
    let count = 2 * 3 * 40 * 60;
    let samples: Vec<u8> = (0..count)
        .map(|at| if at % 2 == 0 { 50 } else { 60 })
        .collect();
    array(&folder.join("0"), &[2, 3, 40, 60], "|u1", &samples);
    let labels = folder.join("labels");
    fs::create_dir_all(&labels).unwrap();
    fs::write(
        labels.join(".zgroup"),
        json!({"zarr_format": 2}).to_string(),
    )
    .unwrap();
    let names = json!({"labels": ["cells", "odd", "gone"]});
    fs::write(labels.join(".zattrs"), names.to_string()).unwrap();
    let colors = json!({"image-label": {"version": "0.4", "colors": [{"label-value": 3, "rgba": [255, 0, 0, 255]}]}});
    group(&labels.join("cells"), &["y", "x"], &[2.0, 2.0], colors);
    let label = |at: u32| {
        if (at % 30) / 10 == 0 {
            0
        } else {
            (at % 30) / 10 + 2 * (at / 30 / 10)
        }
    };
    let samples: Vec<u8> = (0..20 * 30)
        .flat_map(|at| label(at).to_le_bytes())
        .collect();
    array(&labels.join("cells/0"), &[20, 30], "<u4", &samples);
    group(&labels.join("odd"), &["y", "x"], &[1.0, 1.0], json!({}));
    array(&labels.join("odd/0"), &[2, 2], "<f4", &[0; 16]);
}

#[test]
fn label_planes_are_read_as_layers_of_their_image() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path());
    let dataset = open_whole(folder.path());
    let listed: Vec<&str> = dataset.problems.iter().map(|it| &*it.message).collect();
    let gone = "label image \"gone\" is named, not on disk";
    let odd = "label image \"odd\" has float32 samples and is not shown, expected whole numbers";
    assert_eq!(listed, [gone, odd]);
    let open = |name: &str| dataset.opener.open_label(&dataset, FovId(0), name);
    let OpenedLabel { label, problems } = open("cells").unwrap();
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(label.colors.get(3), Some([255, 0, 0, 255]));
    assert_eq!((label.placement.pixel_width, label.placement.x), (2.0, 0.0));
    assert_eq!(open("odd").unwrap_err().code.as_str(), "unsupported");
    assert_eq!(open("gone").unwrap_err().code.as_str(), "missing_array");
    assert_eq!(open("../..").unwrap_err().code.as_str(), "unsafe_path");

    let opened = OpenedLabel {
        label: label.clone(),
        problems,
    };
    let dataset = dataset.with_label(FovId(0), 1, Ok(opened));
    let over = plane_at(FovId(0), 1, 0, 2);
    let plane = label.plane_over(over, 1).unwrap();
    let (alone, fov) = formats::open_label(&dataset, FovId(0), "cells", &mut |_| true).unwrap();
    let expected = plane_crc(
        &Store::new(),
        &alone,
        PlaneId {
            fov,
            ..plane_at(fov, 0, 0, 0)
        },
    );
    assert!(expected.is_some());
    let tile = TileId::whole(plane);
    let read = Store::new()
        .read_tile(&dataset, tile, Absence::AsStored)
        .unwrap();
    let ReadOutcome::Pixels { tiles, .. } = read else {
        panic!("{read:?}");
    };
    let rows = tiles[0].pixels.to_rows();
    assert_eq!(Some(crc(rows.samples().as_bytes())), expected);
}

#[test]
fn label_images_are_switched_on_and_drawn_over_the_image() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path());
    let Some(mut desk) = Desk::with(folder.path(), Setup::default()) else {
        return;
    };
    let before = desk.color_at(0.9, 0.9);
    desk.click("Labels cells");
    desk.settle();
    assert_ne!(desk.color_at(0.9, 0.9), before, "a label covers it");
    // The image is 60 x 40 and fills the canvas' height; the block of label 3 lies in its lower middle.
    let over_label = desk.color_at(0.5, 0.75);
    assert!(
        over_label[0] > over_label[1] + 60,
        "red as the files say: {over_label:?}"
    );
    desk.click("Outline of cells");
    desk.settle();
    let inside = desk.color_at(0.5, 0.75);
    assert_ne!(inside, over_label, "only the edges are left");
    desk.click("Labels odd");
    desk.settle();
    assert!(desk.says("expected whole numbers for labels"));
    desk.click("Labels cells");
    desk.settle();
    assert_eq!(desk.color_at(0.9, 0.9), before);
}
