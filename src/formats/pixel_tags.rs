//! What tags of a TIFF file say beside its samples: the pixel size, where nothing better does, and that zero means white.
//!
//! TIFF 6.0: pixels per `ResolutionUnit`. Only inch and centimetre are lengths; many writers leave the resolution of a
//! screen or a printer there, which no camera behind an objective has, so sizes beyond [`LARGEST_UM`] are left aside.

use std::path::Path;

use super::probe::below;
use crate::{
    dataset::Sampling,
    image_file::directories::{Directories, Directory, tags},
    model::{Code, PageAt, Problem, Step},
};

/// 508 pixels per inch.
const LARGEST_UM: f64 = 50.0;
/// `PhotometricInterpretation` of gray whose zero is white.
const WHITE_IS_ZERO: u64 = 0;
/// `ResolutionUnit`: an inch, a centimetre.
const UNITS: [(u64, f64); 2] = [(2, 25_400.0), (3, 10_000.0)];

/// The sampling with the pixel size that the tags of a page state, where it has none; that is noted, for the tags may be
/// anybody's. So is that its zero means white: samples are shown as they are stored.
pub(super) fn sampled(
    sampling: Sampling,
    path: &Path,
    page: PageAt,
    root: &Path,
    problems: &mut Vec<Problem>,
) -> Sampling {
    problems.extend(white_zero(path, page, root));
    if sampling.x_um.is_some() || sampling.y_um.is_some() {
        return sampling;
    }
    let Some((x_um, y_um)) = size_um(path, page) else {
        return sampling;
    };
    let message = format!(
        "pixel size {x_um} x {y_um} \u{b5}m taken from the tags of this file, nothing else states one"
    );
    problems.push(Problem::new(Code::Ignored, below(root, path), message));
    Sampling {
        x_um: Some(x_um),
        y_um: Some(y_um),
        ..sampling
    }
}

/// Says that zero means white in a file, where it does; nothing is said of pages behind the first.
pub(super) fn white_zero(path: &Path, page: PageAt, root: &Path) -> Option<Problem> {
    let message = "zero means white in this file (PhotometricInterpretation 0); its samples are shown as they are \
                   stored, zero as black: invert the channel to see it as it is meant";
    let problem = || Problem::new(Code::Ignored, below(root, path), message);
    has_white_zero(path, page).then(problem)
}

/// The file, and the directory of a page of it; `None` where it cannot be read: the page itself may be.
fn tags_of(path: &Path, page: PageAt) -> Option<(Directories, Directory)> {
    let mut file = Directories::open(path).ok()??;
    let offset = match page {
        PageAt::Offset(offset) => offset,
        PageAt::Idx(0) => file.first()?,
        PageAt::Idx(_) => return None,
    };
    let directory = file.read(offset).ok()??;
    Some((file, directory))
}

fn has_white_zero(path: &Path, page: PageAt) -> bool {
    tags_of(path, page).is_some_and(|(mut file, directory)| {
        let tag = directory.get(tags::PHOTOMETRIC);
        let found = tag.and_then(|tag| file.number(tag, 0).ok().flatten());
        found == Some(WHITE_IS_ZERO)
    })
}

/// Width and height of a pixel in µm; `None` where the tags state none, or cannot be read.
fn size_um(path: &Path, page: PageAt) -> Option<(f64, f64)> {
    let (mut file, directory) = tags_of(path, page)?;
    let unit = file
        .number(directory.get(tags::RESOLUTION_UNIT)?, 0)
        .ok()??;
    let (_, unit_um) = UNITS.into_iter().find(|(number, _)| *number == unit)?;
    let mut along = |tag| {
        let per_unit = file.fraction(directory.get(tag)?).ok()??;
        let size_um = unit_um / per_unit;
        // To a millionth of a µm, as fractions of large numbers are not exact.
        let size_um = (size_um * 1e6).round() / 1e6;
        (Step::Length.can_be(size_um) && size_um <= LARGEST_UM).then_some(size_um)
    };
    Some((along(tags::X_RESOLUTION)?, along(tags::Y_RESOLUTION)?))
}
