//! Runs the heats: starts their lanes, lets them take turns, and judges.

use std::time::Duration;

use super::{
    HeatResult, Profile,
    asks::Asks,
    judge,
    lane::Lane,
    sample::{LaneResult, Measure},
    start::{self, Up},
    table::{Heat, Trial},
    trial,
};
use crate::{
    bench::Bench,
    event::{Event, Observer},
    results::Environment,
};

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Measured time of each round.
    pub time: Duration,
    /// Rounds; intervals need five.
    pub rounds: u32,
}

/// Runs these heats. A lane that cannot be started is left out with its reason.
pub async fn profile(
    heats: &[&Heat],
    settings: Settings,
    bench: &mut Bench,
    environment: Environment,
    observer: &mut dyn Observer,
) -> Profile {
    let mut results = Vec::new();
    for heat in heats {
        observer.event(&Event::Note(heat.title));
        let absent = prepare(heat, bench, observer).await;
        let contest = Contest {
            heat,
            settings,
            bench,
        };
        let lanes = contest.run(absent, observer).await;
        let rows = heat.rows.iter().map(|row| judge::judge(row, &lanes));
        results.push(HeatResult {
            id: heat.id,
            title: heat.title,
            rows: rows.collect(),
            lanes,
        });
    }
    Profile {
        environment: Environment {
            notes: bench.notes().to_vec(),
            ..environment
        },
        versions: versions(heats, bench),
        seconds: settings.time.as_secs_f64(),
        rounds: settings.rounds,
        heats: results,
    }
}

/// Makes gateways and servers ready to be started; for each lane, why it cannot be.
async fn prepare(
    heat: &Heat,
    bench: &mut Bench,
    observer: &mut dyn Observer,
) -> Vec<Option<String>> {
    let mut absent = Vec::new();
    for lane in heat.lanes {
        let mut ready = bench.add_backend(lane.backend(), observer).await;
        if let (Ok(()), Some((gateway, _))) = (&ready, start::in_front(lane)) {
            ready = bench.add(gateway, observer).await;
        }
        absent.push(ready.err().map(|error| format!("{error:#}")));
    }
    absent
}

fn versions(heats: &[&Heat], bench: &Bench) -> Vec<(String, String)> {
    let lanes = heats.iter().flat_map(|heat| heat.lanes);
    let names = lanes.flat_map(|lane| {
        let gateway = start::in_front(lane).map(|(gateway, _)| gateway.name());
        gateway.into_iter().chain([lane.backend().name()])
    });
    let mut versions = Vec::<(String, String)>::new();
    for name in names {
        let version = bench.version(name).unwrap_or("unknown").to_owned();
        let known = versions.iter().any(|(other, _)| other == name);
        // The limit has none that matters.
        if !known && name != "responder" {
            versions.push((name.to_owned(), version));
        }
    }
    versions
}

/// One heat under way.
struct Contest<'a> {
    heat: &'a Heat,
    settings: Settings,
    bench: &'a Bench,
}

impl Contest<'_> {
    async fn run(
        &self,
        absent: Vec<Option<String>>,
        observer: &mut dyn Observer,
    ) -> Vec<LaneResult> {
        let lanes = self.heat.lanes;
        let mut results: Vec<LaneResult> = lanes.iter().map(LaneResult::new).collect();
        for (result, why) in results.iter_mut().zip(absent) {
            result.missing = why;
        }
        match self.heat.trial {
            Trial::Load {
                connections,
                asks,
                then_half,
                at_least_s,
            } => {
                let time = self.settings.time.max(Duration::from_secs(at_least_s));
                let load = Load {
                    connections,
                    asks,
                    time,
                };
                self.load(load, then_half, &mut results, observer).await;
            }
            Trial::Start | Trial::Memory => self.anew(&mut results, observer).await,
        }
        for result in &results {
            if let Some(why) = &result.missing {
                let note = format!("{} is not measured: {why}", result.id);
                observer.event(&Event::Note(&note));
            }
        }
        results
    }

    /// All lanes are up and take turns, every second time from the last to the first.
    async fn load(
        &self,
        load: Load,
        then_half: bool,
        results: &mut [LaneResult],
        observer: &mut dyn Observer,
    ) {
        let mut running = Vec::new();
        for (lane, result) in self.heat.lanes.iter().zip(results.iter_mut()) {
            running.push(match &result.missing {
                Some(_) => None,
                None => keep(result, start::up(lane, lane.workers, self.bench).await),
            });
        }
        self.turns(&running, results, observer, |up, result| {
            let sample = trial::load(up, load.asks, load.connections, load.time)?;
            result.rounds.push(sample);
            Ok(())
        });
        let rates = results.iter();
        let rates = rates.filter_map(|result| result.median(Measure::RequestsPerSecond));
        let slowest = rates.fold(f64::INFINITY, f64::min);
        if !then_half || !slowest.is_finite() {
            return;
        }
        let mut round = vec![0; results.len()];
        self.turns(&running, results, observer, |up, result| {
            let at = self.heat.lanes.iter().position(|lane| lane.id == result.id);
            let at = at.expect("results are of the heat's lanes");
            let (asks, connections) = (load.asks, load.connections);
            let sample = trial::pace(up, asks, connections, load.time, slowest / 2.0)?;
            result.rounds[round[at]].join(sample);
            round[at] += 1;
            Ok(())
        });
    }

    fn turns(
        &self,
        running: &[Option<Up>],
        results: &mut [LaneResult],
        observer: &mut dyn Observer,
        mut trial: impl FnMut(&Up, &mut LaneResult) -> Result<(), String>,
    ) {
        let mut order: Vec<usize> = (0..results.len()).collect();
        for number in 1..=self.settings.rounds {
            for &at in &order {
                let result = &mut results[at];
                let (Some(up), None) = (&running[at], &result.missing) else {
                    continue;
                };
                self.tell(result.id, number, observer);
                if let Err(why) = trial(up, result) {
                    result.missing = Some(why);
                    result.rounds.clear();
                }
            }
            order.reverse();
        }
    }

    /// Each trial starts its server anew.
    async fn anew(&self, results: &mut [LaneResult], observer: &mut dyn Observer) {
        let lanes = self.heat.lanes;
        for number in 1..=self.settings.rounds {
            for (lane, result) in lanes.iter().zip(results.iter_mut()) {
                if result.missing.is_some() {
                    continue;
                }
                self.tell(lane.id, number, observer);
                match self.once(lane).await {
                    Ok(sample) => result.rounds.push(sample),
                    Err(why) => {
                        result.missing = Some(why);
                        result.rounds.clear();
                    }
                }
            }
        }
    }

    async fn once(&self, lane: &Lane) -> Result<super::Sample, String> {
        match self.heat.trial {
            Trial::Memory => trial::memory(lane, self.bench).await,
            _ => trial::first_answer(lane, self.bench).await,
        }
    }

    fn tell(&self, lane: &str, number: u32, observer: &mut dyn Observer) {
        let of = self.settings.rounds;
        let doing = format!("{}: {lane}, round {number} of {of}", self.heat.id);
        observer.event(&Event::Busy(&doing));
    }
}

/// The load of a heat.
#[derive(Clone, Copy)]
struct Load {
    connections: u32,
    asks: Asks,
    time: Duration,
}

/// What came up, or a note of why nothing did.
fn keep(result: &mut LaneResult, up: Result<Up, String>) -> Option<Up> {
    match up {
        Ok(up) => Some(up),
        Err(why) => {
            result.missing = Some(why);
            None
        }
    }
}
