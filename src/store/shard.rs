//! Shards of `sharding_indexed`: a file, and the ranges of the inner chunks that a read needs.
//!
//! The index is read by ourselves and from the same open file as the chunks: a writer renames new shards over old ones
//! at any time, and `zarrs` 0.23 opens the file again for each inner chunk, so that it mixes two of them. It is read once
//! for a read, and only what that needs of it is kept: an index may be thousands of times as long.

use std::{ops::Range, path::PathBuf, sync::Arc};

use super::{ReadError, array::ShardIndex};
use crate::{
    model::{Code, FileStamp},
    source::{OpenFile, open_samples},
};

/// Marks an inner chunk that is not there.
const ABSENT: u64 = u64::MAX;
/// Bytes of an entry of the index: offset and length.
const ENTRY_BYTES: u64 = 16;
/// Bytes of its checksum.
const SUM_BYTES: usize = 4;

/// What a read needs of a shard.
#[derive(Debug)]
pub(super) struct Shard {
    path: PathBuf,
    /// `None`: it is opened again for its chunks.
    file: Option<Arc<OpenFile>>,
    /// The file that the entries are of.
    stamp: FileStamp,
    /// Number, offset and length of each needed chunk, by number.
    entries: Vec<(usize, u64, u64)>,
}

/// Bytes of the index that are read for chunks of those numbers, ascending.
pub(super) fn read_bytes(index: ShardIndex, num_chunks: u64, wanted: &[usize]) -> u64 {
    let span = span(index, num_chunks, wanted);
    (span.end - span.start) * ENTRY_BYTES
}

/// The entries that are read: of an index with a checksum all.
fn span(index: ShardIndex, num_chunks: u64, wanted: &[usize]) -> Range<u64> {
    match (wanted.first(), wanted.last()) {
        (Some(&first), Some(&last)) if !index.has_checksum => {
            first as u64..(last as u64 + 1).min(num_chunks)
        }
        _ => 0..num_chunks,
    }
}

impl Shard {
    /// Opens a shard and reads its index for the chunks of those numbers, ascending; `None` where it is absent.
    pub(super) fn open(
        path: PathBuf,
        index: ShardIndex,
        num_chunks: u64,
        wanted: &[usize],
    ) -> Result<Option<Self>, ReadError> {
        let Some(file) = open_samples(&path)? else {
            return Ok(None);
        };
        let sum_len = if index.has_checksum { SUM_BYTES } else { 0 };
        // The number of chunks is within its budget, so neither product nor sum can overflow.
        let index_len = num_chunks * ENTRY_BYTES + sum_len as u64;
        if index_len > file.num_bytes() {
            let message = format!(
                "shard of {} bytes is shorter than its index of {index_len}",
                file.num_bytes()
            );
            return Err(ReadError::corrupt(message, &path));
        }
        let begin = if index.is_at_end {
            file.num_bytes() - index_len
        } else {
            0
        };
        let span = span(index, num_chunks, wanted);
        let read_len = read_bytes(index, num_chunks, wanted) + sum_len as u64;
        let mut bytes = vec![0; usize::try_from(read_len).unwrap_or(usize::MAX)];
        file.read_range(begin + span.start * ENTRY_BYTES, &mut bytes)?;
        let entries = checked(&bytes, index).ok_or_else(|| {
            ReadError::corrupt("checksum of the shard index does not agree", &path)
        })?;
        let entry = |&number: &usize| {
            let at = number.checked_sub(usize::try_from(span.start).ok()?)?;
            let (offset, len) = entry_at(entries, at, index)?;
            Some((number, offset, len))
        };
        Ok(Some(Self {
            entries: wanted.iter().filter_map(entry).collect(),
            stamp: (file.num_bytes(), file.modified()),
            file: Some(Arc::new(file)),
            path,
        }))
    }

    /// The same without the open file.
    pub(super) fn closed(self) -> Self {
        Self { file: None, ..self }
    }

    /// The open file, opened again where it was closed; `None` where it is another one by now.
    pub(super) fn file(&self) -> Result<Option<Arc<OpenFile>>, ReadError> {
        if let Some(file) = &self.file {
            return Ok(Some(Arc::clone(file)));
        }
        let file = open_samples(&self.path)?;
        let file = file.filter(|file| (file.num_bytes(), file.modified()) == self.stamp);
        Ok(file.map(Arc::new))
    }

    /// Offset and length of an inner chunk; `None` where it is absent. The range is inside the file.
    pub(super) fn range(&self, number: usize) -> Result<Option<(u64, u64)>, ReadError> {
        let place = self
            .entries
            .binary_search_by_key(&number, |&(number, ..)| number);
        let found = place.ok().and_then(|at| self.entries.get(at));
        let &(_, offset, len) = found.ok_or_else(|| ReadError {
            code: Code::CorruptData,
            message: format!("shard without the chunk of number {number}"),
            location: self.path.display().to_string(),
        })?;
        if offset == ABSENT && len == ABSENT {
            return Ok(None);
        }
        let (num_bytes, _) = self.stamp;
        let is_inside = offset.checked_add(len).is_some_and(|end| end <= num_bytes);
        if !is_inside {
            let message = format!(
                "chunk {number} lies at {offset} with {len} bytes in a shard of {num_bytes}"
            );
            return Err(ReadError::corrupt(message, &self.path));
        }
        Ok(Some((offset, len)))
    }
}

/// The entries of an index, without its checksum; `None` where that does not agree.
fn checked(bytes: &[u8], index: ShardIndex) -> Option<&[u8]> {
    if !index.has_checksum {
        return Some(bytes);
    }
    let (entries, sum) = bytes.split_last_chunk::<SUM_BYTES>()?;
    (crc32c::crc32c(entries) == u32::from_le_bytes(*sum)).then_some(entries)
}

fn entry_at(entries: &[u8], at: usize, index: ShardIndex) -> Option<(u64, u64)> {
    let number = if index.is_big_endian {
        u64::from_be_bytes
    } else {
        u64::from_le_bytes
    };
    let (words, _) = entries.as_chunks::<8>();
    let (pairs, _) = words.as_chunks::<2>();
    let &[offset, len] = pairs.get(at)?;
    Some((number(offset), number(len)))
}
