//! Chunks and shards of one array, as TensorStore leaves them on disk.
//!
//! A file is written beside its place (`.__lock`) and renamed, so that a reader never sees half of one. A shard is written
//! anew with every channel. Chunks that are all zero are not stored. Documents are rewritten in place, as Squid does: a
//! reader of a running acquisition may find half of one.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    SimulateError,
    blosc::{Blosc, Codec, Filter},
    documents::has_shards,
    plan::{Compression, Plan, Structure},
};

/// Where a plane stands in an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlaneAt {
    /// Index along the FOV axis; left aside where there is none.
    pub(super) fov: u32,
    pub(super) t: u32,
    pub(super) c: u32,
    pub(super) z: u32,
}

/// Inner chunks of the shard that is being filled; `None`: not written, or all zero.
#[derive(Debug)]
struct Shard {
    path: PathBuf,
    chunks: Vec<Option<Vec<u8>>>,
}

/// Writes planes into the arrays of a plan.
#[derive(Debug)]
pub(super) struct PlaneWriter {
    has_fov_axis: bool,
    is_sharded: bool,
    num_channels: usize,
    /// Of a plane, in pixels.
    width: usize,
    height: usize,
    /// Of a chunk, in pixels.
    chunk_width: usize,
    chunk_height: usize,
    blosc: Option<Blosc>,
    /// Squid writes all channels of a slice before the next: one shard is open at a time.
    shard: Option<Shard>,
}

impl PlaneWriter {
    pub(super) fn new(plan: &Plan) -> Self {
        let side = plan.chunks.side_px();
        let blosc = |codec, filter| Blosc {
            codec,
            filter,
            type_size: 2,
        };
        Self {
            has_fov_axis: plan.structure == Structure::SixD,
            is_sharded: has_shards(plan),
            num_channels: plan.channels.len(),
            width: plan.width as usize,
            height: plan.height as usize,
            chunk_width: side.unwrap_or(plan.width) as usize,
            chunk_height: side.unwrap_or(plan.height) as usize,
            blosc: match plan.compression {
                Compression::None => None,
                Compression::Fast => Some(blosc(Codec::Lz4, Filter::Bytes)),
                Compression::Balanced => Some(blosc(Codec::Zstd(3), Filter::Bits)),
                Compression::Best => Some(blosc(Codec::Zstd(9), Filter::Bits)),
            },
            shard: None,
        }
    }

    /// Writes one plane: `samples` (y, x), row by row, as many as the plan's planes have.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn write(
        &mut self,
        array: &Path,
        at: PlaneAt,
        samples: &[u16],
    ) -> Result<(), SimulateError> {
        let encoded = self.encode_all(array, samples)?;
        if self.is_sharded {
            return self.write_shard(array, at, encoded);
        }
        let columns = self.width.div_ceil(self.chunk_width);
        for (index, chunk) in encoded.into_iter().enumerate() {
            if let Some(bytes) = chunk {
                replace(
                    &self.key(array, at, index / columns, index % columns),
                    &bytes,
                )?;
            }
        }
        Ok(())
    }

    /// Leaves half of the plane's first file at its final name. A file that is there is left as it is: a writer that
    /// renames never harms one.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn tear(
        &self,
        array: &Path,
        at: PlaneAt,
        samples: &[u16],
    ) -> Result<(), SimulateError> {
        let mut chunks = self.encode_all(array, samples)?;
        let c = if self.is_sharded { 0 } else { at.c };
        let path = self.key(array, PlaneAt { c, ..at }, 0, 0);
        let bytes = if self.is_sharded {
            chunks.resize(self.num_channels * chunks.len(), None);
            shard_bytes(&chunks)
        } else {
            chunks.swap_remove(0).unwrap_or_default()
        };
        if bytes.is_empty() || path.exists() {
            return Ok(());
        }
        make_parent(&path)?;
        fs::write(&path, &bytes[..bytes.len() / 2])
            .map_err(|source| SimulateError::io("write", &path, source))
    }

    /// The chunks of a plane row by row; `None`: all zero.
    fn encode_all(
        &self,
        array: &Path,
        samples: &[u16],
    ) -> Result<Vec<Option<Vec<u8>>>, SimulateError> {
        let (rows, columns) = (
            self.height.div_ceil(self.chunk_height),
            self.width.div_ceil(self.chunk_width),
        );
        let encoded =
            (0..rows * columns).map(|index| self.encode(samples, index / columns, index % columns));
        encoded
            .collect::<io::Result<_>>()
            .map_err(|source| SimulateError::io("compress a chunk of", array, source))
    }

    /// Path of a chunk, or of the shard at channel, row and column 0.
    fn key(&self, array: &Path, at: PlaneAt, row: usize, column: usize) -> PathBuf {
        let mut path = array.join("c");
        if self.has_fov_axis {
            path.push(at.fov.to_string());
        }
        for index in [at.t, at.c, at.z] {
            path.push(index.to_string());
        }
        path.push(row.to_string());
        path.push(column.to_string());
        path
    }

    /// The bytes of a chunk, column by column (the transposed order); `None` where all samples are zero.
    fn encode(&self, samples: &[u16], row: usize, column: usize) -> io::Result<Option<Vec<u8>>> {
        let (y0, x0) = (row * self.chunk_height, column * self.chunk_width);
        let height = self.chunk_height.min(self.height - y0);
        let width = self.chunk_width.min(self.width - x0);
        // What a chunk at the edge has beyond the plane is the fill value.
        let mut chunk = vec![0_u16; self.chunk_width * self.chunk_height];
        // Blocks of rows keep the lines that are written to in the cache.
        for first in (0..height).step_by(16) {
            let last = (first + 16).min(height);
            for x in 0..width {
                for y in first..last {
                    chunk[x * self.chunk_height + y] =
                        samples[(y0 + y) * self.width + x0 + x].to_le();
                }
            }
        }
        if chunk.iter().all(|&sample| sample == 0) {
            return Ok(None);
        }
        let bytes: &[u8] = bytemuck::cast_slice(&chunk);
        Ok(Some(match self.blosc {
            Some(blosc) => blosc.compress(bytes)?,
            None => bytes.to_vec(),
        }))
    }

    /// Puts the chunks of one channel into the shard of their slice and writes it anew.
    fn write_shard(
        &mut self,
        array: &Path,
        at: PlaneAt,
        encoded: Vec<Option<Vec<u8>>>,
    ) -> Result<(), SimulateError> {
        let path = self.key(array, PlaneAt { c: 0, ..at }, 0, 0);
        if self.shard.as_ref().is_none_or(|shard| shard.path != path) {
            let chunks = vec![None; self.num_channels * encoded.len()];
            self.shard = Some(Shard { path, chunks });
        }
        let Some(shard) = &mut self.shard else {
            return Ok(());
        };
        let first = at.c as usize * encoded.len();
        for (slot, chunk) in shard.chunks.iter_mut().skip(first).zip(encoded) {
            *slot = chunk;
        }
        if shard.chunks.iter().all(Option::is_none) {
            return Ok(());
        }
        replace(&shard.path, &shard_bytes(&shard.chunks))
    }
}

/// The chunks one after another, then for each its offset and length (both all ones: absent), then the index' CRC-32C.
fn shard_bytes(chunks: &[Option<Vec<u8>>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut index = Vec::with_capacity(16 * chunks.len());
    for chunk in chunks {
        let (offset, len) = chunk.as_ref().map_or((u64::MAX, u64::MAX), |chunk| {
            (bytes.len() as u64, chunk.len() as u64)
        });
        index.extend_from_slice(&offset.to_le_bytes());
        index.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(chunk.as_deref().unwrap_or_default());
    }
    bytes.extend_from_slice(&index);
    bytes.extend_from_slice(&crc32c::crc32c(&index).to_le_bytes());
    bytes
}

/// Writes a file beside its place and renames it.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), SimulateError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".__lock");
    let beside = PathBuf::from(beside);
    make_parent(path)?;
    fs::write(&beside, bytes).map_err(|source| SimulateError::io("write", &beside, source))?;
    fs::rename(&beside, path).map_err(|source| SimulateError::io("replace", path, source))
}

/// Creates the document of an array, as TensorStore does.
pub(super) fn create_document(folder: &Path, document: &Value) -> Result<(), SimulateError> {
    replace(&folder.join("zarr.json"), document.to_string().as_bytes())
}

/// Writes a document in place, as Squid does.
pub(super) fn write_document(folder: &Path, document: &Value) -> Result<(), SimulateError> {
    let path = folder.join("zarr.json");
    make_parent(&path)?;
    fs::write(&path, format!("{document:#}"))
        .map_err(|source| SimulateError::io("write", &path, source))
}

fn make_parent(path: &Path) -> Result<(), SimulateError> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .map_err(|source| SimulateError::io("create the folder", folder, source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::ChunkMode;

    fn files(folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                found.extend(
                    files(&path)
                        .into_iter()
                        .map(|below| format!("{name}/{below}")),
                );
            } else {
                found.push(name);
            }
        }
        found.sort();
        found
    }

    fn plan(compression: Compression, chunks: ChunkMode) -> Plan {
        let channels = vec!["DAPI".into(), "GFP".into()];
        Plan {
            width: 512,
            height: 256,
            channels,
            compression,
            chunks,
            ..Plan::default()
        }
    }

    const AT: PlaneAt = PlaneAt {
        fov: 0,
        t: 3,
        c: 1,
        z: 2,
    };

    #[test]
    fn chunks_without_signal_are_not_stored() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = PlaneWriter::new(&plan(Compression::None, ChunkMode::Tiled256));
        let mut samples = vec![0_u16; 512 * 256];
        writer.write(folder.path(), AT, &samples).unwrap();
        assert!(files(folder.path()).is_empty());
        samples[5 * 512 + 300] = 0x0102;
        writer.write(folder.path(), AT, &samples).unwrap();
        assert_eq!(files(folder.path()), ["c/3/1/2/0/1"]);
        let bytes = fs::read(folder.path().join("c/3/1/2/0/1")).unwrap();
        let at = 2 * ((300 - 256) * 256 + 5);
        assert_eq!(
            (bytes.len(), &bytes[at..at + 2]),
            (2 * 256 * 256, &[2, 1][..])
        );
    }

    #[test]
    fn a_shard_keeps_the_channels_written_before() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = PlaneWriter::new(&plan(Compression::Balanced, ChunkMode::FullFrame));
        let samples = vec![7_u16; 512 * 256];
        let index = |writer: &mut PlaneWriter, c| {
            writer
                .write(folder.path(), PlaneAt { c, ..AT }, &samples)
                .unwrap();
            assert_eq!(files(folder.path()), ["c/3/0/2/0/0"]);
            let bytes = fs::read(folder.path().join("c/3/0/2/0/0")).unwrap();
            let index = &bytes[bytes.len() - 36..bytes.len() - 4];
            assert_eq!(
                crc32c::crc32c(index).to_le_bytes(),
                bytes[bytes.len() - 4..]
            );
            index
                .chunks(8)
                .map(|word| u64::from_le_bytes(word.try_into().unwrap()))
                .collect::<Vec<_>>()
        };
        let one = index(&mut writer, 0);
        assert_eq!((one[0], one[2], one[3]), (0, u64::MAX, u64::MAX));
        let two = index(&mut writer, 1);
        assert_eq!(
            (two[0], two[1], two[2], two[3]),
            (0, one[1], one[1], one[1])
        );
    }
}
