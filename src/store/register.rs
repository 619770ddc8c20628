//! Our bounded decoders in place of those of `zarrs`, for the fallback path.
//!
//! `zarrs` asks its runtime registry before its own codecs. Its own ones allocate what a stream declares (a zstd header
//! of 1 TiB aborts the process), and `blosc` is not built in at all, because it needs C++.

use std::{
    any::Any,
    borrow::Cow,
    sync::{Arc, Once},
};

use zarrs::{
    array::{
        ArrayBytesRaw, BytesRepresentation, CodecError, CodecMetadataOptions, CodecOptions,
        RecommendedConcurrency,
        codec::api::{
            BytesToBytesCodecTraits, Codec, CodecRuntimePluginV2, CodecRuntimePluginV3,
            CodecTraits, PartialDecoderCapability, PartialEncoderCapability, register_codec_v2,
            register_codec_v3,
        },
    },
    metadata::{Configuration, v2::MetadataV2, v3::MetadataV3},
    plugin::ZarrVersion,
};

use super::codec::ByteCodec;

/// Registers the decoders, once in the process.
pub(super) fn register_codecs() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // crc32c stays with zarrs: it allocates nothing.
        let ours =
            |name: &str| ByteCodec::from_name(name).filter(|&codec| codec != ByteCodec::Crc32c);
        let made = move |name: &str| match ours(name) {
            Some(codec) => Ok(Codec::BytesToBytes(Arc::new(Bounded(codec)))),
            None => Err(format!("codec {name} is not ours").into()),
        };
        register_codec_v3(CodecRuntimePluginV3::new(
            move |name| ours(name).is_some(),
            move |metadata: &MetadataV3| made(metadata.name()),
        ));
        register_codec_v2(CodecRuntimePluginV2::new(
            move |name| ours(name).is_some(),
            move |metadata: &MetadataV2| made(metadata.id()),
        ));
    });
}

/// One of our decoders as a codec of `zarrs`; it does not encode.
#[derive(Clone, Copy, Debug)]
struct Bounded(ByteCodec);

impl CodecTraits for Bounded {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn configuration(
        &self,
        _version: ZarrVersion,
        _options: &CodecMetadataOptions,
    ) -> Option<Configuration> {
        None
    }

    fn partial_decoder_capability(&self) -> PartialDecoderCapability {
        PartialDecoderCapability {
            partial_read: false,
            partial_decode: false,
        }
    }

    fn partial_encoder_capability(&self) -> PartialEncoderCapability {
        PartialEncoderCapability {
            partial_encode: false,
        }
    }
}

impl BytesToBytesCodecTraits for Bounded {
    fn into_dyn(self: Arc<Self>) -> Arc<dyn BytesToBytesCodecTraits> {
        self
    }

    fn recommended_concurrency(
        &self,
        _decoded: &BytesRepresentation,
    ) -> Result<RecommendedConcurrency, CodecError> {
        Ok(RecommendedConcurrency::new_maximum(1))
    }

    fn encoded_representation(&self, decoded: &BytesRepresentation) -> BytesRepresentation {
        // As much as any of the codecs can add to data that it cannot compress.
        decoded
            .size()
            .map_or(BytesRepresentation::UnboundedSize, |size| {
                BytesRepresentation::BoundedSize(
                    size.saturating_add(size / 8).saturating_add(65_536),
                )
            })
    }

    fn encode<'a>(
        &self,
        _decoded: ArrayBytesRaw<'a>,
        _options: &CodecOptions,
    ) -> Result<ArrayBytesRaw<'a>, CodecError> {
        Err(CodecError::Other("this codec only decodes".to_owned()))
    }

    fn decode<'a>(
        &self,
        encoded: ArrayBytesRaw<'a>,
        decoded: &BytesRepresentation,
        _options: &CodecOptions,
    ) -> Result<ArrayBytesRaw<'a>, CodecError> {
        let failed = |error: super::codec::DecodeError| CodecError::Other(error.to_string());
        let bytes = match decoded {
            BytesRepresentation::FixedSize(size) => {
                let mut bytes = vec![0; usize::try_from(*size).unwrap_or(usize::MAX)];
                self.0.decode(&encoded, &mut bytes).map_err(failed)?;
                bytes
            }
            BytesRepresentation::BoundedSize(bound) => self
                .0
                .decode_bounded(&encoded, usize::try_from(*bound).unwrap_or(usize::MAX))
                .map_err(failed)?,
            BytesRepresentation::UnboundedSize => {
                return Err(CodecError::Other(
                    "a chunk of unknown size is not read".to_owned(),
                ));
            }
        };
        Ok(Cow::Owned(bytes))
    }
}
