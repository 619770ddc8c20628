//! Decoded samples of one tile, in their own type and in the memory order of the store.
//!
//! Squid's arrays are transposed on disk, so column-major tiles are first-class: the canvas uploads either order
//! and swaps coordinates in the shader; whoever needs rows (export, CRC) asks for [`Pixels::to_rows`].

use half::f16;

use super::{Gap, SampleType, Value, WorkStage};

/// How a tile's samples follow each other in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemoryOrder {
    /// Sample (x, y) stands at `y * width + x`.
    RowMajor,
    /// Sample (x, y) stands at `x * height + y`.
    ColumnMajor,
}

/// The samples of a tile in their own type. A bool is stored as 0 or 1.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Samples {
    Bool(Vec<u8>),
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    F16(Vec<f16>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

/// Runs one expression for every sample type: `for_samples!(samples, v => v.len())`.
macro_rules! for_samples {
    ($samples:expr, $v:ident => $body:expr) => {
        match $samples {
            $crate::model::Samples::Bool($v) | $crate::model::Samples::U8($v) => $body,
            $crate::model::Samples::U16($v) => $body,
            $crate::model::Samples::U32($v) => $body,
            $crate::model::Samples::U64($v) => $body,
            $crate::model::Samples::I8($v) => $body,
            $crate::model::Samples::I16($v) => $body,
            $crate::model::Samples::I32($v) => $body,
            $crate::model::Samples::I64($v) => $body,
            $crate::model::Samples::F16($v) => $body,
            $crate::model::Samples::F32($v) => $body,
            $crate::model::Samples::F64($v) => $body,
        }
    };
}

impl Samples {
    /// `len` zeros of that type.
    #[must_use]
    pub fn zeros(sample_type: SampleType, len: usize) -> Self {
        match sample_type {
            SampleType::Bool => Self::Bool(vec![0; len]),
            SampleType::U8 => Self::U8(vec![0; len]),
            SampleType::U16 => Self::U16(vec![0; len]),
            SampleType::U32 => Self::U32(vec![0; len]),
            SampleType::U64 => Self::U64(vec![0; len]),
            SampleType::I8 => Self::I8(vec![0; len]),
            SampleType::I16 => Self::I16(vec![0; len]),
            SampleType::I32 => Self::I32(vec![0; len]),
            SampleType::I64 => Self::I64(vec![0; len]),
            SampleType::F16 => Self::F16(vec![f16::ZERO; len]),
            SampleType::F32 => Self::F32(vec![0.0; len]),
            SampleType::F64 => Self::F64(vec![0.0; len]),
        }
    }

    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        for_samples!(self, v => v.len())
    }

    /// True where there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type of the samples.
    #[must_use]
    pub fn sample_type(&self) -> SampleType {
        match self {
            Self::Bool(_) => SampleType::Bool,
            Self::U8(_) => SampleType::U8,
            Self::U16(_) => SampleType::U16,
            Self::U32(_) => SampleType::U32,
            Self::U64(_) => SampleType::U64,
            Self::I8(_) => SampleType::I8,
            Self::I16(_) => SampleType::I16,
            Self::I32(_) => SampleType::I32,
            Self::I64(_) => SampleType::I64,
            Self::F16(_) => SampleType::F16,
            Self::F32(_) => SampleType::F32,
            Self::F64(_) => SampleType::F64,
        }
    }

    /// The samples as bytes of this machine's byte order.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        for_samples!(self, v => bytemuck::cast_slice(v))
    }

    /// The samples as writable bytes of this machine's byte order.
    #[must_use]
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        for_samples!(self, v => bytemuck::cast_slice_mut(v))
    }

    /// The sample at `index`, exact.
    #[must_use]
    pub fn value(&self, index: usize) -> Option<Value> {
        Some(match self {
            Self::Bool(v) | Self::U8(v) => Value::Unsigned(u64::from(*v.get(index)?)),
            Self::U16(v) => Value::Unsigned(u64::from(*v.get(index)?)),
            Self::U32(v) => Value::Unsigned(u64::from(*v.get(index)?)),
            Self::U64(v) => Value::Unsigned(*v.get(index)?),
            Self::I8(v) => Value::Signed(i64::from(*v.get(index)?)),
            Self::I16(v) => Value::Signed(i64::from(*v.get(index)?)),
            Self::I32(v) => Value::Signed(i64::from(*v.get(index)?)),
            Self::I64(v) => Value::Signed(*v.get(index)?),
            Self::F16(v) => Value::Float(f64::from(*v.get(index)?)),
            Self::F32(v) => Value::Float(f64::from(*v.get(index)?)),
            Self::F64(v) => Value::Float(*v.get(index)?),
        })
    }
}

/// Samples do not fill the stated rectangle.
#[derive(Debug, thiserror::Error)]
#[error("{found} samples do not fill {width} x {height} pixels")]
pub struct PixelsError {
    /// Samples given.
    pub found: usize,
    /// Columns expected.
    pub width: u32,
    /// Rows expected.
    pub height: u32,
}

/// Decoded samples of one tile: (y, x), any sample type, either memory order.
#[derive(Clone, Debug, PartialEq)]
pub struct Pixels {
    width: u32,
    height: u32,
    order: MemoryOrder,
    samples: Samples,
    gaps: Vec<Gap>,
}

impl Pixels {
    /// Takes samples that fill `width` x `height` in the stated order.
    ///
    /// # Errors
    /// When the number of samples is not `width * height`.
    pub fn new(
        width: u32,
        height: u32,
        order: MemoryOrder,
        samples: Samples,
    ) -> Result<Self, PixelsError> {
        let expected = u64::from(width) * u64::from(height);
        if samples.len() as u64 != expected {
            return Err(PixelsError {
                found: samples.len(),
                width,
                height,
            });
        }
        Ok(Self {
            width,
            height,
            order,
            samples,
            gaps: Vec::new(),
        })
    }

    /// The same with parts that are not on disk; their samples are the fill value.
    #[must_use]
    pub fn with_gaps(mut self, gaps: Vec<Gap>) -> Self {
        self.gaps = gaps;
        self
    }

    /// Parts that are not on disk; of many, the first ones.
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Columns.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// How the samples follow each other.
    #[must_use]
    pub fn order(&self) -> MemoryOrder {
        self.order
    }

    /// The samples in [`Self::order`].
    #[must_use]
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// The samples, given away.
    #[must_use]
    pub fn into_samples(mut self) -> Samples {
        self.take_samples()
    }

    fn take_samples(&mut self) -> Samples {
        std::mem::replace(&mut self.samples, Samples::U8(Vec::new()))
    }

    /// The type of the samples.
    #[must_use]
    pub fn sample_type(&self) -> SampleType {
        self.samples.sample_type()
    }

    /// Bytes that the samples take.
    #[must_use]
    pub fn num_bytes(&self) -> usize {
        self.samples.len() * self.sample_type().num_bytes()
    }

    /// Where sample (x, y) stands in [`Self::samples`]; x < width and y < height.
    #[must_use]
    pub fn index_of(&self, x: u32, y: u32) -> usize {
        match self.order {
            MemoryOrder::RowMajor => y as usize * self.width as usize + x as usize,
            MemoryOrder::ColumnMajor => x as usize * self.height as usize + y as usize,
        }
    }

    /// The sample at column `x`, row `y`; `None` outside.
    #[must_use]
    pub fn value(&self, x: u32, y: u32) -> Option<Value> {
        (x < self.width && y < self.height).then(|| self.samples.value(self.index_of(x, y)))?
    }

    /// The same pixels row by row; a copy only where they are column-major.
    #[must_use]
    pub fn to_rows(&self) -> std::borrow::Cow<'_, Self> {
        if self.order == MemoryOrder::RowMajor {
            return std::borrow::Cow::Borrowed(self);
        }
        let _turning = WorkStage::Transpose.enter();
        let (width, height) = (self.width as usize, self.height as usize);
        let samples = match &self.samples {
            Samples::Bool(v) => Samples::Bool(transposed(v, width, height)),
            Samples::U8(v) => Samples::U8(transposed(v, width, height)),
            Samples::U16(v) => Samples::U16(transposed(v, width, height)),
            Samples::U32(v) => Samples::U32(transposed(v, width, height)),
            Samples::U64(v) => Samples::U64(transposed(v, width, height)),
            Samples::I8(v) => Samples::I8(transposed(v, width, height)),
            Samples::I16(v) => Samples::I16(transposed(v, width, height)),
            Samples::I32(v) => Samples::I32(transposed(v, width, height)),
            Samples::I64(v) => Samples::I64(transposed(v, width, height)),
            Samples::F16(v) => Samples::F16(transposed(v, width, height)),
            Samples::F32(v) => Samples::F32(transposed(v, width, height)),
            Samples::F64(v) => Samples::F64(transposed(v, width, height)),
        };
        std::borrow::Cow::Owned(Self {
            order: MemoryOrder::RowMajor,
            samples,
            gaps: self.gaps.clone(),
            ..*self
        })
    }
}

impl Drop for Pixels {
    fn drop(&mut self) {
        self.take_samples().give_back();
    }
}

/// A column-major `width` x `height` matrix, row by row.
///
/// In blocks of 32 x 32, so that neither side leaves the first-level cache: 5.6 ms for 2048² u16 where the plain
/// double loop takes 43 ms (`benches/picture.rs`).
fn transposed<T: Copy + Default>(columns: &[T], width: usize, height: usize) -> Vec<T> {
    const BLOCK: usize = 32;
    let mut rows = vec![T::default(); columns.len()];
    for y0 in (0..height).step_by(BLOCK) {
        let y1 = (y0 + BLOCK).min(height);
        for x0 in (0..width).step_by(BLOCK) {
            let x1 = (x0 + BLOCK).min(width);
            for y in y0..y1 {
                let row = &mut rows[y * width + x0..y * width + x1];
                for (x, sample) in (x0..x1).zip(row) {
                    *sample = columns[x * height + y];
                }
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_major_tile_gives_the_same_pixels_as_its_rows() {
        let (width, height) = (70_u32, 45_u32);
        let columns = (0..width)
            .flat_map(|x| (0..height).map(move |y| x * 1000 + y))
            .collect();
        let pixels = Pixels::new(
            width,
            height,
            MemoryOrder::ColumnMajor,
            Samples::U32(columns),
        )
        .expect("fits");
        let rows = pixels.to_rows();
        for (x, y) in [(0, 0), (69, 0), (0, 44), (69, 44), (31, 32), (33, 31)] {
            assert_eq!(
                pixels.value(x, y),
                Some(Value::Unsigned(u64::from(x * 1000 + y)))
            );
            assert_eq!(rows.value(x, y), pixels.value(x, y));
        }
        assert_eq!(pixels.value(70, 0), None);
    }

    #[test]
    fn samples_that_do_not_fill_the_rectangle_are_refused() {
        assert!(Pixels::new(3, 2, MemoryOrder::RowMajor, Samples::U8(vec![0; 5])).is_err());
    }
}
