//! The filter `fixedscaleoffset` for chains that are left to `zarrs`: samples that were stored as smaller ones.
//!
//! Knowledge: numcodecs 0.16, `fixedscaleoffset.py`: sample = stored / scale + offset, in 64 bits where integers are
//! stored, and in 32 where `f4` is. That of `zarrs` 0.23 has both numbers in 32 bits, which gives other samples, and takes
//! no signed bytes.

use std::{any::Any, borrow::Cow, num::NonZeroU64, sync::Arc};

use zarrs::{
    array::{
        ArrayBytes, CodecError, CodecMetadataOptions, CodecOptions, DataType, FillValue,
        RecommendedConcurrency,
        codec::api::{
            ArrayCodecTraits, ArrayToArrayCodecTraits, Codec, CodecTraits,
            PartialDecoderCapability, PartialEncoderCapability,
        },
        data_type,
    },
    metadata::Configuration,
    plugin::{ExtensionName, PluginCreateError, ZarrVersion},
};

use crate::model::SampleType;

/// How samples were stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scaled {
    offset: f64,
    scale: f64,
    decoded: SampleType,
    encoded: SampleType,
    /// Version 2: what is stored has another order of bytes than the array.
    is_swapped: bool,
}

/// A type as numpy writes it, and whether it is big-endian.
fn type_of(text: &str) -> Option<(SampleType, bool)> {
    let (is_big, name) = match text.split_at_checked(1)? {
        (">", name) => (true, name),
        ("<" | "|", name) => (false, name),
        _ => (false, text),
    };
    // numcodecs scales numbers only, and none of 16 bits with a point.
    let sample_type = SampleType::from_short_name(name);
    let sample_type = sample_type.filter(|it| !matches!(it, SampleType::Bool | SampleType::F16));
    Some((sample_type?, is_big))
}

impl Scaled {
    /// Reads the configuration of either version.
    pub(super) fn create(
        configuration: &Configuration,
        is_v2: bool,
    ) -> Result<Codec, PluginCreateError> {
        let missing = |key: &str| {
            let message = format!("fixedscaleoffset without a usable {key}");
            PluginCreateError::Other(message)
        };
        let number = |key: &str| {
            let number = configuration.get(key).and_then(serde_json::Value::as_f64);
            number.ok_or_else(|| missing(key))
        };
        let kind = |key: &str| {
            let text = configuration.get(key).and_then(serde_json::Value::as_str);
            text.map(|text| type_of(text).ok_or_else(|| missing(key)))
                .transpose()
        };
        let decoded = kind("dtype")?.ok_or_else(|| missing("dtype"))?;
        let encoded = kind("astype")?.unwrap_or(decoded);
        Ok(Codec::ArrayToArray(Arc::new(Self {
            offset: number("offset")?,
            scale: number("scale")?,
            decoded: decoded.0,
            encoded: encoded.0,
            is_swapped: is_v2 && decoded.1 != encoded.1,
        })))
    }

    fn decode_all(self, stored: &[u8]) -> Vec<u8> {
        let size = self.encoded.num_bytes();
        let mut samples = Vec::with_capacity(stored.len() / size * self.decoded.num_bytes());
        for bytes in stored.chunks_exact(size) {
            let value = read(self.encoded, bytes, self.is_swapped);
            let sample = if self.encoded == SampleType::F32 {
                f64::from(value as f32 / self.scale as f32 + self.offset as f32)
            } else {
                value / self.scale + self.offset
            };
            write(self.decoded, sample, false, &mut samples);
        }
        samples
    }

    fn encode_all(self, samples: &[u8]) -> Vec<u8> {
        let mut stored = Vec::new();
        for bytes in samples.chunks_exact(self.decoded.num_bytes()) {
            let sample = read(self.decoded, bytes, false);
            let value = ((sample - self.offset) * self.scale).round_ties_even();
            write(self.encoded, value, self.is_swapped, &mut stored);
        }
        stored
    }
}

/// The bytes of one sample, turned around where they are swapped.
fn array<const N: usize>(bytes: &[u8], is_swapped: bool) -> [u8; N] {
    let mut found = [0; N];
    for (to, from) in found.iter_mut().zip(bytes) {
        *to = *from;
    }
    if is_swapped {
        found.reverse();
    }
    found
}

/// A sample in the order of bytes of this machine, or the other.
fn read(kind: SampleType, bytes: &[u8], is_swapped: bool) -> f64 {
    match kind {
        SampleType::Bool | SampleType::U8 => u8::from_ne_bytes(array(bytes, is_swapped)).into(),
        SampleType::U16 => u16::from_ne_bytes(array(bytes, is_swapped)).into(),
        SampleType::U32 => u32::from_ne_bytes(array(bytes, is_swapped)).into(),
        SampleType::U64 => u64::from_ne_bytes(array(bytes, is_swapped)) as f64,
        SampleType::I8 => i8::from_ne_bytes(array(bytes, is_swapped)).into(),
        SampleType::I16 => i16::from_ne_bytes(array(bytes, is_swapped)).into(),
        SampleType::I32 => i32::from_ne_bytes(array(bytes, is_swapped)).into(),
        SampleType::I64 => i64::from_ne_bytes(array(bytes, is_swapped)) as f64,
        SampleType::F16 => half::f16::from_ne_bytes(array(bytes, is_swapped)).into(),
        SampleType::F32 => f32::from_ne_bytes(array(bytes, is_swapped)).into(),
        SampleType::F64 => f64::from_ne_bytes(array(bytes, is_swapped)),
    }
}

fn write(kind: SampleType, value: f64, is_swapped: bool, to: &mut Vec<u8>) {
    let start = to.len();
    match kind {
        SampleType::Bool | SampleType::U8 => to.extend((value as u8).to_ne_bytes()),
        SampleType::U16 => to.extend((value as u16).to_ne_bytes()),
        SampleType::U32 => to.extend((value as u32).to_ne_bytes()),
        SampleType::U64 => to.extend((value as u64).to_ne_bytes()),
        SampleType::I8 => to.extend((value as i8).to_ne_bytes()),
        SampleType::I16 => to.extend((value as i16).to_ne_bytes()),
        SampleType::I32 => to.extend((value as i32).to_ne_bytes()),
        SampleType::I64 => to.extend((value as i64).to_ne_bytes()),
        SampleType::F16 => to.extend(half::f16::from_f64(value).to_ne_bytes()),
        SampleType::F32 => to.extend((value as f32).to_ne_bytes()),
        SampleType::F64 => to.extend(value.to_ne_bytes()),
    }
    if is_swapped {
        to[start..].reverse();
    }
}

fn data_type_of(kind: SampleType) -> DataType {
    match kind {
        SampleType::Bool => data_type::bool(),
        SampleType::U8 => data_type::uint8(),
        SampleType::U16 => data_type::uint16(),
        SampleType::U32 => data_type::uint32(),
        SampleType::U64 => data_type::uint64(),
        SampleType::I8 => data_type::int8(),
        SampleType::I16 => data_type::int16(),
        SampleType::I32 => data_type::int32(),
        SampleType::I64 => data_type::int64(),
        SampleType::F16 => data_type::float16(),
        SampleType::F32 => data_type::float32(),
        SampleType::F64 => data_type::float64(),
    }
}

impl ExtensionName for Scaled {
    fn name(&self, version: ZarrVersion) -> Option<Cow<'static, str>> {
        Some(match version {
            ZarrVersion::V2 => "fixedscaleoffset".into(),
            ZarrVersion::V3 => "numcodecs.fixedscaleoffset".into(),
        })
    }
}

impl CodecTraits for Scaled {
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

impl ArrayCodecTraits for Scaled {
    fn recommended_concurrency(
        &self,
        _shape: &[NonZeroU64],
        _data_type: &DataType,
    ) -> Result<RecommendedConcurrency, CodecError> {
        Ok(RecommendedConcurrency::new_maximum(1))
    }
}

impl ArrayToArrayCodecTraits for Scaled {
    fn into_dyn(self: Arc<Self>) -> Arc<dyn ArrayToArrayCodecTraits> {
        self
    }

    fn encoded_data_type(&self, decoded: &DataType) -> Result<DataType, CodecError> {
        let expected = data_type_of(self.decoded);
        if *decoded != expected {
            let message = format!("fixedscaleoffset of {expected:?} in an array of {decoded:?}");
            return Err(CodecError::Other(message));
        }
        Ok(data_type_of(self.encoded))
    }

    fn encode<'a>(
        &self,
        bytes: ArrayBytes<'a>,
        _shape: &[NonZeroU64],
        _data_type: &DataType,
        _fill_value: &FillValue,
        _options: &CodecOptions,
    ) -> Result<ArrayBytes<'a>, CodecError> {
        Ok(self.encode_all(&bytes.into_fixed()?).into())
    }

    fn decode<'a>(
        &self,
        bytes: ArrayBytes<'a>,
        _shape: &[NonZeroU64],
        _data_type: &DataType,
        _fill_value: &FillValue,
        _options: &CodecOptions,
    ) -> Result<ArrayBytes<'a>, CodecError> {
        Ok(self.decode_all(&bytes.into_fixed()?).into())
    }
}
