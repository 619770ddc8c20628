//! Statistics of a plane's samples: extremes, counts, percentiles. From level-0 samples, never from means.

use super::{ContrastLimits, Pixels};

/// Statistics of the samples of one plane or tile.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Smallest finite sample.
    pub min: f64,
    /// Largest finite sample.
    pub max: f64,
    /// Samples counted (NaN and infinities are left out).
    pub num_samples: u64,
    /// Counts of `bins.len()` equal intervals from `min` to `max`, at most 256.
    pub bins: Vec<u32>,
    /// Default auto limits: 0.1 % to 99.9 % of the samples.
    pub auto: ContrastLimits,
}

impl Histogram {
    /// Counts the samples of `pixels`; `None` where no sample is finite.
    ///
    /// Under 5 ms for 2048 x 2048 u16 (`benches/histogram`). The same pixels give the same statistics in either memory order.
    #[must_use]
    pub fn of(pixels: &Pixels) -> Option<Self> {
        unimplemented!("{pixels:?}")
    }

    /// Limits that leave `low` and `high` percent of the samples (0 to 100) below; exact to one bin of a 16-bit count.
    #[must_use]
    pub fn percentiles(&self, low: f64, high: f64) -> ContrastLimits {
        unimplemented!("{low} {high}")
    }
}
