//! Codec chains: what they are called, whether this program has them, and the unit that they decode.
//!
//! Version 3 chains are lists that may nest in `sharding_indexed`; version 2 has filters, a compressor and an order.

use serde_json::Value;

use super::{
    super::json::{as_text, keyword, member, shown, shown_text},
    ArrayDocumentError, bad, expect_chunks, in_words, lengths, too_large, unsupported,
};
use crate::model::limits;

/// Shards in shards that are followed; nobody is known to write more than one level.
const SHARDING_DEPTH: usize = 3;

/// A version 3 chain, read.
pub(super) struct Chain {
    /// Shape of the unit that is decoded, along the dimensions of the array.
    pub(super) decoded_shape: Vec<u64>,
    /// "blosc lz4, shuffle · transposed · sharded 1×4×1×2048×2048".
    pub(super) words: String,
}

/// What a chain says so far, by the places in its words.
#[derive(Default)]
struct Words {
    compressors: Vec<String>,
    others: Vec<String>,
    shards: Vec<String>,
}

impl Words {
    fn push(&mut self, word: impl Into<String>) {
        let word = word.into();
        if !self.others.contains(&word) {
            self.others.push(word);
        }
    }

    fn join(mut self) -> String {
        if self.compressors.is_empty() {
            self.compressors.push("uncompressed".to_owned());
        }
        let parts = [self.compressors, self.others, self.shards].concat();
        parts.join(" · ")
    }
}

/// Reads the list `codecs` of an array with chunks of shape `chunk`.
pub(super) fn read_v3(codecs: &[Value], chunk: &[u64]) -> Result<Chain, ArrayDocumentError> {
    let mut words = Words::default();
    let mut decoded_shape = chunk.to_vec();
    // Dimension of the array at each place of what the chain has made so far.
    let mut dimensions: Vec<usize> = (0..chunk.len()).collect();
    let mut chain = codecs;
    for _ in 0..=SHARDING_DEPTH {
        let inner = read_chain(chain, &mut decoded_shape, &mut dimensions, &mut words)?;
        match inner {
            Some(inner) => chain = inner,
            None => {
                return Ok(Chain {
                    decoded_shape,
                    words: words.join(),
                });
            }
        }
    }
    Err(unsupported(format!(
        "shards in shards, more than {SHARDING_DEPTH} levels deep, are not supported"
    )))
}

/// Reads one list; the inner list, where it has shards.
fn read_chain<'a>(
    codecs: &'a [Value],
    decoded_shape: &mut [u64],
    dimensions: &mut Vec<usize>,
    words: &mut Words,
) -> Result<Option<&'a [Value]>, ArrayDocumentError> {
    let mut inner = None;
    for codec in codecs {
        let name = as_text(codec).or_else(|| member(codec, "name").and_then(as_text));
        let name = name.ok_or_else(|| {
            let found = shown(codec);
            bad(format!("a codec is {found}, expected one with a name"))
        })?;
        let configuration = codec.get("configuration").unwrap_or(&Value::Null);
        match name.as_str() {
            "transpose" if transpose(configuration, dimensions)? => words.push("transposed"),
            "transpose" => {}
            "sharding_indexed" => {
                words
                    .shards
                    .push(format!("sharded {}", in_words(decoded_shape)));
                inner = Some(shard(configuration, decoded_shape, dimensions)?);
            }
            other => bytes_codec(other, configuration, words)?,
        }
    }
    Ok(inner)
}

/// Codecs that compress nothing, as version 2 names them, and in words.
const FILTERS: [(&str, &str); 5] = [
    ("shuffle", "shuffled"),
    ("fixedscaleoffset", "scaled"),
    ("fletcher32", "fletcher32"),
    ("adler32", "adler32"),
    ("bitround", "rounded"),
];

/// Those of them that change samples, which no compressor can.
const OF_SAMPLES: [&str; 2] = ["fixedscaleoffset", "bitround"];

/// One of [`FILTERS`] in words.
fn filter(name: &str) -> Option<&'static str> {
    let found = FILTERS.iter().find(|(known, _)| *known == name);
    found.map(|(_, word)| *word)
}

/// A codec that leaves the shape alone.
fn bytes_codec(
    name: &str,
    configuration: &Value,
    words: &mut Words,
) -> Result<(), ArrayDocumentError> {
    match name {
        // `endian` is what the first drafts of version 3 called it.
        "bytes" | "endian" if keyword(configuration, "endian") == Some("big") => {
            words.push("big-endian");
        }
        "bytes" | "endian" => {}
        "blosc" => words.compressors.push(blosc_v3(configuration)),
        "gzip" | "zstd" | "zlib" => words.compressors.push(name.to_owned()),
        "numcodecs.gzip" | "numcodecs.zstd" | "numcodecs.zlib" | "numcodecs.bz2" => {
            let name = name.trim_start_matches("numcodecs.");
            words.compressors.push(name.to_owned());
        }
        "numcodecs.blosc" => words.compressors.push(blosc_v2(configuration)),
        "crc32c" => words.push(name),
        "numcodecs.crc32c" if keyword(configuration, "location") != Some("start") => {
            words.push("crc32c");
        }
        other => {
            let known = other.strip_prefix("numcodecs.").unwrap_or(other);
            let word = filter(known).ok_or_else(|| {
                let other = shown_text(other);
                unsupported(format!("codec {other} is not supported"))
            })?;
            words.push(word);
        }
    }
    Ok(())
}

/// Applies a transpose to `dimensions`; whether it changes anything.
fn transpose(
    configuration: &Value,
    dimensions: &mut Vec<usize>,
) -> Result<bool, ArrayDocumentError> {
    let rank = dimensions.len();
    let order: Vec<usize> = match member(configuration, "order").and_then(Value::as_str) {
        // Written by the first drafts of version 3.
        Some("C") => (0..rank).collect(),
        Some("F") => (0..rank).rev().collect(),
        _ => {
            let order = lengths(configuration, "order")?;
            order
                .iter()
                .filter_map(|&at| usize::try_from(at).ok())
                .collect()
        }
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..rank) {
        return Err(bad(format!(
            "order of transpose is no permutation of {rank} dimensions"
        )));
    }
    let is_change = order.iter().enumerate().any(|(at, &from)| at != from);
    *dimensions = order
        .iter()
        .filter_map(|&from| dimensions.get(from).copied())
        .collect();
    Ok(is_change)
}

/// Goes into a shard: `decoded_shape` becomes that of its inner chunks. Returns the inner codecs.
fn shard<'a>(
    configuration: &'a Value,
    decoded_shape: &mut [u64],
    dimensions: &[usize],
) -> Result<&'a [Value], ArrayDocumentError> {
    let inner = lengths(configuration, "chunk_shape")?;
    expect_chunks(&inner, dimensions.len())?;
    let outer = decoded_shape.to_vec();
    let mut num_chunks = 1_u64;
    for (&dimension, &length) in dimensions.iter().zip(&inner) {
        let Some(place) = decoded_shape.get_mut(dimension) else {
            continue;
        };
        if *place % length != 0 {
            return Err(bad(format!(
                "inner chunks {} do not divide the shard {}",
                in_words(&inner),
                in_words(&outer)
            )));
        }
        num_chunks = num_chunks.saturating_mul(*place / length);
        *place = length;
    }
    if num_chunks > limits::SHARD_CHUNKS {
        return Err(too_large(format!(
            "a shard has {num_chunks} chunks, expected at most {}",
            limits::SHARD_CHUNKS
        )));
    }
    let codecs = member(configuration, "codecs").and_then(Value::as_array);
    codecs
        .map(Vec::as_slice)
        .ok_or_else(|| bad("sharding_indexed has no list of codecs".to_owned()))
}

fn blosc_v3(configuration: &Value) -> String {
    let shuffle = match keyword(configuration, "shuffle") {
        Some("shuffle") => ", shuffle",
        Some("bitshuffle") => ", bitshuffle",
        _ => "",
    };
    blosc(configuration, shuffle)
}

fn blosc(configuration: &Value, shuffle: &str) -> String {
    let inner: String = keyword(configuration, "cname")
        .unwrap_or("lz4")
        .chars()
        .take(16)
        .collect();
    format!("blosc {inner}{shuffle}")
}

/// Reads compressor, filters and order of a `.zarray`; its chain in words.
pub(super) fn read_v2(document: &Value, is_big_endian: bool) -> Result<String, ArrayDocumentError> {
    let mut words = Words::default();
    let filters = member(document, "filters").and_then(Value::as_array);
    for filter in filters.map_or(&[][..], Vec::as_slice) {
        if !codec_v2(filter, true, &mut words) {
            let found = shown(member(filter, "id").unwrap_or(filter));
            return Err(unsupported(format!("filter {found} is not supported")));
        }
    }
    if let Some(compressor) = member(document, "compressor")
        && !codec_v2(compressor, false, &mut words)
    {
        let found = shown(member(compressor, "id").unwrap_or(compressor));
        return Err(unsupported(format!("compressor {found} is not supported")));
    }
    match member(document, "order").and_then(Value::as_str) {
        Some("C") | None => {}
        Some("F") => words.push("transposed"),
        Some(other) => {
            let other = shown_text(other);
            return Err(bad(format!("order is {other}, expected \"C\" or \"F\"")));
        }
    }
    if is_big_endian {
        words.push("big-endian");
    }
    Ok(words.join())
}

/// Version 2 lets any codec be a filter, and any of bytes the compressor; false where this program has none of that name.
fn codec_v2(codec: &Value, is_filter: bool, words: &mut Words) -> bool {
    let id = keyword(codec, "id").unwrap_or_default();
    match id {
        "blosc" => words.compressors.push(blosc_v2(codec)),
        "gzip" | "zlib" | "zstd" | "bz2" => words.compressors.push(id.to_owned()),
        _ => match filter(id).filter(|_| is_filter || !OF_SAMPLES.contains(&id)) {
            Some(word) => words.push(word),
            None => return false,
        },
    }
    true
}

/// numcodecs has numbers for shuffles.
fn blosc_v2(configuration: &Value) -> String {
    let shuffle = match member(configuration, "shuffle").and_then(Value::as_i64) {
        Some(1) => ", shuffle",
        Some(2) => ", bitshuffle",
        _ => "",
    };
    blosc(configuration, shuffle)
}
