//! A file of `source` as the decoders want it: a stream with a position.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use crate::{model::WorkStage, source::OpenFile};

/// Buffered, because decoders read headers byte by byte.
pub(super) type Reader = BufReader<Stream>;

/// An open file with a position in it.
#[derive(Debug)]
pub(super) struct Stream {
    file: OpenFile,
    at: u64,
    /// In place of bytes of the file: where, and what.
    patches: Vec<(u64, Vec<u8>)>,
    is_decoded: bool,
}

impl Stream {
    /// A reader from the file's beginning on.
    pub(super) fn buffered(file: OpenFile) -> Reader {
        Self::patched(file, Vec::new())
    }

    /// The same with other bytes in some places: a TIFF decoder takes the header's word for which directory is the first,
    /// and does with samples what a tag says.
    pub(super) fn patched(file: OpenFile, patches: Vec<(u64, Vec<u8>)>) -> Reader {
        const BUFFER_BYTES: usize = 64 << 10;
        let stream = Self {
            file,
            at: 0,
            patches,
            is_decoded: false,
        };
        BufReader::with_capacity(BUFFER_BYTES, stream)
    }

    /// The file itself.
    pub(super) fn file(&self) -> &OpenFile {
        &self.file
    }

    /// The file itself, for whoever reads it without a position.
    pub(super) fn into_file(self) -> OpenFile {
        self.file
    }

    /// From now on a decompressor reads: what waits for the file is told from what it does itself. Elsewhere reads are a
    /// part of the stage that they are in; to tell of each would cost some percent of an uncompressed file.
    pub(super) fn decodes_from_now_on(&mut self) {
        self.is_decoded = true;
    }
}

impl Read for Stream {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let rest = self.file.num_bytes().saturating_sub(self.at);
        let count = rest.min(target.len() as u64) as usize;
        let _reading = self.is_decoded.then(|| WorkStage::Read.enter());
        self.file
            .read_range(self.at, &mut target[..count])
            .map_err(io::Error::other)?;
        for (at, bytes) in &self.patches {
            for (place, &byte) in (*at..).zip(bytes) {
                let place = place.checked_sub(self.at).map(|place| place as usize);
                if let Some(target) = place.and_then(|place| target[..count].get_mut(place)) {
                    *target = byte;
                }
            }
        }
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Stream {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.file.num_bytes().checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
