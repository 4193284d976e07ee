//! Throughput: all pairings behind a gateway take turns under the same load; the median round
//! counts, and the rounds tell how far ratios can be trusted.

mod idle;
mod knee;
mod round;
mod so_far;

use std::time::{Duration, SystemTime};

use super::{contenders, plan::Plan, smoke, workload::Workload};
use crate::{
    bench::Bench,
    event::{Event, Observer},
    launch::leftovers,
    load::{Pacing, Stop, caveat},
    pairing::{Pairing, Started},
    results::{Idle, Throughput},
};
use knee::Knee;
pub use so_far::SoFar;

/// How hard and how long.
#[derive(Clone, Debug)]
pub struct Measure {
    /// Client connections; several, in ascending order, make a sweep, which each pairing leaves
    /// when more connections make it no faster.
    pub connections: Vec<u32>,
    /// What ends a round.
    pub stop: Stop,
    /// Time before each round in which nothing counts.
    pub warm_up: Duration,
    /// When requests leave.
    pub pacing: Pacing,
    /// Rounds.
    pub rounds: u32,
    /// What is asked.
    pub workloads: Vec<Workload>,
    /// Each request comes on a connection of its own.
    pub close: bool,
    /// Threads that send.
    pub threads: u32,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Measured {
    /// A figure for each pairing and workload that could be measured.
    pub figures: Vec<Throughput>,
    /// What each pairing takes at rest.
    pub idle: Vec<Idle>,
    /// For each of the others, why there is none.
    pub missing: Vec<String>,
}

/// What is the same in all rounds of a contest.
#[derive(Clone, Copy, Debug)]
struct Heat<'a> {
    measure: &'a Measure,
    workload: Workload,
    connections: u32,
}

/// A pairing that is up.
struct Contestant {
    started: Started,
    knee: Knee,
}

impl Measure {
    /// How many figures a plan makes at most.
    pub fn count(&self, plan: &Plan) -> usize {
        let all = by_gateway(plan).into_iter().flatten();
        let able = all.filter(|pairing| pairing.unsupported().is_none());
        able.count() * self.workloads.len() * self.connections.len()
    }
}

/// Measures every pairing of the plan that can be measured. What is finished is in `so_far` at any
/// time, with the subjects as the plan names them.
pub async fn measure(
    measure: &Measure,
    plan: &Plan,
    bench: &Bench,
    so_far: &SoFar,
    observer: &mut dyn Observer,
) -> Measured {
    let mut measured = Measured::default();
    for pairings in by_gateway(plan) {
        let mut contestants = Vec::new();
        for pairing in pairings {
            if let Some(why) = pairing.unsupported() {
                let note = format!("{} is not measured: {why}", named(pairing));
                observer.event(&Event::Note(&note));
                continue;
            }
            match ready(pairing, bench).await {
                Ok(contestant) => contestants.push(contestant),
                Err(why) => measured.miss(pairing, &why, observer),
            }
        }
        observer.event(&Event::Busy("looking at what they take at rest"));
        measured.idle.extend(idle::all(&contestants));
        for &workload in &measure.workloads {
            contestants
                .iter_mut()
                .for_each(|one| one.knee = Knee::default());
            for &connections in &measure.connections {
                let heat = Heat {
                    measure,
                    workload,
                    connections,
                };
                measured.heat(heat, &mut contestants, so_far, observer);
            }
        }
    }
    measured
}

/// The pairings of each gateway together, whatever their backend, so that all of them take turns.
fn by_gateway(plan: &Plan) -> Vec<Vec<Pairing>> {
    let mut groups: Vec<Vec<Pairing>> = Vec::new();
    for pairing in contenders::of_plan(plan) {
        let name = |one: &Pairing| (one.gateway_id(), one.model, one.backend_id());
        let same_gateway =
            |group: &&mut Vec<Pairing>| group[0].gateway_id() == pairing.gateway_id();
        match groups.iter_mut().find(same_gateway) {
            // Where the gateway executes the program, every backend is the same one.
            Some(group) if group.iter().any(|known| name(known) == name(&pairing)) => {}
            Some(group) => group.push(pairing),
            None => groups.push(vec![pairing]),
        }
    }
    groups
}

fn named(pairing: Pairing) -> String {
    let (gateway, backend) = (pairing.gateway_id(), pairing.backend_id());
    format!("{gateway} by {} to {backend}", pairing.model)
}

impl Measured {
    fn miss(&mut self, pairing: Pairing, why: &str, observer: &mut dyn Observer) {
        let missing = format!("{} could not be measured: {why}", named(pairing));
        observer.event(&Event::Note(&missing));
        self.missing.push(missing);
    }

    /// Lets the contestants take turns, every second time from the last to the first: so what the
    /// machine does besides hits all of them, and none is always behind the same other.
    fn heat(
        &mut self,
        heat: Heat<'_>,
        contestants: &mut [Contestant],
        so_far: &SoFar,
        observer: &mut dyn Observer,
    ) {
        let turns = turns(heat, SystemTime::now());
        let mut order: Vec<usize> = (0..contestants.len()).collect();
        order.retain(|&at| !contestants[at].knee.is_past());
        let mut failed: Vec<Option<String>> = vec![None; contestants.len()];
        so_far.begin(&turns, heat.measure.rounds, contestants.len());
        for number in 1..=heat.measure.rounds {
            for &at in &order {
                if failed[at].is_some() {
                    continue;
                }
                let contestant = &mut contestants[at];
                let pairing = contestant.started.pairing;
                let doing = format!("{} ({}), round {number}", named(pairing), heat.workload);
                observer.event(&Event::Busy(&doing));
                let round = round::measure(heat, &mut contestant.started);
                if leftovers::is_ending() {
                    // The subjects were being stopped.
                    return;
                }
                match round {
                    Ok(figure) => so_far.round(at, figure),
                    Err(why) => {
                        so_far.forfeit(at);
                        failed[at] = Some(why);
                    }
                }
            }
            order.reverse();
        }
        let figures = so_far.end().into_iter().zip(failed);
        for (contestant, (figure, failed)) in contestants.iter_mut().zip(figures) {
            if let Some(figure) = figure {
                contestant.knee.see(figure.rps);
                observer.event(&Event::Measured(&figure));
                self.figures.push(figure);
            } else if let Some(why) = failed {
                let why = format!("{} on {}: {why}", heat.workload, heat.connections);
                self.miss(contestant.started.pairing, &why, observer);
            }
        }
    }
}

/// Names the rounds that pair up.
fn turns(heat: Heat<'_>, now: SystemTime) -> String {
    let now = humantime::format_rfc3339_millis(now);
    format!("{now} {} {}", heat.workload, heat.connections)
}

/// Starts a pairing with nothing between gateway and backend, and asks it once.
async fn ready(pairing: Pairing, bench: &Bench) -> Result<Contestant, String> {
    let mut started = pairing
        .start(bench, false)
        .await
        .map_err(|error| error.to_string())?;
    smoke::test(&mut started).await?;
    Ok(Contestant {
        started,
        knee: Knee::default(),
    })
}

/// The round in the middle by rate, with the doubt that the rounds raise together.
fn median(mut rounds: Vec<Throughput>, turns: &str) -> Option<Throughput> {
    let rates: Vec<f64> = rounds.iter().map(|round| round.rps).collect();
    rounds.sort_by(|a, b| a.rps.total_cmp(&b.rps));
    let middle = rounds.len().checked_sub(1)? / 2;
    let mut figure = rounds.swap_remove(middle);
    let window = Duration::from_secs_f64(figure.requests as f64 / figure.rps.max(0.1));
    let doubt = caveat::of_runs(&rates, window);
    figure.caveats.extend(doubt.map(|doubt| doubt.to_string()));
    figure.rounds = rates;
    figure.turns = Some(turns.to_owned());
    Some(figure)
}
