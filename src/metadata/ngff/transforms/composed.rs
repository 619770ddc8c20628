//! Transformations that are made of others, or are written as a matrix, taken apart into scales and translations.
//!
//! NGFF 0.6 draft, "coordinateTransformations": `sequence`, `byDimension`, `mapAxis`, `affine` and `rotation` count where
//! they neither mix nor reorder axes.

use serde_json::Value;

use super::{
    super::super::json::{as_number, member, shown_text},
    vector,
};
use crate::model::{Code, limits};

/// Transformations inside of each other.
const DEPTH: usize = 4;

/// What every transformation that is used comes down to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// One factor per axis.
    Scale(Vec<f64>),
    /// One offset per axis.
    Translation(Vec<f64>),
}

/// The steps of a transformation, in order. Without axes the first list of numbers decides how many there are.
///
/// # Errors
/// When it does not come down to scales and translations; the message says which.
pub(super) fn steps(
    transform: &Value,
    num_axes: &mut Option<usize>,
) -> Result<Vec<Step>, (Code, String)> {
    steps_at(transform, num_axes, 0)
}

fn steps_at(
    transform: &Value,
    num_axes: &mut Option<usize>,
    depth: usize,
) -> Result<Vec<Step>, (Code, String)> {
    let kind = member(transform, "type").and_then(Value::as_str);
    let kind = kind.unwrap_or_default();
    let refused = || {
        let kind = shown_text(kind);
        let message = format!("transformation {kind} left aside, expected scale or translation");
        Err((Code::BadMetadata, message))
    };
    match kind {
        "identity" => Ok(Vec::new()),
        "scale" => Ok(vec![Step::Scale(vector(transform, kind, num_axes)?)]),
        "translation" => Ok(vec![Step::Translation(vector(transform, kind, num_axes)?)]),
        "sequence" if depth < DEPTH => {
            let mut all = Vec::new();
            for part in parts(transform) {
                all.extend(steps_at(part, num_axes, depth + 1)?);
            }
            Ok(all)
        }
        "byDimension" if depth < DEPTH => {
            by_dimension(transform, *num_axes, depth).map_or_else(refused, Ok)
        }
        "mapAxis" if is_order_kept(transform) => Ok(Vec::new()),
        "affine" => affine(transform, num_axes).map_or_else(refused, Ok),
        "rotation" if is_identity(transform) => Ok(Vec::new()),
        _ => refused(),
    }
}

fn parts(transform: &Value) -> impl Iterator<Item = &Value> {
    let parts = member(transform, "transformations").and_then(Value::as_array);
    parts.into_iter().flatten().take(limits::ARRAY_DIMENSIONS)
}

/// Transformations of some axes each, which stay where they are.
fn by_dimension(transform: &Value, num_axes: Option<usize>, depth: usize) -> Option<Vec<Step>> {
    let num_axes = num_axes?;
    let mut all = Vec::new();
    for part in parts(transform) {
        let indices = |key: &str| -> Option<Vec<usize>> {
            let list = member(part, key)?.as_array()?;
            let index = |value: &Value| {
                let index = usize::try_from(value.as_u64()?).ok()?;
                (index < num_axes).then_some(index)
            };
            list.iter().map(index).collect()
        };
        let axes = indices("inputAxes")?;
        if axes != indices("outputAxes")? {
            return None;
        }
        let inner = member(part, "transformation")?;
        for step in steps_at(inner, &mut Some(axes.len()), depth + 1).ok()? {
            let (neutral, values) = match &step {
                Step::Scale(values) => (1.0, values),
                Step::Translation(values) => (0.0, values),
            };
            let mut spread = vec![neutral; num_axes];
            for (&axis, &value) in axes.iter().zip(values) {
                *spread.get_mut(axis)? = value;
            }
            all.push(match step {
                Step::Scale(_) => Step::Scale(spread),
                Step::Translation(_) => Step::Translation(spread),
            });
        }
    }
    Some(all)
}

/// True for `mapAxis` of 0, 1, 2 and so on.
fn is_order_kept(transform: &Value) -> bool {
    let order = member(transform, "mapAxis").and_then(Value::as_array);
    order.is_some_and(|order| {
        let places = order.iter().map(Value::as_u64);
        places.eq((0..order.len() as u64).map(Some))
    })
}

/// The rows of a matrix of numbers, each as long as the first.
fn matrix(transform: &Value, key: &str) -> Option<Vec<Vec<f64>>> {
    let rows = member(transform, key)?.as_array()?;
    let row = |row: &Value| -> Option<Vec<f64>> { row.as_array()?.iter().map(as_number).collect() };
    if rows.is_empty() || rows.len() > limits::ARRAY_DIMENSIONS {
        return None;
    }
    let rows: Option<Vec<Vec<f64>>> = rows.iter().map(row).collect();
    rows.filter(|rows| rows.iter().all(|row| row.len() == rows[0].len()))
}

fn is_identity(transform: &Value) -> bool {
    matrix(transform, "rotation").is_some_and(|rows| {
        let is_unit = |(at, row): (usize, &Vec<f64>)| {
            let mut entries = row.iter().enumerate();
            row.len() == rows.len()
                && entries.all(|(column, &value)| value == f64::from(u8::from(column == at)))
        };
        rows.iter().enumerate().all(is_unit)
    })
}

/// A matrix with the offsets as its last column, and nothing beside its diagonal.
fn affine(transform: &Value, num_axes: &mut Option<usize>) -> Option<Vec<Step>> {
    let rows = matrix(transform, "affine")?;
    let expected = *num_axes.get_or_insert(rows.len());
    if rows.len() != expected || rows[0].len() != expected + 1 {
        return None;
    }
    let is_diagonal = rows.iter().enumerate().all(|(at, row)| {
        let mut factors = row.iter().take(expected).enumerate();
        factors.all(|(column, &value)| column == at || value == 0.0)
    });
    let diagonal = rows.iter().enumerate().filter_map(|(at, row)| row.get(at));
    let offsets = rows.iter().filter_map(|row| row.last());
    is_diagonal.then(|| {
        vec![
            Step::Scale(diagonal.copied().collect()),
            Step::Translation(offsets.copied().collect()),
        ]
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The steps of a transformation of two axes as text; `None` where it is left aside.
    fn check(transform: impl Into<Value>, expected: Option<&str>) {
        let transform = transform.into();
        let found = steps(&transform, &mut Some(2)).ok();
        let words = found.map(|found| {
            let word = |step: &Step| match step {
                Step::Scale(values) => format!("scale {values:?}"),
                Step::Translation(values) => format!("move {values:?}"),
            };
            found.iter().map(word).collect::<Vec<_>>().join(", ")
        });
        assert_eq!(words.as_deref(), expected, "{transform}");
    }

    #[test]
    fn sequences_and_single_dimensions_come_down_to_scale_and_translation() {
        let scale = json!({"type": "scale", "scale": [2, 4]});
        let moved = json!({"type": "translation", "translation": [1, 3]});
        check(
            json!({"type": "sequence", "transformations": [scale, {"type": "identity"}, moved]}),
            Some("scale [2.0, 4.0], move [1.0, 3.0]"),
        );
        let part = |transform: Value, from: u8, to: u8| json!({"transformation": transform, "inputAxes": [from], "outputAxes": [to]});
        let single = json!({"type": "scale", "scale": [5]});
        check(
            json!({"type": "byDimension", "transformations": [part(single.clone(), 1, 1)]}),
            Some("scale [1.0, 5.0]"),
        );
        check(
            json!({"type": "byDimension", "transformations": [part(single.clone(), 0, 1)]}),
            None,
        );
        check(
            json!({"type": "byDimension", "transformations": [part(single, 7, 7)]}),
            None,
        );
    }

    #[test]
    fn matrices_count_where_they_mix_no_axes() {
        check(
            json!({"type": "affine", "affine": [[3, 0, 30], [0, 2, 20]]}),
            Some("scale [3.0, 2.0], move [30.0, 20.0]"),
        );
        check(
            json!({"type": "affine", "affine": [[3, 0.4, 30], [0, 2, 20]]}),
            None,
        );
        check(json!({"type": "affine", "affine": [[3, 0], [0, 2]]}), None);
        check(json!({"type": "affine", "path": "matrix"}), None);
        check(
            json!({"type": "rotation", "rotation": [[1, 0], [0, 1]]}),
            Some(""),
        );
        check(
            json!({"type": "rotation", "rotation": [[0, 1], [-1, 0]]}),
            None,
        );
        check(json!({"type": "mapAxis", "mapAxis": [0, 1]}), Some(""));
        check(json!({"type": "mapAxis", "mapAxis": [1, 0]}), None);
    }

    #[test]
    fn transformations_deep_inside_of_each_other_are_left_aside() {
        let mut nested = json!({"type": "identity"});
        for _ in 0..100 {
            nested = json!({"type": "sequence", "transformations": [nested]});
        }
        check(nested, None);
    }
}
