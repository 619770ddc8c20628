//! Colours of channels: from hex, and from a channel's name where the file gives none.

use super::wavelength;

/// An opaque colour in sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Rgb {
    /// Red, 0 to 255.
    pub r: u8,
    /// Green, 0 to 255.
    pub g: u8,
    /// Blue, 0 to 255.
    pub b: u8,
}

/// A text is not a colour.
#[derive(Debug, thiserror::Error)]
#[error("expected a colour such as 20ADF8 or #20ADF8, found {found:?}")]
pub struct ColorError {
    /// The text.
    pub found: String,
}

impl Rgb {
    /// Parses `RRGGBB`, `#RRGGBB` and `RRGGBBAA` (alpha is left aside), in either case.
    ///
    /// # Errors
    /// When the text is none of these.
    pub fn from_hex(text: &str) -> Result<Self, ColorError> {
        let digits = text.strip_prefix('#').unwrap_or(text);
        let error = || ColorError {
            found: text.chars().take(64).collect(),
        };
        if !matches!(digits.len(), 6 | 8) || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(error());
        }
        let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| error());
        Ok(Self {
            r: part(0)?,
            g: part(2)?,
            b: part(4)?,
        })
    }

    /// `RRGGBB`.
    #[must_use]
    pub fn to_hex(self) -> String {
        format!("{:02X}{:02X}{:02X}", self.r, self.g, self.b)
    }

    /// The colour of a channel whose file gives none: by the wavelength or dye in its name, by its emission
    /// wavelength, by its place among the channels, in this order. One channel alone, of which nothing
    /// is known, is gray: the map from black to white.
    #[must_use]
    pub fn of_channel(
        name: Option<&str>,
        emission_nm: Option<f64>,
        index: usize,
        num_channels: usize,
    ) -> Self {
        // Far beyond light, a number is a mistake and says nothing.
        let emission_nm = emission_nm.filter(|nm| (200.0..=2000.0).contains(nm));
        name.and_then(wavelength::color_of_name)
            .or_else(|| emission_nm.map(wavelength::color_of_nm))
            .unwrap_or_else(|| wavelength::color_of_index(index, num_channels))
    }
}
