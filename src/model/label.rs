//! Label images: what number a pixel is drawn by, and its colour.
//!
//! `canvas/label.wgsl` computes the same from the same numbers; a test compares both.

use super::{Samples, Value};

/// Colours that the files give to some labels; the others are coloured by their number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelColors(Vec<(u32, [u8; 4])>);

impl LabelColors {
    /// From (key, RGBA); of a key that occurs twice the first counts.
    #[must_use]
    pub fn new(mut colors: Vec<(u32, [u8; 4])>) -> Self {
        colors.sort_by_key(|(key, _)| *key);
        colors.dedup_by_key(|(key, _)| *key);
        Self(colors)
    }

    /// The colour of a key, where the files give one.
    #[must_use]
    pub fn get(&self, key: u32) -> Option<[u8; 4]> {
        let at = self.0.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        self.0.get(at).map(|(_, rgba)| *rgba)
    }

    /// (key, RGBA), keys ascending.
    #[must_use]
    pub fn entries(&self) -> &[(u32, [u8; 4])] {
        &self.0
    }
}

/// The number that a label is drawn by: 32 bits of it as they are, more of them folded; 0 is the background alone.
#[must_use]
pub fn label_key(label: i128) -> u32 {
    if let Ok(small) = u32::try_from(label) {
        return small;
    }
    if let Ok(small) = i32::try_from(label) {
        return small.cast_unsigned();
    }
    let bits = label as u64;
    ((bits ^ (bits >> 32)) as u32).max(1)
}

/// Samples that fit no texture of 32-bit integers, as their keys; `None` where they do fit.
#[must_use]
pub fn folded_labels(samples: &Samples) -> Option<Vec<u32>> {
    match samples {
        Samples::U64(v) => Some(v.iter().map(|&label| label_key(label.into())).collect()),
        Samples::I64(v) => Some(v.iter().map(|&label| label_key(label.into())).collect()),
        _ => None,
    }
}

/// The key of a sample; floating point numbers are no labels.
#[must_use]
pub fn key_of_value(value: Value) -> Option<u32> {
    match value {
        Value::Unsigned(label) => Some(label_key(label.into())),
        Value::Signed(label) => Some(label_key(label.into())),
        Value::Float(_) => None,
    }
}

/// Colour of a key by its number alone, 0 to 1: neighbouring numbers are far apart in hue.
#[must_use]
pub fn hashed_color(key: u32) -> [f32; 3] {
    // 2^32 over the golden ratio: multiples of it spread evenly.
    let hash = key.wrapping_mul(2_654_435_769);
    let hue = (hash >> 16) as f32 * (6.0 / 65_536.0);
    let saturation = 0.55 + ((hash >> 8) & 0xFF) as f32 * (0.45 / 255.0);
    [5.0, 3.0, 1.0].map(|offset: f32| {
        let at = (offset + hue) % 6.0;
        let part = at.min(4.0 - at).clamp(0.0, 1.0);
        1.0 - saturation * part
    })
}

/// How a label image is drawn over the image.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelLook {
    /// 0 to 1.
    pub opacity: f32,
    /// Only the edge of each label is drawn.
    pub is_outline: bool,
    /// What the files say of colours.
    pub colors: std::sync::Arc<LabelColors>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_small_labels_and_never_make_background_of_a_label() {
        for (label, key) in [
            (0, 0),
            (7, 7),
            (i128::from(u32::MAX), u32::MAX),
            (-1, u32::MAX),
            (1 << 32, 1),
            (0x0000_0005_0000_0005, 1),
        ] {
            assert_eq!(label_key(label), key, "{label}");
        }
        let folded = folded_labels(&Samples::I64(vec![0, -1, 3]));
        assert_eq!(folded, Some(vec![0, u32::MAX, 3]));
        assert_eq!(folded_labels(&Samples::U16(vec![1])), None);
    }

    #[test]
    fn colours_of_the_files_are_found_and_the_first_of_two_counts() {
        let colors = LabelColors::new(vec![(9, [1; 4]), (2, [2; 4]), (9, [3; 4])]);
        assert_eq!(colors.get(2), Some([2; 4]));
        assert_eq!(colors.get(9), Some([1; 4]));
        assert_eq!(colors.get(3), None);
    }

    #[test]
    fn neighbouring_labels_differ_in_colour() {
        for key in 1..1000 {
            let (a, b) = (hashed_color(key), hashed_color(key + 1));
            let distance: f32 = a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum();
            assert!(distance > 0.2, "{key}: {a:?}, {b:?}");
            assert!(a.iter().all(|part| (0.0..=1.0).contains(part)));
        }
    }
}
