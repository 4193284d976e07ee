//! Throughput arranged for comparison: what ran under the same conditions stands side by side.

use super::units;
use crate::{
    model::Model,
    results::{PacingKind, Results, Throughput},
    stats::{self, Ratio},
};

/// Measurements of one gateway under one workload; only the way to the application differs.
#[derive(Debug)]
pub struct Contest<'a> {
    /// Subject id of the gateway, or `url`.
    pub gateway: &'a str,
    /// In the order of [`Model::ALL`]; the first is what the others are compared to.
    pub entries: Vec<&'a Throughput>,
}

impl<'a> Contest<'a> {
    /// The conditions: `hello, 64 connections, closed loop`.
    pub fn conditions(&self) -> String {
        let one = self.first();
        let connections = super::findings::plural(one.connections as usize, "connection");
        let pacing = match (one.pacing, one.offered_rps) {
            (PacingKind::Closed, _) => "closed loop".to_owned(),
            (PacingKind::Open, Some(rate)) => format!("{} requests/s offered", units::amount(rate)),
            (PacingKind::Open, None) => "open loop".to_owned(),
        };
        let closes = if one.closes { ", each on its own" } else { "" };
        format!("{}, {connections}, {pacing}{closes}", one.workload)
    }

    /// What the others are compared to.
    pub fn first(&self) -> &'a Throughput {
        self.entries[0]
    }

    /// The rate of `entry` as a multiple of the first one's.
    pub fn ratio(&self, entry: &Throughput) -> Ratio {
        ratio(entry, self.first())
    }

    /// Whether `entry` is what the others are compared to.
    pub fn is_first(&self, entry: &Throughput) -> bool {
        std::ptr::eq(entry, self.first())
    }

    /// The entries of the same model against the first of it: there only the backend differs.
    pub fn duels(&self) -> Vec<Duel<'a>> {
        let mut duels = Vec::new();
        for (at, &one) in self.entries.iter().enumerate() {
            let same = |other: &&&Throughput| other.model == one.model;
            match self.entries[..at].iter().find(same) {
                // What is compared to the first of all stands in the table already.
                Some(&against) if !self.is_first(against) => duels.push(Duel {
                    one,
                    against,
                    ratio: ratio(one, against),
                }),
                _ => {}
            }
        }
        duels
    }

    /// What an entry is called here: its way, and its backend where there are several.
    pub fn label(&self, entry: &Throughput) -> String {
        let way = way(entry);
        match (&entry.backend, self.has_backends()) {
            (Some(backend), true) => format!("{way} {backend}"),
            _ => way,
        }
    }

    /// Whether a model has several entries, told apart by their backends.
    pub fn has_backends(&self) -> bool {
        self.entries
            .windows(2)
            .any(|two| two[0].model == two[1].model)
    }

    /// The highest rate.
    pub fn best_rps(&self) -> f64 {
        self.entries.iter().map(|e| e.rps).fold(0.0, f64::max)
    }

    fn admits(&self, other: &Throughput) -> bool {
        let one = self.first();
        self.gateway == gateway(other)
            && one.workload == other.workload
            && one.pacing == other.pacing
            && one.connections == other.connections
            && one.closes == other.closes
            && one.offered_rps == other.offered_rps
    }
}

/// Groups the measurements of a run.
pub fn contests(results: &Results) -> Vec<Contest<'_>> {
    let mut contests = Vec::<Contest<'_>>::new();
    for entry in &results.throughput {
        match contests.iter_mut().find(|c| c.admits(entry)) {
            Some(contest) => contest.entries.push(entry),
            None => contests.push(Contest {
                gateway: gateway(entry),
                entries: vec![entry],
            }),
        }
    }
    for contest in &mut contests {
        contest.entries.sort_by_key(|entry| entry.model);
    }
    contests
}

/// Two entries of one model.
#[derive(Debug)]
pub struct Duel<'a> {
    /// The later one.
    pub one: &'a Throughput,
    /// What it is compared to.
    pub against: &'a Throughput,
    /// Its rate as a multiple of the other's.
    pub ratio: Ratio,
}

/// How many times as fast `one` is: round by round where they took turns, else by their medians
/// and without interval.
pub fn ratio(one: &Throughput, against: &Throughput) -> Ratio {
    let took_turns = one.turns.is_some() && one.turns == against.turns;
    let paired = took_turns.then(|| stats::of_pairs(&one.rounds, &against.rounds));
    paired
        .flatten()
        .unwrap_or_else(|| Ratio::bare(one.rps / against.rps))
}

/// The ratio with its interval: `1.42× 1.38–1.47`.
pub fn ratio_text(ratio: &Ratio) -> String {
    match ratio.interval {
        Some(interval) => format!(
            "{} {}",
            units::times(ratio.value),
            units::span(interval.low, interval.high)
        ),
        None => units::times(ratio.value),
    }
}

/// The verdict in words; without an interval there is none.
pub fn verdict(ratio: &Ratio) -> String {
    match ratio.interval {
        Some(_) => ratio.verdict().to_string(),
        None => "too few rounds to tell".to_owned(),
    }
}

fn gateway(entry: &Throughput) -> &str {
    entry.gateway.as_deref().unwrap_or("url")
}

/// The way to the application: `cgi via fastcgi`.
pub fn way(entry: &Throughput) -> String {
    let model = entry.model.map_or("http", Model::word);
    match &entry.carrier {
        Some(carrier) => format!("{model} via {carrier}"),
        None => model.to_owned(),
    }
}

/// Socket kind and connection use towards the backend, part of every figure's name: `unix, kept`.
pub fn link(entry: &Throughput) -> String {
    let socket = entry.socket.as_deref();
    let kept = entry
        .backend_keepalive
        .map(|kept| if kept { "kept" } else { "new" });
    let parts: Vec<_> = [socket, kept].into_iter().flatten().collect();
    parts.join(", ")
}

/// Caveats of a run, each told once: with a number, or without where it holds for every figure.
#[derive(Debug, Default)]
pub struct Footnotes<'a> {
    common: Vec<&'a str>,
    numbered: Vec<&'a str>,
}

impl<'a> Footnotes<'a> {
    /// Starts with what several measurements have in common.
    pub fn of(results: &'a Results) -> Self {
        let common = match results.throughput.as_slice() {
            [first, rest @ ..] if !rest.is_empty() => {
                let everywhere = |text: &&String| rest.iter().all(|e| e.caveats.contains(*text));
                let common = first.caveats.iter().filter(everywhere);
                common.map(String::as_str).collect()
            }
            _ => Vec::new(),
        };
        let numbered = Vec::new();
        Self { common, numbered }
    }

    /// The numbers of these caveats, from 1 and ascending; new ones are added, common ones have none.
    pub fn refer(&mut self, caveats: &'a [String]) -> Vec<usize> {
        let own = caveats.iter().map(String::as_str);
        let own = own.filter(|text| !self.common.contains(text));
        let own: Vec<_> = own.collect();
        let mut numbers: Vec<_> = own.into_iter().map(|text| self.number(text)).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Caveats that hold for every figure.
    pub fn common(&self) -> &[&'a str] {
        &self.common
    }

    /// The other caveats with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (usize, &'a str)> {
        let texts = self.numbered.iter().enumerate();
        texts.map(|(at, &text)| (at + 1, text))
    }

    fn number(&mut self, caveat: &'a str) -> usize {
        let known = self.numbered.iter().position(|&text| text == caveat);
        1 + known.unwrap_or_else(|| {
            self.numbered.push(caveat);
            self.numbered.len() - 1
        })
    }
}

/// Footnote numbers in raised digits: `¹ ²`.
pub fn raised(numbers: &[usize]) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let raise = |number: &usize| -> String {
        let digits = number.to_string().into_bytes();
        digits
            .iter()
            .map(|d| DIGITS[usize::from(d - b'0')])
            .collect()
    };
    numbers.iter().map(raise).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caveat_keeps_its_number() {
        let (first, second) = (["a".to_owned()], ["b".to_owned(), "a".to_owned()]);
        let mut notes = Footnotes::default();
        assert_eq!(notes.refer(&first), [1]);
        assert_eq!(notes.refer(&second), [1, 2]);
        assert_eq!(notes.numbered().collect::<Vec<_>>(), [(1, "a"), (2, "b")]);
    }

    #[test]
    fn footnote_numbers_are_raised_digit_by_digit() {
        assert_eq!(raised(&[1, 20]), "¹ ²⁰");
    }
}
