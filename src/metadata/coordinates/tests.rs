//! Both tables, older headers, and rows that cannot be used.

use proptest::prelude::*;

use super::*;

/// Rows as `region:fov@x,y,z k=level time`, lengths in µm, with the number of problems.
fn check(text: &str, expected: &[&str], num_problems: usize) {
    let (positions, problems) = parse(text);
    let found: Vec<String> = positions.iter().map(shown).collect();
    assert_eq!(found, expected, "{text}");
    assert_eq!(problems.len(), num_problems, "{text}: {problems:?}");
}

fn shown(position: &StagePosition) -> String {
    let StagePosition {
        region,
        fov,
        x_um,
        y_um,
        ..
    } = position;
    let mut text = format!("{region}:{fov}@{x_um:.1},{y_um:.1}");
    let z_um = position.z_um.map(|z_um| format!(",{z_um:.1}"));
    let z_level = position.z_level.map(|z_level| format!(" k={z_level}"));
    let time = position.time.as_ref().map(|time| format!(" {time}"));
    text.extend([z_um, z_level, time].into_iter().flatten());
    text
}

#[test]
fn squids_planned_table_is_read() {
    check(
        include_str!("../../../tests/data/metadata/coordinates_planned.csv"),
        &["A1:0@11302.6,10750.0", "A1:1@11317.4,10750.0"],
        0,
    );
}

#[test]
fn squids_executed_table_is_read() {
    check(
        include_str!("../../../tests/data/metadata/coordinates_executed.csv"),
        &[
            "A1:0@11302.6,10750.0,3000.0 k=0 2026-01-15_09-30-00.000000",
            "A1:0@11302.6,10750.0,3001.5 k=1 2026-01-15_09-30-00.400000",
            "A1:1@11317.4,10750.0,3000.0 k=0 2026-01-15_09-30-00.800000",
            "A1:1@11317.4,10750.0,3001.5 k=1 2026-01-15_09-30-01.200000",
        ],
        0,
    );
}

#[test]
fn planned_fovs_are_numbered_by_region_also_past_a_broken_row() {
    check(
        "region,x (mm),y (mm),z (mm)\nA1,1,2,3\nB1,5,6,\nA1,oops,2,3\nA1,3,2,nan\n,1,1,1\n\nA1\n",
        &[
            "A1:0@1000.0,2000.0,3000.0",
            "B1:0@5000.0,6000.0",
            "A1:2@3000.0,2000.0",
        ],
        3,
    );
}

#[test]
fn the_unit_of_the_header_counts() {
    check(
        "\u{feff}Y [um],Region, X (µm) ,y (um),Z (nm),FOV\n0,r 1,7,8,500,4.0\n",
        &["r 1:4@7.0,8.0,0.5"],
        0,
    );
    check("region,x_mm,y_mm\nR,1,2\n", &["R:0@1000.0,2000.0"], 0);
    check("region,x,y\nR,1,2\n", &["R:0@1000.0,2000.0"], 0);
}

#[test]
fn older_headers_give_what_they_can() {
    check(
        "i,j,k,x (mm),y (mm),z (um),time\n0,0,0,1,2,3,a\n0,0,1,1,2,4,b\n0,1,0,2,2,3,c\n",
        &[
            ":0@1000.0,2000.0,3.0 k=0 a",
            ":0@1000.0,2000.0,4.0 k=1 b",
            ":1@2000.0,2000.0,3.0 k=0 c",
        ],
        0,
    );
    check(
        "i,j,x (mm),y (mm)\n0,0,1,1\n0,1,2,1\n1,1,2,2\n1,0,1,2\n",
        &[
            ":0@1000.0,1000.0",
            ":1@2000.0,1000.0",
            ":3@2000.0,2000.0",
            ":2@1000.0,2000.0",
        ],
        0,
    );
    check(
        "region,i,j,z_level,x (mm),y (mm),z (um),time\nA1,0,0,0,1,2,3,a\nB1,0,0,0,2,2,3,b\n",
        &[
            "A1:0@1000.0,2000.0,3.0 k=0 a",
            "B1:0@2000.0,2000.0,3.0 k=0 b",
        ],
        0,
    );
}

#[test]
fn a_table_without_regions_goes_through_them_one_after_the_other() {
    let (rows, problems) =
        parse("i,j,k,x,y\n1,0,0,1,1\n0,0,0,1,2\n1,0,0,5,1\n0,0,0,5,2\n0,0,1,5,2\n");
    let found: Vec<_> = rows.iter().map(|row| (row.pass, row.fov)).collect();
    assert_eq!(found, [(0, 1), (0, 0), (1, 1), (1, 0), (0, 0)]);
    assert!(problems.is_empty());
}

#[test]
fn rows_with_empty_scan_indices_and_no_region_are_one_problem() {
    check("i,j,z_level,x (mm),y (mm)\n,,0,1,1\n,,1,1,1\n", &[], 1);
}

#[test]
fn slices_without_index_are_told_apart_by_the_stage() {
    check(
        "region,z_level,x (mm),y (mm),z (um)\nR0,0,2,1,5\nR0,1,2,1,6\nR0,0,1,1,5\n",
        &[
            "R0:1@2000.0,1000.0,5.0 k=0",
            "R0:1@2000.0,1000.0,6.0 k=1",
            "R0:0@1000.0,1000.0,5.0 k=0",
        ],
        0,
    );
}

#[test]
fn what_is_no_such_table_is_one_problem() {
    for text in ["", "region,fov\nA1,0\n", "hello", "\u{0}\u{1}"] {
        check(text, &[], 1);
    }
    check(
        "region,fov,x (mm),y (mm)\nA1,-1,1,1\nA1,0.5,1,1\nA1,x,1,1\n",
        &[],
        3,
    );
}

#[test]
fn problems_are_listed_within_the_budget() {
    let text = format!(
        "region,x (mm),y (mm)\n{}",
        "A1,a,b\n".repeat(limits::PROBLEMS + 5)
    );
    let (positions, problems) = parse(&text);
    assert!(positions.is_empty());
    assert_eq!(problems.len(), limits::PROBLEMS + 1);
    assert_eq!(problems[limits::PROBLEMS].message, "5 more rows left out");
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(
        header in prop::sample::select(vec!["", "region,x (mm),y (mm)\n", "i,j,k,x,y\n", "region,fov,z_level,x (mm),y (mm),z (um),time\n"]),
        text in "\\PC{0,20}([0-9a-z.\\-\"]{0,6}[,\n\r]){0,40}",
    ) {
        let (positions, _) = parse(&format!("{header}{text}"));
        prop_assert!(positions.iter().all(|position| position.x_um.is_finite() && position.y_um.is_finite()));
    }
}
