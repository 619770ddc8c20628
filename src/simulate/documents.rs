//! The `zarr.json` documents, key by key as Squid and TensorStore write them.
//!
//! Squid `control/core/zarr_writer.py` (`_build_metadata`, codecs, plate and well groups). What NGFF 0.5 does not allow
//! (an `identity` beside the scale, an axis of type `fov`) stands in its files, so it stands here.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    plan::{Compression, Plan, Structure, well},
    stain::Stain,
};

/// How far a store has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Being written.
    Running,
    /// Every plane is written.
    Complete,
    /// It will not be finished.
    Aborted,
}

/// Lengths along the axes of an image's array; 6-D with the FOVs of its region first.
pub(super) fn shape(plan: &Plan, num_fovs: u32) -> Vec<u64> {
    let channels = plan.channels.len() as u64;
    let five = [
        plan.num_timepoints.into(),
        channels,
        plan.num_z.into(),
        plan.height.into(),
        plan.width.into(),
    ];
    let fovs = (plan.structure == Structure::SixD).then_some(u64::from(num_fovs));
    fovs.into_iter().chain(five).collect()
}

/// (height, width) of an inner chunk, or of a chunk where there are no shards.
fn chunk_size(plan: &Plan) -> (u32, u32) {
    plan.chunks
        .side_px()
        .map_or((plan.height, plan.width), |side| (side, side))
}

/// True where several chunks share a file; a shard of one chunk is written without.
pub(super) fn has_shards(plan: &Plan) -> bool {
    let is_one = plan.channels.len() == 1 && chunk_size(plan) == (plan.height, plan.width);
    plan.compression.is_sharded() && !is_one
}

fn codecs(plan: &Plan, num_axes: usize) -> Value {
    let order: Vec<usize> = (0..num_axes).rev().collect();
    let mut codecs = vec![
        json!({"name": "transpose", "configuration": {"order": order}}),
        json!({"name": "bytes", "configuration": {"endian": "little"}}),
    ];
    let blosc = match plan.compression {
        Compression::None => None,
        Compression::Fast => Some(("lz4", 1, "shuffle")),
        Compression::Balanced => Some(("zstd", 3, "bitshuffle")),
        Compression::Best => Some(("zstd", 9, "bitshuffle")),
    };
    codecs.extend(blosc.map(|(cname, clevel, shuffle)| {
        json!({"name": "blosc", "configuration":
            {"cname": cname, "clevel": clevel, "shuffle": shuffle, "typesize": 2, "blocksize": 0}})
    }));
    codecs.into()
}

/// The array document as TensorStore creates it.
pub(super) fn array(plan: &Plan, num_fovs: u32) -> Value {
    let shape = shape(plan, num_fovs);
    let with_size = |channels: u64, (height, width): (u32, u32)| {
        let mut chunk = vec![1; shape.len() - 4];
        chunk.extend([channels, 1, height.into(), width.into()]);
        chunk
    };
    let inner = with_size(1, chunk_size(plan));
    let mut codecs = codecs(plan, shape.len());
    let mut outer = inner.clone();
    if has_shards(plan) {
        outer = with_size(plan.channels.len() as u64, (plan.height, plan.width));
        codecs = json!([{"name": "sharding_indexed", "configuration": {
            "chunk_shape": inner,
            "codecs": codecs,
            "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}],
        }}]);
    }
    json!({
        "zarr_format": 3,
        "node_type": "array",
        "shape": shape,
        "data_type": "uint16",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": outer}},
        "chunk_key_encoding": {"name": "default"},
        "codecs": codecs,
        "fill_value": 0,
    })
}

/// A group document around its attributes.
fn group(attributes: &Value) -> Value {
    json!({"zarr_format": 3, "node_type": "group", "attributes": attributes})
}

/// The document with an image's metadata: its group, or the array itself where it is the store (6-D).
pub(super) fn image(plan: &Plan, num_fovs: u32, progress: Progress) -> Value {
    let attributes = json!({"ome": ome(plan), "_squid": squid(plan, num_fovs, progress)});
    if plan.structure != Structure::SixD {
        return group(&attributes);
    }
    let mut document = array(plan, num_fovs);
    document["attributes"] = attributes;
    document
}

fn ome(plan: &Plan) -> Value {
    let is_six_d = plan.structure == Structure::SixD;
    let space = |name| json!({"name": name, "type": "space", "unit": "micrometer"});
    let mut axes = vec![
        json!({"name": "t", "type": "time", "unit": "second"}),
        json!({"name": "c", "type": "channel"}),
    ];
    axes.extend(["z", "y", "x"].map(space));
    let time = if plan.num_timepoints > 1 {
        plan.time_step_secs
    } else {
        1.0
    };
    let depth = if plan.num_z > 1 { plan.z_step_um } else { 1.0 };
    let mut scale = vec![time, 1.0, depth, plan.pixel_size_um, plan.pixel_size_um];
    if is_six_d {
        axes.insert(0, json!({"name": "fov", "type": "fov"}));
        scale.insert(0, 1.0);
    }
    let (name, path) = if is_six_d {
        ("acquisition.zarr", ".")
    } else {
        ("0", "0")
    };
    json!({
        "version": "0.5",
        "multiscales": [{
            "version": "0.5",
            "name": name,
            "axes": axes,
            "datasets": [{"path": path, "coordinateTransformations": [{"type": "scale", "scale": scale}]}],
            "coordinateTransformations": [{"type": "identity"}],
        }],
        "omero": {"name": name, "version": "0.5", "channels": channels(plan)},
    })
}

/// `omero.channels`; the window is the range of the type, whatever the pixels are.
fn channels(plan: &Plan) -> Vec<Value> {
    let entry = |name: &String| {
        let stain = Stain::of(name);
        let mut entry = json!({"label": name, "active": true, "color": stain.hex()});
        if let Some(nm) = stain.wavelength_nm {
            entry["emission_wavelength"] = json!({"value": nm, "unit": "nanometer"});
        }
        entry["window"] = json!({"start": 0, "end": 65535, "min": 0, "max": 65535});
        entry
    };
    plan.channels.iter().map(entry).collect()
}

fn squid(plan: &Plan, num_fovs: u32, progress: Progress) -> Value {
    let is_six_d = plan.structure == Structure::SixD;
    let mut keys = json!({
        "structure": if is_six_d { "6D-FTCZYX" } else { "5D-TCZYX" },
        "pixel_size_um": plan.pixel_size_um,
        "z_step_um": (plan.num_z > 1).then_some(plan.z_step_um),
        "time_increment_s": (plan.num_timepoints > 1).then_some(plan.time_step_secs),
        "chunk_mode": plan.chunks.name(),
        "compression": plan.compression.name(),
        "shape": shape(plan, num_fovs),
        "dtype": "uint16",
        "is_hcs": !is_six_d,
        "acquisition_complete": progress == Progress::Complete,
    });
    if progress == Progress::Aborted {
        keys["aborted"] = true.into();
    }
    keys
}

/// The plate group; row and column indices count the acquired ones, not those of the physical plate.
pub(super) fn plate(plan: &Plan) -> Value {
    let wells: Vec<_> = plan
        .regions
        .iter()
        .filter_map(|(name, _)| well(name))
        .collect();
    let rows: BTreeMap<u32, &str> = wells
        .iter()
        .map(|(well, row, _)| (*row, well.row.as_str()))
        .collect();
    let columns: BTreeMap<u32, &str> = wells
        .iter()
        .map(|(well, _, column)| (*column, well.column.as_str()))
        .collect();
    let names = |of: &BTreeMap<u32, &str>| {
        of.values()
            .map(|name| json!({"name": name}))
            .collect::<Vec<_>>()
    };
    let entries = wells.iter().map(|(well, row, column)| {
        json!({
            "path": format!("{}/{}", well.row, well.column),
            "rowIndex": rows.range(..row).count(),
            "columnIndex": columns.range(..column).count(),
        })
    });
    let wells: Vec<Value> = entries.collect();
    let plate = json!({"version": "0.5", "name": "plate", "rows": names(&rows), "columns": names(&columns), "wells": wells});
    group(&json!({"ome": {"version": "0.5", "plate": plate}}))
}

/// The group of a well.
pub(super) fn well_group(num_fovs: u32) -> Value {
    let images: Vec<Value> = (0..num_fovs)
        .map(|fov| json!({"path": fov.to_string()}))
        .collect();
    group(&json!({"ome": {"version": "0.5", "well": {"version": "0.5", "images": images}}}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::ChunkMode;

    #[test]
    fn a_shard_holds_every_channel_of_a_slice() {
        let plan = Plan {
            structure: Structure::SixD,
            compression: Compression::Balanced,
            ..Plan::default()
        };
        let document = array(&plan, 3);
        assert_eq!(document["shape"], json!([3, 1, 4, 5, 1024, 1024]));
        assert_eq!(
            document["chunk_grid"]["configuration"]["chunk_shape"],
            json!([1, 1, 4, 1, 1024, 1024])
        );
        let sharding = &document["codecs"][0]["configuration"];
        assert_eq!(sharding["chunk_shape"], json!([1, 1, 1, 1, 1024, 1024]));
        assert_eq!(
            sharding["codecs"][0]["configuration"]["order"],
            json!([5, 4, 3, 2, 1, 0])
        );
    }

    #[test]
    fn one_chunk_is_not_sharded() {
        let plan = Plan {
            compression: Compression::Best,
            channels: vec!["DAPI".into()],
            ..Plan::default()
        };
        assert!(!has_shards(&plan));
        assert!(has_shards(&Plan {
            chunks: ChunkMode::Tiled512,
            ..plan
        }));
    }

    #[test]
    fn completion_and_abortion_are_flags() {
        let flags = |progress| {
            let document = image(&Plan::default(), 1, progress);
            let keys = &document["attributes"]["_squid"];
            (
                keys["acquisition_complete"].clone(),
                keys.get("aborted").cloned(),
            )
        };
        assert_eq!(flags(Progress::Running), (json!(false), None));
        assert_eq!(flags(Progress::Complete), (json!(true), None));
        assert_eq!(flags(Progress::Aborted), (json!(false), Some(json!(true))));
    }

    #[test]
    fn wells_are_indexed_among_the_acquired_ones() {
        let regions = ["C12", "A3", "C3"].map(|name| (name.to_owned(), 1)).into();
        let document = plate(&Plan {
            structure: Structure::Hcs,
            regions,
            ..Plan::default()
        });
        let plate = &document["attributes"]["ome"]["plate"];
        assert_eq!(plate["rows"], json!([{"name": "A"}, {"name": "C"}]));
        assert_eq!(plate["columns"], json!([{"name": "3"}, {"name": "12"}]));
        assert_eq!(
            plate["wells"][0],
            json!({"path": "C/12", "rowIndex": 1, "columnIndex": 1})
        );
    }
}
