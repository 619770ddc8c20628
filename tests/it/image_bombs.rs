//! Small image files that say they are large: read within 5 s and 512 MiB, or refused with the figure.

use std::{
    fs::{self, File, FileTimes},
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use flate2::{Compress, Compression, FlushCompress};
use squidview::{
    image_file::{self, Wanted},
    model::{Code, limits},
};

use crate::mutated::bounded_answer;

/// A side of an image whose pixels no such file can hold.
const SIDE: u32 = 20_000;

struct Bomb {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Bomb {
    /// A file that nobody has written to for long, with nothing but a hole up to its end.
    fn new(name: &str, bytes: &[u8], length: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let file = File::create(&path).unwrap();
        (&file).write_all(bytes).unwrap();
        file.set_len(length.max(bytes.len()) as u64).unwrap();
        let long_ago = SystemTime::now() - Duration::from_hours(1);
        file.set_times(FileTimes::new().set_modified(long_ago))
            .unwrap();
        Self {
            _folder: folder,
            path,
        }
    }

    /// What `inspect` and `plane` say, each within time and memory.
    fn answers(&self) -> [serde_json::Value; 2] {
        let path = self.path.to_str().unwrap();
        [
            bounded_answer(&["inspect", path, "--json"]),
            bounded_answer(&["plane", path, "--stats"]),
        ]
    }

    /// It is refused as that, by words with a figure.
    fn check(&self, code: &str, words: &str) {
        let answers = self.answers();
        let error = &answers[1]["error"];
        let message = error["message"].as_str().unwrap_or_default();
        let is_said = error["code"] == code && message.contains(words);
        assert!(is_said, "{}: {answers:?}", self.path.display());
    }
}

/// A zlib stream of nothing but zeros, made of one piece again and again.
fn zeros(num_bytes: usize) -> Vec<u8> {
    const PIECE: usize = 1 << 20;
    let deflated = |count: usize, flush: FlushCompress| {
        let mut compress = Compress::new(Compression::best(), false);
        let mut bytes = Vec::with_capacity(PIECE);
        let zeros = vec![0; count];
        compress.compress_vec(&zeros, &mut bytes, flush).unwrap();
        bytes
    };
    let mut stream = vec![0x78, 0x9c];
    let piece = deflated(PIECE, FlushCompress::Full);
    for _ in 0..num_bytes / PIECE {
        stream.extend(&piece);
    }
    stream.extend(deflated(num_bytes % PIECE, FlushCompress::Finish));
    // Adler-32 of zeros.
    let low = 1;
    let high = (num_bytes % 65521) as u32;
    stream.extend((high << 16 | low).to_be_bytes());
    stream
}

fn png_chunk(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&kind);
    hasher.update(body);
    let length = (body.len() as u32).to_be_bytes();
    let checksum = hasher.finalize().to_be_bytes();
    [&length[..], &kind, body, &checksum].concat()
}

fn png_head(side: u32, bits: u8) -> Vec<u8> {
    let side = side.to_be_bytes();
    let header = [&side[..], &side, &[bits, 0, 0, 0, 0]].concat();
    [
        b"\x89PNG\r\n\x1a\n",
        png_chunk(*b"IHDR", &header).as_slice(),
    ]
    .concat()
}

/// A black PNG with something between its header and its samples.
fn png(side: u32, bits: u8, between: &[u8]) -> Vec<u8> {
    let row = (side as usize * usize::from(bits)).div_ceil(8) + 1;
    let samples = png_chunk(*b"IDAT", &zeros(row * side as usize));
    [
        png_head(side, bits).as_slice(),
        between,
        &samples,
        &png_chunk(*b"IEND", &[]),
    ]
    .concat()
}

#[test]
fn what_a_png_says_beside_its_pixels_is_passed_over_within_bounds() {
    let profile = [b"x\0\0".as_slice(), &zeros(1 << 30)].concat();
    let text = [b"x\0\0".as_slice(), &zeros(1 << 28)].concat();
    for (kind, body) in [(*b"iCCP", &profile), (*b"zTXt", &text)] {
        let bomb = Bomb::new("a.png", &png(64, 8, &png_chunk(kind, body)), 0);
        let [inspected, plane] = bomb.answers();
        assert!(inspected["error"].is_null(), "{inspected}");
        assert_eq!(plane["max"], 0, "{plane}");
    }
    // One of 2 GiB: a hole in the file.
    let mut bytes = png_head(64, 8);
    bytes.extend(i32::MAX.to_be_bytes());
    bytes.extend(b"prVt");
    Bomb::new("a.png", &bytes, 1 << 31).check("too_large", "more than 16777216 bytes before");
}

#[test]
fn images_that_their_bytes_cannot_make_are_refused() {
    let most = |encoded: usize| {
        let more = limits::DECODED_PER_ENCODED * encoded as u64;
        format!(
            "{encoded} bytes that make 400000000 where at most {} are made",
            limits::FREE_DECODED_BYTES + more
        )
    };
    for bits in [1, 8] {
        let bytes = png(SIDE, bits, &[]);
        Bomb::new("a.png", &bytes, 0).check("too_large", &most(bytes.len()));
    }
    for bits in [4, 8] {
        let bytes = bmp(SIDE, bits);
        let expected = if bits == 4 {
            "make 1200000000"
        } else {
            "make 400000000"
        };
        Bomb::new("a.bmp", &bytes, 0).check("too_large", expected);
    }
    for (name, expected) in [
        ("gray.jpg", "make 400000000"),
        // With two bytes for each sample beside.
        ("progressive_gray.jpg", "make 800000000"),
    ] {
        Bomb::new("a.jpg", &jpeg(name, SIDE as u16), 0).check("too_large", expected);
    }
    let strip = zeros((SIDE * SIDE) as usize);
    let bytes = tiff(SIDE, 8, &strip);
    Bomb::new("a.tif", &bytes, 0).check("too_large", &most(strip.len()));
    // It may just be half-written.
    let bomb = Bomb::new("a.png", &png(SIDE, 1, &[]), 0);
    fs::OpenOptions::new()
        .write(true)
        .open(&bomb.path)
        .unwrap()
        .set_modified(SystemTime::now())
        .unwrap();
    let error = image_file::read(&bomb.path, Wanted::default()).unwrap_err();
    assert_eq!(error.code, Code::CorruptData, "{error}");
}

#[test]
fn images_that_their_bytes_can_make_are_read_within_bounds_also_tile_by_tile() {
    let side = 8_500;
    let [_, plane] = Bomb::new("a.png", &png(side, 1, &[]), 0).answers();
    assert_eq!(plane["shape"], serde_json::json!([side, side]), "{plane}");
    let strip = zeros((side * side) as usize);
    let [_, plane] = Bomb::new("a.tif", &tiff(side, 8, &strip), 0).answers();
    assert_eq!(plane["max"], 0, "{plane}");
    // A length of encoded bytes that says nothing of the samples: cut off.
    for name in ["gray.jpg", "progressive_gray.jpg"] {
        let bytes = jpeg(name, 8_000);
        Bomb::new("a.jpg", &bytes, 0).check("corrupt_data", "cut off");
        // In a file that is long.
        Bomb::new("a.jpg", &bytes, 3 << 30).check("corrupt_data", "cut off");
    }
}

/// A segment of a JPEG file.
fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16 + 2).to_be_bytes();
    [&[0xff, marker], &length[..], body].concat()
}

/// A progressive JPEG of one block, of which only the first coefficient may not be zero; each scan gives a single bit.
fn one_block(bands: &[[u8; 3]]) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xd8];
    bytes.extend(segment(0xdb, &[[0].as_slice(), &[1; 64]].concat()));
    bytes.extend(segment(0xc2, &[8, 0, 8, 0, 8, 1, 1, 0x11, 0]));
    for table in [0, 0x10] {
        // One code of one bit, which is 0 and says that nothing follows.
        let counts = [[table, 1].as_slice(), &[0; 15], &[0]].concat();
        bytes.extend(segment(0xc4, &counts));
    }
    for &[from, to, bits] in bands {
        bytes.extend(segment(0xda, &[1, 1, 0, from, to, bits]));
        bytes.push(0x7f);
    }
    bytes.extend([0xff, 0xd9]);
    bytes
}

#[test]
fn a_jpeg_of_too_many_scans_is_refused() {
    let [_, plane] = Bomb::new("a.jpg", &one_block(&[[0, 0, 0], [1, 63, 0]]), 0).answers();
    assert_eq!(plane["max"], 128, "{plane}");
    let mut bands = vec![[0, 0, 0]];
    bands.extend((1..64).map(|at| [at, at, 1]));
    bands.extend((1..64).map(|at| [at, at, 0x10]));
    assert!(bands.len() > limits::JPEG_SCANS);
    Bomb::new("a.jpg", &one_block(&bands), 0).check("too_large", "more than 100 scans");
    // A scan that was there, or one of which the first bits were not.
    for bands in [
        &[[0, 0, 0], [1, 63, 0], [1, 63, 0]][..],
        &[[0, 0, 0], [1, 63, 0x10]],
    ] {
        let bomb = Bomb::new("a.jpg", &one_block(bands), 0);
        bomb.check("corrupt_data", "order of scans");
    }
    for bands in [&[[0, 0, 0]][..], &[[0, 0, 0], [1, 63, 1]]] {
        let bomb = Bomb::new("a.jpg", &one_block(bands), 0);
        bomb.check("corrupt_data", "cut off");
    }
}

#[test]
fn a_tiff_of_too_many_strips_is_refused() {
    let mut bytes = tiff(64, 8, &zeros(64 * 64));
    // Rows, and rows of a strip; StripOffsets and StripByteCounts, two million of each.
    bytes[30..34].copy_from_slice(&2_000_000_u32.to_le_bytes());
    bytes[102..106].copy_from_slice(&1_u32.to_le_bytes());
    let many = 2_000_000_u32.to_le_bytes();
    for (row, at) in [(5, 1000_u32), (8, 8_001_000)] {
        let entry = 10 + row * 12;
        bytes[entry + 4..entry + 8].copy_from_slice(&many);
        bytes[entry + 8..entry + 12].copy_from_slice(&at.to_le_bytes());
    }
    let bomb = Bomb::new("a.tif", &bytes, 16_100_000);
    let words = "a page of 2000000 strips or tiles where at most 262144";
    bomb.check("too_large", words);
}

/// A BMP of run lengths, which end at once.
fn bmp(side: u32, bits: u16) -> Vec<u8> {
    let num_colors = 1_u32 << bits;
    let offset = 54 + 4 * num_colors;
    let mut bytes = b"BM".to_vec();
    for number in [offset + 4, 0, offset, 40, side, side] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend([1, 0]);
    bytes.extend(bits.to_le_bytes());
    let method = if bits == 8 { 1 } else { 2_u32 };
    for number in [method, 4, 2835, 2835, num_colors, 0] {
        bytes.extend(number.to_le_bytes());
    }
    for color in 0..num_colors {
        bytes.extend([color as u8; 3]);
        bytes.push(0);
    }
    bytes.extend([0, 0, 0, 1]);
    bytes
}

fn seed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/fuzz/picture")
        .join(name)
}

/// A small JPEG that says it is of that size.
fn jpeg(name: &str, side: u16) -> Vec<u8> {
    let mut bytes = fs::read(seed(name)).unwrap();
    let is_frame = |at: &usize| bytes[*at] == 0xff && matches!(bytes[at + 1], 0xc0 | 0xc2);
    let frame = (2..bytes.len() - 1).find(is_frame).unwrap();
    let side = side.to_be_bytes();
    bytes[frame + 5..frame + 9].copy_from_slice(&[side, side].concat());
    bytes
}

/// A gray TIFF whose only strip is a zlib stream.
fn tiff(side: u32, bits: u32, strip: &[u8]) -> Vec<u8> {
    let entries = [
        (256, side),
        (257, side),
        (258, bits),
        (259, 8),
        (262, 1),
        (273, 200),
        (277, 1),
        (278, side),
        (279, strip.len() as u32),
    ];
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend((entries.len() as u16).to_le_bytes());
    for (tag, value) in entries {
        bytes.extend((tag as u16).to_le_bytes());
        bytes.extend([4, 0, 1, 0, 0, 0]);
        bytes.extend(value.to_le_bytes());
    }
    bytes.resize(200, 0);
    bytes.extend(strip);
    bytes
}
