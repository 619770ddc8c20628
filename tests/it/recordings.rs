//! What Squid writes beside acquisitions: recordings, tracking, and what its stitchers leave.

use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
};

use image::{ExtendedColorType, ImageFormat};
use serde_json::json;
use squidview::{
    dataset::DatasetKind,
    formats::text,
    model::{Code, FovId, PlaneState, Rgb},
    store::Store,
};

use crate::{
    expected,
    fixture::{copy, write_v2},
    planes::{data_folder, open_whole, plane_at, plane_rows},
    program::on,
};

fn put(path: &Path, format: ImageFormat, value: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let (samples, color) = (vec![value; 12], ExtendedColorType::L8);
    let mut bytes = Cursor::new(Vec::new());
    image::write_buffer_with_format(&mut bytes, &samples, 4, 3, color, format).unwrap();
    fs::write(path, bytes.into_inner()).unwrap();
}

#[test]
fn frames_of_a_recording_are_timepoints() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("rec_2026-01-02_03-04-05.000006");
    for (frame, channel) in [
        (0, "BF"),
        (1, "BF"),
        (2, "Fluorescence_488_nm_Ex"),
        (1001, "BF"),
    ] {
        let name = format!("{}/{}_{channel}.bmp", frame / 1000, frame % 1000);
        put(&root.join(name), ImageFormat::Bmp, frame as u8);
    }
    let header = "frame_id,timestamp_iso,channel,exposure_ms,gain,illumination_intensity,file\n";
    fs::write(root.join("frames.csv"), header).unwrap();
    let dataset = open_whole(&root);
    expected::check("text_recording.txt", &text::describe(&dataset));
    assert_eq!((dataset.kind, dataset.num_fovs()), (DatasetKind::Image, 1));
    assert!(!dataset.is_running());
    let image = &dataset.template;
    assert_eq!((image.num_timepoints(), image.num_channels()), (1002, 2));
    let value = |t, c| {
        let rows = plane_rows(&Store::new(), &dataset, plane_at(FovId(0), t, c, 0));
        rows.map(|rows| rows[0])
    };
    assert_eq!(value(1, 0), Some(1));
    assert_eq!(value(2, 1), Some(2));
    assert_eq!(value(1001, 0), Some(1001_u32 as u8));
    let absent = Store::new().presence(&dataset, plane_at(FovId(0), 2, 0, 0));
    assert_eq!(absent.unwrap(), PlaneState::Missing);
    let document = on(&root, "inspect PATH --json").answer();
    assert_eq!(document["image"]["shape"], json!([1002, 2, 3, 4]));
    assert_eq!(document["acquisition"], json!(null));
}

#[test]
fn frames_of_tracking_are_timepoints_with_the_channels_of_its_side_file() {
    let folder = tempfile::tempdir().unwrap();
    let root = &folder.path().join("tracked");
    for frame in [0, 1, 1000] {
        for (c, channel) in ["BF LED matrix full", "Fluorescence 405 nm Ex"]
            .iter()
            .enumerate()
        {
            let name = format!("{}/{}_{frame}_{channel}.png", frame / 1000, frame % 1000);
            put(
                &root.join(name),
                ImageFormat::Png,
                (frame % 100) as u8 * 2 + c as u8,
            );
        }
    }
    fs::write(root.join("track.csv"), "dt (s), x_stage (mm)\n").unwrap();
    let channels = "channels:\n- {name: BF LED matrix full, display_color: '#FFFFFF'}\n\
                    - {name: Fluorescence 405 nm Ex, display_color: '#20ADF8'}\n";
    fs::write(root.join("acquisition_channels.yaml"), channels).unwrap();
    let dataset = open_whole(root);
    assert_eq!(dataset.layout, "Squid tracking in one file per frame");
    expected::check_text("tracking", &dataset);
    assert_eq!((dataset.kind, dataset.num_fovs()), (DatasetKind::Image, 1));
    let image = &dataset.template;
    assert_eq!((image.num_timepoints(), image.num_channels()), (1001, 2));
    let blue = image.channels[1].color.map(Rgb::to_hex);
    assert_eq!(blue.as_deref(), Some("20ADF8"));
    let rows = plane_rows(&Store::new(), &dataset, plane_at(FovId(0), 1, 1, 0));
    assert_eq!(rows.unwrap()[0], 3);
}

#[test]
fn frames_that_nobody_can_read_are_an_error_that_names_one() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("0")).unwrap();
    fs::write(root.join("frames.csv"), "").unwrap();
    fs::write(root.join("0/0_BF.tiff"), b"II*\0").unwrap();
    let refused = on(root, "inspect PATH --json").json();
    assert_eq!(refused["error"]["code"], "corrupt_data", "{refused}");
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.ends_with("0/0_BF.tiff"), "{message}");
}

#[test]
fn stitched_stores_in_an_acquisition_folder_are_left_aside_and_open_by_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("run");
    copy(&data_folder().join("tiff_folder"), &root);
    let before = open_whole(&root);
    let stitched = root.join("0_stitched/A1_stitched.ome.zarr");
    write_v2(&stitched, &["c", "y", "x"], &[2, 6, 8]);
    write_v2(
        &root.join("A1_complete_acquisition.ome.zarr"),
        &["y", "x"],
        &[6, 8],
    );
    let dataset = open_whole(&root);
    assert_eq!(
        (&dataset.layout, dataset.num_fovs()),
        (&before.layout, before.num_fovs())
    );
    let aside: Vec<&str> = dataset
        .problems
        .iter()
        .filter(|it| it.code == Code::Ignored && it.message.contains("left aside"))
        .map(|it| it.location.as_str())
        .collect();
    assert_eq!(aside, ["0_stitched", "A1_complete_acquisition.ome.zarr"]);
    expected::check_text("tiff_folder_with_stitched", &dataset);
    let alone = open_whole(&root.join("0_stitched"));
    assert_eq!(alone.fovs[0].path, "A1_stitched.ome.zarr");
}

#[test]
fn image_files_beside_stores_are_left_aside_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write_v2(&root.join("a.zarr"), &["y", "x"], &[6, 8]);
    write_v2(&root.join("b.zarr"), &["y", "x"], &[6, 8]);
    assert!(open_whole(root).problems.is_empty());
    copy(&data_folder().join("tiff_folder"), &root.join("run"));
    put(&root.join("c.png"), ImageFormat::Png, 1);
    let dataset = open_whole(root);
    assert_eq!(dataset.num_fovs(), 2);
    let aside: Vec<_> = dataset
        .problems
        .iter()
        .map(|it| (it.code, it.location.as_str()))
        .collect();
    assert_eq!(aside, [(Code::Ignored, "run"), (Code::Ignored, ".")]);
    assert!(dataset.problems[1].message.contains("\"c.png\""));
}

#[test]
fn the_folder_of_the_stitcher_opens_with_all_timepoints_and_regions() {
    let folder = tempfile::tempdir().unwrap();
    let zarr = folder.path().join("run_stitched_2026-01-02");
    let tiff = folder.path().join("run_stitched_2026-01-03");
    let mut pages = fs::read_dir(data_folder().join("tiff_folder/0")).unwrap();
    let is_tiff = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "tiff");
    let page = pages
        .find_map(|it| Some(it.unwrap().path()).filter(is_tiff))
        .unwrap();
    for t in 0..2 {
        for region in ["A1", "B2"] {
            let name = format!("{t}_stitched/{region}_stitched");
            write_v2(
                &zarr.join(format!("{name}.ome.zarr")),
                &["c", "y", "x"],
                &[2, 6, 8],
            );
            let image = tiff.join(format!("{name}.ome.tiff"));
            fs::create_dir_all(image.parent().unwrap()).unwrap();
            fs::copy(&page, image).unwrap();
        }
    }
    let paths = |root: &Path| -> Vec<String> {
        let dataset = open_whole(root);
        assert_eq!(dataset.kind, DatasetKind::Collection);
        assert!(
            dataset
                .order
                .iter()
                .all(|&fov| dataset.image(fov).is_some())
        );
        let is_zarr = dataset.fovs[0].path.ends_with("zarr");
        let name = if is_zarr {
            "stitched_zarr"
        } else {
            "stitched_tiff"
        };
        expected::check_text(name, &dataset);
        dataset.fovs.iter().map(|fov| fov.path.clone()).collect()
    };
    let expected = |ending: &str| {
        let all = [
            "0_stitched/A1",
            "0_stitched/B2",
            "1_stitched/A1",
            "1_stitched/B2",
        ];
        all.map(|name| format!("{name}_stitched.{ending}"))
    };
    assert_eq!(paths(&zarr), expected("ome.zarr"));
    assert_eq!(paths(&tiff), expected("ome.tiff"));
}
