//! The stored result of a run: what `results.json` holds, and its JSON Schema.
//!
//! Reports are rendered from this alone, so that a page can be made again from an old run.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    cgi_steps::CgiSteps,
    model::Model,
    outcome::{AtFault, Level, Outcome, Witness},
};

/// Version of the stored format.
pub const FORMAT: u32 = 1;

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Results {
    /// Version of this format: 1.
    pub format: u32,
    /// Where it ran.
    pub environment: Environment,
    /// What was run.
    pub subjects: Vec<Subject>,
    /// One entry per scenario and pairing.
    pub results: Vec<CaseResult>,
    /// The rules that `results` cite, by id.
    #[serde(default)]
    pub requirements: BTreeMap<String, Rule>,
    /// One entry per measured pairing and workload.
    pub throughput: Vec<Throughput>,
    /// What each measured pairing takes while nobody asks for anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub idle: Vec<Idle>,
    /// Counts over `results`; `bench_error` counts figures that could not be measured too.
    pub summary: Summary,
}

impl Results {
    /// Figures that the bench was asked for and could not measure.
    pub fn missing_figures(&self) -> u32 {
        let unjudged = self.results.iter();
        let unjudged = unjudged.filter(|case| case.outcome == Outcome::BenchError);
        let unjudged = u32::try_from(unjudged.count()).unwrap_or(u32::MAX);
        self.summary.bench_error.saturating_sub(unjudged)
    }
}

/// A rule as reports quote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    /// Specification and section: `RFC 3875 §4.1.5`.
    pub source: String,
    /// The key word: `MUST`, `SHOULD`, `de-facto`, …
    pub level: String,
    /// The rule in one sentence or two.
    pub statement: String,
}

/// The machine and the program that made the results.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// Kernel name and release.
    pub kernel: String,
    /// Processors that the run could use.
    pub cpus: u32,
    /// Memory of the machine in bytes.
    pub memory_bytes: u64,
    /// Container engine and its version, if one answered.
    pub engine: Option<String>,
    /// Version of gatebench.
    pub gatebench: String,
    /// When the run started, RFC 3339 in UTC.
    pub started: String,
    /// What the run chose by itself and why (launcher, gateway), one sentence each.
    pub notes: Vec<String>,
    /// How far the run came, where it was interrupted: the results are those up to then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<String>,
}

/// A gateway or a backend that took part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subject {
    /// `name[@version][:variant]`.
    pub id: String,
    /// Plain name.
    pub name: String,
    /// Named configuration, if it has more than one.
    pub variant: Option<String>,
    /// On which side it sits.
    pub role: Role,
    /// Version that the program itself tells.
    pub version: Option<String>,
    /// `container`, `process`, `builtin`, or `running` where the bench did not start it.
    pub via: String,
    /// Container image, where one was used.
    pub image: Option<String>,
    /// Of a running one: the options with which it was judged beside its address, such as
    /// `--app-file /srv/probe.php`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}

/// Side of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// In front.
    Gateway,
    /// Behind.
    Backend,
}

/// One scenario on one pairing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaseResult {
    /// Scenario id: path and name.
    pub scenario: String,
    /// How binding it is.
    pub level: Level,
    /// Ids of the requirements it cites.
    pub requirements: Vec<String>,
    /// One sentence: what must hold.
    pub says: String,
    /// Subject id of the gateway.
    pub gateway: Option<String>,
    /// The way to the application.
    pub model: Option<Model>,
    /// What carried CGI, where the gateway executes nothing itself.
    pub carrier: Option<String>,
    /// Subject id of the backend.
    pub backend: Option<String>,
    /// Whom the broken requirement binds.
    pub at_fault: Option<AtFault>,
    /// How it ended.
    pub outcome: Outcome,
    /// What the rule asks for, where it was broken.
    pub expected: Option<String>,
    /// What came instead.
    pub actual: Option<String>,
    /// What probably led to it, and what to change, where a known log line tells.
    #[serde(default)]
    pub cause: Option<String>,
    /// What was seen: the conforming outcome that was met (`chosen`) and observed values.
    pub observation: BTreeMap<String, String>,
    /// Where this model's answer differs from the other models' on the same gateway.
    pub differs: Vec<Difference>,
    /// Listed as known for this subject and version.
    pub known: bool,
    /// It touches security and has no public report: `gatebench report --public` leaves out what
    /// would show how.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub embargoed: bool,
    /// Why: of a known deviation, of `unsupported`, `blocked` or `bench_error`.
    pub reason: Option<String>,
    /// What the deciding expectation looked at.
    pub witness: Option<Witness>,
    /// Wall time of the case in microseconds.
    pub duration_us: u64,
    /// How often it ran.
    pub repeats: u32,
    /// Path of the wire transcript, relative to the results file.
    pub transcript: Option<String>,
}

/// One observed value that is not the same for every model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// What was compared, for example `client.status` or `application.PATH_INFO`.
    pub what: String,
    /// Value here.
    pub here: String,
    /// Values of the other models: model and value.
    pub others: BTreeMap<String, String>,
}

/// One measured pairing and workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Throughput {
    /// Subject id of the gateway; `null` for a plain URL.
    pub gateway: Option<String>,
    /// The way to the application.
    pub model: Option<Model>,
    /// What carried CGI.
    pub carrier: Option<String>,
    /// Subject id of the backend.
    pub backend: Option<String>,
    /// Application that answered.
    pub app: String,
    /// `unix` or `tcp`, between gateway and backend.
    pub socket: Option<String>,
    /// Whether the gateway kept backend connections open.
    pub backend_keepalive: Option<bool>,
    /// Name of the workload.
    pub workload: String,
    /// `closed` or `open`.
    pub pacing: PacingKind,
    /// Client connections.
    pub connections: u32,
    /// Offered rate in open pacing, requests per second.
    pub offered_rps: Option<f64>,
    /// Requests answered as expected within the measured time.
    pub requests: u64,
    /// Requests that failed.
    pub errors: u64,
    /// Answered requests per second.
    pub rps: f64,
    /// Latency percentiles in microseconds.
    pub latency_us: Percentiles,
    /// CPU time per answered request in microseconds; `null` where it cannot be attributed.
    pub cpu_us_per_request: CpuSplit,
    /// Peak resident set of the backend's processes together, in bytes.
    pub rss_peak_bytes: Option<u64>,
    /// Peak proportional set of the backend's processes together, in bytes.
    pub pss_peak_bytes: Option<u64>,
    /// Processes created while it ran.
    pub forks: Option<u64>,
    /// Context switches of the backend's living processes.
    pub context_switches: Option<u64>,
    /// Page faults of the backend's processes, children that they waited for included; `null` where
    /// its CPU time is.
    #[serde(default)]
    pub page_faults: Option<PageFaults>,
    /// Latency distribution for plots: (percentile, microseconds).
    pub latency_curve: Vec<(f64, u64)>,
    /// Answered requests in each second of the measured time.
    pub rps_by_second: Vec<u64>,
    /// Where the time of a CGI request goes, as gateserve tells it.
    #[serde(default)]
    pub cgi_steps: Option<CgiSteps>,
    /// Latencies of the requests answered in each second: an HDR histogram in microseconds, its V2
    /// encoding in base64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hdr_by_second: Vec<String>,
    /// Requests per second of every round, in the order in which they ran; `rps` and the rest are
    /// of the one in the middle.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rounds: Vec<f64>,
    /// Figures with the same name here took turns, so that their rounds pair up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<String>,
    /// Every request came on a connection of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closes: bool,
    /// Reasons to doubt the figures.
    pub caveats: Vec<String>,
}

/// A pairing at rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Idle {
    /// Subject id of the gateway.
    pub gateway: String,
    /// The way to the application.
    pub model: Model,
    /// Subject id of the backend.
    pub backend: String,
    /// Worker processes that the backend was asked for.
    pub workers: u32,
    /// Processes that it is made of, those that supervise included.
    pub processes: u32,
    /// Resident set of the backend's processes together, in bytes.
    pub rss_bytes: Option<u64>,
    /// Proportional set of the backend's processes together, in bytes.
    pub pss_bytes: Option<u64>,
    /// CPU time of the gateway in microseconds per second; the kernel counts in ticks of 10 ms.
    pub gateway_cpu_us_per_second: Option<f64>,
    /// The same of the backend.
    pub backend_cpu_us_per_second: Option<f64>,
}

/// How requests were spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PacingKind {
    /// The next request leaves when the last one is answered.
    Closed,
    /// Requests leave when they are due.
    Open,
}

/// Latency percentiles in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub struct Percentiles {
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub p999: u64,
    pub max: u64,
}

/// Page faults of some processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PageFaults {
    /// Without reading from a disk: pages that were new, or copied because of a write.
    pub minor: u64,
    /// With reading from a disk.
    pub major: u64,
}

/// Where the CPU time of a request went, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CpuSplit {
    /// The gateway's processes.
    pub gateway: Option<f64>,
    /// The backend's processes, reaped children included.
    pub backend: Option<f64>,
    /// The load generator.
    pub load: Option<f64>,
}

/// Counts of outcomes. `known` ones are violations that were expected; they are not in `fail`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub struct Summary {
    pub pass: u32,
    pub fail: u32,
    pub crash: u32,
    pub hang: u32,
    pub known: u32,
    pub stale: u32,
    pub unsupported: u32,
    pub blocked: u32,
    pub bench_error: u32,
}

impl Summary {
    /// Counts `results`; `stale` entries of the known list are counted by the caller.
    pub fn of(results: &[CaseResult], stale: u32) -> Self {
        let mut counts = Self {
            stale,
            ..Self::default()
        };
        for case in results {
            *counts.slot(case) += 1;
        }
        counts
    }

    /// The same with so many figures more that the bench could not measure.
    pub fn with_missing(mut self, figures: u32) -> Self {
        self.bench_error += figures;
        self
    }

    fn slot(&mut self, case: &CaseResult) -> &mut u32 {
        if case.known && case.outcome.is_violation() {
            return &mut self.known;
        }
        match case.outcome {
            Outcome::Pass => &mut self.pass,
            Outcome::Fail => &mut self.fail,
            Outcome::Crash => &mut self.crash,
            Outcome::Hang => &mut self.hang,
            Outcome::Unsupported => &mut self.unsupported,
            Outcome::Blocked => &mut self.blocked,
            Outcome::BenchError => &mut self.bench_error,
        }
    }
}

/// The JSON Schema of [`Results`], kept in the repository as `harness/results.schema.json`.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Results).to_value()
}
