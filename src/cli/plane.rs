//! `squidview plane`: one plane as it is in the file: statistics, or the samples into a file.

use std::{io::Write as _, path::PathBuf};

use clap::Args;

use super::{
    inspect::field,
    output::{self, Failure},
    plane_files::{write_png, write_tiff},
    statistics::{little_endian, statistics, table},
};
use crate::{
    dataset::{Dataset, Image},
    export::Destination,
    formats,
    model::{
        Absence, AxisRole, Channel, Code, ContrastLimits, Histogram, MemoryOrder, Pixels, PlaneId,
        PlaneState, SampleType, Samples, TileId, ZPick, limits,
    },
    render::with_opened_fov,
    session::ChannelView,
    store::{ReadOutcome, Store},
};

/// Colours of a colour image.
const NUM_COLORS: u16 = 3;

/// One plane: its statistics, or its pixels into a file
#[derive(Args, Debug)]
pub(super) struct PlaneArguments {
    /// Acquisition folder, store, or any folder inside it
    path: PathBuf,
    /// Print statistics as JSON
    #[arg(long)]
    stats: bool,
    /// Write the plane: .tiff, .npy, or .png (8 bit, contrast limits applied)
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Index of the field in what `inspect` lists
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = output::index)]
    fov: u32,
    /// Timepoint index
    #[arg(long, value_name = "T", default_value_t = 0, value_parser = output::index)]
    t: u32,
    /// Channel index
    #[arg(long, value_name = "C", default_value_t = 0, value_parser = output::index)]
    c: u32,
    /// z-slice index, in the index space of the level
    #[arg(long, value_name = "Z", default_value_t = 0, value_parser = output::index)]
    z: u32,
    /// Stored pyramid level
    #[arg(long, value_name = "L", default_value_t = 0, value_parser = output::index)]
    level: u32,
    /// Index along an axis that is none of t, c, z, y, x
    #[arg(long, value_name = "AXIS=I", value_parser = axis_index)]
    at: Vec<(String, u64)>,
    /// Take the plane from this label image
    #[arg(long, value_name = "NAME")]
    label: Option<String>,
}

/// `angle=1`.
fn axis_index(text: &str) -> Result<(String, u64), String> {
    let (axis, index) = text
        .split_once('=')
        .ok_or_else(|| format!("expected AXIS=INDEX, found {text:?}"))?;
    Ok((axis.to_owned(), output::index(index)?.into()))
}

pub(super) fn run(arguments: &PlaneArguments) -> Result<(), Failure> {
    let dataset = output::open(&arguments.path)?;
    let fov = field(&dataset, arguments.fov)?;
    let dataset = with_opened_fov(dataset, fov)?;
    let out = arguments.out.as_deref();
    let out = out.map(|out| Destination::outside(&dataset, out));
    let out = out.transpose()?;
    let (dataset, fov) = match &arguments.label {
        Some(name) => formats::open_label(&dataset, fov, name, &mut |_| true)?,
        None => (dataset, fov),
    };
    let image = dataset.image(fov).unwrap_or(&dataset.template);
    let plane = PlaneId {
        fov,
        layer: 0,
        t: inside(image, AxisRole::Time, "t", arguments.t, arguments.level)?,
        c: u16::try_from(inside(
            image,
            AxisRole::Channel,
            "c",
            arguments.c,
            arguments.level,
        )?)
        .unwrap_or(u16::MAX),
        z: ZPick::Slice(inside(
            image,
            AxisRole::Z,
            "z",
            arguments.z,
            arguments.level,
        )?),
        extra: extra_index(image, &arguments.at)?,
        level: u8::try_from(arguments.level).unwrap_or(u8::MAX),
    };
    let pixels = whole_plane(&dataset, image, plane)?;
    if let Some(out) = &out {
        write(out, &pixels, &dataset, image, plane)?;
    }
    let statistics = statistics(&pixels);
    if arguments.stats {
        output::print(&statistics.to_string())
    } else {
        output::print(&table(&statistics))
    }
}

/// An index within its axis at a stored level.
fn inside(
    image: &Image,
    role: AxisRole,
    name: &str,
    index: u32,
    level: u32,
) -> Result<u32, Failure> {
    if level as usize >= image.levels.len() {
        let last = image.levels.len() - 1;
        return Err(Failure::new(
            Code::OutOfRange,
            format!("level {level} is beyond the last stored one, {last}"),
        ));
    }
    let length = image.len_at(role, level as usize);
    if u64::from(index) < length {
        return Ok(index);
    }
    Err(Failure::new(
        Code::OutOfRange,
        format!("{name} {index} is beyond the axis, whose length is {length}"),
    ))
}

/// The flattened position along all other axes, last one fastest.
fn extra_index(image: &Image, wanted: &[(String, u64)]) -> Result<u32, Failure> {
    let others: Vec<_> = image
        .axes
        .iter()
        .zip(&image.levels[0].shape)
        .filter(|(axis, _)| axis.role == AxisRole::Other)
        .map(|(axis, &length)| (axis.name.as_str(), length))
        .collect();
    for (name, index) in wanted {
        let is_known = others.iter().any(|(other, _)| other == name);
        // An index 0 for an axis that is absent is no question.
        if !is_known && *index != 0 {
            return Err(Failure::new(
                Code::OutOfRange,
                format!("there is no axis {name:?}"),
            ));
        }
    }
    let mut flat = 0_u64;
    for (name, length) in others {
        let index = wanted
            .iter()
            .rev()
            .find(|(other, _)| other == name)
            .map_or(0, |(_, index)| *index);
        if index >= length {
            let text = format!("{name} {index} is beyond the axis, whose length is {length}");
            return Err(Failure::new(Code::OutOfRange, text));
        }
        flat = flat.saturating_mul(length).saturating_add(index);
    }
    u32::try_from(flat)
        .map_err(|_| Failure::new(Code::TooLarge, format!("{flat} positions along other axes")))
}

/// All tiles of a plane in one piece, row by row.
fn whole_plane(dataset: &Dataset, image: &Image, plane: PlaneId) -> Result<Pixels, Failure> {
    let grid = image
        .grid(plane.level)
        .ok_or_else(|| Failure::new(Code::OutOfRange, "there is no such level"))?;
    let num_samples = u64::from(grid.width) * u64::from(grid.height);
    let num_bytes = num_samples.saturating_mul(image.sample_type.num_bytes() as u64);
    if num_bytes > limits::DECODED_BYTES {
        let most = limits::DECODED_BYTES;
        return Err(Failure::new(
            Code::TooLarge,
            format!("the plane takes {num_bytes} bytes, at most {most} are read"),
        ));
    }
    let (store, sample_bytes) = (Store::new(), image.sample_type.num_bytes());
    let mut samples = Samples::zeros(image.sample_type, num_samples as usize);
    for (row, col) in
        (0..grid.num_rows()).flat_map(|row| (0..grid.num_cols()).map(move |col| (row, col)))
    {
        let Some((x, y, width, height)) = grid.tile_rect(row, col) else {
            continue;
        };
        let pixels = tile(&store, dataset, TileId { plane, row, col })?;
        let rows = pixels.to_rows();
        let (from, line) = (rows.samples().as_bytes(), width as usize * sample_bytes);
        let to = samples.as_bytes_mut();
        for line_idx in 0..height as usize {
            let at = ((y as usize + line_idx) * grid.width as usize + x as usize) * sample_bytes;
            to[at..at + line].copy_from_slice(&from[line_idx * line..(line_idx + 1) * line]);
        }
    }
    Pixels::new(grid.width, grid.height, MemoryOrder::RowMajor, samples)
        .map_err(|error| Failure::new(Code::CorruptData, error.to_string()))
}

/// One tile, whole: a part of it that cannot be read is an error, never a 0.
fn tile(store: &Store, dataset: &Dataset, tile: TileId) -> Result<std::sync::Arc<Pixels>, Failure> {
    let not_written = || {
        let message = if dataset.is_running() {
            "the plane is planned but not written yet"
        } else {
            "the plane is not on disk, and nothing says that it will be"
        };
        Failure::new(Code::NotWritten, message)
    };
    match store.read_tile(dataset, tile, Absence::AsStored)? {
        ReadOutcome::Pixels {
            tiles,
            state: PlaneState::Written,
        } => tiles
            .into_iter()
            .next()
            .map(|read| read.pixels)
            .ok_or_else(not_written),
        ReadOutcome::Pixels { .. } | ReadOutcome::Absent(_) => Err(not_written()),
    }
}

/// Writes a plane by the ending of the file's name.
fn write(
    out: &Destination,
    pixels: &Pixels,
    dataset: &Dataset,
    image: &Image,
    plane: PlaneId,
) -> Result<(), Failure> {
    let ending = out.path().extension().unwrap_or_default();
    match ending.to_ascii_lowercase().to_str() {
        Some("npy") => out.write(|file| Ok(file.write_all(&npy(pixels))?))?,
        Some("tif" | "tiff") => out.write(|file| write_tiff(file, pixels))?,
        Some("png") => {
            let limits = limits_of_picture(pixels, dataset, image, plane)?;
            let inverted = channel(image, plane.c).inverted;
            out.write(|file| write_png(file, pixels, plane, limits, inverted))?;
        }
        _ => {
            let text = format!(
                "expected a name that ends with .tiff, .npy or .png: {}",
                out.path().display()
            );
            return Err(Failure::new(Code::Unsupported, text));
        }
    }
    Ok(())
}

fn channel(image: &Image, c: u16) -> Channel {
    let channel = image.channels.get(usize::from(c));
    channel.cloned().unwrap_or_default()
}

/// Contrast limits as the window has them at first: those of the file, of 8-bit colours all there are, else 0.1 to
/// 99.9 % of the plane; of a colour of more bits from 0 to the largest of all three, or the colours would have other
/// shares.
fn limits_of_picture(
    pixels: &Pixels,
    dataset: &Dataset,
    image: &Image,
    plane: PlaneId,
) -> Result<ContrastLimits, Failure> {
    let channel = channel(image, plane.c);
    let index = usize::from(plane.c);
    let num_channels = image.num_channels() as usize;
    let view = ChannelView::of_file(&channel, index, num_channels, image.sample_type);
    if let Some(limits) = view.limits {
        return Ok(limits);
    }
    let auto = |pixels: &Pixels| Histogram::of(pixels).unwrap_or_else(Histogram::empty).auto;
    let Some(part) = channel.color_part else {
        return Ok(auto(pixels));
    };
    let mut joint = auto(pixels).from_zero();
    let first = plane.c.saturating_sub(part.into());
    for c in (first..first.saturating_add(NUM_COLORS)).filter(|&c| c != plane.c) {
        let other = whole_plane(dataset, image, PlaneId { c, ..plane })?;
        joint = joint.around(auto(&other));
    }
    Ok(joint)
}

/// A numpy file, format version 1.0 (numpy.lib.format).
fn npy(pixels: &Pixels) -> Vec<u8> {
    let descr = match pixels.sample_type() {
        SampleType::Bool => "|b1",
        SampleType::U8 => "|u1",
        SampleType::I8 => "|i1",
        SampleType::U16 => "<u2",
        SampleType::U32 => "<u4",
        SampleType::U64 => "<u8",
        SampleType::I16 => "<i2",
        SampleType::I32 => "<i4",
        SampleType::I64 => "<i8",
        SampleType::F16 => "<f2",
        SampleType::F32 => "<f4",
        SampleType::F64 => "<f8",
    };
    let shape = (pixels.height(), pixels.width());
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape:?}, }}");
    // Magic, version and length take 10 bytes; the data begin at a multiple of 64.
    let padding = 63 - (10 + header.len()) % 64;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend_from_slice(&little_endian(pixels.samples()));
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(samples: Samples) -> Pixels {
        Pixels::new(samples.len() as u32, 1, MemoryOrder::RowMajor, samples).expect("fits")
    }

    #[test]
    fn a_numpy_file_begins_its_data_at_a_multiple_of_64() {
        let file = npy(&pixels(Samples::U16(vec![1, 2, 3])));
        let length = usize::from(u16::from_le_bytes([file[8], file[9]]));
        assert_eq!((10 + length) % 64, 0);
        assert_eq!(&file[10 + length..], [1, 0, 2, 0, 3, 0]);
        let header = std::str::from_utf8(&file[10..10 + length]).expect("text");
        assert!(
            header.starts_with("{'descr': '<u2', 'fortran_order': False, 'shape': (1, 3), }"),
            "{header}"
        );
    }

    #[test]
    fn an_axis_index_is_a_name_and_a_number() {
        assert_eq!(axis_index("angle=1"), Ok(("angle".into(), 1)));
        assert!(axis_index("angle").is_err());
        assert!(axis_index("angle=-1").is_err());
    }
}
