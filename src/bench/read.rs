//! How fast planes are read, beside what the disk and the decompressor alone take for the same files.

use std::{
    hint::black_box,
    num::NonZeroUsize,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use rayon::ThreadPool;

use super::{BenchError, Figures};
use crate::{
    dataset::{Dataset, Image},
    formats,
    model::{Absence, FovId, PlaneId, PlaneState, TileId, ZPick},
    render::with_opened_fov,
    store::{ReadError, ReadOutcome, Store},
};

/// What is read.
#[derive(Clone, Copy, Debug)]
pub struct ReadPlan {
    /// Planes; all of the dataset where it has fewer.
    pub num_planes: NonZeroUsize,
    /// Planes that are read at the same time, and threads that decode.
    pub num_threads: NonZeroUsize,
    /// As rows: what a script that is not squidview needs.
    pub by_rows: bool,
}

/// What reading took.
#[derive(Clone, Debug)]
pub struct ReadFigures {
    /// Bytes of samples that were read.
    pub num_bytes: u64,
    /// The time of each plane.
    pub planes: Figures,
    /// The time of all of them.
    pub elapsed: Duration,
    /// The same planes, their chunks read and decompressed and nothing else; `None` where an image decoder reads.
    pub floor: Option<Figures>,
}

/// Reads planes of a dataset in its order, the page cache warm and our own cache left out. Blocks on I/O.
///
/// # Errors
/// When the dataset or a plane cannot be read, or nothing of it is there.
pub fn read(path: &Path, plan: &ReadPlan) -> Result<ReadFigures, BenchError> {
    let store = Store::new();
    let (dataset, planes) = planes_of(path, &store, plan.num_planes.get())?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(plan.num_threads.get())
        .thread_name(|number| format!("squidview-decode-{number}"))
        .build()
        .map_err(|error| BenchError::Thread {
            reason: error.to_string(),
        })?;
    let readers = Readers {
        pool,
        num_threads: plan.num_threads.get(),
        planes,
    };
    let whole = |plane| read_plane(&store, &dataset, plane, plan.by_rows).map(Some);
    // Into the page cache.
    readers.run(&whole)?;
    let began = Instant::now();
    let read = readers.run(&whole)?;
    let elapsed = began.elapsed();
    let floor = readers.run(&|plane| store.decode_only(&dataset, plane))?;
    let is_known = floor.iter().all(|(_, bytes)| bytes.is_some());
    let times =
        |outcomes: &[Outcome]| Figures::new(outcomes.iter().map(|(time, _)| *time).collect());
    Ok(ReadFigures {
        num_bytes: read.iter().filter_map(|(_, bytes)| *bytes).sum(),
        planes: times(&read),
        elapsed,
        floor: is_known.then(|| times(&floor)),
    })
}

/// The first planes that are on disk, and the dataset with their stores opened.
fn planes_of(
    path: &Path,
    store: &Store,
    most: usize,
) -> Result<(Dataset, Vec<PlaneId>), BenchError> {
    let mut dataset = formats::open(path, &mut |_| true)?;
    let mut planes = Vec::new();
    for &fov in dataset.order.clone().iter() {
        if dataset.fov(fov).is_some_and(|row| !row.present) {
            continue;
        }
        dataset = with_opened_fov(dataset, fov)?;
        let Some(image) = dataset.image(fov) else {
            continue;
        };
        for plane in planes_in(image, fov) {
            // One that is damaged is none to measure with.
            if store.presence(&dataset, plane) == Ok(PlaneState::Written) {
                planes.push(plane);
            }
            if planes.len() >= most {
                return Ok((dataset, planes));
            }
        }
    }
    if planes.is_empty() {
        return Err(BenchError::NothingWritten {
            location: path.display().to_string(),
        });
    }
    Ok((dataset, planes))
}

/// Level-0 planes along t, z and c.
fn planes_in(image: &Image, fov: FovId) -> impl Iterator<Item = PlaneId> + use<> {
    let (num_t, num_z, num_c) = (
        image.num_timepoints(),
        image.num_z_slices(),
        image.num_channels(),
    );
    let slices = (0..num_t).flat_map(move |t| (0..num_z).map(move |z| (t, z)));
    slices.flat_map(move |(t, z)| {
        (0..num_c).map(move |c| PlaneId {
            fov,
            layer: 0,
            t,
            c: c as u16,
            z: ZPick::Slice(z),
            extra: 0,
            level: 0,
        })
    })
}

/// The time of a plane, and its bytes where they were counted.
type Outcome = (Duration, Option<u64>);

/// Threads that read planes one after the other.
struct Readers {
    pool: ThreadPool,
    num_threads: usize,
    planes: Vec<PlaneId>,
}

impl Readers {
    /// Does the work once for each plane.
    fn run(
        &self,
        work: &(dyn Fn(PlaneId) -> Result<Option<u64>, ReadError> + Sync),
    ) -> Result<Vec<Outcome>, BenchError> {
        let next = AtomicUsize::new(0);
        let read_some = || {
            let mut outcomes = Vec::new();
            while let Some(&plane) = self.planes.get(next.fetch_add(1, Ordering::Relaxed)) {
                let began = Instant::now();
                let bytes = self.pool.install(|| work(plane))?;
                outcomes.push((began.elapsed(), bytes));
            }
            Ok::<_, ReadError>(outcomes)
        };
        thread::scope(|scope| {
            let mut threads = Vec::new();
            for number in 0..self.num_threads {
                let named = thread::Builder::new().name(format!("squidview-reader-{number}"));
                let spawned = named.spawn_scoped(scope, read_some);
                threads.push(spawned.map_err(|error| BenchError::Thread {
                    reason: error.to_string(),
                })?);
            }
            let mut all = Vec::new();
            for thread in threads {
                let outcomes = thread.join().map_err(|_| BenchError::Thread {
                    reason: "a reader panicked".into(),
                })?;
                all.extend(outcomes?);
            }
            Ok(all)
        })
    }
}

/// Reads all tiles of a plane; their bytes.
fn read_plane(
    store: &Store,
    dataset: &Dataset,
    plane: PlaneId,
    by_rows: bool,
) -> Result<u64, ReadError> {
    let grid = dataset
        .image(plane.fov)
        .and_then(|image| image.grid(plane.level));
    let Some(grid) = grid else { return Ok(0) };
    let mut num_bytes = 0;
    for row in 0..grid.num_rows() {
        for col in 0..grid.num_cols() {
            let tile = TileId { plane, row, col };
            let read = store.read_tile(dataset, tile, Absence::AsStored)?;
            let ReadOutcome::Pixels { tiles, .. } = read else {
                continue;
            };
            for read in tiles {
                num_bytes += read.pixels.num_bytes() as u64;
                if by_rows {
                    black_box(read.pixels.to_rows());
                }
            }
        }
    }
    Ok(num_bytes)
}
