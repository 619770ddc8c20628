//! Acquisitions as a whole: what is on disk while they run, at their end, and when they stop early.

use serde_json::Value;

use super::*;

fn plan(structure: Structure) -> Plan {
    let regions: &[(&str, u32)] = match structure {
        Structure::Single => &[("R0", 1)],
        _ => &[("A1", 2), ("B2", 1)],
    };
    Plan {
        structure,
        regions: regions
            .iter()
            .map(|&(name, fovs)| (name.to_owned(), fovs))
            .collect(),
        num_timepoints: 2,
        num_z: 2,
        channels: vec!["DAPI".into(), "GFP".into()],
        width: 40,
        height: 24,
        ..Plan::default()
    }
}

fn keys(path: &Path) -> Value {
    let document: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    document["attributes"]["_squid"].clone()
}

#[test]
fn planes_follow_in_the_microscopes_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    let mut on_plane = |written: Written| {
        seen.push((
            written.t,
            written.region_idx,
            written.fov,
            written.z,
            written.c,
        ));
        written.num_planned == 24
    };
    simulate(
        &plan(Structure::SixD),
        folder.path(),
        &mut on_plane,
        Duration::ZERO,
    )
    .unwrap();
    assert_eq!(seen.len(), 24);
    assert!(seen.is_sorted());
}

#[test]
fn every_structure_ends_complete() {
    let check = |structure, store: &str| {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new");
        let path = out.join(store).join("zarr.json");
        let mut was_complete = Vec::new();
        let mut on_plane = |_| {
            was_complete.push(keys(&path)["acquisition_complete"].clone());
            true
        };
        simulate(&plan(structure), &out, &mut on_plane, Duration::ZERO).unwrap();
        assert!(
            was_complete.iter().all(|flag| flag == false),
            "{structure:?}"
        );
        assert_eq!(keys(&path)["acquisition_complete"], true, "{structure:?}");
        assert_eq!(
            out.join(".done").exists(),
            structure != Structure::Single,
            "{structure:?}"
        );
    };
    check(Structure::PerFov, "zarr/A1/fov_0.ome.zarr");
    check(Structure::Hcs, "plate.ome.zarr/A/1/0");
    check(Structure::SixD, "zarr/A1/acquisition.zarr");
    check(Structure::Single, "");
}

#[test]
fn a_stopped_acquisition_is_marked_as_aborted() {
    let folder = tempfile::tempdir().unwrap();
    let mut on_plane = |written: Written| written.num_written < 15;
    let outcome = simulate(
        &plan(Structure::PerFov),
        folder.path(),
        &mut on_plane,
        Duration::ZERO,
    );
    assert_eq!(
        outcome.unwrap_err().to_string(),
        "stopped after 15 of 24 planes"
    );
    let keys = keys(&folder.path().join("zarr/A1/fov_0.ome.zarr/zarr.json"));
    assert_eq!(
        (&keys["acquisition_complete"], &keys["aborted"]),
        (&false.into(), &true.into())
    );
    let exists = |name: &str| folder.path().join(name).exists();
    assert!(exists("0/.done") && !exists("1/.done") && exists(".done"));
    let executed = fs::read_to_string(folder.path().join("1/coordinates.csv")).unwrap();
    assert_eq!(executed.lines().count(), 1 + 2);
}

#[test]
fn a_folder_that_holds_something_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("precious"), "").unwrap();
    let outcome = simulate(
        &plan(Structure::Single),
        folder.path(),
        &mut |_| true,
        Duration::ZERO,
    );
    assert!(matches!(outcome, Err(SimulateError::NotEmpty { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_in_the_way_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let outcome = simulate(
        &plan(Structure::Single),
        &file,
        &mut |_| true,
        Duration::ZERO,
    );
    assert!(matches!(outcome, Err(SimulateError::Io { .. })));
}
