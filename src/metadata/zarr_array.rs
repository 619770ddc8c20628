//! Zarr array documents: `zarr.json` of version 3, `.zarray` of version 2 (zarr-specs.readthedocs.io).

use serde_json::Value;

use crate::model::{Code, SampleType};

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
    unimplemented!("{document:?}")
}

/// Reads a version 2 `.zarray`.
///
/// # Errors
/// As [`parse_v3`].
pub fn parse_v2(document: &Value) -> Result<ArrayDocument, ArrayDocumentError> {
    unimplemented!("{document:?}")
}
