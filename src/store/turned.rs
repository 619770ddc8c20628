//! The codec `transpose` for the fallback path: that of `zarrs`, decoding in blocks.
//!
//! `zarrs` 0.23 goes from sample to sample, and needs 60 ms for a plane of 2048 x 2048. Encoding and parts of chunks stay
//! with it.

use std::{any::Any, borrow::Cow, num::NonZeroU64, sync::Arc};

use zarrs::{
    array::{
        ArrayBytes, ChunkShape, CodecError, CodecMetadataOptions, CodecOptions, DataType,
        FillValue, RecommendedConcurrency,
        codec::{
            TransposeCodec,
            api::{
                ArrayCodecTraits, ArrayPartialDecoderTraits, ArrayPartialEncoderTraits,
                ArrayToArrayCodecTraits, Codec, CodecTraits, CodecTraitsV3,
                PartialDecoderCapability, PartialEncoderCapability,
            },
        },
    },
    metadata::{Configuration, v3::MetadataV3},
    plugin::{ExtensionName, PluginCreateError, ZarrVersion},
};

use super::{
    chain::strides,
    copy::{self, Rectangle},
};

/// That of `zarrs`, and its order: which axis of the array each stored one is.
#[derive(Debug)]
pub(super) struct Turned {
    theirs: Arc<dyn ArrayToArrayCodecTraits>,
    order: Vec<usize>,
}

impl Turned {
    /// Reads the configuration as `zarrs` does.
    pub(super) fn create(metadata: &MetadataV3) -> Result<Codec, PluginCreateError> {
        let theirs = match <TransposeCodec as CodecTraitsV3>::create(metadata)? {
            Codec::ArrayToArray(theirs) => theirs,
            other => return Ok(other),
        };
        // They have checked that it names each axis once.
        let order = metadata.configuration().and_then(|it| it.get("order"));
        let axes = order.and_then(serde_json::Value::as_array);
        let axes = axes.into_iter().flatten();
        let order = axes
            .filter_map(|axis| usize::try_from(axis.as_u64()?).ok())
            .collect();
        Ok(Codec::ArrayToArray(Arc::new(Self { theirs, order })))
    }

    /// The samples of a chunk of that shape; `None` where `zarrs` has to do it, or to say what is wrong.
    fn turn(&self, stored: &[u8], shape: &[NonZeroU64], size: usize) -> Option<Vec<u8>> {
        let shape: Vec<u64> = shape.iter().map(|length| length.get()).collect();
        let num_bytes = shape
            .iter()
            .try_fold(size as u64, |product, &length| product.checked_mul(length))?;
        let is_ours = matches!(size, 1 | 2 | 4 | 8)
            && shape.len() == self.order.len()
            && num_bytes == stored.len() as u64;
        if !is_ours {
            return None;
        }
        let axes = axes(&shape, &strides(&shape, &self.order));
        Some(in_order(stored, &axes, size))
    }
}

/// Axes of samples to be put in order; neighbours that stay neighbours are one.
#[derive(Clone, Copy, Debug)]
struct Axis {
    len: usize,
    /// Samples from one position to the next where they are stored.
    stride: usize,
}

fn axes(shape: &[u64], strides: &[usize]) -> Vec<Axis> {
    let mut axes: Vec<Axis> = Vec::with_capacity(shape.len());
    for (&len, &stride) in shape.iter().zip(strides) {
        // Shorter than the bytes at hand.
        let len = len as usize;
        match axes.last_mut() {
            _ if len == 1 => {}
            Some(last) if last.stride == len * stride => {
                last.len *= len;
                last.stride = stride;
            }
            _ => axes.push(Axis { len, stride }),
        }
    }
    axes
}

/// The samples one after the other, the last axis fastest.
fn in_order(stored: &[u8], axes: &[Axis], size: usize) -> Vec<u8> {
    let Some((line, outer)) = axes.split_last().filter(|(_, outer)| !outer.is_empty()) else {
        // One axis, or none: they are in order.
        return stored.to_vec();
    };
    let mut target = vec![0; stored.len()];
    // Lines are gone through along the axis whose samples are nearest to each other.
    let nearest = (0..outer.len()).min_by_key(|&axis| outer[axis].stride);
    let lines = nearest.unwrap_or(0);
    let target_strides: Vec<usize> = (0..outer.len())
        .map(|axis| axes[axis + 1..].iter().map(|axis| axis.len).product())
        .collect();
    let others = (0..outer.len()).filter(|&axis| axis != lines);
    let others: Vec<(Axis, usize)> = others
        .map(|axis| (outer[axis], target_strides[axis]))
        .collect();
    let num_planes: usize = others.iter().map(|(axis, _)| axis.len).product();
    for plane in 0..num_planes {
        let (mut source_start, mut target_start, mut rest) = (0, 0, plane);
        for (axis, target_stride) in others.iter().rev() {
            let at = rest % axis.len;
            rest /= axis.len;
            source_start += at * axis.stride;
            target_start += at * target_stride;
        }
        let rectangle = Rectangle {
            source_start,
            source_line: outer[lines].stride,
            source_step: line.stride,
            target_start,
            target_line: target_strides[lines],
            num_lines: outer[lines].len,
            line_len: line.len,
        };
        copy::copy(stored, &mut target, size, &rectangle);
    }
    target
}

impl ExtensionName for Turned {
    fn name(&self, version: ZarrVersion) -> Option<Cow<'static, str>> {
        self.theirs.name(version)
    }
}

impl CodecTraits for Turned {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn configuration(
        &self,
        version: ZarrVersion,
        options: &CodecMetadataOptions,
    ) -> Option<Configuration> {
        self.theirs.configuration(version, options)
    }

    fn partial_decoder_capability(&self) -> PartialDecoderCapability {
        self.theirs.partial_decoder_capability()
    }

    fn partial_encoder_capability(&self) -> PartialEncoderCapability {
        self.theirs.partial_encoder_capability()
    }
}

impl ArrayCodecTraits for Turned {
    fn recommended_concurrency(
        &self,
        shape: &[NonZeroU64],
        data_type: &DataType,
    ) -> Result<RecommendedConcurrency, CodecError> {
        self.theirs.recommended_concurrency(shape, data_type)
    }
}

impl ArrayToArrayCodecTraits for Turned {
    fn into_dyn(self: Arc<Self>) -> Arc<dyn ArrayToArrayCodecTraits> {
        self
    }

    fn encoded_data_type(&self, decoded: &DataType) -> Result<DataType, CodecError> {
        self.theirs.encoded_data_type(decoded)
    }

    fn encoded_fill_value(
        &self,
        decoded: &DataType,
        fill_value: &FillValue,
    ) -> Result<FillValue, CodecError> {
        self.theirs.encoded_fill_value(decoded, fill_value)
    }

    fn encoded_shape(&self, decoded: &[NonZeroU64]) -> Result<ChunkShape, CodecError> {
        self.theirs.encoded_shape(decoded)
    }

    fn decoded_shape(&self, encoded: &[NonZeroU64]) -> Result<Option<ChunkShape>, CodecError> {
        self.theirs.decoded_shape(encoded)
    }

    fn encode<'a>(
        &self,
        bytes: ArrayBytes<'a>,
        shape: &[NonZeroU64],
        data_type: &DataType,
        fill_value: &FillValue,
        options: &CodecOptions,
    ) -> Result<ArrayBytes<'a>, CodecError> {
        self.theirs
            .encode(bytes, shape, data_type, fill_value, options)
    }

    fn decode<'a>(
        &self,
        bytes: ArrayBytes<'a>,
        shape: &[NonZeroU64],
        data_type: &DataType,
        fill_value: &FillValue,
        options: &CodecOptions,
    ) -> Result<ArrayBytes<'a>, CodecError> {
        let turned = match (&bytes, data_type.fixed_size()) {
            (ArrayBytes::Fixed(stored), Some(size)) => self.turn(stored, shape, size),
            _ => None,
        };
        match turned {
            Some(turned) => Ok(turned.into()),
            None => self
                .theirs
                .decode(bytes, shape, data_type, fill_value, options),
        }
    }

    fn partial_decoder(
        self: Arc<Self>,
        input_handle: Arc<dyn ArrayPartialDecoderTraits>,
        shape: &[NonZeroU64],
        data_type: &DataType,
        fill_value: &FillValue,
        options: &CodecOptions,
    ) -> Result<Arc<dyn ArrayPartialDecoderTraits>, CodecError> {
        let theirs = Arc::clone(&self.theirs);
        theirs.partial_decoder(input_handle, shape, data_type, fill_value, options)
    }

    fn partial_encoder(
        self: Arc<Self>,
        input_output_handle: Arc<dyn ArrayPartialEncoderTraits>,
        shape: &[NonZeroU64],
        data_type: &DataType,
        fill_value: &FillValue,
        options: &CodecOptions,
    ) -> Result<Arc<dyn ArrayPartialEncoderTraits>, CodecError> {
        let theirs = Arc::clone(&self.theirs);
        theirs.partial_encoder(input_output_handle, shape, data_type, fill_value, options)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use zarrs::array::data_type;

    use super::*;

    fn data_types() -> impl Strategy<Value = DataType> {
        prop::sample::select(vec![
            data_type::uint8(),
            data_type::int16(),
            data_type::float32(),
            data_type::float64(),
            // Of 16 bytes, which zarrs turns.
            data_type::complex128(),
        ])
    }

    fn shapes() -> impl Strategy<Value = (Vec<u64>, Vec<usize>)> {
        let long = prop::collection::vec(1..90_u64, 1..=2);
        let short = prop::collection::vec(1..7_u64, 1..=5);
        prop_oneof![long, short].prop_flat_map(|shape| {
            let order: Vec<usize> = (0..shape.len()).collect();
            (Just(shape), Just(order).prop_shuffle())
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

        #[test]
        fn chunks_are_turned_as_zarrs_turns_them((shape, order) in shapes(), data_type in data_types()) {
            let metadata = json!({"name": "transpose", "configuration": {"order": order}});
            let metadata: MetadataV3 = serde_json::from_value(metadata).expect("a codec");
            let Ok(Codec::ArrayToArray(ours)) = Turned::create(&metadata) else {
                panic!("an array-to-array codec");
            };
            let Ok(Codec::ArrayToArray(theirs)) = <TransposeCodec as CodecTraitsV3>::create(&metadata) else {
                panic!("an array-to-array codec");
            };
            let shape: Vec<NonZeroU64> = shape.iter().filter_map(|&length| NonZeroU64::new(length)).collect();
            let size = data_type.fixed_size().expect("a number");
            let num_samples: u64 = shape.iter().map(|length| length.get()).product();
            let stored: Vec<u8> = (0..num_samples as u32)
                .flat_map(|at| at.wrapping_mul(0x9e37_79b1).to_le_bytes().repeat(4).into_iter().take(size))
                .collect();
            let fill = FillValue::new(vec![0; size]);
            let decode = |codec: &Arc<dyn ArrayToArrayCodecTraits>, stored: &[u8]| {
                let decoded = codec.decode(stored.to_vec().into(), &shape, &data_type, &fill, &CodecOptions::default());
                decoded.ok().map(|bytes| bytes.into_fixed().expect("numbers").into_owned())
            };
            let turned = decode(&ours, &stored);
            prop_assert!(turned.is_some());
            prop_assert_eq!(turned, decode(&theirs, &stored));
            // Of too few bytes it makes what zarrs makes.
            prop_assert_eq!(decode(&ours, &stored[1..]), None);
        }
    }

    #[test]
    fn an_order_that_is_none_is_refused() {
        for order in [json!([0, 0]), json!([1]), json!("F"), json!([-1, 0])] {
            let metadata = json!({"name": "transpose", "configuration": {"order": order}});
            let metadata: MetadataV3 = serde_json::from_value(metadata).expect("a codec");
            assert!(Turned::create(&metadata).is_err(), "{order}");
        }
    }
}
