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
