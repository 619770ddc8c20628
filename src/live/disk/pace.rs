//! When to look next: often while planes come, rarely while nothing does, at once after a hint.

use std::time::{Duration, Instant};

/// Between two looks while planes come: what latency is on a network share.
const BUSY_PERIOD: Duration = Duration::from_millis(100);
/// Between two looks while nothing has come for long.
const IDLE_PERIOD: Duration = Duration::from_secs(1);
/// Looking gets rarer after so long without anything new.
const BUSY_FOR: Duration = Duration::from_secs(10);
/// How much rarer each time.
const SLOWER: f64 = 1.25;
/// Hints are not followed more often than this.
const HINT_PERIOD: Duration = Duration::from_millis(2);
/// A hint is often a folder that was created for a file: looks follow after 1, 2, 4, … ms.
const BURST_LOOKS: u32 = 7;

/// When to look.
#[derive(Debug)]
pub(super) struct Pace {
    next: Instant,
    last_look: Instant,
    last_news: Instant,
    period: Duration,
    /// Looks since a hint.
    burst: Option<u32>,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            next: now,
            last_look: now,
            last_news: now,
            period: BUSY_PERIOD,
            burst: None,
        }
    }

    /// When the next look is due.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// True while a hint is followed: only what is expected next is worth a look.
    pub(super) fn is_burst(&self) -> bool {
        self.burst.is_some()
    }

    /// True where nothing has come for long.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        now.duration_since(self.last_news) > BUSY_FOR
    }

    /// Something happened in a folder.
    pub(super) fn hint(&mut self, now: Instant) {
        self.period = BUSY_PERIOD;
        self.last_news = now;
        self.burst = Some(0);
        self.next = self.next.min(now.max(self.last_look + HINT_PERIOD));
    }

    /// More may be there already: look again as soon as hints would be followed.
    pub(super) fn follow(&mut self, now: Instant) {
        self.next = now + HINT_PERIOD;
    }

    /// Look now, and a few times soon after: what is asked for, or appears in a folder that was just created, may take
    /// a moment.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.next = now;
        self.burst = Some(0);
    }

    /// A look is over; something was found or not.
    pub(super) fn looked(&mut self, now: Instant, has_found: bool) {
        self.last_look = now;
        if has_found {
            self.last_news = now;
            self.period = BUSY_PERIOD;
            self.burst = None;
        } else if let Some(looks) = self.burst {
            self.burst = (looks + 1 < BURST_LOOKS).then_some(looks + 1);
            self.next = now + Duration::from_millis(1 << looks);
            return;
        } else if self.is_idle(now) {
            self.period = self.period.mul_f64(SLOWER).min(IDLE_PERIOD);
        }
        self.next = now + self.period;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_gets_rarer_while_nothing_comes_and_a_hint_ends_that() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let mut now = start;
        while now < start + 6 * BUSY_FOR {
            pace.looked(now, false);
            now = pace.next();
        }
        assert_eq!(pace.next() - pace.last_look, IDLE_PERIOD);
        pace.hint(now);
        let mut gaps = Vec::new();
        let mut at = pace.next();
        for _ in 0..9 {
            pace.looked(at, false);
            gaps.push((pace.next() - at).as_millis());
            at = pace.next();
        }
        assert_eq!(gaps, [1, 2, 4, 8, 16, 32, 64, 100, 100]);
    }
}
