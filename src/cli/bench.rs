//! `squidview bench`: times of this machine with this data, as a table or as JSON.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::{
    output::{self, Failure},
    render::size,
};
use crate::{
    app::Timing,
    bench::{self, BenchError, ReadPlan, StepPlan},
    model::{CanvasSize, NavAxis},
};

/// Window of `bench step`, as the program starts without settings.
const SIZE: CanvasSize = CanvasSize {
    width_px: 1480,
    height_px: 1000,
};

/// Measure reading and stepping on this machine, with your data
#[derive(Args, Debug)]
pub(super) struct BenchArguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Read planes: the page cache warm, our own cache empty
    Read(ReadArguments),
    /// Open the window and move along an axis, each step waiting for its pixels on the screen
    Step(StepArguments),
}

#[derive(Args, Debug)]
struct ReadArguments {
    /// Acquisition folder, store, or any folder inside it
    path: PathBuf,
    /// Planes to read; all where there are fewer
    #[arg(long, value_name = "N", default_value = "64")]
    planes: NonZeroUsize,
    /// Planes at the same time, and threads that decode
    #[arg(long, value_name = "N", default_value = "1")]
    threads: NonZeroUsize,
    /// As rows, transposed where the file is not
    #[arg(long)]
    rows: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct StepArguments {
    /// Acquisition folder, store, or any folder inside it
    path: PathBuf,
    /// Axis to move along
    #[arg(long, value_enum)]
    axis: AxisName,
    /// Steps; without --cached at most as many as the axis has
    #[arg(long, value_name = "N", default_value = "40")]
    steps: NonZeroU32,
    /// Show every place once before, so that nothing is read
    #[arg(long)]
    cached: bool,
    /// Size of the window [default: 1480x1000]
    #[arg(long, value_name = "WxH", value_parser = size)]
    size: Option<CanvasSize>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum AxisName {
    T,
    Fov,
    Z,
}

impl From<BenchError> for Failure {
    fn from(error: BenchError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

pub(super) fn run(arguments: &BenchArguments, timing: Timing) -> Result<(), Failure> {
    match &arguments.what {
        What::Read(arguments) => read(arguments),
        What::Step(arguments) => step(arguments, timing),
    }
}

fn read(arguments: &ReadArguments) -> Result<(), Failure> {
    let plan = ReadPlan {
        num_planes: arguments.planes,
        num_threads: arguments.threads,
        by_rows: arguments.rows,
    };
    let read = bench::read(&arguments.path, &plan)?;
    let floor = read.floor.as_ref();
    answer(
        arguments.json,
        &[
            ("planes", json!(read.planes.len())),
            ("threads", json!(arguments.threads)),
            ("bytes", json!(read.num_bytes)),
            ("median_ms", rounded(read.planes.percentile_ms(0.5))),
            ("p95_ms", rounded(read.planes.percentile_ms(0.95))),
            (
                "gb_per_s",
                rounded(read.num_bytes as f64 / 1e9 / read.elapsed.as_secs_f64()),
            ),
            (
                "floor_ms",
                floor.map_or(Value::Null, |floor| rounded(floor.percentile_ms(0.5))),
            ),
        ],
    )
}

fn step(arguments: &StepArguments, timing: Timing) -> Result<(), Failure> {
    let size = arguments.size.unwrap_or(SIZE);
    let plan = StepPlan {
        axis: match arguments.axis {
            AxisName::T => NavAxis::Time,
            AxisName::Fov => NavAxis::Fov,
            AxisName::Z => NavAxis::Z,
        },
        num_steps: arguments.steps,
        cached: arguments.cached,
        size_pt: [size.width_px as f32, size.height_px as f32],
    };
    let step = bench::step(&arguments.path, &plan, timing)?;
    answer(
        arguments.json,
        &[
            ("steps", json!(step.steps.len())),
            ("cached", json!(arguments.cached)),
            ("median_ms", rounded(step.steps.percentile_ms(0.5))),
            ("p95_ms", rounded(step.steps.percentile_ms(0.95))),
            ("max_ms", rounded(step.steps.percentile_ms(1.0))),
            ("adapter", json!(step.adapter)),
            (
                "rss_mb",
                json!(step.rss_bytes.map(|bytes| bytes / 1_000_000)),
            ),
        ],
    )
}

/// Two digits behind the point: times of single planes are no better known.
fn rounded(value: f64) -> Value {
    json!((value * 100.0).round() / 100.0)
}

/// One object, or a line for each figure.
fn answer(as_json: bool, figures: &[(&str, Value)]) -> Result<(), Failure> {
    if as_json {
        let named = figures
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        return output::print(&Value::Object(named.collect()).to_string());
    }
    let lines = figures.iter().map(|(name, value)| match value {
        Value::String(text) => format!("{name:<10} {text}"),
        other => format!("{name:<10} {other}"),
    });
    output::print(&lines.collect::<Vec<_>>().join("\n"))
}
