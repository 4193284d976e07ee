//! A run: pairings one after the other, each case judged, then the models compared.

pub mod case;
mod contenders;
pub mod drive;
mod expand;
mod lively;
mod measure;
mod notes;
pub mod plan;
mod session;
pub(crate) mod smoke;
mod store;
mod verdict;

use std::sync::Arc;

use crate::{
    bench::Bench,
    event::{Event, Observer},
    model::Model,
    outcome::Outcome,
    results::{CaseResult, Subject},
    scenario::{Face, KnownList, Scenario, compare},
    seating::Seating,
};

pub use measure::{Measure, Measured, measure};
pub use plan::{Plan, Selection};
pub use session::{Ended, Session, Staging};
pub use store::Store;

/// Everything that a correctness run needs.
pub struct Check<'a> {
    /// What to run.
    pub plan: &'a Plan,
    /// On what.
    pub bench: Arc<Bench>,
    /// Deviations that are known.
    pub known: &'a KnownList,
    /// Where transcripts and finished cases go.
    pub store: &'a mut Store,
    /// Who watches.
    pub observer: &'a mut dyn Observer,
}

/// What is compared of a case: its place in the results, its model, its face.
type Seen = (usize, Model, Face);

impl Check<'_> {
    /// Runs every case of the plan.
    pub async fn run(&mut self) -> Vec<CaseResult> {
        let mut results = Vec::new();
        for group in self.plan.groups() {
            let mut seen = Vec::new();
            for seating in group {
                let first = results.len();
                let (ended, faces) = self.seating(seating).await;
                results.extend(ended);
                let faces = faces.into_iter();
                seen.extend(faces.map(|(at, face)| (first + at, seating.model(), face)));
            }
            differences(&mut results, &seen, &self.plan.scenarios);
        }
        results
    }

    /// The cases of one seating, and by their place what is compared of them.
    async fn seating(&mut self, seating: &Seating) -> (Vec<CaseResult>, Vec<(usize, Face)>) {
        let (gateway, backend) = (seating.gateway_id(), seating.backend_id());
        self.observer.event(&Event::Pairing {
            gateway: gateway.as_deref().unwrap_or("driver"),
            model: seating.model().word(),
            backend: backend.as_deref().unwrap_or("recorder"),
        });
        let (bench, known) = (self.bench.clone(), self.known.clone());
        let mut session = Session::new(seating.clone(), bench, known);
        let (mut results, mut faces) = (Vec::<CaseResult>::new(), Vec::new());
        // The case that was played last, and its key in the store.
        let mut last: Option<(usize, String)> = None;
        for scenario in self.plan.scenarios_for(seating) {
            self.look_again(&mut session, &mut results, last.as_ref());
            let key = store::key(scenario, session.subjects());
            let ended = self.case(&mut session, scenario, &key, &results).await;
            if ended.transcript.is_some() {
                last = Some((results.len(), key.clone()));
            }
            let result = self.keep(seating, key, &ended);
            faces.extend(ended.face.map(|face| (results.len(), face)));
            results.push(result);
        }
        self.look_again(&mut session, &mut results, last.as_ref());
        (results, faces)
    }

    /// A subject may die a moment after its case has ended.
    fn look_again(
        &mut self,
        session: &mut Session,
        results: &mut [CaseResult],
        last: Option<&(usize, String)>,
    ) {
        let Some((at, key)) = last else { return };
        let result = &mut results[*at];
        if session.look_again(result) {
            let how = result.actual.as_deref().unwrap_or_default();
            let told = format!("{} is a crash after all: {how}", result.scenario);
            self.observer.event(&Event::Note(&told));
            self.store.keep(key.clone(), result, None);
        }
    }

    async fn case(
        &mut self,
        session: &mut Session,
        scenario: &Scenario,
        key: &str,
        before: &[CaseResult],
    ) -> Ended {
        if let Some(finished) = self.store.resumed(key) {
            return session.resume(finished);
        }
        let failed = |id: &&String| {
            let mut earlier = before.iter();
            earlier.any(|case| case.scenario == **id && case.outcome != Outcome::Pass)
        };
        match scenario.needs.iter().find(failed) {
            Some(by) => session.block(scenario, by),
            None => session.play(scenario).await,
        }
    }

    /// Writes down a case that ended.
    fn keep(&mut self, seating: &Seating, key: String, ended: &Ended) -> CaseResult {
        let mut result = ended.result.clone();
        if let Some(text) = &ended.transcript {
            result.transcript = self.store.transcript(seating, &result.scenario, text);
        }
        self.store.keep(key, &result, ended.face.as_ref());
        self.observer.event(&Event::Case(&result));
        result
    }
}

/// Compares the models on one gateway and backend, scenario by scenario.
fn differences(results: &mut [CaseResult], seen: &[Seen], scenarios: &[Scenario]) {
    for scenario in scenarios {
        let of_it: Vec<&Seen> = seen
            .iter()
            .filter(|(index, ..)| results[*index].scenario == scenario.id)
            .collect();
        let faces: Vec<_> = of_it
            .iter()
            .map(|(_, model, face)| (*model, face.clone()))
            .collect();
        for (model, found) in compare(&faces) {
            if let Some((index, ..)) = of_it.iter().find(|(_, of, _)| *of == model) {
                results[*index].differs = found;
            }
        }
    }
}

/// The subjects of a plan, each once, and those that are measured beside them.
pub fn subjects(plan: &Plan, bench: &Bench, measured: bool) -> Vec<Subject> {
    let mut subjects: Vec<Subject> = Vec::new();
    let judged = plan.seatings().flat_map(|seating| seating.subjects(bench));
    let beside = contenders::of_plan(plan).filter(|_| measured);
    for subject in judged.chain(beside.flat_map(|pairing| pairing.subjects(bench))) {
        if !subjects.iter().any(|known| known.id == subject.id) {
            subjects.push(subject);
        }
    }
    subjects
}
