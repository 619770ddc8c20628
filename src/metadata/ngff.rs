//! OME-NGFF metadata of a group or array, versions 0.1 to 0.5 and the 0.6 draft (<https://ngff.openmicroscopy.org>).
//!
//! Keys are sought in `attributes.ome` of `zarr.json`, then in `attributes` itself, then in a `.zattrs`, key by key.

mod axes;
mod conformance;
mod label;
mod omero;
mod plate;
mod transforms;
mod units;

use serde_json::Value;

pub use self::units::{unit_to_seconds, unit_to_um};
use super::{
    json::{as_text, member, shown},
    squid::{self, SquidKeys},
};
use crate::model::{Axis, Channel, Code, LabelColors, Problem, limits};
use conformance::{Listing, Version};

/// One entry of `datasets` of a multiscale.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelEntry {
    /// Its path as written.
    pub path: String,
    /// Both scale transforms combined; as many entries as there are axes; `None` where not given. The numbers are as
    /// written: one that is not finite or not above 0 is listed and has to be taken as missing (not a number: NaN).
    pub scale: Option<Vec<f64>>,
    /// Both transforms' translation combined; `None` where not given.
    pub translation: Option<Vec<f64>>,
}

/// One entry of `multiscales`.
#[derive(Clone, Debug, PartialEq)]
pub struct Multiscale {
    /// Its axes, roles assigned (0.1, 0.2: t, c, z, y, x); `None` where there are none or they are unusable.
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

/// Multiscales of one group beside the first.
const MAX_FURTHER: usize = 255;

/// Everything that the attributes of one group or array say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes {
    /// NGFF version ("0.4"), from wherever it stands; `None` where there is no NGFF metadata at all.
    pub ngff: Option<String>,
    /// `multiscales[0]`.
    pub multiscale: Option<Multiscale>,
    /// Further entries of `multiscales`.
    pub further: Vec<Multiscale>,
    /// `omero.channels`, entry by entry; surplus and duplicate names are still there, as only who knows the array can tell.
    pub channels: Vec<Channel>,
    /// `plate`.
    pub plate: Option<PlateEntry>,
    /// `well.images`.
    pub fields: Option<Vec<FieldEntry>>,
    /// `labels`: names of label images.
    pub labels: Vec<String>,
    /// `series` of the group `OME`: paths of the images beside that group, in order.
    pub series: Vec<String>,
    /// `bioformats2raw.layout` is there.
    pub is_bioformats2raw: bool,
    /// `image-label` is there.
    pub is_label: bool,
    /// `image-label.colors`.
    pub label_colors: LabelColors,
    /// `_squid` or `_squid_metadata`.
    pub squid: Option<SquidKeys>,
    /// What could not be used; locations are relative to the group (".").
    pub problems: Vec<Problem>,
}

impl Attributes {
    /// Takes one of several multiscales for the image; the first where there is no such one.
    pub fn choose(&mut self, idx: Option<usize>) {
        let at = idx.and_then(|idx| idx.checked_sub(1));
        if let Some(other) = at.and_then(|at| self.further.get(at)) {
            self.multiscale = Some(other.clone());
        }
    }
}

/// Reads the attributes of a group or array.
///
/// `zarr_json`: the whole parsed `zarr.json`; `zattrs`: the parsed `.zattrs` beside it. Either may be absent.
/// Windows are as written: that one equals the range of the sample type can only be seen by who knows that type.
#[must_use]
pub fn parse(zarr_json: Option<&Value>, zattrs: Option<&Value>) -> Attributes {
    let mut problems = Vec::new();
    let sources = Sources::new(zarr_json, zattrs);
    let multiscales = sources.find("multiscales", has_entry);
    let plate = sources.find("plate", Value::is_object);
    let well = sources.find("well", Value::is_object);
    let omero = sources.find("omero", Value::is_object);
    let labels = sources.find("labels", Value::is_array);
    let image_label = sources.find("image-label", |_| true);
    let series = sources.find("series", Value::is_array);
    let layout = sources.find("bioformats2raw.layout", |_| true);
    for found in [&multiscales, &plate, &well, &omero, &labels, &series] {
        problems.extend(found.unusable.clone());
    }
    let ngff = version(&sources);
    let list = multiscales.value.and_then(Value::as_array);
    let first = list.and_then(|list| list.first());
    let multiscale = first.map(|value| parse_multiscale(value, &mut problems));
    let others = list
        .into_iter()
        .flatten()
        .skip(1)
        .filter(|it| it.is_object());
    let further = others
        .take(MAX_FURTHER)
        .map(|value| parse_multiscale(value, &mut problems))
        .collect();
    let mut listing = Listing {
        version: ngff.as_deref().and_then(Version::parse).unwrap_or_default(),
        problems: &mut problems,
    };
    for (noun, value) in [
        ("multiscales", first),
        ("plate", plate.value),
        ("well", well.value),
        ("image-label", image_label.value),
    ] {
        if let Some(value) = value {
            let axes = multiscale.as_ref().and_then(|it| it.axes.as_deref());
            listing.noun(noun, value, axes);
        }
    }
    if let Some(multiscale) = &multiscale {
        listing.order(&multiscale.levels);
    }
    omero.value.iter().for_each(|value| listing.omero(value));
    Attributes {
        ngff,
        multiscale,
        further,
        channels: omero
            .value
            .map_or_else(Vec::new, |value| omero::parse(value, &mut problems)),
        plate: plate.value.map(|value| plate::parse(value, &mut problems)),
        fields: well
            .value
            .map(|value| plate::parse_fields(value, &mut problems)),
        labels: labels.value.map_or_else(Vec::new, |value| {
            parse_names("labels", value, limits::CHANNELS, &mut problems)
        }),
        series: series.value.map_or_else(Vec::new, |value| {
            parse_names("series", value, limits::FOVS, &mut problems)
        }),
        is_bioformats2raw: layout.value.is_some(),
        is_label: image_label.value.is_some(),
        label_colors: image_label.value.map(label::colors).unwrap_or_default(),
        squid: squid_keys(&sources, &mut problems),
        problems,
    }
}

/// The places where attributes may stand, in order of precedence.
struct Sources<'a>(Vec<&'a Value>);

/// What [`Sources::find`] found.
struct Found<'a> {
    /// The first usable value.
    value: Option<&'a Value>,
    /// Said where the key is there and cannot be used.
    unusable: Option<Problem>,
}

impl<'a> Sources<'a> {
    fn new(zarr_json: Option<&'a Value>, zattrs: Option<&'a Value>) -> Self {
        let attributes = zarr_json.and_then(|document| document.get("attributes"));
        let places = [
            attributes.and_then(|value| value.get("ome")),
            attributes,
            // A v3 store whose writer left its attributes in `.zattrs` has `ome` there.
            zattrs.and_then(|value| value.get("ome")),
            zattrs,
        ];
        Self(places.into_iter().flatten().collect())
    }

    /// The first value of `key` that is usable.
    fn find(&self, key: &str, is_usable: impl Fn(&Value) -> bool) -> Found<'a> {
        let mut unusable = None;
        for value in self.0.iter().filter_map(|source| member(source, key)) {
            if is_usable(value) {
                return Found {
                    value: Some(value),
                    unusable,
                };
            }
            let message = format!("{key} is {}, which cannot be used", shown(value));
            unusable = unusable.or(Some(Problem::new(Code::BadMetadata, ".", message)));
        }
        Found {
            value: None,
            unusable,
        }
    }
}

/// True for a list whose first entry is an object.
fn has_entry(value: &Value) -> bool {
    value.get(0).is_some_and(Value::is_object)
}

/// The version, from wherever it stands; where it stands nowhere, what its shape is known by.
fn version(sources: &Sources<'_>) -> Option<String> {
    /// "0.6.dev3" has 8; what is longer is none, and is told to everybody.
    const VERSION_CHARS: usize = 40;
    // `attributes.ome` speaks for all that it holds.
    let ome = sources.find("ome", Value::is_object).value;
    let multiscale = sources
        .find("multiscales", has_entry)
        .value
        .and_then(|list| list.get(0));
    let other = ["plate", "well", "omero", "image-label"]
        .into_iter()
        .filter_map(|key| sources.find(key, Value::is_object).value);
    let nouns: Vec<&Value> = ome.into_iter().chain(multiscale).chain(other).collect();
    let stated = nouns
        .iter()
        .find_map(|value| member(value, "version").and_then(as_text))
        .map(|version| version.chars().take(VERSION_CHARS).collect());
    let is_ngff = !nouns.is_empty()
        || ["labels", "bioformats2raw.layout"]
            .into_iter()
            .any(|key| sources.find(key, |_| true).value.is_some());
    stated.or_else(|| is_ngff.then(|| guess_version(ome, multiscale).to_owned()))
}

/// 0.6 has coordinate systems, 0.5 `ome`, 0.4 axes as objects, 0.3 axes as names, 0.2 and 0.1 none.
fn guess_version(ome: Option<&Value>, multiscale: Option<&Value>) -> &'static str {
    if multiscale.is_some_and(|value| member(value, "coordinateSystems").is_some()) {
        return "0.6";
    }
    if ome.is_some() {
        return "0.5";
    }
    let axis = multiscale.map(|value| value.get("axes").and_then(|axes| axes.get(0)));
    match axis {
        Some(None) => "0.2",
        Some(Some(Value::String(_))) => "0.3",
        Some(Some(_)) | None => "0.4",
    }
}

/// `multiscales[0]`.
fn parse_multiscale(value: &Value, problems: &mut Vec<Problem>) -> Multiscale {
    let axes = match member(value, "axes").or_else(|| transforms::shown_axes(value)) {
        Some(axes) => axes::parse(axes, problems),
        None => axes::of_version(member(value, "version")),
    };
    Multiscale {
        levels: transforms::parse_levels(value, axes.as_deref(), problems),
        axes,
        name: member(value, "name").and_then(as_text),
    }
}

/// A list of names: of label images, of the images of a series.
fn parse_names(key: &str, value: &Value, limit: usize, problems: &mut Vec<Problem>) -> Vec<String> {
    let entries = value.as_array().map_or(&[][..], Vec::as_slice);
    let names: Vec<String> = entries.iter().filter_map(as_text).take(limit).collect();
    if names.len() < entries.len() {
        let message = format!(
            "{} of {} entries of {key} left aside, expected at most {limit} names",
            entries.len() - names.len(),
            entries.len()
        );
        problems.push(Problem::new(Code::BadMetadata, ".", message));
    }
    names
}

/// Squid's keys from all places, the first that has a key deciding it.
fn squid_keys(sources: &Sources<'_>, problems: &mut Vec<Problem>) -> Option<SquidKeys> {
    let mut keys: Option<SquidKeys> = None;
    for source in &sources.0 {
        for key in ["_squid", "_squid_metadata"] {
            if let Some(value) = member(source, key) {
                let next = squid::parse_listing(value, problems);
                keys = Some(keys.unwrap_or_default().or(next));
            }
        }
    }
    keys
}

#[cfg(test)]
mod tests;
