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

/// 4 channels, 32 z-slices, 2048 x 2048 u16 in `fast`, a chunk a plane: long enough to be played.
#[allow(
    dead_code,
    reason = "each bench includes this file and uses what it needs"
)]
pub(crate) fn stack() -> PathBuf {
    written("stack-fast", &|| Plan {
        structure: Structure::PerFov,
        num_z: 32,
        width: 2048,
        height: 2048,
        compression: Compression::Fast,
        chunks: ChunkMode::FullFrame,
        ..Plan::default()
    })
}

/// Four channels of 2048 x 2048 u16, each plane in a TIFF file of its own.
#[allow(
    dead_code,
    reason = "each bench includes this file and uses what it needs"
)]
pub(crate) fn image_files() -> PathBuf {
    written("image-files", &|| Plan {
        structure: Structure::Tiff,
        num_z: 1,
        width: 2048,
        height: 2048,
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

/// 100,000 stores of a FOV each in 100 regions: the first one has a plane, the others are folders whose time has not come.
#[allow(
    dead_code,
    reason = "each bench includes this file and uses what it needs"
)]
pub(crate) fn stores_100_000() -> PathBuf {
    made("stores-100000", &|beside| {
        let plan = Plan {
            structure: Structure::PerFov,
            regions: vec![("R0".into(), 1)],
            num_z: 1,
            width: 16,
            height: 16,
            ..Plan::default()
        };
        simulate(&plan, beside, &mut |_| true, Duration::ZERO).expect("bench data is written");
        for (region, fov) in (0..100).flat_map(|region| (0..1000).map(move |fov| (region, fov))) {
            let store = format!("zarr/R{region}/fov_{fov}.ome.zarr");
            std::fs::create_dir_all(beside.join(store))?;
        }
        Ok(())
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

/// A plane of 50,000 x 50,000 u8 with seven stored levels in chunks of 512 x 512, uncompressed: written is a square of
/// 12 x 12 chunks in the middle of the finest, and what covers it or is small at the others; the rest is absent.
#[allow(
    dead_code,
    reason = "each bench includes this file and uses what it needs"
)]
pub(crate) fn pyramid_50_000() -> PathBuf {
    made("pyramid-50000", &|folder| {
        let levels = (0..7_u32).map(|level| 50_000_u32.div_ceil(1 << level));
        let levels: Vec<u32> = levels.collect();
        let datasets = levels.iter().enumerate().map(|(level, _)| {
            let scale = f64::from(1_u32 << level) * 0.25;
            let scale = serde_json::json!([{"type": "scale", "scale": [scale, scale]}]);
            serde_json::json!({"path": level.to_string(), "coordinateTransformations": scale})
        });
        let axis =
            |name: &str| serde_json::json!({"name": name, "type": "space", "unit": "micrometer"});
        let multiscale = serde_json::json!({
            "version": "0.4", "axes": [axis("y"), axis("x")], "datasets": datasets.collect::<Vec<_>>(),
        });
        let attributes = serde_json::json!({"multiscales": [multiscale]});
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join(".zgroup"), r#"{"zarr_format": 2}"#)?;
        std::fs::write(folder.join(".zattrs"), attributes.to_string())?;
        for (level, &side) in levels.iter().enumerate() {
            write_level(&folder.join(level.to_string()), level as u32, side)?;
        }
        Ok(())
    })
}

/// One level: its document, and those of its chunks that are written.
fn write_level(folder: &Path, level: u32, side: u32) -> std::io::Result<()> {
    const CHUNK: u32 = 512;
    std::fs::create_dir_all(folder)?;
    let document = serde_json::json!({
        "zarr_format": 2, "shape": [side, side], "chunks": [CHUNK, CHUNK], "dtype": "|u1", "compressor": null,
        "order": "C", "fill_value": 0, "filters": null, "dimension_separator": ".",
    });
    std::fs::write(folder.join(".zarray"), document.to_string())?;
    let (count, half) = (side.div_ceil(CHUNK), (6_u32 >> level).max(1));
    let middle = count / 2;
    let range = if count <= 13 {
        0..count
    } else {
        middle - half..middle + half
    };
    for row in range.clone() {
        for col in range.clone() {
            let sample = |at: u32| ((at % CHUNK) ^ (at / CHUNK) ^ (row * 31 + col * 17)) as u8;
            let samples: Vec<u8> = (0..CHUNK * CHUNK).map(sample).collect();
            std::fs::write(folder.join(format!("{row}.{col}")), samples)?;
        }
    }
    Ok(())
}

fn written(name: &str, plan: &dyn Fn() -> Plan) -> PathBuf {
    made(name, &|beside| {
        simulate(&plan(), beside, &mut |_| true, Duration::ZERO).expect("bench data is written");
        Ok(())
    })
}

/// Where cargo builds: data and figures lie there, too.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target"),
        PathBuf::from,
    )
}

/// Writes beside the place and renames, so that a stopped run leaves nothing half.
fn made(name: &str, make: &dyn Fn(&Path) -> std::io::Result<()>) -> PathBuf {
    let folder = target().join("bench-data");
    let path = folder.join(name);
    if !path.exists() {
        let beside = folder.join(format!("{name}.{}", std::process::id()));
        make(&beside).expect("bench data is written");
        std::fs::rename(&beside, &path).expect("bench data is moved to its place");
    }
    path
}
