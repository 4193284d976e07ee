//! Throughput: the pairings of a group take turns under the same load; the median round counts.

use std::{sync::atomic::AtomicBool, time::Duration};

use anyhow::Context;

use super::{plan::Plan, smoke};
use crate::{
    address::Address,
    bench::Bench,
    event::{Event, Observer},
    launch::Family,
    load::{self, Labels, LoadSpec, Meter, Pacing, Spacing, Stop, caveat},
    model::Model,
    pairing::{Pairing, Started},
    results::Throughput,
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

/// Time before each measured round in which nothing counts.
const WARM_UP: Duration = Duration::from_millis(500);
/// What every model answers with.
const HELLO: &str = "Hello, world!";

impl Measure {
    /// How many measurements a plan makes.
    pub fn count(&self, plan: &Plan) -> usize {
        plan.pairings()
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

/// Measures every pairing of the plan; one whose smoke test fails gets no figure but a note.
///
/// # Errors
/// When the load generator cannot do its work.
pub async fn measure(
    measure: &Measure,
    plan: &Plan,
    bench: &Bench,
    observer: &mut dyn Observer,
) -> anyhow::Result<Vec<Throughput>> {
    let mut figures = Vec::new();
    for group in plan.groups() {
        let mut contestants = Vec::new();
        for &pairing in group
            .iter()
            .filter(|pairing| pairing.unsupported().is_none())
        {
            match ready(pairing, bench).await {
                Ok(started) => contestants.push((started, Vec::new())),
                Err(why) => observer.event(&Event::Note(&format!(
                    "{} by {} is not measured: {why}",
                    pairing.gateway_id(),
                    pairing.model
                ))),
            }
        }
        for round in 1..=measure.rounds {
            for (started, rounds) in &mut contestants {
                let what = format!(
                    "{} by {}, round {round}",
                    started.pairing.gateway_id(),
                    started.pairing.model
                );
                observer.event(&Event::Busy(&what));
                rounds.push(one_round(measure, started).with_context(|| what)?);
            }
        }
        for (_, rounds) in contestants {
            let figure = median(rounds);
            observer.event(&Event::Measured(&figure));
            figures.push(figure);
        }
    }
    Ok(figures)
}

/// Starts a pairing with nothing between gateway and backend, and asks it once.
async fn ready(pairing: Pairing, bench: &Bench) -> Result<Started, String> {
    let mut started = pairing
        .start(bench, false)
        .await
        .map_err(|error| error.to_string())?;
    smoke::test(&mut started).await?;
    Ok(started)
}

fn one_round(measure: &Measure, started: &Started) -> anyhow::Result<Throughput> {
    let spec = LoadSpec {
        expect_body_len: Some(HELLO.len() as u64),
        connections: measure.connections,
        pacing: measure.pacing(),
        warm_up: WARM_UP,
        stop: Stop::After(measure.duration),
        ..LoadSpec::new(Address::Tcp(started.listen.to_string()), request(started))
    };
    let gateway = started.gateway.family();
    let backend = started.backend.as_ref().map(|backend| backend.family());
    let pairing = started.pairing;
    let labels = Labels {
        gateway: Some(pairing.gateway_id()),
        model: Some(pairing.model),
        carrier: pairing.carrier(),
        backend: Some(pairing.backend_id()),
        app: if pairing.model == Model::Cgi {
            "probe (CGI program)"
        } else {
            "probe (native)"
        }
        .to_owned(),
        socket: backend.is_some().then(|| "unix".to_owned()),
        backend_keepalive: backend.is_some().then_some(pairing.variant == "keepalive"),
        workload: "hello".to_owned(),
    };
    let behind = backend.is_some();
    let mut meter = Meter::new(
        move || gateway.pids(),
        move || backend.as_ref().map_or_else(Vec::new, Family::pids),
    );
    let cancel = AtomicBool::new(false);
    let (report, mut cost) = load::measure(&spec, &mut meter, &cancel, &mut |_, _| {})?;
    if !behind {
        // The gateway executes the program itself: its processes are the gateway's.
        (cost.backend_cpu, cost.rss_peak, cost.pss_peak) = (None, None, None);
    }
    Ok(load::throughput(&report, &cost, labels))
}

/// The round in the middle by rate, with the doubt that the rounds raise together.
fn median(mut rounds: Vec<Throughput>) -> Throughput {
    let rates: Vec<f64> = rounds.iter().map(|round| round.rps).collect();
    rounds.sort_by(|a, b| a.rps.total_cmp(&b.rps));
    let middle = (rounds.len() - 1) / 2;
    let mut figure = rounds.swap_remove(middle);
    figure
        .caveats
        .extend(caveat::of_runs(&rates).map(|doubt| doubt.to_string()));
    figure
}

fn request(started: &Started) -> Vec<u8> {
    let place = &started.place;
    let target = if place.app.is_empty() {
        "/"
    } else {
        place.app.as_str()
    };
    format!(
        "GET {target} HTTP/1.1\r\nHost: {}\r\nX-Probe: body={HELLO}\r\n\r\n",
        place.host
    )
    .into_bytes()
}
