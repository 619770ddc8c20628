//! Changed files through the program itself: a clean answer within time and memory, whatever is on disk.

use std::{
    fs,
    io::Read as _,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use squidview::model::ZPick;

use super::{
    cases::Case,
    library::{Subject, must_be_told},
    peak_kib,
};
use crate::program::at_home;

/// No call may take longer.
const WITHIN: Duration = Duration::from_secs(5);
/// Memory that a call may have.
const MOST_KIB: u64 = 512 << 10;
/// How often its memory is looked at: nothing gets much of it in between.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What the calls took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    pub(super) took: Duration,
    pub(super) peak_kib: u64,
    /// It ended with a clean error.
    pub(super) is_error: bool,
}

/// `inspect` and `plane` on a fixture with that change.
///
/// # Errors
/// What must not be.
pub(super) fn run(subject: &Subject<'_>, name: &str, case: &Case) -> Result<[Cost; 2], String> {
    let path = subject.path().join(&case.file);
    let original = fs::read(&path).unwrap();
    fs::write(&path, case.apply(&original)).unwrap();
    let found = both(subject, name, case, original.len());
    fs::write(&path, original).unwrap();
    found
}

fn both(
    subject: &Subject<'_>,
    name: &str,
    case: &Case,
    length: usize,
) -> Result<[Cost; 2], String> {
    let root = subject.path().to_str().unwrap();
    let (inspected, _) = call(&["inspect", root, "--json"])?;
    let known = subject.plane_in(&case.file);
    let mut arguments: Vec<String> = ["plane", root, "--stats"].map(str::to_owned).into();
    if let Some((plane, _)) = known {
        let z = match plane.z {
            ZPick::Slice(z) => z,
            ZPick::Max => 0,
        };
        let flat = plane.fov.row() as u32;
        for (option, value) in [
            ("--fov", flat),
            ("--t", plane.t),
            ("--c", u32::from(plane.c)),
            ("--z", z),
        ] {
            arguments.extend([option.to_owned(), value.to_string()]);
        }
        let level = plane.level.to_string();
        arguments.extend(["--level".to_owned(), level]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (cost, answer) = call(&arguments)?;
    let expected = known.and_then(|(_, crc)| crc);
    let found = answer["crc32"].as_str();
    if must_be_told(name, case, length) && found.is_some() && found != expected {
        return Err(format!(
            "wrong pixels were taken for good: {answer}, expected {expected:?}"
        ));
    }
    Ok([inspected, cost])
}

/// Calls the program, which has to answer within time and memory.
///
/// # Errors
/// Where it does not.
pub(super) fn call(arguments: &[&str]) -> Result<(Cost, Value), String> {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_squidview"));
    let command = at_home(&mut command, home.path()).args(arguments);
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::null());
    let begin = Instant::now();
    let mut child = piped.spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    // Read beside: an answer may be longer than a pipe.
    let reading = thread::Builder::new().spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let mut cost = Cost::default();
    let status = loop {
        cost.peak_kib = cost.peak_kib.max(peak_kib(&child.id().to_string()));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begin.elapsed() > WITHIN {
            child.kill().unwrap();
            child.wait().unwrap();
            return Err(format!("{arguments:?} takes longer than {WITHIN:?}"));
        }
        thread::sleep(LOOK_EVERY);
    };
    cost.took = begin.elapsed();
    let text = reading
        .unwrap()
        .join()
        .unwrap()
        .map_err(|error| error.to_string())?;
    let code = status
        .code()
        .ok_or_else(|| format!("{arguments:?} ended by {status}"))?;
    if !(0..=63).contains(&code) {
        return Err(format!("{arguments:?} ended with {code}"));
    }
    if cost.peak_kib > MOST_KIB {
        return Err(format!("{arguments:?} had {} MiB", cost.peak_kib >> 10));
    }
    cost.is_error = code != 0;
    let answer: Value =
        serde_json::from_str(&text).map_err(|error| format!("{error}: {text:?}"))?;
    let is_clean = (code == 0) == answer["error"].is_null();
    if !answer.is_object() || !is_clean {
        return Err(format!("{arguments:?} ended with {code} and said {answer}"));
    }
    Ok((cost, answer))
}
