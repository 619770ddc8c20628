//! Snappy's raw format (google/snappy `format_description.txt`), decoding only.

/// Decodes `data` into the beginning of `target`; bytes written, `None` where the stream is damaged or too long.
pub(super) fn decompress(data: &[u8], target: &mut [u8]) -> Option<usize> {
    let (declared, mut rest) = read_varint(data)?;
    let mut written = 0_usize;
    while let Some((&tag, after)) = rest.split_first() {
        let high = usize::from(tag >> 2);
        let kind = tag & 3;
        if kind == 0 {
            let (len, after) = literal_len(high, after)?;
            let (literals, after) = after.split_at_checked(len)?;
            target
                .get_mut(written..written.checked_add(len)?)?
                .copy_from_slice(literals);
            written += len;
            rest = after;
            continue;
        }
        let (len, extra, top) = match kind {
            1 => ((high & 7) + 4, 1, (high >> 3) << 8),
            2 => (high + 1, 2, 0),
            _ => (high + 1, 4, 0),
        };
        let (distance, after) = read_le(after, extra)?;
        copy_match(target, written, top + distance, len)?;
        written += len;
        rest = after;
    }
    (written == declared).then_some(written)
}

/// Length of a literal: below 60 in the tag, else in 1 to 4 bytes after it.
fn literal_len(high: usize, rest: &[u8]) -> Option<(usize, &[u8])> {
    if high < 60 {
        return Some((high + 1, rest));
    }
    let (len, rest) = read_le(rest, high - 59)?;
    Some((len.checked_add(1)?, rest))
}

fn read_le(data: &[u8], num_bytes: usize) -> Option<(usize, &[u8])> {
    let (bytes, rest) = data.split_at_checked(num_bytes)?;
    let value = bytes
        .iter()
        .rev()
        .fold(0_u64, |value, &byte| value << 8 | u64::from(byte));
    Some((usize::try_from(value).ok()?, rest))
}

fn read_varint(data: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (place, &byte) in data.iter().take(5).enumerate() {
        value |= u64::from(byte & 127) << (7 * place);
        if byte < 128 {
            return Some((usize::try_from(value).ok()?, &data[place + 1..]));
        }
    }
    None
}

/// Repeats `len` bytes from `distance` before `at`, which may overlap what it writes (a run).
pub(super) fn copy_match(target: &mut [u8], at: usize, distance: usize, len: usize) -> Option<()> {
    let end = at.checked_add(len)?;
    let from = at.checked_sub(distance)?;
    if distance == 0 || end > target.len() {
        return None;
    }
    if distance >= len {
        target.copy_within(from..from + len, at);
    } else if distance == 1 {
        let byte = target[from];
        target[at..end].fill(byte);
    } else {
        for to in at..end {
            target[to] = target[to - distance];
        }
    }
    Some(())
}
