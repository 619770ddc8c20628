//! Arguments to a mode; a failure to a message and an exit code.

use std::process::ExitCode;

use clap::Parser as _;
use squidview::{
    app::{StageMeter, Timing},
    cli::Arguments,
    model::STAGE_TARGET,
};
use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt as _, filter_fn},
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

/// Planes come and go by the second; see `benches/reading.rs`, which uses it too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let timing = Timing::start();
    let stages = StageMeter::default();
    tracing_subscriber::registry()
        .with(log())
        .with(stages.layer())
        .init();
    squidview::cli::run(Arguments::parse(), timing, stages)
}

/// What is logged, and where to. The stages are counted, not logged, whatever the filter says.
fn log<S>() -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let filter = EnvFilter::try_from_env("SQUIDVIEW_LOG").unwrap_or_else(|_| "warn".into());
    let is_logged = filter_fn(|metadata| metadata.target() != STAGE_TARGET);
    tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_filter(filter.and(is_logged))
}
