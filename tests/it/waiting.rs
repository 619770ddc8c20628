//! "Why am I waiting": the panel that a key shows, over a disk that stops answering.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use squidview::{app::StageMeter, loader::ReadTiles, model::WorkStage};
use tracing_subscriber::{layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::{
    desk::{Desk, PATIENCE, Setup},
    torn_window::Disk,
    window::plate,
};

/// What `main` does once: counts the stages of this process, those of other tests among them.
pub(crate) fn stage_meter() -> StageMeter {
    static METER: OnceLock<StageMeter> = OnceLock::new();
    let install = || {
        let meter = StageMeter::default();
        tracing_subscriber::registry().with(meter.layer()).init();
        meter
    };
    METER.get_or_init(install).clone()
}

/// A window on a plate whose disk can go away.
fn on_a_disk(size_pt: [f32; 2]) -> Option<(Desk, Arc<Disk>, tempfile::TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    let path = plate(folder.path());
    let disk = Disk::of(&path);
    let tiles = Arc::clone(&disk) as Arc<dyn ReadTiles>;
    let mut setup = Setup {
        size_pt,
        ..Setup::default()
    };
    setup.options.stages = stage_meter();
    let mut desk = Desk::reading(&path, tiles, setup)?;
    desk.settle();
    Some((desk, disk, folder))
}

const TITLE: &str = "Why am I waiting";

#[test]
fn a_disk_that_does_not_answer_is_what_is_waited_for() {
    let Some((mut desk, disk, _folder)) = on_a_disk([1280.0, 800.0]) else {
        return;
    };
    assert!(!desk.has(TITLE));
    desk.press(Modifiers::NONE, Key::F9);
    assert!(desk.has(TITLE) && desk.says("Nothing is waited for"));
    disk.go_away();
    desk.press(Modifiers::NONE, Key::PageDown);
    let began = Instant::now();
    while !desk.says("s for the picture: the disk has not answered for") {
        desk.harness.step();
        assert!(began.elapsed() < PATIENCE, "it is said");
        std::thread::sleep(Duration::from_millis(5));
    }
    let meter = stage_meter();
    let reading = meter.figures()[WorkStage::Read as usize];
    assert!(reading.num_running > 0, "{reading:?}");
    assert!(reading.longest >= Some(Duration::from_secs(2)));
    assert!(
        desk.says(" for 2.") || desk.says(" for 3."),
        "beside the stage"
    );

    disk.come_back();
    desk.settle();
    assert!(desk.says("Nothing is waited for"));
    for stage in [WorkStage::List, WorkStage::Read, WorkStage::Decompress] {
        let figures = meter.figures()[stage as usize];
        assert!(figures.last.is_some(), "{figures:?}");
    }
    // Uploads and frames are those of drawing.
    desk.picture();
    desk.harness.step();
    for stage in [WorkStage::Upload, WorkStage::Draw] {
        let figures = meter.figures()[stage as usize];
        assert!(figures.last.is_some(), "{figures:?}");
    }
    desk.press(Modifiers::NONE, Key::F9);
    assert!(!desk.has(TITLE));
}

#[test]
fn the_panel_covers_nothing_in_a_small_window() {
    let Some((mut desk, _disk, _folder)) = on_a_disk([640.0, 480.0]) else {
        return;
    };
    desk.press(Modifiers::NONE, Key::F9);
    let rect = |label: &str| desk.harness.get_by_label(label).rect();
    let (title, canvas, slider) = (rect(TITLE), rect("Canvas"), rect("T slider"));
    assert!(canvas.height() > 100.0, "{canvas:?}");
    assert!(canvas.bottom() <= title.top() || slider.bottom() <= title.top());
    for label in ["list", "draw", "textures", "Close"] {
        let rect = rect(label);
        assert!(
            !rect.intersects(canvas) && !rect.intersects(slider),
            "{label}"
        );
        assert!(
            rect.right() <= 640.0 && rect.bottom() <= 480.0,
            "{label}: {rect:?}"
        );
    }
    desk.click("Close");
    assert!(!desk.has(TITLE));
}
