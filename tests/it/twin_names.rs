//! Several files or folders for one thing: the one that is called as most is shown, and the others are told.

use std::{fs, io::Cursor, path::Path, time::Duration};

use image::{ExtendedColorType, ImageFormat};
use squidview::{
    dataset::Dataset,
    model::{Code, FovId, Problem},
    simulate::{Plan, Structure, simulate},
    store::Store,
};

use crate::planes::{open_whole, plane_at, plane_crc, plane_rows};

const SIDE: u32 = 4;

/// An image of which all samples are that number; what it is, its name need not say.
fn put(root: &Path, name: &str, number: u8) {
    let mut bytes = Cursor::new(Vec::new());
    let samples = [number; (SIDE * SIDE) as usize];
    let (color, format) = (ExtendedColorType::L8, ImageFormat::Png);
    image::write_buffer_with_format(&mut bytes, &samples, SIDE, SIDE, color, format).unwrap();
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes.into_inner()).unwrap();
}

/// Numbers of the first planes of an acquisition.
fn numbers(dataset: &Dataset, places: &[(u32, u32)]) -> Vec<Option<u8>> {
    let store = Store::new();
    let number = |&(fov, t): &(u32, u32)| {
        let rows = plane_rows(&store, dataset, plane_at(FovId(fov), t, 0, 0));
        rows.map(|rows| rows[0])
    };
    places.iter().map(number).collect()
}

/// What is said of names that are left out.
fn told(dataset: &Dataset) -> Vec<&Problem> {
    let mut told: Vec<&Problem> = dataset.problems.iter().collect();
    told.retain(|it| it.code == Code::Ignored && it.message.contains("have another one"));
    told
}

#[test]
fn of_several_files_of_a_plane_the_one_that_is_called_as_most_is_shown_and_the_others_are_counted()
{
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let put_all = |run: &str, names: &[(&str, u8)]| {
        for (name, number) in names {
            put(root, &format!("{run}/{name}"), *number);
        }
        open_whole(&root.join(run))
    };
    let check = |dataset: &Dataset, words: &str| {
        assert_eq!(numbers(dataset, &[(0, 0), (1, 0)]), [Some(1), Some(2)]);
        assert_eq!(dataset.num_fovs(), 2);
        let told = told(dataset);
        let is_told = told.len() == 1 && told[0].message.contains(words) && told[0].location == "0";
        assert!(is_told, "{:?}, expected {words}", dataset.problems);
    };
    let copies = [
        ("0/A1_0_0_BF.tif", 9),
        ("0/A1_0_0_BF.png", 9),
        ("0/A1_00_0_BF.tiff", 9),
        ("0/A1_0_000_BF.tiff", 9),
    ];
    let usual = [("0/A1_0_0_BF.tiff", 1), ("0/A1_1_0_BF.tiff", 2)];
    let dataset = put_all("unpadded", &[&copies[..], &usual].concat());
    check(
        &dataset,
        "4 files of planes that have another one are left aside, \"A1_00_0_BF.tiff\" the first",
    );
    let padded = [("0/A1_00_0_BF.png", 1), ("0/A1_01_0_BF.png", 2)];
    let others = [("0/A1_0_0_BF.png", 9), ("0/A1_01_0_BF.tiff", 9)];
    check(
        &put_all("padded", &[&others[..], &padded].concat()),
        "2 files of planes",
    );
    // Without others nothing is said.
    let dataset = put_all("alone", &padded);
    assert!(told(&dataset).is_empty(), "{:?}", dataset.problems);
    // One that is called otherwise is a plane of its own where nothing else is.
    let dataset = put_all("mixed", &[("0/A1_0_0_BF.tiff", 1), ("0/A1_01_0_BF.png", 2)]);
    assert_eq!(numbers(&dataset, &[(0, 0), (1, 0)]), [Some(1), Some(2)]);
    assert!(told(&dataset).is_empty(), "{:?}", dataset.problems);
}

#[test]
fn of_several_folders_of_a_timepoint_the_one_that_is_called_as_most_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (name, number) in [("0", 1), ("00", 9), ("000", 9)] {
        put(
            &root.join("unpadded"),
            &format!("{name}/A1_0_0_BF.png"),
            number,
        );
    }
    let dataset = open_whole(&root.join("unpadded"));
    assert_eq!(dataset.template.num_timepoints(), 1);
    assert_eq!(numbers(&dataset, &[(0, 0)]), [Some(1)]);
    let words = "2 folders of timepoints that have another one are left aside, \"00\" the first";
    assert!(
        told(&dataset)[0].message.contains(words),
        "{:?}",
        dataset.problems
    );
    for (name, number) in [("00", 1), ("1", 9), ("01", 2), ("02", 3)] {
        put(
            &root.join("padded"),
            &format!("{name}/A1_0_0_BF.png"),
            number,
        );
    }
    let dataset = open_whole(&root.join("padded"));
    let expected = [Some(1), Some(2), Some(3)];
    assert_eq!(numbers(&dataset, &[(0, 0), (0, 1), (0, 2)]), expected);
    assert_eq!(told(&dataset).len(), 1, "{:?}", dataset.problems);
}

#[test]
fn stacks_and_series_that_have_another_one_are_told() {
    for (structure, name, other) in [
        (
            Structure::MultiPage,
            "0/A1_0_stack.tiff",
            "0/A1_00_stack.tif",
        ),
        (
            Structure::OmeTiff,
            "ome_tiff/A1_0.ome.tiff",
            "ome_tiff/A1_00.ome.tiff",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("run");
        let plan = Plan {
            structure,
            regions: vec![("A1".into(), 2)],
            num_timepoints: 1,
            num_z: 1,
            channels: vec!["DAPI".into()],
            width: 32,
            height: 32,
            ..Plan::default()
        };
        simulate(&plan, &root, &mut |_| true, Duration::ZERO).unwrap();
        let crc =
            |dataset: &Dataset| plane_crc(&Store::new(), dataset, plane_at(FovId(0), 0, 0, 0));
        let whole = open_whole(&root);
        assert!(told(&whole).is_empty(), "{:?}", whole.problems);
        let expected = crc(&whole);
        assert!(expected.is_some(), "{structure:?}");
        // The second FOV in the place of the first.
        let second = root.join(name.replace("A1_0", "A1_1"));
        fs::copy(second, root.join(other)).unwrap();
        let dataset = open_whole(&root);
        assert_eq!(crc(&dataset), expected, "{structure:?}");
        let file_name = other.rsplit('/').next().unwrap();
        let is_told = told(&dataset)[0].message.contains(file_name);
        assert!(is_told, "{structure:?}: {:?}", dataset.problems);
    }
}
