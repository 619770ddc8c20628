//! Image files: TIFF directories, pages and samples; PNG, BMP and JPEG.

use std::{fs, path::Path};

use squidview::{
    image_file::{
        self, Wanted,
        directories::{Chain, Directories},
    },
    model::PageAt,
};

/// Pages of a file that are looked at.
const PAGES: usize = 3;
/// Tags of a directory that are looked at.
const TAGS: usize = 64;
/// Larger pages are described, and read in part only: their samples cost time and find nothing new.
const WHOLE_PIXELS: u64 = 1 << 20;

/// A TIFF file.
pub(super) fn tiff(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    let path = folder.path().join("a.ome.tiff");
    fs::write(&path, bytes).expect("the temporary folder can be written to");
    if let Ok(Some(file)) = Directories::open(&path) {
        walk(file);
    }
    let num_pages = match image_file::tiff_pages(&path) {
        Ok(Some(pages)) => {
            assert!(!pages.is_empty() && pages.has(PageAt::default()));
            pages.len()
        }
        Ok(None) | Err(_) => 0,
    };
    drop(image_file::description(&path));
    for page in (0..num_pages.min(PAGES) as u32).map(PageAt::Idx) {
        let below = image_file::num_levels_below(&path, page);
        let below = below.ok().flatten().unwrap_or(0).min(2) as u32;
        drop(image_file::ground(&path, page));
        drop(image_file::looks_blank(&path, page));
        for sub_idx in std::iter::once(None).chain((0..below).map(Some)) {
            read(&path, page, sub_idx);
        }
    }
}

/// PNG, BMP or JPEG, whichever the first bytes say.
pub(super) fn picture(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    let path = folder.path().join("a.png");
    fs::write(&path, bytes).expect("the temporary folder can be written to");
    read(&path, PageAt::default(), None);
}

/// Goes through the directories and their tags as the pages of stacks do.
fn walk(mut file: Directories) {
    let mut chain = Chain::default();
    let mut num_pages = 0;
    let outcome = chain.follow(&mut file, |file, page| {
        num_pages += 1;
        for &entry in page.entries.iter().take(TAGS) {
            let text = file.text(entry).ok().flatten();
            assert!(text.is_none() || entry.is_text());
            let numbers = file.numbers(entry).unwrap_or_default();
            let num_bytes = entry.num_bytes().unwrap_or(0);
            assert!(numbers.len() as u64 <= num_bytes);
            let fraction = file.fraction(entry).ok().flatten();
            assert!(fraction.is_none_or(f64::is_finite));
        }
        Ok(file.holds_samples(page).is_ok() && num_pages < PAGES)
    });
    assert!(outcome.is_err() || chain.offsets().len() <= file.num_bytes() as usize);
}

fn read(path: &Path, page: PageAt, sub_idx: Option<u32>) {
    let Ok(Some(found)) = image_file::describe_level(path, page, sub_idx) else {
        return;
    };
    let is_whole = u64::from(found.width) * u64::from(found.height) <= WHOLE_PIXELS;
    let part = (!is_whole).then(|| (0, 0, found.width.min(64), found.height.min(64)));
    let color_idx = (found.num_colors > 1).then_some(0);
    let wanted = Wanted {
        page,
        sub_idx,
        color_idx,
        part,
    };
    if let Ok(Some(pixels)) = image_file::read(path, wanted) {
        let (width, height) = part.map_or((found.width, found.height), |(_, _, w, h)| (w, h));
        assert_eq!((pixels.width(), pixels.height()), (width, height));
        assert_eq!(pixels.sample_type(), found.sample_type);
    }
}
