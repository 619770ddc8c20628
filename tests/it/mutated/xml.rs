//! Attributes of XML documents: files of their own, and the first description of a TIFF file.

use std::{ops::Range, path::Path};

/// The tag of a description.
const DESCRIPTION: u16 = 270;

/// Values of the attributes of a file's document, in their order; none where it has no document.
pub(super) fn attributes_of(file: &Path, bytes: &[u8]) -> Vec<Range<usize>> {
    document_of(file, bytes).map_or_else(Vec::new, |document| attributes(&document))
}

/// The file with another value of the attribute of that number.
pub(super) fn with_attribute(file: &Path, bytes: &[u8], number: usize, value: &str) -> Vec<u8> {
    let mut document = document_of(file, bytes).unwrap();
    let range = attributes(&document)[number].clone();
    document.replace_range(range, value);
    if is_tiff(file) {
        with_description(bytes, &document)
    } else {
        document.into_bytes()
    }
}

fn is_tiff(file: &Path) -> bool {
    let name = file.to_string_lossy();
    name.ends_with(".tif") || name.ends_with(".tiff")
}

/// `None` for files without one.
fn document_of(file: &Path, bytes: &[u8]) -> Option<String> {
    let name = file.to_string_lossy();
    let text = if is_tiff(file) {
        let (length, offset) = Description::find(bytes)?.place(bytes);
        &bytes[offset..offset + length]
    } else if name.ends_with(".xml") || name.ends_with(".companion.ome") {
        bytes
    } else {
        return None;
    };
    let text = std::str::from_utf8(text).unwrap().trim_end_matches('\0');
    text.contains("</").then(|| text.to_owned())
}

/// Whatever stands between quotation marks after an equals sign, but in declarations and comments.
fn attributes(document: &str) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(begin) = document[at..].find('<').map(|begin| at + begin) {
        let rest = &document[begin..];
        let end = if rest.starts_with("<!--") {
            rest.find("-->")
        } else {
            rest.find('>')
        };
        let end = begin + end.unwrap();
        if !rest.starts_with("<!") && !rest.starts_with("<?") {
            let mut at = begin;
            while let Some(sign) = document[at..end].find("=\"").map(|sign| at + sign) {
                let value = sign + 2;
                let length = document[value..end].find('"').unwrap();
                found.push(value..value + length);
                at = value + length + 1;
            }
        }
        at = end;
    }
    found
}

/// The entry of a description in the first directory of a little-endian TIFF file.
struct Description {
    entry: usize,
    is_big: bool,
}

/// A little-endian number of that many bytes.
fn number(bytes: &[u8], at: usize, length: usize) -> usize {
    let bytes = bytes[at..at + length].iter().rev();
    bytes.fold(0, |number, &byte| number << 8 | usize::from(byte))
}

impl Description {
    fn find(bytes: &[u8]) -> Option<Self> {
        let is_big = match bytes.get(..4)? {
            b"II*\0" => false,
            b"II+\0" => true,
            _ => return None,
        };
        let (begin, count_len, entry_len) = if is_big {
            (number(bytes, 8, 8), 8, 20)
        } else {
            (number(bytes, 4, 4), 2, 12)
        };
        let count = number(bytes, begin, count_len);
        let mut entries = (0..count).map(|at| begin + count_len + at * entry_len);
        let entry = entries.find(|&entry| number(bytes, entry, 2) == usize::from(DESCRIPTION))?;
        Some(Self { entry, is_big })
    }

    /// Bytes of its length and of its offset.
    fn num_bytes(&self) -> usize {
        if self.is_big { 8 } else { 4 }
    }

    /// Its length and offset; one that is so short that it stands in the entry is no document.
    fn place(&self, bytes: &[u8]) -> (usize, usize) {
        let size = self.num_bytes();
        let length = number(bytes, self.entry + 4, size);
        let offset = number(bytes, self.entry + 4 + size, size);
        if length <= size {
            (0, 0)
        } else {
            (length, offset)
        }
    }
}

/// The file with another description, at its end.
fn with_description(bytes: &[u8], text: &str) -> Vec<u8> {
    let description = Description::find(bytes).unwrap();
    let mut changed = bytes.to_vec();
    let size = description.num_bytes();
    let (length, offset) = (text.len() + 1, bytes.len());
    for (place, value) in [(0, length), (size, offset)] {
        let at = description.entry + 4 + place;
        changed[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
    }
    changed.extend(text.as_bytes());
    changed.push(0);
    changed
}

#[test]
fn the_attribute_that_is_meant_is_replaced() {
    let text = "<?xml version=\"1.0\"?><!-- a=\"b\" --><A x=\"1\" y=\"\"><B z=\"two\"/></A>";
    let file = Path::new("all.companion.ome");
    let values: Vec<_> = attributes_of(file, text.as_bytes())
        .into_iter()
        .map(|range| &text[range])
        .collect();
    assert_eq!(values, ["1", "", "two"]);
    let changed = with_attribute(file, text.as_bytes(), 1, "-1");
    let expected = text.replace("y=\"\"", "y=\"-1\"");
    assert_eq!(changed, expected.as_bytes());
    assert!(attributes_of(Path::new("0_0.bmp"), text.as_bytes()).is_empty());
}
