//! The real binary in a real window on a virtual display: what is on the screen is what the app draws off it.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use image::RgbaImage;

use crate::{
    desk::{Desk, Setup},
    program::at_home,
    window::plate,
};

/// Size of the window that a first start opens, and of the display.
pub(crate) const SIZE_PX: (u32, u32) = (1480, 1000);
/// A machine that is busy elsewhere gets this long.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A process that ends with the test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// An X server without a screen; `None`, with words, where there is none, unless `SQUIDVIEW_REQUIRE_DISPLAY` is set.
pub(crate) fn display() -> Option<(Running, String)> {
    let (width, height) = SIZE_PX;
    let started = Command::new("Xvfb")
        .args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0"])
        .arg(format!("{width}x{height}x24"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let is_required = std::env::var_os("SQUIDVIEW_REQUIRE_DISPLAY").is_some();
    let mut server = match started {
        Ok(server) => server,
        Err(error) => {
            assert!(
                !is_required,
                "Xvfb does not start ({error}), and SQUIDVIEW_REQUIRE_DISPLAY is set"
            );
            eprintln!("skipped: Xvfb does not start ({error})");
            return None;
        }
    };
    let mut number = String::new();
    let stdout = server.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut number).unwrap();
    Some((Running(server), format!(":{}", number.trim())))
}

/// The program in a window on that display.
pub(crate) fn squidview(display: &str, home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_squidview"));
    at_home(&mut command, home)
        .args(arguments)
        .env("DISPLAY", display)
        .env_remove("WAYLAND_DISPLAY")
        .stderr(Stdio::piped())
        .stdout(Stdio::null());
    command
}

/// What is on the screen, by `import` of `ImageMagick`.
pub(crate) fn screen(display: &str, folder: &Path) -> RgbaImage {
    let path = folder.join("screen.png");
    let status = Command::new("import")
        .args(["-window", "root", "-display", display])
        .arg(&path)
        .status()
        .unwrap();
    assert!(status.success(), "import takes a picture of the screen");
    image::open(&path).unwrap().to_rgba8()
}

/// Part of the pixels that differ by more than rounding.
fn difference(a: &RgbaImage, b: &RgbaImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let is_off = |(a, b): (&image::Rgba<u8>, &image::Rgba<u8>)| {
        (0..3).any(|part| a[part].abs_diff(b[part]) > 3)
    };
    let num_off = a
        .pixels()
        .zip(b.pixels())
        .filter(|pair| is_off(*pair))
        .count();
    num_off as f64 / f64::from(a.width() * a.height())
}

#[test]
fn the_window_on_the_screen_is_the_one_that_the_app_draws() {
    let folder = tempfile::tempdir().unwrap();
    let path = plate(folder.path());
    let setup = Setup {
        size_pt: [SIZE_PX.0 as f32, SIZE_PX.1 as f32],
        ..Setup::default()
    };
    let Some(mut desk) = Desk::with(&path, setup) else {
        return;
    };
    let expected = desk.picture();
    let Some((_server, display)) = display() else {
        return;
    };
    let started = squidview(&display, folder.path(), &[path.to_str().unwrap()]).spawn();
    let _window = Running(started.unwrap());
    let deadline = Instant::now() + PATIENCE;
    loop {
        let part = difference(&screen(&display, folder.path()), &expected);
        if part < 0.01 {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{:.1} % of the screen differ from what the app draws",
            part * 100.0
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn timing_is_told_in_order_and_the_window_closes_after_the_first_image() {
    let folder = tempfile::tempdir().unwrap();
    let path = plate(folder.path());
    let Some((_server, display)) = display() else {
        return;
    };
    let arguments = [
        path.to_str().unwrap(),
        "--timing",
        "--exit-after",
        "first-image",
    ];
    let ran = squidview(&display, folder.path(), &arguments)
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    let stderr = String::from_utf8(ran.stderr).unwrap();
    let line = stderr.lines().find(|line| line.starts_with('{')).unwrap();
    let timing: serde_json::Value = serde_json::from_str(line).unwrap();
    let at = |stage: &str| timing["timing"][stage].as_u64().unwrap();
    assert!(
        at("main") <= at("window") && at("window") <= at("first_frame"),
        "{line}"
    );
    assert!(at("dataset") <= at("first_image"), "{line}");
    assert!(at("first_frame") <= at("first_image"), "{line}");
}

#[test]
fn without_a_display_the_program_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = squidview(":4242", folder.path(), &[]);
    let ran = command.env_remove("WAYLAND_SOCKET").output().unwrap();
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    let stderr = String::from_utf8(ran.stderr).unwrap();
    assert!(stderr.contains("no window can be opened"), "{stderr}");
}

#[test]
fn where_no_picture_comes_the_window_closes_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_server, display)) = display() else {
        return;
    };
    let arguments = ["/nowhere/at/all", "--timing", "--exit-after", "first-image"];
    let ran = squidview(&display, folder.path(), &arguments)
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    let stderr = String::from_utf8(ran.stderr).unwrap();
    assert!(stderr.contains("/nowhere/at/all"), "{stderr}");
}
