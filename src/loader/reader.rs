//! One reader thread: takes the most urgent job, reads, caches, tells.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Loaded, Task, Tools,
    job::{Job, Version, bytes_of, bytes_on_the_way},
    projection,
    queue::Purpose,
};
use crate::{
    cache::CacheKey,
    dataset::{Dataset, Image, OpenFovError, layers},
    model::{Code, FovId, Histogram, Pixels, PlaneId, PlaneState, TileGrid, TileId, ZPick},
    store::{ReadError, ReadOutcome},
};

/// Tiles of a huge plane that its statistics are taken from.
const MAX_STATISTICS_TILES: u32 = 16;

/// Works until the loader ends.
pub(super) fn run(tools: &Tools, number: usize) {
    while let Some((task, activity)) = tools.shared.next(number, || tools.source.rest()) {
        let entered = activity.enter();
        // Foreign bytes are read on the way: whatever panics, the reader goes on.
        let news = catch_unwind(AssertUnwindSafe(|| work(tools, &task)));
        drop(entered);
        let news = match news.unwrap_or(Err(Unread::GivenUp)) {
            Ok(news) => Some(news),
            Err(Unread::NoRoom) => {
                tools.shared.put_back(&task);
                continue;
            }
            Err(Unread::GivenUp) => None,
        };
        let is_current = tools.shared.finish(&task);
        let Some(news) = news.filter(|_| is_current) else {
            continue;
        };
        if tools.sender.send(news).is_err() {
            return;
        }
        (tools.wake)();
    }
}

/// Why a job has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// Nobody wishes it any more, or there is nothing to say.
    GivenUp,
    /// Others decode too much at the moment.
    NoRoom,
}

fn work(tools: &Tools, task: &Task) -> Result<Loaded, Unread> {
    match task.job {
        Job::Fov(fov) => Ok(open_fov(tools, task, fov)),
        Job::Label(fov, layer) => Ok(open_label(task, fov, layer)),
        Job::Executed(fov, t) => Ok(executed(tools, task, fov, t)),
        Job::Tile(tile, version) => read(tools, task, tile, version),
        Job::Statistics(plane, version) => statistics(tools, task, plane, version),
    }
}

fn executed(tools: &Tools, task: &Task, fov: FovId, t: u32) -> Loaded {
    let dataset = &task.dataset;
    let executed = dataset.opener.executed(dataset, fov, t);
    tools
        .shared
        .remember_executed(dataset.id, fov, t, executed.clone());
    Loaded::Executed {
        dataset: dataset.id,
        fov,
        t,
        executed,
    }
}

/// The error of a store whose opening panicked.
fn panicked(dataset: &Dataset, fov: FovId, panic: &(dyn Any + Send)) -> OpenFovError {
    OpenFovError {
        code: Code::BadMetadata,
        message: internal_error("opening", panic),
        location: location_of(dataset, fov),
    }
}

/// What a panic says, in words for people.
fn internal_error(doing: &str, panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text: String = text
        .unwrap_or("no reason given")
        .chars()
        .take(200)
        .collect();
    format!("internal error while {doing} ({text}), please report it")
}

fn location_of(dataset: &Dataset, fov: FovId) -> String {
    let folder = dataset.fov(fov).map(|row| row.folder.as_path());
    folder.unwrap_or(&dataset.root).display().to_string()
}

fn open_label(task: &Task, fov: FovId, layer: u16) -> Loaded {
    let dataset = &task.dataset;
    let image = dataset.image(fov);
    let mut layers = image.iter().flat_map(|image| layers(image));
    let name = layers.find(|(other, _)| *other == layer);
    let name = name.map_or("", |(_, name)| name);
    let open = || dataset.opener.open_label(dataset, fov, name);
    let outcome = catch_unwind(AssertUnwindSafe(open))
        .unwrap_or_else(|panic| Err(panicked(dataset, fov, panic.as_ref())));
    Loaded::Label {
        dataset: dataset.id,
        fov,
        layer,
        outcome,
    }
}

fn open_fov(tools: &Tools, task: &Task, fov: FovId) -> Loaded {
    let dataset = &task.dataset;
    let outcome = catch_unwind(AssertUnwindSafe(|| dataset.opener.open_fov(dataset, fov)))
        .unwrap_or_else(|panic| Err(panicked(dataset, fov, panic.as_ref())));
    if let Ok(opened) = &outcome {
        tools.shared.follow(task, fov, opened);
    }
    Loaded::Fov {
        dataset: dataset.id,
        fov,
        outcome,
    }
}

/// Reads a tile.
fn read(tools: &Tools, task: &Task, tile: TileId, version: Version) -> Result<Loaded, Unread> {
    let started = Instant::now();
    let dataset = &task.dataset;
    let revision = version.revision;
    let key = CacheKey {
        dataset: dataset.id,
        tile,
        revision,
    };
    let purpose = tools.shared.purpose(tile);
    // It may have come with another level of its plane since it was wished for.
    let held = match purpose {
        Purpose::Picture | Purpose::Ahead => tools.cache.get(&key),
        Purpose::Samples => tools.cache.peek(&key),
    };
    if let Some(pixels) = held {
        return Ok(Loaded::Tile {
            dataset: dataset.id,
            tile,
            revision,
            state: PlaneState::Written,
            pixels: Some(pixels),
            elapsed: Duration::ZERO,
        });
    }
    let outcome = read_any(tools, task, (tile, purpose), version, false)?;
    let (state, pixels) = match outcome {
        Ok(ReadOutcome::Pixels { tiles, state }) => {
            (state, tiles.into_iter().next().map(|read| read.pixels))
        }
        Ok(ReadOutcome::Absent(state)) => (state, None),
        Err(error) => (super::failed(&error), None),
    };
    if pixels.is_none() || state != PlaneState::Written {
        tools
            .shared
            .remember_outcome(dataset.id, tile, revision, state.clone());
    }
    Ok(Loaded::Tile {
        dataset: dataset.id,
        tile,
        revision,
        state,
        pixels,
        elapsed: started.elapsed(),
    })
}

/// Reads a tile or makes a projection, and caches it with what was decoded on the way. Of a picture that may never be
/// looked at only the statistics of that are kept: the planes take four times the room of their area means.
fn read_any(
    tools: &Tools,
    task: &Task,
    (tile, purpose): (TileId, Purpose),
    version: Version,
    waits: bool,
) -> Result<Result<ReadOutcome, ReadError>, Unread> {
    let dataset = &task.dataset;
    let spare_bytes = match purpose {
        Purpose::Picture => bytes_on_the_way(tile, dataset),
        Purpose::Ahead => 0,
        Purpose::Samples => bytes_of(tile, dataset),
    };
    tools.cache.make_room_for_spares(spare_bytes);
    let guarded = catch_unwind(AssertUnwindSafe(|| match tile.plane.z {
        ZPick::Slice(_) => task
            .read_tile(tools.source.as_ref(), tile, version.absence, waits)
            .ok_or(Unread::NoRoom),
        ZPick::Max => projection::project(tools, task, tile, version, waits),
    }));
    let outcome = guarded.unwrap_or_else(|panic| {
        Ok(Err(ReadError {
            code: Code::CorruptData,
            message: internal_error("decoding", panic.as_ref()),
            location: location_of(dataset, tile.plane.fov),
        }))
    })?;
    if let Ok(ReadOutcome::Pixels {
        tiles,
        state: PlaneState::Written,
    }) = &outcome
        && tools.shared.is_current(dataset.id)
    {
        for read in tiles {
            let key = CacheKey {
                dataset: dataset.id,
                tile: read.tile,
                revision: version.revision,
            };
            let pixels = Arc::clone(&read.pixels);
            match purpose {
                Purpose::Picture | Purpose::Ahead if read.tile == tile => {
                    tools.cache.insert(key, pixels);
                }
                Purpose::Ahead => note_statistics(tools, dataset, read.tile, version, &pixels),
                Purpose::Picture | Purpose::Samples => tools.cache.insert_spare(key, pixels),
            }
        }
    }
    Ok(outcome)
}

/// Keeps the statistics of a plane, where these samples are all that they are made of.
fn note_statistics(
    tools: &Tools,
    dataset: &Dataset,
    tile: TileId,
    version: Version,
    pixels: &Pixels,
) {
    let plane = tile.plane;
    let image = dataset.image(plane.fov).filter(|_| plane.layer == 0);
    let is_whole = image.is_some_and(|image| {
        let grid = image.grid(plane.level);
        image.statistics_level() == plane.level
            && grid.is_some_and(|grid| (grid.num_rows(), grid.num_cols()) == (1, 1))
    });
    if !is_whole {
        return;
    }
    let plane = dataset.at_level_0(plane);
    if let Some(histogram) = Histogram::of(pixels).filter(|it| it.num_samples > 0) {
        let (id, revision) = (dataset.id, version.revision);
        tools
            .shared
            .remember_histogram(id, plane, revision, Arc::new(histogram));
    }
}

/// Statistics of a plane from its level-0 samples; of a huge plane from some tiles of a coarser stored level. Tiles that
/// cannot be read are left out; of a plane without any the statistics are empty.
fn statistics(
    tools: &Tools,
    task: &Task,
    plane: PlaneId,
    version: Version,
) -> Result<Loaded, Unread> {
    let dataset = &task.dataset;
    let image = dataset.image(plane.fov).ok_or(Unread::GivenUp)?;
    let level = image.statistics_level();
    let grid = image.grid(level).ok_or(Unread::GivenUp)?;
    let tiles = spread_tiles(grid, plane_at(image, plane, level));
    let mut histograms = Vec::new();
    for tile in tiles {
        if !tools.shared.is_wanted(task) {
            return Err(Unread::GivenUp);
        }
        // What was read already is not thrown away.
        let waits = !histograms.is_empty();
        let pixels = pixels(tools, task, tile, version, waits)?;
        histograms.extend(pixels.and_then(|pixels| Histogram::of(&pixels)));
    }
    let histogram = Arc::new(Histogram::merged(&histograms).unwrap_or_else(Histogram::empty));
    // A plane that nothing could be read of yet is looked at again with the next wish.
    if histogram.num_samples > 0 {
        tools.shared.remember_histogram(
            dataset.id,
            plane,
            version.revision,
            Arc::clone(&histogram),
        );
    }
    Ok(Loaded::Statistics {
        dataset: dataset.id,
        plane,
        histogram,
    })
}

/// The plane at another level, its z in the index space of that level.
fn plane_at(image: &Image, plane: PlaneId, level: u8) -> PlaneId {
    let lengths = |level: u8| image.len_at(crate::model::AxisRole::Z, usize::from(level));
    let z = match plane.z {
        ZPick::Max => ZPick::Max,
        ZPick::Slice(z) => {
            let scaled = u64::from(z) * lengths(level) / lengths(0).max(1);
            ZPick::Slice(u32::try_from(scaled).unwrap_or(z))
        }
    };
    PlaneId {
        z,
        ..plane.at_level(level)
    }
}

/// At most [`MAX_STATISTICS_TILES`] tiles, evenly spread over the plane.
fn spread_tiles(grid: TileGrid, plane: PlaneId) -> impl Iterator<Item = TileId> {
    let count = u64::from(grid.num_rows()) * u64::from(grid.num_cols());
    let wanted = count.min(u64::from(MAX_STATISTICS_TILES));
    let cols = u64::from(grid.num_cols());
    (0..wanted).map(move |n| {
        let at = n * count / wanted;
        TileId {
            plane,
            row: (at / cols) as u32,
            col: (at % cols) as u32,
        }
    })
}

/// A tile's samples, from the cache where it is there; `None` where there are none.
fn pixels(
    tools: &Tools,
    task: &Task,
    tile: TileId,
    version: Version,
    waits: bool,
) -> Result<Option<Arc<Pixels>>, Unread> {
    let key = CacheKey {
        dataset: task.dataset.id,
        tile,
        revision: version.revision,
    };
    if let Some(held) = tools.cache.peek(&key) {
        return Ok(Some(held));
    }
    let purpose = tools.shared.purpose(tile);
    Ok(
        match read_any(tools, task, (tile, purpose), version, waits)? {
            Ok(ReadOutcome::Pixels { tiles, .. }) => {
                tiles.into_iter().next().map(|read| read.pixels)
            }
            Ok(ReadOutcome::Absent(_)) | Err(_) => None,
        },
    )
}
