//! `--timing`: milliseconds from process start to each stage of the first picture.

use std::time::{Duration, Instant};

use serde::Serialize;

/// When each stage was reached; the first time counts.
#[derive(Clone, Debug)]
pub struct Timing {
    /// An instant, and how long the process had been running then.
    reference: (Instant, Duration),
    stages: Stages,
}

/// Milliseconds from process start.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Stages {
    main: Option<u64>,
    window: Option<u64>,
    dataset: Option<u64>,
    first_frame: Option<u64>,
    first_image: Option<u64>,
}

/// A stage on the way to the first picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The window's creator was called.
    Window,
    /// The dataset is open.
    Dataset,
    /// The first frame was handed to the screen.
    FirstFrame,
    /// The first composite with real pixels was handed to the screen.
    FirstImage,
}

impl Timing {
    /// To be called first thing in `main`.
    #[must_use]
    pub fn start() -> Self {
        let reference = (Instant::now(), process_age().unwrap_or_default());
        let main = Some(millis(reference.1));
        Self {
            reference,
            stages: Stages {
                main,
                ..Stages::default()
            },
        }
    }

    /// Notes that a stage is reached now.
    pub fn reach(&mut self, stage: Stage) {
        self.reach_at(stage, Instant::now());
    }

    /// Notes that a stage was reached at an instant.
    pub(super) fn reach_at(&mut self, stage: Stage, at: Instant) {
        let now = millis(at.saturating_duration_since(self.reference.0) + self.reference.1);
        let slot = match stage {
            Stage::Window => &mut self.stages.window,
            Stage::Dataset => &mut self.stages.dataset,
            Stage::FirstFrame => &mut self.stages.first_frame,
            Stage::FirstImage => &mut self.stages.first_image,
        };
        slot.get_or_insert(now);
    }

    /// True once the first picture was handed to the screen.
    #[must_use]
    pub fn has_first_image(&self) -> bool {
        self.stages.first_image.is_some()
    }

    /// `{"timing": {"main": 3, …}}`.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::json!({ "timing": self.stages }).to_string()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// How long this process has been running, in steps of 10 ms: field 22 of `/proc/self/stat` against `/proc/uptime`
/// (proc(5)); both in 1/100 s on every Linux that we know.
#[cfg(target_os = "linux")]
fn process_age() -> Option<Duration> {
    const TICKS_PER_SEC: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name in parentheses and may hold anything.
    let after_name = stat.rsplit_once(')')?.1;
    let start_ticks: f64 = after_name.split_whitespace().nth(19)?.parse().ok()?;
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let uptime_secs: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(uptime_secs - start_ticks / TICKS_PER_SEC).ok()
}

/// Elsewhere the time from process start to `main` is not known and counts as 0.
#[cfg(not(target_os = "linux"))]
fn process_age() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_keeps_the_first_time_it_was_reached() {
        let mut timing = Timing::start();
        assert!(!timing.has_first_image());
        timing.reach(Stage::FirstImage);
        let first = timing.to_json();
        timing.reach(Stage::FirstImage);
        assert_eq!(timing.to_json(), first);
        assert!(timing.has_first_image());
    }
}
