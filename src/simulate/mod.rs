//! Writes an acquisition plane by plane in any Zarr layout, as the microscope does.
//!
//! The same folders, documents, codec chains, order and side files as Squid's writer (`control/core/zarr_writer.py`), with
//! cells that drift and divide in front of a simulated camera. Knows nothing of reading.

mod blosc;
mod cells;
mod clock;
mod documents;
mod layout;
mod paint;
mod plan;
mod random;
mod side_files;
mod stain;
mod stores;
mod texture;
mod yaml;
mod zarr_writer;

pub use plan::{ChunkMode, Compression, Plan, PlanError, Structure};

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use cells::{Scene, View};
use clock::Moment;
use documents::Progress;
use layout::Layout;
use side_files::{Executed, SideFiles};
use stores::Stores;

/// A plane that is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Planes written so far, this one included.
    pub num_written: u64,
    /// Planes of the whole acquisition.
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

/// Writes the acquisition of `plan` into the folder `out`, which must be new or empty. Blocks until it is done.
///
/// Planes follow in Squid's order: timepoints, regions, FOVs, z-slices, channels. They start at least `interval` apart.
/// `on_plane` hears of each plane after it is on disk; returning false stops the acquisition, which is then left as an
/// aborted one, as it is when a file cannot be written.
///
/// # Errors
/// When the plan cannot be written, the folder is not empty, a file cannot be written, or `on_plane` stopped it.
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
        stores: Stores::new(plan, &layout, out),
        scene: Scene::new(plan),
        timepoint: None,
        executed: Vec::new(),
        num_written: 0,
        started: Instant::now(),
        interval,
    };
    let outcome = run.write_all(on_plane);
    match outcome {
        Ok(()) => run.end(Progress::Complete),
        Err(error) => {
            // The first error is the one to tell; what could not be marked as aborted looks like a crash, as it would.
            if let Err(second) = run.end(Progress::Aborted) {
                tracing::warn!("the acquisition could not be marked as aborted: {second}");
            }
            Err(error)
        }
    }
}

/// Nothing that exists is written over.
fn refuse_existing(out: &Path) -> Result<(), SimulateError> {
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

/// An acquisition under way.
struct Run<'a> {
    plan: &'a Plan,
    layout: &'a Layout,
    /// `None`: the layout has none.
    side: Option<SideFiles<'a>>,
    stores: Stores<'a>,
    scene: Scene,
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
        on_plane: &mut dyn FnMut(Written) -> bool,
    ) -> Result<(), SimulateError> {
        if let Some(side) = &self.side {
            side.start(Moment::now())?;
        }
        for t in 0..self.plan.num_timepoints {
            self.executed.clear();
            self.timepoint = Some(t);
            if let Some(side) = &self.side {
                side.begin_timepoint(t)?;
            }
            self.write_timepoint(t, on_plane)?;
            if let Some(side) = &self.side {
                side.executed(t, &self.executed)?;
                side.timepoint_done(t)?;
            }
            self.timepoint = None;
        }
        Ok(())
    }

    fn write_timepoint(
        &mut self,
        t: u32,
        on_plane: &mut dyn FnMut(Written) -> bool,
    ) -> Result<(), SimulateError> {
        for (region_idx, &(_, num_fovs)) in self.plan.regions.iter().enumerate() {
            for fov in 0..num_fovs {
                for z in 0..self.plan.num_z {
                    for c in 0..self.plan.channels.len() as u32 {
                        let written = self.write_plane(region_idx, fov, t, c, z)?;
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
        Ok(())
    }

    fn write_plane(
        &mut self,
        region_idx: usize,
        fov: u32,
        t: u32,
        c: u32,
        z: u32,
    ) -> Result<Written, SimulateError> {
        let origin_px = self.layout.origin_px(region_idx, fov);
        let samples = self.scene.plane(View {
            region_idx,
            fov,
            origin_px,
            t,
            c,
            z,
        });
        self.wait();
        if c == 0 {
            self.executed.push(Executed {
                region_idx,
                fov,
                z,
                when: Moment::now(),
            });
        }
        self.stores
            .write(region_idx, zarr_writer::PlaneAt { fov, t, c, z }, &samples)?;
        self.num_written += 1;
        let num_planned = self.plan.num_planes();
        Ok(Written {
            num_written: self.num_written,
            num_planned,
            region_idx,
            fov,
            t,
            c,
            z,
        })
    }

    /// Waits until the next plane is due: this thread is the camera, which has nothing else to wait for.
    fn wait(&self) {
        let planes = u32::try_from(self.num_written).unwrap_or(u32::MAX);
        let due = self.interval.saturating_mul(planes);
        std::thread::sleep(due.saturating_sub(self.started.elapsed()));
    }

    /// Marks stores and folder as ended.
    fn end(&self, progress: Progress) -> Result<(), SimulateError> {
        self.stores.finalize(progress)?;
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
