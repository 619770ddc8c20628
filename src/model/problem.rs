//! Problems found while opening, and the codes that scripts tell them apart by.

use std::fmt;

/// What kind of thing is wrong; the spelling in JSON is part of the command line's promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// Nothing at that path.
    NotFound,
    /// Nothing there that we can show.
    NotZarr,
    /// A metadata file is not JSON.
    BadJson,
    /// JSON, but against the Zarr or NGFF rules.
    BadMetadata,
    /// A named array or field is absent.
    MissingArray,
    /// A path that leaves the store.
    UnsafePath,
    /// Version, dtype, codec or grid that we do not read.
    Unsupported,
    /// Would not fit in memory.
    TooLarge,
    /// A chunk cannot be decoded.
    CorruptData,
    /// Not a file, no permission and the like.
    IoError,
    /// An axis has length 0.
    Empty,
    /// Index beyond the axis.
    OutOfRange,
    /// The plane is planned but not on disk yet.
    NotWritten,
    /// Metadata left aside (warnings only).
    Ignored,
}

impl Code {
    /// The spelling in JSON (`not_found`).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::NotZarr => "not_zarr",
            Self::BadJson => "bad_json",
            Self::BadMetadata => "bad_metadata",
            Self::MissingArray => "missing_array",
            Self::UnsafePath => "unsafe_path",
            Self::Unsupported => "unsupported",
            Self::TooLarge => "too_large",
            Self::CorruptData => "corrupt_data",
            Self::IoError => "io_error",
            Self::Empty => "empty",
            Self::OutOfRange => "out_of_range",
            Self::NotWritten => "not_written",
            Self::Ignored => "ignored",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something in a dataset that is not as it should be, or that had to be assumed; the rest opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind of thing.
    pub code: Code,
    /// Where: a path below the dataset, "." for the dataset itself.
    pub location: String,
    /// What was found and what was expected or assumed, in words, without the location.
    pub message: String,
}

impl Problem {
    /// A problem at `location`.
    pub fn new(code: Code, location: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            location: repeated(location.into()),
            message: repeated(message.into()),
        }
    }
}

/// Bytes of foreign text, names and paths, that a message or location repeats; a path may have 4 KiB.
const REPEATED_BYTES: usize = 5 << 10;

/// What a message says of foreign text: all of it, or where it is long its beginning and its end.
#[must_use]
pub fn repeated(text: String) -> String {
    if text.len() <= REPEATED_BYTES {
        return text;
    }
    let half = REPEATED_BYTES / 2;
    let begin = text.floor_char_boundary(half);
    let end = text.ceil_char_boundary(text.len() - half);
    format!("{}\u{2026}{}", &text[..begin], &text[end..])
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.message, self.location)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_long_texts_the_beginning_and_the_end_are_repeated() {
        let path = "a/".repeat(2048);
        assert_eq!(Problem::new(Code::Ignored, &*path, "").location, path);
        let long = format!("begin{}end", "\u{e4}".repeat(500_000));
        let problem = Problem::new(Code::Ignored, &*long, &*long);
        for told in [&problem.location, &problem.message] {
            assert!(told.len() <= REPEATED_BYTES + 3, "{}", told.len());
            assert!(told.starts_with("begin\u{e4}") && told.ends_with("\u{e4}end"));
        }
    }
}
