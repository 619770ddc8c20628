//! The files that a document names beside its own.

use std::path::{Path, PathBuf};

use super::{file_name, is_companion_name};
use crate::{
    formats::probe::below,
    metadata::ome_xml::PlaneTable,
    model::{Code, Problem},
    source::{self, Kind},
};

/// What lies under the name of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum There {
    File,
    /// A folder, which an empty name leads to, or anything else.
    NoFile,
    Nothing,
}

fn what_is(path: &Path) -> There {
    match source::stat(path) {
        Ok(Some(found)) if found.kind == Kind::File => There::File,
        Ok(Some(_)) => There::NoFile,
        Ok(None) | Err(_) => There::Nothing,
    }
}

/// Where the files lie that a document names; `None` for those outside of its folder, and for what is no file.
pub(super) fn of(
    table: &PlaneTable,
    path: &Path,
    problems: &mut Vec<Problem>,
) -> Vec<Option<PathBuf>> {
    let names = table.files.as_slice();
    let folder = path.parent().unwrap_or(path);
    let mut others = Vec::with_capacity(names.len());
    let mut missing = Vec::new();
    for name in names {
        let found = match source::follow_inside(folder, name, folder) {
            Ok(found) => found,
            Err(error) => {
                let message = error.message();
                problems.push(Problem::new(error.code(), file_name(path), message));
                others.push(None);
                continue;
            }
        };
        let there = what_is(&found);
        if found != path && there != There::File {
            missing.push((name, found.clone(), there));
        }
        others.push((there != There::NoFile).then_some(found));
    }
    // A file that was renamed still says its old name; a companion file holds no planes whatever it is called.
    let may_hold_planes = !table.names_own_file() && !is_companion_name(&file_name(path));
    if let ([only], [_], true) = (names, missing.as_slice(), may_hold_planes) {
        let message = format!("its OME-XML calls it {only:?}; taken as this file");
        problems.push(Problem::new(Code::Ignored, file_name(path), message));
        return vec![Some(path.to_path_buf())];
    }
    problems.extend(missing.into_iter().map(|(name, absent, there)| {
        if there == There::NoFile {
            let message =
                format!("its OME-XML names {name:?}, which is no file: its planes are missing");
            return Problem::new(Code::MissingArray, file_name(path), message);
        }
        let message = "named in the OME-XML, not on disk: its planes are missing";
        Problem::new(Code::MissingArray, below(folder, &absent), message)
    }));
    others
}
