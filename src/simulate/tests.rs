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

/// Names of everything in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn skipped_timepoints_leave_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan {
        num_timepoints: 4,
        skipped_timepoints: [1, 3].into(),
        ..plan(Structure::PerFov)
    };
    let mut seen = Vec::new();
    let mut on_plane = |written: Written| {
        seen.push(written.t);
        true
    };
    simulate(&plan, folder.path(), &mut on_plane, Duration::ZERO).unwrap();
    seen.dedup();
    assert_eq!(seen, [0, 2]);
    let store = folder.path().join("zarr/A1/fov_0.ome.zarr");
    assert_eq!(names(&store.join("0/c")), ["0", "2"]);
    assert!(!folder.path().join("1").exists() && !folder.path().join("3").exists());
    let keys = keys(&store.join("zarr.json"));
    assert_eq!(
        (&keys["shape"][0], &keys["acquisition_complete"]),
        (&4.into(), &true.into())
    );
}

#[test]
fn an_abort_in_the_middle_is_marked_and_no_failure() {
    let check = |num_planes, last: &str, is_begun: bool| {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan {
            ending: Ending::AbortsAfter(num_planes),
            ..plan(Structure::PerFov)
        };
        let mut num_written = 0;
        let mut on_plane = |written: Written| {
            num_written = written.num_written;
            true
        };
        simulate(&plan, folder.path(), &mut on_plane, Duration::ZERO).unwrap();
        assert_eq!(num_written, num_planes);
        let keys = keys(&folder.path().join(last).join("zarr.json"));
        assert_eq!(keys["aborted"], true, "{num_planes}");
        let exists = |name: &str| folder.path().join(name).exists();
        assert!(exists(".done") && !exists("1/.done"));
        assert_eq!(exists("1/coordinates.csv"), is_begun, "{num_planes}");
    };
    check(7, "zarr/A1/fov_1.ome.zarr", false);
    check(12, "zarr/B2/fov_0.ome.zarr", false);
    check(13, "zarr/A1/fov_0.ome.zarr", true);
}

#[test]
fn a_crash_finishes_nothing_and_tears_what_was_to_come() {
    let written = |compression, ending| {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan {
            compression,
            ending,
            ..plan(Structure::PerFov)
        };
        simulate(&plan, folder.path(), &mut |_| true, Duration::ZERO).unwrap();
        folder
    };
    let check = |compression, num_planes, file: &str, is_torn: bool| {
        let folder = written(compression, Ending::CrashesAfter(num_planes));
        let len = |folder: &Path| fs::metadata(folder.join(file)).unwrap().len();
        // As many planes, and the next one where half of it is expected.
        let whole = Ending::AbortsAfter(num_planes + u64::from(is_torn));
        let whole = len(written(compression, whole).path());
        let expected = if is_torn { whole / 2 } else { whole };
        assert_eq!(len(folder.path()), expected, "{file}");
        let keys = keys(&folder.path().join("zarr/A1/fov_0.ome.zarr/zarr.json"));
        assert_eq!(
            (&keys["acquisition_complete"], keys.get("aborted")),
            (&false.into(), None)
        );
        for name in [".done", "0/.done", "0/coordinates.csv"] {
            assert!(!folder.path().join(name).exists(), "{name}");
        }
    };
    let fast = Compression::Fast;
    check(fast, 3, "zarr/A1/fov_0.ome.zarr/0/c/0/1/1/0/0", true);
    // The store of the next FOV, too, is there with its first chunk.
    check(fast, 4, "zarr/A1/fov_1.ome.zarr/0/c/0/0/0/0/0", true);
    let sharded = Compression::Balanced;
    check(sharded, 2, "zarr/A1/fov_0.ome.zarr/0/c/0/0/1/0/0", true);
    // A shard that holds another channel already stays as it is.
    check(sharded, 3, "zarr/A1/fov_0.ome.zarr/0/c/0/0/1/0/0", false);
}

/// The run file as the program's own parser understands it.
fn run_of(folder: &Path) -> crate::metadata::run_state::Run {
    let text = fs::read_to_string(folder.join("run.json")).unwrap();
    crate::metadata::run_state::parse(&text).unwrap()
}

#[test]
fn the_run_file_tells_of_start_progress_and_end() {
    let folder = tempfile::tempdir().unwrap();
    let (state, out) = (folder.path().join("state"), folder.path().join("run 1"));
    let plan = Plan {
        num_timepoints: 1,
        run_folder: Some(state.clone()),
        ending: Ending::AbortsAfter(6),
        ..plan(Structure::PerFov)
    };
    let mut seen = Vec::new();
    let mut on_plane = |_| {
        seen.push(run_of(&state));
        true
    };
    // A heartbeat a second.
    let interval = Duration::from_millis(400);
    simulate(&plan, &out, &mut on_plane, interval).unwrap();
    let first = &seen[0];
    assert_eq!((first.name().as_str(), &first.end), ("run 1", &None));
    assert_eq!(first.output_path.as_deref(), Some(out.as_path()));
    assert_eq!(
        (first.expected.fovs, first.expected.channels),
        (Some(3), Some(2))
    );
    let secs = |run: &crate::metadata::run_state::Run| run.heartbeat_at.unwrap().unix_secs;
    assert!(secs(&seen[5]) > secs(first));
    assert!(seen[5].progress.images > Some(1));
    let last = run_of(&state);
    assert_eq!(last.progress.images, Some(6));
    assert_eq!(last.progress.fov, Some(2));
    assert_eq!(
        last.end,
        Some(crate::metadata::run_state::EndReason::UserAbort)
    );
    assert_eq!(names(&state), ["run.json"]);
}

#[test]
fn how_a_run_ended_stands_in_the_run_file() {
    use crate::metadata::run_state::EndReason;
    let check = |ending, expected: Option<EndReason>| {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan {
            ending,
            run_folder: Some(folder.path().join("state")),
            ..plan(Structure::Single)
        };
        let out = folder.path().join("out");
        simulate(&plan, &out, &mut |_| true, Duration::ZERO).unwrap();
        let run = run_of(&folder.path().join("state"));
        assert_eq!(run.end, expected, "{ending:?}");
    };
    check(Ending::Completes, Some(EndReason::Completed));
    check(Ending::AbortsAfter(3), Some(EndReason::UserAbort));
    check(Ending::CrashesAfter(3), None);
    check(Ending::CrashesAfter(8), None);
}
