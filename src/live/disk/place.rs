//! Planes in the order in which the microscope takes them.
//!
//! Squid takes timepoints, FOVs in the order of the plan, z-slices, channels (`control/core/multi_point_worker.py`).
//! Others may take FOVs in any order; nothing relies on it but the guess of what comes next.

use crate::{
    dataset::Image,
    model::{FovId, PlaneId, ZPick},
};

/// Planes of one FOV and timepoint that are looked after; more than a ledger would book.
const MAX_PAGE: u64 = 1 << 22;

/// The planes of one FOV at one timepoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PageKey {
    pub(super) t: u32,
    pub(super) fov: FovId,
}

/// A plane by its place in the order: timepoint, rank of the FOV, index inside of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) t: u32,
    pub(super) rank: u32,
    pub(super) idx: u32,
}

/// How many planes a page has: z outermost, then c, then the other axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageShape {
    num_channels: u32,
    num_extra: u32,
    len: u32,
}

impl PageShape {
    /// The page of an image at any timepoint; empty where it has more planes than are looked after.
    pub(super) fn of(image: &Image) -> Self {
        let (num_channels, num_extra) = (image.num_channels(), image.num_extra());
        let row = u64::from(num_channels) * u64::from(num_extra);
        let all = row.saturating_mul(image.num_z_slices().into());
        Self {
            num_channels,
            num_extra,
            len: if all <= MAX_PAGE { all as u32 } else { 0 },
        }
    }

    pub(super) fn len(self) -> u32 {
        self.len
    }

    /// The plane at an index of a page.
    pub(super) fn plane(self, key: PageKey, idx: u32) -> PlaneId {
        let row = idx / self.num_extra;
        PlaneId {
            fov: key.fov,
            layer: 0,
            t: key.t,
            c: (row % self.num_channels) as u16,
            z: ZPick::Slice(row / self.num_channels),
            extra: idx % self.num_extra,
            level: 0,
        }
    }

    /// Page and index of a plane; `None` for projections, labels, and what lies beyond.
    pub(super) fn place_of(self, plane: PlaneId) -> Option<(PageKey, u32)> {
        let ZPick::Slice(z) = plane.z else {
            return None;
        };
        let (c, extra) = (u32::from(plane.c), plane.extra);
        if plane.layer != 0 || c >= self.num_channels || extra >= self.num_extra {
            return None;
        }
        let row = u64::from(z) * u64::from(self.num_channels) + u64::from(c);
        let idx = row * u64::from(self.num_extra) + u64::from(extra);
        let key = PageKey {
            t: plane.t,
            fov: plane.fov,
        };
        let idx = u32::try_from(idx).ok().filter(|&idx| idx < self.len)?;
        Some((key, idx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::testing::{Sizes, image};

    #[test]
    fn an_index_names_a_plane_and_back() {
        let shape = PageShape::of(&image(Sizes::default()));
        let key = PageKey {
            t: 3,
            fov: FovId(1),
        };
        assert_eq!(shape.len(), 10);
        for idx in 0..shape.len() {
            assert_eq!(shape.place_of(shape.plane(key, idx)), Some((key, idx)));
        }
        let second = shape.plane(key, 1);
        assert_eq!(
            (second.c, second.z),
            (1, ZPick::Slice(0)),
            "channels follow first"
        );
        let beyond = PlaneId { c: 2, ..second };
        assert_eq!(shape.place_of(beyond), None);
    }
}
