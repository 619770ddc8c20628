//! One directory of a TIFF file: its tags, and where the next one begins (TIFF 6.0 section 2, the `BigTIFF` extension).

use crate::source::{OpenFile, SourceError};

/// Entries of one directory; writers use a few dozen.
const MAX_ENTRIES: u64 = 4096;
/// Values of one tag that are read: the offsets of so many strips or tiles.
const MAX_VALUES: u64 = 2 << 20;
/// Read ahead: directories often follow each other.
const WINDOW_BYTES: usize = 64 << 10;

/// Tags of TIFF 6.0.
pub(super) const COMPRESSION: u16 = 259;
pub(super) const DESCRIPTION: u16 = 270;
pub(super) const STRIP_OFFSETS: u16 = 273;
pub(super) const STRIP_BYTES: u16 = 279;
pub(super) const TILE_OFFSETS: u16 = 324;
pub(super) const TILE_BYTES: u16 = 325;
/// TIFF Technical Note 1: directories below a directory.
pub(super) const SUB_IFDS: u16 = 330;

/// Byte order, and how wide offsets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    is_big: bool,
    is_little: bool,
}

impl Layout {
    /// By the first 16 bytes of a file (8 may do), and the offset of the first directory; `None`: no TIFF.
    pub(super) fn of(head: &[u8]) -> Option<(Self, u64)> {
        let is_little = match head.get(..2)? {
            b"II" => true,
            b"MM" => false,
            _ => return None,
        };
        let mut layout = Self {
            is_big: false,
            is_little,
        };
        layout.is_big = match layout.number(head.get(2..4)?) {
            42 => false,
            43 => true,
            _ => return None,
        };
        let (from, to) = layout.first_offset_at();
        Some((layout, layout.number(head.get(from..to)?)))
    }

    /// Where in the file the offset of the first directory stands.
    fn first_offset_at(self) -> (usize, usize) {
        if self.is_big { (8, 16) } else { (4, 8) }
    }

    /// Up to 8 bytes as an unsigned number.
    fn number(self, bytes: &[u8]) -> u64 {
        let join = |number: u64, &byte: &u8| number << 8 | u64::from(byte);
        if self.is_little {
            bytes.iter().rev().fold(0, join)
        } else {
            bytes.iter().fold(0, join)
        }
    }

    fn count_bytes(self) -> usize {
        if self.is_big { 8 } else { 2 }
    }

    fn offset_bytes(self) -> usize {
        if self.is_big { 8 } else { 4 }
    }

    fn entry_bytes(self) -> usize {
        if self.is_big { 20 } else { 12 }
    }
}

/// A file that is read in pieces, the last one kept.
pub(super) struct Window<'a> {
    file: &'a OpenFile,
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    pub(super) fn new(file: &'a OpenFile) -> Self {
        Self {
            file,
            start: 0,
            bytes: Vec::new(),
        }
    }

    /// `length` bytes from `offset` on; `None` beyond the end of the file.
    pub(super) fn get(&mut self, offset: u64, length: usize) -> Result<Option<&[u8]>, SourceError> {
        let end = offset.checked_add(length as u64);
        if end.is_none_or(|end| end > self.file.num_bytes()) {
            return Ok(None);
        }
        let is_inside = offset >= self.start
            && offset - self.start + length as u64 <= self.bytes.len() as u64
            && !self.bytes.is_empty();
        if !is_inside {
            let rest = self.file.num_bytes() - offset;
            let count = rest.min(WINDOW_BYTES.max(length) as u64) as usize;
            self.bytes.resize(count, 0);
            self.start = offset;
            if let Err(error) = self.file.read_range(offset, &mut self.bytes) {
                self.bytes.clear();
                return Err(error);
            }
        }
        let from = (offset - self.start) as usize;
        Ok(self.bytes.get(from..from + length))
    }
}

/// One directory.
#[derive(Debug)]
pub(super) struct Directory {
    layout: Layout,
    /// Entries as they stand in the file.
    pub(super) bytes: Vec<u8>,
    /// Where its entries begin.
    at: u64,
    /// Where the next directory begins; 0: it is the last one.
    pub(super) next: u64,
}

impl Directory {
    /// `None` where it does not fit into the file, or is none.
    pub(super) fn read(
        window: &mut Window<'_>,
        layout: Layout,
        offset: u64,
    ) -> Result<Option<Self>, SourceError> {
        let count = window.get(offset, layout.count_bytes())?;
        let count = count.map(|bytes| layout.number(bytes));
        let Some(count) = count.filter(|count| (1..=MAX_ENTRIES).contains(count)) else {
            return Ok(None);
        };
        let at = offset + layout.count_bytes() as u64;
        let length = count as usize * layout.entry_bytes();
        let Some(bytes) = window.get(at, length + layout.offset_bytes())? else {
            return Ok(None);
        };
        let (entries, next) = bytes.split_at(length);
        Ok(Some(Self {
            layout,
            bytes: entries.to_vec(),
            at,
            next: layout.number(next),
        }))
    }

    /// The values of a tag of whole numbers; empty where it is absent, of another type, or too long.
    pub(super) fn values(&self, file: &OpenFile, tag: u16) -> Result<Vec<u64>, SourceError> {
        let Some((kind, count, at)) = self.entry(tag) else {
            return Ok(Vec::new());
        };
        let width = match kind {
            // BYTE, SHORT, LONG and IFD, LONG8 and IFD8.
            1 => 1,
            3 => 2,
            4 | 13 => 4,
            16 | 18 => 8,
            _ => return Ok(Vec::new()),
        };
        if count == 0 || count > MAX_VALUES {
            return Ok(Vec::new());
        }
        let mut bytes = vec![0; count as usize * width];
        file.read_range(at, &mut bytes)?;
        let values = bytes.chunks_exact(width);
        Ok(values.map(|bytes| self.layout.number(bytes)).collect())
    }

    /// Type, number of values, and where in the file they stand, of the first entry with that tag.
    pub(super) fn entry(&self, tag: u16) -> Option<(u16, u64, u64)> {
        let width = self.layout.entry_bytes();
        let place = self.layout.offset_bytes();
        for (idx, entry) in self.bytes.chunks_exact(width).enumerate() {
            if self.layout.number(&entry[..2]) != u64::from(tag) {
                continue;
            }
            let kind = self.layout.number(&entry[2..4]) as u16;
            let count = self.layout.number(&entry[4..4 + place]);
            let size = match kind {
                1 | 2 | 6 | 7 => 1,
                3 | 8 => 2,
                4 | 9 | 11 | 13 => 4,
                _ => 8,
            };
            let is_inline = count.saturating_mul(size) <= place as u64;
            let at = if is_inline {
                self.at + (idx * width + 4 + place) as u64
            } else {
                self.layout.number(&entry[4 + place..])
            };
            return Some((kind, count, at));
        }
        None
    }
}
