//! The copy of all documents below a group that zarr-python keeps in the group's own (`consolidated_metadata`).
//!
//! Each document is read where it lies, so nobody needs the copy. Of a plate it is larger than anything else that is read
//! as JSON, so it is taken out before the rest is counted and parsed.

use std::borrow::Cow;

const KEY: &str = "\"consolidated_metadata\"";

/// The text with `null` in place of the copy; as it is where it has none at its top.
pub(super) fn without_consolidated(text: &str) -> Cow<'_, str> {
    // Few documents have one, and all are asked.
    if !text.contains(KEY) {
        return Cow::Borrowed(text);
    }
    let found = value_of_key(text).and_then(|(start, end)| {
        let (before, after) = (text.get(..start)?, text.get(end..)?);
        Some(Cow::Owned(format!("{before}null{after}")))
    });
    found.unwrap_or(Cow::Borrowed(text))
}

/// Where the value of the key begins and ends in a mapping.
fn value_of_key(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let (mut at, mut depth, mut start) = (0, 0_usize, None);
    while let Some(byte) = bytes.get(at) {
        match (byte, start) {
            (b'"', _) => {
                let end = end_of_string(bytes, at);
                let is_key = depth == 1 && text.get(at..end) == Some(KEY);
                at = end;
                if is_key {
                    let rest = &bytes[end..];
                    let blank = rest.iter().take_while(|byte| byte.is_ascii_whitespace());
                    let colon = end + blank.count();
                    if bytes.get(colon) == Some(&b':') {
                        start = Some(colon + 1);
                        at = colon + 1;
                    }
                }
                continue;
            }
            (b'{' | b'[', _) => depth += 1,
            (b',' | b'}', Some(start)) if depth == 1 => return Some((start, at)),
            (b'}' | b']', _) => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Behind the quotation mark that ends the string which begins there.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_of_other_documents_is_taken_out_and_nothing_else() {
        let same = [
            "",
            "3",
            "[\"consolidated_metadata\", {\"consolidated_metadata\": 1}]",
            r#"{"a": {"consolidated_metadata": 1}, "b": "consolidated_metadata"}"#,
            r#"{"consolidated_metadata""#,
            r#"{"consolidated_metadata": {"a": 1"#,
            r#"{"\"consolidated_metadata": 1}"#,
        ];
        for text in same {
            assert_eq!(without_consolidated(text), text);
        }
        for (text, expected) in [
            (
                r#"{"a": 1, "consolidated_metadata" : {"b": [1, {"c": "}"}], "d": "\"}"}, "e": 2}"#,
                r#"{"a": 1, "consolidated_metadata" :null, "e": 2}"#,
            ),
            (
                r#"{"consolidated_metadata":null}"#,
                r#"{"consolidated_metadata":null}"#,
            ),
            (
                "{\"consolidated_metadata\": [\"\u{b5}\"], \"\u{b5}\": 1}",
                "{\"consolidated_metadata\":null, \"\u{b5}\": 1}",
            ),
        ] {
            assert_eq!(without_consolidated(text), expected);
        }
    }
}
