//! Every plane of every dataset in `tests/data/squid` has the CRC that its writer noted.

use std::{fs, path::PathBuf, sync::Arc};

use serde_json::Value;
use squidview::{
    dataset::{Dataset, ImageSlot},
    formats,
    model::{FovId, PlaneId, TileId, ZPick},
    store::{ReadOutcome, Store},
};

pub(crate) fn data_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/squid")
}

/// Opens a dataset with the stores of all its FOVs that exist.
pub(crate) fn open_whole(path: &std::path::Path) -> Arc<Dataset> {
    let mut dataset = formats::open(path, &mut |_| true).unwrap();
    for &fov in Arc::clone(&dataset.order).iter() {
        if matches!(dataset.images[fov.row()], ImageSlot::Unopened) {
            let opened = dataset.opener.open_fov(&dataset, fov);
            dataset = dataset.with_opened(vec![(fov, opened)]);
        }
    }
    Arc::new(dataset)
}

/// The zlib CRC-32 of a plane as little-endian rows; `None` where it is not on disk.
pub(crate) fn plane_crc(store: &Store, dataset: &Dataset, plane: PlaneId) -> Option<String> {
    match store.read_tile(dataset, TileId::whole(plane)).unwrap() {
        ReadOutcome::Absent => None,
        ReadOutcome::Pixels { tiles, .. } => {
            assert_eq!(
                tiles[0].tile,
                TileId::whole(plane),
                "the asked tile comes first"
            );
            let rows = tiles[0].pixels.to_rows();
            Some(format!(
                "{:08x}",
                crc32fast::hash(rows.samples().as_bytes())
            ))
        }
    }
}

fn manifest(name: &str) -> Value {
    let text = fs::read_to_string(data_folder().join(format!("{name}.manifest.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn index(entry: &Value, key: &str) -> u32 {
    entry
        .get(key)
        .and_then(Value::as_u64)
        .unwrap_or(0)
        .try_into()
        .unwrap()
}

/// The FOV that the manifest means: by region and index inside it, the only one where there are no regions.
fn fov_of(dataset: &Dataset, entry: &Value) -> FovId {
    if dataset.num_fovs() == 1 {
        return dataset.order[0];
    }
    let region = entry["region"].as_str().unwrap();
    let found = dataset.fovs.iter().position(|fov| {
        fov.region.as_deref() == Some(region) && fov.fov_in_region == Some(index(entry, "fov"))
    });
    FovId(
        found
            .unwrap_or_else(|| panic!("no FOV {region}:{}", entry["fov"]))
            .try_into()
            .unwrap(),
    )
}

fn check(name: &str) {
    let manifest = manifest(name);
    let dataset = open_whole(&data_folder().join(name));
    let store = Store::new();
    let planes = manifest["samples"].as_array().unwrap();
    assert!(!planes.is_empty());
    for entry in planes {
        let plane = PlaneId {
            fov: fov_of(&dataset, entry),
            layer: 0,
            t: index(entry, "t"),
            c: index(entry, "c").try_into().unwrap(),
            z: ZPick::Slice(index(entry, "z")),
            extra: 0,
            level: index(entry, "level").try_into().unwrap(),
        };
        let crc = plane_crc(&store, &dataset, plane);
        assert_eq!(crc.as_deref(), entry["crc32"].as_str(), "{name}: {plane:?}");
    }
    for entry in manifest["unwritten"].as_array().unwrap() {
        let plane = PlaneId {
            fov: fov_of(&dataset, entry),
            layer: 0,
            t: index(entry, "t"),
            c: index(entry, "c").try_into().unwrap(),
            z: ZPick::Slice(index(entry, "z")),
            extra: 0,
            level: 0,
        };
        if dataset.image(plane.fov).is_some() {
            assert_eq!(
                plane_crc(&store, &dataset, plane),
                None,
                "{name}: {plane:?} is not written"
            );
        }
    }
}

#[test]
fn every_plane_of_every_layout_has_the_crc_that_its_writer_noted() {
    let mut names: Vec<String> = fs::read_dir(data_folder())
        .unwrap()
        .filter_map(|entry| {
            entry
                .unwrap()
                .file_name()
                .to_str()
                .and_then(|name| name.strip_suffix(".manifest.json"))
                .map(str::to_owned)
        })
        .filter(|name| name != "tiff_folder")
        .collect();
    names.sort();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        check(&name);
    }
}

#[test]
fn a_tiff_folder_is_named_and_refused_in_words() {
    let error = formats::open(&data_folder().join("tiff_folder"), &mut |_| true).unwrap_err();
    assert_eq!(error.code.as_str(), "unsupported");
    assert!(error.message.to_lowercase().contains("tiff"), "{error}");
}
