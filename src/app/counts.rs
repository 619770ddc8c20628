//! How many planes of a dataset are in which state, as panel, pill and clients are told.
//!
//! The ledger knows what somebody looked at. Of a finished dataset nobody has to look: what is not known to be otherwise
//! is there, or counts as the fill value.

use super::Viewing;
use crate::{
    dataset::{Dataset, Image, ImageSlot},
    ledger::PageSize,
    live::PlaneCounts,
    model::{Code, NavAxis},
};

/// What the FOV table of a finished dataset says of its planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// Of all FOVs, those of the plan included.
    all: u64,
    /// Of FOVs that are there, as far as anybody knows, at timepoints that were not left out.
    there: u64,
    /// Of FOVs that are there and cannot be opened.
    failed: u64,
}

impl Viewing {
    /// The planes of the dataset.
    pub(super) fn counts(&self) -> PlaneCounts {
        let total = self.ledger.total();
        let booked = PlaneCounts {
            planned: planned_planes(&self.dataset),
            written: total.written + total.announced,
            partial: total.partial,
            missing: total.missing,
            failed: total.failed,
        };
        if self.dataset.is_registered() {
            return self.registered_counts(booked);
        }
        if !self.dataset.is_finished() {
            return booked;
        }
        let listed = self.listed();
        let mut not_whole = booked.partial + booked.missing + booked.failed;
        let mut found = 0;
        for t in self.dataset.skipped_timepoints() {
            let looked_at = self.ledger.counts_of_timepoint(t);
            let without = looked_at.partial + looked_at.missing + looked_at.failed;
            not_whole = not_whole.saturating_sub(without);
            found += looked_at.written + looked_at.announced;
        }
        let written = listed.there.saturating_sub(not_whole) + found;
        let failed = booked.failed + listed.failed;
        PlaneCounts {
            planned: Some(listed.all),
            written,
            missing: listed.all.saturating_sub(written + booked.partial + failed),
            failed,
            ..booked
        }
    }

    /// Of planes that are registered one by one there are those and no others: after the end the rest is missing.
    fn registered_counts(&self, booked: PlaneCounts) -> PlaneCounts {
        let is_over = self.dataset.is_announced_to_end || self.dataset.is_finished();
        let planned = booked.planned.filter(|_| is_over);
        let there = booked.written + booked.partial + booked.failed;
        let missing = planned.map_or(0, |planned| planned.saturating_sub(there));
        PlaneCounts {
            missing: missing.max(booked.missing),
            ..booked
        }
    }

    /// Counted once per revision of the dataset.
    fn listed(&self) -> Listed {
        let revision = self.dataset.revision;
        if let Some((_, listed)) = self.listed.get().filter(|(known, _)| *known == revision) {
            return listed;
        }
        let listed = listed(&self.dataset);
        self.listed.set(Some((revision, listed)));
        listed
    }
}

fn listed(dataset: &Dataset) -> Listed {
    let template = dataset.template.num_planes();
    let num_fovs = dataset.fovs.len() as u64;
    let by_template = template.saturating_mul(num_fovs);
    let num_skipped = dataset.skipped_timepoints().count() as u64;
    let taken = |image: &Image| {
        let num_taken = u64::from(image.num_timepoints()).saturating_sub(num_skipped);
        PageSize::of(image).num_planes().saturating_mul(num_taken)
    };
    let mut listed = Listed {
        all: planned_planes(dataset).unwrap_or(by_template),
        there: 0,
        failed: 0,
    };
    for (row, slot) in dataset.fovs.iter().zip(&dataset.images) {
        match slot {
            ImageSlot::Opened(image) | ImageSlot::Stale(image) => {
                let planes = image.num_planes();
                listed.all = listed.all.saturating_sub(template).saturating_add(planes);
                listed.there = listed.there.saturating_add(taken(image));
            }
            ImageSlot::Failed(error) | ImageSlot::Retried(error) => {
                if !matches!(error.code, Code::MissingArray | Code::NotWritten) {
                    listed.failed = listed.failed.saturating_add(template);
                }
            }
            ImageSlot::Unopened if row.present => {
                listed.there = listed.there.saturating_add(taken(&dataset.template));
            }
            ImageSlot::Unopened => {}
        }
    }
    listed
}

/// Planes that there will be at the end, where that is known; as many as the stores have room for where those grew.
fn planned_planes(dataset: &Dataset) -> Option<u64> {
    let by_files = dataset
        .acquisition
        .as_ref()
        .and_then(|it| it.planned_planes);
    let is_announced = dataset.announcement.is_some();
    // Of registered planes there are those that have begun.
    let has_stores = dataset.is_template_read && !dataset.is_registered();
    let by_stores = has_stores.then(|| {
        let num_timepoints = u64::from(dataset.len_along(NavAxis::Time));
        let per_timepoint = PageSize::of(&dataset.template).num_planes();
        let of_fov = per_timepoint.saturating_mul(num_timepoints);
        of_fov.saturating_mul(dataset.num_fovs().into())
    });
    match by_files {
        Some(by_files) => Some(by_files.max(by_stores.unwrap_or(0))),
        None => by_stores.filter(|_| is_announced),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        dataset::{
            Acquisition, OpenFovError,
            testing::{Sizes, dataset, image},
        },
        model::{FovId, PlaneId, PlaneState, ZPick},
        session::Session,
    };

    fn viewing(change: impl FnOnce(&mut Dataset)) -> Viewing {
        let mut dataset = dataset(Sizes::default());
        change(&mut dataset);
        let session = Session::new(&dataset);
        Viewing::new(dataset, session)
    }

    fn book(viewing: &mut Viewing, z: u32, state: PlaneState) {
        book_at(viewing, 0, z, state);
    }

    fn book_at(viewing: &mut Viewing, t: u32, z: u32, state: PlaneState) {
        let plane = PlaneId {
            fov: FovId(0),
            layer: 0,
            t,
            c: 0,
            z: ZPick::Slice(z),
            extra: 0,
            level: 0,
        };
        let size = PageSize::of(&viewing.dataset.template);
        viewing.ledger.book(size, plane, state);
    }

    fn run(complete: Option<bool>) -> Acquisition {
        Acquisition {
            complete,
            planned_planes: Some(120),
            ..Acquisition::default()
        }
    }

    // Three FOVs with 4 timepoints, 2 channels and 5 slices: 40 planes each.

    #[test]
    fn an_unfinished_acquisition_counts_what_was_looked_at() {
        for complete in [None, Some(false)] {
            let mut viewing = viewing(|dataset| dataset.acquisition = Some(run(complete)));
            book(&mut viewing, 0, PlaneState::Written);
            book(&mut viewing, 1, PlaneState::Missing);
            let expected = PlaneCounts {
                planned: Some(120),
                written: 1,
                missing: 1,
                ..PlaneCounts::default()
            };
            assert_eq!(viewing.counts(), expected);
        }
    }

    #[test]
    fn of_a_finished_dataset_what_nobody_looked_at_is_there() {
        for acquisition in [None, Some(run(Some(true)))] {
            let mut viewing = viewing(|dataset| dataset.acquisition = acquisition);
            let expected = |written, missing, failed| PlaneCounts {
                planned: Some(120),
                written,
                missing,
                failed,
                ..PlaneCounts::default()
            };
            assert_eq!(viewing.counts(), expected(120, 0, 0));
            book(&mut viewing, 0, PlaneState::Written);
            book(&mut viewing, 1, PlaneState::Missing);
            book(&mut viewing, 2, PlaneState::Failed("torn".into()));
            assert_eq!(viewing.counts(), expected(118, 1, 1));
        }
    }

    #[test]
    fn timepoints_that_were_left_out_are_missing_whoever_looked_at_them() {
        let mut viewing = viewing(|dataset| {
            dataset.acquisition = Some(Acquisition {
                begun_timepoints: Arc::new([0, 2, 3].into()),
                ..run(Some(true))
            });
        });
        let counts = |viewing: &Viewing| {
            let counts = viewing.counts();
            [counts.planned.unwrap_or(0), counts.written, counts.missing]
        };
        assert_eq!(counts(&viewing), [120, 90, 30]);
        let mut with = |t, state| {
            book_at(&mut viewing, t, 0, state);
            counts(&viewing)
        };
        assert_eq!(with(1, PlaneState::Missing), [120, 90, 30]);
        assert_eq!(with(2, PlaneState::Missing), [120, 89, 31]);
        // Its folder was deleted, and not what was written.
        assert_eq!(with(1, PlaneState::Written), [120, 90, 30]);
    }

    #[test]
    fn fovs_that_are_absent_or_broken_or_of_another_size_are_counted_as_such() {
        let failed = |code| {
            ImageSlot::Failed(Arc::new(OpenFovError {
                code,
                message: String::new(),
                location: String::new(),
            }))
        };
        let counts = |change: fn(&mut Dataset)| {
            let counts = viewing(change).counts();
            [
                counts.planned.unwrap_or(0),
                counts.written,
                counts.missing,
                counts.failed,
            ]
        };
        assert_eq!(counts(|_| {}), [120, 120, 0, 0]);
        let absent = counts(|dataset| {
            let mut rows = dataset.fovs.to_vec();
            rows[1].present = false;
            dataset.fovs = rows.into();
            dataset.images[1] = ImageSlot::Unopened;
        });
        assert_eq!(absent, [120, 80, 40, 0]);
        let mut broken = viewing(|_| {});
        let mut next = broken.dataset.as_ref().clone();
        next.revision += 1;
        next.images[1] = failed(Code::BadJson);
        next.images[2] = failed(Code::MissingArray);
        broken.dataset = Arc::new(next);
        let found = broken.counts();
        assert_eq!((found.written, found.missing, found.failed), (40, 40, 40));
        let longer = counts(|dataset| {
            let sizes = Sizes {
                t: 5,
                ..Sizes::default()
            };
            dataset.images[1] = ImageSlot::Opened(Arc::new(image(sizes)));
        });
        assert_eq!(longer, [130, 130, 0, 0]);
        // Of a run that planned a fourth FOV.
        let planned = counts(|dataset| {
            dataset.acquisition = Some(Acquisition {
                complete: Some(true),
                planned_planes: Some(160),
                ..Acquisition::default()
            });
        });
        assert_eq!(planned, [160, 120, 40, 0]);
    }
}
