//! Two runs held against each other: what got better, what got worse.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    contest,
    findings::plural,
    key,
    text::visible,
    units,
    view::{Column, Mark},
};
use crate::results::{CaseResult, Results, Throughput};

/// Rates closer than this are the same: short runs scatter by a few per cent.
const NOISE: f64 = 0.05;

/// What changed from one run to another.
#[derive(Debug, Default)]
pub struct Changes<'a> {
    /// Violations that are gone.
    pub better: Vec<Change<'a>>,
    /// Violations that are new.
    pub worse: Vec<Change<'a>>,
    /// Other changes of the outcome.
    pub other: Vec<Change<'a>>,
    /// Cases that only the later run has.
    pub added: usize,
    /// Cases that only the earlier run has.
    pub gone: usize,
    /// Measurements whose rate moved.
    pub rates: Vec<RateChange<'a>>,
}

/// One case that ended differently.
#[derive(Debug)]
pub struct Change<'a> {
    /// The case in the later run.
    pub case: &'a CaseResult,
    /// How it ended before.
    pub before: Mark,
    /// How it ends now.
    pub after: Mark,
}

/// One measurement that moved.
#[derive(Debug)]
pub struct RateChange<'a> {
    /// The later measurement.
    pub entry: &'a Throughput,
    /// Requests per second before.
    pub before: f64,
}

/// Compares cases by scenario, gateway, model and backend.
pub fn compare<'a>(old: &Results, new: &'a Results) -> Changes<'a> {
    let mut before: BTreeMap<_, _> = old.results.iter().map(|c| (key::of_case(c), c)).collect();
    let mut changes = Changes::default();
    for case in &new.results {
        match before.remove(&key::of_case(case)) {
            Some(old) => changes.note(Change {
                case,
                before: Mark::of(old),
                after: Mark::of(case),
            }),
            None => changes.added += 1,
        }
    }
    changes.gone = before.len();
    changes.rates = rates(old, new);
    changes
}

impl<'a> Changes<'a> {
    /// Whether the later run broke rules that the earlier one kept.
    pub fn got_worse(&self) -> bool {
        !self.worse.is_empty()
    }

    fn note(&mut self, change: Change<'a>) {
        let list = match (change.before, change.after) {
            (before, after) if before == after => return,
            (_, after) if after.is_violation() && !change.before.is_violation() => &mut self.worse,
            (before, Mark::Pass | Mark::Stale) if broke(before) => &mut self.better,
            _ => &mut self.other,
        };
        list.push(change);
    }
}

fn broke(mark: Mark) -> bool {
    mark.is_violation() || mark == Mark::Known
}

fn rates<'a>(old: &Results, new: &'a Results) -> Vec<RateChange<'a>> {
    let before: BTreeMap<_, _> = old
        .throughput
        .iter()
        .map(|t| (key::of_measurement(t), t.rps))
        .collect();
    let moved = new.throughput.iter().filter_map(|entry| {
        let before = *before.get(&key::of_measurement(entry))?;
        let moved = (entry.rps / before - 1.0).abs() > NOISE;
        moved.then_some(RateChange { entry, before })
    });
    moved.collect()
}

/// The changes as Markdown, which reads well on a terminal too.
pub fn render(changes: &Changes<'_>) -> String {
    let mut out = String::new();
    let lists = [
        ("Worse", &changes.worse),
        ("Better", &changes.better),
        ("Otherwise different", &changes.other),
    ];
    for (title, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
        _ = writeln!(out, "### {title}: {}\n", plural(list.len(), "case"));
        out.extend(list.iter().map(line));
        out.push('\n');
    }
    if !changes.rates.is_empty() {
        out += "### Rates that moved by more than 5 %\n\n";
        out.extend(changes.rates.iter().map(rate_line));
        out.push('\n');
    }
    if out.is_empty() {
        out += "Nothing changed in the cases that both runs have.\n";
    }
    if changes.added + changes.gone > 0 {
        let (added, gone) = (plural(changes.added, "case"), plural(changes.gone, "case"));
        _ = writeln!(
            out,
            "{added} only in the later run, {gone} only in the earlier one."
        );
    }
    out
}

fn line(change: &Change<'_>) -> String {
    let place = Column::of(change.case).label();
    let mut line = format!(
        "- {} on {place}: {} → {}\n",
        change.case.scenario,
        change.before.word(),
        change.after.word()
    );
    let told = (&change.case.expected, &change.case.actual);
    if let (true, (Some(expected), Some(actual))) = (change.after.is_violation(), told) {
        let (expected, actual) = (visible(expected), visible(actual));
        _ = writeln!(line, "  expected {expected}, got {actual}");
    }
    line
}

fn rate_line(change: &RateChange<'_>) -> String {
    let (before, after) = (change.before, change.entry.rps);
    format!(
        "- {} · {} · {}: {} → {} requests/s ({:+.0} %)\n",
        change.entry.gateway.as_deref().unwrap_or("url"),
        contest::way(change.entry),
        change.entry.workload,
        units::amount(before),
        units::amount(after),
        (after / before - 1.0) * 100.0
    )
}
