//! The figures in Prometheus's text format.

use std::fmt::Write;

use super::Facts;
use crate::master::WorkerSlot;
use crate::master::scoreboard::{Status, WorkerFacts};
use crate::memory::Usage;
use crate::socket::Backlog;

/// A figure of each worker: name, kind, help, and how to get it.
type Figure = (
    &'static str,
    &'static str,
    &'static str,
    fn(&WorkerFacts) -> f64,
);

const MICROSECOND: f64 = 1e-6;

#[rustfmt::skip]
const FIGURES: [Figure; 10] = [
    ("requests_total", "counter", "Requests answered", |it| it.requests as f64),
    ("exceptions_total", "counter", "Exceptions that applications let through", |it| it.exceptions as f64),
    ("harakiri_total", "counter", "Kills by harakiri", |it| it.harakiris as f64),
    ("spawns_total", "counter", "Processes that have had the place", |it| f64::from(it.spawns)),
    ("transmitted_bytes_total", "counter", "Bytes of responses", |it| it.tx as f64),
    ("running_seconds_total", "counter", "Time spent with requests", |it| it.running_time as f64 * MICROSECOND),
    ("average_response_seconds", "gauge", "Running mean of the time of a request", |it| it.average_time as f64 * MICROSECOND),
    ("worker_requests", "gauge", "Requests answered by the present process", |it| it.delta_requests as f64),
    ("worker_start_time_seconds", "gauge", "When the present process started, as Unix time", |it| it.started_at as f64),
    ("worker_accepting", "gauge", "Whether it takes new connections", |it| f64::from(u8::from(it.accepting))),
];

/// All figures.
pub(super) fn text(facts: &Facts<'_>) -> Vec<u8> {
    let mut text = String::with_capacity(4096);
    head(
        &mut text,
        "start_time_seconds",
        "gauge",
        "When the server started, as Unix time",
    );
    line(
        &mut text,
        "start_time_seconds",
        "",
        facts.board.started_at() as f64,
    );
    for (name, kind, help, figure) in FIGURES {
        head(&mut text, name, kind, help);
        for slot in facts.board.workers() {
            line(&mut text, name, &label(slot), figure(&slot.facts()));
        }
    }
    head(&mut text, "worker_busy", "gauge", "Whether a request runs");
    for slot in facts.board.workers() {
        let busy = slot.status() == Status::Busy;
        line(
            &mut text,
            "worker_busy",
            &label(slot),
            f64::from(u8::from(busy)),
        );
    }
    memory_of(facts, &mut text);
    queues(facts, &mut text);
    text.into_bytes()
}

fn memory_of(facts: &Facts<'_>, text: &mut String) {
    let usage = |slot: WorkerSlot| Some((slot, Usage::of(slot.pid()?)?));
    let usages: Vec<_> = facts.board.workers().filter_map(usage).collect();
    head(text, "worker_resident_bytes", "gauge", "Resident memory");
    for (slot, usage) in &usages {
        line(
            text,
            "worker_resident_bytes",
            &label(*slot),
            usage.rss as f64,
        );
    }
    head(text, "worker_virtual_bytes", "gauge", "Address space");
    for (slot, usage) in &usages {
        line(
            text,
            "worker_virtual_bytes",
            &label(*slot),
            usage.vsz as f64,
        );
    }
}

fn queues(facts: &Facts<'_>, text: &mut String) {
    let queue = |bound: &crate::socket::Bound| {
        let name = bound.name.replace('\\', "\\\\").replace('"', "\\\"");
        (
            format!("{{socket=\"{name}\"}}"),
            Backlog::of(bound.socket()).unwrap_or_default(),
        )
    };
    let queues: Vec<_> = facts.sockets.iter().map(queue).collect();
    head(
        text,
        "listen_queue",
        "gauge",
        "Connections that wait to be accepted",
    );
    for (label, backlog) in &queues {
        line(text, "listen_queue", label, f64::from(backlog.waiting));
    }
    head(
        text,
        "listen_queue_max",
        "gauge",
        "The most connections that may wait",
    );
    for (label, backlog) in &queues {
        line(text, "listen_queue_max", label, f64::from(backlog.most));
    }
}

fn label(slot: WorkerSlot) -> String {
    format!("{{worker=\"{}\"}}", slot.number() + 1)
}

// Writing to a string cannot fail.
fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP gateserve_{name} {help}.");
    let _ = writeln!(text, "# TYPE gateserve_{name} {kind}");
}

fn line(text: &mut String, name: &str, label: &str, value: f64) {
    let _ = writeln!(text, "gateserve_{name}{label} {value}");
}
