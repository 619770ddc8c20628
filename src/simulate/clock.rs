//! Wall-clock times as Squid's files spell them. UTC: the machine's zone is not known without another crate.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

/// A moment of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// Microseconds since 1970.
    micros: u64,
}

impl Moment {
    pub(super) fn now() -> Self {
        // A clock before 1970 is no reason to stop.
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            micros: since.as_micros() as u64,
        }
    }

    /// Seconds since 1970.
    pub(super) fn unix_secs(self) -> f64 {
        self.micros as f64 / 1e6
    }
}

impl fmt::Display for Moment {
    /// `%Y-%m-%d_%H-%M-%S.%f`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, micros) = (self.micros / 1_000_000, self.micros % 1_000_000);
        let (year, month, day) = civil(secs / 86_400);
        let (hour, minute, second) = (secs / 3600 % 24, secs / 60 % 60, secs % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}_{hour:02}-{minute:02}-{second:02}.{micros:06}"
        )
    }
}

/// Year, month and day of a day since 1970 (H. Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_spelled_as_in_tables() {
        let check = |micros, expected: &str| assert_eq!(Moment { micros }.to_string(), expected);
        check(0, "1970-01-01_00-00-00.000000");
        check(1_768_469_400_200_000, "2026-01-15_09-30-00.200000");
        check(1_709_251_199_000_001, "2024-02-29_23-59-59.000001");
    }
}
