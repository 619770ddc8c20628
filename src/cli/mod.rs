//! The command line: what each mode takes, and what becomes of a failure.
//!
//! A wrong call ends with status 2 and text on stderr (clap). A clean error of `inspect`, `plane` and `render` ends with
//! status 1 and `{"error": {"code", "message"}}` on stdout.

mod bench;
mod inspect;
mod output;
mod plane;
mod plane_files;
mod render;
mod scale_bar;
mod simulate;
mod statistics;
mod stripes;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde_json::json;

use crate::{
    app::{self, StageMeter, Timing},
    live::{Client, InstanceFolder, Listen, state_folder},
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
    /// Listen for other programs at this address [default: 127.0.0.1:47816, or any free port]
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    listen: Option<String>,
    /// Do not listen for other programs
    #[arg(long, conflicts_with = "listen")]
    no_listen: bool,
    /// Open PATH in the newest window that runs; in a window of its own where there is none
    #[arg(long, requires = "path")]
    reuse: bool,
    /// Memory for samples in MB [default: a quarter of the machine's memory, 256 to 4096]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    cache_mb: Option<u32>,
    /// Follow the newest plane: of PATH, or of the acquisition that is running, which is opened by itself
    #[arg(long)]
    follow: bool,
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
    /// Measure reading and stepping on this machine, with your data
    Bench(bench::BenchArguments),
}

/// Options of the demo's window.
#[derive(Args, Debug)]
struct DemoArguments {
    /// Memory for samples in MB
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    cache_mb: Option<u32>,
}

/// Runs the mode that the arguments ask for; `stages` are what the window shows of the work that is done.
#[must_use]
pub fn run(arguments: Arguments, timing: Timing, stages: StageMeter) -> ExitCode {
    match arguments.mode {
        None => window(&arguments.window, false, timing, stages),
        Some(Mode::Demo(demo)) => window(
            &WindowArguments {
                cache_mb: demo.cache_mb,
                ..WindowArguments::default()
            },
            true,
            timing,
            stages,
        ),
        Some(Mode::Inspect(arguments)) => answer(inspect::run(&arguments)),
        Some(Mode::Plane(arguments)) => answer(plane::run(&arguments)),
        Some(Mode::Render(arguments)) => answer(render::run(&arguments)),
        Some(Mode::Simulate(arguments)) => simulate::run(&arguments),
        Some(Mode::Bench(arguments)) => answer(bench::run(&arguments, timing)),
    }
}

/// Checks the form of an address; whether it can be listened at shows when it is.
fn address(text: &str) -> Result<String, String> {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    let port = port.and_then(|(_, port)| port.parse::<u16>().ok());
    let expected = || "expected HOST:PORT, such as 127.0.0.1:47816 or [::1]:0".to_owned();
    port.map(|_| text.to_owned()).ok_or_else(expected)
}

fn window(arguments: &WindowArguments, demo: bool, timing: Timing, stages: StageMeter) -> ExitCode {
    if let Some(path) = arguments.path.as_deref().filter(|_| arguments.reuse) {
        match reuse(path) {
            Ok(()) => return ExitCode::SUCCESS,
            // Also where the running one cannot take it: the person wants to see the data.
            Err(error) => tracing::info!("{error}; a new window is opened"),
        }
    }
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
        follow: arguments.follow,
        state_folder: state_folder(),
        listen: match &arguments.listen {
            _ if arguments.no_listen => Listen::Off,
            Some(address) => Listen::At(address.clone()),
            None => Listen::Loopback,
        },
        stages,
    };
    match app::run(options, timing) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::complain(&error.to_string()),
    }
}

/// Hands a path to the newest window that runs.
fn reuse(path: &Path) -> anyhow::Result<()> {
    let path = std::path::absolute(path)?;
    let text = path
        .to_str()
        .context("a path that is not UTF-8 cannot be sent")?;
    let mut client = Client::newest(&InstanceFolder::of_user()?, "squidview --reuse")?;
    client.request("open", json!({ "path": text }))?;
    Ok(())
}

/// Prints a failure as JSON.
fn answer(outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
