//! Shards of `sharding_indexed`: a file, and the ranges of the inner chunks that a read needs.
//!
//! The index is read by ourselves and from the same open file as the chunks: a writer renames new shards over old ones
//! at any time, and `zarrs` 0.23 opens the file again for each inner chunk, so that it mixes two of them. A read holds only
//! what it needs of it: an index may be thousands of times as long. [`shard_index`](super::shard_index) keeps those that
//! were used last.

use std::{path::PathBuf, sync::Arc};

use super::{
    ReadError,
    array::ShardIndex,
    shard_index::{Entries, Layout},
};
use crate::{
    model::Code,
    source::{FileIdentity, OpenFile, open_samples},
};

/// Marks an inner chunk that is not there.
const ABSENT: u64 = u64::MAX;

/// What a read needs of a shard.
#[derive(Debug)]
pub(super) struct Shard {
    path: PathBuf,
    /// `None`: it is opened again for its chunks.
    file: Option<Arc<OpenFile>>,
    /// The file that the entries are of.
    identity: FileIdentity,
    /// Number, offset and length of each needed chunk, by number.
    entries: Vec<(usize, u64, u64)>,
}

/// Bytes of the index that are read for chunks of those numbers, ascending, where it is not kept.
pub(super) fn read_bytes(index: ShardIndex, num_chunks: u64, wanted: &[usize]) -> u64 {
    Layout { index, num_chunks }.read_bytes(wanted)
}

impl Shard {
    /// Opens a shard and finds the chunks of those numbers, ascending, in its index; `None` where it is absent.
    pub(super) fn open(
        path: PathBuf,
        index: ShardIndex,
        num_chunks: u64,
        wanted: &[usize],
    ) -> Result<Option<Self>, ReadError> {
        let Some(file) = open_samples(&path)? else {
            return Ok(None);
        };
        let found = Entries::of(&file, Layout { index, num_chunks }, wanted)?;
        let entry = |&number: &usize| {
            let (offset, len) = found.get(number)?;
            Some((number, offset, len))
        };
        Ok(Some(Self {
            entries: wanted.iter().filter_map(entry).collect(),
            identity: file.identity(),
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
        let file = file.filter(|file| file.identity() == self.identity);
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
        let (num_bytes, _) = self.identity.stamp();
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
