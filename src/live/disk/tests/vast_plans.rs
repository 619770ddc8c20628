//! Names of a few files that plan billions of planes.

use super::*;

#[test]
fn a_plan_of_billions_of_planes_is_gone_through_by_what_was_begun() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("run");
    let plan = Plan {
        num_timepoints: 1,
        num_z: 1,
        channels: vec!["DAPI".into()],
        ..plan(Structure::Tiff)
    };
    simulate(&plan, &root, &mut |_| true, Duration::ZERO).unwrap();
    fs::remove_file(root.join(".done")).unwrap();
    fs::create_dir(root.join("65535")).unwrap();
    let file = root.join("0/A1_0_0_DAPI.tiff");
    for far in ["0/A1_0_65535_DAPI.tiff", "65535/A1_0_0_DAPI.tiff"] {
        fs::copy(&file, root.join(far)).unwrap();
    }
    let dataset = open(&root);
    assert_eq!(dataset.template.num_planes(), 1 << 32);
    let viewer = &mut Viewer::of(dataset, true);
    viewer.wait("all files", |it| it.written().len() == 5);
    let far = viewer.id(&("A1".to_owned(), 0, 0, 65_535, 0));
    viewer.wait("what lies between", |it| {
        let told = |plane: &PlaneId| it.told.contains_key(plane);
        (0..65_535)
            .map(|z| PlaneId {
                z: ZPick::Slice(z),
                ..far
            })
            .all(|plane| told(&plane))
    });
    let timepoints: BTreeSet<u32> = viewer.told.keys().map(|plane| plane.t).collect();
    assert_eq!(timepoints, BTreeSet::from([0, 65_535]));
}
