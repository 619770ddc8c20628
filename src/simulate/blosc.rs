//! The container of C-Blosc 1.x (its `README_CHUNK_FORMAT.rst`), encoding only.
//!
//! Blocks are not split into streams (flag 16), which every reader since 1.7 understands. A block that does not shrink is
//! stored as it is, and so is a container in which no block shrinks.

use std::io;

const HEADER_LEN: usize = 16;
/// Version of the container.
const VERSION: u8 = 2;
/// Version of the compressors' own formats.
const COMPRESSOR_VERSION: u8 = 1;
const BYTE_SHUFFLED: u8 = 1;
const STORED: u8 = 2;
const BIT_SHUFFLED: u8 = 4;
const NOT_SPLIT: u8 = 16;

/// What makes a block smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    /// LZ4 blocks.
    Lz4,
    /// Zstandard frames of that level.
    Zstd(i32),
}

/// How the bytes of a block are arranged before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// The first bytes of all samples, then the second ones.
    Bytes,
    /// The first bits of all samples, then the second ones.
    Bits,
}

/// How chunks are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blosc {
    pub(super) codec: Codec,
    pub(super) filter: Filter,
    /// Bytes of a sample, 1 to 255.
    pub(super) type_size: u8,
}

impl Blosc {
    /// A container of `bytes`; below 2 GiB, whole samples.
    ///
    /// # Errors
    /// When the compressor fails, or there are too many bytes for a container.
    pub(super) fn compress(&self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let block_len = self.block_len().min(bytes.len()).max(1);
        let num_blocks = bytes.len().div_ceil(block_len);
        let mut container = vec![0; HEADER_LEN + 4 * num_blocks];
        let mut filtered = Vec::with_capacity(block_len);
        for (index, block) in bytes.chunks(block_len).enumerate() {
            let start = length(container.len())?;
            container[HEADER_LEN + 4 * index..][..4].copy_from_slice(&start);
            self.arrange(block, &mut filtered);
            self.append(&filtered, &mut container)?;
        }
        let is_stored = container.len() >= bytes.len() + HEADER_LEN;
        if is_stored {
            container.truncate(HEADER_LEN);
            container.extend_from_slice(bytes);
        }
        container[0] = VERSION;
        container[1] = COMPRESSOR_VERSION;
        container[2] = self.flags() | if is_stored { STORED } else { 0 };
        container[3] = self.type_size;
        let container_len = container.len();
        for (at, len) in [(4, bytes.len()), (8, block_len), (12, container_len)] {
            container[at..at + 4].copy_from_slice(&length(len)?);
        }
        Ok(container)
    }

    /// Bytes of a block: what C-Blosc takes for these levels, about.
    fn block_len(&self) -> usize {
        let samples = match self.codec {
            Codec::Lz4 => 1 << 15,
            Codec::Zstd(_) => 1 << 17,
        };
        samples * usize::from(self.type_size)
    }

    fn flags(&self) -> u8 {
        let format = match self.codec {
            Codec::Lz4 => 1,
            Codec::Zstd(_) => 4,
        };
        let filter = match self.filter {
            Filter::Bytes => BYTE_SHUFFLED,
            Filter::Bits => BIT_SHUFFLED,
        };
        format << 5 | NOT_SPLIT | filter
    }

    fn arrange(&self, block: &[u8], filtered: &mut Vec<u8>) {
        filtered.clear();
        let type_size = usize::from(self.type_size);
        match self.filter {
            Filter::Bytes if type_size > 1 => shuffle(block, type_size, filtered),
            // C-Blosc leaves blocks alone whose samples do not fill whole bytes of bits.
            Filter::Bits if (block.len() / type_size).is_multiple_of(8) => {
                bit_shuffle(block, type_size, filtered);
            }
            _ => filtered.extend_from_slice(block),
        }
    }

    /// Appends length and data of one block; its plain bytes where they are not longer.
    fn append(&self, block: &[u8], container: &mut Vec<u8>) -> io::Result<()> {
        let at = container.len();
        container.extend_from_slice(&[0; 4]);
        let smaller = match self.codec {
            Codec::Lz4 => lz4_flex::block::compress(block),
            Codec::Zstd(level) => zstd::bulk::compress(block, level)?,
        };
        container.extend_from_slice(if smaller.len() < block.len() {
            &smaller
        } else {
            block
        });
        let len = length(container.len() - at - 4)?;
        container[at..at + 4].copy_from_slice(&len);
        Ok(())
    }
}

/// A length as the container writes it: signed 32 bits, little-endian.
fn length(len: usize) -> io::Result<[u8; 4]> {
    let len = i32::try_from(len)
        .map_err(|_| io::Error::other(format!("{len} bytes do not fit a blosc container")))?;
    Ok(len.to_le_bytes())
}

fn shuffle(block: &[u8], type_size: usize, filtered: &mut Vec<u8>) {
    let whole = block.len() - block.len() % type_size;
    for byte in 0..type_size {
        filtered.extend(block[..whole].iter().skip(byte).step_by(type_size));
    }
    filtered.extend_from_slice(&block[whole..]);
}

/// Bit `k` of byte `b` of eight samples makes one byte of plane `8 b + k`, the first sample lowest.
fn bit_shuffle(block: &[u8], type_size: usize, filtered: &mut Vec<u8>) {
    let num_samples = block.len() / type_size;
    let plane_len = num_samples / 8;
    filtered.resize(block.len(), 0);
    for (group, samples) in block.chunks_exact(8 * type_size).enumerate() {
        for byte in 0..type_size {
            let mut eight = [0_u8; 8];
            for (to, from) in eight
                .iter_mut()
                .zip(samples[byte..].iter().step_by(type_size))
            {
                *to = *from;
            }
            let bits = transposed(u64::from_le_bytes(eight)).to_le_bytes();
            for (bit, &value) in bits.iter().enumerate() {
                filtered[(8 * byte + bit) * plane_len + group] = value;
            }
        }
    }
    let whole = num_samples * type_size;
    filtered[whole..].copy_from_slice(&block[whole..]);
}

/// The 8 x 8 bit matrix mirrored at its diagonal (Hacker's Delight, 7-3).
fn transposed(mut x: u64) -> u64 {
    for (shift, mask) in [
        (7, 0x00AA_00AA_00AA_00AA),
        (14, 0x0000_CCCC_0000_CCCC),
        (28, 0x0000_0000_F0F0_F0F0),
    ] {
        let swapped = (x ^ (x >> shift)) & mask;
        x ^= swapped ^ (swapped << shift);
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    const LZ4: Blosc = Blosc {
        codec: Codec::Lz4,
        filter: Filter::Bytes,
        type_size: 2,
    };

    #[test]
    fn header_states_lengths_and_flags() {
        let container = LZ4.compress(&vec![7; 200_000]).unwrap();
        assert_eq!(container[..4], [2, 1, 1 << 5 | 16 | 1, 2]);
        let word =
            |at: usize| u32::from_le_bytes(container[at..at + 4].try_into().unwrap()) as usize;
        assert_eq!(
            (word(4), word(8), word(12)),
            (200_000, 65_536, container.len())
        );
        assert_eq!(word(HEADER_LEN), HEADER_LEN + 4 * 4);
    }

    #[test]
    fn what_does_not_shrink_is_stored() {
        let noise: Vec<u8> = (0_u32..50)
            .flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes())
            .collect();
        let container = LZ4.compress(&noise).unwrap();
        assert_eq!(container[2] & STORED, STORED);
        assert_eq!(container[HEADER_LEN..], noise);
    }

    #[test]
    fn bytes_of_samples_are_separated() {
        let mut filtered = Vec::new();
        shuffle(&[1, 2, 3, 4, 5, 6, 9], 2, &mut filtered);
        assert_eq!(filtered, [1, 3, 5, 2, 4, 6, 9]);
    }

    #[test]
    fn bits_of_samples_are_separated() {
        // Samples 0 to 7: bit 0 of them alternates, bits above 2 are never set.
        let block: Vec<u8> = (0_u16..8).flat_map(u16::to_le_bytes).collect();
        let mut filtered = Vec::new();
        bit_shuffle(&block, 2, &mut filtered);
        let mut expected = vec![0b1010_1010, 0b1100_1100, 0b1111_0000];
        expected.resize(16, 0);
        assert_eq!(filtered, expected);
    }
}
