//! Zarr stores: an array document with a chunk, and chunks of arrays of every chain of codecs that is read.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde_json::{Value, json};
use squidview::{
    formats,
    model::{Absence, FovId, PlaneId, TileId, ZPick, parse_json},
    store::{ReadOutcome, Store},
};

/// Larger tiles are not read: they cost time and find nothing new.
const TILE_PIXELS: u64 = 1 << 22;
/// Rows and columns of the arrays whose chunks are read, as those of most of `tests/data/squid`.
const HEIGHT: u64 = 16;
const WIDTH: u64 = 24;

/// An array document, then a NUL and the bytes of its first chunk, which may be left out.
pub(super) fn array(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |&byte| byte == 0);
    let (document, chunk) = (parts.next().unwrap_or_default(), parts.next());
    let parsed = parse_json(&String::from_utf8_lossy(document)).unwrap_or_default();
    let is_v2 = parsed.get("zarr_format") == Some(&json!(2));
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    let name = if is_v2 { ".zarray" } else { "zarr.json" };
    write_document(&folder.path().join(name), document);
    if let Some(chunk) = chunk {
        let num_axes = parsed
            .get("shape")
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        let name = first_chunk(&parsed, is_v2, num_axes.clamp(1, 16));
        write(&folder.path().join(name), chunk);
    }
    read(folder.path());
}

/// The number of a document, and the only chunk of an array that it describes.
pub(super) fn chunk(bytes: &[u8]) {
    let Some((&number, chunk)) = bytes.split_first() else {
        return;
    };
    let documents = documents();
    let document = &documents[usize::from(number) % documents.len()];
    let is_v2 = document["zarr_format"] == 2;
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    let name = if is_v2 { ".zarray" } else { "zarr.json" };
    write_document(&folder.path().join(name), document.to_string().as_bytes());
    write(&folder.path().join(first_chunk(document, is_v2, 2)), chunk);
    read(folder.path());
}

/// The arrays whose chunk is read; a seed begins with the place of its document here.
fn documents() -> Vec<Value> {
    let little = json!({"name": "bytes", "configuration": {"endian": "little"}});
    let big = json!({"name": "bytes", "configuration": {"endian": "big"}});
    let transpose = json!({"name": "transpose", "configuration": {"order": [1, 0]}});
    let crc32c = json!({"name": "crc32c"});
    let gzip = json!({"name": "gzip", "configuration": {"level": 5}});
    let zstd = json!({"name": "zstd", "configuration": {"level": 3, "checksum": true}});
    let blosc = json!({"name": "blosc", "configuration": {
        "cname": "lz4", "clevel": 1, "shuffle": "shuffle", "typesize": 2, "blocksize": 0,
    }});
    let shards = |location: &str, inner: &[&Value]| {
        json!({"name": "sharding_indexed", "configuration": {
            "chunk_shape": [HEIGHT / 2, WIDTH], "codecs": inner,
            "index_codecs": [little, crc32c], "index_location": location,
        }})
    };
    vec![
        v3(&[&transpose, &little]),
        v3(&[&transpose, &little, &blosc]),
        v3(&[&big, &crc32c]),
        v3(&[&little, &gzip]),
        v3(&[&little, &zstd, &crc32c]),
        v3(&[&little, &gzip, &blosc]),
        v3(&[&shards("end", &[&transpose, &little, &blosc])]),
        v3(&[&shards("start", &[&little, &crc32c])]),
        // A chain that is left to zarrs.
        v3(&[&shards("end", &[&little]), &zstd]),
        v2("<u2", &Value::Null),
        v2(
            ">u2",
            &json!({"id": "blosc", "cname": "zstd", "clevel": 3, "shuffle": 2, "blocksize": 0}),
        ),
        v2("<u2", &json!({"id": "zlib", "level": 1})),
        v2("<u2", &json!({"id": "gzip", "level": 1})),
        v2("<u2", &json!({"id": "zstd", "level": 1})),
        v2("|b1", &Value::Null),
        v2(
            "<f4",
            &json!({"id": "blosc", "cname": "blosclz", "clevel": 5, "shuffle": 1, "blocksize": 0}),
        ),
    ]
}

fn v3(codecs: &[&Value]) -> Value {
    json!({
        "zarr_format": 3, "node_type": "array", "shape": [HEIGHT, WIDTH], "data_type": "uint16", "fill_value": 0,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [HEIGHT, WIDTH]}},
        "chunk_key_encoding": {"name": "default"}, "codecs": codecs,
    })
}

fn v2(dtype: &str, compressor: &Value) -> Value {
    json!({
        "zarr_format": 2, "shape": [HEIGHT, WIDTH], "chunks": [HEIGHT, WIDTH], "dtype": dtype, "compressor": compressor,
        "order": "C", "fill_value": 0, "filters": null,
    })
}

/// The name of chunk 0, 0, ... of an array of so many axes.
fn first_chunk(document: &Value, is_v2: bool, num_axes: usize) -> PathBuf {
    let names = vec!["0"; num_axes];
    if !is_v2 {
        return Path::new("c").join(names.join("/"));
    }
    let is_nested = document.get("dimension_separator") == Some(&json!("/"));
    names.join(if is_nested { "/" } else { "." }).into()
}

fn write(path: &Path, bytes: &[u8]) {
    let folder = path.parent().expect("a file lies in a folder");
    fs::create_dir_all(folder).expect("the temporary folder can be written to");
    fs::write(path, bytes).expect("the temporary folder can be written to");
}

/// A document that is cut off is read again after a pause where it was written just now; this one looks old.
fn write_document(path: &Path, bytes: &[u8]) {
    write(path, bytes);
    let file = fs::File::options().write(true).open(path);
    let aged = file.and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH));
    aged.expect("the temporary folder can be written to");
}

/// Opens what lies there and reads the first tile of the first and of the last plane.
fn read(path: &Path) {
    let Ok(mut dataset) = formats::open(path, &mut |_| true) else {
        return;
    };
    let fov = FovId(0);
    if dataset.wants_opening(fov) {
        let opened = dataset.opener.open_fov(&dataset, fov);
        dataset = dataset.with_opened(vec![(fov, opened)]);
    }
    let Some(image) = dataset.image(fov) else {
        return;
    };
    let Some((x, y, width, height)) = image.grid(0).and_then(|grid| grid.tile_rect(0, 0)) else {
        return;
    };
    assert_eq!((x, y), (0, 0));
    if u64::from(width) * u64::from(height) > TILE_PIXELS {
        return;
    }
    let last = |length: u32| length.saturating_sub(1);
    let (t, c, z) = (
        image.num_timepoints(),
        image.num_channels(),
        image.num_z_slices(),
    );
    let store = Store::new();
    for (t, c, z) in [(0, 0, 0), (last(t), last(c), last(z))] {
        let plane = PlaneId {
            fov,
            layer: 0,
            t,
            c: c as u16,
            z: ZPick::Slice(z),
            extra: 0,
            level: 0,
        };
        drop(store.presence(&dataset, plane));
        let read = store.read_tile(&dataset, TileId::whole(plane), Absence::AsStored);
        if let Ok(ReadOutcome::Pixels { tiles, .. }) = read {
            let pixels = tiles[0].pixels.to_rows();
            assert_eq!((pixels.width(), pixels.height()), (width, height));
            assert_eq!(pixels.sample_type(), image.sample_type);
        }
    }
}
