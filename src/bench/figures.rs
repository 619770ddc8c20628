//! Single times: their median, and what is above nearly all of them.

use std::time::Duration;

/// Times, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures(Vec<Duration>);

impl Figures {
    /// Of times in any order.
    #[must_use]
    pub fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True where there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Milliseconds that this part of the times is not above: 0.5 is the median, 1 the longest; 0 where there are none.
    #[must_use]
    pub fn percentile_ms(&self, part: f64) -> f64 {
        let rank = (self.0.len() as f64 * part).ceil() as usize;
        let time = self.0.get(rank.saturating_sub(1)).copied();
        time.unwrap_or_default().as_secs_f64() * 1e3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let figures = Figures::new([5, 1, 4, 2, 3].map(Duration::from_millis).to_vec());
        for (part, expected) in [(0.5, 3.0), (0.95, 5.0), (1.0, 5.0), (0.2, 1.0), (0.0, 1.0)] {
            assert_eq!(figures.percentile_ms(part), expected, "{part}");
        }
        assert_eq!(Figures::default().percentile_ms(0.5), 0.0);
    }
}
