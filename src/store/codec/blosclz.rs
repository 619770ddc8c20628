//! `BloscLZ`, the compressor of C-Blosc's own (`blosclz.c`, after `FastLZ`), decoding only.
//!
//! A control byte below 32 starts that many literals plus one. Otherwise its upper 3 bits are the length of a match
//! minus 2 (7: more bytes follow) and its lower 5 bits the high part of the distance; distances beyond 8191 take two
//! more bytes.

use super::snappy::copy_match;

const MAX_DISTANCE: usize = 8191;

/// Decodes `data` into the beginning of `target`; bytes written, `None` where the stream is damaged or too long.
pub(super) fn decompress(data: &[u8], target: &mut [u8]) -> Option<usize> {
    let mut input = data.iter();
    let mut written = 0_usize;
    // The first control byte is always literals; its upper bits hold the level.
    let mut control = usize::from(*input.next()?) & 31;
    loop {
        if control < 32 {
            let len = control + 1;
            let literals = input.as_slice().get(..len)?;
            target
                .get_mut(written..written.checked_add(len)?)?
                .copy_from_slice(literals);
            input = input.as_slice()[len..].iter();
            written += len;
        } else {
            let (len, distance) = read_match(control, &mut input)?;
            copy_match(target, written, distance, len)?;
            written += len;
        }
        match input.next() {
            Some(&next) => control = usize::from(next),
            None => return Some(written),
        }
    }
}

/// Length and distance of a match.
fn read_match(control: usize, input: &mut std::slice::Iter<'_, u8>) -> Option<(usize, usize)> {
    let mut len = (control >> 5) - 1;
    let mut distance = (control & 31) << 8;
    if len == 6 {
        loop {
            let more = *input.next()?;
            len = len.checked_add(usize::from(more))?;
            if more != 255 {
                break;
            }
        }
    }
    let low = usize::from(*input.next()?);
    if low == 255 && distance == 31 << 8 {
        distance = usize::from(*input.next()?) << 8;
        distance += usize::from(*input.next()?);
        distance += MAX_DISTANCE;
    } else {
        distance += low;
    }
    Some((len + 3, distance + 1))
}
