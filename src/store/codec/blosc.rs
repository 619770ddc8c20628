//! The container of C-Blosc 1.x (its `README_CHUNK_FORMAT.rst`), decoding only.
//!
//! ```text
//! 0 version  1 version of the compressor  2 flags  3 type size  4 decoded bytes  8 block bytes  12 container bytes
//! 16 start of each block, u32     then per block its splits: u32 length, data
//! ```
//! Flags: 1 byte shuffle, 2 stored as it is, 4 bit shuffle, 16 blocks are not split, upper 3 bits the compressor.
//! A block that is split holds each byte of the type by itself; a split as long as its data is stored as it is.

use super::{DecodeError, Scratch, blosclz, shuffle, snappy, wrong_len, zstd_exact};

const HEADER_LEN: usize = 16;
/// Formats of C-Blosc2; any other number is no container at all.
const NEWER_FORMATS: std::ops::RangeInclusive<u8> = 3..=6;
/// Types with more bytes are never split.
const MAX_SPLITS: usize = 16;
/// Blocks with fewer elements are never split.
const MIN_SPLIT_LEN: usize = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compressor {
    BloscLz,
    Lz4,
    Snappy,
    Zlib,
    Zstd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shuffle {
    None,
    Byte,
    Bit,
}

#[derive(Debug)]
struct Header {
    compressor: Compressor,
    shuffle: Shuffle,
    is_stored: bool,
    is_split: bool,
    type_size: usize,
    num_bytes: usize,
    block_len: usize,
}

fn corrupt(message: impl Into<String>) -> DecodeError {
    DecodeError::corrupt(format!("blosc: {}", message.into()))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let word = bytes.get(at..)?.first_chunk::<4>()?;
    usize::try_from(u32::from_le_bytes(*word)).ok()
}

/// Bytes that the container says it decodes to.
pub(super) fn declared_len(encoded: &[u8]) -> Result<usize, DecodeError> {
    u32_at(encoded, 4).ok_or_else(|| corrupt("container is shorter than its header"))
}

impl Header {
    fn parse(encoded: &[u8]) -> Result<Self, DecodeError> {
        let Some((&[version, _, flags, type_size, ..], _)) =
            encoded.split_first_chunk::<HEADER_LEN>()
        else {
            return Err(corrupt(format!(
                "container of {} bytes is shorter than its header",
                encoded.len()
            )));
        };
        let lengths = (u32_at(encoded, 4), u32_at(encoded, 8), u32_at(encoded, 12));
        let (Some(num_bytes), Some(block_len), Some(container_len)) = lengths else {
            return Err(corrupt("container is shorter than its header"));
        };
        if NEWER_FORMATS.contains(&version) {
            return Err(DecodeError::Unsupported(format!(
                "blosc format {version}, expected 2"
            )));
        }
        if !(1..=2).contains(&version) {
            return Err(corrupt(format!("format {version}, expected 2")));
        }
        if container_len != encoded.len() {
            return Err(corrupt(format!(
                "container of {} bytes declares {container_len}",
                encoded.len()
            )));
        }
        Ok(Self {
            compressor: compressor(flags >> 5)?,
            shuffle: shuffle_of(flags, type_size),
            is_stored: flags & 2 != 0,
            is_split: flags & 16 == 0,
            type_size: usize::from(type_size).max(1),
            num_bytes,
            block_len,
        })
    }

    /// How many streams a block of `len` bytes consists of.
    fn num_splits(&self, len: usize) -> usize {
        // The limits are those of writers older than the flag.
        let splits = self.is_split
            && self.type_size <= MAX_SPLITS
            && self.block_len / self.type_size >= MIN_SPLIT_LEN
            && len == self.block_len;
        if splits { self.type_size } else { 1 }
    }
}

fn compressor(format: u8) -> Result<Compressor, DecodeError> {
    Ok(match format {
        0 => Compressor::BloscLz,
        1 => Compressor::Lz4,
        2 => Compressor::Snappy,
        3 => Compressor::Zlib,
        4 => Compressor::Zstd,
        _ => {
            return Err(corrupt(format!("compressor {format}, expected 0 to 4")));
        }
    })
}

fn shuffle_of(flags: u8, type_size: u8) -> Shuffle {
    if flags & 1 != 0 && type_size > 1 {
        Shuffle::Byte
    } else if flags & 4 != 0 {
        Shuffle::Bit
    } else {
        Shuffle::None
    }
}

/// Decodes a container into `target`, which it must fill exactly.
pub(super) fn decode(
    encoded: &[u8],
    target: &mut [u8],
    scratch: &mut Scratch,
) -> Result<(), DecodeError> {
    let header = Header::parse(encoded)?;
    if header.num_bytes != target.len() {
        return Err(wrong_len(header.num_bytes, target.len()));
    }
    if target.is_empty() {
        return Ok(());
    }
    if header.is_stored {
        return super::copy_exact(&encoded[HEADER_LEN..], target);
    }
    if header.block_len == 0 || header.block_len > header.num_bytes {
        return Err(corrupt(format!(
            "blocks of {} bytes in a chunk of {}",
            header.block_len, header.num_bytes
        )));
    }
    let num_blocks = header.num_bytes.div_ceil(header.block_len);
    let first = num_blocks.saturating_mul(4).saturating_add(HEADER_LEN);
    for (number, block) in target.chunks_mut(header.block_len).enumerate() {
        let start = number
            .checked_mul(4)
            .and_then(|at| u32_at(encoded, HEADER_LEN + at));
        let from = start
            .filter(|&start| start >= first)
            .and_then(|start| encoded.get(start..))
            .ok_or_else(|| corrupt(format!("block {number} starts outside of the container")))?;
        decode_block(&header, from, block, scratch)?;
    }
    Ok(())
}

/// Decodes one block; `from` begins with it.
fn decode_block(
    header: &Header,
    from: &[u8],
    block: &mut [u8],
    scratch: &mut Scratch,
) -> Result<(), DecodeError> {
    if header.shuffle == Shuffle::None {
        return decode_splits(header, from, block, scratch);
    }
    let mut shuffled = std::mem::take(&mut scratch.shuffled);
    if shuffled.len() < block.len() {
        shuffled.resize(block.len(), 0);
    }
    let source = &mut shuffled[..block.len()];
    let result = decode_splits(header, from, source, scratch);
    if result.is_ok() {
        match header.shuffle {
            Shuffle::Bit => {
                shuffle::unshuffle_bits(header.type_size, source, block, &mut scratch.planes);
            }
            _ => shuffle::unshuffle_bytes(header.type_size, source, block),
        }
    }
    scratch.shuffled = shuffled;
    result
}

fn decode_splits(
    header: &Header,
    mut from: &[u8],
    block: &mut [u8],
    scratch: &mut Scratch,
) -> Result<(), DecodeError> {
    let num_splits = header.num_splits(block.len());
    if !block.len().is_multiple_of(num_splits) {
        return Err(corrupt("block cannot be split by its type size"));
    }
    let split_len = block.len() / num_splits;
    for split in block.chunks_mut(split_len) {
        let len = u32_at(from, 0).ok_or_else(|| corrupt("block ends before its length"))?;
        let rest = &from[4..];
        let data = rest.get(..len).ok_or_else(|| {
            corrupt(format!(
                "block of {len} bytes, {} are left in the container",
                rest.len()
            ))
        })?;
        if len == split.len() {
            split.copy_from_slice(data);
        } else {
            decompress(header.compressor, data, split, scratch)?;
        }
        from = &rest[len..];
    }
    Ok(())
}

fn decompress(
    compressor: Compressor,
    data: &[u8],
    target: &mut [u8],
    scratch: &mut Scratch,
) -> Result<(), DecodeError> {
    let written =
        match compressor {
            Compressor::Lz4 => lz4_flex::block::decompress_into(data, target)
                .map_err(|error| corrupt(format!("lz4 block is damaged ({error})")))?,
            Compressor::Zstd => return zstd_exact(data, target, scratch),
            Compressor::Zlib => return super::zlib_exact(data, target),
            Compressor::BloscLz => blosclz::decompress(data, target)
                .ok_or_else(|| corrupt("blosclz block is damaged"))?,
            Compressor::Snappy => snappy::decompress(data, target)
                .ok_or_else(|| corrupt("snappy block is damaged"))?,
        };
    if written == target.len() {
        Ok(())
    } else {
        Err(wrong_len(written, target.len()))
    }
}
