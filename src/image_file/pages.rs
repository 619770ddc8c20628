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

use super::{
    Refusal,
    directory::{DESCRIPTION, Directory, Layout, SUB_IFDS, Window},
};
use crate::{
    model::{Code, PageAt, limits},
    source::{OpenFile, SourceError},
};

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

    /// True for the pages that are counted here; those by their place are taken to be there.
    #[must_use]
    pub fn has(&self, page: PageAt) -> bool {
        match page {
            PageAt::Idx(idx) => (idx as usize) < self.len(),
            PageAt::Offset(_) => true,
        }
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
            let count = self.len();
            if self.is_cut {
                let message = format!("no page {page_idx}, cut off after {count}");
                return Refusal::new(Code::CorruptData, message);
            }
            // The file may grow page by page.
            let message = format!("the file has no page {page_idx}, it has {count}");
            Refusal::new(Code::OutOfRange, message)
        })
    }

    pub(super) fn directory(&self, file: &OpenFile, page: PageAt) -> Result<Directory, Refusal> {
        let offset = match page {
            PageAt::Idx(idx) => self.offset_of(idx)?,
            PageAt::Offset(offset) => offset,
        };
        let found = Directory::read(&mut Window::new(file), self.layout, offset)?;
        found.ok_or_else(|| Refusal::new(Code::CorruptData, "cut off"))
    }

    /// Offsets of the directories below a page.
    pub(super) fn sub_directories(
        &self,
        file: &OpenFile,
        page_idx: u32,
    ) -> Result<Vec<u64>, Refusal> {
        let mut found = self
            .directory(file, PageAt::Idx(page_idx))?
            .values(file, SUB_IFDS)?;
        found.truncate(limits::LEVELS);
        Ok(found)
    }

    /// The description of the first page, cut at the first NUL; what is not UTF-8 is taken as Latin-1.
    pub(super) fn description(&self, file: &OpenFile) -> Result<Option<String>, Refusal> {
        let directory = self.directory(file, PageAt::default())?;
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
        let mut pages = Self {
            layout,
            offsets: Vec::new(),
            fingerprint: head,
            is_cut: false,
            is_ome: false,
        };
        pages.go_through(file, first)?;
        if pages.offsets.is_empty() {
            let message = "TIFF without a page, or cut off before it";
            return Err(Refusal::new(Code::CorruptData, message));
        }
        Ok(pages)
    }

    fn go_through(&mut self, file: &OpenFile, first: u64) -> Result<(), SourceError> {
        let mut window = Window::new(file);
        let mut seen = HashSet::new();
        let (mut next, mut last) = (first, Vec::new());
        while next != 0 {
            let is_within = self.offsets.len() < limits::TIFF_PAGES && seen.insert(next);
            let found = if is_within {
                Directory::read(&mut window, self.layout, next)?
            } else {
                None
            };
            let Some(directory) = found else {
                self.is_cut = true;
                break;
            };
            if self.offsets.is_empty() {
                self.fingerprint.extend(&directory.bytes);
                self.is_ome = Self::has_ome_description(&mut window, &directory)?;
            }
            self.offsets.push(next);
            next = directory.next;
            last = directory.bytes;
            last.extend(next.to_le_bytes());
        }
        self.fingerprint.extend(last);
        Ok(())
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
