//! Planes in TIFF files, as Squid's three TIFF formats have them; written in place, so that a reader may find half of one.
//!
//! Squid `control/utils_acquisition.py` (a file per plane), `control/core/job_processing.py` (pages of a stack, each with a
//! JSON description and the channel's name as its `PageName`; OME-TIFF). Its library adds a second description with the
//! shape of a page, which nobody needs and the crate `tiff` cannot write.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tiff::{
    TiffError,
    encoder::{TiffEncoder, colortype::Gray16},
    tags::Tag,
};

use super::{
    SimulateError,
    clock::Moment,
    layout::{Layout, rounded},
    ome_tiff::OmeFile,
    plan::{Plan, Structure},
    side_files::slice_um,
    zarr_writer::PlaneAt,
};
use crate::metadata::file_names::sanitised;

/// `PageName` (TIFF 6.0).
const PAGE_NAME: Tag = Tag::Unknown(285);

/// The file of a plane, and the page in it.
pub(super) fn place_of(
    plan: &Plan,
    layout: &Layout,
    out: &Path,
    region_idx: usize,
    at: PlaneAt,
) -> (PathBuf, u32) {
    let fov = format!("{}_{}", layout.region_name(region_idx), at.fov);
    let num_channels = plan.channels.len() as u32;
    let page_idx = at.z * num_channels + at.c;
    let timepoint = out.join(at.t.to_string());
    match plan.structure {
        Structure::MultiPage => (timepoint.join(format!("{fov}_stack.tiff")), page_idx),
        Structure::OmeTiff => {
            let before = at.t * plan.num_z * num_channels;
            let name = format!("{fov}.ome.tiff");
            (out.join("ome_tiff").join(name), before + page_idx)
        }
        _ => {
            let channel = plan.channels.get(at.c as usize);
            let channel = channel.map_or_else(String::new, |name| sanitised(name));
            (timepoint.join(format!("{fov}_{}_{channel}.tiff", at.z)), 0)
        }
    }
}

/// A stack to which pages are added.
struct Stack {
    path: PathBuf,
    encoder: TiffEncoder<File>,
}

/// Writes planes into the image files that they belong to.
pub(super) struct Images<'a> {
    plan: &'a Plan,
    layout: &'a Layout,
    out: PathBuf,
    /// Squid takes all planes of a FOV before the next one.
    stack: Option<Stack>,
    /// By region and FOV.
    omes: BTreeMap<(usize, u32), OmeFile>,
}

impl<'a> Images<'a> {
    pub(super) fn new(plan: &'a Plan, layout: &'a Layout, out: &Path) -> Self {
        Self {
            plan,
            layout,
            out: out.to_owned(),
            stack: None,
            omes: BTreeMap::new(),
        }
    }

    fn place(&self, region_idx: usize, at: PlaneAt) -> (PathBuf, u32) {
        place_of(self.plan, self.layout, &self.out, region_idx, at)
    }

    /// Writes one plane (y, x), row by row.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn write(
        &mut self,
        region_idx: usize,
        at: PlaneAt,
        samples: &[u16],
        when: Moment,
    ) -> Result<(), SimulateError> {
        let (path, page_idx) = self.place(region_idx, at);
        match self.plan.structure {
            Structure::MultiPage => {
                let description = self.description(region_idx, at, when);
                let channel = self.plan.channels.get(at.c as usize);
                let name = channel.map_or("", String::as_str).to_owned();
                let written = self.page(&path, samples, &description, &name);
                written.map_err(|source| SimulateError::io("write", &path, of_tiff(source)))
            }
            Structure::OmeTiff => {
                let position = self.layout.position_mm(region_idx, at.fov);
                let plan = self.plan;
                let file = self.ome(region_idx, at.fov, &path, when)?;
                file.write(plan, at, page_idx, samples, position, when)
            }
            _ => self
                .encoded(samples)
                .and_then(|bytes| fs::write(&path, bytes))
                .map_err(|source| SimulateError::io("write", &path, source)),
        }
    }

    /// Leaves half of a plane at its place, as a writer that dies does.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn tear(
        &mut self,
        region_idx: usize,
        at: PlaneAt,
        samples: &[u16],
    ) -> Result<(), SimulateError> {
        let (path, page_idx) = self.place(region_idx, at);
        let half = &samples[..samples.len() / 2];
        let torn = match self.plan.structure {
            Structure::OmeTiff => {
                let file = self.ome(region_idx, at.fov, &path, Moment::now())?;
                return file.write_samples(page_idx, half);
            }
            Structure::MultiPage => {
                let bytes: Vec<u8> = half.iter().flat_map(|it| it.to_le_bytes()).collect();
                append(&path, &bytes)
            }
            _ => self
                .encoded(samples)
                .and_then(|bytes| fs::write(&path, &bytes[..bytes.len() / 2])),
        };
        torn.map_err(|source| SimulateError::io("write", &path, source))
    }

    fn encoded(&self, samples: &[u16]) -> io::Result<Vec<u8>> {
        let mut bytes = io::Cursor::new(Vec::new());
        let encoded = TiffEncoder::new(&mut bytes).and_then(|mut encoder| {
            encoder.write_image::<Gray16>(self.plan.width, self.plan.height, samples)
        });
        encoded.map_err(of_tiff)?;
        Ok(bytes.into_inner())
    }

    /// Adds a page to a stack: samples and tags, then the pointer to it.
    fn page(
        &mut self,
        path: &Path,
        samples: &[u16],
        description: &str,
        name: &str,
    ) -> Result<(), TiffError> {
        let open = self.stack.take().filter(|stack| stack.path == path);
        let mut stack = match open {
            Some(stack) => stack,
            None => Stack {
                path: path.to_owned(),
                encoder: TiffEncoder::new(File::create(path)?)?,
            },
        };
        let encoder = &mut stack.encoder;
        let mut image = encoder.new_image::<Gray16>(self.plan.width, self.plan.height)?;
        let tags = image.encoder();
        tags.write_tag(Tag::ImageDescription, description)?;
        if name.is_ascii() {
            tags.write_tag(PAGE_NAME, name)?;
        } else {
            tags.write_tag(PAGE_NAME, name.as_bytes())?;
        }
        image.write_data(samples)?;
        self.stack = Some(stack);
        Ok(())
    }

    fn description(&self, region_idx: usize, at: PlaneAt, when: Moment) -> String {
        let (x_mm, y_mm) = self.layout.position_mm(region_idx, at.fov);
        let description = json!({
            "z_level": at.z, "channel": self.plan.channels.get(at.c as usize), "channel_index": at.c,
            "region_id": self.layout.region_name(region_idx), "fov": at.fov,
            "x_mm": x_mm, "y_mm": y_mm, "z_mm": rounded(slice_um(self.plan, at.z) / 1000.0),
            "time": when.spaced(),
        });
        ascii_json(&description)
    }

    /// The file of a FOV, with room for all of its planes from the first one on.
    fn ome(
        &mut self,
        region_idx: usize,
        fov: u32,
        path: &Path,
        when: Moment,
    ) -> Result<&mut OmeFile, SimulateError> {
        use std::collections::btree_map::Entry;

        match self.omes.entry((region_idx, fov)) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                let base_name = format!("{}_{fov}", self.layout.region_name(region_idx));
                let file = OmeFile::create(self.plan, &self.out, path, &base_name, when)?;
                Ok(place.insert(file))
            }
        }
    }
}

fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(bytes)
}

/// The system's part of an encoder's error.
pub(super) fn of_tiff(error: TiffError) -> io::Error {
    match error {
        TiffError::IoError(error) => error,
        other => io::Error::other(other),
    }
}

/// JSON in ASCII, which is what a description may hold.
fn ascii_json(value: &Value) -> String {
    let mut text = String::new();
    for letter in value.to_string().chars() {
        if letter.is_ascii() {
            text.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut [0; 2]) {
            let _infallible = write!(text, "\\u{unit:04x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_lie_where_squid_puts_them() {
        let check = |structure, expected: &str, page_idx| {
            let plan = Plan {
                structure,
                regions: vec![("b02".into(), 3)],
                num_timepoints: 4,
                channels: vec!["DAPI".into(), "BF / full".into()],
                ..Plan::default()
            };
            let at = PlaneAt {
                fov: 2,
                t: 3,
                c: 1,
                z: 4,
            };
            let found = place_of(&plan, &Layout::of(&plan), Path::new("out"), 0, at);
            assert_eq!(found, (Path::new(expected).to_owned(), page_idx));
        };
        check(Structure::Tiff, "out/3/B2_2_4_BF_full.tiff", 0);
        check(Structure::MultiPage, "out/3/B2_2_stack.tiff", 9);
        check(Structure::OmeTiff, "out/ome_tiff/B2_2.ome.tiff", 39);
    }

    #[test]
    fn descriptions_are_ascii_and_mean_the_same() {
        let value = json!({"channel": "\u{b5}m \u{1f52c}"});
        let text = ascii_json(&value);
        assert!(text.is_ascii(), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
