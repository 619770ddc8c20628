//! Writes an acquisition plane by plane in any of Squid's layouts, Zarr and TIFF, as the microscope does.
//!
//! The same folders, documents, codec chains, order and side files as Squid's writer (`control/core/zarr_writer.py`), with
//! cells that drift and divide in front of a simulated camera. Knows nothing of reading.

mod announce;
mod blosc;
mod cells;
mod clock;
mod documents;
mod images;
mod layout;
mod ome_tiff;
mod paint;
mod plan;
mod random;
mod run_file;
mod side_files;
mod stain;
mod stores;
mod texture;
mod yaml;
mod zarr_writer;

pub use announce::{AnnounceError, Announcer};
pub use plan::{ChunkMode, Compression, Ending, Plan, PlanError, Structure};

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use cells::{Scene, View};
use clock::Moment;
use documents::Progress;
use images::Images;
use layout::Layout;
use run_file::{BEAT, RunFile, RunProgress};
use side_files::{Executed, SideFiles};
use stores::Stores;
use zarr_writer::PlaneAt;

use crate::formats;

/// A plane that is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Planes written so far, this one included.
    pub num_written: u64,
    /// Planes of the whole acquisition, those of skipped timepoints included.
    pub num_planned: u64,
    /// Index into [`Plan::regions`].
    pub region_idx: usize,
    /// Index of the FOV inside its region.
    pub fov: u32,
    /// Timepoint index.
    pub t: u32,
    /// Channel index.
    pub c: u32,
    /// z-slice index.
    pub z: u32,
    /// How long writing it took, compression and documents included.
    pub took: Duration,
}

/// An acquisition could not be written to its end.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The plan cannot be written at all; nothing was.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The output folder holds something already; nothing was written.
    #[error("the folder is not empty, expected a new one: {}", location.display())]
    NotEmpty {
        /// The folder.
        location: PathBuf,
    },
    /// The output folder lies in an acquisition or a Zarr store; nothing was written.
    #[error("nothing is written into a dataset, and this lies in {}: {}", dataset.display(), location.display())]
    InDataset {
        /// The folder of the dataset.
        dataset: PathBuf,
        /// The output folder.
        location: PathBuf,
    },
    /// A file or folder could not be made. The acquisition is marked as aborted.
    #[error("cannot {action} ({source}): {}", location.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        location: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The caller stopped it. The acquisition is marked as aborted.
    #[error("stopped after {num_written} of {num_planned} planes")]
    Stopped {
        /// Planes on disk.
        num_written: u64,
        /// Planes of the whole acquisition.
        num_planned: u64,
    },
}

impl SimulateError {
    fn io(action: &'static str, location: &Path, source: io::Error) -> Self {
        Self::Io {
            action,
            location: location.to_owned(),
            source,
        }
    }
}

/// Writes the acquisition of `plan` into the folder `out`, which must be new or empty, and in no dataset. Blocks until it
/// is done.
///
/// Planes follow in Squid's order: timepoints, regions, FOVs, z-slices, channels. They start at least `interval` apart.
/// `on_plane` hears of each plane after it is on disk; returning false stops the acquisition, which is then left as an
/// aborted one, as it is when a file cannot be written. An end that the plan asks for is no error.
///
/// # Errors
/// When the plan cannot be written, the folder is not empty or in a dataset, a file cannot be written, or `on_plane` stopped it.
pub fn simulate(
    plan: &Plan,
    out: &Path,
    on_plane: &mut dyn FnMut(Written) -> bool,
    interval: Duration,
) -> Result<(), SimulateError> {
    plan.check()?;
    refuse_existing(out)?;
    let layout = Layout::of(plan);
    let side = SideFiles {
        plan,
        layout: &layout,
        folder: out.to_owned(),
    };
    let mut run = Run {
        plan,
        layout: &layout,
        side: (plan.structure != Structure::Single).then_some(side),
        output: if plan.structure.has_images() {
            Output::Images(Images::new(plan, &layout, out))
        } else {
            Output::Stores(Stores::new(plan, &layout, out))
        },
        scene: Scene::new(plan),
        state: None,
        progress: RunProgress::default(),
        timepoint: None,
        executed: Vec::new(),
        num_written: 0,
        started: Instant::now(),
        interval,
    };
    match run.write_all(out, on_plane) {
        Ok(Outcome::Complete) => run.end(Progress::Complete, "completed"),
        Ok(Outcome::Aborted) => run.end(Progress::Aborted, "user_abort"),
        Ok(Outcome::Crashed) => Ok(()),
        Err(error) => {
            let reason = match error {
                SimulateError::Stopped { .. } => "user_abort",
                _ => "error",
            };
            // The first error is the one to tell; what could not be marked as aborted looks like a crash, as it would.
            if let Err(second) = run.end(Progress::Aborted, reason) {
                tracing::warn!("the acquisition could not be marked as aborted: {second}");
            }
            Err(error)
        }
    }
}

/// Nothing that exists is written over, and nothing into what exists.
fn refuse_existing(out: &Path) -> Result<(), SimulateError> {
    let absolute = std::path::absolute(out).unwrap_or_else(|_| out.to_owned());
    // Links of what is there already count, the rest is going to be made.
    let made = absolute
        .ancestors()
        .find_map(|around| fs::canonicalize(around).ok());
    if let Some(dataset) = made.as_deref().and_then(formats::dataset_around) {
        return Err(SimulateError::InDataset {
            dataset,
            location: out.to_owned(),
        });
    }
    let is_taken = match fs::read_dir(out) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(SimulateError::io("list the folder", out, error)),
    };
    if is_taken {
        return Err(SimulateError::NotEmpty {
            location: out.to_owned(),
        });
    }
    fs::create_dir_all(out).map_err(|source| SimulateError::io("create the folder", out, source))
}

/// What became of an acquisition without a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Complete,
    Aborted,
    Crashed,
}

/// Where planes go.
enum Output<'a> {
    Stores(Stores<'a>),
    Images(Images<'a>),
}

/// An acquisition under way.
struct Run<'a> {
    plan: &'a Plan,
    layout: &'a Layout,
    /// `None`: the layout has none.
    side: Option<SideFiles<'a>>,
    output: Output<'a>,
    scene: Scene,
    /// `None`: nobody asked for one, or nothing was written yet.
    state: Option<RunFile>,
    progress: RunProgress,
    /// The timepoint that was begun and has not ended.
    timepoint: Option<u32>,
    /// Positions of the timepoint that is being written.
    executed: Vec<Executed>,
    num_written: u64,
    started: Instant,
    interval: Duration,
}

impl Run<'_> {
    fn write_all(
        &mut self,
        out: &Path,
        on_plane: &mut dyn FnMut(Written) -> bool,
    ) -> Result<Outcome, SimulateError> {
        if let Some(side) = &self.side {
            side.start(Moment::now())?;
        }
        if let Some(folder) = &self.plan.run_folder {
            self.state = Some(RunFile::start(folder, self.plan, out)?);
        }
        for t in 0..self.plan.num_timepoints {
            if self.plan.skipped_timepoints.contains(&t) {
                continue;
            }
            // A user who stops between timepoints leaves no folder of the next one.
            if self.is_aborted() {
                return Ok(Outcome::Aborted);
            }
            self.begin_timepoint(t)?;
            if let Some(outcome) = self.write_timepoint(t, on_plane)? {
                return Ok(outcome);
            }
            self.end_timepoint(t)?;
        }
        Ok(match self.plan.ending {
            Ending::CrashesAfter(num_planes) if num_planes == self.num_written => Outcome::Crashed,
            _ if self.is_aborted() => Outcome::Aborted,
            _ => Outcome::Complete,
        })
    }

    fn begin_timepoint(&mut self, t: u32) -> Result<(), SimulateError> {
        self.executed.clear();
        self.timepoint = Some(t);
        (self.progress.timepoint, self.progress.fov) = (t, 0);
        self.side
            .as_ref()
            .map_or(Ok(()), |side| side.begin_timepoint(t))
    }

    fn end_timepoint(&mut self, t: u32) -> Result<(), SimulateError> {
        if let Some(side) = &self.side {
            side.executed(t, &self.executed)?;
            side.timepoint_done(t)?;
        }
        self.timepoint = None;
        Ok(())
    }

    /// The outcome where the plan ends in the middle of it.
    fn write_timepoint(
        &mut self,
        t: u32,
        on_plane: &mut dyn FnMut(Written) -> bool,
    ) -> Result<Option<Outcome>, SimulateError> {
        for (region_idx, &(_, num_fovs)) in self.plan.regions.iter().enumerate() {
            for fov in 0..num_fovs {
                self.progress.fov += 1;
                for z in 0..self.plan.num_z {
                    for c in 0..self.plan.channels.len() as u32 {
                        let at = PlaneAt { fov, t, c, z };
                        if let Some(outcome) = self.stop_before(region_idx, at)? {
                            return Ok(Some(outcome));
                        }
                        let written = self.write_plane(region_idx, at)?;
                        if !on_plane(written) {
                            return Err(SimulateError::Stopped {
                                num_written: written.num_written,
                                num_planned: written.num_planned,
                            });
                        }
                    }
                }
            }
        }
        Ok(None)
    }

    fn is_aborted(&self) -> bool {
        self.plan.ending == Ending::AbortsAfter(self.num_written)
    }

    /// Ends as planned where enough planes are written; a crash leaves half of the one that was to come.
    fn stop_before(
        &mut self,
        region_idx: usize,
        at: PlaneAt,
    ) -> Result<Option<Outcome>, SimulateError> {
        if self.is_aborted() {
            return Ok(Some(Outcome::Aborted));
        }
        if self.plan.ending != Ending::CrashesAfter(self.num_written) {
            return Ok(None);
        }
        let samples = self.paint(region_idx, at);
        match &mut self.output {
            Output::Stores(stores) => stores.tear(region_idx, at, &samples)?,
            Output::Images(images) => images.tear(region_idx, at, &samples)?,
        }
        Ok(Some(Outcome::Crashed))
    }

    fn paint(&self, region_idx: usize, at: PlaneAt) -> Vec<u16> {
        self.scene.plane(View {
            region_idx,
            fov: at.fov,
            origin_px: self.layout.origin_px(region_idx, at.fov),
            t: at.t,
            c: at.c,
            z: at.z,
        })
    }

    fn write_plane(&mut self, region_idx: usize, at: PlaneAt) -> Result<Written, SimulateError> {
        let samples = self.paint(region_idx, at);
        self.wait();
        let when = Moment::now();
        if at.c == 0 {
            self.executed.push(Executed {
                region_idx,
                fov: at.fov,
                z: at.z,
                when,
            });
        }
        let began = Instant::now();
        match &mut self.output {
            Output::Stores(stores) => stores.write(region_idx, at, &samples)?,
            Output::Images(images) => images.write(region_idx, at, &samples, when)?,
        }
        let took = began.elapsed();
        self.num_written += 1;
        self.progress.images = self.num_written;
        self.beat();
        Ok(Written {
            num_written: self.num_written,
            num_planned: self.plan.num_planes(),
            region_idx,
            fov: at.fov,
            t: at.t,
            c: at.c,
            z: at.z,
            took,
        })
    }

    /// Waits until the next plane is due: this thread is the camera, which has nothing else to wait for.
    fn wait(&mut self) {
        let planes = u32::try_from(self.num_written).unwrap_or(u32::MAX);
        let due = self.interval.saturating_mul(planes);
        loop {
            let left = due.saturating_sub(self.started.elapsed());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(BEAT));
            self.beat();
        }
    }

    fn beat(&mut self) {
        if let Some(file) = &mut self.state {
            file.beat(self.progress);
        }
    }

    /// Marks stores and folder as ended, and the run, whatever else could be.
    fn end(&mut self, progress: Progress, reason: &str) -> Result<(), SimulateError> {
        let outcome = self.mark(progress);
        if let Some(file) = &mut self.state {
            let reason = if outcome.is_ok() { reason } else { "error" };
            file.end(self.progress, reason);
        }
        outcome
    }

    fn mark(&self, progress: Progress) -> Result<(), SimulateError> {
        // Image files have no mark of their own.
        if let Output::Stores(stores) = &self.output {
            stores.finalize(progress)?;
        }
        let Some(side) = &self.side else {
            return Ok(());
        };
        if let Some(t) = self.timepoint {
            side.executed(t, &self.executed)?;
        }
        side.done()
    }
}

#[cfg(test)]
mod tests;
