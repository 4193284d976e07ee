//! Throughput as the templates print it.

use serde::Serialize;

use super::{
    page::owned,
    plots::{self, Plot, PlotError},
};
use crate::{
    model::Model,
    report::{
        contest::{self, Contest, Duel, Footnotes},
        findings::plural,
        sweep::{self, Sweep},
        text::visible,
        units,
    },
    results::{Idle, Results, Throughput},
};

#[derive(Debug, Serialize)]
pub(super) struct Rates {
    sweeps: Vec<SweepBox>,
    contests: Vec<Table>,
    rest: Vec<Rest>,
    /// Caveats that hold for every figure.
    common: Vec<String>,
    caveats: Vec<(usize, String)>,
}

/// One workload over the number of connections.
#[derive(Debug, Serialize)]
struct SweepBox {
    gateway: String,
    conditions: String,
    /// Where each line is highest: its name, requests per second, connections.
    peaks: Vec<[String; 3]>,
    plots: Vec<Plot>,
}

/// What a pairing takes while nobody asks.
#[derive(Debug, Serialize)]
struct Rest {
    gateway: String,
    model: &'static str,
    backend: String,
    workers: String,
    processes: String,
    pss: String,
    rss: String,
    /// CPU time per second of gateway and backend.
    cpu: [String; 2],
}

#[derive(Debug, Serialize)]
struct Table {
    gateway: String,
    conditions: String,
    rows: Vec<Figures>,
    /// What differs only in the backend: model, backend, against which, ratio, verdict.
    duels: Vec<[String; 5]>,
    plots: Vec<Plot>,
}

#[derive(Debug, Serialize)]
struct Figures {
    model: &'static str,
    carrier: Option<String>,
    notes: Vec<usize>,
    backend: String,
    app: String,
    link: String,
    rps: String,
    times: String,
    /// The interval and what it says.
    interval: String,
    verdict: String,
    requests: String,
    errors: String,
    failed: bool,
    /// p50, p90, p99, p99.9, max.
    latency: [String; 5],
    /// Gateway, backend, load generator.
    cpu: [String; 3],
    forks: String,
    switches: String,
    /// Page faults per request, and how many of all read from a disk.
    faults: [String; 2],
    rss: String,
    pss: String,
}

pub(super) fn of(results: &Results) -> Result<Rates, PlotError> {
    let contests = contest::contests(results);
    let mut notes = Footnotes::of(results);
    let mut tables = Vec::new();
    for contest in &contests {
        let rows = contest
            .entries
            .iter()
            .map(|&entry| figures(contest, entry, &mut notes));
        tables.push(Table {
            gateway: visible(contest.gateway).into_owned(),
            conditions: visible(&contest.conditions()).into_owned(),
            rows: rows.collect(),
            duels: contest.duels().iter().map(duel).collect(),
            plots: plots::of(contest)?,
        });
    }
    let caveats = notes.numbered();
    let caveats = caveats.map(|(number, text)| (number, visible(text).into_owned()));
    let sweeps = sweep::sweeps(results);
    let sweeps: Result<Vec<_>, _> = sweeps.iter().map(swept).collect();
    Ok(Rates {
        sweeps: sweeps?,
        contests: tables,
        rest: results.idle.iter().map(rest).collect(),
        common: owned(notes.common()),
        caveats: caveats.collect(),
    })
}

fn swept(sweep: &Sweep<'_>) -> Result<SweepBox, PlotError> {
    let closes = if sweep.closes {
        ", each request on its own connection"
    } else {
        ""
    };
    let peak = |(label, best): (&str, &Throughput)| {
        let connections = plural(best.connections as usize, "connection");
        [
            visible(label).into_owned(),
            units::amount(best.rps),
            connections,
        ]
    };
    Ok(SweepBox {
        gateway: visible(sweep.gateway).into_owned(),
        conditions: format!("{}, closed loop{closes}", visible(sweep.workload)),
        peaks: sweep.peaks().map(peak).collect(),
        plots: plots::of_sweep(sweep)?,
    })
}

fn rest(idle: &Idle) -> Rest {
    let cpu = [
        idle.gateway_cpu_us_per_second,
        idle.backend_cpu_us_per_second,
    ];
    Rest {
        gateway: visible(&idle.gateway).into_owned(),
        model: idle.model.word(),
        backend: visible(&idle.backend).into_owned(),
        workers: units::count(u64::from(idle.workers)),
        processes: units::count(u64::from(idle.processes)),
        pss: shown(idle.pss_bytes, units::bytes),
        rss: shown(idle.rss_bytes, units::bytes),
        cpu: cpu.map(|us| shown(us, |us| units::micros(us.round() as u64))),
    }
}

fn duel(duel: &Duel<'_>) -> [String; 5] {
    let backend = |entry: &Throughput| {
        let backend = entry.backend.as_deref().unwrap_or("–");
        visible(backend).into_owned()
    };
    [
        contest::way(duel.one),
        backend(duel.one),
        backend(duel.against),
        contest::ratio_text(&duel.ratio),
        contest::verdict(&duel.ratio),
    ]
}

fn figures<'a>(contest: &Contest<'_>, entry: &'a Throughput, notes: &mut Footnotes<'a>) -> Figures {
    let latency = entry.latency_us;
    let cpu = entry.cpu_us_per_request;
    let spans = [
        latency.p50,
        latency.p90,
        latency.p99,
        latency.p999,
        latency.max,
    ];
    let backend = entry.backend.as_deref().unwrap_or("–");
    let ratio = contest.ratio(entry);
    let interval = ratio.interval.filter(|_| !contest.is_first(entry));
    Figures {
        model: entry.model.map_or("http", Model::word),
        carrier: entry.carrier.clone(),
        notes: notes.refer(&entry.caveats),
        backend: visible(backend).into_owned(),
        app: visible(&entry.app).into_owned(),
        link: contest::link(entry),
        rps: units::amount(entry.rps),
        times: units::times(ratio.value),
        interval: interval.map_or_else(String::new, |one| units::span(one.low, one.high)),
        verdict: interval.map_or_else(String::new, |_| ratio.verdict().to_string()),
        requests: units::count(entry.requests),
        errors: units::count(entry.errors),
        failed: entry.errors > 0,
        latency: spans.map(units::micros),
        cpu: [cpu.gateway, cpu.backend, cpu.load].map(|us| shown(us, units::amount)),
        forks: shown(entry.forks, units::count),
        switches: shown(entry.context_switches, units::count),
        faults: [
            shown(entry.page_faults, |faults| {
                units::amount(faults.minor as f64 / entry.requests.max(1) as f64)
            }),
            shown(entry.page_faults, |faults| units::count(faults.major)),
        ],
        rss: shown(entry.rss_peak_bytes, units::bytes),
        pss: shown(entry.pss_peak_bytes, units::bytes),
    }
}

fn shown<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), show)
}
