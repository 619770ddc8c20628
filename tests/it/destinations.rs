//! Nothing is written into a dataset: planes, pictures and simulated acquisitions go elsewhere, or nowhere.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use squidview::{export::Destination, formats, model::Code};

use crate::{
    fixture,
    planes::data_folder,
    program::{Ran, on, squidview},
};

/// All files below a folder, links not followed, with their bytes.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if fs::symlink_metadata(&path).unwrap().is_dir() {
            found.extend(content(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap_or_default());
        }
    }
    found
}

fn run(command: &str, dataset: &Path, out: &Path) -> Ran {
    squidview(&[
        command.as_ref(),
        dataset.as_os_str(),
        "-o".as_ref(),
        out.as_os_str(),
    ])
}

/// A plane or a picture of `dataset` for `out` is refused, and changes nothing below `folder`.
fn is_refused(dataset: &Path, out: &Path, folder: &Path) {
    let (before, place) = (content(folder), out.display());
    for command in ["plane", "render"] {
        let ran = run(command, dataset, out);
        assert_eq!(ran.status, Some(1), "{command} {place}: {ran:?}");
        let error = &ran.json()["error"];
        assert_eq!(error["code"], "unsafe_path", "{command} {place}: {error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.ends_with(&out.display().to_string()), "{message}");
    }
    assert!(content(folder) == before, "{place}");
}

/// A plane and a picture are written.
fn is_written(dataset: &Path, out: &Path) {
    let place = out.display();
    for command in ["plane", "render"] {
        let ran = run(command, dataset, out);
        assert_eq!(ran.status, Some(0), "{command} {place}: {ran:?}");
        assert!(image::open(out).is_ok(), "{command} {place}");
    }
    let folder = fs::read_dir(out.parent().unwrap()).unwrap();
    let mut names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(names.all(|name| !name.contains(".part")));
}

/// An acquisition of stacks, its folder, and one of its files.
fn stacks(folder: &Path) -> (PathBuf, PathBuf) {
    let out = folder.join("run");
    let line = "simulate PATH --structure multi_page --z 3 --size 32x32 --interval-ms 0";
    let ran = on(&out, line);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let file = out.join("0/R0_0_stack.tiff");
    assert!(file.exists());
    (out, file)
}

#[test]
fn a_plane_or_picture_never_lands_in_its_dataset() {
    let folder = tempfile::tempdir().unwrap();
    let (run, file) = stacks(folder.path());
    for out in [
        file.clone(),
        run.join("new.png"),
        run.join("0/new.png"),
        folder.path().join("run/../run/x.png"),
    ] {
        is_refused(&run, &out, folder.path());
    }
    // Its timepoint, a file of it, and the same file by itself.
    is_refused(&run.join("0"), &file, folder.path());
    is_refused(&run.join("0"), &run.join("x.png"), folder.path());
    is_refused(&file, &file, folder.path());
    is_refused(&file, &run.join("0/y.png"), folder.path());
    let elsewhere = folder.path().join("x.png");
    is_written(&run, &elsewhere);
    // What is there already and is no dataset's is replaced.
    is_written(&run, &elsewhere);
    let store = folder.path().join("single.ome.zarr");
    fixture::copy(&data_folder().join("single.ome.zarr"), &store);
    let is_file = |path: &PathBuf| path.is_file() && !path.ends_with("zarr.json");
    let chunk = content(&store).into_keys().find(is_file).unwrap();
    for out in [chunk, store.join("x.png"), store.join("0/x.png")] {
        // Also where another dataset is read.
        is_refused(&store, &out, folder.path());
        is_refused(&run, &out, folder.path());
    }
}

#[test]
fn a_lone_file_may_have_results_beside_it_and_none_over_it() {
    let folder = tempfile::tempdir().unwrap();
    let (run, file) = stacks(folder.path());
    let lone = folder.path().join("a.tiff");
    fs::copy(&file, &lone).unwrap();
    is_refused(&lone, &lone, folder.path());
    is_written(&lone, &folder.path().join("b.png"));
    let hard = folder.path().join("hard.tiff");
    fs::hard_link(&lone, &hard).unwrap();
    is_refused(&lone, &hard, folder.path());
    // Another name of a file in a folder becomes a file of its own.
    let hard = folder.path().join("of_folder.png");
    fs::hard_link(&file, &hard).unwrap();
    let before = fs::read(&file).unwrap();
    is_written(&run, &hard);
    assert!(fs::read(&file).unwrap() == before);
    assert!(fs::read(&hard).unwrap() != before);
}

#[cfg(unix)]
#[test]
fn links_lead_no_result_into_a_dataset() {
    use std::os::unix::fs::symlink;

    let folder = tempfile::tempdir().unwrap();
    let (run, file) = stacks(folder.path());
    let at = |name: &str| folder.path().join(name);
    symlink(&file, at("to_file.tiff")).unwrap();
    symlink(&run, at("to_run")).unwrap();
    symlink(run.join("nothing.png"), at("to_nothing.png")).unwrap();
    is_refused(&run, &at("to_file.tiff"), folder.path());
    is_refused(&run, &at("to_run/x.png"), folder.path());
    is_refused(&at("to_run"), &run.join("x.png"), folder.path());
    let line = format!("plane PATH -o {}", at("to_nothing.png").display());
    assert_eq!(on(&run, &line).json()["error"]["code"], "io_error");
    assert!(!run.join("nothing.png").exists());

    // Files and folders that lie elsewhere, and are linked into the dataset.
    fs::create_dir_all(at("images")).unwrap();
    fs::create_dir_all(at("store/below")).unwrap();
    fs::copy(&file, at("store/a.tiff")).unwrap();
    fs::copy(&file, at("store/below/b.tiff")).unwrap();
    symlink(at("store/a.tiff"), at("images/a.tiff")).unwrap();
    is_refused(&at("images"), &at("store/a.tiff"), folder.path());
    is_written(&at("images"), &at("store/c.png"));
    symlink(at("store/below"), at("images/more")).unwrap();
    is_refused(&at("images"), &at("store/below/b.tiff"), folder.path());
    is_refused(&at("images"), &at("store/below/new.png"), folder.path());
}

#[test]
fn a_simulated_acquisition_never_lands_in_a_dataset() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = stacks(folder.path());
    let store = folder.path().join("single.ome.zarr");
    fixture::copy(&data_folder().join("single.ome.zarr"), &store);
    let before = content(folder.path());
    for out in [run.join("new"), run.join("0/deep/new"), store.join("0/new")] {
        let ran = on(
            &out,
            "simulate PATH --structure tiff --size 32x32 --interval-ms 0",
        );
        assert_eq!(ran.status, Some(1), "{ran:?}");
        assert!(
            ran.stderr.contains("nothing is written into a dataset"),
            "{ran:?}"
        );
        assert!(!out.exists());
    }
    assert!(content(folder.path()) == before);
}

#[test]
fn what_cannot_be_written_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("x.png");
    fs::write(&out, "before").unwrap();
    let dataset = formats::open(&data_folder().join("single.ome.zarr"), &mut |_| true).unwrap();
    let destination = Destination::outside(&dataset, &out).unwrap();
    let error = destination.write(|file| {
        std::io::Write::write_all(file, b"half")?;
        Err("the encoder gave up".into())
    });
    let error = error.unwrap_err();
    assert_eq!(error.code(), Code::IoError);
    assert!(error.to_string().contains("the encoder gave up"), "{error}");
    assert_eq!(fs::read(&out).unwrap(), b"before");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
