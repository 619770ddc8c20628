use std::{fs::File, time::Duration};

use super::*;
use crate::source::open_samples;

/// A file of an index in front of nothing, as it is when nobody has written to it for an hour, and how it is written.
fn index_file(folder: &Path, num_chunks: u64, has_checksum: bool) -> (OpenFile, Layout) {
    let index = ShardIndex {
        is_at_end: false,
        has_checksum,
        is_big_endian: false,
    };
    let numbers = (0..num_chunks).flat_map(|number| [entry_of(number).0, entry_of(number).1]);
    let mut bytes: Vec<u8> = numbers.flat_map(u64::to_le_bytes).collect();
    if has_checksum {
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
    }
    let path = folder.join(format!("{num_chunks}"));
    std::fs::write(&path, bytes).expect("writable");
    let file = File::options().write(true).open(&path).expect("written");
    let hour_ago = std::time::SystemTime::now() - Duration::from_hours(1);
    file.set_modified(hour_ago).expect("touched");
    let file = open_samples(&path).expect("readable").expect("there");
    (file, Layout { index, num_chunks })
}

fn entry_of(number: u64) -> (u64, u64) {
    (number * 10, number % 7)
}

/// Looks chunks up, and says how often the file was read for it.
fn look_up(file: &OpenFile, layout: Layout, wanted: &[usize]) -> u32 {
    let before = NUM_READ.get();
    let entries = Entries::of(file, layout, wanted).expect("readable");
    for &number in wanted {
        let found = entries.get(number);
        let is_there = (number as u64) < layout.num_chunks;
        assert_eq!(found, is_there.then(|| entry_of(number as u64)), "{number}");
    }
    NUM_READ.get() - before
}

#[test]
fn of_a_long_index_without_a_checksum_only_what_is_needed_is_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (small, layout) = index_file(folder.path(), 256, false);
    assert_eq!(layout.read_bytes(&[7]), 4096);
    assert_eq!(look_up(&small, layout, &[7]), 1);
    assert_eq!(look_up(&small, layout, &[0, 200, 255]), 0);

    let (long, layout) = index_file(folder.path(), 257, false);
    assert_eq!(layout.read_bytes(&[7, 9]), 48);
    assert_eq!(look_up(&long, layout, &[7, 9]), 1);
    assert_eq!(look_up(&long, layout, &[7, 9]), 1);
    let entries = Entries::of(&long, layout, &[7, 9]).expect("readable");
    assert_eq!((entries.get(6), entries.get(10)), (None, None));
    // Whoever needs all of it reads it for the others, too.
    assert_eq!(look_up(&long, layout, &[0, 256]), 1);
    assert_eq!(look_up(&long, layout, &[7, 9]), 0);
}

#[test]
fn the_same_file_read_in_another_way_has_another_index() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (file, layout) = index_file(folder.path(), 20, true);
    assert_eq!(look_up(&file, layout, &[1]), 1);
    assert_eq!(look_up(&file, layout, &[2]), 0);
    let fewer = Layout {
        num_chunks: 19,
        ..layout
    };
    let error = Entries::of(&file, fewer, &[1]).expect_err("another checksum");
    assert_eq!(error.code, crate::model::Code::CorruptData);
    let index = ShardIndex {
        is_big_endian: true,
        ..layout.index
    };
    let entries = Entries::of(&file, Layout { index, ..layout }, &[1]).expect("readable");
    assert_eq!(entries.get(1), Some((10_u64.swap_bytes(), 1 << 56)));
}

fn kept(num_bytes: usize, key: Key) -> Kept {
    Kept {
        key,
        bytes: Arc::new(vec![0; num_bytes]),
    }
}

#[test]
fn indices_of_shards_that_were_used_longest_ago_make_room() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (file, layout) = index_file(folder.path(), 1, true);
    let key = (file.identity(), layout);
    let path = |number: usize| PathBuf::from(number.to_string());
    let of_one = 1000 + 1 + BESIDE_BYTES;
    let limit = 3 * of_one;
    let mut known = Known::empty();
    for number in 0..3 {
        known.put(path(number), kept(1000, key), limit);
    }
    assert_eq!((known.indices.len(), known.num_bytes), (3, limit));
    assert!(known.get(&path(0), key).is_some(), "used");
    known.put(path(3), kept(1000, key), limit);
    let are_kept = |known: &mut Known| [0, 1, 2, 3].map(|it| known.get(&path(it), key).is_some());
    assert_eq!(are_kept(&mut known), [true, false, true, true]);
    // In the place of another one, and one that is too long.
    known.put(path(3), kept(900, key), limit);
    assert_eq!(known.num_bytes, limit - 100);
    known.put(path(4), kept(limit / 2, key), limit);
    assert!(known.get(&path(4), key).is_none());
    assert_eq!((known.indices.len(), known.num_bytes), (3, limit - 100));
    known.put(path(5), kept(limit / 2 - BESIDE_BYTES - 1, key), limit);
    assert_eq!(known.num_bytes, limit / 2 + of_one - 100);
}

#[test]
fn an_index_that_takes_half_of_the_room_is_read_each_time() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let most = (limits::KEPT_INDEX_BYTES as u64 / 2 - 4096) / ENTRY_BYTES;
    let (file, layout) = index_file(folder.path(), most, true);
    assert_eq!(look_up(&file, layout, &[77]), 1);
    assert_eq!(look_up(&file, layout, &[most as usize - 1]), 0);
    let (file, layout) = index_file(folder.path(), most + 256, true);
    assert_eq!(look_up(&file, layout, &[77]), 1);
    assert_eq!(look_up(&file, layout, &[77]), 1);
    assert!(KNOWN.lock().num_bytes <= limits::KEPT_INDEX_BYTES);
}
