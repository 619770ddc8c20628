//! The picture of a FOV whose store is not open yet: its tiles are read as soon as that is, should they be those of the
//! template, before the interface has taken the news.

use std::sync::Arc;

use super::{Task, job::Job, queue::Shared};
use crate::{dataset::OpenedFov, model::FovId};

impl Shared {
    /// The store of a FOV was opened: what is likely to be wished of it next is queued, before all else.
    pub(super) fn follow(&self, task: &Task, fov: FovId, opened: &OpenedFov) {
        let is_shown = |likely: &[Job]| {
            let first = likely.first();
            matches!(first, Some(Job::Tile(tile, _)) if tile.plane.fov == fov)
        };
        if !is_shown(&self.lock().likely) {
            return;
        }
        let dataset = &task.dataset;
        let next = dataset.with_opened(vec![(fov, Ok(opened.clone()))]);
        let image = next.image(fov);
        if !image.is_some_and(|image| image.is_cut_like(&dataset.template)) {
            return;
        }
        let mut state = self.lock();
        // Another wish came meanwhile.
        let is_same = state.dataset.as_ref();
        if !is_same.is_some_and(|it| Arc::ptr_eq(it, dataset)) || !is_shown(&state.likely) {
            return;
        }
        state.dataset = Some(Arc::new(next));
        let likely = std::mem::take(&mut state.likely);
        for job in &likely {
            state.wanted.insert(*job, 0);
            if let Job::Tile(tile, _) = job {
                state.visible.insert(*tile);
            }
        }
        for job in likely.into_iter().rev() {
            state.queue.push_front(job);
        }
    }
}
