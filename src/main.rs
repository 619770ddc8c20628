//! Arguments to a mode; a failure to a message and an exit code.

use std::process::ExitCode;

use clap::Parser as _;
use squidview::{
    app::{StageMeter, Timing},
    cli::Arguments,
    model::{STAGE_TARGET, printable},
};
use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt as _, filter_fn},
    fmt::format::{FormatFields, debug_fn},
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
        .fmt_fields(printed())
        .with_filter(filter.and(is_logged))
}

/// Messages repeat names from files, which must not steer a terminal or begin lines of their own.
fn printed() -> impl for<'a> FormatFields<'a> + 'static {
    debug_fn(|out, field, value| {
        let text = format!("{value:?}");
        let text = printable(&text);
        match field.name() {
            "message" => write!(out, "{text}"),
            // Where in a crate's source a line of `log` comes from.
            name if name.starts_with("log.") => Ok(()),
            name => write!(out, " {name}={text}"),
        }
    })
}
