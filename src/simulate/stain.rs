//! What a channel shows, from the wavelength or dye in its name, and its colour in Squid's table.

/// What is bright in a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Nuclei with their chromatin.
    Nuclei,
    /// Cytoplasm with its fibres, nuclei dimmer.
    Cytoplasm,
    /// Mitochondria around the nuclei.
    Mitochondria,
    /// Membranes.
    Membrane,
    /// Transmitted light: a bright field with dark and bright outlines.
    Brightfield,
}

/// A channel's stain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stain {
    pub(super) target: Target,
    /// Excitation in nm, where the name states one; Squid writes it as emission.
    pub(super) wavelength_nm: Option<u32>,
    color: &'static str,
}

/// Words in names, in lower case, with what they show. Colours are those of Squid's laser lines.
const DYES: &[(&[&str], Target, &str)] = &[
    (
        &["dapi", "hoechst", "405", "385", "395"],
        Target::Nuclei,
        "20ADF8",
    ),
    (
        &["gfp", "fitc", "488", "470", "475", "alexa 488"],
        Target::Cytoplasm,
        "1FFF00",
    ),
    (
        &[
            "rfp", "tritc", "cy3", "mcherry", "mito", "561", "555", "550", "532",
        ],
        Target::Mitochondria,
        "FFCF00",
    ),
    (
        &["cy5", "membrane", "638", "640", "647", "635"],
        Target::Membrane,
        "FF0000",
    ),
    (&["cy7", "730", "750", "735"], Target::Cytoplasm, "770000"),
];

impl Stain {
    /// The stain of a channel of that name; names that say nothing are transmitted light in white.
    pub(super) fn of(name: &str) -> Self {
        let lower = name.to_lowercase();
        let known = DYES
            .iter()
            .find(|(words, ..)| words.iter().any(|word| lower.contains(word)));
        let (target, color) = known
            .map_or((Target::Brightfield, "FFFFFF"), |&(_, target, color)| {
                (target, color)
            });
        Self {
            target,
            wavelength_nm: wavelength_nm(&lower),
            color,
        }
    }

    /// `RRGGBB`.
    pub(super) fn hex(self) -> &'static str {
        self.color
    }
}

/// The three digits before `nm`.
fn wavelength_nm(name: &str) -> Option<u32> {
    name.match_indices("nm").find_map(|(at, _)| {
        let before = name[..at].trim_end();
        let digits = before.get(before.len().checked_sub(3)?..)?;
        digits
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| digits.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_decide_what_is_bright() {
        let check = |name, target, wavelength_nm, color| {
            assert_eq!(
                Stain::of(name),
                Stain {
                    target,
                    wavelength_nm,
                    color
                },
                "{name}"
            );
        };
        check(
            "Fluorescence 405 nm Ex",
            Target::Nuclei,
            Some(405),
            "20ADF8",
        );
        check("GFP", Target::Cytoplasm, None, "1FFF00");
        check("mCherry", Target::Mitochondria, None, "FFCF00");
        check(
            "Fluorescence 638 nm Ex",
            Target::Membrane,
            Some(638),
            "FF0000",
        );
        check("BF LED matrix full", Target::Brightfield, None, "FFFFFF");
        check("µnm", Target::Brightfield, None, "FFFFFF");
    }
}
