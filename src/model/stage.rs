//! The stages from disk to screen, each a `tracing` span: what somebody who waits is waiting for.
//!
//! All spans have the target [`STAGE_TARGET`]; nobody else uses it. Where nobody listens a span costs a comparison. Where
//! `app` counts them it costs a fraction of a microsecond (docs/performance.md), so that there is one for a plane or a
//! large chunk, never for a pixel or a small chunk.

use std::time::Duration;

use tracing::{span::EnteredSpan, trace_span};

/// The target of every stage's span.
pub const STAGE_TARGET: &str = "squidview::stage";

/// Work on fewer bytes than this is not told of by itself: decoding them takes microseconds.
const TOLD_BYTES: usize = 64 << 10;

/// A stage. Where one is entered within another on the same thread, only the inner one is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WorkStage {
    /// A path becomes a dataset: folders are listed and documents read.
    List,
    /// The store of a FOV, a label image or an array is opened.
    Open,
    /// Files of samples are opened, and their bytes read.
    Read,
    /// Bytes become samples.
    Decompress,
    /// Samples change their order in memory, mostly to rows.
    Transpose,
    /// Samples become textures.
    Upload,
    /// A frame is laid out and handed to the screen, with the wait for it.
    Draw,
}

impl WorkStage {
    /// All of them, in the order of the way from disk to screen.
    pub const ALL: [Self; 7] = [
        Self::List,
        Self::Open,
        Self::Read,
        Self::Decompress,
        Self::Transpose,
        Self::Upload,
        Self::Draw,
    ];

    /// The name of its span, and what it is called in the window.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Open => "open",
            Self::Read => "read",
            Self::Decompress => "decompress",
            Self::Transpose => "transpose",
            Self::Upload => "upload",
            Self::Draw => "draw",
        }
    }

    /// The stage of a span by its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }

    /// Enters the stage; it is left when what comes back is dropped, on the same thread.
    #[must_use = "the stage is left when this is dropped"]
    pub fn enter(self) -> EnteredSpan {
        let span = match self {
            Self::List => trace_span!(target: STAGE_TARGET, WorkStage::List.name()),
            Self::Open => trace_span!(target: STAGE_TARGET, WorkStage::Open.name()),
            Self::Read => trace_span!(target: STAGE_TARGET, WorkStage::Read.name()),
            Self::Decompress => trace_span!(target: STAGE_TARGET, WorkStage::Decompress.name()),
            Self::Transpose => trace_span!(target: STAGE_TARGET, WorkStage::Transpose.name()),
            Self::Upload => trace_span!(target: STAGE_TARGET, WorkStage::Upload.name()),
            Self::Draw => trace_span!(target: STAGE_TARGET, WorkStage::Draw.name()),
        };
        span.entered()
    }

    /// The same for work on so many bytes; `None` where they are too few to be told of.
    #[must_use]
    pub fn enter_for(self, num_bytes: usize) -> Option<EnteredSpan> {
        Self::tells_of(num_bytes).then(|| self.enter())
    }

    /// True where work on so many bytes is told of by itself.
    #[must_use]
    pub const fn tells_of(num_bytes: usize) -> bool {
        num_bytes >= TOLD_BYTES
    }
}

/// What a stage does now and did lately.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StageFigures {
    /// The stage.
    pub stage: WorkStage,
    /// Threads that are in it.
    pub num_running: usize,
    /// How long the one has been in it that is so longest.
    pub longest: Option<Duration>,
    /// How long it took last.
    pub last: Option<Duration>,
    /// How often it ended, in each of the last seconds.
    pub per_sec: f32,
    /// Time spent in it, of all threads, in each of the last seconds; as a part of a second.
    pub busy: f32,
}

impl StageFigures {
    /// Those of a stage that never ran.
    #[must_use]
    pub fn idle(stage: WorkStage) -> Self {
        Self {
            stage,
            num_running: 0,
            longest: None,
            last: None,
            per_sec: 0.0,
            busy: 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_found_by_the_name_of_its_span() {
        for stage in WorkStage::ALL {
            assert_eq!(WorkStage::from_name(stage.name()), Some(stage));
        }
        assert_eq!(WorkStage::from_name("frame"), None);
    }
}
