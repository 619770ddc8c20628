//! `TiffData`: which pages of which files hold which planes, as the document says it.

use roxmltree::Node;

use super::{children, shown};

/// One `TiffData`: which pages hold which planes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TiffData {
    /// First page.
    pub ifd: Option<u32>,
    /// First z-slice, channel (counted in pages), timepoint.
    pub first: [u32; 3],
    /// Pages.
    pub plane_count: Option<u32>,
    /// UUID of the file.
    pub uuid: Option<String>,
    /// Name of the file.
    pub file_name: Option<String>,
}

/// Of what makes no sense in them the first is told, and how much there is: there may be a million.
pub(super) fn all_in(pixels: Node<'_, '_>, problem: &mut impl FnMut(String)) -> Vec<TiffData> {
    let (mut first, mut num_bad) = (None, 0);
    let mut tell = |message| {
        num_bad += 1;
        first.get_or_insert(message);
    };
    let elements = children(pixels, "TiffData");
    let found = elements.map(|node| one_of(node, &mut tell)).collect();
    if let Some(message) = first {
        let further = num_bad - 1;
        problem(match further {
            0 => message,
            _ => format!("{message}, and so {further} more"),
        });
    }
    found
}

/// A number that makes no sense makes its element one of no planes: which were meant, nobody knows.
fn one_of(node: Node<'_, '_>, problem: &mut impl FnMut(String)) -> TiffData {
    let mut is_sensible = true;
    let mut number = |name: &str, most: u64| {
        let text = node.attribute(name)?;
        let found = text
            .trim()
            .parse()
            .ok()
            .filter(|&found: &u64| found <= most);
        if found.is_none() {
            is_sensible = false;
            let text = shown(Some(text));
            problem(format!(
                "{name} of a TiffData is {text:?}, expected a number from 0 to {most}: its planes are missing"
            ));
        }
        found.map(|found| u32::try_from(found).unwrap_or(u32::MAX))
    };
    let most = u32::MAX.into();
    let ifd = number("IFD", most);
    let first = ["FirstZ", "FirstC", "FirstT"].map(|name| number(name, most).unwrap_or(0));
    // 2003-FC calls it NumPlanes. More than there are is cut.
    let plane_count = number("PlaneCount", u64::MAX);
    let plane_count = plane_count.or_else(|| number("NumPlanes", u64::MAX));
    let uuid = children(node, "UUID").next();
    TiffData {
        ifd,
        first,
        plane_count: if is_sensible { plane_count } else { Some(0) },
        uuid: uuid.and_then(|uuid| uuid.text()).map(str::to_owned),
        file_name: uuid
            .and_then(|uuid| uuid.attribute("FileName"))
            .map(str::to_owned),
    }
}
