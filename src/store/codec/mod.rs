//! Bytes-to-bytes codecs of chunks, decoding only: safe Rust around `lz4_flex`, `zstd`,
//! `flate2` and `bzip2`.
//!
//! Every decoder writes into a slice whose length the array document fixes, so no header can make us allocate:
//! a stream that would give more or less than that is corrupt.

mod blosc;
mod blosclz;
mod checksum;
mod shuffle;
mod snappy;

use std::{borrow::Cow, cell::Cell, io::Read};

/// A chunk cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::store) enum DecodeError {
    /// The stream contradicts itself or its array.
    #[error("{0}")]
    Corrupt(String),
    /// The stream is of a kind that we do not read.
    #[error("{0}")]
    Unsupported(String),
}

impl DecodeError {
    fn corrupt(message: impl Into<String>) -> Self {
        Self::Corrupt(message.into())
    }
}

/// One bytes-to-bytes codec of a chain; what a decoder needs stands in the stream itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum ByteCodec {
    /// A C-Blosc 1 container.
    Blosc,
    /// One or more gzip members.
    Gzip,
    /// A zlib stream.
    Zlib,
    /// Zstandard frames.
    Zstd,
    /// One or more bzip2 streams.
    Bz2,
    /// Four bytes of CRC-32C after the data.
    Crc32c,
    /// Four bytes of HDF5's Fletcher-32 after the data.
    Fletcher32,
}

impl ByteCodec {
    /// The codec of that name in `codecs` (v3) or `compressor.id` (v2).
    pub(in crate::store) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "blosc" | "numcodecs.blosc" => Self::Blosc,
            "gzip" | "numcodecs.gzip" => Self::Gzip,
            "zlib" | "numcodecs.zlib" => Self::Zlib,
            "zstd" | "numcodecs.zstd" => Self::Zstd,
            "bz2" | "numcodecs.bz2" => Self::Bz2,
            "crc32c" | "numcodecs.crc32c" => Self::Crc32c,
            "fletcher32" | "numcodecs.fletcher32" => Self::Fletcher32,
            _ => return None,
        })
    }

    /// What it is called in version 3.
    pub(in crate::store) fn name(self) -> &'static str {
        match self {
            Self::Blosc => "blosc",
            Self::Gzip => "gzip",
            Self::Zlib => "numcodecs.zlib",
            Self::Zstd => "zstd",
            Self::Bz2 => "numcodecs.bz2",
            Self::Crc32c => "crc32c",
            Self::Fletcher32 => "numcodecs.fletcher32",
        }
    }

    /// Decodes `encoded` into `target`, which it must fill exactly.
    pub(in crate::store) fn decode(
        self,
        encoded: &[u8],
        target: &mut [u8],
    ) -> Result<(), DecodeError> {
        match self {
            Self::Blosc => with_scratch(|scratch| blosc::decode(encoded, target, scratch)),
            Self::Gzip => fill(
                "gzip",
                flate2::bufread::MultiGzDecoder::new(encoded),
                target,
            ),
            Self::Zlib => zlib_exact(encoded, target),
            Self::Zstd => with_scratch(|scratch| zstd_exact(encoded, target, scratch)),
            Self::Bz2 => fill("bz2", bzip2::bufread::MultiBzDecoder::new(encoded), target),
            Self::Crc32c => copy_exact(checksum::crc32c(encoded)?, target),
            Self::Fletcher32 => copy_exact(checksum::fletcher32(encoded)?, target),
        }
    }

    /// Decodes what is of unknown length, at most `bound` bytes.
    pub(in crate::store) fn decode_bounded(
        self,
        encoded: &[u8],
        bound: usize,
    ) -> Result<Vec<u8>, DecodeError> {
        let bytes = match self {
            Self::Gzip => read_bounded(flate2::bufread::MultiGzDecoder::new(encoded), bound)?,
            Self::Zlib => read_bounded(flate2::bufread::ZlibDecoder::new(encoded), bound)?,
            Self::Zstd => {
                let decoder = zstd::stream::read::Decoder::with_buffer(encoded)
                    .map_err(|error| damaged(&error))?;
                read_bounded(decoder, bound)?
            }
            Self::Bz2 => read_bounded(bzip2::bufread::MultiBzDecoder::new(encoded), bound)?,
            Self::Crc32c => checksum::crc32c(encoded)?.to_vec(),
            Self::Fletcher32 => checksum::fletcher32(encoded)?.to_vec(),
            Self::Blosc => {
                let len = blosc::declared_len(encoded)?;
                if len > bound {
                    return Err(too_long(bound));
                }
                let mut bytes = vec![0; len];
                self.decode(encoded, &mut bytes)?;
                bytes
            }
        };
        if bytes.len() > bound {
            return Err(too_long(bound));
        }
        Ok(bytes)
    }
}

/// Reads at most one byte more than `bound`.
fn read_bounded(decoder: impl Read, bound: usize) -> Result<Vec<u8>, DecodeError> {
    let mut bytes = Vec::new();
    let mut bounded = decoder.take(bound as u64 + 1);
    bounded
        .read_to_end(&mut bytes)
        .map_err(|error| damaged(&error))?;
    Ok(bytes)
}

fn damaged(error: &std::io::Error) -> DecodeError {
    DecodeError::corrupt(format!("stream is damaged ({error})"))
}

/// Decodes a chunk through its chain (`codecs` in the order of the document) into `target`, which it must fill exactly.
pub(in crate::store) fn decode_chain(
    codecs: &[ByteCodec],
    encoded: &[u8],
    target: &mut [u8],
) -> Result<(), DecodeError> {
    let mut bytes = Cow::Borrowed(encoded);
    // The first codec of the document is the last to decode, and it decodes into the target.
    for (place, codec) in codecs.iter().enumerate().rev() {
        let data_len = match codec {
            ByteCodec::Crc32c => Some(checksum::crc32c(&bytes)?.len()),
            ByteCodec::Fletcher32 => Some(checksum::fletcher32(&bytes)?.len()),
            _ => None,
        };
        if let Some(data_len) = data_len {
            match &mut bytes {
                Cow::Borrowed(whole) => bytes = Cow::Borrowed(&whole[..data_len]),
                Cow::Owned(whole) => whole.truncate(data_len),
            }
        } else if place == 0 {
            return codec.decode(&bytes, target);
        } else {
            // Its length is not known; no compressor makes data longer than this.
            let bound = target
                .len()
                .saturating_add(target.len() / 8)
                .saturating_add(65_536);
            bytes = Cow::Owned(codec.decode_bounded(&bytes, bound)?);
        }
    }
    copy_exact(&bytes, target)
}

fn too_long(expected: usize) -> DecodeError {
    DecodeError::corrupt(format!("chunk decodes to more than {expected} bytes"))
}

fn wrong_len(found: usize, expected: usize) -> DecodeError {
    DecodeError::corrupt(format!(
        "chunk decodes to {found} bytes, {expected} expected"
    ))
}

pub(in crate::store) fn copy_exact(bytes: &[u8], target: &mut [u8]) -> Result<(), DecodeError> {
    if bytes.len() != target.len() {
        return Err(wrong_len(bytes.len(), target.len()));
    }
    target.copy_from_slice(bytes);
    Ok(())
}

/// Fills `target` from a decoding reader and expects its end there; reading to the end also checks its checksum.
fn fill(name: &str, mut decoder: impl Read, target: &mut [u8]) -> Result<(), DecodeError> {
    let damaged =
        |error: std::io::Error| DecodeError::corrupt(format!("{name} stream is damaged ({error})"));
    let mut filled = 0;
    while filled < target.len() {
        match decoder.read(&mut target[filled..]).map_err(damaged)? {
            0 => return Err(wrong_len(filled, target.len())),
            read => filled += read,
        }
    }
    match decoder.read(&mut [0]).map_err(damaged)? {
        0 => Ok(()),
        _ => Err(too_long(target.len())),
    }
}

/// Decodes one zlib stream that gives exactly `target`, and after which nothing follows.
fn zlib_exact(mut encoded: &[u8], target: &mut [u8]) -> Result<(), DecodeError> {
    fill(
        "zlib",
        flate2::bufread::ZlibDecoder::new(&mut encoded),
        target,
    )?;
    if encoded.is_empty() {
        return Ok(());
    }
    let message = format!("{} bytes after the end of a zlib stream", encoded.len());
    Err(DecodeError::corrupt(message))
}

/// What a decoding thread keeps between chunks: fresh blocks of memory cost a page fault each 4 KiB.
#[derive(Default)]
pub(in crate::store) struct Scratch {
    zstd: zstd::bulk::Decompressor<'static>,
    shuffled: Vec<u8>,
    planes: Vec<u8>,
}

/// Lends the thread's scratch; a nested call gets an empty one.
fn with_scratch<R>(body: impl FnOnce(&mut Scratch) -> R) -> R {
    thread_local! {
        static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
    }
    let mut scratch = SCRATCH.take().unwrap_or_default();
    let result = body(&mut scratch);
    SCRATCH.set(Some(scratch));
    result
}

/// Decodes zstd frames that give exactly `target`; whatever their headers declare, no more is written.
fn zstd_exact(encoded: &[u8], target: &mut [u8], scratch: &mut Scratch) -> Result<(), DecodeError> {
    let written = scratch
        .zstd
        .decompress_to_buffer(encoded, target)
        .map_err(|error| DecodeError::corrupt(format!("zstd stream is damaged ({error})")))?;
    if written == target.len() {
        Ok(())
    } else {
        Err(wrong_len(written, target.len()))
    }
}

#[cfg(test)]
pub(in crate::store) mod tests;
