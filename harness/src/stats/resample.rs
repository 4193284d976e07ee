//! The bootstrap: how much a mean would move, had other rounds been measured.

use super::SplitMix;

/// Resamples of each bootstrap.
const RESAMPLES: usize = 8_000;

/// Two ends, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Whether two intervals have a value in common.
    pub fn meets(&self, other: &Self) -> bool {
        self.low <= other.high && other.low <= self.high
    }
}

/// The arithmetic mean; not a number for no values.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Means of resamples of `values`, in ascending order.
fn means(values: &[f64], seed: u64) -> Vec<f64> {
    let mut random = SplitMix(seed);
    let mut one = || {
        let drawn = (0..values.len()).map(|_| values[random.below(values.len())]);
        drawn.sum::<f64>() / values.len() as f64
    };
    (0..RESAMPLES).map(|_| one()).collect()
}

/// The 95 % interval of the mean of at least two values.
pub fn of_mean(values: &[f64]) -> Interval {
    ends(means(values, 1), values.len())
}

/// The 95 % interval of the mean of `later` less the mean of `earlier`.
pub(super) fn of_difference(later: &[f64], earlier: &[f64]) -> Interval {
    let pairs = means(later, 1).into_iter().zip(means(earlier, 2));
    let differences = pairs.map(|(later, earlier)| later - earlier).collect();
    ends(differences, later.len().min(earlier.len()))
}

fn ends(mut values: Vec<f64>, size: usize) -> Interval {
    values.sort_by(f64::total_cmp);
    let cut = (tail(size) * (values.len() - 1) as f64).round() as usize;
    Interval {
        low: values[cut],
        high: values[values.len() - 1 - cut],
    }
}

/// The share of resamples that is left out at each end for samples of `size` values.
fn tail(size: usize) -> f64 {
    let (size, freedom) = (size as f64, size.saturating_sub(1).max(1) as f64);
    below((size / freedom).sqrt() * -student(freedom))
}

/// The 97.5 % quantile of Student's t, expanded around the normal one (Abramowitz and Stegun
/// 26.7.5); within 0.5 % from four degrees of freedom on.
fn student(freedom: f64) -> f64 {
    const Z: f64 = 1.959_964;
    let first = (Z.powi(3) + Z) / 4.0;
    let second = (5.0 * Z.powi(5) + 16.0 * Z.powi(3) + 3.0 * Z) / 96.0;
    let third = (3.0 * Z.powi(7) + 19.0 * Z.powi(5) + 17.0 * Z.powi(3) - 15.0 * Z) / 384.0;
    Z + first / freedom + second / freedom.powi(2) + third / freedom.powi(3)
}

/// The standard normal distribution below a negative `z` (Abramowitz and Stegun 26.2.17).
fn below(z: f64) -> f64 {
    const B: [f64; 5] = [
        0.319_381_53,
        -0.356_563_782,
        1.781_477_937,
        -1.821_255_978,
        1.330_274_429,
    ];
    let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let t = 1.0 / (1.0 - 0.231_641_9 * z);
    let series = B.iter().rev().fold(0.0, |sum, b| (sum + b) * t);
    density * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantiles_are_those_of_the_tables() {
        for (freedom, expected) in [(4.0, 2.776), (9.0, 2.262), (29.0, 2.045)] {
            let found = student(freedom);
            assert!((found / expected - 1.0).abs() < 0.005, "{freedom}: {found}");
        }
        for (z, expected) in [(-1.96, 0.0250), (-1.0, 0.1587), (-3.0, 0.00135)] {
            assert!((below(z) - expected).abs() < 0.0001, "{z}: {}", below(z));
        }
    }

    #[test]
    fn values_without_spread_have_an_interval_without_width() {
        let interval = of_mean(&[2.0; 5]);
        assert_eq!((interval.low, interval.high), (2.0, 2.0));
    }

    /// The share of samples of `size` whose interval holds the true mean.
    fn coverage(size: usize) -> f64 {
        const SAMPLES: usize = 400;
        let mut random = SplitMix(3);
        // A sum of twelve even values is near enough to a normal one, with mean 6.
        let mut normal = || (0..12).map(|_| random.unit()).sum::<f64>();
        let held = (0..SAMPLES).filter(|_| {
            let values: Vec<f64> = (0..size).map(|_| normal()).collect();
            let interval = of_mean(&values);
            (interval.low..=interval.high).contains(&6.0)
        });
        held.count() as f64 / SAMPLES as f64
    }

    #[test]
    fn ninety_to_ninety_eight_in_a_hundred_intervals_hold_the_truth() {
        for size in [5, 10] {
            let share = coverage(size);
            assert!((0.90..=0.98).contains(&share), "{size} values: {share}");
        }
    }
}
