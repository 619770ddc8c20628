//! Files as other programs write them, and files that are not whole.

use std::{fs, io::Cursor, path::PathBuf};

use tiff::encoder::{TiffEncoder, colortype};

use super::*;
use crate::model::Value;

mod plain_files;
mod strips;

const WIDTH: u32 = 7;
const HEIGHT: u32 = 5;

/// Sample (x, y) of page or colour `n`.
fn sample(x: u32, y: u32, n: u32) -> u8 {
    (n * 60 + y * WIDTH + x) as u8
}

fn gray(n: u32) -> Vec<u8> {
    (0..HEIGHT)
        .flat_map(|y| (0..WIDTH).map(move |x| sample(x, y, n)))
        .collect()
}

fn rgb() -> Vec<u8> {
    (0..WIDTH * HEIGHT)
        .flat_map(|at| (0..3).map(move |n| sample(at % WIDTH, at / WIDTH, n)))
        .collect()
}

fn folder_with(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("a file");
    (folder, path)
}

fn plain(format: image::ImageFormat, is_color: bool) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let (samples, color) = if is_color {
        (rgb(), image::ExtendedColorType::Rgb8)
    } else {
        (gray(0), image::ExtendedColorType::L8)
    };
    image::write_buffer_with_format(&mut bytes, &samples, WIDTH, HEIGHT, color, format)
        .expect("encoded");
    bytes.into_inner()
}

fn tiff_pages(count: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).expect("an encoder");
    for page in 0..count {
        let samples: Vec<u16> = gray(page).into_iter().map(u16::from).collect();
        let mut image = encoder
            .new_image::<colortype::Gray16>(WIDTH, HEIGHT)
            .expect("a page");
        image.rows_per_strip(2).expect("strips");
        image.write_data(&samples).expect("written");
    }
    bytes.into_inner()
}

fn check_values(pixels: &Pixels, (x0, y0): (u32, u32), n: u32) {
    for (x, y) in [(0, 0), (pixels.width() - 1, pixels.height() - 1)] {
        let expected = u64::from(sample(x0 + x, y0 + y, n));
        assert_eq!(pixels.value(x, y), Some(Value::Unsigned(expected)));
    }
}

#[test]
fn plain_files_are_gray_or_have_three_colours() {
    for format in [image::ImageFormat::Png, image::ImageFormat::Bmp] {
        let (_folder, path) = folder_with("a.tiff", &plain(format, false));
        let page = describe(&path, PageAt::default())
            .expect("readable")
            .expect("there");
        assert_eq!((page.width, page.height), (WIDTH, HEIGHT));
        assert_eq!((page.num_colors, page.sample_type), (1, SampleType::U8));
        let pixels = read(&path, Wanted::default()).expect("readable");
        check_values(&pixels.expect("there"), (0, 0), 0);
        let (_folder, path) = folder_with("a.png", &plain(format, true));
        for color in 0..3 {
            let wanted = Wanted {
                color_idx: Some(color),
                part: Some((2, 1, 3, 2)),
                ..Wanted::default()
            };
            let pixels = read(&path, wanted).expect("readable").expect("there");
            check_values(&pixels, (2, 1), color.into());
        }
        let error = read(&path, Wanted::default()).expect_err("a colour image");
        assert_eq!(error.code, Code::BadMetadata);
    }
}

#[test]
fn pages_of_a_tiff_are_read_whole_and_in_parts() {
    let (_folder, path) = folder_with("a.tif", &tiff_pages(3));
    assert_eq!(num_pages(&path), Ok(Some(3)));
    let mut file = Directories::open(&path).expect("readable").expect("there");
    let mut chain = directories::Chain::default();
    assert_eq!(chain.follow(&mut file, |_, _| Ok(true)), Ok(true));
    for page_idx in 0..3 {
        for part in [None, Some((0, 0, 2, 1)), Some((3, 1, 4, 4))] {
            let offset = chain.offsets()[page_idx as usize];
            for page in [PageAt::Idx(page_idx), PageAt::Offset(offset)] {
                let wanted = Wanted {
                    page,
                    part,
                    ..Wanted::default()
                };
                let pixels = read(&path, wanted).expect("readable").expect("there");
                assert_eq!(pixels.sample_type(), SampleType::U16);
                let (x, y, ..) = part.unwrap_or_default();
                check_values(&pixels, (x, y), page_idx);
            }
        }
    }
    assert!(describe(&path, PageAt::Idx(3)).is_err(), "there are three");
    let beyond = Wanted {
        part: Some((0, 4, 2, 2)),
        ..Wanted::default()
    };
    assert_eq!(
        read(&path, beyond).map_err(|error| error.code).err(),
        Some(Code::OutOfRange)
    );
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_corrupt_and_never_more_than_that() {
    let whole = [
        tiff_pages(1),
        plain(image::ImageFormat::Png, false),
        plain(image::ImageFormat::Bmp, true),
    ];
    for bytes in whole {
        for end in 0..bytes.len() {
            let (_folder, path) = folder_with("a.tiff", &bytes[..end]);
            let outcome = read(&path, Wanted::default());
            if let Err(error) = outcome {
                assert!(
                    matches!(error.code, Code::CorruptData | Code::BadMetadata),
                    "{end}: {error}"
                );
            }
        }
    }
}

#[test]
fn what_is_absent_is_no_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("late.tiff");
    assert_eq!(describe(&path, PageAt::default()), Ok(None));
    assert!(matches!(read(&path, Wanted::default()), Ok(None)));
}

#[test]
fn pages_of_a_file_are_listed_once_and_again_when_they_are_others() {
    let (_folder, path) = folder_with("a.tif", &tiff_pages(40));
    let listed = || super::tiff_pages(&path).expect("readable").expect("a TIFF");
    let first = listed();
    assert_eq!((first.len(), first.is_ome()), (40, false));
    assert!(Arc::ptr_eq(&first, &listed()));
    // Samples that are filled in: another time, the same chain.
    let mut bytes = fs::read(&path).expect("a file");
    let mut later = std::time::SystemTime::now();
    let mut touch = |bytes: &[u8]| {
        later += std::time::Duration::from_secs(5);
        fs::write(&path, bytes).expect("written");
        let file = fs::File::options().write(true).open(&path).expect("a file");
        let times = fs::FileTimes::new().set_modified(later);
        file.set_times(times).expect("touched");
    };
    touch(&bytes);
    assert!(Arc::ptr_eq(&first, &listed()));
    // The same length, another chain: the last directory is cut off by an impossible count of entries.
    let at = bytes.len() - 200;
    bytes[at..].fill(0xff);
    touch(&bytes);
    assert!(!Arc::ptr_eq(&first, &listed()));
    touch(&tiff_pages(41));
    assert_eq!(listed().len(), 41);
}

#[test]
fn a_page_that_is_linked_within_the_resolution_of_times_is_found() {
    let whole = tiff_pages(3);
    let (_folder, path) = folder_with("a.tif", &whole);
    let mut file = Directories::open(&path).expect("readable").expect("there");
    let mut chain = directories::Chain::default();
    assert_eq!(chain.follow(&mut file, |_, _| Ok(true)), Ok(true));
    let [_, second, third] = *chain.offsets() else {
        panic!("three pages")
    };
    // The link of the second page to the third, as classic TIFF writes it.
    let third = (third as u32).to_ne_bytes();
    let link = (second as usize..whole.len() - 3)
        .find(|&at| whole[at..at + 4] == third)
        .expect("a link");
    let mut unlinked = whole.clone();
    unlinked[link..link + 4].fill(0);
    let now = std::time::SystemTime::now();
    let put = |bytes: &[u8]| {
        fs::write(&path, bytes).expect("written");
        let file = fs::File::options().write(true).open(&path).expect("a file");
        file.set_modified(now).expect("touched");
    };
    put(&unlinked);
    assert_eq!(num_pages(&path), Ok(Some(2)));
    put(&whole);
    assert_eq!(num_pages(&path), Ok(Some(3)));
}

#[test]
fn the_last_page_of_many_is_reached_without_the_others() {
    let (_folder, path) = folder_with("a.tif", &tiff_pages(3000));
    assert_eq!(num_pages(&path), Ok(Some(3000)));
    let wanted = Wanted {
        page: PageAt::Idx(2999),
        ..Wanted::default()
    };
    assert!(matches!(read(&path, wanted), Ok(Some(_))));
    let beyond = Wanted {
        page: PageAt::Idx(3000),
        ..Wanted::default()
    };
    let error = read(&path, beyond).expect_err("there are 3000");
    assert!(
        error.message.contains("no page 3000, it has 3000"),
        "{error}"
    );
}

#[test]
fn the_first_page_is_read_without_keeping_anything_of_its_file() {
    let (_folder, path) = folder_with("a.tif", &tiff_pages(2));
    assert!(matches!(describe(&path, PageAt::default()), Ok(Some(_))));
    assert!(matches!(read(&path, Wanted::default()), Ok(Some(_))));
    assert!(!super::pages::are_known(&path), "of one file per plane");
    assert!(describe(&path, PageAt::Idx(1)).is_ok());
    assert!(super::pages::are_known(&path), "of a stack");
}

/// Of every file that differs from a whole one: how many are read without complaint as something else.
fn num_wrong(whole: &[u8], damaged: impl Iterator<Item = Vec<u8>>) -> usize {
    let pixels = |bytes: &[u8]| {
        let (_folder, path) = folder_with("a", bytes);
        read(&path, Wanted::default()).ok().flatten()
    };
    let right = pixels(whole).expect("readable");
    let is_wrong = |bytes: &Vec<u8>| {
        pixels(bytes).is_some_and(|found| {
            (found.width(), found.height()) == (WIDTH, HEIGHT)
                && found.samples().as_bytes() != right.samples().as_bytes()
        })
    };
    damaged.filter(is_wrong).count()
}

/// The same file with one bit after the other flipped.
fn flipped(whole: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..whole.len() * 8).map(|bit| {
        let mut bytes = whole.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    })
}

fn deflated() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes)
        .expect("an encoder")
        .with_compression(tiff::encoder::Compression::Deflate(
            tiff::encoder::DeflateLevel::default(),
        ));
    encoder
        .write_image::<colortype::Gray8>(WIDTH, HEIGHT, &gray(0))
        .expect("written");
    bytes.into_inner()
}

#[test]
fn of_image_files_the_damage_is_found_that_docs_limits_md_names() {
    let png = plain(image::ImageFormat::Png, false);
    let bmp = plain(image::ImageFormat::Bmp, false);
    let (tiff, deflated) = (tiff_pages(1), deflated());
    for whole in [&png, &bmp, &tiff, &deflated] {
        let cut = (0..whole.len()).map(|end| whole[..end].to_vec());
        assert_eq!(num_wrong(whole, cut), 0, "cut off");
    }
    assert_eq!(num_wrong(&png, flipped(&png)), 0, "checksums of its parts");
    // What has no checksum cannot tell.
    let unnoticed = [&bmp, &tiff, &deflated].map(|whole| num_wrong(whole, flipped(whole)));
    assert!(unnoticed.iter().all(|&count| count > 0), "{unnoticed:?}");
}

/// A file that `libjpeg-turbo` wrote.
fn jpeg(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/fuzz/picture");
    fs::read(PathBuf::from(folder).join(name)).expect("it is kept")
}

/// Samples of the first colour.
fn first_color(bytes: &[u8]) -> Result<Vec<u8>, ImageFileError> {
    let (_folder, path) = folder_with("a.jpg", bytes);
    let page = describe(&path, PageAt::default())?.expect("there");
    let wanted = Wanted {
        color_idx: (page.num_colors == 3).then_some(0),
        ..Wanted::default()
    };
    let pixels = read(&path, wanted)?.expect("there");
    Ok(pixels.samples().as_bytes().to_vec())
}

#[test]
fn a_jpeg_of_which_anything_is_missing_is_corrupt() {
    for name in [
        "gray.jpg",
        "rgb.jpg",
        "progressive_gray.jpg",
        "progressive_rgb.jpg",
        "restarts.jpg",
    ] {
        let whole = jpeg(name);
        let right = first_color(&whole).expect("readable");
        let trailing = [whole.as_slice(), &[0; 100], &whole].concat();
        assert_eq!(first_color(&trailing).as_ref(), Ok(&right), "{name}");
        let scan = (2..whole.len())
            .find(|&at| whole[at..].starts_with(&[0xff, 0xda]))
            .expect("a scan");
        let check = |bytes: &[u8], what: &str, at: usize| {
            let error = first_color(bytes).err();
            let code = error.as_ref().map(|error| error.code);
            assert_eq!(
                code,
                Some(Code::CorruptData),
                "{name}, {what} {at}: {error:?}"
            );
        };
        for end in (0..whole.len())
            .step_by(3)
            .chain(whole.len() - 4..whole.len())
        {
            check(&whole[..end], "cut off at", end);
        }
        // Of the last bits some are padding.
        for end in (scan + 14..whole.len() - 4).step_by(3) {
            let ended = [&whole[..end], &[0xff, 0xd9]].concat();
            check(&ended, "ended at", end);
        }
        for at in (scan + 14..whole.len() - 60).step_by(3) {
            let shorter = [&whole[..at], &whole[at + 40..]].concat();
            let found = first_color(&shorter);
            let is_told = found.is_err_and(|error| error.code == Code::CorruptData);
            assert!(is_told, "{name}, without 40 bytes at {at}");
        }
    }
}
