//! Stores of uniform planes, written to the byte without any library: what is seen of one tells which it is, and whether
//! it is whole.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;
use squidview::{app::App, model::PlaneId};

/// Columns and rows of every plane.
pub(crate) const PLANE: [u64; 2] = [96, 64];

/// One store, (T, C, Z, Y, X) of 16 bits, without compression.
#[derive(Clone, Debug)]
pub(crate) struct Uniform {
    /// The image group.
    pub(crate) folder: PathBuf,
    /// Timepoints, channels, z-slices.
    pub(crate) sizes: [u64; 3],
    /// Columns and rows of a chunk.
    pub(crate) chunk: [u64; 2],
    /// `omero.channels`.
    pub(crate) channels: Vec<serde_json::Value>,
}

impl Uniform {
    pub(crate) fn new(folder: &Path, sizes: [u64; 3]) -> Self {
        Self {
            folder: folder.to_owned(),
            sizes,
            chunk: PLANE,
            channels: Vec::new(),
        }
    }

    /// Writes the documents of a store that is not complete.
    pub(crate) fn create(&self) {
        self.describe(false);
    }

    /// Writes the documents, each renamed into its place: first the array, as Squid does.
    pub(crate) fn describe(&self, is_complete: bool) {
        let ([t, c, z], [width, height]) = (self.sizes, PLANE);
        let array = json!({
            "zarr_format": 3, "node_type": "array", "shape": [t, c, z, height, width], "data_type": "uint16",
            "chunk_grid": {"name": "regular",
                "configuration": {"chunk_shape": [1, 1, 1, self.chunk[1], self.chunk[0]]}},
            "chunk_key_encoding": {"name": "default"},
            "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
            "fill_value": 0,
        });
        let axes = ["t", "c", "z", "y", "x"].map(|name| match name {
            "t" => json!({"name": name, "type": "time", "unit": "second"}),
            "c" => json!({"name": name, "type": "channel"}),
            _ => json!({"name": name, "type": "space", "unit": "micrometer"}),
        });
        let scale = [60.0, 1.0, 1.5, 0.5, 0.5];
        let mut ome = json!({"version": "0.5", "multiscales": [{"axes": axes, "datasets": [
            {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": scale}]}]}]});
        if !self.channels.is_empty() {
            ome["omero"] = json!({ "channels": self.channels });
        }
        let squid =
            json!({"acquisition_complete": is_complete, "pixel_size_um": 0.5, "z_step_um": 1.5});
        let group = json!({
            "zarr_format": 3, "node_type": "group", "attributes": {"ome": ome, "_squid": squid},
        });
        put(
            &self.folder.join("0/zarr.json"),
            array.to_string().as_bytes(),
        );
        put(&self.folder.join("zarr.json"), group.to_string().as_bytes());
    }

    /// The file of a chunk.
    pub(crate) fn chunk_path(&self, [t, c, z]: [u32; 3], [row, col]: [u64; 2]) -> PathBuf {
        self.folder.join(format!("0/c/{t}/{c}/{z}/{row}/{col}"))
    }

    /// The bytes of a chunk of that value.
    pub(crate) fn chunk_bytes(&self, value: u16) -> Vec<u8> {
        let len = (self.chunk[0] * self.chunk[1]) as usize;
        value.to_le_bytes().repeat(len)
    }

    pub(crate) fn write_chunk(&self, at: [u32; 3], chunk: [u64; 2], value: u16) {
        put(&self.chunk_path(at, chunk), &self.chunk_bytes(value));
    }

    /// Writes a plane, (t, c, z): chunk by chunk, each renamed into its place.
    pub(crate) fn write(&self, at: [u32; 3], value: u16) {
        let [cols, rows] = [0, 1].map(|side: usize| PLANE[side].div_ceil(self.chunk[side]));
        for chunk in (0..rows).flat_map(|row| (0..cols).map(move |col| [row, col])) {
            self.write_chunk(at, chunk, value);
        }
    }
}

fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut beside = path.as_os_str().to_owned();
    beside.push(".__lock");
    fs::write(&beside, bytes).unwrap();
    fs::rename(&beside, path).unwrap();
}

/// The planes on the screen with their one value each; a plane of several values is torn.
pub(crate) fn drawn(app: &App) -> Vec<(PlaneId, u16)> {
    let items = app.drawn().map(|list| list.items.as_slice());
    let tiles = items
        .unwrap_or_default()
        .iter()
        .flat_map(|item| &item.tiles);
    tiles
        .map(|drawn| {
            let plane = drawn.tile.plane;
            let (samples, _) = drawn.pixels.samples().as_bytes().as_chunks::<2>();
            let first = samples[0];
            let is_uniform = samples.iter().all(|sample| *sample == first);
            assert!(is_uniform, "{plane:?} is torn");
            (plane, u16::from_le_bytes(first))
        })
        .collect()
}

/// The values on the screen, one per drawn channel.
pub(crate) fn values(app: &App) -> Vec<u16> {
    drawn(app).into_iter().map(|(_, value)| value).collect()
}
