//! What must hold after a case: conditions on the four witnesses.

use serde::Deserialize;

use super::{
    Place, probe::Probe, reply::Item, request::Request, script_uri, steps::Step, text::Time,
};
use crate::{
    model::Model,
    outcome::Witness,
    witness::{ClientView, Evidence, ProcessView},
};

pub mod application;
pub mod body;
pub mod client;
pub mod received;
pub mod status;
pub mod timing;
pub mod value;

use application::ApplicationExpect;
use client::ClientExpect;
use received::ReceivedExpect;
use status::status_line;
use timing::Timing;
use value::{Value, quote};

/// Conditions on everything that was seen; what is left out is not looked at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// What the client got.
    pub client: Option<ClientExpect>,
    /// What the application saw, by the probe's report.
    pub application: Option<ApplicationExpect>,
    /// What the backend received on the wire.
    pub received: Option<ReceivedExpect>,
    /// The follow-up request, which this key also asks for.
    pub next_request: Option<NextRequest>,
    /// What the subjects logged.
    pub process: Option<ProcessExpect>,
}

/// One conforming outcome where the specification leaves a choice.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Name of the outcome in reports.
    #[serde(rename = "as")]
    pub name: String,
    /// Models that may choose it; left out, all.
    pub models: Option<Vec<Model>>,
    /// What the client got.
    #[serde(default)]
    pub client: Option<ClientExpect>,
    /// What the application saw.
    #[serde(default)]
    pub application: Option<ApplicationExpect>,
    /// What the backend received on the wire.
    #[serde(default)]
    pub received: Option<ReceivedExpect>,
    /// What the subjects logged.
    #[serde(default)]
    pub process: Option<ProcessExpect>,
    /// What the driver waits for: `expect`s only.
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// A second request, on the same client connection or, where that was closed, on a new one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NextRequest {
    /// What is asked: `GET {app}/` unless spelled.
    pub request: Request,
    /// What the probe is told.
    pub probe: Probe,
    /// What the recorder replies to it: the probe's report unless told.
    pub reply: Option<Vec<Item>>,
    /// Asks for the Script-URI of the first request instead of `request.target`, and for the same
    /// script, path and query (CGI-3.3-SCRIPT-URI).
    pub script_uri: bool,
    /// Time for all of it.
    pub within: Option<Time>,
    /// What the client got.
    pub client: ClientExpect,
}

/// Conditions on what the subjects logged during the case.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProcessExpect {
    /// The gateway's log.
    pub gateway_log: Option<Value>,
    /// The backend's log.
    pub backend_log: Option<Value>,
    /// Both logs, one after the other: by some protocols what a backend complains of is in the
    /// gateway's.
    pub logs: Option<Value>,
    /// When the reply left the backend, by the wire behind the gateway where that is watched.
    pub reply_begins: Option<Timing>,
}

/// Where and for what a verdict is made.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub(super) request: &'a Request,
    pub(super) place: &'a Place,
}

/// The first condition that does not hold, worded for the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Who saw it.
    pub witness: Witness,
    /// What was looked at, for example `client.status`.
    pub what: String,
    /// What it must be.
    pub expected: String,
    /// What it was.
    pub actual: String,
}

/// A condition that does not hold, before it is said who saw it.
#[derive(Debug)]
pub(super) struct Unmet {
    what: String,
    expected: String,
    actual: String,
}

impl Unmet {
    fn new(
        what: impl Into<String>,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) -> Self {
        Self {
            what: what.into(),
            expected: expected.into(),
            actual: actual.into(),
        }
    }

    fn seen_by(self, witness: Witness, prefix: &str) -> Mismatch {
        Mismatch {
            witness,
            what: format!("{prefix}.{}", self.what),
            expected: self.expected,
            actual: self.actual,
        }
    }
}

impl Mismatch {
    pub(crate) fn new(
        witness: Witness,
        what: impl Into<String>,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) -> Self {
        Self {
            witness,
            what: what.into(),
            expected: expected.into(),
            actual: actual.into(),
        }
    }
}

impl Expect {
    /// The first difference between what must hold and what was seen.
    pub(super) fn mismatch(&self, evidence: &Evidence, scene: &Scene<'_>) -> Option<Mismatch> {
        let parts = Parts {
            client: self.client.as_ref(),
            application: self.application.as_ref(),
            received: self.received.as_ref(),
            process: self.process.as_ref(),
        };
        parts.mismatch(evidence, scene).or_else(|| {
            let next = self.next_request.as_ref()?;
            next.mismatch(evidence, scene)
        })
    }
}

impl Choice {
    /// Whether a model may choose this outcome.
    pub fn applies(&self, model: Model) -> bool {
        self.models
            .as_ref()
            .is_none_or(|models| model.is_among(models))
    }

    /// The first difference between this outcome and what was seen.
    pub(super) fn mismatch(&self, evidence: &Evidence, scene: &Scene<'_>) -> Option<Mismatch> {
        let parts = Parts {
            client: self.client.as_ref(),
            application: self.application.as_ref(),
            received: self.received.as_ref(),
            process: self.process.as_ref(),
        };
        parts.mismatch(evidence, scene)
    }
}

/// What `expect` and an outcome of `one_of` have in common.
struct Parts<'a> {
    client: Option<&'a ClientExpect>,
    application: Option<&'a ApplicationExpect>,
    received: Option<&'a ReceivedExpect>,
    process: Option<&'a ProcessExpect>,
}

impl Parts<'_> {
    fn mismatch(&self, evidence: &Evidence, scene: &Scene<'_>) -> Option<Mismatch> {
        let client = self
            .client
            .and_then(|client| client.mismatch(&evidence.client, Witness::Client, scene));
        client
            .or_else(|| unmet_application(self.application?, evidence, scene))
            .or_else(|| self.received?.mismatch(evidence, scene))
            .or_else(|| self.process?.mismatch(&evidence.process, scene))
    }
}

fn unmet_application(
    expect: &ApplicationExpect,
    evidence: &Evidence,
    scene: &Scene<'_>,
) -> Option<Mismatch> {
    if let Some(mismatch) = expect.unmet_note(evidence.seen.as_ref(), scene.place) {
        return Some(mismatch);
    }
    if !expect.needs_report() {
        return None;
    }
    match &evidence.application {
        Some(report) => expect.mismatch(report, scene),
        None => {
            let actual = status_line(&evidence.client);
            Some(Mismatch::new(
                Witness::Client,
                "client",
                "the probe's report",
                actual,
            ))
        }
    }
}

impl NextRequest {
    fn mismatch(&self, evidence: &Evidence, scene: &Scene<'_>) -> Option<Mismatch> {
        let witness = Witness::NextRequest;
        let Some(next) = &evidence.next else {
            return Some(Mismatch::new(
                witness,
                "next_request",
                "an answer",
                "none was made",
            ));
        };
        if let Some(flaw) = &next.client.malformed {
            return Some(Mismatch::new(
                witness,
                "next_request.client",
                "well-formed HTTP",
                flaw,
            ));
        }
        let scene = Scene {
            request: &self.request,
            place: scene.place,
        };
        let unmet = self.client.mismatch(&next.client, witness, &scene);
        unmet.or_else(|| self.unlike(evidence, &next.client))
    }

    /// What the Script-URI of the first request leads to that the first request did not; nothing
    /// where that was refused, since then there is no Script-URI.
    fn unlike(&self, evidence: &Evidence, client: &ClientView) -> Option<Mismatch> {
        let first = evidence.application.as_ref().filter(|_| self.script_uri)?;
        let again = serde_json::from_slice(&client.body.kept).ok();
        script_uri::unlike(first, again.as_ref())
    }
}

impl ProcessExpect {
    fn mismatch(&self, process: &ProcessView, scene: &Scene<'_>) -> Option<Mismatch> {
        let both = format!("{}{}", process.gateway_log, process.backend_log);
        let logs = [
            ("gateway_log", &self.gateway_log, &process.gateway_log),
            ("backend_log", &self.backend_log, &process.backend_log),
            ("logs", &self.logs, &both),
        ];
        if let Some(late) = self.reply_begins.and_then(|t| t.unmet(process.reply_began)) {
            let actual = match process.reply_began {
                Some(after) => format!("after {}ms", after.as_millis()),
                None => "never".to_owned(),
            };
            let what = "process.reply_begins";
            return Some(Mismatch::new(Witness::Process, what, late, actual));
        }
        logs.into_iter().find_map(|(what, value, log)| {
            let expected = value.as_ref()?.unmet(Some(log), scene.place)?;
            let what = format!("process.{what}");
            Some(Mismatch::new(Witness::Process, what, expected, quote(log)))
        })
    }
}
