//! Channel settings: visibility, colour, contrast.

use std::sync::Arc;

use super::{Command, Direction, Session};
use crate::{
    dataset::Dataset,
    model::{Channel, ContrastLimits, Histogram, Lut, SampleType},
};

/// Channels that are shown at first where the files do not say.
const FIRST_VISIBLE: usize = 6;

/// Limits of 8-bit colours.
const EIGHT_BITS: ContrastLimits = ContrastLimits {
    low: 0.0,
    high: 255.0,
};

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
    /// Not known yet: taken from the first shown plane whose samples are not all equal.
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
    /// The LUT is read from its other end: small samples have the full colour.
    pub inverted: bool,
    /// `None` while pending.
    pub limits: Option<ContrastLimits>,
    /// What is drawn with while there are no limits: of the last plane, whose samples were all equal. Not kept.
    pub provisional: Option<ContrastLimits>,
    /// Where they come from.
    pub limits_source: LimitsSource,
    /// Exponent of the normalised value; 1 is linear.
    pub gamma: f32,
    /// Which colour of a colour image it is, where it is one.
    pub color_part: Option<u8>,
    /// Statistics of the plane shown last.
    pub histogram: Option<Arc<Histogram>>,
}

impl ChannelView {
    /// As the files say: name, colour and window; the rest at its default. Colours of 8-bit colour images are shown as
    /// they are.
    #[must_use]
    pub fn of_file(
        channel: &Channel,
        index: usize,
        num_channels: usize,
        sample_type: SampleType,
    ) -> Self {
        let is_color = channel.color_part.is_some() && sample_type == SampleType::U8;
        let limits = channel.window.or(is_color.then_some(EIGHT_BITS));
        Self {
            name: channel.display_name(index),
            visible: true,
            lut: Lut::Color(channel.display_color(index, num_channels)),
            inverted: channel.inverted,
            limits,
            provisional: None,
            limits_source: if limits.is_some() {
                LimitsSource::File
            } else {
                LimitsSource::Pending
            },
            gamma: 1.0,
            color_part: channel.color_part,
            histogram: None,
        }
    }

    /// Takes over what the files say now where it still is what they said before: what was set by hand stays.
    pub(super) fn update(&mut self, before: &Self, now: &Self) {
        if self.name == before.name {
            self.name.clone_from(&now.name);
        }
        if self.lut == before.lut {
            self.lut = now.lut;
        }
        if self.inverted == before.inverted {
            self.inverted = now.inverted;
        }
        if self.visible == before.visible {
            self.visible = now.visible;
        }
        self.color_part = now.color_part;
        let is_of_file = self.limits_source == LimitsSource::File && self.limits == before.limits;
        let is_pending = self.limits_source == LimitsSource::Pending;
        if now.limits_source == LimitsSource::File && (is_of_file || is_pending) {
            (self.limits, self.limits_source) = (now.limits, now.limits_source);
        }
    }

    /// Gamma inside its bounds, 0.1 to 10.
    pub(super) fn set_gamma(&mut self, gamma: f32) {
        self.gamma = if gamma.is_finite() {
            gamma.clamp(0.1, 10.0)
        } else {
            1.0
        };
    }
}

/// Every channel of a dataset as its files say. Visible are those that the files call active; where they call all of
/// them so, as Squid does, or none, the first ones; of several colour images the first, as two of them add up to white.
pub(super) fn of_dataset(dataset: &Dataset) -> Vec<ChannelView> {
    let described = &dataset.template.channels;
    let num_channels = dataset.num_channels() as usize;
    let num_active = described
        .iter()
        .filter(|channel| channel.active == Some(true))
        .count();
    let says_active = num_active > 0 && num_active < num_channels;
    let unknown = Channel::default();
    let sample_type = dataset.template.sample_type;
    let first_color = described.iter().position(|it| it.color_part.is_some());
    let view = |index: usize| {
        let channel = described.get(index).unwrap_or(&unknown);
        let visible = if says_active {
            channel.active == Some(true)
        } else {
            let is_other_image = channel.color_part.is_some_and(|part| {
                first_color.is_some_and(|first| index.saturating_sub(part.into()) > first)
            });
            index < FIRST_VISIBLE && !is_other_image
        };
        ChannelView {
            visible,
            ..ChannelView::of_file(channel, index, num_channels, sample_type)
        }
    };
    (0..num_channels).map(view).collect()
}

impl Session {
    /// Applies an intention towards channels that is not about contrast. Channels that there are not are left alone.
    pub(super) fn set_channels(&mut self, command: &Command) {
        match command {
            Command::SetVisible(channel, visible) => {
                self.change(*channel, |view| view.visible = *visible);
            }
            Command::SetLut(channel, lut) => self.change(*channel, |view| view.lut = *lut),
            Command::SetInverted(channel, inverted) => {
                self.change(*channel, |view| view.inverted = *inverted);
            }
            Command::SetGamma(channel, gamma) => {
                self.change(*channel, |view| view.set_gamma(*gamma));
            }
            Command::Solo(channel) if *channel < self.channels.len() => self.solo(*channel),
            Command::SelectChannel(channel) if *channel < self.channels.len() => {
                self.selected_channel = *channel;
                self.note_channel_choice();
            }
            Command::StepChannel(direction) => {
                self.step_channel(*direction);
                self.note_channel_choice();
            }
            Command::ToggleMode => {
                self.mode = match self.mode {
                    ChannelMode::Composite => ChannelMode::Single,
                    ChannelMode::Single => ChannelMode::Composite,
                };
            }
            _ => {}
        }
    }

    fn change(&mut self, channel: usize, change: impl FnOnce(&mut ChannelView)) {
        if let Some(view) = self.channels.get_mut(channel) {
            change(view);
        }
    }

    /// Only this channel, or all again where it is the only one.
    fn solo(&mut self, channel: usize) {
        let is_alone = self
            .channels
            .iter()
            .enumerate()
            .all(|(other, view)| view.visible == (other == channel));
        for (other, view) in self.channels.iter_mut().enumerate() {
            view.visible = is_alone || other == channel;
        }
    }

    fn step_channel(&mut self, direction: Direction) {
        let count = self.channels.len().max(1);
        let step = if direction == Direction::Forward {
            1
        } else {
            count - 1
        };
        self.selected_channel = (self.selected_channel + step) % count;
    }
}
