//! A small generator with a fixed seed: the same numbers give the same interval, and the same run
//! offers the same load.

/// SplitMix64.
#[derive(Debug)]
pub(crate) struct SplitMix(pub(crate) u64);

impl SplitMix {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// Evenly distributed in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        // 53 random bits fill a double's mantissa.
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Exponentially distributed with mean 1.
    pub(crate) fn exponential(&mut self) -> f64 {
        // 1 - u lies in (0, 1], so the logarithm is finite.
        -(1.0 - self.unit()).ln()
    }

    /// A whole number below `end`, which must not be 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.unit() * end as f64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_values_have_mean_and_variance_1() {
        let mut random = SplitMix(7);
        let values: Vec<f64> = (0..20_000).map(|_| random.exponential()).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let squares = values.iter().map(|value| (value - mean).powi(2));
        let variance = squares.sum::<f64>() / values.len() as f64;
        assert!((0.97..1.03).contains(&mean), "mean {mean}");
        assert!((0.93..1.07).contains(&variance), "variance {variance}");
    }

    #[test]
    fn whole_numbers_stay_below_the_end_and_reach_all_of_it() {
        let mut random = SplitMix(1);
        let mut seen = [0; 5];
        (0..1000).for_each(|_| seen[random.below(5)] += 1);
        assert!(seen.iter().all(|&count| count > 150), "{seen:?}");
    }
}
