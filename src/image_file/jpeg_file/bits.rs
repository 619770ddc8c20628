//! Huffman codes of a JPEG scan (ITU-T T.81, annex F.2.2).

use super::{
    Refusal,
    walk::{bad, cut_off},
};

/// Codes up to so many bits are found at once.
const QUICK_BITS: u32 = 9;
/// The longest code.
const MOST_BITS: usize = 16;
/// Bytes that some cameras leave between a scan and its end.
const SPARE_BYTES: u32 = 16;

/// A Huffman table.
pub(super) struct Table {
    /// By the next bits: length of a code in them, and its symbol. Length 0: it is a longer one.
    quick: Box<[(u8, u8); 1 << QUICK_BITS]>,
    /// By length: the code after the last one, filled up to 16 bits; 0 where there is none.
    ends: [u32; MOST_BITS + 1],
    /// By length: the first code, and the number of its symbol.
    firsts: [(u32, u32); MOST_BITS + 1],
    symbols: Vec<u8>,
}

impl Table {
    /// Of how many codes there are of each length, and all symbols in their order.
    pub(super) fn new(counts: [u8; MOST_BITS], symbols: &[u8]) -> Result<Self, Refusal> {
        let mut table = Self {
            quick: Box::new([(0, 0); 1 << QUICK_BITS]),
            ends: [0; MOST_BITS + 1],
            firsts: [(0, 0); MOST_BITS + 1],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut number) = (0, 0);
        for (length, count) in (1..).zip(counts) {
            table.firsts[length as usize] = (code, number);
            for _ in 0..count {
                let symbol = *symbols.get(number as usize).ok_or_else(|| bad("table"))?;
                if code >> length != 0 {
                    return Err(bad("table"));
                }
                if length <= QUICK_BITS {
                    let from = (code << (QUICK_BITS - length)) as usize;
                    let same = 1 << (QUICK_BITS - length);
                    table.quick[from..from + same].fill((length as u8, symbol));
                }
                code += 1;
                number += 1;
            }
            if count > 0 {
                table.ends[length as usize] = code << (MOST_BITS as u32 - length);
            }
            code <<= 1;
        }
        Ok(table)
    }

    /// Length and symbol of the code at the beginning of 16 bits.
    fn look(&self, bits: u32) -> Result<(u32, u8), Refusal> {
        let (length, symbol) = self.quick[(bits >> (MOST_BITS as u32 - QUICK_BITS)) as usize];
        if length > 0 {
            return Ok((u32::from(length), symbol));
        }
        for length in QUICK_BITS + 1..=MOST_BITS as u32 {
            if bits < self.ends[length as usize] {
                let (first, number) = self.firsts[length as usize];
                let code = bits >> (MOST_BITS as u32 - length);
                let at = code.checked_sub(first).map(|from| from + number);
                let symbol = at.and_then(|at| self.symbols.get(at as usize));
                return Ok((length, *symbol.ok_or_else(|| bad("code"))?));
            }
        }
        Err(bad("code"))
    }
}

/// The bits of a scan, up to a marker.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    /// The first byte that is not in the buffer.
    at: usize,
    /// The next bits, the first one on top.
    buffer: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8], at: usize) -> Self {
        Self {
            data,
            at,
            buffer: 0,
            count: 0,
        }
    }

    /// Length of the next byte in the file (a `0xff` has a 0 behind it), and the byte; `None` before a marker or the end.
    fn next_byte(&self) -> Option<(usize, u8)> {
        match *self.data.get(self.at)? {
            0xff => (self.data.get(self.at + 1) == Some(&0)).then_some((2, 0xff)),
            byte => Some((1, byte)),
        }
    }

    fn fill(&mut self) {
        while self.count <= 56
            && let Some((length, byte)) = self.next_byte()
        {
            self.at += length;
            self.buffer |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    fn pass(&mut self, count: u32) -> Result<(), Refusal> {
        if count > self.count {
            self.fill();
            if count > self.count {
                return Err(cut_off());
            }
        }
        self.buffer <<= count;
        self.count -= count;
        Ok(())
    }

    /// The next symbol of a table.
    pub(super) fn symbol(&mut self, table: &Table) -> Result<u8, Refusal> {
        if self.count < MOST_BITS as u32 {
            self.fill();
        }
        // What is no code may be one that is cut off.
        let found = table.look((self.buffer >> 48) as u32);
        let is_cut = found.is_err() && self.count < MOST_BITS as u32;
        let (length, symbol) = if is_cut { Err(cut_off()) } else { found }?;
        self.pass(length)?;
        Ok(symbol)
    }

    /// Passes over up to 16 bits.
    pub(super) fn skip(&mut self, count: u8) -> Result<(), Refusal> {
        self.pass(u32::from(count))
    }

    /// The next bits as a number, up to 16.
    pub(super) fn number(&mut self, count: u8) -> Result<u32, Refusal> {
        if count == 0 {
            return Ok(0);
        }
        if self.count < u32::from(count) {
            self.fill();
        }
        let number = (self.buffer >> (64 - u32::from(count))) as u32;
        self.pass(u32::from(count))?;
        Ok(number)
    }

    /// Where the marker behind these bits begins; what is left of their last byte is padding.
    pub(super) fn end(&mut self) -> Result<usize, Refusal> {
        let mut num_spare = self.count / 8;
        while let Some((length, _)) = self.next_byte() {
            self.at += length;
            num_spare += 1;
            if num_spare > SPARE_BYTES {
                break;
            }
        }
        if num_spare > SPARE_BYTES {
            return Err(bad("scan, which goes on behind its last block"));
        }
        if self.at + 1 >= self.data.len() {
            return Err(cut_off());
        }
        Ok(self.at)
    }

    /// Goes on behind the restart marker of that number.
    pub(super) fn restart(&mut self, number: u8) -> Result<(), Refusal> {
        let at = self.end()?;
        let rest = &self.data[at..];
        let fill = rest.iter().take_while(|&&byte| byte == 0xff).count();
        if rest.get(fill) != Some(&(0xd0 + number)) {
            return Err(cut_off());
        }
        *self = Self::new(self.data, at + fill + 1);
        Ok(())
    }
}
