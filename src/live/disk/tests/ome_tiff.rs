//! OME-TIFF files that nobody planned: copied by hand into a folder of a microscope's files, or written there late.

use super::*;

/// An OME-TIFF of one FOV, as the simulator writes it.
fn file(num_timepoints: u32) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan {
        num_timepoints,
        regions: vec![("A1".into(), 1)],
        ..plan(Structure::OmeTiff)
    };
    let out = folder.path().join("run");
    simulate(&plan, &out, &mut |_| true, Duration::ZERO).unwrap();
    fs::read(out.join("ome_tiff/A1_0.ome.tiff")).unwrap()
}

fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let aside = path.with_extension("part");
    fs::write(&aside, bytes).unwrap();
    fs::rename(aside, path).unwrap();
}

fn labels(viewer: &Viewer) -> Vec<&str> {
    let order = viewer.dataset.order.iter();
    order
        .map(|&fov| viewer.dataset.fov(fov).unwrap().label.as_str())
        .collect()
}

/// Regions, FOVs and timepoints of which a plane was found.
fn found(viewer: &Viewer) -> BTreeSet<(String, u32, u32)> {
    let written = viewer.written().into_iter();
    written
        .map(|(region, fov, t, ..)| (region, fov, t))
        .collect()
}

#[test]
fn files_that_nobody_planned_are_fovs_when_they_come() {
    let bytes = file(2);
    // The acquisition and the folder of its files.
    for opened in ["", "ome_tiff"] {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("run");
        let inside = root.join("ome_tiff");
        put(&inside.join("B2_0.ome.tiff"), &bytes);
        let viewer = &mut Viewer::new(&root.join(opened), true);
        assert_eq!(labels(viewer), ["B2:0"], "{opened:?}");
        put(&inside.join("B2_1.ome.tiff"), &bytes);
        viewer.wait("another FOV", |it| labels(it) == ["B2:0", "B2:1"]);
        put(&inside.join("A1_0.ome.tiff"), &bytes);
        let all = ["A1:0", "B2:0", "B2:1"];
        viewer.wait("another region", |it| labels(it) == all);
        let all = [("A1", 0), ("B2", 0), ("B2", 1)];
        let all = all.map(|(region, fov)| [0, 1].map(|t| (region.to_owned(), fov, t)));
        let all: BTreeSet<_> = all.into_iter().flatten().collect();
        viewer.wait("their planes", |it| found(it) == all);
    }
}

#[test]
fn files_that_come_into_folders_of_timepoints_are_fovs_and_timepoints() {
    let bytes = file(1);
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("run");
    put(&root.join("0/A1_0.ome.tiff"), &bytes);
    fs::write(root.join("acquisition parameters.json"), "{}").unwrap();
    let viewer = &mut Viewer::new(&root, true);
    let alone = &mut Viewer::new(&root.join("0"), true);
    put(&root.join("0/A1_1.ome.tiff"), &bytes);
    for viewer in [&mut *viewer, alone] {
        viewer.wait("another FOV", |it| labels(it) == ["A1:0", "A1:1"]);
    }
    put(&root.join("1/A1_0.ome.tiff"), &bytes);
    viewer.wait("another timepoint", |it| {
        it.dataset.image(FovId(0)).unwrap().num_timepoints() == 2
    });
    put(&root.join("1/A1_2.ome.tiff"), &bytes);
    viewer.wait("a FOV of the second timepoint", |it| {
        labels(it) == ["A1:0", "A1:1", "A1:2"]
    });
    let all = [(0, 0), (1, 0), (0, 1), (2, 1)];
    let all: BTreeSet<_> = all.map(|(fov, t)| ("A1".to_owned(), fov, t)).into();
    viewer.wait("their planes", |it| found(it) == all);
    let all = [0, 1].map(|fov| ("A1".to_owned(), fov, 0));
    alone.wait("one timepoint only", |it| found(it) == all.clone().into());
}
