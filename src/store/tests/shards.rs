//! Shards in numbers, and indices that are longer than what they tell of.

use std::fs::File;

use super::*;
use crate::{model::limits, source};

#[test]
fn a_plane_of_more_shards_than_are_kept_open_is_read() {
    let recipe = Recipe {
        shape: vec![1, 2, 1, 40, 40],
        chunk: vec![1, 1, 1, 2, 2],
        shard: Some(vec![1, 2, 1, 2, 2]),
        ..squid_recipe()
    };
    recipe.check();
}

/// A plane of so many shards in a row, each with the longest index that there may be and nothing else.
fn read_indices(num_shards: u64) -> ReadError {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recipe = Recipe {
        shape: vec![1, 1, limits::SHARD_CHUNKS, 1, num_shards],
        chunk: vec![1, 1, 1, 1, 1],
        shard: Some(vec![1, 1, limits::SHARD_CHUNKS, 1, 1]),
        ..squid_recipe()
    };
    let index_len = limits::SHARD_CHUNKS * 16;
    let sum = crc32c::crc32c(&vec![0; index_len as usize]);
    let row = folder.path().join("c/0/0/0/0");
    fs::create_dir_all(&row).expect("writable");
    let first = row.join("0");
    let file = File::create(&first).expect("writable");
    file.set_len(index_len).expect("room for nothing");
    drop(file);
    let mut file = File::options().append(true).open(&first).expect("there");
    std::io::Write::write_all(&mut file, &sum.to_le_bytes()).expect("writable");
    for number in 1..num_shards {
        fs::hard_link(&first, row.join(number.to_string())).expect("a link");
    }
    let tile = TileId::whole(plane(0, 0, 7));
    let read = Store::new().read_tile(&recipe.dataset(folder.path()), tile, Absence::AsStored);
    read.expect_err("no chunk has 0 bytes")
}

#[test]
fn indices_of_shards_have_a_budget_for_each_tile() {
    let most = limits::SHARD_INDEX_BYTES / (limits::SHARD_CHUNKS * 16);
    assert_eq!(read_indices(most).code, Code::CorruptData);
    let error = read_indices(most + 1);
    assert_eq!(error.code, Code::TooLarge, "{error}");
    assert!(
        error.message.contains("1073741824 bytes of indices"),
        "{error}"
    );
}

#[test]
fn a_read_without_room_is_given_up_and_made_later() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recipe = Recipe {
        shape: vec![1, 1, 1, 16_384, 16_384],
        chunk: vec![1, 1, 1, 16_384, 16_384],
        codecs: vec!["zstd"],
        ..squid_recipe()
    };
    fs::write(
        folder.path().join("zarr.json"),
        recipe.document().to_string(),
    )
    .expect("writable");
    let (store, dataset) = (Store::new(), recipe.dataset(folder.path()));
    let tile = TileId::whole(plane(0, 0, 0));
    let uncompressed = Recipe {
        codecs: Vec::new(),
        ..recipe
    };
    let uncompressed = uncompressed.dataset(folder.path());
    let held = source::room(limits::DECODED_BYTES);
    let read = || store.try_read_tile(&dataset, tile, Absence::AsStored);
    assert!(matches!(read(), Ok(None)));
    // A part of a chunk that is not compressed needs no room for the whole.
    let part = store.try_read_tile(&uncompressed, tile, Absence::AsStored);
    assert!(matches!(part, Ok(Some(ReadOutcome::Pixels { .. }))));
    drop(held);
    assert!(matches!(read(), Ok(Some(ReadOutcome::Pixels { .. }))));
}
