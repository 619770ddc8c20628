//! `squidview simulate`: an acquisition written plane by plane as the microscope does.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{Args, ValueEnum};

use super::{output, render::size};
use crate::{
    live::{Client, ClientError, InstanceFolder, state_folder},
    model::CanvasSize,
    simulate::{Announcer, ChunkMode, Compression, Ending, Plan, Structure, simulate},
};

/// Layout of the acquisition.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
enum StructureName {
    /// A store per FOV
    PerFov,
    /// A plate
    Hcs,
    /// A 6-D store per region
    #[value(name = "6d")]
    SixD,
    /// One image
    Single,
    /// An image file per plane
    Tiff,
    /// A TIFF file per FOV and timepoint, a page per plane
    MultiPage,
    /// An OME-TIFF file per FOV
    OmeTiff,
}

/// Compression of the chunks, by Squid's names.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum CompressionName {
    None,
    Fast,
    Balanced,
    Best,
}

/// Chunks of a plane, by Squid's names.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ChunkName {
    #[value(name = "full_frame")]
    FullFrame,
    #[value(name = "tiled_512")]
    Tiled512,
    #[value(name = "tiled_256")]
    Tiled256,
}

/// Write an acquisition plane by plane as the microscope does
#[derive(Args, Debug)]
pub(super) struct SimulateArguments {
    /// Folder to write [default: a temporary one, printed]
    out: Option<PathBuf>,
    /// Layout
    #[arg(long, value_enum)]
    structure: StructureName,
    /// Number of regions
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    n_regions: Option<u32>,
    /// FOVs of each region
    #[arg(long, value_name = "N", num_args = 1.., value_parser = clap::value_parser!(u32).range(1..))]
    fovs_per_region: Vec<u32>,
    /// FOVs of every region
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "fovs_per_region")]
    n_fov: Option<u32>,
    /// Names of the wells (hcs, and image files)
    #[arg(long, value_name = "WELL", num_args = 1..)]
    wells: Vec<String>,
    /// FOVs of each well (hcs, and image files)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with_all = ["fovs_per_region", "n_fov"])]
    fov_per_well: Option<u32>,
    /// Timepoints
    #[arg(long, alias = "n-t", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    t: u32,
    /// z-slices
    #[arg(long, alias = "n-z", value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    z: u32,
    /// Names of the channels
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    channels: Vec<String>,
    /// Size of a plane in pixels
    #[arg(long, value_name = "WxH", default_value = "1024x1024", value_parser = size)]
    size: CanvasSize,
    /// Time between planes
    #[arg(long, value_name = "N", default_value_t = 50)]
    interval_ms: u64,
    /// Compression of the chunks (Zarr)
    #[arg(long, value_enum, default_value = "fast")]
    compression: CompressionName,
    /// Chunks of a plane (Zarr)
    #[arg(long, value_enum, default_value = "full_frame")]
    chunk: ChunkName,
    /// Timepoints that are left out, as by a microscope that is late
    #[arg(long, value_name = "T,...", value_delimiter = ',')]
    skip_timepoints: Vec<u32>,
    /// Stop after so many planes, as a user does
    #[arg(long, value_name = "N", conflicts_with = "crash_after")]
    abort_after: Option<u64>,
    /// Stop dead after so many planes: nothing is finished, the next chunk is cut off
    #[arg(long, value_name = "N")]
    crash_after: Option<u64>,
    /// Keep run.json up to date as Squid does for its watchdog, in FOLDER or else where Squid does
    #[arg(long, value_name = "FOLDER", num_args = 0..=1)]
    #[expect(
        clippy::option_option,
        reason = "clap's way to tell an option from its value"
    )]
    run_json: Option<Option<PathBuf>>,
    /// Announce every plane to the window that listens at ADDRESS, or else to the newest one
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, value_parser = super::address)]
    #[expect(
        clippy::option_option,
        reason = "clap's way to tell an option from its value"
    )]
    push: Option<Option<String>>,
}

pub(super) fn run(arguments: &SimulateArguments) -> ExitCode {
    let plan = match plan(arguments).and_then(|plan| {
        plan.check()
            .map(|()| plan)
            .map_err(|error| error.to_string())
    }) {
        Ok(plan) => plan,
        // Counts that do not match are a wrong call.
        Err(text) => {
            output::complain(&text);
            return ExitCode::from(2);
        }
    };
    let out = arguments.out.clone().unwrap_or_else(|| {
        std::env::temp_dir()
            .join(format!("squidview-simulated-{}", std::process::id()))
            .join("acquisition")
    });
    let out = match plan.structure {
        Structure::Single if arguments.out.is_none() => out.with_extension("ome.zarr"),
        _ => out,
    };
    if let Err(failure) = output::print(&out.display().to_string()) {
        return output::complain(&failure.message);
    }
    let mut announcer = announcer(arguments, &plan, &out);
    let mut on_plane = |written| {
        if let Some(announcer) = &mut announcer {
            announcer.written(written);
        }
        true
    };
    let interval = Duration::from_millis(arguments.interval_ms);
    let outcome = simulate(&plan, &out, &mut on_plane, interval);
    // Whoever crashes says no farewell.
    if let Some(announcer) = announcer.filter(|_| arguments.crash_after.is_none()) {
        announcer.end();
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::complain(&error.to_string()),
    }
}

/// Tells a window of the acquisition, if that is asked for. It is written all the same where there is no window.
fn announcer(arguments: &SimulateArguments, plan: &Plan, out: &Path) -> Option<Announcer> {
    let announced = match connect(arguments.push.as_ref()?.as_deref()) {
        Ok(client) => Announcer::start(client, plan, out).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    announced
        .inspect_err(|error| tracing::warn!("not announced: {error}"))
        .ok()
}

fn connect(address: Option<&str>) -> Result<Client, ClientError> {
    let (folder, name) = (InstanceFolder::of_user()?, "squidview simulate");
    match address {
        Some(address) => Client::at(&folder, address, name),
        None => Client::newest(&folder, name),
    }
}

/// The plan that the arguments describe.
fn plan(arguments: &SimulateArguments) -> Result<Plan, String> {
    let channels = if arguments.channels.is_empty() {
        Plan::default().channels
    } else {
        arguments.channels.clone()
    };
    Ok(Plan {
        structure: match arguments.structure {
            StructureName::PerFov => Structure::PerFov,
            StructureName::Hcs => Structure::Hcs,
            StructureName::SixD => Structure::SixD,
            StructureName::Single => Structure::Single,
            StructureName::Tiff => Structure::Tiff,
            StructureName::MultiPage => Structure::MultiPage,
            StructureName::OmeTiff => Structure::OmeTiff,
        },
        regions: regions(arguments)?,
        num_timepoints: arguments.t,
        num_z: arguments.z,
        channels,
        width: arguments.size.width_px,
        height: arguments.size.height_px,
        compression: match arguments.compression {
            CompressionName::None => Compression::None,
            CompressionName::Fast => Compression::Fast,
            CompressionName::Balanced => Compression::Balanced,
            CompressionName::Best => Compression::Best,
        },
        chunks: match arguments.chunk {
            ChunkName::FullFrame => ChunkMode::FullFrame,
            ChunkName::Tiled512 => ChunkMode::Tiled512,
            ChunkName::Tiled256 => ChunkMode::Tiled256,
        },
        skipped_timepoints: arguments.skip_timepoints.iter().copied().collect(),
        ending: match (arguments.abort_after, arguments.crash_after) {
            (Some(num_planes), _) => Ending::AbortsAfter(num_planes),
            (None, Some(num_planes)) => Ending::CrashesAfter(num_planes),
            (None, None) => Ending::Completes,
        },
        run_folder: run_folder(arguments)?,
        ..Plan::default()
    })
}

/// Where `run.json` goes: what is given, else where Squid has it.
fn run_folder(arguments: &SimulateArguments) -> Result<Option<PathBuf>, String> {
    match &arguments.run_json {
        None => Ok(None),
        Some(Some(folder)) => Ok(Some(folder.clone())),
        Some(None) => match state_folder() {
            Some(folder) => Ok(Some(folder)),
            None => Err("this system names no state folder; --run-json needs a FOLDER".into()),
        },
    }
}

/// Names of the regions and their numbers of FOVs; counts that contradict each other are refused.
fn regions(arguments: &SimulateArguments) -> Result<Vec<(String, u32)>, String> {
    let is_plate = matches!(arguments.structure, StructureName::Hcs);
    let is_single = matches!(arguments.structure, StructureName::Single);
    let has_images = matches!(
        arguments.structure,
        StructureName::Tiff | StructureName::MultiPage | StructureName::OmeTiff
    );
    if !is_plate && !has_images && (!arguments.wells.is_empty() || arguments.fov_per_well.is_some())
    {
        return Err(
            "--wells and --fov-per-well belong to --structure hcs or to image files".into(),
        );
    }
    let listed = [arguments.wells.len(), arguments.fovs_per_region.len()]
        .into_iter()
        .max()
        .filter(|&n| n > 0);
    let count = arguments
        .n_regions
        .map(|n| n as usize)
        .or(listed)
        .unwrap_or(1);
    if !arguments.wells.is_empty() && arguments.wells.len() != count {
        return Err(format!(
            "{count} regions, but {} wells are named",
            arguments.wells.len()
        ));
    }
    if !arguments.fovs_per_region.is_empty() && arguments.fovs_per_region.len() != count {
        return Err(format!(
            "{count} regions, but FOVs of {} are given",
            arguments.fovs_per_region.len()
        ));
    }
    let same = arguments.n_fov.or(arguments.fov_per_well).unwrap_or(1);
    if is_single
        && (count > 1 || same > 1 || arguments.fovs_per_region.iter().any(|&fovs| fovs > 1))
    {
        return Err("--structure single is one FOV".into());
    }
    let name = |index: usize| match arguments.wells.get(index) {
        Some(well) => well.clone(),
        None if is_plate => format!(
            "{}{}",
            char::from(b'A' + (index / 12 % 26) as u8),
            index % 12 + 1
        ),
        None => format!("R{index}"),
    };
    Ok((0..count)
        .map(|index| {
            (
                name(index),
                *arguments.fovs_per_region.get(index).unwrap_or(&same),
            )
        })
        .collect())
}
