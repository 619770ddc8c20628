//! A JPEG file from segment to segment and from block to block, to see whether all of it is there.
//!
//! Blocks are passed over, not decoded: that takes their Huffman codes, the number of bits behind each, and in scans that
//! refine a progressive image which coefficients are not zero (ITU-T T.81, annexes F and G).

use std::ops::Range;

use super::{
    Frame, Refusal,
    bits::{Bits, Table},
    blocks::{pass_block, pass_first, pass_new, pass_refined},
};
use crate::model::{Code, limits};

/// Coefficients of a block.
pub(super) const BLOCK: u8 = 64;

/// What a file has instead of something else.
pub(super) fn bad(what: &str) -> Refusal {
    Refusal::new(
        Code::CorruptData,
        format!("cannot be decoded (a JPEG with a bad {what})"),
    )
}

/// The file ends, or a marker stands, before all is there.
pub(super) fn cut_off() -> Refusal {
    let message = "cut off: not all of its pixels are there";
    Refusal::new(Code::CorruptData, message)
}

/// A marker and what belongs to it.
pub(super) struct Segment<'a> {
    pub(super) marker: u8,
    /// Without its length.
    pub(super) body: &'a [u8],
    /// All of it in the file.
    pub(super) range: Range<usize>,
}

impl<'a> Segment<'a> {
    const END: u8 = 0xd9;
    const SCAN: u8 = 0xda;

    /// The next one from a place in the file on; `None` where the file ends before its end.
    pub(super) fn next(data: &'a [u8], mut at: usize) -> Option<Self> {
        // What lies between segments is passed over, as by other readers.
        let marker = loop {
            match data.get(at..at + 2)? {
                &[0xff, marker @ 1..=0xfe] => break marker,
                _ => at += 1,
            }
        };
        let has_body = !matches!(marker, 0x01 | 0xd0..=0xd9);
        let length = if has_body {
            let &[high, low] = data.get(at + 2..at + 4)? else {
                return None;
            };
            usize::from(u16::from_be_bytes([high, low])).max(2)
        } else {
            0
        };
        let end = at + 2 + length;
        let body = if has_body {
            data.get(at + 4..end)?
        } else {
            &[]
        };
        Some(Self {
            marker,
            body,
            range: at..end,
        })
    }

    /// No frame header follows.
    pub(super) fn is_end(&self) -> bool {
        matches!(self.marker, Self::END | Self::SCAN)
    }
}

/// The parts of a file that a decoder needs, in order, where all is there.
///
/// # Errors
/// When the file ends, or a scan does, before all blocks of all components were given in full; when something in it cannot
/// be.
pub(super) fn needed(data: &[u8]) -> Result<Vec<Range<usize>>, Refusal> {
    let mut walk = Walk::default();
    let begin = 0..2;
    let (mut at, mut num_scans, mut has) = (begin.end, 0, [false; 2]);
    let mut parts = vec![begin];
    while let Some(segment) = Segment::next(data, at) {
        at = segment.range.end;
        match segment.marker {
            0xc4 => walk.add_tables(segment.body)?,
            // Tables of quantization; the decoder looks at them.
            0xdb => {}
            0xdd => walk.set_restart(segment.body)?,
            // How colours are meant (JFIF, Adobe): the first one counts.
            0xe0 | 0xee => {
                if std::mem::replace(&mut has[usize::from(segment.marker == 0xee)], true) {
                    continue;
                }
            }
            Segment::SCAN => {
                num_scans += 1;
                if num_scans > limits::JPEG_SCANS {
                    let most = limits::JPEG_SCANS;
                    let message = format!("a JPEG of more than {most} scans");
                    return Err(Refusal::new(Code::TooLarge, message));
                }
                at = walk.pass_scan(&segment, data)?;
            }
            Segment::END => {
                parts.push(segment.range);
                return walk.is_complete().then_some(parts).ok_or_else(cut_off);
            }
            _ => match Frame::of(&segment)? {
                Some(frame) => walk.begin(frame)?,
                None => continue,
            },
        }
        parts.push(segment.range.start..at);
    }
    Err(cut_off())
}

/// A component in a scan, and the numbers of its tables.
struct Part {
    component: usize,
    dc: usize,
    ac: usize,
}

/// What a scan gives: coefficients `from..=to`, all but their `low` last bits; `high`: but one of these was there before.
pub(super) struct Band {
    pub(super) from: u8,
    pub(super) to: u8,
    pub(super) high: u8,
    pub(super) low: u8,
}

/// What was seen so far.
#[derive(Default)]
struct Walk {
    /// Tables of first coefficients, and of all others.
    tables: [[Option<Table>; 4]; 2],
    /// Units between restart markers; 0: there are none.
    restart: u32,
    frame: Option<Frame>,
    /// For each component and coefficient: how many of its last bits are still to come.
    missing: Vec<[Option<u8>; BLOCK as usize]>,
    /// For each component and block of a progressive image: the coefficients that are not zero.
    masks: Vec<Vec<u64>>,
}

impl Walk {
    fn begin(&mut self, frame: Frame) -> Result<(), Refusal> {
        if self.frame.is_some() || frame.width == 0 || frame.height == 0 {
            return Err(bad("frame header"));
        }
        self.missing = vec![[None; BLOCK as usize]; frame.components.len()];
        self.masks = vec![Vec::new(); frame.components.len()];
        self.frame = Some(frame);
        Ok(())
    }

    fn add_tables(&mut self, mut body: &[u8]) -> Result<(), Refusal> {
        while let Some((&[place, ref counts @ ..], rest)) = body.split_first_chunk::<17>() {
            let length = counts.iter().map(|&count| usize::from(count)).sum();
            let (symbols, rest) = rest.split_at_checked(length).ok_or_else(|| bad("table"))?;
            let tables = self.tables.get_mut(usize::from(place >> 4));
            let table = tables.and_then(|tables| tables.get_mut(usize::from(place & 15)));
            *table.ok_or_else(|| bad("table"))? = Some(Table::new(*counts, symbols)?);
            body = rest;
        }
        if body.is_empty() {
            Ok(())
        } else {
            Err(bad("table"))
        }
    }

    fn set_restart(&mut self, body: &[u8]) -> Result<(), Refusal> {
        let &[high, low] = body else {
            return Err(bad("restart interval"));
        };
        self.restart = u32::from(u16::from_be_bytes([high, low]));
        Ok(())
    }

    fn is_complete(&self) -> bool {
        let mut all = self.missing.iter().flatten();
        !self.missing.is_empty() && all.all(|missing| *missing == Some(0))
    }

    /// Where the scan ends that begins with that segment.
    fn pass_scan(&mut self, segment: &Segment<'_>, data: &[u8]) -> Result<usize, Refusal> {
        let frame = self.frame.clone().ok_or_else(|| bad("order of segments"))?;
        let (parts, band) = scan_of(&frame, segment.body)?;
        let mut bits = Bits::new(data, segment.range.end);
        if !frame.is_progressive {
            self.pass_units(&frame, &parts, &mut bits, |bits, dc, ac| {
                pass_block(bits, dc.ok_or_else(no_table)?, ac.ok_or_else(no_table)?)
            })?;
        } else if band.from == 0 && band.high == 0 {
            self.pass_units(&frame, &parts, &mut bits, |bits, dc, _| {
                pass_first(bits, dc.ok_or_else(no_table)?)
            })?;
        } else if band.from == 0 {
            self.pass_units(&frame, &parts, &mut bits, |bits, _, _| bits.skip(1))?;
        } else {
            self.pass_band(&frame, &parts, &band, &mut bits)?;
        }
        let (before, after) = match (frame.is_progressive, band.high) {
            (false, _) => (None, 0),
            (true, 0) => (None, band.low),
            (true, high) => (Some(high), band.low),
        };
        for part in &parts {
            let missing = &mut self.missing[part.component];
            let given = &mut missing[usize::from(band.from)..=usize::from(band.to)];
            if given.iter().any(|missing| *missing != before) {
                return Err(bad("order of scans"));
            }
            given.fill(Some(after));
        }
        bits.end()
    }

    /// Units of one block of a single component, or of some of each of several.
    fn pass_units(
        &self,
        frame: &Frame,
        parts: &[Part],
        bits: &mut Bits<'_>,
        pass: impl Fn(&mut Bits<'_>, Option<&Table>, Option<&Table>) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let num_units = num_units(frame, parts);
        let mut restarts = Restarts::new(self.restart);
        for _ in 0..num_units {
            restarts.before_unit(bits)?;
            for part in parts {
                let component = frame.components[part.component];
                let num_blocks = if parts.len() == 1 {
                    1
                } else {
                    component.across * component.down
                };
                let [dc, ac] = &self.tables;
                for _ in 0..num_blocks {
                    pass(bits, dc[part.dc].as_ref(), ac[part.ac].as_ref())?;
                }
            }
        }
        Ok(())
    }

    /// Coefficients behind the first of the only component of a progressive scan.
    fn pass_band(
        &mut self,
        frame: &Frame,
        parts: &[Part],
        band: &Band,
        bits: &mut Bits<'_>,
    ) -> Result<(), Refusal> {
        let [part] = parts else {
            return Err(bad("scan header"));
        };
        let table = self.tables[1][part.ac].as_ref().ok_or_else(no_table)?;
        let masks = &mut self.masks[part.component];
        masks.resize(num_units(frame, parts) as usize, 0);
        let mut restarts = Restarts::new(self.restart);
        // Blocks that have nothing more in this band.
        let mut num_ended = 0;
        for mask in masks {
            if restarts.before_unit(bits)? {
                num_ended = 0;
            }
            if band.high == 0 {
                pass_new(bits, table, band, mask, &mut num_ended)?;
            } else {
                pass_refined(bits, table, band, mask, &mut num_ended)?;
            }
        }
        Ok(())
    }
}

fn no_table() -> Refusal {
    bad("scan, whose table is not there")
}

/// Counts units between restart markers.
struct Restarts {
    interval: u32,
    left: u32,
    number: u8,
}

impl Restarts {
    fn new(interval: u32) -> Self {
        Self {
            interval,
            left: interval,
            number: 0,
        }
    }

    /// True where a marker was passed.
    fn before_unit(&mut self, bits: &mut Bits<'_>) -> Result<bool, Refusal> {
        if self.interval == 0 {
            return Ok(false);
        }
        if self.left > 0 {
            self.left -= 1;
            return Ok(false);
        }
        bits.restart(self.number)?;
        self.number = (self.number + 1) % 8;
        self.left = self.interval - 1;
        Ok(true)
    }
}

fn scan_of(frame: &Frame, body: &[u8]) -> Result<(Vec<Part>, Band), Refusal> {
    let header = || bad("scan header");
    let (&count, rest) = body.split_first().ok_or_else(header)?;
    let (parts, rest) = rest
        .split_at_checked(2 * usize::from(count))
        .ok_or_else(header)?;
    let &[from, to, bits, ..] = rest else {
        return Err(header());
    };
    let mut found = Vec::new();
    for &[id, tables] in parts.as_chunks::<2>().0 {
        let component = frame.components.iter().position(|known| known.id == id);
        let (dc, ac) = (usize::from(tables >> 4), usize::from(tables & 15));
        let component = component.filter(|_| dc < 4 && ac < 4).ok_or_else(header)?;
        found.push(Part { component, dc, ac });
    }
    let band = if frame.is_progressive {
        Band {
            from,
            to,
            high: bits >> 4,
            low: bits & 15,
        }
    } else {
        Band {
            from: 0,
            to: BLOCK - 1,
            high: 0,
            low: 0,
        }
    };
    // The first coefficient has scans of its own, and only it may be that of several components.
    let is_band = !frame.is_progressive || (from == 0) == (to == 0) && (to == 0 || count == 1);
    if found.is_empty() || band.from > band.to || band.to >= BLOCK || !is_band {
        return Err(header());
    }
    Ok((found, band))
}

/// Units of a scan: blocks that have pixels where it is of one component, else blocks that belong together.
fn num_units(frame: &Frame, parts: &[Part]) -> u64 {
    let most = |side: fn(&super::Component) -> u32| frame.components.iter().map(side).max();
    let across = most(|it| it.across).unwrap_or(1);
    let down = most(|it| it.down).unwrap_or(1);
    let (columns, rows) = match parts {
        [part] => {
            let component = frame.components[part.component];
            (
                (frame.width * component.across)
                    .div_ceil(across)
                    .div_ceil(8),
                (frame.height * component.down).div_ceil(down).div_ceil(8),
            )
        }
        _ => (
            frame.width.div_ceil(8 * across),
            frame.height.div_ceil(8 * down),
        ),
    };
    u64::from(columns) * u64::from(rows)
}
