//! Disks and names that are not as they should be: an answer or a clean error, within seconds, and nothing written.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use squidview::{
    formats,
    model::{Absence, Code, TileId},
    store::{ReadOutcome, Store},
};

use crate::{
    fixture,
    planes::{data_folder, open_whole, plane_at},
    program::on,
};

/// Each way to ask for something in `path` ends with a clean error of that code, soon.
fn check_refused(path: &Path, code: &str) {
    for line in ["inspect PATH --json", "plane PATH --stats"] {
        let began = Instant::now();
        let ran = on(path, line);
        assert_eq!(ran.status, Some(1), "{line} {ran:?}");
        assert_eq!(ran.json()["error"]["code"], code, "{line} {ran:?}");
        assert!(began.elapsed() < Duration::from_secs(10), "{line}");
    }
}

#[cfg(unix)]
fn pipe(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_in_place_of_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let lone = folder.path().join("a.tif");
    pipe(&lone);
    check_refused(&lone, "io_error");
    check_refused(Path::new("/dev/zero"), "not_zarr");
    for name in ["zarr.json", "0/zarr.json", "0/c/0/0/0/0/0"] {
        let image = folder.path().join("image");
        fixture::copy(&data_folder().join("single.ome.zarr"), &image);
        fs::remove_file(image.join(name)).unwrap();
        pipe(&image.join(name));
        let began = Instant::now();
        let ran = on(&image, "plane PATH --stats");
        assert!(began.elapsed() < Duration::from_secs(10), "{name}");
        match name {
            // The group's document is listed, the array found without it.
            "zarr.json" | "0/zarr.json" => {
                let listed = on(&image, "inspect PATH --json").answer();
                assert_eq!(listed["warnings"][0]["code"], "io_error", "{name}");
            }
            _ => assert_eq!(ran.json()["error"]["code"], "io_error", "{name}"),
        }
        fs::remove_dir_all(&image).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_or_a_circle_among_image_files_hangs_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let acquisition = folder.path().join("run");
    fixture::copy(&data_folder().join("tiff_folder"), &acquisition);
    let file = first_file(&acquisition.join("0"), "tiff");
    fs::remove_file(&file).unwrap();
    pipe(&file);
    let table = acquisition.join("coordinates.csv");
    if table.exists() {
        fs::remove_file(&table).unwrap();
        std::os::unix::fs::symlink("coordinates.csv", &table).unwrap();
    }
    let dataset = open_whole(&acquisition);
    let codes: Vec<Code> = dataset.problems.iter().map(|it| it.code).collect();
    assert!(codes.contains(&Code::IoError), "{:?}", dataset.problems);
    let mut errors = Vec::new();
    for plane in crate::planes::planes_of(&dataset, dataset.order[0]) {
        let read = Store::new().read_tile(&dataset, TileId::whole(plane), Absence::AsStored);
        errors.extend(read.err().map(|error| error.code));
    }
    assert!(errors.len() <= 1 && errors.iter().all(|&code| code == Code::IoError));
}

/// The first file of that ending in a folder.
fn first_file(folder: &Path, ending: &str) -> PathBuf {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .collect();
    files.sort();
    files.into_iter().next().unwrap()
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_an_io_error() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    fixture::copy(&data_folder().join("single.ome.zarr"), &image);
    let forbid =
        |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
    let allow = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    let chunk = image.join("0/c/0/0/0/0/0");
    forbid(&chunk);
    if fs::read(&chunk).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    let ran = on(&image, "plane PATH --stats");
    assert_eq!(ran.json()["error"]["code"], "io_error");
    forbid(&image);
    check_refused(&image, "io_error");
    allow(&image);
    for (structure, inside) in [("tiff", "0"), ("ome_tiff", "ome_tiff")] {
        let run = folder.path().join(structure);
        let line = "--wells A1 --fov-per-well 1 --t 1 --z 1 --size 16x16 --interval-ms 0";
        let command = format!("simulate PATH --structure {structure} {line}");
        assert_eq!(on(&run, &command).status, Some(0));
        forbid(&run.join(inside));
        check_refused(&run, "io_error");
        allow(&run.join(inside));
    }
}

#[test]
fn what_vanishes_between_listing_and_reading_is_missing_or_gone() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    fixture::copy(&data_folder().join("single.ome.zarr"), &image);
    let dataset = open_whole(&image);
    let read = || {
        let tile = TileId::whole(plane_at(dataset.order[0], 0, 0, 0));
        Store::new().read_tile(&dataset, tile, Absence::AsStored)
    };
    assert!(read().is_ok());
    // A chunk that was left out means the fill value, as long as its array says so.
    fs::remove_file(image.join("0/c/0/0/0/0/0")).unwrap();
    assert!(matches!(read(), Ok(ReadOutcome::Pixels { .. })));
    fs::remove_dir_all(&image).unwrap();
    let error = read().unwrap_err();
    assert_eq!(error.code, Code::MissingArray);
    assert!(error.message.contains("is gone"), "{error}");

    let files = folder.path().join("run");
    fixture::copy(&data_folder().join("tiff_folder"), &files);
    let dataset = open_whole(&files);
    fs::remove_dir_all(&files).unwrap();
    let tile = TileId::whole(plane_at(dataset.order[0], 0, 0, 0));
    let read = Store::new().read_tile(&dataset, tile, Absence::AsStored);
    assert!(
        matches!(read, Ok(ReadOutcome::Absent(_)) | Err(_)),
        "{read:?}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_unicode_are_passed_over_and_may_lead_to_a_dataset() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join(OsStr::from_bytes(b"run \xff\xfe"));
    fixture::copy(&data_folder().join("single.ome.zarr"), &odd);
    fs::write(odd.join(OsStr::from_bytes(b"0/c/\xff")), [0]).unwrap();
    fs::create_dir(odd.join(OsStr::from_bytes(b"\xff.zarr"))).unwrap();
    let dataset = open_whole(&odd);
    let tile = TileId::whole(plane_at(dataset.order[0], 0, 0, 0));
    assert!(
        Store::new()
            .read_tile(&dataset, tile, Absence::AsStored)
            .is_ok()
    );
    let ran = crate::program::squidview(&[OsStr::new("inspect"), odd.as_os_str()]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_differ_in_case_are_different_things() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b.zarr", "B.zarr", "a.ome.zarr", "A.OME.ZARR"] {
        let image = folder.path().join(name);
        fixture::write_v2(&image, &["z", "y", "x"], &[1, 2, 4]);
    }
    let dataset = formats::open(folder.path(), &mut |_| true).unwrap();
    assert_eq!(dataset.num_fovs(), 4);
}

/// Every file and folder below a path, with length and time of each.
fn tree(folder: &Path) -> Vec<(PathBuf, u64, std::time::SystemTime)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        found.push((path.clone(), metadata.len(), metadata.modified().unwrap()));
        if metadata.is_dir() {
            found.extend(tree(&path));
        }
    }
    found.sort();
    found
}

#[test]
fn nothing_is_written_into_a_dataset_and_a_read_only_one_opens() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    fixture::copy(&data_folder().join("single.ome.zarr"), &image);
    let mut permissions = fs::metadata(&image).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&image, permissions).unwrap();
    let before = tree(&image);
    let picture = folder.path().join("x.png");
    let render = format!("render PATH -o {}", picture.display());
    for line in [
        "inspect PATH --json",
        "inspect PATH",
        "plane PATH --stats",
        &render,
    ] {
        assert_eq!(on(&image, line).status, Some(0), "{line}");
    }
    assert_eq!(tree(&image), before);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&image, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_io_error_that_names_the_file() {
    // Whatever is written to it does not fit (full(4)).
    let full = Path::new("/dev/full");
    if !full.exists() {
        eprintln!("skipped: no /dev/full");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let npy = folder.path().join("plane.npy");
    std::os::unix::fs::symlink(full, &npy).unwrap();
    let line = format!("plane PATH -o {}", npy.display());
    let ran = on(&data_folder().join("single.ome.zarr"), &line);
    assert_eq!(ran.status, Some(1), "{ran:?}");
    let error = &ran.json()["error"];
    assert_eq!(error["code"], "io_error", "{error}");
    assert!(error["message"].as_str().unwrap().contains("plane.npy"));
}
