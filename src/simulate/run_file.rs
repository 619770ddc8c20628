//! `run.json`, kept up to date as Squid does for its watchdog (`squid/acquisition_state.py`, `RunStateWriter`).
//!
//! Written beside its place and renamed. Squid beats every 5 s at most; here every second, for who watches a short run.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{SimulateError, clock::Moment, plan::Plan};
use crate::live::RUN_FILE;

/// At least so long from one heartbeat to the next.
pub(super) const BEAT: Duration = Duration::from_secs(1);

/// How far the acquisition is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RunProgress {
    /// Timepoint index.
    pub(super) timepoint: u32,
    /// FOVs of this timepoint that were begun.
    pub(super) fov: u32,
    /// Planes on disk.
    pub(super) images: u64,
}

/// The file of one run.
#[derive(Debug)]
pub(super) struct RunFile {
    path: PathBuf,
    document: Value,
    began: Instant,
    beat: Instant,
}

impl RunFile {
    /// Writes the file of a run that begins.
    ///
    /// # Errors
    /// When it cannot be written: later failures are only warned of, as Squid does.
    pub(super) fn start(folder: &Path, plan: &Plan, out: &Path) -> Result<Self, SimulateError> {
        let out = std::path::absolute(out)
            .map_err(|source| SimulateError::io("find the full path of", out, source))?;
        let name = out.file_name().unwrap_or_default().to_string_lossy();
        let now = Moment::now().unix_secs();
        let pid = std::process::id();
        // Unique among the runs of one machine.
        let run_id = format!("{:016x}{pid:016x}", (now * 1e6) as u64);
        let document = json!({
            "schema_version": 1, "run_id": run_id, "experiment_id": name, "machine": "simulated microscope", "pid": pid,
            "config_path": null, "output_path": out.to_string_lossy(), "started_at": now, "heartbeat_at": now,
            "progress": {},
            "expected": {
                "timepoints": plan.num_timepoints, "regions": plan.regions.len(), "fovs": plan.num_fovs(),
                "channels": plan.channels.len(), "z": plan.num_z,
            },
            "status": "running", "reason": null, "ended_at": null, "stats": null,
        });
        let began = Instant::now();
        let file = Self {
            path: folder.join(RUN_FILE),
            document,
            began,
            beat: began,
        };
        file.write()?;
        Ok(file)
    }

    /// A sign of life, if the last one is old enough.
    pub(super) fn beat(&mut self, progress: RunProgress) {
        if self.beat.elapsed() < BEAT {
            return;
        }
        self.beat = Instant::now();
        self.document["heartbeat_at"] = Moment::now().unix_secs().into();
        self.set(progress);
        self.try_write();
    }

    /// The last word on the run.
    pub(super) fn end(&mut self, progress: RunProgress, reason: &str) {
        self.set(progress);
        self.document["status"] = "ended".into();
        self.document["reason"] = reason.into();
        self.document["ended_at"] = Moment::now().unix_secs().into();
        self.document["stats"] = json!({
            "total_images": progress.images, "total_timepoints": progress.timepoint + 1,
            "total_duration_seconds": self.began.elapsed().as_secs_f64(), "errors_encountered": 0,
        });
        self.try_write();
    }

    fn set(&mut self, progress: RunProgress) {
        self.document["progress"] = json!({
            "timepoint": progress.timepoint, "fov": progress.fov, "images": progress.images,
        });
    }

    fn try_write(&self) {
        if let Err(error) = self.write() {
            tracing::warn!("{error}");
        }
    }

    fn write(&self) -> Result<(), SimulateError> {
        let beside = self
            .path
            .with_file_name(format!(".run-{}.tmp", std::process::id()));
        let folder = self.path.parent().unwrap_or(&self.path);
        fs::create_dir_all(folder)
            .map_err(|source| SimulateError::io("create the folder", folder, source))?;
        fs::write(&beside, self.document.to_string())
            .map_err(|source| SimulateError::io("write", &beside, source))?;
        fs::rename(&beside, &self.path)
            .map_err(|source| SimulateError::io("replace", &self.path, source))
    }
}
