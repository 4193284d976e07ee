//! A pairing kept ready for one case after the other: a subject that broke is started anew.

use std::{sync::Arc, time::Instant};

use super::{
    case::{self, Played, Target},
    smoke,
    store::Finished,
    verdict::Lost,
};
use crate::{
    bench::Bench,
    model::Model,
    outcome::Outcome,
    pairing::{Pairing, Started},
    results::{CaseResult, Subject},
    scenario::{Face, Judgement, KnownList, Scenario},
};

/// One pairing and what it takes to run cases on it.
pub struct Session {
    pairing: Pairing,
    bench: Arc<Bench>,
    known: KnownList,
    subjects: [Subject; 2],
    started: Option<Started>,
    refusal: Option<(Outcome, String)>,
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
    pub fn new(pairing: Pairing, bench: Arc<Bench>, known: KnownList) -> Self {
        let subjects = pairing.subjects(&bench);
        Self {
            pairing,
            bench,
            known,
            subjects,
            started: None,
            refusal: None,
        }
    }

    /// Gateway and backend, with their versions.
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
            result: without_play(self.pairing, scenario, outcome, reason),
            face: None,
            transcript: None,
        }
    }

    /// Plays one scenario, or says why it cannot be played.
    pub async fn play(&mut self, scenario: &Scenario) -> Ended {
        if let Err((outcome, reason)) = self.make_ready().await {
            return self.unplayed(scenario, outcome, &reason);
        }
        let begun = Instant::now();
        let target = self.started.as_mut().expect("it was made ready");
        let place = target.place.clone();
        let played = case::play(target, scenario).await;
        if played.broke() {
            self.started = None;
        }
        let result = self.result(scenario, &played, begun);
        let transcript = Some(self.transcript(&played));
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
        let process = self.started.as_mut().map(Started::health);
        let Some(lost) = process.as_ref().and_then(Lost::of) else {
            return false;
        };
        self.started = None;
        let outcome = lost.outcome;
        let judgement = lost.judgement(Judgement {
            observation: std::mem::take(&mut last.observation),
            ..Judgement::default()
        });
        let case = CaseResult {
            outcome,
            known: false,
            reason: None,
            ..last.clone()
        };
        *last = self.list_known(told(case, &judgement));
        true
    }

    /// Starts the pairing and makes sure that its results can count; a refusal is remembered.
    async fn make_ready(&mut self) -> Result<(), (Outcome, String)> {
        if self.started.is_some() {
            return Ok(());
        }
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        match start(self.pairing, &self.bench).await {
            Ok(started) => self.started = Some(started),
            Err(refusal) => {
                self.refusal = Some(refusal.clone());
                return Err(refusal);
            }
        }
        Ok(())
    }

    /// The bytes as text, and what the subjects logged meanwhile.
    fn transcript(&self, played: &Played) -> String {
        let mut text = played.transcript.text(self.watched());
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

    /// What is spoken on the wire that the tap watches.
    fn watched(&self) -> Option<Model> {
        (!self.pairing.executes()).then_some(self.pairing.model)
    }

    fn result(&self, scenario: &Scenario, played: &Played, begun: Instant) -> CaseResult {
        let reason = played.trouble.clone();
        let case = CaseResult {
            reason: reason.or_else(|| played.judgement.unsupported.clone()),
            duration_us: u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
            repeats: played.repeats,
            ..without_play(self.pairing, scenario, played.outcome, "")
        };
        self.list_known(told(case, &played.judgement))
    }

    /// Marks a violation that the known list speaks of.
    fn list_known(&self, case: CaseResult) -> CaseResult {
        let known = self.known.matching(&case, &self.subjects);
        match known {
            Some(known) => CaseResult {
                known: true,
                reason: Some(known.because.clone()),
                ..case
            },
            None => case,
        }
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

async fn start(pairing: Pairing, bench: &Bench) -> Result<Started, (Outcome, String)> {
    if let Some(reason) = pairing.unsupported() {
        return Err((Outcome::Unsupported, reason));
    }
    let mut started = pairing
        .start(bench, true)
        .await
        .map_err(|error| (Outcome::BenchError, error.to_string()))?;
    smoke::test(&mut started)
        .await
        .map_err(|reason| (Outcome::BenchError, reason))?;
    Ok(started)
}

/// The result of a case that was not played.
pub(super) fn without_play(
    pairing: Pairing,
    scenario: &Scenario,
    outcome: Outcome,
    reason: &str,
) -> CaseResult {
    CaseResult {
        scenario: scenario.id.clone(),
        level: scenario.level,
        requirements: scenario.requirements.clone(),
        says: scenario.says.clone(),
        gateway: Some(pairing.gateway_id()),
        model: Some(pairing.model),
        carrier: pairing.carrier(),
        backend: Some(pairing.backend_id()),
        at_fault: None,
        outcome,
        expected: None,
        actual: None,
        observation: Default::default(),
        differs: Vec::new(),
        known: false,
        reason: (!reason.is_empty()).then(|| reason.to_owned()),
        witness: None,
        duration_us: 0,
        repeats: 0,
        transcript: None,
    }
}
