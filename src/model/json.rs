//! JSON as writers of microscopy data leave it, within a budget.

use serde_json::Value;

use super::{Code, limits};

/// A text is not JSON, or has too much of it.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// Not JSON; the message says where.
    #[error("not JSON ({0})")]
    Syntax(#[from] serde_json::Error),
    /// More values, as [`check_json_size`] counts them, than are read.
    #[error("{0} values where at most {limit} are read", limit = limits::JSON_VALUES)]
    TooLarge(usize),
}

impl JsonError {
    /// The code that scripts tell it by.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Syntax(_) => Code::BadJson,
            Self::TooLarge(_) => Code::TooLarge,
        }
    }

    /// True where the text ends in the middle of a value: it may be half-written.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        matches!(self, Self::Syntax(error) if error.is_eof())
    }
}

/// Parses a JSON document: a byte order mark is passed over, and `NaN`, `Infinity` and `-Infinity`, which Python's
/// `json.dump` writes and JSON does not know, count as null.
///
/// # Errors
/// When it is not JSON even so, or beyond [`limits::JSON_VALUES`].
pub fn parse_json(text: &str) -> Result<Value, JsonError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    check_json_size(text)?;
    Ok(
        serde_json::from_str(text).or_else(|error| match without_bare_words(text) {
            Some(text) => serde_json::from_str(&text),
            None => Err(error),
        })?,
    )
}

/// Whether a document is within [`limits::JSON_VALUES`], without parsing it.
///
/// # Errors
/// When it is beyond.
pub fn check_json_size(text: &str) -> Result<(), JsonError> {
    // No byte counts as more than a mapping: most documents are too short to be counted.
    if text.len() < limits::JSON_VALUES / SIZE_OF_MAPPING {
        return Ok(());
    }
    let found = json_size(text);
    if found > limits::JSON_VALUES {
        return Err(JsonError::TooLarge(found));
    }
    Ok(())
}

/// What a mapping counts as: its first node has room for 11 members.
const SIZE_OF_MAPPING: usize = 8;

/// Values of a JSON document, each of up to 150 bytes in memory while it is read: a mapping counts as
/// [`SIZE_OF_MAPPING`], a list as 2, a key as 1. What stands in strings counts for nothing.
fn json_size(text: &str) -> usize {
    let mut size = 1;
    let mut bytes = text.bytes();
    let mut is_string = false;
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => is_string = !is_string,
            // What follows a backslash ends no string.
            b'\\' => drop(bytes.next()),
            b'{' if !is_string => size += SIZE_OF_MAPPING,
            b'[' if !is_string => size += 2,
            b',' | b':' if !is_string => size += 1,
            _ => {}
        }
    }
    size
}

/// The text with Python's bare non-finite numbers replaced by null; `None` where it has none outside of strings.
fn without_bare_words(text: &str) -> Option<String> {
    let (mut result, mut rest) = (String::new(), text);
    let mut is_string = false;
    let mut has_any = false;
    while let Some(at) = rest.find(['"', '\\', 'N', 'I', '-']) {
        let (before, from) = rest.split_at(at);
        let word = ["-Infinity", "Infinity", "NaN"]
            .into_iter()
            .find(|word| !is_string && from.starts_with(word));
        let mut letters = from.chars();
        match letters.next() {
            Some('"') => is_string = !is_string,
            // What follows a backslash never ends a string.
            Some('\\') => drop(letters.next()),
            _ => {}
        }
        let (taken, put) = match word {
            Some(word) => (word.len(), "null"),
            None => (
                from.len() - letters.as_str().len(),
                &from[..from.len() - letters.as_str().len()],
            ),
        };
        has_any |= word.is_some();
        result.push_str(before);
        result.push_str(put);
        rest = &from[taken..];
    }
    result.push_str(rest);
    has_any.then_some(result)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_counted_and_what_stands_in_strings_is_not() {
        let cases = [
            ("", 1),
            ("3", 1),
            ("[1, 2, 3]", 5),
            (r#"{"a": [0], "b": {}}"#, 22),
            (r#"["{[,\"{", 1]"#, 4),
            ("[\"\u{b5},\\\\\", 2]", 4),
        ];
        for (text, expected) in cases {
            assert_eq!(json_size(text), expected, "{text}");
        }
    }

    #[test]
    fn documents_of_python_are_parsed() {
        let check = |text: &str, expected: Option<Value>| {
            assert_eq!(parse_json(text).ok(), expected, "{text}");
        };
        check(r#"{"a": 1}"#, Some(json!({"a": 1})));
        check("\u{feff}[]", Some(json!([])));
        check(
            "[NaN, Infinity, -Infinity, -1]",
            Some(json!([null, null, null, -1])),
        );
        check(
            r#"["NaN \" NaN", "\\", NaN]"#,
            Some(json!(["NaN \" NaN", "\\", null])),
        );
        check(
            r#"{"NaN": "a \" NaN \\", "b": NaN}"#,
            Some(json!({"NaN": "a \" NaN \\", "b": null})),
        );
        for text in [
            "", "{", "[NaN", "[-NaN]", "[Nan]", "\\", "[N]", "\\µ", "\"NaN\\",
        ] {
            check(text, None);
        }
        let error = parse_json("{\"a\": 1,").expect_err("cut");
        assert!(error.is_cut_off(), "{error}");
        assert!(parse_json(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn a_document_of_too_many_values_is_not_parsed() {
        let many = format!("[{}]", "{},".repeat(limits::JSON_VALUES / SIZE_OF_MAPPING));
        let error = parse_json(&many).expect_err("too many");
        assert_eq!(error.code(), Code::TooLarge);
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in r#"([\[\]{}",:\\-]|NaN|Infinity|µ|1|a){0,30}"#) {
            parse_json(&text).ok();
        }
    }
}
