//! The bytes of one chunk where they lie in a file, and the ways to samples: decoded for one tile, decoded once for all
//! tiles of a plane, or read line by line where nothing has to be decoded.

use std::{path::Path, sync::Arc};

use tracing::span::EnteredSpan;

use super::{
    ReadError,
    array::{Chunks, OpenedArray},
    codec::DecodeError,
    copy::Rectangle,
    scratch::with_scratch,
};
use crate::{
    model::{Activity, Code, WorkStage, limits},
    source::{
        OpenFile,
        kept::{self, Key},
    },
};

/// Where the bytes of a chunk are.
pub(super) enum Encoded {
    File(OpenFile),
    Inner(Arc<OpenFile>, u64, u64),
}

impl Encoded {
    /// The file, and offset and length of the chunk in it.
    fn place(&self) -> (&OpenFile, u64, u64) {
        match self {
            Self::File(file) => (file, 0, file.num_bytes()),
            Self::Inner(file, offset, len) => (file, *offset, *len),
        }
    }

    /// Reads and decodes the chunk into `target`, which has its decoded length. `reading` ends when its bytes are there;
    /// `None`: the chunk is not told of by itself.
    pub(super) fn decode(
        &self,
        chunks: &Chunks,
        target: &mut [u8],
        reading: Option<EnteredSpan>,
        activity: Option<&Activity>,
    ) -> Result<(), ReadError> {
        let (file, offset, len) = self.place();
        // A sparse file of terabytes must not be read.
        let bound = chunks.chain.most_encoded(target.len() as u64);
        if len > bound.min(limits::FILE_BYTES) {
            return Err(wrong_len(len, target.len(), file.path()));
        }
        if chunks.chain.is_empty() && len == target.len() as u64 {
            return Ok(file.read_range(offset, target)?);
        }
        let is_told = reading.is_some();
        with_scratch(len as usize, |bytes| {
            file.read_range(offset, bytes)?;
            drop(reading);
            let _decoding = is_told.then(|| WorkStage::Decompress.enter());
            let _working = activity.map(Activity::work);
            chunks
                .chain
                .decode(bytes, target)
                .map_err(|error| decode_error(error, file.path()))
        })
    }

    /// The decoded chunk, kept until `num_wanted` of its bytes were taken ([`kept::taken`]).
    pub(super) fn shared(
        &self,
        array: &OpenedArray,
        num_wanted: usize,
        reading: Option<EnteredSpan>,
        activity: Option<&Activity>,
    ) -> Result<(Key, Arc<Vec<u8>>), ReadError> {
        let (file, offset, len) = self.place();
        let key = Key::of(file, (offset, array.number), (offset, len))?;
        let bytes = kept::decoded(&key, array.chunks.chunk_bytes, num_wanted, || {
            let mut bytes = vec![0; array.chunks.chunk_bytes];
            self.decode(&array.chunks, &mut bytes, reading, activity)?;
            Ok::<_, ReadError>(bytes)
        })?;
        Ok((key, bytes))
    }

    /// Reads the lines of a rectangle of an uncompressed chunk, whose samples of `size` bytes follow each other along them,
    /// and nothing else of it.
    pub(super) fn read_lines(
        &self,
        chunks: &Chunks,
        size: usize,
        rectangle: &Rectangle,
        target: &mut [u8],
    ) -> Result<(), ReadError> {
        let (file, offset, len) = self.place();
        if len != chunks.chunk_bytes as u64 {
            return Err(wrong_len(len, chunks.chunk_bytes, file.path()));
        }
        let from = |line: usize| {
            let place = (rectangle.source_start + line * rectangle.source_line) * size;
            offset.saturating_add(place as u64)
        };
        let line_bytes = rectangle.line_len * size;
        let target = &mut target[rectangle.target_start * size..];
        if rectangle.is_gapless() {
            return Ok(file.read_range(from(0), &mut target[..rectangle.num_lines * line_bytes])?);
        }
        let lines = target.chunks_mut(rectangle.target_line * size);
        let lines = lines
            .take(rectangle.num_lines)
            .map(|line| &mut line[..line_bytes]);
        if rectangle.is_row_of_lines() {
            return Ok(file.read_lines(from(0), lines)?);
        }
        lines
            .enumerate()
            .try_for_each(|(number, line)| file.read_range(from(number), line))?;
        Ok(())
    }

    /// True where the bytes of the chunk are its samples, and all are there.
    pub(super) fn is_decoded(&self, chunks: &Chunks) -> bool {
        let (_, _, len) = self.place();
        chunks.chain.is_empty() && len == chunks.chunk_bytes as u64
    }
}

fn wrong_len(found: u64, expected: usize, path: &Path) -> ReadError {
    ReadError::corrupt(format!("{found} bytes for a chunk of {expected}"), path)
}

fn decode_error(error: DecodeError, path: &Path) -> ReadError {
    match error {
        DecodeError::Corrupt(message) => ReadError::corrupt(message, path),
        DecodeError::Unsupported(message) => ReadError::new(Code::Unsupported, message, path),
    }
}
