//! A folder of image files that is listed again: files that came get rows, those that are gone keep theirs.
//!
//! By names alone: no file is opened. So what the OME-XML of a file that came later says of other files is not known
//! until the folder is opened anew.

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use super::{collection::Cut, image_folder, probe::below};
use crate::{
    dataset::{Dataset, Fov, ImageSlot},
    model::{Code, FovId, limits, natural_cmp},
    source::Entry,
};

/// The rows of a dataset of image files with what lies in some of its folders now, in display order, for
/// [`Dataset::grown`]; `None` where they are as they were. Reads nothing.
#[must_use]
pub fn with_folders(base: &Dataset, listed: &[(&Path, &[Entry])]) -> Option<Dataset> {
    let in_folder = |&(folder, entries)| (folder, image_folder::in_folder(folder, entries));
    let files: Vec<(&Path, Vec<PathBuf>)> = listed.iter().map(in_folder).collect();
    let by_folder: HashMap<&Path, HashSet<&Path>> = files
        .iter()
        .map(|(folder, files)| (*folder, files.iter().map(AsRef::as_ref).collect()))
        .collect();
    let mut known = HashSet::new();
    let mut presence = HashMap::new();
    for (at, row) in base.fovs.iter().enumerate() {
        let folder = row.folder.parent().and_then(|it| by_folder.get(it));
        let Some(files) = folder else { continue };
        known.insert(row.folder.as_path());
        let fov = FovId(at as u32);
        let is_present = is_present(base, fov, row, files.contains(row.folder.as_path()));
        if is_present != row.present {
            presence.insert(fov, is_present);
        }
    }
    let is_new = |file: &&Path| !known.contains(file) && !base.opener.is_claimed(file);
    let all = by_folder.values().flatten().copied();
    let mut came: Vec<&Path> = all.filter(is_new).collect();
    came.sort_unstable_by(|a, b| in_search_order(&base.root, a, b));
    let num_free = limits::FOVS.saturating_sub(base.fovs.len());
    let full = (came.len() > num_free).then(|| Cut::Images.problem());
    let full = full.filter(|problem| !base.problems.contains(problem));
    came.truncate(num_free);
    if came.is_empty() && presence.is_empty() && full.is_none() {
        return None;
    }
    let rows = merged(base, came, &presence);
    let mut fresh = Dataset {
        order: (0..rows.len()).map(|row| FovId(row as u32)).collect(),
        images: vec![ImageSlot::Unopened; rows.len()],
        fovs: rows.into(),
        ..base.clone()
    };
    fresh.add_problems(full.into_iter().collect());
    Some(fresh)
}

/// The rows in display order, with files that came where opening would put them.
fn merged(base: &Dataset, came: Vec<&Path>, presence: &HashMap<FovId, bool>) -> Vec<Fov> {
    let root = &base.root;
    let mut rows = Vec::with_capacity(base.fovs.len() + came.len());
    let mut came = came.into_iter().peekable();
    for &fov in base.order.iter() {
        let Some(row) = base.fov(fov) else { continue };
        while let Some(file) = came.next_if(|file| in_search_order(root, file, &row.folder).is_lt())
        {
            rows.push(image_folder::row_of(file, root));
        }
        rows.push(Fov {
            present: presence.get(&fov).copied().unwrap_or(row.present),
            ..row.clone()
        });
    }
    rows.extend(came.map(|file| image_folder::row_of(file, root)));
    rows
}

/// An image of an OME-TIFF may be absent although the file that names it is there.
fn is_present(base: &Dataset, fov: FovId, row: &Fov, has_file: bool) -> bool {
    let was_gone = match base.images.get(fov.row()) {
        Some(ImageSlot::Failed(error) | ImageSlot::Retried(error)) => error.code == Code::NotFound,
        _ => false,
    };
    let is_whole_file = row.path == below(&base.root, &row.folder);
    has_file && (row.present || is_whole_file || was_gone)
}

/// Files of a folder before those of the folders in it, each in natural order.
fn in_search_order(root: &Path, a: &Path, b: &Path) -> Ordering {
    let mut a = a.strip_prefix(root).unwrap_or(a).iter();
    let mut b = b.strip_prefix(root).unwrap_or(b).iter();
    loop {
        let (Some(own), Some(other)) = (a.next(), b.next()) else {
            return Ordering::Equal;
        };
        let is_folder = |rest: &Path| !rest.as_os_str().is_empty();
        let by_kind = is_folder(a.as_path()).cmp(&is_folder(b.as_path()));
        let order =
            by_kind.then_with(|| natural_cmp(&own.to_string_lossy(), &other.to_string_lossy()));
        if order.is_ne() {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        dataset::{
            OpenFovError,
            testing::{Sizes, dataset},
        },
        source::Kind,
    };

    const ROOT: &str = "/images";

    fn listed(names: &[&str]) -> Dataset {
        let root = PathBuf::from(ROOT);
        let rows = names.iter().map(|name| Fov {
            present: true,
            ..image_folder::row_of(&root.join(name), &root)
        });
        Dataset {
            fovs: rows.collect(),
            order: (0..names.len()).map(|row| FovId(row as u32)).collect(),
            images: vec![ImageSlot::Unopened; names.len()],
            root,
            ..dataset(Sizes::default())
        }
    }

    fn entries(names: &[&str]) -> Vec<Entry> {
        let entry = |name: &&str| Entry {
            name: (*name).to_owned(),
            kind: Kind::File,
            is_link: false,
        };
        names.iter().map(entry).collect()
    }

    fn shown(dataset: &Dataset) -> Vec<(&str, bool)> {
        let rows = dataset.order.iter().filter_map(|&fov| dataset.fov(fov));
        rows.map(|row| (row.path.as_str(), row.present)).collect()
    }

    #[track_caller]
    fn check(base: &Dataset, folder: &str, names: &[&str], expected: &[(&str, bool)]) -> Dataset {
        let folder = Path::new(ROOT).join(folder);
        let fresh = with_folders(base, &[(&folder, &entries(names))]).expect("it changed");
        let grown = base.grown(fresh);
        assert_eq!(shown(&grown), expected);
        let known = base.fovs.iter().map(|row| &row.path);
        assert!(known.eq(grown.fovs[..base.fovs.len()].iter().map(|row| &row.path)));
        assert!(
            with_folders(&grown, &[(&folder, &entries(names))]).is_none(),
            "nothing is new"
        );
        grown
    }

    #[test]
    fn files_that_came_stand_where_opening_would_put_them() {
        let base = listed(&["a2.png", "a10.png", "b/x.png", "c/x.png"]);
        let names = [
            "a1.png",
            "a2.png",
            "a3.tif",
            "a10.png",
            ".a.png",
            "notes.txt",
        ];
        let all = [
            "a1.png", "a2.png", "a3.tif", "a10.png", "b/x.png", "c/x.png",
        ];
        let grown = check(&base, "", &names, &all.map(|path| (path, true)));
        let with_inner = [
            "a1.png",
            "a2.png",
            "a3.tif",
            "a10.png",
            "b/x.png",
            "b/d/y.png",
            "c/x.png",
        ];
        check(
            &grown,
            "b/d",
            &["y.png"],
            &with_inner.map(|path| (path, true)),
        );
    }

    #[test]
    fn files_that_are_gone_keep_their_place_until_they_are_back() {
        let base = listed(&["a.png", "b.png", "c.png"]);
        let without = [("a.png", true), ("b.png", false), ("c.png", true)];
        let mut grown = check(&base, "", &["a.png", "c.png"], &without);
        grown.images[1] = ImageSlot::Failed(Arc::new(OpenFovError {
            code: Code::NotFound,
            message: "nothing at this path".into(),
            location: "b.png".into(),
        }));
        let whole = ["a.png", "b.png", "c.png"];
        let again = check(&grown, "", &whole, &whole.map(|path| (path, true)));
        assert!(
            matches!(again.images[1], ImageSlot::Unopened),
            "it is opened again"
        );
    }

    #[test]
    fn a_table_that_is_full_says_so_once() {
        let mut base = listed(&["a.png"]);
        let row = base.fovs[0].clone();
        let rows = (0..limits::FOVS).map(|at| Fov {
            path: format!("{at}"),
            folder: format!("/elsewhere/{at}").into(),
            ..row.clone()
        });
        base.fovs = rows.collect();
        base.order = (0..limits::FOVS).map(|at| FovId(at as u32)).collect();
        base.images = vec![ImageSlot::Unopened; limits::FOVS];
        let names = entries(&["b.png"]);
        let fresh = with_folders(&base, &[(Path::new(ROOT), &names)]).expect("a problem");
        assert_eq!(fresh.fovs.len(), limits::FOVS);
        assert_eq!(fresh.problems, [Cut::Images.problem()]);
        assert!(with_folders(&base.grown(fresh), &[(Path::new(ROOT), &names)]).is_none());
    }
}
