//! `datasets` and the two lists of coordinate transformations, combined into one scale and one translation per level.
//!
//! The list of a dataset is applied first, then that of the multiscale (NGFF 0.4 and 0.5, "multiscales metadata"):
//! world = s2 · (s1 · index + t1) + t2. `identity` is tolerated, Squid writes it.
//!
//! From 0.6 on a level leads into one of the `coordinateSystems`, whose axes count; the list of the multiscale leads to
//! further systems and is applied only where that one has no y and x. Composed transformations are taken apart in `composed.rs`.

mod composed;

use serde_json::Value;

use self::composed::{Step, steps};
use super::{
    super::json::{as_number, as_text, member, shown, shown_text},
    LevelEntry,
};
use crate::model::{Axis, Code, Problem, exact, limits};

/// Transformations applied so far.
#[derive(Default)]
struct Combined {
    scale: Option<Vec<f64>>,
    translation: Option<Vec<f64>>,
}

/// Reads `datasets` of a multiscale with their transformations.
pub(super) fn parse_levels(
    multiscale: &Value,
    axes: Option<&[Axis]>,
    problems: &mut Vec<Problem>,
) -> Vec<LevelEntry> {
    let Some(datasets) = member(multiscale, "datasets").and_then(Value::as_array) else {
        let message = "multiscales has no list of datasets";
        problems.push(Problem::new(Code::BadMetadata, ".", message));
        return Vec::new();
    };
    if datasets.len() > limits::LEVELS {
        let message = format!(
            "datasets has {} entries, the first {} are used",
            datasets.len(),
            limits::LEVELS
        );
        problems.push(Problem::new(Code::TooLarge, ".", message));
    }
    let common = member(multiscale, "coordinateTransformations");
    let bridge = shown_system(multiscale).map(|(_, bridge)| bridge);
    let common = bridge.as_ref().or(common);
    // There a transformation says all: one without a scale leads to pixels of 1.
    let has_systems = bridge.is_some();
    let mut levels = Vec::new();
    for dataset in datasets.iter().take(limits::LEVELS) {
        let Some(path) = member(dataset, "path").and_then(as_text) else {
            let message = format!("an entry of datasets is {} without a path", shown(dataset));
            problems.push(Problem::new(Code::BadMetadata, ".", message));
            continue;
        };
        let own = member(dataset, "coordinateTransformations");
        let lists = [own, common];
        let num_problems = problems.len();
        let mut found = level(path, lists, axes, problems);
        if has_systems && own.is_some() && problems.len() == num_problems {
            found.scale = found.scale.or_else(|| Some(vec![1.0; axes?.len()]));
        }
        levels.push(found);
    }
    levels
}

/// One level with both lists combined.
fn level(
    path: String,
    lists: [Option<&Value>; 2],
    axes: Option<&[Axis]>,
    problems: &mut Vec<Problem>,
) -> LevelEntry {
    let mut num_axes = axes.map(<[Axis]>::len);
    let mut combined = Combined::default();
    let mut unusable: Vec<(Code, String)> = Vec::new();
    for list in lists.into_iter().flatten() {
        let Some(transforms) = list.as_array() else {
            let found = shown(list);
            let message = format!("coordinateTransformations is {found}, expected a list");
            unusable.push((Code::BadMetadata, message));
            continue;
        };
        for transform in transforms.iter().take(limits::ARRAY_DIMENSIONS) {
            let applied = apply(&mut combined, transform, &mut num_axes);
            unusable.extend(applied.err());
        }
    }
    let odd = odd_scale(combined.scale.as_deref(), axes).into_iter();
    unusable.extend(odd.map(|message| (Code::BadMetadata, message)));
    for (code, message) in unusable {
        let message = format!("level {}: {message}", shown_text(&path));
        let problem = Problem::new(code, ".", message);
        problems.push(problem);
    }
    LevelEntry {
        path,
        scale: combined.scale,
        translation: combined.translation,
    }
}

/// Applies one transformation after those so far.
fn apply(
    combined: &mut Combined,
    transform: &Value,
    num_axes: &mut Option<usize>,
) -> Result<(), (Code, String)> {
    for step in steps(transform, num_axes)? {
        match step {
            Step::Scale(factors) => combined.scale_by(factors),
            Step::Translation(offsets) => match &mut combined.translation {
                Some(sums) => sums.iter_mut().zip(&offsets).for_each(|(v, o)| *v += o),
                None => combined.translation = Some(offsets),
            },
        }
    }
    Ok(())
}

impl Combined {
    fn scale_by(&mut self, factors: Vec<f64>) {
        let times = |values: &mut Vec<f64>| {
            values.iter_mut().zip(&factors).for_each(|(v, f)| *v *= f);
        };
        if let Some(translation) = &mut self.translation {
            times(translation);
        }
        match &mut self.scale {
            Some(scale) => times(scale),
            None => self.scale = Some(factors),
        }
    }
}

/// Axes of the coordinate system that is shown (0.6).
pub(super) fn shown_axes(multiscale: &Value) -> Option<&Value> {
    member(shown_system(multiscale)?.0, "axes")
}

/// The coordinate system that the first level leads into, else the first with y and x; and the list of transformations
/// that lead there from the former.
fn shown_system(multiscale: &Value) -> Option<(&Value, Value)> {
    let systems = member(multiscale, "coordinateSystems")?.as_array()?;
    let output = multiscale.pointer("/datasets/0/coordinateTransformations/0/output");
    let intrinsic = output.and_then(name_of);
    let named = |name: Option<&str>| {
        let is_meant = |system: &&Value| name.is_some() && name_of(system) == name;
        systems.iter().find(is_meant)
    };
    let first = named(intrinsic).or_else(|| systems.first())?;
    let Some(second) = systems
        .iter()
        .find(|it| has_plane(it))
        .filter(|_| !has_plane(first))
    else {
        return Some((first, Value::Array(Vec::new())));
    };
    let further = member(multiscale, "coordinateTransformations").and_then(Value::as_array);
    let leads = |transform: &&Value| {
        let end = |key: &str| transform.get(key).and_then(name_of);
        end("input") == intrinsic && end("output") == name_of(second)
    };
    let bridge = further.into_iter().flatten().find(leads).cloned();
    Some((second, Value::Array(bridge.into_iter().collect())))
}

/// A name as `{"name": ..}`, or alone as drafts wrote it.
fn name_of(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("name")?.as_str())
}

/// True for a coordinate system with axes y and x.
fn has_plane(system: &Value) -> bool {
    let axes = member(system, "axes").and_then(Value::as_array);
    let has = |name: &str| {
        let mut axes = axes.into_iter().flatten().filter_map(name_of);
        axes.any(|axis| axis.eq_ignore_ascii_case(name))
    };
    has("y") && has("x")
}

/// The numbers of a transformation, one per axis; an entry that is none is NaN.
fn vector(
    transform: &Value,
    key: &str,
    num_axes: &mut Option<usize>,
) -> Result<Vec<f64>, (Code, String)> {
    let Some(values) = member(transform, key).and_then(Value::as_array) else {
        let message = format!("{key} without a list of numbers left aside");
        return Err((Code::BadMetadata, message));
    };
    // Without axes the first list decides, so that lists of different lengths are never mixed.
    let expected = *num_axes.get_or_insert(values.len());
    if values.len() != expected || expected > limits::ARRAY_DIMENSIONS {
        let found = values.len();
        let message = format!("{key} has {found} numbers, expected {expected}; left aside");
        // The specification's own documents have it so, and call it valid.
        return Err((Code::Ignored, message));
    }
    let number = |value| as_number(value).unwrap_or(f64::NAN);
    Ok(values.iter().map(number).collect())
}

/// Says which entries of a scale are no sampling.
fn odd_scale(scale: Option<&[f64]>, axes: Option<&[Axis]>) -> Vec<String> {
    let odd = scale
        .unwrap_or_default()
        .iter()
        .enumerate()
        .filter(|&(_, &factor)| !(factor.is_finite() && factor > 0.0));
    let message = |(at, factor): (usize, &f64)| {
        let name = axes
            .and_then(|axes| axes.get(at))
            .map(|axis| shown_text(&axis.name));
        let name = name.unwrap_or_else(|| at.to_string());
        let factor = exact(*factor);
        format!("scale along axis {name} is {factor}, expected a number above 0; taken as missing")
    };
    odd.map(message).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    type Vector<'a> = Option<&'a [f64]>;

    fn check(
        own: impl Into<Value>,
        common: impl Into<Value>,
        scale: Vector<'_>,
        translation: Vector<'_>,
        num_problems: usize,
    ) {
        let multiscale = json!({
            "datasets": [{"path": "0", "coordinateTransformations": own.into()}],
            "coordinateTransformations": common.into(),
        });
        let mut problems = Vec::new();
        let levels = parse_levels(&multiscale, None, &mut problems);
        assert_eq!(levels.len(), 1);
        assert_eq!(levels[0].scale.as_deref(), scale, "{multiscale}");
        assert_eq!(
            levels[0].translation.as_deref(),
            translation,
            "{multiscale}"
        );
        assert_eq!(problems.len(), num_problems, "{multiscale}: {problems:?}");
    }

    #[test]
    fn both_lists_are_combined_in_order() {
        let own = json!([{"type": "scale", "scale": [2, 4]}, {"type": "translation", "translation": [1, 3]}]);
        let common = json!([{"type": "scale", "scale": [0.5, 10]}, {"type": "translation", "translation": [5, 7]}]);
        check(
            own.clone(),
            json!(null),
            Some(&[2.0, 4.0]),
            Some(&[1.0, 3.0]),
            0,
        );
        check(
            json!(null),
            common.clone(),
            Some(&[0.5, 10.0]),
            Some(&[5.0, 7.0]),
            0,
        );
        check(
            own.clone(),
            common,
            Some(&[1.0, 40.0]),
            Some(&[5.5, 37.0]),
            0,
        );
        check(
            own,
            json!([{"type": "identity"}]),
            Some(&[2.0, 4.0]),
            Some(&[1.0, 3.0]),
            0,
        );
        check(json!([]), json!(null), None, None, 0);
    }

    #[test]
    fn levels_lead_into_the_coordinate_system_that_is_shown() {
        let system = |name: &str, axes: [&str; 2]| json!({"name": name, "axes": [{"name": axes[0]}, {"name": axes[1]}]});
        let further = json!({"type": "scale", "scale": [10, 10], "input": {"name": "a"}, "output": {"name": "b"}});
        let check = |first: [&str; 2], output: Value, scale: [f64; 2], axes: [&str; 2]| {
            let multiscale = json!({
                "coordinateSystems": [system("b", ["y", "x"]), system("a", first)],
                "datasets": [{"path": "0", "coordinateTransformations": [
                    {"type": "scale", "scale": [2, 4], "input": {"path": "0"}, "output": output},
                ]}],
                "coordinateTransformations": [further.clone()],
            });
            let found = shown_axes(&multiscale).map(|axes| (name_of(&axes[0]), name_of(&axes[1])));
            assert_eq!(found, Some((Some(axes[0]), Some(axes[1]))));
            let levels = parse_levels(&multiscale, None, &mut Vec::new());
            assert_eq!(levels[0].scale.as_deref(), Some(&scale[..]), "{multiscale}");
        };
        check(["Y", "X"], json!({"name": "a"}), [2.0, 4.0], ["Y", "X"]);
        check(["Y", "X"], json!("a"), [2.0, 4.0], ["Y", "X"]);
        check(
            ["dim_0", "dim_1"],
            json!({"name": "a"}),
            [20.0, 40.0],
            ["y", "x"],
        );
    }

    #[test]
    fn what_cannot_be_used_is_left_aside_and_listed() {
        let scale = json!([{"type": "scale", "scale": [2, 4]}]);
        let kept = Some(&[2.0, 4.0][..]);
        check(scale.clone(), json!("x"), kept, None, 1);
        check(scale.clone(), json!([{"type": "affine"}]), kept, None, 1);
        check(
            scale.clone(),
            json!([{"type": "scale", "scale": [1]}]),
            kept,
            None,
            1,
        );
        check(
            scale.clone(),
            json!([{"type": "scale", "path": "s"}]),
            kept,
            None,
            1,
        );
        check(scale, json!([7]), kept, None, 1);
        check(
            json!([{"type": "scale", "scale": [0, -1]}]),
            json!(null),
            Some(&[0.0, -1.0]),
            None,
            2,
        );
    }

    #[test]
    fn entries_without_a_path_are_left_out() {
        let mut problems = Vec::new();
        let multiscale = json!({"datasets": [{"path": "s0"}, {}, 7, {"path": 1}]});
        let levels = parse_levels(&multiscale, None, &mut problems);
        let paths: Vec<_> = levels.iter().map(|level| level.path.as_str()).collect();
        assert_eq!(paths, ["s0", "1"]);
        assert_eq!(problems.len(), 2);
        assert!(parse_levels(&json!({}), None, &mut problems).is_empty());
    }
}
