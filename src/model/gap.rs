//! Parts of a tile that are not on disk (yet).

/// A rectangle of a tile, in its pixels, whose samples stand for nothing: no chunk of it is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// First column.
    pub x: u32,
    /// First row.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Gap {
    /// True where the gap holds column `x`, row `y`.
    #[must_use]
    pub fn holds(&self, x: u32, y: u32) -> bool {
        let inside = |at: u32, start: u32, len: u32| at >= start && at - start < len;
        inside(x, self.x, self.width) && inside(y, self.y, self.height)
    }

    /// The same in a tile of half the size, whose full size is `width` x `height`; what is mixed with samples is no gap.
    #[must_use]
    pub fn halved(&self, width: u32, height: u32) -> Self {
        let half = |start: u32, len: u32, all: u32| {
            let end = start.saturating_add(len);
            let end = if end >= all { all.div_ceil(2) } else { end / 2 };
            let start = start.div_ceil(2);
            (start, end.saturating_sub(start))
        };
        let ((x, width), (y, height)) = (
            half(self.x, self.width, width),
            half(self.y, self.height, height),
        );
        Self {
            x,
            y,
            width,
            height,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(columns: [u32; 2], all: u32, expected: [u32; 2]) {
        let gap = Gap {
            x: columns[0],
            y: 0,
            width: columns[1],
            height: 4,
        };
        let halved = gap.halved(all, 4);
        assert_eq!(([halved.x, halved.width], halved.y), (expected, 0));
        assert_eq!(halved.height, 2);
    }

    #[test]
    fn half_of_a_gap_holds_no_sample_and_reaches_the_edge() {
        check([4, 4], 10, [2, 2]);
        check([3, 4], 10, [2, 1]);
        check([4, 5], 9, [2, 3]);
        check([5, 1], 10, [3, 0]);
    }
}
