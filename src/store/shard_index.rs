//! The index of a shard: where in its file the chunks lie. A whole one is read once and kept while the file is the same.
//!
//! A shard holds many planes or tiles, and each would read and check the same index. Those that were used last are known
//! to the whole process, by path and [`FileIdentity`]: of a file that was replaced, changed, or written to just now the
//! index is read anew. One lock protects the map; nothing is read under it, so threads that want an index at the same
//! moment may each read it.

use std::{
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

use lru::LruCache;
use parking_lot::Mutex;

use super::{ReadError, array::ShardIndex};
use crate::{
    model::limits,
    source::{FileIdentity, OpenFile},
};

/// Bytes of an entry: offset and length.
const ENTRY_BYTES: u64 = 16;
/// Bytes of its checksum.
const SUM_BYTES: usize = 4;
/// An index without a checksum that is no longer is read whole: a disk gives no less. Those of as many shards as a tile may
/// have stay within their budget ([`limits::SHARD_INDEX_BYTES`]).
const SMALL_BYTES: u64 = 4 << 10;
/// What keeping an index takes beside its bytes and its path.
const BESIDE_BYTES: usize = 256;

/// How the index of a shard of so many chunks is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) index: ShardIndex,
    /// Within [`limits::SHARD_CHUNKS`], so that neither products nor sums with it overflow.
    pub(super) num_chunks: u64,
}

impl Layout {
    /// Bytes that are read for chunks of those numbers, ascending.
    pub(super) fn read_bytes(self, wanted: &[usize]) -> u64 {
        let span = self.span(wanted);
        (span.end - span.start) * ENTRY_BYTES
    }

    /// The entries that are read: all of an index with a checksum, or of a small one.
    fn span(self, wanted: &[usize]) -> Range<u64> {
        let is_whole = self.index.has_checksum || self.num_chunks * ENTRY_BYTES <= SMALL_BYTES;
        match (wanted.first(), wanted.last()) {
            (Some(&first), Some(&last)) if !is_whole => {
                first as u64..(last as u64 + 1).min(self.num_chunks)
            }
            _ => 0..self.num_chunks,
        }
    }

    fn sum_bytes(self) -> usize {
        if self.index.has_checksum {
            SUM_BYTES
        } else {
            0
        }
    }
}

/// Entries of the index of an open shard.
#[derive(Debug)]
pub(super) struct Entries {
    layout: Layout,
    /// Number of the first one.
    first: u64,
    /// Without a checksum behind them.
    bytes: Arc<Vec<u8>>,
}

impl Entries {
    /// Those of chunks of these numbers, ascending, as they are kept or read now.
    pub(super) fn of(file: &OpenFile, layout: Layout, wanted: &[usize]) -> Result<Self, ReadError> {
        let key = (file.identity(), layout);
        let known = KNOWN.lock().get(file.path(), key);
        if let Some(bytes) = known {
            let first = 0;
            return Ok(Self {
                layout,
                first,
                bytes,
            });
        }
        let is_settled = file.identity().is_settled();
        let span = layout.span(wanted);
        let bytes = Arc::new(read(file, layout, &span)?);
        if is_settled && span == (0..layout.num_chunks) {
            let kept = Kept {
                key,
                bytes: Arc::clone(&bytes),
            };
            KNOWN
                .lock()
                .put(file.path().to_path_buf(), kept, limits::KEPT_INDEX_BYTES);
        }
        Ok(Self {
            layout,
            first: span.start,
            bytes,
        })
    }

    /// Offset and length as they stand there; `None` where the entry was not read.
    pub(super) fn get(&self, number: usize) -> Option<(u64, u64)> {
        let as_number = if self.layout.index.is_big_endian {
            u64::from_be_bytes
        } else {
            u64::from_le_bytes
        };
        let at = number.checked_sub(usize::try_from(self.first).ok()?)?;
        let (words, _) = self.bytes.as_chunks::<8>();
        let (pairs, _) = words.as_chunks::<2>();
        let &[offset, len] = pairs.get(at)?;
        Some((as_number(offset), as_number(len)))
    }
}

/// Reads those entries of an index, and checks all of it where it has a checksum.
fn read(file: &OpenFile, layout: Layout, span: &Range<u64>) -> Result<Vec<u8>, ReadError> {
    #[cfg(test)]
    NUM_READ.with(|num_read| num_read.set(num_read.get() + 1));
    let sum_bytes = layout.sum_bytes();
    let index_len = layout.num_chunks * ENTRY_BYTES + sum_bytes as u64;
    let num_bytes = file.num_bytes();
    let Some(behind_chunks) = num_bytes.checked_sub(index_len) else {
        let message =
            format!("shard of {num_bytes} bytes is shorter than its index of {index_len}");
        return Err(ReadError::corrupt(message, file.path()));
    };
    let begin = if layout.index.is_at_end {
        behind_chunks
    } else {
        0
    };
    let read_len = (span.end - span.start) * ENTRY_BYTES + sum_bytes as u64;
    let mut bytes = vec![0; usize::try_from(read_len).unwrap_or(usize::MAX)];
    file.read_range(begin + span.start * ENTRY_BYTES, &mut bytes)?;
    if layout.index.has_checksum {
        let is_right = |(entries, sum): (&[u8], &[u8; SUM_BYTES])| {
            crc32c::crc32c(entries) == u32::from_le_bytes(*sum)
        };
        if !bytes.split_last_chunk().is_some_and(is_right) {
            let message = "checksum of the shard index does not agree";
            return Err(ReadError::corrupt(message, file.path()));
        }
        bytes.truncate(bytes.len() - SUM_BYTES);
    }
    Ok(bytes)
}

#[cfg(test)]
thread_local! {
    /// Indices, or parts of one, that this thread read.
    pub(super) static NUM_READ: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

/// What an index must be the one of.
type Key = (FileIdentity, Layout);

/// A whole index as it was read.
#[derive(Debug)]
struct Kept {
    key: Key,
    bytes: Arc<Vec<u8>>,
}

/// The indices that were used last, by the path of their shard.
#[derive(Debug)]
struct Known {
    indices: LruCache<PathBuf, Kept>,
    /// What all of them take.
    num_bytes: usize,
}

fn cost(path: &Path, kept: &Kept) -> usize {
    kept.bytes.len() + path.as_os_str().len() + BESIDE_BYTES
}

impl Known {
    fn empty() -> Self {
        Self {
            indices: LruCache::unbounded(),
            num_bytes: 0,
        }
    }

    fn get(&mut self, path: &Path, key: Key) -> Option<Arc<Vec<u8>>> {
        let kept = self.indices.get(path).filter(|kept| kept.key == key);
        kept.map(|kept| Arc::clone(&kept.bytes))
    }

    /// Keeps an index of at most half of `limit`; those that were used longest ago make room.
    fn put(&mut self, path: PathBuf, kept: Kept, limit: usize) {
        let num_bytes = cost(&path, &kept);
        if num_bytes > limit / 2 {
            return;
        }
        if let Some((path, old)) = self.indices.push(path, kept) {
            self.num_bytes -= cost(&path, &old);
        }
        self.num_bytes += num_bytes;
        while self.num_bytes > limit
            && let Some((path, old)) = self.indices.pop_lru()
        {
            self.num_bytes -= cost(&path, &old);
        }
    }
}

static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(|| Mutex::new(Known::empty()));

#[cfg(test)]
mod tests;
