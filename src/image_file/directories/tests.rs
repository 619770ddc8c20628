//! Chains as writers of both kinds make them, as they grow, and as nobody should make them.

use std::{fs, io::Cursor, path::PathBuf};

use tiff::{
    encoder::{TiffEncoder, TiffKind, colortype},
    tags::Tag,
};

use super::*;
use crate::{
    image_file::{Wanted, read},
    model::{PageAt, Value},
};

fn put_pages<K: TiffKind>(encoder: &mut TiffEncoder<&mut Cursor<Vec<u8>>, K>, count: u8) {
    for page in 0..count {
        let mut image = encoder.new_image::<colortype::Gray8>(4, 3).expect("a page");
        let name = format!("page {page}");
        let written = image.encoder().write_tag(Tag::Unknown(285), name.as_str());
        written.expect("a tag");
        image.write_data(&[page; 12]).expect("written");
    }
}

fn pages(is_big: bool, count: u8) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    if is_big {
        put_pages(
            &mut TiffEncoder::new_big(&mut bytes).expect("a file"),
            count,
        );
    } else {
        put_pages(&mut TiffEncoder::new(&mut bytes).expect("a file"), count);
    }
    bytes.into_inner()
}

fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.tiff");
    fs::write(&path, bytes).expect("a file");
    (folder, path)
}

fn opened(path: &Path) -> Directories {
    Directories::open(path).expect("readable").expect("there")
}

fn names(path: &Path, chain: &mut Chain) -> Vec<String> {
    let mut found = Vec::new();
    let outcome = chain.follow(&mut opened(path), |file, page| {
        let name = page.get(tags::PAGE_NAME).expect("its name");
        found.extend(file.text(name)?);
        file.holds_samples(page)
    });
    outcome.expect("readable");
    found
}

#[test]
fn pages_are_found_with_their_tags_and_read_by_offset() {
    for is_big in [false, true] {
        let (_folder, path) = file(&pages(is_big, 3));
        let mut chain = Chain::default();
        assert_eq!(names(&path, &mut chain), ["page 0", "page 1", "page 2"]);
        for (page, &offset) in chain.offsets().iter().enumerate() {
            let wanted = Wanted {
                page: PageAt::Offset(offset),
                ..Wanted::default()
            };
            let pixels = read(&path, wanted).expect("readable").expect("there");
            assert_eq!(pixels.value(3, 2), Some(Value::Unsigned(page as u64)));
        }
        assert_eq!(names(&path, &mut chain), Vec::<String>::new(), "no more");
    }
}

#[test]
fn a_file_that_grows_is_followed_on_and_a_torn_page_is_not_there_yet() {
    let whole = pages(false, 3);
    let (_folder, path) = file(&whole);
    let mut all = Chain::default();
    names(&path, &mut all);
    let mut chain = Chain::default();
    let mut num_found = 0;
    for end in 8..=whole.len() {
        fs::write(&path, &whole[..end]).expect("a file");
        // A name is asked for before the samples, so a page may be named more than once.
        names(&path, &mut chain);
        assert!(chain.offsets().len() >= num_found, "{end}");
        num_found = chain.offsets().len();
        assert_eq!(chain.offsets(), &all.offsets()[..num_found]);
    }
    assert_eq!(num_found, 3);
}

#[test]
fn numbers_and_text_are_read_as_written_and_room_that_nobody_wrote_to_is_no_directory() {
    for is_big in [false, true] {
        let mut bytes = pages(is_big, 1);
        let at = bytes.windows(6).position(|it| it == b"page 0");
        // Latin-1 for a micro sign, which is no UTF-8.
        bytes[at.expect("its name")] = 0xb5;
        bytes.resize(bytes.len() + 64, 0);
        let (_folder, path) = file(&bytes);
        let mut file = opened(&path);
        let first = file.first().expect("a page");
        let page = file.read(first).expect("readable").expect("there");
        let name = page.get(tags::PAGE_NAME).expect("its name");
        let text = file.text(name).expect("readable");
        assert_eq!(text.as_deref(), Some("\u{b5}age 0"));
        assert_eq!(file.numbers(name), Ok(Vec::new()), "no numbers");
        let lengths = page.get(tags::STRIP_BYTES).expect("strips");
        assert_eq!(file.numbers(lengths), Ok(vec![12]));
        let room = bytes.len() as u64 - 60;
        assert_eq!(file.read(room), Ok(None));
    }
}

#[test]
fn chains_that_come_back_to_themselves_end() {
    let mut bytes = pages(false, 2);
    let (_folder, path) = file(&bytes);
    let mut chain = Chain::default();
    names(&path, &mut chain);
    let [first, second] = *chain.offsets() else {
        panic!("two pages")
    };
    let count = u64::from(bytes[second as usize]);
    let next = (second + 2 + count * 12) as usize;
    bytes[next..next + 4].copy_from_slice(&(first as u32).to_le_bytes());
    fs::write(&path, &bytes).expect("a file");
    let mut chain = Chain::default();
    assert_eq!(names(&path, &mut chain).len(), 2);
    assert_eq!(names(&path, &mut chain).len(), 0);
}

#[test]
fn hostile_numbers_give_errors_or_nothing() {
    let whole = pages(false, 1);
    let (_folder, path) = file(&whole);
    for at in 4..whole.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            fs::write(&path, &bytes).expect("a file");
            let mut chain = Chain::default();
            let outcome = chain.follow(&mut opened(&path), |file, page| {
                for entry in &page.entries {
                    file.bytes(*entry)?;
                    file.number(*entry, 0)?;
                    file.fraction(*entry)?;
                }
                file.holds_samples(page)
            });
            if let Err(error) = outcome {
                let is_told = matches!(error.code, Code::CorruptData | Code::TooLarge);
                assert!(is_told, "{at}: {error}");
            }
        }
    }
}
