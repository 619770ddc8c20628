//! `multiscales[0].axes`: names (0.3) or objects (0.4, 0.5) to roles.
//!
//! A role comes from the name in any case, else from the type; every role is given at most once.

use serde_json::Value;

use super::super::json::{as_text, member, shown, shown_text};
use crate::model::{Axis, AxisRole, Code, Problem, limits};

/// An entry as written.
struct Entry {
    name: Option<String>,
    kind: Option<String>,
    unit: Option<String>,
}

/// Reads the axes; `None`, with a problem, where no y and x can be told.
pub(super) fn parse(value: &Value, problems: &mut Vec<Problem>) -> Option<Vec<Axis>> {
    let mut list = |message: String| problems.push(Problem::new(Code::BadMetadata, ".", message));
    let Some(values) = value.as_array() else {
        list(format!("axes is {}, expected a list", shown(value)));
        return None;
    };
    if values.is_empty() || values.len() > limits::ARRAY_DIMENSIONS {
        list(format!(
            "axes has {} entries, expected 2 to {}",
            values.len(),
            limits::ARRAY_DIMENSIONS
        ));
        return None;
    }
    let entries: Vec<Entry> = values.iter().map(entry).collect();
    let roles = roles(&entries, &mut list);
    let axes: Option<Vec<Axis>> = entries
        .into_iter()
        .zip(&roles)
        .map(|(entry, &role)| to_axis(entry, role))
        .collect();
    let has_plane = [AxisRole::Y, AxisRole::X]
        .iter()
        .all(|role| roles.contains(role));
    if axes.is_none() || !has_plane {
        let names: Vec<String> = values.iter().map(name_shown).collect();
        list(format!(
            "axes are {}, expected y and x among them, each axis with a name",
            names.join(", ")
        ));
        return None;
    }
    axes
}

/// Axes of the versions that do not list them: 0.1 and 0.2 know t, c, z, y, x only.
pub(super) fn of_version(version: Option<&Value>) -> Option<Vec<Axis>> {
    let version = version.and_then(as_text)?;
    let names = ["t", "c", "z", "y", "x"].map(Value::from);
    matches!(version.as_str(), "0.1" | "0.2")
        .then(|| parse(&Value::from(names.to_vec()), &mut Vec::new()))?
}

fn name_shown(value: &Value) -> String {
    shown(member(value, "name").unwrap_or(value))
}

fn entry(value: &Value) -> Entry {
    let text = |key| member(value, key).and_then(as_text);
    Entry {
        name: value.as_str().map(str::to_owned).or_else(|| text("name")),
        kind: text("type"),
        unit: text("unit"),
    }
}

/// Roles of all entries: by name first, so that a type never takes what a name says.
fn roles(entries: &[Entry], list: &mut impl FnMut(String)) -> Vec<AxisRole> {
    let mut roles: Vec<Option<AxisRole>> = vec![None; entries.len()];
    for (at, entry) in entries.iter().enumerate() {
        let role = entry.name.as_deref().and_then(role_of_name);
        claim(&mut roles, at, role, entry, list);
    }
    for (at, entry) in entries.iter().enumerate() {
        if roles[at].is_none() {
            let role = entry.kind.as_deref().and_then(role_of_type);
            claim(&mut roles, at, role, entry, list);
        }
    }
    // Space axes with foreign names: x is the last of them, y the one before, as the specification orders them.
    for (at, entry) in entries.iter().enumerate().rev() {
        if roles[at].is_none() && is_type(entry, "space") {
            let free = [AxisRole::X, AxisRole::Y, AxisRole::Z]
                .into_iter()
                .find(|&role| !roles.contains(&Some(role)));
            roles[at] = free;
        }
    }
    roles
        .into_iter()
        .map(|role| role.unwrap_or(AxisRole::Other))
        .collect()
}

/// Gives a role to an axis, unless another has it.
fn claim(
    roles: &mut [Option<AxisRole>],
    at: usize,
    role: Option<AxisRole>,
    entry: &Entry,
    list: &mut impl FnMut(String),
) {
    let Some(role) = role else { return };
    if roles.contains(&Some(role)) {
        let name = entry.name.as_deref().or(entry.kind.as_deref());
        list(format!(
            "axis {} is a second one of its kind; taken as an extra axis",
            shown_text(name.unwrap_or_default())
        ));
        roles[at] = Some(AxisRole::Other);
    } else {
        roles[at] = Some(role);
    }
}

fn is_type(entry: &Entry, kind: &str) -> bool {
    entry
        .kind
        .as_deref()
        .is_some_and(|text| text.eq_ignore_ascii_case(kind))
}

/// The role that a name stands for, in any case.
fn role_of_name(name: &str) -> Option<AxisRole> {
    match name.trim().to_ascii_lowercase().as_str() {
        "t" | "time" => Some(AxisRole::Time),
        "c" | "channel" => Some(AxisRole::Channel),
        "z" => Some(AxisRole::Z),
        "y" => Some(AxisRole::Y),
        "x" => Some(AxisRole::X),
        "fov" | "position" | "p" => Some(AxisRole::Fov),
        _ => None,
    }
}

/// The role that a type stands for, in any case; `position` is that of Squid's older 6-D stores.
fn role_of_type(kind: &str) -> Option<AxisRole> {
    match kind.trim().to_ascii_lowercase().as_str() {
        "time" => Some(AxisRole::Time),
        "channel" => Some(AxisRole::Channel),
        "fov" | "position" => Some(AxisRole::Fov),
        _ => None,
    }
}

/// The axis under its canonical name; `None` where neither role nor name says what it is.
fn to_axis(entry: Entry, role: AxisRole) -> Option<Axis> {
    let canonical = match role {
        AxisRole::Time => Some("t"),
        AxisRole::Channel => Some("c"),
        AxisRole::Z => Some("z"),
        AxisRole::Y => Some("y"),
        AxisRole::X => Some("x"),
        AxisRole::Fov | AxisRole::Other => None,
    };
    let name = canonical.map(str::to_owned).or(entry.name);
    let name = name.or_else(|| (role == AxisRole::Fov).then(|| "fov".to_owned()))?;
    Some(Axis {
        name,
        role,
        unit: entry.unit,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Axes as `name:role` and the number of problems.
    fn check(value: impl Into<Value>, expected: Option<&str>, num_problems: usize) {
        let value = value.into();
        let mut problems = Vec::new();
        let axes = parse(&value, &mut problems);
        let text = axes.map(|axes| {
            let texts: Vec<String> = axes
                .iter()
                .map(|axis| format!("{}:{:?}", axis.name, axis.role))
                .collect();
            texts.join(" ")
        });
        assert_eq!(text.as_deref(), expected, "{value}");
        assert_eq!(problems.len(), num_problems, "{value}: {problems:?}");
    }

    #[test]
    fn roles_come_from_names_in_any_case() {
        check(
            json!(["t", "c", "y", "x"]),
            Some("t:Time c:Channel y:Y x:X"),
            0,
        );
        check(
            json!([{"name": "Y"}, {"name": "X", "type": null}]),
            Some("y:Y x:X"),
            0,
        );
        check(
            json!(["FOV", "T", "y", "x"]),
            Some("FOV:Fov t:Time y:Y x:X"),
            0,
        );
        check(json!(["p", "y", "x"]), Some("p:Fov y:Y x:X"), 0);
        check(json!(["angle", "y", "x"]), Some("angle:Other y:Y x:X"), 0);
    }

    #[test]
    fn roles_come_from_types_where_names_say_nothing() {
        check(
            json!([{"name": "frame", "type": "time"}, {"name": "dye", "type": "Channel"},
                   {"name": "well", "type": "fov"}, {"name": "y"}, {"name": "x"}]),
            Some("t:Time c:Channel well:Fov y:Y x:X"),
            0,
        );
        check(
            json!([{"name": "depth", "type": "space"}, {"name": "row", "type": "space"}, {"type": "space"}]),
            Some("z:Z y:Y x:X"),
            0,
        );
    }

    #[test]
    fn a_second_axis_of_a_role_is_an_extra_one() {
        check(
            json!(["t", {"name": "lag", "type": "time"}, "y", "x"]),
            Some("t:Time lag:Other y:Y x:X"),
            1,
        );
        check(
            json!(["fov", "p", "y", "x"]),
            Some("fov:Fov p:Other y:Y x:X"),
            1,
        );
    }

    #[test]
    fn unusable_axes_are_a_problem() {
        for value in [
            json!("tczyx"),
            json!([]),
            json!([1, null]),
            json!(["a", "b"]),
            json!([{}, "y", "x"]),
            json!(vec!["y"; 17]),
        ] {
            check(value, None, 1);
        }
    }
}
