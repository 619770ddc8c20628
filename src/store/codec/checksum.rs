//! Checksums that stand after the data: CRC-32C, and Fletcher-32 as HDF5 counts it (`H5checksum.c`).
//!
//! Fletcher-32 is counted here because that of `zarrs` 0.23 forgets the last byte where their number is odd.

use super::DecodeError;

/// The data before a CRC-32C, if it agrees.
pub(super) fn crc32c(encoded: &[u8]) -> Result<&[u8], DecodeError> {
    checked(encoded, "crc32c", crc32c::crc32c)
}

/// The data before a Fletcher-32, if it agrees.
pub(super) fn fletcher32(encoded: &[u8]) -> Result<&[u8], DecodeError> {
    checked(encoded, "fletcher32", fletcher32_of)
}

fn checked<'a>(
    encoded: &'a [u8],
    name: &str,
    sum_of: impl Fn(&[u8]) -> u32,
) -> Result<&'a [u8], DecodeError> {
    let (data, sum) = encoded
        .split_last_chunk::<4>()
        .ok_or_else(|| DecodeError::corrupt("chunk is too short for its checksum"))?;
    if sum_of(data) != u32::from_le_bytes(*sum) {
        let message = format!("checksum ({name}) does not agree");
        return Err(DecodeError::corrupt(message));
    }
    Ok(data)
}

/// Sums of big-endian pairs of bytes, an odd last byte with a zero after it.
fn fletcher32_of(data: &[u8]) -> u32 {
    /// So many pairs that no sum overflows.
    const PAIRS: usize = 360;
    let fold = |sum: u32| (sum & 0xffff) + (sum >> 16);
    let (mut sum, mut sum_of_sums) = (0_u32, 0_u32);
    for part in data.chunks(2 * PAIRS) {
        for pair in part.chunks(2) {
            let low = pair.get(1).copied().unwrap_or(0);
            sum += u32::from(u16::from_be_bytes([pair[0], low]));
            sum_of_sums += sum;
        }
        (sum, sum_of_sums) = (fold(sum), fold(sum_of_sums));
    }
    fold(sum_of_sums) << 16 | fold(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fletcher_32_is_that_of_numcodecs() {
        for (len, expected) in [
            (4, 0x0508_0406_u32),
            (5, 0x0e0e_0906),
            (6, 0x0e14_090c),
            (7, 0x1e20_100c),
        ] {
            let data: Vec<u8> = (1..=len).collect();
            assert_eq!(fletcher32_of(&data), expected, "{len}");
            let mut encoded = data.clone();
            encoded.extend(expected.to_le_bytes());
            assert_eq!(fletcher32(&encoded), Ok(&data[..]));
            encoded[1] ^= 1;
            assert!(fletcher32(&encoded).is_err());
        }
        assert_eq!(fletcher32_of(&[255; 5000]), 0xffff_ffff);
    }
}
