//! What is changed: every dataset of `tests/data/squid`, acquisitions in image files, and what has checksums.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use squidview::simulate::{Plan, Structure, simulate};
use tiff::{
    encoder::{TiffEncoder, colortype},
    tags::Tag,
};

use crate::{fixture::copy, old_acquisitions, planes::data_folder, squid_data};

/// Acquisitions that are written for this.
const SIMULATED: [(&str, Structure); 2] = [
    ("multi_page", Structure::MultiPage),
    ("ome_tiff", Structure::OmeTiff),
];
/// A `.companion.ome` file and the TIFF file that it describes.
const COMPANION: &str = "companion";
/// An acquisition of 2022, with `configurations.xml`.
const OLD_IMAGES: &str = "old_images";
/// A store of one array per chain of codecs with a checksum over all samples.
const CHECKED: &str = "checked";
/// A folder of PNG files, each part of which has a checksum.
const PICTURES: &str = "pictures";
/// Folders of image files that other programs wrote: their seeds, and as what they are read.
const IMAGES: [(&str, &str, &[&str], &str); 3] = [
    (
        PICTURES,
        "picture",
        &["gray8.png", "gray16.png", "rgb.png"],
        "",
    ),
    (
        "photos",
        "picture",
        &[
            "gray.bmp",
            "gray.jpg",
            "rgb.bmp",
            "rgb.jpg",
            "progressive_gray.jpg",
            "progressive_rgb.jpg",
            "restarts.jpg",
        ],
        "",
    ),
    (
        "compressed_tiff",
        "tiff",
        &[
            "deflate_predictor",
            "lzw_strips",
            "packbits_u8",
            "big_endian",
        ],
        ".tif",
    ),
];
/// Rows and columns of the arrays.
const HEIGHT: usize = 16;
const WIDTH: usize = 24;

/// Names of all fixtures.
pub(super) fn names() -> Vec<String> {
    let mut names = squid_data::names();
    names.push("tiff_folder".into());
    names.extend(SIMULATED.map(|(name, _)| name.to_owned()));
    names.extend([COMPANION, OLD_IMAGES, CHECKED].map(str::to_owned));
    names.extend(IMAGES.map(|(name, ..)| name.to_owned()));
    names
}

/// A fixture in a folder that nobody changes.
pub(super) struct Fixture {
    pub(super) name: String,
    folder: tempfile::TempDir,
}

impl Fixture {
    /// Writes or copies it.
    pub(super) fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        put(name, folder.path());
        Self {
            name: name.to_owned(),
            folder,
        }
    }

    /// Its folder.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn put(name: &str, folder: &Path) {
    let simulated = SIMULATED.iter().find(|(known, _)| *known == name);
    if let Some(&(_, structure)) = simulated {
        let plan = Plan {
            structure,
            regions: vec![("A1".into(), 1), ("B2".into(), 1)],
            num_timepoints: 2,
            num_z: 2,
            channels: ["DAPI", "BF"].map(str::to_owned).into(),
            width: WIDTH as u32,
            height: HEIGHT as u32,
            ..Plan::default()
        };
        simulate(&plan, folder, &mut |_| true, Duration::ZERO).unwrap();
    } else if name == COMPANION {
        write_companion(folder);
    } else if name == OLD_IMAGES {
        old_acquisitions::write_plain(folder);
    } else if name == CHECKED {
        write_checked(folder);
    } else if let Some((_, seed_folder, images, ending)) =
        IMAGES.iter().find(|(known, ..)| *known == name)
    {
        for image in *images {
            let seed = seeds().join(seed_folder).join(image);
            fs::copy(seed, folder.join(format!("{image}{ending}"))).unwrap();
        }
    } else {
        copy(&data_folder().join(name), folder);
    }
}

/// Bytes of a file that a checksum covers: what is changed there must never be shown as good.
pub(super) fn checked_bytes(name: &str, file: &Path, length: usize) -> std::ops::Range<usize> {
    let is_chunk = file.components().any(|part| part.as_os_str() == "c");
    match name {
        CHECKED if is_chunk => 0..length,
        PICTURES => 0..length,
        _ if is_chunk => length - index_bytes(name, file).min(length)..length,
        _ => 0..0,
    }
}

/// Length of the index, with its checksum, at the end of a shard of Squid's; 0 for files that are no shards.
fn index_bytes(name: &str, file: &Path) -> usize {
    let array: PathBuf = file.iter().take_while(|part| *part != "c").collect();
    let Ok(text) = fs::read_to_string(data_folder().join(name).join(array).join("zarr.json"))
    else {
        return 0;
    };
    let document: Value = serde_json::from_str(&text).unwrap();
    let codec = &document["codecs"][0];
    if codec["name"] != "sharding_indexed" {
        return 0;
    }
    let lengths = |list: &Value| -> u64 {
        let numbers = list.as_array().unwrap().iter().map(Value::as_u64);
        numbers.map(Option::unwrap).product()
    };
    let shard = lengths(&document["chunk_grid"]["configuration"]["chunk_shape"]);
    let chunk = lengths(&codec["configuration"]["chunk_shape"]);
    16 * (shard / chunk) as usize + 4
}

/// Files that other programs wrote.
fn seeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz")
}

/// Two channels and two z-slices in one file that another one describes.
fn write_companion(folder: &Path) {
    const FILE: &str = "planes.ome.tif";
    const COMPANION: &str = "all.companion.ome";
    let points = format!(
        r#"<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:1"><BinaryOnly MetadataFile="{COMPANION}" UUID="urn:uuid:2"/></OME>"#
    );
    let blocks = (0..4).map(|page| {
        let (c, z) = (page / 2, page % 2);
        format!(
            r#"<TiffData FirstC="{c}" FirstZ="{z}" FirstT="0" IFD="{page}" PlaneCount="1"><UUID FileName="{FILE}">urn:uuid:1</UUID></TiffData>"#
        )
    });
    let blocks = blocks.collect::<Vec<_>>().concat();
    let document = format!(
        r#"<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:2"><Image ID="Image:0" Name="one"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="{WIDTH}" SizeY="{HEIGHT}" SizeZ="2" SizeC="2" SizeT="1" PhysicalSizeX="0.5" PhysicalSizeY="0.5" PhysicalSizeXUnit="µm"><Channel ID="Channel:0:0" Name="DAPI" Color="65535" EmissionWavelength="450"/><Channel ID="Channel:0:1" Name="BF"/>{blocks}</Pixels></Image></OME>"#
    );
    fs::write(folder.join(COMPANION), document).unwrap();
    let file = fs::File::create(folder.join(FILE)).unwrap();
    let mut encoder = TiffEncoder::new(file).unwrap();
    for page in 0..4_u16 {
        let mut image = encoder
            .new_image::<colortype::Gray16>(WIDTH as u32, HEIGHT as u32)
            .unwrap();
        if page == 0 {
            image
                .encoder()
                .write_tag(Tag::ImageDescription, points.as_str())
                .unwrap();
        }
        let samples: Vec<u16> = (0..(WIDTH * HEIGHT) as u16)
            .map(|at| at + 1000 * page)
            .collect();
        image.write_data(&samples).unwrap();
    }
}

/// A group of arrays, each with one chunk of the seeds of `chunk`, which numcodecs wrote.
fn write_checked(folder: &Path) {
    let little = json!({"name": "bytes", "configuration": {"endian": "little"}});
    let big = json!({"name": "bytes", "configuration": {"endian": "big"}});
    let crc32c = json!({"name": "crc32c"});
    let gzip = json!({"name": "gzip", "configuration": {"level": 5}});
    let zstd = json!({"name": "zstd", "configuration": {"level": 3, "checksum": true}});
    let shards = json!({"name": "sharding_indexed", "configuration": {
        "chunk_shape": [HEIGHT / 2, WIDTH], "codecs": [little, crc32c],
        "index_codecs": [little, crc32c], "index_location": "start",
    }});
    let plain_shards = json!({"name": "sharding_indexed", "configuration": {
        "chunk_shape": [HEIGHT / 2, WIDTH], "codecs": [little],
        "index_codecs": [little, crc32c], "index_location": "end",
    }});
    for (seed, codecs) in [
        ("02_big_crc32c", vec![&big, &crc32c]),
        ("03_gzip", vec![&little, &gzip]),
        ("04_zstd_crc32c", vec![&little, &zstd, &crc32c]),
        ("07_shard_crc32c", vec![&shards]),
        ("08_shard_zstd", vec![&plain_shards, &zstd]),
    ] {
        let array = folder.join(seed);
        fs::create_dir_all(array.join("c/0")).unwrap();
        let document = json!({
            "zarr_format": 3, "node_type": "array", "shape": [HEIGHT, WIDTH], "data_type": "uint16", "fill_value": 0,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [HEIGHT, WIDTH]}},
            "chunk_key_encoding": {"name": "default"}, "codecs": codecs,
        });
        fs::write(array.join("zarr.json"), document.to_string()).unwrap();
        let seed = fs::read(seeds().join("chunk").join(seed)).unwrap();
        fs::write(array.join("c/0/0"), &seed[1..]).unwrap();
    }
}
