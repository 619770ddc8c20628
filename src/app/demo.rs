//! The demo: an acquisition that is being written beside the window, into a temporary folder.
//!
//! The folder is removed when the demo ends.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use crossbeam_channel::{Receiver, bounded};

/// A simulated acquisition under way; stopped and removed when it drops.
pub(super) struct Demo {
    folder: PathBuf,
    is_cancelled: Arc<AtomicBool>,
    started: Receiver<Result<PathBuf, String>>,
    thread: Option<JoinHandle<()>>,
}
