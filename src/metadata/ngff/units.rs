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

/// Further prefixes of the specification. Their symbols would be ambiguous in lower case (`Mm` and `mm`), so names alone.
const NAMED_PREFIXES: [(&str, f64); 13] = [
    ("deca", 1e1),
    ("hecto", 1e2),
    ("mega", 1e6),
    ("giga", 1e9),
    ("tera", 1e12),
    ("peta", 1e15),
    ("exa", 1e18),
    ("zetta", 1e21),
    ("yotta", 1e24),
    ("atto", 1e-18),
    ("zepto", 1e-21),
    ("yocto", 1e-24),
    ("deka", 1e1),
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
        "yard" | "yd" => Some(914_400.0),
        "mile" => Some(1_609_344_000.0),
        "parsec" => Some(3.085_677_581_491_367e22),
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
    let named = || {
        let factor = |&(prefix, factor): &(&str, f64)| {
            let rest = unit.strip_prefix(prefix)?;
            names.contains(&rest).then_some(factor)
        };
        NAMED_PREFIXES.iter().find_map(factor)
    };
    PREFIXES.iter().find_map(factor).or_else(named)
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
    fn every_unit_of_the_specification_is_known() {
        let lengths = "angstrom attometer centimeter decimeter exameter femtometer foot gigameter hectometer inch \
            kilometer megameter meter micrometer mile millimeter nanometer parsec petameter picometer terameter yard \
            yoctometer yottameter zeptometer zettameter";
        for unit in lengths.split_whitespace() {
            let found = unit_to_um(unit);
            assert!(found.is_some_and(|um| um > 0.0), "{unit}");
        }
        let times = "attosecond centisecond day decisecond exasecond femtosecond gigasecond hectosecond hour kilosecond \
            megasecond microsecond millisecond minute nanosecond petasecond picosecond second terasecond yoctosecond \
            yottasecond zeptosecond zettasecond";
        for unit in times.split_whitespace() {
            let found = unit_to_seconds(unit);
            assert!(found.is_some_and(|seconds| seconds > 0.0), "{unit}");
        }
        check(unit_to_um, "megameter", 1e12);
        check(unit_to_um, "yards", 914_400.0);
        check(unit_to_um, "mile", 1.609_344e9);
        check(unit_to_seconds, "hectosecond", 100.0);
        check(unit_to_seconds, "attosecond", 1e-18);
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
