//! `squidview plane`: one plane as it is in the file: statistics, or the samples into a file.

use std::path::PathBuf;

use clap::Args;

use super::{
    inspect::field,
    output::{self, Failure},
    plane_files::{write_npy, write_png, write_tiff},
    statistics::{Statistics, table},
    stripes::Stripes,
};
use crate::{
    dataset::{Dataset, Image},
    export::Destination,
    formats,
    model::{AxisRole, Channel, Code, ContrastLimits, Histogram, Pixels, PlaneId, ZPick},
    render::with_opened_fov,
    session::ChannelView,
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
    let stripes = Stripes::of(&dataset, image, plane)?;
    let statistics = match &out {
        Some(out) => write(out, &stripes, &dataset, image)?,
        None => read_only(&stripes)?,
    };
    if arguments.stats {
        output::print_json(&statistics)
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

/// Writes a plane by the ending of the file's name; its statistics.
fn write(
    out: &Destination,
    stripes: &Stripes<'_>,
    dataset: &Dataset,
    image: &Image,
) -> Result<serde_json::Value, Failure> {
    let mut statistics = Statistics::new();
    let ending = out.path().extension().unwrap_or_default();
    match ending.to_ascii_lowercase().to_str() {
        Some("npy") => out.write(|file| write_npy(file, stripes, &mut statistics))?,
        Some("tif" | "tiff") => out.write(|file| write_tiff(file, stripes, &mut statistics))?,
        Some("png") => {
            // Limits are those of the whole plane, which is read twice so that it need not be kept.
            let limits = limits_of_picture(stripes, dataset, image, &mut statistics)?;
            let inverted = channel(image, stripes.plane().c).inverted;
            out.write(|file| write_png(file, stripes, limits, inverted))?;
        }
        _ => {
            let text = format!(
                "expected a name that ends with .tiff, .npy or .png: {}",
                out.path().display()
            );
            return Err(Failure::new(Code::Unsupported, text));
        }
    }
    Ok(statistics.finish(stripes))
}

fn channel(image: &Image, c: u16) -> Channel {
    let channel = image.channels.get(usize::from(c));
    channel.cloned().unwrap_or_default()
}

/// Contrast limits as the window has them at first: those of the file, of 8-bit colours all there are, else 0.1 to
/// 99.9 % of the plane; of a colour of more bits from 0 to the largest of all three, or the colours would have other
/// shares.
fn limits_of_picture(
    stripes: &Stripes<'_>,
    dataset: &Dataset,
    image: &Image,
    statistics: &mut Statistics,
) -> Result<ContrastLimits, Failure> {
    let plane = stripes.plane();
    let channel = channel(image, plane.c);
    let num_channels = image.num_channels() as usize;
    let view = ChannelView::of_file(
        &channel,
        usize::from(plane.c),
        num_channels,
        image.sample_type,
    );
    if let Some(limits) = view.limits {
        look_at(stripes, |stripe| statistics.add(stripe.samples()))?;
        return Ok(limits);
    }
    let auto = auto_limits(stripes, |stripe| statistics.add(stripe.samples()))?;
    let Some(part) = channel.color_part else {
        return Ok(auto);
    };
    let mut joint = auto.from_zero();
    let first = plane.c.saturating_sub(part.into());
    for c in (first..first.saturating_add(NUM_COLORS)).filter(|&c| c != plane.c) {
        let other = Stripes::of(dataset, image, PlaneId { c, ..plane })?;
        joint = joint.around(auto_limits(&other, |_| ())?);
    }
    Ok(joint)
}

/// 0.1 to 99.9 % of a plane, whose parts are looked at on the way.
fn auto_limits(
    stripes: &Stripes<'_>,
    mut look: impl FnMut(&Pixels),
) -> Result<ContrastLimits, Failure> {
    let mut histograms = Vec::new();
    look_at(stripes, |stripe| {
        look(stripe);
        histograms.extend(Histogram::of(stripe));
    })?;
    let of_plane = Histogram::merged(&histograms).unwrap_or_else(Histogram::empty);
    Ok(of_plane.auto)
}

fn read_only(stripes: &Stripes<'_>) -> Result<serde_json::Value, Failure> {
    let mut statistics = Statistics::new();
    look_at(stripes, |stripe| statistics.add(stripe.samples()))?;
    Ok(statistics.finish(stripes))
}

fn look_at(stripes: &Stripes<'_>, mut look: impl FnMut(&Pixels)) -> Result<(), Failure> {
    for stripe in stripes.iter() {
        look(&*stripe?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_index_is_a_name_and_a_number() {
        assert_eq!(axis_index("angle=1"), Ok(("angle".into(), 1)));
        assert!(axis_index("angle").is_err());
        assert!(axis_index("angle=-1").is_err());
    }
}
