//! Chunks that are larger than a tile: what is read, and how often they are decoded.

use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::{Subscriber, span::Id, subscriber::with_default};
use tracing_subscriber::{Layer, layer::Context, layer::SubscriberExt as _, registry::LookupSpan};

use super::*;
use crate::model::WorkStage;

/// Counts the chunks that this thread decodes.
#[derive(Clone, Debug, Default)]
struct Decodes(Arc<AtomicUsize>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Decodes {
    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        let name = context.metadata(id).map(tracing::Metadata::name);
        if name == Some(WorkStage::Decompress.name()) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A chain that only `zarrs` reads.
const RARE: [&str; 2] = ["zstd", "numcodecs.adler32"];

/// Three tiles of one chunk, or of one chunk for two slices.
fn wide_recipe(codecs: &[&'static str]) -> Recipe {
    Recipe {
        axes: "zyx".to_owned(),
        shape: vec![2, 60, 5000],
        chunk: vec![1, 60, 5000],
        order: vec![0, 1, 2],
        codecs: codecs.to_vec(),
        ..squid_recipe()
    }
}

fn tile_of(store: &Store, dataset: &Dataset, tile: TileId) -> Arc<Pixels> {
    let read = store.read_tile(dataset, tile, Absence::AsStored);
    let ReadOutcome::Pixels { tiles, state } = read.expect("readable") else {
        panic!("absent")
    };
    assert_eq!(state, PlaneState::Written);
    Arc::clone(&tiles[0].pixels)
}

/// Reads all tiles of the second slice; how many chunks were decoded for that.
fn check(recipe: &Recipe) -> usize {
    let folder = tempfile::tempdir().expect("a temporary folder");
    recipe.write(folder.path());
    let (store, dataset) = (Store::new(), recipe.dataset(folder.path()));
    let (wanted, decodes) = (plane(0, 0, 1), Decodes::default());
    let grid = dataset.template.levels[0].grid;
    assert_eq!(grid.num_rows() * grid.num_cols(), 3);
    with_default(tracing_subscriber::registry().with(decodes.clone()), || {
        for (row, col) in
            (0..grid.num_rows()).flat_map(|row| (0..grid.num_cols()).map(move |col| (row, col)))
        {
            let tile = TileId {
                plane: wanted,
                row,
                col,
            };
            let pixels = tile_of(&store, &dataset, tile);
            let (left, top, width, height) = grid.tile_rect(row, col).expect("inside");
            assert_eq!((pixels.width(), pixels.height()), (width, height));
            for (x, y) in (0..width).flat_map(|x| (0..height).map(move |y| (x, y))) {
                let expected = recipe.sample(recipe.place(wanted, left + x, top + y));
                assert_eq!(
                    pixels.value(x, y),
                    expected.value(0),
                    "{x}, {y} of {tile:?}"
                );
            }
        }
    });
    decodes.0.load(Ordering::Relaxed)
}

#[test]
fn a_chunk_of_several_tiles_is_decoded_once_for_all_of_them() {
    assert_eq!(check(&wide_recipe(&["zstd"])), 1);
    let turned = Recipe {
        order: vec![2, 1, 0],
        endian: "big",
        ..wide_recipe(&["gzip"])
    };
    assert_eq!(check(&turned), 1);
    let tall = Recipe {
        shape: vec![2, 5000, 60],
        chunk: vec![2, 5000, 60],
        sample_type: SampleType::I32,
        ..wide_recipe(&["zstd", "crc32c"])
    };
    assert_eq!(check(&tall), 1);
    let in_shards = Recipe {
        shard: Some(vec![2, 1, 1]),
        sample_type: SampleType::Bool,
        ..wide_recipe(&["zstd"])
    };
    assert_eq!(check(&in_shards), 1);
    // The right edge of the plane is no edge of a chunk.
    let beyond = Recipe {
        chunk: vec![1, 60, 6000],
        ..wide_recipe(&["zstd"])
    };
    assert_eq!(check(&beyond), 1);
}

#[test]
fn so_is_one_of_a_rare_chain_of_codecs() {
    let rare = wide_recipe(&RARE);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let locator = locator(folder.path(), ZarrFormat::V3, None);
    let parsed = OpenedArray::parse(&locator, &rare.document().to_string());
    let parsed = parsed.expect("an array document");
    assert!(matches!(parsed.chunks.chain, Chain::Foreign(_)), "rare");
    assert_eq!(check(&rare), 1);
    let turned = Recipe {
        order: vec![2, 1, 0],
        endian: "big",
        ..rare.clone()
    };
    assert_eq!(check(&turned), 1);
    let tall = Recipe {
        shape: vec![2, 5000, 60],
        chunk: vec![2, 5000, 60],
        sample_type: SampleType::I32,
        ..rare.clone()
    };
    assert_eq!(check(&tall), 1);
    let in_shards = Recipe {
        shard: Some(vec![2, 1, 1]),
        ..rare.clone()
    };
    assert_eq!(check(&in_shards), 1);
    let beyond = Recipe {
        chunk: vec![1, 60, 6000],
        ..rare
    };
    assert_eq!(check(&beyond), 1);
}

#[test]
fn an_absent_chunk_of_a_rare_chain_is_the_fill_value() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recipe = Recipe {
        shape: vec![2, 100, 5000],
        ..wide_recipe(&RARE)
    };
    recipe.write(folder.path());
    fs::remove_file(folder.path().join("c/0/1/0")).expect("written");
    let tile = TileId {
        col: 1,
        ..TileId::whole(plane(0, 0, 0))
    };
    let pixels = tile_of(&Store::new(), &recipe.dataset(folder.path()), tile);
    let sample = |y| recipe.sample(recipe.place(plane(0, 0, 0), 2050, y));
    assert_eq!(pixels.value(2, 59), sample(59).value(0));
    assert_eq!(pixels.value(2, 60), Samples::U16(vec![0]).value(0));
}

#[test]
fn of_an_uncompressed_chunk_only_the_wanted_lines_are_read() {
    for order in [vec![0, 1, 2], vec![2, 1, 0], vec![1, 2, 0]] {
        let endian = if order[0] == 0 { "little" } else { "big" };
        let recipe = Recipe {
            order,
            endian,
            ..wide_recipe(&[])
        };
        assert_eq!(check(&recipe), 0);
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recipe = wide_recipe(&[]);
    recipe.write(folder.path());
    // Of a chunk that is cut off, what is left tells nothing.
    let path = folder.path().join("c/0/0/0");
    let file = fs::File::options().write(true).open(&path);
    file.expect("there").set_len(599_999).expect("writable");
    let tile = TileId::whole(plane(0, 0, 0));
    let error = Store::new().read_tile(&recipe.dataset(folder.path()), tile, Absence::AsStored);
    let error = error.expect_err("cut off");
    assert_eq!(error.code, Code::CorruptData);
    assert_eq!(error.message, "599999 bytes for a chunk of 600000");
}

/// The first chunk is replaced after its first tile was read, then damaged.
fn check_written_anew(codecs: &[&'static str]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recipe = wide_recipe(codecs);
    recipe.write(folder.path());
    let (store, dataset) = (Store::new(), recipe.dataset(folder.path()));
    let tile = |col| TileId {
        col,
        ..TileId::whole(plane(0, 0, 0))
    };
    let value = |col: u32| tile_of(&store, &dataset, tile(col)).value(0, 0);
    let expected = |z, col: u32| recipe.sample(recipe.place(plane(0, 0, z), col * 2048, 0));
    assert_eq!(value(0), expected(0, 0).value(0));
    let path = |z| folder.path().join(format!("c/{z}/0/0"));
    fs::rename(path(1), path(0)).expect("writable");
    assert_eq!(value(1), expected(1, 1).value(0));
    // Damage of a part that nobody asked for is damage of the whole.
    fs::write(path(0), b"no zstd").expect("writable");
    let read = store.read_tile(&dataset, tile(2), Absence::AsStored);
    assert_eq!(read.expect_err("damaged").code, Code::CorruptData);
}

#[test]
fn a_chunk_that_was_written_anew_is_decoded_anew() {
    check_written_anew(&["zstd"]);
    check_written_anew(&RARE);
}
