//! Intention against data: what to draw and what to read. Pure; same input, same value.

use super::{Position, Session};
use crate::{
    dataset::Dataset,
    ledger::Ledger,
    model::{CanvasSize, Visible},
};

/// What a session shows at `position` (its own, or the one still on the screen while the next loads).
///
/// `wishes` holds the visible tiles first (selected channel and centre first), then prefetch in the direction of the
/// last move. A FOV whose store has not been opened stands in `unopened` and has no tiles.
#[must_use]
pub fn resolve(
    session: &Session,
    position: Position,
    dataset: &Dataset,
    ledger: &Ledger,
    canvas: CanvasSize,
) -> Visible {
    unimplemented!("{session:?} {position:?} {dataset:?} {ledger:?} {canvas:?}")
}
