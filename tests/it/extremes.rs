//! Numbers and names that no microscope writes: told, short on the screen, and without power over it.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use egui_kittest::kittest::Queryable as _;
use serde_json::{Value, json};

use crate::{
    desk::{Desk, Setup},
    fixture,
    program::{Ran, on},
    tiff_folders,
};

/// A store of one plane with these changes to its attributes.
fn store(folder: &Path, change: impl Fn(&mut Value)) -> PathBuf {
    let path = folder.join("image.ome.zarr");
    fixture::write_v2(&path, &["y", "x"], &[16, 16]);
    let attributes = fs::read_to_string(path.join(".zattrs")).unwrap();
    let mut attributes: Value = serde_json::from_str(&attributes).unwrap();
    change(&mut attributes);
    fs::write(path.join(".zattrs"), attributes.to_string()).unwrap();
    path
}

/// The same with floating point samples.
fn float_store(folder: &Path, samples: &[f64]) -> PathBuf {
    let path = store(folder, |_| ());
    let array = path.join("0/.zarray");
    let document = fs::read_to_string(&array).unwrap();
    fs::write(array, document.replace("|u1", "<f8")).unwrap();
    let bytes: Vec<u8> = samples.iter().flat_map(|it| it.to_le_bytes()).collect();
    fs::write(path.join("0/0.0"), bytes).unwrap();
    path
}

/// Code and message of all warnings of a dataset.
fn warnings(answer: &Value) -> Vec<(String, String)> {
    let all = answer["warnings"].as_array().unwrap().iter();
    let text = |of: &Value| of.as_str().unwrap().to_owned();
    all.map(|it| (text(&it["code"]), text(&it["message"])))
        .collect()
}

fn assert_warned(answer: &Value, code: &str, begin: &str) {
    let all = warnings(answer);
    let is_it = |(found, message): &(String, String)| found == code && message.starts_with(begin);
    assert!(all.iter().any(is_it), "{begin}: {all:?}");
}

#[test]
fn a_pixel_size_that_cannot_be_is_left_aside_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    for size in [1e308, 5e-324, 1e7, 1e-7] {
        let path = store(folder.path(), |attributes| {
            let multiscale = &mut attributes["multiscales"][0];
            for axis in multiscale["axes"].as_array_mut().unwrap() {
                axis["type"] = json!("space");
                axis["unit"] = json!("micrometer");
            }
            multiscale["datasets"][0]["coordinateTransformations"][0]["scale"] =
                json!([size, size]);
        });
        let answer = on(&path, "inspect PATH --json").answer();
        assert_eq!(answer["image"]["pixel_size_um"], Value::Null, "{size}");
        assert_warned(&answer, "ignored", "step along x is ");
        // What the file says stays exact where the level is described.
        let scale = &answer["image"]["levels"][0]["scale"];
        assert_eq!(*scale, json!([size, size]));
    }
}

/// A finished acquisition of one image, with one more side file.
fn acquisition(folder: &Path, name: &str, text: &str) {
    fs::create_dir_all(folder.join("0")).unwrap();
    fs::write(
        folder.join("coordinates.csv"),
        "region,x (mm),y (mm)\nA1,1,2\n",
    )
    .unwrap();
    fs::write(folder.join("0/A1_0_0_BF.tiff"), tiff_folders::gray16(1)).unwrap();
    fs::write(folder.join(".done"), "").unwrap();
    fs::write(folder.join(name), text).unwrap();
}

#[test]
fn a_pixel_size_of_acquisition_yaml_that_cannot_be_is_told_with_its_value() {
    let folder = tempfile::tempdir().unwrap();
    for (value, shown) in [
        ("0", "0"),
        ("-1", "-1"),
        (".nan", "\".nan\""),
        (".inf", "\".inf\""),
        ("x", "\"x\""),
        ("1e308", "1e+308"),
    ] {
        let text = format!("objective: {{pixel_size_um: {value}}}\n");
        acquisition(folder.path(), "acquisition.yaml", &text);
        let answer = on(folder.path(), "inspect PATH --json").answer();
        assert_eq!(answer["image"]["pixel_size_um"], Value::Null, "{value}");
        let begin = format!("objective.pixel_size_um is {shown}, expected a number from");
        assert_warned(&answer, "bad_metadata", &begin);
    }
}

#[test]
fn more_channels_than_can_be_are_left_aside_and_the_images_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "channels:\n".to_owned();
    for at in 0..5000 {
        let _infallible = writeln!(text, "- {{name: c{at}}}");
    }
    acquisition(folder.path(), "acquisition_channels.yaml", &text);
    let answer = on(folder.path(), "inspect PATH --json").answer();
    let channels = answer["image"]["channels"].as_array().unwrap();
    assert_eq!(channels.len(), 1, "{channels:?}");
    let begin = "5000 channels, expected at most 1024";
    assert_warned(&answer, "bad_metadata", begin);
}

#[test]
fn samples_at_the_ends_of_all_numbers_leave_the_panels_in_the_window() {
    let folder = tempfile::tempdir().unwrap();
    let samples = [f64::MIN, 1e308, -1.234_567_890_123e-300, f64::MAX].repeat(64);
    let path = float_store(folder.path(), &samples);
    let Some(mut desk) = Desk::with(&path, Setup::default()) else {
        return;
    };
    let canvas = desk.harness.get_by_label("Canvas").rect();
    desk.harness.hover_at(canvas.center());
    desk.harness.run_steps(3);
    let window = desk.harness.ctx.content_rect();
    for label in [
        "Auto",
        "Composite",
        "Lower limit Ch0",
        "Upper limit Ch0",
        "Histogram",
    ] {
        let rect = desk.harness.get_by_label(label).rect();
        assert!(window.contains_rect(rect), "{label}: {rect} in {window}");
    }
    let canvas = desk.harness.get_by_label("Canvas").rect();
    assert!(canvas.width() > window.width() / 2.0, "{canvas}");
}

/// A name that clears the screen, rings, and turns the direction of writing around.
const HOSTILE: &str = "A\u{1b}[2J\u{7}\u{9b}31m\u{202e}1\u{2066}\r\nend";

fn assert_harmless(ran: &Ran) {
    for text in [&ran.stdout, &ran.stderr] {
        let is_hidden = |ch: char| {
            ch.is_control() && ch != '\n'
                || matches!(ch, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        assert!(!text.contains(is_hidden), "{ran:?}");
    }
}

#[test]
fn names_do_not_steer_the_terminal_that_they_are_printed_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = store(folder.path(), |attributes| {
        attributes["omero"] = json!({ "channels": [{ "label": HOSTILE }] });
        attributes["multiscales"][0]["axes"][0]["unit"] = json!(HOSTILE);
    });
    for line in ["inspect PATH", "plane PATH", "plane PATH --stats"] {
        let ran = on(&path, line);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        assert_harmless(&ran);
    }
    let ran = on(&path, "inspect PATH");
    assert!(
        ran.stdout.contains(r"A\u{1b}[2J\u{7}\u{9b}31m\u{202e}1"),
        "{ran:?}"
    );
    let ran = on(&path, "inspect PATH --json");
    assert_harmless(&ran);
    let name = ran.answer()["image"]["channels"][0]["name"].clone();
    assert_eq!(name, HOSTILE, "the document still says the same");

    let path = store(folder.path(), |attributes| {
        attributes["multiscales"][0]["datasets"][0]["path"] = json!(HOSTILE);
    });
    let ran = on(&path, "inspect PATH");
    assert!(ran.stdout.contains("no array is there"), "{ran:?}");
    assert_harmless(&ran);
}
