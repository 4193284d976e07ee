//! How a case can end, who is to blame, and how much it matters.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How one scenario ended on one pairing: a closed list.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every expectation held, or one of the conforming outcomes was met.
    Pass,
    /// The rule was broken; expected and actual are both told.
    Fail,
    /// A subject's process died; it is started anew for the next case.
    Crash,
    /// A subject stayed stuck; it is started anew for the next case.
    Hang,
    /// The pairing cannot express this scenario.
    Unsupported,
    /// A scenario that this one builds on did not pass.
    Blocked,
    /// The bench itself could not do its work: counted for nobody and against nobody.
    BenchError,
}

impl Outcome {
    /// The word that results and reports print.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Crash => "crash",
            Self::Hang => "hang",
            Self::Unsupported => "unsupported",
            Self::Blocked => "blocked",
            Self::BenchError => "bench_error",
        }
    }

    /// Whether the subject broke the rule: what turns the exit code to 1 at level `required`.
    pub fn is_violation(self) -> bool {
        matches!(self, Self::Fail | Self::Crash | Self::Hang)
    }
}

/// How binding a scenario is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// A MUST: breaking it fails the run.
    Required,
    /// A SHOULD: told, and counted with `--level recommended`.
    Recommended,
    /// No rule: only reported; differences between subjects are the finding.
    Observed,
}

impl Level {
    /// The word that scenarios and results use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Recommended => "recommended",
            Self::Observed => "observed",
        }
    }
}

/// Which subject a violated requirement binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AtFault {
    /// The web server in front.
    Gateway,
    /// The application server or script behind.
    Backend,
    /// The evidence does not tell them apart.
    Either,
}

/// What a verdict looked at.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Witness {
    /// The bytes that the HTTP client got.
    Client,
    /// What the application saw, as the probe reports it.
    Application,
    /// What the backend received on the wire.
    Received,
    /// What the backend answered the driver.
    Reply,
    /// The next request on the same client connection.
    NextRequest,
    /// Whether the subjects' processes live and what they logged.
    Process,
}
