//! Contrast limits: who sets them, and where they are kept.

use std::sync::Arc;

use super::{Command, LimitsSource, Position, Session};
use crate::{
    dataset::Dataset,
    model::{ContrastLimits, FovId, Histogram},
};

impl Session {
    /// The limits that a channel is drawn with at the present position.
    #[must_use]
    pub fn limits_of(&self, channel: usize) -> Option<ContrastLimits> {
        self.limits_at(channel, self.position.fov, self.position.t)
    }

    /// The limits that a channel is drawn with at a FOV and timepoint; provisional ones where there are no others yet.
    #[must_use]
    pub fn limits_at(&self, channel: usize, fov: FovId, t: u32) -> Option<ContrastLimits> {
        let own = if self.limits_shared {
            None
        } else {
            self.own_limits.get(&(fov, t, channel)).copied()
        };
        own.or_else(|| {
            let view = self.channels.get(channel)?;
            view.limits.or(view.provisional)
        })
    }

    /// Applies an intention towards contrast.
    pub(super) fn set_contrast(&mut self, command: &Command, dataset: &Dataset) {
        let (low, high) = self.auto_percentiles;
        match command {
            Command::SetLimits(channel, limits) => self.set_limits(*channel, *limits),
            Command::ResetLimits(channel) => self.reset_limits(*channel, dataset),
            Command::ResetChannel(channel) => self.reset_channel(*channel, dataset),
            Command::AutoContrast => {
                for channel in self.drawn_channels() {
                    self.set_auto(channel, |histogram| histogram.percentiles(low, high));
                }
            }
            Command::AutoChannel(channel) => {
                self.set_auto(*channel, |histogram| histogram.percentiles(low, high));
            }
            Command::MinMaxChannel(channel) => {
                self.set_auto(*channel, |histogram| histogram.percentiles(0.0, 100.0));
            }
            Command::SetAutoEveryChange(every) => self.auto_every_change = *every,
            Command::SetLimitsShared(shared) => self.set_limits_shared(*shared),
            Command::Statistics {
                channel,
                fov,
                t,
                histogram,
            } => self.take_statistics(*channel, *fov, *t, histogram),
            _ => {}
        }
    }

    /// Statistics of a plane arrived: kept for the panel, and limits for whoever waits for them.
    fn take_statistics(&mut self, channel: usize, fov: FovId, t: u32, histogram: &Arc<Histogram>) {
        let percentiles = self.auto_percentiles;
        let is_shown = (fov, t) == (self.position.fov, self.position.t);
        if self.colors_with(channel).len() > 1 {
            self.take_color_statistics(channel, (fov, t), is_shown, histogram);
            return;
        }
        let Some(view) = self.channels.get_mut(channel) else {
            return;
        };
        if is_shown {
            view.histogram = Some(Arc::clone(histogram));
        }
        let auto = histogram.percentiles(percentiles.0, percentiles.1);
        // It may be one that counts as zero because it is late: its limits would saturate all that comes after it.
        if histogram.is_flat() {
            if view.limits.is_none() {
                view.provisional = Some(auto);
            }
            return;
        }
        // Limits by hand may have come first, for their own FOV and timepoint only.
        let is_pending = view.limits_source == LimitsSource::Pending;
        if view.limits.is_none() || is_pending {
            (view.limits, view.provisional) = (Some(auto), None);
            if is_pending {
                view.limits_source = LimitsSource::Auto;
            }
        }
        let lacks_own = !self.limits_shared && !self.own_limits.contains_key(&(fov, t, channel));
        if (is_shown && self.auto_every_change) || lacks_own {
            self.keep_limits(channel, fov, t, auto, LimitsSource::Auto);
        }
    }

    /// One set of limits for all, or one each; the shown plane first keeps the limits that it has.
    fn set_limits_shared(&mut self, shared: bool) {
        if self.limits_shared && !shared {
            let Position { fov, t, .. } = self.position;
            for (channel, view) in self.channels.iter().enumerate() {
                if let Some(limits) = view.limits {
                    self.own_limits.entry((fov, t, channel)).or_insert(limits);
                }
            }
        }
        self.limits_shared = shared;
    }

    /// Limits of one channel by hand.
    fn set_limits(&mut self, channel: usize, limits: ContrastLimits) {
        if limits.low.is_finite() && limits.high.is_finite() {
            self.keep_limits(
                channel,
                self.position.fov,
                self.position.t,
                limits,
                LimitsSource::User,
            );
        }
    }

    /// Limits from the shown plane's statistics, by `choose`, for all colours of an image in common; nothing where there are
    /// none yet. Of a plane whose samples are all equal they hold until one comes that gives better ones.
    fn set_auto(&mut self, channel: usize, choose: impl Fn(&Histogram) -> ContrastLimits) {
        let Some((limits, is_flat)) = self.joint(channel, choose) else {
            return;
        };
        let (fov, t) = (self.position.fov, self.position.t);
        for channel in self.colors_with(channel) {
            if !is_flat {
                self.keep_limits(channel, fov, t, limits, LimitsSource::Auto);
            } else if self.limits_shared {
                self.wait_for_limits(channel, Some(limits));
            } else {
                self.own_limits.remove(&(fov, t, channel));
            }
        }
    }

    /// The next plane whose samples are not all equal gives the limits that are shared.
    fn wait_for_limits(&mut self, channel: usize, provisional: Option<ContrastLimits>) {
        if let Some(view) = self.channels.get_mut(channel) {
            (view.limits, view.limits_source) = (None, LimitsSource::Pending);
            view.provisional = provisional;
        }
    }

    /// Limits back to what the files say, else to what the shown plane gives; everywhere.
    fn reset_limits(&mut self, channel: usize, dataset: &Dataset) {
        let original = super::channels::of_dataset(dataset)
            .into_iter()
            .nth(channel);
        let auto = self.first_limits(channel);
        let (Some(original), Some(view)) = (original, self.channels.get_mut(channel)) else {
            return;
        };
        match (original.limits, auto) {
            (Some(limits), _) => {
                (view.limits, view.limits_source) = (Some(limits), LimitsSource::File);
            }
            (None, Some((limits, false))) => {
                (view.limits, view.limits_source) = (Some(limits), LimitsSource::Auto);
            }
            (None, flat) => self.wait_for_limits(channel, flat.map(|(limits, _)| limits)),
        }
        self.own_limits.retain(|(_, _, other), _| *other != channel);
    }

    /// Back to what the files say: limits, colour, direction and gamma.
    fn reset_channel(&mut self, channel: usize, dataset: &Dataset) {
        self.reset_limits(channel, dataset);
        let original = super::channels::of_dataset(dataset)
            .into_iter()
            .nth(channel);
        if let (Some(original), Some(view)) = (original, self.channels.get_mut(channel)) {
            (view.lut, view.gamma) = (original.lut, original.gamma);
            view.inverted = original.inverted;
        }
    }

    pub(super) fn keep_limits(
        &mut self,
        channel: usize,
        fov: FovId,
        t: u32,
        limits: ContrastLimits,
        source: LimitsSource,
    ) {
        let Some(view) = self.channels.get_mut(channel) else {
            return;
        };
        view.limits_source = source;
        if self.limits_shared {
            view.limits = Some(limits);
        } else {
            self.own_limits.insert((fov, t, channel), limits);
        }
    }
}
