//! 2 x 2 area means: the computed pyramid levels.

use super::Pixels;

/// Half the width and height (rounded up), each sample the mean of up to 2 x 2; same sample type and memory order.
///
/// NaN left out (NaN only where all four are), integers rounded half up, bool takes the top left one.
#[must_use]
pub fn halved(pixels: &Pixels) -> Pixels {
    unimplemented!("{pixels:?}")
}
