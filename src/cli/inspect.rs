//! `squidview inspect`: what the window would show, as JSON or as text.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use clap::Args;
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::output::{self, Failure, number};
use crate::{
    dataset::{Dataset, Fov, Image, ZarrFormat},
    formats,
    model::{AxisRole, Channel, Code, FovId, PlaneId, PlaneState, Rgb, ZPick},
    render::with_opened_fov,
    store::Store,
};

/// Planes that are looked for to count the written ones; counting more would take minutes.
const MAX_COUNTED: u64 = 5_000_000;

/// Describe a dataset: what the window would show
#[derive(Args, Debug)]
pub(super) struct InspectArguments {
    /// Acquisition folder, store, or any folder inside it
    path: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Which field `image` describes
    ///
    /// [default: 0, or the first one that can be opened]
    #[arg(long, value_name = "N", value_parser = output::index)]
    fov: Option<u32>,
}

pub(super) fn run(arguments: &InspectArguments) -> Result<(), Failure> {
    let dataset = output::open(&arguments.path)?;
    let index = arguments.fov.unwrap_or_else(|| first_opened(&dataset));
    let fov = field(&dataset, index)?;
    let dataset = with_opened_fov(dataset, fov)?;
    if !arguments.json {
        return output::print(&formats::text::describe(&dataset));
    }
    output::print_json(&document(&dataset, index, fov))
}

/// A first field that is broken hides nothing of the others: the one that opening the dataset could read.
fn first_opened(dataset: &Dataset) -> u32 {
    let opened = dataset
        .order
        .iter()
        .position(|&fov| dataset.image(fov).is_some());
    opened.and_then(|at| u32::try_from(at).ok()).unwrap_or(0)
}

/// The FOV of a field's index.
pub(super) fn field(dataset: &Dataset, index: u32) -> Result<FovId, Failure> {
    dataset.fov_at(index).ok_or_else(|| {
        let last = dataset.num_fovs().saturating_sub(1);
        Failure::new(
            Code::OutOfRange,
            format!("field {index} is beyond the last one, {last}"),
        )
    })
}

fn document(dataset: &Dataset, index: u32, fov: FovId) -> Value {
    let image = dataset.image(fov).unwrap_or(&dataset.template);
    let rows = dataset
        .order
        .iter()
        .filter_map(|&fov| dataset.fov(fov))
        .enumerate();
    let fields: Vec<Value> = rows
        .map(|(index, row)| field_document(index, row))
        .collect();
    let warnings = dataset.problems.iter().map(|problem| {
        json!({ "code": problem.code.as_str(), "message": problem.message, "path": problem.location })
    });
    json!({
        "kind": dataset.kind.as_str(),
        "ngff": dataset.ngff,
        "zarr_format": dataset.zarr_format.map(|format| match format { ZarrFormat::V2 => 2, ZarrFormat::V3 => 3 }),
        "fields": fields,
        "fov": index,
        "image": image_document(image),
        "acquisition": acquisition_document(dataset),
        "plate": dataset.plate.as_ref().map(|plate| json!({
            "rows": plate.rows, "columns": plate.columns, "acquisitions": plate.acquisitions,
        })),
        "warnings": warnings.collect::<Vec<_>>(),
    })
}

fn field_document(index: usize, row: &Fov) -> Value {
    let mut field = Map::new();
    field.insert("index".into(), json!(index));
    field.insert("id".into(), json!(row.path));
    let mut known = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            field.insert(key.into(), value);
        }
    };
    known("row", row.row.as_ref().map(|row| json!(row)));
    known("column", row.column.as_ref().map(|column| json!(column)));
    known("acquisition", row.acquisition.map(|id| json!(id)));
    known("region", row.region.as_ref().map(|region| json!(region)));
    known("fov", row.fov_in_region.map(|fov| json!(fov)));
    known(
        "stage_um",
        row.stage_um.map(|at| json!([at.x, at.y, row.stage_z_um])),
    );
    known("present", Some(json!(row.present)));
    Value::Object(field)
}

/// The axes that a script sees: all but the FOV axis of a 6-D array.
fn listed<'a, T>(image: &'a Image, per_axis: &'a [T]) -> impl Iterator<Item = &'a T> {
    let axes = image.axes.iter().zip(per_axis);
    axes.filter(|(axis, _)| axis.role != AxisRole::Fov)
        .map(|(_, value)| value)
}

fn image_document(image: &Image) -> Value {
    let numbers = |values: &Vec<f64>| {
        listed(image, values)
            .map(|&value| number(value))
            .collect::<Vec<_>>()
    };
    let levels = image.levels.iter().map(|level| {
        json!({
            "path": level.path,
            "shape": listed(image, &level.shape).collect::<Vec<_>>(),
            "scale": level.scale.as_ref().map(numbers),
            "translation": level.translation.as_ref().map(numbers),
        })
    });
    let channels = image.channels.iter().map(channel_document);
    let sampling = &image.sampling;
    let mut pixel_size = Map::new();
    for (axis, length) in [
        ("z", sampling.z_um),
        ("y", sampling.y_um),
        ("x", sampling.x_um),
    ] {
        if let Some(length) = length {
            pixel_size.insert(axis.into(), number(length));
        }
    }
    json!({
        "axes": listed(image, &image.axes).map(|axis| &axis.name).collect::<Vec<_>>(),
        "shape": listed(image, &image.levels[0].shape).collect::<Vec<_>>(),
        "dtype": image.sample_type.name(),
        "levels": levels.collect::<Vec<_>>(),
        "pixel_size_um": if pixel_size.is_empty() { Value::Null } else { Value::Object(pixel_size) },
        "time_step_s": sampling.t_secs.map(number),
        "channels": channels.collect::<Vec<_>>(),
        "labels": image.labels,
    })
}

fn channel_document(channel: &Channel) -> Value {
    let mut document = json!({
        "name": channel.name,
        "color": channel.color.map(Rgb::to_hex),
        "window": channel.window.map(|window| json!([number(window.low), number(window.high)])),
    });
    if channel.inverted {
        document["inverted"] = json!(true);
    }
    document
}

fn acquisition_document(dataset: &Dataset) -> Value {
    let Some(acquisition) = &dataset.acquisition else {
        return Value::Null;
    };
    let estimate = acquisition.planned_planes;
    let counts = estimate
        .filter(|&planned| planned <= MAX_COUNTED)
        .map(|planned| Counts::of(dataset, planned));
    let is_complete = match acquisition.complete {
        Some(complete) => complete && counts.as_ref().is_none_or(|it| !it.has_unfinished),
        // No mark says so, but all stores may.
        None => counts
            .as_ref()
            .map_or_else(|| are_all_complete(dataset), |it| it.are_all_complete),
    };
    json!({
        "complete": is_complete,
        "planned_planes": counts.as_ref().map(|counts| counts.planned).or(estimate),
        "written_planes": counts.as_ref().map(|counts| counts.written),
    })
}

/// What the stores of all FOVs together say.
struct Counts {
    planned: u64,
    /// Planes that are on disk, whole; in a finished store an absent chunk is the fill value, so all are.
    written: u64,
    /// Some store says that it is unfinished.
    has_unfinished: bool,
    /// Every store says that it is finished.
    are_all_complete: bool,
}

impl Counts {
    /// Opens all FOVs; `estimate` is the plan that takes all of them to be like the first.
    fn of(dataset: &Dataset, estimate: u64) -> Self {
        let dataset = with_all_opened(dataset);
        let images = || dataset.order.iter().filter_map(|&fov| dataset.image(fov));
        let template = dataset.template.num_planes();
        let planned = images().fold(estimate, |planned, image| {
            planned.saturating_sub(template) + image.num_planes()
        });
        let store = Store::new();
        let written = |&fov: &FovId| {
            let image = dataset.image(fov);
            let planes = image.into_iter().flat_map(|image| planes(image, fov));
            let is_written = |plane: &PlaneId| {
                matches!(store.presence(&dataset, *plane), Ok(PlaneState::Written))
            };
            let room = MAX_COUNTED as usize;
            planes.take(room).filter(is_written).count() as u64
        };
        Self {
            planned,
            written: dataset.order.par_iter().map(written).sum(),
            has_unfinished: images().any(|image| image.complete == Some(false)),
            are_all_complete: dataset.are_all_stores_complete(),
        }
    }
}

/// Looks at the stores up to one that is not complete, the last one first: it is the last to be finished.
fn are_all_complete(dataset: &Dataset) -> bool {
    stores(dataset).par_iter().rev().all(|fovs| {
        let Some(&fov) = fovs.last() else { return true };
        if let Some(image) = dataset.image(fov) {
            return image.complete == Some(true);
        }
        let opened = dataset.opener.open_fov(dataset, fov).ok();
        let image = opened.as_ref().and_then(|opened| opened.images.first());
        image.is_some_and(|(_, image)| image.complete == Some(true))
    })
}

fn with_all_opened(dataset: &Dataset) -> Dataset {
    let stores = stores(dataset);
    let unopened = stores.par_iter().flat_map_iter(|fovs| {
        let first = fovs.iter().find(|fov| dataset.image(**fov).is_none());
        let outcome = first.map(|&fov| dataset.opener.open_fov(dataset, fov));
        let shared = match &outcome {
            Some(Err(_)) => fovs.as_slice(),
            Some(Ok(_)) | None => first.map_or(&[][..], std::slice::from_ref),
        };
        let outcomes = shared.iter().map(move |&fov| Some((fov, outcome.clone()?)));
        outcomes.flatten().collect::<Vec<_>>()
    });
    dataset.with_opened(unopened.collect())
}

/// The FOVs in display order, those of one array together: opening one of them opens all.
fn stores(dataset: &Dataset) -> Vec<Vec<FovId>> {
    let mut stores: Vec<Vec<FovId>> = Vec::new();
    let mut arrays: HashMap<&Path, usize> = HashMap::new();
    for &fov in dataset.order.iter() {
        let row = dataset.fov(fov);
        let array = row.filter(|row| row.array_index.is_some());
        let Some(array) = array else {
            stores.push(vec![fov]);
            continue;
        };
        let at = *arrays.entry(&array.folder).or_insert(stores.len());
        match stores.get_mut(at) {
            Some(fovs) => fovs.push(fov),
            None => stores.push(vec![fov]),
        }
    }
    stores
}

fn planes(image: &Image, fov: FovId) -> impl Iterator<Item = PlaneId> {
    let (num_channels, num_z) = (image.num_channels(), image.num_z_slices());
    let extras = (0..image.num_timepoints()).flat_map({
        let num_extra = image.num_extra();
        move |t| (0..num_extra).map(move |extra| (t, extra))
    });
    extras.flat_map(move |(t, extra)| {
        (0..num_channels).flat_map(move |c| {
            (0..num_z).map(move |z| PlaneId {
                fov,
                layer: 0,
                t,
                c: c as u16,
                z: ZPick::Slice(z),
                extra,
                level: 0,
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        dataset::{
            ImageSlot, OpenFovError,
            testing::{Sizes, dataset},
        },
        model::Code,
    };

    #[test]
    fn a_broken_first_field_leaves_the_next_one_to_be_described() {
        let mut dataset = dataset(Sizes::default());
        assert_eq!(first_opened(&dataset), 0);
        let image = Arc::clone(&dataset.template);
        dataset.images[1] = ImageSlot::Opened(image);
        dataset.images[0] = ImageSlot::Failed(Arc::new(OpenFovError {
            code: Code::BadJson,
            message: String::new(),
            location: String::new(),
        }));
        assert_eq!(first_opened(&dataset), 1);
    }
}
