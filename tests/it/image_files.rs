//! Image files of other programs: byte orders, compressions, colours, and what their tags say of pixel sizes.

use std::{fs, io::Cursor, path::Path};

use image::{ExtendedColorType, ImageFormat};
use squidview::{
    dataset::{Dataset, DatasetKind},
    model::{Code, FovId, Problem, Rgb},
    store::Store,
};

use crate::{
    desk::{Desk, Setup},
    expected,
    oracle::image_oracle,
    planes::{open_whole, plane_at, plane_crc, plane_rows},
    program::on,
};

fn written(folder: &Path, group: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
    image_oracle(&["write", folder.to_str().unwrap(), group])
}

/// Names of files of which a plane is another one than was written.
fn wrong_files(folder: &Path, files: &serde_json::Map<String, serde_json::Value>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, planes) in files {
        let dataset = open_whole(&folder.join(name));
        let found = (0..dataset.template.num_channels())
            .map(|c| plane_crc(&Store::new(), &dataset, plane_at(FovId(0), 0, c, 0)))
            .collect::<Vec<_>>();
        let expected = planes.as_array().unwrap().iter();
        let expected = expected.map(|crc| crc.as_str().map(str::to_owned));
        if found != expected.collect::<Vec<_>>() {
            wrong.push(name.clone());
        }
    }
    wrong
}

#[test]
fn byte_orders_compressions_and_planar_colours_give_the_samples_that_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let Some(files) = written(folder.path(), "kinds") else {
        return;
    };
    assert!(files.len() > 20);
    assert_eq!(wrong_files(folder.path(), &files), [""; 0]);
}

#[test]
fn samples_whose_zero_means_white_are_those_that_were_written_and_that_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let Some(files) = written(folder.path(), "white") else {
        return;
    };
    assert!(files.len() > 15);
    assert_eq!(wrong_files(folder.path(), &files), [""; 0]);
    let noted = open_whole(&folder.path().join("int16.tif"));
    let is_noted = |it: &Problem| it.code == Code::Ignored && it.message.contains("means white");
    let check = |dataset: &Dataset, location: &str| {
        let noted = dataset.problems.iter().filter(|it| is_noted(it));
        let locations: Vec<&str> = noted.map(|it| it.location.as_str()).collect();
        assert_eq!(locations, [location], "{:?}", dataset.problems);
    };
    check(&noted, "int16.tif");
    check(
        &open_whole(&folder.path().join("A1_0.ome.tiff")),
        "A1_0.ome.tiff",
    );
    let run = folder.path().join("run");
    fs::create_dir_all(run.join("ome_tiff")).unwrap();
    let (from, to) = (
        folder.path().join("A1_0.ome.tiff"),
        run.join("ome_tiff/A1_0.ome.tiff"),
    );
    fs::copy(from, to).unwrap();
    check(&open_whole(&run), "A1_0.ome.tiff");
    let pages = open_whole(&folder.path().join("pages.tif"));
    let first = |z: u32| {
        let rows = plane_rows(&Store::new(), &pages, plane_at(FovId(0), 0, 0, z)).unwrap();
        u16::from_le_bytes([rows[0], rows[1]])
    };
    assert_eq!([first(0), first(1), first(2)], [0, 7919, 2 * 7919]);
    assert!(
        pages.problems.iter().all(|it| !is_noted(it)),
        "of its first page"
    );
}

#[test]
fn jpeg_files_are_gray_or_three_channels() {
    let folder = tempfile::tempdir().unwrap();
    let Some(files) = written(folder.path(), "jpegs") else {
        return;
    };
    for (name, values) in &files {
        let dataset = open_whole(&folder.path().join(name));
        for (c, value) in values.as_array().unwrap().iter().enumerate() {
            let plane = plane_at(FovId(0), 0, c as u32, 0);
            let rows = plane_rows(&Store::new(), &dataset, plane).unwrap();
            let value = value.as_u64().unwrap() as u8;
            let is_near = rows.iter().all(|sample| sample.abs_diff(value) <= 2);
            assert!(is_near, "{name} {c}: {:?}", &rows[..8]);
        }
        let colors: Vec<_> = dataset
            .template
            .channels
            .iter()
            .map(|it| it.color)
            .collect();
        let red = Rgb { r: 255, g: 0, b: 0 };
        assert_eq!(colors.first(), Some(&(colors.len() == 3).then_some(red)));
    }
}

#[test]
fn resolution_tags_give_the_pixel_size_where_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    if written(root, "resolutions").is_none() {
        return;
    }
    let check = |path: &Path, expected: Option<f64>| {
        let dataset = open_whole(path);
        let sampling = dataset.template.sampling;
        assert_eq!(
            (sampling.x_um, sampling.y_um),
            (expected, expected),
            "{}",
            path.display()
        );
        let noted = dataset.problems.iter();
        let noted = noted
            .filter(|it| it.message.contains("taken from the tags"))
            .count();
        assert_eq!(
            noted,
            usize::from(expected.is_some()),
            "{:?}",
            dataset.problems
        );
    };
    check(&root.join("centimetre.tif"), Some(0.5));
    check(&root.join("inch.tif"), Some(0.254));
    check(&root.join("none.tif"), None);
    check(&root.join("screen.tif"), None);
    // Of a Squid folder only where its side files state none.
    let run = root.join("run");
    fs::create_dir_all(run.join("0")).unwrap();
    fs::copy(root.join("inch.tif"), run.join("0/A1_0_0_BF.tiff")).unwrap();
    check(&run, Some(0.254));
    fs::write(
        run.join("acquisition.yaml"),
        "objective: {pixel_size_um: 0.75}\n",
    )
    .unwrap();
    assert_eq!(open_whole(&run).template.sampling.x_um, Some(0.75));
}

fn png(width: u32, height: u32, color: ExtendedColorType, samples: &[u8]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let format = ImageFormat::Png;
    image::write_buffer_with_format(&mut bytes, samples, width, height, color, format).unwrap();
    bytes.into_inner()
}

#[test]
fn a_folder_of_image_files_is_a_collection_of_images_of_any_size() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let put = |name: &str, bytes: &[u8]| fs::write(root.join(name), bytes).unwrap();
    put("img10.png", &png(3, 2, ExtendedColorType::L8, &[10; 6]));
    put("img2.png", &png(5, 4, ExtendedColorType::L8, &[2; 20]));
    put("photo.png", &png(2, 2, ExtendedColorType::Rgb8, &[9; 12]));
    put("broken.tif", b"II*\0");
    put("notes.txt", b"no image");
    put(".hidden.png", b"no image");
    let dataset = open_whole(root);
    assert_eq!(dataset.kind, DatasetKind::Collection);
    assert_eq!(dataset.layout, "folder of image files");
    expected::check_text("image_files", &dataset);
    let labels: Vec<&str> = dataset.fovs.iter().map(|fov| fov.label.as_str()).collect();
    assert_eq!(labels, ["broken.tif", "img2.png", "img10.png", "photo.png"]);
    let value = |fov: u32, c: u32| {
        let plane = plane_at(FovId(fov), 0, c, 0);
        plane_rows(&Store::new(), &dataset, plane).map(|rows| (rows.len(), rows[0]))
    };
    assert_eq!(value(1, 0), Some((20, 2)));
    assert_eq!(value(2, 0), Some((6, 10)));
    assert_eq!(value(3, 2), Some((4, 9)));
    assert!(dataset.image(FovId(0)).is_none(), "it cannot be opened");
    let problems: Vec<_> = dataset
        .problems
        .iter()
        .map(|it| it.location.as_str())
        .collect();
    assert_eq!(problems, ["broken.tif"]);
    let document = on(root, "inspect PATH --json").answer();
    assert_eq!(document["kind"], "collection");
    assert_eq!(document["fields"][2]["id"], "img10.png");
    let stats = on(root, "plane PATH --stats --fov 2").answer();
    assert_eq!(stats["shape"], serde_json::json!([2, 3]));
}

/// Brown, with little of each colour between its samples.
fn brown(x: u32, y: u32) -> [u8; 3] {
    [
        180 + (x * 20 / 64) as u8,
        120 + (y * 10 / 48) as u8,
        60 + (x * 5 / 64) as u8,
    ]
}

#[test]
fn colour_images_have_the_colours_of_their_samples() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let samples: Vec<u8> = (0..64 * 48_u32)
        .flat_map(|at| brown(at % 64, at / 64))
        .collect();
    let bytes = png(64, 48, ExtendedColorType::Rgb8, &samples);
    fs::write(root.join("lone.png"), &bytes).unwrap();
    fs::create_dir_all(root.join("squid/0")).unwrap();
    fs::write(root.join("squid/0/A1_0_0_BF_RGB.png"), &bytes).unwrap();
    let pages: Vec<u16> = samples
        .iter()
        .map(|&sample| u16::from(sample) * 16)
        .collect();
    let mut tiff = Cursor::new(Vec::new());
    let mut encoder = tiff::encoder::TiffEncoder::new(&mut tiff).unwrap();
    encoder
        .write_image::<tiff::encoder::colortype::RGB16>(64, 48, &pages)
        .unwrap();
    fs::write(root.join("deep.tif"), tiff.into_inner()).unwrap();
    for (name, largest) in [("lone.png", 255.0), ("squid", 255.0), ("deep.tif", 199.0)] {
        let out = root.join("out.png");
        let command = format!("render PATH -o {} --size 64x48", out.display());
        on(&root.join(name), &command).answer();
        let picture = image::open(&out).unwrap().into_rgb8();
        for (x, y) in [(0, 0), (63, 0), (0, 47), (63, 47), (30, 20)] {
            let found = picture.get_pixel(x, y).0.map(f64::from);
            let wanted = brown(x, y).map(|part| f64::from(part) * 255.0 / largest);
            let differences = found.iter().zip(wanted).map(|(a, b)| (a - b).abs());
            let most = differences.fold(0.0, f64::max);
            assert!(most <= 1.0, "{name} at {x},{y}: {found:?}, not {wanted:?}");
        }
    }
    for (name, largest) in [("lone.png", 255.0), ("squid", 255.0), ("deep.tif", 199.0)] {
        colours_are_written_as_they_are(&root.join(name), &samples, largest);
    }
    let Some(mut desk) = Desk::with(&root.join("lone.png"), Setup::default()) else {
        return;
    };
    let [red, green, blue] = [0, 1, 2].map(|at| i32::from(desk.color_at(0.5, 0.5)[at]));
    let wanted = brown(32, 24).map(i32::from);
    for (found, wanted) in [red, green, blue].into_iter().zip(wanted) {
        assert!((found - wanted).abs() <= 12, "{found}, not {wanted}");
    }
}

/// `render` and `plane` give the samples, of 8 bits byte by byte; of more bits in their shares of the largest.
fn colours_are_written_as_they_are(path: &Path, samples: &[u8], largest: f64) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.png");
    let wanted: Vec<u8> = samples
        .iter()
        .map(|&sample| (f64::from(sample) * 255.0 / largest).round() as u8)
        .collect();
    let most = |found: &[u8], wanted: &[u8]| {
        assert_eq!(found.len(), wanted.len());
        let pairs = found.iter().zip(wanted);
        pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap()
    };
    let allowed = u8::from(largest < 255.0);
    on(path, &format!("render PATH -o {}", out.display())).answer();
    let rendered = image::open(&out).unwrap().into_rgb8().into_raw();
    assert!(
        most(&rendered, &wanted) <= allowed,
        "{} rendered",
        path.display()
    );
    for c in 0..3 {
        let line = format!("plane PATH --stats --c {c} -o {}", out.display());
        on(path, &line).answer();
        let plane = image::open(&out).unwrap().into_luma8().into_raw();
        let wanted: Vec<u8> = wanted.iter().skip(c).step_by(3).copied().collect();
        assert!(
            most(&plane, &wanted) <= allowed,
            "{} channel {c}",
            path.display()
        );
    }
}

#[test]
fn colour_images_of_squid_are_shown_in_colour_and_their_channels_are_switched() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("0")).unwrap();
    let samples: Vec<u8> = (0..64 * 48_u32)
        .flat_map(|at| {
            if at % 64 < 32 {
                [0, 0, 0]
            } else {
                [250, 120, 0]
            }
        })
        .collect();
    let bytes = png(64, 48, ExtendedColorType::Rgb8, &samples);
    fs::write(root.join("0/current_0_0_BF_LED_matrix_full_RGB.png"), bytes).unwrap();
    let Some(mut desk) = Desk::with(root, Setup::default()) else {
        return;
    };
    let right = |desk: &mut Desk| desk.color_at(0.6, 0.5);
    let all = right(&mut desk);
    assert!(
        all[0] > 200 && all[1] > 80,
        "red and green are added: {all:?}"
    );
    for name in ["Red", "Green", "Blue"] {
        assert!(desk.has(&format!("Show {name}")), "{name}");
    }
    desk.click("Show Red");
    desk.settle();
    let green = right(&mut desk);
    assert!(green[0] < 40 && green[1] > 80, "green alone: {green:?}");
}
