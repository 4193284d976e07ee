//! A latency histogram in microseconds, and what reports take from it.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use hdrhistogram::{
    Histogram,
    serialization::{Serializer, V2Serializer},
};

use crate::results::Percentiles;

/// Longest latency that is told apart: one hour.
const LONGEST_US: u64 = 3_600_000_000;

/// Points of the curve that plots show.
const CURVE_POINTS: u32 = 40;

/// Latencies with three significant digits (HDR histogram), recorded without allocating.
#[derive(Clone, Debug)]
pub struct Latency(Histogram<u64>);

impl Latency {
    /// An empty one.
    pub fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST_US, 3);
        Self(histogram.expect("the bounds are constants that fit"))
    }

    /// Counts one.
    pub fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(LONGEST_US);
        self.0.saturating_record(micros);
    }

    /// Adds what another thread recorded.
    pub fn merge(&mut self, other: &Self) {
        self.0
            .add(&other.0)
            .expect("all histograms have the same bounds");
    }

    /// Takes out everything that was recorded.
    pub(super) fn drain(&mut self) -> Sparse {
        let recorded = self.0.iter_recorded();
        let counts = recorded.map(|value| {
            (
                value.value_iterated_to(),
                value.count_since_last_iteration(),
            )
        });
        let sparse = Sparse(counts.collect());
        self.0.reset();
        sparse
    }

    /// How many were recorded.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency below which so many percent lie, in microseconds; 0 when nothing was recorded.
    pub fn percentile(&self, percent: f64) -> u64 {
        self.0.value_at_percentile(percent)
    }

    /// The mean in microseconds; 0 when nothing was recorded.
    pub fn mean(&self) -> f64 {
        self.0.mean()
    }

    /// The percentiles that results hold.
    pub fn percentiles(&self) -> Percentiles {
        Percentiles {
            p50: self.percentile(50.0),
            p90: self.percentile(90.0),
            p99: self.percentile(99.0),
            p999: self.percentile(99.9),
            max: self.0.max(),
        }
    }

    /// (percentile, microseconds) from p0 to p99.99, closer together towards the tail.
    pub fn curve(&self) -> Vec<(f64, u64)> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let point = |index: u32| {
            let nines = 4.0 * f64::from(index) / f64::from(CURVE_POINTS - 1);
            let percent = 100.0 * (1.0 - 10f64.powf(-nines));
            let rounded = (percent * 10_000.0).round() / 10_000.0;
            (rounded, self.percentile(rounded))
        };
        (0..CURVE_POINTS).map(point).collect()
    }
}

/// The same without the room for what was not recorded: one is kept for each second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sparse(BTreeMap<u64, u64>);

impl Sparse {
    pub(super) fn merge(&mut self, other: Self) {
        for (micros, count) in other.0 {
            *self.0.entry(micros).or_default() += count;
        }
    }

    /// The V2 encoding of HDR histograms in base64, as the tools of HdrHistogram read it.
    pub fn encoded(&self) -> String {
        let mut latency = Latency::new();
        for (&micros, &count) in &self.0 {
            latency.0.saturating_record_n(micros, count);
        }
        let mut octets = Vec::new();
        // A vector takes whatever is written to it.
        let written = V2Serializer::new().serialize(&latency.0, &mut octets);
        written.map_or_else(|_| String::new(), |_| STANDARD.encode(&octets))
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uniform() -> Latency {
        let mut latency = Latency::new();
        for micros in 1..=100_000 {
            latency.record(Duration::from_micros(micros));
        }
        latency
    }

    #[track_caller]
    fn assert_near(actual: u64, expected: u64) {
        let off = actual.abs_diff(expected);
        assert!(off * 1000 <= expected, "{actual} is not {expected} ± 0.1 %");
    }

    #[test]
    fn percentiles_keep_three_digits() {
        let percentiles = uniform().percentiles();
        assert_near(percentiles.p50, 50_000);
        assert_near(percentiles.p90, 90_000);
        assert_near(percentiles.p99, 99_000);
        assert_near(percentiles.p999, 99_900);
        assert_near(percentiles.max, 100_000);
    }

    #[test]
    fn the_curve_runs_from_the_least_to_four_nines() {
        let curve = uniform().curve();
        assert_eq!(curve.len(), 40);
        assert_eq!(curve[0], (0.0, 1));
        assert_eq!(curve[39].0, 99.99);
        assert_near(curve[39].1, 99_990);
        assert!(curve.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1));
    }

    #[test]
    fn nothing_recorded_is_zero_and_no_curve() {
        assert_eq!(Latency::new().percentiles(), Percentiles::default());
        assert!(Latency::new().curve().is_empty());
    }

    #[test]
    fn merging_adds_counts() {
        let mut both = uniform();
        both.merge(&uniform());
        assert_eq!(both.count(), 200_000);
        assert_near(both.percentile(50.0), 50_000);
    }

    #[test]
    fn a_second_is_stored_so_that_other_tools_read_it() {
        let mut latency = uniform();
        let mut sparse = latency.drain();
        assert_eq!(latency.count(), 0);
        sparse.merge(uniform().drain());
        let octets = STANDARD.decode(sparse.encoded()).unwrap();
        let read: Histogram<u64> = hdrhistogram::serialization::Deserializer::new()
            .deserialize(&mut octets.as_slice())
            .unwrap();
        assert_eq!(read.len(), 200_000);
        assert_near(read.value_at_percentile(99.0), 99_000);
    }

    #[test]
    fn what_is_longer_than_an_hour_counts_as_an_hour() {
        let mut latency = Latency::new();
        latency.record(Duration::from_secs(86_400));
        assert_near(latency.percentiles().max, LONGEST_US);
    }
}
