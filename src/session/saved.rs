//! How a dataset was looked at: what is kept for the next time it is opened.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{ChannelMode, LimitsSource, Session};
use crate::{
    dataset::Dataset,
    model::{ContrastLimits, FovId, Lut},
};

/// Limits of single FOVs and timepoints that are kept.
const MAX_OWN_LIMITS: usize = 1000;

/// How one channel was looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedChannel {
    /// Its name: settings of a channel with another name are not taken over.
    pub name: String,
    /// Drawn in composite mode.
    pub visible: bool,
    /// From normalised value to colour.
    pub lut: Lut,
    /// The LUT from its other end; older settings do not say.
    #[serde(default)]
    pub inverted: Option<bool>,
    /// Contrast limits, where there were any.
    pub limits: Option<ContrastLimits>,
    /// Where they came from.
    pub limits_source: LimitsSource,
    /// Exponent of the normalised value.
    pub gamma: f32,
}

/// Limits of one FOV and timepoint, where they are not shared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnLimits {
    /// Path of the FOV below the dataset: ids hold within one opening.
    pub fov: String,
    /// Timepoint index.
    pub t: u32,
    /// Channel index.
    pub channel: usize,
    /// The limits.
    pub limits: ContrastLimits,
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
    /// Limits of single FOVs and timepoints, at most a thousand.
    #[serde(default)]
    pub own_limits: Vec<OwnLimits>,
}

impl Session {
    /// What is worth keeping of this session.
    #[must_use]
    pub fn saved(&self, dataset: &Dataset) -> SavedView {
        let channels = self.channels.iter().map(|view| SavedChannel {
            name: view.name.clone(),
            visible: view.visible,
            lut: view.lut,
            inverted: Some(view.inverted),
            limits: view.limits,
            limits_source: view.limits_source,
            gamma: view.gamma,
        });
        SavedView {
            channels: channels.collect(),
            mode: self.mode,
            limits_shared: self.limits_shared,
            auto_every_change: self.auto_every_change,
            own_limits: self.saved_own_limits(dataset),
        }
    }

    /// Looks as it was looked the last time, channel by channel as far as their names agree.
    pub fn restore(&mut self, saved: &SavedView, dataset: &Dataset) {
        self.restore_own_limits(&saved.own_limits, dataset);
        self.mode = saved.mode;
        self.limits_shared = saved.limits_shared;
        self.auto_every_change = saved.auto_every_change;
        for (view, saved) in self.channels.iter_mut().zip(&saved.channels) {
            if view.name != saved.name {
                continue;
            }
            (view.visible, view.lut) = (saved.visible, saved.lut);
            view.inverted = saved.inverted.unwrap_or(view.inverted);
            view.set_gamma(saved.gamma);
            let is_sane =
                |limits: &ContrastLimits| limits.low.is_finite() && limits.high.is_finite();
            if let Some(limits) = saved.limits.filter(is_sane) {
                (view.limits, view.limits_source) = (Some(limits), saved.limits_source);
            }
        }
    }

    fn saved_own_limits(&self, dataset: &Dataset) -> Vec<OwnLimits> {
        let own = self.own_limits.iter().take(MAX_OWN_LIMITS);
        own.filter_map(|(&(fov, t, channel), &limits)| {
            let fov = dataset.fov(fov)?.path.clone();
            Some(OwnLimits {
                fov,
                t,
                channel,
                limits,
            })
        })
        .collect()
    }

    fn restore_own_limits(&mut self, saved: &[OwnLimits], dataset: &Dataset) {
        let wanted: HashSet<&str> = saved.iter().map(|own| own.fov.as_str()).collect();
        let rows = dataset.fovs.iter().enumerate();
        let by_path: HashMap<&str, FovId> = rows
            .filter(|(_, fov)| wanted.contains(fov.path.as_str()))
            .filter_map(|(row, fov)| Some((fov.path.as_str(), FovId(u32::try_from(row).ok()?))))
            .collect();
        for own in saved.iter().take(MAX_OWN_LIMITS) {
            let is_sane = own.limits.low.is_finite() && own.limits.high.is_finite();
            if let (Some(&fov), true) = (by_path.get(own.fov.as_str()), is_sane) {
                self.own_limits
                    .insert((fov, own.t, own.channel), own.limits);
            }
        }
    }
}
