//! Zarr array documents: `zarr.json` of version 3, `.zarray` of version 2 (zarr-specs.readthedocs.io).
//!
//! What is refused here is refused before anything is allocated or any codec is built.

mod codecs;

use serde_json::Value;

use super::json::{as_text, member, shown};
use crate::model::{Code, SampleType, limits};

/// What an array document says, checked against the budgets.
#[derive(Clone, Debug, PartialEq)]
pub struct ArrayDocument {
    /// Lengths of its dimensions.
    pub shape: Vec<u64>,
    /// Its sample type.
    pub sample_type: SampleType,
    /// The unit that is decoded: chunks, inner chunks where there are shards.
    pub chunk_shape: Vec<u64>,
    /// `dimension_names` (v3), where all are given.
    pub dimension_names: Option<Vec<String>>,
    /// Codec chain in words: "blosc lz4, shuffle · transposed · sharded 1×4×1×2048×2048".
    pub codecs: String,
}

/// An array document cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ArrayDocumentError {
    /// `BadMetadata`, `Unsupported`, `TooLarge` or `Empty`.
    pub code: Code,
    /// What was found and what was expected.
    pub message: String,
}

/// Reads a version 3 document (`node_type` "array").
///
/// # Errors
/// When a required key is missing or odd, the sample type is not one of ours, or a budget is exceeded.
pub fn parse_v3(document: &Value) -> Result<ArrayDocument, ArrayDocumentError> {
    expect_version(document, 3)?;
    if member(document, "node_type").and_then(Value::as_str) != Some("array") {
        return Err(bad(format!(
            "node_type is {}, expected \"array\"",
            found(document, "node_type")
        )));
    }
    expect_understood(document)?;
    let shape = shape(document)?;
    let sample_type = v3_sample_type(document)?;
    let transformers = member(document, "storage_transformers").and_then(Value::as_array);
    if transformers.is_some_and(|list| !list.is_empty()) {
        return Err(unsupported(
            "storage_transformers are not supported".to_owned(),
        ));
    }
    let chunk_shape = v3_chunk_shape(document, shape.len())?;
    let codecs = member(document, "codecs").and_then(Value::as_array);
    let codecs = codecs.ok_or_else(|| {
        bad(format!(
            "codecs is {}, expected a list",
            found(document, "codecs")
        ))
    })?;
    let chain = codecs::read_v3(codecs, &chunk_shape)?;
    check_budgets(&shape, &chain.decoded_shape, sample_type)?;
    Ok(ArrayDocument {
        dimension_names: dimension_names(document, shape.len()),
        shape,
        sample_type,
        chunk_shape: chain.decoded_shape,
        codecs: chain.words,
    })
}

/// Reads a version 2 `.zarray`.
///
/// # Errors
/// As [`parse_v3`].
pub fn parse_v2(document: &Value) -> Result<ArrayDocument, ArrayDocumentError> {
    expect_version(document, 2)?;
    let shape = shape(document)?;
    let dtype = member(document, "dtype").and_then(as_text);
    let sample_type = dtype.as_deref().and_then(v2_sample_type);
    let (sample_type, is_big_endian) = sample_type.ok_or_else(|| {
        let found = found(document, "dtype");
        unsupported(format!(
            "dtype {found} is not supported, expected one such as \"<u2\""
        ))
    })?;
    let chunk_shape = lengths(document, "chunks")?;
    expect_chunks(&chunk_shape, shape.len())?;
    let words = codecs::read_v2(document, is_big_endian)?;
    check_budgets(&shape, &chunk_shape, sample_type)?;
    Ok(ArrayDocument {
        shape,
        sample_type,
        chunk_shape,
        dimension_names: None,
        codecs: words,
    })
}

fn bad(message: String) -> ArrayDocumentError {
    ArrayDocumentError {
        code: Code::BadMetadata,
        message,
    }
}

fn unsupported(message: String) -> ArrayDocumentError {
    ArrayDocumentError {
        code: Code::Unsupported,
        message,
    }
}

fn too_large(message: String) -> ArrayDocumentError {
    ArrayDocumentError {
        code: Code::TooLarge,
        message,
    }
}

/// What stands at a key, in a few words for a message.
fn found(document: &Value, key: &str) -> String {
    document
        .get(key)
        .map_or_else(|| "missing".to_owned(), shown)
}

/// Refuses extensions that say of themselves that ignoring them gives wrong samples; others are passed over.
fn expect_understood(document: &Value) -> Result<(), ArrayDocumentError> {
    const KNOWN: [&str; 7] = [
        "attributes",
        "chunk_grid",
        "chunk_key_encoding",
        "codecs",
        "data_type",
        "fill_value",
        "storage_transformers",
    ];
    let mut members = document.as_object().into_iter().flatten();
    let refused = members.find(|(key, value)| {
        !KNOWN.contains(&key.as_str()) && value.get("must_understand") == Some(&Value::Bool(true))
    });
    refused.map_or(Ok(()), |(key, _)| {
        let key = super::json::shown_text(key);
        Err(unsupported(format!("extension {key} is not supported")))
    })
}

fn expect_version(document: &Value, version: u64) -> Result<(), ArrayDocumentError> {
    match member(document, "zarr_format").and_then(Value::as_u64) {
        Some(found) if found == version => Ok(()),
        Some(found) => Err(unsupported(format!(
            "zarr_format is {found}, expected {version}"
        ))),
        None => Err(bad(format!(
            "zarr_format is {}, expected {version}",
            found(document, "zarr_format")
        ))),
    }
}

/// The array's shape: at least two dimensions, none of them of length 0.
fn shape(document: &Value) -> Result<Vec<u64>, ArrayDocumentError> {
    let shape = lengths(document, "shape")?;
    if shape.len() > limits::ARRAY_DIMENSIONS {
        return Err(too_large(format!(
            "the array has {} dimensions, expected at most {}",
            shape.len(),
            limits::ARRAY_DIMENSIONS
        )));
    }
    if let Some(at) = shape.iter().position(|&length| length == 0) {
        return Err(ArrayDocumentError {
            code: Code::Empty,
            message: format!("dimension {at} of {} has length 0", in_words(&shape)),
        });
    }
    if shape.len() < 2 {
        return Err(unsupported(format!(
            "the array has {} dimensions, expected at least 2",
            shape.len()
        )));
    }
    Ok(shape)
}

/// A list of whole numbers of at least 0.
fn lengths(of: &Value, key: &str) -> Result<Vec<u64>, ArrayDocumentError> {
    let lengths = member(of, key)
        .and_then(Value::as_array)
        .and_then(|values| values.iter().map(Value::as_u64).collect());
    lengths.ok_or_else(|| {
        bad(format!(
            "{key} is {}, expected a list of lengths",
            found(of, key)
        ))
    })
}

/// Lengths of chunks: one per dimension, each above 0.
fn expect_chunks(chunk: &[u64], num_dimensions: usize) -> Result<(), ArrayDocumentError> {
    if chunk.len() == num_dimensions && !chunk.contains(&0) {
        return Ok(());
    }
    let chunk = in_words(chunk);
    Err(bad(format!(
        "chunk shape is {chunk}, expected {num_dimensions} lengths above 0"
    )))
}

/// `1×4×2048`, cut where it is absurdly long.
fn in_words(lengths: &[u64]) -> String {
    let shown = lengths.iter().take(limits::ARRAY_DIMENSIONS);
    let texts: Vec<String> = shown.map(u64::to_string).collect();
    texts.join("×")
}

fn v3_sample_type(document: &Value) -> Result<SampleType, ArrayDocumentError> {
    let value = member(document, "data_type");
    let value = value.ok_or_else(|| bad("data_type is missing".to_owned()))?;
    let name = value.as_str().or_else(|| value.get("name")?.as_str());
    name.and_then(SampleType::from_name).ok_or_else(|| {
        let found = name.map_or_else(|| shown(value), super::json::shown_text);
        unsupported(format!(
            "data_type {found} is not supported, expected one such as \"uint16\""
        ))
    })
}

/// The sample type of a numpy type string such as `<u2`, and whether it is stored big-endian.
fn v2_sample_type(dtype: &str) -> Option<(SampleType, bool)> {
    let mut chars = dtype.chars();
    let order = chars.next().filter(|order| "<>|".contains(*order))?;
    let sample_type = SampleType::from_short_name(chars.as_str())?;
    // "not relevant" is only right for single bytes.
    let is_single_byte = sample_type.num_bytes() == 1;
    let is_usable = is_single_byte || order != '|';
    is_usable.then_some((sample_type, order == '>' && !is_single_byte))
}

fn v3_chunk_shape(document: &Value, num_dimensions: usize) -> Result<Vec<u64>, ArrayDocumentError> {
    let grid = member(document, "chunk_grid");
    let grid = grid.ok_or_else(|| bad("chunk_grid is missing".to_owned()))?;
    match member(grid, "name").and_then(Value::as_str) {
        Some("regular") => {}
        Some(other) => {
            let other = super::json::shown_text(other);
            return Err(unsupported(format!(
                "chunk grid {other} is not supported, expected \"regular\""
            )));
        }
        None => return Err(bad("chunk_grid has no name".to_owned())),
    }
    let configuration = grid.get("configuration").unwrap_or(&Value::Null);
    let chunk = lengths(configuration, "chunk_shape")?;
    expect_chunks(&chunk, num_dimensions)?;
    Ok(chunk)
}

/// All names, where each dimension has one.
fn dimension_names(document: &Value, num_dimensions: usize) -> Option<Vec<String>> {
    let names = member(document, "dimension_names")?.as_array()?;
    let names: Option<Vec<String>> = names
        .iter()
        .map(|name| {
            name.as_str()
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
        })
        .collect();
    names.filter(|names| names.len() == num_dimensions)
}

/// Refuses what nobody could hold: the array's samples must be countable, one decoded chunk must fit.
fn check_budgets(
    shape: &[u64],
    chunk: &[u64],
    sample_type: SampleType,
) -> Result<(), ArrayDocumentError> {
    let bytes = sample_type.num_bytes() as u64;
    let product = |lengths: &[u64]| {
        lengths
            .iter()
            .try_fold(1_u64, |product, &length| product.checked_mul(length))
    };
    let total = product(shape).and_then(|samples| samples.checked_mul(bytes));
    if total.is_none() {
        return Err(too_large(format!(
            "shape {} is beyond 2^64 bytes",
            in_words(shape)
        )));
    }
    let samples = product(chunk).filter(|&samples| samples <= limits::CHUNK_SAMPLES);
    let decoded = samples.and_then(|samples| samples.checked_mul(bytes));
    match decoded {
        Some(decoded) if decoded <= limits::DECODED_BYTES => Ok(()),
        _ => Err(too_large(format!(
            "a chunk has {} samples of {bytes} bytes, expected at most {} samples and {} bytes",
            in_words(chunk),
            limits::CHUNK_SAMPLES,
            limits::DECODED_BYTES
        ))),
    }
}

#[cfg(test)]
mod tests;
