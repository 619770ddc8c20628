//! How fast an acquisition comes in, when it will be done, and how it ended.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::{
    dataset::Dataset,
    model::{PlaneId, ZPick},
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
    /// How it ended, and the local time of day.
    pub(super) ended: Option<(String, String)>,
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

    /// The acquisition ended, in words; whoever gives a reason comes before whoever gives none.
    pub(super) fn end(&mut self, words: &str, has_reason: bool) {
        if has_reason || self.ended.is_none() {
            let at = chrono::Local::now().format("%H:%M").to_string();
            self.ended = Some((at, words.to_owned()));
        }
    }

    /// True where a new plane came not long ago.
    pub(super) fn is_live(&self, time_step_secs: Option<f64>, now: Instant) -> bool {
        self.last_new.is_some() && !self.is_silent(time_step_secs, now)
    }

    /// True where none has come for long, if any ever did.
    pub(super) fn is_silent(&self, time_step_secs: Option<f64>, now: Instant) -> bool {
        let step = Duration::try_from_secs_f64(time_step_secs.unwrap_or(0.0)).unwrap_or_default();
        let patience = QUIET_AFTER.max(step.saturating_mul(3));
        let last = self.last_new.unwrap_or(self.since);
        now.saturating_duration_since(last) >= patience
    }

    /// True where planes come, whatever else is heard.
    pub(super) fn is_moving(&self, now: Instant) -> bool {
        let is_recent = |last| now.saturating_duration_since(last) < MOVING_WITHIN;
        self.last_new.is_some_and(is_recent)
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
        assert!(!pace.is_live(None, after(2)));
        // 2 channels: two slices further are 4 planes.
        pace.newest(plane(2, 0, 0, 0), &dataset, after(2));
        assert_eq!(pace.planes_per_sec(after(2)), Some(2.0));
        assert!(pace.is_live(None, after(3)));
        assert!(!pace.is_live(None, after(700)));
        assert!(pace.is_live(Some(600.0), after(700)));
        // 4 timepoints of 3 FOVs with 10 planes; 60 are taken.
        assert_eq!(
            pace.remaining(120, after(2)),
            Some(Duration::from_secs_f32(29.5))
        );
    }
}
