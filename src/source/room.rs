//! Room to decode in: what all threads together hold of samples that are being decoded stays within a budget.
//!
//! A read takes room for all that it is going to hold before it allocates anything, and gives it back when its samples are
//! made. Ordinary reads share [`limits::DECODING_BYTES`]. One that needs more than a quarter of it shares with nobody of
//! its kind: one of them at a time, beside the ordinary ones, which it does not hold up. What a silent disk has held up
//! counts no longer: it must not hold up what lies on others.

use std::{sync::Arc, time::Duration};

use parking_lot::{Condvar, Mutex};

use crate::model::{Activity, limits};

/// A read that has waited for the system for this time holds its room for nothing.
const SILENT_AFTER: Duration = Duration::from_secs(2);

/// A read that has room.
#[derive(Debug)]
struct Holder {
    number: u64,
    num_bytes: u64,
    activity: Option<Arc<Activity>>,
}

impl Holder {
    fn counts(&self) -> bool {
        let waits_for = self.activity.as_ref().and_then(|it| it.waits_for());
        waits_for.is_none_or(|time| time < SILENT_AFTER)
    }
}

#[derive(Debug)]
struct Holders {
    all: Vec<Holder>,
    next: u64,
}

/// Somewhere to decode.
#[derive(Debug)]
struct Rooms {
    holders: Mutex<Holders>,
    given_back: Condvar,
}

static ROOMS: Rooms = Rooms::new();

/// Room for a read, until it is dropped.
#[derive(Debug)]
pub struct Room {
    rooms: &'static Rooms,
    number: u64,
}

/// Takes room for so many bytes; waits until there is. No thread may hold two.
#[must_use = "the room is given back when this is dropped"]
pub fn room(num_bytes: u64) -> Room {
    ROOMS.wait_for(num_bytes)
}

/// The same without waiting; `None`: there is none now.
#[must_use = "the room is given back when this is dropped"]
pub fn room_now(num_bytes: u64) -> Option<Room> {
    ROOMS.take(num_bytes, &mut ROOMS.holders.lock())
}

fn is_large(num_bytes: u64) -> bool {
    num_bytes > limits::DECODING_BYTES / 4
}

impl Rooms {
    const fn new() -> Self {
        Self {
            holders: Mutex::new(Holders {
                all: Vec::new(),
                next: 0,
            }),
            given_back: Condvar::new(),
        }
    }

    fn take(&'static self, num_bytes: u64, holders: &mut Holders) -> Option<Room> {
        let of_its_kind = holders.all.iter().filter(|other| {
            let is_same = is_large(other.num_bytes) == is_large(num_bytes);
            is_same && other.counts()
        });
        let taken: u64 = of_its_kind.map(|other| other.num_bytes).sum();
        let is_full = if is_large(num_bytes) {
            taken > 0
        } else {
            taken + num_bytes > limits::DECODING_BYTES
        };
        if is_full {
            return None;
        }
        let number = holders.next;
        holders.next += 1;
        holders.all.push(Holder {
            number,
            num_bytes,
            activity: Activity::of_thread(),
        });
        Some(Room {
            rooms: self,
            number,
        })
    }

    fn wait_for(&'static self, num_bytes: u64) -> Room {
        let mut holders = self.holders.lock();
        loop {
            if let Some(room) = self.take(num_bytes, &mut holders) {
                return room;
            }
            // Nobody tells when a disk has gone silent.
            self.given_back.wait_for(&mut holders, SILENT_AFTER);
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut holders = self.rooms.holders.lock();
        holders.all.retain(|holder| holder.number != self.number);
        drop(holders);
        self.rooms.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::model::while_waiting;

    fn now(rooms: &'static Rooms, num_bytes: u64) -> Option<Room> {
        rooms.take(num_bytes, &mut rooms.holders.lock())
    }

    const QUARTER: u64 = limits::DECODING_BYTES / 4;

    #[test]
    fn what_is_decoded_at_once_stays_within_its_budget() {
        static ROOMS: Rooms = Rooms::new();
        let ordinary: Vec<_> = (0..4)
            .map(|_| now(&ROOMS, QUARTER).expect("room"))
            .collect();
        assert!(now(&ROOMS, 1).is_none());
        // A large one has a room of its own, however large, and no other beside it.
        let large = now(&ROOMS, limits::DECODED_BYTES * 4).expect("room");
        assert!(now(&ROOMS, QUARTER + 1).is_none());
        thread::scope(|scope| {
            let waits = scope.spawn(|| drop(ROOMS.wait_for(limits::DECODING_BYTES)));
            let small = scope.spawn(|| drop(ROOMS.wait_for(1)));
            assert!(!waits.is_finished() && !small.is_finished());
            drop(ordinary);
            small.join().expect("room");
            assert!(!waits.is_finished());
            drop(large);
            waits.join().expect("room");
        });
        assert!(ROOMS.holders.lock().all.is_empty());
    }

    #[test]
    fn what_a_silent_disk_holds_up_leaves_its_room_to_others() {
        static ROOMS: Rooms = Rooms::new();
        let activity = Activity::begin();
        let _entered = activity.enter();
        let _held = now(&ROOMS, QUARTER + 1).expect("room");
        while_waiting(|| {
            assert!(now(&ROOMS, QUARTER + 1).is_none());
            thread::sleep(SILENT_AFTER + Duration::from_millis(50));
            assert!(now(&ROOMS, QUARTER + 1).is_some());
        });
        assert!(now(&ROOMS, QUARTER + 1).is_none());
    }
}
