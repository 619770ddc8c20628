//! `squidview bench`: what reading a plane and a step in the window cost on this machine, with this data.
//!
//! The same store that the readers of the loader ask, and the same window that a person sees; nothing is shortened.

mod figures;
mod read;
mod step;

pub use self::{
    figures::Figures,
    read::{ReadFigures, ReadPlan, read},
    step::{StepFigures, StepPlan, step},
};

use crate::{
    app::AppError, dataset::OpenFovError, formats::OpenError, model::Code, store::ReadError,
};

/// Nothing can be measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The path cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store of a FOV cannot be opened.
    #[error(transparent)]
    Fov(#[from] OpenFovError),
    /// A plane cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Nothing of the dataset is there.
    #[error("no plane of the dataset is on disk, expected at least one: {location}")]
    NothingWritten {
        /// The path.
        location: String,
    },
    /// There is no step to take.
    #[error("axis {axis} has {length} step(s), expected at least 2: {location}")]
    ShortAxis {
        /// Its name.
        axis: &'static str,
        /// Its length.
        length: u32,
        /// The path.
        location: String,
    },
    /// The system refuses what is needed.
    #[error("cannot start a thread ({reason})")]
    Thread {
        /// What it said.
        reason: String,
    },
    /// There is no window.
    #[error(transparent)]
    Window(#[from] AppError),
    /// A picture did not come, or the window was closed.
    #[error("{what} was not on the screen within {secs} s, or the window was closed")]
    NotShown {
        /// The picture that was waited for.
        what: String,
        /// How long it was waited for.
        secs: u64,
    },
}

impl BenchError {
    /// What kind of thing is wrong, in the words of the command line.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Open(error) => error.code,
            Self::Fov(error) => error.code,
            Self::Read(error) => error.code,
            Self::NothingWritten { .. } => Code::NotWritten,
            Self::ShortAxis { .. } => Code::OutOfRange,
            Self::Thread { .. } | Self::Window(_) | Self::NotShown { .. } => Code::IoError,
        }
    }
}
