//! Changed files through the library: what was opened and read, compared with what the fixture holds.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use squidview::{
    dataset::{Dataset, ImageSlot},
    formats,
    image_file::is_image_name,
    model::PlaneId,
    store::Store,
};

use super::{
    cases::{Case, Change, files_below},
    fixtures::{self, Fixture},
};
use crate::{
    fixture::copy,
    planes::{crc, open_whole, planes_of, try_plane_rows},
};

/// No case may take longer, on a machine that has other things to do.
const WITHIN: Duration = Duration::from_secs(20);
/// Planes that are read after a change of metadata, the first and last of each FOV.
const MOST_PLANES: usize = 24;
/// Planes of more bytes than this come from changed metadata; what is in them is not compared.
const MOST_BYTES: u64 = 1 << 24;

/// How a case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// All that was read is as it was.
    Same,
    /// Something is said to be not on disk.
    Absent,
    /// The dataset cannot be opened, or a plane cannot be read, and it is said why.
    Told,
    /// A plane was read and is another one.
    Other,
}

/// A plane by what people call it.
type Name = (String, PlaneId);

/// A fixture in a folder of its own, whose files are changed one at a time.
pub(super) struct Subject<'a> {
    fixture: &'a Fixture,
    folder: tempfile::TempDir,
    dataset: Arc<Dataset>,
    /// CRC of each plane; `None`: not on disk.
    known: BTreeMap<String, Vec<(PlaneId, Option<String>)>>,
    /// Planes by the file that begins them, below the folder.
    by_file: HashMap<PathBuf, Vec<Name>>,
    num_documents: u64,
}

impl<'a> Subject<'a> {
    /// A copy of a fixture.
    pub(super) fn new(fixture: &'a Fixture) -> Self {
        let name = fixture.name.as_str();
        let folder = tempfile::tempdir().unwrap();
        copy(fixture.path(), folder.path());
        let dataset = open_whole(folder.path());
        let store = Store::new();
        let (mut known, mut by_file) = (BTreeMap::new(), HashMap::new());
        for (fov, plane) in all_planes(&dataset) {
            let rows = try_plane_rows(&store, &dataset, plane).unwrap();
            let list: &mut Vec<_> = known.entry(fov.clone()).or_default();
            list.push((plane, rows.map(|rows| crc(&rows))));
            if let Ok(file) = store.file_of(&dataset, plane)
                && let Ok(file) = file.strip_prefix(folder.path())
            {
                let list: &mut Vec<Name> = by_file.entry(file.to_path_buf()).or_default();
                list.push((fov, plane));
            }
        }
        assert!(!by_file.is_empty(), "{name}");
        Self {
            fixture,
            folder,
            dataset,
            known,
            by_file,
            num_documents: 0,
        }
    }

    /// The fixture's folder, as it is.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A plane that lies in a file, and the CRC that it has while the file is whole.
    pub(super) fn plane_in(&self, file: &Path) -> Option<(PlaneId, Option<&str>)> {
        let (fov, plane) = self.by_file.get(file)?.first()?;
        Some((*plane, self.crc_of(fov, *plane)))
    }

    fn crc_of(&self, fov: &str, plane: PlaneId) -> Option<&str> {
        let mut planes = self.known.get(fov)?.iter();
        planes
            .find(|(known, _)| same_place(*known, plane))?
            .1
            .as_deref()
    }

    /// Changes the file, reads, and puts the file back.
    ///
    /// # Errors
    /// What must not be: a panic, a slow answer, wrong pixels that could have been known to be wrong.
    pub(super) fn run(&mut self, case: &Case) -> Result<(Outcome, Duration), String> {
        let path = self.folder.path().join(&case.file);
        let original = fs::read(&path).unwrap();
        self.write(&path, &case.apply(&original));
        let begin = Instant::now();
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| self.look(&case.file)));
        let took = begin.elapsed();
        self.write(&path, &original);
        let outcome = outcome.map_err(|_| "a panic".to_owned())?;
        if took > WITHIN {
            return Err(format!("took {took:?}"));
        }
        if outcome == Outcome::Other && must_be_told(&self.fixture.name, case, original.len()) {
            return Err("wrong pixels were taken for good".into());
        }
        Ok((outcome, took))
    }

    /// A document that was changed just now is read again after a pause, as its writer may be busy; an old one is not.
    fn write(&mut self, path: &Path, bytes: &[u8]) {
        fs::write(path, bytes).unwrap();
        if !self.is_samples(path) {
            self.num_documents += 1;
            let age = Duration::from_secs(10_000_000 - self.num_documents);
            let file = fs::File::options().write(true).open(path).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        }
    }

    fn is_samples(&self, path: &Path) -> bool {
        let file = path.strip_prefix(self.folder.path()).unwrap();
        self.by_file.contains_key(file) || is_chunk(file)
    }

    fn look(&self, file: &Path) -> Outcome {
        if is_chunk(file) {
            return self.read(&self.dataset, &self.planes_near(file));
        }
        let Ok(dataset) = opened(self.folder.path()) else {
            return Outcome::Told;
        };
        if let Some(planes) = self.by_file.get(file) {
            return self.read(&dataset, planes);
        }
        let planes: Vec<Name> = ends_of_fovs(&dataset).take(MOST_PLANES).collect();
        self.read(&dataset, &planes)
    }

    /// The planes that a chunk belongs to; those of its FOV where it is not the first of a plane.
    fn planes_near(&self, file: &Path) -> Vec<Name> {
        if let Some(planes) = self.by_file.get(file) {
            return planes.clone();
        }
        let path = self.folder.path().join(file);
        let fovs = self.dataset.fovs.iter();
        let mut near = fovs.filter(|fov| path.starts_with(&fov.folder));
        let fov = near.next().map(|fov| fov.label.clone()).unwrap_or_default();
        let planes = self.known.get(&fov).into_iter().flatten();
        planes.map(|(plane, _)| (fov.clone(), *plane)).collect()
    }

    /// Reads planes of the dataset as it is now; the worst outcome counts. No plane is left where no store can be opened.
    fn read(&self, dataset: &Dataset, planes: &[Name]) -> Outcome {
        let store = Store::new();
        let each = planes.iter().map(|(fov, plane)| {
            let presence = store.presence(dataset, *plane).is_ok();
            let Some(image) = dataset.image(plane.fov) else {
                return Outcome::Told;
            };
            let Some(grid) = image.grid(plane.level) else {
                return Outcome::Told;
            };
            let pixels = u64::from(grid.width) * u64::from(grid.height);
            if pixels * image.sample_type.num_bytes() as u64 > MOST_BYTES {
                return if presence {
                    Outcome::Other
                } else {
                    Outcome::Told
                };
            }
            match try_plane_rows(&store, dataset, *plane) {
                Err(error) => {
                    assert!(!error.message.is_empty() && !error.location.is_empty());
                    Outcome::Told
                }
                Ok(None) => match self.crc_of(fov, *plane) {
                    Some(_) => Outcome::Absent,
                    None => Outcome::Same,
                },
                Ok(Some(rows)) if Some(crc(&rows).as_str()) == self.crc_of(fov, *plane) => {
                    Outcome::Same
                }
                Ok(Some(_)) => Outcome::Other,
            }
        });
        each.max().unwrap_or(Outcome::Told)
    }

    /// Nothing was written besides what the cases put back.
    pub(super) fn is_as_it_was(&self) -> bool {
        let contents = |root: &Path| -> Vec<(PathBuf, Vec<u8>)> {
            let files = files_below(root).into_iter();
            let named = files.map(|path| {
                let bytes = fs::read(&path).unwrap();
                (path.strip_prefix(root).unwrap().to_path_buf(), bytes)
            });
            named.collect()
        };
        contents(self.fixture.path()) == contents(self.folder.path())
    }
}

/// Chunks and image files are cut off noticeably, whatever their codec; other changes are noticed where a checksum is.
pub(super) fn must_be_told(name: &str, case: &Case, length: usize) -> bool {
    let checked = fixtures::checked_bytes(name, &case.file, length);
    match &case.change {
        Change::Cut(_) => is_chunk(&case.file) || is_image(&case.file),
        Change::Flip(bit) => checked.contains(&(bit / 8)),
        Change::Value(..) => false,
    }
}

/// Names of chunks have nothing but numbers in them.
fn is_chunk(file: &Path) -> bool {
    let name = file.file_name().unwrap().to_string_lossy();
    name.chars()
        .all(|letter| letter.is_ascii_digit() || letter == '.')
}

fn is_image(file: &Path) -> bool {
    is_image_name(&file.file_name().unwrap().to_string_lossy())
}

fn same_place(one: PlaneId, other: PlaneId) -> bool {
    PlaneId {
        fov: other.fov,
        ..one
    } == other
}

/// Opens a dataset and the stores of its FOVs, as far as they can be opened.
fn opened(path: &Path) -> Result<Dataset, formats::OpenError> {
    let mut dataset = formats::open(path, &mut |_| true)?;
    for &fov in Arc::clone(&dataset.order).iter() {
        if matches!(dataset.images[fov.row()], ImageSlot::Unopened) {
            let opened = dataset.opener.open_fov(&dataset, fov);
            dataset = dataset.with_opened(vec![(fov, opened)]);
        }
    }
    Ok(dataset)
}

fn all_planes(dataset: &Dataset) -> Vec<Name> {
    let opened = dataset
        .order
        .iter()
        .filter(|&&fov| dataset.image(fov).is_some());
    let planes = opened.flat_map(|&fov| {
        let label = dataset.fov(fov).unwrap().label.clone();
        let num_levels = dataset.image(fov).unwrap().levels.len() as u8;
        let planes = planes_of(dataset, fov).into_iter();
        planes.flat_map(move |plane| {
            let label = label.clone();
            (0..num_levels).map(move |level| (label.clone(), PlaneId { level, ..plane }))
        })
    });
    planes.collect()
}

/// The first and the last plane of every FOV that could be opened.
fn ends_of_fovs(dataset: &Dataset) -> impl Iterator<Item = Name> {
    let opened = dataset
        .order
        .iter()
        .filter(|&&fov| dataset.image(fov).is_some());
    opened.flat_map(|&fov| {
        let label = &dataset.fov(fov).unwrap().label;
        let image = dataset.image(fov).unwrap();
        let last = |length: u32| length.saturating_sub(1);
        let first = crate::planes::plane_at(fov, 0, 0, 0);
        let (t, c, z) = (
            image.num_timepoints(),
            image.num_channels(),
            image.num_z_slices(),
        );
        let end = crate::planes::plane_at(fov, last(t), last(c), last(z));
        [(label.clone(), first), (label.clone(), end)]
    })
}
