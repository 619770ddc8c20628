//! Opens datasets and reads whole planes through the library, as the tests compare them with what others wrote.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use squidview::{
    dataset::{Dataset, ImageSlot},
    formats,
    model::{Absence, FovId, PlaneId, PlaneState, TileId, ZPick},
    store::{ReadError, ReadOutcome, Store},
};

/// The committed datasets of other writers.
pub(crate) fn data_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/squid")
}

/// Opens a dataset with the stores of all its FOVs that can be opened.
pub(crate) fn open_whole(path: &Path) -> Arc<Dataset> {
    let mut dataset = formats::open(path, &mut |_| true).unwrap();
    for &fov in Arc::clone(&dataset.order).iter() {
        if matches!(dataset.images[fov.row()], ImageSlot::Unopened) {
            let opened = dataset.opener.open_fov(&dataset, fov);
            dataset = dataset.with_opened(vec![(fov, opened)]);
        }
    }
    Arc::new(dataset)
}

/// A plane of the image itself, at level 0.
pub(crate) fn plane_at(fov: FovId, t: u32, c: u32, z: u32) -> PlaneId {
    PlaneId {
        fov,
        layer: 0,
        t,
        c: c.try_into().unwrap(),
        z: ZPick::Slice(z),
        extra: 0,
        level: 0,
    }
}

/// Every plane of an opened FOV at level 0, along t, c and z.
pub(crate) fn planes_of(dataset: &Dataset, fov: FovId) -> Vec<PlaneId> {
    let image = dataset.image(fov).unwrap();
    let (num_t, num_c, num_z) = (
        image.num_timepoints(),
        image.num_channels(),
        image.num_z_slices(),
    );
    let along_c = |t| (0..num_c).flat_map(move |c| (0..num_z).map(move |z| (t, c, z)));
    (0..num_t)
        .flat_map(along_c)
        .map(|(t, c, z)| plane_at(fov, t, c, z))
        .collect()
}

/// A plane as little-endian rows, put together from its tiles; `None` where a part of it is not on disk.
pub(crate) fn plane_rows(store: &Store, dataset: &Dataset, plane: PlaneId) -> Option<Vec<u8>> {
    try_plane_rows(store, dataset, plane).unwrap()
}

/// The same of a plane that may be damaged.
pub(crate) fn try_plane_rows(
    store: &Store,
    dataset: &Dataset,
    plane: PlaneId,
) -> Result<Option<Vec<u8>>, ReadError> {
    let image = dataset.image(plane.fov).unwrap();
    let (grid, sample_bytes) = (
        image.grid(plane.level).unwrap(),
        image.sample_type.num_bytes(),
    );
    let line_bytes = grid.width as usize * sample_bytes;
    let mut bytes = vec![0; line_bytes * grid.height as usize];
    for (row, col) in
        (0..grid.num_rows()).flat_map(|row| (0..grid.num_cols()).map(move |col| (row, col)))
    {
        let asked = TileId { plane, row, col };
        let (x, y, width, height) = grid.tile_rect(row, col).unwrap();
        let tile = match store.read_tile(dataset, asked, Absence::AsStored)? {
            ReadOutcome::Pixels {
                tiles,
                state: PlaneState::Written,
            } => tiles.into_iter().next().unwrap(),
            ReadOutcome::Pixels { .. } | ReadOutcome::Absent(_) => return Ok(None),
        };
        assert_eq!(tile.tile, asked, "the asked tile comes first");
        let pixels = tile.pixels.to_rows();
        assert_eq!((pixels.width(), pixels.height()), (width, height));
        let lines = pixels
            .samples()
            .as_bytes()
            .chunks_exact(width as usize * sample_bytes);
        for (line, samples) in lines.enumerate() {
            let at = (y as usize + line) * line_bytes + x as usize * sample_bytes;
            bytes[at..at + samples.len()].copy_from_slice(samples);
        }
    }
    Ok(Some(bytes))
}

/// The zlib CRC-32 of a plane as little-endian rows; `None` where a part of it is not on disk.
pub(crate) fn plane_crc(store: &Store, dataset: &Dataset, plane: PlaneId) -> Option<String> {
    plane_rows(store, dataset, plane).map(|rows| crc(&rows))
}

/// A CRC-32 as manifests and `plane --stats` write it.
pub(crate) fn crc(bytes: &[u8]) -> String {
    format!("{:08x}", crc32fast::hash(bytes))
}
