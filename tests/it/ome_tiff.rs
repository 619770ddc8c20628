//! OME-TIFF as tifffile writes it: every plane is read as it was written; and files that make no sense.

use std::{fmt::Write as _, fs, path::Path, sync::Arc};

use serde_json::Value;
use squidview::{
    dataset::{Dataset, DatasetKind},
    formats::{self, text},
    model::{Absence, Code, PlaneId, Problem, Rgb, TileId, limits},
    store::Store,
};

use crate::{
    expected,
    oracle::{answer_of, python_with},
    planes::{open_whole, plane_at, plane_crc, planes_of},
    program::on,
    squid_data::index,
};

/// The folder with the files, and what was opened by name.
pub(crate) type Opened = (tempfile::TempDir, Vec<(String, Arc<Dataset>)>);

/// Opens what a group of `ome_tiff.py` writes and compares every plane.
fn check(group: &str) -> Option<Opened> {
    let found = check_any(group)?;
    for (name, dataset) in &found.1 {
        assert_eq!(dataset.kind, DatasetKind::Image, "{name}");
    }
    Some(found)
}

/// The same of files and folders.
pub(crate) fn check_any(group: &str) -> Option<Opened> {
    let folder = tempfile::tempdir().unwrap();
    let mut script = python_with("ome_tiff.py")?;
    let output = script
        .args(["write", &folder.path().to_string_lossy(), group])
        .output();
    let written = answer_of(&output.unwrap());
    let (mut opened, mut differing) = (Vec::new(), String::new());
    for (name, entry) in written {
        let path = folder.path().join(entry["open"].as_str().unwrap());
        let dataset = open_whole(&path);
        assert_eq!(dataset.num_fovs(), index(&entry, "fovs"), "{name}");
        let store = Store::new();
        let planes = entry["planes"].as_array().unwrap();
        assert!(!planes.is_empty(), "{name}");
        for plane in planes {
            let found = plane_crc(&store, &dataset, plane_of(&dataset, plane));
            if found.as_deref() != plane["crc32"].as_str() {
                let _infallible = writeln!(differing, "{name}: {plane} is read as {found:?}");
            }
        }
        let level_0 = planes.iter().filter(|plane| plane["level"] == 0).count();
        let all: usize = dataset
            .order
            .iter()
            .map(|&fov| planes_of(&dataset, fov).len())
            .sum();
        assert_eq!(all, level_0, "{name}: as many planes as were written");
        opened.push((name, dataset));
    }
    assert!(differing.is_empty(), "{differing}");
    let texts = opened.iter().map(|(name, dataset)| {
        let text = text::describe(dataset);
        format!("{name}: {text}\n")
    });
    expected::check(
        &format!("text_ome_tiff_group_{group}.txt"),
        &texts.collect::<String>(),
    );
    Some((folder, opened))
}

fn plane_of(dataset: &Dataset, entry: &Value) -> PlaneId {
    let at = |key| index(entry, key);
    let fov = dataset.fov_at(at("fov")).unwrap();
    PlaneId {
        level: at("level").try_into().unwrap(),
        ..plane_at(fov, at("t"), at("c"), at("z"))
    }
}

#[test]
fn axes_are_in_the_order_of_the_file() {
    let Some((_folder, opened)) = check("orders") else {
        return;
    };
    for (name, dataset) in opened {
        let axes: Vec<&str> = dataset
            .template
            .axes
            .iter()
            .map(|axis| axis.name.as_str())
            .collect();
        let axes = axes.concat().to_uppercase();
        if name.len() == 5 {
            assert_eq!(axes, name);
        }
        assert!(
            dataset.problems.is_empty(),
            "{name}: {:?}",
            dataset.problems
        );
    }
}

#[test]
fn every_byte_order_cut_compression_predictor_and_type_is_read() {
    let Some((_folder, opened)) = check("storage") else {
        return;
    };
    // The schema has no names for 64-bit integers and half floats.
    for (name, dataset) in opened {
        let is_foreign = ["uint64", "int64", "float16"]
            .iter()
            .any(|it| name.starts_with(it));
        assert_eq!(
            dataset.problems.is_empty(),
            !is_foreign,
            "{name}: {:?}",
            dataset.problems
        );
    }
}

#[test]
fn colours_are_channels() {
    let Some((_folder, opened)) = check("colours") else {
        return;
    };
    for (name, dataset) in opened {
        let channels = &dataset.template.channels;
        assert_eq!(
            channels[1].color.map(Rgb::to_hex).as_deref(),
            Some("00FF00"),
            "{name}"
        );
        let names = channels.iter().filter_map(|it| it.name.as_deref());
        assert!(names.clone().all(|name| !name.is_empty()), "{name}");
        assert_eq!(names.count(), channels.len(), "{name}");
    }
}

#[test]
fn several_images_and_several_files_are_one_dataset() {
    let Some((folder, opened)) = check("several") else {
        return;
    };
    let of = |wanted: &str| &opened.iter().find(|(name, _)| name == wanted).unwrap().1;
    let labels: Vec<&str> = of("images")
        .fovs
        .iter()
        .map(|fov| fov.label.as_str())
        .collect();
    assert_eq!(labels, ["0: place 0", "1: place 1", "2: place 2"]);
    let document = on(
        &folder.path().join("images.ome.tif"),
        "inspect PATH --json --fov 1",
    )
    .answer();
    assert_eq!(
        (&document["kind"], &document["fields"][1]["id"]),
        (&"image".into(), &"#1".into())
    );
    assert_eq!(
        document["image"]["shape"],
        serde_json::json!([3, 1, 1, 16, 24])
    );
    let renamed = &of("renamed").problems;
    assert!(
        renamed[0].message.contains("what_it_was.ome.tif"),
        "{renamed:?}"
    );

    // The companion file by itself is its set; what is wrong with it is said of it.
    let document = folder.path().join("companion/all.companion.ome");
    let inspected = on(&document, "inspect PATH --json").answer();
    assert_eq!(inspected["kind"], "image");
    let broken = folder.path().join("broken.companion.ome");
    let text = fs::read_to_string(&document).unwrap();
    for (text, code) in [
        ("<OME/>".to_owned(), "bad_metadata"),
        (text[..text.len() / 2].to_owned(), "bad_metadata"),
        // Its files are not beside it.
        (text, "missing_array"),
    ] {
        fs::write(&broken, text).unwrap();
        let refused = on(&broken, "inspect PATH --json").json();
        assert_eq!(refused["error"]["code"], code, "{refused}");
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(message.ends_with("broken.companion.ome"), "{message}");
    }

    // Without the document that they name, files are pages, and say why.
    let companion = folder.path().join("companion");
    fs::remove_file(companion.join("all.companion.ome")).unwrap();
    let plain = open_whole(&companion.join("first.ome.tif"));
    let problem = &plain.problems[0];
    assert_eq!(
        (problem.code, problem.location.as_str()),
        (Code::NotFound, "all.companion.ome")
    );
    assert_eq!(plain.template.num_z_slices(), 3);

    // A file that is gone: its planes are missing, the others are there.
    let files = folder.path().join("files");
    fs::remove_file(files.join("second.ome.tif")).unwrap();
    let dataset = open_whole(&files.join("first.ome.tif"));
    let problem = &dataset.problems[0];
    assert_eq!(
        (problem.code, problem.location.as_str()),
        (Code::MissingArray, "second.ome.tif")
    );
    let found = |t| plane_crc(&Store::new(), &dataset, plane_at(dataset.order[0], t, 0, 0));
    assert!(found(0).is_some());
    assert_eq!(found(1), None);
    assert_eq!(dataset.template.num_timepoints(), 2);
}

#[test]
fn copies_below_a_page_are_levels() {
    let Some((folder, opened)) = check("pyramid") else {
        return;
    };
    let image = &opened[0].1.template;
    let sizes: Vec<_> = image
        .levels
        .iter()
        .map(|level| level.shape[3..].to_vec())
        .collect();
    assert_eq!(sizes, [[5000, 4400], [2500, 2200], [1250, 1100]]);
    let document = on(&folder.path().join("levels.ome.tif"), "inspect PATH --json").answer();
    assert_eq!(document["image"]["levels"].as_array().unwrap().len(), 3);
    let stats = on(
        &folder.path().join("levels.ome.tif"),
        "plane PATH --stats --level 2 --c 1",
    )
    .answer();
    assert_eq!(stats["shape"], serde_json::json!([1250, 1100]));
}

/// A little-endian TIFF of 4 × 2 bytes per page, its first description, and where each directory says the next one is.
fn tiff(description: &str, next: impl Fn(u32, u32) -> u32, num_pages: u32) -> Vec<u8> {
    let mut bytes = b"II*\0\0\0\0\0".to_vec();
    let text_at = bytes.len() as u32;
    bytes.extend(description.bytes());
    bytes.push(0);
    bytes.extend([7; 8]);
    if !bytes.len().is_multiple_of(2) {
        bytes.push(0);
    }
    let first = bytes.len() as u32;
    let data_at = text_at + description.len() as u32 + 1;
    let entries: [(u16, u16, u32, u32); 8] = [
        (256, 4, 1, 4),
        (257, 4, 1, 2),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (270, 2, description.len() as u32 + 1, text_at),
        (273, 4, 1, data_at),
        (279, 4, 1, 8),
    ];
    let length = 2 + 12 * entries.len() as u32 + 4;
    bytes[4..8].copy_from_slice(&first.to_le_bytes());
    for page in 0..num_pages {
        bytes.extend((entries.len() as u16).to_le_bytes());
        for (tag, kind, count, value) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend(count.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend(next(first + (page + 1) * length, page).to_le_bytes());
    }
    bytes
}

fn xml(pixels: &str, inside: &str) -> String {
    format!(
        r#"<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image><Pixels DimensionOrder="XYZCT" Type="uint8"
           SizeX="4" SizeY="2" {pixels}>{inside}</Pixels></Image></OME>"#
    )
}

fn opened(folder: &Path, bytes: &[u8]) -> Result<Dataset, formats::OpenError> {
    let path = folder.join("a.ome.tif");
    fs::write(&path, bytes).unwrap();
    formats::open(&path, &mut |_| true)
}

const ONE_Z: &str = r#"SizeZ="3" SizeC="1" SizeT="1""#;

fn in_a_row(last: u32) -> impl Fn(u32, u32) -> u32 {
    move |next, page| if page == last { 0 } else { next }
}

#[test]
fn chains_that_never_end_do() {
    let folder = tempfile::tempdir().unwrap();
    let document = xml(ONE_Z, "");
    let whole = opened(folder.path(), &tiff(&document, in_a_row(2), 3)).unwrap();
    let crc = |dataset: &Dataset, z| {
        plane_crc(&Store::new(), dataset, plane_at(dataset.order[0], 0, 0, z))
    };
    let expected = Some(crate::planes::crc(&[7; 8]));
    assert_eq!(crc(&whole, 2), expected);
    // The second page names the first as the next one.
    let first = u32::from_le_bytes(tiff(&document, in_a_row(2), 3)[4..8].try_into().unwrap());
    let circle = tiff(
        &document,
        |next, page| if page == 1 { first } else { next },
        2,
    );
    let dataset = opened(folder.path(), &circle).unwrap();
    assert_eq!(
        (crc(&dataset, 1), crc(&dataset, 2)),
        (expected.clone(), None)
    );
    let off_the_end = tiff(
        &document,
        |_, page| if page == 1 { u32::MAX } else { first + 102 },
        2,
    );
    let dataset = opened(folder.path(), &off_the_end).unwrap();
    assert_eq!((crc(&dataset, 1), crc(&dataset, 2)), (expected, None));
}

#[test]
fn files_that_are_cut_off_give_errors_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = tiff(&xml(ONE_Z, ""), in_a_row(2), 3);
    for end in 0..bytes.len() {
        match opened(folder.path(), &bytes[..end]) {
            Ok(dataset) => {
                let found = plane_crc(&Store::new(), &dataset, plane_at(dataset.order[0], 0, 0, 2));
                assert_eq!(found, None, "{end}: the last page is not whole");
            }
            Err(error) => assert!(matches!(error.code, Code::CorruptData), "{end}: {error}"),
        }
    }
}

#[test]
fn any_byte_may_be_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = tiff(
        &xml(ONE_Z, r#"<TiffData IFD="0" PlaneCount="3"/>"#),
        in_a_row(2),
        3,
    );
    let mut num_read = 0;
    for at in 0..bytes.len() {
        for wrong in [0, 0xff, bytes[at] ^ 1] {
            let mut bytes = bytes.clone();
            bytes[at] = wrong;
            let Ok(dataset) = opened(folder.path(), &bytes) else {
                continue;
            };
            let plane = plane_at(dataset.order[0], 0, 0, 2);
            let tile = TileId {
                plane,
                row: 0,
                col: 0,
            };
            num_read += u32::from(
                Store::new()
                    .read_tile(&dataset, tile, Absence::AsStored)
                    .is_ok(),
            );
        }
    }
    assert!(num_read > 0, "most of the text does not matter");
}

#[test]
fn sizes_and_names_that_make_no_sense_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let of = |pixels: &str, inside: &str| {
        let outcome = opened(folder.path(), &tiff(&xml(pixels, inside), in_a_row(2), 3));
        outcome.map_err(|error| error.code)
    };
    let refused = |pixels: &str| of(pixels, "").map(|_| ()).unwrap_err();
    assert_eq!(
        refused(r#"SizeZ="-1" SizeC="1" SizeT="1""#),
        Code::BadMetadata
    );
    assert_eq!(refused(r#"SizeZ="0" SizeC="1" SizeT="1""#), Code::Empty);
    assert_eq!(
        refused(r#"SizeZ="65536" SizeC="99999999999" SizeT="65536""#),
        Code::TooLarge
    );
    // As large as may be, of which three planes are there.
    let dataset = of(r#"SizeZ="65536" SizeC="1024" SizeT="65536""#, "").unwrap();
    let store = Store::new();
    let at = |z| plane_crc(&store, &dataset, plane_at(dataset.order[0], 0, 0, z));
    assert!(at(2).is_some() && at(3).is_none());
    let shape: Vec<u64> = dataset.template.levels[0].shape.clone();
    assert_eq!(shape, [65536, 1024, 65536, 2, 4]);

    let named = |name: &str| {
        format!(
            r#"<TiffData IFD="0"/><TiffData IFD="1" FirstZ="1"><UUID FileName="{name}">x</UUID></TiffData>"#
        )
    };
    for name in ["../secret.tif", "/etc/passwd", "C:\\x.tif", "a\\b.tif"] {
        let dataset = of(ONE_Z, &named(name)).unwrap();
        let problem = &dataset.problems[0];
        assert_eq!(problem.code, Code::UnsafePath, "{name}: {problem}");
        assert_eq!(
            plane_crc(&store, &dataset, plane_at(dataset.order[0], 0, 0, 1)),
            None,
            "{name}"
        );
    }
    // Broken XML leaves the pages, and says so.
    let dataset = opened(folder.path(), &tiff("<OME><Image></OME>", in_a_row(2), 3)).unwrap();
    assert_eq!(dataset.template.num_z_slices(), 3);
    assert_eq!(dataset.problems[0].code, Code::BadMetadata);
    // A size that the pages contradict is theirs.
    let wide = xml(ONE_Z, "").replace(r#"SizeX="4""#, r#"SizeX="4000000000""#);
    let dataset = opened(folder.path(), &tiff(&wide, in_a_row(2), 3)).unwrap();
    assert_eq!(dataset.template.plane_size(), (4, 2));
    assert!(
        dataset.problems[0].message.contains("4 x 2"),
        "{}",
        dataset.problems[0]
    );
}

/// Opens three pages with a document; which of its z-slices are there, and what is said.
fn slices_and_problems(folder: &Path, description: &str) -> (Vec<bool>, Vec<Problem>) {
    let dataset = opened(folder, &tiff(description, in_a_row(2), 3)).unwrap();
    let store = Store::new();
    let is_there = |z| plane_crc(&store, &dataset, plane_at(dataset.order[0], 0, 0, z)).is_some();
    let slices = (0..dataset.template.num_z_slices()).map(is_there);
    (slices.collect(), dataset.problems)
}

#[test]
fn what_a_document_says_wrongly_of_its_pages_is_told_and_the_rest_opens() {
    let folder = tempfile::tempdir().unwrap();
    let check = |description: &str, slices: [bool; 3], expected: &[(Code, &str)]| {
        let (found, problems) = slices_and_problems(folder.path(), description);
        assert_eq!(found, slices, "{description}: {problems:?}");
        let are_told = expected.iter().all(|(code, words)| {
            let mut problems = problems.iter();
            problems.any(|it| it.code == *code && it.message.contains(words))
        });
        assert!(
            are_told,
            "{description}: {problems:?}, expected {expected:?}"
        );
        assert_eq!(problems.len(), expected.len(), "{problems:?}");
    };
    let with = |inside: &str| xml(ONE_Z, inside);
    let all = [true; 3];
    check(&with(""), all, &[]);
    // A document that does not end: its pages along z.
    let whole = with("<TiffData/>");
    for end in [
        whole.find("<Image").unwrap(),
        whole.len() / 2,
        whole.len() - 6,
    ] {
        let words = "OME-XML that cannot be read";
        check(&whole[..end], all, &[(Code::BadMetadata, words)]);
    }
    let ended = format!("{whole}{}", " ".repeat(200));
    check(&ended, all, &[]);
    // Pages that the file has not.
    let own = r#"<TiffData IFD="1" FirstZ="1"/>"#;
    let middle = [false, true, false];
    let beyond = r#"<TiffData IFD="4294967295"/>"#;
    let lacking = (Code::MissingArray, "planes up to page 4294967296");
    check(&with(&format!("{beyond}{own}")), middle, &[lacking]);
    let none = (
        Code::MissingArray,
        "no page that its OME-XML names is there",
    );
    let many = r#"<TiffData IFD="4294967295" PlaneCount="3"/>"#;
    check(&with(many), all, &[none]);
    // Numbers that are none.
    for number in ["-1", "18446744073709551616"] {
        let bad = format!(r#"<TiffData IFD="{number}"/>"#);
        let told = (Code::BadMetadata, number);
        check(&with(&format!("{bad}{own}")), middle, &[told]);
        check(&with(&bad), all, &[none, told]);
    }
    // Files that are none.
    let unnamed = r#"<TiffData IFD="0"><UUID FileName="">x</UUID></TiffData>"#;
    let told = (Code::MissingArray, "which is no file");
    check(&with(&format!("{unnamed}{own}")), middle, &[told]);
    let as_own = (Code::Ignored, "taken as this file");
    check(&with(unnamed), [true, false, false], &[as_own]);
    // Planes that are named twice.
    let twice = (Code::BadMetadata, "puts 1 planes into several pages");
    let whole = r#"<TiffData IFD="0" PlaneCount="3"/>"#;
    let again = r#"<TiffData IFD="2" PlaneCount="1"/>"#;
    check(&with(&format!("{whole}{again}")), all, &[twice]);
}

#[test]
fn pages_beyond_the_z_slices_that_are_shown_are_counted_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let count = limits::Z_SLICES + 64;
    let bytes = tiff("no XML", in_a_row(count - 1), count);
    let dataset = opened(folder.path(), &bytes).unwrap();
    assert_eq!(dataset.template.num_z_slices(), limits::Z_SLICES);
    let [problem] = dataset.problems.as_slice() else {
        panic!("{:?}", dataset.problems)
    };
    assert_eq!(problem.code, Code::TooLarge);
    let words = "64 pages of 65600 are left aside, the first 65536 are shown";
    assert!(problem.message.contains(words), "{problem}");
    let whole = tiff("no XML", in_a_row(limits::Z_SLICES - 1), limits::Z_SLICES);
    let dataset = opened(folder.path(), &whole).unwrap();
    assert!(dataset.problems.is_empty(), "{:?}", dataset.problems);
}

#[test]
fn a_file_that_grows_or_is_replaced_is_listed_anew() {
    let folder = tempfile::tempdir().unwrap();
    let document = xml(ONE_Z, "");
    let dataset = opened(folder.path(), &tiff(&document, in_a_row(0), 1)).unwrap();
    let store = Store::new();
    let has = |z| plane_crc(&store, &dataset, plane_at(dataset.order[0], 0, 0, z)).is_some();
    assert!(has(0) && !has(1));
    fs::write(
        folder.path().join("a.ome.tif"),
        tiff(&document, in_a_row(2), 3),
    )
    .unwrap();
    assert!(has(0) && has(1) && has(2));
}
