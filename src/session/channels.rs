//! Channel settings: visibility, colour, contrast.

use crate::model::{ContrastLimits, Lut};

/// All visible channels blended, or one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelMode {
    /// Visible channels, added.
    Composite,
    /// The selected channel alone.
    Single,
}

/// Where the limits of a channel come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LimitsSource {
    /// Not known yet: taken from the first plane that is shown.
    Pending,
    /// `omero.window`.
    File,
    /// Percentiles or extremes of a shown plane.
    Auto,
    /// Set by hand.
    User,
}

/// How one channel is looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelView {
    /// Name in the window.
    pub name: String,
    /// Drawn in composite mode.
    pub visible: bool,
    /// From normalised value to colour.
    pub lut: Lut,
    /// `None` while pending.
    pub limits: Option<ContrastLimits>,
    /// Where they come from.
    pub limits_source: LimitsSource,
    /// Exponent of the normalised value; 1 is linear.
    pub gamma: f32,
}
