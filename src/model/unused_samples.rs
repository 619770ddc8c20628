//! Memory of pixels that are gone, for the next ones: fresh memory costs a page fault each 4 KiB, and being zeroed.

use parking_lot::Mutex;

use super::{SampleType, Samples};

/// Smaller ones are the allocator's.
const MIN_BYTES: usize = 1 << 20;
/// Four planes of 2048 x 2048: those of a picture that leaves are those of the next.
const MAX_BYTES: usize = 32 << 20;

static UNUSED: Mutex<Vec<Samples>> = Mutex::new(Vec::new());

impl Samples {
    /// `len` samples of that type and of whatever content: for who writes all of them.
    #[must_use]
    pub fn unwritten(sample_type: SampleType, len: usize) -> Self {
        let mut unused = UNUSED.lock();
        let fits = |other: &Self| (other.sample_type(), other.len()) == (sample_type, len);
        let found = unused
            .iter()
            .position(fits)
            .map(|at| unused.swap_remove(at));
        drop(unused);
        let mut samples = found.unwrap_or_else(|| Self::zeros(sample_type, len));
        if cfg!(debug_assertions) {
            // Whoever does not write all of them is found by any test.
            samples.as_bytes_mut().fill(0xa5);
        }
        samples
    }

    /// Keeps the memory for [`Self::unwritten`], where that is worth it.
    pub(super) fn give_back(self) {
        let bytes = self.as_bytes().len();
        if !(MIN_BYTES..=MAX_BYTES).contains(&bytes) {
            return;
        }
        let mut unused = UNUSED.lock();
        let mut kept: usize = unused.iter().map(|other| other.as_bytes().len()).sum();
        let mut leaving = Vec::new();
        while kept + bytes > MAX_BYTES {
            let oldest = unused.remove(0);
            kept -= oldest.as_bytes().len();
            leaving.push(oldest);
        }
        unused.push(self);
        drop(unused);
        drop(leaving);
    }
}

/// Frees what nobody uses now.
pub fn free_unused_samples() {
    let unused = std::mem::take(&mut *UNUSED.lock());
    drop(unused);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MemoryOrder, Pixels};

    #[test]
    fn pixels_that_are_gone_give_their_memory_to_the_next_of_their_size() {
        // Of a size that no other test has.
        let len = MIN_BYTES + 4242;
        let address = |samples: &Samples| samples.as_bytes().as_ptr() as usize;
        let samples = Samples::unwritten(SampleType::U8, len);
        let first = address(&samples);
        let pixels = Pixels::new(len as u32, 1, MemoryOrder::RowMajor, samples).expect("fits");
        drop(pixels.with_gaps(Vec::new()));
        let others = Samples::unwritten(SampleType::I8, len);
        assert_ne!(address(&others), first);
        let samples = Samples::unwritten(SampleType::U8, len);
        assert_eq!(address(&samples), first);
        let pixels = Pixels::new(len as u32, 1, MemoryOrder::RowMajor, samples).expect("fits");
        // Given away, it is not kept as well.
        let taken = pixels.into_samples();
        assert_ne!(address(&Samples::unwritten(SampleType::U8, len)), first);
        drop(taken);
    }
}
