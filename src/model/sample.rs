//! Sample types and single sample values.

use std::fmt;

use super::{exact, readable};

/// The type of one sample, as the file stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum SampleType {
    Bool,
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    F16,
    F32,
    F64,
}

impl SampleType {
    /// Every sample type.
    pub const ALL: [Self; 12] = [
        Self::Bool,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::U64,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::F16,
        Self::F32,
        Self::F64,
    ];

    /// The name that numpy and Zarr v3 use (`uint16`, `bool`, `float32`).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::U8 => "uint8",
            Self::U16 => "uint16",
            Self::U32 => "uint32",
            Self::U64 => "uint64",
            Self::I8 => "int8",
            Self::I16 => "int16",
            Self::I32 => "int32",
            Self::I64 => "int64",
            Self::F16 => "float16",
            Self::F32 => "float32",
            Self::F64 => "float64",
        }
    }

    /// The type of that numpy name, if it is one of ours.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The type of a short numpy name without its order of bytes (`u2`, `f4`), as Zarr v2 documents have them.
    #[must_use]
    pub fn from_short_name(name: &str) -> Option<Self> {
        Some(match name {
            "b1" => Self::Bool,
            "u1" => Self::U8,
            "u2" => Self::U16,
            "u4" => Self::U32,
            "u8" => Self::U64,
            "i1" => Self::I8,
            "i2" => Self::I16,
            "i4" => Self::I32,
            "i8" => Self::I64,
            "f2" => Self::F16,
            "f4" => Self::F32,
            "f8" => Self::F64,
            _ => return None,
        })
    }

    /// Bytes of one sample: 1, 2, 4 or 8.
    #[must_use]
    pub fn num_bytes(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// Lowest and highest value of an integer type (bool: 0 and 1); `None` for floating point.
    #[must_use]
    pub fn value_range(self) -> Option<(f64, f64)> {
        match self {
            Self::Bool => Some((0.0, 1.0)),
            Self::U8 => Some((0.0, f64::from(u8::MAX))),
            Self::U16 => Some((0.0, f64::from(u16::MAX))),
            Self::U32 => Some((0.0, f64::from(u32::MAX))),
            Self::U64 => Some((0.0, u64::MAX as f64)),
            Self::I8 => Some((f64::from(i8::MIN), f64::from(i8::MAX))),
            Self::I16 => Some((f64::from(i16::MIN), f64::from(i16::MAX))),
            Self::I32 => Some((f64::from(i32::MIN), f64::from(i32::MAX))),
            Self::I64 => Some((i64::MIN as f64, i64::MAX as f64)),
            Self::F16 | Self::F32 | Self::F64 => None,
        }
    }

    /// True for f16, f32 and f64.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::F32 | Self::F64)
    }
}

/// One sample, exact: 64-bit integers keep all their digits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// An unsigned integer or a bool (0, 1).
    Unsigned(u64),
    /// A signed integer.
    Signed(i64),
    /// A floating point number.
    Float(f64),
}

impl Value {
    /// As people read it: a whole number as it is, another one in about ten characters.
    #[must_use]
    pub fn readable(self) -> String {
        match self {
            Self::Unsigned(_) | Self::Signed(_) => self.to_string(),
            Self::Float(v) => readable(v),
        }
    }

    /// The nearest f64.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Unsigned(v) => v as f64,
            Self::Signed(v) => v as f64,
            Self::Float(v) => v,
        }
    }
}

/// Exact: whole numbers with all their digits, others with as many as tell them apart.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned(v) => write!(f, "{v}"),
            Self::Signed(v) => write!(f, "{v}"),
            Self::Float(v) => f.write_str(&exact(*v)),
        }
    }
}
