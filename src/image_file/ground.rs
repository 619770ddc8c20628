//! What lies where the samples of a page go: room that nobody wrote to, or samples.
//!
//! Squid makes an OME-TIFF for a whole series in advance and fills it plane by plane (`control/core/job_processing.py`).
//! File systems keep room that was never written as holes (lseek(2), `SEEK_HOLE`); where they do not, or small planes
//! share a block with written ones, a few places of the page tell whether anything but zeros is there.

use std::path::Path;

use super::{
    ImageFileError, Refusal,
    directories::{Directories, tags},
    in_tiff, pages,
};
use crate::{model::PageAt, source::Holes};

/// Places of a page that are looked at, and bytes at each.
const NUM_SPOTS: u64 = 64;
const SPOT_BYTES: u64 = 64;

/// What lies where the samples of a page go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// Nobody wrote there.
    Hole,
    /// Somebody wrote to a part of it, or left out zeros.
    PartlyHole,
    /// No hole: samples, or zeros of a file system without holes.
    Solid,
    /// Compressed samples, which nobody makes room for in advance.
    Compressed,
}

/// What lies where the samples of a page go; `None` where the file is absent or no TIFF.
///
/// # Errors
/// When the file cannot be read, or has no such page.
pub fn ground(path: &Path, page: PageAt) -> Result<Option<Ground>, ImageFileError> {
    in_tiff(path, |file| {
        let Some(parts) = parts_of(file, page)? else {
            return Ok(Some(Ground::Compressed));
        };
        let (mut has_hole, mut has_data) = (false, false);
        for (offset, length) in parts {
            match file.file().holes(offset, length) {
                Holes::All => has_hole = true,
                Holes::Some => (has_hole, has_data) = (true, true),
                Holes::None => has_data = true,
            }
        }
        Ok(Some(match (has_hole, has_data) {
            (true, false) => Ground::Hole,
            (true, true) => Ground::PartlyHole,
            (false, _) => Ground::Solid,
        }))
    })
}

/// True where all places of a page that are looked at are zero; false for compressed ones. `None`: the file is absent or
/// no TIFF.
///
/// # Errors
/// As [`ground`].
pub fn looks_blank(path: &Path, page: PageAt) -> Result<Option<bool>, ImageFileError> {
    in_tiff(path, |file| {
        let Some(parts) = parts_of(file, page)? else {
            return Ok(Some(false));
        };
        let total: u64 = parts
            .iter()
            .fold(0, |sum, (_, length)| sum.saturating_add(*length));
        let mut spot = [0; SPOT_BYTES as usize];
        // Of many strips some have no place of their own; every so many gets one.
        for (number, (offset, length)) in parts.into_iter().enumerate() {
            let share = (u128::from(NUM_SPOTS) * u128::from(length) / u128::from(total.max(1)))
                as u64
                + u64::from((number as u64).is_multiple_of(NUM_SPOTS));
            for at in 0..share {
                let step = (u128::from(length) * u128::from(at) / u128::from(share)) as u64;
                let count = (length - step).min(SPOT_BYTES) as usize;
                let spot = &mut spot[..count];
                let from = offset.saturating_add(step);
                file.file().read_range(from, spot)?;
                if spot.iter().any(|&byte| byte != 0) {
                    return Ok(Some(false));
                }
            }
        }
        Ok(Some(true))
    })
}

/// Offset and length of the strips or tiles of a page, neighbours joined; `None` for compressed ones.
fn parts_of(file: &mut Directories, page: PageAt) -> Result<Option<Vec<(u64, u64)>>, Refusal> {
    let directory = pages::directory(file, page)?;
    let mut numbers = |tag| match directory.get(tag) {
        Some(entry) => file.numbers(entry),
        None => Ok(Vec::new()),
    };
    let compression = numbers(tags::COMPRESSION)?;
    if compression.first().is_some_and(|&method| method != 1) {
        return Ok(None);
    }
    let mut offsets = numbers(tags::STRIP_OFFSETS)?;
    let mut lengths = numbers(tags::STRIP_BYTES)?;
    if offsets.is_empty() {
        offsets = numbers(tags::TILE_OFFSETS)?;
        lengths = numbers(tags::TILE_BYTES)?;
    }
    let mut parts: Vec<(u64, u64)> = Vec::new();
    for (offset, length) in offsets.into_iter().zip(lengths) {
        match parts.last_mut() {
            Some((start, before)) if start.saturating_add(*before) == offset => {
                *before = before.saturating_add(length);
            }
            _ => parts.push((offset, length)),
        }
    }
    Ok(Some(parts))
}
