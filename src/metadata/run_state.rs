//! `run.json`: what the microscope software says of the acquisition that runs, or ran last.
//!
//! Squid `squid/acquisition_state.py` (`RunStateWriter`), which writes it for its watchdog; the progress comes from
//! `control/core/multi_point_worker.py`. Times are seconds since 1970 there; a text is read as well. Later versions know
//! a run that is paused, which still beats, so whatever has not ended counts as running.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::json::{as_count, as_number, as_text, at, keyword, member, shown};
use crate::model::{Timestamp, parse_json};

/// Why an acquisition ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// Everything was acquired.
    Completed,
    /// It went to its end, but images are missing.
    CompletedWithErrors,
    /// Somebody stopped it.
    UserAbort,
    /// The microscope software gave up.
    Error,
    /// A word that we do not know.
    Other(String),
    /// None is given.
    Unknown,
}

impl EndReason {
    fn of(word: Option<&str>) -> Self {
        match word {
            Some("completed") => Self::Completed,
            Some("completed_with_errors") => Self::CompletedWithErrors,
            Some("user_abort") => Self::UserAbort,
            Some("error") => Self::Error,
            Some(other) => Self::Other(other.chars().take(80).collect()),
            None => Self::Unknown,
        }
    }
}

impl fmt::Display for EndReason {
    /// In words that follow "The acquisition".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("is complete"),
            Self::CompletedWithErrors => f.write_str("ended with errors"),
            Self::UserAbort => f.write_str("was stopped by the user"),
            Self::Error => f.write_str("was ended by an error"),
            Self::Other(word) => write!(f, "ended ({word})"),
            Self::Unknown => f.write_str("ended"),
        }
    }
}

/// How far a run has come; each where the file says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunProgress {
    /// Index of the timepoint that is being acquired.
    pub timepoint: Option<u32>,
    /// FOVs of this timepoint that were begun.
    pub fov: Option<u32>,
    /// Images taken.
    pub images: Option<u64>,
}

/// What the run is to have at its end; each where the file says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunExpected {
    /// Timepoints.
    pub timepoints: Option<u32>,
    /// Regions.
    pub regions: Option<u32>,
    /// FOVs of all regions.
    pub fovs: Option<u32>,
    /// Channels.
    pub channels: Option<u32>,
    /// z-slices.
    pub z: Option<u32>,
}

/// One acquisition run; every key but the outcome optional.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// `run_id`: another one is another run.
    pub run_id: Option<String>,
    /// `experiment_id`.
    pub experiment_id: Option<String>,
    /// `machine`.
    pub machine: Option<String>,
    /// `pid` of the microscope software.
    pub pid: Option<u32>,
    /// `output_path`: the acquisition folder.
    pub output_path: Option<PathBuf>,
    /// `started_at`.
    pub started_at: Option<Timestamp>,
    /// `heartbeat_at`: when the microscope software last said that it is alive.
    pub heartbeat_at: Option<Timestamp>,
    /// `ended_at`.
    pub ended_at: Option<Timestamp>,
    /// `progress`.
    pub progress: RunProgress,
    /// `expected`.
    pub expected: RunExpected,
    /// `None`: it has not ended, as far as the file knows.
    pub end: Option<EndReason>,
}

impl Run {
    /// What people call it: the experiment, or the folder's name.
    #[must_use]
    pub fn name(&self) -> String {
        let folder = || {
            let path = self.output_path.as_deref()?;
            Some(path.file_name()?.to_string_lossy().into_owned())
        };
        self.experiment_id
            .clone()
            .or_else(folder)
            .unwrap_or_else(|| "unnamed acquisition".to_owned())
    }

    /// True where both are the same run, maybe at different times.
    #[must_use]
    pub fn is_same_run(&self, other: &Self) -> bool {
        match (&self.run_id, &other.run_id) {
            (Some(one), Some(two)) => one == two,
            _ => {
                self.output_path == other.output_path
                    && self.experiment_id == other.experiment_id
                    && self.started_at == other.started_at
            }
        }
    }
}

/// Reads the file.
///
/// # Errors
/// When it is not JSON (it may be half-written), or says nothing about a run.
pub fn parse(text: &str) -> Result<Run, String> {
    let document = parse_json(text).map_err(|error| error.to_string())?;
    if !document.is_object() {
        return Err(format!("found {}, expected an object", shown(&document)));
    }
    let text = |key: &str| member(&document, key).and_then(as_text);
    let time = |key: &str| member(&document, key).and_then(timestamp);
    let count = |path: &[&str]| at(&document, path).and_then(as_index);
    let run = Run {
        run_id: text("run_id"),
        experiment_id: text("experiment_id"),
        machine: text("machine"),
        pid: member(&document, "pid").and_then(as_count),
        output_path: text("output_path").map(|path| Path::new(path.trim()).to_path_buf()),
        started_at: time("started_at"),
        heartbeat_at: time("heartbeat_at"),
        ended_at: time("ended_at"),
        progress: RunProgress {
            timepoint: count(&["progress", "timepoint"]),
            fov: count(&["progress", "fov"]),
            images: at(&document, &["progress", "images"]).and_then(Value::as_u64),
        },
        expected: RunExpected {
            timepoints: count(&["expected", "timepoints"]),
            regions: count(&["expected", "regions"]),
            fovs: count(&["expected", "fovs"]),
            channels: count(&["expected", "channels"]),
            z: count(&["expected", "z"]),
        },
        end: end(&document),
    };
    if run.run_id.is_none() && run.output_path.is_none() {
        return Err("found neither run_id nor output_path".to_owned());
    }
    Ok(run)
}

/// The reason where the run has ended; without a status, a reason or a time of the end says so.
fn end(document: &Value) -> Option<EndReason> {
    let reason = keyword(document, "reason");
    let has_ended = match keyword(document, "status") {
        Some(status) => status == "ended",
        None => reason.is_some() || member(document, "ended_at").is_some(),
    };
    has_ended.then(|| EndReason::of(reason))
}

/// Seconds since 1970, also written as a text, or a date and time.
fn timestamp(value: &Value) -> Option<Timestamp> {
    let number = as_number(value).map(Timestamp::of_unix_secs);
    number.or_else(|| Timestamp::parse(value.as_str()?))
}

/// A count from 0 on that fits in `u32`.
fn as_index(value: &Value) -> Option<u32> {
    u32::try_from(value.as_u64()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metadata::json::arbitrary::any_json;

    #[test]
    fn squids_file_is_read() {
        let run = parse(include_str!("../../tests/data/metadata/run.json")).unwrap();
        assert_eq!(run.name(), "neurons_2026-01-15_09-30-00.200000");
        assert_eq!(run.pid, Some(4321));
        assert_eq!(
            run.output_path.as_deref(),
            Some(Path::new("/data/neurons_2026-01-15_09-30-00.200000"))
        );
        let time = |secs| Some(Timestamp::of_unix_secs(secs));
        assert_eq!(
            (run.started_at, run.heartbeat_at, run.ended_at),
            (time(1_768_469_400.25), time(1_768_469_431.5), None)
        );
        let progress = RunProgress {
            timepoint: Some(0),
            fov: Some(3),
            images: Some(37),
        };
        assert_eq!((run.progress, run.end), (progress, None));
        let expected = RunExpected {
            timepoints: Some(10),
            regions: Some(2),
            fovs: Some(8),
            channels: Some(4),
            z: Some(5),
        };
        assert_eq!(run.expected, expected);
    }

    #[test]
    fn ends_have_reasons_in_words() {
        let check = |keys: &str, expected: Option<&str>| {
            let run = parse(&format!("{{\"run_id\": \"a\", {keys}}}")).unwrap();
            let found = run.end.map(|reason| reason.to_string());
            assert_eq!(found.as_deref(), expected, "{keys}");
        };
        let ended = |reason: &str| format!(r#""status": "ended", "reason": {reason}"#);
        check(&ended("\"completed\""), Some("is complete"));
        check(
            &ended("\"completed_with_errors\""),
            Some("ended with errors"),
        );
        check(&ended("\"user_abort\""), Some("was stopped by the user"));
        check(&ended("\"error\""), Some("was ended by an error"));
        check(&ended("\"power\""), Some("ended (power)"));
        check(&ended("null"), Some("ended"));
        check(r#""ended_at": 5"#, Some("ended"));
        check(r#""status": "running", "reason": null"#, None);
        check(r#""status": "paused""#, None);
        check(r#""x": 1"#, None);
    }

    #[test]
    fn unknown_and_wrong_keys_are_passed_over() {
        let run = parse(
            r#"{"schema_version": 7, "output_path": "/data/exp", "pid": "x", "progress": [], "new": {"a": 1},
                "expected": {"z": -1, "fovs": 2}, "heartbeat_at": "2026-01-15T09:30:00", "started_at": {}}"#,
        )
        .unwrap();
        assert_eq!(run.name(), "exp");
        assert_eq!(run.pid, None);
        assert_eq!((run.expected.z, run.expected.fovs), (None, Some(2)));
        assert!(!run.heartbeat_at.unwrap().has_zone);
        assert_eq!(run.started_at, None);
    }

    #[test]
    fn what_says_nothing_of_a_run_is_refused() {
        for text in ["", "{", "[]", "{}", "null", r#"{"status": "running"}"#] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn runs_without_an_id_are_told_apart_by_their_start() {
        let run = |keys: &str| parse(&format!("{{\"output_path\": \"/a\", {keys}}}")).unwrap();
        let first = run("\"started_at\": 1, \"heartbeat_at\": 2");
        assert!(first.is_same_run(&run("\"started_at\": 1, \"heartbeat_at\": 9")));
        assert!(!first.is_same_run(&run("\"started_at\": 3")));
    }

    const WORDS: &[&str] = &[
        "run_id",
        "status",
        "ended",
        "progress",
        "fov",
        "expected",
        "output_path",
        "heartbeat_at",
    ];

    proptest! {
        #[test]
        fn arbitrary_documents_never_panic(document in any_json(WORDS)) {
            parse(&document.to_string()).ok();
        }
    }
}
