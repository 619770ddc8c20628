//! Lookup tables: a channel's pure colour, or a named colormap that a user picks.

use super::Rgb;

/// A named LUT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Colormap {
    Viridis,
    Magma,
    Inferno,
    Turbo,
}

/// The mapping from normalised value to colour of one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lut {
    /// Black at 0, this colour at 1, linear in between.
    Color(Rgb),
    /// A named colormap.
    Map(Colormap),
}

impl Lut {
    /// The colour at `value` (0 to 1, clamped): red, green, blue, each 0 to 1, display space.
    #[must_use]
    pub fn at(self, value: f32) -> [f32; 3] {
        unimplemented!("{value}")
    }

    /// The colour at 1: what a swatch shows.
    #[must_use]
    pub fn swatch(self) -> Rgb {
        unimplemented!()
    }
}

impl Colormap {
    /// Every named colormap.
    pub const ALL: [Self; 4] = [Self::Viridis, Self::Magma, Self::Inferno, Self::Turbo];

    /// Its name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Viridis => "Viridis",
            Self::Magma => "Magma",
            Self::Inferno => "Inferno",
            Self::Turbo => "Turbo",
        }
    }
}
