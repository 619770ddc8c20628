//! An OME-TIFF by itself: each image of its document is a FOV.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Described, OmePlanes, document_of, file_name, files_of, has_page, sampling_of};
use crate::{
    dataset::{DatasetKind, FilePlane, Fov, Image, OpenFovError, PlaneAt, PlaneFiles, Sharing},
    formats::{OpenError, listing::Listing},
    metadata::ome_xml::{OmeDocument, OmeImage},
    model::{Code, PointUm, Problem, limits},
};

/// What a file turned out to be.
pub(in crate::formats) enum Lone {
    /// An OME-TIFF: its FOVs, and the image of each.
    Ome(Listing, Vec<Arc<Image>>),
    /// Its pages are images without a document that can be used; why, where it has one.
    Plain(Option<Problem>),
}

/// Planes of one image, or of one of its levels.
#[derive(Debug)]
struct LonePlanes {
    planes: Arc<OmePlanes>,
    sub_idx: Option<u32>,
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

    fn sharing(&self) -> Sharing {
        Sharing::InPlace
    }
}

/// Describes a file; reads no pixels.
///
/// # Errors
/// When it cannot be read, or none of the images of its document can be shown.
pub(in crate::formats) fn open(path: &Path, words: &str) -> Result<Lone, OpenError> {
    let document = match document_of(path) {
        Ok(Some((_, document))) => document,
        Ok(None) => return Ok(Lone::Plain(None)),
        // Its pages can be shown all the same.
        Err(error) if is_of_document(error.code) => {
            let location = file_name(error.location.as_ref());
            let problem = Problem::new(error.code, location, error.message);
            return Ok(Lone::Plain(Some(problem)));
        }
        Err(error) => return Err(error),
    };
    if document.images.is_empty() && document.problems.is_empty() {
        let message = "OME-XML without an image";
        let problem = Problem::new(Code::BadMetadata, file_name(path), message);
        return Ok(Lone::Plain(Some(problem)));
    }
    let mut listing = Listing::new(DatasetKind::Image, words);
    let images = images_of(&document, path, &mut listing)?;
    Ok(Lone::Ome(listing, images))
}

/// True where the document (or the file that it names for itself) is wrong, and not the file with the pages.
fn is_of_document(code: Code) -> bool {
    matches!(
        code,
        Code::BadMetadata | Code::NotFound | Code::UnsafePath | Code::TooLarge
    )
}

fn images_of(
    document: &OmeDocument,
    path: &Path,
    listing: &mut Listing,
) -> Result<Vec<Arc<Image>>, OpenError> {
    let mut first_error = None;
    let mut images = Vec::new();
    let mut first_page = 0_u64;
    let is_only = document.images.len() == 1;
    for (at, ome) in document.images.iter().enumerate().take(limits::FOVS) {
        let start = u32::try_from(first_page).unwrap_or(u32::MAX);
        match Described::of(ome, document.uuid.as_deref(), path, start) {
            Ok(described) => {
                if ome.tiff_data.is_empty() {
                    first_page = first_page.saturating_add(described.planes.table.num_planes());
                }
                listing.problems.extend(described.problems.iter().cloned());
                images.push(Arc::new(image_of(ome, &described)));
                listing.fovs.push(row_of(ome, at, is_only, path));
            }
            Err(error) => {
                let location = format!("{}, image {at}", file_name(path));
                let problem = Problem::new(error.code, location, error.message.clone());
                listing.problems.push(problem);
                first_error.get_or_insert(error);
            }
        }
    }
    for problem in &document.problems {
        let location = format!("{}, {}", file_name(path), problem.location);
        let message = problem.message.clone();
        first_error.get_or_insert_with(|| OpenError::at(path, problem.code, message.clone()));
        listing
            .problems
            .push(Problem::new(problem.code, location, message));
    }
    match first_error {
        Some(error) if images.is_empty() => Err(error),
        _ => Ok(images),
    }
}

fn image_of(ome: &OmeImage, described: &Described) -> Image {
    let planes = Arc::new(described.planes.clone());
    described.image(ome, ome.size_t.into(), sampling_of(ome), |sub_idx| {
        files_of(LonePlanes {
            planes: Arc::clone(&planes),
            sub_idx,
        })
    })
}

fn row_of(ome: &OmeImage, at: usize, is_only: bool, path: &Path) -> Fov {
    let name = ome.name.clone().or_else(|| ome.stage_label.clone());
    let label = match name {
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
        present: true,
        ..Fov::default()
    }
}
