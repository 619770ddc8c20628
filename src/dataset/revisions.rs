//! Newer revisions of a dataset: what opening stores revealed, what changed on disk, how it ended.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use super::{
    Arrays, Dataset, ImageSlot, OpenFovError, OpenedFov, OpenedLabel, Sampling, SideFacts, names,
};
use crate::model::{AxisRole, Code, FovId, NavAxis, Problem};

impl Dataset {
    /// The next revision, with what opening stores revealed.
    #[must_use]
    pub fn with_opened(&self, opened: Vec<(FovId, Result<OpenedFov, OpenFovError>)>) -> Self {
        let mut next = self.clone();
        next.revision += 1;
        for (fov, outcome) in opened {
            match outcome {
                Ok(mut opened) => {
                    let images = opened.images.iter_mut().map(|(_, image)| image);
                    opened.problems.extend(names::cut_images(images));
                    if !next.is_template_read {
                        // Until there was a store, notices said how many timepoints there are.
                        next.known_timepoints = 0;
                    }
                    if let Some(around) = opened.around {
                        next.surround(&around);
                        next = next.with_short_names();
                    }
                    next.note_present(opened.images.iter().map(|(fov, _)| *fov));
                    for (fov, image) in opened.images {
                        if !next.is_template_read {
                            next.is_template_read = true;
                            next.template = Arc::clone(&image);
                        }
                        if let Some(slot) = next.images.get_mut(fov.row()) {
                            *slot = ImageSlot::Opened(image);
                        }
                    }
                    if next.is_registered() {
                        next.keep_registered(fov);
                    }
                    next.add_problems(opened.problems);
                }
                Err(error) => {
                    // Planned and not there yet is a state, not a problem.
                    if error.code != Code::NotWritten {
                        let problem = Problem::new(error.code, &error.location, &error.message);
                        next.add_problems(vec![problem]);
                    }
                    if let Some(slot) = next.images.get_mut(fov.row()) {
                        *slot = match std::mem::take(slot) {
                            // What was read of it before still holds: its documents may be half-written.
                            ImageSlot::Stale(image) => ImageSlot::Opened(image),
                            _ => ImageSlot::Failed(Arc::new(error)),
                        };
                    }
                }
            }
        }
        next
    }

    /// The next revision, with a label image that was opened, or could not be.
    #[must_use]
    pub fn with_label(
        &self,
        fov: FovId,
        layer: u16,
        outcome: Result<OpenedLabel, OpenFovError>,
    ) -> Self {
        let mut next = self.clone();
        next.revision += 1;
        let found = match outcome {
            Ok(mut opened) => {
                names::cut_label(&mut opened);
                next.add_problems(opened.problems);
                Ok(opened.label)
            }
            Err(error) => {
                let problem = Problem::new(error.code, &error.location, &error.message);
                next.add_problems(vec![problem]);
                Err(error)
            }
        };
        next.labels.insert(fov, layer, found);
        next
    }

    /// Stores of FOVs that were only planned are there now.
    fn note_present(&mut self, fovs: impl Iterator<Item = FovId>) {
        let is_absent = |fov: &FovId| self.fov(*fov).is_some_and(|row| !row.present);
        let appeared: Vec<FovId> = fovs.filter(is_absent).collect();
        if appeared.is_empty() {
            return;
        }
        let mut rows = self.fovs.to_vec();
        for fov in appeared {
            rows[fov.row()].present = true;
        }
        self.fovs = rows.into();
    }

    /// The next revision, in which the stores of these FOVs are known to be there and are to be opened (again).
    #[must_use]
    pub fn with_changed_stores(&self, fovs: &HashSet<FovId>) -> Self {
        let mut next = self.with_reopening(|fov| fovs.contains(&fov));
        next.note_present(fovs.iter().copied());
        next
    }

    /// Takes over what the side files around an announced acquisition say.
    fn surround(&mut self, around: &SideFacts) {
        let complete = self.acquisition.as_ref().and_then(|known| known.complete);
        let mut acquisition = around.acquisition.clone();
        acquisition.complete = acquisition.complete.or(complete);
        acquisition.aborted |= self.acquisition.as_ref().is_some_and(|known| known.aborted);
        // They were looked at when the side files appeared, and once more at the end.
        let begun = self
            .acquisition
            .as_ref()
            .map(|known| &known.begun_timepoints);
        if let Some(begun) = begun.filter(|it| it.len() > acquisition.begun_timepoints.len()) {
            acquisition.begun_timepoints = Arc::clone(begun);
        }
        self.acquisition = Some(acquisition);
        self.known_timepoints = around
            .num_timepoints
            .unwrap_or(0)
            .max(self.known_timepoints);
        let mut fovs = self.fovs.to_vec();
        for &(fov, centre, z_um) in &around.stage {
            if let Some(row) = fovs.get_mut(fov.row()) {
                (row.stage_um, row.stage_z_um) = (Some(centre), z_um);
            }
        }
        self.fovs = fovs.into();
        if self.is_registered() {
            self.describe_registered(around);
        }
        self.add_problems(around.problems.clone());
    }

    /// No store describes registered planes: side files do, where there are some.
    fn describe_registered(&mut self, around: &SideFacts) {
        if !around.name.is_empty() {
            self.name.clone_from(&around.name);
        }
        let mut image = self.template.as_ref().clone();
        if around.channels.len() == image.channels.len() {
            image.channels.clone_from(&around.channels);
        }
        let (known, found) = (image.sampling, around.sampling);
        image.sampling = Sampling {
            y_um: found.y_um.or(known.y_um),
            x_um: found.x_um.or(known.x_um),
            z_um: found.z_um.or(known.z_um),
            t_secs: found.t_secs.or(known.t_secs),
        };
        self.template = Arc::new(image);
        self.lengthen_announced(self.len_along(NavAxis::Time));
    }

    /// Looking around a FOV of registered planes opens nothing: it is what it was.
    fn keep_registered(&mut self, fov: FovId) {
        if let Some(slot) = self.images.get_mut(fov.row()) {
            *slot = ImageSlot::Opened(Arc::clone(&self.template));
        }
    }

    /// The next revision, in which these FOVs are to be opened again: their documents changed, or they may have come to
    /// be. Images that are known are shown until then.
    #[must_use]
    pub fn with_reopening(&self, is_meant: impl Fn(FovId) -> bool) -> Self {
        let mut next = self.clone();
        next.revision += 1;
        for (row, slot) in next.images.iter_mut().enumerate() {
            if is_meant(FovId(row as u32)) {
                *slot = match std::mem::take(slot) {
                    ImageSlot::Opened(image) | ImageSlot::Stale(image) => ImageSlot::Stale(image),
                    ImageSlot::Failed(error) | ImageSlot::Retried(error) => {
                        ImageSlot::Retried(error)
                    }
                    ImageSlot::Unopened => ImageSlot::Unopened,
                };
            }
        }
        next
    }

    /// The next revision, after the end of its announcements: stores that did not say that they are complete are asked
    /// again.
    #[must_use]
    pub fn with_announced_end(&self) -> Self {
        let mut next = self.with_reopening(|fov| !self.is_store_complete(fov));
        next.is_announced_to_end = true;
        next
    }

    /// The next revision, in which these stores are written anew: whatever was complete before was of an earlier run.
    #[must_use]
    pub fn with_stores_begun_anew(&self, fovs: &HashSet<FovId>) -> Self {
        let mut next = self.with_changed_stores(fovs);
        if let Some(acquisition) = &mut next.acquisition {
            acquisition.complete = None;
        }
        next
    }

    /// The next revision, after the acquisition came to its end, which began these timepoints: stores that did not say
    /// so are asked again.
    #[must_use]
    pub fn with_end(&self, is_aborted: bool, begun: BTreeSet<u32>) -> Self {
        let mut next = self.with_reopening(|fov| !self.is_store_complete(fov));
        let acquisition = next.acquisition.get_or_insert_default();
        acquisition.complete = Some(!is_aborted);
        acquisition.aborted |= is_aborted;
        acquisition.begun_timepoints = Arc::new(begun);
        next
    }

    /// The next revision, with at least so many timepoints; itself where it has them.
    #[must_use]
    pub fn with_timepoints(&self, num_timepoints: u32) -> Option<Self> {
        (num_timepoints > self.len_along(NavAxis::Time)).then(|| {
            let mut next = self.clone();
            next.revision += 1;
            next.known_timepoints = num_timepoints;
            next.lengthen_announced(num_timepoints);
            next
        })
    }

    /// Registered planes have no store that says how many timepoints there are, and stores that are not there yet do not
    /// say it either.
    fn lengthen_announced(&mut self, num_timepoints: u32) {
        let mut image = self.template.as_ref().clone();
        let Some(time_at) = image.axis_of(AxisRole::Time) else {
            return;
        };
        for level in &mut image.levels {
            match (&level.arrays, level.shape.get_mut(time_at)) {
                (Arrays::Registered(_), Some(length)) => *length = num_timepoints.into(),
                _ => return,
            }
        }
        let image = Arc::new(image);
        if self.is_registered() {
            self.images.fill(ImageSlot::Opened(Arc::clone(&image)));
        }
        self.template = image;
    }

    /// Lists problems that are not listed yet, within the budget; the last place says that there are more.
    pub fn add_problems(&mut self, problems: Vec<Problem>) {
        for problem in problems {
            let num_free = crate::model::limits::PROBLEMS.saturating_sub(self.problems.len());
            if num_free == 0 || self.problems.contains(&problem) {
                continue;
            }
            self.problems.push(match num_free {
                1 => Problem::new(Code::TooLarge, ".", "further problems are not listed"),
                _ => problem,
            });
        }
    }
}
