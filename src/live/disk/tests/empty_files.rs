//! Files that are there and empty: not written while the run goes on, damaged when it is over.

use super::*;

fn path_of(root: &Path, name: &Name) -> PathBuf {
    let (region, fov, t, z, c) = name;
    let channel = ["DAPI", "GFP"][usize::from(*c)];
    root.join(format!("{t}/{region}_{fov}_{z}_{channel}.tiff"))
}

#[test]
fn an_empty_file_is_no_plane_yet_and_damaged_after_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("run");
    let plan = plan(Structure::Tiff);
    simulate(&plan, &root, &mut |_| true, Duration::ZERO).unwrap();
    fs::remove_file(root.join(".done")).unwrap();
    // One that was there when the folder was listed, one that comes later, one that stays.
    let filled = ("A1".to_owned(), 0, 0, 1, 1);
    let late = ("B2".to_owned(), 1, 2, 1, 1);
    let stays = ("B2".to_owned(), 0, 1, 0, 0);
    let all = [&filled, &late, &stays];
    let bytes = all.map(|name| fs::read(path_of(&root, name)).unwrap());
    fs::write(path_of(&root, &filled), b"").unwrap();
    fs::write(path_of(&root, &stays), b"").unwrap();
    fs::remove_file(path_of(&root, &late)).unwrap();
    let num_planes = plan.num_planes() as usize;
    let viewer = &mut Viewer::new(&root, true);
    viewer.wait("the others", |it| it.written().len() == num_planes - 3);
    fs::write(path_of(&root, &late), b"").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    viewer.take();
    assert!(all.iter().all(|name| !viewer.written().contains(*name)));
    fs::write(path_of(&root, &late), &bytes[1]).unwrap();
    fs::write(path_of(&root, &filled), &bytes[0]).unwrap();
    viewer.wait("two of them", |it| it.written().len() == num_planes - 1);
    fs::write(root.join(".done"), b"").unwrap();
    viewer.wait("the end", |it| it.ended.is_some());
    viewer.show(viewer.dataset.with_end(false, BTreeSet::new()));
    let stays = viewer.id(&stays);
    viewer.wait("the damaged one", |it| match it.told.get(&stays) {
        Some(PlaneState::Failed(reason)) => reason.contains("the file is empty"),
        _ => false,
    });
    assert_eq!(viewer.written().len(), num_planes - 1);
}
