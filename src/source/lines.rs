//! Bytes of a file that go to lines which lie apart in memory: in one call of the system, and without a copy in between.

use std::io;

use super::{OpenFile, SourceError};
use crate::model::while_waiting;

impl OpenFile {
    /// Fills the lines, one after the other, with the bytes from `offset` on. Several threads may do so at once.
    ///
    /// # Errors
    /// As [`Self::read_range`], for the bytes of all lines.
    pub fn read_lines<'a>(
        &self,
        offset: u64,
        lines: impl Iterator<Item = &'a mut [u8]>,
    ) -> Result<(), SourceError> {
        let mut lines: Vec<_> = lines.map(io::IoSliceMut::new).collect();
        let num_bytes = lines
            .iter()
            .fold(0, |sum: u64, line| sum.saturating_add(line.len() as u64));
        self.check_range(offset, num_bytes)?;
        while_waiting(|| read_exact_lines_at(&self.file, offset, &mut lines))
            .map_err(|error| SourceError::io(error, &self.path))
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn read_exact_lines_at(
    file: &std::fs::File,
    mut offset: u64,
    mut lines: &mut [io::IoSliceMut<'_>],
) -> io::Result<()> {
    /// More are refused (`IOV_MAX` of Linux and macOS).
    const MAX_LINES: usize = 1024;
    // Of empty lines nothing is read, which would look like the end of the file.
    io::IoSliceMut::advance_slices(&mut lines, 0);
    while !lines.is_empty() {
        let most = lines.len().min(MAX_LINES);
        match rustix::io::preadv(file, &mut lines[..most], offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(num_read) => {
                offset += num_read as u64;
                io::IoSliceMut::advance_slices(&mut lines, num_read);
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn read_exact_lines_at(
    file: &std::fs::File,
    mut offset: u64,
    lines: &mut [io::IoSliceMut<'_>],
) -> io::Result<()> {
    for line in lines {
        super::read_exact_at(file, offset, line)?;
        offset += line.len() as u64;
    }
    Ok(())
}
