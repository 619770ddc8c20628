//! Squid's acquisitions in one TIFF file per FOV and timepoint: `{t}/{region}_{fov}_stack.tiff`, a page per plane.
//!
//! Squid `control/core/job_processing.py` (`MULTI_PAGE_TIFF`) appends pages in the order in which planes are taken, so
//! pages are found by what they say of themselves (`pages`), never by their number. The first timepoint's folder is listed
//! once, and of a few files the pages are asked; no other file is opened before it is shown.

mod pages;
mod planes;

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use self::{
    pages::Pages,
    planes::{PagesByTag, StackChannel},
};
use super::{
    OpenError,
    individual::{TRIED_FILES, image_of, none_readable, plate_of, rows_of, sizes_of, split_colors},
    listing::{Listing, Opening},
    pixel_tags::sampled,
    probe::below,
    side_files::SideFiles,
    timepoints::{MAX_DIGITS, SharedImage, Timepoints, with_short_numbers},
    twins::{self, LeftOut},
};
use crate::{
    dataset::{DatasetKind, Files},
    image_file::{self, ImageFileError, Page},
    model::{Channel, Code, PageAt, limits},
    source::{Entry, Kind},
};

/// What a file name says: `{region}_{fov}_stack.{ending}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct StackName<'a> {
    region: &'a str,
    /// Digits as written.
    fov: &'a str,
    number: u32,
    ending: &'a str,
}

impl<'a> StackName<'a> {
    fn parse(name: &'a str) -> Option<Self> {
        let (stem, ending) = name.rsplit_once('.')?;
        let is_tiff = ["tif", "tiff"]
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known));
        let (region, fov) = stem.strip_suffix("_stack")?.rsplit_once('_')?;
        let is_number =
            (1..=MAX_DIGITS).contains(&fov.len()) && fov.bytes().all(|b| b.is_ascii_digit());
        let number = fov.parse().ok().filter(|_| is_number)?;
        (is_tiff && !region.is_empty()).then_some(Self {
            region,
            fov,
            number,
            ending,
        })
    }
}

/// True where a stack lies in a folder.
pub(super) fn are_in(entries: &[Entry]) -> bool {
    let mut files = entries.iter().filter(|entry| entry.kind == Kind::File);
    files.any(|entry| StackName::parse(&entry.name).is_some())
}

/// True for a name that would be of a stack if its number were smaller.
pub(super) fn is_beyond(name: &str) -> bool {
    let short = with_short_numbers(name).filter(|_| StackName::parse(name).is_none());
    short.is_some_and(|short| StackName::parse(&short).is_some())
}

/// Stacks beside those that are called as planes are looked for, of the same FOVs.
fn left_out(stacks: &[StackName<'_>], digits: usize, ending: &str) -> LeftOut {
    let is_shown = |it: &&StackName<'_>| it.ending == ending && twins::is_as_wide(it.fov, digits);
    let shown = stacks.iter().filter(is_shown);
    let shown: BTreeSet<_> = shown.map(|it| (it.region, it.number)).collect();
    let mut left_out = LeftOut::default();
    for stack in stacks {
        if !is_shown(&stack) && shown.contains(&(stack.region, stack.number)) {
            let (region, fov, ending) = (stack.region, stack.fov, stack.ending);
            left_out.add(&format!("{region}_{fov}_stack.{ending}"));
        }
    }
    left_out
}

/// Makes the FOV table and the image of what was found.
///
/// # Errors
/// When no page of the first files can be read, or there are too many FOVs or channels.
pub(super) fn open(
    found: &Timepoints,
    opening: &Opening<'_>,
    words: &str,
) -> Result<(Listing, SharedImage), OpenError> {
    let nothing = SideFiles::default();
    let side = opening.side_files().unwrap_or(&nothing);
    let files = found
        .entries
        .iter()
        .filter(|entry| entry.kind == Kind::File);
    let stacks: Vec<StackName<'_>> = files
        .filter_map(|entry| StackName::parse(&entry.name))
        .collect();
    let tried = Tried::look(found, side)?;
    let mut problems = Vec::new();
    let (path, offset) = &tried.first;
    let (page, root) = (PageAt::Offset(*offset), &opening.root);
    let sampling = sampled(side.sampling, path, page, root, &mut problems);
    let (in_files, channels) = named(tried.channels(side), tried.page.num_colors == 3);
    let (count, limit) = (channels.len(), limits::CHANNELS);
    if count > limit {
        let message = format!("{count} channels where at most {limit} are shown");
        return Err(OpenError::at(&found.folder, Code::TooLarge, message));
    }
    let mut listing = Listing::new(DatasetKind::Squid, words);
    listing.problems = problems;
    let found_fovs: BTreeSet<_> = stacks.iter().map(|it| (it.region, it.number)).collect();
    listing.fovs = rows_of(found_fovs, side, opening)?;
    listing.plate = plate_of(&listing.fovs, side);
    let sizes = sizes_of(tried.num_z, side, found, count);
    let digits = twins::usual_width(stacks.iter().map(|stack| stack.fov));
    let ending = twins::usual_ending(stacks.iter().map(|it| it.ending)).unwrap_or("tiff");
    let left_out = left_out(&stacks, digits, ending);
    let location = below(&opening.root, &found.first_folder());
    listing
        .problems
        .extend(left_out.problem("stacks", location));
    let planes = Arc::new(PagesByTag::new(found.known(), digits, ending, in_files));
    let files = Files(Arc::clone(&planes) as _);
    let storage = "pages of one TIFF file per FOV and timepoint";
    let image = image_of(files, tried.page, sizes, channels, sampling, storage);
    Ok((listing, SharedImage::new(planes, found.first, image)))
}

/// Channels of the image, and which pages are theirs; of colour pages three each.
fn named(listed: Vec<Channel>, is_color: bool) -> (Vec<StackChannel>, Vec<Channel>) {
    let is_only = listed.len() == 1;
    let mut all = (Vec::new(), Vec::new());
    for channel in listed {
        let name: Arc<str> = channel.name.as_deref().unwrap_or_default().into();
        for (color_idx, channel) in split_colors(channel, is_color, is_only) {
            let name = Arc::clone(&name);
            all.0.push(StackChannel { name, color_idx });
            all.1.push(channel);
        }
    }
    all
}

/// What the first files say.
struct Tried {
    page: Page,
    /// A file, and a page in it.
    first: (PathBuf, u64),
    /// Names of channels in the order of pages.
    names: Vec<String>,
    num_z: u32,
}

impl Tried {
    fn look(found: &Timepoints, side: &SideFiles) -> Result<Self, OpenError> {
        let folder = found.first_folder();
        let names = found.entries.iter().map(|entry| &entry.name);
        let stacks = names.filter(|name| StackName::parse(name).is_some());
        let mut tried: Option<Self> = None;
        let mut first_error: Option<ImageFileError> = None;
        for name in stacks.take(TRIED_FILES) {
            let path = folder.join(name);
            let outcome = Pages::read(&path, None).and_then(|pages| {
                let Some((pages, offset)) = pages.and_then(|pages| {
                    let first = pages.first_offset()?;
                    Some((pages, first))
                }) else {
                    return Ok(None);
                };
                let page = image_file::describe(&path, PageAt::Offset(offset))?;
                Ok(page.map(|page| (page, offset, pages)))
            });
            match outcome {
                Ok(Some((page, offset, pages))) => {
                    let known = tried.get_or_insert_with(|| Self {
                        page,
                        first: (path.clone(), offset),
                        names: Vec::new(),
                        num_z: 1,
                    });
                    known.add(&pages);
                }
                Ok(None) => {}
                Err(error) => drop(first_error.get_or_insert(error)),
            }
        }
        tried.ok_or_else(|| match (&first_error, side.is_done) {
            (None, true) => {
                let message = "no page says which plane it is (a description with z_level)";
                OpenError::at(&folder, Code::BadMetadata, message)
            }
            _ => none_readable(&folder, first_error, side),
        })
    }

    fn add(&mut self, pages: &Pages) {
        self.num_z = self.num_z.max(pages.num_z());
        for name in pages.channels() {
            if !self.names.contains(name) {
                self.names.push(name.clone());
            }
        }
    }

    /// Those of the side file in its order, then those of other pages; what a finished run did not take will not come.
    fn channels(&self, side: &SideFiles) -> Vec<Channel> {
        let is_taken = |channel: &&Channel| {
            let name = channel.name.as_deref();
            name.is_some_and(|name| {
                !side.leaves_channels_out() || self.names.iter().any(|taken| taken == name)
            })
        };
        let mut channels: Vec<Channel> = Vec::new();
        for channel in side.channels.iter().filter(is_taken) {
            if channels.iter().all(|known| known.name != channel.name) {
                channels.push(channel.clone());
            }
        }
        for name in &self.names {
            if channels
                .iter()
                .all(|known| known.name.as_ref() != Some(name))
            {
                channels.push(Channel {
                    name: Some(name.clone()),
                    ..Channel::default()
                });
            }
        }
        channels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_stacks_are_taken_apart_from_their_end() {
        let check = |name: &str, expected: Option<(&str, u32)>| {
            let found = StackName::parse(name).map(|it| (it.region, it.number));
            assert_eq!(found, expected, "{name}");
        };
        check("A1_0_stack.tiff", Some(("A1", 0)));
        check("my_area_0_012_stack.tif", Some(("my_area_0", 12)));
        check("_0_stack.tiff", None);
        check("A1_x_stack.tiff", None);
        check("A1_0_stack.png", None);
        check("A1_0_0_BF.tiff", None);
    }
}
