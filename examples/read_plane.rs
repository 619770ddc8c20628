//! Open a dataset without a window, list its FOVs, and read one plane.
//!
//! `cargo run --example read_plane -- tests/data/squid/hcs_fast`

use std::{error::Error, io::Write as _, path::PathBuf};

use squidview::{
    formats,
    model::{Absence, FovId, PlaneId, Rgb, TileId, ZPick},
    store::{ReadOutcome, Store},
};

fn main() -> Result<(), Box<dyn Error>> {
    let path: PathBuf = std::env::args_os()
        .nth(1)
        .ok_or("usage: read_plane PATH")?
        .into();
    let mut out = std::io::stdout().lock();

    let detected = formats::detect(&path)?;
    writeln!(out, "{}", detected.layout)?;

    let dataset = formats::open(&path, &mut |_| true)?;
    for &fov in dataset.order.iter() {
        if let Some(row) = dataset.fov(fov) {
            writeln!(out, "{:8} {}", row.label, row.path)?;
        }
    }
    let image = &dataset.template;
    writeln!(
        out,
        "{} {:?}, pixel {:?} µm",
        image.sample_type.name(),
        image.levels[0].shape,
        image.sampling.x_um
    )?;
    for (index, channel) in image.channels.iter().enumerate() {
        let color = channel
            .color
            .map_or_else(|| "no colour".into(), Rgb::to_hex);
        writeln!(out, "{:24} {color}", channel.display_name(index))?;
    }

    // The first FOV whose store was opened while opening the dataset.
    let fov = dataset
        .order
        .iter()
        .copied()
        .find(|&fov| dataset.image(fov).is_some())
        .unwrap_or(FovId(0));
    let plane = PlaneId {
        fov,
        layer: 0,
        t: 0,
        c: 0,
        z: ZPick::Slice(0),
        extra: 0,
        level: 0,
    };
    match Store::new().read_tile(&dataset, TileId::whole(plane), Absence::AsStored)? {
        ReadOutcome::Absent(_) => writeln!(out, "not written yet")?,
        ReadOutcome::Pixels { tiles, state } => {
            let pixels = &tiles[0].pixels;
            writeln!(
                out,
                "{} × {} {}, {state:?}, first sample {:?}",
                pixels.width(),
                pixels.height(),
                pixels.sample_type().name(),
                pixels.value(0, 0)
            )?;
        }
    }
    Ok(())
}
