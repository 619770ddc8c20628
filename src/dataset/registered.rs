//! Planes of a push acquisition that were registered one by one: image files, and pixels handed over in memory.
//!
//! Shared by the push handle, which registers from any thread, and the store, which reads. Pixels are kept within
//! [`limits::REGISTERED_BYTES`]; the oldest go first, and their planes are missing then.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    path::PathBuf,
    sync::Arc,
};

use parking_lot::Mutex;

use super::{AnnouncedLayout, Dataset, PlaneAt};
use crate::model::{Pixels, PlaneId, ZPick, limits};

/// What was registered for a plane; the last registration wins.
#[derive(Clone, Debug)]
pub enum Registered {
    /// A page of an image file.
    File {
        /// The file.
        path: PathBuf,
        /// Page inside of it.
        page_idx: u32,
    },
    /// Pixels in memory, (y, x).
    Pixels(Arc<Pixels>),
    /// Pixels that were in memory and had to make room.
    Dropped,
}

/// The registered planes of one acquisition.
#[derive(Debug, Default)]
pub struct RegisteredPlanes {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    planes: HashMap<PlaneAt, Registered>,
    /// Planes with pixels, the oldest first; one that was registered again stands there more than once.
    ages: VecDeque<(PlaneAt, usize)>,
    num_bytes: usize,
    num_timepoints: u32,
    /// Planes that were dropped since somebody asked for the last time, and are not registered again.
    newly_dropped: HashSet<PlaneAt>,
    /// The first file that was registered.
    first_file: Option<PathBuf>,
}

impl RegisteredPlanes {
    /// Registers a page of an image file. False where there is no room for another plane.
    pub fn put_file(&self, at: PlaneAt, path: PathBuf, page_idx: u32) -> bool {
        let mut inner = self.inner.lock();
        if inner.first_file.is_none() {
            inner.first_file = Some(path.clone());
        }
        let file = Registered::File { path, page_idx };
        inner.put(at, file, limits::REGISTERED_PLANES).is_some()
    }

    /// Registers pixels; the oldest ones make room. False where there is no room for another plane.
    pub fn put_pixels(&self, at: PlaneAt, pixels: Arc<Pixels>) -> bool {
        let num_bytes = pixels.num_bytes();
        let mut inner = self.inner.lock();
        let pixels = Registered::Pixels(pixels);
        if inner.put(at, pixels, limits::REGISTERED_PLANES).is_none() {
            return false;
        }
        inner.ages.push_back((at, num_bytes));
        inner.num_bytes += num_bytes;
        // Registering the same few pixels over and over makes no list grow.
        while inner.num_bytes > limits::REGISTERED_BYTES
            || inner.ages.len() > limits::REGISTERED_PLANES
        {
            let Some((oldest, bytes)) = inner.ages.pop_front() else {
                break;
            };
            inner.num_bytes -= bytes;
            let is_newer_there = inner.ages.iter().any(|(other, _)| *other == oldest);
            if !is_newer_there
                && let Some(kept @ Registered::Pixels(_)) = inner.planes.get_mut(&oldest)
            {
                *kept = Registered::Dropped;
                inner.newly_dropped.insert(oldest);
            }
        }
        true
    }

    /// Timepoints up to the last one of which a plane was registered.
    #[must_use]
    pub fn num_timepoints(&self) -> u32 {
        self.inner.lock().num_timepoints
    }

    /// True where the pixels of one of these planes were in memory and had to make room.
    pub fn is_any_dropped(&self, planes: impl IntoIterator<Item = PlaneAt>) -> bool {
        let inner = self.inner.lock();
        let is_dropped = |at| matches!(inner.planes.get(&at), Some(Registered::Dropped));
        planes.into_iter().any(is_dropped)
    }

    /// Planes whose pixels had to make room since the last call.
    #[must_use]
    pub fn take_dropped(&self) -> HashSet<PlaneAt> {
        std::mem::take(&mut self.inner.lock().newly_dropped)
    }

    /// All planes whose pixels had to make room and were not registered again.
    #[must_use]
    pub fn dropped(&self) -> HashSet<PlaneAt> {
        let inner = self.inner.lock();
        let planes = inner.planes.iter();
        let dropped = planes.filter(|(_, known)| matches!(known, Registered::Dropped));
        dropped.map(|(at, _)| *at).collect()
    }

    /// The first file that was registered: where the acquisition is written to, nobody says otherwise.
    #[must_use]
    pub fn first_file(&self) -> Option<PathBuf> {
        self.inner.lock().first_file.clone()
    }

    /// All planes that were registered, in no order.
    #[must_use]
    pub fn planes(&self) -> Vec<PlaneAt> {
        self.inner.lock().planes.keys().copied().collect()
    }

    /// What was registered for a plane; `None`: nothing.
    #[must_use]
    pub fn get(&self, at: PlaneAt) -> Option<Registered> {
        self.inner.lock().planes.get(&at).cloned()
    }
}

impl Inner {
    fn put(&mut self, at: PlaneAt, registered: Registered, limit: usize) -> Option<()> {
        if self.planes.len() >= limit && !self.planes.contains_key(&at) {
            return None;
        }
        self.planes.insert(at, registered);
        self.newly_dropped.remove(&at);
        self.num_timepoints = self.num_timepoints.max(at.t + 1);
        Some(())
    }
}

impl Dataset {
    /// True where the pixels of a plane (of a projection: of one of its slices) were in memory and had to make room.
    #[must_use]
    pub fn has_dropped(&self, plane: PlaneId) -> bool {
        let Some(planes) = self.template.registered().filter(|_| plane.layer == 0) else {
            return false;
        };
        let slices = match plane.z {
            ZPick::Slice(z) => z..z.saturating_add(1),
            ZPick::Max => 0..self.template.num_z_slices(),
        };
        // Rows of the FOV table are flat numbers there.
        planes.is_any_dropped(slices.map(|z| PlaneAt {
            fov: plane.fov.0,
            t: plane.t,
            c: plane.c,
            z,
        }))
    }

    /// True where planes are registered one by one: nothing but them says how many timepoints there are.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        let announced = self.announcement.as_ref();
        announced.is_some_and(|it| it.layout == AnnouncedLayout::Registered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MemoryOrder, Samples};

    const fn at(t: u32) -> PlaneAt {
        PlaneAt {
            fov: 0,
            t,
            c: 0,
            z: 0,
        }
    }

    #[test]
    fn beyond_the_budget_only_planes_that_are_known_are_registered_again() {
        let mut inner = Inner::default();
        let file = || Registered::File {
            path: PathBuf::new(),
            page_idx: 0,
        };
        assert!(inner.put(at(0), file(), 2).is_some());
        assert!(inner.put(at(1), file(), 2).is_some());
        assert!(inner.put(at(2), file(), 2).is_none());
        assert!(inner.put(at(1), file(), 2).is_some());
    }

    #[test]
    fn the_oldest_pixels_make_room_and_say_so() {
        let planes = RegisteredPlanes::default();
        let side = 8192_u32;
        let samples = Samples::U16(vec![0; (side * side) as usize]);
        let pixels = Pixels::new(side, side, MemoryOrder::RowMajor, samples).unwrap();
        let pixels = Arc::new(pixels);
        // 128 MB each, four fit.
        for t in [0, 1, 0, 2, 3] {
            assert!(planes.put_pixels(at(t), Arc::clone(&pixels)));
        }
        let is_kept = |t| matches!(planes.get(at(t)), Some(Registered::Pixels(_)));
        assert!(is_kept(0), "registered again, so it is not the oldest");
        assert!(planes.put_pixels(at(4), pixels));
        assert!(matches!(planes.get(at(1)), Some(Registered::Dropped)));
        assert!(is_kept(2) && is_kept(4));
        assert_eq!(planes.take_dropped(), HashSet::from([at(1)]));
        assert!(planes.take_dropped().is_empty(), "told once");
        assert_eq!(planes.dropped(), HashSet::from([at(1)]));
        assert!(planes.is_any_dropped([at(0), at(1)]));
        assert!(!planes.is_any_dropped([at(0), at(2), at(5)]));
        assert!(planes.get(at(5)).is_none());
    }
}
