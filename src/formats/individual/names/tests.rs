//! Names of today and of old acquisitions, and those of other files.

use proptest::prelude::*;

use super::*;
use crate::formats::scan_grid::Grid;

fn check(regions: &[&str], channels: &[&str], name: &str, expected: Option<[&str; 4]>) {
    let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let names = Names {
        regions: set(regions),
        channels: set(channels),
        ..Names::default()
    };
    let found = names.parse(name);
    let found = found.map(|name| {
        let place = match name.place {
            Place::Index(number) => number.to_owned(),
            Place::Cell((row, column)) => format!("{row},{column}"),
        };
        [
            name.region.into(),
            place,
            name.z.into(),
            name.channel.into_owned(),
        ]
    });
    let expected = expected.map(|parts| parts.map(str::to_owned));
    assert_eq!(found, expected, "{name}");
}

#[test]
fn plain_names_need_no_list() {
    let wells = Some(["A1", "0", "0", "Fluorescence_488_nm_Ex"]);
    check(&[], &[], "A1_0_0_Fluorescence_488_nm_Ex.tiff", wells);
    check(
        &[],
        &[],
        "B12_003_010_BF.bmp",
        Some(["B12", "003", "010", "BF"]),
    );
    check(&[], &[], "0_1_2_BF.PNG", Some(["0", "1", "2", "BF"]));
    let long = Some(["my_scan_area", "7", "0", "BF"]);
    check(&[], &[], "my_scan_area_7_0_BF.tif", long);
}

#[test]
fn a_listed_region_comes_before_one_that_only_fits() {
    let name = "cell_0_0_0_BF.tiff";
    check(&["cell"], &[], name, Some(["cell", "0", "0", "0_BF"]));
    check(&["cell_0"], &[], name, Some(["cell_0", "0", "0", "BF"]));
    let both = ["cell", "cell_0"];
    check(&both, &["BF"], name, Some(["cell_0", "0", "0", "BF"]));
    check(&both, &["0_BF"], name, Some(["cell", "0", "0", "0_BF"]));
    check(&[], &["0_BF"], name, Some(["cell", "0", "0", "0_BF"]));
}

/// Rows and columns of a scan, with 4 z-slices.
fn grid() -> Grid {
    [((0, 0), 0), ((0, 1), 1), ((1, 0), 2)].into()
}

fn check_old(names: &Names, name: &str, expected: Option<(&str, u32, u32, &str)>) {
    let found = names.parse(name);
    let found = found.as_ref().map(|found| {
        let (fov, z) = names.numbers(found).expect("numbers");
        (found.region, fov, z, &*found.channel)
    });
    assert_eq!(found, expected, "{name}");
}

#[test]
fn old_names_have_rows_and_columns_of_the_regions_that_a_table_names() {
    let check = |regions: &[&str], name: &str, expected| {
        let names = Names {
            grids: Grids {
                by_region: regions.iter().map(|&it| (it.to_owned(), grid())).collect(),
                ..Grids::default()
            },
            ..Names::default()
        };
        check_old(&names, name, expected);
    };
    let wells = ["A1", "A10"];
    check(&wells, "A10_1_2_BF.tiff", Some(("A1", 1, 2, "BF")));
    check(&wells, "A100_1_2_BF.tiff", Some(("A10", 1, 2, "BF")));
    check(&wells, "A10_0_1_2_BF.tiff", Some(("A10", 1, 2, "BF")));
    check(&wells, "A1_0_1_2_BF_0.tiff", Some(("A1", 1, 2, "BF_0")));
    check(&wells, "B1_0_1_2_BF.tiff", None);
    check(&wells, "A1_focus_camera.bmp", None);
}

#[test]
fn where_a_table_names_no_regions_any_may_stand_in_front() {
    let of = |channels: &[&str]| Names {
        channels: channels.iter().map(|&it| it.to_owned()).collect(),
        grids: Grids {
            of_any: Some(grid()),
            num_z: 4,
            ..Grids::default()
        },
        ..Names::default()
    };
    let names = of(&[]);
    let only = Some((ONLY_REGION, 2, 3, "Fluorescence_488_nm_Ex"));
    check_old(&names, "1_0_3_Fluorescence_488_nm_Ex.bmp", only);
    check_old(&names, "7_0_3_BF.bmp", None);
    check_old(&names, "A1_0_1_3_BF.bmp", Some(("A1", 1, 3, "BF")));
    check_old(
        &names,
        "my_scan_1_0_3_BF.bmp",
        Some(("my_scan", 2, 3, "BF")),
    );
    check_old(&names, "0_0_1_3_BF.bmp", Some(("0", 1, 3, "BF")));
    // A channel that begins with a number is no slice.
    let channel = Some((ONLY_REGION, 0, 0, "405_nm"));
    check_old(&names, "0_0_0_405_nm.bmp", channel);
    check_old(
        &of(&["0_BF"]),
        "0_0_1_0_BF.bmp",
        Some((ONLY_REGION, 0, 1, "0_BF")),
    );
    check_old(&of(&["BF"]), "0_0_1_0_BF.bmp", Some(("0", 1, 0, "BF")));
}

#[test]
fn names_of_2021_have_nothing_between_slice_and_channel() {
    assert!(is_joined("0_1_2BF LED matrix full.bmp"));
    assert!(
        !is_joined("0_1_2.bmp")
            && !is_joined("2021-05-29.bmp")
            && !is_joined("a_1_2b.bmp")
            && !is_joined("0_1_405 nm.bmp")
    );
    let found = [
        "0_0_0BF LED.bmp",
        "0_1_0BF LED.bmp",
        "notes.txt",
        "thumb.png",
    ];
    let names = Names::default().with_found_grids(&found.into_iter(), true);
    check_old(
        &names,
        "0_1_0BF LED.bmp",
        Some((ONLY_REGION, 1, 0, "BF_LED")),
    );
    assert_eq!(names.parse("thumb.png"), None);
}

#[test]
fn without_a_table_names_that_all_have_row_and_column_make_the_grid() {
    let check = |files: &[&str], name: &str, expected: Option<(&str, u32, u32, &str)>| {
        let names = Names {
            channels: ["BF".to_owned()].into(),
            ..Names::default()
        };
        check_old(
            &names.with_found_grids(&files.iter().copied(), true),
            name,
            expected,
        );
    };
    let plain = ["0_0_0_BF.bmp", "1_0_0_BF.bmp", "1_1_0_BF.bmp"];
    check(&plain, "1_1_0_BF.bmp", Some((ONLY_REGION, 2, 0, "BF")));
    let wells = ["A1_0_0_0_BF.bmp", "B2_0_1_0_BF.bmp", "B2_focus_camera.bmp"];
    check(&wells, "B2_0_1_0_BF.bmp", Some(("B2", 1, 0, "BF")));
    let indexed = ["A1_0_0_BF.bmp", "A1_1_0_BF.bmp"];
    check(&indexed, "A1_1_0_BF.bmp", Some(("A1", 1, 0, "BF")));
}

#[test]
fn names_of_a_few_weeks_have_places_of_the_stage() {
    let files = [
        "R0_x20.500_y10.250_z0_BF.bmp",
        "R0_x19.500_y10.250_z0_BF.bmp",
        "well_x1_x-0.500_y0.000_z2_BF.bmp",
    ];
    let names = Names::default().with_found_grids(&files.into_iter(), false);
    check_old(&names, files[0], Some(("R0", 1, 0, "BF")));
    check_old(&names, files[1], Some(("R0", 0, 0, "BF")));
    check_old(&names, files[2], Some(("well_x1", 0, 2, "BF")));
    assert_eq!(names.grids.stage_of("R0", 1), Some((10_250, 20_500)));
    assert_eq!(names.grids.stage_of("well_x1", 0), Some((0, -500)));
    assert_eq!(names.parse("R0_x20.5_y10.250_z0_BF.bmp"), None);
}

#[test]
fn stray_files_name_no_plane() {
    for name in [
        "A1_focus_camera.bmp",
        "A1_0_0_laser af camera.bmp",
        "A1_0_0_focus_camera.bmp",
        "coordinates.csv",
        "A1_0_0_BF.txt",
        "A1_0_BF.tiff",
        "_0_0_BF.tiff",
        "A1_0_0_.tiff",
        "A1_-1_0_BF.tiff",
        "A1_0_99999999999_BF.tiff",
    ] {
        check(&["A1"], &[], name, None);
    }
}

proptest! {
    #[test]
    fn what_is_listed_is_found_again(
        region in "[A-Za-z0-9 _.-]{1,12}",
        fov in 0_u32..100_000,
        z in 0_u32..100_000,
        channel in "[A-Za-z0-9 _/:]{1,20}",
    ) {
        let key = sanitised(&channel);
        let names = Names {
            regions: [region.clone()].into(),
            channels: [key.clone()].into(),
            ..Names::default()
        };
        let name = format!("{region}_{fov:03}_{z}_{key}.tiff");
        let found = names.parse(&name);
        if !is_stray(&key) {
            let found = found.expect("a plane");
            prop_assert_eq!(found.region, region.as_str());
            prop_assert_eq!(&*found.channel, key.as_str());
            prop_assert_eq!(names.numbers(&found), Some((fov, z)));
        }
    }

    #[test]
    fn arbitrary_names_never_panic(name in "\\PC{0,30}\\.tiff") {
        Names::default().parse(&name);
    }
}
