//! Directories of a TIFF file (TIFF 6.0 section 2, `BigTIFF`): where they lie, and their tags as they are written.
//!
//! Beside the crate `tiff`, which keeps one entry per tag and goes through the whole chain for each page: the pages of
//! Squid's stacks have two descriptions each (`control/core/job_processing.py`), there are hundreds of them, and the file
//! grows while it is read. A chain is followed once and then on from its last directory. Nothing is allocated by what the
//! file says beyond the budgets, and cycles end. What lies beyond the end of the file is not there yet, which is no error.

mod chain;
mod layout;

pub use self::chain::Chain;
pub(super) use self::layout::Layout;

use std::path::Path;

use super::{ImageFileError, Refusal};
use crate::{
    model::{Code, limits},
    source::{self, OpenFile},
};

/// Numbers of tags (TIFF 6.0) that are asked for.
pub mod tags {
    /// `Compression`.
    pub const COMPRESSION: u16 = 259;
    /// `PhotometricInterpretation`.
    pub const PHOTOMETRIC: u16 = 262;
    /// `ImageDescription`.
    pub const DESCRIPTION: u16 = 270;
    /// `StripOffsets`.
    pub const STRIP_OFFSETS: u16 = 273;
    /// `StripByteCounts`.
    pub const STRIP_BYTES: u16 = 279;
    /// `XResolution`.
    pub const X_RESOLUTION: u16 = 282;
    /// `YResolution`.
    pub const Y_RESOLUTION: u16 = 283;
    /// `PageName`.
    pub const PAGE_NAME: u16 = 285;
    /// `ResolutionUnit`.
    pub const RESOLUTION_UNIT: u16 = 296;
    /// `TileOffsets`.
    pub const TILE_OFFSETS: u16 = 324;
    /// `TileByteCounts`.
    pub const TILE_BYTES: u16 = 325;
    /// `SubIFDs` (TIFF Technical Note 1): directories below a directory.
    pub const SUB_IFDS: u16 = 330;
}

/// What is read at once: a directory and the values behind it, as most writers place them.
const WINDOW_BYTES: u64 = 4096;

/// A tag of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub tag: u16,
    /// Type of its values, as TIFF numbers them.
    kind: u16,
    count: u64,
    /// Where its values lie in the file.
    at: u64,
}

impl Entry {
    /// Bytes of one value; `None` for types that nobody knows.
    fn size(&self) -> Option<u64> {
        match self.kind {
            1 | 2 | 6 | 7 => Some(1),
            3 | 8 => Some(2),
            4 | 9 | 11 | 13 => Some(4),
            5 | 10 | 12 | 16 | 17 | 18 => Some(8),
            _ => None,
        }
    }

    /// Bytes of one value of the types of whole numbers.
    fn whole_size(&self) -> Option<u64> {
        let is_whole = matches!(self.kind, 1 | 3 | 4 | 13 | 16 | 18);
        self.size().filter(|_| is_whole)
    }

    /// How many values it has.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// True for text and bytes.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(self.kind, 1 | 2 | 7)
    }

    /// Bytes of its values; `None` for types that nobody knows.
    #[must_use]
    pub fn num_bytes(&self) -> Option<u64> {
        self.size()?.checked_mul(self.count)
    }
}

/// A directory: one page, as a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Where it lies in the file.
    pub offset: u64,
    /// Where the next one lies; `None`: it is the last.
    pub next: Option<u64>,
    /// Its tags in the order of the file; several may have the same number.
    pub entries: Vec<Entry>,
}

impl Directory {
    /// The tags of a number.
    pub fn all(&self, tag: u16) -> impl Iterator<Item = Entry> + '_ {
        self.entries
            .iter()
            .copied()
            .filter(move |entry| entry.tag == tag)
    }

    /// The first tag of a number.
    #[must_use]
    pub fn get(&self, tag: u16) -> Option<Entry> {
        self.all(tag).next()
    }
}

/// An open TIFF file, of which directories are read. All calls block on I/O.
#[derive(Debug)]
pub struct Directories {
    file: OpenFile,
    head: Vec<u8>,
    layout: Layout,
    first: Option<u64>,
    window: Vec<u8>,
    window_at: u64,
}

impl Directories {
    /// Opens a TIFF file; `None` where it is absent.
    ///
    /// # Errors
    /// When it cannot be read, or is no TIFF file (yet).
    pub fn open(path: &Path) -> Result<Option<Self>, ImageFileError> {
        let Some(file) = source::open_samples(path)? else {
            return Ok(None);
        };
        Self::of(file).map(Some).map_err(|refusal| refusal.at(path))
    }

    /// The same of a file that is open.
    pub(super) fn of(file: OpenFile) -> Result<Self, Refusal> {
        let mut head = vec![0; file.num_bytes().min(16) as usize];
        file.read_range(0, &mut head)?;
        let layout = Layout::of(&head).ok_or_else(|| {
            let message = "expected a TIFF file, found something else";
            Refusal::new(Code::CorruptData, message)
        })?;
        let (at, bytes) = layout.first_at();
        let first = head.get(at..at + bytes);
        Ok(Self {
            first: first.map(|bytes| layout.number(bytes)).filter(|&at| at > 0),
            file,
            head,
            layout,
            window: Vec::new(),
            window_at: 0,
        })
    }

    /// The file itself.
    pub(super) fn file(&self) -> &OpenFile {
        &self.file
    }

    /// The file itself, for whoever reads samples.
    pub(super) fn into_file(self) -> OpenFile {
        self.file
    }

    /// Up to 16 bytes at the beginning of the file.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The same with another first directory.
    pub(super) fn head_with_first(&self, offset: u64) -> Result<Vec<u8>, Refusal> {
        let head = self.layout.head_with_first(&self.head, offset);
        head.ok_or_else(|| Refusal::new(Code::CorruptData, "cut off"))
    }

    /// Length of the file when it was opened.
    #[must_use]
    pub fn num_bytes(&self) -> u64 {
        self.file.num_bytes()
    }

    /// Where the first directory lies; `None`: there is none (yet).
    #[must_use]
    pub fn first(&self) -> Option<u64> {
        self.first
    }

    /// The directory at a place in the file; `None` where it is not wholly there (yet).
    ///
    /// # Errors
    /// When the file cannot be read, or the directory is beyond the budgets.
    pub fn read(&mut self, offset: u64) -> Result<Option<Directory>, ImageFileError> {
        let layout = self.layout;
        let (count_bytes, entry_bytes, value_at, next_bytes) = if layout.is_big {
            (8, 20, 12, 8)
        } else {
            (2, 12, 8, 4)
        };
        // None at all stand where nobody wrote yet.
        let count = self.number_at(offset, count_bytes)?;
        let Some(count) = count.filter(|&count| count > 0) else {
            return Ok(None);
        };
        if count > limits::TIFF_TAGS {
            let limit = limits::TIFF_TAGS;
            let message = format!("a directory of {count} tags where at most {limit} are read");
            return Err(self.refuse(Code::CorruptData, message));
        }
        let entries_at = offset.saturating_add(count_bytes);
        let length = count * entry_bytes + next_bytes;
        let Some(bytes) = self.bytes_at(entries_at, length)? else {
            return Ok(None);
        };
        let mut entries = Vec::with_capacity(count as usize);
        let (table, next) = bytes.split_at((count * entry_bytes) as usize);
        for (row, raw) in table.chunks_exact(entry_bytes as usize).enumerate() {
            let (numbers, value) = raw.split_at(value_at);
            let mut entry = Entry {
                tag: layout.number(&numbers[..2]) as u16,
                kind: layout.number(&numbers[2..4]) as u16,
                count: layout.number(&numbers[4..]),
                at: entries_at + row as u64 * entry_bytes + value_at as u64,
            };
            if entry
                .num_bytes()
                .is_none_or(|bytes| bytes > value.len() as u64)
            {
                entry.at = layout.number(value);
            }
            entries.push(entry);
        }
        let next = layout.number(next);
        Ok(Some(Directory {
            offset,
            next: (next > 0).then_some(next),
            entries,
        }))
    }

    /// The bytes of a tag; `None` where they are not wholly in the file, or their type is not known.
    ///
    /// # Errors
    /// When the file cannot be read, or they are beyond the budget of documents.
    pub fn bytes(&mut self, entry: Entry) -> Result<Option<Vec<u8>>, ImageFileError> {
        let Some(length) = entry.num_bytes() else {
            return Ok(None);
        };
        Ok(self.part(entry, 0, length)?.map(<[u8]>::to_vec))
    }

    /// Some of the bytes of a tag; `None` where they are not wholly in the file.
    pub(super) fn part(
        &mut self,
        entry: Entry,
        from: u64,
        length: u64,
    ) -> Result<Option<&[u8]>, ImageFileError> {
        if length > limits::DOCUMENT_BYTES {
            let (tag, limit) = (entry.tag, limits::DOCUMENT_BYTES);
            let message = format!("tag {tag} of {length} bytes where at most {limit} are read");
            return Err(self.refuse(Code::TooLarge, message));
        }
        self.bytes_at(entry.at.saturating_add(from), length)
    }

    /// The text of a tag, up to its first NUL; what is not UTF-8 is taken as Latin-1.
    ///
    /// # Errors
    /// As [`Self::bytes`].
    pub fn text(&mut self, entry: Entry) -> Result<Option<String>, ImageFileError> {
        if !entry.is_text() {
            return Ok(None);
        }
        Ok(self.bytes(entry)?.map(|bytes| {
            let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
            // Older writers use Latin-1, for µ.
            let latin = |_| text.iter().map(|&byte| char::from(byte)).collect();
            str::from_utf8(text).map_or_else(latin, str::to_owned)
        }))
    }

    /// One whole number of a tag; `None` where it has no such one, or is of another type.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn number(&mut self, entry: Entry, idx: u64) -> Result<Option<u64>, ImageFileError> {
        let Some(size) = entry.whole_size().filter(|_| idx < entry.count) else {
            return Ok(None);
        };
        self.number_at(entry.at.saturating_add(idx.saturating_mul(size)), size)
    }

    /// Where the first whole number of a tag stands, and what stands there when it is another one; `None` where it has none.
    pub(super) fn patch(&self, entry: Entry, number: u64) -> Option<(u64, Vec<u8>)> {
        let size = entry.whole_size().filter(|_| entry.count > 0)?;
        Some((entry.at, self.layout.bytes(number, size as usize)))
    }

    /// All whole numbers of a tag; none where they are of another type, too many, or not wholly in the file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn numbers(&mut self, entry: Entry) -> Result<Vec<u64>, ImageFileError> {
        let layout = self.layout;
        let Some(size) = entry
            .whole_size()
            .filter(|_| entry.count <= limits::TIFF_VALUES)
        else {
            return Ok(Vec::new());
        };
        let bytes = self.bytes_at(entry.at, entry.count * size)?;
        let values = bytes.unwrap_or_default().chunks_exact(size as usize);
        Ok(values.map(|bytes| layout.number(bytes)).collect())
    }

    /// The first fraction of a tag; `None` where it has none or one by zero.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn fraction(&mut self, entry: Entry) -> Result<Option<f64>, ImageFileError> {
        if entry.kind != 5 || entry.count == 0 {
            return Ok(None);
        }
        let above = self.number_at(entry.at, 4)?;
        let below = self.number_at(entry.at.saturating_add(4), 4)?;
        let pair = above.zip(below).filter(|(_, below)| *below > 0);
        Ok(pair.map(|(above, below)| above as f64 / below as f64))
    }

    /// True where the samples of a page lie inside the file; writers that append write them in order, so the last strip or
    /// tile decides.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn holds_samples(&mut self, page: &Directory) -> Result<bool, ImageFileError> {
        let places = [
            (tags::STRIP_OFFSETS, tags::STRIP_BYTES),
            (tags::TILE_OFFSETS, tags::TILE_BYTES),
        ];
        for (offsets, counts) in places {
            let (Some(offsets), Some(counts)) = (page.get(offsets), page.get(counts)) else {
                continue;
            };
            let last = offsets.count.saturating_sub(1);
            let (at, length) = (self.number(offsets, last)?, self.number(counts, last)?);
            let end = at
                .zip(length)
                .and_then(|(at, length)| at.checked_add(length));
            return Ok(end.is_some_and(|end| end <= self.num_bytes()));
        }
        Ok(false)
    }

    fn refuse(&self, code: Code, message: impl Into<String>) -> ImageFileError {
        Refusal::new(code, message).at(self.file.path())
    }

    fn number_at(&mut self, at: u64, length: u64) -> Result<Option<u64>, ImageFileError> {
        let layout = self.layout;
        Ok(self.bytes_at(at, length)?.map(|bytes| layout.number(bytes)))
    }

    /// Bytes of the file; `None` where they are not all inside of it.
    fn bytes_at(&mut self, at: u64, length: u64) -> Result<Option<&[u8]>, ImageFileError> {
        let end = at.checked_add(length);
        let Some(end) = end.filter(|&end| end <= self.file.num_bytes()) else {
            return Ok(None);
        };
        let window_end = self.window_at + self.window.len() as u64;
        if at < self.window_at || end > window_end {
            let wanted = length.max(WINDOW_BYTES).min(self.file.num_bytes() - at);
            self.window.clear();
            self.window.resize(wanted as usize, 0);
            self.window_at = at;
            if let Err(error) = self.file.read_range(at, &mut self.window) {
                self.window.clear();
                return Err(error.into());
            }
        }
        let from = (at - self.window_at) as usize;
        Ok(self.window.get(from..from + length as usize))
    }
}

#[cfg(test)]
mod tests;
