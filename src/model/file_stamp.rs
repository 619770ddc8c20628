//! What tells a file from another one at its path.

use std::time::SystemTime;

/// Length in bytes and time of a file or folder, `None` where no time is known: another one lies there where they differ.
pub type FileStamp = (u64, Option<SystemTime>);
