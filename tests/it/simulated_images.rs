//! What `simulate` writes in image files: read alike by tifffile and by this program, announced page by page.

use std::{collections::BTreeMap, path::Path, process::Command};

use serde_json::{Map, Value, json};
use squidview::{formats::text, model::FovId, store::Store};

use crate::{
    expected,
    oracle::image_oracle,
    planes::{open_whole, plane_at, plane_crc},
    program::{at_home, on},
};

const SIZES: &str = "--wells A1 B2 --fovs-per-region 2 1 --t 2 --z 2 --channels DAPI,BF --size 48x40 --interval-ms 0";

/// Region and FOV, then t, c, z.
type Place = (String, [u64; 3]);

fn simulated(folder: &Path, structure: &str, options: &str) {
    let line = format!("simulate PATH --structure {structure} {SIZES} {options}");
    let ran = on(&folder.join(structure), &line);
    assert_eq!(ran.status, Some(0), "{line}: {ran:?}");
}

fn numbers(text: &str) -> Vec<u64> {
    text.split('_')
        .filter_map(|part| part.parse().ok())
        .collect()
}

/// Planes by place, as tifffile reads the files of each structure.
fn by_place(files: &Map<String, Value>, structure: &str) -> BTreeMap<Place, String> {
    let mut planes = BTreeMap::new();
    let crc_of = |value: &Value| value.as_str().unwrap().to_owned();
    for (path, file) in files
        .iter()
        .filter(|(path, _)| path.starts_with(&format!("{structure}/")))
    {
        let parts: Vec<&str> = path.split('/').collect();
        let name = parts[2].split('.').next().unwrap();
        let (region, rest) = name.split_once('_').unwrap();
        let numbers = numbers(rest);
        let fov = format!("{region}:{}", numbers[0]);
        if structure == "ome_tiff" {
            assert_eq!(
                (file["axes"].as_str(), &file["shape"]),
                (Some("TZCYX"), &json!([2, 2, 2, 40, 48]))
            );
            for (at, crc) in file["planes"].as_array().unwrap().iter().enumerate() {
                let at = at as u64;
                planes.insert((fov.clone(), [at / 4, at % 2, at / 2 % 2]), crc_of(crc));
            }
            continue;
        }
        let t: u64 = parts[1].parse().unwrap();
        for page in file["pages"].as_array().unwrap() {
            let (c, z) = if structure == "tiff" {
                (u64::from(rest.ends_with("BF")), numbers[1])
            } else {
                let said: Value =
                    serde_json::from_str(page["description"].as_str().unwrap()).unwrap();
                assert_eq!(said["channel"], page["name"]);
                assert_eq!(said["region_id"], region);
                (
                    said["channel_index"].as_u64().unwrap(),
                    said["z_level"].as_u64().unwrap(),
                )
            };
            planes.insert((fov.clone(), [t, c, z]), crc_of(&page["crc32"]));
        }
    }
    planes
}

/// Planes by place, as this program reads them.
fn ours(path: &Path) -> BTreeMap<Place, String> {
    let dataset = open_whole(path);
    let store = Store::new();
    let mut planes = BTreeMap::new();
    for (row, fov) in dataset.fovs.iter().enumerate() {
        for at in 0..8 {
            let [t, c, z] = [at / 4, at / 2 % 2, at % 2];
            let crc = plane_crc(&store, &dataset, plane_at(FovId(row as u32), t, c, z));
            let place = (fov.label.clone(), [t, c, z].map(u64::from));
            planes.insert(place, crc.unwrap());
        }
    }
    planes
}

#[test]
fn tifffile_reads_what_is_simulated_and_so_do_we() {
    let folder = tempfile::tempdir().unwrap();
    for structure in ["tiff", "multi_page", "ome_tiff"] {
        simulated(folder.path(), structure, "");
        let out = folder.path().join(structure);
        for file in [
            "coordinates.csv",
            "acquisition.yaml",
            ".done",
            "1/coordinates.csv",
            "1/.done",
        ] {
            assert!(out.join(file).is_file(), "{structure}: {file}");
        }
        let text = text::describe(&open_whole(&out));
        expected::check(&format!("text_simulated_{structure}.txt"), &text);
    }
    let own = ours(&folder.path().join("tiff"));
    assert_eq!(own.len(), 24);
    for structure in ["multi_page", "ome_tiff"] {
        assert_eq!(ours(&folder.path().join(structure)), own, "{structure}");
    }
    let Some(files) = image_oracle(&["read", folder.path().to_str().unwrap()]) else {
        return;
    };
    for structure in ["tiff", "multi_page", "ome_tiff"] {
        assert_eq!(by_place(&files, structure), own, "{structure}");
    }
    let ome = &files["ome_tiff/ome_tiff/A1_1.ome.tiff"]["ome"];
    let expected = json!({
        "PhysicalSizeX": 0.325, "PhysicalSizeXUnit": "\u{b5}m", "PhysicalSizeZ": 1.5, "channels": ["DAPI", "BF"],
        "num_planes": 8,
    });
    assert_eq!(ome, &expected);
}

#[test]
fn an_aborted_run_notes_what_it_wrote_and_leaves_room_for_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let temporary = folder.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let out = folder.path().join("ome_tiff");
    let line = format!(
        "simulate {} --structure ome_tiff {SIZES} --abort-after 3",
        out.display()
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_squidview"));
    at_home(&mut command, folder.path()).env("TMPDIR", &temporary);
    let ran = command.args(line.split(' ')).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    // The notes are found where the microscope's computer is asked, and elsewhere zeros tell.
    let noticed = [("with notes", Some(&temporary)), ("without", None)];
    for (label, temporary) in noticed {
        for (at, is_there) in [([0, 0, 0], true), ([0, 0, 1], true), ([0, 1, 1], false)] {
            let [t, c, z] = at;
            let line = format!(
                "plane {} --stats --fov 0 --t {t} --c {c} --z {z}",
                out.display()
            );
            let mut command = Command::new(env!("CARGO_BIN_EXE_squidview"));
            at_home(&mut command, folder.path());
            if let Some(temporary) = temporary {
                command.env("TMPDIR", temporary);
            }
            let ran = command.args(line.split(' ')).output().unwrap();
            assert_eq!(ran.status.success(), is_there, "{label} {at:?}: {ran:?}");
        }
    }
    if cfg!(unix) {
        let mut notes = std::fs::read_dir(&temporary).unwrap();
        let path = notes.next().unwrap().unwrap().path();
        let text = std::fs::read_to_string(path).unwrap();
        let notes: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(notes["written_indices"], json!(["0-0-0", "0-1-0", "0-0-1"]));
        assert_eq!(
            (&notes["saved_count"], &notes["expected_count"]),
            (&json!(3), &json!(8))
        );
    }
    let file = std::fs::metadata(out.join("ome_tiff/A1_0.ome.tiff")).unwrap();
    assert!(file.len() > 8 * 48 * 40 * 2, "room for all planes");
}
