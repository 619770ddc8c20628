//! How fast an acquisition comes in, when it will be done, and how it ended.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::{
    dataset::Dataset,
    model::{PlaneId, ZPick},
    ui::LiveState,
};

/// The rate is that of the planes of this time.
const WINDOW: Duration = Duration::from_secs(10);
/// Samples of the rate that are kept.
const MAX_SAMPLES: usize = 256;
/// A run whose heartbeat stopped goes on as long as planes come so often.
const MOVING_WITHIN: Duration = Duration::from_secs(20);
/// Without a new plane for so long (or three times the time between timepoints) nobody is taken to write.
const QUIET_AFTER: Duration = Duration::from_mins(10);

/// The pace of one acquisition.
pub(super) struct Pace {
    /// When it was opened.
    since: Instant,
    /// Places of newest planes in the order of the acquisition, and when they were heard of.
    samples: VecDeque<(Instant, u64)>,
    /// When a plane came that was newer than the first one heard of.
    last_new: Option<Instant>,
    ended: Option<End>,
}

/// How an acquisition ended.
#[derive(Clone, Debug, PartialEq, Eq)]
struct End {
    teller: EndTeller,
    /// Local time of day.
    at: String,
    words: String,
}

/// Who says that an acquisition is over; later ones know better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EndTeller {
    /// The program that announced it.
    Announcer,
    /// Its files: its mark, and what stores say.
    Disk,
    /// The microscope's software, with a reason.
    Microscope,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            samples: VecDeque::new(),
            last_new: None,
            ended: None,
        }
    }
}

impl Pace {
    /// A plane is the newest one.
    pub(super) fn newest(&mut self, plane: PlaneId, dataset: &Dataset, now: Instant) {
        let place = place_of(plane, dataset);
        match self.samples.back() {
            Some(&(_, last)) if place <= last => return,
            Some(_) => self.last_new = Some(now),
            // Where it stood when it was opened says nothing of its pace.
            None => {}
        }
        if self.samples.len() >= MAX_SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back((now, place));
    }

    /// The acquisition ended, in words; the time is that of the first who said so.
    pub(super) fn end(&mut self, teller: EndTeller, words: &str) {
        let told = self.ended.take();
        let at = told.as_ref().map(|end| end.at.clone());
        let end = End {
            teller,
            at: at.unwrap_or_else(|| chrono::Local::now().format("%H:%M").to_string()),
            words: words.to_owned(),
        };
        self.ended = told.filter(|told| told.teller > teller).or(Some(end));
    }

    /// What its files said of an end was of an earlier run.
    pub(super) fn begin_anew(&mut self) {
        self.ended = self
            .ended
            .take()
            .filter(|end| end.teller != EndTeller::Disk);
    }

    /// True where somebody said that it is over.
    pub(super) fn is_over(&self) -> bool {
        self.ended.is_some()
    }

    /// Its end, if it has come.
    pub(super) fn end_state(&self) -> Option<LiveState> {
        let End { at, words, .. } = self.ended.clone()?;
        Some(LiveState::Ended { at, reason: words })
    }

    /// How an acquisition goes that has not ended: `is_announcing`: some program announces it; `is_run_lost`: whether the
    /// heartbeat stopped, where the microscope's software says that it runs it.
    pub(super) fn state(
        &self,
        is_announcing: bool,
        is_run_lost: Option<bool>,
        time_step_secs: Option<f64>,
        now: Instant,
    ) -> LiveState {
        // Whoever announced it may be gone without an end.
        let is_heard_of = is_announcing || self.last_new.is_some();
        if is_run_lost == Some(true) && !self.is_moving(now) {
            LiveState::Lost
        } else if is_run_lost.is_some() || is_heard_of && !self.is_silent(time_step_secs, now) {
            LiveState::Running
        } else {
            LiveState::Quiet
        }
    }

    /// When its state is another one next, if nothing comes.
    pub(super) fn next_change(&self, time_step_secs: Option<f64>, now: Instant) -> Option<Instant> {
        let changes = [self.stands_at(), self.silent_at(time_step_secs)];
        changes.into_iter().flatten().filter(|at| *at > now).min()
    }

    /// True where no new plane has come for long, if any ever did.
    fn is_silent(&self, time_step_secs: Option<f64>, now: Instant) -> bool {
        self.silent_at(time_step_secs).is_some_and(|at| now >= at)
    }

    fn silent_at(&self, time_step_secs: Option<f64>) -> Option<Instant> {
        let step = Duration::try_from_secs_f64(time_step_secs.unwrap_or(0.0)).unwrap_or_default();
        let patience = QUIET_AFTER.max(step.saturating_mul(3));
        let last = self.last_new.unwrap_or(self.since);
        last.checked_add(patience)
    }

    /// True where planes come, whatever else is heard.
    fn is_moving(&self, now: Instant) -> bool {
        self.stands_at().is_some_and(|at| now < at)
    }

    fn stands_at(&self) -> Option<Instant> {
        self.last_new?.checked_add(MOVING_WITHIN)
    }

    /// Planes per second lately; `None` where that is not known or nothing came.
    pub(super) fn planes_per_sec(&self, now: Instant) -> Option<f32> {
        let recent = |at: Instant| now.saturating_duration_since(at) <= WINDOW;
        let mut samples = self.samples.iter().skip_while(|(at, _)| !recent(*at));
        let (first_at, first) = samples.next()?;
        let (_, last) = self.samples.back()?;
        let secs = now.saturating_duration_since(*first_at).as_secs_f32();
        let planes = last.saturating_sub(*first);
        (planes > 0 && secs > 0.5).then(|| planes as f32 / secs)
    }

    /// Time to the last of the planned planes at the present rate.
    pub(super) fn remaining(&self, planned: u64, now: Instant) -> Option<Duration> {
        let (_, last) = self.samples.back()?;
        let left = planned.saturating_sub(last + 1) as f32;
        Duration::try_from_secs_f32(left / self.planes_per_sec(now)?).ok()
    }
}

/// The place of a plane in the order of the acquisition: timepoints, FOVs, z-slices, channels.
fn place_of(plane: PlaneId, dataset: &Dataset) -> u64 {
    let image = dataset.image(plane.fov).unwrap_or(&dataset.template);
    let flat = u64::from(dataset.flat_of(plane.fov).unwrap_or(0));
    let z = match plane.z {
        ZPick::Slice(z) => u64::from(z),
        ZPick::Max => 0,
    };
    let fovs = u64::from(plane.t) * u64::from(dataset.num_fovs()) + flat;
    let slices = fovs * u64::from(image.num_z_slices()) + z;
    slices * u64::from(image.num_channels()) + u64::from(plane.c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dataset::testing::{Sizes, dataset},
        model::FovId,
    };

    fn plane(t: u32, fov: u32, z: u32, c: u16) -> PlaneId {
        PlaneId {
            fov: FovId(fov),
            layer: 0,
            t,
            c,
            z: ZPick::Slice(z),
            extra: 0,
            level: 0,
        }
    }

    #[test]
    fn the_rate_is_that_of_new_planes_and_not_of_those_found_at_the_start() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let dataset = dataset(Sizes::default());
        let after = |secs| start + Duration::from_secs(secs);
        pace.newest(plane(1, 2, 3, 0), &dataset, start);
        assert_eq!(pace.planes_per_sec(after(2)), None);
        assert_eq!(pace.state(false, None, None, after(2)), LiveState::Quiet);
        // 2 channels: two slices further are 4 planes.
        pace.newest(plane(2, 0, 0, 0), &dataset, after(2));
        assert_eq!(pace.planes_per_sec(after(2)), Some(2.0));
        let state = |step, secs| pace.state(false, None, step, after(secs));
        assert_eq!(state(None, 3), LiveState::Running);
        assert_eq!(state(None, 700), LiveState::Quiet);
        assert_eq!(state(Some(600.0), 700), LiveState::Running);
        // 4 timepoints of 3 FOVs with 10 planes; 60 are taken.
        assert_eq!(
            pace.remaining(120, after(2)),
            Some(Duration::from_secs_f32(29.5))
        );
    }

    #[test]
    fn who_announces_is_believed_until_nothing_came_for_long() {
        let (pace, start) = (Pace::default(), Instant::now());
        let state = |secs| pace.state(true, None, None, start + Duration::from_secs(secs));
        assert_eq!(state(1), LiveState::Running);
        let change = pace.next_change(None, start).unwrap();
        assert_eq!(state((change - start).as_secs()), LiveState::Running);
        assert_eq!(state((change - start).as_secs() + 1), LiveState::Quiet);
        assert_eq!(pace.next_change(None, change), None);
    }

    #[test]
    fn a_heartbeat_that_stopped_is_a_lost_run_unless_planes_come() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let dataset = dataset(Sizes::default());
        let after = |secs| start + Duration::from_secs(secs);
        assert_eq!(
            pace.state(false, Some(false), None, after(900)),
            LiveState::Running
        );
        assert_eq!(
            pace.state(false, Some(true), None, after(1)),
            LiveState::Lost
        );
        pace.newest(plane(0, 0, 0, 0), &dataset, after(1));
        pace.newest(plane(0, 0, 0, 1), &dataset, after(30));
        assert_eq!(
            pace.state(false, Some(true), None, after(40)),
            LiveState::Running
        );
        assert_eq!(
            pace.state(true, Some(true), None, after(60)),
            LiveState::Lost
        );
    }
}
