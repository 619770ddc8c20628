//! What clients call their acquisitions: names that outlive connections, so that a client that reconnects goes on.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;

use super::{AcquisitionId, PushError, PushHandle, Started};
use crate::dataset::Announcement;

/// Names that are remembered; the oldest go first, and their late notices are then told that nothing was started.
const MAX_NAMES: usize = 256;

/// What a name means.
#[derive(Clone, Debug)]
pub(super) enum Named {
    /// An acquisition that is shown or offered.
    Started(Started),
    /// One that the viewer is done with; what comes for it is counted.
    Retired,
}

/// The names of all clients of a window.
#[derive(Default)]
pub(super) struct Names {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    named: HashMap<String, Named>,
    /// Oldest first.
    order: VecDeque<String>,
}

impl Names {
    /// What the name means; `None`: nobody used it, or long ago.
    pub(super) fn get(&self, name: &str) -> Option<Named> {
        self.inner.lock().named.get(name).cloned()
    }

    /// The name of an acquisition; `None` where it was not started by a client of the socket.
    pub(super) fn name_of(&self, id: AcquisitionId) -> Option<String> {
        let inner = self.inner.lock();
        let mut names = inner.named.iter();
        names.find_map(|(name, named)| {
            let is_it = matches!(named, Named::Started(started) if started.id == id);
            is_it.then(|| name.clone())
        })
    }

    /// Starts under a name; where the name means an acquisition that the viewer still knows, `handle` goes on with that.
    ///
    /// # Errors
    /// When the viewer does not take it.
    pub(super) fn start(
        &self,
        name: &str,
        handle: &mut PushHandle,
        announcement: Announcement,
    ) -> Result<(), PushError> {
        // Held while the start is sent, so that of two connections with one name only one starts. Only starts and the
        // first message after a change of name wait for it, never notices.
        let mut inner = self.inner.lock();
        for named in inner.named.values_mut() {
            if matches!(named, Named::Started(started) if !handle.knows(started.id)) {
                // Its paths, labels and registered pixels go.
                *named = Named::Retired;
            }
        }
        if let Some(Named::Started(started)) = inner.named.get(name) {
            handle.adopt(started.clone());
            return Ok(());
        }
        handle.start(announcement)?;
        if let Some(started) = handle.current() {
            inner.put(name, Named::Started(started));
        }
        Ok(())
    }
}

impl Inner {
    fn put(&mut self, name: &str, named: Named) {
        if self.named.insert(name.to_owned(), named).is_some() {
            self.order.retain(|other| other != name);
        }
        self.order.push_back(name.to_owned());
        while self.order.len() > MAX_NAMES {
            if let Some(oldest) = self.order.pop_front() {
                self.named.remove(&oldest);
            }
        }
    }
}
