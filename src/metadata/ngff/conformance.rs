//! What the specification asks for and reading does not need: told, never refused.
//!
//! From the schemas of ome/ngff-spec, versions 0.1 to 0.6rc0; `tests/it/conformance.rs` runs their own test documents.
//! What cannot be read at all is listed where it is read, not here.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    super::json::{member, shown, shown_text},
    LevelEntry, label, omero,
};
use crate::model::{Axis, AxisRole, Code, Problem, limits};

/// Entries of a list that are looked at; what is wrong is mostly wrong in all of them.
const LOOKED_AT: usize = 1 << 16;

/// Minor version of NGFF 0.x; what is not known counts as the version that is guessed from the shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(u32);

impl Default for Version {
    /// Of attributes that say nothing of NGFF.
    fn default() -> Self {
        Self::V0_4
    }
}

impl Version {
    const V0_3: Self = Self(3);
    const V0_4: Self = Self(4);
    const V0_6: Self = Self(6);

    /// `0.4`, `0.6rc0`; `None` for what names no version.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let minor = text.strip_prefix("0.")?;
        let digits: String = minor.chars().take_while(char::is_ascii_digit).collect();
        let is_known = |minor: &u32| (1..=6).contains(minor);
        digits.parse().ok().filter(is_known).map(Self)
    }
}

/// Collects what is listed.
pub(super) struct Listing<'a> {
    pub(super) version: Version,
    pub(super) problems: &'a mut Vec<Problem>,
}

impl Listing<'_> {
    fn list(&mut self, message: impl Into<String>) {
        self.problems
            .push(Problem::new(Code::BadMetadata, ".", message));
    }

    fn ignore(&mut self, message: impl Into<String>) {
        self.problems
            .push(Problem::new(Code::Ignored, ".", message));
    }

    fn list_if(&mut self, is_wrong: bool, message: &str) {
        if is_wrong {
            self.list(message);
        }
    }

    /// What stands at `noun`: `multiscales` (its first entry, with its axes as they were read), `plate`, `well` or
    /// `image-label`.
    pub(super) fn noun(&mut self, noun: &str, value: &Value, axes: Option<&[Axis]>) {
        self.version(noun, value);
        match noun {
            "multiscales" => self.multiscale(value, axes),
            "plate" => self.plate(value),
            "well" => self.well(value),
            _ => self.label(value),
        }
    }

    /// A version that is stated and is none.
    fn version(&mut self, noun: &str, of: &Value) {
        let stated = member(of, "version");
        if let Some(stated) = stated.filter(|it| it.as_str().and_then(Version::parse).is_none()) {
            let stated = shown(stated);
            self.list(format!(
                "version of {noun} is {stated}, expected 0.1 to 0.6"
            ));
        }
    }

    /// `multiscales[0]`, with its axes as they were read.
    fn multiscale(&mut self, multiscale: &Value, axes: Option<&[Axis]>) {
        let datasets = list_at(multiscale, "datasets");
        let is_empty = member(multiscale, "datasets").is_some_and(Value::is_array);
        self.list_if(is_empty && datasets.is_empty(), "datasets is empty");
        let is_odd = |entry: &&Value| member(entry, "path").is_some_and(|path| !path.is_string());
        let num_odd = datasets.iter().filter(is_odd).count();
        if num_odd > 0 {
            self.list(format!("{num_odd} of datasets with a path that is no text"));
        }
        if self.version >= Version::V0_6 {
            let systems = list_at(multiscale, "coordinateSystems");
            self.list_if(systems.is_empty(), "multiscales has no coordinateSystems");
            for system in systems {
                let has_name = member(system, "name").is_some_and(Value::is_string);
                self.list_if(!has_name, "a coordinate system has no name");
                self.axes(member(system, "axes"), axes);
            }
        } else {
            self.axes(member(multiscale, "axes"), axes);
        }
        if self.version >= Version::V0_4 {
            for dataset in datasets.iter().take(limits::LEVELS) {
                self.transforms(dataset);
            }
        }
    }

    /// The transformations of one level: one scale, at most one translation.
    fn transforms(&mut self, dataset: &Value) {
        let transforms = list_at(dataset, "coordinateTransformations");
        let numbers = |it| [list_at(it, "scale"), list_at(it, "translation")].concat();
        if transforms.iter().flat_map(numbers).any(|it| it.is_string()) {
            let level = shown(dataset.get("path").unwrap_or(&Value::Null));
            self.list(format!("level {level} has numbers written as texts"));
        }
        if self.version >= Version::V0_6 {
            self.level_transform(transforms);
            return;
        }
        let level = shown(dataset.get("path").unwrap_or(&Value::Null));
        let count = |kind: &str| transforms.iter().filter(|it| kind_of(it) == kind).count();
        match count("scale") {
            1 => {}
            0 => self.list(format!("level {level} has no scale")),
            more => self.list(format!("level {level} has {more} scales, expected 1")),
        }
        self.list_if(
            count("translation") > 1,
            "a level with several translations",
        );
    }

    /// From 0.6 on: one transformation, from the level's path to a coordinate system.
    fn level_transform(&mut self, transforms: &[Value]) {
        let [transform] = transforms else {
            let found = transforms.len();
            return self.list(format!("a level with {found} transformations, expected 1"));
        };
        let parts = list_at(transform, "transformations");
        let is_plain = match kind_of(transform) {
            "scale" | "identity" => true,
            "sequence" => {
                matches!(parts, [a, b] if (kind_of(a), kind_of(b)) == ("scale", "translation"))
            }
            _ => false,
        };
        self.list_if(
            !is_plain,
            "transformation of a level is none of scale, identity, and scale with translation",
        );
        // Drafts wrote both as texts.
        let leads = |key: &str, inner: &str| {
            let end = member(transform, key);
            end.is_some_and(|end| {
                end.is_string() || member(end, inner).is_some_and(Value::is_string)
            })
        };
        self.list_if(
            !leads("input", "path") || !leads("output", "name"),
            "transformation of a level does not lead from its path to a coordinate system",
        );
    }

    /// Axes of one multiscale or coordinate system.
    fn axes(&mut self, value: Option<&Value>, read: Option<&[Axis]>) {
        let Some(value) = value else {
            let needs_them = self.version >= Version::V0_3;
            return self.list_if(needs_them, "multiscales has no axes");
        };
        let axes = value.as_array().map_or(&[][..], Vec::as_slice);
        // Squid's arrays of several FOVs have an axis more, which is understood.
        let is_squid = read.is_some_and(|read| read.iter().any(|axis| axis.role == AxisRole::Fov));
        if axes.len() > 5 && !is_squid {
            self.list(format!("{} axes, expected 2 to 5", axes.len()));
        }
        let is_named = |axis: &Value| member(axis, "name").is_some_and(Value::is_string);
        if self.version == Version::V0_3 {
            let are_names = axes.iter().all(Value::is_string);
            return self.list_if(!are_names, "axes of version 0.3 are names");
        }
        if self.version < Version::V0_3 {
            return;
        }
        self.list_if(
            !axes.iter().all(is_named),
            "an axis is no object with a name",
        );
        let types: Vec<&str> = axes
            .iter()
            .filter_map(|it| it.get("type")?.as_str())
            .collect();
        let num_space = types.iter().filter(|kind| **kind == "space").count();
        // A system that leads to the one in space may be that of the array.
        let is_array = self.version >= Version::V0_6 && num_space == 0;
        let is_odd = types.len() == axes.len() && !(2..=3).contains(&num_space);
        if is_odd && !is_squid && !is_array {
            self.list(format!("{num_space} axes of type space, expected 2 or 3"));
        }
    }

    /// Levels of a multiscale as they were read: from fine to coarse.
    pub(super) fn order(&mut self, levels: &[LevelEntry]) {
        let pixel = |level: &LevelEntry| -> Option<[f64; 2]> {
            let [.., y, x] = level.scale.as_deref()? else {
                return None;
            };
            (y.is_finite() && x.is_finite()).then_some([*y, *x])
        };
        let pixels: Vec<[f64; 2]> = levels.iter().filter_map(pixel).collect();
        // Levels that only shrink along z are as fine as the one before; numbers are rounded by their writers.
        let is_finer = |pair: &[[f64; 2]]| {
            pair[1]
                .iter()
                .zip(pair[0])
                .all(|(next, before)| *next < before * 0.99)
        };
        self.list_if(
            pixels.windows(2).any(is_finer),
            "datasets has a finer level after a coarser one, expected the finest first",
        );
    }

    /// `omero`.
    pub(super) fn omero(&mut self, omero: &Value) {
        let channels = || list_at(omero, "channels").iter().take(LOOKED_AT);
        let has_color = channels().any(|channel| member(channel, "color").is_some());
        if omero::is_greyscale(omero) && has_color {
            self.ignore("omero.rdefs.model is greyscale: channels are drawn in gray, their colours are left aside");
        }
        for (at, channel) in list_at(omero, "channels")
            .iter()
            .enumerate()
            .take(LOOKED_AT)
        {
            let window = member(channel, "window").and_then(Value::as_object);
            let ends = window.into_iter().flatten();
            let mut odd = ends.filter(|(_, end)| !end.is_number() && !end.is_null());
            if let Some((key, end)) = odd.next() {
                let (key, end) = (shown_text(key), shown(end));
                self.list(format!(
                    "window of omero channel {at} has {end} as {key}, expected a number"
                ));
            }
        }
    }

    /// `image-label`.
    fn label(&mut self, image_label: &Value) {
        for key in ["colors", "properties"] {
            let entries = list_at(image_label, key);
            let is_there = member(image_label, key).is_some();
            self.list_if(
                is_there && entries.is_empty(),
                &format!("image-label.{key} is empty"),
            );
            let mut seen = HashSet::new();
            let (mut num_unnamed, mut num_repeated, mut num_odd) = (0, 0, 0);
            for entry in entries.iter().take(LOOKED_AT) {
                match label::label_value(entry) {
                    None => num_unnamed += 1,
                    Some(value) => num_repeated += usize::from(!seen.insert(value)),
                }
                let has_odd_color = member(entry, "rgba").is_some() && label::rgba(entry).is_none();
                num_odd += usize::from(has_odd_color);
            }
            for (number, what) in [
                (num_unnamed, "without a label-value"),
                (num_repeated, "for a label that has one already"),
                (num_odd, "with an rgba that is not four numbers of 0 to 255"),
            ] {
                if number > 0 {
                    self.list(format!("{number} of image-label.{key} {what}"));
                }
            }
        }
        if list_at(image_label, "colors").len() > limits::LABEL_COLORS {
            let message = format!("more than {} image-label.colors", limits::LABEL_COLORS);
            self.problems
                .push(Problem::new(Code::TooLarge, ".", message));
        }
    }

    /// `plate`.
    fn plate(&mut self, plate: &Value) {
        for key in ["rows", "columns", "wells"] {
            let is_empty = list_at(plate, key).is_empty();
            self.list_if(is_empty, &format!("plate has no {key}"));
        }
        for key in ["rows", "columns"] {
            let names = list_at(plate, key).iter().take(LOOKED_AT);
            let names: Vec<&str> = names.filter_map(|it| it.get("name")?.as_str()).collect();
            let distinct: HashSet<&&str> = names.iter().collect();
            self.list_if(
                distinct.len() < names.len(),
                &format!("plate.{key} has a name twice"),
            );
            let is_plain = |name: &&str| name.chars().all(char::is_alphanumeric);
            self.list_if(
                !names.iter().all(is_plain),
                &format!("plate.{key} has a name with other signs than letters and digits"),
            );
        }
        self.wells(list_at(plate, "wells"));
        let is_count = |value: &Value| value.as_u64().is_some_and(|count| count > 0);
        let has_odd_count = member(plate, "field_count").is_some_and(|count| !is_count(count));
        self.list_if(has_odd_count, "plate.field_count is no count above 0");
        let acquisitions = list_at(plate, "acquisitions").iter().take(LOOKED_AT);
        let is_odd = |acquisition: &Value| {
            let is = |key: &str, holds: &dyn Fn(&Value) -> bool| {
                member(acquisition, key).is_none_or(holds)
            };
            let is_number = |value: &Value| value.is_u64();
            !(is("id", &is_number)
                && is("maximumfieldcount", &is_count)
                && is("starttime", &is_number)
                && is("endtime", &is_number))
        };
        let num_odd = acquisitions.filter(|it| is_odd(it)).count();
        if num_odd > 0 {
            self.list(format!(
                "{num_odd} of plate.acquisitions with an id, count or time that is no whole number"
            ));
        }
    }

    fn wells(&mut self, wells: &[Value]) {
        let wells = wells.iter().take(LOOKED_AT);
        let paths: Vec<&str> = wells
            .clone()
            .filter_map(|it| it.get("path")?.as_str())
            .collect();
        let distinct: HashSet<&&str> = paths.iter().collect();
        self.list_if(distinct.len() < paths.len(), "plate.wells has a path twice");
        let num_odd = paths
            .iter()
            .filter(|path| path.split('/').count() != 2)
            .count();
        if num_odd > 0 {
            self.list(format!(
                "{num_odd} of plate.wells with a path that is no row and column"
            ));
        }
        if self.version < Version::V0_4 {
            return;
        }
        let lacks = |well: &&Value| {
            let has = |key: &str| well.get(key).is_some_and(Value::is_u64);
            !has("rowIndex") || !has("columnIndex")
        };
        let num_lacking = wells.filter(lacks).count();
        if num_lacking > 0 {
            self.list(format!(
                "{num_lacking} of plate.wells without rowIndex and columnIndex"
            ));
        }
    }

    /// `well`.
    fn well(&mut self, well: &Value) {
        let images = list_at(well, "images");
        self.list_if(images.is_empty(), "well has no images");
        let images = images.iter().take(LOOKED_AT);
        let paths: Vec<&str> = images
            .clone()
            .filter_map(|it| it.get("path")?.as_str())
            .collect();
        let distinct: HashSet<&&str> = paths.iter().collect();
        self.list_if(distinct.len() < paths.len(), "well.images has a path twice");
        let is_odd = |image: &&Value| member(image, "acquisition").is_some_and(|id| !id.is_u64());
        self.list_if(
            images.filter(is_odd).count() > 0,
            "an acquisition of well.images is no whole number",
        );
        let is_name = |path: &&str| {
            let is_reserved = path.starts_with("__") || path.chars().all(|sign| sign == '.');
            !is_reserved
                && path
                    .chars()
                    .all(|sign| sign.is_alphanumeric() || "-_.".contains(sign))
        };
        let checks_names = self.version >= Version::V0_6;
        self.list_if(
            checks_names && !paths.iter().all(is_name),
            "a path of well.images is no name",
        );
    }
}

fn list_at<'a>(of: &'a Value, key: &str) -> &'a [Value] {
    let list = member(of, key).and_then(Value::as_array);
    list.map_or(&[][..], Vec::as_slice)
}

fn kind_of(transform: &Value) -> &str {
    transform
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_known_by_their_number() {
        for (text, minor) in [
            ("0.1", Some(1)),
            ("0.5", Some(5)),
            ("0.6rc0", Some(6)),
            ("0.6.dev2", Some(6)),
            ("0.7", None),
            ("foo", None),
            ("", None),
        ] {
            assert_eq!(Version::parse(text), minor.map(Version), "{text}");
        }
    }
}
