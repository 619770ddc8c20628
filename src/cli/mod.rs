//! The command line: what each mode takes, and what becomes of a failure.
//!
//! A wrong call ends with status 2 and text on stderr (clap). A clean error of `inspect`, `plane` and `render` ends with
//! status 1 and `{"error": {"code", "message"}}` on stdout.

mod inspect;
mod output;
mod plane;
mod plane_files;
mod render;
mod scale_bar;
mod simulate;
mod statistics;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    app::{self, Timing},
    settings::Settings,
};
use output::Failure;

/// A viewer for microscopy acquisitions: Squid and any OME-Zarr.
#[derive(Debug, Parser)]
#[command(version, about, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    mode: Option<Mode>,
    #[command(flatten)]
    window: WindowArguments,
}

/// What the window is started with.
#[derive(Args, Debug, Default)]
struct WindowArguments {
    /// Acquisition folder, store, or any folder inside it
    path: Option<PathBuf>,
    /// Memory for samples in MB [default: a quarter of the machine's memory, 256 to 4096]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    cache_mb: Option<u32>,
    /// Print when each stage of the first picture was reached
    #[arg(long)]
    timing: bool,
    /// Close the window after the first picture
    #[arg(long, value_name = "WHAT")]
    exit_after: Option<ExitAfter>,
}

/// After what the window closes by itself.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ExitAfter {
    /// The first composite with real pixels was handed to the screen
    FirstImage,
}

#[derive(Debug, Subcommand)]
enum Mode {
    /// Open the window on a simulated acquisition that is being written
    Demo(DemoArguments),
    /// Render a view without a window
    Render(render::RenderArguments),
    /// Write an acquisition plane by plane as the microscope does
    Simulate(simulate::SimulateArguments),
    /// Describe a dataset: what the window would show
    Inspect(inspect::InspectArguments),
    /// One plane: its statistics, or its pixels into a file
    Plane(plane::PlaneArguments),
}

/// Options of the demo's window.
#[derive(Args, Debug)]
struct DemoArguments {
    /// Memory for samples in MB
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    cache_mb: Option<u32>,
}

/// Runs the mode that the arguments ask for.
#[must_use]
pub fn run(arguments: Arguments, timing: Timing) -> ExitCode {
    match arguments.mode {
        None => window(&arguments.window, false, timing),
        Some(Mode::Demo(demo)) => window(
            &WindowArguments {
                cache_mb: demo.cache_mb,
                ..WindowArguments::default()
            },
            true,
            timing,
        ),
        Some(Mode::Inspect(arguments)) => answer(inspect::run(&arguments)),
        Some(Mode::Plane(arguments)) => answer(plane::run(&arguments)),
        Some(Mode::Render(arguments)) => answer(render::run(&arguments)),
        Some(Mode::Simulate(arguments)) => simulate::run(&arguments),
    }
}

fn window(arguments: &WindowArguments, demo: bool, timing: Timing) -> ExitCode {
    let settings_path = match Settings::path() {
        Ok(path) => Some(path),
        Err(error) => {
            tracing::warn!("{error}");
            None
        }
    };
    let options = app::Options {
        path: arguments.path.clone(),
        cache_bytes: arguments
            .cache_mb
            .map(|megabytes| megabytes as usize * 1_000_000),
        timing: arguments.timing,
        exit_after_first_image: matches!(arguments.exit_after, Some(ExitAfter::FirstImage)),
        demo,
        settings_path,
    };
    match app::run(options, timing) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::complain(&error.to_string()),
    }
}

/// Prints a failure as JSON.
fn answer(outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
