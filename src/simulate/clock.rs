//! Wall-clock times as Squid's files spell them, in UTC.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::model::CivilTime;

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

impl Moment {
    /// `%Y-%m-%d %H:%M:%S.%f`.
    pub(super) fn spaced(self) -> String {
        self.to_string()
            .replacen('_', " ", 1)
            .replacen('-', "\u{0}", 2)
            .replace('-', ":")
            .replace('\u{0}', "-")
    }

    /// `%Y-%m-%dT%H:%M:%S.%f`.
    pub(super) fn iso(self) -> String {
        self.spaced().replacen(' ', "T", 1)
    }
}

impl fmt::Display for Moment {
    /// `%Y-%m-%d_%H-%M-%S.%f`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = CivilTime::of_unix_micros(self.micros);
        let (date, micros) = (at.date(), at.micros);
        let (hour, minute, second) = (at.hour, at.minute, at.second);
        write!(f, "{date}_{hour:02}-{minute:02}-{second:02}.{micros:06}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_spelled_with_a_space_or_as_iso_8601() {
        let moment = Moment {
            micros: 1_768_469_400_200_000,
        };
        assert_eq!(moment.spaced(), "2026-01-15 09:30:00.200000");
        assert_eq!(moment.iso(), "2026-01-15T09:30:00.200000");
    }

    #[test]
    fn moments_are_spelled_as_in_tables() {
        let check = |micros, expected: &str| assert_eq!(Moment { micros }.to_string(), expected);
        check(0, "1970-01-01_00-00-00.000000");
        check(1_768_469_400_200_000, "2026-01-15_09-30-00.200000");
        check(1_709_251_199_000_001, "2024-02-29_23-59-59.000001");
    }
}
