//! What the window says of a running acquisition, and of those it could show instead: plain facts, and their words.

use std::{path::PathBuf, time::Duration};

use super::Facts;

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
}
