//! What `zarrs` does not write: blosc, and arrays whose chunks are there in part; and parts of a plane, which `zarrs` reads.

use zarrs::array::{ArrayBytes, ArraySubset};

use super::{codec::tests as blosc, *};
use crate::model::MemoryOrder;

/// Containers of all compressors and shuffles, or none.
pub(super) fn containers() -> impl Strategy<Value = Option<blosc::Recipe>> {
    prop::option::of(some_container())
}

fn some_container() -> impl Strategy<Value = blosc::Recipe> {
    let shuffle = prop::sample::select(vec![0, 1, 4]);
    let type_size = prop::sample::select(vec![1, 2, 4, 8]);
    (0..5_u8, shuffle, type_size, 1..3000_usize, any::<bool>()).prop_map(
        |(compressor, shuffle, type_size, block_len, is_split)| blosc::Recipe {
            compressor,
            shuffle,
            type_size,
            block_len: block_len.next_multiple_of(type_size),
            is_split,
        },
    )
}

/// Squid's own chain: all axes reversed, and blosc; as files or in shards.
pub(super) fn squid_recipes() -> impl Strategy<Value = Recipe> {
    let lengths = (1..3_u64, 1..4_u64, 1..3_u64, 1..100_u64, 1..100_u64);
    let shard = prop::option::of((1..3_u64, 1..4_u64, 1..3_u64));
    let types = prop::sample::select(vec![
        SampleType::U8,
        SampleType::U16,
        SampleType::I16,
        SampleType::U32,
        SampleType::F32,
        SampleType::F64,
    ]);
    let sides = (1..100_u64, 1..100_u64);
    let packing = (some_container(), 0..100_u8, 0..5_u64);
    (lengths, sides, shard, types, packing).prop_map(
        |((t, c, z, y, x), (rows, columns), shard, sample_type, (container, fill, absent))| {
            Recipe {
                shape: vec![t, c, z, y, x],
                chunk: vec![1, 1, 1, rows, columns],
                shard: shard.map(|(c, y, x)| vec![1, c, 1, y, x]),
                sample_type,
                codecs: Vec::new(),
                blosc: Some(container),
                fill,
                absent,
                ..squid_recipe()
            }
        },
    )
}

fn compressor(recipe: blosc::Recipe) -> &'static str {
    ["blosclz", "lz4", "snappy", "zlib", "zstd"][usize::from(recipe.compressor)]
}

pub(super) fn blosc_v3(recipe: blosc::Recipe) -> Value {
    let shuffle = match recipe.shuffle {
        1 => "shuffle",
        4 => "bitshuffle",
        _ => "noshuffle",
    };
    json!({"name": "blosc", "configuration": {"cname": compressor(recipe), "clevel": 5,
        "shuffle": shuffle, "typesize": recipe.type_size, "blocksize": 0}})
}

pub(super) fn blosc_v2(recipe: blosc::Recipe) -> Value {
    let shuffle = match recipe.shuffle {
        4 => 2,
        other => other,
    };
    json!({"id": "blosc", "cname": compressor(recipe), "clevel": 5, "shuffle": shuffle,
        "blocksize": 0})
}

/// All places of a grid, the last axis fastest.
fn places(counts: &[u64]) -> Vec<Vec<u64>> {
    counts.iter().fold(vec![Vec::new()], |places, &count| {
        let further = |place: Vec<u64>| {
            (0..count).map(move |index| {
                let mut place = place.clone();
                place.push(index);
                place
            })
        };
        places.into_iter().flat_map(further).collect()
    })
}

impl Recipe {
    pub(super) fn is_absent(&self, chunk: &[u64]) -> bool {
        let number = chunk.iter().fold(1, |number: u64, &index| {
            (number + index).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 7
        });
        self.absent > 0 && number.is_multiple_of(self.absent)
    }

    /// Packs the chunks that were written, and removes those that are to be absent.
    pub(super) fn pack(&self, folder: &Path) {
        let ones = vec![1; self.shape.len()];
        let shard = self.shard.as_ref().unwrap_or(&ones);
        let extents = self.chunk.iter().zip(shard);
        let extents = extents.map(|(chunk, count)| chunk * count);
        let counts = self.shape.iter().zip(extents);
        let counts: Vec<u64> = counts
            .map(|(length, extent)| length.div_ceil(extent))
            .collect();
        for file in places(&counts) {
            let path = folder.join(self.key(&file));
            // Chunks of nothing but the fill value are not written.
            let Ok(bytes) = fs::read(&path) else { continue };
            let packed = match &self.shard {
                Some(shard) => Some(self.pack_shard(&bytes, &file, shard)),
                None => self.pack_chunk(&bytes, &file),
            };
            match packed {
                Some(bytes) => fs::write(path, bytes).expect("writable"),
                None => fs::remove_file(path).expect("written"),
            }
        }
    }

    fn key(&self, file: &[u64]) -> String {
        let numbers: Vec<String> = file.iter().map(u64::to_string).collect();
        match self.document().get("dimension_separator") {
            Some(separator) => numbers.join(separator.as_str().expect("text")),
            None => format!("c/{}", numbers.join("/")),
        }
    }

    fn pack_chunk(&self, bytes: &[u8], chunk: &[u64]) -> Option<Vec<u8>> {
        let pack = |recipe| blosc::blosc_container(bytes, recipe);
        (!self.is_absent(chunk)).then(|| self.blosc.map_or_else(|| bytes.to_vec(), pack))
    }

    fn pack_shard(&self, bytes: &[u8], file: &[u64], shard: &[u64]) -> Vec<u8> {
        let inner = places(shard);
        let index = &bytes[bytes.len() - inner.len() * 16 - 4..bytes.len() - 4];
        let is_big = self.endian == "big";
        let (mut packed, mut entries) = (Vec::new(), Vec::new());
        for (entry, place) in index.as_chunks::<8>().0.chunks(2).zip(inner) {
            let number = |at: usize| {
                let number = u64::from_le_bytes(entry[at]);
                if is_big { number.swap_bytes() } else { number }
            };
            let (offset, len) = (number(0) as usize, number(1) as usize);
            let place = place.iter().zip(file).zip(shard);
            let chunk: Vec<u64> = place
                .map(|((inner, file), count)| file * count + inner)
                .collect();
            let chunk = (offset != usize::MAX)
                .then(|| self.pack_chunk(&bytes[offset..offset + len], &chunk))
                .flatten();
            entries.extend(match &chunk {
                Some(chunk) => [packed.len() as u64, chunk.len() as u64],
                None => [u64::MAX; 2],
            });
            packed.extend(chunk.into_iter().flatten());
        }
        let index: Vec<u8> = entries
            .iter()
            .flat_map(|number| {
                let number = if is_big { number.swap_bytes() } else { *number };
                number.to_le_bytes()
            })
            .collect();
        packed.extend(&index);
        packed.extend(crc32c::crc32c(&index).to_le_bytes());
        packed
    }

    /// Parts of a plane, whatever its tiles are, have the samples that were written, and those that `zarrs` reads.
    pub(super) fn check_parts(
        &self,
        folder: &Path,
        wanted: PlaneId,
        dataset: &Dataset,
        parts: &[[u16; 4]],
    ) {
        let image = locate::image_of(dataset, wanted).expect("opened");
        let place = locate::place(dataset, image, wanted, 0).expect("inside");
        let array = Store::new().array_at(dataset, image, &place);
        let array = array.expect("readable").expect("there");
        assert!(matches!(array.chunks.chain, Chain::Ours(_)));
        let slab = place.in_array(&array, image, 0).expect("the same");
        let (width, height) = image.plane_size();
        let scaled = |part: u16, most: u32| u32::from(part) * most / 65_536;
        for &[x, y, across, down] in parts {
            let (x, y) = (scaled(x, width), scaled(y, height));
            let rect = TileRect {
                x,
                y,
                width: 1 + scaled(across, width - x),
                height: 1 + scaled(down, height - y),
            };
            let read = zarr::read(&array, &slab, rect, Taking::Waits);
            let pixels = read.expect("readable").expect("waited for").pixels;
            for (x, y) in (0..rect.width).flat_map(|x| (0..rect.height).map(move |y| (x, y))) {
                let expected = self.expected(wanted, rect.x + x, rect.y + y);
                assert_eq!(pixels.value(x, y), expected, "({x}, {y}) of {rect:?}");
            }
            let theirs = self.read_by_zarrs(folder, wanted, rect);
            assert_eq!(pixels.to_rows(), theirs.to_rows(), "{rect:?}");
        }
    }

    fn read_by_zarrs(&self, folder: &Path, wanted: PlaneId, rect: TileRect) -> Pixels {
        let metadata = serde_json::from_value(self.document()).expect("a document of ours");
        let store = Arc::new(FilesystemStore::new(folder).expect("a store"));
        let array = Array::new_with_metadata(store, "/", metadata).expect("an array of ours");
        let first = self.position(wanted, rect.x, rect.y).into_iter();
        let ranges = first.zip(self.axes.chars()).map(|(start, letter)| {
            let len = match letter {
                'y' => rect.height,
                'x' => rect.width,
                _ => 1,
            };
            start..start + u64::from(len)
        });
        let subset = ArraySubset::new_with_ranges(&ranges.collect::<Vec<_>>());
        let bytes: ArrayBytes<'_> = array.retrieve_array_subset(&subset).expect("readable");
        let bytes = bytes.into_fixed().expect("numbers");
        let num_samples = (rect.width * rect.height) as usize;
        let mut samples = Samples::zeros(self.sample_type, num_samples);
        samples.as_bytes_mut().copy_from_slice(&bytes);
        let order = if self.axes.find('y') < self.axes.find('x') {
            MemoryOrder::RowMajor
        } else {
            MemoryOrder::ColumnMajor
        };
        Pixels::new(rect.width, rect.height, order, samples).expect("as many as there are")
    }
}
