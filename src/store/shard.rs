//! Shards of `sharding_indexed`: one open file, its index, and the ranges of its inner chunks.
//!
//! The index is read by ourselves and from the same open file as the chunks: a writer renames new shards over old ones
//! at any time, and `zarrs` 0.23 opens the file again for each inner chunk, so that it mixes two of them.

use std::path::Path;

use super::{ReadError, array::ShardIndex};
use crate::{
    model::Code,
    source::{OpenFile, open_samples},
};

/// Marks an inner chunk that is not there.
const ABSENT: u64 = u64::MAX;

/// An open shard.
#[derive(Debug)]
pub(super) struct Shard {
    file: OpenFile,
    /// Offset and length of each inner chunk, in C order.
    ranges: Vec<(u64, u64)>,
}

impl Shard {
    /// Opens a shard and reads its index; `None` where it is absent.
    pub(super) fn open(
        path: &Path,
        index: ShardIndex,
        num_chunks: u64,
    ) -> Result<Option<Self>, ReadError> {
        let Some(file) = open_samples(path)? else {
            return Ok(None);
        };
        let sum_len = if index.has_checksum { 4 } else { 0 };
        // The number of chunks is within its budget, so neither product nor sum can overflow.
        let index_len = num_chunks * 16 + sum_len;
        if index_len > file.num_bytes() {
            return Err(ReadError::corrupt(
                format!(
                    "shard of {} bytes is shorter than its index of {index_len}",
                    file.num_bytes()
                ),
                path,
            ));
        }
        let offset = if index.is_at_end {
            file.num_bytes() - index_len
        } else {
            0
        };
        let mut bytes = vec![0; usize::try_from(index_len).unwrap_or(usize::MAX)];
        file.read_range(offset, &mut bytes)?;
        let ranges = parse_index(&bytes, index).ok_or_else(|| {
            ReadError::corrupt("checksum of the shard index does not agree", path)
        })?;
        Ok(Some(Self { file, ranges }))
    }

    /// The open file.
    pub(super) fn file(&self) -> &OpenFile {
        &self.file
    }

    /// Offset and length of an inner chunk; `None` where it is absent. The range is inside the file.
    pub(super) fn range(&self, number: usize) -> Result<Option<(u64, u64)>, ReadError> {
        let (offset, len) = *self.ranges.get(number).ok_or_else(|| ReadError {
            code: Code::CorruptData,
            message: format!(
                "shard has {} chunks, number {number} is needed",
                self.ranges.len()
            ),
            location: self.file.path().display().to_string(),
        })?;
        if offset == ABSENT && len == ABSENT {
            return Ok(None);
        }
        let is_inside = offset
            .checked_add(len)
            .is_some_and(|end| end <= self.file.num_bytes());
        if !is_inside {
            return Err(ReadError::corrupt(
                format!(
                    "chunk {number} lies at {offset} with {len} bytes in a shard of {}",
                    self.file.num_bytes()
                ),
                self.file.path(),
            ));
        }
        Ok(Some((offset, len)))
    }
}

/// The pairs of an index; `None` where its checksum does not agree.
fn parse_index(bytes: &[u8], index: ShardIndex) -> Option<Vec<(u64, u64)>> {
    let mut data = bytes;
    if index.has_checksum {
        let (before, sum) = bytes.split_last_chunk::<4>()?;
        if crc32c::crc32c(before) != u32::from_le_bytes(*sum) {
            return None;
        }
        data = before;
    }
    let number = if index.is_big_endian {
        u64::from_be_bytes
    } else {
        u64::from_le_bytes
    };
    let (words, _) = data.as_chunks::<8>();
    let (pairs, _) = words.as_chunks::<2>();
    Some(
        pairs
            .iter()
            .map(|&[offset, len]| (number(offset), number(len)))
            .collect(),
    )
}
