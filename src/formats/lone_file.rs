//! A single TIFF, PNG, BMP or JPEG file as an image; the pages of a TIFF follow each other along z.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    OpenError,
    individual::{image_of_files, split_colors},
    listing::Listing,
    pixel_tags::sampled,
};
use crate::{
    dataset::{
        DatasetKind, FilePlane, Files, Fov, Image, OpenFovError, PlaneAt, PlaneFiles, Sampling,
    },
    image_file::{self, Page},
    model::{AxisRole, Channel, Code, FileStamp, PageAt, Problem, limits},
    source,
};

/// The planes of one file.
#[derive(Debug)]
struct LonePages {
    path: PathBuf,
    count: u32,
    is_color: bool,
    described: Option<FileStamp>,
}

impl PlaneFiles for LonePages {
    fn find(&self, _fov: &Fov, at: PlaneAt) -> Result<Option<FilePlane>, OpenFovError> {
        // It may be gone since it was described; what else is wrong with it reading says.
        let is_there = !matches!(source::stat(&self.path), Ok(None));
        Ok((is_there && at.z < self.count).then(|| FilePlane {
            path: self.path.clone(),
            page: PageAt::Idx(at.z),
            color_idx: u8::try_from(at.c).ok().filter(|_| self.is_color),
            ..FilePlane::default()
        }))
    }

    fn expected(&self, _fov: &Fov, _at: PlaneAt) -> Option<PathBuf> {
        Some(self.path.clone())
    }

    fn described(&self) -> Option<FileStamp> {
        self.described
    }
}

/// Describes a file; reads no pixels.
///
/// # Errors
/// When it cannot be read as an image.
pub(super) fn open(path: &Path, words: &str) -> Result<(Listing, Arc<Image>), OpenError> {
    let mut listing = Listing::new(DatasetKind::Image, words);
    let (image, problems) = image_of(path, path.parent().unwrap_or(path))?;
    listing.problems = problems;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    listing.fovs.push(Fov {
        path: ".".into(),
        label: name.into_owned(),
        folder: path.to_path_buf(),
        present: true,
        ..Fov::default()
    });
    Ok((listing, Arc::new(image)))
}

/// The image in a file, and what had to be assumed; locations are below `root`.
///
/// # Errors
/// When it cannot be read as an image.
pub(super) fn image_of(path: &Path, root: &Path) -> Result<(Image, Vec<Problem>), OpenError> {
    let absent = || OpenError::at(path, Code::NotFound, "nothing at this path");
    let described = source::stamp_of(path);
    let page = image_file::describe(path, PageAt::default())?.ok_or_else(absent)?;
    let num_pages = image_file::num_pages(path)?.ok_or_else(absent)?;
    let left_aside = pages_left_aside(path, num_pages);
    let num_pages = num_pages.min(limits::Z_SLICES as usize) as u32;
    let is_color = page.num_colors == 3;
    let files = Files(Arc::new(LonePages {
        path: path.to_path_buf(),
        count: num_pages,
        is_color,
        described,
    }));
    let mut outer = Vec::new();
    let mut channels = vec![Channel::default()];
    if is_color {
        outer.push(("c", AxisRole::Channel, 3));
        let colors = split_colors(Channel::default(), true, true).into_iter();
        channels = colors.map(|(_, channel)| channel).collect();
    }
    if num_pages > 1 {
        outer.push(("z", AxisRole::Z, num_pages.into()));
    }
    let mut problems = Vec::new();
    let sampling = sampled(
        Sampling::default(),
        path,
        PageAt::default(),
        root,
        &mut problems,
    );
    problems.extend(left_aside);
    problems.extend(other_sizes(path, &page, num_pages));
    let image = image_of_files(files, page, &outer, channels, sampling, "one image file");
    Ok((image, problems))
}

/// Says how many pages there are beyond the z-slices that are shown.
fn pages_left_aside(path: &Path, num_pages: usize) -> Option<Problem> {
    let shown = limits::Z_SLICES as usize;
    let beyond = num_pages.checked_sub(shown).filter(|&beyond| beyond > 0)?;
    // No more are counted.
    let at_least = if num_pages >= limits::PAGES {
        "at least "
    } else {
        ""
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let message = format!(
        "{at_least}{beyond} pages of {num_pages} are left aside, the first {shown} are shown along z"
    );
    Some(Problem::new(Code::TooLarge, name, message))
}

/// Says that pages have another size than the first, by the second and the last: some writers put smaller copies there.
fn other_sizes(path: &Path, first: &Page, num_pages: u32) -> Option<Problem> {
    let looked_at = [1, num_pages.saturating_sub(1)];
    let mut looked_at = looked_at.into_iter().filter(|&at| at > 0 && at < num_pages);
    looked_at.find_map(|at| {
        let page = image_file::describe(path, PageAt::Idx(at)).ok()??;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let message = format!(
            "page {at} has {} x {} pixels, the first {} x {}; pages of another size are not drawn",
            page.width, page.height, first.width, first.height
        );
        let is_other = (page.width, page.height) != (first.width, first.height);
        is_other.then(|| Problem::new(Code::Ignored, name, message))
    })
}
