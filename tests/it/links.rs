//! Paths that metadata names stay inside of the dataset: with `..`, absolute ones, and by symbolic links.

use std::{fs, path::Path};

use serde_json::json;
use squidview::{
    formats,
    model::{Absence, Code, TileId},
    store::{ReadOutcome, Store},
};

use crate::{
    fixture,
    planes::{open_whole, plane_at},
    program::on,
};

/// A version 2 image whose array is at `path` by its metadata.
fn image_at(folder: &Path, path: &str) {
    fixture::write_v2(folder, &["z", "y", "x"], &[1, 2, 4]);
    let text = fs::read_to_string(folder.join(".zattrs")).unwrap();
    let text = text.replace(r#""path":"0""#, &format!(r#""path":{}"#, json!(path)));
    fs::write(folder.join(".zattrs"), text).unwrap();
}

/// What the library says of an image that names that path, and what reading it without its own array gives.
fn code_of(folder: &Path) -> Option<Code> {
    match formats::open(folder, &mut |_| true) {
        Ok(dataset) => dataset.problems.first().map(|problem| problem.code),
        Err(error) => Some(error.code),
    }
}

#[test]
fn arrays_outside_are_unsafe_paths() {
    let folder = tempfile::tempdir().unwrap();
    fixture::write_v2(&folder.path().join("secret"), &["z", "y", "x"], &[1, 2, 4]);
    let absolute = folder.path().join("secret/0");
    for path in [
        "../secret/0",
        "a/../../secret/0",
        absolute.to_str().unwrap(),
        "..\\secret\\0",
    ] {
        let image = folder.path().join("image");
        image_at(&image, path);
        fs::rename(image.join("0"), image.join("own")).unwrap();
        assert_eq!(code_of(&image), Some(Code::UnsafePath), "{path}");
        let answer = on(&image, "inspect PATH --json").json();
        assert_eq!(answer["error"]["code"], "unsafe_path", "{path}");
        fs::remove_dir_all(image).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn links_lead_where_they_like_inside_and_nowhere_outside() {
    use std::os::unix::fs::symlink;

    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    fixture::write_v2(&at("secret"), &["z", "y", "x"], &[1, 2, 4]);
    let check = |name: &str, target: &Path, expected: Option<Code>| {
        let image = at(name);
        image_at(&image, "0");
        fs::rename(image.join("0"), image.join("own")).unwrap();
        symlink(target, image.join("0")).unwrap();
        assert_eq!(code_of(&image), expected, "{name}");
    };
    check("inside", Path::new("own"), None);
    check("outside", Path::new("../secret/0"), Some(Code::UnsafePath));
    check("absolute", &at("secret/0"), Some(Code::UnsafePath));
    check("circle", Path::new("0"), Some(Code::IoError));
    check("nothing", Path::new("none"), Some(Code::MissingArray));
    // The dataset itself behind a link is what a person opened.
    symlink("inside", at("link")).unwrap();
    assert_eq!(code_of(&at("link")), None);
}

#[cfg(unix)]
#[test]
fn wells_fields_labels_and_series_follow_no_link_out() {
    use std::os::unix::fs::symlink;

    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    let group = |path: &str, attributes: serde_json::Value| {
        fs::create_dir_all(at(path)).unwrap();
        fs::write(at(path).join(".zgroup"), r#"{"zarr_format": 2}"#).unwrap();
        fs::write(at(path).join(".zattrs"), attributes.to_string()).unwrap();
    };
    let unsafe_paths = |path: &str| {
        let dataset = open_whole(&at(path));
        let problems = dataset.problems.iter();
        problems.filter(|it| it.code == Code::UnsafePath).count()
    };
    fixture::write_v2(&at("secret"), &["z", "y", "x"], &[1, 2, 4]);
    group("well", json!({"well": {"images": [{"path": "0"}]}}));
    fixture::write_v2(&at("well/0"), &["z", "y", "x"], &[1, 2, 4]);

    let wells = json!({"plate": {"wells": [{"path": "A/1"}, {"path": "A/2"}, {"path": "A/3"}]}});
    group("p.zarr", wells);
    group(
        "p.zarr/A/1",
        json!({"well": {"images": [{"path": "0"}, {"path": "1"}]}}),
    );
    fixture::write_v2(&at("p.zarr/A/1/0"), &["z", "y", "x"], &[1, 2, 4]);
    symlink("../../../secret", at("p.zarr/A/1/1")).unwrap();
    symlink("../../well", at("p.zarr/A/2")).unwrap();
    symlink("1", at("p.zarr/A/3")).unwrap();
    assert_eq!(
        unsafe_paths("p.zarr"),
        3,
        "a field (twice: A/1, A/3) and a well"
    );

    fixture::write_v2(&at("image"), &["z", "y", "x"], &[1, 2, 4]);
    group("image/labels", json!({"labels": ["cells", "own"]}));
    symlink("../../secret", at("image/labels/cells")).unwrap();
    fixture::write_v2(&at("image/labels/own"), &["z", "y", "x"], &[1, 2, 4]);
    assert_eq!(unsafe_paths("image"), 1);

    group("series", json!({"bioformats2raw.layout": 3}));
    group("series/OME", json!({"series": ["0", "1"]}));
    fixture::write_v2(&at("series/0"), &["z", "y", "x"], &[1, 2, 4]);
    symlink("../secret", at("series/1")).unwrap();
    assert_eq!(unsafe_paths("series"), 1);
}

#[cfg(unix)]
#[test]
fn folders_that_link_to_each_other_are_searched_once() {
    use std::os::unix::fs::symlink;

    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b/c"] {
        let image = folder.path().join(name);
        fixture::write_v2(&image, &["z", "y", "x"], &[1, 2, 4]);
    }
    symlink(".", folder.path().join("self")).unwrap();
    symlink("..", folder.path().join("b/up")).unwrap();
    symlink("b", folder.path().join("again")).unwrap();
    let dataset = formats::open(folder.path(), &mut |_| true).unwrap();
    let paths: Vec<&str> = dataset.fovs.iter().map(|fov| fov.path.as_str()).collect();
    assert_eq!(paths, ["a", "again/c"]);
}

#[cfg(unix)]
#[test]
fn a_chunk_may_be_a_link_as_data_managers_make_them() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    fixture::write_v2(&image, &["z", "y", "x"], &[1, 2, 4]);
    let (chunk, kept) = (image.join("0/0.0.0"), folder.path().join("kept"));
    fs::rename(&chunk, &kept).unwrap();
    std::os::unix::fs::symlink(&kept, &chunk).unwrap();
    let dataset = open_whole(&image);
    let tile = TileId::whole(plane_at(dataset.order[0], 0, 0, 0));
    let read = || Store::new().read_tile(&dataset, tile, Absence::AsStored);
    assert!(matches!(read(), Ok(ReadOutcome::Pixels { .. })));
    // Its content was not fetched: no fill value.
    fs::remove_file(&kept).unwrap();
    assert_eq!(read().unwrap_err().code, Code::IoError);
}

/// Planned regions become names of files, which an unfinished run is asked for.
#[test]
fn planned_regions_that_are_paths_are_left_out_and_listed() {
    for structure in ["tiff", "multi_page", "ome_tiff", "hcs"] {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        let line = "--wells A1 --fov-per-well 1 --t 1 --z 1 --size 16x16 --interval-ms 0";
        let command = format!("simulate PATH --structure {structure} {line}");
        assert_eq!(on(&run, &command).status, Some(0));
        fs::remove_file(run.join(".done")).unwrap();
        let own = open_whole(&run).fovs.len();
        // Everything of the run once more, outside of it and named after a region there.
        copy_as(&run, &folder.path().join("secret"), "A1_", "S_");
        let absolute = folder.path().join("secret/0/S");
        for path in [
            "../../secret/0/S",
            "../../secret/S",
            absolute.to_str().unwrap(),
            "..",
        ] {
            let table = fs::read_to_string(run.join("coordinates.csv")).unwrap();
            fs::write(
                run.join("coordinates.csv"),
                format!("{table}{path},1.0,2.0,3.0\n"),
            )
            .unwrap();
            let dataset = open_whole(&run);
            let problems = dataset.problems.iter().map(|problem| problem.code);
            assert_eq!(
                problems.filter(|code| *code == Code::UnsafePath).count(),
                1,
                "{structure} {path}"
            );
            assert_eq!(dataset.fovs.len(), own, "{structure} {path}");
            fs::write(run.join("coordinates.csv"), table).unwrap();
        }
    }
}

/// A folder with what is in it, each name that begins with `from` beginning with `to`.
fn copy_as(source: &Path, target: &Path, from: &str, to: &str) {
    fs::create_dir_all(target).unwrap();
    for entry in fs::read_dir(source).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let name = name
            .strip_prefix(from)
            .map_or(name.clone(), |rest| format!("{to}{rest}"));
        if entry.file_type().unwrap().is_dir() {
            copy_as(&entry.path(), &target.join(name), from, to);
        } else {
            fs::copy(entry.path(), target.join(name)).unwrap();
        }
    }
}
