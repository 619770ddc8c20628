//! A real writer at work while the app reads: nothing stale stays on the screen or in the cache, nothing torn is shown.
//!
//! `live_writer.py` is TensorStore, as Squid writes with. Planes are uniform, their value says which they are and how often
//! they were written, so whatever is on the screen can be judged in every frame.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread::{self, JoinHandle},
};

use eframe::App as _;
use squidview::{
    dataset::AnnouncedSizes,
    model::{NavAxis, PlaneId, ZPick},
    store::Store,
};

use crate::{
    desk::{Desk, Setup},
    oracle::oracle,
    planes::{open_whole, plane_crc, planes_of},
    uniform::{drawn, values},
};

/// Timepoints, channels, z-slices.
const SIZES: [u32; 3] = [3, 2, 2];
const CHANNELS: [&str; 2] = ["Fluorescence 405 nm Ex", "Fluorescence 488 nm Ex"];
/// Values from one plane to the next: each may be written so often.
const ROUNDS: u16 = 64;

/// TensorStore in a process of its own.
struct Writer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Writer {
    /// `None`, said on stderr, where there is no Python with tensorstore and nobody requires one.
    fn start(folder: &Path, kind: &str, sizes: [u32; 3]) -> Option<Self> {
        let Some(python) = std::env::var_os("SQUIDVIEW_ORACLE") else {
            let required = std::env::var_os("SQUIDVIEW_REQUIRE_ORACLE").is_some();
            assert!(
                !required,
                "SQUIDVIEW_ORACLE names no Python, one is required"
            );
            eprintln!("skipped: SQUIDVIEW_ORACLE names no Python with tensorstore");
            return None;
        };
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/live_writer.py");
        let mut child = Command::new(python)
            .arg("-B")
            .arg(script)
            .arg(folder)
            .arg(kind)
            .args(sizes.map(|size| size.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut writer = Self {
            child,
            input,
            output,
        };
        assert_eq!(writer.hear(), "ready");
        Some(writer)
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
        assert_eq!(self.hear(), line);
    }

    fn write(&mut self, [t, c, z]: [u32; 3], value: u16) {
        self.tell(&format!("write {t} {c} {z} {value}"));
    }
}

/// The value of a plane in a round.
fn value([t, c, z]: [u32; 3], round: u16) -> u16 {
    let [_, num_c, num_z] = SIZES;
    ((t * num_z + z) * num_c + c) as u16 * ROUNDS + 1 + round
}

fn all_planes() -> Vec<[u32; 3]> {
    let [num_t, num_c, num_z] = SIZES;
    let slices = move |t| (0..num_z).flat_map(move |z| (0..num_c).map(move |c| [t, c, z]));
    (0..num_t).flat_map(slices).collect()
}

/// What was seen of each plane so far: never a plane under another name, a torn one, or an older one after a newer one.
#[derive(Default)]
struct Judge {
    rounds: HashMap<PlaneId, u16>,
    num_seen: usize,
}

impl Judge {
    fn look(&mut self, desk: &Desk) {
        for (plane, found) in drawn(desk.harness.state()) {
            let ZPick::Slice(z) = plane.z else {
                panic!("no projection was wished")
            };
            let first = value([plane.t, plane.c.into(), z], 0);
            assert!(
                (first..first + ROUNDS).contains(&found),
                "{plane:?} shows {found}"
            );
            let newest = self.rounds.entry(plane.at_level(0)).or_default();
            assert!(found - first >= *newest, "{plane:?} went back to {found}");
            *newest = found - first;
            self.num_seen += 1;
        }
    }

    /// Frames until a writing thread is done; `each` is asked before every frame.
    fn watch<T>(
        &mut self,
        desk: &mut Desk,
        writing: JoinHandle<T>,
        mut each: impl FnMut(&mut Desk, usize),
    ) -> T {
        let mut frame = 0;
        while !writing.is_finished() {
            each(desk, frame);
            desk.harness.step();
            self.look(desk);
            frame += 1;
        }
        writing.join().unwrap()
    }
}

fn go(desk: &Desk, [t, _, z]: [u32; 3]) {
    let handle = desk.harness.state().push_handle();
    handle.load_fov(0, Some(t.into()), Some(z.into())).unwrap();
}

fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let thread = thread::Builder::new().name("writing".into());
    thread.spawn(work).unwrap()
}

fn check(kind: &str, pushes: bool) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("run");
    let Some(mut writer) = Writer::start(&root, kind, SIZES) else {
        return;
    };
    let Some(mut desk) = Desk::new(Setup::default()) else {
        return;
    };
    let handle = desk.harness.state().push_handle();
    if pushes {
        let sizes = AnnouncedSizes {
            channels: CHANNELS.map(String::from).into(),
            num_z: SIZES[2].into(),
            width: 320,
            height: 256,
        };
        let paths = vec![root.join("zarr/R0/fov_0.ome.zarr")];
        let labels = vec!["R0:0".into()];
        handle.start_zarr_acquisition(paths, sizes, labels).unwrap();
    } else {
        desk.harness.state_mut().open(&root);
    }
    desk.until("it is open", |app| {
        app.session().is_some() && app.is_settled()
    });
    let own = handle.clone();
    let notify = move |[t, c, z]: [u32; 3]| {
        if pushes {
            let channel = CHANNELS[c as usize];
            own.notify_zarr_frame(t.into(), 0, z.into(), channel, 0)
                .unwrap();
        }
    };
    let mut judge = Judge::default();
    // All planes, and all of them again, while the view goes about.
    let notify_all = notify.clone();
    let writing = spawn(move || {
        for round in 0..3 {
            for at in all_planes() {
                writer.write(at, value(at, round));
                notify_all(at);
            }
        }
        writer
    });
    let planes = all_planes();
    let mut writer = judge.watch(&mut desk, writing, |desk, frame| {
        if frame % 5 == 0 {
            go(desk, planes[frame / 5 * 2 % planes.len()]);
        }
    });
    // The shown planes again and again.
    let shown = [1, 0, 1];
    go(&desk, shown);
    let channels = |at: [u32; 3]| [0, 1].map(|c| [at[0], c, at[2]]);
    let last = 40;
    let writing = spawn(move || {
        for round in 3..=last {
            for at in channels(shown) {
                writer.write(at, value(at, round));
                notify(at);
            }
        }
        writer
    });
    let _writer = judge.watch(&mut desk, writing, |_, _| {});
    let finals = |at: [u32; 3]| {
        let is_shown = (at[0], at[2]) == (shown[0], shown[2]);
        channels(at).map(|at| value(at, if is_shown { last } else { 2 }))
    };
    desk.until("the last values are on the screen", |app| {
        app.is_settled() && values(app) == finals(shown)
    });
    judge.look(&desk);
    // Nor is anything stale in the cache.
    for at in all_planes() {
        go(&desk, at);
        desk.until("the plane is what was written last", |app| {
            let position = app.session().unwrap().position;
            (position.t, position.z) == (at[0], at[2])
                && app.is_settled()
                && values(app) == finals(at)
        });
        judge.look(&desk);
    }
    assert!(judge.num_seen > 40, "the view saw the writer at work");
    // And the file is read as its own library reads it.
    let read = oracle(&["read", root.to_str().unwrap()]).unwrap();
    let expected = &read["zarr/R0/fov_0.ome.zarr/0"];
    let (dataset, store) = (open_whole(&root), Store::new());
    let planes = planes_of(&dataset, dataset.order[0]);
    assert_eq!(planes.len(), all_planes().len());
    for plane in planes {
        let ZPick::Slice(z) = plane.z else { continue };
        let key = format!("{},{},{z}", plane.t, plane.c);
        assert_eq!(
            plane_crc(&store, &dataset, plane).as_deref(),
            expected[&key].as_str()
        );
    }
}

#[test]
fn planes_of_a_writer_that_announces_them_are_never_stale_or_torn() {
    check("plain", true);
}

#[test]
fn shards_of_a_writer_that_announces_them_are_never_stale_or_torn() {
    check("sharded", true);
}

#[test]
fn planes_of_a_writer_that_announces_nothing_are_never_stale_or_torn() {
    check("plain", false);
}

#[test]
fn shards_of_a_writer_that_announces_nothing_are_never_stale_or_torn() {
    check("sharded", false);
}

#[test]
fn an_array_that_its_writer_makes_longer_gets_a_time_axis() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut writer) = Writer::start(folder.path(), "plain", [1, 1, 1]) else {
        return;
    };
    writer.write([0, 0, 0], 5);
    let Some(mut desk) = Desk::with(folder.path(), Setup::default()) else {
        return;
    };
    assert_eq!(values(desk.harness.state()), [5]);
    assert!(!desk.has("T slider"));
    let camera = desk.session().camera;
    writer.tell("resize 2");
    writer.write([1, 0, 0], 6);
    desk.until("the array is longer", |app| {
        app.auto_save_interval();
        let status = app.push_handle().status();
        let dataset = status.dataset.as_ref();
        dataset.is_some_and(|dataset| dataset.len_along(NavAxis::Time) == 2)
    });
    desk.settle();
    assert!(desk.has("T slider"));
    assert_eq!(
        (desk.session().position.t, desk.session().camera),
        (0, camera)
    );
    assert_eq!(values(desk.harness.state()), [5]);
    go(&desk, [1, 0, 0]);
    desk.until("the new timepoint is drawn", |app| {
        app.is_settled() && values(app) == [6]
    });
}
