//! One OME-TIFF file of a FOV: room for all of its planes, which are then filled in place.
//!
//! Squid `control/core/utils_ome_tiff_writer.py`, `control/core/job_processing.py`: axes TZCYX; what was written is noted in
//! a file of the system's temporary folder, which is gone when the last plane is there; only then the planes' positions are
//! put into the OME-XML.

use std::{
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};
use tiff::{
    TiffResult,
    encoder::{TiffEncoder, TiffKind, TiffKindBig, TiffKindStandard},
    tags::Tag,
};

use super::{
    SimulateError, clock::Moment, images::of_tiff, plan::Plan, side_files::slice_um,
    zarr_writer::PlaneAt,
};

/// Beyond this a file needs 64-bit offsets.
const CLASSIC_BYTES: u64 = (4 << 30) - (32 << 20);
/// More than a directory of ours takes.
const DIRECTORY_BYTES: u64 = 512;
const PAGE_BYTES: u64 = 4096;
/// `ImageDescription`.
const DESCRIPTION: u16 = 270;

/// A file under way.
#[derive(Debug)]
pub(super) struct OmeFile {
    path: PathBuf,
    /// What was written, as Squid notes it.
    notes_path: PathBuf,
    notes: Map<String, Value>,
    planes: Map<String, Value>,
    written: Vec<Value>,
    started: Moment,
    is_big: bool,
    samples_at: u64,
    plane_bytes: u64,
}

impl OmeFile {
    /// Makes the file: directories and description, then room for the samples, which takes no space on disk.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn create(
        plan: &Plan,
        out: &Path,
        path: &Path,
        base_name: &str,
        when: Moment,
    ) -> Result<Self, SimulateError> {
        let at = |source| SimulateError::io("write", path, source);
        fs::create_dir_all(path.parent().unwrap_or(path)).map_err(at)?;
        let experiment = std::path::absolute(out).map_err(at)?;
        let key = format!("{}:{base_name}", experiment.display());
        let digest = sha1_smol::Sha1::from(key).digest().to_string();
        let num_pages = plan.num_planes() / plan.num_fovs().max(1);
        let plane_bytes = u64::from(plan.width) * u64::from(plan.height) * 2;
        let description = xml(plan, None, &Map::new());
        let head = description.len() as u64 + num_pages.saturating_add(2) * DIRECTORY_BYTES;
        let samples_at = head.next_multiple_of(PAGE_BYTES);
        let num_bytes = samples_at.saturating_add(plane_bytes.saturating_mul(num_pages));
        let mut file = Self {
            path: path.to_owned(),
            notes_path: std::env::temp_dir().join(format!("squid_ome_{digest}_metadata.json")),
            notes: notes(plan, when),
            planes: Map::new(),
            written: Vec::new(),
            started: when,
            is_big: num_bytes > CLASSIC_BYTES,
            samples_at,
            plane_bytes,
        };
        let described = if file.is_big {
            file.describe::<TiffKindBig>(plan, num_pages, &description)
        } else {
            file.describe::<TiffKindStandard>(plan, num_pages, &description)
        };
        let room = |mut made: File| {
            debug_assert!(made.stream_position().is_ok_and(|end| end <= samples_at));
            made.set_len(num_bytes)
        };
        described.map_err(of_tiff).and_then(room).map_err(at)?;
        file.note()?;
        Ok(file)
    }

    fn describe<K: TiffKind>(
        &self,
        plan: &Plan,
        num_pages: u64,
        description: &str,
    ) -> TiffResult<File> {
        let mut file = File::create(&self.path)?;
        let mut encoder = TiffEncoder::<_, K>::new_generic(&mut file)?;
        for page in 0..num_pages {
            let mut directory = encoder.image_directory()?;
            directory.write_tag(Tag::ImageWidth, plan.width)?;
            directory.write_tag(Tag::ImageLength, plan.height)?;
            directory.write_tag(Tag::BitsPerSample, 16_u16)?;
            directory.write_tag(Tag::Compression, 1_u16)?;
            directory.write_tag(Tag::PhotometricInterpretation, 1_u16)?;
            if page == 0 {
                directory.write_tag(Tag::ImageDescription, description)?;
            }
            let offset = self.samples_at + page * self.plane_bytes;
            directory.write_tag(Tag::StripOffsets, K::convert_offset(offset)?)?;
            directory.write_tag(Tag::SamplesPerPixel, 1_u16)?;
            directory.write_tag(Tag::RowsPerStrip, plan.height)?;
            directory.write_tag(Tag::StripByteCounts, K::convert_offset(self.plane_bytes)?)?;
            directory.write_tag(Tag::SampleFormat, 1_u16)?;
            directory.finish()?;
        }
        Ok(file)
    }

    /// Writes a plane, then notes it; the last one completes the file.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn write(
        &mut self,
        plan: &Plan,
        at: PlaneAt,
        page_idx: u32,
        samples: &[u16],
        (x_mm, y_mm): (f64, f64),
        when: Moment,
    ) -> Result<(), SimulateError> {
        self.write_samples(page_idx, samples)?;
        let key = format!("{}-{}-{}", at.t, at.c, at.z);
        let plane = json!({
            "TheT": at.t, "TheZ": at.z, "TheC": at.c,
            "PositionX": x_mm, "PositionXUnit": "mm", "PositionY": y_mm, "PositionYUnit": "mm",
            "DeltaT": when.unix_secs() - self.started.unix_secs(),
            "PositionZ": slice_um(plan, at.z), "PositionZUnit": "\u{b5}m",
        });
        self.planes.insert(key.clone(), plane);
        self.written.push(key.into());
        let expected = self.notes.get("expected_count").and_then(Value::as_u64);
        if expected != Some(self.written.len() as u64) {
            return self.note();
        }
        let description = xml(plan, Some(self.started), &self.planes);
        let put = self.put_description(&description);
        put.map_err(|source| SimulateError::io("write", &self.path, source))?;
        let removed = fs::remove_file(&self.notes_path);
        removed.map_err(|source| SimulateError::io("remove", &self.notes_path, source))
    }

    /// Puts samples at the place of a page, from its first row on.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(super) fn write_samples(
        &self,
        page_idx: u32,
        samples: &[u16],
    ) -> Result<(), SimulateError> {
        let bytes: Vec<u8> = samples.iter().flat_map(|it| it.to_le_bytes()).collect();
        let offset = self.samples_at + u64::from(page_idx) * self.plane_bytes;
        let written = OpenOptions::new().write(true).open(&self.path);
        let written = written.and_then(|mut file| {
            file.seek(SeekFrom::Start(offset))?;
            file.write_all(&bytes)
        });
        written.map_err(|source| SimulateError::io("write", &self.path, source))
    }

    /// Rewrites the notes in place, as Squid does.
    fn note(&mut self) -> Result<(), SimulateError> {
        self.notes
            .insert("saved_count".into(), self.written.len().into());
        self.notes
            .insert("written_indices".into(), self.written.clone().into());
        self.notes
            .insert("planes".into(), self.planes.clone().into());
        let text = Value::Object(self.notes.clone()).to_string();
        fs::write(&self.notes_path, text)
            .map_err(|source| SimulateError::io("write", &self.notes_path, source))
    }

    /// Puts a longer description behind everything, and its place into the first directory.
    fn put_description(&self, text: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().read(true).write(true).open(&self.path)?;
        let text_at = file.seek(SeekFrom::End(0))?;
        file.write_all(text.as_bytes())?;
        file.write_all(&[0])?;
        let (first_at, first_bytes, count_bytes, entry_bytes) = if self.is_big {
            (8, 8, 8, 20)
        } else {
            (4, 4, 2, 12)
        };
        let directory = number(&mut file, first_at, first_bytes)?;
        let count = number(&mut file, directory, count_bytes)?;
        for entry in 0..count {
            let at = directory + count_bytes + entry * entry_bytes;
            if number(&mut file, at, 2)? == u64::from(DESCRIPTION) {
                put_number(&mut file, at + 4, first_bytes, text.len() as u64 + 1)?;
                return put_number(&mut file, at + 4 + first_bytes, first_bytes, text_at);
            }
        }
        Err(io::Error::other("the first page has no description"))
    }
}

/// A number in the byte order of this machine, in which the encoder writes.
fn number(file: &mut File, at: u64, num_bytes: u64) -> io::Result<u64> {
    let mut bytes = vec![0; num_bytes as usize];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    if cfg!(target_endian = "little") {
        bytes.reverse();
    }
    Ok(bytes
        .iter()
        .fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
}

fn put_number(file: &mut File, at: u64, num_bytes: u64, value: u64) -> io::Result<()> {
    let mut bytes = value.to_be_bytes()[8 - num_bytes as usize..].to_vec();
    if cfg!(target_endian = "little") {
        bytes.reverse();
    }
    file.seek(SeekFrom::Start(at))?;
    file.write_all(&bytes)
}

fn notes(plan: &Plan, when: Moment) -> Map<String, Value> {
    let num_planes = plan.num_planes() / plan.num_fovs().max(1);
    let notes = json!({
        "dtype": "<u2", "axes": "TZCYX",
        "shape": [plan.num_timepoints, plan.num_z, plan.channels.len(), plan.height, plan.width],
        "channel_names": plan.channels, "written_indices": [], "saved_count": 0, "expected_count": num_planes,
        "planes": {}, "start_time": when.unix_secs(), "completed": false,
        "time_increment": plan.time_step_secs, "time_increment_unit": "s",
        "physical_size_z": plan.z_step_um, "physical_size_z_unit": "\u{b5}m",
        "physical_size_x": plan.pixel_size_um, "physical_size_x_unit": "\u{b5}m",
        "physical_size_y": plan.pixel_size_um, "physical_size_y_unit": "\u{b5}m",
    });
    match notes {
        Value::Object(notes) => notes,
        _ => Map::new(),
    }
}

/// The OME-XML in ASCII; the date and the planes are there when all of them are written.
fn xml(plan: &Plan, started: Option<Moment>, planes: &Map<String, Value>) -> String {
    let (num_t, num_z, num_c) = (plan.num_timepoints, plan.num_z, plan.channels.len());
    let date = started.map_or_else(String::new, |at| {
        format!(" AcquisitionDate=\"{}\"", at.iso())
    });
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\" \
         Creator=\"squidview simulate\"><Image ID=\"Image:0\" Name=\"Image0\"{date}><Pixels ID=\"Pixels:0\" \
         DimensionOrder=\"XYCZT\" Type=\"uint16\" SizeX=\"{}\" SizeY=\"{}\" SizeC=\"{num_c}\" SizeZ=\"{num_z}\" \
         SizeT=\"{num_t}\" TimeIncrement=\"{:?}\" TimeIncrementUnit=\"s\"",
        plan.width, plan.height, plan.time_step_secs
    );
    let sizes = [
        ("X", plan.pixel_size_um),
        ("Y", plan.pixel_size_um),
        ("Z", plan.z_step_um),
    ];
    for (axis, size_um) in sizes {
        let _infallible = write!(
            text,
            " PhysicalSize{axis}=\"{size_um:?}\" PhysicalSize{axis}Unit=\"&#181;m\""
        );
    }
    text.push('>');
    for (index, name) in plan.channels.iter().enumerate() {
        let name = escaped(name);
        let _infallible = write!(
            text,
            "<Channel ID=\"Channel:0:{index}\" SamplesPerPixel=\"1\" Name=\"{name}\"/>"
        );
    }
    let num_planes = u64::from(num_t) * u64::from(num_z) * num_c as u64;
    let _infallible = write!(text, "<TiffData IFD=\"0\" PlaneCount=\"{num_planes}\"/>");
    let mut planes: Vec<&Value> = planes.values().collect();
    let place = |plane: &Value| ["TheT", "TheC", "TheZ"].map(|key| plane[key].as_u64());
    planes.sort_by_key(|plane| place(plane));
    for plane in planes {
        text.push_str("<Plane");
        for (key, value) in plane.as_object().into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), escaped);
            let _infallible = write!(text, " {key}=\"{value}\"");
        }
        text.push_str("/>");
    }
    text.push_str("</Pixels></Image></OME>");
    text
}

/// Text as a value of an attribute, in ASCII.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii() && !letter.is_ascii_control() && !"<>&\"'".contains(letter) {
            safe.push(letter);
        } else {
            let _infallible = write!(safe, "&#{};", u32::from(letter));
        }
    }
    safe
}
