//! `plate` and `well`: rows, columns, wells, fields.
//!
//! Wells are placed by the names in their path. Squid's `rowIndex` counts acquired rows, not those of the plate, and
//! versions 0.1 and 0.2 have none, so indices serve only where a path says nothing.

use serde_json::Value;

use super::{
    super::json::{as_text, member, shown},
    FieldEntry, PlateEntry, WellEntry,
};
use crate::model::{Code, Problem, WellName, limits};

/// Reads `plate`.
pub(super) fn parse(plate: &Value, problems: &mut Vec<Problem>) -> PlateEntry {
    let rows = names(plate, "rows", problems);
    let columns = names(plate, "columns", problems);
    PlateEntry {
        name: member(plate, "name").and_then(as_text),
        wells: wells(plate, &rows, &columns, problems),
        acquisitions: acquisitions(plate, problems),
        rows,
        columns,
    }
}

/// Reads `plate.wells`; what is wrong is counted, because it is mostly wrong in every well.
fn wells(
    plate: &Value,
    rows: &[String],
    columns: &[String],
    problems: &mut Vec<Problem>,
) -> Vec<WellEntry> {
    let mut wells = Vec::new();
    let (mut num_unusable, mut num_unplaced, mut num_misplaced) = (0, 0, 0);
    for entry in entries(plate, "wells", problems) {
        let path = as_text(entry).or_else(|| member(entry, "path").and_then(as_text));
        let Some(path) = path else {
            num_unusable += 1;
            continue;
        };
        let by_path = row_and_column(&path);
        let by_index = named_by_index(entry, rows, columns);
        num_unplaced += usize::from(by_path.is_none());
        num_misplaced += usize::from(disagree(by_path.as_ref(), &by_index));
        let (row, column) = by_path.map_or(by_index, |(row, column)| (Some(row), Some(column)));
        wells.push(WellEntry { path, row, column });
    }
    let counts = [
        (
            Code::BadMetadata,
            num_unusable,
            "of plate.wells without a path; left out",
        ),
        (
            Code::BadMetadata,
            num_unplaced,
            "of plate.wells with a path that names no row and column",
        ),
        // The specification's own documents do so.
        (
            Code::Ignored,
            num_misplaced,
            "of plate.wells with an index that contradicts the path; placed by the path",
        ),
    ];
    for (code, number, what) in counts.into_iter().filter(|(_, number, _)| *number > 0) {
        let message = format!("{number} {what}");
        problems.push(Problem::new(code, ".", message));
    }
    wells
}

/// Reads `well.images`.
pub(super) fn parse_fields(well: &Value, problems: &mut Vec<Problem>) -> Vec<FieldEntry> {
    let mut fields = Vec::new();
    for entry in entries(well, "images", problems) {
        let path = as_text(entry).or_else(|| member(entry, "path").and_then(as_text));
        let Some(path) = path else {
            let message = format!("an entry of well.images is {} without a path", shown(entry));
            problems.push(Problem::new(Code::BadMetadata, ".", message));
            continue;
        };
        let acquisition = member(entry, "acquisition").and_then(Value::as_i64);
        fields.push(FieldEntry { path, acquisition });
    }
    fields
}

/// The list at `key`, cut to the budget; an absent one is empty.
fn entries<'a>(of: &'a Value, key: &str, problems: &mut Vec<Problem>) -> &'a [Value] {
    let Some(value) = member(of, key) else {
        return &[];
    };
    let list = value.as_array().map_or(&[][..], Vec::as_slice);
    if !value.is_array() {
        let message = format!("{key} is {}, expected a list", shown(value));
        problems.push(Problem::new(Code::BadMetadata, ".", message));
    }
    if list.len() > limits::FOVS {
        let message = format!(
            "{key} has {} entries, the first {} are used",
            list.len(),
            limits::FOVS
        );
        problems.push(Problem::new(Code::TooLarge, ".", message));
    }
    list.get(..limits::FOVS).unwrap_or(list)
}

/// Names of rows or columns; one without a name keeps its place as "".
fn names(plate: &Value, key: &str, problems: &mut Vec<Problem>) -> Vec<String> {
    let name = |entry: &Value| as_text(entry).or_else(|| member(entry, "name").and_then(as_text));
    let names: Vec<String> = entries(plate, key, problems)
        .iter()
        .map(|entry| name(entry).unwrap_or_default())
        .collect();
    if names.iter().any(String::is_empty) {
        let message = format!("an entry of plate.{key} has no name");
        problems.push(Problem::new(Code::BadMetadata, ".", message));
    }
    names
}

/// Ids of acquisitions; entries without one are left out.
fn acquisitions(plate: &Value, problems: &mut Vec<Problem>) -> Vec<i64> {
    let entries = entries(plate, "acquisitions", problems);
    let id = |entry: &Value| member(entry, "id").and_then(Value::as_i64);
    let ids: Vec<i64> = entries.iter().filter_map(id).collect();
    if ids.len() < entries.len() {
        let message = "an entry of plate.acquisitions has no id; left out";
        problems.push(Problem::new(Code::BadMetadata, ".", message));
    }
    ids
}

/// Row and column as the last two parts of `A/1`, or the name `A1`, say.
fn row_and_column(path: &str) -> Option<(String, String)> {
    let mut parts = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .rev();
    let last = parts.next()?;
    match parts.next() {
        Some(row) => Some((row.to_owned(), last.to_owned())),
        None => WellName::parse(last).map(|well| (well.row, well.column)),
    }
}

/// Row and column that `rowIndex` and `columnIndex` point to.
fn named_by_index(
    entry: &Value,
    rows: &[String],
    columns: &[String],
) -> (Option<String>, Option<String>) {
    let name = |key: &str, names: &[String]| {
        let at = member(entry, key).and_then(Value::as_u64)?;
        let name = names.get(usize::try_from(at).ok()?)?;
        (!name.is_empty()).then(|| name.clone())
    };
    (name("rowIndex", rows), name("columnIndex", columns))
}

/// Indices name another well than the path; `1` and `01` are the same column.
fn disagree(
    by_path: Option<&(String, String)>,
    by_index: &(Option<String>, Option<String>),
) -> bool {
    let bare = |name: &str| name.trim_start_matches('0').to_ascii_uppercase();
    let differs = |indexed: &Option<String>, named: &str| {
        indexed
            .as_ref()
            .is_some_and(|name| bare(name) != bare(named))
    };
    by_path.is_some_and(|(row, column)| differs(&by_index.0, row) || differs(&by_index.1, column))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn wells_are_placed_by_their_path() {
        let check = |well: Value,
                     expected: Option<(&str, Option<&str>, Option<&str>)>,
                     num_problems| {
            let plate = json!({"rows": [{"name": "A"}, {"name": "C"}], "columns": [{"name": "1"}], "wells": [well]});
            let mut problems = Vec::new();
            let plate = parse(&plate, &mut problems);
            let found = plate.wells.first();
            let found = found.map(|well| {
                (
                    well.path.as_str(),
                    well.row.as_deref(),
                    well.column.as_deref(),
                )
            });
            assert_eq!(found, expected, "{well}");
            assert_eq!(problems.len(), num_problems, "{well}: {problems:?}");
        };
        let c1 = |path| Some((path, Some("C"), Some("1")));
        check(json!({"path": "C/1"}), c1("C/1"), 0);
        check(
            json!({"path": "C/01", "rowIndex": 9}),
            Some(("C/01", Some("C"), Some("01"))),
            0,
        );
        check(json!({"path": "C1"}), c1("C1"), 0);
        check(
            json!({"path": "C/1", "rowIndex": 1, "columnIndex": 0}),
            c1("C/1"),
            0,
        );
        check(json!({"path": "C/1", "rowIndex": 0}), c1("C/1"), 1);
        check(
            json!({"path": "left", "rowIndex": 1, "columnIndex": 0}),
            c1("left"),
            1,
        );
        check(json!({"path": "left"}), Some(("left", None, None)), 1);
        check(json!("C/1"), c1("C/1"), 0);
        check(json!({"rowIndex": 0}), None, 1);
    }

    #[test]
    fn fields_and_acquisitions_are_read() {
        let mut problems = Vec::new();
        let well = json!({"images": [{"path": "0", "acquisition": 2}, {"path": 1}, {}, null]});
        let fields = parse_fields(&well, &mut problems);
        let paths: Vec<_> = fields
            .iter()
            .map(|field| (field.path.as_str(), field.acquisition))
            .collect();
        assert_eq!(paths, [("0", Some(2)), ("1", None)]);
        assert_eq!(problems.len(), 2);
        let plate = parse(
            &json!({"acquisitions": [{"id": 3}, {}], "rows": 4}),
            &mut problems,
        );
        assert_eq!(plate.acquisitions, [3]);
        assert_eq!(problems.len(), 4);
    }
}
