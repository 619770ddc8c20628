//! Block-style YAML of a JSON value, as `PyYAML` lays it out for Squid. Writing only.

use serde_json::Value;

/// The lines of a mapping or sequence; a sequence is not indented below its key.
pub(super) fn block(value: &Value) -> String {
    let mut text = String::new();
    for line in lines(value) {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn lines(value: &Value) -> Vec<String> {
    match value {
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| entry(key, value))
            .collect(),
        Value::Array(items) => items.iter().flat_map(item).collect(),
        other => vec![scalar(other)],
    }
}

fn is_nested(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

fn entry(key: &str, value: &Value) -> Vec<String> {
    if !is_nested(value) {
        return vec![format!("{key}: {}", scalar(value))];
    }
    let indent = if value.is_object() { "  " } else { "" };
    let below = lines(value)
        .into_iter()
        .map(|line| format!("{indent}{line}"));
    std::iter::once(format!("{key}:")).chain(below).collect()
}

fn item(value: &Value) -> Vec<String> {
    let lines = if is_nested(value) {
        lines(value)
    } else {
        vec![scalar(value)]
    };
    let mark =
        |(index, line): (usize, String)| format!("{}{line}", if index == 0 { "- " } else { "  " });
    lines.into_iter().enumerate().map(mark).collect()
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        // YAML 1.1 takes 5e-05 for a string.
        Value::Number(number) => {
            let text = number.to_string();
            if text.contains('.') {
                text
            } else {
                text.replace('e', ".0e")
            }
        }
        other => other.to_string(),
    }
}

/// A string, quoted where a reader could take it for something else.
fn string(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_.()/ +-".contains(c);
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(is_word)
        && !text.ends_with(' ');
    if is_plain && !is_reserved(text) {
        return text.to_owned();
    }
    if text.chars().any(char::is_control) {
        return Value::from(text).to_string();
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// Words and numbers of YAML 1.1.
fn is_reserved(text: &str) -> bool {
    let lower = text.to_lowercase();
    let is_word = matches!(
        lower.as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "y" | "n"
    );
    let is_number = text.starts_with(|c: char| c.is_ascii_digit())
        && text
            .chars()
            .all(|c| c.is_ascii_hexdigit() || "_.:xXoO+-".contains(c));
    is_word || is_number
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sequences_of_mappings_are_marked_once() {
        let value = json!({"channels": [{"name": "BF", "light": {"intensity": 10.0}}], "at": [1, 2], "none": null});
        let text = block(&value);
        // Keys may stand in either order: it is the features of a crate elsewhere that decide.
        for line in [
            "channels:\n- ",
            "at:\n- 1\n- 2\n",
            "none: null\n",
            "light:\n    intensity: 10.0\n",
        ] {
            assert!(text.contains(line), "{line:?} in {text:?}");
        }
    }

    #[test]
    fn strings_that_look_like_something_else_are_quoted() {
        let check = |text: &str, expected: &str| assert_eq!(string(text), expected);
        check("Fluorescence 405 nm Ex", "Fluorescence 405 nm Ex");
        check("#20ADF8", "'#20ADF8'");
        check("it's", "'it''s'");
        check("no", "'no'");
        check("1e5", "'1e5'");
        check("A1", "A1");
        check("区域", "'区域'");
        check("a\nb", r#""a\nb""#);
        assert_eq!(scalar(&json!(5e-07)), "5.0e-7");
    }
}
