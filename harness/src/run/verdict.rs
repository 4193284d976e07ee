//! From the evidence to an outcome: what died or stayed stuck first, then what the scenario says,
//! then whether the connection is in step.

use super::{case::Target, lively::is_plain_answer};
use crate::{
    outcome::{AtFault, Level, Outcome, Witness},
    scenario::{JudgeContext, Judgement, Scenario},
    witness::{ClientView, Connection, Evidence, Health, ProcessView},
};

/// How it is told that one process of a server has ended, and the server has not.
pub(super) const WORKER_ENDED: &str = " died: worker ";

/// Why a WSGI case cannot be played.
pub(super) const NO_WSGI: &str = "the backend runs no WSGI application";

/// Why an NPH case cannot be played.
const NO_NPH: &str = "an NPH script writes to the client itself; what a server before it gets over \
                      FastCGI is CGI output";

/// Why a case behind access control cannot be played.
const NO_AUTH: &str =
    "a gateway that the bench did not start is not known to ask for a user anywhere";

/// Why other programs than the probe cannot be asked for.
const NO_FOLDER: &str = "the gateway forwards only the probe, not the folder of CGI programs";

/// Why a case whose reply is CGI output cannot be played.
const NO_CGI_OUTPUT: &str = "a reply always has a status and a head of its own here";

/// Why a case that reads the gateway's log cannot be played.
const NO_LOG: &str = "the log of a gateway that the bench did not start cannot be read";

/// How a case ended, and why.
pub(super) fn judge(
    target: &dyn Target,
    scenario: &Scenario,
    evidence: &Evidence,
) -> (Outcome, Judgement) {
    let context = JudgeContext {
        model: target.model(),
        place: target.place(),
        carried: target.carried(),
    };
    let judgement = scenario.judge(evidence, &context);
    if let Some(lost) = Lost::unasked(&evidence.process, scenario) {
        return (lost.outcome, lost.judgement(judgement));
    }
    if judgement.unsupported.is_some() {
        return (Outcome::Unsupported, judgement);
    }
    if let Some(reason) = unplayable(target, scenario) {
        let judgement = Judgement {
            unsupported: Some(reason.to_owned()),
            ..Judgement::default()
        };
        return (Outcome::Unsupported, judgement);
    }
    if !judgement.passed {
        return (Outcome::Fail, nobody_else(judgement, evidence));
    }
    match out_of_step(evidence).filter(|_| scenario.next_script(target.place()).is_none()) {
        None => (Outcome::Pass, judgement),
        Some(step) => {
            let (outcome, judgement) = step.judgement(judgement, scenario.level);
            (outcome, nobody_else(judgement, evidence))
        }
    }
}

/// Why a scenario says nothing about this target, if it does not.
fn unplayable(target: &dyn Target, scenario: &Scenario) -> Option<&'static str> {
    let reasons = [
        (scenario.needs_wsgi() && !target.runs_wsgi(), NO_WSGI),
        (scenario.needs_nph() && target.carried(), NO_NPH),
        (scenario.needs_auth() && !target.asks_for_users(), NO_AUTH),
        (
            scenario.names_program() && !target.place().has_folder(),
            NO_FOLDER,
        ),
        (
            scenario.needs_cgi_output() && !target.takes_cgi_output(),
            NO_CGI_OUTPUT,
        ),
        (
            scenario.reads_gateway_log() && !target.has_gateway_log(),
            NO_LOG,
        ),
    ];
    let found = reasons.into_iter().find(|(applies, _)| *applies);
    found.map(|(_, reason)| reason)
}

/// Behind a gateway that is judged alone there is nobody else to blame.
fn nobody_else(judgement: Judgement, evidence: &Evidence) -> Judgement {
    let alone = evidence.recorded.as_ref();
    let at_fault = alone.map_or(judgement.at_fault, |_| {
        judgement.at_fault.map(|_| AtFault::Gateway)
    });
    Judgement {
        at_fault,
        ..judgement
    }
}

/// A subject that the case cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) outcome: Outcome,
    at_fault: AtFault,
    pub(super) how: String,
}

impl Lost {
    /// Who died or is stuck, if somebody is: a death comes first, since it explains the rest.
    pub(super) fn of(process: &ProcessView) -> Option<Self> {
        let sides = [
            ("gateway", AtFault::Gateway, &process.gateway),
            ("backend", AtFault::Backend, &process.backend),
        ];
        let died = sides
            .iter()
            .find_map(|(who, at_fault, health)| match health {
                Health::Died(how) => Some(Self {
                    outcome: Outcome::Crash,
                    at_fault: *at_fault,
                    how: format!("the {who} died: {how}"),
                }),
                Health::Alive | Health::Stuck => None,
            });
        let stuck = || sides.iter().find(|(.., health)| **health == Health::Stuck);
        died.or_else(|| {
            let (who, at_fault, _) = stuck()?;
            Some(Self {
                outcome: Outcome::Hang,
                at_fault: *at_fault,
                how: format!("the {who} does not answer a plain request any more"),
            })
        })
    }

    /// The same, but for a worker that a scenario has its application kill: where applications live
    /// in the workers of a server, it did what it was asked for, and the server is not to blame.
    pub(super) fn unasked(process: &ProcessView, scenario: &Scenario) -> Option<Self> {
        Self::of(process).filter(|lost| !(scenario.kills_its_process() && lost.is_a_worker()))
    }

    /// Whether it is one process of an application server that goes on with others.
    pub(super) fn is_a_worker(&self) -> bool {
        self.outcome == Outcome::Crash
            && self.how.starts_with(&format!("the backend{WORKER_ENDED}"))
    }

    /// What it makes of a verdict; what was observed stays.
    pub(super) fn judgement(self, before: Judgement) -> Judgement {
        Judgement {
            passed: false,
            unsupported: None,
            expected: Some(Self::EXPECTED.to_owned()),
            actual: Some(self.how),
            witness: Some(Witness::Process),
            at_fault: Some(self.at_fault),
            ..before
        }
    }

    /// What every case expects.
    const EXPECTED: &str = "gateway and backend live on";
}

/// A plain follow-up that got no plain answer.
struct OutOfStep {
    actual: String,
    at_fault: AtFault,
}

impl OutOfStep {
    fn judgement(self, before: Judgement, level: Level) -> (Outcome, Judgement) {
        if level == Level::Observed {
            let mut told = before;
            told.observation
                .insert("next_request".to_owned(), self.actual);
            return (Outcome::Pass, told);
        }
        let expected = "the next request on the connection gets its own answer".to_owned();
        let judgement = Judgement {
            passed: false,
            expected: Some(expected),
            actual: Some(self.actual),
            witness: Some(Witness::NextRequest),
            at_fault: Some(self.at_fault),
            ..before
        };
        (Outcome::Fail, judgement)
    }
}

fn out_of_step(evidence: &Evidence) -> Option<OutOfStep> {
    let client = &evidence.next.as_ref()?.client;
    if is_plain_answer(client) || is_idle_close(client) {
        return None;
    }
    let status = client
        .status
        .map_or_else(|| "none".to_owned(), |status| status.to_string());
    let flaw = client.malformed.as_deref();
    Some(OutOfStep {
        actual: format!(
            "status {status}, {}",
            flaw.unwrap_or("not the probe's report")
        ),
        // CGI-3.1-HTTP-CONFORM: how replies are framed for the client is the gateway's alone.
        at_fault: flaw.map_or(AtFault::Either, |_| AtFault::Gateway),
    })
}

/// RFC 9112 §9.3.1: a server may close a connection that was idle; the client saw no octet.
fn is_idle_close(client: &ClientView) -> bool {
    client.status.is_none()
        && client.malformed.is_none()
        && client.first_byte.is_none()
        && client.connection == Connection::Cut
}
