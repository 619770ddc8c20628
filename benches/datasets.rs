//! Simulated acquisitions that the benches read, written once into `target/bench-data` and kept.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use squidview::simulate::{ChunkMode, Compression, Plan, Structure, simulate};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// 4 channels, 8 z-slices, 2048 x 2048 u16, one FOV, in that compression and chunk mode.
#[allow(
    dead_code,
    reason = "each bench includes this file and uses what it needs"
)]
pub(crate) fn planes(compression: Compression, chunks: ChunkMode) -> PathBuf {
    let name = format!("planes-{}-{}", compression.name(), chunks.name());
    written(&name, &|| Plan {
        structure: Structure::PerFov,
        num_z: 8,
        width: 2048,
        height: 2048,
        compression,
        chunks,
        ..Plan::default()
    })
}

/// A plate of 1536 wells with 4 FOVs each, one tiny plane per FOV.
#[allow(
    dead_code,
    reason = "each bench includes this file and uses what it needs"
)]
pub(crate) fn plate_1536() -> PathBuf {
    written("plate-1536", &|| {
        let wells = (0..32_u32)
            .flat_map(|row| (1..=48).map(move |column| (format!("{}{column}", row_name(row)), 4)));
        Plan {
            structure: Structure::Hcs,
            regions: wells.collect(),
            num_z: 1,
            channels: vec!["DAPI".into()],
            width: 16,
            height: 16,
            ..Plan::default()
        }
    })
}

/// 100,000 TIFF files of one timepoint: 100 wells of 10 FOVs, 25 z-slices and 4 channels, one tiny plane each.
#[allow(
    dead_code,
    reason = "each bench includes this file and uses what it needs"
)]
pub(crate) fn files_100_000() -> PathBuf {
    written("files-100000", &|| {
        let wells = (0..10_u32)
            .flat_map(|row| (1..=10).map(move |column| (format!("{}{column}", row_name(row)), 10)));
        Plan {
            structure: Structure::Tiff,
            regions: wells.collect(),
            num_z: 25,
            width: 16,
            height: 16,
            ..Plan::default()
        }
    })
}

/// A to Z, then AA to AF.
fn row_name(row: u32) -> String {
    let letter = |n: u32| char::from(b'A' + n as u8);
    match row {
        0..26 => letter(row).to_string(),
        _ => format!("A{}", letter(row - 26)),
    }
}

/// Writes beside the place and renames, so that a stopped run leaves nothing half.
fn written(name: &str, plan: &dyn Fn() -> Plan) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target"),
        PathBuf::from,
    );
    let folder = target.join("bench-data");
    let path = folder.join(name);
    if !path.exists() {
        let beside = folder.join(format!("{name}.{}", std::process::id()));
        simulate(&plan(), &beside, &mut |_| true, Duration::ZERO).expect("bench data is written");
        std::fs::rename(&beside, &path).expect("bench data is moved to its place");
    }
    path
}
