//! A run: pairings, several at a time, each case judged, then the models compared.

pub mod case;
mod contenders;
mod crew;
pub mod drive;
mod expand;
mod lively;
mod measure;
mod notes;
pub mod plan;
mod session;
pub(crate) mod smoke;
mod steps;
mod store;
mod verdict;
pub mod workload;

use std::{io, sync::Arc};

use crate::{
    bench::Bench,
    event::{Event, Observer},
    model::Model,
    outcome::Outcome,
    results::{CaseResult, Subject},
    scenario::{Face, KnownList, Scenario, compare},
    seating::Seating,
};
use crew::{Crew, Told, Work};

pub use measure::{Measure, Measured, SoFar, measure};
pub use plan::{Plan, Selection};
pub use session::{Ended, Session, Staging};
pub use steps::add_steps;
pub use store::{Store, told};
pub use workload::Workload;

/// Everything that a correctness run needs.
pub struct Check<'a> {
    /// What to run.
    pub plan: Arc<Plan>,
    /// On what.
    pub bench: Arc<Bench>,
    /// Deviations that are known.
    pub known: &'a KnownList,
    /// How many seatings are played at a time; at least one is.
    pub jobs: usize,
    /// Where transcripts and finished cases go.
    pub store: &'a mut Store,
    /// Who watches.
    pub observer: &'a mut dyn Observer,
}

/// What is compared of a case: its place in the results, its model, its face.
type Seen = (usize, Model, Face);

/// The cases of one seating that have ended, and by their place what is compared of them.
#[derive(Default)]
struct Played {
    results: Vec<CaseResult>,
    faces: Vec<(usize, Face)>,
}

impl Check<'_> {
    /// Runs every case of the plan. The results are in the plan's order, whatever ended first.
    ///
    /// # Errors
    /// The system gives no thread to run on.
    pub async fn run(&mut self) -> io::Result<Vec<CaseResult>> {
        let seatings: Vec<Seating> = self.plan.seatings().cloned().collect();
        let mut played: Vec<Played> = seatings.iter().map(|_| Played::default()).collect();
        let work = Work {
            seatings: seatings.clone(),
            plan: Arc::clone(&self.plan),
            bench: Arc::clone(&self.bench),
            known: self.known.clone(),
            finished: self.store.finished().into(),
        };
        let mut crew = Crew::start(work, self.jobs.max(1))?;
        while let Some((at, told)) = crew.told().await {
            self.take(&seatings[at], &mut played[at], told);
        }
        Ok(self.gather(played))
    }

    /// Takes what a worker tells of a seating.
    fn take(&mut self, seating: &Seating, played: &mut Played, told: Told) {
        let id = |id: Option<String>| id.map(|id| self.bench.id(id));
        let (gateway, backend) = (id(seating.gateway_id()), id(seating.backend_id()));
        let gateway = gateway.as_deref().unwrap_or("driver");
        let backend = backend.as_deref().unwrap_or("recorder");
        let model = seating.model().word();
        match told {
            Told::Began => self.observer.event(&Event::Pairing {
                gateway,
                model,
                backend,
            }),
            Told::Case(key, ended) => self.keep(played, key, *ended),
            Told::After(at, key, result) => {
                let how = result.actual.as_deref().unwrap_or_default();
                let told = format!("{} is a crash after all: {how}", result.scenario);
                self.observer.event(&Event::Note(&told));
                self.store.keep(key, &result, None);
                played.results[at] = *result;
            }
            Told::Broke(why) => {
                let left = self.plan.scenarios_for(seating);
                let left: Vec<_> = left.into_iter().skip(played.results.len()).collect();
                let why = format!("the bench broke while it played this: {why}");
                for scenario in left {
                    let case = session::without_play(
                        seating,
                        &|id| self.bench.id(id),
                        scenario,
                        Outcome::BenchError,
                        &why,
                    );
                    self.observer.event(&Event::Case(&case));
                    played.results.push(case);
                }
            }
            Told::Ended => self.observer.event(&Event::PairingEnded {
                gateway,
                model,
                backend,
            }),
        }
    }

    /// Writes down a case that ended.
    fn keep(&mut self, played: &mut Played, key: String, ended: Ended) {
        let mut result = ended.result;
        if let Some(text) = &ended.transcript {
            result.transcript = self.store.transcript(&result, text);
        }
        self.store.keep(key, &result, ended.face.as_ref());
        self.observer.event(&Event::Case(&result));
        let at = played.results.len();
        played.faces.extend(ended.face.map(|face| (at, face)));
        played.results.push(result);
    }

    /// All results in order, with the models of each group compared.
    fn gather(&self, played: Vec<Played>) -> Vec<CaseResult> {
        let mut results = Vec::new();
        let mut played = played.into_iter();
        for group in self.plan.groups() {
            let mut seen = Vec::new();
            for (seating, of_it) in group.iter().zip(&mut played) {
                let first = results.len();
                results.extend(of_it.results);
                let faces = of_it.faces.into_iter();
                seen.extend(faces.map(|(at, face)| (first + at, seating.model(), face)));
            }
            differences(&mut results, &seen, &self.plan.scenarios);
        }
        results
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
        let id = bench.id(subject.id);
        if !subjects.iter().any(|known| known.id == id) {
            subjects.push(Subject { id, ..subject });
        }
    }
    subjects
}
