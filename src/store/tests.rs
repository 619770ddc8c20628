//! Tiles of arrays that `zarrs` wrote, and of arrays with holes; hostile ones in [`hostile`].

use std::{fs, path::Path};

use proptest::prelude::*;
use serde_json::{Value, json};
use zarrs::{array::Array, filesystem::FilesystemStore};

use super::{array::Chain, *};
use crate::{
    dataset::{
        Acquisition, Arrays, Fov, FovOpener, ImageSlot, Labels, Level, OpenFovError, OpenedFov,
        Sampling, ZarrFormat, ZarrLocator,
    },
    model::{Axis, AxisRole, DatasetId, FovId, SampleType, Samples, TileGrid, ZPick},
};

mod hostile;
mod kept_indices;
mod large_chunks;
mod lines;
mod packed;
mod shards;

struct NoOpener;

impl FovOpener for NoOpener {
    fn open_fov(&self, _: &Dataset, _: FovId) -> Result<OpenedFov, OpenFovError> {
        unreachable!("all images are opened")
    }
}

fn role_of(letter: char) -> AxisRole {
    match letter {
        't' => AxisRole::Time,
        'c' => AxisRole::Channel,
        'z' => AxisRole::Z,
        'y' => AxisRole::Y,
        'x' => AxisRole::X,
        'f' => AxisRole::Fov,
        _ => AxisRole::Other,
    }
}

fn image(axes: &str, shape: &[u64], sample_type: SampleType, arrays: Arrays) -> Image {
    let length = |letter| axes.find(letter).map_or(1, |at| shape[at]) as u32;
    let grid = TileGrid::of_stored(length('x'), length('y'), 1, 1);
    let computed: Vec<TileGrid> = std::iter::successors(grid.halved(), TileGrid::halved)
        .take(2)
        .collect();
    Image {
        axes: axes
            .chars()
            .map(|letter| Axis {
                name: letter.to_string(),
                role: role_of(letter),
                unit: None,
            })
            .collect(),
        sample_type,
        levels: vec![Level {
            path: "0".to_owned(),
            arrays,
            shape: shape.to_vec(),
            scale: None,
            translation: None,
            grid,
        }],
        computed,
        channels: Vec::new(),
        sampling: Sampling::default(),
        labels: Vec::new(),
        storage: String::new(),
        ngff: None,
        complete: None,
    }
}

/// A dataset of one image; `complete`: whether it is an acquisition, and finished.
fn dataset(image: Image, complete: Option<bool>) -> Dataset {
    let image = Arc::new(image);
    Dataset {
        id: DatasetId::unique(),
        revision: 0,
        root: PathBuf::from("dataset"),
        name: String::new(),
        kind: DatasetKind::Image,
        layout: String::new(),
        ngff: None,
        zarr_format: None,
        fovs: vec![Fov {
            present: true,
            ..Fov::default()
        }]
        .into(),
        order: vec![FovId(0)].into(),
        images: vec![ImageSlot::Opened(Arc::clone(&image))],
        template: image,
        labels: Labels::default(),
        announcement: None,
        is_announced_to_end: false,
        is_template_read: true,
        known_timepoints: 0,
        acquisition: complete.map(|complete| Acquisition {
            complete: Some(complete),
            ..Acquisition::default()
        }),
        plate: None,
        problems: Vec::new(),
        opener: Arc::new(NoOpener),
    }
}

fn plane(t: u32, c: u16, z: u32) -> PlaneId {
    PlaneId {
        fov: FovId(0),
        layer: 0,
        t,
        c,
        z: ZPick::Slice(z),
        extra: 0,
        level: 0,
    }
}

fn locator(folder: &Path, format: ZarrFormat, document: Option<&Value>) -> ZarrLocator {
    ZarrLocator {
        folder: folder.to_path_buf(),
        format,
        document: document.map(|value| value.to_string().into()),
    }
}

/// An array as `zarrs` writes it, with a position along its axes in every sample.
#[derive(Clone, Debug)]
struct Recipe {
    axes: String,
    shape: Vec<u64>,
    chunk: Vec<u64>,
    /// Chunks of a shard along each axis.
    shard: Option<Vec<u64>>,
    order: Vec<usize>,
    sample_type: SampleType,
    endian: &'static str,
    codecs: Vec<&'static str>,
    is_v2: bool,
    /// The codec behind those, which `zarrs` does not write.
    blosc: Option<codec::tests::Recipe>,
    /// What absent chunks consist of.
    fill: u8,
    /// One of so many chunks is absent; 0: none.
    absent: u64,
}

fn codec_json(name: &str) -> Value {
    match name {
        "gzip" => json!({"name": "gzip", "configuration": {"level": 1}}),
        "zstd" => json!({"name": "zstd", "configuration": {"level": 1, "checksum": false}}),
        other => json!({"name": other}),
    }
}

impl Recipe {
    fn document(&self) -> Value {
        if self.is_v2 {
            self.document_v2()
        } else {
            self.document_v3()
        }
    }

    fn document_v2(&self) -> Value {
        let size = self.sample_type.num_bytes();
        let kind = match self.sample_type {
            SampleType::Bool => 'b',
            SampleType::U8 | SampleType::U16 | SampleType::U32 | SampleType::U64 => 'u',
            SampleType::I8 | SampleType::I16 | SampleType::I32 | SampleType::I64 => 'i',
            _ => 'f',
        };
        let endian = match (size, self.endian) {
            (1, _) => '|',
            (_, "big") => '>',
            _ => '<',
        };
        let compressor = match self.codecs.first() {
            Some(&"gzip") => json!({"id": "gzip", "level": 1}),
            Some(&"zstd") => json!({"id": "zstd", "level": 1}),
            _ => self.blosc.map_or(Value::Null, packed::blosc_v2),
        };
        let fill = match self.fill {
            0 => Value::Null,
            _ => self.fill_json(),
        };
        let is_f = self.order.first() != Some(&0);
        json!({"zarr_format": 2, "shape": self.shape, "chunks": self.chunk,
            "dtype": format!("{endian}{kind}{size}"), "compressor": compressor, "filters": null,
            "fill_value": fill, "order": if is_f { "F" } else { "C" },
            "dimension_separator": if is_f { "/" } else { "." }})
    }

    fn document_v3(&self) -> Value {
        let bytes = json!({"name": "bytes", "configuration": {"endian": self.endian}});
        let mut codecs = vec![
            json!({"name": "transpose", "configuration": {"order": self.order}}),
            bytes.clone(),
        ];
        codecs.extend(self.codecs.iter().map(|name| codec_json(name)));
        codecs.extend(self.blosc.map(packed::blosc_v3));
        let mut file = self.chunk.clone();
        if let Some(shard) = &self.shard {
            file = file
                .iter()
                .zip(shard)
                .map(|(chunk, count)| chunk * count)
                .collect();
            codecs = vec![json!({"name": "sharding_indexed", "configuration": {
                "chunk_shape": self.chunk, "codecs": codecs, "index_location": "end",
                "index_codecs": [bytes, {"name": "crc32c"}]}})];
        }
        json!({"zarr_format": 3, "node_type": "array", "shape": self.shape,
            "data_type": self.sample_type.name(), "fill_value": self.fill_json(), "codecs": codecs,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": file}},
            "chunk_key_encoding": {"name": "default"}})
    }

    fn fill_json(&self) -> Value {
        match self.sample_type {
            SampleType::Bool => json!(self.fill != 0),
            _ => json!(self.fill),
        }
    }

    /// The sample at a place of the C order of the array; few bits, so that every type can hold it.
    fn sample(&self, at: usize) -> Samples {
        let number = (at * 31 + at / 7) as u32;
        match self.sample_type {
            SampleType::Bool => Samples::Bool(vec![(number & 1) as u8]),
            SampleType::U8 => Samples::U8(vec![number as u8]),
            SampleType::U16 => Samples::U16(vec![number as u16]),
            SampleType::U32 => Samples::U32(vec![number.wrapping_mul(70_001)]),
            SampleType::U64 => Samples::U64(vec![u64::from(number) << 30]),
            SampleType::I8 => Samples::I8(vec![number as i8]),
            SampleType::I16 => Samples::I16(vec![number as i16]),
            SampleType::I32 => Samples::I32(vec![-(number as i32)]),
            SampleType::I64 => Samples::I64(vec![-(i64::from(number) << 30)]),
            SampleType::F16 => Samples::F16(vec![half::f16::from_f32((number % 2048) as f32)]),
            SampleType::F32 => Samples::F32(vec![number as f32 / 4.0]),
            SampleType::F64 => Samples::F64(vec![f64::from(number) / 4.0]),
        }
    }

    fn write(&self, folder: &Path) {
        register::register_codecs();
        let unpacked = Self {
            blosc: None,
            ..self.clone()
        };
        let metadata = serde_json::from_value(unpacked.document()).expect("a document of ours");
        let store = Arc::new(FilesystemStore::new(folder).expect("a store"));
        let array = Array::new_with_metadata(store, "/", metadata).expect("an array of ours");
        let num_samples = self.shape.iter().product::<u64>() as usize;
        let bytes: Vec<u8> = (0..num_samples)
            .flat_map(|at| self.sample(at).as_bytes().to_vec())
            .collect();
        array
            .store_array_subset(
                &array.subset_all(),
                zarrs::array::ArrayBytes::new_flen(bytes),
            )
            .expect("writable");
        // An array without its document counts as gone.
        array.store_metadata().expect("writable");
        if self.blosc.is_some() || self.absent > 0 {
            self.pack(folder);
        }
    }

    fn dataset(&self, folder: &Path) -> Dataset {
        let format = if self.is_v2 {
            ZarrFormat::V2
        } else {
            ZarrFormat::V3
        };
        let arrays = Arrays::One(locator(folder, format, Some(&self.document())));
        dataset(
            image(&self.axes, &self.shape, self.sample_type, arrays),
            None,
        )
    }

    /// The place of a pixel along each axis of the array.
    fn position(&self, plane: PlaneId, x: u32, y: u32) -> Vec<u64> {
        let ZPick::Slice(z) = plane.z else {
            unreachable!("slices only")
        };
        let index = |letter| match letter {
            't' => plane.t,
            'c' => u32::from(plane.c),
            'z' => z,
            'y' => y,
            'x' => x,
            _ => plane.extra,
        };
        self.axes
            .chars()
            .map(|letter| u64::from(index(letter)))
            .collect()
    }

    /// The place of a pixel in the C order of the array.
    fn place(&self, plane: PlaneId, x: u32, y: u32) -> usize {
        let axes = self.position(plane, x, y).into_iter().zip(&self.shape);
        axes.fold(0, |place, (index, &length)| place * length + index) as usize
    }

    /// The sample of a pixel, or what is there in its place.
    fn expected(&self, plane: PlaneId, x: u32, y: u32) -> Option<crate::model::Value> {
        let position = self.position(plane, x, y).into_iter().zip(&self.chunk);
        let chunk: Vec<u64> = position.map(|(index, extent)| index / extent).collect();
        let sample = if self.is_absent(&chunk) {
            fill::parse_fill(self.sample_type, Some(&self.fill_json())).expect("a number")
        } else {
            self.sample(self.place(plane, x, y))
        };
        sample.value(0)
    }

    fn check(&self) {
        self.check_with(&[]);
    }

    /// Reads two planes, and parts of one, each given by its place and size in 65536ths.
    fn check_with(&self, parts: &[[u16; 4]]) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        self.write(folder.path());
        let dataset = self.dataset(folder.path());
        let store = Store::new();
        let last = |letter| self.axes.find(letter).map_or(0, |at| self.shape[at] - 1) as u32;
        let far = PlaneId {
            extra: last('a'),
            ..plane(last('t'), last('c') as u16, last('z'))
        };
        for wanted in [plane(0, 0, 0), far] {
            let read = store
                .read_tile(&dataset, TileId::whole(wanted), Absence::AsStored)
                .expect("readable");
            let ReadOutcome::Pixels { tiles, state } = read else {
                panic!("absent")
            };
            // An all-zero chunk may have been left out, which is the fill value here.
            assert_eq!(state, PlaneState::Written);
            let pixels = &tiles[0].pixels;
            for y in 0..pixels.height() {
                for x in 0..pixels.width() {
                    let expected = self.expected(wanted, x, y);
                    assert_eq!(pixels.value(x, y), expected, "({x}, {y}) of {wanted:?}");
                }
            }
        }
        self.check_foreign(folder.path(), far, &store, &dataset);
        self.check_parts(folder.path(), far, &dataset, parts);
    }

    /// `zarrs` decodes to the same pixels.
    fn check_foreign(&self, folder: &Path, wanted: PlaneId, store: &Store, dataset: &Dataset) {
        let image = locate::image_of(dataset, wanted).expect("opened");
        let place = locate::place(dataset, image, wanted, 0).expect("inside");
        let array = store
            .array_at(dataset, image, &place)
            .expect("readable")
            .expect("there");
        assert!(matches!(array.chunks.chain, Chain::Ours(_)), "ours");
        let slab = place.in_array(&array, image, 0).expect("the same");
        let mut foreign = array.as_ref().clone();
        foreign.chunks = chain::foreign_of(&self.document(), &array.file_shape, self.sample_type);
        let (width, height) = image.plane_size();
        let rect = TileRect {
            x: 0,
            y: 0,
            width,
            height,
        };
        let generic = zarr::read(&foreign, &slab, rect, Taking::Waits)
            .expect("readable")
            .expect("waited for");
        let ReadOutcome::Pixels { tiles, .. } = store
            .read_tile(dataset, TileId::whole(wanted), Absence::AsStored)
            .expect("readable")
        else {
            panic!("absent in {folder:?}")
        };
        assert_eq!(generic.pixels.to_rows(), tiles[0].pixels.to_rows());
    }
}

fn recipes() -> impl Strategy<Value = Recipe> {
    let axes = prop::sample::subsequence(vec!['t', 'c', 'z', 'a'], 0..=3)
        .prop_map(|others| others.into_iter().chain(['y', 'x']).collect::<Vec<_>>())
        .prop_shuffle();
    let lengths = axes.prop_flat_map(|axes| {
        let extents: Vec<_> = axes
            .iter()
            .map(|letter| {
                if "yx".contains(*letter) {
                    (1..40_u64, 1..24_u64)
                } else {
                    (1..4, 1..3)
                }
            })
            .collect();
        let rank = axes.len();
        (
            Just(axes),
            extents,
            prop::option::of(prop::collection::vec(1..4_u64, rank)),
            Just((0..rank).collect::<Vec<_>>()).prop_shuffle(),
        )
    });
    let codecs = prop::sample::select(vec![
        vec![],
        vec!["gzip"],
        vec!["zstd"],
        vec!["crc32c"],
        vec!["zstd", "crc32c"],
        vec!["gzip", "zstd"],
    ]);
    let endian = prop::sample::select(vec!["little", "big"]);
    let types = prop::sample::select(SampleType::ALL.to_vec());
    let kinds = (any::<bool>(), any::<bool>(), any::<bool>());
    let packing = (packed::containers(), 0..100_u8, 0..5_u64);
    (lengths, types, endian, codecs, kinds, packing).prop_map(
        |((axes, extents, shard, order), sample_type, endian, codecs, kinds, packing)| {
            let (is_v2, is_f, is_reversed) = kinds;
            let (blosc, fill, absent) = packing;
            let rank = axes.len();
            let order = if is_reversed {
                (0..rank).rev().collect()
            } else {
                order
            };
            let v2_order = if is_f {
                (0..rank).rev().collect()
            } else {
                (0..rank).collect()
            };
            let num_codecs = codecs.len() + usize::from(blosc.is_some());
            let is_v2 = is_v2 && shard.is_none() && codecs != ["crc32c"] && num_codecs < 2;
            Recipe {
                axes: axes.into_iter().collect(),
                shape: extents.iter().map(|extent| extent.0).collect(),
                chunk: extents.iter().map(|extent| extent.1).collect(),
                shard,
                order: if is_v2 { v2_order } else { order },
                sample_type,
                endian,
                codecs,
                is_v2,
                blosc,
                fill,
                absent,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn whatever_zarrs_writes_is_read_alike(recipe in recipes(), parts in prop::collection::vec(any::<[u16; 4]>(), 3)) {
        recipe.check_with(&parts);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn what_squid_writes_is_read_alike(recipe in packed::squid_recipes(), parts in prop::collection::vec(any::<[u16; 4]>(), 3)) {
        recipe.check_with(&parts);
    }
}

fn squid_recipe() -> Recipe {
    Recipe {
        axes: "tczyx".to_owned(),
        shape: vec![2, 2, 3, 20, 30],
        chunk: vec![1, 1, 1, 20, 30],
        shard: None,
        order: vec![4, 3, 2, 1, 0],
        sample_type: SampleType::U16,
        endian: "little",
        codecs: vec!["zstd"],
        is_v2: false,
        blosc: None,
        fill: 0,
        absent: 0,
    }
}

#[test]
fn a_transposed_chunk_becomes_a_column_major_tile() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recipe = squid_recipe();
    recipe.write(folder.path());
    let read = Store::new()
        .read_tile(
            &recipe.dataset(folder.path()),
            TileId::whole(plane(1, 1, 2)),
            Absence::AsStored,
        )
        .expect("readable");
    let ReadOutcome::Pixels { tiles, .. } = read else {
        panic!("absent")
    };
    assert_eq!(
        tiles[0].pixels.order(),
        crate::model::MemoryOrder::ColumnMajor
    );
}

#[test]
fn a_computed_level_brings_the_levels_it_was_made_of() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recipe = squid_recipe();
    recipe.write(folder.path());
    let dataset = recipe.dataset(folder.path());
    let tile = TileId::whole(plane(0, 0, 0).at_level(2));
    let read = Store::new()
        .read_tile(&dataset, tile, Absence::AsStored)
        .expect("readable");
    let ReadOutcome::Pixels { tiles, .. } = read else {
        panic!("absent")
    };
    let found: Vec<_> = tiles
        .iter()
        .map(|read| {
            (
                read.tile.plane.level,
                read.pixels.width(),
                read.pixels.height(),
            )
        })
        .collect();
    assert_eq!(found, [(2, 8, 5), (0, 30, 20), (1, 15, 10)]);
    assert_eq!(*tiles[0].pixels, mean::halved(&tiles[2].pixels));
}

/// Gaps of a tile whose chunks of 10 x 20 pixels are absent at these rows and columns, as [x, y, width, height].
fn check_gaps(order: &[usize], absent: &[[u32; 2]], expected: &[[u32; 4]]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recipe = Recipe {
        chunk: vec![1, 1, 1, 10, 20],
        order: order.to_vec(),
        ..squid_recipe()
    };
    recipe.write(folder.path());
    for [row, col] in absent {
        fs::remove_file(folder.path().join(format!("c/0/0/0/{row}/{col}"))).expect("written");
    }
    let dataset = Dataset {
        acquisition: Some(Acquisition::default()),
        ..recipe.dataset(folder.path())
    };
    let read = Store::new()
        .read_tile(&dataset, TileId::whole(plane(0, 0, 0)), Absence::AsStored)
        .expect("readable");
    let ReadOutcome::Pixels { tiles, .. } = read else {
        panic!("absent")
    };
    let gaps = tiles[0].pixels.gaps().iter();
    let found: Vec<_> = gaps
        .map(|gap| [gap.x, gap.y, gap.width, gap.height])
        .collect();
    assert_eq!(found, expected, "{order:?}");
}

#[test]
fn gaps_are_where_chunks_are_absent_in_both_memory_orders() {
    // 30 columns, 20 rows: the last column of chunks is cut off.
    let (rows, columns) = ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0]);
    for order in [rows, columns] {
        check_gaps(&order, &[[1, 1]], &[[20, 10, 10, 10]]);
        check_gaps(&order, &[], &[]);
    }
    check_gaps(&rows, &[[1, 0], [1, 1]], &[[0, 10, 30, 10]]);
    check_gaps(&columns, &[[0, 1], [1, 1]], &[[20, 0, 10, 20]]);
}

#[test]
fn absent_chunks_are_states_while_running_and_fill_values_later() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recipe = Recipe {
        chunk: vec![1, 1, 1, 10, 30],
        ..squid_recipe()
    };
    recipe.write(folder.path());
    fs::remove_file(folder.path().join("c/0/0/0/1/0")).expect("written");
    for row in 0..2 {
        fs::remove_file(folder.path().join(format!("c/0/0/1/{row}/0"))).expect("written");
    }
    let store = Store::new();
    let partial = PlaneState::Partial {
        present: 1,
        total: 2,
    };
    let cases = [
        (Some(false), 0, Some(partial.clone()), partial),
        (Some(false), 1, None, PlaneState::Planned),
        (
            Some(false),
            2,
            Some(PlaneState::Written),
            PlaneState::Written,
        ),
        (
            Some(true),
            0,
            Some(PlaneState::Written),
            PlaneState::Written,
        ),
        (None, 1, Some(PlaneState::Written), PlaneState::Written),
    ];
    for (complete, z, expected, presence) in cases {
        let dataset = Dataset {
            acquisition: complete.map(|complete| Acquisition {
                complete: Some(complete),
                ..Acquisition::default()
            }),
            ..recipe.dataset(folder.path())
        };
        let read = store
            .read_tile(&dataset, TileId::whole(plane(0, 0, z)), Absence::AsStored)
            .expect("readable");
        let found = match read {
            ReadOutcome::Pixels { state, .. } => Some(state),
            ReadOutcome::Absent(_) => None,
        };
        assert_eq!(found, expected, "z {z}, complete {complete:?}");
        assert_eq!(store.presence(&dataset, plane(0, 0, z)), Ok(presence));
    }
}

#[test]
fn absent_inner_chunks_of_a_shard_are_seen() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recipe = Recipe {
        shard: Some(vec![1, 2, 1, 1, 1]),
        ..squid_recipe()
    };
    recipe.write(folder.path());
    // Mark the second channel as absent, with the checksum that belongs to it.
    let path = folder.path().join("c/0/0/0/0/0");
    let mut bytes = fs::read(&path).expect("written");
    let index = bytes.len() - 36;
    bytes[index + 16..index + 32].fill(0xff);
    let sum = crc32c::crc32c(&bytes[index..index + 32]);
    bytes[index + 32..].copy_from_slice(&sum.to_le_bytes());
    fs::write(&path, bytes).expect("writable");
    let mut dataset = recipe.dataset(folder.path());
    dataset.acquisition = Some(Acquisition::default());
    let store = Store::new();
    let state = |c| store.presence(&dataset, plane(0, c, 0)).expect("readable");
    assert_eq!(
        (state(0), state(1)),
        (PlaneState::Written, PlaneState::Planned)
    );
    let read = store
        .read_tile(&dataset, TileId::whole(plane(0, 1, 0)), Absence::AsStored)
        .expect("readable");
    assert!(matches!(read, ReadOutcome::Absent(_)));
}

#[test]
fn indices_beyond_an_axis_are_out_of_range() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dataset = squid_recipe().dataset(folder.path());
    let beyond = [
        plane(2, 0, 0),
        plane(0, 2, 0),
        plane(0, 0, 3),
        PlaneId {
            extra: 1,
            ..plane(0, 0, 0)
        },
        PlaneId {
            fov: FovId(1),
            ..plane(0, 0, 0)
        },
        PlaneId {
            z: ZPick::Max,
            ..plane(0, 0, 0)
        },
        plane(0, 0, 0).at_level(9),
    ];
    for wanted in beyond {
        let error = Store::new()
            .read_tile(&dataset, TileId::whole(wanted), Absence::AsStored)
            .expect_err("beyond");
        assert_eq!(error.code, Code::OutOfRange, "{wanted:?}");
    }
    let outside = TileId {
        row: 1,
        ..TileId::whole(plane(0, 0, 0))
    };
    let error = Store::new()
        .read_tile(&dataset, outside, Absence::AsStored)
        .expect_err("outside");
    assert_eq!(error.code, Code::OutOfRange);
}

#[test]
fn timepoints_in_stores_of_their_own_are_joined() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recipe = Recipe {
        shape: vec![1, 2, 3, 20, 30],
        ..squid_recipe()
    };
    recipe.write(folder.path());
    fs::write(
        folder.path().join("zarr.json"),
        recipe.document().to_string(),
    )
    .expect("writable");
    let arrays = Arrays::PerTimepoint(vec![
        None,
        Some(locator(folder.path(), ZarrFormat::V3, None)),
        Some(locator(&folder.path().join("none"), ZarrFormat::V3, None)),
    ]);
    let image = image("tczyx", &[3, 2, 3, 20, 30], SampleType::U16, arrays);
    let dataset = dataset(image, Some(false));
    let store = Store::new();
    let read = |t| {
        store
            .read_tile(&dataset, TileId::whole(plane(t, 1, 2)), Absence::AsStored)
            .expect("readable")
    };
    assert!(matches!(read(0), ReadOutcome::Absent(_)));
    assert!(matches!(read(2), ReadOutcome::Absent(_)));
    let ReadOutcome::Pixels { tiles, .. } = read(1) else {
        panic!("absent")
    };
    let expected = recipe.sample(recipe.place(plane(0, 1, 2), 3, 4)).value(0);
    assert_eq!(tiles[0].pixels.value(3, 4), expected);
    let file = store.file_of(&dataset, plane(1, 1, 2)).expect("named");
    assert_eq!(file, folder.path().join("c/0/1/2/0/0"));
}

#[test]
fn blosc_chunks_are_read_by_both_paths() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recipe = Recipe {
        axes: "yx".into(),
        shape: vec![20, 30],
        chunk: vec![20, 30],
        order: vec![1, 0],
        codecs: vec!["blosc"],
        ..squid_recipe()
    };
    let data: Vec<u8> = (0..20 * 30_u16)
        .flat_map(|at| {
            // Stored column by column.
            let (x, y) = (usize::from(at / 20), usize::from(at % 20));
            recipe.sample(y * 30 + x).as_bytes().to_vec()
        })
        .collect();
    let packed = codec::tests::blosc_container(&data, codec::tests::lz4_recipe(data.len()));
    fs::create_dir_all(folder.path().join("c/0")).expect("writable");
    fs::write(folder.path().join("c/0/0"), packed).expect("writable");
    let dataset = recipe.dataset(folder.path());
    let store = Store::new();
    let read = store
        .read_tile(&dataset, TileId::whole(plane(0, 0, 0)), Absence::AsStored)
        .expect("readable");
    let ReadOutcome::Pixels { tiles, .. } = read else {
        panic!("absent")
    };
    assert_eq!(
        tiles[0].pixels.value(7, 5),
        recipe.sample(5 * 30 + 7).value(0)
    );
    recipe.check_foreign(folder.path(), plane(0, 0, 0), &store, &dataset);
}

#[test]
fn an_unusual_chain_goes_through_zarrs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recipe = Recipe {
        axes: "zyx".into(),
        shape: vec![4, 9, 7],
        chunk: vec![2, 9, 7],
        order: vec![0, 2, 1],
        ..squid_recipe()
    };
    // Two transposes in a row.
    let mut document = recipe.document();
    document["codecs"].as_array_mut().expect("a list").insert(
        0,
        json!({
        "name": "transpose", "configuration": {"order": [2, 0, 1]}}),
    );
    register::register_codecs();
    let metadata = serde_json::from_value(document.clone()).expect("a document");
    let store = Arc::new(FilesystemStore::new(folder.path()).expect("a store"));
    let array = Array::new_with_metadata(store, "/", metadata).expect("an array");
    let samples: Vec<u16> = (1..=4 * 9 * 7).collect();
    array
        .store_array_subset(&array.subset_all(), &samples[..])
        .expect("writable");
    let arrays = Arrays::One(locator(folder.path(), ZarrFormat::V3, Some(&document)));
    let dataset = dataset(image("zyx", &[4, 9, 7], SampleType::U16, arrays), None);
    let read = Store::new()
        .read_tile(&dataset, TileId::whole(plane(0, 0, 3)), Absence::AsStored)
        .expect("readable");
    let ReadOutcome::Pixels { tiles, state } = read else {
        panic!("absent")
    };
    assert_eq!(state, PlaneState::Written);
    assert_eq!(
        tiles[0].pixels.samples(),
        &Samples::U16(samples[3 * 63..].to_vec())
    );
}
