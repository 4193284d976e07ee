//! The options that say how throughput is measured.

use std::time::Duration;

use anyhow::bail;
use clap::{Args, ValueEnum};

use crate::{
    load::{LoadSpec, Pacing, Spacing, Stop},
    run::{Measure, Workload},
};

/// How long and how hard throughput is measured.
#[derive(Args, Debug)]
#[command(next_help_heading = "Measurement")]
pub(super) struct MeasureArgs {
    /// Client connections
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// Measured time of each round, 2s without it; with --until-steady the longest, 60s without it
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    duration: Option<Duration>,
    /// End each round after so many requests instead
    #[arg(long, value_name = "N", conflicts_with_all = ["duration", "until_steady"], value_parser = clap::value_parser!(u64).range(1..))]
    requests: Option<u64>,
    /// End each round when the rate is known to ± this much, for example 2%
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    until_steady: Option<f64>,
    /// Load before each round that is not counted
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = humantime::parse_duration)]
    warm_up: Duration,
    /// Offer this many requests per second instead of as many as are answered
    #[arg(long, value_name = "R", value_parser = rate)]
    rate: Option<f64>,
    /// Gaps between the requests of --rate: as of many independent clients, or all the same
    #[arg(long, value_enum, default_value_t = SpacingArg::Poisson, requires = "rate")]
    spacing: SpacingArg,
    /// Each request on a connection of its own
    #[arg(long)]
    close: bool,
    /// Threads that send
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    threads: u32,
    /// Rounds, 5 without it, of a URL 1: subjects take turns, the median round counts; intervals need 5
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// What is asked: hello, json, download, upload, headers, slow, cpu, mixed, slow-clients, storm
    #[arg(
        long,
        value_name = "NAME,…",
        value_delimiter = ',',
        default_value = "hello"
    )]
    workload: Vec<Workload>,
    /// Connections doubled from A to B, as long as that makes a pairing faster
    #[arg(long, value_name = "A..B", value_parser = sweep, conflicts_with_all = ["connections", "rate"])]
    sweep: Option<Steps>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SpacingArg {
    Poisson,
    Constant,
}

/// The steps of a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Steps(Vec<u32>);

impl MeasureArgs {
    /// What was asked for of pairings.
    pub(super) fn measure(&self) -> Measure {
        let sweep = self.sweep.as_ref().map(|steps| steps.0.clone());
        Measure {
            connections: sweep.unwrap_or_else(|| vec![self.connections]),
            stop: self.stop(),
            warm_up: self.warm_up,
            pacing: self.pacing(),
            rounds: self.rounds.unwrap_or(5),
            workloads: self.workload.clone(),
            close: self.close,
            threads: self.threads,
        }
    }

    /// Measured time of each round, where it was given.
    pub(super) fn span(&self) -> Option<Duration> {
        self.duration
    }

    /// Rounds, where subjects take turns.
    pub(super) fn rounds(&self) -> u32 {
        self.measure().rounds
    }

    /// Whether each request comes on a connection of its own.
    pub(super) fn closes(&self) -> bool {
        self.close
    }

    /// How often a URL is measured.
    pub(super) fn repeats(&self) -> u32 {
        self.rounds.unwrap_or(1)
    }

    /// The steps of a sweep, else the one number of connections.
    pub(super) fn steps(&self) -> Vec<u32> {
        self.measure().connections
    }

    /// The same for one URL.
    pub(super) fn load(&self, spec: LoadSpec, connections: u32) -> anyhow::Result<LoadSpec> {
        if self.workload != [Workload::Hello] {
            bail!("--workload is for pairings; a --url is asked for what it names");
        }
        Ok(LoadSpec {
            connections,
            pacing: self.pacing(),
            warm_up: self.warm_up,
            stop: self.stop(),
            threads: self.threads,
            ..spec
        })
    }

    fn pacing(&self) -> Pacing {
        let spacing = match self.spacing {
            SpacingArg::Poisson => Spacing::Poisson,
            SpacingArg::Constant => Spacing::Constant,
        };
        self.rate
            .map_or(Pacing::Closed, |rate| Pacing::Open { rate, spacing })
    }

    fn stop(&self) -> Stop {
        let lasts = |usual| self.duration.unwrap_or_else(|| Duration::from_secs(usual));
        match (self.requests, self.until_steady) {
            (Some(requests), _) => Stop::Requests(requests),
            (None, Some(within)) => Stop::Steady {
                within,
                most: lasts(60),
            },
            (None, None) => Stop::After(lasts(2)),
        }
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.1..=10_000_000.0).contains(&rate) => Ok(rate),
        _ => Err("a rate is a number of requests per second from 0.1 to 10000000".to_owned()),
    }
}

/// A share from `2%` or `2`.
pub(super) fn percent(text: &str) -> Result<f64, String> {
    match text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>() {
        Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(percent / 100.0),
        _ => Err("it reads N%, above 0 and up to 100".to_owned()),
    }
}

fn sweep(text: &str) -> Result<Steps, String> {
    let ends = text.split_once("..").map(|(a, b)| (a.parse(), b.parse()));
    match ends {
        Some((Ok(from), Ok(to))) if (1..=to).contains(&from) && to <= 10_000 => {
            let doubled = std::iter::successors(Some(from), |at: &u32| Some(at * 2));
            let mut steps: Vec<u32> = doubled.take_while(|&at| at < to).collect();
            steps.push(to);
            Ok(Steps(steps))
        }
        _ => Err("a sweep reads A..B with 1 ≤ A ≤ B ≤ 10000, for example 1..512".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_doubles_up_to_its_end() {
        assert_eq!(sweep("1..10").unwrap(), Steps(vec![1, 2, 4, 8, 10]));
        assert_eq!(sweep("8..8").unwrap(), Steps(vec![8]));
        for wrong in ["", "1", "0..4", "8..4", "1..20000", "a..b"] {
            assert!(sweep(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_percentage_is_a_share() {
        assert_eq!(percent("2%"), Ok(0.02));
        assert_eq!(percent("50"), Ok(0.5));
        assert!(percent("0%").is_err() && percent("x").is_err());
    }
}
