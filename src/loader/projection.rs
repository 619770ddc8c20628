//! The maximum over z, slice by slice, given up as soon as nobody wishes it.

use std::sync::Arc;

use super::{Task, Tools, job::Version, reader::Unread};
use crate::{
    cache::CacheKey,
    model::{AxisRole, MemoryOrder, Pixels, PlaneId, PlaneState, Samples, TileId, ZPick, mean},
    store::{ReadError, ReadOutcome, TileRead},
};

/// The maximum of all z-slices of a tile, made at the stored level below it, then halved as computed levels are.
///
/// Unread where it was given up. The finer projections follow the asked one as siblings.
pub(super) fn project(
    tools: &Tools,
    task: &Task,
    tile: TileId,
    version: Version,
    waits: bool,
) -> Result<Result<ReadOutcome, ReadError>, Unread> {
    let image = task.dataset.image(tile.plane.fov).ok_or(Unread::GivenUp)?;
    let last_stored = u8::try_from(image.levels.len() - 1).unwrap_or(u8::MAX);
    let stored_level = tile.plane.level.min(last_stored);
    let num_slices =
        u32::try_from(image.len_at(AxisRole::Z, usize::from(stored_level))).unwrap_or(u32::MAX);
    let (mut maximum, mut num_present, mut absent) = (None, 0, PlaneState::Unknown);
    for z in 0..num_slices {
        if !tools.shared.is_wanted(task) {
            return Err(Unread::GivenUp);
        }
        let plane = PlaneId {
            z: ZPick::Slice(z),
            ..tile.plane.at_level(stored_level)
        };
        // Slices that were read already are not thrown away.
        let waits = waits || maximum.is_some();
        match slice(tools, task, TileId { plane, ..tile }, version, waits)? {
            Ok(Slice::Pixels(slice, is_whole)) => {
                num_present += u32::from(is_whole);
                maximum = Some(maximum.map_or_else(
                    || slice.as_ref().clone(),
                    |so_far| maximum_of(so_far, &slice),
                ));
            }
            Ok(Slice::Absent(state)) => absent = state,
            Err(error) => return Ok(Err(error)),
        }
    }
    let Some(maximum) = maximum else {
        return Ok(Ok(ReadOutcome::Absent(absent)));
    };
    let state = if num_present == num_slices {
        PlaneState::Written
    } else {
        PlaneState::Partial {
            present: num_present,
            total: num_slices,
        }
    };
    let mut tiles = vec![TileRead {
        tile: TileId {
            plane: tile.plane.at_level(stored_level),
            ..tile
        },
        pixels: Arc::new(maximum),
    }];
    for level in stored_level + 1..=tile.plane.level {
        let half = mean::halved(&tiles[0].pixels);
        let coarser = TileId {
            plane: tile.plane.at_level(level),
            ..tile
        };
        tiles.insert(
            0,
            TileRead {
                tile: coarser,
                pixels: Arc::new(half),
            },
        );
    }
    Ok(Ok(ReadOutcome::Pixels { tiles, state }))
}

/// What there is of one z-slice.
enum Slice {
    /// Its samples, and whether all of it is on disk.
    Pixels(Arc<Pixels>, bool),
    /// Nothing, and what that means.
    Absent(PlaneState),
}

/// One z-slice. Slices that are only needed here do not push others out of the cache.
fn slice(
    tools: &Tools,
    task: &Task,
    tile: TileId,
    version: Version,
    waits: bool,
) -> Result<Result<Slice, ReadError>, Unread> {
    if let Some(held) = tools.cache.get(&CacheKey {
        dataset: task.dataset.id,
        tile,
        revision: version.revision,
    }) {
        // Only whole tiles are cached.
        return Ok(Ok(Slice::Pixels(held, true)));
    }
    let read = task
        .read_tile(tools.source.as_ref(), tile, version.absence, waits)
        .ok_or(Unread::NoRoom)?;
    Ok(read.map(|outcome| match outcome {
        ReadOutcome::Pixels { tiles, state } => match tiles.into_iter().next() {
            Some(read) => Slice::Pixels(read.pixels, state == PlaneState::Written),
            None => Slice::Absent(PlaneState::Unknown),
        },
        ReadOutcome::Absent(state) => Slice::Absent(state),
    }))
}

/// Sample by sample the larger one; NaN counts as nothing.
fn maximum_of(mut so_far: Pixels, slice: &Pixels) -> Pixels {
    if so_far.order() != slice.order() {
        so_far = so_far.to_rows().into_owned();
        return maximum_of(so_far, &slice.to_rows());
    }
    let (width, height, order): (u32, u32, MemoryOrder) =
        (so_far.width(), so_far.height(), so_far.order());
    let samples = larger(so_far.into_samples(), slice.samples());
    Pixels::new(width, height, order, samples).expect("as many samples as before")
}

fn larger(mut a: Samples, b: &Samples) -> Samples {
    /// `T::max` where both types agree.
    macro_rules! each {
        ($($kind:ident),*) => {
            match (&mut a, b) {
                $((Samples::$kind(a), Samples::$kind(b)) => {
                    for (a, b) in a.iter_mut().zip(b) {
                        *a = (*a).max(*b);
                    }
                })*
                // All slices of one array have one sample type.
                _ => {}
            }
        };
    }
    each!(Bool, U8, U16, U32, U64, I8, I16, I32, I64, F16, F32, F64);
    a
}
