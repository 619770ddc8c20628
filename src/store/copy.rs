//! Copying a rectangle out of a decoded chunk, whatever the order of its axes.

/// A rectangle of a decoded chunk and where it goes. All numbers are samples; "line" is what is contiguous in the target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rectangle {
    /// Place of its first sample in the chunk.
    pub(super) source_start: usize,
    /// From one line to the next in the chunk.
    pub(super) source_line: usize,
    /// From one sample of a line to the next in the chunk.
    pub(super) source_step: usize,
    /// Place of its first sample in the target.
    pub(super) target_start: usize,
    /// From one line to the next in the target.
    pub(super) target_line: usize,
    /// Lines.
    pub(super) num_lines: usize,
    /// Samples of a line.
    pub(super) line_len: usize,
}

impl Rectangle {
    /// True where its lines follow each other in the chunk, and nothing lies between them.
    pub(super) fn is_row_of_lines(&self) -> bool {
        self.source_step == 1 && self.source_line == self.line_len
    }

    /// True where that holds in the target, too.
    pub(super) fn is_gapless(&self) -> bool {
        self.is_row_of_lines() && self.target_line == self.line_len
    }
}

/// Copies samples of `size` bytes. Both sides hold the rectangle: it was cut to the chunk and to the tile.
pub(super) fn copy(source: &[u8], target: &mut [u8], size: usize, rectangle: &Rectangle) {
    match size {
        1 => copy_sized::<1>(source, target, rectangle),
        2 => copy_sized::<2>(source, target, rectangle),
        4 => copy_sized::<4>(source, target, rectangle),
        _ => copy_sized::<8>(source, target, rectangle),
    }
}

fn copy_sized<const N: usize>(source: &[u8], target: &mut [u8], rectangle: &Rectangle) {
    let (source, _) = source.as_chunks::<N>();
    let (target, _) = target.as_chunks_mut::<N>();
    if rectangle.source_step > rectangle.source_line {
        return copy_blocks(source, target, rectangle);
    }
    for line in 0..rectangle.num_lines {
        let to = rectangle.target_start + line * rectangle.target_line;
        let to = &mut target[to..to + rectangle.line_len];
        let from = &source[rectangle.source_start + line * rectangle.source_line..];
        if rectangle.source_step == 1 {
            to.copy_from_slice(&from[..rectangle.line_len]);
        } else {
            let samples = from.iter().step_by(rectangle.source_step.max(1));
            for (to, from) in to.iter_mut().zip(samples) {
                *to = *from;
            }
        }
    }
}

/// Of a rectangle that is turned: in blocks, as `Pixels::to_rows`, so that neither side leaves the nearest cache.
fn copy_blocks<const N: usize>(source: &[[u8; N]], target: &mut [[u8; N]], rectangle: &Rectangle) {
    const BLOCK: usize = 32;
    for first_line in (0..rectangle.num_lines).step_by(BLOCK) {
        let lines = first_line..(first_line + BLOCK).min(rectangle.num_lines);
        for first in (0..rectangle.line_len).step_by(BLOCK) {
            let len = BLOCK.min(rectangle.line_len - first);
            for line in lines.clone() {
                let to = rectangle.target_start + line * rectangle.target_line + first;
                let from = rectangle.source_start + line * rectangle.source_line;
                let from = &source[from + first * rectangle.source_step..];
                let samples = from.iter().step_by(rectangle.source_step);
                for (to, from) in target[to..to + len].iter_mut().zip(samples) {
                    *to = *from;
                }
            }
        }
    }
}

/// Fills the rectangle with one sample.
pub(super) fn fill(target: &mut [u8], sample: &[u8], rectangle: &Rectangle) {
    let size = sample.len();
    for line in 0..rectangle.num_lines {
        let start = (rectangle.target_start + line * rectangle.target_line) * size;
        super::fill::fill_bytes(
            &mut target[start..start + rectangle.line_len * size],
            sample,
        );
    }
}

/// Reverses the bytes of each sample.
pub(super) fn swap_bytes(samples: &mut [u8], size: usize) {
    match size {
        2 => swap_sized::<2>(samples),
        4 => swap_sized::<4>(samples),
        8 => swap_sized::<8>(samples),
        _ => {}
    }
}

fn swap_sized<const N: usize>(samples: &mut [u8]) {
    for sample in samples.as_chunks_mut::<N>().0 {
        sample.reverse();
    }
}
