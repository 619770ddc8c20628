//! Statistics of planes, compared with sorted samples.

use proptest::prelude::*;

use super::*;
use crate::model::{Gap, SampleType};

fn of(samples: Samples) -> Option<Histogram> {
    let width = samples.len() as u32;
    Histogram::of(&Pixels::new(width, 1, MemoryOrder::RowMajor, samples).expect("fits"))
}

#[test]
fn percentiles_of_16_bit_samples_are_exact() {
    let histogram = of(Samples::U16((1..=1000).collect())).expect("finite");
    assert_eq!(
        histogram.auto,
        ContrastLimits {
            low: 1.0,
            high: 999.0
        }
    );
    assert_eq!(
        histogram.percentiles(25.0, 50.0),
        ContrastLimits {
            low: 250.0,
            high: 500.0
        }
    );
    assert_eq!(
        (histogram.min, histogram.max, histogram.num_samples),
        (1.0, 1000.0, 1000)
    );
    assert_eq!(histogram.bins.iter().sum::<u32>(), 1000);
}

#[test]
fn a_flat_plane_still_has_two_limits() {
    for samples in [
        Samples::U16(vec![7; 9]),
        Samples::F32(vec![0.25; 9]),
        Samples::I64(vec![1 << 60; 9]),
        Samples::F64(vec![f64::MAX; 9]),
        Samples::F64(vec![f64::MIN; 9]),
        Samples::I8(vec![-3; 9]),
    ] {
        let auto = of(samples).expect("finite").auto;
        assert!(auto.high > auto.low, "{auto:?}");
    }
}

#[test]
fn what_is_no_sample_of_the_file_is_left_out() {
    let samples = Samples::U16(vec![0, 0, 7, 0, 0, 9]);
    let gap = |x, width| Gap {
        x,
        y: 0,
        width,
        height: 2,
    };
    let pixels = Pixels::new(3, 2, MemoryOrder::RowMajor, samples).expect("fits");
    let half = Histogram::of(&pixels.clone().with_gaps(vec![gap(0, 2)])).expect("finite");
    assert_eq!((half.min, half.max, half.num_samples), (7.0, 9.0, 2));
    assert_eq!(Histogram::of(&pixels).expect("finite").num_samples, 6);
    let zeros = Samples::U16(vec![0; 4]);
    let zeros = Pixels::new(2, 2, MemoryOrder::RowMajor, zeros).expect("fits");
    let absent = zeros.with_gaps(vec![gap(0, 1), gap(1, 1)]);
    assert_eq!(Histogram::of(&absent), None);
    // Of wider samples the intervals of the fill value hold others, too.
    for order in [MemoryOrder::RowMajor, MemoryOrder::ColumnMajor] {
        let samples = Samples::F32(vec![0.0; 6]);
        let pixels = Pixels::new(3, 2, order, samples).expect("fits");
        let some = Histogram::of(&pixels.with_gaps(vec![gap(1, 2)])).expect("finite");
        assert_eq!((some.max, some.num_samples), (0.0, 2));
    }
}

#[test]
fn what_is_not_finite_is_left_out() {
    let histogram = of(Samples::F32(vec![f32::NAN, 1.0, f32::INFINITY, 3.0])).expect("finite");
    assert_eq!(
        (histogram.min, histogram.max, histogram.num_samples),
        (1.0, 3.0, 2)
    );
    assert_eq!(of(Samples::F64(vec![f64::NAN; 4])), None);
}

#[test]
fn every_sample_type_finds_its_extremes() {
    for sample_type in SampleType::ALL {
        let histogram = of(Samples::zeros(sample_type, 12)).expect("finite");
        assert_eq!(
            (histogram.min, histogram.max, histogram.num_samples),
            (0.0, 0.0, 12),
            "{sample_type:?}"
        );
    }
    let signed = of(Samples::I16(vec![i16::MIN, 0, i16::MAX])).expect("finite");
    assert_eq!((signed.min, signed.max), (-32768.0, 32767.0));
    let huge = of(Samples::F64(vec![-f64::MAX, f64::MAX])).expect("finite");
    assert_eq!(
        (huge.min, huge.max, huge.num_samples),
        (-f64::MAX, f64::MAX, 2)
    );
}

/// 65,536 samples from 0 to 63, the first one replaced.
fn with_outlier<T: Copy>(of: impl Fn(u8) -> T, outlier: T) -> Vec<T> {
    let mut samples: Vec<T> = (0..=u16::MAX).map(|at| of((at % 64) as u8)).collect();
    samples[0] = outlier;
    samples
}

#[test]
fn one_sample_far_away_changes_no_limit() {
    for (samples, farthest) in [
        (Samples::F32(with_outlier(f32::from, 1e9)), 1e9),
        (
            Samples::F32(with_outlier(f32::from, f32::MAX)),
            f64::from(f32::MAX),
        ),
        (
            Samples::F32(with_outlier(f32::from, f32::MIN)),
            f64::from(f32::MIN),
        ),
        (Samples::F64(with_outlier(f64::from, 1e308)), 1e308),
        (Samples::F64(with_outlier(f64::from, f64::MIN)), f64::MIN),
        (
            Samples::U32(with_outlier(u32::from, u32::MAX)),
            f64::from(u32::MAX),
        ),
        (
            Samples::I32(with_outlier(i32::from, i32::MAX)),
            f64::from(i32::MAX),
        ),
        (
            Samples::I32(with_outlier(i32::from, i32::MIN)),
            f64::from(i32::MIN),
        ),
        (
            Samples::U64(with_outlier(u64::from, u64::MAX)),
            u64::MAX as f64,
        ),
        (
            Samples::I64(with_outlier(i64::from, i64::MIN)),
            i64::MIN as f64,
        ),
    ] {
        let histogram = of(samples).expect("finite");
        let limits = (histogram.auto.low, histogram.auto.high);
        assert_eq!(limits, (0.0, 63.0), "{farthest}");
        let extremes = [histogram.min, histogram.max];
        assert!(extremes.contains(&farthest), "{extremes:?} {farthest}");
        // Nor what a person sees of the others: they take a third of it.
        let shown = histogram.shown;
        assert!((-63.0..=0.0).contains(&shown.from), "{shown:?}");
        assert!((63.0..=126.0).contains(&shown.to), "{shown:?}");
        assert_eq!(histogram.bins.iter().sum::<u32>(), 1 << 16);
        assert!(histogram.bins.iter().filter(|&&count| count > 0).count() >= 63);
    }
}

#[test]
fn samples_of_many_sizes_are_all_seen() {
    // From 1 to 2^60, as many in each octave.
    let samples = (0..=u16::MAX).map(|at| (f32::from(at) / 65_535.0 * 60.0).exp2());
    let samples = samples.collect();
    let histogram = of(Samples::F32(samples)).expect("finite");
    let all = (histogram.min, histogram.max);
    assert_eq!((histogram.shown.from, histogram.shown.to), all);
}

/// Percentiles with one decimal place, beside those of the sorted samples.
fn check_percentiles<T: Copy>(samples: &[T], wrap: fn(Vec<T>) -> Samples, value: fn(T) -> f64) {
    let mut sorted: Vec<f64> = samples.iter().map(|&sample| value(sample)).collect();
    sorted.retain(|sample| sample.is_finite());
    sorted.sort_by(f64::total_cmp);
    let Some(histogram) = of(wrap(samples.to_vec())) else {
        assert!(sorted.is_empty());
        return;
    };
    assert_eq!(histogram.num_samples, sorted.len() as u64);
    assert_eq!(Some(&histogram.min), sorted.first());
    assert_eq!(Some(&histogram.max), sorted.last());
    let exact = |percent: f64| sorted[rank(sorted.len() as u64, percent) as usize - 1];
    let half_distance = exact(99.9) / 2.0 - exact(0.1) / 2.0;
    for percent in [0.0, 0.1, 1.0, 5.0, 50.0, 95.0, 99.0, 99.9, 100.0] {
        let (found, expected) = (histogram.value_at(percent), exact(percent));
        let half_error = (found / 2.0 - expected / 2.0).abs();
        // Numbers that are not normal are drawn as 0, and so are differences like them.
        let least = (expected.abs() * f64::EPSILON).max(f64::MIN_POSITIVE);
        assert!(
            half_error <= half_distance / 2000.0 || half_error <= least,
            "{percent} %: {found}, expected {expected}; half of the limits' distance {half_distance}"
        );
    }
}

#[test]
fn percentiles_that_are_no_normal_numbers_count_as_0() {
    let mut samples = vec![0.0; 999];
    samples.extend([-8.2e218, -2.166e-308, 1_853_290_764.0]);
    check_percentiles(&samples, Samples::F64, |sample| sample);
}

/// Background about a level, spots far above it, and samples of any bits.
fn mixture() -> impl Strategy<Value = Vec<f64>> {
    let level = prop_oneof![Just(0.0), Just(1e6), Just(-3e4), -1e12..1e12];
    let width = prop_oneof![Just(0.0), Just(1.0), 1e-3..1e3];
    let of_level = (level, width).prop_flat_map(|(level, width): (f64, f64)| {
        let near = (-0.5..0.5).prop_map(move |part: f64| level + part * width);
        proptest::collection::vec(near, 1..3000)
    });
    let any = prop_oneof![
        any::<f64>(),
        any::<f32>().prop_map(f64::from),
        any::<u32>().prop_map(f64::from)
    ];
    (of_level, proptest::collection::vec(any, 0..20)).prop_map(|(mut samples, others)| {
        samples.extend(others);
        samples
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn percentiles_are_those_of_the_sorted_samples(samples in mixture()) {
        check_percentiles(&samples, Samples::F64, |sample| sample);
        let narrowed: Vec<f32> = samples.iter().map(|&sample| sample as f32).collect();
        check_percentiles(&narrowed, Samples::F32, f64::from);
        let halves: Vec<half::f16> = narrowed.iter().map(|&sample| half::f16::from_f32(sample)).collect();
        check_percentiles(&halves, Samples::F16, f64::from);
        let whole: Vec<i64> = samples.iter().map(|&sample| sample as i64).collect();
        check_percentiles(&whole, Samples::I64, |sample| sample as f64);
        let whole: Vec<u64> = samples.iter().map(|&sample| sample as u64).collect();
        check_percentiles(&whole, Samples::U64, |sample| sample as f64);
        let whole: Vec<i32> = samples.iter().map(|&sample| sample as i32).collect();
        check_percentiles(&whole, Samples::I32, f64::from);
        let whole: Vec<u32> = samples.iter().map(|&sample| sample as u32).collect();
        check_percentiles(&whole, Samples::U32, f64::from);
    }
}
