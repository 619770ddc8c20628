//! How a dataset was looked at: what is kept for the next time it is opened.

use serde::{Deserialize, Serialize};

use super::{ChannelMode, LimitsSource, Session};
use crate::model::{ContrastLimits, Lut};

/// How one channel was looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedChannel {
    /// Its name: settings of a channel with another name are not taken over.
    pub name: String,
    /// Drawn in composite mode.
    pub visible: bool,
    /// From normalised value to colour.
    pub lut: Lut,
    /// Contrast limits, where there were any.
    pub limits: Option<ContrastLimits>,
    /// Where they came from.
    pub limits_source: LimitsSource,
    /// Exponent of the normalised value.
    pub gamma: f32,
}

/// How a dataset was looked at. Positions are not kept: people come back to compare, not to resume.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedView {
    /// One per channel.
    pub channels: Vec<SavedChannel>,
    /// All visible channels blended, or one.
    pub mode: ChannelMode,
    /// Limits shared by all FOVs and timepoints.
    pub limits_shared: bool,
    /// Auto contrast on every change.
    pub auto_every_change: bool,
}

impl Session {
    /// What is worth keeping of this session.
    #[must_use]
    pub fn saved(&self) -> SavedView {
        let channels = self.channels.iter().map(|view| SavedChannel {
            name: view.name.clone(),
            visible: view.visible,
            lut: view.lut,
            limits: view.limits,
            limits_source: view.limits_source,
            gamma: view.gamma,
        });
        SavedView {
            channels: channels.collect(),
            mode: self.mode,
            limits_shared: self.limits_shared,
            auto_every_change: self.auto_every_change,
        }
    }

    /// Looks as it was looked the last time, channel by channel as far as their names agree.
    pub fn restore(&mut self, saved: &SavedView) {
        self.mode = saved.mode;
        self.limits_shared = saved.limits_shared;
        self.auto_every_change = saved.auto_every_change;
        for (view, saved) in self.channels.iter_mut().zip(&saved.channels) {
            if view.name != saved.name {
                continue;
            }
            (view.visible, view.lut) = (saved.visible, saved.lut);
            view.set_gamma(saved.gamma);
            let is_sane =
                |limits: &ContrastLimits| limits.low.is_finite() && limits.high.is_finite();
            if let Some(limits) = saved.limits.filter(is_sane) {
                (view.limits, view.limits_source) = (Some(limits), saved.limits_source);
            }
        }
    }
}
