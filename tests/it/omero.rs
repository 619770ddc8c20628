//! What `omero` says of rendering: inverted channels and the model greyscale, in `render`, `plane`, `inspect` and window.

use std::{fs, path::Path};

use serde_json::{Value, json};
use squidview::formats;

use crate::{
    desk::{Desk, Setup},
    program::on,
};

/// Columns and rows: column x of every channel has the samples x.
const SIDE: u32 = 256;

/// Two channels of 8 bits in version 2, drawn with limits of 0 and 255.
fn write(folder: &Path, model: &str, channels: [Value; 2]) {
    fs::create_dir_all(folder.join("0")).unwrap();
    let put = |name: &str, document: Value| {
        fs::write(folder.join(name), document.to_string()).unwrap();
    };
    put(".zgroup", json!({"zarr_format": 2}));
    put(
        "0/.zarray",
        json!({
            "zarr_format": 2, "shape": [2, SIDE, SIDE], "chunks": [1, SIDE, SIDE], "dtype": "|u1", "order": "C",
            "compressor": null, "filters": null, "fill_value": 0,
        }),
    );
    let axes = json!([
        {"name": "c", "type": "channel"}, {"name": "y", "type": "space"}, {"name": "x", "type": "space"},
    ]);
    let transforms = json!([{"type": "scale", "scale": [1, 1, 1]}]);
    let window = json!({"start": 0, "end": 254, "min": 0, "max": 255});
    let channels = channels.map(|mut channel| {
        channel["window"] = window.clone();
        channel
    });
    put(
        ".zattrs",
        json!({
            "multiscales": [{"version": "0.4", "name": "image", "axes": axes,
                "datasets": [{"path": "0", "coordinateTransformations": transforms}]}],
            "omero": {"channels": channels, "rdefs": {"model": model}},
        }),
    );
    let samples: Vec<u8> = (0..SIDE * SIDE).map(|at| (at % SIDE) as u8).collect();
    for chunk in ["0.0.0", "1.0.0"] {
        fs::write(folder.join("0").join(chunk), &samples).unwrap();
    }
}

/// A picture of the program's, `line` without its `-o`.
fn picture(path: &Path, line: &str) -> image::RgbImage {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.png");
    let ran = on(path, &format!("{line} -o {}", out.display()));
    assert_eq!(ran.status, Some(0), "{line}: {ran:?}");
    image::open(&out).unwrap().into_rgb8()
}

/// Sample `v` drawn from 0 to 254.
fn part(v: u32) -> u8 {
    (f64::from(v.min(254)) / 254.0 * 255.0 + 0.5) as u8
}

/// Every pixel of the picture is what `expected` makes of its sample.
fn check(path: &Path, line: &str, expected: impl Fn(u8) -> [u8; 3]) {
    for (x, _, pixel) in picture(path, line).enumerate_pixels() {
        let wanted = expected(part(x));
        let is_near = |(a, b): (&u8, &u8)| a.abs_diff(*b) <= 1;
        let is_drawn = pixel.0.iter().zip(&wanted).all(is_near);
        assert!(is_drawn, "{line}: sample {x} is {pixel:?}, not {wanted:?}");
    }
}

fn inverted_red(folder: &Path) {
    let channels = [
        json!({"label": "A", "color": "FF0000", "active": true, "inverted": true}),
        json!({"label": "B", "color": "0000FF", "active": false, "inverted": false}),
    ];
    write(folder, "color", channels);
}

#[test]
fn an_inverted_channel_is_drawn_from_the_other_end_of_its_colours() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inverted.zarr");
    inverted_red(&path);
    check(&path, "render PATH", |v| [255 - v, 0, 0]);
    check(&path, "render PATH --channels B", |v| [0, 0, v]);
    check(&path, "render PATH --channels A,B", |v| [255 - v, 0, v]);
    check(&path, "render PATH --color A=00FF00", |v| [0, 255 - v, 0]);
    check(&path, "plane PATH", |v| [255 - v; 3]);
    check(&path, "plane PATH --c 1", |v| [v; 3]);
    let document = on(&path, "inspect PATH --json").answer();
    assert_eq!(document["image"]["channels"][0]["inverted"], true);
    assert_eq!(document["image"]["channels"][1].get("inverted"), None);
    assert_eq!(document["warnings"], json!([]));
    let dataset = formats::open(&path, &mut |_| true).unwrap();
    let text = formats::text::describe(&dataset);
    assert!(text.contains("A #FF0000 inverted 0..254; B"), "{text}");
}

#[test]
fn the_greyscale_model_draws_channels_in_gray() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gray.zarr");
    let channels = [
        json!({"label": "A", "color": "FF0000", "active": true}),
        json!({"label": "B", "color": "0000FF", "active": false}),
    ];
    write(&path, "greyscale", channels);
    check(&path, "render PATH", |v| [v; 3]);
    check(&path, "render PATH --channels B", |v| [v; 3]);
    check(&path, "render PATH --color A=00FF00", |v| [0, v, 0]);
    let document = on(&path, "inspect PATH --json").answer();
    assert_eq!(document["image"]["channels"][0]["color"], "FF0000");
    let warnings = document["warnings"].as_array().unwrap();
    let message = warnings[0]["message"].as_str().unwrap();
    assert!(message.contains("drawn in gray"), "{message}");
    assert_eq!(
        (warnings.len(), &warnings[0]["code"]),
        (1, &json!("ignored"))
    );
}

#[test]
fn the_window_shows_an_inverted_channel_and_switches_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inverted.zarr");
    inverted_red(&path);
    let Some(mut desk) = Desk::with(&path, Setup::default()) else {
        return;
    };
    // The image is a square in the middle of the canvas, whose height it fills.
    let [_, _, width, height] = desk.canvas_px();
    let at = |part: f32| 0.5 + (part - 0.5) * height as f32 / width as f32;
    let ends = |desk: &mut Desk| [0.1, 0.9].map(|x| desk.color_at(at(x), 0.5)[0]);
    let [left, right] = ends(&mut desk);
    assert!(left > 200 && right < 60, "inverted: {left} and {right}");
    desk.click("Inverted A");
    desk.settle();
    assert!(!desk.session().channels[0].inverted);
    let [left, right] = ends(&mut desk);
    assert!(left < 60 && right > 200, "as stored: {left} and {right}");
    desk.click("Reset A");
    desk.settle();
    let [left, right] = ends(&mut desk);
    assert!(left > 200 && right < 60, "inverted: {left} and {right}");
}
