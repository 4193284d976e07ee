//! What the rounds of a lane showed.

use std::collections::BTreeMap;

use serde::Serialize;

use super::lane::Lane;
use crate::load::{Cost, LoadReport};

/// One failed request in so many answered ones is the most that a comparison bears.
const MOST_FAILED: u64 = 100;

/// What is measured; each unit is that of the name that it has in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Answers per second.
    RequestsPerSecond,
    /// CPU time of all of the server's processes per request.
    ServerCpuUs,
    /// CPU time of all of the gateway's processes per request.
    GatewayCpuUs,
    /// Half of the requests took no longer.
    P50Us,
    /// Of requests of which one in fifty is slow on purpose, the 95th percentile of the others: the
    /// 93.1st of all.
    FastP95Us,
    /// All but one in a hundred took no longer.
    P99Us,
    /// The longest.
    MaxUs,
    /// The 99th percentile over the median.
    P99ToP50,
    /// The longest over the mean.
    MaxToMean,
    /// Requests per second that were offered in open pacing.
    OfferedPerSecond,
    /// The 99th percentile at that pace, counted from when each request was due.
    OfferedP99Us,
    /// From the start of the program to its first answer.
    StartMs,
    /// Memory that one more worker takes: PSS of the server with four, less that with two, halved.
    WorkerKib,
}

impl Measure {
    /// Whether more of it is better.
    pub fn is_gain(self) -> bool {
        self == Self::RequestsPerSecond
    }

    /// What it is called in tables, with its unit.
    pub fn title(self) -> &'static str {
        match self {
            Self::RequestsPerSecond => "req/s",
            Self::ServerCpuUs => "server CPU µs",
            Self::GatewayCpuUs => "gateway CPU µs",
            Self::P50Us => "p50 µs",
            Self::FastP95Us => "p95 of the fast µs",
            Self::P99Us => "p99 µs",
            Self::MaxUs => "longest µs",
            Self::P99ToP50 => "p99 / p50",
            Self::MaxToMean => "longest / mean",
            Self::OfferedPerSecond => "offered req/s",
            Self::OfferedP99Us => "p99 µs at that pace",
            Self::StartMs => "first answer ms",
            Self::WorkerKib => "KiB per worker",
        }
    }
}

/// The figures of one round.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Sample {
    /// What was measured.
    pub values: BTreeMap<Measure, f64>,
    /// Requests that were answered as they should be.
    pub answered: u64,
    /// Requests that failed.
    pub failed: u64,
    /// How they did, each kind with its first case.
    pub failures: Option<String>,
}

impl Sample {
    /// A sample of one value.
    pub(super) fn of(measure: Measure, value: f64) -> Self {
        Self {
            values: BTreeMap::from([(measure, value)]),
            ..Self::default()
        }
    }

    /// The figures of a load with as many requests as the server answered.
    pub(super) fn of_load(report: &LoadReport, cost: &Cost) -> Self {
        let answered = report.answered as f64;
        let latency = |percent| report.latency.percentile(percent) as f64;
        let (p50, p99, max) = (latency(50.0), latency(99.0), latency(100.0));
        // Closed pacing: Little's law gives the mean.
        let mean = f64::from(report.connections) / report.rps() * 1e6;
        let mut values = BTreeMap::from([
            (Measure::RequestsPerSecond, report.rps()),
            (Measure::P50Us, p50),
            (Measure::FastP95Us, latency(93.1)),
            (Measure::P99Us, p99),
            (Measure::MaxUs, max),
            (Measure::P99ToP50, p99 / p50),
            (Measure::MaxToMean, max / mean),
        ]);
        let cpu = [
            (Measure::ServerCpuUs, cost.backend_cpu),
            (Measure::GatewayCpuUs, cost.gateway_cpu),
        ];
        for (measure, cpu) in cpu {
            values.extend(cpu.map(|cpu| (measure, cpu.as_secs_f64() * 1e6 / answered)));
        }
        Self {
            values,
            answered: report.answered,
            failed: report.failures.total(),
            failures: told(report),
        }
    }

    /// The figures of an open load.
    pub(super) fn of_pace(report: &LoadReport, rate: f64) -> Self {
        let p99 = report.latency.percentile(99.0) as f64;
        Self {
            values: BTreeMap::from([
                (Measure::OfferedPerSecond, rate),
                (Measure::OfferedP99Us, p99),
            ]),
            answered: report.answered,
            failed: report.failures.total(),
            failures: told(report),
        }
    }

    /// Adds what another trial of the same round showed.
    pub(super) fn join(&mut self, other: Self) {
        self.values.extend(other.values);
        self.answered += other.answered;
        self.failed += other.failed;
        self.failures = self.failures.take().or(other.failures);
    }
}

fn told(report: &LoadReport) -> Option<String> {
    (report.failures.total() > 0).then(|| report.failures.to_string())
}

/// What a lane showed.
#[derive(Clone, Debug, Serialize)]
pub struct LaneResult {
    /// Its name.
    pub id: &'static str,
    /// A competitor, neither ours nor the limit.
    pub is_peer: bool,
    /// One sample for each round.
    pub rounds: Vec<Sample>,
    /// Why there is none.
    pub missing: Option<String>,
}

impl LaneResult {
    pub(super) fn new(lane: &Lane) -> Self {
        Self {
            id: lane.id,
            is_peer: lane.is_peer(),
            rounds: Vec::new(),
            missing: None,
        }
    }

    /// A measure round by round; `None` where a round lacks it.
    pub fn values(&self, measure: Measure) -> Option<Vec<f64>> {
        let values = self.rounds.iter();
        let values: Option<Vec<f64>> = values
            .map(|sample| sample.values.get(&measure).copied())
            .collect();
        values.filter(|values| !values.is_empty())
    }

    /// The middle of the rounds.
    pub fn median(&self, measure: Measure) -> Option<f64> {
        let mut values = self.values(measure)?;
        values.sort_by(f64::total_cmp);
        Some(values[(values.len() - 1) / 2])
    }

    /// Requests that failed in all rounds.
    pub fn failed(&self) -> u64 {
        self.rounds.iter().map(|sample| sample.failed).sum()
    }

    /// How the first of them did.
    pub fn failure(&self) -> Option<&str> {
        let rounds = self.rounds.iter();
        rounds
            .filter_map(|sample| sample.failures.as_deref())
            .next()
    }

    /// Whether so many requests failed that the others tell nothing: to refuse is quick.
    pub fn is_void(&self) -> bool {
        let answered: u64 = self.rounds.iter().map(|sample| sample.answered).sum();
        self.failed() * MOST_FAILED > answered
    }
}
