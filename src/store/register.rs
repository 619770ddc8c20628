//! Our bounded decoders in place of those of `zarrs`, and our `transpose`, for the chains that are left to it.
//!
//! `zarrs` asks its runtime registry before its own codecs. Its own ones allocate what a stream declares (a zstd header
//! of 1 TiB aborts the process), and `blosc` is not built in at all, because it needs C++. Encoding stays with `zarrs`, so
//! that whoever writes through it in the same process still can.

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
            CodecTraits, CodecTraitsV2, CodecTraitsV3, PartialDecoderCapability,
            PartialEncoderCapability, register_codec_v2, register_codec_v3,
        },
        codec::{Fletcher32Codec, GzipCodec, ZlibCodec, ZstdCodec},
    },
    metadata::{Configuration, v2::MetadataV2, v3::MetadataV3},
    plugin::{ExtensionName, PluginCreateError, ZarrVersion},
};

use super::{codec::ByteCodec, scaled::Scaled, turned::Turned};

/// Registers the decoders, once in the process.
pub(super) fn register_codecs() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // crc32c stays with zarrs: it allocates nothing.
        let ours =
            |name: &str| ByteCodec::from_name(name).filter(|&codec| codec != ByteCodec::Crc32c);
        register_codec_v3(CodecRuntimePluginV3::new(
            move |name| ours(name).is_some(),
            move |metadata: &MetadataV3| {
                bounded(metadata.name(), |codec| theirs_v3(codec, metadata))
            },
        ));
        register_codec_v2(CodecRuntimePluginV2::new(
            move |name| ours(name).is_some(),
            move |metadata: &MetadataV2| bounded(metadata.id(), |codec| theirs_v2(codec, metadata)),
        ));
        register_scaled();
        register_codec_v3(CodecRuntimePluginV3::new(
            |name| name == "transpose",
            |metadata: &MetadataV3| Turned::create(metadata),
        ));
    });
}

/// `fixedscaleoffset`, by its name in either version.
fn register_scaled() {
    register_codec_v3(CodecRuntimePluginV3::new(
        |name| matches!(name, "fixedscaleoffset" | "numcodecs.fixedscaleoffset"),
        |metadata: &MetadataV3| {
            let configuration = metadata.configuration().cloned().unwrap_or_default();
            Scaled::create(&configuration, false)
        },
    ));
    register_codec_v2(CodecRuntimePluginV2::new(
        |name| name == "fixedscaleoffset",
        |metadata: &MetadataV2| Scaled::create(metadata.configuration(), true),
    ));
}

type Created = Result<Codec, PluginCreateError>;

fn bounded(name: &str, theirs: impl FnOnce(ByteCodec) -> Option<Created>) -> Created {
    let ours = ByteCodec::from_name(name)
        .ok_or_else(|| PluginCreateError::Other(format!("codec {name} is not ours")))?;
    // Theirs asks for what only an encoder needs, such as a level.
    let theirs = match theirs(ours) {
        Some(Ok(Codec::BytesToBytes(codec))) => Some(codec),
        _ => None,
    };
    Ok(Codec::BytesToBytes(Arc::new(Bounded { ours, theirs })))
}

fn theirs_v3(codec: ByteCodec, metadata: &MetadataV3) -> Option<Created> {
    match codec {
        ByteCodec::Gzip => Some(<GzipCodec as CodecTraitsV3>::create(metadata)),
        ByteCodec::Zlib => Some(<ZlibCodec as CodecTraitsV3>::create(metadata)),
        ByteCodec::Zstd => Some(<ZstdCodec as CodecTraitsV3>::create(metadata)),
        ByteCodec::Fletcher32 => Some(<Fletcher32Codec as CodecTraitsV3>::create(metadata)),
        ByteCodec::Blosc | ByteCodec::Bz2 | ByteCodec::Crc32c => None,
    }
}

fn theirs_v2(codec: ByteCodec, metadata: &MetadataV2) -> Option<Created> {
    match codec {
        ByteCodec::Gzip => Some(<GzipCodec as CodecTraitsV2>::create(metadata)),
        ByteCodec::Zlib => Some(<ZlibCodec as CodecTraitsV2>::create(metadata)),
        ByteCodec::Zstd => Some(<ZstdCodec as CodecTraitsV2>::create(metadata)),
        ByteCodec::Fletcher32 => Some(<Fletcher32Codec as CodecTraitsV2>::create(metadata)),
        ByteCodec::Blosc | ByteCodec::Bz2 | ByteCodec::Crc32c => None,
    }
}

/// One of our decoders as a codec of `zarrs`; encodes with that of `zarrs`, where it has one.
#[derive(Clone, Debug)]
struct Bounded {
    ours: ByteCodec,
    theirs: Option<Arc<dyn BytesToBytesCodecTraits>>,
}

impl ExtensionName for Bounded {
    fn name(&self, version: ZarrVersion) -> Option<Cow<'static, str>> {
        match &self.theirs {
            Some(codec) => codec.name(version),
            None => Some(self.ours.name().into()),
        }
    }
}

impl CodecTraits for Bounded {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn configuration(
        &self,
        version: ZarrVersion,
        options: &CodecMetadataOptions,
    ) -> Option<Configuration> {
        self.theirs.as_ref()?.configuration(version, options)
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
        decoded: ArrayBytesRaw<'a>,
        options: &CodecOptions,
    ) -> Result<ArrayBytesRaw<'a>, CodecError> {
        let absent = || CodecError::Other(format!("{} is not written", self.ours.name()));
        let codec = self.theirs.as_ref().ok_or_else(absent)?;
        codec.encode(decoded, options)
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
                self.ours.decode(&encoded, &mut bytes).map_err(failed)?;
                bytes
            }
            BytesRepresentation::BoundedSize(bound) => self
                .ours
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
