//! OME-NGFF metadata of a group or array, versions 0.1 to 0.5 (https://ngff.openmicroscopy.org).
//!
//! Keys are sought in `attributes.ome` of `zarr.json`, then in `attributes` itself, then in a `.zattrs`, key by key.

use serde_json::Value;

use super::squid::SquidKeys;
use crate::model::{Axis, Channel, Problem};

/// One entry of `multiscales[0].datasets`.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelEntry {
    /// Its path as written.
    pub path: String,
    /// Both scale transforms combined; as many entries as there are axes; `None` where not given.
    pub scale: Option<Vec<f64>>,
    /// Both transforms' translation combined; `None` where not given.
    pub translation: Option<Vec<f64>>,
}

/// `multiscales[0]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Multiscale {
    /// Its axes, roles assigned; `None` where there are none (0.1, 0.2) or they are unusable.
    pub axes: Option<Vec<Axis>>,
    /// Its levels, finest first.
    pub levels: Vec<LevelEntry>,
    /// Its name.
    pub name: Option<String>,
}

/// One entry of `plate.wells`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WellEntry {
    /// Its path as written (`A/1`).
    pub path: String,
    /// Row by name, from the path or by `rowIndex`.
    pub row: Option<String>,
    /// Column by name, from the path or by `columnIndex`.
    pub column: Option<String>,
}

/// `plate`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlateEntry {
    /// Its name.
    pub name: Option<String>,
    /// Names of rows, as listed.
    pub rows: Vec<String>,
    /// Names of columns, as listed.
    pub columns: Vec<String>,
    /// Its wells, as listed.
    pub wells: Vec<WellEntry>,
    /// Ids of acquisitions.
    pub acquisitions: Vec<i64>,
}

/// One entry of `well.images`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldEntry {
    /// Its path as written.
    pub path: String,
    /// Id of its acquisition.
    pub acquisition: Option<i64>,
}

/// Everything that the attributes of one group or array say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes {
    /// NGFF version ("0.4"), from wherever it stands; `None` where there is no NGFF metadata at all.
    pub ngff: Option<String>,
    /// `multiscales[0]`.
    pub multiscale: Option<Multiscale>,
    /// `omero.channels`, entry by entry.
    pub channels: Vec<Channel>,
    /// `plate`.
    pub plate: Option<PlateEntry>,
    /// `well.images`.
    pub fields: Option<Vec<FieldEntry>>,
    /// `labels`: names of label images.
    pub labels: Vec<String>,
    /// `bioformats2raw.layout` is there.
    pub is_bioformats2raw: bool,
    /// `image-label` is there.
    pub is_label: bool,
    /// `_squid` or `_squid_metadata`.
    pub squid: Option<SquidKeys>,
    /// What could not be used; locations are relative to the group (".").
    pub problems: Vec<Problem>,
}

/// Reads the attributes of a group or array.
///
/// `zarr_json`: the whole parsed `zarr.json`; `zattrs`: the parsed `.zattrs` beside it. Either may be absent.
#[must_use]
pub fn parse(zarr_json: Option<&Value>, zattrs: Option<&Value>) -> Attributes {
    unimplemented!("{zarr_json:?} {zattrs:?}")
}
