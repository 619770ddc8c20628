//! Runs the real program, each time with empty folders of its own for settings and state.

use std::{ffi::OsStr, path::Path, process::Command};

use serde_json::Value;

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Exit status; `None` where a signal ended it.
    pub(crate) status: Option<i32>,
    /// All of stdout.
    pub(crate) stdout: String,
    /// All of stderr.
    pub(crate) stderr: String,
}

impl Ran {
    /// The one JSON object that stdout holds.
    pub(crate) fn json(&self) -> Value {
        let parsed: Value = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}, expected one JSON document: {self:?}"));
        assert!(parsed.is_object(), "{self:?}");
        parsed
    }

    /// The same of a run that must have succeeded.
    pub(crate) fn answer(&self) -> Value {
        assert_eq!(self.status, Some(0), "{self:?}");
        self.json()
    }
}

/// A process that keeps settings, windows and the microscope's state below a folder of its own.
pub(crate) fn at_home<'a>(command: &'a mut Command, home: &Path) -> &'a mut Command {
    command
        .env("SQUIDVIEW_CONFIG_DIR", home)
        .env("SQUIDVIEW_RUNTIME_DIR", home.join("runtime"))
        .env("SQUID_WATCHDOG_STATE_DIR", home.join("state"))
}

/// Runs the program to its end.
pub(crate) fn squidview<A: AsRef<OsStr>>(arguments: &[A]) -> Ran {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_squidview"));
    let output = at_home(&mut command, home.path())
        .args(arguments)
        .output()
        .unwrap();
    Ran {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs a line of arguments that hold no spaces; `PATH` in it is `path`.
pub(crate) fn on(path: &Path, line: &str) -> Ran {
    let path = path.to_str().unwrap();
    let arguments: Vec<&str> = line
        .split_whitespace()
        .map(|word| if word == "PATH" { path } else { word })
        .collect();
    squidview(&arguments)
}
