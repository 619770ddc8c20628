//! Decoded chunks, images, strips and tiles of which several parts or colours are wanted: decoded once, not once for each.
//!
//! A plane that is larger than a tile is read tile by tile, and a colour image colour by colour; a compressed file has to be
//! decoded from its beginning for each. What is decoded is kept for the whole process until all of it was taken, or others
//! need the room ([`limits::KEPT_DECODED_BYTES`]). Whoever wants a part of what another thread is decoding waits for it.
//! One that is larger than that room leaves before the next of any size is decoded, so that there is only one of them.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Arc, LazyLock},
    time::Duration,
};

use lru::LruCache;
use parking_lot::{Mutex, MutexGuard};

use super::{OpenFile, SourceError, is_settled};
use crate::model::{Activity, FileStamp, limits};

/// What tells decoded bytes from any others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    path: PathBuf,
    stamp: FileStamp,
    /// CRC-32 of the encoded bytes of a file that was written to just now: it may be another one with the same stamp.
    checksum: Option<u32>,
    /// Where it lies in the file, and which of those that lie there it is, or how it is read.
    at: (u64, u64),
}

impl Key {
    /// Of what is encoded in those bytes (offset and length) of a file; `at` tells apart what is made of them.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn of(
        file: &OpenFile,
        at: (u64, u64),
        (offset, length): (u64, u64),
    ) -> Result<Self, SourceError> {
        let checksum = if is_settled(file.modified()) {
            None
        } else {
            Some(checksum(file, offset, length)?)
        };
        Ok(Self {
            path: file.path().to_path_buf(),
            stamp: (file.num_bytes(), file.modified()),
            checksum,
            at,
        })
    }
}

/// Encoded bytes are read in pieces of so many.
const PIECE_BYTES: u64 = 1 << 20;

fn checksum(file: &OpenFile, offset: u64, length: u64) -> Result<u32, SourceError> {
    let end = offset.saturating_add(length).min(file.num_bytes());
    let mut hasher = crc32fast::Hasher::new();
    let mut piece = vec![0; end.saturating_sub(offset).min(PIECE_BYTES) as usize];
    let mut at = offset;
    while at < end {
        let piece_len = (end - at).min(piece.len() as u64);
        let piece = &mut piece[..piece_len as usize];
        file.read_range(at, piece)?;
        hasher.update(piece);
        at += piece_len;
    }
    Ok(hasher.finalize())
}

/// Decoded bytes, or nothing yet, and who decodes them.
#[derive(Debug, Default)]
struct Slot {
    bytes: Mutex<Option<Arc<Vec<u8>>>>,
    by: Mutex<Option<Arc<Activity>>>,
}

impl Slot {
    /// Waits for its turn, and is as silent as the disk of whoever has it.
    fn lock(&self) -> MutexGuard<'_, Option<Arc<Vec<u8>>>> {
        /// Who decodes may be another one by then.
        const LOOK_AGAIN: Duration = Duration::from_millis(100);
        let own = Activity::of_thread();
        let found = loop {
            if let Some(found) = self.bytes.try_lock() {
                break found;
            }
            if let Some(own) = &own {
                own.is_behind(self.by.lock().clone());
            }
            if let Some(found) = self.bytes.try_lock_for(LOOK_AGAIN) {
                break found;
            }
        };
        if let Some(own) = &own {
            own.is_behind(None);
        }
        *self.by.lock() = own;
        found
    }
}

/// Which part of the decoded bytes: where it begins along both sides, and its colour or slice.
pub type Part = (u64, u64, usize);

struct Entry {
    slot: Arc<Slot>,
    num_bytes: usize,
    /// Bytes that nobody took yet.
    num_left: usize,
    /// Parts that were taken; some are wanted twice.
    taken: HashSet<Part>,
}

struct Kept {
    entries: LruCache<Key, Entry>,
    num_bytes: usize,
}

impl Kept {
    fn slot(&mut self, key: &Key, num_bytes: usize, num_wanted: usize) -> Arc<Slot> {
        if let Some(entry) = self.entries.get(key) {
            return Arc::clone(&entry.slot);
        }
        let slot = Arc::<Slot>::default();
        let entry = Entry {
            slot: Arc::clone(&slot),
            num_bytes,
            num_left: num_wanted,
            taken: HashSet::new(),
        };
        self.num_bytes += num_bytes;
        self.entries.put(key.clone(), entry);
        while self.num_bytes > limits::KEPT_DECODED_BYTES && self.entries.len() > 1 {
            if let Some((_, old)) = self.entries.pop_lru() {
                self.num_bytes -= old.num_bytes;
            }
        }
        slot
    }

    fn take(&mut self, key: &Key, part: Part, num_taken: usize) {
        if let Some(entry) = self.entries.get_mut(key)
            && entry.taken.insert(part)
        {
            entry.num_left = entry.num_left.saturating_sub(num_taken);
            if entry.num_left == 0 {
                self.remove(key);
            }
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some(old) = self.entries.pop(key) {
            self.num_bytes -= old.num_bytes;
        }
    }
}

static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(|| {
    Mutex::new(Kept {
        entries: LruCache::unbounded(),
        num_bytes: 0,
    })
});

/// Decoded bytes as they are kept, or decoded now. `num_wanted` is how many of the `num_bytes` will be taken in all.
///
/// # Errors
/// Those of `decode`.
pub fn decoded<E>(
    key: &Key,
    num_bytes: usize,
    num_wanted: usize,
    decode: impl FnOnce() -> Result<Vec<u8>, E>,
) -> Result<Arc<Vec<u8>>, E> {
    let slot = KEPT.lock().slot(key, num_bytes, num_wanted);
    // Held while it is decoded: others who want the very same would only do the same work beside.
    let mut found = slot.lock();
    if let Some(bytes) = &*found {
        return Ok(Arc::clone(bytes));
    }
    match decode() {
        Ok(bytes) => Ok(Arc::clone(found.insert(Arc::new(bytes)))),
        Err(error) => {
            KEPT.lock().remove(key);
            Err(error)
        }
    }
}

/// A part of so many of the bytes was taken; what was taken whole is not kept any longer.
pub fn taken(key: &Key, part: Part, num_taken: usize) {
    KEPT.lock().take(key, part, num_taken);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> Key {
        Key {
            path: PathBuf::from("kept"),
            stamp: (0, None),
            checksum: None,
            at: (0, number),
        }
    }

    #[test]
    fn decoded_bytes_make_room_and_go_when_all_was_taken() {
        let mut kept = Kept {
            entries: LruCache::unbounded(),
            num_bytes: 0,
        };
        let half = limits::KEPT_DECODED_BYTES / 2;
        for number in 0..3 {
            kept.slot(&key(number), half, half);
        }
        assert_eq!((kept.entries.len(), kept.num_bytes), (2, 2 * half));
        assert!(!kept.entries.contains(&key(0)), "the oldest makes room");
        kept.take(&key(1), (0, 0, 0), half - 1);
        kept.take(&key(1), (0, 0, 0), half - 1);
        assert!(kept.entries.contains(&key(1)), "the same part twice");
        kept.take(&key(1), (0, 9, 0), 1);
        assert_eq!((kept.entries.len(), kept.num_bytes), (1, half));
        kept.slot(&key(4), 9 * half, half);
        assert_eq!((kept.entries.len(), kept.num_bytes), (1, 9 * half));
    }

    #[test]
    fn what_several_threads_want_is_decoded_once_and_an_error_is_not_kept() {
        let num_calls = Mutex::new(0);
        let get = || {
            decoded(&key(9), 4, 4, || {
                *num_calls.lock() += 1;
                Ok::<_, &str>(vec![7; 4])
            })
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(get)).collect();
            for thread in threads {
                let bytes = thread.join().expect("no panic").expect("decoded");
                assert_eq!(*bytes, [7; 4]);
            }
        });
        assert_eq!(*num_calls.lock(), 1);
        taken(&key(9), (0, 0, 0), 4);
        assert_eq!(decoded(&key(9), 4, 4, || Err("cut off")), Err("cut off"));
        assert!(decoded(&key(9), 4, 4, || Ok::<_, &str>(vec![1; 4])).is_ok());
        taken(&key(9), (0, 0, 0), 4);
    }
}
