//! Codec chains that we do not decode ourselves: `zarrs` does, one chunk at a time.
//!
//! `zarrs` believes what files declare and would read parts of a chunk without its checksum, so it gets no file: its bytes
//! are found, read and bounded as those of any other chunk, and it decodes the whole.

use std::{
    borrow::Cow,
    num::NonZeroU64,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
};

use zarrs::{
    array::{
        Array, CodecChain, CodecOptions, DataType, FillValue, codec::api::ArrayToBytesCodecTraits,
    },
    metadata::ArrayMetadata,
    storage::store::MemoryStore,
};

use super::{
    codec::{DecodeError, copy_exact},
    register::register_codecs,
};

/// A chain of an array whose chunks have that shape.
#[derive(Debug)]
pub(super) struct Foreign {
    metadata: ArrayMetadata,
    chunk: Vec<NonZeroU64>,
    /// Made with the first chunk; why there is none.
    chain: OnceLock<Result<Chain, String>>,
}

#[derive(Debug)]
struct Chain {
    codecs: Arc<CodecChain>,
    data_type: DataType,
    fill: FillValue,
}

impl Foreign {
    /// Of an array document as `zarrs` takes it.
    pub(super) fn new(metadata: ArrayMetadata, chunk: &[u64]) -> Self {
        let chunk = chunk.iter().filter_map(|&length| NonZeroU64::new(length));
        Self {
            metadata,
            chunk: chunk.collect(),
            chain: OnceLock::new(),
        }
    }

    /// Decodes a chunk into `target`: samples in the order of the axes and the bytes of this machine.
    pub(super) fn decode(&self, encoded: &[u8], target: &mut [u8]) -> Result<(), DecodeError> {
        // The codecs are not ours, and scripts read without a thread that would catch it.
        let decode = AssertUnwindSafe(|| {
            let chain = self.chain.get_or_init(|| self.chain());
            let chain = chain
                .as_ref()
                .map_err(|message| DecodeError::Unsupported(message.clone()))?;
            chain.decode(encoded, &self.chunk, target)
        });
        catch_unwind(decode).unwrap_or_else(|_| {
            let message = "cannot be decoded (its codec did not expect what it found)";
            Err(DecodeError::Corrupt(message.to_owned()))
        })
    }

    fn chain(&self) -> Result<Chain, String> {
        register_codecs();
        // Nothing is ever read from the store.
        let store = Arc::new(MemoryStore::new());
        let array = Array::new_with_metadata(store, "/", self.metadata.clone())
            .map_err(|error| error.to_string())?;
        Ok(Chain {
            codecs: array.codecs(),
            data_type: array.data_type().clone(),
            fill: array.fill_value().clone(),
        })
    }
}

impl Chain {
    fn decode(
        &self,
        encoded: &[u8],
        chunk: &[NonZeroU64],
        target: &mut [u8],
    ) -> Result<(), DecodeError> {
        // Parallel are planes, not the parts of a chunk.
        let options = CodecOptions::default().with_concurrent_target(1);
        let encoded = Cow::Borrowed(encoded);
        let samples = self
            .codecs
            .decode(encoded, chunk, &self.data_type, &self.fill, &options)
            .map_err(|error| DecodeError::Corrupt(error.to_string()))?;
        let samples = samples
            .into_fixed()
            .map_err(|error| DecodeError::Unsupported(error.to_string()))?;
        copy_exact(&samples, target)
    }
}
