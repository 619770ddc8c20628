//! Opening, by text: tiny stores written by hand, without chunks, and what the dataset then says.

use std::{fs, path::Path};

use super::*;
use crate::model::FovId;

/// Writes documents and opens a path below them, with the folder's name replaced by `.`.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, text).expect("a file");
        self
    }

    fn folder(&self, path: &str) -> &Self {
        fs::create_dir_all(self.0.path().join(path)).expect("folders");
        self
    }

    /// A v3 group with OME attributes.
    fn group(&self, path: &str, ome: &str) -> &Self {
        let text = format!(
            r#"{{"zarr_format":3,"node_type":"group","attributes":{{"ome":{{"version":"0.5",{ome}}}}}}}"#
        );
        self.write(&format!("{path}/zarr.json"), &text)
    }

    /// A v3 array of u16.
    fn array(&self, path: &str, shape: &[u64]) -> &Self {
        self.array_with(path, shape, "{}")
    }

    fn array_with(&self, path: &str, shape: &[u64], attributes: &str) -> &Self {
        let text = format!(
            r#"{{"zarr_format":3,"node_type":"array","shape":{shape:?},"data_type":"uint16","fill_value":0,
            "chunk_grid":{{"name":"regular","configuration":{{"chunk_shape":{shape:?}}}}},
            "chunk_key_encoding":{{"name":"default"}},
            "codecs":[{{"name":"bytes","configuration":{{"endian":"little"}}}}],"attributes":{attributes}}}"#
        );
        self.write(&format!("{path}/zarr.json"), &text)
    }

    /// A 5-D image, a group with an array `0`.
    fn image(&self, path: &str, shape: &[u64; 5]) -> &Self {
        self.group(path, IMAGE).array(&format!("{path}/0"), shape)
    }

    fn open(&self, path: &str) -> Result<Dataset, OpenError> {
        open(&self.0.path().join(path), &mut |_| true)
    }

    fn lines(&self, path: &str) -> Vec<String> {
        let dataset = self.open(path).expect("a dataset");
        text::describe(&dataset)
            .lines()
            .map(str::to_owned)
            .collect()
    }
}

const IMAGE: &str = r#""multiscales":[{"axes":[{"name":"t","type":"time","unit":"second"},{"name":"c","type":"channel"},
    {"name":"z","type":"space","unit":"micrometer"},{"name":"y","type":"space","unit":"micrometer"},
    {"name":"x","type":"space","unit":"micrometer"}],"datasets":[{"path":"0","coordinateTransformations":
    [{"type":"scale","scale":[2.0,1.0,1.5,0.5,0.25]}]}]}],
    "omero":{"channels":[{"label":"DAPI","color":"20ADF8","window":{"start":0,"end":65535}}]}"#;

/// Lines of the FOV table and of problems, without the rest.
fn check(disk: &Disk, path: &str, expected: &[&str]) {
    let lines = disk.lines(path);
    let shown: Vec<&str> = lines
        .iter()
        .map(String::as_str)
        .filter(|line| line.contains(" = ") || line.starts_with('!'))
        .collect();
    assert_eq!(shown, expected, "{}", lines.join("\n"));
}

fn check_error(disk: &Disk, path: &str, code: Code) {
    let error = disk.open(path).expect_err("an error");
    assert_eq!(error.code, code, "{error}");
}

#[test]
fn one_image_is_described_in_full() {
    let disk = Disk::new();
    disk.image("a.ome.zarr", &[2, 1, 3, 300, 600]);
    let expected = "\
image a.ome.zarr: OME-Zarr image, zarr 3, ngff 0.5
1 FOV
  a = .
image t,c,z,y,x uint16
  level 0: 2x1x3x300x600
  pixel 0.5 x 0.25 \u{b5}m, z 1.5 \u{b5}m, t 2 s";
    let lines = disk.lines("a.ome.zarr");
    assert_eq!(lines[..6].join("\n"), expected);
    assert_eq!(lines[7..], ["  channels DAPI #20ADF8"]);
    let dataset = disk.open("a.ome.zarr/").expect("a dataset");
    let computed = &dataset.template.computed;
    let sizes: Vec<_> = computed
        .iter()
        .map(|grid| (grid.width, grid.height))
        .collect();
    assert_eq!(sizes, [(300, 150), (150, 75)]);
}

#[test]
fn regions_are_in_natural_order_with_unequal_fovs() {
    let disk = Disk::new();
    disk.image("run/zarr/R10/fov_0.ome.zarr", &[1, 1, 1, 8, 4])
        .image("run/zarr/R2/fov_10.ome.zarr", &[1, 1, 1, 9, 4])
        .image("run/zarr/R2/fov_2.ome.zarr", &[2, 1, 1, 8, 6])
        .folder("run/0");
    let expected = [
        "  R2:2 = zarr/R2/fov_2.ome.zarr",
        "  R2:10 = zarr/R2/fov_10.ome.zarr",
        "  R10:0 = zarr/R10/fov_0.ome.zarr",
    ];
    check(&disk, "run", &expected);
    let dataset = disk.open("run").expect("a dataset");
    let sizes: Vec<_> = (0..3)
        .map(|row| {
            let opened = dataset.opener.open_fov(&dataset, crate::model::FovId(row));
            opened.expect("a FOV").images[0].1.plane_size()
        })
        .collect();
    assert_eq!(sizes, [(6, 8), (4, 9), (4, 8)]);
    check(
        &disk,
        "run/zarr/R2",
        &["  R2:2 = fov_2.ome.zarr", "  R2:10 = fov_10.ome.zarr"],
    );
    check(&disk, "run/zarr/R2/fov_2.ome.zarr", &["  R2:2 = ."]);
}

#[test]
fn a_broken_first_fov_changes_nothing_for_the_rest() {
    let disk = Disk::new();
    disk.write("run/zarr/A1/fov_0.ome.zarr/zarr.json", "{\"zarr")
        .folder("run/zarr/A1/fov_1.ome.zarr")
        .image("run/zarr/A1/fov_2.ome.zarr", &[1, 1, 1, 8, 4]);
    let dataset = disk.open("run").expect("a dataset");
    let lines = disk.lines("run");
    assert_eq!(dataset.num_fovs(), 3);
    assert_eq!(dataset.template.plane_size(), (4, 8));
    assert_eq!(
        lines[2],
        "  A1:0 = zarr/A1/fov_0.ome.zarr (failed: bad_json)"
    );
    assert_eq!(
        lines[3],
        "  A1:1 = zarr/A1/fov_1.ome.zarr (failed: missing_array)"
    );
}

#[test]
fn where_no_fov_can_be_read_the_first_reason_is_told() {
    let disk = Disk::new();
    disk.write("run/zarr/A1/fov_0.ome.zarr/zarr.json", "nonsense");
    check_error(&disk, "run", Code::BadJson);
}

#[test]
fn a_6d_array_is_flattened_whatever_the_order_of_its_axes() {
    let axes = |names: &str| {
        let axes: Vec<String> = names
            .split(',')
            .map(|name| format!(r#"{{"name":"{name}"}}"#))
            .collect();
        let axes = axes.join(",");
        format!(
            r#"{{"ome":{{"version":"0.5","multiscales":[{{"axes":[{axes}],"datasets":[{{"path":".","coordinateTransformations":[{{"type":"scale","scale":[1,1,1,1,1,1]}}]}}]}}]}}}}"#
        )
    };
    let disk = Disk::new();
    disk.array_with(
        "run/zarr/m/acquisition.zarr",
        &[2, 3, 1, 1, 8, 4],
        &axes("fov,t,c,z,y,x"),
    )
    .array_with(
        "run/zarr/n/acquisition.zarr",
        &[3, 1, 1, 1, 8, 4],
        &axes("t,position,c,z,y,x"),
    );
    let expected = [
        "  m:0 = zarr/m/acquisition.zarr#0",
        "  m:1 = zarr/m/acquisition.zarr#1",
        "  n:0 = zarr/n/acquisition.zarr#0",
    ];
    check(&disk, "run", &expected);
    let dataset = disk.open("run").expect("a dataset");
    assert_eq!(dataset.len_along(crate::model::NavAxis::Time), 3);
    let first = dataset.image(crate::model::FovId(0)).expect("opened");
    let second = dataset
        .image(crate::model::FovId(1))
        .expect("opened with its sibling");
    assert!(std::sync::Arc::ptr_eq(first, second));
    check(
        &disk,
        "run/zarr/m/acquisition.zarr",
        &["  m:0 = .#0", "  m:1 = .#1"],
    );
}

const PLATE: &str = r#""plate":{"rows":[{"name":"A"},{"name":"B"}],"columns":[{"name":"2"},{"name":"10"}],
    "wells":[{"path":"A/10","rowIndex":0,"columnIndex":1},{"path":"A/2","rowIndex":0,"columnIndex":0},
    {"path":"B/2","rowIndex":1,"columnIndex":0}]}"#;

#[test]
fn wells_are_in_natural_order_and_can_be_opened_one_by_one() {
    let disk = Disk::new();
    disk.group("p.zarr", PLATE)
        .group("p.zarr/A/2", r#""well":{"images":[{"path":"0"}]}"#)
        .image("p.zarr/A/2/0", &[1, 1, 1, 8, 4])
        .group(
            "p.zarr/A/10",
            r#""well":{"images":[{"path":"1"},{"path":"0"}]}"#,
        )
        .image("p.zarr/A/10/0", &[1, 1, 1, 8, 4])
        .image("p.zarr/A/10/1", &[1, 1, 1, 8, 4])
        .group("p.zarr/B/2", r#""well":{"images":[{"path":"0"}]}"#)
        .image("p.zarr/B/2/0", &[1, 1, 1, 8, 4]);
    let all = [
        "  A2:0 = A/2/0",
        "  A10:0 = A/10/0",
        "  A10:1 = A/10/1",
        "  B2:0 = B/2/0",
    ];
    check(&disk, "p.zarr", &all);
    check(
        &disk,
        "p.zarr/A",
        &["  A2:0 = 2/0", "  A10:0 = 10/0", "  A10:1 = 10/1"],
    );
    check(&disk, "p.zarr/A/10", &["  A10:0 = 0", "  A10:1 = 1"]);
    check(&disk, "p.zarr/B/2/0", &["  B2:0 = ."]);
}

#[test]
fn wrong_plate_metadata_gives_way_to_the_folders() {
    let disk = Disk::new();
    disk.group(
        "run/plate.ome.zarr",
        r#""plate":{"rows":[],"columns":[],"wells":[{"path":"C/7"}]}"#,
    )
    .image("run/plate.ome.zarr/A/10/0", &[1, 1, 1, 8, 4])
    .image("run/plate.ome.zarr/A/2/0", &[1, 1, 1, 8, 4]);
    let dataset = disk.open("run").expect("a dataset");
    let labels: Vec<_> = dataset.fovs.iter().map(|fov| fov.label.as_str()).collect();
    assert_eq!(labels, ["A2:0", "A10:0"]);
    assert!(!dataset.problems.is_empty());
    assert_eq!(dataset.kind.as_str(), "squid");
}

#[test]
fn a_plate_of_which_no_well_is_there_says_why_or_gives_way_to_its_own_image() {
    let plate = |well: &str| {
        format!(
            r#""plate":{{"rows":[{{"name":"A"}}],"columns":[{{"name":"1"}}],"wells":[{{"path":"{well}"}}]}}"#
        )
    };
    let disk = Disk::new();
    disk.group("absent", &plate("A/1"));
    disk.group("outside", &plate("../A/1"));
    check_error(&disk, "absent", Code::MissingArray);
    check_error(&disk, "outside", Code::BadMetadata);
    disk.group("both", &format!("{},{IMAGE}", plate("A/1")));
    disk.array("both/0", &[1, 1, 1, 4, 6]);
    assert_eq!(disk.open("both").expect("an image").fovs.len(), 1);
}

#[test]
fn a_well_path_that_leaves_the_plate_is_listed_and_left_aside() {
    let disk = Disk::new();
    disk.image("secret/0", &[1, 1, 1, 8, 4])
        .group(
            "p.zarr",
            r#""plate":{"wells":[{"path":"../secret"},{"path":"A/1"}]}"#,
        )
        .group("p.zarr/A/1", r#""well":{"images":[{"path":"0"}]}"#)
        .image("p.zarr/A/1/0", &[1, 1, 1, 8, 4]);
    let dataset = disk.open("p.zarr").expect("a dataset");
    assert_eq!(dataset.num_fovs(), 1);
    assert!(
        dataset
            .problems
            .iter()
            .any(|problem| problem.code == Code::UnsafePath)
    );
}

#[test]
fn stores_per_timepoint_are_joined_by_number() {
    let disk = Disk::new();
    for time in ["0", "2", "10"] {
        let path = format!("run/plate.zarr/A/1/0/{time}/acquisition.zarr");
        disk.image(&path, &[1, 1, 1, 8, 4]);
    }
    let lines = disk.lines("run").join("\n");
    assert!(lines.contains("  A1:0 = plate.zarr/A/1/0\n"), "{lines}");
    assert!(
        lines.contains("level 0: 11x1x1x8x4, 3 of 11 timepoints"),
        "{lines}"
    );
}

#[test]
fn older_plates_keep_the_store_one_folder_down() {
    let disk = Disk::new();
    disk.image("run/plate.zarr/A/1/0/acquisition.zarr", &[1, 1, 1, 8, 4])
        .image("run/plate.zarr/A/1/1/acquisition.zarr", &[1, 1, 1, 8, 4]);
    let lines = disk.lines("run");
    assert_eq!(lines[3], "  A1:0 = plate.zarr/A/1/0/acquisition.zarr");
    assert_eq!(disk.lines("run/plate.zarr/A/1/1")[2], "  A1:1 = .");
}

#[test]
fn the_array_is_the_named_one_then_0_then_the_root() {
    let disk = Disk::new();
    let named = r#""multiscales":[{"datasets":[{"path":"s0"}]}]"#;
    disk.group("a", named)
        .array("a/s0", &[8, 4])
        .array("a/0", &[8, 5]);
    disk.group("b", named).array("b/0", &[8, 5]);
    let attributes = format!(r#"{{"ome":{{"version":"0.5",{named}}}}}"#);
    disk.array_with("c", &[8, 6], &attributes);
    for (path, width) in [("a", 4), ("b", 5), ("c", 6)] {
        let dataset = disk.open(path).expect("a dataset");
        assert_eq!(dataset.template.plane_size(), (width, 8), "{path}");
    }
}

#[test]
fn a_level_without_an_array_is_listed_and_the_rest_opens() {
    let disk = Disk::new();
    let scale = r#""coordinateTransformations":[{"type":"scale","scale":[1,1]}]"#;
    let multiscales = format!(
        r#""multiscales":[{{"axes":[{{"name":"y"}},{{"name":"x"}}],
        "datasets":[{{"path":"0",{scale}}},{{"path":"1",{scale}}}]}}]"#
    );
    disk.group("a", &multiscales).array("a/0", &[8, 4]);
    let found = "! missing_array named in the metadata, but no array is there: 1";
    check(&disk, "a", &["  a = .", found]);
}

#[test]
fn planned_fovs_are_rows_until_the_run_is_done() {
    let disk = Disk::new();
    disk.write(
        "run/coordinates.csv",
        "region,x (mm),y (mm)\nA1,1,2\nA1,3,4\nB1,5,6\n",
    )
    .image("run/zarr/A1/fov_0.ome.zarr", &[1, 1, 1, 8, 4]);
    let running = [
        "  A1:0 = zarr/A1/fov_0.ome.zarr at 1000.0,2000.0 \u{b5}m",
        "  A1:1 = zarr/A1/fov_1.ome.zarr at 3000.0,4000.0 \u{b5}m (planned)",
        "  B1:0 = zarr/B1/fov_0.ome.zarr at 5000.0,6000.0 \u{b5}m (planned)",
    ];
    check(&disk, "run", &running);
    disk.write("run/.done", "");
    check(&disk, "run", &running[..1]);
}

#[test]
fn plain_arrays_groups_and_folders_of_stores_open() {
    let disk = Disk::new();
    disk.array("x/a10.zarr", &[8, 4])
        .image("x/sub/b.zarr", &[1, 1, 1, 8, 4])
        .array("x/a2.zarr/0", &[3, 8, 4])
        .write("x/a2.zarr/.zgroup", r#"{"zarr_format":2}"#);
    let dataset = disk.open("x").expect("a dataset");
    let paths: Vec<_> = dataset.fovs.iter().map(|fov| fov.path.as_str()).collect();
    assert_eq!(paths, ["a2.zarr", "a10.zarr", "sub/b.zarr"]);
    assert_eq!(dataset.kind.as_str(), "collection");
    let kind = |path: &str| disk.open(path).expect("a dataset").kind.as_str();
    assert_eq!(kind("x/a10.zarr"), "array");
    assert_eq!(kind("x/a2.zarr"), "array");
    assert_eq!(kind("x/sub/b.zarr/zarr.json"), "image");
}

#[test]
fn several_multiscales_of_a_group_are_as_many_images() {
    let disk = Disk::new();
    let multiscale = |name: &str, path: &str| {
        format!(
            r#"{{"name":"{name}","axes":[{{"name":"y","type":"space"}},{{"name":"x","type":"space"}}],
            "datasets":[{{"path":"{path}","coordinateTransformations":[{{"type":"scale","scale":[1,1]}}]}}]}}"#
        )
    };
    let both = [multiscale("raw", "0"), multiscale("mean", "other/0")].join(",");
    disk.group("x/both", &format!(r#""multiscales":[{both}]"#))
        .array("x/both/0", &[8, 4])
        .array("x/both/other/0", &[6, 2]);
    let dataset = disk.open("x/both").expect("a dataset");
    assert_eq!(dataset.kind.as_str(), "collection");
    let rows: Vec<_> = dataset
        .fovs
        .iter()
        .map(|fov| (fov.path.as_str(), fov.label.as_str()))
        .collect();
    assert_eq!(rows, [("#0", "0: raw"), ("#1", "1: mean")]);
    assert!(dataset.problems.is_empty(), "{:?}", dataset.problems);
    let shape = |row: u32| {
        let opened = dataset
            .opener
            .open_fov(&dataset, FovId(row))
            .expect("opened");
        opened.images[0].1.levels[0].shape.clone()
    };
    assert_eq!((shape(0), shape(1)), (vec![8, 4], vec![6, 2]));
    // In a collection the first one is shown, and that is said.
    let around = disk.open("x").expect("a dataset");
    assert_eq!(around.fovs.len(), 1);
    let said = &around.problems[0];
    assert_eq!((said.code, said.location.as_str()), (Code::Ignored, "both"));
    assert!(said.message.contains("open the group by itself"), "{said}");
}

#[test]
fn what_is_no_zarr_dataset_says_so() {
    let disk = Disk::new();
    disk.folder("empty/zarr")
        .folder("empty/plate.ome.zarr")
        .write("ome/ome_tiff/A1_0.ome.tiff", "")
        .write("lone.txt", "");
    check_error(&disk, "empty", Code::NotZarr);
    check_error(&disk, "nowhere", Code::NotFound);
    check_error(&disk, "lone.txt", Code::NotZarr);
    check_error(&disk, "ome", Code::NotWritten);
    let found = detect(&disk.0.path().join("ome")).expect("recognised");
    assert!(found.layout.contains("Squid acquisition"));
}

#[test]
fn a_path_may_be_a_file_url_with_a_slash_at_its_end() {
    let plain = |text: &str| plain_path(Path::new(text));
    assert_eq!(plain("file:///a/b%20c/"), Path::new("/a/b c"));
    assert_eq!(plain("/a/./b/"), Path::new("/a/b"));
    assert_eq!(plain("file://localhost/a%zz"), Path::new("/a%zz"));
}

#[test]
fn opening_can_be_cancelled() {
    let disk = Disk::new();
    disk.image("a", &[1, 1, 1, 8, 4]);
    let error = open(&disk.0.path().join("a"), &mut |_| false).expect_err("cancelled");
    assert!(error.is_cancelled());
}

#[test]
fn a_collection_lists_the_fovs_inside_of_an_array() {
    let disk = Disk::new();
    disk.array("x/a/zarr/m/acquisition.zarr", &[2, 1, 1, 1, 8, 4])
        .image("x/b.zarr", &[1, 1, 1, 8, 4]);
    let dataset = disk.open("x").expect("a dataset");
    let paths: Vec<_> = dataset.fovs.iter().map(|fov| fov.path.as_str()).collect();
    let array = "a/zarr/m/acquisition.zarr";
    assert_eq!(
        paths,
        [&format!("{array}#0"), &format!("{array}#1"), "b.zarr"]
    );
}

#[test]
fn an_aborted_run_never_becomes_complete_and_says_so() {
    let disk = Disk::new();
    let keys = r#"{"_squid":{"acquisition_complete":false,"aborted":true,"pixel_size_um":0.5}}"#;
    disk.array_with("run/zarr/A1/fov_0.zarr", &[2, 1, 1, 8, 4], keys)
        .write(
            "run/coordinates.csv",
            "region,x (mm),y (mm)\nA1,1,2\nA1,3,4\n",
        )
        .write("run/.done", "");
    let run = disk.open("run").expect("a dataset").acquisition;
    let run = run.expect("an acquisition");
    assert_eq!((run.complete, run.aborted), (Some(false), true));
    assert_eq!(run.planned_planes, Some(4));
}

#[test]
fn executed_positions_come_before_planned_ones_and_are_read_per_timepoint() {
    let header = "region,fov,z_level,x (mm),y (mm),z (um),time\n";
    let disk = Disk::new();
    disk.image("run/zarr/A1/fov_0.ome.zarr", &[2, 1, 2, 8, 4])
        .write(
            "run/coordinates.csv",
            "region,x (mm),y (mm),z (mm)\nA1,1,2,3\n",
        )
        .write(
            "run/00/coordinates.csv",
            &format!("{header}A1,0,1,1.5,2.5,3001,late\nA1,0,0,1.5,2.5,3000,t0\n"),
        )
        .write(
            "run/01/coordinates.csv",
            &format!("{header}A1,0,0,1.6,2.6,3005,t1\n"),
        );
    let dataset = disk.open("run/zarr/A1/fov_0.ome.zarr").expect("a dataset");
    let fov = &dataset.fovs[0];
    assert_eq!(
        fov.stage_um.map(|place| (place.x, place.y)),
        Some((1500.0, 2500.0))
    );
    assert_eq!(fov.stage_z_um, Some(3000.0));
    let executed = |t| dataset.opener.executed(&dataset, crate::model::FovId(0), t);
    assert_eq!(executed(1).map(|row| row.time), Some("t1".to_owned()));
    assert_eq!(executed(2), None);
}

#[test]
fn a_series_and_label_images_open() {
    let disk = Disk::new();
    disk.write("s/.zattrs", r#"{"bioformats2raw.layout":3}"#)
        .write("s/.zgroup", r#"{"zarr_format":2}"#)
        .folder("s/OME")
        .image("s/10", &[1, 1, 1, 8, 4])
        .image("s/2", &[1, 1, 1, 8, 4])
        .group("s/2/labels", r#""labels":["cells"]"#)
        .array("s/2/labels/cells/0", &[1, 1, 1, 8, 4])
        .group("s/2/labels/cells", IMAGE);
    let check = |path: &str, kind: &str, paths: &[&str]| {
        let dataset = disk.open(path).expect("a dataset");
        let found: Vec<_> = dataset.fovs.iter().map(|fov| fov.path.as_str()).collect();
        assert_eq!((dataset.kind.as_str(), found.as_slice()), (kind, paths));
    };
    check("s", "series", &["2", "10"]);
    disk.group("s/OME", r#""series":["10","../x","gone","2"]"#);
    check("s", "series", &["10", "gone", "2"]);
    let dataset = disk.open("s").expect("a dataset");
    assert_eq!(dataset.problems[0].code, Code::UnsafePath);
    assert!(!dataset.fovs[1].present);
    disk.group("s/OME", r#""series":["2","10"]"#);
    check("s/2/labels", "labels", &["cells"]);
    assert_eq!(
        disk.open("s").expect("a dataset").template.labels,
        ["cells"]
    );
}

#[test]
fn each_store_says_whether_it_is_finished_until_the_run_is_done() {
    let disk = Disk::new();
    for (fov, is_complete) in [(0, true), (1, false)] {
        let keys = format!(r#"{{"_squid":{{"acquisition_complete":{is_complete}}}}}"#);
        disk.array_with(
            &format!("run/zarr/A1/fov_{fov}.zarr"),
            &[1, 1, 1, 8, 4],
            &keys,
        );
    }
    let complete_of_second = || {
        let dataset = disk.open("run").expect("a dataset");
        let opened = dataset
            .opener
            .open_fov(&dataset, FovId(1))
            .expect("an image");
        opened.images[0].1.complete
    };
    assert_eq!(complete_of_second(), Some(false));
    disk.write("run/coordinates.csv", "").write("run/.done", "");
    assert_eq!(complete_of_second(), Some(true));
}

#[test]
fn an_acquisition_is_complete_by_its_mark_or_by_its_only_store() {
    let disk = Disk::new();
    let store = |path: &str, is_complete: bool| {
        let keys = format!(r#"{{"_squid":{{"acquisition_complete":{is_complete}}}}}"#);
        disk.array_with(path, &[1, 1, 1, 8, 4], &keys);
    };
    let complete = |path: &str| {
        let dataset = disk.open(path).expect("a dataset");
        dataset.acquisition.expect("an acquisition").complete
    };
    store("run/zarr/A1/fov_0.zarr", true);
    assert_eq!(complete("run"), Some(true), "there is no other");
    store("run/zarr/A1/fov_1.zarr", false);
    assert_eq!(complete("run"), None, "the second one is not looked at");
    assert_eq!(complete("run/zarr/A1/fov_0.zarr"), Some(true));
    assert_eq!(complete("run/zarr/A1/fov_1.zarr"), Some(false));
    store("run/zarr/A1/fov_0.zarr", false);
    assert_eq!(complete("run"), Some(false));
    disk.write("run/coordinates.csv", "").write("run/.done", "");
    assert_eq!(complete("run"), Some(true));
}

#[test]
fn a_path_over_a_parent_is_the_place_that_it_leads_to() {
    let disk = Disk::new();
    let well = r#""well":{"images":[{"path":"0"}]}"#;
    disk.group("x/plate.ome.zarr/B/2", well)
        .image("x/plate.ome.zarr/B/2/0", &[1, 1, 1, 8, 4])
        .folder("x/plate.ome.zarr/A");
    let dataset = disk.open("x/plate.ome.zarr/A/../B/2").expect("a dataset");
    let names: Vec<_> = dataset
        .fovs
        .iter()
        .map(|fov| (fov.row.as_deref(), fov.column.as_deref()))
        .collect();
    assert_eq!(names, [(Some("B"), Some("2"))]);
}

#[test]
fn a_group_of_another_format_is_listed_and_its_arrays_are_read() {
    let disk = Disk::new();
    disk.image("a.zarr", &[1, 1, 1, 8, 4]);
    let text = format!(
        r#"{{"zarr_format":4,"node_type":"group","attributes":{{"ome":{{"version":"0.5",{IMAGE}}}}}}}"#
    );
    disk.write("a.zarr/zarr.json", &text);
    let expected = ["  a = .", "! unsupported zarr_format is 4, expected 3: ."];
    check(&disk, "a.zarr", &expected);
    disk.write(
        "b.zarr/zarr.json",
        r#"{"zarr_format":3,"node_type":"thing"}"#,
    );
    check_error(&disk, "b.zarr", Code::BadMetadata);
}

#[test]
fn a_label_image_opens_by_name_and_never_leaves_its_group() {
    let disk = Disk::new();
    disk.image("a.zarr", &[2, 3, 1, 8, 4])
        .group(
            "a.zarr/labels",
            r#""labels":["cells","gone","../../a.zarr"]"#,
        )
        .image("a.zarr/labels/cells", &[2, 1, 1, 8, 4]);
    let dataset = disk.open("a.zarr").expect("a dataset");
    assert_eq!(dataset.template.labels, ["cells", "gone"]);
    assert_eq!(dataset.problems[0].code, Code::UnsafePath);
    let open = |name: &str| open_label(&dataset, FovId(0), name, &mut |_| true);
    let (label, fov) = open("cells").expect("a label image");
    assert_eq!(label.image(fov).map(|image| image.num_channels()), Some(1));
    for (name, code) in [
        ("gone", Code::MissingArray),
        (".", Code::MissingArray),
        ("../../a.zarr", Code::UnsafePath),
    ] {
        let error = open(name).expect_err("no label image");
        assert_eq!(error.code, code, "{name}: {error}");
    }
}

#[test]
fn a_timepoint_with_a_broken_document_does_not_speak_for_the_others() {
    let disk = Disk::new();
    let field = "plate.zarr/A/1/0";
    for t in 0..2 {
        disk.image(&format!("{field}/{t}/acquisition.zarr"), &[1, 1, 2, 8, 4]);
    }
    disk.write(&format!("{field}/0/acquisition.zarr/zarr.json"), "");
    let dataset = disk.open("plate.zarr").expect("a dataset");
    assert_eq!(dataset.template.channels[0].name.as_deref(), Some("DAPI"));
    assert_eq!(dataset.template.num_timepoints(), 2);
    let mut codes = dataset.problems.iter().map(|problem| problem.code);
    assert!(codes.any(|code| code == Code::BadJson));
}

#[test]
fn label_images_of_which_none_is_there_are_missing_and_not_planned() {
    let disk = Disk::new();
    disk.group("a.zarr/labels", r#""labels":["cells"]"#);
    check_error(&disk, "a.zarr/labels", Code::MissingArray);
}

#[test]
fn a_second_plate_in_an_acquisition_is_listed() {
    let disk = Disk::new();
    for folder in ["plate.ome.zarr/A/1/0", "plate_2.ome.zarr/A/1/0"] {
        disk.image(&format!("run/{folder}"), &[1, 1, 1, 8, 4]);
    }
    disk.write("run/coordinates.csv", "")
        .folder("run/zarr/A1")
        .image("run/zarr/B1/fov_0.ome.zarr", &[1, 1, 1, 8, 4]);
    let dataset = disk.open("run").expect("a dataset");
    let aside = |dataset: &Dataset| -> Vec<String> {
        let problems = dataset.problems.iter();
        let aside = problems.filter(|problem| problem.message.contains("by itself"));
        aside.map(|problem| problem.location.clone()).collect()
    };
    assert_eq!(aside(&dataset), ["plate_2.ome.zarr", "zarr"]);
    assert_eq!(dataset.num_fovs(), 1);
    let second = disk.open("run/plate_2.ome.zarr").expect("a dataset");
    assert_eq!(aside(&second), [""; 0]);
}
