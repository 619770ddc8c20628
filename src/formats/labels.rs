//! Label images of an image: members of its group `labels`, named there (OME-NGFF "labels").

use std::{path::Path, sync::Arc};

use super::{
    OpenError, Progress,
    image::{self, Context},
    layout::{self, What},
    levels::error_at,
    opener,
    probe::{Node, below, fov_error_of, problem_of},
};
use crate::{
    dataset::{Dataset, Fov, Image, LabelImage, LabelPlacement, OpenFovError, OpenedLabel},
    metadata::ngff::unit_to_um,
    model::{AxisRole, Code, FovId, Problem, limits},
    source,
};

/// Name of the group of label images.
const LABELS: &str = "labels";

/// Names of the label images of the image at a folder; one that leaves the group is listed and left out.
pub(super) fn names(folder: &Path, context: &Context) -> (Vec<String>, Vec<Problem>) {
    let group = folder.join(LABELS);
    let node = Node::read(&group, &context.root);
    let mut problems = node.problems;
    let mut names = node.attributes.labels;
    names.retain(
        |name| match source::follow_inside(&group, name, &context.root) {
            Ok(_) => true,
            Err(error) => {
                problems.push(problem_of(&error, &context.root));
                false
            }
        },
    );
    if names.len() > limits::LABELS {
        let message = format!(
            "{} label images, the first {} are offered",
            names.len(),
            limits::LABELS
        );
        let location = below(&context.root, &group);
        problems.push(Problem::new(Code::TooLarge, location, message));
        names.truncate(limits::LABELS);
    }
    problems.extend(absent_of(&names, &group, &context.root));
    problems.extend(not_whole_of(&names, &group, &context.root));
    (names, problems)
}

/// Says which of the first label images are not of whole numbers; they are offered all the same, and say so.
fn not_whole_of(names: &[String], group: &Path, root: &Path) -> Vec<Problem> {
    /// Each costs two documents, at every FOV that is opened.
    const LOOKED_AT: usize = 4;
    let names = names.iter().take(LOOKED_AT);
    let floats = names.filter_map(|name| {
        let folder = source::follow_inside(group, name, root).ok()?;
        let node = Node::read(&folder, root);
        let path = node.attributes.multiscale.as_ref()?.levels.first()?;
        let level = source::follow_inside(&folder, &path.path, root).ok()?;
        let array = Node::read(&level, root).array().ok()??;
        let sample_type = array.document.sample_type;
        let message = format!(
            "label image {name:?} has {} samples and is not shown, expected whole numbers",
            sample_type.name()
        );
        let problem = Problem::new(Code::Unsupported, below(root, &folder), message);
        sample_type.is_float().then_some(problem)
    });
    floats.collect()
}

/// Says which of the label images that a group names are not there; they are offered all the same, and say so.
fn absent_of(names: &[String], group: &Path, root: &Path) -> Option<Problem> {
    let is_absent = |name: &&String| {
        let found = source::follow_inside(group, name, root).map(|path| source::stat(&path));
        matches!(found, Ok(Ok(None)))
    };
    let absent: Vec<&str> = names.iter().filter(is_absent).map(String::as_str).collect();
    let first = absent.first()?;
    let message = match absent.len() {
        1 => format!("label image {first:?} is named, not on disk"),
        count => format!("{count} label images are named, not on disk, {first:?} the first"),
    };
    Some(Problem::new(
        Code::MissingArray,
        below(root, group),
        message,
    ))
}

/// Opens a label image of a FOV: the dataset that it is by itself, and the FOV in it. Blocks on I/O, reads no pixel.
///
/// # Errors
/// When there is no image of that name in the FOV's labels, or it cannot be opened.
pub fn open_label(
    dataset: &Dataset,
    fov: FovId,
    name: &str,
    progress: Progress<'_>,
) -> Result<(Dataset, FovId), OpenError> {
    let row = dataset.fov(fov).cloned().unwrap_or_default();
    let group = row.folder.join(LABELS);
    let folder = source::follow_inside(&group, name, &dataset.root)?;
    let absent = || OpenError::at(&folder, Code::MissingArray, "expected a label image here");
    if folder == group || !matches!(source::stat(&folder), Ok(Some(_))) {
        return Err(absent());
    }
    let mut found = layout::find(&folder, progress)?;
    if !matches!(found.what, What::Store(_)) {
        return Err(absent());
    }
    // Label images are made afterwards: the acquisition around them says nothing of what is written.
    found.acquisition = None;
    let label = opener::open(&found, progress)?;
    let is_same = |number: &u32| {
        let other = label.fov_at(*number).and_then(|other| label.fov(other));
        other.is_some_and(|other| other.array_index == row.array_index)
    };
    let number = (0..label.num_fovs()).find(is_same).unwrap_or(0);
    let fov = label.fov_at(number).ok_or_else(absent)?;
    Ok((label, fov))
}

/// Opens a label image to be drawn over the image of a FOV whose store has been opened. Blocks on I/O, reads no pixel.
///
/// # Errors
/// When it cannot be opened, or holds no labels.
pub(super) fn of_fov(
    dataset: &Dataset,
    fov: FovId,
    name: &str,
) -> Result<OpenedLabel, OpenFovError> {
    let (Some(row), Some(image)) = (dataset.fov(fov), dataset.image(fov)) else {
        let message = "the store of this FOV has not been opened".to_owned();
        return Err(error_at(&dataset.root, Code::MissingArray, message));
    };
    over(row, image, name, &dataset.root)
}

fn over(row: &Fov, image: &Image, name: &str, root: &Path) -> Result<OpenedLabel, OpenFovError> {
    let group = row.folder.join(LABELS);
    let folder = source::follow_inside(&group, name, root).map_err(|error| fov_error_of(&error))?;
    if folder == group || !matches!(source::stat(&folder), Ok(Some(_))) {
        let message = "expected a label image here".to_owned();
        return Err(error_at(&folder, Code::MissingArray, message));
    }
    // Label images are made afterwards: what of them is absent is background.
    let context = Context {
        root: root.to_path_buf(),
        is_done: true,
        ..Context::default()
    };
    let (mut label, mut problems) = image::open(&folder, &context)?;
    label.complete = Some(true);
    if label.sample_type.is_float() {
        let kind = label.sample_type.name();
        let message = format!("samples are {kind}, expected whole numbers for labels");
        return Err(error_at(&folder, Code::Unsupported, message));
    }
    let (placement, assumed) = placed(image, &label);
    let location = below(root, &folder);
    problems.extend(assumed.map(|message| Problem::new(Code::Ignored, location, message)));
    let colors = Node::read(&folder, root).attributes.label_colors;
    Ok(OpenedLabel {
        label: LabelImage {
            image: Arc::new(label),
            placement,
            colors: Arc::new(colors),
        },
        problems,
    })
}

/// Where a label image lies by the transformations of both; where they do not say it, over the whole image.
fn placed(image: &Image, label: &Image) -> (LabelPlacement, Option<String>) {
    let along = |role| span(image, label, role);
    let (x, y, z) = (along(AxisRole::X), along(AxisRole::Y), along(AxisRole::Z));
    let placement = LabelPlacement {
        x: x.start,
        y: y.start,
        pixel_width: x.step,
        pixel_height: y.step,
        z: z.start,
        z_step: z.step,
    };
    let is_stretched =
        |span: &Span, role| span.is_assumed && image.len_of(role) != label.len_of(role);
    let stretched = is_stretched(&x, AxisRole::X) || is_stretched(&y, AxisRole::Y);
    let message = "the transformations do not say where the labels lie, laid over the whole image";
    (placement, stretched.then(|| message.to_owned()))
}

/// Where labels lie along one axis, in pixels (slices) of the image.
struct Span {
    start: f64,
    step: f64,
    /// Stretched over the image, because nothing else is said.
    is_assumed: bool,
}

/// Pixels lie corner to corner, as those of a pyramid's levels do; a translation of half the difference of two pixels
/// puts their centres where that is so.
fn span(image: &Image, label: &Image, role: AxisRole) -> Span {
    /// Parts of a pixel that are no difference.
    const NEAR: f64 = 1e-3;
    let stretched = Span {
        start: 0.0,
        step: image.len_of(role) as f64 / label.len_of(role).max(1) as f64,
        is_assumed: true,
    };
    let (Some(image_step), Some(label_step)) = (step(image, role), step(label, role)) else {
        return stretched;
    };
    let has_units = image_step.unit_um.is_some() && label_step.unit_um.is_some();
    let factor = |step: &Step| step.unit_um.filter(|_| has_units).unwrap_or(1.0);
    let (image_um, label_um) = (
        image_step.scale * factor(&image_step),
        label_step.scale * factor(&label_step),
    );
    let moved_um =
        label_step.translation * factor(&label_step) - image_step.translation * factor(&image_step);
    let moved = moved_um / image_um;
    let centred = (label_um - image_um) / 2.0 / image_um;
    let start = if (moved - centred).abs() < NEAR {
        0.0
    } else {
        moved
    };
    let step = label_um / image_um;
    if !(start.is_finite() && step.is_finite() && step > 0.0) {
        return stretched;
    }
    Span {
        start,
        step,
        is_assumed: false,
    }
}

/// What level 0 says along an axis.
struct Step {
    scale: f64,
    translation: f64,
    unit_um: Option<f64>,
}

fn step(image: &Image, role: AxisRole) -> Option<Step> {
    let at = image.axis_of(role)?;
    let level = image.levels.first()?;
    let scale = *level.scale.as_ref()?.get(at)?;
    let translation = level.translation.as_ref().and_then(|all| all.get(at));
    Some(Step {
        scale: Some(scale).filter(|scale| scale.is_finite() && *scale > 0.0)?,
        translation: translation
            .copied()
            .filter(|it| it.is_finite())
            .unwrap_or(0.0),
        unit_um: image.axes[at].unit.as_deref().and_then(unit_to_um),
    })
}
