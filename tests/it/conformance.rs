//! The specification's own test documents: valid ones are read without complaint, of the others something is said.
//!
//! `tests/data/ngff/VERSION.json`, one document a line, from ome/ngff-spec (0.2 from ome/ngff).

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;
use squidview::{
    metadata::ngff::{self, Attributes},
    model::Code,
};

/// Documents of a version: name, attributes, and whether the specification calls them valid.
fn documents(version: &str) -> Vec<(String, Value, bool)> {
    let path = format!(
        "{}/tests/data/ngff/{version}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).unwrap();
    let list: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert!(list.len() > 10, "{version} has {} documents", list.len());
    let document = |entry: Value| {
        let name = entry["name"].as_str().unwrap().to_owned();
        (
            name,
            entry["data"].clone(),
            entry["valid"].as_bool().unwrap(),
        )
    };
    list.into_iter().map(document).collect()
}

fn parsed(name: &str, attributes: &Value) -> Attributes {
    let parse = || ngff::parse(None, Some(attributes));
    catch_unwind(AssertUnwindSafe(parse))
        .unwrap_or_else(|_| panic!("{name} makes the parser panic"))
}

/// What is said of the documents of a version that should not be said, or is missing.
fn check(version: &str, must_tell: bool) {
    let mut wrong = Vec::new();
    for (name, attributes, is_valid) in documents(version) {
        let problems = parsed(&name, &attributes).problems;
        // Strict suites ask for what the specification only recommends: a document that lacks it is valid.
        let is_accepted = is_valid || name.starts_with("strict_");
        let mut bad = problems.iter().filter(|it| it.code == Code::BadMetadata);
        if is_accepted {
            wrong.extend(
                bad.next()
                    .map(|problem| format!("{name} is valid: {problem}")),
            );
        } else if problems.is_empty() && must_tell {
            wrong.push(format!(
                "{name} is invalid, and nothing is said: {attributes}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{version}:\n{}", wrong.join("\n"));
}

#[test]
fn documents_of_0_1_are_told_apart() {
    check("0.1", true);
}

#[test]
fn documents_of_0_2_are_told_apart() {
    check("0.2", true);
}

#[test]
fn documents_of_0_3_are_told_apart() {
    check("0.3", true);
}

#[test]
fn documents_of_0_4_are_told_apart() {
    check("0.4", true);
}

#[test]
fn documents_of_0_5_are_told_apart() {
    check("0.5", true);
}

/// The branch `0.2` of the specification holds those of an early draft of 0.6.
#[test]
fn documents_of_the_drafts_of_0_6_are_read() {
    check("0.6.dev2", false);
    check("0.6rc0", false);
}

#[test]
fn what_can_be_shown_is_read_from_invalid_documents_too() {
    for version in ["0.4", "0.5"] {
        for (name, attributes, _) in documents(version) {
            let found = parsed(&name, &attributes);
            let has_level = attributes
                .pointer("/multiscales/0/datasets/0/path")
                .is_some()
                || attributes
                    .pointer("/ome/multiscales/0/datasets/0/path")
                    .is_some();
            if has_level {
                let multiscale = found.multiscale.unwrap();
                assert!(!multiscale.levels.is_empty(), "{version} {name}");
            }
        }
    }
}
