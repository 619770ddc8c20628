//! `datasets` and the two lists of coordinate transformations, combined into one scale and one translation per level.
//!
//! The list of a dataset is applied first, then that of the multiscale (NGFF 0.4 and 0.5, "multiscales metadata"):
//! world = s2 · (s1 · index + t1) + t2. `identity` is tolerated, Squid writes it.

use serde_json::Value;

use super::{
    super::json::{as_number, as_text, member, shown, shown_text},
    LevelEntry,
};
use crate::model::{Axis, Code, Problem, limits};

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
    let mut levels = Vec::new();
    for dataset in datasets.iter().take(limits::LEVELS) {
        let Some(path) = member(dataset, "path").and_then(as_text) else {
            let message = format!("an entry of datasets is {} without a path", shown(dataset));
            problems.push(Problem::new(Code::BadMetadata, ".", message));
            continue;
        };
        let own = member(dataset, "coordinateTransformations");
        let lists = [own, common];
        levels.push(level(path, lists, axes, problems));
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
    let mut unusable = Vec::new();
    for list in lists.into_iter().flatten() {
        let Some(transforms) = list.as_array() else {
            unusable.push(format!(
                "coordinateTransformations is {}, expected a list",
                shown(list)
            ));
            continue;
        };
        for transform in transforms.iter().take(limits::ARRAY_DIMENSIONS) {
            if let Err(message) = apply(&mut combined, transform, &mut num_axes) {
                unusable.push(message);
            }
        }
    }
    unusable.extend(odd_scale(combined.scale.as_deref(), axes));
    for message in unusable {
        let message = format!("level {}: {message}", shown_text(&path));
        let problem = Problem::new(Code::BadMetadata, ".", message);
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
) -> Result<(), String> {
    let kind = member(transform, "type").and_then(Value::as_str);
    let kind = kind.unwrap_or_default();
    match kind {
        "identity" => {}
        "scale" => {
            let factors = vector(transform, kind, num_axes)?;
            let times = |values: &mut Vec<f64>| {
                values.iter_mut().zip(&factors).for_each(|(v, f)| *v *= f);
            };
            if let Some(translation) = &mut combined.translation {
                times(translation);
            }
            match &mut combined.scale {
                Some(scale) => times(scale),
                None => combined.scale = Some(factors),
            }
        }
        "translation" => {
            let offsets = vector(transform, kind, num_axes)?;
            match &mut combined.translation {
                Some(sums) => sums.iter_mut().zip(&offsets).for_each(|(v, o)| *v += o),
                None => combined.translation = Some(offsets),
            }
        }
        other => {
            return Err(format!(
                "transformation {} left aside, expected scale or translation",
                shown_text(other)
            ));
        }
    }
    Ok(())
}

/// The numbers of a transformation, one per axis; an entry that is none is NaN.
fn vector(transform: &Value, key: &str, num_axes: &mut Option<usize>) -> Result<Vec<f64>, String> {
    let Some(values) = member(transform, key).and_then(Value::as_array) else {
        return Err(format!("{key} without a list of numbers left aside"));
    };
    // Without axes the first list decides, so that lists of different lengths are never mixed.
    let expected = *num_axes.get_or_insert(values.len());
    if values.len() != expected || expected > limits::ARRAY_DIMENSIONS {
        return Err(format!(
            "{key} has {} numbers, expected {expected}; left aside",
            values.len()
        ));
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
