//! Squid's folders of one image file per plane, and single image files: opened, read, drawn, and watched as they grow.
//!
//! Every sample tells which plane it is of, so a file that is taken for another one shows.

use std::{
    fmt::Write as _,
    fs,
    io::Cursor,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use image::{ExtendedColorType, ImageFormat};
use squidview::{
    dataset::{Dataset, DatasetKind},
    formats::{self, text},
    model::{Absence, Code, FovId, PlaneState, Rgb, TileId},
    store::{ReadOutcome, Store},
};
use tiff::{
    encoder::{TiffEncoder, colortype},
    tags::Tag,
};

use crate::{
    desk::{Desk, Setup},
    expected,
    planes::{crc, data_folder, open_whole, plane_at, plane_rows},
    program::on,
};

const WIDTH: u32 = 20;
const HEIGHT: u32 = 12;
const CHANNELS: &str = "channels:\n- {name: Fluorescence 488 nm Ex, display_color: '#00FF00'}\n\
                        - {name: BF LED matrix full, display_color: '#FFFFFF'}\n";
const KEYS: [&str; 2] = ["Fluorescence_488_nm_Ex", "BF_LED_matrix_full"];

/// Samples of a plane: its number, then a ramp.
fn samples(number: u16) -> Vec<u16> {
    let count = (WIDTH * HEIGHT) as u16;
    (0..count).map(|at| number * 1000 + at).collect()
}

fn tiff_of(width: u32, height: u32, pages: &[Vec<u16>]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
    for samples in pages {
        let image = encoder.new_image::<colortype::Gray16>(width, height);
        image.unwrap().write_data(samples).unwrap();
    }
    bytes.into_inner()
}

pub(crate) fn gray16(number: u16) -> Vec<u8> {
    tiff_of(WIDTH, HEIGHT, &[samples(number)])
}

fn encoded(samples: &[u8], color: ExtendedColorType, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image::write_buffer_with_format(&mut bytes, samples, WIDTH, HEIGHT, color, format).unwrap();
    bytes.into_inner()
}

fn put(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn acquisition(plan: &[(&str, u32)], num_t: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut csv = String::from("region,x (mm),y (mm)\n");
    for (region, count) in plan {
        for fov in 0..*count {
            let _infallible = writeln!(csv, "{region},{}.5,2", fov + 1);
        }
    }
    put(folder.path(), "coordinates.csv", csv.as_bytes());
    put(
        folder.path(),
        "acquisition_channels.yaml",
        CHANNELS.as_bytes(),
    );
    let parameters = format!(
        r#"{{"Nt": {num_t}, "Nz": 2, "dz(um)": 1.5, "sensor_pixel_size_um": 6.5, "tube_lens_mm": 180,
            "objective": {{"name": "20x", "magnification": 20, "NA": 0.8, "tube_lens_f_mm": 180}}}}"#
    );
    put(
        folder.path(),
        "acquisition parameters.json",
        parameters.as_bytes(),
    );
    folder
}

/// The number of a plane below.
fn number(region: usize, t: u32, c: usize, z: u32) -> u16 {
    (region * 8 + t as usize * 4 + c * 2 + z as usize) as u16
}

fn rows_of(dataset: &Dataset, fov: u32, t: u32, c: u32, z: u32) -> Option<Vec<u8>> {
    plane_rows(&Store::new(), dataset, plane_at(FovId(fov), t, c, z))
}

fn bytes_of(samples: &[u16]) -> Vec<u8> {
    samples
        .iter()
        .flat_map(|sample| sample.to_le_bytes())
        .collect()
}

fn presence(dataset: &Dataset, fov: u32, t: u32, c: u32, z: u32) -> PlaneState {
    let plane = plane_at(FovId(fov), t, c, z);
    Store::new().presence(dataset, plane).unwrap()
}

fn outcome(dataset: &Dataset, fov: u32, t: u32) -> Result<PlaneState, (Code, String)> {
    let tile = TileId {
        plane: plane_at(FovId(fov), t, 0, 0),
        row: 0,
        col: 0,
    };
    match Store::new().read_tile(dataset, tile, Absence::AsStored) {
        Ok(ReadOutcome::Pixels { state, .. } | ReadOutcome::Absent(state)) => Ok(state),
        Err(error) => Err((error.code, error.to_string())),
    }
}

#[test]
fn two_timepoints_of_two_regions_with_padding_underscores_and_stray_files() {
    let regions = ["my_area", "my_area_0"];
    let folder = acquisition(&[(regions[0], 1), (regions[1], 1)], 3);
    let root = folder.path();
    // The second timepoint was skipped.
    for (t, name) in [(0, "000"), (2, "002")] {
        for (at, region) in regions.iter().enumerate() {
            for (c, key) in KEYS.iter().enumerate() {
                for z in 0..2 {
                    let file = format!("{name}/{region}_000_{z:03}_{key}.tiff");
                    put(root, &file, &gray16(number(at, t / 2, c, z)));
                }
            }
            let stray = encoded(&[0; 240], ExtendedColorType::L8, ImageFormat::Bmp);
            put(root, &format!("{name}/{region}_focus_camera.bmp"), &stray);
            put(
                root,
                &format!("{name}/{region}_000_000_laser af camera.bmp"),
                &stray,
            );
        }
        put(
            root,
            &format!("{name}/mosaic_view/mosaic_plate_5um.ome.tiff"),
            b"no image",
        );
    }
    put(root, ".done", b"");
    let dataset = open_whole(root);
    assert_eq!(dataset.kind, DatasetKind::Squid);
    let labels: Vec<&str> = dataset.fovs.iter().map(|fov| fov.label.as_str()).collect();
    assert_eq!(labels, ["my_area:0", "my_area_0:0"]);
    assert!(dataset.problems.is_empty(), "{:?}", dataset.problems);
    let image = &dataset.template;
    assert_eq!(image.levels[0].shape, [3, 2, 2, 12, 20]);
    let names: Vec<_> = image.channels.iter().map(|it| it.name.as_deref()).collect();
    assert_eq!(
        names,
        [Some("Fluorescence 488 nm Ex"), Some("BF LED matrix full")]
    );
    assert_eq!(
        (image.sampling.x_um, image.sampling.z_um),
        (Some(0.325), Some(1.5))
    );
    assert_eq!(dataset.fovs[1].stage_um.map(|at| at.x), Some(1500.0));
    for (fov, t, c, z) in [(0, 0, 0, 0), (1, 0, 1, 1), (0, 2, 1, 0), (1, 2, 0, 1)] {
        let expected = samples(number(fov as usize, t / 2, c as usize, z));
        assert_eq!(rows_of(&dataset, fov, t, c, z), Some(bytes_of(&expected)));
        assert_eq!(presence(&dataset, fov, t, c, z), PlaneState::Written);
    }
    assert_eq!(presence(&dataset, 0, 1, 0, 0), PlaneState::Missing);
    assert_eq!(outcome(&dataset, 0, 1), Ok(PlaneState::Missing));

    let document = on(root, "inspect PATH --json").answer();
    assert_eq!(document["kind"], "squid");
    assert_eq!(document["fields"][1]["id"], "my_area_0:0");
    let stats = on(root, "plane PATH --stats --fov 1 --t 2 --c 0 --z 1").answer();
    let expected = crc(&bytes_of(&samples(number(1, 1, 0, 1))));
    assert_eq!(stats["crc32"], expected.as_str(), "{stats}");

    let one = open_whole(&root.join("002"));
    assert_eq!(one.template.num_timepoints(), 1);
    let expected = samples(number(1, 1, 1, 0));
    assert_eq!(rows_of(&one, 1, 0, 1, 0), Some(bytes_of(&expected)));
}

#[test]
fn what_is_written_after_opening_is_found_and_what_is_torn_is_no_picture() {
    let folder = acquisition(&[("A1", 2), ("B2", 1)], 2);
    let root = folder.path();
    let path = |t: u32, fov: &str| format!("{t}/{fov}_0_{}.tiff", KEYS[0]);
    put(root, &path(0, "A1_0"), &gray16(1));
    let dataset = formats::open(root, &mut |_| true).unwrap();
    assert_eq!(dataset.num_fovs(), 3);
    assert!(dataset.plate.is_some() && dataset.is_running());
    let is_present: Vec<bool> = dataset.fovs.iter().map(|fov| fov.present).collect();
    assert_eq!(is_present, [true, false, false]);
    assert_eq!(dataset.template.levels[0].shape[..3], [2, 2, 2]);
    assert_eq!(outcome(&dataset, 1, 0), Ok(PlaneState::Planned));
    assert_eq!(outcome(&dataset, 2, 1), Ok(PlaneState::Planned));

    put(root, &path(0, "A1_1"), &gray16(2));
    put(root, &path(1, "B2_0"), &gray16(3));
    assert_eq!(rows_of(&dataset, 1, 0, 0, 0), Some(bytes_of(&samples(2))));
    assert_eq!(rows_of(&dataset, 2, 1, 0, 0), Some(bytes_of(&samples(3))));
    let opener = Arc::clone(&dataset.opener);
    assert!(opener.open_fov(&dataset, FovId(2)).is_ok());

    let whole = gray16(4);
    put(root, &path(1, "A1_0"), &whole[..whole.len() / 2]);
    let (code, _) = outcome(&dataset, 0, 1).unwrap_err();
    assert_eq!(code, Code::CorruptData);
    put(root, &path(1, "A1_0"), &whole);
    assert_eq!(outcome(&dataset, 0, 1), Ok(PlaneState::Written));

    put(root, &path(1, "A1_1"), &tiff_of(6, 4, &[vec![7; 24]]));
    let (code, words) = outcome(&dataset, 1, 1).unwrap_err();
    assert_eq!(code, Code::BadMetadata);
    assert!(words.contains("6 x 4 pixels, 20 x 12 expected"), "{words}");
}

#[test]
fn files_are_not_opened_before_they_are_shown() {
    let folder = acquisition(&[("A1", 300)], 1);
    let root = folder.path();
    put(root, &format!("0/A1_0_0_{}.tiff", KEYS[0]), &gray16(1));
    for fov in 1..300 {
        let name = format!("0/A1_{fov}_0_{}.tiff", KEYS[0]);
        put(root, &name, b"no image, which only who opens it can tell");
    }
    put(root, ".done", b"");
    let dataset = open_whole(root);
    assert_eq!(dataset.num_fovs(), 300);
    assert!(dataset.fovs.iter().all(|fov| fov.present));
    assert!(dataset.problems.is_empty(), "{:?}", dataset.problems);
    assert_eq!(presence(&dataset, 299, 0, 0, 0), PlaneState::Written);
    let (code, _) = outcome(&dataset, 299, 0).unwrap_err();
    assert_eq!(code, Code::CorruptData);
}

#[test]
fn files_may_be_jpeg() {
    for ending in ["jpg", "jpeg"] {
        let folder = acquisition(&[("A1", 1)], 1);
        let root = folder.path();
        for (c, key) in KEYS.iter().enumerate() {
            let gray = vec![60 + 100 * c as u8; (WIDTH * HEIGHT) as usize];
            let bytes = encoded(&gray, ExtendedColorType::L8, ImageFormat::Jpeg);
            put(root, &format!("0/A1_0_0_{key}.{ending}"), &bytes);
        }
        put(root, ".done", b"");
        let dataset = open_whole(root);
        assert_eq!(dataset.kind, DatasetKind::Squid);
        for (c, value) in [(0, 60_u8), (1, 160)] {
            let rows = rows_of(&dataset, 0, 0, c, 0).unwrap();
            assert!(
                rows.iter().all(|it| it.abs_diff(value) <= 2),
                "{ending} {c}"
            );
        }
    }
}

#[test]
fn an_empty_file_is_not_written_yet_and_damaged_when_the_run_is_over() {
    let folder = acquisition(&[("A1", 1)], 2);
    let root = folder.path();
    let path = |t: u32| format!("{t}/A1_0_0_{}.tiff", KEYS[0]);
    put(root, &path(0), &gray16(1));
    put(root, &path(1), b"");
    let dataset = open_whole(root);
    assert_eq!(presence(&dataset, 0, 1, 0, 0), PlaneState::Planned);
    assert_eq!(outcome(&dataset, 0, 1), Ok(PlaneState::Planned));
    let written =
        || on(root, "inspect PATH --json").answer()["acquisition"]["written_planes"].clone();
    assert_eq!(written(), 1);
    let code =
        |t: u32| on(root, &format!("plane PATH --stats --t {t}")).json()["error"]["code"].clone();
    assert_eq!(code(1), "not_written");
    put(root, ".done", b"");
    let dataset = open_whole(root);
    let PlaneState::Failed(words) = presence(&dataset, 0, 1, 0, 0) else {
        panic!("it is damaged");
    };
    assert!(words.starts_with("the file is empty"), "{words}");
    let (found, words) = outcome(&dataset, 0, 1).unwrap_err();
    assert_eq!(
        (found, words.starts_with("the file is empty")),
        (Code::CorruptData, true)
    );
    assert_eq!((written(), code(1)), (1.into(), "corrupt_data".into()));
}

#[test]
fn an_empty_stack_or_series_is_told_as_an_empty_plane_is() {
    for (structure, file) in [
        ("multi_page", "1/A2_0_stack.tiff"),
        ("ome_tiff", "ome_tiff/A2_0.ome.tiff"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("run");
        let line = format!(
            "simulate PATH --structure {structure} --wells A1 A2 --fov-per-well 1 --t 2 --z 2 --size 32x32 --interval-ms 0"
        );
        assert_eq!(on(&root, &line).status, Some(0), "{structure}");
        assert!(root.join(file).exists(), "{file}");
        put(&root, file, b"");
        let error = || on(&root, "plane PATH --stats --fov 1 --t 1").json()["error"].clone();
        assert_eq!(error()["code"], "corrupt_data", "{structure}");
        let message = error()["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with("the file is empty"), "{message}");
        fs::remove_file(root.join(".done")).unwrap();
        assert_eq!(error()["code"], "not_written", "{structure}");
    }
}

#[test]
fn colour_images_are_three_channels_in_any_plain_format() {
    let rgb: Vec<u8> = (0..WIDTH * HEIGHT)
        .flat_map(|at| [at as u8, 100, 200])
        .collect();
    for (ending, format) in [("png", ImageFormat::Png), ("bmp", ImageFormat::Bmp)] {
        let folder = tempfile::tempdir().unwrap();
        let bytes = encoded(&rgb, ExtendedColorType::Rgb8, format);
        for key in ["a", "b"] {
            put(
                folder.path(),
                &format!("0/current_0_0_{key}.{ending}"),
                &bytes,
            );
        }
        let dataset = open_whole(folder.path());
        let channels = &dataset.template.channels;
        let names: Vec<_> = channels
            .iter()
            .filter_map(|it| it.name.as_deref())
            .collect();
        assert_eq!(
            names,
            ["a Red", "a Green", "a Blue", "b Red", "b Green", "b Blue"]
        );
        assert_eq!(
            channels[4].color.map(Rgb::to_hex).as_deref(),
            Some("00FF00")
        );
        let red: Vec<u8> = (0..WIDTH * HEIGHT).map(|at| at as u8).collect();
        assert_eq!(rows_of(&dataset, 0, 0, 3, 0), Some(red));
        assert_eq!(rows_of(&dataset, 0, 0, 5, 0), Some(vec![200; 240]));
        // A single file is an image of its own.
        let lone = open_whole(&folder.path().join(format!("0/current_0_0_a.{ending}")));
        assert_eq!(lone.kind, DatasetKind::Image);
        assert_eq!(rows_of(&lone, 0, 0, 1, 0), Some(vec![100; 240]));
    }
}

#[test]
fn pages_of_a_lone_tiff_are_its_z_slices() {
    let folder = tempfile::tempdir().unwrap();
    put(
        folder.path(),
        "stack.tif",
        &tiff_of(WIDTH, HEIGHT, &[samples(1), samples(2)]),
    );
    let path = folder.path().join("stack.tif");
    let dataset = open_whole(&path);
    assert_eq!(
        (dataset.kind, dataset.template.num_z_slices()),
        (DatasetKind::Image, 2)
    );
    assert_eq!(rows_of(&dataset, 0, 0, 0, 1), Some(bytes_of(&samples(2))));
    expected::check_text("lone_tiff", &dataset);
    let document = on(&path, "inspect PATH --json").answer();
    assert_eq!(document["kind"], "image");
}

fn eight_bit(root: &Path, name: &str) {
    let ramp: Vec<u8> = (0..WIDTH * HEIGHT)
        .map(|at| (at % WIDTH * 12) as u8)
        .collect();
    put(
        root,
        name,
        &encoded(&ramp, ExtendedColorType::L8, ImageFormat::Bmp),
    );
}

#[test]
fn the_window_draws_a_running_acquisition_of_bitmaps_and_what_comes() {
    let folder = acquisition(&[("A1", 1)], 1);
    let root = folder.path();
    let write = |key: &str| {
        // Whichever slice is shown first.
        for z in 0..2 {
            eight_bit(root, &format!("0/A1_0_{z}_{key}.bmp"));
        }
    };
    write(KEYS[0]);
    let Some(mut desk) = Desk::with(root, Setup::default()) else {
        return;
    };
    desk.until(
        "the first plane is there and the other one planned",
        |app| app.shown_states() == [PlaneState::Written, PlaneState::Planned],
    );
    write(KEYS[1]);
    desk.until("both channels are drawn", |app| {
        let states = app.shown_states();
        let are_written = states.iter().all(|state| *state == PlaneState::Written);
        states.len() == 2 && are_written && app.has_picture()
    });
    put(root, ".done", b"");
    let deadline = Instant::now() + Duration::from_mins(1);
    while !desk.says("finished") {
        assert!(Instant::now() < deadline, "its end is noticed");
        desk.harness.step();
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_committed_folder_is_described_in_words() {
    let dataset = open_whole(&data_folder().join("tiff_folder"));
    expected::check("text_tiff_folder.txt", &text::describe(&dataset));
}

/// A folder with acquisitions of one FOV each by these names.

#[test]
fn files_and_folders_beyond_the_budgets_are_listed_and_counted() {
    let folder = acquisition(&[("R0", 1)], 1);
    put(folder.path(), "0/R0_0_0_BF.tiff", &gray16(1));
    let known = open_whole(folder.path()).problems.clone();
    for name in [
        "0/R0_4294967295_0_BF.tiff",
        "0/R0_0_4294967295_BF.tiff",
        "0/R0_0_65536_BF.tiff",
        "65536/R0_0_0_BF.tiff",
        "4294967295/R0_0_0_BF.tiff",
        "99999999999999999999/R0_0_0_BF.tiff",
    ] {
        put(folder.path(), name, &gray16(2));
    }
    let dataset = open_whole(folder.path());
    assert_eq!(dataset.num_fovs(), 1);
    let further = dataset.problems.iter().filter(|it| !known.contains(it));
    let further: Vec<_> = further.map(|it| (it.code, it.to_string())).collect();
    let folders =
        "3 folders of timepoints beyond the number 65535 are left aside, \"65536\" the first: .";
    let files = "3 files of z-slices beyond the number 65535, or with numbers of more than 9 digits, are left \
                 aside, \"R0_0_65536_BF.tiff\" the first: 0";
    let expected = [folders, files].map(|text| (Code::TooLarge, text.to_owned()));
    assert_eq!(further, expected);
}

fn parent_of(names: &[&str]) -> tempfile::TempDir {
    let parent = tempfile::tempdir().unwrap();
    for name in names {
        let made = acquisition(&[("A1", 1)], 1);
        for file in fs::read_dir(made.path()).unwrap() {
            let file = file.unwrap();
            put(
                &parent.path().join(name),
                file.file_name().to_str().unwrap(),
                &fs::read(file.path()).unwrap(),
            );
        }
        let plane = format!("{name}/0/A1_0_0_{}.tiff", KEYS[0]);
        put(parent.path(), &plane, &gray16(3));
    }
    parent
}

#[test]
fn a_folder_of_acquisitions_is_no_folder_of_loose_planes() {
    let only = parent_of(&["run 1"]);
    let dataset = open_whole(only.path());
    assert_eq!(
        (dataset.kind, &*dataset.name),
        (DatasetKind::Squid, "run 1")
    );
    assert_eq!(rows_of(&dataset, 0, 0, 0, 0), Some(bytes_of(&samples(3))));

    let two = parent_of(&["run 1", "run 2"]);
    let error = formats::open(two.path(), &mut |_| true).unwrap_err();
    assert_eq!(error.code, Code::NotZarr);
    assert_eq!(
        error.message,
        "a folder of 2 acquisitions, open one of them (run 1, run 2)"
    );

    put(two.path(), "notes/scan.tif", &gray16(7));
    let dataset = open_whole(two.path());
    let ids: Vec<&str> = dataset.fovs.iter().map(|fov| fov.path.as_str()).collect();
    assert_eq!(ids, ["notes/scan.tif"]);
    let aside = dataset.problems.iter().map(|it| (it.code, &*it.location));
    let aside: Vec<_> = aside.collect();
    assert_eq!(aside, [(Code::Ignored, "run 1"), (Code::Ignored, "run 2")]);
}

/// What is listed of a file of 3 pages, the first with that description, the last of half the size.
fn listed_of_pages(description: Option<&str>) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pages.tif");
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
    for (at, (width, height)) in [(20, 12), (20, 12), (10, 6)].into_iter().enumerate() {
        let mut page = encoder
            .new_image::<colortype::Gray8>(width, height)
            .unwrap();
        if let Some(text) = description.filter(|_| at == 0) {
            page.encoder()
                .write_tag(Tag::ImageDescription, text)
                .unwrap();
        }
        page.write_data(&vec![7; (width * height) as usize])
            .unwrap();
    }
    fs::write(&path, bytes.into_inner()).unwrap();
    let dataset = open_whole(&path);
    let listed = dataset.problems.iter();
    listed
        .map(|it| format!("{}: {}", it.location, it.message))
        .collect()
}

#[test]
fn pages_of_other_sizes_and_pages_that_are_not_there_are_listed() {
    assert_eq!(
        listed_of_pages(None),
        [
            "pages.tif: page 2 has 10 x 6 pixels, the first 20 x 12; pages of another size are not drawn"
        ]
    );
    let xml = r#"<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">
        <Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="20" SizeY="12" SizeZ="5" SizeC="1" SizeT="1"><TiffData/></Pixels></Image></OME>"#;
    assert_eq!(
        listed_of_pages(Some(xml)),
        ["pages.tif: OME-XML has planes up to page 5, the file has 3 pages"]
    );
}
