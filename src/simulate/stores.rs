//! The stores of an acquisition: created when their first plane arrives, marked when it ends.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{
    SimulateError, documents,
    documents::Progress,
    layout::Layout,
    plan::{Plan, Structure},
    zarr_writer::{PlaneAt, PlaneWriter, create_document, write_document},
};

/// Writes planes into the stores that they belong to.
#[derive(Debug)]
pub(super) struct Stores<'a> {
    plan: &'a Plan,
    layout: &'a Layout,
    out: PathBuf,
    writer: PlaneWriter,
    /// Region and FOV of each store that exists; 6-D: FOV 0 for that of a region.
    created: BTreeSet<(usize, u32)>,
}

impl<'a> Stores<'a> {
    pub(super) fn new(plan: &'a Plan, layout: &'a Layout, out: &Path) -> Self {
        Self {
            plan,
            layout,
            out: out.to_owned(),
            writer: PlaneWriter::new(plan),
            created: BTreeSet::new(),
        }
    }

    /// Writes one plane (y, x), row by row, creating its store before where it is the first.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn write(
        &mut self,
        region_idx: usize,
        at: PlaneAt,
        samples: &[u16],
    ) -> Result<(), SimulateError> {
        let array = self.array(region_idx, at.fov)?;
        self.writer.write(&array, at, samples)
    }

    /// Leaves half of the next plane's first file at its place, as a writer that dies would without renaming.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn tear(
        &mut self,
        region_idx: usize,
        at: PlaneAt,
        samples: &[u16],
    ) -> Result<(), SimulateError> {
        let array = self.array(region_idx, at.fov)?;
        self.writer.tear(&array, at, samples)
    }

    /// The array of a FOV, created before where nothing was written to it.
    fn array(&mut self, region_idx: usize, fov: u32) -> Result<PathBuf, SimulateError> {
        let fov = if self.plan.structure == Structure::SixD {
            0
        } else {
            fov
        };
        if !self.created.contains(&(region_idx, fov)) {
            self.create(region_idx, fov)?;
        }
        Ok(self.layout.array(&self.out, region_idx, fov))
    }

    /// The array first, then the metadata around it, as Squid does.
    fn create(&mut self, region_idx: usize, fov: u32) -> Result<(), SimulateError> {
        let num_fovs = self.plan.regions[region_idx].1;
        create_document(
            &self.layout.array(&self.out, region_idx, fov),
            &documents::array(self.plan, num_fovs),
        )?;
        self.describe(region_idx, fov, Progress::Running)?;
        if self.plan.structure == Structure::Hcs {
            self.describe_plate(region_idx)?;
        }
        self.created.insert((region_idx, fov));
        Ok(())
    }

    fn describe(
        &self,
        region_idx: usize,
        fov: u32,
        progress: Progress,
    ) -> Result<(), SimulateError> {
        let document = documents::image(self.plan, self.plan.regions[region_idx].1, progress);
        write_document(&self.layout.store(&self.out, region_idx, fov), &document)
    }

    /// The plate with its first store, a well with its own first one.
    fn describe_plate(&self, region_idx: usize) -> Result<(), SimulateError> {
        if self.created.is_empty() {
            write_document(
                &Layout::plate_folder(&self.out),
                &documents::plate(self.plan),
            )?;
        }
        if self
            .created
            .range((region_idx, 0)..=(region_idx, u32::MAX))
            .next()
            .is_none()
        {
            let well = documents::well_group(self.plan.regions[region_idx].1);
            write_document(&self.layout.well_folder(&self.out, region_idx), &well)?;
        }
        Ok(())
    }

    /// Marks every store as complete or aborted.
    ///
    /// # Errors
    /// When a document cannot be written; the others are marked all the same.
    pub(super) fn finalize(&self, progress: Progress) -> Result<(), SimulateError> {
        let mut outcome = Ok(());
        for &(region_idx, fov) in &self.created {
            outcome = outcome.and(self.describe(region_idx, fov, progress));
        }
        outcome
    }
}
