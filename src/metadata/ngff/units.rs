//! Units of axes (UDUNITS names and what people write instead) to µm and s.

/// Kilometre to picometre: symbol, prefix, factor to the base unit.
const PREFIXES: [(&str, &str, f64); 9] = [
    ("k", "kilo", 1e3),
    ("", "", 1.0),
    ("d", "deci", 1e-1),
    ("c", "centi", 1e-2),
    ("m", "milli", 1e-3),
    // The two code points of µ are one after `normalise`.
    ("u", "micro", 1e-6),
    ("n", "nano", 1e-9),
    ("p", "pico", 1e-12),
    ("f", "femto", 1e-15),
];

/// µm in one `unit` of length; `None` for `pixel` and whatever else is no length.
#[must_use]
pub fn unit_to_um(unit: &str) -> Option<f64> {
    let unit = normalise(unit);
    match unit.as_str() {
        "um" | "micron" => Some(1.0),
        "nm" => Some(1e-3),
        "mm" => Some(1e3),
        "angstrom" | "ångström" | "ångstrom" | "å" => Some(1e-4),
        "inch" | "inche" | "in" => Some(25_400.0),
        "foot" | "feet" | "ft" => Some(304_800.0),
        other => prefixed(other, &["m"], &["meter", "metre"]).map(|meters| meters * 1e6),
    }
}

/// Seconds in one `unit` of time; `None` for whatever is no time.
#[must_use]
pub fn unit_to_seconds(unit: &str) -> Option<f64> {
    let unit = normalise(unit);
    match unit.as_str() {
        "ms" => Some(1e-3),
        "minute" | "min" => Some(60.0),
        "hour" | "hr" | "h" => Some(3600.0),
        "day" | "d" => Some(86_400.0),
        other => prefixed(other, &["s", "sec"], &["second"]),
    }
}

/// Lower case, without spaces around and without a plural s (`inches` becomes `inche`), both code points of µ as u.
fn normalise(unit: &str) -> String {
    let unit = unit.trim().to_lowercase().replace(['µ', 'μ'], "u");
    match unit.strip_suffix('s') {
        Some(singular) if singular.chars().count() > 3 => singular.to_owned(),
        _ => unit,
    }
}

/// The factor of a base unit with a prefix: a symbol with symbols, a name with names.
fn prefixed(unit: &str, symbols: &[&str], names: &[&str]) -> Option<f64> {
    let factor = |&(symbol, name, factor): &(&str, &str, f64)| {
        let is_symbol = unit
            .strip_prefix(symbol)
            .is_some_and(|rest| symbols.contains(&rest));
        // "umeter" and "µmeter" are seen too.
        let is_name = [name, symbol].iter().any(|prefix| {
            let rest = unit.strip_prefix(prefix);
            rest.is_some_and(|rest| names.contains(&rest))
        });
        (is_symbol || is_name).then_some(factor)
    };
    PREFIXES.iter().find_map(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(to: fn(&str) -> Option<f64>, unit: &str, expected: f64) {
        let found = to(unit).unwrap_or(f64::NAN);
        assert!(
            (found - expected).abs() <= expected * 1e-12,
            "{unit}: {found}"
        );
    }

    #[test]
    fn lengths_become_um() {
        for unit in [
            "micrometer",
            "micrometre",
            "Micrometers",
            "micron",
            "microns",
            "um",
            "µm",
            "μm",
            " µm ",
            "µmeter",
        ] {
            check(unit_to_um, unit, 1.0);
        }
        check(unit_to_um, "nanometer", 1e-3);
        check(unit_to_um, "nm", 1e-3);
        check(unit_to_um, "millimeter", 1e3);
        check(unit_to_um, "mm", 1e3);
        check(unit_to_um, "centimetre", 1e4);
        check(unit_to_um, "meter", 1e6);
        check(unit_to_um, "m", 1e6);
        check(unit_to_um, "picometer", 1e-6);
        check(unit_to_um, "angstrom", 1e-4);
        check(unit_to_um, "Å", 1e-4);
        check(unit_to_um, "inches", 25_400.0);
        check(unit_to_um, "inch", 25_400.0);
    }

    #[test]
    fn times_become_seconds() {
        for unit in ["second", "seconds", "s", "sec", "S"] {
            check(unit_to_seconds, unit, 1.0);
        }
        check(unit_to_seconds, "millisecond", 1e-3);
        check(unit_to_seconds, "ms", 1e-3);
        check(unit_to_seconds, "µs", 1e-6);
        check(unit_to_seconds, "microsecond", 1e-6);
        check(unit_to_seconds, "minute", 60.0);
        check(unit_to_seconds, "hours", 3600.0);
        check(unit_to_seconds, "day", 86_400.0);
    }

    #[test]
    fn other_units_are_none() {
        for unit in [
            "pixel", "pixels", "", "px", "parsec!", "second", "µ", "degree",
        ] {
            assert_eq!(unit_to_um(unit), None, "{unit}");
        }
        for unit in ["micrometer", "frame", "", "m"] {
            assert_eq!(unit_to_seconds(unit), None, "{unit}");
        }
    }
}
