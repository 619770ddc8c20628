//! What was told of each plane, so that only changes are told. A page that is all written costs a few bytes.

use std::collections::HashMap;

use super::place::PageKey;
use crate::model::{FovId, PlaneState};

/// Planes of pages that are not all written; beyond it pages are not told from each other any more and stay untold.
const MAX_OPEN_PLANES: usize = 1 << 26;

/// What was told of a plane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing yet.
    #[default]
    Nothing,
    Planned,
    Missing,
    Failed,
    /// Chunks on disk; as many as fit, only their change counts.
    Partial(u16),
    Written,
}

impl Told {
    /// `None` where nothing is known.
    pub(super) fn of(state: &PlaneState) -> Option<Self> {
        Some(match state {
            PlaneState::Planned => Self::Planned,
            PlaneState::Missing => Self::Missing,
            PlaneState::Written => Self::Written,
            PlaneState::Partial { present, .. } => {
                Self::Partial(u16::try_from(*present).unwrap_or(u16::MAX))
            }
            PlaneState::Failed(_) => Self::Failed,
            PlaneState::Unknown => return None,
        })
    }
}

#[derive(Debug, Default)]
enum Slot {
    #[default]
    Empty,
    Open {
        planes: Box<[Told]>,
        num_written: u32,
    },
    /// All planes are written.
    Full,
}

/// What was told, by FOV and timepoint.
#[derive(Debug, Default)]
pub(super) struct Book {
    fovs: HashMap<FovId, Vec<Slot>>,
    num_open: usize,
}

impl Book {
    fn slot(&self, key: PageKey) -> &Slot {
        let slots = self.fovs.get(&key.fov);
        slots
            .and_then(|slots| slots.get(key.t as usize))
            .unwrap_or(&Slot::Empty)
    }

    /// What was told of a plane.
    pub(super) fn told(&self, key: PageKey, idx: u32) -> Told {
        match self.slot(key) {
            Slot::Empty => Told::Nothing,
            Slot::Open { planes, .. } => planes.get(idx as usize).copied().unwrap_or_default(),
            Slot::Full => Told::Written,
        }
    }

    /// True where all planes of a page were told written.
    pub(super) fn is_full(&self, key: PageKey) -> bool {
        matches!(self.slot(key), Slot::Full)
    }

    /// True where no plane of a page was told written.
    pub(super) fn has_nothing_written(&self, key: PageKey) -> bool {
        match self.slot(key) {
            Slot::Empty => true,
            Slot::Open { num_written, .. } => *num_written == 0,
            Slot::Full => false,
        }
    }

    /// Notes what is told of a plane of a page with `len` planes. True where it is new.
    pub(super) fn tell(&mut self, key: PageKey, len: u32, idx: u32, told: Told) -> bool {
        let (len, at) = (len as usize, idx as usize);
        if self.told(key, idx) == told || at >= len {
            return false;
        }
        let slots = self.fovs.entry(key.fov).or_default();
        if slots.len() <= key.t as usize {
            slots.resize_with(key.t as usize + 1, Slot::default);
        }
        let slot = &mut slots[key.t as usize];
        let known = match slot {
            Slot::Open { planes, .. } => planes.len(),
            Slot::Empty | Slot::Full => 0,
        };
        if known < len {
            // A page may turn out to be larger than it was.
            if self.num_open + len > MAX_OPEN_PLANES {
                return false;
            }
            let fill = match slot {
                Slot::Full => Told::Written,
                _ => Told::Nothing,
            };
            let mut planes = vec![fill; len].into_boxed_slice();
            if let Slot::Open { planes: old, .. } = slot {
                planes[..old.len()].copy_from_slice(old);
            }
            let num_written = planes.iter().filter(|&&told| told == Told::Written).count() as u32;
            self.num_open += len - known;
            *slot = Slot::Open {
                planes,
                num_written,
            };
        }
        let Slot::Open {
            planes,
            num_written,
        } = slot
        else {
            return false;
        };
        *num_written -= u32::from(planes[at] == Told::Written);
        *num_written += u32::from(told == Told::Written);
        planes[at] = told;
        if *num_written as usize == planes.len() {
            self.num_open -= planes.len();
            *slot = Slot::Full;
        }
        true
    }

    /// Everything of a FOV is to be told again.
    pub(super) fn forget(&mut self, fov: FovId) {
        for slot in self.fovs.remove(&fov).unwrap_or_default() {
            if let Slot::Open { planes, .. } = slot {
                self.num_open -= planes.len();
            }
        }
    }

    /// One plane is to be told again.
    pub(super) fn forget_plane(&mut self, key: PageKey, len: u32, idx: u32) {
        self.tell(key, len, idx, Told::Nothing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: PageKey = PageKey {
        t: 2,
        fov: FovId(5),
    };

    #[test]
    fn only_what_is_new_is_told() {
        let mut book = Book::default();
        assert!(book.tell(KEY, 3, 1, Told::Partial(1)));
        assert!(!book.tell(KEY, 3, 1, Told::Partial(1)));
        assert!(book.tell(KEY, 3, 1, Told::Partial(2)));
        assert!(book.has_nothing_written(KEY));
        assert!(!book.tell(KEY, 3, 3, Told::Written), "beyond the page");
    }

    #[test]
    fn a_full_page_takes_no_room_and_opens_again() {
        let mut book = Book::default();
        for idx in 0..3 {
            book.tell(KEY, 3, idx, Told::Written);
        }
        assert!(book.is_full(KEY));
        assert_eq!(book.num_open, 0);
        assert!(book.tell(KEY, 3, 1, Told::Planned));
        assert_eq!((book.told(KEY, 0), book.num_open), (Told::Written, 3));
        book.forget(KEY.fov);
        assert_eq!((book.told(KEY, 0), book.num_open), (Told::Nothing, 0));
    }
}
