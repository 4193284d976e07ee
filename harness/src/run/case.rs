//! One scenario on one target: play it, gather all witnesses, judge.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use crate::{
    model::Model,
    outcome::{Outcome, Witness},
    scenario::{Action, JudgeContext, Judgement, Place, Scenario, Script},
    seats::client::Client,
    transcript::{Log, Transcript},
    witness::{
        ClientView, Connection, Evidence, Health, NextView, ProbeReport, ProcessView, Received,
    },
};

/// Something that scenarios can be played on: a pairing that runs, or a double of one.
pub trait Target {
    /// Where clients connect.
    fn listen(&self) -> SocketAddr;
    /// Where requests are addressed to.
    fn place(&self) -> &Place;
    /// The way to the application.
    fn model(&self) -> Model;
    /// Whether another server carries CGI for the gateway.
    fn carried(&self) -> bool;
    /// What passes on all wires.
    fn log(&self) -> &Log;
    /// Drops what earlier cases left in logs and on the wires.
    fn forget(&mut self);
    /// What the backend received since, where that wire is watched.
    fn received(&mut self) -> Option<Vec<Received>>;
    /// How the processes are, and what they logged since.
    fn health(&mut self) -> ProcessView;
    /// The end of the gateway's log, for a set-up that does not answer.
    fn last_words(&mut self) -> String;
}

/// How long a plain request may take before a subject counts as stuck.
const PLAIN_WITHIN: Duration = Duration::from_secs(5);

/// One case that was played.
pub struct Played {
    /// How it ended.
    pub outcome: Outcome,
    /// The verdict in words.
    pub judgement: Judgement,
    /// Everything that was seen.
    pub evidence: Evidence,
    /// The bytes.
    pub transcript: Transcript,
    /// How often it ran.
    pub repeats: u32,
}

impl Played {
    /// Whether a subject has to be replaced before the next case.
    pub fn broke(&self) -> bool {
        matches!(self.outcome, Outcome::Crash | Outcome::Hang)
    }
}

/// Plays a scenario as often as it asks for and takes its quorum.
pub async fn play(target: &mut dyn Target, scenario: &Scenario) -> Played {
    let (times, quorum) = (scenario.repeat.times.max(1), scenario.repeat.quorum.max(1));
    let (mut passed, mut last_pass, mut last_fail) = (0, None, None);
    for repeats in 1..=times {
        let played = Played {
            repeats,
            ..once(target, scenario).await
        };
        if played.broke() {
            return played;
        }
        match played.outcome {
            Outcome::Pass => {
                passed += 1;
                last_pass = Some(played);
            }
            _ => last_fail = Some(played),
        }
        if passed >= quorum || times - repeats + passed < quorum {
            break;
        }
    }
    let decided = if passed >= quorum {
        last_pass.or(last_fail)
    } else {
        last_fail.or(last_pass)
    };
    decided.expect("a case runs at least once")
}

async fn once(target: &mut dyn Target, scenario: &Scenario) -> Played {
    target.forget();
    let begun = Instant::now();
    let mut evidence = Evidence::default();
    let connected = Client::connect(target.listen(), target.log().clone(), 0).await;
    if let Ok(mut client) = connected {
        evidence.client = client.play(&scenario.script(target.place())).await;
        evidence.application = report(&evidence.client);
        evidence.next = follow_up(target, scenario, client, &evidence.client).await;
    } else if let Err(error) = connected {
        evidence.client.malformed = Some(format!("the gateway takes no connection: {error}"));
        evidence.client.connection = Connection::Cut;
    }
    evidence.elapsed = begun.elapsed();
    evidence.received = target.received();
    evidence.process = health(target, &evidence.client).await;
    let transcript = target.log().take();
    let (outcome, judgement) = judge(target, scenario, &evidence);
    Played {
        outcome,
        judgement,
        evidence,
        transcript,
        repeats: 1,
    }
}

/// The probe's report, if the reply is one.
pub(super) fn report(view: &ClientView) -> Option<ProbeReport> {
    serde_json::from_slice(&view.body.kept).ok()
}

/// The scenario's follow-up; without one, a plain request wherever the connection is still open,
/// since a reply that puts the connection out of step shows only there.
async fn follow_up(
    target: &dyn Target,
    scenario: &Scenario,
    mut client: Client,
    view: &ClientView,
) -> Option<NextView> {
    let wanted = scenario.next_script(target.place());
    if client.reusable(view) {
        let script = wanted.unwrap_or_else(|| plain(target));
        return Some(NextView {
            same_connection: true,
            client: client.play(&script).await,
        });
    }
    let script = wanted?;
    drop(client);
    let mut fresh = Client::connect(target.listen(), target.log().clone(), 1)
        .await
        .ok()?;
    Some(NextView {
        same_connection: false,
        client: fresh.play(&script).await,
    })
}

/// A request that every healthy pairing answers with the probe's report.
pub(super) fn plain(target: &dyn Target) -> Script {
    let place = target.place();
    let target = if place.app.is_empty() {
        "/"
    } else {
        place.app.as_str()
    };
    let head = format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", place.host);
    Script {
        method: "GET".to_owned(),
        actions: vec![Action::Send(head.into_bytes())],
        within: PLAIN_WITHIN,
    }
}

async fn health(target: &mut dyn Target, view: &ClientView) -> ProcessView {
    let mut process = target.health();
    let suspicious = view.connection == Connection::Stalled || view.status.is_none();
    if suspicious && process.gateway == Health::Alive && !answers(target).await {
        process.gateway = Health::Stuck;
    }
    process
}

/// Whether a plain request on a new connection is answered.
pub(super) async fn answers(target: &dyn Target) -> bool {
    let Ok(mut client) = Client::connect(target.listen(), target.log().clone(), 9).await else {
        return false;
    };
    let view = client.play(&plain(target)).await;
    view.status == Some(200) && report(&view).is_some()
}

fn judge(target: &dyn Target, scenario: &Scenario, evidence: &Evidence) -> (Outcome, Judgement) {
    let context = JudgeContext {
        model: target.model(),
        place: target.place(),
        carried: target.carried(),
    };
    let judgement = scenario.judge(evidence, &context);
    if judgement.unsupported.is_some() {
        return (Outcome::Unsupported, judgement);
    }
    for (who, health) in [
        ("gateway", &evidence.process.gateway),
        ("backend", &evidence.process.backend),
    ] {
        let (outcome, actual) = match health {
            Health::Alive => continue,
            Health::Died(how) => (Outcome::Crash, format!("the {who} died: {how}")),
            Health::Stuck => (
                Outcome::Hang,
                format!("the {who} does not answer a plain request any more"),
            ),
        };
        let expected = Some("gateway and backend live on".to_owned());
        let seen = Judgement {
            passed: false,
            expected,
            actual: Some(actual),
            witness: Some(Witness::Process),
            ..judgement
        };
        return (outcome, seen);
    }
    if judgement.passed
        && let Some(actual) = out_of_step(scenario, evidence, target)
    {
        let expected = Some("the next request on the connection gets its own answer".to_owned());
        let witness = Some(Witness::NextRequest);
        let seen = Judgement {
            passed: false,
            expected,
            actual: Some(actual),
            witness,
            ..judgement
        };
        return (Outcome::Fail, seen);
    }
    let outcome = if judgement.passed {
        Outcome::Pass
    } else {
        Outcome::Fail
    };
    (outcome, judgement)
}

/// What the plain follow-up got, where that is not a plain answer.
fn out_of_step(scenario: &Scenario, evidence: &Evidence, target: &dyn Target) -> Option<String> {
    let next = evidence.next.as_ref()?;
    if scenario.next_script(target.place()).is_some() {
        return None;
    }
    let client = &next.client;
    match (client.status, &client.malformed, report(client)) {
        (Some(200), None, Some(_)) => None,
        // RFC 9112 §9.3.1: a server may close a connection that was idle; the client saw no octet.
        (None, None, _) if client.first_byte.is_none() && client.connection == Connection::Cut => {
            None
        }
        (status, malformed, _) => Some(format!(
            "status {}, {}",
            status.map_or_else(|| "none".to_owned(), |status| status.to_string()),
            malformed
                .clone()
                .unwrap_or_else(|| "not the probe's report".to_owned())
        )),
    }
}
