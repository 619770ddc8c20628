//! Random numbers that depend on nothing but their seed: the same on every machine.

/// A stream of random numbers (`SplitMix64`, S. Vigna).
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// The stream that belongs to these numbers.
    pub(super) fn of(numbers: &[u64]) -> Self {
        let mut random = Self(0x243F_6A88_85A3_08D3);
        for &number in numbers {
            random.0 ^= number.wrapping_mul(0xD6E8_FEB8_6659_FD93);
            random.0 = random.bits();
        }
        random
    }

    /// 64 random bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Even between 0 (included) and 1 (excluded).
    pub(super) fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1_u32 << 24) as f32
    }

    /// Even between two numbers.
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Normal with mean 0 and variance 1, within ±6 (the sum of twelve even numbers).
    pub(super) fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.unit()).sum::<f32>() - 6.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_belongs_to_its_numbers() {
        let first = |numbers: &[u64]| Random::of(numbers).bits();
        assert_eq!(first(&[1, 2]), first(&[1, 2]));
        assert_ne!(first(&[1, 2]), first(&[2, 1]));
        assert_ne!(first(&[0]), first(&[0, 0]));
    }

    #[test]
    fn normal_numbers_have_unit_variance() {
        let mut random = Random::of(&[7]);
        let variance = (0..20_000).map(|_| random.normal().powi(2)).sum::<f32>() / 20_000.0;
        assert!((0.95..1.05).contains(&variance), "{variance}");
    }
}
