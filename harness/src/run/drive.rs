//! One backend scenario on one application server: the driver plays it, then the server is asked
//! whether it is well, then it is judged.

use std::time::{Duration, Instant};

use super::{
    case::{Played, Tally, report},
    verdict::Lost,
};
use crate::{
    dialogue::{Driven, End, Line},
    model::Model,
    outcome::{AtFault, Outcome},
    scenario::{JudgeContext, Judgement, Scenario, steps::Ask},
    seats::driver::{Play, Seat, plain},
    transcript::Log,
    witness::{ClientView, Evidence, Health, ProcessView},
};

/// How long a plain request may take before the server counts as stuck.
const PLAIN_WITHIN: Duration = Duration::from_secs(5);

/// An application server that the driver judges: one that the bench started, one that runs, or a
/// double of one.
pub trait BackendTarget {
    /// Where it is reached and what is spoken.
    fn seat(&self) -> &Seat;
    /// What passes.
    fn log(&self) -> &Log;
    /// Whether the probe answers behind it.
    fn has_probe(&self) -> bool;
    /// Drops what earlier cases left in logs.
    fn forget(&mut self);
    /// How its processes are, and what they logged since.
    fn health(&mut self) -> ProcessView;
    /// Whether its log can be read, so that conditions on it mean something.
    fn is_logged(&self) -> bool {
        true
    }
    /// What the bench itself could not do since: no verdict can rest on this case.
    fn trouble(&mut self) -> Option<String> {
        None
    }
}

/// Plays a scenario as often as it asks for and takes its quorum.
pub async fn play(target: &mut dyn BackendTarget, scenario: &Scenario) -> Played {
    let mut tally = Tally::of(scenario);
    loop {
        let played = once(target, scenario).await;
        if let Some(played) = tally.take(played) {
            return played;
        }
    }
}

/// Makes sure that results can count: a plain request is answered, and by the probe where it is
/// said to be there, which must refuse a command that does not exist.
///
/// # Errors
/// What came instead.
pub async fn test(target: &mut dyn BackendTarget) -> Result<(), String> {
    target.forget();
    let line = ask(target, &Ask::default()).await?;
    if !is_answer(target, &line) {
        return Err(unanswered(target, &line));
    }
    if !target.has_probe() {
        return Ok(());
    }
    let line = ask(target, &Ask::telling_probe("no-such-command")).await?;
    let view = line.first().cloned().unwrap_or_default();
    let body = String::from_utf8_lossy(&view.body.kept);
    if view.status == Some(400) && body.contains("unknown probe command") {
        return Ok(());
    }
    Err(format!(
        "the probe took a command that does not exist: {}",
        told(&line)
    ))
}

async fn ask(target: &dyn BackendTarget, ask: &Ask) -> Result<Line, String> {
    let (seat, log) = (target.seat(), target.log().clone());
    let asked = plain(seat, log, ask, PLAIN_WITHIN).await;
    asked.map_err(|own| own.to_string())
}

async fn once(target: &mut dyn BackendTarget, scenario: &Scenario) -> Played {
    target.forget();
    let begun = Instant::now();
    let mut evidence = Evidence::default();
    let gathered = gather(target, scenario, &mut evidence).await;
    evidence.elapsed = begun.elapsed();
    let trouble = gathered.err().or_else(|| target.trouble());
    let transcript = target.log().take();
    let (outcome, judgement) = match trouble {
        Some(_) => (Outcome::BenchError, Judgement::default()),
        None => judge(target, scenario, &evidence),
    };
    Played {
        outcome,
        judgement,
        // Somebody may still be at work on what the driver waited for in vain.
        stalled: outcome == Outcome::Fail,
        evidence,
        transcript,
        repeats: 1,
        trouble,
    }
}

/// Plays the steps, then asks a plain request on a new connection.
async fn gather(
    target: &mut dyn BackendTarget,
    scenario: &Scenario,
    evidence: &mut Evidence,
) -> Result<(), String> {
    let play = Play::new(target.seat(), target.log().clone());
    let driven = play.scenario(scenario).await;
    see(evidence, driven.map_err(|own| own.to_string())?);
    let line = ask(target, &Ask::default()).await?;
    evidence.process = target.health();
    if !is_answer(target, &line) && evidence.process.backend == Health::Alive {
        evidence.process.backend = Health::Stuck;
    }
    Ok(())
}

/// What the driver saw, also in the words in which every case is told.
fn see(evidence: &mut Evidence, driven: Driven) {
    let first = driven.lines.first().and_then(Line::first);
    evidence.client = first.cloned().unwrap_or_default();
    evidence.application = report(&evidence.client);
    evidence.driven = Some(driven);
}

/// Whether a plain request was answered: with the probe's report, or anyhow where no probe is.
fn is_answer(target: &dyn BackendTarget, line: &Line) -> bool {
    let is_report = |view: &ClientView| view.status == Some(200) && report(view).is_some();
    let reply = line.replies.first().filter(|reply| reply.complete);
    reply.is_some_and(|reply| !target.has_probe() || is_report(&reply.view))
}

/// Why a server cannot be judged, and what to try.
fn unanswered(target: &dyn BackendTarget, line: &Line) -> String {
    let Seat { way, model, .. } = target.seat();
    if let Some(End::Refused(why)) = &line.end {
        return format!("nothing takes a connection at {way}: {why}; is the server running?");
    }
    if line.octets.starts_with(b"HTTP/") && *model != Model::Http {
        return format!(
            "an HTTP server answers at {way}, not one that speaks {model}; try http://{way}"
        );
    }
    let is_strange = line.flaw.is_some() || line.replies.iter().all(|r| r.view.status.is_none());
    if is_strange && !model.is_cgi() {
        let others = [Model::FastCgi, Model::Uwsgi, Model::Scgi, Model::Http];
        let others = others.iter().filter(|other| *other != model);
        let others: Vec<String> = others.map(|other| format!("{other}://{way}")).collect();
        return format!(
            "{way} did not answer a plain {model} request but with {}; does another protocol \
             speak there? try {}",
            told(line),
            others.join(", ")
        );
    }
    let wanted = match target.has_probe() {
        true => {
            "the probe's report; `gatebench probe` writes the probe out, --app-file and --param \
             tell a server where it is, and --app none does without it"
        }
        false => "a complete reply",
    };
    format!(
        "a plain {model} request was answered with {}, not with {wanted}",
        told(line)
    )
}

/// What came as the answer to a plain request.
fn told(line: &Line) -> String {
    if let Some(flaw) = &line.flaw {
        return format!("what is no {}: {flaw}", line.model);
    }
    let Some(reply) = line.replies.first() else {
        return line.came();
    };
    let view = &reply.view;
    let status = view
        .status
        .map_or_else(|| "none".to_owned(), |s| s.to_string());
    let shown = &view.body.kept[..view.body.kept.len().min(200)];
    let flaw = view.malformed.as_deref().unwrap_or_default();
    let body = String::from_utf8_lossy(shown);
    let stderr = String::from_utf8_lossy(&reply.stderr);
    format!("status {status}, body {body:?} {flaw}{stderr}")
}

fn judge(
    target: &dyn BackendTarget,
    scenario: &Scenario,
    evidence: &Evidence,
) -> (Outcome, Judgement) {
    let seat = target.seat();
    let context = JudgeContext {
        model: seat.model,
        place: &seat.place,
        carried: false,
    };
    let judgement = scenario.judge(evidence, &context);
    if let Some(lost) = Lost::unasked(&evidence.process, scenario) {
        return (lost.outcome, lost.judgement(judgement));
    }
    if let Some(unsupported) = unsupported(target, scenario) {
        let judgement = Judgement {
            unsupported: Some(unsupported),
            ..Judgement::default()
        };
        return (Outcome::Unsupported, judgement);
    }
    if judgement.unsupported.is_some() {
        return (Outcome::Unsupported, judgement);
    }
    match judgement.passed {
        true => (Outcome::Pass, judgement),
        false => {
            let at_fault = Some(AtFault::Backend);
            let judgement = Judgement {
                at_fault,
                ..judgement
            };
            (Outcome::Fail, judgement)
        }
    }
}

/// Why a scenario cannot be judged here.
fn unsupported(target: &dyn BackendTarget, scenario: &Scenario) -> Option<String> {
    let looks = |process: &crate::scenario::expect::ProcessExpect| process.backend_log.is_some();
    let choices = scenario.one_of.iter().filter_map(|c| c.process.as_ref());
    let mut processes = scenario.expect.process.iter().chain(choices);
    match !target.is_logged() && processes.any(looks) {
        true => Some("the log of a server that the bench did not start is not seen".to_owned()),
        false => None,
    }
}
