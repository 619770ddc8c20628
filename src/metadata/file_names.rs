//! Channel names as they stand in names of image files (Squid `control/utils_acquisition.py`).

/// The name with every run of what a file name cannot hold as one underscore
/// (`re.sub(r'[\s/\\:*?"<>|]+', '_', name)`). Several names may become the same.
#[must_use]
pub fn sanitised(name: &str) -> String {
    let mut result = String::with_capacity(name.len());
    let mut is_run = false;
    for letter in name.chars() {
        let is_replaced = is_replaced(letter);
        if is_replaced && !is_run {
            result.push('_');
        } else if !is_replaced {
            result.push(letter);
        }
        is_run = is_replaced;
    }
    result
}

/// True for what no sanitised name holds.
#[must_use]
pub fn is_replaced(letter: char) -> bool {
    letter.is_whitespace() || "/\\:*?\"<>|".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_sanitised_as_squid_does() {
        for (name, expected) in [
            ("Fluorescence 488 nm Ex", "Fluorescence_488_nm_Ex"),
            ("BF / LED: \"full\"", "BF_LED_full_"),
            ("a_ b", "a__b"),
            ("\u{b5}m", "\u{b5}m"),
        ] {
            assert_eq!(sanitised(name), expected);
        }
    }
}
