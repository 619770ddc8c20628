//! Numbers and foreign texts as people read them: short, and without what would steer a terminal.

use std::{borrow::Cow, fmt::Write as _, ops::RangeInclusive};

/// Sizes that are written in plain digits.
const PLAIN: RangeInclusive<f64> = 1e-4..=9_999_999_999.0;
/// The same where every digit is kept.
const EXACT_PLAIN: RangeInclusive<f64> = 1e-7..=1e16;
/// Characters of a number in plain digits, at most.
const PLAIN_CHARS: usize = 10;
/// Decimal places before an exponent.
const EXPONENT_DECIMALS: usize = 3;

/// A number in at most about ten characters: `0.325`, `1234567.89`, `1e308`, `-5.19e37`. What does not fit is rounded.
#[must_use]
pub fn readable(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return value.to_string();
    }
    if !PLAIN.contains(&value.abs()) {
        return in_exponents(value);
    }
    let whole = format!("{:.0}", value.trunc()).len();
    let decimals = PLAIN_CHARS.saturating_sub(whole + 1);
    trimmed(format!("{value:.decimals$}"))
}

/// A length or time with so many decimal places where it is one of usual size; else as [`readable`] has it.
#[must_use]
pub fn readable_to(decimals: usize, value: f64) -> String {
    if value.abs() <= *PLAIN.end() {
        format!("{value:.decimals$}")
    } else {
        readable(value)
    }
}

/// A number with as many digits as tell it apart from others, in exponents where it is very large or small.
#[must_use]
pub fn exact(value: f64) -> String {
    let is_plain = value == 0.0 || !value.is_finite() || EXACT_PLAIN.contains(&value.abs());
    if is_plain {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

fn in_exponents(value: f64) -> String {
    let exact = format!("{value:e}");
    let text = format!("{value:.EXPONENT_DECIMALS$e}");
    if exact.len() <= text.len() {
        return exact;
    }
    match text.split_once('e') {
        Some((digits, exponent)) => format!("{}e{exponent}", trimmed(digits.to_owned())),
        None => text,
    }
}

/// Without zeros at the end of the decimal places.
fn trimmed(mut text: String) -> String {
    if text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    text
}

/// A foreign text for a terminal or a title: control characters, line ends among them, and those that turn the direction
/// of writing around or are not seen are written out (`\u{1b}`).
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, |ch, out| out.extend(ch.escape_unicode()))
}

/// The same inside of the texts of a JSON document on one line, in its own spelling; the document stays what it says.
#[must_use]
pub fn printable_json(document: &str) -> Cow<'_, str> {
    escaped(document, |ch, out| {
        // All of them are in the first plane or in that of tags: one or two units of UTF-16.
        for unit in ch.encode_utf16(&mut [0; 2]) {
            let _infallible = write!(out, "\\u{unit:04x}");
        }
    })
}

fn escaped(text: &str, escape: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for ch in text.chars() {
        if is_hidden(ch) {
            escape(ch, &mut out);
        } else {
            out.push(ch);
        }
    }
    out.into()
}

/// Characters that no one sees, and that change how others are seen (Unicode: Cc, and of Cf those that direct, hide or
/// separate; the joiners of emoji and scripts stay).
fn is_hidden(ch: char) -> bool {
    ch.is_control()
        || matches!(
            ch,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}'
        )
        || matches!(ch, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_takes_about_ten_characters() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (7.0, "7"),
            (-3.5, "-3.5"),
            (0.325, "0.325"),
            (0.1 + 0.2, "0.3"),
            (f64::from(0.1_f32), "0.1"),
            (1_234_567.891, "1234567.89"),
            (-0.000_123_456_789, "-0.0001235"),
            (4_294_967_295.0, "4294967295"),
            (42_949_672_950.0, "4.295e10"),
            (1e308, "1e308"),
            (-5.192_3e37, "-5.192e37"),
            (5e-324, "5e-324"),
            (f64::from(f32::MAX), "3.403e38"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(readable(value), text);
            assert!(readable(value).len() <= 12, "{text}");
        }
        for (value, text) in [
            (0.0, "0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (-1e15, "-1000000000000000"),
            (1e308, "1e308"),
            (-5e-324, "-5e-324"),
            (1.5e-9, "1.5e-9"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(exact(value), text);
        }
        for (value, text) in [(12.0, "12.0"), (-0.25, "-0.2"), (1e308, "1e308")] {
            assert_eq!(readable_to(1, value), text);
        }
    }

    #[test]
    fn what_would_steer_a_terminal_is_written_out() {
        for (text, expected) in [
            ("488 nm — µ 細胞 🔬", "488 nm — µ 細胞 🔬"),
            ("\u{1b}[2J\u{7}", "\\u{1b}[2J\\u{7}"),
            ("a\r\nb\tc\u{9b}", "a\\u{d}\\u{a}b\\u{9}c\\u{9b}"),
            (
                "A\u{202e}1\u{2069}\u{200f}",
                "A\\u{202e}1\\u{2069}\\u{200f}",
            ),
        ] {
            assert_eq!(printable(text), expected);
        }
        let name = "A\u{202e}1 \u{9b}\u{e0041} 🔬\u{1b}";
        let document = serde_json::json!({ "name": name }).to_string();
        let printed = printable_json(&document);
        assert!(!printed.contains(is_hidden), "{printed}");
        let read: serde_json::Value = serde_json::from_str(&printed).expect("JSON");
        assert_eq!(read["name"], name);
    }
}
