//! A running acquisition in a real window: the simulator in one process, the window in another, pictures of the screen
//! during and after, and what the window says over its socket.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use image::RgbaImage;
use serde_json::{Value, json};
use squidview::live::{Client, InstanceFolder};

use crate::{
    desk::{Desk, Setup},
    program::{at_home, on},
    real_window::{PATIENCE, Running, SIZE_PX, display, screen, squidview},
};

/// 2 regions of 2 FOVs, 3 timepoints, 3 z-slices, 2 channels.
const NUM_PLANES: u64 = 72;
const PLAN: &str = "--n-regions 2 --n-fov 2 --t 3 --z 3 --channels DAPI,GFP --size 128x96";
/// Long enough for pictures in the middle on a busy machine: 9 s in all.
const INTERVAL_MS: &str = "125";
/// The middle z-slice, where a window begins.
const FIRST_Z: u32 = 1;
/// Height of the top bar, in pixels.
const TOP_PX: u32 = 36;
/// The colour of what runs (`src/ui/tokens.rs`).
const LIVE: [u8; 3] = [0x3F, 0xB9, 0x50];

/// Home of the processes of one test: neither settings, windows nor microscope of the user are touched.
struct Scene {
    folder: tempfile::TempDir,
    display: String,
    _server: Running,
}

impl Scene {
    /// `None` where there is no display.
    fn new() -> Option<Self> {
        let (server, display) = display()?;
        Some(Self {
            folder: tempfile::tempdir().unwrap(),
            display,
            _server: server,
        })
    }

    fn home(&self) -> &Path {
        self.folder.path()
    }

    fn acquisition(&self) -> PathBuf {
        self.home().join("run")
    }

    fn window(&self, arguments: &[&str]) -> Running {
        let mut command = squidview(&self.display, self.home(), arguments);
        Running(command.stderr(Stdio::null()).spawn().unwrap())
    }

    /// The microscope.
    fn simulator(&self, structure: &str, options: &str) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_squidview"));
        command.arg("simulate").arg(self.acquisition());
        command
            .args(["--structure", structure])
            .args(PLAN.split(' '));
        command.args(["--interval-ms", INTERVAL_MS]);
        command.args(options.split_whitespace());
        at_home(&mut command, self.home()).stdout(Stdio::null());
        Running(command.spawn().unwrap())
    }

    /// A connection to the window, once there is one.
    fn client(&self) -> Client {
        let folder = InstanceFolder::at(&self.home().join("runtime"));
        let deadline = Instant::now() + PATIENCE;
        loop {
            match Client::newest(&folder, "test") {
                Ok(client) => return client,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn screen(&self) -> RgbaImage {
        screen(&self.display, self.home())
    }
}

/// The first status of which something holds.
fn status_when(client: &mut Client, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let status = client.request("status", json!({})).unwrap();
        if holds(&status) {
            return status;
        }
        assert!(
            Instant::now() < deadline,
            "waited in vain until {what}: {status}"
        );
        thread::sleep(Duration::from_millis(20));
    }
}

fn num_written(status: &Value) -> u64 {
    status["counts"]["written"].as_u64().unwrap_or_default()
}

fn is_partly_written(status: &Value) -> bool {
    (1..NUM_PLANES).contains(&num_written(status)) && status["counts"]["planned"] == NUM_PLANES
}

fn is_complete(status: &Value) -> bool {
    num_written(status) == NUM_PLANES && status["counts"]["planned"] == NUM_PLANES
}

/// True where every channel of the picture on the screen has pixels.
fn has_picture(status: &Value) -> bool {
    let channels = status["shown"]["channels"].as_array();
    channels.is_some_and(|channels| {
        !channels.is_empty() && channels.iter().all(|channel| channel["pixels"] == true)
    })
}

/// Where the canvas is in a window that shows the acquisition: left, top, width, height in pixels.
fn canvas_px(acquisition: &Path) -> Option<[u32; 4]> {
    let setup = Setup {
        size_pt: [SIZE_PX.0 as f32, SIZE_PX.1 as f32],
        ..Setup::default()
    };
    Some(Desk::with(acquisition, setup)?.canvas_px())
}

/// Part of the canvas that differs from a picture by more than rounding, its scale bar and the values left out.
fn difference(
    screen: &RgbaImage,
    [left, top, width, height]: [u32; 4],
    picture: &RgbaImage,
) -> f64 {
    let is_covered = |x: u32, y: u32| y + 48 > height && (x < 220 || x + 420 > width);
    let num_off = picture.enumerate_pixels().filter(|&(x, y, pixel)| {
        let on_screen = screen.get_pixel(left + x, top + y);
        !is_covered(x, y) && (0..3).any(|part| on_screen[part].abs_diff(pixel[part]) > 3)
    });
    num_off.count() as f64 / f64::from(width * height)
}

/// True where the top bar says that something runs.
fn says_live(screen: &RgbaImage) -> bool {
    let rows = screen.rows().take(TOP_PX as usize).flatten();
    rows.filter(|pixel| (0..3).all(|part| pixel[part].abs_diff(LIVE[part]) <= 3))
        .count()
        > 10
}

/// The screen once the top bar says that something runs, or that nothing does any more.
fn screen_when(scene: &Scene, is_live: bool) -> RgbaImage {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let picture = scene.screen();
        if says_live(&picture) == is_live {
            return picture;
        }
        assert!(
            Instant::now() < deadline,
            "waited in vain for live {is_live}"
        );
        thread::sleep(Duration::from_millis(100));
    }
}

/// Looks at a window that stays where it began while planes are written, and when all are.
fn check_grows(scene: &Scene, client: &mut Client, is_watching: impl Fn(&Value) -> bool) {
    status_when(client, "a first picture", |status| {
        is_partly_written(status) && has_picture(status) && is_watching(status)
    });
    // The driver hands a frame to the server some time after it took it: on a busy machine, much later.
    let mut during = vec![scene.screen()];
    loop {
        thread::sleep(Duration::from_millis(250));
        let picture = scene.screen();
        let status = client.request("status", json!({})).unwrap();
        if !is_partly_written(&status) {
            break;
        }
        during.push(picture);
    }
    assert!(during.iter().any(says_live), "it is said to run");
    let status = status_when(client, "all is written", is_complete);
    assert_eq!(status["counts"]["missing"], 0, "{status}");
    assert_eq!(status["shown"]["z"], FIRST_Z, "nothing moves by itself");
    let after = screen_when(scene, false);

    let acquisition = scene.acquisition();
    let Some(canvas) = canvas_px(&acquisition) else {
        return;
    };
    let [left, top, width, height] = canvas;
    let view = scene.home().join("view.png");
    let line = format!(
        "render PATH -o {} --size {width}x{height} --z {FIRST_Z}",
        view.display()
    );
    on(&acquisition, &line).answer();
    let expected = image::open(&view).unwrap().to_rgba8();
    let parts = during
        .iter()
        .map(|picture| difference(picture, canvas, &expected));
    let parts: Vec<f64> = parts.collect();
    // Where all was written before a second look, the only one may have been too early.
    let is_alike = parts.iter().any(|&part| part < 0.001) || parts.len() < 3;
    assert!(is_alike, "during: parts that differ {parts:?}");
    let part = difference(&after, canvas, &expected);
    assert!(part < 0.001, "after: {:.2} % differ", part * 100.0);
    let bars = |picture: &RgbaImage| {
        let below = top + height;
        let (full, all) = picture.dimensions();
        image::imageops::crop_imm(picture, left, below, full - left, all - below).to_image()
    };
    assert!(bars(&during[0]) != bars(&after), "the bars have filled");
}

#[test]
fn a_folder_that_grows_is_shown_in_a_real_window_as_it_grows() {
    let Some(scene) = Scene::new() else { return };
    check_folder_grows(&scene, "per_fov", "zarr/R0/fov_0.ome.zarr/0/c/0/1/1");
}

#[test]
fn stacks_that_grow_are_shown_in_a_real_window_as_they_grow() {
    let Some(scene) = Scene::new() else { return };
    check_folder_grows(&scene, "multi_page", "0/R0_1_stack.tiff");
}

#[test]
fn ome_tiff_files_that_are_filled_are_shown_in_a_real_window_plane_by_plane() {
    let Some(scene) = Scene::new() else { return };
    check_folder_grows(&scene, "ome_tiff", "ome_tiff/R0_1.ome.tiff");
}

/// Opens the folder of an acquisition once a file of it is there.
fn check_folder_grows(scene: &Scene, structure: &str, first: &str) {
    let _simulator = scene.simulator(structure, "");
    let first_fov = scene.acquisition().join(first);
    let deadline = Instant::now() + PATIENCE;
    while !first_fov.exists() {
        assert!(Instant::now() < deadline, "nothing is written");
        thread::sleep(Duration::from_millis(20));
    }
    let _window = scene.window(&[scene.acquisition().to_str().unwrap()]);
    let mut client = scene.client();
    check_grows(scene, &mut client, |status| status["push_active"] == false);
}

#[test]
fn what_another_process_announces_is_shown_in_a_real_window() {
    let Some(scene) = Scene::new() else { return };
    let _window = scene.window(&[]);
    let mut client = scene.client();
    let _simulator = scene.simulator("per_fov", "--push");
    check_grows(&scene, &mut client, |status| {
        status["zarr_push_active"] == true
    });
    status_when(&mut client, "the end is known", |status| {
        status["push_active"] == true && status["zarr_push_active"] == false
    });
    client.request("show_window", json!({})).unwrap();
}

#[test]
fn image_files_and_pages_that_another_process_announces_are_shown_in_a_real_window() {
    for structure in ["tiff", "multi_page", "ome_tiff"] {
        let Some(scene) = Scene::new() else { return };
        let _window = scene.window(&[]);
        let mut client = scene.client();
        let _simulator = scene.simulator(structure, "--push");
        status_when(&mut client, "a first picture", |status| {
            (1..NUM_PLANES).contains(&num_written(status)) && has_picture(status)
        });
        let status = status_when(&mut client, "all is written", |status| {
            num_written(status) == NUM_PLANES && has_picture(status)
        });
        assert_eq!(status["counts"]["failed"], 0, "{status}");
        status_when(&mut client, "the end is known", |status| {
            status["acquisition"]["ended"] == true || status["push_active"] == true
        });
    }
}

#[test]
fn an_announced_acquisition_that_is_also_said_to_run_stays_announced_and_is_followed() {
    for structure in ["tiff", "per_fov"] {
        let Some(scene) = Scene::new() else { return };
        let _window = scene.window(&["--follow"]);
        let mut client = scene.client();
        let _simulator = scene.simulator(structure, "--push --run-json");
        status_when(&mut client, "a first picture", |status| {
            (1..NUM_PLANES).contains(&num_written(status)) && has_picture(status)
        });
        let status = status_when(&mut client, "the last plane is shown", |status| {
            let shown = &status["shown"];
            let at = ["t", "fov", "z"].map(|axis| shown[axis].as_u64().unwrap_or_default());
            num_written(status) == NUM_PLANES && at == [2, 3, 2] && has_picture(status)
        });
        assert_eq!(status["push_active"], true, "{status}");
        assert_ne!(status["acquisition"], Value::Null, "{status}");
    }
}

#[test]
fn a_real_window_opens_a_running_acquisition_in_image_files_by_itself() {
    for structure in ["tiff", "multi_page", "ome_tiff"] {
        let Some(scene) = Scene::new() else { return };
        check_opens_by_itself(&scene, structure);
    }
}

#[test]
fn a_real_window_opens_the_running_acquisition_by_itself_and_follows_it_to_its_end() {
    let Some(scene) = Scene::new() else { return };
    check_opens_by_itself(&scene, "per_fov");
}

fn check_opens_by_itself(scene: &Scene, structure: &str) {
    let _window = scene.window(&["--follow"]);
    let mut client = scene.client();
    let status = client.request("status", json!({})).unwrap();
    assert_eq!(status["dataset"], Value::Null, "the start page");
    let _simulator = scene.simulator(structure, "--run-json");
    status_when(&mut client, "it opens by itself", |status| {
        status["dataset"]["name"] == "run" && is_partly_written(status) && has_picture(status)
    });
    screen_when(scene, true);
    status_when(&mut client, "the last plane is shown", |status| {
        let shown = &status["shown"];
        let at = ["t", "fov", "z"].map(|axis| shown[axis].as_u64().unwrap_or_default());
        is_complete(status) && at == [2, 3, 2] && has_picture(status)
    });
    screen_when(scene, false);
}
