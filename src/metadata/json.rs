//! Lenient access to members of a foreign JSON value: a wrong type counts as absent, never as a failure.
//!
//! YAML side files come here too, as JSON values (`yaml.rs`), so that both are read by one set of rules.

use serde_json::Value;

use crate::model::Step;

/// Characters of a foreign text that a message repeats.
const SHOWN_CHARS: usize = 40;

/// The member `key`, if `of` is an object that has it and it is not null.
pub(super) fn member<'a>(of: &'a Value, key: &str) -> Option<&'a Value> {
    of.get(key).filter(|value| !value.is_null())
}

/// The member at a path of keys, none of them null.
pub(super) fn at<'a>(of: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(of, |value, key| member(value, key))
}

/// A text; numbers are given as written, because names such as `1` are often written without quotes.
pub(super) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The member `key` where it is a text, for keywords that are compared.
pub(super) fn keyword<'a>(of: &'a Value, key: &str) -> Option<&'a str> {
    of.get(key).and_then(Value::as_str)
}

/// A finite number, also one written as a text.
pub(super) fn as_number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    number.filter(|number: &f64| number.is_finite())
}

/// A finite number above 0.
pub(super) fn as_positive(value: &Value) -> Option<f64> {
    as_number(value).filter(|&number| number > 0.0)
}

/// A count above 0 that fits in `u32`; `3.0` is 3.
pub(super) fn as_count(value: &Value) -> Option<u32> {
    let number = as_positive(value)?;
    let is_count = number.fract() == 0.0 && number <= f64::from(u32::MAX);
    is_count.then_some(number as u32)
}

/// The step at a path of keys, times a factor; what is there and cannot be one is told in `unusable`.
///
/// `is_needed`: 0 and numbers below it are mistakes. Else 0 means that there is none, and a length only has a direction.
pub(super) fn step(
    of: &Value,
    (step, path, factor): (Step, &[&str], f64),
    is_needed: bool,
    unusable: &mut Vec<String>,
) -> Option<f64> {
    let value = at(of, path)?;
    let number = as_number(value).map(|number| number * factor);
    if number == Some(0.0) && !is_needed {
        return None;
    }
    let number = number.map(|number| match step {
        Step::Length if !is_needed => number.abs(),
        Step::Length | Step::Time => number,
    });
    let found = number.filter(|&number| step.can_be(number));
    if found.is_none() {
        let (key, found, expected) = (path.join("."), shown(value), step.expected());
        let unit = if factor == 1.0 { "" } else { ", times 1000" };
        unusable.push(format!(
            "{key} is {found}, expected{unit} {expected}; taken as missing"
        ));
    }
    found
}

/// What is there, in a few words for a message.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Array(entries) => format!("a list of {}", entries.len()),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) => shown_text(text),
        other => other.to_string(),
    }
}

/// A foreign text in quotes, cut where it is long.
pub(super) fn shown_text(text: &str) -> String {
    let cut: String = text.chars().take(SHOWN_CHARS).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut:?}{dots}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wrong_type_counts_as_absent() {
        let of =
            json!({"a": {"b": 2}, "none": null, "text": "  ", "n": "1.5", "neg": -1, "half": 0.5});
        assert_eq!(at(&of, &["a", "b"]).and_then(as_count), Some(2));
        assert_eq!(at(&of, &["a", "b", "c"]), None);
        assert_eq!(member(&of, "none"), None);
        assert_eq!(member(&of, "text").and_then(as_text), None);
        assert_eq!(member(&of, "n").and_then(as_number), Some(1.5));
        assert_eq!(member(&of, "neg").and_then(as_positive), None);
        assert_eq!(member(&of, "half").and_then(as_count), None);
        assert_eq!(member(&json!([1]), "a"), None);
    }

    #[test]
    fn messages_repeat_little_of_a_foreign_text() {
        assert_eq!(
            shown(&json!("µ".repeat(50))),
            format!("{:?}…", "µ".repeat(40))
        );
        assert_eq!(shown(&json!([1, 2])), "a list of 2");
        assert_eq!(shown(&json!(-1.5)), "-1.5");
    }
}

/// Arbitrary documents for property tests of everything that reads JSON.
#[cfg(test)]
pub(crate) mod arbitrary {
    use proptest::prelude::*;
    use serde_json::Value;

    /// A document up to four levels deep, whose keys and texts are often words that mean something.
    pub(crate) fn any_json(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
        let word = prop_oneof![
            3 => prop::sample::select(words).prop_map(str::to_owned),
            1 => ".{0,6}",
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (0_u64..6).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            word.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 48, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(word.clone(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }
}
