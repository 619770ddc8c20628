//! What fuzzing found, and its seeds, again: no fuzzer and no nightly compiler are needed for that.

use std::{fs, path::Path};

use crate::fuzz_targets::{TARGETS, run};

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/fuzz"))
}

#[test]
fn every_kept_input_is_taken_by_its_target() {
    let mut num_inputs = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        for input in fs::read_dir(entry.path()).unwrap() {
            run(&name, &fs::read(input.unwrap().path()).unwrap());
            num_inputs += 1;
        }
    }
    assert!(num_inputs > 30, "{num_inputs}");
}

#[test]
fn every_target_is_built() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        let file = fs::read_to_string(root.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(file.contains(&format!("run(\"{name}\"")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
}

#[test]
fn every_target_takes_nothing_and_rubbish() {
    for (name, target) in TARGETS {
        assert!(!name.is_empty());
        for bytes in [
            &b""[..],
            b"\0",
            b"{",
            b"[[[[",
            &[0xff; 300],
            b"II*\0\x08\0\0\0",
        ] {
            target(bytes);
        }
    }
}
