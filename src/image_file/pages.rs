//! Where the pages of a TIFF file lie, listed once for the whole process.
//!
//! Directories are a chain, each names the next. To reach page n the chain has to be gone through, which is slow for each
//! plane of a file with thousands. So it is gone through once per file, and again when length or time say that the file is
//! another one. A file whose samples are filled in place (Squid's OME-TIFF) gets a new time with each plane; its first and
//! last directory tell that the chain is the same. A chain that runs in a circle or off the end stops there: what comes
//! before can be read.

use std::{
    path::PathBuf,
    sync::{Arc, LazyLock},
};

use lru::LruCache;
use parking_lot::Mutex;

use super::{
    ImageFileError, Refusal,
    directories::{Chain, Directories, Directory, Entry, tags},
};
use crate::{
    model::{Code, FileStamp, PageAt, limits},
    source,
};

/// The pages of one file.
#[derive(Debug)]
pub struct Pages {
    chain: Chain,
    identity: Identity,
    /// The chain does not end as it should: the file is cut off or being written.
    is_cut: bool,
    is_ome: bool,
}

/// Head, first and last directory: what is another one when the chain is.
#[derive(Debug, Default, PartialEq, Eq)]
struct Identity {
    head: Vec<u8>,
    first: Option<Directory>,
    last: Option<Directory>,
}

impl Pages {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.chain.offsets().len()
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
        self.chain.offsets().is_empty()
    }

    /// The description of the first page is OME-XML.
    #[must_use]
    pub fn is_ome(&self) -> bool {
        self.is_ome
    }

    fn offset_of(&self, page_idx: u32) -> Result<u64, Refusal> {
        let found = self.chain.offsets().get(page_idx as usize).copied();
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

    fn list(file: &mut Directories) -> Result<Self, Refusal> {
        let mut pages = Self {
            chain: Chain::default(),
            identity: Identity {
                head: file.head().to_vec(),
                ..Identity::default()
            },
            is_cut: false,
            is_ome: false,
        };
        let identity = &mut pages.identity;
        let outcome = pages.chain.follow(file, |file, page| {
            if identity.first.is_none() {
                pages.is_ome = has_ome_description(file, page)?;
                identity.first = Some(page.clone());
            }
            identity.last = Some(page.clone());
            Ok(true)
        });
        pages.is_cut = match outcome {
            Ok(is_whole) => !is_whole,
            // What is no directory ends the chain.
            Err(error) if error.code == Code::CorruptData => true,
            Err(error) => return Err(error.into()),
        };
        if pages.is_empty() {
            let message = "TIFF without a page, or cut off before it";
            return Err(Refusal::new(Code::CorruptData, message));
        }
        Ok(pages)
    }

    /// True where the chain is as it was, although the file was written to.
    fn is_same_chain(&self, file: &mut Directories) -> bool {
        let known = &self.identity;
        let mut is_same = |directory: &Option<Directory>| {
            let offset = directory.as_ref().map(|known| known.offset);
            let now = offset.and_then(|offset| file.read(offset).ok().flatten());
            now.is_some() && now == *directory
        };
        let are_same = is_same(&known.first) && is_same(&known.last);
        are_same && !self.is_cut && file.head() == known.head
    }
}

/// Begin and end of the description say whether it is OME-XML, however long it is. One that begins with its root element is
/// some, too, where it does not end: whoever reads it says that it is not whole.
pub(super) fn has_ome_description(
    file: &mut Directories,
    page: &Directory,
) -> Result<bool, ImageFileError> {
    const HEAD_BYTES: u64 = 4096;
    const TAIL_BYTES: u64 = 64;
    let entry = page.get(tags::DESCRIPTION).filter(Entry::is_text);
    let Some((entry, count)) = entry.and_then(|entry| Some((entry, entry.num_bytes()?))) else {
        return Ok(false);
    };
    let contains = |bytes: &[u8], wanted: &[u8]| {
        bytes
            .windows(wanted.len())
            .any(|window| window.eq_ignore_ascii_case(wanted))
    };
    let head = file.part(entry, 0, count.min(HEAD_BYTES))?;
    let (mut is_begun, mut has_root) = (false, false);
    if let Some(head) = head {
        let is_xml = head.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
            || head.starts_with(b"\xef\xbb\xbf<");
        is_begun = is_xml && contains(head, b"OME");
        has_root = is_begun
            && [b"<OME ", b"<OME>", b":OME "]
                .iter()
                .any(|it| contains(head, *it));
    }
    let tail = count.min(TAIL_BYTES);
    let is_ended = file
        .part(entry, count - tail, tail)?
        .is_some_and(|tail| contains(tail, b"OME>"));
    Ok(has_root || is_begun && is_ended)
}

/// Where the directory of a page lies.
///
/// # Errors
/// When the file has no such page, or cannot be read.
pub(super) fn offset_of(file: &mut Directories, page: PageAt) -> Result<u64, Refusal> {
    match page {
        PageAt::Offset(offset) => Ok(offset),
        PageAt::Idx(idx) => {
            // Acquisitions of one file per plane have hundreds of thousands: nothing is kept of a file of which nobody
            // wants more than its first page.
            let first = file.first().filter(|_| idx == 0);
            match first {
                Some(first) if file.read(first)?.is_some() => Ok(first),
                _ => pages_of(file)?.offset_of(idx),
            }
        }
    }
}

/// The directory of a page.
///
/// # Errors
/// As [`offset_of`].
pub(super) fn directory(file: &mut Directories, page: PageAt) -> Result<Directory, Refusal> {
    let offset = offset_of(file, page)?;
    let found = file.read(offset)?;
    found.ok_or_else(|| Refusal::new(Code::CorruptData, "cut off"))
}

/// Offsets of the directories below a page.
///
/// # Errors
/// As [`offset_of`].
pub(super) fn sub_directories(file: &mut Directories, page: PageAt) -> Result<Vec<u64>, Refusal> {
    let Some(entry) = directory(file, page)?.get(tags::SUB_IFDS) else {
        return Ok(Vec::new());
    };
    let mut found = file.numbers(entry)?;
    found.truncate(limits::LEVELS);
    Ok(found)
}

/// The pages of a file as they were.
#[derive(Clone)]
struct Listed {
    pages: Arc<Pages>,
    stamp: FileStamp,
    /// Nobody had written to it for a while; else it may have changed within the resolution of its time.
    is_settled: bool,
}

/// What keeping a file takes beside its pages, in pages: its path, its stamp, and room in lists.
const PAGES_OF_A_FILE: usize = 128;

impl Listed {
    fn cost(&self) -> usize {
        self.pages.len() + PAGES_OF_A_FILE
    }
}

/// Pages of the files that were read last.
struct Known {
    files: LruCache<PathBuf, Listed>,
    /// What they take, in pages.
    cost: usize,
}

impl Known {
    /// Keeps the pages of a file; those of files that were read longest ago make room within `limit` pages.
    fn put(&mut self, path: PathBuf, listed: Listed, limit: usize) {
        self.cost += listed.cost();
        if let Some(old) = self.files.put(path, listed) {
            self.cost -= old.cost();
        }
        while self.cost > limit && self.files.len() > 1 {
            if let Some((_, old)) = self.files.pop_lru() {
                self.cost -= old.cost();
            }
        }
    }
}

/// Files are the same whoever reads them: stores, the watching thread and the opener share what is known.
static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(|| {
    Mutex::new(Known {
        files: LruCache::unbounded(),
        cost: 0,
    })
});

/// True where the pages of a file are kept.
#[cfg(test)]
pub(super) fn are_known(path: &std::path::Path) -> bool {
    KNOWN.lock().files.contains(path)
}

/// The pages of an open TIFF file, as they are now. Blocks on I/O where it changed since it was asked for.
pub(super) fn pages_of(file: &mut Directories) -> Result<Arc<Pages>, Refusal> {
    let path = file.file().path().to_path_buf();
    let stamp = (file.file().num_bytes(), file.file().modified());
    let known = KNOWN.lock().files.get(&path).cloned();
    if let Some(known) = &known
        && known.stamp == stamp
        && known.is_settled
    {
        return Ok(Arc::clone(&known.pages));
    }
    // Before it is read: what comes later has another time.
    let is_settled = source::is_settled(stamp.1);
    let pages = match known {
        Some(known) if known.stamp.0 == stamp.0 && known.pages.is_same_chain(file) => known.pages,
        _ => Arc::new(Pages::list(file)?),
    };
    let listed = Listed {
        pages: Arc::clone(&pages),
        stamp,
        is_settled,
    };
    KNOWN.lock().put(path, listed, limits::KEPT_PAGES);
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_files_that_were_read_longest_ago_make_room() {
        let mut known = Known {
            files: LruCache::unbounded(),
            cost: 0,
        };
        let limit = 5 + 2 * PAGES_OF_A_FILE;
        for (number, num_pages) in [2, 2, 2, 7].into_iter().enumerate() {
            let pages = Pages {
                chain: Chain::of((0..num_pages).collect()),
                identity: Identity::default(),
                is_cut: false,
                is_ome: false,
            };
            let listed = Listed {
                pages: Arc::new(pages),
                stamp: (0, None),
                is_settled: true,
            };
            known.put(PathBuf::from(number.to_string()), listed, limit);
            let (num_pages, num_files) = [(2, 1), (4, 2), (4, 2), (7, 1)][number];
            let expected = num_pages + num_files * PAGES_OF_A_FILE;
            assert_eq!(known.cost, expected, "after file {number}");
        }
        assert_eq!(known.files.len(), 1, "the file itself is always kept");
    }
}
