//! When a rate is known well enough to stop: batch means.

use std::time::Duration;

use crate::stats::{self, LEAST_ROUNDS};

/// Replies are counted over spans of this length.
pub(super) const SPAN: Duration = Duration::from_millis(250);

/// Fewer spans than this are never enough.
const LEAST: usize = 2 * LEAST_ROUNDS;

/// Counts replies span by span.
#[derive(Debug)]
pub(super) struct Steady {
    within: f64,
    spans: Vec<f64>,
    last: u64,
}

impl Steady {
    /// `within` is half the width of the interval that is aimed at, as a share of the mean.
    pub(super) fn new(within: f64, answered: u64) -> Self {
        Self {
            within,
            spans: Vec::new(),
            last: answered,
        }
    }

    /// A span has ended with so many replies in all; whether that is enough.
    pub(super) fn is_reached(&mut self, answered: u64) -> bool {
        self.spans.push((answered - self.last) as f64);
        self.last = answered;
        self.spans.len() >= LEAST && self.half_width() <= self.within
    }

    /// Half of the 95 % interval of the mean, as a share of it.
    fn half_width(&self) -> f64 {
        let interval = stats::of_mean(&self.spans);
        (interval.high - interval.low) / 2.0 / stats::mean(&self.spans)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many spans it is enough.
    fn reached(within: f64, counts: impl Iterator<Item = u64>) -> Option<usize> {
        let (mut steady, mut answered) = (Steady::new(within, 0), 0);
        let ended = counts.enumerate().find(|(_, count)| {
            answered += count;
            steady.is_reached(answered)
        });
        ended.map(|(at, _)| at + 1)
    }

    #[test]
    fn an_even_rate_is_known_after_the_least_number_of_spans() {
        assert_eq!(reached(0.02, [1000; 40].into_iter()), Some(LEAST));
    }

    #[test]
    fn a_rate_that_swings_takes_longer_and_a_wilder_one_never_ends() {
        let swings = |by: u64| (0..60).map(move |at| 1000 + by * (at % 2));
        let end = reached(0.02, swings(100)).unwrap();
        assert!(end > LEAST, "{end}");
        assert_eq!(reached(0.02, swings(2000)), None);
    }

    #[test]
    fn nothing_answered_is_not_steady() {
        assert_eq!(reached(0.02, [0; 40].into_iter()), None);
    }
}
