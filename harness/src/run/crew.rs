//! Those who play the cases: a few threads, each with one seating at a time.
//!
//! Every seating has its own run folder, sockets, port and processes, so that several do not know
//! of each other. All they share is the machine: a violation that this may explain is played again
//! while nobody else plays, and that verdict counts.

use std::{
    any::Any,
    cmp::Reverse,
    collections::HashMap,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::{
        RwLock,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    },
};

use super::{
    plan::Plan,
    session::{Ended, Session},
    store::{self, Finished},
};
use crate::{
    bench::Bench,
    outcome::Outcome,
    results::CaseResult,
    scenario::{KnownList, Scenario},
    seating::Seating,
};

/// What there is to do, for all of them.
pub(super) struct Work {
    pub(super) seatings: Vec<Seating>,
    pub(super) plan: Arc<Plan>,
    pub(super) bench: Arc<Bench>,
    pub(super) known: KnownList,
    /// Cases that an earlier run finished, by their keys.
    pub(super) finished: Mutex<HashMap<String, Finished>>,
}

/// What is told of a seating.
pub(super) enum Told {
    /// Its cases follow.
    Began,
    /// The next one ended; its key in the store.
    Case(String, Box<Ended>),
    /// The one at this place, with this key, ended otherwise than was said.
    After(usize, String, Box<CaseResult>),
    /// The bench's own fault kept the rest from being played.
    Broke(String),
    /// No more of it comes.
    Ended,
}

type Sender = UnboundedSender<(usize, Told)>;

/// The threads and what they tell.
pub(super) struct Crew {
    told: UnboundedReceiver<(usize, Told)>,
    /// Timers and sockets of all of them; it has to outlive their last word.
    runtime: Option<Runtime>,
}

impl Crew {
    /// Starts at most `jobs` threads.
    ///
    /// # Errors
    /// The system gives none.
    pub(super) fn start(work: Work, jobs: usize) -> io::Result<Self> {
        let threads = jobs.min(work.seatings.len()).max(1);
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let (sender, told) = unbounded_channel();
        let shared = Arc::new(Shared {
            order: order(&work, threads),
            work,
            next: AtomicUsize::new(0),
            alone: (threads > 1).then(RwLock::default),
        });
        for number in 0..threads {
            let (shared, sender) = (Arc::clone(&shared), sender.clone());
            let handle = runtime.handle().clone();
            thread::Builder::new()
                .name(format!("seating-{number}"))
                .spawn(move || shared.play_all(&handle, &sender))?;
        }
        let runtime = Some(runtime);
        Ok(Self { told, runtime })
    }

    /// The next word and the number of its seating; `None` when all is said.
    pub(super) async fn told(&mut self) -> Option<(usize, Told)> {
        self.told.recv().await
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        // Whoever waits for the crew is within a runtime himself, which may not block.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Several at a time begin with the longest, so that none is left over at the end. What takes time is
/// what goes wrong: it is waited for, played again, and its subjects are started anew; so that the
/// known list tells how long a seating will take. One at a time keeps to the plan.
fn order(work: &Work, threads: usize) -> Vec<usize> {
    let seatings = work.seatings.iter();
    match threads {
        1 => (0..work.seatings.len()).collect(),
        _ => longest_first(seatings.map(|seating| expected_length(work, seating))),
    }
}

/// The places of these lengths, the longest first; equal ones stay in their order.
fn longest_first(lengths: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut places: Vec<(usize, usize)> = lengths.enumerate().collect();
    places.sort_by_key(|&(_, length)| Reverse(length));
    places.into_iter().map(|(place, _)| place).collect()
}

/// In cases that pass: one that fails takes as long as some twenty of them.
fn expected_length(work: &Work, seating: &Seating) -> usize {
    const PASSES_OF_A_FAILURE: usize = 20;
    let ids = [seating.gateway_id(), seating.backend_id()];
    let ids: Vec<&str> = ids.iter().flatten().map(String::as_str).collect();
    let known = work.known.count_for(&ids, seating.model());
    work.plan.scenarios_for(seating).len() + PASSES_OF_A_FAILURE * known
}

struct Shared {
    work: Work,
    /// The seatings' numbers in the order in which they are played.
    order: Vec<usize>,
    /// How many of them were begun.
    next: AtomicUsize,
    /// Held by all who play; who has to play alone holds it for writing. `None` where there is only
    /// one in any case.
    alone: Option<RwLock<()>>,
}

impl Shared {
    fn play_all(&self, handle: &Handle, sender: &Sender) {
        loop {
            let next = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(&at) = self.order.get(next) else {
                return;
            };
            let seating = &self.work.seatings[at];
            // Nobody listens any more where the run is over before its time.
            let tell = |told| drop(sender.send((at, told)));
            tell(Told::Began);
            // A fault of the bench on one seating is no reason to lose the others.
            let played = catch_unwind(AssertUnwindSafe(|| {
                handle.block_on(self.play(seating, &tell));
            }));
            if let Err(panic) = played {
                tell(Told::Broke(words(panic.as_ref())));
            }
            tell(Told::Ended);
        }
    }

    /// The cases of one seating.
    async fn play(&self, seating: &Seating, tell: &impl Fn(Told)) {
        let (bench, known) = (Arc::clone(&self.work.bench), self.work.known.clone());
        let mut session = Session::new(seating.clone(), bench, known);
        let mut before = Vec::<CaseResult>::new();
        // The case that was played last, and its key in the store.
        let mut last: Option<(usize, String)> = None;
        for scenario in self.work.plan.scenarios_for(seating) {
            look_again(&mut session, &mut before, last.as_ref(), tell);
            let key = store::key(scenario, seating, session.subjects());
            let ended = self.case(&mut session, scenario, &key, &before).await;
            if ended.transcript.is_some() {
                last = Some((before.len(), key.clone()));
            }
            before.push(ended.result.clone());
            tell(Told::Case(key, Box::new(ended)));
        }
        look_again(&mut session, &mut before, last.as_ref(), tell);
    }

    async fn case(
        &self,
        session: &mut Session,
        scenario: &Scenario,
        key: &str,
        before: &[CaseResult],
    ) -> Ended {
        if let Some(finished) = self.finished(key) {
            return session.resume(finished);
        }
        let failed = |id: &&String| {
            let mut earlier = before.iter();
            earlier.any(|case| case.scenario == **id && case.outcome != Outcome::Pass)
        };
        match scenario.needs.iter().find(failed) {
            Some(by) => session.block(scenario, by),
            None => self.steady(session, scenario).await,
        }
    }

    /// Takes a case that an earlier run finished; the bench's own errors run again.
    fn finished(&self, key: &str) -> Option<Finished> {
        let finished = self.work.finished.lock();
        let case = finished.unwrap_or_else(PoisonError::into_inner).remove(key);
        case.filter(|case| case.result.outcome != Outcome::BenchError)
    }

    /// Plays a case beside others, and once more alone where they may have been in its way.
    async fn steady(&self, session: &mut Session, scenario: &Scenario) -> Ended {
        let ended = {
            let _beside = match &self.alone {
                Some(alone) => Some(alone.read().await),
                None => None,
            };
            session.play(scenario).await
        };
        let busy = self.alone.is_some() && is_doubtful(scenario, &ended.result);
        if !busy && !is_of_another_case(&ended.result) {
            return ended;
        }
        let _alone = match &self.alone {
            Some(alone) => Some(alone.write().await),
            None => None,
        };
        let mut again = session.play(scenario).await;
        tell_first(&ended.result, &mut again.result);
        again
    }
}

/// What a busy machine made of a case is forgotten; that a worker ended is not, though it did not
/// show again.
fn tell_first(first: &CaseResult, again: &mut CaseResult) {
    if is_of_another_case(first) && again.outcome != Outcome::Crash && again.reason.is_none() {
        let told = first.actual.as_deref().unwrap_or_default();
        again.reason = Some(format!("{told} when it was first played, and not again"));
    }
}

/// Whether the case before may have made this of the case: a worker that it ended can take a moment
/// to go, and so can a server that gives up in order because of it. One that a signal ends dies of
/// what it is at.
fn is_of_another_case(result: &CaseResult) -> bool {
    let told = result.actual.as_deref().unwrap_or_default();
    let ends_late = [super::verdict::WORKER_ENDED, " ended, exit status "];
    result.outcome == Outcome::Crash
        && !result.known
        && ends_late.iter().any(|late| told.contains(late))
}

/// Whether a busy machine may have made this of the case.
fn is_doubtful(scenario: &Scenario, result: &CaseResult) -> bool {
    match result.outcome {
        // A set-up that was refused is remembered and would only be refused again.
        Outcome::BenchError => result.repeats > 0,
        outcome => outcome.is_violation() && !result.known && scenario.depends_on_time(),
    }
}

/// A subject may die a moment after its case has ended.
fn look_again(
    session: &mut Session,
    before: &mut [CaseResult],
    last: Option<&(usize, String)>,
    tell: &impl Fn(Told),
) {
    let Some((at, key)) = last else { return };
    let result = &mut before[*at];
    if session.look_again(result) {
        tell(Told::After(*at, key.clone(), Box::new(result.clone())));
    }
}

/// What a panic says.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "without a word".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crash(how: &str) -> CaseResult {
        let case = serde_json::json!({
            "scenario": "cgi/a", "level": "required", "requirements": [], "says": "",
            "outcome": "crash", "actual": how, "known": false, "observation": {}, "differs": [], "duration_us": 0,
            "repeats": 1,
        });
        serde_json::from_value(case).unwrap()
    }

    #[test]
    fn a_worker_that_ended_may_be_of_the_case_before_and_a_server_that_was_killed_may_not() {
        assert!(is_of_another_case(&crash(
            "the backend died: worker 7 ended"
        )));
        assert!(is_of_another_case(&crash(
            "the gateway died: worker 7 ended"
        )));
        assert!(is_of_another_case(&crash(
            "the backend died: gunicorn ended, exit status 3"
        )));
        let whole = "the gateway died: haproxy ended, killed by signal 11 (SIGSEGV)";
        assert!(!is_of_another_case(&crash(whole)));
        let known = CaseResult {
            known: true,
            ..crash("the backend died: worker 7 ended")
        };
        assert!(!is_of_another_case(&known), "it is expected there");
    }

    #[test]
    fn what_takes_longest_begins_first() {
        assert_eq!(longest_first([3, 9, 3, 40].into_iter()), [3, 1, 0, 2]);
    }

    #[test]
    fn a_worker_that_ended_once_is_told_of_though_the_case_passes() {
        let first = crash("the backend died: worker 7 ended");
        let mut again = CaseResult {
            outcome: Outcome::Pass,
            actual: None,
            ..first.clone()
        };
        tell_first(&first, &mut again);
        let told = "the backend died: worker 7 ended when it was first played, and not again";
        assert_eq!(again.reason.as_deref(), Some(told));
        let mut both = first.clone();
        tell_first(&first, &mut both);
        assert_eq!(both.reason, None, "it says so itself");
    }
}
