//! An opened Zarr array: what reading its chunks needs, taken from its document once and checked against the budgets.
//!
//! Knowledge: Zarr v3 core specification with the `transpose`, `bytes`, `sharding_indexed`, `blosc`, `gzip`, `zstd` and
//! `crc32c` codecs, and the Zarr v2 specification. A codec chain that does not fit [`Chain::Ours`] is left to `zarrs`.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::Value;

use super::{
    ReadError,
    chain::{v2_chunks, v3_chunks},
    codec::{ByteCodec, DecodeError, decode_chain},
    fill::parse_fill,
    foreign::Foreign,
};
use crate::{
    dataset::{ZarrFormat, ZarrLocator},
    model::{Code, SampleType, Samples, limits, parse_json, repeated},
    source::{SourceError, stat},
};

/// Where the document of an array stands in its folder, by the version of the format.
pub(super) const V3_DOCUMENT: &str = "zarr.json";
/// The same of version 2.
pub(super) const V2_DOCUMENT: &str = ".zarray";

/// An array document cannot be used; the path is added by whoever knows it.
#[derive(Debug)]
pub(super) struct Refusal {
    code: Code,
    message: String,
}

impl Refusal {
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self {
            code: Code::BadMetadata,
            message: message.into(),
        }
    }

    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self {
            code: Code::Unsupported,
            message: message.into(),
        }
    }

    pub(super) fn too_large(message: impl Into<String>) -> Self {
        Self {
            code: Code::TooLarge,
            message: message.into(),
        }
    }

    /// With the path of the document.
    pub(super) fn at(self, location: String) -> ReadError {
        ReadError {
            code: self.code,
            message: repeated(self.message),
            location,
        }
    }
}

/// How a shard holds its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShardIndex {
    /// Behind the chunks, not before them.
    pub(super) is_at_end: bool,
    /// Followed by a CRC-32C.
    pub(super) has_checksum: bool,
    /// Byte order of its numbers.
    pub(super) is_big_endian: bool,
}

/// What makes samples of the bytes of a chunk.
#[derive(Clone, Debug)]
pub(super) enum Chain {
    /// Bytes-to-bytes codecs in the order of the document; `transpose` and `bytes` before them are strides and a byte order.
    Ours(Vec<ByteCodec>),
    /// Any other codecs.
    Foreign(Arc<Foreign>),
}

impl Chain {
    /// Decodes a chunk into `target`, which it must fill exactly.
    pub(super) fn decode(&self, encoded: &[u8], target: &mut [u8]) -> Result<(), DecodeError> {
        match self {
            Self::Ours(codecs) => decode_chain(codecs, encoded, target),
            Self::Foreign(foreign) => foreign.decode(encoded, target),
        }
    }

    /// True where the bytes are the samples.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Ours(codecs) if codecs.is_empty())
    }

    /// The most bytes that a chunk of so many decoded ones may have: no compressor makes data longer, but a filter may
    /// store bytes as numbers of 8 bytes.
    pub(super) fn most_encoded(&self, decoded: u64) -> u64 {
        let stored = match self {
            Self::Ours(_) => decoded,
            Self::Foreign(_) => decoded.saturating_mul(8),
        };
        stored.saturating_add(stored / 8).saturating_add(1 << 20)
    }

    /// Blocks of about the length of a chunk that decoding it needs beside the decoded one.
    pub(super) fn num_blocks(&self) -> u64 {
        match self {
            Self::Ours(codecs) => u64::from(!codecs.is_empty()),
            // The encoded bytes, and what goes into and comes out of a codec.
            Self::Foreign(_) => 3,
        }
    }
}

/// How the chunks of an array lie in its files, and what decodes them.
#[derive(Clone, Debug)]
pub(super) struct Chunks {
    /// Shape of a decoded (inner) chunk along the axes of the array.
    pub(super) chunk: Vec<u64>,
    /// Chunks of a file along each axis; all 1 without shards.
    pub(super) per_file: Vec<u64>,
    /// The index of a shard; `None` where each chunk is a file.
    pub(super) index: Option<ShardIndex>,
    /// Samples from one position to the next along each axis in a decoded chunk.
    pub(super) strides: Vec<usize>,
    /// The samples' byte order is not this machine's.
    pub(super) is_swapped: bool,
    /// What decodes them.
    pub(super) chain: Chain,
    /// Bytes of a decoded chunk.
    pub(super) chunk_bytes: usize,
}

/// An opened array.
#[derive(Clone, Debug)]
pub(super) struct OpenedArray {
    /// The folder of the array.
    pub(super) folder: PathBuf,
    /// Lengths of its axes.
    pub(super) shape: Vec<u64>,
    /// Shape of what one file holds: a chunk, or a shard.
    pub(super) file_shape: Vec<u64>,
    /// Its sample type.
    pub(super) sample_type: SampleType,
    /// One sample: what absent chunks consist of.
    pub(super) fill: Samples,
    /// How its chunks are read.
    pub(super) chunks: Chunks,
    /// No other array has it, nor has the same one when its document is read anew.
    pub(super) number: u64,
    prefix: &'static str,
    separator: char,
    document: &'static str,
}

impl OpenedArray {
    /// True where the document of the array is (still) on disk.
    pub(super) fn is_there(&self) -> Result<bool, SourceError> {
        Ok(stat(&self.folder.join(self.document))?.is_some())
    }

    /// Reads an array document.
    pub(super) fn parse(locator: &ZarrLocator, document: &str) -> Result<Self, Refusal> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let value = parse_json(document).map_err(|error| Refusal {
            code: error.code(),
            message: error.to_string(),
        })?;
        let parsed = match locator.format {
            ZarrFormat::V3 => parse_v3(&value),
            ZarrFormat::V2 => parse_v2(&value),
        };
        parsed.map(|array| Self {
            folder: locator.folder.clone(),
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            ..array
        })
    }

    /// The path of the file at that place of the file grid.
    pub(super) fn file_path(&self, file: &[u64]) -> PathBuf {
        let mut key = String::from(self.prefix);
        for (place, index) in file.iter().enumerate() {
            if place > 0 || !self.prefix.is_empty() {
                key.push(self.separator);
            }
            key.push_str(&index.to_string());
        }
        self.folder.join(key)
    }
}

fn parse_v3(document: &Value) -> Result<OpenedArray, Refusal> {
    if document.get("node_type").and_then(Value::as_str) != Some("array") {
        return Err(Refusal::bad("not an array (node_type)"));
    }
    let shape = numbers(document.get("shape"), "shape")?;
    let (data_type, _) = named(document.get("data_type"), "data_type")?;
    let sample_type = SampleType::from_name(data_type)
        .ok_or_else(|| Refusal::unsupported(format!("data type {data_type:?}")))?;
    let (grid, grid_config) = named(document.get("chunk_grid"), "chunk_grid")?;
    if grid != "regular" {
        return Err(Refusal::unsupported(format!("chunk grid {grid:?}")));
    }
    let file_shape = numbers(grid_config.get("chunk_shape"), "chunk_shape")?;
    check_shapes(&shape, &file_shape)?;
    let (prefix, separator) = key_encoding(document.get("chunk_key_encoding"))?;
    Ok(OpenedArray {
        folder: PathBuf::new(),
        number: 0,
        fill: parse_fill(sample_type, document.get("fill_value"))?,
        chunks: v3_chunks(document, &file_shape, sample_type)?,
        shape,
        file_shape,
        sample_type,
        prefix,
        separator,
        document: V3_DOCUMENT,
    })
}

/// Prefix and separator of chunk keys.
fn key_encoding(encoding: Option<&Value>) -> Result<(&'static str, char), Refusal> {
    let (name, config) = named(encoding, "chunk_key_encoding")?;
    let separator = config.get("separator").and_then(Value::as_str);
    let (prefix, default) = match name {
        "default" => ("c", "/"),
        "v2" => ("", "."),
        _ => return Err(Refusal::unsupported(format!("chunk key encoding {name:?}"))),
    };
    Ok((prefix, separator_of(separator.unwrap_or(default))?))
}

fn separator_of(text: &str) -> Result<char, Refusal> {
    match text {
        "/" => Ok('/'),
        "." => Ok('.'),
        _ => Err(Refusal::bad(format!(
            "separator {text:?}, expected \"/\" or \".\""
        ))),
    }
}

fn parse_v2(document: &Value) -> Result<OpenedArray, Refusal> {
    let shape = numbers(document.get("shape"), "shape")?;
    let file_shape = numbers(document.get("chunks"), "chunks")?;
    check_shapes(&shape, &file_shape)?;
    let dtype = document
        .get("dtype")
        .and_then(Value::as_str)
        .ok_or_else(|| Refusal::unsupported("dtype that is not a simple one"))?;
    let (sample_type, is_big) =
        v2_sample_type(dtype).ok_or_else(|| Refusal::unsupported(format!("dtype {dtype:?}")))?;
    let separator = document.get("dimension_separator").and_then(Value::as_str);
    Ok(OpenedArray {
        folder: PathBuf::new(),
        number: 0,
        fill: parse_fill(sample_type, document.get("fill_value"))?,
        chunks: v2_chunks(document, &file_shape, (sample_type, is_big))?,
        separator: separator_of(separator.unwrap_or("."))?,
        prefix: "",
        document: V2_DOCUMENT,
        shape,
        file_shape,
        sample_type,
    })
}

/// The sample type of a numpy type string, and whether it is big-endian.
fn v2_sample_type(dtype: &str) -> Option<(SampleType, bool)> {
    let mut letters = dtype.chars();
    let is_big = match letters.next()? {
        '<' | '|' => false,
        '>' => true,
        _ => return None,
    };
    Some((SampleType::from_short_name(letters.as_str())?, is_big))
}

/// Name and configuration of an extension: `"bytes"`, or `{"name": "bytes", "configuration": {..}}`.
pub(super) fn named<'a>(
    value: Option<&'a Value>,
    what: &str,
) -> Result<(&'a str, &'a Value), Refusal> {
    const NOTHING: &Value = &Value::Null;
    let value = value.ok_or_else(|| Refusal::bad(format!("no {what}")))?;
    let name = match value {
        Value::String(name) => Some(name.as_str()),
        _ => value.get("name").and_then(Value::as_str),
    };
    let name = name.ok_or_else(|| Refusal::bad(format!("{what} without a name")))?;
    Ok((name, value.get("configuration").unwrap_or(NOTHING)))
}

/// A list of whole numbers, as many as an array may have dimensions.
pub(super) fn numbers(value: Option<&Value>, what: &str) -> Result<Vec<u64>, Refusal> {
    let list = value
        .and_then(Value::as_array)
        .ok_or_else(|| Refusal::bad(format!("{what} is not a list")))?;
    if list.len() > limits::ARRAY_DIMENSIONS {
        return Err(Refusal::too_large(format!(
            "{} dimensions, at most {} are read",
            list.len(),
            limits::ARRAY_DIMENSIONS
        )));
    }
    let found: Option<Vec<u64>> = list.iter().map(Value::as_u64).collect();
    found.ok_or_else(|| Refusal::bad(format!("{what} is not a list of whole numbers")))
}

fn check_shapes(shape: &[u64], file_shape: &[u64]) -> Result<(), Refusal> {
    if shape.len() != file_shape.len() {
        return Err(Refusal::bad(format!(
            "{} dimensions, chunks have {}",
            shape.len(),
            file_shape.len()
        )));
    }
    if file_shape.contains(&0) {
        return Err(Refusal::bad(format!("chunks of {file_shape:?}")));
    }
    Ok(())
}

pub(super) fn product(lengths: &[u64]) -> Option<u64> {
    lengths
        .iter()
        .try_fold(1_u64, |product, &length| product.checked_mul(length))
}

/// Bytes of a decoded chunk, if it fits the budgets.
pub(super) fn num_bytes(chunk: &[u64], sample_type: SampleType) -> Result<usize, Refusal> {
    let samples = product(chunk).filter(|&samples| samples <= limits::CHUNK_SAMPLES);
    let bytes = samples
        .map(|samples| samples * sample_type.num_bytes() as u64)
        .filter(|&bytes| bytes <= limits::DECODED_BYTES);
    bytes
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or_else(|| {
            Refusal::too_large(format!(
                "chunks of {chunk:?} {} samples, at most {} samples and {} bytes are read",
                sample_type.name(),
                limits::CHUNK_SAMPLES,
                limits::DECODED_BYTES
            ))
        })
}
