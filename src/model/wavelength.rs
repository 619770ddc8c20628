//! From the name of a channel to its wavelength, and from a wavelength to a colour.
//!
//! Colours are chosen to be told apart in an additive composite on black, near the colour that people expect of a line:
//! they are not the colours of the light. Deep blue and far red light is nearly invisible, so 405 nm is a light blue, and
//! what lies beyond 700 nm goes over magenta to a pale violet. Every wavelength has a colour.

use super::Rgb;

/// Shortest and longest number in a name that is taken for a wavelength in nm.
const PLAUSIBLE_NM: std::ops::RangeInclusive<u32> = 350..=850;

const fn rgb(r: u8, g: u8, b: u8) -> Rgb {
    Rgb { r, g, b }
}

const WHITE: Rgb = rgb(255, 255, 255);

/// First wavelength beyond the band in nm, colour of the band. What is beyond the last one is [`BEYOND`].
///
/// The borders lie between the lines and dyes in use: 405 | 445 | 488 514 520 | 532 | 561 | 594 | 638 640 647 | 665 690 |
/// 730 | 750 780.
const BANDS: [(f64, Rgb); 9] = [
    (430.0, rgb(0x3C, 0x78, 0xFF)),
    (475.0, rgb(0x00, 0xC8, 0xFF)),
    (530.0, rgb(0x1F, 0xFF, 0x00)),
    (550.0, rgb(0xA8, 0xFF, 0x00)),
    (580.0, rgb(0xFF, 0xCF, 0x00)),
    (615.0, rgb(0xFF, 0x7A, 0x00)),
    (655.0, rgb(0xFF, 0x00, 0x00)),
    (700.0, rgb(0xFF, 0x2A, 0x7A)),
    (740.0, rgb(0xFF, 0x3C, 0xC8)),
];

/// Far red and infrared.
const BEYOND: Rgb = rgb(0xD9, 0xB3, 0xFF);

/// Colours by place, neighbours as different as can be; further channels begin again.
const PALETTE: [Rgb; 12] = [
    rgb(0x1F, 0xFF, 0x00),
    rgb(0xFF, 0x00, 0xFF),
    rgb(0x00, 0xC8, 0xFF),
    rgb(0xFF, 0xCF, 0x00),
    rgb(0xFF, 0x00, 0x00),
    rgb(0x3C, 0x78, 0xFF),
    rgb(0xFF, 0x7A, 0x00),
    rgb(0x00, 0xFF, 0xAA),
    rgb(0xD9, 0xB3, 0xFF),
    rgb(0xA8, 0xFF, 0x00),
    rgb(0xFF, 0x2A, 0x7A),
    WHITE,
];

/// What people write for light that goes through the sample, without spaces and in lower case.
const TRANSMITTED: [&str; 8] = [
    "brightfield",
    "ledmatrix",
    "transmitted",
    "transmission",
    "phasecontrast",
    "darkfield",
    "diascopic",
    "halogen",
];

/// The same as words of their own.
const TRANSMITTED_WORDS: [&str; 8] = ["bf", "dic", "phase", "trans", "tl", "tpmt", "df", "ph"];

/// Dyes by the laser line or filter that they are used with, in nm. Found anywhere in the name without its spaces;
/// longer names before shorter ones that are part of them.
const DYES: [(&str, f64); 34] = [
    ("hoechst", 405.0),
    ("pacificblue", 405.0),
    ("cascadeblue", 405.0),
    ("calcofluor", 405.0),
    ("mturquoise", 445.0),
    ("cerulean", 445.0),
    ("calcein", 488.0),
    ("fluorescein", 488.0),
    ("phalloidin", 488.0),
    ("mneongreen", 488.0),
    ("sytoxgreen", 488.0),
    ("oregongreen", 488.0),
    ("gcamp", 488.0),
    ("bodipy", 488.0),
    ("mvenus", 532.0),
    ("citrine", 532.0),
    ("mkate", 594.0),
    ("rhodamine", 561.0),
    ("tdtomato", 561.0),
    ("mscarlet", 561.0),
    ("dsred", 561.0),
    ("mitotrackerdeepred", 640.0),
    ("mitotracker", 561.0),
    ("propidium", 561.0),
    ("mcherry", 594.0),
    ("mruby", 594.0),
    ("texasred", 594.0),
    ("draq5", 665.0),
    ("draq7", 665.0),
    ("indocyanine", 780.0),
    ("cellmask", 640.0),
    ("farred", 665.0),
    ("deepred", 640.0),
    ("infrared", 780.0),
];

/// Short names: words of their own, or what ends a word (`egfp`), in nm.
const SHORT_DYES: [(&str, f64); 25] = [
    ("dapi", 405.0),
    ("bfp", 405.0),
    ("cfp", 445.0),
    ("gfp", 488.0),
    ("fitc", 488.0),
    ("cy2", 488.0),
    ("fluo4", 488.0),
    ("yfp", 532.0),
    ("venus", 532.0),
    ("tritc", 561.0),
    ("rfp", 561.0),
    ("cy3", 561.0),
    ("tamra", 561.0),
    ("pe", 561.0),
    ("pi", 561.0),
    ("cy35", 594.0),
    ("rox", 594.0),
    ("cy5", 640.0),
    ("apc", 640.0),
    ("sir", 640.0),
    ("atto", 640.0),
    ("cy55", 690.0),
    ("irfp", 690.0),
    ("cy7", 750.0),
    ("icg", 780.0),
];

/// Colours by their own names, as words.
const COLOR_WORDS: [(&str, Rgb); 10] = [
    ("red", rgb(255, 0, 0)),
    ("green", rgb(0, 255, 0)),
    ("blue", rgb(0x3C, 0x78, 0xFF)),
    ("cyan", rgb(0, 255, 255)),
    ("magenta", rgb(255, 0, 255)),
    ("yellow", rgb(255, 255, 0)),
    ("orange", rgb(0xFF, 0x7A, 0x00)),
    ("violet", rgb(0xD9, 0xB3, 0xFF)),
    ("white", WHITE),
    ("gray", WHITE),
];

/// The colour of a wavelength in nm; every finite number has one.
pub(super) fn color_of_nm(nm: f64) -> Rgb {
    let band = BANDS.iter().find(|&&(end, _)| nm < end);
    band.map_or(BEYOND, |&(_, color)| color)
}

/// The colour at a place among channels without other hints; one channel alone is white on black.
pub(super) fn color_of_index(index: usize, num_channels: usize) -> Rgb {
    if num_channels <= 1 {
        return WHITE;
    }
    PALETTE.get(index % PALETTE.len()).copied().unwrap_or(WHITE)
}

/// The colour that a name says: transmitted light, then a wavelength, then a dye, then a colour's name.
pub(super) fn color_of_name(name: &str) -> Option<Rgb> {
    let name = name.to_lowercase();
    let words: Vec<&str> = name
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let joined = words.concat();
    let is_transmitted = TRANSMITTED.iter().any(|text| joined.contains(text))
        || words.iter().any(|word| TRANSMITTED_WORDS.contains(word));
    if is_transmitted {
        return Some(transmitted(&words));
    }
    let nm = wavelength(&name).or_else(|| dye_nm(&words, &joined));
    nm.map(color_of_nm).or_else(|| {
        let named = COLOR_WORDS.iter().find(|(word, _)| words.contains(word));
        named.map(|&(_, color)| color)
    })
}

/// Gray; Squid photographs colour through the LED matrix and names the parts `_R`, `_G`, `_B`.
fn transmitted(words: &[&str]) -> Rgb {
    match words.last() {
        Some(&"r") => rgb(255, 0, 0),
        Some(&"g") => rgb(0, 255, 0),
        Some(&"b") => rgb(0, 0, 255),
        _ => WHITE,
    }
}

/// A channel's name where there is little room: its wavelength, else its first eight letters.
#[must_use]
pub fn short_channel_name(name: &str) -> String {
    wavelength(name).map_or_else(|| name.chars().take(8).collect(), |nm| format!("{nm:.0}"))
}

/// The first number of three digits that may be a wavelength.
fn wavelength(name: &str) -> Option<f64> {
    let numbers = name.split(|letter: char| !letter.is_ascii_digit());
    numbers
        .filter(|digits| digits.len() == 3)
        .filter_map(|digits| digits.parse::<u32>().ok())
        .find(|nm| PLAUSIBLE_NM.contains(nm))
        .map(f64::from)
}

fn dye_nm(words: &[&str], joined: &str) -> Option<f64> {
    let long = DYES.iter().find(|(dye, _)| joined.contains(dye));
    // "Cy5.5" and "Cy 5" are two words.
    let pairs: Vec<String> = words.windows(2).map(<[&str]>::concat).collect();
    let mut all = pairs
        .iter()
        .map(String::as_str)
        .chain(words.iter().copied());
    let short = || all.find_map(short_dye_nm);
    long.map(|&(_, nm)| nm).or_else(short)
}

/// A word that is a short dye, or a fluorescent protein with letters before (`egfp`, `sfgfp`).
fn short_dye_nm(word: &str) -> Option<f64> {
    let is_protein = |dye: &str| dye.len() == 3 && dye.ends_with("fp");
    let found = SHORT_DYES.iter().find(|&&(dye, _)| word == dye);
    let found = found.or_else(|| {
        SHORT_DYES
            .iter()
            .find(|&&(dye, _)| is_protein(dye) && word.ends_with(dye))
    });
    found.map(|&(_, nm)| nm)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The colour of `name` is that of `nm`.
    fn check(name: &str, nm: f64) {
        assert_eq!(color_of_name(name), Some(color_of_nm(nm)), "{name}");
    }

    #[test]
    fn a_wavelength_in_the_name_decides() {
        for nm in [
            405, 445, 470, 488, 514, 520, 532, 561, 594, 638, 640, 665, 730, 750,
        ] {
            for name in [
                format!("Fluorescence {nm} nm Ex"),
                nm.to_string(),
                format!("B3_{nm}nm"),
                format!("Alexa{nm}"),
            ] {
                check(&name, f64::from(nm));
            }
        }
        check("Alexa Fluor 647", 638.0);
        check("488/525", 488.0);
        check("GFP 640", 640.0);
    }

    #[test]
    fn numbers_that_are_no_wavelength_are_passed_over() {
        for name in ["Channel 1", "Ch 100", "2048 x", "x 999", "4881", "", "µ"] {
            assert_eq!(color_of_name(name), None, "{name}");
        }
    }

    #[test]
    fn dyes_have_the_colour_of_their_line() {
        for (name, nm) in [
            ("DAPI", 405.0),
            ("Hoechst 33342", 405.0),
            ("hoechst", 405.0),
            ("CFP", 445.0),
            ("EGFP", 488.0),
            ("GFP-actin", 488.0),
            ("FITC", 488.0),
            ("sfGFP", 488.0),
            ("YFP", 532.0),
            ("TRITC", 561.0),
            ("Cy3", 561.0),
            ("Cy 3", 561.0),
            ("RFP", 561.0),
            ("tdTomato", 561.0),
            ("Texas Red", 594.0),
            ("mCherry", 594.0),
            ("Cy3.5", 594.0),
            ("Cy5", 640.0),
            ("SiR-DNA", 640.0),
            ("Cy5.5", 690.0),
            ("DRAQ5", 665.0),
            ("Cy7", 750.0),
            ("far-red", 665.0),
        ] {
            check(name, nm);
        }
    }

    #[test]
    fn transmitted_light_is_gray() {
        for name in [
            "BF LED matrix full",
            "Bright field",
            "brightfield",
            "DIC",
            "Phase",
            "transmitted 640",
            "TL",
            "T-PMT transmission",
        ] {
            assert_eq!(color_of_name(name), Some(WHITE), "{name}");
        }
        assert_eq!(color_of_name("BF_LED_matrix_full_R"), Some(rgb(255, 0, 0)));
        assert_eq!(color_of_name("red"), Some(rgb(255, 0, 0)));
    }

    #[test]
    fn neighbouring_lines_and_places_differ_and_no_wavelength_is_dark() {
        let lines = [
            405.0, 445.0, 488.0, 532.0, 561.0, 594.0, 638.0, 665.0, 730.0, 750.0,
        ];
        for pair in lines.windows(2) {
            assert_ne!(color_of_nm(pair[0]), color_of_nm(pair[1]), "{pair:?}");
        }
        for nm in 300..1000 {
            let Rgb { r, g, b } = color_of_nm(f64::from(nm));
            assert!(r.max(g).max(b) == 255, "{nm}");
        }
        let places: std::collections::HashSet<_> = (0..PALETTE.len())
            .map(|at| color_of_index(at, 40))
            .collect();
        assert_eq!(places.len(), PALETTE.len());
        assert_eq!(color_of_index(0, 1), WHITE);
        assert_eq!(color_of_index(12, 40), color_of_index(0, 40));
    }

    #[test]
    fn the_name_comes_before_the_emission_and_that_before_the_place() {
        let of = Rgb::of_channel;
        assert_eq!(of(Some("405"), Some(640.0), 3, 4), color_of_nm(405.0));
        assert_eq!(of(Some("nuclei"), Some(640.0), 3, 4), color_of_nm(640.0));
        assert_eq!(
            of(Some("nuclei"), Some(f64::NAN), 3, 4),
            color_of_index(3, 4)
        );
        assert_eq!(of(None, Some(0.0), 3, 4), color_of_index(3, 4));
        assert_eq!(of(None, None, 0, 1), WHITE);
    }
}
