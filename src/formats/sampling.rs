//! Pixel size, z-step and time step: Squid's own keys before OME transforms, in µm and s.

use crate::{
    dataset::Sampling,
    metadata::{
        ngff::{unit_to_seconds, unit_to_um},
        squid::SquidKeys,
    },
    model::{Axis, AxisRole, Code, Problem, Step, readable},
};

/// The sampling of level 0 with axes and scale as the OME metadata gives them; without a unit there is none.
pub(super) fn of_level(
    axes: &[Axis],
    scale: Option<&[f64]>,
    squid: Option<&SquidKeys>,
    location: &str,
) -> (Sampling, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut along = |role: AxisRole, step: Step, factor_of: fn(&str) -> Option<f64>| {
        let at = axes.iter().position(|axis| axis.role == role)?;
        let value = *scale?.get(at)?;
        let unit = axes[at].unit.as_deref()?;
        let physical = value * factor_of(unit)?;
        if step.can_be(physical) {
            return Some(physical);
        }
        let (name, value, expected) = (&axes[at].name, readable(value), step.expected());
        problems.push(Problem::new(
            Code::Ignored,
            location,
            format!("step along {name} is {value} {unit}, expected {expected}; taken as missing"),
        ));
        None
    };
    let ome = Sampling {
        y_um: along(AxisRole::Y, Step::Length, unit_to_um),
        x_um: along(AxisRole::X, Step::Length, unit_to_um),
        z_um: along(AxisRole::Z, Step::Length, unit_to_um),
        t_secs: along(AxisRole::Time, Step::Time, unit_to_seconds),
    };
    let Some(squid) = squid else {
        return (ome, problems);
    };
    let sampling = Sampling {
        y_um: squid.pixel_size_um.or(ome.y_um),
        x_um: squid.pixel_size_um.or(ome.x_um),
        z_um: squid.z_step_um.or(ome.z_um),
        t_secs: squid.time_increment_s.or(ome.t_secs),
    };
    (sampling, problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(name: &str, role: AxisRole, unit: Option<&str>) -> Axis {
        Axis {
            name: name.to_owned(),
            role,
            unit: unit.map(str::to_owned),
        }
    }

    fn check(unit: Option<&str>, scale: f64, squid_um: Option<f64>, expected: Option<f64>) {
        let axes = [
            axis("y", AxisRole::Y, unit),
            axis("x", AxisRole::X, Some("nanometer")),
        ];
        let keys = SquidKeys {
            pixel_size_um: squid_um,
            ..SquidKeys::default()
        };
        let (sampling, _) = of_level(&axes, Some(&[scale, 500.0]), Some(&keys), ".");
        assert_eq!(sampling.y_um, expected);
        assert_eq!(sampling.x_um, squid_um.or(Some(0.5)));
    }

    #[test]
    fn units_become_micrometers_and_unknown_ones_nothing() {
        check(Some("micrometer"), 0.325, None, Some(0.325));
        check(Some("Micron"), 2.0, None, Some(2.0));
        check(Some("millimeter"), 0.5, None, Some(500.0));
        check(Some("pixel"), 1.0, None, None);
        check(None, 1.0, None, None);
    }

    #[test]
    fn squid_keys_come_before_transforms() {
        check(Some("micrometer"), 0.325, Some(0.7), Some(0.7));
    }

    #[test]
    fn a_step_that_cannot_be_is_left_aside_and_listed() {
        for value in [0.0, -1.0, 1e308, 5e-324, f64::NAN, f64::INFINITY] {
            check(Some("micrometer"), value, None, None);
        }
        let axes = [axis("t", AxisRole::Time, Some("minute"))];
        let (sampling, problems) = of_level(&axes, Some(&[0.0]), None, ".");
        assert_eq!((sampling.t_secs, problems.len()), (None, 1));
        assert_eq!(
            of_level(&axes, Some(&[2.0]), None, ".").0.t_secs,
            Some(120.0)
        );
    }
}
