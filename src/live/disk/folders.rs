//! Folders of image files, each file a FOV: one listing of a folder that changed tells which came and which are gone.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

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
        let dataset = known();
        let listed: Vec<(&Path, &[Entry])> = changed
            .iter()
            .map(|&at| (self.all[at].path.as_path(), self.all[at].entries.as_slice()))
            .collect();
        let fresh = formats::with_folders(&dataset, &listed);
        if self.is_searched {
            self.add_inner(&changed, &dataset.root);
        }
        fresh.map(|fresh| dataset.grown(fresh))
    }

    /// Watches the folders in some folders too. Links may lead in a circle, and are followed when the dataset is opened.
    fn add_inner(&mut self, changed: &[usize], root: &Path) {
        let is_meant = |entry: &&Entry| {
            entry.kind == Kind::Folder && !entry.is_link && !entry.name.starts_with('.')
        };
        let mut inner = Vec::new();
        for folder in changed.iter().map(|&at| &self.all[at]) {
            let below = folder.path.strip_prefix(root);
            if below.is_ok_and(|it| it.iter().count() < limits::SEARCH_DEPTH) {
                let folders = folder.entries.iter().filter(is_meant);
                inner.extend(folders.map(|entry| folder.path.join(&entry.name)));
            }
        }
        let known: HashSet<&Path> = self.all.iter().map(|it| it.path.as_path()).collect();
        inner.retain(|path| !known.contains(path.as_path()));
        inner.truncate(limits::SEARCH_FOLDERS.saturating_sub(self.all.len()));
        let inner = inner.into_iter();
        self.all
            .extend(inner.map(|path| Container::new(path, Vec::new())));
    }
}
