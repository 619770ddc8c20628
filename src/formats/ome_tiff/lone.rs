//! An OME-TIFF by itself: each image of its document is a FOV, in the wells of a plate where the document has one.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Described, OmePlanes, document_of, file_name, files_of, has_page, is_companion_name, parsed,
    sampling_of,
};
use crate::{
    dataset::{DatasetKind, FilePlane, Fov, Image, OpenFovError, PlaneAt, PlaneFiles, Sharing},
    formats::{
        OpenError,
        file_images::{FovImage, is_replaced},
        listing::Listing,
        plate,
    },
    image_file,
    metadata::ome_xml::{OmeDocument, OmeImage, WellPlace},
    model::{Code, FileStamp, Plate, PointUm, Problem, limits, natural_cmp},
    source,
};

/// What a file turned out to be.
pub(in crate::formats) enum Lone {
    /// An OME-TIFF.
    Ome(Box<OmeFiles>),
    /// Its pages are images without a document that can be used; why, where it has one.
    Plain(Vec<Problem>),
}

/// Images that are described at once; further ones of a document that names their pages are when they are shown.
const DESCRIBED: usize = 16;

/// What the document of a file describes, in that file and in others beside it.
pub(in crate::formats) struct OmeFiles {
    /// Its FOVs.
    pub(in crate::formats) listing: Listing,
    /// The image of each.
    pub(in crate::formats) images: Vec<FovImage>,
    /// The FOV of which planes lie in the file itself, where one is told.
    pub(in crate::formats) own: usize,
    /// Files that hold planes of the images, the file itself left out.
    pub(in crate::formats) others: HashSet<PathBuf>,
}

/// An image of a document that is described when it is shown.
pub(in crate::formats) struct NamedImage {
    document: Arc<OmeDocument>,
    at: usize,
    /// The file with the document, and how it was when that was read.
    path: PathBuf,
    read: Option<FileStamp>,
}

impl NamedImage {
    /// True where the file with the document is another one by now.
    pub(in crate::formats) fn is_replaced(&self) -> bool {
        is_replaced(&self.path, self.read)
    }

    /// Describes it; reads no pixels.
    ///
    /// # Errors
    /// When none of its pages can be read.
    pub(in crate::formats) fn open(&self) -> Result<(Arc<Image>, Vec<Problem>), OpenError> {
        let absent = || OpenError::at(&self.path, Code::BadMetadata, "OME-XML without this image");
        let ome = self.document.images.get(self.at).ok_or_else(absent)?;
        let described = Described::of(ome, self.document.uuid.as_deref(), &self.path, 0)?;
        let image = image_of(ome, &described, self.read);
        Ok((Arc::new(image), described.problems))
    }
}

/// Says that a document has more planes than its file has pages.
fn lacking_pages(described: &Described, path: &Path) -> Option<Problem> {
    let needed = described.planes.table.num_own_pages();
    let num_pages = image_file::tiff_pages(path).ok()??.len() as u64;
    let message = format!("OME-XML has planes up to page {needed}, the file has {num_pages} pages");
    let problem = Problem::new(Code::MissingArray, file_name(path), message);
    // No more are counted than that.
    let is_counted = num_pages < limits::PAGES as u64;
    (is_counted && needed > num_pages).then_some(problem)
}

/// Planes of one image, or of one of its levels.
#[derive(Debug)]
struct LonePlanes {
    planes: Arc<OmePlanes>,
    sub_idx: Option<u32>,
    /// The file with the document, before that was read.
    described: Option<FileStamp>,
}

impl PlaneFiles for LonePlanes {
    fn find(&self, _fov: &Fov, at: PlaneAt) -> Result<Option<FilePlane>, OpenFovError> {
        let Some(plane) = self.planes.plane(at.t, at.c, at.z) else {
            return Ok(None);
        };
        Ok(has_page(&plane)?.then_some(FilePlane {
            sub_idx: self.sub_idx,
            ..plane
        }))
    }

    fn expected(&self, _fov: &Fov, at: PlaneAt) -> Option<PathBuf> {
        Some(self.planes.plane(at.t, at.c, at.z)?.path)
    }

    fn described(&self) -> Option<FileStamp> {
        self.described
    }

    fn sharing(&self) -> Sharing {
        Sharing::InPlace
    }
}

/// Describes the files that a companion file names; reads no pixels.
///
/// # Errors
/// When it is no OME-XML, or none of its images can be shown.
fn open_companion(path: &Path, words: &str) -> Result<OmeFiles, OpenError> {
    let absent = || OpenError::at(path, Code::NotFound, "nothing at this path");
    let read = source::stamp_of(path);
    let text = source::read_document(path)?.ok_or_else(absent)?;
    let document = parsed(&text, path)?;
    if document.images.is_empty() && document.problems.is_empty() {
        let message = "OME-XML without an image, expected those of the files beside it";
        return Err(OpenError::at(path, Code::BadMetadata, message));
    }
    OmeFiles::of(document, path, read, words)
}

/// Describes a file; reads no pixels.
///
/// # Errors
/// When it cannot be read, or none of the images of its document can be shown.
pub(in crate::formats) fn open(path: &Path, words: &str) -> Result<Lone, OpenError> {
    if is_companion_name(&file_name(path)) {
        return Ok(Lone::Ome(Box::new(open_companion(path, words)?)));
    }
    let read = source::stamp_of(path);
    let document = match document_of(path) {
        Ok(Some((_, document))) => document,
        Ok(None) => return Ok(Lone::Plain(Vec::new())),
        // Its pages can be shown all the same.
        Err(error) if is_of_document(error.code) => {
            let location = file_name(error.location.as_ref());
            let problem = Problem::new(error.code, location, error.message);
            return Ok(Lone::Plain(vec![problem]));
        }
        Err(error) => return Err(error),
    };
    if document.images.is_empty() && document.problems.is_empty() {
        let message = "OME-XML without an image";
        let problem = Problem::new(Code::BadMetadata, file_name(path), message);
        return Ok(Lone::Plain(vec![problem]));
    }
    let said = located(&document, path);
    match OmeFiles::of(document, path, read, words) {
        Ok(found) => Ok(Lone::Ome(Box::new(found))),
        // Of the files that it names none is there or may be looked at; the pages of this one are.
        Err(error) if matches!(error.code, Code::MissingArray | Code::UnsafePath) => {
            let problem = Problem::new(error.code, file_name(path), error.message);
            let mut problems = vec![problem];
            problems.extend(said);
            Ok(Lone::Plain(problems))
        }
        Err(error) => Err(error),
    }
}

/// What a document could not say, with the file that it is of.
fn located(document: &OmeDocument, path: &Path) -> Vec<Problem> {
    let problems = document.problems.iter().map(|problem| {
        let location = format!("{}, {}", file_name(path), problem.location);
        Problem::new(problem.code, location, problem.message.clone())
    });
    problems.collect()
}

/// True where the document (or the file that it names for itself) is wrong, and not the file with the pages.
fn is_of_document(code: Code) -> bool {
    matches!(
        code,
        Code::BadMetadata | Code::NotFound | Code::UnsafePath | Code::TooLarge
    )
}

/// A FOV of a document while the table is being made.
struct Row {
    fov: Fov,
    image: FovImage,
    is_own: bool,
}

impl OmeFiles {
    /// Maps the images of a document.
    ///
    /// # Errors
    /// When none of them can be shown.
    fn of(
        document: OmeDocument,
        path: &Path,
        read: Option<FileStamp>,
        words: &str,
    ) -> Result<Self, OpenError> {
        let mut listing = Listing::new(DatasetKind::Image, words);
        let document = Arc::new(document);
        let mut rows = rows_of(&document, path, read, &mut listing.problems)?;
        rows.sort_by(|a, b| in_plate_order(&a.fov, &b.fov));
        let own = rows.iter().position(|row| row.is_own).unwrap_or(0);
        let (fovs, images) = rows.into_iter().map(|row| (row.fov, row.image)).unzip();
        listing.fovs = fovs;
        if listing.fovs.iter().any(|fov| fov.row.is_some()) {
            listing.plate = Some(Plate {
                acquisitions: document.acquisitions.clone(),
                ..plate::plate_of_rows(&[], &[], &listing.fovs)
            });
        }
        Ok(Self {
            listing,
            images,
            own,
            others: others_of(&document, path),
        })
    }
}

/// The files that a document names beside its own.
fn others_of(document: &OmeDocument, path: &Path) -> HashSet<PathBuf> {
    let data = document.images.iter().flat_map(|ome| &ome.tiff_data);
    // Of a million planes each may name one of a few files.
    let names: HashSet<&str> = data.filter_map(|it| it.file_name.as_deref()).collect();
    let folder = path.parent().unwrap_or(path);
    let files = names
        .into_iter()
        .filter_map(|name| source::join_inside(folder, name).ok());
    files.filter(|file| file != path).collect()
}

/// True where planes of an image lie in the file with the document.
fn is_in_own_file(ome: &OmeImage, uuid: Option<&str>, path: &Path) -> bool {
    let own = file_name(path);
    let mut data = ome.tiff_data.iter();
    ome.tiff_data.is_empty()
        || data.any(|data| {
            let is_own = uuid.is_some() && data.uuid.as_deref().map(str::trim) == uuid;
            let name = data.file_name.as_deref();
            is_own || name.is_none_or(|name| name.trim_start_matches("./") == own)
        })
}

/// Wells first, by row, column and field; other images as they stand in the document.
fn in_plate_order(a: &Fov, b: &Fov) -> std::cmp::Ordering {
    let by = |name: fn(&Fov) -> Option<&str>| match (name(a), name(b)) {
        (Some(a), Some(b)) => natural_cmp(a, b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    };
    by(|fov| fov.row.as_deref())
        .then_with(|| by(|fov| fov.column.as_deref()))
        .then(a.fov_in_region.cmp(&b.fov_in_region))
}

fn rows_of(
    document: &Arc<OmeDocument>,
    path: &Path,
    read: Option<FileStamp>,
    problems: &mut Vec<Problem>,
) -> Result<Vec<Row>, OpenError> {
    let mut first_error = None;
    let mut rows = Vec::new();
    let mut first_page = 0_u64;
    let uuid = document.uuid.as_deref();
    let is_only = document.images.len() == 1;
    for (at, ome) in document.images.iter().enumerate().take(limits::FOVS) {
        let row = |image| Row {
            fov: row_of(ome, at, is_only, path),
            image,
            is_own: is_in_own_file(ome, uuid, path),
        };
        let named = || {
            FovImage::Named(NamedImage {
                document: Arc::clone(document),
                at,
                path: path.to_path_buf(),
                read,
            })
        };
        if at >= DESCRIBED && !ome.tiff_data.is_empty() {
            rows.push(row(named()));
            continue;
        }
        let start = u32::try_from(first_page).unwrap_or(u32::MAX);
        match Described::of(ome, uuid, path, start) {
            Ok(described) => {
                if ome.tiff_data.is_empty() {
                    first_page = first_page.saturating_add(described.planes.table.num_planes());
                }
                problems.extend(described.problems.iter().cloned());
                problems.extend(lacking_pages(&described, path));
                let image = image_of(ome, &described, read);
                rows.push(row(FovImage::Given(Arc::new(image))));
            }
            Err(error) => {
                let location = format!("{}, image {at}", file_name(path));
                problems.push(Problem::new(error.code, location, error.message.clone()));
                if matches!(error.code, Code::MissingArray | Code::UnsafePath) {
                    let mut absent = row(named());
                    absent.fov.present = false;
                    rows.push(absent);
                }
                first_error.get_or_insert(error);
            }
        }
    }
    for problem in located(document, path) {
        let message = problem.message.clone();
        first_error.get_or_insert_with(|| OpenError::at(path, problem.code, message));
        problems.push(problem);
    }
    match first_error {
        Some(error) if !rows.iter().any(|row| row.fov.present) => Err(error),
        _ => Ok(rows),
    }
}

fn image_of(ome: &OmeImage, described: &Described, read: Option<FileStamp>) -> Image {
    let planes = Arc::new(described.planes.clone());
    described.image(ome, ome.size_t.into(), sampling_of(ome), |sub_idx| {
        files_of(LonePlanes {
            planes: Arc::clone(&planes),
            sub_idx,
            described: read,
        })
    })
}

fn row_of(ome: &OmeImage, at: usize, is_only: bool, path: &Path) -> Fov {
    let name = ome.name.clone().or_else(|| ome.stage_label.clone());
    let label = match name {
        _ if ome.well.is_some() => ome.well.iter().map(label_of).collect(),
        Some(name) if !is_only => format!("{at}: {name}"),
        None if !is_only => format!("image {at}"),
        _ => file_name(path),
    };
    let [x, y, z] = ome.stage_um;
    Fov {
        path: if is_only {
            ".".into()
        } else {
            format!("#{at}")
        },
        label,
        folder: path.to_path_buf(),
        stage_um: x.zip(y).map(|(x, y)| PointUm { x, y }),
        stage_z_um: z,
        row: ome.well.as_ref().map(|well| well.row.clone()),
        column: ome.well.as_ref().map(|well| well.column.clone()),
        fov_in_region: ome.well.as_ref().map(|well| well.field),
        acquisition: ome.well.as_ref().and_then(|well| well.acquisition),
        present: true,
        ..Fov::default()
    }
}

fn label_of(well: &WellPlace) -> String {
    format!("{}{}:{}", well.row, well.column, well.field)
}
