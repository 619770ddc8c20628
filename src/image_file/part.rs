//! Which samples of a page are wanted, and how they are taken out of what was decoded.

use super::{Page, Refusal, Wanted};
use crate::model::Code;

/// Which sample of a pixel is wanted.
pub(super) fn sample_of(page: &Page, color_idx: Option<u8>) -> Result<usize, Refusal> {
    match (page.num_colors, color_idx) {
        (1, None) => Ok(0),
        (3, Some(color)) if color < 3 => Ok(usize::from(color)),
        (found, wanted) => {
            let expected = if wanted.is_some() { "colour" } else { "gray" };
            let words = if found == 1 { "gray" } else { "colour" };
            let message = format!("a {words} image where a {expected} one is expected");
            Err(Refusal::new(Code::BadMetadata, message))
        }
    }
}

/// The part of a page that is wanted, checked against its size.
pub(super) fn part_of(page: &Page, wanted: Wanted) -> Result<(u32, u32, u32, u32), Refusal> {
    let Some((x, y, width, height)) = wanted.part else {
        return Ok((0, 0, page.width, page.height));
    };
    let is_inside = |from: u32, length: u32, all: u32| {
        length > 0 && from.checked_add(length).is_some_and(|end| end <= all)
    };
    if is_inside(x, width, page.width) && is_inside(y, height, page.height) {
        return Ok((x, y, width, height));
    }
    let message = format!(
        "columns {x} to {}, rows {y} to {} of {} x {} pixels",
        u64::from(x) + u64::from(width),
        u64::from(y) + u64::from(height),
        page.width,
        page.height
    );
    Err(Refusal::new(Code::OutOfRange, message))
}

/// Decoded bytes of a rectangle of a page, and how its samples lie.
pub(super) struct Block<'a> {
    pub(super) bytes: &'a [u8],
    /// First column, first row, columns and rows in the page.
    pub(super) rect: (u32, u32, u32, u32),
    pub(super) samples_per_pixel: usize,
}

/// Copies the wanted sample of every pixel that block and part share.
pub(super) fn copy_block(
    block: &Block<'_>,
    sample: usize,
    part: (u32, u32, u32, u32),
    size: usize,
    target: &mut [u8],
) -> Result<(), Refusal> {
    let (bx, by, bw, bh) = block.rect;
    let (px, py, pw, ph) = part;
    let (x0, x1) = (bx.max(px), (bx + bw).min(px + pw));
    let (y0, y1) = (by.max(py), (by + bh).min(py + ph));
    let stride = block.samples_per_pixel * size;
    let short = || Refusal::new(Code::CorruptData, "fewer samples than its size says");
    for y in y0..y1 {
        let from = ((y - by) as usize * bw as usize + x0.saturating_sub(bx) as usize) * stride;
        let to = ((y - py) as usize * pw as usize + x0.saturating_sub(px) as usize) * size;
        let count = x1.saturating_sub(x0) as usize;
        let line = block
            .bytes
            .get(from..from + count * stride)
            .ok_or_else(short)?;
        let target = target.get_mut(to..to + count * size).ok_or_else(short)?;
        if stride == size {
            target.copy_from_slice(line);
            continue;
        }
        let pixels = line.chunks_exact(stride);
        for (pixel, target) in pixels.zip(target.chunks_exact_mut(size)) {
            target.copy_from_slice(&pixel[sample * size..(sample + 1) * size]);
        }
    }
    Ok(())
}
