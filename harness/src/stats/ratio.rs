//! How many times as fast, and whether that can be told at all.

use std::fmt;

use super::resample::{self, Interval, mean};

/// With fewer rounds there is a ratio but no interval: a bootstrap of three values is worth nothing.
pub const LEAST_ROUNDS: usize = 5;

/// How many times as fast one is as another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// Geometric mean over the rounds.
    pub value: f64,
    /// Its 95 % interval; `None` where there are too few rounds or they took no turns.
    pub interval: Option<Interval>,
}

/// What a ratio says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The whole interval lies above 1.
    Faster,
    /// The whole interval lies below 1.
    Slower,
    /// 1 lies in the interval, or there is none.
    NoDifference,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Faster => "faster",
            Self::Slower => "slower",
            Self::NoDifference => "no difference shown",
        })
    }
}

impl Ratio {
    /// A ratio of which nothing more is known.
    pub fn bare(value: f64) -> Self {
        Self {
            value,
            interval: None,
        }
    }

    /// What can be said of it.
    pub fn verdict(&self) -> Verdict {
        match self.interval {
            Some(interval) if interval.low > 1.0 => Verdict::Faster,
            Some(interval) if interval.high < 1.0 => Verdict::Slower,
            _ => Verdict::NoDifference,
        }
    }
}

/// How many times as fast `ours` is as `theirs`, round by round. `None` where the rounds do not
/// pair or one of them answered nothing.
pub fn of_pairs(ours: &[f64], theirs: &[f64]) -> Option<Ratio> {
    if ours.is_empty() || ours.len() != theirs.len() {
        return None;
    }
    let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| a / b).collect();
    of_ratios(&ratios)
}

/// The mean of ratios, one of each round. `None` without one, or where one is not above 0.
pub fn of_ratios(ratios: &[f64]) -> Option<Ratio> {
    let logs = logs(ratios)?;
    let interval = (logs.len() >= LEAST_ROUNDS).then(|| raised(resample::of_mean(&logs)));
    Some(Ratio {
        value: mean(&logs).exp(),
        interval,
    })
}

/// How a ratio moved from one run to another: both given by their rounds.
pub fn of_shift(later: &[f64], earlier: &[f64]) -> Option<Ratio> {
    let (later, earlier) = (logs(later)?, logs(earlier)?);
    let enough = later.len().min(earlier.len()) >= LEAST_ROUNDS;
    Some(Ratio {
        value: (mean(&later) - mean(&earlier)).exp(),
        interval: enough.then(|| raised(resample::of_difference(&later, &earlier))),
    })
}

fn logs(ratios: &[f64]) -> Option<Vec<f64>> {
    let logs: Vec<f64> = ratios.iter().map(|ratio| ratio.ln()).collect();
    (!logs.is_empty() && logs.iter().all(|log| log.is_finite())).then_some(logs)
}

fn raised(interval: Interval) -> Interval {
    Interval {
        low: interval.low.exp(),
        high: interval.high.exp(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_slows_down_for_both_changes_no_ratio() {
        let theirs = [100.0, 50.0, 80.0, 20.0, 90.0];
        let ours = theirs.map(|rate| rate * 2.0);
        let ratio = of_pairs(&ours, &theirs).unwrap();
        assert!((ratio.value - 2.0).abs() < 1e-9);
        assert_eq!(ratio.verdict(), Verdict::Faster);
        let interval = ratio.interval.unwrap();
        assert!(interval.high - interval.low < 1e-9);
    }

    #[test]
    fn rounds_that_go_either_way_show_no_difference() {
        let ratio = of_ratios(&[0.9, 1.1, 1.05, 0.97, 1.02]).unwrap();
        assert_eq!(ratio.verdict(), Verdict::NoDifference);
        assert_eq!(ratio.verdict().to_string(), "no difference shown");
    }

    #[test]
    fn a_small_but_steady_loss_is_slower() {
        let ratio = of_ratios(&[0.94, 0.95, 0.96, 0.93, 0.95, 0.94]).unwrap();
        assert_eq!(ratio.verdict(), Verdict::Slower);
    }

    #[test]
    fn few_rounds_have_a_ratio_but_no_interval_and_no_verdict() {
        let ratio = of_ratios(&[2.0, 2.1, 1.9, 2.0]).unwrap();
        assert_eq!(ratio.interval, None);
        assert_eq!(ratio.verdict(), Verdict::NoDifference);
    }

    #[test]
    fn rounds_that_do_not_pair_have_none() {
        assert_eq!(of_pairs(&[1.0], &[1.0, 2.0]), None);
        assert_eq!(of_pairs(&[], &[]), None);
        assert_eq!(of_pairs(&[1.0], &[0.0]), None);
    }

    #[test]
    fn a_ratio_that_fell_between_two_runs_is_slower() {
        let earlier = [1.5, 1.52, 1.48, 1.5, 1.51];
        let later = [1.2, 1.22, 1.18, 1.2, 1.21];
        let shift = of_shift(&later, &earlier).unwrap();
        assert_eq!(shift.verdict(), Verdict::Slower);
        assert!((shift.value - 0.8).abs() < 0.01, "{shift:?}");
        let same = of_shift(&later, &later).unwrap();
        assert_eq!(same.verdict(), Verdict::NoDifference);
    }
}
