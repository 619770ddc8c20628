//! Which page of an image file.

/// Which page of a TIFF file; other image files have only the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PageAt {
    /// Counted from 0 along the chain of directories, which is gone through up to it.
    Idx(u32),
    /// By the place of its directory in the file, in bytes.
    Offset(u64),
}

impl Default for PageAt {
    fn default() -> Self {
        Self::Idx(0)
    }
}
