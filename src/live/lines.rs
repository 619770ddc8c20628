//! Lines of a stream, bounded: a line that is too long is refused when the bound is reached, not when it ends.

use std::io::{self, BufRead as _, BufReader, Read};

/// Bytes asked of the stream at once.
const READ_BYTES: usize = 1 << 16;
/// Room that is kept for the next line; that of a longer one is given back.
const KEPT_BYTES: usize = 1 << 20;

/// There is no further line.
#[derive(Debug)]
pub(super) enum NoLine {
    /// The stream ended; what stood before its end without a line end is not a line.
    Ended,
    /// The line is longer than asked for.
    TooLong,
    /// Reading failed, or ran out of time; what was read of the line is kept.
    Failed(io::Error),
}

/// Reads lines.
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    is_whole: bool,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(stream: R) -> Self {
        Self {
            reader: BufReader::with_capacity(READ_BYTES, stream),
            line: Vec::new(),
            is_whole: false,
        }
    }

    pub(super) fn stream(&self) -> &R {
        self.reader.get_ref()
    }

    /// The next line without its end, of at most `limit` bytes. Blocks; `before_read` may set how long.
    pub(super) fn next(
        &mut self,
        limit: usize,
        mut before_read: impl FnMut(&R) -> io::Result<()>,
    ) -> Result<&[u8], NoLine> {
        if self.is_whole {
            self.is_whole = false;
            self.line.clear();
            self.line.shrink_to(KEPT_BYTES);
        }
        while !self.is_whole {
            if self.reader.buffer().is_empty() {
                before_read(self.reader.get_ref()).map_err(NoLine::Failed)?;
            }
            let read = match self.reader.fill_buf() {
                Ok([]) => return Err(NoLine::Ended),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(NoLine::Failed(error)),
            };
            let end = read.iter().position(|&byte| byte == b'\n');
            let piece = &read[..end.unwrap_or(read.len())];
            let length = self.line.len() + piece.len();
            if length > limit {
                return Err(NoLine::TooLong);
            }
            if length > self.line.capacity() {
                // Doubling, but never beyond the limit.
                let room = length.max(self.line.capacity() * 2).min(limit);
                self.line.reserve_exact(room - self.line.len());
            }
            self.line.extend_from_slice(piece);
            self.is_whole = end.is_some();
            let used = piece.len() + usize::from(self.is_whole);
            self.reader.consume(used);
        }
        Ok(&self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_without_their_end_and_a_half_one_never() {
        let mut lines = Lines::new(&b"one\n\ntwo\r\nhal"[..]);
        let mut next = || {
            lines
                .next(10, |_| Ok(()))
                .map(|line| String::from_utf8(line.to_vec()).unwrap())
        };
        assert_eq!(next().unwrap(), "one");
        assert_eq!(next().unwrap(), "");
        assert_eq!(next().unwrap(), "two\r");
        assert!(matches!(next(), Err(NoLine::Ended)));
    }

    #[test]
    fn a_line_without_end_is_refused_at_its_bound() {
        let mut lines = Lines::new(std::io::repeat(b'x'));
        assert!(matches!(
            lines.next(1 << 20, |_| Ok(())),
            Err(NoLine::TooLong)
        ));
        assert!(lines.line.capacity() <= 1 << 20);
    }
}
