//! The directories of a file one after the other, followed once and then on from the last one.

use std::collections::HashSet;

use super::{Directories, Directory};
use crate::{image_file::ImageFileError, model::limits};

/// The pages of one file that may grow, in the order of its chain.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    offsets: Vec<u64>,
    seen: HashSet<u64>,
}

impl Chain {
    /// A chain that was gone through before.
    #[cfg(test)]
    pub(in crate::image_file) fn of(offsets: Vec<u64>) -> Self {
        Self {
            seen: offsets.iter().copied().collect(),
            offsets,
        }
    }

    /// Where the directories lie that were gone through.
    #[must_use]
    pub fn offsets(&self) -> &[u64] {
        &self.offsets
    }

    /// Follows the chain on from where it ended. `visit` is shown each further directory that is wholly in the file;
    /// where it answers false the page is not there yet, and the chain ends before it for now. So it does at
    /// [`limits::PAGES`], and where it comes back to itself. True where it was gone through to its end.
    ///
    /// # Errors
    /// When the file cannot be read, a directory is beyond the budgets, or `visit` fails.
    pub fn follow(
        &mut self,
        file: &mut Directories,
        mut visit: impl FnMut(&mut Directories, &Directory) -> Result<bool, ImageFileError>,
    ) -> Result<bool, ImageFileError> {
        let mut next = match self.offsets.last() {
            Some(&last) => file.read(last)?.and_then(|directory| directory.next),
            None => file.first(),
        };
        while let Some(offset) = next {
            if self.offsets.len() >= limits::PAGES || self.seen.contains(&offset) {
                return Ok(false);
            }
            let Some(directory) = file.read(offset)? else {
                return Ok(false);
            };
            if !visit(file, &directory)? {
                return Ok(false);
            }
            self.seen.insert(offset);
            self.offsets.push(offset);
            next = directory.next;
        }
        Ok(true)
    }
}
