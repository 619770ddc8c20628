//! Planes and pictures that a person asks for as files: never inside of a dataset, and whole or not at all.
//!
//! The only way by which `cli` and `app` write results, so that none of them can forget to ask
//! (`tests/it/imports.rs` holds that). All calls block on I/O.

use std::{
    error::Error,
    ffi::OsString,
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use image::ImageFormat;

use crate::{
    dataset::{Arrays, Dataset, Files, Image, PlaneAt},
    formats,
    model::{AxisRole, Code, FovId, limits},
    source::{self, Kind},
};

/// A file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It would lie in a dataset, or is a part of one.
    #[error("nothing is written into a dataset, and this lies in {}: {}", dataset.display(), path.display())]
    Inside {
        /// The dataset's folder or file.
        dataset: PathBuf,
        /// The file as it was asked for.
        path: PathBuf,
    },
    /// The system or an encoder refused; what was there before still is.
    #[error("cannot be written ({source}): {}", path.display())]
    Write {
        /// Why.
        source: Box<dyn Error>,
        /// The file as it was asked for.
        path: PathBuf,
    },
}

impl ExportError {
    /// The code that scripts tell it by.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Inside { .. } => Code::UnsafePath,
            Self::Write { .. } => Code::IoError,
        }
    }
}

/// A place for a file that is no part of a dataset.
#[derive(Debug)]
pub struct Destination {
    asked: PathBuf,
    /// Without links.
    target: PathBuf,
}

impl Destination {
    /// Checks where a file of `dataset` is to go: not into it, nor into another acquisition or Zarr store, and not over
    /// one of its files, by whatever name or link.
    ///
    /// # Errors
    /// When it lies in a dataset, or is a link to nothing.
    pub fn outside(dataset: &Dataset, path: &Path) -> Result<Self, ExportError> {
        let target = target_of(path).map_err(|error| ExportError::Write {
            source: error.into(),
            path: path.to_path_buf(),
        })?;
        let root = source::resolved(&dataset.root);
        let around = if lies_in(&target, &root) {
            Some(root)
        } else {
            formats::dataset_around(&target).or_else(|| linked(dataset, &target))
        };
        match around {
            Some(dataset) => Err(ExportError::Inside {
                dataset,
                path: path.to_path_buf(),
            }),
            None => Ok(Self {
                asked: path.to_path_buf(),
                target,
            }),
        }
    }

    /// The file as it was asked for.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.asked
    }

    /// Writes the file: beside its place first, and put there when it is whole. A device or pipe is written as it is.
    ///
    /// # Errors
    /// When the system or `write` refuses; what was there before still is.
    pub fn write(
        &self,
        write: impl FnOnce(&mut BufWriter<File>) -> Result<(), Box<dyn Error>>,
    ) -> Result<(), ExportError> {
        let written = match source::stat(&self.target) {
            Ok(Some(found)) if found.kind != Kind::File => fill(&self.target, write),
            _ => self.replace(write),
        };
        written.map_err(|source| ExportError::Write {
            source,
            path: self.asked.clone(),
        })
    }

    /// Writes RGBA rows as a picture, of the kind that the ending of the name says.
    ///
    /// # Errors
    /// As [`Self::write`], and when the ending names no kind of pictures.
    pub fn write_picture(&self, rgba: &[u8], width: u32, height: u32) -> Result<(), ExportError> {
        let color = image::ExtendedColorType::Rgba8;
        let format = ImageFormat::from_path(&self.asked).map_err(|error| ExportError::Write {
            source: error.into(),
            path: self.asked.clone(),
        })?;
        self.write(|file| {
            image::write_buffer_with_format(file, rgba, width, height, color, format)?;
            Ok(())
        })
    }

    fn replace(
        &self,
        write: impl FnOnce(&mut BufWriter<File>) -> Result<(), Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        let mut name = OsString::from(".");
        name.push(self.target.file_name().unwrap_or_default());
        name.push(format!(".{}.part", std::process::id()));
        let beside = self.target.with_file_name(name);
        let put = fill(&beside, write).and_then(|()| {
            if let Ok(before) = fs::metadata(&self.target) {
                fs::set_permissions(&beside, before.permissions())?;
            }
            Ok(fs::rename(&beside, &self.target)?)
        });
        if put.is_err()
            && let Err(error) = fs::remove_file(&beside)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("cannot remove ({error}): {}", beside.display());
        }
        put
    }
}

fn fill(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let mut file = BufWriter::new(File::create(path)?);
    write(&mut file)?;
    Ok(file.flush()?)
}

/// Where a file is going to be, links followed.
fn target_of(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Ok(target) => Ok(target),
        Err(_) if fs::symlink_metadata(path).is_ok() => {
            Err(io::Error::other("a link to nothing stands there"))
        }
        Err(_) => {
            let path = std::path::absolute(path)?;
            let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
            let folder = path.parent().unwrap_or(&path);
            // An absent folder is for the writing to find.
            Ok(source::resolved(folder).join(name))
        }
    }
}

/// True for a folder, and what lies below it, also where it is mounted in two places.
fn lies_in(path: &Path, folder: &Path) -> bool {
    path.ancestors()
        .any(|around| around == folder || is_same(around, folder))
}

#[cfg(unix)]
fn is_same(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let id = |path| {
        fs::metadata(path)
            .ok()
            .map(|found| (found.dev(), found.ino()))
    };
    id(a).is_some_and(|found| Some(found) == id(b))
}

#[cfg(not(unix))]
fn is_same(_: &Path, _: &Path) -> bool {
    false
}

/// The part of a dataset outside of its own folder that a place lies in: where a link in it leads, or a file that its
/// metadata name. Links of image files are looked for in the whole folder only where something is to be replaced;
/// Zarr stores that links lead to are known by their documents.
fn linked(dataset: &Dataset, target: &Path) -> Option<PathBuf> {
    let is_there = fs::metadata(target).is_ok_and(|found| found.is_file());
    let is_of_files = files_of(&dataset.template).is_some();
    let most = if is_there && is_of_files {
        limits::SEARCH_FOLDERS
    } else {
        1
    };
    let (mut folders, mut num_seen) = (vec![dataset.root.clone()], 0);
    while let Some(folder) = folders.pop()
        && num_seen < most
    {
        num_seen += 1;
        for entry in source::list(&folder).unwrap_or_default() {
            let path = folder.join(&entry.name);
            if entry.is_link {
                let led_to = source::resolved(&path);
                if lies_in(target, &led_to) {
                    return Some(led_to);
                }
            } else if entry.kind == Kind::Folder {
                folders.push(path);
            }
        }
    }
    let is_one_file = dataset.root.is_file();
    (is_there && is_one_file && has_plane_in(dataset, target)).then(|| target.to_path_buf())
}

/// True where planes of a lone file lie in that one: OME-XML names files beside the one that was opened.
fn has_plane_in(dataset: &Dataset, target: &Path) -> bool {
    let fovs = (0..dataset.num_fovs()).map(FovId);
    let images = fovs.filter_map(|fov| Some((fov, dataset.fov(fov)?, dataset.image(fov)?)));
    let mut paths = images
        .flat_map(|(fov, row, image)| {
            let files = files_of(image);
            places(fov, image).filter_map(move |at| files?.0.expected(row, at))
        })
        .take(limits::PAGES);
    let mut seen = PathBuf::new();
    paths.any(|path| {
        // Planes of one file mostly follow each other.
        if path == seen {
            return false;
        }
        let is_it = source::resolved(&path) == target;
        seen = path;
        is_it
    })
}

fn files_of(image: &Image) -> Option<&Files> {
    match image.levels.first().map(|level| &level.arrays) {
        Some(Arrays::Files(files)) => Some(files),
        _ => None,
    }
}

/// All planes of a FOV.
fn places(fov: FovId, image: &Image) -> impl Iterator<Item = PlaneAt> {
    let length = |role| u32::try_from(image.len_of(role)).unwrap_or(u32::MAX);
    let (num_t, num_z) = (length(AxisRole::Time), length(AxisRole::Z));
    let num_c = u16::try_from(image.len_of(AxisRole::Channel)).unwrap_or(u16::MAX);
    let of_t = move |t| {
        let of_c = move |c| {
            (0..num_z).map(move |z| PlaneAt {
                fov: fov.0,
                t,
                c,
                z,
            })
        };
        (0..num_c).flat_map(of_c)
    };
    (0..num_t).flat_map(of_t)
}
