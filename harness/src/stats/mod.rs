//! Ratios of noisy rates, and how far they can be trusted.
//!
//! Subjects take turns, so what else the machine does hits the same round of each. A ratio is
//! therefore made round by round, and its interval is a bootstrap over the rounds. A percentile
//! bootstrap of few values is too narrow; here its percentiles are pushed outwards as far as
//! Student's t lies outside the normal distribution (T. Hesterberg, "What teachers should know
//! about the bootstrap", 2015, §5.2).

mod random;
mod ratio;
mod resample;

pub(crate) use random::SplitMix;
pub use ratio::{LEAST_ROUNDS, Ratio, Verdict, of_pairs, of_ratios, of_shift};
pub use resample::{Interval, mean, of_mean};
