//! Counts of samples wider than 16 bit, as fine as their percentiles need, however the samples are distributed.
//!
//! Equal intervals from the smallest to the largest sample are of no use where a single one lies far away: a flipped bit
//! in the exponent of a float is enough. So samples are counted by keys that have their order, which for floats are their
//! bits: intervals of equal numbers of keys are narrow where numbers are small. What lies far below and above most samples has
//! intervals of its own. Those that hold a percentile are counted again in parts where they are wide beside the distance of
//! the limits.

use half::f16;

/// Bits of the number of intervals at first.
const FIRST_BITS: u32 = 16;
/// Bits of the number of intervals that parts of others are counted in, all of them together.
const PART_BITS: u32 = 17;
/// An interval with a percentile is at most such a part of the distance of the 0.1 and the 99.9 percentile: 8 of them
/// are a shade of gray.
const FINENESS: f64 = 2048.0;
/// Samples that are looked at first, to see where most of them lie, and of how many of them one lies aside at each end.
const NUM_TRIED: usize = 1 << 14;
const ASIDE_OF: usize = 1 << 11;
/// Percentiles that are held: all with one decimal place.
const NUM_PERCENTILES: u32 = 1000;
/// An interval that is not counted in parts.
const WHOLE: u32 = u32::MAX;

/// A sample with a key.
pub(super) trait Keyed: Copy {
    /// A number that has the order of the samples; `None` for NaN and infinities.
    fn key(self) -> Option<u64>;
    /// The sample of a key.
    fn of_key(key: u64) -> f64;
}

impl Keyed for u32 {
    fn key(self) -> Option<u64> {
        Some(self.into())
    }

    fn of_key(key: u64) -> f64 {
        key as f64
    }
}

impl Keyed for u64 {
    fn key(self) -> Option<u64> {
        Some(self)
    }

    fn of_key(key: u64) -> f64 {
        key as f64
    }
}

impl Keyed for i32 {
    fn key(self) -> Option<u64> {
        i64::from(self).key()
    }

    fn of_key(key: u64) -> f64 {
        i64::of_key(key)
    }
}

impl Keyed for i64 {
    fn key(self) -> Option<u64> {
        Some(self.cast_unsigned() ^ (1 << 63))
    }

    fn of_key(key: u64) -> f64 {
        (key ^ (1 << 63)).cast_signed() as f64
    }
}

/// Floats: bits of positive numbers have their order, those of negative ones the reverse. -0 is 0.
macro_rules! keyed_float {
    ($float:ty, $bits:ty) => {
        impl Keyed for $float {
            fn key(self) -> Option<u64> {
                const SIGN: $bits = 1 << (<$bits>::BITS - 1);
                let bits = self.to_bits();
                let bits = if bits == SIGN { 0 } else { bits };
                let key = if bits & SIGN == 0 { bits | SIGN } else { !bits };
                self.is_finite().then_some(u64::from(key))
            }

            fn of_key(key: u64) -> f64 {
                const SIGN: $bits = 1 << (<$bits>::BITS - 1);
                let key = key as $bits;
                let bits = if key & SIGN == 0 { !key } else { key & !SIGN };
                f64::from(<$float>::from_bits(bits))
            }
        }
    };
}

keyed_float!(f16, u16);
keyed_float!(f32, u32);
keyed_float!(f64, u64);

/// Values that occur, ascending, with their counts: each value stands for an interval that begins with it, the last one is
/// the largest sample.
pub(super) fn counted<T: Keyed>(samples: &[T]) -> Vec<(f64, u32)> {
    let keys = || samples.iter().filter_map(|sample| sample.key());
    let (min, max) = keys().fold((u64::MAX, 0), |(min, max), key| {
        (min.min(key), max.max(key))
    });
    if min > max {
        return Vec::new();
    }
    let (low, high) = most_of(samples).unwrap_or((min, max));
    let mut counting = Counting {
        low,
        high,
        max,
        levels: vec![Level::first(min, low, high, max)],
        value: T::of_key,
    };
    counting.count(keys());
    while let Some(parts) = counting.parts() {
        counting.levels.push(parts);
        counting.count(keys());
    }
    let mut values = Vec::new();
    counting.walk(&mut |_, start, _, count| values.push((start, count)));
    if let Some(last) = values.last_mut() {
        last.0 = T::of_key(max);
    }
    values
}

/// The keys that nearly all samples lie between, by some of them; `None` where these have none.
fn most_of<T: Keyed>(samples: &[T]) -> Option<(u64, u64)> {
    // Multiples of the golden ratio are spread evenly, and have no period that a picture could have.
    let spread = (0..NUM_TRIED as u64).map(|at| at.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let index = |at: u64| ((u128::from(at) * samples.len() as u128) >> 64) as usize;
    let tried = spread.filter_map(|at| samples.get(index(at))?.key());
    let mut keys: Vec<u64> = tried.collect();
    keys.sort_unstable();
    let aside = keys.len() / ASIDE_OF;
    Some((*keys.get(aside)?, *keys.get(keys.len() - 1 - aside)?))
}

/// The number of samples, of so many, that lie at or below a percentile.
pub(super) fn rank(num_samples: u64, percent: f64) -> f64 {
    (num_samples as f64 * percent.clamp(0.0, 100.0) / 100.0)
        .ceil()
        .max(1.0)
}

/// Keys from the first one on, in intervals of a power of two.
#[derive(Clone, Copy)]
struct Place {
    first: u64,
    /// Bits of a key's distance from the first one that do not matter.
    shift: u32,
}

impl Place {
    /// Keys up to the last one in 2^[`FIRST_BITS`] intervals.
    fn between(first: u64, last: u64) -> Self {
        let num_bits = u64::BITS - last.saturating_sub(first).leading_zeros();
        Self {
            first,
            shift: num_bits.saturating_sub(FIRST_BITS),
        }
    }
}

/// Intervals of some places, as many in each.
struct Level {
    bits: u32,
    places: Vec<Place>,
    counts: Vec<u32>,
    /// Which place the parts of each interval are in the next level, or [`WHOLE`].
    parts: Vec<u32>,
}

impl Level {
    fn new(bits: u32, places: Vec<Place>) -> Self {
        Self {
            bits,
            counts: vec![0; places.len() << bits],
            places,
            parts: Vec::new(),
        }
    }

    /// What lies below most of the samples, these, and what lies above.
    fn first(min: u64, low: u64, high: u64, max: u64) -> Self {
        let above = Place::between(high.saturating_add(1), max);
        let places = vec![Place::between(min, low), Place::between(low, high), above];
        Self::new(FIRST_BITS, places)
    }

    /// The interval of a place that a key lies in.
    fn interval(&self, place: usize, key: u64) -> usize {
        let Place { first, shift } = self.places[place];
        let at = (key.wrapping_sub(first) >> shift) as usize & ((1 << self.bits) - 1);
        (place << self.bits) | at
    }
}

/// Counts so far.
struct Counting {
    /// Most of the samples lie between these keys.
    low: u64,
    high: u64,
    max: u64,
    levels: Vec<Level>,
    value: fn(u64) -> f64,
}

impl Counting {
    /// Counts in the last level, whose last place takes what is not counted in parts.
    fn count(&mut self, keys: impl Iterator<Item = u64>) {
        let (low, high) = (self.low, self.high);
        let Some((last, before)) = self.levels.split_last_mut() else {
            return;
        };
        let nowhere = last.places.len() - 1;
        for key in keys {
            let mut place = usize::from(key >= low) + usize::from(key > high);
            for level in &*before {
                let parts = level.parts[level.interval(place, key)];
                if parts == WHOLE {
                    place = nowhere;
                    break;
                }
                place = parts as usize;
            }
            let interval = last.interval(place, key);
            last.counts[interval] += 1;
        }
    }

    /// Places for the parts of intervals that are too wide for the percentiles that they hold; `None` where none is.
    fn parts(&mut self) -> Option<Level> {
        let holding = self.holding();
        let last = self.levels.last_mut()?;
        if holding.is_empty() {
            return None;
        }
        let most_bits = PART_BITS.saturating_sub(holding.len().ilog2() + 1);
        last.parts = vec![WHOLE; last.counts.len()];
        let mut places = Vec::with_capacity(holding.len() + 1);
        for (number, interval) in holding.into_iter().enumerate() {
            last.parts[interval] = number as u32;
            let Place { first, shift } = last.places[interval >> last.bits];
            let at = (interval & ((1 << last.bits) - 1)) as u64;
            places.push(Place {
                first: first.saturating_add(at << shift),
                shift: shift.saturating_sub(most_bits),
            });
        }
        places.push(Place { first: 0, shift: 0 });
        Some(Level::new(most_bits, places))
    }

    /// Intervals of the last level that hold a percentile, and are wide beside the limits.
    fn holding(&self) -> Vec<usize> {
        let mut num_samples = 0;
        self.walk(&mut |_, _, _, count| num_samples += u64::from(count));
        // The extremes are known.
        let mut wanted = (1..NUM_PERCENTILES)
            .map(|at| rank(num_samples, f64::from(at) / 10.0))
            .peekable();
        let (lowest, highest) = (rank(num_samples, 0.1), rank(num_samples, 99.9));
        let (mut low_end, mut high_start) = (f64::INFINITY, f64::NEG_INFINITY);
        let mut holding = Vec::new();
        let mut below = 0.0;
        self.walk(&mut |interval, start, end, count| {
            let up_to = below + f64::from(count);
            if below < lowest && lowest <= up_to {
                low_end = end;
            }
            if below < highest && highest <= up_to {
                high_start = start;
            }
            let mut holds = false;
            while wanted.next_if(|&rank| rank <= up_to).is_some() {
                holds = true;
            }
            if let Some(interval) = interval.filter(|_| holds) {
                holding.push((interval, end / 2.0 - start / 2.0));
            }
            below = up_to;
        });
        let widest = (high_start / 2.0 - low_end / 2.0).max(0.0) / FINENESS;
        // Numbers that are not normal are drawn as 0: most of a picture may be 0, and needs no parts.
        let widest = widest.max(f64::MIN_POSITIVE);
        holding.retain(|&(_, half_width)| half_width > widest);
        holding.into_iter().map(|(interval, _)| interval).collect()
    }

    /// Every interval that is not counted in parts and holds samples, ascending: its index where it is of the last level,
    /// its smallest and largest possible value, and its count.
    fn walk(&self, visit: &mut impl FnMut(Option<usize>, f64, f64, u32)) {
        let num_places = self.levels.first().map_or(0, |level| level.places.len());
        (0..num_places).for_each(|place| self.walk_place(0, place, visit));
    }

    fn walk_place(
        &self,
        depth: usize,
        place: usize,
        visit: &mut impl FnMut(Option<usize>, f64, f64, u32),
    ) {
        let level = &self.levels[depth];
        let is_last = depth + 1 == self.levels.len();
        let Place { first, shift } = level.places[place];
        for at in 0..1_usize << level.bits {
            let interval = (place << level.bits) | at;
            let count = level.counts[interval];
            if count == 0 {
                continue;
            }
            match level.parts.get(interval) {
                Some(&parts) if parts != WHOLE => {
                    self.walk_place(depth + 1, parts as usize, visit);
                }
                _ => {
                    let start = first.saturating_add((at as u64) << shift);
                    let end = start.saturating_add((1 << shift) - 1).min(self.max);
                    let (from, to) = ((self.value)(start), (self.value)(end));
                    visit(is_last.then_some(interval), from, to, count);
                }
            }
        }
    }
}
