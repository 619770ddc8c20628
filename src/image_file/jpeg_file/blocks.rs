//! Blocks of a JPEG scan, passed over (ITU-T T.81, annexes F and G).

use super::{
    Refusal,
    bits::{Bits, Table},
    walk::{BLOCK, Band, bad},
};

/// The first coefficient: how many bits its difference has, and these.
pub(super) fn pass_first(bits: &mut Bits<'_>, table: &Table) -> Result<(), Refusal> {
    let length = bits.symbol(table)?;
    if length > 16 {
        return Err(bad("code"));
    }
    bits.skip(length)
}

/// A block of an image that is not progressive.
pub(super) fn pass_block(bits: &mut Bits<'_>, dc: &Table, ac: &Table) -> Result<(), Refusal> {
    pass_first(bits, dc)?;
    let mut at = 1;
    while at < BLOCK {
        let symbol = bits.symbol(ac)?;
        let (zeros, length) = (symbol >> 4, symbol & 15);
        if length == 0 && zeros < 15 {
            break;
        }
        at += zeros + 1;
        if at > BLOCK {
            return Err(bad("code"));
        }
        bits.skip(length)?;
    }
    Ok(())
}

/// Coefficients of a band for the first time; notes those that are not zero.
pub(super) fn pass_new(
    bits: &mut Bits<'_>,
    table: &Table,
    band: &Band,
    mask: &mut u64,
    num_ended: &mut u32,
) -> Result<(), Refusal> {
    if *num_ended > 0 {
        *num_ended -= 1;
        return Ok(());
    }
    let mut at = band.from;
    while at <= band.to {
        let symbol = bits.symbol(table)?;
        let (zeros, length) = (symbol >> 4, symbol & 15);
        if length == 0 && zeros < 15 {
            // This block, and so many after it.
            *num_ended = (1 << zeros) + bits.number(zeros)? - 1;
            break;
        }
        at += zeros;
        if length > 0 {
            if at > band.to {
                return Err(bad("code"));
            }
            *mask |= 1 << at;
            bits.skip(length)?;
        }
        at += 1;
    }
    Ok(())
}

/// A further bit of coefficients of a band, and those that were zero before it.
pub(super) fn pass_refined(
    bits: &mut Bits<'_>,
    table: &Table,
    band: &Band,
    mask: &mut u64,
    num_ended: &mut u32,
) -> Result<(), Refusal> {
    let mut at = band.from;
    while *num_ended == 0 && at <= band.to {
        let symbol = bits.symbol(table)?;
        let (mut zeros, length) = (symbol >> 4, symbol & 15);
        if length == 0 && zeros < 15 {
            *num_ended = (1 << zeros) + bits.number(zeros)?;
            break;
        }
        // The sign of a new one.
        bits.skip(length)?;
        while at <= band.to {
            if *mask >> at & 1 == 1 {
                bits.skip(1)?;
            } else if zeros == 0 {
                break;
            } else {
                zeros -= 1;
            }
            at += 1;
        }
        if length > 0 {
            if length > 1 || at > band.to {
                return Err(bad("code"));
            }
            *mask |= 1 << at;
        }
        at += 1;
    }
    if *num_ended > 0 {
        let rest = (*mask >> at) << at & (u64::MAX >> (63 - band.to));
        for _ in 0..rest.count_ones() {
            bits.skip(1)?;
        }
        *num_ended -= 1;
    }
    Ok(())
}
