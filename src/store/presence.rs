//! What the disk says of planes, from the file system and shard indices alone.

use super::{ReadError, array::OpenedArray, locate::Slab, shard::Shard};
use crate::{
    model::{Code, limits},
    source::stat,
};

/// How many chunks of a whole plane are on disk, and of how many; reads shard indices at most.
pub(super) fn presence(array: &OpenedArray, slab: &Slab) -> Result<(u32, u32), ReadError> {
    let files = plane_files(array, slab, &array.file_shape)?;
    let Some(index) = array.chunks.index else {
        return count_files(array, &files);
    };
    let num_chunks = array.chunks.per_file.iter().product();
    let (mut present, mut total) = (0, 0);
    for file in files {
        let wanted = plane_chunks(array, slab, &file);
        let shard = Shard::open(array.file_path(&file), index, num_chunks, &wanted)?;
        for number in wanted {
            total += 1;
            if let Some(shard) = &shard
                && shard.range(number)?.is_some()
            {
                present += 1;
            }
        }
    }
    Ok((present, total))
}

/// How many of the files are there.
pub(super) fn count_files(
    array: &OpenedArray,
    files: &[Vec<u64>],
) -> Result<(u32, u32), ReadError> {
    let mut present = 0;
    for file in files {
        present += u32::from(stat(&array.file_path(file))?.is_some());
    }
    Ok((present, files.len() as u32))
}

/// The files of a plane, first the one of its top left corner.
pub(super) fn plane_files(
    array: &OpenedArray,
    slab: &Slab,
    file_shape: &[u64],
) -> Result<Vec<Vec<u64>>, ReadError> {
    let count = |axis: usize| array.shape[axis].div_ceil(file_shape[axis]);
    let (rows, cols) = (count(slab.y_axis), count(slab.x_axis));
    if rows.saturating_mul(cols) > limits::TILE_CHUNKS {
        let message = format!(
            "plane of {rows} x {cols} files, at most {} are looked at",
            limits::TILE_CHUNKS
        );
        return Err(ReadError::new(Code::TooLarge, message, &array.folder));
    }
    let first: Vec<u64> = slab
        .index
        .iter()
        .zip(file_shape)
        .map(|(&index, &extent)| index / extent)
        .collect();
    let mut files = Vec::new();
    for row in 0..rows {
        for col in 0..cols {
            let mut file = first.clone();
            file[slab.y_axis] = row;
            file[slab.x_axis] = col;
            files.push(file);
        }
    }
    Ok(files)
}

/// Numbers of the chunks in a shard that hold pixels of the plane, ascending.
fn plane_chunks(array: &OpenedArray, slab: &Slab, file: &[u64]) -> Vec<usize> {
    let chunks = &array.chunks;
    let last_chunk = |axis: usize| array.shape[axis].div_ceil(chunks.chunk[axis]);
    let side = |axis: usize| {
        let first = file[axis] * chunks.per_file[axis];
        0..chunks.per_file[axis].min(last_chunk(axis).saturating_sub(first))
    };
    let mut numbers = Vec::new();
    for row in side(slab.y_axis) {
        for col in side(slab.x_axis) {
            let number = (0..file.len()).fold(0, |number, axis| {
                let per_file = chunks.per_file[axis];
                let chunk = if axis == slab.y_axis {
                    row
                } else if axis == slab.x_axis {
                    col
                } else {
                    slab.index[axis] / chunks.chunk[axis] % per_file
                };
                number * per_file + chunk
            });
            numbers.push(number as usize);
        }
    }
    numbers.sort_unstable();
    numbers
}
