//! A range of sample values, whose width may be beyond every number.

/// Sample values from one to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// The smaller one.
    pub from: f64,
    /// The larger one.
    pub to: f64,
}

impl Span {
    /// Where a value lies: 0 at `from`, 1 at `to`, and beyond outside of them; 0 where both are equal.
    #[must_use]
    pub fn part_of(self, value: f64) -> f64 {
        let width = self.to - self.from;
        if width == 0.0 {
            return 0.0;
        }
        if width.is_finite() {
            return (value - self.from) / width;
        }
        // The difference of two finite numbers may be beyond all of them; that of their halves is not.
        (value / 2.0 - self.from / 2.0) / (self.to / 2.0 - self.from / 2.0)
    }

    /// The value at a part, as [`Self::part_of`] gives it; finite for every finite part.
    #[must_use]
    pub fn at(self, part: f64) -> f64 {
        let width = self.to - self.from;
        let value = if width.is_finite() {
            self.from + part * width
        } else {
            (self.from / 2.0 + part * (self.to / 2.0 - self.from / 2.0)) * 2.0
        };
        value.clamp(f64::MIN, f64::MAX)
    }

    /// How far apart both are; the largest number where no number is that large.
    #[must_use]
    pub fn width(self) -> f64 {
        (self.to - self.from).min(f64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lies_at_its_part_however_wide_the_span_is() {
        for (from, to) in [
            (0.0, 255.0),
            (-1e308, 1e308),
            (f64::MIN, f64::MAX),
            (0.0, 5e-324),
            (-3.5, 1e-3),
        ] {
            let span = Span { from, to };
            assert_eq!((span.part_of(from), span.part_of(to)), (0.0, 1.0));
            assert_eq!((span.at(0.0), span.part_of(span.at(1.0))), (from, 1.0));
            assert!(span.at(1e9).is_finite() && span.width() > 0.0);
        }
        let whole = Span {
            from: f64::MIN,
            to: f64::MAX,
        };
        assert_eq!((whole.part_of(0.0), whole.at(0.5)), (0.5, 0.0));
        let empty = Span { from: 7.0, to: 7.0 };
        assert_eq!((empty.part_of(9.0), empty.at(0.5)), (0.0, 7.0));
    }
}
