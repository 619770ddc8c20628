//! Following a running acquisition: the view goes with the newest plane, except along the axes that are held.
//!
//! A held axis is a filter, too: with "this z" held only planes of this z-slice move the view, so that what it moves to
//! has been written. Following moves the position and, in single mode, the selected channel; contrast, camera and
//! channel settings stay. Whatever a person does to go elsewhere ends it.

use super::{ChannelMode, Command, Position, Session};
use crate::{
    dataset::Dataset,
    model::{FovId, NavAxis},
};

/// Whether the view goes with the newest plane, and what stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Follow {
    /// The view goes with the newest plane.
    pub is_on: bool,
    /// What stays; kept while following is off.
    pub locks: FollowLocks,
}

/// What stays while the view goes with the newest plane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FollowLocks {
    /// This channel: the selected one.
    pub channel: bool,
    /// This z-slice.
    pub z: bool,
    /// This FOV.
    pub fov: bool,
}

/// One of [`FollowLocks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FollowLock {
    /// This channel.
    Channel,
    /// This z-slice.
    Z,
    /// This FOV.
    Fov,
}

impl FollowLocks {
    /// True where this one is held.
    #[must_use]
    pub fn holds(self, lock: FollowLock) -> bool {
        match lock {
            FollowLock::Channel => self.channel,
            FollowLock::Z => self.z,
            FollowLock::Fov => self.fov,
        }
    }
}

/// A plane that was just written.
#[derive(Clone, Copy)]
struct Newest {
    fov: FovId,
    t: u32,
    z: u32,
    c: usize,
}

impl Session {
    /// Applies an intention towards following, or news of a plane that was written.
    pub(super) fn set_follow(&mut self, command: &Command, dataset: &Dataset) {
        match *command {
            Command::SetFollow(is_on) => {
                self.follow.is_on = is_on;
                if is_on {
                    self.playback.axis = None;
                }
            }
            Command::SetLock(lock, is_held) => {
                let locks = &mut self.follow.locks;
                match lock {
                    FollowLock::Channel => locks.channel = is_held,
                    FollowLock::Z => locks.z = is_held,
                    FollowLock::Fov => locks.fov = is_held,
                }
            }
            Command::Newest { fov, t, z, c } => {
                let c = usize::from(c);
                self.go_with(Newest { fov, t, z, c }, dataset);
            }
            _ => {}
        }
    }

    /// Somebody chose a channel by hand: in single mode that is a way to go elsewhere, unless it is the channel held.
    pub(super) fn note_channel_choice(&mut self) {
        if self.mode == ChannelMode::Single && !self.follow.locks.channel {
            self.follow.is_on = false;
        }
    }

    /// Neither `has_moved` nor `last_move` change: a plane that arrives says nothing about where a person goes next.
    fn go_with(&mut self, newest: Newest, dataset: &Dataset) {
        if !(self.follow.is_on && self.is_wanted(newest, dataset)) {
            return;
        }
        self.position = Position {
            t: newest.t,
            fov: newest.fov,
            z: newest.z,
            ..self.position
        };
        if self.mode == ChannelMode::Single {
            self.selected_channel = newest.c;
        }
    }

    /// True for a plane inside the dataset that is on every held axis and would be seen.
    fn is_wanted(&self, newest: Newest, dataset: &Dataset) -> bool {
        let (at, locks) = (self.position, self.follow.locks);
        let is_inside = dataset.fov(newest.fov).is_some()
            && newest.t < dataset.len_along(NavAxis::Time)
            && newest.z < dataset.len_along(NavAxis::Z);
        let is_selected = newest.c == self.selected_channel;
        let view = self.channels.get(newest.c);
        // A hidden channel would lead to a position of which nothing that is drawn has been written.
        let is_seen = view
            .is_some_and(|view| view.visible || (self.mode == ChannelMode::Single && is_selected));
        let is_of_channel = if locks.channel { is_selected } else { is_seen };
        is_inside
            && is_of_channel
            && view.is_some()
            && (!locks.z || newest.z == at.z)
            && (!locks.fov || newest.fov == at.fov)
    }
}
