//! What a person does in the window, and what they then see: the real app, driven by label.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use egui::{Event, Key, Modifiers};
use egui_kittest::{SnapshotOptions, kittest::Queryable as _};
use squidview::{
    app::Options,
    model::{CanvasSize, NavAxis, Theme},
    render,
    settings::Settings,
    simulate::{ChunkMode, Plan, Structure, simulate},
};

use crate::{
    desk::{Desk, Setup},
    planes::{data_folder, open_whole},
};

/// A plate with cells: 2 wells of 2 FOVs, 2 timepoints, 3 z-slices, 2 channels of 96 x 64 pixels.
pub(crate) fn plate(folder: &Path) -> PathBuf {
    let plan = Plan {
        structure: Structure::Hcs,
        regions: vec![("A1".into(), 2), ("B2".into(), 2)],
        num_timepoints: 2,
        num_z: 3,
        channels: vec!["DAPI".into(), "Fluorescence 488 nm Ex".into()],
        width: 96,
        height: 64,
        ..Plan::default()
    };
    let path = folder.join("plate run");
    simulate(&plan, &path, &mut |_| true, Duration::ZERO).unwrap();
    path
}

/// A window on the plate.
fn on_plate(setup: Setup) -> Option<(Desk, tempfile::TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::with(&plate(folder.path()), setup)?;
    Some((desk, folder))
}

#[test]
fn the_start_page_offers_a_dialog_a_path_and_the_demo() {
    let Some(mut desk) = Desk::new(Setup::default()) else {
        return;
    };
    desk.harness.run_steps(3);
    for label in ["Open folder…", "Try the demo", "Path", "Open"] {
        assert!(desk.has(label), "{label}");
    }
    assert!(desk.says("Drop an acquisition folder here"));
}

#[test]
fn a_typed_path_opens() {
    let folder = tempfile::tempdir().unwrap();
    let path = plate(folder.path());
    let Some(mut desk) = Desk::new(Setup::default()) else {
        return;
    };
    desk.harness.run_steps(3);
    desk.click("Path");
    desk.harness
        .event(Event::Text(path.to_str().unwrap().into()));
    desk.harness.run_steps(2);
    desk.click("Open");
    desk.settle();
    assert!(desk.has("Canvas"));
    assert!(desk.says("plate run"));
}

#[test]
fn a_dropped_folder_opens_and_a_broken_one_says_why_and_leaves_the_picture() {
    let Some((mut desk, folder)) = on_plate(Setup::default()) else {
        return;
    };
    let broken = folder.path().join("broken.zarr");
    fs::create_dir(&broken).unwrap();
    fs::write(broken.join("zarr.json"), "{ no json").unwrap();
    drop_on(&mut desk, &broken);
    desk.until("the refusal is told", squidview::app::App::is_settled);
    desk.harness.run_steps(2);
    assert!(desk.says("broken.zarr"), "the error names the path");
    assert!(desk.has("Copy details"));
    assert!(desk.has("Canvas"), "what was open stays");
    desk.click("Dismiss");
    assert!(!desk.says("broken.zarr"));

    drop_on(&mut desk, &data_folder().join("single.ome.zarr"));
    desk.until("opening has begun", |app| !app.is_settled());
    desk.settle();
    assert!(desk.says("single.ome.zarr"));
}

/// A folder that was dropped on the window.
#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("a folder has no bytes".into())
    }
}

fn drop_on(desk: &mut Desk, path: &Path) {
    let file = std::sync::Arc::new(Dropped(path.to_owned()));
    desk.harness.input_mut().dropped_files.push(file);
    desk.harness.step();
}

#[test]
fn sliders_buttons_fields_and_keys_move_along_the_axes() {
    let Some((mut desk, _folder)) = on_plate(Setup::default()) else {
        return;
    };
    let position = |desk: &Desk| desk.session().position;
    assert_eq!((position(&desk).t, position(&desk).z), (0, 1));
    desk.click("Next T (Right)");
    assert_eq!(position(&desk).t, 1);
    desk.press(Modifiers::NONE, Key::ArrowLeft);
    assert_eq!(position(&desk).t, 0);
    desk.press(Modifiers::NONE, Key::ArrowUp);
    assert_eq!(position(&desk).z, 2);
    desk.press(Modifiers::NONE, Key::Home);
    assert_eq!(position(&desk).z, 0);
    desk.press(Modifiers::NONE, Key::PageDown);
    desk.settle();
    assert!(desk.says("A1:1"));

    // The right half of the slider is the second of two steps.
    let slider = desk.harness.get_by_label("T slider").rect();
    let at = slider.left_center() + egui::vec2(slider.width() * 0.8, 0.0);
    desk.harness.drag_at(at);
    desk.harness.run_steps(2);
    desk.harness.drop_at(at);
    desk.harness.run_steps(2);
    assert_eq!(position(&desk).t, 1);

    // A click on the canvas gives the keys back to the axes.
    desk.click("Canvas");
    desk.press(Modifiers::NONE, Key::G);
    desk.harness.event(Event::Text("B2:1 t0 z2".into()));
    desk.harness.run_steps(2);
    desk.press(Modifiers::NONE, Key::Enter);
    desk.settle();
    assert!(desk.says("B2:1"));
    assert_eq!((position(&desk).t, position(&desk).z), (0, 2));
}

#[test]
fn what_is_at_hand_is_on_the_screen_in_the_frame_of_the_key() {
    let Some((mut desk, _folder)) = on_plate(Setup::default()) else {
        return;
    };
    let shown = |desk: &Desk| desk.status().shown.as_ref().map(|shown| shown.z);
    for key in [Key::ArrowUp, Key::ArrowUp, Key::ArrowDown, Key::ArrowDown] {
        desk.press(Modifiers::NONE, key);
        desk.settle();
    }
    assert_eq!(shown(&desk), Some(0));
    // One frame with the key and no further one; in a row as well.
    for z in [1, 2, 1, 0, 1] {
        let key = if shown(&desk) < Some(z) {
            Key::ArrowUp
        } else {
            Key::ArrowDown
        };
        desk.harness.key_press(key);
        desk.harness.step();
        assert_eq!(shown(&desk), Some(z));
        desk.harness.step();
    }
}

#[test]
fn playing_goes_round_and_stops() {
    let Some((mut desk, _folder)) = on_plate(Setup::default()) else {
        return;
    };
    desk.click("Play Z (Space)");
    assert_eq!(desk.session().playback.axis, Some(NavAxis::Z));
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let before = desk.session().position.z;
        desk.until("the next slice plays", |app| {
            app.session()
                .is_some_and(|session| session.position.z != before)
        });
        seen.insert(desk.session().position.z);
        // Also where everything is cached and no reader has news, the next frame comes by itself.
        let views = &desk.harness.output().viewport_output;
        let delay = views.values().map(|view| view.repaint_delay).min();
        assert!(delay < Some(Duration::from_secs(1)), "{delay:?}");
    }
    assert_eq!(seen.len(), 3, "all slices are played");
    desk.click("Pause Z (Space)");
    assert_eq!(desk.session().playback.axis, None);
    desk.press(Modifiers::NONE, Key::Space);
    assert_eq!(desk.session().playback.axis, Some(NavAxis::Z));
    desk.press(Modifiers::NONE, Key::Space);
    assert_eq!(desk.session().playback.axis, None);
}

#[test]
fn space_and_drag_pans_and_does_not_play() {
    let Some((mut desk, _folder)) = on_plate(Setup::default()) else {
        return;
    };
    let before = desk.session().camera;
    let middle = desk.harness.get_by_label("Canvas").rect().center();
    desk.harness.key_down(Key::Space);
    desk.harness.drag_at(middle);
    desk.harness.run_steps(2);
    for step in [10.0, 20.0, 30.0] {
        desk.harness.hover_at(middle + egui::vec2(step, 0.0));
        desk.harness.run_steps(1);
    }
    desk.harness.drop_at(middle + egui::vec2(30.0, 0.0));
    desk.harness.run_steps(1);
    desk.harness.key_up(Key::Space);
    desk.harness.run_steps(2);
    assert_ne!(desk.session().camera, before);
    assert_eq!(desk.session().playback.axis, None);
}

#[test]
fn channels_are_toggled_soloed_and_their_limits_typed() {
    let Some((mut desk, _folder)) = on_plate(Setup::default()) else {
        return;
    };
    desk.click("Show Fluorescence 488 nm Ex");
    assert!(!desk.session().channels[1].visible);
    desk.press(Modifiers::ALT, Key::Num2);
    assert!(desk.session().channels[1].visible);
    desk.press(Modifiers::NONE, Key::C);
    desk.press(Modifiers::NONE, Key::CloseBracket);
    assert_eq!(desk.session().drawn_channels(), [1]);
    desk.press(Modifiers::NONE, Key::C);
    assert_eq!(desk.session().drawn_channels(), [0, 1]);

    desk.click("Lower limit Fluorescence 488 nm Ex");
    desk.press(Modifiers::COMMAND, Key::A);
    desk.harness.event(Event::Text("77".into()));
    desk.harness.run_steps(2);
    desk.press(Modifiers::NONE, Key::Enter);
    let low = |desk: &Desk| desk.session().limits_of(1).unwrap().low;
    assert_eq!(low(&desk), 77.0);
    desk.click("Reset Fluorescence 488 nm Ex");
    assert_ne!(low(&desk), 77.0);
    let high = desk.session().limits_of(1).unwrap().high;
    desk.click("Min–max Fluorescence 488 nm Ex");
    assert!(desk.session().limits_of(1).unwrap().high > high);
}

#[test]
fn a_limit_is_dragged_on_the_histogram_and_a_double_click_takes_it_back() {
    let Some((mut desk, _folder)) = on_plate(Setup::default()) else {
        return;
    };
    let before = desk.session().limits_of(0).unwrap();
    let plot = desk.harness.get_by_label("Histogram").rect();
    let (from, to) = (plot.left_center() + egui::vec2(8.0, 0.0), plot.center());
    desk.harness.drag_at(from);
    desk.harness.run_steps(2);
    for part in [0.3, 0.6, 1.0] {
        desk.harness.hover_at(from + (to - from) * part);
        desk.harness.run_steps(1);
    }
    desk.harness.drop_at(to);
    desk.harness.run_steps(2);
    let dragged = desk.session().limits_of(0).unwrap();
    assert!(
        dragged.low > before.low && dragged.high == before.high,
        "{dragged:?}"
    );
    for _ in 0..2 {
        desk.harness.get_by_label("Histogram").click();
    }
    desk.harness.run_steps(3);
    assert_eq!(desk.session().limits_of(0).unwrap(), before);
}

/// Compares the canvas with what `render` draws of the same view: within 1/255, but for 0.1 % of the pixels, the scale
/// bar, and what the pointer hovers over.
fn check_canvas(desk: &mut Desk, path: &Path) {
    let [left, top, width, height] = desk.canvas_px();
    let picture = desk.picture();
    let size = CanvasSize {
        width_px: width,
        height_px: height,
    };
    let dataset = squidview::formats::open(path, &mut |_| true).unwrap();
    let rendered = render::render(dataset, desk.session().clone(), size).unwrap();
    assert!(rendered.without.is_empty(), "{:?}", rendered.without);
    let is_covered = |x: u32, y: u32| y + 48 > height && (x < 220 || x + 420 > width);
    let mut num_off = 0;
    for (at, rgba) in rendered.rgba.chunks_exact(4).enumerate() {
        let (x, y) = (at as u32 % width, at as u32 / width);
        let shown = picture.get_pixel(left + x, top + y);
        let is_near = (0..3).all(|part| shown[part].abs_diff(rgba[part]) <= 1);
        num_off += u32::from(!is_near && !is_covered(x, y));
    }
    let total = width * height;
    assert!(
        num_off <= total / 1000,
        "{num_off} of {total} pixels differ"
    );
    let first = &rendered.rgba[..4];
    assert!(
        rendered.rgba.chunks_exact(4).any(|rgba| rgba != first),
        "there is a picture"
    );
}

#[test]
fn the_canvas_shows_what_render_draws() {
    let Some((mut desk, folder)) = on_plate(Setup::default()) else {
        return;
    };
    let path = folder.path().join("plate run");
    check_canvas(&mut desk, &path);
    for (modifiers, key) in [
        (Modifiers::NONE, Key::PageDown),
        (Modifiers::NONE, Key::ArrowRight),
        (Modifiers::NONE, Key::ArrowUp),
        (Modifiers::NONE, Key::Num1),
        (Modifiers::NONE, Key::Minus),
        (Modifiers::NONE, Key::X),
        (Modifiers::NONE, Key::C),
        (Modifiers::NONE, Key::M),
    ] {
        desk.press(modifiers, key);
        desk.settle();
        check_canvas(&mut desk, &path);
    }
}

#[test]
fn every_fov_of_every_layout_is_drawn_as_render_draws_it() {
    for name in [
        "hcs_fast",
        "6d",
        "per_fov_sharded",
        "zarr_v2_levels",
        "single_float.ome.zarr",
    ] {
        let path = data_folder().join(name);
        let Some(mut desk) = Desk::with(&path, Setup::default()) else {
            return;
        };
        for _ in 0..open_whole(&path).num_fovs() {
            desk.settle();
            check_canvas(&mut desk, &path);
            desk.press(Modifiers::NONE, Key::PageDown);
        }
    }
}

#[test]
fn a_cache_that_holds_nothing_or_little_only_costs_time() {
    // Nothing; one fitted plane and not two; one picture and not what is read ahead.
    for cache_bytes in [1, 13_000, 26_000] {
        let options = Options {
            cache_bytes: Some(cache_bytes),
            ..Options::default()
        };
        let setup = Setup {
            options,
            ..Setup::default()
        };
        let Some((mut desk, folder)) = on_plate(setup) else {
            return;
        };
        let path = folder.path().join("plate run");
        for key in [Key::ArrowUp, Key::ArrowDown, Key::ArrowDown, Key::PageDown] {
            desk.press(Modifiers::NONE, key);
            desk.settle();
            check_canvas(&mut desk, &path);
        }
    }
}

#[test]
fn max_projection_clip_marks_and_panels_have_keys() {
    let Some((mut desk, _folder)) = on_plate(Setup::default()) else {
        return;
    };
    desk.press(Modifiers::NONE, Key::M);
    desk.settle();
    assert!(desk.session().max_projection);
    let shown = desk.session().position;
    desk.press(Modifiers::NONE, Key::X);
    assert!(desk.session().mark_clipped);
    desk.press(Modifiers::NONE, Key::H);
    assert!(!desk.has("T slider") && !desk.says("Channels"));
    desk.press(Modifiers::NONE, Key::H);
    assert!(desk.has("T slider"));
    assert_eq!(desk.session().position, shown);
    desk.press(Modifiers::NONE, Key::F1);
    assert!(desk.says("Maximum over z"));
}

#[test]
fn zoom_keeps_the_point_under_the_pointer_and_fit_comes_back() {
    let Some((mut desk, folder)) = on_plate(Setup::default()) else {
        return;
    };
    let dataset = open_whole(&folder.path().join("plate run"));
    let [_, _, width_px, height_px] = desk.canvas_px();
    let canvas = CanvasSize {
        width_px,
        height_px,
    };
    let rect = desk.harness.get_by_label("Canvas").rect();
    let offset = rect.size() * 0.4;
    desk.harness.hover_at(rect.min + offset);
    desk.harness.run_steps(2);
    let under = |desk: &Desk| {
        let (x, y) = (f64::from(offset.x), f64::from(offset.y));
        desk.session().pixel_at(x, y, &dataset, canvas)
    };
    let (before, pixel) = (desk.session().camera, under(&desk));
    assert!(pixel.is_some());
    for _ in 0..3 {
        desk.press(Modifiers::NONE, Key::Plus);
    }
    assert_ne!(desk.session().camera, before);
    assert_eq!(under(&desk), pixel);
    desk.press(Modifiers::NONE, Key::F);
    assert_eq!(desk.session().camera, before);
}

#[test]
fn what_is_not_acquired_yet_is_hatched_and_says_so() {
    let Some(mut desk) = Desk::with(&data_folder().join("incomplete"), Setup::default()) else {
        return;
    };
    // The last plane of an unfinished run is not there.
    desk.press(Modifiers::NONE, Key::G);
    desk.harness.event(Event::Text("t99 z99".into()));
    desk.harness.run_steps(2);
    desk.press(Modifiers::NONE, Key::Enter);
    desk.settle();
    let session = desk.session();
    assert!(session.position.t > 0 && session.drawn_channels().len() > 1);
    let (a, b) = (desk.color_at(0.5, 0.2), desk.color_at(0.5, 0.8));
    assert_ne!(a.0[..3], [0, 0, 0], "never black for unknown");
    assert_ne!(b.0[..3], [0, 0, 0]);
}

#[test]
fn a_damaged_chunk_says_so_with_the_reason_and_the_rest_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = plate(folder.path());
    let chunk = path.join("plate.ome.zarr/A/1/1/0/c/0/0/1/0/0");
    let bytes = fs::read(&chunk).unwrap();
    fs::write(&chunk, &bytes[..bytes.len() / 2]).unwrap();
    let Some(mut desk) = Desk::with(&path, Setup::default()) else {
        return;
    };
    assert!(!desk.has("Copy details"));
    desk.press(Modifiers::NONE, Key::PageDown);
    desk.settle();
    assert!(desk.has("Copy details"));
    let name = desk.session().channels[0].name.clone();
    let name = squidview::model::short_channel_name(&name);
    assert!(desk.says(&format!("{name}: ")), "the channel is named");
    desk.press(Modifiers::NONE, Key::PageUp);
    desk.settle();
    assert!(!desk.has("Copy details"));
}

#[test]
fn one_damaged_chunk_of_a_huge_plane_leaves_the_rest_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan {
        structure: Structure::Single,
        channels: vec!["DAPI".into()],
        num_z: 1,
        width: 5000,
        height: 2600,
        chunks: ChunkMode::Tiled512,
        ..Plan::default()
    };
    let path = folder.path().join("huge.ome.zarr");
    simulate(&plan, &path, &mut |_| true, Duration::ZERO).unwrap();
    fs::write(path.join("0/c/0/0/0/0/0"), [1; 20]).unwrap();
    let Some(mut desk) = Desk::with(&path, Setup::default()) else {
        return;
    };
    assert!(desk.has("Copy details"));
    assert!(desk.session().limits_of(0).is_some());
    let mut colors: Vec<_> = (1..10)
        .map(|n| desk.color_at(0.1 * n as f32, 0.55))
        .collect();
    colors.dedup();
    assert!(colors.len() > 2, "the rest is drawn: {colors:?}");
}

#[test]
fn the_picture_stays_until_the_projection_or_the_next_reading_is_whole() {
    let Some((mut desk, _folder)) = on_plate(Setup::default()) else {
        return;
    };
    for key in [Key::M, Key::F5, Key::C, Key::CloseBracket] {
        desk.harness.key_press_modifiers(Modifiers::NONE, key);
        for _ in 0..20 {
            desk.harness.step();
            let (x, y) = (0.5, 0.5);
            let colors: Vec<_> = (0..8)
                .map(|n| desk.color_at(x, y + 0.05 * n as f32))
                .collect();
            let background = [0x0B, 0x0C, 0x0E];
            let is_blank = colors.iter().all(|color| color.0[..3] == background);
            assert!(!is_blank, "after {key:?}");
        }
        desk.settle();
    }
}

#[test]
fn a_click_on_a_slider_leaves_the_keys_to_the_axes() {
    let Some((mut desk, _folder)) = on_plate(Setup::default()) else {
        return;
    };
    let slider = desk.harness.get_by_label("T slider").rect();
    let at = slider.left_center() + egui::vec2(slider.width() * 0.8, 0.0);
    desk.harness.drag_at(at);
    desk.harness.run_steps(2);
    desk.harness.drop_at(at);
    desk.harness.run_steps(2);
    desk.press(Modifiers::NONE, Key::ArrowUp);
    assert_eq!(
        (desk.session().position.t, desk.session().position.z),
        (1, 2)
    );
}

#[test]
fn a_fov_that_cannot_be_opened_says_so_and_the_next_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = plate(folder.path());
    fs::write(path.join("plate.ome.zarr/A/1/1/0/zarr.json"), "{ broken").unwrap();
    let Some(mut desk) = Desk::with(&path, Setup::default()) else {
        return;
    };
    desk.press(Modifiers::NONE, Key::PageDown);
    desk.settle();
    assert!(desk.says("zarr.json"), "the reason names the file");
    assert!(desk.has("Copy details"));
    desk.press(Modifiers::NONE, Key::PageDown);
    desk.settle();
    assert!(!desk.has("Copy details"));
}

#[test]
fn reading_the_folder_again_keeps_view_and_place() {
    let Some((mut desk, folder)) = on_plate(Setup::default()) else {
        return;
    };
    desk.press(Modifiers::NONE, Key::PageDown);
    desk.press(Modifiers::NONE, Key::PageDown);
    desk.settle();
    desk.click("Show DAPI");
    assert!(desk.says("B2:0"));
    // A well that comes before the shown one in natural order.
    let wells = folder.path().join("plate run/plate.ome.zarr");
    copy(&wells.join("A/1"), &wells.join("A/2"));
    fs::remove_file(wells.join("zarr.json")).unwrap();
    desk.press(Modifiers::NONE, Key::F5);
    desk.until("the folder is read again", squidview::app::App::is_settled);
    desk.harness.run_steps(3);
    desk.settle();
    assert!(desk.says("B2:0"));
    assert!(!desk.session().channels[0].visible);
    assert!(desk.says("/ 5"), "six FOVs now");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn settings_come_back_when_a_dataset_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let (path, settings_path) = (plate(folder.path()), folder.path().join("settings.json"));
    let options = Options {
        settings_path: Some(settings_path.clone()),
        ..Options::default()
    };
    let setup = Setup {
        options,
        ..Setup::default()
    };
    let Some(mut desk) = Desk::with(&path, setup.clone()) else {
        return;
    };
    desk.click("Show DAPI");
    desk.press(Modifiers::COMMAND, Key::W);
    assert!(desk.says("Recent"));
    assert!(desk.has("plate run"), "it is on the recent list");
    drop(desk);
    let settings = Settings::load(&settings_path).unwrap();
    let Some(desk) = Desk::with(&path, Setup { settings, ..setup }) else {
        return;
    };
    assert!(!desk.session().channels[0].visible);
}

#[test]
fn names_in_any_script_are_readable() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan {
        regions: vec![("区域 µ1".into(), 2)],
        channels: vec!["核 カナ".into()],
        width: 48,
        height: 32,
        ..Plan::default()
    };
    let path = folder.path().join("実験 一");
    simulate(&plan, &path, &mut |_| true, Duration::ZERO).unwrap();
    // The harness fails on a character that no font has.
    let Some(desk) = Desk::with(&path, Setup::default()) else {
        return;
    };
    assert!(desk.says("区域"));
}

#[test]
fn forty_channels_in_a_small_window_can_be_reached() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan {
        structure: Structure::Single,
        channels: (0..40)
            .map(|c| format!("A very long channel name that goes on and on, number {c}"))
            .collect(),
        num_z: 1,
        width: 48,
        height: 32,
        ..Plan::default()
    };
    let path = folder.path().join("many.ome.zarr");
    simulate(&plan, &path, &mut |_| true, Duration::ZERO).unwrap();
    let setup = Setup {
        size_pt: [640.0, 480.0],
        ..Setup::default()
    };
    let Some(mut desk) = Desk::with(&path, setup) else {
        return;
    };
    assert!(
        !desk.says("Channels"),
        "a narrow window starts with closed panels"
    );
    desk.press(Modifiers::NONE, Key::F3);
    assert!(desk.says("Channels"));
    assert_eq!(desk.session().channels.len(), 40);
    desk.press(Modifiers::NONE, Key::OpenBracket);
    assert_eq!(desk.session().selected_channel, 39);
}

#[test]
fn the_light_theme_keeps_the_canvas_dark() {
    let settings = Settings {
        theme: Theme::Light,
        ..Settings::default()
    };
    let setup = Setup {
        settings,
        ..Setup::default()
    };
    let Some((mut desk, _folder)) = on_plate(setup) else {
        return;
    };
    let [left, top, ..] = desk.canvas_px();
    let picture = desk.picture();
    assert_eq!(
        picture.get_pixel(left + 2, top + 4).0[..3],
        [0x0B, 0x0C, 0x0E]
    );
}

/// Compares the window with a stored picture (`UPDATE_SNAPSHOTS=1` stores it anew): drivers and font rasterisers differ
/// a little, a panel that moved differs a lot.
fn check_snapshot(desk: &mut Desk, name: &str) {
    let picture = desk.picture();
    let allowed = (picture.width() * picture.height() / 100) as usize;
    let options = SnapshotOptions::new()
        .output_path("tests/data/snapshots")
        .max_failed_pixels(allowed);
    egui_kittest::image_snapshot_options(&picture, name, &options);
}

#[test]
fn the_window_looks_as_it_did() {
    let small = Setup {
        size_pt: [640.0, 480.0],
        ..Setup::default()
    };
    let Some(mut desk) = Desk::new(small.clone()) else {
        return;
    };
    desk.harness.run_steps(3);
    check_snapshot(&mut desk, "start");
    let Some((mut desk, _folder)) = on_plate(small) else {
        return;
    };
    check_snapshot(&mut desk, "plate_without_panels");
    desk.press(Modifiers::NONE, Key::F1);
    check_snapshot(&mut desk, "keys");
}
