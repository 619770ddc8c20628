//! Label images: how they lie over the image that they label, and which of them have been opened.
//!
//! Layer n of a [`PlaneId`] is the n-th name of [`Image::labels`]. A label image is opened when it is first shown: a
//! dataset with many costs nothing more.

use std::{collections::HashMap, sync::Arc};

use super::{Image, OpenFovError};
use crate::model::{AxisRole, FovId, LabelColors, PlaneId, Problem, ZPick};

/// How the pixels of a label image lie on those of the image, both at level 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelPlacement {
    /// Left edge, in pixels of the image.
    pub x: f64,
    /// Upper edge, in pixels of the image.
    pub y: f64,
    /// Width of a label's pixel, in pixels of the image; above 0.
    pub pixel_width: f64,
    /// Height of a label's pixel, in pixels of the image; above 0.
    pub pixel_height: f64,
    /// Where its z-slices begin, in slices of the image.
    pub z: f64,
    /// Height of a label's z-slice, in slices of the image; above 0.
    pub z_step: f64,
}

/// A label image that can be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelImage {
    /// Its levels; integer samples.
    pub image: Arc<Image>,
    /// Where it lies.
    pub placement: LabelPlacement,
    /// Colours that the files give to single labels.
    pub colors: Arc<LabelColors>,
}

impl LabelImage {
    /// Its plane, named at level 0, over a z-slice of the image (named at level 0, too); `None` where it has none there.
    /// An axis that it lacks, or along which it has one index, says the same everywhere.
    #[must_use]
    pub fn plane_over(&self, plane: PlaneId, layer: u16) -> Option<PlaneId> {
        let ZPick::Slice(z) = plane.z else {
            return None;
        };
        let along = |role: AxisRole, index: u32| {
            let length = self.image.len_of(role);
            let index = if length == 1 { 0 } else { index };
            (u64::from(index) < length).then_some(index)
        };
        let slice = (f64::from(z) + 0.5 - self.placement.z) / self.placement.z_step;
        let z = if self.image.len_of(AxisRole::Z) == 1 {
            0
        } else {
            u32::try_from(slice.floor() as i64).ok()?
        };
        let c = along(AxisRole::Channel, plane.c.into()).unwrap_or(0);
        let extra = if self.image.num_extra() == 1 {
            0
        } else {
            plane.extra
        };
        (extra < self.image.num_extra()).then_some(PlaneId {
            layer,
            t: along(AxisRole::Time, plane.t)?,
            c: u16::try_from(c).ok()?,
            z: ZPick::Slice(along(AxisRole::Z, z)?),
            extra,
            level: 0,
            ..plane
        })
    }

    /// Its pixel (column, row) over a pixel of the image, both at level 0; `None` outside.
    #[must_use]
    pub fn pixel_over(&self, x: u32, y: u32) -> Option<(u32, u32)> {
        let (width, height) = self.image.plane_size();
        let at = |pixel: u32, start: f64, size: f64, count: u32| {
            let at = ((f64::from(pixel) + 0.5 - start) / size).floor();
            (at >= 0.0 && at < f64::from(count)).then_some(at as u32)
        };
        let place = &self.placement;
        Some((
            at(x, place.x, place.pixel_width, width)?,
            at(y, place.y, place.pixel_height, height)?,
        ))
    }
}

/// What opening a label image revealed.
#[derive(Clone, Debug)]
pub struct OpenedLabel {
    /// The label image.
    pub label: LabelImage,
    /// Problems found on the way.
    pub problems: Vec<Problem>,
}

/// A label image, or why it cannot be drawn.
pub type LabelSlot = Result<Arc<LabelImage>, Arc<OpenFovError>>;

/// Label images that somebody wished to see, by FOV and layer.
#[derive(Clone, Debug, Default)]
pub struct Labels(Arc<HashMap<(FovId, u16), LabelSlot>>);

impl Labels {
    /// The label image of a layer; `None` until it is opened.
    #[must_use]
    pub fn get(&self, fov: FovId, layer: u16) -> Option<&LabelSlot> {
        self.0.get(&(fov, layer))
    }

    /// One more.
    pub(super) fn insert(
        &mut self,
        fov: FovId,
        layer: u16,
        found: Result<LabelImage, OpenFovError>,
    ) {
        let found = found.map(Arc::new).map_err(Arc::new);
        Arc::make_mut(&mut self.0).insert((fov, layer), found);
    }
}

/// Layer and name of every label image of an image.
pub fn layers(image: &Image) -> impl Iterator<Item = (u16, &str)> {
    (1..).zip(image.labels.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::testing::{Sizes, image};

    fn label(sizes: Sizes, placement: LabelPlacement) -> LabelImage {
        LabelImage {
            image: Arc::new(image(sizes)),
            placement,
            colors: Arc::default(),
        }
    }

    const SAME: LabelPlacement = LabelPlacement {
        x: 0.0,
        y: 0.0,
        pixel_width: 1.0,
        pixel_height: 1.0,
        z: 0.0,
        z_step: 1.0,
    };

    fn over(label: &LabelImage, t: u32, z: u32) -> Option<(u32, u16, ZPick)> {
        let plane = PlaneId {
            fov: FovId(0),
            layer: 0,
            t,
            c: 1,
            z: ZPick::Slice(z),
            extra: 0,
            level: 0,
        };
        let found = label.plane_over(plane, 2)?;
        assert_eq!(found.layer, 2);
        Some((found.t, found.c, found.z))
    }

    #[test]
    fn a_single_index_says_the_same_everywhere() {
        let one = Sizes {
            t: 1,
            c: 1,
            z: 1,
            ..Sizes::default()
        };
        assert_eq!(over(&label(one, SAME), 3, 4), Some((0, 0, ZPick::Slice(0))));
        let all = label(Sizes::default(), SAME);
        assert_eq!(over(&all, 3, 4), Some((3, 1, ZPick::Slice(4))));
        assert_eq!(over(&all, 9, 4), None);
        assert_eq!(over(&all, 3, 9), None);
    }

    #[test]
    fn slices_and_pixels_follow_the_placement() {
        let half = Sizes {
            z: 2,
            width: 10,
            height: 10,
            ..Sizes::default()
        };
        let placement = LabelPlacement {
            x: 4.0,
            y: -2.0,
            pixel_width: 2.0,
            pixel_height: 4.0,
            z: 1.0,
            z_step: 2.0,
        };
        let label = label(half, placement);
        let slices: Vec<_> = (0..6).map(|z| over(&label, 0, z).map(|it| it.2)).collect();
        let slice = |z| Some(ZPick::Slice(z));
        assert_eq!(slices, [None, slice(0), slice(0), slice(1), slice(1), None]);
        assert_eq!(label.pixel_over(3, 0), None);
        assert_eq!(label.pixel_over(4, 0), Some((0, 0)));
        assert_eq!(label.pixel_over(23, 37), Some((9, 9)));
        assert_eq!(label.pixel_over(24, 0), None);
    }
}
