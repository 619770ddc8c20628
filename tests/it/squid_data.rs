//! Every plane of every dataset in `tests/data/squid` has the CRC that its writer noted.

use std::fs;

use serde_json::Value;
use squidview::{
    dataset::Dataset,
    formats::{self, text},
    model::{Code, FovId, PlaneId, limits},
    store::Store,
};

use crate::{
    expected,
    fixture::copy,
    planes::{data_folder, open_whole, plane_at, plane_crc},
};

/// Names of all Zarr datasets whose manifest is committed.
pub(crate) fn names() -> Vec<String> {
    let entries = fs::read_dir(data_folder()).unwrap();
    let names = entries.filter_map(|entry| {
        let name = entry.unwrap().file_name();
        name.to_str()
            .and_then(|name| name.strip_suffix(".manifest.json"))
            .map(str::to_owned)
    });
    let mut names: Vec<String> = names.filter(|name| name != "tiff_folder").collect();
    names.sort();
    names
}

/// What the writer of a dataset noted.
pub(crate) fn manifest(name: &str) -> Value {
    let text = fs::read_to_string(data_folder().join(format!("{name}.manifest.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// An index of a manifest's entry; 0 where the axis is absent.
pub(crate) fn index(entry: &Value, key: &str) -> u32 {
    let index = entry.get(key).and_then(Value::as_u64).unwrap_or(0);
    index.try_into().unwrap()
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
    let row = found.unwrap_or_else(|| panic!("no FOV {region}:{}", entry["fov"]));
    FovId(row.try_into().unwrap())
}

fn plane_of(dataset: &Dataset, entry: &Value) -> PlaneId {
    let at = |key| index(entry, key);
    PlaneId {
        level: at("level").try_into().unwrap(),
        ..plane_at(fov_of(dataset, entry), at("t"), at("c"), at("z"))
    }
}

fn check(name: &str) {
    let manifest = manifest(name);
    let dataset = open_whole(&data_folder().join(name));
    expected::check(&format!("text_squid_{name}.txt"), &text::describe(&dataset));
    let store = Store::new();
    let planes = manifest["samples"].as_array().unwrap();
    assert!(!planes.is_empty());
    for entry in planes {
        let plane = plane_of(&dataset, entry);
        let crc = plane_crc(&store, &dataset, plane);
        assert_eq!(crc.as_deref(), entry["crc32"].as_str(), "{name}: {plane:?}");
    }
    for entry in manifest["unwritten"].as_array().unwrap() {
        let plane = plane_of(&dataset, entry);
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
    let names = names();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        check(&name);
    }
}

#[test]
fn every_plane_of_the_tiff_folder_has_the_crc_that_its_writer_noted() {
    check("tiff_folder");
    let dataset = formats::open(&data_folder().join("tiff_folder"), &mut |_| true).unwrap();
    assert_eq!(dataset.layout, "Squid acquisition in one file per plane");
    assert!(dataset.problems.is_empty(), "{:?}", dataset.problems);
}

#[test]
fn fovs_of_all_arrays_beyond_the_budget_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let num_regions = limits::FOVS as u64 / limits::ARRAY_FOVS + 1;
    for number in 0..num_regions {
        let region = folder.path().join(format!("zarr/R{number}"));
        copy(&data_folder().join("6d/zarr/A1"), &region);
        let path = region.join("acquisition.zarr/zarr.json");
        let mut document: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        document["shape"][0] = (1_u64 << 31).into();
        fs::write(&path, document.to_string()).unwrap();
    }
    let refused = formats::open(folder.path(), &mut |_| true).unwrap_err();
    assert_eq!(refused.code, Code::TooLarge, "{refused}");
    let found = num_regions * limits::ARRAY_FOVS;
    assert!(
        refused.message.contains(&format!("{found} FOVs")),
        "{refused}"
    );
}
