//! View state through commands, on small described datasets.

mod camera;
mod channels;
mod contrast;
mod follow;
mod labels;
mod navigation;
mod playback;
mod prefetch;
mod resolve;
mod saved;
mod tiles;

use super::*;
use crate::{
    dataset::testing::{Sizes, dataset},
    ledger::Ledger,
    model::Visible,
};

/// A canvas on which the default image (64 x 48) fits 10 times.
const CANVAS: CanvasSize = CanvasSize {
    width_px: 640,
    height_px: 480,
};

/// The first look at a dataset, and then these commands.
fn after(commands: &[Command], dataset: &Dataset) -> Session {
    let mut session = Session::new(dataset);
    for command in commands {
        session.apply(command, dataset);
    }
    session
}

/// What a session shows at its own position, on disks that nobody has looked at.
fn shown(session: &Session, dataset: &Dataset, canvas: CanvasSize) -> Visible {
    super::resolve(
        session,
        &session.selection(),
        dataset,
        &Ledger::default(),
        canvas,
    )
}
