//! Wakes the interface from other threads.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use eframe::egui;

/// A request without any delay is two frames to egui, the second for widgets to settle. News need one, and on a machine
/// without a graphics card the second would be in the way of the next picture.
pub(super) const AT_ONCE: Duration = Duration::from_nanos(1);

/// Asks for one frame now, as soon as there is an interface.
pub(super) fn wake(context: &OnceLock<egui::Context>) {
    if let Some(context) = context.get() {
        context.request_repaint_after(AT_ONCE);
    }
}

/// A call that asks for one frame now.
pub(super) fn waker(context: &Arc<OnceLock<egui::Context>>) -> Arc<dyn Fn() + Send + Sync> {
    let context = Arc::clone(context);
    Arc::new(move || wake(&context))
}
