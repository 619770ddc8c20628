//! Length and time of files: whether one is another than it was.

use std::{
    cmp::Ordering,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use lru::LruCache;

use crate::{
    model::{FileStamp, PlaneId},
    source::stamp_of,
};

/// Files of planes that are remembered: those on the screen and the latest ones.
const KEPT_FILES: NonZeroUsize = NonZeroUsize::new(4096).expect("above zero");

/// Planes of one file that are remembered, the latest ones: the channels of a shard, the pages of an OME-TIFF.
const KEPT_PLANES: usize = 1024;

/// A file with the planes in it that were told written: one, or all channels of a shard.
struct Kept {
    stamp: FileStamp,
    planes: Vec<PlaneId>,
}

/// The files of planes that were told written, the latest ones.
pub(super) struct PlaneFiles {
    files: LruCache<PathBuf, Kept>,
}

impl Default for PlaneFiles {
    fn default() -> Self {
        Self {
            files: LruCache::new(KEPT_FILES),
        }
    }
}

impl PlaneFiles {
    /// A plane was found written in a file. A shard is written anew for each of its channels: what the new one changed
    /// is no news of the others.
    pub(super) fn note(&mut self, path: PathBuf, plane: PlaneId) {
        let Some(stamp) = stamp_of(&path) else {
            return;
        };
        let kept = self.files.get_or_insert_mut(path, || Kept {
            stamp,
            planes: Vec::new(),
        });
        kept.stamp = stamp;
        if !kept.planes.contains(&plane) {
            if kept.planes.len() >= KEPT_PLANES {
                kept.planes.remove(0);
            }
            kept.planes.push(plane);
        }
    }

    /// True where the file of a plane is remembered.
    pub(super) fn is_known(&self, path: &Path, plane: PlaneId) -> bool {
        let kept = self.files.peek(path);
        kept.is_some_and(|kept| kept.planes.contains(&plane))
    }

    /// True where a remembered file is another one now.
    pub(super) fn is_changed(&mut self, path: &Path) -> bool {
        let known = self.files.get(path).map(|kept| kept.stamp);
        known.is_some_and(|known| stamp_of(path).is_some_and(|now| now != known))
    }

    /// Takes the file as it is now; the planes in it.
    pub(super) fn renew(&mut self, path: &Path) -> Vec<PlaneId> {
        match (self.files.get_mut(path), stamp_of(path)) {
            (Some(kept), Some(stamp)) => {
                kept.stamp = stamp;
                kept.planes.clone()
            }
            _ => Vec::new(),
        }
    }

    /// The same for a file that is filled in place. As long as it keeps its length, only the plane that was found last can
    /// be another one, read while it was being written. One that grew has more pages or a longer document.
    pub(super) fn renew_shared(&mut self, path: &Path) -> Vec<PlaneId> {
        let before = self.files.peek(path).map(|kept| kept.stamp.0);
        let planes = self.renew(path);
        let now = self.files.peek(path).map(|kept| kept.stamp.0);
        match now.cmp(&before) {
            Ordering::Less => planes,
            Ordering::Equal => planes.last().copied().into_iter().collect(),
            Ordering::Greater => Vec::new(),
        }
    }

    /// Up to `count` files from the `from`-th on, the latest first.
    pub(super) fn some(&self, from: usize, count: usize) -> Vec<(PathBuf, PlaneId)> {
        let files = self.files.iter().skip(from).take(count);
        files
            .filter_map(|(path, kept)| Some((path.clone(), *kept.planes.first()?)))
            .collect()
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, time::SystemTime};

    use super::*;
    use crate::model::{FovId, ZPick};

    #[test]
    fn a_shared_file_that_keeps_its_length_is_news_of_its_latest_plane_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.ome.tiff");
        let plane = |c| PlaneId {
            fov: FovId(0),
            layer: 0,
            t: 0,
            c,
            z: ZPick::Slice(0),
            extra: 0,
            level: 0,
        };
        fs::write(&path, [0; 8]).expect("written");
        let mut files = PlaneFiles::default();
        files.note(path.clone(), plane(0));
        files.note(path.clone(), plane(1));
        let file = fs::File::options().write(true).open(&path).expect("a file");
        let later = SystemTime::now() + std::time::Duration::from_secs(5);
        file.set_modified(later).expect("touched");
        assert!(files.is_changed(&path));
        assert_eq!(files.renew_shared(&path), [plane(1)]);
        assert!(!files.is_changed(&path));
        fs::write(&path, [0; 9]).expect("written");
        assert_eq!(files.renew_shared(&path), [], "pages were added");
        fs::write(&path, [0; 7]).expect("written");
        assert_eq!(files.renew_shared(&path), [plane(0), plane(1)]);
        for c in 0..2000 {
            files.note(path.clone(), plane(c));
        }
        assert_eq!(files.renew(&path).len(), KEPT_PLANES);
    }
}
