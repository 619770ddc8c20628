//! Folders of image files, each file a FOV: one listing of a folder that changed tells which came and which are gone.

use std::path::{Path, PathBuf};

use super::growth::Container;
use crate::{
    dataset::Dataset,
    formats::{self, Surroundings},
    model::limits,
    source::{Entry, Kind},
};

/// Folders that are looked at each time; the others take turns.
const FOLDERS_PER_LOOK: usize = 64;

/// The folders of one dataset.
#[derive(Default)]
pub(super) struct Folders {
    all: Vec<Container>,
    /// Files in folders that appear below belong to it too.
    is_searched: bool,
    turn: usize,
}

impl Folders {
    /// Watches the folders of image files around a dataset. What lies in them is taken as new at the first look.
    pub(super) fn of(surroundings: &Surroundings) -> Self {
        let folders = surroundings.image_folders.iter();
        Self {
            all: folders
                .map(|folder| Container::new(folder.clone(), Vec::new()))
                .collect(),
            is_searched: surroundings.is_searched,
            turn: 0,
        }
    }

    /// The folders, the outer ones first.
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.all.iter().map(|folder| &folder.path)
    }

    /// Looks at the folders; the grown dataset where files came or are gone.
    pub(super) fn look(&mut self, known: impl FnOnce() -> Dataset) -> Option<Dataset> {
        let count = self.all.len();
        let changed: Vec<usize> = (0..count.min(FOLDERS_PER_LOOK))
            .map(|at| (self.turn + at) % count)
            .filter(|&at| self.all[at].look())
            .collect();
        self.turn = (self.turn + FOLDERS_PER_LOOK) % count.max(1);
        if changed.is_empty() {
            return None;
        }
        let mut dataset = known();
        let mut has_grown = false;
        for at in changed {
            if self.is_searched {
                self.add_inner(at, &dataset.root);
            }
            let folder = &self.all[at];
            if let Some(fresh) = formats::with_folder(&dataset, &folder.path, &folder.entries) {
                dataset = dataset.grown(fresh);
                has_grown = true;
            }
        }
        has_grown.then_some(dataset)
    }

    /// Watches the folders in a folder too. Links may lead in a circle, and are followed when the dataset is opened.
    fn add_inner(&mut self, at: usize, root: &Path) {
        let folder = &self.all[at];
        let depth = folder
            .path
            .strip_prefix(root)
            .map_or(0, |it| it.iter().count());
        if depth >= limits::SEARCH_DEPTH {
            return;
        }
        let is_meant = |entry: &&Entry| {
            entry.kind == Kind::Folder && !entry.is_link && !entry.name.starts_with('.')
        };
        let inner = folder.entries.iter().filter(is_meant);
        let inner: Vec<PathBuf> = inner.map(|entry| folder.path.join(&entry.name)).collect();
        for path in inner {
            let is_known = self.all.iter().any(|known| known.path == path);
            if !is_known && self.all.len() < limits::SEARCH_FOLDERS {
                self.all.push(Container::new(path, Vec::new()));
            }
        }
    }
}
