//! The axes of an array: from OME metadata, else `dimension_names`, else by rank.
//!
//! By rank as Squid writes them: 6 fov,t,c,z,y,x; 5 t,c,z,y,x; 4 c,z,y,x; 3 z,y,x; 2 y,x.

use crate::{
    metadata::zarr_array::ArrayDocument,
    model::{Axis, AxisRole, Code, Problem},
};

/// Axes that are usable for `array`, and what had to be assumed; `None` where no plane can be cut from it.
pub(super) fn of_array(
    from_metadata: Option<&[Axis]>,
    array: &ArrayDocument,
    location: &str,
) -> Option<(Vec<Axis>, Vec<Problem>)> {
    let rank = array.shape.len();
    let mut problems = Vec::new();
    let mut assumed = |message: String| {
        problems.push(Problem::new(Code::Ignored, location, message));
    };
    match from_metadata {
        Some(axes) if axes.len() == rank && is_usable(axes) => {
            return Some((axes.to_vec(), problems));
        }
        Some(axes) => {
            let names = names_of(axes);
            assumed(format!(
                "axes {names} do not fit an array of {rank} dimensions with y and x, left aside"
            ));
        }
        None => {}
    }
    if let Some(names) = &array.dimension_names {
        let axes: Vec<Axis> = names.iter().map(|name| by_name(name)).collect();
        if axes.len() == rank && is_usable(&axes) {
            assumed(format!(
                "axes taken from dimension_names: {}",
                names_of(&axes)
            ));
            return Some((axes, problems));
        }
    }
    let axes = by_rank(rank)?;
    assumed(format!(
        "no usable axes, assumed {} by the number of dimensions",
        names_of(&axes)
    ));
    Some((axes, problems))
}

/// Exactly one y and one x, and no other role twice except `Other`.
fn is_usable(axes: &[Axis]) -> bool {
    let count = |role| axes.iter().filter(|axis| axis.role == role).count();
    let single = [AxisRole::Y, AxisRole::X];
    let optional = [
        AxisRole::Time,
        AxisRole::Channel,
        AxisRole::Z,
        AxisRole::Fov,
    ];
    single.into_iter().all(|role| count(role) == 1)
        && optional.into_iter().all(|role| count(role) <= 1)
}

/// The axis that a dimension of that name stands for.
fn by_name(name: &str) -> Axis {
    let (canonical, role) = match name.to_ascii_lowercase().as_str() {
        "t" | "time" => ("t", AxisRole::Time),
        "c" | "channel" => ("c", AxisRole::Channel),
        "z" => ("z", AxisRole::Z),
        "y" => ("y", AxisRole::Y),
        "x" => ("x", AxisRole::X),
        "fov" | "position" | "p" => ("fov", AxisRole::Fov),
        _ => (name, AxisRole::Other),
    };
    axis(canonical, role)
}

fn axis(name: &str, role: AxisRole) -> Axis {
    Axis {
        name: name.to_owned(),
        role,
        unit: None,
    }
}

/// The last `rank` of fov, t, c, z, y, x.
fn by_rank(rank: usize) -> Option<Vec<Axis>> {
    let all = ["fov", "t", "c", "z", "y", "x"];
    let first = all.len().checked_sub(rank)?;
    (rank >= 2).then(|| all[first..].iter().map(|name| by_name(name)).collect())
}

fn names_of(axes: &[Axis]) -> String {
    let names: Vec<&str> = axes.iter().map(|axis| axis.name.as_str()).collect();
    names.join(",")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::SampleType;

    fn check(names: Option<&[&str]>, rank: usize, expected: Option<&str>, num_problems: usize) {
        let array = ArrayDocument {
            shape: vec![1; rank],
            sample_type: SampleType::U8,
            chunk_shape: vec![1; rank],
            dimension_names: names
                .map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
            codecs: String::new(),
        };
        let found = of_array(None, &array, ".");
        let shown = found.as_ref().map(|(axes, _)| names_of(axes));
        assert_eq!(shown.as_deref(), expected);
        assert_eq!(
            found.map_or(0, |(_, problems)| problems.len()),
            num_problems
        );
    }

    #[test]
    fn without_names_the_rank_decides_and_says_so() {
        check(None, 6, Some("fov,t,c,z,y,x"), 1);
        check(None, 5, Some("t,c,z,y,x"), 1);
        check(None, 4, Some("c,z,y,x"), 1);
        check(None, 3, Some("z,y,x"), 1);
        check(None, 2, Some("y,x"), 1);
        check(None, 1, None, 0);
        check(None, 7, None, 0);
    }

    #[test]
    fn dimension_names_come_before_the_rank() {
        check(Some(&["X", "Time", "y"]), 3, Some("x,t,y"), 1);
        check(Some(&["angle", "y", "x"]), 3, Some("angle,y,x"), 1);
        check(Some(&["a", "b", "c"]), 3, Some("z,y,x"), 1);
    }

    #[test]
    fn axes_that_do_not_fit_are_left_aside() {
        let axes = [by_name("y"), by_name("x")];
        let array = ArrayDocument {
            shape: vec![1; 3],
            sample_type: SampleType::U8,
            chunk_shape: vec![1; 3],
            dimension_names: None,
            codecs: String::new(),
        };
        let (found, problems) = of_array(Some(&axes), &array, ".").expect("by rank");
        assert_eq!(names_of(&found), "z,y,x");
        assert_eq!(problems.len(), 2);
    }

    /// Roles with names that arrays use for them, in the order in which Squid writes them.
    const NAMES: [(AxisRole, &[&str]); 7] = [
        (AxisRole::Fov, &["fov", "FOV", "position", "p"]),
        (AxisRole::Time, &["t", "T", "time", "Time"]),
        (AxisRole::Channel, &["c", "C", "channel"]),
        (AxisRole::Other, &["angle", "phase"]),
        (AxisRole::Z, &["z", "Z"]),
        (AxisRole::Y, &["y", "Y"]),
        (AxisRole::X, &["x", "X"]),
    ];

    proptest! {
        /// Which dimension has a role must be found again whatever the order and the spelling of the names.
        #[test]
        fn roles_and_dimensions_map_to_each_other(
            order in Just([0, 1, 2, 3, 4, 5, 6]).prop_shuffle(),
            (spelling, num_left_out) in (0_usize..4, 0_usize..5),
        ) {
            let mut left_out = num_left_out;
            let kept: Vec<_> = order.into_iter().map(|at| NAMES[at]).filter(|(role, _)| {
                let is_needed = matches!(role, AxisRole::Y | AxisRole::X);
                let goes = !is_needed && left_out > 0;
                left_out -= usize::from(goes);
                !goes
            }).collect();
            let array = ArrayDocument {
                shape: vec![1; kept.len()],
                sample_type: SampleType::U8,
                chunk_shape: vec![1; kept.len()],
                dimension_names: Some(kept.iter().map(|(_, names)| names[spelling % names.len()].to_owned()).collect()),
                codecs: String::new(),
            };
            let (axes, _) = of_array(None, &array, ".").expect("y and x are there");
            for (dimension, (role, _)) in kept.iter().enumerate() {
                let found = axes.iter().position(|axis| axis.role == *role);
                prop_assert_eq!(found, Some(dimension));
            }
            // What was normalised is left as it is.
            let again = of_array(Some(&axes), &array, ".");
            prop_assert_eq!(again, Some((axes, Vec::new())));
        }
    }
}
