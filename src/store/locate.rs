//! From a plane's name to an array and a place inside it.

use super::{ReadError, array::OpenedArray};
use crate::{
    dataset::{Arrays, Dataset, Image, ImageSlot, Level, ZarrLocator},
    model::{AxisRole, Code, PlaneId, ZPick},
};

/// Where a plane of a stored level lies.
#[derive(Debug)]
pub(super) struct Place<'a> {
    /// The array; `None`: its timepoint has no store (yet).
    pub(super) locator: Option<&'a ZarrLocator>,
    /// Index along each axis of the image; 0 along y and x.
    index: Vec<u64>,
    /// The axis along which arrays of single timepoints are joined.
    joined: Option<usize>,
    y_axis: usize,
    x_axis: usize,
}

/// A plane inside an opened array.
#[derive(Debug)]
pub(super) struct Slab {
    /// Index along each axis of the array; 0 along y and x.
    pub(super) index: Vec<u64>,
    /// Which axis of the array is y.
    pub(super) y_axis: usize,
    /// Which axis of the array is x.
    pub(super) x_axis: usize,
}

/// The image of a plane's FOV.
pub(super) fn image_of(dataset: &Dataset, plane: PlaneId) -> Result<&Image, ReadError> {
    let location = || match dataset.fov(plane.fov) {
        Some(fov) => fov.folder.display().to_string(),
        None => dataset.root.display().to_string(),
    };
    let refuse = |code, message: &str| {
        Err(ReadError {
            code,
            message: message.to_owned(),
            location: location(),
        })
    };
    if plane.layer != 0 {
        return match dataset.labels.get(plane.fov, plane.layer) {
            Some(Ok(label)) => Ok(&label.image),
            Some(Err(error)) => Err(ReadError {
                code: error.code,
                message: error.message.clone(),
                location: error.location.clone(),
            }),
            None => refuse(Code::MissingArray, "this label image has not been opened"),
        };
    }
    match dataset.images.get(plane.fov.row()) {
        Some(ImageSlot::Opened(image) | ImageSlot::Stale(image)) => Ok(image),
        Some(ImageSlot::Failed(error) | ImageSlot::Retried(error)) => Err(ReadError {
            code: error.code,
            message: error.message.clone(),
            location: error.location.clone(),
        }),
        Some(ImageSlot::Unopened) => refuse(
            Code::MissingArray,
            "the store of this FOV has not been opened",
        ),
        None => refuse(
            Code::OutOfRange,
            &format!("FOV {} of {}", plane.fov.0, dataset.fovs.len()),
        ),
    }
}

/// Where a plane lies at a stored level.
pub(super) fn place<'a>(
    dataset: &Dataset,
    image: &'a Image,
    plane: PlaneId,
    level: usize,
) -> Result<Place<'a>, ReadError> {
    let location = dataset.root.display().to_string();
    let out_of_range = |message: String| ReadError {
        code: Code::OutOfRange,
        message,
        location: location.clone(),
    };
    let stored = image.levels.get(level).ok_or_else(|| {
        out_of_range(format!(
            "level {level} of {} stored ones",
            image.levels.len()
        ))
    })?;
    let (Some(y_axis), Some(x_axis)) = (image.axis_of(AxisRole::Y), image.axis_of(AxisRole::X))
    else {
        return Err(ReadError {
            code: Code::BadMetadata,
            message: "image without axes y and x".to_owned(),
            location,
        });
    };
    let array_index = dataset.fov(plane.fov).and_then(|fov| fov.array_index);
    let index = plane_index(image, stored, plane, array_index).map_err(out_of_range)?;
    let time_axis = image.axis_of(AxisRole::Time);
    let (locator, joined) = match &stored.arrays {
        Arrays::One(locator) => (Some(locator), None),
        Arrays::PerTimepoint(timepoints) => (
            timepoints.get(plane.t as usize).and_then(Option::as_ref),
            time_axis,
        ),
        // Registered planes and image files lie in no array.
        Arrays::Registered(_) | Arrays::Files(_) => (None, None),
    };
    Ok(Place {
        locator,
        index,
        joined,
        y_axis,
        x_axis,
    })
}

/// The index along each axis of the image, checked against the level's shape; the message says what is beyond.
fn plane_index(
    image: &Image,
    level: &Level,
    plane: PlaneId,
    array_index: Option<u32>,
) -> Result<Vec<u64>, String> {
    let ZPick::Slice(z) = plane.z else {
        return Err("a projection is not stored".to_owned());
    };
    if level.shape.len() != image.axes.len() {
        return Err(format!(
            "{} axes, shape {:?}",
            image.axes.len(),
            level.shape
        ));
    }
    let mut extra = unflattened(image, level, plane.extra)?.into_iter();
    let wanted = |role| match role {
        AxisRole::Time => u64::from(plane.t),
        AxisRole::Channel => u64::from(plane.c),
        AxisRole::Z => u64::from(z),
        AxisRole::Fov => u64::from(array_index.unwrap_or(0)),
        AxisRole::Y | AxisRole::X | AxisRole::Other => 0,
    };
    check_absent_axes(image, wanted)?;
    let mut indices = Vec::with_capacity(image.axes.len());
    for (axis, &length) in image.axes.iter().zip(&level.shape) {
        let index = match axis.role {
            AxisRole::Other => extra.next().unwrap_or(0),
            role => wanted(role),
        };
        if index >= length && !matches!(axis.role, AxisRole::Y | AxisRole::X) {
            return Err(format!("{} {index} of {length}", axis.name));
        }
        indices.push(index);
    }
    Ok(indices)
}

/// Index 0 for an axis that the image lacks is fine, others are not.
fn check_absent_axes(image: &Image, wanted: impl Fn(AxisRole) -> u64) -> Result<(), String> {
    for (role, name) in [
        (AxisRole::Time, "t"),
        (AxisRole::Channel, "c"),
        (AxisRole::Z, "z"),
    ] {
        let index = wanted(role);
        if image.axis_of(role).is_none() && index > 0 {
            return Err(format!("{name} {index}, the image has no such axis"));
        }
    }
    Ok(())
}

/// Positions along the other axes, in axis order; the last is the fastest.
fn unflattened(image: &Image, level: &Level, extra: u32) -> Result<Vec<u64>, String> {
    let lengths = image.axes.iter().zip(&level.shape);
    let others = lengths.filter(|(axis, _)| axis.role == AxisRole::Other);
    let lengths: Vec<u64> = others.map(|(_, &length)| length.max(1)).collect();
    let mut rest = u64::from(extra);
    let mut found = vec![0; lengths.len()];
    for (index, &length) in found.iter_mut().zip(&lengths).rev() {
        *index = rest % length;
        rest /= length;
    }
    if rest == 0 {
        Ok(found)
    } else {
        Err(format!(
            "position {extra} along other axes of lengths {lengths:?}"
        ))
    }
}

impl Place<'_> {
    /// The plane inside its array, which must agree with the image about axes, plane size and sample type.
    pub(super) fn in_array(
        &self,
        array: &OpenedArray,
        image: &Image,
        level: usize,
    ) -> Result<Slab, ReadError> {
        let refuse = |code, message: String| {
            Err(ReadError {
                code,
                message,
                location: array.folder.display().to_string(),
            })
        };
        if array.sample_type != image.sample_type {
            return refuse(
                Code::BadMetadata,
                format!(
                    "samples are {}, {} expected",
                    array.sample_type.name(),
                    image.sample_type.name()
                ),
            );
        }
        let slab = self.slab(array.shape.len());
        let grid = image.levels.get(level).map(|level| level.grid);
        let plane = (array.shape.get(slab.x_axis), array.shape.get(slab.y_axis));
        let is_same_plane = grid.is_some_and(|grid| {
            plane == (Some(&u64::from(grid.width)), Some(&u64::from(grid.height)))
        });
        if slab.index.len() != array.shape.len() || !is_same_plane {
            return refuse(
                Code::BadMetadata,
                format!("shape {:?} does not agree with the image", array.shape),
            );
        }
        if let Some(axis) =
            (0..slab.index.len()).find(|&axis| slab.index[axis] >= array.shape[axis])
        {
            return refuse(
                Code::OutOfRange,
                format!(
                    "index {} of {} along axis {axis}",
                    slab.index[axis], array.shape[axis]
                ),
            );
        }
        Ok(slab)
    }

    /// The index in an array of `rank` axes: inside an array of a single timepoint t is 0, or absent.
    fn slab(&self, rank: usize) -> Slab {
        let mut index = self.index.clone();
        let (mut y_axis, mut x_axis) = (self.y_axis, self.x_axis);
        if let Some(axis) = self.joined {
            index[axis] = 0;
            if rank + 1 == index.len() {
                index.remove(axis);
                y_axis -= usize::from(y_axis > axis);
                x_axis -= usize::from(x_axis > axis);
            }
        }
        Slab {
            index,
            y_axis,
            x_axis,
        }
    }
}
