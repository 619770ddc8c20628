//! Samples of a strip or tile of a TIFF file: decompressed, with its predictor undone (TIFF 6.0, sections 9, 13 and 14;
//! Adobe's technical notes 2 and 3 for deflate and predictors of floating point).
//!
//! Beside the crate `tiff`, which reads on behind the bytes of a strip and leaves off where it has enough: so a checksum at
//! the end is looked at by chance, what goes on behind its last row is not noticed, and bits are never turned over
//! (`FillOrder`). Here a strip is exactly its bytes, and is read to its end.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use flate2::bufread::ZlibDecoder;
use tiff::{
    TiffError, TiffUnsupportedError,
    tags::{ByteOrder, CompressionMethod, Predictor},
};
use weezl::{BitOrder, LzwStatus, decode};

use crate::{image_file::Refusal, model::Code};

/// How the samples of a page are encoded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encoding {
    pub(super) method: CompressionMethod,
    pub(super) predictor: Predictor,
    /// The first pixel is in the lowest bit: all bytes have their bits turned over (`FillOrder` 2).
    pub(super) is_reversed: bool,
    pub(super) order: ByteOrder,
    /// Bytes of a sample.
    pub(super) size: usize,
    pub(super) is_float: bool,
    /// Samples of a pixel.
    pub(super) num_samples: usize,
}

impl Encoding {
    /// True where samples lie in the file as they are, but for the order of their bytes.
    pub(super) fn is_plain(&self) -> bool {
        self.method == CompressionMethod::None
            && self.predictor == Predictor::None
            && !self.is_reversed
    }

    /// Samples of whole rows, in the byte order of the machine. `num_spare` bytes may follow them: rows below the page.
    ///
    /// # Errors
    /// When the bytes give fewer samples, or more, or cannot be decoded.
    pub(super) fn decode(
        &self,
        encoded: impl BufRead,
        row_bytes: usize,
        num_spare: u64,
        target: &mut [u8],
    ) -> Result<(), Refusal> {
        if self.is_reversed {
            let turned = BufReader::new(Reversed(encoded));
            self.decompress(turned, num_spare, target)?;
        } else {
            self.decompress(encoded, num_spare, target)?;
        }
        self.undo_predictor(row_bytes, target)
    }

    fn decompress(
        &self,
        encoded: impl BufRead,
        num_spare: u64,
        target: &mut [u8],
    ) -> Result<(), Refusal> {
        match self.method {
            // What lies behind its rows is nobody's, and some writers count it.
            CompressionMethod::None => {
                let mut encoded = encoded;
                Ok(encoded.read_exact(target)?)
            }
            CompressionMethod::LZW => filled(Lzw::new(encoded), target, num_spare, is_no_end),
            CompressionMethod::PackBits => {
                filled(PackBits::new(encoded), target, num_spare, is_no_end)
            }
            CompressionMethod::Deflate | CompressionMethod::OldDeflate => {
                filled(ZlibDecoder::new(encoded), target, num_spare, |_| false)
            }
            CompressionMethod::ZSTD => {
                let decoder = zstd::stream::read::Decoder::with_buffer(encoded)?;
                filled(decoder, target, num_spare, |_| false)
            }
            method => {
                let inner = TiffUnsupportedError::UnsupportedCompressionMethod(method);
                Err(TiffError::UnsupportedError(inner).into())
            }
        }
    }

    fn undo_predictor(&self, row_bytes: usize, target: &mut [u8]) -> Result<(), Refusal> {
        let step = self.num_samples;
        match self.predictor {
            Predictor::FloatingPoint if self.is_float => {
                let mut encoded = vec![0; row_bytes];
                for row in target.chunks_exact_mut(row_bytes) {
                    encoded.copy_from_slice(row);
                    add_up::<1>(&mut encoded, step, |[a], [b]| [a.wrapping_add(b)]);
                    unshuffle(&encoded, self.size, row);
                }
            }
            Predictor::FloatingPoint => {
                let message = "TIFF with a predictor of floating point for whole numbers";
                return Err(Refusal::new(Code::Unsupported, message));
            }
            predictor => {
                to_native(target, self.size, self.order);
                if predictor == Predictor::Horizontal {
                    let rows = target.chunks_exact_mut(row_bytes);
                    rows.for_each(|row| undo_differences(row, self.size, step));
                }
            }
        }
        Ok(())
    }
}

/// Samples of that size as the machine has them.
pub(super) fn to_native(bytes: &mut [u8], size: usize, order: ByteOrder) {
    if order != ByteOrder::native() {
        for sample in bytes.chunks_exact_mut(size) {
            sample.reverse();
        }
    }
}

/// Fills the target, and looks what comes behind. `is_harmless`: such an error there means that nothing does.
fn filled(
    mut decoder: impl Read,
    target: &mut [u8],
    num_spare: u64,
    is_harmless: impl Fn(&io::Error) -> bool,
) -> Result<(), Refusal> {
    decoder.read_exact(target)?;
    match io::copy(&mut decoder.take(num_spare + 1), &mut io::sink()) {
        Ok(count) if count <= num_spare => Ok(()),
        Ok(_) => {
            let message = "a strip or tile of more samples than its size says";
            Err(Refusal::new(Code::CorruptData, message))
        }
        Err(error) if is_harmless(&error) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The code that ends it is missing, or no further one follows: some writers leave it out, and fill up with bytes.
fn is_no_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnexpectedEof | ErrorKind::InvalidData
    )
}

/// Bytes whose bits are in the other order.
struct Reversed<R>(R);

impl<R: Read> Read for Reversed<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(target)?;
        for byte in target.iter_mut().take(count) {
            *byte = byte.reverse_bits();
        }
        Ok(count)
    }
}

/// LZW with the most significant bit first, whose codes get longer one code early (section 13).
struct Lzw<R> {
    encoded: R,
    decoder: decode::Decoder,
}

impl<R: BufRead> Lzw<R> {
    fn new(encoded: R) -> Self {
        let configuration = decode::Configuration::with_tiff_size_switch(BitOrder::Msb, 8);
        Self {
            encoded,
            decoder: configuration.with_yield_on_full_buffer(true).build(),
        }
    }
}

impl<R: BufRead> Read for Lzw<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        loop {
            let found = self.decoder.decode_bytes(self.encoded.fill_buf()?, target);
            self.encoded.consume(found.consumed_in);
            match found.status {
                Ok(LzwStatus::Ok) if found.consumed_out == 0 && !target.is_empty() => {}
                Ok(LzwStatus::Ok | LzwStatus::Done) => return Ok(found.consumed_out),
                Ok(LzwStatus::NoProgress) => {
                    let message = "cut off before its end code";
                    return Err(io::Error::new(ErrorKind::UnexpectedEof, message));
                }
                Err(error) => return Err(io::Error::new(ErrorKind::InvalidData, error)),
            }
        }
    }
}

/// Runs of literal and of equal bytes (section 9).
struct PackBits<R> {
    encoded: R,
    /// Bytes of the run that are still to come.
    num_left: usize,
    /// `None`: they are literal.
    value: Option<u8>,
}

impl<R: BufRead> PackBits<R> {
    fn new(encoded: R) -> Self {
        Self {
            encoded,
            num_left: 0,
            value: None,
        }
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        let found = self.encoded.fill_buf()?.first().copied();
        self.encoded.consume(usize::from(found.is_some()));
        Ok(found)
    }

    /// Begins the next run; false at the end.
    fn next_run(&mut self) -> io::Result<bool> {
        let Some(head) = self.byte()? else {
            return Ok(false);
        };
        match head.cast_signed() {
            // Nothing.
            i8::MIN => {}
            count @ 0.. => {
                (self.num_left, self.value) = (usize::from(count.unsigned_abs()) + 1, None);
            }
            count => {
                let value = self.byte()?.ok_or(ErrorKind::UnexpectedEof)?;
                self.num_left = usize::from(count.unsigned_abs()) + 1;
                self.value = Some(value);
            }
        }
        Ok(true)
    }
}

impl<R: BufRead> Read for PackBits<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        while self.num_left == 0 {
            if !self.next_run()? {
                return Ok(0);
            }
        }
        let wanted = self.num_left.min(target.len());
        let target = &mut target[..wanted];
        let count = if let Some(value) = self.value {
            target.fill(value);
            wanted
        } else {
            match self.encoded.read(target)? {
                0 if wanted > 0 => return Err(ErrorKind::UnexpectedEof.into()),
                count => count,
            }
        };
        self.num_left -= count;
        Ok(count)
    }
}

/// Adds to each value the one so many values before it.
fn add_up<const SIZE: usize>(
    row: &mut [u8],
    step: usize,
    add: impl Fn([u8; SIZE], [u8; SIZE]) -> [u8; SIZE],
) {
    let values = row.as_chunks_mut::<SIZE>().0;
    for at in step..values.len() {
        values[at] = add(values[at], values[at - step]);
    }
}

/// Undoes `Predictor` 2 in a row.
fn undo_differences(row: &mut [u8], size: usize, step: usize) {
    match size {
        1 => add_up::<1>(row, step, |[a], [b]| [a.wrapping_add(b)]),
        2 => add_up(row, step, |a, b| {
            u16::from_ne_bytes(a)
                .wrapping_add(u16::from_ne_bytes(b))
                .to_ne_bytes()
        }),
        4 => add_up(row, step, |a, b| {
            u32::from_ne_bytes(a)
                .wrapping_add(u32::from_ne_bytes(b))
                .to_ne_bytes()
        }),
        _ => add_up(row, step, |a, b| {
            u64::from_ne_bytes(a)
                .wrapping_add(u64::from_ne_bytes(b))
                .to_ne_bytes()
        }),
    }
}

/// Puts the bytes of a row together that `Predictor` 3 keeps apart: the highest bytes of all samples come first.
fn unshuffle(encoded: &[u8], size: usize, row: &mut [u8]) {
    let num_samples = encoded.len() / size;
    for (at, sample) in row.chunks_exact_mut(size).enumerate() {
        for (byte, plane) in sample.iter_mut().zip(encoded.chunks_exact(num_samples)) {
            *byte = plane[at];
        }
        if cfg!(target_endian = "little") {
            sample.reverse();
        }
    }
}
