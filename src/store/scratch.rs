//! Blocks of memory that chunks are read into on their way to a tile, kept from one to the next: fresh memory costs a page
//! fault each 4 KiB. All threads share them, so that there are as many as were in use at once, and none for long where
//! nothing is read any more.

use memmap2::MmapMut;
use parking_lot::Mutex;

/// Bytes of blocks that are kept; where they are larger, decoding takes so long that fresh ones count for little.
const MAX_KEPT_BYTES: usize = 16 << 20;
/// Blocks have a multiple of this size, so that one fits chunks of about the same length.
const STEP_BYTES: usize = 1 << 18;

/// Straight from the system: an allocator keeps what it is given back.
static KEPT: Mutex<Vec<MmapMut>> = Mutex::new(Vec::new());

/// Lends `len` bytes of whatever content; a nested call gets another block.
pub(super) fn with_scratch<R>(len: usize, body: impl FnOnce(&mut [u8]) -> R) -> R {
    let kept = KEPT.lock().pop().filter(|kept| kept.len() >= len);
    let Some(mut block) = kept.or_else(|| map(len)) else {
        return body(&mut vec![0; len]);
    };
    let result = body(&mut block[..len]);
    let mut kept = KEPT.lock();
    let num_kept: usize = kept.iter().map(|other| other.len()).sum();
    if num_kept + block.len() <= MAX_KEPT_BYTES {
        kept.push(block);
    }
    result
}

fn map(len: usize) -> Option<MmapMut> {
    let block = MmapMut::map_anon(len.max(1).next_multiple_of(STEP_BYTES)).ok()?;
    // A quarter of the time that its pages take one by one; where the system has no such pages it has others.
    #[cfg(target_os = "linux")]
    drop(block.advise(memmap2::Advice::HugePage));
    Some(block)
}

/// Frees the blocks that nobody uses now.
pub(super) fn free() {
    let kept = std::mem::take(&mut *KEPT.lock());
    drop(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_any_length_are_lent_and_nested_ones_are_others() {
        for len in [0, 1, STEP_BYTES, STEP_BYTES + 1] {
            with_scratch(len, |outer| {
                assert_eq!(outer.len(), len);
                outer.fill(1);
                with_scratch(len, |inner| inner.fill(2));
                assert!(outer.iter().all(|&byte| byte == 1));
            });
            free();
        }
    }
}
