//! Two runs held against each other: what got better, what got worse.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    contest,
    findings::plural,
    key,
    text::visible,
    view::{Column, Mark},
};
use crate::{
    results::{CaseResult, Results, Throughput},
    stats::{self, Ratio},
};

/// A ratio may be worse by this share before it counts: subjects that are started anew do not run
/// exactly as fast as before.
const TOLERANCE: f64 = 0.05;

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
    /// Measurements whose ratio to the first of their contest can be held against the earlier one.
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

/// One measurement in both runs. Absolute rates are no part of it: another day, another neighbour
/// on the same machine.
#[derive(Debug)]
pub struct RateChange<'a> {
    /// The later measurement.
    pub entry: &'a Throughput,
    /// What it is compared to within its run.
    pub against: &'a Throughput,
    /// Its multiple of that one before.
    pub before: Ratio,
    /// And now.
    pub after: Ratio,
    /// The second as a multiple of the first.
    pub shift: Ratio,
}

impl RateChange<'_> {
    /// Whether it is slower by more than the tolerance, whichever end of the interval is true.
    pub fn is_slower(&self) -> bool {
        let interval = self.shift.interval;
        interval.is_some_and(|interval| interval.high < 1.0 - TOLERANCE)
    }

    /// Whether it moved, or may have.
    fn is_told(&self) -> bool {
        let moved = (self.shift.value - 1.0).abs() > TOLERANCE;
        self.is_slower() || self.is_faster() || (moved && self.shift.interval.is_none())
    }

    fn is_faster(&self) -> bool {
        let interval = self.shift.interval;
        interval.is_some_and(|interval| interval.low > 1.0 + TOLERANCE)
    }
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

    /// Whether a measurement got slower in comparison with the first of its contest.
    pub fn got_slower(&self) -> bool {
        self.rates.iter().any(RateChange::is_slower)
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

/// Where the first of a contest is another one than before, nothing can be compared.
fn rates<'a>(old: &Results, new: &'a Results) -> Vec<RateChange<'a>> {
    let before: BTreeMap<_, _> = old
        .throughput
        .iter()
        .map(|entry| (key::of_measurement(entry), entry))
        .collect();
    let earlier = |entry| before.get(&key::of_measurement(entry)).copied();
    let mut changes = Vec::new();
    for contest in contest::contests(new) {
        let against = contest.first();
        for &entry in &contest.entries[1..] {
            let (Some(old), Some(old_against)) = (earlier(entry), earlier(against)) else {
                continue;
            };
            let (before, after) = (contest::ratio(old, old_against), contest.ratio(entry));
            let shift = shift((entry, against), (old, old_against));
            changes.push(RateChange {
                entry,
                against,
                before,
                after,
                shift: shift.unwrap_or_else(|| Ratio::bare(after.value / before.value)),
            });
        }
    }
    changes
}

/// How the ratio of a pair moved; `None` where one of the two pairs took no turns.
fn shift(later: (&Throughput, &Throughput), earlier: (&Throughput, &Throughput)) -> Option<Ratio> {
    let ratios = |(one, against): (&Throughput, &Throughput)| -> Option<Vec<f64>> {
        let pairs = one.rounds.iter().zip(&against.rounds);
        let took_turns = one.turns.is_some() && one.turns == against.turns;
        took_turns.then(|| pairs.map(|(a, b)| a / b).collect())
    };
    stats::of_shift(&ratios(later)?, &ratios(earlier)?)
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
    let mut told = changes
        .rates
        .iter()
        .filter(|rate| rate.is_told())
        .peekable();
    if told.peek().is_some() {
        out += "### Throughput, as a multiple of the first model's\n\n";
        out.extend(told.map(rate_line));
        out.push('\n');
    }
    if out.is_empty() {
        out += "Nothing changed in the cases that both runs have.\n";
    }
    out.extend(agreement(&changes.rates));
    if changes.added + changes.gone > 0 {
        let (added, gone) = (plural(changes.added, "case"), plural(changes.gone, "case"));
        _ = writeln!(
            out,
            "{added} only in the later run, {gone} only in the earlier one."
        );
    }
    out
}

/// How many ratios the two runs agree on: the intervals that they state have a value in common.
fn agreement(rates: &[RateChange<'_>]) -> Option<String> {
    let stated = rates
        .iter()
        .filter_map(|rate| Some((rate.before.interval?, rate.after.interval?)));
    let meet: Vec<bool> = stated.map(|(old, new)| old.meets(&new)).collect();
    let agreed = meet.iter().filter(|&&meet| meet).count();
    (!meet.is_empty()).then(|| {
        let all = meet.len();
        format!("The intervals of both runs meet for {agreed} of {all} throughput ratios.\n")
    })
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
    let verdict = match change.shift.interval {
        _ if change.is_slower() => "**slower**",
        _ if change.is_faster() => "faster",
        _ => "too few rounds to tell",
    };
    let of = |entry: &Throughput| match &entry.backend {
        Some(backend) => format!("{} {backend}", contest::way(entry)),
        None => contest::way(entry),
    };
    format!(
        "- {} · {} on {} · {} against {}: {} → {}, {verdict}\n",
        change.entry.gateway.as_deref().unwrap_or("url"),
        change.entry.workload,
        change.entry.connections,
        of(change.entry),
        of(change.against),
        contest::ratio_text(&change.before),
        contest::ratio_text(&change.after),
    )
}
