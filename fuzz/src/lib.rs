//! One function per parser of foreign bytes: what the fuzz targets call, and what `tests/it/fuzzed.rs` replays.
//!
//! A function takes any bytes, and panics where the library does or where it returns what no file may bring about.
//! Parsers of text take what is not UTF-8 as files are read: replaced. Files lie in a temporary folder, on `/dev/shm` when
//! `scripts/fuzz` runs.

mod files;
mod stores;

use std::borrow::Cow;

use squidview::{
    formats,
    live::{self, LiveEvent},
    metadata::{
        acquisition_channels, acquisition_parameters, acquisition_yaml, configurations_xml,
        coordinates, ngff,
        ome_xml::{self, PlaneTable},
        run_state,
    },
    model::{limits, parse_json},
};

/// A function that takes any bytes.
pub type Target = fn(&[u8]);

/// Every target by its name; `fuzz_targets/NAME.rs` calls it, `tests/data/fuzz/NAME/` has its regressions.
pub const TARGETS: &[(&str, Target)] = &[
    ("chunk", stores::chunk),
    ("configurations_xml", configurations),
    ("coordinates", positions),
    ("ngff", ngff_group),
    ("ome_xml", ome),
    ("picture", files::picture),
    ("protocol", protocol),
    ("squid_json", squid_json),
    ("squid_yaml", squid_yaml),
    ("tiff", files::tiff),
    ("zarr_array", stores::array),
];

/// Calls the target of that name.
///
/// # Panics
/// When there is none, and where the target finds something.
pub fn run(name: &str, bytes: &[u8]) {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, target) = found.unwrap_or_else(|| panic!("no target is called {name}"));
    target(bytes);
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// The attributes of a group, as `zarr.json` and as `.zattrs`.
fn ngff_group(bytes: &[u8]) {
    let Ok(document) = parse_json(&text(bytes)) else {
        return;
    };
    for found in [
        ngff::parse(Some(&document), None),
        ngff::parse(None, Some(&document)),
        ngff::parse(Some(&document), Some(&document)),
    ] {
        let levels = found.multiscale.map_or(0, |found| found.levels.len());
        assert!(levels <= limits::LEVELS, "{levels} levels");
        let channels = found.channels.len();
        assert!(channels <= limits::CHANNELS, "{channels} channels");
        assert!(found.labels.len() <= limits::LABELS);
    }
}

/// `acquisition.yaml` and `acquisition_channels.yaml`.
fn squid_yaml(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(found) = acquisition_yaml::parse(&text) {
        let lengths = [found.pixel_size_um, found.z_step_um, found.time_step_s];
        assert_positive(&lengths);
    }
    if let Ok(channels) = acquisition_channels::parse(&text) {
        assert!(channels.len() <= limits::CHANNELS);
    }
}

/// `acquisition parameters.json` and `run.json`.
fn squid_json(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(found) = acquisition_parameters::parse(&text) {
        assert_positive(&[found.pixel_size_um, found.z_step_um, found.time_step_s]);
    }
    if let Ok(run) = run_state::parse(&text) {
        assert!(run.is_same_run(&run) && !run.name().is_empty(), "{run:?}");
    }
}

fn configurations(bytes: &[u8]) {
    if let Ok(channels) = configurations_xml::parse(&text(bytes)) {
        assert!(channels.len() <= limits::CHANNELS);
    }
}

/// OME-XML, and where its planes lie.
fn ome(bytes: &[u8]) {
    let Ok(document) = ome_xml::parse(&text(bytes)) else {
        return;
    };
    for image in &document.images {
        for num_channels in [1, image.size_c.max(1)] {
            let table = PlaneTable::of(image, num_channels, document.uuid.as_deref(), 0);
            let last =
                [image.size_z, num_channels, image.size_t].map(|size| size.saturating_sub(1));
            for [z, c, t] in [[0; 3], last, [u32::MAX; 3]] {
                let found = table.find(z, c, t);
                let file_idx = found.and_then(|place| place.file_idx);
                assert!(file_idx.is_none_or(|idx| (idx as usize) < table.files.len()));
            }
            assert!(table.samples().count() <= 8);
        }
    }
}

fn positions(bytes: &[u8]) {
    let (rows, problems) = coordinates::parse(&text(bytes));
    assert!(rows.len() <= limits::TABLE_ROWS && problems.len() <= limits::PROBLEMS);
    for row in rows {
        let lengths = [Some(row.x_um), Some(row.y_um), row.z_um];
        let mut lengths = lengths.into_iter().flatten();
        assert!(lengths.all(f64::is_finite), "{row:?}");
    }
}

/// Lines of a client, carried out; and what a window makes of its starts.
fn protocol(bytes: &[u8]) {
    let rehearsed = live::rehearse(bytes).expect("a thread can be had, and it ends");
    for answer in &rehearsed.answers {
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(answer);
        assert!(parsed.is_ok_and(|found| found.is_object()), "{answer:?}");
        assert!(answer.ends_with('\n') && answer.matches('\n').count() == 1);
    }
    for event in rehearsed.events {
        if let LiveEvent::Started(start) = event {
            let dataset = formats::announced(&start.announcement, &start.registered);
            assert_eq!(dataset.num_fovs(), start.announcement.num_fovs());
            assert!(dataset.num_channels() as usize <= limits::CHANNELS);
        }
    }
}

fn assert_positive(lengths: &[Option<f64>]) {
    let mut known = lengths.iter().flatten();
    assert!(
        known.all(|length| length.is_finite() && *length > 0.0),
        "{lengths:?}"
    );
}
