//! Opened arrays, least recently used out first. Holds what documents say, never pixels or open files.

use std::{num::NonZeroUsize, sync::Arc};

use lru::LruCache;
use parking_lot::Mutex;

use super::{
    ReadError,
    array::{OpenedArray, V2_DOCUMENT, V3_DOCUMENT},
};
use crate::{
    dataset::{ZarrFormat, ZarrLocator},
    model::{FileStamp, WorkStage},
    source::{read_document, stat},
};

/// Arrays kept: more than the levels of all FOVs that one view shows at once.
const KEPT_ARRAYS: NonZeroUsize = NonZeroUsize::new(512).expect("above zero");

/// Length and time of a document that was read here: it may be rewritten, where the dataset's own is a snapshot.
type Stamp = Option<FileStamp>;

/// The arrays that were opened last. One lock protects the map; nothing is read or parsed under it.
#[derive(Debug)]
pub(super) struct OpenedArrays {
    arrays: Mutex<LruCache<ZarrLocator, (Stamp, Arc<OpenedArray>)>>,
}

impl Default for OpenedArrays {
    fn default() -> Self {
        Self {
            arrays: Mutex::new(LruCache::new(KEPT_ARRAYS)),
        }
    }
}

impl OpenedArrays {
    /// The array, opened now if need be; `None` where its document is absent.
    pub(super) fn open(
        &self,
        locator: &ZarrLocator,
    ) -> Result<Option<Arc<OpenedArray>>, ReadError> {
        let path = locator.folder.join(match locator.format {
            ZarrFormat::V3 => V3_DOCUMENT,
            ZarrFormat::V2 => V2_DOCUMENT,
        });
        let stamp = match &locator.document {
            Some(_) => None,
            None => match stat(&path)? {
                Some(found) => Some((found.num_bytes, found.modified)),
                None => return Ok(None),
            },
        };
        let kept = self.arrays.lock().get(locator).cloned();
        if let Some((kept_stamp, array)) = kept
            && kept_stamp == stamp
        {
            return Ok(Some(array));
        }
        let _opening = WorkStage::Open.enter();
        let text = match &locator.document {
            Some(document) => Arc::clone(document),
            None => match read_document(&path)? {
                Some(text) => text.into(),
                None => return Ok(None),
            },
        };
        let array = OpenedArray::parse(locator, &text)
            .map_err(|refusal| refusal.at(path.display().to_string()))?;
        let array = Arc::new(array);
        self.arrays
            .lock()
            .put(locator.clone(), (stamp, Arc::clone(&array)));
        Ok(Some(array))
    }
}
