//! What clients are answered, as lines of JSON (`docs/live-protocol.md`).

use std::{sync::Arc, time::Instant};

use parking_lot::Mutex;
use serde::Serialize;

use super::{
    PushError, PushHandle, Status,
    names::Names,
    protocol::{Code, Id, Misunderstood},
};
use crate::{
    dataset::{Dataset, Fov, NoticeError},
    model::{FovId, NavAxis, PlaneState, Shown},
};

/// What was asked for did not happen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) code: Code,
    pub(super) message: String,
    /// Entries of a list that were taken all the same.
    pub(super) num_taken: Option<usize>,
}

impl Refusal {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            num_taken: None,
        }
    }

    /// It as a line; `None`: it answers no message, or one without an id.
    pub(super) fn line(&self, id: Option<&Id>) -> String {
        #[derive(Serialize)]
        struct Error<'a> {
            code: &'static str,
            message: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            taken: Option<usize>,
        }
        #[derive(Serialize)]
        struct Answer<'a> {
            id: Option<&'a Id>,
            error: Error<'a>,
        }
        line(&Answer {
            id,
            error: Error {
                code: self.code.as_str(),
                message: &self.message,
                taken: self.num_taken,
            },
        })
    }
}

impl From<&Misunderstood> for Refusal {
    fn from(misunderstood: &Misunderstood) -> Self {
        Self::new(Code::BadMessage, misunderstood.message.clone())
    }
}

impl From<PushError> for Refusal {
    fn from(error: PushError) -> Self {
        let code = match &error {
            PushError::Start(_) => Code::Invalid,
            PushError::NotTaken => Code::NotTaken,
            PushError::Notice(notice) => match notice {
                NoticeError::OutOfRange { .. } => Code::OutOfRange,
                NoticeError::UnknownChannel { .. } => Code::UnknownChannel,
                NoticeError::NotStarted => Code::NotStarted,
                NoticeError::EmptyPath
                | NoticeError::UnknownRegion { .. }
                | NoticeError::IsRegistered
                | NoticeError::IsStored
                | NoticeError::Pixels { .. } => Code::Invalid,
            },
        };
        Self::new(code, error.to_string())
    }
}

/// A reply.
pub(super) fn ok(id: &Id, answer: impl Serialize) -> String {
    #[derive(Serialize)]
    struct Answer<'a, T> {
        id: &'a Id,
        ok: T,
    }
    line(&Answer { id, ok: answer })
}

/// The greeting.
pub(super) fn hello() -> String {
    let greeting = serde_json::json!({"hello": {
        "protocol": super::protocol::PROTOCOL,
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
    }});
    format!("{greeting}\n")
}

/// A status for who subscribed to them.
pub(super) fn event(status: &StatusAnswer) -> String {
    #[derive(Serialize)]
    struct Event<'a> {
        event: &'static str,
        status: &'a StatusAnswer,
    }
    line(&Event {
        event: "status",
        status,
    })
}

fn line(answer: &impl Serialize) -> String {
    let mut text = serde_json::to_string(answer).expect("structs of texts and numbers are JSON");
    text.push('\n');
    text
}

/// What every connection of a window shares to answer from.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) names: Names,
    lists: Mutex<FovLists>,
}

/// Counts the lists of FOVs that there have been.
#[derive(Default)]
struct FovLists {
    last: Option<FovTables>,
    revision: u64,
}

/// The FOVs of a dataset and their order; held, so that no other list comes to lie at the same place.
struct FovTables {
    fovs: Arc<[Fov]>,
    order: Arc<[FovId]>,
}

/// A status as it is sent.
#[derive(Serialize)]
pub(super) struct StatusAnswer {
    dataset: Option<DatasetAnswer>,
    acquisition: Option<String>,
    push_active: bool,
    zarr_push_active: bool,
    has_fov_dimension: bool,
    fov_list_revision: u64,
    counts: CountsAnswer,
    shown: Option<ShownAnswer>,
    late_notices: u64,
}

#[derive(Serialize)]
struct DatasetAnswer {
    path: String,
    name: String,
    num_fovs: u32,
    num_t: u32,
    num_z: u32,
    channels: Vec<String>,
    revision: u64,
}

#[derive(Serialize)]
struct CountsAnswer {
    planned: Option<u64>,
    written: u64,
    partial: u64,
    missing: u64,
    failed: u64,
}

/// What is on the screen.
#[derive(Serialize)]
pub(super) struct ShownAnswer {
    t: u32,
    fov: u32,
    z: u32,
    max_projection: bool,
    pub(super) age_s: f64,
    channels: Vec<ChannelAnswer>,
}

#[derive(Serialize)]
struct ChannelAnswer {
    c: u16,
    channel: String,
    state: &'static str,
    revision: u64,
    latest: bool,
    pixels: bool,
}

/// A FOV of `get_fov_list`.
#[derive(Serialize)]
pub(super) struct FovAnswer<'a> {
    region: &'a str,
    fov: u32,
    label: &'a str,
}

impl Facts {
    pub(super) fn status(&self, status: &Status, handle: &PushHandle) -> StatusAnswer {
        let dataset = status.dataset.as_deref();
        let counts = status.counts;
        StatusAnswer {
            dataset: dataset.map(DatasetAnswer::of),
            acquisition: status.acquisition.and_then(|id| self.names.name_of(id)),
            push_active: status.is_push_active,
            zarr_push_active: status.is_zarr_push_active,
            has_fov_dimension: dataset.is_some_and(|dataset| dataset.num_fovs() > 1),
            fov_list_revision: self.fov_list_revision(dataset),
            counts: CountsAnswer {
                planned: counts.planned,
                written: counts.written,
                partial: counts.partial,
                missing: counts.missing,
                failed: counts.failed,
            },
            shown: status.shown.as_deref().map(ShownAnswer::of),
            late_notices: handle.num_late(),
        }
    }

    /// Revisions of a dataset share the tables that they do not change.
    fn fov_list_revision(&self, dataset: Option<&Dataset>) -> u64 {
        let mut lists = self.lists.lock();
        let is_same = match (dataset, &lists.last) {
            (None, None) => true,
            (Some(dataset), Some(last)) => {
                Arc::ptr_eq(&dataset.fovs, &last.fovs) && Arc::ptr_eq(&dataset.order, &last.order)
            }
            _ => false,
        };
        if !is_same {
            lists.revision += 1;
            lists.last = dataset.map(|dataset| FovTables {
                fovs: Arc::clone(&dataset.fovs),
                order: Arc::clone(&dataset.order),
            });
        }
        lists.revision
    }
}

impl DatasetAnswer {
    fn of(dataset: &Dataset) -> Self {
        let channels = dataset.template.channels.iter().enumerate();
        Self {
            path: dataset.root.to_string_lossy().into_owned(),
            name: dataset.name.clone(),
            num_fovs: dataset.num_fovs(),
            num_t: dataset.len_along(NavAxis::Time),
            num_z: dataset.len_along(NavAxis::Z),
            channels: channels
                .map(|(at, channel)| channel.display_name(at))
                .collect(),
            revision: dataset.revision,
        }
    }
}

impl ShownAnswer {
    /// Ages count up to now, so it is to be sent at once.
    pub(super) fn of(shown: &Shown) -> Self {
        let age = Instant::now().saturating_duration_since(shown.presented);
        let channels = shown.planes.iter().map(|plane| ChannelAnswer {
            c: plane.c,
            channel: plane.channel.clone(),
            state: state_name(&plane.state),
            revision: plane.revision,
            latest: plane.is_latest,
            pixels: plane.has_pixels,
        });
        Self {
            t: shown.t,
            fov: shown.flat,
            z: shown.z,
            max_projection: shown.is_max,
            age_s: age.as_secs_f64(),
            channels: channels.collect(),
        }
    }
}

/// The FOVs of a dataset by flat number, as [`PushHandle::get_fov_list`] names them.
pub(super) fn fov_list(dataset: &Dataset) -> Vec<FovAnswer<'_>> {
    let rows = dataset.order.iter().filter_map(|&id| dataset.fov(id));
    let answers = rows.enumerate().map(|(flat, row)| FovAnswer {
        region: row.region.as_deref().unwrap_or(&row.label),
        fov: row.fov_in_region.unwrap_or(flat as u32),
        label: &row.label,
    });
    answers.collect()
}

fn state_name(state: &PlaneState) -> &'static str {
    match state {
        PlaneState::Unknown => "unknown",
        PlaneState::Planned => "planned",
        PlaneState::Written => "written",
        PlaneState::Partial { .. } => "partial",
        PlaneState::Missing => "missing",
        PlaneState::Failed(_) => "failed",
    }
}
