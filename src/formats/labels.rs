//! Label images of an image: members of its group `labels`, named there (OME-NGFF "labels").

use std::path::Path;

use super::{
    OpenError, Progress,
    image::Context,
    layout::{self, What},
    opener,
    probe::{Node, problem_of},
};
use crate::{
    dataset::Dataset,
    model::{Code, FovId, Problem},
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
    names.retain(|name| match source::join_inside(&group, name) {
        Ok(_) => true,
        Err(error) => {
            problems.push(problem_of(&error, &context.root));
            false
        }
    });
    (names, problems)
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
    let folder = source::join_inside(&group, name)?;
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
