//! OME-XML: what the first description of an OME-TIFF says of its images.
//!
//! docs.openmicroscopy.org/ome-model, schemas 2003-FC to 2016-06. Elements are matched by their local names, because each
//! schema has a namespace of its own, and older ones put channels beside the pixels and stage positions into elements.
//! Numbers are not trusted: what is not a sensible size makes its image a problem, and nothing is counted unchecked.

mod planes;
#[cfg(test)]
mod tests;
mod tiff_data;
mod wells;

pub use self::{
    planes::{Place, PlaneTable},
    tiff_data::TiffData,
    wells::WellPlace,
};

use roxmltree::Node;

use super::{
    json::shown_text,
    ngff::{unit_to_seconds, unit_to_um},
    xml,
};
use crate::model::{Channel, Code, Problem, Rgb, SampleType, Step, limits};

/// An axis that pages follow each other along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// z-slices.
    Z,
    /// Channels.
    C,
    /// Timepoints.
    T,
}

/// The whole document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OmeDocument {
    /// The `UUID` of the file that it stands in.
    pub uuid: Option<String>,
    /// `BinaryOnly`: the name of the file beside it that has the document of all files.
    pub companion: Option<String>,
    /// Images that can be used, in the order of the document.
    pub images: Vec<OmeImage>,
    /// Acquisitions of its plates that images belong to, numbered as they stand in the document.
    pub acquisitions: Vec<i64>,
    /// What could not be used; locations name the element.
    pub problems: Vec<Problem>,
}

/// One `Image` with its `Pixels`.
#[derive(Clone, Debug, PartialEq)]
pub struct OmeImage {
    /// `ID`.
    pub id: Option<String>,
    /// Where it lies on a plate.
    pub well: Option<WellPlace>,
    /// `Name`.
    pub name: Option<String>,
    /// Axes beside x and y, the one that changes from page to page first.
    pub order: [Dimension; 3],
    /// Columns; `None` where it is no sensible number.
    pub size_x: Option<u32>,
    /// Rows.
    pub size_y: Option<u32>,
    /// z-slices; at least 1.
    pub size_z: u32,
    /// Channels, each colour of a colour image counted; at least 1.
    pub size_c: u32,
    /// Timepoints; at least 1.
    pub size_t: u32,
    /// `Type`; `None` for complex ones and names that are none.
    pub sample_type: Option<SampleType>,
    /// Width, height and depth of a voxel in µm; above 0 and finite.
    pub pixel_size_um: [Option<f64>; 3],
    /// `TimeIncrement` in s; above 0 and finite.
    pub time_step_secs: Option<f64>,
    /// `Channel` elements; may be fewer than channels, or none.
    pub channels: Vec<OmeChannel>,
    /// `TiffData` elements.
    pub tiff_data: Vec<TiffData>,
    /// x, y, z of the first plane on the stage in µm, where a unit of length is given.
    pub stage_um: [Option<f64>; 3],
    /// `StageLabel`'s name.
    pub stage_label: Option<String>,
    /// There are `Plane` elements: Squid adds them when all planes are written.
    pub has_planes: bool,
}

/// One `Channel`.
#[derive(Clone, Debug, PartialEq)]
pub struct OmeChannel {
    /// Name, colour and wavelength.
    pub channel: Channel,
    /// Samples of one page; at least 1.
    pub samples_per_pixel: u32,
}

/// Reads a document.
///
/// # Errors
/// When it is beyond the budgets, not XML, or its root is no `OME`; the words say which.
pub fn parse(text: &str) -> Result<OmeDocument, (Code, String)> {
    let text = text.trim_matches(|letter: char| letter.is_whitespace() || letter == '\0');
    let document = xml::parse(text, limits::XML_NODES)?;
    let root = document.root_element();
    if root.tag_name().name() != "OME" {
        let found = root.tag_name().name().chars().take(40).collect::<String>();
        let message = format!("root element {found:?}, expected OME");
        return Err((Code::BadMetadata, message));
    }
    let mut found = OmeDocument {
        uuid: root.attribute("UUID").map(str::to_owned),
        companion: children(root, "BinaryOnly")
            .find_map(|node| node.attribute("MetadataFile"))
            .map(str::to_owned),
        ..OmeDocument::default()
    };
    for (at, image) in children(root, "Image").enumerate() {
        let location = format!("Image {at}");
        match image_of(image, &location, &mut found.problems) {
            Ok(image) => found.images.push(image),
            Err((code, message)) => found.problems.push(Problem::new(code, location, message)),
        }
    }
    let (mut places, acquisitions) = wells::places(root, &mut found.problems);
    found.acquisitions = acquisitions;
    for image in &mut found.images {
        image.well = image.id.as_ref().and_then(|id| places.remove(id));
    }
    Ok(found)
}

fn children<'a, 'input>(
    node: Node<'a, 'input>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children()
        .filter(move |child| child.is_element() && child.tag_name().name() == name)
}

fn image_of(
    image: Node<'_, '_>,
    location: &str,
    problems: &mut Vec<Problem>,
) -> Result<OmeImage, (Code, String)> {
    let mut problem = |message: String| {
        problems.push(Problem::new(Code::BadMetadata, location, message));
    };
    let pixels = children(image, "Pixels").next();
    let pixels = pixels.ok_or((Code::BadMetadata, "without Pixels".to_owned()))?;
    let [size_z, size_c, size_t] = sizes_of(pixels, &mut problem)?;
    let order = order_of(pixels, &mut problem);
    let kind = pixels.attribute("Type").or(pixels.attribute("PixelType"));
    let (sample_type, is_known) = kind.map_or((None, false), sample_type_of);
    if !is_known {
        problem(format!(
            "Type is {:?}, the pages say what samples are",
            shown(kind)
        ));
    }
    let stage_label = children(image, "StageLabel").next();
    let plane = first_plane(pixels);
    let place = |axis: &str| {
        let of_plane = plane.and_then(|plane| position_of(plane, axis));
        of_plane.or_else(|| {
            let label = stage_label?;
            let unit = label.attribute(format!("{axis}Unit").as_str())?;
            length(label.attribute(axis)?, unit_to_um(unit)?)
        })
    };
    Ok(OmeImage {
        id: text_of(image, "ID"),
        well: None,
        name: text_of(image, "Name"),
        order,
        size_x: count(pixels.attribute("SizeX")),
        size_y: count(pixels.attribute("SizeY")),
        size_z,
        size_c,
        size_t,
        sample_type,
        pixel_size_um: ["X", "Y", "Z"].map(|axis| pixel_size(image, pixels, axis, &mut problem)),
        time_step_secs: time_step(image, pixels, &mut problem),
        channels: channels_of(image, pixels),
        tiff_data: tiff_data::all_in(pixels, &mut problem),
        stage_um: ["X", "Y", "Z"].map(place),
        stage_label: stage_label.and_then(|label| text_of(label, "Name")),
        has_planes: plane.is_some(),
    })
}

/// z-slices, channels and timepoints, within the budgets.
fn sizes_of(
    pixels: Node<'_, '_>,
    problem: &mut impl FnMut(String),
) -> Result<[u32; 3], (Code, String)> {
    let mut sizes = [1; 3];
    let bounds = [
        ("SizeZ", limits::Z_SLICES),
        ("SizeC", limits::CHANNELS as u32),
        ("SizeT", limits::TIMEPOINTS),
    ];
    for (size, (name, bound)) in sizes.iter_mut().zip(bounds) {
        match pixels.attribute(name) {
            None => problem(format!("{name} is missing, taken as 1")),
            Some(text) => {
                let words = || {
                    format!(
                        "{name} is {:?}, expected a number from 1 on",
                        shown(Some(text))
                    )
                };
                let found = text.trim().parse::<u64>();
                let found = found.map_err(|_| (Code::BadMetadata, words()))?;
                if found == 0 {
                    return Err((Code::Empty, words()));
                }
                *size = u32::try_from(found)
                    .ok()
                    .filter(|&found| found <= bound)
                    .ok_or((
                        Code::TooLarge,
                        format!("{name} is {found} where at most {bound} are shown"),
                    ))?;
            }
        }
    }
    Ok(sizes)
}

/// Squid's fallback document names the order of the array (`TZCYX`) instead of that of the pages, so both are read.
fn order_of(pixels: Node<'_, '_>, problem: &mut impl FnMut(String)) -> [Dimension; 3] {
    let standard = [Dimension::Z, Dimension::C, Dimension::T];
    let text = pixels.attribute("DimensionOrder");
    let letters = text.unwrap_or_default();
    let outer = match (letters.strip_prefix("XY"), letters.strip_suffix("YX")) {
        (Some(outer), _) => outer.to_owned(),
        (None, Some(outer)) => outer.chars().rev().collect(),
        (None, None) => String::new(),
    };
    match outer.as_str() {
        "ZCT" => standard,
        "ZTC" => [Dimension::Z, Dimension::T, Dimension::C],
        "CZT" => [Dimension::C, Dimension::Z, Dimension::T],
        "CTZ" => [Dimension::C, Dimension::T, Dimension::Z],
        "TZC" => [Dimension::T, Dimension::Z, Dimension::C],
        "TCZ" => [Dimension::T, Dimension::C, Dimension::Z],
        _ => {
            problem(format!(
                "DimensionOrder is {:?}, taken as XYZCT",
                shown(text)
            ));
            standard
        }
    }
}

/// The type, and whether the name is one of the schema; `bit` pages are bytes where they are not packed.
fn sample_type_of(name: &str) -> (Option<SampleType>, bool) {
    let found = match name.trim().to_ascii_lowercase().as_str() {
        "uint8" => Some(SampleType::U8),
        "uint16" => Some(SampleType::U16),
        "uint32" => Some(SampleType::U32),
        "int8" => Some(SampleType::I8),
        "int16" => Some(SampleType::I16),
        "int32" => Some(SampleType::I32),
        "float" => Some(SampleType::F32),
        "double" => Some(SampleType::F64),
        // Not in the schema, written by tifffile.
        "uint64" => Some(SampleType::U64),
        "int64" => Some(SampleType::I64),
        "half" | "float16" => Some(SampleType::F16),
        "bit" | "complex" | "double-complex" => return (None, true),
        _ => None,
    };
    (found, found.is_some())
}

/// `PhysicalSizeX` in its unit (µm without one); 2003-FC has `PixelSizeX` on the image.
fn pixel_size(
    image: Node<'_, '_>,
    pixels: Node<'_, '_>,
    axis: &str,
    problem: &mut impl FnMut(String),
) -> Option<f64> {
    let name = format!("PhysicalSize{axis}");
    let text = pixels.attribute(name.as_str()).or_else(|| {
        let old = format!("PixelSize{axis}");
        image
            .attribute(old.as_str())
            .or(pixels.attribute(old.as_str()))
    })?;
    let unit = pixels.attribute(format!("{name}Unit").as_str());
    let size = length(text, unit.map_or(Some(1.0), unit_to_um)?);
    possible(Step::Length, &name, text, size, problem)
}

fn time_step(
    image: Node<'_, '_>,
    pixels: Node<'_, '_>,
    problem: &mut impl FnMut(String),
) -> Option<f64> {
    let text = pixels
        .attribute("TimeIncrement")
        .or(image.attribute("TimeIncrement"))?;
    let unit = pixels.attribute("TimeIncrementUnit");
    let step = length(text, unit.map_or(Some(1.0), unit_to_seconds)?);
    possible(Step::Time, "TimeIncrement", text, step, problem)
}

fn length(text: &str, factor: f64) -> Option<f64> {
    let value: f64 = text.trim().parse().ok()?;
    let value = value * factor;
    value.is_finite().then_some(value)
}

/// A step that can be; what cannot is told, but for 0, by which many writers say that they know none.
fn possible(
    step: Step,
    name: &str,
    text: &str,
    value: Option<f64>,
    problem: &mut impl FnMut(String),
) -> Option<f64> {
    let found = value.filter(|&value| step.can_be(value));
    if found.is_none() && value != Some(0.0) {
        let (found, expected) = (shown_text(text), step.expected());
        problem(format!(
            "{name} is {found}, expected {expected}; taken as missing"
        ));
    }
    found
}

/// `Channel` of the pixels since 2010, `LogicalChannel` of the image before, `ChannelInfo` in 2003-FC.
fn channels_of(image: Node<'_, '_>, pixels: Node<'_, '_>) -> Vec<OmeChannel> {
    let mut channels: Vec<OmeChannel> = children(pixels, "Channel")
        .chain(children(image, "LogicalChannel"))
        .chain(children(image, "ChannelInfo"))
        .take(limits::CHANNELS)
        .map(channel_of)
        .collect();
    // White is what a writer puts that has no colour to say (the schema's default is -1); all white, a composite is gray.
    let white = Rgb {
        r: 255,
        g: 255,
        b: 255,
    };
    let mut colors = channels.iter().map(|found| found.channel.color);
    if channels.len() > 1 && colors.all(|color| color == Some(white)) {
        for found in &mut channels {
            found.channel.color = None;
        }
    }
    channels
}

fn channel_of(node: Node<'_, '_>) -> OmeChannel {
    let color: Option<i64> = node
        .attribute("Color")
        .and_then(|it| it.trim().parse().ok());
    let color = color.filter(|&color| i32::try_from(color).is_ok() || u32::try_from(color).is_ok());
    let wavelength = node
        .attribute("EmissionWavelength")
        .or(node.attribute("EmWave"));
    let unit = node.attribute("EmissionWavelengthUnit").unwrap_or("nm");
    let emission_um =
        wavelength.and_then(|text| unit_to_um(unit).and_then(|factor| length(text, factor)));
    OmeChannel {
        channel: Channel {
            name: text_of(node, "Name"),
            // Red, green, blue and alpha, the highest byte first, as a signed number.
            color: color.map(|rgba| Rgb {
                r: (rgba >> 24) as u8,
                g: (rgba >> 16) as u8,
                b: (rgba >> 8) as u8,
            }),
            emission_nm: emission_um.filter(|&um| um > 0.0).map(|um| um * 1000.0),
            ..Channel::default()
        },
        samples_per_pixel: count(node.attribute("SamplesPerPixel"))
            .filter(|&samples| samples <= limits::CHANNELS as u32)
            .unwrap_or(1),
    }
}

/// The first plane of the first channel, slice and timepoint, else the first that is listed.
fn first_plane<'a, 'input>(pixels: Node<'a, 'input>) -> Option<Node<'a, 'input>> {
    let is_first = |plane: &Node<'_, '_>| {
        let indices = ["TheZ", "TheC", "TheT"].map(|name| plane.attribute(name));
        indices.iter().all(|index| *index == Some("0"))
    };
    children(pixels, "Plane")
        .find(is_first)
        .or_else(|| children(pixels, "Plane").next())
}

/// Without a unit a position is in a "reference frame" that is not known, so it counts for nothing.
fn position_of(plane: Node<'_, '_>, axis: &str) -> Option<f64> {
    let name = format!("Position{axis}");
    let holder = if plane.has_attribute(name.as_str()) {
        plane
    } else {
        children(plane, "StagePosition").next()?
    };
    let unit = holder.attribute(format!("{name}Unit").as_str())?;
    length(holder.attribute(name.as_str())?, unit_to_um(unit)?)
}

fn text_of(node: Node<'_, '_>, name: &str) -> Option<String> {
    let text = node.attribute(name)?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn count(text: Option<&str>) -> Option<u32> {
    text?.trim().parse().ok().filter(|&found| found > 0)
}

/// A value for people, cut.
fn shown(text: Option<&str>) -> String {
    text.unwrap_or("missing").chars().take(60).collect()
}
