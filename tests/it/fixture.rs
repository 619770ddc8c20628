//! Stores written by hand: one plain version 2 array, and copies of committed datasets to be damaged.

use std::{fs, path::Path};

use serde_json::json;

/// Writes a version 2 image of one `u8` chunk with samples 0, 1, 2 ... in C order, with these axes.
pub(crate) fn write_v2(folder: &Path, axes: &[&str], shape: &[u64]) {
    let array = folder.join("0");
    fs::create_dir_all(&array).unwrap();
    let axes: Vec<_> = axes.iter().map(|name| json!({ "name": name })).collect();
    let scale = vec![1.0; shape.len()];
    let multiscale = json!({
        "version": "0.4", "axes": axes,
        "datasets": [{ "path": "0", "coordinateTransformations": [{ "type": "scale", "scale": scale }] }],
    });
    let document = json!({
        "zarr_format": 2, "shape": shape, "chunks": shape, "dtype": "|u1", "compressor": null, "order": "C",
        "fill_value": 0, "filters": null, "dimension_separator": ".",
    });
    let write = |name: &str, text: String| fs::write(folder.join(name), text).unwrap();
    write(".zgroup", json!({ "zarr_format": 2 }).to_string());
    write(
        ".zattrs",
        json!({ "multiscales": [multiscale] }).to_string(),
    );
    write("0/.zarray", document.to_string());
    let samples: Vec<u8> = (0..shape.iter().product::<u64>())
        .map(|n| n as u8)
        .collect();
    let key = vec!["0"; shape.len()].join(".");
    fs::write(array.join(key), samples).unwrap();
}

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
