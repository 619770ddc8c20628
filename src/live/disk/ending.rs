//! How an acquisition ends: by its mark, or because all of its stores are complete.
//!
//! Squid saves in another process than the one that leaves the mark, so stores may be marked as complete a moment later;
//! they are looked at again for a while. Where the mark got lost, a finished acquisition is known by its stores alone: they
//! are looked at before anything else, the last one first, because one that is not complete answers the question.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{news::Outbox, survey::Survey};
use crate::{
    formats::{self, EndMark, Surroundings},
    model::FovId,
};

/// The end is told no later than this after its mark was seen, however much there is to be looked at.
const TOLD_WITHIN: Duration = Duration::from_secs(2);
/// Between two looks at all stores while some are not complete.
const SWEEP_PERIOD: Duration = Duration::from_secs(5);
/// Looks at stores that are not complete, after the end was told.
const LATE_SWEEPS: u32 = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It may have been over before it was opened: stores are looked at up to one that is not complete.
    Opened,
    Running,
    /// The mark was seen: all stores are looked at, then all pages.
    Ending {
        since: Instant,
    },
    /// The end was told.
    Ended {
        num_sweeps: u32,
    },
}

/// Finds out whether the acquisition is over.
pub(super) struct Ending {
    phase: Phase,
    sweep: VecDeque<FovId>,
    is_sweeping: bool,
    next_sweep: Instant,
    num_changed: usize,
    aborted: bool,
    has_looked_for_mark: bool,
    /// The mark that lay in the folder when it was looked for first.
    first_mark: Option<EndMark>,
    /// The mark that lay there when stores were begun anew.
    old_mark: Option<EndMark>,
}

impl Ending {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Opened,
            sweep: VecDeque::new(),
            is_sweeping: false,
            next_sweep: Instant::now(),
            num_changed: 0,
            aborted: false,
            has_looked_for_mark: false,
            first_mark: None,
            old_mark: None,
        }
    }

    /// Of an acquisition that was stopped before it was opened: there is no end to be told.
    pub(super) fn of_stopped() -> Self {
        Self {
            phase: Phase::Ended {
                num_sweeps: LATE_SWEEPS,
            },
            ..Self::new()
        }
    }

    /// Stores are written anew: what ended before was an earlier run.
    pub(super) fn begin_anew(&mut self, surroundings: &Surroundings) {
        self.old_mark = surroundings.end_mark();
        self.phase = Phase::Running;
        self.is_sweeping = false;
        self.aborted = false;
        self.next_sweep = Instant::now() + SWEEP_PERIOD;
    }

    /// Looks for the mark, and for a reason to look at all stores. Once a second.
    pub(super) fn look(&mut self, surroundings: &Surroundings, survey: &Survey) {
        let now = Instant::now();
        let is_marked = self.is_marked(surroundings, survey);
        match self.phase {
            Phase::Opened | Phase::Running if is_marked => {
                self.phase = Phase::Ending { since: now };
                // Stores say by themselves that they were aborted, image files do not.
                self.aborted |= survey.stores.is_of_files() && surroundings.was_cut_short();
                self.begin_sweep(survey);
            }
            Phase::Opened if !self.is_sweeping => {
                if may_have_been_over(survey) {
                    self.begin_sweep(survey);
                    self.sweep.make_contiguous().reverse();
                } else {
                    self.phase = Phase::Running;
                }
            }
            Phase::Running if !self.is_sweeping && now >= self.next_sweep => {
                let frontier = survey.frontier();
                let is_complete = frontier.is_some_and(|(fov, _)| survey.stores.is_complete(fov));
                if is_complete || survey.is_at_end() {
                    self.begin_sweep(survey);
                }
            }
            Phase::Ended { num_sweeps }
                if num_sweeps < LATE_SWEEPS && !self.is_sweeping && now >= self.next_sweep =>
            {
                self.phase = Phase::Ended {
                    num_sweeps: num_sweeps + 1,
                };
                self.begin_sweep(survey);
            }
            _ => {}
        }
    }

    /// True where the mark is there and of this run. Of an announced run one that was there before it is of an earlier run,
    /// until it is another one than it was: the clock of a server may be behind ours.
    fn is_marked(&mut self, surroundings: &Surroundings, survey: &Survey) -> bool {
        if surroundings.acquisition.is_none() {
            return false;
        }
        let mark = surroundings.end_mark();
        if !std::mem::replace(&mut self.has_looked_for_mark, true) {
            self.first_mark = mark;
        }
        let ends_after = survey.stores.dataset().ends_after();
        let is_old = mark == self.old_mark;
        mark.is_some_and(|it| !is_old && (it.is_after(ends_after) || mark != self.first_mark))
    }

    fn begin_sweep(&mut self, survey: &Survey) {
        let dataset = survey.stores.dataset();
        let fovs = dataset.order.iter().copied();
        self.sweep = fovs
            .filter(|&fov| !survey.stores.is_complete(fov))
            .collect();
        self.is_sweeping = true;
        self.num_changed = 0;
        self.next_sweep = Instant::now() + SWEEP_PERIOD;
    }

    /// Goes on looking at stores; tells the end when it has come. True where there is more to do at once.
    pub(super) fn go_on(&mut self, survey: &mut Survey, outbox: &Outbox, until: Instant) -> bool {
        while self.is_sweeping && Instant::now() < until {
            let Some(fov) = self.sweep.pop_front() else {
                self.is_sweeping = false;
                self.swept(survey, outbox);
                break;
            };
            // Those of one array were opened together.
            if survey.stores.is_complete(fov) {
                continue;
            }
            self.num_changed += usize::from(survey.stores.check_last(fov, outbox));
            if self.phase == Phase::Opened {
                if !survey.stores.is_complete(fov) {
                    self.is_sweeping = false;
                    self.phase = Phase::Running;
                }
                continue;
            }
            let folder = survey.stores.dataset().fov(fov).map(|row| &row.folder);
            if !survey.stores.is_complete(fov)
                && let Some(folder) = folder
            {
                self.aborted |= formats::is_aborted(folder);
            }
        }
        if let Phase::Ending { since } = self.phase {
            let is_looked_at = !self.is_sweeping && survey.is_gone_through();
            if is_looked_at || since.elapsed() > TOLD_WITHIN {
                self.phase = Phase::Ended { num_sweeps: 0 };
                survey.tell(Duration::ZERO);
                outbox.ended(self.aborted, survey.begun.clone());
            }
        }
        self.is_sweeping
    }

    /// All stores were looked at.
    fn swept(&mut self, survey: &mut Survey, outbox: &Outbox) {
        let dataset = survey.stores.dataset();
        let are_complete = dataset
            .order
            .iter()
            .all(|&fov| dataset.image(fov).is_some() && survey.stores.is_complete(fov));
        match self.phase {
            Phase::Opened if are_complete => {
                self.phase = Phase::Ended {
                    num_sweeps: LATE_SWEEPS,
                };
                outbox.was_over(survey.begun.clone());
            }
            Phase::Opened => self.phase = Phase::Running,
            Phase::Running if are_complete && survey.stores.are_of_this_run() => {
                self.phase = Phase::Ending {
                    since: Instant::now(),
                };
                survey.set_over();
            }
            Phase::Ending { .. } => survey.set_over(),
            Phase::Ended { .. } if self.num_changed > 0 => survey.set_over(),
            Phase::Running | Phase::Ended { .. } => {}
        }
    }
}

/// True where a store that says of itself that it is complete is all that speaks for an end. An announced acquisition
/// begins with its announcement, whatever lies there.
fn may_have_been_over(survey: &Survey) -> bool {
    let dataset = survey.stores.dataset();
    dataset.announcement.is_none() && dataset.template.complete == Some(true)
}
