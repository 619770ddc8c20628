//! Strips and tiles of TIFF files whose tags, bytes and rows do not agree.

use super::*;

/// Numbers of tags.
const ROWS_PER_STRIP: u16 = 278;

/// A gray TIFF of 8 bits whose strips or tiles lie behind its directory.
struct Tiff {
    /// Beside the places of strips; these are 16 x 16 pixels where nothing else is said.
    tags: Vec<(u16, u32)>,
    /// Their bytes, and how many the file says that they are.
    strips: Vec<(Vec<u8>, u32)>,
}

impl Tiff {
    fn new(strips: &[&[u8]], tags: &[(u16, u32)]) -> Self {
        let strips = strips.iter();
        Self {
            tags: tags.to_vec(),
            strips: strips.map(|it| (it.to_vec(), it.len() as u32)).collect(),
        }
    }

    fn saying(mut self, number: usize, length: u32) -> Self {
        self.strips[number].1 = length;
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let is_tiled = self.tags.iter().any(|(tag, _)| *tag == 322);
        let (offsets, lengths) = if is_tiled { (324, 325) } else { (273, 279) };
        let usual = [(256, 16), (257, 16), (258, 8), (259, 1), (262, 1), (277, 1)];
        let mut entries: std::collections::BTreeMap<u16, Vec<u32>> = usual
            .into_iter()
            .map(|(tag, value)| (tag, vec![value]))
            .collect();
        entries.extend(self.tags.iter().map(|&(tag, value)| (tag, vec![value])));
        let count = self.strips.len();
        let begin = 10 + (entries.len() as u32 + 2) * 12 + 4;
        let mut at = begin + 8 * count as u32;
        let (mut places, mut data) = (Vec::new(), Vec::new());
        for (strip, _) in &self.strips {
            places.push(at);
            at += strip.len() as u32;
            data.extend(strip);
        }
        entries.insert(offsets, places);
        entries.insert(lengths, self.strips.iter().map(|it| it.1).collect());
        let mut bytes = b"II*\0\x08\0\0\0".to_vec();
        let mut behind = Vec::new();
        bytes.extend((entries.len() as u16).to_le_bytes());
        for (tag, values) in &entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(4_u16.to_le_bytes());
            bytes.extend((values.len() as u32).to_le_bytes());
            if let [value] = values[..] {
                bytes.extend(value.to_le_bytes());
            } else {
                bytes.extend((begin + behind.len() as u32).to_le_bytes());
                behind.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            }
        }
        bytes.extend([0; 4]);
        behind.resize(8 * count, 0);
        [bytes, behind, data].concat()
    }

    fn samples(&self, part: Option<(u32, u32, u32, u32)>) -> Result<Vec<u8>, ImageFileError> {
        let (_folder, path) = folder_with("a.tif", &[self.bytes(), vec![7; 600]].concat());
        let wanted = Wanted {
            part,
            ..Wanted::default()
        };
        let pixels = read(&path, wanted)?.expect("there");
        Ok(pixels.samples().as_bytes().to_vec())
    }

    /// It is told as damaged, by those words.
    fn check_corrupt(&self, part: Option<(u32, u32, u32, u32)>, words: &str) {
        let error = self.samples(part).expect_err(words);
        assert_eq!(error.code, Code::CorruptData, "{error}");
        assert!(error.message.contains(words), "{error}, expected {words}");
    }
}

/// Samples of 16 x 16 pixels, all different.
fn all() -> Vec<u8> {
    (0..=255).collect()
}

#[test]
fn a_strip_that_is_said_to_be_shorter_than_its_rows_is_not_filled_up_with_other_bytes() {
    let all = all();
    let one = || Tiff::new(&[&all], &[]);
    assert_eq!(one().samples(None).as_ref(), Ok(&all));
    let short = one().saying(0, 250);
    short.check_corrupt(
        None,
        "strip or tile 0 has 250 bytes where its 16 rows need 256",
    );
    // The rows that it has are read.
    let (top, bottom) = (Some((0, 0, 16, 15)), Some((3, 14, 2, 2)));
    assert_eq!(short.samples(top).as_deref(), Ok(&all[..240]));
    short.check_corrupt(bottom, "need 256");
    let parts: Vec<&[u8]> = all.chunks(96).collect();
    let three = || Tiff::new(&parts, &[(ROWS_PER_STRIP, 6)]);
    assert_eq!(three().samples(None).as_ref(), Ok(&all));
    for (number, length) in [(0, 95), (1, 1), (2, 63), (1, 0), (2, 0)] {
        three()
            .saying(number, length)
            .check_corrupt(None, "rows need");
    }
    let tiles = [all.as_slice(), &all];
    let tiled = || Tiff::new(&tiles, &[(257, 20), (322, 16), (323, 16)]);
    assert_eq!(tiled().samples(None).map(|it| it.len()), Ok(320));
    tiled().saying(0, 255).check_corrupt(None, "rows need 256");
    // Four of its rows are of the page.
    tiled()
        .saying(1, 63)
        .check_corrupt(None, "its 4 rows need 64");
    assert!(tiled().saying(1, 64).samples(None).is_ok());
}

#[test]
fn lengths_that_writers_leave_out_or_round_up_are_no_damage() {
    let all = all();
    for length in [0, 257, 512, 5000] {
        let tiff = Tiff::new(&[&all], &[]).saying(0, length);
        assert_eq!(tiff.samples(None).as_ref(), Ok(&all), "{length}");
        let part = Some((0, 15, 16, 1));
        assert_eq!(tiff.samples(part).as_deref(), Ok(&all[240..]), "{length}");
    }
    // Nobody wrote it.
    let mut bytes = Tiff::new(&[&all], &[]).bytes();
    let entry = 10 + 5 * 12;
    assert_eq!(bytes[entry..entry + 2], 273_u16.to_le_bytes());
    bytes[entry + 8..entry + 12].fill(0);
    let (_folder, path) = folder_with("a.tif", &bytes);
    let error = read(&path, Wanted::default()).expect_err("offset 0");
    assert!(error.message.contains("no place in the file"), "{error}");
}

/// What compresses bytes, the number of its method, and whether bytes behind its end are of no account to it.
type Compression = (u32, fn(&[u8]) -> Vec<u8>, bool);

const COMPRESSIONS: [Compression; 4] = [
    (5, lzw, true),
    (8, deflate, true),
    (32773, pack_bits, false),
    (50000, zstandard, false),
];

fn lzw(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
    encoder.encode(bytes).expect("compressed")
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, bytes).expect("compressed");
    encoder.finish().expect("compressed")
}

fn pack_bits(bytes: &[u8]) -> Vec<u8> {
    let runs = bytes.chunks(128);
    runs.flat_map(|run| [&[run.len() as u8 - 1], run].concat())
        .collect()
}

fn zstandard(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("compressed")
}

/// The same in the other order of bits.
fn reversed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte.reverse_bits()).collect()
}

#[test]
fn bits_that_begin_with_the_lowest_are_turned_over() {
    const FILL_ORDER: (u16, u32) = (266, 2);
    let all = all();
    let check = |tiff: &Tiff| {
        assert_eq!(tiff.samples(None).as_ref(), Ok(&all));
        let part = Some((2, 5, 3, 1));
        assert_eq!(tiff.samples(part).as_deref(), Ok(&all[82..85]));
    };
    check(&Tiff::new(&[&reversed(&all)], &[FILL_ORDER]));
    // Of two bytes each: within the bytes only.
    let wide = Tiff::new(&[&reversed(&all)], &[FILL_ORDER, (256, 8), (258, 16)]);
    assert_eq!(wide.samples(None).as_ref(), Ok(&all));
    for (method, compress, _) in COMPRESSIONS {
        let strip = reversed(&compress(&all));
        check(&Tiff::new(&[&strip], &[FILL_ORDER, (259, method)]));
        // 1 is the usual order.
        let tags = [(266, 1), (259, method)];
        check(&Tiff::new(&[&compress(&all)], &tags));
    }
    let short = Tiff::new(&[&reversed(&all)], &[FILL_ORDER]).saying(0, 255);
    short.check_corrupt(None, "cannot be decoded");
}

#[test]
fn compressed_strips_of_fewer_or_more_samples_than_their_rows_are_corrupt() {
    let all = all();
    for (method, compress, _) in COMPRESSIONS {
        let tags = [(259, method), (ROWS_PER_STRIP, 6)];
        let with = |last: &[u8]| {
            let strips = [
                compress(&all[..96]),
                compress(&all[96..192]),
                compress(last),
            ];
            Tiff::new(&strips.each_ref().map(Vec::as_slice), &tags)
        };
        assert_eq!(with(&all[192..]).samples(None).as_ref(), Ok(&all));
        let part = Some((0, 12, 16, 4));
        assert_eq!(with(&all[192..]).samples(part).as_deref(), Ok(&all[192..]));
        // Some writers fill the last strip up with rows.
        let padded = [&all[192..], &[0; 32]].concat();
        assert_eq!(with(&padded).samples(None).as_ref(), Ok(&all), "{method}");
        for extra in [33, 500] {
            let longer = [&all[192..], &vec![0; extra]].concat();
            let words = "more samples than its size says";
            with(&longer).check_corrupt(None, words);
            with(&longer).check_corrupt(part, words);
        }
        with(&all[192..255]).check_corrupt(None, "cannot be decoded");
        // Nor is it read on in what lies behind.
        let whole = compress(&all);
        for length in 1..whole.len() - 4 {
            let cut = Tiff::new(&[&whole], &[(259, method)]).saying(0, length as u32);
            let is_told = cut.samples(None).is_err();
            assert!(is_told, "{method}, {length} of {} bytes", whole.len());
        }
    }
}

#[test]
fn what_follows_the_end_of_a_compressed_strip_is_no_damage_where_it_has_an_end() {
    let all = all();
    for (method, compress, has_end) in COMPRESSIONS {
        let strip = [compress(&all), b"trailing".to_vec()].concat();
        let found = Tiff::new(&[&strip], &[(259, method)]).samples(None);
        let is_right = found.as_ref() == Ok(&all);
        assert_eq!(is_right, has_end, "{method}: {found:?}");
    }
    // A byte that makes the length even, and a length up to the end of the file.
    let padded = [pack_bits(&all), vec![0]].concat();
    let tags = [(259, 32773)];
    assert_eq!(
        Tiff::new(&[&padded], &tags).samples(None).as_ref(),
        Ok(&all)
    );
    let tiff = Tiff::new(&[&deflate(&all)], &[(259, 8)]).saying(0, 0);
    assert_eq!(tiff.samples(None).as_ref(), Ok(&all));
    // LZW without the code that ends it.
    let lzw = lzw(&all);
    let tiff = Tiff::new(&[&lzw], &[(259, 5)]).saying(0, lzw.len() as u32 - 1);
    assert_eq!(tiff.samples(None).as_ref(), Ok(&all));
}

#[test]
fn checksums_of_compressed_strips_are_looked_at_wherever_they_lie() {
    let samples: Vec<u8> = (0..256 * 256_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let strip = deflate(&samples);
    let tags = [(256, 256), (257, 256), (259, 8)];
    assert_eq!(
        Tiff::new(&[&strip], &tags).samples(None).as_ref(),
        Ok(&samples)
    );
    for back in 1..=4 {
        let mut wrong = strip.clone();
        let at = wrong.len() - back;
        wrong[at] ^= 1;
        Tiff::new(&[&wrong], &tags).check_corrupt(None, "cannot be decoded");
        let missing = &strip[..strip.len() - back];
        Tiff::new(&[missing], &tags).check_corrupt(None, "cannot be decoded");
    }
}
