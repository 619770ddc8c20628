//! Documents, chunks and shards that lie: an error with the right code, never a panic or a huge allocation.

use super::*;

/// Reads the first plane of a u16 array of 20 x 30 whose document was changed.
fn read_changed(folder: &Path, recipe: &Recipe, change: impl FnOnce(&mut Value)) -> Code {
    let mut document = recipe.document();
    change(&mut document);
    let arrays = Arrays::One(locator(folder, ZarrFormat::V3, Some(&document)));
    let dataset = dataset(
        image(&recipe.axes, &recipe.shape, SampleType::U16, arrays),
        None,
    );
    let read = Store::new().read_tile(&dataset, TileId::whole(plane(0, 0, 0)), Absence::AsStored);
    read.expect_err("hostile").code
}

#[test]
fn hostile_documents_are_errors() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recipe = squid_recipe();
    recipe.write(folder.path());
    let huge = json!([1, 1, 1, 1_u64 << 40, 1_u64 << 40]);
    let cases: Vec<(&str, Value, Code)> = vec![
        (
            "/chunk_grid/configuration/chunk_shape",
            huge,
            Code::TooLarge,
        ),
        (
            "/chunk_grid/configuration/chunk_shape",
            json!([1, 1, 1, 0, 30]),
            Code::BadMetadata,
        ),
        (
            "/chunk_grid/configuration/chunk_shape",
            json!([1, 1, 1, 20]),
            Code::BadMetadata,
        ),
        (
            "/chunk_grid/configuration/chunk_shape",
            json!([1, 1, 1, -1, 1]),
            Code::BadMetadata,
        ),
        ("/chunk_grid/name", json!("rectangular"), Code::Unsupported),
        (
            "/chunk_key_encoding/name",
            json!("suffix"),
            Code::Unsupported,
        ),
        ("/data_type", json!("complex64"), Code::Unsupported),
        ("/data_type", json!("uint8"), Code::BadMetadata),
        ("/fill_value", json!("black"), Code::BadMetadata),
        ("/codecs", json!([]), Code::BadMetadata),
        ("/codecs/2/name", json!("lzma"), Code::Unsupported),
        (
            "/codecs/0/configuration/order",
            json!([4, 3, 2, 1, 1]),
            Code::BadMetadata,
        ),
        (
            "/codecs/0/configuration/order",
            json!([9, 3, 2, 1, 0]),
            Code::BadMetadata,
        ),
        ("/shape", json!([2, 2, 3, 20, 31]), Code::BadMetadata),
        ("/shape", json!(vec![1; 17]), Code::TooLarge),
        ("/node_type", json!("group"), Code::BadMetadata),
    ];
    for (pointer, value, code) in cases {
        let found = read_changed(folder.path(), &recipe, |document| {
            *document.pointer_mut(pointer).expect("there") = value.clone();
        });
        assert_eq!(found, code, "{pointer} {value}");
    }
}

#[test]
fn hostile_chunks_are_errors() {
    let recipe = squid_recipe();
    let whole = zstd::bulk::compress(&[7; 1200], 1).expect("in memory");
    let long = zstd::bulk::compress(&[7; 1202], 1).expect("in memory");
    let bomb = zstd::bulk::compress(&vec![0; 1 << 24], 1).expect("in memory");
    // A frame header that declares 1 TiB.
    let liar = [
        &[0x28, 0xb5, 0x2f, 0xfd, 0xe0][..],
        &(1_u64 << 40).to_le_bytes(),
        &[1, 0, 0],
    ]
    .concat();
    let cases = [
        &whole[..whole.len() - 1],
        &long,
        &bomb,
        &liar,
        b"",
        b"garbage",
    ];
    for chunk in cases {
        let folder = tempfile::tempdir().expect("a temporary folder");
        recipe.write(folder.path());
        fs::write(folder.path().join("c/0/0/0/0/0"), chunk).expect("writable");
        assert_eq!(
            read_changed(folder.path(), &recipe, |_| {}),
            Code::CorruptData
        );
        // The same through `zarrs`.
        let generic = read_changed(folder.path(), &recipe, |document| {
            document["codecs"].as_array_mut().expect("a list").insert(
                0,
                json!({
                "name": "transpose", "configuration": {"order": [0, 1, 2, 3, 4]}}),
            );
        });
        assert_eq!(generic, Code::CorruptData);
    }
}

#[test]
fn hostile_shards_are_errors() {
    let recipe = Recipe {
        shard: Some(vec![1, 2, 1, 1, 1]),
        ..squid_recipe()
    };
    let lies: [(u64, u64); 5] = [
        (0, 1 << 40),
        (u64::MAX - 1, 2),
        (1 << 63, 1 << 63),
        (u64::MAX, 0),
        (40, 1),
    ];
    for (offset, len) in lies {
        let folder = tempfile::tempdir().expect("a temporary folder");
        recipe.write(folder.path());
        let path = folder.path().join("c/0/0/0/0/0");
        let mut bytes = fs::read(&path).expect("written");
        let index = bytes.len() - 36;
        bytes[index..index + 8].copy_from_slice(&offset.to_le_bytes());
        bytes[index + 8..index + 16].copy_from_slice(&len.to_le_bytes());
        fs::write(&path, &bytes).expect("writable");
        assert_eq!(
            read_changed(folder.path(), &recipe, |_| {}),
            Code::CorruptData,
            "checksum"
        );
        let sum = crc32c::crc32c(&bytes[index..index + 32]);
        bytes[index + 32..].copy_from_slice(&sum.to_le_bytes());
        fs::write(&path, &bytes).expect("writable");
        assert_eq!(
            read_changed(folder.path(), &recipe, |_| {}),
            Code::CorruptData,
            "{offset} {len}"
        );
        fs::write(&path, &bytes[index + 10..]).expect("writable");
        assert_eq!(
            read_changed(folder.path(), &recipe, |_| {}),
            Code::CorruptData,
            "short"
        );
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let many = read_changed(folder.path(), &recipe, |document| {
        document["chunk_grid"]["configuration"]["chunk_shape"] = json!([1, 1_u64 << 40, 1, 20, 30]);
        document["codecs"][0]["configuration"]["chunk_shape"] = json!([1, 1, 1, 20, 30]);
    });
    assert_eq!(many, Code::TooLarge);
}

#[cfg(unix)]
#[test]
fn a_pipe_in_place_of_a_chunk_is_an_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recipe = squid_recipe();
    fs::create_dir_all(folder.path().join("c/0/0/0/0")).expect("writable");
    let path = folder.path().join("c/0/0/0/0/0");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    if made.is_ok_and(|status| status.success()) {
        assert_eq!(read_changed(folder.path(), &recipe, |_| {}), Code::IoError);
    }
}
