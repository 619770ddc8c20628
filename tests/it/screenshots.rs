//! Pictures of every state of the window, for eyes: `scripts/screenshots` runs this and leaves them in `screenshots/`.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use egui::{Event, Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use squidview::{
    app::Options,
    dataset::AnnouncedSizes,
    live::state_folder,
    loader::ReadTiles,
    model::Theme,
    settings::{RecentEntry, Settings},
    simulate::{Ending, Plan, Structure, Written, simulate},
};

use crate::{
    desk::{Desk, Setup},
    torn_window::Disk,
    waiting::stage_meter,
};

/// The size that a window has at first.
const USUAL: Look = Look {
    size_pt: [1480.0, 1000.0],
    pixels_per_point: 1.0,
    theme: Theme::Dark,
};
/// A notebook with a dense screen: 1920 x 1200 physical pixels.
const DENSE: Look = Look {
    size_pt: [960.0, 600.0],
    pixels_per_point: 2.0,
    theme: Theme::Dark,
};
const SMALL: Look = Look {
    size_pt: [640.0, 480.0],
    pixels_per_point: 1.0,
    theme: Theme::Dark,
};
const LIGHT: Look = Look {
    size_pt: [1480.0, 1000.0],
    pixels_per_point: 1.0,
    theme: Theme::Light,
};

/// A window as pictures want it.
#[derive(Clone, Copy)]
struct Look {
    size_pt: [f32; 2],
    pixels_per_point: f32,
    theme: Theme,
}

impl Look {
    fn setup(self) -> Setup {
        let settings = Settings {
            theme: self.theme,
            ..Settings::default()
        };
        Setup {
            size_pt: self.size_pt,
            pixels_per_point: self.pixels_per_point,
            settings,
            ..Setup::default()
        }
    }
}

/// Where pictures and the datasets on them are.
struct Album {
    pictures: PathBuf,
    data: PathBuf,
}

impl Album {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let album = Self {
            pictures: root.join("screenshots"),
            data: std::env::temp_dir().join("squidview-screenshots"),
        };
        fs::create_dir_all(&album.pictures).unwrap();
        album
    }

    /// A dataset of that plan, written once.
    fn dataset(&self, name: &str, plan: &Plan) -> PathBuf {
        let path = self.data.join(name);
        if !path.exists() {
            simulate(plan, &path, &mut |_| true, Duration::ZERO).unwrap();
        }
        path
    }

    /// A dataset of that plan whose writing stopped after some planes, as if it still ran.
    fn running(&self, name: &str, plan: &Plan, num_planes: u64) -> PathBuf {
        let path = self.data.join(name);
        if path.exists() {
            fs::remove_dir_all(&path).unwrap();
        }
        let mut on_plane = |written: Written| written.num_written < num_planes;
        simulate(plan, &path, &mut on_plane, Duration::ZERO).unwrap_err();
        // An aborted run becomes a running one.
        fs::remove_file(path.join(".done")).unwrap();
        for entry in walk(&path) {
            if entry.ends_with("zarr.json") {
                let text = fs::read_to_string(&entry).unwrap();
                fs::write(&entry, text.replace("\"aborted\": true", "\"note\": true")).unwrap();
            }
        }
        path
    }

    fn save(&self, desk: &mut Desk, name: &str) {
        desk.harness.run_steps(3);
        let picture = desk.picture();
        picture
            .save(self.pictures.join(format!("{name}.png")))
            .unwrap();
    }
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn plate(wells: &[&str]) -> Plan {
    Plan {
        structure: Structure::Hcs,
        regions: wells.iter().map(|well| ((*well).into(), 4)).collect(),
        num_timepoints: 3,
        num_z: 5,
        ..Plan::default()
    }
}

#[test]
#[ignore = "for eyes; scripts/screenshots runs it"]
fn every_state_is_pictured() {
    let album = Album::new();
    start_pages(&album);
    datasets(&album);
    absences(&album);
    shapes(&album);
    waiting(&album);
    running(&album);
    announced(&album);
    offered(&album);
}

fn start_pages(album: &Album) {
    let mut setup = USUAL.setup();
    album.save(&mut Desk::new(setup.clone()).unwrap(), "start-empty");
    setup.settings.recents = [
        "wellplate 10x 2026-07-29",
        "overnight_2026-07-12",
        "実験 一",
    ]
    .iter()
    .enumerate()
    .map(|(n, name)| RecentEntry {
        path: format!("/data/microscope/{name}").into(),
        name: (*name).into(),
        layout: "Squid plate".into(),
        size: format!("{} FOVs · 2084 × 2084 · 4 channels", 96 * (n + 1)),
        opened_unix_secs: 1_785_283_200 - 86_400 * n as u64,
    })
    .collect();
    album.save(&mut Desk::new(setup.clone()).unwrap(), "start-recent");
    setup.size_pt = SMALL.size_pt;
    album.save(&mut Desk::new(setup.clone()).unwrap(), "start-small");
    setup.settings.theme = Theme::Light;
    setup.size_pt = USUAL.size_pt;
    album.save(&mut Desk::new(setup).unwrap(), "start-light");
}

fn datasets(album: &Album) {
    let wells = ["A1", "A2", "A3", "B1", "B2", "B3", "C5", "D6"];
    let path = album.dataset("plate", &plate(&wells));
    for (name, setup) in [
        ("plate", USUAL),
        ("plate-dense", DENSE),
        ("plate-small", SMALL),
        ("plate-light", LIGHT),
    ] {
        let mut desk = Desk::with(&path, setup.setup()).unwrap();
        let canvas = desk.harness.get_by_label("Canvas").rect();
        desk.harness.hover_at(canvas.center());
        album.save(&mut desk, name);
    }
    let mut desk = Desk::with(&path, USUAL.setup()).unwrap();
    for (key, name) in [
        (Key::C, "single-channel"),
        (Key::M, "maximum"),
        (Key::X, "clipped"),
        (Key::Num1, "one-to-one"),
        (Key::F1, "keys"),
    ] {
        desk.press(Modifiers::NONE, key);
        desk.settle();
        album.save(&mut desk, name);
    }
    desk.press(Modifiers::NONE, Key::F1);
    desk.press(Modifiers::NONE, Key::F8);
    desk.press(Modifiers::NONE, Key::G);
    desk.harness.event(Event::Text("C5:2".into()));
    album.save(&mut desk, "go-to");
    desk.press(Modifiers::NONE, Key::Escape);
    desk.press(Modifiers::NONE, Key::H);
    album.save(&mut desk, "no-panels");
    desk.press(Modifiers::NONE, Key::H);
    desk.click("squidview");
    album.save(&mut desk, "menu");
}

fn absences(album: &Album) {
    let plan = plate(&["A1", "A2", "B1"]);
    let path = album.running("running", &plan, 5 * 4 * 3 + 2 * 4);
    let mut desk = Desk::with(&path, USUAL.setup()).unwrap();
    album.save(&mut desk, "running");
    for _ in 0..3 {
        desk.press(Modifiers::NONE, Key::PageDown);
        desk.settle();
    }
    album.save(&mut desk, "not-acquired");
    desk.press(Modifiers::NONE, Key::PageDown);
    desk.settle();
    album.save(&mut desk, "planned-fov");

    let damaged = album.dataset("damaged", &plate(&["A1"]));
    let chunk = damaged.join("plate.ome.zarr/A/1/0/0/c/0/1/2/0/0");
    let bytes = fs::read(&chunk).unwrap();
    fs::write(&chunk, &bytes[..bytes.len().min(1000)]).unwrap();
    fs::write(damaged.join("plate.ome.zarr/A/1/1/0/zarr.json"), "{").unwrap();
    let mut desk = Desk::with(&damaged, USUAL.setup()).unwrap();
    album.save(&mut desk, "damaged-chunk");
    desk.press(Modifiers::NONE, Key::PageDown);
    desk.settle();
    album.save(&mut desk, "damaged-fov");
    desk.harness.state_mut().open(&album.data.join("not there"));
    desk.until("the refusal is told", squidview::app::App::is_settled);
    album.save(&mut desk, "error");
    let mut small = Desk::with(&damaged, SMALL.setup()).unwrap();
    album.save(&mut small, "damaged-small");
}

/// Excitation lines in nm.
const LINES: [u32; 5] = [405, 488, 561, 638, 730];

fn shapes(album: &Album) {
    let many = Plan {
        structure: Structure::Single,
        channels: (0..40)
            .map(|c| {
                format!(
                    "Fluorescence {} nm Ex, round {c}, with a long description",
                    LINES[c % 5]
                )
            })
            .collect(),
        num_z: 1,
        width: 512,
        height: 512,
        ..Plan::default()
    };
    let path = album.dataset("forty.ome.zarr", &many);
    album.save(
        &mut Desk::with(&path, USUAL.setup()).unwrap(),
        "forty-channels",
    );
    let one = Plan {
        regions: vec![("scan area 一".into(), 3), ("manual0".into(), 12)],
        channels: vec!["BF LED matrix full".into()],
        width: 1400,
        height: 700,
        ..Plan::default()
    };
    let path = album.dataset("one channel", &one);
    album.save(
        &mut Desk::with(&path, USUAL.setup()).unwrap(),
        "one-channel",
    );
    let whole = Plan {
        structure: Structure::Hcs,
        regions: (0..96)
            .map(|n| (format!("{}{}", char::from(b'A' + n / 12), n % 12 + 1), 1))
            .collect(),
        num_z: 1,
        channels: vec!["DAPI".into(), "GFP".into()],
        width: 256,
        height: 256,
        ..Plan::default()
    };
    let path = album.dataset("96 wells", &whole);
    album.save(&mut Desk::with(&path, USUAL.setup()).unwrap(), "96-wells");
}

/// An acquisition that is written beside the windows, 25 planes a second.
struct Microscope {
    path: PathBuf,
    num_written: Arc<AtomicU64>,
    /// It pauses after so many planes.
    pauses_at: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Microscope {
    fn start(album: &Album, name: &str, plan: Plan) -> Self {
        let path = album.data.join(name);
        if path.exists() {
            fs::remove_dir_all(&path).unwrap();
        }
        let num_written = Arc::new(AtomicU64::new(0));
        let pauses_at = Arc::new(AtomicU64::new(u64::MAX));
        let (out, count, pause) = (
            path.clone(),
            Arc::clone(&num_written),
            Arc::clone(&pauses_at),
        );
        let write = move || {
            let mut on_plane = |written: Written| {
                count.store(written.num_written, Ordering::Relaxed);
                while written.num_written >= pause.load(Ordering::Relaxed) {
                    thread::sleep(Duration::from_millis(5));
                }
                true
            };
            simulate(&plan, &out, &mut on_plane, Duration::from_millis(40)).unwrap();
        };
        let thread = thread::Builder::new().name("microscope".into());
        let microscope = Self {
            path,
            num_written,
            pauses_at,
            thread: thread.spawn(write).unwrap(),
        };
        microscope.wait(1);
        microscope
    }

    fn has_written(&self, num_planes: u64) -> bool {
        self.num_written.load(Ordering::Relaxed) >= num_planes
    }

    fn wait(&self, num_planes: u64) {
        while !self.has_written(num_planes) {
            assert!(!self.thread.is_finished(), "it ended early");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// 480 planes: 4 wells of 2 FOVs, 3 timepoints, 5 z-slices, 4 channels.
fn long_plan() -> Plan {
    let wells = ["A1", "A2", "B1", "B2"].map(|well| (well.to_owned(), 2));
    Plan {
        structure: Structure::Hcs,
        regions: wells.into(),
        num_timepoints: 3,
        num_z: 5,
        ..Plan::default()
    }
}

/// Frames for so long.
fn pass(desk: &mut Desk, time: Duration) {
    let end = Instant::now() + time;
    desk.until("a while has passed", |_| Instant::now() > end);
}

/// Follows, once there is something to follow.
fn follow(desk: &mut Desk) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !desk.has("Follow the newest plane (L)") {
        assert!(Instant::now() < deadline, "nothing runs");
        pass(desk, Duration::from_millis(10));
    }
    desk.press(Modifiers::NONE, Key::L);
}

/// Followed, by hand, in several windows, and at the end.
fn running(album: &Album) {
    let microscope = Microscope::start(album, "live", long_plan());
    let mut desk = Desk::with(&microscope.path, USUAL.setup()).unwrap();
    follow(&mut desk);
    // In the second timepoint, in the middle of a FOV, all channels of a z-slice.
    microscope.pauses_at.store(212, Ordering::Relaxed);
    desk.until("planes are written", |_| microscope.has_written(212));
    pass(&mut desk, Duration::from_millis(300));
    desk.settle();
    album.save(&mut desk, "live-followed");
    microscope.pauses_at.store(u64::MAX, Ordering::Relaxed);
    desk.press(Modifiers::NONE, Key::PageUp);
    desk.settle();
    album.save(&mut desk, "live-by-hand");
    for (name, look) in [("live-small", SMALL), ("live-light", LIGHT)] {
        let mut other = Desk::with(&microscope.path, look.setup()).unwrap();
        follow(&mut other);
        pass(&mut other, Duration::from_secs(2));
        album.save(&mut other, name);
    }
    desk.until("all is written", |_| microscope.has_written(480));
    microscope.thread.join().unwrap();
    pass(&mut desk, Duration::from_secs(3));
    album.save(&mut desk, "live-ended");

    let aborted = Plan {
        ending: Ending::AbortsAfter(130),
        run_folder: Some(state_of_the_microscope()),
        ..long_plan()
    };
    let microscope = Microscope::start(album, "stopped", aborted);
    let windows = [("live-stopped", USUAL), ("live-stopped-small", SMALL)].map(|(name, look)| {
        let setup = Setup {
            options: Options {
                path: Some(microscope.path.clone()),
                state_folder: Some(state_of_the_microscope()),
                ..Options::default()
            },
            ..look.setup()
        };
        let mut desk = Desk::new(setup).unwrap();
        desk.settle();
        (name, desk)
    });
    microscope.thread.join().unwrap();
    for (name, mut desk) in windows {
        pass(&mut desk, Duration::from_secs(3));
        for _ in 0..4 {
            desk.press(Modifiers::NONE, Key::PageDown);
        }
        desk.settle();
        album.save(&mut desk, name);
    }
}

/// Announced planes that are late, and an announced acquisition of which nothing is there yet.
fn announced(album: &Album) {
    let path = album.data.join("announced");
    if path.exists() {
        fs::remove_dir_all(&path).unwrap();
    }
    let mut desk = Desk::new(USUAL.setup()).unwrap();
    let handle = desk.harness.state().push_handle();
    let plan = Plan {
        regions: vec![("A1".into(), 4)],
        num_z: 3,
        channels: vec!["DAPI".into(), "GFP".into()],
        width: 512,
        height: 512,
        // Nothing says that it ended.
        ending: Ending::CrashesAfter(7),
        ..Plan::default()
    };
    let stores = (0..4).map(|fov| path.join(format!("zarr/A1/fov_{fov}.ome.zarr")));
    let sizes = AnnouncedSizes {
        channels: plan.channels.clone(),
        num_z: plan.num_z.into(),
        height: plan.height.into(),
        width: plan.width.into(),
    };
    let labels = (0..4).map(|fov| format!("A1:{fov}")).collect();
    handle
        .start_zarr_acquisition(stores.collect(), sizes.clone(), labels)
        .unwrap();
    desk.settle();
    album.save(&mut desk, "announced-nothing-yet");
    let mut on_plane = |written: Written| {
        let channel = &plan.channels[written.c as usize];
        let fov = written.fov.into();
        handle
            .notify_zarr_frame(written.t.into(), fov, written.z.into(), channel, 0)
            .unwrap();
        true
    };
    simulate(&plan, &path, &mut on_plane, Duration::ZERO).unwrap();
    handle.load_fov(1, Some(0), Some(1)).unwrap();
    for channel in &plan.channels {
        handle.notify_zarr_frame(0, 1, 1, channel, 0).unwrap();
    }
    pass(&mut desk, Duration::from_secs(2));
    album.save(&mut desk, "announced-late");

    let stores = (0..2).map(|fov| {
        album
            .data
            .join(format!("announced too/zarr/B1/fov_{fov}.ome.zarr"))
    });
    let labels = vec!["B1:0".into(), "B1:1".into()];
    let other = handle.other_client();
    other
        .start_zarr_acquisition(stores.collect(), sizes, labels)
        .unwrap();
    pass(&mut desk, Duration::from_secs(1));
    album.save(&mut desk, "offer-of-another-client");
}

/// The panel that says what is waited for: nothing, and a disk that does not answer.
fn waiting(album: &Album) {
    let path = album.dataset("plate", &plate(&["A1"]));
    for (name, look) in [
        ("waiting", USUAL),
        ("waiting-small", SMALL),
        ("waiting-light", LIGHT),
        ("waiting-dense", DENSE),
    ] {
        let disk = Disk::of(&path);
        let (mut setup, tiles) = (look.setup(), Arc::clone(&disk) as Arc<dyn ReadTiles>);
        setup.options.stages = stage_meter();
        let mut desk = Desk::reading(&path, tiles, setup).unwrap();
        desk.settle();
        desk.press(Modifiers::NONE, Key::ArrowUp);
        desk.settle();
        desk.press(Modifiers::NONE, Key::F9);
        album.save(&mut desk, &format!("{name}-nothing"));
        disk.go_away();
        desk.press(Modifiers::NONE, Key::PageDown);
        pass(&mut desk, Duration::from_secs(3));
        album.save(&mut desk, name);
        disk.come_back();
        desk.settle();
    }
    let mut setup = SMALL.setup();
    setup.options.stages = stage_meter();
    let mut desk = Desk::new(setup).unwrap();
    desk.press(Modifiers::NONE, Key::F9);
    album.save(&mut desk, "waiting-start-small");
}

/// Where `scripts/screenshots` lets the microscope keep its state.
fn state_of_the_microscope() -> PathBuf {
    let is_given = std::env::var_os("SQUID_WATCHDOG_STATE_DIR").is_some();
    assert!(
        is_given,
        "scripts/screenshots sets SQUID_WATCHDOG_STATE_DIR"
    );
    state_folder().unwrap()
}

/// A running acquisition that could be opened: on the start page, and over another one.
fn offered(album: &Album) {
    let plan = Plan {
        run_folder: Some(state_of_the_microscope()),
        ..long_plan()
    };
    let microscope = Microscope::start(album, "offered", plan);
    let other = album.dataset("plate", &plate(&["A1"]));
    for (name, look, shown) in [
        ("offer-start", USUAL, None),
        ("offer-start-small", SMALL, None),
        ("offer-start-light", LIGHT, None),
        ("offer-line", USUAL, Some(&other)),
        ("offer-line-small", SMALL, Some(&other)),
        ("offer-line-light", LIGHT, Some(&other)),
    ] {
        let setup = Setup {
            options: Options {
                path: shown.cloned(),
                state_folder: Some(state_of_the_microscope()),
                ..Options::default()
            },
            ..look.setup()
        };
        let mut desk = Desk::new(setup).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while !desk.says("Acquisition running") {
            assert!(Instant::now() < deadline, "{name}: nothing is offered");
            desk.harness.step();
            thread::sleep(Duration::from_millis(5));
        }
        if shown.is_some() {
            desk.settle();
        }
        album.save(&mut desk, name);
    }
    microscope.thread.join().unwrap();
}
