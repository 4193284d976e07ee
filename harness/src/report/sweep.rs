//! Throughput arranged over concurrency: what differs in its connections alone is one line.

use super::contest;
use crate::{
    model::Model,
    results::{PacingKind, Results, Throughput},
};

/// Measurements of one gateway under one workload with different numbers of connections.
#[derive(Debug)]
pub struct Sweep<'a> {
    /// Subject id of the gateway, or `url`.
    pub gateway: &'a str,
    /// Name of the workload.
    pub workload: &'a str,
    /// Each request came on a connection of its own.
    pub closes: bool,
    /// One line per way to the application, in the order of [`Model::ALL`].
    pub lines: Vec<Line<'a>>,
}

/// One way to one backend, measured with several numbers of connections.
#[derive(Debug)]
pub struct Line<'a> {
    /// The way to the application; the backend too where a way has several.
    pub label: String,
    /// The model.
    pub model: Option<Model>,
    /// In ascending order of their connections.
    pub points: Vec<&'a Throughput>,
}

impl Sweep<'_> {
    /// The point of each line with its best rate.
    pub fn peaks(&self) -> impl Iterator<Item = (&str, &Throughput)> {
        self.lines.iter().filter_map(|line| {
            let points = line.points.iter().copied();
            let best = points.max_by(|one, other| one.rps.total_cmp(&other.rps))?;
            Some((line.label.as_str(), best))
        })
    }
}

/// The sweeps of a run; a measurement with one number of connections alone is none.
pub fn sweeps(results: &Results) -> Vec<Sweep<'_>> {
    let mut sweeps = Vec::<Sweep<'_>>::new();
    let closed = results.throughput.iter();
    for entry in closed.filter(|entry| entry.pacing == PacingKind::Closed) {
        let gateway = entry.gateway.as_deref().unwrap_or("url");
        let admits = |sweep: &&mut Sweep<'_>| {
            let same = (sweep.gateway, sweep.workload) == (gateway, entry.workload.as_str());
            same && sweep.closes == entry.closes
        };
        match sweeps.iter_mut().find(admits) {
            Some(sweep) => add(&mut sweep.lines, entry),
            None => sweeps.push(Sweep {
                gateway,
                workload: &entry.workload,
                closes: entry.closes,
                lines: vec![line(entry)],
            }),
        }
    }
    for sweep in &mut sweeps {
        arrange(&mut sweep.lines);
    }
    sweeps.retain(|sweep| !sweep.lines.is_empty());
    sweeps
}

fn line(entry: &Throughput) -> Line<'_> {
    Line {
        label: contest::way(entry),
        model: entry.model,
        points: vec![entry],
    }
}

fn add<'a>(lines: &mut Vec<Line<'a>>, entry: &'a Throughput) {
    let name = |one: &Throughput| (one.model, one.carrier.clone(), one.backend.clone());
    let known = lines
        .iter_mut()
        .find(|line| name(line.points[0]) == name(entry));
    match known {
        Some(line) => line.points.push(entry),
        None => lines.push(line(entry)),
    }
}

fn arrange(lines: &mut Vec<Line<'_>>) {
    for line in lines.iter_mut() {
        line.points.sort_by_key(|point| point.connections);
        line.points.dedup_by_key(|point| point.connections);
    }
    lines.retain(|line| line.points.len() > 1);
    lines.sort_by_key(|line| line.model);
    let ways: Vec<_> = lines.iter().map(|line| line.label.clone()).collect();
    for (line, way) in lines.iter_mut().zip(&ways) {
        let is_shared = ways.iter().filter(|other| *other == way).count() > 1;
        if let (true, Some(backend)) = (is_shared, &line.points[0].backend) {
            line.label = format!("{way} {backend}");
        }
    }
}
