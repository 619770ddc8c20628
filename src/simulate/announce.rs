//! Tells a window of an acquisition while it is written, over the live protocol (`docs/live-protocol.md`), as the
//! microscope software may: the start before there is anything on disk, each plane right after it is there, the end.
//!
//! The acquisition never waits for a window's answer and goes on without one.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{
    SimulateError, Written,
    clock::Moment,
    images::place_of,
    layout::Layout,
    plan::{Plan, Structure},
    refuse_existing,
    zarr_writer::PlaneAt,
};
use crate::live::{Client, ClientError};

/// An acquisition as a window is told of it.
pub struct Announcer {
    /// `None`: the window went away.
    client: Option<Client>,
    /// The name of this acquisition; no other start has it.
    acquisition: String,
    channels: Vec<String>,
    /// Flat number of the first FOV of each region; all 0 where a notice counts inside its region.
    first_fovs: Vec<u64>,
    has_regions: bool,
    /// Where image files lie, which are registered one by one; `None`: planes lie in stores.
    files: Option<Files>,
}

/// Where the image files of an acquisition lie.
struct Files {
    plan: Plan,
    layout: Layout,
    out: PathBuf,
}

impl Announcer {
    /// Announces the acquisition of `plan`, which [`simulate`](super::simulate) is to write into the folder `out`. Blocks
    /// until the window answers.
    ///
    /// # Errors
    /// When it could not be written, or the window refuses it or does not answer.
    pub fn start(mut client: Client, plan: &Plan, out: &Path) -> Result<Self, AnnounceError> {
        plan.check().map_err(SimulateError::Plan)?;
        refuse_existing(out)?;
        let has_regions = plan.structure == Structure::SixD;
        let before = plan.regions.iter().scan(0, move |next, &(_, num_fovs)| {
            let first = *next;
            *next += u64::from(num_fovs);
            Some(if has_regions { 0 } else { first })
        });
        let out = std::path::absolute(out)
            .map_err(|source| SimulateError::io("find the full path of", out, source))?;
        let now = Moment::now().unix_secs();
        let acquisition = format!("simulated-{}-{now:.6}", std::process::id());
        let layout = Layout::of(plan);
        let (verb, mut message) = start(plan, &layout, &out);
        message["acquisition"] = acquisition.as_str().into();
        client.request(verb, message)?;
        Ok(Self {
            client: Some(client),
            acquisition,
            channels: plan.channels.clone(),
            first_fovs: before.collect(),
            has_regions,
            files: plan.structure.has_images().then(|| Files {
                plan: plan.clone(),
                layout,
                out,
            }),
        })
    }

    /// Announces a plane that is on disk. Does not wait for an answer; where the window is gone, says so once.
    pub fn written(&mut self, written: Written) {
        let region_idx = written.region_idx;
        let (fov, region) = if self.has_regions {
            (u64::from(written.fov), region_idx)
        } else {
            (self.first_fovs[region_idx] + u64::from(written.fov), 0)
        };
        let mut notice = json!({
            "acquisition": self.acquisition, "t": written.t, "fov_idx": fov, "z": written.z,
            "channel": self.channels[written.c as usize],
        });
        let verb = if let Some(files) = &self.files {
            let (path, page_idx) = files.place(written);
            notice["path"] = path.to_string_lossy().into();
            notice["page_idx"] = page_idx.into();
            "register_image"
        } else {
            notice["region_idx"] = region.into();
            "notify_zarr_frame"
        };
        self.tell(|client| client.send(verb, notice));
    }

    /// Announces the end, and warns of what the window refused.
    pub fn end(mut self) {
        let message = json!({ "acquisition": self.acquisition });
        let end = if self.files.is_some() {
            "end_acquisition"
        } else {
            "end_zarr_acquisition"
        };
        self.tell(|client| {
            client.request(end, message)?;
            let refusals = client.take_refusals();
            if let Some(first) = refusals.first() {
                let num = refusals.len();
                tracing::warn!("the window refused {num} notices or more: {first}");
            }
            Ok(())
        });
    }

    fn tell(&mut self, say: impl FnOnce(&mut Client) -> Result<(), ClientError>) {
        let Some(client) = &mut self.client else {
            return;
        };
        if let Err(error) = say(client) {
            tracing::warn!("nothing more is announced: {error}");
            self.client = None;
        }
    }
}

impl Files {
    fn place(&self, written: Written) -> (PathBuf, u32) {
        let at = PlaneAt {
            fov: written.fov,
            t: written.t,
            c: written.c,
            z: written.z,
        };
        place_of(&self.plan, &self.layout, &self.out, written.region_idx, at)
    }
}

/// An acquisition cannot be announced.
#[derive(Debug, thiserror::Error)]
pub enum AnnounceError {
    /// The window refuses it, or is gone.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// It could not be written.
    #[error(transparent)]
    Simulate(#[from] SimulateError),
}

/// The verb of the start and what it says, but for the acquisition's name.
fn start(plan: &Plan, layout: &Layout, out: &Path) -> (&'static str, Value) {
    let path = |region_idx, fov| {
        let store = layout.store(out, region_idx, fov);
        store.to_string_lossy().into_owned()
    };
    let mut message = json!({
        "channels": plan.channels, "num_z": plan.num_z, "height": plan.height, "width": plan.width,
    });
    let names = (0..plan.regions.len()).map(|region_idx| layout.region_name(region_idx));
    if plan.structure == Structure::SixD {
        let paths: Vec<String> = (0..plan.regions.len()).map(|at| path(at, 0)).collect();
        let counts: Vec<u32> = plan.regions.iter().map(|&(_, fovs)| fovs).collect();
        message["region_paths"] = paths.into();
        message["fovs_per_region"] = counts.into();
        message["region_labels"] = names.collect();
        return ("start_zarr_acquisition_6d", message);
    }
    let (mut paths, mut labels) = (Vec::new(), Vec::new());
    for ((region_idx, &(_, num_fovs)), name) in plan.regions.iter().enumerate().zip(names) {
        for fov in 0..num_fovs {
            paths.push(path(region_idx, fov));
            labels.push(format!("{name}:{fov}"));
        }
    }
    message["fov_labels"] = labels.into();
    if plan.structure.has_images() {
        return ("start_acquisition", message);
    }
    message["fov_paths"] = paths.into();
    ("start_zarr_acquisition", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(structure: Structure, regions: &[(&str, u32)], expected: &Value) {
        let regions = regions.iter().map(|&(name, fovs)| (name.to_owned(), fovs));
        let plan = Plan {
            structure,
            regions: regions.collect(),
            channels: vec!["DAPI".into()],
            ..Plan::default()
        };
        let (verb, mut message) = start(&plan, &Layout::of(&plan), Path::new("out"));
        message["do"] = verb.into();
        let mut expected = expected.clone();
        for (key, value) in [("num_z", 5), ("height", 1024), ("width", 1024)] {
            expected[key] = value.into();
        }
        expected["channels"] = json!(["DAPI"]);
        let text = message.to_string().replace("\\\\", "/");
        let found: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(found, expected, "{structure:?}");
    }

    #[test]
    fn starts_name_every_store_and_fov() {
        check(
            Structure::PerFov,
            &[("R0", 2), ("R1", 1)],
            &json!({
                "do": "start_zarr_acquisition", "fov_labels": ["R0:0", "R0:1", "R1:0"],
                "fov_paths": [
                    "out/zarr/R0/fov_0.ome.zarr", "out/zarr/R0/fov_1.ome.zarr", "out/zarr/R1/fov_0.ome.zarr",
                ],
            }),
        );
        check(
            Structure::Hcs,
            &[("b02", 1)],
            &json!({
                "do": "start_zarr_acquisition", "fov_labels": ["B2:0"],
                "fov_paths": ["out/plate.ome.zarr/B/2/0"],
            }),
        );
        check(
            Structure::SixD,
            &[("R0", 2), ("R1", 1)],
            &json!({
                "do": "start_zarr_acquisition_6d", "fovs_per_region": [2, 1], "region_labels": ["R0", "R1"],
                "region_paths": ["out/zarr/R0/acquisition.zarr", "out/zarr/R1/acquisition.zarr"],
            }),
        );
        check(
            Structure::MultiPage,
            &[("A1", 2)],
            &json!({"do": "start_acquisition", "fov_labels": ["A1:0", "A1:1"]}),
        );
        check(
            Structure::Single,
            &[("R0", 1)],
            &json!({
                "do": "start_zarr_acquisition", "fov_labels": ["R0:0"], "fov_paths": ["out"],
            }),
        );
    }
}
