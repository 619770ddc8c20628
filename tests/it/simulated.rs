//! What `simulate` writes: tensorstore and this program read the same planes, while it runs, at its end and when it stops.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};
use squidview::{
    dataset::{Announcement, Arrays, Dataset, PlaneAt},
    live::{
        AcquisitionId, Audience, Client, InstanceFolder, Listen, Live, LiveEvent, RunNews,
        RunWatch, Server,
    },
    metadata::run_state::EndReason,
    model::{PlaneId, ZPick},
    simulate::{Announcer, Compression, Plan, SimulateError, Structure, Written, simulate},
    store::Store,
};

use crate::{
    oracle::oracle,
    planes::{data_folder, open_whole, plane_crc, planes_of},
    program::{on, squidview},
    squid_data,
};

const COMPRESSIONS: [&str; 4] = ["none", "fast", "balanced", "best"];

/// Options of a run: chunks, and a size that Squid can write with them.
fn chunk_options(compression: &str) -> [&'static str; 3] {
    // Shards hold whole chunks only.
    let is_sharded = matches!(compression, "balanced" | "best");
    let (tiled_256, tiled_512) = if is_sharded {
        (
            "--chunk tiled_256 --size 512x256",
            "--chunk tiled_512 --size 1024x512",
        )
    } else {
        (
            "--chunk tiled_256 --size 300x270",
            "--chunk tiled_512 --size 530x520",
        )
    };
    [
        "--chunk full_frame --size 48x40 --t 2 --z 2",
        tiled_256,
        tiled_512,
    ]
}

/// Side files that an acquisition folder holds at its end.
fn side_files(num_timepoints: u64) -> Vec<String> {
    let mut names: Vec<String> = [
        "acquisition.yaml",
        "acquisition parameters.json",
        "acquisition_channels.yaml",
    ]
    .map(str::to_owned)
    .into();
    names.extend(["coordinates.csv", ".done"].map(str::to_owned));
    for t in 0..num_timepoints {
        names.extend([format!("{t}/coordinates.csv"), format!("{t}/.done")]);
    }
    names
}

/// Every plane against what tensorstore read of the same arrays; the number of planes.
fn check_planes(folder: &Path, name: &str, arrays: Option<&Map<String, Value>>) -> usize {
    let dataset = open_whole(&folder.join(name));
    assert_eq!(dataset.problems, [], "{name}");
    let (store, mut crcs) = (Store::new(), Vec::new());
    for plane in dataset
        .order
        .iter()
        .flat_map(|&fov| planes_of(&dataset, fov))
    {
        let found = plane_crc(&store, &dataset, plane).unwrap();
        if let Some(arrays) = arrays {
            let (array, place) = place_of(&dataset, plane, folder);
            let expected = arrays[&array][&place].as_str();
            assert_eq!(Some(found.as_str()), expected, "{array}: {place}");
        }
        crcs.push(found);
    }
    let distinct: HashSet<&String> = crcs.iter().collect();
    assert_eq!(
        distinct.len(),
        crcs.len(),
        "{name}: no two planes are alike"
    );
    crcs.len()
}

/// The array of a plane below `folder`, and the plane's indices in it.
fn place_of(dataset: &Dataset, plane: PlaneId, folder: &Path) -> (String, String) {
    let image = dataset.image(plane.fov).unwrap();
    let (Arrays::One(locator), ZPick::Slice(z)) = (&image.levels[0].arrays, plane.z) else {
        panic!("one array for all timepoints, one slice: {plane:?}");
    };
    let array = locator.folder.strip_prefix(folder).unwrap();
    let array = array
        .to_str()
        .unwrap()
        .replace(std::path::MAIN_SEPARATOR, "/");
    let along_fov = dataset.fov(plane.fov).unwrap().array_index;
    let place = along_fov.into_iter().chain([plane.t, plane.c.into(), z]);
    let place: Vec<String> = place.map(|index| index.to_string()).collect();
    (array, place.join(","))
}

/// One finished acquisition: its planes, what inspect says of it, its side files.
fn check_finished(folder: &Path, name: &str, structure: &str, arrays: Option<&Map<String, Value>>) {
    let num_planes = check_planes(folder, name, arrays);
    let out = folder.join(name);
    let inspected = on(&out, "inspect PATH --json").answer();
    let expected =
        json!({ "complete": true, "planned_planes": num_planes, "written_planes": num_planes });
    assert_eq!(inspected["acquisition"], expected, "{name}");
    assert_eq!(inspected["warnings"], json!([]), "{name}");
    let num_timepoints = inspected["image"]["shape"][0].as_u64().unwrap();
    for file in side_files(num_timepoints) {
        let is_there = out.join(&file).is_file();
        assert_eq!(is_there, structure != "single", "{name}: {file}");
    }
    if let Some(arrays) = arrays {
        let below = arrays
            .iter()
            .filter(|(path, _)| path.starts_with(&format!("{name}/")));
        let written: usize = below
            .map(|(_, planes)| planes.as_object().unwrap().len())
            .sum();
        assert_eq!(
            written, num_planes,
            "{name}: tensorstore finds as many planes"
        );
    }
}

fn check(structure: &str, regions: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    for compression in COMPRESSIONS {
        for (at, chunks) in chunk_options(compression).into_iter().enumerate() {
            let name = format!("{compression}_{at}");
            let out = folder.path().join(&name);
            // Large planes of one region, so that drawing them takes no time.
            let regions = if at == 0 { regions } else { "" };
            let counts = if at == 0 { "" } else { "--z 1" };
            let line = format!(
                "simulate PATH --structure {structure} --compression {compression} {chunks} {counts} {regions} \
                 --channels DAPI,GFP --interval-ms 0"
            );
            let ran = on(&out, &line);
            assert_eq!(
                (ran.status, ran.stdout.trim()),
                (Some(0), out.to_str().unwrap()),
                "{line}: {ran:?}"
            );
            names.push(name);
        }
    }
    let arrays = oracle(&["read", folder.path().to_str().unwrap()]);
    for name in names {
        check_finished(folder.path(), &name, structure, arrays.as_ref());
    }
}

#[test]
fn per_fov_is_read_alike_by_tensorstore() {
    check("per_fov", "--fovs-per-region 2 1");
}

#[test]
fn hcs_is_read_alike_by_tensorstore() {
    check("hcs", "--wells A10 B1 --fov-per-well 2");
}

#[test]
fn six_dimensions_are_read_alike_by_tensorstore() {
    check("6d", "--n-regions 2 --n-fov 2");
}

#[test]
fn single_is_read_alike_by_tensorstore() {
    check("single", "");
}

// Against the committed data, which another program laid out as Squid does.

/// The plan that gives a committed dataset; `None` for what `simulate` does not write.
fn plan_of(manifest: &Value) -> Option<Plan> {
    let structure = match manifest["layout"].as_str()? {
        "per_fov" => Structure::PerFov,
        "hcs" => Structure::Hcs,
        "6d" => Structure::SixD,
        _ => return None,
    };
    let is_plain = manifest["dtype"] == "uint16" && manifest["acquisition_complete"] == true;
    if !is_plain || manifest["zattrs"] == true {
        return None;
    }
    let compression = match manifest["compression"].as_str()? {
        "none" => Compression::None,
        "fast" => Compression::Fast,
        "balanced" => Compression::Balanced,
        _ => Compression::Best,
    };
    let size = |axis: &str| squid_data::index(&manifest["sizes"], axis);
    let names = |list: &Value| -> Vec<(String, u32)> {
        let entries = list.as_array().unwrap().iter();
        let named = entries.map(|entry| {
            let name = entry["name"].as_str().unwrap().to_owned();
            (name, squid_data::index(entry, "fovs"))
        });
        named.collect()
    };
    let channels = names(&manifest["channels"])
        .into_iter()
        .map(|(name, _)| name);
    Some(Plan {
        structure,
        compression,
        regions: names(&manifest["regions"]),
        channels: channels.collect(),
        num_timepoints: size("T"),
        num_z: size("Z"),
        height: size("Y"),
        width: size("X"),
        ..Plan::default()
    })
}

/// Paths of all files below a folder; of Zarr documents also what is in them.
fn files_below(folder: &Path, root: &Path, found: &mut BTreeMap<PathBuf, Value>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, root, found);
            continue;
        }
        let document = if path.ends_with("zarr.json") {
            serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap()
        } else {
            Value::Null
        };
        found.insert(path.strip_prefix(root).unwrap().to_owned(), document);
    }
}

#[test]
fn files_and_zarr_documents_are_those_of_the_committed_data() {
    let mut compared = Vec::new();
    for name in squid_data::names() {
        let Some(plan) = plan_of(&squid_data::manifest(&name)) else {
            continue;
        };
        let folder = tempfile::tempdir().unwrap();
        simulate(&plan, folder.path(), &mut |_| true, Duration::ZERO).unwrap();
        let (mut found, mut expected) = (BTreeMap::new(), BTreeMap::new());
        files_below(folder.path(), folder.path(), &mut found);
        let data = data_folder().join(&name);
        files_below(&data, &data, &mut expected);
        assert!(
            found.keys().eq(expected.keys()),
            "{name}: {:?}",
            found.keys()
        );
        for (path, document) in &expected {
            assert_eq!(&found[path], document, "{name}: {}", path.display());
        }
        compared.push(name);
    }
    let least = [
        "6d",
        "6d_sharded",
        "hcs_balanced",
        "hcs_best",
        "hcs_fast",
        "hcs_none",
        "per_fov",
        "per_fov_sharded",
    ];
    assert_eq!(compared, least);
}

// While it runs, and when it stops.

fn plan(structure: Structure, compression: Compression) -> Plan {
    let regions: &[(&str, u32)] = match structure {
        Structure::Single => &[("R0", 1)],
        _ => &[("A1", 2), ("B2", 1)],
    };
    Plan {
        structure,
        compression,
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

fn out_of(structure: Structure, folder: &Path) -> PathBuf {
    match structure {
        Structure::Single => folder.join("single.ome.zarr"),
        _ => folder.join("acquisition"),
    }
}

/// What the program says of an acquisition that is being written, after a plane of it.
fn check_running(out: &Path, plan: &Plan, written: Written) {
    let found = on(out, "inspect PATH --json").answer();
    let expected = json!({
        "complete": false, "planned_planes": written.num_planned, "written_planes": written.num_written,
    });
    assert_eq!(
        found["acquisition"], expected,
        "{:?} {:?} {written:?}",
        plan.structure, plan.compression
    );
    let before: u32 = plan.regions[..written.region_idx]
        .iter()
        .map(|(_, fovs)| fovs)
        .sum();
    let stats = |fov: u32, t: u32, c: u32, z: u32| {
        on(
            out,
            &format!("plane PATH --stats --fov {fov} --t {t} --c {c} --z {z}"),
        )
    };
    let last = stats(before + written.fov, written.t, written.c, written.z).answer();
    assert_eq!(last["shape"], json!([plan.height, plan.width]));
    let (last_fov, last_c) = (
        found["fields"].as_array().unwrap().len() as u32 - 1,
        plan.channels.len() as u32 - 1,
    );
    let end = stats(last_fov, plan.num_timepoints - 1, last_c, plan.num_z - 1);
    assert_eq!(end.json()["error"]["code"], "not_written", "{end:?}");
}

#[test]
fn a_running_acquisition_counts_its_planes_and_is_not_complete() {
    let check = |structure, compression| {
        let folder = tempfile::tempdir().unwrap();
        let (plan, out) = (
            plan(structure, compression),
            out_of(structure, folder.path()),
        );
        let mut on_plane = |written: Written| {
            if [1, 2, 5, written.num_planned - 1].contains(&written.num_written) {
                check_running(&out, &plan, written);
            }
            true
        };
        simulate(&plan, &out, &mut on_plane, Duration::ZERO).unwrap();
        let found = on(&out, "inspect PATH --json").answer();
        assert_eq!(found["acquisition"]["complete"], true, "{structure:?}");
    };
    for compression in [Compression::Fast, Compression::Balanced] {
        for structure in [
            Structure::PerFov,
            Structure::Hcs,
            Structure::SixD,
            Structure::Single,
        ] {
            check(structure, compression);
        }
    }
}

#[test]
fn a_stopped_acquisition_is_aborted_and_keeps_its_planes() {
    let check = |structure| {
        let folder = tempfile::tempdir().unwrap();
        let (plan, out) = (
            plan(structure, Compression::Fast),
            out_of(structure, folder.path()),
        );
        let mut on_plane = |written: Written| written.num_written < 5;
        let error = simulate(&plan, &out, &mut on_plane, Duration::ZERO).unwrap_err();
        assert!(
            matches!(error, SimulateError::Stopped { num_written: 5, .. }),
            "{error}"
        );
        let acquisition = open_whole(&out).acquisition.clone().unwrap();
        assert_eq!(
            (acquisition.complete, acquisition.aborted),
            (Some(false), true),
            "{structure:?}"
        );
        let found = on(&out, "inspect PATH --json").answer();
        let expected = json!({
            "complete": false, "planned_planes": plan.num_planes(), "written_planes": 5,
        });
        assert_eq!(found["acquisition"], expected, "{structure:?}");
        let taken = on(&out, "plane PATH --stats").answer();
        assert_eq!(taken["shape"], json!([plan.height, plan.width]));
        // A plane that was never taken is not black.
        let never = on(&out, "plane PATH --stats --t 1 --c 1 --z 1").json();
        assert_eq!(never["error"]["code"], "not_written", "{structure:?}");
    };
    for structure in [
        Structure::PerFov,
        Structure::Hcs,
        Structure::SixD,
        Structure::Single,
    ] {
        check(structure);
    }
}

#[test]
fn without_a_folder_it_writes_to_a_temporary_one_and_says_where() {
    let ran = squidview(&[
        "simulate",
        "--structure",
        "per_fov",
        "--z",
        "1",
        "--channels",
        "DAPI",
        "--size",
        "32x24",
        "--interval-ms",
        "0",
    ]);
    let out = PathBuf::from(ran.stdout.trim());
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(out.starts_with(std::env::temp_dir()), "{}", out.display());
    let found = on(&out, "inspect PATH --json").answer();
    fs::remove_dir_all(out.parent().unwrap()).unwrap();
    assert_eq!(found["acquisition"]["written_planes"], 1);
}

#[test]
fn a_folder_that_holds_something_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("precious"), "").unwrap();
    let ran = on(
        folder.path(),
        "simulate PATH --structure hcs --size 32x24 --interval-ms 0",
    );
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("not empty"), "{}", ran.stderr);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

// As a microscope that is late, a user who stops, a program that dies.

const SMALL: &str = "--structure per_fov --t 3 --z 2 --channels DAPI,GFP --size 48x40";

#[test]
fn skipped_timepoints_are_gaps_in_arrays_of_full_length() {
    let check = |structure: &str| {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("late");
        let line = format!(
            "simulate PATH {structure} --t 3 --z 2 --channels DAPI,GFP --size 48x40 --interval-ms 0 \
             --skip-timepoints 1"
        );
        let ran = on(&out, &line);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        let found = on(&out, "inspect PATH --json").answer();
        assert_eq!(found["warnings"], json!([]), "{structure}");
        let run = &found["acquisition"];
        let counts = ["complete", "planned_planes", "written_planes"].map(|key| &run[key]);
        assert_eq!(counts, [&json!(true), &json!(12), &json!(8)], "{structure}");
        assert!(out.join("0/.done").exists() && out.join("2/.done").exists());
        assert!(!out.join("1").exists());
        let max_at = |t: u32| {
            let line = format!("plane PATH --stats --t {t}");
            let answer = on(&out, &line).json();
            (answer["max"].clone(), answer["error"]["code"].clone())
        };
        assert_ne!(max_at(2).0, json!(0), "{structure}");
        assert_eq!(
            max_at(1),
            (Value::Null, json!("not_written")),
            "{structure}"
        );
    };
    for structure in ["per_fov", "hcs", "6d", "tiff", "multi_page", "ome_tiff"] {
        check(&format!("--structure {structure}"));
    }
    // In shards, where all planes of a store lie in one file.
    check("--structure per_fov --compression best");
}

#[test]
fn an_abort_and_a_crash_leave_what_was_written() {
    let check = |option: &str, aborted: bool, next: &str| {
        let folder = tempfile::tempdir().unwrap();
        let (out, state) = (folder.path().join("cut"), folder.path().join("state"));
        let line = format!(
            "simulate PATH {SMALL} --interval-ms 0 {option} --run-json {}",
            state.display()
        );
        let ran = on(&out, &line);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        let acquisition = open_whole(&out).acquisition.clone().unwrap();
        assert_eq!(
            (acquisition.complete, acquisition.aborted),
            (Some(false), aborted),
            "{option}"
        );
        assert_eq!(out.join(".done").exists(), aborted, "{option}");
        let error = |c: u32, z: u32| {
            let line = format!("plane PATH --stats --t 1 --c {c} --z {z}");
            on(&out, &line).json()["error"]["code"].clone()
        };
        assert_eq!(error(0, 0), Value::Null, "{option}");
        assert_eq!(error(1, 0), next, "{option}");
        assert_eq!(error(0, 1), "not_written", "{option}");
        let run = fs::read_to_string(state.join("run.json")).unwrap();
        let run: Value = serde_json::from_str(&run).unwrap();
        let (status, reason) = if aborted {
            ("ended", json!("user_abort"))
        } else {
            ("running", Value::Null)
        };
        assert_eq!(run["status"], status, "{option}");
        assert_eq!(run["reason"], reason, "{option}");
    };
    check("--abort-after 5", true, "not_written");
    check("--crash-after 5", false, "corrupt_data");
}

#[test]
fn what_cannot_be_left_out_is_refused() {
    for option in [
        "--abort-after 13",
        "--crash-after 13",
        "--skip-timepoints 3",
        "--skip-timepoints 0,1,2",
        "--abort-after 1 --crash-after 1",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("never");
        let ran = on(
            &out,
            &format!("simulate PATH {SMALL} --interval-ms 0 {option}"),
        );
        assert_eq!((ran.status, out.exists()), (Some(2), false), "{ran:?}");
    }
}

#[test]
fn the_watch_of_the_microscopes_state_follows_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let (out, state) = (folder.path().join("live"), folder.path().join("state"));
    let (sender, woken) = crossbeam_channel::bounded(1);
    let wake = move || {
        sender.try_send(()).ok();
    };
    let watch = RunWatch::start(&state, Arc::new(wake)).unwrap();
    let mut writer = Command::new(env!("CARGO_BIN_EXE_squidview"))
        .args(["simulate", out.to_str().unwrap()])
        .args(SMALL.split_whitespace())
        .args(["--interval-ms", "100", "--run-json"])
        .env("SQUID_WATCHDOG_STATE_DIR", &state)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut told = Vec::new();
    while !matches!(told.last(), Some(RunNews::Ended(_))) {
        let Some(news) = watch.take() else {
            woken
                .recv_timeout(Duration::from_secs(30))
                .expect("an end in time");
            continue;
        };
        told.push(news);
    }
    assert!(writer.wait().unwrap().success());
    let (Some(RunNews::Running(first)), Some(RunNews::Ended(last))) = (told.first(), told.last())
    else {
        panic!("a start and an end: {told:?}");
    };
    assert_eq!(first.output_path.as_deref(), Some(out.as_path()));
    assert_eq!(
        (&last.end, last.progress.images),
        (&Some(EndReason::Completed), Some(12))
    );
}

/// Hears of news; the interface is not there.
struct NoScreen;

impl Audience for NoScreen {
    fn wake(&self) {}

    fn anticipate(&self, _id: AcquisitionId, _at: PlaneAt) -> bool {
        false
    }
}

/// What a window hears of a run of the program: the announcement, the written planes, and whether it ended.
fn heard(options: &str, num_planes: usize) -> (Announcement, Vec<PlaneAt>, bool) {
    let folder = tempfile::tempdir().unwrap();
    let runtime = folder.path().join("runtime");
    let live = Live::start(Arc::new(NoScreen)).unwrap();
    let server = Server::start(
        &live,
        &Listen::At("127.0.0.1:0".into()),
        &InstanceFolder::at(&runtime),
    );
    let server = server.unwrap().unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_squidview"))
        .args(["simulate", folder.path().join("out").to_str().unwrap()])
        .args("--t 1 --z 2 --channels DAPI,GFP --size 32x24 --interval-ms 0".split(' '))
        .args(options.split(' '))
        .args(["--push", &server.address().to_string()])
        .env("SQUIDVIEW_RUNTIME_DIR", &runtime)
        .output()
        .unwrap();
    assert!(ran.status.success() && ran.stderr.is_empty(), "{ran:?}");
    let (mut started, mut written, mut has_ended) = (None, Vec::new(), false);
    let deadline = Instant::now() + Duration::from_secs(30);
    // The writer is gone; what it said may still be on its way.
    let has_crashed = options.contains("--crash");
    while written.len() < num_planes || !(has_ended || has_crashed) || server.num_clients() > 0 {
        assert!(Instant::now() < deadline, "an end in time");
        thread::sleep(Duration::from_millis(5));
        let news = live.take();
        written.extend(news.written.into_keys());
        for event in news.events {
            match event {
                LiveEvent::Started(found) => started = Some(found.announcement),
                LiveEvent::Ended(_) => has_ended = true,
                other => panic!("{other:?}"),
            }
        }
    }
    written.sort_by_key(|at| (at.fov, at.t, at.z, at.c));
    let started = started.expect("a start");
    ((*started).clone(), written, has_ended)
}

#[test]
fn every_plane_is_announced_by_the_flat_number_of_its_fov() {
    for options in [
        "--structure per_fov --fovs-per-region 2 1",
        "--structure hcs --wells A1 B2 --fovs-per-region 2 1",
        "--structure 6d --n-regions 2 --fovs-per-region 2 1",
        "--structure single",
    ] {
        let num_fovs = if options.contains("single") { 1 } else { 3 };
        let (announcement, written, has_ended) = heard(options, 4 * num_fovs as usize);
        assert!(has_ended, "{options}");
        assert_eq!(announcement.num_fovs(), num_fovs, "{options}");
        let mut expected = Vec::new();
        for fov in 0..num_fovs {
            for (z, c) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                expected.push(PlaneAt { fov, t: 0, c, z });
            }
        }
        assert_eq!(written, expected, "{options}");
    }
}

#[test]
fn a_crash_is_not_announced() {
    let (_, written, has_ended) = heard("--structure single --crash-after 3", 3);
    assert_eq!((written.len(), has_ended), (3, false));
}

#[test]
fn a_window_that_goes_away_does_not_stop_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, out) = (
        plan(Structure::SixD, Compression::Fast),
        folder.path().join("out"),
    );
    let windows = InstanceFolder::at(&folder.path().join("runtime"));
    let live = Live::start(Arc::new(NoScreen)).unwrap();
    let address = Listen::At("127.0.0.1:0".into());
    let mut server = Server::start(&live, &address, &windows).unwrap();
    let client = Client::newest(&windows, "test").unwrap();
    let mut announcer = Announcer::start(client, &plan, &out).unwrap();
    let mut on_plane = |written: Written| {
        if written.num_written == 2 {
            server = None;
        }
        announcer.written(written);
        true
    };
    simulate(&plan, &out, &mut on_plane, Duration::ZERO).unwrap();
    announcer.end();
    assert!(out.join(".done").exists());
}

#[test]
fn without_a_window_it_is_written_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("alone");
    let ran = Command::new(env!("CARGO_BIN_EXE_squidview"))
        .args(["simulate", out.to_str().unwrap()])
        .args(SMALL.split(' '))
        .args(["--interval-ms", "0", "--push"])
        .env("SQUIDVIEW_RUNTIME_DIR", folder.path().join("runtime"))
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let warned = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(warned.matches("not announced").count(), 1, "{warned}");
    assert!(out.join(".done").exists());
}
