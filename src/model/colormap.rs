//! Lookup tables: a channel's pure colour, or a named colormap that a user picks.
//!
//! The named maps are nine anchors each, interpolated linearly: Viridis, Magma and Inferno by Stéfan van der Walt and
//! Nathaniel Smith (CC0), Turbo by Anton Mikhailov (Google, Apache-2.0).

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

const VIRIDIS: [u32; 9] = [
    0x44_01_54, 0x47_2D_7B, 0x3B_52_8B, 0x2C_72_8E, 0x21_91_8C, 0x28_AE_80, 0x5E_C9_62, 0xAD_DC_30,
    0xFD_E7_25,
];
const MAGMA: [u32; 9] = [
    0x00_00_04, 0x1D_11_47, 0x51_12_7C, 0x83_26_81, 0xB7_37_79, 0xE7_52_63, 0xFC_89_61, 0xFE_C2_87,
    0xFC_FD_BF,
];
#[expect(
    clippy::mistyped_literal_suffixes,
    reason = "bytes of colours that end in 0x32"
)]
const INFERNO: [u32; 9] = [
    0x00_00_04, 0x21_0C_4A, 0x57_10_6E, 0x8A_22_6A, 0xBC_37_54, 0xE4_59_32, 0xF9_8C_0A, 0xF9_C9_32,
    0xFC_FF_A4,
];
const TURBO: [u32; 9] = [
    0x30_12_3B, 0x46_6B_E3, 0x28_BC_EB, 0x31_F2_99, 0xA2_FC_3C, 0xED_D0_3A, 0xFB_80_22, 0xD2_31_05,
    0x7A_04_03,
];

impl Lut {
    /// The colour at `value` (0 to 1, clamped): red, green, blue, each 0 to 1, display space.
    #[must_use]
    pub fn at(self, value: f32) -> [f32; 3] {
        let value = if value.is_nan() {
            0.0
        } else {
            value.clamp(0.0, 1.0)
        };
        match self {
            Self::Color(rgb) => unit(rgb).map(|part| part * value),
            Self::Map(map) => {
                let anchors = map.anchors();
                let at = value * (anchors.len() - 1) as f32;
                let index = (at as usize).min(anchors.len() - 2);
                let (low, high) = (
                    unit(rgb_of(anchors[index])),
                    unit(rgb_of(anchors[index + 1])),
                );
                let part = at - index as f32;
                std::array::from_fn(|i| low[i] + (high[i] - low[i]) * part)
            }
        }
    }

    /// The colour at 1: what a swatch shows.
    #[must_use]
    pub fn swatch(self) -> Rgb {
        match self {
            Self::Color(rgb) => rgb,
            Self::Map(map) => rgb_of(map.anchors()[8]),
        }
    }
}

/// Red, green and blue, each 0 to 1.
fn unit(rgb: Rgb) -> [f32; 3] {
    [rgb.r, rgb.g, rgb.b].map(|part| f32::from(part) / 255.0)
}

fn rgb_of(packed: u32) -> Rgb {
    let [_, r, g, b] = packed.to_be_bytes();
    Rgb { r, g, b }
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

    fn anchors(self) -> [u32; 9] {
        match self {
            Self::Viridis => VIRIDIS,
            Self::Magma => MAGMA,
            Self::Inferno => INFERNO,
            Self::Turbo => TURBO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pure_colour_goes_from_black_to_itself() {
        let lut = Lut::Color(Rgb {
            r: 255,
            g: 0,
            b: 51,
        });
        assert_eq!(lut.at(0.0), [0.0; 3]);
        assert_eq!(lut.at(2.0), [1.0, 0.0, 0.2]);
        assert_eq!(lut.at(f32::NAN), [0.0; 3]);
    }

    #[test]
    fn a_colormap_passes_through_its_anchors() {
        let lut = Lut::Map(Colormap::Viridis);
        assert_eq!(
            lut.at(0.5),
            unit(Rgb {
                r: 0x21,
                g: 0x91,
                b: 0x8C
            })
        );
        assert_eq!(
            lut.swatch(),
            Rgb {
                r: 0xFD,
                g: 0xE7,
                b: 0x25
            }
        );
    }
}
