//! Pixels of TIFF, BMP, PNG and JPEG files: size and sample type of a page, and its samples.
//!
//! The decoders are the crates `tiff`, `png`, `zune-jpeg` and `image` (BMP); what a file is, its first bytes say, not its
//! name. Files are read through `source`, so only regular ones and never beyond their length; decoders get the budgets of
//! [`limits`], and no file makes more memory of its bytes than [`limits::DECODED_PER_ENCODED`] says. A file
//! that its writer has not finished is [`Code::CorruptData`]: Squid does not write image files atomically
//! (`control/core/job_processing.py`). All calls block on I/O.

pub mod directories;
mod ground;
mod jpeg_file;
mod pages;
mod part;
mod plain;
mod png_file;
mod reader;
mod tiff_page;

pub use self::{
    ground::{Ground, ground, looks_blank},
    pages::Pages,
};

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
    time::SystemTime,
};

use crate::{
    model::{Code, MemoryOrder, PageAt, Pixels, SampleType, Samples, WorkStage, limits},
    source::{self, OpenFile, SourceError},
};

use self::{
    directories::{Directories, Layout, tags},
    pages::pages_of,
    part::{Block, copy_block, part_of, sample_of},
    reader::{Reader, Stream},
};

/// Size and samples of one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Type of one sample.
    pub sample_type: SampleType,
    /// 1 for gray, 3 for red, green and blue; alpha counts as none.
    pub num_colors: u8,
}

/// Which samples of a file are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The page; the first of files that have only one.
    pub page: PageAt,
    /// A directory below the page (a smaller copy of it); `None`: the page itself.
    pub sub_idx: Option<u32>,
    /// 0, 1, 2: red, green or blue; `None`: gray.
    pub color_idx: Option<u8>,
    /// First column, first row, columns and rows; `None`: all.
    pub part: Option<(u32, u32, u32, u32)>,
}

/// A file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}: {location}")]
pub struct ImageFileError {
    /// What kind of thing is wrong.
    pub code: Code,
    /// What was found and what was expected.
    pub message: String,
    /// The file.
    pub location: String,
}

impl From<SourceError> for ImageFileError {
    fn from(error: SourceError) -> Self {
        Self {
            code: error.code(),
            message: error.message(),
            location: error.location(),
        }
    }
}

/// What is wrong, without the path.
#[derive(Debug)]
struct Refusal {
    code: Code,
    message: String,
}

impl Refusal {
    fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// A decoder's read that failed: the system's fault, or that of a file that is cut off.
    fn of_io(error: &io::Error) -> Self {
        match SourceError::inside(error) {
            Some(inner) => Self::new(inner.code(), inner.message()),
            None => Self::new(Code::CorruptData, format!("cannot be decoded ({error})")),
        }
    }

    /// What lies before the samples is beyond the budget.
    fn metadata() -> Self {
        let most = limits::IMAGE_METADATA_BYTES;
        let message = format!("more than {most} bytes before its pixels");
        Self::new(Code::TooLarge, message)
    }

    fn at(self, path: &Path) -> ImageFileError {
        ImageFileError {
            code: self.code,
            message: self.message,
            location: path.display().to_string(),
        }
    }
}

impl From<SourceError> for Refusal {
    fn from(error: SourceError) -> Self {
        Self::new(error.code(), error.message())
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::of_io(&error)
    }
}

/// Of the same file, whose path is added again.
impl From<ImageFileError> for Refusal {
    fn from(error: ImageFileError) -> Self {
        Self::new(error.code, error.message)
    }
}

/// True for names of image files that are read.
#[must_use]
pub fn is_image_name(name: &str) -> bool {
    is_tiff_name(name) || ends_in(name, &["bmp", "png", "jpg", "jpeg"])
}

/// True for names of TIFF and `BigTIFF` files (OME-TIFF specification, "file extensions").
#[must_use]
pub fn is_tiff_name(name: &str) -> bool {
    ends_in(name, &["tif", "tiff", "btf", "tf2", "tf8"])
}

fn ends_in(name: &str, endings: &[&str]) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    endings
        .iter()
        .any(|known| ending.eq_ignore_ascii_case(known))
}

/// What a page is, without decoding it; `None` where the file is absent.
///
/// # Errors
/// When the file cannot be read, is none of the known kinds or cut off, or its samples are of a kind that is not shown.
pub fn describe(path: &Path, page: PageAt) -> Result<Option<Page>, ImageFileError> {
    describe_level(path, page, None)
}

/// What a page, or a directory below it, is; `None` where the file is absent.
///
/// # Errors
/// As [`describe`].
pub fn describe_level(
    path: &Path,
    page: PageAt,
    sub_idx: Option<u32>,
) -> Result<Option<Page>, ImageFileError> {
    with_file(path, |kind, file| match kind {
        Kind::Tiff => tiff_page::describe(tiff_page::reader_at(file, page, sub_idx)?),
        Kind::Plain(format) => plain::describe(Stream::buffered(file), format, page),
    })
}

/// How many pages a file has, up to [`limits::PAGES`]; `None` where it is absent. Reads no samples.
///
/// # Errors
/// As [`describe`].
pub fn num_pages(path: &Path) -> Result<Option<usize>, ImageFileError> {
    with_file(path, |kind, file| match kind {
        Kind::Tiff => Ok(pages_of(&mut Directories::of(file)?)?.len()),
        Kind::Plain(_) => Ok(1),
    })
}

/// The pages of a TIFF file, listed once and again where it changed; `None` where it is absent or no TIFF.
///
/// # Errors
/// When it cannot be read, or is cut off before its first page.
pub fn tiff_pages(path: &Path) -> Result<Option<Arc<Pages>>, ImageFileError> {
    in_tiff(path, |file| pages_of(file).map(Some))
}

/// True for a TIFF file of which the description of the first page is OME-XML; no further page is looked at. `None` where
/// it is absent or no TIFF.
///
/// # Errors
/// As [`tiff_pages`].
pub fn is_ome_tiff(path: &Path) -> Result<Option<bool>, ImageFileError> {
    in_tiff(path, |file| {
        let first = pages::directory(file, PageAt::default())?;
        Ok(Some(pages::has_ome_description(file, &first)?))
    })
}

/// True where a TIFF file ends before its first page or the samples of that do: it is damaged, or being written. `None`
/// where it is absent or no TIFF.
///
/// # Errors
/// When it cannot be read, or is too short to say what it is.
pub fn is_cut_off(path: &Path) -> Result<Option<bool>, ImageFileError> {
    in_tiff(path, |file| {
        let first = match file.first() {
            Some(offset) => file.read(offset)?,
            None => None,
        };
        Ok(Some(match first {
            Some(page) => !file.holds_samples(&page)?,
            None => true,
        }))
    })
}

/// The description of the first page of a TIFF file; `None` where it has none, is absent or no TIFF.
///
/// # Errors
/// As [`tiff_pages`], and when it is larger than [`limits::DOCUMENT_BYTES`].
pub fn description(path: &Path) -> Result<Option<String>, ImageFileError> {
    in_tiff(path, |file| {
        let first = pages::directory(file, PageAt::default())?;
        match first.get(tags::DESCRIPTION) {
            Some(entry) => Ok(file.text(entry)?),
            None => Ok(None),
        }
    })
}

/// How many directories (smaller copies of it) lie below a page; `None` where the file is absent or no TIFF.
///
/// # Errors
/// As [`tiff_pages`], and when it has no such page.
pub fn num_levels_below(path: &Path, page: PageAt) -> Result<Option<usize>, ImageFileError> {
    in_tiff(path, |file| {
        let below = pages::sub_directories(file, page)?;
        Ok(Some(below.len()))
    })
}

/// The samples of a page or a part of it, (y, x), row-major, in the type of the file; `None` where the file is absent.
///
/// # Errors
/// As [`describe`], when the wanted page, colour or part is not in it, or when it would not fit the budgets.
pub fn read(path: &Path, wanted: Wanted) -> Result<Option<Pixels>, ImageFileError> {
    let _reading = WorkStage::Read.enter();
    with_file(path, |kind, file| match kind {
        Kind::Tiff => {
            let reader = tiff_page::reader_at(file, wanted.page, wanted.sub_idx)?;
            tiff_page::read(reader, wanted)
        }
        Kind::Plain(format) => plain::read(Stream::buffered(file), format, wanted),
    })
}

/// What a file is by its first bytes.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Tiff,
    Plain(image::ImageFormat),
}

/// Looks at the directories of a TIFF file; `None` where it is absent or no TIFF.
fn in_tiff<T>(
    path: &Path,
    work: impl FnOnce(&mut Directories) -> Result<Option<T>, Refusal>,
) -> Result<Option<T>, ImageFileError> {
    let found = with_file(path, |kind, file| match kind {
        Kind::Tiff => work(&mut Directories::of(file)?),
        Kind::Plain(_) => Ok(None),
    })?;
    Ok(found.flatten())
}

fn with_file<T>(
    path: &Path,
    work: impl FnOnce(Kind, OpenFile) -> Result<T, Refusal>,
) -> Result<Option<T>, ImageFileError> {
    let Some(file) = source::open_samples(path)? else {
        return Ok(None);
    };
    let at = |refusal: Refusal| refusal.at(path);
    let mut head = [0; 16];
    let length = head.len().min(file.num_bytes() as usize);
    file.read_range(0, &mut head[..length])?;
    let kind = kind_of(&head[..length]).map_err(at)?;
    // Of a TIFF only the wanted page is read; an OME-TIFF of a long series is larger than any memory.
    let is_whole = matches!(kind, Kind::Plain(_));
    if is_whole && file.num_bytes() > limits::FILE_BYTES {
        let found = file.num_bytes();
        let message = format!(
            "{found} bytes where at most {} are read",
            limits::FILE_BYTES
        );
        return Err(at(Refusal::new(Code::TooLarge, message)));
    }
    // The decoders are not ours: that of BMP (image 0.25.10) indexes a palette that is too short.
    let decoded = catch_unwind(AssertUnwindSafe(|| work(kind, file)));
    let gave_up = |_| {
        let message = "cannot be decoded (its decoder did not expect what it found)";
        Err(Refusal::new(Code::CorruptData, message))
    };
    decoded.unwrap_or_else(gave_up).map(Some).map_err(at)
}

fn kind_of(head: &[u8]) -> Result<Kind, Refusal> {
    use image::ImageFormat::{Bmp, Jpeg, Png};

    if Layout::of(head).is_some() {
        return Ok(Kind::Tiff);
    }
    match image::guess_format(head) {
        Ok(format @ (Bmp | Jpeg | Png)) => Ok(Kind::Plain(format)),
        _ if head.is_empty() => Err(Refusal::new(Code::CorruptData, "empty file")),
        // It may just be half-written.
        _ => {
            let message = "expected a TIFF, BMP, PNG or JPEG file, found something else";
            Err(Refusal::new(Code::CorruptData, message))
        }
    }
}

/// Checks size against the budgets before anything is allocated.
fn check_size(page: &Page, samples_per_pixel: usize) -> Result<(), Refusal> {
    let pixels = u64::from(page.width) * u64::from(page.height);
    let bytes_per_pixel = page.sample_type.num_bytes() as u64 * samples_per_pixel as u64;
    let bytes = pixels.saturating_mul(bytes_per_pixel);
    if pixels == 0 {
        return Err(Refusal::new(Code::CorruptData, "image without pixels"));
    }
    let too_large = |found: u64, unit: &str, most: u64| {
        let (width, height) = (page.width, page.height);
        let message =
            format!("{width} x {height} pixels are {found} {unit} where at most {most} are read");
        Err(Refusal::new(Code::TooLarge, message))
    };
    if pixels > limits::CHUNK_SAMPLES {
        return too_large(pixels, "pixels", limits::CHUNK_SAMPLES);
    }
    if bytes > limits::DECODED_BYTES {
        return too_large(bytes, "bytes", limits::DECODED_BYTES);
    }
    Ok(())
}

/// Checks what encoded bytes are said to become before anything is allocated. A file that was written to just now may be
/// cut off, and is waited for.
fn check_ratio(decoded: u64, encoded: u64, modified: Option<SystemTime>) -> Result<(), Refusal> {
    let more = limits::DECODED_PER_ENCODED.saturating_mul(encoded);
    let most = limits::FREE_DECODED_BYTES.saturating_add(more);
    if decoded <= most {
        return Ok(());
    }
    let code = if source::is_settled(modified) {
        Code::TooLarge
    } else {
        Code::CorruptData
    };
    let message =
        format!("{encoded} bytes that make {decoded} where at most {most} are made of so many");
    Err(Refusal::new(code, message))
}

fn pixels_of(width: u32, height: u32, samples: Samples) -> Result<Pixels, Refusal> {
    Pixels::new(width, height, MemoryOrder::RowMajor, samples)
        .map_err(|error| Refusal::new(Code::CorruptData, error.to_string()))
}

#[cfg(test)]
mod tests;
