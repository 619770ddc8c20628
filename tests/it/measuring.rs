//! The program measures itself: what `squidview bench` answers. How fast it is, nobody asks here.

use serde_json::{Value, json};

use crate::{
    planes::data_folder,
    program::on,
    real_window::{display, squidview},
};

/// The figures that must be numbers above zero.
fn check_times(answer: &Value, names: &[&str]) {
    for name in names {
        let time = answer[name].as_f64();
        assert!(time.is_some_and(|time| time > 0.0), "{name}: {answer}");
    }
}

#[test]
fn every_plane_is_read_once_and_beside_it_its_floor() {
    let path = data_folder().join("per_fov");
    let inspected = on(&path, "inspect PATH --json").answer();
    let shape: Vec<u64> = serde_json::from_value(inspected["image"]["shape"].clone()).unwrap();
    let num_fovs = inspected["fields"].as_array().unwrap().len() as u64;
    let num_planes = shape[..shape.len() - 2].iter().product::<u64>() * num_fovs;
    let bytes = shape.iter().product::<u64>() * num_fovs * 2;
    assert_eq!(inspected["image"]["dtype"], "uint16");
    for (line, threads) in [
        ("bench read PATH --json --planes 1000", 1),
        ("bench read PATH --json --planes 1000 --threads 2 --rows", 2),
    ] {
        let answer = on(&path, line).answer();
        assert_eq!(answer["planes"], num_planes, "{answer}");
        assert_eq!(answer["threads"], threads);
        assert_eq!(answer["bytes"], bytes);
        check_times(&answer, &["median_ms", "p95_ms", "floor_ms"]);
    }
    let few = on(&path, "bench read PATH --json --planes 3").answer();
    assert_eq!(few["planes"], 3);
}

#[test]
fn where_zarrs_or_an_image_decoder_reads_no_floor_is_known() {
    let path = data_folder().join("tiff_folder");
    let answer = on(&path, "bench read PATH --json").answer();
    assert_eq!(answer["floor_ms"], Value::Null);
    check_times(&answer, &["median_ms"]);
}

#[test]
fn what_is_not_there_cannot_be_measured() {
    for what in ["read", "step --axis z"] {
        let command = format!("bench {what} PATH --json");
        let ran = on(&data_folder().join("nowhere"), &command);
        assert_eq!(ran.status, Some(1));
        assert_eq!(ran.json()["error"]["code"], "not_found");
    }
    let usage = on(&data_folder(), "bench read PATH --planes 0");
    assert_eq!(usage.status, Some(2));
}

#[test]
fn steps_are_taken_in_a_real_window_that_closes_by_itself() {
    let Some((_server, display)) = display() else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let path = data_folder().join("per_fov");
    let path = path.to_str().unwrap();
    let step = |more: &[&str]| -> (Option<i32>, Value) {
        let line = [
            &["bench", "step", path, "--json", "--size", "640x480"],
            more,
        ]
        .concat();
        let mut command = squidview(&display, home.path(), &line);
        let output = command
            .stdout(std::process::Stdio::piped())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), serde_json::from_str(&text).unwrap())
    };
    let (status, answer) = step(&["--axis", "z", "--steps", "5", "--cached"]);
    assert_eq!(status, Some(0), "{answer}");
    assert_eq!(
        (&answer["steps"], &answer["cached"]),
        (&json!(5), &json!(true))
    );
    check_times(&answer, &["median_ms", "p95_ms", "max_ms", "rss_mb"]);
    assert!(
        answer["adapter"]
            .as_str()
            .is_some_and(|name| !name.is_empty())
    );
    // Each place is seen for the first time, so there are no more steps than places.
    let (status, answer) = step(&["--axis", "fov"]);
    assert_eq!(status, Some(0), "{answer}");
    assert_eq!(answer["cached"], false);
    assert!(
        answer["steps"].as_u64().is_some_and(|steps| steps < 40),
        "{answer}"
    );
}
