//! XML within budgets.
//!
//! `roxmltree` does not recurse and bounds what entities repeat, but two things cost it the square or the cube of what a
//! text has: it compares each attribute of an element with all others, and copies the namespaces in scope for every
//! element that declares one. So a scan over the tags counts both before anything is parsed: 60 KB of nested
//! declarations would keep it busy for a minute.

use std::collections::HashSet;

use roxmltree::{Document, Error, ParsingOptions};

use crate::model::{Code, limits};

/// Parses a document of at most `max_nodes` elements and texts.
///
/// # Errors
/// When it is beyond a budget, or not XML; the words say which.
pub(super) fn parse(text: &str, max_nodes: u32) -> Result<Document<'_>, (Code, String)> {
    let too_large = |message: String| (Code::TooLarge, message);
    if text.len() as u64 > limits::DOCUMENT_BYTES {
        let (found, limit) = (text.len(), limits::DOCUMENT_BYTES);
        let message = format!("XML of {found} bytes where at most {limit} are read");
        return Err(too_large(message));
    }
    check_tags(text).map_err(too_large)?;
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: max_nodes,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(text, options).map_err(|error| match error {
        Error::NodesLimitReached => too_large(format!(
            "XML of more than {max_nodes} elements and texts, which are the most that are read"
        )),
        error => (Code::BadMetadata, format!("no XML ({error})")),
    })
}

/// Counts attributes and prefixes, without judging what is XML otherwise.
fn check_tags(text: &str) -> Result<(), String> {
    let mut num_attributes = 0;
    let mut prefixes = HashSet::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        let end = match rest.as_bytes().get(1) {
            Some(b'!') if rest.starts_with("<!--") => rest.find("-->"),
            Some(b'!') if rest.starts_with("<![CDATA[") => rest.find("]]>"),
            Some(b'?') => rest.find("?>"),
            _ => {
                let tag = Tag::of(rest);
                num_attributes += tag.num_attributes;
                prefixes.extend(tag.prefixes);
                expect(
                    tag.num_attributes,
                    limits::XML_ATTRIBUTES_OF_ONE,
                    "attributes of one element",
                )?;
                expect(num_attributes, limits::XML_ATTRIBUTES, "attributes")?;
                expect(
                    prefixes.len(),
                    limits::XML_PREFIXES,
                    "prefixes of namespaces",
                )?;
                Some(tag.len)
            }
        };
        // What does not end is for the parser to refuse.
        let Some(end) = end.filter(|&end| end > 0) else {
            return Ok(());
        };
        rest = &rest[end..];
    }
    Ok(())
}

fn expect(found: usize, limit: usize, what: &str) -> Result<(), String> {
    if found > limit {
        return Err(format!(
            "XML of {found} {what} where at most {limit} are read"
        ));
    }
    Ok(())
}

/// What counts of a tag.
struct Tag<'a> {
    /// Bytes up to its end, or that of the text.
    len: usize,
    num_attributes: usize,
    /// Of the namespaces that it declares; one without a prefix is "".
    prefixes: Vec<&'a str>,
}

impl<'a> Tag<'a> {
    /// The tag that a text begins with. Values end with the quote that they begin with, so a `>` in one ends nothing.
    fn of(text: &'a str) -> Self {
        let mut tag = Self {
            len: text.len(),
            num_attributes: 0,
            prefixes: Vec::new(),
        };
        let mut at = 1;
        while let Some(found) = text[at..].find(['"', '\'', '>']) {
            let before = &text[at..at + found];
            at += found;
            let quote = text.as_bytes()[at];
            if quote == b'>' {
                tag.len = at;
                return tag;
            }
            tag.num_attributes += 1;
            tag.prefixes.extend(prefix_of(before));
            // More than are read anyway: no tag takes longer than its budget.
            let value = &text[at + 1..];
            let Some(end) = value.find(char::from(quote)) else {
                return tag;
            };
            if tag.num_attributes > limits::XML_ATTRIBUTES_OF_ONE {
                return tag;
            }
            at += end + 2;
        }
        tag
    }
}

/// The prefix that an attribute declares; `before` ends with its name and `=`.
fn prefix_of(before: &str) -> Option<&str> {
    let name = before.trim_end().strip_suffix('=')?.trim_end();
    let name = name.rsplit(|letter: char| letter.is_whitespace()).next()?;
    match name.strip_prefix("xmlns")? {
        "" => Some(""),
        rest => rest.strip_prefix(':'),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fmt::Write as _,
        time::{Duration, Instant},
    };

    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Result<usize, (Code, &str)>) {
        let found = parse(text, limits::XML_NODES);
        match (found, expected) {
            (Ok(document), Ok(num_elements)) => {
                let elements = document.descendants().filter(roxmltree::Node::is_element);
                assert_eq!(elements.count(), num_elements);
            }
            (Err((code, message)), Err((expected, words))) => {
                assert_eq!(code, expected, "{message}");
                assert!(message.contains(words), "{message}");
            }
            (found, expected) => panic!("{:?}, expected {expected:?}", found.map(|_| ())),
        }
    }

    #[test]
    fn attributes_and_namespaces_within_the_budgets_are_read() {
        check(
            "<a b='>' c=\"'\" d=\"<\u{b5}\"/>",
            Err((Code::BadMetadata, "no XML")),
        );
        check("<a b='>' c=\"'\"/>", Ok(1));
        check("<!-- <a x='1'> --><a><![CDATA[<b c='1']]></a>", Ok(1));
        let many: String =
            (0..limits::XML_ATTRIBUTES_OF_ONE).fold(String::new(), |mut text, at| {
                write!(text, " a{at}='{at}'").unwrap();
                text
            });
        check(&format!("<a{many}/>"), Ok(1));
        // Annotations of Bio-Formats declare the same namespace thousands of times.
        let annotations = "<x xmlns='a'><y xmlns=''/></x>".repeat(5000);
        check(
            &format!("<OME xmlns:SA='b'>{annotations}</OME>"),
            Ok(10_001),
        );
    }

    #[test]
    fn what_costs_the_parser_the_square_of_the_text_is_too_large() {
        let began = Instant::now();
        let mut attributes = String::new();
        for at in 0..200_000 {
            write!(attributes, " a{at}=''").unwrap();
        }
        let words = "129 attributes of one element where at most 128 are read";
        check(&format!("<a{attributes}/>"), Err((Code::TooLarge, words)));
        let (mut begins, mut ends) = (String::new(), String::new());
        for at in 0..5000 {
            write!(begins, "<a xmlns:b{at} = 'c{at}'>").unwrap();
            ends.push_str("</a>");
        }
        let words = "33 prefixes of namespaces where at most 32 are read";
        check(&format!("{begins}{ends}"), Err((Code::TooLarge, words)));
        assert!(began.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn depth_and_entities_are_no_trouble() {
        let depth = 200_000;
        let nested = format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        check(&nested, Ok(depth));
        let entities = "<!DOCTYPE a [<!ENTITY b 'bbbb'><!ENTITY c '&b;&b;&b;&b;'>]><a>&c;</a>";
        check(entities, Err((Code::BadMetadata, "no XML")));
        let found = parse("<a><b/><b/></a>", 3).map(|_| ());
        assert!(matches!(found, Err((Code::TooLarge, _))), "{found:?}");
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in r#"([<>"'=/!?-]|\[CDATA\[|\]\]|xmlns|:| |µ|a){0,40}"#) {
            parse(&text, 100).ok();
        }
    }
}
