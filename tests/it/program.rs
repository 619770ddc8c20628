//! Runs the real program, each time with an empty settings folder of its own.

use std::{ffi::OsStr, process::Command};

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

/// Runs the program to its end.
pub(crate) fn squidview<A: AsRef<OsStr>>(arguments: &[A]) -> Ran {
    let settings = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_squidview"))
        .args(arguments)
        .env("SQUIDVIEW_CONFIG_DIR", settings.path())
        .output()
        .unwrap();
    Ran {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs a line of arguments that hold no spaces; `PATH` in it is `path`.
pub(crate) fn on(path: &std::path::Path, line: &str) -> Ran {
    let path = path.to_str().unwrap();
    let arguments: Vec<&str> = line
        .split_whitespace()
        .map(|word| if word == "PATH" { path } else { word })
        .collect();
    squidview(&arguments)
}
