//! News of acquisitions that are being written: announced by the microscope software, or found on disk.
//!
//! Whoever announces holds a [`PushHandle`]; socket clients have one each. Starts, ends and wishes travel over a small
//! channel and are never lost. Notices of written planes travel over a bounded one to a single thread, which merges them
//! into a set; where it is full, the FOV's rescan flag is set instead, so that nothing is lost and no caller waits.
//! `app` takes what was merged once per frame, [`Live::take`].
//!
//! [`Server`] is the socket of `docs/live-protocol.md`, [`Client`] its other end: `lines` cuts the stream, `protocol` and
//! `messages` say what a line means, `clerk` carries it out, `outbox` holds what is to be sent, `answers` puts it into words.
//! [`rehearse`] does the same without a socket.
//!
//! [`RunWatch`] hears of acquisitions without any cooperation: from the file that Squid keeps for its watchdog.

mod answers;
mod clerk;
mod client;
mod connection;
mod disk;
mod event;
mod hub;
mod instance;
mod lines;
mod messages;
mod names;
mod outbox;
mod protocol;
mod push;
mod rehearsal;
mod run_state;
mod samples;
mod server;
mod state_folder;
mod status;
#[cfg(test)]
mod tests;

pub use client::{Client, ClientError};
pub use disk::{DiskNews, DiskWatch};
pub use event::{AcquisitionId, ClientId, Destination, LiveEvent, Started};
pub use hub::{Audience, Live, News, Watched};
pub use instance::{Instance, InstanceError, InstanceFolder};
pub use push::{ImageNotice, PushError, PushHandle};
pub use rehearsal::{Rehearsed, rehearse};
pub use run_state::{RUN_FILE, RunNews, RunWatch};
pub use server::{Listen, Server, ServerError};
pub use state_folder::state_folder;
pub use status::{PlaneCounts, Status};
