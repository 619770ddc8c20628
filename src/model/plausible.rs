//! Steps that a microscope can make: what is beyond them is a mistake in the files, and is left aside.

use std::ops::RangeInclusive;

use super::readable;

/// Sizes of pixels, and distances of slices, in µm: 1 pm to 1 m.
const LENGTH_UM: RangeInclusive<f64> = 1e-6..=1e6;
/// Seconds between timepoints: a nanosecond to 30 years.
const TIME_SECS: RangeInclusive<f64> = 1e-9..=1e9;

/// A kind of step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Size of a pixel or distance of slices, in µm.
    Length,
    /// Time between timepoints, in s.
    Time,
}

impl Step {
    /// True for a step that can be; never for NaN.
    #[must_use]
    pub fn can_be(self, value: f64) -> bool {
        self.range().contains(&value)
    }

    /// What is expected, in words: `a number from 1e-6 to 1000000 µm`.
    #[must_use]
    pub fn expected(self) -> String {
        let range = self.range();
        let (least, most) = (readable(*range.start()), readable(*range.end()));
        let unit = match self {
            Self::Length => "µm",
            Self::Time => "s",
        };
        format!("a number from {least} to {most} {unit}")
    }

    fn range(self) -> RangeInclusive<f64> {
        match self {
            Self::Length => LENGTH_UM,
            Self::Time => TIME_SECS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_microscopes_can_be_and_others_not() {
        for size in [1e-6, 0.0002, 0.325, 300.0, 1e6] {
            assert!(Step::Length.can_be(size), "{size}");
        }
        for size in [0.0, -1.0, 5e-324, 1e308, f64::NAN, f64::INFINITY] {
            assert!(!Step::Length.can_be(size), "{size}");
            assert!(!Step::Time.can_be(size), "{size}");
        }
        assert_eq!(Step::Time.expected(), "a number from 1e-9 to 1000000000 s");
    }
}
