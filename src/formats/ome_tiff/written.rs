//! Which planes of a file that was made in advance are written: Squid's own notes.
//!
//! While it fills an OME-TIFF, Squid keeps `squid_ome_{SHA-1 of "folder:name"}_metadata.json` in the folder for temporary
//! files; it lists the planes as `t-c-z`, is rewritten in place after each one, and goes when all are written
//! (`control/core/utils_ome_tiff_writer.py`). Whoever watches from another computer does not see it.

use std::{
    collections::HashSet,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
};

use lru::LruCache;
use parking_lot::Mutex;

use crate::{
    model::{FileStamp, check_json_size},
    source,
};

/// Notes that are kept: the file that is filled now, and those on the screen.
const KEPT_NOTES: NonZeroUsize = NonZeroUsize::new(64).expect("above 0");

/// t, c and z of the planes that are written.
pub(super) type Written = HashSet<(u32, u32, u32)>;

/// Squid's notes on the files of one acquisition.
#[derive(Debug)]
pub(super) struct Notes {
    /// What the acquisition folder may be called in the names of notes.
    folders: Vec<String>,
    temporary: PathBuf,
    kept: Mutex<LruCache<PathBuf, (FileStamp, Arc<Written>)>>,
}

impl Notes {
    pub(super) fn of(acquisition: &Path) -> Self {
        let mut folders = vec![acquisition.to_string_lossy().into_owned()];
        // Squid knows the folder as its user chose it, with links in the path or without.
        let resolved = source::resolved(acquisition);
        folders.push(resolved.to_string_lossy().into_owned());
        if cfg!(windows) {
            // Qt gives folders with slashes, Python joins the name with a backslash.
            let mixed = acquisition
                .parent()
                .zip(acquisition.file_name())
                .map(|(parent, name)| {
                    let parent = parent.to_string_lossy().replace('\\', "/");
                    format!("{parent}\\{}", name.to_string_lossy())
                });
            folders.extend(mixed);
        }
        folders.dedup();
        Self {
            folders,
            temporary: std::env::temp_dir(),
            kept: Mutex::new(LruCache::new(KEPT_NOTES)),
        }
    }

    /// The planes of a file that are written; `None` where there are no notes on it.
    pub(super) fn written(&self, base_name: &str) -> Option<Arc<Written>> {
        self.folders.iter().find_map(|folder| {
            let digest = sha1_smol::Sha1::from(format!("{folder}:{base_name}"))
                .digest()
                .to_string();
            let name = format!("squid_ome_{digest}_metadata.json");
            self.read(&self.temporary.join(name))
        })
    }

    fn read(&self, path: &Path) -> Option<Arc<Written>> {
        let found = source::stat(path).ok().flatten()?;
        let stamp = (found.num_bytes, found.modified);
        let kept = self.kept.lock().get(path).cloned();
        if let Some((known, written)) = &kept
            && *known == stamp
        {
            return Some(Arc::clone(written));
        }
        let text = source::read_document(path).ok().flatten()?;
        if let Some(written) = parse(&text) {
            let written = Arc::new(written);
            let new = (stamp, Arc::clone(&written));
            self.kept.lock().put(path.to_path_buf(), new);
            return Some(written);
        }
        // What cannot be read is being rewritten, unless it lies there for a while.
        let is_being_written = !source::is_settled(found.modified);
        let before = || kept.map(|(_, written)| written).unwrap_or_default();
        is_being_written.then(before)
    }
}

/// What is read of the notes; what they say of each plane besides is left aside.
#[derive(serde::Deserialize)]
struct Listed {
    written_indices: Vec<serde_json::Value>,
}

/// `written_indices` of the notes; `None` where they are cut off.
fn parse(text: &str) -> Option<Written> {
    check_json_size(text).ok()?;
    let listed: Listed = serde_json::from_str(text).ok()?;
    let planes = listed.written_indices.iter().filter_map(|index| {
        let mut numbers = index.as_str()?.split('-').map(str::parse);
        let mut number = || numbers.next()?.ok();
        let plane = (number()?, number()?, number()?);
        numbers.next().is_none().then_some(plane)
    });
    Some(planes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_list_planes_and_are_none_while_they_are_cut_off() {
        let text = r#"{"written_indices": ["0-1-2", "3-0-0", "1-2", "a-0-0", 5, "0-0-0-0"], "saved_count": 2}"#;
        let expected: Written = [(0, 1, 2), (3, 0, 0)].into();
        assert_eq!(parse(text), Some(expected));
        for end in 0..text.len() {
            assert_eq!(parse(&text[..end]), None);
        }
    }

    #[test]
    fn the_name_is_the_one_that_squid_makes() {
        // hashlib.sha1(b"/data/scan_2026:A1_0").hexdigest()
        let digest = sha1_smol::Sha1::from("/data/scan_2026:A1_0")
            .digest()
            .to_string();
        assert_eq!(digest, "11272122afd3ac82795c185bfeb36f05fb85bcee");
    }
}
