//! Where bytes come from: list, stat, read a range. The only `std::fs` towards data; read-only, always.
//!
//! Today a local folder. Every function blocks on I/O and belongs on a reader or opener thread. Only regular files are
//! opened (a FIFO never hangs us, a device is never read), every read is bounded by a budget or by the length of the
//! file, and paths that metadata names go through [`follow_inside`], so that neither `..` nor a symbolic link leads out of
//! the dataset. Links that a listing finds, and those in place of chunks, are followed: people link data folders together,
//! and data managers keep the content of files elsewhere.
//!
//! On live data a document is rewritten in place by Squid (truncate, then write), so a reader can find it empty or cut
//! off; [`read_json`] waits for such a writer, briefly.

mod consolidated;
mod crew;
mod holes;
mod identity;
mod inside;
pub mod kept;
mod lines;
mod room;

pub use self::{
    crew::in_parallel,
    holes::Holes,
    identity::FileIdentity,
    inside::{follow_inside, join_inside, join_name},
    room::{Room, room, room_now},
};

use std::{
    fmt,
    fs::{self, File},
    io::{self, Read as _},
    path::{Component, Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};

use self::consolidated::without_consolidated;
use crate::model::{Code, FileStamp, JsonError, limits, natural_cmp, parse_json, while_waiting};

/// How often a document that is being rewritten (or on Windows, a file that its writer holds) is tried again.
const RETRIES: u32 = 5;
/// Pause before each further try: a rewrite of `zarr.json` takes a few milliseconds.
const RETRY_PAUSE: Duration = Duration::from_millis(20);
/// What is cut off and has not changed for so long is not being written; waiting would only slow opening down.
const REWRITE_WINDOW: Duration = Duration::from_secs(10);

/// What an entry of a folder is, symbolic links resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A regular file.
    File,
    /// A pipe, socket, device, or a link to nothing.
    Other,
}

impl From<fs::FileType> for Kind {
    fn from(found: fs::FileType) -> Self {
        if found.is_dir() {
            Self::Folder
        } else if found.is_file() {
            Self::File
        } else {
            Self::Other
        }
    }
}

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, without the folder.
    pub name: String,
    /// What it is, links resolved.
    pub kind: Kind,
    /// It is a symbolic link.
    pub is_link: bool,
}

/// What the file system says of a path without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: Kind,
    /// Its length in bytes; without meaning for folders.
    pub num_bytes: u64,
    /// When it was last written, where the file system says.
    pub modified: Option<SystemTime>,
}

/// What is wrong with a path, without the path.
#[derive(Debug, thiserror::Error)]
pub enum SourceErrorKind {
    /// Nothing is there.
    #[error("nothing there")]
    NotFound,
    /// The system refused.
    #[error("cannot be read ({0})")]
    Io(#[source] io::Error),
    /// A folder, pipe, socket or device where a file was expected.
    #[error("not a regular file")]
    NotAFile,
    /// Beyond a budget.
    #[error("{found} {unit} where at most {limit} are read")]
    TooLarge {
        /// What was found.
        found: u64,
        /// The budget.
        limit: u64,
        /// Of what: "bytes", "entries".
        unit: &'static str,
    },
    /// The file is shorter than a range that it should hold.
    #[error("bytes {start} to {end} are needed, the file has {num_bytes}")]
    TooShort {
        /// First byte of the range.
        start: u64,
        /// End of the range, exclusive.
        end: u64,
        /// Length of the file.
        num_bytes: u64,
    },
    /// A symbolic link whose target is absent.
    #[error("a link to nothing")]
    DanglingLink,
    /// A path that metadata names leaves its folder.
    #[error("path {0:?} is not a plain relative path")]
    UnsafePath(String),
    /// A path that metadata names leads out of the dataset by a symbolic link.
    #[error("path {relative:?} leads out of the dataset, to {}", target.display())]
    LeavesDataset {
        /// The path as the metadata names it.
        relative: String,
        /// Where it leads.
        target: PathBuf,
    },
    /// The document is not JSON, or has too much of it.
    #[error(transparent)]
    Json(JsonError),
}

/// A path cannot be read.
#[derive(Debug, thiserror::Error)]
pub struct SourceError {
    /// What is wrong.
    #[source]
    pub kind: SourceErrorKind,
    /// The path.
    pub path: PathBuf,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.path.display())
    }
}

impl SourceError {
    fn new(kind: SourceErrorKind, path: &Path) -> Self {
        Self {
            kind,
            path: path.to_path_buf(),
        }
    }

    fn io(error: io::Error, path: &Path) -> Self {
        let kind = if is_absence(&error) {
            SourceErrorKind::NotFound
        } else {
            SourceErrorKind::Io(error)
        };
        Self::new(kind, path)
    }

    /// The error of ours that a decoder passed on as one of its reads.
    #[must_use]
    pub fn inside(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// The code that scripts tell it by.
    #[must_use]
    pub fn code(&self) -> Code {
        match self.kind {
            SourceErrorKind::NotFound => Code::NotFound,
            SourceErrorKind::Io(_) | SourceErrorKind::NotAFile | SourceErrorKind::DanglingLink => {
                Code::IoError
            }
            SourceErrorKind::TooLarge { .. } => Code::TooLarge,
            SourceErrorKind::TooShort { .. } => Code::CorruptData,
            SourceErrorKind::UnsafePath(_) | SourceErrorKind::LeavesDataset { .. } => {
                Code::UnsafePath
            }
            SourceErrorKind::Json(ref error) => error.code(),
        }
    }

    /// What was found and what was expected, without the path.
    #[must_use]
    pub fn message(&self) -> String {
        self.kind.to_string()
    }

    /// The path as text.
    #[must_use]
    pub fn location(&self) -> String {
        self.path.display().to_string()
    }
}

/// True where a path lies on a network file system, as far as the system tells (Linux: proc(5), `/proc/self/mounts`).
#[must_use]
pub fn is_on_network(path: &Path) -> bool {
    const NETWORK: [&str; 9] = [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ceph",
        "fuse.sshfs",
    ];
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mount = |line: &str| -> Option<(usize, bool)> {
        let mut words = line.split(' ').skip(1);
        let (folder, kind) = (words.next()?, words.next()?);
        // Spaces in names are written as octal escapes.
        let folder = folder.replace("\\040", " ");
        path.starts_with(&folder)
            .then(|| (folder.len(), NETWORK.contains(&kind)))
    };
    let innermost = mounts.lines().filter_map(mount).max_by_key(|(len, _)| *len);
    innermost.is_some_and(|(_, is_network)| is_network)
}

/// The entries of a folder in natural order; [`SourceErrorKind::NotFound`] where it is absent.
///
/// Left out: macOS' `._*` files, which lie beside everything on foreign disks, and names that are not Unicode, which
/// no writer of ours produces and no metadata can name.
///
/// # Errors
/// When it is absent, not a folder, cannot be read, or has more than [`limits::FOLDER_ENTRIES`] entries.
pub fn list(folder: &Path) -> Result<Vec<Entry>, SourceError> {
    let mut entries = while_waiting(|| list_at_most(folder, limits::FOLDER_ENTRIES))?;
    entries.sort_by(|a, b| natural_cmp(&a.name, &b.name));
    Ok(entries)
}

fn list_at_most(folder: &Path, limit: usize) -> Result<Vec<Entry>, SourceError> {
    let at = |error| SourceError::io(error, folder);
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(at)? {
        let entry = entry.map_err(at)?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if name.starts_with("._") {
            continue;
        }
        if entries.len() >= limit {
            let kind = SourceErrorKind::TooLarge {
                found: entries.len() as u64 + 1,
                limit: limit as u64,
                unit: "entries",
            };
            return Err(SourceError::new(kind, folder));
        }
        entries.push(Entry {
            name,
            kind: kind_of(&entry),
            is_link: entry.file_type().is_ok_and(|found| found.is_symlink()),
        });
    }
    Ok(entries)
}

/// Asks the file system a second time only for links: a plate has thousands of entries.
fn kind_of(entry: &fs::DirEntry) -> Kind {
    match entry.file_type() {
        Ok(found) if found.is_symlink() => {
            fs::metadata(entry.path()).map_or(Kind::Other, |found| found.file_type().into())
        }
        Ok(found) => found.into(),
        Err(_) => Kind::Other,
    }
}

/// What lies at a path, links resolved; `None` where nothing does.
///
/// # Errors
/// When the system refuses to say.
pub fn stat(path: &Path) -> Result<Option<Stat>, SourceError> {
    match while_waiting(|| fs::metadata(path)) {
        Ok(found) => Ok(Some(Stat {
            kind: found.file_type().into(),
            num_bytes: found.len(),
            modified: found.modified().ok(),
        })),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(SourceError::io(error, path)),
    }
}

/// The stamp of what lies at a path now; `None`: nothing, or the system does not say.
#[must_use]
pub fn stamp_of(path: &Path) -> Option<FileStamp> {
    let found = stat(path).ok().flatten()?;
    Some((found.num_bytes, found.modified))
}

/// The place that a path with `..` in it leads to; `None` where it has none, or nothing is there.
///
/// Only the system can tell: behind a symbolic link `..` is not the name before it.
#[must_use]
pub fn without_parents(path: &Path) -> Option<PathBuf> {
    let mut parts = path.components();
    let has_parent = parts.any(|part| part == Component::ParentDir);
    has_parent.then(|| fs::canonicalize(path).ok())?
}

/// The path without symbolic links; as it is where nothing is there.
#[must_use]
pub fn resolved(path: &Path) -> PathBuf {
    while_waiting(|| fs::canonicalize(path)).unwrap_or_else(|_| path.to_path_buf())
}

/// A text document without its byte order mark; `None` where it is absent. What is not UTF-8 becomes U+FFFD.
///
/// # Errors
/// When it is not a regular file, cannot be read, or is larger than [`limits::DOCUMENT_BYTES`].
pub fn read_document(path: &Path) -> Result<Option<String>, SourceError> {
    let Some(file) = open_regular(path)? else {
        return Ok(None);
    };
    let limit = limits::DOCUMENT_BYTES;
    let too_large = |found: u64| {
        let kind = SourceErrorKind::TooLarge {
            found,
            limit,
            unit: "bytes",
        };
        SourceError::new(kind, path)
    };
    if file.num_bytes() > limit {
        return Err(too_large(file.num_bytes()));
    }
    // All of it in one read, and a second one that finds the end.
    let mut bytes = Vec::with_capacity(usize::try_from(file.num_bytes()).unwrap_or(0) + 1);
    // One byte more than allowed: the file may grow while it is read.
    let mut bounded = (&file.file).take(limit + 1);
    while_waiting(|| bounded.read_to_end(&mut bytes))
        .map_err(|error| SourceError::io(error, path))?;
    if bytes.len() as u64 > limit {
        return Err(too_large(limit + 1));
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    };
    Ok(Some(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    }))
}

/// A JSON document, without the copy that it may have of other ones (`consolidated_metadata`); `None` where it is absent.
///
/// An empty or cut-off document that was touched a moment ago is being rewritten: it is read again, up to 5 times
/// 20 ms apart. So this can block for 100 ms; a reader or opener thread can afford that.
///
/// # Errors
/// As [`read_document`], and when it is not JSON.
pub fn read_json(path: &Path) -> Result<Option<serde_json::Value>, SourceError> {
    let mut tries = 0;
    loop {
        let Some(text) = read_document(path)? else {
            return Ok(None);
        };
        match parse_json(&without_consolidated(&text)) {
            Ok(value) => return Ok(Some(value)),
            Err(error) if error.is_cut_off() && tries < RETRIES && is_recent(path) => {
                tries += 1;
                thread::sleep(RETRY_PAUSE);
            }
            Err(error) => return Err(SourceError::new(SourceErrorKind::Json(error), path)),
        }
    }
}

/// True where a file that was written then is not written to just now, and a further write would give it another time.
/// Never where the system does not say when (or a clock is ahead of ours).
#[must_use]
pub fn is_settled(modified: Option<SystemTime>) -> bool {
    /// Squid rewrites a document within moments; times on network disks may be as coarse as this.
    const SETTLED_AFTER: Duration = Duration::from_secs(2);
    let age = modified.and_then(|modified| SystemTime::now().duration_since(modified).ok());
    age.is_some_and(|age| age > SETTLED_AFTER)
}

/// True where the file was written within the last 10 s, or may have been (a clock ahead of ours, none at all).
#[must_use]
pub fn is_recent(path: &Path) -> bool {
    let modified = stat(path).ok().flatten().and_then(|found| found.modified);
    let age = modified.and_then(|modified| SystemTime::now().duration_since(modified).ok());
    age.is_none_or(|age| age < REWRITE_WINDOW)
}

/// An open regular file: one file, whatever is renamed over its path meanwhile.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    path: PathBuf,
    identity: FileIdentity,
}

impl OpenFile {
    /// Its length when it was opened.
    #[must_use]
    pub fn num_bytes(&self) -> u64 {
        self.identity.stamp().0
    }

    /// When it was written last, as of its opening; `None` where the system does not say.
    #[must_use]
    pub fn modified(&self) -> Option<SystemTime> {
        self.identity.stamp().1
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Fills `target` with the bytes from `offset` on. Several threads may do so at once.
    ///
    /// # Errors
    /// When the range is not inside the file ([`SourceErrorKind::TooShort`]), or the system fails.
    pub fn read_range(&self, offset: u64, target: &mut [u8]) -> Result<(), SourceError> {
        self.check_range(offset, target.len() as u64)?;
        while_waiting(|| read_exact_at(&self.file, offset, target))
            .map_err(|error| SourceError::io(error, &self.path))
    }

    fn check_range(&self, start: u64, len: u64) -> Result<(), SourceError> {
        let end = start.saturating_add(len);
        if end <= self.num_bytes() {
            return Ok(());
        }
        let kind = SourceErrorKind::TooShort {
            start,
            end,
            num_bytes: self.num_bytes(),
        };
        Err(SourceError::new(kind, &self.path))
    }
}

/// Opens a regular file for reading; `None` where it is absent. Never waits for the writer of a pipe.
///
/// # Errors
/// When it is not a regular file, or the system refuses.
pub fn open_regular(path: &Path) -> Result<Option<OpenFile>, SourceError> {
    let at = |error| SourceError::io(error, path);
    let opened = while_waiting(|| {
        let file = open_patiently(path)?;
        let found = file.metadata()?;
        Ok((file, found))
    });
    let (file, found) = match opened {
        Ok(opened) => opened,
        Err(error) if is_absence(&error) => return Ok(None),
        Err(error) => return Err(at(error)),
    };
    if !found.is_file() {
        return Err(SourceError::new(SourceErrorKind::NotAFile, path));
    }
    Ok(Some(OpenFile {
        file,
        path: path.to_path_buf(),
        identity: FileIdentity::of(&found),
    }))
}

/// Opens a file of samples: as [`open_regular`], but a link to nothing is an error.
///
/// Data managers (git-annex, `DataLad`) leave such links where the content was not fetched; those samples exist and are
/// not the fill value.
///
/// # Errors
/// As [`open_regular`], and when the path is a link to nothing.
pub fn open_samples(path: &Path) -> Result<Option<OpenFile>, SourceError> {
    let found = open_regular(path)?;
    if found.is_none() && fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
        return Err(SourceError::new(SourceErrorKind::DanglingLink, path));
    }
    Ok(found)
}

/// On Windows a file that its writer is just renaming is refused for a moment (`ERROR_SHARING_VIOLATION`, 32).
fn open_patiently(path: &Path) -> io::Result<File> {
    let is_held = |error: &io::Error| cfg!(windows) && error.raw_os_error() == Some(32);
    let mut tries = 0;
    loop {
        match open_options().open(path) {
            Err(error) if is_held(&error) && tries < RETRIES => {
                tries += 1;
                thread::sleep(RETRY_PAUSE);
            }
            outcome => return outcome,
        }
    }
}

#[cfg(unix)]
fn open_options() -> fs::OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;

    // `O_NONBLOCK` of the system's <fcntl.h>; std does not export it. It has no effect on regular files.
    const O_NONBLOCK: i32 = if cfg!(any(target_os = "linux", target_os = "android")) {
        if cfg!(any(target_arch = "mips", target_arch = "mips64")) {
            0x80
        } else if cfg!(any(target_arch = "sparc", target_arch = "sparc64")) {
            0x4000
        } else {
            0x800
        }
    } else {
        // macOS, iOS and the BSDs.
        0x4
    };
    let mut options = fs::OpenOptions::new();
    options.read(true).custom_flags(O_NONBLOCK);
    options
}

#[cfg(not(unix))]
fn open_options() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.read(true);
    options
}

#[cfg(unix)]
fn read_exact_at(file: &File, offset: u64, target: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, target, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut offset: u64, mut target: &mut [u8]) -> io::Result<()> {
    while !target.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, target, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        offset += read as u64;
        target = &mut target[read..];
    }
    Ok(())
}

/// True where the error only says that nothing is at the path.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests;
