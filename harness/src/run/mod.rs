//! A run: pairings one after the other, each case judged, then the models compared.

pub mod case;
mod measure;
pub mod plan;
mod session;
mod smoke;
mod store;

use std::{collections::HashMap, sync::Arc};

use crate::{
    bench::Bench,
    event::{Event, Observer},
    model::Model,
    outcome::Outcome,
    pairing::Pairing,
    results::{CaseResult, Subject},
    scenario::{Face, KnownList, Scenario, compare},
};

pub use measure::{Measure, measure};
pub use plan::{Plan, Selection};
pub use session::{Ended, Session};
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
            for pairing in group {
                self.pairing(*pairing, &mut results, &mut seen).await;
            }
            differences(&mut results, &seen, &self.plan.scenarios);
        }
        results
    }

    async fn pairing(
        &mut self,
        pairing: Pairing,
        results: &mut Vec<CaseResult>,
        seen: &mut Vec<Seen>,
    ) {
        let (gateway, backend) = (pairing.gateway_id(), pairing.backend_id());
        let model = pairing.model.word();
        self.observer.event(&Event::Pairing {
            gateway: &gateway,
            model,
            backend: &backend,
        });
        let mut session = Session::new(pairing, self.bench.clone(), self.known.clone());
        let mut passed = HashMap::new();
        for scenario in self.plan.scenarios_for(pairing) {
            let ended = self.case(pairing, &mut session, scenario, &passed).await;
            passed.insert(scenario.id.clone(), ended.result.outcome == Outcome::Pass);
            if let Some(face) = ended.face {
                seen.push((results.len(), pairing.model, face));
            }
            let mut result = ended.result;
            if let Some(text) = &ended.transcript {
                result.transcript = self.store.transcript(pairing, &scenario.id, text);
            }
            self.store.keep(&result);
            self.observer.event(&Event::Case(&result));
            results.push(result);
        }
    }

    async fn case(
        &mut self,
        pairing: Pairing,
        session: &mut Session,
        scenario: &Scenario,
        passed: &HashMap<String, bool>,
    ) -> Ended {
        let unplayed = |result| Ended {
            result,
            face: None,
            transcript: None,
        };
        if let Some(result) = self.store.resumed(&scenario.id, pairing) {
            return unplayed(result);
        }
        if let Some(by) = scenario
            .needs
            .iter()
            .find(|id| passed.get(*id) == Some(&false))
        {
            let reason = format!("it builds on {by}, which did not pass");
            let blocked = Outcome::Blocked;
            return unplayed(session::without_play(pairing, scenario, blocked, &reason));
        }
        session.play(scenario).await
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

/// The subjects of a plan, each once.
pub fn subjects(plan: &Plan, bench: &Bench) -> Vec<Subject> {
    let mut subjects: Vec<Subject> = Vec::new();
    for subject in plan.pairings().flat_map(|pairing| pairing.subjects(bench)) {
        if !subjects.iter().any(|known| known.id == subject.id) {
            subjects.push(subject);
        }
    }
    subjects
}
