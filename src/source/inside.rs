//! Paths that metadata names, kept inside of the dataset.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use super::{SourceError, SourceErrorKind};
use crate::model::{limits, while_waiting};

/// `relative` below `base`, where `relative` comes from metadata: names with `/` between them; "." and "" are `base`.
///
/// # Errors
/// When it is absolute, has a `..`, a backslash, a drive letter or a NUL, or is longer than any system takes.
pub fn join_inside(base: &Path, relative: &str) -> Result<PathBuf, SourceError> {
    if relative.len() > limits::PATH_BYTES {
        let kind = SourceErrorKind::TooLarge {
            found: relative.len() as u64,
            limit: limits::PATH_BYTES as u64,
            unit: "bytes of a path",
        };
        return Err(SourceError::new(kind, base));
    }
    let has_drive = relative.as_bytes().get(1) == Some(&b':');
    let is_plain = !has_drive
        && !relative.contains(['\\', '\0'])
        && Path::new(relative)
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !is_plain {
        return Err(SourceError::new(
            SourceErrorKind::UnsafePath(shown(relative)),
            base,
        ));
    }
    let names = Path::new(relative)
        .components()
        .filter(|part| matches!(part, Component::Normal(_)));
    Ok(base.join(names.collect::<PathBuf>()))
}

/// A file of that name in `folder`, where the name is made of what metadata say; `None` where it is a path, or none.
#[must_use]
pub fn join_name(folder: &Path, name: &str) -> Option<PathBuf> {
    let path = join_inside(folder, name).ok()?;
    (path.parent() == Some(folder) && !name.contains('/')).then_some(path)
}

/// As [`join_inside`], and the place that it leads to by symbolic links lies inside of `base` or of `root`, the whole
/// dataset. Blocks on I/O: it looks at each part of `relative`, and where one is a link, at where it leads.
///
/// A path at which nothing is, or whose links go round in a circle, is for whoever opens it to refuse. Content that
/// git-annex and `DataLad` keep for the repository around the dataset counts as inside.
///
/// # Errors
/// As [`join_inside`], and when it leads out of the dataset.
pub fn follow_inside(base: &Path, relative: &str, root: &Path) -> Result<PathBuf, SourceError> {
    let path = join_inside(base, relative)?;
    if !while_waiting(|| has_link(base, &path)) {
        return Ok(path);
    }
    let Ok(target) = while_waiting(|| fs::canonicalize(&path)) else {
        return Ok(path);
    };
    let around = |folder: &Path| {
        let folder = fs::canonicalize(folder).ok()?;
        let is_inside = target.starts_with(&folder) || is_annexed(&folder, &target);
        is_inside.then_some(())
    };
    if [base, root].into_iter().find_map(around).is_some() {
        return Ok(path);
    }
    let kind = SourceErrorKind::LeavesDataset {
        relative: shown(relative),
        target,
    };
    Err(SourceError::new(kind, base))
}

/// True where a part of `path` below `base` is a symbolic link.
fn has_link(base: &Path, path: &Path) -> bool {
    let below: Vec<_> = path.ancestors().take_while(|part| *part != base).collect();
    // Below what is absent is nothing.
    let there = below
        .iter()
        .rev()
        .map_while(|part| fs::symlink_metadata(part).ok());
    there.into_iter().any(|found| found.is_symlink())
}

/// True where `target` is content that git-annex keeps for a repository that holds `folder`.
fn is_annexed(folder: &Path, target: &Path) -> bool {
    let mut around = folder.ancestors();
    around.any(|repository| target.starts_with(repository.join(".git/annex/objects")))
}

fn shown(relative: &str) -> String {
    relative.chars().take(200).collect()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::model::Code;

    #[test]
    fn a_path_follows_links_inside_of_the_dataset_and_none_out_of_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = |path: &str| folder.path().join(path);
        for path in [
            "data/plate/A/1/0",
            "data/plate/B",
            "elsewhere/0",
            "data/.git/annex/objects/x/0",
        ] {
            fs::create_dir_all(at(path)).expect("a folder");
        }
        for (link, target) in [
            ("data/plate/B/1", "../A/1"),
            ("data/plate/out", "../../elsewhere"),
            ("data/plate/A/1/sibling", "../../B"),
            ("data/plate/A/1/annexed", "../../../.git/annex/objects/x"),
            ("data/plate/round", "round"),
            ("data/plate/dangling", "../../nothing"),
            ("linked", "data/plate"),
        ] {
            symlink(target, at(link)).expect("a link");
        }
        let check = |base: &str, relative: &str, root: &str, expected: Option<Code>| {
            let found = follow_inside(&at(base), relative, &at(root));
            let code = found.as_ref().err().map(SourceError::code);
            assert_eq!(code, expected, "{relative}: {found:?}");
        };
        let plate = "data/plate";
        check(plate, "A/1/0", plate, None);
        check(plate, ".", plate, None);
        check(plate, "B/1/0", plate, None);
        check("linked", "B/1/0", "linked", None);
        check("data/plate/A/1", "sibling", plate, None);
        check(
            "data/plate/A/1",
            "sibling",
            "data/plate/A",
            Some(Code::UnsafePath),
        );
        check("data/plate/A/1", "annexed/0", plate, None);
        check(plate, "out", plate, Some(Code::UnsafePath));
        check(plate, "out/0", plate, Some(Code::UnsafePath));
        check("linked", "out/0", "linked", Some(Code::UnsafePath));
        // Nothing there: no error of this kind.
        check(plate, "round/0", plate, None);
        check(plate, "dangling", plate, None);
        check(plate, "none/0", plate, None);
        check(plate, "../plate", plate, Some(Code::UnsafePath));
        // The folder itself may be a link: a person, or a listing, chose it.
        check("data/plate/out", "0", plate, None);
        let error = follow_inside(&at(plate), "out/0", &at(plate)).expect_err("out");
        assert!(error.message().contains("elsewhere"), "{error}");
    }

    #[test]
    fn a_path_longer_than_any_system_takes_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = "a/".repeat(1_000_000);
        let error = follow_inside(folder.path(), &path, folder.path()).expect_err("too long");
        assert_eq!(error.code(), Code::TooLarge);
        let message = error.message();
        assert!(
            message.contains("2000000 bytes of a path where at most 4096"),
            "{message}"
        );
    }
}
