//! A seating kept ready for one case after the other: a subject that broke is started anew.

use std::{sync::Arc, time::Instant};

use super::{
    case::Played,
    store::Finished,
    verdict::{Lost, NO_WSGI},
};
use crate::{
    bench::Bench,
    cause,
    launch::Launch,
    outcome::Outcome,
    results::{CaseResult, Subject},
    scenario::{Face, Judgement, KnownList, Place, Scenario},
    seating::{Live, Seating},
};

/// One seating and what it takes to run cases on it.
pub struct Session {
    seating: Seating,
    bench: Arc<Bench>,
    known: KnownList,
    subjects: Vec<Subject>,
    live: Option<Live>,
    /// Whether the last case had the application kill its process.
    killed: bool,
    refusal: Option<(Outcome, String)>,
    staging: Option<Staging>,
}

/// What the last case was played with, for whoever wants to see it again.
#[derive(Clone)]
pub struct Staging {
    /// What was started, the backend first.
    pub launches: Vec<Launch>,
    /// Where requests were addressed to.
    pub place: Place,
}

/// A case that ended.
pub struct Ended {
    /// For the results; the transcript's path is still open.
    pub result: CaseResult,
    /// What is compared between the models, where the case was played.
    pub face: Option<Face>,
    /// The bytes as text, where the case was played.
    pub transcript: Option<String>,
}

impl Session {
    /// A session; nothing is started before the first case.
    pub fn new(seating: Seating, bench: Arc<Bench>, known: KnownList) -> Self {
        let mut subjects = seating.subjects(&bench);
        for subject in &mut subjects {
            subject.id = bench.id(std::mem::take(&mut subject.id));
        }
        Self {
            seating,
            bench,
            known,
            subjects,
            live: None,
            killed: false,
            refusal: None,
            staging: None,
        }
    }

    /// Who is judged, with their versions.
    pub(super) fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// A case that an earlier run finished; what is known may have changed since.
    pub(super) fn resume(&self, finished: Finished) -> Ended {
        let Finished {
            mut result, face, ..
        } = finished;
        if std::mem::take(&mut result.known) {
            result.reason = None;
        }
        Ended {
            result: self.list_known(result),
            face,
            transcript: None,
        }
    }

    /// A case that tells nothing since another one, `by`, did not pass.
    pub(super) fn block(&self, scenario: &Scenario, by: &str) -> Ended {
        let reason = format!("it builds on {by}, which did not pass");
        self.unplayed(scenario, Outcome::Blocked, &reason)
    }

    fn unplayed(&self, scenario: &Scenario, outcome: Outcome, reason: &str) -> Ended {
        Ended {
            result: without_play(
                &self.seating,
                &|id| self.bench.id(id),
                scenario,
                outcome,
                reason,
            ),
            face: None,
            transcript: None,
        }
    }

    /// What the last case was played with.
    pub fn staging(&self) -> Option<&Staging> {
        self.staging.as_ref()
    }

    /// Plays one scenario, or says why it cannot be played.
    pub async fn play(&mut self, scenario: &Scenario) -> Ended {
        if scenario.needs_wsgi() && !self.seating.runs_wsgi() {
            return self.unplayed(scenario, Outcome::Unsupported, NO_WSGI);
        }
        if let Err((outcome, reason)) = self.make_ready().await {
            return self.unplayed(scenario, outcome, &reason);
        }
        let begun = Instant::now();
        let live = self.live.as_mut().expect("it was made ready");
        let place = live.place().clone();
        self.staging = Some(Staging {
            launches: live.launches().to_vec(),
            place: place.clone(),
        });
        let played = live.play(scenario).await;
        self.killed = scenario.kills_its_process();
        let transcript = Some(transcript(live, &played));
        if played.broke() {
            self.live = None;
        }
        let result = self.result(scenario, &played, begun);
        // What was not judged is not compared.
        let is_judged = !matches!(result.outcome, Outcome::Unsupported | Outcome::BenchError);
        let face = is_judged.then(|| scenario.face(&played.evidence, &place));
        Ended {
            result,
            face,
            transcript,
        }
    }

    /// Looks once more at the subjects that played last. What died since is told in the result of
    /// that case, which may have ended a moment before; whether something did.
    pub fn look_again(&mut self, last: &mut CaseResult) -> bool {
        let process = self.live.as_mut().map(Live::health);
        let Some(lost) = process.as_ref().and_then(Lost::of) else {
            return false;
        };
        self.live = None;
        if self.killed && lost.is_a_worker() {
            return false;
        }
        let outcome = lost.outcome;
        let judgement = lost.judgement(Judgement {
            observation: std::mem::take(&mut last.observation),
            ..Judgement::default()
        });
        let case = CaseResult {
            outcome,
            known: false,
            embargoed: false,
            reason: None,
            ..last.clone()
        };
        *last = self.list_known(told(case, &judgement));
        true
    }

    /// Starts the subjects and makes sure that its results can count; a refusal is remembered.
    async fn make_ready(&mut self) -> Result<(), (Outcome, String)> {
        if self.live.is_some() {
            return Ok(());
        }
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        match start(&self.seating, &self.bench).await {
            Ok(live) => self.live = Some(live),
            Err(refusal) => {
                self.refusal = Some(refusal.clone());
                return Err(refusal);
            }
        }
        Ok(())
    }

    fn result(&self, scenario: &Scenario, played: &Played, begun: Instant) -> CaseResult {
        let reason = played.trouble.clone();
        let process = &played.evidence.process;
        let cause = cause::likely(&process.gateway_log, &process.backend_log);
        let case = CaseResult {
            cause: cause.filter(|_| played.outcome.is_violation()),
            reason: reason.or_else(|| played.judgement.unsupported.clone()),
            duration_us: u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
            repeats: played.repeats,
            ..without_play(
                &self.seating,
                &|id| self.bench.id(id),
                scenario,
                played.outcome,
                "",
            )
        };
        self.list_known(told(case, &played.judgement))
    }

    /// Marks a violation that the known list speaks of.
    fn list_known(&self, mut case: CaseResult) -> CaseResult {
        self.known.mark(&mut case, &self.subjects);
        case
    }
}

/// A result with the verdict in words; what was expected is told only where it did not come.
fn told(case: CaseResult, judgement: &Judgement) -> CaseResult {
    let violated = case.outcome.is_violation();
    CaseResult {
        at_fault: judgement.at_fault.filter(|_| violated),
        expected: judgement.expected.clone().filter(|_| violated),
        actual: judgement.actual.clone().filter(|_| violated),
        witness: judgement.witness.filter(|_| violated),
        observation: judgement.observation.clone(),
        ..case
    }
}

async fn start(seating: &Seating, bench: &Bench) -> Result<Live, (Outcome, String)> {
    if let Some(reason) = seating.unsupported() {
        return Err((Outcome::Unsupported, reason));
    }
    let started = seating.start(bench).await;
    let mut live = started.map_err(|error| (Outcome::BenchError, error.to_string()))?;
    let tested = live.test().await;
    tested.map_err(|reason| (Outcome::BenchError, reason))?;
    Ok(live)
}

/// The bytes as text, and what the subjects logged meanwhile.
fn transcript(live: &Live, played: &Played) -> String {
    let mut text = played.transcript.text(live.watched());
    let process = &played.evidence.process;
    for (who, log) in [
        ("gateway", &process.gateway_log),
        ("backend", &process.backend_log),
    ] {
        for line in log.lines() {
            text.push_str(&format!("{who} logs: {line}\n"));
        }
    }
    text
}

/// The result of a case that was not played; `id` spells the subjects as the results do.
pub(super) fn without_play(
    seating: &Seating,
    id: &dyn Fn(String) -> String,
    scenario: &Scenario,
    outcome: Outcome,
    reason: &str,
) -> CaseResult {
    CaseResult {
        scenario: scenario.id.clone(),
        level: scenario.level,
        requirements: scenario.requirements.clone(),
        says: scenario.says.clone(),
        gateway: seating.gateway_id().map(id),
        model: Some(seating.model()),
        carrier: seating.carrier(),
        backend: seating.backend_id().map(id),
        at_fault: None,
        outcome,
        expected: None,
        actual: None,
        cause: None,
        observation: Default::default(),
        differs: Vec::new(),
        known: false,
        embargoed: false,
        reason: (!reason.is_empty()).then(|| reason.to_owned()),
        witness: None,
        duration_us: 0,
        repeats: 0,
        transcript: None,
    }
}
