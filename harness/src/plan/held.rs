//! The model held against what was measured: a sweep over concurrency, predicted from the costs at
//! its two ends: one connection, and the best rate.

use super::{Costs, Load, Want, of_results, simulate, size};
use crate::{
    model::Model,
    report::units::{amount, micros},
    results::{PacingKind, Results, Throughput},
};

/// Requests of a simulation.
const PLAYED: usize = 40_000;

/// A figure as predicted and as measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// By the model.
    pub predicted: f64,
    /// By the bench.
    pub measured: f64,
}

impl Pair {
    /// How far the prediction is off, as a share of what was measured: 0.1 is 10 % too much.
    pub fn error(&self) -> f64 {
        self.predicted / self.measured - 1.0
    }
}

/// One measured point of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// The model.
    pub model: Model,
    /// Client connections.
    pub connections: u32,
    /// Whether costs come from this very point.
    pub is_source: bool,
    /// Answered requests per second.
    pub rps: Pair,
    /// Median latency in microseconds.
    pub p50: Pair,
    /// 99th percentile of the latency in microseconds.
    pub p99: Pair,
}

/// Connections per core from which on a closed load leaves no core without work.
const CROWD: u32 = 8;

/// Which of the figures of a point.
type Figure = fn(&Held) -> Pair;

/// What the model says a closed load on this machine comes to: requests per second, p50 and p99 in
/// microseconds. The load generator shares the machine, as it does while the bench measures.
/// `usable` is the share of the cores' time that requests could have.
pub fn predict(costs: &Costs, connections: u32, cores: u32, usable: f64) -> [f64; 3] {
    let mut demand = size::demand(costs);
    let times = [
        costs.client_cpu.unwrap_or_default(),
        demand.gateway,
        demand.backend,
    ];
    [demand.client, demand.gateway, demand.backend] = times.map(|us| us / usable);
    demand.wake = costs.wake.map(|us| us / usable);
    let observed = simulate(&demand, Load::Closed(connections), cores, None, PLAYED);
    [observed.rps, observed.latency(0.5), observed.latency(0.99)]
}

/// The share of the cores' time that went into requests where many connections kept all of them
/// busy; the rest is of the kernel and of what else ran. 1 where that cannot be told.
pub fn usable(source: &Throughput, cores: u32) -> f64 {
    let cpu = source.cpu_us_per_request;
    let (Some(gateway), Some(backend), Some(load)) = (cpu.gateway, cpu.backend, cpu.load) else {
        return 1.0;
    };
    match source.connections >= CROWD * cores {
        true => (source.rps * (gateway + backend + load) / 1e6 / f64::from(cores)).min(1.0),
        false => 1.0,
    }
}

/// Every closed measurement of the same pairing and workload as the costs, in ascending order of
/// connections; none where the model was not measured.
pub fn hold(results: &Results, model: Model, want: &Want) -> Vec<Held> {
    let Ok(costs) = of_results(results, model, want) else {
        return Vec::new();
    };
    let is_same = |one: &&Throughput| {
        let pairing = (one.gateway.as_deref(), one.backend.as_deref());
        one.model == Some(model)
            && one.workload == want.workload
            && one.pacing == PacingKind::Closed
            && pairing == (Some(costs.gateway.as_str()), Some(costs.backend.as_str()))
    };
    let mut points: Vec<_> = results.throughput.iter().filter(is_same).collect();
    points.sort_by_key(|one| one.connections);
    let cores = results.environment.cpus.max(1);
    let source = points
        .iter()
        .find(|one| one.connections == costs.connections);
    let usable = source.map_or(1.0, |source| usable(source, cores));
    let alone = costs.wake.iter().any(|&us| us > 0.0);
    let held = |one: &Throughput| {
        let [rps, p50, p99] = predict(&costs, one.connections, cores, usable);
        let pair = |predicted, measured| Pair {
            predicted,
            measured,
        };
        Held {
            model,
            connections: one.connections,
            is_source: one.connections == costs.connections || (alone && one.connections == 1),
            rps: pair(rps, one.rps),
            p50: pair(p50, one.latency_us.p50 as f64),
            p99: pair(p99, one.latency_us.p99 as f64),
        }
    };
    points.into_iter().map(held).collect()
}

/// Median and worst error, without sign, over the points that the costs do not come from; `None`
/// where there is no such point.
pub fn errors(held: &[Held], figure: impl Fn(&Held) -> Pair) -> Option<(f64, f64)> {
    let others = held.iter().filter(|one| !one.is_source);
    let mut sizes: Vec<_> = others.map(|one| figure(one).error().abs()).collect();
    sizes.sort_by(f64::total_cmp);
    Some((*sizes.get(sizes.len() / 2)?, *sizes.last()?))
}

/// One line per point, and below how far the predictions are off.
pub fn told(held: &[Held]) -> String {
    let mut text = format!(
        "{:<9} {:>11}   {:^27}   {:^31}   {:^31}\n",
        "model", "connections", "requests/s", "p50", "p99"
    );
    for one in held {
        let cell = |pair: Pair, show: fn(f64) -> String| {
            let (predicted, measured) = (show(pair.predicted), show(pair.measured));
            let off = pair.error() * 100.0;
            format!("{predicted} for {measured} {off:+.0} %")
        };
        let us = |us: f64| micros(us.round() as u64);
        let mark = if one.is_source { "*" } else { " " };
        text.push_str(&format!(
            "{:<9} {:>10}{mark}   {:>27}   {:>31}   {:>31}\n",
            one.model.word(),
            one.connections,
            cell(one.rps, amount),
            cell(one.p50, us),
            cell(one.p99, us),
        ));
    }
    text.push_str(
        "\npredicted for measured, and by how much too high; * is where the costs were measured\n",
    );
    let figures: [(&str, Figure); 3] = [
        ("requests/s", |one| one.rps),
        ("p50", |one| one.p50),
        ("p99", |one| one.p99),
    ];
    for (name, figure) in figures {
        if let Some((median, worst)) = errors(held, figure) {
            let (median, worst) = (median * 100.0, worst * 100.0);
            text.push_str(&format!(
                "{name}: off by {median:.0} % in the median, {worst:.0} % at worst\n"
            ));
        }
    }
    text
}
