//! What the window says of a running acquisition, and of those it could show instead: plain facts, and their words.

use std::{path::PathBuf, time::Duration};

use super::{Action, Facts};
use crate::dataset::Dataset;

/// What is known of the acquisition that is shown, while it runs and after it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveFacts {
    /// Whether it runs.
    pub state: LiveState,
    /// Planes that are acquired as far as anybody knows.
    pub acquired: u64,
    /// Planes that will have been acquired at the end, where that is known.
    pub planned: Option<u64>,
    /// Rate of the last planes.
    pub planes_per_sec: Option<f32>,
    /// Time to the end at that rate.
    pub remaining: Option<Duration>,
    /// Planes that cannot be read.
    pub failed: u64,
    /// Planes that are not on disk, and that nobody will write.
    pub missing: u64,
    /// Notices of an earlier acquisition that came too late and were not taken.
    pub num_late: u64,
}

/// Whether an acquisition runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveState {
    /// It does.
    Running,
    /// Nothing calls it finished, and nothing new comes.
    Quiet,
    /// Its heartbeat stopped.
    Lost,
    /// It does not any more.
    Ended {
        /// Local time of day, `14:02`.
        at: String,
        /// "finished", "stopped: user abort" and the like.
        reason: String,
    },
}

/// An acquisition that could be shown in place of what is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Where it is found.
    pub kind: OfferKind,
    /// What people call it.
    pub name: String,
    /// Path or progress in words; may be empty.
    pub detail: String,
}

/// Where an offered acquisition is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfferKind {
    /// The microscope's software says that it runs.
    RunningAcquisition {
        /// Its folder.
        path: PathBuf,
    },
    /// Another client announces its planes.
    OtherClient {
        /// Which of them; [`ShowOther`](super::Action::ShowOther) names it.
        number: u64,
    },
}

impl Facts {
    /// True while the acquisition that is shown runs: there is something to follow.
    pub(super) fn is_live(&self) -> bool {
        self.live
            .as_ref()
            .is_some_and(|live| live.state == LiveState::Running)
    }

    /// True where not all of a dataset is taken to be there: it runs, or it ended before its plan.
    pub(super) fn is_unfinished(&self, dataset: &Dataset) -> bool {
        let is_cut_short = |live: &LiveFacts| match live.state {
            LiveState::Running | LiveState::Quiet | LiveState::Lost => true,
            LiveState::Ended { .. } => live.planned.is_some_and(|all| live.acquired < all),
        };
        self.live.as_ref().is_some_and(is_cut_short) || !dataset.is_finished()
    }
}

impl LiveFacts {
    /// What the pill says, the longest text first: a narrow window takes a shorter one.
    pub(super) fn pill_texts(&self) -> Vec<String> {
        match &self.state {
            LiveState::Running => self.running_texts(),
            LiveState::Quiet => vec!["unfinished".into()],
            LiveState::Lost => vec!["no heartbeat".into()],
            LiveState::Ended { at, reason } => match reason.split_once(':') {
                // A cause says more than the time of day, which stands in the tooltip.
                Some((what, _)) => vec![reason.clone(), what.into()],
                None => vec![format!("{reason} {at}").trim_end().into(), reason.clone()],
            },
        }
    }

    fn running_texts(&self) -> Vec<String> {
        let progress = match self.percent() {
            Some(percent) => format!("live {percent}\u{2009}%"),
            None => format!("live {} planes", grouped(self.acquired)),
        };
        let rate = self.planes_per_sec.map(rate);
        let left = self.remaining.map(|time| format!("{} left", clock(time)));
        let joined = |parts: &[Option<&String>]| {
            let parts: Vec<&str> = parts.iter().flatten().map(|part| part.as_str()).collect();
            parts.join(" · ")
        };
        let mut texts = vec![
            joined(&[Some(&progress), rate.as_ref(), left.as_ref()]),
            joined(&[Some(&progress), left.as_ref().or(rate.as_ref())]),
            progress,
            "live".into(),
        ];
        texts.dedup();
        texts
    }

    /// All of it in one sentence, for the tooltip.
    pub(super) fn summary(&self) -> String {
        let state = match &self.state {
            LiveState::Running => "Running".to_owned(),
            LiveState::Quiet => {
                "Not finished, and nothing new comes; planes are still looked for".into()
            }
            LiveState::Lost => {
                "The microscope's software gives no sign of life; planes are still looked for"
                    .into()
            }
            LiveState::Ended { at, reason } => format!("{reason} {at}").trim_end().into(),
        };
        format!("{state}\n{} planes", self.progress())
    }

    /// `1240 of 3360`, or what is acquired where the plan is not known.
    pub(super) fn progress(&self) -> String {
        let acquired = grouped(self.acquired);
        self.planned.map_or_else(
            || acquired.clone(),
            |planned| format!("{acquired} of {}", grouped(planned)),
        )
    }

    /// Acquired part of the plan, rounded down: 100 is all of it.
    fn percent(&self) -> Option<u64> {
        let planned = self.planned.filter(|&planned| planned > 0)?;
        let percent = u128::from(self.acquired) * 100 / u128::from(planned);
        u64::try_from(percent.min(100)).ok()
    }
}

impl Offer {
    /// The line that offers it.
    pub(super) fn words(&self) -> String {
        match self.kind {
            OfferKind::RunningAcquisition { .. } => format!("Acquisition running: {}", self.name),
            OfferKind::OtherClient { .. } => format!("Another acquisition: {}", self.name),
        }
    }

    /// What its button says and does.
    pub(super) fn action(&self) -> (&'static str, Action) {
        match &self.kind {
            OfferKind::RunningAcquisition { path } => ("Open", Action::OpenRunning(path.clone())),
            OfferKind::OtherClient { number } => ("Show", Action::ShowOther(*number)),
        }
    }
}

/// `12 planes/s`; slow ones by the minute.
pub(super) fn rate(planes_per_sec: f32) -> String {
    if planes_per_sec >= 10.0 {
        format!("{planes_per_sec:.0} planes/s")
    } else if planes_per_sec >= 0.5 {
        format!("{planes_per_sec:.1} planes/s")
    } else {
        format!("{:.1} planes/min", planes_per_sec * 60.0)
    }
}

/// `00:41`, `1:02:41`.
pub(super) fn clock(time: Duration) -> String {
    let secs = time.as_secs();
    let (hours, minutes, secs) = (secs / 3600, secs / 60 % 60, secs % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{secs:02}")
    } else {
        format!("{minutes:02}:{secs:02}")
    }
}

/// Thousands apart: `1 204 288`.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(state: LiveState) -> LiveFacts {
        LiveFacts {
            state,
            acquired: 1243,
            planned: Some(3360),
            planes_per_sec: Some(12.2),
            remaining: Some(Duration::from_secs(41)),
            failed: 0,
            missing: 0,
            num_late: 0,
        }
    }

    fn ended(at: &str, reason: &str) -> LiveState {
        LiveState::Ended {
            at: at.into(),
            reason: reason.into(),
        }
    }

    #[test]
    fn a_running_acquisition_says_less_where_there_is_less_room() {
        let running = facts(LiveState::Running);
        let expected = [
            "live 36\u{2009}% · 12 planes/s · 00:41 left",
            "live 36\u{2009}% · 00:41 left",
            "live 36\u{2009}%",
            "live",
        ];
        assert_eq!(running.pill_texts(), expected);
        let unknown = LiveFacts {
            planned: None,
            planes_per_sec: None,
            remaining: None,
            ..running
        };
        let expected = ["live 1\u{2009}243 planes", "live"];
        assert_eq!(unknown.pill_texts(), expected);
    }

    #[test]
    fn an_end_is_told_with_its_time_or_its_cause() {
        for (state, longest) in [
            (ended("14:02", "finished"), "finished 14:02"),
            (ended("14:02", "stopped: user abort"), "stopped: user abort"),
            (ended("", "finished"), "finished"),
            (LiveState::Lost, "no heartbeat"),
        ] {
            assert_eq!(facts(state).pill_texts()[0], longest);
        }
    }

    #[test]
    fn a_plan_that_was_surpassed_is_all_of_it() {
        let percent = |acquired, planned| {
            LiveFacts {
                acquired,
                planned: Some(planned),
                ..facts(LiveState::Running)
            }
            .percent()
        };
        assert_eq!(percent(0, 0), None);
        assert_eq!(percent(999, 1000), Some(99));
        assert_eq!(percent(u64::MAX, 1), Some(100));
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        for (per_sec, text) in [
            (12.4, "12 planes/s"),
            (3.26, "3.3 planes/s"),
            (0.05, "3.0 planes/min"),
        ] {
            assert_eq!(rate(per_sec), text);
        }
        for (secs, text) in [(0, "00:00"), (41, "00:41"), (3761, "1:02:41")] {
            assert_eq!(clock(Duration::from_secs(secs)), text);
        }
        for (count, text) in [
            (7, "7"),
            (999, "999"),
            (1_204_288, "1\u{2009}204\u{2009}288"),
        ] {
            assert_eq!(grouped(count), text);
        }
    }
}
