//! Pages with gaps: when each is looked at again, and how many planes in them may be looked at.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashSet},
    time::{Duration, Instant},
};

use super::place::PageKey;

/// Pause before a page with gaps is looked at again, doubled each time.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause.
const LAST_PAUSE: Duration = Duration::from_secs(5);
/// Planes that are looked at per second while planes come, and while nothing does.
const RATES: (f64, f64) = (4000.0, 400.0);

/// A page with gaps: when it is looked at again, and the pause before.
type Gap = Reverse<(Instant, PageKey, Duration)>;

/// Pages with gaps, each once.
pub(super) struct Gaps {
    due: BinaryHeap<Gap>,
    known: HashSet<PageKey>,
    /// Planes that may be looked at now.
    credit: f64,
    credited: Instant,
}

impl Default for Gaps {
    fn default() -> Self {
        Self {
            due: BinaryHeap::new(),
            known: HashSet::new(),
            credit: 0.0,
            credited: Instant::now(),
        }
    }
}

impl Gaps {
    /// Takes what the rate allows since the last time.
    pub(super) fn earn(&mut self, is_idle: bool, now: Instant) {
        let rate = if is_idle { RATES.1 } else { RATES.0 };
        let earned = rate * now.duration_since(self.credited).as_secs_f64();
        self.credited = now;
        self.credit = (self.credit + earned).min(rate);
    }

    /// True where planes may be looked at.
    pub(super) fn has_credit(&self) -> bool {
        self.credit > 0.0
    }

    /// Planes were looked at.
    pub(super) fn spend(&mut self, num_looks: u32) {
        self.credit -= f64::from(num_looks);
    }

    /// The page that is due first, and the pause before it is looked at once more.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(PageKey, Duration)> {
        let Reverse((due, ..)) = self.due.peek()?;
        if *due > now {
            return None;
        }
        let Reverse((_, key, pause)) = self.due.pop()?;
        self.known.remove(&key);
        Some((key, (pause * 2).min(LAST_PAUSE)))
    }

    /// A page is looked at again after a pause; one that is waited for already is left where it is.
    pub(super) fn put(&mut self, key: PageKey, pause: Duration) {
        if self.known.insert(key) {
            self.due.push(Reverse((Instant::now() + pause, key, pause)));
        }
    }

    /// Nothing is waited for any longer.
    pub(super) fn clear(&mut self) {
        self.due.clear();
        self.known.clear();
    }
}
