//! Announce an acquisition to a squidview window while it is written, as a microscope's software would.
//!
//! `cargo run --example push -- NEW_FOLDER`, with a window open (`squidview` in another terminal). Without one it says so
//! and writes all the same: an acquisition must never depend on whether somebody watches.
//!
//! This program is another process than the window, so it connects to its socket (`docs/live-protocol.md`). A program that
//! has the window inside of itself takes `App::push_handle` instead: the same calls, typed, without a connection.

use std::{
    error::Error,
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::json;
use squidview::{
    live::{Client, ClientError, InstanceFolder},
    simulate::{Plan, Structure, Written, simulate},
};

/// Time between planes; that of the camera.
const INTERVAL: Duration = Duration::from_millis(100);

fn main() -> Result<(), Box<dyn Error>> {
    let folder: PathBuf = std::env::args_os()
        .nth(1)
        .ok_or("usage: push NEW_FOLDER")?
        .into();
    // The window has another working folder than this program.
    let folder = std::path::absolute(folder)?;
    let plan = Plan {
        structure: Structure::PerFov,
        regions: vec![("A1".into(), 2), ("A2".into(), 2)],
        num_timepoints: 2,
        num_z: 3,
        channels: vec!["DAPI".into(), "GFP".into()],
        width: 512,
        height: 512,
        ..Plan::default()
    };
    let mut out = std::io::stdout().lock();

    let mut viewer = match Viewer::start(&plan, &folder) {
        Ok(viewer) => Some(viewer),
        Err(error) => {
            writeln!(out, "not shown while it is written: {error}")?;
            None
        }
    };
    // Stands for the microscope: it writes a plane, then calls back.
    let mut on_plane = |written| {
        if let Some(watching) = &mut viewer
            && let Err(error) = watching.written(&plan, written)
        {
            // The window was closed. The acquisition goes on.
            eprintln!("nothing more is announced: {error}");
            viewer = None;
        }
        true
    };
    simulate(&plan, &folder, &mut on_plane, INTERVAL)?;
    if let Some(watching) = viewer {
        let status = watching.end()?;
        writeln!(out, "the window knows of {}", status["counts"])?;
    }
    writeln!(out, "written: {}", folder.display())?;
    Ok(())
}

/// A window that shows what is being written.
struct Viewer {
    client: Client,
    acquisition: String,
}

impl Viewer {
    /// Announces what will be written. Nothing of it needs to be on disk yet.
    fn start(plan: &Plan, folder: &Path) -> Result<Self, ClientError> {
        let mut client = Client::newest(&InstanceFolder::of_user()?, "example push")?;
        // Unique to each start: late notices of an earlier one are told apart by it.
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanos = now.unwrap_or_default().as_nanos();
        let acquisition = format!("example-{}-{nanos}", std::process::id());
        let (mut paths, mut labels) = (Vec::new(), Vec::new());
        for (region, num_fovs) in &plan.regions {
            for fov in 0..*num_fovs {
                let store = format!("zarr/{region}/fov_{fov}.ome.zarr");
                paths.push(folder.join(store));
                labels.push(format!("{region}:{fov}"));
            }
        }
        let start = json!({
            "acquisition": acquisition, "fov_paths": paths, "fov_labels": labels,
            "channels": plan.channels, "num_z": plan.num_z, "height": plan.height, "width": plan.width,
        });
        client.request("start_zarr_acquisition", start)?;
        Ok(Self {
            client,
            acquisition,
        })
    }

    /// Announces a plane that is on disk. `send` asks for no reply, so nothing is waited for between two planes.
    fn written(&mut self, plan: &Plan, written: Written) -> Result<(), ClientError> {
        // FOVs are numbered through all regions.
        let before = &plan.regions[..written.region_idx];
        let first: u32 = before.iter().map(|(_, num_fovs)| num_fovs).sum();
        let notice = json!({
            "acquisition": self.acquisition, "t": written.t, "fov_idx": first + written.fov, "z": written.z,
            "channel": plan.channels[written.c as usize],
        });
        self.client.send("notify_zarr_frame", notice)
    }

    /// Announces the end, and asks what the window knows by then.
    fn end(mut self) -> Result<serde_json::Value, ClientError> {
        let end = json!({ "acquisition": self.acquisition });
        self.client.request("end_zarr_acquisition", end)?;
        for refusal in self.client.take_refusals() {
            eprintln!("refused: {refusal}");
        }
        self.client.request("status", json!({}))
    }
}
