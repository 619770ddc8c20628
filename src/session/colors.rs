//! Colours of a colour image: channels that get the same limits where nobody chose others, so that the image has the
//! colours that it has.

use std::{ops::Range, sync::Arc};

use super::{LimitsSource, Session};
use crate::model::{ContrastLimits, FovId, Histogram};

/// Channels that a colour image has.
const NUM_COLORS: usize = 3;

impl Session {
    /// The channels of the colour image that a channel is a colour of; of any other the channel alone.
    pub(super) fn colors_with(&self, channel: usize) -> Range<usize> {
        let view = self.channels.get(channel);
        let first = view
            .and_then(|view| view.color_part)
            .and_then(|part| channel.checked_sub(part.into()));
        match first {
            Some(first) => first..(first + NUM_COLORS).min(self.channels.len()),
            None => channel..channel + 1,
        }
    }

    /// Limits around those that `choose` makes of the shown planes of all colours, and whether all samples of each are
    /// equal; `None` where nothing is known of the channel.
    pub(super) fn joint(
        &self,
        channel: usize,
        choose: impl Fn(&Histogram) -> ContrastLimits,
    ) -> Option<(ContrastLimits, bool)> {
        self.channels.get(channel)?.histogram.as_ref()?;
        let views = self.channels.get(self.colors_with(channel))?;
        let histograms = views.iter().filter_map(|view| view.histogram.as_deref());
        histograms
            .map(|histogram| (choose(histogram), histogram.is_flat()))
            .reduce(|(one, is_flat), (other, is_other_flat)| {
                (one.around(other), is_flat && is_other_flat)
            })
    }

    /// The limits that the shown planes give where nobody chose any. Those of colours begin at 0, or hues would change.
    pub(super) fn first_limits(&self, channel: usize) -> Option<(ContrastLimits, bool)> {
        let (low, high) = self.auto_percentiles;
        let (limits, is_flat) = self.joint(channel, |it| it.percentiles(low, high))?;
        if self.colors_with(channel).len() > 1 {
            return Some((limits.from_zero(), is_flat));
        }
        Some((limits, is_flat))
    }

    /// Statistics of one colour arrived: limits for all colours of the image that have waited for them.
    pub(super) fn take_color_statistics(
        &mut self,
        channel: usize,
        at: (FovId, u32),
        is_shown: bool,
        histogram: &Arc<Histogram>,
    ) {
        let (low, high) = self.auto_percentiles;
        let mut found = (
            histogram.percentiles(low, high).from_zero(),
            histogram.is_flat(),
        );
        if is_shown {
            if let Some(view) = self.channels.get_mut(channel) {
                view.histogram = Some(Arc::clone(histogram));
            }
            found = self.first_limits(channel).unwrap_or(found);
        }
        let (limits, is_flat) = found;
        let is_waiting = self.channels.get(channel).is_some_and(|view| {
            view.limits.is_none() || view.limits_source == LimitsSource::Pending
        });
        if is_waiting {
            self.give_first_limits(channel, limits, is_flat);
        }
        if is_flat {
            return;
        }
        let lacks_own =
            !self.limits_shared && !self.own_limits.contains_key(&(at.0, at.1, channel));
        if is_shown && self.auto_every_change {
            let joint = self.joint(channel, |it| it.percentiles(low, high));
            let limits = joint.map_or(limits, |(joint, _)| joint);
            for color in self.colors_with(channel) {
                self.keep_limits(color, at.0, at.1, limits, LimitsSource::Auto);
            }
        } else if lacks_own {
            self.keep_own(channel, at, limits);
        }
    }

    /// Limits for colours that have none yet, and for those whose limits came of the colours that were known before.
    fn give_first_limits(&mut self, channel: usize, limits: ContrastLimits, is_flat: bool) {
        let colors = self.colors_with(channel);
        for (color, view) in self.channels.iter_mut().enumerate() {
            let is_of_file = matches!(view.limits_source, LimitsSource::File | LimitsSource::User);
            if !colors.contains(&color) || is_of_file && view.limits.is_some() {
                continue;
            }
            if is_flat {
                view.provisional = Some(limits);
                continue;
            }
            // A colour that is still to come may have larger samples: it stays pending, and widens them for all.
            if color == channel || view.histogram.is_some() {
                view.limits_source = LimitsSource::Auto;
            }
            (view.limits, view.provisional) = (Some(limits), None);
        }
    }

    /// Limits of a FOV and timepoint of its own: around those that its other colours have already.
    fn keep_own(&mut self, channel: usize, (fov, t): (FovId, u32), limits: ContrastLimits) {
        let colors = self.colors_with(channel);
        let known = colors.filter(|&color| self.own_limits.contains_key(&(fov, t, color)));
        let known: Vec<usize> = known.collect();
        let own = known
            .iter()
            .filter_map(|&color| self.own_limits.get(&(fov, t, color)));
        let limits = own.fold(limits, |joint, other| joint.around(*other));
        for color in known.into_iter().chain([channel]) {
            self.keep_limits(color, fov, t, limits, LimitsSource::Auto);
        }
    }
}
