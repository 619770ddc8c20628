//! `squidview render`: the composite into a PNG, without a window.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{
    inspect::field,
    output::{self, Failure},
    scale_bar,
};
use crate::{
    dataset::Dataset,
    export::Destination,
    model::{CanvasSize, Code, ContrastLimits, Lut, NavAxis, Rgb},
    render::{RenderError, render, with_opened_fov},
    session::{Command, Session},
};

/// Largest side of a rendered picture in pixels.
const MAX_SIDE_PX: u32 = 16_384;

/// Render a view without a window
#[derive(Args, Debug)]
pub(super) struct RenderArguments {
    /// Acquisition folder, store, or any folder inside it
    path: PathBuf,
    /// The picture
    #[arg(short, long, value_name = "VIEW.png")]
    out: PathBuf,
    /// Size in pixels [default: that of the plane, at most 2048 a side]
    #[arg(long, value_name = "WxH", value_parser = size)]
    size: Option<CanvasSize>,
    /// Index of the field in what `inspect` lists
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = output::index)]
    fov: u32,
    /// Timepoint index
    #[arg(long, value_name = "T", default_value_t = 0, value_parser = output::index)]
    t: u32,
    /// z-slice index
    #[arg(long, value_name = "Z", default_value_t = 0, value_parser = output::index)]
    z: u32,
    /// Channels to show, by name or index [default: those that the window shows]
    #[arg(long, value_name = "NAME|INDEX,...", value_delimiter = ',')]
    channels: Vec<String>,
    /// Contrast limits of a channel
    #[arg(long, value_name = "C=LO:HI", value_parser = limits)]
    limits: Vec<(String, ContrastLimits)>,
    /// Gamma of a channel, 0.1 to 10
    #[arg(long, value_name = "C=G", value_parser = gamma)]
    gamma: Vec<(String, f32)>,
    /// Colour of a channel
    #[arg(long, value_name = "C=RRGGBB", value_parser = color)]
    color: Vec<(String, Rgb)>,
    /// Draw a scale bar
    #[arg(long)]
    scale_bar: bool,
}

/// `1280x800`, width first.
pub(super) fn size(text: &str) -> Result<CanvasSize, String> {
    let sides = text.split_once(['x', 'X', '×']);
    let (width, height) = sides.ok_or_else(|| format!("expected WIDTHxHEIGHT, found {text:?}"))?;
    let side = |text: &str| match text.parse() {
        Ok(side) if (1..=MAX_SIDE_PX).contains(&side) => Ok(side),
        _ => Err(format!(
            "expected sides of 1 to {MAX_SIDE_PX} pixels, found {text:?}"
        )),
    };
    Ok(CanvasSize {
        width_px: side(width)?,
        height_px: side(height)?,
    })
}

/// `NAME=VALUE`; the name may hold `=`.
fn named(text: &str) -> Result<(String, &str), String> {
    let (name, value) = text
        .rsplit_once('=')
        .ok_or_else(|| format!("expected CHANNEL=VALUE, found {text:?}"))?;
    Ok((name.to_owned(), value))
}

fn finite<T: std::str::FromStr + Into<f64> + Copy>(text: &str) -> Result<T, String> {
    let number: Result<T, _> = text.parse();
    number
        .ok()
        .filter(|&number| number.into().is_finite())
        .ok_or_else(|| format!("expected a number, found {text:?}"))
}

fn limits(text: &str) -> Result<(String, ContrastLimits), String> {
    let (name, value) = named(text)?;
    let (low, high) = value
        .split_once(':')
        .ok_or_else(|| format!("expected LOW:HIGH, found {value:?}"))?;
    Ok((
        name,
        ContrastLimits {
            low: finite(low)?,
            high: finite(high)?,
        },
    ))
}

fn gamma(text: &str) -> Result<(String, f32), String> {
    let (name, value) = named(text)?;
    let gamma: f32 = finite(value)?;
    if !(0.1..=10.0).contains(&gamma) {
        return Err(format!("expected a gamma of 0.1 to 10, found {gamma}"));
    }
    Ok((name, gamma))
}

fn color(text: &str) -> Result<(String, Rgb), String> {
    let (name, value) = named(text)?;
    Ok((
        name,
        Rgb::from_hex(value).map_err(|error| error.to_string())?,
    ))
}

pub(super) fn run(arguments: &RenderArguments) -> Result<(), Failure> {
    let dataset = output::open(&arguments.path)?;
    let fov = field(&dataset, arguments.fov)?;
    let dataset = with_opened_fov(dataset, fov)?;
    let out = Destination::outside(&dataset, &arguments.out)?;
    let session = session(&dataset, fov, arguments)?;
    let size = arguments.size.unwrap_or_else(|| {
        let (width, height) = session.image(&dataset).plane_size();
        CanvasSize {
            width_px: width.min(2048),
            height_px: height.min(2048),
        }
    });
    let mut picture = render(dataset, session, size).map_err(|error| match error {
        RenderError::Fov(error) => Failure::from(error),
        RenderError::NoAnswer => Failure::new(Code::IoError, error.to_string()),
    })?;
    for (plane, state) in &picture.without {
        tracing::warn!("t {} c {} is hatched: {state:?}", plane.t, plane.c);
    }
    if arguments.scale_bar {
        scale_bar::draw(&mut picture);
    }
    out.write_picture(&picture.rgba, size.width_px, size.height_px)?;
    output::print_json(&json!({ "saved": arguments.out, "size": [size.width_px, size.height_px] }))
}

/// The first look at the dataset, with what the arguments change.
fn session(
    dataset: &Dataset,
    fov: crate::model::FovId,
    arguments: &RenderArguments,
) -> Result<Session, Failure> {
    let mut session = Session::new(dataset);
    let mut commands = vec![Command::GoToFov(fov)];
    for (axis, name, index) in [
        (NavAxis::Time, "t", arguments.t),
        (NavAxis::Z, "z", arguments.z),
    ] {
        let length = dataset.len_along(axis);
        if index >= length {
            let text = format!("{name} {index} is beyond the axis, whose length is {length}");
            return Err(Failure::new(Code::OutOfRange, text));
        }
        commands.push(Command::SetIndex(axis, index));
    }
    if !arguments.channels.is_empty() {
        let shown: Vec<usize> = arguments
            .channels
            .iter()
            .map(|name| channel(&session, name))
            .collect::<Result<_, _>>()?;
        commands.extend(
            (0..session.channels.len()).map(|c| Command::SetVisible(c, shown.contains(&c))),
        );
    }
    for (name, limits) in &arguments.limits {
        commands.push(Command::SetLimits(channel(&session, name)?, *limits));
    }
    for (name, gamma) in &arguments.gamma {
        commands.push(Command::SetGamma(channel(&session, name)?, *gamma));
    }
    for (name, color) in &arguments.color {
        commands.push(Command::SetLut(
            channel(&session, name)?,
            Lut::Color(*color),
        ));
    }
    for command in &commands {
        session.apply(command, dataset);
    }
    Ok(session)
}

/// A channel by its name, else by its index.
fn channel(session: &Session, text: &str) -> Result<usize, Failure> {
    let by_name = session.channels.iter().position(|view| view.name == text);
    let by_index = || {
        text.parse()
            .ok()
            .filter(|&index: &usize| index < session.channels.len())
    };
    by_name.or_else(by_index).ok_or_else(|| {
        let names: Vec<_> = session
            .channels
            .iter()
            .map(|view| view.name.as_str())
            .collect();
        Failure::new(
            Code::OutOfRange,
            format!("there is no channel {text:?}, but {}", names.join(", ")),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_taken_apart() {
        assert_eq!(
            size("1280x800"),
            Ok(CanvasSize {
                width_px: 1280,
                height_px: 800
            })
        );
        assert_eq!(
            limits("a=b=1:2.5"),
            Ok((
                "a=b".into(),
                ContrastLimits {
                    low: 1.0,
                    high: 2.5
                }
            ))
        );
        assert_eq!(gamma("0=0.5"), Ok(("0".into(), 0.5)));
        assert_eq!(
            color("GFP=#20adf8"),
            Ok((
                "GFP".into(),
                Rgb {
                    r: 0x20,
                    g: 0xAD,
                    b: 0xF8
                }
            ))
        );
        for wrong in ["0x5", "5", "5x", "axb", "99999x1"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
        assert!(limits("a=1").is_err() && limits("a=1:inf").is_err() && limits("1:2").is_err());
        assert!(gamma("a=0").is_err() && color("a=red").is_err());
    }
}
