//! Axes other than t, c, z, y, x and FOV (angle, phase): their lengths, and the one number that addresses all of them.

use super::{Image, image::clamp_u32};
use crate::model::AxisRole;

impl Image {
    /// Name and length at level 0 of every such axis, in the order of the array.
    pub fn extra_axes(&self) -> impl Iterator<Item = (&str, u32)> {
        let axes = self.axes.iter().zip(&self.levels[0].shape);
        let others = axes.filter(|(axis, _)| axis.role == AxisRole::Other);
        others.map(|(axis, &length)| (axis.name.as_str(), clamp_u32(length).max(1)))
    }

    /// The index along the n-th of these axes that `extra` stands for: the last axis is the fastest.
    #[must_use]
    pub fn extra_index(&self, extra: u32, axis: usize) -> u32 {
        let lengths: Vec<u32> = self.extra_axes().map(|(_, length)| length).collect();
        let Some(&length) = lengths.get(axis) else {
            return 0;
        };
        extra / Self::stride(&lengths, axis) % length
    }

    /// `extra` with another index along the n-th of these axes, clamped to its end.
    #[must_use]
    pub fn extra_with(&self, extra: u32, axis: usize, index: u32) -> u32 {
        let lengths: Vec<u32> = self.extra_axes().map(|(_, length)| length).collect();
        let Some(&length) = lengths.get(axis) else {
            return extra;
        };
        let stride = Self::stride(&lengths, axis);
        let others = extra.saturating_sub(self.extra_index(extra, axis).saturating_mul(stride));
        others.saturating_add(index.min(length - 1).saturating_mul(stride))
    }

    fn stride(lengths: &[u32], axis: usize) -> u32 {
        let faster = lengths.get(axis + 1..).unwrap_or(&[]);
        faster
            .iter()
            .fold(1_u32, |product, &length| product.saturating_mul(length))
    }
}

#[cfg(test)]
mod tests {
    use crate::dataset::testing::{Sizes, image, with_extra};

    #[test]
    fn one_number_stands_for_an_index_along_each_axis() {
        let image = with_extra(image(Sizes::default()), &[("angle", 3), ("phase", 5)]);
        let axes: Vec<_> = image.extra_axes().collect();
        assert_eq!(axes, [("angle", 3), ("phase", 5)]);
        for extra in 0..15 {
            let (angle, phase) = (image.extra_index(extra, 0), image.extra_index(extra, 1));
            assert_eq!(angle * 5 + phase, extra);
            assert_eq!(image.extra_with(extra, 0, 2), 10 + phase);
            assert_eq!(image.extra_with(extra, 1, 9), angle * 5 + 4, "clamped");
        }
        assert_eq!(image.extra_index(7, 2), 0);
        assert_eq!(image.extra_with(7, 2, 1), 7);
    }
}
