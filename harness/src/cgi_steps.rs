//! Where the time of a CGI request goes, from the lines of gateserve's `trace-requests`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A step of a CGI request, in the order in which they are taken.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CgiStep {
    /// From the accept of the connection until the head of the request was understood.
    Parsed,
    /// Until the program was about to be started: its file, environment and pipes were ready.
    Started,
    /// Until its process was there.
    Spawned,
    /// Until `exec` had happened; a program that is forked has no such step.
    Executed,
    /// Until it had written something.
    FirstByte,
    /// Until it had closed its output.
    LastByte,
    /// Until it had ended.
    Exited,
    /// Until it was waited for; for a program that is forked its interpreter does that, unseen.
    Reaped,
}

impl CgiStep {
    /// Every step in order.
    pub const ALL: [Self; 8] = [
        Self::Parsed,
        Self::Started,
        Self::Spawned,
        Self::Executed,
        Self::FirstByte,
        Self::LastByte,
        Self::Exited,
        Self::Reaped,
    ];

    /// As reports name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parsed => "parsed",
            Self::Started => "prepared",
            Self::Spawned => "spawned",
            Self::Executed => "exec'ed",
            Self::FirstByte => "first byte",
            Self::LastByte => "last byte",
            Self::Exited => "exited",
            Self::Reaped => "reaped",
        }
    }

    /// When it was taken, in microseconds since the head was understood.
    fn taken(self, us: &Value) -> Option<i64> {
        match self {
            Self::Parsed => Some(0),
            Self::Started => us["started"].as_i64(),
            Self::Spawned => us["spawned"].as_i64(),
            Self::Executed => us["executed"].as_i64(),
            Self::FirstByte => us["first_byte"].as_i64(),
            Self::LastByte => us["last_byte"].as_i64(),
            Self::Exited => us["exited"].as_i64(),
            Self::Reaped => us["reaped"].as_i64(),
        }
    }
}

/// How long a step took since the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepTime {
    /// The step that was reached.
    pub step: CgiStep,
    /// Median, in microseconds.
    pub p50_us: u64,
    /// 99th percentile, in microseconds.
    pub p99_us: u64,
}

/// The steps of CGI requests that came one at a time, so that none waited for another: in a round
/// of its own on processes of its own, since writing them down takes time too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CgiSteps {
    /// How many requests were traced.
    pub requests: u64,
    /// In the order in which they are taken; those that the requests do not take are left out.
    pub steps: Vec<StepTime>,
}

impl CgiSteps {
    /// From the lines of a trace; `None` where no line is that of a CGI request that was answered.
    pub fn of<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let lines = lines.into_iter();
        let lines = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let is_program = |line: &Value| line["status"] == 200 && line["us"]["spawned"].is_i64();
        let times: Vec<Vec<(CgiStep, u64)>> = lines
            .filter(is_program)
            .map(|line| spans(&line["us"]))
            .collect();
        let steps = CgiStep::ALL.into_iter();
        let steps = steps.filter_map(|step| time(step, &times)).collect();
        (!times.is_empty()).then_some(Self {
            requests: times.len() as u64,
            steps,
        })
    }

    /// The medians together, in microseconds: about what a request takes.
    pub fn total_us(&self) -> u64 {
        self.steps.iter().map(|step| step.p50_us).sum()
    }
}

/// The steps that one request took, each with the microseconds since the one before.
fn spans(us: &Value) -> Vec<(CgiStep, u64)> {
    let mut before = us["accepted"].as_i64();
    let mut spans = Vec::new();
    for step in CgiStep::ALL {
        let Some(at) = step.taken(us) else { continue };
        if let Some(before) = before {
            spans.push((step, u64::try_from(at - before).unwrap_or_default()));
        }
        before = Some(at);
    }
    spans
}

/// `None` for a step that most requests did not take.
fn time(step: CgiStep, times: &[Vec<(CgiStep, u64)>]) -> Option<StepTime> {
    let of_step = times.iter().flatten().filter(|(of, _)| *of == step);
    let mut spans: Vec<u64> = of_step.map(|(_, us)| *us).collect();
    if spans.len() * 2 < times.len() || spans.is_empty() {
        return None;
    }
    spans.sort_unstable();
    Some(StepTime {
        step,
        p50_us: rank(&spans, 50),
        p99_us: rank(&spans, 99),
    })
}

/// The smallest value that so many per cent do not exceed.
fn rank(sorted: &[u64], percent: usize) -> u64 {
    let at = (sorted.len() * percent).div_ceil(100).max(1);
    sorted[at.min(sorted.len()) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(accepted: i64, first_byte: u64) -> String {
        format!(
            r#"{{"status":200,"us":{{"accepted":{accepted},"started":10,"spawned":50,"executed":250,"first_byte":{first_byte},"head":{},"last_byte":{},"exited":{},"end":9999}}}}"#,
            first_byte + 1,
            first_byte + 5,
            first_byte + 25,
        )
    }

    fn steps(lines: &[String]) -> Option<CgiSteps> {
        CgiSteps::of(lines.iter().map(String::as_str))
    }

    #[test]
    fn each_step_counts_from_the_one_before() {
        let steps = steps(&[line(-30, 1000)]).unwrap();
        let told: Vec<_> = steps.steps.iter().map(|s| (s.step, s.p50_us)).collect();
        let expected = [
            (CgiStep::Parsed, 30),
            (CgiStep::Started, 10),
            (CgiStep::Spawned, 40),
            (CgiStep::Executed, 200),
            (CgiStep::FirstByte, 750),
            (CgiStep::LastByte, 5),
            (CgiStep::Exited, 20),
        ];
        assert_eq!(told, expected);
        assert_eq!(steps.total_us(), 1055);
    }

    #[test]
    fn the_median_and_the_slowest_hundredth_are_those_of_all_requests() {
        let lines: Vec<_> = (1..=200).map(|n| line(-1, 250 + n)).collect();
        let steps = steps(&lines).unwrap();
        let first_byte = steps.steps.iter().find(|s| s.step == CgiStep::FirstByte);
        let first_byte = first_byte.unwrap();
        assert_eq!((first_byte.p50_us, first_byte.p99_us), (100, 198));
        assert_eq!(steps.requests, 200);
    }

    #[test]
    fn what_is_no_program_or_failed_is_left_out() {
        let other = r#"{"status":200,"us":{"head":3,"end":4}}"#.to_owned();
        let failed = line(-1, 400).replace("200,\"us\"", "502,\"us\"");
        assert_eq!(steps(&[other, failed, "half a li".to_owned()]), None);
    }
}
