//! The header of a TIFF file (TIFF 6.0 section 2, `BigTIFF`), and how it writes numbers.

/// How numbers and directories of a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::image_file) struct Layout {
    pub(super) is_big: bool,
    is_big_endian: bool,
}

impl Layout {
    /// Of a file that begins so; `None`: no TIFF file.
    pub(in crate::image_file) fn of(head: &[u8]) -> Option<Self> {
        let (is_big, is_big_endian) = match head.get(..4)? {
            b"II*\0" => (false, false),
            b"MM\0*" => (false, true),
            b"II+\0" => (true, false),
            b"MM\0+" => (true, true),
            _ => return None,
        };
        Some(Self {
            is_big,
            is_big_endian,
        })
    }

    /// Where the header says in which byte the first directory begins, and in how many bytes.
    pub(super) fn first_at(self) -> (usize, usize) {
        if self.is_big { (8, 8) } else { (4, 4) }
    }

    pub(super) fn number(self, bytes: &[u8]) -> u64 {
        let shifted = |sum: u64, &byte: &u8| sum << 8 | u64::from(byte);
        if self.is_big_endian {
            bytes.iter().fold(0, shifted)
        } else {
            bytes.iter().rev().fold(0, shifted)
        }
    }

    /// A number of up to 8 bytes as the file would write it.
    pub(super) fn bytes(self, number: u64, size: usize) -> Vec<u8> {
        if self.is_big_endian {
            number.to_be_bytes()[8 - size.min(8)..].to_vec()
        } else {
            number.to_le_bytes()[..size.min(8)].to_vec()
        }
    }

    /// The header of the same file with another first directory; `None` where it does not fit into one.
    pub(super) fn head_with_first(self, head: &[u8], first: u64) -> Option<Vec<u8>> {
        let (at, length) = self.first_at();
        let mut head = head.get(..at + length)?.to_vec();
        if !self.is_big && u32::try_from(first).is_err() {
            return None;
        }
        head[at..].copy_from_slice(&self.bytes(first, length));
        Some(head)
    }
}
