//! Names of things that are read, cached and drawn. Small, `Copy`, hashable.

use std::sync::atomic::{AtomicU64, Ordering};

/// One opened dataset; unique in the process, so that nothing of one dataset ever lands in the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DatasetId(u64);

impl DatasetId {
    /// An id that no other dataset of this process has.
    #[must_use]
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// One camera position of a dataset: given once, never reused, stable under growth.
///
/// It is the row in the FOV table, not the place in the display order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FovId(pub u32);

impl FovId {
    /// The row in the FOV table.
    #[must_use]
    pub fn row(self) -> usize {
        self.0 as usize
    }
}

/// Which z of a plane: one slice, or the maximum over all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ZPick {
    /// The z-slice of that index.
    Slice(u32),
    /// The maximum projection over all z-slices.
    Max,
}

/// The name of one 2-D image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlaneId {
    /// The camera position.
    pub fov: FovId,
    /// 0 is the image, n its n-th label image.
    pub layer: u16,
    /// Timepoint index.
    pub t: u32,
    /// Channel index.
    pub c: u16,
    /// z-slice index, or the projection.
    pub z: ZPick,
    /// Position along all other axes, flattened in axis order (last axis fastest).
    pub extra: u32,
    /// Pyramid level: stored levels first, then computed ones.
    pub level: u8,
}

impl PlaneId {
    /// The same plane at another pyramid level.
    #[must_use]
    pub fn at_level(self, level: u8) -> Self {
        Self { level, ..self }
    }
}

/// The unit that is read, cached and drawn: one tile of a plane, often the whole plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileId {
    /// The plane.
    pub plane: PlaneId,
    /// Row of the tile grid, from the top.
    pub row: u32,
    /// Column of the tile grid, from the left.
    pub col: u32,
}

impl TileId {
    /// The only tile of a plane that is one tile.
    #[must_use]
    pub fn whole(plane: PlaneId) -> Self {
        Self {
            plane,
            row: 0,
            col: 0,
        }
    }
}
