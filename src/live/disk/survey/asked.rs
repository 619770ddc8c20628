//! What is looked at because it is on the screen, and the files of planes that were found, which may be replaced.

use std::{collections::HashSet, path::Path};

use super::Survey;
use crate::{
    dataset::Sharing,
    live::disk::book::Told,
    model::{FovId, PlaneId, ZPick},
};

/// Planes that are asked for at once; a screen shows fewer.
const MAX_FIRST: usize = 4096;
/// Files that are compared with what they were in one look.
const FILES_PER_LOOK: usize = 64;

impl Survey {
    /// Takes the planes that are looked at first; new ones are told once more even if nothing changed.
    pub(in crate::live::disk) fn look_first(&mut self, planes: &[PlaneId]) {
        let before: HashSet<PlaneId> = self.first.drain(..).collect();
        // A file may have been replaced since it was read ahead.
        let mut fovs: Vec<FovId> = planes.iter().map(|plane| plane.fov).collect();
        fovs.dedup();
        for fov in fovs {
            self.stores.check_file(fov, &self.outbox);
        }
        for &plane in planes {
            let shape = self.stores.shape(plane.fov);
            let slices: Vec<PlaneId> = match plane.z {
                ZPick::Slice(_) => vec![plane.at_level(0)],
                ZPick::Max => {
                    let template = &self.stores.dataset().template;
                    let image = self.stores.dataset().image(plane.fov).unwrap_or(template);
                    let slice = |z| PlaneId {
                        z: ZPick::Slice(z),
                        level: 0,
                        ..plane
                    };
                    (0..image.num_z_slices())
                        .take(MAX_FIRST)
                        .map(slice)
                        .collect()
                }
            };
            for slice in slices {
                let is_new = !before.contains(&slice);
                if let Some((key, idx)) = shape.place_of(slice).filter(|_| is_new) {
                    let was_written = self.book.told(key, idx) == Told::Written;
                    self.book.forget_plane(key, shape.len(), idx);
                    self.is_retelling = was_written;
                    self.probe(key, idx);
                    self.is_retelling = false;
                }
                self.first.push(slice);
            }
            if self.first.len() >= MAX_FIRST {
                break;
            }
        }
        self.first.truncate(MAX_FIRST);
    }

    pub(super) fn look_at_first(&mut self) -> bool {
        let mut has_found = false;
        let first = std::mem::take(&mut self.first);
        let mut written = Vec::new();
        for &plane in &first {
            let place = self.stores.shape(plane.fov).place_of(plane);
            let Some((key, idx)) = place else { continue };
            if self.book.told(key, idx) == Told::Written {
                written.push(plane);
            } else if self.probe(key, idx) {
                has_found = true;
                self.note_file(plane);
            }
        }
        self.first = first;
        let count = written.len().max(1);
        let from = (self.turn as usize * FILES_PER_LOOK) % count;
        for &plane in written
            .iter()
            .cycle()
            .skip(from)
            .take(FILES_PER_LOOK.min(written.len()))
        {
            self.check_file(plane);
        }
        has_found
    }

    /// Compares files that were found lately with what they were.
    pub(in crate::live::disk) fn check_latest_files(&mut self) {
        let count = FILES_PER_LOOK * 4;
        let from = (self.turn as usize).wrapping_mul(count) % self.files.len().max(1);
        for (path, plane) in self.files.some(from, count) {
            self.check_known_file(&path, plane);
        }
    }

    pub(super) fn note_file(&mut self, plane: PlaneId) {
        if let Ok(path) = self.store.file_of(self.stores.dataset(), plane)
            && !self.stores.is_described_by(plane.fov, &path)
        {
            self.files.note(path, plane);
        }
    }

    pub(super) fn check_file(&mut self, plane: PlaneId) {
        if let Ok(path) = self.store.file_of(self.stores.dataset(), plane)
            && !self.stores.is_described_by(plane.fov, &path)
        {
            if self.files.is_known(&path, plane) {
                self.check_known_file(&path, plane);
            } else {
                self.files.note(path, plane);
            }
        }
    }

    /// Tells planes whose file was replaced, unless another channel came into it.
    pub(super) fn check_known_file(&mut self, path: &Path, plane: PlaneId) {
        if !self.files.is_changed(path) {
            return;
        }
        let sharing = self.store.sharing(self.stores.dataset(), plane);
        if sharing == Sharing::InPlace {
            self.outbox.rewritten(self.files.renew_shared(path));
            return;
        }
        let shape = self.stores.shape(plane.fov);
        let num_channels = self
            .stores
            .dataset()
            .image(plane.fov)
            .map_or(0, |image| image.num_channels());
        let mut has_more = false;
        for c in 0..num_channels {
            let sibling = PlaneId {
                c: c as u16,
                ..plane
            };
            if let Some((key, idx)) = shape.place_of(sibling)
                && self.book.told(key, idx) != Told::Written
            {
                has_more |= self.probe(key, idx);
            }
        }
        let planes = self.files.renew(path);
        if !has_more && sharing == Sharing::None {
            self.outbox.rewritten(planes);
        }
    }

    /// FOVs of the planes that were asked for, a few.
    pub(in crate::live::disk) fn first_fovs(&self) -> Vec<FovId> {
        const A_FEW: usize = 16;
        let mut fovs: Vec<FovId> = self.first.iter().map(|plane| plane.fov).collect();
        fovs.dedup();
        fovs.sort_unstable();
        fovs.dedup();
        fovs.truncate(A_FEW);
        fovs
    }
}
