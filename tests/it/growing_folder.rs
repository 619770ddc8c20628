//! A folder of image files that is open in the window: files come, are being written, are replaced and deleted.

use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use eframe::App as _;
use image::{ImageBuffer, ImageFormat, Luma};
use squidview::model::{FovId, PlaneState};
use tiff::encoder::{TiffEncoder, colortype::Gray16};

use crate::{
    desk::{Desk, PATIENCE, Setup},
    uniform::values,
};

/// Columns and rows.
const SIZE: [u32; 2] = [64, 48];

/// A gray image of one value, as the name says.
fn picture(name: &str, [width, height]: [u32; 2], value: u16) -> Vec<u8> {
    let samples = vec![value; (width * height) as usize];
    let mut bytes = Cursor::new(Vec::new());
    if Path::new(name).extension() == Some("tif".as_ref()) {
        let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
        encoder
            .write_image::<Gray16>(width, height, &samples)
            .unwrap();
    } else {
        let image = ImageBuffer::<Luma<u16>, _>::from_vec(width, height, samples).unwrap();
        image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    }
    bytes.into_inner()
}

struct Growing {
    folder: tempfile::TempDir,
}

impl Growing {
    fn new(names: &[(&str, u16)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("images")).unwrap();
        let growing = Self { folder };
        for &(name, value) in names {
            growing.add(name, SIZE, value);
        }
        growing
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("images").join(name)
    }

    /// A file that appears, or takes the place of another, at once.
    fn add(&self, name: &str, size: [u32; 2], value: u16) {
        let aside = self.folder.path().join("aside");
        fs::write(&aside, picture(name, size, value)).unwrap();
        let there = self.path(name);
        fs::create_dir_all(there.parent().unwrap()).unwrap();
        fs::rename(aside, there).unwrap();
    }

    fn desk(&self) -> Option<Desk> {
        Desk::with(&self.path(""), Setup::default())
    }
}

fn rows(desk: &Desk) -> Vec<String> {
    let list = desk.harness.state().push_handle().get_fov_list();
    list.into_iter().map(|(label, _)| label).collect()
}

fn until_listed(desk: &mut Desk, labels: &[&str]) {
    desk.until("the file is listed", |app| {
        app.auto_save_interval();
        app.push_handle().get_fov_list().len() == labels.len()
    });
    assert_eq!(rows(desk), labels);
}

fn go_to(desk: &mut Desk, flat: i64) {
    let handle = desk.harness.state().push_handle();
    handle.load_fov(flat, Some(0), None).unwrap();
    desk.take_sent();
    desk.settle();
}

fn until_shown(desk: &mut Desk, value: u16) {
    desk.until("the file is shown", |app| {
        app.is_settled() && values(app) == [value]
    });
}

fn until_says(desk: &mut Desk, words: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !desk.says(words) {
        assert!(Instant::now() < deadline, "it says {words}");
        desk.frames(Duration::from_millis(5));
    }
}

fn has_failed(desk: &Desk) -> bool {
    let states = desk.harness.state().shown_states();
    states
        .iter()
        .any(|state| matches!(state, PlaneState::Failed(_)))
}

#[test]
fn new_files_get_rows_in_natural_order_and_the_view_stays() {
    let growing = Growing::new(&[("img2.png", 200), ("img10.png", 1000)]);
    let Some(mut desk) = growing.desk() else {
        return;
    };
    go_to(&mut desk, 1);
    assert_eq!(values(desk.harness.state()), [1000]);
    let (position, camera) = (desk.session().position, desk.session().camera);
    growing.add("img3.png", SIZE, 300);
    until_listed(&mut desk, &["img2.png", "img3.png", "img10.png"]);
    growing.add("img1.tif", [10, 20], 100);
    fs::write(growing.path("notes.txt"), "no image").unwrap();
    let all = ["img1.tif", "img2.png", "img3.png", "img10.png"];
    until_listed(&mut desk, &all);
    desk.settle();
    assert_eq!(desk.session().position, position);
    assert_eq!(desk.session().camera, camera);
    assert_eq!(position.fov, FovId(1), "ids are rows, which stay");
    assert_eq!(values(desk.harness.state()), [1000]);
    for (flat, value) in [100, 200, 300, 1000].into_iter().enumerate() {
        go_to(&mut desk, flat as i64);
        assert_eq!(values(desk.harness.state()), [value], "{flat}");
    }
}

#[test]
fn files_in_folders_that_come_later_are_listed_where_folders_were_searched() {
    let growing = Growing::new(&[("b/img1.png", 1), ("b/img3.png", 3)]);
    let Some(mut desk) = growing.desk() else {
        return;
    };
    growing.add("b/img2.png", SIZE, 2);
    until_listed(&mut desk, &["b/img1.png", "b/img2.png", "b/img3.png"]);
    growing.add("a/deep/img1.png", SIZE, 4);
    let all = ["a/deep/img1.png", "b/img1.png", "b/img2.png", "b/img3.png"];
    until_listed(&mut desk, &all);
    go_to(&mut desk, 0);
    assert_eq!(values(desk.harness.state()), [4]);
}

/// Writes a part of a file that is whole later, and looks at it meanwhile.
fn check_torn(name: &str, part: impl Fn(usize) -> usize) {
    let growing = Growing::new(&[("a.png", 1)]);
    let Some(mut desk) = growing.desk() else {
        return;
    };
    let whole = picture(name, SIZE, 500);
    fs::write(growing.path(name), &whole[..part(whole.len())]).unwrap();
    until_listed(&mut desk, &["a.png", name]);
    go_to(&mut desk, 1);
    // News of it may be on their way, and it is read once more then.
    until_says(&mut desk, "Not acquired yet");
    assert!(!has_failed(&desk), "{name}: it may be whole in a moment");
    fs::write(growing.path(name), &whole).unwrap();
    until_shown(&mut desk, 500);
    let status = desk.status();
    let problems = &status.dataset.as_ref().unwrap().problems;
    assert!(problems.is_empty(), "{name}: {problems:?}");
    assert_eq!(status.counts.failed, 0, "{name}");
}

#[test]
fn a_file_that_is_being_written_is_not_called_broken_and_shown_when_it_is_whole() {
    check_torn("new.png", |_| 0);
    check_torn("new.png", |_| 12);
    check_torn("new.png", |length| length - 30);
    check_torn("new.tif", |length| length / 2);
}

#[test]
fn a_file_that_stays_cut_off_is_called_broken() {
    let growing = Growing::new(&[("a.png", 1)]);
    let Some(mut desk) = growing.desk() else {
        return;
    };
    let whole = picture("new.png", SIZE, 500);
    let path = growing.path("new.png");
    fs::write(&path, &whole[..12]).unwrap();
    until_listed(&mut desk, &["a.png", "new.png"]);
    go_to(&mut desk, 1);
    assert!(!has_failed(&desk));
    let long_ago = SystemTime::now() - Duration::from_mins(1);
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(long_ago).unwrap();
    desk.until("it is told", |app| {
        let states = app.shown_states();
        states.iter().any(|it| matches!(it, PlaneState::Failed(_)))
    });
    // It is copied once more.
    fs::write(&path, &whole).unwrap();
    until_shown(&mut desk, 500);
}

#[test]
fn a_file_that_is_replaced_is_read_again() {
    let growing = Growing::new(&[("a.png", 1), ("b.tif", 2)]);
    let Some(mut desk) = growing.desk() else {
        return;
    };
    growing.add("a.png", SIZE, 300);
    until_shown(&mut desk, 300);
    // In place, and of another size.
    fs::write(growing.path("a.png"), picture("a.png", [20, 30], 301)).unwrap();
    until_shown(&mut desk, 301);
    assert!(desk.says("20 × 30"));
    // What is in the cache and not on the screen.
    go_to(&mut desk, 1);
    assert_eq!(values(desk.harness.state()), [2]);
    growing.add("a.png", [20, 30], 302);
    go_to(&mut desk, 0);
    until_shown(&mut desk, 302);
    assert!(!has_failed(&desk));
    let status = desk.status();
    assert_eq!(status.dataset.as_ref().unwrap().problems, []);
}

#[test]
fn a_single_file_that_is_replaced_is_read_again() {
    let growing = Growing::new(&[("a.tif", 1)]);
    let Some(mut desk) = Desk::with(&growing.path("a.tif"), Setup::default()) else {
        return;
    };
    assert_eq!(values(desk.harness.state()), [1]);
    growing.add("a.tif", [20, 30], 300);
    until_shown(&mut desk, 300);
    assert!(desk.says("20 × 30"));
}

#[test]
fn a_file_that_is_deleted_keeps_its_row_and_is_shown_when_it_is_back() {
    let growing = Growing::new(&[("a.png", 1), ("b.png", 2), ("c.png", 3)]);
    let Some(mut desk) = growing.desk() else {
        return;
    };
    go_to(&mut desk, 2);
    go_to(&mut desk, 1);
    let gone: [&Path; 2] = ["b.png", "c.png"].map(Path::new);
    for name in gone {
        fs::remove_file(growing.path(&name.to_string_lossy())).unwrap();
    }
    desk.until("it is told", |app| {
        let states = app.shown_states();
        states.iter().any(|it| matches!(it, PlaneState::Failed(_)))
    });
    desk.settle();
    until_says(&mut desk, "nothing at this path");
    assert_eq!(rows(&desk), ["a.png", "b.png", "c.png"]);
    go_to(&mut desk, 2);
    until_says(&mut desk, "nothing at this path");
    go_to(&mut desk, 0);
    assert_eq!(values(desk.harness.state()), [1]);
    growing.add("b.png", SIZE, 20);
    growing.add("c.png", SIZE, 30);
    desk.frames(Duration::from_millis(300));
    go_to(&mut desk, 1);
    until_shown(&mut desk, 20);
    go_to(&mut desk, 2);
    until_shown(&mut desk, 30);
}
