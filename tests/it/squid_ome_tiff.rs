//! Squid's OME-TIFF acquisitions, filled by tifffile as Squid fills them: which planes are written, whoever tells.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use squidview::{
    dataset::{AnnouncedSizes, Dataset, DatasetKind},
    formats,
    model::{Absence, Code, PlaneState, TileId},
    store::{ReadOutcome, Store},
};

use crate::{
    desk::{Desk, Setup},
    expected,
    oracle::python_with,
    planes::{open_whole, plane_at, plane_crc},
    program::on,
};

const CHANNELS: [&str; 2] = ["Fluorescence 488 nm Ex", "BF LED matrix full"];

/// An acquisition that tifffile fills, and removes its notes at the end.
struct Squid {
    folder: tempfile::TempDir,
    child: Child,
    /// Closing it ends the writer, which removes its notes.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    written: Value,
}

/// How it is filled: t, z, c of the planes that are written in each FOV.
struct Plan<'a> {
    /// Timepoints, slices, channels, rows, columns.
    shape: [u32; 5],
    fovs: &'a [&'a str],
    written: &'a [[u32; 3]],
    has_notes: bool,
    black: Option<[u32; 3]>,
}

impl Default for Plan<'_> {
    fn default() -> Self {
        Self {
            shape: [2, 2, 2, 48, 64],
            fovs: &["A1_0"],
            written: &[[0, 0, 0]],
            has_notes: true,
            black: None,
        }
    }
}

impl Squid {
    /// `None` where there is no Python with tifffile and nobody requires one.
    fn start(planned: &[(&str, u32)], plan: &Plan<'_>) -> Option<Self> {
        let mut script = python_with("ome_tiff.py")?;
        let folder = tempfile::tempdir().unwrap();
        side_files(folder.path(), planned);
        let spec = json!({
            "shape": plan.shape, "fovs": plan.fovs, "written": plan.written, "channels": CHANNELS,
            "notes": plan.has_notes, "black": plan.black,
        });
        script.arg("squid").arg(folder.path()).arg(spec.to_string());
        let mut child = script
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let written = serde_json::from_str(&line).unwrap();
        Some(Self {
            folder,
            child,
            input,
            output,
            written,
        })
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a plane; its CRC.
    fn save(&mut self, fov: &str, [t, z, c]: [u32; 3]) -> String {
        writeln!(self.input.as_mut().unwrap(), "{fov} {t} {z} {c}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn end(&self) {
        fs::write(self.root().join(".done"), "").unwrap();
    }

    fn notes(&self) -> Vec<PathBuf> {
        let notes = self.written["notes"].as_array().unwrap().iter();
        notes
            .map(|path| PathBuf::from(path.as_str().unwrap()))
            .collect()
    }

    fn crc(&self, [t, z, c]: [u32; 3]) -> Option<String> {
        let planes = self.written["planes"].as_array().unwrap();
        let is_it = |plane: &&Value| plane["t"] == t && plane["z"] == z && plane["c"] == c;
        Some(planes.iter().find(is_it)?["crc32"].as_str()?.to_owned())
    }
}

impl Drop for Squid {
    fn drop(&mut self) {
        drop(self.input.take());
        drop(self.child.wait());
    }
}

fn side_files(root: &Path, planned: &[(&str, u32)]) {
    let mut csv = String::from("region,x (mm),y (mm)\n");
    for (region, count) in planned {
        for fov in 0..*count {
            let _infallible = writeln!(csv, "{region},{}.5,2", fov + 1);
        }
    }
    fs::write(root.join("coordinates.csv"), csv).unwrap();
    let channels = CHANNELS.map(|name| format!("- {{name: {name}, display_color: '#00FF00'}}\n"));
    fs::write(
        root.join("acquisition_channels.yaml"),
        format!("channels:\n{}", channels.concat()),
    )
    .unwrap();
    fs::create_dir(root.join("0")).unwrap();
}

fn opened(root: &Path) -> Dataset {
    formats::open(root, &mut |_| true).unwrap()
}

/// What presence says and what a read gives, which must agree.
fn state(dataset: &Dataset, fov: u32, [t, z, c]: [u32; 3]) -> PlaneState {
    let plane = plane_at(dataset.fov_at(fov).unwrap(), t, c, z);
    let store = Store::new();
    let tile = TileId {
        plane,
        row: 0,
        col: 0,
    };
    let read = match store.read_tile(dataset, tile, Absence::AsStored).unwrap() {
        ReadOutcome::Pixels { state, .. } | ReadOutcome::Absent(state) => state,
    };
    assert_eq!(store.presence(dataset, plane).unwrap(), read, "{plane:?}");
    read
}

fn crc_of(dataset: &Dataset, fov: u32, [t, z, c]: [u32; 3]) -> Option<String> {
    plane_crc(
        &Store::new(),
        dataset,
        plane_at(dataset.fov_at(fov).unwrap(), t, c, z),
    )
}

fn all_planes(shape: [u32; 5]) -> Vec<[u32; 3]> {
    let [t, z, c, ..] = shape;
    let along_c = |t, z| (0..c).map(move |c| [t, z, c]);
    (0..t)
        .flat_map(|t| (0..z).flat_map(move |z| along_c(t, z)))
        .collect()
}

#[test]
fn a_finished_acquisition_has_all_planes_regions_plate_and_stage() {
    let shape = [2, 3, 2, 48, 64];
    let all = all_planes(shape);
    let plan = Plan {
        shape,
        fovs: &["my_area_0_000", "my_area_0_001", "my_area_000"],
        written: &all,
        black: Some([1, 1, 1]),
        ..Plan::default()
    };
    let Some(squid) = Squid::start(&[("my_area", 1), ("my_area_0", 2)], &plan) else {
        return;
    };
    squid.end();
    assert!(
        squid.notes().iter().all(|path| !path.exists()),
        "all planes are written"
    );
    let dataset = open_whole(squid.root());
    expected::check_text("ome_tiff_finished", &dataset);
    assert_eq!(
        (dataset.kind, dataset.is_running()),
        (DatasetKind::Squid, false)
    );
    let labels: Vec<&str> = dataset.fovs.iter().map(|fov| fov.label.as_str()).collect();
    assert_eq!(labels, ["my_area:0", "my_area_0:0", "my_area_0:1"]);
    assert!(dataset.problems.is_empty(), "{:?}", dataset.problems);
    assert_eq!(dataset.fovs[2].stage_um.map(|at| at.x), Some(2500.0));
    let image = &dataset.template;
    let axes: Vec<&str> = image.axes.iter().map(|axis| axis.name.as_str()).collect();
    assert_eq!(
        (axes.concat().as_str(), image.levels[0].shape.as_slice()),
        ("tzcyx", &[2, 3, 2, 48, 64][..])
    );
    assert_eq!(
        (
            image.sampling.x_um,
            image.sampling.z_um,
            image.sampling.t_secs
        ),
        (Some(0.325), Some(1.5), Some(60.0))
    );
    let names: Vec<_> = image
        .channels
        .iter()
        .filter_map(|it| it.name.as_deref())
        .collect();
    assert_eq!(names, CHANNELS);
    assert!(image.channels[0].color.is_some());
    for plane in &all {
        assert_eq!(state(&dataset, 1, *plane), PlaneState::Written, "{plane:?}");
    }
    let planes = squid.written["planes"].as_array().unwrap();
    for plane in planes {
        let at = |key: &str| plane[key].as_u64().unwrap() as u32;
        let (region, fov) = plane["name"].as_str().unwrap().rsplit_once('_').unwrap();
        let label = format!("{region}:{}", fov.parse::<u32>().unwrap());
        let fov = labels.iter().position(|it| *it == label).unwrap() as u32;
        let found = crc_of(&dataset, fov, [at("t"), at("z"), at("c")]);
        assert_eq!(found.as_deref(), plane["crc32"].as_str(), "{plane}");
    }
    let document = on(squid.root(), "inspect PATH --json").answer();
    assert_eq!(
        (&document["kind"], &document["fields"][1]["id"]),
        (&"squid".into(), &"my_area_0:0".into())
    );
    let counts = json!({"complete": true, "planned_planes": 36, "written_planes": 36});
    assert_eq!(document["acquisition"], counts);
    let stats = on(squid.root(), "plane PATH --stats --t 1 --z 1 --c 1").answer();
    assert_eq!(
        (&stats["max"], &stats["shape"]),
        (&json!(0), &json!([48, 64])),
        "black, and written"
    );
}

/// Planes of the first half of a series, in the order of the microscope.
const HALF: [[u32; 3]; 3] = [[0, 0, 0], [0, 0, 1], [0, 1, 0]];

fn check_half(squid: &Squid, dataset: &Dataset, otherwise: &PlaneState) {
    for plane in all_planes([2, 2, 2, 0, 0]) {
        let expected = if HALF.contains(&plane) {
            &PlaneState::Written
        } else {
            otherwise
        };
        assert_eq!(&state(dataset, 0, plane), expected, "{plane:?}");
        assert_eq!(crc_of(dataset, 0, plane), squid.crc(plane), "{plane:?}");
    }
}

#[test]
fn notes_say_what_is_written_while_it_runs_and_after_an_abort() {
    // Planes of a whole number of blocks, and planes that share them.
    for size in [[48, 64], [64, 64]] {
        let plan = Plan {
            shape: [2, 2, 2, size[0], size[1]],
            written: &HALF,
            black: Some([0, 1, 0]),
            ..Plan::default()
        };
        let Some(mut squid) = Squid::start(&[("A1", 2)], &plan) else {
            return;
        };
        let dataset = opened(squid.root());
        assert!(dataset.is_running() && dataset.plate.is_some());
        if size[0] == 48 {
            expected::check_text("ome_tiff_running", &dataset);
        }
        assert_eq!(
            dataset.num_fovs(),
            2,
            "a planned FOV whose file is not there yet"
        );
        assert!(!dataset.fovs[1].present);
        assert_eq!(state(&dataset, 1, [0, 0, 0]), PlaneState::Planned);
        check_half(&squid, &dataset, &PlaneState::Planned);
        let document = on(squid.root(), "inspect PATH --json").answer();
        assert_eq!(document["acquisition"]["written_planes"], 3, "{document}");
        let refused = on(squid.root(), "plane PATH --stats --t 1").json();
        assert_eq!(refused["error"]["code"], "not_written");
        // The same dataset sees what is written later, in the file and in one that was not there.
        let later = squid.save("A1_0", [0, 1, 1]);
        assert_eq!(crc_of(&dataset, 0, [0, 1, 1]), Some(later));
        let other = squid.save("A1_1", [0, 0, 0]);
        assert_eq!(crc_of(&dataset, 1, [0, 0, 0]), Some(other));
        assert_eq!(state(&dataset, 1, [0, 0, 1]), PlaneState::Planned);
        squid.end();
        let dataset = opened(squid.root());
        assert_eq!(state(&dataset, 0, [1, 0, 0]), PlaneState::Missing);
        assert_eq!(
            state(&dataset, 0, [0, 1, 0]),
            PlaneState::Written,
            "black, and written"
        );
        assert_eq!(state(&dataset, 1, [0, 0, 1]), PlaneState::Missing);
    }
}

#[test]
fn without_notes_holes_and_zeros_say_it() {
    for size in [[48, 64], [64, 64], [7, 5]] {
        let plan = Plan {
            shape: [2, 2, 2, size[0], size[1]],
            written: &HALF,
            has_notes: false,
            ..Plan::default()
        };
        let Some(squid) = Squid::start(&[("A1", 1)], &plan) else {
            return;
        };
        check_half(&squid, &opened(squid.root()), &PlaneState::Planned);
        squid.end();
        check_half(&squid, &opened(squid.root()), &PlaneState::Missing);
        // The same where a file system has no holes: a copy that fills them.
        let file = squid.root().join("ome_tiff/A1_0.ome.tiff");
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, bytes).unwrap();
        check_half(&squid, &opened(squid.root()), &PlaneState::Missing);
        fs::remove_file(squid.root().join(".done")).unwrap();
        check_half(&squid, &opened(squid.root()), &PlaneState::Planned);
    }
}

#[test]
fn notes_that_are_cut_off_are_those_before_and_old_rubbish_is_none() {
    let plan = Plan {
        written: &HALF,
        ..Plan::default()
    };
    let Some(squid) = Squid::start(&[("A1", 1)], &plan) else {
        return;
    };
    let dataset = opened(squid.root());
    check_half(&squid, &dataset, &PlaneState::Planned);
    let notes = squid.notes().remove(0);
    let text = fs::read_to_string(&notes).unwrap();
    fs::write(&notes, &text[..text.len() / 2]).unwrap();
    check_half(&squid, &dataset, &PlaneState::Planned);
    let file = fs::File::options().write(true).open(&notes).unwrap();
    let long_ago = std::time::SystemTime::now() - Duration::from_mins(1);
    file.set_times(fs::FileTimes::new().set_modified(long_ago))
        .unwrap();
    check_half(&squid, &opened(squid.root()), &PlaneState::Planned);
}

#[test]
fn the_folder_of_files_and_timepoints_with_files_are_the_same_acquisition() {
    let all = all_planes([2, 2, 2, 0, 0]);
    let plan = Plan {
        written: &all,
        ..Plan::default()
    };
    let Some(squid) = Squid::start(&[("A1", 1)], &plan) else {
        return;
    };
    squid.end();
    let inside = open_whole(&squid.root().join("ome_tiff"));
    assert_eq!(
        (inside.kind, inside.fovs[0].label.as_str()),
        (DatasetKind::Squid, "A1:0")
    );
    assert_eq!(inside.fovs[0].stage_um.map(|at| at.x), Some(1500.0));
    assert_eq!(crc_of(&inside, 0, [1, 1, 1]), squid.crc([1, 1, 1]));
    // One file by itself is an image.
    let lone = open_whole(&squid.root().join("ome_tiff/A1_0.ome.tiff"));
    assert_eq!(
        (lone.kind, lone.template.num_timepoints()),
        (DatasetKind::Image, 2)
    );
    assert_eq!(crc_of(&lone, 0, [1, 0, 1]), squid.crc([1, 0, 1]));
    // In the folders of timepoints, each file with its own series.
    let root = squid.root();
    for t in ["0", "2"] {
        fs::create_dir_all(root.join(t)).unwrap();
        fs::copy(
            root.join("ome_tiff/A1_0.ome.tiff"),
            root.join(t).join("A1_0.ome.tiff"),
        )
        .unwrap();
    }
    fs::remove_dir_all(root.join("ome_tiff")).unwrap();
    let dataset = open_whole(root);
    assert_eq!(dataset.template.num_timepoints(), 6);
    assert_eq!(crc_of(&dataset, 0, [5, 1, 0]), squid.crc([1, 1, 0]));
    assert_eq!(
        state(&dataset, 0, [2, 0, 0]),
        PlaneState::Missing,
        "a timepoint that was skipped"
    );
    let one = open_whole(&root.join("2"));
    assert_eq!(one.template.num_timepoints(), 2);
    assert_eq!(crc_of(&one, 0, [1, 1, 0]), squid.crc([1, 1, 0]));
}

#[test]
fn files_that_are_just_being_made_are_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    side_files(folder.path(), &[("A1", 1)]);
    fs::create_dir(folder.path().join("ome_tiff")).unwrap();
    let file = folder.path().join("ome_tiff/A1_0.ome.tiff");
    for bytes in [&b""[..], b"II", b"II*\0\x08\0\0\0"] {
        fs::write(&file, bytes).unwrap();
        let error = formats::open(folder.path(), &mut |_| true).unwrap_err();
        assert_eq!(error.code, Code::NotWritten, "{error}");
    }
    fs::write(folder.path().join(".done"), "").unwrap();
    let error = formats::open(folder.path(), &mut |_| true).unwrap_err();
    assert_eq!(error.code, Code::CorruptData, "{error}");
    fs::write(&file, "no image").unwrap();
    let error = formats::open(folder.path(), &mut |_| true).unwrap_err();
    assert_eq!(error.code, Code::CorruptData, "{error}");
}

#[test]
fn a_page_that_is_registered_before_it_is_written_is_late_and_not_black() {
    for has_notes in [true, false] {
        let plan = Plan {
            shape: [1, 1, 2, 48, 64],
            written: &[[0, 0, 0]],
            has_notes,
            ..Plan::default()
        };
        let Some(mut squid) = Squid::start(&[("A1", 1)], &plan) else {
            return;
        };
        let Some(mut desk) = Desk::new(Setup::default()) else {
            return;
        };
        let sizes = AnnouncedSizes {
            channels: CHANNELS.map(String::from).to_vec(),
            num_z: 1,
            height: 48,
            width: 64,
        };
        let handle = desk.harness.state().push_handle();
        handle
            .start_acquisition(sizes, vec!["A1:0".into()])
            .unwrap();
        let file = squid.root().join("ome_tiff/A1_0.ome.tiff");
        for (page, channel) in CHANNELS.iter().enumerate() {
            handle
                .register_image(0, 0, 0, channel, &file, page as i64)
                .unwrap();
        }
        desk.until("the written page is drawn, the other is awaited", |app| {
            app.shown_states() == [PlaneState::Written, PlaneState::Planned]
        });
        squid.save("A1_0", [0, 0, 1]);
        desk.until("it is drawn", |app| {
            app.shown_states() == [PlaneState::Written, PlaneState::Written]
        });
    }
}

fn follow_in_the_window(has_notes: bool) {
    let plan = Plan {
        shape: [3, 1, 2, 48, 64],
        written: &[[0, 0, 0]],
        has_notes,
        ..Plan::default()
    };
    let Some(mut squid) = Squid::start(&[("A1", 2)], &plan) else {
        return;
    };
    let Some(mut desk) = Desk::with(squid.root(), Setup::default()) else {
        return;
    };
    desk.until("one channel is there, the other planned", |app| {
        app.shown_states() == [PlaneState::Written, PlaneState::Planned]
    });
    squid.save("A1_0", [0, 0, 1]);
    desk.until("both are drawn", |app| {
        let states = app.shown_states();
        states == [PlaneState::Written, PlaneState::Written] && app.has_picture()
    });
    // A plane that nobody looks at, and a file that was not there: the disk watch counts them.
    let count = |desk: &Desk| desk.status().counts.written;
    let before = count(&desk);
    squid.save("A1_1", [0, 0, 0]);
    squid.save("A1_1", [0, 0, 1]);
    squid.save("A1_0", [1, 0, 0]);
    let deadline = Instant::now() + Duration::from_secs(30);
    while count(&desk) < before + 3 {
        assert!(
            Instant::now() < deadline,
            "{} of {}",
            count(&desk),
            before + 3
        );
        desk.harness.step();
        std::thread::sleep(Duration::from_millis(5));
    }
    // The file is touched again: what is written stays so.
    squid.save("A1_0", [1, 0, 1]);
    squid.save("A1_0", [2, 0, 0]);
    let (mut most, mut calm) = (0, None);
    while calm.is_none_or(|since: Instant| since.elapsed() < Duration::from_secs(2)) {
        desk.harness.step();
        assert!(count(&desk) >= most, "{} after {most}", count(&desk));
        most = count(&desk);
        if most == 7 {
            calm.get_or_insert_with(Instant::now);
        }
        assert!(Instant::now() < deadline, "{most} of 7");
        std::thread::sleep(Duration::from_millis(5));
    }
    squid.end();
    while !desk.says("finished") {
        assert!(Instant::now() < deadline, "its end is noticed");
        desk.harness.step();
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_window_follows_planes_that_appear_inside_of_files() {
    follow_in_the_window(true);
    follow_in_the_window(false);
}

#[test]
fn a_fov_that_nobody_planned_appears_with_its_file() {
    let Some(mut squid) = Squid::start(&[], &Plan::default()) else {
        return;
    };
    let Some(mut desk) = Desk::with(squid.root(), Setup::default()) else {
        return;
    };
    let num_fovs = |desk: &Desk| {
        desk.status()
            .dataset
            .as_ref()
            .map(|dataset| dataset.num_fovs())
    };
    assert_eq!(num_fovs(&desk), Some(1));
    let written = squid.save("B2_0", [0, 0, 0]);
    let deadline = Instant::now() + Duration::from_secs(30);
    while num_fovs(&desk) != Some(2) {
        assert!(Instant::now() < deadline, "its row appears");
        desk.harness.step();
        std::thread::sleep(Duration::from_millis(5));
    }
    let dataset = desk.status().dataset.clone().unwrap();
    assert_eq!(dataset.fovs[1].label, "B2:0");
    assert_eq!(crc_of(&dataset, 1, [0, 0, 0]), Some(written));
}

#[test]
fn planes_of_the_screen_come_out_of_render() {
    let all = all_planes([1, 1, 2, 0, 0]);
    let plan = Plan {
        shape: [1, 1, 2, 48, 64],
        written: &all,
        ..Plan::default()
    };
    let Some(squid) = Squid::start(&[("A1", 1)], &plan) else {
        return;
    };
    squid.end();
    let elsewhere = tempfile::tempdir().unwrap();
    let picture = elsewhere.path().join("view.png");
    let line = format!("render PATH -o {} --size 64x48", picture.display());
    let ran = on(squid.root(), &line);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let picture = image::open(&picture).unwrap().to_rgb8();
    let bright = picture.pixels().filter(|pixel| pixel.0[1] > 100).count();
    assert!(bright > 500, "the ramp is bright on the right: {bright}");
}
