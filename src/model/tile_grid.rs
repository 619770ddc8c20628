//! How a plane is cut into tiles.

use super::limits;

/// The tiles of one plane at one level; all have the stated size except those at the right and bottom edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TileGrid {
    /// Columns of the plane.
    pub width: u32,
    /// Rows of the plane.
    pub height: u32,
    /// Columns of a tile; at least 1.
    pub tile_width: u32,
    /// Rows of a tile; at least 1.
    pub tile_height: u32,
}

impl TileGrid {
    /// The grid of a stored plane: one tile up to 4096 x 4096, else whole chunks of about 1024 to 2048.
    #[must_use]
    pub fn of_stored(width: u32, height: u32, chunk_width: u32, chunk_height: u32) -> Self {
        let whole = width <= limits::WHOLE_PLANE_TILE_PX && height <= limits::WHOLE_PLANE_TILE_PX;
        let side = |plane: u32, chunk: u32| {
            let chunk = chunk.clamp(1, plane.max(1));
            let chunks = (limits::TILE_PX / chunk).max(1);
            // A chunk that is longer than a texture may be is cut; it is decoded once for its tiles.
            chunk
                .saturating_mul(chunks)
                .min(limits::WHOLE_PLANE_TILE_PX)
                .min(plane.max(1))
        };
        let (tile_width, tile_height) = if whole {
            (width.max(1), height.max(1))
        } else {
            (side(width, chunk_width), side(height, chunk_height))
        };
        Self {
            width,
            height,
            tile_width,
            tile_height,
        }
    }

    /// The grid of the next computed level: plane and tiles halved (rounded up), the same number of tiles.
    ///
    /// One decoded tile so suffices for its mean. An odd tile size inside a grid of several tiles cannot be halved
    /// that way; such a grid has no computed level.
    #[must_use]
    pub fn halved(&self) -> Option<Self> {
        let splits = |tile: u32, plane: u32| tile >= plane || tile.is_multiple_of(2);
        let even = splits(self.tile_width, self.width) && splits(self.tile_height, self.height);
        let worth_it = self.width > 1 || self.height > 1;
        (even && worth_it && self.tile_width.max(self.tile_height) > 1).then(|| Self {
            width: self.width.div_ceil(2),
            height: self.height.div_ceil(2),
            tile_width: self.tile_width.div_ceil(2),
            tile_height: self.tile_height.div_ceil(2),
        })
    }

    /// Tiles along x.
    #[must_use]
    pub fn num_cols(&self) -> u32 {
        self.width.div_ceil(self.tile_width)
    }

    /// Tiles along y.
    #[must_use]
    pub fn num_rows(&self) -> u32 {
        self.height.div_ceil(self.tile_height)
    }

    /// First column, first row, width and height in pixels of a tile; `None` outside of the grid.
    #[must_use]
    pub fn tile_rect(&self, row: u32, col: u32) -> Option<(u32, u32, u32, u32)> {
        if row >= self.num_rows() || col >= self.num_cols() {
            return None;
        }
        let (x, y) = (col * self.tile_width, row * self.tile_height);
        Some((
            x,
            y,
            self.tile_width.min(self.width - x),
            self.tile_height.min(self.height - y),
        ))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Lengths of planes and chunks: small ones, those about a budget, and any.
    fn length() -> impl Strategy<Value = u32> {
        prop_oneof![1..40_u32, 4000..5000_u32, 1..262_144_u32]
    }

    /// Along one axis the tiles from 0 on must meet without gap or overlap and end with the plane.
    fn check_axis(spans: impl Iterator<Item = (u32, u32)>, length: u32) {
        let end = spans.fold(0, |end, (start, size)| {
            assert_eq!(start, end, "a gap or an overlap");
            assert!(size > 0, "an empty tile at {start}");
            start + size
        });
        assert_eq!(end, length);
    }

    fn check_covers_once(grid: TileGrid) {
        let rect = |row, col| grid.tile_rect(row, col).expect("inside the grid");
        let across = (0..grid.num_cols()).map(|col| rect(0, col));
        check_axis(across.map(|(x, _, width, _)| (x, width)), grid.width);
        let down = (0..grid.num_rows()).map(|row| rect(row, 0));
        check_axis(down.map(|(_, y, _, height)| (y, height)), grid.height);
        let (row, col) = (grid.num_rows() - 1, grid.num_cols() - 1);
        let ((x, _, width, _), (_, y, _, height)) = (rect(0, col), rect(row, 0));
        assert_eq!(
            rect(row, col),
            (x, y, width, height),
            "rows and columns agree"
        );
        assert_eq!(grid.tile_rect(row + 1, 0), None);
        assert_eq!(grid.tile_rect(0, col + 1), None);
    }

    proptest! {
        #[test]
        fn tiles_of_every_level_cover_the_plane_exactly_once(
            (width, height) in (length(), length()),
            (chunk_width, chunk_height) in (length(), length()),
        ) {
            let stored = TileGrid::of_stored(width, height, chunk_width, chunk_height);
            for grid in std::iter::successors(Some(stored), TileGrid::halved) {
                check_covers_once(grid);
                prop_assert!(grid.tile_width.max(grid.tile_height) <= limits::WHOLE_PLANE_TILE_PX);
                prop_assert_eq!((grid.num_rows(), grid.num_cols()), (stored.num_rows(), stored.num_cols()));
            }
        }
    }

    #[test]
    fn a_camera_plane_is_one_tile() {
        let grid = TileGrid::of_stored(2048, 3000, 512, 512);
        assert_eq!((grid.num_rows(), grid.num_cols()), (1, 1));
        assert_eq!(grid.tile_rect(0, 0), Some((0, 0, 2048, 3000)));
        assert_eq!(grid.tile_rect(1, 0), None);
    }

    #[test]
    fn a_large_plane_is_cut_along_its_chunks() {
        let grid = TileGrid::of_stored(50_000, 50_000, 512, 300);
        assert_eq!(grid.tile_width % 512, 0);
        assert_eq!(grid.tile_height % 300, 0);
        assert!((1024..=2048).contains(&grid.tile_width));
    }

    #[test]
    fn a_halved_grid_keeps_the_number_of_tiles() {
        let grid = TileGrid::of_stored(50_001, 4999, 512, 512);
        let half = grid.halved().expect("even tiles");
        assert_eq!(
            (half.num_rows(), half.num_cols()),
            (grid.num_rows(), grid.num_cols())
        );
    }

    #[test]
    fn chunks_longer_than_a_texture_are_cut() {
        let grid = TileGrid::of_stored(100_000, 10, 100_000, 10);
        assert!(grid.tile_width <= limits::WHOLE_PLANE_TILE_PX);
    }
}
