//! Texts that a test expects, stored in `tests/data/expected`; `UPDATE_SNAPSHOTS=1` writes what was found instead.

use std::{fs, path::PathBuf};

use squidview::{dataset::Dataset, formats::text};

/// Compares line by line, so that a failure shows the lines and not two pages.
pub(crate) fn check(name: &str, found: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/expected")
        .join(name);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, found).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{error} (UPDATE_SNAPSHOTS=1 writes it): {name}"));
    let (mut expected, mut found) = (expected.lines(), found.lines());
    let mut differing = Vec::new();
    loop {
        match (expected.next(), found.next()) {
            (None, None) => break,
            (expected, found) if expected == found => {}
            (expected, found) => {
                differing.push(format!("expected {expected:?}\n   found {found:?}"));
            }
        }
    }
    assert!(differing.is_empty(), "{name}:\n{}", differing.join("\n"));
}

/// Compares a dataset in words, whatever the folder is called that it was made in.
pub(crate) fn check_text(name: &str, dataset: &Dataset) {
    let unnamed = Dataset {
        name: "NAME".into(),
        ..dataset.clone()
    };
    check(&format!("text_{name}.txt"), &text::describe(&unnamed));
}
