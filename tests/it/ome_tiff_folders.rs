//! Folders of OME-TIFF files, sets of files that belong together, and plates of OME-XML.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};
use squidview::{
    dataset::Dataset,
    formats,
    model::{Code, FovId},
    store::Store,
};

use crate::{
    desk::{Desk, Setup},
    ome_tiff::check_any,
    planes::{open_whole, plane_at, plane_crc},
    program::on,
};

fn labels(dataset: &Dataset) -> Vec<&str> {
    let rows = dataset.fovs.iter();
    rows.map(|fov| fov.label.as_str()).collect()
}

fn ids(path: &Path) -> Vec<Value> {
    let document = on(path, "inspect PATH --json").answer();
    let fields = document["fields"].as_array().unwrap();
    fields.iter().map(|field| field["id"].clone()).collect()
}

#[test]
fn each_ome_tiff_of_a_folder_is_a_fov_named_by_its_file() {
    let Some((folder, opened)) = check_any("folders") else {
        return;
    };
    let of = |wanted: &str| &opened.iter().find(|(name, _)| name == wanted).unwrap().1;
    assert_eq!(
        labels(of("any")),
        [
            "a cell.ome.tif",
            "plain.tif",
            "two.ome.tiff, 0: place 0",
            "two.ome.tiff, 1: place 1"
        ]
    );
    assert!(of("any").problems.is_empty(), "{:?}", of("any").problems);
    assert_eq!(labels(of("sets")), ["a_0.tif", "b_0.tif", "c.tif"]);
    assert!(of("sets").problems.is_empty(), "{:?}", of("sets").problems);
    assert_eq!(labels(of("deep")), ["0/scan.ome.tif", "1/scan.ome.tif"]);
    let any = folder.path().join("any");
    assert_eq!(
        ids(&any)[1..],
        [
            json!("plain.tif"),
            json!("two.ome.tiff#0"),
            json!("two.ome.tiff#1")
        ]
    );
    // Beside side files that somebody copied there, too: nothing else is there to be shown.
    fs::write(
        any.join("coordinates.csv"),
        "region,x (mm),y (mm)\nA1,1,2\n",
    )
    .unwrap();
    assert_eq!(open_whole(&any).num_fovs(), 4);
}

#[test]
fn an_image_of_a_file_that_changed_is_found_again_by_its_number() {
    let Some((folder, opened)) = check_any("folders") else {
        return;
    };
    let dataset = &opened.iter().find(|(name, _)| name == "any").unwrap().1;
    let crc = |dataset: &Dataset, row: u32| {
        plane_crc(&Store::new(), dataset, plane_at(FovId(row), 0, 0, 0)).unwrap()
    };
    let file = folder.path().join("any/two.ome.tiff");
    let file = fs::File::options().write(true).open(file).unwrap();
    let later = SystemTime::now() + Duration::from_secs(5);
    file.set_modified(later).unwrap();
    assert_ne!(crc(dataset, 2), crc(dataset, 3));
    for row in [2, 3] {
        let anew = dataset.opener.open_fov(dataset, FovId(row));
        let anew = dataset.with_opened(vec![(FovId(row), anew)]);
        let stamp = |dataset: &Dataset| dataset.image(FovId(row)).unwrap().described();
        assert_ne!(stamp(&anew), stamp(dataset), "it was described anew");
        assert_eq!(crc(&anew, row), crc(dataset, row));
        assert!(anew.problems.is_empty(), "{:?}", anew.problems);
    }
}

#[test]
fn of_more_documents_than_are_read_the_others_are_shown_one_by_one_and_that_is_said() {
    let Some((folder, _)) = check_any("folders") else {
        return;
    };
    let (sets, root) = (folder.path().join("sets"), folder.path().join("lots"));
    fs::create_dir(&root).unwrap();
    for number in 0..64 {
        let copy = root.join(format!("0_{number}.tif"));
        fs::copy(folder.path().join("any/plain.tif"), copy).unwrap();
    }
    let said = |root: &Path| -> Vec<String> {
        let dataset = formats::open(root, &mut |_| true).unwrap();
        let problems = dataset.problems.iter();
        let said = problems.filter(|it| it.message.starts_with("OME-XML was read of"));
        said.map(|it| it.message.clone()).collect()
    };
    assert!(said(&root).is_empty(), "{:?}", said(&root));
    fs::copy(folder.path().join("any/plain.tif"), root.join("1.tif")).unwrap();
    assert!(said(&root).is_empty(), "nothing is left out of plain files");
    fs::remove_file(root.join("0_0.tif")).unwrap();
    for name in ["a_0.tif", "a_1.tif"] {
        fs::copy(sets.join(name), root.join(format!("0{name}"))).unwrap();
        fs::copy(sets.join(name), root.join(name)).unwrap();
    }
    // 0_1 to 0_63 and 0a_0, whose document names a_0 and a_1; then 0a_1 and 1.
    let found = said(&root);
    assert!(found[0].contains("2 further ones"), "{found:?}");
}

#[test]
fn wells_of_ome_xml_are_a_plate_in_one_file_and_in_many() {
    let Some((folder, opened)) = check_any("plates") else {
        return;
    };
    for (name, dataset) in &opened {
        assert_eq!(labels(dataset), ["A2:0", "A2:1", "A11:0", "B2:0"], "{name}");
        assert!(
            dataset.problems.is_empty(),
            "{name}: {:?}",
            dataset.problems
        );
        let plate = dataset.plate.as_ref().unwrap();
        assert_eq!(plate.rows, ["A", "B"]);
        assert_eq!(plate.columns, ["2", "11"]);
    }
    let file = folder.path().join("plate.ome.tif");
    let document = on(&file, "inspect PATH --json").answer();
    assert_eq!(document["kind"], "image");
    assert_eq!(
        document["plate"],
        json!({ "rows": ["A", "B"], "columns": ["2", "11"], "acquisitions": [0, 1] })
    );
    assert_eq!(
        document["fields"][2],
        json!({ "index": 2, "id": "#2", "row": "A", "column": "11", "acquisition": 0, "fov": 0, "present": true })
    );
    assert_eq!(
        ids(&folder.path().join("set"))[0],
        json!("field_0.ome.tif#1")
    );
    let Some(mut desk) = Desk::with(&file, Setup::default()) else {
        return;
    };
    assert!(desk.has("Plate map, well A2"), "the map is there");
    desk.settle();
}

#[test]
fn of_many_images_the_first_are_looked_at_and_the_others_when_they_are_shown() {
    let Some((folder, opened)) = check_any("many") else {
        return;
    };
    let (_, dataset) = &opened[0];
    assert_eq!(labels(dataset)[18..], ["C5:18", "C5:19"]);
    let path = folder.path().join("many.ome.tif");
    let dataset = formats::open(&path, &mut |_| true).unwrap();
    let num_opened = dataset
        .order
        .iter()
        .filter(|&&fov| dataset.image(fov).is_some());
    assert_eq!(num_opened.count(), 16);
    let stats = on(&path, "plane PATH --stats --fov 19").answer();
    assert_eq!(stats["shape"], json!([12, 20]));
}

#[test]
fn files_that_a_document_names_outside_of_its_folder_are_not_looked_at() {
    let Some((folder, _)) = check_any("plates") else {
        return;
    };
    let root = folder.path();
    let inside = root.join("set/field_0.ome.tif");
    let bytes = fs::read(&inside).unwrap();
    fs::copy(root.join("set/field_1.ome.tif"), root.join("eld_1.ome.tif")).unwrap();
    // As long as the name was.
    let replaced = |from: &[u8], to: &[u8]| {
        let mut bytes = bytes.clone();
        let mut at = 0;
        while let Some(step) = bytes[at..].windows(from.len()).position(|it| it == from) {
            at += step;
            bytes[at..at + from.len()].copy_from_slice(to);
        }
        bytes
    };
    fs::write(&inside, replaced(b"field_1.ome.tif", b"../eld_1.ome.ti")).unwrap();
    let dataset = formats::open(&inside, &mut |_| true).unwrap();
    let rows: Vec<_> = dataset
        .fovs
        .iter()
        .map(|fov| (fov.label.as_str(), fov.present))
        .collect();
    assert_eq!(
        rows,
        [
            ("A2:0", false),
            ("A2:1", true),
            ("A11:0", true),
            ("B2:0", true)
        ]
    );
    let refused = dataset.opener.open_fov(&dataset, FovId(0)).map(|_| ());
    assert_eq!(refused.unwrap_err().code, Code::UnsafePath);
    let codes: Vec<Code> = dataset.problems.iter().map(|it| it.code).collect();
    assert_eq!(codes, [Code::UnsafePath], "{:?}", dataset.problems);
}

#[test]
fn files_of_big_tiffs_are_known_by_the_names_of_the_specification() {
    let Some((folder, _)) = check_any("folders") else {
        return;
    };
    let of = |path: &Path| {
        let dataset = open_whole(path);
        plane_crc(&Store::new(), &dataset, plane_at(FovId(0), 0, 0, 0)).unwrap()
    };
    let from = folder.path().join("any/a cell.ome.tif");
    let expected = of(&from);
    let names = ["a.ome.btf", "b.ome.TF8", "c.ome.tf2"];
    let only = folder.path().join("renamed");
    fs::create_dir(&only).unwrap();
    for name in names {
        fs::copy(&from, only.join(name)).unwrap();
        assert_eq!(of(&only.join(name)), expected, "{name}");
    }
    let dataset = open_whole(&only);
    assert_eq!(labels(&dataset), names);
    assert!(dataset.template.storage.contains("OME-TIFF"));
}
