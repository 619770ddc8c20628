//! OME-TIFF: which page holds which plane, by the OME-XML in a file's first page.
//!
//! docs.openmicroscopy.org/ome-model, "OME-TIFF specification". [`lone`] opens a file by itself, [`squid`] an acquisition
//! with a file per FOV. A document may name further files; they are looked for beside it and nowhere else.

pub(super) mod lone;
mod other_files;
pub(super) mod squid;
mod squid_planes;
mod written;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    OpenError,
    individual::{COLORS, image_of_files},
    levels,
    pixel_tags::white_zero,
};
use crate::{
    dataset::{Arrays, FilePlane, Files, Image, Level, OpenFovError, PlaneFiles, Sampling},
    image_file::{self, Page, Pages, is_image_name},
    metadata::ome_xml::{self, Dimension, OmeDocument, OmeImage, Place, PlaneTable},
    model::{AxisRole, Channel, Code, PageAt, Problem, Rgb, TileGrid, limits},
    source,
};

/// The folder of such files in an acquisition of Squid's.
pub(super) const FOLDER: &str = "ome_tiff";

/// A channel of the image: which channel of the pages, and which colour of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PageChannel {
    page_c: u32,
    color_idx: Option<u8>,
}

/// Where the planes of one image lie.
#[derive(Clone, Debug)]
struct OmePlanes {
    table: PlaneTable,
    channels: Vec<PageChannel>,
    /// The file with the document.
    own: PathBuf,
    /// The files that it names; `None`: outside of its folder, or no file.
    others: Vec<Option<PathBuf>>,
}

impl OmePlanes {
    fn file_of(&self, place: Place) -> Option<&Path> {
        match place.file_idx {
            None => Some(&self.own),
            Some(at) => self.others.get(at as usize)?.as_deref(),
        }
    }

    /// The file and page of a plane; `None` where the document names none.
    fn plane(&self, t: u32, c: u16, z: u32) -> Option<FilePlane> {
        let channel = self.channels.get(usize::from(c))?;
        let place = self.table.find(z, channel.page_c, t)?;
        Some(FilePlane {
            path: self.file_of(place)?.to_path_buf(),
            page: PageAt::Idx(place.page_idx),
            color_idx: channel.color_idx,
            ..FilePlane::default()
        })
    }
}

/// One image of a document, with a page of it described.
#[derive(Clone, Debug)]
struct Described {
    planes: OmePlanes,
    /// Where `page` lies: other pages are like it.
    sample: (PathBuf, PageAt),
    page: Page,
    channels: Vec<Channel>,
    problems: Vec<Problem>,
}

/// True for the name of a file that holds nothing but the OME-XML of others beside it.
pub(super) fn is_companion_name(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with("companion.ome")
}

/// The document of a file; `None` where it is absent, no TIFF, or its description is something else.
fn document_of(path: &Path) -> Result<Option<(Arc<Pages>, OmeDocument)>, OpenError> {
    let Some(pages) = image_file::tiff_pages(path)?.filter(|pages| pages.is_ome()) else {
        return Ok(None);
    };
    let Some(text) = image_file::description(path)? else {
        return Ok(None);
    };
    let mut document = parsed(&text, path)?;
    if let Some(name) = document.companion.take() {
        let own = document.uuid;
        document = companion(path, &name)?;
        document.uuid = own;
    }
    Ok(Some((pages, document)))
}

fn parsed(text: &str, path: &Path) -> Result<OmeDocument, OpenError> {
    ome_xml::parse(text).map_err(|(code, message)| {
        let message = format!("OME-XML that cannot be read: {message}");
        OpenError::at(path, code, message)
    })
}

/// The document of a file that only names another one: XML by itself, or in the first page of an OME-TIFF.
fn companion(path: &Path, name: &str) -> Result<OmeDocument, OpenError> {
    let folder = path.parent().unwrap_or(path);
    let companion = source::follow_inside(folder, name, folder)?;
    let text = if is_image_name(name) {
        image_file::description(&companion)?
    } else {
        source::read_document(&companion)?
    };
    let text = text.ok_or_else(|| {
        let message = "the OME-XML of this OME-TIFF is in another file, which is not there";
        OpenError::at(&companion, Code::NotFound, message)
    })?;
    parsed(&text, &companion)
}

impl Described {
    /// Finds a page of an image and maps its planes. `first_page`: where it begins without any `TiffData`.
    fn of(
        image: &OmeImage,
        uuid: Option<&str>,
        path: &Path,
        first_page: u32,
    ) -> Result<Self, OpenError> {
        let mut problems = Vec::new();
        // Colours of a page are known when it was looked at, and which pages there are does not depend on them.
        let guess = PlaneTable::of(image, image.size_c, uuid, first_page);
        let others = other_files::of(&guess, path, &mut problems);
        let mut planes = OmePlanes {
            table: guess,
            channels: Vec::new(),
            own: path.to_path_buf(),
            others,
        };
        let (sample, page) = planes.sample()?;
        let (page_channels, channels) = channels_of(image, page.num_colors);
        let num_page_channels = page_channels.last().map_or(1, |last| last.page_c + 1);
        planes.table = PlaneTable::of(image, num_page_channels, uuid, first_page);
        planes.channels = page_channels;
        problems.extend(contradictions(image, &page, &file_name(path)));
        problems.extend(named_twice(&planes.table, &file_name(path)));
        problems.extend(white_zero(
            &sample.0,
            sample.1,
            path.parent().unwrap_or(path),
        ));
        Ok(Self {
            planes,
            sample,
            page,
            channels,
            problems,
        })
    }

    /// The image with its axes as pages follow each other, the slowest first, and the levels below its pages.
    fn image(
        &self,
        image: &OmeImage,
        num_timepoints: u64,
        sampling: Sampling,
        files: impl Fn(Option<u32>) -> Files,
    ) -> Image {
        let outer = image.order.iter().rev().map(|dimension| match dimension {
            Dimension::Z => ("z", AxisRole::Z, u64::from(image.size_z)),
            Dimension::C => ("c", AxisRole::Channel, self.planes.channels.len() as u64),
            Dimension::T => ("t", AxisRole::Time, num_timepoints),
        });
        let outer: Vec<_> = outer.collect();
        let channels = self.channels.clone();
        let first = files(None);
        let mut made = image_of_files(first, self.page, &outer, channels, sampling, "OME-TIFF");
        let mut before = self.page;
        for sub_idx in 0..self.num_levels_below() {
            let Some(page) = self.level_below(sub_idx, before) else {
                break;
            };
            let mut shape = made.levels[0].shape.clone();
            shape.truncate(outer.len());
            shape.extend([u64::from(page.height), u64::from(page.width)]);
            made.levels.push(Level {
                path: format!("SubIFD/{sub_idx}"),
                arrays: Arrays::Files(files(Some(sub_idx))),
                shape,
                scale: None,
                translation: None,
                grid: TileGrid::of_stored(
                    page.width,
                    page.height,
                    limits::TILE_PX,
                    limits::TILE_PX,
                ),
            });
            before = page;
        }
        made.computed = levels::computed_after(&made.levels);
        made
    }

    fn num_levels_below(&self) -> u32 {
        let (path, page) = &self.sample;
        // What cannot be listed leaves the image with its full resolution.
        let below = image_file::num_levels_below(path, *page).ok().flatten();
        below.unwrap_or(0).min(limits::LEVELS - 1) as u32
    }

    /// A smaller copy of the page; `None` where it is none.
    fn level_below(&self, sub_idx: u32, before: Page) -> Option<Page> {
        let (path, page) = &self.sample;
        let found = image_file::describe_level(path, *page, Some(sub_idx));
        found.ok().flatten().filter(|page| {
            let is_smaller = page.width <= before.width && page.height <= before.height;
            let is_alike = page.sample_type == before.sample_type;
            is_smaller && is_alike && page.num_colors == before.num_colors && *page != before
        })
    }
}

/// Says that a document puts planes into several pages.
fn named_twice(table: &PlaneTable, location: &str) -> Option<Problem> {
    let count = table.num_twice;
    let message = format!(
        "OME-XML puts {count} planes into several pages each; of two elements that name a plane the one of fewer planes \
         counts, of equal ones the last"
    );
    (count > 0).then(|| Problem::new(Code::BadMetadata, location, message))
}

/// Where the document says something else than the pages, which count.
fn contradictions(image: &OmeImage, page: &Page, location: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut problem =
        |message: String| problems.push(Problem::new(Code::BadMetadata, location, message));
    if (image.size_x, image.size_y) != (Some(page.width), Some(page.height)) {
        let words = |size: Option<u32>| size.map_or("unknown".to_owned(), |size| size.to_string());
        problem(format!(
            "OME-XML says {} x {} pixels, its pages have {} x {}",
            words(image.size_x),
            words(image.size_y),
            page.width,
            page.height
        ));
    }
    if let Some(said) = image.sample_type.filter(|&said| said != page.sample_type) {
        let (said, found) = (said.name(), page.sample_type.name());
        problem(format!(
            "OME-XML says {said} samples, its pages have {found}"
        ));
    }
    problems
}

impl OmePlanes {
    /// A page that is there, of the first ones that the document names.
    fn sample(&self) -> Result<((PathBuf, PageAt), Page), OpenError> {
        let mut first_error = None;
        let mut is_outside = false;
        for place in self.table.samples() {
            let Some(path) = self.file_of(place) else {
                is_outside = true;
                continue;
            };
            let at = PageAt::Idx(place.page_idx);
            match image_file::describe(path, at) {
                Ok(Some(page)) => return Ok(((path.to_path_buf(), at), page)),
                // It has fewer pages.
                Err(error) if error.code == Code::OutOfRange => {}
                Ok(None) => {}
                Err(error) => drop(first_error.get_or_insert(error)),
            }
        }
        let absent = || {
            let (code, message) = if is_outside {
                let message = "its OME-XML names files outside of its folder, or what is no file, which are not looked at";
                (Code::UnsafePath, message)
            } else {
                (
                    Code::MissingArray,
                    "no page that its OME-XML names is there",
                )
            };
            OpenError::at(&self.own, code, message)
        };
        Err(first_error.map_or_else(absent, OpenError::from))
    }
}

/// How channels lie in pages, and what they are called. A page holds one channel, or the colours of one.
fn channels_of(image: &OmeImage, num_colors: u8) -> (Vec<PageChannel>, Vec<Channel>) {
    let said = image.channels.iter().map(|it| it.samples_per_pixel);
    let mut groups: Vec<u32> = said.collect();
    let total: u64 = groups.iter().map(|&samples| u64::from(samples)).sum();
    if total != u64::from(image.size_c) {
        groups = vec![1; image.size_c as usize];
    }
    let is_color = num_colors == 3;
    let are_single = groups.iter().all(|&samples| samples == 1);
    if is_color && are_single {
        // Older documents count each colour of a page as a channel of its own.
        groups = vec![3; (image.size_c as usize / 3).max(1)];
    }
    let (mut places, mut channels) = (Vec::new(), Vec::new());
    let element = |at: usize| image.channels.get(at).map(|it| it.channel.clone());
    for (page_c, &samples) in groups.iter().enumerate() {
        let colors = if is_color && samples >= 3 { 3 } else { 1 };
        for color in 0..colors {
            let color_idx = is_color.then_some(color as u8);
            places.push(PageChannel {
                page_c: page_c as u32,
                color_idx,
            });
            let channel = if is_color && are_single && image.channels.len() == groups.len() * 3 {
                element(page_c * 3 + color).unwrap_or_default()
            } else {
                element(page_c).unwrap_or_default()
            };
            let color = color_idx.and_then(|at| COLORS.get(usize::from(at)));
            channels.push(match color {
                Some(color) => Channel {
                    color_part: color_idx.filter(|_| colors == 3),
                    ..colored(&channel, *color, groups.len() == 1, are_single)
                },
                None => channel,
            });
        }
    }
    (places, channels)
}

/// A colour of a channel: its own name and colour where it has them, else those of the colour.
fn colored(channel: &Channel, (name, color): (&str, Rgb), is_only: bool, is_own: bool) -> Channel {
    let named = match channel.name.as_deref() {
        Some(own) if is_own => own.to_owned(),
        Some(own) if !is_only => format!("{own} {name}"),
        _ => name.to_owned(),
    };
    Channel {
        name: Some(named),
        color: channel.color.filter(|_| is_own).or(Some(color)),
        ..channel.clone()
    }
}

fn sampling_of(image: &OmeImage) -> Sampling {
    let [x_um, y_um, z_um] = image.pixel_size_um;
    Sampling {
        y_um,
        x_um,
        z_um,
        t_secs: image.time_step_secs,
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// True where a file has a page; `Ok(false)` where file or page are not there (yet).
fn has_page(plane: &FilePlane) -> Result<bool, OpenFovError> {
    let pages = image_file::tiff_pages(&plane.path)?;
    Ok(pages.is_some_and(|pages| pages.has(plane.page)))
}

/// The files of an image whose planes `planes` finds.
fn files_of(planes: impl PlaneFiles + 'static) -> Files {
    Files(Arc::new(planes))
}
