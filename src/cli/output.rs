//! Answers on stdout, complaints on stderr, and the shape of an error in JSON.

use std::{
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use serde_json::{Value, json};

use crate::{
    dataset::{Dataset, OpenFovError},
    export::ExportError,
    formats::{self, OpenError},
    model::{Code, printable, printable_json, repeated},
    store::ReadError,
};

/// A clean error: exit status 1, JSON on stdout.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Failure {
    pub(super) code: Code,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: repeated(message.into()),
        }
    }

    /// Prints it; the exit status that goes with it.
    pub(super) fn report(&self) -> ExitCode {
        let error = json!({ "error": { "code": self.code.as_str(), "message": self.message } });
        match print_json(&error) {
            Ok(()) => ExitCode::from(1),
            Err(failure) => complain(&format!("{}; {}", self.message, failure.message)),
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::new(error.code, error.to_string())
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            // What was to be written could not be read.
            ExportError::Write { source, path } => match source.downcast::<Self>() {
                Ok(failure) => *failure,
                Err(source) => {
                    let error = ExportError::Write { source, path };
                    Self::new(error.code(), error.to_string())
                }
            },
            other @ ExportError::Inside { .. } => Self::new(other.code(), other.to_string()),
        }
    }
}

impl From<OpenFovError> for Failure {
    fn from(error: OpenFovError) -> Self {
        Self::new(error.code, error.to_string())
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::new(error.code, error.to_string())
    }
}

/// An index on the command line. A number beyond `u32` is beyond every axis: it is cut, and then out of range.
pub(super) fn index(text: &str) -> Result<u32, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!(
            "expected a whole number of 0 or more, found {text:?}"
        ));
    }
    Ok(text.parse().unwrap_or(u32::MAX))
}

/// Opens a dataset; progress is not shown.
pub(super) fn open(path: &Path) -> Result<Dataset, Failure> {
    Ok(formats::open(path, &mut |_| true)?)
}

/// A JSON document on stdout; characters that would steer a terminal are spelled as JSON spells them.
pub(super) fn print_json(document: &Value) -> Result<(), Failure> {
    print(&printable_json(&document.to_string()))
}

/// One line (or more) on stdout, without anything foreign that is not [`printable`]. A reader that went away is not an
/// error of ours.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let written = writeln!(io::stdout().lock(), "{text}");
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            Code::IoError,
            format!("cannot write to standard output ({error})"),
        )),
        _ => Ok(()),
    }
}

/// A complaint on stderr and the exit status of a failed program.
pub(super) fn complain(text: &str) -> ExitCode {
    // Nothing is left to say where stderr is gone.
    let lines: Vec<_> = text.lines().map(printable).collect();
    match writeln!(io::stderr().lock(), "squidview: {}", lines.join("\n")) {
        Ok(()) | Err(_) => ExitCode::FAILURE,
    }
}

/// A number as JSON; what JSON has no number for as text.
pub(super) fn number(value: f64) -> Value {
    if value.is_nan() {
        json!("NaN")
    } else if value.is_infinite() {
        json!(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        json!(value)
    }
}

/// A sample as JSON; integers keep all their digits.
pub(super) fn sample(value: crate::model::Value) -> Value {
    match value {
        crate::model::Value::Unsigned(v) => json!(v),
        crate::model::Value::Signed(v) => json!(v),
        crate::model::Value::Float(v) => number(v),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_beyond_all_axes_is_no_wrong_call() {
        assert_eq!(index("0"), Ok(0));
        assert_eq!(index("4294967296"), Ok(u32::MAX));
        assert_eq!(index("99999999999999999999999"), Ok(u32::MAX));
        for wrong in ["", "-1", "+1", "1.0", "x", "\u{661}"] {
            assert!(index(wrong).is_err(), "{wrong}");
        }
    }
}
