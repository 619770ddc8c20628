//! Tables of 256 x 256 numbers that repeat without a seam: the grain inside of cells.

use super::random::Random;

const SIDE: usize = 256;

/// A grain that repeats every 256 pixels along x and y.
#[derive(Clone, Debug)]
pub(super) struct Texture(Vec<f32>);

impl Texture {
    /// Clouds with details of 2 to `coarsest` pixels (a power of two up to 64); 0 to 1.
    pub(super) fn clouds(seed: u64, coarsest: usize) -> Self {
        let mut sum = vec![0.0_f32; SIDE * SIDE];
        let mut cell = coarsest.clamp(2, 64);
        let mut weight = 1.0;
        while cell >= 2 {
            add_octave(
                &mut sum,
                cell,
                weight,
                &mut Random::of(&[seed, cell as u64]),
            );
            cell /= 2;
            weight *= 0.6;
        }
        let (low, high) = sum.iter().fold((f32::MAX, f32::MIN), |(low, high), &v| {
            (low.min(v), high.max(v))
        });
        Self(
            sum.into_iter()
                .map(|v| (v - low) / (high - low).max(f32::EPSILON))
                .collect(),
        )
    }

    /// The ridges of clouds: a net of fibres; 0 to 1.
    pub(super) fn fibres(seed: u64) -> Self {
        let clouds = Self::clouds(seed, 16);
        let ridge = |v: f32| (1.0 - 5.0 * (v - 0.5).abs()).max(0.0);
        Self(clouds.0.into_iter().map(ridge).collect())
    }

    /// The number nearest to a point; any finite point.
    pub(super) fn at(&self, x: f32, y: f32) -> f32 {
        let wrap = |v: f32| (v.floor() as i32 & (SIDE as i32 - 1)) as usize;
        self.0[wrap(y) * SIDE + wrap(x)]
    }
}

/// Adds random numbers at the corners of square cells, smoothly joined.
fn add_octave(sum: &mut [f32], cell: usize, weight: f32, random: &mut Random) {
    let count = SIDE / cell;
    let corners: Vec<f32> = (0..count * count).map(|_| random.unit()).collect();
    let smooth = |at: usize| {
        let part = (at % cell) as f32 / cell as f32;
        (
            at / cell,
            (at / cell + 1) % count,
            part * part * (3.0 - 2.0 * part),
        )
    };
    for y in 0..SIDE {
        let (top, bottom, down) = smooth(y);
        for x in 0..SIDE {
            let (left, right, across) = smooth(x);
            let mix = |row: usize| {
                let (a, b) = (corners[row * count + left], corners[row * count + right]);
                a + (b - a) * across
            };
            sum[y * SIDE + x] += weight * (mix(top) + (mix(bottom) - mix(top)) * down);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grain_repeats_and_stays_within_its_range() {
        for texture in [Texture::clouds(1, 32), Texture::fibres(2)] {
            assert!(texture.0.iter().all(|v| (0.0..=1.0).contains(v)));
            assert_eq!(texture.at(-1.0, 300.5), texture.at(255.0, 44.0));
        }
    }
}
