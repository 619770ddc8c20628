//! Decoders against streams that are made here bit by bit, and against damaged ones.

use super::*;

/// Deterministic, half repetitive bytes.
fn sample_bytes(len: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    (0..len)
        .map(|at| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if at % 16 < 10 {
                (at / 16) as u8
            } else {
                (state >> 24) as u8
            }
        })
        .collect()
}

fn shuffled_bytes(type_size: usize, data: &[u8]) -> Vec<u8> {
    let n = data.len() / type_size;
    let mut out: Vec<u8> = (0..type_size)
        .flat_map(|byte| (0..n).map(move |at| data[at * type_size + byte]))
        .collect();
    out.extend_from_slice(&data[n * type_size..]);
    out
}

fn shuffled_bits(type_size: usize, data: &[u8]) -> Vec<u8> {
    let n = data.len() / type_size;
    if !n.is_multiple_of(8) {
        return data.to_vec();
    }
    let mut out = vec![0; n * type_size];
    for at in 0..n {
        for byte in 0..type_size {
            for bit in 0..8 {
                let row = byte * 8 + bit;
                out[row * (n / 8) + at / 8] |= (data[at * type_size + byte] >> bit & 1) << (at % 8);
            }
        }
    }
    out.extend_from_slice(&data[n * type_size..]);
    out
}

/// What a container is made with.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Recipe {
    /// 0 blosclz, 1 lz4, 2 snappy, 3 zlib, 4 zstd.
    pub(in crate::store) compressor: u8,
    /// 0 none, 1 bytes, 4 bits.
    pub(in crate::store) shuffle: u8,
    pub(in crate::store) type_size: usize,
    pub(in crate::store) block_len: usize,
    pub(in crate::store) is_split: bool,
}

/// Literals of at most 32 bytes, each with how often its last byte follows again.
fn runs(data: &[u8]) -> Vec<(&[u8], usize)> {
    const MIN_REPEATS: usize = 4;
    let repeats = |at: usize| {
        let again = data[at..].iter().take_while(|&&byte| byte == data[at - 1]);
        Some(again.count()).filter(|&count| count >= MIN_REPEATS)
    };
    let (mut found, mut at) = (Vec::new(), 0);
    while at < data.len() {
        let start = at;
        at += 1;
        while at < data.len() && at - start < 32 && repeats(at).is_none() {
            at += 1;
        }
        let num_repeats = repeats(at).unwrap_or(0);
        found.push((&data[start..at], num_repeats));
        at += num_repeats;
    }
    found
}

fn blosclz(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (literals, num_repeats) in runs(data) {
        out.push(literals.len() as u8 - 1);
        out.extend(literals);
        let Some(len) = num_repeats.checked_sub(3) else {
            continue;
        };
        if len < 6 {
            out.push((len as u8 + 1) << 5);
        } else {
            out.push(7 << 5);
            out.extend(std::iter::repeat_n(255, (len - 6) / 255));
            out.push(((len - 6) % 255) as u8);
        }
        out.push(0);
    }
    out
}

fn snappy(data: &[u8]) -> Vec<u8> {
    let (mut out, mut len) = (Vec::new(), data.len());
    while len >= 128 {
        out.push((len % 128) as u8 | 128);
        len /= 128;
    }
    out.push(len as u8);
    for (literals, num_repeats) in runs(data) {
        out.push((literals.len() as u8 - 1) << 2);
        out.extend(literals);
        let mut rest = num_repeats;
        while rest > 0 {
            let len = rest.min(64);
            out.extend([(len as u8 - 1) << 2 | 2, 1, 0]);
            rest -= len;
        }
    }
    out
}

/// A small C-Blosc writer.
pub(in crate::store) fn blosc_container(data: &[u8], recipe: Recipe) -> Vec<u8> {
    let Recipe {
        compressor,
        shuffle,
        type_size,
        block_len,
        is_split,
    } = recipe;
    // Blocks are of whole samples, except where there is none.
    let block_len = match block_len.min(data.len()) {
        len if len > type_size => len / type_size * type_size,
        len => len,
    };
    let mut body = Vec::new();
    let mut starts = Vec::new();
    let num_blocks = data.len().div_ceil(block_len);
    for block in data.chunks(block_len) {
        starts.push((16 + 4 * num_blocks + body.len()) as u32);
        let shuffled = match shuffle {
            1 if type_size > 1 => shuffled_bytes(type_size, block),
            4 => shuffled_bits(type_size, block),
            _ => block.to_vec(),
        };
        let splits =
            is_split && type_size <= 16 && block_len / type_size >= 128 && block.len() == block_len;
        let split_len = if splits {
            block.len() / type_size
        } else {
            block.len()
        };
        for split in shuffled.chunks(split_len) {
            let packed = match compressor {
                0 => blosclz(split),
                2 => snappy(split),
                1 => lz4_flex::block::compress(split),
                3 => {
                    let mut writer =
                        flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
                    std::io::Write::write_all(&mut writer, split).expect("in memory");
                    writer.finish().expect("in memory")
                }
                _ => zstd::bulk::compress(split, 1).expect("in memory"),
            };
            let stored = packed.len() >= split.len();
            let bytes = if stored { split } else { &packed };
            body.extend((bytes.len() as u32).to_le_bytes());
            body.extend(bytes);
        }
    }
    let flags = compressor << 5 | shuffle | if is_split { 0 } else { 16 };
    let mut out = vec![2, 1, flags, type_size as u8];
    out.extend((data.len() as u32).to_le_bytes());
    out.extend((block_len as u32).to_le_bytes());
    out.extend(((16 + 4 * num_blocks + body.len()) as u32).to_le_bytes());
    out.extend(starts.iter().flat_map(|start| start.to_le_bytes()));
    out.extend(body);
    out
}

pub(in crate::store) fn lz4_recipe(block_len: usize) -> Recipe {
    Recipe {
        compressor: 1,
        shuffle: 1,
        type_size: 2,
        block_len,
        is_split: true,
    }
}

#[test]
fn every_blosc_container_gives_its_bytes_back() {
    for compressor in [0, 1, 2, 3, 4] {
        for shuffle in [0, 1, 4] {
            for type_size in [1, 2, 3, 4, 8] {
                for (len, block_len) in [(8192, 8192), (10_000, 2048 * 3), (1003, 512), (17, 17)] {
                    for is_split in [true, false] {
                        let block_len = block_len / type_size * type_size;
                        let recipe = Recipe {
                            compressor,
                            shuffle,
                            type_size,
                            block_len,
                            is_split,
                        };
                        let data = sample_bytes(len);
                        let packed = blosc_container(&data, recipe);
                        let mut target = vec![0; len];
                        let outcome = ByteCodec::Blosc.decode(&packed, &mut target);
                        assert_eq!(outcome, Ok(()), "{recipe:?} {len}");
                        assert!(target == data, "{recipe:?} {len}");
                    }
                }
            }
        }
    }
}

#[test]
fn damaged_blosc_containers_are_errors() {
    let data = sample_bytes(10_000);
    let packed = blosc_container(&data, lz4_recipe(4096));
    let mut target = vec![0; data.len()];
    for len in 0..packed.len() {
        assert!(
            ByteCodec::Blosc
                .decode(&packed[..len], &mut target)
                .is_err(),
            "{len}"
        );
    }
    // Any single byte may lie; only a clean answer counts.
    for at in 0..200.min(packed.len()) {
        for lie in [0, 1, 0x7f, 0xff] {
            let mut bad = packed.clone();
            bad[at] = lie;
            drop(ByteCodec::Blosc.decode(&bad, &mut target));
        }
    }
}

#[test]
fn headers_that_lie_are_told_by_what_they_say() {
    let data = sample_bytes(10_000);
    let packed = blosc_container(&data, lz4_recipe(4096));
    let first = u32::from_le_bytes([packed[16], packed[17], packed[18], packed[19]]) as usize;
    let check = |at: usize, lie: &[u8], words: &str| {
        let mut bad = packed.clone();
        bad[at..at + lie.len()].copy_from_slice(lie);
        let outcome = ByteCodec::Blosc.decode(&bad, &mut vec![0; data.len()]);
        let message = outcome.expect_err(words).to_string();
        assert!(message.contains(words), "{message}");
    };
    let number = |number: u32| number.to_le_bytes();
    check(0, &[0], "format 0, expected 2");
    check(2, &[5 << 5], "compressor 5, expected 0 to 4");
    check(
        4,
        &number(9999),
        "chunk decodes to 9999 bytes, 10000 expected",
    );
    check(4, &number(u32::MAX), "chunk decodes to 4294967295 bytes");
    check(8, &number(0), "blocks of 0 bytes");
    check(
        8,
        &number(20_000),
        "blocks of 20000 bytes in a chunk of 10000",
    );
    check(12, &number(packed.len() as u32 - 1), "declares");
    check(12, &number(u32::MAX), "declares 4294967295");
    check(
        16,
        &number(u32::MAX),
        "block 0 starts outside of the container",
    );
    check(16, &number(3), "block 0 starts outside of the container");
    check(
        20,
        &number(packed.len() as u32 + 1),
        "block 1 starts outside",
    );
    check(first, &number(u32::MAX), "block of 4294967295 bytes");
    check(first, &number(0), "lz4 block is damaged");
}

#[test]
fn bytes_after_the_end_of_a_stream_are_errors() {
    let data = sample_bytes(1000);
    let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut writer, &data).expect("in memory");
    let zlib = writer.finish().expect("in memory");
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut writer, &data).expect("in memory");
    let gzip = writer.finish().expect("in memory");
    let zstd = zstd::bulk::compress(&data, 1).expect("in memory");
    let mut target = vec![0; data.len()];
    for (codec, packed) in [
        (ByteCodec::Zlib, zlib),
        (ByteCodec::Gzip, gzip),
        (ByteCodec::Zstd, zstd),
    ] {
        assert_eq!(codec.decode(&packed, &mut target), Ok(()), "{codec:?}");
        let longer = [&packed[..], b"more"].concat();
        assert!(codec.decode(&longer, &mut target).is_err(), "{codec:?}");
    }
}

#[test]
fn of_chunks_the_damage_is_found_that_docs_limits_md_names() {
    let data = sample_bytes(300);
    let zlib = |data: &[u8]| {
        let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut writer, data).expect("in memory");
        writer.finish().expect("in memory")
    };
    let gzip = |data: &[u8]| {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut writer, data).expect("in memory");
        writer.finish().expect("in memory")
    };
    let zstd = |has_checksum| {
        let mut compressor = zstd::bulk::Compressor::new(1).expect("in memory");
        compressor
            .include_checksum(has_checksum)
            .expect("a setting");
        compressor.compress(&data).expect("in memory")
    };
    let summed = [&data[..], &crc32c::crc32c(&data).to_le_bytes()].concat();
    let in_blosc = |compressor| {
        let recipe = Recipe {
            compressor,
            ..lz4_recipe(300)
        };
        blosc_container(&data, recipe)
    };
    // Codecs, the chunk, and whether every changed bit is found.
    let cases = [
        (vec![], data.clone(), false),
        (vec![ByteCodec::Crc32c], summed, true),
        (vec![ByteCodec::Zlib], zlib(&data), true),
        (vec![ByteCodec::Gzip], gzip(&data), true),
        (vec![ByteCodec::Zstd], zstd(true), true),
        (vec![ByteCodec::Zstd], zstd(false), false),
        (vec![ByteCodec::Blosc], in_blosc(1), false),
    ];
    for (codecs, chunk, is_found) in cases {
        let is_wrong = |bytes: &[u8]| {
            let mut target = vec![0; data.len()];
            decode_chain(&codecs, bytes, &mut target).is_ok() && target != data
        };
        let cut = (0..chunk.len()).filter(|&end| is_wrong(&chunk[..end]));
        assert_eq!(cut.count(), 0, "{codecs:?} cut off");
        let longer = [&chunk[..], &[0]].concat();
        assert!(!is_wrong(&longer), "{codecs:?} too long");
        let flipped = (0..chunk.len() * 8).filter(|bit| {
            let mut bytes = chunk.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            is_wrong(&bytes)
        });
        assert_eq!(flipped.count() == 0, is_found, "{codecs:?}");
    }
}

#[test]
fn blosclz_and_snappy_expand_runs_and_matches() {
    // Three literals, then 9 bytes from a distance of 3; then one literal.
    let packed = [2, b'a', b'b', b'c', 7 << 5, 0, 2, 0, b'!'];
    let mut target = [0; 13];
    assert_eq!(blosclz::decompress(&packed, &mut target), Some(13));
    assert_eq!(&target, b"abcabcabcabc!");
    let packed = [13, 2 << 2, b'a', b'b', b'c', (9 - 4) << 2 | 1, 3, 0, b'!'];
    let mut target = [0; 13];
    assert_eq!(snappy::decompress(&packed, &mut target), Some(13));
    assert_eq!(&target, b"abcabcabcabc!");
}

#[test]
fn bombs_and_short_streams_are_errors() {
    let long = vec![0; 1 << 20];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, &long).expect("in memory");
    let gzip = gzip.finish().expect("in memory");
    let zstd = zstd::bulk::compress(&long, 1).expect("in memory");
    for (codec, packed) in [(ByteCodec::Gzip, gzip), (ByteCodec::Zstd, zstd)] {
        for len in [100, (1 << 20) - 1, (1 << 20) + 1] {
            assert!(
                codec.decode(&packed, &mut vec![0; len]).is_err(),
                "{codec:?} {len}"
            );
            let chain = [ByteCodec::Blosc, codec];
            assert!(decode_chain(&chain, &packed, &mut vec![0; len]).is_err());
        }
        assert_eq!(codec.decode(&packed, &mut vec![0; 1 << 20]), Ok(()));
    }
}

#[test]
fn a_chain_is_undone_from_its_end() {
    let data = sample_bytes(3000);
    let mut packed =
        zstd::bulk::compress(&blosc_container(&data, lz4_recipe(3000)), 1).expect("in memory");
    packed.extend(crc32c::crc32c(&packed).to_le_bytes());
    let chain = [ByteCodec::Blosc, ByteCodec::Zstd, ByteCodec::Crc32c];
    let mut target = vec![0; 3000];
    assert_eq!(decode_chain(&chain, &packed, &mut target), Ok(()));
    assert!(target == data);
    packed[5] ^= 1;
    assert!(decode_chain(&chain, &packed, &mut target).is_err());
}

#[test]
fn only_a_later_blosc_format_is_unsupported() {
    let data = sample_bytes(3000);
    let packed = blosc_container(&data, lz4_recipe(3000));
    let outcome = |at: usize, byte: u8| {
        let mut changed = packed.clone();
        changed[at] = byte;
        ByteCodec::Blosc.decode(&changed, &mut vec![0; 3000])
    };
    let is_unsupported = |outcome| matches!(outcome, Err(DecodeError::Unsupported(_)));
    assert!(is_unsupported(outcome(0, 5)));
    for garbage in [0, 7, 255] {
        assert!(outcome(0, garbage).is_err() && !is_unsupported(outcome(0, garbage)));
    }
    // A compressor that the format does not know.
    assert!(outcome(2, 7 << 5).is_err() && !is_unsupported(outcome(2, 7 << 5)));
}
