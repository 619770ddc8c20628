//! How long a step takes in the real window: from the wish to the moment when its pixels were handed to the screen.

use std::{
    num::NonZeroU32,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::bounded;

use super::{BenchError, Figures};
use crate::{
    app::{self, Driver, Options, Timing},
    formats,
    live::{Listen, PushHandle, Status},
    model::{NavAxis, Shown},
    settings::Settings,
};

/// A picture that has not come by then will not.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at what the window has published; the time of the picture is that of its frame.
const LOOK_EVERY: Duration = Duration::from_micros(200);

/// The steps.
#[derive(Clone, Copy, Debug)]
pub struct StepPlan {
    /// The axis that is moved along.
    pub axis: NavAxis,
    /// Steps; without `cached` no more than the axis has, because a place that was seen is cached.
    pub num_steps: NonZeroU32,
    /// Every place was shown before.
    pub cached: bool,
    /// Width and height of the window in points.
    pub size_pt: [f32; 2],
}

/// What the steps took.
#[derive(Clone, Debug)]
pub struct StepFigures {
    /// The time of each step.
    pub steps: Figures,
    /// What draws.
    pub adapter: String,
    /// Resident memory after the steps, in bytes; `None` where the system does not say.
    pub rss_bytes: Option<u64>,
}

/// Opens a window, moves, and closes it. Blocks until then; to be called on the main thread.
///
/// # Errors
/// When the dataset cannot be opened, there is no window, or a picture does not come.
pub fn step(path: &Path, plan: &StepPlan, timing: Timing) -> Result<StepFigures, BenchError> {
    // The window would only wait.
    formats::open(path, &mut |_| true)?;
    let options = Options {
        path: Some(path.to_owned()),
        listen: Listen::Off,
        ..Options::default()
    };
    let settings = Settings {
        window_size_pt: plan.size_pt,
        ..Settings::default()
    };
    let (sender, receiver) = bounded(1);
    let (plan, location) = (*plan, path.display().to_string());
    let drive = move |driver: Driver| {
        let outcome = walk(driver.handle(), &plan, &location).map(|steps| StepFigures {
            steps,
            adapter: driver.adapter().to_owned(),
            rss_bytes: driver.rss_bytes(),
        });
        driver.close();
        // Nobody waits where the window is gone already.
        drop(sender.send(outcome));
    };
    app::run_driven(options, settings, timing, Box::new(drive))?;
    receiver.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        Err(BenchError::NotShown {
            what: "the first picture".into(),
            secs: PATIENCE.as_secs(),
        })
    })
}

/// The steps, one after the other.
fn walk(handle: &PushHandle, plan: &StepPlan, location: &str) -> Result<Figures, BenchError> {
    let status = until(handle, "the first picture", |_| true)?;
    let length = status
        .dataset
        .as_ref()
        .map_or(0, |it| it.len_along(plan.axis));
    if length < 2 {
        return Err(BenchError::ShortAxis {
            axis: name_of(plan.axis),
            length,
            location: location.to_owned(),
        });
    }
    let places = places(length, plan.num_steps.get(), plan.cached);
    go(handle, plan.axis, 0)?;
    if plan.cached {
        let last = places.iter().copied().max().unwrap_or(0);
        for place in (1..=last).chain([0]) {
            go(handle, plan.axis, place)?;
        }
    }
    let times: Result<Vec<Duration>, BenchError> = places
        .into_iter()
        .map(|place| go(handle, plan.axis, place))
        .collect();
    times.map(Figures::new)
}

/// Where each step leads, from 0: to the end, and back again where every place may be seen twice.
fn places(length: u32, num_steps: u32, may_return: bool) -> Vec<u32> {
    let last = length - 1;
    if !may_return {
        return (1..=num_steps.min(last)).collect();
    }
    let forth = 1..=last;
    let back = (0..last).rev();
    forth.chain(back).cycle().take(num_steps as usize).collect()
}

/// Goes to a place; from the wish to the frame that shows it.
fn go(handle: &PushHandle, axis: NavAxis, place: u32) -> Result<Duration, BenchError> {
    let (name, wished) = (name_of(axis), Instant::now());
    let what = format!("{name} {place}");
    let is_there = |shown: &Shown| {
        let at = match axis {
            NavAxis::Time => shown.t,
            NavAxis::Fov => shown.flat,
            NavAxis::Z => shown.z,
        };
        at == place
    };
    if !handle.set_current_index(name, place.into()) {
        return Err(not_shown(&what));
    }
    let status = until(handle, &what, is_there)?;
    let presented = status
        .shown
        .as_ref()
        .map_or(wished, |shown| shown.presented);
    Ok(presented.saturating_duration_since(wished))
}

/// The status once it shows what is waited for: a place is published when its picture is whole.
fn until(
    handle: &PushHandle,
    what: &str,
    is_there: impl Fn(&Shown) -> bool,
) -> Result<Arc<Status>, BenchError> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let status = handle.status();
        if status.shown.as_ref().is_some_and(|shown| is_there(shown)) {
            return Ok(status);
        }
        thread::sleep(LOOK_EVERY);
    }
    Err(not_shown(what))
}

fn not_shown(what: &str) -> BenchError {
    BenchError::NotShown {
        what: what.to_owned(),
        secs: PATIENCE.as_secs(),
    }
}

fn name_of(axis: NavAxis) -> &'static str {
    match axis {
        NavAxis::Time => "t",
        NavAxis::Fov => "fov",
        NavAxis::Z => "z",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_to_the_end_and_return_only_where_places_may_be_cached() {
        assert_eq!(places(4, 9, false), [1, 2, 3]);
        assert_eq!(places(4, 2, false), [1, 2]);
        assert_eq!(places(4, 9, true), [1, 2, 3, 2, 1, 0, 1, 2, 3]);
        assert_eq!(places(2, 3, true), [1, 0, 1]);
    }
}
