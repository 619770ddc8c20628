//! Chunks that are not compressed, and lie in a tile line by line: read to where they go.

use super::*;

/// A plane of several chunks with lines of 1 KiB, cut off at its edges.
fn lines_recipe() -> Recipe {
    Recipe {
        axes: "zyx".to_owned(),
        shape: vec![2, 1100, 130],
        chunk: vec![1, 512, 32],
        order: vec![2, 1, 0],
        codecs: Vec::new(),
        ..squid_recipe()
    }
}

const PARTS: [[u16; 4]; 3] = [
    [0, 0, u16::MAX, 32_768],
    [10_000, 5000, 20_000, 60_000],
    [40_000, 31_000, 1000, u16::MAX],
];

#[test]
fn lines_of_chunks_are_read_to_their_places() {
    let turned = lines_recipe();
    turned.check_with(&PARTS);
    let rows = Recipe {
        shape: vec![2, 130, 1100],
        chunk: vec![1, 32, 512],
        order: vec![0, 1, 2],
        ..lines_recipe()
    };
    rows.check_with(&PARTS);
    let swapped = Recipe {
        sample_type: SampleType::I16,
        endian: "big",
        fill: 9,
        absent: 3,
        ..rows
    };
    swapped.check_with(&PARTS);
    let in_shards = Recipe {
        sample_type: SampleType::F32,
        shard: Some(vec![1, 2, 2]),
        fill: 9,
        absent: 3,
        ..lines_recipe()
    };
    in_shards.check_with(&PARTS);
}

#[test]
fn lines_of_a_chunk_with_several_planes_are_read_to_their_places() {
    for order in [vec![0, 2, 1], vec![2, 0, 1], vec![2, 1, 0]] {
        let several = Recipe {
            chunk: vec![2, 512, 32],
            order,
            ..lines_recipe()
        };
        several.check_with(&PARTS);
    }
    // Whole rows of the plane.
    let strips = Recipe {
        shape: vec![2, 130, 100],
        chunk: vec![1, 16, 100],
        order: vec![0, 1, 2],
        sample_type: SampleType::Bool,
        ..lines_recipe()
    };
    strips.check_with(&PARTS);
}

#[test]
fn of_a_chunk_of_another_length_no_lines_are_taken() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recipe = lines_recipe();
    recipe.write(folder.path());
    let path = folder.path().join("c/0/0/1");
    let whole = fs::read(&path).expect("written");
    let (store, dataset) = (Store::new(), recipe.dataset(folder.path()));
    let read = || {
        let tile = TileId::whole(plane(0, 0, 0));
        store.read_tile(&dataset, tile, Absence::AsStored)
    };
    for len in [0, whole.len() - 1, whole.len() + 1, 2 * whole.len()] {
        let mut bytes = whole.clone();
        bytes.resize(len, 1);
        fs::write(&path, bytes).expect("writable");
        let error = read().expect_err("not a chunk");
        assert_eq!(error.code, Code::CorruptData, "{len}: {error}");
        assert!(error.location.ends_with('1'), "{error}");
    }
    fs::write(&path, &whole).expect("writable");
    assert!(matches!(read(), Ok(ReadOutcome::Pixels { .. })));
}
