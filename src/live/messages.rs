//! The fields of each message of the live protocol (`docs/live-protocol.md`), as they are on the wire, unchecked.
//!
//! Entries of lists are the same structs as the messages of one: serde reads a struct from an object by name and from a
//! list by place, so the order of fields here is the order in lists.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, de};

use super::protocol::Text;
use crate::model::limits;

/// Notices of one list.
const MAX_ENTRIES: usize = 1 << 22;
/// Channels that are read; the start call says which number is too many.
const MAX_CHANNELS: usize = limits::CHANNELS + 1;

/// A list that is refused while it is read where it is too long.
#[derive(Debug)]
pub(super) struct Few<T, const MAX: usize>(pub(super) Vec<T>);

/// Paths or labels of FOVs.
pub(super) type Fovs<T> = Few<T, { limits::FOVS }>;

/// `start_zarr_acquisition`.
#[derive(Debug, Deserialize)]
pub(super) struct StartPerFov {
    pub(super) fov_paths: Fovs<PathBuf>,
    pub(super) channels: Few<String, MAX_CHANNELS>,
    pub(super) num_z: i64,
    pub(super) fov_labels: Fovs<String>,
    pub(super) height: i64,
    pub(super) width: i64,
}

/// `start_zarr_acquisition_6d`.
#[derive(Debug, Deserialize)]
pub(super) struct StartPerRegion {
    pub(super) region_paths: Fovs<PathBuf>,
    pub(super) channels: Few<String, MAX_CHANNELS>,
    pub(super) num_z: i64,
    pub(super) fovs_per_region: Fovs<i64>,
    pub(super) height: i64,
    pub(super) width: i64,
    #[serde(default)]
    pub(super) region_labels: Option<Fovs<String>>,
    #[serde(default)]
    pub(super) fov_labels: Option<Fovs<String>>,
}

/// `start_acquisition`.
#[derive(Debug, Deserialize)]
pub(super) struct StartRegistered {
    pub(super) channels: Few<String, MAX_CHANNELS>,
    pub(super) num_z: i64,
    pub(super) height: i64,
    pub(super) width: i64,
    pub(super) fov_labels: Fovs<String>,
    #[serde(default)]
    pub(super) pixel_size_um: Option<f64>,
    #[serde(default)]
    pub(super) dz_um: Option<f64>,
}

/// `notify_zarr_frame`, or an entry of `frames`.
#[derive(Debug, Deserialize)]
pub(super) struct Frame<'a> {
    pub(super) t: i64,
    pub(super) fov_idx: i64,
    pub(super) z: i64,
    #[serde(borrow)]
    pub(super) channel: Text<'a>,
    #[serde(default)]
    pub(super) region_idx: i64,
}

/// `notify_zarr_frames`.
#[derive(Debug, Deserialize)]
pub(super) struct Frames<'a> {
    #[serde(borrow)]
    pub(super) frames: Few<Frame<'a>, MAX_ENTRIES>,
}

/// `register_image`, or an entry of `images`.
#[derive(Debug, Deserialize)]
pub(super) struct Image<'a> {
    pub(super) t: i64,
    pub(super) fov_idx: i64,
    pub(super) z: i64,
    #[serde(borrow)]
    pub(super) channel: Text<'a>,
    #[serde(borrow)]
    pub(super) path: Text<'a>,
    #[serde(default)]
    pub(super) page_idx: i64,
}

/// `register_images`.
#[derive(Debug, Deserialize)]
pub(super) struct Images<'a> {
    #[serde(borrow)]
    pub(super) images: Few<Image<'a>, MAX_ENTRIES>,
}

/// `register_array`.
#[derive(Debug, Deserialize)]
pub(super) struct ArrayNotice<'a> {
    pub(super) t: i64,
    pub(super) fov_idx: i64,
    pub(super) z: i64,
    #[serde(borrow)]
    pub(super) channel: Text<'a>,
    #[serde(borrow)]
    pub(super) dtype: Text<'a>,
    /// Rows, columns.
    pub(super) shape: (i64, i64),
    /// Samples as little-endian rows, base64.
    #[serde(borrow)]
    pub(super) data: Text<'a>,
}

/// `rescan`.
#[derive(Debug, Deserialize)]
pub(super) struct Rescan {
    /// Flat numbers; `None`: all.
    #[serde(default)]
    pub(super) fovs: Option<Fovs<i64>>,
}

/// `warn`.
#[derive(Debug, Deserialize)]
pub(super) struct Warn {
    pub(super) message: String,
}

/// `open`, `load_dataset`.
#[derive(Debug, Deserialize)]
pub(super) struct WrittenPath {
    pub(super) path: PathBuf,
}

/// `set_index`, `load_fov`.
#[derive(Debug, Deserialize)]
pub(super) struct Go {
    #[serde(default)]
    pub(super) fov: Option<i64>,
    #[serde(default)]
    pub(super) t: Option<i64>,
    #[serde(default)]
    pub(super) z: Option<i64>,
}

/// `go_to_well_fov`.
#[derive(Debug, Deserialize)]
pub(super) struct WellFov<'a> {
    #[serde(borrow)]
    pub(super) well_id: Text<'a>,
    pub(super) fov_index: i64,
}

/// `notify_written`.
#[derive(Debug, Deserialize)]
pub(super) struct Written<'a> {
    pub(super) t: i64,
    pub(super) fov: i64,
    pub(super) z: i64,
    #[serde(borrow)]
    pub(super) channel: Text<'a>,
    #[serde(borrow, default)]
    pub(super) region: Option<Text<'a>>,
}

/// `wait_shown`.
#[derive(Debug, Deserialize)]
pub(super) struct WaitShown<'a> {
    pub(super) timeout_s: f64,
    #[serde(default)]
    pub(super) t: Option<i64>,
    #[serde(default)]
    pub(super) fov: Option<i64>,
    #[serde(default)]
    pub(super) z: Option<i64>,
    #[serde(borrow, default)]
    pub(super) channel: Option<Text<'a>>,
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Few<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(FewVisitor(std::marker::PhantomData))
    }
}

struct FewVisitor<T, const MAX: usize>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> de::Visitor<'de> for FewVisitor<T, MAX> {
    type Value = Few<T, MAX>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a list of up to {MAX} entries")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = list.next_element()? {
            if entries.len() >= MAX {
                return Err(de::Error::invalid_length(MAX + 1, &self));
            }
            entries.push(entry);
        }
        Ok(Few(entries))
    }
}
