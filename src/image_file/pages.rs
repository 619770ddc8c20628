//! Where the pages of a TIFF file lie: the offsets of its directories, listed once.
//!
//! TIFF 6.0 section 2 and the `BigTIFF` extension: directories are a chain, each names the next. To reach page n the chain
//! has to be gone through, which is slow for each plane of a file with thousands. So it is gone through once per file, and
//! again when length or time say that the file is another one. A file whose samples are filled in place (Squid's OME-TIFF)
//! gets a new time with each plane; its first and last directory tell that the chain is the same. A chain that runs in a
//! circle or off the end stops there: what comes before can be read.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::SystemTime,
};

use lru::LruCache;
use parking_lot::Mutex;

use super::Refusal;
use crate::{
    model::{Code, limits},
    source::{OpenFile, SourceError},
};

/// Entries of one directory; writers use a few dozen.
const MAX_ENTRIES: u64 = 4096;
/// Values of one tag that are read: the offsets of so many strips or tiles.
const MAX_VALUES: u64 = 2 << 20;
/// Read ahead: directories often follow each other.
const WINDOW_BYTES: usize = 64 << 10;

/// Tags of TIFF 6.0.
pub(super) const COMPRESSION: u16 = 259;
const DESCRIPTION: u16 = 270;
pub(super) const STRIP_OFFSETS: u16 = 273;
pub(super) const STRIP_BYTES: u16 = 279;
pub(super) const TILE_OFFSETS: u16 = 324;
pub(super) const TILE_BYTES: u16 = 325;
/// TIFF Technical Note 1: directories below a directory.
const SUB_IFDS: u16 = 330;

/// Byte order, and how wide offsets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    is_big: bool,
    is_little: bool,
}

impl Layout {
    /// By the first 16 bytes of a file (8 may do), and the offset of the first directory; `None`: no TIFF.
    fn of(head: &[u8]) -> Option<(Self, u64)> {
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

    /// The bytes that stand for an offset at the head of the file.
    pub(super) fn patch(self, offset: u64) -> (u64, Vec<u8>) {
        let (from, to) = self.first_offset_at();
        let width = to - from;
        let bytes = if self.is_little {
            offset.to_le_bytes()[..width].to_vec()
        } else {
            offset.to_be_bytes()[8 - width..].to_vec()
        };
        (from as u64, bytes)
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
struct Window<'a> {
    file: &'a OpenFile,
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    fn new(file: &'a OpenFile) -> Self {
        Self {
            file,
            start: 0,
            bytes: Vec::new(),
        }
    }

    /// `length` bytes from `offset` on; `None` beyond the end of the file.
    fn get(&mut self, offset: u64, length: usize) -> Result<Option<&[u8]>, SourceError> {
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
    bytes: Vec<u8>,
    /// Where its entries begin.
    at: u64,
    next: u64,
}

impl Directory {
    /// `None` where it does not fit into the file, or is none.
    fn read(
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
    fn entry(&self, tag: u16) -> Option<(u16, u64, u64)> {
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

/// The pages of one file.
#[derive(Debug)]
pub struct Pages {
    pub(super) layout: Layout,
    offsets: Vec<u64>,
    /// Head, first and last directory: what is another one when the chain is.
    fingerprint: Vec<u8>,
    /// The chain does not end as it should: the file is cut off or being written.
    is_cut: bool,
    is_ome: bool,
}

impl Pages {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Never: a file without a page is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// The description of the first page is OME-XML.
    #[must_use]
    pub fn is_ome(&self) -> bool {
        self.is_ome
    }

    pub(super) fn offset_of(&self, page_idx: u32) -> Result<u64, Refusal> {
        let found = self.offsets.get(page_idx as usize).copied();
        found.ok_or_else(|| {
            let words = if self.is_cut { ", cut off there" } else { "" };
            let message = format!("page {page_idx} of a file with {}{words}", self.len());
            Refusal::new(Code::CorruptData, message)
        })
    }

    pub(super) fn directory(&self, file: &OpenFile, page_idx: u32) -> Result<Directory, Refusal> {
        let offset = self.offset_of(page_idx)?;
        let found = Directory::read(&mut Window::new(file), self.layout, offset)?;
        found.ok_or_else(|| Refusal::new(Code::CorruptData, "cut off"))
    }

    /// Offsets of the directories below a page.
    pub(super) fn sub_directories(
        &self,
        file: &OpenFile,
        page_idx: u32,
    ) -> Result<Vec<u64>, Refusal> {
        let mut found = self.directory(file, page_idx)?.values(file, SUB_IFDS)?;
        found.truncate(limits::LEVELS);
        Ok(found)
    }

    /// The description of the first page, cut at the first NUL; what is not UTF-8 is taken as Latin-1.
    pub(super) fn description(&self, file: &OpenFile) -> Result<Option<String>, Refusal> {
        let directory = self.directory(file, 0)?;
        let Some((2, count, at)) = directory.entry(DESCRIPTION) else {
            return Ok(None);
        };
        if count > limits::DOCUMENT_BYTES {
            let limit = limits::DOCUMENT_BYTES;
            let message = format!("description of {count} bytes where at most {limit} are read");
            return Err(Refusal::new(Code::TooLarge, message));
        }
        let mut bytes = vec![0; count.min(file.num_bytes()) as usize];
        file.read_range(at, &mut bytes)?;
        let end = bytes.iter().position(|&byte| byte == 0);
        bytes.truncate(end.unwrap_or(bytes.len()));
        let text = String::from_utf8(bytes);
        let text = text.unwrap_or_else(|error| {
            // Older writers use Latin-1, for µ.
            let bytes = error.into_bytes();
            bytes.iter().map(|&byte| char::from(byte)).collect()
        });
        Ok(Some(text))
    }

    /// Begin and end of the description say whether it is OME-XML, however long it is.
    fn has_ome_description(
        window: &mut Window<'_>,
        directory: &Directory,
    ) -> Result<bool, SourceError> {
        const HEAD_BYTES: u64 = 4096;
        const TAIL_BYTES: u64 = 64;
        let Some((2, count, at)) = directory.entry(DESCRIPTION) else {
            return Ok(false);
        };
        let contains = |bytes: &[u8], wanted: &[u8]| {
            bytes
                .windows(wanted.len())
                .any(|window| window.eq_ignore_ascii_case(wanted))
        };
        let head = window.get(at, count.min(HEAD_BYTES) as usize)?;
        let is_begun = head.is_some_and(|head| {
            let is_xml = head.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
                || head.starts_with(b"\xef\xbb\xbf<");
            is_xml && contains(head, b"OME")
        });
        let tail = count.min(TAIL_BYTES);
        let from = at.saturating_add(count - tail);
        let is_ended = window
            .get(from, tail as usize)?
            .is_some_and(|tail| contains(tail, b"OME>"));
        Ok(is_begun && is_ended)
    }

    fn list(file: &OpenFile) -> Result<Self, Refusal> {
        let head = head_of(file)?;
        let no_tiff = || Refusal::new(Code::CorruptData, "TIFF whose head is cut off");
        let (layout, first) = Layout::of(&head).ok_or_else(no_tiff)?;
        let mut window = Window::new(file);
        let mut seen = HashSet::new();
        let (mut offsets, mut next, mut is_cut) = (Vec::new(), first, false);
        let (mut is_ome, mut fingerprint) = (false, head);
        let mut last = Vec::new();
        while next != 0 {
            if offsets.len() >= limits::TIFF_PAGES || !seen.insert(next) {
                is_cut = true;
                break;
            }
            let Some(directory) = Directory::read(&mut window, layout, next)? else {
                is_cut = true;
                break;
            };
            if offsets.is_empty() {
                fingerprint.extend(&directory.bytes);
                is_ome = Self::has_ome_description(&mut window, &directory)?;
            }
            offsets.push(next);
            next = directory.next;
            last = directory.bytes;
            last.extend(next.to_le_bytes());
        }
        if offsets.is_empty() {
            let message = "TIFF without a page, or cut off before it";
            return Err(Refusal::new(Code::CorruptData, message));
        }
        fingerprint.extend(last);
        Ok(Self {
            layout,
            offsets,
            fingerprint,
            is_cut,
            is_ome,
        })
    }

    /// True where the chain is as it was, although the file was written to.
    fn is_same_chain(&self, file: &OpenFile) -> bool {
        let read = |offset: u64| {
            Directory::read(&mut Window::new(file), self.layout, offset)
                .ok()
                .flatten()
        };
        let (Some(&first), Some(&last)) = (self.offsets.first(), self.offsets.last()) else {
            return false;
        };
        let (Ok(mut now), Some(first), Some(last)) = (head_of(file), read(first), read(last))
        else {
            return false;
        };
        now.extend(first.bytes);
        now.extend(last.bytes);
        now.extend(last.next.to_le_bytes());
        !self.is_cut && now == self.fingerprint
    }
}

fn head_of(file: &OpenFile) -> Result<Vec<u8>, SourceError> {
    let mut head = vec![0; file.num_bytes().min(16) as usize];
    file.read_range(0, &mut head)?;
    Ok(head)
}

impl From<SourceError> for Refusal {
    fn from(error: SourceError) -> Self {
        Self::new(error.code(), error.message())
    }
}

/// Length and time of a file.
type Stamp = (u64, Option<SystemTime>);

/// Pages of the files that were read last.
struct Known {
    files: LruCache<PathBuf, (Stamp, Arc<Pages>)>,
    num_pages: usize,
}

impl Known {
    fn put(&mut self, path: &Path, stamp: Stamp, pages: &Arc<Pages>) {
        self.num_pages += pages.len();
        let new = (stamp, Arc::clone(pages));
        if let Some((_, old)) = self.files.put(path.to_path_buf(), new) {
            self.num_pages -= old.len();
        }
        while self.num_pages > limits::KEPT_TIFF_PAGES && self.files.len() > 1 {
            if let Some((_, (_, old))) = self.files.pop_lru() {
                self.num_pages -= old.len();
            }
        }
    }
}

/// Files are the same whoever reads them: stores, the watching thread and the opener share what is known.
static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(|| {
    Mutex::new(Known {
        files: LruCache::unbounded(),
        num_pages: 0,
    })
});

/// The pages of an open TIFF file, as they are now. Blocks on I/O where it changed since it was asked for.
pub(super) fn pages_of(file: &OpenFile) -> Result<Arc<Pages>, Refusal> {
    let path = file.path();
    let known = KNOWN.lock().files.get(path).cloned();
    let now = (file.num_bytes(), file.modified());
    let pages = match known {
        Some((stamp, known)) if stamp == now && now.1.is_some() => return Ok(known),
        Some((stamp, known)) if stamp.0 == now.0 && known.is_same_chain(file) => known,
        _ => Arc::new(Pages::list(file)?),
    };
    KNOWN.lock().put(path, now, &pages);
    Ok(pages)
}
