//! Acquisitions that the simulator writes, or that are copied file by file in another order, watched as they grow.

mod empty_files;
mod measurements;
mod ome_tiff;
mod vast_plans;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::atomic::AtomicUsize,
    thread::JoinHandle,
    time::{Instant, SystemTime},
};

use super::*;
use crate::{
    dataset::{AnnouncedSizes, Announcement, ImageSlot},
    formats,
    model::{PlaneState, ZPick},
    simulate::{ChunkMode, Compression, Plan, SimulateError, Structure, Written, simulate},
};

/// Far above what anything here takes, also on a busy machine.
const WITHIN: Duration = Duration::from_mins(1);

/// A plane by what the writer calls it: region, FOV, timepoint, z-slice, channel.
type Name = (String, u32, u32, u32, u16);

/// What `app` would do with the news.
struct Viewer {
    watch: DiskWatch,
    dataset: Arc<Dataset>,
    told: HashMap<PlaneId, PlaneState>,
    rewritten: BTreeSet<PlaneId>,
    newest: Option<PlaneId>,
    changed: BTreeMap<FovId, u32>,
    replaced: BTreeMap<FovId, u32>,
    anew: BTreeSet<FovId>,
    ended: Option<bool>,
    was_over: bool,
}

fn open(path: &Path) -> Dataset {
    formats::open(path, &mut |_| true).unwrap()
}

impl Viewer {
    fn new(path: &Path, has_hints: bool) -> Self {
        Self::of(open(path), has_hints)
    }

    fn of(dataset: Dataset, has_hints: bool) -> Self {
        let dataset = Arc::new(dataset);
        let store = Arc::new(Store::new());
        let wake = Arc::new(|| {});
        let watch = DiskWatch::start_with(Arc::clone(&dataset), store, wake, has_hints).unwrap();
        Self {
            watch,
            dataset,
            told: HashMap::new(),
            rewritten: BTreeSet::new(),
            newest: None,
            changed: BTreeMap::new(),
            replaced: BTreeMap::new(),
            anew: BTreeSet::new(),
            ended: None,
            was_over: false,
        }
    }

    fn take(&mut self) {
        for news in self.watch.take() {
            match news {
                DiskNews::Planes(planes) => {
                    for (plane, state) in planes {
                        let before = self.told.insert(plane, state.clone());
                        let is_step_back =
                            before == Some(PlaneState::Written) && state != PlaneState::Written;
                        assert!(!is_step_back, "{plane:?} was written and is {state:?}");
                    }
                }
                DiskNews::Rewritten(planes) => self.rewritten.extend(planes),
                DiskNews::Newest(plane) => self.newest = Some(plane),
                DiskNews::StoreChanged(fov) => {
                    *self.changed.entry(fov).or_default() += 1;
                    let opener = Arc::clone(&self.dataset.opener);
                    let opened = opener.open_fov(&self.dataset, fov);
                    self.show(self.dataset.with_opened(vec![(fov, opened)]));
                }
                DiskNews::BegunAnew(fovs) => {
                    self.told.retain(|plane, _| !fovs.contains(&plane.fov));
                    for &fov in &fovs {
                        let opener = Arc::clone(&self.dataset.opener);
                        let opened = opener.open_fov(&self.dataset, fov);
                        self.show(self.dataset.with_opened(vec![(fov, opened)]));
                    }
                    self.anew.extend(fovs);
                }
                DiskNews::Replaced(fov, opened) => {
                    *self.replaced.entry(fov).or_default() += 1;
                    self.show(self.dataset.with_opened(vec![(fov, opened)]));
                }
                DiskNews::Grown(dataset) => self.show(self.dataset.grown(dataset)),
                DiskNews::Ended { aborted, .. } => self.ended = Some(aborted),
                DiskNews::WasOver { .. } => self.was_over = true,
            }
        }
    }

    fn show(&mut self, dataset: Dataset) {
        self.dataset = Arc::new(dataset);
        self.watch.update(Arc::clone(&self.dataset));
    }

    #[track_caller]
    fn wait(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        loop {
            self.take();
            if is_so(self) {
                return;
            }
            assert!(
                start.elapsed() < WITHIN,
                "waited in vain: {what}\n{:?}",
                self.name_all(&PlaneState::Written)
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn name(&self, plane: PlaneId) -> Name {
        let ZPick::Slice(z) = plane.z else {
            panic!("a projection was told")
        };
        let row = self.dataset.fov(plane.fov).unwrap();
        let region = row.region.clone().unwrap_or_else(|| "R0".into());
        let fov = row.fov_in_region.unwrap_or(0);
        (region, fov, plane.t, z, plane.c)
    }

    fn name_all(&self, state: &PlaneState) -> BTreeSet<Name> {
        let planes = self.told.iter().filter(|(_, told)| *told == state);
        planes.map(|(&plane, _)| self.name(plane)).collect()
    }

    fn written(&self) -> BTreeSet<Name> {
        self.name_all(&PlaneState::Written)
    }

    fn id(&self, name: &Name) -> PlaneId {
        let rows = self.dataset.fovs.iter();
        let is_it = |region: &Option<String>, fov: Option<u32>| {
            region.as_ref() == Some(&name.0) && fov == Some(name.1)
        };
        let row = rows
            .clone()
            .position(|row| is_it(&row.region, row.fov_in_region));
        PlaneId {
            fov: FovId(row.unwrap_or(0) as u32),
            layer: 0,
            t: name.2,
            c: name.4,
            z: ZPick::Slice(name.3),
            extra: 0,
            level: 0,
        }
    }
}

fn plan(structure: Structure) -> Plan {
    let regions: &[(&str, u32)] = match structure {
        Structure::Single => &[("R0", 1)],
        _ => &[("B2", 2), ("A1", 1)],
    };
    Plan {
        structure,
        regions: regions
            .iter()
            .map(|&(name, fovs)| (name.to_owned(), fovs))
            .collect(),
        num_timepoints: 3,
        num_z: 2,
        channels: vec!["DAPI".into(), "GFP".into()],
        width: 24,
        height: 16,
        ..Plan::default()
    }
}

/// A simulator in a thread of its own that waits where it is told to.
struct Writer {
    thread: JoinHandle<Result<(), SimulateError>>,
    truth: Arc<Mutex<Vec<Name>>>,
    allowed: Sender<u64>,
}

impl Writer {
    /// Starts writing; `allow` says how many planes.
    fn start(plan: Plan, out: PathBuf, interval: Duration) -> Self {
        let truth = Arc::new(Mutex::new(Vec::new()));
        let (allowed, may) = bounded::<u64>(64);
        let written = Arc::clone(&truth);
        let thread = thread::Builder::new()
            .name("writer".into())
            .spawn(move || {
                let mut left = may.recv().unwrap();
                let regions = plan.regions.clone();
                let mut on_plane = |plane: Written| {
                    let region = regions[plane.region_idx].0.clone();
                    let name = (region, plane.fov, plane.t, plane.z, plane.c as u16);
                    written.lock().push(name);
                    left -= 1;
                    while left == 0 {
                        // A writer that nobody allows more stops, which is an abort.
                        match may.recv() {
                            Ok(more) => left = more,
                            Err(_) => return false,
                        }
                    }
                    true
                };
                simulate(&plan, &out, &mut on_plane, interval)
            })
            .unwrap();
        Self {
            thread,
            truth,
            allowed,
        }
    }

    fn allow(&self, planes: u64) {
        self.allowed.send(planes).unwrap();
    }

    fn wait_for(&self, planes: usize) {
        let start = Instant::now();
        while self.truth.lock().len() < planes {
            assert!(start.elapsed() < WITHIN, "the writer is stuck");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn truth(&self) -> BTreeSet<Name> {
        self.truth.lock().iter().cloned().collect()
    }
}

/// Watches from the first plane to the end, and from the middle.
fn check_run(plan: &Plan, has_hints: bool) {
    let label = format!(
        "{:?} {:?} {:?}",
        plan.structure, plan.compression, plan.chunks
    );
    for first in [1, plan.num_planes() / 2 + 1] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("run");
        let writer = Writer::start(plan.clone(), out.clone(), Duration::from_millis(2));
        writer.allow(first);
        writer.wait_for(first as usize);
        let mut viewer = Viewer::new(&out, has_hints);
        let truth = writer.truth();
        viewer.wait(&format!("{label}: {first} planes"), |viewer| {
            viewer.written() == truth
        });
        let last = writer.truth.lock().last().cloned().unwrap();
        // It is told after the planes.
        viewer.wait(&format!("{label}: the newest"), |viewer| {
            let newest = viewer.newest.map(|plane| viewer.name(plane));
            newest.as_ref() == Some(&last)
        });
        writer.allow(u64::MAX);
        viewer.wait(&format!("{label}: the end"), |viewer| {
            viewer.ended.is_some()
        });
        let truth = writer.truth();
        writer.thread.join().unwrap().unwrap();
        viewer.wait(&format!("{label}: all planes"), |viewer| {
            viewer.written() == truth
        });
        assert_eq!(viewer.ended, Some(false), "{label}");
        // A file that is written in place may be found before it is whole.
        let is_in_place = matches!(plan.structure, Structure::Tiff | Structure::OmeTiff);
        assert!(
            viewer.rewritten.is_empty() || is_in_place,
            "{label}: {:?}",
            viewer.rewritten
        );
        assert!(viewer.name_all(&PlaneState::Planned).is_empty(), "{label}");
        let newest = viewer.newest.unwrap();
        assert_eq!(newest.t + 1, plan.num_timepoints, "{label}");
    }
}

#[test]
fn every_structure_is_found_while_it_is_written() {
    for structure in [
        Structure::PerFov,
        Structure::Hcs,
        Structure::SixD,
        Structure::Single,
    ] {
        for compression in [Compression::Fast, Compression::Balanced] {
            check_run(
                &Plan {
                    compression,
                    ..plan(structure)
                },
                true,
            );
        }
    }
}

#[test]
fn image_files_and_pages_of_stacks_are_found_while_they_are_written() {
    for structure in [Structure::Tiff, Structure::MultiPage, Structure::OmeTiff] {
        for has_hints in [true, false] {
            check_run(&plan(structure), has_hints);
        }
    }
}

#[test]
fn without_hints_the_same_is_found() {
    check_run(&plan(Structure::Hcs), false);
    check_run(
        &Plan {
            compression: Compression::Best,
            ..plan(Structure::SixD)
        },
        false,
    );
}

#[test]
fn planes_in_many_chunks_are_found_as_a_whole() {
    for compression in [Compression::None, Compression::Balanced] {
        check_run(
            &Plan {
                width: 512,
                height: 512,
                num_timepoints: 2,
                compression,
                chunks: ChunkMode::Tiled256,
                ..plan(Structure::PerFov)
            },
            true,
        );
    }
}

#[test]
fn an_aborted_run_ends_as_such_and_its_book_is_the_truth() {
    for structure in [Structure::PerFov, Structure::SixD] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("run");
        let writer = Writer::start(plan(structure), out.clone(), Duration::ZERO);
        writer.allow(17);
        writer.wait_for(17);
        let mut viewer = Viewer::new(&out, true);
        let Writer {
            thread,
            truth,
            allowed,
        } = writer;
        drop(allowed);
        assert!(thread.join().unwrap().is_err());
        viewer.wait("the end", |viewer| viewer.ended.is_some());
        assert_eq!(viewer.ended, Some(true));
        let truth = truth.lock().iter().cloned().collect();
        viewer.wait("the book", |viewer| viewer.written() == truth);
    }
}

/// A finished acquisition that is copied plane by plane into another folder.
struct Copied {
    _folder: tempfile::TempDir,
    from: PathBuf,
    to: PathBuf,
    plan: Plan,
}

impl Copied {
    /// Side files are there from the start, but the plan where there is `has_plan`.
    fn new(plan: Plan, has_plan: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        simulate(&plan, &from, &mut |_| true, Duration::ZERO).unwrap();
        fs::create_dir(&to).unwrap();
        for entry in fs::read_dir(&from).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name();
            let is_plan = name == "coordinates.csv";
            if entry.path().is_file() && name != ".done" && (has_plan || !is_plan) {
                fs::copy(entry.path(), to.join(name)).unwrap();
            }
        }
        Self {
            _folder: folder,
            from,
            to,
            plan,
        }
    }

    fn store(&self, region: &str, fov: u32) -> PathBuf {
        match self.plan.structure {
            Structure::PerFov => PathBuf::from(format!("zarr/{region}/fov_{fov}.ome.zarr")),
            Structure::Hcs => {
                let (row, column) = region.split_at(1);
                PathBuf::from(format!("plate.ome.zarr/{row}/{column}/{fov}"))
            }
            _ => panic!("not copied"),
        }
    }

    /// Copies a document, as it was while the acquisition ran.
    fn document(&self, path: &Path) {
        let text = fs::read_to_string(self.from.join(path)).unwrap();
        let running = text.replace(
            "\"acquisition_complete\": true",
            "\"acquisition_complete\": false",
        );
        fs::create_dir_all(self.to.join(path).parent().unwrap()).unwrap();
        fs::write(self.to.join(path), running).unwrap();
    }

    fn create(&self, region: &str, fov: u32) {
        let store = self.store(region, fov);
        self.document(&store.join("0/zarr.json"));
        self.document(&store.join("zarr.json"));
        if self.plan.structure == Structure::Hcs {
            self.document(&store.parent().unwrap().join("zarr.json"));
            let plate = Path::new("plate.ome.zarr/zarr.json");
            if !self.to.join(plate).exists() {
                self.document(plate);
            }
        }
    }

    fn path(&self, region: &str, fov: u32, t: u32, z: u32, c: u16) -> PathBuf {
        self.store(region, fov).join(format!("0/c/{t}/{c}/{z}/0/0"))
    }

    fn write(&self, region: &str, fov: u32, t: u32, z: u32, c: u16) -> Name {
        if !self.to.join(self.store(region, fov)).exists() {
            self.create(region, fov);
        }
        let path = self.path(region, fov, t, z, c);
        fs::create_dir_all(self.to.join(&path).parent().unwrap()).unwrap();
        let lock = self.to.join(path.with_extension("__lock"));
        fs::copy(self.from.join(&path), &lock).unwrap();
        fs::rename(&lock, self.to.join(&path)).unwrap();
        (region.to_owned(), fov, t, z, c)
    }

    /// Marks all stores as complete, then the run as done.
    fn end(&self) {
        for (region, fovs) in &self.plan.regions {
            for fov in 0..*fovs {
                let document = self.store(region, fov).join("zarr.json");
                if self.to.join(&document).exists() {
                    fs::copy(self.from.join(&document), self.to.join(&document)).unwrap();
                }
            }
        }
        fs::write(self.to.join(".done"), "").unwrap();
    }
}

#[test]
fn skipped_timepoints_other_orders_and_all_zero_planes_are_told_apart() {
    for (has_hints, has_folders) in [(true, true), (false, true), (true, false)] {
        let copied = Copied::new(
            Plan {
                num_timepoints: 5,
                ..plan(Structure::PerFov)
            },
            true,
        );
        let begin = |t: u32| {
            if has_folders {
                fs::create_dir(copied.to.join(t.to_string())).unwrap();
            }
        };
        begin(0);
        let mut truth = BTreeSet::new();
        let mut write = |region: &str, fov, t, z, c| {
            let name = copied.write(region, fov, t, z, c);
            truth.insert(name.clone());
            (truth.clone(), name)
        };
        let (written, _) = write("B2", 0, 0, 0, 0);
        let mut viewer = Viewer::new(&copied.to, has_hints);
        viewer.wait("the first plane", |viewer| viewer.written() == written);
        // FOVs against the order, one plane all zero, timepoints 1 and 2 skipped.
        let mut last = None;
        for t in [0, 3] {
            if t > 0 {
                begin(t);
            }
            for (region, fov) in [("A1", 0), ("B2", 1), ("B2", 0)] {
                for (z, c) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    let is_first = (t, region, fov, z, c) == (0, "B2", 0, 0, 0);
                    let is_zero = (t, region, z, c) == (0, "A1", 0, 1);
                    if is_first || is_zero {
                        continue;
                    }
                    last = Some(write(region, fov, t, z, c));
                    std::thread::sleep(Duration::from_millis(3));
                }
            }
        }
        let (written, newest) = last.unwrap();
        viewer.wait("all written planes", |viewer| viewer.written() == written);
        viewer.wait("what was skipped", |viewer| {
            let planned = viewer.name_all(&PlaneState::Planned);
            // 2 timepoints of 3 FOVs with 4 planes, and the one that is all zero.
            planned.len() == 25 && planned.contains(&("A1".into(), 0, 0, 0, 1))
        });
        let at = viewer.newest.map(|plane| viewer.name(plane)).unwrap();
        assert_eq!(at.2, newest.2);
        copied.end();
        viewer.wait("the end", |viewer| viewer.ended.is_some());
        // Without folders of timepoints nothing tells a skipped timepoint from planes of zeros.
        let num_left_out = if has_folders { 3 * 3 * 4 } else { 0 };
        viewer.wait("zero planes of complete stores", |viewer| {
            viewer.written().len() == 5 * 3 * 4 - num_left_out
        });
        viewer.wait("timepoints that were left out", |viewer| {
            viewer.name_all(&PlaneState::Missing).len() == num_left_out
        });
        assert_eq!(viewer.ended, Some(false));
    }
}

#[test]
fn the_flag_of_one_store_ends_nothing_and_those_of_all_do() {
    let copied = Copied::new(plan(Structure::PerFov), true);
    let mut truth = BTreeSet::new();
    for (region, fov) in [("B2", 0), ("B2", 1), ("A1", 0)] {
        truth.insert(copied.write(region, fov, 0, 0, 0));
    }
    let complete = |region: &str, fov| {
        let document = copied.store(region, fov).join("zarr.json");
        fs::copy(copied.from.join(&document), copied.to.join(&document)).unwrap();
    };
    complete("B2", 0);
    let mut viewer = Viewer::new(&copied.to, true);
    // Whatever is absent from a complete store is the fill value.
    let others = |viewer: &Viewer| -> BTreeSet<Name> {
        let is_other = |name: &Name| (name.0.as_str(), name.1) != ("B2", 0);
        viewer.written().into_iter().filter(is_other).collect()
    };
    truth.remove(&("B2".to_owned(), 0, 0, 0, 0));
    viewer.wait("the first planes", |viewer| others(viewer) == truth);
    truth.insert(copied.write("B2", 1, 0, 1, 1));
    truth.insert(copied.write("A1", 0, 0, 0, 1));
    viewer.wait("further planes", |viewer| others(viewer) == truth);
    assert!(viewer.ended.is_none() && !viewer.was_over);
    complete("B2", 1);
    complete("A1", 0);
    viewer.wait("the end", |viewer| viewer.ended == Some(false));
    viewer.wait("all planes", |viewer| viewer.written().len() == 36);
    // Opened now, it was over before; that is found without looking at a plane of the two others.
    let mut viewer = Viewer::new(&copied.to, true);
    viewer.wait("that it was over", |viewer| viewer.was_over);
    assert_eq!(viewer.ended, None);
}

#[test]
fn a_late_plane_fills_its_gap_and_leaves_the_newest_where_it_is() {
    let copied = Copied::new(plan(Structure::Hcs), true);
    let write = |t, fov, z, c| copied.write("B2", fov, t, z, c);
    for (z, c) in [(0, 0), (1, 0), (1, 1)] {
        write(0, 0, z, c);
    }
    write(0, 1, 0, 0);
    let mut viewer = Viewer::new(&copied.to, true);
    let late = ("B2".to_owned(), 0, 0, 0, 1);
    let is_told = |viewer: &Viewer, state: &PlaneState| viewer.name_all(state).contains(&late);
    viewer.wait("the gap", |viewer| is_told(viewer, &PlaneState::Planned));
    write(0, 0, 0, 1);
    viewer.wait("the late plane", |viewer| {
        is_told(viewer, &PlaneState::Written)
    });
    assert_eq!(viewer.newest.map(|plane| viewer.name(plane).1), Some(1));
}

#[test]
fn a_replaced_file_is_told_and_a_deleted_folder_is_quiet() {
    let copied = Copied::new(plan(Structure::PerFov), true);
    let name = copied.write("B2", 0, 0, 0, 0);
    let mut viewer = Viewer::new(&copied.to, true);
    viewer.wait("the plane", |viewer| viewer.written().contains(&name));
    let plane = viewer.id(&name);
    viewer.watch.look_first(vec![plane]);
    viewer.told.clear();
    viewer.wait("what is on the screen is told again", |viewer| {
        viewer.told.contains_key(&plane)
    });
    std::thread::sleep(Duration::from_millis(20));
    assert!(viewer.rewritten.is_empty());
    let path = copied.to.join(copied.path("B2", 0, 0, 0, 0));
    let beside = path.with_extension("__lock");
    fs::write(&beside, "another length").unwrap();
    fs::rename(&beside, &path).unwrap();
    viewer.wait("the other file", |viewer| viewer.rewritten.contains(&plane));
    fs::remove_dir_all(&copied.to).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    viewer.take();
    assert_eq!(viewer.ended, None);
}

#[test]
fn a_store_that_appears_is_told_once() {
    let copied = Copied::new(plan(Structure::PerFov), true);
    copied.write("B2", 0, 0, 0, 0);
    let mut viewer = Viewer::new(&copied.to, true);
    let name = copied.write("B2", 1, 0, 0, 0);
    viewer.wait("the plane", |viewer| viewer.written().contains(&name));
    let fov = viewer.id(&name).fov;
    viewer.wait("its store", |viewer| viewer.changed.contains_key(&fov));
    assert!(matches!(
        viewer.dataset.images[fov.row()],
        ImageSlot::Opened(_)
    ));
    std::thread::sleep(Duration::from_millis(1500));
    viewer.take();
    assert_eq!(viewer.changed[&fov], 1);
    // Another document: the store is told once more.
    let document = copied.store("B2", 1).join("zarr.json");
    viewer.watch.look_first(vec![viewer.id(&name)]);
    fs::copy(copied.from.join(&document), copied.to.join(&document)).unwrap();
    viewer.wait("its document", |viewer| viewer.changed[&fov] == 2);
    let image = viewer.dataset.image(fov).unwrap();
    assert_eq!(image.complete, Some(true));
}

#[test]
fn what_was_announced_is_told_again_after_a_rescan() {
    let copied = Copied::new(plan(Structure::Hcs), true);
    let names: BTreeSet<Name> = (0..2).map(|c| copied.write("B2", 0, 0, 0, c)).collect();
    let mut viewer = Viewer::new(&copied.to, false);
    viewer.wait("both planes", |viewer| viewer.written() == names);
    let newest = viewer.newest;
    viewer.told.clear();
    viewer.watch.rescan(&[newest.unwrap().fov]);
    viewer.wait("both again", |viewer| viewer.written() == names);
    assert_eq!(viewer.newest, newest);
}

#[test]
fn wells_that_nobody_planned_get_rows_and_move_none() {
    let regions = ["B1", "A10"].map(|name| (name.to_owned(), 1));
    let plan = Plan {
        regions: regions.into(),
        ..plan(Structure::Hcs)
    };
    for has_hints in [true, false] {
        let copied = Copied::new(plan.clone(), false);
        let first = copied.write("B1", 0, 0, 0, 0);
        let mut viewer = Viewer::new(&copied.to, has_hints);
        viewer.wait("the first well", |viewer| viewer.written().contains(&first));
        let id = viewer.id(&first);
        let second = copied.write("A10", 0, 0, 0, 0);
        viewer.wait("the second well", |viewer| {
            viewer.written().contains(&second)
        });
        let shown: Vec<_> = viewer.dataset.order.iter().copied().collect();
        assert_eq!(shown, [FovId(1), FovId(0)]);
        assert_eq!(viewer.id(&first), id);
    }
}

#[test]
fn regions_that_nobody_planned_get_rows() {
    let copied = Copied::new(plan(Structure::PerFov), false);
    let first = copied.write("B2", 0, 0, 0, 0);
    let mut viewer = Viewer::new(&copied.to, true);
    viewer.wait("the first", |viewer| viewer.written().contains(&first));
    // The folder of a region is there before a store is in it.
    fs::create_dir_all(copied.to.join("zarr/A1")).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let names = [
        copied.write("A1", 0, 0, 0, 0),
        copied.write("B2", 1, 0, 1, 1),
    ];
    viewer.wait("the others", |viewer| {
        names.iter().all(|name| viewer.written().contains(name))
    });
    assert_eq!(viewer.dataset.num_fovs(), 3);
}

#[test]
fn an_array_that_grows_along_its_fovs_gets_rows() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let regions = vec![("R0".to_owned(), 3)];
    let plan = Plan {
        regions,
        num_timepoints: 1,
        ..plan(Structure::SixD)
    };
    simulate(&plan, &out, &mut |_| true, Duration::ZERO).unwrap();
    fs::remove_file(out.join(".done")).unwrap();
    fs::remove_file(out.join("coordinates.csv")).unwrap();
    let document = out.join("zarr/R0/acquisition.zarr/zarr.json");
    let text = fs::read_to_string(&document).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    json["attributes"]["_squid"]["acquisition_complete"] = false.into();
    let mut describe = |num_fovs: u32| {
        json["shape"][0] = num_fovs.into();
        fs::write(&document, json.to_string()).unwrap();
    };
    describe(1);
    let mut viewer = Viewer::new(&out, true);
    viewer.wait("one FOV", |viewer| viewer.written().len() == 4);
    assert_eq!(viewer.dataset.num_fovs(), 1);
    describe(3);
    viewer.wait("three FOVs", |viewer| viewer.written().len() == 12);
    assert_eq!(viewer.dataset.num_fovs(), 3);
}

#[test]
fn images_that_appear_in_a_folder_of_images_get_rows() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str| {
        let out = folder.path().join(name);
        simulate(
            &plan(Structure::Single),
            &out,
            &mut |_| true,
            Duration::ZERO,
        )
        .unwrap();
    };
    write("a/one.ome.zarr");
    write("b/two.ome.zarr");
    let mut viewer = Viewer::new(folder.path(), true);
    assert_eq!(viewer.dataset.num_fovs(), 2);
    write("a/another.ome.zarr");
    viewer.wait("three images", |viewer| viewer.dataset.num_fovs() == 3);
    write("c.ome.zarr");
    viewer.wait("four images", |viewer| viewer.dataset.num_fovs() == 4);
}

#[test]
fn whatever_order_a_writer_takes_the_book_is_the_truth() {
    let regions = vec![("R0".to_owned(), 8)];
    let copied = Copied::new(
        Plan {
            regions,
            num_timepoints: 3,
            num_z: 6,
            ..plan(Structure::PerFov)
        },
        true,
    );
    let mut planes = Vec::new();
    for t in 0..3 {
        for fov in 0..8 {
            for z in 0..6 {
                planes.extend([(fov, t, z, 0), (fov, t, z, 1)]);
            }
        }
    }
    // A linear congruential generator (Knuth's constants) shuffles.
    let mut random = 7_u64;
    for at in (1..planes.len()).rev() {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        planes.swap(at, (random >> 33) as usize % (at + 1));
    }
    let mut truth = BTreeSet::new();
    let mut viewer: Option<Viewer> = None;
    for (number, &(fov, t, z, c)) in planes.iter().take(200).enumerate() {
        truth.insert(copied.write("R0", fov, t, z, c));
        let viewer = viewer.get_or_insert_with(|| Viewer::new(&copied.to, true));
        // The writer dies now and then, for as long as it takes.
        if number % 50 == 49 {
            viewer.wait("what is written so far", |viewer| viewer.written() == truth);
        }
    }
}

#[test]
fn an_announced_run_is_found_from_before_its_folder_exists_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let fovs = [("B2", 0), ("B2", 1), ("A1", 0)];
    let paths = fovs.map(|(region, fov)| out.join(format!("zarr/{region}/fov_{fov}.ome.zarr")));
    let labels = fovs.map(|(region, fov)| format!("{region}:{fov}"));
    let plan = plan(Structure::PerFov);
    let sizes = AnnouncedSizes {
        channels: plan.channels.clone(),
        num_z: plan.num_z.into(),
        height: plan.height.into(),
        width: plan.width.into(),
    };
    let announced = Announcement::per_fov(paths.into(), sizes, labels.into()).unwrap();
    let dataset = formats::announced(&Arc::new(announced), &Arc::default());
    let mut viewer = Viewer::of(dataset, true);
    let writer = Writer::start(plan, out, Duration::from_millis(2));
    writer.allow(u64::MAX);
    viewer.wait("the end", |viewer| viewer.ended.is_some());
    let truth = writer.truth();
    assert!(writer.thread.join().unwrap().is_ok());
    viewer.wait("all planes", |viewer| viewer.written() == truth);
    assert_eq!((viewer.ended, truth.len()), (Some(false), 36));
}

/// An announcement of the stores that are copied, and a watch of what was announced.
fn announced_watch(copied: &Copied) -> Viewer {
    let fovs = [("B2", 0), ("B2", 1), ("A1", 0)];
    let paths = fovs.map(|(region, fov)| copied.to.join(copied.store(region, fov)));
    let labels = fovs.map(|(region, fov)| format!("{region}:{fov}"));
    let sizes = AnnouncedSizes {
        channels: copied.plan.channels.clone(),
        num_z: copied.plan.num_z.into(),
        height: copied.plan.height.into(),
        width: copied.plan.width.into(),
    };
    let announced = Announcement::per_fov(paths.into(), sizes, labels.into()).unwrap();
    Viewer::of(
        formats::announced(&Arc::new(announced), &Arc::default()),
        true,
    )
}

/// Makes a file as old as an earlier run.
fn age(path: &Path) {
    let file = fs::File::options().write(true).open(path).unwrap();
    let weeks_ago = SystemTime::now() - Duration::from_hours(500);
    file.set_modified(weeks_ago).unwrap();
}

#[test]
fn marks_of_an_earlier_run_do_not_end_an_announced_one() {
    let copied = Copied::new(plan(Structure::PerFov), true);
    let mut truth = BTreeSet::new();
    for (region, fov) in [("B2", 0), ("B2", 1), ("A1", 0)] {
        truth.insert(copied.write(region, fov, 0, 0, 0));
    }
    let mark = copied.to.join(".done");
    let leave = || fs::write(&mark, "").unwrap();
    leave();
    age(&mark);
    let check_quiet = |viewer: &mut Viewer| {
        viewer.wait("what is there", |viewer| viewer.written() == truth);
        // Longer than the end is put off.
        std::thread::sleep(Duration::from_millis(3500));
        viewer.take();
        assert!(viewer.ended.is_none());
        assert_eq!(viewer.written(), truth);
    };
    let viewer = &mut announced_watch(&copied);
    check_quiet(viewer);
    leave();
    viewer.wait("the end by a new mark", |viewer| {
        viewer.ended == Some(false)
    });

    age(&mark);
    let viewer = &mut announced_watch(&copied);
    check_quiet(viewer);
    // On a server whose clock is behind, the new one seems to be old too.
    let file = fs::File::create(&mark).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_hours(1))
        .unwrap();
    viewer.wait("the end by another mark", |viewer| {
        viewer.ended == Some(false)
    });

    age(&mark);
    let viewer = &mut announced_watch(&copied);
    check_quiet(viewer);
    // Who announced it says that it is over: no other mark is waited for.
    viewer.show(viewer.dataset.with_announced_end());
    viewer.wait("the announced end", |viewer| viewer.ended == Some(false));
}

#[test]
fn stores_that_an_earlier_run_finished_do_not_end_an_announced_one() {
    let copied = Copied::new(plan(Structure::PerFov), true);
    let fovs = [("B2", 0), ("B2", 1), ("A1", 0)];
    let complete = |region, fov| {
        let document = copied.store(region, fov).join("zarr.json");
        fs::copy(copied.from.join(&document), copied.to.join(&document)).unwrap();
        copied.to.join(document)
    };
    for (region, fov) in fovs {
        copied.write(region, fov, 0, 0, 0);
        age(&complete(region, fov));
        age(&copied
            .to
            .join(copied.store(region, fov))
            .join("0/zarr.json"));
    }
    let viewer = &mut announced_watch(&copied);
    // What is absent from a complete store is the fill value, whoever completed it.
    let is_first = |name: &&Name| name.2 == 0;
    viewer.wait("the first timepoint", |viewer| {
        viewer.written().iter().filter(is_first).count() == 12
    });
    // Longer than the pause between looks at all stores.
    std::thread::sleep(Duration::from_millis(6500));
    viewer.take();
    assert!(viewer.ended.is_none());
    for (region, fov) in fovs {
        complete(region, fov);
    }
    viewer.wait("the end", |viewer| viewer.ended == Some(false));
}

#[test]
fn stores_that_are_written_anew_are_told_anew_whoever_looks_at_them() {
    let copied = Copied::new(plan(Structure::PerFov), true);
    let fovs = [("B2", 0), ("B2", 1), ("A1", 0)];
    let document = |region, fov| copied.to.join(copied.store(region, fov)).join("zarr.json");
    let (mut truth, mut begun) = (BTreeSet::new(), Vec::new());
    for (region, fov) in fovs {
        truth.insert(copied.write(region, fov, 0, 0, 0));
        begun.push(fs::read_to_string(document(region, fov)).unwrap());
        let complete = copied
            .from
            .join(copied.store(region, fov))
            .join("zarr.json");
        fs::copy(complete, document(region, fov)).unwrap();
    }
    let viewer = &mut announced_watch(&copied);
    viewer.wait("planes of complete stores", |viewer| {
        viewer.written().len() >= 12
    });
    for ((region, fov), begun) in fovs.into_iter().zip(begun) {
        fs::write(document(region, fov), begun).unwrap();
    }
    viewer.wait("what is there", |viewer| {
        viewer.anew.len() == fovs.len() && viewer.written() == truth
    });
}

#[test]
fn of_a_stopped_acquisition_all_that_is_there_and_missing_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for structure in [Structure::PerFov, Structure::Tiff] {
        let out = folder.path().join(format!("{structure:?}"));
        let stopped = Plan {
            ending: crate::simulate::Ending::AbortsAfter(7),
            ..plan(structure)
        };
        let mut on_plane = |_| true;
        simulate(&stopped, &out, &mut on_plane, Duration::ZERO).unwrap();
        let mut viewer = Viewer::new(&out, false);
        viewer.wait("what is there", |viewer| viewer.written().len() == 7);
        let all = viewer.dataset.template.num_planes() as usize * viewer.dataset.fovs.len();
        viewer.wait("what is missing", |viewer| {
            viewer.name_all(&PlaneState::Missing).len() == all - 7
        });
        assert_eq!(viewer.ended, None, "{structure:?}");
    }
}

#[test]
fn stores_of_single_timepoints_are_followed() {
    let regions = vec![("A1".to_owned(), 2)];
    let copied = Copied::new(
        Plan {
            regions,
            ..plan(Structure::Hcs)
        },
        true,
    );
    let mut truth = BTreeSet::new();
    let mut write = |fov: u32, t: u32, z: u32, c: u16| {
        let from = copied.from.join(copied.store("A1", fov));
        let store = copied
            .to
            .join(format!("plate.zarr/A/1/{fov}/{t}/acquisition.zarr"));
        if !store.exists() {
            fs::create_dir_all(store.join("0")).unwrap();
            let document = |name: &str| -> serde_json::Value {
                serde_json::from_str(&fs::read_to_string(from.join(name)).unwrap()).unwrap()
            };
            let mut array = document("0/zarr.json");
            array["shape"][0] = 1.into();
            fs::write(store.join("0/zarr.json"), array.to_string()).unwrap();
            let mut group = document("zarr.json");
            group["attributes"]["_squid"]["acquisition_complete"] = false.into();
            fs::write(store.join("zarr.json"), group.to_string()).unwrap();
        }
        let file = store.join(format!("0/c/0/{c}/{z}/0/0"));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::copy(from.join(format!("0/c/{t}/{c}/{z}/0/0")), &file).unwrap();
        truth.insert(("A1".to_owned(), fov, t, z, c));
        truth.clone()
    };
    let mut written = write(0, 0, 0, 0);
    let mut viewer = Viewer::new(&copied.to, true);
    for t in 0..3 {
        for fov in 0..2 {
            for (z, c) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                written = write(fov, t, z, c);
            }
            viewer.wait(&format!("timepoint {t} of FOV {fov}"), |viewer| {
                viewer.written() == written
            });
        }
    }
    let newest = viewer.newest.map(|plane| viewer.name(plane)).unwrap();
    assert_eq!(newest, ("A1".to_owned(), 1, 2, 1, 1));
}

#[test]
fn news_are_merged_and_wake_once() {
    let wakes = Arc::new(AtomicUsize::new(0));
    let heard = Arc::clone(&wakes);
    let outbox = Outbox::new(Arc::new(move || {
        heard.fetch_add(1, Ordering::Relaxed);
    }));
    let num_wakes = || wakes.load(Ordering::Relaxed);
    let plane = |c| PlaneId {
        fov: FovId(0),
        layer: 0,
        t: 0,
        c,
        z: ZPick::Slice(0),
        extra: 0,
        level: 0,
    };
    let (now, late) = (Instant::now(), Duration::from_mins(1));
    outbox.planes(vec![(plane(0), PlaneState::Planned)], late);
    outbox.planes(vec![(plane(0), PlaneState::Written)], late * 2);
    let due = outbox.wake_when_due(now).unwrap();
    assert!(due >= now + late && due < now + late * 2);
    assert_eq!(num_wakes(), 0);
    // Whoever came meanwhile took them along.
    assert!(!outbox.take().is_empty());
    assert_eq!((outbox.wake_when_due(due), num_wakes()), (None, 0));
    outbox.planes(vec![(plane(0), PlaneState::Written)], late);
    outbox.newest(plane(0), Duration::ZERO);
    outbox.newest(plane(1), Duration::ZERO);
    assert_eq!(num_wakes(), 1);
    let news = outbox.take();
    let [DiskNews::Planes(planes), DiskNews::Newest(newest)] = news.as_slice() else {
        panic!("found {news:?}")
    };
    assert_eq!(planes, &[(plane(0), PlaneState::Written)]);
    assert_eq!(*newest, plane(1));
    assert!(outbox.take().is_empty());
}

#[test]
fn frames_of_a_recording_and_channels_that_come_later_are_behind_those_that_were_there() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let picture = include_bytes!(
        "../../../tests/data/squid/tiff_folder/0/A1_0_0_Fluorescence_405_nm_Ex.tiff"
    );
    let put = |frame: u32, channel: &str| {
        let name = format!("{}/{}_{channel}.tiff", frame / 1000, frame % 1000);
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, picture).unwrap();
    };
    fs::write(root.join("frames.csv"), "frame_id\n").unwrap();
    put(0, "M");
    let mut viewer = Viewer::new(root, false);
    let sizes = |viewer: &Viewer| {
        let image = viewer.dataset.image(FovId(0)).unwrap();
        (image.num_timepoints(), image.num_channels())
    };
    assert_eq!(sizes(&viewer), (1, 1));
    viewer.watch.look_first(vec![PlaneId {
        t: 0,
        ..viewer.id(&("R0".into(), 0, 0, 0, 0))
    }]);
    put(1, "M");
    viewer.wait("a frame", |viewer| sizes(viewer) == (2, 1));
    put(2, "A");
    viewer.wait("a channel", |viewer| sizes(viewer) == (3, 2));
    let image = viewer.dataset.image(FovId(0)).unwrap();
    let names: Vec<_> = image.channels.iter().flat_map(|it| &it.name).collect();
    assert_eq!(
        names,
        ["M", "A"],
        "a cached plane of the first stays one of it"
    );
    put(1000, "M");
    viewer.wait("a folder", |viewer| sizes(viewer) == (1001, 2));
    // Faster than the time of a folder tells.
    for frame in 1001..1040 {
        put(frame, "M");
    }
    viewer.wait("a burst", |viewer| sizes(viewer) == (1040, 2));
    let place = |t: u32, c: u16| viewer.id(&("R0".into(), 0, t, 0, c));
    let store = Store::new();
    for (t, c, expected) in [(2, 1, true), (1000, 0, true), (1000, 1, false)] {
        let state = store.presence(&viewer.dataset, place(t, c)).unwrap();
        assert_eq!(state == PlaneState::Written, expected, "{t} {c}: {state:?}");
    }
}

/// OME-TIFF files that the simulator wrote, in a folder of their own.
fn ome_tiffs(width: u32) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan {
        width,
        ..plan(Structure::OmeTiff)
    };
    let out = folder.path().join("run");
    simulate(&plan, &out, &mut |_| true, Duration::ZERO).unwrap();
    let files = fs::read_dir(out.join("ome_tiff")).unwrap();
    let read = files.map(|entry| fs::read(entry.unwrap().path()).unwrap());
    read.collect()
}

#[test]
fn files_that_come_into_a_folder_of_ome_tiffs_are_rows_and_replaced_ones_are_told() {
    let files = ome_tiffs(24);
    for has_hints in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| {
            let aside = folder.path().join("aside.tmp");
            fs::write(&aside, bytes).unwrap();
            fs::rename(aside, folder.path().join(name)).unwrap();
        };
        put("cell 2.ome.tif", &files[0]);
        let viewer = &mut Viewer::new(folder.path(), has_hints);
        let labels = |viewer: &Viewer| -> Vec<String> {
            let order = viewer.dataset.order.iter();
            order
                .map(|&fov| viewer.dataset.fov(fov).unwrap().label.clone())
                .collect()
        };
        put("cell 10.ome.tif", &files[1]);
        viewer.wait("a file", |it| {
            labels(it) == ["cell 2.ome.tif", "cell 10.ome.tif"]
        });
        put("cell 1.ome.tif", &files[2]);
        let all = ["cell 1.ome.tif", "cell 2.ome.tif", "cell 10.ome.tif"];
        viewer.wait("a file that comes first", |it| labels(it) == all);
        assert_eq!(*viewer.dataset.order, [2, 0, 1].map(FovId));
        assert!(
            viewer.dataset.image(FovId(2)).is_none(),
            "no file is opened before it is shown"
        );
        assert!(viewer.replaced.is_empty(), "{:?}", viewer.replaced);
        let plane = PlaneId {
            fov: FovId(0),
            ..viewer.id(&(String::new(), 0, 0, 0, 0))
        };
        viewer.watch.look_first(vec![plane]);
        put("cell 2.ome.tif", &ome_tiffs(32)[0]);
        viewer.wait("another file", |it| it.replaced.contains_key(&FovId(0)));
        let image = viewer.dataset.image(FovId(0)).unwrap();
        assert_eq!(image.plane_size(), (32, 16));
        fs::remove_file(folder.path().join("cell 2.ome.tif")).unwrap();
        viewer.wait("no file", |it| {
            matches!(it.dataset.images[0], ImageSlot::Failed(_)) && !it.dataset.fovs[0].present
        });
        assert_eq!(labels(viewer), all);
        put("cell 2.ome.tif", &files[0]);
        viewer.wait("the file again", |it| {
            let image = it.dataset.image(FovId(0));
            it.dataset.fovs[0].present && image.is_some_and(|it| it.plane_size() == (24, 16))
        });
    }
}

#[test]
fn of_a_folder_of_images_only_those_on_the_screen_are_opened() {
    let folder = tempfile::tempdir().unwrap();
    for name in 0..8 {
        let path = folder.path().join(format!("{name}.png"));
        image::GrayImage::new(3, 2).save(path).unwrap();
    }
    let dataset = open(folder.path());
    let outbox = Arc::new(Outbox::new(Arc::new(|| {})));
    let store = Arc::new(Store::new());
    let survey = &mut Survey::new(&dataset, store, outbox, Arc::default());
    survey.set_scan(dataset.order.to_vec());
    survey.look_first(&[PlaneId {
        fov: FovId(2),
        layer: 0,
        t: 0,
        c: 0,
        z: ZPick::Slice(0),
        extra: 0,
        level: 0,
    }]);
    for _ in 0..50 {
        survey.look(false);
        survey.look_at_gaps(false);
        survey.go_through(Instant::now() + Duration::from_millis(1));
        std::thread::sleep(Duration::from_millis(2));
    }
    let images = &survey.stores.dataset().images;
    let opened = images
        .iter()
        .map(|slot| matches!(slot, ImageSlot::Opened(_)));
    let opened: Vec<usize> = opened
        .enumerate()
        .filter(|it| it.1)
        .map(|it| it.0)
        .collect();
    assert_eq!(
        opened,
        [0, 2],
        "the first by opening, the other on the screen"
    );
}

#[test]
fn a_dataset_that_is_no_acquisition_is_told_to_change_only() {
    let copied = Copied::new(plan(Structure::PerFov), true);
    copied.write("B2", 0, 0, 0, 0);
    let root = copied.to.join(copied.store("B2", 0));
    let mut dataset = open(&root);
    dataset.acquisition = None;
    let viewer = &mut Viewer::of(dataset, true);
    std::thread::sleep(Duration::from_millis(300));
    viewer.take();
    assert!(viewer.told.is_empty() && viewer.ended.is_none());
}

#[test]
fn the_thread_ends_with_its_owner() {
    let copied = Copied::new(plan(Structure::PerFov), true);
    copied.write("B2", 0, 0, 0, 0);
    let viewer = Viewer::new(&copied.to, true);
    let shared = Arc::downgrade(&viewer.watch.shared);
    drop(viewer);
    let start = Instant::now();
    while shared.strong_count() > 0 {
        assert!(start.elapsed() < WITHIN, "somebody holds on");
        std::thread::sleep(Duration::from_millis(5));
    }
}
