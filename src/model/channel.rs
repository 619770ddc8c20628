//! A channel as the files describe it.

use super::{ContrastLimits, Rgb};

/// As the colour of a channel: the map from black to white.
const GRAY: Rgb = Rgb {
    r: 255,
    g: 255,
    b: 255,
};

/// What the files say of one channel; `None` where they say nothing usable.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Channel {
    /// Its name as written.
    pub name: Option<String>,
    /// Its colour exactly as given.
    pub color: Option<Rgb>,
    /// Drawn in gray, whatever its colour is: the rendering model of `omero` is greyscale.
    pub in_gray: bool,
    /// Its lookup table is reversed: bright where samples are small; `inverted` of `omero`.
    pub inverted: bool,
    /// `omero.window`'s start and end; `None` also where they equal the range of the sample type.
    pub window: Option<ContrastLimits>,
    /// Shown at first; NGFF's `active`.
    pub active: Option<bool>,
    /// Which colour of a colour image it is, where it is one: red, green and blue follow each other.
    pub color_part: Option<u8>,
    /// Exposure in ms, from `acquisition_channels.yaml`.
    pub exposure_ms: Option<f64>,
    /// Emission wavelength in nm.
    pub emission_nm: Option<f64>,
}

impl Channel {
    /// The name in the window: the files' own, else `Ch{index}`.
    #[must_use]
    pub fn display_name(&self, index: usize) -> String {
        self.name.clone().unwrap_or_else(|| format!("Ch{index}"))
    }

    /// The colour in the window: gray where the files ask for that, their own, else by wavelength or dye, else by index.
    #[must_use]
    pub fn display_color(&self, index: usize, num_channels: usize) -> Rgb {
        if self.in_gray {
            return GRAY;
        }
        self.color.unwrap_or_else(|| {
            Rgb::of_channel(self.name.as_deref(), self.emission_nm, index, num_channels)
        })
    }
}
