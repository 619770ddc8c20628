//! Codec chains of array documents: which of them we decode, and how, and what is left to `zarrs`.
//!
//! Knowledge: the `transpose`, `bytes` and `sharding_indexed` codecs of Zarr v3; `order`, `filters` and `compressor` of v2.

use std::sync::Arc;

use serde_json::Value;

use super::{
    array::{Chain, Chunks, Refusal, ShardIndex, named, num_bytes, numbers, product},
    codec::ByteCodec,
    for_zarrs::{for_zarrs, is_id, is_rounding},
    foreign::Foreign,
};
use crate::model::{SampleType, limits};

/// The chunks of an array document of version 3.
pub(super) fn v3_chunks(
    document: &Value,
    file_shape: &[u64],
    sample_type: SampleType,
) -> Result<Chunks, Refusal> {
    let codecs = document
        .get("codecs")
        .and_then(Value::as_array)
        .ok_or_else(|| Refusal::bad("no codecs"))?;
    let transformers = document.get("storage_transformers");
    let is_plain = transformers
        .and_then(Value::as_array)
        .is_none_or(Vec::is_empty);
    let shards = shards(file_shape, codecs)?;
    let (files, codecs) = match shards {
        Some((files, codecs)) => (files, codecs),
        None => (Files::whole(file_shape), codecs.as_slice()),
    };
    let ours = plain_chain(&files, codecs, sample_type)?;
    if let Some(chunks) = ours.filter(|_| is_plain) {
        return Ok(chunks);
    }
    // The document of an array whose chunks are files of their own.
    let mut document = document.clone();
    document["codecs"] = codecs.into();
    document["chunk_grid"]["configuration"]["chunk_shape"] = files.chunk.as_slice().into();
    foreign(files, &document, sample_type)
}

/// How chunks lie in files.
struct Files {
    chunk: Vec<u64>,
    per_file: Vec<u64>,
    index: Option<ShardIndex>,
}

impl Files {
    /// Each chunk is a file.
    fn whole(chunk: &[u64]) -> Self {
        Self {
            chunk: chunk.to_vec(),
            per_file: vec![1; chunk.len()],
            index: None,
        }
    }
}

/// Shards whose index we read, and the codecs of their chunks; `None` for any other chain.
fn shards<'a>(
    file_shape: &[u64],
    codecs: &'a [Value],
) -> Result<Option<(Files, &'a [Value])>, Refusal> {
    let [first, rest @ ..] = codecs else {
        return Err(Refusal::bad("empty codec chain"));
    };
    let (name, config) = named(Some(first), "codec")?;
    if name != "sharding_indexed" || !rest.is_empty() {
        return Ok(None);
    }
    let chunk = numbers(config.get("chunk_shape"), "chunk_shape")?;
    let per_file = chunks_per_shard(file_shape, &chunk)?;
    let inner = config.get("codecs").and_then(Value::as_array);
    let index_codecs = config.get("index_codecs").and_then(Value::as_array);
    let (Some(inner), Some(index_codecs)) = (inner, index_codecs) else {
        return Err(Refusal::bad("sharding without codecs or index_codecs"));
    };
    if inner.is_empty() {
        return Err(Refusal::bad("empty codec chain"));
    }
    let is_at_end = match config.get("index_location").and_then(Value::as_str) {
        None | Some("end") => true,
        Some("start") => false,
        Some(other) => return Err(Refusal::bad(format!("index_location {other:?}"))),
    };
    let files = shard_index(index_codecs, is_at_end).map(|index| Files {
        chunk,
        per_file,
        index: Some(index),
    });
    Ok(files.map(|files| (files, inner.as_slice())))
}

/// Chunks that `zarrs` decodes; the document is that of an array of such chunks, each a file.
fn foreign(files: Files, document: &Value, sample_type: SampleType) -> Result<Chunks, Refusal> {
    let chunk_bytes = num_bytes(&files.chunk, sample_type)?;
    check_inner_chunks(document, &files.chunk, 0)?;
    let metadata = serde_json::from_value(for_zarrs(document))
        .map_err(|error| Refusal::bad(format!("array document ({error})")))?;
    let order: Vec<usize> = (0..files.chunk.len()).collect();
    Ok(Chunks {
        strides: strides(&files.chunk, &order),
        is_swapped: false,
        chain: Chain::Foreign(Arc::new(Foreign::new(metadata, &files.chunk))),
        chunk: files.chunk,
        per_file: files.per_file,
        index: files.index,
        chunk_bytes,
    })
}

/// Bytes, with or without a checksum; `None` for any other chain.
fn shard_index(codecs: &[Value], is_at_end: bool) -> Option<ShardIndex> {
    let (bytes, config) = named(codecs.first(), "codec").ok()?;
    let rest = codecs.get(1..)?;
    let has_checksum = match rest {
        [] => false,
        [only] => named(Some(only), "codec").ok()?.0 == "crc32c",
        _ => return None,
    };
    (bytes == "bytes" && has_checksum != rest.is_empty()).then(|| ShardIndex {
        is_at_end,
        has_checksum,
        is_big_endian: config.get("endian").and_then(Value::as_str) == Some("big"),
    })
}

fn chunks_per_shard(shard: &[u64], chunk: &[u64]) -> Result<Vec<u64>, Refusal> {
    if shard.len() != chunk.len() || chunk.contains(&0) {
        return Err(Refusal::bad(format!(
            "chunks {chunk:?} in shards {shard:?}"
        )));
    }
    let counts = shard.iter().zip(chunk).map(|(&shard, &chunk)| {
        shard
            .is_multiple_of(chunk)
            .then(|| shard / chunk)
            .ok_or_else(|| Refusal::bad(format!("shards of {shard} are no multiple of {chunk}")))
    });
    let counts: Vec<u64> = counts.collect::<Result<_, _>>()?;
    match product(&counts) {
        Some(total) if total <= limits::SHARD_CHUNKS => Ok(counts),
        _ => Err(Refusal::too_large(format!(
            "{counts:?} chunks in a shard, at most {} are read",
            limits::SHARD_CHUNKS
        ))),
    }
}

/// `transpose` (or none), `bytes`, bytes-to-bytes codecs; `None` for any other chain.
fn plain_chain(
    files: &Files,
    codecs: &[Value],
    sample_type: SampleType,
) -> Result<Option<Chunks>, Refusal> {
    let chunk = files.chunk.as_slice();
    let chunk_bytes = num_bytes(chunk, sample_type)?;
    let mut rest = codecs.iter().filter(|it| !is_rounding(it)).peekable();
    let mut order: Vec<usize> = (0..chunk.len()).collect();
    if let Some(transpose) = rest.next_if(|codec| is_named(codec, "transpose")) {
        let (_, config) = named(Some(transpose), "codec")?;
        order = transpose_order(config.get("order"), chunk.len())?;
    }
    let Some(bytes) = rest.next_if(|codec| is_named(codec, "bytes")) else {
        return Ok(None);
    };
    let (_, config) = named(Some(bytes), "codec")?;
    let is_big = match config.get("endian").and_then(Value::as_str) {
        Some("big") => true,
        Some("little") => false,
        None if sample_type.num_bytes() == 1 => false,
        Some(other) => {
            let text = format!("bytes codec with endian {other:?}, expected little or big");
            return Err(Refusal::bad(text));
        }
        None => {
            let text = "bytes codec without endian, expected little or big";
            return Err(Refusal::bad(text.to_owned()));
        }
    };
    let mut byte_codecs = Vec::new();
    for codec in rest {
        let (name, _) = named(Some(codec), "codec")?;
        match ByteCodec::from_name(name) {
            Some(codec) => byte_codecs.push(codec),
            None => return Ok(None),
        }
    }
    Ok(Some(Chunks {
        chunk: chunk.to_vec(),
        per_file: files.per_file.clone(),
        index: files.index,
        strides: strides(chunk, &order),
        is_swapped: is_big != cfg!(target_endian = "big") && sample_type.num_bytes() > 1,
        chain: Chain::Ours(byte_codecs),
        chunk_bytes,
    }))
}

/// A permutation of the axes; "C" and "F" are the spelling of early v3 writers.
fn transpose_order(order: Option<&Value>, num_axes: usize) -> Result<Vec<usize>, Refusal> {
    let found = match order {
        Some(Value::String(name)) if name == "C" => (0..num_axes).collect(),
        Some(Value::String(name)) if name == "F" => (0..num_axes).rev().collect(),
        other => numbers(other, "transpose order")?
            .iter()
            .map(|&axis| usize::try_from(axis).unwrap_or(usize::MAX))
            .collect::<Vec<_>>(),
    };
    let mut sorted = found.clone();
    sorted.sort_unstable();
    if sorted.iter().copied().eq(0..num_axes) {
        Ok(found)
    } else {
        Err(Refusal::bad(format!(
            "transpose order {found:?} of {num_axes} axes"
        )))
    }
}

/// Samples from one position to the next along each axis, where the axes are stored in `order`, the last fastest.
pub(super) fn strides(chunk: &[u64], order: &[usize]) -> Vec<usize> {
    let mut strides = vec![0; chunk.len()];
    let mut stride = 1;
    for &axis in order.iter().rev() {
        strides[axis] = stride;
        // The product of a chunk is within the budget.
        stride *= usize::try_from(chunk[axis]).unwrap_or(usize::MAX);
    }
    strides
}

/// The chunks of an array document of version 2, with the byte order of its samples.
pub(super) fn v2_chunks(
    document: &Value,
    chunk: &[u64],
    (sample_type, is_big): (SampleType, bool),
) -> Result<Chunks, Refusal> {
    let mut order: Vec<usize> = (0..chunk.len()).collect();
    if document.get("order").and_then(Value::as_str) == Some("F") {
        order.reverse();
    }
    let filters = document.get("filters").and_then(Value::as_array);
    let filters = filters.into_iter().flatten();
    let compressor = document.get("compressor").filter(|it| !it.is_null());
    let all = filters
        .filter(|filter| !is_id(filter, "bitround"))
        .chain(compressor);
    let codecs: Option<Vec<ByteCodec>> = all
        .map(|codec| {
            let codec = ByteCodec::from_name(codec.get("id")?.as_str()?);
            // Where numcodecs' crc32c stands has changed with its version.
            codec.filter(|&codec| codec != ByteCodec::Crc32c)
        })
        .collect();
    let Some(codecs) = codecs else {
        return foreign(Files::whole(chunk), document, sample_type);
    };
    Ok(Chunks {
        chunk: chunk.to_vec(),
        per_file: vec![1; chunk.len()],
        index: None,
        strides: strides(chunk, &order),
        is_swapped: is_big != cfg!(target_endian = "big") && sample_type.num_bytes() > 1,
        chain: Chain::Ours(codecs),
        chunk_bytes: num_bytes(chunk, sample_type)?,
    })
}

/// Checks every `sharding_indexed` inside a document before `zarrs` allocates for it.
fn check_inner_chunks(value: &Value, outer: &[u64], depth: usize) -> Result<(), Refusal> {
    const MAX_DEPTH: usize = 3;
    let Some(codecs) = value.get("codecs").and_then(Value::as_array) else {
        return Ok(());
    };
    for codec in codecs {
        let (name, config) = named(Some(codec), "codec")?;
        if name == "sharding_indexed" {
            if depth >= MAX_DEPTH {
                return Err(Refusal::unsupported(format!(
                    "shards more than {MAX_DEPTH} deep"
                )));
            }
            let chunk = numbers(config.get("chunk_shape"), "chunk_shape")?;
            // A transpose before the shards permutes the outer shape; only then the multiples may differ.
            let counts = if is_named(&codecs[0], "transpose") {
                product(&chunk).map(|_| ())
            } else {
                chunks_per_shard(outer, &chunk)?;
                Some(())
            };
            if counts.is_none() || chunk.contains(&0) {
                return Err(Refusal::bad(format!("chunks of {chunk:?}")));
            }
            check_inner_chunks(config, &chunk, depth + 1)?;
        }
    }
    Ok(())
}

fn is_named(value: &Value, name: &str) -> bool {
    named(Some(value), "codec").is_ok_and(|(found, _)| found == name)
}

/// What `zarrs` makes of a document whose chain is ours.
#[cfg(test)]
pub(super) fn foreign_of(document: &Value, file_shape: &[u64], sample_type: SampleType) -> Chunks {
    foreign(Files::whole(file_shape), document, sample_type).expect("a document of ours")
}
