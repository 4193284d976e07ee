//! Throughput: the pairings of a group take turns under the same load; the median round counts.

use std::{sync::atomic::AtomicBool, time::Duration};

use super::{contenders, lively::plain, plan::Plan, smoke};
use crate::{
    address::Address,
    bench::Bench,
    event::{Event, Observer},
    launch::{Family, Running},
    load::{
        self, Caveat, Labels, LoadError, LoadSpec, Meter, Pacing, Spacing, Stop, caveat, cost::Side,
    },
    pairing::{Pairing, Started},
    results::Throughput,
    scenario::Action,
    witness::Health,
};

/// How hard and how long.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// Client connections.
    pub connections: u32,
    /// Measured time of a round.
    pub duration: Duration,
    /// Requests per second to offer; none: as many as are answered.
    pub rate: Option<f64>,
    /// Rounds.
    pub rounds: u32,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Measured {
    /// A figure for each pairing that could be measured.
    pub figures: Vec<Throughput>,
    /// For each of the others, why there is none.
    pub missing: Vec<String>,
}

/// A pairing under load, and its rounds so far.
struct Contestant {
    started: Started,
    rounds: Vec<Throughput>,
    /// Why it is out.
    out: Option<String>,
}

/// Time before each measured round in which nothing counts.
const WARM_UP: Duration = Duration::from_millis(500);
/// What every model answers with.
const HELLO: &str = "Hello, world!";

impl Measure {
    /// How many measurements a plan makes.
    pub fn count(&self, plan: &Plan) -> usize {
        contenders::of_plan(plan)
            .filter(|pairing| pairing.unsupported().is_none())
            .count()
    }

    fn pacing(&self) -> Pacing {
        match self.rate {
            Some(rate) => Pacing::Open {
                rate,
                spacing: Spacing::Poisson,
            },
            None => Pacing::Closed,
        }
    }
}

/// Measures every pairing of the plan that can be measured.
pub async fn measure(
    measure: &Measure,
    plan: &Plan,
    bench: &Bench,
    observer: &mut dyn Observer,
) -> Measured {
    let mut measured = Measured::default();
    for group in plan.groups() {
        let mut contestants = Vec::new();
        for pairing in contenders::of_group(plan, group) {
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
        rounds(measure, &mut contestants, observer);
        for contestant in contestants {
            measured.take(contestant, measure.duration, observer);
        }
    }
    measured
}

fn named(pairing: Pairing) -> String {
    let Pairing { model, .. } = pairing;
    match pairing.backend.brings_programs() {
        true => format!(
            "{} by {model} to {}",
            pairing.gateway_id(),
            pairing.backend_id()
        ),
        false => format!("{} by {model}", pairing.gateway_id()),
    }
}

impl Measured {
    fn miss(&mut self, pairing: Pairing, why: &str, observer: &mut dyn Observer) {
        let missing = format!("{} could not be measured: {why}", named(pairing));
        observer.event(&Event::Note(&missing));
        self.missing.push(missing);
    }

    fn take(&mut self, contestant: Contestant, round: Duration, observer: &mut dyn Observer) {
        let pairing = contestant.started.pairing;
        if let Some(why) = &contestant.out {
            return self.miss(pairing, why, observer);
        }
        if let Some(figure) = median(contestant.rounds, round) {
            observer.event(&Event::Measured(&figure));
            self.figures.push(figure);
        }
    }
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
        rounds: Vec::new(),
        out: None,
    })
}

/// Lets the contestants take turns, so that what else the machine does hits all of them.
fn rounds(measure: &Measure, contestants: &mut [Contestant], observer: &mut dyn Observer) {
    for round in 1..=measure.rounds {
        for contestant in contestants.iter_mut().filter(|one| one.out.is_none()) {
            let pairing = contestant.started.pairing;
            observer.event(&Event::Busy(&format!("{}, round {round}", named(pairing))));
            match one_round(measure, &mut contestant.started) {
                Ok(figure) if figure.requests == 0 => {
                    contestant.out =
                        Some(format!("nothing answered; {}", figure.caveats.join("; ")));
                }
                Ok(figure) => contestant.rounds.push(figure),
                Err(error) => contestant.out = Some(error.to_string()),
            }
        }
    }
}

fn one_round(measure: &Measure, started: &mut Started) -> Result<Throughput, LoadError> {
    let spec = LoadSpec {
        expect_body_len: Some(HELLO.len() as u64),
        connections: measure.connections,
        pacing: measure.pacing(),
        warm_up: WARM_UP,
        stop: Stop::After(measure.duration),
        ..LoadSpec::new(Address::Tcp(started.listen.to_string()), request(started))
    };
    mark(started);
    let gateway = started.gateway.family();
    let backend = started.backend.as_ref().map(Running::family);
    let executes = backend.is_none();
    let mut meter = Meter::new(
        move || gateway.pids(),
        move || backend.as_ref().map_or_else(Vec::new, Family::pids),
    );
    let cancel = AtomicBool::new(false);
    let (report, mut cost) = load::measure(&spec, &mut meter, &cancel, &mut |_, _| {})?;
    if executes {
        // The gateway executes the program itself: its processes are the gateway's.
        (cost.backend_cpu, cost.rss_peak, cost.pss_peak) = (None, None, None);
        cost.context_switches = None;
    }
    cost.caveats.extend(deaths(started));
    Ok(load::throughput(&report, &cost, labels(started)))
}

/// What the figure is called.
fn labels(started: &Started) -> Labels {
    let pairing = started.pairing;
    let app = match pairing.executes() {
        true => "probe (CGI program)",
        false => pairing.backend.app(pairing.model),
    };
    let is_behind = started.backend.is_some();
    Labels {
        gateway: Some(pairing.gateway_id()),
        model: Some(pairing.model),
        carrier: pairing.carrier(),
        backend: Some(pairing.backend_id()),
        app: app.to_owned(),
        socket: is_behind.then(|| "unix".to_owned()),
        backend_keepalive: is_behind.then(|| pairing.keeps_connections()),
        workload: "hello".to_owned(),
    }
}

fn mark(started: &mut Started) {
    started.gateway.mark();
    if let Some(backend) = &mut started.backend {
        backend.mark();
    }
}

/// A process that died under the load is no verdict here, but the figure is of something else.
fn deaths(started: &Started) -> Vec<Caveat> {
    let backend = started.backend.as_ref().map(Running::health);
    let sides = [
        (Side::Gateway, Some(started.gateway.health())),
        (Side::Backend, backend),
    ];
    let died = |(side, health)| match health {
        Some(Health::Died(how)) => Some(Caveat::Died { side, how }),
        _ => None,
    };
    sides.into_iter().filter_map(died).collect()
}

/// The round in the middle by rate, with the doubt that the rounds raise together.
fn median(mut rounds: Vec<Throughput>, round: Duration) -> Option<Throughput> {
    let rates: Vec<f64> = rounds.iter().map(|round| round.rps).collect();
    rounds.sort_by(|a, b| a.rps.total_cmp(&b.rps));
    let middle = rounds.len().checked_sub(1)? / 2;
    let mut figure = rounds.swap_remove(middle);
    let doubt = caveat::of_runs(&rates, round);
    figure.caveats.extend(doubt.map(|doubt| doubt.to_string()));
    Some(figure)
}

fn request(started: &Started) -> Vec<u8> {
    let script = plain(started, &format!("X-Probe: body={HELLO}\r\n"));
    let sent = script
        .actions
        .into_iter()
        .filter_map(|action| match action {
            Action::Send(octets) => Some(octets),
            _ => None,
        });
    sent.flatten().collect()
}
