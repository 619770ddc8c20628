//! YAML side files to JSON values, within budgets.
//!
//! The parser's events are read one by one: its own loader goes as deep as the text says, which a few kilobytes of
//! `- - - -` turn into an overflown stack, and repeats what aliases name as often as they say. Aliases themselves are
//! needed, because Python's writer makes one for every list that occurs twice.

use std::{borrow::Cow, collections::HashMap};

use saphyr::{Scalar, ScalarStyle};
use saphyr_parser::{Event, Parser};
use serde_json::{Map, Value};

use crate::model::limits;

/// A value with what it takes: itself and all values inside.
#[derive(Clone)]
struct Weighed {
    value: Value,
    num_values: usize,
    depth: usize,
}

/// A list or mapping that is being read.
struct Open {
    is_mapping: bool,
    anchor: usize,
    key: Option<String>,
    list: Vec<Value>,
    map: Map<String, Value>,
    num_values: usize,
    depth: usize,
}

/// Lists and mappings that are open, and what aliases name.
#[derive(Default)]
struct Loader {
    open: Vec<Open>,
    anchors: HashMap<usize, Weighed>,
    num_values: usize,
    document: Option<Value>,
}

/// Reads the first document of a text. Of a key that occurs twice, the last value counts.
///
/// # Errors
/// When the text is not YAML, or beyond the budgets of `model::limits`.
pub(super) fn to_json(text: &str) -> Result<Value, String> {
    if text.len() > limits::YAML_BYTES {
        return Err(format!(
            "the document has {} bytes, expected at most {}",
            text.len(),
            limits::YAML_BYTES
        ));
    }
    // A byte order mark is not part of the document.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut loader = Loader::default();
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| format!("not YAML: {error}"))?;
        if event == Event::DocumentEnd {
            break;
        }
        loader.take(event)?;
    }
    Ok(loader.document.unwrap_or(Value::Null))
}

impl Loader {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::SequenceStart(anchor, _) => self.start(false, anchor),
            Event::MappingStart(anchor, _) => self.start(true, anchor),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Scalar(text, style, anchor, _) => {
                let value = scalar(text, style);
                self.put(
                    Weighed {
                        value,
                        num_values: 1,
                        depth: 0,
                    },
                    anchor,
                )
            }
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor);
                // Counted before it is copied.
                let num_values = known.map_or(1, |weighed| weighed.num_values);
                self.count(num_values)?;
                let weighed = self.anchors.get(&anchor).cloned();
                let weighed = weighed.ok_or("an alias names something that is not complete")?;
                self.put(weighed, 0)
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn start(&mut self, is_mapping: bool, anchor: usize) -> Result<(), String> {
        self.open.push(Open {
            is_mapping,
            anchor,
            key: None,
            list: Vec::new(),
            map: Map::new(),
            num_values: 1,
            depth: 0,
        });
        expect_depth(self.open.len())
    }

    fn end(&mut self) -> Result<(), String> {
        let Some(open) = self.open.pop() else {
            return Err("a list or mapping ends that never began".to_owned());
        };
        let value = if open.is_mapping {
            Value::Object(open.map)
        } else {
            Value::Array(open.list)
        };
        let weighed = Weighed {
            value,
            num_values: open.num_values,
            depth: open.depth + 1,
        };
        self.put(weighed, open.anchor)
    }

    /// Puts a complete value where it belongs.
    fn put(&mut self, weighed: Weighed, anchor: usize) -> Result<(), String> {
        self.count(1)?;
        expect_depth(self.open.len() + weighed.depth)?;
        if anchor > 0 {
            self.count(weighed.num_values)?;
            self.anchors.insert(anchor, weighed.clone());
        }
        let Some(parent) = self.open.last_mut() else {
            self.document = Some(weighed.value);
            return Ok(());
        };
        parent.num_values += weighed.num_values;
        parent.depth = parent.depth.max(weighed.depth);
        if !parent.is_mapping {
            parent.list.push(weighed.value);
        } else if let Some(key) = parent.key.take() {
            parent.map.insert(key, weighed.value);
        } else {
            parent.key = Some(key(weighed.value));
        }
        Ok(())
    }

    /// Counts values against the budget.
    fn count(&mut self, num_values: usize) -> Result<(), String> {
        self.num_values = self.num_values.saturating_add(num_values);
        if self.num_values > limits::YAML_VALUES {
            return Err(format!(
                "the document has more than {} values",
                limits::YAML_VALUES
            ));
        }
        Ok(())
    }
}

fn expect_depth(depth: usize) -> Result<(), String> {
    if depth > limits::YAML_DEPTH {
        return Err(format!(
            "the document is nested more than {} deep",
            limits::YAML_DEPTH
        ));
    }
    Ok(())
}

/// Keys are texts here; lists as keys, which nobody writes, become one that nobody asks for.
fn key(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Array(_) | Value::Object(_) => String::new(),
        other => other.to_string(),
    }
}

/// A scalar by the core schema; numbers that JSON cannot hold stay what they were written as.
fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::String(text.into_owned());
    }
    let as_written = || Value::String(text.clone().into_owned());
    match Scalar::parse_from_cow(text.clone()) {
        Scalar::Null => Value::Null,
        Scalar::Boolean(value) => Value::Bool(value),
        Scalar::Integer(value) => Value::from(value),
        Scalar::FloatingPoint(value) => {
            serde_json::Number::from_f64(value.into_inner()).map_or_else(as_written, Value::Number)
        }
        Scalar::String(_) if text.is_empty() => Value::Null,
        Scalar::String(value) => Value::String(value.into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_become_json_values() {
        let check = |text: &str, expected: Value| assert_eq!(to_json(text), Ok(expected), "{text}");
        check(
            "a: 1\nb: [x, 2.5, true, null, ~]\n",
            json!({"a": 1, "b": ["x", 2.5, true, null, null]}),
        );
        check(
            "a:\n- b: '1'\n  c:\n",
            json!({"a": [{"b": "1", "c": null}]}),
        );
        check(
            "x: &one [1, 2]\ny: *one\n",
            json!({"x": [1, 2], "y": [1, 2]}),
        );
        check("a: 1\na: 2\n", json!({"a": 2}));
        check("\u{feff}µ: .nan\n", json!({"µ": ".nan"}));
        check("1: one\n", json!({"1": "one"}));
        check("", Value::Null);
        check("# nothing\n", Value::Null);
        check("a: 1\n---\nb: 2\n", json!({"a": 1}));
    }

    #[test]
    fn what_is_beyond_the_budgets_is_an_error() {
        let check = |text: String, message: &str| {
            let error = to_json(&text).expect_err(message);
            assert!(error.contains(message), "{error}");
        };
        check("- ".repeat(100_000), "nested more than 32 deep");
        check("[".repeat(200), "nested more than 32 deep");
        check(format!("a: {}", "x".repeat(limits::YAML_BYTES)), "bytes");
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for at in 1..20 {
            let names = vec![format!("*a{}", at - 1); 10].join(", ");
            laughs.extend([format!("a{at}: &a{at} [{names}]\n")]);
        }
        check(laughs, "more than 2097152 values");
        let mut chain = "- &a0 [x]\n".to_owned();
        for at in 1..100 {
            chain.extend([format!("- &a{at} [*a{}]\n", at - 1)]);
        }
        check(chain, "nested more than 32 deep");
        check(
            "a: &a [*a]\n".to_owned(),
            "an alias names something that is not complete",
        );
        check("a: [1\nb: }".to_owned(), "not YAML");
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in r"([a-z]{0,3}[:\-?&*!|>\[\]{},#'\x22%@ \t\n~.0-9µ]{1,6}){0,40}") {
            to_json(&text).ok();
        }
    }
}
