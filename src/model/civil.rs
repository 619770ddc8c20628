//! The calendar: days and dates, moments as text. UTC, because the machine's zone is not known without another crate.
//!
//! Dates after Howard Hinnant, "chrono-compatible low-level date algorithms": years begin on 1 March, so that a leap day
//! is the last of its year.

const SECONDS_PER_DAY: i64 = 86_400;
/// Seconds since 1970 at which the year 10000 begins.
const YEAR_10000_SECS: f64 = 253_402_300_800.0;
/// Days from 1 March of year 0 to 1970.
const DAYS_TO_1970: u64 = 719_468;
const DAYS_PER_ERA: u64 = 146_097;

/// A moment of the calendar in UTC, from 1970 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CivilTime {
    /// Year, 1970 and later.
    pub year: u64,
    /// 1 to 12.
    pub month: u64,
    /// 1 to 31.
    pub day: u64,
    /// 0 to 23.
    pub hour: u64,
    /// 0 to 59.
    pub minute: u64,
    /// 0 to 59.
    pub second: u64,
    /// 0 to 999,999.
    pub micros: u64,
}

impl CivilTime {
    /// The moment so many microseconds after the beginning of 1970.
    #[must_use]
    pub fn of_unix_micros(micros: u64) -> Self {
        let secs = micros / 1_000_000;
        let (year, month, day) = date_of(secs / SECONDS_PER_DAY as u64);
        Self {
            year,
            month,
            day,
            hour: secs / 3600 % 24,
            minute: secs / 60 % 60,
            second: secs % 60,
            micros: micros % 1_000_000,
        }
    }

    /// The moment so many seconds after the beginning of 1970; `None` before it and after the year 9999.
    #[must_use]
    pub fn of_unix_secs(secs: f64) -> Option<Self> {
        let is_in_range = (0.0..YEAR_10000_SECS).contains(&secs);
        is_in_range.then(|| Self::of_unix_micros((secs * 1e6) as u64))
    }

    /// `2026-07-29`.
    #[must_use]
    pub fn date(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// `2026-01-15T09:30:00Z` (ISO 8601), whole seconds.
    #[must_use]
    pub fn iso(&self) -> String {
        let (hour, minute, second) = (self.hour, self.minute, self.second);
        format!("{}T{hour:02}:{minute:02}:{second:02}Z", self.date())
    }
}

/// A moment that a foreign file states.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timestamp {
    /// Seconds since 1970; where the zone is not known, as if it were UTC.
    pub unix_secs: f64,
    /// False where a text names no zone: it is off by the writer's, hours maybe.
    pub has_zone: bool,
}

impl Timestamp {
    /// A number of seconds since 1970.
    #[must_use]
    pub fn of_unix_secs(unix_secs: f64) -> Self {
        Self {
            unix_secs,
            has_zone: true,
        }
    }

    /// A date and time of day: ISO 8601 with `T` or a space between, and Squid's `%Y-%m-%d_%H-%M-%S.%f`.
    ///
    /// The fraction may be missing, and so may the zone (`Z`, `+02:00`, `+0200`, `+02`).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (date, time) = (text.get(..10)?, text.get(11..)?);
        let between = text.get(10..11)?;
        if !["T", "t", " ", "_"].contains(&between) {
            return None;
        }
        let days = days_of(numbers(date, &['-'])?)?;
        let (clock, rest) = (time.get(..8)?, time.get(8..)?);
        let [hour, minute, second] = numbers(clock, &[':', '-'])?;
        // A leap second is the first of the next minute.
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let (fraction, zone) = fraction_of(rest)?;
        let zone_secs = zone_of(zone)?;
        let of_day = (hour * 3600 + minute * 60 + second) as i64;
        let secs = days * SECONDS_PER_DAY + of_day - zone_secs.unwrap_or(0);
        Some(Self {
            unix_secs: secs as f64 + fraction,
            has_zone: zone_secs.is_some(),
        })
    }
}

/// Year, month and day of a day since 1970.
fn date_of(days: u64) -> (u64, u64, u64) {
    let shifted = days + DAYS_TO_1970;
    let (era, of_era) = (shifted / DAYS_PER_ERA, shifted % DAYS_PER_ERA);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

/// Days since 1970 of a year, month and day; `None` where there is no such date.
fn days_of([year, month, day]: [u64; 3]) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || !(1970..=9999).contains(&year) {
        return None;
    }
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted_year / 400, shifted_year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * DAYS_PER_ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    // 1970 begins two months into its shifted year, so no date from then on lies before.
    let days = days.checked_sub(DAYS_TO_1970)?;
    // 30 February would be a day of March.
    (date_of(days) == (year, month, day)).then_some(days as i64)
}

/// Three numbers of digits between separators.
fn numbers(text: &str, separators: &[char]) -> Option<[u64; 3]> {
    let mut parts = text.split(separators);
    let mut next = || {
        let part = parts.next()?;
        let is_digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        is_digits.then(|| part.parse().ok())?
    };
    let found = [next()?, next()?, next()?];
    parts.next().is_none().then_some(found)
}

/// The fraction of a second (0 where there is none), and what follows it.
fn fraction_of(text: &str) -> Option<(f64, &str)> {
    let Some(digits) = text.strip_prefix(['.', ',']) else {
        return Some((0.0, text));
    };
    let len = digits.bytes().take_while(u8::is_ascii_digit).count();
    let fraction = format!("0.{}", &digits[..len]).parse().ok()?;
    Some((fraction, &digits[len..]))
}

/// Seconds that a zone is ahead of UTC; the inner `None`: none is named. The outer one: it is not a zone.
#[expect(
    clippy::option_option,
    reason = "absent and wrong are different answers"
)]
fn zone_of(text: &str) -> Option<Option<i64>> {
    let text = text.trim_start();
    if text.is_empty() {
        return Some(None);
    }
    if text.eq_ignore_ascii_case("z") {
        return Some(Some(0));
    }
    let sign = match text.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = text[1..].replace(':', "");
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = match digits.len() {
        2 => (digits.as_str(), "0"),
        4 => digits.split_at(2),
        _ => return None,
    };
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(Some(sign * (hours * 3600 + minutes * 60)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_are_civil() {
        let check = |secs: f64, expected: &str| {
            assert_eq!(CivilTime::of_unix_secs(secs).unwrap().iso(), expected);
        };
        check(0.0, "1970-01-01T00:00:00Z");
        check(951_782_400.0, "2000-02-29T00:00:00Z");
        check(1_735_689_599.9, "2024-12-31T23:59:59Z");
        check(1_785_283_200.0, "2026-07-29T00:00:00Z");
        check(4_107_542_399.0, "2100-02-28T23:59:59Z");
        for secs in [-1.0, f64::NAN, 1e300] {
            assert_eq!(CivilTime::of_unix_secs(secs), None);
        }
    }

    #[test]
    fn timestamps_are_read_with_and_without_zone() {
        let check = |text: &str, expected: Option<(f64, bool)>| {
            let found = Timestamp::parse(text).map(|found| (found.unix_secs, found.has_zone));
            assert_eq!(found, expected, "{text}");
        };
        check("1970-01-01T00:00:00Z", Some((0.0, true)));
        check("2026-01-15T09:30:00", Some((1_768_469_400.0, false)));
        check("2026-01-15 09:30:00.25", Some((1_768_469_400.25, false)));
        check("2026-01-15_09-30-00.500000", Some((1_768_469_400.5, false)));
        check("2026-01-15T11:30:00+02:00", Some((1_768_469_400.0, true)));
        check("2026-01-15T11:30:00.0+0200", Some((1_768_469_400.0, true)));
        check("2026-01-15T01:30:00-08", Some((1_768_469_400.0, true)));
        check("2000-02-29T00:00:00Z", Some((951_782_400.0, true)));
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2026-01-15",
            "2026-02-29T00:00:00",
            "2026-13-01T00:00:00",
            "2026-01-15T24:00:00",
            "2026-01-15T09:30",
            "2026-01-15T09:30:00+2",
            "2026-01-15T09:30:00 CET",
            "2026-01-15x09:30:00",
            "µµµµµµµµµµµµµµµµµµµµµµ",
            "+026-01-15T09:30:00",
            "1969-12-31T23:59:59Z",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn written_and_read_moments_are_the_same(secs in 0_u64..253_402_300_800) {
            let text = CivilTime::of_unix_micros(secs * 1_000_000).iso();
            prop_assert_eq!(Timestamp::parse(&text), Some(Timestamp::of_unix_secs(secs as f64)));
        }

        #[test]
        fn arbitrary_text_never_panics(text in "([0-9]{4}-[0-9]{2}-[0-9]{2}[T _])?[-0-9:.+Zµ ]{0,24}") {
            prop_assert!(Timestamp::parse(&text).is_none_or(|found| found.unix_secs.is_finite()));
        }
    }
}
