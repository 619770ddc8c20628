//! Undoing C-Blosc's byte and bit shuffle (`shuffle-generic.h`, `bitshuffle-generic.c`).
//!
//! Shuffled bytes: all first bytes of the elements, then all second ones. Shuffled bits: for each byte of the type and
//! each of its bits (lowest first) one row of that bit of all elements. Loops are laid out for the compiler's vectors.

/// Undoes a byte shuffle; what follows the last whole element is copied.
pub(super) fn unshuffle_bytes(type_size: usize, source: &[u8], target: &mut [u8]) {
    match type_size {
        0 | 1 => target.copy_from_slice(source),
        2 => interleave::<2>(source, target),
        4 => interleave::<4>(source, target),
        8 => interleave::<8>(source, target),
        _ => interleave_any(type_size, source, target),
    }
}

fn interleave<const N: usize>(source: &[u8], target: &mut [u8]) {
    let num_elements = source.len() / N;
    let planes: [&[u8]; N] =
        std::array::from_fn(|byte| &source[byte * num_elements..(byte + 1) * num_elements]);
    let (elements, rest) = target.as_chunks_mut::<N>();
    for (at, element) in elements.iter_mut().enumerate() {
        for byte in 0..N {
            element[byte] = planes[byte][at];
        }
    }
    rest.copy_from_slice(&source[N * num_elements..]);
}

fn interleave_any(type_size: usize, source: &[u8], target: &mut [u8]) {
    let num_elements = source.len() / type_size;
    for (at, element) in target.chunks_exact_mut(type_size).enumerate() {
        for (byte, sample) in element.iter_mut().enumerate() {
            *sample = source[byte * num_elements + at];
        }
    }
    let whole = num_elements * type_size;
    target[whole..].copy_from_slice(&source[whole..]);
}

/// Undoes a bit shuffle; `planes` is scratch. C-Blosc leaves blocks whose elements are no multiple of 8 as they are.
pub(super) fn unshuffle_bits(
    type_size: usize,
    source: &[u8],
    target: &mut [u8],
    planes: &mut Vec<u8>,
) {
    let num_elements = source.len() / type_size;
    if num_elements == 0 || !num_elements.is_multiple_of(8) {
        target.copy_from_slice(source);
        return;
    }
    if planes.len() < source.len() {
        planes.resize(source.len(), 0);
    }
    let planes = &mut planes[..source.len()];
    let whole = num_elements * type_size;
    let by_byte = source[..whole].chunks_exact(num_elements);
    for (rows, plane) in by_byte.zip(planes.chunks_exact_mut(num_elements)) {
        gather_bits(rows, plane);
    }
    planes[whole..].copy_from_slice(&source[whole..]);
    unshuffle_bytes(type_size, planes, target);
}

/// Eight rows of bits, one after the other, to one byte per element.
fn gather_bits(rows: &[u8], plane: &mut [u8]) {
    let row_len = plane.len() / 8;
    let row: [&[u8]; 8] = std::array::from_fn(|bit| &rows[bit * row_len..(bit + 1) * row_len]);
    let (groups, _) = plane.as_chunks_mut::<64>();
    for (number, group) in groups.iter_mut().enumerate() {
        let at = number * 8;
        let mut words = row.map(|row| {
            let mut word = [0; 8];
            word.copy_from_slice(&row[at..at + 8]);
            u64::from_le_bytes(word)
        });
        transpose_bits(&mut words);
        transpose_bytes(&mut words);
        for (word, bytes) in words.iter().zip(group.as_chunks_mut::<8>().0) {
            *bytes = word.to_le_bytes();
        }
    }
    let done = row_len / 8 * 8;
    for at in done..row_len {
        for element in 0..8 {
            plane[at * 8 + element] =
                (0..8).fold(0, |byte, bit| byte | (row[bit][at] >> element & 1) << bit);
        }
    }
}

/// Swaps the bits under `mask << shift` of the first word with those under `mask` of the second.
fn swap(words: &mut [u64; 8], first: usize, second: usize, shift: u32, mask: u64) {
    let moved = (words[first] >> shift ^ words[second]) & mask;
    words[second] ^= moved;
    words[first] ^= moved << shift;
}

/// In each of the 8 byte columns: bit j of word i becomes bit i of word j.
fn transpose_bits(words: &mut [u64; 8]) {
    for pair in 0..4 {
        swap(words, pair, pair + 4, 4, 0x0f0f_0f0f_0f0f_0f0f);
    }
    for pair in [0, 1, 4, 5] {
        swap(words, pair, pair + 2, 2, 0x3333_3333_3333_3333);
    }
    for pair in [0, 2, 4, 6] {
        swap(words, pair, pair + 1, 1, 0x5555_5555_5555_5555);
    }
}

/// Byte j of word i becomes byte i of word j.
fn transpose_bytes(words: &mut [u64; 8]) {
    for pair in 0..4 {
        swap(words, pair, pair + 4, 32, 0x0000_0000_ffff_ffff);
    }
    for pair in [0, 1, 4, 5] {
        swap(words, pair, pair + 2, 16, 0x0000_ffff_0000_ffff);
    }
    for pair in [0, 2, 4, 6] {
        swap(words, pair, pair + 1, 8, 0x00ff_00ff_00ff_00ff);
    }
}
