//! A dataset that was listed again: what is new gets rows of its own, what was there keeps its id.

use std::{collections::HashMap, sync::Arc};

use super::{Dataset, Fov, ImageSlot, OpenFovError};
use crate::model::{Code, FovId};

impl Dataset {
    /// The next revision, with what listing the same path again (`fresh`) found.
    ///
    /// FOVs are the same where their paths are; new ones get rows at the end of the table, and the display order is that
    /// of `fresh`. Rows that vanished stay, at the end of the order and not present. Opened images stay unless `fresh` has
    /// another one.
    #[must_use]
    pub fn grown(&self, fresh: Self) -> Self {
        let known: HashMap<&str, FovId> = self
            .fovs
            .iter()
            .enumerate()
            .map(|(row, fov)| (fov.path.as_str(), FovId(row as u32)))
            .collect();
        let mut rows: Vec<Fov> = self.fovs.to_vec();
        let mut images = self.images.clone();
        images.resize(rows.len(), ImageSlot::Unopened);
        for row in &mut rows {
            row.present = false;
        }
        let mut ids = vec![FovId(0); fresh.fovs.len()];
        for (at, fov) in fresh.fovs.iter().enumerate() {
            let slot = fresh.images.get(at).cloned().unwrap_or_default();
            if let Some(&id) = known.get(fov.path.as_str()) {
                ids[at] = id;
                let kept = std::mem::take(&mut images[id.row()]);
                let was_present = self.fovs[id.row()].present;
                images[id.row()] = slot_of(kept, slot, (was_present, fov.present));
                rows[id.row()] = fov.clone();
            } else {
                ids[at] = FovId(rows.len() as u32);
                rows.push(fov.clone());
                images.push(slot);
            }
        }
        let mut order: Vec<FovId> = fresh
            .order
            .iter()
            .filter_map(|fov| ids.get(fov.row()).copied())
            .collect();
        let mut is_shown = vec![false; rows.len()];
        for fov in &order {
            is_shown[fov.row()] = true;
        }
        let vanished = (0..rows.len()).filter(|&row| !is_shown[row]);
        order.extend(vanished.map(|row| FovId(row as u32)));
        Self {
            id: self.id,
            revision: self.revision + 1,
            fovs: rows.into(),
            order: order.into(),
            images,
            ..fresh
        }
    }
}

/// What is known of a row's store: an image is another one only where it differs, and a store that is there now may be
/// tried again.
fn slot_of(
    kept: ImageSlot,
    fresh: ImageSlot,
    (was_present, is_present): (bool, bool),
) -> ImageSlot {
    let is_back = |error: &OpenFovError| error.code == Code::NotFound && !was_present;
    match (kept, fresh) {
        (ImageSlot::Opened(kept), ImageSlot::Opened(fresh)) if *kept == *fresh => {
            ImageSlot::Opened(Arc::clone(&kept))
        }
        (_, fresh @ ImageSlot::Opened(_)) => fresh,
        (ImageSlot::Failed(error), _)
            if is_present && (error.code == Code::NotWritten || is_back(&error)) =>
        {
            ImageSlot::Unopened
        }
        (kept, _) => kept,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::testing::{Sizes, dataset, failed, image};

    fn listed(paths: &[&str]) -> Dataset {
        let described = dataset(Sizes {
            num_fovs: paths.len() as u32,
            ..Sizes::default()
        });
        let fovs = paths.iter().map(|&path| Fov {
            path: path.into(),
            label: path.into(),
            present: true,
            ..Fov::default()
        });
        Dataset {
            fovs: fovs.collect(),
            images: vec![ImageSlot::Unopened; paths.len()],
            ..described
        }
    }

    fn shown(dataset: &Dataset) -> Vec<&str> {
        let mut paths = Vec::new();
        for &fov in dataset.order.iter() {
            paths.push(dataset.fov(fov).unwrap().path.as_str());
        }
        paths
    }

    #[test]
    fn a_well_that_sorts_before_others_moves_no_row() {
        let mut base = listed(&["A/1/0", "B/1/0"]);
        base.revision = 7;
        base.images[1] = ImageSlot::Opened(Arc::new(image(Sizes::default())));
        let grown = base.grown(listed(&["A/1/0", "A/10/0", "B/1/0"]));
        assert_eq!((grown.id, grown.revision), (base.id, 8));
        assert_eq!(shown(&grown), ["A/1/0", "A/10/0", "B/1/0"]);
        assert_eq!(*grown.order, [FovId(0), FovId(2), FovId(1)]);
        assert_eq!(grown.fovs[1].path, "B/1/0");
        assert!(Arc::ptr_eq(
            grown.image(FovId(1)).unwrap(),
            base.image(FovId(1)).unwrap()
        ));
    }

    #[test]
    fn fovs_are_added_along_the_axis_of_an_array() {
        let base = listed(&["a.zarr#0", "a.zarr#1", "b.zarr#0"]);
        let grown = base.grown(listed(&["a.zarr#0", "a.zarr#1", "a.zarr#2", "b.zarr#0"]));
        assert_eq!(*grown.order, [0, 1, 3, 2].map(FovId));
        let again = grown.grown(listed(&["a.zarr#0", "a.zarr#1", "a.zarr#2", "b.zarr#0"]));
        assert_eq!(again.order, grown.order);
        assert_eq!(again.fovs, grown.fovs);
    }

    #[test]
    fn what_vanished_stays_at_the_end_and_is_not_present() {
        let mut base = listed(&["A/1/0", "B/1/0", "C/1/0"]);
        base.images[0] = ImageSlot::Opened(Arc::new(image(Sizes::default())));
        let grown = base.grown(listed(&["C/1/0", "D/1/0"]));
        assert_eq!(shown(&grown), ["C/1/0", "D/1/0", "A/1/0", "B/1/0"]);
        assert!(!grown.fovs[0].present && grown.fovs[2].present);
        assert!(grown.image(FovId(0)).is_some());
    }

    #[test]
    fn another_image_replaces_the_known_one_and_a_store_that_came_is_tried_again() {
        let mut base = listed(&["a", "b", "c"]);
        let old = Arc::new(image(Sizes::default()));
        base.images[0] = ImageSlot::Opened(old);
        base.images[1] = failed();
        let mut fresh = listed(&["a", "b", "c"]);
        let larger = image(Sizes {
            t: 9,
            ..Sizes::default()
        });
        fresh.images[0] = ImageSlot::Opened(Arc::new(larger));
        let ImageSlot::Failed(error) = failed() else {
            unreachable!("it is a failure")
        };
        base.images[2] = ImageSlot::Failed(Arc::new(crate::dataset::OpenFovError {
            code: Code::NotWritten,
            ..(*error).clone()
        }));
        let grown = base.grown(fresh);
        assert_eq!(grown.image(FovId(0)).unwrap().num_timepoints(), 9);
        assert!(matches!(grown.images[1], ImageSlot::Failed(_)));
        assert!(matches!(grown.images[2], ImageSlot::Unopened));
    }
}
