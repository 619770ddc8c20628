//! The handle that announces an acquisition from inside of a program: any thread, never waits, clones share their client.
//!
//! Names and meaning are those of the viewer that Squid embeds (Cephla-Lab/ndviewer_light `core.py`).

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Weak},
};

use parking_lot::RwLock;

use super::{
    AcquisitionId, ClientId, Destination, LiveEvent, Started, Status,
    hub::{Sends, StatusListener},
};
use crate::{
    dataset::{
        AnnounceError, AnnouncedLayout, AnnouncedSizes, Announcement, Dataset, NoticeAt,
        NoticeError, PlaneAt, RegisteredPlanes,
    },
    model::{NavAxis, Pixels},
};

/// What was asked of a handle did not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// The start call makes no sense.
    #[error(transparent)]
    Start(#[from] AnnounceError),
    /// The notice names nothing that there is.
    #[error(transparent)]
    Notice(#[from] NoticeError),
    /// The viewer is gone, or too many starts and wishes wait.
    #[error("the viewer does not take it: it is closed, or too much waits")]
    NotTaken,
}

/// One image file of [`PushHandle::register_images`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageNotice {
    /// Timepoint index.
    pub t: i64,
    /// Flat number of the FOV.
    pub fov_idx: i64,
    /// z-slice index.
    pub z: i64,
    /// Name of the channel.
    pub channel: String,
    /// The file.
    pub path: PathBuf,
    /// Page inside of it; at least 0.
    pub page_idx: i64,
}

/// Announces acquisitions and drives the view; cheap to clone, safe to use from any thread.
#[derive(Clone)]
pub struct PushHandle {
    sends: Sends,
    client: ClientId,
    current: Arc<RwLock<Option<Started>>>,
}

impl PushHandle {
    pub(super) fn new(sends: Sends) -> Self {
        Self {
            sends,
            client: ClientId::unique(),
            current: Arc::default(),
        }
    }

    /// A handle to the same viewer that counts as another client.
    #[must_use]
    pub fn other_client(&self) -> Self {
        Self::new(self.sends.clone())
    }

    /// Goes on with what an earlier handle started, as the client that started it. Clones made before do not.
    pub fn adopt(&mut self, started: Started) {
        self.client = started.client;
        self.current = Arc::new(RwLock::new(Some(started)));
    }

    /// True while the acquisition is shown, or could be shown again.
    #[must_use]
    pub fn knows(&self, id: AcquisitionId) -> bool {
        self.sends.shared.knows(id)
    }

    /// Starts an acquisition of one store per FOV; touches no path.
    ///
    /// # Errors
    /// As [`Announcement::per_fov`], or when the viewer is gone.
    pub fn start_zarr_acquisition(
        &self,
        fov_paths: Vec<PathBuf>,
        sizes: AnnouncedSizes,
        fov_labels: Vec<String>,
    ) -> Result<AcquisitionId, PushError> {
        self.start(Announcement::per_fov(fov_paths, sizes, fov_labels)?)
    }

    /// Starts an acquisition of one store per region; touches no path.
    ///
    /// # Errors
    /// As [`Announcement::per_region`], or when the viewer is gone.
    pub fn start_zarr_acquisition_6d(
        &self,
        region_paths: Vec<PathBuf>,
        sizes: AnnouncedSizes,
        fovs_per_region: &[i64],
        region_labels: Option<Vec<String>>,
    ) -> Result<AcquisitionId, PushError> {
        let announced =
            Announcement::per_region(region_paths, sizes, fovs_per_region, region_labels)?;
        self.start(announced)
    }

    /// Starts an acquisition whose planes are registered one by one, as files or as arrays.
    ///
    /// # Errors
    /// As [`Announcement::registered`], or when the viewer is gone.
    pub fn start_acquisition(
        &self,
        sizes: AnnouncedSizes,
        fov_labels: Vec<String>,
    ) -> Result<AcquisitionId, PushError> {
        self.start(Announcement::registered(sizes, fov_labels)?)
    }

    /// Starts what was announced; it replaces what this handle started before.
    ///
    /// # Errors
    /// When the viewer is gone, or too many starts wait.
    pub fn start(&self, announcement: Announcement) -> Result<AcquisitionId, PushError> {
        Ok(self.start_and_tell(announcement)?.id)
    }

    /// As [`Self::start`]; gives all of what was started.
    pub(super) fn start_and_tell(&self, announcement: Announcement) -> Result<Started, PushError> {
        let started = Started {
            id: AcquisitionId::unique(),
            client: self.client,
            announcement: Arc::new(announcement),
            registered: Arc::new(RegisteredPlanes::default()),
        };
        // Notices of other threads must find the new acquisition only after its start is on its way.
        let mut current = self.current.write();
        if !self.sends.start(started.clone()) {
            return Err(PushError::NotTaken);
        }
        *current = Some(started.clone());
        Ok(started)
    }

    /// A plane is (or will be within moments) on disk. `fov_idx` is flat after [`Self::start_zarr_acquisition`], local to
    /// `region_idx` after [`Self::start_zarr_acquisition_6d`]. Never waits.
    ///
    /// # Errors
    /// When nothing was started, its planes are registered, or the plane is not in the plan.
    pub fn notify_zarr_frame(
        &self,
        t: i64,
        fov_idx: i64,
        z: i64,
        channel: &str,
        region_idx: i64,
    ) -> Result<(), PushError> {
        let current = self.current.read();
        let started = current.as_ref().ok_or(NoticeError::NotStarted)?;
        if started.announcement.layout == AnnouncedLayout::Registered {
            return Err(NoticeError::IsRegistered.into());
        }
        let at = started.announcement.check(NoticeAt {
            t,
            fov_idx,
            z,
            channel,
            region_idx,
        })?;
        self.sends.written(started.id, at);
        Ok(())
    }

    /// A page of an image file holds (or will hold) a plane; the last registration of a plane wins. Never waits.
    ///
    /// # Errors
    /// When nothing was started, its planes lie in stores, the plane is not in the plan, the path is empty, or the page is
    /// below 0.
    pub fn register_image(
        &self,
        t: i64,
        fov_idx: i64,
        z: i64,
        channel: &str,
        path: &Path,
        page_idx: i64,
    ) -> Result<(), PushError> {
        let (started, at) = self.registering(t, fov_idx, z, channel)?;
        if path.as_os_str().is_empty() {
            return Err(NoticeError::EmptyPath.into());
        }
        let page = u32::try_from(page_idx).map_err(|_| NoticeError::OutOfRange {
            what: "page_idx",
            found: page_idx,
            last: i64::from(u32::MAX),
        })?;
        if started.registered.put_file(at, path.to_owned(), page) {
            self.sends.written(started.id, at);
        }
        Ok(())
    }

    /// Registers many image files; gives how many were taken and the first refusal.
    #[must_use]
    pub fn register_images(&self, images: &[ImageNotice]) -> (usize, Option<PushError>) {
        let (mut num_taken, mut refusal) = (0, None);
        for image in images {
            let taken = self.register_image(
                image.t,
                image.fov_idx,
                image.z,
                &image.channel,
                &image.path,
                image.page_idx,
            );
            match taken {
                Ok(()) => num_taken += 1,
                Err(error) => {
                    refusal.get_or_insert(error);
                }
            }
        }
        (num_taken, refusal)
    }

    /// The pixels of a plane, (y, x); kept within a bound, the oldest go first and are then shown as missing.
    ///
    /// # Errors
    /// When nothing was started, its planes lie in stores, the plane is not in the plan, or the pixels have another size
    /// than announced.
    pub fn register_array(
        &self,
        t: i64,
        fov_idx: i64,
        z: i64,
        channel: &str,
        pixels: Pixels,
    ) -> Result<(), PushError> {
        let (started, at) = self.registering(t, fov_idx, z, channel)?;
        let (width, height) = (started.announcement.width, started.announcement.height);
        if (pixels.width(), pixels.height()) != (width, height) {
            return Err(NoticeError::Pixels {
                found_width: pixels.width(),
                found_height: pixels.height(),
                width,
                height,
            }
            .into());
        }
        if started.registered.put_pixels(at, Arc::new(pixels)) {
            self.sends.written(started.id, at);
        }
        Ok(())
    }

    fn registering(
        &self,
        t: i64,
        fov_idx: i64,
        z: i64,
        channel: &str,
    ) -> Result<(Started, PlaneAt), PushError> {
        let current = self.current.read();
        let started = current.as_ref().ok_or(NoticeError::NotStarted)?;
        if started.announcement.layout != AnnouncedLayout::Registered {
            return Err(NoticeError::IsStored.into());
        }
        let at = started.announcement.check(NoticeAt {
            t,
            fov_idx,
            z,
            channel,
            region_idx: 0,
        })?;
        Ok((started.clone(), at))
    }

    /// Notices of these FOVs (by flat number; `None`: of all) may have been lost before they came here: look at the disk.
    /// Never waits.
    ///
    /// # Errors
    /// When nothing was started, or a FOV is not in the plan; then no FOV is looked at.
    pub fn rescan(&self, fovs: Option<&[i64]>) -> Result<(), PushError> {
        let current = self.current.read();
        let started = current.as_ref().ok_or(NoticeError::NotStarted)?;
        let (id, num_fovs) = (started.id, started.announcement.num_fovs());
        let Some(fovs) = fovs else {
            self.sends.shared.rescan_all(id, 0..num_fovs);
            return Ok(());
        };
        let last = i64::from(num_fovs) - 1;
        let what = "fov";
        if let Some(&found) = fovs.iter().find(|fov| !(0..=last).contains(fov)) {
            return Err(NoticeError::OutOfRange { what, found, last }.into());
        }
        let flats = fovs.iter().map(|&fov| fov as u32);
        self.sends.shared.rescan_all(id, flats);
        Ok(())
    }

    /// The acquisition that was started last has ended; notices that come late still count.
    ///
    /// # Errors
    /// When nothing was started, or the viewer is gone.
    pub fn end_zarr_acquisition(&self) -> Result<(), PushError> {
        self.end_acquisition()
    }

    /// As [`Self::end_zarr_acquisition`], for acquisitions whose planes are registered.
    ///
    /// # Errors
    /// When nothing was started, or the viewer is gone.
    pub fn end_acquisition(&self) -> Result<(), PushError> {
        let id = self.current().ok_or(NoticeError::NotStarted)?.id;
        self.control(LiveEvent::Ended(id))
    }

    /// A plane of the dataset that is open was written, whoever opened it; FOV by flat number, or counted inside of
    /// `region`. A timepoint beyond the dataset is looked for.
    ///
    /// # Errors
    /// When an index is below 0, FOV or z-slice are beyond the dataset, no such channel or region is open, or the viewer is gone.
    pub fn notify_written(
        &self,
        t: i64,
        fov: i64,
        z: i64,
        channel: &str,
        region: Option<&str>,
    ) -> Result<(), PushError> {
        let status = self.status();
        let dataset = status.dataset.as_ref().ok_or(NoticeError::NotStarted)?;
        let names: Vec<String> = (dataset.template.channels.iter().enumerate())
            .map(|(at, channel)| channel.display_name(at))
            .collect();
        let c = names.iter().position(|name| name == channel);
        let c = c.ok_or_else(|| NoticeError::UnknownChannel {
            name: channel.to_owned(),
            known: names.clone(),
        })?;
        let last_fov = i64::from(dataset.num_fovs()) - 1;
        let in_range = |what, found: i64, last: i64| {
            let index = u32::try_from(found).ok();
            let index = index.filter(|_| found <= last);
            index.ok_or(NoticeError::OutOfRange { what, found, last })
        };
        let fov_idx = in_range("fov", fov, last_fov)?;
        let flat = match region {
            None => fov_idx,
            Some(region) => flat_in_region(dataset, region, fov_idx)?,
        };
        let last_t = i64::from(crate::model::limits::TIMEPOINTS) - 1;
        let fov = dataset.fov_at(flat).ok_or(NoticeError::OutOfRange {
            what: "fov",
            found: fov,
            last: last_fov,
        })?;
        // Timepoints may have come that nobody has looked for yet, slices do not.
        let num_z = (dataset.image(fov)).map_or_else(
            || dataset.len_along(NavAxis::Z),
            |image| image.num_z_slices(),
        );
        let event = LiveEvent::Written {
            dataset: dataset.id,
            fov,
            t: in_range("t", t, last_t)?,
            z: in_range("z", z, i64::from(num_z) - 1)?,
            c: c as u16,
        };
        self.control(event)
    }

    /// Opens a dataset in place of what is shown.
    ///
    /// # Errors
    /// When the viewer is gone.
    pub fn load_dataset(&self, path: &Path) -> Result<(), PushError> {
        self.control(LiveEvent::Open(path.to_owned()))
    }

    /// Reads the folder of the shown dataset again.
    ///
    /// # Errors
    /// When the viewer is gone.
    pub fn refresh(&self) -> Result<(), PushError> {
        self.control(LiveEvent::Refresh)
    }

    /// Brings the window to the front, as far as the desktop lets a program do that.
    ///
    /// # Errors
    /// When the viewer is gone.
    pub fn show_window(&self) -> Result<(), PushError> {
        self.control(LiveEvent::ShowWindow)
    }

    /// Goes to a FOV by its flat number, and to a timepoint and a z-slice where they are given.
    ///
    /// # Errors
    /// When an index is below 0, or the viewer is gone.
    pub fn load_fov(&self, fov: i64, t: Option<i64>, z: Option<i64>) -> Result<(), PushError> {
        self.set_index(Some(fov), t, z)
    }

    /// Goes to a FOV by its flat number, a timepoint and a z-slice, each where it is given.
    ///
    /// # Errors
    /// When an index is below 0, or the viewer is gone.
    pub fn set_index(
        &self,
        fov: Option<i64>,
        t: Option<i64>,
        z: Option<i64>,
    ) -> Result<(), PushError> {
        let wishes = [
            (NavAxis::Fov, "fov", fov),
            (NavAxis::Time, "t", t),
            (NavAxis::Z, "z", z),
        ];
        let mut destinations = Vec::new();
        for (axis, what, wish) in wishes {
            let Some(found) = wish else { continue };
            let last = i64::from(u32::MAX);
            let index = u32::try_from(found);
            let index = index.map_err(|_| NoticeError::OutOfRange { what, found, last })?;
            destinations.push(Destination::Index(axis, index));
        }
        self.control(LiveEvent::Go(destinations))
    }

    /// Goes to a FOV of a well; false where there is none.
    #[must_use]
    pub fn go_to_well_fov(&self, well_id: &str, fov_index: i64) -> bool {
        let label = format!("{well_id}:{fov_index}");
        let status = self.status();
        let is_there = status
            .dataset
            .as_ref()
            .is_some_and(|dataset| dataset.fovs.iter().any(|fov| fov.label == label));
        is_there
            && self
                .control(LiveEvent::Go(vec![Destination::Label(label)]))
                .is_ok()
    }

    /// Goes to an index of an axis: `time`, `fov`, `z`, `z_level` or `channel`; false where there is no such place.
    #[must_use]
    pub fn set_current_index(&self, dim: &str, value: i64) -> bool {
        let status = self.status();
        let (Some(dataset), Ok(index)) = (&status.dataset, u32::try_from(value)) else {
            return false;
        };
        let axis = match dim {
            "time" | "t" => NavAxis::Time,
            "fov" => NavAxis::Fov,
            "z" | "z_level" => NavAxis::Z,
            "channel" => {
                let is_there = index < dataset.num_channels();
                let go = vec![Destination::Channel(index as usize)];
                return is_there && self.control(LiveEvent::Go(go)).is_ok();
            }
            _ => return false,
        };
        let go = vec![Destination::Index(axis, index)];
        index < dataset.len_along(axis) && self.control(LiveEvent::Go(go)).is_ok()
    }

    /// Region and number of every FOV, in the order of flat numbers; empty where nothing is open.
    #[must_use]
    pub fn get_fov_list(&self) -> Vec<(String, u32)> {
        let status = self.status();
        let Some(dataset) = &status.dataset else {
            return Vec::new();
        };
        let rows = dataset.order.iter().filter_map(|&id| dataset.fov(id));
        let named = rows.enumerate().map(|(flat, row)| {
            let region = row.region.clone().unwrap_or_else(|| row.label.clone());
            (region, row.fov_in_region.unwrap_or(flat as u32))
        });
        named.collect()
    }

    /// True where more than one FOV is open.
    #[must_use]
    pub fn has_fov_dimension(&self) -> bool {
        let status = self.status();
        status
            .dataset
            .as_ref()
            .is_some_and(|dataset| dataset.num_fovs() > 1)
    }

    /// True while an announced acquisition is open, ended or not.
    #[must_use]
    pub fn is_push_mode_active(&self) -> bool {
        self.status().is_push_active
    }

    /// True while an announced acquisition in Zarr stores is open and has not ended.
    #[must_use]
    pub fn is_zarr_push_mode_active(&self) -> bool {
        self.status().is_zarr_push_active
    }

    /// What is open and shown, as of the last frame.
    #[must_use]
    pub fn status(&self) -> Arc<Status> {
        self.sends.shared.status()
    }

    /// Puts a fence behind everything that this client sent so far: once [`Status::fence`] has reached it, all of that is
    /// in what the status describes. `None`: the viewer is gone.
    #[must_use]
    pub fn fence(&self) -> Option<u64> {
        self.sends.fence()
    }

    /// Notices of acquisitions that were no longer shown, since the viewer's start.
    #[must_use]
    pub fn num_late(&self) -> u64 {
        self.sends.shared.num_late()
    }

    /// Counts notices of an acquisition that the viewer no longer keeps.
    pub(super) fn count_late(&self, num_notices: u64) {
        self.sends.shared.count_late(num_notices);
    }

    /// Tells `listener` of each status that is published from now on, for as long as it lives.
    pub(super) fn listen(&self, listener: Weak<dyn StatusListener>) {
        self.sends.shared.listen(listener);
    }

    /// What this handle started last.
    #[must_use]
    pub fn current(&self) -> Option<Started> {
        self.current.read().clone()
    }

    /// Lists a warning where the person at the viewer sees it.
    ///
    /// # Errors
    /// When the viewer is gone.
    pub fn warn(&self, text: String) -> Result<(), PushError> {
        self.control(LiveEvent::Warning(text))
    }

    fn control(&self, event: LiveEvent) -> Result<(), PushError> {
        let taken = self.sends.control(event);
        taken.then_some(()).ok_or(PushError::NotTaken)
    }
}

/// The flat number of a FOV that is counted inside of its region.
fn flat_in_region(dataset: &Dataset, region: &str, fov_idx: u32) -> Result<u32, NoticeError> {
    let rows = dataset.order.iter().map(|&fov| dataset.fov(fov));
    let numbers: Vec<(u32, Option<u32>)> = (0..)
        .zip(rows)
        .filter(|(_, row)| row.is_some_and(|row| row.region.as_deref() == Some(region)))
        .map(|(flat, row)| (flat, row.and_then(|row| row.fov_in_region)))
        .collect();
    if numbers.is_empty() {
        let name = region.to_owned();
        return Err(NoticeError::UnknownRegion { name });
    }
    let found = numbers.iter().find(|(_, number)| *number == Some(fov_idx));
    let last = numbers.iter().filter_map(|(_, number)| *number).max();
    found.map(|(flat, _)| *flat).ok_or(NoticeError::OutOfRange {
        what: "fov of the region",
        found: fov_idx.into(),
        last: last.map_or(0, i64::from),
    })
}
