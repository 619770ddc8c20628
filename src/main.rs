//! Arguments to a mode; a failure to a message and an exit code.

use std::process::ExitCode;

use clap::Parser as _;
use squidview::{app::Timing, cli::Arguments};

/// Planes come and go by the second; see `benches/reading.rs`, which uses it too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let timing = Timing::start();
    let filter = tracing_subscriber::EnvFilter::try_from_env("SQUIDVIEW_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    squidview::cli::run(Arguments::parse(), timing)
}
