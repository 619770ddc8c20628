//! The real program in a window on a virtual display, driven over its socket.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use squidview::live::{Client, Instance, InstanceFolder};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

/// A window and its display; both end when this drops.
pub(crate) struct Window {
    program: Child,
    display: Child,
    /// As `DISPLAY` has it.
    display_name: String,
    folder: TempDir,
}

impl Window {
    /// `None`, with words, where there is no Xvfb.
    pub(crate) fn open(arguments: &[&OsStr]) -> Option<Self> {
        Self::with(&json!({}), arguments)
    }

    /// The same for a user with these settings.
    pub(crate) fn with(settings: &Value, arguments: &[&OsStr]) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = folder.path().join("settings");
        fs::create_dir(&config).expect("a folder for settings");
        fs::write(config.join("settings.json"), settings.to_string()).expect("settings");
        let display = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1480x1000x24"])
            .args(["-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut display) = display else {
            println!("skipped: there is no Xvfb");
            return None;
        };
        let mut number = String::new();
        let said = display.stdout.take().expect("its output is piped");
        BufReader::new(said)
            .read_line(&mut number)
            .expect("Xvfb says its number");
        let display_name = format!(":{}", number.trim());
        let program = Command::new(env!("CARGO_BIN_EXE_squidview"))
            .args(arguments)
            .args(["--listen", "127.0.0.1:0"])
            .env("DISPLAY", &display_name)
            .env_remove("WAYLAND_DISPLAY")
            // Nothing of the user's is read or written.
            .env("SQUIDVIEW_RUNTIME_DIR", folder.path().join("run"))
            .env("SQUIDVIEW_CONFIG_DIR", config)
            .env("SQUID_WATCHDOG_STATE_DIR", state_folder(&folder))
            .spawn()
            .expect("the window starts");
        Some(Self {
            program,
            display,
            display_name,
            folder,
        })
    }

    /// A key as a person presses it, by xdotool's name. The pointer goes out of the way, and the window has the focus:
    /// nobody else gives it one on a display without a window manager.
    pub(crate) fn press(&self, key: &str) {
        let status = Command::new("xdotool")
            .args(["mousemove", "2", "2", "search", "--sync", "--onlyvisible"])
            .args(["--name", "squidview", "windowfocus", "--sync", "key", key])
            .env("DISPLAY", &self.display_name)
            .stdout(Stdio::null())
            .status();
        assert!(status.expect("xdotool runs").success(), "{key} is pressed");
    }

    /// Where the window listens, as soon as it does.
    pub(crate) fn instance(&self) -> Instance {
        let folder = InstanceFolder::at(&self.folder.path().join("run"));
        until("the window listens", || {
            folder.list().expect("the folder is ours").pop()
        })
    }

    /// Where it looks for the `run.json` of an acquisition.
    pub(crate) fn state_folder(&self) -> PathBuf {
        state_folder(&self.folder)
    }

    pub(crate) fn client(&self) -> Client {
        Client::to(&self.instance(), "bench").expect("connects")
    }
}

fn state_folder(folder: &TempDir) -> PathBuf {
    folder.path().join("state")
}

impl Drop for Window {
    fn drop(&mut self) {
        for child in [&mut self.program, &mut self.display] {
            child.kill().expect("it is our child");
            child.wait().expect("it is our child");
        }
    }
}

/// Asks again and again until there is an answer.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Goes to a timepoint, and waits until the window shows it (whatever there is of it).
pub(crate) fn go_to(client: &mut Client, t: u32) {
    client
        .request("set_index", json!({ "t": t }))
        .expect("goes");
    until("the timepoint is shown", || {
        let status = client.request("status", Value::Null).expect("answers");
        (status["shown"]["t"] == json!(t)).then_some(())
    });
}

/// The moment when a channel's pixels at a timepoint were handed to the screen, once they were.
pub(crate) fn shown_at(client: &mut Client, t: u32, channel: &str) -> Instant {
    let wish = json!({"timeout_s": 10.0, "t": t, "fov": 0, "z": 0, "channel": channel});
    let answer = client
        .request_within("wait_shown", wish, PATIENCE)
        .expect("is shown");
    let age = answer["age_s"].as_f64().expect("an age");
    let age = Duration::from_secs_f64(age);
    Instant::now()
        .checked_sub(age)
        .expect("this machine runs for longer")
}
