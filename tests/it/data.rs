//! The committed data itself: small, and of told origin.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Bytes of all files, which every clone pays for.
const MOST_BYTES: u64 = 3_000_000;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

fn num_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let sizes = entries.map(|entry| match entry.metadata().unwrap() {
        found if found.is_dir() => num_bytes(&entry.path()),
        found => found.len(),
    });
    sizes.sum()
}

#[test]
fn all_data_together_stays_small() {
    let found = num_bytes(&folder());
    assert!(
        found < MOST_BYTES,
        "{found} bytes, expected less than {MOST_BYTES}"
    );
}

#[test]
fn the_origin_and_licence_of_every_folder_is_told() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    for entry in fs::read_dir(folder()).unwrap() {
        let entry = entry.unwrap();
        if !entry.file_type().unwrap().is_dir() {
            continue;
        }
        let name = entry.file_name().into_string().unwrap();
        let row = readme
            .lines()
            .find(|line| line.starts_with(&format!("| `{name}/` |")));
        let row = row.unwrap_or_else(|| panic!("tests/data/README.md has no row for {name}"));
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert!(
            cells.len() == 3 && cells.iter().all(|cell| !cell.is_empty()),
            "{row}"
        );
    }
}

#[test]
fn every_dataset_has_a_manifest_and_every_manifest_its_dataset() {
    let squid = folder().join("squid");
    for entry in fs::read_dir(&squid).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let partner = match name.strip_suffix(".manifest.json") {
            Some(dataset) => squid.join(dataset),
            None => squid.join(format!("{name}.manifest.json")),
        };
        assert!(partner.exists(), "{name} has no {}", partner.display());
    }
}
