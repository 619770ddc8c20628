//! News of acquisitions that are being written: announced by the microscope software, or found on disk.
//!
//! Whoever announces holds a [`PushHandle`]; socket clients have one each. Starts, ends and wishes travel over a small
//! channel and are never lost. Notices of written planes travel over a bounded one to a single thread, which merges them
//! into a set; where it is full, the FOV's rescan flag is set instead, so that nothing is lost and no caller waits.
//! `app` takes what was merged once per frame, [`Live::take`].

mod disk;
mod event;
mod hub;
mod push;
mod status;
#[cfg(test)]
mod tests;

pub use disk::{DiskNews, DiskWatch};
pub use event::{AcquisitionId, ClientId, Destination, LiveEvent, Started};
pub use hub::{Audience, Live, News, Watched};
pub use push::{ImageNotice, PushError, PushHandle};
pub use status::{PlaneCounts, ShownNow, ShownPlane, Status};
