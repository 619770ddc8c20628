//! Carries out the requests of one client, through a push handle of its own.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    AcquisitionId, PushError, PushHandle, Started,
    answers::{self, Facts, Refusal},
    messages::{
        ArrayNotice, Frame, Image, StartPerFov, StartPerRegion, StartRegistered, WaitShown,
    },
    names::Named,
    outbox::{Outbox, Wait, Wish},
    protocol::{Code, Id, Request},
    samples,
};
use crate::{
    dataset::{AnnouncedSizes, Announcement, NoticeError},
    model::{Step, readable},
};

/// Longest time that a client may wait for a picture.
const MAX_WAIT_SECS: f64 = 86_400.0;
/// Bytes of a warning that are listed.
const MAX_WARNING_BYTES: usize = 1000;

/// Carries out requests; on the client's reading thread.
pub(super) struct Clerk<'a> {
    handle: PushHandle,
    /// The acquisition that `handle` goes on with, and its name.
    current: Option<(String, AcquisitionId)>,
    facts: &'a Facts,
    outbox: &'a Outbox,
}

/// What a request that was carried out is answered with.
enum Done {
    /// `{}`.
    Plain,
    /// Whether there was such a place.
    Found(bool),
    /// Entries of a list that were taken.
    Taken(usize),
    /// A whole reply of its own; `None`: nobody asked for it.
    Line(Option<String>),
    /// It is answered when it is due, or was.
    Later,
}

impl<'a> Clerk<'a> {
    pub(super) fn new(handle: PushHandle, facts: &'a Facts, outbox: &'a Outbox) -> Self {
        Self {
            handle,
            current: None,
            facts,
            outbox,
        }
    }

    /// Carries out a request and puts its reply into the outbox. False where the connection is at its end.
    pub(super) fn take(&mut self, id: Option<&Id>, request: Request<'_>) -> bool {
        let line = match self.carry_out(id, request) {
            Err(refusal) => Some(refusal.line(id)),
            Ok(Done::Later) => None,
            Ok(Done::Line(line)) => line,
            Ok(Done::Plain) => id.map(|id| answers::ok(id, serde_json::json!({}))),
            Ok(Done::Found(found)) => {
                id.map(|id| answers::ok(id, serde_json::json!({ "found": found })))
            }
            Ok(Done::Taken(taken)) => {
                id.map(|id| answers::ok(id, serde_json::json!({ "taken": taken })))
            }
        };
        line.is_none_or(|line| self.outbox.put(line))
    }

    fn carry_out(&mut self, id: Option<&Id>, request: Request<'_>) -> Result<Done, Refusal> {
        match request {
            Request::StartPerFov(name, start) => self.start(&name.0, per_fov(start)?)?,
            Request::StartPerRegion(name, start) => self.start(&name.0, per_region(start)?)?,
            Request::StartRegistered(name, start) => self.start(&name.0, registered(start)?)?,
            Request::Frame(name, frame) => {
                return self.each(&name.0, std::iter::once(frame), false, Self::notify);
            }
            Request::Frames(name, list) => {
                return self.each(&name.0, list.frames.0.into_iter(), true, Self::notify);
            }
            Request::Image(name, image) => {
                return self.each(&name.0, std::iter::once(image), false, Self::register);
            }
            Request::Images(name, list) => {
                return self.each(&name.0, list.images.0.into_iter(), true, Self::register);
            }
            Request::Array(name, array) => {
                return self.each(&name.0, std::iter::once(array), false, Self::register_array);
            }
            Request::Rescan(name, rescan) => {
                if self.turn_to(&name.0)? {
                    let fovs = rescan.fovs.as_ref().map(|fovs| fovs.0.as_slice());
                    self.handle.rescan(fovs)?;
                }
            }
            Request::End(name) => {
                if self.turn_to(&name.0)? {
                    self.handle.end_acquisition()?;
                }
            }
            Request::Warn(warn) => self.handle.warn(cut(warn.message))?,
            Request::Open(open) => {
                check_absolute(&open.path)?;
                self.handle.load_dataset(&open.path)?;
            }
            Request::Refresh => self.handle.refresh()?,
            Request::ShowWindow => self.handle.show_window()?,
            Request::LoadFov(go) | Request::SetIndex(go) => {
                self.handle.set_index(go.fov, go.t, go.z)?;
            }
            Request::SetCurrentIndex(to) => {
                return Ok(Done::Found(
                    self.handle.set_current_index(&to.dim.0, to.value),
                ));
            }
            Request::GoToWellFov(to) => {
                let found = self.handle.go_to_well_fov(&to.well_id.0, to.fov_index);
                return Ok(Done::Found(found));
            }
            Request::Written(at) => {
                let region = at.region.as_ref().map(|region| region.0.as_ref());
                self.handle
                    .notify_written(at.t, at.fov, at.z, &at.channel.0, region)
                    .map_err(not_open)?;
            }
            Request::Status => return Ok(self.status(id)),
            Request::FovList => return Ok(self.fov_list(id)),
            Request::Subscribe => return Ok(self.subscribe(id)),
            Request::WaitShown(wait) => return self.wait_shown(id, wait),
        }
        Ok(Done::Plain)
    }

    fn start(&mut self, name: &str, announcement: Announcement) -> Result<(), Refusal> {
        let names = &self.facts.names;
        let started = names.start(name, &self.handle, announcement)?;
        self.go_on_with(name, started);
        Ok(())
    }

    fn go_on_with(&mut self, name: &str, started: Started) {
        self.current = Some((name.to_owned(), started.id));
        self.handle.adopt(started);
    }

    /// Goes on with the acquisition of that name; false where the viewer is done with it.
    fn turn_to(&mut self, name: &str) -> Result<bool, Refusal> {
        let is_current = self
            .current
            .as_ref()
            .is_some_and(|(current, id)| current == name && self.handle.knows(*id));
        if is_current {
            return Ok(true);
        }
        match self.facts.names.get(name) {
            Some(Named::Started(started)) => {
                self.go_on_with(name, started);
                Ok(true)
            }
            Some(Named::Retired) => Ok(false),
            None => Err(Refusal::new(
                Code::NotStarted,
                format!("no acquisition {name:?} was started"),
            )),
        }
    }

    /// Takes each good entry; the first bad one is what the client is told of.
    fn each<T>(
        &mut self,
        name: &str,
        entries: impl ExactSizeIterator<Item = T>,
        is_list: bool,
        take: impl Fn(&PushHandle, &T) -> Result<(), Refusal>,
    ) -> Result<Done, Refusal> {
        let (mut num_taken, mut first_refusal) = (0, None);
        if self.turn_to(name)? {
            for entry in entries {
                match take(&self.handle, &entry) {
                    Ok(()) => num_taken += 1,
                    Err(refusal) => {
                        first_refusal.get_or_insert(refusal);
                    }
                }
            }
        } else {
            num_taken = entries.len();
            self.handle.count_late(num_taken as u64);
        }
        match first_refusal {
            Some(mut refusal) => {
                refusal.num_taken = is_list.then_some(num_taken);
                Err(refusal)
            }
            None if is_list => Ok(Done::Taken(num_taken)),
            None => Ok(Done::Plain),
        }
    }

    fn notify(handle: &PushHandle, at: &Frame<'_>) -> Result<(), Refusal> {
        let region_idx = at.region_idx.unwrap_or(0);
        let taken = handle.notify_zarr_frame(at.t, at.fov_idx, at.z, &at.channel.0, region_idx);
        taken.map_err(Refusal::from)
    }

    fn register(handle: &PushHandle, at: &Image<'_>) -> Result<(), Refusal> {
        let path = Path::new(at.path.0.as_ref());
        if !path.as_os_str().is_empty() {
            check_absolute(path)?;
        }
        let page_idx = at.page_idx.unwrap_or(0);
        let taken = handle.register_image(at.t, at.fov_idx, at.z, &at.channel.0, path, page_idx);
        taken.map_err(Refusal::from)
    }

    fn register_array(handle: &PushHandle, at: &ArrayNotice<'_>) -> Result<(), Refusal> {
        let pixels = samples::pixels(&at.dtype.0, at.shape, &at.data.0)
            .map_err(|error| Refusal::new(Code::Invalid, error.to_string()))?;
        let taken = handle.register_array(at.t, at.fov_idx, at.z, &at.channel.0, pixels);
        taken.map_err(Refusal::from)
    }

    fn status(&self, id: Option<&Id>) -> Done {
        let status = self.handle.status();
        Done::Line(id.map(|id| answers::ok(id, self.facts.status(&status, &self.handle))))
    }

    fn fov_list(&self, id: Option<&Id>) -> Done {
        #[derive(serde::Serialize)]
        struct Answer<'a> {
            fovs: Vec<answers::FovAnswer<'a>>,
        }
        let status = self.handle.status();
        let dataset = status.dataset.as_deref();
        let fovs = dataset.map(answers::fov_list).unwrap_or_default();
        Done::Line(id.map(|id| answers::ok(id, Answer { fovs })))
    }

    fn subscribe(&self, id: Option<&Id>) -> Done {
        let status = self.handle.status();
        let reply = id.map(|id| answers::ok(id, self.facts.status(&status, &self.handle)));
        self.outbox.subscribe(status, reply);
        Done::Later
    }

    fn wait_shown(&self, id: Option<&Id>, wait: WaitShown<'_>) -> Result<Done, Refusal> {
        let Some(id) = id else {
            let message = "wait_shown needs an \"id\", its answer is all that it does";
            return Err(Refusal::new(Code::BadMessage, message));
        };
        if !(0.0..=MAX_WAIT_SECS).contains(&wait.timeout_s) {
            let found = wait.timeout_s;
            let message = format!("timeout_s is {found}, expected 0 to {MAX_WAIT_SECS}");
            return Err(Refusal::new(Code::Invalid, message));
        }
        for (what, wish) in [("t", wait.t), ("fov", wait.fov), ("z", wait.z)] {
            if let Some(found) = wish.filter(|wish| *wish < 0) {
                let last = i64::from(u32::MAX);
                return Err(PushError::from(NoticeError::OutOfRange { what, found, last }).into());
            }
        }
        let deadline = Instant::now() + Duration::from_secs_f64(wait.timeout_s);
        let fence = self.handle.fence().ok_or(PushError::NotTaken)?;
        self.outbox.wait(Wait {
            id: id.clone(),
            wish: Wish {
                t: wait.t,
                fov: wait.fov,
                z: wait.z,
                channel: wait.channel.map(|name| name.0.into_owned()),
            },
            fence,
            deadline,
        })?;
        Ok(Done::Later)
    }
}

fn sizes(channels: Vec<String>, num_z: i64, height: i64, width: i64) -> AnnouncedSizes {
    AnnouncedSizes {
        channels,
        num_z,
        height,
        width,
    }
}

/// The window has another working folder than who asks. An address has none.
fn check_absolute(path: &Path) -> Result<(), Refusal> {
    let is_address = path.to_str().is_some_and(|text| text.contains("://"));
    if path.is_absolute() || is_address {
        return Ok(());
    }
    let message = format!(
        "expected an absolute path, found {:?}",
        path.display().to_string()
    );
    Err(Refusal::new(Code::Invalid, message))
}

/// Empty ones are refused as such.
fn check_all_absolute(paths: &[PathBuf]) -> Result<(), Refusal> {
    let mut named = paths.iter().filter(|path| !path.as_os_str().is_empty());
    named.try_for_each(|path| check_absolute(path))
}

fn per_fov(start: StartPerFov) -> Result<Announcement, Refusal> {
    check_all_absolute(&start.fov_paths.0)?;
    let sizes = sizes(start.channels.0, start.num_z, start.height, start.width);
    let announced = Announcement::per_fov(start.fov_paths.0, sizes, start.fov_labels.0);
    Ok(announced.map_err(PushError::from)?)
}

fn per_region(start: StartPerRegion) -> Result<Announcement, Refusal> {
    check_all_absolute(&start.region_paths.0)?;
    let sizes = sizes(start.channels.0, start.num_z, start.height, start.width);
    let announced = Announcement::per_region(
        start.region_paths.0,
        sizes,
        &start.fovs_per_region.0,
        start.region_labels.map(|labels| labels.0),
    );
    let labelled = announced.and_then(|announced| match start.fov_labels {
        Some(labels) => announced.with_labels(labels.0),
        None => Ok(announced),
    });
    Ok(labelled.map_err(PushError::from)?)
}

fn registered(start: StartRegistered) -> Result<Announcement, PushError> {
    let sizes = sizes(start.channels.0, start.num_z, start.height, start.width);
    let mut announced = Announcement::registered(sizes, start.fov_labels.0)?;
    let is_length = |length: &f64| Step::Length.can_be(*length);
    let mut length = |what: &str, found: Option<f64>| {
        if let Some(found) = found.filter(|found| !is_length(found)) {
            let warnings = &mut announced.warnings;
            let (found, expected) = (readable(found), Step::Length.expected());
            warnings.push(format!(
                "{what} {found} was announced, expected {expected}; it is ignored"
            ));
        }
        found.filter(is_length)
    };
    let pixel_size_um = length("pixel size", start.pixel_size_um);
    let z_step_um = length("z-step", start.dz_um);
    (announced.pixel_size_um, announced.z_step_um) = (pixel_size_um, z_step_um);
    Ok(announced)
}

/// What a client sends to be listed is cut where it is long.
fn cut(mut message: String) -> String {
    if message.len() > MAX_WARNING_BYTES {
        let end = (0..=MAX_WARNING_BYTES).rev();
        let end = end.into_iter().find(|&at| message.is_char_boundary(at));
        message.truncate(end.unwrap_or(0));
        message.push('…');
    }
    message
}

/// Nothing is open is not the same as nothing was started.
fn not_open(error: PushError) -> Refusal {
    match error {
        PushError::Notice(NoticeError::NotStarted) => {
            Refusal::new(Code::NotOpen, "no dataset is open")
        }
        other => other.into(),
    }
}
