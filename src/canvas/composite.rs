//! The blend on the CPU: judge of the shader, engine of `render`.

use super::DrawList;

/// The canvas as 8-bit RGBA, rows from the top, opaque.
#[must_use]
pub fn composite(list: &DrawList) -> Vec<u8> {
    unimplemented!("{list:?}")
}
