//! When a worker makes room for a fresh one.

use std::time::Duration;

use crate::options::error::OptionError;
use crate::options::given::Gathered;
use crate::options::opt::Takes::One;
use crate::options::opt::Topic::Processes;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "max-requests",
        One("N"),
        Processes,
        "Replace a worker after so many requests, but not before --min-worker-lifetime \
         [default: never]",
    )
    .short('R'),
    opt(
        "max-requests-delta",
        One("N"),
        Processes,
        "Let each worker serve N requests more than the one before it, so that they are not \
         replaced together [default: 0]",
    ),
    opt(
        "min-worker-lifetime",
        One("SECONDS"),
        Processes,
        "Replace no worker that is younger, whatever it has served or grown to [default: 10]",
    ),
    opt(
        "max-worker-lifetime",
        One("SECONDS"),
        Processes,
        "Replace a worker after so long [default: never]",
    ),
    opt(
        "max-worker-lifetime-delta",
        One("SECONDS"),
        Processes,
        "Let each worker live so much longer than the one before it [default: 0]",
    ),
];

/// When a worker makes room for a fresh one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecycleSettings {
    /// `max-requests`: requests after which a worker is replaced.
    pub max_requests: Option<u32>,
    /// `max-requests-delta`: requests more for each worker than for the one before.
    pub max_requests_delta: u32,
    /// `min-worker-lifetime`: the age before which no worker is replaced.
    pub min_lifetime: Duration,
    /// `max-worker-lifetime`: the age at which a worker is replaced.
    pub max_lifetime: Option<Duration>,
    /// `max-worker-lifetime-delta`: the time more for each worker than for the one before.
    pub max_lifetime_delta: Duration,
}

impl RecycleSettings {
    /// The share of a worker, counted from 0.
    pub(crate) fn requests_of(&self, number: usize) -> Option<u64> {
        let more = u64::from(self.max_requests_delta).saturating_mul(number as u64);
        Some(u64::from(self.max_requests?).saturating_add(more))
    }

    /// The age at which a worker, counted from 0, is replaced.
    pub(crate) fn lifetime_of(&self, number: usize) -> Option<Duration> {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let more = self.max_lifetime_delta.saturating_mul(number);
        Some(self.max_lifetime?.saturating_add(more))
    }
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<RecycleSettings, OptionError> {
    let seconds = |name, default| {
        let seconds = gathered.number(name, default, 0, u32::MAX);
        seconds.map(|seconds| Duration::from_secs(seconds.into()))
    };
    let settings = RecycleSettings {
        max_requests: gathered.nonzero("max-requests")?,
        max_requests_delta: gathered.number("max-requests-delta", 0, 0, u32::MAX)?,
        min_lifetime: seconds("min-worker-lifetime", 10)?,
        max_lifetime: gathered.seconds_if("max-worker-lifetime")?,
        max_lifetime_delta: seconds("max-worker-lifetime-delta", 0)?,
    };
    let min = settings.min_lifetime;
    match gathered.last("max-worker-lifetime") {
        Some(given) if settings.max_lifetime.is_some_and(|max| min >= max) => {
            let seconds = min.as_secs();
            Err(given.refuse(&format!(
                "more seconds than min-worker-lifetime, which is {seconds}"
            )))
        }
        _ => Ok(settings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_worker_gets_more_than_the_one_before() {
        let settings = RecycleSettings {
            max_requests: Some(100),
            max_requests_delta: 5,
            min_lifetime: Duration::from_secs(10),
            max_lifetime: Some(Duration::from_secs(60)),
            max_lifetime_delta: Duration::from_secs(3),
        };
        assert_eq!(settings.requests_of(0), Some(100));
        assert_eq!(settings.requests_of(2), Some(110));
        assert_eq!(settings.lifetime_of(2), Some(Duration::from_secs(66)));
    }
}
