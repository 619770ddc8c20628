//! `docs/limits.md` is the table of `model/limits.rs`, each row names a test that is there, and budgets that no module
//! tests by itself: what is beyond them is refused, or cut and listed, with the figure.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use squidview::{
    dataset::Dataset,
    formats::{self, OpenError},
    image_file::{self, Wanted},
    model::{Absence, Code, PageAt, TileId, limits},
    store::Store,
};

use crate::{
    fixture,
    planes::{open_whole, plane_at},
    program::on,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A budget as the table writes it: bytes in the largest unit that leaves no rest, other numbers with commas.
fn written(name: &str, value: u64) -> String {
    if name.ends_with("_BYTES") {
        for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
            if value.trailing_zeros() >= shift {
                return format!("{} {unit}", value >> shift);
            }
        }
    }
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Name and value of every constant of `model/limits.rs`.
fn budgets() -> BTreeMap<String, String> {
    let text = fs::read_to_string(root().join("src/model/limits.rs")).unwrap();
    let constants = text
        .lines()
        .filter_map(|line| line.strip_prefix("pub const "));
    let budget = |line: &str| {
        let (name, rest) = line.split_once(": ").unwrap();
        let value = rest.split_once(" = ").unwrap().1.trim_end_matches(';');
        let number = |text: &str| text.trim().replace('_', "").parse::<u64>().unwrap();
        let value = match value.split_once("<<") {
            Some((value, by)) => number(value) << number(by),
            None => number(value),
        };
        (name.to_owned(), written(name, value))
    };
    constants.map(budget).collect()
}

/// The cells of the rows of a document's tables.
fn rows(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines().filter(|line| line.starts_with('|'));
    let cells = |line: &str| {
        let line = line.trim().trim_matches('|');
        line.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    lines.map(cells).collect()
}

/// Inline code of a cell.
fn code(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Names of all tests.
fn tests() -> BTreeSet<String> {
    fn visit(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let names = text
                    .split("fn ")
                    .skip(1)
                    .filter_map(|rest| rest.split('(').next());
                found.extend(names.map(str::to_owned));
            }
        }
    }
    let mut found = BTreeSet::new();
    for folder in ["src", "tests/it"] {
        visit(&root().join(folder), &mut found);
    }
    found
}

#[test]
fn the_table_of_budgets_is_that_of_the_program_and_its_tests_exist() {
    let text = fs::read_to_string(root().join("docs/limits.md")).unwrap();
    let (budgets, tests) = (budgets(), tests());
    assert!(budgets.len() > 40 && tests.len() > 300);
    let mut documented = BTreeMap::new();
    for row in rows(&text) {
        let [first, value, .., last] = row.as_slice() else {
            panic!("{row:?}")
        };
        if let [name] = code(first)[..]
            && budgets.contains_key(name)
        {
            documented.insert(name.to_owned(), value.clone());
            assert!(!code(last).is_empty(), "{name} names no test");
        }
        for name in code(last) {
            assert!(tests.contains(name), "{first} names a test {name}");
        }
    }
    assert_eq!(documented, budgets);
}

/// What opening a path gives: the dataset, or why there is none.
fn opened(path: &Path) -> Result<Dataset, OpenError> {
    formats::open(path, &mut |_| true)
}

/// True where a problem or the refusal is of that kind and names the figure.
fn check(path: &Path, code: Code, figure: &str) {
    let told: Vec<(Code, String)> = match opened(path) {
        Ok(dataset) => {
            let problems = dataset.problems.iter();
            problems.map(|it| (it.code, it.message.clone())).collect()
        }
        Err(error) => vec![(error.code, error.message)],
    };
    let is_told = |(found, message): &(Code, String)| *found == code && message.contains(figure);
    assert!(told.iter().any(is_told), "{figure}: {told:?}");
}

/// An image of version 2 whose array is another one.
fn image(folder: &Path, axes: &[&str], shape: &Value, chunks: &Value) -> PathBuf {
    let path = folder.join("image.ome.zarr");
    fixture::write_v2(&path, axes, &vec![1; axes.len()]);
    let document = json!({
        "zarr_format": 2, "shape": shape, "chunks": chunks, "dtype": "|u1", "compressor": null, "order": "C",
        "fill_value": 0, "filters": null, "dimension_separator": ".",
    });
    fs::write(path.join("0/.zarray"), document.to_string()).unwrap();
    path
}

#[test]
fn a_document_beyond_its_bytes_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    let file = File::create(folder.path().join("zarr.json")).unwrap();
    file.set_len(64 << 30).unwrap();
    let began = Instant::now();
    check(
        folder.path(),
        Code::TooLarge,
        "68719476736 bytes where at most 67108864",
    );
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[test]
fn a_document_of_too_many_values_is_refused_before_it_is_parsed() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("[{}0]", r#"{"a":0},"#.repeat(1_000_000));
    fs::write(folder.path().join("zarr.json"), text).unwrap();
    check(
        folder.path(),
        Code::TooLarge,
        "10000003 values where at most 2097152",
    );
    // Copies of documents that lie elsewhere count for nothing.
    let other = tempfile::tempdir().unwrap();
    let path = image(other.path(), &["y", "x"], &json!([4, 4]), &json!([4, 4]));
    let attributes = fs::read_to_string(path.join(".zattrs")).unwrap();
    let copy = format!("\"consolidated_metadata\": [{}0],", "0,".repeat(3_000_000));
    fs::write(
        path.join(".zattrs"),
        attributes.replacen('{', &format!("{{{copy}"), 1),
    )
    .unwrap();
    assert_eq!(opened(&path).unwrap().num_fovs(), 1);
    fs::write(folder.path().join("zarr.json"), "[".repeat(1_000_000)).unwrap();
    check(folder.path(), Code::BadJson, "recursion limit exceeded");
}

#[test]
fn planes_beyond_their_pixels_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let side = 1_u64 << 20;
    let path = image(
        folder.path(),
        &["y", "x"],
        &json!([side, side]),
        &json!([1024, 1024]),
    );
    check(
        &path,
        Code::TooLarge,
        "1048576 x 1048576 pixels, at most 68719476736",
    );
    let path = image(
        folder.path(),
        &["y", "x"],
        &json!([1_u64 << 40, 1]),
        &json!([1024, 1]),
    );
    check(&path, Code::TooLarge, "at most 68719476736");
}

#[test]
fn tiles_of_too_many_chunks_are_refused_without_looking_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = image(
        folder.path(),
        &["y", "x"],
        &json!([4096, 4096]),
        &json!([1, 1]),
    );
    let dataset = open_whole(&path);
    let tile = TileId::whole(plane_at(dataset.order[0], 0, 0, 0));
    let error = Store::new()
        .read_tile(&dataset, tile, Absence::AsStored)
        .unwrap_err();
    assert_eq!(error.code, Code::TooLarge);
    assert!(error.message.contains("16777216 chunks"), "{error}");
}

#[test]
fn channels_levels_and_labels_beyond_the_budgets_are_refused_or_cut_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = image(
        folder.path(),
        &["c", "y", "x"],
        &json!([1025, 2, 2]),
        &json!([1, 2, 2]),
    );
    check(&path, Code::TooLarge, "1025 channels where at most 1024");

    let path = image(folder.path(), &["y", "x"], &json!([2, 2]), &json!([2, 2]));
    let attributes = fs::read_to_string(path.join(".zattrs")).unwrap();
    let mut attributes: Value = serde_json::from_str(&attributes).unwrap();
    let level = attributes["multiscales"][0]["datasets"][0].clone();
    attributes["multiscales"][0]["datasets"] = json!(vec![level; 33]);
    fs::write(path.join(".zattrs"), attributes.to_string()).unwrap();
    check(&path, Code::TooLarge, "33");

    fs::create_dir(path.join("labels")).unwrap();
    let names: Vec<String> = (0..300).map(|at| at.to_string()).collect();
    let labels = json!({"labels": names}).to_string();
    fs::write(path.join("labels/.zattrs"), labels).unwrap();
    fs::write(path.join("labels/.zgroup"), r#"{"zarr_format": 2}"#).unwrap();
    check(&path, Code::TooLarge, "300 label images, the first 256");

    let colors: Vec<Value> = (0..=limits::LABEL_COLORS)
        .map(|at| json!({"label-value": at, "rgba": [1, 2, 3, 4]}))
        .collect();
    attributes["multiscales"][0]["datasets"] = json!([{"path": "0"}]);
    attributes["image-label"] = json!({"version": "0.4", "colors": colors});
    fs::write(path.join(".zattrs"), attributes.to_string()).unwrap();
    check(&path, Code::TooLarge, "65536");
}

#[test]
fn names_beyond_the_budget_are_cut_and_that_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = image(
        folder.path(),
        &["c", "y", "x"],
        &json!([2, 2, 2]),
        &json!([1, 2, 2]),
    );
    let attributes = fs::read_to_string(path.join(".zattrs")).unwrap();
    let mut attributes: Value = serde_json::from_str(&attributes).unwrap();
    let names = ["short".to_owned(), "long".repeat(5 << 20)];
    attributes["omero"] = json!({"channels": names.map(|label| json!({"label": label}))});
    fs::write(path.join(".zattrs"), attributes.to_string()).unwrap();
    check(&path, Code::TooLarge, "more than 4096 bytes are cut (1)");
    let dataset = opened(&path).unwrap();
    let channels = dataset.template.channels.iter();
    let lengths: Vec<usize> = channels
        .map(|it| it.name.as_ref().map_or(0, String::len))
        .collect();
    assert_eq!(lengths, [5, limits::NAME_BYTES]);
}

#[test]
fn fovs_of_an_array_beyond_the_budget_are_cut_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let axes = ["fov", "y", "x"];
    let path = image(
        folder.path(),
        &axes,
        &json!([1_u64 << 31, 2, 2]),
        &json!([1, 2, 2]),
    );
    let dataset = opened(&path).unwrap();
    assert_eq!(u64::from(dataset.num_fovs()), limits::ARRAY_FOVS);
    check(
        &path,
        Code::TooLarge,
        "2147483648 FOVs in one array, the first 65536",
    );
}

#[test]
fn an_array_of_many_fovs_is_opened_once_to_be_counted() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        let length = json!([limits::ARRAY_FOVS, 2, 2]);
        let place = folder.path().join(name);
        let path = image(&place, &["fov", "y", "x"], &length, &json!([1, 2, 2]));
        fs::rename(path, place.join("acquisition.zarr")).unwrap();
    }
    let began = Instant::now();
    let found = on(folder.path(), "inspect PATH --json").answer();
    assert_eq!(found["fields"].as_array().map(Vec::len), Some(131_072));
    // Once for each FOV, it took tens of gigabytes and longer than anybody waits.
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_search_ends_at_its_depth_and_its_number_of_folders() {
    let folder = tempfile::tempdir().unwrap();
    fixture::write_v2(&folder.path().join("1/2/3/4/5/6"), &["y", "x"], &[2, 2]);
    assert_eq!(opened(folder.path()).unwrap().num_fovs(), 1);
    let deeper = folder.path().join("1/2/3/4/5/x");
    fs::rename(folder.path().join("1/2/3/4/5/6"), folder.path().join("x")).unwrap();
    fs::create_dir_all(&deeper).unwrap();
    fs::rename(folder.path().join("x"), deeper.join("7")).unwrap();
    assert_eq!(opened(folder.path()).unwrap_err().code, Code::NotZarr);

    fixture::write_v2(&folder.path().join("0"), &["y", "x"], &[2, 2]);
    for number in 0..limits::SEARCH_FOLDERS {
        fs::create_dir(folder.path().join(format!("1/f{number}"))).unwrap();
    }
    let dataset = opened(folder.path()).unwrap();
    assert_eq!(dataset.num_fovs(), 1);
    let said = "only 20000 folders were searched";
    check(folder.path(), Code::TooLarge, said);
    let said_of_depth = "folders more than 6 below this one were not searched";
    check(folder.path(), Code::TooLarge, said_of_depth);
    // Image files are searched for in the same folders.
    fs::remove_dir_all(folder.path().join("0")).unwrap();
    fs::remove_dir_all(deeper.join("7")).unwrap();
    let page = fs::read_dir("tests/data/squid/tiff_folder/0").unwrap();
    let mut page = page.map(|entry| entry.unwrap().path());
    let page = page.find(|path| path.extension() == Some("tiff".as_ref()));
    fs::create_dir(folder.path().join("0")).unwrap();
    fs::copy(page.unwrap(), folder.path().join("0/a.tif")).unwrap();
    let dataset = opened(folder.path()).unwrap();
    assert_eq!(dataset.fovs[0].path, "0/a.tif");
    check(folder.path(), Code::TooLarge, said);
}

#[test]
fn files_that_are_read_whole_have_a_length_beyond_which_they_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    fs::write(&path, b"\x89PNG\r\n\x1a\n").unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    file.set_len(limits::FILE_BYTES + 1).unwrap();
    let error = image_file::read(&path, Wanted::default()).unwrap_err();
    assert_eq!(error.code, Code::TooLarge);
    assert!(
        error
            .message
            .contains("4294967297 bytes where at most 4294967296")
    );
}

/// A TIFF file of a chain of so many directories of a single tag each.
fn chain(num_pages: usize) -> Vec<u8> {
    const DIRECTORY_BYTES: usize = 18;
    let mut bytes = b"II*\0".to_vec();
    bytes.extend(8_u32.to_le_bytes());
    for page in 0..num_pages {
        let next = 8 + (page + 1) * DIRECTORY_BYTES;
        let next = if page + 1 < num_pages { next as u32 } else { 0 };
        bytes.extend([1, 0]);
        // ImageWidth, one SHORT: 4.
        bytes.extend([0, 1, 3, 0, 1, 0, 0, 0, 4, 0, 0, 0]);
        bytes.extend(next.to_le_bytes());
    }
    bytes
}

#[test]
fn pages_beyond_the_budget_are_not_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    fs::write(&path, chain(limits::PAGES + 5)).unwrap();
    assert_eq!(image_file::num_pages(&path), Ok(Some(limits::PAGES)));
}

#[test]
fn tags_and_values_beyond_the_budgets_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    let mut bytes = chain(1);
    bytes[8..10].copy_from_slice(&5000_u16.to_le_bytes());
    bytes.resize(100_000, 0);
    fs::write(&path, &bytes).unwrap();
    let error = image_file::num_pages(&path).unwrap_err();
    assert_eq!(error.code, Code::CorruptData, "{error}");

    // SubIFDs, a billion of them.
    let mut bytes = chain(1);
    bytes[10..20].copy_from_slice(&[0x4a, 1, 4, 0, 0, 0xca, 0x9a, 0x3b, 8, 0]);
    let file = File::create(&path).unwrap();
    std::io::Write::write_all(&mut &file, &bytes).unwrap();
    file.set_len(5 << 30).unwrap();
    assert_eq!(
        image_file::num_levels_below(&path, PageAt::default()),
        Ok(Some(0))
    );
    let began = Instant::now();
    assert!(image_file::read(&path, Wanted::default()).is_err());
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[test]
fn rows_of_a_table_beyond_the_budget_are_left_out_and_that_is_said() {
    let mut text = "region,x (mm),y (mm)\n".to_owned();
    for row in 0..limits::TABLE_ROWS + 10 {
        writeln!(text, "{},1,2", row % 10).unwrap();
    }
    let (positions, problems) = squidview::metadata::coordinates::parse(&text);
    assert_eq!(positions.len(), limits::TABLE_ROWS);
    let [problem] = problems.as_slice() else {
        panic!("{problems:?}")
    };
    assert_eq!(problem.code, Code::TooLarge);
    assert!(
        problem.message.contains("more than 1048576 rows"),
        "{problem}"
    );
}

/// A plate whose wells all are the first one, by links; its fields are named as given.
#[cfg(unix)]
fn plate_of_links(folder: &Path, num_wells: usize, fields: &[String]) -> PathBuf {
    let path = folder.join("p.zarr");
    fixture::write_v2(&path.join("A/1/0"), &["y", "x"], &[2, 2]);
    let images: Vec<Value> = fields.iter().map(|path| json!({"path": path})).collect();
    let well = json!({"well": {"version": "0.4", "images": images}}).to_string();
    fs::write(path.join("A/1/.zattrs"), well).unwrap();
    fs::write(path.join("A/1/.zgroup"), r#"{"zarr_format": 2}"#).unwrap();
    for column in 2..=num_wells {
        std::os::unix::fs::symlink("1", path.join(format!("A/{column}"))).unwrap();
    }
    let wells = (1..=num_wells).map(|column| json!({"path": format!("A/{column}")}));
    let plate = json!({"plate": {"version": "0.4", "wells": wells.collect::<Vec<_>>()}});
    fs::write(path.join(".zattrs"), plate.to_string()).unwrap();
    fs::write(path.join(".zgroup"), r#"{"zarr_format": 2}"#).unwrap();
    path
}

#[cfg(unix)]
#[test]
fn paths_of_fields_beyond_the_budget_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let long = "a/".repeat(2000);
    let mut fields: Vec<String> = (0..100).map(|at| format!("{long}{at}")).collect();
    fields.push("0".into());
    let path = plate_of_links(folder.path(), 200, &fields);
    check(
        &path,
        Code::TooLarge,
        "bytes of paths of fields where at most 67108864",
    );
}

#[cfg(unix)]
#[test]
fn a_field_is_named_by_where_its_path_leads() {
    let folder = tempfile::tempdir().unwrap();
    let path = plate_of_links(folder.path(), 3, &[format!("{}0", "./".repeat(1000))]);
    let dataset = opened(&path).unwrap();
    let labels: Vec<&str> = dataset.fovs.iter().map(|fov| fov.label.as_str()).collect();
    assert_eq!(labels, ["A1:0", "A2:0", "A3:0"]);
    assert!(dataset.fovs.iter().all(|fov| fov.fov_in_region == Some(0)));
}

#[test]
fn problems_beyond_the_budget_are_not_listed_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.zarr");
    fixture::write_v2(&path.join("A/1/0"), &["y", "x"], &[2, 2]);
    let wells: Vec<Value> = (1..=2000)
        .map(|column| json!({"path": format!("A/{column}")}))
        .collect();
    let attributes = json!({"plate": {"version": "0.4", "wells": wells}}).to_string();
    fs::write(path.join(".zattrs"), attributes).unwrap();
    fs::write(path.join(".zgroup"), r#"{"zarr_format": 2}"#).unwrap();
    let dataset = opened(&path).unwrap();
    assert_eq!(dataset.problems.len(), limits::PROBLEMS);
    let last = dataset.problems.last().unwrap();
    assert_eq!(last.message, "further problems are not listed");
}

#[test]
fn messages_repeat_little_of_what_files_say() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(1_000_000);
    let array = json!({"zarr_format": 3, "node_type": "array", "shape": [4, 4], "data_type": "uint8",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [4, 4]}}, "fill_value": 0,
        "chunk_key_encoding": {"name": "default"}, "codecs": [{"name": "bytes"}]});
    let group = json!({"zarr_format": 3, "node_type": "group", "attributes": {"ome": {"version": "0.5",
        "multiscales": [{"axes": [{"name": "y", "type": "space"}, {"name": "x", "type": "space"}],
        "datasets": [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1, 1]}]}]}]}}});
    let first = "/attributes/ome/multiscales/0";
    let changes = [
        (0, format!("{first}/axes/0/name"), json!(long)),
        (0, format!("{first}/axes/0/type"), json!(long)),
        (0, format!("{first}/datasets/0/path"), json!(long)),
        (
            0,
            format!("{first}/datasets/0/path"),
            json!(format!("../{long}")),
        ),
        (0, "/attributes/ome/version".to_owned(), json!(long)),
        (
            0,
            format!("{first}/datasets/0/coordinateTransformations/0/type"),
            json!(long),
        ),
        (1, "/data_type".to_owned(), json!(long)),
        (1, "/codecs/0/name".to_owned(), json!(long)),
        (1, "/chunk_grid/name".to_owned(), json!(long)),
        (1, "/chunk_key_encoding/name".to_owned(), json!(long)),
        (1, "/fill_value".to_owned(), json!(long)),
    ];
    for (number, (at, pointer, value)) in changes.into_iter().enumerate() {
        let store = folder.path().join(format!("{number}.ome.zarr"));
        fs::create_dir_all(store.join("0")).unwrap();
        let mut documents = [group.clone(), array.clone()];
        *documents[at].pointer_mut(&pointer).unwrap() = value;
        let [group, array] = documents;
        fs::write(store.join("zarr.json"), group.to_string()).unwrap();
        fs::write(store.join("0/zarr.json"), array.to_string()).unwrap();
        for line in ["inspect PATH --json", "plane PATH --stats"] {
            let ran = on(&store, line);
            let told = ran.stdout.len();
            assert!(told < 40_000, "{line} says {told} bytes of {pointer}");
        }
    }
}
